/* What other reporters say of the workload: Kyverno's reports and whether an exception can be made here at all, and what it costs. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/base/buf.h"
#include "neuroscale/policy/policy.h"

#define DAYS_PER_MONTH 30.4

/* ---- policy ---- */

static const char *const report_paths[] = {
    "/apis/wgpolicyk8s.io/v1alpha2/namespaces/%s/policyreports", "/apis/openreports.io/v1alpha1/namespaces/%s/reports"};

static void add_rule(ns_collector *k, const char **rules, size_t cap, const char *rule)
{
	for (size_t i = 0; i < k->c->n_rules; i++)
		if (!strcmp(rules[i], rule))
			return;
	if (k->c->n_rules < cap && *rule)
		rules[k->c->n_rules++] = ns_arena_strdup(k->ar, rule);
}

/* Sources of reports about CEL policies are "Kyverno" and the kind. */
static void read_kind(ns_collector *k, const cJSON *result)
{
	const char *source = ns_json_str(result, "source", "");
	if (!strncmp(source, "Kyverno", 7) && ns_policy_is_cel(source + 7))
		k->c->policy_kind = ns_arena_strdup(k->ar, source + 7);
}

/* The results of the alerted policy and rule about the target; rules as the reports name them, autogen twins included. */
static void read_results(ns_collector *k, const cJSON *report, const char **rules, size_t cap)
{
	ns_case *c = k->c;
	const ns_alert *a = k->a;
	ns_json_each(r, ns_json_get(report, "results"))
	{
		const cJSON *target =
		    ns_json_len(ns_json_get(r, "resources")) ? ns_json_get(r, "resources")->child : ns_json_get(report, "scope");
		bool ours =
		    !strcmp(ns_json_str(target, "name", ""), a->target.name) && !strcmp(ns_json_str(target, "kind", ""), a->target.kind);
		const char *rule = ns_json_str(r, "rule", "");
		if (!ours || strcmp(ns_json_str(r, "result", ""), "fail") || strcmp(ns_json_str(r, "policy", ""), a->policy) ||
		    strcmp(ns_rule_base(rule), ns_rule_base(a->rule)))
			continue;
		read_kind(k, r);
		add_rule(k, rules, cap, rule);
		if (!*c->policy_message)
			c->policy_message = ns_collect_clean(k, ns_json_str(r, "message", ""), 480);
		if (!*c->policy_category)
			c->policy_category = ns_collect_clean(k, ns_json_str(r, "category", ""), 120);
		if (!*c->policy_severity)
			c->policy_severity = ns_collect_clean(k, ns_json_str(r, "severity", ""), 40);
		double seconds = ns_json_num_or(r, "timestamp.seconds", 0); /* some writers make it a float */
		ns_collect_add(k, NS_EV_POLICY, true, (int64_t)(seconds * 1000), "report: policy %s, rule %s fails for %s %s (%s, %s): %s",
		    a->policy, rule, a->target.kind, a->target.name, *c->policy_category ? c->policy_category : "no category",
		    *c->policy_severity ? c->policy_severity : "no severity", ns_json_str(r, "message", ""));
	}
}

/* The first version of the group that has the resource, "" none. */
static const char *served(ns_collector *k, const char *const *versions, const char *resource)
{
	const char *found = "";
	cJSON *group = ns_collect_get(k, ns_arena_printf(k->ar, "/apis/%.*s", (int)strcspn(*versions, "/"), *versions), NULL, NULL);
	for (; *versions && !*found; versions++)
		ns_json_each(v, ns_json_get(group, "versions")) if (!*found && !strcmp(ns_json_str(v, "groupVersion", ""), *versions))
		{
			cJSON *list = ns_collect_get(k, ns_arena_printf(k->ar, "/apis/%s", *versions), NULL, NULL);
			ns_json_each(r, ns_json_get(list, "resources")) if (!strcmp(ns_json_str(r, "name", ""), resource)) found = *versions;
			cJSON_Delete(list);
		}
	cJSON_Delete(group);
	return found;
}

/* Where the policy stands: "/apis/kyverno.io/v1/clusterpolicies/NAME" and its like; "" not known. */
static const char *policy_path(ns_collector *k)
{
	const char *policy = k->a->policy, *slash = strchr(policy, '/'), *kind = k->c->policy_kind, *version = "kyverno.io/v1", *plural = slash ? "policies" : "clusterpolicies";
	if (*kind) {
		char *lower = ns_xstrdup(kind);
		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		plural = ns_arena_printf(k->ar, "%.*sies", (int)strlen(lower) - 1, lower); /* ValidatingPolicy: validatingpolicies */
		free(lower);
		version = served(k, ns_exception_versions(true), plural);
	}
	if (!*policy || !*version)
		return "";
	ns_buf path = NS_BUF_INIT;
	ns_buf_printf(&path, "/apis/%s/", version);
	if (slash) {
		ns_buf_puts(&path, "namespaces/");
		ns_url_escape(&path, ns_arena_strndup(k->ar, policy, (size_t)(slash - policy)));
		ns_buf_putc(&path, '/');
	}
	ns_buf_printf(&path, "%s/", plural);
	ns_url_escape(&path, slash ? slash + 1 : policy);
	return ns_arena_take(k->ar, &path);
}

