/* The plain data that flows between the agents. Every struct lives in the arena it was made in (strings never NULL, "" when absent),
 * is immutable once handed on, and has a JSON form that the store keeps. Times are wall milliseconds of the engine's clock. */
#ifndef NEUROSCALE_MODEL_FACTS_H
#define NEUROSCALE_MODEL_FACTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/vocab.h"

/* A workload: what owns the pods (Deployment, StatefulSet, DaemonSet, Job, or the bare Pod). */
typedef struct ns_workload {
	const char *cluster, *ns, *kind, *name, *uid;
} ns_workload;

/* Detector -> engine. The identity of an incident is (cluster, kind, ns, owning workload), never a pod name. */
typedef struct ns_alert {
	ns_kind kind;
	ns_severity severity;
	ns_workload target;
	const char *container;   /* "" when the whole workload */
	const char *reason;      /* "OOMKilled", "CrashLoopBackOff", "ProgressDeadlineExceeded" … as Kubernetes names it */
	const char *message;     /* sanitised, one line */
	const char *const *pods; /* members, names */
	size_t n_pods;
	int64_t first_ms, seen_ms;
	const char *policy, *rule;          /* kyverno_violation only */
	double cost_now, cost_before;       /* cost_spike only: per day, currency of OpenCost */
	const char *object_uid;             /* the alert's own object */
} ns_alert;

/* One piece of evidence. `trusted` is the cluster's own observed state (status, spec, controllers' conditions); log lines, event
 * messages and annotations are not: they may lower trust, alone they never establish auto (law 3). */
typedef enum ns_ev_kind {
	NS_EV_STATUS, NS_EV_EXIT, NS_EV_EVENT, NS_EV_LOG, NS_EV_ROLLOUT, NS_EV_RESOURCES, NS_EV_CONDITION, NS_EV_OWNER, NS_EV_POLICY,
	NS_EV_COST, NS_EV_NOTE, NS_EV_KIND_COUNT
} ns_ev_kind;
const char *ns_ev_kind_name(ns_ev_kind k);
typedef struct ns_evidence {
	const char *id;    /* "E1" … unique within its case */
	ns_ev_kind kind;
	bool trusted;
	const char *text;  /* one line for people, sanitised and redacted */
	int64_t at_ms;     /* when it happened, 0 unknown */
} ns_evidence;

typedef struct ns_container_facts {
	const char *name, *image;
	bool init, sidecar, ready, running;
	int64_t restarts;
	const char *waiting_reason, *waiting_message;
	bool has_last;                 /* a terminated state is known (state or lastState) */
	const char *last_reason;       /* "OOMKilled", "Error", "Completed" … */
	const char *last_message;
	int last_exit, last_signal;
	int64_t last_started_ms, last_finished_ms;
	int64_t mem_limit, mem_request;         /* bytes, 0 unset */
	int64_t cpu_limit_milli, cpu_request_milli;
	bool jvm;                      /* a heap setting was recognised in args or env */
} ns_container_facts;

typedef struct ns_revision {
	int64_t number;                /* deployment.kubernetes.io/revision */
	const char *replicaset, *uid;
	int64_t created_ms, replicas, ready;
	bool current;
	bool was_healthy;              /* its pods are ready, or its age says that it served: a guess unless health_seen */
	bool health_seen;              /* a ready pod of its own template was seen, and its place in the order of revisions is certain */
	bool order_known;              /* what runs now is no revision that was gone back to, so that ages tell the order */
	const char *changes;           /* human words: what differs from the current template ("image a:1 -> a:2"), "" when same */
	bool only_safe_fields;         /* the diff touches image, command, args, env, probes or resources only */
	const char *template_json;     /* pod template, canonical, without pod-template-hash */
} ns_revision;

/* What deploys the target from Git or a chart, read by the gitops room. */
typedef struct ns_owner {
	const char *tool;              /* "argocd" | "flux" | "helm", "" none */
	const char *kind;              /* "Application" | "Kustomization" | "HelmRelease" | "release" */
	const char *ns, *name;         /* "" when its marks do not tell */
	bool confirmed;                /* it was read, and says itself that it deploys the target */
	bool auto_sync, self_heal;     /* argocd: it syncs by itself; it sets changes of the live object back */
	const char *automated;         /* argocd: spec.syncPolicy.automated as it stands, JSON, to be given back; "" none */
	const char *generated_by;      /* "ApplicationSet apps": what writes the owner itself, "" nobody */
	const char *revision;          /* that it was compared with, "" unknown */
	bool has_target;               /* argocd: its history has a state to go back to: */
	int64_t history_id;
	const char *history_revision;
	const char *why;               /* argocd: why there is none */
} ns_owner;

