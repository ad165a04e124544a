/* The acting steps: the dry-run with the gate's first verdict, and the execution. The order is the law: fresh dry-run, same digest, gate
 * again and the intent in one transaction (4, 5, 8), only then kubectl. */
#include <stdio.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"

enum { PAUSE_MS = 1000 };          /* before an object that has just moved is planned for again */
enum { SECOND_LOOK_MS = 30 * 1000 }; /* in which most that is killed again is killed again */

static bool may_pass(ns_code code)
{
	return code == NS_E_UNREACHABLE || code == NS_E_TIMEOUT || code == NS_E_BUSY || code == NS_E_LOCKED ||
	    code == NS_E_CANCELLED; /* we are stopping: the next engine does it */
}

/* "why" of a verdict in one line: the first reasons in words. */
static const char *verdict_words(ns_arena *ar, const ns_gate_verdict *v)
{
	if (v->n == 0)
		return "";
	return v->n == 1 ? v->words[0] : ns_arena_printf(ar, "%s; %s%s", v->words[0], v->words[1], v->n > 2 ? ns_arena_printf(ar, " (and %zu more)", v->n - 2) : "");
}

static bool ask_person(ns_step *s, const ns_dryrun *dr, const ns_gate_facts *f, const ns_gate_verdict *v)
{
	int64_t id = 0;
	bool two = ns_gate_needs_two(f);
	if (!ns_store_approval_put(s->e->store, s->inc.id, dr->digest, s->e->o.approval_timeout_ms, &id, &s->err) ||
	    (two && !ns_store_approval_need_two(s->e->store, id, &s->err)))
		return false;
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "digest", dr->digest);
	ns_json_put_int(detail, "approval", id);
	ns_json_put_int(detail, "people", two ? 2 : 1);
	return ns_step_audit(s, "gate", "approval asked", detail, false) &&
	    ns_step_move(s, NS_ST_AWAITING_APPROVAL, s->inc.verdict, "gate", verdict_words(s->ar, v));
}

/* The object is not the one that was planned for: the same plan would be refused for ever. */
static bool plan_again(ns_worker *w, ns_arena *ar, const ns_job *job, const char *why, int64_t delay_ms, ns_err *err)
{
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_PLANNING) {
		ns_step_abandon(&s);
		return true;
	}
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "note", why);
	return (ns_step_audit(&s, "planner", "planned again", detail, false) && ns_step_job(&s, "replan", delay_ms) && ns_step_commit(&s)) ||
	    ns_step_failed(&s, err);
}

/* One kill for memory is called at once, and may be the only one: what a burst did heals by itself. */
static bool killed_once(const ns_case *c)
{
	bool once = c->alert.kind == NS_KIND_OOM_KILLED;
	for (size_t i = 0; i < c->n_containers; i++)
		if (strcmp(c->containers[i].last_reason, "OOMKilled") == 0)
			once = once && c->containers[i].restarts <= 1 && strcmp(c->containers[i].waiting_reason, "CrashLoopBackOff") != 0;
	return once;
}

