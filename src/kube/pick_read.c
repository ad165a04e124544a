/* Builds the members that are wanted. Strings are unescaped where they stand and end in a NUL in the place of their quote; numbers become
 * what ns_json_parse makes of them. Recursion is bounded by the depth of the text. */
#include <limits.h>
#include <stdlib.h>

#include "pick_priv.h"

/* ---- strings ---- */

static char *put_utf8(char *w, uint32_t cp)
{
	if (cp < 0x80) {
		*w++ = (char)cp;
	} else if (cp < 0x800) {
		*w++ = (char)(0xC0 | cp >> 6);
		*w++ = (char)(0x80 | (cp & 0x3F));
	} else if (cp < 0x10000) {
		*w++ = (char)(0xE0 | cp >> 12);
		*w++ = (char)(0x80 | (cp >> 6 & 0x3F));
		*w++ = (char)(0x80 | (cp & 0x3F));
	} else {
		*w++ = (char)(0xF0 | cp >> 18);
		*w++ = (char)(0x80 | (cp >> 12 & 0x3F));
		*w++ = (char)(0x80 | (cp >> 6 & 0x3F));
		*w++ = (char)(0x80 | (cp & 0x3F));
	}
	return w;
}

/* Behind the opening quote. *text_end is where the text ends, shorter than it stood there when it had escapes; no NUL is written yet. */
static char *read_string(pick_reader *r, char *p, char **text_end)
{
	char *w = p;
	for (;;) {
		char *run = p;
		p = kube_plain_end(p);
		if (*p != '"' && (unsigned char)*p > 0x7f && !(p = pick_utf8(r, p)))
			return NULL;
		size_t n = (size_t)(p - run);
		if (w != run && n)
			memmove(w, run, n);
		w += n;
		if (*p == '"') {
			*text_end = w;
			return p + 1;
		}
		if (*p == '\\') {
			uint32_t cp;
			p = pick_escape(r, p, &cp);
			if (!p)
				return NULL;
			w = put_utf8(w, cp);
		} else if ((unsigned char)*p < 0x20) {
			return pick_bad(r, p, p == r->end ? "a string without an end" : "a control character in a string");
		}
	}
}

/* ---- numbers ---- */

static int saturated(double d)
{
	return d >= INT_MAX ? INT_MAX : d <= (double)INT_MIN ? INT_MIN : (int)d;
}

/* Fifteen digits and fewer are exact in every way of reading them. Integers above 2^53 stay as text, in a node's room. */
static char *read_number(pick_reader *r, char *p, cJSON *out)
{
	enum { EXACT_DIGITS = 15, DIGITS_2_53 = 16 };
	char text[64];
	bool integer;
	char *end = pick_number(r, p, &integer);
	if (!end)
		return NULL;
	size_t n = (size_t)(end - p), sign = *p == '-';
	out->type = cJSON_Number;
	if (integer && n - sign <= EXACT_DIGITS) {
		int64_t v = 0;
		for (const char *c = p + sign; c < end; c++)
			v = v * 10 + (*c - '0');
		out->valuedouble = sign ? -(double)v : (double)v;
		out->valueint = saturated(out->valuedouble);
		return end;
	}
	memcpy(text, p, n);
	text[n] = '\0';
	out->valuedouble = strtod(text, NULL);
	out->valueint = saturated(out->valuedouble);
	if (integer && (n - sign > DIGITS_2_53 || (n - sign == DIGITS_2_53 && memcmp(p + sign, "9007199254740992", DIGITS_2_53) > 0))) {
		cJSON *room = pick_node(r->pool);
		_Static_assert(sizeof *room >= sizeof text, "the text of a number fits into a node");
		out->type = cJSON_Raw;
		out->valuestring = memcpy(room, text, n + 1);
	}
	return end;
}

/* ---- containers ---- */

static void link_child(cJSON *parent, cJSON *item)
{
	cJSON *first = parent->child;
	if (!first) {
		parent->child = item->prev = item; /* cJSON's first child points back at the last */
		return;
	}
	item->prev = first->prev;
	first->prev->next = item;
	first->prev = item;
}

static void unlink_child(cJSON *parent, cJSON *item)
{
	cJSON *first = parent->child;
	if (item == first)
		parent->child = item->next;
	else
		item->prev->next = item->next;
	if (item->next)
		item->next->prev = item->prev;
	else if (parent->child)
		parent->child->prev = item->prev;
}

