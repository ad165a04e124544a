/* What the lines say: the messages of runtimes, databases, resolvers, kubelets, schedulers and registries that a senior SRE recognises.
 * A row holds lower-case patterns ('|' between alternatives, '*' for anything within the line) and where such a line means something: the
 * same words in an application's log and in a probe's event are different findings. Text is never trusted because of what it says. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "offline_priv.h"

enum { LOG = 1, EVENT = 2, STATUS = 4, SPEC = 8, POLICY = 16, NOTE = 32 };
/* What to take out of the line as the thing it is about. */
typedef enum grab { GRAB_NO, GRAB_QUOTED, GRAB_VARIABLE, GRAB_HOST, GRAB_PATH } grab;

typedef struct signal {
	fact fact;
	int where;
	grab grab;
	bool must_grab; /* without the thing the line means nothing */
	const char *pattern, *unless;
	const char *words;
} signal;

static const signal signals[] = {
    /* dependencies */
    {T_REFUSED, LOG, GRAB_HOST, false,
        "connection refused|econnrefused|could not connect to server|communications link failure|no route to host|ehostunreach|"
        "connection reset by peer|no brokers available|failed to connect to*broker|couldn't connect to server|cannot connect to|"
        "unable to connect to|failed to connect to|can't connect to*server|connection to*failed|connection to*refused|not reachable|is "
        "unreachable|mongoserverselectionerror|"
        "could not connect to redis|connectexception|503 service unavailable",
        "probe failed|failed to connect service", "a connection to something it needs was refused"},
    {T_DNS, LOG, GRAB_HOST, false,
        "no such host|name or service not known|temporary failure in name resolution|getaddrinfo enotfound| enotfound "
        "|'enotfound'|eai_again|could not resolve host|"
        "unknownhostexception|nodename nor servname|name resolution error|nxdomain|host not found|failed to resolve|"
        "could not translate host name|name does not resolve|server misbehaving",
        "probe failed", "a host name could not be resolved"},
    {T_TIMEOUT, LOG, GRAB_HOST, false,
        "i/o timeout|context deadline exceeded|connection timed out|etimedout|connecttimeout|sockettimeoutexception|read timed out|"
        "timed out waiting for|timeout expired|deadlineexceeded|connect timeout|operation timed out|request timed out",
        "probe failed|failed to connect service|progressdeadlineexceeded|timed out progressing|waiting for the condition", "a call to something it needs timed out"},
    {T_AUTH, LOG, GRAB_QUOTED, false,
        "authentication failed|access denied for user|wrongpass|noauth authentication|invalid username-password|401 unauthorized|"
        "403 forbidden|invalid api key|incorrect api key|invalid credentials|bad credentials|login failed for user|sasl*fail|"
        "permission denied for |expiredtoken|token is expired|token has expired|invalidaccesskeyid|signaturedoesnotmatch|"
        "invalid_grant|invalid_client|status code: 401|status code: 403|status=401|accessdenied:|(accessdenied)|policy denies|not authorized to perform|"
        "no pg_hba.conf entry|role *does not exist|invalid or expired token|unable to locate credentials|nocredentialproviders",
        "probe failed", "its credentials were refused"},
    {T_CERT, LOG, GRAB_HOST, false,
        "certificate has expired|x509:|certificate_verify_failed|certificate verify failed|sslhandshakeexception|pkix path|"
        "tls: failed to verify|cert_has_expired|unable to get local issuer|self-signed certificate|self signed certificate|"
        "remote error: tls|certificate signed by unknown authority|tls handshake error|notafter|certificate is not yet valid|"
        "certpathvalidator",
        "", "a TLS certificate was not accepted"},
    {T_OVERLOAD, LOG, GRAB_HOST, false,
        "too many connections|too many clients|remaining connection slots|connection pool exhausted|pool timed out|"
        "max number of clients reached|429 too many requests|rate limit exceeded|toomanyrequests|quota exceeded|throttlingexception|"
        "timeout acquiring connection|connection is not available, request timed out",
        "", "something it needs is at its limit of connections or requests"},
    {T_DISK, LOG | EVENT | STATUS, GRAB_PATH, false,
        "no space left on device|enospc|disk quota exceeded|disk is full|database or disk is full|insufficient disk space|"
        "flood stage disk watermark|not enough free space",
        "", "the disk is full"},
    {T_DATA, LOG, GRAB_PATH, false,
        "database files are incompatible|data directory*wrong ownership|invalid checkpoint|could not locate a valid checkpoint|"
        "database disk image is malformed|corrupted|corruption|pg_control|lock file*already exists|could not acquire lock|"
        "another instance is already running|unable to lock|resource temporarily unavailable*lock|ibdata1",
        "", "its stored data or a lock on it is in the way"},
    {T_SCHEMA, LOG, GRAB_QUOTED, false,
        "relation *does not exist|no such table|unknown column|column *does not exist|table *doesn't exist|dirty database version|"
        "migration*failed|failed*migration|pending migrations|unapplied migration|schema version|flyway*exception|liquibase*exception|"
        "validate failed: migration",
        "", "the database schema is not what the program expects"},
    {T_LICENSE, LOG, GRAB_NO, false, "license*expired|license*invalid|invalid license|no valid license|licence*expired", "",
        "its licence is not accepted"},
    {T_RBAC, LOG, GRAB_NO, false,
        "is forbidden: user|cannot list resource|cannot get resource|cannot watch resource|cannot create resource", "",
        "the API server forbids its service account what it asks"},
    {T_CRD, LOG, GRAB_QUOTED, false, "no matches for kind|the server could not find the requested resource|no kind is registered", "",
        "a resource type it needs is not installed in the cluster"},
    {T_LEADER, LOG, GRAB_NO, false, "leader election lost|failed to renew lease|stopped leading|leaderelection lost", "",
        "it lost its leader lease, so the API server was slow or away"},
    {T_LOOP, LOG, GRAB_NO, false, "loop detected|plugin/loop", "", "the DNS server forwards to itself"},
    /* configuration */
    {T_ENV, LOG, GRAB_VARIABLE, true,
        "environment variable|env var|keyerror:|is not set|must be set|not defined in environment|is undefined|not configured|is required|"
        "missing required|required key|could not resolve placeholder|parameter not set|parameter null or not set|unbound variable|"
        "no value specified|missing value|not provided|improperlyconfigured|field required|key not found:|missing env|please set|"
        "is missing|cannot be empty|must not be empty|is empty",
        "optional|using default|defaulting|warn|rust_backtrace|to display a backtrace", "a setting it needs is missing"},
    {T_ENV, LOG, GRAB_VARIABLE, false,
        "required environment variable|environment variable*not set|environment variable*is required|environment variable*undefined|"
        "environment variable*missing|missing environment variable|missing required environment|missing required config|"
        "missing configuration|missing required configuration|database url not configured|secret_key setting must not be empty|"
        "superuser password is not specified|database is uninitialized and password option is not specified",
        "optional|using default|defaulting|rust_backtrace|to display a backtrace", "a setting it needs is missing"},
    {T_REFERENCE, STATUS | EVENT, GRAB_QUOTED, false,
        "secret \"*not found|secrets \"*not found|configmap \"*not found|configmaps \"*not found|couldn't find key|"
        "references non-existent secret key|references non-existent config key|object *not registered",
        "", "a Secret, ConfigMap or key that the pod refers to does not exist"},
    {T_MOUNTED_FILE, LOG, GRAB_PATH, true,
        "/etc/*no such file|/config*no such file|/var/run/*no such file|/run/secrets*no such file|/secrets*no such file|"
        "/certs*no such file|/mnt/*no such file|/data/*no such file|/vault/*no such file|no such file*'/etc/|no such file*'/config|"
        "enoent*/etc/|enoent*/config|enoent*/secrets|/etc/*(no such file|filenotfound*/etc/|filenotfound*/config|"
        "filenotfound*/secrets|/etc/*not found|/config/*not found|/secrets/*not found",
        "", "a file that is mounted from outside the image is missing"},
    {T_FILE, LOG | STATUS | EVENT, GRAB_PATH, false,
        "no such file or directory|enoent|filenotfounderror|filenotfoundexception|could not find file|cannot open*no such|"
        "the system cannot find the file|not a directory",
        "shared libraries|mountvolume", "a file is missing"},
    {T_CONFIG, LOG, GRAB_PATH, false,
        "[emerg]|invalid configuration|configuration error|failed to parse config|config file*invalid|unknown directive|could not parse|"
        "error parsing|unmarshal errors|mapping values are not allowed|unexpected token*json|failed to load config|invalid "
        "character*looking for|"
        "error loading config|cannot unmarshal|bad config|error in configuration|illegal config|yaml: line|toml: |error unmarshalling",
        "", "its configuration cannot be read"},
    {T_FLAG, LOG, GRAB_NO, false,
        "unknown flag|unknown argument|unknown parameter|unrecognised option|unrecognised argument|bad option|illegal option|no such flag|flag provided but not defined|unrecognized option|unrecognized argument|unknown option|unknown command|"
        "unknown shorthand flag|invalid option|no such option|unexpected argument|unterminated quoted string|sh: *syntax error|"
        "bash: *syntax error|the following arguments are required",
        "", "it does not understand its command line"},
    {T_PORT, LOG, GRAB_HOST, false, "address already in use|eaddrinuse|port is already allocated|bindexception|address in use", "",
        "the port it listens on is taken"},
    {T_DENIED, LOG | STATUS, GRAB_PATH, false,
        "permission denied|eacces|operation not permitted|eperm|accessdeniedexception|unauthorizedaccessexception",
        "permission denied for |publickey|executable|entrypoint|exec |exec: |.sh|listen eacces|bind: permission|bind() to|0.0.0.0:|[::]:", "the kernel denied it a file or an operation"},
    {T_READONLY, LOG, GRAB_PATH, false, "read-only file system|erofs", "", "it writes to a read-only file system"},
    /* packaging and code */
    {T_MODULE, LOG | STATUS | EVENT, GRAB_QUOTED, false,
        "modulenotfounderror|importerror|cannot find "
        "module|err_module_not_found|classnotfoundexception|noclassdeffounderror|nosuchmethoderror|"
        "unsatisfiedlinkerror|error while loading shared libraries|undefined symbol|glibc_|loaderror|cannot load such file|"
        "could not load file or assembly|could not find or load main class|unsupportedclassversionerror|symbol lookup error|"
        "missingmethodexception|executable file not found in $path|command not found|not found in path|no main manifest attribute|"
        "invalid or corrupt jarfile|unable to access jarfile|can't open file|framework*was not found|exec: *no such file or directory|"
        "not executable|exec*permission denied|entrypoint*permission denied|.sh*permission denied|permission denied*.sh|could not locate gemfile|bundler::gemnotfound",
        "", "a program, module or library is not in the image"},
    {T_ARCH, LOG | STATUS | EVENT, GRAB_NO, false,
        "exec format error|cannot execute binary file|wrong elf class|invalid elf header|rosetta error", "",
        "the image is built for another processor"},
    {T_PANIC, LOG, GRAB_NO, false,
        "panic: |fatal error: |sigsegv: segmentation violation|unexpected fault address|panicked at|thread '*panicked", "",
        "the program panicked"},
    {T_EXCEPTION, LOG, GRAB_NO, false,
        "traceback (most recent call last)|unhandled exception|exception in thread|uncaught exception|unhandledpromiserejection|typeerror:|"
        "referenceerror:|syntaxerror:|nullpointerexception|attributeerror:|nameerror:|indexerror:|assertionerror|illegalstateexception|"
        "beancreationexception|application failed to start|core dumped|segmentation fault|terminate called|application startup exception|"
        "nomethoderror|undefined method|php fatal error|nullreferenceexception|valueerror:|runtimeerror|zerodivisionerror|stack overflow|"
        "stackoverflowerror|uncaughtexception|err_unhandled_rejection|terminating due to uncaught",
        "", "the program died of an unhandled error"},
    {T_JVM_HEAP, LOG, GRAB_NO, false,
        "java.lang.outofmemoryerror|outofmemoryerror: java heap|gc overhead limit|outofmemoryerror: metaspace|unable to create new native "
        "thread|"
        "dumping heap to|terminating due to java.lang.outofmemoryerror",
        "", "the Java heap is exhausted"},
    {T_NODE_HEAP, LOG, GRAB_NO, false, "javascript heap out of memory|reached heap limit|ineffective mark-compacts|call_and_retry_last", "",
        "the JavaScript heap is exhausted"},
    {T_HEAP, LOG, GRAB_NO, false,
        "memoryerror|cannot allocate memory|std::bad_alloc|runtime: out of memory|system.outofmemoryexception|memory allocation of*failed|"
        "allowed memory size of|failed to allocate memory",
        "", "the program could not get memory"},
    {T_LEAK, LOG, GRAB_NO, false, "memory leak|possible leak|maxlistenersexceeded|heap usage growing|leak detected", "",
        "the program reports a leak"},
    {T_BALLOON, SPEC, GRAB_NO, false, "/dev/zero|stress-ng|--vm-bytes|stress --vm|memory-hog|memhog", "",
        "its command takes all memory there is"},
    /* kubelet */
    {T_NONROOT, STATUS | EVENT, GRAB_NO, false, "runasnonroot|cannot verify user is non-root|image will run as root", "",
        "the pod must not run as root and the image does"},
    {T_HOOK, STATUS | EVENT, GRAB_NO, false, "poststarthook|prestophook|poststart hook|lifecycle hook", "", "a lifecycle hook failed"},
    {T_MOUNT, STATUS | EVENT, GRAB_QUOTED, false,
        "mountvolume.|failedmount|unable to attach or mount|failedattachvolume|attachvolume.|multi-attach error|failedmapvolume|volume is "
        "already*attached",
        "", "a volume cannot be mounted"},
    {T_SANDBOX, STATUS | EVENT, GRAB_NO, false,
        "failedcreatepodsandbox|failed to create pod sandbox|networknotready|network plugin|failed to setup network|cni plugin|failed to "
        "assign an ip",
        "", "the node cannot set up the pod's network"},
    {T_LIVENESS, STATUS | EVENT, GRAB_HOST, false, "liveness probe failed|liveness probe errored|failed liveness probe", "",
        "the liveness probe fails"},
    {T_STARTUP, STATUS | EVENT, GRAB_HOST, false, "startup probe failed|startup probe errored|failed startup probe", "",
        "the startup probe fails"},
    {T_READINESS, STATUS | EVENT, GRAB_HOST, false, "readiness probe failed|readiness probe errored", "", "the readiness probe fails"},
    {T_PROBE_PORT, STATUS | EVENT, GRAB_HOST, false, "probe failed*connection refused|probe failed*statuscode: 404|failed to connect service", "",
        "the probe reaches nothing at its port or path"},
    {T_EVICTED, STATUS | EVENT, GRAB_NO, false,
        "the node was low on resource|evicted|ephemeral local storage usage exceeds|exceeded its local ephemeral storage|usage of emptydir "
        "volume|preempted by|"
        "the node had condition",
        "", "the kubelet evicted the pod"},
    {T_NODE_MEMORY, STATUS | EVENT, GRAB_NO, false,
        "systemoom|system oom encountered|nodehasinsufficientmemory|low on resource: memory|condition: [memorypressure]", "",
        "the node itself runs out of memory"},
    {T_NODE, STATUS | EVENT, GRAB_NO, false,
        "nodenotready|node is not ready|nodelost|kubelet stopped posting|containerstatusunknown|pleg is not healthy|node "
        "lost|rebooted|taintmanagereviction",
        "", "the node is unhealthy"},
    /* registries: where a pull failed */
    {T_IMG_MISSING, STATUS | EVENT, GRAB_NO, false,
        "manifest unknown|manifest for*not found|: not found|name unknown|repository does not exist|no such image|image not "
        "found|manifest_unknown|"
        "manifestunknown|404 not found|repository*not found|tag*does not exist|image*does not exist|tag*not found|missing in*registry|: notfound|no such tag|no such manifest",
        "secret|configmap|couldn't find", "the registry does not have this image"},
    {T_IMG_AUTH, STATUS | EVENT, GRAB_NO, false,
        "unauthorized|authentication required|pull access denied|insufficient_scope|no basic auth credentials|pull*403 forbidden|pull*401 "
        "unauthorized|"
        "failed to authorize|may require 'docker login'|requested access to the resource is denied|authorization failed|pull*denied:|failedtoretrieveimagepullsecret",
        "probe failed", "the registry refuses the pull's credentials"},
    {T_IMG_LIMIT, STATUS | EVENT, GRAB_NO, false, "toomanyrequests|too many requests|429 from|of 429|: 429|pull rate limit|pull*429 too many requests|pull qps exceeded", "",
        "the registry limits the rate of pulls"},
    {T_IMG_NET, STATUS | EVENT, GRAB_HOST, false,
        "pull*i/o timeout|i/o timeout*registry|registry*i/o timeout|registry*unreachable|registry*timeout|other teams can't pull|pull*no such host|pull*connection refused|pull*tls handshake timeout|pull*request canceled|pull*502 bad gateway|"
        "pull*503 service|pull*504 gateway|pull*unexpected eof|pull*: eof|pull*server misbehaving|pull*connection reset|pull*deadline "
        "exceeded|registryunavailable|"
        "pull*500 internal server|failed to do request",
        "", "the registry cannot be reached"},
    {T_IMG_CERT, STATUS | EVENT, GRAB_HOST, false, "x509|pull*certificate|certificate signed by", "", "the registry's certificate is not accepted"},
    {T_IMG_PLATFORM, STATUS | EVENT, GRAB_NO, false, "no match for platform|no matching manifest for|does not match the specified platform",
        "", "the image does not exist for this node's platform"},
    /* scheduler and controllers */
    {T_SCHED_DEVICE, STATUS | EVENT, GRAB_NO, false,
        "insufficient nvidia.com|insufficient amd.com|insufficient*.com/|insufficient hugepages", "",
        "no node has enough of the device or special resource that it asks for"},
    {T_SCHED_ROOM, STATUS | EVENT, GRAB_NO, false,
        "insufficient cpu|insufficient memory|insufficient ephemeral-storage|too many pods|insufficient pods|didn't have free "
        "ports|outofcpu|outofmemory|outofpods",
        "", "no node has room for what it requests"},
    {T_SCHED_VOLUME, STATUS | EVENT, GRAB_QUOTED, false,
        "unbound immediate persistentvolumeclaim|unbound persistentvolumeclaim|volume node affinity conflict|persistentvolumeclaim*not "
        "found|max volume count|"
        "provisioningfailed|no persistent volumes available|waitforfirstconsumer|claimlost|didn't find available persistent "
        "volumes|node(s) unavailable due to*volume",
        "", "its volume claim is not bound or cannot follow it to a node"},
    {T_SCHED_RULES, STATUS | EVENT, GRAB_NO, false,
        "taint|didn't match*affinity|node selector|nodeselector|anti-affinity|topology spread|didn't "
        "satisfy|matchinterpodaffinity|matchnodeselector|unschedulable node|"
        "node(s) were unschedulable",
        "taintmanager", "taints, selectors or affinity rules leave no node for it"},
    {T_QUOTA, STATUS | EVENT, GRAB_NO, false,
        "exceeded quota|must specify limits|must specify requests|maximum*usage per|minimum*usage per|failed quota", "",
        "a quota or limit range of the namespace refuses new pods"},
    {T_ADMISSION, STATUS | EVENT, GRAB_QUOTED, false,
        "admission webhook*denied|unable to validate against any security context constraint|violates podsecurity|denied the request|validatingadmissionpolicy", "",
        "admission control refuses the pods"},
    {T_WEBHOOK, STATUS | EVENT, GRAB_QUOTED, false, "failed calling webhook|no endpoints available for service*webhook", "",
        "an admission webhook does not answer"},
    {T_ACCOUNT, STATUS | EVENT, GRAB_QUOTED, false,
        "serviceaccount*not found|error looking up service account|priorityclass*not found|no priorityclass", "",
        "an object that the pods refer to does not exist"},
    {T_SYNC, STATUS | EVENT | NOTE, GRAB_NO, false,
        "comparisonerror|sync failed|syncerror|outofsync|field is immutable|one or more objects failed to apply|sync operation*failed|helm "
        "upgrade failed|"
        "upgrade*failed|failed last sync attempt",
        "", "the deployment tool could not apply the desired state"},
    /* policy */
    {T_POLICY_GUARD, POLICY, GRAB_NO, false,
        "verify-image|verifyimage|signature|signed|attest|cosign|notary|privileged|privilege|host-path|hostpath|host-network|hostnetwork|"
        "host-namespace|"
        "hostpid|hostipc|host-port|hostport|host-process|hostprocess|capabilit|selinux|apparmor|seccomp|procmount|sysctl|run-as|runas|non-"
        "root|nonroot|"
        "read-only-root|rootless|rbac|role|clusterrole|binding|cluster-admin|service-account|serviceaccount|automount|token|network-polic|"
        "networkpolic|"
        "ingress|loadbalancer|load-balancer|nodeport|node-port|external-ip|externalip|tls|secret|registry|registries|docker-sock|container-"
        "sock|"
        "escape|exec|namespace-isolation|wildcard|root user|pod security standards|pod-security|volume-type",
        "", "the rule guards signatures, privilege, host access, network or access rights"},
    {T_POLICY_PRACTICE, POLICY, GRAB_NO, false,
        "require-labels|required label|label|annotation|requests-limits|resource limits|resources.limits|resource "
        "requests|limits|requests|probe|latest-tag|"
        "latest tag|mutable image tag|replicas|pod-disruption|poddisruptionbudget|pdb|topology spread|anti-affinity|priority "
        "class|prefer|naming|best practice|"
        "imagepullpolicy|image pull policy|emptydir|ephemeral",
        "", "the rule is a best practice"},
    {T_POLICY_BLOCKED, POLICY | STATUS | EVENT, GRAB_NO, false, "(blocked)|was blocked|denied the request|resource blocked", "",
        "admission refused the object"},
    {T_POLICY_AUDIT, POLICY, GRAB_NO, false, "audit|not blocked|nothing is blocked|background scan", "",
        "the policy only audits: nothing was refused"},
    /* notes about the incident as a whole (text_case.c) */
    {T_UNBOUNDED, NOTE, GRAB_NO, false, "memory demand is not bounded", "", "no limit would be enough"},
    {T_SAME_BEFORE, NOTE, GRAB_NO, false, "another revision fails as well", "", "it is not this revision alone that fails"},
    {T_MIGRATED, NOTE, GRAB_NO, false, "a migration stands in the way", "", "data or schema may have been migrated"},
    {T_COST_NODES, NOTE, GRAB_NO, false, "the cost is one of nodes", "", "the cost comes from nodes or their autoscaler"},
    {T_COST_FEES, NOTE, GRAB_NO, false, "the cost is one of services and fees", "", "the cost comes from services, storage or fees of a provider"},
    {T_COST_LOAD, NOTE, GRAB_NO, false, "the cost follows load or a plan", "", "the cost follows load or a plan"},
    {T_COST_DATA, NOTE, GRAB_NO, false, "the cost figures are in doubt", "", "the cost figures themselves are in doubt"},
    {T_COST_STORE, NOTE, GRAB_NO, false, "the cost is one of a data store", "", "the cost is one of a data store"},
    {T_SCALED_ZERO, NOTE, GRAB_NO, false, "it was scaled to zero", "", "its replica count is zero"},
    {T_ZERO_MEANT, NOTE, GRAB_NO, false, "zero replicas may be meant", "", "zero replicas may be meant"},
    {T_POLICY_WRONG, NOTE, GRAB_NO, false, "the policy itself may be wrong", "", "the policy itself may be wrong"},
    {T_NO_AGREEMENT, NOTE, GRAB_NO, false, "no agreed way of exceptions", "", "no agreed way of exceptions is named"},
    {T_POLICY_AUDIT, NOTE, GRAB_NO, false, "the policy only audits", "", "the policy only audits: nothing was refused"},
    {T_NODE_SHORT, NOTE, GRAB_NO, false, "the node itself may be short of memory", "", "the node itself may be short of memory"},
    {T_NOT_MEMORY, NOTE, GRAB_NO, false, "it was not for memory", "", "it was not killed for memory"},
    {T_PLATFORM, NOTE, GRAB_NO, false, "it belongs to the platform", "", "it belongs to the platform of the cluster"},
    {T_ROLLOUT, NOTE, GRAB_NO, false, "a rollout went before", "", "a rollout went before"},
    {T_OUTSIDE, NOTE, GRAB_NO, false, "what changed is outside of the workload", "", "something outside of the workload has changed"},
    {T_WARMING, NOTE, GRAB_NO, false, "it is still getting ready", "", "it is still getting ready"},
    {T_STRANGE, NOTE, GRAB_NO, false, "a purpose that is not known", "", "it may serve a purpose that is not known here"},
    {T_UNCLEAR, NOTE, GRAB_NO, false, "the text tells more than is understood", "", "the text tells more than is understood"},
    {T_NEED_UNKNOWN, NOTE, GRAB_NO, false, "how much memory it needs is not told", "", "how much memory it needs is not told"},
    {T_NOT_IDLE, NOTE, GRAB_NO, false, "nothing tells that it is idle", "", "nothing tells that it is idle"},
    {T_STORE, NOTE, GRAB_NO, false, "its data is at stake", "", "it is a data store"},
    {T_ORDERS, NOTE, GRAB_NO, false, "the text gives orders to its reader", "", "the text gives orders to its reader"},
};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

