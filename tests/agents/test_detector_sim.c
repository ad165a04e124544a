/* The detector on the simulated cluster, over HTTP, on a clock that runs a hundred times faster: from the fault to the alert and back. */
#include "support/test.h"

#include <curl/curl.h>
#include <pthread.h>
#include <unistd.h>

#include "neuroscale/agents/detector.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/sim/sim.h"

typedef struct scene {
	ns_sim *sim;
	ns_clock *clock;
	ns_kubeconfig *k;
	ns_detector *d;
	ns_services *services;
	ns_kube_stats stats;
	pthread_mutex_t mu;
	char log[1 << 14]; /* "+kind ns/name;" once per new identity, "-kind ns/name;" */
	char alive[64][256];
	size_t n_alive;
	int downs, ups;
	bool was_live;
} scene;

static void note(scene *s, char sign, const char *what)
{
	size_t n = strlen(s->log);
	snprintf(s->log + n, sizeof s->log - n, "%c%s;", sign, what);
}

static void on_alert(void *ctx, const ns_alert *a)
{
	scene *s = ctx;
	char id[256];
	snprintf(id, sizeof id, "%s %s/%s", ns_kind_get(a->kind)->name, a->target.ns, a->target.name);
	pthread_mutex_lock(&s->mu);
	bool known = false;
	for (size_t i = 0; i < s->n_alive; i++)
		known |= strcmp(s->alive[i], id) == 0;
	if (!known && s->n_alive < 64) {
		snprintf(s->alive[s->n_alive++], sizeof s->alive[0], "%s", id);
		note(s, '+', id);
	}
	pthread_mutex_unlock(&s->mu);
}

static void on_recovered(void *ctx, const char *identity, int64_t at_ms)
{
	scene *s = ctx;
	pthread_mutex_lock(&s->mu);
	note(s, '-', identity);
	pthread_mutex_unlock(&s->mu);
}

static void on_link(void *ctx)
{
	scene *s = ctx;
	ns_link l;
	ns_detector_link(s->d, &l);
	pthread_mutex_lock(&s->mu);
	s->ups += l.live && !s->was_live;
	s->downs += !l.live && s->was_live;
	s->was_live = l.live;
	pthread_mutex_unlock(&s->mu);
}

static void open_scene(scene *s, const char *name, int rate)
{
	ns_err err = {0};
	char path[] = "/tmp/ns-sim-kc-XXXXXX", url[128];
	memset(s, 0, sizeof *s);
	pthread_mutex_init(&s->mu, NULL);
	close(mkstemp(path));
	s->clock = ns_clock_scaled(rate, ns_real_mono_ms(), 1800000000000);
	s->sim = ns_sim_start(&(ns_sim_opts){.listen = "127.0.0.1:0", .scenario = name, .clock = s->clock, .seed = 1}, &err);
	if (!s->sim || !ns_sim_write_kubeconfig(s->sim, path, &err) || !(s->k = ns_kubeconfig_load(path, NULL, &err)))
		fail_msg("%s", err.text);
	unlink(path);
	ns_sim_opencost_url(s->sim, url, sizeof url);
	ns_detector_opts o = {.cluster = "sim", .cfg = s->k, .clock = s->clock, .stats = &s->stats, .opencost_url = url, .cost_every_ms = 60000,
	    .sink = {.alert = on_alert, .recovered = on_recovered, .link = on_link, .ctx = s}};
	s->d = ns_detector_new(&o, &err);
	s->services = ns_services_new();
	ns_service row = {.name = "detector", .run = ns_detector_run, .ctx = s->d};
	assert_true(ns_services_start(s->services, &row, &err));
}

static void close_scene(scene *s)
{
	ns_services_stop(s->services);
	ns_detector_free(s->d);
	ns_sim_stop(s->sim);
	ns_kubeconfig_free(s->k);
	ns_clock_free(s->clock);
	pthread_mutex_destroy(&s->mu);
}

static bool said(scene *s, const char *what)
{
	pthread_mutex_lock(&s->mu);
	bool yes = strstr(s->log, what) != NULL;
	pthread_mutex_unlock(&s->mu);
	return yes;
}

/* Waits, at most 30 real seconds. */
static void until_said(scene *s, const char *what)
{
	for (int i = 0; i < 6000 && !said(s, what); i++)
		usleep(5000);
	if (!said(s, what))
		fail_msg("%s was not said: %s", what, s->log);
}

