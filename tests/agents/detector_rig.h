/* A detector that is fed by hand on a clock that is moved by hand, and a log of what it tells. */
#ifndef TESTS_AGENTS_DETECTOR_RIG_H
#define TESTS_AGENTS_DETECTOR_RIG_H
#include "support/test.h"

#include <stdatomic.h>

#include "../../src/agents/detector_priv.h"

#define T0 1800000000000

typedef struct rig {
	ns_detector *d;
	ns_clock *clock;
	int64_t wall;
	char log[1 << 16]; /* "+kind Kind/name reason container[n];" "-kind Kind/name;" "~" for the link */
	size_t n;
	char message[512], policy[128], rule[128], uid[65];
	ns_severity severity;
	int links;
} rig;

static void rig_alert(void *ctx, const ns_alert *a)
{
	rig *r = ctx;
	r->n += (size_t)snprintf(r->log + r->n, sizeof r->log - r->n, "+%s %s/%s %s%s%s[%zu];", ns_kind_get(a->kind)->name, a->target.kind, a->target.name,
	    a->reason, *a->container ? " " : "", a->container, a->n_pods);
	snprintf(r->message, sizeof r->message, "%s", a->message);
	snprintf(r->policy, sizeof r->policy, "%s", a->policy);
	snprintf(r->rule, sizeof r->rule, "%s", a->rule);
	snprintf(r->uid, sizeof r->uid, "%s", a->target.uid);
	r->severity = a->severity;
}

static void rig_recovered(void *ctx, const char *identity, int64_t at_ms)
{
	rig *r = ctx;
	/* "test/kind/ns/Kind/name" without cluster and namespace */
	const char *kind = strchr(identity, '/') + 1, *ns = strchr(kind, '/'), *rest = strchr(ns + 1, '/') + 1;
	r->n += (size_t)snprintf(r->log + r->n, sizeof r->log - r->n, "-%.*s %s;", (int)(ns - kind), kind, rest);
}

static void rig_link(void *ctx)
{
	((rig *)ctx)->links++;
}

static inline void rig_open(rig *r, const ns_detector_opts *more)
{
	ns_err err = {0};
	memset(r, 0, sizeof *r);
	ns_detector_opts o = more ? *more : (ns_detector_opts){0};
	r->wall = T0;
	r->clock = ns_clock_manual(T0, 1000000);
	o.cluster = "test";
	o.clock = r->clock;
	o.sink = (ns_detector_sink){.alert = rig_alert, .recovered = rig_recovered, .link = rig_link, .ctx = r};
	r->d = ns_detector_new(&o, &err);
	assert_non_null(r->d);
}

static inline void rig_close(rig *r)
{
	ns_detector_free(r->d);
	ns_clock_free(r->clock);
}

/* One round; the log of it is returned and cleared. */
static inline const char *rig_tick(rig *r)
{
	static char last[1 << 16];
	int64_t next;
	dt_on_tick(r->d, &next);
	memcpy(last, r->log, r->n + 1);
	last[r->n] = '\0';
	r->n = 0;
	*r->log = '\0';
	return last;
}

/* Time passes as the watch loop would let it: a round at each deadline. */
static inline const char *rig_pass(rig *r, int64_t ms)
{
	static char all[1 << 16];
	int64_t next, end = ns_clock_mono_ms(r->clock) + ms;
	size_t n = 0;
	*all = '\0';
	for (;;) {
		dt_on_tick(r->d, &next);
		n += (size_t)snprintf(all + n, sizeof all - n, "%s", r->log);
		r->n = 0;
		*r->log = '\0';
		int64_t now = ns_clock_mono_ms(r->clock), to = next >= 0 && next < end ? next : end;
		if (now >= end)
			return all;
		ns_clock_advance(r->clock, to > now ? to - now : 1);
		r->wall = ns_clock_wall_ms(r->clock);
	}
}

static inline void rig_feed(rig *r, dt_row row, ns_watch_type type, const char *json)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(json, strlen(json), &ns_json_api, &err);
	if (!j)
		fail_msg("%s: %s", err.text, json);
	dt_on_event(r->d, row, type, j, NULL);
	cJSON_Delete(j);
}

