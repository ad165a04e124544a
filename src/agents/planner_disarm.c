/* The end of an exception that we made: a plan whose undo disarms it, so that it goes through the executor's one door like any other change. The
 * plan is written anew from the live object; the executor holds it to its tables and to what is there. One that somebody widened since is not the
 * one that was approved: then there is no plan, and a person is told. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "neuroscale/policy/policy.h"
#include "planner_priv.h"

/* What we create of it: a server adds defaults and much metadata. */
static cJSON *as_created(const cJSON *object, const ns_exception_live *x, bool cel)
{
	static const char *const parts[2][2] = {{"match", "exceptions"}, {"policyRefs", "matchConditions"}};
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "apiVersion", x->api_version);
	ns_json_put_str(o, "kind", "PolicyException");
	cJSON *meta = cJSON_AddObjectToObject(o, "metadata"), *spec = cJSON_AddObjectToObject(o, "spec");
	ns_json_put_str(meta, "name", x->name);
	ns_json_put_str(meta, "namespace", x->ns);
	for (size_t i = 0; i < 2; i++)
		cJSON_AddItemToObject(spec, parts[cel][i], cJSON_Duplicate(ns_json_get(ns_json_get(object, "spec"), parts[cel][i]), true));
	return o;
}

ns_plan *ns_plan_disarm(ns_arena *ar, const cJSON *object, const char *cluster, ns_err *err)
{
	ns_exception_live x;
	if (!ns_exception_read(ar, object, &x)) {
		ns_fail(err, NS_E_INVALID, "it is no exception of ours");
		return NULL;
	}
	bool cel = ns_listed(x.api_version, ns_exception_versions(true));
	const ns_workload *w = &x.target;
	if (x.disarmed || (!cel && !ns_listed(x.api_version, ns_exception_versions(false)))) {
		ns_fail(err, NS_E_INVALID, "the exception %.63s/%.200s %s", x.ns, x.name, x.disarmed ? "is disarmed already" : "is of a version that is not written here");
		return NULL;
	}
	if (!ns_k8s_label_ok(x.ns) || !ns_k8s_subdomain_ok(x.name) || !ns_k8s_label_ok(w->ns) || !ns_k8s_subdomain_ok(w->name) || !ns_k8s_uid_ok(w->uid) ||
	    strcmp(w->kind, "Deployment")) {
		ns_fail(err, NS_E_INVALID, "the exception's own notes do not say which workload it is for");
		return NULL;
	}
	ns_plan *p = ns_arena_alloc(ar, sizeof *p);
	const char *resource = cel ? "policyexceptions.policies.kyverno.io" : "policyexceptions.kyverno.io";
	const char **create = ns_arena_alloc(ar, 8 * sizeof *create);
	const char *const argv[] = {"-n", x.ns, "create", "-f", "-", "-o", "json"};
	memcpy(create, argv, sizeof argv);
	*p = (ns_plan){.action = NS_ACT_POLICY_EXCEPTION, .risk = NS_RISK_LOW, .target = *w, .runbook = "", .runbook_hash = "", .runbook_title = "",
	    .verify = "the exception matches no name that can exist", .manual_command = "", .expected_effect = "the rule holds again", .undo_valid = true};
	p->target.cluster = ns_arena_strdup(ar, cluster);
	p->summary = ns_arena_printf(ar, "disarm the exception %s/%s: its time is over", x.ns, x.name);
	p->command = (ns_command){.argv = create, .body = ns_patch_text(ar, as_created(object, &x, cel)), .equivalent = ""};
	p->undo = ns_patch_command(ar, x.ns, ns_arena_printf(ar, "%s/%s", resource, x.name),
	    ns_patch_text(ar, cel ? ns_exception_disarm_cel_patch() : ns_exception_disarm_patch()),
	    ns_arena_printf(ar, "kubectl -n %s delete %s/%s", x.ns, resource, x.name));
	return p;
}
