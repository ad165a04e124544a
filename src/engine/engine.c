/* The engine's life: what is made in which order, which threads run, and how all of it ends. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { COALESCE_MS = 30, REPAINT_MS = 1000 }; /* the first change paints at once; what follows within this time is one picture */
enum { MAX_CLUSTER_NAME = 253 }; /* a DNS subdomain, the longest name Kubernetes itself allows: it is part of every identity and lock */

static const char *keep(ns_engine *e, const char *s, const char *dflt)
{
	return ns_arena_strdup(e->arena, s ? s : dflt);
}

/* Our own copy of the options with the defaults filled in. */
static void copy_options(ns_engine *e, const ns_engine_opts *o)
{
	e->o = *o;
	e->o.cluster = keep(e, o->cluster, o->cfg->context);
	e->o.mode = keep(e, o->mode, "live");
	e->o.state_dir = keep(e, o->state_dir, "");
	e->o.am_listen = keep(e, o->am_listen, "");
	e->o.am_token_file = keep(e, o->am_token_file, "");
	e->o.am_cluster_label = keep(e, o->am_cluster_label, "cluster");
	if (e->o.am_expire_ms <= 0)
		e->o.am_expire_ms = 5 * 3600000;
	e->o.opencost_url = keep(e, o->opencost_url, "");
	e->o.lease_ns = keep(e, o->lease_ns, "default");
	e->o.exception_ns = keep(e, o->exception_ns, "");
	if (!e->o.spawner)
		e->o.spawner = &ns_spawner_real;
	if (e->o.approval_timeout_ms <= 0)
		e->o.approval_timeout_ms = NS_APPROVAL_TIMEOUT_MS;
	if (e->o.cooldown_ms <= 0)
		e->o.cooldown_ms = 900000;
	if (e->o.target_cooldown_ms <= 0)
		e->o.target_cooldown_ms = 300000;
	if (e->o.actions_per_hour <= 0)
		e->o.actions_per_hour = 10;
	if (e->o.limits.mem_factor <= 0) {
		const char *const *allowed = o->limits.allowed_actions;
		e->o.limits = ns_plan_limits_default;
		e->o.limits.allowed_actions = allowed;
	}
	e->o.limits.protected_ns = o->protected_ns;
	if (e->o.cost_rule.min_ratio <= 0)
		e->o.cost_rule = (ns_cost_rule){.min_ratio = 1.3, .min_per_day = 5};
	e->n_workers = o->workers > 0 && o->workers <= (int)(sizeof e->workers / sizeof e->workers[0]) ? o->workers : 3;
}

static ns_detector *make_detector(ns_engine *e, ns_err *err)
{
	ns_detector_opts d = {.cluster = e->o.cluster, .cfg = e->o.cfg, .clock = e->o.clock, .stats = &e->stats, .opencost_url = e->o.opencost_url,
	    .cost_every_ms = e->o.cost_every_ms, .cost_rule = e->o.cost_rule, .protected_ns = e->o.protected_ns,
	    .nonprod_labels = e->o.nonprod_labels, .sink = ns_engine_sink};
	d.sink.ctx = e;
	return ns_detector_new(&d, err);
}

static ns_lease *make_lease(ns_engine *e)
{
	char host[128] = "localhost", holder[256], suffix[9];
	gethostname(host, sizeof host - 1);
	ns_random_hex(suffix, 8);
	snprintf(holder, sizeof holder, "%s_%d_%s", host, (int)getpid(), suffix);
	return ns_lease_new(e->o.cfg, e->o.lease_ns, NS_LEASE_NAME, holder, &e->stats);
}

static bool take_state_dir(ns_engine *e, ns_err *err)
{
	if (!ns_mkdirs(e->o.state_dir, 0700, err))
		return false;
	char *path = ns_path_join(e->o.state_dir, "engine.lock");
	e->lock_fd = ns_lock_file(path, err);
	free(path);
	if (e->lock_fd < 0 && err->code == NS_E_LOCKED)
		ns_err_wrap(err, "another engine runs on %s: attach to it with `neuroscale-tui`, stop it, or choose another --state-dir", e->o.state_dir);
	return e->lock_fd >= 0;
}

static ns_snapshot *backend_snapshot(void *ctx)
{
	ns_engine *e = ctx;
	pthread_mutex_lock(&e->pub_mu);
	ns_snapshot *s = ns_snapshot_ref(e->picture);
	pthread_mutex_unlock(&e->pub_mu);
	return s;
}
static ns_detail *backend_detail(void *ctx, int64_t incident, ns_err *err)
{
	return ns_engine_detail(ctx, incident, err);
}
static bool backend_decide(void *ctx, uid_t uid, ns_role role, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	return ns_engine_decide(ctx, uid, role, req, said, cap, err);
}

