/* The gate (law 4): a pure function of recorded facts, closed by default. Auto needs every row of its table to pass. */
#ifndef NEUROSCALE_ENGINE_GATE_H
#define NEUROSCALE_ENGINE_GATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/buf.h"
#include "neuroscale/base/err.h"
#include "neuroscale/model/facts.h"
#include "neuroscale/model/json.h"

typedef enum ns_breaker_state { NS_BREAKER_CLOSED, NS_BREAKER_OPEN, NS_BREAKER_HALF_OPEN_FREE, NS_BREAKER_HALF_OPEN_TAKEN } ns_breaker_state;

/* Whether acting alone must be earned (engine/autonomy.h). SHADOW: nothing is done alone, what would have been is recorded. */
typedef enum ns_autonomy { NS_AUTONOMY_OFF, NS_AUTONOMY_SHADOW, NS_AUTONOMY_ON } ns_autonomy;
const char *ns_autonomy_word(int v); /* "off" "shadow" "on" */

typedef struct ns_gate_facts {
	/* judgement */
	double confidence;
	ns_risk rca_risk, plan_risk;       /* the worse of both counts */
	ns_action rca_action, plan_action;
	bool auto_remediate, evidence_ok, trusted_evidence; /* the cause rests on at least one piece of the cluster's own observed state */
	bool own_finding;                  /* a rule of our own detector found it, not only another system's alert */
	double score, margin, score_floor, margin_floor;
	bool plan_requires_approval;
	/* target */
	bool target_protected, target_confirmed, uid_pinned;
	bool action_allowed;               /* by the cluster's profile */
	/* dry-run */
	bool dryrun_done, dryrun_ok, undo_valid;
	/* surroundings */
	ns_breaker_state breaker_cluster, breaker_target;
	bool target_free;                  /* no change of the same workload by another incident is being verified */
	bool storm, freeze, cooldown_free, clock_sane, watch_live, watch_synced, lease_held, cluster_same;
	ns_profile profile;
	/* blast radius: changes that were started within the last hour, and how many there may be (0: none) */
	int64_t cluster_hour, cluster_most, ns_hour, ns_most, target_hour, target_most;
	/* people: high and critical risk needs two of them; yeses: different people that said yes to this very digest and count */
	bool four_eyes;
	int64_t yeses;
	/* earned autonomy: the runbook has earned to act alone in this namespace */
	ns_autonomy autonomy;
	bool earned;
} ns_gate_facts;

typedef enum ns_gate_way { NS_GATE_MANUAL, NS_GATE_ASK, NS_GATE_AUTO } ns_gate_way;
/* How far a condition reaches; each step includes the one before. */
typedef enum ns_gate_reach {
	NS_GATE_BARS_AUTO,                 /* the machine may not decide; a person may */
	NS_GATE_BARS_SENDING,              /* it may be shown and decided, but not be sent while this holds, approved or not */
	NS_GATE_BARS_ASKING                /* no approval could ever make it sendable, so nobody is asked: manual_review */
} ns_gate_reach;
/* The table, for `gate explain` and the man page: one row per condition. */
typedef struct ns_gate_row_info {
	const char *name, *words;          /* words: a sentence that ends in its law, "(law 4: ...)" */
	const char *uses;                  /* the facts that it looks at, by name, joined by spaces */
	ns_gate_reach reach;
} ns_gate_row_info;
size_t ns_gate_rows(void);
ns_gate_row_info ns_gate_row(size_t i);
void ns_gate_man(ns_buf *out); /* the table as a list of the man page, mdoc (gate_man.c) */
bool ns_gate_row_holds(size_t i, const ns_gate_facts *f); /* true: it stands against it */

#define NS_GATE_MAX_REASONS 40
typedef struct ns_gate_verdict {
	ns_gate_way way;
	size_t n;                          /* conditions that hold against it */
	const char *condition[NS_GATE_MAX_REASONS]; /* static short names: "confidence" */
	const char *words[NS_GATE_MAX_REASONS];     /* static sentences, citing the law */
} ns_gate_verdict;
/* Before the plan is put to anybody: auto, ask a person, or neither (manual_review). A dry-run that is still out leaves ASK (the card is
 * painted, approving waits); one that failed gives MANUAL, since there is no digest to approve: retry what is transient before asking here. */
void ns_gate(const ns_gate_facts *f, ns_gate_verdict *v);
/* Again, in the transaction that records the intent. approved: a person said yes to this digest. True when it may be sent now. What no
 * approval can override (protected, unknown action, breaker open, dry-run failed, lease lost, other cluster, observe profile …) still
 * refuses. v lists what refuses now: for an approved plan the conditions that bar sending, else all that hold. v->n == 0 when true. */
bool ns_gate_may_send(const ns_gate_facts *f, bool approved, ns_gate_verdict *v);
/* Is one yes not enough? True under four_eyes for everything that is not of low or medium risk. */
bool ns_gate_needs_two(const ns_gate_facts *f);
/* Would it act alone if the cluster's profile let it and autonomy were earned? What shadow mode records. */
bool ns_gate_eligible(const ns_gate_facts *f);

/* ---- the facts by name: for the record, `gate explain` and its what-if (gate_facts.c) ---- */
size_t ns_gate_n_facts(void);
const char *ns_gate_fact_name(size_t i);
/* The fact in words: "0.62", "true", "high"; "" when no fact is called so. out: cap bytes. */
void ns_gate_fact_text(const ns_gate_facts *f, const char *name, char *out, size_t cap);
/* NS_E_USAGE: no such fact (names the nearest), or no such value (names those there are). */
bool ns_gate_fact_set(ns_gate_facts *f, const char *name, const char *value, ns_err *err);
cJSON *ns_gate_facts_to_json(const ns_gate_facts *f);
bool ns_gate_facts_from_json(const cJSON *j, ns_gate_facts *f, ns_err *err); /* every fact must be there */
/* Every fact at its good value: where only some are in question (an evaluation, a what-if). Never what is recorded of a real incident. */
void ns_gate_best(ns_gate_facts *f);
/* What case, diagnosis and plan say (each may be NULL, which leaves the worst); the rest of f stays. */
void ns_gate_judge(const ns_case *c, const ns_rca *r, const ns_plan *p, ns_gate_facts *f);

/* The circuit breaker (law 10), pure: closed -> 3 consecutive failures -> open 300 s -> half-open, one trial -> closed or open. */
typedef struct ns_breaker { ns_breaker_state state; int64_t failures, opened_ms, trial_incident; } ns_breaker;
#define NS_BREAKER_FAILURES 3
#define NS_BREAKER_OPEN_MS 300000
/* The state as it counts for this incident now: HALF_OPEN_FREE when the trial is free or its own, TAKEN when another has it. Incident ids
 * are positive; 0 asks for nobody in particular (the screen). */
ns_breaker_state ns_breaker_look(const ns_breaker *b, int64_t now_ms, int64_t incident);
void ns_breaker_take(ns_breaker *b, int64_t now_ms, int64_t incident);   /* an action starts: takes the half-open trial */
/* An action ended: fixed = FIXED, everything else (NOT FIXED, UNKNOWN) is a failure. True when it opened just now. */
bool ns_breaker_result(ns_breaker *b, bool fixed, int64_t now_ms, int64_t incident);
/* The trial's incident ended without an outcome (nothing was sent): the trial is free again. */
void ns_breaker_release(ns_breaker *b, int64_t incident);
/* The wall clock stepped back behind the opening: the 300 s start anew. True when it changed (store it). Call before looking. */
bool ns_breaker_rebase(ns_breaker *b, int64_t now_ms);
#endif
