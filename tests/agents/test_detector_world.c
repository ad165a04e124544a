/* One test for each row about what is not a pod: nodes, volume claims, autoscalers, sets, certificates, Argo CD, budgets; and what explains
 * what across them. */
#include "agents/detector_rig.h"

#define POD(...) ((pod){.app = "web", .hash = "h1", .id = "a", __VA_ARGS__})

static void feed(rig *r, dt_row row, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void feed(rig *r, dt_row row, const char *fmt, ...)
{
	char b[8192];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	rig_feed(r, row, NS_WATCH_MODIFIED, b);
}

static void event_on(rig *r, const char *kind, const char *name, const char *uid, const char *reason, const char *message)
{
	feed(r, DT_ROW_EVENTS,
	    "{\"metadata\":{\"name\":\"e\",\"namespace\":\"shop\",\"uid\":\"ev\"},\"involvedObject\":{\"kind\":\"%s\",\"namespace\":\"shop\",\"name\":\"%s\",\"uid\":\"%s\"},"
	    "\"reason\":\"%s\",\"message\":\"%s\",\"type\":\"Warning\",\"count\":1,\"lastTimestamp\":\"%s\"}",
	    kind, name, uid, reason, message, rig_time(r, 0));
}

/* ---- nodes ---- */

typedef struct node { const char *name, *ready, *pressure, *taint; bool cordoned; int64_t age_ms, since_ms; } node;

static void feed_node(rig *r, node n)
{
	feed(r, DT_ROW_NODES,
	    "{\"metadata\":{\"name\":\"%s\",\"uid\":\"node-%s\",\"creationTimestamp\":\"%s\"},\"spec\":{\"unschedulable\":%s,\"taints\":[{\"key\":\"%s\"}]},"
	    "\"status\":{\"conditions\":[{\"type\":\"%s\",\"status\":\"True\",\"message\":\"kubelet has insufficient\"},"
	    "{\"type\":\"Ready\",\"status\":\"%s\",\"reason\":\"NodeStatusUnknown\",\"message\":\"Kubelet stopped posting node status.\",\"lastTransitionTime\":\"%s\"}]}}",
	    n.name, n.name, rig_time(r, n.age_ms ? n.age_ms : 86400000), n.cordoned ? "true" : "false", n.taint ? n.taint : "x",
	    n.pressure ? n.pressure : "Fine", n.ready, rig_time(r, n.since_ms));
}

/* Pods of ten Deployments, all but one on node n1. */
static void ten_workloads(rig *r, const char *ready)
{
	for (int i = 0; i < 10; i++)
		feed(r, DT_ROW_PODS,
		    "{\"metadata\":{\"name\":\"p%d\",\"namespace\":\"shop\",\"uid\":\"p%d\",\"creationTimestamp\":\"%s\"},\"spec\":{\"nodeName\":\"%s\"},\"status\":{"
		    "\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}],\"containerStatuses\":[{\"name\":\"c\","
		    "\"ready\":%s,\"restartCount\":0,\"state\":{\"running\":{}}}]}}",
		    i, i, rig_time(r, 3600000), i ? "n1" : "n2", i ? ready : "True", rig_time(r, 0), i && *ready == 'F' ? "false" : "true");
}

static void test_a_node_down_is_one_incident_not_forty(void **state)
{
	rig r;
	rig_open(&r, NULL);
	for (int i = 1; i <= 5; i++)
		feed_node(&r, (node){.name = (const char *[]){"", "n1", "n2", "n3", "n4", "n5"}[i], .ready = "True"});
	ten_workloads(&r, "True");
	rig_sync(&r);
	assert_string_equal(rig_tick(&r), "");
	feed_node(&r, (node){.name = "n1", .ready = "Unknown"});
	/* The node controller says so of its pods, too, and their probes failed before. */
	ten_workloads(&r, "False");
	for (int i = 1; i < 10; i++) {
		char uid[16];
		snprintf(uid, sizeof uid, "p%d", i);
		rig_event(&r, uid, "Unhealthy", "Readiness probe failed: timeout", 0, 3);
	}
	assert_string_equal(rig_pass(&r, 300000), "+node_pressure Node/n1 NotReady[9];");
	assert_int_equal(r.severity, NS_SEV_CRIT);
	assert_string_equal(r.message, "Kubelet stopped posting node status.");
	assert_string_equal(r.uid, "node-n1");
	ns_link link;
	ns_detector_link(r.d, &link);
	assert_false(link.storm);
	assert_int_equal(link.unhealthy_workloads, 0);
	/* It is back. */
	feed_node(&r, (node){.name = "n1", .ready = "True"});
	ten_workloads(&r, "True");
	assert_string_equal(rig_pass(&r, 55000), "");
	assert_string_equal(rig_pass(&r, 10000), "-node_pressure Node/n1;");
	rig_close(&r);
}

static void test_what_a_lost_node_leaves_without_room(void **state)
{
	rig r;
	rig_web(&r);
	feed_node(&r, (node){.name = "n1", .ready = "False"});
	rig_pod(&r, POD(.deleting = true));
	rig_pod(&r, (pod){.app = "web", .hash = "h1", .id = "b", .phase = "Pending",
	                .scheduled = "{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/2 nodes are available: 1 Insufficient cpu\"}"});
	assert_string_equal(rig_pass(&r, 900000), "+node_pressure Node/n1 NotReady[1];");
	rig_close(&r);
}

static void test_maintenance_of_a_node_is_no_failure(void **state)
{
	static const struct { node n; const char *says; } rows[] = {
	    {{.name = "n1", .ready = "False", .cordoned = true}, ""},                                    /* drained, restarting */
	    {{.name = "n1", .ready = "Unknown", .taint = "ToBeDeletedByClusterAutoscaler"}, ""},
	    {{.name = "n1", .ready = "Unknown", .taint = "karpenter.sh/disrupted"}, ""},
	    {{.name = "n1", .ready = "False", .age_ms = 1000}, ""},                                      /* it joins */
	    {{.name = "n1", .ready = "True", .cordoned = true}, ""},
	    {{.name = "n1", .ready = "False", .cordoned = true, .since_ms = 3600000}, "+node_pressure Node/n1 NotReady[1];"}, /* forgotten */
	    {{.name = "n1", .ready = "False"}, "+node_pressure Node/n1 NotReady[1];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		feed_node(&r, rows[i].n);
		assert_string_equal(rig_pass(&r, 240000), rows[i].says);
		rig_close(&r);
	}
}

/* A kubelet that starts says for some seconds that it is not ready; one that does not answer was waited for already. */
static void test_node_that_flaps_for_less_than_a_minute(void **state)
{
	rig r;
	rig_web(&r);
	for (int i = 0; i < 3; i++) {
		feed_node(&r, (node){.name = "n1", .ready = "False", .since_ms = -7 * 60000}); /* its clock is ahead */
		assert_string_equal(rig_pass(&r, 50000), "");
		feed_node(&r, (node){.name = "n1", .ready = "True"});
		assert_string_equal(rig_pass(&r, 20000), "");
	}
	feed_node(&r, (node){.name = "n1", .ready = "False", .since_ms = -7 * 60000});
	feed_node(&r, (node){.name = "n1", .ready = "False", .since_ms = -7 * 60000});
	assert_string_equal(rig_pass(&r, 61000), "+node_pressure Node/n1 NotReady[1];");
	rig_close(&r);
}

static void test_nodes_that_join_or_leave_are_no_storm(void **state)
{
	rig r;
	ns_link link;
	rig_web(&r);
	feed_node(&r, (node){.name = "n1", .ready = "True"});
	feed_node(&r, (node){.name = "n2", .ready = "False", .age_ms = 1000});
	feed_node(&r, (node){.name = "n3", .ready = "False", .age_ms = 1000, .pressure = "NetworkUnavailable"});
	feed_node(&r, (node){.name = "n4", .ready = "Unknown", .taint = "ToBeDeletedByClusterAutoscaler"});
	feed_node(&r, (node){.name = "n5", .ready = "False", .cordoned = true});
	assert_string_equal(rig_pass(&r, 60000), "");
	/* One of the new ones is up, before its routes are made. */
	feed_node(&r, (node){.name = "n3", .ready = "True", .age_ms = 61000, .pressure = "NetworkUnavailable"});
	assert_string_equal(rig_pass(&r, 60000), "");
	feed_node(&r, (node){.name = "n3", .ready = "True", .age_ms = 121000});
	ns_detector_link(r.d, &link);
	assert_false(link.storm);
	/* What never came up, and was not put back in service, is lost. */
	assert_string_equal(rig_pass(&r, 200000), "+node_pressure Node/n2 NotReady[0];");
	assert_string_equal(rig_pass(&r, 600000), "+storm Cluster/test Storm[2];+node_pressure Node/n5 NotReady[0];");
	rig_close(&r);
}

static void test_node_that_is_deleted_is_over(void **state)
{
	rig r;
	rig_web(&r);
	feed_node(&r, (node){.name = "n1", .ready = "Unknown"});
	assert_string_equal(rig_tick(&r), "+node_pressure Node/n1 NotReady[1];");
	rig_feed(&r, DT_ROW_NODES, NS_WATCH_DELETED, "{\"metadata\":{\"name\":\"n1\",\"uid\":\"node-n1\"}}");
	assert_string_equal(rig_pass(&r, 70000), "-node_pressure Node/n1;");
	assert_int_equal(r.d->n_down, 0);
	rig_close(&r);
}

static void test_node_pressure_explains_evictions(void **state)
{
	static const char evicted[] = "{\"metadata\":{\"name\":\"web-h1-x\",\"namespace\":\"shop\",\"uid\":\"px\",\"creationTimestamp\":\"%s\",\"labels\":{\"app\":\"web\","
	                              "\"pod-template-hash\":\"h1\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\",\"name\":\"web-h1\",\"uid\":\"rs-web-h1\",\"controller\":true}]},"
	                              "\"spec\":{\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"%s\"}}";
	rig r;
	rig_web(&r);
	feed_node(&r, (node){.name = "n1", .ready = "True", .pressure = "MemoryPressure"});
	assert_string_equal(rig_tick(&r), "+node_pressure Node/n1 MemoryPressure[1];");
	assert_int_equal(r.severity, NS_SEV_WARN);
	feed(&r, DT_ROW_PODS, evicted, rig_time(&r, 60000), "The node was low on resource: memory.");
	assert_string_equal(rig_pass(&r, 30000), "");
	/* A pod over its own limit is not the node's doing. */
	feed(&r, DT_ROW_PODS, evicted, rig_time(&r, 60000), "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.");
	assert_string_equal(rig_pass(&r, 30000), "+evicted Deployment/web Evicted[1];");
	rig_close(&r);
}

/* ---- volume claims ---- */

static void feed_claim(rig *r, const char *phase, int64_t age_ms)
{
	feed(r, DT_ROW_CLAIMS, "{\"metadata\":{\"name\":\"data\",\"namespace\":\"shop\",\"uid\":\"pvc-data\",\"creationTimestamp\":\"%s\"},\"status\":{\"phase\":\"%s\"}}",
	    rig_time(r, age_ms), phase);
}

static void feed_user(rig *r)
{
	feed(r, DT_ROW_PODS,
	    "{\"metadata\":{\"name\":\"db-0\",\"namespace\":\"shop\",\"uid\":\"db-0\",\"creationTimestamp\":\"%s\"},\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}},"
	    "{\"name\":\"d\",\"persistentVolumeClaim\":{\"claimName\":\"data\"}}]},\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
	    "\"reason\":\"Unschedulable\",\"message\":\"pod has unbound immediate PersistentVolumeClaims\",\"lastTransitionTime\":\"%s\"}]}}",
	    rig_time(r, 0), rig_time(r, 0));
}

static void test_claim_without_a_volume_explains_its_pods(void **state)
{
	rig r;
	rig_web(&r);
	feed_claim(&r, "Pending", 0);
	feed_user(&r);
	assert_string_equal(rig_pass(&r, 58000), "");
	assert_string_equal(rig_pass(&r, 600000), "+volume_pending PersistentVolumeClaim/data VolumePending[0];");
	feed_claim(&r, "Bound", 600000);
	/* The pod waits for something else now. */
	assert_string_equal(rig_pass(&r, 20000), "+unschedulable Pod/db-0 Unschedulable (volume)[1];-volume_pending PersistentVolumeClaim/data;");
	rig_close(&r);
}

static void test_provisioning_that_fails_is_told_sooner(void **state)
{
	rig r;
	rig_web(&r);
	feed_claim(&r, "Pending", 0);
	event_on(&r, "PersistentVolumeClaim", "data", "pvc-data", "ProvisioningFailed", "storageclass not found");
	assert_string_equal(rig_pass(&r, 20000), "+volume_pending PersistentVolumeClaim/data ProvisioningFailed[0];");
	assert_string_equal(r.message, "storageclass not found");
	rig_feed(&r, DT_ROW_CLAIMS, NS_WATCH_DELETED, "{\"metadata\":{\"name\":\"data\",\"namespace\":\"shop\",\"uid\":\"pvc-data\"}}");
	assert_string_equal(rig_tick(&r), "-volume_pending PersistentVolumeClaim/data;");
	rig_close(&r);
}

static void test_claim_that_waits_for_its_pod_is_well(void **state)
{
	rig r;
	rig_web(&r);
	feed_claim(&r, "Pending", 3600000);
	for (int i = 0; i < 10; i++) {
		event_on(&r, "PersistentVolumeClaim", "data", "pvc-data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
		assert_string_equal(rig_pass(&r, 120000), "");
	}
	/* And one that waits for a pod to find a node does not explain why it finds none. */
	feed_user(&r);
	event_on(&r, "PersistentVolumeClaim", "data", "pvc-data", "WaitForPodScheduled", "waiting for pod db-0 to be scheduled");
	assert_string_equal(rig_pass(&r, 20000), "+unschedulable Pod/db-0 Unschedulable (volume)[1];");
	rig_close(&r);
}

static void test_lost_volume(void **state)
{
	rig r;
	rig_web(&r);
	feed_claim(&r, "Lost", 86400000);
	assert_string_equal(rig_tick(&r), "+volume_pending PersistentVolumeClaim/data ClaimLost[0];");
	rig_close(&r);
}

/* ---- autoscalers ---- */

static void feed_scaler(rig *r, const char *type, const char *status, const char *reason, int64_t ago_ms, bool v1)
{
	char cond[512], note[1200] = "", b[1024] = "";
	snprintf(cond, sizeof cond, "[{\"type\":\"%s\",\"status\":\"%s\",\"reason\":\"%s\",\"message\":\"m\",\"lastTransitionTime\":\"%s\"}]", type, status, reason,
	    rig_time(r, ago_ms));
	for (char *p = cond, *o = b; *p; *o = '\0') {
		if (*p == '"')
			*o++ = '\\';
		*o++ = *p++;
	}
	if (v1)
		snprintf(note, sizeof note, ",\"annotations\":{\"autoscaling.alpha.kubernetes.io/conditions\":\"%s\"}", b);
	feed(r, DT_ROW_AUTOSCALERS,
	    "{\"metadata\":{\"name\":\"web-hpa\",\"namespace\":\"shop\",\"uid\":\"hpa\"%s},\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"web\"}},\"status\":{%s%s}}",
	    note, v1 ? "" : "\"conditions\":", v1 ? "" : cond);
}

static void test_autoscaler_that_cannot_scale(void **state)
{
	static const struct { const char *type, *status, *reason; int64_t told_after_ms; } rows[] = {
	    {"ScalingActive", "False", "FailedGetResourceMetric", 180000},
	    {"AbleToScale", "False", "FailedGetScale", 180000},
	    {"ScalingLimited", "True", "TooManyReplicas", 900000},
	    {"ScalingLimited", "True", "TooFewReplicas", 0},
	    {"ScalingActive", "False", "ScalingDisabled", 0},
	    {"ScalingActive", "True", "ValidMetricFound", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int v1 = 0; v1 < 2; v1++) {
			rig r;
			char says[128];
			rig_web(&r);
			feed_scaler(&r, rows[i].type, rows[i].status, rows[i].reason, 0, v1);
			snprintf(says, sizeof says, "+autoscaling Deployment/web %s[0];", rows[i].reason);
			assert_string_equal(rig_pass(&r, rows[i].told_after_ms ? rows[i].told_after_ms - 5000 : 3600000), "");
			if (rows[i].told_after_ms) {
				assert_string_equal(rig_pass(&r, 10000), says);
				feed_scaler(&r, "ScalingActive", "True", "ValidMetricFound", 0, v1);
				assert_string_equal(rig_pass(&r, 61000), "-autoscaling Deployment/web;");
			}
			rig_close(&r);
		}
}

/* ---- sets ---- */

static void feed_set(rig *r, dt_row row, const char *spec, const char *status)
{
	feed(r, row,
	    "{\"metadata\":{\"name\":\"db\",\"namespace\":\"shop\",\"uid\":\"set-db\",\"generation\":2},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"db\"}}%s},"
	    "\"status\":{\"observedGeneration\":2,%s}}", spec, status);
}

static void test_set_whose_rollout_stands_still(void **state)
{
	static const struct { dt_row row; const char *spec, *status, *says; } rows[] = {
	    {DT_ROW_STATEFULSETS, ",\"replicas\":3", "\"replicas\":3,\"readyReplicas\":3,\"updatedReplicas\":1", "+deployment_stalled StatefulSet/db RolloutStalled[0];"},
	    {DT_ROW_STATEFULSETS, ",\"replicas\":3", "\"replicas\":3,\"readyReplicas\":2,\"updatedReplicas\":3", "+deployment_stalled StatefulSet/db ReplicasUnavailable[0];"},
	    {DT_ROW_STATEFULSETS, ",\"replicas\":3", "\"replicas\":3,\"readyReplicas\":3,\"updatedReplicas\":3", ""},
	    /* Left at the old revision on purpose. */
	    {DT_ROW_STATEFULSETS, ",\"replicas\":3,\"updateStrategy\":{\"type\":\"OnDelete\"}", "\"replicas\":3,\"readyReplicas\":3,\"updatedReplicas\":1", ""},
	    {DT_ROW_STATEFULSETS, ",\"replicas\":3,\"updateStrategy\":{\"rollingUpdate\":{\"partition\":2}}", "\"replicas\":3,\"readyReplicas\":3,\"updatedReplicas\":1", ""},
	    {DT_ROW_DAEMONSETS, "", "\"desiredNumberScheduled\":4,\"currentNumberScheduled\":4,\"numberReady\":3,\"updatedNumberScheduled\":4,\"numberAvailable\":3",
	        "+deployment_stalled DaemonSet/db ReplicasUnavailable[0];"},
	    {DT_ROW_DAEMONSETS, "", "\"desiredNumberScheduled\":4,\"currentNumberScheduled\":4,\"numberReady\":4,\"updatedNumberScheduled\":4,\"numberAvailable\":4", ""},
	    {DT_ROW_REPLICASETS, ",\"replicas\":2", "\"replicas\":2", "+deployment_stalled ReplicaSet/db ReplicasUnavailable[0];"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		feed_set(&r, rows[i].row, rows[i].spec, rows[i].status);
		assert_string_equal(rig_pass(&r, 595000), "");
		assert_string_equal(rig_pass(&r, 10000), rows[i].says);
		rig_close(&r);
	}
}

static void test_slow_progress_is_progress(void **state)
{
	rig r;
	rig_web(&r);
	for (int i = 0; i < 5; i++) {
		char status[128];
		snprintf(status, sizeof status, "\"replicas\":5,\"readyReplicas\":4,\"updatedReplicas\":%d", i);
		feed_set(&r, DT_ROW_STATEFULSETS, ",\"replicas\":5", status);
		assert_string_equal(rig_pass(&r, 590000), "");
	}
	rig_close(&r);
}

static void test_set_that_a_quota_keeps_from_its_pods(void **state)
{
	rig r;
	rig_web(&r);
	feed_set(&r, DT_ROW_STATEFULSETS, ",\"replicas\":3", "\"replicas\":1,\"readyReplicas\":1,\"updatedReplicas\":1");
	event_on(&r, "StatefulSet", "db", "set-db", "FailedCreate", "create Pod db-1 failed: forbidden: exceeded quota: compute");
	assert_string_equal(rig_pass(&r, 15000), "+deployment_stalled StatefulSet/db FailedCreate (quota)[0];");
	rig_close(&r);
}

/* ---- certificates ---- */

/* A self-signed certificate of demo.example.test that ends at T0 + 30 days; the key was thrown away. */
static const char crt[] =
#include "agents/detector_tls_crt.h"
    ;

static void test_certificate_that_ends(void **state)
{
	rig r;
	rig_open(&r, &(ns_detector_opts){.tls_secrets = true});
	rig_sync(&r);
	feed(&r, DT_ROW_SECRETS, "{\"metadata\":{\"name\":\"web-tls\",\"namespace\":\"shop\",\"uid\":\"sec\"},\"type\":\"kubernetes.io/tls\",\"data\":{\"tls.crt\":\"%s\"}}", crt);
	assert_string_equal(rig_pass(&r, 15 * 86400000ll), "");
	assert_string_equal(rig_pass(&r, 2 * 86400000ll), "+certificate_expiry Secret/web-tls CertificateExpires[0];");
	assert_int_equal(r.severity, NS_SEV_WARN);
	assert_string_equal(r.message, "the certificate of demo.example.test is valid until 2027-02-14T08:00:00Z");
	assert_string_equal(rig_pass(&r, 11 * 86400000ll), "+certificate_expiry Secret/web-tls CertificateExpires[0];");
	assert_int_equal(r.severity, NS_SEV_CRIT);
	assert_string_equal(rig_pass(&r, 3 * 86400000ll), "+certificate_expiry Secret/web-tls CertificateExpired[0];");
	feed(&r, DT_ROW_SECRETS, "{\"metadata\":{\"name\":\"web-tls\",\"namespace\":\"shop\",\"uid\":\"sec\"},\"data\":{\"tls.crt\":\"bm8gY2VydGlmaWNhdGU=\"}}");
	assert_string_equal(rig_tick(&r), "-certificate_expiry Secret/web-tls;");
	rig_close(&r);
}

/* ---- Argo CD ---- */

static void feed_app(rig *r, const char *sync, const char *health, const char *more)
{
	feed(r, DT_ROW_APPLICATIONS,
	    "{\"metadata\":{\"name\":\"shop\",\"namespace\":\"argocd\",\"uid\":\"app\"},\"status\":{\"sync\":{\"status\":\"%s\"},\"health\":{\"status\":\"%s\",\"message\":\"m\"},"
	    "\"history\":[{}],\"resources\":[{\"kind\":\"Service\",\"namespace\":\"shop\",\"name\":\"web\"},{\"kind\":\"Deployment\",\"namespace\":\"shop\",\"name\":\"web\"}]%s}}",
	    sync, health, more);
}

static void test_applications_of_argocd(void **state)
{
	static const struct { const char *sync, *health, *more, *says; int64_t after_ms; } rows[] = {
	    {"Synced", "Healthy", "", "", 0},
	    {"OutOfSync", "Healthy", "", "+argocd_drift Application/shop OutOfSync[0];", 600000},
	    {"OutOfSync", "Healthy", ",\"operationState\":{\"phase\":\"Running\"}", "", 0},
	    {"Synced", "Degraded", "", "+argocd_drift Application/shop Degraded[0];", 300000},
	    {"OutOfSync", "Missing", "", "+argocd_drift Application/shop Missing[0];", 300000},
	    {"Synced", "Progressing", "", "", 0},
	    {"Synced", "Suspended", "", "", 0},
	    {"OutOfSync", "Healthy", ",\"operationState\":{\"phase\":\"Failed\",\"message\":\"one or more objects failed to apply\"}",
	        "+argocd_drift Application/shop SyncFailed[0];", 120000},
	    {"Synced", "Healthy", ",\"operationState\":{\"phase\":\"Failed\"}", "", 0}, /* of the past */
	    {"Unknown", "Healthy", ",\"conditions\":[{\"type\":\"ComparisonError\",\"message\":\"repository not accessible\"}]",
	        "+argocd_drift Application/shop ComparisonError[0];", 120000},
	    {"Synced", "Healthy", ",\"conditions\":[{\"type\":\"OrphanedResourceWarning\"}]", "", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		feed_app(&r, rows[i].sync, rows[i].health, rows[i].more);
		if (rows[i].after_ms)
			assert_string_equal(rig_pass(&r, rows[i].after_ms - 2000), "");
		assert_string_equal(rig_pass(&r, rows[i].after_ms ? 12000 : 3600000), rows[i].says);
		feed_app(&r, "Synced", "Healthy", "");
		assert_true(!*rows[i].says || strcmp(rig_pass(&r, 31000), "-argocd_drift Application/shop;") == 0);
		rig_close(&r);
	}
}

static void test_degraded_application_whose_workload_tells_why(void **state)
{
	rig r;
	rig_web(&r);
	rig_pod(&r, POD(.containers = c_waiting(&r, "CrashLoopBackOff", "", 2, "Error", 1)));
	feed_app(&r, "Synced", "Degraded", "");
	assert_string_equal(rig_pass(&r, 3600000), "+pod_crashloop Deployment/web CrashLoopBackOff app[1];");
	rig_close(&r);
}

/* ---- policy reports of the other group, and of the cluster ---- */

static void test_openreports_and_cluster_reports(void **state)
{
	static const char policy[] = "{\"metadata\":{\"name\":\"need-owner\",\"uid\":\"pol\"},\"spec\":{\"validationActions\":[\"Deny\"]}}";
	static const char report[] = "{\"metadata\":{\"name\":\"x\",\"uid\":\"rep-%s\"%s},\"scope\":{\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\"%s},\"results\":[{\"policy\":\"need-owner\","
	                             "\"result\":\"fail\",\"source\":\"KyvernoValidatingPolicy\",\"message\":\"owner is missing\"}]}";
	rig r;
	rig_web(&r);
	rig_feed(&r, DT_ROW_VALIDATINGPOLICIES, NS_WATCH_ADDED, policy);
	feed(&r, DT_ROW_OPENREPORTS, report, "1", ",\"namespace\":\"shop\"", "Deployment", "web", "dep-web", ",\"namespace\":\"shop\"");
	assert_string_equal(rig_tick(&r), "+kyverno_violation Deployment/web PolicyViolation[0];");
	feed(&r, DT_ROW_CLUSTERREPORTS, report, "2", "", "Namespace", "shop", "ns-uid", "");
	assert_string_equal(rig_tick(&r), "+kyverno_violation Namespace/shop PolicyViolation[0];");
	/* A list of one row leaves the other rows' reports alone. */
	rig_mark(&r, DT_ROW_REPORTS, NS_WATCH_REPLACE_BEGIN);
	rig_mark(&r, DT_ROW_REPORTS, NS_WATCH_REPLACE_END);
	assert_string_equal(rig_tick(&r), "");
	rig_mark(&r, DT_ROW_OPENREPORTS, NS_WATCH_REPLACE_BEGIN);
	rig_mark(&r, DT_ROW_OPENREPORTS, NS_WATCH_REPLACE_END);
	assert_string_equal(rig_tick(&r), "-kyverno_violation Deployment/web;");
	rig_close(&r);
}

/* ---- the budget ---- */

static void set_total(rig *r, double total)
{
	ns_arena *ar = ns_arena_new();
	ns_cost_report *c = ns_arena_alloc(ar, sizeof *c);
	c->rows = ns_arena_alloc(ar, sizeof *c->rows);
	c->n_rows = 1;
	c->rows[0] = (ns_cost_row){.ns = "shop", .controller_kind = "deployment", .controller = "web", .per_day = total, .per_day_before = total, .minutes = 1440};
	c->total_per_day = total;
	dt_set_cost(r->d, ar, c, "");
}

static void test_budget_of_the_cluster(void **state)
{
	rig r;
	rig_open(&r, &(ns_detector_opts){.cost_rule.budget_per_day = 100});
	rig_sync(&r);
	set_total(&r, 99);
	assert_string_equal(rig_tick(&r), "");
	set_total(&r, 120);
	assert_string_equal(rig_tick(&r), "+cost_spike Cluster/test OverBudget[0];");
	assert_string_equal(r.message, "120.00 per day, over the budget of 100.00; most for shop/web");
	set_total(&r, 100);
	assert_string_equal(rig_tick(&r), "-cost_spike Cluster/test;");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_node_down_is_one_incident_not_forty), cmocka_unit_test(test_what_a_lost_node_leaves_without_room),
	    cmocka_unit_test(test_maintenance_of_a_node_is_no_failure), cmocka_unit_test(test_node_that_flaps_for_less_than_a_minute),
	    cmocka_unit_test(test_nodes_that_join_or_leave_are_no_storm), cmocka_unit_test(test_node_that_is_deleted_is_over),
	    cmocka_unit_test(test_node_pressure_explains_evictions), cmocka_unit_test(test_claim_without_a_volume_explains_its_pods),
	    cmocka_unit_test(test_provisioning_that_fails_is_told_sooner), cmocka_unit_test(test_claim_that_waits_for_its_pod_is_well),
	    cmocka_unit_test(test_lost_volume),
	    cmocka_unit_test(test_autoscaler_that_cannot_scale), cmocka_unit_test(test_set_whose_rollout_stands_still),
	    cmocka_unit_test(test_slow_progress_is_progress), cmocka_unit_test(test_set_that_a_quota_keeps_from_its_pods),
	    cmocka_unit_test(test_certificate_that_ends), cmocka_unit_test(test_applications_of_argocd),
	    cmocka_unit_test(test_degraded_application_whose_workload_tells_why), cmocka_unit_test(test_openreports_and_cluster_reports),
	    cmocka_unit_test(test_budget_of_the_cluster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