static inline void rig_mark(rig *r, dt_row row, ns_watch_type type)
{
	dt_on_event(r->d, row, type, NULL, NULL);
}

static inline void rig_down(rig *r, dt_row row, ns_code code)
{
	ns_err why = {0};
	ns_fail(&why, code, "watch of %s: no", dt_rows[row].name);
	dt_on_event(r->d, row, NS_WATCH_DOWN, NULL, &why);
}

/* Everything listed with what was fed before, and live. */
static inline void rig_sync(rig *r)
{
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		rig_mark(r, (dt_row)i, NS_WATCH_REPLACE_END);
		rig_mark(r, (dt_row)i, NS_WATCH_LIVE);
	}
}

static inline const char *rig_time(rig *r, int64_t ago_ms)
{
	static char t[8][32];
	static int i;
	char *out = t[i++ % 8];
	ns_time_format(r->wall - ago_ms, out);
	return out;
}

/* ---- objects ---- */

typedef struct dep { const char *name; int replicas, ready, updated, total, generation, observed; const char *conditions; bool paused; } dep;

static inline void rig_dep(rig *r, dep x)
{
	char b[4096];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"dep-%s\",\"generation\":%d},\"spec\":{\"replicas\":%d,\"paused\":%s,"
	    "\"selector\":{\"matchLabels\":{\"app\":\"%s\"}}},\"status\":{\"observedGeneration\":%d,\"replicas\":%d,\"readyReplicas\":%d,"
	    "\"updatedReplicas\":%d,\"availableReplicas\":%d,\"conditions\":[%s]}}",
	    x.name, x.name, x.generation ? x.generation : 1, x.replicas, x.paused ? "true" : "false", x.name,
	    x.observed ? x.observed : x.generation ? x.generation : 1, x.total ? x.total : x.replicas, x.ready, x.updated ? x.updated : x.replicas, x.ready,
	    x.conditions ? x.conditions : "{\"type\":\"Progressing\",\"status\":\"True\",\"reason\":\"NewReplicaSetAvailable\"}");
	rig_feed(r, DT_ROW_DEPLOYMENTS, NS_WATCH_MODIFIED, b);
}

static inline void rig_rs(rig *r, const char *app, const char *hash)
{
	char b[2048];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"%s-%s\",\"namespace\":\"shop\",\"uid\":\"rs-%s-%s\",\"labels\":{\"app\":\"%s\",\"pod-template-hash\":\"%s\"},"
	    "\"ownerReferences\":[{\"kind\":\"Deployment\",\"name\":\"%s\",\"uid\":\"dep-%s\",\"controller\":true}]},"
	    "\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"app\":\"%s\",\"pod-template-hash\":\"%s\"}}},\"status\":{}}",
	    app, hash, app, hash, app, hash, app, app, app, hash);
	rig_feed(r, DT_ROW_REPLICASETS, NS_WATCH_ADDED, b);
}

typedef struct pod {
	const char *app, *hash, *id;      /* pod APP-HASH-ID of ReplicaSet APP-HASH */
	const char *phase;                /* Running */
	bool ready, deleting, bare;
	int64_t age_ms, ready_ago_ms;
	const char *containers, *init;    /* status entries */
	const char *scheduled;            /* a PodScheduled condition */
	const char *labels;               /* more or other labels in front */
} pod;

static inline const char *pod_text(rig *r, pod x)
{
	static char b[8192];
	char owner[512] = "", deletion[64] = "";
	if (!x.bare)
		snprintf(owner, sizeof owner, "\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"%s-%s\",\"uid\":\"rs-%s-%s\",\"controller\":true}],", x.app,
		    x.hash, x.app, x.hash);
	if (x.deleting)
		snprintf(deletion, sizeof deletion, "\"deletionTimestamp\":\"%s\",", rig_time(r, 0));
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"%s-%s-%s\",\"namespace\":\"shop\",\"uid\":\"pod-%s-%s-%s\",%s%s\"creationTimestamp\":\"%s\",\"labels\":{%s}},"
	    "\"spec\":{%s},\"status\":{\"phase\":\"%s\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}%s%s],"
	    "\"initContainerStatuses\":[%s],\"containerStatuses\":[%s]}}",
	    x.app, x.hash, x.id, x.app, x.hash, x.id, owner, deletion, rig_time(r, x.age_ms ? x.age_ms : 3600000),
	    x.labels ? x.labels : "\"app\":\"web\",\"pod-template-hash\":\"h1\"", x.scheduled ? "" : "\"nodeName\":\"n1\"", x.phase ? x.phase : "Running",
	    x.ready ? "True" : "False", rig_time(r, x.ready_ago_ms), x.scheduled ? "," : "", x.scheduled ? x.scheduled : "", x.init ? x.init : "",
	    x.containers ? x.containers : "");
	return b;
}

