/* One test per row of the detector's table: what sets it off, what does not, what ends it. */
#include "agents/detector_rig.h"

#define POD(...) ((pod){.app = "web", .hash = "h1", .id = "a", __VA_ARGS__})
#define UID "pod-web-h1-a"

static void test_oom_in_back_off(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off 10s", 3, "OOMKilled", 137)));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled app[1];");
	assert_string_equal(r.uid, "dep-web");
	assert_int_equal(r.severity, NS_SEV_CRIT);
	assert_non_null(strstr(r.message, "exit code 137"));
	/* It runs again, is ready, and holds for two minutes. */
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 4, "OOMKilled", 137, 20000)));
	assert_string_equal(rig_pass(&r, 110000), "");
	assert_string_equal(rig_pass(&r, 20000), "-oom_killed Deployment/web;");
	rig_close(&r);
}

static void test_oom_that_recovered_at_once(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 1, "OOMKilled", 137, 2000)));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled app[1];");
	assert_string_equal(rig_pass(&r, 110000), "");
	assert_string_equal(rig_pass(&r, 20000), "-oom_killed Deployment/web;");
	/* The same kill, told again, is no news; another one is. */
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 1, "OOMKilled", 137, 132000)));
	assert_string_equal(rig_tick(&r), "");
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 2, "OOMKilled", 137, 1000)));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled (flapping: back 1 time, over after 240 s of quiet) app[1];");
	rig_close(&r);
}

static void test_oom_of_yesterday_is_history(void **state)
{
	rig r;
	rig_open(&r, NULL);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_rs(&r, "web", "h1");
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 1, "OOMKilled", 137, 86400000)));
	rig_sync(&r);
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

static void test_oom_of_init_container_and_with_exit_0(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending",
	    .init = c_text("{\"name\":\"prepare\",\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"OOMKilled\",\"finishedAt\":\"%s\"}}}",
	        rig_time(&r, 1000))));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled prepare[1];");
	rig_close(&r);
}

static void test_kill_9_is_no_oom(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off 10s", 1, "Error", 137)));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	rig_close(&r);
}

static void test_crashloop(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off 10s", 2, "Error", 1)));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	/* The back-off counts up: the same alert. */
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off 20s", 3, "Error", 1)));
	assert_string_equal(rig_tick(&r), "");
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 3, "Error", 1, 20000)));
	assert_string_equal(rig_pass(&r, 55000), "");
	assert_string_equal(rig_pass(&r, 10000), "-pod_crashloop Deployment/web;");
	rig_close(&r);
}

static void test_crashloop_between_back_offs(void **state)
{
	rig r;
	rig_web(&r);
	for (int i = 1; i <= 3; i++) {
		rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, i, "Error", 1, 1000)));
		assert_string_equal(rig_pass(&r, 20000), i < 3 ? "" : "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	}
	assert_string_equal(rig_pass(&r, 30000), "");
	assert_string_equal(rig_pass(&r, 120000), "-pod_crashloop Deployment/web;");
	rig_close(&r);
}

static void test_image_pull(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ErrImagePull", "manifest unknown", 0, NULL, 0)));
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/web ImagePullBackOff (not found) app[1];");
	rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ImagePullBackOff", "Back-off pulling", 0, NULL, 0)));
	assert_string_equal(rig_pass(&r, 5000), "");
	rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "InvalidImageName", "bad name", 0, NULL, 0)));
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/web InvalidImageName app[1];");
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 15000), "-image_pull Deployment/web;");
	rig_close(&r);
}

static void test_config_errors(void **state)
{
	static const char *const reasons[] = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError"};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		rig r;
		char want[128];
		rig_web(&r);
		rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, reasons[i], "secret \\\"db\\\" not found", 0, NULL, 0)));
		snprintf(want, sizeof want, "+config_error Deployment/web %s app[1];", reasons[i]);
		assert_string_equal(rig_tick(&r), want);
		assert_string_equal(r.message, "secret \"db\" not found");
		rig_close(&r);
	}
}

