/* The store: every fact, decision and transition; the one source of truth. No SQLite type shows here, so that another database can
 * stand behind the same contract. The engine is the only writer.
 *
 * Writing: ns_store_begin takes the one write connection (a mutex inside; BEGIN IMMEDIATE) for the calling thread until
 * ns_store_commit or ns_store_rollback. Functions marked [tx] are only valid between the two, on the same thread; each returns false
 * with err when it failed, and then the caller rolls back. One step of an incident = one transaction with its new facts, the
 * transition, the next job and the audit row. Reading: functions marked [any] may be called inside a transaction (they see it) or
 * outside (they use a reader of their own per call or thread; they never wait for the writer).
 * Results live in the arena handed in. Times are wall milliseconds of the store's clock. */
#ifndef NEUROSCALE_STORE_STORE_H
#define NEUROSCALE_STORE_STORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/err.h"
#include "neuroscale/model/facts.h"
#include "neuroscale/model/vocab.h"

typedef struct ns_store ns_store;

/* Opens DIR/neuroscale.db (creates DIR 0700 and the file 0600; WAL, synchronous=FULL, foreign keys), migrates by user_version.
 * NS_E_VERSION for a store of a newer version (nothing is touched), NS_E_NOSPACE, NS_E_DENIED, NS_E_INVALID (no database). */
ns_store *ns_store_open(const char *dir, const ns_clock *clock, ns_err *err);
ns_store *ns_store_open_readonly(const char *dir, const ns_clock *clock, ns_err *err); /* for `audit verify` and clients without an engine */
void ns_store_close(ns_store *s); /* checkpoints; NULL is fine */

bool ns_store_begin(ns_store *s, ns_err *err);
bool ns_store_commit(ns_store *s, ns_err *err); /* on failure (disk full …) the transaction is rolled back and the lock given back */
void ns_store_rollback(ns_store *s);

/* ---- incidents ---- */
typedef struct ns_incident {
	int64_t id;
	const char *identity;  /* ns_identity */
	ns_state state;
	int64_t version;       /* grows by one at each transition */
	ns_kind kind;
	ns_severity severity;
	ns_workload target;
	const char *container, *reason, *message;
	int64_t members;       /* pods */
	int64_t opened_ms, updated_ms, closed_ms; /* closed_ms 0 while its identity is held */
	int64_t detected_ms, analyzed_ms, planned_ms, decided_ms, executed_ms, verified_ms; /* when each stage ended, 0 not yet */
	int64_t cooldown_until_ms; /* terminal states that hold: identity is freed then at the latest */
	int64_t attempts;      /* plans executed so far */
	ns_verdict verdict;
	const char *note;      /* one line: why it is in this state */
	const char *last_rejected_case; /* evidence hash of the plan that was rejected last, "" none (law 7) */
} ns_incident;

/* [tx] Opens an incident for the alert's identity in state detected, or finds the one that holds it (*is_new false). */
bool ns_store_incident_open(ns_store *s, const ns_alert *a, int64_t *id, bool *is_new, ns_err *err);
/* [tx] New members, reason, message, severity; does not change state or version. */
bool ns_store_incident_refresh(ns_store *s, int64_t id, const ns_alert *a, ns_err *err);
/* [tx] Compare-and-swap: UPDATE … WHERE id = ? AND state = ? AND version = ?; NS_E_CONFLICT when it moved, NS_E_FAILED when
 * ns_state_may(from, to) is false. Stamps the stage time that `to` ends, closed_ms when `to` is closed; who goes on from an
 * end holds its identity again (NS_E_CONFLICT: another incident has it). note may be "". */
