/* All scenarios, each in a process of its own, a few at a time; their logs are printed whole, one after the other. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/sim/sim.h"
#include "neuroscale/sys/spawn.h"

enum { MAX_AT_ONCE = 8, DEADLINE_MS = 110000, MAX_LOG = 1 << 20 };

typedef struct crew {
	const ns_config *cfg;
	const ns_cancel *leave;      /* all of them at once; a runner's own cancel comes one after the other */
	pthread_mutex_t mu;
	const ns_sim_scenario *next; /* the next to run */
	size_t passed, failed;
	ns_buf summary;
	ns_wake *done;
	size_t left;                 /* runners that still work */
} crew;

extern char **environ;

static void run_one(crew *c, const ns_sim_scenario *sc)
{
	char rate[16];
	snprintf(rate, sizeof rate, "%d", c->cfg->rate);
	const char *argv[] = {"neuroscale-tui", "demo", "--scenario", sc->name, "--rate", rate, NULL};
	ns_spawn_req req = {.path = "/proc/self/exe", .argv = argv, .envp = (const char *const *)environ, .inherit_fd = -1, .deadline_ms = DEADLINE_MS,
	    .max_output = MAX_LOG, .cancel = c->leave};
	ns_spawn_res res = {0};
	ns_err err = {0};
	bool ran = ns_spawner_real.run(NULL, &req, &res, &err);
	bool ok = ran && res.exit_code == 0;
	const char *out = ns_buf_str(&res.out), *last = out;
	for (const char *p = out; (p = strchr(p, '\n')) && p[1]; p++)
		last = p + 1;

	pthread_mutex_lock(&c->mu);
	printf("--- %s: %s\n    %s\n%s%s", sc->name, sc->title, sc->teaches, out, ns_buf_str(&res.err_out));
	if (!ran)
		printf("FAILED %s: %s\n", sc->name, err.text);
	else if (res.timed_out)
		printf("FAILED %s: not over after %d s\n", sc->name, DEADLINE_MS / 1000);
	fflush(stdout);
	const char *words = ran ? strstr(last, sc->name) : NULL; /* the verdict begins with what the summary's columns say */
	if (words)
		words += strlen(sc->name) + strspn(words + strlen(sc->name), ": ");
	ns_buf_printf(&c->summary, "%s  %-22s %s", ok ? "ok    " : "FAILED", sc->name, words && *words ? words : "no verdict\n");
	*(ok ? &c->passed : &c->failed) += 1;
	pthread_mutex_unlock(&c->mu);
	ns_spawn_res_free(&res);
}

static void runner(void *ctx, ns_cancel *cancel)
{
	crew *c = ctx;
	for (;;) {
		pthread_mutex_lock(&c->mu);
		const ns_sim_scenario *sc = ns_cancel_fired(cancel) || ns_cancel_fired(c->leave) || !c->next->name ? NULL : c->next++;
		if (!sc)
			c->left--;
		pthread_mutex_unlock(&c->mu);
		if (!sc)
			break;
		run_one(c, sc);
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

int ns_app_scenarios(const ns_config *cfg, const ns_cancel *cancel)
{
	crew c = {.cfg = cfg, .leave = cancel, .next = ns_sim_scenarios, .done = ns_wake_new(), .left = MAX_AT_ONCE};
	ns_err err = {0};
	pthread_mutex_init(&c.mu, NULL);
	ns_services *s = ns_services_new();
	for (int i = 0; i < MAX_AT_ONCE; i++) {
		ns_service row = {"scenario", runner, &c};
		if (!ns_services_start(s, &row, &err)) {
			ns_services_stop(s);
			return ns_app_failed(&err);
		}
	}
	struct pollfd p[2] = {{.fd = ns_wake_fd(c.done), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
	while (working(&c) && !ns_cancel_fired(cancel)) {
		poll(p, 2, -1);
		ns_wake_clear(c.done);
	}
	ns_services_stop(s);
	printf("\n%s%zu scenarios ended as they must, %zu did not\n", ns_buf_str(&c.summary), c.passed, c.failed);
	bool ok = c.failed == 0 && c.passed > 0 && !ns_cancel_fired(cancel);
	ns_buf_free(&c.summary);
	ns_wake_free(c.done);
	pthread_mutex_destroy(&c.mu);
	return ok ? 0 : 1;
}
