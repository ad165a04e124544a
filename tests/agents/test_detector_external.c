/* Alerts of other systems: which workload they are about, when they stand for themselves, and when they are over. */
#include <time.h>

#include "agents/detector_rig.h"

#define NAMED(id, ...) (&(ns_external){.source = "alertmanager", .fingerprint = (id), .ns = "shop", __VA_ARGS__})
#define FIRING(...)    NAMED("f1", .severity = NS_SEV_CRIT, __VA_ARGS__)

static void say(rig *r, const ns_external *x)
{
	ns_err err = {0};
	if (!ns_detector_external(r->d, x, &err))
		fail_msg("%s", err.text);
}

static void test_mapped_to_the_owner_confirmed_from_above(void **state)
{
	static const struct { const char *pod, *deployment, *statefulset, *says; } rows[] = {
	    {"web-h1-a", "", "", "+external Deployment/web HighLatency[0];"},
	    {NULL, "web", NULL, "+external Deployment/web HighLatency[0];"},
	    {"web-h1-z", "web", NULL, "+external Deployment/web HighLatency[0];"}, /* that pod is gone */
	    {"", "", "web", "+external Cluster/test HighLatency[0];"},             /* there is no such StatefulSet */
	    {NULL, NULL, NULL, "+external Cluster/test HighLatency[0];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		say(&r, FIRING(.pod = rows[i].pod, .deployment = rows[i].deployment, .statefulset = rows[i].statefulset, .title = "HighLatency", .message = "p99 is 4 s"));
		assert_string_equal(rig_pass(&r, 9000), "");
		assert_string_equal(rig_pass(&r, 2000), rows[i].says);
		assert_string_equal(r.message, "p99 is 4 s");
		assert_int_equal(r.severity, NS_SEV_CRIT);
		rig_close(&r);
	}
}

static void test_over_when_resolved_ended_or_not_repeated(void **state)
{
	for (int how = 0; how < 3; how++) {
		rig r;
		rig_web(&r);
		say(&r, FIRING(.deployment = "web", .title = "HighLatency", .expires_ms = T0 + 60000));
		assert_string_equal(rig_pass(&r, 20000), "+external Deployment/web HighLatency[0];");
		/* Sent again: it is the same one, and lasts longer. */
		say(&r, FIRING(.deployment = "web", .title = "HighLatency", .expires_ms = T0 + 120000));
		assert_string_equal(rig_pass(&r, 60000), "");
		assert_false(rig_health(&r, "Deployment", "web", NS_KIND_EXTERNAL).healthy);
		assert_true(rig_health(&r, "Deployment", "web", NS_KIND_OOM_KILLED).healthy);
		if (how == 0)
			say(&r, FIRING(.resolved = true));
		else if (how == 1)
			say(&r, FIRING(.deployment = "web", .ends_ms = T0 + 70000));
		assert_string_equal(rig_pass(&r, 60000), "-external Deployment/web;");
		assert_true(rig_health(&r, "Deployment", "web", NS_KIND_EXTERNAL).healthy);
		assert_int_equal(r.d->things.n, 0);
		say(&r, NAMED("never heard of", .resolved = true));
		rig_close(&r);
	}
}

static void test_native_finding_explains_it(void **state)
{
	rig r;
	rig_web(&r);
	say(&r, FIRING(.pod = "web-h1-a", .title = "KubePodCrashLooping"));
	rig_pod(&r, (pod){.app = "web", .hash = "h1", .id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)});
	assert_string_equal(rig_pass(&r, 60000), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	assert_non_null(strstr(r.message, "(also reported: KubePodCrashLooping)"));
	rig_close(&r);
}

static void test_native_finding_takes_over(void **state)
{
	rig r;
	rig_web(&r);
	say(&r, FIRING(.pod = "web-h1-a", .title = "KubePodCrashLooping", .expires_ms = T0 + 3600000));
	assert_string_equal(rig_pass(&r, 15000), "+external Deployment/web KubePodCrashLooping[0];");
	rig_pod(&r, (pod){.app = "web", .hash = "h1", .id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)});
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];-external Deployment/web;");
	rig_close(&r);
}

static void test_another_container_is_another_matter(void **state)
{
	rig r;
	rig_web(&r);
	const char *proxy = "{\"name\":\"proxy\",\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{}}}";
	rig_pod(&r, (pod){.app = "web", .hash = "h1", .id = "a",
	                .containers = c_text("%s,%s", c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1), proxy)});
	say(&r, FIRING(.pod = "web-h1-a", .container = "proxy", .title = "ProxyErrors"));
	assert_string_equal(rig_pass(&r, 60000), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];+external Deployment/web ProxyErrors proxy[0];");
	rig_close(&r);
}

static void test_the_gravest_of_several_gives_the_words(void **state)
{
	rig r;
	rig_web(&r);
	say(&r, NAMED("f1", .deployment = "web", .title = "Slow", .severity = NS_SEV_INFO));
	say(&r, NAMED("f2", .deployment = "web", .title = "Errors", .severity = NS_SEV_CRIT));
	assert_string_equal(rig_pass(&r, 60000), "+external Deployment/web Errors[0];");
	say(&r, NAMED("f2", .resolved = true));
	assert_string_equal(rig_pass(&r, 60000), "+external Deployment/web Slow[0];");
	rig_close(&r);
}

static void test_waits_for_the_first_list(void **state)
{
	rig r;
	rig_open(&r, NULL);
	say(&r, FIRING(.deployment = "web", .title = "HighLatency", .expires_ms = T0 + 3600000));
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_sync(&r);
	assert_string_equal(rig_pass(&r, 60000), "+external Deployment/web HighLatency[0];");
	rig_close(&r);
}

