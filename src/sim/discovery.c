/* Discovery, made from the table of kinds: /api, /apis, one list per group version, and the aggregated form that newer clients ask
 * for first. Also /version and the health paths. */
#include "http_priv.h"
#include <string.h>

static const char server_version[] =
    "{\"major\":\"1\",\"minor\":\"32\",\"gitVersion\":\"v1.32.4\",\"gitCommit\":\"59526cd4867447956156ae3a602fcbac10a2c335\","
    "\"gitTreeState\":\"clean\",\"buildDate\":\"2025-04-22T15:56:15Z\",\"goVersion\":\"go1.23.6\",\"compiler\":\"gc\","
    "\"platform\":\"linux/amd64\"}\n";

/* Access reviews are served but not stored, so they are no row of the kinds. */
static const struct {
	const char *resource, *kind;
} reviews[] = {{"selfsubjectaccessreviews", "SelfSubjectAccessReview"}, {"selfsubjectrulesreviews", "SelfSubjectRulesReview"}};
enum { N_REVIEWS = sizeof reviews / sizeof *reviews };
static const char review_group[] = "authorization.k8s.io";

static void put_verbs(cJSON *o, unsigned mask)
{
	cJSON *v = cJSON_AddArrayToObject(o, "verbs");
	for (unsigned bit = 1; bit <= V_PATCH; bit <<= 1)
		if (mask & bit)
			cJSON_AddItemToArray(v, cJSON_CreateString(verb_name(bit)));
}

static cJSON *resource_row(const char *name, const char *singular, bool namespaced, const char *kind)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "name", name);
	ns_json_put_str(o, "singularName", singular);
	ns_json_put_bool(o, "namespaced", namespaced);
	ns_json_put_str(o, "kind", kind);
	return o;
}

static void put_short(cJSON *o, const char *short_name)
{
	if (*short_name)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "shortNames"), cJSON_CreateString(short_name));
}

static cJSON *resource_list(const char *group, const char *version)
{
	char gv[160];
	snprintf(gv, sizeof gv, "%s%s%s", group, *group ? "/" : "", version);
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "APIResourceList");
	ns_json_put_str(j, "apiVersion", "v1");
	ns_json_put_str(j, "groupVersion", gv);
	cJSON *list = cJSON_AddArrayToObject(j, "resources");
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		if (strcmp(k->group, group) != 0 || strcmp(k->version, version) != 0)
			continue;
		cJSON *o = resource_row(k->resource, k->singular, k->namespaced, k->kind);
		put_verbs(o, k->verbs);
		put_short(o, k->short_name);
		if (k->id == K_DEPLOYMENT || k->id == K_POD || k->id == K_REPLICASET || k->id == K_SERVICE)
			cJSON_AddItemToArray(cJSON_AddArrayToObject(o, "categories"), cJSON_CreateString("all"));
		cJSON_AddItemToArray(list, o);
		for (const sim_sub *s = k->subs; s && s->name; s++) {
			char name[96];
			snprintf(name, sizeof name, "%s/%s", k->resource, s->name);
			o = resource_row(name, "", k->namespaced, s->kind);
			if (*s->group) {
				ns_json_put_str(o, "group", s->group);
				ns_json_put_str(o, "version", s->version);
			}
			put_verbs(o, s->verbs);
			cJSON_AddItemToArray(list, o);
		}
	}
	for (size_t i = 0; !strcmp(group, review_group) && i < N_REVIEWS; i++) {
		cJSON *o = resource_row(reviews[i].resource, "", false, reviews[i].kind);
		put_verbs(o, V_CREATE);
		cJSON_AddItemToArray(list, o);
	}
	return j;
}

/* Calls fn once per (group, version) in table order; the core group only when asked for. */
static void each_group(bool core, void (*fn)(cJSON *into, const char *group, const char *version), cJSON *into)
{
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		bool seen = false;
		for (int n = 0; n < i; n++)
			seen |= !strcmp(sim_kinds[n].group, k->group) && !strcmp(sim_kinds[n].version, k->version);
		if (!seen && !*k->group == core)
			fn(into, k->group, k->version);
	}
	if (!core)
		fn(into, review_group, "v1");
}

static cJSON *group_entry(const char *group)
{
	cJSON *g = cJSON_CreateObject();
	ns_json_put_str(g, "name", group);
	cJSON_AddArrayToObject(g, "versions");
	return g;
}

/* A group with several versions is one entry. The first version of a group in the table is not always the newest: versions are put in
 * front, so that the last row is the preferred one (kyverno.io: v2 before v1). */
static void add_group(cJSON *groups, const char *group, const char *version)
{
	char gv[160];
	cJSON *g = NULL;
	for (cJSON *e = groups->child; e; e = e->next)
		if (!strcmp(ns_json_str(e, "name", ""), group))
			g = e;
	if (!g)
		cJSON_AddItemToArray(groups, g = group_entry(group));
	snprintf(gv, sizeof gv, "%s/%s", group, version);
	cJSON *v = cJSON_CreateObject();
	ns_json_put_str(v, "groupVersion", gv);
	ns_json_put_str(v, "version", version);
	cJSON_InsertItemInArray(cJSON_GetObjectItem(g, "versions"), 0, v);
	json_set(g, "preferredVersion", cJSON_Duplicate(v, true));
}

static cJSON *group_list(void)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "APIGroupList");
	ns_json_put_str(j, "apiVersion", "v1");
	each_group(false, add_group, cJSON_AddArrayToObject(j, "groups"));
	return j;
}

