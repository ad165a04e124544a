/* What a body may say (law 2): a patch of a Deployment only the fields of its action, an exception only one workload and exact rules. The
 * planner builds bodies from code; this is the second pair of eyes, in the one place that can send them. */
#include <stdlib.h>
#include <string.h>
#include "executor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/policy/policy.h"

enum { MAX_OPS = 64, MAX_REPLICAS = 10000 };

/* ---- values ---- */

static bool whole(const cJSON *v, double least, double most)
{
	return cJSON_IsNumber(v) && v->valuedouble >= least && v->valuedouble <= most && v->valuedouble == (double)(int64_t)v->valuedouble;
}

/* Never to zero: nothing here switches a workload off. */
static bool replicas_ok(const cJSON *v)
{
	return whole(v, 1, MAX_REPLICAS);
}

static bool quantity_ok(const cJSON *v)
{
	int64_t milli;
	if (cJSON_IsString(v))
		return ns_quantity_milli(v->valuestring, &milli) && milli >= 0;
	return whole(v, 0, 1e15);
}

static bool amounts_ok(const cJSON *v)
{
	if (!cJSON_IsObject(v))
		return false;
	ns_json_each(amount, v)
		if (!quantity_ok(amount))
			return false;
	return true;
}

static bool resources_ok(const cJSON *v)
{
	if (!cJSON_IsObject(v))
		return false;
	ns_json_each(part, v) {
		bool known = strcmp(part->string, "limits") == 0 || strcmp(part->string, "requests") == 0;
		if (!known || !amounts_ok(part))
			return false;
	}
	return true;
}

static bool template_ok(const cJSON *v)
{
	return cJSON_IsObject(ns_json_get(v, "metadata")) && ns_json_len(ns_json_path(v, "spec.containers")) > 0;
}

/* ---- JSON patch of a Deployment ---- */

enum { ADD = 1, REPLACE = 2, REMOVE = 4 };
#define CONTAINERS "/spec/template/spec/containers/#/resources"
#define INITS "/spec/template/spec/initContainers/#/resources"

/* '#' stands for an index. What is not in here cannot be patched. */
static const struct path_rule {
	ns_action action;
	const char *path;
	int ops;
	bool (*value_ok)(const cJSON *v);
} path_rules[] = {
    {NS_ACT_SCALE, "/spec/replicas", REPLACE, replicas_ok},
    {NS_ACT_COST_SCALE_DOWN, "/spec/replicas", REPLACE, replicas_ok},
    {NS_ACT_ROLLBACK, "/spec/template", REPLACE, template_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS, ADD | REPLACE | REMOVE, resources_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/limits", ADD | REPLACE | REMOVE, amounts_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/limits/memory", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/limits/cpu", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/requests", ADD | REPLACE | REMOVE, amounts_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/requests/memory", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, CONTAINERS "/requests/cpu", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, INITS, ADD | REPLACE | REMOVE, resources_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/limits", ADD | REPLACE | REMOVE, amounts_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/limits/memory", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/limits/cpu", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/requests", ADD | REPLACE | REMOVE, amounts_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/requests/memory", ADD | REPLACE | REMOVE, quantity_ok},
    {NS_ACT_PATCH_RESOURCES, INITS "/requests/cpu", ADD | REPLACE | REMOVE, quantity_ok},
};

static bool path_fits(const char *rule, const char *path)
{
	for (; *rule; rule++) {
		if (*rule != '#') {
			if (*rule != *path++)
				return false;
			continue;
		}
		size_t digits = strspn(path, "0123456789");
		if (digits == 0 || digits > 3)
			return false;
		path += digits;
	}
	return *path == '\0';
}

static int op_bit(const char *op)
{
	return strcmp(op, "add") == 0 ? ADD : strcmp(op, "replace") == 0 ? REPLACE : strcmp(op, "remove") == 0 ? REMOVE : 0;
}

static bool changing_op_ok(ns_action action, const cJSON *op, ns_err *err)
{
	const char *name = ns_json_str(op, "op", ""), *path = ns_json_str(op, "path", "");
	int bit = op_bit(name);
	const cJSON *value = ns_json_get(op, "value");
	for (size_t i = 0; i < sizeof path_rules / sizeof path_rules[0]; i++) {
		const struct path_rule *r = &path_rules[i];
		if (r->action != action || !(r->ops & bit) || !path_fits(r->path, path))
			continue;
		if (bit == REMOVE ? value == NULL : r->value_ok(value))
			return true;
		return ns_fail(err, NS_E_DENIED, "the value for %.200s is out of its bounds", path);
	}
	return ns_fail(err, NS_E_DENIED, "%s may not %.20s %.200s", ns_action_get(action)->name, name, path);
}

