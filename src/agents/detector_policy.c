/* Kyverno as the detector sees it: requests that were refused, existing objects that fail an enforced policy, and which policies are enforced
 * at all. A failing report of a policy that only audits is no incident. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum { REFUSED_MS = 10 * 60000, STUCK_MS = 60 * 60000, MAX_RESULTS = 1000 };

/* ---- policies ---- */

static bool enforces(const char *action)
{
	return ns_ieq(action, "Enforce");
}

char *dt_policy_key(const cJSON *j)
{
	const char *name = ns_json_str(j, "metadata.name", ""), *ns = ns_json_str(j, "metadata.namespace", "");
	return ns_xasprintf("%s%s%s", ns, *ns ? "/" : "", name);
}

/* One more thing that the policy says of what it does where: the first that fits counts. */
static void say_mode(ns_buf *b, unsigned *n, const char *rule, const char *action, const char *namespaces)
{
	const char *const texts[] = {rule, enforces(action) ? "y" : "", namespaces};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ns_buf_put(b, texts[i], strlen(texts[i]) + 1);
	++*n;
}

/* Those that go by labels of namespaces are left out: no labels of namespaces are watched. */
static void say_overrides(ns_buf *b, unsigned *n, const char *rule, const cJSON *overrides)
{
	ns_json_each(o, overrides)
		ns_json_each(ns, ns_json_get(o, "namespaces"))
			if (cJSON_IsString(ns) && !ns_json_get(o, "namespaceSelector"))
				say_mode(b, n, rule, ns_json_str(o, "action", ""), ns->valuestring);
}

dt_policy *dt_decode_policy(const cJSON *j)
{
	const cJSON *spec = ns_json_get(j, "spec");
	const char *action = ns_json_str(spec, "validationFailureAction", "");
	ns_buf b = NS_BUF_INIT;
	unsigned n = 0;
	if (!*ns_json_str(j, "metadata.name", ""))
		return NULL;
	ns_json_each(rule, ns_json_get(spec, "rules"))
	{
		const char *name = ns_json_str(rule, "name", ""), *own = ns_json_str(rule, "validate.failureAction", "");
		say_overrides(&b, &n, name, ns_json_path(rule, "validate.failureActionOverrides"));
		if (*own && *name)
			say_mode(&b, &n, name, own, "*");
	}
	say_overrides(&b, &n, "", ns_json_get(spec, "validationFailureActionOverrides"));
	/* Policies written in CEL say it so. */
	ns_json_each(a, ns_json_get(spec, "validationActions"))
		if (cJSON_IsString(a) && ns_ieq(a->valuestring, "Deny"))
			action = "Enforce";
	say_mode(&b, &n, "", action, "*");
	char *key = dt_policy_key(j);
	size_t len = strlen(key) + 1;
	dt_policy *p = ns_xcalloc(1, sizeof *p + len + b.len);
	p->key = memcpy(p + 1, key, len);
	p->modes = memcpy((char *)(p + 1) + len, b.data, b.len);
	p->modes_len = b.len;
	p->n_modes = n;
	ns_buf_free(&b);
	free(key);
	return p;
}

static bool enforced(const dt_policy *p, const char *rule, const char *ns)
{
	const char *at = p->modes;
	for (unsigned i = 0; i < p->n_modes; i++) {
		const char *name = at, *yes = name + strlen(name) + 1, *where = yes + strlen(yes) + 1;
		if ((!*name || strcmp(name, rule) == 0) && fnmatch(where, ns, 0) == 0)
			return *yes;
		at = where + strlen(where) + 1;
	}
	return false;
}

static void mark_reported(ns_detector *d)
{
	dt_each(dt_report, first, &d->reports)
		for (const dt_report *r = first; r; r = r->next)
			dt_mark(d, r->work);
}

void dt_put_policy(ns_detector *d, dt_row row, dt_policy *p)
{
	dt_policy *old = dt_tab_get(&d->policies, p->key);
	bool news = !old || old->modes_len != p->modes_len || memcmp(old->modes, p->modes, p->modes_len) != 0;
	p->row = (unsigned char)row;
	p->mark = d->rows[row].mark;
	dt_tab_put(&d->policies, p);
	free(old);
	if (news)
		mark_reported(d);
}

void dt_drop_policy(ns_detector *d, const char *key)
{
	dt_policy *old = dt_tab_del(&d->policies, key);
	if (old)
		mark_reported(d);
	free(old);
}

/* ---- reports ---- */

static dt_result copy_result(char **at, const char *policy, const char *rule, const char *message)
{
	const char *const in[] = {policy, rule, message};
	const char *out[3];
	for (int i = 0; i < 3; i++) {
		size_t n = strlen(in[i]) + 1;
		memcpy(*at, in[i], n);
		out[i] = *at;
		*at += n;
	}
	return (dt_result){out[0], out[1], out[2]};
}

