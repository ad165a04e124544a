/* The ReplicaSet controller: as many pods of a template as are wanted. */
#include "sim_priv.h"
#include <stdlib.h>
#include <string.h>

sim_rs *replicaset_new(ns_sim *s, sim_wl *wl, const cJSON *tmpl, int64_t revision, int64_t created_ms)
{
	char name[300], text[24];
	sim_rs *rs = ns_xcalloc(1, sizeof *rs);
	rs->wl = wl;
	rs->template_text = template_text(tmpl);
	rs->revision = revision;
	rs->created_ms = created_ms;
	template_hash(rs->template_text, rs->hash);
	template_facts(rs, tmpl);
	snprintf(name, sizeof name, "%s-%s", wl->work->name, rs->hash);
	cJSON *j = object_new(s, K_REPLICASET, wl->work->ns, name, created_ms), *meta = json_child(j, "metadata");
	cJSON *own = cJSON_Duplicate(tmpl, true);
	ns_json_put_str(json_child(json_child(own, "metadata"), "labels"), "pod-template-hash", rs->hash);
	ns_json_put_int(meta, "generation", 1);
	cJSON_AddItemToObject(meta, "labels", cJSON_Duplicate(ns_json_path(own, "metadata.labels"), true));
	cJSON *ann = cJSON_AddObjectToObject(meta, "annotations");
	ns_json_each(a, ns_json_path(wl->dep->j, "metadata.annotations")) if (strcmp(a->string, "deployment.kubernetes.io/revision") != 0)
	    cJSON_AddItemToObject(ann, a->string, cJSON_Duplicate(a, true));
	snprintf(text, sizeof text, "%lld", (long long)revision);
	ns_json_put_str(ann, "deployment.kubernetes.io/revision", text);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(meta, "ownerReferences"), owner_ref(wl->dep));
	cJSON *spec = cJSON_AddObjectToObject(j, "spec");
	ns_json_put_int(spec, "replicas", 0);
	cJSON *match = cJSON_AddObjectToObject(cJSON_AddObjectToObject(spec, "selector"), "matchLabels");
	ns_json_put_str(match, "app", wl->work->name);
	ns_json_put_str(match, "pod-template-hash", rs->hash);
	cJSON_AddItemToObject(spec, "template", own);
	ns_json_put_int(json_child(j, "status"), "replicas", 0);
	rs->o = world_put(s, K_REPLICASET, j);
	rs->next = wl->sets;
	wl->sets = rs;
	return rs;
}

int replicaset_pods(const sim_rs *rs, int *ready)
{
	int n = 0;
	*ready = 0;
	for (const sim_pod *p = rs->pods; p; p = p->next) {
		n += p->step != POD_ENDING;
		*ready += p->step != POD_ENDING && p->ready;
	}
	return n;
}

void replicaset_want(ns_sim *s, sim_rs *rs, int n, bool seeding)
{
	if (rs->want == n)
		return;
	if (!seeding)
		event_core(s, rs->wl->dep, "Normal", "ScalingReplicaSet", "deployment-controller", "",
		    "Scaled %s replica set %s from %d to %d", n > rs->want ? "up" : "down", rs->o->name, rs->want, n);
	rs->want = n;
	cJSON *spec = json_obj(rs->o->j, "spec"), *meta = json_obj(rs->o->j, "metadata");
	json_set(spec, "replicas", cJSON_CreateNumber(n));
	json_set(meta, "generation", cJSON_CreateNumber((double)ns_json_int_or(meta, "generation", 0) + 1));
	world_put(s, K_REPLICASET, rs->o->j);
}

/* Which pod goes first: one that is not scheduled, then not ready, then the youngest. */
static bool goes_before(const sim_pod *a, const sim_pod *b)
{
	if ((a->node < 0) != (b->node < 0))
		return a->node < 0;
	if (a->ready != b->ready)
		return !a->ready;
	return a->created_ms > b->created_ms;
}

static sim_pod *pick_victim(const sim_rs *rs)
{
	sim_pod *victim = NULL;
	for (sim_pod *p = rs->pods; p; p = p->next)
		if (p->step != POD_ENDING && (!victim || goes_before(p, victim)))
			victim = p;
	return victim;
}

static void write_status(ns_sim *s, sim_rs *rs)
{
	int ready, n = replicaset_pods(rs, &ready);
	cJSON *st = cJSON_CreateObject();
	ns_json_put_int(st, "replicas", n);
	if (n)
		ns_json_put_int(st, "fullyLabeledReplicas", n);
	if (ready) {
		ns_json_put_int(st, "readyReplicas", ready);
		ns_json_put_int(st, "availableReplicas", ready);
	}
	ns_json_put_int(st, "observedGeneration", ns_json_int_or(rs->o->j, "metadata.generation", 1));
	if (cJSON_Compare(st, ns_json_get(rs->o->j, "status"), true)) {
		cJSON_Delete(st);
		return;
	}
	json_set(rs->o->j, "status", st);
	world_put(s, K_REPLICASET, rs->o->j);
}

void replicaset_sync(ns_sim *s, sim_rs *rs)
{
	int ready, n = replicaset_pods(rs, &ready);
	for (; n < rs->want; n++) {
		sim_pod *p = pod_new(s, rs, s->cluster.now);
		event_core(s, rs->o, "Normal", "SuccessfulCreate", "replicaset-controller", "", "Created pod: %s", p->o->name);
	}
	for (sim_pod *victim; n > rs->want && (victim = pick_victim(rs)); n--) {
		event_core(s, rs->o, "Normal", "SuccessfulDelete", "replicaset-controller", "", "Deleted pod: %s", victim->o->name);
		pod_delete(s, victim);
	}
	write_status(s, rs);
}
