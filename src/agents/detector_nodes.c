/* Nodes. What is wrong with one is one incident of the node, with its pods as members: what those pods say of themselves meanwhile is of the
 * past, and what their owners lack because of it is a consequence. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

/* Somebody is taking it away on purpose. */
static const char *const leaving_taints[] = {"ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption",
    "node.cloudprovider.kubernetes.io/shutdown", NULL};

/* In order of weight. */
static const char *const pressures[] = {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable", NULL};

static int64_t time_of(const cJSON *j, const char *path)
{
	int64_t t = 0;
	const char *s = ns_json_str(j, path, "");
	return *s && ns_time_parse(s, &t) ? t : 0;
}

static const char *copy(char **at, const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *to = *at;
	memcpy(to, s, n);
	*at += n + 1;
	return to;
}

dt_node *dt_decode_node(const cJSON *j)
{
	enum { MAX_MESSAGE = 300 };
	const char *text[6] = {ns_json_str(j, "metadata.name", ""), ns_json_str(j, "metadata.uid", ""), "", "", "", ""};
	dt_node n = {.cordoned = ns_json_bool_or(j, "spec.unschedulable", false), .leaving = *ns_json_str(j, "metadata.deletionTimestamp", "") != '\0',
	    .created_ms = time_of(j, "metadata.creationTimestamp")};
	int worst = -1;
	if (!*text[0])
		return NULL;
	ns_json_each(t, ns_json_path(j, "spec.taints"))
		n.leaving |= ns_listed(ns_json_str(t, "key", ""), leaving_taints);
	ns_json_each(k, ns_json_path(j, "status.conditions"))
	{
		const char *type = ns_json_str(k, "type", "");
		bool yes = strcmp(ns_json_str(k, "status", ""), "True") == 0;
		if (strcmp(type, "Ready") == 0) {
			n.ready = yes;
			n.answers = yes || strcmp(ns_json_str(k, "status", ""), "False") == 0;
			n.since_ms = time_of(k, "lastTransitionTime");
			text[2] = ns_json_str(k, "reason", "");
			text[3] = ns_json_str(k, "message", "");
		}
		for (int i = 0; yes && pressures[i]; i++)
			if (strcmp(type, pressures[i]) == 0 && (worst < 0 || i < worst)) {
				worst = i;
				text[4] = pressures[i];
				text[5] = ns_json_str(k, "message", "");
			}
	}
	size_t size = sizeof n;
	for (int i = 0; i < 6; i++)
		size += strnlen(text[i], MAX_MESSAGE) + 1;
	dt_node *out = ns_xcalloc(1, size);
	char *at = (char *)(out + 1);
	*out = n;
	const char **const to[] = {&out->key, &out->uid, &out->reason, &out->message, &out->trouble, &out->trouble_message};
	for (int i = 0; i < 6; i++)
		*to[i] = copy(&at, text[i], MAX_MESSAGE);
	return out;
}

const dt_node *dt_node_of(const ns_detector *d, const char *name)
{
	return *name ? dt_tab_get(&d->nodes, name) : NULL;
}

bool dt_node_lost(const dt_node *n, int64_t wall, int64_t *until)
{
	enum { CORDONED_MS = 15 * 60000 }; /* drained and restarted by somebody */
	int64_t joined = n->created_ms + DT_JOINING_MS, back = n->cordoned ? n->since_ms + CORDONED_MS : 0, from = joined > back ? joined : back;
	bool meant = n->ready || n->leaving;
	if (until)
		*until = !meant && wall < from ? from : 0;
	return !meant && wall >= from;
}

bool dt_adrift(const ns_detector *d, const dt_pod *p)
{
	const dt_node *n = d->n_down ? dt_node_of(d, p->node) : NULL;
	return n && !n->ready;
}

size_t dt_pods_on(const dt_node *n, const ns_detector *d, ns_arena *ar, const char *const **names, size_t max)
{
	const char **at = ns_arena_alloc(ar, (max + 1) * sizeof *at);
	size_t count = 0;
	dt_each(dt_pod, p, &d->pods)
		if (count < max && strcmp(p->node, n->key) == 0 && p->phase != DT_DONE && p->phase != DT_FAILED)
			at[count++] = ns_arena_printf(ar, "%s/%s", p->ns, p->name);
	*names = at;
	return count;
}

/* Their owners are looked at anew: they are judged by what stands on nodes that answer. */
static void mark_pods_on(ns_detector *d, const char *name)
{
	dt_each(dt_pod, p, &d->pods)
		if (strcmp(p->node, name) == 0)
			dt_mark(d, p->work);
}

static void follow(ns_detector *d, dt_node *n, dt_work *old)
{
	bool wrong = !n->ready || *n->trouble;
	if (!wrong && !old)
		return;
	dt_work *w = old ? old : dt_work_get(d, "", "Node", n->key);
	ns_copy(w->uid, sizeof w->uid, n->uid);
	w->node = wrong ? n : NULL;
	n->work = wrong ? w : NULL;
	dt_mark(d, w);
}

void dt_put_node(ns_detector *d, dt_node *n)
{
	dt_node *old = dt_tab_get(&d->nodes, n->key);
	bool was_down = old && !old->ready;
	/* By its own clock, which may be ahead of ours. */
	int64_t wall = ns_clock_wall_ms(d->clock);
	if (n->since_ms > wall)
		n->since_ms = was_down == !n->ready && old ? old->since_ms : wall;
	dt_tab_put(&d->nodes, n);
	d->n_down += (size_t)!n->ready - (size_t)was_down;
	follow(d, n, old ? old->work : NULL);
	if (was_down == n->ready)
		mark_pods_on(d, n->key);
	free(old);
}

void dt_drop_node(ns_detector *d, const char *name)
{
	dt_node *old = dt_tab_del(&d->nodes, name);
	if (!old)
		return;
	d->n_down -= !old->ready;
	if (old->work) {
		old->work->node = NULL;
		dt_mark(d, old->work);
	}
	if (!old->ready)
		mark_pods_on(d, name);
	free(old);
}
