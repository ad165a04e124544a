/* Start, stop, and what tests may do. */
#include "neuroscale/sys/fs.h"
#include "watch_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t sim_now(const ns_sim *s)
{
	return ns_clock_mono_ms(s->clock) - s->t0_mono;
}

void sim_stamp(const ns_sim *s, int64_t rel_ms, char out[32])
{
	ns_time_format(s->t0_wall + rel_ms, out);
}

void sim_stamp_micro(const ns_sim *s, int64_t rel_ms, char out[40])
{
	ns_time_format_micro(s->t0_wall + rel_ms, out);
}

void sim_kick(ns_sim *s)
{
	s->kicked = true;
	pthread_cond_broadcast(&s->cond);
}

const ns_sim_scenario *ns_sim_scenario_find(const char *name)
{
	for (const ns_sim_scenario *x = ns_sim_scenarios; x->name; x++)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

static const sim_scene *scene_find(const char *name)
{
	for (const sim_scene *x = sim_scenes; x->name; x++)
		if (!strcmp(x->name, name))
			return x;
	return NULL;
}

ns_sim *ns_sim_start(const ns_sim_opts *o, ns_err *err)
{
	const char *name = o->scenario ? o->scenario : ns_sim_scenarios[0].name;
	const ns_sim_scenario *scenario = ns_sim_scenario_find(name);
	const sim_scene *scene = scene_find(name);
	if (!scenario || !scene) {
		ns_fail(err, NS_E_USAGE, "there is no scenario \"%s\": `neuroscale-tui sim --scenario list` prints them", name);
		return NULL;
	}
	ns_sim *s = ns_xcalloc(1, sizeof *s);
	pthread_mutex_init(&s->mu, NULL);
	ns_cond_init(&s->cond);
	s->clock = o->clock ? o->clock : ns_clock_real();
	s->seed = o->seed;
	s->t0_mono = ns_clock_mono_ms(s->clock);
	s->t0_wall = ns_clock_wall_ms(s->clock);
	s->scenario = scenario;
	scene_open(s, scene, o->vary);
	s->threads = ns_services_new();
	world_init(&s->world);
	pthread_mutex_lock(&s->mu);
	cluster_seed(s);
	pthread_mutex_unlock(&s->mu);
	const ns_service row = {"sim-driver", driver_run, s};
	if (!http_open(s, o->listen ? o->listen : "127.0.0.1:0", err) || !http_up(s, err)) {
		ns_sim_stop(s);
		return NULL;
	}
	s->serving = true;
	if (!ns_services_start(s->threads, &row, err)) {
		ns_sim_stop(s);
		return NULL;
	}
	return s;
}

void ns_sim_stop(ns_sim *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->mu);
	s->stopping = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mu);
	ns_services_stop(s->threads);
	if (s->http) {
		pthread_mutex_lock(&s->mu);
		s->closing = true;
		watch_drop_all(s);
		pthread_mutex_unlock(&s->mu);
		http_down(s);
		http_close(s);
	}
	snaps_free(s);
	cluster_free(s);
	scene_close(s);
	world_free(&s->world);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->mu);
	free(s);
}

int ns_sim_port(const ns_sim *s)
{
	return s->port;
}

bool ns_sim_write_kubeconfig(const ns_sim *s, const char *path, ns_err *err)
{
	const char *context = !strcmp(s->scenario->name, "demo") ? "demo-cluster" : "sim";
	char *text = ns_xasprintf("apiVersion: v1\n"
	                          "kind: Config\n"
	                          "clusters:\n"
	                          "- name: %s\n"
	                          "  cluster:\n"
	                          "    server: http://127.0.0.1:%d\n"
	                          "users:\n"
	                          "- name: demo-operator\n"
	                          "  user: {}\n"
	                          "contexts:\n"
	                          "- name: %s\n"
	                          "  context:\n"
	                          "    cluster: %s\n"
	                          "    user: demo-operator\n"
	                          "current-context: %s\n",
	    context, s->port, context, context, context);
	bool ok = ns_write_file_atomic(path, text, strlen(text), 0600, err);
	free(text);
	return ok;
}

