/* The detector as a whole: who owns what, one incident per cause, nothing told twice or missed, and what it says while it cannot see. */
#include "agents/detector_rig.h"

#define POD(...) ((pod){.app = "web", .hash = "h1", __VA_ARGS__})

static void test_members_are_one_alert(void **state)
{
	rig r;
	rig_web(&r);
	const char *crash = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1);
	rig_pod(&r, POD(.id = "a", .containers = crash));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	/* The first change at once, what follows at most every two seconds. */
	rig_pod(&r, POD(.id = "b", .containers = crash));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[2];");
	rig_pod(&r, POD(.id = "c", .containers = crash));
	assert_string_equal(rig_tick(&r), "");
	rig_pod(&r, POD(.id = "d", .containers = crash));
	assert_string_equal(rig_pass(&r, 2000), "+pod_crashloop Deployment/web CrashLoopBackOff app[4];");
	assert_string_equal(rig_pass(&r, 10000), "");
	rig_close(&r);
}

static void test_oom_and_crash_loop_of_one_container_are_one_incident(void **state)
{
	rig r;
	rig_web(&r);
	/* The crash is seen first, its cause later. */
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 137)));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 3, "OOMKilled", 137)));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled app[1];-pod_crashloop Deployment/web;");
	/* Back and forth between the two is still the one incident. */
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 4, "Error", 1)));
	assert_string_equal(rig_pass(&r, 10000), "");
	rig_close(&r);
}

static void test_two_containers_with_two_causes_are_two(void **state)
{
	rig r;
	rig_web(&r);
	const char *app = c_waiting(&r, "CrashLoopBackOff", "", 2, "OOMKilled", 137);
	char both[2048];
	snprintf(both, sizeof both, "%s,{\"name\":\"proxy\",\"restartCount\":3,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},"
	                            "\"lastState\":{\"terminated\":{\"exitCode\":1,\"reason\":\"Error\",\"finishedAt\":\"%s\"}}}", app, rig_time(&r, 1000));
	rig_pod(&r, POD(.id = "a", .containers = both));
	assert_string_equal(rig_tick(&r), "+oom_killed Deployment/web OOMKilled app[1];+pod_crashloop Deployment/web CrashLoopBackOff proxy[1];");
	rig_close(&r);
}

static void test_cause_holds_the_stalled_rollout_back(void **state)
{
	static const char stalled[] = "{\"type\":\"Progressing\",\"status\":\"False\",\"reason\":\"ProgressDeadlineExceeded\",\"message\":\"x\"}";
	rig r;
	rig_web(&r);
	rig_rs(&r, "web", "h2");
	/* Told as stalled first: when the cause shows, it takes over. */
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .total = 2, .generation = 2, .conditions = stalled});
	assert_string_equal(rig_pass(&r, 3000), "+deployment_stalled Deployment/web ProgressDeadlineExceeded[0];");
	pod new = {.app = "web", .hash = "h2", .id = "n", .phase = "Pending", .labels = "\"app\":\"web\",\"pod-template-hash\":\"h2\"",
	    .containers = c_waiting(&r, "ImagePullBackOff", "not found", 0, NULL, 0)};
	rig_pod(&r, new);
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/web ImagePullBackOff (not found) app[1];-deployment_stalled Deployment/web;");
	assert_string_equal(rig_pass(&r, 60000), "");
	/* Rolled back: the bad pod goes, the rollout completes. */
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .generation = 3});
	rig_gone(&r, new);
	assert_string_equal(rig_pass(&r, 20000), "-image_pull Deployment/web;");
	rig_close(&r);
}

/* ---- owners ---- */

