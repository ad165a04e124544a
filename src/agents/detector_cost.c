/* OpenCost on a thread of its own: an answer may take a minute, and the watch must not wait for it. The thread reads, hands the report over and
 * wakes the detector, which applies it to the workloads. */
#include <string.h>
#include <strings.h>

#include "detector_priv.h"

enum { TIMEOUT_MS = 60000, RETRY_MS = 60000 };

void dt_set_cost(ns_detector *d, ns_arena *ar, ns_cost_report *r, const char *error)
{
	pthread_mutex_lock(&d->mu);
	ns_arena *old = NULL;
	if (r) {
		old = d->cost_arena;
		d->cost_arena = ar;
		d->cost = r;
		d->cost_read = true;
		ar = NULL;
	}
	ns_copy(d->cost_error, sizeof d->cost_error, error);
	d->cost_new = true;
	pthread_mutex_unlock(&d->mu);
	ns_arena_free(old);
	ns_arena_free(ar);
	ns_wake_ring(d->wake);
}

static cJSON *fetch(const ns_detector *d, bool before, const ns_cancel *cancel, ns_err *err)
{
	char url[1024];
	ns_cost_query(d->opencost_url, ns_clock_wall_ms(d->clock), d->cost_window_ms, before, url, sizeof url);
	return ns_http_get_json(url, TIMEOUT_MS, cancel, err);
}

static bool read_once(ns_detector *d, const ns_cancel *cancel)
{
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	ns_cost_report *r = NULL;
	cJSON *now = fetch(d, false, cancel, &err), *before = now ? fetch(d, true, cancel, &err) : NULL;
	if (now && before)
		r = ns_cost_report_parse(ar, now, before, &err);
	cJSON_Delete(now);
	cJSON_Delete(before);
	if (ns_cancel_fired(cancel)) {
		ns_arena_free(ar);
		return false;
	}
	dt_set_cost(d, ar, r, r ? "" : err.text);
	return r != NULL;
}

void dt_cost_run(void *detector, ns_cancel *cancel)
{
	ns_detector *d = detector;
	while (!ns_cancel_fired(cancel)) {
		bool ok = read_once(d, cancel);
		if (!ns_cancel_sleep(cancel, d->clock, ok || d->cost_every_ms < RETRY_MS ? d->cost_every_ms : RETRY_MS))
			return;
	}
}

/* OpenCost writes kinds in lower case. */
static const char *kind_named(const char *lower)
{
	for (size_t i = 0; i < DT_KIND_COUNT; i++) {
		const char *name = dt_kind_names[i];
		if (strlen(name) == strlen(lower) && strncasecmp(name, lower, strlen(name)) == 0)
			return name;
	}
	return NULL;
}

void dt_apply_cost(ns_detector *d)
{
	for (size_t i = 0; d->cost && i < d->cost->n_rows; i++) {
		const ns_cost_row *row = &d->cost->rows[i];
		const char *kind = kind_named(row->controller_kind);
		dt_work *w = kind ? dt_work_find(d, row->ns, kind, row->controller) : NULL;
		if (w)
			w->cost_mark = d->cost_round + 1;
		/* What the watch does not know is gone, and cannot be acted on: the report still shows its cost. */
		if (!w || !w->obj)
			continue;
		bool spike = ns_cost_is_spike(row, &d->cost_rule);
		if (spike && !w->spike)
			w->spike_replicas = w->obj->replicas;
		w->spike = spike;
		w->cost_now = row->per_day;
		w->cost_before = row->per_day_before;
		dt_mark(d, w);
	}
	dt_work *all = dt_cluster_work(d);
	all->over_budget = d->cost && d->cost_rule.budget_per_day > 0 && d->cost->total_per_day > d->cost_rule.budget_per_day;
	dt_mark(d, all);
	d->cost_round++;
	dt_each(dt_work, w, &d->works)
		if (w->spike && w->cost_mark != d->cost_round) {
			w->spike = false;
			dt_mark(d, w);
		}
}