/* ---- matching ---- */

/* One alternative [p, end) against the whole line: its literals in order, anything in between. Returns where the match starts. */
static const char *alternative(const char *line, const char *p, const char *end)
{
	const char *at = line, *start = NULL;
	while (p < end) {
		const char *star = memchr(p, '*', (size_t)(end - p));
		size_t n = (size_t)((star ? star : end) - p);
		if (n) {
			at = memmem(at, strlen(at), p, n);
			if (!at)
				return NULL;
			if (!start)
				start = at;
			at += n;
		}
		p += n + (star ? 1 : 0);
	}
	return start ? start : line;
}

static const char *match(const char *line, const char *pattern)
{
	for (const char *p = pattern; *p;) {
		size_t n = strcspn(p, "|");
		const char *hit = n ? alternative(line, p, p + n) : NULL;
		if (hit)
			return hit;
		p += n + (p[n] == '|');
	}
	return NULL;
}

/* ---- taking the thing out of the line ---- */

/* Untrusted: only characters that names, paths and addresses are made of, and not many of them. */
static bool thing_char(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("._-/:@", c));
}

static const char *thing(ns_arena *ar, const char *s, size_t n)
{
	while (n && strchr(".:,-", s[n - 1]))
		n--;
	if (!n || n > 80)
		return "";
	for (size_t i = 0; i < n; i++)
		if (!thing_char(s[i]))
			return "";
	return ns_arena_strndup(ar, s, n);
}