static void test_owner_must_select_the_pod(void **state)
{
	static const struct { const char *labels, *says; } rows[] = {
	    {"\"app\":\"other\",\"pod-template-hash\":\"h1\"", "+pod_crashloop Pod/web-h1-z CrashLoopBackOff app[1];"},
	    {"\"app\":\"web\",\"pod-template-hash\":\"h9\"", "+pod_crashloop Pod/web-h1-z CrashLoopBackOff app[1];"},
	    {"\"x\":\"y\",\"app\":\"web\",\"pod-template-hash\":\"h1\"", "+pod_crashloop Deployment/web CrashLoopBackOff app[1];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		rig_pod(&r, POD(.id = "z", .labels = rows[i].labels, .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
		assert_string_equal(rig_pass(&r, 5000), rows[i].says);
		rig_close(&r);
	}
}

/* A selector may have no plain pair at all. */
static void test_selectors_with_expressions(void **state)
{
	static const struct { const char *expression, *labels; bool selected; } rows[] = {
	    {"\"key\":\"app\",\"operator\":\"In\",\"values\":[\"api\",\"web\"]", "app=web\0", true},
	    {"\"key\":\"app\",\"operator\":\"In\",\"values\":[\"api\",\"web2\",\"we\"]", "app=web\0", false},
	    {"\"key\":\"app\",\"operator\":\"In\",\"values\":[\"\"]", "app=\0", true},
	    {"\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\"]", "apps=web\0", false},
	    {"\"key\":\"app\",\"operator\":\"NotIn\",\"values\":[\"api\"]", "app=web\0", true},
	    {"\"key\":\"app\",\"operator\":\"NotIn\",\"values\":[\"web\"]", "app=web\0", false},
	    {"\"key\":\"x\",\"operator\":\"NotIn\",\"values\":[\"web\"]", "app=web\0", true},
	    {"\"key\":\"app\",\"operator\":\"Exists\"", "app=web\0", true},
	    {"\"key\":\"x\",\"operator\":\"Exists\"", "app=web\0", false},
	    {"\"key\":\"x\",\"operator\":\"DoesNotExist\"", "app=web\0", true},
	    {"\"key\":\"app\",\"operator\":\"DoesNotExist\"", "app=web\0", false},
	    {"\"key\":\"app\",\"operator\":\"Gt\",\"values\":[\"1\"]", "app=2\0", false},
	    {"\"operator\":7", "app=2\0", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char b[512];
		snprintf(b, sizeof b, "{\"metadata\":{\"name\":\"d\",\"uid\":\"u\"},\"spec\":{\"selector\":{\"matchExpressions\":[{%s}]}}}", rows[i].expression);
		cJSON *j = ns_json_parse(b, strlen(b), &ns_json_api, NULL);
		dt_obj *o = dt_decode_obj(DT_DEPLOYMENT, j);
		if (dt_selects(o->selector, rows[i].labels) != rows[i].selected)
			fail_msg("%s of %s", rows[i].expression, rows[i].labels);
		dt_obj_free(o);
		cJSON_Delete(j);
	}
}

static void test_replicaset_whose_deployment_is_another(void **state)
{
	rig r;
	rig_open(&r, NULL);
	rig_rs(&r, "web", "h1"); /* says that Deployment dep-web owns it; there is none of that uid */
	rig_feed(&r, DT_ROW_DEPLOYMENTS, NS_WATCH_ADDED,
	    "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"dep-new\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"web\"}}}}");
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	rig_sync(&r);
	assert_string_equal(rig_tick(&r), "+pod_crashloop ReplicaSet/web-h1 CrashLoopBackOff app[1];");
	rig_close(&r);
}

static void test_owner_that_comes_a_moment_later(void **state)
{
	rig r;
	rig_web(&r);
	pod p = {.app = "api", .hash = "k", .id = "a", .labels = "\"app\":\"api\",\"pod-template-hash\":\"k\"", .containers = c_waiting(&r, "ErrImagePull", "", 0, NULL, 0)};
	rig_pod(&r, p);
	assert_string_equal(rig_pass(&r, 500), "");
	rig_rs(&r, "api", "k");
	assert_string_equal(rig_pass(&r, 500), "");
	rig_dep(&r, (dep){.name = "api", .replicas = 1});
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/api ImagePullBackOff app[1];");
	/* One whose owner never comes stands for itself. */
	rig_pod(&r, (pod){.app = "lost", .hash = "k", .id = "a", .containers = c_waiting(&r, "ErrImagePull", "", 0, NULL, 0)});
	assert_string_equal(rig_pass(&r, 1900), "");
	assert_string_equal(rig_pass(&r, 200), "+image_pull Pod/lost-k-a ImagePullBackOff app[1];");
	rig_close(&r);
}

static void test_confirmed_link_outlives_the_replicaset(void **state)
{
	rig r;
	rig_web(&r);
	rig_feed(&r, DT_ROW_REPLICASETS, NS_WATCH_DELETED, "{\"metadata\":{\"name\":\"web-h1\",\"uid\":\"rs-web-h1\"}}");
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	char uid[65];
	assert_true(ns_detector_workload_uid(r.d, "shop", "Deployment", "web", uid));
	assert_string_equal(uid, "dep-web");
	assert_false(ns_detector_workload_uid(r.d, "shop", "Deployment", "nosuch", uid));
	rig_close(&r);
}

static void test_statefulset_and_cronjob(void **state)
{
	rig r;
	rig_open(&r, NULL);
	rig_feed(&r, DT_ROW_STATEFULSETS, NS_WATCH_ADDED,
	    "{\"metadata\":{\"name\":\"db\",\"namespace\":\"shop\",\"uid\":\"s1\"},\"spec\":{\"replicas\":1,\"selector\":{\"matchLabels\":{\"app\":\"db\"}}},\"status\":{}}");
	rig_feed(&r, DT_ROW_CRONJOBS, NS_WATCH_ADDED, "{\"metadata\":{\"name\":\"nightly\",\"namespace\":\"shop\",\"uid\":\"c1\"},\"spec\":{}}");
	rig_feed(&r, DT_ROW_JOBS, NS_WATCH_ADDED,
	    "{\"metadata\":{\"name\":\"nightly-1\",\"namespace\":\"shop\",\"uid\":\"j1\",\"ownerReferences\":[{\"kind\":\"CronJob\",\"name\":\"nightly\",\"uid\":\"c1\","
	    "\"controller\":true}]},\"spec\":{\"selector\":{\"matchLabels\":{\"controller-uid\":\"j1\"}}},\"status\":{}}");
	static const char *const pods[] = {
	    "{\"metadata\":{\"name\":\"db-0\",\"namespace\":\"shop\",\"uid\":\"p0\",\"labels\":{\"app\":\"db\"},\"ownerReferences\":[{\"kind\":\"StatefulSet\",\"name\":\"db\","
	    "\"uid\":\"s1\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n\"},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":"
	    "{\"reason\":\"ErrImagePull\"}}}]}}",
	    "{\"metadata\":{\"name\":\"nightly-1-x\",\"namespace\":\"shop\",\"uid\":\"p1\",\"labels\":{\"controller-uid\":\"j1\"},\"ownerReferences\":[{\"kind\":\"Job\","
	    "\"name\":\"nightly-1\",\"uid\":\"j1\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n\"},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"c\","
	    "\"state\":{\"waiting\":{\"reason\":\"CreateContainerConfigError\"}}}]}}"};
	rig_feed(&r, DT_ROW_PODS, NS_WATCH_ADDED, pods[0]);
	rig_feed(&r, DT_ROW_PODS, NS_WATCH_ADDED, pods[1]);
	rig_sync(&r);
	const char *told = rig_tick(&r);
	assert_non_null(strstr(told, "+image_pull StatefulSet/db ImagePullBackOff c[1];"));
	assert_non_null(strstr(told, "+config_error CronJob/nightly CreateContainerConfigError c[1];"));
	rig_close(&r);
}

/* ---- no failures ---- */

static void test_what_is_no_failure(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.id = "gone", .deleting = true, .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	rig_pod(&r, (pod){.app = "job", .hash = "x", .id = "done", .bare = true, .phase = "Succeeded",
	                .containers = "{\"name\":\"c\",\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}}"});
	rig_pod(&r, (pod){.app = "new", .hash = "x", .id = "1", .bare = true, .phase = "Pending", .containers = c_waiting(&r, "ContainerCreating", "", 0, NULL, 0)});
	assert_string_equal(rig_pass(&r, 590000), "");
	rig_gone(&r, POD(.id = "gone"));
	/* An ordinary rollout: new pods unready, old ones leave, within the deadline. */
	rig_rs(&r, "web", "h2");
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .total = 2, .generation = 2,
	                .conditions = "{\"type\":\"Progressing\",\"status\":\"True\",\"reason\":\"ReplicaSetUpdated\"}"});
	rig_pod(&r, (pod){.app = "web", .hash = "h2", .id = "n", .age_ms = 1000, .labels = "\"app\":\"web\",\"pod-template-hash\":\"h2\"", .containers = c_running(&r, false, 0, NULL, 0, 0)});
	assert_string_equal(rig_pass(&r, 120000), "");
	assert_false(rig_health(&r, "Deployment", "web", NS_KIND_POD_CRASHLOOP).healthy);
	rig_close(&r);
}

