/* The worker pool: jobs are rows in the store, each claimed by exactly one worker, so that a dead engine loses none. */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"

typedef struct step_row {
	const char *kind;
	ns_agent agent;
	bool (*run)(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);
	int max_attempts; /* then a person looks at it */
	bool extra;       /* the incident goes on without it: it asks no cluster, is tried once, and its failure is nobody's work */
} step_row;

static const step_row steps[] = {
    {"analyze", NS_AG_ANALYZER, ns_step_analyze, 12, false},
    {"plan", NS_AG_PLANNER, ns_step_plan, 3, false},
    {"replan", NS_AG_PLANNER, ns_step_replan, 12, false},
    {"dryrun", NS_AG_EXECUTOR, ns_step_dryrun, 6, false},
    {"execute", NS_AG_EXECUTOR, ns_step_execute, 30, false},
    /* What they wait for is bounded by time, and they give themselves back. */
    {"arm", NS_AG_EXECUTOR, ns_step_arm, INT_MAX, false},
    {"undo", NS_AG_EXECUTOR, ns_step_undo, INT_MAX, false},
    {"summary", NS_AG_ESCALATION, ns_step_summary, 1, true},
};

static const step_row *find_step(const char *kind)
{
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (strcmp(steps[i].kind, kind) == 0)
			return &steps[i];
	return NULL;
}

void ns_engine_work(ns_engine *e)
{
	for (int i = 0; i < e->n_workers; i++)
		ns_wake_ring(e->workers[i].wake);
}

bool ns_give_up(ns_engine *e, ns_arena *ar, int64_t incident, const char *actor, const char *why, ns_err *err)
{
	ns_step s;
	bool ok = ns_step_begin(&s, e, ar, incident) && ns_step_move(&s, NS_ST_MANUAL_REVIEW, s.inc.verdict, actor, why) && ns_step_hold(&s) &&
	    ns_store_jobs_drop(e->store, incident, &s.err) && ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		if (err)
			*err = s.err;
	}
	return ok;
}

/* 1 s, 2 s, 4 s … 30 s of the engine's clock. */
static int64_t delay_of(int64_t attempts)
{
	int64_t d = 1000;
	for (int64_t i = 0; i < attempts && d < NS_LONGEST_RETRY_MS; i++)
		d *= 2;
	return d < NS_LONGEST_RETRY_MS ? d : NS_LONGEST_RETRY_MS;
}

/* Gives the claim back: done, or ready again after delay_ms. A claim that cannot be given back (a full disk) would be lost until the next
 * start, so it is tried until it works or we stop. A conflict: the job was dropped when its incident recovered. */
static void give_back(ns_worker *w, const ns_job *job, int64_t delay_ms)
{
	ns_store *st = w->e->store;
	for (;;) {
		ns_err err = {0};
		bool ok = ns_store_begin(st, &err);
		ok = ok && (delay_ms < 0 ? ns_store_job_done(st, job->id, &err) : ns_store_job_retry(st, job->id, ns_clock_wall_ms(w->e->o.clock) + delay_ms, &err));
		if (ok && ns_store_commit(st, &err))
			return;
		ns_store_rollback(st);
		if (err.code == NS_E_CONFLICT)
			return;
		ns_engine_store_says(w->e, &err);
		ns_log(NS_LOG_ERROR, "engine", "job %lld of incident %lld: %s", (long long)job->id, (long long)job->incident, err.text);
		if (!ns_cancel_sleep(w->cancel, ns_clock_real(), 1000))
			return;
	}
}

static void finish(ns_worker *w, const ns_job *job)
{
	give_back(w, job, -1);
}

static void again(ns_worker *w, const ns_job *job, int64_t delay_ms)
{
	give_back(w, job, delay_ms);
}

/* What may be the connection's or the credentials' fault is tried on a new one. */
static void drop_client(ns_worker *w)
{
	size_t i = (size_t)(w->cluster - w->e->clusters);
	ns_kube_client_free(w->clients[i]);
	w->clients[i] = w->client = NULL;
}

static bool have_client(ns_worker *w, ns_err *err)
{
	ns_cluster *c = w->cluster;
	ns_kube_client **mine = &w->clients[c - w->e->clusters];
	if (!*mine)
		*mine = ns_kube_client_new(c->o.cfg, &c->stats, w->cancel, err);
	w->client = *mine;
	return w->client || ns_err_wrap(err, "%s", c->o.name);
}