static void test_config_error_hides_behind_back_off(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off 10s", 2, "StartError", 128)));
	assert_string_equal(rig_tick(&r), "+config_error Deployment/web StartError app[1];");
	rig_close(&r);
}

static void test_volume_that_cannot_be_mounted(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .age_ms = 4000, .containers = c_waiting(&r, "ContainerCreating", "", 0, NULL, 0)));
	rig_event(&r, UID, "FailedMount", "MountVolume.SetUp failed: configmap \\\"x\\\" not found", 1000, 1);
	assert_string_equal(rig_pass(&r, 3000), "");
	assert_string_equal(rig_pass(&r, 5000), "+config_error Deployment/web FailedMount[1];");
	rig_close(&r);
}

#define UNSCHEDULABLE(since) \
	c_text("{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes\",\"lastTransitionTime\":\"%s\"}", since)

static void test_unschedulable(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .age_ms = 1000, .scheduled = UNSCHEDULABLE(rig_time(&r, 1000))));
	assert_string_equal(rig_pass(&r, 13000), "");
	assert_string_equal(rig_pass(&r, 2000), "+unschedulable Deployment/web Unschedulable[1];");
	assert_string_equal(r.message, "0/3 nodes");
	rig_pod(&r, POD(.phase = "Pending", .containers = c_waiting(&r, "ContainerCreating", "", 0, NULL, 0)));
	assert_string_equal(rig_pass(&r, 6000), "-unschedulable Deployment/web;");
	rig_close(&r);
}

static void test_scheduling_gate_is_intended(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.phase = "Pending", .age_ms = 600000,
	    .scheduled = "{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"SchedulingGated\",\"message\":\"\"}"));
	assert_string_equal(rig_pass(&r, 600000), "");
	rig_close(&r);
}

static void test_readiness_probe(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 0});
	rig_pod(&r, POD(.ready = false, .ready_ago_ms = 0, .containers = c_running(&r, false, 0, NULL, 0, 0)));
	rig_event(&r, UID, "Unhealthy", "Readiness probe failed: HTTP 503", 0, 1);
	assert_string_equal(rig_pass(&r, 28000), "");
	assert_string_equal(rig_pass(&r, 4000), "+probe_failure Deployment/web Unhealthy app[1];");
	assert_string_equal(r.message, "Readiness probe failed: HTTP 503");
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 55000), "");
	assert_string_equal(rig_pass(&r, 10000), "-probe_failure Deployment/web;");
	rig_close(&r);
}

static void test_brief_unready_and_unready_without_a_probe(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.ready = false, .containers = c_running(&r, false, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 600000), "");
	rig_event(&r, UID, "Unhealthy", "Readiness probe failed: timeout", 0, 1);
	rig_pod(&r, POD(.ready = false, .containers = c_running(&r, false, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 10000), "");
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
	assert_string_equal(rig_pass(&r, 600000), "");
	rig_close(&r);
}

static void test_unready_pods_of_a_rollout_within_its_deadline(void **state)
{
	static const char going[] = "{\"type\":\"Progressing\",\"status\":\"True\",\"reason\":\"ReplicaSetUpdated\"}";
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .total = 2, .generation = 2, .conditions = going});
	rig_pod(&r, (pod){.app = "web", .hash = "h2", .id = "b", .age_ms = 1000, .labels = "\"app\":\"web\",\"pod-template-hash\":\"h2\"",
	                .containers = c_running(&r, false, 0, NULL, 0, 0)});
	rig_rs(&r, "web", "h2");
	rig_event(&r, "pod-web-h2-b", "Unhealthy", "Readiness probe failed: 503", 0, 1);
	assert_string_equal(rig_pass(&r, 300000), "");
	/* The deadline passes: the probe is the cause, the stalled rollout its symptom. */
	rig_event(&r, "pod-web-h2-b", "Unhealthy", "Readiness probe failed: 503", 0, 9);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .total = 2, .generation = 2,
	                .conditions = "{\"type\":\"Progressing\",\"status\":\"False\",\"reason\":\"ProgressDeadlineExceeded\",\"message\":\"timed out\"}"});
	assert_string_equal(rig_pass(&r, 5000), "+probe_failure Deployment/web Unhealthy app[1];");
	rig_close(&r);
}

