/* What the clients see: an immutable picture of the engine, in one arena, reference-counted. The console draws it and nothing else; it never
 * touches SQL, network or children. All text in it is already sanitised and redacted. Strings are never NULL. Times are wall ms of the engine's clock. */
#ifndef NEUROSCALE_ENGINE_SNAPSHOT_H
#define NEUROSCALE_ENGINE_SNAPSHOT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/vocab.h"

/* The stages of the pipeline pane, in order. */
typedef enum ns_stage { NS_STAGE_DETECT, NS_STAGE_ANALYZE, NS_STAGE_PLAN, NS_STAGE_APPROVE, NS_STAGE_EXECUTE, NS_STAGE_VERIFY, NS_STAGE_COUNT } ns_stage;
typedef enum ns_stage_mark { NS_MARK_TODO, NS_MARK_RUNNING, NS_MARK_WAITS, NS_MARK_DONE, NS_MARK_FAILED, NS_MARK_SKIPPED } ns_stage_mark;

typedef struct ns_inc_row {
	int64_t id, approval;            /* approval: id of the pending one, 0 none */
	ns_state state;
	ns_kind kind;
	ns_severity severity;
	ns_verdict verdict;
	const char *cluster, *ns, *target_kind, *target, *container;
	const char *reason, *message;    /* what Kubernetes calls it; one line */
	const char *headline;            /* plan or root cause in one line, "" before there is one */
	const char *note;                /* why it is in this state */
	int64_t members, opened_ms, updated_ms, state_since_ms;
	ns_action action;
	bool has_plan, open;             /* open: holds its identity */
	ns_stage_mark stage[NS_STAGE_COUNT];
	int64_t stage_ms[NS_STAGE_COUNT]; /* how long each took, 0 not yet */
	int64_t verify_good_ms, verify_need_ms; /* while verifying */
} ns_inc_row;

typedef enum ns_card_state { NS_CARD_PREPARING, NS_CARD_READY, NS_CARD_BLOCKED } ns_card_state;
typedef struct ns_appr_row {
	int64_t id, incident;            /* id 0 while preparing (dry-run is out): cannot be decided yet */
	ns_card_state state;
	const char *digest;              /* 64 hex, "" while preparing */
	ns_action action;
	ns_risk risk;
	double confidence, score, margin;
	const char *cluster, *ns, *target_kind, *target;
	const char *headline, *summary;  /* summary: at most 90 words */
	const char *ask;                 /* why a person is asked */
	const char *root_cause, *runbook, *command, *diff, *undo, *verify, *effect, *warnings;
	const char *autonomy;            /* what its runbook has earned here, and whether it would have acted alone; "" autonomy is off */
	const char *analyst;             /* whose confidence it is, and what is to be said of that; "" no model is configured */
	const char *people;              /* where two must agree: who has, and that another must; "" one yes is enough */
	int64_t created_ms, deadline_ms; /* 0 while preparing */
} ns_appr_row;
void ns_appr_row_blank(ns_appr_row *r); /* every string "", all else 0 */

typedef struct ns_cost_line {
	const char *cluster, *ns, *workload; /* workload "" for idle */
	double per_day, before, efficiency;
	bool spike;
} ns_cost_line;

typedef struct ns_agent_row { const char *name, *doing; int64_t done, failed; bool busy; } ns_agent_row; /* detector analyzer planner executor escalation verifier */

typedef struct ns_msg_row { int64_t at_ms; int level; const char *text; } ns_msg_row; /* level: ns_log_level */

/* One configured cluster, up or not. */
typedef struct ns_cluster_row {
	const char *name, *context, *server, *user; /* user: of the kubeconfig */
	const char *color;               /* "" none, else a word of ns_color_name */
	ns_profile profile;
	bool insecure;                   /* TLS is not verified: shown as a warning */
	bool live, synced;
	bool storm, lease_held, frozen;
	const char *storm_why, *lease_why, *frozen_why;
	const char *down_why, *degraded; /* why it cannot be watched, and what of it, "" fine */
	const char *breakers;            /* "target:prod/shop/Deployment/cart open", "" all closed */
	int64_t link_since_ms, last_event_ms;
	int64_t pods, workloads, unhealthy, nodes, requests;
	double req_per_s;
	size_t n_open, n_crit, n_waiting; /* incidents that hold their identity, those of them that are critical, questions that wait */
	double cost_total, cost_before, cost_budget; /* per day; budget 0 none */
	int64_t cost_at_ms;              /* 0: no report yet */
	const char *cost_error;
} ns_cluster_row;