/* Nothing but op, path and value: "from" would be a move or a copy. */
static bool members_ok(const cJSON *op)
{
	ns_json_each(member, op)
		if (strcmp(member->string, "op") != 0 && strcmp(member->string, "path") != 0 && strcmp(member->string, "value") != 0)
			return false;
	return cJSON_IsObject(op);
}

static bool deployment_patch_ok(ns_action action, const cJSON *ops, ns_err *err)
{
	size_t changes = 0, n = ns_json_len(ops);
	if (n == 0 || n > MAX_OPS)
		return ns_fail(err, NS_E_DENIED, "the patch has %zu operations", n);
	ns_json_each(op, ops) {
		if (!members_ok(op))
			return ns_fail(err, NS_E_DENIED, "an operation of the patch has members of its own");
		if (strcmp(ns_json_str(op, "op", ""), "test") == 0)
			continue; /* can only make it fail */
		if (!changing_op_ok(action, op, err))
			return false;
		changes++;
	}
	return changes > 0 || ns_fail(err, NS_E_DENIED, "the patch changes nothing");
}

/* ---- PolicyException ---- */

static bool only_members(const cJSON *obj, const char *const *allowed)
{
	ns_json_each(member, obj) {
		bool known = false;
		for (const char *const *a = allowed; *a; a++)
			known = known || strcmp(*a, member->string) == 0;
		if (!known)
			return false;
	}
	return cJSON_IsObject(obj);
}

static bool exact_strings(const cJSON *list)
{
	if (ns_json_len(list) == 0 || !cJSON_IsArray(list))
		return false;
	ns_json_each(s, list)
		if (!cJSON_IsString(s) || !*s->valuestring || strpbrk(s->valuestring, "*?"))
			return false;
	return true;
}