ns_detector *ns_cluster_detector(ns_engine *e, const char *named, ns_err *err)
{
	return e->detector; /* there is but one */
}

static bool build(ns_engine *e, ns_err *err)
{
	if (strlen(e->o.cluster) > MAX_CLUSTER_NAME) /* it is part of every identity and lock */
		return ns_fail(err, NS_E_USAGE, "the cluster's name has more than %d bytes: give it a shorter one with --cluster", MAX_CLUSTER_NAME);
	if (!take_state_dir(e, err))
		return false;
	char *found = NULL;
	if (!e->o.kubectl) {
		const char *path = getenv("PATH");
		found = ns_find_program("kubectl", path ? path : "/usr/local/bin:/usr/bin:/bin");
		if (!found)
			return ns_fail(err, NS_E_NOTFOUND, "kubectl is not in PATH: install it (contrib/deps.sh) or name it with --kubectl");
	}
	ns_executor_opts x = {.cfg = e->o.cfg, .state_dir = e->o.state_dir, .kubectl = e->o.kubectl ? e->o.kubectl : found, .spawner = e->o.spawner,
	    .cancel = e->cancel, .clock = e->o.clock, .protected_ns = e->o.protected_ns};
	if ((e->store = ns_store_open(e->o.state_dir, e->o.clock, err)) && (e->library = ns_library_load(e->o.runbook_dir, err)) &&
	    (e->executor = ns_executor_new(&x, err)) && (e->detector = make_detector(e, err)))
		e->lease = make_lease(e);
	free(found);
	if (!e->lease)
		return false;
	if (e->o.control_socket) {
		ns_control_backend b = {.snapshot = backend_snapshot, .detail = backend_detail, .decide = backend_decide, .ctx = e};
		if (!(e->control = ns_control_new(e->o.state_dir, &b, err)))
			return false;
	}
	return ns_alerts_open(e, err) && ns_engine_recover(e, err) && ns_engine_publish(e, err);
}

static bool start_threads(ns_engine *e, ns_err *err)
{
	e->services = ns_services_new();
	const ns_service rows[] = {
	    {"engine", ns_engine_run, e},
	    {"verifier", ns_verifier_run, e},
	    {"lease", ns_lease_run, e->lease},
	    {"control", ns_control_run, e->control},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool wanted = rows[i].ctx && (rows[i].run != ns_lease_run || e->o.lease_required);
		if (wanted && !ns_services_start(e->services, &rows[i], err))
			return false;
	}
	for (int i = 0; i < e->n_workers; i++) {
		ns_worker *w = &e->workers[i];
		snprintf(w->name, sizeof w->name, "worker-%c", (char)('1' + i));
		ns_service row = {w->name, ns_worker_run, w};
		if (!ns_services_start(e->services, &row, err))
			return false;
	}
	ns_service detector = {"detector", ns_detector_run, e->detector}; /* last: everybody who takes its alerts is there */
	ns_service webhook = {"webhook", ns_webhook_run, e->webhook};
	return ns_services_start(e->services, &detector, err) && (!e->webhook || ns_services_start(e->services, &webhook, err));
}

ns_engine *ns_engine_start(const ns_engine_opts *o, ns_err *err)
{
	ns_engine *e = ns_xcalloc(1, sizeof *e);
	e->arena = ns_arena_new();
	e->lock_fd = -1;
	copy_options(e, o);
	e->cancel = ns_cancel_new();
	e->wake = ns_wake_new();
	e->verify_wake = ns_wake_new();
	e->intake = ns_queue_new(4096, ns_intake_free);
	pthread_mutex_init(&e->pub_mu, NULL);
	pthread_mutex_init(&e->say_mu, NULL);
	pthread_mutex_init(&e->verify_mu, NULL);
	for (int i = 0; i < e->n_workers; i++) {
		e->workers[i].e = e;
		e->workers[i].wake = ns_wake_new();
	}
	if (build(e, err) && start_threads(e, err))
		return e;
	ns_engine_stop(e);
	return NULL;
}

