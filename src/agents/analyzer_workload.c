/* The target itself: what it is, who owns it, how it stands, and which revisions it had. Owner links are confirmed from above (law 3; see
 * analyzer_proof.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/base/text.h"

static const struct {
	const char *kind, *api, *plural;
	bool cluster; /* it is in no namespace */
} paths[] = {
    {"Deployment", "/apis/apps/v1", "deployments", false},
    {"StatefulSet", "/apis/apps/v1", "statefulsets", false},
    {"DaemonSet", "/apis/apps/v1", "daemonsets", false},
    {"ReplicaSet", "/apis/apps/v1", "replicasets", false},
    {"Job", "/apis/batch/v1", "jobs", false},
    {"CronJob", "/apis/batch/v1", "cronjobs", false},
    {"Pod", "/api/v1", "pods", false},
    {"PersistentVolumeClaim", "/api/v1", "persistentvolumeclaims", false},
    {"HorizontalPodAutoscaler", "/apis/autoscaling/v1", "horizontalpodautoscalers", false},
    {"Application", "/apis/argoproj.io/v1alpha1", "applications", false},
    {"Node", "/api/v1", "nodes", true},
};

/* Incidents of these stand by what the detector saw: a Secret is not read twice, and the others are no objects that say more. */
static const char *const unread[] = {"Secret", "Cluster", "Namespace", NULL};

const char *ns_collect_path(ns_arena *ar, const char *kind, const char *ns, const char *name)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (strcmp(paths[i].kind, kind))
			continue;
		ns_buf b = NS_BUF_INIT;
		ns_buf_puts(&b, paths[i].api);
		if (!paths[i].cluster) {
			ns_buf_puts(&b, "/namespaces/");
			ns_url_escape(&b, ns);
		}
		ns_buf_printf(&b, "/%s", paths[i].plural);
		if (*name) {
			ns_buf_putc(&b, '/');
			ns_url_escape(&b, name);
		}
		return ns_arena_take(ar, &b);
	}
	return "";
}

const char *ns_collect_selector(ns_arena *ar, const cJSON *selector)
{
	ns_buf b = NS_BUF_INIT, out = NS_BUF_INIT;
	ns_json_each(l, ns_json_get(selector, "matchLabels")) if (cJSON_IsString(l))
	    ns_buf_printf(&b, "%s%s=%s", b.len ? "," : "", l->string, l->valuestring);
	ns_json_each(e, ns_json_get(selector, "matchExpressions"))
	{
		const char *key = ns_json_str(e, "key", ""), *op = ns_json_str(e, "operator", "");
		if (!strcmp(op, "Exists") || !strcmp(op, "DoesNotExist")) {
			ns_buf_printf(&b, "%s%s%s", b.len ? "," : "", strcmp(op, "Exists") ? "!" : "", key);
			continue;
		}
		ns_buf_printf(&b, "%s%s %s (", b.len ? "," : "", key, strcmp(op, "In") ? "notin" : "in");
		bool first = true;
		ns_json_each(v, ns_json_get(e, "values"))
		{
			if (cJSON_IsString(v))
				ns_buf_printf(&b, "%s%s", first ? "" : ",", v->valuestring);
			first = false;
		}
		ns_buf_putc(&b, ')');
	}
	ns_url_escape(&out, ns_buf_str(&b));
	const char *text = ns_arena_strdup(ar, ns_buf_str(&out));
	ns_buf_free(&b);
	ns_buf_free(&out);
	return text;
}

cJSON *ns_template_plain(const cJSON *template)
{
	cJSON *t = cJSON_Duplicate(template, true);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(t, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(meta, "labels"), "pod-template-hash");
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "creationTimestamp"); /* always null; some servers leave it out */
	return t;
}

static const char *dotted(const cJSON *obj, const char *map, const char *key)
{
	const cJSON *v = ns_json_get(ns_json_path(obj, map), key);
	return cJSON_IsString(v) ? v->valuestring : "";
}

/* ---- how it stands ---- */