static void test_liveness_kills(void **state)
{
	rig r;
	rig_web(&r);
	rig_event(&r, UID, "Unhealthy", "Liveness probe failed: connection refused", 2000, 3);
	rig_event(&r, UID, "Killing", "Container app failed liveness probe, will be restarted", 1000, 1);
	rig_pod(&r, POD(.ready = true, .containers = c_running(&r, true, 1, "Error", 137, 500)));
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_event(&r, UID, "Killing", "Container app failed liveness probe, will be restarted", 0, 2);
	rig_pod(&r, POD(.containers = c_running(&r, false, 2, "Error", 137, 500)));
	assert_string_equal(rig_tick(&r), "+probe_failure Deployment/web Unhealthy app[1];");
	/* Back-off after a kill by the probe is no incident of its own. */
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "back-off", 3, "Error", 137)));
	assert_string_equal(rig_pass(&r, 5000), "");
	rig_close(&r);
}

static void test_an_ordinary_stop_is_no_kill(void **state)
{
	rig r;
	rig_web(&r);
	rig_event(&r, UID, "Killing", "Stopping container app", 0, 5);
	rig_pod(&r, POD(.containers = c_running(&r, false, 2, "Completed", 0, 500)));
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

static void test_stalled_rollout(void **state)
{
	static const char stalled[] = "{\"type\":\"Progressing\",\"status\":\"False\",\"reason\":\"ProgressDeadlineExceeded\",\"message\":\"has timed out\"}";
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .generation = 2, .conditions = stalled});
	assert_string_equal(rig_tick(&r), "");
	assert_string_equal(rig_pass(&r, 1500), "+deployment_stalled Deployment/web ProgressDeadlineExceeded[0];");
	/* A new generation that the controller has not looked at yet: its status is of the past, but it is not well either. */
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .generation = 3, .observed = 2, .conditions = stalled});
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 2, .generation = 3});
	assert_string_equal(rig_pass(&r, 15000), "-deployment_stalled Deployment/web;");
	rig_close(&r);
}

static void test_paused_rollout_does_not_stall(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .generation = 2, .paused = true,
	                .conditions = "{\"type\":\"Progressing\",\"status\":\"False\",\"reason\":\"ProgressDeadlineExceeded\"}"});
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

static void test_replicas_that_cannot_be_created(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .updated = 1, .total = 1, .generation = 2,
	                .conditions = "{\"type\":\"ReplicaFailure\",\"status\":\"True\",\"reason\":\"FailedCreate\",\"message\":\"exceeded quota: compute\"}"});
	assert_string_equal(rig_pass(&r, 9000), "");
	assert_string_equal(rig_pass(&r, 2000), "+deployment_stalled Deployment/web FailedCreate (quota)[0];");
	rig_close(&r);
}

/* ---- Kyverno ---- */

#define POLICY(action) \
	"{\"metadata\":{\"name\":\"require-limits\",\"uid\":\"pol\"},\"spec\":{\"rules\":[{\"name\":\"check-limits\",\"validate\":{\"failureAction\":\"" action "\"}}]}}"

static void feed_report(rig *r, const char *result, bool exception)
{
	char b[2048];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"dep-web\",\"namespace\":\"shop\",\"uid\":\"report-1\"},\"scope\":{\"kind\":\"Deployment\",\"namespace\":\"shop\",\"name\":\"web\","
	    "\"uid\":\"dep-web\"},\"results\":[{\"policy\":\"require-limits\",\"rule\":\"autogen-check-limits\",\"result\":\"%s\",\"source\":\"kyverno\","
	    "\"message\":\"limits are required\"%s}]}",
	    result, exception ? ",\"properties\":{\"exceptions\":\"inc-1\"}" : "");
	rig_feed(r, DT_ROW_REPORTS, NS_WATCH_MODIFIED, b);
}

