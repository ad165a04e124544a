/* What runs: the members of the workload, the one that shows the failure best, its containers as facts, and the nodes they stand on. */
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"

/* ---- members ---- */

static bool is_member(const ns_collector *k, const cJSON *pod)
{
	const ns_case *c = k->c;
	if (!strcmp(c->alert.target.kind, "Pod"))
		return !strcmp(ns_json_str(pod, "metadata.uid", ""), c->alert.target.uid);
	for (size_t i = 0; i < c->n_revisions; i++)
		if (ns_collect_controlled_by(pod, c->revisions[i].uid))
			return true;
	return ns_collect_controlled_by(pod, c->alert.target.uid);
}

static bool alerted(const ns_alert *a, const char *pod)
{
	for (size_t i = 0; i < a->n_pods; i++)
		if (!strcmp(a->pods[i], pod))
			return true;
	return false;
}

/* The status entry of a container in whichever of the lists has it. */
static const cJSON *status_of(const cJSON *pod, const char *name)
{
	static const char *const lists[] = {"status.initContainerStatuses", "status.containerStatuses"};
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		ns_json_each(s, ns_json_path(pod, lists[i])) if (!strcmp(ns_json_str(s, "name", ""), name)) return s;
	return NULL;
}

static const cJSON *terminated_of(const cJSON *status)
{
	const cJSON *now = ns_json_path(status, "state.terminated");
	return now ? now : ns_json_path(status, "lastState.terminated");
}

/* How well a container shows the failure that was alerted. */
static int shows(const ns_alert *a, const cJSON *status)
{
	const char *waiting = ns_json_str(status, "state.waiting.reason", "");
	const cJSON *dead = terminated_of(status);
	int n = 0;
	if (*a->reason && (ns_reason_is(a->reason, waiting) || ns_reason_is(a->reason, ns_json_str(dead, "reason", ""))))
		n += 20;
	if (*waiting && strcmp(waiting, "ContainerCreating") && strcmp(waiting, "PodInitializing"))
		n += 10;
	if (dead && (ns_json_int_or(dead, "exitCode", 0) || !strcmp(ns_json_str(dead, "reason", ""), "OOMKilled")))
		n += 8;
	/* A finished init container is not ready any more, and well. */
	if (!ns_json_bool_or(status, "ready", true) &&
	    !(ns_json_path(status, "state.terminated") && !ns_json_int_or(status, "state.terminated.exitCode", 1)))
		n += 4;
	if (n && *a->container && !strcmp(ns_json_str(status, "name", ""), a->container))
		n += 20;
	return n;
}

static int pod_score(ns_collector *k, const cJSON *pod, const char **failing)
{
	static const char *const lists[] = {"status.initContainerStatuses", "status.containerStatuses"};
	int most = 0;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		ns_json_each(s, ns_json_path(pod, lists[i]))
		{
			int n = shows(k->a, s);
			if (n > most) {
				most = n;
				*failing = ns_json_str(s, "name", "");
			}
		}
	if (!strcmp(ns_json_str(pod, "status.phase", ""), "Pending") || !strcmp(ns_json_str(pod, "status.reason", ""), "Evicted"))
		most += 3;
	if (ns_json_path(pod, "metadata.deletionTimestamp"))
		most -= 15; /* on its way out: what it says may be the going */
	return most + (alerted(k->a, ns_json_str(pod, "metadata.name", "")) ? 2 : 0);
}

/* ---- containers as facts ---- */

static const char *const heap_marks[] = {
    "-Xmx", "-XX:MaxRAMPercentage", "-XX:MaxHeapSize", "-XX:InitialRAMPercentage", "-XX:MaxRAM=", "-XX:+UseContainerSupport"};
static const char *const heap_vars[] = {"JAVA_OPTS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JVM_OPTS", "CATALINA_OPTS",
    "ES_JAVA_OPTS", "KAFKA_HEAP_OPTS", "MAX_HEAP_SIZE"};

static const char *heap_in(const char *s)
{
	for (size_t i = 0; i < sizeof heap_marks / sizeof heap_marks[0]; i++) {
		const char *p = strstr(s, heap_marks[i]);
		if (p)
			return p;
	}
	return NULL;
}

