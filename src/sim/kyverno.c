/* A stand-in for Kyverno: a report and events for each workload that violates a policy, until an exception that matches exists. */
#include "sim_priv.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { SCAN_MS = 30 * 1000 };

bool kyverno_accepts(const ns_sim *s, const char *exception_ns)
{
	const char *only = s->scene->exception_ns ? s->scene->exception_ns : "*";
	return !strcmp(only, "*") || !strcmp(only, exception_ns);
}

/* Absent lists match everything, as in Kyverno; strings are wildcards. */
static bool any_match(const cJSON *list, const char *value)
{
	if (!list)
		return true;
	ns_json_each(e, list) if (cJSON_IsString(e) && !fnmatch(e->valuestring, value, 0)) return true;
	return false;
}

static bool kind_match(const cJSON *list)
{
	ns_json_each(e, list)
	{
		const char *slash = cJSON_IsString(e) ? strrchr(e->valuestring, '/') : NULL;
		if (cJSON_IsString(e) && !fnmatch(slash ? slash + 1 : e->valuestring, "Deployment", 0))
			return true;
	}
	return false;
}

static bool filter_match(const cJSON *filter, const sim_wl *wl)
{
	const cJSON *res = ns_json_get(filter, "resources");
	return res && kind_match(ns_json_get(res, "kinds")) && any_match(ns_json_get(res, "namespaces"), wl->work->ns) &&
	       any_match(ns_json_get(res, "names"), wl->work->name);
}

static bool exempts(const ns_sim *s, const sim_obj *o, const sim_wl *wl)
{
	const sim_violation *v = wl->work->violation;
	char autogen[128];
	bool rule = false, any = false, all = true;
	const cJSON *match = ns_json_path(o->j, "spec.match");
	snprintf(autogen, sizeof autogen, "autogen-%s", v->rule);
	ns_json_each(e, ns_json_path(o->j, "spec.exceptions")) rule |=
	    !strcmp(ns_json_str(e, "policyName", ""), v->policy) && any_match(ns_json_get(e, "ruleNames"), autogen);
	ns_json_each(f, ns_json_get(match, "any")) any |= filter_match(f, wl);
	ns_json_each(f, ns_json_get(match, "all")) all &= filter_match(f, wl);
	return kyverno_accepts(s, o->ns) && rule && (any || (ns_json_len(ns_json_get(match, "all")) && all));
}

static const sim_obj *exception_for(const ns_sim *s, const sim_wl *wl)
{
	const sim_shelf *sh = &s->world.shelf[K_POLEX];
	for (size_t i = 0; i < sh->n; i++)
		if (exempts(s, sh->v[i], wl))
			return sh->v[i];
	return NULL;
}

static sim_obj *policy_object(ns_sim *s, const sim_violation *v)
{
	sim_obj *o = world_get(&s->world, K_CLUSTERPOLICY, "", v->policy);
	if (o)
		return o;
	cJSON *j = object_new(s, K_CLUSTERPOLICY, "", v->policy, -20LL * 24 * 3600 * 1000), *rule = cJSON_CreateObject();
	cJSON *ann = cJSON_AddObjectToObject(json_child(j, "metadata"), "annotations");
	ns_json_put_str(ann, "policies.kyverno.io/category", v->category);
	ns_json_put_str(ann, "policies.kyverno.io/severity", v->severity);
	cJSON *spec = cJSON_AddObjectToObject(j, "spec");
	ns_json_put_bool(spec, "background", true);
	ns_json_put_str(rule, "name", v->rule);
	cJSON *val = cJSON_AddObjectToObject(rule, "validate");
	ns_json_put_str(val, "failureAction", "Enforce");
	ns_json_put_str(val, "message", v->message);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(spec, "rules"), rule);
	return world_put(s, K_CLUSTERPOLICY, j);
}

