/* Did a change do harm? What fails since it took effect and did not before: the workload itself in another way, or its neighbours that had
 * to make room. Only the detector's own findings count; what another system says never decides (law 3). */
#include "undo_priv.h"
#include <stdio.h>
#include <string.h>

enum { MAX_NEW = 64 };

/* Which kinds of failure a change can cause, and when. */
static const struct {
	ns_kind kind;
	bool rollout; /* it shows while the new instances come up: counted before the old ones are gone, too */
	bool room;    /* others have it when one takes more */
} kinds[] = {
    {NS_KIND_OOM_KILLED, false, false},
    {NS_KIND_POD_CRASHLOOP, false, false},
    {NS_KIND_PROBE_FAILURE, false, false},
    {NS_KIND_IMAGE_PULL, true, false},
    {NS_KIND_CONFIG_ERROR, true, false},
    {NS_KIND_DEPLOYMENT_STALLED, true, false},
    {NS_KIND_UNSCHEDULABLE, true, true},
    {NS_KIND_EVICTED, false, true},
};

static int row_of(ns_kind k)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].kind == k)
			return (int)i;
	return -1;
}

static bool same_workload(const ns_workload *a, const ns_workload *b)
{
	return strcmp(a->ns, b->ns) == 0 && strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0;
}

/* A raise of memory or replicas takes room on the nodes. */
static bool takes_room(ns_engine *e, ns_arena *ar, int64_t incident)
{
	ns_capsule c;
	ns_action a = ns_store_capsule_of(e->store, ar, incident, &c, NULL) ? ns_action_parse(c.action, NULL) : NS_ACT_MANUAL_REVIEW;
	return a == NS_ACT_PATCH_RESOURCES || a == NS_ACT_SCALE;
}

bool ns_regression(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_verify_state *v, char *why, size_t cap, const char **around)
{
	ns_incident *list;
	size_t n;
	*around = "";
	if (!ns_store_incidents_after(e->store, ar, inc->target.cluster, v->started_ms, MAX_NEW, &list, &n, NULL))
		return false; /* a store that cannot be read is asked again in a second */
	for (size_t i = 0; i < n; i++) {
		const ns_incident *x = &list[i];
		int k = row_of(x->kind);
		bool settled = v->settled_ms && x->opened_ms > v->settled_ms;
		/* What recovered by itself was no harm. */
		if (x->id == inc->id || k < 0 || x->state == NS_ST_WITHDRAWN || (!settled && !kinds[k].rollout))
			continue;
		if (same_workload(&x->target, &inc->target)) {
			snprintf(why, cap, "it fails in another way since the change: %s (#%lld)", ns_kind_get(x->kind)->title,
			    (long long)x->id);
			return true;
		}
		bool near = strcmp(x->target.ns, inc->target.ns) == 0, room = kinds[k].room && takes_room(e, ar, inc->id);
		if (near && room) {
			snprintf(why, cap, "since the change took more room %s/%s has none: %s (#%lld)", x->target.ns, x->target.name,
			    ns_kind_get(x->kind)->title, (long long)x->id);
			return true;
		}
		if (near || room) /* it may have its own reasons */
			*around = ns_arena_printf(ar, "%s; %s/%s failed since (#%lld): see whether it has to do with it", *around,
			    x->target.ns, x->target.name, (long long)x->id);
	}
	return false;
}