bool ns_store_transition(ns_store *s, int64_t id, ns_state from, int64_t version, ns_state to, ns_verdict verdict, const char *note, ns_err *err);
/* [tx] */
bool ns_store_incident_set(ns_store *s, int64_t id, int64_t attempts, int64_t cooldown_until_ms, const char *last_rejected_case, ns_err *err);
bool ns_store_incident_close_identity(ns_store *s, int64_t id, ns_err *err); /* [tx] cool-down over: closed_ms = now, state stays */
/* [any] NS_E_NOTFOUND */
bool ns_store_incident_get(ns_store *s, ns_arena *ar, int64_t id, ns_incident *out, ns_err *err);
/* [any] The one that holds the identity. NS_E_NOTFOUND when none. */
bool ns_store_incident_by_identity(ns_store *s, ns_arena *ar, const char *identity, ns_incident *out, ns_err *err);
/* [any] Newest first; all that hold an identity, and then closed ones up to `max` in total. */
bool ns_store_incidents(ns_store *s, ns_arena *ar, size_t max, ns_incident **out, size_t *n, ns_err *err);
/* [any] Those of a cluster that were opened after that moment, newest first. */
bool ns_store_incidents_after(ns_store *s, ns_arena *ar, const char *cluster, int64_t after_ms, size_t max, ns_incident **out, size_t *n, ns_err *err);

/* ---- facts: JSON documents by name, kept in order, never changed ---- */
/* names: "alert" "case" "rca" "analysis" "usage" "plan" "dryrun" "gate" "summary" "execution" "verification" "decision" "undo" */
bool ns_store_fact_put(ns_store *s, int64_t incident, const char *name, const cJSON *doc, ns_err *err);                 /* [tx] */
cJSON *ns_store_fact_latest(ns_store *s, int64_t incident, const char *name, int64_t *at_ms, ns_err *err);             /* [any] NULL + NS_E_NOTFOUND; cJSON_Delete */
/* [any] Its place in the order of all facts, 0 when there is none: which of two is newer, whatever the clock did. */
int64_t ns_store_fact_seq(ns_store *s, int64_t incident, const char *name);
typedef struct ns_fact_row { int64_t seq, at_ms; const char *name, *json; } ns_fact_row;
bool ns_store_facts(ns_store *s, ns_arena *ar, int64_t incident, ns_fact_row **out, size_t *n, ns_err *err);           /* [any] in order */

/* The plans whose change was sent, oldest first: each "execution" that was sent belongs to the "plan" before it. What cannot be read is an
 * error, never "not sent". made: how many plans there are, sent or not. */
typedef struct ns_sent_plan {
	const ns_plan *plan;
	bool unknown; /* nobody knows whether the change was made */
	bool refused; /* the server made none of it: the object had moved since it was read */
} ns_sent_plan;
bool ns_store_sent_plans(ns_store *s, ns_arena *ar, int64_t incident, ns_sent_plan **out, size_t *n, size_t *made, ns_err *err); /* [any] */

/* ---- jobs: durable work, claimed by exactly one worker ---- */
/* kinds: "analyze" "plan" "replan" "dryrun" "execute" (the table in engine/jobs.c) */
typedef struct ns_job { int64_t id, incident, run_after_ms, attempts; const char *kind; } ns_job;
bool ns_store_job_put(ns_store *s, int64_t incident, const char *kind, int64_t run_after_ms, ns_err *err);              /* [tx] one open job per (incident, kind) */
/* Own transaction; the oldest that is due, of incidents of that cluster (NULL: of any). NS_E_NOTFOUND when none is due. */
bool ns_store_job_claim(ns_store *s, ns_arena *ar, const char *cluster, ns_job *out, ns_err *err);
bool ns_store_job_done(ns_store *s, int64_t job, ns_err *err);                 /* [tx] */
bool ns_store_job_retry(ns_store *s, int64_t job, int64_t run_after_ms, ns_err *err); /* [tx] back to ready, attempts + 1 */
bool ns_store_jobs_drop(ns_store *s, int64_t incident, ns_err *err);           /* [tx] all open jobs of an incident */
int64_t ns_store_next_due(ns_store *s, const char *cluster);                   /* [any] run_after_ms of the earliest ready job of that cluster (NULL: of any), -1 none */
bool ns_store_jobs_unclaim(ns_store *s, ns_err *err);                          /* at start, own transaction: claimed jobs of a dead engine are ready again, attempts + 1 */
/* [tx] The wall clock stepped back: no ready job waits, and no incident holds its identity, beyond these moments. */
bool ns_store_waits_cap(ns_store *s, int64_t job_latest_ms, int64_t hold_latest_ms, ns_err *err);