/* ---- the aggregated form (apidiscovery.k8s.io/v2) ---- */

static cJSON *response_kind(const char *group, const char *version, const char *kind)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "group", group);
	ns_json_put_str(o, "version", version);
	ns_json_put_str(o, "kind", kind);
	return o;
}

static cJSON *aggregated_resource(
    const char *group, const char *version, const char *resource, const char *singular, bool namespaced, const char *kind, unsigned verbs)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "resource", resource);
	cJSON_AddItemToObject(o, "responseKind", response_kind(group, version, kind));
	ns_json_put_str(o, "scope", namespaced ? "Namespaced" : "Cluster");
	ns_json_put_str(o, "singularResource", singular);
	put_verbs(o, verbs);
	return o;
}

static void add_aggregated(cJSON *items, const char *group, const char *version)
{
	cJSON *g = NULL;
	for (cJSON *e = items->child; e; e = e->next)
		if (!strcmp(ns_json_str(e, "metadata.name", ""), group))
			g = e;
	if (!g) {
		cJSON_AddItemToArray(items, g = cJSON_CreateObject());
		cJSON *m = cJSON_AddObjectToObject(g, "metadata");
		if (*group)
			ns_json_put_str(m, "name", group);
		cJSON_AddNullToObject(m, "creationTimestamp");
		cJSON_AddArrayToObject(g, "versions");
	}
	cJSON *v = cJSON_CreateObject();
	ns_json_put_str(v, "version", version);
	cJSON *list = cJSON_AddArrayToObject(v, "resources");
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		if (strcmp(k->group, group) != 0 || strcmp(k->version, version) != 0)
			continue;
		cJSON *o = aggregated_resource(group, version, k->resource, k->singular, k->namespaced, k->kind, k->verbs);
		put_short(o, k->short_name);
		cJSON *subs = k->subs ? cJSON_AddArrayToObject(o, "subresources") : NULL;
		for (const sim_sub *s = k->subs; s && s->name; s++) {
			cJSON *x = cJSON_CreateObject();
			ns_json_put_str(x, "subresource", s->name);
			cJSON_AddItemToObject(x, "responseKind", response_kind(s->group, s->version, s->kind));
			put_verbs(x, s->verbs);
			cJSON_AddItemToArray(subs, x);
		}
		cJSON_AddItemToArray(list, o);
	}
	for (size_t i = 0; !strcmp(group, review_group) && i < N_REVIEWS; i++)
		cJSON_AddItemToArray(list, aggregated_resource(group, version, reviews[i].resource, "", false, reviews[i].kind, V_CREATE));
	ns_json_put_str(v, "freshness", "Current");
	cJSON_InsertItemInArray(cJSON_GetObjectItem(g, "versions"), 0, v);
}

static bool aggregated(const sim_req *q, bool core, sim_resp *r)
{
	if (!strstr(req_header(q, "Accept"), "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"))
		return false;
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "APIGroupDiscoveryList");
	ns_json_put_str(j, "apiVersion", "apidiscovery.k8s.io/v2");
	cJSON_AddObjectToObject(j, "metadata");
	each_group(core, add_aggregated, cJSON_AddArrayToObject(j, "items"));
	resp_json(r, 200, j);
	r->ctype = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
	cJSON_Delete(j);
	return true;
}

static void answer(sim_resp *r, cJSON *j)
{
	resp_json(r, 200, j);
	cJSON_Delete(j);
}

static cJSON *core_versions(void)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "APIVersions");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(j, "versions"), cJSON_CreateString("v1"));
	cJSON_AddArrayToObject(j, "serverAddressByClientCIDRs");
	return j;
}

static bool group_path(const char *path, sim_resp *r)
{
	char group[128] = "", version[32] = "", junk;
	int n = sscanf(path, "/apis/%127[^/]/%31[^/]%c", group, version, &junk);
	if (n < 1 || n > 2 || !kind_group_served(group, n == 2 ? version : NULL))
		return false;
	if (n == 2) {
		answer(r, resource_list(group, version));
		return true;
	}
	cJSON *all = group_list(), *g = NULL;
	for (cJSON *e = cJSON_GetObjectItem(all, "groups")->child; e; e = e->next)
		if (!strcmp(ns_json_str(e, "name", ""), group))
			g = e;
	cJSON *copy = cJSON_Duplicate(g, true);
	ns_json_put_str(copy, "kind", "APIGroup");
	ns_json_put_str(copy, "apiVersion", "v1");
	answer(r, copy);
	cJSON_Delete(all);
	return true;
}

bool discovery_handle(ns_sim *s, const sim_req *q, sim_resp *r)
{
	static const char *const healthy[] = {"/healthz", "/livez", "/readyz"};
	for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++)
		if (!strcmp(q->path, healthy[i])) {
			resp_text(r, 200, "ok");
			return true;
		}
	if (!strcmp(q->path, "/version")) {
		resp_text(r, 200, server_version);
		r->ctype = "application/json";
		return true;
	}
	if (!strcmp(q->path, "/api") || !strcmp(q->path, "/apis")) {
		bool core = !q->path[4];
		if (!aggregated(q, core, r))
			answer(r, core ? core_versions() : group_list());
		return true;
	}
	if (!strcmp(q->path, "/api/v1")) {
		answer(r, resource_list("", "v1"));
		return true;
	}
	return group_path(q->path, r);
}
