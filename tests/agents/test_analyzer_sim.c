/* Collection and analysis against the simulated cluster: the same requests that a real one would get. */
#include "support/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "neuroscale/agents/analyzer.h"
#include "neuroscale/sim/sim.h"

#define T0 1790000000000LL

typedef struct world {
	ns_clock *clock;
	ns_sim *sim;
	ns_kubeconfig *cfg;
	ns_kube_stats stats;
	ns_kube_client *client;
	char file[64];
} world;

static world open_world(const char *scenario)
{
	world w = {.clock = ns_clock_manual(T0, 1000000)};
	ns_err err = {0};
	const ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = w.clock, .seed = 7};
	w.sim = ns_sim_start(&o, &err);
	if (!w.sim)
		fail_msg("%s", err.text);
	snprintf(w.file, sizeof w.file, "/tmp/ns-analyzer-%d-%s", (int)getpid(), scenario);
	assert_true(ns_sim_write_kubeconfig(w.sim, w.file, &err));
	w.cfg = ns_kubeconfig_load(w.file, NULL, &err);
	assert_non_null(w.cfg);
	return w;
}

/* Moves the cluster's time; it is driven by its own thread, which is given real time to follow. */
static void pass(world *w, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		ns_clock_advance(w->clock, 1000);
		usleep(3000);
	}
}

static void close_world(world *w)
{
	ns_kube_client_free(w->client);
	ns_kubeconfig_free(w->cfg);
	ns_sim_stop(w->sim);
	ns_clock_free(w->clock);
	unlink(w->file);
}

static const char *uid_of(world *w, ns_arena *ar, const char *ns, const char *name)
{
	char *text = ns_sim_object(w->sim, "apps/v1/deployments", ns, name);
	if (!text)
		return "";
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_api, NULL);
	const char *uid = ns_arena_strdup(ar, ns_json_str(j, "metadata.uid", ""));
	cJSON_Delete(j);
	free(text);
	return uid;
}

static ns_alert alert_for(world *w, ns_arena *ar, ns_kind kind, const char *ns, const char *name)
{
	int64_t now = ns_clock_wall_ms(w->clock);
	return (ns_alert){.kind = kind,
	    .severity = NS_SEV_CRIT,
	    .target = {"sim", ns, "Deployment", name, uid_of(w, ar, ns, name)},
	    .container = "",
	    .reason = "",
	    .message = "",
	    .first_ms = now - 20000,
	    .seen_ms = now,
	    .policy = "",
	    .rule = "",
	    .object_uid = ""};
}

