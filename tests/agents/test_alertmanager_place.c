/* From a notification to the workload's alert: decoded, mapped, looked up in what the watch knows. */
#include "agents/detector_rig.h"

#include "neuroscale/agents/alertmanager.h"

#define MINUTE 60000LL

/* Posts alerts as Alertmanager writes them; the labels are JSON without braces. Answers the code of the first that is not taken. */
static ns_code notify(rig *r, const char *status, const char *starts, const char *labels)
{
	ns_buf b = NS_BUF_INIT;
	ns_arena *ar = ns_arena_new();
	ns_am_message m;
	ns_err err = {0};
	ns_am_opts o = {.cluster_label = "cluster", .now_ms = ns_clock_wall_ms(r->clock), .expire_ms = 300 * MINUTE};
	ns_buf_printf(&b,
	    "{\"version\":\"4\",\"status\":\"%s\",\"alerts\":[{\"status\":\"%s\",\"startsAt\":\"%s\",\"labels\":{%s},\"fingerprint\":"
	    "\"f1\"}]}",
	    status, status, starts, labels);
	if (!ns_am_decode(ar, b.data, b.len, &o, &m, &err))
		fail_msg("%s: %s", err.text, b.data);
	for (size_t i = 0; i < m.n_alerts && !err.code; i++)
		ns_am_tell(r->d, &m.alerts[i], &err);
	ns_arena_free(ar);
	ns_buf_free(&b);
	return err.code;
}

#define EARLY "2027-01-15T07:00:00Z"
#define LATER "2027-01-15T07:30:00Z"

static void set_of(rig *r, const char *name)
{
	char b[1024];
	snprintf(b, sizeof b,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"sts-%s\",\"generation\":1},\"spec\":{\"replicas\":1,"
	    "\"selector\":{\"matchLabels\":{\"app\":\"%s\"}}},"
	    "\"status\":{\"observedGeneration\":1,\"replicas\":1,\"readyReplicas\":1,\"updatedReplicas\":1,\"availableReplicas\":1}}",
	    name, name, name);
	rig_feed(r, DT_ROW_STATEFULSETS, NS_WATCH_ADDED, b);
}

