/* One pass over the text. At each place it asks, in this order: does a secret of its own form begin here (redact_token.c), is this a
 * URL with a password, does a name begin here that announces a secret (redact_key.c) whose value is one (redact_value.c), does a
 * sentence tell one (redact_told.c). */
#include "neuroscale/model/redact.h"

#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_scan.h"

void ns_redact_replace(redactor *r, size_t from, size_t to, const char *kind)
{
	size_t src_from = r->place ? r->place[from] : from, src_to = to;
	if (r->place && to)
		src_to = ns_redact_view_end(r->src, r->src_n, r->place[to - 1], r->s[to - 1]);
	ns_buf_put(r->out, r->src + r->written, src_from - r->written);
	ns_buf_printf(r->out, MARKER "%s]", kind);
	r->written = src_to;
	r->flushed = r->i = to;
	r->count++;
}

/* ---- name and value ---- */

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

/* The value of a spelled-out pair ends where the next such sign is. */
static bool read_coded(const redactor *r, pair *p, size_t i)
{
	p->value = i + ns_redact_coded_quote(r, i);
	p->c.value_quoted = p->value > i;
	for (i = p->value; i < r->n && i - p->value < VALUE_LOOK && (unsigned char)r->s[i] > ' ' && !strchr("\"'`;", r->s[i]); i++)
		if (strchr("%\\&", r->s[i]) && (r->s[i] == '&' || ns_redact_coded_quote(r, i) || ns_redact_coded(r, i, '&') || ns_redact_coded(r, i, '}') || ns_redact_coded(r, i, ',')))
			break;
	p->value_end = i;
	return i > p->value;
}

/* password: &anchor x, password: !!str x */
static size_t skip_properties(const redactor *r, size_t i)
{
	enum { LONGEST_PROPERTY = 64 };
	while (at(r, i) == '&' || at(r, i) == '!') {
		size_t k = i;
		while (k - i < LONGEST_PROPERTY && (unsigned char)at(r, k) > ' ' && !strchr("\"',;", at(r, k)))
			k++;
		size_t next = skip_blank(r, k);
		if (next == k || is_end_of_line(r, next))
			break;
		i = next;
	}
	return i;
}

static bool in_secret_data(const redactor *r, size_t i)
{
	return i >= r->data_from && i < r->data_to;
}

static bool read_value(const redactor *r, pair *p, size_t i)
{
	size_t slashes = 0;
	if (p->coded)
		return read_coded(r, p, i);
	if (p->c.key.strength >= NS_KEY_NOUN)
		i = skip_properties(r, i);
	if ((p->c.key.strength >= NS_KEY_NOUN || p->c.key.plural) && !p->flag && (p->c.key.plural || p->c.key.strength != NS_KEY_HEADER) && !starts(r, i, MARKER))
		p->list = i;
	if ((p->c.key.strength >= NS_KEY_NOUN || in_secret_data(r, p->key)) && read_block(r, p, i))
		return true;
	i = skip_to_value(r, p, i);
	bool listed = p->c.key.strength == NS_KEY_HEADER || (p->c.key_quoted && is_quote(at(r, skip_blank(r, i + 1))));
	if (listed && at(r, i) == '[' && !starts(r, i, MARKER))
		i = skip_blank(r, i + 1);
	if (at(r, i) == '{' && ns_is_alnum(at(r, i + 1)) && strcmp(p->c.key.kind, "password") == 0) { /* ODBC: PWD={x}; */
		size_t to = ns_redact_bare_end(r, i + 1, NAME_LOOK);
		if (at(r, to) == '}' && (at(r, to + 1) == ';' || to + 1 >= r->n)) {
			p->value = i + 1;
			p->value_end = to;
			return true;
		}
	}
	p->c.value_quoted = ns_redact_open_quote(r, &i, &slashes);
	p->value = i;
	if (p->c.value_quoted)
		p->value_end = ns_redact_close_quote(r, i, r->s[i - 1], slashes);
	else
		p->value_end = ns_redact_bare_end(r, i, p->c.key.strength == NS_KEY_HARMLESS ? NAME_LOOK : VALUE_LOOK);
	if (!p->c.value_quoted && p->value_end > i && r->s[p->value_end - 1] == '(' && is_quote(at(r, p->value_end))) { /* SecretStr('x') */
		p->value = p->value_end + 1;
		p->value_end = ns_redact_close_quote(r, p->value, r->s[p->value - 1], 0);
		p->c.value_quoted = true;
	}
	return p->value_end > p->value;
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
	return key_is(r, p, "name") || key_is(r, p, "Name") || key_is(r, p, "key") || key_is(r, p, "Key") || key_is(r, p, "Property") ||
	       key_is(r, p, "path");
}

