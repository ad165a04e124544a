/* The demo: a simulated cluster and an engine that knows only its kubeconfig, on one clock that runs faster. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"
#include "scenario.h"

enum { DEMO_RATE = 6 }; /* just fast enough to follow by eye */

char *ns_app_demo_dir(const ns_config *cfg)
{
	/* A state directory of one's own choice is where everything is, the demo included. */
	return ns_config_is_default(cfg, "state-dir") ? ns_xasprintf("%s-demo", cfg->state_dir) : ns_xstrdup(cfg->state_dir);
}

static int64_t wall_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool list_scenarios(void)
{
	for (const ns_sim_scenario *s = ns_sim_scenarios; s->name; s++)
		printf("%-24s %s\n", s->name, s->title);
	return true;
}

/* A demo starts from nothing. What --state-dir names may be anybody's directory: only one that a demo made is cleared, and of what is in
 * there only what a demo makes. */
static const char mark_text[] = "made by neuroscale-tui demo, which clears this directory when it starts\n";
static const char *const made_files[] = {"neuroscale.db", "neuroscale.db-wal", "neuroscale.db-shm", "neuroscale-tui.log", "engine.lock", "kubeconfig",
    "kubeconfig-1", "kubeconfig-2", "kubeconfig-3", "kubeconfig-4", "kubeconfig-5", "kubeconfig-6", "kubeconfig-7", "kubeconfig-8"};
static const char *const made_dirs[] = {"kubectl", "locks"};

static bool made_by_demo(const char *mark)
{
	ns_buf text = NS_BUF_INIT;
	bool ours = ns_read_file(mark, sizeof mark_text, &text, NULL) && strcmp(ns_buf_str(&text), mark_text) == 0;
	ns_buf_free(&text);
	return ours;
}

static bool clear(const char *dir, ns_err *err)
{
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof made_files / sizeof *made_files; i++) {
		char *path = ns_path_join(dir, made_files[i]);
		ok = unlink(path) == 0 || errno == ENOENT || ns_fail_errno(err, NS_E_IO, "remove %s", path);
		free(path);
	}
	for (size_t i = 0; ok && i < sizeof made_dirs / sizeof *made_dirs; i++) {
		char *path = ns_path_join(dir, made_dirs[i]);
		ok = ns_rm_tree(path, err);
		free(path);
	}
	return ok;
}

static bool fresh_dir(const char *dir, ns_err *err)
{
	char *mark = ns_path_join(dir, "demo"), *db = ns_path_join(dir, "neuroscale.db"), *lock = ns_path_join(dir, "engine.lock");
	bool ours = made_by_demo(mark), ok = true;
	if (!ours && ns_exists(db))
		ok = ns_fail(err, NS_E_DENIED, "%s holds the state of a real engine: the demo needs another --state-dir", dir);
	else if (!ours && !ns_dir_is_empty(dir))
		ok = ns_fail(err, NS_E_DENIED, "%s is not empty and no demo made it: the demo needs a --state-dir of its own", dir);
	else if (!ns_lock_is_free(lock))
		ok = ns_fail(err, NS_E_LOCKED, "a demo runs in %s already: quit it, or give this one another --state-dir", dir);
	else
		ok = clear(dir, err);
	ok = ok && ns_mkdirs(dir, 0700, err) && ns_write_file_atomic(mark, mark_text, sizeof mark_text - 1, 0600, err);
	free(mark);
	free(db);
	free(lock);
	return ok;
}

/* Everything behind the demo's screen, made behind its first frame. */
typedef struct backstage {
	const ns_config *cfg;
	ns_app_part cast[NS_STAGE_MOST];
	size_t n;
	const char *dir;
	ns_clock *clock;
	ns_app_stage stage;
	ns_door door;
	bool open;
} backstage;

static bool set_up(void *ctx, ns_door *out, ns_err *err)
{
	backstage *t = ctx;
	t->open = ns_app_stage_open(&t->stage, t->cfg, t->cast, t->n, t->dir, t->clock, err) && ns_engine_door(t->stage.engine, &t->door, err);
	*out = t->door;
	return t->open;
}

