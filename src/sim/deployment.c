/* The Deployment controller: one ReplicaSet per template, a rolling update between them, revisions, conditions, the progress deadline. */
#include "sim_priv.h"
#include <stdlib.h>
#include <string.h>

static const char revision_key[] = "deployment.kubernetes.io/revision";

/* An IntOrString: 2, or "25%". What is neither counts as the default. */
static int percent(const cJSON *v, int replicas, bool up, int dflt)
{
	if (cJSON_IsNumber(v))
		return v->valueint;
	char *end = NULL;
	long pct = cJSON_IsString(v) ? strtol(v->valuestring, &end, 10) : dflt;
	if (end && (end == v->valuestring || strcmp(end, "%") != 0 || pct < 0 || pct > 100))
		pct = dflt;
	return (replicas * (int)pct + (up ? 99 : 0)) / 100;
}

static void deployment_max(const cJSON *spec, int replicas, int *surge, int *unavailable)
{
	const cJSON *ru = ns_json_path(spec, "strategy.rollingUpdate");
	*surge = percent(ns_json_get(ru, "maxSurge"), replicas, true, 25);
	*unavailable = percent(ns_json_get(ru, "maxUnavailable"), replicas, false, 25);
	if (*surge == 0 && *unavailable == 0)
		*unavailable = 1;
}

static void put_deployment(ns_sim *s, sim_wl *wl)
{
	world_put(s, K_DEPLOYMENT, wl->dep->j);
	wl->sync_ms = s->cluster.now;
}

static void bump_generation(sim_wl *wl)
{
	cJSON *meta = json_obj(wl->dep->j, "metadata");
	json_set(meta, "generation", cJSON_CreateNumber((double)ns_json_int_or(meta, "generation", 0) + 1));
}

void deployment_roll(ns_sim *s, sim_wl *wl, const sim_rev *r)
{
	cJSON *spec = json_obj(wl->dep->j, "spec");
	json_set(spec, "template", template_new(s, wl->work, r));
	if (r->cause)
		json_set(json_child(json_obj(wl->dep->j, "metadata"), "annotations"), "kubernetes.io/change-cause",
		    cJSON_CreateString(r->cause));
	bump_generation(wl);
	put_deployment(s, wl);
}

void deployment_scale(ns_sim *s, sim_wl *wl, int replicas)
{
	json_set(json_obj(wl->dep->j, "spec"), "replicas", cJSON_CreateNumber(replicas));
	bump_generation(wl);
	put_deployment(s, wl);
}

/* ---- conditions ---- */

typedef struct cond {
	const char *type, *status, *reason;
	char message[400];
} cond;

/* lastTransitionTime moves with the status, lastUpdateTime with anything, or to updated_ms where that is known. */
static void put_condition(const ns_sim *s, cJSON *list, const cJSON *old_list, const cond *c, int64_t updated_ms)
{
	char now[32], updated[32];
	sim_stamp(s, s->cluster.now, now);
	sim_stamp(s, updated_ms == SIM_NEVER ? 0 : updated_ms, updated);
	const cJSON *old = NULL;
	ns_json_each(o, old_list) if (!strcmp(ns_json_str(o, "type", ""), c->type)) old = o;
	bool same = old && !strcmp(ns_json_str(old, "status", ""), c->status);
	bool equal = same && !strcmp(ns_json_str(old, "reason", ""), c->reason);
	cJSON *n = cJSON_CreateObject();
	ns_json_put_str(n, "type", c->type);
	ns_json_put_str(n, "status", c->status);
	ns_json_put_str(n, "lastUpdateTime", updated_ms != SIM_NEVER ? updated : equal ? ns_json_str(old, "lastUpdateTime", now) : now);
	ns_json_put_str(n, "lastTransitionTime", same ? ns_json_str(old, "lastTransitionTime", now) : now);
	ns_json_put_str(n, "reason", c->reason);
	ns_json_put_str(n, "message", c->message);
	cJSON_AddItemToArray(list, n);
}