static void test_labels_lead_to_the_owner(void **state)
{
	static const struct {
		const char *labels, *where;
	} rows[] = {
	    {"\"namespace\":\"shop\",\"pod\":\"web-h1-a\",\"container\":\"app\"", "Deployment/web"},
	    {"\"exported_namespace\":\"shop\",\"exported_pod\":\"web-h1-a\",\"namespace\":\"monitoring\",\"pod\":\"ksm-1\"",
	        "Deployment/web"},
	    {"\"namespace\":\"shop\",\"deployment\":\"web\"", "Deployment/web"},
	    {"\"namespace\":\"shop\",\"replicaset\":\"web-h1\"", "Deployment/web"},
	    {"\"namespace\":\"shop\",\"workload\":\"db\",\"workload_type\":\"statefulset\"", "StatefulSet/db"},
	    {"\"node\":\"n1\",\"namespace\":\"monitoring\",\"job\":\"kube-state-metrics\",\"pod\":\"kube-state-metrics-1\"", "Node/n1"},
	    {"\"node\":\"n7\"", "Cluster/test"},
	    /* hints: exactly one that fits */
	    {"\"namespace\":\"shop\",\"app\":\"web\"", "Deployment/web"},
	    {"\"namespace\":\"shop\",\"horizontalpodautoscaler\":\"web\"", "Deployment/web"},
	    {"\"namespace\":\"shop\",\"persistentvolumeclaim\":\"data-db-0\"", "StatefulSet/db"},
	    {"\"namespace\":\"shop\",\"persistentvolumeclaim\":\"my-data-db-12\"", "StatefulSet/db"},
	    {"\"namespace\":\"shop\",\"persistentvolumeclaim\":\"data-db-x\"", "Cluster/test"},
	    {"\"namespace\":\"shop\",\"app\":\"both\"", "Cluster/test"},
	    {"\"namespace\":\"shop\",\"app\":\"nobody\"", "Cluster/test"},
	    /* the word of a label is no proof that there is such a thing */
	    {"\"namespace\":\"other\",\"pod\":\"web-h1-a\"", "Cluster/test"},
	    {"\"namespace\":\"shop\",\"deployment\":\"nobody\"", "Cluster/test"},
	    {"\"namespace\":\"shop\"", "Cluster/test"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		char labels[512], want[128];
		rig_web(&r);
		rig_dep(&r, (dep){.name = "both", .replicas = 1, .ready = 1});
		set_of(&r, "both");
		set_of(&r, "db");
		rig_feed(&r, DT_ROW_NODES, NS_WATCH_ADDED,
		    "{\"metadata\":{\"name\":\"n1\",\"uid\":\"node-n1\"},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":"
		    "\"True\"}]}}");
		snprintf(labels, sizeof labels, "\"alertname\":\"HighLatency\",\"severity\":\"page\",%s", rows[i].labels);
		assert_int_equal(notify(&r, "firing", EARLY, labels), NS_OK);
		const char *got = rig_pass(&r, 11000);
		snprintf(want, sizeof want, "+external %s HighLatency", rows[i].where);
		if (strncmp(got, want, strlen(want)) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", rows[i].labels, got, want);
		assert_int_equal(r.severity, NS_SEV_CRIT);
		rig_close(&r);
	}
}

static void test_a_hint_waits_for_the_list_a_name_does_not(void **state)
{
	rig r;
	rig_open(&r, NULL);
	assert_int_equal(notify(&r, "firing", EARLY, "\"alertname\":\"A\",\"namespace\":\"shop\",\"app\":\"web\""), NS_E_BUSY);
	assert_int_equal(notify(&r, "resolved", EARLY, "\"alertname\":\"A\",\"namespace\":\"shop\",\"app\":\"web\""), NS_OK);
	assert_int_equal(notify(&r, "firing", EARLY, "\"alertname\":\"A\",\"namespace\":\"shop\",\"deployment\":\"web\""), NS_OK);
	rig_dep(&r, (dep){.name = "web", .replicas = 1, .ready = 1});
	rig_sync(&r);
	assert_string_equal(rig_pass(&r, 11000), "+external Deployment/web A[0];");
	rig_close(&r);
}

static void test_repeats_are_one_and_the_late_end_of_an_earlier_one_ends_nothing(void **state)
{
	const char *labels = "\"alertname\":\"A\",\"namespace\":\"shop\",\"deployment\":\"web\"";
	rig r;
	rig_web(&r);
	notify(&r, "firing", LATER, labels);
	assert_string_equal(rig_pass(&r, 11000), "+external Deployment/web A[0];");
	notify(&r, "firing", LATER, labels); /* the other of a pair, or repeat_interval */
	assert_string_equal(rig_pass(&r, 11000), "");
	notify(&r, "resolved", EARLY, labels);
	assert_string_equal(rig_pass(&r, 11000), "");
	notify(&r, "resolved", LATER, labels);
	assert_string_equal(rig_pass(&r, 1000), "-external Deployment/web;");
	rig_close(&r);
}

static void test_what_is_not_repeated_in_time_is_over(void **state)
{
	const char *labels = "\"alertname\":\"A\",\"namespace\":\"shop\",\"deployment\":\"web\"";
	rig r;
	rig_web(&r);
	notify(&r, "firing", EARLY, labels);
	assert_string_equal(rig_pass(&r, 11000), "+external Deployment/web A[0];");
	assert_string_equal(rig_pass(&r, 240 * MINUTE), "");
	notify(&r, "firing", EARLY, labels); /* Alertmanager's default repeat_interval */
	assert_string_equal(rig_pass(&r, 299 * MINUTE), "");
	assert_string_equal(rig_pass(&r, 2 * MINUTE), "-external Deployment/web;");
	rig_close(&r);
}

static void test_a_native_finding_takes_it_in(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r,
	    (pod){.app = "web", .hash = "h1", .id = "a", .containers = c_waiting(&r, "CrashLoopBackOff", "back-off 40s", 5, "Error", 1)});
	notify(
	    &r, "firing", EARLY, "\"alertname\":\"KubePodCrashLooping\",\"namespace\":\"shop\",\"pod\":\"web-h1-a\",\"container\":\"app\"");
	const char *got = rig_pass(&r, 60000);
	assert_non_null(strstr(got, "+pod_crashloop Deployment/web CrashLoopBackOff"));
	assert_null(strstr(got, "external"));
	assert_non_null(strstr(r.message, "KubePodCrashLooping"));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_labels_lead_to_the_owner),
	    cmocka_unit_test(test_a_hint_waits_for_the_list_a_name_does_not),
	    cmocka_unit_test(test_repeats_are_one_and_the_late_end_of_an_earlier_one_ends_nothing),
	    cmocka_unit_test(test_what_is_not_repeated_in_time_is_over),
	    cmocka_unit_test(test_a_native_finding_takes_it_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
