/* The three patch types: RFC 6902, RFC 7386, and Kubernetes' strategic merge, which merges the lists named in merge_keys by a key. */
#include "http_priv.h"
#include <stdlib.h>
#include <string.h>

sim_patch_type patch_type(const char *content_type)
{
	static const struct {
		const char *name;
		sim_patch_type type;
	} rows[] = {
	    {"application/json-patch+json", PATCH_JSON},
	    {"application/merge-patch+json", PATCH_MERGE},
	    {"application/strategic-merge-patch+json", PATCH_STRATEGIC},
	};
	size_t n = strcspn(content_type, "; ");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strlen(rows[i].name) == n && !strncmp(rows[i].name, content_type, n))
			return rows[i].type;
	return PATCH_NONE;
}

/* ---- RFC 6902 ---- */

/* Decodes one reference token ("~1" is '/', "~0" is '~') and moves *p behind it. */
static char *pointer_token(const char **p)
{
	size_t n = strcspn(*p, "/"), o = 0;
	char *t = ns_xmalloc(n + 1);
	for (size_t i = 0; i < n; i++) {
		if ((*p)[i] == '~' && ((*p)[i + 1] == '0' || (*p)[i + 1] == '1')) {
			t[o++] = (*p)[++i] == '1' ? '/' : '~';
			continue;
		}
		t[o++] = (*p)[i];
	}
	t[o] = '\0';
	*p += n;
	return t;
}

static bool array_index(const cJSON *arr, const char *token, int *at)
{
	char *end;
	long v = strtol(token, &end, 10);
	if (!*token || *end || v < 0 || (token[0] == '0' && token[1]) || v > cJSON_GetArraySize(arr))
		return false;
	*at = (int)v;
	return true;
}

static cJSON *step(const cJSON *at, const char *token)
{
	int i;
	if (cJSON_IsArray(at))
		return array_index(at, token, &i) ? cJSON_GetArrayItem(at, i) : NULL;
	return cJSON_IsObject(at) ? cJSON_GetObjectItemCaseSensitive(at, token) : NULL;
}

/* The parent of what the pointer names and its last token (caller frees). NULL when the way there is missing. */
static cJSON *pointer_parent(cJSON *doc, const char *path, char **last)
{
	*last = NULL;
	if (*path != '/')
		return NULL;
	for (cJSON *at = doc; at;) {
		path++;
		char *t = pointer_token(&path);
		if (!*path) {
			*last = t;
			return at;
		}
		at = step(at, t);
		free(t);
	}
	return NULL;
}

static cJSON *pointer_get(cJSON *doc, const char *path)
{
	if (!*path)
		return doc;
	char *last;
	cJSON *parent = pointer_parent(doc, path, &last);
	cJSON *v = parent ? step(parent, last) : NULL;
	free(last);
	return v;
}

/* Takes value. */
static bool pointer_add(cJSON *doc, const char *path, cJSON *value, bool replace)
{
	char *last = NULL;
	int i;
	cJSON *parent = pointer_parent(doc, path, &last);
	bool ok = false;
	if (last && cJSON_IsArray(parent)) {
		if (!strcmp(last, "-") && !replace)
			ok = cJSON_AddItemToArray(parent, value);
		else if (array_index(parent, last, &i) && replace && i < cJSON_GetArraySize(parent))
			ok = cJSON_ReplaceItemInArray(parent, i, value);
		else if (!replace && array_index(parent, last, &i))
			ok = cJSON_InsertItemInArray(parent, i, value);
	} else if (cJSON_IsObject(parent) && (!replace || cJSON_HasObjectItem(parent, last))) {
		json_set(parent, last, value);
		ok = true;
	}
	if (!ok)
		cJSON_Delete(value);
	free(last);
	return ok;
}

static cJSON *pointer_take(cJSON *doc, const char *path)
{
	char *last;
	cJSON *parent = pointer_parent(doc, path, &last);
	cJSON *v = parent ? step(parent, last) : NULL;
	free(last);
	return v ? cJSON_DetachItemViaPointer(parent, v) : NULL;
}

static bool json_op(cJSON *doc, const cJSON *op)
{
	const char *name = ns_json_str(op, "op", ""), *path = ns_json_str(op, "path", ""), *from = ns_json_str(op, "from", "");
	const cJSON *value = ns_json_get(op, "value");
	if (!strcmp(name, "test"))
		return value && cJSON_Compare(pointer_get(doc, path), value, true);
	if (!strcmp(name, "add") || !strcmp(name, "replace"))
		return value && pointer_add(doc, path, cJSON_Duplicate(value, true), !strcmp(name, "replace"));
	if (!strcmp(name, "remove")) {
		cJSON *gone = pointer_take(doc, path);
		cJSON_Delete(gone);
		return gone != NULL;
	}
	if (!strcmp(name, "move")) {
		cJSON *moved = pointer_take(doc, from);
		return moved && pointer_add(doc, path, moved, false);
	}
	if (!strcmp(name, "copy")) {
		const cJSON *src = pointer_get(doc, from);
		return src && pointer_add(doc, path, cJSON_Duplicate(src, true), false);
	}
	return false;
}

/* ---- RFC 7386 ---- */
static void merge(cJSON *target, const cJSON *patch)
{
	ns_json_each(p, patch)
	{
		cJSON *t = cJSON_GetObjectItemCaseSensitive(target, p->string);
		if (cJSON_IsNull(p))
			cJSON_DeleteItemFromObjectCaseSensitive(target, p->string);
		else if (cJSON_IsObject(p))
			merge(cJSON_IsObject(t) ? t : json_child(target, p->string), p);
		else
			json_set(target, p->string, cJSON_Duplicate(p, true));
	}
}