static void feed_blocked(rig *r, int64_t ago_ms)
{
	char b[2048];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"require-limits.17\",\"namespace\":\"default\"},\"involvedObject\":{\"kind\":\"ClusterPolicy\",\"name\":\"require-limits\"},"
	    "\"related\":{\"kind\":\"Deployment\",\"namespace\":\"shop\",\"name\":\"web\"},\"reason\":\"PolicyViolation\",\"type\":\"Warning\",\"action\":\"Resource Blocked\","
	    "\"message\":\"Deployment shop/web: [autogen-check-limits] fail (blocked); limits are required\",\"eventTime\":\"%s\"}",
	    rig_time(r, ago_ms));
	rig_feed(r, DT_ROW_EVENTS, NS_WATCH_ADDED, b);
}

static void test_report_of_an_enforced_policy(void **state)
{
	rig r;
	rig_web(&r);
	feed_report(&r, "fail", false);
	assert_string_equal(rig_tick(&r), ""); /* nobody knows yet that it is enforced */
	rig_feed(&r, DT_ROW_CLUSTERPOLICIES, NS_WATCH_ADDED, POLICY("Audit"));
	assert_string_equal(rig_tick(&r), "");
	rig_feed(&r, DT_ROW_CLUSTERPOLICIES, NS_WATCH_MODIFIED, POLICY("Enforce"));
	assert_string_equal(rig_tick(&r), "+kyverno_violation Deployment/web PolicyViolation[0];");
	assert_string_equal(r.policy, "require-limits");
	assert_string_equal(r.rule, "check-limits");
	ns_health h = rig_health(&r, "Deployment", "web", NS_KIND_KYVERNO_VIOLATION);
	assert_false(h.healthy);
	assert_true(rig_health(&r, "Deployment", "web", NS_KIND_OOM_KILLED).healthy);
	feed_report(&r, "skip", true);
	assert_string_equal(rig_tick(&r), "-kyverno_violation Deployment/web;");
	assert_true(rig_health(&r, "Deployment", "web", NS_KIND_KYVERNO_VIOLATION).healthy);
	rig_close(&r);
}

/* Before 1.11 Kyverno wrote one report for all of a namespace. */
static void test_report_about_many(void **state)
{
	static const char result[] = "%s{\"policy\":\"%s\",\"rule\":\"check-limits\",\"result\":\"%s\",\"source\":\"kyverno\",\"message\":\"m\",\"resources\":[{\"kind\":"
	                             "\"Deployment\",\"namespace\":\"shop\",\"name\":\"%s\"}]}";
	rig r;
	char results[2048], report[3072];
	rig_web(&r);
	rig_dep(&r, (dep){.name = "api", .replicas = 1, .ready = 1});
	rig_feed(&r, DT_ROW_CLUSTERPOLICIES, NS_WATCH_ADDED, POLICY("Enforce"));
	for (int fails = 1; fails >= 0; fails--) {
		size_t n = (size_t)snprintf(results, sizeof results, result, "", "only-audited", "fail", "web");
		n += (size_t)snprintf(results + n, sizeof results - n, result, ",", "require-limits", fails ? "fail" : "pass", "api");
		snprintf(results + n, sizeof results - n, result, ",", "only-audited", "fail", "api");
		snprintf(report, sizeof report, "{\"metadata\":{\"name\":\"polr-ns-shop\",\"namespace\":\"shop\",\"uid\":\"report-1\"},\"results\":[%s]}", results);
		rig_feed(&r, DT_ROW_REPORTS, NS_WATCH_MODIFIED, report);
		assert_string_equal(rig_pass(&r, 5000), fails ? "+kyverno_violation Deployment/api PolicyViolation[0];" : "-kyverno_violation Deployment/api;");
	}
	rig_feed(&r, DT_ROW_REPORTS, NS_WATCH_DELETED, report);
	assert_int_equal(r.d->reports.n, 0);
	rig_close(&r);
}