static size_t room(const ns_violation *v)
{
	return strlen(v->policy) + strlen(v->rule) + strlen(v->message) + 3;
}

/* Results that an exception lets through; "pass" of them says nothing about who did it. */
static size_t skips_of(ns_arena *ar, const cJSON *j, ns_violation **out)
{
	const cJSON *results = ns_json_get(j, "results");
	size_t n = 0;
	*out = ns_arena_alloc(ar, (ns_json_len(results) + 1) * sizeof **out);
	ns_json_each(r, results)
		if (strcmp(ns_json_str(r, "result", ""), "skip") == 0 && *ns_json_str(r, "properties.exceptions", ""))
			(*out)[n++] = (ns_violation){.policy = ns_json_str(r, "policy", ""), .rule = ns_rule_base(ns_json_str(r, "rule", "")), .message = ""};
	return n;
}

static bool same_resource(const ns_violation *a, const ns_violation *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 && strcmp(a->ns, b->ns) == 0;
}

/* What a report says of one resource. */
static dt_report *report_on(const char *uid, const ns_violation *about, const ns_violation *const *fails, size_t n, const ns_violation *skips, size_t m)
{
	size_t size = sizeof(dt_report) + (n + m) * sizeof(dt_result);
	size_t text = strlen(uid) + strlen(about->ns) + strlen(about->kind) + strlen(about->name) + strlen(about->uid) + 6;
	for (size_t i = 0; i < n; i++)
		text += room(fails[i]);
	for (size_t i = 0; i < m; i++)
		text += room(&skips[i]);
	dt_report *r = ns_xcalloc(1, size + text);
	char *at = (char *)r + size;
	/* Six texts with their NULs, two by three. */
	dt_result head = copy_result(&at, uid, about->ns, about->kind), who = copy_result(&at, about->name, about->uid, "");
	r->key = head.policy;
	r->ns = head.rule;
	r->kind = head.message;
	r->name = who.policy;
	r->uid = who.rule;
	r->fails = (dt_result *)(r + 1);
	r->skips = r->fails + n;
	r->n_fails = n;
	r->n_skips = m;
	for (size_t i = 0; i < n; i++)
		r->fails[i] = copy_result(&at, fails[i]->policy, fails[i]->rule, fails[i]->message);
	for (size_t i = 0; i < m; i++)
		r->skips[i] = copy_result(&at, skips[i].policy, skips[i].rule, "");
	return r;
}

dt_report *dt_decode_report(ns_arena *ar, const cJSON *j)
{
	ns_violation *fails, *skips;
	const char *uid = ns_json_str(j, "metadata.uid", "");
	size_t n = ns_violations_from_report(ar, j, &fails), m = skips_of(ar, j, &skips);
	const char *from = ns_json_str(j, "metadata.namespace", ""), *about = ns_json_str(j, "scope.namespace", from);
	if (!*uid || !(n + m) || (*from && strcmp(from, about) != 0))
		return NULL;
	n = n < MAX_RESULTS ? n : MAX_RESULTS;
	m = m < MAX_RESULTS ? m : MAX_RESULTS;
	const cJSON *scope = ns_json_get(j, "scope");
	const ns_violation scoped = {.ns = ns_json_str(scope, "namespace", ""), .kind = ns_json_str(scope, "kind", ""), .name = ns_json_str(scope, "name", ""),
	    .uid = ns_json_str(scope, "uid", "")};
	if (!n)
		return report_on(uid, &scoped, NULL, 0, skips, m);
	/* One report, one resource since Kyverno 1.11. Before, a report was about all of a namespace; it does not tell of whom it says "skip". */
	const ns_violation **of = ns_arena_alloc(ar, n * sizeof *of);
	bool *told = ns_arena_alloc(ar, n * sizeof *told);
	dt_report *first = NULL, **next = &first;
	memset(told, 0, n * sizeof *told);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		for (size_t o = i; !told[i] && o < n; o++)
			if (!told[o] && same_resource(&fails[i], &fails[o]))
				of[k++] = &fails[o];
		for (size_t o = 0; o < k; o++)
			told[of[o] - fails] = true;
		if (!k)
			continue;
		*next = report_on(uid, &fails[i], of, k, skips, k == n ? m : 0);
		next = &(*next)->next;
	}
	return first;
}

static void attach(ns_detector *d, dt_report *r, dt_work *w)
{
	if (!w)
		return;
	w->reports = ns_xrealloc(w->reports, (w->n_reports + 1) * sizeof *w->reports);
	w->reports[w->n_reports++] = r;
	r->work = w;
	dt_mark(d, w);
}

static void detach(ns_detector *d, dt_report *r)
{
	dt_work *w = r->work;
	if (!w)
		return;
	for (size_t i = 0; i < w->n_reports; i++)
		if (w->reports[i] == r)
			w->reports[i--] = w->reports[--w->n_reports];
	r->work = NULL;
	dt_mark(d, w);
}

