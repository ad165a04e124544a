/* Console and headless on a real cluster, and the verbs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"
#include "neuroscale/cli/cli.h"
#include "neuroscale/engine/control.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"
#include "neuroscale/tui/tui.h"

int ns_app_failed(const ns_err *err)
{
	fprintf(stderr, "neuroscale-tui: %s\n", err->text);
	return ns_code_lookup(err->code)->exit_status;
}

static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

void ns_app_engine_opts(const ns_config *cfg, const ns_kubeconfig *kc, const ns_clock *clock, ns_engine_opts *o)
{
	*o = (ns_engine_opts){
	    .cfg = kc,
	    .cluster = cfg->cluster[0] ? cfg->cluster : kc->context,
	    .mode = "live",
	    .state_dir = cfg->state_dir,
	    .kubectl = or_null(cfg->kubectl),
	    .runbook_dir = or_null(cfg->runbook_dir),
	    .opencost_url = cfg->opencost_url,
	    .clock = clock,
	    .profile = (ns_profile)cfg->profile,
	    .approval_timeout_ms = cfg->approval_timeout_ms,
	    .cooldown_ms = cfg->cooldown_ms,
	    .actions_per_hour = cfg->actions_per_hour,
	    .target_cooldown_ms = cfg->target_cooldown_ms,
	    .freeze = cfg->freeze,
	    .lease_ns = cfg->lease_ns,
	    .lease_required = true,
	    .nonprod_labels = cfg->nonprod_labels,
	    .protected_ns = cfg->protected_ns,
	    .exception_ns = cfg->exception_ns,
	    .cost_rule = {.min_ratio = cfg->cost_ratio, .min_per_day = cfg->cost_min_per_day},
	    .cost_every_ms = cfg->cost_every_ms,
	    .control_socket = true,
	    .am_listen = cfg->am_listen,
	    .am_token_file = cfg->am_token_file,
	    .am_cluster_label = cfg->am_cluster_label,
	    .am_expire_ms = cfg->am_expire_ms,
	};
	o->limits = ns_plan_limits_default;
	o->limits.mem_factor = cfg->mem_factor;
	o->limits.mem_cap = cfg->mem_cap;
	o->limits.scale_max = cfg->scale_max;
	o->limits.exception_ttl_hours = (int)(cfg->exception_ttl_ms / 3600000);
	o->limits.allowed_actions = cfg->allowed_actions;
}

static bool is_loopback(const char *server)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (strncmp(server, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

/* A simulated cluster's clock would make 300 s of silence pass in seconds: never on anything that could be a real cluster. */
static ns_clock *pick_clock(const ns_config *cfg, const ns_kubeconfig *kc, ns_err *err)
{
	if (!cfg->clock[0])
		return ns_clock_real();
	if (!is_loopback(kc->server)) {
		ns_fail(err, NS_E_DENIED, "--clock is for a simulated cluster on loopback; %s is not one", kc->server);
		return NULL;
	}
	return ns_clock_parse(cfg->clock, err);
}

bool ns_app_screen(const ns_config *cfg, const ns_app_screen_opts *so, ns_err *err)
{
	ns_theme theme;
	ns_err theme_err = {0};
	char user[96];
	char *path = ns_path_join(so->state_dir, "neuroscale-tui.log");
	ns_mkdirs(so->state_dir, 0700, NULL); /* a failure shows itself when the engine takes it */
	int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (log_fd >= 0) { /* whatever a library prints must not land on the screen */
		ns_log_redirect(log_fd);
		dup2(log_fd, STDERR_FILENO);
	}
	if (!ns_theme_load(cfg->theme, &theme, &theme_err))
		ns_log(NS_LOG_WARN, "tui", "%s", theme_err.text);
	ns_uid_words(getuid(), user, sizeof user);
	ns_tui_opts o = {.door = so->door, .open = so->open, .open_ctx = so->open_ctx, .theme = &theme, .no_color = cfg->no_color,
	    .cancel = so->cancel, .clock = so->clock, .user = user, .trouble = theme_err.text};
	bool ok = ns_tui_run(&o, err);
	if (saved >= 0) {
		dup2(saved, STDERR_FILENO);
		close(saved);
	}
	ns_log_redirect(STDERR_FILENO);
	if (log_fd >= 0)
		close(log_fd);
	free(path);
	return ok;
}

static int attach(const ns_config *cfg, ns_door *door, const ns_cancel *cancel)
{
	ns_err err = {0};
	/* The clock is the engine's: its first picture names it. */
	ns_app_screen_opts so = {.state_dir = cfg->state_dir, .door = door, .clock = ns_clock_real(), .cancel = cancel};
	bool ok = ns_app_screen(cfg, &so, &err);
	door->close(door->ctx);
	return ok ? 0 : ns_app_failed(&err);
}

