/* Walks the field tables. A null member counts as absent; absent strings read as "", absent numbers as 0. */
#include "facts_codec.h"

#include <limits.h>
#include <string.h>

_Static_assert(sizeof(ns_field_type) == sizeof(int), "enums are read and written as int");

static const void *at(const void *fact, size_t offset)
{
	return (const char *)fact + offset;
}

static void *slot(void *fact, size_t offset)
{
	return (char *)fact + offset;
}

/* ---- struct to JSON ---- */

static cJSON *encode_strings(const char *const *list, size_t n)
{
	cJSON *arr = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(arr, cJSON_CreateString(list[i] ? list[i] : ""));
	return arr;
}

static cJSON *encode_list(const ns_codec *sub, const void *first, size_t n)
{
	cJSON *arr = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(arr, ns_codec_encode(sub, at(first, i * sub->size)));
	return arr;
}

static size_t argv_len(const char *const *argv)
{
	size_t n = 0;
	while (argv[n])
		n++;
	return n;
}

static void encode_field(cJSON *obj, const ns_field *f, const void *fact)
{
	const void *p = at(fact, f->offset);
	switch (f->type) {
	case NS_F_STR: ns_json_put_str(obj, f->key, *(const char *const *)p); break;
	case NS_F_CHARS: ns_json_put_str(obj, f->key, p); break;
	case NS_F_INT: ns_json_put_int(obj, f->key, *(const int *)p); break;
	case NS_F_I64: ns_json_put_int(obj, f->key, *(const int64_t *)p); break;
	case NS_F_DOUBLE: ns_json_put_num(obj, f->key, *(const double *)p); break;
	case NS_F_BOOL: ns_json_put_bool(obj, f->key, *(const bool *)p); break;
	case NS_F_ENUM: {
		int v;
		memcpy(&v, p, sizeof v);
		ns_json_put_str(obj, f->key, f->names->name(v));
		break;
	}
	case NS_F_STRINGS: {
		const char *const *list = *(const char *const *const *)p;
		cJSON_AddItemToObject(obj, f->key, encode_strings(list, *(const size_t *)at(fact, f->count_offset)));
		break;
	}
	case NS_F_ARGV: {
		const char *const *argv = *(const char *const *const *)p;
		if (argv)
			cJSON_AddItemToObject(obj, f->key, encode_strings(argv, argv_len(argv)));
		break;
	}
	case NS_F_STRUCT: cJSON_AddItemToObject(obj, f->key, ns_codec_encode(f->sub, p)); break;
	case NS_F_LIST: {
		const void *list;
		memcpy(&list, p, sizeof list);
		cJSON_AddItemToObject(obj, f->key, encode_list(f->sub, list, *(const size_t *)at(fact, f->count_offset)));
		break;
	}
	}
}

cJSON *ns_codec_encode(const ns_codec *c, const void *fact)
{
	cJSON *obj = cJSON_CreateObject();
	for (size_t i = 0; i < c->n_fields; i++)
		encode_field(obj, &c->fields[i], fact);
	return obj;
}

/* ---- JSON to struct ---- */

typedef struct decoder {
	ns_arena *ar;
	ns_err *err;
} decoder;

static bool fill(decoder *d, const ns_codec *c, void *fact, const cJSON *j);

static bool wrong(decoder *d, const ns_codec *c, const ns_field *f, const char *wanted)
{
	return ns_fail(d->err, NS_E_INVALID, "%s: %s must be %s", c->what, f->key, wanted);
}

/* NULL-terminated copy; NULL when an element is no string. */
static const char *const *decode_strings(decoder *d, const cJSON *arr, size_t *n)
{
	if (!cJSON_IsArray(arr))
		return NULL;
	const char **list = ns_arena_alloc(d->ar, (ns_json_len(arr) + 1) * sizeof *list);
	*n = 0;
	ns_json_each(e, arr)
	{
		if (!cJSON_IsString(e))
			return NULL;
		list[(*n)++] = ns_arena_strdup(d->ar, e->valuestring);
	}
	return list;
}

