/* Recursive descent over the bytes; depth is bounded by the limits, so the stack is too. */
#include "json_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_priv.h"
#include "neuroscale/base/text.h"

enum { LONGEST_NUMBER = 63 }; /* what cJSON reads of one */

typedef struct scanner {
	const char *s;
	size_t i, n;
	int depth, max_depth;
	size_t numbers, cap_bigs;
	ns_json_scan *out;
	ns_err *err;
} scanner;

static bool bad(scanner *c, const char *what)
{
	size_t line = 1, column = 1;
	for (size_t i = 0; i < c->i && i < c->n; i++) {
		column++;
		if (c->s[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return ns_fail(c->err, NS_E_INVALID, "JSON line %zu column %zu: %s", line, column, what);
}

static char peek(const scanner *c)
{
	return c->i < c->n ? c->s[c->i] : '\0'; /* NUL is no JSON either */
}

static void skip_space(scanner *c)
{
	while (c->i < c->n && (c->s[c->i] == ' ' || c->s[c->i] == '\n' || c->s[c->i] == '\r' || c->s[c->i] == '\t'))
		c->i++;
}

static int hex4(const scanner *c, size_t at)
{
	int v = 0;
	if (c->n - c->i < 6 || at + 4 > c->n)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		char ch = c->s[i];
		int d = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f' ? (ch | 0x20) - 'a' + 10 : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* At the backslash. */
static bool scan_escape(scanner *c)
{
	char e = c->i + 1 < c->n ? c->s[c->i + 1] : '\0';
	if (e && strchr("\"\\/bfnrt", e)) {
		c->i += 2;
		return true;
	}
	if (e != 'u')
		return bad(c, "unknown escape");
	int v = hex4(c, c->i + 2);
	if (v < 0)
		return bad(c, "\\u wants four hex digits");
	if (v == 0)
		return bad(c, "a NUL character in a string");
	if (v >= 0xDC00 && v <= 0xDFFF)
		return bad(c, "half of a surrogate pair");
	if (v >= 0xD800 && v <= 0xDBFF) {
		bool pair = c->n - c->i >= 12 && c->s[c->i + 6] == '\\' && c->s[c->i + 7] == 'u';
		int low = pair ? hex4(c, c->i + 8) : -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return bad(c, "half of a surrogate pair");
		c->i += 6;
	}
	c->i += 6;
	return true;
}

static bool scan_string(scanner *c)
{
	c->i++;
	while (c->i < c->n) {
		unsigned char ch = (unsigned char)c->s[c->i];
		if (ch == '"') {
			c->i++;
			return true;
		}
		if (ch == '\\') {
			if (!scan_escape(c))
				return false;
		} else if (ch < 0x20) {
			return bad(c, "a control character in a string");
		} else if (ch < 0x80) {
			c->i++;
		} else {
			uint32_t cp;
			size_t len = ns_utf8_next(c->s + c->i, c->n - c->i, &cp);
			if (len == 1)
				return bad(c, "broken UTF-8");
			c->i += len;
		}
	}
	return bad(c, "a string without an end");
}

static size_t scan_digits(scanner *c)
{
	size_t from = c->i;
	while (peek(c) >= '0' && peek(c) <= '9')
		c->i++;
	return c->i - from;
}

static void keep_big(scanner *c, size_t at, size_t len)
{
	if (c->out->n_bigs == c->cap_bigs) {
		c->cap_bigs = c->cap_bigs ? 2 * c->cap_bigs : 8;
		c->out->bigs = ns_xrealloc(c->out->bigs, c->cap_bigs * sizeof *c->out->bigs);
	}
	c->out->bigs[c->out->n_bigs++] = (ns_json_big){c->numbers, at, len};
}

/* Only a number with an exponent or very many digits can leave the range of a double. */
static bool in_range(const char *s, size_t n)
{
	char text[LONGEST_NUMBER + 1];
	memcpy(text, s, n);
	text[n] = '\0';
	return isfinite(strtod(text, NULL));
}

static bool scan_number(scanner *c)
{
	size_t from = c->i;
	bool integer = true, exponent = false;
	c->i += peek(c) == '-';
	bool zero = peek(c) == '0';
	size_t digits = scan_digits(c);
	if (!digits || (zero && digits > 1))
		return bad(c, "malformed number");
	if (peek(c) == '.') {
		integer = false;
		c->i++;
		if (!scan_digits(c))
			return bad(c, "malformed number");
	}
	if (peek(c) == 'e' || peek(c) == 'E') {
		exponent = true;
		c->i++;
		c->i += peek(c) == '+' || peek(c) == '-';
		if (!scan_digits(c))
			return bad(c, "malformed number");
	}
	size_t len = c->i - from;
	if (len > LONGEST_NUMBER || (exponent && !in_range(c->s + from, len)))
		return bad(c, "a number out of range");
	if (integer && !exponent && ns_json_int_is_big(c->s + from, len))
		keep_big(c, from, len);
	c->numbers++;
	return true;
}

static bool scan_word(scanner *c, const char *word)
{
	size_t len = strlen(word);
	if (c->n - c->i < len || memcmp(c->s + c->i, word, len) != 0)
		return bad(c, "unknown word");
	c->i += len;
	return true;
}

static bool scan_value(scanner *c);

static bool scan_member(scanner *c)
{
	if (peek(c) != '"')
		return bad(c, "a key wants to be a string");
	if (!scan_string(c))
		return false;
	skip_space(c);
	if (peek(c) != ':')
		return bad(c, "a colon is missing");
	c->i++;
	return scan_value(c);
}

/* An object or an array, at its opening bracket. */
static bool scan_container(scanner *c, char close, bool (*element)(scanner *))
{
	if (++c->depth > c->max_depth)
		return ns_fail(c->err, NS_E_TOOBIG, "JSON is nested deeper than %d", c->max_depth);
	c->i++;
	skip_space(c);
	bool more = peek(c) != close;
	while (more) {
		skip_space(c);
		if (!element(c))
			return false;
		skip_space(c);
		more = peek(c) == ',';
		if (!more && peek(c) != close)
			return bad(c, close == '}' ? "an object wants \",\" or \"}\"" : "an array wants \",\" or \"]\"");
		c->i += more;
	}
	c->i++;
	c->depth--;
	return true;
}

static bool scan_value(scanner *c)
{
	skip_space(c);
	switch (peek(c)) {
	case '{': return scan_container(c, '}', scan_member);
	case '[': return scan_container(c, ']', scan_value);
	case '"': return scan_string(c);
	case 't': return scan_word(c, "true");
	case 'f': return scan_word(c, "false");
	case 'n': return scan_word(c, "null");
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9': return scan_number(c);
	default: return bad(c, c->i < c->n ? "a value is expected" : "the text ends too early");
	}
}

bool ns_json_scan_text(const char *s, size_t n, const ns_json_limits *limits, ns_json_scan *out, ns_err *err)
{
	*out = (ns_json_scan){0};
	if (n > limits->max_bytes)
		return ns_fail(err, NS_E_TOOBIG, "JSON of %zu bytes, at most %zu are taken", n, limits->max_bytes);
	scanner c = {.s = s, .n = n, .max_depth = limits->max_depth, .out = out, .err = err};
	if (!scan_value(&c))
		return false;
	skip_space(&c);
	return c.i == n || bad(&c, "something follows the value");
}