static const char *grab_quoted(ns_arena *ar, const char *line, const char *from)
{
	for (const char *p = from; *p; p++) {
		if (!strchr("\"'`", *p))
			continue;
		const char *q = strchr(p + 1, *p);
		if (!q)
			continue;
		const char *t = thing(ar, p + 1, (size_t)(q - p - 1));
		if (*t)
			return t;
	}
	(void)line;
	return "";
}

/* FOO_BAR, or one capital word of four letters and more that is not a log level or a known abbreviation. */
static bool variable_ok(const char *s, size_t n)
{
	static const char *const words[] = {"ERROR", "FATAL", "WARN", "WARNING", "INFO", "DEBUG", "TRACE", "PANIC", "CRITICAL", "HTTP",
	    "HTTPS", "NULL", "TRUE", "FALSE", "SEVERE", "NOTICE", "JSON", "YAML", "POST", "ALERT", "HINT", "DETAIL", "LINE", "UTC",
	    "STDERR", "STDOUT", "ENOENT"};
	bool underscore = memchr(s, '_', n) != NULL;
	if (n < 3 || n > 80 || !isupper((unsigned char)s[0]) || (!underscore && n < 4))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return false;
	return true;
}

static const char *grab_variable(ns_arena *ar, const char *line, const char *from)
{
	(void)from;
	for (const char *p = line; *p;) {
		size_t n = 0;
		while (isupper((unsigned char)p[n]) || (n && isdigit((unsigned char)p[n])) || p[n] == '_')
			n++;
		bool whole = (p == line || (!isalnum((unsigned char)p[-1]) && p[-1] != '_')) && !islower((unsigned char)p[n]);
		if (n && whole && variable_ok(p, n))
			return thing(ar, p, n);
		p += n ? n : 1;
	}
	return "";
}

