/* A cluster's life beside the others: its tools are made when its kubeconfig can be read, its detector and its Lease have threads of their own,
 * and whoever asks about it gets an answer at once, up or not. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { FIRST_PAUSE_MS = 2000, LONGEST_PAUSE_MS = 30000 };

void ns_cluster_init(ns_cluster *c, ns_engine *e, const ns_cluster_opts *o)
{
	size_t i = (size_t)(c - e->clusters);
	c->e = e;
	c->o = *o;
	c->o.kubeconfig = ns_arena_strdup(e->arena, o->kubeconfig);
	c->o.context = ns_arena_strdup(e->arena, o->cfg ? o->cfg->context : o->context);
	c->o.name = ns_arena_strdup(e->arena, o->name ? o->name : c->o.context);
	c->o.color = ns_arena_strdup(e->arena, o->color);
	c->o.lease_ns = ns_arena_strdup(e->arena, o->lease_ns ? o->lease_ns : "default");
	c->o.exception_ns = ns_arena_strdup(e->arena, o->exception_ns);
	c->o.opencost_url = ns_arena_strdup(e->arena, o->opencost_url);
	if (c->o.namespaces && !*c->o.namespaces)
		c->o.namespaces = NULL;
	if (c->o.actions_per_hour <= 0)
		c->o.actions_per_hour = 10;
	if (c->o.ns_actions_per_hour <= 0)
		c->o.ns_actions_per_hour = 6;
	if (!(c->o.autonomy_rule.threshold > 0))
		c->o.autonomy_rule.threshold = 0.8;
	if (c->o.autonomy_rule.least <= 0)
		c->o.autonomy_rule.least = 20;
	if (c->o.target_actions_per_hour <= 0)
		c->o.target_actions_per_hour = 3;
	if (c->o.limits.mem_factor <= 0) {
		const char *const *allowed = o->limits.allowed_actions;
		c->o.limits = ns_plan_limits_default;
		c->o.limits.allowed_actions = allowed;
	}
	c->o.limits.protected_ns = o->protected_ns;
	if (c->o.cost_rule.min_ratio <= 0)
		c->o.cost_rule = (ns_cost_rule){.min_ratio = 1.3, .min_per_day = 5};
	c->made_wake = ns_wake_new();
	c->down_since = ns_clock_wall_ms(e->o.clock);
	ns_copy(c->why, sizeof c->why, "");
	snprintf(c->keeper, sizeof c->keeper, "detector-%u", (unsigned)(i + 1) % 1000);
	snprintf(c->renewer, sizeof c->renewer, "lease-%u", (unsigned)(i + 1) % 1000);
}

/* ---- making ---- */

static ns_detector *make_detector(ns_cluster *c, ns_err *err)
{
	ns_detector_opts d = {.cluster = c->o.name, .cfg = c->o.cfg, .clock = c->e->o.clock, .stats = &c->stats, .opencost_url = c->o.opencost_url,
	    .cost_every_ms = c->o.cost_every_ms, .cost_rule = c->o.cost_rule, .protected_ns = c->o.protected_ns,
	    .nonprod_labels = c->o.nonprod_labels, .namespaces = c->o.namespaces, .sink = ns_engine_sink};
	d.sink.ctx = c;
	d.cost_rule.budget_per_day = c->o.cost_budget;
	d.storm_ratio = c->o.storm_ratio;
	d.storm_min = c->o.storm_workloads;
	d.storm_min_nodes = c->o.storm_nodes;
	d.tls_secrets = c->o.tls_secrets;
	return ns_detector_new(&d, err);
}

static ns_lease *make_lease(ns_cluster *c)
{
	char host[128] = "localhost", holder[256], suffix[9];
	gethostname(host, sizeof host - 1);
	ns_random_hex(suffix, 8);
	snprintf(holder, sizeof holder, "%s_%d_%s", host, (int)getpid(), suffix);
	return ns_lease_new(c->o.cfg, c->o.lease_ns, NS_LEASE_NAME, holder, &c->stats);
}

