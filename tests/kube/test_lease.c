/* The Lease against a server that keeps one record with its version, on a clock that is moved by hand. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/script_server.h"

#include <curl/curl.h>

#include "../../src/kube/kube_priv.h"

typedef struct record {
	pthread_mutex_t mu;
	cJSON *object; /* NULL: there is none */
	int version, refuse; /* HTTP status for every request, 0 none */
} record;

static void reply(int fd, int status, cJSON *j)
{
	char *text = ns_json_text(j);
	script_answer(fd, status, "", text);
	free(text);
}

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	record *r = s->ctx;
	cJSON *in = *body ? ns_json_parse(body, strlen(body), &ns_json_strict, NULL) : NULL;
	pthread_mutex_lock(&r->mu);
	const char *have = ns_json_str(r->object, "metadata.resourceVersion", "");
	if (r->refuse) {
		script_answer(fd, r->refuse, "", "{\"message\":\"leases is forbidden\"}");
	} else if (strcmp(method, "GET") == 0) {
		if (r->object)
			reply(fd, 200, r->object);
		else
			script_answer(fd, 404, "", "{\"message\":\"leases \\\"autopilot\\\" not found\"}");
	} else if ((strcmp(method, "POST") == 0) == (r->object != NULL) || (r->object && strcmp(have, ns_json_str(in, "metadata.resourceVersion", "?")) != 0)) {
		script_answer(fd, 409, "", "{\"message\":\"the object has been modified\"}");
	} else {
		char v[16];
		snprintf(v, sizeof v, "%d", ++r->version);
		cJSON *meta = cJSON_GetObjectItemCaseSensitive(in, "metadata");
		cJSON_DeleteItemFromObjectCaseSensitive(meta, "resourceVersion");
		ns_json_put_str(meta, "resourceVersion", v);
		cJSON_Delete(r->object);
		r->object = in;
		in = NULL;
		reply(fd, 200, r->object);
	}
	pthread_mutex_unlock(&r->mu);
	cJSON_Delete(in);
	return true;
}

typedef struct bench { script_server s; record r; ns_clock *clock; ns_kubeconfig *k; ns_kube_client *c; ns_lease *a, *b; } bench;

static void open_bench(bench *x)
{
	ns_err err = {0};
	memset(x, 0, sizeof *x);
	pthread_mutex_init(&x->r.mu, NULL);
	script_start(&x->s, handle, &x->r);
	const char *file = kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n", x->s.port);
	x->k = ns_kubeconfig_load(file, NULL, &err);
	x->c = ns_kube_client_new(x->k, NULL, NULL, &err);
	x->clock = ns_clock_manual(1800000000000, 5000000);
	x->a = ns_lease_new(x->k, "ops", "autopilot", "host-a_1", NULL);
	x->b = ns_lease_new(x->k, "ops", "autopilot", "host-b_2", NULL);
	kube_lease_clock(x->a, x->clock);
	kube_lease_clock(x->b, x->clock);
}

static void close_bench(bench *x)
{
	ns_lease_free(x->a);
	ns_lease_free(x->b);
	ns_kube_client_free(x->c);
	ns_kubeconfig_free(x->k);
	ns_clock_free(x->clock);
	script_stop(&x->s);
	cJSON_Delete(x->r.object);
	pthread_mutex_destroy(&x->r.mu);
}

static bool step(bench *x, ns_lease *l)
{
	ns_err err = {0};
	return kube_lease_round(l, x->c, &err);
}

static void test_one_holds_the_other_waits(void **state)
{
	bench x;
	char words[256];
	int64_t turns = -1;
	open_bench(&x);
	ns_lease_status(x.a, words, sizeof words);
	assert_string_equal(words, "not yet taken");
	assert_true(step(&x, x.a));
	assert_true(ns_lease_held(x.a, &turns));
	assert_int_equal(turns, 0);
	assert_true(step(&x, x.b));
	assert_false(ns_lease_held(x.b, NULL));
	ns_clock_advance(x.clock, 12000);
	ns_lease_status(x.b, words, sizeof words);
	assert_string_equal(words, "another engine has the cluster's Lease (host-a_1, seen for 12s): this one only looks until that one lets go");
	close_bench(&x);
}

static void test_a_renewal_too_old_is_no_hold(void **state)
{
	bench x;
	open_bench(&x);
	step(&x, x.a);
	for (int i = 0; i < 20; i++) {
		ns_clock_advance(x.clock, 2000);
		assert_true(step(&x, x.a));
		assert_true(ns_lease_held(x.a, NULL));
	}
	x.r.refuse = 500;
	ns_clock_advance(x.clock, 9999);
	assert_false(step(&x, x.a));
	assert_true(ns_lease_held(x.a, NULL));
	ns_clock_advance(x.clock, 1);
	assert_false(ns_lease_held(x.a, NULL)); /* 5 s before anybody else may take it */
	close_bench(&x);
}

