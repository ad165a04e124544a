/* The closed vocabularies. Each is one table in the order of its enum. */
#include "neuroscale/model/vocab.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- alert kinds ---- */

static const ns_kind_info kinds[NS_KIND_COUNT] = {
    [NS_KIND_OOM_KILLED] = {"oom_killed", "OOMKilled", NS_SEV_CRIT},
    [NS_KIND_POD_CRASHLOOP] = {"pod_crashloop", "CrashLoopBackOff", NS_SEV_CRIT},
    [NS_KIND_IMAGE_PULL] = {"image_pull", "ImagePullBackOff", NS_SEV_CRIT},
    [NS_KIND_CONFIG_ERROR] = {"config_error", "ConfigError", NS_SEV_CRIT},
    [NS_KIND_UNSCHEDULABLE] = {"unschedulable", "Unschedulable", NS_SEV_WARN},
    [NS_KIND_PROBE_FAILURE] = {"probe_failure", "ProbeFailure", NS_SEV_WARN},
    [NS_KIND_DEPLOYMENT_STALLED] = {"deployment_stalled", "DeploymentStalled", NS_SEV_CRIT},
    [NS_KIND_KYVERNO_VIOLATION] = {"kyverno_violation", "PolicyViolation", NS_SEV_WARN},
    [NS_KIND_COST_SPIKE] = {"cost_spike", "CostSpike", NS_SEV_INFO},
    [NS_KIND_EVICTED] = {"evicted", "Evicted", NS_SEV_WARN},
    [NS_KIND_ARGOCD_DRIFT] = {"argocd_drift", "ArgoCDDrift", NS_SEV_WARN},
    [NS_KIND_NODE_PRESSURE] = {"node_pressure", "NodeUnhealthy", NS_SEV_CRIT},
    [NS_KIND_JOB_FAILED] = {"job_failed", "JobFailed", NS_SEV_WARN},
    [NS_KIND_AUTOSCALING] = {"autoscaling", "AutoscalerStuck", NS_SEV_WARN},
    [NS_KIND_VOLUME_PENDING] = {"volume_pending", "VolumePending", NS_SEV_WARN},
    [NS_KIND_CERTIFICATE_EXPIRY] = {"certificate_expiry", "CertificateEnds", NS_SEV_WARN},
    [NS_KIND_OTHER] = {"other", "PodFailure", NS_SEV_WARN},
    [NS_KIND_EXTERNAL] = {"external", "ExternalAlert", NS_SEV_WARN},
    [NS_KIND_STORM] = {"storm", "Storm", NS_SEV_CRIT},
};

const ns_kind_info *ns_kind_get(ns_kind k)
{
	return &kinds[(unsigned)k < NS_KIND_COUNT ? k : NS_KIND_STORM];
}

bool ns_kind_parse(const char *s, ns_kind *out)
{
	for (size_t i = 0; s && i < COUNT(kinds); i++)
		if (strcmp(s, kinds[i].name) == 0) {
			*out = (ns_kind)i;
			return true;
		}
	return false;
}

/* ---- plain names ---- */

static const char *const severities[] = {"info", "warn", "crit"};
static const char *const risks[] = {"low", "medium", "high", "critical"};
static const char *const profiles[] = {"observe", "approve", "auto"};
static const char *const verdicts[] = {"", "FIXED", "NOT FIXED", "UNKNOWN"};
_Static_assert(COUNT(severities) == NS_SEV_COUNT && COUNT(risks) == NS_RISK_COUNT, "a name for each");

static int find(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return (int)i;
	return -1;
}

const char *ns_severity_name(ns_severity s)
{
	return severities[(unsigned)s < COUNT(severities) ? s : NS_SEV_CRIT];
}

bool ns_severity_parse(const char *s, ns_severity *out)
{
	int i = find(severities, COUNT(severities), s);
	if (i >= 0)
		*out = (ns_severity)i;
	return i >= 0;
}

const char *ns_risk_name(ns_risk r)
{
	return risks[(unsigned)r < COUNT(risks) ? r : NS_RISK_CRITICAL];
}

bool ns_risk_parse(const char *s, ns_risk *out)
{
	int i = find(risks, COUNT(risks), s);
	if (i >= 0)
		*out = (ns_risk)i;
	return i >= 0;
}

const char *ns_profile_name(ns_profile p)
{
	return profiles[(unsigned)p < COUNT(profiles) ? p : NS_PROFILE_OBSERVE];
}

bool ns_profile_parse(const char *s, ns_profile *out)
{
	int i = find(profiles, COUNT(profiles), s);
	if (i >= 0)
		*out = (ns_profile)i;
	return i >= 0;
}

const char *ns_verdict_name(ns_verdict v)
{
	return verdicts[(unsigned)v < COUNT(verdicts) ? v : NS_VERDICT_UNKNOWN];
}

/* ---- actions ---- */