/* A policy may enforce one rule and audit another, and say otherwise for some namespaces. */
static void test_enforced_by_rule_and_by_namespace(void **state)
{
	static const struct { const char *spec; bool told; } rows[] = {
	    {"\"rules\":[{\"name\":\"other\",\"validate\":{\"failureAction\":\"Enforce\"}},{\"name\":\"check-limits\",\"validate\":{\"failureAction\":\"Audit\"}}]", false},
	    {"\"rules\":[{\"name\":\"other\",\"validate\":{\"failureAction\":\"Audit\"}},{\"name\":\"check-limits\",\"validate\":{\"failureAction\":\"Enforce\"}}]", true},
	    {"\"validationFailureAction\":\"Enforce\",\"rules\":[{\"name\":\"check-limits\",\"validate\":{}}]", true},
	    {"\"validationFailureAction\":\"enforce\",\"validationFailureActionOverrides\":[{\"action\":\"audit\",\"namespaces\":[\"dev\",\"sh*\"]}]", false},
	    {"\"validationFailureAction\":\"Enforce\",\"validationFailureActionOverrides\":[{\"action\":\"Audit\",\"namespaces\":[\"dev\"]}]", true},
	    {"\"validationFailureAction\":\"Audit\",\"validationFailureActionOverrides\":[{\"action\":\"Enforce\",\"namespaces\":[\"shop\"]}]", true},
	    {"\"rules\":[{\"name\":\"check-limits\",\"validate\":{\"failureAction\":\"Enforce\",\"failureActionOverrides\":[{\"action\":\"Audit\",\"namespaces\":[\"shop\"]}]}}]", false},
	    {"\"validationActions\":[\"Audit\"]", false},
	    {"\"validationActions\":[\"Audit\",\"Deny\"]", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char policy[1024];
		rig_web(&r);
		feed_report(&r, "fail", false);
		snprintf(policy, sizeof policy, "{\"metadata\":{\"name\":\"require-limits\",\"uid\":\"pol\"},\"spec\":{%s}}", rows[i].spec);
		rig_feed(&r, DT_ROW_CLUSTERPOLICIES, NS_WATCH_ADDED, policy);
		assert_string_equal(rig_tick(&r), rows[i].told ? "+kyverno_violation Deployment/web PolicyViolation[0];" : "");
		rig_close(&r);
	}
}

static void test_blocked_update(void **state)
{
	rig r;
	rig_web(&r);
	feed_blocked(&r, 0);
	assert_string_equal(rig_tick(&r), "+kyverno_violation Deployment/web PolicyViolation[0];");
	assert_string_equal(r.message, "limits are required");
	feed_blocked(&r, 0);
	assert_string_equal(rig_pass(&r, 30000), "");
	/* The change goes through. */
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .generation = 2});
	assert_string_equal(rig_tick(&r), "-kyverno_violation Deployment/web;");
	feed_blocked(&r, 30000); /* told again after a reconnect */
	assert_string_equal(rig_tick(&r), "");
	rig_close(&r);
}

static void test_exception_ends_a_block(void **state)
{
	rig r;
	rig_web(&r);
	feed_blocked(&r, 0);
	assert_string_equal(rig_tick(&r), "+kyverno_violation Deployment/web PolicyViolation[0];");
	feed_report(&r, "skip", true);
	assert_string_equal(rig_tick(&r), "-kyverno_violation Deployment/web;");
	rig_close(&r);
}

