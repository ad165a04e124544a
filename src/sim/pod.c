/* Pods: made from a ReplicaSet's template, and taken away. Their life in between is in kubelet.c. */
#include "sim_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_S = 30, STOPPING_MS = 1500 /* how long a well-behaved program takes to end */ };

static void random_suffix(const ns_sim *s, const sim_rs *rs, char out[6])
{
	static const char safe[] = "bcdfghjklmnpqrstvwxz2456789";
	char what[600];
	snprintf(what, sizeof what, "pod/%s/%s/%d", rs->o->ns, rs->o->name, rs->made);
	uint64_t h = sim_hash(s, what);
	for (int i = 0; i < 5; i++, h /= sizeof safe - 1)
		out[i] = safe[h % (sizeof safe - 1)];
	out[5] = '\0';
}

static cJSON *pod_spec(const sim_rs *rs)
{
	cJSON *spec = cJSON_Duplicate(ns_json_path(rs->o->j, "spec.template.spec"), true);
	ns_json_put_str(spec, "serviceAccountName", "default");
	ns_json_put_bool(spec, "enableServiceLinks", true);
	ns_json_put_int(spec, "priority", 0);
	return spec;
}

sim_pod *pod_new(ns_sim *s, sim_rs *rs, int64_t created_ms)
{
	char suffix[6], name[320], prefix[310];
	sim_pod *p = ns_xcalloc(1, sizeof *p);
	random_suffix(s, rs, suffix);
	rs->made++;
	*p = (sim_pod){.next = rs->pods,
	    .rs = rs,
	    .step = POD_PENDING,
	    .due_ms = created_ms,
	    .node = -1,
	    .created_ms = created_ms,
	    .dies_ms = SIM_NEVER,
	    .ready_since_ms = created_ms,
	    .does = &does_run};
	snprintf(prefix, sizeof prefix, "%s-", rs->o->name);
	snprintf(name, sizeof name, "%s%s", prefix, suffix);
	cJSON *j = object_new(s, K_POD, rs->o->ns, name, created_ms), *meta = json_child(j, "metadata");
	ns_json_put_str(meta, "generateName", prefix);
	cJSON_AddItemToObject(meta, "labels", cJSON_Duplicate(ns_json_path(rs->o->j, "spec.template.metadata.labels"), true));
	const cJSON *ann = ns_json_path(rs->o->j, "spec.template.metadata.annotations");
	if (ann)
		cJSON_AddItemToObject(meta, "annotations", cJSON_Duplicate(ann, true));
	cJSON_AddItemToArray(cJSON_AddArrayToObject(meta, "ownerReferences"), owner_ref(rs->o));
	cJSON_AddItemToObject(j, "spec", pod_spec(rs));
	cJSON *st = cJSON_AddObjectToObject(j, "status");
	ns_json_put_str(st, "phase", "Pending");
	ns_json_put_str(st, "qosClass", "Burstable");
	rs->pods = p;
	p->o = world_put(s, K_POD, j);
	return p;
}

void pod_delete(ns_sim *s, sim_pod *p)
{
	char stamp[32];
	cJSON *meta = json_obj(p->o->j, "metadata");
	bool running = p->step == POD_RUNNING;
	sim_stamp(s, s->cluster.now + GRACE_S * 1000, stamp);
	json_set(meta, "deletionTimestamp", cJSON_CreateString(stamp));
	json_set(meta, "deletionGracePeriodSeconds", cJSON_CreateNumber(GRACE_S));
	if (running)
		event_core(s, p->o, "Normal", "Killing", "kubelet", "spec.containers{app}", "Stopping container app");
	p->step = POD_ENDING;
	p->due_ms = s->cluster.now + (running ? STOPPING_MS : 0);
	p->dies_ms = SIM_NEVER;
	world_put(s, K_POD, p->o->j);
}

void pod_free(sim_pod *p)
{
	free(p);
}

void pod_gone(ns_sim *s, sim_pod *p)
{
	for (sim_pod **at = &p->rs->pods; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	p->rs->wl->sync_ms = s->cluster.now;
	world_delete(s, p->o);
	pod_free(p);
}

sim_pod *pod_find(const ns_sim *s, const sim_obj *o)
{
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		for (const sim_rs *rs = s->cluster.wls[i].sets; rs; rs = rs->next)
			for (sim_pod *p = rs->pods; p; p = p->next)
				if (p->o == o)
					return p;
	return NULL;
}
