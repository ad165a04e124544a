/* From plan to order: every static check, then the live object under it. What the two let through is what may be spawned. */
#include <stdlib.h>
#include <string.h>
#include "executor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/policy/policy.h"

static const char *deployment_path(ns_arena *ar, const char *ns, const char *name)
{
	return ns_arena_printf(ar, "/apis/apps/v1/namespaces/%s/deployments/%s", ns, name);
}

/* version: "kyverno.io/v2", held to a closed list by ns_body_check. */
static const char *exception_path(ns_arena *ar, const char *version, const char *ns, const char *name)
{
	return ns_arena_printf(ar, "/apis/%s/namespaces/%s/policyexceptions/%s", version, ns, name);
}

/* Law 3: the plan acts on its own target, and on an exception only for a policy_exception. */
static bool same_target(const ns_order *o, ns_err *err)
{
	const ns_plan *p = o->plan;
	bool exception = p->action == NS_ACT_POLICY_EXCEPTION;
	if (exception != (o->m.subject == NS_SUBJECT_EXCEPTION))
		return ns_fail(err, NS_E_DENIED, "the command is not one of %s", ns_action_get(p->action)->name);
	if (exception && (o->m.verb == NS_VERB_CREATE) == o->undo)
		return ns_fail(err, NS_E_DENIED, "an exception is created by the plan and disarmed by its undo");
	if (strcmp(p->target.kind, "Deployment") != 0)
		return ns_fail(err, NS_E_UNSUPPORTED, "there is no action on a %.60s", p->target.kind);
	if (!exception && (strcmp(o->m.ns, p->target.ns) != 0 || strcmp(o->m.name, p->target.name) != 0))
		return ns_fail(err, NS_E_DENIED, "the command is for %s/%s, the plan for another target", o->m.ns, o->m.name);
	if (!ns_k8s_label_ok(p->target.ns) || !ns_k8s_subdomain_ok(p->target.name))
		return ns_fail(err, NS_E_DENIED, "the target's name is no RFC 1123 name");
	return ns_k8s_uid_ok(p->target.uid) || ns_fail(err, NS_E_DENIED, "the target's UID is not pinned");
}

/* What an exception's undo undoes: the body of the plan's create, checked as if it were sent. */
static cJSON *created_exception(const ns_order *o, const ns_executor *e, ns_err *err)
{
	ns_meaning m;
	const char *why;
	if (!ns_argv_meaning(o->plan->command.argv, e->protected_ns, &m, &why) || m.verb != NS_VERB_CREATE) {
		ns_fail(err, NS_E_DENIED, "the plan creates no exception that could be disarmed");
		return NULL;
	}
	return ns_body_check(o->plan, &o->plan->command, &m, e->protected_ns, err);
}

static bool find_paths(ns_order *o, ns_arena *ar, const ns_executor *e, ns_err *err)
{
	o->target_path = deployment_path(ar, o->plan->target.ns, o->plan->target.name);
	o->object_path = o->target_path;
	if (o->m.subject == NS_SUBJECT_DEPLOYMENT)
		return true;
	cJSON *created = o->m.verb == NS_VERB_CREATE ? cJSON_Duplicate(o->body, true) : created_exception(o, e, err);
	if (!created)
		return false;
	const char *name = ns_json_str(created, "metadata.name", "");
	bool cel = ns_listed(ns_json_str(created, "apiVersion", ""), ns_exception_versions(true));
	bool same = o->m.verb == NS_VERB_CREATE || (strcmp(name, o->m.name) == 0 && cel == o->m.cel);
	ns_copy(o->m.name, sizeof o->m.name, name);
	o->object_path = exception_path(ar, ns_json_str(created, "apiVersion", ""), o->m.ns, name);
	cJSON_Delete(created);
	return same || ns_fail(err, NS_E_DENIED, "the undo is for another exception than the plan created");
}

bool ns_order_make(ns_order *o, ns_arena *ar, const ns_executor *e, const ns_plan *p, bool undo, ns_err *err)
{
	*o = (ns_order){.plan = p, .undo = undo, .cmd = undo ? &p->undo : &p->command, .inverse = undo ? &p->command : &p->undo};
	const char *why;
	if (!ns_action_get(p->action)->executable)
		return ns_fail(err, NS_E_DENIED, "%s is not executable", ns_action_get(p->action)->name);
	if (!ns_argv_meaning(o->cmd->argv, e->protected_ns, &o->m, &why))
		return ns_fail(err, NS_E_DENIED, "the command is not permitted: %s", why);
	if (!same_target(o, err))
		return false;
	o->body = ns_body_check(p, o->cmd, &o->m, e->protected_ns, err);
	if (o->body && find_paths(o, ar, e, err))
		return true;
	ns_order_free(o);
	return false;
}

void ns_order_free(ns_order *o)
{
	cJSON_Delete(o->body);
	o->body = NULL;
}

/* ---- live ---- */