/* "-Xmx512m (env JAVA_OPTS)" or "". */
static const char *jvm_heap(ns_collector *k, const cJSON *spec)
{
	ns_json_each(e, ns_json_get(spec, "env"))
	{
		const char *name = ns_json_str(e, "name", ""), *heap = heap_in(ns_json_str(e, "value", ""));
		if (heap)
			return ns_arena_printf(k->ar, "%.*s (env %s)", (int)strcspn(heap, " \t\"'"), heap, name);
		for (size_t i = 0; i < sizeof heap_vars / sizeof heap_vars[0]; i++)
			if (!strcmp(name, heap_vars[i]))
				return ns_arena_printf(k->ar, "by env %s", name);
	}
	static const char *const lists[] = {"command", "args"};
	for (size_t i = 0; i < 2; i++)
		ns_json_each(a, ns_json_get(spec, lists[i]))
		{
			const char *heap = cJSON_IsString(a) ? heap_in(a->valuestring) : NULL;
			if (heap)
				return ns_arena_printf(k->ar, "%.*s (%s)", (int)strcspn(heap, " \t\"'"), heap, lists[i]);
		}
	return "";
}

static const cJSON *quantity(const cJSON *spec, const char *section, const char *resource)
{
	return ns_json_get(ns_json_get(ns_json_get(spec, "resources"), section), resource);
}

static int64_t memory(const cJSON *spec, const char *section)
{
	const cJSON *q = quantity(spec, section, "memory");
	int64_t v = 0;
	return cJSON_IsString(q) && ns_quantity_bytes(q->valuestring, &v) ? v : 0;
}

static int64_t cpu(const cJSON *spec, const char *section)
{
	const cJSON *q = quantity(spec, section, "cpu");
	int64_t v = 0;
	return cJSON_IsString(q) && ns_quantity_milli(q->valuestring, &v) ? v : 0;
}

static const char *as_written(const cJSON *spec, const char *section, const char *resource)
{
	const cJSON *q = quantity(spec, section, resource);
	return cJSON_IsString(q) ? q->valuestring : "unset";
}

static void tell_container(ns_collector *k, const ns_container_facts *f, const cJSON *spec, const char *heap, bool failing)
{
	if (*f->waiting_reason)
		ns_collect_add(k, NS_EV_STATUS, true, k->c->taken_ms, "container %s waits: %s%s%s (image %s, %lld restarts)", f->name,
		    f->waiting_reason, *f->waiting_message ? ": " : "", f->waiting_message, f->image, (long long)f->restarts);
	else if (!f->ready && f->running)
		ns_collect_add(k, NS_EV_STATUS, true, k->c->taken_ms, "container %s runs and is not ready (image %s, %lld restarts)",
		    f->name, f->image, (long long)f->restarts);
	else if (failing)
		ns_collect_add(k, NS_EV_STATUS, true, k->c->taken_ms, "container %s is %s (image %s, %lld restarts)", f->name,
		    f->ready ? "ready again" : "not running", f->image, (long long)f->restarts);
	if (f->has_last) {
		long long life = (f->last_finished_ms - f->last_started_ms) / 1000;
		ns_collect_add(k, NS_EV_EXIT, true, f->last_finished_ms, "container %s ended last with reason %s, exit %d%s%s", f->name,
		    *f->last_reason ? f->last_reason : "(none)", f->last_exit,
		    f->last_signal ? ns_arena_printf(k->ar, ", signal %d", f->last_signal) : "",
		    f->last_started_ms && life >= 0 ? ns_arena_printf(k->ar, ", after %lld s", life) : "");
		/* The program itself writes this text. */
		if (*f->last_message)
			ns_collect_add(k, NS_EV_LOG, false, f->last_finished_ms, "termination message of %s: %s", f->name, f->last_message);
	}
	if (failing || f->has_last)
		ns_collect_add(k, NS_EV_RESOURCES, true, k->c->taken_ms,
		    "container %s: memory limit %s, request %s; cpu limit %s, request %s%s%s", f->name,
		    as_written(spec, "limits", "memory"), as_written(spec, "requests", "memory"), as_written(spec, "limits", "cpu"),
		    as_written(spec, "requests", "cpu"), *heap ? "; Java heap " : "", heap);
	char *command = *f->waiting_reason || f->has_last ? cJSON_PrintUnformatted(ns_json_get(spec, "command")) : NULL;
	char *args = command || f->has_last ? cJSON_PrintUnformatted(ns_json_get(spec, "args")) : NULL;
	if (command || args)
		ns_collect_add(k, NS_EV_RESOURCES, true, k->c->taken_ms, "container %s runs %s %s", f->name,
		    command ? command : "its image's command", args ? args : "");
	cJSON_free(command);
	cJSON_free(args);
}