static bool decode_list(decoder *d, const ns_codec *c, const ns_field *f, void *fact, const cJSON *arr)
{
	if (!cJSON_IsArray(arr))
		return wrong(d, c, f, "an array");
	size_t i = 0, n = ns_json_len(arr);
	void *list = ns_arena_alloc(d->ar, n * f->sub->size);
	ns_json_each(e, arr)
	{
		if (!fill(d, f->sub, slot(list, i++ * f->sub->size), e))
			return ns_err_wrap(d->err, "%s: %s", c->what, f->key);
	}
	memcpy(slot(fact, f->offset), &list, sizeof list);
	*(size_t *)slot(fact, f->count_offset) = n;
	return true;
}

static bool decode_enum(void *p, const ns_names *names, const cJSON *v)
{
	for (int i = 0; cJSON_IsString(v) && i < names->count; i++)
		if (strcmp(names->name(i), v->valuestring) == 0) {
			memcpy(p, &i, sizeof i);
			return true;
		}
	return false;
}

static bool decode_chars(char *p, size_t size, const cJSON *v)
{
	return cJSON_IsString(v) && ns_copy(p, size, v->valuestring);
}

/* What a member reads as when it is not there; everything else is zero from the arena. */
static bool absent(decoder *d, const ns_codec *c, const ns_field *f, void *p)
{
	if (f->required)
		return wrong(d, c, f, "present");
	if (f->type == NS_F_STR)
		*(const char **)p = "";
	return f->type != NS_F_STRUCT || fill(d, f->sub, p, NULL);
}

static bool decode_field(decoder *d, const ns_codec *c, const ns_field *f, void *fact, const cJSON *j)
{
	void *p = slot(fact, f->offset);
	const cJSON *v = ns_json_get(j, f->key);
	int64_t i = 0;
	size_t n = 0;
	if (!v || cJSON_IsNull(v))
		return absent(d, c, f, p);
	switch (f->type) {
	case NS_F_STR:
		if (!cJSON_IsString(v))
			return wrong(d, c, f, "a string");
		*(const char **)p = ns_arena_strdup(d->ar, v->valuestring);
		return true;
	case NS_F_CHARS: return decode_chars(p, f->size, v) || wrong(d, c, f, "a string that fits");
	case NS_F_INT:
		if (!ns_json_int(j, f->key, &i) || i < INT_MIN || i > INT_MAX)
			return wrong(d, c, f, "a 32 bit integer");
		*(int *)p = (int)i;
		return true;
	case NS_F_I64: return ns_json_int(j, f->key, p) || wrong(d, c, f, "an integer");
	case NS_F_DOUBLE:
		if (!cJSON_IsNumber(v) && !cJSON_IsRaw(v))
			return wrong(d, c, f, "a number");
		*(double *)p = ns_json_num_or(j, f->key, 0);
		return true;
	case NS_F_BOOL:
		if (!cJSON_IsBool(v))
			return wrong(d, c, f, "true or false");
		*(bool *)p = cJSON_IsTrue(v);
		return true;
	case NS_F_ENUM: return decode_enum(p, f->names, v) || wrong(d, c, f, "one of the known words");
	case NS_F_STRINGS:
	case NS_F_ARGV: {
		const char *const *list = decode_strings(d, v, &n);
		if (!list)
			return wrong(d, c, f, "an array of strings");
		*(const char *const **)p = list;
		if (f->type == NS_F_STRINGS)
			*(size_t *)slot(fact, f->count_offset) = n;
		return true;
	}
	case NS_F_STRUCT: return fill(d, f->sub, p, v) || ns_err_wrap(d->err, "%s: %s", c->what, f->key);
	case NS_F_LIST: return decode_list(d, c, f, fact, v);
	}
	return false;
}

/* j NULL: every member is absent. */
static bool fill(decoder *d, const ns_codec *c, void *fact, const cJSON *j)
{
	if (j && !cJSON_IsObject(j))
		return ns_fail(d->err, NS_E_INVALID, "%s must be an object", c->what);
	for (size_t i = 0; i < c->n_fields; i++)
		if (!decode_field(d, c, &c->fields[i], fact, j))
			return false;
	return true;
}

void *ns_codec_decode(const ns_codec *c, ns_arena *ar, const cJSON *j, ns_err *err)
{
	decoder d = {.ar = ar, .err = err};
	if (!cJSON_IsObject(j)) {
		ns_fail(err, NS_E_INVALID, "%s must be an object", c->what);
		return NULL;
	}
	void *fact = ns_arena_alloc(ar, c->size);
	return fill(&d, c, fact, j) ? fact : NULL;
}
