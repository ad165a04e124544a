/* Values of "Authorization", "Cookie" and their like: they hold spaces. */
#include <strings.h>

#include "redact_scan.h"

/* To the end of the line or of the quotes around the whole header. */
static size_t header_end(const redactor *r, const pair *p)
{
	size_t end = p->value_end;
	bool digest = r->n - p->value > 7 && strncasecmp(r->s + p->value, "digest ", 7) == 0; /* its parameters are quoted */
	if (!p->c.value_quoted)
		while (!is_end_of_line(r, end) && (digest || !is_quote(r->s[end])) && r->s[end] != ']' && r->s[end] != '\\')
			end++;
	return end;
}

/* sid=…; Path=/; HttpOnly: names and attributes stay. Everything up to `end` is judged. */
static bool cookies(redactor *r, size_t i, size_t end)
{
	static const char *const attributes[] = {"path", "domain", "expires", "max-age", "samesite", "priority", "version"};
	while (i < end) {
		const char *semicolon = memchr(r->s + i, ';', end - i);
		size_t to = semicolon ? (size_t)(semicolon - r->s) : end;
		i = skip_blank(r, i);
		const char *sign = i < to ? memchr(r->s + i, '=', to - i) : NULL;
		size_t value = sign ? (size_t)(sign - r->s) + 1 : to;
		bool attribute = !sign || value == to || starts(r, value, MARKER);
		for (size_t k = 0; k < sizeof attributes / sizeof *attributes && !attribute; k++)
			attribute =
			    value - 1 - i == strlen(attributes[k]) && strncasecmp(r->s + i, attributes[k], strlen(attributes[k])) == 0;
		if (!attribute)
			ns_redact_replace(r, value, to, "cookie");
		i = to + 1;
	}
	r->i = end;
	return true;
}

/* "Authorization: Bearer x" keeps its scheme. */
bool ns_redact_header(redactor *r, pair *p)
{
	static const char *const schemes[] = {"bearer", "basic", "token", "digest", "negotiate", "apikey", "aws4-hmac-sha256", "sharedkey"};
	const char *value = r->s + p->value;
	if (strcmp(p->c.key.kind, "cookie") == 0) {
		return memchr(value, '=', p->value_end - p->value) &&
		       cookies(r, p->value, header_end(r, p)); /* else a sentence about cookies */
	}
	for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++) {
		size_t len = strlen(schemes[k]), from = p->value + len;
		if (at(r, from) != ' ' || strncasecmp(value, schemes[k], len) != 0)
			continue;
		from = skip_blank(r, from);
		if (is_end_of_line(r, from) || is_quote(r->s[from]) || starts(r, from, MARKER))
			return false;
		size_t end = header_end(r, p);
		ns_redact_replace(r, from, end > from ? end : from, p->c.key.kind);
		return true;
	}
	p->c.key.strength = NS_KEY_STRONG;
	if (!ns_redact_value(&p->c, r->s, r->n, p->value, p->value_end))
		return false;
	ns_redact_replace_value(r, p, p->c.key.kind);
	return true;
}