static void pass(scene *s, int64_t sim_ms)
{
	ns_cancel_sleep(NULL, s->clock, sim_ms);
}

static void test_demo_fires_every_kind(void **state)
{
	scene s;
	open_scene(&s, "demo", 100);
	until_said(&s, "+oom_killed shop/checkout;");
	until_said(&s, "+pod_crashloop shop/cart;");
	until_said(&s, "+kyverno_violation data/report-builder;");
	until_said(&s, " web/storefront;"); /* probe_failure or deployment_stalled */
	until_said(&s, "+cost_spike staging/load-generator;");
	assert_int_equal(s.n_alive, 5);
	assert_false(said(&s, ";-"));
	ns_workload w = {.cluster = "sim", .ns = "shop", .kind = "Deployment", .name = "checkout", .uid = ""};
	ns_health h;
	ns_detector_health(s.d, &w, NS_KIND_OOM_KILLED, &h);
	assert_true(h.live && h.found && !h.healthy);
	assert_true(h.worst_ttf_ms > 0 && h.last_failure_ms > 0);
	close_scene(&s);
}

static void test_no_fault_no_alert(void **state)
{
	static const char *const names[] = {"healthy", "rollout-control"};
	for (size_t i = 0; i < 2; i++) {
		scene s;
		open_scene(&s, names[i], 200);
		pass(&s, 300000);
		assert_string_equal(s.log, "");
		close_scene(&s);
	}
}

static void test_kill_that_heals_recovers(void **state)
{
	scene s;
	open_scene(&s, "oom-recovered", 100);
	until_said(&s, "-sim/oom_killed/shop/Deployment/invoicer;");
	assert_string_equal(s.log, "+oom_killed shop/invoicer;-sim/oom_killed/shop/Deployment/invoicer;");
	close_scene(&s);
}

static void test_storm_is_told(void **state)
{
	scene s;
	ns_link l;
	open_scene(&s, "storm", 100);
	until_said(&s, "+storm /sim;");
	ns_detector_link(s.d, &l);
	assert_true(l.storm);
	/* 30 % of 19 workloads are six: at most five are heard before the brake is on. */
	size_t before = 0;
	pthread_mutex_lock(&s.mu);
	for (const char *p = s.log, *end = strstr(s.log, "+storm"); p < end; p++)
		before += *p == '+';
	pthread_mutex_unlock(&s.mu);
	assert_true(before <= 5);
	close_scene(&s);
}

static void test_dropped_watches_and_compaction_lose_and_repeat_nothing(void **state)
{
	scene s;
	open_scene(&s, "oom-simple", 50);
	for (int i = 0; i < 60; i++) {
		if (i % 3 == 2)
			ns_sim_compact(s.sim);
		ns_sim_drop_watches(s.sim);
		usleep(20000);
	}
	until_said(&s, "+oom_killed shop/checkout;");
	pass(&s, 30000);
	assert_string_equal(s.log, "+oom_killed shop/checkout;");
	close_scene(&s);
}

static void test_outage(void **state)
{
	scene s;
	ns_link l;
	open_scene(&s, "oom-simple", 50);
	until_said(&s, "+oom_killed shop/checkout;");
	ns_sim_outage(s.sim, true);
	ns_sim_drop_watches(s.sim);
	for (int i = 0; i < 4000; i++) {
		ns_detector_link(s.d, &l);
		if (!l.live)
			break;
		usleep(5000);
	}
	assert_false(l.live);
	assert_true(*l.down_why != '\0');
	ns_sim_outage(s.sim, false);
	for (int i = 0; i < 4000; i++) {
		ns_detector_link(s.d, &l);
		if (l.live)
			break;
		usleep(5000);
	}
	assert_true(l.live);
	pass(&s, 20000);
	assert_string_equal(s.log, "+oom_killed shop/checkout;");
	close_scene(&s);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_demo_fires_every_kind), cmocka_unit_test(test_no_fault_no_alert), cmocka_unit_test(test_kill_that_heals_recovers),
	    cmocka_unit_test(test_storm_is_told), cmocka_unit_test(test_dropped_watches_and_compaction_lose_and_repeat_nothing), cmocka_unit_test(test_outage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