static void read_conditions(ns_collector *k)
{
	ns_case *c = k->c;
	ns_json_each(cond, ns_json_path(k->target, "status.conditions"))
	{
		const char *type = ns_json_str(cond, "type", ""), *status = ns_json_str(cond, "status", ""),
		           *reason = ns_json_str(cond, "reason", "");
		const char *message = ns_collect_clean(k, ns_json_str(cond, "message", ""), 400);
		bool progressing = !strcmp(type, "Progressing"), failure = !strcmp(type, "ReplicaFailure");
		if (progressing)
			c->cond_progressing_reason = ns_collect_clean(k, reason, 80);
		if (!strcmp(type, "Available"))
			c->cond_available_reason = ns_collect_clean(k, reason, 80);
		/* Why pods cannot be made outweighs that they are late. */
		if (failure || (!strcmp(status, "False") && !*c->cond_message))
			c->cond_message = message;
		ns_collect_add(k, NS_EV_CONDITION, true, ns_collect_time(cond, "lastTransitionTime"), "condition %s is %s, %s: %s", type,
		    status, reason, message);
	}
}

/* One row per kind: where the counts stand. Zero-valued counts are left out of the JSON. */
static const struct {
	const char *kind, *want, *ready, *updated, *available;
	int64_t want_default;
} counts[] = {
    {"Deployment", "spec.replicas", "status.readyReplicas", "status.updatedReplicas", "status.availableReplicas", 1},
    {"StatefulSet", "spec.replicas", "status.readyReplicas", "status.updatedReplicas", "status.availableReplicas", 1},
    {"ReplicaSet", "spec.replicas", "status.readyReplicas", "status.replicas", "status.availableReplicas", 1},
    {"DaemonSet", "status.desiredNumberScheduled", "status.numberReady", "status.updatedNumberScheduled", "status.numberAvailable", 0},
    {"Job", "spec.parallelism", "status.ready", "status.active", "status.succeeded", 1},
};

static void read_counts(ns_collector *k)
{
	ns_case *c = k->c;
	bool counted = !strcmp(c->alert.target.kind, "Pod");
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		if (!strcmp(counts[i].kind, c->alert.target.kind)) {
			counted = true;
			c->replicas = ns_json_int_or(k->target, counts[i].want, counts[i].want_default);
			c->ready = ns_json_int_or(k->target, counts[i].ready, 0);
			c->updated = ns_json_int_or(k->target, counts[i].updated, 0);
			c->available = ns_json_int_or(k->target, counts[i].available, 0);
		}
	if (!strcmp(c->alert.target.kind, "Pod")) {
		c->replicas = 1;
		ns_json_each(cond, ns_json_path(k->target, "status.conditions")) if (!strcmp(ns_json_str(cond, "type", ""), "Ready"))
		    c->ready = !strcmp(ns_json_str(cond, "status", ""), "True");
		c->updated = c->available = c->ready;
	}
	c->unavailable = c->replicas > c->available ? c->replicas - c->available : 0;
	if (!counted)
		return;
	ns_collect_add(k, NS_EV_STATUS, true, c->taken_ms, "%s %s/%s: %lld of %lld ready, %lld updated, %lld available%s",
	    c->alert.target.kind, c->alert.target.ns, c->alert.target.name, (long long)c->ready, (long long)c->replicas,
	    (long long)c->updated, (long long)c->available, c->paused ? ", paused" : "");
	if (!c->replicas && !strcmp(c->alert.target.kind, "Deployment"))
		ns_collect_add(k, NS_EV_NOTE, true, c->taken_ms, "it was scaled to zero");
}