/* Sorted, equal keys stand side by side, in their order. */
typedef struct keyed {
	cJSON *item;
	size_t order;
} keyed;

static int by_key_and_order(const void *a, const void *b)
{
	const keyed *x = a, *y = b;
	int d = strcmp(x->item->string, y->item->string);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

/* Of equal keys the last one wins, as everywhere. Objects of a few members are compared each with each. */
static void drop_duplicates(cJSON *obj, size_t n)
{
	enum { FEW = 12 };
	if (n <= FEW) {
		for (cJSON *a = obj->child, *next; a; a = next) {
			next = a->next;
			for (const cJSON *b = next; b; b = b->next)
				if (strcmp(a->string, b->string) == 0) {
					unlink_child(obj, a);
					break;
				}
		}
		return;
	}
	keyed *list = ns_xcalloc(n, sizeof *list);
	size_t i = 0;
	for (cJSON *c = obj->child; c; c = c->next, i++)
		list[i] = (keyed){c, i};
	qsort(list, n, sizeof *list, by_key_and_order);
	for (i = 0; i + 1 < n; i++)
		if (strcmp(list[i].item->string, list[i + 1].item->string) == 0)
			unlink_child(obj, list[i].item);
	free(list);
}

static cJSON *new_child(pick_reader *r, const char *p)
{
	if (r->pool->nodes < KUBE_PICK_MAX_NODES)
		return pick_node(r->pool);
	r->too_big = true;
	pick_bad(r, p, "more than a million values");
	return NULL;
}

static const pick_name *wanted(const pick_name *keep, const char *key, size_t n)
{
	if (keep->whole)
		return &pick_all;
	for (const pick_name *k = keep->child; k; k = k->next)
		if (k->len == n && memcmp(k->key, key, n) == 0)
			return k;
	return NULL;
}

/* One member, from the quote of its key. */
static char *read_member(pick_reader *r, char *p, const pick_name *keep, cJSON *obj, size_t *n)
{
	char *key = p + 1, *key_end = key;
	if (*p != '"')
		return pick_bad(r, p, "a key wants to be a string");
	p = read_string(r, key, &key_end);
	if (!p)
		return NULL;
	p = pick_space(p);
	if (*p != ':')
		return pick_bad(r, p, "a colon is missing");
	p++;
	const pick_name *k = wanted(keep, key, (size_t)(key_end - key));
	if (!k)
		return pick_skip(r, p);
	cJSON *item = new_child(r, p);
	if (!item)
		return NULL;
	*key_end = '\0';
	item->string = key;
	link_child(obj, item);
	++*n;
	return pick_value(r, p, k, item);
}

static char *read_object(pick_reader *r, char *p, const pick_name *keep, cJSON *out)
{
	size_t n = 0;
	out->type = cJSON_Object;
	p = pick_space(p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		p = read_member(r, p, keep, out, &n);
		if (!p)
			return NULL;
		p = pick_space(p);
		if (*p != ',')
			break;
		p = pick_space(p + 1);
	}
	if (*p != '}')
		return pick_bad(r, p, "an object wants \",\" or \"}\"");
	if (n > 1)
		drop_duplicates(out, n);
	return p + 1;
}

static char *read_array(pick_reader *r, char *p, const pick_name *keep, cJSON *out)
{
	out->type = cJSON_Array;
	p = pick_space(p + 1);
	if (*p == ']')
		return p + 1;
	for (;;) {
		cJSON *item = new_child(r, p);
		if (!item)
			return NULL;
		link_child(out, item);
		p = pick_value(r, p, keep, item);
		if (!p)
			return NULL;
		p = pick_space(p);
		if (*p != ',')
			break;
		p++;
	}
	return *p == ']' ? p + 1 : pick_bad(r, p, "an array wants \",\" or \"]\"");
}

char *pick_value(pick_reader *r, char *p, const pick_name *keep, cJSON *out)
{
	p = pick_space(p);
	if (*p == '{' || *p == '[') {
		if (!pick_enter(r, p, ++r->depth))
			return NULL;
		p = *p == '{' ? read_object(r, p, keep, out) : read_array(r, p, keep, out);
		r->depth--;
		return p;
	}
	if (*p == '"') {
		char *end = p + 1;
		out->type = cJSON_String;
		out->valuestring = p + 1;
		p = read_string(r, p + 1, &end);
		if (p)
			*end = '\0';
		return p;
	}
	if (*p == '-' || (*p >= '0' && *p <= '9'))
		return read_number(r, p, out);
	return pick_word(r, p, &out->type);
}