void ns_sim_opencost_url(const ns_sim *s, char *out, size_t cap)
{
	snprintf(out, cap, "http://127.0.0.1:%d/opencost", s->port);
}

void ns_sim_outage(ns_sim *s, bool on)
{
	pthread_mutex_lock(&s->mu);
	s->outage_asked = on;
	sim_kick(s);
	while (s->serving == (s->outage_asked || s->outage_script))
		pthread_cond_wait(&s->cond, &s->mu);
	pthread_mutex_unlock(&s->mu);
}

void ns_sim_drop_watches(ns_sim *s)
{
	pthread_mutex_lock(&s->mu);
	watch_drop_all(s);
	pthread_mutex_unlock(&s->mu);
}

void ns_sim_compact(ns_sim *s)
{
	pthread_mutex_lock(&s->mu);
	world_compact(&s->world);
	snaps_free(s);
	pthread_mutex_unlock(&s->mu);
}

/* Callers hold a const simulator: counting and reading change nothing that they asked for, but take the lock and let time pass. */
static ns_sim *unlocked(const ns_sim *s)
{
	union {
		const ns_sim *c;
		ns_sim *m;
	} u = {s};
	return u.m;
}

int64_t ns_sim_mutations(const ns_sim *s, const char *ns, const char *name)
{
	int64_t n = 0;
	pthread_mutex_lock(&unlocked(s)->mu);
	for (size_t i = 0; i < s->world.n_mutated; i++)
		if ((!ns || !strcmp(ns, s->world.mutated[i].ns)) && (!name || !strcmp(name, s->world.mutated[i].name)))
			n += s->world.mutated[i].n;
	pthread_mutex_unlock(&unlocked(s)->mu);
	return n;
}

/* "apps/v1/deployments", "v1/pods". */
static const sim_kind *parse_resource(const char *text)
{
	char a[128], b[64], c[64];
	int n = sscanf(text, "%127[^/]/%63[^/]/%63s", a, b, c);
	return n == 3 ? kind_find(a, b, c) : n == 2 ? kind_find("", a, b) : NULL;
}

char *ns_sim_object(const ns_sim *s, const char *resource, const char *ns, const char *name)
{
	const sim_kind *k = parse_resource(resource);
	char *text = NULL;
	pthread_mutex_lock(&unlocked(s)->mu);
	cluster_step(unlocked(s), sim_now(s));
	const sim_obj *o = k ? world_get(&s->world, k->store, ns ? ns : "", name) : NULL;
	if (o)
		text = ns_xstrdup(o->cur->text);
	pthread_mutex_unlock(&unlocked(s)->mu);
	return text;
}

bool ns_sim_put(ns_sim *s, const char *resource, const char *json, ns_err *err)
{
	const sim_kind *k = parse_resource(resource);
	if (!k)
		return ns_fail(err, NS_E_NOTFOUND, "simulator: no resource \"%s\"", resource);
	cJSON *j = ns_json_parse(json, strlen(json), &ns_json_strict, err);
	if (!j || !*ns_json_str(j, "metadata.name", "")) {
		cJSON_Delete(j);
		return ns_fail(err, NS_E_INVALID, "simulator: an object needs metadata.name");
	}
	pthread_mutex_lock(&s->mu);
	world_put(s, k->store, j);
	pthread_mutex_unlock(&s->mu);
	return true;
}

bool ns_sim_deny(ns_sim *s, const char *verb, const char *resource, bool deny)
{
	const sim_kind *k = parse_resource(resource);
	unsigned bit = verb_bit(verb);
	if (!k || !bit)
		return false;
	pthread_mutex_lock(&s->mu);
	if (deny)
		s->world.denied_verbs[k->id] |= bit;
	else
		s->world.denied_verbs[k->id] &= ~(int64_t)bit;
	pthread_mutex_unlock(&s->mu);
	return true;
}