typedef struct counts {
	int replicas, updated, ready;
} counts;

static counts count(const sim_wl *wl, const sim_rs *new_rs)
{
	counts c = {0};
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next) {
		int ready, n = replicaset_pods(rs, &ready);
		c.replicas += n;
		c.ready += ready;
		if (rs == new_rs)
			c.updated = n;
	}
	return c;
}

/* Notes progress of the rollout, and whether it has finished or run out of time. */
static cond progressing(const ns_sim *s, sim_wl *wl, const sim_rs *new_rs, const counts *c, int want)
{
	cond k = {"Progressing", "True", "ReplicaSetUpdated", ""};
	const cJSON *old = ns_json_get(wl->dep->j, "status");
	bool moved = c->updated > ns_json_int_or(old, "updatedReplicas", 0) || c->ready > ns_json_int_or(old, "readyReplicas", 0) ||
	             (c->replicas - c->updated) < ns_json_int_or(old, "replicas", 0) - ns_json_int_or(old, "updatedReplicas", 0);
	if (!wl->complete && moved)
		wl->progress_ms = s->cluster.now;
	if (c->updated == want && c->replicas == want && c->ready == want && !wl->complete) {
		wl->complete = true;
		wl->progress_ms = s->cluster.now;
	}
	int64_t deadline = ns_json_int_or(wl->dep->j, "spec.progressDeadlineSeconds", 600) * 1000;
	if (wl->complete) {
		k.reason = "NewReplicaSetAvailable";
		snprintf(k.message, sizeof k.message, "ReplicaSet \"%s\" has successfully progressed.", new_rs->o->name);
	} else if (s->cluster.now >= wl->progress_ms + deadline) {
		k.status = "False";
		k.reason = "ProgressDeadlineExceeded";
		snprintf(k.message, sizeof k.message, "ReplicaSet \"%s\" has timed out progressing.", new_rs->o->name);
	} else {
		snprintf(k.message, sizeof k.message, "ReplicaSet \"%s\" is progressing.", new_rs->o->name);
		wl->sync_ms = wl->progress_ms + deadline;
	}
	return k;
}

static void write_status(ns_sim *s, sim_wl *wl, const sim_rs *new_rs)
{
	const cJSON *spec = ns_json_get(wl->dep->j, "spec"), *old = ns_json_get(wl->dep->j, "status");
	int want = (int)ns_json_int_or(spec, "replicas", 1), surge, unavailable;
	deployment_max(spec, want, &surge, &unavailable);
	counts c = count(wl, new_rs);
	cond p = progressing(s, wl, new_rs, &c, want);
	bool ok = c.ready >= want - unavailable;
	cond a = {"Available", ok ? "True" : "False", ok ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable", ""};
	snprintf(a.message, sizeof a.message, "Deployment %s minimum availability.", ok ? "has" : "does not have");
	const struct {
		const char *name;
		int n;
	} numbers[] = {{"replicas", c.replicas}, {"updatedReplicas", c.updated}, {"readyReplicas", c.ready}, {"availableReplicas", c.ready},
	    {"unavailableReplicas", (want > c.replicas ? want : c.replicas) - c.ready}};
	cJSON *st = cJSON_CreateObject();
	ns_json_put_int(st, "observedGeneration", ns_json_int_or(wl->dep->j, "metadata.generation", 1));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (numbers[i].n > 0) /* zeros are left out */
			ns_json_put_int(st, numbers[i].name, numbers[i].n);
	cJSON *list = cJSON_AddArrayToObject(st, "conditions");
	put_condition(s, list, ns_json_get(old, "conditions"), &a, SIM_NEVER);
	put_condition(s, list, ns_json_get(old, "conditions"), &p, strcmp(p.status, "True") ? SIM_NEVER : wl->progress_ms);
	if (cJSON_Compare(st, old, true)) {
		cJSON_Delete(st);
		return;
	}
	json_set(wl->dep->j, "status", st);
	world_put(s, K_DEPLOYMENT, wl->dep->j);
}

/* ---- rolling ---- */

static sim_rs *find_set(const sim_wl *wl, const char *text)
{
	for (sim_rs *rs = wl->sets; rs; rs = rs->next)
		if (!strcmp(rs->template_text, text))
			return rs;
	return NULL;
}

static int64_t newest_revision(const sim_wl *wl)
{
	int64_t max = 0;
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next)
		if (rs->revision > max)
			max = rs->revision;
	return max;
}

