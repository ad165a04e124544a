/* Which tool deploys an object, by the marks that tools leave, and what a person runs there. */
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include "neuroscale/gitops/gitops.h"
#include "neuroscale/model/k8s.h"

/* ---- marks ---- */

static const struct mark {
	const char *map, *key, *value; /* value NULL: any */
	const char *tool, *kind;
	const char *name_map, *name_key, *ns_map, *ns_key; /* where the owner is named, NULL nowhere */
} marks[] = {
    {"metadata.annotations", "argocd.argoproj.io/tracking-id", NULL, "argocd", "Application", "metadata.annotations", "argocd.argoproj.io/tracking-id", NULL,
        NULL},
    {"metadata.labels", "argocd.argoproj.io/instance", NULL, "argocd", "Application", "metadata.labels", "argocd.argoproj.io/instance", NULL, NULL},
    {"metadata.labels", "kustomize.toolkit.fluxcd.io/name", NULL, "flux", "Kustomization", "metadata.labels", "kustomize.toolkit.fluxcd.io/name",
        "metadata.labels", "kustomize.toolkit.fluxcd.io/namespace"},
    {"metadata.labels", "helm.toolkit.fluxcd.io/name", NULL, "flux", "HelmRelease", "metadata.labels", "helm.toolkit.fluxcd.io/name", "metadata.labels",
        "helm.toolkit.fluxcd.io/namespace"},
    {"metadata.annotations", "meta.helm.sh/release-name", NULL, "helm", "release", "metadata.annotations", "meta.helm.sh/release-name",
        "metadata.annotations", "meta.helm.sh/release-namespace"},
    {"metadata.labels", "app.kubernetes.io/managed-by", "Helm", "helm", "release", "metadata.labels", "app.kubernetes.io/instance", NULL, NULL},
};

static const char *word(const cJSON *obj, const char *map, const char *key)
{
	if (!map)
		return "";
	const cJSON *v = ns_json_get(ns_json_path(obj, map), key);
	return cJSON_IsString(v) ? v->valuestring : "";
}

void ns_gitops_marks(ns_arena *ar, const cJSON *object, ns_owner *o)
{
	*o = (ns_owner){.tool = "", .kind = "", .ns = "", .name = "", .automated = "", .generated_by = "", .history_revision = "", .revision = "", .why = ""};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		const struct mark *m = &marks[i];
		const char *v = word(object, m->map, m->key);
		if (!*v || (m->value && strcmp(v, m->value)))
			continue;
		const char *name = word(object, m->name_map, m->name_key), *ns = word(object, m->ns_map, m->ns_key);
		size_t n = strcspn(name, ":"); /* APPLICATION:GROUP/KIND:NAMESPACE/NAME */
		const char *cut = memchr(name, '_', n); /* NAMESPACE_APPLICATION, outside of its own namespace; neither has an underscore */
		o->tool = m->tool;
		o->kind = m->kind;
		o->ns = cut ? ns_arena_strndup(ar, name, (size_t)(cut - name)) : ns_arena_strdup(ar, ns);
		o->name = cut ? ns_arena_strndup(ar, cut + 1, n - (size_t)(cut + 1 - name)) : ns_arena_strndup(ar, name, n);
		if (!ns_k8s_label_ok(o->ns))
			o->ns = "";
		if (!ns_k8s_subdomain_ok(o->name))
			o->name = "";
		return;
	}
}

bool ns_gitops_reverts(const ns_owner *o)
{
	if (!strcmp(o->tool, "argocd"))
		return !*o->name || !o->confirmed || o->self_heal; /* what could not be read is taken to be watched over */
	return !strcmp(o->tool, "flux");
}

/* ---- ways ---- */

/* In a pattern: {n} the owner's namespace, {o} its name, {i} the id in its history, {a} its automation, {t} and {w} namespace and name of the
 * target, {r} its revision. */
