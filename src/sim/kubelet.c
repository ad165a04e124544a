/* The life of a pod: scheduled, pulled, started, ready, dead, backed off, restarted. Each step says when the next one is due. */
#include "sim_priv.h"
#include <stdio.h>
#include <string.h>

enum {
	BACKOFF_FIRST_MS = 10 * 1000,
	BACKOFF_MAX_MS = 300 * 1000,
	BACKOFF_RESET_MS = 600 * 1000, /* of running */
	PULL_MS = 900,
	DIED_MS = 700, /* until the kubelet looks at a container that died */
	PROBE_MS = 10 * 1000,
	RETRY_MS = 15 * 1000, /* image pull, missing configuration */
	SCHEDULE_RETRY_MS = 30 * 1000,
	READY_MS = 3000,
	GROWTH_MAX_MS = 50 * 1000, /* longest time a leak takes to fill any limit */
};
static const char app_field[] = "spec.containers{app}";

/* Up to `span` ms that differ from pod to pod but not from run to run of the same seed. */
static int64_t jitter(const ns_sim *s, const sim_pod *p, const char *what, int64_t span)
{
	char text[400];
	snprintf(text, sizeof text, "%s/%s/%d", what, p->o->name, p->restarts);
	return (int64_t)(sim_hash(s, text) % (uint64_t)(span + 1));
}

/* What the container does now: the fault of its surroundings if one is on, else what its revision does. */
static const sim_does *pod_script(const ns_sim *s, const sim_pod *p)
{
	const sim_work *w = p->rs->wl->work;
	if (!p->rs->rev)
		return &does_no_image;
	if (fault_is_on(w, s->cluster.now))
		return w->fault;
	return p->rs->rev->does ? p->rs->rev->does : &does_run;
}

/* How long a container that starts now will live; SIM_NEVER when nothing kills it. */
static int64_t life(const sim_pod *p)
{
	const sim_does *d = p->does;
	const int64_t mib = 1024 * 1024, limit = p->rs->mem_limit / mib;
	if (d->what == DOES_EXIT)
		return d->after_ms;
	if (d->what != DOES_OOM || !limit)
		return SIM_NEVER;
	int64_t need = d->need_mib, grown = limit * d->grows / 100;
	if (need <= limit && grown <= limit)
		return SIM_NEVER;
	if (!d->grows || d->need_mib <= 0)
		return d->after_ms;
	int64_t scaled = d->after_ms * limit / d->need_mib; /* a leak takes longer to fill more */
	return scaled < d->after_ms ? d->after_ms : scaled > GROWTH_MAX_MS ? GROWTH_MAX_MS : scaled;
}

/* When pod_step is needed next for a running container. */
static void plan_running(const ns_sim *s, sim_pod *p)
{
	bool probe_fails = p->does->what == DOES_UNREADY;
	p->due_ms = p->dies_ms;
	if (!p->ready && !probe_fails && p->ready_ms < p->due_ms)
		p->due_ms = p->ready_ms;
	if (probe_fails && s->cluster.now + PROBE_MS < p->due_ms)
		p->due_ms = s->cluster.now + PROBE_MS;
}

static void start(ns_sim *s, sim_pod *p)
{
	const char *image = ns_json_str(ns_json_path(p->o->j, "spec.containers")->child, "image", "");
	int64_t now = s->cluster.now, ready = p->rs->wl->work->ready_ms, lives;
	event_core(s, p->o, "Normal", "Pulled", "kubelet", app_field, "Container image \"%s\" already present on machine", image);
	event_core(s, p->o, "Normal", "Created", "kubelet", app_field, "Created container: app");
	event_core(s, p->o, "Normal", "Started", "kubelet", app_field, "Started container app");
	p->step = POD_RUNNING;
	p->ready = false;
	p->started_ms = now;
	p->ready_ms = now + (ready ? ready : READY_MS) + jitter(s, p, "ready", 800);
	lives = life(p);
	p->dies_ms = lives == SIM_NEVER ? SIM_NEVER : now + lives + jitter(s, p, "life", 900);
	plan_running(s, p);
	pod_publish(s, p);
}

