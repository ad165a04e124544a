/* Lists under the name of a secret: passwords: [a, b], and in YAML one below the other. */
#include "redact_scan.h"

/* The scalar at i: without its quotes. 0 when it is a pair, a list or nothing. */
static bool scalar(const redactor *r, size_t i, bool flow, size_t *from, size_t *to)
{
	size_t slashes = 0;
	*from = i;
	if (ns_redact_open_quote(r, from, &slashes)) {
		*to = ns_redact_close_quote(r, *from, r->s[*from - 1], slashes);
		size_t after = *to + slashes + 1;
		return at(r, skip_blank(r, after)) != ':';
	}
	for (*to = i; !is_end_of_line(r, *to) && !(flow && strchr(",]", r->s[*to])); ++*to)
		if (r->s[*to] == ':' && (at(r, *to + 1) == ' ' || is_end_of_line(r, *to + 1)))
			return false;
	while (*to > *from && r->s[*to - 1] == ' ')
		--*to;
	return *to > *from && !strchr("{[-#", r->s[i]);
}

static bool is_count(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ns_is_letter(s[i]))
			return false;
	return true;
}

static bool judge(redactor *r, ns_key_info key, size_t from, size_t to)
{
	bool strong = key.strength == NS_KEY_STRONG || key.strength == NS_KEY_CODE;
	if (!strong)
		key.strength = NS_KEY_WEAK; /* tokens, secrets: a list of names as well */
	ns_value_context c = {.key = key, .key_quoted = true, .value_quoted = true};
	if (to <= from || starts(r, from, MARKER) || (!strong && is_count(r->s + from, to - from)) ||
	    !ns_redact_value(&c, r->s, r->n, from, to))
		return false;
	ns_redact_replace(r, from, to, key.kind);
	return true;
}

static bool flow_list(redactor *r, ns_key_info key, size_t i)
{
	bool any = false;
	for (i++; i < r->n; i++) {
		size_t from, to;
		while (i < r->n && strchr(" \t\r\n", r->s[i]) && r->s[i])
			i++;
		if (!scalar(r, i, true, &from, &to))
			break;
		any |= judge(r, key, from, to);
		for (i = to; !is_end_of_line(r, i) && (is_quote(r->s[i]) || r->s[i] == '\\' || r->s[i] == ' ');)
			i++;
		if (at(r, i) != ',')
			break;
	}
	return any;
}

/* i is the end of the line of the name. */
static bool block_list(redactor *r, ns_key_info key, size_t i)
{
	bool any = false;
	while (i < r->n) {
		size_t line = i + 1 + (at(r, i) == '\r' && at(r, i + 1) == '\n'), from, to;
		line = skip_blank(r, line);
		if (at(r, line) != '-' || at(r, line + 1) != ' ' || !scalar(r, skip_blank(r, line + 1), false, &from, &to))
			break;
		any |= judge(r, key, from, to);
		for (i = to; !is_end_of_line(r, i);)
			i++;
	}
	return any;
}

/* passwords: {admin: x, "bob": "y"} */
static bool flow_map(redactor *r, ns_key_info key, size_t i)
{
	bool any = false;
	enum { LONGEST_NAME = 128 };
	for (i++; i < r->n; i++) {
		size_t from, to, name;
		while (i < r->n && strchr(" \t\r\n", r->s[i]) && r->s[i])
			i++;
		for (name = i; i - name < LONGEST_NAME && (is_name_char(at(r, i)) || is_quote(at(r, i)) || at(r, i) == '\\');)
			i++;
		if (i == name || at(r, i) != ':')
			break;
		i = skip_blank(r, i + 1);
		if (!scalar(r, i, true, &from, &to))
			break;
		while (to > from && r->s[to - 1] == '}')
			to--;
		any |= judge(r, key, from, to);
		for (i = to; !is_end_of_line(r, i) && (is_quote(r->s[i]) || r->s[i] == '\\' || r->s[i] == ' ');)
			i++;
		if (at(r, i) != ',')
			break;
	}
	return any;
}

bool ns_redact_list(redactor *r, ns_key_info key, size_t i)
{
	if (at(r, i) == '{')
		return key.plural && flow_map(r, key, i);
	if (at(r, i) == '[')
		return flow_list(r, key, i);
	return i < r->n && is_end_of_line(r, i) && block_list(r, key, i);
}
