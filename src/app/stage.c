#include "stage.h"
#include <stdlib.h>
#include "neuroscale/app/app.h"
#include "neuroscale/sys/fs.h"

enum { COST_EVERY_MS = 60 * 1000 };

bool ns_app_stage_open(ns_app_stage *t, const ns_config *cfg, const ns_sim_scenario *sc, const char *state_dir, ns_clock *clock, ns_err *err)
{
	char url[128] = "";
	char *kubeconfig = ns_path_join(state_dir, "kubeconfig");
	ns_sim_opts so = {.listen = "127.0.0.1:0", .scenario = sc->name, .clock = clock, .seed = 1};
	t->sim = ns_sim_start(&so, err);
	if (t->sim && ns_sim_write_kubeconfig(t->sim, kubeconfig, err) && (t->kc = ns_kubeconfig_load(kubeconfig, NULL, err))) {
		ns_engine_opts o;
		ns_sim_opencost_url(t->sim, url, sizeof url);
		ns_app_engine_opts(cfg, t->kc, clock, &o);
		o.mode = "demo";
		o.state_dir = state_dir;
		o.opencost_url = url;
		o.profile = sc->profile;
		o.cost_every_ms = COST_EVERY_MS;
		t->engine = ns_engine_start(&o, err);
	}
	free(kubeconfig);
	return t->engine != NULL;
}

void ns_app_stage_stop(ns_app_stage *t)
{
	ns_engine_stop(t->engine);
	t->engine = NULL;
}

void ns_app_stage_close(ns_app_stage *t)
{
	ns_app_stage_stop(t);
	ns_kubeconfig_free(t->kc);
	ns_sim_stop(t->sim);
	*t = (ns_app_stage){0};
}