/* ---- approvals ---- */
typedef enum ns_appr_state { NS_APPR_PENDING, NS_APPR_APPROVED, NS_APPR_REJECTED, NS_APPR_EXPIRED, NS_APPR_WITHDRAWN, NS_APPR_VOIDED } ns_appr_state;
const char *ns_appr_state_name(ns_appr_state s);
typedef struct ns_approval {
	int64_t id, incident;
	const char *digest;          /* 64 hex: what exactly is approved (law 5) */
	const char *token;           /* 128 random bits in hex, for surfaces that need one; never in read APIs or logs (law 6) */
	ns_appr_state state;
	int64_t created_ms, deadline_wall_ms, deadline_mono_ms; /* law 7: with boot_id; any disagreement means expired */
	const char *boot_id;
	const char *decided_by, *surface, *reason; /* "uid 1000 (kim)", "console" | "cli" | "timer" | "engine" */
	int64_t decided_ms;
	int64_t needed;              /* how many different people must say yes: 1, or 2 under four eyes */
} ns_approval;
bool ns_store_approval_put(ns_store *s, int64_t incident, const char *digest, int64_t timeout_ms, int64_t *id, ns_err *err); /* [tx] makes token, deadlines */
/* [tx] Law 6: compare-and-swap from pending; digest must match unless NULL (expire, withdraw, void). NS_E_CONFLICT: text says who
 * decided and when, or that the digest differs. NS_E_EXPIRED: its deadline has passed (approve and reject only). */
bool ns_store_approval_decide(ns_store *s, int64_t id, ns_appr_state to, const char *digest, const char *by, const char *surface, const char *reason, ns_err *err);
/* Four eyes. need_two: [tx] a pending one takes two people from now on; NS_E_CONFLICT when it is decided. yes: [tx] one person's; checked as a
 * decision is, NS_E_CONFLICT also when the same person has said yes to it. *n: different people that have by now. The decision itself follows with
 * ns_store_approval_decide, which fails while one is missing. */
typedef struct ns_yes {
	int64_t at_ms;
	const char *who;             /* the person: "uid:1000", "slack:U024BE7LH" */
	const char *by, *surface, *reason; /* by: in words */
} ns_yes;
bool ns_store_approval_need_two(ns_store *s, int64_t id, ns_err *err);
bool ns_store_approval_yes(ns_store *s, int64_t id, const char *digest, const ns_yes *y, int64_t *n, ns_err *err);
bool ns_store_approval_yeses(ns_store *s, ns_arena *ar, int64_t id, ns_yes **out, size_t *n, ns_err *err);                    /* [any] oldest first */
bool ns_store_approval_get(ns_store *s, ns_arena *ar, int64_t id, ns_approval *out, ns_err *err);                            /* [any] */
bool ns_store_approvals_pending(ns_store *s, ns_arena *ar, ns_approval **out, size_t *n, ns_err *err);                        /* [any] oldest first */
bool ns_store_approvals_of(ns_store *s, ns_arena *ar, int64_t incident, ns_approval **out, size_t *n, ns_err *err);            /* [any] oldest first */
bool ns_store_approval_latest(ns_store *s, ns_arena *ar, int64_t incident, ns_approval *out, ns_err *err);                    /* [any] */
/* Law 7, pure: has it expired at (wall, mono, boot_id)? Past either deadline, another boot, or wall and mono disagreeing by more than 5 s. */
bool ns_approval_expired(const ns_approval *a, int64_t wall_ms, int64_t mono_ms, const char *boot_id);

