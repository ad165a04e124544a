/* The API subset: discovery, lists, the three patch types, writes and their refusals. */
#include "client.h"

#define CATALOG "/apis/apps/v1/namespaces/shop/deployments/catalog"

static rig R;

static int setup(void **state)
{
	R = rig_new("healthy");
	return 0;
}

static int teardown(void **state)
{
	rig_free(&R);
	return 0;
}

static void check(const char *method, const char *path, const char *headers, const char *body, int code, const char *reason)
{
	reply r = call(R.port, method, path, headers, body);
	if (r.code != code || strcmp(ns_json_str(r.j, "reason", ""), reason) != 0)
		fail_msg("%s %s: %d %s, expected %d %s", method, path, r.code, r.body, code, reason);
	if (*reason) {
		assert_string_equal(ns_json_str(r.j, "kind", ""), "Status");
		assert_int_equal(ns_json_int_or(r.j, "code", 0), code);
	}
	reply_free(&r);
}

static void test_health_and_version(void **state)
{
	check("GET", "/healthz", NULL, NULL, 200, "");
	check("GET", "/livez", NULL, NULL, 200, "");
	check("GET", "/readyz", NULL, NULL, 200, "");
	assert_string_equal(look(R.port, "/version", "gitVersion"), "v1.32.4");
}

static void test_discovery(void **state)
{
	assert_string_equal(look(R.port, "/api", "kind"), "APIVersions");
	assert_string_equal(look(R.port, "/apis", "kind"), "APIGroupList");
	assert_string_equal(look(R.port, "/apis/kyverno.io", "preferredVersion.version"), "v2");
	reply r = call(R.port, "GET", "/apis/apps/v1", NULL, NULL);
	assert_non_null(strstr(r.body, "\"deployments/scale\""));
	assert_non_null(strstr(r.body, "\"autoscaling\""));
	reply_free(&r);
	r = call(R.port, "GET", "/apis",
	    "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json\r\n", NULL);
	assert_string_equal(ns_json_str(r.j, "kind", ""), "APIGroupDiscoveryList");
	assert_non_null(strstr(r.head, "as=APIGroupDiscoveryList"));
	reply_free(&r);
	check("GET", "/apis/argoproj.io/v1alpha1", NULL, NULL, 404, "");
	check("GET", "/apis/apps/v1/namespaces/shop/nosuch", NULL, NULL, 404, "NotFound");
	check("GET", "/openapi/v3", NULL, NULL, 404, "");
}

/* The document that old kubectl reads before a server-side dry run. */
static void test_openapi_protobuf(void **state)
{
	reply r = call(R.port, "GET", "/openapi/v2", "Accept: application/com.github.proto-openapi.spec.v2@v1.0+protobuf\r\n", NULL);
	assert_int_equal(r.code, 200);
	assert_true(r.len > 1000);
	assert_memory_equal(r.body,
	    "\x0a\x03"
	    "2.0",
	    5);
	assert_non_null(memmem(r.body, r.len, "dryRun", 6));
	assert_non_null(memmem(r.body, r.len, "x-kubernetes-group-version-kind", 31));
	assert_non_null(memmem(r.body, r.len, "kind: PolicyException", 21));
	reply_free(&r);
}

static void test_list_and_selectors(void **state)
{
	reply r = call(R.port, "GET", "/api/v1/namespaces/shop/pods", NULL, NULL);
	assert_int_equal(ns_json_len(ns_json_get(r.j, "items")), 8);
	assert_null(ns_json_path(r.j, "items")->child ? ns_json_get(ns_json_path(r.j, "items")->child, "kind") : NULL);
	reply_free(&r);
	static const struct {
		const char *query;
		size_t n;
	} rows[] = {{"labelSelector=app%3Dcart", 3}, {"labelSelector=app%20in%20(cart,catalog)", 5}, {"labelSelector=app!%3Dcart", 5},
	    {"labelSelector=!app", 0}, {"labelSelector=app,pod-template-hash", 8}, {"fieldSelector=status.phase%3DRunning", 8},
	    {"fieldSelector=status.phase!%3DRunning", 0}, {"labelSelector=app%20notin%20(cart)", 5}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char path[256];
		snprintf(path, sizeof path, "/api/v1/namespaces/shop/pods?%s", rows[i].query);
		r = call(R.port, "GET", path, NULL, NULL);
		if (ns_json_len(ns_json_get(r.j, "items")) != rows[i].n)
			fail_msg("%s: %zu", rows[i].query, ns_json_len(ns_json_get(r.j, "items")));
		reply_free(&r);
	}
	check("GET", "/api/v1/pods?fieldSelector=spec.color%3Dred", NULL, NULL, 400, "BadRequest");
	check("GET", "/api/v1/pods?labelSelector=a%3D%3D%3Db", NULL, NULL, 400, "BadRequest");
}

