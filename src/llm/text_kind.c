/* The alert class of a text. Every row that is heard counts with its weight, the heaviest class wins: a proximate cause weighs more than
 * the symptom that follows from it, and what the first line says counts somewhat more. */
#include <string.h>

#include "text_priv.h"

#define HEADLINE 1.1
#define COST     9.8 /* "does not change the bill" is about the bill as well */

static const struct {
	const char *kind;
	double weight;
	const char *pattern, *unless;
} rows[] = {
    {"kyverno_violation", 10,
        "validatingpolicy|imagevalidatingpolicy|mutatingpolicy|generatingpolicy|namespacedvalidatingpolicy|policyviolation|"
        "policyreport |policyreports |"
        "clusterpolicyreport|policy report |policy reports |kyverno * "
        "(fail|block|den|violat|reject|refus)|clusterpolicy|clusterpolicies|validate kyverno svc|mutate kyverno svc|policy check|policy "
        "violation|validate action|validation action|non compliant|noncompliant|validationfailureaction|"
        "blocked due to the following policies|policy * rule * fail|(policy|policies) * "
        "(fails|failed|fail|blocks|blocked|denies|denied|violat|rejects|rejected)|rule * (failed|fails|of * fail)|blocked by * "
        "(policy|rule|require|disallow|restrict)|verifyimages|verify image|attestation|attestor|image verification failed|"
        "admission denied|blocked by "
        "require|(disallow|restrict ) * (blocked|blocks|denied|denies|fail|violat|refused|rejected)",
        "bucket policy|iam |failed calling webhook|no endpoints available|gatekeeper|network polic|pull policy|restart "
        "policy|imagepullpolicy|restartpolicy|backoff|pod security polic|sync policy|sigstore|kyverno * oomkilled|kyverno * crashloop"},
    {"cost_spike", COST,
        "on the invoice|management fee|support charge|extended support|egress * up |egress * (rose|doubled|tripled)|autoscaler keeps|"
        "spot capacity|on demand fallback|savings plan|opencost|kubecost|cost alert|cost anomal|cost spike|cost report|daily cost|"
        "hourly cost|monthly cost|monthly bill|cloud bill|cloud "
        "cost|cloud spend|finops|budget alert|budget|over budget|cost increase|cost rose|costs rose|cost jumped|cost doubled|cost of|cost "
        "per|cost up|cost anomaly|cost explorer|"
        "spend |spending|the bill |bill |bill rose|bill is|bill of|costs |cost |usd per|usd a day|usd day|usd month|usd hour|usd an "
        "hour|billed|is charged|charged for|expensive|cloud invoice|invoice (up|rose|grew|is)|savings",
        "~oomkill|unpaid bill|cost sav|cost cut|cost reduc|at the cost of|cost center label|costcenter|cost cent|error budget|disruption budget|"
        "disruptionbudget|retry budget"},
    {"oom_killed", 9.2,
        "~oomkill|oom killed|oom kill|oomkilling|memory cgroup out of memory|killed process|oom killer|exceeded its memory limit|hit its "
        "memory limit|container oom|oom event|oom events|system oom|systemoom|oom encountered|oomed|constraint memcg",
        "oomkilled false|not oomkilled|no oom|without oom|not oom|never oom"},
    {"image_pull", 8.6,
        "couldn t parse image|failed to apply default image tag|invalid image name|invalid reference format|errimagepull|"
        "imagepullbackoff|failed to pull image|invalidimagename|errimageneverpull|back off pulling "
        "image|imageinspecterror|pull access denied|manifest unknown|pull rate limit|cannot pull|could not pull|can t pull|image pull "
        "(fail|err|back|rate|limit)|failed to pull|pulling image * (fail|error)|failed to resolve reference|pull secret|pull secrets|can "
        "not be pulled|cannot be pulled|registry (is down|unreachable|is unreachable|outage)|"
        "pulling from|(forbidden|unauthorized|denied|error|failed) pulling|pulls image|pull image|pull denied|pulls (fail|denied)|"
        "blob unknown|failed to authorize|private image|failing to pull image|missing in * registry|toomanyrequests|"
        "no match for platform|too many requests * image|"
        "may require docker login|does not exist or may require|docker login denied|reading manifest|"
        "manifest for * not found|imagepullsecrets * (missing|none|wrong|expired|not )",
        ""},
    {"config_error", 8.2,
        "createcontainerconfigerror|createcontainererror|runcontainererror|container has runasnonroot|image will run as root|"
        "cannot verify user is non "
        "root|couldn t find key|secret * not found|secrets * not found|configmap * not found|configmaps * not found|references non "
        "existent|invalid variable names",
        "failed calling webhook"},
    {"config_error", 7.0,
        "hostpath type check failed|failedmount|failed to sync (secret|configmap) cache|mountvolume|unable to attach or mount|"
        "failedattachvolume|multi "
        "attach|failedmapvolume|stuck in containercreating",
        ""},
    {"evicted", 8.0,
        "evicted|eviction of|evicting pod|evicted pod|the node was low on resource|ephemeral local storage usage exceeds|usage of "
        "emptydir|preempted|preempting|exceeds the total limit",
        "eviction api|cannot evict|evictionhard|eviction threshold|eviction manager"},
    {"unschedulable", 7.6,
        "failedscheduling|nodes are available|notriggerscaleup|didn t trigger scale up|did not trigger scale up|unschedulable|untolerated "
        "taint|insufficient cpu|insufficient memory|insufficient nvidia|insufficient ephemeral|insufficient pods|too many pods|unbound "
        "immediate|unbound persistentvolumeclaim|volume node affinity|"
        "nvidia com gpu|allocatable 0|didn t match pod|didn t match node|node selector * match|nodeselector * match|"
        "no nodes available to schedule|cannot be "
        "scheduled|can t be scheduled|outofcpu|outofmemory |outofpods",
        "unschedulable false"},
    {"cost_spike", 3.4,
        "idle|unused|left running|nobody uses|no one uses|not used|zero requests|no users|(environments|replicas|pods) (up|over|above) ",
        "idle (in|timeout|connection|session|usage|worker)|keepalive|keep alive"},
    {"probe_failure", 3.0, "0 (1|2|3|4|5|6) ready|not ready|never (becomes|become) ready|not become ready|health endpoint", "node"},
    {"image_pull", 3.6, "image (not found|does not exist|doesn t exist|is missing|is gone|deleted from)|image (of|for) * (not found|"
        "does not exist|is missing|is gone)|image pull|image tag * (not found|does not exist|missing)|pull (fails|failed|error)", "in the image"},
    {"other", 3.3, "certificate * (expires|expired|expiring)|cert manager order|dns01|http01", ""},
    {"unschedulable", 3.2, "pending", ""},
    {"node_pressure", 7.2,
        "kubelettoomanypods|nodenotready|node not ready|node * notready|nodes * notready|notready|node * is not "
        "ready|diskpressure|memorypressure|pidpressure|pleg|kubelet stopped|stopped posting|nodehas|disk pressure|memory pressure|pid "
        "pressure|imagegcfailed|garbage collect|freediskspacefailed|nodestatusunknown|node status unknown|systemoom|"
        "kubenode|node unreachable|kernel deadlock|readonlyfilesystem|evictionhard|nodefs|imagefs|inodes|kubelet "
        "(crashes|crashed|hangs|hung|is dead|is down|died|not running|service failed|stops)|node "
        "(hangs|hung|crashed|rebooted|unreachable|is full|lost|failed|is down|down)|nodes "
        "(hang|crashed|rebooted|unreachable|lost|down)|node disk|nodefilesystem",
        "diskpressure false|memorypressure false|kubelet false"},
    {"argocd_drift", 6.8,
        "outofsync|out of sync|comparisonerror|syncerror|sync failed|syncfailed|sync error|application * degraded|self "
        "heal|selfheal|drift|perpetual diff|argocd app|argo cd app|argocd application|argo cd application|auto sync|sync "
        "status|synced|failed sync|sync operation|sync wave|presync|postsync",
        "ntp|clock"},
    {"argocd_drift", 5.2, "argocd|argo cd|kustomization|helmrelease|fluxcd|flux |gitops", ""},
    {"probe_failure", 6.2,
        "liveness probe failed|readiness probe failed|startup probe failed|liveness probe errored|readiness probe errored|failed "
        "liveness|failed startup|failed readiness|probe failed|probe fails|probe * (fail|timeout|time out|timed out|kill|flap)|"
        "readiness (flap|check)|health check * fail|flapping readiness|liveness * "
        "(fail|kill|timeout)|readiness * (fail|timeout)|unhealthy",
        ""},
    {"probe_failure", 5.7,
        "(readiness|liveness) * (404|503|gives|asks|deadline|timeout|refused|timed out)|probes |readiness * probe|liveness * probe|"
        "failed to connect service|readiness (404|503|500|fail|returns)|liveness (404|503|500|fail|returns)|probe path|tcp readiness|"
        "http readiness|readiness of|readiness check|liveness of|liveness check|liveness probe|readiness probe|startup probe|"
        "livenessprobe|readinessprobe|startupprobe|initialdelay|failurethreshold", ""},
    {"other", 6.0, "backofflimitexceeded|job has reached|cronjob|job * failed|deadlineexceeded * job|kubejobfailed|job failed|"
        "failed jobs|kubejobnotcompleted",
        ""},
    {"other", 8.9, "failed calling webhook|conversion webhook|aggregated api|apiservice|kubectl * (x509|unable to connect)|all kubectl",
        ""},
    {"pod_crashloop", 5.6,
        "~crashloop|crash loop|back off * restarting|back off restarting|restart continuously|restarts continuously|restarting "
        "continuously|exec format error|exec user process|keeps restarting|keeps crashing|restart "
        "loop|starterror|kubepodcrashlooping|restarts endlessly|restarts forever|restarts constantly",
        ""},
    {"pod_crashloop", 5.1,
        "exit code|exits with|exit 1 |exit 2 |exit 3 |exit 126 |exit 127 |exit 128 |exit 134 |exit 137 |exit 139 |exit 143 |exited "
        "with|crash |dies |segfault|139 |dies on|dies at|exit status|crashes|crashed|crashing|panic|exits 1 |exits 2 |exits 3 |"
        "exits 137|exits 139|exits "
        "143|exits with|makes it exit|starterror|bind address|segmentation fault|sigsegv|restart count|last state terminated|terminated "
        "with|terminated exit",
        "restart count 0 |restart count is 0 |restarts 0 "},
    {"config_error", 4.9, "runc create failed|failed to create containerd task|failed to create shim|oci runtime create failed", "starterror"},
    {"pod_crashloop", 4.4, "exits |exit (at|in|with|immediately) |terminates |ends with exit|init container * fail|permission denied|"
        "cannot find module|assertionerror|importerror|modulenotfound|(can t|"
        "cannot|won t|does not|doesn t|fails to|unable to) "
        "(boot|start|come up)|throw err|addrinuse|eaddrinuse|address already in use|fatal|emerg|traceback|exiting|core dumped|uncaught|"
        "unhandled exception", ""},
    {"deployment_stalled", 5.3,
        "(replicas|of *) updated |manual promotion|awaiting promotion|argo rollout|progressdeadlineexceeded|"
        "exceeded its progress deadline|progress deadline exceeded|progress deadline|rollout to finish|"
        "not progress|progressing false|stuck since|observedgeneration|0 updated|rollout * (stuck|stall|hang|timed out|blocked|fail)|stuck "
        "rollout|failedcreate|exceeded quota|helm upgrade|helm rollback|upgrade failed|pending upgrade|pending install|pending "
        "rollback|another operation|field is immutable|immutable|replicafailure|"
        "timed out waiting for the condition|minimumreplicasunavailable|rollout "
        "status|kubedeploymentreplicasmismatch|kubedeploymentrolloutstuck|scaled to 0|scaled to zero|deployment does not have|replicas "
        "mismatch|during the rollout|is forbidden|0 of * available|0 of * replicas|paused|timed out progressing",
        ""},
};

