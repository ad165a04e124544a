/* The two jobs of an undo capsule. "arm": after the change, the undo's own server-side dry-run. "undo": it was asked for; fresh dry-run,
 * the armed digest, the gate and the intent in one transaction, only then kubectl; as with every change (laws 4, 5, 8). What was sent and
 * has no outcome is UNKNOWN: the object is looked at, and nothing is sent again. */
#include "neuroscale/base/log.h"
#include "neuroscale/engine/gate_undo.h"
#include "undo_priv.h"
#include <stdio.h>
#include <string.h>

enum { AGAIN_MS = 5000, AT_END_AGAIN_MS = 60000, NOISY_TRIES = 20 };

static bool may_pass(ns_code code)
{
	return code == NS_E_UNREACHABLE || code == NS_E_TIMEOUT || code == NS_E_BUSY || code == NS_E_LOCKED || code == NS_E_CANCELLED;
}

/* The object was as planned and its status moved while it was asked: worth another try. */
static bool only_noise(const ns_dryrun *dr)
{
	return dr->code == NS_E_CONFLICT && *dr->live_uid;
}

static ns_undo_cause cause_of(const ns_capsule *c)
{
	return strcmp(c->by, NS_UNDO_ENGINE) == 0 ? NS_UNDO_ALONE : strcmp(c->by, NS_UNDO_TIMER) == 0 ? NS_UNDO_AT_END : NS_UNDO_BY_PERSON;
}

/* The job waits and is tried again, whatever state its incident is in. */
static bool later(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, int64_t delay_ms, const char *why, ns_err *err)
{
	ns_step s;
	ns_store *st = w->e->store;
	bool ok = ns_step_begin(&s, w->e, ar, job->incident) && (!c || ns_store_capsule_wait(st, c->id, why, &s.err)) &&
	          ns_store_job_retry(st, job->id, ns_clock_wall_ms(w->e->o.clock) + delay_ms, &s.err) && ns_step_commit(&s);
	if (!ok)
		return ns_step_failed(&s, err);
	w->job_done = true; /* it has been given back */
	return true;
}

static const char *where_it_stands(ns_worker *w, ns_arena *ar, const ns_plan *p, ns_stand *stand)
{
	const char *words = "";
	ns_err why = {0};
	if (ns_execute_look(w->cluster->executor, ar, w->client, p, stand, &words, &why))
		return words;
	*stand = NS_STAND_OTHER;
	return ns_arena_printf(ar, "what stands there now could not be read: %s", why.text);
}

static void tell_person(ns_step *s, const ns_plan *p, const char *why)
{
	char prefix[80];
	ns_engine_say(s->e, NS_LOG_WARN, "#%lld %s%s/%s: its change cannot be taken back by machine: %s. By hand: %s", (long long)s->inc.id,
	    ns_cluster_prefix(s->e, s->inc.target.cluster, prefix), s->inc.target.ns, s->inc.target.name, why, p->undo.equivalent);
}

/* ---- arm ---- */

static cJSON *doc_of(const char *phase, const char *part, cJSON *value)
{
	cJSON *doc = cJSON_CreateObject();
	ns_json_put_str(doc, "phase", phase);
	cJSON_AddItemToObject(doc, part, value);
	return doc;
}

static bool record_arming(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const ns_plan *p, const ns_dryrun *dr,
    const char *stands, ns_stand stand, ns_err *err)
{
	ns_step s;
	ns_capsule now;
	ns_store *st = w->e->store;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (!ns_store_capsule_get(st, ar, c->id, &now, &s.err) || now.state != NS_CAP_VALID) { /* taken or voided meanwhile */
		ns_step_abandon(&s);
		return true;
	}
	bool unmade = !dr->ok && stand == NS_STAND_AS_BEFORE, ok = ns_step_fact(&s, "undo", doc_of("arm", "dryrun", ns_dryrun_to_json(dr)));
	const char *why = unmade    ? "the change was not made: there is nothing to take back"
	                  : *stands ? ns_arena_printf(ar, "%s; now: %s", dr->error, stands)
	                            : dr->error;
	cJSON *detail = cJSON_CreateObject();
	if (dr->ok)
		ns_json_put_str(detail, "digest", dr->digest);
	else
		ns_json_put_str(detail, "note", why);
	ok = ok && (dr->ok ? ns_store_capsule_arm(st, c->id, dr->digest, dr->shown_command, dr->diff, &s.err)
	                   : ns_store_capsule_end(st, c->id, unmade ? NS_CAP_VOID : NS_CAP_FAILED, why, &s.err));
	ok = ns_step_audit(&s, "executor",
	         dr->ok   ? "undo armed"
	         : unmade ? "nothing to undo"
	                  : "undo cannot be armed",
	         detail, false) &&
	     ok;
	if (!ok || !ns_step_commit(&s))
		return ns_step_failed(&s, err);
	if (!dr->ok && !unmade)
		tell_person(&s, p, why);
	return true;
}

