/* Words for what changed between two pod templates. The analyst reads them as well as people do, so the clauses have a grammar (see
 * llm/analyst.h); values pass redaction, because an environment may hold a secret. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/model/redact.h"

#define MAX_VALUE 120

typedef struct diff {
	ns_arena *ar;
	ns_buf words;
	bool safe;
	const char *of; /* " of CONTAINER", "" when there is only one */
} diff;

static void clause(diff *d, bool safe, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void clause(diff *d, bool safe, const char *fmt, ...)
{
	ns_buf one = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&one, fmt, ap);
	va_end(ap);
	/* The separator of clauses must not come out of a value. */
	for (size_t i = 0; i < one.len; i++)
		if (one.data[i] == ';')
			one.data[i] = ',';
	ns_buf_printf(&d->words, "%s%s", d->words.len ? "; " : "", ns_buf_str(&one));
	ns_buf_free(&one);
	d->safe &= safe;
}

/* A value as text: strings as they are, the rest as JSON; redacted under its name, capped. */
static const char *value_words(diff *d, const char *name, const cJSON *v)
{
	if (!v)
		return "none";
	char *json = cJSON_IsString(v) ? NULL : ns_json_text(v);
	char *pair = ns_xasprintf("%s=%s", name, json ? json : v->valuestring);
	char *clean = ns_redact_line(pair, strlen(pair), strlen(name) + 1 + MAX_VALUE);
	const char *eq = strchr(clean, '=');
	const char *out = ns_arena_strdup(d->ar, eq ? eq + 1 : clean);
	free(json);
	free(pair);
	free(clean);
	return out;
}

/* "OLD -> NEW", "added (NEW)" or "removed". */
static const char *change_words(diff *d, const char *name, const cJSON *a, const cJSON *b)
{
	if (!a)
		return ns_arena_printf(d->ar, "added (%s)", value_words(d, name, b));
	if (!b)
		return "removed";
	return ns_arena_printf(d->ar, "%s -> %s", value_words(d, name, a), value_words(d, name, b));
}

/* ---- environment ---- */

/* Where a value comes from: "secret db/password", "configmap app/url", or the value itself. */
static const cJSON *env_value(diff *d, const cJSON *e, const char **from)
{
	static const struct {
		const char *path, *word;
	} sources[] = {{"valueFrom.secretKeyRef", "secret"}, {"valueFrom.configMapKeyRef", "configmap"}};
	*from = NULL;
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		const cJSON *ref = ns_json_path(e, sources[i].path);
		if (ref)
			*from =
			    ns_arena_printf(d->ar, "%s %s/%s", sources[i].word, ns_json_str(ref, "name", ""), ns_json_str(ref, "key", ""));
	}
	const cJSON *v = ns_json_get(e, "value");
	return v ? v : ns_json_get(e, "valueFrom");
}

static void diff_env(diff *d, const cJSON *a, const cJSON *b)
{
	const cJSON *old = ns_json_get(a, "env"), *now = ns_json_get(b, "env");
	const cJSON *lists[] = {old, now};
	for (size_t side = 0; side < 2; side++)
		ns_json_each(e, lists[side])
		{
			const char *name = ns_json_str(e, "name", ""), *from_a, *from_b;
			const cJSON *x = ns_json_named(old, name), *y = ns_json_named(now, name);
			if (ns_json_same(x, y) || (side == 1 && x))
				continue; /* what both have was told on the first pass */
			const cJSON *va = env_value(d, x, &from_a), *vb = env_value(d, y, &from_b);
			if (!from_a && !from_b)
				clause(d, true, "env %s%s %s", name, d->of, change_words(d, name, x ? va : NULL, y ? vb : NULL));
			else if (!x)
				clause(d, true, "env %s%s added (%s)", name, d->of, from_b);
			else
				clause(d, true, "env %s%s %s -> %s", name, d->of, from_a ? from_a : value_words(d, name, va),
				    !y       ? "removed"
				    : from_b ? from_b
				             : value_words(d, name, vb));
		}
	if (!ns_json_same(ns_json_get(a, "envFrom"), ns_json_get(b, "envFrom")))
		clause(d, true, "envFrom%s %s", d->of, change_words(d, "envFrom", ns_json_get(a, "envFrom"), ns_json_get(b, "envFrom")));
}

/* ---- containers ---- */

static const struct {
	const char *key, *words;
	bool safe, with_value;
} fields[] = {
    {"image", "image", true, true},
    {"command", "command", true, true},
    {"args", "args", true, true},
    {"livenessProbe", "liveness probe", true, true},
    {"readinessProbe", "readiness probe", true, true},
    {"startupProbe", "startup probe", true, true},
    {"ports", "ports", false, true},
    {"securityContext", "security context", false, false},
    {"volumeMounts", "volume mounts", false, false},
    {"lifecycle", "lifecycle hooks", false, false},
};
/* Told elsewhere. */
static const char *const told[] = {"name", "env", "envFrom", "resources"};

static bool listed(const char *key)
{
	for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
		if (!strcmp(key, told[i]))
			return true;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (!strcmp(key, fields[i].key))
			return true;
	return false;
}

