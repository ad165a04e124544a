/* The tables: every scenario has a scene, can be played to its end, and expects only what exists. */
#include "client.h"

static bool known(const char *list, bool (*is)(const char *))
{
	char word[64];
	for (const char *p = list;; p++) {
		size_t n = strcspn(p, "|,");
		snprintf(word, sizeof word, "%.*s", (int)n, p);
		if (*word && !is(word))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

static bool is_kind(const char *s)
{
	ns_kind k;
	return !strcmp(s, "-") || ns_kind_parse(s, &k);
}

static bool is_state(const char *s)
{
	ns_state st;
	return ns_state_parse(s, &st);
}

static bool is_verdict(const char *s)
{
	return !strcmp(s, "FIXED") || !strcmp(s, "NOT FIXED") || !strcmp(s, "UNKNOWN");
}

static bool is_action(const char *s)
{
	bool ok;
	ns_action_parse(s, &ok);
	return ok || !strcmp(s, "any");
}

static void test_expectations_are_words_that_exist(void **state)
{
	size_t n = 0;
	for (const ns_sim_scenario *s = ns_sim_scenarios; s->name; s++, n++) {
		assert_true(s->title && *s->title && s->teaches && *s->teaches && s->horizon_ms > 0 && s->expect && s->expect->ns);
		for (const ns_sim_expect *x = s->expect; x->ns; x++)
			if (!known(x->kind, is_kind) || !known(x->state, is_state) || !known(x->verdict, is_verdict) ||
			    !known(x->action, is_action) || !known(x->never, is_action))
				fail_msg("%s: %s/%s", s->name, x->ns, x->workload);
	}
	assert_true(n >= 14);
	assert_string_equal(ns_sim_scenarios[0].name, "demo");
	assert_null(ns_sim_scenario_find("nosuch"));
}

static bool has(const ns_sim *sim, const char *resource, const char *ns, const char *name)
{
	char *text = ns_sim_object(sim, resource, ns, name);
	free(text);
	return text != NULL;
}

/* A scene's other objects appear in the course of it. */
static bool came(const ns_sim *sim, const ns_sim_expect *x)
{
	static const char *const resources[] = {"batch/v1/jobs", "batch/v1/cronjobs", "v1/persistentvolumeclaims", "v1/pods", "v1/nodes"};
	for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
		if (has(sim, resources[i], *x->ns ? x->ns : NULL, x->workload))
			return true;
	return false;
}

static void test_every_scenario_plays(void **state)
{
	for (const ns_sim_scenario *s = ns_sim_scenarios; s->name; s++) {
		rig r = rig_new(s->name);
		bool there[32] = {false};
		for (size_t i = 0; s->expect[i].ns && i < 32; i++)
			there[i] = has(r.sim, "apps/v1/deployments", s->expect[i].ns, s->expect[i].workload);
		assert_true(has(r.sim, "v1/namespaces", NULL, "kube-system"));
		ns_clock_advance(r.clock, s->horizon_ms);
		assert_true(has(r.sim, "v1/nodes", NULL, "node-a"));
		for (size_t i = 0; s->expect[i].ns && i < 32; i++)
			if (!there[i] && strcmp(s->expect[i].kind, "storm") != 0 && !came(r.sim, &s->expect[i]))
				fail_msg("%s: %s/%s is not there and never came", s->name, s->expect[i].ns, s->expect[i].workload);
		rig_free(&r);
	}
}

/* What a person watches must begin at once, and all of it within about three minutes. */
static void test_demo_is_quick(void **state)
{
	rig r = rig_new("demo");
	ns_clock_advance(r.clock, 20000);
	reply p = call(r.port, "GET", "/api/v1/namespaces/shop/pods", NULL, NULL);
	assert_non_null(strstr(p.body, "OOMKilled"));
	reply_free(&p);
	ns_clock_advance(r.clock, 150000);
	p = call(r.port, "GET", "/api/v1/pods", NULL, NULL);
	assert_non_null(strstr(p.body, "panic") ? p.body : strstr(p.body, "CrashLoopBackOff"));
	reply_free(&p);
	p = call(r.port, "GET", "/apis/apps/v1/deployments", NULL, NULL);
	assert_non_null(strstr(p.body, "ProgressDeadlineExceeded"));
	reply_free(&p);
	p = call(r.port, "GET", "/apis/wgpolicyk8s.io/v1alpha2/policyreports", NULL, NULL);
	assert_non_null(strstr(p.body, "\"result\":\"fail\""));
	reply_free(&p);
	assert_string_equal(look(r.port, "/apis/apps/v1/namespaces/staging/deployments/load-generator", "status.readyReplicas"), "10");
	rig_free(&r);
}

/* An engine shares the simulator's clock: the whole cluster runs on a fast one, and stops promptly. */
static void test_scaled_clock(void **state)
{
	ns_err err = {0};
	ns_clock *clock = ns_clock_scaled(500, ns_real_mono_ms(), 1795000000000);
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = "oom-simple", .clock = clock, .seed = 3};
	ns_sim *s = ns_sim_start(&o, &err);
	assert_non_null(s);
	stream w = request(ns_sim_port(s), "GET", "/api/v1/namespaces/shop/pods?watch=1", NULL, NULL);
	bool oom = false;
	for (int i = 0; i < 200 && !oom; i++) {
		const char *line = stream_line(&w, 5000);
		oom = line && strstr(line, "OOMKilled");
	}
	assert_true(oom);
	stream_free(&w);
	ns_sim_stop(s);
	ns_clock_free(clock);
}

static void test_kubeconfig(void **state)
{
	rig r = rig_new("demo");
	ns_err err = {0};
	char path[] = "/tmp/ns-sim-XXXXXX", url[100], want[100];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(ns_sim_write_kubeconfig(r.sim, path, &err));
	char text[1024] = "";
	FILE *f = fopen(path, "r");
	assert_true(fread(text, 1, sizeof text - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(text, "current-context: demo-cluster"));
	ns_sim_opencost_url(r.sim, url, sizeof url);
	snprintf(want, sizeof want, "http://127.0.0.1:%d/opencost", r.port);
	assert_string_equal(url, want);
	close(fd);
	unlink(path);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_expectations_are_words_that_exist),
	    cmocka_unit_test(test_every_scenario_plays), cmocka_unit_test(test_demo_is_quick), cmocka_unit_test(test_scaled_clock),
	    cmocka_unit_test(test_kubeconfig)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