/* The flat text of the first unit that names the policy, "" when its name is no imperative. */
static const char *policy_line(const text_doc *d, const text_things *t)
{
	static const char *const verbs[] = {
	    "require-", "check-", "disallow-", "restrict-", "deny-", "verify-", "enforce-", "prevent-", "prohibit-", "forbid-"};
	for (size_t k = 0; k < sizeof verbs / sizeof verbs[0]; k++)
		for (size_t i = 0; !strncmp(t->policy, verbs[k], strlen(verbs[k])) && i < d->n; i++)
			if (strstr(d->unit[i].text, t->policy))
				return d->unit[i].flat;
	return " ";
}

const char *ns_text_kind_of(const text_doc *d, const text_things *t)
{
	const char *best = "other";
	double most = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		double w = 0;
		if (!ns_doc_may(d, rows[i].pattern) && rows[i].weight != COST && strcmp(rows[i].kind, "kyverno_violation") != 0)
			continue;
		for (size_t k = 0; k < d->n; k++) {
			const text_unit *u = &d->unit[k];
			const char *hit = u->order ? NULL : ns_flat_find(u->flat, rows[i].pattern);
			if (!hit && rows[i].weight == COST && !u->order && ns_text_price(u))
				hit = u->flat;
			if (!hit || (rows[i].weight != COST && ns_flat_denied(u->flat, hit)) ||
			    (*rows[i].unless && ns_flat_find(u->flat, rows[i].unless)))
				continue;
			double v = rows[i].weight + (u->line == 0 ? HEADLINE : 0);
			w = v > w ? v : w;
		}
		/* A policy is known by its name: require-labels, disallow-latest-tag. */
		if (!w && !strcmp(rows[i].kind, "kyverno_violation") && *t->policy &&
		    ns_flat_find(policy_line(d, t), "block|denied|denies|deny |fail|violat|reject|refus"))
			w = rows[i].weight - 1;
		/* An application that ends by itself is not what a probe killed. */
		bool own_end = t->exit_code > 0 && t->exit_code != 137 && t->exit_code != 143;
		if (w > 0 && own_end && !strcmp(rows[i].kind, "probe_failure") && !strcmp(t->waiting, "CrashLoopBackOff"))
			w -= 1.5;
		if (w > most) {
			most = w;
			best = rows[i].kind;
		}
	}
	/* What ends with an exit code of its own crashes, whatever else is not known. */
	return !strcmp(best, "other") && most <= 0 && t->exit_code > 0 ? "pod_crashloop" : best;
}
