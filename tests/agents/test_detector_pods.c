/* One test for each row about pods that came after the first ones (test_detector_rules.c): sidecars, exits, causes of a pull, unschedulable by
 * cause, evictions, bare pods, pods that will not go. */
#include "agents/detector_rig.h"

#define POD(...) ((pod){.app = "web", .hash = "h1", .id = "a", __VA_ARGS__})
#define UID      "pod-web-h1-a"

/* A pod of Deployment web with a spec and a status of its own. */
static void feed_pod(rig *r, const char *id, const char *spec, const char *status)
{
	char b[8192];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"web-h1-%s\",\"namespace\":\"shop\",\"uid\":\"pod-web-h1-%s\",\"creationTimestamp\":\"%s\",\"labels\":{\"app\":\"web\","
	    "\"pod-template-hash\":\"h1\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"web-h1\",\"uid\":\"rs-web-h1\",\"controller\":true}]},"
	    "\"spec\":{%s},\"status\":{%s}}",
	    id, id, rig_time(r, 3600000), spec, status);
	rig_feed(r, DT_ROW_PODS, NS_WATCH_MODIFIED, b);
}

static void test_oom_of_a_sidecar(void **state)
{
	rig r;
	rig_web(&r);
	char status[1024];
	/* Listed with the init containers; only the spec says that it goes on running. It runs again, not ready. */
	snprintf(status, sizeof status,
	    "\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"mesh\",\"ready\":false,\"restartCount\":1,\"state\":{\"running\":{}},"
	    "\"lastState\":{\"terminated\":{\"exitCode\":1,\"reason\":\"OOMKilled\",\"finishedAt\":\"%s\"}}}]",
	    rig_time(&r, 1000));
	feed_pod(&r, "a", "\"nodeName\":\"n1\",\"initContainers\":[{\"name\":\"mesh\",\"restartPolicy\":\"Always\"}]", status);
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled mesh[1];");
	assert_string_equal(rig_pass(&r, 200000), "");
	rig_close(&r);
}

