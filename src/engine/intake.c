/* From the detector to the store. The detector's thread only queues; the engine's thread writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/text.h"

enum {
	AGAIN_MS = 5000,
	ORPHAN_LOOK_MS = 30000,
	ORPHAN_MS = 300000, /* longer than any rule takes to speak, or to let go */
};

static ns_intake *intake_new(int type)
{
	ns_intake *in = ns_xcalloc(1, sizeof *in);
	in->type = type;
	in->arena = ns_arena_new();
	return in;
}

void ns_intake_free(void *item)
{
	ns_intake *in = item;
	if (in) {
		ns_arena_free(in->arena);
		free(in);
	}
}

static void push(ns_cluster *c, ns_intake *in)
{
	in->cluster = c;
	if (ns_queue_push(c->e->intake, in))
		ns_wake_ring(c->e->wake);
	else
		ns_intake_free(in); /* closed: we are stopping */
}

/* What is left out by the configuration; what has no namespace (a node, the cluster) never is. */
static bool counts(const ns_cluster *c, const ns_alert *a)
{
	return !c->o.namespaces || !*a->target.ns || ns_listed(a->target.ns, c->o.namespaces);
}

static void on_alert(void *ctx, const ns_alert *a)
{
	if (!counts(ctx, a))
		return;
	ns_intake *in = intake_new(NS_IN_ALERT);
	in->alert = ns_alert_copy(in->arena, a);
	push(ctx, in);
}

static void on_recovered(void *ctx, const char *identity, int64_t at_ms)
{
	ns_intake *in = intake_new(NS_IN_RECOVERED);
	in->identity = ns_arena_strdup(in->arena, identity);
	in->at_ms = at_ms;
	push(ctx, in);
}

static void on_link(void *ctx)
{
	push(ctx, intake_new(NS_IN_LINK));
}

static void on_cost(void *ctx)
{
	ns_cluster *c = ctx;
	atomic_store(&c->cost_read_ms, ns_clock_wall_ms(c->e->o.clock));
	ns_engine_dirty(c->e);
}

const ns_detector_sink ns_engine_sink = {.alert = on_alert, .recovered = on_recovered, .link = on_link, .cost = on_cost};

static ns_active **find_active(ns_engine *e, const char *identity)
{
	ns_active **p = &e->active;
	while (*p && strcmp((*p)->identity, identity) != 0)
		p = &(*p)->next;
	return p;
}

static void drop_active(ns_engine *e, const char *identity)
{
	ns_active **p = find_active(e, identity), *a = *p;
	if (!a)
		return;
	*p = a->next;
	ns_arena_free(a->arena);
	free(a);
}

void ns_active_free(ns_engine *e)
{
	while (e->active)
		drop_active(e, e->active->identity);
	for (ns_intake *in = e->deferred, *next; in; in = next) {
		next = in->next;
		ns_intake_free(in);
	}
	e->deferred = NULL;
}

/* Takes the intake's arena. */
static ns_active *keep_active(ns_engine *e, ns_intake *in, const char *identity)
{
	drop_active(e, identity);
	ns_active *a = ns_xcalloc(1, sizeof *a);
	a->arena = in->arena;
	a->alert = in->alert;
	a->identity = ns_arena_strdup(a->arena, identity);
	a->next = e->active;
	e->active = a;
	in->arena = NULL;
	return a;
}

static bool refresh(ns_step *s, const ns_alert *a)
{
	bool news = strcmp(s->inc.reason, a->reason) != 0 || strcmp(s->inc.message, a->message) != 0;
	return ns_store_incident_refresh(s->e->store, s->inc.id, a, &s->err) && (!news || ns_step_fact(s, "alert", ns_alert_to_json(a)));
}

static bool open_new(ns_step *s, const ns_alert *a)
{
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "reason", a->reason);
	ns_json_put_str(detail, "identity", s->inc.identity);
	if (!ns_step_fact(s, "alert", ns_alert_to_json(a)) || !ns_step_audit(s, "detector", "detected", detail, false))
		return false;
	if (a->kind == NS_KIND_STORM) /* the one summary that replaces the flood: it is for a person from the start */
		return ns_step_move(s, NS_ST_MANUAL_REVIEW, NS_VERDICT_NONE, "detector", a->message);
	return ns_step_job(s, "analyze", 0);
}

