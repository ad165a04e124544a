/* The phrases by which people and programs say what bears on a decision. Whoever may lie in a log line may not establish anything with it:
 * a row names the places in which it counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

enum { PROSE = 1 << TEXT_PROSE, STATUS = 1 << TEXT_STATUS, EVENT = 1 << TEXT_EVENT, LOG = 1 << TEXT_LOG };
enum { SEEN = PROSE | STATUS, TOLD = SEEN | EVENT, ANY = TOLD | LOG };

static const struct {
	text_say say;
	unsigned where;
	bool plain; /* "no X" does not say X */
	const char *pattern, *unless;
} phrases[] = {
    /* release history */
    {SAY_NEW, SEEN, true,
        "since the last |since the new|since the latest|since today|since this morning|since yesterday|since revision|since release|since "
        "version|"
        "since v|since deploy|since the deploy|since the rollout|since the release|since the upgrade|since upgrad|since the bump|since the "
        "change|"
        "after deploy|after the deploy|after the rollout|after the release|after upgrad|after the upgrade|after rolling out|after a "
        "deploy|after a rollout|"
        "after a release|after releas|after updating|after the update|after an update|after bumping|after the bump|after the new|after "
        "merging|after the change|"
        "after the last deploy|after the latest|right after the|new revision|newest revision|latest revision|current revision|new "
        "replicaset|new rs |"
        "new version|new release|new image|new build|new tag|new pod|new config|the rollout of|rollout of |rolled out|just "
        "deployed|deployed * ago|deploy * ago|rollout * ago|change * (min|minutes|hour|hours) ago|"
        "release * ago|changed * ago|changed at|deployment changed|deployment updated|image changed|image * changed|bumped|upgraded "
        "|updated to|updated from|"
        "helm upgrade|upgrade to|update to|set image|canary|deployment revision|revision * introduced|introduced|rolling "
        "update|progressdeadlineexceeded|"
        "moved from|switched from|switched to|was changed to|changed from|went from v|went out|shipped|started with|began with|after the "
        "merge|was merged|went live|from then on|was installed at|was installed by|wrote the tag|into the manifest|push step|never "
        "pushed|we pushed|pushed * ago|triggered it|latest build|latest release|latest image|latest version|newest "
        "build|newest version|newest release|last change|was deployed|got deployed|minutes ago|min ago|an hour ago|after today|today s "
        "(release|deploy|rollout)|yesterday s (deploy|rollout)|the deploy of|changed the "
        "(image|entrypoint|command|args|probe|port|path|env|config)|(entrypoint|command|args|image|path|port) (was|were) changed|replaced "
        "* by|(release|version|revision|build|deploy) * (added|adds|introduced|introduces|changes|removed|removes|moved|moves|points)",
        ""},
    {SAY_NEW, SEEN, true,
        "(today|yesterday|tonight|morning|afternoon|evening|night|monday|tuesday|wednesday|thursday|friday|saturday|sunday) s "
        "(release|deploy|rollout|hotfix|build|push|update|upgrade|patch|change|image|version)|(hit|reached|landed in|landed on) "
        "(prod|production|the cluster|staging)|brought by|came with|hotfix|from the * rollout|deployed (0|1|2|this|by)|replaced "
        "(v|release|version|build|revision)|(release|deploy|rollout|build|image|version) (this morning|this afternoon|tonight|today|an "
        "hour)|(deploy|rollout|release) of |since * (rollout|deploy|release)|promoted|delivered|shipped|rolled|swapped|bumped|put live|"
        "switching|switched|since release|after moving (from|to)|was published|now (runs|points|uses|on) |is (now|live) (on|at) (v|"
        "version|build|release)|seit dem (deploy|rollout|release|update)|neue version|depuis le "
        "deploiement|desde el despliegue",
        ""},
    {SAY_NEW, TOLD, true, "scaled up replica set|scaled up replicaset|pushed (tag|image|build)|(manifest|spec|chart|yaml|values) (edit|"
        "change|bump|update)|(was|were) "
        "edited", ""},
    {SAY_FIRST, SEEN, false,
        "first install|fresh install|fresh helm install|new install|initial install|initial deploy|first deploy|first rollout|first "
        "release|first revision|only revision|helm install|"
        "first time|newly installed|brand new|clean install|new cluster|fresh cluster|never ran|never worked|never started|never been "
        "healthy|never been ready|"
        "installing |installation of|install of|during install|right after install|after install|quick start|quickstart|getting "
        "started|tutorial|kubectl create|"
        "no earlier revision|no previous revision|no former revision|no revision to|newly created|just created|revision 1 only|new "
        "service|new deployment|new namespace",
        "new deployment of|helm upgrade install"},
    {SAY_NO_CHANGE, SEEN, false,
        "image did not change|image has not changed|version did not change|revision is the same|same as last week|did not change|no "
        "version changed|no deployment|no deploy |no deploys|no rollout|no release|no change|no changes|no recent|no new |nothing was "
        "deployed|nothing was released|nothing changed|"
        "nothing was changed|nothing deployed|not deployed|not been deployed|not changed|has not changed|hasn t changed|was not "
        "changed|were not changed|wasn t changed|without any change|without a change|"
        "without a deploy|without a rollout|same revision|last deploy* days|last deploy* weeks|last deploy* months|last rollout* days|last "
        "rollout* weeks|last release* days|"
        "last release* weeks|deployed * days ago|deployed * weeks ago|deployed * months ago|unchanged since|unchanged for|image "
        "unchanged|deployment unchanged|manifest unchanged|"
        "template unchanged|revision unchanged|same image for|started by themselves|began by itself|last change * days|last change * "
        "weeks|last change * months|"
        "has been running for|had been running for|running since * days|last (changed|deployed|released|touched|rolled|updated|modified) "
        "(in|on|days|weeks|months|long|yesterday|last)|nobody (deployed|released|changed|touched)|no one (deployed|released|changed)|untouched "
        "(since|for)|(deployment|image|manifest|workload|chart) (was|is|has) not (touched|been touched)",
        "no new pod"},
    {SAY_SAME_BEFORE, SEEN, false,
        "both revisions|both versions|both releases|both images|all revisions|all versions|either revision|every revision|every "
        "version|same image|same tag|same template|"
        "same error * (previous|before|old)|same crash|same failure|same error|previous * also|previous * as well|previous * too |old pods "
        "* (fail|crash)|old pods also|"
        "old revision also|old version also|former revision also|older * also|earlier * also|also fail|also crash|fails as well|fail as "
        "well|crash as well|crashes as well|crashed as well|crashes too|crash too|fails too|"
        "rollback did not|rollback didn|rollback does not|rollback doesn|rollback failed|rolling back did|rolling back does|rolling back "
        "failed|rolled back * (still|same|no )|"
        "after the rollback|after rolling back|after rollback|previous revision * (crash|fail|same|never|was not|wasn)|previous version * "
        "(crash|fail|same|never)|(previous|former|old|earlier|prior|other) revision * never|"
        "old revision * (crash|fail|never)|old replicaset * (crash|fail)|neither revision|no healthy revision|regardless of the "
        "version|independent of the version|whatever version|any version|"
        "no revision ever|old pods were also|other deployments * (same|too|also)|all deployments|every deployment|all pods * fail|all "
        "services|several services|other services * (fail|same|also)|"
        "cluster wide|all namespaces|rolled back already|already rolled back|reverted already|revert did not|downgrade * (did not|not "
        "possible|impossible|not supported)|cannot be downgraded|"
        "can t be rolled back|cannot be rolled back|must not be rolled back|do not roll back|not to go back|not go back|never go "
        "back|cannot go back|can t go back|security hole|cve |vulnerab|was withdrawn|known bad|irreversible|one way|backward* incompatible",
        ""},
    {SAY_SAME_BEFORE, SEEN, false,
        "going back|forbid|forbids|forbidden|data leak|security (fix|patch|issue|hole|update)|gdpr|legal |law |laws |statutory|mandat|"
        "new tax|tax law|compliance|regulator|contract|"
        "(image|tag|"
        "artifact|version) * (been deleted|been removed|is gone from|purged|pruned)",
        "is forbidden"},
    {SAY_SAME_BEFORE, SEEN, true,
        "rolled back|reverted|undid|undone|went back|gone back|rolled it back|back on (v|version|release|the)|(exit|crash|crashes|fails|"
        "failed|dies|"
        "panics|restarts) * (as well|too |also|alike|likewise)|not ready either|either since",
        "can be|could be|should|be rolled back|be reverted|not yet|roll back to|please|want|was not"},
    {SAY_MIGRATED, ANY, false,
        "converted|(can t|cannot|could not|couldn t) read (it|them|that|the|new|what)|unreadable|new format|format (version|v)|dropped|"
        "drops |migrate|migration|migrations|migration * (ran|applied|complete|done|finished|executed|succeeded)|migrations * "
        "(ran|applied|complete|done|finished)|migrated|schema * (changed|upgraded|version|migrat)|"
        "database * upgraded|dropped column|drop column|dropped table|renamed column|column * (dropped|removed|renamed)|data "
        "format|flyway|liquibase|alembic|"
        "dirty database|schema mismatch|downgrade|incompatible * data|data directory",
        "usage |no migration|no schema|without migration|without schema"},
    {SAY_CH_ENV, SEEN, true,
        "diff * env |env * http|env * (modified|changed|added|removed|introduced|set)|environment variable * (modified|changed|added|"
        "removed|renamed|set)|changed "
        "* env|changed * environment|address * changed|variable * renamed|config * changed|new env|introduced * env|changed * url|changed "
        "* address|changed * host",
        ""},
    {SAY_CH_COMMAND, SEEN, true,
        "command * changed|changed * command|(replaced|removed|added|edited|renamed) * (args|arguments|command|flag|entrypoint) |"
        "args * changed|changed * args|new flag|flag * (added|introduced)|entrypoint|command in|new "
        "command|command line",
        ""},
    {SAY_CH_PROBE, SEEN, true,
        "probes * on |now probes|~probe * port |(readiness|liveness) * (moved|changed|switched|pointed|set) to|(readiness|"
        "liveness) * now|probe * changed|changed * probe|~probe (port|path|now|changed|moved|pointed)|~probe * (port|path) [0-9]|"
        "changed * port|port * changed|new * probe|probe * (added|introduced|modified|moved)|probe "
        "path|probe port|readiness path|health path|health endpoint * (moved|renamed|changed)|port from|"
        "revision * probe|port * (moved|switched) to|health * (endpoint|path|route|check) * (moved|renamed|is now|changed)|(moved|renamed|"
        "changed) * health|has * ~probe path|targets port|probes port|wrong port|wrong path",
        ""},
    {SAY_CH_REF, SEEN, true,
        "reference* * (secret|configmap)|envfrom|mounts * (secret|configmap)|new secret|new configmap|introduced * "
        "(secret|configmap)|renamed * (secret|configmap)|(secret|configmap) * renamed",
        ""},
    {SAY_CH_IMAGE, SEEN, true, "image|tag |version|build |release|v0|v1|v2|v3|v4|v5", ""},

    /* state */
    {SAY_OOM, ANY, true,
        "~oomkill|systemoom|system oom|oom encountered|oom killed|oom kill|oomkilling|out of memory kill|memory cgroup out of "
        "memory|killed process * anon rss|killed process * total vm|by the oom|oom killer|reason oom|"
        "container oom|oom event|oom events|oomed|constraint memcg|"
        "killed because it exceeded its memory|killed for exceeding * memory|exceeded its memory limit|hit its memory limit",
        "oomkilled false|not oomkilled|oom score|no oomkill|no oom |without oom|not oom|never oom|isn t oom"},
    {SAY_NOT_OOM, SEEN, false,
        "not oomkilled|no oomkill|no oom |without oom|not oom|not an oom|oomkilled false|137 * reason error|reason error * 137|not "
        "memory|memory is fine|memory well below|memory * far below",
        ""},
    {SAY_RECOVERED, SEEN, true,
        "recovered|ready now|running now|healthy now|available now|are ready again|is ready again|ready again|back to normal|works "
        "now|work again|works again|self healed|went away|is healthy again|are healthy again|no longer failing|stopped by itself|"
        "succeeded on retry|pulled on the next try|all pods * ready now|is resolved|was resolved|has resolved|status resolved|incident "
        "resolved|alert resolved|all replicas are ready|running and ready again",
        "limit|increas|raised|raising|not recovered|never recovered|not resolved|until|not be resolved|cannot be resolved|worked again "
        "after roll|works again after roll|ready again after roll|crash again|not ready"},
    {SAY_HARMLESS, SEEN, true,
        "nothing is wrong|all green|all deployments available|none firing|is there an anomaly|anything unusual|no user impact|no impact|"
        "no latency "
        "impact|severity info |for information|expected behaviour|expected behavior|by design|as intended|false alarm|no action "
        "needed|everything is healthy|"
        "connections work|all pods are running|all pods running|all replicas are ready|status healthy|health healthy|1 desired 1 updated 1 "
        "total 1 available|0 unavailable|no restarts|desired replicas available|watchdog|works for users|no errors",
        "no restarts before"},
    {SAY_SERVING, SEEN, true,
        "old * still (serv|running|ready|up)|still serv|still served|old pods * (ready|running|serving)|old replicaset * "
        "(ready|running|serv|1 1|2 2|3 3)|previous * still (serv|running|ready)|"
        "former * still (serv|running|ready)|old pods|keeps serving|keep serving",
        "old pods fail|old pods crash|old pods also"},
    {SAY_SCALED_ZERO, SEEN, true,
        "scaled to 0|scaled to zero|scaled down to 0|scaled down to zero|replicas 0 |replicas set to 0|replicas is 0|replicas=0|0 "
        "desired|replicas to 0|replicas from * to 0 |replicas 0 0|zero replicas|0 replicas|0 0 0 0",
        "desired 0 |old|completed|bind|listen|addr|tcp|http|cidr"},
    {SAY_ZERO_MEANT, SEEN, false,
        "keda|scale to zero|scaledobject|knative|maintenance|on purpose|intention|planned|decommission|retired|deprecated|disabled|cost "
        "sav|at night|weekend|hibernat|suspended|snooze|parked|freeze|migration",
        ""},
    {SAY_BOUNDED, SEEN, true,
        "settles|stays up|stable |plateau|idles|average|on average|peak|needs |need |needed |estimated|measured|capped|constant|sits "
        "at|configured|of * each|fixed size|one size|chart default|scaffold|default limit|default memory",
        ""},
    {SAY_OUTSIDE, SEEN, true,
        "(is|are|went|been) down since|also lose|one by one|(at|in|since) the same (time|minute|moment|hour|second)|simultaneous|coincid|(new|old|small|smaller|other|another|different|bigger|"
        "replaced) * (node|nodes) |(config|configuration|license|auth|identity|name|file|mail|time|key|proxy) server * (was|is|has|had) |"
        "(cluster|kubernetes|k8s|eks|aks|gke|openshift|node|nodes|kubelet|containerd|kernel|os|istio|mesh|cni|control plane) "
        "(upgrade|upgraded|update|updated|was upgraded|were upgraded|was updated|were updated|migration|replacement|version)|"
        "nodes were|new ami|new nodes|new node pool|node image|node pool|kernel version|cgroup v2|upgraded (the cluster|kubernetes|the "
        "nodes|node)|upgrade of (the cluster|kubernetes|the nodes)|new kubernetes version|(configmap|config map) * "
        "(edited|changed|updated|modified|by hand)|"
        "key * (rotated|expired|revoked)|rotated|rotation|"
        "(secret|configmap|pvc|volume|service|crd|namespace) * (does not exist|doesn t exist|no longer exists|is gone|was deleted)|someone "
        "deleted|somebody deleted|too many open files|"
        "(broker|brokers|database|db|kafka|redis|postgres|mysql|rabbitmq|vault|upstream|dependency|registry|dns|backend|queue|storage|"
        "network|ldap|idp|sso|api) (is|are) (down|unavailable|unreachable|broken|degraded|slow)|upstream * "
        "(removed|changed|down|unavailable)|api removed|"
        "dns * (changed|migrat)|firewall|networkpolicy|network policy|security group|proxy * changed|moved to * "
        "(cluster|namespace|node|region|host)|restored from|on the old nodes|on the new nodes|on one node|only on node|on arm|graviton|in "
        "the other cluster|feature gate|"
        "api server * (slow|timeout)|crd * (removed|deleted|changed)|no longer served|was removed from the cluster|service * "
        "deleted|database * read only|is in maintenance|under maintenance|provider|third "
        "party|partner|license|licence|quota|disk * full|volume * full|pvc * full",
        "runs at|stays up"},
    {SAY_OUTSIDE, ANY, false,
        "(consumers|clients|callers|everyone|everybody|teams|services) * affected|(service|backend|upstream|provider|api) "
        "(returns|answers|sends|serves|delivers) * (garbage|error|errors|wrong|empty|nothing|nonsense|500|502|503|504)",
        ""},
    {SAY_CODE, ANY, false,
        "panic|nil pointer|nil map|null pointer|nullpointer|~nullreference|typeerror|referenceerror|syntaxerror|syntax "
        "error|importerror|modulenotfound|no module named|cannot find "
        "module|~nosuchmethod|classnotfound|noclassdef|unsupportedclassversion|undefined method|cannot load such file|loaderror|"
        "segmentation|sigsegv|sigill|illegal instruction|sigabrt|139 |132 |127 |126 |core dumped|flag provided but not defined|(unknown|"
        "unexpected|unrecognised|invalid|bad|illegal|no such) (argument|parameter|switch|flag|option)|unknown "
        "flag|unknown option|unrecognized|unknown command|could not load|failed to load|cannot load|not part of the bundle|"
        "executable file not found|no such file or directory|not found in path|not "
        "found|starterror|stack trace|traceback|"
        "exception|unhandled|uncaught|assertion|keyerror|attributeerror|valueerror|nameerror|indexerror|undefined symbol|glibc|shared "
        "librar|wrong port|wrong path|probe|readinessprobe|livenessprobe|startupprobe|no match for platform|no matching manifest|"
        "repository does not exist|does not exist|doesn t exist|manifest unknown|typo|never pushed|invalidimagename|couldn t "
        "parse image|fatal python|could not find|could not locate|contains a (space|blank)|invalid reference|notfound|"
        "missing in * registry|panicked|exit 134|exits 13|terminate called|undefined method|usage |exit 2 |exits with 2|exits 2 |"
        "segfault|not executable|command|args|entrypoint|regression|template file|statuscode 404|"
        "cannot read propert|null reference|fatal error|parse error|broken build|missing in the image|not in the image",
        ""},
    {SAY_PAUSED, SEEN, true,
        "is paused|paused true|paused by|rollout paused|rollout is paused|spec paused|was paused|left paused|indefinite pause", ""},
    {SAY_WARMING, ANY, true,
        "minreadyseconds|(take|takes|took) * (minutes|min|hours) to|(to|while they|while it) warm|waits * between|one pod at a time|"
        "one at a time|pod by pod|still progressing|warm up|warmup|warming|still (loading|starting|building|syncing|replaying|warming|"
        "initialising|initializing|bootstrapping|importing|"
        "downloading|catching|restoring|compiling|indexing|copying)|will (take|be ready|finish|be done|come up|complete)|(minutes|min|hours|"
        "seconds) (left|remaining|to go|more)|more (minutes|hours)|in progress|catching up|catch up|replaying|rebuilding|re indexing|being "
        "(built|loaded|restored|imported|filled|copied|migrated|downloaded)|(expected|supposed) to take|takes * (minutes|min|"
        "hours) (by design|as "
        "always|to start|to load|every time)|not yet (loaded|built|finished|complete)|needs * (minutes|min|hours) (to|until|before)|slow start",
        "does not finish|never finish|hangs|crash"},
    {SAY_STALLED, TOLD, true,
        "progressdeadlineexceeded|exceeded its progress deadline|rollout * stuck|rollout stuck|rollout * stall|rollout * hang|rollout * "
        "does not (finish|complete)|rollout * timed out|timed out progressing|rollout not finish|"
        "timed out waiting for the condition|minimumreplicasunavailable|waiting for rollout|waiting for deployment|stuck rollout|rollout "
        "blocked|not progress|never becomes available|never become available",
        ""},
    {SAY_UNREADY, TOLD, true,
        "not ready|0 1 running|0 2 running|1 2 running|never ready|never becomes ready|never become ready|do not become ready|does not "
        "become ready|unready|notready|readiness probe|0 of * ready|fail readiness|fails readiness|fails its readiness",
        "node"},
    {SAY_SYMPTOM, SEEN, true,
        "fails with 5|failing with 5|returns 5|return 5|error 5|errors 5|http 5|500|502|503|504|error rate|5xx|latency * "
        "(rose|doubled|jumped)|(p50|p95|p99|latency) (from|to|up|at|is|was)|(times|much) slower|slow since|requests fail|calls fail|"
        "checkout fails|login fails|users * (cannot|see)|broken since",
        ""},

    /* memory */
    {SAY_UNBOUNDED, ANY, false,
        "leak|goroutine|~goroutines|thread count|file descriptor|handles|medium memory|nobody deletes|never deletes|never cleaned|not "
        "cleaned up|no ttl|without ttl|maxmemory|grows from|over the day|during the day|where clause|fills with|filling up|accumulat|pile "
        "up|piles up|queue grows|backlog|cardinality|grows without|grow without|growing without|grows steadily|grows linear|grows "
        "constantly|growing steadily|growing constantly|steady growth|linear growth|keeps growing|keep "
        "growing|climbs|climbing|creeps|unbounded|"
        "without bound|no limit is enough|regardless of the limit|regardless of memory|whatever the limit|whatever limit|any (limit|"
        "size|value|amount)|every (limit|size)|no "
        "matter (how|what)|no matter|raised * (again|still|twice|also|dies|same|only)|"
        "limit was doubled|limit doubled|doubled * (still|again)|increased * (still|again|same|no effect|did not help)|raising * (did "
        "not|does not|only)|increasing * (did not|does not|only)|even with|even after|even at|"
        "all available memory|select * from|selects all|loads the (whole|entire|full|complete|result)|loads all|all rows|million "
        "rows|whole * into memory|entire * into memory|into a list|no pagination|without pagination|every row|no batch|without batch|all "
        "memory|all the memory|all of the memory|balloon|dev zero|stress ng|stress vm|vm bytes|memhog|memory bomb|fork "
        "bomb|infinite|endless|quadratic|exponential|already raised|already increased|already doubled|raised twice|"
        "third time|several times already|whole table|entire table|full table|unlimited|as much as it|eats everything|fills up|until the "
        "node|cartesian|runaway query|within seconds of * to|spikes to|from * gi to * gi|"
        "then raised|raised it|raised to * oom|increased to * oom|never (comes|goes|drops|falls|shrinks)|straight up|(goes|going|went) up "
        "(and|with|until|linear|steadily)|rises with|rising|with (each|every) |per (client|user|connection|websocket|upload)|explosion|explod|"
        "miner|xmrig|malware|compromised|intru|hacked|suspicious|(twice|times) as long|(lived|lasts|lasted|survives|survived) longer|"
        "(concurrency|threads|workers|batch size|batchsize|parallelism|pool size|cache size|buffer size|prefetch) * (set from|set to|"
        "raised|changed|increased|from)|misconfigur|retry storm|flood|runaway|recursi|attack|(above|larger than|bigger than|exceeds|"
        "over) the (container|memory|pod) * limit|"
        "every * hours|after * hours|after * days|more and more|never released|not released|never freed|retained|cache * without|no "
        "eviction|no upper bound|decompress|zip bomb|malicious",
        "has been stable|is stable|works fine|works |runs fine|correctly|properly|stays up|solved|fixed it|idles|settles|no leak|not a "
        "leak|not leak|without a leak|no sign of a leak|no memory leak|flat|stable at|plateau|steady at|constant at|every minute|loads * "
        "every"},
    {SAY_UNBOUNDED, SEEN, true,
        "(one|single|some|certain|huge|giant|enormous) * (request|file|upload|query|customer|document|message|call|caller|picture|film|video|"
        "recording|export|import|report|user|tenant|feed|payload|archive) * (allocat|takes|needs|gb |gi |times|is |was |with|of )|"
        "(whenever|when) (someone|somebody|a user|a customer|one|customers|users)|usually|usual (one|size|file|request|image|call)|otherwise",
        "at start|on start|startup|once|replica|pod"},
    {SAY_UNBOUNDED, ANY, true, "grows |growing |keeps increasing|increases (by|steadily|with)|climb|leaks |leaking",
        "does not grow|no growth|tenant|file grew"},
    {SAY_JVM, ANY, false, "xmx|maxrampercentage|java opts|java heap|jvm heap|heap size|initialrampercentage|java lang outofmemory", ""},
    {SAY_LOWERED, SEEN, true,
        "limit * (cut|lowered|reduced|shrunk|halved|dropped) (from|to)|limit * lowered|limit was lowered|lowered the * limit|"
        "lowered * memory|limit * reduced|reduced * limit|memory limit * cut|limit "
        "was cut|limit * decreased|decreased * limit",
        ""},
    {SAY_NODE_MEMORY, TOLD, true,
        "node s memory|memory of the node|node swaps|swapping|equals the node|all the node has|systemoom|system oom|"
        "node * out of memory|memorypressure true|node memory|overcommit|nodehasinsufficientmemory|global "
        "oom|constraint none",
        ""},
    {SAY_NO_LIMIT, SEEN, false, "no limit|no memory limit|without limits|no limits|limits none|without a limit|best effort|besteffort",
        "no limit is"},

    /* owners */
    {SAY_OPERATOR, SEEN, false,
        "operator resets|operator sets|operator revert|operator reconcile|operator overwrit|operator owns|operator manages|operator "
        "put|operator hard|operator restores|operator changes|operator will|managed by * operator|managed by the|owned by * operator|owned "
        "by the|owned by a |"
        "controlled by * operator|reconciled by|set by * operator|by the operator|custom resource|clusterserviceversion|olm |addon "
        "manager|addonmanager|addon * reconcile|hard coded|hardcoded|reverted by|reverts|is reverted|are reverted|overwritten|overwrites|"
        "comes from the cr|spec of the cr|in the cr |via the cr|controlled by * "
        "(cluster|kafka|elasticsearch|prometheus|alertmanager|postgresql)|managed add on|managed addon|eks add on|gke managed|aks "
        "managed|managed by gke|managed by aks|managed by eks|provider managed|resets * to|reset to|sets it back|set back",
        "owned by a replicaset|owned by the deployment|owned by the team"},
    {SAY_VPA, SEEN, true, "verticalpodautoscaler|vpa ", ""},
    {SAY_ARGOCD, TOLD, true,
        "argocd|argo cd|outofsync|out of sync|selfheal|self heal|self healing|auto sync|application controller|argoproj", ""},
    {SAY_FLUX, TOLD, true, "flux |fluxcd|kustomization|helmrelease|gitrepository|source controller|helm controller", ""},
    {SAY_HELM, SEEN, true, "helm ", ""},
    {SAY_HPA, SEEN, true, "hpa |horizontalpodautoscaler|horizontal pod autoscaler|keda|scaledobject|maxreplicas|minreplicas", ""},
    {SAY_STATEFULSET, SEEN, true, "statefulset|stateful set|sts ", ""},
    {SAY_DAEMONSET, SEEN, true, "daemonset|daemon set|ds ", ""},
    {SAY_JOB, TOLD, true,
        "cronjob|backofflimitexceeded|job pod|pod of job|job controller|batch job|parallelism|controlled by job|job has reached|job "
        "status|helm hook job|hook job|presync hook",
        ""},
    {SAY_BARE_POD, SEEN, true,
        "bare pod|naked pod|static pod|standalone pod|single pod without|kubectl run|controlled by node|not owned by|no controller|no "
        "owner",
        ""},
    {SAY_DEPLOYMENT, SEEN, true, "deployment|deploy |replicaset|controlled by replicaset", ""},
    {SAY_DATABASE, SEEN, true,
        "database|postgres|mysql|mariadb|mongo|redis|valkey|cassandra|elasticsearch|opensearch|etcd|kafka|zookeeper|rabbitmq|clickhouse|"
        "cockroach|influxdb|couchdb|neo4j|minio|memcached|cnpg|patroni|timescale|rds |cloud sql|aurora|"
        "dynamo|scylla|vitess|tidb|starrocks|solr|ceph|longhorn|rook|vault|consul",
        ""},
    {SAY_PLATFORM, SEEN, true,
        "kube system|coredns|kube dns|kube proxy|kube apiserver|kube scheduler|kube "
        "controller|apiserver|etcd|calico|cilium|flannel|weave|aws node|vpc cni|cni |csi |ebs csi|istio|istiod|linkerd|envoy "
        "gateway|ingress controller|"
        "ingress nginx|nginx ingress|metallb|konnectivity|cloud controller|cluster autoscaler|node local dns|nodelocaldns|control "
        "plane|kubelet|gatekeeper|kyverno admission|admission controller|cert manager webhook|metrics server|multus|antrea|tigera|longhorn "
        "manager|karpenter",
        ""},
    {SAY_KUBE_SYSTEM, ANY, false, "kube system", "excluded|exclud* * kube system"},

    /* cost */
    {SAY_NONPROD, SEEN, true,
        "non production|nonproduction|non prod|nonprod|not production|dev |develop|development|staging|stage |stg |test |testing|tests |qa "
        "|sandbox|preview|demo|demos |ci |uat |loadtest|load test|load generator|load gen|perf |playground|lab |experiment|"
        "feature branch|feature env|review app|review env|training |notebook|jupyter|hackathon|poc |prototype|benchmark|pull "
        "request|ephemeral|temporary|integration env|acceptance|pre production|preprod|int |simulation|interview|trial",
        "load test showed"},
    {SAY_PROD, SEEN, true, "real * (customers|users|traffic)|beta customers|(serves|serving|used by) * (customers|patients|clients)|"
        "customers use|paying|revenue|"
        "production|prod |prd |customer facing|live traffic|live system",
        "copied from prod|copy of prod|clone of prod|cloned from prod|from production|as in production|than production|"
        "production (values|defaults|template|settings|sizes)|non production|non prod|not production|pre production|nonprod"},
    {SAY_IDLE, SEEN, false,
        "idle|near zero|near 0|close to zero|almost zero|nearly zero|about zero|no traffic|no requests|no users|no user|no load|no "
        "activity|no work|no jobs|no sessions|no connections|zero traffic|zero requests|without traffic|without work|without load|"
        "without users|unused|not used|not in use|abandoned|forgotten|forgot|left running|still run |merged|left over|leftover|left "
        "on|left at|leftovers|nobody|no one|none used|none (of them|in use)|no longer|finished|ended|completed|low "
        "efficiency|efficiency|efficient|utilisation|utilization|overprovision|over provision|"
        "wasted|waste|at night|overnight|outside office|outside business|after hours|office hours|weekend|not critical|empty queue|last "
        "activity|last commit|last login|last (request|query|visit|call|hit|traffic|build|job|run|message|use) * ago|stale|orphaned|"
        "around the clock|24 7|cpu near|cpu 0|cpu 1 |cpu 2 |cpu 3 |cpu below|cpu usage "
        "0|cpu usage below|cpu under|"
        "cpu average * (0|1|2|3|4|5) |cpu (0|1|2|3|4|5|6|7|8|9) |(0|1|2|3|4|5|6|7|8|9) cpu|cpu * (0|1|2|3|4|5|6|7|8|9) (each|percent|per "
        "cent)|no change in request|request rate unchanged|logged in|few percent|unchanged traffic|traffic unchanged|same traffic|without "
        "more requests|not shut down|never shut down|not stopped|never stopped|still running|still up|was not scaled|not scaled down|not "
        "cleaned|oversized|mostly idle|never (put|scaled|turned|rolled) back|not (put|scaled|turned) back|(test|demo|drill|run|project|workshop|"
        "training) (is|was|has) * (over|done|ended|finished|closed|friday|weeks|wednesday)|(test|demo|drill|window|run|workshop|"
        "hackathon|trial) (ended|finished|closed|over)|(benchmark|import|simulation|campaign|training|run|test|demo) (done|stopped|"
        "complete|was stopped|is done|was done)|is over|was over|moved (to another|elsewhere|away)|still there|still scheduled|still "
        "(provisioned|allocated|around)|doing nothing|does nothing|sits there|sitting there|without anything",
        "not idle|no idle|high efficiency|efficiency 8|efficiency 9|efficiency is good|utilization 8|utilization 9|utilisation "
        "8|utilisation 9"},
    {SAY_RUNAWAY, SEEN, false,
        "scaled to|scaled up to|scaled from|replicas|runaway|by hand|manually|by mistake|accident|typo|loop|hundreds of|dozens "
        "of|spike|jumped|tripled|quadrupled|doubled|times the|fold|5x|10x|4x|3x|from 2 to|from 1 to|from 3 to",
        ""},
    {SAY_COST_NODES, SEEN, true,
        "node group|nodegroup|node groups|node pool|nodepool|node pools|karpenter|cluster autoscaler|autoscaling group|asg |setting "
        "group|nodes added|new nodes|more nodes|extra nodes|nodes were added|added * nodes|instance type|instance family|machine type|"
        "spot |on demand|reserved |savings plan|provisioner|nodeclaim|nodes not removed|nodes are not|scale down * "
        "(blocked|disabled|prevented)|underutilized nodes|empty nodes|node count|number of nodes|larger nodes|bigger nodes|node "
        "upgrade|gpu node|gpu nodes|worker nodes|vm scale set|vmss|fixed node",
        "(replicas|pods|runs|running|run) on (gpu|large|big|expensive|spot)"},
    {SAY_COST_FEES, SEEN, true,
        "egress|nat gateway|data transfer|cross zone|cross az|inter zone|inter region|load "
        "balancer|loadbalancer|storage|snapshot|volumes|persistentvolume|persistent volume|pvc|disk|disks|s3 "
        "|bucket|ingestion|cloudwatch|log volume|logging cost|datadog|license|licence|subscription|"
        "llm (token|tokens|provider|fee|fees|api|spend|usage|gateway|bill)|openai|tokens|api call|api usage|support plan|support fee|"
        "cluster fee|management fee|control plane fee|provider "
        "fee|surcharge|fee |fees|managed|rds |cloud sql|aurora|list price|price increase|prices|pricing|exchange rate|extended "
        "support|public ip|ipv4|commitment|discount|credits|credit |marketplace|saas|cdn|bandwidth|network cost|registry",
        "price of the pods"},
    {SAY_COST_LOAD, SEEN, true,
        "traffic * (doubled|rose|increased|up|grew|higher)|more traffic|real load|more requests|requests * (doubled|rose|up|grew)|black "
        "friday|campaign|peak |peaks|seasonal|expected|planned|approved|launch|sale |marketing|cpu * (7|8|9)[0-9]|at 80|at 85|at 90|at "
        "95|high utili|busy|backlog|queue * (grew|deep|growing)|"
        "in use|uses it|is used|traffic is high|high traffic|(needed|used|runs|running|until|for) this week|for the fair|actively used|"
        "active users|release test|test * in "
        "progress|running test|is running right now|running right now|right now|in progress|tomorrow|next week|used by all|shared |all "
        "teams|until friday|until tomorrow|needed|must keep|must stay|must not|(must|has to|have to|need to|needs to|should|"
        "shall) be (up|on|available|ready|running|there|online|reachable|warm)|(every|each) (morning|working|monday|tuesday|wednesday|"
        "thursday|friday|weekday|week|business)|lecture|lessons|classes|keep running|required|audit|certification|reserved for|on "
        "purpose|agreed|intentional|do not touch|demo to|customer demo|due|deadline",
        "nobody|no one|(campaign|launch|sale|event|peak|test|demo) * (ended|over|finished|done)|no longer needed|not needed|"
        "no real load|(after|since) (a|the) (trade|fair|exhibition|demo|campaign|presentation|event)|not in use|traffic unchanged|"
        "without more requests"},
    {SAY_COST_LOAD, SEEN, true,
        "rehears|(takes|take|taking) over |twin of|sockets open|(hold|holds|holding) (open|the|a|on)|field (trial|test)|fair on|the fair|"
        "trade fair|exhibition|presented|presentation|as is |(takes|took|needs) * (hour|hours|days|minutes) to (load|build|warm|start|"
        "fill|rebuild)|not saved|not yet saved|unsaved|(lost|gone) (on|after|with) (restart|a restart)|re (activated|imported|computed|"
        "indexed|enrolled) by hand|as they are|alone |approved|booked|"
        "continues|continue until|until (month|end|the)|ongoing|under way|underway|by design|disaster|recovery site|dr site|standby|"
        "stand by|failover|hot spare|kept warm|stay warm|warm pool|starts in|starts at|"
        "start in|will "
        "start|about to|soon|tonight|owner says|owner wants|owner asks|insists|leave it|leave them|should stay|waiting for|wait for|on call|next "
        "(run|test|demo)",
        "nobody|no one|forgot|(after|since) (a|the) (trade|fair|exhibition|demo|campaign|presentation|event)"},
    {SAY_COST_DATA, SEEN, true,
        "unallocated|not allocated|idle *allocation|double count|wrong price|figures may|may be wrong|lost metrics|misreport|missing "
        "metrics|metrics missing|no metrics|prometheus * (down|gap|restart)|opencost * "
        "(restart|wrong|bug|nan|error|cannot|fails|failed)|kubecost * (error|fails|failed|cannot|bug)|wrong currency|nan |infinite "
        "cost|spot price missing|custom pricing|miscalculat|reconcil|label* missing|unlabel|unknown owner|owner "
        "unknown|__unallocated__|__idle__|negative cost|incorrect",
        "(script|operator|cron|job|loop|pipeline) (bug|error|gone wrong)|wrong (value|number|count|namespace)|bug in (a|the) (script|"
        "cron|job|pipeline)"},
    {SAY_SCALED_UP, SEEN, true,
        "was scaled to|scaled * by a |scaled * by the |set manually|set by hand|manually set|bumped by hand|raised by hand|"
        "tested scaling|scaling test|(pods|replicas|workers) by hand|scaled (out|up) (for|by|during)|"
        "scaled to * replicas|scaled to * pods|scaled up to * replicas|replicas * (typo|copy paste|paste error|extra zero|slip|mix up|"
        "mixed up)|replicas by hand|scaled * by hand|scaled * manually|replicas by "
        "mistake|scaled * by mistake|someone scaled|somebody scaled|kubectl scale|scaled * from|replicas from|replica count * "
        "(raised|changed|set)|scaled out * by",
        "node group|nodes to|asg "},
    {SAY_ONE_REPLICA, SEEN, true, "1 replica |one replica |single replica|replicas 1 |single pod|one pod |1 pod ",
        "to one replica|one replica is enough|1 replica is enough|scale to 1|to 1 replica"},

    /* policy */
    {SAY_BLOCKED, ANY, true,
        "blocked|denied the request|was denied|is denied|are denied|refused|rejected|cannot be created|cannot create|not "
        "admitted|enforce|failedcreate|deploy* fails|rollout * (fails|stuck|blocked)|no pods|0 pods",
        "not blocked|nothing is blocked|nothing blocked|nothing was blocked|nothing denied|not denied|nothing was denied|not "
        "enforced|enforce false"},
    {SAY_AUDIT, ANY, false,
        "audit|nothing is blocked|nothing was blocked|nothing blocked|nothing denied|nothing was denied|not blocked|not denied|created "
        "anyway|was created|is created|were created|background scan|report only|reports only|warn only|only warn|admitted with|pods are "
        "running|all pods running|allowed but|polr|policyreport|cpolr|policy report|existing resources",
        "audit log|switched from audit|changed from audit|from audit to enforce|no longer audit"},
    {SAY_EXCEPTION, SEEN, true,
        "exception process|exceptions process|agreed process|grants * exception|grant * exception|exception * granted|agreed "
        "exception|exception * agreed|exception * approved|approved exception|temporary exception|time limited exception|time boxed "
        "exception|timeboxed exception|short exception|exceptions are (granted|allowed|given)|exceptions are granted|exceptions are "
        "allowed|exceptions for|exception is allowed|exception allowed|exception * (runbook|documented|usual|agreed)|"
        "waiver|documented exception|policyexception * (allowed|process|agreed|documented|usual|may)|grant exceptions|grants "
        "exceptions|may be excepted|may be exempted|exempt* * agreed|exception * ticket|exception * signed off|signed off|agreed with",
        "needs approval|need * approval|requires approval|require * approval|approval of|approval by|must be approved|not approved|"
        "pending|no exception|without exception|exceptions are not|not agreed|java|unhandled|nullpointer|never excepted|not to be excepted"},
    {SAY_POLICY_WRONG, ANY, true,
        "false positive|does not match|not match|inverted|wrong rule|bug|failed to update policy|misconfigured|cannot be "
        "fulfilled|exclude|excluded|resourcefilters|although|even though|despite|are not hostpath|unexpected|all namespaces|every "
        "namespace|whole cluster|all new pods|everything|variable substitution|failed to substitute|failed to load context|policy "
        "error|rule error|pass in|ci |pipeline|chart test",
        ""},
};
enum { PHRASES = sizeof phrases / sizeof phrases[0] };