bool ns_step_dryrun(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_engine *e = w->e;
	ns_dossier d;
	if (!ns_dossier_read(e, ar, job->incident, NS_D_ALL, &d, err))
		return false;
	if (!d.plan || !d.cs)
		return ns_fail(err, NS_E_INVALID, "incident %lld has no plan", (long long)job->incident);
	ns_dryrun *dr = ns_execute_dryrun(w->cluster->executor, ar, w->client, d.plan, d.cs, NS_POLICY_VERSION, false);
	if (!dr->ok && may_pass(dr->code))
		return ns_fail(err, dr->code, "%s", dr->error);
	if (!dr->ok && dr->code == NS_E_CONFLICT)
		return plan_again(w, ar, job, dr->error, PAUSE_MS, err);
	d.dryrun = dr;
	NS_POINT("dryrun", job->incident);

	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_PLANNING) {
		ns_step_abandon(&s);
		return true;
	}
	ns_gate_facts f;
	ns_gate_verdict v;
	ns_gate_collect(e, ar, &s.inc, &d, &f);
	ns_gate(&f, &v);
	if (v.way == NS_GATE_AUTO && d.n_plans == 1 && killed_once(d.cs)) {
		ns_step_abandon(&s);
		return plan_again(w, ar, job, "killed once so far: looked at again before anything is done alone", SECOND_LOOK_MS, err);
	}
	cJSON *judged = ns_gate_to_json(&f, &v, false, false);
	ns_earned_put(e, ar, &s.inc.target, d.plan, &f, judged);
	bool ok = ns_step_fact(&s, "gate", judged) && ns_step_fact(&s, "dryrun", ns_dryrun_to_json(dr)) && ns_earned_mark(&s, d.plan, &f);
	if (ok && v.way == NS_GATE_MANUAL) {
		const char *why = dr->ok ? verdict_words(ar, &v) : ns_arena_printf(ar, "the dry-run was refused: %s", dr->error);
		ok = ns_undo_or_hand_over(&s, "gate", why);
	} else if (ok && v.way == NS_GATE_ASK) {
		ok = ask_person(&s, dr, &f, &v);
	} else if (ok) {
		ok = ns_step_move(&s, NS_ST_EXECUTING, s.inc.verdict, "gate", "every condition for acting alone holds") && ns_step_job(&s, "execute", 0);
	}
	if (!ok || !ns_step_commit(&s))
		return ns_step_failed(&s, err);
	if (v.way == NS_GATE_ASK)
		NS_POINT("asked", job->incident);
	return true;
}

/* The approval that stands behind this execution: approved and not older than the digest it was given for; id 0 for auto. */
static bool read_approval(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_dossier *d, ns_approval *a)
{
	memset(a, 0, sizeof *a);
	return ns_store_approval_latest(e->store, ar, inc->id, a, NULL) && a->state == NS_APPR_APPROVED && strcmp(a->digest, d->dryrun->digest) == 0;
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

/* What changed since it was approved goes back to planning on fresh evidence: it is asked again, never forced (law 5). */
static bool send_back(ns_worker *w, ns_arena *ar, const ns_job *job, const char *why, ns_err *err)
{
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_EXECUTING) {
		ns_step_abandon(&s);
		return true;
	}
	bool ok = ns_step_move(&s, NS_ST_PLANNING, s.inc.verdict, "executor", why) && ns_step_job(&s, "replan", 0) && ns_step_commit(&s);
	return ok || ns_step_failed(&s, err);
}

static bool refuse(ns_worker *w, ns_arena *ar, const ns_job *job, const char *why, ns_err *err)
{
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_EXECUTING) {
		ns_step_abandon(&s);
		return true;
	}
	bool ok = ns_step_move(&s, NS_ST_MANUAL_REVIEW, s.inc.verdict, "gate", why) && ns_step_hold(&s) && ns_step_commit(&s);
	return ok || ns_step_failed(&s, err);
}

typedef enum admission { ADMITTED, NOT_NOW, ASK_AGAIN, REFUSED, BROKEN } admission;

/* People who said yes to what is sent now; where one is enough that is whoever decided. None when it cannot be known. */
static int64_t count_yeses(ns_step *s, const ns_approval *a)
{
	ns_yes *list;
	size_t n = 0;
	if (a->needed < 2)
		return 1;
	return ns_store_approval_yeses(s->e->store, s->ar, a->id, &list, &n, NULL) ? (int64_t)n : 0;
}

