/* The exceptions that there are: when they end, which are to be disarmed, and what they tell the authors of the policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "neuroscale/policy/policy.h"

enum { GRACE_MS = 10 * 60 * 1000, MAX_MESSAGE = 400, MAX_HOURS = 24 * 365 };

static const char *word(const cJSON *object, const char *map, const char *key)
{
	const cJSON *v = ns_json_get(ns_json_path(object, map), key);
	return cJSON_IsString(v) ? v->valuestring : "";
}

static int64_t hours_of(const char *ttl)
{
	char *end;
	long n = strtol(ttl, &end, 10);
	return end != ttl && n > 0 && n <= MAX_HOURS && !strcmp(end, "h") ? n : 0;
}

/* "shop/Deployment/web". */
static void read_target(ns_arena *ar, const cJSON *object, ns_workload *w)
{
	const char *text = word(object, "metadata.annotations", "neuroscale.io/workload"), *a = strchr(text, '/'), *b = a ? strchr(a + 1, '/') : NULL;
	*w = (ns_workload){.cluster = "", .ns = "", .kind = "", .name = "", .uid = ns_arena_strdup(ar, word(object, "metadata.annotations", "neuroscale.io/workload-uid"))};
	if (!b)
		return;
	w->ns = ns_arena_strndup(ar, text, (size_t)(a - text));
	w->kind = ns_arena_strndup(ar, a + 1, (size_t)(b - a - 1));
	w->name = ns_arena_strdup(ar, b + 1);
}

static void read_rules(ns_arena *ar, const cJSON *entry, ns_exception_live *x)
{
	const cJSON *list = ns_json_get(entry, "ruleNames");
	const char **rules = ns_arena_alloc(ar, (ns_json_len(list) + 1) * sizeof *rules);
	ns_json_each(r, list)
	{
		const char *base = cJSON_IsString(r) ? ns_rule_base(r->valuestring) : "";
		bool have = !*base;
		for (size_t i = 0; i < x->n_rules; i++)
			have |= !strcmp(rules[i], base);
		if (!have)
			rules[x->n_rules++] = ns_text_clean_in(ar, base, 128);
	}
	x->rules = rules;
}

bool ns_exception_read(ns_arena *ar, const cJSON *object, ns_exception_live *out)
{
	static const char notes[] = "metadata.annotations";
	if (strcmp(word(object, "metadata.labels", "app.kubernetes.io/managed-by"), "neuroscale-autopilot") || strcmp(ns_json_str(object, "kind", "PolicyException"), "PolicyException"))
		return false;
	const cJSON *spec = ns_json_get(object, "spec"), *entries = ns_json_get(spec, "exceptions"), *refs = ns_json_get(spec, "policyRefs");
	const cJSON *entry = entries ? entries->child : NULL, *ref = refs ? refs->child : NULL;
	bool cel = ref != NULL;
	*out = (ns_exception_live){.api_version = ns_arena_strdup(ar, ns_json_str(object, "apiVersion", "")),
	    .ns = ns_arena_strdup(ar, ns_json_str(object, "metadata.namespace", "")),
	    .name = ns_arena_strdup(ar, ns_json_str(object, "metadata.name", "")),
	    .uid = ns_arena_strdup(ar, ns_json_str(object, "metadata.uid", "")),
	    .policy = ns_text_clean_in(ar, cel ? ns_json_str(ref, "name", "") : ns_json_str(entry, "policyName", ""), 256),
	    .policy_kind = cel ? ns_text_clean_in(ar, ns_json_str(ref, "kind", ""), 64) : "",
	    .incident = ns_text_clean_in(ar, word(object, notes, "neuroscale.io/incident"), 64),
	    .by = ns_text_clean_in(ar, word(object, notes, "neuroscale.io/requested-by"), 160),
	    .message = ns_text_clean_in(ar, word(object, notes, "neuroscale.io/feedback"), MAX_MESSAGE)};
	read_target(ar, object, &out->target);
	read_rules(ar, entry, out);
	const char *ttl = word(object, notes, "neuroscale.io/ttl");
	int64_t hours = hours_of(*ttl ? ttl : word(object, "metadata.labels", "cleanup.kyverno.io/ttl")), created;
	if (ns_time_parse(ns_json_str(object, "metadata.creationTimestamp", ""), &created))
		out->created_ms = created;
	out->until_ms = out->created_ms && hours ? out->created_ms + hours * 3600 * 1000 : 0;
	cJSON *patch = cel ? ns_exception_disarm_cel_patch() : ns_exception_disarm_patch();
	out->disarmed = ns_json_same(ns_json_get(patch->child, "value"), ns_json_get(spec, cel ? "matchConditions" : "match"));
	cJSON_Delete(patch);
	return true;
}

