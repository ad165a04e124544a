/* The PolicyException: the narrowest object that still lets one workload roll out, in the grammar of either group, and the patch that disarms it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "neuroscale/policy/policy.h"

/* What a controller makes carries its name and a suffix of known length: a match by '?' takes those and no neighbour called "web-admin".
 * The hash of a Deployment's template has 8 to 10 characters, in rare cases fewer; such a pod is refused, which is the safe side. */
#define SUFFIX5 "-?????"
static const struct {
	const char *kind;
	struct {
		const char *kind;
		const char *suffixes[4];
	} made[3];
} families[] = {
    {"Deployment", {{"ReplicaSet", {"-????????", "-?????????", "-??????????"}},
                       {"Pod", {"-????????" SUFFIX5, "-?????????" SUFFIX5, "-??????????" SUFFIX5}}}},
    {"ReplicaSet", {{"Pod", {SUFFIX5}}}},
    {"StatefulSet", {{"Pod", {"-?", "-??"}}}},
    {"DaemonSet", {{"Pod", {SUFFIX5}}}},
    {"Job", {{"Pod", {SUFFIX5}}}},
    {"CronJob", {{"Job", {"-????????"}}, {"Pod", {"-????????" SUFFIX5}}}},
};

static cJSON *strings(cJSON *obj, const char *key)
{
	return cJSON_AddArrayToObject(obj, key);
}

static void push(cJSON *arr, const char *s)
{
	ns_json_each(have, arr) if (!strcmp(have->valuestring, s)) return;
	cJSON_AddItemToArray(arr, cJSON_CreateString(s));
}

/* One entry of match.any: kind, namespace and the names given as base and suffixes (NULL-terminated within 4). */
static void add_match(cJSON *any, const char *kind, const ns_violation *v, const char *const *suffixes, size_t n)
{
	cJSON *entry = cJSON_CreateObject(), *res = cJSON_AddObjectToObject(entry, "resources");
	push(strings(res, "kinds"), kind);
	if (*v->ns)
		push(strings(res, "namespaces"), v->ns);
	cJSON *names = strings(res, "names");
	for (size_t i = 0; i < n && suffixes[i]; i++) {
		char *name = ns_xasprintf("%s%s", v->name, suffixes[i]);
		push(names, name);
		free(name);
	}
	cJSON_AddItemToArray(any, entry);
}

/* Autogen rules stand beside the rule that they were made from; all of them must let the object through. */
static void add_rules(cJSON *names, const char *const *rules, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++) {
		const char *base = ns_rule_base(rules[i]);
		char *twin = ns_xasprintf("autogen-%s", base), *cron = ns_xasprintf("autogen-cronjob-%s", base);
		push(names, base);
		if (strcmp(kind, "Pod"))
			push(names, twin);
		if (!strcmp(kind, "CronJob"))
			push(names, cron);
		free(twin);
		free(cron);
	}
}

static void legacy_spec(cJSON *spec, const ns_violation *v, const char *const *rules, size_t n_rules)
{
	cJSON *any = cJSON_AddArrayToObject(cJSON_AddObjectToObject(spec, "match"), "any");
	static const char *const exact[] = {"", NULL};
	add_match(any, v->kind, v, exact, 1);
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		for (size_t k = 0; k < 3 && !strcmp(families[i].kind, v->kind) && families[i].made[k].kind; k++)
			add_match(any, families[i].made[k].kind, v, families[i].made[k].suffixes, 4);
	cJSON *entry = cJSON_CreateObject();
	cJSON_AddItemToArray(cJSON_AddArrayToObject(spec, "exceptions"), entry);
	ns_json_put_str(entry, "policyName", v->policy);
	add_rules(strings(entry, "ruleNames"), rules, n_rules, v->kind);
}

/* ---- CEL policies ---- */

/* A name as a regular expression: its dots are dots. */
static void put_literal(ns_buf *b, const char *name)
{
	for (; *name; name++)
		ns_buf_puts(b, *name == '.' ? "[.]" : (const char[]){*name, 0});
}

/* "-?????" as "-[a-z0-9]{5}". */
static void put_suffix(ns_buf *b, const char *s)
{
	while (*s) {
		size_t n = strspn(s, "?");
		if (n)
			ns_buf_printf(b, "[a-z0-9]{%zu}", n);
		else
			ns_buf_putc(b, *s);
		s += n ? n : 1;
	}
}

static void condition(cJSON *list, const char *name, ns_buf *expression)
{
	cJSON *c = cJSON_CreateObject();
	ns_json_put_str(c, "name", name);
	ns_json_put_str(c, "expression", ns_buf_str(expression));
	cJSON_AddItemToArray(list, c);
	ns_buf_clear(expression);
}

