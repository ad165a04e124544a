/* Between the rule table (detector_rules.c) and its tests: what a test may use, and the tests themselves. */
#ifndef NEUROSCALE_AGENTS_DETECTOR_RULES_H
#define NEUROSCALE_AGENTS_DETECTOR_RULES_H
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum {
	DT_MINUTE = 60000,
	DT_SHOWN_MS = 5000,        /* a failure that was over at once counts as one at least that long; the row's recovery begins then */
	DT_FRESH_MS = 10 * 60000,  /* what ended for good is news that long */
	DT_GREW_WITHIN_MS = 10 * 60000
};

static inline bool dt_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
/* Time of the API server to a deadline on our monotonic clock. */
void dt_look_again(const dt_env *e, dt_finding *f, int64_t wall_ms);
void dt_member(const dt_env *e, dt_finding *f, dt_pod *p);
/* The first that fails gives the words; the others are counted in. p NULL: the workload as a whole. */
void dt_found(const dt_env *e, dt_finding *f, dt_pod *p, const char *container, const char *reason, const char *message);
/* True, and a time to look again, while wall lies before from + ms. */
bool dt_too_early(const dt_env *e, dt_finding *f, int64_t from, int64_t ms);
bool dt_over(const dt_pod *p); /* it has run to its end, good or bad */
/* A volume claim is broken, and not just waiting for what uses it. *wait: that is decided only later (f is told when to look again). */
bool dt_claim_wrong(const dt_env *e, dt_finding *f, const dt_thing *t, bool *wait);
/* The newest failed Job of it; not when a later run went well, nor after a day. NULL none. */
const dt_thing *dt_failed_job(const dt_env *e, dt_finding *f, const dt_work *w);
const dt_thing *dt_thing_at(const dt_work *w, dt_sort sort);

/* Pods that can be judged: not those being deleted, nor those whose node does not answer. */
#define DT_EACH_POD(e, w, p)                                \
	for (size_t pod_i = 0; pod_i < (w)->n_pods; pod_i++) \
		for (dt_pod *p = (w)->pods[pod_i]; p && !p->deleting && !dt_adrift((e)->d, p); p = NULL)
#define DT_EACH_CONTAINER(p, c) for (const dt_container *c = (p)->c; c < (p)->c + (p)->n_c; c++)

typedef void dt_test(const dt_env *e, dt_work *w, dt_finding *f);
/* detector_rules_pods.c */
dt_test dt_test_oom, dt_test_crashloop, dt_test_exits, dt_test_image, dt_test_config, dt_test_mount, dt_test_claim_missing, dt_test_unschedulable,
    dt_test_probe_kills, dt_test_unready, dt_test_evicted, dt_test_failed, dt_test_stuck;
/* detector_rules_work.c */
dt_test dt_test_deadline, dt_test_replica_failure, dt_test_stalled, dt_test_job, dt_test_cron, dt_test_autoscaler, dt_test_maxed_out, dt_test_kyverno,
    dt_test_cost, dt_test_budget;
/* detector_rules_world.c */
dt_test dt_test_node_down, dt_test_node_pressure, dt_test_claim, dt_test_certificate, dt_test_sync_failed, dt_test_app_health, dt_test_drift, dt_test_external;
#endif