static inline void rig_pod(rig *r, pod x)
{
	rig_feed(r, DT_ROW_PODS, NS_WATCH_MODIFIED, pod_text(r, x));
}

static inline void rig_gone(rig *r, pod x)
{
	rig_feed(r, DT_ROW_PODS, NS_WATCH_DELETED, pod_text(r, x));
}

/* Container status entries; the text lives until the fourth next call. */
__attribute__((format(printf, 1, 2))) static inline const char *c_text(const char *fmt, ...)
{
	static char b[4][1024];
	static int i;
	char *out = b[i++ % 4];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(out, sizeof b[0], fmt, ap);
	va_end(ap);
	return out;
}

static inline const char *c_running(rig *r, bool ready, int restarts, const char *last_reason, int last_exit, int64_t last_ago_ms)
{
	char last[512] = "";
	if (last_reason)
		snprintf(last, sizeof last, "\"lastState\":{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}},", last_exit,
		    last_reason, rig_time(r, last_ago_ms + 20000), rig_time(r, last_ago_ms));
	return c_text("{\"name\":\"app\",\"ready\":%s,\"restartCount\":%d,%s\"state\":{\"running\":{\"startedAt\":\"%s\"}}}", ready ? "true" : "false", restarts,
	    last, rig_time(r, last_ago_ms > 1000 ? last_ago_ms - 1000 : last_reason ? 0 : 3500000));
}

static inline const char *c_waiting(rig *r, const char *reason, const char *message, int restarts, const char *last_reason, int last_exit)
{
	char last[512] = "";
	if (last_reason)
		snprintf(last, sizeof last, "\"lastState\":{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}},", last_exit,
		    last_reason, rig_time(r, 25000), rig_time(r, 5000));
	return c_text("{\"name\":\"app\",\"ready\":false,\"restartCount\":%d,%s\"state\":{\"waiting\":{\"reason\":\"%s\",\"message\":\"%s\"}}}", restarts, last, reason,
	    message);
}

static inline void rig_event(rig *r, const char *uid, const char *reason, const char *message, int64_t ago_ms, int count)
{
	char b[2048];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"e\",\"namespace\":\"shop\",\"uid\":\"ev\"},\"involvedObject\":{\"kind\":\"Pod\",\"namespace\":\"shop\",\"name\":\"x\",\"uid\":\"%s\","
	    "\"fieldPath\":\"spec.containers{app}\"},\"reason\":\"%s\",\"message\":\"%s\",\"type\":\"Warning\",\"count\":%d,\"lastTimestamp\":\"%s\"}",
	    uid, reason, message, count, rig_time(r, ago_ms));
	rig_feed(r, DT_ROW_EVENTS, NS_WATCH_ADDED, b);
}

/* Deployment web with one ReplicaSet h1 and one pod web-h1-a that is well. */
static inline void rig_web(rig *r)
{
	rig_open(r, NULL);
	rig_dep(r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_rs(r, "web", "h1");
	rig_pod(r, (pod){.app = "web", .hash = "h1", .id = "a", .ready = true, .ready_ago_ms = 3000000, .containers = c_running(r, true, 0, NULL, 0, 0)});
	rig_sync(r);
	assert_string_equal(rig_tick(r), "");
}

static inline ns_health rig_health(rig *r, const char *kind, const char *name, ns_kind about)
{
	ns_workload w = {.cluster = "test", .ns = "shop", .kind = kind, .name = name, .uid = ""};
	ns_health h;
	ns_detector_health(r->d, &w, about, &h);
	return h;
}
#endif
