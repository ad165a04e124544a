/* One pass over the text. At each place it asks, in this order: does a secret of its own form begin here (redact_token.c), is this a
 * URL with a password, does a name begin here that announces a secret (redact_key.c) whose value is one (redact_value.c). */
#include "neuroscale/model/redact.h"

#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

#define MARKER "[redacted:"

typedef struct redactor {
	const char *s;
	size_t n, i;    /* the place that is looked at */
	size_t flushed; /* everything before is written */
	const char *src;     /* the original, of which s is the view; the same when nothing is unseen */
	const size_t *place; /* of each byte of s in src, NULL: the same */
	size_t written;      /* of src */
	ns_buf *out;
	size_t count;
	size_t data_from, data_to; /* inside the data of a Secret every value is secret */
	ns_key_info named;         /* of the last {"name": …}, for the "value" that follows it */
	size_t named_at;
} redactor;

static void replace(redactor *r, size_t from, size_t to, const char *kind)
{
	size_t src_from = r->place ? r->place[from] : from, src_to = r->place && to ? r->place[to - 1] + 1 : to;
	ns_buf_put(r->out, r->src + r->written, src_from - r->written);
	ns_buf_printf(r->out, MARKER "%s]", kind);
	r->written = src_to;
	r->flushed = r->i = to;
	r->count++;
}

static char at(const redactor *r, size_t i)
{
	return i < r->n ? r->s[i] : '\0';
}

