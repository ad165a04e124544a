/* The API proper: which object a path names, what the verb is, and the writes. */
#include "neuroscale/model/k8s.h"
#include "watch_priv.h"
#include <stdlib.h>
#include <string.h>

const char *const sim_user = "demo-operator";

typedef struct target {
	const sim_kind *kind;
	const sim_sub *sub;
	char ns[256], name[256];
} target;

enum { MAX_SEGMENTS = 6 };

static void text_404(sim_resp *r)
{
	resp_text(r, 404, "404 page not found\n");
}

/* Splits "/apis/apps/v1/namespaces/shop/deployments/web/scale". False with an answer in r. */
static bool parse_target(const char *path, target *t, sim_resp *r)
{
	char group[128] = "", version[32], seg[MAX_SEGMENTS][256];
	int used = 0, n = 0;
	*t = (target){0};
	if (sscanf(path, "/api/%31[^/]/%n", version, &used) < 1 || !used)
		if (sscanf(path, "/apis/%127[^/]/%31[^/]/%n", group, version, &used) < 2 || !used) {
			text_404(r);
			return false;
		}
	if (!kind_group_served(group, version)) {
		text_404(r);
		return false;
	}
	for (const char *p = path + used; *p && n < MAX_SEGMENTS; n++) {
		size_t len = strcspn(p, "/");
		snprintf(seg[n], sizeof seg[n], "%.*s", (int)len, p);
		p += len + (p[len] == '/');
	}
	int at = 0;
	if (n >= 3 && !strcmp(seg[0], "namespaces")) {
		ns_copy(t->ns, sizeof t->ns, seg[1]);
		at = 2;
	}
	t->kind = n ? kind_find(group, version, seg[at]) : NULL;
	t->sub = t->kind && n == at + 3 ? kind_sub(t->kind, seg[at + 2]) : NULL;
	if (!t->kind || n > at + 3 || (n == at + 3 && !t->sub) || (*t->ns && !t->kind->namespaced) ||
	    (!*t->ns && t->kind->namespaced && n > at + 1)) {
		status_error(r, 404, "NotFound", NULL, NULL, "the server could not find the requested resource");
		return false;
	}
	if (n > at + 1)
		ns_copy(t->name, sizeof t->name, seg[at + 1]);
	return true;
}

static const char *verb_of(const sim_req *q, const target *t)
{
	if (!strcmp(q->method, "GET") || !strcmp(q->method, "HEAD")) {
		if (req_arg_true(q, "watch") && !*t->name)
			return "watch";
		return *t->name ? "get" : "list";
	}
	if (!strcmp(q->method, "POST"))
		return "create";
	if (!strcmp(q->method, "PUT"))
		return "update";
	if (!strcmp(q->method, "PATCH"))
		return "patch";
	return *t->name ? "delete" : "deletecollection";
}

bool api_allowed(const ns_sim *s, const sim_kind *k, const sim_sub *sub, unsigned verb)
{
	unsigned may = sub ? sub->verbs : k->verbs;
	return verb && (may & verb) && !((unsigned)s->world.denied_verbs[k->id] & verb);
}

static bool dry_run(const sim_req *q)
{
	const char *v = req_arg(q, "dryRun");
	return v && !strcmp(v, "All");
}

static void answer_object(const ns_sim *s, const sim_req *q, const sim_kind *k, const cJSON *j, int code, sim_resp *r)
{
	cJSON *view = k->store != k->id ? event_as_v1(j) : NULL;
	if (table_wanted(q)) {
		cJSON *t = table_new(k, true, s->world.rv);
		table_add(s, t, k, j, req_arg(q, "includeObject"));
		resp_json(r, code, t);
		cJSON_Delete(t);
	} else {
		resp_json(r, code, view ? view : j);
	}
	cJSON_Delete(view);
}

/* Stored texts begin with kind and apiVersion, whatever order a client wrote them in, or whether at all. */
static void put_type_first(const sim_kind *k, cJSON *j)
{
	char api[96];
	kind_api_version(k, api);
	cJSON_DeleteItemFromObjectCaseSensitive(j, "kind");
	cJSON_DeleteItemFromObjectCaseSensitive(j, "apiVersion");
	ns_json_put_str(j, "apiVersion", api);
	cJSON_InsertItemInArray(j, 0, cJSON_DetachItemFromObjectCaseSensitive(j, "apiVersion"));
	ns_json_put_str(j, "kind", k->kind);
	cJSON_InsertItemInArray(j, 0, cJSON_DetachItemFromObjectCaseSensitive(j, "kind"));
}

