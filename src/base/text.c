/* UTF-8, the cleaning of untrusted text, and small string work. */
#include "neuroscale/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- UTF-8 ---- */

/* Bytes of the well-formed sequence at s, 0 when there is none: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t sequence(const unsigned char *s, size_t n, uint32_t *cp)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len;
	uint32_t v;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] >= 0xC2 && s[0] <= 0xDF) {
		len = 2;
		v = s[0] & 0x1F;
	} else if ((s[0] & 0xF0) == 0xE0) {
		len = 3;
		v = s[0] & 0x0F;
	} else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
		len = 4;
		v = s[0] & 0x07;
	} else {
		return 0;
	}
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3F);
	}
	if (v < smallest[len] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		return 0;
	*cp = v;
	return len;
}

bool ns_utf8_valid(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = p[i] < 0x80 ? 1 : sequence(p + i, n - i, &cp);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

size_t ns_utf8_next(const char *s, size_t n, uint32_t *cp)
{
	if (!n)
		return 0;
	size_t len = sequence((const unsigned char *)s, n, cp);
	if (len)
		return len;
	*cp = 0xFFFD;
	return 1;
}

/* ---- cleaning ---- */

typedef struct range {
	uint32_t first, last;
} range;

/* What a person does not see but a terminal or a model obeys: bidi controls, zero-width and filler characters, line separators,
 * interlinear marks, tags, supplementary variation selectors. Sorted. */
static const range invisible[] = {
    {0x00AD, 0x00AD},
    {0x034F, 0x034F},
    {0x061C, 0x061C},
    {0x115F, 0x1160},
    {0x17B4, 0x17B5},
    {0x180B, 0x180F},
    {0x200B, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x206F},
    {0x3164, 0x3164},
    {0xFE00, 0xFE0D},
    {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF},
    {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF},
};

bool ns_text_invisible(uint32_t cp)
{
	for (size_t i = 0; i < sizeof invisible / sizeof *invisible && cp >= invisible[i].first; i++)
		if (cp <= invisible[i].last)
			return true;
	return false;
}

/* FE0E and FE0F choose text or emoji form of the symbol before them; anywhere else they carry hidden data. */
static bool is_stray_selector(uint32_t cp, uint32_t before)
{
	return (cp == 0xFE0E || cp == 0xFE0F) && (before < 0xA0 || before == 0xFE0E || before == 0xFE0F);
}

typedef struct cleaner {
	ns_buf *out;
	size_t left; /* bytes that may still be written */
	size_t safe; /* out->len up to which a "~" still fits */
} cleaner;

/* False when it does not fit any more. */
static bool emit(cleaner *c, const char *s, size_t n)
{
	if (n > c->left)
		return false;
	ns_buf_put(c->out, s, n);
	c->left -= n;
	if (c->left)
		c->safe = c->out->len;
	return true;
}

static bool emit_hex(cleaner *c, const char *open, uint32_t v, int width)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[16];
	size_t n = 0;
	while (*open)
		text[n++] = *open++;
	while (width < 6 && v >> (4 * width))
		width++;
	for (int i = width - 1; i >= 0; i--)
		text[n++] = hex[v >> (4 * i) & 0xF];
	text[n++] = '>';
	return emit(c, text, n);
}

static bool emit_char(cleaner *c, const char *s, size_t len, uint32_t cp, uint32_t before, bool keep_lines)
{
	if (cp == '\n' || cp == '\t') {
		char ch = keep_lines ? *s : ' ';
		return emit(c, &ch, 1);
	}
	if (cp < 0x20 || cp == 0x7F) {
		char caret[2] = {'^', (char)(cp ^ 0x40)};
		return emit(c, caret, 2);
	}
	if (cp >= 0x80 && cp < 0xA0)
		return emit_hex(c, "<0x", cp, 2);
	if (ns_text_invisible(cp) || is_stray_selector(cp, before))
		return emit_hex(c, "<U+", cp, 4);
	return emit(c, s, len);
}

void ns_text_clean(ns_buf *out, const char *s, size_t n, size_t max_bytes, bool keep_lines)
{
	cleaner c = {.out = out, .left = max_bytes, .safe = out->len};
	uint32_t before = 0;
	bool fits = true;
	size_t i = 0;
	while (i < n && fits) {
		size_t run = i; /* plain ASCII goes in one piece */
		while (run < n && s[run] >= 0x20 && s[run] < 0x7F && run - i + 1 < c.left)
			run++;
		if (run > i) {
			emit(&c, s + i, run - i);
			i = run;
			before = ' ';
			continue;
		}
		uint32_t cp;
		size_t len = sequence((const unsigned char *)s + i, n - i, &cp);
		if (!len) {
			fits = emit_hex(&c, "<0x", (unsigned char)s[i], 2);
			len = 1;
			cp = 0;
		} else if (cp == '\r' && i + 1 < n && s[i + 1] == '\n') {
			cp = 0; /* the line end is the newline that follows */
		} else {
			fits = emit_char(&c, s + i, len, cp, before, keep_lines);
		}
		before = cp;
		i += len;
	}
	if (fits || !max_bytes)
		return;
	out->len = c.safe; /* make room for the mark; never inside a character */
	ns_buf_putc(out, '~');
}