static const ns_action_info actions[NS_ACT_COUNT] = {
    [NS_ACT_MANUAL_REVIEW] = {"manual_review", false, "", "", "", "", "hand over to a person"},
    [NS_ACT_ROLLBACK] = {"rollback", true, "Deployment", "apps", "deployments", "get,patch", "roll back to an earlier revision"},
    [NS_ACT_SCALE] = {"scale", true, "Deployment", "apps", "deployments", "get,patch", "change the number of replicas"},
    [NS_ACT_PATCH_RESOURCES] = {"patch_resources", true, "Deployment", "apps", "deployments", "get,patch",
        "change resource requests and limits"},
    [NS_ACT_POLICY_EXCEPTION] = {"policy_exception", true, "PolicyException", "kyverno.io", "policyexceptions", "get,create,patch",
        "grant a time-limited policy exception"},
    [NS_ACT_COST_SCALE_DOWN] = {"cost_scale_down", true, "Deployment", "apps", "deployments", "get,patch", "scale down to save cost"},
};

const ns_action_info *ns_action_get(ns_action a)
{
	return &actions[(unsigned)a < NS_ACT_COUNT ? a : NS_ACT_MANUAL_REVIEW];
}

ns_action ns_action_parse(const char *s, bool *known)
{
	for (size_t i = 0; s && i < COUNT(actions); i++)
		if (strcmp(s, actions[i].name) == 0) {
			if (known)
				*known = true;
			return (ns_action)i;
		}
	if (known)
		*known = false;
	return NS_ACT_MANUAL_REVIEW;
}

/* ---- states ---- */

#define TO(state) (1u << NS_ST_##state)

/* What may follow. Executing goes back only while nothing was sent (the digest changed); an end that holds its identity is left
 * when recovery is seen, and any end when somebody takes back what was changed. */
static const struct {
	ns_state_info info;
	unsigned next;
} states[NS_ST_COUNT] = {
    [NS_ST_DETECTED] = {{"detected", false, true, false}, TO(ANALYZING) | TO(WITHDRAWN) | TO(MANUAL_REVIEW)},
    [NS_ST_ANALYZING] = {{"analyzing", false, true, false}, TO(PLANNING) | TO(WITHDRAWN) | TO(MANUAL_REVIEW)},
    [NS_ST_PLANNING] = {{"planning", false, true, false}, TO(AWAITING_APPROVAL) | TO(EXECUTING) | TO(WITHDRAWN) | TO(MANUAL_REVIEW) | TO(UNDOING)},
    [NS_ST_AWAITING_APPROVAL] = {{"awaiting_approval", false, true, false},
        TO(EXECUTING) | TO(REJECTED) | TO(EXPIRED) | TO(WITHDRAWN) | TO(PLANNING) | TO(MANUAL_REVIEW) | TO(UNDOING)},
    [NS_ST_EXECUTING] = {{"executing", false, true, false},
        TO(VERIFYING) | TO(FAILED) | TO(AWAITING_APPROVAL) | TO(PLANNING) | TO(MANUAL_REVIEW)},
    [NS_ST_VERIFYING] = {{"verifying", false, true, false}, TO(RESOLVED) | TO(FAILED) | TO(PLANNING) | TO(UNDOING) | TO(MANUAL_REVIEW)},
    [NS_ST_UNDOING] = {{"undoing", false, true, false}, TO(FAILED) | TO(MANUAL_REVIEW) | TO(RESOLVED)},
    [NS_ST_RESOLVED] = {{"resolved", true, false, true}, TO(UNDOING)},
    [NS_ST_REJECTED] = {{"rejected", true, true, false}, TO(RESOLVED) | TO(UNDOING)},
    [NS_ST_EXPIRED] = {{"expired", true, true, false}, TO(RESOLVED) | TO(UNDOING)},
    [NS_ST_WITHDRAWN] = {{"withdrawn", true, false, true}, TO(UNDOING)},
    [NS_ST_FAILED] = {{"failed", true, true, false}, TO(RESOLVED) | TO(UNDOING)},
    [NS_ST_MANUAL_REVIEW] = {{"manual_review", true, true, false}, TO(RESOLVED) | TO(UNDOING)},
};

const ns_state_info *ns_state_get(ns_state s)
{
	return &states[(unsigned)s < NS_ST_COUNT ? s : NS_ST_MANUAL_REVIEW].info;
}

bool ns_state_parse(const char *s, ns_state *out)
{
	for (size_t i = 0; s && i < COUNT(states); i++)
		if (strcmp(s, states[i].info.name) == 0) {
			*out = (ns_state)i;
			return true;
		}
	return false;
}

bool ns_state_may(ns_state from, ns_state to)
{
	return (unsigned)from < NS_ST_COUNT && (unsigned)to < NS_ST_COUNT && (states[from].next & 1u << to);
}

/* ---- for tables of members ---- */

const char *ns_kind_word(int v)
{
	return ns_kind_get((ns_kind)v)->name;
}

const char *ns_severity_word(int v)
{
	return ns_severity_name((ns_severity)v);
}

const char *ns_action_word(int v)
{
	return ns_action_get((ns_action)v)->name;
}

const char *ns_risk_word(int v)
{
	return ns_risk_name((ns_risk)v);
}

const char *ns_state_word(int v)
{
	return ns_state_get((ns_state)v)->name;
}

const char *ns_verdict_word(int v)
{
	return ns_verdict_name((ns_verdict)v);
}

const char *ns_profile_word(int v)
{
	return ns_profile_name((ns_profile)v);
}