/* host, host:port or URL: what stands after the words with which resolvers and dialers name their peer. */
static const char *grab_host(ns_arena *ar, const char *line, const char *from)
{
	static const char *const after[] = {"lookup ", "dial tcp: lookup ", "dial tcp ", "dial udp ", "getaddrinfo enotfound ",
	    "getaddrinfo eai_again ", "econnrefused ", "connect to ", "connecting to ", "connection to ", "resolve host: ", "resolve host ",
	    "unknownhostexception: ", "host name \"", "host not found in upstream \"", "server at \"", "://", "@", "host=", "reach ",
	    "database ", "broker ", "failed to resolve '", "host: ", "probe failed: get \"", "connect "};
	(void)from;
	char lower[1024];
	ns_copy(lower, sizeof lower, line);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
		const char *p = strstr(lower, after[i]);
		if (!p)
			continue;
		const char *s = line + (p - lower) + strlen(after[i]);
		const char *scheme = strstr(s, "://");
		if (scheme && scheme - s < 12)
			s = scheme + 3;
		while (*s == '"' || *s == '\'')
			s++;
		size_t n = 0;
		while (thing_char(s[n]) && s[n] != '/')
			n++;
		if (n >= 3 && (memchr(s, '.', n) || memchr(s, ':', n) || memchr(s, '-', n) || isalpha((unsigned char)s[0])))
			return thing(ar, s, n);
	}
	return "";
}