static void test_debug_container_is_no_part_of_the_workload(void **state)
{
	rig r;
	rig_web(&r);
	feed_pod(&r, "a", "\"nodeName\":\"n1\"",
	    "\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
	    "\"ephemeralContainerStatuses\":[{\"name\":\"debug\",\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]");
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

static void test_second_bad_exit(void **state)
{
	static const char down[] = "{\"name\":\"app\",\"restartCount\":%d,\"state\":{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\"}}}";
	static const struct { int restarts, exit; const char *reason, *says; } rows[] = {
	    {0, 1, "Error", ""},     /* the first: it is about to be restarted */
	    {1, 0, "Completed", ""}, /* it ended well */
	    {1, 1, "Error", "+pod_crashloop Deployment/web Error app[1];"},
	    {2, 139, "Error", "+pod_crashloop Deployment/web Error app[1];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char c[256];
		rig_web(&r);
		snprintf(c, sizeof c, down, rows[i].restarts, rows[i].exit, rows[i].reason);
		rig_pod(&r, POD(.containers = c));
		assert_string_equal(rig_tick(&r), rows[i].says);
		rig_close(&r);
	}
}

static void test_why_an_image_cannot_be_pulled(void **state)
{
	static const struct { const char *message, *cause; } rows[] = {
	    {"rpc error: code = NotFound desc = failed to pull and unpack image: docker.io/x/y:9: not found", "not found"},
	    {"manifest for x:9 not found: manifest unknown", "not found"},
	    {"failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized", "auth"},
	    {"pull access denied for x/y, repository does not exist or may require 'docker login'", "auth or not found"},
	    {"toomanyrequests: You have reached your pull rate limit", "rate limit"},
	    {"dial tcp: lookup registry.example.test: no such host", "network"},
	    {"net/http: TLS handshake timeout", "network"},
	    {"Get https://r/v2/: x509: certificate signed by unknown authority", "TLS"},
	    {"no match for platform in manifest: not found", "platform"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char says[256];
		rig_web(&r);
		rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ErrImagePull", rows[i].message, 0, NULL, 0)));
		snprintf(says, sizeof says, "+image_pull Deployment/web ImagePullBackOff (%s) app[1];", rows[i].cause);
		assert_string_equal(rig_tick(&r), says);
		/* Its back-off does not say why; that is known all the same. */
		rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ImagePullBackOff", "Back-off pulling image", 0, NULL, 0)));
		assert_string_equal(rig_pass(&r, 5000), "");
		rig_close(&r);
	}
}

static void test_the_event_says_why_the_pull_fails(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ImagePullBackOff", "Back-off pulling image", 0, NULL, 0)));
	rig_event(&r, UID, "Failed", "Failed to pull image \\\"x\\\": unauthorized", 0, 1);
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/web ImagePullBackOff (auth) app[1];");
	rig_event(&r, UID, "Failed", "Error: ImagePullBackOff", 0, 2);
	assert_string_equal(rig_pass(&r, 5000), "");
	rig_close(&r);
}

static const char *pending(rig *r, const char *message, int64_t ago_ms)
{
	return c_text("{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"%s\",\"lastTransitionTime\":\"%s\"}", message,
	    rig_time(r, ago_ms));
}

static void test_unschedulable_by_cause(void **state)
{
	static const struct { const char *message, *cause; } rows[] = {
	    {"0/3 nodes are available: 3 Insufficient cpu.", " (cpu)"},
	    {"0/3 nodes are available: 1 Insufficient cpu, 2 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found.", " (cpu, memory)"},
	    {"0/3 nodes are available: 3 node(s) had untolerated taint {gpu: true}.", " (taint)"},
	    {"0/1 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate.", " (taint)"},
	    {"0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", " (affinity)"},
	    {"0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.", " (affinity)"},
	    {"0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.", " (topology spread)"},
	    {"0/3 nodes are available: 3 node(s) had volume node affinity conflict.", " (affinity, volume)"},
	    {"0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.", " (host port)"},
	    {"0/3 nodes are available: 3 Insufficient nvidia.com/gpu.", " (device)"},
	    {"0/3 nodes are available: 3 Too many pods.", " (pods)"},
	    {"something new", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char says[256];
		rig_web(&r);
		rig_pod(&r, POD(.phase = "Pending", .scheduled = pending(&r, rows[i].message, 20000)));
		snprintf(says, sizeof says, "+unschedulable Deployment/web Unschedulable%s[1];", rows[i].cause);
		assert_string_equal(rig_tick(&r), says);
		rig_close(&r);
	}
}

static void test_room_that_a_drain_takes_is_waited_for(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .scheduled = pending(&r, "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.", 0)));
	assert_string_equal(rig_pass(&r, 295000), "");
	assert_string_equal(rig_pass(&r, 10000), "+unschedulable Deployment/web Unschedulable (cpu, cordon)[1];");
	rig_close(&r);
}

static void test_claim_that_does_not_exist(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .scheduled = pending(&r, "0/1 nodes are available: persistentvolumeclaim \\\"data\\\" not found.", 0)));
	assert_string_equal(rig_pass(&r, 14000), "");
	assert_string_equal(rig_pass(&r, 60000), "+volume_pending Deployment/web ClaimNotFound[1];");
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 10000), "-volume_pending Deployment/web;");
	rig_close(&r);
}

/* ---- evictions ---- */

static void feed_evicted(rig *r, const char *id, const char *message, int64_t ago_ms)
{
	char status[1024];
	snprintf(status, sizeof status,
	    "\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"%s\",\"conditions\":[{\"type\":\"DisruptionTarget\",\"status\":\"True\",\"lastTransitionTime\":\"%s\"}]",
	    message, rig_time(r, ago_ms));
	feed_pod(r, id, "\"nodeName\":\"n1\"", status);
}