const char *ns_exception_state_word(ns_exception_state s)
{
	static const char *const words[] = {"live", "due", "overdue", "disarmed"};
	return words[s];
}

ns_exception_state ns_exception_state_at(const ns_exception_live *x, int64_t now_ms)
{
	if (x->disarmed)
		return NS_EXC_DISARMED;
	if (!x->until_ms || now_ms - x->until_ms >= GRACE_MS)
		return NS_EXC_OVERDUE;
	return now_ms >= x->until_ms ? NS_EXC_DUE : NS_EXC_LIVE;
}

size_t ns_policy_due(const ns_exception_live *list, size_t n, int64_t now_ms, size_t *out)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++) {
		ns_exception_state s = ns_exception_state_at(&list[i], now_ms);
		if (s != NS_EXC_DUE && s != NS_EXC_OVERDUE)
			continue;
		size_t at = found++;
		for (; at > 0 && list[out[at - 1]].until_ms > list[i].until_ms; at--)
			out[at] = out[at - 1];
		out[at] = i;
	}
	return found;
}

/* ---- feedback ---- */

typedef struct group {
	ns_policy_feedback f;
	int64_t newest_ms;
	const char **workloads;
} group;

static group *group_of(group *groups, size_t *n, size_t room, ns_arena *ar, const ns_exception_live *x, const char *rule)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(groups[i].f.policy, x->policy) && !strcmp(groups[i].f.policy_kind, x->policy_kind) && !strcmp(groups[i].f.rule, rule))
			return &groups[i];
	group *g = &groups[(*n)++];
	*g = (group){.f = {.policy = x->policy, .policy_kind = x->policy_kind, .rule = rule, .message = "", .advice = ""},
	    .workloads = ns_arena_alloc(ar, room * sizeof *g->workloads)};
	return g;
}

static void add(group *g, ns_arena *ar, const ns_exception_live *x, int64_t now_ms)
{
	const char *who = ns_text_clean_in(ar, ns_arena_printf(ar, "%s/%s/%s", x->target.ns, x->target.kind, x->target.name), 300);
	bool have = false;
	for (size_t i = 0; i < g->f.n_workloads; i++)
		have |= !strcmp(g->workloads[i], who);
	if (!have)
		g->workloads[g->f.n_workloads++] = who;
	g->f.workloads = g->workloads;
	*(ns_exception_state_at(x, now_ms) == NS_EXC_DISARMED ? &g->f.past : &g->f.live) += 1;
	if (x->created_ms >= g->newest_ms) {
		g->newest_ms = x->created_ms;
		g->f.message = x->message;
	}
}

static int most_first(const void *a, const void *b)
{
	const ns_policy_feedback *x = a, *y = b;
	if (x->n_workloads != y->n_workloads)
		return x->n_workloads < y->n_workloads ? 1 : -1;
	int c = strcmp(x->policy, y->policy);
	return c ? c : strcmp(x->rule, y->rule);
}

static const char *advice_for(ns_arena *ar, const ns_policy_feedback *f)
{
	const char *slash = strchr(f->policy, '/');
	const char *what = ns_arena_printf(ar, "%s %s%s%s", *f->policy_kind ? f->policy_kind : slash ? "Policy" : "ClusterPolicy", f->policy,
	    *f->rule ? ", rule " : "", f->rule);
	if (f->n_workloads > 1)
		return ns_arena_printf(ar, "change %s: %zu workloads could not live with it; narrow its match, or let what they share pass", what, f->n_workloads);
	if (f->live + f->past > 1)
		return ns_arena_printf(ar, "change %s or the workload: it was excepted %zu times", what, f->live + f->past);
	return ns_arena_printf(ar, "correct the workload, or exclude it in %s for good", what);
}

size_t ns_policy_feedback_make(ns_arena *ar, const ns_exception_live *list, size_t n, int64_t now_ms, ns_policy_feedback **out)
{
	size_t room = 0, made = 0;
	for (size_t i = 0; i < n; i++)
		room += list[i].n_rules ? list[i].n_rules : 1;
	group *groups = ns_arena_alloc(ar, (room + 1) * sizeof *groups);
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < (list[i].n_rules ? list[i].n_rules : 1); r++)
			add(group_of(groups, &made, n, ar, &list[i], list[i].n_rules ? list[i].rules[r] : ""), ar, &list[i], now_ms);
	*out = ns_arena_alloc(ar, (made + 1) * sizeof **out);
	for (size_t i = 0; i < made; i++) {
		(*out)[i] = groups[i].f;
		(*out)[i].advice = advice_for(ar, &(*out)[i]);
	}
	qsort(*out, made, sizeof **out, most_first);
	return made;
}