static bool carries_value(const redactor *r, const pair *p)
{
	static const char *const names[] = {"value", "Value", "S", "B", "stringValue", "string_value", "plaintext", "default"}; /* DynamoDB, Terraform, … */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (key_is(r, p, names[i]))
			return true;
	return false;
}

/* Only then the value is read at all: that keeps the whole pass linear. */
static bool is_of_interest(const redactor *r, const pair *p)
{
	return p->c.key.strength != NS_KEY_HARMLESS || in_secret_data(r, p->key) || carries_name(r, p) || carries_value(r, p);
}

/* --password x, -password x, and of a Dockerfile or a C shell: ENV API_TOKEN x. */
static bool begins_flag(const redactor *r, size_t i)
{
	static const char *const leads[] = {"ENV ", "ARG ", "setenv ", "setx "};
	enum { LEAST_LONG = 4 }; /* -token, not -p */
	if (starts(r, i, "--"))
		return true;
	if (at(r, i) == '-') {
		size_t k = i + 1;
		while (ns_is_letter(at(r, k)))
			k++;
		return k - i > LEAST_LONG;
	}
	for (size_t k = 0; k < sizeof leads / sizeof *leads; k++)
		if (i >= strlen(leads[k]) && starts(r, i - strlen(leads[k]), leads[k]))
			return true;
	return false;
}

/* A name begins at r->i: false when it is of no interest, or no separator and value follow. */
static bool read_pair(const redactor *r, pair *p)
{
	static const char checksum[] = "checksum/"; /* of Helm's charts: checksum/secret=… */
	size_t i = r->i, slashes;
	*p = (pair){.key = i};
	p->flag = begins_flag(r, i);
	while (is_name_char(at(r, i)))
		i++;
	p->key_end = i;
	p->c.key = ns_redact_key(r->s + p->key, i - p->key);
	if (!is_of_interest(r, p) || (p->key >= sizeof checksum - 1 && starts(r, p->key - (sizeof checksum - 1), checksum)))
		return false;
	while (i && p->key && r->s[p->key - 1] == '*' && at(r, i) == '*') /* **password**: `x` */
		i++;
	p->c.key_quoted = p->key && is_quote(r->s[p->key - 1]) && ns_redact_open_quote(r, &i, &slashes);
	if (p->c.key_quoted && at(r, i) == ']') /* env["DB_PASSWORD"] = … */
		i++;
	p->c.after_word = after_word(r, p->key);
	return ns_redact_separator(r, p, &i) && read_value(r, p, i);
}

