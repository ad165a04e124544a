/* The undo capsules: how a change that was sent can be taken back, recorded with the change's own intent. See store.h for [tx] and [any].
 *
 *   valid ──▶ armed ──▶ taken ──▶ undone
 *     └────────┴──────────┴─────▶ expired | failed | void
 *
 * valid: before the change was sent its inverse gave the original back, in code. armed: afterwards the server said yes to a dry-run of the undo.
 * taken: a person or the engine asked for it; exactly one of them ever does, and it is sent at most once: capsule and undo have one intent each.
 * A capsule that was taken and could not be sent goes back. failed: it does not work (why says so). void: there is nothing to take back
 * any more: the change was not made, or another one took its place. The last four are final, and the store refuses to change them. */
#ifndef NEUROSCALE_STORE_CAPSULE_H
#define NEUROSCALE_STORE_CAPSULE_H
#include "neuroscale/store/store.h"

typedef enum ns_capsule_state {
	NS_CAP_VALID,
	NS_CAP_ARMED,
	NS_CAP_TAKEN,
	NS_CAP_UNDONE,
	NS_CAP_EXPIRED,
	NS_CAP_FAILED,
	NS_CAP_VOID,
	NS_CAP_COUNT
} ns_capsule_state;
const char *ns_capsule_state_name(ns_capsule_state s); /* "valid" … */
bool ns_capsule_usable(ns_capsule_state s);            /* valid or armed: it can still be taken */

typedef struct ns_capsule {
	int64_t id;                  /* the intent of the change that it takes back */
	int64_t incident, plan;      /* plan: seq of the plan's fact */
	const char *cluster, *target, *action; /* as in the intent */
	ns_capsule_state state;
	const char *summary;         /* what was changed, for people */
	const char *digest, *command, *diff; /* of the undo's own dry-run: "" until armed */
	const char *by, *why;        /* who took it ("" nobody, "engine", "uid 1000 (kim)"); what made it what it is */
	const char *waits;           /* taken, and not sent yet: what stands in the way, "" nothing */
	int64_t undo_intent;         /* what was sent for it; 0 nothing was, or the server made none of it */
	int64_t approval;            /* of the change, 0 it was automatic: its undo answers to the same */
	int64_t made_ms, until_ms, taken_ms, changed_ms; /* until_ms: the end of its time */
} ns_capsule;

/* [tx] Makes one, valid, for an intent that was started in this transaction: id, incident, plan, cluster, target, action, summary, until_ms. */
bool ns_store_capsule_put(ns_store *s, const ns_capsule *c, ns_err *err);
/* [tx] valid or armed -> armed, with what its dry-run said. Older ones of the same target become void: that change does not stand any more
 * (exceptions are objects of their own: they void nothing and are not voided). NS_E_CONFLICT: it is something else by now. */
bool ns_store_capsule_arm(ns_store *s, int64_t id, const char *digest, const char *command, const char *diff, ns_err *err);
/* [tx] Compare-and-swap from valid or armed. digest must be the armed one unless NULL. NS_E_CONFLICT: text says who has it and since when, or what it
 * is. NS_E_EXPIRED: its time is over (not looked at when at_end). */
bool ns_store_capsule_take(ns_store *s, int64_t id, const char *digest, const char *by, const char *why, bool at_end, ns_err *err);
/* [tx] Its undo is about to be sent by that intent: once, unless the server made none of it. */
bool ns_store_capsule_send(ns_store *s, int64_t id, int64_t undo_intent, ns_err *err);
bool ns_store_capsule_wait(ns_store *s, int64_t id, const char *what_for, ns_err *err); /* [tx] what a taken one waits for */
/* [tx] taken and not sent -> what it was before. */
bool ns_store_capsule_back(ns_store *s, int64_t id, const char *why, ns_err *err);
/* [tx] To one of the last four. NS_E_CONFLICT: it is final already. */
bool ns_store_capsule_end(ns_store *s, int64_t id, ns_capsule_state to, const char *why, ns_err *err);

bool ns_store_capsule_get(ns_store *s, ns_arena *ar, int64_t id, ns_capsule *out, ns_err *err);          /* [any] */
bool ns_store_capsule_of(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err);     /* [any] the newest; NS_E_NOTFOUND */
bool ns_store_capsule_usable(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err); /* [any] the newest valid or armed one */
bool ns_store_capsule_taken(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err);  /* [any] the one that is being sent */
/* [any] The newest one of that target that was taken back since, but for what only ended with its time ("timer"). NS_E_NOTFOUND */
bool ns_store_capsule_undone(ns_store *s, ns_arena *ar, const char *cluster, const char *target, int64_t since_ms, ns_capsule *out, ns_err *err);
/* [any] Those that are valid, armed or taken, and the failed ones whose change still stands (of open incidents, and every exception): newest first. */
bool ns_store_capsules_open(ns_store *s, ns_arena *ar, ns_capsule **out, size_t *n, ns_err *err);
/* [any] The plan whose change it takes back. */
ns_plan *ns_store_capsule_plan(ns_store *s, ns_arena *ar, const ns_capsule *c, ns_err *err);
/* [any] How many capsules of this incident were taken by `by`. INT64_MAX when it cannot be known. */
int64_t ns_store_capsules_by(ns_store *s, int64_t incident, const char *by);
#endif