/* Names are RFC 1123 (ns_exception_build looks), so they can stand between quotes. */
static void cel_spec(cJSON *spec, const ns_violation *v)
{
	cJSON *ref = cJSON_CreateObject();
	const char *slash = strchr(v->policy, '/');
	cJSON_AddItemToArray(cJSON_AddArrayToObject(spec, "policyRefs"), ref);
	ns_json_put_str(ref, "name", slash ? slash + 1 : v->policy);
	ns_json_put_str(ref, "kind", v->policy_kind);
	cJSON *list = cJSON_AddArrayToObject(spec, "matchConditions");
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "object.metadata.namespace == '%s'", v->ns);
	condition(list, "namespace", &b);
	ns_buf_printf(&b, "(object.kind == '%s' && object.metadata.name == '%s')", v->kind, v->name);
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		for (size_t k = 0; k < 3 && !strcmp(families[i].kind, v->kind) && families[i].made[k].kind; k++) {
			ns_buf_printf(&b, " || (object.kind == '%s' && object.metadata.name.matches('^", families[i].made[k].kind);
			put_literal(&b, v->name);
			for (size_t s = 0; s < 4 && families[i].made[k].suffixes[s]; s++) {
				ns_buf_putc(&b, s ? '|' : '(');
				put_suffix(&b, families[i].made[k].suffixes[s]);
			}
			ns_buf_puts(&b, ")$'))");
		}
	condition(list, "workload", &b);
	ns_buf_free(&b);
}

bool ns_policy_is_cel(const char *policy_kind)
{
	static const char *const kinds[] = {"ValidatingPolicy", "ImageValidatingPolicy", "MutatingPolicy", "GeneratingPolicy", "DeletingPolicy"};
	const char *kind = policy_kind ? policy_kind : "";
	if (!strncmp(kind, "Namespaced", 10))
		kind += 10;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

/* ---- the object ---- */

/* What the policy's author should know of it, on the object itself. */
static void annotate(cJSON *notes, const ns_violation *v, const char *const *rules, size_t n_rules, const char *incident, const char *requested_by, int ttl)
{
	ns_buf list = NS_BUF_INIT;
	for (size_t i = 0; i < n_rules; i++)
		if (!strstr(ns_buf_str(&list), ns_rule_base(rules[i])))
			ns_buf_printf(&list, "%s%s", list.len ? "," : "", ns_rule_base(rules[i]));
	char *workload = ns_xasprintf("%s/%s/%s", v->ns, v->kind, v->name), hours[24];
	char *said = ns_xasprintf("policy %s, rule %s kept %s out: %s", v->policy, list.len ? ns_buf_str(&list) : "of its own", workload, v->message ? v->message : "");
	snprintf(hours, sizeof hours, "%dh", ttl);
	const char *const pairs[][2] = {{"neuroscale.io/incident", incident}, {"neuroscale.io/requested-by", requested_by}, {"neuroscale.io/workload", workload},
	    {"neuroscale.io/workload-uid", v->uid ? v->uid : ""}, {"neuroscale.io/ttl", hours}, {"neuroscale.io/feedback", said}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char *clean = ns_text_clean_dup(pairs[i][1], i == 5 ? 400 : 160);
		ns_json_put_str(notes, pairs[i][0], clean);
		free(clean);
	}
	free(workload);
	free(said);
	ns_buf_free(&list);
}

cJSON *ns_exception_build(const char *api_version, const char *exception_ns, const char *name, const ns_violation *v,
    const char *const *rules, size_t n_rules, const char *incident, const char *requested_by, int ttl_hours)
{
	const char *one[] = {v->rule};
	bool cel = ns_policy_is_cel(v->policy_kind);
	if (!n_rules && *v->rule) {
		rules = one;
		n_rules = 1;
	}
	/* Without a policy, a rule, a name and (but for cluster objects) a namespace it would cover more than one workload. */
	if ((!n_rules && !cel) || !*v->policy || !*v->name || !*v->kind || (!*v->ns && strcmp(v->kind, "Namespace")) || strpbrk(v->name, "*?") ||
	    strpbrk(v->ns, "*?") || cel != !strncmp(api_version, "policies.kyverno.io/", 20))
		return NULL;
	if (cel && (!ns_k8s_subdomain_ok(v->name) || !ns_k8s_label_ok(v->ns) || v->kind[strspn(v->kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")]))
		return NULL;
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "apiVersion", api_version);
	ns_json_put_str(o, "kind", "PolicyException");
	cJSON *meta = cJSON_AddObjectToObject(o, "metadata");
	ns_json_put_str(meta, "name", name);
	ns_json_put_str(meta, "namespace", exception_ns);
	cJSON *labels = cJSON_AddObjectToObject(meta, "labels");
	int hours = ttl_hours > 0 ? ttl_hours : 1;
	char ttl[24];
	snprintf(ttl, sizeof ttl, "%dh", hours);
	ns_json_put_str(labels, "cleanup.kyverno.io/ttl", ttl);
	ns_json_put_str(labels, "app.kubernetes.io/managed-by", "neuroscale-autopilot");
	annotate(cJSON_AddObjectToObject(meta, "annotations"), v, rules, n_rules, incident, requested_by, hours);
	cJSON *spec = cJSON_AddObjectToObject(o, "spec");
	if (cel)
		cel_spec(spec, v);
	else
		legacy_spec(spec, v, rules, n_rules);
	return o;
}

cJSON *ns_exception_disarm_patch(void)
{
	/* Upper case is no object name, so this matches nothing, now or later. */
	static const char *const text =
	    "[{\"op\":\"replace\",\"path\":\"/spec/match\",\"value\":{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"],"
	    "\"namespaces\":[\"DISARMED\"],\"names\":[\"DISARMED\"]}}]}}]";
	return ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
}

cJSON *ns_exception_disarm_cel_patch(void)
{
	static const char *const text =
	    "[{\"op\":\"replace\",\"path\":\"/spec/matchConditions\",\"value\":[{\"name\":\"disarmed\",\"expression\":\"false\"}]}]";
	return ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
}