static void pull_error(ns_sim *s, sim_pod *p)
{
	const char *image = ns_json_str(ns_json_path(p->o->j, "spec.containers")->child, "image", "");
	p->step = POD_PULL_ERROR;
	p->pull_backoff = p->tries++ % 2 == 1;
	if (p->pull_backoff) {
		event_core(s, p->o, "Normal", "BackOff", "kubelet", app_field, "Back-off pulling image \"%s\"", image);
		event_core(s, p->o, "Warning", "Failed", "kubelet", app_field, "Error: ImagePullBackOff");
	} else {
		event_core(s, p->o, "Normal", "Pulling", "kubelet", app_field, "Pulling image \"%s\"", image);
		event_core(s, p->o, "Warning", "Failed", "kubelet", app_field,
		    "Failed to pull image \"%s\": rpc error: code = NotFound desc = failed to pull and unpack image \"%s\": failed to "
		    "resolve "
		    "reference \"%s\": %s: not found",
		    image, image, image, image);
		event_core(s, p->o, "Warning", "Failed", "kubelet", app_field, "Error: ErrImagePull");
	}
	p->due_ms = s->cluster.now + (p->pull_backoff ? RETRY_MS : DIED_MS);
	pod_publish(s, p);
}

static void config_error(ns_sim *s, sim_pod *p)
{
	event_core(s, p->o, "Warning", "Failed", "kubelet", app_field, "Error: %s", p->does->message);
	p->due_ms = s->cluster.now + RETRY_MS;
	if (p->step == POD_CONFIG_ERROR)
		return; /* said already */
	p->step = POD_CONFIG_ERROR;
	p->started_ms = 0;
	pod_publish(s, p);
}

/* Makes the container, as far as its script allows. */
static void make_container(ns_sim *s, sim_pod *p)
{
	p->does = pod_script(s, p);
	if (p->does->what == DOES_NO_IMAGE)
		pull_error(s, p);
	else if (p->does->what == DOES_CONFIG)
		config_error(s, p);
	else
		start(s, p);
}

static void pending(ns_sim *s, sim_pod *p)
{
	char why[300];
	if (schedule(s, p, why, sizeof why)) {
		json_set(json_obj(p->o->j, "spec"), "nodeName", cJSON_CreateString(node_name(p->node)));
		event_v1(s,
		    &(sim_event_v1){.about = p->o,
		        .ns = p->o->ns,
		        .type = "Normal",
		        .reason = "Scheduled",
		        .action = "Binding",
		        .controller = "default-scheduler"},
		    "Successfully assigned %s/%s to %s", p->o->ns, p->o->name, node_name(p->node));
		p->step = POD_CREATING;
		p->due_ms = s->cluster.now + PULL_MS + jitter(s, p, "pull", 600);
		pod_publish(s, p);
		return;
	}
	event_v1(s,
	    &(sim_event_v1){.about = p->o,
	        .ns = p->o->ns,
	        .type = "Warning",
	        .reason = "FailedScheduling",
	        .action = "Scheduling",
	        .controller = "default-scheduler",
	        .series = true},
	    "%s", why);
	p->due_ms = s->cluster.now + SCHEDULE_RETRY_MS;
	if (p->tries++)
		return;
	char stamp[32];
	cJSON *st = json_obj(p->o->j, "status"), *c = cJSON_CreateObject();
	sim_stamp(s, s->cluster.now, stamp);
	ns_json_put_str(c, "type", "PodScheduled");
	ns_json_put_str(c, "status", "False");
	cJSON_AddNullToObject(c, "lastProbeTime");
	ns_json_put_str(c, "lastTransitionTime", stamp);
	ns_json_put_str(c, "reason", "Unschedulable");
	ns_json_put_str(c, "message", why);
	cJSON *list = cJSON_CreateArray();
	cJSON_AddItemToArray(list, c);
	json_set(st, "conditions", list);
	world_put(s, K_POD, p->o->j);
}

