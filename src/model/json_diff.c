/* The difference of two trees for a person. Every line stands for one leaf; a subtree that came or went is shown leaf by leaf. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "redact_priv.h"

enum { VALUE_MAX = 1024, KEY_MAX = 256 };

typedef struct differ {
	const char *const *ignore;
	ns_buf path;
	ns_buf *out;
	size_t lines;
	bool hide_old, hide_new; /* the next leaf is the value of a secret flag */
} differ;

/* ---- the path ---- */

static size_t push_key(differ *d, const char *key)
{
	size_t before = d->path.len;
	if (before)
		ns_buf_putc(&d->path, '.');
	ns_text_clean(&d->path, key, strlen(key), KEY_MAX, false);
	return before;
}

static size_t push_name(differ *d, const char *name)
{
	size_t before = d->path.len;
	ns_buf_putc(&d->path, '[');
	ns_text_clean(&d->path, name, strlen(name), KEY_MAX, false);
	ns_buf_putc(&d->path, ']');
	return before;
}

static size_t push_index(differ *d, size_t i)
{
	size_t before = d->path.len;
	ns_buf_printf(&d->path, "[%zu]", i);
	return before;
}

static void pop(differ *d, size_t before)
{
	d->path.len = before;
	d->path.data[before] = '\0';
}

static bool ignored(const differ *d)
{
	for (const char *const *p = d->ignore; p && *p; p++)
		if (strcmp(*p, ns_buf_str(&d->path)) == 0)
			return true;
	return false;
}

/* ---- lines ---- */

/* A string that could be read as something else is quoted, so that "8080" -> 8080 is a visible change. */
static bool needs_quotes(const char *s)
{
	size_t n = strlen(s);
	if (!n || *s == ' ' || s[n - 1] == ' ' || strchr("\"{}[]", *s))
		return true;
	cJSON *scalar = ns_json_parse(s, n, &ns_json_strict, NULL);
	cJSON_Delete(scalar);
	return scalar != NULL;
}

static void put_value(ns_buf *out, const cJSON *j)
{
	if (cJSON_IsString(j) && !needs_quotes(j->valuestring)) {
		ns_text_clean(out, j->valuestring, strlen(j->valuestring), VALUE_MAX, false);
		return;
	}
	char *text = ns_json_text(j);
	ns_text_clean(out, text, strlen(text), VALUE_MAX, false);
	free(text);
}

static void line(differ *d, char sign, const cJSON *value)
{
	ns_buf_printf(d->out, "%c %s: ", sign, ns_buf_str(&d->path));
	if (sign == '-' ? d->hide_old : d->hide_new)
		ns_buf_puts(d->out, "[redacted:argument]");
	else
		put_value(d->out, value);
	ns_buf_putc(d->out, '\n');
	d->lines++;
}

/* "--password" with its value in the element behind it: what redaction, line by line, cannot see (law 12). */
static bool announces(const cJSON *before, const cJSON *j)
{
	const char *flag = cJSON_IsString(before) ? before->valuestring : "";
	return *flag == '-' && !strchr(flag, '=') && cJSON_IsString(j) && *j->valuestring != '-' &&
	       ns_redact_key(flag, strlen(flag)).strength != NS_KEY_HARMLESS;
}

static const char *name_of(const cJSON *j)
{
	return ns_json_str(j, "name", NULL);
}

static const cJSON *find_name(const cJSON *arr, const char *name)
{
	ns_json_each(c, arr)
	{
		if (strcmp(name_of(c), name) == 0)
			return c;
	}
	return NULL;
}

/* A list whose every element is an object with a name of its own; long ones are compared by position, which is linear. */
static bool is_named(const cJSON *arr)
{
	enum { MOST = 512 };
	if (ns_json_len(arr) > MOST)
		return false;
	ns_json_each(c, arr)
	{
		if (!name_of(c) || find_name(arr, name_of(c)) != c)
			return false;
	}
	return true;
}

