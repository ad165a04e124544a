/* The rights table: rows from what is watched and what may be done, plus the few things that are only read. */
#include "neuroscale/agents/rights.h"

#include <stdio.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/kube/lease.h"
#include "neuroscale/model/vocab.h"

#define ACCOUNT "neuroscale-autopilot"
enum { MAX_RIGHTS = 64, LOOKING = 1 << NS_RIGHT_WATCH | 1 << NS_RIGHT_READ };

/* What goes missing with a watched resource. One that is not here is "not seen", by its name. */
static const struct {
	const char *resource, *lost;
} watched[] = {
    {"pods", "nothing is detected"},
    {"deployments", "nothing is detected"},
    {"replicasets", "nothing is detected, no earlier revision is known"},
    {"events", "failed mounts, failing probes and blocked creations are not seen"},
    {"nodes", "node incidents are not seen, and no limit is held to what a node has"},
    {"statefulsets", "rollouts of StatefulSets are not seen"},
    {"daemonsets", "rollouts of DaemonSets are not seen"},
    {"jobs", "failed Jobs are not seen"},
    {"cronjobs", "CronJobs are not seen"},
    {"policyreports", "policy violations of what runs already are not seen"},
    {"clusterpolicies", "what a cluster policy enforces is not known"},
    {"policies", "what a namespace's policy enforces is not known"},
    {"horizontalpodautoscalers", "an autoscaler is not noticed before its workload is scaled"},
    {"applications", "what Argo CD thinks of an application is not seen"},
    {"clusterpolicyreports", "policy violations of what runs already are not seen"},
    {"reports", "policy violations of what runs already are not seen"},
    {"clusterreports", "policy violations of what runs already are not seen"},
    {"validatingpolicies", "what a validating policy enforces is not known"},
    {"secrets", "when the certificates in TLS Secrets end is not seen"},
    {"persistentvolumeclaims", "claims that wait for a volume are not seen"},
};

/* What is only read. A resource that is watched as well is not said twice. */
static const ns_right reads[] = {
    {NS_RIGHT_READ, "", "", "namespaces", "", "", "get,list", true, true, "which cluster it is cannot be told, so nothing is ever changed"},
    {NS_RIGHT_READ, "", "", "pods", "log", "", "get", false, false, "causes that only a log tells stay unknown"},
    {NS_RIGHT_READ, "", "autoscaling", "horizontalpodautoscalers", "", "", "get,list", false, false,
        "an autoscaler is not noticed before its workload is scaled"},
    {NS_RIGHT_READ, "", "autoscaling.k8s.io", "verticalpodautoscalers", "", "", "list", false, false,
        "a vertical autoscaler is not noticed: a memory limit is raised only by a person"},
    {NS_RIGHT_READ, "", "", "limitranges", "", "", "list", false, false,
        "what a LimitRange forbids is not known: a memory limit is raised only by a person"},
    {NS_RIGHT_READ, "", "", "resourcequotas", "", "", "list", false, false,
        "what a quota leaves is not known: a memory limit is raised only by a person"},
    {NS_RIGHT_READ, "", "policy", "poddisruptionbudgets", "", "", "list", false, false,
        "what a disruption budget wants is not known: nothing is scaled down but by a person"},
};

typedef struct table {
	ns_arena *ar;
	ns_right *rows;
	size_t n;
} table;

static const char *words(const char *s, const char *dflt)
{
	return s && *s ? s : dflt;
}

static ns_right *find(table *t, const ns_right *r)
{
	for (size_t i = 0; i < t->n; i++) {
		ns_right *x = &t->rows[i];
		if (!strcmp(x->group, r->group) && !strcmp(x->resource, r->resource) && !strcmp(x->subresource, r->subresource) &&
		    x->use <= NS_RIGHT_READ && r->use <= NS_RIGHT_READ)
			return x;
	}
	return NULL;
}

static void add(table *t, ns_right r)
{
	ns_right *same = find(t, &r);
	if (same)
		same->vital |= r.vital;
	else if (t->n < MAX_RIGHTS)
		t->rows[t->n++] = r;
}

static const char *lost_with(ns_arena *ar, const char *resource)
{
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
		if (strcmp(watched[i].resource, resource) == 0)
			return watched[i].lost;
	return ns_arena_printf(ar, "%s are not seen", resource);
}