/* What else of its object tells how it stands. */
static const struct {
	const char *kind, *path, *words;
} details[] = {
    {"PersistentVolumeClaim", "status.phase", "its phase is %s"},
    {"PersistentVolumeClaim", "spec.storageClassName", "it asks for storage class %s"},
    {"PersistentVolumeClaim", "spec.resources.requests.storage", "it asks for %s"},
    {"Node", "spec.unschedulable", "cordoned: %s"},
    {"Node", "status.nodeInfo.kubeletVersion", "its kubelet is %s"},
    {"CronJob", "spec.schedule", "its schedule is %s"},
    {"CronJob", "status.lastScheduleTime", "it last ran at %s"},
    {"CronJob", "spec.concurrencyPolicy", "its concurrency policy is %s"},
    {"Job", "spec.backoffLimit", "it is tried again at most %s times"},
    {"Job", "status.failed", "%s of its pods failed"},
    {"HorizontalPodAutoscaler", "spec.scaleTargetRef.name", "it scales %s"},
    {"HorizontalPodAutoscaler", "spec.maxReplicas", "its maximum is %s"},
    {"HorizontalPodAutoscaler", "status.desiredReplicas", "it wants %s replicas"},
    {"Application", "status.sync.status", "its sync status is %s"},
    {"Application", "status.health.status", "its health is %s"},
    {"Application", "status.operationState.phase", "its last operation %s"},
    {"Application", "status.operationState.message", "its last operation says: %s"},
    {"Application", "spec.source.repoURL", "its source is %s"},
};

static void read_details(ns_collector *k)
{
	for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
		char text[400], value[320] = "";
		if (strcmp(details[i].kind, k->a->target.kind))
			continue;
		const cJSON *v = ns_json_path(k->target, details[i].path);
		if (v && cJSON_IsString(v))
			ns_copy(value, sizeof value, v->valuestring);
		else if (v && cJSON_IsNumber(v))
			snprintf(value, sizeof value, "%.0f", v->valuedouble);
		else if (cJSON_IsBool(v))
			ns_copy(value, sizeof value, cJSON_IsTrue(v) ? "yes" : "no");
		const char *at = strstr(details[i].words, "%s");
		if (!*value)
			continue;
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - details[i].words), details[i].words, value, at + 2);
		ns_collect_add(k, NS_EV_STATUS, true, k->c->taken_ms, "%s", text);
	}
}

bool ns_collect_target(ns_collector *k, ns_err *err)
{
	ns_case *c = k->c;
	const ns_workload *w = &k->a->target;
	const char *path = ns_collect_path(k->ar, w->kind, w->ns, w->name);
	ns_code code = NS_OK;
	if (ns_listed(w->kind, unread)) {
		k->c->found = true;
		return true;
	}
	if (!*path || !*w->name || (!*w->ns && strstr(path, "/namespaces/"))) {
		ns_collect_add(
		    k, NS_EV_NOTE, true, 0, "a %s is not a workload that is read here", *w->kind ? w->kind : "thing without a kind");
		return true;
	}
	k->target = ns_collect_get(k, path, "the workload", &code);
	if (k->gone || code == NS_E_TIMEOUT) {
		if (err)
			*err = k->gone ? k->err : (ns_err){.code = code, .text = "the API server did not answer in time"};
		return ns_err_wrap(err, "collecting evidence of %s/%s", w->ns, w->name);
	}
	if (!k->target) {
		/* Not being allowed to look is not the same as being gone. */
		c->found = code != NS_E_NOTFOUND;
		return true;
	}
	const char *uid = ns_json_str(k->target, "metadata.uid", "");
	if (*w->uid && strcmp(w->uid, uid))
		return ns_fail(
		    err, NS_E_CONFLICT, "%s %s/%s is another object now (uid %.64s, alerted %.64s)", w->kind, w->ns, w->name, uid, w->uid);
	c->found = true;
	c->alert.target.uid = ns_arena_strdup(k->ar, uid);
	c->api_version = ns_arena_strdup(k->ar, ns_json_str(k->target, "apiVersion", ""));
	c->resource_version = ns_arena_strdup(k->ar, ns_json_str(k->target, "metadata.resourceVersion", ""));
	c->generation = ns_json_int_or(k->target, "metadata.generation", 0);
	c->observed_generation = ns_json_int_or(k->target, "status.observedGeneration", c->generation);
	c->paused = ns_json_bool_or(k->target, "spec.paused", false);
	ns_collect_add(k, NS_EV_OWNER, true, ns_collect_time(k->target, "metadata.creationTimestamp"),
	    "the workload is %s %s/%s, uid %s, generation %lld", w->kind, w->ns, w->name, uid, (long long)c->generation);
	read_counts(k);
	read_details(k);
	read_conditions(k);
	ns_collect_manager(k);
	return true;
}

