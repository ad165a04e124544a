/* The verifier's thread: looks at every incident under verification once a second of the engine's clock and records the verdict (law 9).
 * The windows live in memory: after a restart the counting starts anew, which can only make it stricter. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { LOOK_EVERY_MS = 1000, SLOTS = (int)(sizeof((ns_engine *)0)->verifying / sizeof((ns_engine *)0)->verifying[0]) };

int64_t ns_verify_generation(const ns_plan *p, const ns_dryrun *d)
{
	/* An exception changes another object; a patch without a difference changes nothing. */
	bool changes = p->action != NS_ACT_POLICY_EXCEPTION && d->diff_lines > 0;
	return d->live_generation + (changes ? 1 : 0);
}

void ns_verify_watch(ns_engine *e, int64_t incident, int64_t started_ms, int64_t generation, const char *lock_path)
{
	pthread_mutex_lock(&e->verify_mu);
	int slot = -1;
	for (int i = 0; i < SLOTS; i++) {
		if (e->verifying[i].used && e->verifying[i].incident == incident)
			slot = i;
		else if (slot < 0 && !e->verifying[i].used)
			slot = i;
	}
	if (slot >= 0) {
		free(e->verifying[slot].lock_path);
		e->verifying[slot].used = true;
		e->verifying[slot].incident = incident;
		e->verifying[slot].lock_path = ns_xstrdup(lock_path);
		ns_verify_begin(&e->verifying[slot].v, started_ms, generation);
	}
	pthread_mutex_unlock(&e->verify_mu);
	ns_wake_ring(e->verify_wake);
	if (slot < 0) /* cannot be watched: say so rather than forget it */
		ns_log(NS_LOG_ERROR, "verifier", "incident %lld: more than %d verifications at once", (long long)incident, SLOTS);
}

bool ns_verify_progress(ns_engine *e, int64_t incident, int64_t *good_ms, int64_t *need_ms)
{
	bool found = false;
	pthread_mutex_lock(&e->verify_mu);
	for (int i = 0; i < SLOTS && !found; i++) {
		found = e->verifying[i].used && e->verifying[i].incident == incident;
		if (found) {
			*good_ms = e->verifying[i].v.good_ms;
			*need_ms = e->verifying[i].v.need_ms;
		}
	}
	pthread_mutex_unlock(&e->verify_mu);
	return found;
}

static void forget(ns_engine *e, int slot)
{
	pthread_mutex_lock(&e->verify_mu);
	free(e->verifying[slot].lock_path);
	e->verifying[slot].lock_path = NULL;
	e->verifying[slot].used = false;
	pthread_mutex_unlock(&e->verify_mu);
}

static bool conclude(ns_engine *e, ns_arena *ar, int64_t incident, const ns_verify_state *v, ns_verdict verdict, const char *why)
{
	ns_step s;
	cJSON *doc = ns_verify_to_json(v);
	ns_json_put_str(doc, "verdict", ns_verdict_name(verdict));
	ns_json_put_str(doc, "why", why);
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
	else if (ok && verdict == NS_VERDICT_NOT_FIXED && s.inc.attempts < NS_MAX_ATTEMPTS)
		ok = ns_step_move(&s, NS_ST_PLANNING, verdict, "verifier", why) && ns_step_job(&s, "replan", 0);
	else if (ok)
		ok = ns_step_move(&s, NS_ST_FAILED, verdict, "verifier", why) && ns_step_hold(&s);
	if (ok && ns_step_commit(&s))
		return true;
	ns_step_abandon(&s);
	ns_log(NS_LOG_ERROR, "verifier", "incident %lld: %s", (long long)incident, s.err.text);
	return false;
}

/* One look at one slot; false when it is free. */
static bool look(ns_engine *e, int slot)
{
	pthread_mutex_lock(&e->verify_mu);
	bool used = e->verifying[slot].used;
	int64_t incident = e->verifying[slot].incident;
	ns_verify_state v = e->verifying[slot].v;
	char *lock_path = used ? ns_xstrdup(e->verifying[slot].lock_path) : NULL;
	pthread_mutex_unlock(&e->verify_mu);
	if (!used)
		return false;
	bool blocked = lock_path && !ns_lock_is_free(lock_path);
	free(lock_path);
	if (blocked)
		return true;
	ns_arena *ar = ns_arena_new();
	ns_incident inc;
	char why[256] = "";
	if (!ns_store_incident_get(e->store, ar, incident, &inc, NULL) || inc.state != NS_ST_VERIFYING) {
		forget(e, slot);
		used = false;
	} else {
		ns_health h;
		ns_detector_health(e->detector, &inc.target, inc.kind, &h);
		ns_verdict verdict = ns_verify_step(&v, &h, ns_clock_wall_ms(e->o.clock), why, sizeof why);
		pthread_mutex_lock(&e->verify_mu);
		e->verifying[slot].v = v;
		pthread_mutex_unlock(&e->verify_mu);
		if (verdict != NS_VERDICT_NONE) {
			ns_agent_begin(e, NS_AG_VERIFIER, "verdict #%lld", (long long)incident);
			bool ok = conclude(e, ar, incident, &v, verdict, why);
			ns_agent_end(e, NS_AG_VERIFIER, ok);
			if (ok)
				forget(e, slot);
		}
	}
	ns_arena_free(ar);
	return used;
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
		for (int i = 0; i < SLOTS; i++)
			any |= look(e, i);
		/* The progress is worth a new picture twice a second of real time, not more. */
		if (any && ns_real_mono_ms() - shown >= 500) {
			shown = ns_real_mono_ms();
			ns_engine_dirty(e);
		}
	}
}
