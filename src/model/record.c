/* Walks the field tables in both directions. */
#include "neuroscale/model/record.h"
#include <stdint.h>
#include <string.h>

enum { MAX_ELEMENTS = 65536 };

/* A field's address inside a record that may be written. */
static void *at(void *rec, size_t off)
{
	return (char *)rec + off;
}
static const void *at_const(const void *rec, size_t off)
{
	return (const char *)rec + off;
}

static void put_list(cJSON *arr, const ns_field *f, const void *rec)
{
	const char *base;
	size_t n;
	memcpy(&base, at_const(rec, f->off), sizeof base);
	memcpy(&n, at_const(rec, f->off_n), sizeof n);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(arr, ns_record_encode(f->sub, base + i * f->sub_size));
}

static void put_strings(cJSON *arr, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(arr, cJSON_CreateString(list[i] ? list[i] : ""));
}

static void put_argv(cJSON *obj, const char *key, const char *const *argv)
{
	size_t n = 0;
	while (argv && argv[n])
		n++;
	if (argv)
		put_strings(cJSON_AddArrayToObject(obj, key), argv, n);
}

cJSON *ns_record_encode(const ns_field *table, const void *rec)
{
	cJSON *obj = cJSON_CreateObject();
	for (const ns_field *f = table; f->key; f++) {
		const void *p = at_const(rec, f->off);
		switch (f->type) {
		case NS_F_STR: ns_json_put_str(obj, f->key, *(const char *const *)p); break;
		case NS_F_CHARS: ns_json_put_str(obj, f->key, p); break;
		case NS_F_I64: ns_json_put_int(obj, f->key, *(const int64_t *)p); break;
		case NS_F_INT: ns_json_put_int(obj, f->key, *(const int *)p); break;
		case NS_F_SIZE: ns_json_put_int(obj, f->key, (int64_t) * (const size_t *)p); break;
		case NS_F_DBL: ns_json_put_num(obj, f->key, *(const double *)p); break;
		case NS_F_BOOL: ns_json_put_bool(obj, f->key, *(const bool *)p); break;
		case NS_F_ENUM: ns_json_put_str(obj, f->key, f->name(*(const int *)p)); break;
		case NS_F_STRS:
			put_strings(
			    cJSON_AddArrayToObject(obj, f->key), *(const char *const *const *)p, *(const size_t *)at_const(rec, f->off_n));
			break;
		case NS_F_ARGV: put_argv(obj, f->key, *(const char *const *const *)p); break;
		case NS_F_LIST: put_list(cJSON_AddArrayToObject(obj, f->key), f, rec); break;
		case NS_F_REC: cJSON_AddItemToObject(obj, f->key, ns_record_encode(f->sub, p)); break;
		}
	}
	return obj;
}

static bool wrong(ns_err *err, const ns_field *f, const char *wanted)
{
	return ns_fail(err, NS_E_INVALID, "\"%s\" is not %s", f->key, wanted);
}

static bool get_enum(const cJSON *v, const ns_field *f, void *p, ns_err *err)
{
	if (!cJSON_IsString(v))
		return wrong(err, f, "a string");
	for (int i = 0; i < f->count; i++) {
		if (strcmp(f->name(i), v->valuestring) == 0) {
			*(int *)p = i;
			return true;
		}
	}
	return wrong(err, f, "a known word");
}

static bool get_fields(ns_arena *ar, const cJSON *obj, const ns_field *table, void *rec, ns_err *err);

static bool get_list(ns_arena *ar, const cJSON *v, const ns_field *f, void *rec, ns_err *err)
{
	if (!cJSON_IsArray(v))
		return wrong(err, f, "an array");
	size_t n = ns_json_len(v), i = 0;
	if (n > MAX_ELEMENTS)
		return wrong(err, f, "a list of at most 65536 elements");
	bool strings = f->type != NS_F_LIST;
	size_t size = strings ? sizeof(char *) : f->sub_size;
	char *base = ns_arena_alloc(ar, (n + 1) * size); /* one zeroed element more: string lists end in NULL */
	ns_json_each(item, v)
	{
		if (strings) {
			if (!cJSON_IsString(item))
				return wrong(err, f, "a list of strings");
			const char *s = ns_arena_strdup(ar, item->valuestring);
			memcpy(base + i * size, &s, sizeof s);
		} else if (!cJSON_IsObject(item)) {
			return wrong(err, f, "a list of objects");
		} else if (!get_fields(ar, item, f->sub, base + i * size, err)) {
			return ns_err_wrap(err, "%s[%zu]", f->key, i);
		}
		i++;
	}
	memcpy(at(rec, f->off), &base, sizeof base);
	if (f->type != NS_F_ARGV)
		memcpy(at(rec, f->off_n), &n, sizeof n);
	return true;
}

