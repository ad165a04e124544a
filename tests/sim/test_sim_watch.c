/* Watches: order, selectors, bookmarks, time-outs, 410 in both forms, drops, outages, and how fast a change is on the wire. */
#include "client.h"

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

static void list_version(const char *path, char out[32])
{
	snprintf(out, 32, "%s", look(R.port, path, "metadata.resourceVersion"));
}

static stream watch_from(const char *path, const char *rv, const char *more)
{
	char url[512];
	snprintf(url, sizeof url, "%s?watch=1&resourceVersion=%s&allowWatchBookmarks=true%s", path, rv, more);
	stream s = request(R.port, "GET", url, NULL, NULL);
	return s;
}

static void patch(const char *name, const char *body)
{
	char path[200];
	snprintf(path, sizeof path, "/apis/apps/v1/namespaces/shop/deployments/%s", name);
	reply r = call(R.port, "PATCH", path, MERGE, body);
	assert_int_equal(r.code, 200);
	reply_free(&r);
}

/* The next event's type and, at `path`, its object's value. */
static void expect(stream *s, const char *type, const char *path, const char *value)
{
	cJSON *e = stream_json(s, 5000);
	assert_non_null(e);
	assert_string_equal(ns_json_str(e, "type", ""), type);
	assert_string_equal(ns_json_str(ns_json_get(e, "object"), path, ""), value);
	cJSON_Delete(e);
}

static void test_changes_in_order(void **state)
{
	char rv[32];
	list_version("/apis/apps/v1/deployments", rv);
	stream s = watch_from("/apis/apps/v1/deployments", rv, "");
	assert_non_null(strstr(s.head, "200"));
	assert_non_null(strstr(s.head, "Transfer-Encoding: chunked"));
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}");
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"2\"}}}");
	expect(&s, "MODIFIED", "metadata.annotations.n", "1");
	expect(&s, "MODIFIED", "metadata.annotations.n", "2");
	assert_null(stream_line(&s, 50));
	stream_free(&s);
	/* the same again from the old version: nothing is lost between list and watch */
	s = watch_from("/apis/apps/v1/namespaces/shop/deployments", rv, "");
	expect(&s, "MODIFIED", "metadata.annotations.n", "1");
	expect(&s, "MODIFIED", "metadata.annotations.n", "2");
	stream_free(&s);
	s = watch_from("/apis/apps/v1/namespaces/web/deployments", rv, "");
	assert_null(stream_line(&s, 50));
	stream_free(&s);
}

static void test_selectors_make_added_and_deleted(void **state)
{
	char rv[32];
	list_version("/apis/apps/v1/deployments", rv);
	stream s = watch_from("/apis/apps/v1/deployments", rv, "&labelSelector=tier%3Dback");
	patch("cart", "{\"metadata\":{\"labels\":{\"tier\":\"back\"}}}");
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}");
	patch("cart", "{\"metadata\":{\"labels\":{\"tier\":null}}}");
	patch("catalog", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}");
	expect(&s, "ADDED", "metadata.name", "cart");
	expect(&s, "MODIFIED", "metadata.name", "cart");
	expect(&s, "DELETED", "metadata.name", "cart");
	assert_null(stream_line(&s, 50));
	stream_free(&s);
}

static void test_without_version_everything_is_added(void **state)
{
	stream s = request(R.port, "GET", "/api/v1/nodes?watch=true", NULL, NULL);
	expect(&s, "ADDED", "metadata.name", "node-a");
	expect(&s, "ADDED", "metadata.name", "node-b");
	expect(&s, "ADDED", "metadata.name", "node-c");
	stream_free(&s);
	s = request(R.port, "GET",
	    "/api/v1/nodes?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", NULL, NULL);
	for (int i = 0; i < 3; i++)
		cJSON_Delete(stream_json(&s, 5000));
	cJSON *e = stream_json(&s, 5000);
	assert_string_equal(ns_json_str(e, "type", ""), "BOOKMARK");
	assert_true(cJSON_IsString(ns_json_get(ns_json_path(e, "object.metadata.annotations"), "k8s.io/initial-events-end")));
	cJSON_Delete(e);
	stream_free(&s);
}

