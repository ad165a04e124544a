/* Text at the edges: what may reach a screen, a log or a prompt (law 11), and small string work. Pure, thread-safe. */
#ifndef NEUROSCALE_BASE_TEXT_H
#define NEUROSCALE_BASE_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/base/buf.h"

/* Sanitises untrusted bytes into valid UTF-8: C0 and DEL become ^X, C1 and broken bytes <0x9B>, bidi overrides, zero-width
 * and tag characters <U+202E>; newline and tab are kept when `keep_lines`, else turned into a space; CR LF reads as LF. Output is capped at
 * max_bytes and then ends in "~". Appends to out. */
void ns_text_clean(ns_buf *out, const char *s, size_t n, size_t max_bytes, bool keep_lines);
char *ns_text_clean_dup(const char *s, size_t max_bytes);  /* one line; caller frees; NULL gives "" */
char *ns_text_clean_in(ns_arena *ar, const char *s, size_t max_bytes); /* the same in an arena */
/* For Slack: & < > as entities, so that no mention or link comes through, and "@here", "@channel", "@everyone" as "[@]here". Appends to out. */
void ns_text_slack(ns_buf *out, const char *s);
bool ns_utf8_valid(const char *s, size_t n);
/* Bidi controls, zero-width and filler characters, tags: what a person does not see. */
bool ns_text_invisible(uint32_t cp);
/* Decodes one character; returns its bytes (1 and U+FFFD for a broken byte), 0 at the end. */
size_t ns_utf8_next(const char *s, size_t n, uint32_t *cp);
int ns_utf8_width(const char *s);                          /* columns, by wcwidth; unprintable counts 0 */
/* Copies as much as fits in `cols` columns, cutting in the middle with "~" when it does not. Returns columns used. */
int ns_utf8_fit(char *dst, size_t cap, const char *src, int cols);
size_t ns_word_count(const char *s);
/* Nearest of `n` names by Damerau-Levenshtein distance, NULL when none is near (distance > 1 + len/3). */
const char *ns_nearest(const char *word, const char *const *names, size_t n);
/* Classes of ASCII, whatever the locale. */
static inline bool ns_is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool ns_is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}
static inline bool ns_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}
static inline bool ns_is_letter(char c)
{
	return ns_is_lower(c) || ns_is_upper(c);
}
static inline bool ns_is_alnum(char c)
{
	return ns_is_letter(c) || ns_is_digit(c);
}
bool ns_listed(const char *word, const char *const *list); /* list ends in NULL */
bool ns_ieq(const char *a, const char *b);                 /* ASCII case-insensitive equality */
bool ns_icontains(const char *hay, const char *needle);    /* ASCII case-insensitive substring */
#endif