/* A template that was used before gets its old ReplicaSet back, with a new revision number. */
static void renumber(ns_sim *s, sim_rs *rs, int64_t revision)
{
	char text[24];
	cJSON *ann = json_child(json_obj(rs->o->j, "metadata"), "annotations");
	const cJSON *h = ns_json_get(ann, "deployment.kubernetes.io/revision-history");
	const char *history = cJSON_IsString(h) ? h->valuestring : "";
	char *joined = ns_xasprintf("%s%s%lld", history, *history ? "," : "", (long long)rs->revision);
	json_set(ann, "deployment.kubernetes.io/revision-history", cJSON_CreateString(joined));
	free(joined);
	rs->revision = revision;
	snprintf(text, sizeof text, "%lld", (long long)revision);
	json_set(ann, revision_key, cJSON_CreateString(text));
	world_put(s, K_REPLICASET, rs->o->j);
}

static sim_rs *current_set(ns_sim *s, sim_wl *wl)
{
	char text[24];
	const cJSON *tmpl = ns_json_path(wl->dep->j, "spec.template");
	char *canonical = template_text(tmpl);
	sim_rs *rs = find_set(wl, canonical);
	free(canonical);
	int64_t max = newest_revision(wl);
	bool fresh = !rs || rs->revision < max;
	if (!rs)
		rs = replicaset_new(s, wl, tmpl, max + 1, s->cluster.now);
	else if (fresh)
		renumber(s, rs, max + 1);
	if (fresh) {
		wl->complete = false;
		wl->progress_ms = s->cluster.now;
	}
	snprintf(text, sizeof text, "%lld", (long long)rs->revision);
	cJSON *ann = json_child(json_obj(wl->dep->j, "metadata"), "annotations");
	const cJSON *have = ns_json_get(ann, revision_key);
	if (!cJSON_IsString(have) || strcmp(have->valuestring, text) != 0) {
		json_set(ann, revision_key, cJSON_CreateString(text));
		world_put(s, K_DEPLOYMENT, wl->dep->j);
	}
	return rs;
}

static int min(int a, int b)
{
	return a < b ? a : b;
}

/* Takes pods away from old ReplicaSets: first those that are not ready (they serve nobody), then as many as availability allows. */
static void shrink_old(ns_sim *s, sim_wl *wl, sim_rs *new_rs, int want, int unavailable)
{
	int total = 0, available = 0, new_ready;
	replicaset_pods(new_rs, &new_ready);
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next) {
		int ready;
		replicaset_pods(rs, &ready);
		total += rs->want;
		available += ready;
	}
	int may = total - (want - unavailable) - (new_rs->want - new_ready);
	for (sim_rs *rs = wl->sets; rs && may > 0; rs = rs->next) {
		int ready;
		replicaset_pods(rs, &ready);
		int unready = rs == new_rs ? 0 : min(rs->want - ready, may);
		if (unready > 0) {
			replicaset_want(s, rs, rs->want - unready, false);
			may -= unready;
		}
	}
	int spare = available - (want - unavailable);
	for (sim_rs *rs = wl->sets; rs && spare > 0; rs = rs->next) {
		int n = rs == new_rs ? 0 : min(rs->want, spare);
		if (n > 0) {
			replicaset_want(s, rs, rs->want - n, false);
			spare -= n;
		}
	}
}

