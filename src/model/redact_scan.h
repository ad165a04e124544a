/* One pass over a text: its state, and how names, quotes and values are read in it. Private to model. */
#ifndef NEUROSCALE_MODEL_REDACT_SCAN_H
#define NEUROSCALE_MODEL_REDACT_SCAN_H
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

#define MARKER "[redacted:"

typedef struct redactor {
	const char *s;
	size_t n, i;           /* the place that is looked at */
	size_t flushed;        /* everything before is written */
	const char *src;       /* the original, of which s is the view; the same when nothing is unseen */
	const size_t *place;   /* of each byte of s in src, NULL: the same */
	size_t src_n, written; /* of src */
	ns_buf *out;
	size_t count;
	size_t data_from, data_to; /* inside the data of a Secret every value is secret */
	ns_key_info named;         /* of the last {"name": …}, for the "value" that follows it */
	size_t named_at;
} redactor;

/* A name and its value: s[key, key_end), s[value, value_end). */
typedef struct pair {
	size_t key, key_end, value, value_end;
	size_t list; /* where a list may begin that is the value, 0 none */
	bool flag;   /* --password value */
	bool coded;  /* the sign between name and value is spelled out: %3D, \u003d */
	ns_value_context c;
} pair;

/* How far a bare value is read before it is known to be a secret; hostile text could hold one at every byte. */
enum { NAME_LOOK = 256, VALUE_LOOK = 4100 };

static inline char at(const redactor *r, size_t i)
{
	return i < r->n ? r->s[i] : '\0';
}

static inline bool is_name_char(char c)
{
	return ns_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '[' || c == ']';
}

static inline bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static inline bool is_end_of_line(const redactor *r, size_t i)
{
	return i >= r->n || r->s[i] == '\n' || r->s[i] == '\r';
}

static inline bool starts(const redactor *r, size_t i, const char *word)
{
	size_t len = strlen(word);
	return i <= r->n && r->n - i >= len && memcmp(r->s + i, word, len) == 0;
}

static inline size_t skip_blank(const redactor *r, size_t i)
{
	while (at(r, i) == ' ' || at(r, i) == '\t')
		i++;
	return i;
}

/* Writes s[from, to) as the marker of its kind and goes on behind it (redact.c). */
void ns_redact_replace(redactor *r, size_t from, size_t to, const char *kind);

/* The value as a whole, however long it is (redact.c). */
void ns_redact_replace_value(redactor *r, const pair *p, const char *kind);
/* redact_separator.c: *i is behind the name, and then where the value may begin; says in p how it is written. */
bool ns_redact_separator(const redactor *r, pair *p, size_t *i);
/* redact_header.c: false when the value is a sentence about such a header. */
bool ns_redact_header(redactor *r, pair *p);

/* ---- redact_scan.c ---- */

/* c written as %3A, %253A, \u003a or as an entity of XML: the length of that, 0 when it is not there. */
size_t ns_redact_coded(const redactor *r, size_t i, char c);
size_t ns_redact_coded_quote(const redactor *r, size_t i);

/* Backslashes and one quote: \" in JSON inside JSON. False when there is no quote. */
bool ns_redact_open_quote(const redactor *r, size_t *i, size_t *slashes);
/* The same quote with the same number of backslashes; without one the line's end. */
size_t ns_redact_close_quote(const redactor *r, size_t i, char quote, size_t slashes);
/* Looks at no more than `most` bytes: what is longer is no value that needs a second look. */
size_t ns_redact_bare_end(const redactor *r, size_t i, size_t most);

/* ---- what may begin at r->i beside a name: true with the secret s[*from, *to) ---- */

bool ns_redact_url_password(const redactor *r, size_t *from, size_t *to); /* redact_url.c */
bool ns_redact_told(const redactor *r, size_t *from, size_t *to);         /* redact_told.c: a sentence says it */
bool ns_redact_sql(const redactor *r, size_t *from, size_t *to);          /* redact_sql.c */
bool ns_redact_mixes_digits(const char *s, size_t n);                     /* eight bytes, a digit and a letter: no word */
bool ns_redact_names_user(const redactor *r);                             /* the line says "user" or "login" before r->i */

/* redact_list.c: what stands at i behind the name and its colon is a list, flow or block; true when something of it was replaced. */
bool ns_redact_list(redactor *r, ns_key_info key, size_t i);
#endif
