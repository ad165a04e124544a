/* The text as a reader sees it: without colour codes and invisible characters, which would otherwise stand in the middle of a name or a secret. Each
 * byte knows its place in the original, so that only what is secret is replaced there. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

enum { LONGEST_CODE = 64, LONGEST_TITLE = 256 };

/* Behind the "[" of a colour code: its length with the final letter, 0 when it is none. */
static size_t code_length(const char *s, size_t n)
{
	for (size_t i = 0; i < n && i < LONGEST_CODE; i++) {
		if (s[i] >= 0x40 && s[i] <= 0x7E)
			return i + 1;
		if (s[i] < 0x20 || s[i] > 0x3F)
			return 0;
	}
	return 0;
}

/* A window title or a link, ended by BEL or ESC \. An address in it is looked at as text: it may hold a password. */
static size_t title_length(const char *s, size_t n)
{
	for (size_t i = 2; i < n && i < LONGEST_TITLE; i++) {
		if (s[i] == '\a')
			return i + 1;
		if (s[i] == '\033')
			return i + 1 + (i + 1 < n && s[i + 1] == '\\');
		if (s[i] == '=' || s[i] == '/')
			break;
	}
	return 2;
}

static size_t escape_length(const char *s, size_t n)
{
	if (n < 2)
		return 1;
	if (s[1] == '[')
		return 2 + code_length(s + 2, n - 2);
	if (s[1] == ']')
		return title_length(s, n);
	return s[1] == '\\' ? 2 : 1;
}

/* The escape character spelled out, as JSON and shells do. */
static size_t spelled_length(const char *s, size_t n)
{
	static const char *const names[] = {"\\u001b[", "\\u001B[", "\\x1b[", "\\033[", "\\e["};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len = strlen(names[i]), code;
		if (n > len && memcmp(s, names[i], len) == 0 && (code = code_length(s + len, n - len)))
			return len + code;
	}
	return 0;
}

static bool is_invisible(uint32_t cp)
{
	return cp == 0xAD || (cp >= 0x200B && cp <= 0x200F) || (cp >= 0x2060 && cp <= 0x2064) || cp == 0xFEFF;
}

/* How many bytes at s nobody sees. */
static size_t unseen(const char *s, size_t n)
{
	uint32_t cp;
	if (*s == '\033')
		return escape_length(s, n);
	if (*s == '\\')
		return spelled_length(s, n);
	if ((unsigned char)*s < 0xC2)
		return 0;
	size_t len = ns_utf8_next(s, n, &cp);
	return len > 1 && is_invisible(cp) ? len : 0;
}

bool ns_redact_view(const char *s, size_t n, ns_buf *plain, size_t **place)
{
	size_t first = 0;
	while (first < n && !unseen(s + first, n - first))
		first++;
	if (first == n)
		return false;
	*place = ns_xmalloc((n + 1) * sizeof **place);
	for (size_t i = 0; i < n;) {
		size_t skip = i < first ? 0 : unseen(s + i, n - i);
		if (!skip) {
			(*place)[plain->len] = i;
			ns_buf_putc(plain, s[i++]);
		}
		i += skip;
	}
	(*place)[plain->len] = n;
	return true;
}