/* ---- intents: written before any effect (law 8) ---- */
typedef struct ns_intent {
	int64_t id, incident, approval; /* approval 0: auto */
	const char *digest, *action, *target; /* target: ns/Kind/name */
	const char *cluster, *argv_json, *body;
	const char *lock_path;       /* the child inherits this locked descriptor */
	int64_t lease_transitions;   /* fencing */
	int64_t started_ms, finished_ms;
	bool finished;
	const char *outcome;         /* "sent" | "refused" | "failed" | "unknown" */
	const char *detail;
	bool undo;                   /* this intent is an undo */
} ns_intent;
bool ns_store_intent_start(ns_store *s, const ns_intent *i, int64_t *id, ns_err *err);                                 /* [tx] */
bool ns_store_intent_finish(ns_store *s, int64_t id, const char *outcome, const char *detail, ns_err *err);            /* [tx] once; NS_E_CONFLICT */
bool ns_store_intents_open(ns_store *s, ns_arena *ar, ns_intent **out, size_t *n, ns_err *err);                        /* [any] started, no outcome */
bool ns_store_intents_of(ns_store *s, ns_arena *ar, int64_t incident, ns_intent **out, size_t *n, ns_err *err);        /* [any] oldest first */
bool ns_store_intent_latest(ns_store *s, ns_arena *ar, int64_t incident, ns_intent *out, ns_err *err);                 /* [any] */
/* [any] For limits and cool-downs: how many intents started since; cluster, or target, may be NULL (any). last_ms may be NULL. */
int64_t ns_store_intents_since(ns_store *s, const char *cluster, const char *target, int64_t since_ms, int64_t *last_ms);
/* [any] The same for all targets of a namespace. */
int64_t ns_store_intents_in_ns(ns_store *s, const char *cluster, const char *ns, int64_t since_ms);
/* [any] A change of this workload by another incident than `except` is still being verified or undone. True when it cannot be known. */
bool ns_store_target_busy(ns_store *s, const ns_workload *w, int64_t except);

/* ---- breakers (law 10): scope "cluster:NAME" or "target:CLUSTER/ns/Kind/name" ---- */
typedef struct ns_breaker_row { const char *scope, *state; int64_t failures, opened_ms, trial_incident; } ns_breaker_row; /* state closed|open|half_open */
bool ns_store_breaker_get(ns_store *s, ns_arena *ar, const char *scope, ns_breaker_row *out, ns_err *err);             /* [any] closed when unknown */
bool ns_store_breaker_put(ns_store *s, const ns_breaker_row *row, ns_err *err);                                        /* [tx] */
bool ns_store_breakers(ns_store *s, ns_arena *ar, ns_breaker_row **out, size_t *n, ns_err *err);                       /* [any] not closed ones */

/* ---- audit (law 13): append-only (triggers refuse UPDATE and DELETE), hash-chained ----
 * row = SHA-256(form 2, seq, at, actor, action, incident, detail, who, digest, before, after, facts), hash = SHA-256(prev_hash, row), both by ns_digest,
 * NULL differing from "". So a row whose text must not be shown is still proven by its digest. Rows without `who` are of the first form:
 * hash = SHA-256(prev_hash, seq, at, actor, action, incident, detail). The hash before the first row is 64 zeros.
 * facts: "FROM-TO:HASH" over the facts of the incident that were put since its last audit row, so that the chain stands for them as well. */
