/* A stand-in for OpenCost: /opencost/allocation. What a workload costs is replicas x requests x price. A window that ends in the current
 * or the last full hour is answered at today's rate, so that a spike is seen when it starts and a scale-down when it is done; older windows
 * show the script's first replica count. (Real data would lag by hours of a clock that here runs for minutes.) */
#include "http_priv.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double cpu_hour = 0.031611, gib_hour = 0.004237;
enum { HOUR_MS = 3600 * 1000, IDLE_PERCENT = 22 };

typedef struct window {
	int64_t from, until; /* wall */
} window;

static bool parse_window(const ns_sim *s, const char *text, window *w)
{
	static const struct {
		const char *name;
		int days, back;
	} words[] = {{"today", 1, 0}, {"yesterday", 1, 1}, {"week", 7, 0}, {"lastweek", 7, 7}, {"month", 30, 0}, {"lastmonth", 30, 30}};
	const int64_t now = s->t0_wall + sim_now(s), day = 24LL * HOUR_MS;
	char a[40], unit, junk;
	long n;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(text, words[i].name)) {
			w->until = (now / day + 1 - words[i].back) * day;
			w->from = w->until - words[i].days * day;
			return true;
		}
	const char *comma = strchr(text, ',');
	if (comma && (size_t)(comma - text) < sizeof a) {
		snprintf(a, sizeof a, "%.*s", (int)(comma - text), text);
		if (ns_time_parse(a, &w->from) && ns_time_parse(comma + 1, &w->until))
			return w->until > w->from;
		w->from = strtoll(a, NULL, 10) * 1000;
		w->until = strtoll(comma + 1, NULL, 10) * 1000;
		return w->from > 0 && w->until > w->from;
	}
	if (sscanf(text, "%ld%c%c", &n, &unit, &junk) != 2 || n <= 0 || !strchr("mhdw", unit))
		return false;
	int64_t size = unit == 'm' ? 60000 : unit == 'h' ? HOUR_MS : day, span = unit == 'w' ? 7 * day : size;
	w->until = (now / size + 1) * size;
	w->from = w->until - n * span;
	return true;
}

static void put_time(cJSON *o, const char *key, int64_t wall)
{
	char text[32];
	ns_time_format(wall, text);
	ns_json_put_str(o, key, text);
}

/* Five decimals, as OpenCost rounds. */
static double round5(double v)
{
	return round(v * 100000) / 100000;
}

typedef struct cost {
	double cpu, ram, cores, bytes, used;
} cost;

static cJSON *allocation(const window *w, const char *name, const cost *c, bool nulls)
{
	double hours = (double)(w->until - w->from) / HOUR_MS, total = c->cpu + c->ram;
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "name", name);
	cJSON_AddObjectToObject(o, "properties");
	cJSON *win = cJSON_AddObjectToObject(o, "window");
	put_time(win, "start", w->from);
	put_time(win, "end", w->until);
	put_time(o, "start", w->from);
	put_time(o, "end", w->until);
	/* clang-format off */
	const struct {
		const char *key;
		double v;
	} numbers[] = {{"minutes", hours * 60}, {"cpuCores", c->cores}, {"cpuCoreRequestAverage", c->cores},
	    {"cpuCoreUsageAverage", c->cores * c->used}, {"cpuCoreHours", c->cores * hours}, {"cpuCost", c->cpu}, {"cpuCostAdjustment", 0},
	    {"gpuCost", 0}, {"networkCost", 0}, {"loadBalancerCost", 0}, {"pvCost", 0}, {"ramBytes", c->bytes},
	    {"ramByteRequestAverage", c->bytes}, {"ramByteUsageAverage", c->bytes * c->used}, {"ramByteHours", c->bytes * hours},
	    {"ramCost", c->ram}, {"ramCostAdjustment", 0}, {"externalCost", 0}, {"sharedCost", 0}, {"totalCost", total}};
	/* clang-format on */
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		ns_json_put_num(o, numbers[i].key, round5(numbers[i].v));
	static const char *const ratios[] = {"cpuEfficiency", "ramEfficiency", "totalEfficiency"};
	for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
		if (nulls && i < 2) /* NaN is written so */
			cJSON_AddNullToObject(o, ratios[i]);
		else
			ns_json_put_num(o, ratios[i], round5(total > 0 ? c->used : 0));
	cJSON_AddNullToObject(o, "pvs");
	cJSON_AddNullToObject(o, "rawAllocationOnly");
	return o;
}

