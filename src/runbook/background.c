/* What five documents cannot teach: which words say little in any cluster, and what else happens on call.
 *
 * The words are damped, not dropped: "not found" and "no endpoints" need them. The sentences take part in the search as counter-examples of
 * every runbook, and the score floor is set where they stop looking like the library's own symptoms. A runbook that a team adds for one of
 * these situations is closer to it than the sentence here, and wins. */
#include "runbook_priv.h"

#include <stdlib.h>
#include <string.h>

/* Sorted bytewise; 0 says nothing, 1 (not listed) says as much as its rarity in the library. Stems, as embed.c makes them. */
static const struct prior {
	const char *word;
	double weight;
} priors[] = {
    /* clang-format off */
    {"a", 0}, {"after", 0.4}, {"again", 0.4}, {"all", 0.4}, {"also", 0}, {"an", 0}, {"and", 0}, {"any", 0.2}, {"app", 0.3},
    {"are", 0}, {"as", 0.1}, {"at", 0.1}, {"be", 0}, {"because", 0.2}, {"been", 0}, {"before", 0.4}, {"but", 0}, {"by", 0.2},
    {"can", 0.1}, {"cluster", 0.5}, {"container", 0.4}, {"did", 0.1}, {"do", 0.1}, {"does", 0.1}, {"event", 0.5},
    {"example", 0.2}, {"for", 0}, {"from", 0.1}, {"had", 0}, {"has", 0}, {"have", 0}, {"if", 0.1}, {"in", 0}, {"info", 0.3},
    {"into", 0.1}, {"is", 0}, {"it", 0}, {"its", 0}, {"kubectl", 0.3}, {"kubernetes", 0.3}, {"label", 0.5}, {"last", 0.5},
    {"message", 0.4}, {"more", 0.3}, {"name", 0.3}, {"namespace", 0.5}, {"no", 0.4}, {"non", 0.5}, {"normal", 0.3}, {"not", 0.3},
    {"now", 0.3}, {"of", 0}, {"on", 0.1}, {"only", 0.3}, {"or", 0}, {"other", 0.2}, {"out", 0.3}, {"over", 0.3}, {"own", 0.2},
    {"pod", 0.4}, {"reason", 0.4}, {"s", 0}, {"same", 0.3}, {"severity", 0.3}, {"since", 0.4}, {"so", 0}, {"some", 0.1},
    {"start", 0.5}, {"state", 0.4}, {"statu", 0.4}, {"status", 0.4}, {"system", 0.5}, {"than", 0.1}, {"that", 0}, {"the", 0},
    {"their", 0}, {"them", 0}, {"then", 0.1}, {"there", 0.1}, {"they", 0}, {"this", 0}, {"time", 0.4}, {"to", 0}, {"true", 0.3},
    {"type", 0.3}, {"up", 0.3}, {"us", 0.1}, {"use", 0.3}, {"want", 0.3}, {"warn", 0.3}, {"was", 0}, {"were", 0}, {"when", 0.1},
    {"which", 0}, {"while", 0.1}, {"will", 0.1}, {"with", 0}, {"without", 0.4}, {"x", 0},
    /* clang-format on */
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct prior *)row)->word);
}

double ns_word_prior(const char *word, size_t n)
{
	char key[12];
	if (n >= sizeof key)
		return 1;
	memcpy(key, word, n);
	key[n] = 0;
	const struct prior *p = bsearch(key, priors, sizeof priors / sizeof *priors, sizeof *priors, compare);
	if (p)
		return p->weight;
	/* a bare number: an exit code or a limit tells something, a count or an age rarely */
	return word[0] >= '0' && word[0] <= '9' ? (n == 3 ? 0.7 : 0.15) : 1;
}