static void test_evicted(void **state)
{
	rig r;
	rig_web(&r);
	feed_evicted(&r, "old", "The node was low on resource: memory.", 3600000);
	assert_string_equal(rig_tick(&r), "");
	feed_evicted(&r, "x", "The node was low on resource: memory.", 5000);
	assert_string_equal(rig_tick(&r), "+evicted Deployment/web Evicted[1];");
	assert_string_equal(rig_pass(&r, 590000), "");
	assert_string_equal(rig_pass(&r, 20000), "-evicted Deployment/web;");
	rig_close(&r);
}

/* ---- pods that ended, or will not ---- */

static void test_bare_pod_that_failed(void **state)
{
	rig r;
	rig_web(&r);
	pod bare = {.app = "once", .hash = "x", .id = "1", .bare = true, .phase = "Failed",
	    .containers = "{\"name\":\"c\",\"state\":{\"terminated\":{\"exitCode\":3,\"reason\":\"Error\"}}}"};
	rig_pod(&r, bare);
	assert_string_equal(rig_tick(&r), "+other Pod/once-x-1 PodFailed[1];");
	assert_non_null(strstr(r.message, "exit code 3"));
	rig_gone(&r, bare);
	assert_string_equal(rig_tick(&r), "-other Pod/once-x-1;");
	/* What a controller made is made again. */
	feed_pod(&r, "b", "\"nodeName\":\"n1\"", "\"phase\":\"Failed\",\"reason\":\"OutOfcpu\"");
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

static void test_pod_that_will_not_go(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, (pod){.app = "web", .hash = "h1", .id = "z", .deleting = true});
	assert_string_equal(rig_pass(&r, 595000), "");
	assert_string_equal(rig_pass(&r, 10000), "+other Deployment/web StuckTerminating[1];");
	rig_gone(&r, (pod){.app = "web", .hash = "h1", .id = "z"});
	assert_string_equal(rig_tick(&r), "-other Deployment/web;");
	rig_close(&r);
}

/* ---- flapping ---- */

static void test_what_comes_back_is_held_longer_each_time(void **state)
{
	rig r;
	rig_web(&r);
	const char *bad = "{\"name\":\"app\",\"state\":{\"waiting\":{\"reason\":\"CreateContainerConfigError\"}}}";
	const char *told[] = {"+config_error Deployment/web CreateContainerConfigError app[1];",
	    "+config_error Deployment/web CreateContainerConfigError (flapping: back 1 time, over after 60 s of quiet) app[1];",
	    "+config_error Deployment/web CreateContainerConfigError (flapping: back 2 times, over after 120 s of quiet) app[1];"};
	const int64_t quiet[] = {10000, 60000, 120000};
	for (int i = 0; i < 3; i++) {
		rig_pod(&r, POD(.phase = "Pending", .containers = bad));
		assert_string_equal(rig_tick(&r), told[i]);
		/* Short returns are within the same incident. */
		for (int back = 0; back < 3; back++) {
			rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
			assert_string_equal(rig_pass(&r, quiet[i] - 2000), "");
			rig_pod(&r, POD(.phase = "Pending", .containers = bad));
			assert_string_equal(rig_pass(&r, 1000), "");
		}
		rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
		assert_string_equal(rig_pass(&r, quiet[i] + 1000), "-config_error Deployment/web;");
	}
	/* Quiet for long enough, it is forgotten. */
	assert_string_equal(rig_pass(&r, DT_FLAP_MS), "");
	rig_pod(&r, POD(.phase = "Pending", .containers = bad));
	assert_string_equal(rig_tick(&r), told[0]);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_oom_of_a_sidecar), cmocka_unit_test(test_debug_container_is_no_part_of_the_workload), cmocka_unit_test(test_second_bad_exit),
	    cmocka_unit_test(test_why_an_image_cannot_be_pulled), cmocka_unit_test(test_the_event_says_why_the_pull_fails),
	    cmocka_unit_test(test_unschedulable_by_cause), cmocka_unit_test(test_room_that_a_drain_takes_is_waited_for),
	    cmocka_unit_test(test_claim_that_does_not_exist), cmocka_unit_test(test_evicted), cmocka_unit_test(test_bare_pod_that_failed),
	    cmocka_unit_test(test_pod_that_will_not_go), cmocka_unit_test(test_what_comes_back_is_held_longer_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
