/* A simulated cluster and an engine that knows only its kubeconfig, on one clock: what the demo shows and what a scenario judges. */
#ifndef NEUROSCALE_APP_STAGE_H
#define NEUROSCALE_APP_STAGE_H
#include "neuroscale/config/config.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/sim/sim.h"

typedef struct ns_app_stage {
	ns_sim *sim;
	ns_kubeconfig *kc;
	ns_engine *engine;
} ns_app_stage;

/* True when all of it runs; closed by the caller in either case. The kubeconfig is written into state_dir. */
bool ns_app_stage_open(ns_app_stage *t, const ns_config *cfg, const ns_sim_scenario *sc, const char *state_dir, ns_clock *clock, ns_err *err);
void ns_app_stage_stop(ns_app_stage *t); /* the engine only: the cluster can still be asked */
void ns_app_stage_close(ns_app_stage *t);
#endif