static const char *fill(ns_arena *ar, const char *pattern, const ns_owner *o, const ns_workload *w, int64_t revision_to)
{
	ns_buf b = NS_BUF_INIT;
	for (const char *p = pattern; *p; p++) {
		if (*p != '{' || !p[1] || !strchr("noiatwr", p[1]) || p[2] != '}') { /* "{}}" is text */
			ns_buf_putc(&b, *p);
			continue;
		}
		switch (p[1]) {
		case 'n': ns_buf_puts(&b, o->ns); break;
		case 'o': ns_buf_puts(&b, o->name); break;
		case 'i': ns_buf_printf(&b, "%lld", (long long)o->history_id); break;
		case 'a': ns_buf_puts(&b, o->automated); break;
		case 't': ns_buf_puts(&b, w->ns); break;
		case 'w': ns_buf_puts(&b, w->name); break;
		default: ns_buf_printf(&b, "%lld", (long long)revision_to); break;
		}
		p += 2;
	}
	return ns_arena_take(ar, &b);
}

#define APP "applications.argoproj.io/{o}"
/* The state is taken from the history by its id, with the version of the object as it was read: another operation or another change in between
 * makes it fail. */
#define OPERATION                                                                                                                          \
	"kubectl -n {n} get " APP " -o json | jq -c '. as $a | select($a.operation == null) | .status.history[] | select(.id == {i}) | "      \
	"{metadata: {resourceVersion: $a.metadata.resourceVersion}, operation: {initiatedBy: {username: \"neuroscale\"}, sync: ({revision, "   \
	"revisions, source, sources, prune: false, syncStrategy: {apply: {}}, syncOptions: $a.spec.syncPolicy.syncOptions} | "                 \
	"with_entries(select(.value != null)))}, status: {operationState: null}}' | "                                                         \
	"kubectl -n {n} patch " APP " --type=merge --patch-file=/dev/stdin"
#define UNDO "kubectl -n {t} rollout undo deployment/{w} --to-revision={r}"

static const struct way {
	const char *kind;
	bool automatic;                /* argocd: with auto-sync on */
	bool by_revision;              /* its rollback is one of the Deployment */
	const char *rollback, *equivalent, *restore, *compare, *sync;
} ways[] = {
    {"Application", true, false, "kubectl -n {n} patch " APP " --type=merge -p '{\"spec\":{\"syncPolicy\":{\"automated\":null}}}' && " OPERATION,
        "argocd app set {o} -N {n} --sync-policy none && argocd app rollback {o} {i} -N {n}",
        "kubectl -n {n} patch " APP " --type=merge -p '{\"spec\":{\"syncPolicy\":{\"automated\":{a}}}}'", "argocd app diff {o} -N {n} --hard-refresh",
        "argocd app sync {o} -N {n}"},
    {"Application", false, false, OPERATION, "argocd app rollback {o} {i} -N {n}", "", "argocd app diff {o} -N {n} --hard-refresh",
        "argocd app sync {o} -N {n}"},
    {"Kustomization", false, true, "flux suspend kustomization {o} -n {n} && " UNDO, "", "flux resume kustomization {o} -n {n}",
        "flux get kustomization {o} -n {n}", "flux reconcile kustomization {o} -n {n} --with-source"},
    {"HelmRelease", false, true, "flux suspend helmrelease {o} -n {n} && " UNDO, "", "flux resume helmrelease {o} -n {n}",
        "flux get helmrelease {o} -n {n}", "flux reconcile helmrelease {o} -n {n} --with-source"},
    {"release", false, false, "helm -n {n} history {o} && helm -n {n} rollback {o} --wait", "", "", "helm -n {n} status {o}", ""},
};

void ns_gitops_ways(ns_arena *ar, const ns_owner *o, const ns_workload *target, int64_t revision_to, ns_gitops_way *out)
{
	*out = (ns_gitops_way){"", "", "", "", ""};
	if (!ns_k8s_label_ok(o->ns) || !ns_k8s_subdomain_ok(o->name))
		return;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		const struct way *w = &ways[i];
		if (strcmp(w->kind, o->kind) || w->automatic != o->auto_sync)
			continue;
		out->compare = fill(ar, w->compare, o, target, revision_to);
		out->sync = fill(ar, w->sync, o, target, revision_to);
		bool argo = !strcmp(o->kind, "Application");
		bool names = ns_k8s_label_ok(target->ns) && ns_k8s_subdomain_ok(target->name);
		if ((argo && !o->has_target) || (w->by_revision && (revision_to <= 0 || !names)))
			return;
		out->rollback = fill(ar, w->rollback, o, target, revision_to);
		out->equivalent = fill(ar, w->equivalent, o, target, revision_to);
		out->restore = fill(ar, w->restore, o, target, revision_to);
		return;
	}
}
