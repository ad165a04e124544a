/* OpenCost's /allocation, read without trusting it: any number can be null, a set can be empty or null, names of special entries hold "__",
 * and a workload that ran only part of the window is charged by the minutes it ran. */
#include "neuroscale/cost/cost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/clock.h"

#define HOUR_MS 3600000LL
#define DAY_MIN 1440.0

void ns_cost_query(const char *base_url, int64_t now_ms, int64_t window_ms, bool before, char *out, size_t cap)
{
	char from[32], to[32];
	int64_t hours = window_ms / HOUR_MS > 0 ? window_ms / HOUR_MS : 1;
	int64_t end = now_ms - now_ms % HOUR_MS - (before ? hours * HOUR_MS : 0);
	size_t n = strlen(base_url);
	while (n && base_url[n - 1] == '/')
		n--;
	ns_time_format(end - hours * HOUR_MS, from);
	ns_time_format(end, to);
	snprintf(out, cap, "%.*s/allocation?window=%s,%s&aggregate=namespace,controller&accumulate=true&includeIdle=true", (int)n, base_url, from, to);
}

/* What one entry of the answer says, before the two windows are put side by side. */
typedef struct entry {
	const char *ns, *kind, *controller; /* "" none */
	double cost, minutes, efficiency;   /* efficiency is weighted by cost while sets are added up */
	bool has_efficiency;
} entry;

typedef struct entries {
	entry *at;
	size_t n, cap;
	double idle;       /* cost of __idle__ */
	double minutes;    /* of the window */
	int64_t start_ms, end_ms;
} entries;

static bool special(const char *name)
{
	return strstr(name, "__") != NULL;
}

static bool same(const entry *a, const char *ns, const char *kind, const char *controller)
{
	return strcmp(a->ns, ns) == 0 && strcmp(a->kind, kind) == 0 && strcmp(a->controller, controller) == 0;
}

/* Entries come sorted or not, in hundreds: a linear look-up is enough, and the order of the answer is kept. */
static entry *find(const entries *e, const char *ns, const char *kind, const char *controller)
{
	for (size_t i = 0; i < e->n; i++)
		if (same(&e->at[i], ns, kind, controller))
			return &e->at[i];
	return NULL;
}

static entry *find_or_add(entries *e, const char *ns, const char *kind, const char *controller)
{
	entry *x = find(e, ns, kind, controller);
	if (x)
		return x;
	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 32;
		e->at = ns_xrealloc(e->at, e->cap * sizeof *e->at);
	}
	x = &e->at[e->n++];
	*x = (entry){.ns = ns, .kind = kind, .controller = controller};
	return x;
}

static void read_window(entries *e, const cJSON *alloc)
{
	int64_t from, to;
	if (!ns_time_parse(ns_json_str(alloc, "window.start", ""), &from) || !ns_time_parse(ns_json_str(alloc, "window.end", ""), &to) || to <= from)
		return;
	if (!e->end_ms || from < e->start_ms)
		e->start_ms = from;
	if (to > e->end_ms)
		e->end_ms = to;
}

static double finite_or(double v, double dflt)
{
	return isfinite(v) ? v : dflt;
}

static void read_allocation(ns_arena *ar, entries *e, const cJSON *alloc)
{
	const cJSON *props = ns_json_get(alloc, "properties");
	const char *name = ns_json_str(alloc, "name", alloc->string ? alloc->string : "");
	const char *ns = ns_json_str(props, "namespace", ""), *kind = ns_json_str(props, "controllerKind", "");
	const char *controller = ns_json_str(props, "controller", "");
	double cost = finite_or(ns_json_num_or(alloc, "totalCost", 0), 0), minutes = finite_or(ns_json_num_or(alloc, "minutes", 0), 0);
	read_window(e, alloc);
	if (strstr(name, "__idle__")) {
		e->idle += cost;
		return;
	}
	/* Servers that leave properties out still key the entry NAMESPACE/KIND:NAME. */
	char *split = ns_arena_strdup(ar, name), *slash = strchr(split, '/');
	if (!*ns && slash) {
		*slash = '\0';
		ns = split;
		char *colon = strchr(slash + 1, ':');
		if (colon && !*controller) {
			*colon = '\0';
			kind = slash + 1;
			controller = colon + 1;
		}
	}
	if (!*ns || special(ns))
		ns = "";
	if (!*controller || special(controller) || special(kind)) {
		kind = "";
		controller = "other";
	}
	entry *x = find_or_add(e, ns_arena_strdup(ar, ns), ns_arena_strdup(ar, kind), ns_arena_strdup(ar, controller));
	const cJSON *eff = ns_json_get(alloc, "totalEfficiency");
	if (cJSON_IsNumber(eff) && isfinite(eff->valuedouble)) {
		double weight = x->cost + cost;
		x->efficiency = x->has_efficiency && weight > 0 ? (x->efficiency * x->cost + eff->valuedouble * cost) / weight : eff->valuedouble;
		x->has_efficiency = true;
	}
	x->cost += cost > 0 ? cost : 0;
	x->minutes = minutes > x->minutes ? minutes : x->minutes;
}

