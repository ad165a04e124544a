/* The status that a kubelet would write for a pod, from its runtime state. */
#include "sim_priv.h"
#include <stdio.h>
#include <string.h>

/* As Go prints a time.Duration: "10s", "1m20s", "2h0m0s". */
static void go_duration(int64_t ms, char out[32])
{
	long long t = ms / 1000;
	if (t < 60)
		snprintf(out, 32, "%llds", t);
	else if (t < 3600)
		snprintf(out, 32, "%lldm%llds", t / 60, t % 60);
	else
		snprintf(out, 32, "%lldh%lldm%llds", t / 3600, t / 60 % 60, t % 60);
}

static void container_id(const ns_sim *s, const sim_pod *p, const char *container, int run, char out[96])
{
	char what[700];
	out += snprintf(out, 96, "containerd://");
	for (int i = 0; i < 4; i++) {
		snprintf(what, sizeof what, "cid/%s/%s/%d/%d", p->o->name, container, run, i);
		out += snprintf(out, 17, "%016llx", (unsigned long long)sim_hash(s, what));
	}
}

static void image_id(const ns_sim *s, const char *image, char out[400])
{
	char what[400];
	int n = snprintf(out, 300, "%.200s@sha256:", image);
	for (int i = 0; i < 4; i++) {
		snprintf(what, sizeof what, "image/%d/%.300s", i, image);
		n += snprintf(out + n, 17, "%016llx", (unsigned long long)sim_hash(s, what));
	}
}

static void put_stamp(const ns_sim *s, cJSON *o, const char *key, int64_t at)
{
	char text[32];
	sim_stamp(s, at, text);
	ns_json_put_str(o, key, text);
}

static void put_terminated(const ns_sim *s, const sim_pod *p, cJSON *state, const sim_run *run)
{
	char cid[96];
	cJSON *t = cJSON_AddObjectToObject(state, "terminated");
	ns_json_put_int(t, "exitCode", run->exit_code);
	ns_json_put_str(t, "reason", run->reason);
	put_stamp(s, t, "startedAt", run->started_ms);
	put_stamp(s, t, "finishedAt", run->finished_ms);
	container_id(s, p, "app", run->number, cid);
	ns_json_put_str(t, "containerID", cid);
}

static void put_waiting(cJSON *state, const char *reason, const char *message)
{
	cJSON *w = cJSON_AddObjectToObject(state, "waiting");
	ns_json_put_str(w, "reason", reason);
	if (*message)
		ns_json_put_str(w, "message", message);
}

static void put_state(const ns_sim *s, const sim_pod *p, cJSON *state, const char *image)
{
	char message[1000] = "", wait[32];
	switch (p->step) {
	case POD_RUNNING:
	case POD_ENDING: put_stamp(s, cJSON_AddObjectToObject(state, "running"), "startedAt", p->started_ms); break;
	case POD_DIED: put_terminated(s, p, state, &p->now); break;
	case POD_BACKOFF:
		go_duration(p->backoff_ms, wait);
		snprintf(message, sizeof message, "back-off %s restarting failed container=app pod=%s_%s(%s)", wait, p->o->name, p->o->ns,
		    ns_json_str(p->o->j, "metadata.uid", ""));
		put_waiting(state, "CrashLoopBackOff", message);
		break;
	case POD_PULL_ERROR:
		if (p->pull_backoff)
			snprintf(message, sizeof message,
			    "Back-off pulling image \"%.200s\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack "
			    "image "
			    "\"%.200s\": failed to resolve reference \"%.200s\": %.200s: not found",
			    image, image, image, image);
		else
			snprintf(message, sizeof message,
			    "rpc error: code = NotFound desc = failed to pull and unpack image \"%.200s\": failed to resolve reference "
			    "\"%.200s\": "
			    "%.200s: not found",
			    image, image, image);
		put_waiting(state, p->pull_backoff ? "ImagePullBackOff" : "ErrImagePull", message);
		break;
	case POD_CONFIG_ERROR: put_waiting(state, "CreateContainerConfigError", p->does->message); break;
	case POD_PENDING:
	case POD_CREATING: put_waiting(state, "ContainerCreating", ""); break;
	}
}

static cJSON *main_status(const ns_sim *s, const sim_pod *p, const cJSON *c)
{
	char id[400];
	const char *image = ns_json_str(c, "image", "");
	bool up = p->step == POD_RUNNING || p->step == POD_ENDING;
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "name", ns_json_str(c, "name", ""));
	put_state(s, p, cJSON_AddObjectToObject(o, "state"), image);
	cJSON *last = cJSON_AddObjectToObject(o, "lastState");
	if (p->last.have)
		put_terminated(s, p, last, &p->last);
	ns_json_put_bool(o, "ready", up && p->ready);
	ns_json_put_int(o, "restartCount", p->restarts);
	ns_json_put_str(o, "image", image);
	image_id(s, image, id);
	ns_json_put_str(o, "imageID", p->started_ms || p->last.have ? id : "");
	if (p->started_ms || p->last.have) {
		container_id(s, p, "app", p->step == POD_BACKOFF ? p->last.number : p->restarts, id);
		ns_json_put_str(o, "containerID", id);
	}
	ns_json_put_bool(o, "started", up);
	return o;
}