static void roll(ns_sim *s, sim_wl *wl, sim_rs *new_rs)
{
	const cJSON *spec = ns_json_get(wl->dep->j, "spec");
	int want = (int)ns_json_int_or(spec, "replicas", 1), surge, unavailable, total = 0, old = 0;
	deployment_max(spec, want, &surge, &unavailable);
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next) {
		total += rs->want;
		old += rs == new_rs ? 0 : rs->want;
	}
	if (ns_json_bool_or(spec, "paused", false))
		return;
	if (!old) {
		replicaset_want(s, new_rs, want, false);
		return;
	}
	if (new_rs->want > want)
		replicaset_want(s, new_rs, want, false);
	else if (new_rs->want < want && total < want + surge)
		replicaset_want(s, new_rs, min(want, new_rs->want + want + surge - total), false);
	shrink_old(s, wl, new_rs, want, unavailable);
}

void deployment_sync(ns_sim *s, sim_wl *wl)
{
	wl->sync_ms = SIM_NEVER;
	sim_rs *new_rs = current_set(s, wl);
	roll(s, wl, new_rs);
	for (sim_rs *rs = wl->sets; rs; rs = rs->next)
		replicaset_sync(s, rs);
	write_status(s, wl, new_rs);
}

/* ---- the start: what was there before anybody watched ---- */

static cJSON *deployment_new(const ns_sim *s, const sim_work *w)
{
	cJSON *j = object_new(s, K_DEPLOYMENT, w->ns, w->name, w->revs[0].at_ms), *meta = json_child(j, "metadata");
	ns_json_put_int(meta, "generation", 1);
	cJSON *labels = cJSON_AddObjectToObject(meta, "labels");
	ns_json_put_str(labels, "app", w->name);
	pairs_put(labels, w->labels);
	pairs_put(cJSON_AddObjectToObject(meta, "annotations"), w->annotations);
	cJSON *spec = cJSON_AddObjectToObject(j, "spec");
	ns_json_put_int(spec, "replicas", w->replicas);
	ns_json_put_str(cJSON_AddObjectToObject(cJSON_AddObjectToObject(spec, "selector"), "matchLabels"), "app", w->name);
	cJSON_AddItemToObject(spec, "template", template_new(s, w, &w->revs[0]));
	cJSON *strategy = cJSON_AddObjectToObject(spec, "strategy");
	ns_json_put_str(strategy, "type", "RollingUpdate");
	cJSON *ru = cJSON_AddObjectToObject(strategy, "rollingUpdate");
	ns_json_put_str(ru, "maxUnavailable", "25%");
	ns_json_put_str(ru, "maxSurge", "25%");
	ns_json_put_int(spec, "revisionHistoryLimit", 10);
	ns_json_put_int(spec, "progressDeadlineSeconds", w->progress_s ? w->progress_s : 600);
	cJSON_AddObjectToObject(j, "status");
	return j;
}

void deployment_seed(ns_sim *s, sim_wl *wl)
{
	const sim_work *w = wl->work;
	wl->dep = world_put(s, K_DEPLOYMENT, deployment_new(s, w));
	const sim_rev *r = w->revs;
	sim_rs *rs;
	do { /* the first revision is always in the past */
		s->cluster.now = r->at_ms;
		if (r != w->revs || r->cause)
			deployment_roll(s, wl, r);
		rs = current_set(s, wl);
	} while (++r < w->revs + SIM_MAX_REVS && r->image && r->at_ms < 0);
	replicaset_want(s, rs, w->replicas, true);
	for (int i = 0; i < w->replicas; i++)
		pod_seed_running(s, pod_new(s, rs, w->pods_ms ? w->pods_ms : s->cluster.now));
	replicaset_sync(s, rs);
	s->cluster.now += 30 * 1000; /* the rollout took half a minute */
	write_status(s, wl, rs);
	wl->sync_ms = SIM_NEVER;
}
