/* Who else writes the target: an operator (its controller), or a tool that deploys it from Git or a chart. For Argo CD the Application is read and
 * must itself say that it has the target; what runs is then brought together with its history. */
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/gitops/gitops.h"

#define DRIFT_TOLD 6

/* Field managers that tell of a tool where no mark does. */
static const struct {
	const char *manager, *tool;
} managers[] = {{"argocd-controller", "argocd"}, {"argocd-application-controller", "argocd"}, {"kustomize-controller", "flux"},
    {"helm-controller", "flux"}};

void ns_collect_manager(ns_collector *k)
{
	ns_case *c = k->c;
	ns_json_each(ref, ns_json_path(k->target, "metadata.ownerReferences")) if (ns_json_bool_or(ref, "controller", false))
	{
		c->managed_by = ns_arena_printf(k->ar, "operator:%s", ns_collect_clean(k, ns_json_str(ref, "kind", "unknown"), 60));
		ns_collect_add(k, NS_EV_OWNER, true, 0, "%s %s is controlled by %s %s", c->alert.target.kind, c->alert.target.name,
		    ns_json_str(ref, "kind", ""), ns_json_str(ref, "name", ""));
		return;
	}
	ns_gitops_marks(k->ar, k->target, &c->owner);
	c->managed_by = c->owner.tool;
	if (*c->owner.tool) {
		ns_collect_add(k, NS_EV_OWNER, false, 0, "managed by %s, %s %s%s%s", c->owner.tool, c->owner.kind, c->owner.ns, *c->owner.ns ? "/" : "",
		    *c->owner.name ? c->owner.name : "not named");
		return;
	}
	ns_json_each(f, ns_json_path(k->target, "metadata.managedFields"))
	{
		for (size_t i = 0; i < sizeof managers / sizeof managers[0] && !*c->managed_by; i++) {
			if (strcmp(ns_json_str(f, "manager", ""), managers[i].manager))
				continue;
			c->managed_by = c->owner.tool = managers[i].tool;
			ns_collect_add(k, NS_EV_OWNER, true, ns_collect_time(f, "time"), "field manager %s last wrote it", managers[i].manager);
		}
	}
}

/* When the template that fails was made; 0 when an earlier one was taken up again, so that its age says nothing. */
static int64_t current_made_ms(const ns_case *c)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (c->revisions[i].current)
			return c->revisions[i].created_ms;
	return 0;
}

static void tell_application(ns_collector *k, const cJSON *app)
{
	const char *lines[DRIFT_TOLD];
	const ns_owner *o = &k->c->owner;
	size_t n = ns_argo_drift(k->ar, app, lines, DRIFT_TOLD);
	ns_collect_add(k, NS_EV_OWNER, true, k->c->taken_ms, "Application %s/%s: %s, %s, auto-sync %s%s%s%s", o->ns, o->name,
	    ns_json_str(app, "status.sync.status", "sync unknown"), ns_json_str(app, "status.health.status", "health unknown"),
	    o->auto_sync ? "on" : "off", o->self_heal ? " with self-heal" : "", *o->generated_by ? ", written by " : "", o->generated_by);
	for (size_t i = 0; i < n && i < DRIFT_TOLD; i++)
		ns_collect_add(k, NS_EV_OWNER, true, k->c->taken_ms, "out of sync: %s", lines[i]);
	if (n > DRIFT_TOLD)
		ns_collect_add(k, NS_EV_OWNER, true, k->c->taken_ms, "out of sync: %zu more", n - DRIFT_TOLD);
}

/* By the name in the marks, in whichever namespace; the marks may lie, so it counts only when it lists the target. */
static void find_application(ns_collector *k)
{
	const ns_workload *w = &k->c->alert.target;
	ns_buf path = NS_BUF_INIT;
	ns_code code = NS_OK;
	ns_buf_puts(&path, "/apis/argoproj.io/v1alpha1/applications?limit=50&fieldSelector=metadata.name%3D");
	ns_url_escape(&path, k->c->owner.name);
	cJSON *list = ns_collect_get(k, ns_buf_str(&path), NULL, &code);
	const cJSON *found = NULL;
	size_t n = 0;
	ns_json_each(app, ns_json_get(list, "items")) if (!strcmp(ns_json_str(app, "metadata.name", ""), k->c->owner.name) &&
	                                                  ns_argo_lists(app, w->kind, w->ns, w->name))
	{
		found = app;
		n++;
	}
	if (n == 1) {
		ns_argo_read(k->ar, found, current_made_ms(k->c), &k->c->owner);
		k->c->owner.confirmed = true;
		tell_application(k, found);
	} else {
		ns_collect_add(k, NS_EV_NOTE, true, 0, "%s", !list ? "its Application could not be read" : n ? "several Applications say that they have it"
		                                                                                             : "no Application says that it has it");
	}
	cJSON_Delete(list);
	ns_buf_free(&path);
}

void ns_collect_owner(ns_collector *k)
{
	const ns_workload *w = &k->c->alert.target;
	if (!strcmp(w->kind, "Application") && k->target) {
		ns_argo_read(k->ar, k->target, 0, &k->c->owner);
		k->c->owner.confirmed = true;
		tell_application(k, k->target);
	} else if (!strcmp(k->c->owner.tool, "argocd") && *k->c->owner.name) {
		find_application(k);
	}
}
