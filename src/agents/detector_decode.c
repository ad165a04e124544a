/* One API object to one compact object: a single allocation, the strings packed behind the struct. Two passes over the JSON are avoided by
 * collecting into a scratch buffer first and moving it once. Wrong types count as absent: the API server vouches for the shape, a hostile one
 * must only not break us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

#define MAX_CONTAINERS 128
#define MAX_MESSAGE    300

const char *const dt_kind_names[DT_KIND_COUNT] = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"};

/* Strings of the object in the making: offsets while it grows, pointers once it is placed. Offset 0 is "". */
typedef struct pack { ns_buf b; } pack;

static size_t put_n(pack *p, const char *s, size_t n)
{
	if (!n)
		return 0;
	size_t at = p->b.len;
	ns_buf_put(&p->b, s, n);
	ns_buf_putc(&p->b, '\0');
	return at;
}

static size_t put(pack *p, const char *s)
{
	return put_n(p, s, strlen(s));
}

static size_t put_capped(pack *p, const char *s)
{
	size_t n = strlen(s);
	return put_n(p, s, n < MAX_MESSAGE ? n : MAX_MESSAGE);
}

/* Of a selector what is no plain pair: "\1", the operator, the key, and "\1" before each value. */
static void put_expressions(pack *p, const cJSON *list)
{
	ns_json_each(x, list)
	{
		ns_buf_printf(&p->b, "\1%s\1%s", ns_json_str(x, "operator", ""), ns_json_str(x, "key", ""));
		ns_json_each(v, ns_json_get(x, "values"))
			if (cJSON_IsString(v))
				ns_buf_printf(&p->b, "\1%s", v->valuestring);
		ns_buf_putc(&p->b, '\0');
	}
}

/* but: the one to leave out, NULL none; expressions: of a selector, NULL none */
static size_t put_labels(pack *p, const cJSON *map, const cJSON *but, const cJSON *expressions)
{
	size_t at = p->b.len;
	ns_json_each(l, map)
	{
		if (!cJSON_IsString(l) || l == but)
			continue;
		ns_buf_puts(&p->b, l->string);
		ns_buf_putc(&p->b, '=');
		ns_buf_puts(&p->b, l->valuestring);
		ns_buf_putc(&p->b, '\0');
	}
	put_expressions(p, expressions);
	if (p->b.len == at)
		return 0;
	ns_buf_putc(&p->b, '\0');
	return at;
}

static void pack_begin(pack *p)
{
	*p = (pack){0};
	ns_buf_put(&p->b, "\0", 2); /* two NULs: "" and the empty list of labels */
}

/* One block of `size` bytes and the strings behind it; *base is where offsets count from. */
static void *pack_place(pack *p, size_t size, char **base)
{
	char *block = ns_xcalloc(1, size + p->b.len);
	memcpy(block + size, p->b.data, p->b.len);
	*base = block + size;
	ns_buf_free(&p->b);
	return block;
}

static int64_t time_of(const cJSON *j, const char *key)
{
	int64_t t = 0;
	const char *s = ns_json_str(j, key, "");
	return *s && ns_time_parse(s, &t) ? t : 0;
}

const char *dt_label(const char *packed, const char *name, size_t *len)
{
	size_t n = strlen(name);
	for (const char *p = packed; *p; p += strlen(p) + 1)
		if (strncmp(p, name, n) == 0 && p[n] == '=') {
			if (len)
				*len = strlen(p + n + 1);
			return p + n + 1;
		}
	return NULL;
}

static bool among(const char *value, const char *list)
{
	for (size_t n; *list == '\1'; list += n) {
		n = 1 + strcspn(list + 1, "\1");
		if (strncmp(list + 1, value, n - 1) == 0 && !value[n - 1])
			return true;
	}
	return false;
}

/* An operator that is not known selects nothing. */
static bool expression_holds(const char *x, const char *labels)
{
	char key[512];
	size_t op = strcspn(x, "\1"), n = strcspn(x + op + 1, "\1");
	const char *name = x + op + 1;
	if (n >= sizeof key)
		return false;
	memcpy(key, name, n);
	key[n] = '\0';
	const char *value = dt_label(labels, key, NULL);
#define OPERATOR(word) (op == sizeof word - 1 && memcmp(x, word, op) == 0)
	if (OPERATOR("In"))
		return value && among(value, name + n);
	if (OPERATOR("NotIn"))
		return !value || !among(value, name + n);
	return OPERATOR("Exists") ? value != NULL : OPERATOR("DoesNotExist") && !value;
#undef OPERATOR
}