static void test_denial_seen_in_the_deployment(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 2, .ready = 1, .updated = 1, .total = 1, .generation = 2,
	                .conditions = "{\"type\":\"ReplicaFailure\",\"status\":\"True\",\"reason\":\"FailedCreate\",\"message\":\"admission webhook "
	                              "\\\"validate.kyverno.svc-fail\\\" denied the request: \\n\\nresource Pod/shop/ was blocked due to the following policies \\n\\n"
	                              "require-limits:\\n  check-limits: 'validation error: limits'\\n\"}"});
	assert_string_equal(rig_pass(&r, 60000), "+kyverno_violation Deployment/web PolicyViolation[0];");
	assert_string_equal(r.policy, "require-limits");
	assert_string_equal(r.rule, "check-limits");
	rig_close(&r);
}

/* ---- cost ---- */

static void set_cost(rig *r, double now, double before)
{
	ns_arena *ar = ns_arena_new();
	ns_cost_report *c = ns_arena_alloc(ar, sizeof *c);
	c->rows = ns_arena_alloc(ar, sizeof *c->rows);
	c->n_rows = 1;
	c->rows[0] = (ns_cost_row){.ns = "shop", .controller_kind = "deployment", .controller = "web", .per_day = now, .per_day_before = before, .minutes = 1440};
	dt_set_cost(r->d, ar, c, "");
}

static void test_cost_spike(void **state)
{
	rig r;
	rig_web(&r);
	rig_dep(&r, (dep){.name = "web", .replicas = 6, .ready = 6});
	set_cost(&r, 30, 10);
	assert_string_equal(rig_tick(&r), "+cost_spike Deployment/web CostSpike[0];");
	assert_false(rig_health(&r, "Deployment", "web", NS_KIND_COST_SPIKE).healthy);
	assert_true(rig_health(&r, "Deployment", "web", NS_KIND_POD_CRASHLOOP).healthy);
	set_cost(&r, 31, 10);
	assert_string_equal(rig_tick(&r), "");
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .generation = 2});
	assert_string_equal(rig_tick(&r), "-cost_spike Deployment/web;");
	set_cost(&r, 11, 10);
	assert_string_equal(rig_tick(&r), "");
	ns_arena *ar = ns_arena_new();
	char why[64];
	ns_cost_report *c = ns_detector_cost(r.d, ar, why, sizeof why);
	assert_int_equal(c->n_rows, 1);
	assert_string_equal(c->rows[0].controller, "web");
	ns_arena_free(ar);
	rig_close(&r);
}

static void test_storm(void **state)
{
	rig r;
	rig_open(&r, NULL);
	for (int i = 0; i < 10; i++) {
		char name[16];
		snprintf(name, sizeof name, "p%d", i);
		rig_pod(&r, (pod){.app = name, .hash = "x", .id = "y", .bare = true, .ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)});
	}
	rig_sync(&r);
	assert_string_equal(rig_tick(&r), "");
	ns_link link;
	for (int i = 0; i < 5; i++) {
		char name[16];
		snprintf(name, sizeof name, "p%d", i);
		rig_pod(&r, (pod){.app = name, .hash = "x", .id = "y", .bare = true, .containers = c_waiting(&r, "CrashLoopBackOff", "", 1, "Error", 1)});
		ns_detector_link(r.d, &link);
		assert_false(link.storm);
		const char *told = rig_tick(&r);
		if (i == 4) /* the brake is told before the alert that set it off */
			assert_memory_equal(told, "+storm Cluster/test Storm[5];+pod_crashloop", 43);
		else
			assert_null(strstr(told, "storm"));
	}
	ns_detector_link(r.d, &link);
	assert_true(link.storm);
	assert_string_equal(link.storm_why, "5 of 10 workloads are unhealthy (50 %, brake at 30 % and 5)");
	assert_false(rig_health(&r, "Cluster", "test", NS_KIND_STORM).healthy);
	for (int i = 0; i < 3; i++) {
		char name[16];
		snprintf(name, sizeof name, "p%d", i);
		rig_pod(&r, (pod){.app = name, .hash = "x", .id = "y", .bare = true, .ready = true, .containers = c_running(&r, true, 1, NULL, 0, 0)});
	}
	assert_null(strstr(rig_pass(&r, 20000), "storm"));
	assert_non_null(strstr(rig_pass(&r, 20000), "-storm Cluster/test;"));
	ns_detector_link(r.d, &link);
	assert_false(link.storm);
	rig_close(&r);
}

