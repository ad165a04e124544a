/* libyaml's events, built into a tree on an explicit stack. */
#include "neuroscale/model/yaml.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "json_priv.h"
#include "neuroscale/base/text.h"

enum { MAX_DEPTH = 64, MAX_NODES = 100 * 1000, DEFAULT_MAX_BYTES = 1 << 20, LONGEST_NUMBER = 63 };

/* A key of an open mapping, remembered with its place for the duplicate check at the mapping's end. */
typedef struct seen_key {
	char *text;
	yaml_mark_t mark;
} seen_key;

/* An open mapping or sequence. */
typedef struct frame {
	cJSON *node;
	char *key; /* of a mapping: read, its value not yet */
	seen_key *keys;
	size_t n_keys, cap_keys;
} frame;

typedef struct reader {
	const char *name;
	int line_offset;
	ns_err *err;
	cJSON *root;
	frame stack[MAX_DEPTH];
	int depth;
	size_t nodes;
	bool document_seen, done;
} reader;

static bool bad(const reader *r, yaml_mark_t at, ns_code code, const char *what, const char *detail)
{
	return ns_fail(r->err, code, "%s:%zu:%zu: %s%s%s", r->name, at.line + 1 + (size_t)r->line_offset, at.column + 1, what,
	    detail ? " " : "", detail ? detail : "");
}

/* ---- scalars: the core schema of YAML 1.2 ---- */

static cJSON *word_scalar(const char *s)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	if (ns_listed(s, nulls))
		return cJSON_CreateNull();
	if (ns_listed(s, trues))
		return cJSON_CreateTrue();
	return ns_listed(s, falses) ? cJSON_CreateFalse() : NULL;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

static bool looks_decimal(const char *s)
{
	s += *s == '-' || *s == '+';
	size_t n = digits(s);
	return n && !s[n];
}

static bool looks_float(const char *s)
{
	s += *s == '-' || *s == '+';
	size_t whole = digits(s), part = 0;
	s += whole;
	if (*s == '.') {
		part = digits(++s);
		s += part;
	}
	if (!whole && !part)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		size_t exponent = digits(s);
		if (!exponent)
			return false;
		s += exponent;
	}
	return !*s;
}

static int radix(const char *s)
{
	if (s[0] != '0' || (s[1] != 'x' && s[1] != 'o') || !s[2])
		return 0;
	const char *set = s[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567";
	return s[2 + strspn(s + 2, set)] ? 0 : s[1] == 'x' ? 16 : 8;
}

static bool looks_infinite(const char *s)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", NULL}, *const nans[] = {".nan", ".NaN", ".NAN", NULL};
	return ns_listed(s, nans) || ns_listed(s + (*s == '-' || *s == '+'), words);
}

/* "+007" is 7; the text of a large integer is kept. */
static cJSON *decimal_scalar(const char *s)
{
	bool negative = *s == '-';
	s += *s == '-' || *s == '+';
	while (*s == '0' && s[1])
		s++;
	char text[LONGEST_NUMBER + 2] = "-";
	ns_copy(text + negative, sizeof text - negative, s); /* its length was checked */
	cJSON *node = cJSON_CreateNumber(strtod(text, NULL));
	if (ns_json_int_is_big(text, strlen(text)))
		ns_json_make_raw(node, text, strlen(text));
	return node;
}

static cJSON *number_scalar(reader *r, const yaml_event_t *e, const char *s)
{
	const char *too_large = "number out of range:";
	if (looks_infinite(s)) {
		bad(r, e->start_mark, NS_E_INVALID, "not a finite number:", s);
		return NULL;
	}
	if (strlen(s) > LONGEST_NUMBER) {
		bad(r, e->start_mark, NS_E_INVALID, too_large, s);
		return NULL;
	}
	if (looks_decimal(s))
		return decimal_scalar(s);
	int base = radix(s);
	double v = base ? (double)strtoull(s + 2, NULL, base) : strtod(s, NULL);
	if (base ? v > 9007199254740992.0 : !isfinite(v)) {
		bad(r, e->start_mark, NS_E_INVALID, too_large, s);
		return NULL;
	}
	return cJSON_CreateNumber(v);
}

/* NULL with err set on error. */
static cJSON *scalar(reader *r, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value, *tag = (const char *)e->data.scalar.tag;
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (tag && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0) {
		bad(r, e->start_mark, NS_E_UNSUPPORTED, "tags are not supported:", tag);
		return NULL;
	}
	if (!plain || tag)
		return cJSON_CreateString(s);
	cJSON *word = word_scalar(s);
	if (word)
		return word;
	if (looks_decimal(s) || looks_float(s) || radix(s) || looks_infinite(s))
		return number_scalar(r, e, s);
	return cJSON_CreateString(s);
}

/* ---- building ---- */

static int by_text(const void *a, const void *b)
{
	const seen_key *x = a, *y = b;
	int d = strcmp(x->text, y->text);
	return d ? d : (x->mark.index > y->mark.index) - (x->mark.index < y->mark.index);
}

static bool keys_unique(reader *r, frame *f)
{
	if (f->n_keys)
		qsort(f->keys, f->n_keys, sizeof *f->keys, by_text);
	for (size_t i = 1; i < f->n_keys; i++)
		if (strcmp(f->keys[i - 1].text, f->keys[i].text) == 0)
			return bad(r, f->keys[i].mark, NS_E_INVALID, "the key occurs twice:", f->keys[i].text);
	return true;
}

