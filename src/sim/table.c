/* Server-side tables: what `kubectl get` prints. One row per kind with columns of its own; all others show Name and Age. */
#include "http_priv.h"
#include <stdlib.h>
#include <string.h>

typedef struct column {
	const char *name, *type;
	int priority; /* 1: only with -o wide */
	void (*cell)(const ns_sim *s, const cJSON *o, ns_buf *out);
} column;

static void put_age(const ns_sim *s, const char *stamp, ns_buf *out)
{
	int64_t at;
	char text[16];
	if (!stamp || !ns_time_parse(stamp, &at)) {
		ns_buf_puts(out, "<unknown>");
		return;
	}
	int64_t age = s->t0_wall + sim_now(s) - at;
	ns_duration_format(age < 0 ? 0 : age, text);
	ns_buf_puts(out, text);
}

static void name(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "metadata.name", ""));
}

static void age(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	put_age(s, ns_json_str(o, "metadata.creationTimestamp", NULL), out);
}

static void pod_ready(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	int ready = 0;
	ns_json_each(c, ns_json_path(o, "status.containerStatuses")) ready += ns_json_bool_or(c, "ready", false);
	ns_buf_printf(out, "%d/%zu", ready, ns_json_len(ns_json_path(o, "spec.containers")));
}

static void pod_status(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	const char *text = ns_json_str(o, "status.reason", ns_json_str(o, "status.phase", "Unknown"));
	ns_json_each(c, ns_json_path(o, "status.containerStatuses"))
	{
		const char *why = ns_json_str(c, "state.waiting.reason", ns_json_str(c, "state.terminated.reason", NULL));
		if (why) {
			text = why;
			break;
		}
	}
	ns_buf_puts(out, ns_json_path(o, "metadata.deletionTimestamp") ? "Terminating" : text);
}

static void pod_restarts(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	int64_t n = 0;
	const char *last = "";
	ns_json_each(c, ns_json_path(o, "status.containerStatuses"))
	{
		n += ns_json_int_or(c, "restartCount", 0);
		const char *at = ns_json_str(c, "lastState.terminated.finishedAt", "");
		if (strcmp(at, last) > 0)
			last = at;
	}
	ns_buf_printf(out, "%lld", (long long)n);
	if (n && *last) {
		ns_buf_puts(out, " (");
		put_age(s, last, out);
		ns_buf_puts(out, " ago)");
	}
}

static void pod_ip(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "status.podIP", "<none>"));
}

static void pod_node(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "spec.nodeName", "<none>"));
}

static void deploy_ready(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_printf(
	    out, "%lld/%lld", (long long)ns_json_int_or(o, "status.readyReplicas", 0), (long long)ns_json_int_or(o, "spec.replicas", 0));
}

#define INT_CELL(fn, path)                                                                                                                 \
	static void fn(const ns_sim *s, const cJSON *o, ns_buf *out)                                                                       \
	{                                                                                                                                  \
		ns_buf_printf(out, "%lld", (long long)ns_json_int_or(o, path, 0));                                                         \
	}
INT_CELL(updated, "status.updatedReplicas")
INT_CELL(available, "status.availableReplicas")
INT_CELL(desired, "spec.replicas")
INT_CELL(current, "status.replicas")
INT_CELL(ready, "status.readyReplicas")
INT_CELL(pass, "summary.pass")
INT_CELL(fail, "summary.fail")
INT_CELL(skip, "summary.skip")
#undef INT_CELL

static void images(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	const char *sep = "";
	ns_json_each(c, ns_json_path(o, "spec.template.spec.containers"))
	{
		ns_buf_printf(out, "%s%s", sep, ns_json_str(c, "image", ""));
		sep = ",";
	}
}

static void node_status(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	const char *text = "Unknown";
	ns_json_each(c, ns_json_path(o, "status.conditions")) if (!strcmp(ns_json_str(c, "type", ""), "Ready")) text =
	    !strcmp(ns_json_str(c, "status", ""), "True") ? "Ready" : "NotReady";
	ns_buf_puts(out, text);
}

static void node_roles(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, "<none>");
}

static void node_version(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "status.nodeInfo.kubeletVersion", ""));
}

static void phase(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "status.phase", ""));
}

static void event_seen(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	const char *at = ns_json_str(o, "series.lastObservedTime", NULL);
	at = ns_json_str(o, "lastTimestamp", at);
	put_age(s, at ? at : ns_json_str(o, "eventTime", NULL), out);
}

static void event_type(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "type", ""));
}

static void event_reason(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "reason", ""));
}

static void event_object(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	for (const char *p = ns_json_str(o, "involvedObject.kind", ""); *p; p++)
		ns_buf_putc(out, *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p);
	ns_buf_printf(out, "/%s", ns_json_str(o, "involvedObject.name", ""));
}

static void event_message(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "message", ""));
}

static void lease_holder(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "spec.holderIdentity", ""));
}

static void report_kind(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "scope.kind", ""));
}

static void report_name(const ns_sim *s, const cJSON *o, ns_buf *out)
{
	ns_buf_puts(out, ns_json_str(o, "scope.name", ""));
}

