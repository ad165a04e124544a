/* Builds cases for the analyst the way the collector does: facts together with the numbered evidence that carries them. */
#ifndef TESTS_LLM_CASE_BUILD_H
#define TESTS_LLM_CASE_BUILD_H
#include <string.h>

#include "neuroscale/llm/analyst.h"
#include "neuroscale/model/k8s.h"

#define NOW_MS   1790000000000LL
#define MIN_MS   60000LL
#define MI       (1024LL * 1024)
#define CASE(fn) static build fn(ns_arena *ar)

typedef struct build {
	ns_arena *ar;
	ns_case *c;
} build;

static inline void evidence(build *b, ns_ev_kind kind, bool trusted, const char *text)
{
	ns_evidence *e = &b->c->evidence[b->c->n_evidence++];
	*e = (ns_evidence){ns_arena_printf(b->ar, "E%zu", b->c->n_evidence), kind, trusted, text, NOW_MS};
}

static inline build begin(ns_arena *ar, ns_kind kind, const char *workload_kind, const char *ns, const char *name)
{
	build b = {ar, ns_case_new(ar)};
	ns_case *c = b.c;
	c->alert = (ns_alert){.kind = kind,
	    .severity = NS_SEV_CRIT,
	    .target = {"test", ns, workload_kind, name, "uid-1"},
	    .container = "",
	    .reason = "",
	    .message = "",
	    .first_ms = NOW_MS - 5 * MIN_MS,
	    .seen_ms = NOW_MS,
	    .policy = "",
	    .rule = "",
	    .object_uid = ""};
	c->taken_ms = NOW_MS;
	c->api_version = "apps/v1";
	c->generation = c->observed_generation = 5;
	c->replicas = 3;
	c->unavailable = 3;
	c->found = true;
	c->resource_version = "1";
	c->containers = ns_arena_alloc(ar, 4 * sizeof *c->containers);
	c->revisions = ns_arena_alloc(ar, 8 * sizeof *c->revisions);
	c->log_lines = ns_arena_alloc(ar, 64 * sizeof *c->log_lines);
	c->evidence = ns_arena_alloc(ar, 128 * sizeof *c->evidence);
	evidence(&b, NS_EV_OWNER, true, ns_arena_printf(ar, "the workload is %s %s/%s, uid uid-1, generation 5", workload_kind, ns, name));
	evidence(&b, NS_EV_STATUS, true, ns_arena_printf(ar, "%s %s/%s: 0 of 3 ready, 3 updated, 0 available", workload_kind, ns, name));
	return b;
}

static inline ns_container_facts *container(build *b, const char *name, const char *image)
{
	ns_container_facts *f = &b->c->containers[b->c->n_containers++];
	*f = (ns_container_facts){
	    .name = name, .image = image, .waiting_reason = "", .waiting_message = "", .last_reason = "", .last_message = ""};
	return f;
}

/* A container that waits for `reason` ("" none) and ended last with (`last`, exit); last NULL: never ended. */
static inline ns_container_facts *failing(
    build *b, const char *name, const char *image, const char *waiting, const char *message, const char *last, int code, int64_t restarts)
{
	ns_container_facts *f = container(b, name, image);
	f->waiting_reason = waiting;
	f->waiting_message = message;
	f->restarts = restarts;
	if (*waiting)
		evidence(b, NS_EV_STATUS, true, ns_arena_printf(b->ar, "container %s waits: %s: %s", name, waiting, message));
	if (last) {
		f->has_last = true;
		f->last_reason = last;
		f->last_exit = code;
		f->last_started_ms = NOW_MS - 60000;
		f->last_finished_ms = NOW_MS - 40000;
		evidence(b, NS_EV_EXIT, true, ns_arena_printf(b->ar, "container %s ended last with reason %s, exit %d", name, last, code));
	}
	return f;
}

static inline void memory(build *b, ns_container_facts *f, int64_t limit, int64_t request)
{
	f->mem_limit = limit;
	f->mem_request = request;
	evidence(b, NS_EV_RESOURCES, true, ns_arena_printf(b->ar, "container %s: memory limit %lld", f->name, (long long)limit));
}