static void frame_free(frame *f)
{
	for (size_t i = 0; i < f->n_keys; i++)
		free(f->keys[i].text);
	free(f->keys);
	free(f->key);
	*f = (frame){0};
}

static void keep_key(frame *f, const char *text, yaml_mark_t mark)
{
	if (f->n_keys == f->cap_keys) {
		f->cap_keys = f->cap_keys ? 2 * f->cap_keys : 8;
		f->keys = ns_xrealloc(f->keys, f->cap_keys * sizeof *f->keys);
	}
	f->keys[f->n_keys++] = (seen_key){ns_xstrdup(text), mark};
	f->key = ns_xstrdup(text);
}

static void add(reader *r, cJSON *node)
{
	frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
	if (!f) {
		r->root = node;
	} else if (cJSON_IsArray(f->node)) {
		cJSON_AddItemToArray(f->node, node);
	} else {
		cJSON_AddItemToObject(f->node, f->key, node);
		free(f->key);
		f->key = NULL;
	}
}

static bool key_wanted(const reader *r)
{
	const frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
	return f && cJSON_IsObject(f->node) && !f->key;
}

static bool on_scalar(reader *r, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;
	if (strlen(s) != e->data.scalar.length)
		return bad(r, e->start_mark, NS_E_INVALID, "a NUL character in a string", NULL);
	if (key_wanted(r)) {
		keep_key(&r->stack[r->depth - 1], s, e->start_mark);
		return true;
	}
	cJSON *node = scalar(r, e);
	if (!node)
		return false;
	add(r, node);
	return true;
}

static bool on_open(reader *r, const yaml_event_t *e, cJSON *node, const yaml_char_t *tag)
{
	bool ok = true;
	if (key_wanted(r))
		ok = bad(r, e->start_mark, NS_E_INVALID, "a key must be a plain word or a string", NULL);
	else if (tag)
		ok = bad(r, e->start_mark, NS_E_UNSUPPORTED, "tags are not supported:", (const char *)tag);
	else if (r->depth == MAX_DEPTH)
		ok = bad(r, e->start_mark, NS_E_TOOBIG, "nested too deep", NULL);
	if (!ok) {
		cJSON_Delete(node);
		return false;
	}
	add(r, node);
	r->stack[r->depth++] = (frame){.node = node};
	return true;
}

static bool on_close(reader *r)
{
	frame *f = &r->stack[r->depth - 1];
	bool ok = keys_unique(r, f);
	frame_free(f);
	r->depth--;
	return ok;
}

static bool on_event(reader *r, const yaml_event_t *e)
{
	if (++r->nodes > MAX_NODES)
		return bad(r, e->start_mark, NS_E_TOOBIG, "too many nodes", NULL);
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->document_seen)
			return bad(r, e->start_mark, NS_E_INVALID, "a second document begins", NULL);
		r->document_seen = true;
		return true;
	case YAML_SCALAR_EVENT: return on_scalar(r, e);
	case YAML_MAPPING_START_EVENT: return on_open(r, e, cJSON_CreateObject(), e->data.mapping_start.tag);
	case YAML_SEQUENCE_START_EVENT: return on_open(r, e, cJSON_CreateArray(), e->data.sequence_start.tag);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT: return on_close(r);
	case YAML_ALIAS_EVENT: return bad(r, e->start_mark, NS_E_UNSUPPORTED, "aliases are not supported", NULL);
	case YAML_STREAM_END_EVENT: r->done = true; return true;
	default: return true;
	}
}

static bool parser_failed(const reader *r, const yaml_parser_t *p)
{
	/* A decoding problem has no mark of its own, only an offset; the reader's place is near enough. */
	yaml_mark_t at = p->error == YAML_READER_ERROR ? p->mark : p->problem_mark;
	return bad(r, at, NS_E_INVALID, p->problem ? p->problem : "cannot be read", NULL);
}

static bool read_events(reader *r, yaml_parser_t *p)
{
	while (!r->done) {
		yaml_event_t e;
		if (!yaml_parser_parse(p, &e))
			return parser_failed(r, p);
		bool ok = on_event(r, &e);
		yaml_event_delete(&e);
		if (!ok)
			return false;
	}
	return true;
}

cJSON *ns_yaml_parse(const char *s, size_t n, const char *name, int line_offset, size_t max_bytes, ns_err *err)
{
	static const char bom[] = "\xEF\xBB\xBF";
	size_t most = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
	if (n > most) {
		ns_fail(err, NS_E_TOOBIG, "%s: %zu bytes of YAML, at most %zu are taken", name, n, most);
		return NULL;
	}
	if (n >= 3 && memcmp(s, bom, 3) == 0) {
		s += 3;
		n -= 3;
	}
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING); /* else a UTF-16 mark would switch it */
	yaml_parser_set_input_string(&parser, (const unsigned char *)s, n);
	reader *r = ns_xcalloc(1, sizeof *r); /* some kilobytes: not for small thread stacks */
	r->name = name;
	r->line_offset = line_offset;
	r->err = err;
	bool ok = read_events(r, &parser);
	cJSON *tree = r->root;
	if (!ok) {
		cJSON_Delete(tree);
		tree = NULL;
	} else if (!tree) {
		tree = cJSON_CreateNull(); /* nothing but comments */
	}
	while (r->depth)
		frame_free(&r->stack[--r->depth]);
	free(r);
	yaml_parser_delete(&parser);
	return tree;
}