static ns_case *collect(world *w, ns_arena *ar, const ns_alert *a)
{
	ns_err err = {0};
	const ns_collect_opts o = {.clock = w->clock, .exception_ns = "", .cost_now = -1, .cost_before = -1, .efficiency = .04};
	if (!w->client)
		w->client = ns_kube_client_new(w->cfg, &w->stats, NULL, &err);
	ns_case *c = ns_case_collect(ar, w->client, a, &o, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

static void dump(const ns_case *c, const ns_rca *r)
{
	for (size_t i = 0; i < c->n_evidence; i++)
		print_message("    %s %s%s %s\n", c->evidence[i].id, ns_ev_kind_name(c->evidence[i].kind),
		    c->evidence[i].trusted ? "" : " (untrusted)", c->evidence[i].text);
	print_message("  %s %.2f auto=%d %s\n    %s\n    %s\n    next: %s\n", ns_action_get(r->action)->name, r->confidence,
	    r->auto_remediate, r->cause_class, r->root_cause, r->reasoning, r->next_steps);
}

typedef struct row {
	const char *scenario, *ns, *name;
	ns_kind kind;
	int seconds;
	ns_action action;
	const char *causes; /* any of them, "|" between */
	bool automatic;
} row;

static const row rows[] = {
    {"oom-simple", "shop", "checkout", NS_KIND_OOM_KILLED, 60, NS_ACT_PATCH_RESOURCES, "oom_limit_too_low", true},
    {"oom-leak", "media", "thumbnailer", NS_KIND_OOM_KILLED, 60, NS_ACT_PATCH_RESOURCES, "oom_limit_too_low", true},
    {"crashloop-release", "shop", "cart", NS_KIND_POD_CRASHLOOP, 90, NS_ACT_ROLLBACK, "bad_release_crash", true},
    {"crashloop-secret", "payments", "payments-api", NS_KIND_POD_CRASHLOOP, 90, NS_ACT_MANUAL_REVIEW,
        "missing_setting|missing_secret_or_config", false},
    {"crashloop-secret", "payments", "billing", NS_KIND_CONFIG_ERROR, 90, NS_ACT_MANUAL_REVIEW, "missing_secret_or_config", false},
    {"crashloop-dependency", "orders", "orders", NS_KIND_POD_CRASHLOOP, 90, NS_ACT_MANUAL_REVIEW, "dependency_unreachable", false},
    {"image-typo", "web", "storefront", NS_KIND_IMAGE_PULL, 90, NS_ACT_ROLLBACK, "bad_release_image", true},
    {"rollout-stalled", "web", "storefront", NS_KIND_DEPLOYMENT_STALLED, 120, NS_ACT_ROLLBACK, "bad_release_not_ready", true},
    {"unschedulable", "batch", "simulator", NS_KIND_UNSCHEDULABLE, 60, NS_ACT_MANUAL_REVIEW, "unschedulable_capacity", false},
    {"storm", "shop", "cart", NS_KIND_POD_CRASHLOOP, 60, NS_ACT_MANUAL_REVIEW, "dns_failure", false},
};

static void test_scenarios(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const row *x = &rows[i];
		world w = open_world(x->scenario);
		ns_arena *ar = ns_arena_new();
		pass(&w, x->seconds);
		ns_alert a = alert_for(&w, ar, x->kind, x->ns, x->name);
		const ns_case *c = collect(&w, ar, &a);
		const ns_rca *r = ns_analyze(ar, c);
		bool ok =
		    r->action == x->action && strstr(x->causes, r->cause_class) && r->evidence_ok && r->auto_remediate == x->automatic;
		if (!ok || getenv("SHOW_CASES")) {
			print_message("%s %s/%s\n", x->scenario, x->ns, x->name);
			dump(c, r);
		}
		wrong += !ok;
		ns_arena_free(ar);
		close_world(&w);
	}
	assert_int_equal(wrong, 0);
}

static void test_policy(void **state)
{
	(void)state;
	static const struct {
		const char *scenario, *name;
		ns_action action;
		const char *cause;
	} cases[] = {{"kyverno-blocked", "report-builder", NS_ACT_POLICY_EXCEPTION, "policy_best_practice"},
	    {"kyverno-privileged", "node-tuner", NS_ACT_MANUAL_REVIEW, "policy_security_rule"}};
	for (size_t i = 0; i < 2; i++) {
		world w = open_world(cases[i].scenario);
		ns_arena *ar = ns_arena_new();
		pass(&w, 70);
		ns_alert a = alert_for(&w, ar, NS_KIND_KYVERNO_VIOLATION, "data", cases[i].name);
		/* As the detector would: policy and rule from the report. */
		ns_err err = {0};
		w.client = ns_kube_client_new(w.cfg, &w.stats, NULL, &err);
		cJSON *reports = ns_kube_get(w.client, "/apis/wgpolicyk8s.io/v1alpha2/namespaces/data/policyreports", &err);
		ns_json_each(rep, ns_json_get(reports, "items"))
		    ns_json_each(res, ns_json_get(rep, "results")) if (!strcmp(ns_json_str(res, "result", ""), "fail"))
		{
			a.policy = ns_arena_strdup(ar, ns_json_str(res, "policy", ""));
			a.rule = ns_arena_strdup(ar, ns_json_str(res, "rule", ""));
		}
		cJSON_Delete(reports);
		assert_true(*a.policy);
		const ns_case *c = collect(&w, ar, &a);
		const ns_rca *r = ns_analyze(ar, c);
		if (r->action != cases[i].action || strcmp(r->cause_class, cases[i].cause) || getenv("SHOW_CASES"))
			dump(c, r);
		assert_int_equal(r->action, cases[i].action);
		assert_string_equal(r->cause_class, cases[i].cause);
		assert_false(r->auto_remediate);
		assert_string_equal(c->exception_api_version, "kyverno.io/v2");
		assert_true(*c->exception_namespace);
		assert_true(c->n_rules > 0);
		ns_arena_free(ar);
		close_world(&w);
	}
}

/* A report calls it a best practice; the policy itself says that it guards something. */
static void test_policy_speaks_for_itself(void **state)
{
	(void)state;
	world w = open_world("kyverno-blocked");
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	pass(&w, 70);
	assert_true(ns_sim_put(w.sim, "kyverno.io/v1/clusterpolicies",
	    "{\"apiVersion\":\"kyverno.io/v1\",\"kind\":\"ClusterPolicy\",\"metadata\":{\"name\":\"require-limits\",\"annotations\":"
	    "{\"policies.kyverno.io/category\":\"Pod Security Standards (Baseline)\"}},\"spec\":{\"rules\":[]}}",
	    &err));
	ns_alert a = alert_for(&w, ar, NS_KIND_KYVERNO_VIOLATION, "data", "report-builder");
	a.policy = "require-limits";
	a.rule = "check-limits";
	w.client = ns_kube_client_new(w.cfg, &w.stats, NULL, &err);
	const ns_case *c = collect(&w, ar, &a);
	const ns_rca *r = ns_analyze(ar, c);
	assert_string_equal(c->policy_category, "Best Practices; Pod Security Standards (Baseline)");
	assert_int_equal(r->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
	close_world(&w);
}

static void test_cost(void **state)
{
	(void)state;
	static const struct {
		const char *scenario;
		ns_action action;
	} cases[] = {{"cost-spike", NS_ACT_COST_SCALE_DOWN}, {"cost-spike-prod", NS_ACT_MANUAL_REVIEW}};
	for (size_t i = 0; i < 2; i++) {
		world w = open_world(cases[i].scenario);
		ns_arena *ar = ns_arena_new();
		pass(&w, 60);
		ns_alert a = alert_for(&w, ar, NS_KIND_COST_SPIKE, "qa", "load-generator");
		a.cost_now = 84;
		a.cost_before = 12;
		const ns_case *c = collect(&w, ar, &a);
		const ns_rca *r = ns_analyze(ar, c);
		if (r->action != cases[i].action || getenv("SHOW_CASES"))
			dump(c, r);
		assert_int_equal(r->action, cases[i].action);
		assert_true(c->monthly_cost > 2000 && c->monthly_saving > 0);
		ns_arena_free(ar);
		close_world(&w);
	}
}

/* Two looks at one failure give one hash; another failure gives another; and a look takes few requests. */
static void test_hash_and_requests(void **state)
{
	(void)state;
	world w = open_world("oom-simple");
	ns_arena *ar = ns_arena_new();
	pass(&w, 60);
	ns_alert a = alert_for(&w, ar, NS_KIND_OOM_KILLED, "shop", "checkout");
	const ns_case *one = collect(&w, ar, &a);
	int64_t requests = w.stats.requests;
	assert_in_range(requests, 5, 14);
	pass(&w, 45);
	const ns_case *two = collect(&w, ar, &a);
	assert_string_equal(one->hash, two->hash);
	assert_int_equal(strlen(one->hash), 64);
	ns_alert calm = alert_for(&w, ar, NS_KIND_OOM_KILLED, "shop", "catalog");
	assert_string_not_equal(one->hash, collect(&w, ar, &calm)->hash);
	for (size_t i = 0; i < one->n_evidence; i++)
		if (one->evidence[i].kind == NS_EV_LOG || one->evidence[i].kind == NS_EV_EVENT)
			assert_false(one->evidence[i].trusted);
	/* It keeps its form through the store. */
	ns_err err = {0};
	cJSON *j = ns_case_to_json(one);
	assert_non_null(ns_case_from_json(ar, j, &err));
	cJSON_Delete(j);
	ns_arena_free(ar);
	close_world(&w);
}

static void test_pinned_and_gone(void **state)
{
	(void)state;
	world w = open_world("healthy");
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	const ns_collect_opts o = {.clock = w.clock, .exception_ns = "", .cost_now = -1, .cost_before = -1, .efficiency = -1};
	w.client = ns_kube_client_new(w.cfg, &w.stats, NULL, &err);
	ns_alert a = alert_for(&w, ar, NS_KIND_POD_CRASHLOOP, "shop", "cart");
	a.target.uid = "00000000-0000-0000-0000-000000000000";
	assert_null(ns_case_collect(ar, w.client, &a, &o, &err));
	assert_int_equal(err.code, NS_E_CONFLICT);
	a = alert_for(&w, ar, NS_KIND_POD_CRASHLOOP, "shop", "no-such-thing");
	const ns_case *c = ns_case_collect(ar, w.client, &a, &o, &err);
	assert_non_null(c);
	assert_false(c->found);
	assert_string_equal(ns_analyze(ar, c)->cause_class, "target_gone");
	/* Healthy: the rollout's history is read, and there is nothing to do. */
	a = alert_for(&w, ar, NS_KIND_POD_CRASHLOOP, "shop", "cart");
	c = ns_case_collect(ar, w.client, &a, &o, &err);
	assert_non_null(c);
	assert_true(c->n_revisions >= 1 && c->revisions[0].current && c->revisions[0].was_healthy);
	assert_int_equal(ns_analyze(ar, c)->action, NS_ACT_MANUAL_REVIEW);
	/* Nobody answers. */
	ns_sim_outage(w.sim, true);
	usleep(50000);
	memset(&err, 0, sizeof err);
	assert_null(ns_case_collect(ar, w.client, &a, &o, &err));
	assert_true(err.code == NS_E_UNREACHABLE || err.code == NS_E_TIMEOUT);
	ns_sim_outage(w.sim, false);
	ns_arena_free(ar);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scenarios),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_policy_speaks_for_itself),
	    cmocka_unit_test(test_cost),
	    cmocka_unit_test(test_hash_and_requests),
	    cmocka_unit_test(test_pinned_and_gone),
	};
	return cmocka_run_group_tests_name("analyzer on the simulated cluster", tests, NULL, NULL);
}
