/* What time alone decides: silence is no (law 7), cool-downs end, a clock that jumps is not trusted for a while. */
#include <stdio.h>
#include <stdlib.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"

enum { CLOCK_JUMP_MS = 5000, CLOCK_DISTRUST_MS = 60000, CLOCK_TORN_MS = 500, CHANGED_EVERY_MS = 2000, STORE_RETRY_MS = 1000 };

static bool expire(ns_engine *e, ns_arena *ar, const ns_approval *a)
{
	ns_step s;
	char note[240], again[16];
	ns_yes *one;
	size_t n = 0;
	ns_duration_format(e->o.cooldown_ms, again);
	if (a->needed > 1 && ns_store_approval_yeses(e->store, ar, a->id, &one, &n, NULL) && n)
		snprintf(note, sizeof note, "one yes of two (%.80s) and no second in time: that is a no; asked again in %s if it still fails", one[0].by, again);
	else
		snprintf(note, sizeof note, "no answer in time: that is a no; asked again in %s if it still fails", again);
	bool ok = ns_step_begin(&s, e, ar, a->incident) &&
	    ns_store_approval_decide(e->store, a->id, NS_APPR_EXPIRED, NULL, "timer", "timer", "no answer in time", &s.err);
	bool back = false; /* what was to come after a change that did not help will not come: that one is taken back */
	if (ok && s.inc.state == NS_ST_AWAITING_APPROVAL && s.inc.verdict == NS_VERDICT_NOT_FIXED)
		ok = ns_undo_alone(&s, "timer", "it did not help, and nobody answered about what was to be tried next", &back);
	if (ok && s.inc.state == NS_ST_AWAITING_APPROVAL)
		ok = ns_step_move(&s, NS_ST_EXPIRED, s.inc.verdict, "timer", note) && ns_step_hold(&s);
	ok = ok && ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		if (s.err.code != NS_E_CONFLICT) /* a person was faster in the same moment: fine */
			ns_log(NS_LOG_ERROR, "escalation", "approval %lld: %s", (long long)a->id, s.err.text);
	}
	return ok;
}

/* Law 5: what is approved is what runs. A target that was changed while its plan waits voids the question: it is planned and asked anew, so
 * that nobody reads a plan that could not be sent any more. The executor checks again in any case. */
static bool void_if_changed(ns_engine *e, ns_arena *ar, const ns_approval *a)
{
	ns_dossier d;
	ns_incident inc;
	ns_health h;
	if (!ns_store_incident_get(e->store, ar, a->incident, &inc, NULL) || inc.state != NS_ST_AWAITING_APPROVAL ||
	    !ns_dossier_read(e, ar, a->incident, NS_D_DRYRUN, &d, NULL) || !d.dryrun)
		return false;
	ns_cluster_health(e, &inc.target, inc.kind, &h);
	if (!h.live || !h.found || h.generation <= d.dryrun->live_generation)
		return false;
	ns_step s;
	bool ok = ns_step_begin(&s, e, ar, a->incident) &&
	    ns_store_approval_decide(e->store, a->id, NS_APPR_VOIDED, NULL, "engine", "engine", "the target was changed", &s.err) &&
	    ns_step_move(&s, NS_ST_PLANNING, s.inc.verdict, "engine", "the target was changed while the plan waited: planned anew") &&
	    ns_step_job(&s, "replan", 0) && ns_step_commit(&s);
	if (!ok)
		ns_step_abandon(&s);
	return ok;
}

static int64_t expire_approvals(ns_engine *e, ns_arena *ar)
{
	ns_approval *list;
	size_t n;
	int64_t next = -1, wall, mono;
	ns_clock_now(e, &wall, &mono);
	if (!ns_store_approvals_pending(e->store, ar, &list, &n, NULL))
		return mono + STORE_RETRY_MS;
	for (size_t i = 0; i < n; i++) {
		if (!ns_approval_expired(&list[i], wall, mono, ns_clock_boot_id())) {
			if (!void_if_changed(e, ar, &list[i]))
				next = ns_sooner(next, ns_sooner(list[i].deadline_mono_ms, mono + CHANGED_EVERY_MS));
		} else if (!expire(e, ar, &list[i]))
			next = ns_sooner(next, mono + STORE_RETRY_MS);
	}
	return next;
}

static bool free_identity(ns_engine *e, ns_arena *ar, int64_t incident)
{
	ns_step s;
	bool ok = ns_step_begin(&s, e, ar, incident) && ns_store_incident_close_identity(e->store, incident, &s.err) &&
	    ns_step_audit(&s, "timer", "cool-down over", NULL, false) && ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		ns_log(NS_LOG_ERROR, "engine", "incident %lld: %s", (long long)incident, s.err.text);
	}
	return ok;
}

