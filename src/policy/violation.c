/* Reading violations: Kyverno's events in both of their forms and (Cluster)PolicyReports of every version it has written. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/policy/policy.h"

enum { MAX_MESSAGE = 1024 };

const char *ns_rule_base(const char *rule)
{
	static const char *const prefixes[] = {"autogen-cronjob-", "autogen-"};
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (!strncmp(rule, prefixes[i], strlen(prefixes[i])))
			return rule + strlen(prefixes[i]);
	return rule;
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Text between two marks, from *s; *s moves behind the second. NULL when one of them is missing. */
static const char *between(ns_arena *ar, const char **s, const char *open, const char *close)
{
	const char *a = strstr(*s, open);
	const char *b = a ? strstr(a + strlen(open), close) : NULL;
	if (!b)
		return NULL;
	a += strlen(open);
	*s = b + strlen(close);
	return ns_arena_strndup(ar, a, (size_t)(b - a));
}

static void resource_from(ns_arena *ar, const cJSON *ref, ns_violation *v)
{
	v->kind = ns_arena_strdup(ar, ns_json_str(ref, "kind", ""));
	v->ns = ns_arena_strdup(ar, ns_json_str(ref, "namespace", ""));
	v->name = ns_arena_strdup(ar, ns_json_str(ref, "name", ""));
	v->uid = ns_arena_strdup(ar, ns_json_str(ref, "uid", ""));
}

/* "Deployment shop/web: …" names the resource when the event has no `related`. */
static void resource_from_text(ns_arena *ar, const char *msg, ns_violation *v)
{
	size_t kind = strcspn(msg, " "), rest = strcspn(msg + kind, ":");
	if (!msg[kind] || !msg[kind + rest])
		return;
	const char *path = ns_arena_strndup(ar, msg + kind + 1, rest - 1), *slash = strchr(path, '/');
	v->kind = ns_arena_strndup(ar, msg, kind);
	v->ns = slash ? ns_arena_strndup(ar, path, (size_t)(slash - path)) : "";
	v->name = slash ? slash + 1 : path;
}

/* On the policy: "Deployment shop/web: [RULE] fail (blocked); MESSAGE"; policies written in CEL have no rule. */
static bool from_policy_event(ns_arena *ar, const cJSON *event, const cJSON *policy, const char *msg, ns_violation *v)
{
	const cJSON *related = ns_json_get(event, "related");
	const char *ns = ns_json_str(policy, "namespace", ""), *name = ns_json_str(policy, "name", "");
	bool namespaced = !starts(ns_json_str(policy, "kind", ""), "Cluster") && *ns && !strcmp(ns_json_str(policy, "kind", ""), "Policy");
	v->policy = namespaced ? ns_arena_printf(ar, "%s/%s", ns, name) : ns_arena_strdup(ar, name);
	resource_from(ar, related, v);
	if (!*v->name)
		resource_from_text(ar, msg, v);
	const char *p = msg, *fail = strstr(msg, "fail");
	if (!fail)
		return false;
	const char *bracket = strchr(msg, '[');
	if (bracket && bracket < fail) {
		const char *rule = between(ar, &p, "[", "]");
		v->rule = rule ? ns_rule_base(rule) : "";
	}
	v->blocked = starts(fail, "fail (blocked)") || !strcmp(ns_json_str(event, "action", ""), "Resource Blocked");
	const char *text = strchr(fail, ';');
	v->message = ns_text_clean_in(ar, text ? text + 1 + strspn(text + 1, " ") : fail, MAX_MESSAGE);
	return *v->name != 0;
}

/* On the resource: "policy POLICY/RULE fail: MESSAGE"; before 1.9 "policy 'P' (Validation) rule 'R' failed. MESSAGE". */
static bool from_resource_event(ns_arena *ar, const cJSON *resource, const char *msg, ns_violation *v)
{
	const char *p = msg;
	resource_from(ar, resource, v);
	if (starts(msg, "policy '")) {
		const char *policy = between(ar, &p, "policy '", "'"), *rule = policy ? between(ar, &p, "rule '", "'") : NULL;
		if (!rule)
			return false;
		v->policy = policy;
		v->rule = ns_rule_base(rule);
		const char *text = strstr(p, ". ");
		v->message = ns_text_clean_in(ar, text ? text + 2 : p + strspn(p, " "), MAX_MESSAGE);
		return *v->name != 0;
	}
	const char *path = between(ar, &p, "policy ", " fail: ");
	if (!path || p == msg)
		return false;
	const char *slash = strrchr(path, '/');
	v->policy = slash ? ns_arena_strndup(ar, path, (size_t)(slash - path)) : path;
	v->rule = slash ? ns_rule_base(slash + 1) : "";
	v->message = ns_text_clean_in(ar, p, MAX_MESSAGE);
	return *v->name != 0;
}