static inline void lived(ns_container_facts *f, int64_t seconds)
{
	f->last_started_ms = f->last_finished_ms - seconds * 1000;
}

/* Revisions newest first. age in minutes. changes: from it to the current template. */
static inline ns_revision *revision(
    build *b, int64_t number, int64_t age_min, int64_t replicas, int64_t ready, bool healthy, const char *changes)
{
	ns_revision *r = &b->c->revisions[b->c->n_revisions++];
	*r = (ns_revision){.number = number,
	    .replicaset = ns_arena_printf(b->ar, "rs-%lld", (long long)number),
	    .uid = ns_arena_printf(b->ar, "rs-uid-%lld", (long long)number),
	    .created_ms = NOW_MS - age_min * MIN_MS,
	    .replicas = replicas,
	    .ready = ready,
	    .current = b->c->n_revisions == 1,
	    .was_healthy = healthy,
	    .changes = changes,
	    .only_safe_fields = true,
	    .template_json = "{}"};
	evidence(b, NS_EV_ROLLOUT, true,
	    ns_arena_printf(b->ar, "revision %lld (rs-%lld): %lld ready; changed since: %s", (long long)number, (long long)number,
	        (long long)ready, changes));
	return r;
}

static inline void logs(build *b, const char *line)
{
	b->c->log_lines[b->c->n_log_lines++] = line;
	evidence(b, NS_EV_LOG, false, ns_arena_printf(b->ar, "app: %s", line));
}

static inline void event(build *b, const char *text)
{
	evidence(b, NS_EV_EVENT, false, text);
}

static inline void condition(build *b, const char *progressing, const char *message)
{
	b->c->cond_progressing_reason = progressing;
	b->c->cond_message = message;
	evidence(b, NS_EV_CONDITION, true, ns_arena_printf(b->ar, "condition Progressing is False, %s: %s", progressing, message));
}

static inline void managed(build *b, const char *by)
{
	b->c->managed_by = by;
	evidence(b, NS_EV_OWNER, strncmp(by, "operator:", 9) == 0, ns_arena_printf(b->ar, "managed by %s, application shop-prod (x)", by));
}

/* ---- the common shapes ---- */

/* A Deployment whose newest revision 5 crash-loops since 4 minutes; revision 4 was healthy. */
static inline build bad_release(ns_arena *ar, const char *changes)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "cart");
	failing(&b, "app", "registry.shop/cart:1.5", "CrashLoopBackOff", "back-off 40s restarting failed container", "Error", 1, 5);
	condition(&b, "ReplicaSetUpdated", "ReplicaSet \"cart-5\" is progressing.");
	revision(&b, 5, 6, 1, 0, false, "");
	revision(&b, 4, 3000, 3, 3, true, changes);
	return b;
}

static inline build long_running(ns_arena *ar)
{
	build b = begin(ar, NS_KIND_POD_CRASHLOOP, "Deployment", "shop", "cart");
	failing(&b, "app", "registry.shop/cart:1.4", "CrashLoopBackOff", "back-off 5m0s restarting failed container", "Error", 1, 9);
	condition(&b, "NewReplicaSetAvailable", "ReplicaSet \"cart-4\" has successfully progressed.");
	revision(&b, 4, 9000, 3, 0, true, "");
	revision(&b, 3, 20000, 0, 0, true, "image cart:1.3 -> cart:1.4");
	return b;
}

static inline build oom(ns_arena *ar, int64_t limit)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "search");
	ns_container_facts *f = failing(&b, "app", "registry.shop/search:2.0", "CrashLoopBackOff", "back-off", "OOMKilled", 137, 4);
	memory(&b, f, limit, limit / 2);
	revision(&b, 2, 9000, 3, 1, true, "");
	revision(&b, 1, 20000, 0, 0, true, "image search:1.9 -> search:2.0");
	return b;
}

static inline build image_pull(ns_arena *ar, const char *message)
{
	build b = begin(ar, NS_KIND_IMAGE_PULL, "Deployment", "shop", "web");
	failing(&b, "app", "registry.shop/web:2.1", "ImagePullBackOff", message, NULL, 0, 0);
	return b;
}
#endif
