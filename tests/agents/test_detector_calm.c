/* What real clusters show every day, and nobody wants to be called for; and beside each the case that looks alike and is a failure. */
#include "agents/detector_rig.h"

#define POD(...) ((pod){.app = "web", .hash = "h1", .id = "a", __VA_ARGS__})
#define UID      "pod-web-h1-a"
#define MINUTE   60000ll
#define DAY      (24 * 60 * MINUTE)

static const char *ended(rig *r, int exit, const char *reason, int last_exit, const char *last_reason, int64_t last_ago_ms)
{
	return c_text(
	    "{\"name\":\"app\",\"restartCount\":3,\"state\":{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"finishedAt\":\"%s\"}},"
	    "\"lastState\":{\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"finishedAt\":\"%s\"}}}",
	    exit, reason, rig_time(r, 0), last_exit, last_reason, rig_time(r, last_ago_ms));
}

/* A restart of last month does not make one bad end a second one, and a node's restart is no end of the container's own. */
static void test_one_bad_end_in_a_long_life(void **state)
{
	static const struct {
		int exit, last_exit;
		const char *reason, *last_reason;
		int64_t last_ago_ms;
		bool told;
	} rows[] = {
	    {1, 1, "Error", "Error", 30 * DAY, false},
	    {1, 1, "Error", "Error", 30 * MINUTE, true},
	    {1, 0, "Error", "Completed", 30 * MINUTE, false},
	    {255, 1, "Unknown", "Error", 30 * MINUTE, false},
	    {137, 1, "ContainerStatusUnknown", "Error", 30 * MINUTE, false},
	    {1, 255, "Error", "Unknown", 30 * MINUTE, false},
	    {137, 137, "Error", "Error", 30 * MINUTE, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		rig_gone(&r, POD(.ready = true)); /* that one never restarted */
		rig_pod(&r, POD(.containers =
		                    ended(&r, rows[i].exit, rows[i].reason, rows[i].last_exit, rows[i].last_reason, rows[i].last_ago_ms)));
		const char *said = rig_pass(&r, 2000);
		if (!*said == rows[i].told)
			fail_msg("row %zu: %s", i, said);
		rig_close(&r);
	}
}

/* Workflows, pipelines and builds leave failed pods behind for weeks. */
static void test_failed_pods_of_controllers_that_are_not_known(void **state)
{
	static const struct {
		const char *owner;
		int64_t ago_ms;
		bool told;
	} rows[] = {
	    {"\"ownerReferences\":[{\"kind\":\"Workflow\",\"name\":\"w\",\"uid\":\"wf\",\"controller\":true}],", 3 * 60 * MINUTE, false},
	    {"\"ownerReferences\":[{\"kind\":\"Workflow\",\"name\":\"w\",\"uid\":\"wf\",\"controller\":true}],", MINUTE, true},
	    {"", 3 * 60 * MINUTE, true},
	    {"", 25 * 60 * MINUTE, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char b[2048];
		rig_open(&r, NULL);
		snprintf(b, sizeof b,
		    "{\"metadata\":{\"name\":\"step-1\",\"namespace\":\"shop\",\"uid\":\"s1\",%s\"creationTimestamp\":\"%s\"},\"spec\":{"
		    "\"nodeName\":\"n1\"},\"status\":{"
		    "\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"terminated\":{\"exitCode\":2,\"reason\":"
		    "\"Error\",\"finishedAt\":\"%s\"}}}]}}",
		    rows[i].owner, rig_time(&r, rows[i].ago_ms + MINUTE), rig_time(&r, rows[i].ago_ms));
		rig_feed(&r, DT_ROW_PODS, NS_WATCH_ADDED, b);
		rig_sync(&r);
		const char *said = rig_pass(&r, 15 * MINUTE);
		const char *want = !rows[i].told    ? ""
		                   : *rows[i].owner ? "+other Pod/step-1 PodFailed[1];-other Pod/step-1;"
		                                    : "+other Pod/step-1 PodFailed[1];";
		if (strcmp(said, want) != 0)
			fail_msg("row %zu: %s", i, said);
		rig_close(&r);
	}
}

/* Old kubelets name no time at all for an eviction; the pod may have run for months. */
static void test_eviction_without_a_time(void **state)
{
	rig r;
	rig_web(&r);
	static const char evicted[] =
	    "{\"metadata\":{\"name\":\"web-h1-a\",\"namespace\":\"shop\",\"uid\":\"" UID
	    "\",\"creationTimestamp\":\"%s\",\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"h1\"},\"ownerReferences\":[{\"kind\":"
	    "\"ReplicaSet\",\"name\":\"web-h1\",\"uid\":\"rs-web-h1\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\"},\"status\":{"
	    "\"phase\":"
	    "\"Failed\",\"reason\":\"Evicted\",\"message\":\"Pod The node was low on resource: memory.\",\"startTime\":\"%s\"}}";
	char b[2048];
	snprintf(b, sizeof b, evicted, rig_time(&r, 90 * DAY), rig_time(&r, 90 * DAY));
	rig_feed(&r, DT_ROW_PODS, NS_WATCH_MODIFIED, b);
	assert_string_equal(rig_tick(&r), "+evicted Deployment/web Evicted[1];");
	/* It stays, is told again after each reconnect, and is news no longer. */
	assert_string_equal(rig_pass(&r, 9 * MINUTE), "");
	rig_feed(&r, DT_ROW_PODS, NS_WATCH_MODIFIED, b);
	assert_string_equal(rig_pass(&r, 2 * MINUTE), "-evicted Deployment/web;");
	rig_feed(&r, DT_ROW_PODS, NS_WATCH_MODIFIED, b);
	assert_string_equal(rig_pass(&r, 60 * MINUTE), "");
	rig_close(&r);
}

/* The kubelet writes transition times by its own clock. */
static void test_probe_on_a_node_whose_clock_is_ahead(void **state)
{
	rig r;
	rig_web(&r);
	for (int i = 0; i < 3; i++) {
		rig_pod(&r, POD(.ready_ago_ms = i * 10000 - 20 * MINUTE, .containers = c_running(&r, false, 0, NULL, 0, 0)));
		rig_event(&r, UID, "Unhealthy", "Readiness probe failed: HTTP 503", -20 * MINUTE, i + 1);
		assert_string_equal(rig_pass(&r, 10000), i < 2 ? "" : "+probe_failure Deployment/web Unhealthy app[1];");
	}
	rig_close(&r);
}

static void test_probe_on_a_node_whose_clock_is_behind(void **state)
{
	rig r;
	char b[1024];
	rig_web(&r);
	rig_pod(&r, POD(.ready_ago_ms = 20 * MINUTE, .containers = c_running(&r, false, 0, NULL, 0, 30 * MINUTE)));
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"e\",\"namespace\":\"shop\",\"creationTimestamp\":\"%s\"},\"involvedObject\":{\"kind\":\"Pod\",\"uid\":\"" UID
	    "\",\"fieldPath\":\"spec.containers{app}\"},\"reason\":\"Unhealthy\",\"message\":\"Readiness probe failed: HTTP 503\",\"count\":1,\"lastTimestamp\":\"%s\"}",
	    rig_time(&r, 0), rig_time(&r, 20 * MINUTE));
	rig_feed(&r, DT_ROW_EVENTS, NS_WATCH_ADDED, b);
	assert_string_equal(rig_tick(&r), "+probe_failure Deployment/web Unhealthy app[1];");
	rig_close(&r);
}

/* A drained node's pods start elsewhere, and no rollout says so. */
static void test_slow_start_outside_of_a_rollout(void **state)
{
	rig r;
	rig_web(&r);
	rig_gone(&r, POD(.ready = true));
	pod slow = {.app = "web", .hash = "h1", .id = "b", .age_ms = 1};
	for (int i = 0; i < 4; i++) {
		slow.age_ms = slow.ready_ago_ms = i * MINUTE + 1;
		slow.containers = c_text("{\"name\":\"app\",\"ready\":false,\"restartCount\":0,\"state\":{\"running\":{\"startedAt\":\"%s\"}}}", rig_time(&r, i * MINUTE));
		rig_pod(&r, slow);
		rig_event(&r, "pod-web-h1-b", "Unhealthy", "Readiness probe failed: connection refused", 0, i + 1);
		assert_string_equal(rig_pass(&r, MINUTE), "");
	}
	/* It never comes up. */
	rig_event(&r, "pod-web-h1-b", "Unhealthy", "Readiness probe failed: connection refused", 0, 5);
	assert_string_equal(rig_pass(&r, 2 * MINUTE), "+probe_failure Deployment/web Unhealthy app[1];");
	rig_close(&r);
}

/* It restarted twice last year; today a probe killed it once. */
static void test_one_kill_by_a_probe_in_a_long_life(void **state)
{
	rig r;
	rig_web(&r);
	rig_gone(&r, POD(.ready = true));
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 7, NULL, 0, DAY)));
	rig_event(&r, UID, "Killing", "Container app failed liveness probe, will be restarted", 0, 1);
	rig_pod(&r, POD(.containers = c_running(&r, false, 8, "Error", 137, 1000)));
	assert_string_equal(rig_pass(&r, 20000), "");
	rig_event(&r, UID, "Killing", "Container app failed liveness probe, will be restarted", 0, 2);
	rig_pod(&r, POD(.containers = c_running(&r, false, 9, "Error", 137, 1000)));
	assert_string_equal(rig_tick(&r), "+probe_failure Deployment/web Unhealthy app[1];");
	rig_close(&r);
}