/* Stores what was admitted, unless it is a dry run or changes nothing. Takes j; leaves the object's JSON to answer with in *out. */
static void store(
    ns_sim *s, const sim_req *q, const sim_kind *k, const char *ns, const char *name, cJSON *j, const cJSON **out, cJSON **own)
{
	sim_obj *o = world_get(&s->world, k->store, ns, name);
	*out = *own = j;
	put_type_first(&sim_kinds[k->store], j);
	if (dry_run(q))
		return;
	if (k->id != K_LEASE && k->id != K_EVENT)
		world_count_mutation(&s->world, ns, name);
	if (o && cJSON_Compare(o->j, j, true))
		return;
	o = world_put(s, k->store, j);
	*out = o->j;
	*own = NULL;
	cluster_touched(s, k->id, ns, name);
}

/* The checks on identity and version that every update shares; then admission. */
static bool check_update(ns_sim *s, const target *t, const sim_obj *o, cJSON *now, const sim_req *q, sim_resp *r)
{
	const char *uid = ns_json_str(now, "metadata.uid", ""), *rv = ns_json_str(now, "metadata.resourceVersion", "");
	const char *name = ns_json_str(now, "metadata.name", "");
	if (strcmp(name, o->name) != 0) {
		status_error(
		    r, 400, "BadRequest", NULL, NULL, "the name of the object (%s) does not match the name on the URL (%s)", name, o->name);
		return false;
	}
	if (*uid && strcmp(uid, ns_json_str(o->j, "metadata.uid", "")) != 0) {
		char why[200];
		snprintf(why, sizeof why, "Precondition failed: UID in precondition: %s, UID in object meta: %s", uid,
		    ns_json_str(o->j, "metadata.uid", ""));
		status_conflict(r, t->kind, o->name, why);
		return false;
	}
	if (*rv && strcmp(rv, ns_json_str(o->j, "metadata.resourceVersion", "")) != 0) {
		status_conflict(r, t->kind, o->name, NULL);
		return false;
	}
	return admit(s, t->kind, o->j, now, q, r);
}

/* Takes now. */
static void finish_update(ns_sim *s, const target *t, const sim_obj *o, cJSON *now, const sim_req *q, sim_resp *r)
{
	const cJSON *out;
	cJSON *own;
	if (!check_update(s, t, o, now, q, r)) {
		cJSON_Delete(now);
		return;
	}
	store(s, q, t->kind, o->ns, o->name, now, &out, &own);
	answer_object(s, q, t->kind, out, 200, r);
	cJSON_Delete(own);
}

static cJSON *parse_body(const sim_req *q, const target *t, sim_resp *r)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(ns_buf_str(&q->body), q->body.len, &ns_json_strict, &err);
	if (!cJSON_IsObject(j)) {
		cJSON_Delete(j);
		status_error(r, 400, "BadRequest", NULL, NULL,
		    "the object provided is unrecognized (must be of type %s): couldn't get version/kind; json parse error: %s",
		    t->kind->kind, err.text);
		return NULL;
	}
	return j;
}

/* ---- scale ---- */

static cJSON *scale_of(const sim_obj *o)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "Scale");
	ns_json_put_str(j, "apiVersion", "autoscaling/v1");
	cJSON *m = cJSON_AddObjectToObject(j, "metadata");
	static const char *const keep[] = {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"};
	for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
		ns_json_put_str(m, keep[i], ns_json_str(ns_json_get(o->j, "metadata"), keep[i], ""));
	ns_json_put_int(cJSON_AddObjectToObject(j, "spec"), "replicas", ns_json_int_or(o->j, "spec.replicas", 0));
	cJSON *st = cJSON_AddObjectToObject(j, "status");
	ns_json_put_int(st, "replicas", ns_json_int_or(o->j, "status.replicas", 0));
	ns_buf sel = NS_BUF_INIT;
	ns_json_each(l, ns_json_path(o->j, "spec.selector.matchLabels"))
	    ns_buf_printf(&sel, "%s%s=%s", sel.len ? "," : "", l->string, l->valuestring);
	ns_json_put_str(st, "selector", ns_buf_str(&sel));
	ns_buf_free(&sel);
	return j;
}