/* The plan's workload: pinned uid, and the generation that the plan was made for; after our change one more, if nobody else was there. */
static bool read_target(const ns_order *o, ns_arena *ar, ns_kube_client *c, ns_live *live, ns_err *err)
{
	const ns_plan *p = o->plan;
	live->object = ns_kube_get(c, o->target_path, err);
	if (!live->object)
		return ns_err_wrap(err, "read %s/%s", p->target.ns, p->target.name);
	live->uid = live->pinned_uid = ns_arena_strdup(ar, ns_json_str(live->object, "metadata.uid", ""));
	live->resource_version = ns_arena_strdup(ar, ns_json_str(live->object, "metadata.resourceVersion", ""));
	live->generation = ns_json_int_or(live->object, "metadata.generation", -1);
	if (strcmp(live->uid, p->target.uid) != 0)
		return ns_fail(err, NS_E_CONFLICT, "%s/%s is not the object that was analysed (its UID changed)", p->target.ns, p->target.name);
	if (!*live->resource_version)
		return ns_fail(err, NS_E_INVALID, "%s/%s has no resourceVersion", p->target.ns, p->target.name);
	int64_t want = p->generation + (o->undo ? 1 : 0);
	if (live->generation != want)
		return ns_fail(err, NS_E_CONFLICT, "%s/%s was changed in between (generation %lld, expected %lld)", p->target.ns, p->target.name,
		    (long long)live->generation, (long long)want);
	return true;
}

/* A create: the workload is as planned, and the exception is not there yet. */
static bool read_for_create(const ns_order *o, ns_arena *ar, ns_kube_client *c, ns_live *live, ns_err *err)
{
	bool ok = read_target(o, ar, c, live, err);
	cJSON_Delete(live->object);
	live->object = NULL;
	live->uid = live->resource_version = "";
	if (!ok)
		return false;
	ns_err why = {0};
	cJSON *there = ns_kube_get(c, o->object_path, &why);
	cJSON_Delete(there);
	if (there)
		return ns_fail(err, NS_E_CONFLICT, "the exception %s/%s exists already", o->m.ns, o->m.name);
	if (why.code == NS_E_NOTFOUND)
		return true;
	if (err)
		*err = why;
	return ns_err_wrap(err, "look for %s/%s", o->m.ns, o->m.name);
}

/* A disarm: the exception is the one that the plan created, still as it was created. It was not there when the plan was made, so its UID
 * cannot have been pinned then; what it matches and excepts says whose it is. */
static bool read_exception(const ns_order *o, ns_arena *ar, ns_kube_client *c, ns_live *live, ns_err *err)
{
	live->object = ns_kube_get(c, o->object_path, err);
	if (!live->object)
		return ns_err_wrap(err, "read %s/%s", o->m.ns, o->m.name);
	live->uid = live->pinned_uid = ns_arena_strdup(ar, ns_json_str(live->object, "metadata.uid", ""));
	live->resource_version = ns_arena_strdup(ar, ns_json_str(live->object, "metadata.resourceVersion", ""));
	live->generation = ns_json_int_or(live->object, "metadata.generation", 0);
	const char *text = o->plan->command.body;
	cJSON *created = ns_json_parse(text, strlen(text), &ns_json_strict, err);
	bool ours = created != NULL;
	ns_json_each(part, ns_json_get(created, "spec")) /* what the server added by its defaults is not looked at */
		ours = ours && ns_json_same(part, ns_json_get(ns_json_get(live->object, "spec"), part->string));
	cJSON_Delete(created);
	if (!ours || !*live->uid || !*live->resource_version)
		return ns_fail(err, NS_E_CONFLICT, "the exception %s/%s is not as this program created it", o->m.ns, o->m.name);
	return true;
}

bool ns_order_read(const ns_order *o, ns_arena *ar, ns_kube_client *c, ns_live *live, ns_err *err)
{
	*live = (ns_live){.uid = "", .resource_version = "", .pinned_uid = ""};
	bool ok = o->m.subject == NS_SUBJECT_DEPLOYMENT ? read_target(o, ar, c, live, err)
	    : o->m.verb == NS_VERB_CREATE                ? read_for_create(o, ar, c, live, err)
	                                                 : read_exception(o, ar, c, live, err);
	if (!ok)
		ns_live_free(live);
	return ok;
}

void ns_live_free(ns_live *l)
{
	cJSON_Delete(l->object);
	l->object = NULL;
}

bool ns_order_answered(const ns_order *o, const ns_live *live, const cJSON *answer, ns_err *err)
{
	const char *kind = o->m.subject == NS_SUBJECT_DEPLOYMENT ? "Deployment" : "PolicyException";
	if (strcmp(ns_json_str(answer, "kind", ""), kind) != 0 || strcmp(ns_json_str(answer, "metadata.name", ""), o->m.name) != 0 ||
	    strcmp(ns_json_str(answer, "metadata.namespace", ""), o->m.ns) != 0)
		return ns_fail(err, NS_E_INVALID, "the answer is not %s %s/%s", kind, o->m.ns, o->m.name);
	if (*live->uid && strcmp(ns_json_str(answer, "metadata.uid", ""), live->uid) != 0)
		return ns_fail(err, NS_E_INVALID, "the answer is another object of the same name");
	return cJSON_IsObject(ns_json_get(answer, "spec")) || ns_fail(err, NS_E_INVALID, "the answer has no spec");
}

char *ns_order_text(const ns_order *o, const ns_live *live)
{
	return o->cmd->json_patch ? ns_body_locked(o->body, live->uid, live->resource_version) : ns_json_text(o->body);
}
