/* For the tests of the engine: a simulated cluster on a fast clock, the engine's options against it, and readers of what was recorded.
 * Needs a real kubectl for whatever is sent. Times called "sim" are of the fast clock. */
#ifndef NEUROSCALE_TESTS_ENGINE_RIG_H
#define NEUROSCALE_TESTS_ENGINE_RIG_H
#include <time.h>
#include <unistd.h>
#include "neuroscale/base/log.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/sim/sim.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"

#define MINUTES(n) ((n) * 60000LL)

typedef struct rig {
	char *dir, *state, *kubeconfig; /* dir is the test's own; the state directory is in it */
	char spec[64];                  /* the clock, for another process */
	ns_clock *clock;
	ns_sim *sim;
} rig;

/* The same three words of options for an engine in this process and in another. */
typedef struct rig_want {
	const char *kubectl;
	ns_profile profile;
	bool lease;
	int64_t approval_ms;
} rig_want;

static inline char *rig_find_kubectl(void)
{
	const char *path = getenv("PATH");
	return ns_find_program("kubectl", path ? path : "/usr/local/bin:/usr/bin:/bin");
}

static inline bool rig_open(rig *r, const char *scenario, int rate, ns_err *err)
{
	struct timespec t;
	const char *base = getenv("TMPDIR");
	memset(r, 0, sizeof *r);
	clock_gettime(CLOCK_REALTIME, &t);
	r->dir = ns_xasprintf("%s/neuroscale-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(r->dir))
		return ns_fail_errno(err, NS_E_IO, "%s", r->dir);
	r->state = ns_path_join(r->dir, "state");
	r->kubeconfig = ns_path_join(r->dir, "kubeconfig");
	r->clock = ns_clock_scaled(rate, ns_real_mono_ms(), (int64_t)t.tv_sec * 1000);
	ns_clock_format(r->clock, r->spec, sizeof r->spec);
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = r->clock, .seed = 1};
	r->sim = ns_sim_start(&o, err);
	return r->sim && ns_mkdirs(r->state, 0700, err) && ns_sim_write_kubeconfig(r->sim, r->kubeconfig, err);
}

static inline void rig_close(rig *r)
{
	if (r->sim)
		ns_sim_stop(r->sim);
	if (r->clock)
		ns_clock_free(r->clock);
	if (r->dir && !getenv("NS_TEST_KEEP"))
		ns_rm_tree(r->dir, NULL);
	free(r->dir);
	free(r->state);
	free(r->kubeconfig);
	memset(r, 0, sizeof *r);
}

/* c is the one cluster; it lives as long as o. */
static inline void rig_engine_opts(ns_engine_opts *o, ns_cluster_opts *c, const ns_kubeconfig *cfg, const ns_clock *clock, const char *state, const rig_want *w)
{
	*c = (ns_cluster_opts){.cfg = cfg, .name = "sim", .profile = w->profile, .lease_required = w->lease};
	*o = (ns_engine_opts){.clusters = c, .n_clusters = 1, .mode = "demo", .state_dir = state, .kubectl = w->kubectl, .clock = clock,
	    .approval_timeout_ms = w->approval_ms, .control_socket = true};
}

static inline void rig_nap(int ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	nanosleep(&t, NULL);
}

/* The newest incident of a workload in the picture, NULL none. */
static inline const ns_inc_row *rig_row(const ns_snapshot *s, const char *ns, const char *name)
{
	const ns_inc_row *found = NULL;
	for (size_t i = 0; s && i < s->n_incidents; i++)
		if (strcmp(s->incidents[i].ns, ns) == 0 && strcmp(s->incidents[i].target, name) == 0 && (!found || s->incidents[i].id > found->id))
			found = &s->incidents[i];
	return found;
}

/* ---- the record, as somebody else than the engine reads it ---- */

static inline size_t rig_count_facts(ns_store *st, ns_arena *ar, int64_t incident, const char *name)
{
	ns_fact_row *rows;
	size_t n, k = 0;
	if (!ns_store_facts(st, ar, incident, &rows, &n, NULL))
		return 0;
	for (size_t i = 0; i < n; i++)
		k += strcmp(rows[i].name, name) == 0;
	return k;
}

static inline size_t rig_count_audit(ns_store *st, ns_arena *ar, int64_t incident, const char *action)
{
	ns_audit_row *rows;
	size_t n, k = 0;
	if (!ns_store_audit_rows(st, ar, incident, 10000, &rows, &n, NULL))
		return 0;
	for (size_t i = 0; i < n; i++)
		k += strcmp(rows[i].action, action) == 0;
	return k;
}
#endif