bool dt_selects(const char *selector, const char *labels)
{
	if (!*selector)
		return false;
	for (const char *s = selector; *s; s += strlen(s) + 1) {
		const char *l = labels;
		while (*s != '\1' && *l && strcmp(l, s) != 0)
			l += strlen(l) + 1;
		if (*s == '\1' ? !expression_holds(s + 1, labels) : !*l)
			return false;
	}
	return true;
}

typedef struct owner { const char *kind, *name, *uid; } owner;

static owner controller_of(const cJSON *meta)
{
	owner o = {"", "", ""};
	ns_json_each(r, ns_json_get(meta, "ownerReferences"))
		if (ns_json_bool_or(r, "controller", false))
			o = (owner){ns_json_str(r, "kind", ""), ns_json_str(r, "name", ""), ns_json_str(r, "uid", "")};
	return o;
}

/* ---- pods ---- */

typedef struct offsets { size_t name, waiting, message, now, last; } offsets;

static dt_end end_of(const cJSON *terminated)
{
	return (dt_end){.exit_code = (int)ns_json_int_or(terminated, "exitCode", 0),
	    .started_ms = time_of(terminated, "startedAt"),
	    .finished_ms = time_of(terminated, "finishedAt")};
}

/* Only the spec tells a sidecar (an init container that goes on running) from one that must end. */
static bool is_sidecar(const cJSON *spec, const char *name)
{
	ns_json_each(k, spec)
		if (strcmp(ns_json_str(k, "name", ""), name) == 0)
			return strcmp(ns_json_str(k, "restartPolicy", ""), "Always") == 0;
	return false;
}

static void newest(int64_t *at, int64_t ms)
{
	*at = ms > *at ? ms : *at;
}

/* init: the spec's init containers when these are theirs, else NULL. */
static size_t read_containers(const cJSON *list, const cJSON *init, dt_container *c, offsets *o, size_t n, pack *p, pack *common)
{
	ns_json_each(s, list)
	{
		if (n == MAX_CONTAINERS || !cJSON_IsObject(s))
			break;
		const cJSON *state = ns_json_get(s, "state"), *last = ns_json_get(ns_json_get(s, "lastState"), "terminated");
		const cJSON *waiting = ns_json_get(state, "waiting"), *running = ns_json_get(state, "running"), *now = ns_json_get(state, "terminated");
		bool sidecar = init && is_sidecar(init, ns_json_str(s, "name", ""));
		c[n] = (dt_container){.init = init && !sidecar, .sidecar = sidecar, .running = cJSON_IsObject(running), .ready = ns_json_bool_or(s, "ready", false),
		    .restarts = (int)ns_json_int_or(s, "restartCount", 0), .started_ms = time_of(running, "startedAt"), .now = end_of(now), .last = end_of(last)};
		o[n] = (offsets){.name = put(common, ns_json_str(s, "name", "")), .waiting = put(p, ns_json_str(waiting, "reason", "")),
		    .message = put_capped(p, ns_json_str(waiting, "message", "")),
		    /* A runtime may leave the reason out: the state is known all the same. */
		    .now = cJSON_IsObject(now) ? put(p, ns_json_str(now, "reason", "Error")) : 0,
		    .last = cJSON_IsObject(last) ? put(p, ns_json_str(last, "reason", "Error")) : 0};
		n++;
	}
	return n;
}

static dt_phase phase_of(const char *s)
{
	static const struct { const char *name; dt_phase phase; } table[] = {{"Pending", DT_PENDING}, {"Running", DT_RUNNING}, {"Succeeded", DT_DONE}, {"Failed", DT_FAILED}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strcmp(table[i].name, s) == 0)
			return table[i].phase;
	return DT_UNKNOWN;
}

/* A generic ephemeral volume's claim is named after pod and volume. */
static size_t put_claims(pack *p, const cJSON *volumes, const char *pod)
{
	size_t at = p->b.len;
	ns_json_each(v, volumes)
	{
		const char *name = ns_json_str(v, "persistentVolumeClaim.claimName", "");
		bool own = ns_json_get(v, "ephemeral") != NULL;
		if (!*name && !own)
			continue;
		ns_buf_printf(&p->b, "%s%s%s", own ? pod : name, own ? "-" : "", own ? ns_json_str(v, "name", "") : "");
		ns_buf_putc(&p->b, '\0');
	}
	if (p->b.len == at)
		return 0;
	ns_buf_putc(&p->b, '\0');
	return at;
}