static void test_pages_are_one_snapshot(void **state)
{
	char path[256], seen[16][64], rv[32] = "", *token = ns_xstrdup("");
	size_t n = 0;
	do {
		snprintf(path, sizeof path, "/api/v1/namespaces/shop/pods?limit=3&continue=%s", token);
		reply r = call(R.port, "GET", path, NULL, NULL);
		assert_int_equal(r.code, 200);
		if (!*rv)
			snprintf(rv, sizeof rv, "%s", ns_json_str(r.j, "metadata.resourceVersion", ""));
		assert_string_equal(rv, ns_json_str(r.j, "metadata.resourceVersion", ""));
		ns_json_each(o, ns_json_get(r.j, "items")) snprintf(seen[n++], sizeof *seen, "%s", ns_json_str(o, "metadata.name", ""));
		free(token);
		token = ns_xstrdup(ns_json_str(r.j, "metadata.continue", ""));
		reply_free(&r);
		if (n == 3) /* a change between two pages is in neither */
			check(
			    "PATCH", "/apis/apps/v1/namespaces/shop/deployments/cart/scale", MERGE, "{\"spec\":{\"replicas\":1}}", 200, "");
	} while (*token);
	assert_int_equal(n, 8);
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(seen[i - 1], seen[i]) < 0);
	free(token);
	reply r = call(R.port, "GET", "/api/v1/namespaces/shop/pods?limit=3", NULL, NULL);
	snprintf(path, sizeof path, "/api/v1/namespaces/shop/pods?limit=3&continue=%s", ns_json_str(r.j, "metadata.continue", ""));
	reply_free(&r);
	ns_sim_compact(R.sim);
	check("GET", path, NULL, NULL, 410, "Expired");
	r = call(R.port, "GET", "/api/v1/namespaces/shop/pods?limit=3&resourceVersion=0", NULL, NULL);
	assert_null(ns_json_path(r.j, "metadata.continue")); /* the cache ignores a limit */
	reply_free(&r);
}

static void test_versions_asked_for(void **state)
{
	check("GET", "/api/v1/pods?resourceVersion=99999999&resourceVersionMatch=NotOlderThan", NULL, NULL, 504, "Timeout");
	check("GET", "/api/v1/pods?resourceVersion=5&resourceVersionMatch=Exact", NULL, NULL, 410, "Expired");
	check("GET", "/api/v1/pods?resourceVersionMatch=Exact", NULL, NULL, 422, "Invalid");
	check("GET", "/api/v1/pods?continue=xyz", NULL, NULL, 400, "BadRequest");
}

static void test_json_patch(void **state)
{
	check("PATCH", CATALOG, JSONP,
	    "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]", 200,
	    "");
	assert_string_equal(look(R.port, CATALOG, "spec.replicas"), "3");
	assert_string_equal(look(R.port, CATALOG, "metadata.generation"), "2");
	check("PATCH", CATALOG, JSONP,
	    "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":9},{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2}]", 422,
	    "Invalid");
	assert_string_equal(look(R.port, CATALOG, "spec.replicas"), "3");
	check("PATCH", CATALOG, JSONP, "[{\"op\":\"add\",\"path\":\"/metadata/annotations/a~1b\",\"value\":\"x\"}]", 200, "");
	check("PATCH", CATALOG, JSONP,
	    "[{\"op\":\"copy\",\"from\":\"/metadata/annotations/a~1b\",\"path\":\"/metadata/annotations/c\"},"
	    "{\"op\":\"move\",\"from\":\"/metadata/annotations/a~1b\",\"path\":\"/metadata/annotations/d\"},"
	    "{\"op\":\"remove\",\"path\":\"/metadata/annotations/c\"}]",
	    200, "");
	assert_string_equal(look(R.port, CATALOG, "metadata.annotations.d"), "x");
	assert_string_equal(look(R.port, CATALOG, "metadata.annotations.c"), "");
	check("PATCH", CATALOG, JSONP, "[{\"op\":\"replace\",\"path\":\"/spec/nosuch/x\",\"value\":1}]", 422, "Invalid");
	check("PATCH", CATALOG, JSONP, "{\"spec\":1}", 400, "BadRequest");
	check("PATCH", CATALOG, JSONP, "[{", 400, "BadRequest");
	/* the executor's lock: uid and version as tests in front */
	char *text = ns_sim_object(R.sim, "apps/v1/deployments", "shop", "catalog"), body[600];
	cJSON *j = cJSON_Parse(text);
	snprintf(body, sizeof body,
	    "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"%s\"},{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\","
	    "\"value\":\"%s\"},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":1}]",
	    ns_json_str(j, "metadata.uid", ""), ns_json_str(j, "metadata.resourceVersion", ""));
	check("PATCH", CATALOG, JSONP, body, 200, "");
	check("PATCH", CATALOG, JSONP, body, 422, "Invalid");
	cJSON_Delete(j);
	free(text);
}