/* OpenCost sees pods on nodes: what waits for a node costs nothing. */
static int scheduled(const sim_wl *wl)
{
	int n = 0;
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next)
		for (const sim_pod *p = rs->pods; p; p = p->next)
			n += p->node >= 0 && p->step != POD_ENDING;
	return n;
}

static cost cost_of(const ns_sim *s, const sim_wl *wl, const window *w)
{
	const int64_t now = s->t0_wall + sim_now(s), latest = now / HOUR_MS * HOUR_MS - HOUR_MS;
	double replicas = wl->work->replicas, hours = (double)(w->until - w->from) / HOUR_MS, gib = 1024.0 * 1024 * 1024;
	if (w->until > latest)
		replicas = scheduled(wl);
	const sim_rs *rs = wl->sets; /* newest first: the requests of the newest template */
	cost c = {.used = (wl->work->used ? wl->work->used : 60) / 100.0};
	c.cores = replicas * (double)rs->cpu_milli / 1000;
	c.bytes = replicas * (double)rs->mem_request;
	c.cpu = c.cores * cpu_hour * hours;
	c.ram = c.bytes / gib * gib_hour * hours;
	return c;
}

static void add(cost *sum, const cost *c)
{
	double before = sum->cpu + sum->ram, more = c->cpu + c->ram;
	sum->used = before + more > 0 ? (sum->used * before + c->used * more) / (before + more) : 0;
	sum->cpu += c->cpu;
	sum->ram += c->ram;
	sum->cores += c->cores;
	sum->bytes += c->bytes;
}

typedef struct bucket {
	char name[300];
	const sim_wl *wl; /* the first one in it */
	int members;
	cost sum;
} bucket;

/* The parts of an aggregate that this stand-in knows, joined as OpenCost joins them. False for an unknown one. */
static bool bucket_name(const sim_wl *wl, const char *aggregate, char out[300])
{
	size_t used = 0;
	for (const char *p = aggregate; *p;) {
		size_t n = strcspn(p, ",");
		char part[200];
		if (n == 9 && !strncmp(p, "namespace", n))
			snprintf(part, sizeof part, "%s", wl->work->ns);
		else if (n == 10 && !strncmp(p, "controller", n))
			snprintf(part, sizeof part, "deployment:%s", wl->work->name);
		else if (n == 10 && !strncmp(p, "deployment", n))
			snprintf(part, sizeof part, "%s", wl->work->name);
		else if (n == 14 && !strncmp(p, "controllerKind", n))
			snprintf(part, sizeof part, "deployment");
		else if (n == 7 && !strncmp(p, "cluster", n))
			snprintf(part, sizeof part, "default-cluster");
		else
			return false;
		used += (size_t)snprintf(out + used, 300 - used, "%s%s", used ? "/" : "", part);
		p += n + (p[n] == ',');
	}
	return used > 0;
}

static void put_properties(cJSON *entry, const bucket *b, const char *aggregate)
{
	cJSON *p = cJSON_GetObjectItem(entry, "properties");
	ns_json_put_str(p, "cluster", "default-cluster");
	if (strstr(aggregate, "controller") || strstr(aggregate, "deployment")) {
		ns_json_put_str(p, "controller", b->wl->work->name);
		ns_json_put_str(p, "controllerKind", "deployment");
	}
	if (strstr(aggregate, "namespace") || b->members == 1)
		ns_json_put_str(p, "namespace", b->wl->work->ns);
}

