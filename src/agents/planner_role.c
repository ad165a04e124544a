/* The least RBAC that the enabled actions need, from the action table: a ClusterRole to read and, per action, the verbs of its resource.
 * It is bound per namespace by RoleBindings, so that protected namespaces stay out of reach by the cluster's own rules too. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "planner_priv.h"

static bool enabled(const char *name, const char *const *list)
{
	return !list || ns_listed(name, list);
}

/* "get,patch" -> get, patch */
static void put_list(ns_buf *out, const char *list)
{
	for (; *list; list++) {
		ns_buf_putc(out, *list);
		if (*list == ',')
			ns_buf_putc(out, ' ');
	}
}

static void put_rule(ns_buf *out, const char *group, const char *resources, const char *verbs)
{
	ns_buf_printf(out, "- apiGroups: [\"%s\"]\n  resources: [", group);
	put_list(out, resources);
	ns_buf_puts(out, "]\n  verbs: [");
	put_list(out, verbs);
	ns_buf_puts(out, "]\n");
}

static void put_head(ns_buf *out, const char *kind, const char *name)
{
	ns_buf_printf(out, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\nrules:\n", kind, name);
}

/* What the detector and the analyzer need, whatever is enabled. */
static const struct {
	const char *group, *resources, *verbs;
} always[] = {
    {"", "pods,events,namespaces,nodes", "get,list,watch"},
    {"", "pods/log", "get"},
    {"apps", "deployments,replicasets,statefulsets,daemonsets", "get,list,watch"},
    {"batch", "jobs,cronjobs", "get,list,watch"},
    {"autoscaling", "horizontalpodautoscalers", "get,list"},
    {"kyverno.io", "clusterpolicies,policies", "get,list,watch"},
    {"wgpolicyk8s.io", "policyreports,clusterpolicyreports", "get,list,watch"},
    {"argoproj.io", "applications", "get,list,watch"},
};

void ns_plan_minimal_role(ns_buf *out, const char *const *allowed_actions)
{
	ns_buf_puts(out, "# Bind neuroscale-autopilot by a ClusterRoleBinding and neuroscale-autopilot-lease by a RoleBinding. Bind neuroscale-autopilot-act by one RoleBinding per "
	                 "namespace in which it\n"
	                 "# may act, never cluster-wide; policyexceptions are needed only where Kyverno accepts exceptions.\n");
	put_head(out, "ClusterRole", "neuroscale-autopilot");
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		put_rule(out, always[i].group, always[i].resources, always[i].verbs);
	/* The engine's own Lease, in the one namespace that --lease-namespace names. */
	ns_buf_puts(out, "---\n");
	put_head(out, "Role", "neuroscale-autopilot-lease");
	put_rule(out, "coordination.k8s.io", "leases", "get,create,update");
	bool any = false;
	for (int a = 0; a < NS_ACT_COUNT; a++) {
		const ns_action_info *info = ns_action_get((ns_action)a);
		if (!info->executable || !enabled(info->name, allowed_actions))
			continue;
		bool said = false; /* actions on the same resource with the same verbs are one rule */
		for (int b = 0; b < a; b++) {
			const ns_action_info *x = ns_action_get((ns_action)b);
			said |= x->executable && enabled(x->name, allowed_actions) && !strcmp(x->api_group, info->api_group) &&
			        !strcmp(x->resource, info->resource) && !strcmp(x->verbs, info->verbs);
		}
		if (said)
			continue;
		if (!any) {
			ns_buf_puts(out, "---\n");
			put_head(out, "ClusterRole", "neuroscale-autopilot-act");
		}
		any = true;
		put_rule(out, info->api_group, info->resource, info->verbs);
	}
}