static void test_take_over_counts_from_what_we_saw(void **state)
{
	bench x;
	int64_t turns;
	open_bench(&x);
	step(&x, x.a);
	step(&x, x.b);
	/* Its clock is years off: of no account. */
	ns_clock_advance(x.clock, 14000);
	step(&x, x.b);
	assert_false(ns_lease_held(x.b, NULL));
	step(&x, x.a);
	ns_clock_advance(x.clock, 14000);
	step(&x, x.b); /* sees the renewal: 15 s begin anew */
	assert_false(ns_lease_held(x.b, NULL));
	ns_clock_advance(x.clock, 15000);
	assert_true(step(&x, x.b));
	assert_true(ns_lease_held(x.b, &turns));
	assert_int_equal(turns, 1);
	assert_false(ns_lease_held(x.a, NULL));
	assert_true(step(&x, x.a)); /* it wakes up and sees that it lost */
	assert_false(ns_lease_held(x.a, NULL));
	close_bench(&x);
}

static void test_of_two_that_take_over_one_wins(void **state)
{
	bench x;
	ns_err err = {0};
	open_bench(&x);
	step(&x, x.a);
	step(&x, x.b);
	ns_clock_advance(x.clock, 16000);
	ns_lease *third = ns_lease_new(x.k, "ops", "autopilot", "host-c_3", NULL);
	kube_lease_clock(third, x.clock);
	assert_true(step(&x, x.b));
	assert_true(ns_lease_held(x.b, NULL));
	assert_true(kube_lease_round(third, x.c, &err));
	assert_false(ns_lease_held(third, NULL));
	/* The loser of a race by version is told as a conflict, not as trouble. */
	pthread_mutex_lock(&x.r.mu);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(x.r.object, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "resourceVersion");
	ns_json_put_str(meta, "resourceVersion", "99");
	pthread_mutex_unlock(&x.r.mu);
	assert_true(step(&x, x.b)); /* refused with the old version, reads again, renews */
	assert_true(ns_lease_held(x.b, NULL));
	ns_lease_free(third);
	close_bench(&x);
}

static void test_release_hands_over_at_once(void **state)
{
	bench x;
	open_bench(&x);
	step(&x, x.a);
	step(&x, x.b);
	kube_lease_release(x.a, x.c);
	assert_false(ns_lease_held(x.a, NULL));
	step(&x, x.b);
	assert_true(ns_lease_held(x.b, NULL));
	close_bench(&x);
}

static void test_no_right_is_said(void **state)
{
	bench x;
	char words[256];
	open_bench(&x);
	x.r.refuse = 403;
	assert_false(step(&x, x.a));
	ns_lease_status(x.a, words, sizeof words);
	assert_non_null(strstr(words, "no right to hold the Lease autopilot in ops"));
	x.r.refuse = 0;
	step(&x, x.a);
	ns_lease_status(x.a, words, sizeof words);
	assert_string_equal(words, "");
	close_bench(&x);
}

typedef struct service { ns_lease *lease; ns_cancel *cancel; } service;

static void *run_it(void *arg)
{
	service *s = arg;
	ns_lease_run(s->lease, s->cancel);
	return NULL;
}

static void test_service_takes_and_releases(void **state)
{
	bench x;
	pthread_t t;
	open_bench(&x);
	kube_lease_clock(x.a, ns_clock_real());
	ns_cancel *cancel = ns_cancel_new();
	service s = {x.a, cancel};
	pthread_create(&t, NULL, run_it, &s);
	for (int i = 0; i < 2000 && !ns_lease_held(x.a, NULL); i++)
		usleep(1000);
	assert_true(ns_lease_held(x.a, NULL));
	ns_cancel_fire(cancel);
	pthread_join(t, NULL);
	assert_false(ns_lease_held(x.a, NULL));
	assert_string_equal(ns_json_str(x.r.object, "spec.holderIdentity", "?"), "");
	ns_cancel_free(cancel);
	close_bench(&x);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_holds_the_other_waits), cmocka_unit_test(test_a_renewal_too_old_is_no_hold),
	    cmocka_unit_test(test_take_over_counts_from_what_we_saw), cmocka_unit_test(test_of_two_that_take_over_one_wins),
	    cmocka_unit_test(test_release_hands_over_at_once), cmocka_unit_test(test_no_right_is_said), cmocka_unit_test(test_service_takes_and_releases),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
