/* The driver: the one thread that moves the cluster. It handles what is due in order of due times, keeps the watches' time-outs, and
 * takes the API server away and brings it back. */
#include "watch_priv.h"
#include <stdlib.h>
#include <string.h>

enum { PRUNE_MS = 60 * 1000 };

static sim_wl *cluster_find(const ns_sim *s, const char *ns, const char *name)
{
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		if (!strcmp(s->cluster.wls[i].work->ns, ns) && !strcmp(s->cluster.wls[i].work->name, name))
			return &s->cluster.wls[i];
	return NULL;
}

/* ---- the start ---- */

static void seed_namespace(ns_sim *s, const char *ns)
{
	const int64_t made = -40LL * 24 * 3600 * 1000;
	if (world_get(&s->world, K_NAMESPACE, "", ns))
		return;
	cJSON *j = object_new(s, K_NAMESPACE, "", ns, made);
	ns_json_put_str(cJSON_AddObjectToObject(json_child(j, "metadata"), "labels"), "kubernetes.io/metadata.name", ns);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(cJSON_AddObjectToObject(j, "spec"), "finalizers"), cJSON_CreateString("kubernetes"));
	ns_json_put_str(cJSON_AddObjectToObject(j, "status"), "phase", "Active");
	world_put(s, K_NAMESPACE, j);
	j = object_new(s, K_CONFIGMAP, ns, "kube-root-ca.crt", made);
	ns_json_put_str(cJSON_AddObjectToObject(j, "data"), "ca.crt", "");
	world_put(s, K_CONFIGMAP, j);
}

static void add_works(ns_sim *s, const sim_work *works)
{
	for (const sim_work *w = works; w->name; w++) {
		s->cluster.wls = ns_xrealloc(s->cluster.wls, (s->cluster.n_wls + 1) * sizeof *s->cluster.wls);
		s->cluster.wls[s->cluster.n_wls++] =
		    (sim_wl){.work = w, .timeline_ms = 0, .sync_ms = SIM_NEVER, .scan_ms = SIM_NEVER, .exempt = -1};
		seed_namespace(s, w->ns);
	}
}

void cluster_seed(ns_sim *s)
{
	static const char *const always[] = {"default", "kube-system", "kube-public", "kube-node-lease"};
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		seed_namespace(s, always[i]);
	if (s->scene->exception_ns)
		seed_namespace(s, s->scene->exception_ns);
	add_works(s, sim_platform);
	add_works(s, s->scene->works);
	nodes_seed(s);
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		deployment_seed(s, &s->cluster.wls[i]);
	s->cluster.now = 0;
	kyverno_seed(s);
}

void cluster_free(ns_sim *s)
{
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		for (sim_rs *rs = s->cluster.wls[i].sets, *next; rs; rs = next) {
			next = rs->next;
			for (sim_pod *p = rs->pods, *np; p; p = np) {
				np = p->next;
				pod_free(p);
			}
			free(rs->template_text);
			free(rs);
		}
	free(s->cluster.wls);
}

/* ---- the script ---- */

static void earlier(int64_t *next, int64_t at, int64_t after)
{
	if (at > after && at < *next)
		*next = at;
}

bool fault_is_on(const sim_work *w, int64_t at)
{
	if (!w->fault || at < w->fault_from_ms)
		return false;
	int64_t since = at - w->fault_from_ms;
	return !w->fault_until_ms || (w->fault_every_ms ? since % w->fault_every_ms : since) < w->fault_until_ms - w->fault_from_ms;
}

/* The next moment after `after` at which it comes or goes. */
static int64_t fault_edge(const sim_work *w, int64_t after)
{
	int64_t next = SIM_NEVER, round = 0;
	if (w->fault_every_ms && after > w->fault_from_ms)
		round = (after - w->fault_from_ms) / w->fault_every_ms * w->fault_every_ms;
	earlier(&next, w->fault_from_ms + round, after);
	if (w->fault_until_ms)
		earlier(&next, w->fault_until_ms + round, after);
	if (w->fault_every_ms)
		earlier(&next, w->fault_from_ms + round + w->fault_every_ms, after);
	return next;
}

/* The next moment at which the script of a workload does something. */
static int64_t timeline_next(const sim_wl *wl)
{
	const sim_work *w = wl->work;
	int64_t next = SIM_NEVER, done = wl->timeline_ms;
	for (const sim_rev *r = w->revs; r < w->revs + SIM_MAX_REVS && r->image; r++)
		earlier(&next, r->at_ms, done);
	if (w->fault)
		earlier(&next, fault_edge(w, done), done);
	earlier(&next, w->scale_at_ms, done);
	return next;
}

static void timeline_step(ns_sim *s, sim_wl *wl, int64_t at)
{
	const sim_work *w = wl->work;
	bool turns = w->fault && fault_edge(w, wl->timeline_ms) == at;
	wl->timeline_ms = at;
	for (const sim_rev *r = w->revs; r < w->revs + SIM_MAX_REVS && r->image; r++)
		if (r->at_ms == at)
			deployment_roll(s, wl, r);
	if (w->scale_at_ms == at)
		deployment_scale(s, wl, w->scale_to);
	if (turns)
		for (sim_rs *rs = wl->sets; rs; rs = rs->next)
			for (sim_pod *p = rs->pods; p; p = p->next)
				pod_refault(s, p);
}

