/* What a dead engine left (law 8): a change that was started and has no outcome is UNKNOWN; it is verified, never re-run. */
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"

/* An undo is judged by the object itself: the job that sent it looks, and sends nothing again. */
static bool settle_undo(ns_engine *e, ns_arena *ar, const ns_intent *in, const char *why, ns_err *err)
{
	ns_step s;
	bool ok = ns_step_begin(&s, e, ar, in->incident) && ns_store_intent_finish(e->store, in->id, "unknown", why, &s.err);
	ok = ok && (ns_step_job(&s, "undo", 0) || s.err.code == NS_E_CONFLICT) && ns_step_commit(&s);
	return ok || ns_step_failed(&s, err);
}

bool ns_settle_intent(ns_engine *e, ns_arena *ar, const ns_intent *in, const char *why, ns_err *err)
{
	if (in->undo)
		return settle_undo(e, ar, in, why, err);
	ns_step s;
	cJSON *x = cJSON_CreateObject();
	ns_json_put_bool(x, "sent", true);
	ns_json_put_bool(x, "unknown", true);
	ns_json_put_str(x, "error", why);
	bool ok = ns_step_begin(&s, e, ar, in->incident);
	if (!ok)
		cJSON_Delete(x);
	ok = ok && ns_store_intent_finish(e->store, in->id, "unknown", why, &s.err) && ns_step_fact(&s, "execution", x) &&
	    ns_store_jobs_drop(e->store, in->incident, &s.err) && ns_undo_settled(&s, in->id, true, why) &&
	    ns_store_incident_set(e->store, in->incident, s.inc.attempts + 1, s.inc.cooldown_until_ms, s.inc.last_rejected_case, &s.err);
	if (ok && s.inc.state == NS_ST_EXECUTING)
		ok = ns_step_move(&s, NS_ST_VERIFYING, s.inc.verdict, "engine", why);
	ok = ok && ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		*err = s.err;
	}
	return ok;
}

/* The job that each state waits for; atomic steps leave none behind, so this only heals what should not happen. */
static const struct { ns_state state; const char *job; } expected[] = {
    {NS_ST_DETECTED, "analyze"}, {NS_ST_ANALYZING, "analyze"}, {NS_ST_EXECUTING, "execute"}, {NS_ST_UNDOING, "undo"}};

static void ensure_job(ns_engine *e, ns_arena *ar, const ns_incident *inc)
{
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		ns_step s;
		if (inc->state != expected[i].state)
			continue;
		/* A second open job of the kind is refused by the store: then it is there already. */
		if (!(ns_step_begin(&s, e, ar, inc->id) && ns_step_job(&s, expected[i].job, 0) && ns_step_commit(&s)))
			ns_step_abandon(&s);
	}
}

/* The incident's cluster is not configured any more: it stays on the screen, its question is void, and nothing is done. What was sent and is
 * being verified ends as UNKNOWN, since nobody watches. */
static bool leave_alone(ns_engine *e, ns_arena *ar, const ns_incident *inc, ns_err *err)
{
	ns_step s;
	ns_approval a;
	const char *why = ns_arena_printf(ar, "the cluster %s is not configured any more: nothing is done there", inc->target.cluster);
	if (ns_state_get(inc->state)->terminal || !ns_state_may(inc->state, NS_ST_MANUAL_REVIEW) || inc->state == NS_ST_VERIFYING)
		return true;
	bool ok = ns_step_begin(&s, e, ar, inc->id);
	if (ok && ns_store_approval_latest(e->store, ar, inc->id, &a, NULL) && a.state == NS_APPR_PENDING)
		ok = ns_store_approval_decide(e->store, a.id, NS_APPR_VOIDED, NULL, "engine", "engine", why, &s.err);
	ok = ok && ns_store_jobs_drop(e->store, inc->id, &s.err) && ns_step_move(&s, NS_ST_MANUAL_REVIEW, s.inc.verdict, "engine", why) &&
	    ns_step_hold(&s) && ns_step_commit(&s);
	return ok || ns_step_failed(&s, err);
}

bool ns_engine_recover(ns_engine *e, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_intent *open;
	ns_incident *list;
	size_t n_open, n;
	ns_clock_stepped_back(e); /* while no engine ran it may have */
	bool ok = ns_store_jobs_unclaim(e->store, err) && ns_store_intents_open(e->store, ar, &open, &n_open, err);
	for (size_t i = 0; ok && i < n_open; i++) {
		ns_log(NS_LOG_WARN, "engine", "incident %lld: %s on %s was started and has no outcome: it will be verified", (long long)open[i].incident,
		    open[i].action, open[i].target);
		ok = ns_settle_intent(e, ar, &open[i],
		    "the engine stopped while the change was being sent: unknown, so it is verified and never sent again", err);
	}
	ok = ok && ns_store_incidents(e->store, ar, 1000, &list, &n, err);
	for (size_t i = 0; ok && i < n; i++) {
		if (!ns_cluster_find(e, list[i].target.cluster) && !list[i].closed_ms)
			ok = leave_alone(e, ar, &list[i], err);
		else
			ensure_job(e, ar, &list[i]);
		if (list[i].state != NS_ST_VERIFYING)
			continue;
		/* Whatever cannot be read of it, it is watched: an incident that nobody looks at would stay here for ever. */
		ns_intent last;
		ns_dossier d;
		if (!ns_store_intent_latest(e->store, ar, list[i].id, &last, NULL))
			last = (ns_intent){.started_ms = ns_clock_wall_ms(e->o.clock)};
		if (!ns_dossier_read(e, ar, list[i].id, NS_D_PLAN | NS_D_DRYRUN, &d, NULL))
			d.plan = NULL;
		ns_verify_watch(e, list[i].id, last.started_ms, ns_verify_generation(d.plan, d.dryrun, NULL), last.lock_path);
	}
	ns_arena_free(ar);
	return ok;
}