/* A Scale that was sent or patched becomes the deployment with its replicas. Takes scale. */
static void finish_scale(ns_sim *s, const target *t, const sim_obj *o, cJSON *scale, const sim_req *q, sim_resp *r)
{
	cJSON *now = cJSON_Duplicate(o->j, true), *m = json_obj(now, "metadata");
	const cJSON *n = ns_json_path(scale, "spec.replicas");
	json_set(json_child(now, "spec"), "replicas", n ? cJSON_Duplicate(n, true) : cJSON_CreateNumber(0));
	static const char *const locks[] = {"name", "uid", "resourceVersion"};
	for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
		const char *v = ns_json_str(ns_json_get(scale, "metadata"), locks[i], "");
		if (*v)
			json_set(m, locks[i], cJSON_CreateString(v));
	}
	cJSON_Delete(scale);
	const cJSON *out;
	cJSON *own;
	if (!check_update(s, t, o, now, q, r)) {
		cJSON_Delete(now);
		return;
	}
	store(s, q, t->kind, o->ns, o->name, now, &out, &own);
	union {
		const cJSON *c;
		cJSON *m;
	} u = {out};
	cJSON *answer = scale_of(&(sim_obj){.kind = o->kind, .j = u.m});
	resp_json(r, 200, answer);
	cJSON_Delete(answer);
	cJSON_Delete(own);
}

/* ---- verbs on one object ---- */

static void do_get(ns_sim *s, const target *t, const sim_obj *o, const sim_req *q, sim_resp *r)
{
	if (!t->sub) {
		answer_object(s, q, t->kind, o->j, 200, r);
	} else if (!strcmp(t->sub->name, "log")) {
		log_handle(s, q, o, r);
	} else {
		cJSON *j = scale_of(o);
		resp_json(r, 200, j);
		cJSON_Delete(j);
	}
}

static void do_update(ns_sim *s, const target *t, const sim_obj *o, const sim_req *q, sim_resp *r)
{
	cJSON *now = parse_body(q, t, r);
	if (!now)
		return;
	if (t->sub)
		finish_scale(s, t, o, now, q, r);
	else
		finish_update(s, t, o, now, q, r);
}

static void do_patch(ns_sim *s, const target *t, const sim_obj *o, const sim_req *q, sim_resp *r)
{
	sim_patch_type type = patch_type(req_header(q, "Content-Type"));
	if (type == PATCH_NONE || (type == PATCH_STRATEGIC && t->kind->custom)) {
		status_error(r, 415, "UnsupportedMediaType", NULL, NULL,
		    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
		    "application/merge-patch+json%s",
		    t->kind->custom ? "" : ", application/strategic-merge-patch+json");
		return;
	}
	cJSON *scale = t->sub ? scale_of(o) : NULL;
	cJSON *now = patch_apply(type, scale ? scale : o->j, ns_buf_str(&q->body), q->body.len, r);
	cJSON_Delete(scale);
	if (!now)
		return;
	if (t->sub)
		finish_scale(s, t, o, now, q, r);
	else
		finish_update(s, t, o, now, q, r);
}