static void test_deleted_workload_recovers(void **state)
{
	rig r;
	rig_web(&r);
	pod p = POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1));
	rig_pod(&r, p);
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	rig_gone(&r, p);
	rig_feed(&r, DT_ROW_DEPLOYMENTS, NS_WATCH_DELETED, "{\"metadata\":{\"name\":\"web\",\"uid\":\"dep-web\"}}");
	assert_false(rig_health(&r, "Deployment", "web", NS_KIND_POD_CRASHLOOP).found);
	assert_string_equal(rig_pass(&r, 70000), "-pod_crashloop Deployment/web;");
	rig_close(&r);
}

/* ---- the link ---- */

static void relist(rig *r, dt_row row)
{
	rig_mark(r, row, NS_WATCH_REPLACE_BEGIN);
}

static void test_relist_tells_nothing_twice_and_misses_nothing(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	rig_pod(&r, POD(.id = "b", .containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	assert_string_equal(rig_tick(&r), "+pod_crashloop Deployment/web CrashLoopBackOff app[2];");
	rig_down(&r, DT_ROW_PODS, NS_E_UNREACHABLE);
	assert_string_equal(rig_pass(&r, 60000), "");
	relist(&r, DT_ROW_PODS);
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 9, "Error", 1)));
	rig_pod(&r, POD(.id = "b", .containers = c_waiting(&r, "CrashLoopBackOff", "", 9, "Error", 1)));
	rig_pod(&r, (pod){.app = "solo", .hash = "x", .id = "1", .bare = true, .phase = "Pending", .containers = c_waiting(&r, "ErrImagePull", "", 0, NULL, 0)});
	rig_mark(&r, DT_ROW_PODS, NS_WATCH_REPLACE_END);
	rig_mark(&r, DT_ROW_PODS, NS_WATCH_LIVE);
	assert_string_equal(rig_pass(&r, 10000), "+image_pull Pod/solo-x-1 ImagePullBackOff app[1];");
	/* What a list does not repeat is gone. */
	relist(&r, DT_ROW_PODS);
	rig_pod(&r, POD(.id = "a", .ready = true, .containers = c_running(&r, true, 9, "Error", 1, 90000)));
	rig_mark(&r, DT_ROW_PODS, NS_WATCH_REPLACE_END);
	const char *told = rig_pass(&r, 70000);
	assert_non_null(strstr(told, "-pod_crashloop Deployment/web;"));
	assert_non_null(strstr(told, "-image_pull Pod/solo-x-1;"));
	rig_close(&r);
}

