/* RFC 6902 on cJSON trees, as far as the executor sends it: add, remove, replace, test. It proves in code that a plan's inverse really gives
 * the original back, so it is strict where the server is: a path must exist, an index has no leading zero, an unknown operation is an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "executor_priv.h"

enum { MAX_POINTER = 2048 };

/* Takes one reference token off *p (which points at its '/') and unescapes it: ~1 is '/', ~0 is '~', any other '~' is malformed. */
static bool next_token(const char **p, char *out, size_t cap)
{
	size_t n = 0;
	const char *s = *p + 1;
	for (; *s && *s != '/'; s++) {
		char c = *s;
		if (c == '~') {
			s++;
			if (*s != '0' && *s != '1')
				return false;
			c = *s == '0' ? '~' : '/';
		}
		if (n + 1 >= cap)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	*p = s;
	return true;
}

static bool array_index(const char *token, int *out)
{
	if (!*token || strlen(token) > 6 || token[strspn(token, "0123456789")] || (*token == '0' && token[1]))
		return false;
	*out = (int)strtol(token, NULL, 10);
	return true;
}

static cJSON *child_of(cJSON *parent, const char *token)
{
	int i;
	if (cJSON_IsObject(parent))
		return cJSON_GetObjectItemCaseSensitive(parent, token);
	return cJSON_IsArray(parent) && array_index(token, &i) ? cJSON_GetArrayItem(parent, i) : NULL;
}

/* The parent of what the pointer names, and the last token. NULL when the way there does not exist. */
static cJSON *locate(cJSON *doc, const char *pointer, char *last, size_t cap)
{
	if (*pointer != '/' || strlen(pointer) >= MAX_POINTER)
		return NULL;
	cJSON *at = doc;
	while (next_token(&pointer, last, cap)) {
		if (!*pointer)
			return cJSON_IsObject(at) || cJSON_IsArray(at) ? at : NULL;
		at = child_of(at, last);
		if (!at)
			return NULL;
	}
	return NULL;
}

const cJSON *ns_patch_find(const cJSON *doc, const char *pointer)
{
	char last[256];
	cJSON *parent = locate((cJSON *)(uintptr_t)doc, pointer, last, sizeof last); /* looks only */
	return parent ? child_of(parent, last) : NULL;
}

static void set_member(cJSON *parent, const char *key, cJSON *value)
{
	if (cJSON_GetObjectItemCaseSensitive(parent, key))
		cJSON_ReplaceItemInObjectCaseSensitive(parent, key, value);
	else
		cJSON_AddItemToObject(parent, key, value);
}

static bool do_add(cJSON *parent, const char *last, const cJSON *value)
{
	int i = 0, size = cJSON_GetArraySize(parent);
	bool at_end = strcmp(last, "-") == 0;
	if (cJSON_IsObject(parent)) {
		set_member(parent, last, cJSON_Duplicate(value, true));
		return true;
	}
	if (!at_end && (!array_index(last, &i) || i > size))
		return false;
	cJSON_AddItemToArray(parent, cJSON_Duplicate(value, true));
	for (int k = at_end ? size : i; k < size; k++) /* those behind it go behind it; cJSON 1.7.15 cannot insert in the middle */
		cJSON_AddItemToArray(parent, cJSON_DetachItemFromArray(parent, i));
	return true;
}

static bool do_replace(cJSON *parent, const char *last, const cJSON *value)
{
	cJSON *old = child_of(parent, last);
	if (old && cJSON_IsObject(parent))
		set_member(parent, last, cJSON_Duplicate(value, true)); /* gives it its new key; the pointer form keeps "value" */
	else if (old)
		cJSON_ReplaceItemViaPointer(parent, old, cJSON_Duplicate(value, true));
	return old != NULL;
}

static bool do_remove(cJSON *parent, const char *last, const cJSON *value)
{
	cJSON *old = child_of(parent, last);
	if (old)
		cJSON_Delete(cJSON_DetachItemViaPointer(parent, old));
	return old != NULL;
}

static bool do_test(cJSON *parent, const char *last, const cJSON *value)
{
	return ns_json_same(child_of(parent, last), value);
}

static const struct {
	const char *name;
	bool wants_value;
	bool (*run)(cJSON *parent, const char *last, const cJSON *value);
} operations[] = {
    {"add", true, do_add},
    {"replace", true, do_replace},
    {"remove", false, do_remove},
    {"test", true, do_test},
};

static bool apply_one(cJSON *doc, const cJSON *op, ns_err *err)
{
	const char *name = ns_json_str(op, "op", ""), *path = ns_json_str(op, "path", "");
	const cJSON *value = ns_json_get(op, "value");
	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		if (strcmp(operations[i].name, name) != 0)
			continue;
		char last[MAX_POINTER];
		cJSON *parent = locate(doc, path, last, sizeof last);
		if (!parent || (operations[i].wants_value && !value) || !operations[i].run(parent, last, value))
			return ns_fail(err, NS_E_CONFLICT, "the patch does not apply: %s %.200s", name, path);
		return true;
	}
	return ns_fail(err, NS_E_INVALID, "the patch has an operation \"%.40s\"", name);
}

cJSON *ns_patch_apply(const cJSON *doc, const cJSON *ops, ns_err *err)
{
	cJSON *copy = cJSON_Duplicate(doc, true);
	if (!copy || !cJSON_IsArray(ops)) {
		cJSON_Delete(copy);
		ns_fail(err, NS_E_INVALID, "a patch is a list of operations");
		return NULL;
	}
	ns_json_each(op, ops)
		if (!apply_one(copy, op, err)) {
			cJSON_Delete(copy);
			return NULL;
		}
	return copy;
}
