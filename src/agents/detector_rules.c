/* The rule table: one row per way in which something can be broken. Its tests are in detector_rules_pods.c, _work.c and _world.c. A new kind of
 * failure is one row here, one test function there, and one test in tests/agents; man/neuroscale-detector.7 is made from this table. */
#include <pthread.h>

#include "detector_rules.h"

/* ---- help for tests ---- */

void dt_look_again(const dt_env *e, dt_finding *f, int64_t wall_ms)
{
	int64_t at = e->mono + wall_ms - e->wall;
	if (wall_ms <= e->wall)
		return; /* what lies behind us decides nothing any more */
	if (f->due_mono < 0 || at < f->due_mono)
		f->due_mono = at;
}

bool dt_too_early(const dt_env *e, dt_finding *f, int64_t from, int64_t ms)
{
	if (e->wall >= from + ms)
		return false;
	dt_look_again(e, f, from + ms);
	return true;
}

void dt_member(const dt_env *e, dt_finding *f, dt_pod *p)
{
	if (f->n_pods && f->pods[f->n_pods - 1] == p)
		return;
	if (f->n_pods == f->cap_pods) {
		size_t cap = f->cap_pods ? f->cap_pods * 2 : 8;
		dt_pod **bigger = ns_arena_alloc(e->ar, cap * sizeof *bigger);
		if (f->n_pods)
			memcpy(bigger, f->pods, f->n_pods * sizeof *bigger);
		f->pods = bigger;
		f->cap_pods = cap;
	}
	f->pods[f->n_pods++] = p;
}

void dt_found(const dt_env *e, dt_finding *f, dt_pod *p, const char *container, const char *reason, const char *message)
{
	if (!f->holds) {
		f->holds = true;
		f->reason = reason;
		f->message = message;
		f->container = container;
		f->object_uid = p ? p->key : "";
	}
	if (p)
		dt_member(e, f, p);
}

bool dt_over(const dt_pod *p)
{
	return p->phase == DT_DONE || p->phase == DT_FAILED;
}

const dt_thing *dt_thing_at(const dt_work *w, dt_sort sort)
{
	for (size_t i = 0; i < w->n_things; i++)
		if (w->things[i]->sort == sort)
			return w->things[i];
	return NULL;
}

/* ---- the table ---- */

enum {
	R_OOM, R_CRASH, R_EXITS, R_IMAGE, R_CONFIG, R_MOUNT, R_CLAIM_MISSING, R_SCHED, R_KILLS, R_UNREADY, R_EVICTED, R_FAILED, R_STUCK, R_DEADLINE,
	R_REPLICAS, R_STALLED, R_JOB, R_CRON, R_SCALER, R_MAXED, R_CLAIM, R_NODE_DOWN, R_NODE_PRESSURE, R_CERTIFICATE, R_SYNC_FAILED, R_APP_HEALTH, R_DRIFT,
	R_KYVERNO, R_COST, R_BUDGET, R_EXTERNAL, R_STORM, R_COUNT
};
#define B(row)  (1ull << (row))
#define MAKE    (B(R_IMAGE) | B(R_CONFIG) | B(R_MOUNT))                 /* it cannot even be made */
#define POD     (MAKE | B(R_OOM) | B(R_CRASH) | B(R_EXITS) | B(R_CLAIM_MISSING) | B(R_SCHED) | B(R_KILLS) | B(R_UNREADY))
#define WORK    (POD | B(R_EVICTED) | B(R_FAILED) | B(R_DEADLINE) | B(R_REPLICAS) | B(R_STALLED) | B(R_JOB) | B(R_CRON) | B(R_SCALER) | B(R_KYVERNO))
#define NODE    (B(R_NODE_DOWN) | B(R_NODE_PRESSURE))

const unsigned dt_health_kinds = DT_BIT(NS_KIND_OOM_KILLED) | DT_BIT(NS_KIND_POD_CRASHLOOP) | DT_BIT(NS_KIND_IMAGE_PULL) | DT_BIT(NS_KIND_CONFIG_ERROR) |
    DT_BIT(NS_KIND_UNSCHEDULABLE) | DT_BIT(NS_KIND_PROBE_FAILURE) | DT_BIT(NS_KIND_DEPLOYMENT_STALLED) | DT_BIT(NS_KIND_VOLUME_PENDING);