static bool read_answer(ns_arena *ar, entries *e, const cJSON *answer, ns_err *err)
{
	const cJSON *data = ns_json_get(answer, "data");
	int64_t code = ns_json_int_or(answer, "code", 200);
	const char *message = ns_json_str(answer, "message", "");
	if (!cJSON_IsObject(answer))
		return ns_fail(err, NS_E_INVALID, "OpenCost: the answer is no JSON object");
	if (code != 200)
		return ns_fail(err, NS_E_FAILED, "OpenCost: %s", *message ? message : "the query failed");
	if (!cJSON_IsArray(data))
		return ns_fail(err, NS_E_INVALID, "OpenCost: the answer has no list of allocation sets");
	ns_json_each(set, data)
	{
		if (!cJSON_IsObject(set))
			continue;
		ns_json_each(alloc, set)
			if (cJSON_IsObject(alloc))
				read_allocation(ar, e, alloc);
	}
	e->minutes = e->end_ms > e->start_ms ? (double)(e->end_ms - e->start_ms) / 60000.0 : 0;
	return true;
}

/* Per day, by the time it ran. Less than ten minutes of data is no rate: then the window counts. */
static double per_day(double cost, double minutes, double window_minutes)
{
	double base = minutes >= 10 ? minutes : window_minutes;
	return base > 0 ? cost / base * DAY_MIN : 0;
}

static int by_cost(const void *a, const void *b)
{
	const ns_cost_row *x = a, *y = b;
	if (x->per_day != y->per_day)
		return x->per_day < y->per_day ? 1 : -1;
	int c = strcmp(x->ns, y->ns);
	return c ? c : strcmp(x->controller, y->controller);
}

ns_cost_report *ns_cost_report_parse(ns_arena *ar, const cJSON *now, const cJSON *before, ns_err *err)
{
	entries a = {0}, b = {0};
	ns_cost_report *r = NULL;
	if (read_answer(ar, &a, now, err) && (!before || read_answer(ar, &b, before, err))) {
		r = ns_arena_alloc(ar, sizeof *r);
		r->rows = ns_arena_alloc(ar, (a.n ? a.n : 1) * sizeof *r->rows);
		r->window_start_ms = a.start_ms;
		r->window_end_ms = a.end_ms;
		r->idle_per_day = per_day(a.idle, a.minutes, a.minutes);
		for (size_t i = 0; i < a.n; i++) {
			const entry *x = &a.at[i], *old = find(&b, x->ns, x->kind, x->controller);
			ns_cost_row *row = &r->rows[r->n_rows++];
			*row = (ns_cost_row){.ns = x->ns, .controller_kind = x->kind, .controller = x->controller, .minutes = x->minutes};
			row->per_day = per_day(x->cost, x->minutes, a.minutes);
			row->per_day_before = old ? per_day(old->cost, old->minutes, b.minutes) : 0;
			row->efficiency = x->has_efficiency ? x->efficiency : -1;
			r->total_per_day += row->per_day;
		}
		/* What is gone now was paid before all the same. */
		for (size_t i = 0; i < b.n; i++)
			r->total_before += per_day(b.at[i].cost, b.at[i].minutes, b.minutes);
		qsort(r->rows, r->n_rows, sizeof *r->rows, by_cost);
	}
	free(a.at);
	free(b.at);
	return r;
}

bool ns_cost_is_spike(const ns_cost_row *row, const ns_cost_rule *rule)
{
	/* Without a figure for the window before (new, or OpenCost had no data) there is nothing to compare with; under an hour is no trend. */
	return row->per_day_before > 0 && row->minutes >= 60 && row->per_day >= rule->min_per_day && row->per_day >= rule->min_ratio * row->per_day_before;
}