static void run_job(ns_worker *w, const ns_job *job)
{
	ns_engine *e = w->e;
	const step_row *row = find_step(job->kind);
	if (!row) {
		ns_log(NS_LOG_ERROR, "engine", "job %lld has an unknown kind \"%s\"", (long long)job->id, job->kind);
		finish(w, job);
		return;
	}
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	ns_agent_begin(e, row->agent, "%s #%lld", job->kind, (long long)job->incident);
	w->job_done = false;
	/* Its attempts count dead engines too: a job that kills whoever runs it must not be tried for ever. */
	bool ok = job->attempts < row->max_attempts ? (row->extra || have_client(w, &err)) && row->run(w, ar, job, &err) : ns_fail(&err, NS_E_FAILED, "the engine ended %lld times in it", (long long)job->attempts);
	ns_agent_end(e, row->agent, ok);
	if (!ok && !row->extra && (err.code == NS_E_UNREACHABLE || err.code == NS_E_TIMEOUT || err.code == NS_E_DENIED))
		drop_client(w);
	if (w->job_done) {
		/* ended by the step's own transaction */
	} else if (ok) {
		finish(w, job); /* nothing was left to do */
	} else if (row->extra) {
		ns_log(NS_LOG_WARN, "engine", "incident %lld, %s: %s", (long long)job->incident, job->kind, err.text);
		finish(w, job);
	} else if (!ns_cancel_fired(w->cancel)) {
		/* A moved incident (recovered, decided meanwhile) is not a failure: its job has nothing left to do. */
		ns_incident inc;
		bool gone = ns_store_incident_get(e->store, ar, job->incident, &inc, NULL) && ns_state_get(inc.state)->terminal;
		if (gone) {
			finish(w, job);
		} else if (job->attempts + 1 >= row->max_attempts && err.code != NS_E_NOSPACE) {
			ns_log(NS_LOG_WARN, "engine", "incident %lld, %s: %s", (long long)job->incident, job->kind, err.text);
			char why[600];
			snprintf(why, sizeof why, "%s failed %lld times: %s", job->kind, (long long)job->attempts + 1, err.text);
			if (!ns_give_up(e, ar, job->incident, "engine", why, &err))
				again(w, job, NS_LONGEST_RETRY_MS);
		} else {
			ns_log(NS_LOG_WARN, "engine", "incident %lld, %s, will try again: %s", (long long)job->incident, job->kind, err.text);
			if (err.code == NS_E_NOSPACE)
				ns_engine_store_says(e, &err);
			else if (!job->attempts) /* once: what is tried again and again would bury everything else */
				ns_engine_say(e, NS_LOG_WARN, "#%lld %s did not work and is tried again: %s", (long long)job->incident, job->kind, err.text);
			again(w, job, delay_of(job->attempts));
		}
	}
	ns_arena_free(ar);
}

/* ---- whose turn it is ---- */

/* A cluster that hangs must not hold all workers: each has so many places, and whoever finds none goes to the next cluster. */
static bool take_place(ns_cluster *c)
{
	if (!ns_cluster_made(c))
		return false;
	if (atomic_fetch_add(&c->busy, 1) < c->e->most_per_cluster)
		return true;
	atomic_fetch_sub(&c->busy, 1);
	return false;
}

static void leave_place(ns_cluster *c)
{
	if (atomic_fetch_sub(&c->busy, 1) == c->e->most_per_cluster)
		ns_engine_work(c->e); /* it was full: others may have passed it by */
}

/* A job of the next cluster in turn that is up and has a place free. NS_E_NOTFOUND when none is due. */
static bool claim(ns_worker *w, ns_arena *ar, ns_job *job, ns_err *err)
{
	ns_engine *e = w->e;
	ns_fail(err, NS_E_NOTFOUND, "no job is due");
	for (size_t i = 0; i < e->n_clusters; i++) {
		size_t k = (w->turn + i) % e->n_clusters;
		ns_cluster *c = &e->clusters[k];
		ns_err why = {0};
		if (!take_place(c))
			continue;
		int64_t due = ns_store_next_due(e->store, c->o.name);
		if (due >= 0 && due <= ns_clock_wall_ms(e->o.clock) && ns_store_job_claim(e->store, ar, c->o.name, job, &why)) {
			w->cluster = c;
			w->turn = (k + 1) % e->n_clusters;
			return true;
		}
		if (why.code != NS_OK && why.code != NS_E_NOTFOUND)
			*err = why;
		leave_place(c);
	}
	return false;
}

/* When a job is due that we could take: what waits for a place rings when there is one. Wall time, -1 never. */
static int64_t next_due(ns_engine *e)
{
	int64_t due = -1;
	for (size_t i = 0; i < e->n_clusters; i++) {
		ns_cluster *c = &e->clusters[i];
		if (ns_cluster_made(c) && atomic_load(&c->busy) < e->most_per_cluster)
			due = ns_sooner(due, ns_store_next_due(e->store, c->o.name));
	}
	return due;
}

/* Until the next job's time, or until somebody puts one in. A store in trouble is asked again in 5 s. */
static void wait_for_work(ns_worker *w, bool store_fine)
{
	const ns_clock *clock = w->e->o.clock;
	int64_t now = ns_clock_wall_ms(clock);
	int64_t due = store_fine ? next_due(w->e) : now + 5000;
	int64_t deadline = due < 0 ? -1 : ns_clock_mono_ms(clock) + (due > now ? due - now : 0);
	struct pollfd p[2] = {{.fd = ns_wake_fd(w->wake), .events = POLLIN}, {.fd = ns_cancel_fd(w->cancel), .events = POLLIN}};
	poll(p, 2, ns_clock_poll_ms(clock, deadline));
}

void ns_worker_run(void *worker, ns_cancel *cancel)
{
	ns_worker *w = worker;
	w->cancel = cancel;
	while (!ns_cancel_fired(cancel)) {
		ns_wake_clear(w->wake); /* before looking: what is put in from here on rings again */
		ns_arena *ar = ns_arena_new();
		ns_job job;
		ns_err err = {0};
		bool got = claim(w, ar, &job, &err);
		if (got) {
			run_job(w, &job);
			leave_place(w->cluster);
		} else if (err.code != NS_E_NOTFOUND) {
			ns_log(NS_LOG_ERROR, w->name, "%s", err.text);
		}
		ns_arena_free(ar);
		if (!got)
			wait_for_work(w, err.code == NS_E_NOTFOUND);
	}
	for (size_t i = 0; i < w->e->n_clusters; i++)
		ns_kube_client_free(w->clients[i]);
	w->client = NULL;
}