static void add_container(ns_collector *k, const cJSON *spec, bool init)
{
	ns_case *c = k->c;
	const char *name = ns_json_str(spec, "name", "");
	const cJSON *status = status_of(k->pod, name), *dead = terminated_of(status);
	ns_container_facts *f = &c->containers[c->n_containers++];
	const char *heap = jvm_heap(k, spec);
	bool sidecar = init && !strcmp(ns_json_str(spec, "restartPolicy", ""), "Always");
	*f = (ns_container_facts){.name = ns_arena_strdup(k->ar, name),
	    .image = ns_collect_clean(k, ns_json_str(spec, "image", ""), 256),
	    .init = init && !sidecar,
	    .sidecar = sidecar,
	    .ready = ns_json_bool_or(status, "ready", false),
	    .running = ns_json_path(status, "state.running") != NULL,
	    .restarts = ns_json_int_or(status, "restartCount", 0),
	    .waiting_reason = ns_collect_clean(k, ns_json_str(status, "state.waiting.reason", ""), 80),
	    .waiting_message = ns_collect_clean(k, ns_json_str(status, "state.waiting.message", ""), 400),
	    .has_last = dead != NULL,
	    .last_reason = ns_collect_clean(k, ns_json_str(dead, "reason", ""), 80),
	    .last_message = ns_collect_clean(k, ns_json_str(dead, "message", ""), 400),
	    .last_exit = (int)ns_json_int_or(dead, "exitCode", 0),
	    .last_signal = (int)ns_json_int_or(dead, "signal", 0),
	    .last_started_ms = ns_collect_time(dead, "startedAt"),
	    .last_finished_ms = ns_collect_time(dead, "finishedAt"),
	    .mem_limit = memory(spec, "limits"),
	    .mem_request = memory(spec, "requests"),
	    .cpu_limit_milli = cpu(spec, "limits"),
	    .cpu_request_milli = cpu(spec, "requests"),
	    .jvm = *heap != 0};
	/* A finished init container is well: it has done what it is for. */
	if (f->init && ns_json_path(status, "state.terminated") && !f->last_exit && strcmp(f->last_reason, "OOMKilled"))
		f->ready = true;
	tell_container(k, f, spec, heap, !strcmp(name, k->failing));
}

static void read_pod_status(ns_collector *k)
{
	const char *reason = ns_json_str(k->pod, "status.reason", ""), *name = ns_json_str(k->pod, "metadata.name", "");
	if (*reason)
		ns_collect_add(k, NS_EV_STATUS, true, k->c->taken_ms, "pod %s is %s, %s: %s", name, ns_json_str(k->pod, "status.phase", ""),
		    reason, ns_json_str(k->pod, "status.message", ""));
	ns_json_each(cond, ns_json_path(k->pod, "status.conditions"))
	{
		const char *type = ns_json_str(cond, "type", ""), *status = ns_json_str(cond, "status", ""),
		           *message = ns_json_str(cond, "message", "");
		bool scheduled = !strcmp(type, "PodScheduled") && !strcmp(status, "False"),
		     disrupted = !strcmp(type, "DisruptionTarget") && !strcmp(status, "True");
		if (scheduled || disrupted)
			ns_collect_add(k, NS_EV_CONDITION, true, ns_collect_time(cond, "lastTransitionTime"),
			    "pod condition %s is %s, %s: %s", type, status, ns_json_str(cond, "reason", ""), message);
	}
	/* A vertical autoscaler that sets limits writes them into the pod, not into the template. */
	const cJSON *vpa = ns_json_get(ns_json_path(k->pod, "metadata.annotations"), "vpaUpdates");
	if (cJSON_IsString(vpa) && k->a->kind == NS_KIND_OOM_KILLED && !*k->c->managed_by) {
		k->c->managed_by = "operator:VerticalPodAutoscaler";
		ns_collect_add(k, NS_EV_OWNER, false, 0, "a vertical autoscaler sets its resources: %s", vpa->valuestring);
	}
}