static void test_merge_and_strategic_patch(void **state)
{
	check("PATCH", CATALOG, STRATEGIC,
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"env\":[{\"name\":\"A\",\"value\":\"1\"}],"
	    "\"resources\":{\"limits\":{\"memory\":\"512Mi\"}}}]}}}}",
	    200, "");
	reply r = call(R.port, "GET", CATALOG, NULL, NULL);
	const cJSON *c = ns_json_path(r.j, "spec.template.spec.containers")->child;
	assert_string_equal(ns_json_str(c, "resources.limits.memory", ""), "512Mi");
	assert_string_equal(ns_json_str(c, "image", ""), "registry.example.com/shop/catalog:2.20.1"); /* the rest of the container stays */
	reply_free(&r);
	check("PATCH", CATALOG, STRATEGIC,
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"env\":[{\"name\":\"B\",\"value\":\"2\"},"
	    "{\"name\":\"A\",\"$patch\":\"delete\"}],\"ports\":[{\"containerPort\":9090,\"name\":\"metrics\"}]}]}}}}",
	    200, "");
	r = call(R.port, "GET", CATALOG, NULL, NULL);
	c = ns_json_path(r.j, "spec.template.spec.containers")->child;
	assert_int_equal(ns_json_len(ns_json_get(c, "env")), 1);
	assert_string_equal(ns_json_str(ns_json_get(c, "env")->child, "name", ""), "B");
	assert_int_equal(ns_json_len(ns_json_get(c, "ports")), 2);
	reply_free(&r);
	check("PATCH", CATALOG, MERGE, "{\"metadata\":{\"labels\":{\"tier\":\"back\"},\"annotations\":{\"x\":\"y\"}}}", 200, "");
	check("PATCH", CATALOG, MERGE, "{\"metadata\":{\"annotations\":{\"x\":null}}}", 200, "");
	assert_string_equal(look(R.port, CATALOG, "metadata.annotations.x"), "");
	assert_string_equal(look(R.port, CATALOG, "metadata.labels.tier"), "back");
	check("PATCH", CATALOG, MERGE, "{\"spec\":{\"template\":{\"spec\":{\"containers\":[]}}}}", 422,
	    "Invalid"); /* lists are replaced whole */
	check("PATCH", CATALOG, PLAIN, "{}", 415, "UnsupportedMediaType");
	check("PATCH", CATALOG, "Content-Type: application/apply-patch+yaml\r\n", "{}", 415, "UnsupportedMediaType");
}

static void test_dry_run_leaves_no_trace(void **state)
{
	char *before = ns_sim_object(R.sim, "apps/v1/deployments", "shop", "catalog");
	static const struct {
		const char *method, *path, *headers, *body;
	} rows[] = {
	    {"PATCH", CATALOG "?dryRun=All", MERGE, "{\"spec\":{\"replicas\":9}}"},
	    {"PATCH", CATALOG "?dryRun=All", JSONP, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":9}]"},
	    {"PATCH", CATALOG "/scale?dryRun=All", MERGE, "{\"spec\":{\"replicas\":9}}"},
	    {"PUT", CATALOG "/scale?dryRun=All", PLAIN, "{\"metadata\":{\"name\":\"catalog\"},\"spec\":{\"replicas\":9}}"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		reply r = call(R.port, rows[i].method, rows[i].path, rows[i].headers, rows[i].body);
		assert_int_equal(r.code, 200);
		assert_int_equal(ns_json_int_or(r.j, "spec.replicas", 0), 9);
		reply_free(&r);
	}
	check("POST", "/apis/kyverno.io/v2/namespaces/shop/policyexceptions?dryRun=All", PLAIN,
	    "{\"metadata\":{\"name\":\"e\"},\"spec\":{\"match\":{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"]}}]},\"exceptions\":[{"
	    "\"policyName\":\"p\","
	    "\"ruleNames\":[\"r\"]}]}}",
	    201, "");
	check("GET", "/apis/kyverno.io/v2/namespaces/shop/policyexceptions/e", NULL, NULL, 404, "NotFound");
	char *after = ns_sim_object(R.sim, "apps/v1/deployments", "shop", "catalog");
	assert_string_equal(before, after);
	assert_int_equal(ns_sim_mutations(R.sim, NULL, NULL), 0);
	free(before);
	free(after);
}

