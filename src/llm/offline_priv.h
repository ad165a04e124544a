/* Inside the offline analyst. The case is read once into facts (findings_case.c from the cluster's own state, findings_text.c from lines
 * of text); rules (findings_rules.c) turn combinations of facts into support for a cause or a contradiction of it; causes.c says what each
 * cause means for a person; offline.c weighs and writes. Nothing here knows where a fact came from but its evidence id and its trust. */
#ifndef NEUROSCALE_LLM_OFFLINE_PRIV_H
#define NEUROSCALE_LLM_OFFLINE_PRIV_H
#include "neuroscale/llm/analyst.h"

/* What can be true of a case. F_ facts come from structure, T_ facts from text; both feed the same rules. */
/* clang-format off */
typedef enum fact {
	F_NONE,
	/* how the container ended */
	F_OOM, F_KILL9, F_SEGV, F_ABORT, F_TERM, F_EXIT_NOTFOUND, F_EXIT_NOEXEC, F_EXIT_ONE, F_EXIT_TWO, F_EXIT_THREE, F_START_ERROR, F_EXIT_ZERO,
	F_EXIT_OTHER, F_CRASH, F_REPEATS, F_SHORT_LIFE, F_LONG_LIFE, F_INIT,
	/* what it waits for */
	F_WAIT_IMAGE, F_WAIT_NAME, F_WAIT_NEVER, F_WAIT_SIGNATURE, F_WAIT_CONFIG, F_WAIT_RUN, F_WAIT_CREATING, F_UNREADY, F_UNSCHEDULED,
	/* memory */
	F_LIMIT, F_NO_LIMIT, F_JVM, F_LOWERED, F_RAISED, F_RAISED_TWICE, F_BALLOON, F_SLOW_GROWTH, F_NODE_SMALL,
	/* who owns it and what it is */
	F_OPERATOR, F_GITOPS, F_HELM, F_HPA, F_DEPLOYMENT, F_STATEFUL, F_JOB, F_BARE_POD, F_DATABASE, F_NONPROD, F_PRODUCTION, F_PROTECTED,
	/* rollout */
	F_GONE, F_HEALTHY, F_STALLED, F_REPLICA_FAILURE, F_PAUSED, F_STATUS_OLD, F_FIRST, F_NO_HISTORY, F_GOOD, F_SERVING, F_TIED, F_NEVER_UP, F_RAN_FIRST, F_LONG_AFTER,
	F_RELEASE, F_CH_IMAGE, F_CH_REPO, F_CH_ENV, F_CH_COMMAND, F_CH_PROBE, F_CH_REF, F_CH_SECURITY, F_INTRODUCED, F_SETTING_OLD, F_UNSAFE_DIFF,
	F_LOGS_UNREAD,
	/* policy, cost, storm */
	F_POLICY, F_NO_EXCEPTIONS, F_COST, F_IDLE, F_RUNAWAY, F_STORM,
	/* what the detector saw that is not told by a workload's own object */
	F_EVICTED, F_NODE_DOWN, F_NODE_SHORT, F_JOB_FAILED, F_JOB_DEADLINE, F_CRON_MISSED, F_SCALER, F_SCALER_MAX, F_VOLUME, F_VOLUME_GONE, F_CERT_ENDS,
	F_SYNC_FAILED, F_APP_HEALTH, F_DRIFT, F_POD_FAILED, F_STUCK, F_BUDGET, F_EXTERNAL,
	/* text: the application's own words */
	T_REFUSED, T_DNS, T_TIMEOUT, T_AUTH, T_CERT, T_OVERLOAD, T_DISK, T_ENV, T_MOUNTED_FILE, T_FILE, T_MODULE, T_FLAG, T_ARCH, T_PANIC,
	T_EXCEPTION, T_JVM_HEAP, T_NODE_HEAP, T_HEAP, T_DENIED, T_READONLY, T_CONFIG, T_SCHEMA, T_PORT, T_DATA, T_LICENSE, T_RBAC, T_CRD,
	T_LEADER, T_LOOP, T_LEAK, T_BALLOON,
	/* text: kubelet, scheduler, controllers, registries, policy */
	T_REFERENCE, T_NONROOT, T_HOOK, T_MOUNT, T_SANDBOX, T_LIVENESS, T_READINESS, T_STARTUP, T_PROBE_PORT, T_IMG_MISSING, T_IMG_AUTH,
	T_IMG_LIMIT, T_IMG_NET, T_IMG_CERT, T_IMG_PLATFORM, T_SCHED_ROOM, T_SCHED_DEVICE, T_SCHED_RULES, T_SCHED_VOLUME, T_QUOTA, T_ADMISSION,
	T_ACCOUNT, T_WEBHOOK, T_EVICTED, T_NODE_MEMORY, T_NODE, T_SYNC, T_POLICY_GUARD, T_POLICY_PRACTICE, T_POLICY_BLOCKED, T_POLICY_AUDIT,
	/* notes: what a text tells about the incident as a whole (text_case.c); they argue against a change, never for acting alone */
	T_UNBOUNDED, T_SAME_BEFORE, T_MIGRATED, T_COST_NODES, T_COST_FEES, T_COST_LOAD, T_COST_DATA, T_COST_STORE, T_SCALED_ZERO, T_ZERO_MEANT,
	T_POLICY_WRONG, T_NO_AGREEMENT, T_NODE_SHORT, T_NOT_MEMORY, T_PLATFORM, T_ORDERS, T_ROLLOUT, T_OUTSIDE, T_WARMING, T_STRANGE, T_UNCLEAR, T_STORE, T_NEED_UNKNOWN, T_NOT_IDLE,
	FACT_COUNT
} fact;