static void do_create(ns_sim *s, const target *t, const sim_req *q, sim_resp *r)
{
	cJSON *body = parse_body(q, t, r), *own = NULL, *j;
	if (!body)
		return;
	char name[256], what[128];
	const char *given = ns_json_str(body, "metadata.name", ""), *ns = ns_json_str(body, "metadata.namespace", t->ns);
	const char *prefix = ns_json_str(body, "metadata.generateName", "");
	kind_qualified(t->kind, what);
	if (*given || !*prefix)
		ns_copy(name, sizeof name, given);
	else
		snprintf(name, sizeof name, "%.240s%05llx", prefix, (unsigned long long)s->world.rv & 0xfffff);
	if (strcmp(ns, t->ns) != 0) {
		status_error(r, 400, "BadRequest", NULL, NULL,
		    "the namespace of the provided object does not match the namespace sent on the request");
	} else if (t->kind->namespaced && !world_get(&s->world, K_NAMESPACE, "", t->ns)) {
		status_not_found(r, &sim_kinds[K_NAMESPACE], t->ns);
	} else if (!ns_k8s_subdomain_ok(name)) {
		sim_causes c = {0};
		cause_add(&c, "FieldValueInvalid", "metadata.name",
		    *name ? "Invalid value: \"%s\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
		            "or '.'%s"
		          : "Required value: name or generateName is required%s%s",
		    name, "");
		causes_answer(&c, r, t->kind, name);
	} else if (world_get(&s->world, t->kind->store, t->ns, name)) {
		status_error(r, 409, "AlreadyExists", t->kind, name, "%s \"%s\" already exists", what, name);
	} else {
		j = object_new(s, t->kind->id, t->ns, name, sim_now(s));
		static const char *const keep[] = {"labels", "annotations", "ownerReferences"};
		for (size_t i = 0; i < sizeof keep / sizeof *keep; i++) {
			const cJSON *v = ns_json_get(ns_json_get(body, "metadata"), keep[i]);
			if (v)
				cJSON_AddItemToObject(json_child(j, "metadata"), keep[i], cJSON_Duplicate(v, true));
		}
		ns_json_put_int(json_child(j, "metadata"), "generation", 1);
		ns_json_each(m, body) if (!cJSON_HasObjectItem(j, m->string)) cJSON_AddItemToObject(j, m->string, cJSON_Duplicate(m, true));
		const cJSON *out = NULL;
		if (admit(s, t->kind, NULL, j, q, r)) {
			store(s, q, t->kind, t->ns, name, j, &out, &own);
			answer_object(s, q, t->kind, out, 201, r);
			cJSON_Delete(own);
		} else {
			cJSON_Delete(j);
		}
	}
	cJSON_Delete(body);
}

static void handle_object(ns_sim *s, const target *t, const char *verb, const sim_req *q, sim_resp *r)
{
	sim_obj *o = world_get(&s->world, t->kind->store, t->ns, t->name);
	if (!o)
		status_not_found(r, t->kind, t->name);
	else if (!strcmp(verb, "get"))
		do_get(s, t, o, q, r);
	else if (!strcmp(verb, "update"))
		do_update(s, t, o, q, r);
	else if (!strcmp(verb, "patch"))
		do_patch(s, t, o, q, r);
	else
		status_error(r, 405, "MethodNotAllowed", NULL, NULL, "the server does not allow this method on the requested resource");
}

static bool acceptable(const sim_req *q)
{
	const char *accept = req_header(q, "Accept");
	return !*accept || strstr(accept, "json") || strstr(accept, "*/*") || strstr(accept, "text/plain");
}

void api_handle(ns_sim *s, const sim_req *q, sim_resp *r)
{
	static const char opencost[] = "/opencost/", review[] = "/apis/authorization.k8s.io/v1/";
	target t;
	cluster_step(s, sim_now(s)); /* an answer never lags behind the clock */
	if (q->too_big) {
		status_error(r, 413, "RequestEntityTooLarge", NULL, NULL, "Request entity too large: limit is %d", SIM_MAX_BODY);
		return;
	}
	if (!strncmp(q->path, opencost, sizeof opencost - 1)) {
		opencost_handle(s, q, r);
		return;
	}
	if (!strcmp(q->path, "/openapi/v2")) {
		openapi_handle(q, r);
		return;
	}
	if (!strncmp(q->path, review, sizeof review - 1)) {
		review_handle(s, q, q->path + sizeof review - 1, r);
		return;
	}
	if (!strcmp(q->method, "GET") && discovery_handle(s, q, r))
		return;
	if (!parse_target(q->path, &t, r))
		return;
	if (!acceptable(q)) {
		status_error(r, 406, "NotAcceptable", NULL, NULL, "only the following media types are accepted: application/json");
		return;
	}
	const char *verb = verb_of(q, &t);
	if (!api_allowed(s, t.kind, t.sub, verb_bit(verb)))
		status_forbidden(r, verb, t.kind, t.sub ? t.sub->name : NULL, t.ns, t.name);
	else if (!strcmp(verb, "watch"))
		watch_open(s, q, t.kind, t.ns, r);
	else if (!strcmp(verb, "list"))
		list_handle(s, q, t.kind, t.ns, r);
	else if (!strcmp(verb, "create") && !*t.name)
		do_create(s, &t, q, r);
	else
		handle_object(s, &t, verb, q, r);
}