bool ns_step_arm(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_capsule c;
	char lock_path[600];
	ns_err why = {0};
	ns_stand stand = NS_STAND_OTHER;
	if (!ns_store_capsule_usable(w->e->store, ar, job->incident, &c, &why))
		return why.code == NS_E_NOTFOUND || (*err = why, false);
	if (c.state != NS_CAP_VALID)
		return true;
	const ns_plan *p = ns_store_capsule_plan(w->e->store, ar, &c, err);
	if (!p)
		return false;
	int fd = ns_target_lock(
	    w->cluster->executor, &p->target, lock_path, sizeof lock_path, &why); /* a dead engine's child may still be sending it */
	if (fd < 0)
		return later(w, ar, job, NULL, AGAIN_MS, "", err);
	NS_POINT("arming", job->incident);
	ns_dryrun *dr = ns_execute_dryrun(w->cluster->executor, ar, w->client, p, NULL, NS_POLICY_VERSION, true);
	bool passing = !dr->ok && (may_pass(dr->code) || (only_noise(dr) && job->attempts < NOISY_TRIES));
	const char *stands = dr->ok || passing ? "" : where_it_stands(w, ar, p, &stand);
	ns_target_unlock(fd);
	return passing ? later(w, ar, job, NULL, AGAIN_MS, "", err) : record_arming(w, ar, job, &c, p, dr, stands, stand, err);
}

/* ---- undo ---- */

/* The end of it: what became of the capsule, and where the incident goes from here. */
static bool finish(ns_step *s, const ns_capsule *c, const ns_plan *p, ns_capsule_state to, const char *words)
{
	ns_store *st = s->e->store;
	bool undone = to == NS_CAP_UNDONE, back = to == NS_CAP_ARMED;
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "note", words);
	bool ok =
	    back ? ns_store_capsule_back(st, c->id, words, &s->err) : ns_store_capsule_end(st, c->id, to, undone ? c->why : words, &s->err);
	ok = ns_step_audit(s, "executor",
	         undone ? "undone"
	         : back ? "undo not sent"
	                : "undo failed",
	         detail, true) &&
	     ok && ns_breakers_release(s) && (!back || *c->digest || ns_undo_job(s, "arm"));
	if (!ok || s->inc.state != NS_ST_UNDOING)
		return ok;
	const char *why = cause_of(c) == NS_UNDO_BY_PERSON ? ns_arena_printf(s->ar, "by %s", c->by) : c->why;
	const char *note = undone ? ns_arena_printf(s->ar, "taken back: %s (%s)", p->summary, why)
	                          : ns_arena_printf(s->ar, "NOT taken back: %s; by hand: %s", words, p->undo.equivalent);
	return ns_step_move(s, NS_ST_MANUAL_REVIEW, s->inc.verdict, "executor", note) && ns_step_hold(s);
}

static bool end(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const ns_plan *p, ns_capsule_state to,
    const char *words, ns_err *err)
{
	ns_step s;
	bool ok = ns_step_begin_job(&s, w, ar, job) && finish(&s, c, p, to, words) && ns_step_commit(&s);
	if (!ok)
		return ns_step_failed(&s, err);
	if (to != NS_CAP_UNDONE)
		tell_person(&s, p, words);
	return true;
}

/* What stands in the way and goes away by itself. */
static bool wait(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const char *why, ns_err *err)
{
	bool long_wait = cause_of(c) == NS_UNDO_AT_END && ns_clock_wall_ms(w->e->o.clock) - c->taken_ms > NS_UNDO_OVERDUE_MS;
	return later(w, ar, job, c, long_wait ? AT_END_AGAIN_MS : AGAIN_MS, why, err);
}