static void leaves(differ *d, char sign, const cJSON *j)
{
	if (ignored(d))
		return;
	if (!j->child) {
		line(d, sign, j);
		return;
	}
	size_t i = 0;
	bool named = cJSON_IsArray(j) && is_named(j);
	ns_json_each(c, j)
	{
		size_t before = cJSON_IsObject(j) ? push_key(d, c->string) : named ? push_name(d, name_of(c)) : push_index(d, i);
		d->hide_old = d->hide_new = cJSON_IsArray(j) && i && announces(c->prev, c);
		leaves(d, sign, c);
		d->hide_old = d->hide_new = false;
		pop(d, before);
		i++;
	}
}

/* ---- comparing ---- */

static void compare(differ *d, const cJSON *a, const cJSON *b);

static void compare_objects(differ *d, const cJSON *a, const cJSON *b)
{
	ns_json_each(c, a)
	{
		size_t before = push_key(d, c->string);
		compare(d, c, ns_json_get(b, c->string));
		pop(d, before);
	}
	ns_json_each(c, b)
	{
		if (ns_json_get(a, c->string))
			continue;
		size_t before = push_key(d, c->string);
		compare(d, NULL, c);
		pop(d, before);
	}
}

static void put_names(differ *d, char sign, const cJSON *arr)
{
	ns_buf names = NS_BUF_INIT;
	ns_json_each(c, arr)
	{
		if (names.len)
			ns_buf_puts(&names, ", ");
		ns_text_clean(&names, name_of(c), strlen(name_of(c)), KEY_MAX, false);
	}
	ns_buf_printf(d->out, "%c %s (order): %s\n", sign, ns_buf_str(&d->path), ns_buf_str(&names));
	d->lines++;
	ns_buf_free(&names);
}

/* Init containers and environment variables mean something else in another order, even when each is the same. */
static void compare_order(differ *d, const cJSON *a, const cJSON *b)
{
	bool moved = false;
	const cJSON *x = a ? a->child : NULL, *y = b ? b->child : NULL;
	for (; x && y; x = x->next, y = y->next) {
		if (!find_name(b, name_of(x)))
			return;
		moved = moved || strcmp(name_of(x), name_of(y)) != 0;
	}
	if (moved && !x && !y) {
		put_names(d, '-', a);
		put_names(d, '+', b);
	}
}

static void compare_named(differ *d, const cJSON *a, const cJSON *b)
{
	ns_json_each(c, a)
	{
		size_t before = push_name(d, name_of(c));
		compare(d, c, find_name(b, name_of(c)));
		pop(d, before);
	}
	ns_json_each(c, b)
	{
		if (find_name(a, name_of(c)))
			continue;
		size_t before = push_name(d, name_of(c));
		compare(d, NULL, c);
		pop(d, before);
	}
	compare_order(d, a, b);
}

static void compare_by_position(differ *d, const cJSON *a, const cJSON *b)
{
	const cJSON *x = a ? a->child : NULL, *y = b ? b->child : NULL;
	for (size_t i = 0; x || y; i++) {
		size_t before = push_index(d, i);
		d->hide_old = i && x && announces(x->prev, x);
		d->hide_new = i && y && announces(y->prev, y);
		compare(d, x, y);
		d->hide_old = d->hide_new = false;
		pop(d, before);
		x = x ? x->next : NULL;
		y = y ? y->next : NULL;
	}
}

/* One of the two may be NULL. */
static void compare(differ *d, const cJSON *a, const cJSON *b)
{
	if (ignored(d))
		return;
	if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
		compare_objects(d, a, b);
	} else if (cJSON_IsArray(a) && cJSON_IsArray(b)) {
		if (is_named(a) && is_named(b))
			compare_named(d, a, b);
		else
			compare_by_position(d, a, b);
	} else if (!a || !b || !ns_json_same(a, b)) {
		if (a)
			leaves(d, '-', a);
		if (b)
			leaves(d, '+', b);
	}
}

size_t ns_json_diff(const cJSON *before, const cJSON *after, const char *const *ignore, ns_buf *out)
{
	differ d = {.ignore = ignore, .path = NS_BUF_INIT, .out = out};
	ns_buf_reserve(&d.path, KEY_MAX);
	compare(&d, before, after);
	ns_buf_free(&d.path);
	return d.lines;
}