/* The engine of this console, started behind its first frame. */
typedef struct own_engine {
	const ns_config *cfg;
	ns_kubeconfig *kc;
	const ns_clock *clock;
	ns_engine *engine;
	ns_door door;
	bool open;
} own_engine;

static bool open_own(void *ctx, ns_door *out, ns_err *err)
{
	own_engine *w = ctx;
	ns_engine_opts o;
	ns_app_engine_opts(w->cfg, w->kc, w->clock, &o);
	w->engine = ns_engine_start(&o, err);
	w->open = w->engine && ns_engine_door(w->engine, &w->door, err);
	*out = w->door;
	return w->open;
}

int ns_app_console(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	ns_door door;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		ns_fail(&err, NS_E_USAGE, "the console needs a terminal: use --headless without one, or `neuroscale-tui incidents`");
		return ns_app_failed(&err);
	}
	if (ns_door_connect(cfg->state_dir, &door, NULL))
		return attach(cfg, &door, cancel);
	own_engine w = {.cfg = cfg, .kc = ns_kubeconfig_load(or_null(cfg->kubeconfig), or_null(cfg->context), &err)};
	ns_clock *clock = w.kc ? pick_clock(cfg, w.kc, &err) : NULL;
	bool ok = false;
	if (clock) {
		ns_app_screen_opts so = {.state_dir = cfg->state_dir, .open = open_own, .open_ctx = &w, .clock = clock, .cancel = cancel};
		w.clock = clock;
		ns_log_init(STDERR_FILENO, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, clock);
		ok = ns_app_screen(cfg, &so, &err);
		if (w.open)
			w.door.close(w.door.ctx);
		ns_engine_stop(w.engine);
		ns_clock_free(clock);
	}
	ns_kubeconfig_free(w.kc);
	return ok ? 0 : ns_app_failed(&err);
}

int ns_app_headless(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	ns_kubeconfig *kc = ns_kubeconfig_load(or_null(cfg->kubeconfig), or_null(cfg->context), &err);
	ns_clock *clock = kc ? pick_clock(cfg, kc, &err) : NULL;
	ns_engine *e = NULL;
	if (clock) {
		ns_engine_opts o;
		ns_app_engine_opts(cfg, kc, clock, &o);
		ns_log_init(STDOUT_FILENO, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, clock);
		e = ns_engine_start(&o, &err);
	}
	if (e) {
		ns_log_fields(NS_LOG_INFO, "engine", "started", "cluster", kc->context, "server", kc->server, "profile",
		    ns_profile_name((ns_profile)cfg->profile), "state", cfg->state_dir, NULL);
		struct pollfd p = {.fd = ns_cancel_fd(cancel), .events = POLLIN};
		while (!ns_cancel_fired(cancel) && (poll(&p, 1, -1) >= 0 || errno == EINTR))
			continue;
		ns_engine_stop(e);
		ns_log(NS_LOG_INFO, "engine", "stopped");
	}
	ns_kubeconfig_free(kc);
	if (clock)
		ns_clock_free(clock);
	return e ? 0 : ns_app_failed(&err);
}

/* The engine of this state directory; when that is the default one and nothing runs there, the demo's. */
static bool find_engine(const ns_config *cfg, ns_door *door, ns_err *err)
{
	if (ns_door_connect(cfg->state_dir, door, err))
		return true;
	char *demo = ns_app_demo_dir(cfg);
	bool found = err->code == NS_E_UNREACHABLE && strcmp(demo, cfg->state_dir) != 0 && ns_door_connect(demo, door, NULL);
	if (found)
		fprintf(stderr, "(the demo in %s)\n", demo);
	free(demo);
	return found;
}

int ns_app_verb(const ns_config *cfg)
{
	ns_err err = {0};
	ns_door door;
	if (!find_engine(cfg, &door, &err))
		return ns_app_failed(&err);
	int status = ns_cli_run(cfg, &door);
	door.close(door.ctx);
	return status;
}

int ns_app_audit(const ns_config *cfg)
{
	ns_err err = {0};
	int64_t rows = 0;
	char head[65] = "";
	if (strcmp(cfg->args[0], "verify") != 0) {
		ns_fail(&err, NS_E_USAGE, "unknown command \"audit %s\", did you mean \"audit verify\"?", cfg->args[0]);
		return ns_app_failed(&err);
	}
	ns_store *s = ns_store_open_readonly(cfg->state_dir, ns_clock_real(), &err);
	bool ok = s && ns_store_audit_verify(s, or_null(cfg->head), &rows, head, &err);
	ns_store_close(s);
	if (!ok)
		return ns_app_failed(&err);
	printf("audit record whole: %lld rows, head %s\n", (long long)rows, head);
	return 0;
}