void ns_engine_stop(ns_engine *e)
{
	if (!e)
		return;
	ns_cancel_fire(e->cancel);
	ns_queue_close(e->intake);
	ns_services_stop(e->services);
	ns_webhook_free(e->webhook);
	ns_control_free(e->control);
	ns_detector_free(e->detector);
	ns_executor_free(e->executor);
	ns_lease_free(e->lease);
	ns_library_free(e->library);
	ns_store_close(e->store);
	ns_snapshot_unref(e->picture);
	ns_active_free(e);
	ns_queue_free(e->intake);
	for (size_t i = 0; i < e->n_verifying; i++)
		free(e->verifying[i].lock_path);
	free(e->verifying);
	for (int i = 0; i < NS_HEADLINES; i++)
		free(e->headlines[i].text);
	for (int i = 0; i < e->n_workers; i++)
		ns_wake_free(e->workers[i].wake);
	ns_wake_free(e->wake);
	ns_wake_free(e->verify_wake);
	ns_cancel_free(e->cancel);
	pthread_mutex_destroy(&e->pub_mu);
	pthread_mutex_destroy(&e->say_mu);
	pthread_mutex_destroy(&e->verify_mu);
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	ns_arena_free(e->arena);
	free(e);
}

void ns_engine_run(void *engine, ns_cancel *cancel)
{
	ns_engine *e = engine;
	int64_t painted = 0, deadline = -1;
	bool timers = true;
	while (!ns_cancel_fired(cancel)) {
		ns_wake_clear(e->wake);
		ns_intake *in;
		while ((in = ns_queue_pop(e->intake, e->o.clock, 0))) {
			ns_intake_handle(e, in);
			timers = true;
		}
		if (timers || (deadline >= 0 && ns_clock_mono_ms(e->o.clock) >= deadline))
			deadline = ns_timers_run(e);
		timers = false;

		int wait = ns_clock_poll_ms(e->o.clock, deadline);
		if (atomic_load(&e->dirty)) {
			int64_t since = ns_real_mono_ms() - painted;
			if (since >= COALESCE_MS) {
				ns_err err = {0};
				atomic_store(&e->dirty, false);
				bool shown = ns_engine_publish(e, &err);
				painted = ns_real_mono_ms();
				if (!shown) {
					ns_log(NS_LOG_ERROR, "engine", "no new picture: %s", err.text);
					painted += REPAINT_MS;
					ns_engine_dirty(e);
				}
				timers = true; /* what made the picture stale may have set a deadline */
				continue;
			}
			int rest = (int)(COALESCE_MS - since);
			wait = wait < 0 || wait > rest ? rest : wait;
		}
		struct pollfd p[2] = {{.fd = ns_wake_fd(e->wake), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
		poll(p, 2, wait);
	}
}

/* ---- the door of this process ---- */

typedef struct local_door {
	ns_engine *e;
	ns_wake *wake;
	uid_t uid;
} local_door;

static ns_snapshot *local_snapshot(void *ctx, ns_err *err)
{
	return backend_snapshot(((local_door *)ctx)->e);
}
static int local_wake_fd(void *ctx)
{
	return ns_wake_fd(((local_door *)ctx)->wake);
}
static void local_wake_clear(void *ctx)
{
	ns_wake_clear(((local_door *)ctx)->wake);
}
static ns_role local_role(void *ctx)
{
	return ns_role_of_uid(((local_door *)ctx)->uid);
}
static bool local_decide(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	local_door *d = ctx;
	return ns_engine_decide(d->e, d->uid, ns_role_of_uid(d->uid), req, said, cap, err);
}
static ns_detail *local_detail(void *ctx, int64_t incident, ns_err *err)
{
	return ns_engine_detail(((local_door *)ctx)->e, incident, err);
}
static void local_close(void *ctx)
{
	local_door *d = ctx;
	pthread_mutex_lock(&d->e->pub_mu);
	for (int i = 0; i < NS_MAX_SUBSCRIBERS; i++)
		if (d->e->subscribers[i] == d->wake)
			d->e->subscribers[i] = NULL;
	pthread_mutex_unlock(&d->e->pub_mu);
	ns_wake_free(d->wake);
	free(d);
}

bool ns_engine_door(ns_engine *e, ns_door *out, ns_err *err)
{
	local_door *d = ns_xcalloc(1, sizeof *d);
	bool placed = false;
	d->e = e;
	d->wake = ns_wake_new();
	d->uid = getuid();
	pthread_mutex_lock(&e->pub_mu);
	for (int i = 0; i < NS_MAX_SUBSCRIBERS && !placed; i++) {
		placed = e->subscribers[i] == NULL;
		if (placed)
			e->subscribers[i] = d->wake;
	}
	pthread_mutex_unlock(&e->pub_mu);
	if (!placed) {
		ns_wake_free(d->wake);
		free(d);
		return ns_fail(err, NS_E_BUSY, "more than %d doors are open", NS_MAX_SUBSCRIBERS);
	}
	*out = (ns_door){.snapshot = local_snapshot, .wake_fd = local_wake_fd, .wake_clear = local_wake_clear, .decide = local_decide,
	    .detail = local_detail, .role = local_role, .close = local_close, .ctx = d};
	return true;
}