/* ---- what is due ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t wl_due(const sim_wl *wl)
{
	int64_t due = least(least(timeline_next(wl), wl->sync_ms), wl->scan_ms);
	for (const sim_rs *rs = wl->sets; rs; rs = rs->next)
		for (const sim_pod *p = rs->pods; p; p = p->next)
			due = least(due, p->due_ms);
	return due;
}

static void wl_step(ns_sim *s, sim_wl *wl, int64_t now)
{
	int64_t script = timeline_next(wl);
	if (script <= now)
		timeline_step(s, wl, script);
	for (sim_rs *rs = wl->sets; rs; rs = rs->next)
		for (sim_pod *p = rs->pods, *next; p; p = next) {
			next = p->next; /* the step may be its last */
			if (p->due_ms <= now)
				pod_step(s, p);
		}
	if (wl->sync_ms <= now)
		deployment_sync(s, wl);
	if (wl->scan_ms <= now)
		kyverno_scan(s, wl);
}

static int64_t outage_edge(ns_sim *s, int64_t now)
{
	const sim_scene *x = s->scene;
	s->outage_script = now >= x->outage_from_ms && now < x->outage_until_ms;
	if (now < x->outage_from_ms)
		return x->outage_from_ms;
	return now < x->outage_until_ms ? x->outage_until_ms : SIM_NEVER;
}

int64_t cluster_step(ns_sim *s, int64_t now)
{
	for (;;) {
		int64_t due = things_due(s);
		for (size_t i = 0; i < s->cluster.n_wls; i++)
			due = least(due, wl_due(&s->cluster.wls[i]));
		if (due > now)
			break;
		if (due > s->cluster.now)
			s->cluster.now = due;
		if (things_due(s) <= s->cluster.now)
			things_step(s);
		for (size_t i = 0; i < s->cluster.n_wls; i++)
			if (wl_due(&s->cluster.wls[i]) <= s->cluster.now)
				wl_step(s, &s->cluster.wls[i], s->cluster.now);
	}
	int64_t due = least(outage_edge(s, now), things_due(s));
	s->cluster.now = now;
	for (size_t i = 0; i < s->cluster.n_wls; i++)
		due = least(due, wl_due(&s->cluster.wls[i]));
	if (now >= s->prune_ms) {
		events_prune(s);
		s->prune_ms = now + PRUNE_MS;
	}
	return least(due, s->prune_ms);
}

void cluster_touched(ns_sim *s, sim_k k, const char *ns, const char *name)
{
	int64_t now = sim_now(s);
	if (k == K_DEPLOYMENT) {
		sim_wl *wl = cluster_find(s, ns, name);
		if (wl)
			wl->sync_ms = now;
	}
	if (k == K_POLEX)
		for (size_t i = 0; i < s->cluster.n_wls; i++)
			if (s->cluster.wls[i].work->violation)
				s->cluster.wls[i].scan_ms = least(s->cluster.wls[i].scan_ms, now);
	sim_kick(s);
}

/* ---- the thread ---- */

/* Brings the listener to where it should be. Stopping it joins the HTTP thread, which takes the lock: so without it. */
static void mind_outage(ns_sim *s)
{
	bool want = !(s->outage_asked || s->outage_script);
	if (want == s->serving)
		return;
	s->closing = !want;
	if (!want)
		watch_drop_all(s);
	pthread_mutex_unlock(&s->mu);
	ns_err err = {0};
	bool done = true;
	if (want)
		done = http_up(s, &err);
	else
		http_down(s);
	pthread_mutex_lock(&s->mu);
	if (done)
		s->serving = want;
	pthread_cond_broadcast(&s->cond);
}

/* Until something is due in the cluster, or a watch wants attention (in real milliseconds, on a clock that may be faster or stand still).
 */
static void wait(ns_sim *s, int64_t now, int64_t next, int64_t tick)
{
	int64_t tick_due = ns_real_mono_ms() + tick;
	if (tick >= 0)
		next = least(next, now + tick * ns_clock_rate(s->clock));
	while (!s->kicked && !s->stopping && sim_now(s) < next && (tick < 0 || ns_real_mono_ms() < tick_due))
		ns_clock_cond_wait(s->clock, &s->cond, &s->mu, s->t0_mono + next);
}

void driver_run(void *sim, ns_cancel *cancel)
{
	ns_sim *s = sim;
	(void)cancel; /* the condition variable is what wakes it; ns_sim_stop sets `stopping` */
	pthread_mutex_lock(&s->mu);
	while (!s->stopping) {
		s->kicked = false;
		int64_t now = sim_now(s), next = cluster_step(s, now), tick = watch_tick(s);
		mind_outage(s);
		wait(s, now, next, tick);
	}
	pthread_mutex_unlock(&s->mu);
}