static void test_no_recovery_while_the_watch_is_down(void **state)
{
	rig r;
	ns_link link;
	rig_web(&r);
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "ErrImagePull", "", 0, NULL, 0)));
	rig_tick(&r);
	rig_pass(&r, 5000);
	rig_pod(&r, POD(.id = "a", .ready = true, .containers = c_running(&r, true, 0, NULL, 0, 0)));
	rig_down(&r, DT_ROW_DEPLOYMENTS, NS_E_UNREACHABLE);
	assert_string_equal(rig_pass(&r, 300000), "");
	ns_detector_link(r.d, &link);
	assert_false(link.live);
	assert_true(link.synced);
	assert_non_null(strstr(link.down_why, "deployments"));
	assert_false(rig_health(&r, "Deployment", "web", NS_KIND_IMAGE_PULL).live);
	int64_t back = r.wall;
	rig_mark(&r, DT_ROW_DEPLOYMENTS, NS_WATCH_LIVE);
	rig_tick(&r);
	ns_health h = rig_health(&r, "Deployment", "web", NS_KIND_IMAGE_PULL);
	assert_true(h.live && h.healthy);
	assert_true(h.healthy_since_ms >= back); /* what happened in between nobody saw */
	assert_string_equal(rig_pass(&r, 9000), "");
	assert_string_equal(rig_pass(&r, 2000), "-image_pull Deployment/web;");
	rig_close(&r);
}

