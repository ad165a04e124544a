/* What else bounds a change of the target: autoscalers, LimitRanges, quotas, disruption budgets. A Deployment's own dry-run does not know of
 * them: they act on its pods, later. One row each; what may not be read is named, so that nobody takes silence for "there is none". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/base/buf.h"
#include "neuroscale/model/k8s.h"

static bool targets(const ns_collector *k, const cJSON *o, const char *ref)
{
	const cJSON *r = ns_json_path(o, ref);
	const ns_workload *w = &k->c->alert.target;
	return !strcmp(ns_json_str(r, "kind", ""), w->kind) && !strcmp(ns_json_str(r, "name", ""), w->name);
}

static void read_autoscaler(ns_collector *k, const cJSON *h)
{
	if (!targets(k, h, "spec.scaleTargetRef"))
		return;
	k->c->has_hpa = true;
	ns_collect_add(k, NS_EV_OWNER, true, 0, "autoscaler %s owns its replica count (%lld to %lld, now %lld)",
	    ns_json_str(h, "metadata.name", ""), (long long)ns_json_int_or(h, "spec.minReplicas", 1),
	    (long long)ns_json_int_or(h, "spec.maxReplicas", 0), (long long)ns_json_int_or(h, "status.currentReplicas", 0));
}

/* One that only recommends ("Off") changes nothing. */
static void read_vertical(ns_collector *k, const cJSON *v)
{
	const char *mode = ns_json_str(v, "spec.updatePolicy.updateMode", "Auto");
	if (!targets(k, v, "spec.targetRef") || !strcmp(mode, "Off"))
		return;
	k->c->has_vpa = true;
	ns_collect_add(k, NS_EV_OWNER, true, 0, "vertical autoscaler %s sets the resources of its pods (mode %s)",
	    ns_json_str(v, "metadata.name", ""), mode);
}

static int64_t bytes_of(const cJSON *map, const char *key)
{
	const cJSON *q = ns_json_get(map, key);
	int64_t v = 0;
	return cJSON_IsString(q) && ns_quantity_bytes(q->valuestring, &v) ? v : -1;
}

static void keep_least(int64_t *have, int64_t v)
{
	if (v > 0 && (!*have || v < *have))
		*have = v;
}

static void read_limit_range(ns_collector *k, const cJSON *r)
{
	ns_json_each(item, ns_json_path(r, "spec.limits"))
	{
		const char *type = ns_json_str(item, "type", "");
		int64_t most = bytes_of(ns_json_get(item, "max"), "memory");
		bool pod = !strcmp(type, "Pod");
		if (most <= 0 || (!pod && strcmp(type, "Container")))
			continue;
		keep_least(pod ? &k->c->pod_mem_max : &k->c->container_mem_max, most);
		char text[32];
		ns_quantity_format_bytes(most, text);
		ns_collect_add(k, NS_EV_RESOURCES, true, 0, "LimitRange %s allows a %s at most %s of memory", ns_json_str(r, "metadata.name", ""),
		    pod ? "pod" : "container", text);
	}
}

/* A quota with scopes may or may not count these pods; taking it to do so errs on the side of asking. */
static void read_quota(ns_collector *k, const cJSON *q)
{
	static const struct {
		const char *key;
		bool request;
	} keys[] = {{"limits.memory", false}, {"requests.memory", true}, {"memory", true}};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		int64_t hard = bytes_of(ns_json_path(q, "status.hard"), keys[i].key), used = bytes_of(ns_json_path(q, "status.used"), keys[i].key);
		if (hard < 0)
			hard = bytes_of(ns_json_path(q, "spec.hard"), keys[i].key);
		if (hard < 0)
			continue;
		int64_t left = hard > used && used >= 0 ? hard - used : used < 0 ? hard : 0;
		int64_t *have = keys[i].request ? &k->c->quota_request_left : &k->c->quota_limit_left;
		if (*have < 0 || left < *have) {
			*have = left;
			k->c->quota = ns_arena_strdup(k->ar, ns_json_str(q, "metadata.name", ""));
		}
		char text[32];
		ns_quantity_format_bytes(left, text);
		ns_collect_add(k, NS_EV_RESOURCES, true, 0, "quota %s leaves %s of %s", ns_json_str(q, "metadata.name", ""), text, keys[i].key);
	}
}

/* Does every pair of the budget's selector stand in the labels of the target's own template? An empty one selects all. */
static bool selects(const ns_collector *k, const cJSON *selector)
{
	const cJSON *labels = ns_json_path(k->target, "spec.template.metadata.labels");
	if (ns_json_len(ns_json_get(selector, "matchExpressions")))
		return true; /* taken to match: a floor too high harms nobody */
	ns_json_each(w, ns_json_get(selector, "matchLabels"))
	{
		const cJSON *have = ns_json_get(labels, w->string);
		if (!cJSON_IsString(w) || !cJSON_IsString(have) || strcmp(w->valuestring, have->valuestring))
			return false;
	}
	return cJSON_IsObject(selector);
}

