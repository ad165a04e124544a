/* Each fault script, and how it responds to what is done: a manual clock walks through it. */
#include "client.h"

static rig R;

static int teardown(void **state)
{
	rig_free(&R);
	return 0;
}

static void begin(const char *scenario)
{
	R = rig_new(scenario);
}

static void pass(int seconds)
{
	ns_clock_advance(R.clock, seconds * 1000LL);
}

/* The pods of a workload; caller frees the reply. */
static reply pods_of(const char *ns, const char *app)
{
	char path[300];
	snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods?labelSelector=app%%3D%s", ns, app);
	return call(R.port, "GET", path, NULL, NULL);
}

/* How many pods have this text at this path of their first container's status. */
static int count(const char *ns, const char *app, const char *path, const char *value)
{
	int n = 0;
	reply r = pods_of(ns, app);
	ns_json_each(p, ns_json_get(r.j, "items"))
	{
		const cJSON *c = ns_json_path(p, "status.containerStatuses");
		n += !strcmp(ns_json_str(c ? c->child : NULL, path, ""), value);
	}
	reply_free(&r);
	return n;
}

static const char *deployment(const char *ns, const char *name, const char *path)
{
	char url[300];
	snprintf(url, sizeof url, "/apis/apps/v1/namespaces/%s/deployments/%s", ns, name);
	return look(R.port, url, path);
}

static const char *condition(const char *ns, const char *name, const char *type)
{
	static char out[100];
	char url[300];
	snprintf(url, sizeof url, "/apis/apps/v1/namespaces/%s/deployments/%s", ns, name);
	reply r = call(R.port, "GET", url, NULL, NULL);
	out[0] = '\0';
	ns_json_each(c, ns_json_path(r.j, "status.conditions")) if (!strcmp(ns_json_str(c, "type", ""), type))
	    snprintf(out, sizeof out, "%s %s", ns_json_str(c, "status", ""), ns_json_str(c, "reason", ""));
	reply_free(&r);
	return out;
}

static void patch(const char *ns, const char *name, const char *headers, const char *body)
{
	char path[300];
	snprintf(path, sizeof path, "/apis/apps/v1/namespaces/%s/deployments/%s", ns, name);
	reply r = call(R.port, "PATCH", path, headers, body);
	if (r.code != 200)
		fail_msg("%s", r.body);
	reply_free(&r);
}

static void raise_memory(const char *ns, const char *name, const char *limit)
{
	char body[300];
	snprintf(body, sizeof body,
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"memory\":\"%s\"}}}]}}}}",
	    limit);
	patch(ns, name, STRATEGIC, body);
}

/* What `kubectl rollout undo` sends: the template of the revision before. */
static void roll_back(const char *ns, const char *name, const char *image)
{
	char path[300];
	snprintf(path, sizeof path, "/apis/apps/v1/namespaces/%s/replicasets?labelSelector=app%%3D%s", ns, name);
	reply r = call(R.port, "GET", path, NULL, NULL);
	cJSON *tmpl = NULL;
	ns_json_each(rs, ns_json_get(r.j, "items"))
	{
		const cJSON *c = ns_json_path(rs, "spec.template.spec.containers")->child;
		if (!strcmp(ns_json_str(c, "image", ""), image))
			tmpl = cJSON_Duplicate(ns_json_path(rs, "spec.template"), true);
	}
	assert_non_null(tmpl);
	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(cJSON_GetObjectItem(tmpl, "metadata"), "labels"), "pod-template-hash");
	char *text = ns_json_text(tmpl), *body = ns_xasprintf("[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":%s}]", text);
	patch(ns, name, JSONP, body);
	cJSON_Delete(tmpl);
	free(text);
	free(body);
	reply_free(&r);
}

static bool log_says(const char *ns, const char *app, const char *query, const char *words)
{
	char path[400];
	reply r = pods_of(ns, app);
	const cJSON *pod = ns_json_get(r.j, "items")->child;
	ns_json_each(p, ns_json_get(r.j, "items")) /* one that died, if there is one */
	    if (ns_json_path(ns_json_path(p, "status.containerStatuses")->child, "lastState.terminated")) pod = p;
	snprintf(path, sizeof path, "/api/v1/namespaces/%s/pods/%s/log?%s", ns, ns_json_str(pod, "metadata.name", ""), query);
	reply_free(&r);
	r = call(R.port, "GET", path, NULL, NULL);
	bool found = strstr(r.body, words) != NULL;
	reply_free(&r);
	return found;
}