static void test_what_is_refused(void **state)
{
	rig r;
	ns_err err = {0};
	rig_web(&r);
	char big[256];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_false(ns_detector_external(r.d, &(ns_external){.source = "", .fingerprint = "x"}, &err));
	assert_false(ns_detector_external(r.d, &(ns_external){.source = "alertmanager"}, &err));
	assert_false(ns_detector_external(r.d, &(ns_external){.source = "alertmanager", .fingerprint = big}, &err));
	assert_false(ns_detector_external(r.d, &(ns_external){.source = "a/b", .fingerprint = "x"}, &err));
	for (int i = 0; i < 2000; i++) {
		snprintf(big, sizeof big, "f%d", i);
		say(&r, NAMED(big, .title = "x"));
	}
	assert_false(ns_detector_external(r.d, NAMED("one more", .title = "x"), &err));
	assert_int_equal(err.code, NS_E_BUSY);
	say(&r, NAMED("f7", .title = "x")); /* known */
	say(&r, NAMED("f8", .resolved = true));
	say(&r, NAMED("one more", .title = "x"));
	rig_close(&r);
}

static void test_hostile_text_is_cleaned(void **state)
{
	rig r;
	rig_web(&r);
	say(&r, FIRING(.deployment = "web", .title = "A\x1b[31mB", .message = "password=hunter2 \x1b]0;x\a"));
	const char *told = rig_pass(&r, 15000);
	assert_null(strchr(told, 0x1b));
	assert_null(strchr(r.message, 0x1b));
	assert_null(strstr(r.message, "hunter2"));
	rig_close(&r);
}

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* CPU time of alerts whose pod and Deployment do not exist, the least of some tries. */
static int64_t cost_of_strangers(rig *r)
{
	int64_t least = INT64_MAX;
	for (int t = 0; t < 5; t++) {
		int64_t before = cpu_ns();
		for (int i = 0; i < 200; i++)
			say(r, FIRING(.pod = "web-h1-no", .deployment = "none", .title = "x"));
		int64_t took = cpu_ns() - before;
		least = took < least ? took : least;
	}
	return least;
}

static void test_its_cost_does_not_grow_with_the_cluster(void **state)
{
	rig few, many;
	char id[16], name[16];
	rig_web(&few);
	rig_web(&many);
	for (int i = 0; i < 8000; i++) {
		snprintf(id, sizeof id, "p%d", i);
		snprintf(name, sizeof name, "d%d", i);
		rig_pod(&many, (pod){.app = "web", .hash = "h1", .id = id});
		rig_dep(&many, (dep){.name = name, .replicas = 1, .ready = 1});
	}
	int64_t a = cost_of_strangers(&few), b = cost_of_strangers(&many);
	if (b > 5 * a)
		fail_msg("200 alerts: %lld us beside few objects, %lld us beside 16000", (long long)(a / 1000), (long long)(b / 1000));
	say(&many, FIRING(.pod = "web-h1-p7777", .title = "HighLatency"));
	assert_string_equal(dt_external_work(many.d, dt_thing_of(many.d, DT_EXTERNAL, "", "alertmanager/f1"))->name, "web");
	rig_close(&few);
	rig_close(&many);
}

typedef struct called {
	const char *ns, *name;
} called;

static const char *names_of(const void *item, const char **name)
{
	const called *c = item;
	*name = c->name;
	return c->ns;
}

static void test_names_stand_for_all_who_have_them_and_no_other(void **state)
{
	enum { N = 600 };
	static char names[N][16];
	static called all[N];
	bool in[N] = {false};
	uint64_t seed = 7;
	dt_names t = {.say = names_of};
	size_t none = 0;
	assert_null(dt_names_next(&t, "a", "x", 1, &none));
	dt_names_remove(&t, &all[0]);
	for (int i = 0; i < N; i++) { /* three of each name, in two namespaces */
		snprintf(names[i], sizeof names[i], "n%d", i / 3);
		all[i] = (called){i % 3 ? "a" : "b", names[i]};
	}
	for (int round = 0; round < 20000; round++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t i = (seed >> 33) % N;
		if (in[i])
			dt_names_remove(&t, &all[i]);
		else
			dt_names_add(&t, &all[i]);
		in[i] = !in[i];
		size_t k = (seed >> 20) % N, from = 0, want = 0, got = 0;
		for (size_t j = k / 3 * 3; j < k / 3 * 3 + 3; j++)
			want += in[j] && strcmp(all[j].ns, all[k].ns) == 0;
		for (const called *c; (c = dt_names_next(&t, all[k].ns, all[k].name, strlen(all[k].name), &from)); got++)
			assert_true(in[c - all] && strcmp(c->name, all[k].name) == 0 && strcmp(c->ns, all[k].ns) == 0);
		assert_int_equal(got, want);
	}
	free(t.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mapped_to_the_owner_confirmed_from_above), cmocka_unit_test(test_over_when_resolved_ended_or_not_repeated),
	    cmocka_unit_test(test_native_finding_explains_it), cmocka_unit_test(test_native_finding_takes_over),
	    cmocka_unit_test(test_another_container_is_another_matter), cmocka_unit_test(test_the_gravest_of_several_gives_the_words),
	    cmocka_unit_test(test_waits_for_the_first_list), cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_hostile_text_is_cleaned),
	    cmocka_unit_test(test_its_cost_does_not_grow_with_the_cluster), cmocka_unit_test(test_names_stand_for_all_who_have_them_and_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