static const char *grab_path(ns_arena *ar, const char *line, const char *from)
{
	(void)from;
	for (const char *p = line; (p = strchr(p, '/')); p++) {
		if (p > line && (isalnum((unsigned char)p[-1]) || strchr("/:.", p[-1])))
			continue;
		size_t n = 0;
		while (thing_char(p[n]) && p[n] != ':')
			n++;
		if (n > 2)
			return thing(ar, p, n);
	}
	return "";
}

static const char *grab_thing(ns_arena *ar, grab g, const char *line, const char *from)
{
	static const char *(*const grabs[])(ns_arena *, const char *, const char *) = {
	    [GRAB_QUOTED] = grab_quoted, [GRAB_VARIABLE] = grab_variable, [GRAB_HOST] = grab_host, [GRAB_PATH] = grab_path};
	return g == GRAB_NO ? "" : grabs[g](ar, line, from);
}

/* ---- reading ---- */

static const struct {
	int where;
	const char *says;
} sources[NS_EV_KIND_COUNT] = {
    [NS_EV_STATUS] = {STATUS, "its status says"},
    [NS_EV_EXIT] = {STATUS, "its status says"},
    [NS_EV_EVENT] = {EVENT, "events say"},
    [NS_EV_LOG] = {LOG, "the log says"},
    [NS_EV_ROLLOUT] = {SPEC, "the rollout says"},
    [NS_EV_RESOURCES] = {SPEC, "its specification says"},
    [NS_EV_CONDITION] = {STATUS, "the controller says"},
    [NS_EV_OWNER] = {SPEC, "its owner says"},
    [NS_EV_POLICY] = {POLICY, "the policy report says"},
    [NS_EV_COST] = {SPEC, "the cost report says"},
    [NS_EV_NOTE] = {NOTE, "a note says"},
};