static void write_report(ns_sim *s, sim_wl *wl, const sim_obj *exception)
{
	const sim_violation *v = wl->work->violation;
	const char *uid = ns_json_str(wl->dep->j, "metadata.uid", "");
	char rule[128];
	sim_obj *old = world_get(&s->world, K_POLICYREPORT, wl->work->ns, uid);
	cJSON *j = old ? cJSON_Duplicate(old->j, true) : object_new(s, K_POLICYREPORT, wl->work->ns, uid, s->cluster.now);
	cJSON *meta = json_child(j, "metadata"), *labels = json_child(meta, "labels"), *refs = cJSON_CreateArray();
	json_set(labels, "app.kubernetes.io/managed-by", cJSON_CreateString("kyverno"));
	cJSON_AddItemToArray(refs, owner_ref(wl->dep));
	json_set(meta, "ownerReferences", refs);
	json_set(meta, "generation", cJSON_CreateNumber((double)ns_json_int_or(meta, "generation", 0) + 1));
	cJSON *scope = cJSON_CreateObject();
	ns_json_put_str(scope, "apiVersion", "apps/v1");
	ns_json_put_str(scope, "kind", "Deployment");
	ns_json_put_str(scope, "name", wl->work->name);
	ns_json_put_str(scope, "namespace", wl->work->ns);
	ns_json_put_str(scope, "uid", uid);
	json_set(j, "scope", scope);
	cJSON *sum = cJSON_CreateObject();
	static const char *const fields[] = {"pass", "fail", "warn", "error", "skip"};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		ns_json_put_int(sum, fields[i], !strcmp(fields[i], exception ? "skip" : "fail"));
	json_set(j, "summary", sum);
	cJSON *res = cJSON_CreateObject(), *results = cJSON_CreateArray(), *props;
	snprintf(rule, sizeof rule, "autogen-%s", v->rule);
	ns_json_put_str(res, "policy", v->policy);
	ns_json_put_str(res, "rule", rule);
	ns_json_put_str(res, "result", exception ? "skip" : "fail");
	ns_json_put_bool(res, "scored", true);
	ns_json_put_str(res, "severity", v->severity);
	ns_json_put_str(res, "category", v->category);
	ns_json_put_str(res, "source", "kyverno");
	props = cJSON_AddObjectToObject(res, "properties");
	ns_json_put_str(props, "process", "background scan");
	if (exception) {
		ns_json_put_str(props, "exceptions", exception->name);
		ns_json_put_str(res, "message", "rule is skipped due to policy exception");
	} else {
		ns_json_put_str(res, "message", v->message);
	}
	cJSON *at = cJSON_AddObjectToObject(res, "timestamp");
	ns_json_put_int(at, "seconds", (s->t0_wall + s->cluster.now) / 1000);
	ns_json_put_int(at, "nanos", 0);
	cJSON_AddItemToArray(results, res);
	json_set(j, "results", results);
	world_put(s, K_POLICYREPORT, j);
}

static void say_blocked(ns_sim *s, sim_wl *wl)
{
	const sim_violation *v = wl->work->violation;
	event_v1(s,
	    &(sim_event_v1){.about = policy_object(s, v),
	        .related = wl->dep,
	        .ns = "default",
	        .type = "Warning",
	        .reason = "PolicyViolation",
	        .action = "Resource Blocked",
	        .controller = "kyverno-admission"},
	    "Deployment %s/%s: [autogen-%s] fail (blocked); %s", wl->work->ns, wl->work->name, v->rule, v->message);
}

static void say_found(ns_sim *s, sim_wl *wl)
{
	const sim_violation *v = wl->work->violation;
	event_v1(s,
	    &(sim_event_v1){.about = wl->dep,
	        .ns = wl->work->ns,
	        .type = "Warning",
	        .reason = "PolicyViolation",
	        .action = "Resource Passed",
	        .controller = "kyverno-scan"},
	    "policy %s/autogen-%s fail: %s", v->policy, v->rule, v->message);
}

void kyverno_scan(ns_sim *s, sim_wl *wl)
{
	const sim_obj *exception = exception_for(s, wl);
	wl->scan_ms = s->cluster.now + SCAN_MS;
	if (wl->exempt != (exception != NULL)) {
		wl->exempt = exception != NULL;
		write_report(s, wl, exception);
		if (!exception)
			say_found(s, wl);
	}
	if (!exception)
		say_blocked(s, wl);
}

void kyverno_seed(ns_sim *s)
{
	for (size_t i = 0; i < s->cluster.n_wls; i++) {
		sim_wl *wl = &s->cluster.wls[i];
		if (!wl->work->violation)
			continue;
		policy_object(s, wl->work->violation);
		wl->scan_ms = wl->work->violation_from_ms;
	}
}
