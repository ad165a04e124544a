/* Making objects: metadata, uids, owner references, and the few tree operations that cJSON lacks. */
#include "sim_priv.h"
#include <stdio.h>
#include <string.h>

/* FNV-1a, then a finaliser (murmur3's) so that near names give far values. */
uint64_t sim_hash(const ns_sim *s, const char *what)
{
	uint64_t h = 0xcbf29ce484222325u ^ (s->seed * 0x9e3779b97f4a7c15u);
	for (const unsigned char *p = (const unsigned char *)what; *p; p++)
		h = (h ^ *p) * 0x100000001b3u;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static void object_uid(const ns_sim *s, const char *what, char out[40])
{
	char salted[700];
	uint64_t a = sim_hash(s, what);
	snprintf(salted, sizeof salted, "uid/%s", what);
	uint64_t b = sim_hash(s, salted);
	snprintf(out, 40, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
	    (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffffu));
}

cJSON *object_new(const ns_sim *s, sim_k k, const char *ns, const char *name, int64_t created_rel_ms)
{
	char api[96], stamp[32], uid[40], what[600];
	const sim_kind *kind = &sim_kinds[k];
	cJSON *j = cJSON_CreateObject();
	kind_api_version(kind, api);
	ns_json_put_str(j, "kind", kind->kind);
	ns_json_put_str(j, "apiVersion", api);
	cJSON *meta = cJSON_AddObjectToObject(j, "metadata");
	ns_json_put_str(meta, "name", name);
	if (kind->namespaced)
		ns_json_put_str(meta, "namespace", ns);
	snprintf(what, sizeof what, "%s/%s/%s/%lld", kind->resource, ns, name, (long long)created_rel_ms);
	object_uid(s, what, uid);
	ns_json_put_str(meta, "uid", uid);
	ns_json_put_str(meta, "resourceVersion", "");
	sim_stamp(s, created_rel_ms, stamp);
	ns_json_put_str(meta, "creationTimestamp", stamp);
	return j;
}

cJSON *owner_ref(const sim_obj *owner)
{
	char api[96];
	cJSON *r = cJSON_CreateObject();
	kind_api_version(owner->kind, api);
	ns_json_put_str(r, "apiVersion", api);
	ns_json_put_str(r, "kind", owner->kind->kind);
	ns_json_put_str(r, "name", owner->name);
	ns_json_put_str(r, "uid", ns_json_str(owner->j, "metadata.uid", ""));
	ns_json_put_bool(r, "controller", true);
	ns_json_put_bool(r, "blockOwnerDeletion", true);
	return r;
}

void json_set(cJSON *obj, const char *key, cJSON *item)
{
	if (cJSON_GetObjectItemCaseSensitive(obj, key))
		cJSON_ReplaceItemInObjectCaseSensitive(obj, key, item);
	else
		cJSON_AddItemToObject(obj, key, item);
}

cJSON *json_child(cJSON *obj, const char *key)
{
	cJSON *c = cJSON_GetObjectItemCaseSensitive(obj, key);
	if (cJSON_IsObject(c))
		return c;
	c = cJSON_CreateObject();
	json_set(obj, key, c);
	return c;
}

cJSON *json_obj(const cJSON *parent, const char *path)
{
	char key[128];
	while (parent && *path) {
		size_t n = strcspn(path, ".");
		snprintf(key, sizeof key, "%.*s", (int)n, path);
		parent = cJSON_GetObjectItemCaseSensitive(parent, key);
		path += n + (path[n] == '.');
	}
	union {
		const cJSON *c;
		cJSON *m;
	} u = {parent}; /* the caller owns the tree */
	return u.m;
}