/* Keys that no row speaks of: told by name only. */
static void diff_others(diff *d, const cJSON *a, const cJSON *b, bool (*skip)(const char *), const char *where)
{
	const cJSON *lists[] = {a, b};
	for (size_t side = 0; side < 2; side++)
		ns_json_each(x, lists[side])
		{
			if (!x->string || skip(x->string) || (side == 1 && ns_json_get(a, x->string)))
				continue;
			if (!ns_json_same(ns_json_get(a, x->string), ns_json_get(b, x->string)))
				clause(d, false, "%s%s%s changed", where, x->string, d->of);
		}
}

static void diff_resources(diff *d, const cJSON *a, const cJSON *b)
{
	static const struct {
		const char *section, *key, *words;
	} rows[] = {{"limits", "memory", "memory limit"}, {"requests", "memory", "memory request"}, {"limits", "cpu", "cpu limit"},
	    {"requests", "cpu", "cpu request"}};
	const cJSON *ra = ns_json_get(a, "resources"), *rb = ns_json_get(b, "resources");
	size_t before = d->words.len;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const cJSON *x = ns_json_get(ns_json_get(ra, rows[i].section), rows[i].key),
		            *y = ns_json_get(ns_json_get(rb, rows[i].section), rows[i].key);
		if (!ns_json_same(x, y))
			clause(d, true, "%s%s %s", rows[i].words, d->of, change_words(d, rows[i].words, x, y));
	}
	if (d->words.len == before && !ns_json_same(ra, rb))
		clause(d, true, "resources%s changed", d->of);
}

static void diff_container(diff *d, const cJSON *a, const cJSON *b)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const cJSON *x = ns_json_get(a, fields[i].key), *y = ns_json_get(b, fields[i].key);
		if (ns_json_same(x, y))
			continue;
		if (fields[i].with_value)
			clause(d, fields[i].safe, "%s%s %s", fields[i].words, d->of, change_words(d, fields[i].key, x, y));
		else
			clause(d, fields[i].safe, "%s%s changed", fields[i].words, d->of);
	}
	diff_env(d, a, b);
	diff_resources(d, a, b);
	diff_others(d, a, b, listed, "container field ");
}

static void diff_containers(diff *d, const cJSON *a, const cJSON *b, const char *list, const char *word)
{
	const cJSON *la = ns_json_get(a, list), *lb = ns_json_get(b, list);
	bool alone = ns_json_len(la) <= 1 && ns_json_len(lb) <= 1 && !strcmp(list, "containers");
	ns_json_each(x, la)
	{
		const char *name = ns_json_str(x, "name", "");
		const cJSON *y = ns_json_named(lb, name);
		if (!y)
			clause(d, false, "%s %s removed", word, name);
		else {
			d->of = alone ? "" : ns_arena_printf(d->ar, " of %s", name);
			diff_container(d, x, y);
		}
	}
	d->of = "";
	ns_json_each(y, lb) if (!ns_json_named(la, ns_json_str(y, "name", "")))
	    clause(d, false, "%s %s added (image %s)", word, ns_json_str(y, "name", ""), value_words(d, "image", ns_json_get(y, "image")));
}

/* ---- the rest of the template ---- */

static bool told_in_spec(const char *key)
{
	return !strcmp(key, "containers") || !strcmp(key, "initContainers") || !strcmp(key, "volumes") || !strcmp(key, "securityContext") ||
	       !strcmp(key, "serviceAccountName") || !strcmp(key, "serviceAccount");
}

static bool nothing(const char *key)
{
	return false;
}

static void diff_volumes(diff *d, const cJSON *a, const cJSON *b)
{
	const cJSON *old = ns_json_get(a, "volumes"), *now = ns_json_get(b, "volumes");
	ns_json_each(x, old)
	{
		const char *name = ns_json_str(x, "name", "");
		if (!ns_json_same(x, ns_json_named(now, name)))
			clause(d, false, "volume %s %s", name, change_words(d, "volume", x, ns_json_named(now, name)));
	}
	ns_json_each(y, now) if (!ns_json_named(old, ns_json_str(y, "name", "")))
	    clause(d, false, "volume %s %s", ns_json_str(y, "name", ""), change_words(d, "volume", NULL, y));
}

const char *ns_template_changes(ns_arena *ar, const cJSON *old, const cJSON *now, bool *safe)
{
	diff d = {.ar = ar, .words = NS_BUF_INIT, .safe = true, .of = ""};
	const cJSON *a = ns_json_get(old, "spec"), *b = ns_json_get(now, "spec");
	diff_containers(&d, a, b, "containers", "container");
	diff_containers(&d, a, b, "initContainers", "init container");
	diff_volumes(&d, a, b);
	if (!ns_json_same(ns_json_get(a, "securityContext"), ns_json_get(b, "securityContext")))
		clause(&d, false, "security context of the pod changed");
	if (!ns_json_same(ns_json_get(a, "serviceAccountName"), ns_json_get(b, "serviceAccountName")))
		clause(&d, false, "service account %s",
		    change_words(&d, "serviceAccountName", ns_json_get(a, "serviceAccountName"), ns_json_get(b, "serviceAccountName")));
	diff_others(&d, a, b, told_in_spec, "pod field ");
	diff_others(&d, ns_json_path(old, "metadata.annotations"), ns_json_path(now, "metadata.annotations"), nothing, "annotation ");
	diff_others(&d, ns_json_path(old, "metadata.labels"), ns_json_path(now, "metadata.labels"), nothing, "label ");
	const char *words = ns_arena_strdup(ar, ns_buf_str(&d.words));
	*safe = d.safe;
	ns_buf_free(&d.words);
	return words;
}
