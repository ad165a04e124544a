/* The detector as a service: rows of the watch come in and change the cache, the rules look at what changed, and what they find goes out to the
 * sink once no lock is held. `mu` is held for one object, or for one round of rules: microseconds. Files and their jobs: detector_priv.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/thread.h"

/* ---- making and freeing ---- */

ns_detector *ns_detector_new(const ns_detector_opts *o, ns_err *err)
{
	if (!o->cluster || !*o->cluster) {
		ns_fail(err, NS_E_USAGE, "the detector needs the name of its cluster");
		return NULL;
	}
	ns_detector *d = ns_xcalloc(1, sizeof *d);
	d->cluster = ns_xstrdup(o->cluster);
	d->opencost_url = ns_xstrdup(o->opencost_url ? o->opencost_url : "");
	d->cfg = o->cfg;
	d->clock = o->clock ? o->clock : ns_clock_real();
	d->stats = o->stats;
	d->cost_every_ms = o->cost_every_ms > 0 ? o->cost_every_ms : 15 * 60000;
	d->cost_window_ms = o->cost_window_ms > 0 ? o->cost_window_ms : 24 * 3600000;
	d->cost_rule.min_ratio = o->cost_rule.min_ratio > 0 ? o->cost_rule.min_ratio : 1.3;
	d->cost_rule.min_per_day = o->cost_rule.min_per_day > 0 ? o->cost_rule.min_per_day : 5;
	d->cost_rule.budget_per_day = o->cost_rule.budget_per_day;
	d->namespaces = o->namespaces && *o->namespaces ? o->namespaces : NULL;
	d->storm_ratio = o->storm_ratio > 0 ? o->storm_ratio : 0.30;
	d->storm_min = o->storm_min > 0 ? o->storm_min : 5;
	d->storm_min_nodes = o->storm_min_nodes > 0 ? o->storm_min_nodes : 2;
	d->secrets = o->tls_secrets;
	d->rows[DT_ROW_SECRETS].absent = !d->secrets;
	d->sink = o->sink;
	d->wake = ns_wake_new();
	d->round = ns_arena_new();
	dt_cache_init(d);
	d->next_due = d->orphans_due = -1;
	d->link_since_ms = ns_clock_wall_ms(d->clock);
	pthread_mutex_init(&d->mu, NULL);
	return d;
}

void ns_detector_free(ns_detector *d)
{
	if (!d)
		return;
	dt_cache_free(d);
	ns_arena_free(d->cost_arena);
	ns_arena_free(d->round);
	ns_wake_free(d->wake);
	pthread_mutex_destroy(&d->mu);
	free(d->say);
	free(d->cluster);
	free(d->opencost_url);
	free(d);
}

/* ---- the link ---- */

static bool in_place(const dt_link *l)
{
	return l->live || l->absent;
}

/* Rules start once every row was listed or is known not to be there: an owner chain can then be confirmed, or not, for good. */
static void start(ns_detector *d)
{
	dt_resolve_orphans(d); /* nobody need be waited for: all owners there are were listed */
	d->started = true;
	dt_each(dt_obj, o, &d->objs)
		dt_count_job(d, o);
	dt_resolve_reports(d);
	dt_place_things(d, ns_clock_wall_ms(d->clock));
	dt_each(dt_work, w, &d->works)
		dt_mark(d, w);
}

static void update_link(ns_detector *d)
{
	bool live = true, synced = true;
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		live &= in_place(&d->rows[i]);
		synced &= d->rows[i].listed || d->rows[i].absent;
	}
	if (synced && !d->started)
		start(d);
	if (synced != d->synced)
		dt_say_link(d);
	d->synced = synced;
	live &= synced;
	if (live == d->live)
		return;
	d->live = live;
	d->link_since_ms = ns_clock_wall_ms(d->clock);
	if (live)
		dt_went_live(d);
	dt_say_link(d);
}

static void row_down(ns_detector *d, dt_row row, const ns_err *why)
{
	dt_link *l = &d->rows[row];
	bool absent = dt_rows[row].optional && (why->code == NS_E_NOTFOUND || why->code == NS_E_DENIED);
	l->live = false;
	l->why = *why;
	if (absent != l->absent)
		dt_say_link(d);
	l->absent = absent;
	if (!absent)
		dt_say_link(d);
}

/* why, when there is one, says in which namespaces only. */
static void row_live(ns_detector *d, dt_row row, const ns_err *why)
{
	dt_link *l = &d->rows[row];
	if (l->absent || l->why.code || why)
		dt_say_link(d);
	l->live = true;
	l->absent = false;
	ns_err_clear(&l->why);
	if (why)
		l->why = *why;
}

/* ---- what the watch says ---- */

