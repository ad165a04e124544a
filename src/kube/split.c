/* Cuts a List answer into its items while the bytes arrive, so that a list of any size costs the memory of its largest item. A small state
 * machine over JSON's lexical level: it knows strings, nesting and the one key "items" of the outermost object; whether each piece is valid
 * JSON is the parser's business, later. */
#include <stdlib.h>
#include <string.h>

#include "kube_priv.h"

struct kube_split {
	kube_split_ops ops;
	ns_buf item, rest, key;
	int depth;          /* open brackets */
	bool in_string, escaped;
	bool want_value;    /* after the colon of the outermost object */
	bool in_items;      /* inside the array of items */
	bool started, ended, stopped;
};

kube_split *kube_split_new(const kube_split_ops *ops)
{
	kube_split *s = ns_xcalloc(1, sizeof *s);
	s->ops = *ops;
	return s;
}

void kube_split_free(kube_split *s)
{
	if (!s)
		return;
	ns_buf_free(&s->item);
	ns_buf_free(&s->rest);
	ns_buf_free(&s->key);
	free(s);
}

static bool flush_item(kube_split *s)
{
	size_t n = s->item.len;
	while (n && strchr(" \t\r\n", s->item.data[n - 1]))
		n--;
	size_t skip = 0;
	while (skip < n && strchr(" \t\r\n", s->item.data[skip]))
		skip++;
	bool ok = n == skip || s->ops.item(s->ops.ctx, s->item.data + skip, n - skip);
	ns_buf_clear(&s->item);
	s->stopped |= !ok;
	return ok;
}

/* Where bytes at this place belong: an element of items (depth 2 is the array itself), or the rest. */
static ns_buf *place(kube_split *s)
{
	return s->in_items ? &s->item : &s->rest;
}

static bool open_bracket(kube_split *s, char c)
{
	if (s->depth == 1 && s->want_value && c == '[' && strcmp(ns_buf_str(&s->key), "items") == 0 && !s->in_items) {
		ns_buf_puts(&s->rest, "[");
		s->in_items = true;
	} else {
		ns_buf_putc(place(s), c);
	}
	s->depth++;
	return true;
}

static bool close_bracket(kube_split *s, char c)
{
	s->depth--;
	if (s->in_items && s->depth == 1) {
		s->in_items = false;
		if (!flush_item(s))
			return false;
	}
	ns_buf_putc(place(s), c);
	if (s->depth == 0)
		s->ended = true;
	return true;
}

static bool structural(kube_split *s, char c)
{
	switch (c) {
	case '{':
	case '[': s->started = true; return open_bracket(s, c);
	case '}':
	case ']': return s->depth > 0 && close_bracket(s, c);
	case '"':
		s->in_string = true;
		if (s->depth == 1 && !s->want_value)
			ns_buf_clear(&s->key);
		break;
	case ',':
		if (s->in_items && s->depth == 2)
			return flush_item(s);
		if (s->depth == 1)
			s->want_value = false;
		break;
	case ':':
		if (s->depth == 1)
			s->want_value = true;
		break;
	default: break;
	}
	ns_buf_putc(place(s), c);
	return true;
}

/* The longest run that holds nothing of interest, so that strings are copied by the block. */
static size_t plain_run(const kube_split *s, const char *p, size_t n)
{
	size_t i = 0;
	if (s->in_string)
		while (i < n && p[i] != '"' && p[i] != '\\')
			i++;
	else
		while (i < n && p[i] != '"' && p[i] != ',' && p[i] != ':' && p[i] != '{' && p[i] != '}' && p[i] != '[' && p[i] != ']')
			i++;
	return i;
}

bool kube_split_feed(kube_split *s, const char *p, size_t n, ns_err *err)
{
	for (size_t i = 0; i < n;) {
		bool key = s->in_string && s->depth == 1 && !s->want_value;
		size_t run = s->escaped ? 1 : plain_run(s, p + i, n - i);
		if (run) {
			ns_buf_put(place(s), p + i, run);
			if (key && s->key.len < 64)
				ns_buf_put(&s->key, p + i, run < 64 ? run : 64);
			s->escaped = false;
			i += run;
		} else {
			char c = p[i++];
			if (s->in_string) {
				s->escaped = c == '\\';
				s->in_string = c != '"';
				ns_buf_putc(place(s), c);
			} else if (s->ended || !structural(s, c)) {
				if (s->stopped)
					return ns_fail(err, NS_E_INVALID, "an item of the list cannot be used");
				return ns_fail(err, NS_E_INVALID, "the list is not JSON");
			}
		}
		if (place(s)->len > s->ops.max_item)
			return ns_fail(err, NS_E_TOOBIG, "an object of the answer is over %zu bytes", s->ops.max_item);
	}
	return true;
}

cJSON *kube_split_end(kube_split *s, ns_err *err)
{
	if (!s->ended) {
		ns_fail(err, NS_E_INVALID, s->started ? "the list was cut off" : "the answer is not JSON");
		return NULL;
	}
	cJSON *j = ns_json_parse(s->rest.data, s->rest.len, &ns_json_api, err);
	if (j && !cJSON_IsObject(j)) {
		cJSON_Delete(j);
		j = NULL;
		ns_fail(err, NS_E_INVALID, "the answer is no list");
	}
	return j;
}

/* ---- taking bulk out ---- */

static const struct { const char *key; size_t n; } bulky[] = {
    {"\"managedFields\":", 16},
    {"\"kubectl.kubernetes.io/last-applied-configuration\":", 51},
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The end of the JSON value at p[0..n), 0 when it does not end. */
static size_t value_end(const char *p, size_t n)
{
	int depth = 0;
	bool in_string = false;
	size_t i = 0;
	for (; i < n; i++) {
		char c = p[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			if (!in_string && depth == 0)
				return i + 1;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			if (depth == 0)
				return i;
			if (--depth == 0)
				return i + 1;
		} else if (c == ',' && depth == 0) {
			return i;
		}
	}
	return 0;
}

void kube_no_nul(char *json, size_t n)
{
	char *at = json, *end = json + n;
	while (n && (at = memmem(at, (size_t)(end - at), "\\u0000", 6)) != NULL) {
		const char *slash = at;
		while (slash > json && slash[-1] == '\\')
			slash--;
		if ((at - slash) % 2 == 0) /* else the backslash itself is escaped */
			memcpy(at + 2, "fffd", 4);
		at += 6;
	}
}

/* In valid JSON an unescaped quote followed by a letter opens a string, so the bytes `"managedFields":` are that key wherever they stand. */
size_t kube_strip(char *json, size_t n)
{
	kube_no_nul(json, n);
	for (size_t k = 0; k < sizeof bulky / sizeof *bulky; k++) {
		char *at = json;
		while ((at = memmem(at, n - (size_t)(at - json), bulky[k].key, bulky[k].n)) != NULL) {
			size_t off = (size_t)(at - json), from = off + bulky[k].n;
			size_t len = off > 0 && json[off - 1] == '\\' ? 0 : value_end(json + from, n - from);
			if (!len) {
				at++;
				continue;
			}
			size_t end = from + len, behind = end, before = off;
			/* One comma goes with it: the one behind, else the one before. */
			while (behind < n && is_blank(json[behind]))
				behind++;
			while (before > 0 && is_blank(json[before - 1]))
				before--;
			if (behind < n && json[behind] == ',')
				end = behind + 1;
			else if (before > 0 && json[before - 1] == ',')
				off = before - 1;
			memmove(json + off, json + end, n - end);
			n -= end - off;
			at = json + off;
		}
	}
	return n;
}