static void read_line(scene *s, const char *line, int where, const char *says, int ev, bool trusted)
{
	char lower[1024];
	ns_copy(lower, sizeof lower, line);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < SIGNALS; i++) {
		const signal *g = &signals[i];
		if (!(g->where & where))
			continue;
		const char *hit = match(lower, g->pattern);
		if (!hit || (*g->unless && match(lower, g->unless)))
			continue;
		const char *x = grab_thing(s->ar, g->grab, line, line + (hit - lower));
		if (g->must_grab && !*x)
			continue;
		const char *words = *x ? ns_arena_printf(s->ar, "%s that %s (%s)", says, g->words, x)
		                       : ns_arena_printf(s->ar, "%s that %s", says, g->words);
		ns_fact_set(s, g->fact, ev, trusted, words, x);
	}
}

bool ns_offline_line_matters(const char *line)
{
	char lower[1024];
	ns_copy(lower, sizeof lower, line);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (size_t i = 0; i < SIGNALS; i++)
		if ((signals[i].where & LOG) && match(lower, signals[i].pattern) &&
		    !(*signals[i].unless && match(lower, signals[i].unless)))
			return true;
	return false;
}

void ns_read_text(scene *s)
{
	const ns_case *c = s->c;
	for (size_t i = 0; i < c->n_evidence; i++) {
		const ns_evidence *e = &c->evidence[i];
		if ((unsigned)e->kind < NS_EV_KIND_COUNT)
			read_line(s, e->text, sources[e->kind].where, sources[e->kind].says, (int)i, ns_evidence_trusted(c, (int)i));
	}
	/* Lines that did not become evidence of their own may still speak against a change; the first log line stands for them. */
	int log = ns_evidence_find(c, NS_EV_LOG, "");
	for (size_t i = 0; i < c->n_log_lines; i++)
		read_line(s, c->log_lines[i], LOG, sources[NS_EV_LOG].says, log, false);
	for (size_t i = 0; i < c->n_containers; i++)
		if (*c->containers[i].waiting_message) {
			int ev = ns_evidence_find(c, NS_EV_STATUS, c->containers[i].name);
			read_line(s, c->containers[i].waiting_message, STATUS, sources[NS_EV_STATUS].says, ev, ns_evidence_trusted(c, ev));
		}
	int cond = ns_evidence_find(c, NS_EV_CONDITION, "");
	if (*c->cond_message)
		read_line(s, c->cond_message, STATUS, sources[NS_EV_CONDITION].says, cond, ns_evidence_trusted(c, cond));
	if (c->alert.kind == NS_KIND_KYVERNO_VIOLATION) {
		int ev = ns_evidence_find(c, NS_EV_POLICY, "");
		const char *whole =
		    ns_arena_printf(s->ar, "%s %s %s %s", c->alert.policy, c->alert.rule, c->policy_category, c->policy_message);
		read_line(s, whole, POLICY, sources[NS_EV_POLICY].says, ev, ns_evidence_trusted(c, ev));
		read_line(s, c->alert.message, POLICY, sources[NS_EV_POLICY].says, ev, false);
	} else {
		read_line(s, c->alert.message, STATUS, "the alert says", ns_evidence_find(c, NS_EV_CONDITION, ""), false);
	}
}

