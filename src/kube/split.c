/* Cuts a List answer into its items while the bytes arrive, so that a list of any size costs the memory of its largest item. A small state
 * machine over JSON's lexical level: it knows strings, nesting and the one key "items" of the outermost object; whether each piece is valid
 * JSON is the reader's business, later (it looks at every byte, so that a cut in the wrong place is an error). Inside of an item, where nearly
 * all bytes are, 64 at a time are turned into bits, and only the brackets outside of strings are counted. */
#include <stdlib.h>
#include <string.h>

#include "kube_priv.h"
#include "pick_scan.h"

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

struct kube_split {
	kube_split_ops ops;
	ns_buf item, rest, key;
	int depth;          /* open brackets */
	bool in_string, escaped;
	bool want_value;    /* after the colon of the outermost object */
	bool in_items;      /* inside the array of items */
	bool another;       /* after a comma of that array */
	bool started, ended, stopped, empty_item;
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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* An array without elements has nothing between its brackets; between commas something must be. */
static bool flush_item(kube_split *s, bool last)
{
	size_t n = s->item.len, skip = 0;
	while (n && is_blank(s->item.data[n - 1]))
		n--;
	while (skip < n && is_blank(s->item.data[skip]))
		skip++;
	s->empty_item = n == skip && (!last || s->another);
	s->another = !last;
	if (s->empty_item)
		return false;
	if (n > skip) {
		s->item.len = n;
		ns_buf_reserve(&s->item, KUBE_SCAN_PAD);
		memset(s->item.data + n, 0, KUBE_SCAN_PAD);
		s->stopped = !s->ops.item(s->ops.ctx, s->item.data + skip, n - skip);
	}
	ns_buf_clear(&s->item);
	return !s->stopped;
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
		if (!flush_item(s, true))
			return false;
		s->in_items = false;
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
			return flush_item(s, false);
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

/* ---- inside of an item ---- */

/* Which bytes stand behind a backslash that counts, of a run of backslashes every second one; *carry: the byte before the block was such a
 * backslash, and for the next block whether its first byte stands behind one. */
static uint64_t escaped_bits(uint64_t backslash, bool *carry)
{
	const uint64_t even = 0x5555555555555555u;
	if (!backslash) {
		uint64_t first = *carry;
		*carry = false;
		return first;
	}
	backslash &= ~(uint64_t)*carry;
	uint64_t behind = backslash << 1 | (uint64_t)*carry;
	uint64_t odd_starts = backslash & ~even & ~behind;
	/* Adding makes each run of backslashes ripple to the place behind it. */
	uint64_t sum = odd_starts + backslash;
	*carry = sum < odd_starts;
	return (even ^ sum << 1) & behind;
}

/* Each bit becomes the parity of all bits up to it: ones from an opening quote up to before its closing one. */
static uint64_t between_quotes(uint64_t quotes)
{
	for (int i = 1; i < 64; i *= 2)
		quotes ^= quotes << i;
	return quotes;
}

/* One block (padded with zeros when it is the last of n bytes). Returns how many bytes belong to the item, up to and with the bracket that ends it. */
static size_t scan_block(kube_split *s, const char *block, size_t n)
{
	kube_bits b = kube_block(block);
	bool carry = s->escaped;
	uint64_t escaped = escaped_bits(b.backslash, &carry);
	uint64_t strings = between_quotes(b.quote & ~escaped) ^ (s->in_string ? ~(uint64_t)0 : 0);
	uint64_t open = b.open & ~strings, close = b.close & ~strings;
	int closing = __builtin_popcountll(close);
	if (s->depth - closing <= 2) /* it may end here */
		for (uint64_t both = open | close; both; both &= both - 1) {
			s->depth += open & both & (0 - both) ? 1 : -1;
			if (s->depth == 2) {
				s->escaped = s->in_string = false;
				return (size_t)__builtin_ctzll(both) + 1;
			}
		}
	else
		s->depth += __builtin_popcountll(open) - closing;
	s->escaped = n < 64 ? (escaped >> n & 1) != 0 : carry;
	s->in_string = (strings >> (n - 1) & 1) != 0;
	return n;
}

static size_t scan_item(kube_split *s, const char *p, size_t n)
{
	size_t i = 0;
	while (s->depth > 2 && n - i >= 64)
		i += scan_block(s, p + i, 64);
	if (s->depth > 2 && i < n) {
		char last[64] = {0};
		memcpy(last, p + i, n - i);
		i += scan_block(s, last, n - i);
	}
	return i;
}

bool kube_split_feed(kube_split *s, const char *p, size_t n, ns_err *err)
{
	for (size_t i = 0; i < n;) {
		bool key = s->in_string && s->depth == 1 && !s->want_value;
		bool inside = s->in_items && s->depth > 2;
		size_t run = inside ? scan_item(s, p + i, n - i) : s->escaped ? 1 : plain_run(s, p + i, n - i);
		if (inside) {
			ns_buf_put(&s->item, p + i, run);
			i += run;
		} else if (run) {
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
				if (s->empty_item)
					return ns_fail(err, NS_E_INVALID, "the list has an empty place between its items");
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
	kube_no_nul(s->rest.data, s->rest.len);
	cJSON *j = ns_json_parse(s->rest.data, s->rest.len, &ns_json_api, err);
	if (j && !cJSON_IsObject(j)) {
		cJSON_Delete(j);
		j = NULL;
		ns_fail(err, NS_E_INVALID, "the answer is no list");
	}
	return j;
}
