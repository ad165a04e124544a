/* Where quotes and values end, and characters that are spelled out. */
#include "redact_scan.h"

static size_t hex_is(const redactor *r, size_t i, char c)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char u = (unsigned char)c;
	return at(r, i) == digits[u >> 4] && (at(r, i + 1) | 0x20) == (digits[u & 15] | 0x20) ? 2 : 0;
}

size_t ns_redact_coded(const redactor *r, size_t i, char c)
{
	static const struct {
		char c;
		const char *name;
	} entities[] = {{'"', "&quot;"}, {'"', "&#34;"}, {'\'', "&#39;"}, {'\'', "&apos;"}, {'&', "&amp;"}};
	enum { DEEPEST = 4 };
	size_t k = i + 1;
	if (at(r, i) == '%') {
		for (int depth = 0; depth < DEEPEST && at(r, k) == '2' && at(r, k + 1) == '5'; depth++)
			k += 2;
		return hex_is(r, k, c) ? k + 2 - i : 0;
	}
	if (at(r, i) == '\\') {
		while (at(r, k) == '\\')
			k++;
		return at(r, k) == 'u' && at(r, k + 1) == '0' && at(r, k + 2) == '0' && hex_is(r, k + 3, c) ? k + 5 - i : 0;
	}
	for (size_t e = 0; e < sizeof entities / sizeof *entities && at(r, i) == '&'; e++)
		if (entities[e].c == c && starts(r, i, entities[e].name))
			return strlen(entities[e].name);
	return 0;
}

bool ns_redact_open_quote(const redactor *r, size_t *i, size_t *slashes)
{
	size_t k = *i;
	while (at(r, k) == '\\')
		k++;
	if (!is_quote(at(r, k)))
		return false;
	*slashes = k - *i;
	*i = k + 1;
	return true;
}

size_t ns_redact_close_quote(const redactor *r, size_t i, char quote, size_t slashes)
{
	size_t run = 0;
	for (; !is_end_of_line(r, i); i++) {
		if (r->s[i] == quote && run == slashes)
			return i - slashes;
		run = r->s[i] == '\\' ? run + 1 : 0;
	}
	return i;
}

/* A comma ends a value when a pair or a space follows: passwords hold commas. */
static bool comma_ends(const redactor *r, size_t i)
{
	size_t k = i + 1;
	if (at(r, k) == ' ' || is_quote(at(r, k)) || is_end_of_line(r, k))
		return true;
	while (is_name_char(at(r, k)))
		k++;
	return k > i + 1 && (at(r, k) == '=' || at(r, k) == ':');
}

size_t ns_redact_bare_end(const redactor *r, size_t i, size_t most)
{
	size_t from = i, end = r->n - i > most ? i + most : r->n;
	for (; i < end; i++) {
		char c = r->s[i];
		if ((unsigned char)c <= ' ' || is_quote(c) || c == ';' || c == '&' || (c == ',' && comma_ends(r, i)))
			break;
		if (c == '\\' && at(r, i + 1) && strchr("nrt\"'\\", at(r, i + 1)))
			break;
		if (c == '\\' && ns_redact_coded(r, i, '&'))
			break;
		if (c == '<' && at(r, i + 1) == '/')
			break;
	}
	while (i > from && strchr(")]}>,", r->s[i - 1]))
		i--;
	return i;
}

size_t ns_redact_coded_quote(const redactor *r, size_t i)
{
	size_t len = ns_redact_coded(r, i, '"');
	return len ? len : ns_redact_coded(r, i, '\'');
}