/* What was spent in a window of real time, and what may be: limits under 0: none. */
typedef struct ns_spent_row { int64_t calls, tokens, micro_usd, most_calls, most_tokens, most_micro_usd; } ns_spent_row;
/* The model service. */
typedef struct ns_model_row {
	bool on;                         /* one is configured; else all of this is empty */
	const char *name;                /* the analyzer's next to be asked */
	const char *offline_why;         /* why the offline analyst works now: "budget", "the model is slow"; "" the model does */
	const char *finds;               /* whose vectors find runbooks: "offline" or "MODEL/DIM" */
	const char *capped;              /* models whose claims count for less, and why: a line each */
	ns_spent_row hour, day;
} ns_model_row;

typedef struct ns_snapshot {
	int64_t seq;                     /* grows with every publication */
	int64_t taken_ms;
	/* header */
	const char *user, *mode;         /* user: whose engine it is; mode: "live" or "demo" */
	const char *version;
	const char *trouble;             /* of the engine itself: nothing can be recorded …, "" fine */
	int clock_rate;                  /* 1 real */
	const char *clock;               /* the engine's clock for ns_clock_parse, "" the real one: whoever shows ages and countdowns needs it */
	int64_t rss_bytes;
	double req_per_s;                /* to all clusters */
	double cpu_percent;              /* of one core, over the last seconds */
	ns_model_row model;
	ns_cluster_row *clusters;        /* in the order of the configuration, at least one */
	size_t n_clusters;
	size_t n_crit, n_warn, n_info, n_open;
	ns_inc_row *incidents;           /* most urgent first: waits for a person, then severity, then newest; closed ones last */
	size_t n_incidents;
	ns_appr_row *approvals;          /* soonest deadline first; preparing ones last */
	size_t n_approvals;
	ns_appr_row *undos;              /* what can be taken back, newest first: headline, command, diff, digest; deadline_ms: the end of its time */
	size_t n_undos;
	ns_cost_line *cost;
	size_t n_cost;
	ns_agent_row *agents;
	size_t n_agents;
	ns_msg_row *messages;            /* newest last, at most 200 */
	size_t n_messages;
	ns_arena *arena;                 /* owns everything */
	_Atomic int refs;
} ns_snapshot;

/* The cluster of that name, NULL: it is not configured (any more). */
const ns_cluster_row *ns_snapshot_cluster(const ns_snapshot *s, const char *name);
ns_snapshot *ns_snapshot_ref(ns_snapshot *s);   /* NULL is fine; thread-safe */
void ns_snapshot_unref(ns_snapshot *s);         /* NULL is fine; frees at the last */
cJSON *ns_snapshot_to_json(const ns_snapshot *s);
ns_snapshot *ns_snapshot_from_json(const cJSON *j, ns_err *err); /* one reference */

/* All that is known of one incident, for the detail view and `incident ID`. */
typedef struct ns_detail_evidence { const char *id, *kind, *text; bool trusted; int64_t at_ms; } ns_detail_evidence;
typedef struct ns_detail_step { int64_t at_ms; const char *what, *who; } ns_detail_step;
typedef struct ns_detail {
	ns_inc_row row;
	const char *root_cause, *reasoning, *provider, *cause_class, *next_steps;
	const char *analysis;            /* what is to be said of who analysed: why offline, what was capped and why; "" nothing */
	const char *usage;               /* what the model service took for it: a line per question, with prompt and request; "" nothing was asked */
	double confidence;
	ns_risk risk;
	ns_detail_evidence *evidence;
	size_t n_evidence;
	const char *runbook, *runbook_title, *plan_summary, *undo, *verify, *manual_command, *command, *diff, *dryrun_error, *warnings, *digest, *summary;
	const char *undo_state, *undo_digest; /* of the newest change: how its undo stands in words, and the armed digest; "" none */
	double score, margin;
	const char *const *plan_steps, *const *reasons; /* reasons: why a person is asked, or why nobody may */
	size_t n_plan_steps, n_reasons;
	ns_detail_step *history;         /* the audit rows of this incident, oldest first */
	size_t n_history;
	const char *autonomy;            /* as in ns_appr_row */
	const char *execution, *verification; /* one line each, "" not yet */
	ns_arena *arena;
} ns_detail;
void ns_detail_free(ns_detail *d);
cJSON *ns_detail_to_json(const ns_detail *d);
ns_detail *ns_detail_from_json(const cJSON *j, ns_err *err);
#endif