static void test_bookmark_and_timeout(void **state)
{
	char rv[32];
	list_version("/api/v1/nodes", rv);
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}"); /* another kind: only the bookmark tells of it */
	stream s = watch_from("/api/v1/nodes", rv, "&timeoutSeconds=1");
	cJSON *e = stream_json(&s, 5000);
	assert_non_null(e);
	assert_string_equal(ns_json_str(e, "type", ""), "BOOKMARK");
	assert_string_equal(ns_json_str(e, "object.kind", ""), "Node");
	assert_true(atol(ns_json_str(e, "object.metadata.resourceVersion", "0")) > atol(rv));
	cJSON_Delete(e);
	assert_null(stream_line(&s, 5000));
	assert_true(s.clean); /* a time-out is an orderly end */
	stream_free(&s);
}

static void test_gone_in_both_forms(void **state)
{
	char rv[32];
	list_version("/api/v1/pods", rv);
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}");
	ns_sim_compact(R.sim);
	char path[200];
	snprintf(path, sizeof path, "/api/v1/pods?watch=1&resourceVersion=%s", rv);
	bool http = false, event = false;
	for (int i = 0; i < 2; i++) {
		stream s = request(R.port, "GET", path, NULL, NULL);
		if (!strncmp(s.head + 9, "410", 3)) {
			http = true;
		} else {
			cJSON *e = stream_json(&s, 5000);
			assert_string_equal(ns_json_str(e, "type", ""), "ERROR");
			assert_int_equal(ns_json_int_or(e, "object.code", 0), 410);
			assert_string_equal(ns_json_str(e, "object.reason", ""), "Expired");
			cJSON_Delete(e);
			assert_null(stream_line(&s, 5000));
			assert_true(s.clean);
			event = true;
		}
		stream_free(&s);
	}
	assert_true(http && event);
}

/* A reader that does not read falls out of the ring, and is told so when it does: memory stays bounded. */
static void test_the_ring_is_bounded(void **state)
{
	char rv[32], body[100];
	list_version("/api/v1/nodes", rv);
	for (int i = 0; i < 1400; i++) { /* more than the ring's bytes */
		snprintf(body, sizeof body, "{\"metadata\":{\"annotations\":{\"n\":\"%d\"}}}", i);
		patch("cart", body);
	}
	char path[200];
	snprintf(path, sizeof path, "/api/v1/nodes?watch=1&resourceVersion=%s", rv);
	stream s = request(R.port, "GET", path, NULL, NULL);
	assert_int_equal(atoi(s.head + 9), 410);
	stream_free(&s);
}

static void test_drop(void **state)
{
	char rv[32];
	list_version("/api/v1/pods", rv);
	stream a = watch_from("/api/v1/pods", rv, ""), b = watch_from("/api/v1/nodes", rv, "");
	ns_sim_drop_watches(R.sim);
	assert_null(stream_line(&a, 5000));
	assert_null(stream_line(&b, 5000));
	assert_true(a.closed && !a.clean);
	assert_true(b.closed && !b.clean);
	stream_free(&a);
	stream_free(&b);
}

static void test_outage_is_real(void **state)
{
	char rv[32];
	list_version("/api/v1/pods", rv);
	stream s = watch_from("/api/v1/pods", rv, "");
	ns_sim_outage(R.sim, true);
	assert_null(stream_line(&s, 5000));
	assert_true(s.closed && !s.clean);
	stream_free(&s);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dial(R.port), -1); /* refused */
	ns_sim_outage(R.sim, true);                 /* again: nothing happens */
	ns_sim_outage(R.sim, false);
	assert_string_equal(look(R.port, "/version", "minor"), "32"); /* the same port */
	s = watch_from("/api/v1/pods", rv, "");
	patch("cart", "{\"spec\":{\"replicas\":4}}");
	expect(&s, "ADDED", "metadata.labels.app", "cart"); /* and nothing was forgotten */
	stream_free(&s);
}

