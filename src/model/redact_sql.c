/* INSERT INTO users (name, password) VALUES ('bob', 'x'): the value in the place of a column that announces a secret. */
#include <strings.h>

#include "redact_scan.h"

enum { LOOK = 512, COLUMNS = 32 };

/* Which of the columns in s[from, to) is the first of a secret, COLUMNS when none is. */
static size_t secret_column(const redactor *r, size_t from, size_t to)
{
	size_t column = 0;
	for (size_t i = from; i < to && column < COLUMNS; column++) {
		size_t name = i;
		while (i < to && r->s[i] != ',')
			i++;
		ns_key_info key = ns_redact_key(r->s + name, i - name);
		if (key.strength >= NS_KEY_NOUN && key.strength != NS_KEY_HEADER && !key.plural)
			return column;
		i++;
	}
	return COLUMNS;
}

/* r->i stands at VALUES: the names in parentheses in front of it. */
static size_t column_before(const redactor *r)
{
	size_t close = r->i;
	while (close && strchr(" \t\r\n", r->s[close - 1]))
		close--;
	if (!close || r->s[--close] != ')')
		return COLUMNS;
	size_t open = close;
	while (open && close - open < LOOK && r->s[open - 1] != '(' && r->s[open - 1] != ')')
		open--;
	return open && r->s[open - 1] == '(' ? secret_column(r, open, close) : COLUMNS;
}

bool ns_redact_sql(const redactor *r, size_t *from, size_t *to)
{
	static const char word[] = "values";
	size_t i = r->i + sizeof word - 1;
	if ((r->s[r->i] | 0x20) != 'v' || r->n - r->i < sizeof word || strncasecmp(r->s + r->i, word, sizeof word - 1) != 0)
		return false;
	i = skip_blank(r, i);
	size_t wanted = at(r, i) == '(' ? column_before(r) : COLUMNS;
	if (wanted == COLUMNS)
		return false;
	i++;
	for (size_t column = 0; i < r->n && i - r->i < VALUE_LOOK; column++) {
		size_t slashes = 0;
		i = skip_blank(r, i);
		*from = i;
		if (ns_redact_open_quote(r, from, &slashes)) {
			*to = ns_redact_close_quote(r, *from, r->s[*from - 1], slashes);
			i = *to + slashes + 1;
		} else {
			while (!is_end_of_line(r, i) && !strchr(",)", r->s[i]))
				i++;
			*to = *from; /* a number, NULL, a function */
		}
		if (column == wanted)
			return *to > *from && !starts(r, *from, MARKER);
		i = skip_blank(r, i);
		if (at(r, i) != ',')
			return false;
		i++;
	}
	return false;
}