/* Opens or refreshes the incident of an alert. False when it could not be recorded. */
static bool take_alert(ns_engine *e, const ns_alert *a)
{
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	int64_t id = 0;
	bool is_new = false, open = ns_store_begin(e->store, &err), ok = open;
	ns_step s = {.e = e, .ar = ar, .open = open};
	ok = ok && ns_store_incident_open(e->store, a, &id, &is_new, &s.err) && ns_store_incident_get(e->store, ar, id, &s.inc, &s.err);
	ok = ok && (is_new ? open_new(&s, a) : refresh(&s, a)) && ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		ns_log(NS_LOG_ERROR, "engine", "an alert could not be recorded: %s", open ? s.err.text : err.text);
		ns_engine_store_says(e, open ? &s.err : &err);
	} else if (is_new) {
		char line[24], prefix[80];
		snprintf(line, sizeof line, "%lld", (long long)id);
		ns_log_fields(NS_LOG_INFO, "detector", "alert", "incident", line, "cluster", a->target.cluster, "kind", ns_kind_get(a->kind)->name, "ns", a->target.ns, "workload",
		    a->target.name, "reason", a->reason, "message", a->message, NULL);
		ns_engine_say(e, NS_LOG_WARN, "#%s %s%s/%s %s: %s", line, ns_cluster_prefix(e, a->target.cluster, prefix), a->target.ns, a->target.name, ns_kind_get(a->kind)->title, a->message);
		ns_agent_count(e, NS_AG_DETECTOR);
		NS_POINT("detected", id);
	}
	ns_arena_free(ar);
	return ok;
}

static bool storm_now(ns_cluster *c)
{
	ns_link link;
	ns_cluster_link(c, &link);
	return link.storm;
}

/* While the brake is on the flood is kept aside: what is open stays, what is new waits behind the one summary. */
static bool held_by_storm(ns_engine *e, ns_arena *ar, const ns_active *a)
{
	ns_incident inc;
	return a->alert->kind != NS_KIND_STORM && storm_now(ns_cluster_find(e, a->alert->target.cluster)) && !ns_store_incident_by_identity(e->store, ar, a->identity, &inc, NULL);
}

void ns_active_reopen(ns_engine *e)
{
	for (ns_active *a = e->active; a; a = a->next) {
		ns_arena *ar = ns_arena_new();
		ns_incident inc;
		bool known = ns_store_incident_by_identity(e->store, ar, a->identity, &inc, NULL);
		if (!known && !held_by_storm(e, ar, a))
			take_alert(e, a->alert);
		ns_arena_free(ar);
	}
}

static bool withdraw_approval(ns_step *s, const char *why)
{
	ns_approval a;
	if (!ns_store_approval_latest(s->e->store, s->ar, s->inc.id, &a, NULL) || a.state != NS_APPR_PENDING)
		return true;
	return ns_store_approval_decide(s->e->store, a.id, NS_APPR_WITHDRAWN, NULL, "engine", "engine", why, &s->err);
}

/* Recovery withdraws what nobody acted on yet, frees what holds its identity, and is the verifier's business otherwise. */
static bool take_recovery(ns_engine *e, const char *identity)
{
	ns_arena *ar = ns_arena_new();
	ns_incident inc;
	ns_step s = {0};
	bool found = ns_store_incident_by_identity(e->store, ar, identity, &inc, &s.err), ok = found || s.err.code == NS_E_NOTFOUND;
	if (found && (ok = ns_step_begin(&s, e, ar, inc.id))) {
		ns_state st = s.inc.state;
		if (ns_state_get(st)->terminal)
			ok = ns_state_get(st)->closed || ns_step_move(&s, NS_ST_RESOLVED, s.inc.verdict, "detector", "it recovered");
		else if (ns_state_may(st, NS_ST_WITHDRAWN))
			ok = withdraw_approval(&s, "it recovered") && ns_store_jobs_drop(e->store, s.inc.id, &s.err) &&
			    ns_step_move(&s, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "detector", "it recovered before anybody acted");
		ok = ok && ns_step_commit(&s);
		if (ok && ns_state_get(st)->terminal && !ns_state_get(st)->closed)
			ns_draft_after(e, ar, &inc, "it recovered");
	}
	if (!ok) {
		ns_step_abandon(&s);
		ns_log(NS_LOG_ERROR, "engine", "a recovery could not be recorded: %s", s.err.text);
	}
	ns_arena_free(ar);
	return ok;
}