/* The workload's own name, or names of what it owns: "web", "web-????????"; never '*', which would take "web-admin-…" along. */
static bool names_of(const cJSON *list, const char *name)
{
	size_t n = strlen(name);
	if (ns_json_len(list) == 0 || !cJSON_IsArray(list))
		return false;
	ns_json_each(s, list) {
		if (!cJSON_IsString(s) || strncmp(s->valuestring, name, n) != 0)
			return false;
		const char *rest = s->valuestring + n;
		if ((*rest && *rest != '-') || rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-.?")])
			return false;
	}
	return true;
}

static bool match_ok(const cJSON *match, const ns_workload *target)
{
	static const char *const one[] = {"any", NULL}, *const entry_keys[] = {"resources", NULL},
	    *const resource_keys[] = {"kinds", "namespaces", "names", "operations", NULL};
	const cJSON *any = ns_json_get(match, "any");
	if (!only_members(match, one) || !cJSON_IsArray(any) || ns_json_len(any) == 0)
		return false;
	ns_json_each(entry, any) {
		const cJSON *r = ns_json_get(entry, "resources"), *namespaces = ns_json_get(r, "namespaces");
		if (!only_members(entry, entry_keys) || !only_members(r, resource_keys) || !exact_strings(ns_json_get(r, "kinds")))
			return false;
		if (!exact_strings(namespaces) || ns_json_len(namespaces) != 1 || strcmp(namespaces->child->valuestring, target->ns) != 0)
			return false;
		if (!names_of(ns_json_get(r, "names"), target->name))
			return false;
	}
	return true;
}

static bool rules_ok(const cJSON *exceptions)
{
	static const char *const keys[] = {"policyName", "ruleNames", NULL};
	if (!cJSON_IsArray(exceptions) || ns_json_len(exceptions) == 0)
		return false;
	ns_json_each(x, exceptions) {
		const char *policy = ns_json_str(x, "policyName", "");
		if (!only_members(x, keys) || !*policy || strpbrk(policy, "*?") || !exact_strings(ns_json_get(x, "ruleNames")))
			return false;
	}
	return true;
}

/* Conditions are a language: they are not read but written again, for this target, and must be the same. */
static bool cel_spec_ok(const cJSON *body, const ns_workload *target)
{
	const cJSON *refs = ns_json_path(body, "spec.policyRefs"), *ref = refs ? refs->child : NULL;
	const char *policy = ns_json_str(ref, "name", "");
	const ns_violation v = {.policy = policy, .rule = "", .message = "", .kind = target->kind, .ns = target->ns, .name = target->name, .uid = "",
	    .policy_kind = ns_json_str(ref, "kind", "")};
	cJSON *again = ns_k8s_subdomain_ok(policy) ? ns_exception_build(ns_json_str(body, "apiVersion", ""), "x", "x", &v, NULL, 0, "", "", 1) : NULL;
	bool same = again && ns_json_same(ns_json_get(again, "spec"), ns_json_get(body, "spec"));
	cJSON_Delete(again);
	return same;
}

static bool exception_ok(const cJSON *body, const ns_plan *p, const ns_meaning *m, const char *const *protected_ns, ns_err *err)
{
	static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", NULL},
	    *const meta[] = {"name", "namespace", "labels", "annotations", NULL}, *const spec[] = {"match", "exceptions", "background", NULL};
	const char *version = ns_json_str(body, "apiVersion", "");
	bool cel = ns_listed(version, ns_exception_versions(true));
	if ((!cel && !ns_listed(version, ns_exception_versions(false))) || strcmp(ns_json_str(body, "kind", ""), "PolicyException") != 0)
		return ns_fail(err, NS_E_DENIED, "nothing but a PolicyException of Kyverno may be created");
	if (!only_members(body, top) || !only_members(ns_json_get(body, "metadata"), meta) || (!cel && !only_members(ns_json_get(body, "spec"), spec)))
		return ns_fail(err, NS_E_DENIED, "the exception has members that are not its own");
	if (!ns_k8s_subdomain_ok(ns_json_str(body, "metadata.name", "")))
		return ns_fail(err, NS_E_DENIED, "the exception's name is no RFC 1123 subdomain");
	if (strcmp(ns_json_str(body, "metadata.namespace", m->ns), m->ns) != 0)
		return ns_fail(err, NS_E_DENIED, "the exception names another namespace than its command");
	if (ns_namespace_protected(p->target.ns, protected_ns))
		return ns_fail(err, NS_E_DENIED, "the exception's target is in a protected namespace");
	if (cel)
		return cel_spec_ok(body, &p->target) || ns_fail(err, NS_E_DENIED, "the exception is not the one for %s/%s alone", p->target.ns, p->target.name);
	if (!match_ok(ns_json_path(body, "spec.match"), &p->target))
		return ns_fail(err, NS_E_DENIED, "the exception matches more than %s/%s", p->target.ns, p->target.name);
	if (!rules_ok(ns_json_path(body, "spec.exceptions")))
		return ns_fail(err, NS_E_DENIED, "the exception does not name its policy and rules exactly");
	return true;
}

/* The only patch that an exception gets is the one that disarms it. */
static bool disarm_ok(const cJSON *ops, bool cel, ns_err *err)
{
	cJSON *disarm = cel ? ns_exception_disarm_cel_patch() : ns_exception_disarm_patch();
	bool same = ns_json_same(ops, disarm);
	cJSON_Delete(disarm);
	return same || ns_fail(err, NS_E_DENIED, "an exception may only be disarmed");
}

/* ---- door ---- */

cJSON *ns_body_check(const ns_plan *p, const ns_command *cmd, const ns_meaning *m, const char *const *protected_ns, ns_err *err)
{
	const char *text = cmd->body ? cmd->body : "";
	cJSON *body = ns_json_parse(text, strlen(text), &ns_json_strict, err);
	if (!body) {
		ns_err_wrap(err, "the command's body");
		return NULL;
	}
	bool ok;
	if (cmd->json_patch != (m->verb == NS_VERB_PATCH))
		ok = ns_fail(err, NS_E_DENIED, "a patch is sent by patch, an object by create");
	else if (m->verb == NS_VERB_CREATE)
		ok = exception_ok(body, p, m, protected_ns, err);
	else if (!cJSON_IsArray(body))
		ok = ns_fail(err, NS_E_DENIED, "a patch is a list of operations");
	else if (m->subject == NS_SUBJECT_EXCEPTION)
		ok = disarm_ok(body, m->cel, err);
	else
		ok = deployment_patch_ok(p->action, body, err);
	if (ok)
		return body;
	cJSON_Delete(body);
	return NULL;
}

static void add_test(cJSON *ops, const char *path, const char *value)
{
	cJSON *op = cJSON_CreateObject();
	ns_json_put_str(op, "op", "test");
	ns_json_put_str(op, "path", path);
	ns_json_put_str(op, "value", value);
	cJSON_AddItemToArray(ops, op);
}

char *ns_body_locked(const cJSON *ops, const char *uid, const char *resource_version)
{
	cJSON *all = cJSON_CreateArray();
	add_test(all, "/metadata/uid", uid);
	add_test(all, "/metadata/resourceVersion", resource_version);
	ns_json_each(op, ops)
		cJSON_AddItemToArray(all, cJSON_Duplicate(op, true));
	char *text = ns_json_text(all);
	cJSON_Delete(all);
	return text;
}