typedef struct ns_audit_entry {
	const char *actor, *action;
	int64_t incident;          /* 0: of none */
	const cJSON *detail;       /* may be NULL */
	const cJSON *who;          /* an object: uid, account and client at that time (engine/audit.h); NULL: nobody in particular */
	const char *digest;        /* of the plan or undo that it is about, NULL or "" none */
	const cJSON *before, *after; /* the fields that were touched, by path; NULL none, or not known */
} ns_audit_entry;
/* [tx] Secrets are taken out of everything first. head (NULL or NS_HEX256) and seq (may be NULL) get the new row's hash and number. */
bool ns_store_audit(ns_store *s, const ns_audit_entry *e, char *head, int64_t *seq, ns_err *err);
/* [any] The newest row; 0 and the genesis when there is none. */
bool ns_store_audit_head(ns_store *s, int64_t *seq, char head[65], ns_err *err);
typedef struct ns_audit_row {
	int64_t seq, at_ms, incident;
	const char *actor, *action, *detail, *who, *digest, *before, *after, *facts, *hash; /* in a walk NULL where there is none, else "" */
} ns_audit_row;
bool ns_store_audit_rows(ns_store *s, ns_arena *ar, int64_t incident, size_t max, ns_audit_row **out, size_t *n, ns_err *err); /* [any] incident 0: all; oldest first, the last max */
/* The digest of the row's own text; false (and "") for one of the first form, which has none. */
bool ns_audit_row_digest(const ns_audit_row *r, char out[65]);
void ns_audit_link(const char *prev, const char *row_digest, char out[65]);     /* prev_hash and row to hash */
void ns_audit_row_hash(const char *prev, const ns_audit_row *r, char out[65]);  /* of either form */
extern const char ns_audit_genesis[65];
/* [any] Every row in order, one at a time; stops when fn says false (with err). prev: the hash before it. Nothing is checked. */
typedef bool ns_audit_see(void *ctx, const ns_audit_row *r, const char *prev, ns_err *err);
bool ns_store_audit_walk(ns_store *s, ns_audit_see *fn, void *ctx, ns_err *err);
/* A hash that was put where nobody who can write the database can change it. seq 0: it may be anywhere in the chain. */
typedef struct ns_audit_anchor { int64_t seq; char hash[65]; } ns_audit_anchor;
/* Pure: anchors, and the rows of a chain one after another. Those before the first row that is shown are not looked at. */
typedef struct ns_audit_anchors ns_audit_anchors;
ns_audit_anchors *ns_audit_anchors_new(const ns_audit_anchor *anchors, size_t n);
void ns_audit_anchors_row(ns_audit_anchors *l, int64_t seq, const char *hash);
int64_t ns_audit_anchors_best(const ns_audit_anchors *l); /* the highest row with an anchor that holds, 0 none */
bool ns_audit_anchors_judge(const ns_audit_anchors *l, ns_err *err); /* NS_E_INVALID: the first that does not hold, and what that means */
void ns_audit_anchors_free(ns_audit_anchors *l);
typedef struct ns_audit_proof {
	int64_t rows;      /* that were checked */
	char head[65];
	int64_t first_form; /* rows of it */
	int64_t facts;     /* that the rows stand for */
	int64_t anchored;  /* the highest row with an anchor that holds, 0 none */
} ns_audit_proof;
/* Recomputes the whole chain, and the facts it stands for, and holds it against the anchors. False with NS_E_INVALID naming the first row that is
 * wrong and how; *out is then as far as it came. */
bool ns_store_audit_prove(ns_store *s, const ns_audit_anchor *anchors, size_t n, ns_audit_proof *out, ns_err *err);
/* The same with one head, or none (NULL), that may be anywhere. */
bool ns_store_audit_verify(ns_store *s, const char *expect_head, int64_t *rows, char head[65], ns_err *err);

/* ---- small values ---- */
bool ns_store_meta_set(ns_store *s, const char *key, const char *value, ns_err *err);                                  /* [tx] */
bool ns_store_meta_get(ns_store *s, ns_arena *ar, const char *key, const char **value, ns_err *err);                   /* [any] NS_E_NOTFOUND */
#endif