/* Sent, and nobody knows what came of it (law 8): it is looked at, never sent again. */
static bool judge_sent(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const ns_plan *p, ns_err *err)
{
	ns_stand stand;
	ns_intent last;
	const char *words = NULL;
	ns_err why = {0};
	if (!ns_execute_look(w->cluster->executor, ar, w->client, p, &stand, &words, &why))
		return later(w, ar, job, c, AGAIN_MS, ns_arena_printf(ar, "whether it was taken back is not known: %s", why.text), err);
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	bool ok = ns_store_intent_latest(s.e->store, ar, job->incident, &last, &s.err);
	if (ok && last.id == c->undo_intent && !last.finished)
		ok = ns_store_intent_finish(s.e->store, last.id, "unknown", "what came of it could not be recorded", &s.err);
	bool undone = stand == NS_STAND_AS_BEFORE;
	words = undone ? words : ns_arena_printf(ar, "it was sent and nobody knows what came of it; now: %s", words);
	if (!ok || !finish(&s, c, p, undone ? NS_CAP_UNDONE : NS_CAP_FAILED, words) || !ns_step_commit(&s))
		return ns_step_failed(&s, err);
	if (!undone)
		tell_person(&s, p, words);
	return true;
}

static const char *argv_text(ns_arena *ar, const ns_command *c)
{
	cJSON *list = cJSON_CreateArray();
	for (const char *const *a = c->argv; a && *a; a++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*a));
	ns_buf text = NS_BUF_INIT;
	ns_json_write(list, &text);
	cJSON_Delete(list);
	return ns_arena_take(ar, &text);
}

/* Of an audit row. */
static cJSON *told(const char *a, const char *what_a, const char *b, const char *what_b)
{
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, a, what_a);
	ns_json_put_str(detail, b, what_b);
	return detail;
}

typedef enum admission { ADMITTED, NOT_NOW, REFUSED, GONE, BROKEN } admission;

/* The gate on fresh facts in the transaction that records the undo's intent; it answers to the approval of what it takes back. */
static admission admit(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, ns_dossier *d, const char *lock_path,
    int64_t *intent, const char **why, ns_err *err)
{
	ns_engine *e = w->e;
	ns_step s;
	ns_capsule now;
	ns_gate_facts f;
	ns_undo_verdict v;
	if (!ns_step_begin(&s, e, ar, job->incident)) {
		ns_step_failed(&s, err);
		return BROKEN;
	}
	if (!ns_store_capsule_get(e->store, ar, c->id, &now, &s.err) || now.state != NS_CAP_TAKEN || now.undo_intent) {
		ns_step_abandon(&s);
		return GONE;
	}
	ns_gate_collect(e, ar, &s.inc, d, &f);
	ns_gate_undo(&f, cause_of(c), &v);
	if (!v.may) {
		ns_step_abandon(&s);
		*why = v.words[0];
		return v.passing || cause_of(c) == NS_UNDO_AT_END ? NOT_NOW : REFUSED;
	}
	int64_t transitions = 0;
	ns_cluster_holds_lease(w->cluster, &transitions);
	ns_intent it = {.incident = job->incident,
	    .approval = c->approval,
	    .digest = d->dryrun->digest,
	    .action = c->action,
	    .target = c->target,
	    .cluster = c->cluster,
	    .argv_json = argv_text(ar, &d->plan->undo),
	    .body = d->plan->undo.body,
	    .lock_path = lock_path,
	    .lease_transitions = transitions,
	    .undo = true};
	bool ok = ns_store_intent_start(e->store, &it, intent, &s.err) && ns_store_capsule_send(e->store, c->id, *intent, &s.err) &&
	          ns_breakers_take(&s) && ns_step_fact(&s, "undo", doc_of("send", "dryrun", ns_dryrun_to_json(d->dryrun))) &&
	          ns_step_audit(&s, c->by, "undo started",
	              ns_step_change(
	                  told("command", d->dryrun->shown_command, "digest", d->dryrun->digest), d->dryrun->digest, d->dryrun->diff, true),
	              true) &&
	          ns_step_commit(&s);
	if (!ok) {
		ns_step_failed(&s, err);
		return BROKEN;
	}
	return ADMITTED;
}