/* Without a screen the log is all there is: one line when the cluster is lost, one when it is back. */
static void say_link(ns_cluster *c)
{
	ns_link link;
	ns_cluster_link(c, &link);
	if (link.live && link.synced && c->link_said != NS_LINK_UP) {
		ns_log(NS_LOG_INFO, "detector", "watching %s: %lld pods, %lld workloads%s%s", c->o.name, (long long)link.pods, (long long)link.workloads,
		    *link.degraded ? "; " : "", link.degraded);
		c->link_said = NS_LINK_UP;
	} else if (!link.live && strstr(link.down_why, ": ") && c->link_said != NS_LINK_DOWN) { /* "watch of X: why"; without a why it only begins */
		ns_log(NS_LOG_WARN, "detector", "%s is not watched, trying again: %s", c->o.name, link.down_why);
		c->link_said = NS_LINK_DOWN;
	}
}

static bool handle(ns_engine *e, ns_intake *in)
{
	bool ok = true;
	if (in->type == NS_IN_ALERT) {
		char identity[1024];
		ns_identity(in->alert, identity, sizeof identity);
		ns_active *a = in->arena ? keep_active(e, in, identity) : *find_active(e, identity); /* the arena went with the first try */
		ns_arena *ar = ns_arena_new();
		if (a && !held_by_storm(e, ar, a))
			ok = take_alert(e, a->alert);
		ns_arena_free(ar);
	} else if (in->type == NS_IN_RECOVERED) {
		drop_active(e, in->identity);
		ok = take_recovery(e, in->identity);
	} else {
		ns_cluster *c = in->cluster;
		bool storm = storm_now(c);
		say_link(c);
		if (c->storm_before && !storm)
			ns_active_reopen(e);
		if (storm != c->storm_before)
			ns_log_fields(NS_LOG_WARN, "engine", storm ? "storm brake on: nothing automatic runs" : "storm brake off", "cluster", c->o.name, NULL);
		c->storm_before = storm;
		ns_engine_dirty(e);
	}
	return ok;
}

/* A store in trouble (a full disk) loses no news: they wait, in their order, until they can be recorded. */
static void defer(ns_engine *e, ns_intake *in)
{
	ns_intake **end = &e->deferred;
	while (*end)
		end = &(*end)->next;
	in->next = NULL;
	*end = in;
}

void ns_intake_handle(ns_engine *e, ns_intake *in)
{
	if (e->deferred || !handle(e, in))
		defer(e, in);
	else
		ns_intake_free(in);
}

int64_t ns_intake_again(ns_engine *e)
{
	while (e->deferred) {
		ns_intake *in = e->deferred;
		if (!handle(e, in))
			return ns_clock_mono_ms(e->o.clock) + AGAIN_MS;
		e->deferred = in->next;
		ns_intake_free(in);
	}
	return -1;
}

/* Nobody alerts for them any more, and nobody will say that they recovered: what a former engine left open and what healed while no engine
 * ran. They are over when the workload has been seen healthy (or is gone) for long enough that any rule would have spoken. */
static bool healed(ns_engine *e, const ns_incident *inc, int64_t wall)
{
	ns_health h;
	ns_link link;
	ns_cluster_link(ns_cluster_find(e, inc->target.cluster), &link);
	if (!link.live || !link.synced || wall - link.since_ms < ORPHAN_MS)
		return false;
	if (inc->kind == NS_KIND_STORM)
		return !link.storm;
	if (inc->kind == NS_KIND_COST_SPIKE) /* known only from report to report */
		return false;
	ns_cluster_health(e, &inc->target, inc->kind, &h);
	return h.live && (!h.found || (h.healthy && h.healthy_since_ms && wall - h.healthy_since_ms >= ORPHAN_MS));
}

int64_t ns_orphans_recover(ns_engine *e, ns_arena *ar, const ns_incident *list, size_t n)
{
	int64_t wall, mono;
	bool any = false;
	ns_clock_now(e, &wall, &mono);
	bool due = mono >= e->orphans_at;
	for (size_t i = 0; i < n; i++) {
		if (list[i].closed_ms || list[i].state == NS_ST_EXECUTING || list[i].state == NS_ST_VERIFYING || list[i].state == NS_ST_UNDOING || *find_active(e, list[i].identity))
			continue;
		if (!ns_cluster_find(e, list[i].target.cluster))
			continue; /* nobody watches it: it stays as it is */
		if (due && healed(e, &list[i], wall))
			take_recovery(e, list[i].identity);
		else
			any = true;
	}
	if (due)
		e->orphans_at = mono + ORPHAN_LOOK_MS;
	return any ? e->orphans_at : -1;
}
