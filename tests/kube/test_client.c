/* The client: what an answer of any kind becomes, what is retried, what is never sent. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/script_server.h"

#include <curl/curl.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/kube/client.h"
#include "../../src/kube/kube_priv.h"

typedef struct script {
	int status;
	const char *headers, *body;
	int fail_first; /* that many answers are 503 with Retry-After */
	atomic_int n;
	char last_head[4096], last_body[4096], last_target[1024];
} script;

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	script *x = s->ctx;
	snprintf(x->last_head, sizeof x->last_head, "%s", head);
	snprintf(x->last_body, sizeof x->last_body, "%s", body);
	snprintf(x->last_target, sizeof x->last_target, "%s", target);
	if (atomic_fetch_add(&x->n, 1) < x->fail_first)
		return script_answer(fd, 503, "Retry-After: 1\r\n", "busy");
	return script_answer(fd, x->status, x->headers ? x->headers : "", x->body ? x->body : "");
}

typedef struct bench { script_server s; script x; ns_kubeconfig *k; ns_kube_client *c; ns_kube_stats stats; } bench;

static void open_bench(bench *b, script x)
{
	ns_err err = {0};
	memset(b, 0, sizeof *b);
	b->x = x;
	script_start(&b->s, handle, &b->x);
	const char *file = kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d/prefix'}\n"
	                                  "users:\n- name: u\n  user: {token: secret-token}\n", b->s.port);
	b->k = ns_kubeconfig_load(file, NULL, &err);
	assert_non_null(b->k);
	b->c = ns_kube_client_new(b->k, &b->stats, NULL, &err);
	assert_non_null(b->c);
}

static void close_bench(bench *b)
{
	ns_kube_client_free(b->c);
	ns_kubeconfig_free(b->k);
	script_stop(&b->s);
}

static void test_get(void **state)
{
	bench b;
	ns_err err = {0};
	open_bench(&b, (script){.status = 200, .body = "{\"metadata\":{\"name\":\"web\"}}"});
	for (int i = 0; i < 3; i++) {
		cJSON *j = ns_kube_get(b.c, "/api/v1/namespaces/shop/pods/web", &err);
		assert_string_equal(ns_json_str(j, "metadata.name", ""), "web");
		cJSON_Delete(j);
	}
	assert_string_equal(b.x.last_target, "/prefix/api/v1/namespaces/shop/pods/web");
	assert_non_null(strstr(b.x.last_head, "Accept-Encoding: gzip"));
	assert_null(strstr(b.x.last_head, "secret-token")); /* never over plain http */
	assert_int_equal(atomic_load(&b.stats.requests), 3);
	assert_int_equal(atomic_load(&b.s.connections), 1); /* kept alive */
	close_bench(&b);
}