void dt_on_event(void *detector, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	ns_detector *d = detector;
	if (type == NS_WATCH_DELETED)
		dt_row_drop(d, (dt_row)row, obj);
	else if (type == NS_WATCH_ADDED || type == NS_WATCH_MODIFIED)
		dt_row_put(d, (dt_row)row, obj);
	pthread_mutex_lock(&d->mu);
	dt_link *l = &d->rows[row];
	if (type != NS_WATCH_DOWN)
		d->last_event_ms = ns_clock_wall_ms(d->clock);
	if (type == NS_WATCH_REPLACE_BEGIN) {
		l->mark++;
	} else if (type == NS_WATCH_REPLACE_END) {
		dt_row_sweep(d, (dt_row)row);
		l->listed = true;
	} else if (type == NS_WATCH_LIVE) {
		row_live(d, (dt_row)row, why);
	} else if (type == NS_WATCH_DOWN) {
		row_down(d, (dt_row)row, why);
	}
	if (type == NS_WATCH_REPLACE_END || type == NS_WATCH_LIVE || type == NS_WATCH_DOWN)
		update_link(d);
	pthread_mutex_unlock(&d->mu);
}

/* ---- a round ---- */

static void deliver(ns_detector *d)
{
	const ns_detector_sink *s = &d->sink;
	for (size_t i = 0; i < d->n_say; i++) {
		const dt_say *x = &d->say[i];
		switch (x->what) {
		case DT_SAY_LINK:
			if (s->link)
				s->link(s->ctx);
			break;
		case DT_SAY_ALERT:
			if (s->alert)
				s->alert(s->ctx, x->alert);
			break;
		case DT_SAY_RECOVERED:
			if (s->recovered)
				s->recovered(s->ctx, x->identity, x->at_ms);
			break;
		case DT_SAY_COST:
			if (s->cost)
				s->cost(s->ctx);
			break;
		}
	}
	d->n_say = 0;
}

void dt_on_tick(void *detector, int64_t *next_deadline_mono_ms)
{
	ns_detector *d = detector;
	ns_wake_clear(d->wake);
	pthread_mutex_lock(&d->mu);
	if (d->cost_read && d->started) {
		dt_apply_cost(d);
		d->cost_read = false;
	}
	dt_judge(d);
	*next_deadline_mono_ms = d->started ? ns_sooner(ns_sooner(d->next_due, d->orphans_due), d->next_sweep) : -1;
	pthread_mutex_unlock(&d->mu);
	deliver(d);
	if (ns_arena_used(d->round)) {
		ns_arena_free(d->round);
		d->round = ns_arena_new();
	}
}

void ns_detector_run(void *detector, ns_cancel *cancel)
{
	ns_detector *d = detector;
	ns_err err = {0};
	ns_services *helpers = ns_services_new();
	ns_service cost = {.name = "opencost", .run = dt_cost_run, .ctx = d};
	ns_watch_opts o = {.cfg = d->cfg, .clock = d->clock, .rows = dt_rows, .n_rows = DT_ROW_COUNT - !d->secrets, .stats = d->stats, .on_event = dt_on_event,
	    .on_tick = dt_on_tick, .wake_fd = ns_wake_fd(d->wake), .namespaces = d->namespaces, .ctx = d};
	if (*d->opencost_url && !ns_services_start(helpers, &cost, &err))
		dt_set_cost(d, NULL, NULL, err.text);
	if (!ns_watch_run(&o, cancel, &err)) {
		/* It cannot heal by itself: the link says why, and nothing more comes. */
		int64_t never;
		for (size_t i = 0; i < o.n_rows; i++)
			dt_on_event(d, i, NS_WATCH_DOWN, NULL, &err);
		dt_on_tick(d, &never);
		while (ns_cancel_sleep(cancel, ns_clock_real(), 3600000))
			;
	}
	ns_services_stop(helpers);
}

/* ---- what others ask ---- */

static dt_work *asked_for(ns_detector *d, const ns_workload *w)
{
	dt_work *x = dt_work_find(d, w->ns, w->kind, w->name);
	bool there = x && (x->obj || x->n_pods || x->n_things || x->node);
	/* Another object under the same name is another object. */
	bool same = there && (!w->uid || !*w->uid || strcmp(w->uid, x->uid) == 0);
	return same ? x : NULL;
}

static int64_t since_both(int64_t a, int64_t b)
{
	return a && b ? (a > b ? a : b) : 0;
}

static void fill_counts(const dt_work *x, ns_health *out)
{
	const dt_obj *o = x->obj;
	out->restarts = x->restarts;
	if (o && o->kind <= DT_DAEMONSET) {
		out->generation = o->generation;
		out->observed_generation = o->observed;
		out->replicas = o->replicas;
		out->ready = o->ready;
		out->updated = o->updated;
		return;
	}
	for (size_t i = 0; i < x->n_pods; i++) {
		out->replicas += !x->pods[i]->deleting;
		out->ready += !x->pods[i]->deleting && x->pods[i]->ready;
	}
	out->updated = out->replicas;
}