static void unmake(ns_cluster *c)
{
	ns_detector_free(c->detector);
	ns_executor_free(c->executor);
	ns_lease_free(c->lease);
	c->detector = NULL;
	c->executor = NULL;
	c->lease = NULL;
	if (c->own_cfg) {
		ns_kubeconfig_free(c->own_cfg);
		c->own_cfg = NULL;
		c->o.cfg = NULL;
	}
}

static bool is_loopback(const char *server)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
		if (strncmp(server, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

static bool make(ns_cluster *c, ns_err *err)
{
	ns_engine *e = c->e;
	if (!c->o.cfg) {
		c->own_cfg = ns_kubeconfig_load(c->o.kubeconfig[0] ? c->o.kubeconfig : NULL, c->o.context[0] ? c->o.context : NULL, err);
		if (!(c->o.cfg = c->own_cfg))
			return false;
	}
	/* A simulated cluster's clock would make 300 s of silence pass in seconds: never on anything that could be a real cluster. */
	if (ns_clock_rate(e->o.clock) > 1 && !is_loopback(c->o.cfg->server))
		return ns_fail(err, NS_E_DENIED, "--clock is for a simulated cluster on loopback; %s is not one", c->o.cfg->server);
	ns_executor_opts x = {.cfg = c->o.cfg, .state_dir = e->o.state_dir, .kubectl = e->kubectl, .spawner = e->o.spawner, .cancel = e->cancel,
	    .clock = e->o.clock, .protected_ns = c->o.protected_ns};
	ns_kube_client *probe = ns_kube_client_new(c->o.cfg, &c->stats, NULL, err); /* credentials that cannot be read are found here */
	ns_kube_client_free(probe);
	return probe && (c->executor = ns_executor_new(&x, err)) && (c->detector = make_detector(c, err)) && (c->lease = make_lease(c));
}

bool ns_cluster_make(ns_cluster *c, ns_err *err)
{
	bool ok = make(c, err);
	if (!ok)
		unmake(c);
	pthread_mutex_lock(&c->e->say_mu);
	ns_copy(c->why, sizeof c->why, ok ? "" : err->text);
	pthread_mutex_unlock(&c->e->say_mu);
	if (!ok)
		return false;
	atomic_store(&c->made, true);
	ns_wake_ring(c->made_wake);
	ns_engine_work(c->e);
	ns_engine_dirty(c->e);
	return true;
}

void ns_cluster_run(void *cluster, ns_cancel *cancel)
{
	ns_cluster *c = cluster;
	char said[256] = "";
	int64_t pause = FIRST_PAUSE_MS;
	ns_err err = {0};
	while (!ns_cluster_made(c) && !ns_cluster_make(c, &err)) {
		if (strcmp(said, err.text) != 0) {
			ns_copy(said, sizeof said, err.text);
			ns_log_fields(NS_LOG_WARN, "detector", "cluster cannot be used, trying again", "cluster", c->o.name, "why", err.text, NULL);
			ns_engine_say(c->e, NS_LOG_WARN, "%s cannot be used and is tried again: %s", c->o.name, err.text);
			ns_engine_dirty(c->e);
		}
		if (!ns_cancel_sleep(cancel, ns_clock_real(), pause))
			return;
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	ns_detector_run(c->detector, cancel);
}

void ns_cluster_renew(void *cluster, ns_cancel *cancel)
{
	ns_cluster *c = cluster;
	struct pollfd p[2] = {{.fd = ns_wake_fd(c->made_wake), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
	while (!ns_cluster_made(c) && !ns_cancel_fired(cancel))
		poll(p, 2, -1);
	if (ns_cluster_made(c))
		ns_lease_run(c->lease, cancel);
}

void ns_cluster_end(ns_cluster *c)
{
	unmake(c);
	ns_wake_free(c->made_wake);
}

/* ---- asking ---- */

ns_cluster *ns_cluster_find(ns_engine *e, const char *name)
{
	for (size_t i = 0; i < e->n_clusters; i++)
		if (strcmp(e->clusters[i].o.name, name) == 0)
			return &e->clusters[i];
	return NULL;
}

ns_detector *ns_cluster_detector(ns_engine *e, const char *named, ns_err *err)
{
	/* Alone it is meant, however it is called there; not when others of the configuration are only not watched now. */
	bool alone = e->n_clusters == 1 && !e->clusters[0].o.one_of_many;
	ns_cluster *c = alone ? &e->clusters[0] : ns_cluster_find(e, named);
	if (!c)
		ns_fail(err, NS_E_NOTFOUND, "an alert is left out: its label \"%s\" is \"%s\", and no cluster of that name is watched", e->o.am_cluster_label, named);
	else if (!ns_cluster_made(c))
		ns_fail(err, NS_E_BUSY, "%s cannot be used yet", c->o.name);
	else
		return c->detector;
	return NULL;
}

/* "cluster:NAME", "target:NAME/ns/Kind/name". A cluster's name may have slashes, the other three cannot. */
ns_cluster *ns_cluster_of_scope(ns_engine *e, const char *scope)
{
	char name[512];
	const char *colon = strchr(scope, ':');
	if (!colon || !ns_copy(name, sizeof name, colon + 1))
		return NULL;
	for (int i = 0; i < 3 && strncmp(scope, "target:", 7) == 0; i++) {
		char *slash = strrchr(name, '/');
		if (slash)
			*slash = '\0';
	}
	return ns_cluster_find(e, name);
}

bool ns_cluster_made(const ns_cluster *c)
{
	return c && atomic_load(&c->made);
}

void ns_cluster_link(ns_cluster *c, ns_link *out)
{
	memset(out, 0, sizeof *out);
	if (ns_cluster_made(c)) {
		ns_detector_link(c->detector, out);
	} else if (c) {
		out->since_ms = c->down_since;
		pthread_mutex_lock(&c->e->say_mu);
		ns_copy(out->down_why, sizeof out->down_why, c->why);
		pthread_mutex_unlock(&c->e->say_mu);
	}
}

void ns_cluster_health(ns_engine *e, const ns_workload *w, ns_kind kind, ns_health *out)
{
	ns_cluster *c = ns_cluster_find(e, w->cluster);
	memset(out, 0, sizeof *out);
	if (ns_cluster_made(c))
		ns_detector_health(c->detector, w, kind, out);
}

bool ns_cluster_holds_lease(ns_cluster *c, int64_t *transitions)
{
	return ns_cluster_made(c) && (!c->o.lease_required || ns_lease_held(c->lease, transitions));
}

bool ns_cluster_frozen(const ns_cluster *c, int64_t wall_ms, char *why, size_t cap, int64_t *changes_ms)
{
	bool frozen = c->o.freeze;
	int64_t next = -1;
	if (why && cap)
		ns_copy(why, cap, frozen ? "freeze is set in the configuration" : "");
	for (size_t i = 0; i < c->o.n_windows; i++) {
		int64_t changes;
		bool open = ns_freeze_open(&c->o.windows[i], wall_ms, &changes);
		next = ns_sooner(next, changes);
		if (open && !frozen && why) {
			char until[32];
			ns_time_format(changes, until);
			snprintf(why, cap, "%s, until %s", c->o.windows[i].text, until);
		}
		frozen = frozen || open;
	}
	if (changes_ms)
		*changes_ms = next;
	return frozen;
}

const char *ns_cluster_prefix(const ns_engine *e, const char *name, char out[80])
{
	if (e->n_clusters > 1)
		snprintf(out, 80, "%.70s: ", name);
	else
		*out = '\0';
	return out;
}
