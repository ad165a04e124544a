/* Kubernetes Secrets inside a text: in the data of one every value is secret, whatever its name. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

static char at(const char *s, size_t n, size_t i)
{
	return i < n ? s[i] : '\0';
}

static bool starts(const char *s, size_t n, size_t i, const char *word)
{
	size_t len = strlen(word);
	return n - i >= len && memcmp(s + i, word, len) == 0;
}

static const char *find(const char *s, const char *end, const char *what)
{
	return s < end ? memmem(s, (size_t)(end - s), what, strlen(what)) : NULL;
}

bool ns_redact_is_secret_object(const char *s, size_t n)
{
	const char *end = s + n;
	for (const char *k = s; (k = find(k, end, "kind")); k += 4) {
		const char *v = k + 4;
		while (v < end && strchr("\\\": ", *v))
			v++;
		if (find(v, v + 6 < end ? v + 6 : end, "Secret") == v && (v + 6 >= end || strchr("\\\"\r\n ,}", v[6])))
			return true;
	}
	return false;
}

/* Behind the name "data" or "stringData" that ends at `end`, and behind its colon: the place of its members, 0 when it has none. */
static size_t members_of(const char *s, size_t n, size_t end)
{
	static const char lone[] = "data", glued[] = "stringData";
	size_t len = sizeof lone - 1, g = sizeof glued - 1, v = end;
	bool named = (end >= g && starts(s, n, end - g, glued)) ||
	             (end >= len && starts(s, n, end - len, lone) && (end == len || !ns_is_letter(s[end - len - 1])));
	while (v < n && strchr("\\\": \t", s[v]))
		v++;
	return named && v > end && (at(s, n, v) == '{' || at(s, n, v) == '\n') ? v : 0;
}

/* Its closing brace; braces in strings do not count, and the strings may be quoted with \" themselves. */
static size_t object_end(const char *s, size_t n, size_t i)
{
	size_t depth = 0, slashes = 0, run = 0;
	bool known = false, inside = false;
	for (; i < n; i++) {
		char c = s[i];
		if (c == '"' && (!known || run == slashes)) {
			slashes = run;
			known = true;
			inside = !inside;
		} else if (!inside && c == '{') {
			depth++;
		} else if (!inside && c == '}' && --depth == 0) {
			return i;
		}
		run = c == '\\' ? run + 1 : 0;
	}
	return i;
}

/* In YAML the lines that are indented. */
static size_t block_end(const char *s, size_t n, size_t i)
{
	while (i < n && (at(s, n, i + 1) == ' ' || at(s, n, i + 1) == '\t')) {
		const char *next = memchr(s + i + 1, '\n', n - i - 1);
		i = next ? (size_t)(next - s) : n;
	}
	return i;
}

/* The next data of a Secret from r->i on. */
void ns_redact_secret_data(const char *s, size_t n, size_t i, size_t *data_from, size_t *data_to)
{
	const char *end = s + n, *d = s + i;
	*data_from = *data_to = n;
	for (; (d = find(d, end, "ata")); d += 3) {
		size_t from = members_of(s, n, (size_t)(d - s) + 3);
		if (!from)
			continue;
		*data_from = from;
		*data_to = at(s, n, from) == '{' ? object_end(s, n, from) : block_end(s, n, from);
		return;
	}
}
