/* What stands between a name and its value: "=", ":", "->", a tab, a table's cell, the next argument, and how these are spelled out. */
#include "redact_scan.h"

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

/* Up to its quote: what a message of an error would not be. */
static bool is_one_word(const redactor *r, size_t i)
{
	while ((unsigned char)at(r, i) > ' ' && !is_quote(at(r, i)))
		i++;
	return is_quote(at(r, i));
}

/* A list of arguments, one in a line: what stands before this option stands before the next argument too. */
static bool argument_below(const redactor *r, const pair *p, size_t end, size_t *i)
{
	enum { DEEPEST = 64 };
	size_t line = p->key, next = end + 1 + (at(r, end) == '\r' && at(r, end + 1) == '\n');
	while (line && p->key - line < DEEPEST && strchr(" \t-", r->s[line - 1]))
		line--;
	size_t before = p->key - line;
	if (!before || (line && r->s[line - 1] != '\n') || next >= r->n || r->n - next <= before ||
	    memcmp(r->s + line, r->s + next, before) != 0)
		return false;
	*i = next + before;
	return !strchr("- \t\r\n", r->s[*i]);
}

/* The name of a setting, not a word of a sentence, and behind it what only chance writes. */
static bool told_by_name(const redactor *r, const pair *p, size_t i)
{
	enum { LEAST = 16, LEAST_MARKED = 8 };
	char mark = i && r->s[i - 1] == '\t' ? '\t' : at(r, i);
	if (p->c.key.bare || p->c.key.strength < NS_KEY_NOUN || p->c.key.strength == NS_KEY_HEADER)
		return false;
	size_t to = i;
	if (mark == '\t' || mark == '(' || is_quote(mark)) { /* a table, (x), "x" */
		i += mark != '\t';
		for (to = i; (unsigned char)at(r, to) > ' ' && at(r, to) != ')' && !is_quote(at(r, to));)
			to++;
		bool closed = mark == '\t' || at(r, to) == (mark == '(' ? ')' : mark);
		return closed && to - i >= LEAST_MARKED && (is_quote(mark) || ns_redact_mixes_digits(r->s + i, to - i));
	}
	while (ns_is_alnum(at(r, to)) || (at(r, to) && strchr("+/=_", at(r, to))))
		to++;
	return to - i >= LEAST && (unsigned char)at(r, to) <= ' ' && ns_redact_mixes_digits(r->s + i, to - i);
}

/* | DB_PASSWORD | x |, "DB_PASSWORD" -> "x" */
static bool told_in_cell(const redactor *r, pair *p, bool spaced, char sign, size_t *i)
{
	enum { LEAST = 6 };
	size_t k = skip_blank(r, skip_blank(r, *i) + (sign == '|' ? 1 : 2)), to = k + is_quote(at(r, k));
	bool row = p->key > 1 && (r->s[p->key - 1] == '|' || r->s[p->key - 2] == '|'), digit = false;
	for (size_t from = to; (unsigned char)at(r, to) > ' ' && to - from < NAME_LOOK; to++)
		digit |= ns_is_digit(at(r, to)) || ns_is_upper(at(r, to));
	if (!spaced || (sign == '|' && !row) || p->c.key.strength < NS_KEY_NOUN || to - k < LEAST || (!digit && !p->c.key_quoted))
		return false;
	p->c.loose = !p->c.key_quoted;
	*i = k;
	return true;
}

/* name%3Dvalue, %22name%22%3A%22value%22, &quot;name&quot;:&quot;value&quot; */
static bool coded_separator(const redactor *r, pair *p, size_t *i)
{
	size_t quote = ns_redact_coded_quote(r, *i), k = *i + quote, sign = ns_redact_coded(r, k, '=');
	sign = sign ? sign : ns_redact_coded(r, k, ':');
	if (!sign && quote && at(r, k) == ':')
		sign = 1;
	for (k += sign; sign && at(r, k) == '+';)
		k++;
	p->coded = sign > 0;
	*i = p->coded ? k : *i;
	return p->coded;
}

/* var password string = "x", password: str = "x": the type is no value. */
static void skip_type(const redactor *r, size_t *i)
{
	static const char *const types[] = {"string", "str", "String", "SecretStr", "String?", "string?"};
	size_t k = skip_blank(r, *i);
	if (k == *i && at(r, k) != ':')
		return;
	k = skip_blank(r, k + (at(r, k) == ':'));
	for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
		size_t sign = skip_blank(r, k + strlen(types[t]));
		if (starts(r, k, types[t]) && at(r, sign) == '=' && at(r, sign + 1) != '=')
			*i = sign;
	}
}

/* Between name and value: "=", ":", "=>", ":=", for a flag a space, for XML the tag's end. */
bool ns_redact_separator(const redactor *r, pair *p, size_t *i)
{
	skip_type(r, i);
	size_t blank = skip_blank(r, *i), k = blank;
	char c = at(r, k);
	bool spaced = blank > *i;
	if (c == '>' && !spaced && p->key && r->s[p->key - 1] == '<') {
		*i = k + 1;
		return true;
	}
	if (!spaced && coded_separator(r, p, i))
		return true;
	if ((c == '|' || (c == '-' && at(r, k + 1) == '>')) && told_in_cell(r, p, spaced, c, i))
		return true;
	if (c == '{' && p->c.key_quoted) { /* variable "db_password" { … */
		*i = k;
		return true;
	}
	if (c == '=' || (c == ':' && (!spaced || at(r, k + 1) == '=' || p->c.key_quoted || p->c.key.strength == NS_KEY_STRONG))) {
		bool path_before = c == ':' && p->key && (r->s[p->key - 1] == '/' || in_arn(r, p->key)); /* registry/token:v1 */
		k++;
		if (at(r, k) == '>' || at(r, k) == '=')
			k++;
		p->c.loose = c == ':' || spaced || at(r, k) == ' ';
		while (p->key && r->s[p->key - 1] == '*' && at(r, k) == '*') /* **password:** `x` */
			k++;
		*i = skip_blank(r, k);
		return !path_before && !(c == ':' && starts(r, k, "//"));
	}
	bool call = p->key > 1 && r->s[p->key - 2] == '(';                   /* setenv("DB_PASSWORD", "x") */
	if (c == ',' && p->c.key_quoted && (at(r, p->key) == '-' || call)) { /* ["--password", "x"]: the next argument */
		size_t next = skip_blank(r, blank + 1), quote = next, slashes;
		if (ns_redact_open_quote(r, &quote, &slashes) && at(r, quote) != '-' && (!call || is_one_word(r, quote))) {
			*i = next;
			return true;
		}
	}
	if (spaced && !p->flag && told_by_name(r, p, blank)) { /* initialAdminPassword x */
		p->c.loose = true;
		*i = blank + (c == '(');
		return true;
	}
	if (p->flag && spaced && c != '-' && c != '(') {
		p->c.loose = true;
		*i = blank;
		return true;
	}
	if (p->flag && is_end_of_line(r, blank) && argument_below(r, p, blank, i))
		return true;
	return false;
}
