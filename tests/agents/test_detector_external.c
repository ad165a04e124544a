/* Alerts of other systems: which workload they are about, when they stand for themselves, and when they are over. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mapped_to_the_owner_confirmed_from_above), cmocka_unit_test(test_over_when_resolved_ended_or_not_repeated),
	    cmocka_unit_test(test_native_finding_explains_it), cmocka_unit_test(test_native_finding_takes_over),
	    cmocka_unit_test(test_another_container_is_another_matter), cmocka_unit_test(test_the_gravest_of_several_gives_the_words),
	    cmocka_unit_test(test_waits_for_the_first_list), cmocka_unit_test(test_what_is_refused), cmocka_unit_test(test_hostile_text_is_cleaned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