static bool event_says(const char *ns, const char *reason, const char *words)
{
	char path[300];
	bool found = false;
	snprintf(path, sizeof path, "/api/v1/namespaces/%s/events?fieldSelector=reason%%3D%s", ns, reason);
	reply r = call(R.port, "GET", path, NULL, NULL);
	ns_json_each(e, ns_json_get(r.j, "items")) found |= strstr(ns_json_str(e, "message", ""), words) != NULL;
	reply_free(&r);
	return found;
}

static void healthy(const char *ns, const char *name, const char *replicas)
{
	assert_string_equal(deployment(ns, name, "status.readyReplicas"), replicas);
	assert_string_equal(deployment(ns, name, "status.updatedReplicas"), replicas);
	assert_string_equal(deployment(ns, name, "status.unavailableReplicas"), "");
	assert_string_equal(condition(ns, name, "Available"), "True MinimumReplicasAvailable");
	assert_string_equal(condition(ns, name, "Progressing"), "True NewReplicaSetAvailable");
}

static void test_oom_raised_enough(void **state)
{
	begin("oom-simple");
	healthy("shop", "checkout", "2");
	pass(13);
	assert_int_equal(count("shop", "checkout", "lastState.terminated.reason", "OOMKilled"), 2);
	pass(6);
	assert_int_equal(count("shop", "checkout", "state.waiting.reason", "CrashLoopBackOff"), 2);
	reply r = pods_of("shop", "checkout");
	const cJSON *c = ns_json_path(ns_json_get(r.j, "items")->child, "status.containerStatuses")->child;
	assert_int_equal(ns_json_int_or(c, "lastState.terminated.exitCode", 0), 137);
	assert_non_null(strstr(ns_json_str(c, "state.waiting.message", ""), "back-off 10s restarting failed container=app pod=checkout-"));
	reply_free(&r);
	assert_true(event_says("shop", "BackOff", "Back-off restarting failed container app in pod checkout-"));
	raise_memory("shop", "checkout", "256Mi");
	pass(60);
	healthy("shop", "checkout", "2");
	pass(600);
	healthy("shop", "checkout", "2");
	assert_int_equal(count("shop", "checkout", "lastState.terminated.reason", "OOMKilled"), 0);
}

static void test_oom_raised_too_little(void **state)
{
	begin("oom-twice");
	pass(30);
	raise_memory("shop", "checkout", "256Mi"); /* needs 400 */
	pass(120);
	assert_int_equal(count("shop", "checkout", "lastState.terminated.reason", "OOMKilled") > 0, 1);
	raise_memory("shop", "checkout", "512Mi");
	pass(90);
	healthy("shop", "checkout", "2");
}

static void test_leak_never_heals(void **state)
{
	begin("oom-leak");
	static const char *const limits[] = {"512Mi", "1Gi", "2Gi"};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		raise_memory("media", "thumbnailer", limits[i]);
		pass(120);
		assert_true(count("media", "thumbnailer", "lastState.terminated.reason", "OOMKilled") > 0);
	}
}

static void test_oom_once(void **state)
{
	begin("oom-recovered");
	pass(30);
	assert_int_equal(count("shop", "invoicer", "lastState.terminated.reason", "OOMKilled"), 2);
	healthy("shop", "invoicer", "2");
	pass(900);
	reply r = pods_of("shop", "invoicer");
	ns_json_each(p, ns_json_get(r.j, "items"))
	    assert_int_equal(ns_json_int_or(ns_json_path(p, "status.containerStatuses")->child, "restartCount", 0), 1);
	reply_free(&r);
}