/* Everything the analyst may look at for one incident: collected live, once, then frozen. */
typedef struct ns_case {
	ns_alert alert;
	int64_t taken_ms;
	/* target */
	const char *api_version;
	int64_t generation, observed_generation, replicas, ready, updated, available, unavailable;
	const char *resource_version;
	bool paused, found;
	const char *managed_by;        /* "" | "argocd" | "helm" | "flux" | "operator:KIND" */
	ns_owner owner;                /* of managed_by argocd, flux and helm */
	bool nonproduction;            /* a label or the configuration says so; unlabelled is production */
	/* what else bounds it (see analyzer_bounds.c) */
	bool has_hpa, has_vpa;         /* an autoscaler owns its replica count; another one the resources of its pods */
	int64_t surge;                 /* pods that a rollout may have on top of its replicas */
	int64_t container_mem_max, pod_mem_max; /* bytes that LimitRanges allow, 0 no such */
	const char *quota;             /* the tightest quota of memory in its namespace, "" none */
	int64_t quota_limit_left, quota_request_left; /* bytes that quotas leave, -1 not counted; only with a quota */
	int64_t pdb_min_available;     /* pods that its disruption budgets want available, 0 no such */
	const char *unread;            /* which of these could not be read ("quotas, LimitRanges"), "" none */
	const char *cond_progressing_reason, *cond_available_reason, *cond_message;
	ns_container_facts *containers;
	size_t n_containers;
	ns_revision *revisions;        /* newest first */
	size_t n_revisions;
	const char **log_lines;        /* last lines of the failing container, redacted, oldest first */
	size_t n_log_lines;
	ns_evidence *evidence;
	size_t n_evidence;
	int64_t node_allocatable_mem;  /* smallest node that hosts a member, 0 unknown */
	/* policy */
	const char *policy_message, *policy_category, *policy_severity;
	const char *policy_kind;       /* "ValidatingPolicy" and its like for CEL policies, "" the others */
	const char *policy_guard;      /* what the rule guards by its own content, so that there is no exception from it; "" nothing of that */
	const char *exception_off;     /* why Kyverno would take an exception and ignore it; "" it would not, as far as can be told */
	const char *const *rules;
	size_t n_rules;
	const char *exception_api_version, *exception_namespace; /* "" when the CRD is not served */
	/* cost, per month */
	double monthly_cost, monthly_saving;
	char hash[65];                 /* SHA-256 over what matters: the same cause gives the same hash */
} ns_case;

typedef struct ns_claim {
	const char *text;
	const char *const *evidence;   /* ids */
	size_t n_evidence;
} ns_claim;

/* Analyzer -> planner. */
typedef struct ns_rca {
	const char *root_cause;
	double confidence;             /* 0..1 */
	ns_action action;
	ns_risk risk;
	bool auto_remediate;
	const char *reasoning;
	ns_claim *claims;
	size_t n_claims;
	const char *provider;          /* "offline" or the model's name */
	const char *cause_class;       /* short stable word of the cause ("oom_limit_too_low"), for records and retrieval */
	bool evidence_ok;              /* every claim cites evidence that exists */
	const char *next_steps;        /* what a person would try; for manual_review never empty */
} ns_rca;

/* One kubectl command: argv without program name, --kubeconfig, --context (the executor adds those). `body` goes by stdin. */
typedef struct ns_command {
	const char *const *argv;       /* NULL-terminated, e.g. {"-n","shop","patch","deployment/web","--type=json","--patch-file=/dev/stdin","-o","json"} */
	const char *body;              /* JSON; for patches the operations without the uid/resourceVersion tests, which are put in at sending */
	bool json_patch;               /* body is a JSON patch on the target: tests on uid and resourceVersion go in front */
	const char *equivalent;        /* what a person would type */
} ns_command;

typedef struct ns_plan {
	ns_action action;
	ns_risk risk;
	ns_workload target;
	int64_t generation;
	const char *runbook, *runbook_hash, *runbook_title;
	double score, margin;
	double score_floor, margin_floor; /* of the vectors that found it, 0 when none was looked for */
	const char *retrieved_by;      /* whose vectors: "offline" or "MODEL/DIM" */
	const char *judgement;         /* the runbook's record for this cause here: "3 of 3 fixed here, last 2026-11-20", "" none */
	const char *summary;           /* "raise memory limit of web/app 128Mi -> 256Mi" */
	const char *const *steps;      /* for people */
	size_t n_steps;
	ns_command command;            /* argv NULL for manual_review */
	ns_command undo;               /* argv NULL when no valid inverse */
	bool undo_valid;
	bool requires_approval;
	const char *const *approval_reasons; /* in words, each citing what asks for it */
	size_t n_approval_reasons;
	const char *verify;            /* "no OOM kill and all replicas ready for 120 s" */
	const char *manual_command;    /* for what has no action here: the exact command a person would run, "" else */
	const char *expected_effect;   /* "≈ 1,204 USD/month saved", "" unknown */
	int64_t mem_before, mem_after, replicas_before, replicas_after, revision_to;
} ns_plan;

/* True when the reason of an alert is that word, with or without a detail: "ImagePullBackOff (not found)" is "ImagePullBackOff". */
bool ns_reason_is(const char *reason, const char *word);

/* A copy that lives in ar, whatever becomes of the original's arena. */
ns_alert *ns_alert_copy(ns_arena *ar, const ns_alert *a);

/* JSON forms (tables of model/record.h). from_json validates strictly and copies into the arena; NULL on error. */
cJSON *ns_alert_to_json(const ns_alert *a);
ns_alert *ns_alert_from_json(ns_arena *ar, const cJSON *j, ns_err *err);
cJSON *ns_case_to_json(const ns_case *c);
ns_case *ns_case_new(ns_arena *ar); /* nothing known yet: strings are "", lists empty, the rest 0 */
ns_case *ns_case_from_json(ns_arena *ar, const cJSON *j, ns_err *err);
cJSON *ns_rca_to_json(const ns_rca *r);
ns_rca *ns_rca_from_json(ns_arena *ar, const cJSON *j, ns_err *err);
cJSON *ns_plan_to_json(const ns_plan *p);
ns_plan *ns_plan_from_json(ns_arena *ar, const cJSON *j, ns_err *err);

/* "cluster/kind/ns/Deployment/web": the identity key. Appended to out. */
void ns_identity(const ns_alert *a, char *out, size_t cap);
#endif
