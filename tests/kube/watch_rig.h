/* Runs the reflector against a script server, on a clock that runs fast, until the test's own condition holds; 30 real seconds end it at the latest. */
#ifndef TESTS_KUBE_WATCH_RIG_H
#define TESTS_KUBE_WATCH_RIG_H
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/script_server.h"

#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/watch.h"

typedef void (*rig_event)(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why);

typedef struct rig {
	const ns_watch_row *rows;
	size_t n_rows;
	rig_event on_event;
	void *ctx;
	int rate;              /* of the clock */
	int watch_seconds;
	int limit_ms;          /* real; 30 s when 0 */
	const char *const *namespaces;
	const char *ns;        /* of the context, "default" when NULL */
	ns_cancel *cancel;     /* made by rig_run; the test's on_event fires it */
	ns_kube_stats stats;
} rig;

typedef struct rig_guard { ns_cancel *cancel; int limit_ms; atomic_bool done; } rig_guard;

static void *rig_guard_run(void *arg)
{
	rig_guard *g = arg;
	for (int i = 0; i < g->limit_ms && !atomic_load(&g->done); i++)
		usleep(1000);
	ns_cancel_fire(g->cancel);
	return NULL;
}

static inline void rig_run_on(rig *r, const ns_kubeconfig *k)
{
	ns_err err = {0};
	ns_clock *clock = ns_clock_scaled(r->rate ? r->rate : 1000, 0, 1700000000000);
	ns_watch_opts o = {.cfg = k, .clock = clock, .rows = r->rows, .n_rows = r->n_rows, .stats = &r->stats, .on_event = r->on_event, .wake_fd = -1,
	    .ctx = r->ctx, .watch_seconds = r->watch_seconds, .namespaces = r->namespaces};
	rig_guard g = {.cancel = r->cancel, .limit_ms = r->limit_ms ? r->limit_ms : 30000};
	pthread_t th;
	pthread_create(&th, NULL, rig_guard_run, &g);
	if (!ns_watch_run(&o, r->cancel, &err))
		fail_msg("%s", err.text);
	atomic_store(&g.done, true);
	pthread_join(th, NULL);
	ns_clock_free(clock);
}

static inline void rig_run(rig *r, const script_server *s)
{
	ns_err err = {0};
	ns_kubeconfig *k = ns_kubeconfig_load(kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, namespace: %s}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n",
	                                          r->ns ? r->ns : "default", s->port), NULL, &err);
	if (!k)
		fail_msg("%s", err.text);
	r->cancel = ns_cancel_new();
	rig_run_on(r, k);
	ns_cancel_free(r->cancel);
	ns_kubeconfig_free(k);
}
#endif