void dt_drop_report(ns_detector *d, const char *uid)
{
	dt_report *r = dt_tab_del(&d->reports, uid);
	for (dt_report *next; r; r = next) {
		next = r->next;
		detach(d, r);
		free(r);
	}
}

/* What is not in a namespace owns no pods and stands for itself. */
static dt_work *work_of(ns_detector *d, const dt_report *r)
{
	bool cluster = r->row == DT_ROW_CLUSTERREPORTS || r->row == DT_ROW_OPENCLUSTERREPORTS;
	return cluster && r->n_fails && *r->kind && *r->name ? dt_work_get(d, "", r->kind, r->name) : dt_work_of_resource(d, r->ns, r->kind, r->name, r->uid);
}

void dt_put_report(ns_detector *d, dt_row row, dt_report *first)
{
	dt_drop_report(d, first->key);
	first->mark = d->rows[row].mark;
	dt_tab_put(&d->reports, first);
	for (dt_report *r = first; r; r = r->next) {
		r->row = (unsigned char)row;
		attach(d, r, work_of(d, r));
	}
}

void dt_resolve_reports(ns_detector *d)
{
	dt_each(dt_report, first, &d->reports)
		for (dt_report *r = first; r; r = r->next)
			if (!r->work)
				attach(d, r, work_of(d, r));
}

const dt_result *dt_enforced_fail(const ns_detector *d, const dt_work *w)
{
	for (size_t i = 0; i < w->n_reports; i++)
		for (size_t f = 0; f < w->reports[i]->n_fails; f++) {
			const dt_policy *p = dt_tab_get(&d->policies, w->reports[i]->fails[f].policy);
			if (p && enforced(p, w->reports[i]->fails[f].rule, w->reports[i]->ns))
				return &w->reports[i]->fails[f];
		}
	return NULL;
}

/* ---- refusals ---- */

static void set(char **field, const char *value)
{
	free(*field);
	*field = ns_xstrdup(value);
}

void dt_put_violation(ns_detector *d, const ns_violation *v, int64_t at_ms)
{
	if (!v->blocked || ns_clock_wall_ms(d->clock) - at_ms > STUCK_MS)
		return;
	dt_work *w = dt_work_of_resource(d, v->ns, v->kind, v->name, v->uid);
	/* The refused object may be a workload that never came to be. */
	if (!w && strcmp(v->kind, "Pod") != 0 && *v->ns && *v->name)
		w = dt_work_get(d, v->ns, v->kind, v->name);
	if (!w || (w->blocked && w->blocked->at_ms >= at_ms))
		return;
	if (!w->blocked)
		w->blocked = ns_xcalloc(1, sizeof *w->blocked);
	dt_blocked *b = w->blocked;
	set(&b->policy, v->policy);
	set(&b->rule, v->rule);
	set(&b->message, v->message);
	b->at_ms = at_ms;
	b->generation = w->obj ? w->obj->generation : 0;
	b->complete = w->obj && dt_work_complete(w);
	if (at_ms > w->last_failure_ms)
		w->last_failure_ms = at_ms;
	dt_mark(d, w);
}

static bool excepted(const dt_work *w, const dt_blocked *b)
{
	for (size_t i = 0; i < w->n_reports; i++)
		for (size_t s = 0; s < w->reports[i]->n_skips; s++) {
			const dt_result *x = &w->reports[i]->skips[s];
			if (strcmp(x->policy, b->policy) == 0 && strcmp(x->rule, b->rule) == 0)
				return true;
		}
	return false;
}

bool dt_blocked_holds(const dt_work *w, int64_t wall, int64_t *until_ms)
{
	const dt_blocked *b = w->blocked;
	*until_ms = 0;
	if (!b || excepted(w, b))
		return false;
	/* Its own pods were refused: until they exist. */
	if (w->obj && !b->complete && !dt_work_complete(w)) {
		*until_ms = b->at_ms + STUCK_MS;
		return wall < *until_ms;
	}
	/* A change from outside was refused: until it went through, or nobody tries any more. */
	if (w->obj && (!b->complete || w->obj->generation != b->generation))
		return false;
	*until_ms = b->at_ms + REFUSED_MS;
	return wall < *until_ms;
}

/* "… blocked due to the following policies \n\nPOLICY:\n  RULE: 'text'" */
bool dt_parse_denial(ns_arena *ar, const char *message, const char **policy, const char **rule)
{
	static const char marker[] = "due to the following policies";
	const char *p = strstr(message, "kyverno") ? strstr(message, marker) : NULL;
	const char *found[2];
	if (!p)
		return false;
	p += sizeof marker - 1;
	for (int i = 0; i < 2; i++) {
		p += strspn(p, " \t\r\n");
		size_t n = strcspn(p, ": \t\r\n");
		if (!n || p[n] != ':')
			return false;
		found[i] = ns_arena_strndup(ar, p, n);
		p += n + 1;
	}
	*policy = found[0];
	*rule = ns_rule_base(found[1]);
	return true;
}
