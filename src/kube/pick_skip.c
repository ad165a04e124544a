/* What is not kept is still checked, byte by byte as strictly as the rest: a body that is broken anywhere is an error, never another
 * object. */
#include <math.h>
#include <stdlib.h>

#include "neuroscale/base/text.h"
#include "pick_priv.h"

enum { LONGEST_NUMBER = 63 }; /* what cJSON reads of one */

char *pick_bad(pick_reader *r, const char *p, const char *what)
{
	r->why = what;
	r->where = p;
	return NULL;
}

bool pick_enter(pick_reader *r, const char *p, int depth)
{
	if (depth <= KUBE_PICK_DEPTH)
		return true;
	r->too_big = true;
	return pick_bad(r, p, "nested deeper than 128") != NULL;
}

/* ---- strings ---- */

static int hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		int ch = (unsigned char)p[i];
		int d = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f' ? (ch | 0x20) - 'a' + 10 : -1;
		if (d < 0)
			return -1; /* the NUL behind the text at the latest */
		v = v * 16 + d;
	}
	return v;
}

char *pick_escape(pick_reader *r, char *p, uint32_t *cp)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *simple = p[1] ? strchr(from, p[1]) : NULL;
	if (simple) {
		*cp = (unsigned char)to[simple - from];
		return p + 2;
	}
	int v = p[1] == 'u' ? hex4(p + 2) : -1;
	if (v < 0)
		return pick_bad(r, p, p[1] == 'u' ? "\\u wants four hex digits" : "unknown escape");
	*cp = v ? (uint32_t)v : 0xFFFD;
	if (v < 0xD800 || v > 0xDFFF)
		return p + 6;
	int low = v < 0xDC00 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
	if (low < 0xDC00 || low > 0xDFFF)
		return pick_bad(r, p, "half of a surrogate pair");
	*cp = 0x10000u + (((uint32_t)v & 0x3FF) << 10 | ((uint32_t)low & 0x3FF));
	return p + 12;
}

char *pick_utf8(pick_reader *r, char *p)
{
	uint32_t cp;
	size_t len = ns_utf8_next(p, (size_t)(r->end - p), &cp);
	return len > 1 ? p + len : pick_bad(r, p, "broken UTF-8");
}

/* What stopped a plain run and is not the quote. */
static char *odd(pick_reader *r, char *p)
{
	uint32_t cp;
	if (*p == '\\')
		return pick_escape(r, p, &cp);
	if ((unsigned char)*p > 0x7f)
		return pick_utf8(r, p);
	return pick_bad(r, p, p == r->end ? "a string without an end" : "a control character in a string");
}

/* Behind the opening quote. */
static inline char *skip_string(pick_reader *r, char *p)
{
	for (;;) {
		p = kube_plain_end(p);
		if (*p == '"')
			return p + 1;
		p = odd(r, p);
		if (!p)
			return NULL;
	}
}

/* ---- the rest ---- */

static char *digits(char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Only a number with an exponent can leave the range of a double, being this short. */
static bool in_range(const char *from, size_t len)
{
	char text[LONGEST_NUMBER + 1];
	memcpy(text, from, len);
	text[len] = '\0';
	return isfinite(strtod(text, NULL));
}

char *pick_number(pick_reader *r, char *p, bool *integer)
{
	char *from = p;
	bool exponent = false;
	p += *p == '-';
	char *first = p;
	p = digits(p);
	if (p == first || (*first == '0' && p > first + 1))
		return pick_bad(r, from, "malformed number");
	*integer = true;
	if (*p == '.') {
		*integer = false;
		first = p + 1;
		p = digits(first);
		if (p == first)
			return pick_bad(r, from, "malformed number");
	}
	if (*p == 'e' || *p == 'E') {
		*integer = false;
		exponent = true;
		p++;
		p += *p == '+' || *p == '-';
		first = p;
		p = digits(p);
		if (p == first)
			return pick_bad(r, from, "malformed number");
	}
	size_t len = (size_t)(p - from);
	if (len > LONGEST_NUMBER || (exponent && !in_range(from, len)))
		return pick_bad(r, from, "a number out of range");
	return p;
}

char *pick_word(pick_reader *r, char *p, int *type)
{
	static const struct {
		char text[6];
		size_t n;
		int type;
	} words[] = {{"true", 4, cJSON_True}, {"false", 5, cJSON_False}, {"null", 4, cJSON_NULL}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strncmp(p, words[i].text, words[i].n) == 0) {
			*type = words[i].type;
			return p + words[i].n;
		}
	return pick_bad(r, p, p == r->end ? "the text ends too early" : "a value is expected");
}

static char *skip_scalar(pick_reader *r, char *p)
{
	bool integer;
	int type;
	if (*p == '"')
		return skip_string(r, p + 1);
	if (*p == '-' || (*p >= '0' && *p <= '9'))
		return pick_number(r, p, &integer);
	return pick_word(r, p, &type);
}

/* At what should be the quote of a key; ends behind the colon. */
static inline char *skip_key(pick_reader *r, char *p)
{
	p = pick_space(p);
	if (*p != '"')
		return pick_bad(r, p, "a key wants to be a string");
	p = skip_string(r, p + 1);
	if (!p)
		return NULL;
	p = pick_space(p);
	return *p == ':' ? p + 1 : pick_bad(r, p, "a colon is missing");
}

/* No recursion: which of the open brackets are objects is a bit each. */
char *pick_skip(pick_reader *r, char *p)
{
	uint64_t objects[(KUBE_PICK_DEPTH + 63) / 64 + 1] = {0};
	int depth = r->depth;
	bool in_object = false;
	for (;;) {
		p = pick_space(p);
		if (*p == '{' || *p == '[') {
			depth++;
			if (!pick_enter(r, p, depth))
				return NULL;
			in_object = *p == '{';
			uint64_t bit = (uint64_t)1 << (depth % 64);
			objects[depth / 64] = in_object ? objects[depth / 64] | bit : objects[depth / 64] & ~bit;
			p = pick_space(p + 1);
			if (*p != (in_object ? '}' : ']')) {
				if (in_object && !(p = skip_key(r, p)))
					return NULL;
				continue;
			}
		} else if (!(p = skip_scalar(r, p))) {
			return NULL;
		}
		/* Behind a value, or at the bracket of an empty container. */
		for (;;) {
			if (depth == r->depth)
				return p;
			p = pick_space(p);
			if (*p == ',')
				break;
			if (*p != (in_object ? '}' : ']'))
				return pick_bad(r, p, in_object ? "an object wants \",\" or \"}\"" : "an array wants \",\" or \"]\"");
			p++;
			depth--;
			in_object = (objects[depth / 64] >> (depth % 64) & 1) != 0;
		}
		p++;
		if (in_object && !(p = skip_key(r, p)))
			return NULL;
	}
}