char *ns_text_clean_dup(const char *s, size_t max_bytes)
{
	ns_buf b = NS_BUF_INIT;
	if (s)
		ns_text_clean(&b, s, strlen(s), max_bytes, false);
	return ns_buf_steal(&b);
}

char *ns_text_clean_in(ns_arena *ar, const char *s, size_t max_bytes)
{
	ns_buf b = NS_BUF_INIT;
	ns_text_clean(&b, s ? s : "", s ? strlen(s) : 0, max_bytes, false);
	return ns_arena_take(ar, &b);
}

/* ---- columns ---- */

/* Columns of one decoded character; a broken byte (len 1, U+FFFD) is shown as "?". -1 when it cannot be shown. */
static int columns(uint32_t cp, size_t len)
{
	if (cp == 0xFFFD && len == 1)
		return 1;
	return cp ? wcwidth((wchar_t)cp) : -1;
}

int ns_utf8_width(const char *s)
{
	int width = 0;
	size_t n = strlen(s), len;
	uint32_t cp;
	for (; (len = ns_utf8_next(s, n, &cp)); s += len, n -= len) {
		int w = columns(cp, len);
		width += w > 0 ? w : 0;
	}
	return width;
}

/* Copies what can be shown of [s, s+n) while it fits `cols` and `cap`; returns columns. */
static int copy_columns(char **dst, size_t *cap, const char *s, size_t n, int cols)
{
	int used = 0;
	size_t len;
	uint32_t cp;
	for (; (len = ns_utf8_next(s, n, &cp)); s += len, n -= len) {
		int w = columns(cp, len);
		if (w < 0)
			continue;
		if (used + w > cols || len >= *cap)
			break;
		if (cp == 0xFFFD && len == 1)
			**dst = '?';
		else
			memcpy(*dst, s, len);
		*dst += len;
		*cap -= len;
		used += w;
	}
	return used;
}

int ns_utf8_fit(char *dst, size_t cap, const char *src, int cols)
{
	if (!cap)
		return 0;
	int used = 0, width = ns_utf8_width(src);
	size_t n = strlen(src);
	if (width <= cols) {
		used = copy_columns(&dst, &cap, src, n, width);
	} else if (cols > 0 && cap > 1) {
		int tail = (cols - 1) / 2;
		used = copy_columns(&dst, &cap, src, n, cols - 1 - tail);
		if (cap > 1) {
			*dst++ = '~';
			cap--;
			used++;
		}
		int skip = width - tail; /* the tail begins where no more than `tail` columns are left */
		size_t len;
		uint32_t cp;
		while (skip > 0 && (len = ns_utf8_next(src, n, &cp))) {
			int w = columns(cp, len);
			skip -= w > 0 ? w : 0;
			src += len;
			n -= len;
		}
		used += copy_columns(&dst, &cap, src, n, tail);
	}
	*dst = '\0';
	return used;
}

/* ---- words and names ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t ns_word_count(const char *s)
{
	size_t words = 0;
	bool inside = false;
	for (; s && *s; s++) {
		bool space = is_space(*s);
		words += !space && !inside;
		inside = !space;
	}
	return words;
}

enum { LONGEST_NAME = 64 };

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost 1 each. Both at most LONGEST_NAME. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][LONGEST_NAME + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	memset(rows, 0, sizeof rows);
	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		size_t *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

const char *ns_nearest(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word);
	if (!len || len > LONGEST_NAME)
		return NULL;
	size_t best = 1 + len / 3 + 1;
	const char *found = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t nl = strlen(names[i]);
		size_t d = nl <= LONGEST_NAME ? distance(word, len, names[i], nl) : best;
		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

bool ns_listed(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool ns_ieq(const char *a, const char *b)
{
	for (; *a && lower(*a) == lower(*b); a++, b++)
		;
	return lower(*a) == lower(*b);
}

bool ns_icontains(const char *hay, const char *needle)
{
	if (!*needle)
		return true;
	for (; *hay; hay++) {
		size_t i = 0;
		while (needle[i] && lower(hay[i]) == lower(needle[i]))
			i++;
		if (!needle[i])
			return true;
	}
	return false;
}
