#include "stage.h"
#include <stdio.h>
#include <stdlib.h>
#include "neuroscale/app/app.h"
#include "neuroscale/sys/fs.h"

enum { COST_EVERY_MS = 60 * 1000 };

static bool open_sim(ns_app_stage *t, const ns_app_part *part, size_t i, size_t n, const char *state_dir, ns_clock *clock, ns_err *err)
{
	char file[32] = "kubeconfig";
	if (n > 1)
		snprintf(file, sizeof file, "kubeconfig-%zu", i + 1);
	char *path = ns_path_join(state_dir, file);
	ns_sim_opts so = {.listen = "127.0.0.1:0", .scenario = part->scenario->name, .clock = clock, .seed = part->seed ? part->seed : i + 1,
	    .vary = part->seed != 0};
	t->n = i + 1;
	t->sim[i] = ns_sim_start(&so, err);
	bool ok = t->sim[i] && ns_sim_write_kubeconfig(t->sim[i], path, err) && (t->kc[i] = ns_kubeconfig_load(path, NULL, err));
	free(path);
	return ok;
}

bool ns_app_stage_open(ns_app_stage *t, const ns_config *cfg, const ns_app_part *cast, size_t n, const char *state_dir, ns_clock *clock, ns_err *err)
{
	ns_cluster_opts c[NS_STAGE_MOST];
	char url[NS_STAGE_MOST][128];
	for (size_t i = 0; i < n && i < NS_STAGE_MOST; i++) {
		if (!open_sim(t, &cast[i], i, n, state_dir, clock, err))
			return false;
		ns_sim_opencost_url(t->sim[i], url[i], sizeof url[i]);
		ns_app_cluster_opts(cfg, t->kc[i], &c[i]);
		c[i].name = cast[i].name;
		c[i].color = cast[i].color;
		c[i].profile = cast[i].profile;
		c[i].opencost_url = url[i];
		c[i].cost_every_ms = COST_EVERY_MS;
	}
	ns_engine_opts o;
	ns_app_engine_opts(cfg, c, t->n, clock, &o);
	o.mode = "demo";
	o.state_dir = state_dir;
	t->engine = t->ask_model ? app_model_engine(&t->model, cfg, &o, NULL, err) : ns_engine_start(&o, err);
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
	app_model_close(&t->model);
	for (size_t i = 0; i < t->n; i++) {
		ns_kubeconfig_free(t->kc[i]);
		ns_sim_stop(t->sim[i]);
	}
	*t = (ns_app_stage){0};
}