static void test_release_and_rollback(void **state)
{
	begin("crashloop-release");
	pass(60);
	assert_int_equal(
	    count("shop", "cart", "state.waiting.reason", "CrashLoopBackOff") + count("shop", "cart", "state.terminated.reason", "Error"),
	    1);
	assert_string_equal(deployment("shop", "cart", "status.readyReplicas"), "3"); /* the old pods serve */
	assert_string_equal(deployment("shop", "cart", "status.updatedReplicas"), "1");
	assert_string_equal(deployment("shop", "cart", "metadata.generation"), "2");
	assert_true(log_says("shop", "cart", "previous=true&tailLines=20", "panic: runtime error"));
	reply r = call(R.port, "GET", "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dcart", NULL, NULL);
	assert_int_equal(ns_json_len(ns_json_get(r.j, "items")), 2);
	reply_free(&r);
	roll_back("shop", "cart", "registry.example.com/shop/cart:3.1.4");
	pass(30);
	healthy("shop", "cart", "3");
	/* the old ReplicaSet came back as revision 3 */
	r = call(R.port, "GET", "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dcart", NULL, NULL);
	bool seen = false;
	ns_json_each(rs, ns_json_get(r.j, "items"))
	{
		const cJSON *a = ns_json_path(rs, "metadata.annotations");
		if (!strcmp(ns_json_get(a, "deployment.kubernetes.io/revision")->valuestring, "3")) {
			assert_string_equal(ns_json_get(a, "deployment.kubernetes.io/revision-history")->valuestring, "1");
			seen = true;
		}
	}
	assert_true(seen);
	reply_free(&r);
}

static void test_rollback_that_cannot_help(void **state)
{
	begin("crashloop-dependency");
	pass(60);
	assert_true(log_says("orders", "orders", "tailLines=10&previous=true", "refused"));
	roll_back("orders", "orders", "registry.example.com/orders/orders:7.0.2");
	pass(180);
	assert_true(strcmp(deployment("orders", "orders", "status.readyReplicas"), "2") != 0 ||
	            count("orders", "orders", "lastState.terminated.reason", "Error") > 0);
}

static void test_rollback_in_vain(void **state)
{
	begin("rollback-in-vain");
	pass(60);
	assert_true(count("reco", "recommender", "lastState.terminated.reason", "Error") >= 1);
	assert_string_equal(deployment("reco", "recommender", "status.updatedReplicas"), "2"); /* the rollout itself went through */
	roll_back("reco", "recommender", "registry.example.com/reco/recommender:5.0.6");
	pass(120);
	assert_int_equal(count("reco", "recommender", "image", "registry.example.com/reco/recommender:5.0.6"), 2);
	assert_int_equal(count("reco", "recommender", "lastState.terminated.reason", "Error"), 2);
}

static void test_secret_is_gone(void **state)
{
	begin("crashloop-secret");
	pass(60);
	assert_int_equal(count("payments", "payments-api", "state.waiting.reason", "CrashLoopBackOff"), 2);
	assert_true(log_says("payments", "payments-api", "previous=true", "DB_PASSWORD is not set"));
	assert_int_equal(count("payments", "billing", "state.waiting.reason", "CreateContainerConfigError"), 1);
	assert_int_equal(count("payments", "billing", "state.waiting.message", "secret \"billing-db\" not found"), 1);
	assert_true(event_says("payments", "Failed", "Error: secret \"billing-db\" not found"));
	roll_back("payments", "payments-api", "registry.example.com/pay/payments-api:4.8.0");
	pass(120);
	assert_true(count("payments", "payments-api", "lastState.terminated.reason", "Error") >= 2);
}

static void test_image_typo(void **state)
{
	begin("image-typo");
	pass(13);
	assert_int_equal(count("web", "storefront", "state.waiting.reason", "ErrImagePull") +
	                     count("web", "storefront", "state.waiting.reason", "ImagePullBackOff"),
	    1);
	assert_true(event_says("web", "Failed", "Failed to pull image"));
	assert_string_equal(deployment("web", "storefront", "status.readyReplicas"), "3");
	pass(70);
	assert_string_equal(condition("web", "storefront", "Progressing"), "False ProgressDeadlineExceeded");
	assert_true(event_says("web", "BackOff", "Back-off pulling image"));
	roll_back("web", "storefront", "registry.example.com/web/storefront:11.8.2");
	pass(20);
	healthy("web", "storefront", "3");
	/* an image nobody knows is not there either */
	patch("web", "storefront", STRATEGIC,
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"registry.example.com/nosuch:1\"}]}}}}");
	pass(20);
	assert_true(count("web", "storefront", "state.waiting.reason", "ImagePullBackOff") +
	                count("web", "storefront", "state.waiting.reason", "ErrImagePull") >
	            0);
}