static void die(ns_sim *s, sim_pod *p)
{
	bool oom = p->does->what == DOES_OOM;
	p->now = (sim_run){.have = true,
	    .started_ms = p->started_ms,
	    .finished_ms = s->cluster.now,
	    .number = p->restarts,
	    .does = p->does,
	    .exit_code = oom ? 137 : p->does->exit_code,
	    .reason = oom                  ? "OOMKilled"
	              : p->does->exit_code ? "Error"
	                                   : "Completed"};
	p->step = POD_DIED;
	p->ready = false;
	p->dies_ms = SIM_NEVER;
	p->due_ms = s->cluster.now + DIED_MS;
	pod_publish(s, p);
}

static void running(ns_sim *s, sim_pod *p)
{
	int64_t now = s->cluster.now;
	if (now >= p->dies_ms) {
		die(s, p);
		return;
	}
	bool changed = false;
	if (p->does->what == DOES_UNREADY) {
		event_core(s, p->o, "Warning", "Unhealthy", "kubelet", app_field, "Readiness probe failed: %s", p->does->message);
		changed = p->ready;
		p->ready = false;
	} else if (!p->ready && now >= p->ready_ms) {
		changed = p->ready = true;
	}
	plan_running(s, p);
	if (changed)
		pod_publish(s, p);
}

static void restart(ns_sim *s, sim_pod *p)
{
	p->restarts++;
	make_container(s, p);
}

/* The first restart is at once; from then on the back-off doubles, until the container has run for ten minutes. */
static void died(ns_sim *s, sim_pod *p)
{
	if (p->now.finished_ms - p->now.started_ms >= BACKOFF_RESET_MS)
		p->backoff_ms = 0;
	p->last = p->now;
	p->now.have = false;
	if (!p->backoff_ms) {
		p->backoff_ms = BACKOFF_FIRST_MS;
		restart(s, p);
		return;
	}
	p->step = POD_BACKOFF;
	p->due_ms = p->last.finished_ms + p->backoff_ms;
	event_core(s, p->o, "Warning", "BackOff", "kubelet", app_field, "Back-off restarting failed container app in pod %s_%s(%s)",
	    p->o->name, p->o->ns, ns_json_str(p->o->j, "metadata.uid", ""));
	pod_publish(s, p);
}

static void backoff_over(ns_sim *s, sim_pod *p)
{
	p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MAX_MS ? p->backoff_ms * 2 : BACKOFF_MAX_MS;
	restart(s, p);
}

void pod_step(ns_sim *s, sim_pod *p)
{
	static void (*const steps[])(ns_sim *, sim_pod *) = {
	    [POD_PENDING] = pending,
	    [POD_CREATING] = make_container,
	    [POD_RUNNING] = running,
	    [POD_DIED] = died,
	    [POD_BACKOFF] = backoff_over,
	    [POD_PULL_ERROR] = make_container,
	    [POD_CONFIG_ERROR] = make_container,
	    [POD_ENDING] = pod_gone,
	};
	steps[p->step](s, p);
}

/* A fault of its surroundings began or ended. A running container fails soon after the one and is spared by the other. */
void pod_refault(ns_sim *s, sim_pod *p)
{
	const sim_does *next = pod_script(s, p);
	if (p->step != POD_RUNNING || next->at_start)
		return;
	p->does = next;
	bool deadly = p->does->what == DOES_EXIT || (p->does->what == DOES_OOM && life(p) != SIM_NEVER);
	p->dies_ms = deadly ? s->cluster.now + 200 + jitter(s, p, "fault", 1500) : SIM_NEVER;
	if (p->does->what == DOES_UNREADY)
		p->due_ms = s->cluster.now + jitter(s, p, "fault", 1500);
	else
		plan_running(s, p);
}

void pod_seed_running(ns_sim *s, sim_pod *p)
{
	char why[300];
	schedule(s, p, why, sizeof why);
	json_set(json_obj(p->o->j, "spec"), "nodeName", cJSON_CreateString(node_name(p->node < 0 ? 0 : p->node)));
	p->step = POD_RUNNING;
	p->does = pod_script(s, p);
	p->started_ms = p->created_ms + 2000;
	p->ready = p->does->what != DOES_UNREADY;
	p->ready_ms = p->started_ms + READY_MS;
	p->due_ms = p->dies_ms = SIM_NEVER;
	pod_publish(s, p);
}