static const char *pending(rig *r, int64_t ago_ms)
{
	return c_text("{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes are available: "
	              "3 Insufficient cpu.\","
	              "\"lastTransitionTime\":\"%s\"}",
	    rig_time(r, ago_ms));
}

static void test_room_that_an_autoscaler_brings(void **state)
{
	static const char *const reasons[] = {"TriggeredScaleUp", "Nominated"};
	for (size_t i = 0; i < 2; i++) {
		rig r;
		rig_web(&r);
		rig_pod(&r, POD(.phase = "Pending", .scheduled = pending(&r, 0)));
		rig_event(&r, UID, reasons[i], "pod triggered scale-up", 0, 1);
		assert_string_equal(rig_pass(&r, 4 * MINUTE), "");
		assert_string_equal(rig_pass(&r, 2 * MINUTE), "+unschedulable Deployment/web Unschedulable (cpu)[1];");
		rig_close(&r);
	}
}

static void test_room_that_is_promised_again_and_again(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .scheduled = pending(&r, 0)));
	for (int i = 0; i < 7; i++) {
		rig_event(&r, UID, "TriggeredScaleUp", "pod triggered scale-up", 0, i + 1);
		assert_string_equal(rig_pass(&r, 2 * MINUTE), "");
	}
	rig_event(&r, UID, "TriggeredScaleUp", "pod triggered scale-up", 0, 8);
	assert_string_equal(rig_pass(&r, 2 * MINUTE), "+unschedulable Deployment/web Unschedulable (cpu)[1];");
	rig_close(&r);
}