void ns_detector_health(ns_detector *d, const ns_workload *w, ns_kind kind, ns_health *out)
{
	*out = (ns_health){0};
	pthread_mutex_lock(&d->mu);
	out->live = d->live;
	dt_work *x = asked_for(d, w);
	if (kind == NS_KIND_STORM) {
		out->found = true;
		out->healthy = d->started && !d->storm;
	} else if (x) {
		out->found = true;
		/* What makes no workload unhealthy by itself is looked at only for its own incidents. */
		out->healthy_since_ms = x->k && !(dt_health_kinds & DT_BIT(kind)) ? since_both(x->healthy_ms, x->k[kind].clear_ms) : x->healthy_ms;
		out->healthy = out->healthy_since_ms != 0;
		out->last_failure_ms = x->last_failure_ms;
		out->worst_ttf_ms = x->worst_ttf_ms;
		fill_counts(x, out);
		if (!out->healthy)
			ns_copy(out->reason, sizeof out->reason, *x->reason ? x->reason : ns_kind_get(kind)->title);
	}
	pthread_mutex_unlock(&d->mu);
}

/* " only in shop, web" of a row that is watched in some namespaces, NULL of any other. */
static const char *narrowed(const dt_link *l)
{
	return l->live && l->why.code == NS_E_DENIED ? strstr(l->why.text, " only in ") : NULL;
}

/* "only in shop, web: pods, deployments", once for each set of namespaces. */
static void say_narrowed(const ns_detector *d, ns_buf *out)
{
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		const char *where = narrowed(&d->rows[i]), *other;
		int k = 0;
		while (where && k < i && ((other = narrowed(&d->rows[k])) == NULL || strcmp(other, where) != 0))
			k++;
		if (!where || k < i)
			continue;
		ns_buf_printf(out, "%s%s: %s", out->len ? "; " : "", where + 1, dt_rows[i].name);
		for (k = i + 1; k < DT_ROW_COUNT; k++)
			if ((other = narrowed(&d->rows[k])) != NULL && strcmp(other, where) == 0)
				ns_buf_printf(out, ", %s", dt_rows[k].name);
	}
}

static void fill_words(const ns_detector *d, ns_link *out)
{
	ns_buf denied = NS_BUF_INIT;
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		const dt_link *l = &d->rows[i];
		if (!in_place(l) && l->why.code && !*out->down_why)
			ns_copy(out->down_why, sizeof out->down_why, l->why.text);
		/* What is not installed is no loss; what we may not see is. */
		if (l->absent && l->why.code == NS_E_DENIED)
			ns_buf_printf(&denied, "%s%s", denied.len ? ", " : "may not watch ", dt_rows[i].name);
	}
	if (!d->live && !*out->down_why)
		ns_copy(out->down_why, sizeof out->down_why, d->synced ? "the watch is being opened again" : "the first list is not complete");
	say_narrowed(d, &denied);
	ns_copy(out->degraded, sizeof out->degraded, ns_buf_str(&denied));
	ns_buf_free(&denied);
}

void ns_detector_link(ns_detector *d, ns_link *out)
{
	*out = (ns_link){0};
	pthread_mutex_lock(&d->mu);
	out->live = d->live;
	out->synced = d->synced;
	out->last_event_ms = d->last_event_ms;
	out->since_ms = d->link_since_ms;
	out->pods = (int64_t)d->pods.n;
	out->workloads = d->n_counted;
	out->unhealthy_workloads = d->n_unhealthy;
	out->nodes = (int64_t)d->nodes.n;
	out->nodes_unhealthy = (int64_t)d->n_down;
	out->storm = d->storm;
	ns_copy(out->storm_why, sizeof out->storm_why, d->storm_why);
	fill_words(d, out);
	pthread_mutex_unlock(&d->mu);
}

ns_cost_report *ns_detector_cost(ns_detector *d, ns_arena *ar, char *err_text, size_t cap)
{
	ns_cost_report *r = NULL;
	pthread_mutex_lock(&d->mu);
	if (err_text && cap)
		ns_copy(err_text, cap, d->cost_error);
	if (d->cost) {
		r = ns_arena_alloc(ar, sizeof *r);
		*r = *d->cost;
		r->rows = ns_arena_alloc(ar, (r->n_rows + 1) * sizeof *r->rows);
		for (size_t i = 0; i < r->n_rows; i++) {
			r->rows[i] = d->cost->rows[i];
			r->rows[i].ns = ns_arena_strdup(ar, r->rows[i].ns);
			r->rows[i].controller_kind = ns_arena_strdup(ar, r->rows[i].controller_kind);
			r->rows[i].controller = ns_arena_strdup(ar, r->rows[i].controller);
		}
	}
	pthread_mutex_unlock(&d->mu);
	return r;
}

bool ns_detector_workload_uid(ns_detector *d, const char *ns, const char *kind, const char *name, char uid[65])
{
	ns_workload w = {.ns = ns, .kind = kind, .name = name, .uid = ""};
	pthread_mutex_lock(&d->mu);
	dt_work *x = asked_for(d, &w);
	if (x)
		ns_copy(uid, 65, x->uid);
	pthread_mutex_unlock(&d->mu);
	return x && *uid;
}