static void test_rows_that_may_not_be_watched(void **state)
{
	rig r;
	ns_link link;
	rig_open(&r, NULL);
	rig_dep(&r, (dep){.name = "web", .replicas = 1});
	rig_rs(&r, "web", "h1");
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "ErrImagePull", "", 0, NULL, 0)));
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		if (i == DT_ROW_NODES || i == DT_ROW_EVENTS) {
			rig_down(&r, (dt_row)i, NS_E_DENIED);
		} else if (i >= DT_ROW_REPORTS) {
			rig_down(&r, (dt_row)i, NS_E_NOTFOUND);
		} else {
			rig_mark(&r, (dt_row)i, NS_WATCH_REPLACE_END);
			ns_detector_link(r.d, &link);
			assert_false(link.live);
			assert_string_equal(rig_tick(&r), ""); /* nothing is judged by half a picture */
			rig_mark(&r, (dt_row)i, NS_WATCH_LIVE);
		}
	}
	assert_string_equal(rig_tick(&r), "+image_pull Deployment/web ImagePullBackOff app[1];");
	ns_detector_link(r.d, &link);
	assert_true(link.live && link.synced);
	assert_string_equal(link.degraded, "may not watch events, nodes");
	assert_string_equal(link.down_why, "");
	assert_int_equal(link.pods, 1);
	assert_int_equal(link.workloads, 1);
	assert_int_equal(link.unhealthy_workloads, 1);
	rig_close(&r);
}

/* ---- health ---- */

static void test_health_of_a_failing_and_healed_workload(void **state)
{
	rig r;
	rig_web(&r);
	ns_health h = rig_health(&r, "Deployment", "web", NS_KIND_OOM_KILLED);
	assert_true(h.live && h.found && h.healthy);
	assert_int_equal(h.healthy_since_ms, T0);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 0});
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", 4, "OOMKilled", 137)));
	rig_tick(&r);
	h = rig_health(&r, "Deployment", "web", NS_KIND_OOM_KILLED);
	assert_false(h.healthy);
	assert_int_equal(h.healthy_since_ms, 0);
	assert_string_equal(h.reason, "OOMKilled");
	assert_int_equal(h.worst_ttf_ms, 20000);
	assert_int_equal(h.last_failure_ms, T0 - 5000);
	assert_int_equal(h.restarts, 4);
	rig_pass(&r, 10000);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1, .generation = 2});
	rig_pod(&r, POD(.id = "a", .ready = true, .containers = c_running(&r, true, 4, "OOMKilled", 137, 15000)));
	rig_tick(&r);
	h = rig_health(&r, "Deployment", "web", NS_KIND_OOM_KILLED);
	assert_true(h.healthy);
	assert_int_equal(h.healthy_since_ms, T0 + 10000);
	assert_int_equal(h.generation, 2);
	/* Another object under the same name is not the one that was asked about. */
	ns_workload other = {.cluster = "test", .ns = "shop", .kind = "Deployment", .name = "web", .uid = "dep-old"};
	ns_detector_health(r.d, &other, NS_KIND_OOM_KILLED, &h);
	assert_false(h.found);
	rig_close(&r);
}

