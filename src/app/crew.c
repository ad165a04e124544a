#include "crew.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "neuroscale/base/thread.h"

enum {
	MAX_LOG = 1 << 20,
	APART_MS = 1000 /* between the first plays: what each does at its start would slow down all */,
	START_MS = 60 * 1000 /* what a busy machine may need beside the play itself */
};

typedef struct crew {
	const crew_job *jobs;
	size_t n, next, left; /* the next to play; runners that still work */
	int64_t begins;       /* of the newest runner: when it begins, on the real clock */
	crew_over over;
	void *ctx;
	const ns_cancel *leave; /* all of them at once; a runner's own cancel comes one after the other */
	pthread_mutex_t mu;
	ns_wake *done;
} crew;

extern char **environ;

static int deadline_ms(const crew_job *j)
{
	int64_t rate = j->rate > 0 ? j->rate : PLAY_RATE;
	return (int)(START_MS + 2 * (j->sc->horizon_ms + NS_SIM_LATER_MS) / rate);
}

static void play_one(crew *c, size_t i)
{
	for (bool again = true; again && !ns_cancel_fired(c->leave);) {
		const crew_job *j = &c->jobs[i];
		char rate[16], seed[16];
		snprintf(rate, sizeof rate, "%d", j->rate);
		snprintf(seed, sizeof seed, "%d", j->seed);
		const char *argv[] = {"neuroscale-tui", "demo", "--scenario", j->sc->name, "--rate", rate, "--seed", seed, "--mode",
		    play_modes[j->mode], j->figures ? "--json" : NULL, NULL};
		ns_spawn_req req = {.path = "/proc/self/exe",
		    .argv = argv,
		    .envp = (const char *const *)environ,
		    .inherit_fd = -1,
		    .deadline_ms = deadline_ms(j),
		    .max_output = MAX_LOG,
		    .cancel = c->leave};
		ns_spawn_res res = {0};
		ns_err err = {0};
		bool ran = ns_spawner_real.run(NULL, &req, &res, &err);
		pthread_mutex_lock(&c->mu);
		again = ns_cancel_fired(c->leave) ? false : !c->over(c->ctx, i, ran ? &res : NULL, &err);
		pthread_mutex_unlock(&c->mu);
		ns_spawn_res_free(&res);
	}
}

static void runner(void *ctx, ns_cancel *cancel)
{
	crew *c = ctx;
	pthread_mutex_lock(&c->mu);
	int64_t wait = c->begins - ns_real_mono_ms();
	c->begins += APART_MS;
	pthread_mutex_unlock(&c->mu);
	if (wait > 0)
		ns_cancel_sleep(cancel, ns_clock_real(), wait);
	for (bool more = true; more;) {
		pthread_mutex_lock(&c->mu);
		size_t i = c->next;
		more = i < c->n && !ns_cancel_fired(cancel) && !ns_cancel_fired(c->leave);
		c->next += more;
		c->left -= !more;
		pthread_mutex_unlock(&c->mu);
		if (more)
			play_one(c, i);
	}
	ns_wake_ring(c->done);
}

static bool working(crew *c)
{
	pthread_mutex_lock(&c->mu);
	bool some = c->left > 0;
	pthread_mutex_unlock(&c->mu);
	return some;
}

bool crew_run(const crew_job *jobs, size_t n, int at_once, crew_over over, void *ctx, const ns_cancel *cancel, ns_err *err)
{
	size_t runners = at_once < 1 ? 1 : at_once > CREW_MOST ? CREW_MOST : (size_t)at_once;
	crew c = {.jobs = jobs,
	    .n = n,
	    .left = runners,
	    .over = over,
	    .ctx = ctx,
	    .leave = cancel,
	    .done = ns_wake_new(),
	    .begins = ns_real_mono_ms()};
	const ns_service row = {"scenario", runner, &c};
	bool ok = true;
	pthread_mutex_init(&c.mu, NULL);
	ns_services *s = ns_services_new();
	for (size_t i = 0; ok && i < runners; i++)
		ok = ns_services_start(s, &row, err);
	struct pollfd p[2] = {{.fd = ns_wake_fd(c.done), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
	while (ok && working(&c) && !ns_cancel_fired(cancel)) {
		poll(p, 2, -1);
		ns_wake_clear(c.done);
	}
	ns_services_stop(s);
	ns_wake_free(c.done);
	pthread_mutex_destroy(&c.mu);
	return ok && (!ns_cancel_fired(cancel) || ns_fail(err, NS_E_CANCELLED, "stopped"));
}