static cJSON *side_status(const ns_sim *s, const sim_pod *p, const cJSON *c)
{
	char id[400];
	bool up = p->step != POD_PENDING && p->step != POD_CREATING;
	cJSON *o = cJSON_CreateObject(), *state;
	ns_json_put_str(o, "name", ns_json_str(c, "name", ""));
	state = cJSON_AddObjectToObject(o, "state");
	if (up)
		put_stamp(s, cJSON_AddObjectToObject(state, "running"), "startedAt", p->created_ms);
	else
		put_waiting(state, "ContainerCreating", "");
	cJSON_AddObjectToObject(o, "lastState");
	ns_json_put_bool(o, "ready", up);
	ns_json_put_int(o, "restartCount", 0);
	ns_json_put_str(o, "image", ns_json_str(c, "image", ""));
	image_id(s, ns_json_str(c, "image", ""), id);
	ns_json_put_str(o, "imageID", up ? id : "");
	if (up) {
		container_id(s, p, ns_json_str(c, "name", ""), 0, id);
		ns_json_put_str(o, "containerID", id);
	}
	ns_json_put_bool(o, "started", up);
	return o;
}

static void put_condition(const ns_sim *s, cJSON *list, const char *type, bool ok, const char *reason, const char *message, int64_t since)
{
	cJSON *c = cJSON_CreateObject();
	ns_json_put_str(c, "type", type);
	ns_json_put_str(c, "status", ok ? "True" : "False");
	cJSON_AddNullToObject(c, "lastProbeTime");
	put_stamp(s, c, "lastTransitionTime", since);
	if (!ok) {
		ns_json_put_str(c, "reason", reason);
		ns_json_put_str(c, "message", message);
	}
	cJSON_AddItemToArray(list, c);
}

static void put_addresses(const ns_sim *s, const sim_pod *p, cJSON *st)
{
	char ip[48];
	uint64_t h = sim_hash(s, p->o->name);
	snprintf(ip, sizeof ip, "10.0.0.%d", 11 + p->node);
	ns_json_put_str(st, "hostIP", ip);
	if (p->step != POD_CREATING) {
		snprintf(ip, sizeof ip, "10.244.%d.%d", p->node, (int)(h % 250) + 2);
		ns_json_put_str(st, "podIP", ip);
		cJSON *one = cJSON_CreateObject();
		ns_json_put_str(one, "ip", ip);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(st, "podIPs"), one);
	}
	put_stamp(s, st, "startTime", p->created_ms);
}

void pod_publish(ns_sim *s, sim_pod *p)
{
	bool was_ready = false, ready = p->ready && p->step == POD_RUNNING;
	ns_json_each(c, ns_json_path(p->o->j, "status.conditions")) if (!strcmp(ns_json_str(c, "type", ""), "Ready")) was_ready =
	    !strcmp(ns_json_str(c, "status", ""), "True");
	if (ready != was_ready)
		p->ready_since_ms = s->cluster.now;
	bool waiting = p->step == POD_PENDING || p->step == POD_CREATING || p->step == POD_PULL_ERROR || p->step == POD_CONFIG_ERROR;
	cJSON *st = cJSON_CreateObject();
	ns_json_put_str(st, "phase", waiting && !p->last.have ? "Pending" : "Running");
	cJSON *list = cJSON_AddArrayToObject(st, "conditions");
	const char *why = "containers with unready status: [app]";
	put_condition(s, list, "PodReadyToStartContainers", p->step > POD_CREATING, "", "", p->created_ms);
	put_condition(s, list, "Initialized", true, "", "", p->created_ms);
	put_condition(s, list, "Ready", ready, "ContainersNotReady", why, p->ready_since_ms);
	put_condition(s, list, "ContainersReady", ready, "ContainersNotReady", why, p->ready_since_ms);
	put_condition(s, list, "PodScheduled", true, "", "", p->created_ms);
	if (p->node >= 0)
		put_addresses(s, p, st);
	cJSON *statuses = cJSON_AddArrayToObject(st, "containerStatuses");
	const cJSON *containers = ns_json_path(p->o->j, "spec.containers");
	ns_json_each(c, containers) cJSON_AddItemToArray(statuses, c == containers->child ? main_status(s, p, c) : side_status(s, p, c));
	ns_json_put_str(st, "qosClass", "Burstable");
	json_set(p->o->j, "status", st);
	world_put(s, K_POD, p->o->j);
	p->rs->wl->sync_ms = s->cluster.now;
}