typedef enum cause_id {
	C_UNKNOWN,
	C_OOM_LIMIT, C_OOM_LOWERED, C_OOM_JVM, C_OOM_GROWTH, C_OOM_OPERATOR, C_OOM_NODE, C_HEAP_JVM, C_HEAP_NODE, C_HEAP_OTHER, C_KILLED,
	C_RELEASE_CRASH, C_RELEASE_CONFIG, C_RELEASE_IMAGE, C_RELEASE_UNREADY, C_RELEASE_PROBE, C_RELEASE_ERRORS, C_RELEASE_GITOPS, C_RELEASE_OPERATOR, C_FIRST_RELEASE,
	C_APP_CRASH, C_EXITS_CLEANLY, C_BAD_COMMAND, C_ARCH, C_REFERENCE, C_ENV, C_FILE, C_DEPENDENCY, C_DNS, C_CREDENTIALS, C_CERT,
	C_OVERLOAD, C_DISK, C_NOT_WRITABLE, C_CONFIG_FILE, C_SCHEMA, C_PORT, C_DATA, C_LICENSE, C_CLUSTER_ACCESS, C_DNS_LOOP, C_NONROOT,
	C_CONTAINER_CREATE, C_HOOK, C_MOUNT, C_SANDBOX, C_IMAGE_MISSING, C_IMAGE_AUTH, C_IMAGE_LIMIT, C_IMAGE_NET, C_IMAGE_NAME,
	C_IMAGE_PLATFORM, C_IMAGE_SIGNATURE, C_IMAGE_PULL, C_SCHED_ROOM, C_SCHED_RULES, C_SCHED_VOLUME, C_SCHED, C_PROBE_KILL, C_NOT_READY,
	C_QUOTA, C_ADMISSION, C_STALLED, C_SYNC, C_POLICY_PRACTICE, C_POLICY_GUARD, C_POLICY_AUDIT, C_POLICY, C_COST_IDLE, C_COST_PRODUCTION,
	C_COST_STATE, C_COST_NODES, C_COST_FEES, C_COST_LOAD, C_COST_DATA, C_COST, C_SCALED_ZERO, C_ROLLOUT_REFUSED, C_EVICTED, C_NODE, C_NODE_DOWN, C_NODE_SHORT, C_JOB, C_JOB_DEADLINE, C_CRON, C_SCALER, C_SCALER_MAX, C_VOLUME, C_VOLUME_GONE,
	C_CERT_ENDS, C_APP_SYNC, C_APP_HEALTH, C_DRIFT, C_POD_FAILED, C_STUCK, C_BUDGET, C_EXTERNAL, C_STORM, C_RECOVERED, C_GONE,
	CAUSE_COUNT
} cause_id;
/* clang-format on */

typedef struct fact_state {
	bool on, trusted;
	int ev;             /* index into the case's evidence, -1 none carries it */
	const char *words;  /* a clause for people: "container app was OOMKilled" */
	const char *detail; /* the thing it is about ("db:5432", "DATABASE_URL"), "" none */
} fact_state;

typedef struct scene {
	ns_arena *ar;
	const ns_case *c;
	const ns_container_facts *bad; /* the container the incident is about, NULL none */
	const ns_revision *cur, *good; /* serving template; newest earlier revision that was healthy and differs, NULL none */
	fact_state f[FACT_COUNT];
} scene;

typedef struct cause {
	const char *name; /* ns_rca.cause_class */
	ns_action action;
	ns_risk risk;
	bool automatic;   /* may be done without a person when everything else agrees */
	double ceiling;   /* confidence is never above: what this kind of evidence can prove at best */
	const char *root; /* template: one sentence */
	const char *why;  /* template: why this action */
	const char *next; /* template: what a person would try */
} cause;
extern const cause ns_causes[CAUSE_COUNT];

/* weight > 0 supports the cause, < 0 contradicts it; holds when all of need and none of never are on. */
typedef struct rule {
	cause_id cause;
	double weight;
	short need[4], never[3];
} rule;
extern const rule ns_rules[];
extern const size_t ns_rules_count;

/* Turns a fact on. A second statement of it replaces the first only when it is trusted and the first is not. */
void ns_fact_set(scene *s, fact f, int ev, bool trusted, const char *words, const char *detail);
void ns_read_case(scene *s);  /* structure -> F_ facts */
void ns_read_text(scene *s);  /* lines -> T_ facts */
void ns_read_links(scene *s); /* facts that need both (F_INTRODUCED, F_SETTING_OLD) */
/* First evidence of a kind whose text holds `word` ("" any), else the first of that kind, else -1. */
int ns_evidence_find(const ns_case *c, ns_ev_kind kind, const char *word);
bool ns_evidence_trusted(const ns_case *c, int ev);

/* Expands {name} and {name|fallback} from the case; x fills {x}. */
const char *ns_words_expand(const scene *s, const char *tmpl, const char *x);
#endif