static cJSON *one_set(const ns_sim *s, const window *w, const char *aggregate, bool idle)
{
	cJSON *set = cJSON_CreateObject();
	bucket *v = ns_xcalloc(s->cluster.n_wls + 1, sizeof *v);
	size_t n = 0;
	cost total = {0};
	for (size_t i = 0; i < s->cluster.n_wls; i++) {
		const sim_wl *wl = &s->cluster.wls[i];
		char name[300];
		size_t at = 0;
		bucket_name(wl, aggregate, name);
		while (at < n && strcmp(v[at].name, name) != 0)
			at++;
		if (at == n) {
			v[n].wl = wl;
			snprintf(v[n++].name, sizeof v->name, "%s", name);
		}
		cost c = cost_of(s, wl, w);
		v[at].members++;
		add(&v[at].sum, &c);
		add(&total, &c);
	}
	for (size_t i = 0; i < n; i++) {
		cJSON *e = allocation(w, v[i].name, &v[i].sum, sim_hash(s, v[i].name) % 4 == 0);
		put_properties(e, &v[i], aggregate);
		cJSON_AddItemToObject(set, v[i].name, e);
	}
	if (idle) {
		cost c = {.cpu = total.cpu * IDLE_PERCENT / 100, .ram = total.ram * IDLE_PERCENT / 100};
		cJSON_AddItemToObject(set, "__idle__", allocation(w, "__idle__", &c, true));
	}
	free(v);
	return set;
}

static int64_t step_of(const char *text)
{
	long n;
	char unit;
	if (!text || sscanf(text, "%ld%c", &n, &unit) != 2 || n <= 0)
		return 0;
	return n * (unit == 'm' ? 60000LL : unit == 'h' ? HOUR_MS : unit == 'd' ? 24LL * HOUR_MS : 0);
}

static void handle_allocation(ns_sim *s, const sim_req *q, sim_resp *r)
{
	const char *text = req_arg(q, "window"), *aggregate = req_arg(q, "aggregate");
	char name[300], why[300];
	window w;
	if (!text || !parse_window(s, text, &w)) {
		snprintf(why, sizeof why, "Invalid 'window' parameter: illegal window: %.200s\n", text ? text : "");
		resp_text(r, 400, why);
		return;
	}
	if (!aggregate || !*aggregate)
		aggregate = "namespace,controller";
	if (s->cluster.n_wls && !bucket_name(&s->cluster.wls[0], aggregate, name)) {
		snprintf(why, sizeof why, "Invalid 'aggregate' parameter: %.200s\n", aggregate);
		resp_text(r, 400, why);
		return;
	}
	int64_t step = req_arg_true(q, "accumulate") ? 0 : step_of(req_arg(q, "step"));
	if (!step || (w.until - w.from) / step > 400)
		step = w.until - w.from;
	cJSON *j = cJSON_CreateObject();
	ns_json_put_int(j, "code", 200);
	ns_json_put_str(j, "status", "success");
	cJSON *data = cJSON_AddArrayToObject(j, "data");
	for (int64_t until = w.until; until > w.from; until -= step) {
		window one = {until - step > w.from ? until - step : w.from, until};
		cJSON_InsertItemInArray(data, 0, one_set(s, &one, aggregate, req_arg_true(q, "includeIdle")));
	}
	resp_json(r, 200, j);
	cJSON_Delete(j);
}

void opencost_handle(ns_sim *s, const sim_req *q, sim_resp *r)
{
	const char *path = q->path + strlen("/opencost");
	if (!strcmp(path, "/healthz"))
		resp_text(r, 200, "");
	else if (!strcmp(path, "/allocation") || !strcmp(path, "/allocation/compute"))
		handle_allocation(s, q, r);
	else
		resp_text(r, 404, "404 page not found\n");
}
