/* Console and headless on a real cluster, and the verbs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"
#include "neuroscale/cli/cli.h"
#include "neuroscale/engine/control.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"
#include "neuroscale/tui/tui.h"
#include "model.h"

int ns_app_failed(const ns_err *err)
{
	fprintf(stderr, "neuroscale-tui: %s\n", err->text);
	return ns_code_lookup(err->code)->exit_status;
}

static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

void ns_app_cluster_opts(const ns_config *cfg, const ns_kubeconfig *kc, ns_cluster_opts *o)
{
	*o = (ns_cluster_opts){
	    .name = or_null(cfg->cluster),
	    .cfg = kc,
	    .kubeconfig = cfg->kubeconfig,
	    .one_of_many = cfg->beside_others,
	    .context = cfg->context,
	    .color = ns_color_name(cfg->color),
	    .profile = (ns_profile)cfg->profile,
	    .freeze = cfg->freeze,
	    .windows = cfg->windows,
	    .n_windows = cfg->n_windows,
	    .actions_per_hour = cfg->actions_per_hour,
	    .ns_actions_per_hour = cfg->ns_actions_per_hour,
	    .target_actions_per_hour = cfg->target_actions_per_hour,
	    .autonomy = (ns_autonomy)cfg->autonomy,
	    .autonomy_rule = {.threshold = cfg->autonomy_threshold, .least = cfg->autonomy_least},
	    .four_eyes = cfg->four_eyes,
	    .lease_ns = cfg->lease_ns,
	    .lease_required = true,
	    .limits = ns_plan_limits_default,
	    .nonprod_labels = cfg->nonprod_labels,
	    .protected_ns = cfg->protected_ns,
	    .namespaces = cfg->namespaces,
	    .exception_ns = cfg->exception_ns,
	    .opencost_url = cfg->opencost_url,
	    .cost_rule = {.min_ratio = cfg->cost_ratio, .min_per_day = cfg->cost_min_per_day},
	    .cost_every_ms = cfg->cost_every_ms,
	    .cost_budget = cfg->cost_budget,
	    .storm_ratio = cfg->storm_ratio,
	    .storm_workloads = cfg->storm_workloads,
	    .storm_nodes = cfg->storm_nodes,
	    .tls_secrets = cfg->tls_secrets,
	};
	o->limits.mem_factor = cfg->mem_factor;
	o->limits.mem_cap = cfg->mem_cap;
	o->limits.scale_max = cfg->scale_max;
	o->limits.exception_ttl_hours = (int)(cfg->exception_ttl_ms / 3600000);
	o->limits.allowed_actions = cfg->allowed_actions;
}

void ns_app_engine_opts(const ns_config *cfg, const ns_cluster_opts *clusters, size_t n, const ns_clock *clock, ns_engine_opts *o)
{
	/* As the option lists them. */
	static const int facilities[] = {LOG_AUTHPRIV, LOG_AUTH, LOG_DAEMON, LOG_USER, LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3, LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};
	*o = (ns_engine_opts){
	    .clusters = clusters,
	    .n_clusters = n,
	    .mode = "live",
	    .state_dir = cfg->state_dir,
	    .kubectl = or_null(cfg->kubectl),
	    .runbook_dir = or_null(cfg->runbook_dir),
	    .clock = clock,
	    .approval_timeout_ms = cfg->approval_timeout_ms,
	    .cooldown_ms = cfg->cooldown_ms,
	    .anchor_every_ms = cfg->anchor_every_ms,
	    .anchor_facility = facilities[cfg->anchor_facility],
	    .undo_ttl_ms = cfg->undo_ttl_ms,
	    .target_cooldown_ms = cfg->target_cooldown_ms,
	    .control_socket = true,
	    .approvers = cfg->approvers,
	    .shared_accounts = cfg->shared_accounts,
	    .am_listen = cfg->am_listen,
	    .am_token_file = cfg->am_token_file,
	    .am_cluster_label = cfg->am_cluster_label,
	    .am_expire_ms = cfg->am_expire_ms,
	};
}

/* ---- the clusters of the configuration ---- */

typedef struct fleet {
	ns_kubeconfig *kc[NS_MAX_CLUSTERS]; /* NULL: it cannot be read now; the engine tries again */
	ns_cluster_opts opts[NS_MAX_CLUSTERS];
	size_t n;
} fleet;

static void fleet_free(fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		ns_kubeconfig_free(f->kc[i]);
	f->n = 0;
}

/* One of several whose kubeconfig is missing or broken is down, no more; a context that its file does not have is a mistake in the
 * configuration. The only one must be there. */
static bool may_come_later(const ns_config *one, const ns_err *why)
{
	bool unknown_context = why->code == NS_E_NOTFOUND && (one->kubeconfig[0] ? ns_exists(one->kubeconfig) : strstr(why->text, "context \"") != NULL);
	return one->many && !unknown_context;
}