dt_pod *dt_decode_pod(const cJSON *j)
{
	dt_container c[MAX_CONTAINERS];
	offsets off[MAX_CONTAINERS];
	const cJSON *meta = ns_json_get(j, "metadata"), *status = ns_json_get(j, "status");
	const char *uid = ns_json_str(meta, "uid", ""), *name = ns_json_str(meta, "name", "");
	if (!*uid || !*name)
		return NULL;
	const cJSON *spec = ns_json_get(j, "spec"), *init = ns_json_get(spec, "initContainers");
	const char *node = ns_json_str(spec, "nodeName", "");
	dt_pod p = {.phase = phase_of(ns_json_str(status, "phase", "")), .deleting = *ns_json_str(meta, "deletionTimestamp", "") != '\0',
	    .gone_by_ms = time_of(meta, "deletionTimestamp"), .created_ms = time_of(meta, "creationTimestamp"), .scheduled = *node != '\0'};
	const char *sched_reason = "", *sched_message = "";
	ns_json_each(k, ns_json_get(status, "conditions"))
	{
		const char *type = ns_json_str(k, "type", "");
		bool yes = strcmp(ns_json_str(k, "status", ""), "True") == 0;
		newest(&p.ended_ms, time_of(k, "lastTransitionTime"));
		if (strcmp(type, "Ready") == 0) {
			p.ready = yes;
			p.ready_at_ms = time_of(k, "lastTransitionTime");
		} else if (strcmp(type, "PodScheduled") == 0 && !yes) {
			sched_reason = ns_json_str(k, "reason", "");
			sched_message = ns_json_str(k, "message", "");
			p.sched_at_ms = time_of(k, "lastTransitionTime");
		}
	}
	/* s: its own texts; g: those that the pods of one owner have in common. */
	pack s, g;
	pack_begin(&s);
	pack_begin(&g);
	owner o = controller_of(meta);
	const cJSON *labels = ns_json_get(meta, "labels");
	const cJSON *hash = ns_json_get(labels, "pod-template-hash");
	size_t common[] = {put(&g, ns_json_str(meta, "namespace", "")), put(&g, o.kind), put(&g, o.name), put(&g, o.uid),
	    cJSON_IsString(hash) ? put(&g, hash->valuestring) : 0, put_labels(&g, labels, NULL, NULL)};
	size_t f[] = {put(&s, uid), put(&s, name), put(&s, sched_reason), put_capped(&s, sched_message), put(&s, node), put(&s, ns_json_str(status, "reason", "")), put_capped(&s, ns_json_str(status, "message", "")),
	    put_claims(&s, ns_json_get(spec, "volumes"), name)};
	/* A debug container is a person's own doing, and no part of the workload. */
	static const cJSON no_init = {.type = cJSON_Array};
	size_t n = read_containers(ns_json_get(status, "initContainerStatuses"), init ? init : &no_init, c, off, 0, &s, &g);
	n = read_containers(ns_json_get(status, "containerStatuses"), NULL, c, off, n, &s, &g);
	for (size_t i = 0; i < n; i++)
		newest(&p.ended_ms, c[i].now.finished_ms);
	char *base;
	dt_pod *out = pack_place(&s, sizeof *out + n * sizeof *out->c, &base);
	*out = p;
	out->shared = dt_share(g.b.data, g.b.len);
	ns_buf_free(&g.b);
	const char **const common_to[] = {&out->ns, &out->owner_kind, &out->owner_name, &out->owner_uid, &out->hash, &out->labels};
	for (size_t i = 0; i < sizeof common_to / sizeof *common_to; i++)
		*common_to[i] = out->shared + common[i];
	const char **const to[] = {&out->key, &out->name, &out->sched_reason, &out->sched_message, &out->node, &out->reason, &out->message, &out->claims};
	for (size_t i = 0; i < sizeof to / sizeof *to; i++)
		*to[i] = base + f[i];
	out->c = (dt_container *)(out + 1);
	out->n_c = n;
	for (size_t i = 0; i < n; i++) {
		out->c[i] = c[i];
		out->c[i].name = out->shared + off[i].name;
		out->c[i].waiting = base + off[i].waiting;
		out->c[i].message = base + off[i].message;
		out->c[i].now.reason = base + off[i].now;
		out->c[i].last.reason = base + off[i].last;
	}
	return out;
}

