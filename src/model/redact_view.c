/* The text as a reader sees it: without colour codes, controls and invisible characters, which would otherwise stand in the middle of a name or a
 * secret, and with plain letters for their twins. Each byte knows its place in the original, so that only what is secret is replaced there. */
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

/* Letters of other scripts that look like these, and full-width forms: pаssword with a Cyrillic а is a password to its reader. */
static char looks_like(uint32_t cp)
{
	static const struct {
		uint16_t cp;
		char c;
	} twins[] = {{0x00A0, ' '}, {0x03BF, 'o'}, {0x0430, 'a'}, {0x0435, 'e'}, {0x043A, 'k'}, {0x043E, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'},
	    {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'}, {0x0461, 'w'}, {0x04BB, 'h'}, {0x0501, 'd'}, {0x051D, 'w'}, {0x202F, ' '}, {0x2028, '\n'},
	    {0x2029, '\n'}, {0x3000, ' '}};
	if (cp >= 0xFF01 && cp <= 0xFF5E)
		return (char)(cp - 0xFF01 + '!');
	for (size_t i = 0; i < sizeof twins / sizeof *twins; i++)
		if (twins[i].cp == cp)
			return twins[i].c;
	return '\0';
}

/* Of the part between two NULs, blanks or line ends around s[i]: whether it holds an "=" before or behind that place. */
static bool assigns(const char *s, size_t n, size_t i, bool behind)
{
	enum { LOOK = 64 };
	for (size_t k = 1; k <= LOOK; k++) {
		if (behind ? i + k >= n : k > i)
			return false;
		char c = s[behind ? i + k : i - k];
		if (c == '=' || c == ':')
			return true;
		if (!ns_is_alnum(c) && !strchr("_-.", c))
			return false;
		if (!c)
			return false;
	}
	return false;
}

/* NULs part arguments and variables; they are nothing where each second byte is one (UTF-16), and inside a name or a value. */
static bool nul_is_nothing(const char *s, size_t n, size_t i)
{
	if ((i >= 2 && !s[i - 2] && s[i - 1]) || (i + 2 < n && !s[i + 2] && s[i + 1]))
		return true;
	bool joined = i && i + 1 < n && ns_is_alnum(s[i - 1]) && ns_is_alnum(s[i + 1]);
	return joined && assigns(s, n, i, false) != assigns(s, n, i, true); /* NAME=a NUL NAME=b are two variables */
}

/* A control character: nothing, or a blank where it parts what stands around it. */
static bool control_is_nothing(const char *s, size_t n, size_t i)
{
	if (!s[i])
		return nul_is_nothing(s, n, i);
	if (s[i] == '\r') /* overwritten by what follows, unless a line ends here */
		return i && i + 1 < n && ns_is_alnum(s[i - 1]) && ns_is_alnum(s[i + 1]);
	return s[i] != '\t' && s[i] != '\n' && s[i] != '\v' && s[i] != '\f' && (s[i] < 0x1C || s[i] == 0x7F);
}

/* What the reader sees of s[i, i + *len): 0 when nothing. */
static char seen(const char *s, size_t n, size_t i, size_t *len)
{
	unsigned char c = (unsigned char)s[i];
	*len = 1;
	if (c == '\033') {
		*len = escape_length(s + i, n - i);
		return '\0';
	}
	if (c == '\\') {
		size_t code = spelled_length(s + i, n - i);
		*len = code ? code : 1;
		return code ? '\0' : '\\';
	}
	if (c < ' ' || c == 0x7F) {
		if (control_is_nothing(s, n, i))
			return '\0';
		return c == '\t' || c == '\n' || c == '\r' ? (char)c : ' ';
	}
	if (c < 0x80)
		return (char)c;
	uint32_t cp;
	size_t bytes = ns_utf8_next(s + i, n - i, &cp);
	char twin = looks_like(cp);
	bool broken = bytes == 1, code = cp >= 0x80 && cp < 0xA0 && !broken;
	if (!twin && !broken && !code && !ns_text_invisible(cp) && cp != 0xFE0E && cp != 0xFE0F)
		return (char)c; /* its further bytes come one by one */
	*len = bytes;
	if (cp == 0x9B && code) /* ESC [ in one character */
		*len += code_length(s + i + bytes, n - i - bytes);
	return twin;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* seen(), which takes the middle of a character for a broken one. */
static char seen_next(const char *s, size_t n, size_t i, size_t *len, size_t *inside)
{
	if (*inside) {
		--*inside;
		*len = 1;
		return s[i];
	}
	char c = seen(s, n, i, len);
	if (*len == 1 && (unsigned char)c >= 0xC2)
		while (*inside < 3 && i + 1 + *inside < n && is_continuation(s[i + 1 + *inside]))
			++*inside;
	return c;
}

static size_t first_difference(const char *s, size_t n)
{
	size_t len, inside = 0, i = 0;
	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		if (c >= ' ' && c < 0x7F && c != '\\') {
			i++;
			continue;
		}
		if (seen_next(s, n, i, &len, &inside) != s[i] || len > 1 || !s[i])
			return i;
		i++;
	}
	return n;
}

bool ns_redact_view(const char *s, size_t n, ns_buf *plain, size_t **place)
{
	size_t first = first_difference(s, n), inside = 0;
	if (first == n)
		return false;
	*place = ns_xmalloc((n + 1) * sizeof **place);
	for (size_t i = 0, len; i < n; i += len) {
		char c = s[i];
		len = 1;
		if (i >= first)
			c = seen_next(s, n, i, &len, &inside);
		if (!c)
			continue;
		(*place)[plain->len] = i;
		ns_buf_putc(plain, c);
	}
	(*place)[plain->len] = n;
	return true;
}

size_t ns_redact_view_end(const char *s, size_t n, size_t place, char seen_as)
{
	uint32_t cp;
	return place + ((unsigned char)s[place] >= 0x80 && (unsigned char)seen_as < 0x80 ? ns_utf8_next(s + place, n - place, &cp) : 1);
}