void ns_redact_replace_value(redactor *r, const pair *p, const char *kind)
{
	size_t to = p->value_end;
	if (!p->c.value_quoted && to - p->value >= NAME_LOOK)
		to = ns_redact_bare_end(r, p->value, r->n);
	ns_redact_replace(r, p->value, to, kind);
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

/* value: x and only then name: DB_PASSWORD, in the same object. */
static bool name_follows(redactor *r, const pair *p)
{
	enum { NEAR = 40 };
	size_t i = p->value_end, slashes;
	if (!carries_value(r, p))
		return false;
	while (i - p->value_end < NEAR && i < r->n && strchr(" \t\r\n\"'\\,;", r->s[i]) && r->s[i])
		i++;
	if (!starts(r, i, "name") && !starts(r, i, "Name"))
		return false;
	i += strlen("name");
	(void)ns_redact_open_quote(r, &i, &slashes);
	if (at(r, i) != ':' && at(r, i) != '=')
		return false;
	i = skip_blank(r, i + 1);
	(void)ns_redact_open_quote(r, &i, &slashes);
	size_t to = i;
	while (to - i < NAME_LOOK && is_name_char(at(r, to)))
		to++;
	ns_key_info key = ns_redact_key(r->s + i, to - i);
	if (key.strength < NS_KEY_NOUN)
		return false;
	r->named = key;
	r->named_at = to; /* it is used up here: the next value stands behind its own name */
	return true;
}

/* <string name="api_key">x</string> */
static bool element_text(redactor *r, const pair *p)
{
	static const char *const parts[] = {"\r\n\r\n", "\n\n", "\\r\\n\\r\\n"}; /* of a form in several parts */
	size_t from = p->value_end + 2, to = from;
	bool part = false;
	for (size_t k = 0; k < sizeof parts / sizeof *parts && !part; k++)
		if (starts(r, p->value_end + 1, parts[k])) {
			from = to = p->value_end + 1 + strlen(parts[k]);
			part = true;
		}
	if (!p->c.value_quoted || (!part && at(r, p->value_end + 1) != '>'))
		return false;
	if (part)
		to = ns_redact_bare_end(r, from, VALUE_LOOK);
	while (!part && to - from < VALUE_LOOK && !is_end_of_line(r, to) && r->s[to] != '<')
		to++;
	ns_value_context c = {.key = r->named, .key_quoted = true, .value_quoted = true};
	if (to == from || (!part && at(r, to) != '<') || !ns_redact_value(&c, r->s, r->n, from, to))
		return false;
	ns_redact_replace(r, from, to, c.key.kind);
	return true;
}

/* "pass: 12", "PASS: TestFoo", "first pass: ok" count tests; "pass" alone announces a password only like a setting does, or beside a user. */
static bool counts_passes(const redactor *r, const pair *p)
{
	const char *value = r->s + p->value, *name = r->s + p->key;
	size_t n = p->value_end - p->value, number = 0;
	if (!p->c.key.bare || p->key_end - p->key != 4 || strncasecmp(name, "pass", 4) != 0)
		return false;
	while (number < n && (ns_is_digit(value[number]) || strchr("./%s,", value[number])))
		number++;
	if (number == n)
		return true;
	if (!p->c.loose || (p->c.key_quoted && p->c.value_quoted))
		return false;
	return ns_is_upper(name[1]) || (!ns_redact_mixes_digits(value, n) && !ns_redact_names_user(r));
}

static bool named_secret(redactor *r)
{
	if (!is_name_char(r->s[r->i]) || (r->i && is_name_char(r->s[r->i - 1])))
		return false;
	pair p;
	bool has_value = read_pair(r, &p);
	if (p.list && !in_secret_data(r, r->i) && ns_redact_list(r, p.c.key, p.list))
		return true;
	if (!has_value)
		return false;
	if (p.c.key.plural)
		p.c.key.strength = NS_KEY_WEAK;
	if (in_secret_data(r, r->i)) {
		if (strchr("{[", r->s[p.value]) || starts(r, p.value, MARKER))
			return false;
		ns_redact_replace_value(r, &p, "secret-data");
		return true;
	}
	look_for_name(r, &p);
	if (is_value_of_named(r, &p) || name_follows(r, &p)) {
		p.c.key = r->named;
		p.c.key.bare = false;
	}
	if (carries_name(r, &p) && r->named.strength >= NS_KEY_NOUN && element_text(r, &p))
		return true;
	if (p.c.key.strength == NS_KEY_HARMLESS)
		return false;
	if (p.c.key.strength >= NS_KEY_NOUN && p.c.key_quoted && r->s[p.value] == '{') { /* "password": {"value": …} */
		r->named = p.c.key;
		r->named_at = p.value;
		return false;
	}
	if (counts_passes(r, &p))
		return false;
	if (p.c.key.strength == NS_KEY_HEADER)
		return ns_redact_header(r, &p);
	if (!ns_redact_value(&p.c, r->s, r->n, p.value, p.value_end))
		return false;
	ns_redact_replace_value(r, &p, p.c.key.kind);
	if (p.c.value_quoted && starts(r, r->i + 1, " -> ")) { /* "former" -> "new" */
		size_t from = r->i + 1 + strlen(" -> "), slashes;
		if (ns_redact_open_quote(r, &from, &slashes)) {
			size_t to = ns_redact_close_quote(r, from, r->s[from - 1], slashes);
			if (to > from && !starts(r, from, MARKER))
				ns_redact_replace(r, from, to, p.c.key.kind);
		}
	}
	return true;
}

/* ---- the door ---- */

static bool own_form(redactor *r)
{
	const char *kind;
	size_t skip, len = ns_redact_token(r->s, r->n, r->i, &kind, &skip);
	if (!len)
		return false;
	ns_redact_replace(r, r->i + skip, r->i + len, kind);
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

static bool password_in(redactor *r, bool (*find)(const redactor *, size_t *, size_t *), const char *kind)
{
	size_t from, to;
	if (!find(r, &from, &to))
		return false;
	ns_redact_replace(r, from, to, kind);
	return true;
}

static bool shell_secret(const redactor *r, size_t *from, size_t *to)
{
	return ns_redact_shell(r->s, r->n, r->i, from, to);
}

static bool email(redactor *r)
{
	size_t len = ns_redact_email(r->s, r->n, r->i);
	if (!len)
		return false;
	ns_redact_replace(r, r->i, r->i + len, "email");
	return true;
}

size_t ns_redact(ns_buf *out, const char *s, size_t n)
{
	redactor r = {.s = s, .n = n, .out = out, .src = s, .src_n = n};
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
		if (!marker(&r) && !public_block(&r) && !own_form(&r) && !password_in(&r, ns_redact_url_password, "url-password") &&
		    !password_in(&r, shell_secret, "password") && !named_secret(&r) && !password_in(&r, ns_redact_told, "password") &&
		    !password_in(&r, ns_redact_sql, "password") && !(emails && email(&r)))
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
