/* Simulated clusters and an engine that knows only their kubeconfigs, on one clock: what the demo shows and what a scenario judges. */
#ifndef NEUROSCALE_APP_STAGE_H
#define NEUROSCALE_APP_STAGE_H
#include "neuroscale/config/config.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/sim/sim.h"
#include "model.h"

enum { NS_STAGE_MOST = 8 };

/* One cluster of the cast. */
typedef struct ns_app_part {
	const ns_sim_scenario *scenario;
	const char *name, *color; /* NULL: as its kubeconfig calls it; none */
	ns_profile profile;
	uint64_t seed; /* 0: the script as written */
} ns_app_part;

typedef struct ns_app_stage {
	ns_sim *sim[NS_STAGE_MOST];
	ns_kubeconfig *kc[NS_STAGE_MOST];
	size_t n;
	ns_engine *engine;
	bool ask_model; /* set it before opening: the model service of the configuration analyses; else nothing is asked anywhere */
	app_model model;
} ns_app_stage;

/* True when all of it runs; closed by the caller in either case. The kubeconfigs are written into state_dir: "kubeconfig", or "kubeconfig-1" …
 * of several. */
bool ns_app_stage_open(ns_app_stage *t, const ns_config *cfg, const ns_app_part *cast, size_t n, const char *state_dir, ns_clock *clock, ns_err *err);
void ns_app_stage_stop(ns_app_stage *t); /* the engine only: the clusters can still be asked */
void ns_app_stage_close(ns_app_stage *t);
#endif