/* While a namespace is deleted its controllers are refused what they try to make again. */
static void test_namespace_that_is_being_deleted(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web",
	                .replicas = 2,
	                .ready = 1,
	                .updated = 1,
	                .total = 1,
	                .generation = 2,
	                .conditions = "{\"type\":\"ReplicaFailure\",\"status\":\"True\",\"reason\":\"FailedCreate\",\"message\":\"pods "
	                              "\\\"web-h1-x\\\" is forbidden: unable to "
	                              "create new content in namespace shop because it is being terminated\"}"});
	assert_string_equal(rig_pass(&r, 5 * MINUTE), "");
	rig_close(&r);
}

static const char paused[] = "{\"type\":\"Progressing\",\"status\":\"Unknown\",\"reason\":\"DeploymentPaused\"}";

/* Paused is no failure; a pod of it whose probe fails is. */
static void test_pods_of_a_paused_rollout(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .updated = 1, .total = 2, .paused = true, .conditions = paused});
	assert_string_equal(rig_pass(&r, 30 * MINUTE), "");
	rig_pod(&r, POD(.containers = c_running(&r, false, 0, NULL, 0, 0)));
	rig_event(&r, UID, "Unhealthy", "Readiness probe failed: HTTP 503", 0, 3);
	assert_string_equal(rig_pass(&r, MINUTE), "+probe_failure Deployment/web Unhealthy app[1];");
	rig_close(&r);
}