/* What the policy says of itself: its title and category, and what its rule demands. A refusal at admission has no report, and a report is written by
 * whoever may write there, so its category alone must not decide which rules a person may be asked to except. */
static void read_policy_itself(ns_collector *k)
{
	static const char *const keys[] = {"policies.kyverno.io/category", "policies.kyverno.io/title"};
	ns_case *c = k->c;
	const char *path = policy_path(k);
	cJSON *j = *path ? ns_collect_get(k, path, NULL, NULL) : NULL;
	if (!j && !*c->policy_kind && !*k->a->rule) { /* what it refused has no report, and a policy without rules is one of CEL */
		c->policy_kind = "ValidatingPolicy";
		path = policy_path(k);
		j = *path ? ns_collect_get(k, path, NULL, NULL) : NULL;
		c->policy_kind = j ? c->policy_kind : "";
	}
	ns_buf said = NS_BUF_INIT;
	ns_buf_puts(&said, c->policy_category);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const cJSON *v = ns_json_get(ns_json_path(j, "metadata.annotations"), keys[i]);
		if (cJSON_IsString(v) && *v->valuestring && strcmp(v->valuestring, c->policy_category) != 0)
			ns_buf_printf(&said, "%s%s", said.len ? "; " : "", v->valuestring);
	}
	c->policy_category = ns_collect_clean(k, ns_buf_str(&said), 400);
	const char *guard = j ? ns_policy_guards(j, k->a->rule) : NULL;
	c->policy_guard = guard ? guard : "";
	if (guard)
		ns_collect_add(k, NS_EV_POLICY, true, 0, "by what policy %s demands, %s", k->a->policy, guard);
	else if (!j)
		ns_collect_add(k, NS_EV_NOTE, true, 0, "policy %s itself could not be read", k->a->policy);
	cJSON_Delete(j);
	ns_buf_free(&said);
}

/* In a wrong namespace, or with the feature off, an exception is taken and does nothing: the admission controller's flags tell. */
static void read_exception_switch(ns_collector *k)
{
	ns_case *c = k->c;
	cJSON *list = ns_collect_get(k,
	    "/apis/apps/v1/namespaces/kyverno/deployments?labelSelector=app.kubernetes.io%2Fcomponent%3Dadmission-controller", NULL, NULL);
	const char *where = "", *off = "";
	ns_exception_switch(k->ar, ns_json_get(list, "items"), k->o->exception_ns ? k->o->exception_ns : "", c->alert.target.ns, &where, &off);
	c->exception_namespace = ns_arena_strdup(k->ar, where);
	c->exception_off = ns_arena_strdup(k->ar, off);
	if (*off)
		ns_collect_add(k, NS_EV_NOTE, true, 0, "Kyverno would take an exception and ignore it: %s", off);
	cJSON_Delete(list);
}

void ns_collect_policy(ns_collector *k)
{
	enum { CAP = 8 };
	ns_case *c = k->c;
	const char **rules = ns_arena_alloc(k->ar, CAP * sizeof *rules);
	ns_buf ns = NS_BUF_INIT;
	ns_url_escape(&ns, c->alert.target.ns);
	for (size_t i = 0; i < sizeof report_paths / sizeof report_paths[0] && !c->n_rules; i++) {
		char path[512];
		const char *at = strchr(report_paths[i], '%');
		snprintf(path, sizeof path, "%.*s%s%s", (int)(at - report_paths[i]), report_paths[i], ns_buf_str(&ns), at + 2);
		cJSON *reports = ns_collect_get(k, path, NULL, NULL);
		ns_json_each(r, ns_json_get(reports, "items")) read_results(k, r, rules, CAP);
		cJSON_Delete(reports);
	}
	ns_buf_free(&ns);
	if (!c->n_rules) {
		/* What was refused at admission has no report; the alert is all there is, and it came from an event. */
		add_rule(k, rules, CAP, k->a->rule);
		c->policy_message = ns_collect_clean(k, k->a->message, 480);
		ns_collect_add(
		    k, NS_EV_POLICY, false, k->a->seen_ms, "event: policy %s, rule %s: %s", k->a->policy, k->a->rule, k->a->message);
	}
	c->rules = rules;
	read_policy_itself(k);
	c->exception_api_version = served(k, ns_exception_versions(*c->policy_kind != 0), "policyexceptions");
	read_exception_switch(k);
}

/* ---- cost ---- */

void ns_collect_cost(ns_collector *k)
{
	ns_case *c = k->c;
	double now = k->o->cost_now >= 0 ? k->o->cost_now : k->a->cost_now,
	       before = k->o->cost_before >= 0 ? k->o->cost_before : k->a->cost_before;
	c->alert.cost_now = now;
	c->alert.cost_before = before;
	c->monthly_cost = now * DAYS_PER_MONTH;
	if (c->replicas > 1)
		c->monthly_saving = c->monthly_cost * (double)(c->replicas - 1) / (double)c->replicas;
	ns_collect_add(
	    k, NS_EV_COST, true, c->taken_ms, "OpenCost: %.2f a day now, %.2f before, %lld replicas", now, before, (long long)c->replicas);
	if (k->o->efficiency >= 0)
		ns_collect_add(
		    k, NS_EV_COST, true, c->taken_ms, "OpenCost: efficiency %.0f %% of what it reserves", k->o->efficiency * 100);
}
