/* The engine's life: what is made in which order, which threads run, and how all of it ends. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <syslog.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { ALONE = 3, PER_CLUSTER = 2, MAX_WORKERS = 64 };
enum { COALESCE_MS = 30, REPAINT_MS = 1000, INTAKE_MS = 100 }; /* the first change paints at once; what follows within this time is one picture */
enum { MAX_CLUSTER_NAME = 253 }; /* a DNS subdomain, the longest name Kubernetes itself allows: it is part of every identity and lock */

static const char *keep(ns_engine *e, const char *s, const char *dflt)
{
	return ns_arena_strdup(e->arena, s ? s : dflt);
}

static const char *const *keep_list(ns_engine *e, const char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	const char **out = ns_arena_alloc(e->arena, (n + 1) * sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = ns_arena_strdup(e->arena, list[i]);
	return out;
}

/* Our own copy of the options with the defaults filled in. */
static void copy_options(ns_engine *e, const ns_engine_opts *o)
{
	e->o = *o;
	e->o.mode = keep(e, o->mode, "live");
	e->o.state_dir = keep(e, o->state_dir, "");
	e->o.am_listen = keep(e, o->am_listen, "");
	e->o.am_token_file = keep(e, o->am_token_file, "");
	e->o.approvers = keep(e, o->approvers, "");
	e->o.shared_accounts = keep_list(e, o->shared_accounts);
	e->o.am_cluster_label = keep(e, o->am_cluster_label, "cluster");
	if (e->o.am_expire_ms <= 0)
		e->o.am_expire_ms = 5 * 3600000;
	if (!e->o.spawner)
		e->o.spawner = &ns_spawner_real;
	if (e->o.approval_timeout_ms <= 0)
		e->o.approval_timeout_ms = NS_APPROVAL_TIMEOUT_MS;
	if (e->o.cooldown_ms <= 0)
		e->o.cooldown_ms = 900000;
	if (e->o.anchor_every_ms <= 0)
		e->o.anchor_every_ms = 3600000;
	if (e->o.anchor_facility <= 0)
		e->o.anchor_facility = LOG_AUTHPRIV;
	if (e->o.undo_ttl_ms <= 0)
		e->o.undo_ttl_ms = 24 * 3600000;
	if (e->o.target_cooldown_ms <= 0)
		e->o.target_cooldown_ms = 300000;
	e->clusters = ns_xcalloc(o->n_clusters + 1, sizeof *e->clusters);
	e->n_clusters = o->n_clusters;
	for (size_t i = 0; i < o->n_clusters; i++)
		ns_cluster_init(&e->clusters[i], e, &o->clusters[i]);
	e->o.clusters = NULL; /* each has its own copy */
	/* A cluster that hangs holds as many workers as it may, and there are that many for every other one. */
	int most = (int)o->n_clusters * PER_CLUSTER;
	e->n_workers = o->workers > 0 && o->workers <= MAX_WORKERS ? o->workers : o->n_clusters > 1 ? most : ALONE;
	e->most_per_cluster = o->n_clusters > 1 ? PER_CLUSTER : e->n_workers;
	e->workers = ns_xcalloc((size_t)e->n_workers, sizeof *e->workers);
	for (int i = 0; i < e->n_workers; i++) {
		e->workers[i].e = e;
		e->workers[i].turn = (size_t)i % o->n_clusters;
		e->workers[i].wake = ns_wake_new();
		e->workers[i].clients = ns_xcalloc(o->n_clusters, sizeof(ns_kube_client *));
	}
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

static bool backend_undo(void *ctx, uid_t uid, ns_role role, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	return ns_engine_undo(ctx, uid, role, req, said, cap, err);
}

static bool find_kubectl(ns_engine *e, ns_err *err)
{
	const char *path = getenv("PATH");
	e->kubectl = e->o.kubectl ? ns_xstrdup(e->o.kubectl) : ns_find_program("kubectl", path ? path : "/usr/local/bin:/usr/bin:/bin");
	if (!e->kubectl)
		return ns_fail(err, NS_E_NOTFOUND, "kubectl is not in PATH: install it (contrib/deps.sh) or name it with --kubectl");
	return access(e->kubectl, X_OK) == 0 || ns_fail(err, NS_E_NOTFOUND, "kubectl was not found at %s: install it, or name it with --kubectl", e->kubectl);
}

static bool check_names(ns_engine *e, ns_err *err)
{
	for (size_t i = 0; i < e->n_clusters; i++) {
		const char *name = e->clusters[i].o.name;
		if (strlen(name) > MAX_CLUSTER_NAME) /* it is part of every identity and lock */
			return ns_fail(err, NS_E_USAGE, "the cluster's name has more than %d bytes: give it a shorter one with --cluster", MAX_CLUSTER_NAME);
		if (ns_cluster_find(e, name) != &e->clusters[i])
			return ns_fail(err, NS_E_USAGE, "two clusters are called \"%s\": give one of them another name", name);
	}
	return true;
}

static bool build(ns_engine *e, ns_err *err)
{
	if (!check_names(e, err) || !take_state_dir(e, err) || !find_kubectl(e, err) || !(e->store = ns_store_open(e->o.state_dir, e->o.clock, err)) ||
	    !(e->library = ns_library_load(e->o.runbook_dir, err)))
		return false;
	if (e->o.control_socket) {
		ns_control_backend b = {.snapshot = backend_snapshot, .detail = backend_detail, .decide = backend_decide, .undo = backend_undo, .ctx = e};
		if (!(e->control = ns_control_new(e->o.state_dir, &b, err)) || (*e->o.approvers && !ns_control_admit(e->control, e->o.approvers, err)))
			return false;
	}
	for (size_t i = 0; i < e->n_clusters; i++) {
		ns_err why = {0};
		if (e->clusters[i].o.cfg && !ns_cluster_make(&e->clusters[i], &why)) /* its keeper tries again */
			ns_log(NS_LOG_WARN, "engine", "%s: %s", e->clusters[i].o.name, why.text);
	}
	ns_model_open(e);
	ns_people_check(e);
	e->who = ns_witness(geteuid(), NULL, "engine", NULL);
	ns_anchor_now(e, "start");
	return ns_alerts_open(e, err) && ns_engine_recover(e, err) && ns_engine_publish(e, err);
}

static bool start_threads(ns_engine *e, ns_err *err)
{
	e->services = ns_services_new();
	const ns_service rows[] = {
	    {"engine", ns_engine_run, e},
	    {"verifier", ns_verifier_run, e},
	    {"control", ns_control_run, e->control},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].ctx && !ns_services_start(e->services, &rows[i], err))
			return false;
	}
	for (int i = 0; i < e->n_workers; i++) {
		ns_worker *w = &e->workers[i];
		snprintf(w->name, sizeof w->name, "worker-%u", (unsigned)(i + 1) % 1000);
		ns_service row = {w->name, ns_worker_run, w};
		if (!ns_services_start(e->services, &row, err))
			return false;
	}
	for (size_t i = 0; i < e->n_clusters; i++) { /* last: everybody who takes their alerts is there */
		ns_cluster *c = &e->clusters[i];
		ns_service keeper = {c->keeper, ns_cluster_run, c}, renewer = {c->renewer, ns_cluster_renew, c};
		if ((c->o.lease_required && !ns_services_start(e->services, &renewer, err)) || !ns_services_start(e->services, &keeper, err))
			return false;
	}
	ns_service index = {"index", ns_index_run, e};
	if (e->o.llm && !ns_services_start(e->services, &index, err))
		return false;
	ns_service webhook = {"webhook", ns_webhook_run, e->webhook};
	return !e->webhook || ns_services_start(e->services, &webhook, err);
}