/* A share (a percentage, or maxUnavailable) goes along with the replica count; a number does not. */
static void read_budget(ns_collector *k, const cJSON *b)
{
	const cJSON *min = ns_json_path(b, "spec.minAvailable");
	if (!cJSON_IsNumber(min) || min->valuedouble < 1 || min->valuedouble > 1e6 || !selects(k, ns_json_path(b, "spec.selector")))
		return;
	if ((int64_t)min->valuedouble > k->c->pdb_min_available)
		k->c->pdb_min_available = (int64_t)min->valuedouble;
	ns_collect_add(k, NS_EV_OWNER, true, 0, "disruption budget %s wants %lld of its pods available", ns_json_str(b, "metadata.name", ""),
	    (long long)min->valuedouble);
}

static bool always(const ns_collector *k)
{
	return true;
}
static bool memory_may_change(const ns_collector *k)
{
	return k->a->kind == NS_KIND_OOM_KILLED;
}
static bool replicas_may_fall(const ns_collector *k)
{
	return k->a->kind == NS_KIND_COST_SPIKE;
}

typedef struct bound {
	const char *what;
	const char *paths[2]; /* of the namespace's list, newest version first; with %s for the namespace */
	bool (*wanted)(const ns_collector *k);
	void (*read)(ns_collector *k, const cJSON *item);
} bound;
static const bound bounds[] = {
    {"autoscalers", {"/apis/autoscaling/v2/namespaces/%s/horizontalpodautoscalers", "/apis/autoscaling/v1/namespaces/%s/horizontalpodautoscalers"},
        always, read_autoscaler},
    {"vertical autoscalers", {"/apis/autoscaling.k8s.io/v1/namespaces/%s/verticalpodautoscalers", NULL}, memory_may_change, read_vertical},
    {"LimitRanges", {"/api/v1/namespaces/%s/limitranges", NULL}, memory_may_change, read_limit_range},
    {"quotas", {"/api/v1/namespaces/%s/resourcequotas", NULL}, memory_may_change, read_quota},
    {"disruption budgets", {"/apis/policy/v1/namespaces/%s/poddisruptionbudgets", "/apis/policy/v1beta1/namespaces/%s/poddisruptionbudgets"},
        replicas_may_fall, read_budget},
};

static cJSON *list_of(ns_collector *k, const bound *b, const char *ns, ns_code *code)
{
	cJSON *list = NULL;
	*code = NS_E_NOTFOUND;
	for (size_t i = 0; i < 2 && b->paths[i] && !list && *code == NS_E_NOTFOUND && !k->gone; i++) {
		ns_buf path = NS_BUF_INIT;
		const char *hole = strstr(b->paths[i], "%s");
		ns_buf_put(&path, b->paths[i], (size_t)(hole - b->paths[i]));
		ns_url_escape(&path, ns);
		ns_buf_printf(&path, "%s?limit=500", hole + 2);
		*code = NS_OK;
		list = ns_collect_get(k, ns_buf_str(&path), NULL, code);
		ns_buf_free(&path);
	}
	return list;
}

/* How many pods more than its replicas a rollout of it may have at a time. */
static int64_t surge(const ns_collector *k)
{
	const cJSON *most = ns_json_path(k->target, "spec.strategy.rollingUpdate.maxSurge");
	int64_t percent = 25;
	if (!strcmp(ns_json_str(k->target, "spec.strategy.type", ""), "Recreate"))
		return 0;
	if (cJSON_IsNumber(most))
		return most->valuedouble > 0 && most->valuedouble < 1e6 ? (int64_t)most->valuedouble : 0;
	if (cJSON_IsString(most))
		percent = strtoll(most->valuestring, NULL, 10);
	if (percent < 0 || percent > 1000)
		percent = 25;
	return (k->c->replicas * percent + 99) / 100;
}

void ns_collect_bounds(ns_collector *k)
{
	ns_case *c = k->c;
	ns_buf unread = NS_BUF_INIT;
	c->surge = surge(k);
	c->quota_limit_left = c->quota_request_left = -1;
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		ns_code code = NS_OK;
		if (!bounds[i].wanted(k))
			continue;
		cJSON *list = list_of(k, &bounds[i], c->alert.target.ns, &code);
		if (!list && code != NS_E_NOTFOUND) /* a kind that is not served has no objects */
			ns_buf_printf(&unread, "%s%s", unread.len ? ", " : "", bounds[i].what);
		ns_json_each(item, ns_json_get(list, "items")) bounds[i].read(k, item);
		cJSON_Delete(list);
	}
	if (unread.len) {
		c->unread = ns_arena_strdup(k->ar, ns_buf_str(&unread));
		ns_collect_add(k, NS_EV_NOTE, true, 0, "%s could not be read", c->unread);
	}
	ns_buf_free(&unread);
}