static void test_refusals(void **state)
{
	check("GET", "/api/v1/namespaces/shop/pods/nosuch", NULL, NULL, 404, "NotFound");
	check("GET", "/api/v1/namespaces/shop/secrets/nosuch", NULL, NULL, 404, "NotFound");
	check("GET", "/api/v1/secrets", NULL, NULL, 403, "Forbidden");
	check("DELETE", CATALOG, NULL, NULL, 403, "Forbidden");
	check("DELETE", "/api/v1/namespaces/shop", NULL, NULL, 403, "Forbidden");
	check("POST", "/api/v1/namespaces/shop/pods", PLAIN, "{}", 403, "Forbidden");
	check("PATCH", "/api/v1/namespaces/shop", MERGE, "{}", 403, "Forbidden");
	check("PATCH", CATALOG, MERGE, "{\"spec\":{\"replicas\":-1}}", 422, "Invalid");
	check("PATCH", CATALOG, MERGE, "{\"spec\":{\"replicas\":\"three\"}}", 400, "BadRequest");
	check("PATCH", CATALOG, MERGE, "{\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"x\"}}}}", 422, "Invalid");
	check("PATCH", CATALOG, STRATEGIC,
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"memory\":\"lots\"}}}]}}}}",
	    422, "Invalid");
	check("PATCH", CATALOG, MERGE, "{\"metadata\":{\"resourceVersion\":\"1\"}}", 409, "Conflict");
	check("PATCH", CATALOG, MERGE, "{\"metadata\":{\"uid\":\"0\"}}", 409, "Conflict");
	check("PATCH", "/apis/kyverno.io/v2/namespaces/shop/policyexceptions/x", STRATEGIC, "{}", 404, "NotFound");
	check("GET", "/api/v1/pods", "Accept: application/cbor\r\n", NULL, 406, "NotAcceptable");
	reply r = call(R.port, "PATCH", CATALOG, STRATEGIC,
	    "{\"spec\":{\"replicas\":-1,\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"resources\":{\"limits\":{\"memory\":"
	    "\"1Mi\"}}}]}}}}");
	assert_int_equal(r.code, 422);
	assert_int_equal(ns_json_len(ns_json_path(r.j, "details.causes")), 2);
	reply_free(&r);
	assert_int_equal(ns_sim_mutations(R.sim, NULL, NULL), 0);
	char *big = ns_xmalloc(4 << 20);
	memset(big, ' ', (4 << 20) - 1);
	big[(4 << 20) - 1] = '\0';
	check("PATCH", CATALOG, MERGE, big, 413, "RequestEntityTooLarge");
	free(big);
}

static void test_no_change_is_no_version(void **state)
{
	char before[64];
	snprintf(before, sizeof before, "%s", look(R.port, CATALOG, "metadata.resourceVersion"));
	check("PATCH", CATALOG, MERGE, "{\"spec\":{\"replicas\":2}}", 200, "");
	assert_string_equal(before, look(R.port, CATALOG, "metadata.resourceVersion"));
}

static void test_scale(void **state)
{
	assert_string_equal(look(R.port, CATALOG "/scale", "kind"), "Scale");
	assert_string_equal(look(R.port, CATALOG "/scale", "status.selector"), "app=catalog");
	check("PATCH", CATALOG "/scale", MERGE, "{\"spec\":{\"replicas\":4}}", 200, "");
	assert_string_equal(look(R.port, CATALOG, "spec.replicas"), "4");
	check("PUT", CATALOG "/scale", PLAIN, "{\"metadata\":{\"name\":\"catalog\",\"resourceVersion\":\"1\"},\"spec\":{\"replicas\":1}}",
	    409, "Conflict");
	check("PUT", CATALOG "/scale", PLAIN, "{\"metadata\":{\"name\":\"catalog\"},\"spec\":{\"replicas\":1}}", 200, "");
	ns_clock_advance(R.clock, 10000);
	assert_string_equal(look(R.port, CATALOG, "status.replicas"), "1");
	assert_int_equal(ns_sim_mutations(R.sim, "shop", "catalog"), 2);
}