/* ---- strategic merge ---- */
/* clang-format off */
static const struct {
	const char *list, *key; /* key "": a list of plain values, merged as a set */
} merge_keys[] = {
	{"containers", "name"}, {"initContainers", "name"}, {"env", "name"}, {"volumes", "name"}, {"ports", "containerPort"},
	{"volumeMounts", "mountPath"}, {"volumeDevices", "devicePath"}, {"imagePullSecrets", "name"}, {"hostAliases", "ip"},
	{"conditions", "type"}, {"topologySpreadConstraints", "topologyKey"}, {"ownerReferences", "uid"}, {"finalizers", ""},
};

/* clang-format on */
static const char *merge_key(const char *list)
{
	for (size_t i = 0; list && i < sizeof merge_keys / sizeof *merge_keys; i++)
		if (!strcmp(merge_keys[i].list, list))
			return merge_keys[i].key;
	return NULL;
}

static void strategic(cJSON *target, const cJSON *patch);

static cJSON *list_find(cJSON *list, const char *key, const cJSON *want)
{
	for (cJSON *e = list->child; e; e = e->next)
		if (cJSON_Compare(*key ? cJSON_GetObjectItemCaseSensitive(e, key) : e, want, true))
			return e;
	return NULL;
}

static void strategic_list(cJSON *target, const cJSON *patch, const char *key)
{
	ns_json_each(p, patch) if (!strcmp(ns_json_str(p, "$patch", ""), "replace"))
	{
		while (target->child)
			cJSON_DeleteItemFromArray(target, 0);
		break;
	}
	ns_json_each(p, patch)
	{
		const char *directive = ns_json_str(p, "$patch", "");
		const cJSON *id = *key ? ns_json_get(p, key) : p;
		cJSON *t = id ? list_find(target, key, id) : NULL;
		if (!strcmp(directive, "delete")) {
			if (t)
				cJSON_Delete(cJSON_DetachItemViaPointer(target, t));
		} else if (t && cJSON_IsObject(p)) {
			strategic(t, p);
		} else if (!t && id) {
			cJSON *fresh = cJSON_IsObject(p) ? cJSON_CreateObject() : cJSON_Duplicate(p, true);
			if (cJSON_IsObject(p))
				strategic(fresh, p);
			cJSON_AddItemToArray(target, fresh);
		}
	}
}

static void delete_from_set(cJSON *target, const char *field, const cJSON *values)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(target, field);
	ns_json_each(v, values)
	{
		cJSON *e = cJSON_IsArray(list) ? list_find(list, "", v) : NULL;
		if (e)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, e));
	}
}

/* $retainKeys: of the object only these members stay (a strategy of another type drops rollingUpdate, say). */
static void retain_keys(cJSON *target, const cJSON *keys)
{
	for (cJSON *e = target->child, *next; e; e = next) {
		bool keep = false;
		next = e->next;
		ns_json_each(k, keys) keep |= cJSON_IsString(k) && !strcmp(k->valuestring, e->string);
		if (!keep)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, e));
	}
}

static void strategic(cJSON *target, const cJSON *patch)
{
	static const char delete_from[] = "$deleteFromPrimitiveList/";
	if (!strcmp(ns_json_str(patch, "$patch", ""), "replace"))
		while (target->child)
			cJSON_Delete(cJSON_DetachItemViaPointer(target, target->child));
	if (ns_json_get(patch, "$retainKeys"))
		retain_keys(target, ns_json_get(patch, "$retainKeys"));
	ns_json_each(p, patch)
	{
		if (!strncmp(p->string, delete_from, sizeof delete_from - 1))
			delete_from_set(target, p->string + sizeof delete_from - 1, p);
		if (p->string[0] == '$') /* the other directives only order lists */
			continue;
		cJSON *t = cJSON_GetObjectItemCaseSensitive(target, p->string);
		const char *key = merge_key(p->string);
		if (cJSON_IsNull(p) || !strcmp(ns_json_str(p, "$patch", ""), "delete")) {
			cJSON_DeleteItemFromObjectCaseSensitive(target, p->string);
		} else if (cJSON_IsObject(p)) {
			strategic(cJSON_IsObject(t) ? t : json_child(target, p->string), p);
		} else if (cJSON_IsArray(p) && key) {
			if (!cJSON_IsArray(t))
				json_set(target, p->string, t = cJSON_CreateArray());
			strategic_list(t, p, key);
		} else {
			json_set(target, p->string, cJSON_Duplicate(p, true));
		}
	}
}

cJSON *patch_apply(sim_patch_type type, const cJSON *target, const char *body, size_t n, sim_resp *r)
{
	ns_err err = {0};
	cJSON *patch = ns_json_parse(body, n, &ns_json_strict, &err);
	if (!patch || !(type == PATCH_JSON ? cJSON_IsArray(patch) : cJSON_IsObject(patch))) {
		status_error(r, 400, "BadRequest", NULL, NULL, "error decoding patch: %s",
		    patch ? "json: cannot unmarshal into Go value" : err.text);
		cJSON_Delete(patch);
		return NULL;
	}
	cJSON *out = cJSON_Duplicate(target, true);
	bool ok = true;
	if (type == PATCH_MERGE)
		merge(out, patch);
	else if (type == PATCH_STRATEGIC)
		strategic(out, patch);
	else
		for (const cJSON *op = patch->child; op && ok; op = op->next)
			ok = json_op(out, op);
	cJSON_Delete(patch);
	if (ok)
		return out;
	cJSON_Delete(out);
	/* The real server's words for every failed operation, test included. */
	status_error(r, 422, "Invalid", NULL, NULL, "the server rejected our request due to an error in our request");
	return NULL;
}