void dt_pod_free(dt_pod *p)
{
	dt_unshare(p->shared);
	free(p);
}

/* ---- what owns pods ---- */

/* Kinds name their counts differently. */
static const struct { const char *replicas, *st_replicas, *ready, *updated, *available; } counts[DT_KIND_COUNT] = {
    [DT_DEPLOYMENT] = {"spec.replicas", "replicas", "readyReplicas", "updatedReplicas", "availableReplicas"},
    [DT_REPLICASET] = {"spec.replicas", "replicas", "readyReplicas", "replicas", "availableReplicas"},
    [DT_STATEFULSET] = {"spec.replicas", "replicas", "readyReplicas", "updatedReplicas", "readyReplicas"},
    [DT_DAEMONSET] = {"status.desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable"},
    [DT_JOB] = {"spec.parallelism", "active", "ready", "active", "active"},
    [DT_CRONJOB] = {"", "", "", "", ""},
};

dt_obj *dt_decode_obj(dt_kind kind, const cJSON *j)
{
	const cJSON *meta = ns_json_get(j, "metadata"), *status = ns_json_get(j, "status"), *labels = ns_json_get(meta, "labels");
	const char *uid = ns_json_str(meta, "uid", ""), *name = ns_json_str(meta, "name", "");
	if (!*uid || !*name)
		return NULL;
	dt_obj o = {.kind = kind, .generation = ns_json_int_or(meta, "generation", 0), .observed = ns_json_int_or(status, "observedGeneration", 0),
	    .paused = ns_json_bool_or(j, "spec.paused", false)};
	if (kind == DT_JOB) {
		o.ok_ms = time_of(status, "completionTime");
	} else if (kind == DT_CRONJOB) {
		int64_t last = time_of(status, "lastScheduleTime");
		o.runs = ns_json_len(ns_json_get(status, "active")) > 0; /* late, but at it */
		o.quiet_ms = ns_json_bool_or(j, "spec.suspend", false) ? 0 : dt_cron_quiet_ms(ns_json_str(j, "spec.schedule", ""));
		o.run_ms = last ? last : time_of(meta, "creationTimestamp");
		o.ok_ms = time_of(status, "lastSuccessfulTime");
	}
	if (*counts[kind].replicas) {
		/* Absent means one in a spec, and none in a status. */
		o.replicas = ns_json_int_or(j, counts[kind].replicas, kind == DT_DAEMONSET ? 0 : 1);
		o.st_replicas = ns_json_int_or(status, counts[kind].st_replicas, 0);
		o.ready = ns_json_int_or(status, counts[kind].ready, 0);
		o.updated = ns_json_int_or(status, counts[kind].updated, 0);
		o.available = ns_json_int_or(status, counts[kind].available, 0);
		/* What is to be updated only by hand, or only in part, is up to date as it is. */
		const cJSON *how = ns_json_path(j, "spec.updateStrategy");
		const char *revision = ns_json_str(status, "updateRevision", "");
		bool one = *revision && strcmp(revision, ns_json_str(status, "currentRevision", "")) == 0; /* old controllers count those as current only */
		if (one || strcmp(ns_json_str(how, "type", ""), "OnDelete") == 0 || ns_json_int_or(how, "rollingUpdate.partition", 0) > 0)
			o.updated = o.st_replicas > o.replicas ? o.st_replicas : o.replicas;
	}
	const char *cond[5] = {"", "", "", "", ""};
	ns_json_each(k, ns_json_get(status, "conditions"))
	{
		const char *type = ns_json_str(k, "type", ""), *st = ns_json_str(k, "status", "");
		if (strcmp(type, "Progressing") == 0) {
			cond[0] = st;
			cond[1] = ns_json_str(k, "reason", "");
			cond[2] = ns_json_str(k, "message", "");
		} else if (strcmp(type, "ReplicaFailure") == 0 && strcmp(st, "True") == 0) {
			o.replica_failure = true;
			cond[3] = ns_json_str(k, "reason", "");
			cond[4] = ns_json_str(k, "message", "");
			o.failure_at_ms = time_of(k, "lastTransitionTime");
		}
	}
	/* The ReplicaSets of one Deployment, ten old ones as a rule, differ in name and hash only. The hash has a place of its own and is compared
	 * there, so it need not stand among the labels; but where selector and label disagree both stay as they are. */
	pack s, g;
	pack_begin(&s);
	pack_begin(&g);
	owner own = controller_of(meta);
	const cJSON *hash = ns_json_get(labels, "pod-template-hash"), *selector = ns_json_path(j, "spec.selector.matchLabels");
	const cJSON *wanted = ns_json_get(selector, "pod-template-hash");
	bool agree = kind == DT_REPLICASET && cJSON_IsString(hash) && cJSON_IsString(wanted) && strcmp(hash->valuestring, wanted->valuestring) == 0;
	size_t common[] = {put(&g, ns_json_str(meta, "namespace", "")), put(&g, own.kind), put(&g, own.name), put(&g, own.uid),
	    put_labels(&g, labels, agree ? hash : NULL, NULL),
	    put_labels(&g, selector, agree ? wanted : NULL, ns_json_path(j, "spec.selector.matchExpressions"))};
	size_t f[] = {put(&s, uid), put(&s, name), cJSON_IsString(hash) ? put(&s, hash->valuestring) : 0, put(&s, cond[0]), put(&s, cond[1]), put_capped(&s, cond[2]), put(&s, cond[3]),
	    /* A refusal by a webhook names its policies at the end of the message. */
	    put_n(&s, cond[4], strlen(cond[4]) < 1500 ? strlen(cond[4]) : 1500)};
	char *base;
	dt_obj *out = pack_place(&s, sizeof *out, &base);
	*out = o;
	out->shared = dt_share(g.b.data, g.b.len);
	ns_buf_free(&g.b);
	const char **const common_to[] = {&out->ns, &out->owner_kind, &out->owner_name, &out->owner_uid, &out->labels, &out->selector};
	for (size_t i = 0; i < sizeof common_to / sizeof *common_to; i++)
		*common_to[i] = out->shared + common[i];
	const char **const to[] = {&out->key, &out->name, &out->hash, &out->prog_status, &out->prog_reason, &out->prog_message, &out->failure_reason, &out->failure_message};
	for (size_t i = 0; i < sizeof to / sizeof *to; i++)
		*to[i] = base + f[i];
	return out;
}