/* The gate on fresh facts in the transaction that records the intent (laws 4 and 8). */
static admission admit(ns_worker *w, ns_arena *ar, const ns_job *job, ns_dossier *d, const ns_approval *approval, const char *lock_path,
    int64_t *intent, const char **why, ns_err *err)
{
	ns_engine *e = w->e;
	ns_step s;
	ns_gate_facts f;
	ns_gate_verdict v = {0};
	if (!ns_step_begin(&s, e, ar, job->incident)) {
		ns_step_failed(&s, err);
		return BROKEN;
	}
	bool approved = approval->id != 0;
	ns_gate_collect(e, ar, &s.inc, d, &f);
	f.yeses = approved ? count_yeses(&s, approval) : 0;
	if (s.inc.state != NS_ST_EXECUTING || !ns_gate_may_send(&f, approved, &v)) {
		*why = s.inc.state != NS_ST_EXECUTING ? "it is not executing any more" : verdict_words(ar, &v);
		/* A lost Lease or watch may come back in a moment, and a verification ends. */
		bool passing = s.inc.state == NS_ST_EXECUTING && (!f.lease_held || !f.watch_live || !f.watch_synced || !f.clock_sane || !f.target_free);
		if (passing || s.inc.state != NS_ST_EXECUTING) {
			ns_step_abandon(&s);
			return passing ? NOT_NOW : REFUSED;
		}
		if (ns_step_fact(&s, "gate", ns_gate_to_json(&f, &v, true, approved)) && ns_step_commit(&s))
			/* An automatic action that may no longer run alone is put to a person; so is what one yes was enough for when it was asked. */
			return !approved || (v.n == 1 && ns_gate_needs_two(&f) && f.yeses < 2) ? ASK_AGAIN : REFUSED;
		ns_step_failed(&s, err);
		return BROKEN;
	}
	int64_t transitions = 0;
	ns_cluster_holds_lease(w->cluster, &transitions);
	const char *target = ns_arena_printf(ar, "%s/%s/%s", s.inc.target.ns, s.inc.target.kind, s.inc.target.name);
	ns_intent it = {.incident = job->incident, .approval = approval->id, .digest = d->dryrun->digest, .action = ns_action_get(d->plan->action)->name,
	    .target = target, .cluster = s.inc.target.cluster, .argv_json = argv_text(ar, &d->plan->command), .body = d->plan->command.body,
	    .lock_path = lock_path, .lease_transitions = transitions};
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "command", d->dryrun->shown_command);
	ns_json_put_int(detail, "approval", approval->id);
	ns_step_change(detail, d->dryrun->digest, d->dryrun->diff, true);
	bool ok = ns_store_intent_start(e->store, &it, intent, &s.err) && ns_undo_make(&s, d, *intent) && ns_breakers_take(&s) &&
	    ns_step_fact(&s, "gate", ns_gate_to_json(&f, &v, true, approved)) &&
	    ns_step_audit(&s, approved ? approval->decided_by : "gate (auto)", "started", detail, true) && ns_step_commit(&s);
	if (!ok) {
		ns_step_failed(&s, err);
		return BROKEN;
	}
	return ADMITTED;
}

/* Records what came back, and where the incident goes from here. */
static bool record(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_dossier *d, int64_t intent, const ns_execution *x, ns_err *err)
{
	ns_engine *e = w->e;
	ns_step s;
	bool stopped = !x->sent && x->code == NS_E_CANCELLED; /* nothing went out, and no fault of the plan's */
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	const char *outcome = x->ok ? "sent" : x->unknown ? "unknown" : x->sent ? "refused" : "failed";
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "outcome", outcome);
	ns_json_put_str(detail, "error", x->error);
	ns_step_change(detail, d->dryrun->digest, d->dryrun->diff, x->ok);
	bool ok = ns_store_intent_finish(e->store, intent, outcome, x->error, &s.err) && ns_step_fact(&s, "execution", ns_execution_to_json(x)) &&
	    ns_undo_settled(&s, intent, x->ok || x->unknown, x->error) &&
	    ns_step_audit(&s, "executor", "outcome", detail, true) &&
	    ns_store_incident_set(e->store, job->incident, s.inc.attempts + 1, s.inc.cooldown_until_ms, s.inc.last_rejected_case, &s.err);
	s.inc.attempts++;
	if (!ok)
		return ns_step_failed(&s, err);
	if (x->ok || x->unknown) { /* UNKNOWN is verified, never re-run */
		ok = ns_step_move(&s, NS_ST_VERIFYING, s.inc.verdict, "executor", x->ok ? d->plan->summary : x->error);
	} else if ((x->conflict && s.inc.attempts < NS_MAX_ATTEMPTS) || stopped) {
		ok = ns_step_move(&s, NS_ST_PLANNING, s.inc.verdict, "executor", x->error) && ns_step_job(&s, "replan", 0);
	} else {
		ok = ns_breakers_result(&s, false) && ns_step_move(&s, NS_ST_FAILED, NS_VERDICT_NOT_FIXED, "executor", x->error) && ns_step_hold(&s);
	}
	if (!ok || !ns_step_commit(&s))
		return ns_step_failed(&s, err);
	NS_POINT("recorded", job->incident);
	if (s.inc.state == NS_ST_VERIFYING)
		ns_verify_watch(e, job->incident, x->at_ms, ns_verify_generation(d->plan, d->dryrun, x), NULL);
	return true;
}

