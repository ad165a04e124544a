/* The verifier's thread: looks at every incident under verification once a second of the engine's clock and records the verdict (law 9).
 * The windows live in memory: after a restart the counting starts anew, which can only make it stricter. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { LOOK_EVERY_MS = 1000 };

int64_t ns_verify_generation(const ns_plan *p, const ns_dryrun *d, const ns_execution *x)
{
	/* A change that may not have been made must not be waited for; an exception is another object than what is watched. */
	if (!d || !p)
		return 0;
	if (!x || x->unknown || p->action == NS_ACT_POLICY_EXCEPTION)
		return d->live_generation;
	return x->generation > 0 ? x->generation : d->live_generation + 1;
}

void ns_verify_watch(ns_engine *e, int64_t incident, int64_t started_ms, int64_t generation, const char *lock_path)
{
	pthread_mutex_lock(&e->verify_mu);
	size_t slot = 0, unused = e->n_verifying;
	while (slot < e->n_verifying && !(e->verifying[slot].used && e->verifying[slot].incident == incident)) {
		if (!e->verifying[slot].used && unused == e->n_verifying)
			unused = slot;
		slot++;
	}
	if (slot == e->n_verifying)
		slot = unused;
	if (slot == e->n_verifying) {
		e->verifying = ns_xrealloc(e->verifying, (slot + 1) * sizeof *e->verifying);
		memset(&e->verifying[slot], 0, sizeof e->verifying[slot]);
		e->n_verifying++;
	}
	struct ns_watching *w = &e->verifying[slot];
	free(w->lock_path);
	w->used = true;
	w->incident = incident;
	w->serial = ++e->verify_serial;
	w->lock_path = ns_xstrdup(lock_path);
	ns_verify_begin(&w->v, started_ms, generation);
	pthread_mutex_unlock(&e->verify_mu);
	ns_wake_ring(e->verify_wake);
}

bool ns_verify_progress(ns_engine *e, int64_t incident, int64_t *good_ms, int64_t *need_ms)
{
	bool found = false;
	pthread_mutex_lock(&e->verify_mu);
	for (size_t i = 0; i < e->n_verifying && !found; i++) {
		found = e->verifying[i].used && e->verifying[i].incident == incident;
		if (found) {
			*good_ms = e->verifying[i].v.good_ms;
			*need_ms = e->verifying[i].v.need_ms;
		}
	}
	pthread_mutex_unlock(&e->verify_mu);
	return found;
}

/* Writes back what a look made of a window, or frees it (v NULL), unless a newer window of the incident has taken its place meanwhile. */
static void settle(ns_engine *e, size_t slot, int64_t serial, const ns_verify_state *v)
{
	pthread_mutex_lock(&e->verify_mu);
	struct ns_watching *w = &e->verifying[slot];
	if (w->used && w->serial == serial) {
		if (v) {
			w->v = *v;
		} else {
			free(w->lock_path);
			w->lock_path = NULL;
			w->used = false;
		}
	}
	pthread_mutex_unlock(&e->verify_mu);
}

/* Where an incident goes whose change did not help: another plan if it did no harm and there may be one, else back to what was before. */
static bool leave_not_fixed(ns_step *s, bool harm, const char *why)
{
	bool taken = false;
	if (!harm && s->inc.attempts < NS_MAX_ATTEMPTS)
		return ns_step_move(s, NS_ST_PLANNING, NS_VERDICT_NOT_FIXED, "verifier", why) && ns_step_job(s, "replan", 0);
	s->inc.verdict = NS_VERDICT_NOT_FIXED;
	return ns_undo_alone(s, "verifier", why, &taken) &&
	    (taken || (ns_step_move(s, NS_ST_FAILED, NS_VERDICT_NOT_FIXED, "verifier", why) && ns_step_hold(s)));
}

