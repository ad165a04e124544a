/* One value of each type: from text, checked against its row. */
#include "config_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "90", "90s", "5m", "2h", "1d" -> ms; a plain number is seconds. */
static bool parse_duration(const char *s, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (end == s || errno || v < 0)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(end, units[i].unit) != 0 || v > INT64_MAX / units[i].ms)
			continue;
		*ms = v * units[i].ms;
		return true;
	}
	return false;
}

static bool parse_duration_in(const ns_option *o, const char *s, int64_t *ms)
{
	const char *dots = o->values ? strstr(o->values, "..") : NULL;
	int64_t min = 0, max = INT64_MAX;
	if (dots) {
		char low[32];
		snprintf(low, sizeof low, "%.*s", (int)(dots - o->values), o->values);
		if (!parse_duration(low, &min) || !parse_duration(dots + 2, &max))
			return false;
	}
	return parse_duration(s, ms) && *ms >= min && *ms <= max;
}

static bool parse_number(const ns_option *o, const char *s, double *out)
{
	double min = -INFINITY, max = INFINITY;
	char *end;
	errno = 0;
	*out = strtod(s, &end);
	if (end == s || *end || errno || !isfinite(*out))
		return false;
	const char *dots = o->values ? strstr(o->values, "..") : NULL;
	if (dots) { /* "0..1e9": strtod alone would read "0." */
		char low[32];
		snprintf(low, sizeof low, "%.*s", (int)(dots - o->values), o->values);
		min = strtod(low, NULL);
		max = strtod(dots + 2, NULL);
	}
	return *out >= min && *out <= max;
}

static int enum_index(const char *values, const char *s)
{
	size_t n = strlen(s);
	for (int i = 0;; i++) {
		const char *bar = strchr(values, '|');
		size_t len = bar ? (size_t)(bar - values) : strlen(values);
		if (len == n && strncmp(values, s, n) == 0)
			return i;
		if (!bar)
			return -1;
		values = bar + 1;
	}
}

static const char *const *split_list(ns_arena *ar, const char *s)
{
	size_t n = 1;
	for (const char *p = s; *p; p++)
		n += *p == ',';
	const char **list = ns_arena_alloc(ar, (n + 1) * sizeof *list);
	size_t k = 0;
	while (*s) {
		s += strspn(s, " \t"); /* "a, b" is how people write it */
		size_t len = strcspn(s, ","), word = len;
		while (word && (s[word - 1] == ' ' || s[word - 1] == '\t'))
			word--;
		if (word)
			list[k++] = ns_arena_strndup(ar, s, word);
		s += len + (s[len] == ',');
	}
	return list;
}

/* A name that no namespace can have would protect nothing, and nobody would notice; the same for what is watched. */
static bool list_ok(const ns_option *o, const char *const *list)
{
	bool ok = true, names = o->offset == offsetof(ns_config, protected_ns) || o->offset == offsetof(ns_config, namespaces);
	for (; names && *list; list++)
		ok = ok && ns_k8s_label_ok(*list);
	return ok;
}

static bool read_windows(ns_config *c, const char *from, ns_err *err)
{
	size_t n = 0;
	while (c->freeze_windows[n])
		n++;
	ns_freeze *w = ns_arena_alloc(c->arena, (n + 1) * sizeof *w);
	for (size_t i = 0; i < n; i++)
		if (!ns_freeze_parse(c->arena, c->freeze_windows[i], &w[i], err)) {
			err->code = NS_E_USAGE;
			return ns_err_wrap(err, "%s", from);
		}
	c->windows = w;
	c->n_windows = n;
	return true;
}

bool config_set(ns_config *c, const ns_option *o, const char *s, const char *from, ns_err *err)
{
	void *p = (char *)c + o->offset;
	double num = 0;
	bool ok = true;
	int i;
	switch (o->type) {
	case NS_OPT_STR: *(const char **)p = ns_arena_strdup(c->arena, s); break;
	case NS_OPT_LIST:
		*(const char *const **)p = split_list(c->arena, s);
		if (o->offset == offsetof(ns_config, freeze_windows) && !read_windows(c, from, err))
			return false;
		ok = list_ok(o, *(const char *const **)p);
		break;
	case NS_OPT_BOOL:
		ok = strcmp(s, "true") == 0 || strcmp(s, "false") == 0;
		*(bool *)p = strcmp(s, "true") == 0;
		break;
	case NS_OPT_INT:
		ok = parse_number(o, s, &num) && num == floor(num);
		*(int *)p = ok ? (int)num : 0;
		break;
	case NS_OPT_NUM: ok = parse_number(o, s, p); break;
	case NS_OPT_DURATION: ok = parse_duration_in(o, s, p); break;
	case NS_OPT_BYTES: ok = ns_quantity_bytes(s, p); break;
	case NS_OPT_ENUM:
		i = enum_index(o->values, s);
		ok = i >= 0;
		*(int *)p = i;
		break;
	}
	if (!ok) {
		static const char *const wants[] = {[NS_OPT_BOOL] = "true or false",
		    [NS_OPT_LIST] = "names of namespaces, joined by commas",
		    [NS_OPT_DURATION] = "a time such as 90s, 5m or 2h",
		    [NS_OPT_BYTES] = "a size such as 512Mi",
		    [NS_OPT_INT] = "a whole number",
		    [NS_OPT_NUM] = "a number",
		    [NS_OPT_ENUM] = "one of"};
		const char *in = !o->values ? "" : o->type == NS_OPT_ENUM ? " " : o->type == NS_OPT_DURATION ? ", in " : " in ";
		return ns_fail(err, NS_E_USAGE, "%s: \"%.100s\" is no value for %s: it must be %s%s%s", from, s, o->name, wants[o->type],
		    in, o->values ? o->values : "");
	}
	c->origin[o - ns_options] = ns_arena_strdup(c->arena, from);
	return true;
}

/* A value as it would stand on the command line. Only a list may be a list; nothing may be a map. */
bool config_yaml_words(const ns_option *o, const cJSON *v, ns_buf *out)
{
	if (cJSON_IsArray(v) && o->type == NS_OPT_LIST) {
		ns_json_each(item, v)
		{
			if (!cJSON_IsString(item) || strchr(item->valuestring, ','))
				return false;
			ns_buf_printf(out, "%s%s", out->len ? "," : "", item->valuestring);
		}
		return true;
	}
	if (cJSON_IsString(v))
		ns_buf_puts(out, v->valuestring);
	else if (!cJSON_IsNull(v) && !cJSON_IsArray(v) && !cJSON_IsObject(v))
		ns_json_write(v, out);
	return !cJSON_IsArray(v) && !cJSON_IsObject(v);
}