/* progressDeadlineSeconds at its maximum: the Deployment has no Progressing condition, and nobody would ever be told. */
static void test_rollout_without_a_deadline(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web",
	                .replicas = 2,
	                .ready = 1,
	                .updated = 1,
	                .total = 2,
	                .generation = 2,
	                .conditions = "{\"type\":\"Available\",\"status\":\"False\"}"});
	assert_string_equal(rig_pass(&r, 9 * MINUTE), "");
	assert_string_equal(rig_pass(&r, 2 * MINUTE), "+deployment_stalled Deployment/web RolloutStalled[0];");
	rig_close(&r);
}

/* Of a bare pod or a Job's no rollout tells that it hangs; an image of many gigabytes may take a while. */
static void test_pod_that_never_starts(void **state)
{
	static const struct { const char *waiting, *says; } rows[] = {
	    {"ContainerCreating", "+probe_failure Pod/once-x-1 NotStarted[1];"},
	    {"SomethingNew", "+probe_failure Pod/once-x-1 NotStarted[1];"},
	    {"ErrImagePull", "+image_pull Pod/once-x-1 ImagePullBackOff c[1];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		pod once = {.app = "once", .hash = "x", .id = "1", .bare = true, .phase = "Pending", .age_ms = MINUTE,
		    .containers = c_text("{\"name\":\"c\",\"state\":{\"waiting\":{\"reason\":\"%s\"}}}", rows[i].waiting)};
		rig_pod(&r, once);
		const char *said = rig_pass(&r, 14 * MINUTE);
		assert_string_equal(said, i == 2 ? rows[i].says : "");
		assert_string_equal(rig_pass(&r, 2 * MINUTE), i == 2 ? "" : rows[i].says);
		once.phase = "Running";
		once.ready = true;
		once.containers = "{\"name\":\"c\",\"ready\":true,\"state\":{\"running\":{}}}";
		rig_pod(&r, once);
		assert_non_null(strstr(rig_pass(&r, 2 * MINUTE), "Pod/once-x-1;"));
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_bad_end_in_a_long_life),
	    cmocka_unit_test(test_failed_pods_of_controllers_that_are_not_known),
	    cmocka_unit_test(test_eviction_without_a_time),
	    cmocka_unit_test(test_probe_on_a_node_whose_clock_is_ahead),
	    cmocka_unit_test(test_probe_on_a_node_whose_clock_is_behind), cmocka_unit_test(test_slow_start_outside_of_a_rollout),
	    cmocka_unit_test(test_one_kill_by_a_probe_in_a_long_life), cmocka_unit_test(test_room_that_an_autoscaler_brings),
	    cmocka_unit_test(test_room_that_is_promised_again_and_again),
	    cmocka_unit_test(test_namespace_that_is_being_deleted),
	    cmocka_unit_test(test_pods_of_a_paused_rollout),
	    cmocka_unit_test(test_rollout_without_a_deadline), cmocka_unit_test(test_pod_that_never_starts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