static bool fleet_load(fleet *f, const ns_config *cfg, ns_err *err)
{
	*f = (fleet){0};
	for (size_t i = 0; i < cfg->n_clusters; i++) {
		const ns_config *one = cfg->clusters[i];
		ns_err why = {0};
		f->n = i + 1;
		f->kc[i] = ns_kubeconfig_load(or_null(one->kubeconfig), or_null(one->context), &why);
		if (!f->kc[i] && !may_come_later(one, &why)) {
			*err = why;
			if (one->where[0])
				ns_err_wrap(err, "%s", one->where);
			fleet_free(f);
			return false;
		}
		/* Of several each is read by the engine, and again if it is no good: this look was for the mistakes of the configuration. */
		ns_app_cluster_opts(one, one->many ? NULL : f->kc[i], &f->opts[i]);
	}
	return true;
}

static bool is_loopback(const char *server)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (strncmp(server, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

/* A simulated cluster's clock goes with simulated clusters: the engine refuses any other by the same rule, when it can read it. */
static ns_clock *pick_clock(const ns_config *cfg, const fleet *f, ns_err *err)
{
	for (size_t i = 0; i < f->n && cfg->clock[0]; i++)
		if (!f->kc[i] || !is_loopback(f->kc[i]->server)) {
			ns_fail(err, NS_E_DENIED, "--clock is for a simulated cluster on loopback; %s is not one", f->kc[i] ? f->kc[i]->server : f->opts[i].context);
			return NULL;
		}
	return cfg->clock[0] ? ns_clock_parse(cfg->clock, err) : ns_clock_real();
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
	fleet f;
	const ns_clock *clock;
	const ns_cancel *cancel;
	app_model model;
	ns_engine *engine;
	ns_door door;
	bool open;
} own_engine;

static bool open_own(void *ctx, ns_door *out, ns_err *err)
{
	own_engine *w = ctx;
	ns_engine_opts o;
	ns_app_engine_opts(w->cfg, w->f.opts, w->f.n, w->clock, &o);
	w->engine = app_model_engine(&w->model, w->cfg, &o, w->cancel, err);
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
	own_engine w = {.cfg = cfg, .cancel = cancel};
	ns_clock *clock = fleet_load(&w.f, cfg, &err) ? pick_clock(cfg, &w.f, &err) : NULL;
	bool ok = false;
	if (clock) {
		ns_app_screen_opts so = {.state_dir = cfg->state_dir, .open = open_own, .open_ctx = &w, .clock = clock, .cancel = cancel};
		w.clock = clock;
		ns_log_init(STDERR_FILENO, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, clock);
		ok = ns_app_screen(cfg, &so, &err);
		if (w.open)
			w.door.close(w.door.ctx);
		ns_engine_stop(w.engine);
		app_model_close(&w.model);
		ns_clock_free(clock);
	}
	fleet_free(&w.f);
	return ok ? 0 : ns_app_failed(&err);
}

int ns_app_headless(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	fleet f;
	ns_clock *clock = fleet_load(&f, cfg, &err) ? pick_clock(cfg, &f, &err) : NULL;
	app_model model = {0};
	ns_engine *e = NULL;
	if (clock) {
		ns_engine_opts o;
		ns_app_engine_opts(cfg, f.opts, f.n, clock, &o);
		ns_log_init(STDOUT_FILENO, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, clock);
		e = app_model_engine(&model, cfg, &o, cancel, &err);
	}
	if (e) {
		for (size_t i = 0; i < f.n; i++)
			ns_log_fields(NS_LOG_INFO, "engine", "started", "cluster", f.opts[i].name ? f.opts[i].name : f.kc[i]->context, "server",
			    f.kc[i] ? f.kc[i]->server : "unknown: its kubeconfig cannot be read", "profile", ns_profile_name(f.opts[i].profile), "state",
			    cfg->state_dir, NULL);
		struct pollfd p = {.fd = ns_cancel_fd(cancel), .events = POLLIN};
		while (!ns_cancel_fired(cancel) && (poll(&p, 1, -1) >= 0 || errno == EINTR))
			continue;
		ns_engine_stop(e);
		ns_log(NS_LOG_INFO, "engine", "stopped");
	}
	app_model_close(&model);
	fleet_free(&f);
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

ns_store *ns_app_record(const ns_config *cfg, ns_err *err)
{
	ns_store *s = ns_store_open_readonly(cfg->state_dir, ns_clock_real(), err);
	if (!s && err->code == NS_E_NOTFOUND)
		ns_err_wrap(err, "no engine has kept a record in %s: name its directory with --state-dir", cfg->state_dir);
	return s;
}