/* Whoever may write into one namespace must not raise an alert about another. Kyverno tells of cluster policies in default or its own. */
static bool may_speak_of(const char *from, const char *ns)
{
	return !*from || !*ns || !strcmp(from, ns) || !strcmp(from, "default") || !strcmp(from, "kyverno");
}

bool ns_violation_from_event(ns_arena *ar, const cJSON *event, ns_violation *out)
{
	const cJSON *about = ns_json_get(event, "involvedObject");
	const char *msg = ns_json_str(event, "message", "");
	if (!about)
		about = ns_json_get(event, "regarding");
	if (!*msg)
		msg = ns_json_str(event, "note", "");
	if (strcmp(ns_json_str(event, "reason", ""), "PolicyViolation") || !about || !*msg)
		return false;
	ns_violation v = {.policy = "", .rule = "", .message = "", .kind = "", .ns = "", .name = "", .uid = "", .policy_kind = ""};
	const char *kind = ns_json_str(about, "kind", "");
	size_t n = strlen(kind);
	bool on_policy = n >= 6 && !strcmp(kind + n - 6, "Policy") && strcmp(kind, "NetworkPolicy");
	if (!(on_policy ? from_policy_event(ar, event, about, msg, &v) : from_resource_event(ar, about, msg, &v)))
		return false;
	if (!may_speak_of(ns_json_str(event, "metadata.namespace", ""), v.ns))
		return false;
	*out = v;
	return true;
}

/* Trivy, Falco, kube-bench and others write the same CRD; an exception of Kyverno's would do nothing for them. */
static bool by_kyverno(const cJSON *report, const cJSON *result)
{
	const char *source = ns_json_str(result, "source", ns_json_str(report, "source", ""));
	if (*source)
		return ns_ieq(source, "kyverno") || starts(source, "Kyverno");
	const cJSON *by = ns_json_get(ns_json_path(report, "metadata.labels"), "app.kubernetes.io/managed-by");
	return cJSON_IsString(by) && !strcmp(by->valuestring, "kyverno");
}

/* Sources of results about CEL policies are "Kyverno" and the kind. */
static const char *cel_kind(ns_arena *ar, const char *source)
{
	return starts(source, "Kyverno") && ns_policy_is_cel(source + 7) ? ns_arena_strdup(ar, source + 7) : "";
}

static const cJSON *scope_of(const cJSON *report)
{
	const cJSON *scope = ns_json_get(report, "scope");
	if (scope)
		return scope;
	const cJSON *owners = ns_json_path(report, "metadata.ownerReferences");
	return owners ? owners->child : NULL;
}

size_t ns_violations_from_report(ns_arena *ar, const cJSON *report, ns_violation **out)
{
	const cJSON *results = ns_json_get(report, "results");
	size_t cap = 0, n = 0;
	ns_json_each(r, results) cap += ns_json_len(ns_json_get(r, "resources")) + 1;
	*out = ns_arena_alloc(ar, (cap + 1) * sizeof **out);
	ns_json_each(r, results)
	{
		if (strcmp(ns_json_str(r, "result", ""), "fail") || !by_kyverno(report, r))
			continue;
		/* One entry per resource before 1.11, the report's scope since. */
		const cJSON *resources = ns_json_get(r, "resources");
		const cJSON *target = ns_json_len(resources) ? resources->child : scope_of(report);
		do {
			ns_violation v = {.policy = ns_arena_strdup(ar, ns_json_str(r, "policy", "")),
			    .rule = ns_rule_base(ns_arena_strdup(ar, ns_json_str(r, "rule", ""))),
			    .message = ns_text_clean_in(ar, ns_json_str(r, "message", ""), MAX_MESSAGE),
			    .policy_kind = cel_kind(ar, ns_json_str(r, "source", ""))};
			resource_from(ar, target, &v);
			const char *from = ns_json_str(report, "metadata.namespace", ""); /* "" for a cluster's report */
			if (!*v.ns && strcmp(v.kind, "Namespace"))
				v.ns = ns_arena_strdup(ar, from);
			bool foreign = *from && strcmp(from, v.ns) != 0; /* a report of one namespace about another is a forgery */
			if (*v.name && *v.policy && !foreign && n < cap)
				(*out)[n++] = v;
			target = ns_json_len(resources) && target ? target->next : NULL;
		} while (target);
	}
	return n;
}