static void test_many_watches(void **state)
{
	enum { N = 120 };
	static stream s[N];
	char rv[32];
	list_version("/apis/apps/v1/deployments", rv);
	for (int i = 0; i < N; i++)
		s[i] = watch_from("/apis/apps/v1/deployments", rv, i % 2 ? "" : "&fieldSelector=metadata.name%3Dcart");
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"1\"}}}");
	for (int i = 0; i < N; i++)
		expect(&s[i], "MODIFIED", "metadata.annotations.n", "1");
	for (int i = 0; i < N; i += 2)
		stream_free(&s[i]);
	patch("cart", "{\"metadata\":{\"annotations\":{\"n\":\"2\"}}}");
	for (int i = 1; i < N; i += 2) {
		expect(&s[i], "MODIFIED", "metadata.annotations.n", "2");
		stream_free(&s[i]);
	}
}

static void test_put_by_a_test(void **state)
{
	char rv[32];
	ns_err err = {0};
	list_version("/api/v1/pods", rv);
	stream s = watch_from("/api/v1/pods", rv, "");
	assert_true(ns_sim_put(R.sim, "v1/pods",
	    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"hand-made\",\"namespace\":\"shop\"}}", &err));
	expect(&s, "ADDED", "metadata.name", "hand-made");
	assert_false(ns_sim_put(R.sim, "v1/gadgets", "{}", &err));
	assert_false(ns_sim_put(R.sim, "v1/pods", "{\"metadata\":{}}", &err));
	stream_free(&s);
}

static void test_events_through_both_apis(void **state)
{
	patch("cart", "{\"spec\":{\"replicas\":4}}");
	reply a = call(R.port, "GET", "/api/v1/namespaces/shop/events?fieldSelector=reason%3DScalingReplicaSet", NULL, NULL);
	reply b = call(R.port, "GET", "/apis/events.k8s.io/v1/namespaces/shop/events?fieldSelector=reason%3DScalingReplicaSet", NULL, NULL);
	const cJSON *x = ns_json_get(a.j, "items")->child, *y = ns_json_get(b.j, "items")->child;
	assert_string_equal(ns_json_str(x, "involvedObject.name", ""), "cart");
	assert_string_equal(ns_json_str(y, "regarding.name", ""), "cart");
	assert_string_equal(ns_json_str(x, "message", "-"), ns_json_str(y, "note", "+"));
	reply_free(&a);
	reply_free(&b);
}

/* From the change to its bytes being read. The bound is generous, for a busy machine: the usual figure is well under a millisecond. */
static void test_latency(void **state)
{
	enum { N = 200 };
	char rv[32], text[100];
	int slow = 0;
	list_version("/apis/apps/v1/deployments", rv);
	stream s = watch_from("/apis/apps/v1/deployments", rv, "");
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof text, "{\"metadata\":{\"annotations\":{\"n\":\"%d\"}}}", i);
		struct timespec a, b;
		clock_gettime(CLOCK_MONOTONIC, &a);
		patch("cart", text);
		cJSON *e = stream_json(&s, 5000);
		clock_gettime(CLOCK_MONOTONIC, &b);
		assert_non_null(e);
		cJSON_Delete(e);
		slow += (b.tv_sec - a.tv_sec) * 1000.0 + (double)(b.tv_nsec - a.tv_nsec) / 1e6 > 50;
	}
	assert_true(slow < N / 20);
	stream_free(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_changes_in_order), T(test_selectors_make_added_and_deleted),
	    T(test_without_version_everything_is_added), T(test_bookmark_and_timeout), T(test_gone_in_both_forms),
	    T(test_the_ring_is_bounded), T(test_drop), T(test_outage_is_real), T(test_many_watches), T(test_put_by_a_test),
	    T(test_events_through_both_apis), T(test_latency)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