static int64_t end_cooldowns(ns_engine *e, ns_arena *ar)
{
	ns_incident *list;
	size_t n;
	bool freed = false;
	int64_t next = -1, wall, mono;
	ns_clock_now(e, &wall, &mono);
	if (!ns_store_incidents(e->store, ar, 1000, &list, &n, NULL))
		return mono + STORE_RETRY_MS;
	for (size_t i = 0; i < n; i++) {
		if (list[i].closed_ms || !ns_state_get(list[i].state)->terminal || !list[i].cooldown_until_ms)
			continue;
		if (!ns_cluster_find(e, list[i].target.cluster))
			continue; /* nobody would notice that it still fails: it stays until its cluster is back */
		if (list[i].cooldown_until_ms > wall)
			next = ns_sooner(next, mono + list[i].cooldown_until_ms - wall);
		else if (free_identity(e, ar, list[i].id))
			freed = true;
		else
			next = ns_sooner(next, mono + STORE_RETRY_MS);
	}
	if (freed)
		ns_active_reopen(e); /* what still fails becomes an incident again */
	return ns_sooner(next, ns_orphans_recover(e, ar, list, n));
}

/* Two readings that were torn apart by the scheduler look like a jump on a fast clock: read again. */
void ns_clock_now(ns_engine *e, int64_t *wall, int64_t *mono)
{
	for (int tries = 0; tries < 5; tries++) {
		int64_t before = ns_clock_mono_ms(e->o.clock);
		*wall = ns_clock_wall_ms(e->o.clock);
		*mono = ns_clock_mono_ms(e->o.clock);
		if (*mono - before < CLOCK_TORN_MS)
			return;
	}
}

/* Wall and monotonic time must run side by side; after a jump nothing automatic happens for a minute. */
bool ns_clock_watch(ns_engine *e)
{
	int64_t wall, mono;
	ns_clock_now(e, &wall, &mono);
	int64_t offset = wall - mono, before = atomic_exchange(&e->clock_offset, offset);
	if (before && llabs(offset - before) > CLOCK_JUMP_MS) {
		atomic_store(&e->clock_insane_until, mono + CLOCK_DISTRUST_MS);
		if (offset < before)
			atomic_store(&e->clock_stepped_back, true);
		ns_log(NS_LOG_WARN, "engine", "the wall clock jumped by %lld ms: nothing automatic for a minute", (long long)(offset - before));
	}
	return mono >= atomic_load(&e->clock_insane_until);
}

void ns_clock_stepped_back(ns_engine *e)
{
	ns_err err = {0};
	int64_t now = ns_clock_wall_ms(e->o.clock);
	ns_breakers_rebase(e);
	bool open = ns_store_begin(e->store, &err);
	if (!open || !ns_store_waits_cap(e->store, now + NS_LONGEST_RETRY_MS, now + e->o.cooldown_ms, &err) || !ns_store_commit(e->store, &err)) {
		ns_store_rollback(e->store);
		ns_log(NS_LOG_ERROR, "engine", "after the clock stepped back: %s", err.text);
	}
	ns_engine_work(e);
}

/* A freeze window that opens or closes is said, and shown. Mono time of the next one. */
static int64_t watch_windows(ns_engine *e)
{
	int64_t wall, mono, next = -1;
	ns_clock_now(e, &wall, &mono);
	for (size_t i = 0; i < e->n_clusters; i++) {
		ns_cluster *c = &e->clusters[i];
		char why[160];
		int64_t changes;
		bool frozen = ns_cluster_frozen(c, wall, why, sizeof why, &changes);
		if (changes >= 0)
			next = ns_sooner(next, mono + (changes > wall ? changes - wall : 0));
		if (frozen == c->frozen_before)
			continue;
		c->frozen_before = frozen;
		ns_log_fields(NS_LOG_INFO, "engine", frozen ? "freeze: nothing automatic" : "freeze over", "cluster", c->o.name,
		    frozen ? "why" : NULL, why, NULL);
		ns_engine_dirty(e);
	}
	return next;
}

int64_t ns_timers_run(ns_engine *e)
{
	ns_arena *ar = ns_arena_new();
	ns_clock_watch(e);
	if (atomic_exchange(&e->clock_stepped_back, false))
		ns_clock_stepped_back(e);
	int64_t next = ns_sooner(ns_intake_again(e), ns_sooner(expire_approvals(e, ar), end_cooldowns(e, ar)));
	next = ns_sooner(ns_sooner(next, ns_anchor_timer(e)), ns_sooner(watch_windows(e), ns_undo_timers(e, ar)));
	ns_arena_free(ar);
	return next;
}