static void test_rollout_stalls(void **state)
{
	begin("rollout-stalled");
	pass(30);
	assert_string_equal(condition("web", "storefront", "Progressing"), "True ReplicaSetUpdated");
	assert_true(event_says("web", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"));
	pass(40);
	assert_string_equal(condition("web", "storefront", "Progressing"), "False ProgressDeadlineExceeded");
	assert_string_equal(condition("web", "storefront", "Available"), "True MinimumReplicasAvailable");
	roll_back("web", "storefront", "registry.example.com/web/storefront:11.8.2");
	pass(20);
	healthy("web", "storefront", "4");
}

static void test_unschedulable(void **state)
{
	begin("unschedulable");
	pass(20);
	reply r = call(R.port, "GET", "/api/v1/namespaces/batch/pods?fieldSelector=status.phase%3DPending", NULL, NULL);
	assert_int_equal(ns_json_len(ns_json_get(r.j, "items")), 1);
	const cJSON *c = ns_json_path(ns_json_get(r.j, "items")->child, "status.conditions")->child;
	assert_string_equal(ns_json_str(c, "reason", ""), "Unschedulable");
	assert_null(ns_json_path(ns_json_get(r.j, "items")->child, "status.containerStatuses"));
	reply_free(&r);
	assert_true(event_says("batch", "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu"));
	patch("batch", "simulator", MERGE, "{\"spec\":{\"replicas\":3}}");
	pass(20);
	healthy("batch", "simulator", "3");
}

static const char *report(const char *path)
{
	static char out[300];
	reply r = call(R.port, "GET", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/data/policyreports", NULL, NULL);
	const cJSON *items = ns_json_get(r.j, "items"), *res = items->child ? ns_json_get(items->child, "results")->child : NULL;
	snprintf(out, sizeof out, "%s", ns_json_str(res, path, ""));
	reply_free(&r);
	return out;
}

static void test_kyverno(void **state)
{
	static const char *const exceptions = "/apis/kyverno.io/v2/namespaces/data/policyexceptions";
	begin("kyverno-blocked");
	assert_string_equal(report("result"), "");
	pass(12);
	assert_string_equal(report("result"), "fail");
	assert_string_equal(report("rule"), "autogen-check-limits");
	reply r = call(R.port, "GET", "/api/v1/namespaces/default/events?fieldSelector=reason%3DPolicyViolation", NULL, NULL);
	const cJSON *e = ns_json_get(r.j, "items")->child;
	assert_string_equal(ns_json_str(e, "action", ""), "Resource Blocked");
	assert_string_equal(ns_json_str(e, "related.name", ""), "report-builder");
	assert_true(cJSON_IsNull(ns_json_get(e, "firstTimestamp")));
	reply_free(&r);
	/* an exception for another workload does nothing */
	static const char *const form =
	    "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"match\":{\"any\":[{\"resources\":{\"kinds\":[\"Deployment\",\"Pod\"],"
	    "\"namespaces\":[\"data\"],"
	    "\"names\":[\"%s\"]}}]},\"exceptions\":[{\"policyName\":\"require-limits\",\"ruleNames\":[\"%s\"]}]}}";
	static const struct {
		const char *name, *workload, *rule, *result;
	} rows[] = {{"a", "warehouse-sync", "autogen-check-limits", "fail"}, {"b", "report-builder", "other-rule", "fail"},
	    {"c", "report-builder*", "autogen-check-limits", "skip"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char body[600];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(body, sizeof body, form, rows[i].name, rows[i].workload, rows[i].rule);
#pragma GCC diagnostic pop
		r = call(R.port, "POST", exceptions, PLAIN, body);
		assert_int_equal(r.code, 201);
		reply_free(&r);
		pass(1);
		assert_string_equal(report("result"), rows[i].result);
	}
	assert_string_equal(report("properties.exceptions"), "c");
	/* disarmed, it no longer exempts */
	r = call(R.port, "PATCH", "/apis/kyverno.io/v2/namespaces/data/policyexceptions/c", MERGE,
	    "{\"spec\":{\"match\":{\"any\":[{\"resources\":{\"kinds\":[\"Deployment\"],\"names\":[\"nothing-is-called-this\"]}}]}}}");
	assert_int_equal(r.code, 200);
	reply_free(&r);
	pass(1);
	assert_string_equal(report("result"), "fail");
	assert_int_equal(ns_sim_mutations(R.sim, "data", "c"), 2);
}

/* In the wrong namespace an exception is taken, and only a Warning header says that it does nothing. */
static void test_kyverno_namespace(void **state)
{
	static const char *const body =
	    "{\"metadata\":{\"name\":\"e\"},\"spec\":{\"match\":{\"any\":[{\"resources\":{\"kinds\":[\"Deployment\"]}}]},"
	    "\"exceptions\":[{\"policyName\":\"require-limits\",\"ruleNames\":[\"*check-limits\"]}]}}";
	begin("kyverno-namespace");
	pass(12);
	reply r = call(R.port, "POST", "/apis/kyverno.io/v2/namespaces/data/policyexceptions", PLAIN, body);
	assert_int_equal(r.code, 201);
	assert_non_null(strstr(r.head, "Warning: 299 - \"PolicyException resource namespace must match the defined namespace.\""));
	reply_free(&r);
	pass(1);
	assert_string_equal(report("result"), "fail");
	r = call(R.port, "POST", "/apis/kyverno.io/v2/namespaces/policy-exceptions/policyexceptions", PLAIN, body);
	assert_int_equal(r.code, 201);
	assert_null(strstr(r.head, "Warning:"));
	reply_free(&r);
	pass(1);
	assert_string_equal(report("result"), "skip");
	r = call(R.port, "GET", "/apis/apps/v1/namespaces/kyverno/deployments", NULL, NULL);
	assert_non_null(strstr(r.body, "--exceptionNamespace=policy-exceptions"));
	reply_free(&r);
}

static double cost(const char *window, const char *name)
{
	char path[300];
	snprintf(
	    path, sizeof path, "/opencost/allocation?window=%s&aggregate=namespace,controller&accumulate=true&includeIdle=true", window);
	reply r = call(R.port, "GET", path, NULL, NULL);
	assert_int_equal(r.code, 200);
	const cJSON *set = ns_json_get(r.j, "data")->child;
	double v = ns_json_num_or(ns_json_get(set, name), "totalCost", -1);
	assert_non_null(ns_json_get(set, "__idle__"));
	reply_free(&r);
	return v;
}

static void test_cost(void **state)
{
	begin("cost-spike");
	char now[80], before[80], a[32], b[32], c[32];
	const char *name = "qa/deployment:load-generator";
	int64_t hour = 3600000, end = ns_clock_wall_ms(R.clock) / hour * hour;
	ns_time_format(end - 2 * hour, a);
	ns_time_format(end - hour, b);
	ns_time_format(end, c);
	snprintf(now, sizeof now, "%s,%s", b, c);
	snprintf(before, sizeof before, "%s,%s", a, b);
	double base = cost(before, name);
	assert_true(base > 0);
	assert_float_equal(cost(now, name), base, 1e-6);
	pass(15);
	assert_float_equal(cost(now, name), base * 7, 1e-4);
	assert_float_equal(cost(before, name), base, 1e-6);
	patch("qa", "load-generator", MERGE, "{\"spec\":{\"replicas\":1}}");
	pass(5);
	assert_float_equal(cost(now, name), base / 2, 1e-4);
	reply r = call(R.port, "GET", "/opencost/allocation?window=nonsense", NULL, NULL);
	assert_int_equal(r.code, 400);
	assert_non_null(strstr(r.body, "illegal window"));
	reply_free(&r);
	r = call(R.port, "GET", "/opencost/allocation?window=24h&aggregate=namespace&step=6h", NULL, NULL);
	assert_int_equal(ns_json_len(ns_json_get(r.j, "data")), 4);
	assert_non_null(ns_json_get(ns_json_get(r.j, "data")->child, "qa"));
	reply_free(&r);
	r = call(R.port, "GET", "/opencost/allocation?window=1h&aggregate=namespace,controller", NULL, NULL);
	assert_non_null(strstr(r.body, ":null")); /* some numbers are */
	reply_free(&r);
}

static void test_rollout_that_is_fine(void **state)
{
	begin("rollout-control");
	bool unready = false;
	for (int i = 0; i < 90; i++) {
		pass(1);
		unready |= *deployment("web", "storefront", "status.unavailableReplicas") != 0;
		assert_string_equal(condition("web", "storefront", "Available"), "True MinimumReplicasAvailable");
	}
	assert_true(unready);
	healthy("web", "storefront", "4");
}

static void test_storm(void **state)
{
	begin("storm");
	pass(18);
	healthy("shop", "cart", "2");
	pass(10);
	int down = 0, all = 0;
	reply r = call(R.port, "GET", "/apis/apps/v1/deployments", NULL, NULL);
	ns_json_each(d, ns_json_get(r.j, "items"))
	{
		all++;
		down += ns_json_int_or(d, "status.readyReplicas", 0) == 0;
	}
	assert_int_equal(down, 12);
	assert_true(down * 2 >= all);
	reply_free(&r);
}

static void test_scripted_outage(void **state)
{
	begin("api-outage");
	pass(135);
	int fd = 0;
	for (int i = 0; i < 1000 && fd >= 0; i++) { /* the driver looks at a manual clock every few milliseconds */
		fd = dial(R.port);
		if (fd >= 0)
			close(fd);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	assert_int_equal(fd, -1);
	pass(60);
	for (int i = 0; i < 1000 && fd < 0; i++) {
		fd = dial(R.port);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	assert_true(fd >= 0);
	close(fd);
	assert_true(count("shop", "checkout", "lastState.terminated.reason", "OOMKilled") > 0);
}

static void test_logs(void **state)
{
	begin("demo");
	pass(300);
	assert_true(log_says("web", "api-gateway", "", "a container name must be specified for pod api-gateway"));
	assert_true(log_says("web", "api-gateway", "container=nosuch", "container nosuch is not valid for pod"));
	assert_true(log_says("web", "api-gateway", "container=app&tailLines=1", "GET"));
	assert_true(log_says("web", "api-gateway", "container=app&previous=true", "previous terminated container \\\"app\\\" in pod"));
	reply r = pods_of("shop", "catalog");
	char path[300];
	snprintf(path, sizeof path, "/api/v1/namespaces/shop/pods/%s/log?tailLines=3&limitBytes=40",
	    ns_json_str(ns_json_get(r.j, "items")->child, "metadata.name", ""));
	reply_free(&r);
	r = call(R.port, "GET", path, NULL, NULL);
	assert_int_equal(r.len, 40);
	assert_non_null(strstr(r.head, "text/plain"));
	reply_free(&r);
}

/* The same seed gives the same cluster, name for name and uid for uid. */
static void test_deterministic(void **state)
{
	char *first = NULL;
	for (int i = 0; i < 2; i++) {
		begin("demo");
		pass(200);
		reply r = call(R.port, "GET", "/api/v1/pods", NULL, NULL);
		if (!first)
			first = ns_xstrdup(r.body);
		else
			assert_string_equal(first, r.body);
		reply_free(&r);
		if (!i)
			rig_free(&R);
	}
	free(first);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_oom_raised_enough), T(test_oom_raised_too_little), T(test_leak_never_heals),
	    T(test_oom_once), T(test_release_and_rollback), T(test_rollback_that_cannot_help), T(test_rollback_in_vain),
	    T(test_secret_is_gone), T(test_image_typo), T(test_rollout_stalls), T(test_unschedulable), T(test_kyverno),
	    T(test_kyverno_namespace), T(test_cost), T(test_rollout_that_is_fine), T(test_storm), T(test_scripted_outage), T(test_logs),
	    T(test_deterministic)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