/* {name, kind, severity, when, evidence, recovers} · test · causes it is a symptom of · settle · recover · needs the workload ready */
const dt_rule dt_rules[] = {
    [R_OOM] = {{"oom-killed", NS_KIND_OOM_KILLED, NS_SEV_CRIT,
            "a container (app, init or sidecar) was OOM-killed, with whatever exit code: it is down, in back-off after it, or was "
            "seen to be killed and runs again; exit code 137 alone is no OOM kill",
            "state and last state of the container, its limits, the node's memory",
            "running and ready for 2 min without another kill"},
        dt_test_oom, 0, 0, 2 * DT_MINUTE, true},
    [R_CRASH] = {{"crash-loop", NS_KIND_POD_CRASHLOOP, NS_SEV_CRIT,
            "a container waits in CrashLoopBackOff, or restarted 3 times within 10 min; not after an OOM kill or a kill by a probe",
            "last state, exit code, log of the ended container, what changed with the last rollout",
            "ready and no restart for 60 s"},
        dt_test_crashloop, B(R_OOM) | MAKE | B(R_KILLS), 0, DT_MINUTE, true},
    [R_EXITS] = {{"exits", NS_KIND_POD_CRASHLOOP, NS_SEV_CRIT,
            "a container is down after a non-zero exit, and the end before it, within a day, was no better; not when a node's restart lost how it ended",
            "last state, exit code, log of the ended container",
            "ready and no restart for 60 s"},
        dt_test_exits, B(R_OOM) | MAKE | B(R_KILLS), 0, DT_MINUTE, true},
    [R_IMAGE] = {{"image-pull", NS_KIND_IMAGE_PULL, NS_SEV_CRIT,
            "an image cannot be pulled, named, inspected or verified; the reason tells apart: not found, auth, rate limit, network, "
            "TLS, platform, disk full",
            "waiting reason and message, events of the pull, image and revision",
            "the pods are ready for 10 s"},
        dt_test_image, 0, 0, 10000, true},
    [R_CONFIG] = {{"container-config", NS_KIND_CONFIG_ERROR, NS_SEV_CRIT,
            "a container cannot be created or started: missing ConfigMap, Secret or key, bad command, hook",
            "waiting reason and message, events, what changed with the last rollout",
            "the pods are ready for 10 s"},
        dt_test_config, 0, 0, 10000, true},
    [R_MOUNT] = {{"volume-mount", NS_KIND_CONFIG_ERROR, NS_SEV_CRIT,
            "a pod is stuck creating for 10 s while events say that a volume cannot be attached or mounted, or its sandbox cannot "
            "be made",
            "FailedMount, FailedAttachVolume, FailedCreatePodSandBox events",
            "the pods are ready for 10 s"},
        dt_test_mount, 0, 0, 10000, true},
    [R_CLAIM_MISSING] = {{"claim-missing", NS_KIND_VOLUME_PENDING, NS_SEV_WARN,
            "a pod names a volume claim that does not exist, for 15 s",
            "the scheduler's message",
            "every pod has a node for 5 s"},
        dt_test_claim_missing, 0, 0, 5000, false},
    [R_SCHED] = {{"unschedulable", NS_KIND_UNSCHEDULABLE, NS_SEV_WARN,
            "no node takes a pod for 15 s (5 min while nodes are cordoned, or after an autoscaler said that it brings one); the reason names cpu, memory, disk, taint, affinity, "
            "volume, quota; not when a volume claim or a lost node explains it, and a scheduling gate is no failure",
            "the scheduler's message, requests, nodes",
            "every pod has a node for 5 s"},
        dt_test_unschedulable, B(R_CLAIM_MISSING), 0, 5000, false},
    [R_KILLS] = {{"probe-kills", NS_KIND_PROBE_FAILURE, NS_SEV_WARN,
            "a liveness or startup probe kills a container again and again",
            "Unhealthy and Killing events, restarts",
            "ready for 60 s without a kill"},
        dt_test_probe_kills, B(R_OOM) | MAKE, 0, DT_MINUTE, true},
    [R_UNREADY] = {{"not-ready", NS_KIND_PROBE_FAILURE, NS_SEV_WARN,
            "a running pod is not ready for 30 s and its probe fails, or for 15 min, or has a node for that long and does not start (a pod of no rollout); not within its first minute (5 min when it never was ready), nor during a rollout within its "
            "deadline",
            "Unhealthy events, Ready condition",
            "ready for 60 s"},
        dt_test_unready, B(R_OOM) | B(R_CRASH) | B(R_EXITS) | MAKE, 0, DT_MINUTE, true},
    [R_EVICTED] = {{"evicted", NS_KIND_EVICTED, NS_SEV_WARN,
            "the kubelet evicted a pod within the last 10 min, and no pressure of its node has been told of",
            "reason and message of the pod, its requests and limits, the node",
            "no eviction for 10 min and the workload is ready"},
        dt_test_evicted, 0, 0, 10000, true},
    [R_FAILED] = {{"pod-failed", NS_KIND_OTHER, NS_SEV_WARN,
            "a pod that nothing replaces ended as Failed within the last day (10 min when a controller that is not known here made it)",
            "reason of the pod, exit code, log",
            "the pod is gone, or that time has passed"},
        dt_test_failed, POD | B(R_EVICTED), 0, 0, false},
    [R_STUCK] = {{"stuck-terminating", NS_KIND_OTHER, NS_SEV_WARN,
            "a pod should have been gone for 10 min, and its node answers",
            "deletion time, finalizers",
            "it is gone"},
        dt_test_stuck, 0, 0, 0, false},
    [R_DEADLINE] = {{"progress-deadline", NS_KIND_DEPLOYMENT_STALLED, NS_SEV_CRIT,
            "a Deployment's rollout exceeded its progress deadline and no pod shows why",
            "Progressing condition, revisions and what changed between them",
            "the rollout is complete for 10 s"},
        dt_test_deadline, POD | B(R_KYVERNO), 1000, 10000, true},
    [R_REPLICAS] = {{"replica-failure", NS_KIND_DEPLOYMENT_STALLED, NS_SEV_CRIT,
            "pods cannot be created (quota, admission, service account) for 10 s; of a StatefulSet or DaemonSet its events say so",
            "ReplicaFailure condition or FailedCreate events",
            "the rollout is complete for 10 s"},
        dt_test_replica_failure, POD | B(R_KYVERNO), 10000, 10000, true},
    [R_STALLED] = {{"rollout-stalled", NS_KIND_DEPLOYMENT_STALLED, NS_SEV_CRIT,
            "a StatefulSet, DaemonSet, ReplicaSet, or a Deployment that is not rolling out or has no deadline, is short of pods and nothing has "
            "changed for 10 min; no pod shows why",
            "counts of the status, its pods",
            "the rollout is complete for 10 s"},
        dt_test_stalled, POD | B(R_KYVERNO) | B(R_DEADLINE) | B(R_REPLICAS), 0, 10000, true},
    [R_JOB] = {{"job-failed", NS_KIND_JOB_FAILED, NS_SEV_WARN,
            "a Job failed within the last day and no later run of its CronJob went well, or its pods cannot be created (quota, admission, service "
            "account) for 10 s",
            "Failed condition or FailedCreate events, its pods and their logs",
            "a later run succeeds, the Job is deleted, or a day has passed"},
        dt_test_job, POD, 2000, 0, false},
    [R_CRON] = {{"cronjob-missed", NS_KIND_JOB_FAILED, NS_SEV_WARN,
            "a CronJob has not run for longer than its schedule ever pauses, and 5 min (1 h more when that is over an hour); not "
            "when suspended or running, and counted anew when it is resumed or its schedule is edited",
            "schedule, last run",
            "it runs"},
        dt_test_cron, B(R_JOB), 0, 0, false},
    [R_SCALER] = {{"autoscaler", NS_KIND_AUTOSCALING, NS_SEV_WARN,
            "a HorizontalPodAutoscaler cannot scale or has no metrics for 3 min",
            "AbleToScale and ScalingActive conditions",
            "its conditions are well for 30 s"},
        dt_test_autoscaler, POD, 0, 30000, false},
    [R_MAXED] = {{"autoscaler-maxed-out", NS_KIND_AUTOSCALING, NS_SEV_WARN,
            "a HorizontalPodAutoscaler wants more replicas than its maximum for 15 min",
            "ScalingLimited condition",
            "it does not for 60 s"},
        dt_test_maxed_out, POD, 0, DT_MINUTE, false},
    [R_CLAIM] = {{"claim-pending", NS_KIND_VOLUME_PENDING, NS_SEV_WARN,
            "a PersistentVolumeClaim has no volume for 1 min (15 s when provisioning fails), or lost it; not while it waits for its "
            "first pod",
            "phase, events of the provisioner, its pods",
            "it is bound"},
        dt_test_claim, 0, 0, 0, false},
    [R_NODE_DOWN] = {{"node-not-ready", NS_KIND_NODE_PRESSURE, NS_SEV_CRIT,
            "a node does not answer, or has said for 1 min that it is not ready; its pods are members, not incidents. Not within its first 5 min, nor for 15 min after a cordon, "
            "nor when an autoscaler is removing it",
            "Ready condition, taints, its pods",
            "ready for 60 s, or it is gone"},
        dt_test_node_down, 0, 0, DT_MINUTE, false},
    [R_NODE_PRESSURE] = {{"node-pressure", NS_KIND_NODE_PRESSURE, NS_SEV_WARN,
            "a node is short of memory, disk or process ids, or its network is not set up",
            "conditions of the node, its pods",
            "the condition is off for 60 s"},
        dt_test_node_pressure, B(R_NODE_DOWN), 0, DT_MINUTE, false},
    [R_CERTIFICATE] = {{"certificate", NS_KIND_CERTIFICATE_EXPIRY, NS_SEV_WARN,
            "the certificate of a TLS Secret ends within 14 days (crit within 3); only with --tls-secrets and the right to read "
            "them",
            "subject and end of the certificate; nothing else of the Secret is kept",
            "it is renewed"},
        dt_test_certificate, 0, 0, 0, false},
    [R_SYNC_FAILED] = {{"argocd-sync-failed", NS_KIND_ARGOCD_DRIFT, NS_SEV_CRIT,
            "an Argo CD operation failed, or an Application has an error condition, for 2 min; not when a workload of it tells why",
            "operation state and conditions of the Application",
            "the next operation succeeds"},
        dt_test_sync_failed, 0, 0, 0, false},
    [R_APP_HEALTH] = {{"argocd-health", NS_KIND_ARGOCD_DRIFT, NS_SEV_WARN,
            "an Application is Degraded or Missing for 5 min and no workload of it tells why",
            "health of the Application and of its resources",
            "Healthy for 30 s"},
        dt_test_app_health, 0, 0, 30000, false},
    [R_DRIFT] = {{"argocd-out-of-sync", NS_KIND_ARGOCD_DRIFT, NS_SEV_WARN,
            "an Application is OutOfSync for 10 min with no operation running",
            "sync status, resources that differ",
            "Synced"},
        dt_test_drift, 0, 0, 0, false},
    [R_KYVERNO] = {{"kyverno-violation", NS_KIND_KYVERNO_VIOLATION, NS_SEV_WARN,
            "Kyverno refused a request for the workload, or a report (wgpolicyk8s.io or openreports.io) shows it failing an "
            "enforced policy",
            "event or report, policy and rule, their annotations",
            "the report no longer fails, the rollout is complete, or an exception lets it through"},
        dt_test_kyverno, 0, 0, 0, false},
    [R_COST] = {{"cost-spike", NS_KIND_COST_SPIKE, NS_SEV_INFO,
            "OpenCost's rate per day is at least the set ratio of the window before and over the set minimum",
            "both windows, efficiency, replicas",
            "the next report shows it gone, or it has fewer replicas"},
        dt_test_cost, 0, 0, 0, false},
    [R_BUDGET] = {{"cost-budget", NS_KIND_COST_SPIKE, NS_SEV_WARN,
            "the cluster costs more per day than its budget (--cost-budget)",
            "OpenCost's total and its largest rows",
            "the next report is within the budget"},
        dt_test_budget, 0, 0, 0, false},
    [R_EXTERNAL] = {{"external", NS_KIND_EXTERNAL, NS_SEV_WARN,
            "another system (Alertmanager) reports the workload for 10 s and no row above holds for it; its own severity counts",
            "what it said; it never leads to an automatic change",
            "the other system says so, or does not repeat it in time"},
        dt_test_external, WORK | NODE, 10000, 0, false},
    [R_STORM] = {{"storm", NS_KIND_STORM, NS_SEV_CRIT,
            "at least 30 % and 5 of the workloads, or 30 % and 2 of the nodes, are unhealthy at once (--storm-ratio, --storm-workloads, --storm-nodes)",
            "counts, and which workloads or nodes",
            "below four fifths of that for 30 s"},
        NULL, 0, 0, 30000, false},
};
const size_t dt_n_rules = R_COUNT;
_Static_assert((int)R_COUNT <= (int)DT_MAX_RULES, "causes is a bit for each");

static ns_rule_info public_rows[R_COUNT];
static pthread_once_t public_once = PTHREAD_ONCE_INIT;

static void make_public(void)
{
	for (size_t i = 0; i < R_COUNT; i++)
		public_rows[i] = dt_rules[i].info;
}

const ns_rule_info *ns_detector_rules(size_t *n)
{
	pthread_once(&public_once, make_public);
	*n = R_COUNT;
	return public_rows;
}