/* ---- surroundings ---- */

static const char *const default_nonprod[] = {"environment=dev", "environment=test", "environment=staging", "environment=qa",
    "environment=sandbox", "env=dev", "env=test", "env=staging", "env=qa", "env=sandbox", NULL};

static bool labelled(const cJSON *obj, const char *pair)
{
	char key[320];
	const char *eq = strchr(pair, '=');
	if (!eq || (size_t)(eq - pair) >= sizeof key)
		return false;
	memcpy(key, pair, (size_t)(eq - pair));
	key[eq - pair] = 0;
	return !strcmp(dotted(obj, "metadata.labels", key), eq + 1);
}

void ns_collect_surroundings(ns_collector *k)
{
	ns_case *c = k->c;
	ns_buf path = NS_BUF_INIT;
	if (!*c->alert.target.ns)
		return; /* a node is in none, and nothing scales it */
	ns_buf_puts(&path, "/api/v1/namespaces/");
	ns_url_escape(&path, c->alert.target.ns);
	cJSON *space = ns_collect_get(k, path.data, "the namespace", NULL);
	const char *const *pairs = k->o->nonprod_labels ? k->o->nonprod_labels : default_nonprod;
	for (; *pairs; pairs++) {
		bool here = labelled(k->target, *pairs), there = labelled(space, *pairs);
		if ((here || there) && !c->nonproduction) {
			c->nonproduction = true;
			ns_collect_add(
			    k, NS_EV_OWNER, true, 0, "non-production: label %s on the %s", *pairs, here ? "workload" : "namespace");
		}
	}
	cJSON_Delete(space);
	ns_buf_free(&path);
}

/* ---- revisions ---- */

static int64_t revision_of(const cJSON *obj)
{
	return strtoll(dotted(obj, "metadata.annotations", "deployment.kubernetes.io/revision"), NULL, 10);
}