/* Several clusters differ as they would: what is wrong, how much may be done, how they are called. */
static void fill_cast(backstage *t, const ns_config *cfg)
{
	static const struct { const char *scenario, *name, *color; ns_profile profile; } parts[NS_STAGE_MOST] = {
	    {"demo", "prod-eu", "red", NS_PROFILE_APPROVE}, {"image-typo", "prod-us", "red", NS_PROFILE_OBSERVE},
	    {"crashloop-release", "staging", "green", NS_PROFILE_AUTO}, {"oom-twice", "prod-ap", "red", NS_PROFILE_APPROVE},
	    {"healthy", "qa", "cyan", NS_PROFILE_AUTO}, {"crashloop-secret", "payments", "magenta", NS_PROFILE_APPROVE},
	    {"kyverno-blocked", "data", "blue", NS_PROFILE_APPROVE}, {"storm", "edge", "yellow", NS_PROFILE_AUTO}};
	const ns_sim_scenario *chosen = ns_sim_scenario_find(cfg->scenario[0] ? cfg->scenario : "demo");
	t->n = (size_t)cfg->demo_clusters;
	for (size_t i = 0; i < t->n; i++) {
		const ns_sim_scenario *own = ns_sim_scenario_find(parts[i].scenario);
		t->cast[i] = (ns_app_part){.scenario = i && own ? own : chosen, .name = parts[i].name, .color = parts[i].color, .profile = parts[i].profile};
	}
	if (t->n == 1)
		t->cast[0] = (ns_app_part){.scenario = chosen, .profile = cfg->mode == PLAY_AUTO ? NS_PROFILE_AUTO : chosen->profile, .seed = (uint64_t)cfg->seed};
}

static int interactive(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	char *dir = ns_app_demo_dir(cfg);
	backstage t = {.cfg = cfg, .dir = dir,
	    .clock = ns_clock_scaled(cfg->rate > 0 ? cfg->rate : DEMO_RATE, ns_real_mono_ms(), wall_now())};
	ns_app_screen_opts so = {.state_dir = dir, .open = set_up, .open_ctx = &t, .clock = t.clock, .cancel = cancel};
	/* A key in the environment is no reason to send a demo's data out and to pay for it: whoever wants that names the service. */
	t.stage.ask_model = *cfg->model_url != '\0';
	fill_cast(&t, cfg);
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_INFO, t.clock);
	bool ok = fresh_dir(dir, &err) && ns_app_screen(cfg, &so, &err);
	if (t.open)
		t.door.close(t.door.ctx);
	ns_app_stage_close(&t.stage);
	ns_clock_free(t.clock);
	free(dir);
	return ok ? 0 : ns_app_failed(&err);
}

int ns_app_demo(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	if (strcmp(cfg->scenario, "list") == 0)
		return list_scenarios() ? 0 : 1;
	if (cfg->scenario[0] && !ns_sim_scenario_find(cfg->scenario)) {
		ns_fail(&err, NS_E_USAGE, "there is no scenario \"%s\": `neuroscale-tui demo --scenario list` prints them", cfg->scenario);
		return ns_app_failed(&err);
	}
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return interactive(cfg, cancel);
	if (cfg->demo_clusters > 1) {
		ns_fail(&err, NS_E_USAGE, "--clusters is for the demo's console: it needs a terminal");
		return ns_app_failed(&err);
	}
	if (cfg->json && !cfg->scenario[0]) {
		ns_fail(&err, NS_E_USAGE, "--json prints the figures of one scenario: it needs --scenario NAME");
		return ns_app_failed(&err);
	}
	if (!cfg->scenario[0])
		return ns_app_scenarios(cfg, cancel);
	char dir[] = "/tmp/neuroscale-scenario-XXXXXX";
	if (!mkdtemp(dir)) {
		ns_fail_errno(&err, NS_E_IO, "%s", dir);
		return ns_app_failed(&err);
	}
	bool ok = ns_app_scenario(cfg, dir, cancel, &err);
	ns_rm_tree(dir, NULL);
	return ok ? 0 : err.code ? ns_app_failed(&err) : 1;
}

int ns_app_sim(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	if (strcmp(cfg->scenario, "list") == 0)
		return list_scenarios() ? 0 : 1;
	int rate = cfg->rate > 0 ? cfg->rate : 1;
	ns_clock *clock = rate == 1 ? ns_clock_real() : ns_clock_scaled(rate, ns_real_mono_ms(), wall_now());
	char spec[96], url[128];
	char *path = ns_path_join(cfg->state_dir, "sim-kubeconfig");
	ns_sim_opts so = {.listen = cfg->listen, .scenario = cfg->scenario[0] ? cfg->scenario : NULL, .clock = clock, .seed = 1};
	ns_sim *sim = ns_sim_start(&so, &err);
	bool ok = sim && ns_mkdirs(cfg->state_dir, 0700, &err) && ns_sim_write_kubeconfig(sim, path, &err);
	if (ok) {
		ns_sim_opencost_url(sim, url, sizeof url);
		ns_clock_format(clock, spec, sizeof spec);
		printf("kubeconfig  %s\nserver      http://127.0.0.1:%d\nopencost    %s\n", path, ns_sim_port(sim), url);
		if (spec[0])
			printf("clock       %s\n", spec);
		printf("try         kubectl --kubeconfig %s get pods -A\n", path);
		fflush(stdout);
		struct pollfd p = {.fd = ns_cancel_fd(cancel), .events = POLLIN};
		while (!ns_cancel_fired(cancel) && (poll(&p, 1, -1) >= 0 || errno == EINTR))
			continue;
	}
	ns_sim_stop(sim);
	ns_clock_free(clock);
	free(path);
	return ok ? 0 : ns_app_failed(&err);
}