static void test_failures_have_a_code_and_words(void **state)
{
	static const struct { int status; const char *body; ns_code code; const char *words; } rows[] = {
	    {404, "{\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" not found\",\"reason\":\"NotFound\",\"code\":404}", NS_E_NOTFOUND, "GET /p: pods \"x\" not found (HTTP 404)"},
	    {404, "404 page not found\n", NS_E_NOTFOUND, "GET /p: HTTP 404: 404 page not found"},
	    {401, "{\"message\":\"Unauthorized\"}", NS_E_DENIED, "Unauthorized"},
	    {403, "{\"message\":\"pods is forbidden\"}", NS_E_DENIED, "pods is forbidden"},
	    {409, "{\"message\":\"modified\"}", NS_E_CONFLICT, "modified"},
	    {410, "{\"message\":\"expired\"}", NS_E_EXPIRED, "expired"},
	    {429, "Too many requests, please try again later.\n", NS_E_BUSY, "Too many requests"},
	    {500, "", NS_E_UNREACHABLE, "HTTP 500"},
	    {502, "<html><body>bad gateway</body></html>", NS_E_UNREACHABLE, "HTTP 502"},
	    {504, "{\"message\":\"etcd hangs\"}", NS_E_TIMEOUT, "etcd hangs"},
	    {302, "", NS_E_FAILED, "redirects elsewhere"},
	    {200, "not JSON", NS_E_INVALID, "the answer is not JSON"},
	    {403, "\x1b[31mred\x1b[0m", NS_E_DENIED, "^[[31mred"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bench b;
		ns_err err = {0};
		open_bench(&b, (script){.status = rows[i].status, .body = rows[i].body});
		cJSON *j = ns_kube_get(b.c, "/p", &err);
		if (j || err.code != rows[i].code || !strstr(err.text, rows[i].words))
			fail_msg("%d: %s \"%s\"", rows[i].status, ns_code_lookup(err.code)->name, err.text);
		close_bench(&b);
	}
}

static void test_busy_server_is_asked_again_when_it_says(void **state)
{
	bench b;
	ns_err err = {0};
	open_bench(&b, (script){.status = 200, .body = "{}", .fail_first = 1});
	int64_t before = ns_real_mono_ms();
	cJSON *j = ns_kube_get(b.c, "/p", &err);
	assert_non_null(j);
	assert_true(ns_real_mono_ms() - before >= 1000);
	assert_int_equal(atomic_load(&b.x.n), 2);
	cJSON_Delete(j);
	close_bench(&b);
}

static void test_raw_is_capped(void **state)
{
	bench b;
	ns_err err = {0};
	ns_buf out = NS_BUF_INIT;
	int status = 0;
	open_bench(&b, (script){.status = 200, .body = "0123456789"});
	assert_true(ns_kube_get_raw(b.c, "/log", 4, &out, &status, &err));
	assert_string_equal(ns_buf_str(&out), "0123");
	assert_int_equal(status, 200);
	ns_buf_clear(&out);
	b.x.status = 400;
	b.x.body = "{\"message\":\"container is waiting to start\"}";
	assert_false(ns_kube_get_raw(b.c, "/log", 4096, &out, &status, &err));
	assert_int_equal(status, 400);
	assert_non_null(strstr(err.text, "waiting to start"));
	ns_buf_free(&out);
	close_bench(&b);
}

static void test_nothing_else_is_ever_sent(void **state)
{
	static const struct { const char *method, *path; bool ok; } rows[] = {
	    {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", true},
	    {"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", true},
	    {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", true},
	    {"POST", "/apis/authentication.k8s.io/v1/tokenreviews", false},
	    {"POST", "/apis/coordination.k8s.io/v1/namespaces/ops/leases", true},
	    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/autopilot", true},
	    {"PATCH", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/autopilot", false},
	    {"DELETE", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/autopilot", false},
	    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/a/status", false},
	    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/../../../../v1/pods", false},
	    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/../leases/x", false},
	    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/%2e%2e", false},
	    {"POST", "/apis/coordination.k8s.io/v1/namespaces/ops/leases?dryRun=All", false},
	    {"PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", false},
	    {"PUT", "/apis/apps/v1/namespaces/shop/deployments/web/scale", false},
	    {"POST", "/api/v1/namespaces/shop/pods/web/eviction", false},
	    {"POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", false},
	    {"DELETE", "/api/v1/namespaces/shop/pods/web", false},
	};
	bench b;
	open_bench(&b, (script){.status = 201, .body = "{}"});
	cJSON *body = cJSON_CreateObject();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err err = {0};
		int before = atomic_load(&b.x.n);
		cJSON *j = kube_send(b.c, rows[i].method, rows[i].path, body, &err);
		if ((j != NULL) != rows[i].ok || (atomic_load(&b.x.n) > before) != rows[i].ok || (!j && err.code != NS_E_DENIED))
			fail_msg("%s %s", rows[i].method, rows[i].path);
		cJSON_Delete(j);
	}
	cJSON_Delete(body);
	close_bench(&b);
}

static void test_access_review(void **state)
{
	static const struct { const char *answer; bool allowed; } rows[] = {{"{\"status\":{\"allowed\":true}}", true}, {"{\"status\":{\"allowed\":false}}", false},
	    {"{\"status\":{}}", false}, {"{\"status\":{\"allowed\":true,\"denied\":true}}", false}, {"{\"status\":{\"allowed\":\"true\"}}", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bench b;
		bool allowed = !rows[i].allowed;
		open_bench(&b, (script){.status = 201, .body = rows[i].answer});
		assert_true(ns_kube_may(b.c, &(ns_access){.ns = "shop", .verb = "patch", .group = "apps", .resource = "deployments", .subresource = "scale"}, &allowed, NULL));
		assert_int_equal(allowed, rows[i].allowed);
		assert_non_null(strstr(b.x.last_body, "\"subresource\":\"scale\""));
		close_bench(&b);
	}
	bench b;
	bool allowed = true;
	ns_err err = {0};
	open_bench(&b, (script){.status = 500});
	assert_false(ns_kube_may(b.c, &(ns_access){.ns = "shop", .verb = "patch", .group = "apps", .resource = "deployments"}, &allowed, &err));
	assert_false(allowed);
	close_bench(&b);
}

static void test_other_reviews(void **state)
{
	bench b;
	ns_err err = {0};
	open_bench(&b, (script){.status = 201, .body = "{\"status\":{\"resourceRules\":[{\"verbs\":[\"get\"]}],\"incomplete\":true,\"userInfo\":{\"username\":\"kim\"}}}"});
	cJSON *rules = ns_kube_rules(b.c, "shop", &err), *who = ns_kube_whoami(b.c, &err);
	assert_int_equal(ns_json_len(ns_json_get(rules, "resourceRules")), 1);
	assert_true(ns_json_bool_or(rules, "incomplete", false));
	assert_string_equal(ns_json_str(who, "username", ""), "kim");
	cJSON_Delete(rules);
	cJSON_Delete(who);
	b.x.body = "{\"status\":{}}";
	assert_null(ns_kube_whoami(b.c, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	b.x.body = "{}";
	assert_null(ns_kube_rules(b.c, "shop", &err));
	close_bench(&b);
}

static void test_identity_changes_with_what_it_is_made_of(void **state)
{
	bench b;
	ns_err err = {0};
	open_bench(&b, (script){.status = 200, .body = "{\"metadata\":{\"uid\":\"u-1\"}}"});
	char *one = ns_kube_identity(b.c, b.k, &err), *same = ns_kube_identity(b.c, b.k, &err);
	assert_string_equal(one, same);
	b.x.body = "{\"metadata\":{\"uid\":\"u-2\"}}";
	char *two = ns_kube_identity(b.c, b.k, &err);
	assert_string_not_equal(one, two);
	b.x.body = "{}";
	assert_null(ns_kube_identity(b.c, b.k, &err));
	/* Who is not known at all has no identity to go on with. */
	b.x.status = 401;
	assert_null(ns_kube_identity(b.c, b.k, &err));
	assert_int_equal(err.code, NS_E_DENIED);
	free(one);
	free(same);
	free(two);
	close_bench(&b);
}

static bool few_rights(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	const char *readable = s->ctx;
	return readable && strstr(target, readable) ? script_answer(fd, 200, "", "{\"metadata\":{\"uid\":\"u-own\"}}") : script_answer(fd, 403, "", "{\"message\":\"no\"}");
}

static void test_identity_for_who_may_not_read_kube_system(void **state)
{
	static const struct { const char *readable, *ends; } rows[] = {{"/namespaces/kube-system", " kube-system=u-own"}, {"/namespaces/shop", " shop=u-own"}, {NULL, " namespaces=hidden"}};
	for (size_t i = 0; i < 3; i++) {
		script_server s;
		ns_err err = {0};
		char readable[32];
		snprintf(readable, sizeof readable, "%s", rows[i].readable ? rows[i].readable : "");
		script_start(&s, few_rights, rows[i].readable ? readable : NULL);
		ns_kubeconfig *k = ns_kubeconfig_load(kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, namespace: shop}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n", s.port), NULL, &err);
		ns_kube_client *c = ns_kube_client_new(k, NULL, NULL, &err);
		char *id = ns_kube_identity(c, k, &err);
		assert_non_null(id);
		assert_string_equal(id + strlen(id) - strlen(rows[i].ends), rows[i].ends);
		free(id);
		ns_kube_client_free(c);
		ns_kubeconfig_free(k);
		script_stop(&s);
	}
}

static bool never_answers(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	script_hold(s, fd);
	return false;
}

static void *fire_soon(void *cancel)
{
	usleep(50000);
	ns_cancel_fire(cancel);
	return NULL;
}

static void test_cancel_ends_a_request_at_once(void **state)
{
	script_server s;
	ns_err err = {0};
	char url[64];
	pthread_t t;
	script_start(&s, never_answers, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/allocation?window=1d", s.port);
	ns_cancel *cancel = ns_cancel_new();
	pthread_create(&t, NULL, fire_soon, cancel);
	int64_t before = ns_real_mono_ms();
	assert_null(ns_http_get_json(url, 30000, cancel, &err));
	assert_int_equal(err.code, NS_E_CANCELLED);
	assert_true(ns_real_mono_ms() - before < 5000);
	pthread_join(t, NULL);
	ns_err_clear(&err);
	assert_null(ns_http_get_json(url, 50, NULL, &err));
	assert_int_equal(err.code, NS_E_TIMEOUT);
	assert_null(strstr(err.text, "window")); /* the query is left out of the words */
	ns_cancel_free(cancel);
	script_stop(&s);
}

static void test_escape(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_url_escape(&b, "a/b c=\xc3\xa9&?#~");
	assert_string_equal(ns_buf_str(&b), "a%2Fb%20c%3D%C3%A9%26%3F%23~");
	ns_buf_free(&b);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get), cmocka_unit_test(test_failures_have_a_code_and_words), cmocka_unit_test(test_busy_server_is_asked_again_when_it_says),
	    cmocka_unit_test(test_raw_is_capped), cmocka_unit_test(test_nothing_else_is_ever_sent), cmocka_unit_test(test_access_review), cmocka_unit_test(test_other_reviews),
	    cmocka_unit_test(test_identity_changes_with_what_it_is_made_of), cmocka_unit_test(test_identity_for_who_may_not_read_kube_system), cmocka_unit_test(test_cancel_ends_a_request_at_once), cmocka_unit_test(test_escape),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