static void test_storm_of_nodes(void **state)
{
	rig r;
	ns_link link;
	rig_web(&r);
	for (int i = 0; i < 5; i++) {
		char b[256];
		snprintf(b, sizeof b, "{\"metadata\":{\"name\":\"n%d\",\"uid\":\"n%d\"},\"spec\":{\"unschedulable\":true},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]}}", i, i,
		    i < 1 ? "Unknown" : "True");
		rig_feed(&r, DT_ROW_NODES, NS_WATCH_ADDED, b);
	}
	assert_string_equal(rig_tick(&r), "+node_pressure Node/n0 NotReady[0];"); /* one node, and cordons: no storm */
	rig_feed(&r, DT_ROW_NODES, NS_WATCH_MODIFIED, "{\"metadata\":{\"name\":\"n1\",\"uid\":\"n1\"},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}}");
	assert_string_equal(rig_tick(&r), "+storm Cluster/test Storm[2];+node_pressure Node/n1 NotReady[1];");
	ns_detector_link(r.d, &link);
	assert_int_equal(link.nodes_unhealthy, 2);
	rig_close(&r);
}

static void test_table_is_complete(void **state)
{
	size_t n;
	const ns_rule_info *rows = ns_detector_rules(&n);
	unsigned seen = 0, as_grave = 0;
	assert_int_equal(n, dt_n_rules);
	for (size_t i = 0; i < n; i++) {
		assert_true(*rows[i].name && *rows[i].when && *rows[i].evidence && *rows[i].recovers);
		seen |= DT_BIT(rows[i].kind);
		if (rows[i].severity == ns_kind_get(rows[i].kind)->severity)
			as_grave |= DT_BIT(rows[i].kind);
	}
	assert_int_equal(seen, DT_BIT(NS_KIND_COUNT) - 1);
	assert_int_equal(as_grave, seen); /* a row of each kind is as grave as the kind is by default */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_oom_in_back_off), cmocka_unit_test(test_oom_that_recovered_at_once), cmocka_unit_test(test_oom_of_yesterday_is_history),
	    cmocka_unit_test(test_oom_of_init_container_and_with_exit_0), cmocka_unit_test(test_kill_9_is_no_oom), cmocka_unit_test(test_crashloop),
	    cmocka_unit_test(test_crashloop_between_back_offs), cmocka_unit_test(test_image_pull), cmocka_unit_test(test_config_errors),
	    cmocka_unit_test(test_config_error_hides_behind_back_off), cmocka_unit_test(test_volume_that_cannot_be_mounted),
	    cmocka_unit_test(test_unschedulable), cmocka_unit_test(test_scheduling_gate_is_intended), cmocka_unit_test(test_readiness_probe),
	    cmocka_unit_test(test_brief_unready_and_unready_without_a_probe), cmocka_unit_test(test_unready_pods_of_a_rollout_within_its_deadline),
	    cmocka_unit_test(test_liveness_kills), cmocka_unit_test(test_an_ordinary_stop_is_no_kill), cmocka_unit_test(test_stalled_rollout),
	    cmocka_unit_test(test_paused_rollout_does_not_stall), cmocka_unit_test(test_replicas_that_cannot_be_created),
	    cmocka_unit_test(test_report_of_an_enforced_policy), cmocka_unit_test(test_enforced_by_rule_and_by_namespace), cmocka_unit_test(test_report_about_many), cmocka_unit_test(test_blocked_update), cmocka_unit_test(test_exception_ends_a_block),
	    cmocka_unit_test(test_denial_seen_in_the_deployment), cmocka_unit_test(test_cost_spike), cmocka_unit_test(test_storm),
	    cmocka_unit_test(test_storm_of_nodes), cmocka_unit_test(test_table_is_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
