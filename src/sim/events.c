/* Events: old-style ones that count (kubelet, controllers), new-style ones with eventTime (scheduler, Kyverno), and the view of both
 * through events.k8s.io. */
#include "sim_priv.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_TTL_MS = 3600 * 1000, EVENTS_MAX = 800 };

static cJSON *reference(const sim_obj *o, const char *field)
{
	char api[96];
	cJSON *r = cJSON_CreateObject();
	kind_api_version(o->kind, api);
	ns_json_put_str(r, "kind", o->kind->kind);
	if (*o->ns)
		ns_json_put_str(r, "namespace", o->ns);
	ns_json_put_str(r, "name", o->name);
	ns_json_put_str(r, "uid", ns_json_str(o->j, "metadata.uid", ""));
	ns_json_put_str(r, "apiVersion", api);
	ns_json_put_str(r, "resourceVersion", ns_json_str(o->j, "metadata.resourceVersion", ""));
	if (*field)
		ns_json_put_str(r, "fieldPath", field);
	return r;
}

/* Repeats find the object by its name, which is made of all that makes two events the same. */
static void event_name(const ns_sim *s, const sim_obj *about, const char *reason, const char *message, int64_t when, char out[300])
{
	ns_buf what = NS_BUF_INIT;
	ns_buf_printf(&what, "event/%s/%s/%s/%lld", ns_json_str(about->j, "metadata.uid", ""), reason, message, (long long)when);
	snprintf(out, 300, "%.230s.%016llx", about->name, (unsigned long long)sim_hash(s, ns_buf_str(&what)));
	ns_buf_free(&what);
}

void event_core(
    ns_sim *s, const sim_obj *about, const char *type, const char *reason, const char *component, const char *field, const char *fmt, ...)
{
	ns_buf text = NS_BUF_INIT;
	char name[300], stamp[32];
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sim_stamp(s, s->cluster.now, stamp);
	event_name(s, about, reason, ns_buf_str(&text), 0, name);
	sim_obj *old = world_get(&s->world, K_EVENT, about->ns, name);
	if (old) {
		json_set(old->j, "count", cJSON_CreateNumber((double)ns_json_int_or(old->j, "count", 1) + 1));
		json_set(old->j, "lastTimestamp", cJSON_CreateString(stamp));
		world_put(s, K_EVENT, old->j);
		ns_buf_free(&text);
		return;
	}
	cJSON *j = object_new(s, K_EVENT, about->ns, name, s->cluster.now), *source;
	cJSON_AddItemToObject(j, "involvedObject", reference(about, field));
	ns_json_put_str(j, "reason", reason);
	ns_json_put_str(j, "message", ns_buf_str(&text));
	source = cJSON_AddObjectToObject(j, "source");
	ns_json_put_str(source, "component", component);
	if (!strcmp(component, "kubelet"))
		ns_json_put_str(source, "host", ns_json_str(about->j, "spec.nodeName", ""));
	ns_json_put_str(j, "firstTimestamp", stamp);
	ns_json_put_str(j, "lastTimestamp", stamp);
	ns_json_put_int(j, "count", 1);
	ns_json_put_str(j, "type", type);
	cJSON_AddNullToObject(j, "eventTime");
	ns_json_put_str(j, "reportingComponent", component);
	ns_json_put_str(j, "reportingInstance", ns_json_str(source, "host", ""));
	world_put(s, K_EVENT, j);
	ns_buf_free(&text);
}

void event_v1(ns_sim *s, const sim_event_v1 *e, const char *fmt, ...)
{
	ns_buf text = NS_BUF_INIT;
	char name[300], stamp[40];
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	sim_stamp_micro(s, s->cluster.now, stamp);
	event_name(s, e->about, e->reason, e->series ? "" : ns_buf_str(&text), e->series ? 0 : s->cluster.now, name);
	sim_obj *old = world_get(&s->world, K_EVENT, e->ns, name);
	if (old) {
		cJSON *series = json_child(old->j, "series");
		json_set(series, "count", cJSON_CreateNumber((double)ns_json_int_or(series, "count", 1) + 1));
		json_set(series, "lastObservedTime", cJSON_CreateString(stamp));
		world_put(s, K_EVENT, old->j);
		ns_buf_free(&text);
		return;
	}
	cJSON *j = object_new(s, K_EVENT, e->ns, name, s->cluster.now);
	cJSON_AddItemToObject(j, "involvedObject", reference(e->about, ""));
	if (e->related)
		cJSON_AddItemToObject(j, "related", reference(e->related, ""));
	ns_json_put_str(j, "reason", e->reason);
	ns_json_put_str(j, "message", ns_buf_str(&text));
	cJSON_AddObjectToObject(j, "source");
	cJSON_AddNullToObject(j, "firstTimestamp");
	cJSON_AddNullToObject(j, "lastTimestamp");
	ns_json_put_str(j, "type", e->type);
	ns_json_put_str(j, "eventTime", stamp);
	ns_json_put_str(j, "action", e->action);
	ns_json_put_str(j, "reportingComponent", e->controller);
	ns_json_put_str(j, "reportingInstance", e->controller);
	world_put(s, K_EVENT, j);
	ns_buf_free(&text);
}

/* Events live for an hour; and a cluster that has made very many forgets the oldest early. */
void events_prune(ns_sim *s)
{
	sim_shelf *sh = &s->world.shelf[K_EVENT];
	int64_t now = s->t0_wall + s->cluster.now;
	while (sh->n) {
		sim_obj *oldest = NULL;
		int64_t oldest_ms = INT64_MAX;
		for (size_t i = 0; i < sh->n; i++) {
			const cJSON *j = sh->v[i]->j;
			int64_t at = 0;
			ns_time_parse(ns_json_str(j, "lastTimestamp", ns_json_str(j, "metadata.creationTimestamp", "")), &at);
			if (at < oldest_ms) {
				oldest_ms = at;
				oldest = sh->v[i];
			}
		}
		if (sh->n <= EVENTS_MAX && now - oldest_ms < EVENT_TTL_MS)
			return;
		world_delete(s, oldest);
	}
}

static const struct {
	const char *core, *v1;
} renamed[] = {{"involvedObject", "regarding"}, {"message", "note"}, {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"}, {"lastTimestamp", "deprecatedLastTimestamp"}, {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"}};

cJSON *event_as_v1(const cJSON *core)
{
	cJSON *out = cJSON_CreateObject();
	ns_json_each(m, core)
	{
		const char *key = m->string;
		for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
			if (!strcmp(key, renamed[i].core))
				key = renamed[i].v1;
		if (!strcmp(key, "apiVersion"))
			ns_json_put_str(out, key, "events.k8s.io/v1");
		else
			cJSON_AddItemToObject(out, key, cJSON_Duplicate(m, true));
	}
	return out;
}
