/* The closed vocabularies, each one table: alert kinds, severities, actions, risks, incident states. Pure. */
#ifndef NEUROSCALE_MODEL_VOCAB_H
#define NEUROSCALE_MODEL_VOCAB_H
#include <stdbool.h>
#include <stddef.h>

typedef enum ns_kind {
	NS_KIND_OOM_KILLED,
	NS_KIND_POD_CRASHLOOP,
	NS_KIND_IMAGE_PULL,
	NS_KIND_CONFIG_ERROR,
	NS_KIND_UNSCHEDULABLE,
	NS_KIND_PROBE_FAILURE,
	NS_KIND_DEPLOYMENT_STALLED,
	NS_KIND_KYVERNO_VIOLATION,
	NS_KIND_COST_SPIKE,
	NS_KIND_EVICTED,
	NS_KIND_ARGOCD_DRIFT,       /* an application of Argo CD: out of sync, degraded, or its sync failed */
	NS_KIND_NODE_PRESSURE,      /* a node: not ready, or short of something */
	NS_KIND_JOB_FAILED,         /* a Job, or a CronJob that does not run */
	NS_KIND_AUTOSCALING,
	NS_KIND_VOLUME_PENDING,
	NS_KIND_CERTIFICATE_EXPIRY,
	NS_KIND_OTHER,              /* a bare pod that failed, a pod that will not go */
	NS_KIND_EXTERNAL, /* what another system reports and no rule of our own sees */
	NS_KIND_STORM, /* the one summary that replaces a flood */
	NS_KIND_COUNT
} ns_kind;
typedef enum ns_severity { NS_SEV_INFO, NS_SEV_WARN, NS_SEV_CRIT, NS_SEV_COUNT } ns_severity;
typedef struct ns_kind_info {
	const char *name;      /* "oom_killed": stored, and the alert class of the evaluation sets */
	const char *title;     /* "OOMKilled": on screen */
	ns_severity severity;  /* default */
} ns_kind_info;
const ns_kind_info *ns_kind_get(ns_kind k);
bool ns_kind_parse(const char *s, ns_kind *out);
const char *ns_severity_name(ns_severity s); /* "info" "warn" "crit" */
bool ns_severity_parse(const char *s, ns_severity *out);

/* Law 2: the closed actions. Anything else, however it is spelled, is manual_review. */
typedef enum ns_action {
	NS_ACT_MANUAL_REVIEW,
	NS_ACT_ROLLBACK,
	NS_ACT_SCALE,
	NS_ACT_PATCH_RESOURCES,
	NS_ACT_POLICY_EXCEPTION,
	NS_ACT_COST_SCALE_DOWN,
	NS_ACT_COUNT
} ns_action;
typedef struct ns_action_info {
	const char *name;
	bool executable;               /* manual_review is not */
	const char *target_kind;       /* "Deployment", or "PolicyException" */
	const char *api_group, *resource; /* what RBAC it needs: "apps", "deployments" */
	const char *verbs;             /* "get,patch" */
	const char *words;             /* "roll back to an earlier revision" */
} ns_action_info;
const ns_action_info *ns_action_get(ns_action a);
ns_action ns_action_parse(const char *s, bool *known); /* exact spelling; unknown -> manual_review, *known = false (may be NULL) */

typedef enum ns_risk { NS_RISK_LOW, NS_RISK_MEDIUM, NS_RISK_HIGH, NS_RISK_CRITICAL, NS_RISK_COUNT } ns_risk;
const char *ns_risk_name(ns_risk r);
bool ns_risk_parse(const char *s, ns_risk *out);

typedef enum ns_state {
	NS_ST_DETECTED,
	NS_ST_ANALYZING,
	NS_ST_PLANNING,          /* also while the dry-run of a finished plan is out */
	NS_ST_AWAITING_APPROVAL,
	NS_ST_EXECUTING,
	NS_ST_VERIFYING,
	NS_ST_UNDOING,           /* what was changed is being taken back (store/capsule.h) */
	NS_ST_RESOLVED,          /* verified fixed, or recovered by itself (outcome says which) */
	NS_ST_REJECTED,
	NS_ST_EXPIRED,
	NS_ST_WITHDRAWN,         /* recovered before anybody acted */
	NS_ST_FAILED,            /* NOT FIXED or UNKNOWN, nothing more to try by machine */
	NS_ST_MANUAL_REVIEW,
	NS_ST_COUNT
} ns_state;
typedef struct ns_state_info {
	const char *name;
	bool terminal; /* no job runs for it any more */
	bool holds;    /* keeps its identity (no second incident) until recovery is seen or the cool-down ends */
	bool closed;   /* identity is free */
} ns_state_info;
const ns_state_info *ns_state_get(ns_state s);
bool ns_state_parse(const char *s, ns_state *out);
bool ns_state_may(ns_state from, ns_state to); /* the one table of edges; the store enforces it a second time */

typedef enum ns_profile { NS_PROFILE_OBSERVE, NS_PROFILE_APPROVE, NS_PROFILE_AUTO } ns_profile;
const char *ns_profile_name(ns_profile p);
bool ns_profile_parse(const char *s, ns_profile *out);

typedef enum ns_verdict { NS_VERDICT_NONE, NS_VERDICT_FIXED, NS_VERDICT_NOT_FIXED, NS_VERDICT_UNKNOWN } ns_verdict;
const char *ns_verdict_name(ns_verdict v); /* "" "FIXED" "NOT FIXED" "UNKNOWN" */

typedef enum ns_role { NS_ROLE_NONE, NS_ROLE_VIEWER, NS_ROLE_APPROVER, NS_ROLE_ADMIN } ns_role;

/* The same names by int, as tables of members (model/record.h) ask for them. */
const char *ns_kind_word(int v);
const char *ns_severity_word(int v);
const char *ns_action_word(int v);
const char *ns_risk_word(int v);
const char *ns_state_word(int v);
const char *ns_verdict_word(int v);
const char *ns_profile_word(int v);
#endif