static bool is_name_char(char c)
{
	return ns_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '[' || c == ']';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static bool is_end_of_line(const redactor *r, size_t i)
{
	return i >= r->n || r->s[i] == '\n' || r->s[i] == '\r';
}

static bool starts(const redactor *r, size_t i, const char *word)
{
	size_t len = strlen(word);
	return r->n - i >= len && memcmp(r->s + i, word, len) == 0;
}

static const char *find(const char *s, const char *end, const char *what)
{
	return s < end ? memmem(s, (size_t)(end - s), what, strlen(what)) : NULL;
}

/* ---- scheme://user:password@host ---- */

enum { LONGEST = 1024 }; /* of the part of a URL that is searched */

static bool url_password(redactor *r)
{
	if (!starts(r, r->i, "://"))
		return false;
	enum { TOKEN_USER = 20 };
	size_t from = r->i + 3, colon = 0, amp = 0;
	for (size_t i = from; i < r->n && i - from < LONGEST && !strchr(" \t\r\n/?#\"'<>`\\", r->s[i]); i++) {
		if (r->s[i] == ':' && !colon && !amp)
			colon = i;
		if (r->s[i] == '@')
			amp = i; /* the last one: a password may hold others */
	}
	size_t secret = colon ? colon + 1 : from; /* a long user without a password is a token */
	if (!amp || amp == secret || (!colon && amp - from < TOKEN_USER) || (at(r, secret) == '$' && at(r, secret + 1) == '{'))
		return false;
	if (starts(r, secret, MARKER) || starts(r, from, MARKER))
		return false;
	replace(r, secret, amp, "url-password");
	return true;
}

/* user:password@tcp(host), as the MySQL drivers write it. */
static bool dsn_password(redactor *r)
{
	if (!starts(r, r->i, "@tcp(") && !starts(r, r->i, "@unix("))
		return false;
	size_t from = r->i;
	while (from > r->flushed && r->i - from < LONGEST && !strchr(" \t\n\"'=", r->s[from - 1]))
		from--;
	const char *colon = memchr(r->s + from, ':', r->i - from);
	if (!colon || colon + 1 == r->s + r->i || starts(r, (size_t)(colon + 1 - r->s), MARKER))
		return false;
	size_t to = r->i;
	replace(r, (size_t)(colon - r->s) + 1, to, "url-password");
	return true;
}

/* ---- name and value ---- */

/* How far a bare value is read before it is known to be a secret; hostile text could hold one at every byte. */
enum { NAME_LOOK = 256, VALUE_LOOK = 4100 };

typedef struct pair {
	size_t key, key_end, value, value_end;
	bool flag; /* --password value */
	ns_value_context c;
} pair;

static size_t skip_blank(const redactor *r, size_t i)
{
	while (at(r, i) == ' ' || at(r, i) == '\t')
		i++;
	return i;
}

/* Backslashes and one quote: \" in JSON inside JSON. False when there is no quote. */
static bool open_quote(const redactor *r, size_t *i, size_t *slashes)
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

/* The same quote with the same number of backslashes; without one the line's end. */
static size_t close_quote(const redactor *r, size_t i, char quote, size_t slashes)
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

/* Looks at no more than `most` bytes: what is longer is no value that needs a second look, and replace_value() finds its end. */
static size_t bare_value_end(const redactor *r, size_t i, size_t most)
{
	size_t from = i, end = r->n - i > most ? i + most : r->n;
	for (; i < end; i++) {
		char c = r->s[i];
		if ((unsigned char)c <= ' ' || is_quote(c) || c == ';' || c == '&' || (c == ',' && comma_ends(r, i)))
			break;
		if (c == '\\' && at(r, i + 1) && strchr("nrt\"'\\", at(r, i + 1)))
			break;
		if (c == '<' && at(r, i + 1) == '/')
			break;
	}
	while (i > from && strchr(")]}>,", r->s[i - 1]))
		i--;
	return i;
}

/* arn:aws:secretsmanager:eu-west-1:1234:secret:db-x1 names a secret and holds none. */
static bool in_arn(const redactor *r, size_t key)
{
	enum { LONGEST_ARN = 160 };
	size_t i = key;
	if (r->s[key - 1] != ':')
		return false;
	while (i && key - i < LONGEST_ARN && (is_name_char(r->s[i - 1]) || r->s[i - 1] == ':' || r->s[i - 1] == '/'))
		i--;
	return starts(r, i, "arn:") || memmem(r->s + i, key - i, ":arn:", 5) || memmem(r->s + i, key - i, "/arn:", 5);
}

/* Between name and value: "=", ":", "=>", ":=", for a flag a space, for XML the tag's end. */
static bool separator(const redactor *r, pair *p, size_t *i)
{
	size_t blank = skip_blank(r, *i), k = blank;
	char c = at(r, k);
	bool spaced = blank > *i;
	if (c == '>' && !spaced && p->key && r->s[p->key - 1] == '<') {
		*i = k + 1;
		return true;
	}
	if (!spaced && c == '%' && at(r, k + 1) == '3' && (at(r, k + 2) | 0x20) == 'd') { /* "=" in a URL inside a URL */
		*i = k + 3;
		return true;
	}
	if (c == '=' || (c == ':' && (!spaced || p->c.key_quoted || p->c.key.strength == NS_KEY_STRONG))) {
		bool path_before = c == ':' && p->key && (r->s[p->key - 1] == '/' || in_arn(r, p->key)); /* registry/token:v1 */
		k++;
		if (at(r, k) == '>' || at(r, k) == '=')
			k++;
		p->c.loose = c == ':' || spaced || at(r, k) == ' ';
		*i = skip_blank(r, k);
		return !path_before && !(c == ':' && starts(r, k, "//"));
	}
	if (c == ',' && p->c.key_quoted && at(r, p->key) == '-') { /* ["--password", "x"]: the next argument */
		size_t next = skip_blank(r, blank + 1), quote = next, slashes;
		if (open_quote(r, &quote, &slashes) && at(r, quote) != '-') {
			*i = next;
			return true;
		}
	}
	if (p->flag && spaced && c != '-') {
		p->c.loose = true;
		*i = blank;
		return true;
	}
	return false;
}

static bool after_word(const redactor *r, size_t key)
{
	if (key < 2 || r->s[key - 1] != ' ')
		return false;
	char c = r->s[key - 2];
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind a separator: on the next line when JSON is written wide or a shell line is continued. */
static size_t skip_to_value(const redactor *r, const pair *p, size_t i)
{
	size_t k = i;
	if (at(r, k) == '\\' && is_end_of_line(r, k + 1))
		k++;
	else if (!p->c.key_quoted)
		return i;
	if (!is_end_of_line(r, k) || k >= r->n)
		return i;
	while (k < r->n && strchr(" \t\r\n", r->s[k]) && r->s[k])
		k++;
	return k;
}

/* "|", ">-" at the end of a line: a block of YAML, the lines below that are indented further. */
static bool read_block(const redactor *r, pair *p, size_t i)
{
	if (at(r, i) != '|' && at(r, i) != '>')
		return false;
	for (i++; strchr("+-0123456789", at(r, i)) && at(r, i);)
		i++;
	i = skip_blank(r, i);
	if (!is_end_of_line(r, i))
		return false;
	size_t line = p->key, indent = 0;
	while (line && r->s[line - 1] != '\n')
		line--;
	while (at(r, line + indent) == ' ' || at(r, line + indent) == '-')
		indent++;
	p->value = p->value_end = 0;
	while (i < r->n) {
		size_t from = i + (at(r, i) == '\r') + 1, text = from;
		while (at(r, text) == ' ')
			text++;
		if (text >= r->n || (text - from <= indent && !is_end_of_line(r, text)))
			break;
		for (i = text; !is_end_of_line(r, i);)
			i++;
		if (i > text) {
			p->value = p->value ? p->value : text;
			p->value_end = i;
		}
	}
	p->c.value_quoted = true; /* it ends where the block does */
	return p->value_end > p->value;
}

static bool read_value(const redactor *r, pair *p, size_t i)
{
	size_t slashes = 0;
	if (p->c.key.strength >= NS_KEY_NOUN && read_block(r, p, i))
		return true;
	i = skip_to_value(r, p, i);
	bool listed = p->c.key.strength == NS_KEY_HEADER || (p->c.key_quoted && is_quote(at(r, skip_blank(r, i + 1))));
	if (listed && at(r, i) == '[' && !starts(r, i, MARKER))
		i = skip_blank(r, i + 1);
	p->c.value_quoted = open_quote(r, &i, &slashes);
	p->value = i;
	if (p->c.value_quoted)
		p->value_end = close_quote(r, i, r->s[i - 1], slashes);
	else
		p->value_end = bare_value_end(r, i, p->c.key.strength == NS_KEY_HARMLESS ? NAME_LOOK : VALUE_LOOK);
	return p->value_end > p->value;
}

static bool in_secret_data(const redactor *r, size_t i)
{
	return i >= r->data_from && i < r->data_to;
}

static bool key_is(const redactor *r, const pair *p, const char *word)
{
	size_t from = p->key;
	while (from < p->key_end && r->s[from] == '-')
		from++;
	return p->key_end - from == strlen(word) && starts(r, from, word);
}

/* {"name":…,"value":…}, {"Key":…,"Value":…}, <add key=… value=…/> */
static bool carries_name(const redactor *r, const pair *p)
{
	return key_is(r, p, "name") || key_is(r, p, "Name") || key_is(r, p, "key") || key_is(r, p, "Key");
}

static bool carries_value(const redactor *r, const pair *p)
{
	return key_is(r, p, "value") || key_is(r, p, "Value");
}

/* Only then the value is read at all: that keeps the whole pass linear. */
static bool is_of_interest(const redactor *r, const pair *p)
{
	return p->c.key.strength != NS_KEY_HARMLESS || in_secret_data(r, p->key) || carries_name(r, p) || carries_value(r, p);
}

/* A name begins at r->i: false when it is of no interest, or no separator and value follow. */
static bool read_pair(const redactor *r, pair *p)
{
	size_t i = r->i, slashes;
	*p = (pair){.key = i};
	p->flag = starts(r, i, "--");
	while (is_name_char(at(r, i)))
		i++;
	p->key_end = i;
	p->c.key = ns_redact_key(r->s + p->key, i - p->key);
	if (!is_of_interest(r, p))
		return false;
	p->c.key_quoted = p->key && is_quote(r->s[p->key - 1]) && open_quote(r, &i, &slashes);
	p->c.after_word = after_word(r, p->key);
	return separator(r, p, &i) && read_value(r, p, i);
}

static void replace_value(redactor *r, const pair *p, const char *kind)
{
	size_t to = p->value_end;
	if (!p->c.value_quoted && to - p->value >= NAME_LOOK)
		to = bare_value_end(r, p->value, r->n);
	replace(r, p->value, to, kind);
}

/* To the end of the line or of the quotes around the whole header. */
static size_t header_end(const redactor *r, const pair *p)
{
	size_t end = p->value_end;
	if (!p->c.value_quoted)
		while (!is_end_of_line(r, end) && !is_quote(r->s[end]) && r->s[end] != ']' && r->s[end] != '\\')
			end++;
	return end;
}

/* "Authorization: Bearer x" keeps its scheme; a cookie goes whole. */
static bool header_value(redactor *r, pair *p)
{
	static const char *const schemes[] = {"bearer", "basic", "token", "digest", "negotiate", "apikey", "aws4-hmac-sha256", "sharedkey"};
	const char *value = r->s + p->value;
	if (strcmp(p->c.key.kind, "cookie") == 0) {
		if (!memchr(value, '=', p->value_end - p->value))
			return false; /* a sentence about cookies */
		replace(r, p->value, header_end(r, p), "cookie");
		return true;
	}
	for (size_t k = 0; k < sizeof schemes / sizeof *schemes; k++) {
		size_t len = strlen(schemes[k]), from = p->value + len;
		if (at(r, from) != ' ' || strncasecmp(value, schemes[k], len) != 0)
			continue;
		from = skip_blank(r, from);
		if (is_end_of_line(r, from) || is_quote(r->s[from]) || starts(r, from, MARKER))
			return false;
		size_t end = header_end(r, p);
		replace(r, from, end > from ? end : from, p->c.key.kind);
		return true;
	}
	p->c.key.strength = NS_KEY_STRONG;
	if (!ns_redact_value(&p->c, r->s, r->n, p->value, p->value_end))
		return false;
	replace_value(r, p, p->c.key.kind);
	return true;
}

/* {"name":"DB_PASSWORD","value":"x"}, as containers list their environment. */
static void look_for_name(redactor *r, const pair *p)
{
	if (!carries_name(r, p))
		return;
	r->named = ns_redact_key(r->s + p->value, p->value_end - p->value);
	r->named_at = p->value_end;
}

static bool is_value_of_named(const redactor *r, const pair *p)
{
	enum { NEAR = 120 };
	return carries_value(r, p) && r->named.strength >= NS_KEY_NOUN && p->key >= r->named_at && p->key - r->named_at < NEAR;
}

static bool named_secret(redactor *r)
{
	if (!is_name_char(r->s[r->i]) || (r->i && is_name_char(r->s[r->i - 1])))
		return false;
	pair p;
	if (!read_pair(r, &p))
		return false;
	if (in_secret_data(r, r->i)) {
		if (strchr("{[", r->s[p.value]) || starts(r, p.value, MARKER))
			return false;
		replace_value(r, &p, "secret-data");
		return true;
	}
	look_for_name(r, &p);
	if (is_value_of_named(r, &p)) {
		p.c.key = r->named;
		p.c.key.bare = false;
	}
	if (p.c.key.strength == NS_KEY_HARMLESS)
		return false;
	if (p.c.key.strength >= NS_KEY_NOUN && p.c.key_quoted && r->s[p.value] == '{') { /* "password": {"value": …} */
		r->named = p.c.key;
		r->named_at = p.value;
		return false;
	}
	/* "pass: 12", "PASS=3" count tests; "pass" alone announces a password only like a setting does. */
	if (p.c.key.bare && p.key_end - p.key == 4 && (p.c.loose || (r->s[p.value] >= '0' && r->s[p.value] <= '9')))
		if (strncasecmp(r->s + p.key, "pass", 4) == 0)
			return false;
	if (p.c.key.strength == NS_KEY_HEADER)
		return header_value(r, &p);
	if (!ns_redact_value(&p.c, r->s, r->n, p.value, p.value_end))
		return false;
	replace_value(r, &p, p.c.key.kind);
	return true;
}

/* password 'x', IDENTIFIED BY 'x' */
static bool quoted_password(redactor *r)
{
	static const char *const leads[] = {"password ", "passwd ", "passphrase ", "identified by "};
	char before = r->i ? r->s[r->i - 1] : ' ';
	if (is_name_char(before))
		return false;
	for (size_t k = 0; k < sizeof leads / sizeof *leads; k++) {
		size_t len = strlen(leads[k]), slashes, value = r->i + len;
		if (r->n - r->i <= len || strncasecmp(r->s + r->i, leads[k], len) != 0 || !open_quote(r, &value, &slashes))
			continue;
		size_t end = close_quote(r, value, r->s[value - 1], slashes);
		if (end == value || starts(r, value, MARKER))
			return false;
		replace(r, value, end, "password");
		return true;
	}
	return false;
}

/* Words of a configuration that are followed by the secret itself: requirepass x, machine h login u password x. */
static bool has_digit_and_letter(const char *s, size_t n)
{
	enum { LEAST = 8 };
	bool digit = false, letter = false;
	for (size_t i = 0; i < n; i++) {
		digit |= ns_is_digit(s[i]);
		letter |= ns_is_letter(s[i]);
	}
	return n >= LEAST && digit && letter;
}

static bool told_password(redactor *r)
{
	/* guess: only what chance made is taken for the secret; else it is a sentence. */
	static const struct { const char *lead, *before; bool guess; } rows[] = {{"requirepass ", NULL, false}, {"masterauth ", NULL, false},
	    {"password ", "login ", false}, {"password is ", NULL, true}, {"password was ", NULL, true}, {"password to ", NULL, true}, {"password -> ", NULL, true},
	    {"password\t", NULL, true}, {"passphrase is ", NULL, true}, {"secret key: ", NULL, true}, {"access key: ", NULL, true},
	    {"aws_secret_access_key ", NULL, true}, {"token is ", NULL, true}};
	enum { LOOK_BACK = 160 };
	if (r->i && is_name_char(r->s[r->i - 1]))
		return false;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		if (r->n - r->i < strlen(rows[k].lead) || strncasecmp(r->s + r->i, rows[k].lead, strlen(rows[k].lead)) != 0)
			continue;
		size_t from = r->i + strlen(rows[k].lead), line = r->i;
		while (line && r->i - line < LOOK_BACK && r->s[line - 1] != '\n')
			line--;
		if (rows[k].before && (!find(r->s + line, r->s + r->i, rows[k].before) || !find(r->s + line, r->s + r->i, "machine ")))
			continue;
		from = skip_blank(r, from);
		from += is_quote(at(r, from));
		size_t to = bare_value_end(r, from, NAME_LOOK);
		if (rows[k].guess && !has_digit_and_letter(r->s + from, to - from))
			return false;
		ns_value_context c = {.key = {NS_KEY_STRONG, "password", true}, .loose = true};
		if (to == from || !ns_redact_value(&c, r->s, r->n, from, to))
			return false;
		replace(r, from, to, "password");
		return true;
	}
	return false;
}

/* ---- the door ---- */

static bool own_form(redactor *r)
{
	const char *kind;
	size_t skip, len = ns_redact_token(r->s, r->n, r->i, &kind, &skip);
	if (!len)
		return false;
	replace(r, r->i + skip, r->i + len, kind);
	return true;
}

/* What an earlier pass put here: text may come through more than once. */
static bool marker(redactor *r)
{
	if (!starts(r, r->i, MARKER))
		return false;
	size_t i = r->i + sizeof MARKER - 1;
	while ((at(r, i) >= 'a' && at(r, i) <= 'z') || at(r, i) == '-')
		i++;
	if (at(r, i) != ']')
		return false;
	r->i = i + 1;
	return true;
}

static bool public_block(redactor *r)
{
	size_t len = r->s[r->i] == '-' ? ns_redact_public_block(r->s, r->n, r->i) : 0;
	r->i += len;
	return len > 0;
}

static bool shell_secret(redactor *r)
{
	size_t from, to;
	if (!ns_redact_shell(r->s, r->n, r->i, &from, &to))
		return false;
	replace(r, from, to, "password");
	return true;
}

static bool email(redactor *r)
{
	size_t len = ns_redact_email(r->s, r->n, r->i);
	if (!len)
		return false;
	replace(r, r->i, r->i + len, "email");
	return true;
}

size_t ns_redact(ns_buf *out, const char *s, size_t n)
{
	redactor r = {.s = s, .n = n, .out = out, .src = s};
	ns_buf plain = NS_BUF_INIT;
	size_t *place = NULL;
	if (ns_redact_view(s, n, &plain, &place)) {
		r.s = ns_buf_str(&plain);
		r.n = plain.len;
		r.place = place;
	}
	const bool emails = ns_redact_wants_email();
	const bool secret_object = ns_redact_is_secret_object(r.s, r.n);
	while (r.i < r.n) {
		if (secret_object && r.i >= r.data_to)
			ns_redact_secret_data(r.s, r.n, r.i, &r.data_from, &r.data_to);
		if (!marker(&r) && !public_block(&r) && !own_form(&r) && !url_password(&r) && !dsn_password(&r) && !shell_secret(&r) && !named_secret(&r) &&
		    !quoted_password(&r) && !told_password(&r) && !(emails && email(&r)))
			r.i++;
	}
	ns_buf_put(out, s + r.written, n - r.written);
	ns_buf_free(&plain);
	free(place);
	return r.count;
}

char *ns_redact_line(const char *s, size_t n, size_t max_bytes)
{
	ns_buf safe = NS_BUF_INIT, line = NS_BUF_INIT;
	ns_redact(&safe, s, n);
	ns_text_clean(&line, ns_buf_str(&safe), safe.len, max_bytes, false);
	ns_buf_free(&safe);
	return ns_buf_steal(&line);
}