static void test_lease(void **state)
{
	const char *leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases",
	           *lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
	const char *body =
	    "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\",\"namespace\":\"default\"},"
	    "\"spec\":{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,\"renewTime\":\"2026-11-23T00:00:00.000000Z\"}}";
	check("GET", lease, NULL, NULL, 404, "NotFound");
	check("POST", leases, PLAIN, body, 201, "");
	check("POST", leases, PLAIN, body, 409, "AlreadyExists");
	check("PUT", lease, PLAIN, body, 422, "Invalid"); /* no version */
	char *held = ns_sim_object(R.sim, "coordination.k8s.io/v1/leases", "default", "l");
	assert_non_null(held);
	check("PUT", lease, PLAIN, held, 200, "");
	cJSON *j = cJSON_Parse(held);
	cJSON_ReplaceItemInObject(cJSON_GetObjectItem(j, "spec"), "holderIdentity", cJSON_CreateString("b"));
	char *taken = ns_json_text(j);
	check("PUT", lease, PLAIN, taken, 200, "");
	check("PUT", lease, PLAIN, taken, 409, "Conflict");
	assert_string_equal(look(R.port, lease, "spec.holderIdentity"), "b");
	check("POST", "/apis/coordination.k8s.io/v1/namespaces/nosuch/leases", PLAIN, "{\"metadata\":{\"name\":\"l\"}}", 404, "NotFound");
	assert_int_equal(ns_sim_mutations(R.sim, NULL, NULL), 0);
	cJSON_Delete(j);
	free(taken);
	free(held);
}

static bool may(const char *verb, const char *group, const char *resource, const char *sub)
{
	char body[400];
	snprintf(body, sizeof body,
	    "{\"spec\":{\"resourceAttributes\":{\"namespace\":\"shop\",\"verb\":\"%s\",\"group\":\"%s\",\"resource\":\"%s\","
	    "\"subresource\":\"%s\"}}}",
	    verb, group, resource, sub);
	reply r = call(R.port, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", PLAIN, body);
	assert_int_equal(r.code, 201);
	bool ok = ns_json_bool_or(r.j, "status.allowed", false);
	reply_free(&r);
	return ok;
}

static void test_rights(void **state)
{
	assert_true(may("patch", "apps", "deployments", ""));
	assert_true(may("patch", "apps", "deployments", "scale"));
	assert_true(may("get", "", "pods", "log"));
	assert_true(may("create", "kyverno.io", "policyexceptions", ""));
	assert_false(may("delete", "", "pods", ""));
	assert_false(may("list", "", "secrets", ""));
	assert_false(may("patch", "argoproj.io", "applications", ""));
	assert_true(ns_sim_deny(R.sim, "create", "coordination.k8s.io/v1/leases", true));
	assert_false(may("create", "coordination.k8s.io", "leases", ""));
	check("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases", PLAIN, "{\"metadata\":{\"name\":\"l\"}}", 403, "Forbidden");
	ns_sim_deny(R.sim, "create", "coordination.k8s.io/v1/leases", false);
	assert_true(may("create", "coordination.k8s.io", "leases", ""));
	assert_false(ns_sim_deny(R.sim, "juggle", "v1/pods", true));
}

static void test_loopback_only(void **state)
{
	ns_err err = {0};
	ns_sim_opts o = {.listen = "0.0.0.0:0", .scenario = "healthy", .clock = R.clock};
	assert_null(ns_sim_start(&o, &err));
	assert_int_equal(err.code, NS_E_DENIED);
	o = (ns_sim_opts){.listen = "127.0.0.1:0", .scenario = "nosuch", .clock = R.clock};
	assert_null(ns_sim_start(&o, &err));
	assert_int_equal(err.code, NS_E_USAGE);
	o = (ns_sim_opts){.listen = "elsewhere", .scenario = "healthy", .clock = R.clock};
	assert_null(ns_sim_start(&o, &err));
	assert_int_equal(err.code, NS_E_INVALID);
}

static void test_table(void **state)
{
	reply r = call(R.port, "GET", "/api/v1/namespaces/shop/pods",
	    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\n", NULL);
	assert_string_equal(ns_json_str(r.j, "kind", ""), "Table");
	assert_int_equal(ns_json_len(ns_json_get(r.j, "rows")), 8);
	assert_non_null(strstr(r.body, "\"1/1\",\"Running\",\"0\""));
	reply_free(&r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_health_and_version), T(test_discovery), T(test_openapi_protobuf),
	    T(test_list_and_selectors), T(test_pages_are_one_snapshot), T(test_versions_asked_for), T(test_json_patch),
	    T(test_merge_and_strategic_patch), T(test_dry_run_leaves_no_trace), T(test_refusals), T(test_no_change_is_no_version),
	    T(test_scale), T(test_lease), T(test_rights), T(test_loopback_only), T(test_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