void dt_obj_free(dt_obj *o)
{
	if (o)
		dt_unshare(o->shared);
	free(o);
}

/* ---- events ---- */

/* "spec.containers{app}" -> "app". */
static void container_of(const char *field_path, char *out, size_t cap)
{
	const char *open = strchr(field_path, '{');
	*out = '\0';
	if (open)
		snprintf(out, cap, "%.*s", (int)strcspn(open + 1, "}"), open + 1);
}

bool dt_decode_event(const cJSON *j, int64_t now_ms, dt_event *out)
{
	static const char *const times[] = {"series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp", "eventTime", "firstTimestamp", "metadata.creationTimestamp"};
	const cJSON *about = ns_json_get(j, "involvedObject");
	if (!about)
		about = ns_json_get(j, "regarding");
	*out = (dt_event){.uid = ns_json_str(about, "uid", ""), .kind = ns_json_str(about, "kind", ""), .ns = ns_json_str(about, "namespace", ""),
	    .name = ns_json_str(about, "name", ""), .reason = ns_json_str(j, "reason", ""), .type = ns_json_str(j, "type", ""),
	    .message = ns_json_str(j, "message", ns_json_str(j, "note", ""))};
	if (!cJSON_IsObject(about) || !*out->reason)
		return false;
	container_of(ns_json_str(about, "fieldPath", ""), out->container, sizeof out->container);
	for (size_t i = 0; i < sizeof times / sizeof *times && !out->at_ms; i++) {
		const char *t = ns_json_str(j, times[i], "");
		if (!*t || !ns_time_parse(t, &out->at_ms))
			out->at_ms = 0;
	}
	/* The clock of who tells it may be behind; the API server wrote it down, and it did not know of it before it happened. */
	int64_t written = time_of(ns_json_get(j, "metadata"), "creationTimestamp");
	if (out->at_ms && written > out->at_ms)
		out->at_ms = written;
	/* A clock that runs ahead of ours must not keep a failure alive for as long as it is ahead. */
	if (!out->at_ms || out->at_ms > now_ms)
		out->at_ms = now_ms;
	out->count = (int)ns_json_int_or(j, "series.count", ns_json_int_or(j, "count", 1));
	return true;
}
