/* What a seed changes in a scene: when things go wrong and in which order, how many replicas there are, how low a limit is. All of it
 * within bounds that leave the scenario's expectations true; names of pods, uids and the pace of each container follow the seed by
 * sim_hash(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_priv.h"

enum {
	COMMON_MS = 8 * 1000, /* the whole scene comes later by up to this */
	OWN_MS = 8 * 1000,    /* and each workload by up to this again */
	MIB_STEP = 8,
	YOUNGEST_MS = 6 * 1000, /* running pods are at least so old at the start: started and ready */
};
_Static_assert(COMMON_MS + OWN_MS == NS_SIM_LATER_MS, "what the header promises");

static int64_t pick(const ns_sim *s, const char *what, const char *whose, int64_t most)
{
	char text[300];
	snprintf(text, sizeof text, "vary/%s/%s", what, whose);
	return (int64_t)(sim_hash(s, text) % (uint64_t)(most + 1));
}

/* The first moment of its script, SIM_NEVER when nothing happens to it. */
static int64_t first_moment(const sim_work *w)
{
	int64_t at = w->fault ? w->fault_from_ms : SIM_NEVER;
	if (w->scale_at_ms && w->scale_at_ms < at)
		at = w->scale_at_ms;
	if (w->violation && w->violation_from_ms < at)
		at = w->violation_from_ms;
	for (const sim_rev *r = w->revs; r < w->revs + SIM_MAX_REVS && r->image; r++)
		if (r->at_ms > 0 && r->at_ms < at)
			at = r->at_ms;
	return at;
}

/* Its whole script, so that what belongs together stays so; pods that are young when it begins stay as young, as far as can be. */
static void move(sim_work *w, int64_t by)
{
	for (sim_rev *r = w->revs; r < w->revs + SIM_MAX_REVS && r->image; r++)
		r->at_ms += r->at_ms > 0 ? by : 0;
	w->fault_from_ms += w->fault ? by : 0;
	w->fault_until_ms += w->fault_until_ms ? by : 0;
	w->scale_at_ms += w->scale_at_ms ? by : 0;
	w->violation_from_ms += w->violation ? by : 0;
	if (w->pods_ms)
		w->pods_ms = w->pods_ms + by < -YOUNGEST_MS ? w->pods_ms + by : -YOUNGEST_MS;
}

/* The workloads that something happens to change places: who was first may be last. */
static void reorder(const ns_sim *s, sim_work *works, size_t n, int64_t common)
{
	size_t *at = ns_xcalloc(n + 1, sizeof *at), hit = 0;
	int64_t *moment = ns_xcalloc(n + 1, sizeof *moment);
	for (size_t i = 0; i < n; i++)
		if (first_moment(&works[i]) != SIM_NEVER) {
			moment[hit] = first_moment(&works[i]);
			at[hit++] = i;
		}
	for (size_t i = hit; i > 1; i--) {
		size_t j = (size_t)pick(s, "order", works[at[i - 1]].name, (int64_t)i - 1), keep = at[i - 1];
		at[i - 1] = at[j];
		at[j] = keep;
	}
	for (size_t i = 0; i < hit; i++) {
		sim_work *w = &works[at[i]];
		move(w, moment[i] - first_moment(w) + common + (s->scene->together ? 0 : pick(s, "own", w->name, OWN_MS)));
	}
	free(at);
	free(moment);
}

/* A limit that is too low is too low in other ways as well; what is counted (a spike, a full cluster) stays. */
static void resize(const ns_sim *s, sim_work *w, char limit[SIM_QUANTITY])
{
	if (!w->scale_to && w->replicas > 1)
		w->replicas += (int)pick(s, "replicas", w->name, 1);
	if (!w->limit_span_mib)
		return;
	int64_t mib = strtoll(w->mem_limit, NULL, 10) + MIB_STEP * pick(s, "limit", w->name, w->limit_span_mib / MIB_STEP);
	snprintf(limit, SIM_QUANTITY, "%lldMi", (long long)mib);
	w->mem_limit = limit;
}

void scene_open(ns_sim *s, const sim_scene *as_written, bool vary)
{
	sim_varied *v = &s->varied;
	size_t n = 0, things = 0;
	s->scene = as_written;
	if (!vary)
		return;
	while (as_written->works[n].name)
		n++;
	while (as_written->things && as_written->things[things].name)
		things++;
	v->scene = *as_written;
	v->scene.works = v->works = ns_xcalloc(n + 1, sizeof *v->works);
	v->limits = ns_xcalloc(n + 1, sizeof *v->limits);
	memcpy(v->works, as_written->works, n * sizeof *v->works);
	int64_t common = pick(s, "common", as_written->name, COMMON_MS);
	reorder(s, v->works, n, common);
	for (size_t i = 0; i < n; i++)
		resize(s, &v->works[i], v->limits[i]);
	if (things) {
		v->scene.things = v->things = ns_xcalloc(things + 1, sizeof *v->things);
		memcpy(v->things, as_written->things, things * sizeof *v->things);
		for (size_t i = 0; i < things; i++)
			v->things[i].at_ms += common;
	}
	if (v->scene.outage_until_ms) {
		v->scene.outage_from_ms += common;
		v->scene.outage_until_ms += common;
	}
	s->scene = &v->scene;
}

void scene_close(ns_sim *s)
{
	free(s->varied.works);
	free(s->varied.things);
	free(s->varied.limits);
}