void ns_collect_pods(ns_collector *k)
{
	ns_case *c = k->c;
	const char *ns = c->alert.target.ns, *sel = ns_collect_selector(k->ar, ns_json_path(k->target, "spec.selector"));
	if (!strcmp(c->alert.target.kind, "Pod") && k->target) {
		k->pods = cJSON_CreateObject();
		cJSON_AddItemToArray(cJSON_AddArrayToObject(k->pods, "items"), cJSON_Duplicate(k->target, true));
	} else if (*sel) {
		k->pods = ns_collect_get(
		    k, ns_arena_printf(k->ar, "%s?limit=500&labelSelector=%s", ns_collect_path(k->ar, "Pod", ns, ""), sel), "pods", NULL);
	}
	int most = -100;
	size_t members = 0, unready = 0;
	const char *failing = "";
	ns_json_each(pod, ns_json_get(k->pods, "items"))
	{
		if (!is_member(k, pod))
			continue;
		const char *name = "";
		int n = pod_score(k, pod, &name);
		members++;
		unready += n > 3;
		if (n > most) {
			most = n;
			k->pod = pod;
			failing = name;
		}
	}
	if (!k->pod) {
		if (k->pods)
			ns_collect_add(k, NS_EV_NOTE, true, c->taken_ms, "it has no pods now");
		return;
	}
	if (*failing)
		k->failing = ns_arena_strdup(k->ar, failing);
	ns_collect_add(k, NS_EV_STATUS, true, c->taken_ms, "%zu of %zu pods show it, %s among them", unready, members,
	    ns_json_str(k->pod, "metadata.name", ""));
	const cJSON *init = ns_json_path(k->pod, "spec.initContainers"), *app = ns_json_path(k->pod, "spec.containers");
	c->containers = ns_arena_alloc(k->ar, (ns_json_len(init) + ns_json_len(app) + 1) * sizeof *c->containers);
	read_pod_status(k);
	ns_json_each(spec, init) add_container(k, spec, true);
	ns_json_each(spec, app) add_container(k, spec, false);
}

/* ---- nodes: only where memory is the question ---- */

static void read_node(ns_collector *k, const char *name)
{
	ns_case *c = k->c;
	ns_buf path = NS_BUF_INIT;
	ns_buf_puts(&path, "/api/v1/nodes/");
	ns_url_escape(&path, name);
	cJSON *node = ns_collect_get(k, path.data, "a node", NULL);
	ns_buf_free(&path);
	int64_t room = 0;
	const cJSON *q = ns_json_get(ns_json_path(node, "status.allocatable"), "memory");
	if (cJSON_IsString(q) && ns_quantity_bytes(q->valuestring, &room) && room > 0 &&
	    (!c->node_allocatable_mem || room < c->node_allocatable_mem))
		c->node_allocatable_mem = room;
	ns_json_each(cond, ns_json_path(node, "status.conditions")) if (!strcmp(ns_json_str(cond, "type", ""), "MemoryPressure") &&
	                                                                !strcmp(ns_json_str(cond, "status", ""), "True"))
	    ns_collect_add(k, NS_EV_CONDITION, true, ns_collect_time(cond, "lastTransitionTime"),
	        "node %s is under memory pressure: NodeHasInsufficientMemory", name);
	cJSON_Delete(node);
}

void ns_collect_nodes(ns_collector *k)
{
	const char *seen[NS_COLLECT_NODES];
	size_t n = 0;
	bool oom = k->a->kind == NS_KIND_OOM_KILLED;
	for (size_t i = 0; i < k->c->n_containers; i++)
		oom |= !strcmp(k->c->containers[i].last_reason, "OOMKilled");
	if (!oom)
		return;
	ns_json_each(pod, ns_json_get(k->pods, "items"))
	{
		const char *node = ns_json_str(pod, "spec.nodeName", "");
		bool known = !*node || !is_member(k, pod);
		for (size_t i = 0; i < n; i++)
			known |= !strcmp(seen[i], node);
		if (!known && n < NS_COLLECT_NODES) {
			seen[n++] = node;
			read_node(k, node);
		}
	}
}