/* ---- hostile input ---- */

static void test_objects_of_the_wrong_shape(void **state)
{
	static const char *const junk[] = {"{}", "{\"metadata\":7}", "{\"metadata\":{\"uid\":7,\"name\":[]}}", "{\"metadata\":{\"uid\":\"u\",\"name\":\"n\"},\"status\":[]}",
	    "{\"metadata\":{\"uid\":\"u\",\"name\":\"n\",\"labels\":[1,{}],\"ownerReferences\":{\"a\":1}},\"status\":{\"conditions\":7,\"containerStatuses\":[null,1,\"x\",{}]}}",
	    ("{\"metadata\":{\"uid\":\"u\",\"name\":\"n\\u001b[31m\\u202e\"},\"status\":{\"phase\":[],\"containerStatuses\":[{\"name\":5,\"restartCount\":1e300,"
	    "\"state\":{\"waiting\":\"x\",\"terminated\":{\"exitCode\":\"a\",\"finishedAt\":\"never\"}}}]}}"),
	    "{\"involvedObject\":[],\"reason\":\"Unhealthy\"}", "{\"involvedObject\":{\"kind\":\"Pod\",\"uid\":\"u\"},\"reason\":\"Killing\",\"message\":7,\"count\":-1}"};
	rig r;
	rig_web(&r);
	for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
		for (int row = 0; row < DT_ROW_COUNT; row++) {
			rig_feed(&r, (dt_row)row, NS_WATCH_ADDED, junk[i]);
			rig_feed(&r, (dt_row)row, NS_WATCH_MODIFIED, junk[i]);
			rig_pass(&r, 1000);
			rig_feed(&r, (dt_row)row, NS_WATCH_DELETED, junk[i]);
		}
	rig_pass(&r, 60000);
	rig_close(&r);
}