static bool settle_unrecorded(ns_worker *w, ns_arena *ar, const ns_job *job, const ns_dossier *d, const ns_intent *in, ns_err *err)
{
	if (!ns_settle_intent(w->e, ar, in, "what came of the change could not be recorded: unknown, so it is verified and never sent again", err))
		return false;
	w->job_done = true; /* dropped with the incident's other jobs */
	ns_verify_watch(w->e, job->incident, in->started_ms, ns_verify_generation(d->plan, d->dryrun, NULL), in->lock_path);
	return true;
}

static bool execute_locked(ns_worker *w, ns_arena *ar, const ns_job *job, ns_dossier *d, int lock_fd, const char *lock_path, ns_err *err)
{
	ns_engine *e = w->e;
	ns_approval approval;
	ns_incident inc;
	if (!ns_store_incident_get(e->store, ar, job->incident, &inc, err))
		return false;
	if (inc.state != NS_ST_EXECUTING)
		return true;
	/* We hold the target's lock, so nothing of it runs; what was started before and has no outcome (it could not be written down) is UNKNOWN
	 * and must not be planned over. */
	ns_intent last;
	if (ns_store_intent_latest(e->store, ar, job->incident, &last, NULL) && !last.finished)
		return settle_unrecorded(w, ar, job, d, &last, err);
	const char *approved_digest = d->dryrun->digest;
	if (!read_approval(e, ar, &inc, d, &approval))
		approval.id = 0;
	/* A yes whose change could not be sent at once (a restart, no Lease, no link) holds no longer than the question was open. */
	if (approval.id && ns_clock_wall_ms(e->o.clock) - approval.decided_ms > e->o.approval_timeout_ms)
		return send_back(w, ar, job, "the yes is too old to be meant for now: it is planned and asked again", err);
	ns_dryrun *fresh = ns_execute_dryrun(w->cluster->executor, ar, w->client, d->plan, d->cs, NS_POLICY_VERSION, false);
	if (!fresh->ok && may_pass(fresh->code))
		return ns_fail(err, fresh->code, "%s", fresh->error);
	if (!fresh->ok && fresh->code == NS_E_CONFLICT)
		return send_back(w, ar, job, ns_arena_printf(ar, "what was approved has changed, it is planned and asked again: %s", fresh->error), err);
	if (!fresh->ok)
		return refuse(w, ar, job, ns_arena_printf(ar, "the dry-run before sending was refused: %s", fresh->error), err);
	if (strcmp(fresh->digest, approved_digest) != 0)
		return send_back(w, ar, job, "what was approved has changed: it is planned and asked again", err);
	d->dryrun = fresh;
	NS_POINT("before-intent", job->incident);

	int64_t intent = 0;
	const char *why = "";
	switch (admit(w, ar, job, d, &approval, lock_path, &intent, &why, err)) {
	case BROKEN: return false;
	case NOT_NOW: return ns_fail(err, NS_E_BUSY, "%s", why);
	case ASK_AGAIN: return send_back(w, ar, job, why, err);
	case REFUSED: return refuse(w, ar, job, why, err); /* what even a yes cannot send goes to a person by hand */
	case ADMITTED: break;
	}
	NS_POINT("after-intent", job->incident);
	ns_execution *x = ns_execute(w->cluster->executor, ar, w->client, d->plan, false, lock_fd);
	NS_POINT("after-send", job->incident);
	return record(w, ar, job, d, intent, x, err);
}

bool ns_step_execute(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_dossier d;
	if (!ns_dossier_read(w->e, ar, job->incident, NS_D_ALL, &d, err))
		return false;
	if (!d.plan || !d.cs || !d.dryrun)
		return ns_fail(err, NS_E_INVALID, "incident %lld has no plan to execute", (long long)job->incident);
	char lock_path[600];
	int fd = ns_target_lock(w->cluster->executor, &d.plan->target, lock_path, sizeof lock_path, err);
	if (fd < 0)
		return false;
	bool ok = execute_locked(w, ar, job, &d, fd, lock_path, err);
	ns_target_unlock(fd);
	return ok;
}