/* clang-format off */
static const column pods[] = {{"Name", "string", 0, name}, {"Ready", "string", 0, pod_ready}, {"Status", "string", 0, pod_status},
    {"Restarts", "string", 0, pod_restarts}, {"Age", "string", 0, age}, {"IP", "string", 1, pod_ip}, {"Node", "string", 1, pod_node}, {0}};
static const column deployments[] = {{"Name", "string", 0, name}, {"Ready", "string", 0, deploy_ready}, {"Up-to-date", "integer", 0, updated},
    {"Available", "integer", 0, available}, {"Age", "string", 0, age}, {"Images", "string", 1, images}, {0}};
static const column replicasets[] = {{"Name", "string", 0, name}, {"Desired", "integer", 0, desired}, {"Current", "integer", 0, current},
    {"Ready", "integer", 0, ready}, {"Age", "string", 0, age}, {"Images", "string", 1, images}, {0}};
static const column nodes[] = {{"Name", "string", 0, name}, {"Status", "string", 0, node_status}, {"Roles", "string", 0, node_roles},
    {"Age", "string", 0, age}, {"Version", "string", 0, node_version}, {0}};
static const column namespaces[] = {{"Name", "string", 0, name}, {"Status", "string", 0, phase}, {"Age", "string", 0, age}, {0}};
static const column events[] = {{"Last Seen", "string", 0, event_seen}, {"Type", "string", 0, event_type}, {"Reason", "string", 0, event_reason},
    {"Object", "string", 0, event_object}, {"Message", "string", 0, event_message}, {0}};
static const column leases[] = {{"Name", "string", 0, name}, {"Holder", "string", 0, lease_holder}, {"Age", "string", 0, age}, {0}};
static const column reports[] = {{"Name", "string", 0, name}, {"Kind", "string", 0, report_kind}, {"Resource", "string", 0, report_name},
    {"Pass", "integer", 0, pass}, {"Fail", "integer", 0, fail}, {"Skip", "integer", 0, skip}, {"Age", "string", 0, age}, {0}};
static const column others[] = {{"Name", "string", 0, name}, {"Age", "string", 0, age}, {0}};

static const column *const columns_of[K_COUNT] = {
	[K_POD] = pods, [K_DEPLOYMENT] = deployments, [K_REPLICASET] = replicasets, [K_NODE] = nodes, [K_NAMESPACE] = namespaces,
	[K_EVENT] = events, [K_LEASE] = leases, [K_POLICYREPORT] = reports,
};

/* clang-format on */
static const column *columns(const sim_kind *k)
{
	return columns_of[k->store] ? columns_of[k->store] : others;
}

bool table_wanted(const sim_req *q)
{
	return strstr(req_header(q, "Accept"), "as=Table") != NULL;
}

cJSON *table_new(const sim_kind *k, bool with_columns, int64_t rv)
{
	char text[24];
	cJSON *t = cJSON_CreateObject();
	ns_json_put_str(t, "kind", "Table");
	ns_json_put_str(t, "apiVersion", "meta.k8s.io/v1");
	cJSON *m = cJSON_AddObjectToObject(t, "metadata");
	snprintf(text, sizeof text, "%lld", (long long)rv);
	ns_json_put_str(m, "resourceVersion", text);
	if (with_columns) {
		cJSON *defs = cJSON_AddArrayToObject(t, "columnDefinitions");
		for (const column *c = columns(k); c->name; c++) {
			cJSON *d = cJSON_CreateObject();
			ns_json_put_str(d, "name", c->name);
			ns_json_put_str(d, "type", c->type);
			ns_json_put_str(d, "format", c->cell == name ? "name" : "");
			ns_json_put_str(d, "description", "");
			ns_json_put_int(d, "priority", c->priority);
			cJSON_AddItemToArray(defs, d);
		}
	} else {
		cJSON_AddNullToObject(t, "columnDefinitions");
	}
	cJSON_AddArrayToObject(t, "rows");
	return t;
}

void table_add(const ns_sim *s, cJSON *table, const sim_kind *k, const cJSON *obj, const char *include_object)
{
	ns_buf text = NS_BUF_INIT;
	cJSON *row = cJSON_CreateObject(), *cells = cJSON_AddArrayToObject(row, "cells");
	for (const column *c = columns(k); c->name; c++) {
		ns_buf_clear(&text);
		c->cell(s, obj, &text);
		cJSON_AddItemToArray(cells, !strcmp(c->type, "integer") ? cJSON_CreateNumber((double)strtol(ns_buf_str(&text), NULL, 10))
		                                                        : cJSON_CreateString(ns_buf_str(&text)));
	}
	if (include_object && !strcmp(include_object, "Object")) {
		cJSON_AddItemToObject(row, "object", cJSON_Duplicate(obj, true));
	} else if (!include_object || strcmp(include_object, "None") != 0) {
		cJSON *o = cJSON_AddObjectToObject(row, "object");
		ns_json_put_str(o, "kind", "PartialObjectMetadata");
		ns_json_put_str(o, "apiVersion", "meta.k8s.io/v1");
		cJSON_AddItemToObject(o, "metadata", cJSON_Duplicate(ns_json_get(obj, "metadata"), true));
	}
	cJSON_AddItemToArray(cJSON_GetObjectItem(table, "rows"), row);
	ns_buf_free(&text);
}
