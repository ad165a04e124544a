/* `replay`: the decisions about one incident, derived anew from the record. */
#ifndef NEUROSCALE_APP_REPLAY_H
#define NEUROSCALE_APP_REPLAY_H
#include "neuroscale/store/store.h"

typedef enum replay_outcome { REPLAY_SAME, REPLAY_DIFFERS, REPLAY_UNKNOWN } replay_outcome; /* UNKNOWN: the record does not hold what it takes */
typedef struct replay_finding {
	int64_t at_ms;
	const char *what, *why; /* why: "" nothing to add */
	replay_outcome outcome;
} replay_finding;

/* An audit row of the incident, read. */
typedef struct replay_row {
	const ns_audit_row *r;
	bool moved;                  /* a transition, from..to by name */
	const char *from, *to;
	const char *digest;
	int64_t facts_from, facts_to; /* the facts that it stands for; 0 none */
} replay_row;

typedef struct replay {
	ns_store *s;
	ns_arena *ar;
	ns_incident inc;
	ns_fact_row *facts;
	replay_row *rows;
	ns_approval *approvals;
	ns_intent *intents;
	size_t n_facts, n_rows, n_approvals, n_intents;
	replay_finding *list;
	size_t n, cap;
} replay;

/* All of it: x has s and ar; the caller frees list. False with err: the store cannot be read, or has no such incident. */
bool replay_run(replay *x, int64_t id, ns_err *err);
/* What was decided, in words; why NULL or "": the same came out. */
void replay_found(replay *x, int64_t at_ms, const char *what, const char *why);
void replay_unknown(replay *x, int64_t at_ms, const char *what, const char *why);
/* Appends "; words" to *why. */
void replay_add(replay *x, const char **why, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The first transition of the step that put this fact, or after it; NULL none, or it cannot be told (rows of the first form). */
const replay_row *replay_move_after(const replay *x, int64_t fact_seq);

/* replay_facts.c: diagnosis, plan, digests, gate, verdict. */
void replay_facts(replay *x);
/* replay_acts.c: transitions, approvals, intents. */
bool replay_acts(replay *x, ns_err *err);
#endif