static int newest_first(const void *a, const void *b)
{
	const ns_revision *x = a, *y = b;
	return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

/* Was it the serving one? Its pods are ready now; or it stood longer than its progress deadline before the next one came. A revision during
 * which an older one was kept running never became available: the controller takes the old one down only then. Unknown is no. */
static void judge_health(ns_collector *k)
{
	ns_case *c = k->c;
	int64_t deadline = ns_json_int_or(k->target, "spec.progressDeadlineSeconds", 600) * 1000;
	for (size_t i = 0; i < c->n_revisions; i++) {
		ns_revision *r = &c->revisions[i];
		if (r->current) {
			const char *name = r->replicaset;
			bool progressed = false;
			ns_json_each(cond, ns_json_path(k->target, "status.conditions")) progressed |=
			    !strcmp(ns_json_str(cond, "reason", ""), "NewReplicaSetAvailable") &&
			    strstr(ns_json_str(cond, "message", ""), name);
			r->was_healthy = progressed || (c->replicas > 0 && r->ready >= c->replicas);
			continue;
		}
		bool older_kept = false;
		int64_t replaced = 0;
		for (size_t n = 0; n < c->n_revisions; n++) {
			const ns_revision *x = &c->revisions[n];
			older_kept |= x->number < r->number && x->replicas > 0;
			if (x->number > r->number && x->created_ms > r->created_ms && (!replaced || x->created_ms < replaced))
				replaced = x->created_ms;
		}
		r->was_healthy = r->ready > 0 || (!older_kept && replaced && r->created_ms && replaced - r->created_ms > deadline);
	}
}

static void add_revision(ns_collector *k, const cJSON *rs, const cJSON *now)
{
	ns_case *c = k->c;
	ns_revision *r = &c->revisions[c->n_revisions++];
	cJSON *t = ns_template_plain(ns_json_path(rs, "spec.template"));
	ns_buf text = NS_BUF_INIT;
	ns_json_canonical(t, &text);
	bool safe = true;
	*r = (ns_revision){.number = revision_of(rs),
	    .replicaset = ns_arena_strdup(k->ar, ns_json_str(rs, "metadata.name", "")),
	    .uid = ns_arena_strdup(k->ar, ns_json_str(rs, "metadata.uid", "")),
	    .created_ms = ns_collect_time(rs, "metadata.creationTimestamp"),
	    .replicas = ns_json_int_or(rs, "spec.replicas", 1),
	    .ready = ns_json_int_or(rs, "status.readyReplicas", 0),
	    .template_json = ns_arena_strdup(k->ar, ns_buf_str(&text))};
	r->changes = ns_template_changes(k->ar, t, now, &safe);
	r->only_safe_fields = safe;
	ns_buf_free(&text);
	cJSON_Delete(t);
}

static const cJSON *replicaset_of(const ns_collector *k, const ns_revision *r)
{
	ns_json_each(rs, ns_json_get(k->replicasets, "items")) if (!strcmp(ns_json_str(rs, "metadata.uid", ""), r->uid)) return rs;
	return NULL;
}

/* Its template was rolled out before and was gone back to: the ReplicaSet is older than its revision. */
static bool reused(const ns_revision *r, void *collector)
{
	return *dotted(replicaset_of(collector, r), "metadata.annotations", "deployment.kubernetes.io/revision-history") != 0;
}

static void tell_revisions(ns_collector *k)
{
	ns_case *c = k->c;
	for (size_t i = 0; i < c->n_revisions && i < 4; i++) {
		const ns_revision *r = &c->revisions[i];
		char at[32] = "?";
		if (r->created_ms)
			ns_time_format(r->created_ms, at);
		ns_collect_add(k, NS_EV_ROLLOUT, true, r->created_ms, "revision %lld (%s): %lld replicas, %lld ready, made %s, %s%s%s%s",
		    (long long)r->number, r->replicaset, (long long)r->replicas, (long long)r->ready, at, r->current ? "current, " : "",
		    r->was_healthy ? "was healthy" : "not seen healthy", *r->changes ? "; changed since: " : "", r->changes);
	}
}

void ns_collect_history(ns_collector *k)
{
	ns_case *c = k->c;
	if (strcmp(c->alert.target.kind, "Deployment") || !k->target)
		return;
	const char *sel = ns_collect_selector(k->ar, ns_json_path(k->target, "spec.selector"));
	if (!*sel)
		return;
	k->replicasets = ns_collect_get(k,
	    ns_arena_printf(k->ar, "%s?limit=500&labelSelector=%s", ns_collect_path(k->ar, "ReplicaSet", c->alert.target.ns, ""), sel),
	    "ReplicaSets", NULL);
	const cJSON *items = ns_json_get(k->replicasets, "items");
	cJSON *now = ns_template_plain(ns_json_path(k->target, "spec.template"));
	c->revisions = ns_arena_alloc(k->ar, (ns_json_len(items) + 1) * sizeof *c->revisions);
	size_t foreign = 0;
	ns_json_each(rs, items)
	{
		if (ns_replicaset_own(k->target, rs))
			add_revision(k, rs, now);
		else
			foreign++;
	}
	ns_buf text = NS_BUF_INIT;
	ns_json_canonical(now, &text);
	foreign += ns_revisions_settle(c, ns_buf_str(&text), reused, k);
	ns_buf_free(&text);
	cJSON_Delete(now);
	qsort(c->revisions, c->n_revisions, sizeof *c->revisions, newest_first);
	judge_health(k);
	if (c->n_revisions > NS_COLLECT_REVISIONS)
		c->n_revisions = NS_COLLECT_REVISIONS;
	for (size_t i = 0; i < c->n_revisions; i++)
		if (c->revisions[i].current && reused(&c->revisions[i], k))
			c->revisions[i].created_ms = 0;
	tell_revisions(k);
	if (foreign)
		ns_collect_add(k, NS_EV_NOTE, true, 0, "%zu ReplicaSets match its selector but are not its own", foreign);
}
