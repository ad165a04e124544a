/* From an alert to the detector of its cluster. Most labels name an object, and the detector looks that up. Some only hint at a workload:
 * those count where the watch knows exactly one that fits. */
#include <string.h>

#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/base/text.h"

typedef struct guess {
	ns_detector *d;
	ns_external *x;
	size_t found;
} guess;

static bool there(const guess *g, const char *kind, const char *name)
{
	char uid[65];
	return *name && ns_detector_workload_uid(g->d, g->x->ns, kind, name, uid);
}

/* Of the kinds that run for good, those that have one of that name. */
static void by_name(guess *g, const char *name)
{
	if (there(g, "Deployment", name)) {
		g->x->deployment = name;
		g->found++;
	}
	if (there(g, "StatefulSet", name)) {
		g->x->statefulset = name;
		g->found++;
	}
	if (there(g, "DaemonSet", name)) {
		g->x->daemonset = name;
		g->found++;
	}
}

/* A StatefulSet's claims are called TEMPLATE-SET-ORDINAL, and all three may have dashes. */
static void by_claim(guess *g, ns_arena *ar, const char *claim)
{
	const char *end = strrchr(claim, '-');
	if (!end || !end[1] || strspn(end + 1, "0123456789") != strlen(end + 1))
		return;
	for (const char *dash = strchr(claim, '-'); dash && dash < end; dash = strchr(dash + 1, '-')) {
		const char *set = ns_arena_strndup(ar, dash + 1, (size_t)(end - dash - 1));
		if (there(g, "StatefulSet", set)) {
			g->x->statefulset = set;
			g->found++;
		}
	}
}

bool ns_am_tell(ns_detector *d, const ns_am_alert *a, ns_err *err)
{
	const ns_am_subject *s = &a->about;
	ns_external x = {.source = "alertmanager",
	    .fingerprint = a->fingerprint,
	    .resolved = a->resolved,
	    .ns = s->ns,
	    .pod = s->pod,
	    .container = s->container,
	    .deployment = s->deployment,
	    .statefulset = s->statefulset,
	    .daemonset = s->daemonset,
	    .replicaset = s->replicaset,
	    .job = s->job,
	    .cronjob = s->cronjob,
	    .node = s->node,
	    .title = a->name,
	    .message = a->message,
	    .severity = a->severity,
	    .starts_ms = a->starts_ms,
	    .ends_ms = a->ends_ms,
	    .expires_ms = a->expires_ms};
	bool named = *s->pod || *s->deployment || *s->statefulset || *s->daemonset || *s->replicaset || *s->job || *s->cronjob || *s->node;
	if (a->resolved || named || !(*s->hpa || *s->pvc || *s->app))
		return ns_detector_external(d, &x, err);
	ns_link link;
	ns_detector_link(d, &link);
	if (!link.synced)
		return ns_fail(err, NS_E_BUSY, "the cluster is not listed yet");
	guess g = {.d = d, .x = &x};
	ns_arena *ar = ns_arena_new();
	by_claim(&g, ar, s->pvc);
	by_name(&g, s->hpa);
	if (!*s->pvc && !*s->hpa)
		by_name(&g, s->app);
	if (g.found != 1)
		x.deployment = x.statefulset = x.daemonset = "";
	bool ok = ns_detector_external(d, &x, err);
	ns_arena_free(ar);
	return ok;
}