/* "/apis/apps/v1/deployments" and "/api/v1/pods". */
static void add_watched(table *t, const ns_watch_row *row, const ns_rights_opts *o)
{
	const char *resource = strrchr(row->path, '/') + 1;
	const char *group = strncmp(row->path, "/apis/", 6) == 0 ? ns_arena_strndup(t->ar, row->path + 6, strcspn(row->path + 6, "/")) : "";
	/* A right to read Secrets is a right to all of them: only where the options ask for it. */
	bool secrets = strcmp(resource, "secrets") == 0;
	if (secrets && !o->tls_secrets)
		return;
	add(t, (ns_right){NS_RIGHT_WATCH, "", group, resource, "", "", secrets ? "list,watch" : "get,list,watch", row->cluster_scoped,
	           !row->optional, lost_with(t->ar, resource)});
}

static bool enabled(const ns_action_info *a, const ns_rights_opts *o)
{
	return a->executable && (!o->allowed_actions || ns_listed(a->name, o->allowed_actions));
}

static bool same_right(const ns_action_info *a, const ns_action_info *b)
{
	return !strcmp(a->api_group, b->api_group) && !strcmp(a->resource, b->resource) && !strcmp(a->verbs, b->verbs);
}

/* Actions on the same resource with the same verbs are one right, and its loss is the loss of them all. */
static void add_actions(table *t, const ns_rights_opts *o)
{
	for (int a = 0; a < NS_ACT_COUNT; a++) {
		const ns_action_info *info = ns_action_get((ns_action)a);
		ns_buf lost = NS_BUF_INIT;
		bool said = false;
		for (int b = 0; b < NS_ACT_COUNT; b++) {
			const ns_action_info *x = ns_action_get((ns_action)b);
			if (!enabled(x, o) || !same_right(x, info))
				continue;
			said |= b < a;
			ns_buf_printf(&lost, "%s%s", lost.len ? ", no " : "no ", x->name);
		}
		const char *ns = strcmp(info->resource, "policyexceptions") == 0 ? words(o->exception_ns, "") : "";
		if (enabled(info, o) && !said)
			add(t, (ns_right){NS_RIGHT_ACT, ns, info->api_group, info->resource, "", "", info->verbs, false, false,
			           ns_arena_strdup(t->ar, ns_buf_str(&lost))});
		ns_buf_free(&lost);
	}
}

const ns_right *ns_rights_list(ns_arena *ar, const ns_rights_opts *o, size_t *n)
{
	static const char no_lease[] = "it only observes, whatever the profile says";
	const char *lease_ns = words(o->lease_ns, "default");
	table t = {.ar = ar, .rows = ns_arena_alloc(ar, MAX_RIGHTS * sizeof(ns_right))};
	for (int i = 0; i < DT_ROW_COUNT; i++)
		add_watched(&t, &dt_rows[i], o);
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		add(&t, reads[i]);
	/* A name can be asked for in everything but a creation. */
	add(&t, (ns_right){NS_RIGHT_LEASE, lease_ns, "coordination.k8s.io", "leases", "", "", "create", false, false, no_lease});
	add(&t,
	    (ns_right){NS_RIGHT_LEASE, lease_ns, "coordination.k8s.io", "leases", "", NS_LEASE_NAME, "get,update", false, false, no_lease});
	add_actions(&t, o);
	*n = t.n;
	return t.rows;
}

/* ---- as YAML ---- */

/* "get,patch" -> get, patch */
static void put_list(ns_buf *out, const char *list)
{
	for (; *list; list++) {
		ns_buf_putc(out, *list);
		if (*list == ',')
			ns_buf_putc(out, ' ');
	}
}

static void put_rule(ns_buf *out, const ns_right *r)
{
	ns_buf_printf(out, "# without it: %s\n- apiGroups: [\"%s\"]\n  resources: [%s%s%s]\n", r->lost, r->group, r->resource,
	    *r->subresource ? "/" : "", r->subresource);
	if (*r->name)
		ns_buf_printf(out, "  resourceNames: [%s]\n", r->name);
	ns_buf_puts(out, "  verbs: [");
	put_list(out, r->verbs);
	ns_buf_puts(out, "]\n");
}

static void put_head(ns_buf *out, const char *api, const char *kind, const char *name, const char *ns)
{
	ns_buf_printf(out, "---\napiVersion: %s\nkind: %s\nmetadata: {name: %s%s%s}\n", api, kind, name, *ns ? ", namespace: " : "", ns);
}