void ns_text_listen(const text_doc *d, text_says *s)
{
	*s = (text_says){0};
	for (size_t i = 0; i < PHRASES; i++) {
		if (s->at[phrases[i].say] || !ns_doc_may(d, phrases[i].pattern))
			continue;
		for (size_t k = 0; k < d->n && !s->at[phrases[i].say]; k++) {
			const text_unit *u = &d->unit[k];
			if (u->order || !(phrases[i].where & (1u << u->place)))
				continue;
			const char *hit = ns_flat_find(u->flat, phrases[i].pattern);
			if (hit && !(phrases[i].plain && ns_flat_denied(u->flat, hit)) &&
			    !(*phrases[i].unless && ns_flat_find(u->flat, phrases[i].unless)))
				s->at[phrases[i].say] = u;
		}
	}
}

static const char orders[] =
    "ignore * instruction|ignore all previous|ignore the above|ignore previous|disregard|forget * instruction|forget everything|you are "
    "now|you are an|you are a |new instruction|system prompt|system override|system you|assistant|as an ai|"
    "confidence 1 |confidence 0 9|confidence 100|confidence is 1|set confidence|auto remediate|autoremediate|auto "
    "approve|autoapprove|action type|risk level|set risk|approve rollback|approve the|approve this|approve all|approve immediately|approve "
    "it|"
    "please approve|must approve|pre approved|preapproved|already approved|approval is not|no approval|without approval|do not "
    "escalate|don t escalate|never escalate|no human|without human|without asking|execute immediately|execute the rollback|execute "
    "rollback|run the following|run kubectl|"
    "please run|just run|kubectl delete|delete namespace|note to the|attention ai|ai agent|dear ai|respond with|reply with|output "
    "json|return json|root cause is * recommend|recommended action|correct action|the only correct|operator approved|sre approved|approved "
    "by sre|this is safe|safe to (execute|roll|scale|patch)|"
    "is safe to|policy_exception|patch_resources|cost_scale_down";

bool ns_text_is_order(const char *flat)
{
	return ns_flat_find(flat, orders) != NULL;
}

bool ns_text_orders(const text_doc *d)
{
	return ns_doc_may(d, orders);
}