const char *const ns_background[] = {
    /* nodes */
    "Node is NotReady, the kubelet stopped posting node status, heartbeats lost.",
    "Kubelet reports PLEG is not healthy, skipping pod synchronization, the node was rebooted.",
    "Node has DiskPressure, image garbage collection failed, attempted to free bytes, file system is full.",
    "Node has MemoryPressure or PIDPressure, the kubelet is evicting pods.",
    "Node conditions taints allocatable capacity kernel version kubelet version container runtime.",
    "Instance terminated by the cloud provider, spot interruption, node drained and cordoned.",
    "Clock skew on the node, NTP out of sync, kernel deadlock, read-only file system.",
    /* scheduling */
    "FailedScheduling: 0 nodes are available, Insufficient cpu, Insufficient memory, preemption is not helpful for scheduling.",
    "Pod is Pending, nodes have untolerated taints, node selector or affinity did not match, anti-affinity rules.",
    "Insufficient nvidia.com/gpu, pod did not trigger scale-up, the node group is at its maximum size.",
    "Pod has unbound immediate PersistentVolumeClaims, volume node affinity conflict, StorageClass not found.",
    "Preempted by a pod of a higher priority class.",
    "Pod was evicted: the node was low on resource, ephemeral-storage or memory, container exceeded its request.",
    /* storage */
    "PersistentVolume is filling up, only a few percent of space is left, no space left on device.",
    "AttachVolume failed, Multi-Attach error, volume is already used by another node, MountVolume timed out.",
    /* configuration that somebody has to make */
    "CreateContainerConfigError: secret not found, configmap not found, key does not exist in the Secret.",
    "FailedMount: MountVolume.SetUp failed for volume, secret or configmap not found, stuck in ContainerCreating.",
    "A similarly named Secret or ConfigMap exists, the reference in the manifest is misspelled.",
    "container has runAsNonRoot and image will run as root, pod security admission violates PodSecurity restricted.",
    "exec format error, image for the wrong architecture, amd64 image on an arm node.",
    "Permission denied on a mounted file, read-only root file system, wrong user id.",
    "Invalid credentials, password authentication failed, access denied, token expired, 401 Unauthorized.",
    /* registry */
    "toomanyrequests: pull rate limit of the registry reached, increase the limit by authenticating.",
    "Registry cannot be reached, pull access denied, unauthorized, no basic auth credentials, imagePullSecrets, i/o timeout, x509 unknown "
    "authority.",
    /* probes */
    "Liveness probe failed, connection refused, the container failed its liveness probe and will be restarted, initialDelaySeconds is too "
    "short.",
    "Readiness probe failed with statuscode 503, HTTP probe, a dependency is not ready.",
    "Probe timed out, context deadline exceeded, Client.Timeout exceeded while awaiting headers, process is busy.",
    "Startup takes longer than failureThreshold times periodSeconds allow, slow start.",
    /* certificates, network, control plane */
    "x509: certificate has expired or is not yet valid, unable to connect to the server, TLS handshake error.",
    "failed calling webhook, no endpoints available for service, webhook timed out, context deadline exceeded.",
    "DNS resolution fails, no such host, CoreDNS loop, SERVFAIL, lookup timed out.",
    "Network plugin is not ready, CNI failed to set up the sandbox, FailedCreatePodSandBox, IP addresses exhausted.",
    "API server is slow, etcd leader changed, request latency, too many requests.",
    "Service mesh sidecar not ready, upstream connect error, 503 from the ingress, NetworkPolicy blocks traffic.",
    "Database connections exhausted, too many connections, deadlock, replication lag, primary is down.",
    "Cannot reach the database, connection refused to another service, the dependency is down, no deployment happened.",
    "StatefulSet member of a database or message queue is down, quorum lost, data directory corrupted.",
    /* work that ends */
    "Job failed, BackoffLimitExceeded, the batch pod ended with an error, CronJob missed its schedule.",
    "Init container waits for a service or its command is not found, PodInitializing.",
    "A batch script ends with a traceback because an external API answers with an error.",
    "The process ends with exit code 0, Completed, and is restarted, nothing keeps it in the foreground.",
    /* capacity and noise */
    "CPUThrottlingHigh, throttling of CPU in namespace for container, no impact on latency.",
    "HorizontalPodAutoscaler is at its maximum or cannot read metrics, KubeHpaMaxedOut, desired replicas.",
    "Latency is high, response time grew, slow queries, no error and no restart.",
    "Nothing is wrong: all deployments are available, no restarts, error rate is low, no alert is firing.",
    "Everything is healthy, all desired replicas are updated and available, is anything unusual?",
    "The rollout has finished and all pods are Ready again.",
    "The workload is healthy again, all replicas are ready now, a probe failed for a moment, there is nothing to repair.",
    "Watchdog alert, target is down for Prometheus, scrape failed, monitoring agent.",
    "Consumer lag grows, messages pile up in the queue, topic partitions are under-replicated.",
    "Backup failed, snapshot is older than a day, restore test did not run.",
    "Ingress answers 502 or 504, bad gateway, upstream timed out, no healthy backend.",
    "KubeAPIErrorBudgetBurn, error budget of the API server burns, 504 for LIST requests, KubeAPIDown, KubeAggregatedAPIDown.",
    "KubeJobNotCompleted, KubeJobFailed, job takes more than twelve hours to complete.",
    "CertificateExpiry, certificate expires in days, cert-manager order pending, DNS01 or HTTP01 challenge fails.",
    "etcdNoLeader, etcdMembersDown, leader changes, CoreDNSDown, kube-controller-manager or kube-scheduler is down, no leader.",
    "TargetDown, NodeClockSkewDetected, NodeFilesystemAlmostOutOfSpace, KubeletTooManyPods, KubeQuotaAlmostFull.",
    "Service has no endpoints because its selector matches no pod label.",
    "Pod is stuck Terminating, finalizers, namespace cannot be deleted.",
    NULL,
};
