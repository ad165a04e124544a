/* Label and field selectors. */
#include "http_priv.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef enum sel_op { SEL_IN, SEL_NOT_IN, SEL_EXISTS, SEL_ABSENT } sel_op;
typedef struct sel_term {
	bool field;
	sel_op op;
	char *key, *values; /* values: n_values strings, each ended by NUL */
	size_t n_values;
} sel_term;

struct sim_select {
	const sim_kind *kind;
	sel_term *terms;
	size_t n;
};

void select_free(sim_select *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n; i++) {
		free(x->terms[i].key);
		free(x->terms[i].values);
	}
	free(x->terms);
	free(x);
}

bool select_all(const sim_select *x)
{
	return x->n == 0;
}

static sel_term *term_add(sim_select *x, bool field, const char *key, size_t key_len, sel_op op)
{
	x->terms = ns_xrealloc(x->terms, (x->n + 1) * sizeof *x->terms);
	sel_term *t = &x->terms[x->n++];
	*t = (sel_term){.field = field, .op = op, .key = ns_xmalloc(key_len + 1)};
	memcpy(t->key, key, key_len);
	t->key[key_len] = '\0';
	return t;
}

static void term_value(sel_term *t, size_t *used, const char *v, size_t n)
{
	t->values = ns_xrealloc(t->values, *used + n + 1);
	memcpy(t->values + *used, v, n);
	t->values[*used + n] = '\0';
	*used += n + 1;
	t->n_values++;
}

static const char *skip_space(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

static size_t word(const char *p)
{
	size_t n = 0;
	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("-_./", p[n])))
		n++;
	return n;
}

/* "in (a,b)" or "notin (a,b)" after the key; NULL when it is neither. */
static const char *parse_set(sim_select *x, const char *key, size_t key_len, const char *p)
{
	bool in = !strncmp(p, "in", 2) && (p[2] == ' ' || p[2] == '('), notin = !strncmp(p, "notin", 5) && (p[5] == ' ' || p[5] == '(');
	if (!in && !notin)
		return NULL;
	p = skip_space(p + (in ? 2 : 5));
	if (*p++ != '(')
		return NULL;
	sel_term *t = term_add(x, false, key, key_len, in ? SEL_IN : SEL_NOT_IN);
	size_t used = 0;
	for (;;) {
		p = skip_space(p);
		size_t n = word(p);
		term_value(t, &used, p, n);
		p = skip_space(p + n);
		if (*p == ')')
			return skip_space(p + 1);
		if (*p++ != ',')
			return NULL;
	}
}

static const char *parse_label(sim_select *x, const char *p)
{
	bool absent = *p == '!';
	const char *key = p = skip_space(p + absent);
	size_t key_len = word(p);
	if (!key_len)
		return NULL;
	p = skip_space(p + key_len);
	if (absent || !*p || *p == ',') {
		term_add(x, false, key, key_len, absent ? SEL_ABSENT : SEL_EXISTS);
		return p;
	}
	bool differs = p[0] == '!' && p[1] == '=';
	if (!differs && *p != '=')
		return parse_set(x, key, key_len, p);
	p = skip_space(p + (differs || p[1] == '=' ? 2 : 1));
	size_t n = word(p), used = 0;
	term_value(term_add(x, false, key, key_len, differs ? SEL_NOT_IN : SEL_IN), &used, p, n);
	return skip_space(p + n);
}

static bool field_known(const sim_kind *k, const char *key, size_t n)
{
	static const char *const always[] = {"metadata.name", "metadata.namespace", NULL};
	for (const char *const *f = always; *f; f++)
		if (strlen(*f) == n && !memcmp(*f, key, n))
			return true;
	for (const char *const *f = k->fields; f && *f; f++)
		if (strlen(*f) == n && !memcmp(*f, key, n))
			return true;
	return false;
}

static const char *parse_field(sim_select *x, const char *p, sim_resp *r)
{
	size_t key_len = strcspn(p, "=!,");
	const char *op = p + key_len;
	bool differs = op[0] == '!' && op[1] == '=';
	if (!key_len || (!differs && *op != '=')) {
		status_error(r, 400, "BadRequest", NULL, NULL, "invalid selector: '%s'; can't understand '%s'", p, p);
		return NULL;
	}
	if (!field_known(x->kind, p, key_len)) {
		status_error(r, 400, "BadRequest", NULL, NULL, "field label not supported: %.*s", (int)key_len, p);
		return NULL;
	}
	const char *v = op + (differs || op[1] == '=' ? 2 : 1);
	size_t n = strcspn(v, ","), used = 0;
	term_value(term_add(x, true, p, key_len, differs ? SEL_NOT_IN : SEL_IN), &used, v, n);
	return v + n;
}

sim_select *select_new(const sim_kind *k, const char *labels, const char *fields, sim_resp *r)
{
	sim_select *x = ns_xcalloc(1, sizeof *x);
	x->kind = k;
	for (const char *p = labels ? skip_space(labels) : ""; *p;) {
		const char *at = p;
		p = parse_label(x, p);
		if (!p || (*p && *p != ',')) {
			status_error(r, 400, "BadRequest", NULL, NULL, "unable to parse requirement: found '%.60s', expected: identifier",
			    p ? p : at);
			select_free(x);
			return NULL;
		}
		p = *p ? skip_space(p + 1) : p;
	}
	for (const char *p = fields ? fields : ""; *p;) {
		p = parse_field(x, p, r);
		if (!p) {
			select_free(x);
			return NULL;
		}
		p += *p == ',';
	}
	return x;
}

/* The value of a selectable field as text; what is absent is "", a boolean "false". */
static const char *field_value(const sim_kind *k, const cJSON *obj, const char *key)
{
	if (!strcmp(key, "source"))
		return ns_json_str(obj, "source.component", ns_json_str(obj, "reportingComponent", ""));
	if (!strcmp(key, "name"))
		return ns_json_str(obj, "metadata.name", "");
	const cJSON *v = ns_json_path(obj, key);
	if (cJSON_IsString(v))
		return v->valuestring;
	if (k->id == K_NODE)
		return cJSON_IsTrue(v) ? "true" : "false";
	return "";
}

static bool term_match(const sim_select *x, const sel_term *t, const cJSON *obj)
{
	const char *have;
	if (t->field) {
		have = field_value(x->kind, obj, t->key);
	} else {
		const cJSON *v = ns_json_get(ns_json_path(obj, "metadata.labels"), t->key);
		if (t->op == SEL_EXISTS || t->op == SEL_ABSENT)
			return (v != NULL) == (t->op == SEL_EXISTS);
		if (!cJSON_IsString(v))
			return t->op == SEL_NOT_IN;
		have = v->valuestring;
	}
	const char *v = t->values;
	for (size_t i = 0; i < t->n_values; i++, v += strlen(v) + 1)
		if (!strcmp(v, have))
			return t->op == SEL_IN;
	return t->op == SEL_NOT_IN;
}

bool select_match(const sim_select *x, const cJSON *obj)
{
	for (size_t i = 0; i < x->n; i++)
		if (!term_match(x, &x->terms[i], obj))
			return false;
	return true;
}