ns_engine *ns_engine_start(const ns_engine_opts *o, ns_err *err)
{
	if (!o->n_clusters) {
		ns_fail(err, NS_E_INVALID, "an engine needs a cluster to watch, and none was named");
		return NULL;
	}
	ns_engine *e = ns_xcalloc(1, sizeof *e);
	e->arena = ns_arena_new();
	e->lock_fd = -1;
	e->cancel = ns_cancel_new();
	e->wake = ns_wake_new();
	e->verify_wake = ns_wake_new();
	e->intake = ns_queue_new(4096, ns_intake_free);
	pthread_mutex_init(&e->pub_mu, NULL);
	pthread_mutex_init(&e->say_mu, NULL);
	pthread_mutex_init(&e->model.mu, NULL);
	pthread_mutex_init(&e->verify_mu, NULL);
	copy_options(e, o);
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
	for (size_t i = 0; i < e->n_clusters; i++)
		ns_cluster_end(&e->clusters[i]);
	free(e->clusters);
	ns_model_close(e);
	if (e->store && e->who) /* it was up */
		ns_anchor_now(e, "stop");
	cJSON_Delete(e->who);
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
	for (int i = 0; i < e->n_workers; i++) {
		ns_wake_free(e->workers[i].wake);
		free(e->workers[i].clients);
	}
	free(e->workers);
	free(e->kubectl);
	ns_wake_free(e->wake);
	ns_wake_free(e->verify_wake);
	ns_cancel_free(e->cancel);
	pthread_mutex_destroy(&e->pub_mu);
	pthread_mutex_destroy(&e->say_mu);
	pthread_mutex_destroy(&e->model.mu);
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
		int64_t until = ns_real_mono_ms() + INTAKE_MS;
		ns_intake *in;
		while ((in = ns_queue_pop(e->intake, e->o.clock, 0))) {
			ns_intake_handle(e, in);
			timers = true;
			if (ns_real_mono_ms() >= until) { /* a flood from one cluster delays no deadline of another */
				ns_wake_ring(e->wake);
				break;
			}
		}
		if (timers || (deadline >= 0 && ns_clock_mono_ms(e->o.clock) >= deadline))
			deadline = ns_timers_run(e);
		timers = false;

		int wait = ns_clock_poll_ms(e->o.clock, deadline);
		if (ns_usage_moved(e))
			atomic_store(&e->dirty, true);
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
	char login[NS_LOGIN]; /* "" not known */
	ns_caller caller;
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
	local_door *d = ctx;
	return ns_role_of_uid(d->uid, d->e->o.approvers);
}
static bool local_decide(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	local_door *d = ctx;
	ns_decide_req own = *req;
	own.person = req->person ? req->person : *d->login ? d->login : NULL;
	own.caller = req->caller ? req->caller : &d->caller;
	return ns_engine_decide(d->e, d->uid, ns_role_of_uid(d->uid, d->e->o.approvers), &own, said, cap, err);
}
static bool local_undo(void *ctx, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	local_door *d = ctx;
	ns_undo_req own = *req;
	own.person = req->person ? req->person : *d->login ? d->login : NULL;
	own.caller = req->caller ? req->caller : &d->caller;
	return ns_engine_undo(d->e, d->uid, ns_role_of_uid(d->uid, d->e->o.approvers), &own, said, cap, err);
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
	ns_login_of(getpid(), d->login);
	ns_caller_of(0, d->uid, &d->caller);
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
	*out = (ns_door){.snapshot = local_snapshot, .wake_fd = local_wake_fd, .wake_clear = local_wake_clear, .decide = local_decide, .undo = local_undo,
	    .detail = local_detail, .role = local_role, .close = local_close, .ctx = d};
	return true;
}