static void test_words_are_cleaned(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CreateContainerConfigError", "\\u001b[2Jgone\\u202e password=hunter2", 0, NULL, 0)));
	rig_tick(&r);
	assert_null(strchr(r.message, 27));
	assert_non_null(strstr(r.message, "gone"));
	assert_null(strstr(r.message, "hunter2")); /* law 12: it is logged */
	rig_close(&r);
}

/* ---- tables and other threads ---- */

/* What events say is kept for a while, however many there are, and never for more than there may be. */
static void test_what_events_leave_behind(void **state)
{
	rig r;
	char uid[32], b[1024];
	rig_web(&r);
	for (int i = 0; i < 25000; i++) {
		snprintf(uid, sizeof uid, "u%d", i);
		rig_event(&r, uid, "Killing", i % 2 ? "Stopping container app" : "Container app failed liveness probe, will be restarted", 0, 1);
	}
	assert_int_equal(r.d->notes.n, 12500);
	for (int i = 0; i < 15000; i++) {
		snprintf(uid, sizeof uid, "v%d", i);
		rig_event(&r, uid, "FailedMount", "no such thing", 0, 1);
	}
	assert_int_equal(r.d->notes.n, 20000);
	assert_string_equal(rig_pass(&r, 17 * 60000), "");
	assert_int_equal(r.d->notes.n, 0);
	/* Nor does an event make a container that the pod does not have. */
	for (int i = 0; i < 100; i++) {
		snprintf(b, sizeof b,
		    "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"kind\":\"Pod\",\"uid\":\"pod-web-h1-a\",\"fieldPath\":\"spec.containers{c%d}\"},"
		    "\"reason\":\"Failed\",\"message\":\"Failed to pull image: not found\",\"lastTimestamp\":\"%s\"}",
		    i, rig_time(&r, 0));
		rig_feed(&r, DT_ROW_EVENTS, NS_WATCH_ADDED, b);
	}
	const dt_pod *p = dt_tab_get(&r.d->pods, "pod-web-h1-a");
	assert_true(p->n_memory <= 1);
	rig_close(&r);
}

static void test_table_survives_much_coming_and_going(void **state)
{
	typedef struct thing { const char *key; char text[16]; } thing;
	enum { N = 4000 };
	thing *all = calloc(N, sizeof *all);
	dt_tab t = {0};
	unsigned seed = 7;
	bool in[N] = {false};
	for (int i = 0; i < N; i++) {
		snprintf(all[i].text, sizeof all[i].text, "k%d", i);
		all[i].key = all[i].text;
	}
	for (int step = 0; step < 60000; step++) {
		seed = seed * 1103515245 + 12345;
		int i = (int)(seed >> 8) % N;
		if (in[i])
			assert_ptr_equal(dt_tab_del(&t, all[i].key), &all[i]);
		else
			dt_tab_put(&t, &all[i]);
		in[i] = !in[i];
	}
	size_t n = 0;
	for (int i = 0; i < N; i++) {
		n += in[i];
		assert_ptr_equal(dt_tab_get(&t, all[i].key), in[i] ? &all[i] : NULL);
	}
	assert_int_equal(t.n, n);
	dt_tab_free(&t);
	free(all);
}

typedef struct asker { rig *r; atomic_bool stop; } asker;

static void *ask(void *arg)
{
	asker *a = arg;
	ns_workload w = {.cluster = "test", .ns = "shop", .kind = "Deployment", .name = "web", .uid = ""};
	while (!atomic_load(&a->stop)) {
		ns_health h;
		ns_link l;
		char uid[65];
		ns_arena *ar = ns_arena_new();
		ns_detector_health(a->r->d, &w, NS_KIND_POD_CRASHLOOP, &h);
		ns_detector_link(a->r->d, &l);
		ns_detector_workload_uid(a->r->d, "shop", "Deployment", "web", uid);
		ns_detector_cost(a->r->d, ar, NULL, 0);
		ns_arena_free(ar);
	}
	return NULL;
}

static void test_others_ask_while_it_works(void **state)
{
	rig r;
	rig_web(&r);
	asker a = {.r = &r};
	pthread_t t;
	pthread_create(&t, NULL, ask, &a);
	for (int i = 0; i < 300; i++) {
		rig_pod(&r, POD(.id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "", i, "Error", 1)));
		rig_tick(&r);
		rig_down(&r, DT_ROW_PODS, NS_E_UNREACHABLE);
		rig_pod(&r, POD(.id = "a", .ready = true, .containers = c_running(&r, true, i, NULL, 0, 0)));
		rig_mark(&r, DT_ROW_PODS, NS_WATCH_LIVE);
		rig_tick(&r);
	}
	atomic_store(&a.stop, true);
	pthread_join(t, NULL);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_members_are_one_alert), cmocka_unit_test(test_oom_and_crash_loop_of_one_container_are_one_incident),
	    cmocka_unit_test(test_two_containers_with_two_causes_are_two), cmocka_unit_test(test_cause_holds_the_stalled_rollout_back),
	    cmocka_unit_test(test_owner_must_select_the_pod), cmocka_unit_test(test_selectors_with_expressions), cmocka_unit_test(test_replicaset_whose_deployment_is_another),
	    cmocka_unit_test(test_owner_that_comes_a_moment_later), cmocka_unit_test(test_confirmed_link_outlives_the_replicaset),
	    cmocka_unit_test(test_statefulset_and_cronjob), cmocka_unit_test(test_what_is_no_failure), cmocka_unit_test(test_deleted_workload_recovers),
	    cmocka_unit_test(test_relist_tells_nothing_twice_and_misses_nothing), cmocka_unit_test(test_no_recovery_while_the_watch_is_down),
	    cmocka_unit_test(test_rows_that_may_not_be_watched), cmocka_unit_test(test_health_of_a_failing_and_healed_workload),
	    cmocka_unit_test(test_objects_of_the_wrong_shape), cmocka_unit_test(test_words_are_cleaned),
	    cmocka_unit_test(test_what_events_leave_behind), cmocka_unit_test(test_table_survives_much_coming_and_going), cmocka_unit_test(test_others_ask_while_it_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
