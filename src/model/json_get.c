/* Looking things up in a tree, and building one. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_priv.h"
#include "neuroscale/model/json.h"

static const double LARGEST_EXACT = 9007199254740992.0; /* 2^53 */

static const cJSON *member(const cJSON *j, const char *key, size_t n)
{
	if (!cJSON_IsObject(j))
		return NULL;
	for (const cJSON *c = j->child; c; c = c->next)
		if (strncmp(c->string, key, n) == 0 && !c->string[n])
			return c;
	return NULL;
}

const cJSON *ns_json_get(const cJSON *j, const char *key)
{
	return member(j, key, strlen(key));
}

const cJSON *ns_json_path(const cJSON *j, const char *path)
{
	if (!*path)
		return j;
	while (j) {
		size_t n = strcspn(path, ".");
		j = member(j, path, n);
		if (!path[n])
			return j;
		path += n + 1;
	}
	return NULL;
}

const char *ns_json_str(const cJSON *j, const char *path, const char *dflt)
{
	const cJSON *v = ns_json_path(j, path);
	return cJSON_IsString(v) ? v->valuestring : dflt;
}

bool ns_json_int(const cJSON *j, const char *path, int64_t *out)
{
	const cJSON *v = ns_json_path(j, path);
	if (cJSON_IsNumber(v)) {
		if (fabs(v->valuedouble) > LARGEST_EXACT || v->valuedouble != floor(v->valuedouble))
			return false;
		*out = (int64_t)v->valuedouble;
		return true;
	}
	if (!cJSON_IsRaw(v))
		return false;
	char *end;
	errno = 0;
	long long big = strtoll(v->valuestring, &end, 10);
	if (errno || end == v->valuestring || *end)
		return false;
	*out = big;
	return true;
}

int64_t ns_json_int_or(const cJSON *j, const char *path, int64_t dflt)
{
	int64_t v;
	return ns_json_int(j, path, &v) ? v : dflt;
}

double ns_json_num_or(const cJSON *j, const char *path, double dflt)
{
	const cJSON *v = ns_json_path(j, path);
	if (cJSON_IsNumber(v))
		return v->valuedouble;
	return cJSON_IsRaw(v) ? strtod(v->valuestring, NULL) : dflt;
}

bool ns_json_bool_or(const cJSON *j, const char *path, bool dflt)
{
	const cJSON *v = ns_json_path(j, path);
	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : dflt;
}

const cJSON *ns_json_named(const cJSON *arr, const char *name)
{
	ns_json_each(x, arr)
		if (strcmp(ns_json_str(x, "name", ""), name) == 0)
			return x;
	return NULL;
}

size_t ns_json_len(const cJSON *arr)
{
	size_t n = 0;
	if (cJSON_IsArray(arr))
		for (const cJSON *c = arr->child; c; c = c->next)
			n++;
	return n;
}

static void put(cJSON *obj, const char *key, cJSON *value)
{
	cJSON *there = obj->child;
	while (there && strcmp(there->string, key) != 0)
		there = there->next;
	if (there)
		cJSON_DeleteItemFromObjectCaseSensitive(obj, key);
	if (!value || !cJSON_AddItemToObject(obj, key, value))
		abort(); /* out of memory, or obj is no object: a mistake in the caller */
}

void ns_json_put_str(cJSON *obj, const char *key, const char *value)
{
	put(obj, key, cJSON_CreateString(value ? value : ""));
}

void ns_json_put_int(cJSON *obj, const char *key, int64_t value)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%" PRId64, value);
	put(obj, key, ns_json_int_is_big(text, (size_t)n) ? cJSON_CreateRaw(text) : cJSON_CreateNumber((double)value));
}

void ns_json_put_num(cJSON *obj, const char *key, double value)
{
	put(obj, key, cJSON_CreateNumber(value));
}

void ns_json_put_bool(cJSON *obj, const char *key, bool value)
{
	put(obj, key, cJSON_CreateBool(value));
}