static bool conclude(ns_engine *e, ns_arena *ar, int64_t incident, const ns_verify_state *v, ns_verdict verdict, bool harm, const char *why)
{
	ns_step s;
	cJSON *doc = ns_verify_to_json(v);
	ns_json_put_str(doc, "verdict", ns_verdict_name(verdict));
	ns_json_put_str(doc, "why", why);
	ns_json_put_bool(doc, "harm", harm);
	bool ok = ns_step_begin(&s, e, ar, incident);
	if (ok && s.inc.state != NS_ST_VERIFYING) {
		ns_step_abandon(&s);
		cJSON_Delete(doc);
		return true;
	}
	if (!ok)
		cJSON_Delete(doc);
	ok = ok && ns_step_fact(&s, "verification", doc) && ns_breakers_result(&s, verdict == NS_VERDICT_FIXED);
	if (ok && verdict == NS_VERDICT_FIXED)
		ok = ns_step_move(&s, NS_ST_RESOLVED, verdict, "verifier", why);
	else if (ok && verdict == NS_VERDICT_NOT_FIXED)
		ok = leave_not_fixed(&s, harm, why);
	else if (ok)
		ok = ns_step_move(&s, NS_ST_FAILED, verdict, "verifier", why) && ns_step_hold(&s);
	NS_POINT("verdict", incident);
	if (ok && ns_step_commit(&s)) {
		ns_model_learned(e);
		return true;
	}
	ns_step_abandon(&s);
	ns_log(NS_LOG_ERROR, "verifier", "incident %lld: %s", (long long)incident, s.err.text);
	return false;
}

/* One look at one window; false when there is none (any more). */
static bool look(ns_engine *e, size_t slot)
{
	pthread_mutex_lock(&e->verify_mu);
	bool used = slot < e->n_verifying && e->verifying[slot].used;
	struct ns_watching w = {0};
	if (used) {
		w = e->verifying[slot];
		w.lock_path = ns_xstrdup(w.lock_path);
	}
	pthread_mutex_unlock(&e->verify_mu);
	if (!used)
		return false;
	bool blocked = w.lock_path && !ns_lock_is_free(w.lock_path);
	free(w.lock_path);
	if (blocked)
		return true;
	ns_arena *ar = ns_arena_new();
	ns_incident inc;
	ns_err err = {0};
	char why[256] = "";
	bool known = ns_store_incident_get(e->store, ar, w.incident, &inc, &err);
	if (known ? inc.state != NS_ST_VERIFYING : err.code == NS_E_NOTFOUND) {
		settle(e, slot, w.serial, NULL);
		used = false;
	} else if (known) { /* a store that cannot be read is asked again in a second */
		ns_health h;
		ns_cluster_health(e, &inc.target, inc.kind, &h);
		ns_verdict verdict = ns_verify_step(&w.v, &h, ns_clock_wall_ms(e->o.clock), why, sizeof why);
		const char *around = "", *words = why;
		bool harm = h.live && verdict != NS_VERDICT_NOT_FIXED && verdict != NS_VERDICT_UNKNOWN && ns_regression(e, ar, &inc, &w.v, why, sizeof why, &around);
		if (harm)
			verdict = NS_VERDICT_NOT_FIXED;
		else if (verdict == NS_VERDICT_FIXED)
			words = ns_arena_printf(ar, "%s%s", why, around);
		settle(e, slot, w.serial, &w.v);
		if (w.v.good_ms > 0)
			NS_POINT("verifying", w.incident);
		if (verdict != NS_VERDICT_NONE) {
			ns_agent_begin(e, NS_AG_VERIFIER, "verdict #%lld", (long long)w.incident);
			bool ok = conclude(e, ar, w.incident, &w.v, verdict, harm, words);
			ns_agent_end(e, NS_AG_VERIFIER, ok);
			if (ok)
				settle(e, slot, w.serial, NULL);
		}
	}
	ns_arena_free(ar);
	return used;
}

static size_t windows(ns_engine *e)
{
	pthread_mutex_lock(&e->verify_mu);
	size_t n = e->n_verifying;
	pthread_mutex_unlock(&e->verify_mu);
	return n;
}

void ns_verifier_run(void *engine, ns_cancel *cancel)
{
	ns_engine *e = engine;
	int64_t shown = 0;
	bool any = false;
	struct pollfd p[2] = {{.fd = ns_wake_fd(e->verify_wake), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
	while (!ns_cancel_fired(cancel)) {
		if (!any) /* nothing to watch: sleep until there is */
			poll(p, 2, -1);
		ns_wake_clear(e->verify_wake);
		if (!ns_cancel_sleep(cancel, e->o.clock, LOOK_EVERY_MS))
			break;
		any = false;
		for (size_t i = 0; i < windows(e); i++)
			any |= look(e, i);
		/* The progress is worth a new picture twice a second of real time, not more. */
		if (any && ns_real_mono_ms() - shown >= 500) {
			shown = ns_real_mono_ms();
			ns_engine_dirty(e);
		}
	}
}