enum scope { ANY_SCOPE, OF_CLUSTER, OF_NAMESPACES };

/* The rights that uses (bits), scope and ns select, as one role. False when there are none. */
static bool put_role(
    ns_buf *out, const ns_right *r, size_t n, unsigned uses, enum scope scope, const char *kind, const char *name, const char *ns)
{
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		if (!(uses & 1u << r[i].use) || strcmp(r[i].ns, ns) != 0 ||
		    (scope != ANY_SCOPE && r[i].cluster_scoped != (scope == OF_CLUSTER)))
			continue;
		if (!any) {
			put_head(out, "rbac.authorization.k8s.io/v1", kind, name, ns);
			ns_buf_puts(out, "rules:\n");
		}
		any = true;
		put_rule(out, &r[i]);
	}
	return any;
}

static void put_binding(ns_buf *out, const char *role_kind, const char *name, const char *ns, const char *account_ns)
{
	put_head(out, "rbac.authorization.k8s.io/v1", *ns ? "RoleBinding" : "ClusterRoleBinding", name, ns);
	ns_buf_printf(out, "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}\n", role_kind, name);
	ns_buf_printf(out, "subjects: [{kind: ServiceAccount, name: %s, namespace: %s}]\n", ACCOUNT, account_ns);
}

static void put_bindings(ns_buf *out, const char *role, const char *const *namespaces, const char *account_ns)
{
	for (const char *const *ns = namespaces; ns && *ns; ns++)
		put_binding(out, "ClusterRole", role, *ns, account_ns);
}

static void put_comment(ns_buf *out, const char *home, bool bound)
{
	ns_buf_printf(out,
	    "# The least that neuroscale-tui needs with these options: an account of its own, and its rights.\n"
	    "#   apply    neuroscale-tui doctor --role --act-in NS[,NS...] | kubectl apply -f -\n"
	    "#   a token  kubectl -n %s create token %s    (kubectl 1.24 or newer)\n"
	    "#   look     neuroscale-tui doctor --act-in NS[,NS...]    with a kubeconfig of that account\n",
	    home, ACCOUNT);
	if (!bound)
		ns_buf_printf(out,
		    "# It may change nothing yet. Name the namespaces in which it may (--act-in), or bind the role in each of them:\n"
		    "#   kubectl -n NS create rolebinding %s-act --clusterrole=%s-act --serviceaccount=%s:%s\n",
		    ACCOUNT, ACCOUNT, home, ACCOUNT);
}

void ns_rights_yaml(ns_buf *out, const ns_rights_opts *o)
{
	static const char read[] = ACCOUNT, watch[] = ACCOUNT "-watch", lease[] = ACCOUNT "-lease", act[] = ACCOUNT "-act",
	                  except[] = ACCOUNT "-exceptions";
	const char *home = words(o->lease_ns, "default"), *exceptions = words(o->exception_ns, "");
	ns_arena *ar = ns_arena_new();
	size_t n;
	const ns_right *r = ns_rights_list(ar, o, &n);
	put_comment(out, home, o->namespaces && *o->namespaces);
	put_head(out, "v1", "ServiceAccount", ACCOUNT, home);
	bool some = o->watch_ns && *o->watch_ns; /* only these are watched */
	put_role(out, r, n, LOOKING, some ? OF_CLUSTER : ANY_SCOPE, "ClusterRole", read, "");
	put_binding(out, "ClusterRole", read, "", home);
	if (some) {
		put_role(out, r, n, LOOKING, OF_NAMESPACES, "ClusterRole", watch, "");
		put_bindings(out, watch, o->watch_ns, home);
	}
	put_role(out, r, n, 1u << NS_RIGHT_LEASE, ANY_SCOPE, "Role", lease, home);
	put_binding(out, "Role", lease, home, home);
	if (put_role(out, r, n, 1u << NS_RIGHT_ACT, ANY_SCOPE, "ClusterRole", act, ""))
		put_bindings(out, act, o->namespaces, home);
	if (*exceptions && put_role(out, r, n, 1u << NS_RIGHT_ACT, ANY_SCOPE, "Role", except, exceptions))
		put_binding(out, "Role", except, exceptions, home);
	ns_arena_free(ar);
}