/* An absent record still gets its defaults. */
static bool get_record(ns_arena *ar, const cJSON *v, const ns_field *f, void *p, ns_err *err)
{
	if (v && !cJSON_IsNull(v) && !cJSON_IsObject(v))
		return wrong(err, f, "an object");
	return get_fields(ar, v, f->sub, p, err) || ns_err_wrap(err, "%s", f->key);
}

static bool get_scalar(ns_arena *ar, const cJSON *v, const ns_field *f, void *p, ns_err *err)
{
	int64_t i = 0;
	switch (f->type) {
	case NS_F_STR:
		if (!cJSON_IsString(v))
			return wrong(err, f, "a string");
		*(const char **)p = ns_arena_strdup(ar, v->valuestring);
		return true;
	case NS_F_CHARS:
		if (!cJSON_IsString(v) || strlen(v->valuestring) >= f->sub_size)
			return wrong(err, f, "a string of the right size");
		memcpy(p, v->valuestring, strlen(v->valuestring) + 1);
		return true;
	case NS_F_DBL:
		if (!cJSON_IsNumber(v) && !cJSON_IsRaw(v))
			return wrong(err, f, "a number");
		*(double *)p = ns_json_num_or(v, "", 0);
		return true;
	case NS_F_BOOL:
		if (!cJSON_IsBool(v))
			return wrong(err, f, "true or false");
		*(bool *)p = cJSON_IsTrue(v);
		return true;
	default: break;
	}
	if (!ns_json_int(v, "", &i))
		return wrong(err, f, "an integer");
	if (f->type == NS_F_I64)
		*(int64_t *)p = i;
	else if (f->type == NS_F_SIZE && i >= 0)
		*(size_t *)p = (size_t)i;
	else if (f->type == NS_F_INT && i >= INT32_MIN && i <= INT32_MAX)
		*(int *)p = (int)i;
	else
		return wrong(err, f, "in range");
	return true;
}

/* Absent strings become "" so that nobody has to ask for NULL. */
static void set_blank(const ns_field *f, void *rec)
{
	static const char *const none[1];
	if (f->type == NS_F_STR)
		*(const char **)at(rec, f->off) = "";
	else if (f->type == NS_F_STRS)
		*(const char *const **)at(rec, f->off) = none;
}

static bool set_default(const ns_field *f, void *rec, ns_err *err)
{
	if (f->required)
		return wrong(err, f, "there");
	set_blank(f, rec);
	return true;
}

/* obj NULL: every key is absent. */
static bool get_fields(ns_arena *ar, const cJSON *obj, const ns_field *table, void *rec, ns_err *err)
{
	for (const ns_field *f = table; f->key; f++) {
		const cJSON *v = ns_json_get(obj, f->key);
		void *p = at(rec, f->off);
		bool ok = true;
		if (f->type == NS_F_REC)
			ok = get_record(ar, v, f, p, err);
		else if (!v || cJSON_IsNull(v))
			ok = set_default(f, rec, err);
		else if (f->type == NS_F_ENUM)
			ok = get_enum(v, f, p, err);
		else if (f->type == NS_F_STRS || f->type == NS_F_ARGV || f->type == NS_F_LIST)
			ok = get_list(ar, v, f, rec, err);
		else
			ok = get_scalar(ar, v, f, p, err);
		if (!ok)
			return false;
	}
	return true;
}

void ns_record_blank(const ns_field *table, void *rec)
{
	for (const ns_field *f = table; f->key; f++) {
		if (f->type == NS_F_REC)
			ns_record_blank(f->sub, at(rec, f->off));
		else
			set_blank(f, rec);
	}
}

bool ns_record_decode(ns_arena *ar, const cJSON *obj, const ns_field *table, void *rec, ns_err *err)
{
	if (!cJSON_IsObject(obj))
		return ns_fail(err, NS_E_INVALID, "not an object");
	return get_fields(ar, obj, table, rec, err);
}