static bool record(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const ns_plan *p, int64_t intent,
    const ns_execution *x, ns_err *err)
{
	ns_step s;
	ns_stand stand;
	const char *outcome = x->ok ? "sent" : x->unknown ? "unknown" : x->sent ? "refused" : "failed";
	const char *words = x->ok        ? ""
	                    : x->unknown ? x->error
	                                 : ns_arena_printf(ar, "%s; now: %s", x->error, where_it_stands(w, ar, p, &stand));
	bool again = x->unknown || x->conflict; /* nobody knows; or none of it was made, and what moved is seen at the next look */
	bool ok = again ? ns_step_begin(&s, w->e, ar, job->incident) : ns_step_begin_job(&s, w, ar, job);
	ok = ok && ns_store_intent_finish(w->e->store, intent, outcome, x->error, &s.err) &&
	     ns_step_fact(&s, "undo", doc_of("sent", "execution", ns_execution_to_json(x))) &&
	     ns_step_audit(&s, "executor", "undo outcome",
	         ns_step_change(told("outcome", outcome, "error", x->error), c->digest, c->diff, x->ok), true);
	if (ok && !again)
		ok = finish(&s, c, p, x->ok ? NS_CAP_UNDONE : NS_CAP_FAILED, x->ok ? x->output : words);
	if (!ok || !ns_step_commit(&s))
		return ns_step_failed(&s, err);
	NS_POINT("undo-recorded", job->incident);
	if (again)
		return later(w, ar, job, c, AGAIN_MS, x->error, err);
	if (!x->ok)
		tell_person(&s, p, words);
	return true;
}

static bool undo_locked(
    ns_worker *w, ns_arena *ar, const ns_job *job, const ns_capsule *c, const ns_plan *p, int lock_fd, const char *lock_path, ns_err *err)
{
	ns_stand stand;
	ns_dossier d;
	if (c->undo_intent)
		return judge_sent(w, ar, job, c, p, err);
	int64_t passed = ns_clock_wall_ms(w->e->o.clock) - c->taken_ms;
	if (cause_of(c) != NS_UNDO_AT_END && (passed < 0 || passed >= NS_UNDO_PATIENCE_MS))
		return end(w, ar, job, c, p, NS_CAP_ARMED,
		    *c->waits ? ns_arena_printf(ar, "for ten minutes it could not be sent: %s", c->waits) : "it was asked for too long ago",
		    err);
	if (!ns_dossier_read(w->e, ar, job->incident, NS_D_CASE | NS_D_HISTORY, &d, err))
		return false;
	ns_dryrun *dr = ns_execute_dryrun(w->cluster->executor, ar, w->client, p, NULL, NS_POLICY_VERSION, true);
	if (!dr->ok && (may_pass(dr->code) || only_noise(dr)))
		return wait(w, ar, job, c, dr->error, err);
	if (!dr->ok) {
		const char *stands = where_it_stands(w, ar, p, &stand);
		if (stand == NS_STAND_AS_BEFORE)
			return end(w, ar, job, c, p, NS_CAP_UNDONE, ns_arena_printf(ar, "somebody has done it already: %s", stands), err);
		return end(w, ar, job, c, p, NS_CAP_FAILED, ns_arena_printf(ar, "%s; now: %s", dr->error, stands), err);
	}
	if (*c->digest && strcmp(c->digest, dr->digest) != 0)
		return end(w, ar, job, c, p, NS_CAP_FAILED,
		    ns_arena_printf(
		        ar, "the undo would do something else now than when it was armed: %s", where_it_stands(w, ar, p, &stand)),
		    err);
	d.plan = (ns_plan *)(uintptr_t)p; /* the gate only reads it */
	d.dryrun = dr;
	NS_POINT("undo-before-intent", job->incident);
	int64_t intent = 0;
	const char *why = "";
	switch (admit(w, ar, job, c, &d, lock_path, &intent, &why, err)) {
	case BROKEN: return false;
	case GONE: return true;
	case NOT_NOW: return wait(w, ar, job, c, why, err);
	case REFUSED: return end(w, ar, job, c, p, NS_CAP_ARMED, why, err);
	case ADMITTED: break;
	}
	NS_POINT("undo-intent", job->incident);
	ns_execution *x = ns_execute(w->cluster->executor, ar, w->client, p, true, lock_fd);
	NS_POINT("undo-sent", job->incident);
	return record(w, ar, job, c, p, intent, x, err);
}

bool ns_step_undo(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_capsule c;
	char lock_path[600];
	ns_err why = {0};
	if (!ns_store_capsule_taken(w->e->store, ar, job->incident, &c, &why))
		return why.code == NS_E_NOTFOUND || (*err = why, false);
	const ns_plan *p = ns_store_capsule_plan(w->e->store, ar, &c, err);
	if (!p)
		return false;
	int fd = ns_target_lock(w->cluster->executor, &p->target, lock_path, sizeof lock_path, &why);
	if (fd < 0)
		return may_pass(why.code) ? later(w, ar, job, &c, AGAIN_MS, why.text, err) : (*err = why, false);
	bool ok = undo_locked(w, ar, job, &c, p, fd, lock_path, err);
	ns_target_unlock(fd);
	return ok;
}