/* A whole word of a clause about settings: "cart" in an image's name is no setting of that name. */
static bool in_settings(const char *changes, const char *word)
{
	static const char *const about[] = {"env", "volume", "command", "args", "service account"};
	size_t n = strlen(word);
	for (const char *p = changes; *p;) {
		size_t len = strcspn(p, ";");
		bool setting = false;
		for (size_t i = 0; i < sizeof about / sizeof about[0]; i++)
			setting |= !strncmp(p, about[i], strlen(about[i]));
		for (const char *at = p; setting && (at = strstr(at, word)) && at < p + len; at++)
			if ((at == p || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[n]))
				return true;
		p += len;
		p += strspn(p, "; ");
	}
	return false;
}

/* F_INTRODUCED: what the text complains about is what the newest revision changed. A user name is not among the themes: it says nothing
 * about whose password is wrong. */
void ns_read_links(scene *s)
{
	static const fact themes[] = {T_REFERENCE, T_ENV, T_REFUSED, T_DNS, T_TIMEOUT, T_MOUNTED_FILE, T_FILE, T_CONFIG, T_DENIED};
	if (!s->f[F_RELEASE].on)
		return;
	for (size_t i = 0; i < sizeof themes / sizeof themes[0]; i++) {
		const fact_state *t = &s->f[themes[i]];
		char word[96];
		ns_copy(word, sizeof word, t->detail);
		char *port = strchr(word, ':');
		if (port)
			*port = 0; /* a diff shows the host, perhaps in a URL */
		if (!t->on || strlen(word) <= 2)
			continue;
		/* "NAME": a name or value in the former template's JSON. */
		if (strstr(s->good->template_json, ns_arena_printf(s->ar, "\"%s\"", word)) && !in_settings(s->good->changes, word))
			ns_fact_set(s, F_SETTING_OLD, s->f[F_RELEASE].ev, s->f[F_RELEASE].trusted,
			    ns_arena_printf(s->ar, "the former revision had %s as well", word), word);
		if (in_settings(s->good->changes, word))
			ns_fact_set(s, F_INTRODUCED, s->f[F_RELEASE].ev, s->f[F_RELEASE].trusted,
			    ns_arena_printf(s->ar, "the newest revision itself changed %s", t->detail), t->detail);
	}
}
