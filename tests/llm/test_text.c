/* What is read out of a text about an incident: releases and what is said of the older one, use and prices, trouble outside, plain words,
 * denial. */
#include "support/test.h"

#include "../../src/llm/text_priv.h"

static text_doc *doc(ns_arena *ar, const char *text)
{
	text_doc *d = ns_arena_alloc(ar, sizeof *d);
	ns_text_read(ar, text, strlen(text), d);
	return d;
}

/* SURE: the older release is said to have been well; SILENT: nothing speaks against it; NOTHING: no such release, or it was bad too. */
typedef enum verdict { NOTHING, SILENT, SURE } verdict;

static void test_the_older_release_is_found_by_the_grammar_of_its_name(void **state)
{
	static const struct {
		const char *text;
		verdict want;
	} rows[] = {
	    {"build 812 panics at once, build 807 was stable", SURE},
	    {"parser:2.4.0 -> parser:2.4.1 at noon. 2.4.0: zero restarts in 12 days", SURE},
	    {"New: chart r12. r11 served the whole winter", SURE},
	    {"rc3 was never published; the rollout from rc2 began at ten. rc2 pods: 2 of 2 ready", SURE},
	    {"image went from 88 to 89, feed:88 to feed:89; 88 continues to serve", SURE},
	    {"v3 exits with 1. No problem with v2", SURE},
	    {"release 3.3 answers 404; the 3.2 pods are fine", SURE},
	    {"the new pods crash, the previous ones are up and answering", SURE},
	    {"feed-7d9  Running 1/1 x3 (previous ReplicaSet)", SURE},
	    {"crashes since 18:02. Until 18:02 nothing of the kind, no incident", SURE},
	    {"rev 7 aborts at start. rev 6 belongs to the spring campaign of the mobile team", SILENT},
	    {"v9 crash loops, v8 crashes as well", NOTHING},
	    {"v9 crash loops; v8 was never ready", NOTHING},
	    {"revision 4 is stable", NOTHING},
	    {"limit 2.5 Gi, 0.3 CPU used, 10.0.4.17 answered fine", NOTHING},
	    {"REVISION  CHANGE-CAUSE\n14        feed:1.30\n15        feed:1.31\nPods of revision 14 are running and ready", SURE},
	    {"crash loop (revision 23 -> 24); revision 23 had 3 of 3 ready", SURE},
	    {"revision 7 exits with 1; revision 6: 2 desired, 2 ready", SURE},
	    {"both v2 and v3 fail", NOTHING},
	    {"rev 61 exits with 2, rev 60 would perhaps have been healthy", NOTHING},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_arena *ar = ns_arena_new();
		text_past p;
		ns_text_past(doc(ar, rows[i].text), &p);
		verdict got = !p.good ? NOTHING : p.sure ? SURE : SILENT;
		if (got != rows[i].want)
			print_error("%s: %d, wanted %d\n", rows[i].text, got, rows[i].want);
		assert_int_equal(got, rows[i].want);
		ns_arena_free(ar);
	}
}

static void test_old_pods_that_serve_are_seen_in_the_tables_of_kubectl(void **state)
{
	static const struct {
		const char *text;
		bool serving;
	} rows[] = {
	    {"NAME              DESIRED   CURRENT   READY   AGE\nfeed-5d7fb9c6     3         3         3       61d\n"
	     "feed-79c8d4b5     1         1         0       12m",
	        true},
	    {"feed-5d7fb9c6     3         3         0       61d\nfeed-79c8d4b5     1         1         0       12m", false},
	    {"Replicas:       3 desired | 1 updated | 4 total | 3 available | 1 unavailable\n"
	     "OldReplicaSets:  feed-5d9c7b6f8 (3/3 replicas created)\nNewReplicaSet:   feed-7f8d6c5b4 (1/1 replicas created)",
	        true},
	    {"Replicas:       3 desired | 3 updated | 3 total | 0 available | 3 unavailable\n"
	     "OldReplicaSets:  <none>\nNewReplicaSet:   feed-7f8d6c5b4 (3/3 replicas created)",
	        false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_arena *ar = ns_arena_new();
		text_past p;
		ns_text_past(doc(ar, rows[i].text), &p);
		assert_int_equal(p.serving != NULL, rows[i].serving);
		ns_arena_free(ar);
	}
}

static void test_numbers_tell_that_a_thing_is_idle(void **state)
{
	static const struct {
		const char *text;
		bool idle;
	} rows[] = {
	    {"GPUs at 0%, replicas 8", true},
	    {"CPU 8m each", true},
	    {"cpuEfficiency 0.01", true},
	    {"idle 97 %", true},
	    {"players: 0", true},
	    {"0 jobs waiting", true},
	    {"CPU at 74 %", false},
	    {"cost up 3 %", false},
	    {"efficiency 0.83", false},
	    {"errors: 0", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_arena *ar = ns_arena_new();
		bool idle = ns_text_idle(doc(ar, rows[i].text)) != NULL;
		if (idle != rows[i].idle)
			print_error("%s\n", rows[i].text);
		assert_int_equal(idle, rows[i].idle);
		ns_arena_free(ar);
	}
}

static void test_a_price_is_money_per_time_or_more_money(void **state)
{
	static const char *const prices[] = {
	    "burns $48/h", "540 EUR/month more", "17 USD per day", "$310 an hour", "+$6k since May", "storage +1,900 EUR"};
	static const char *const others[] = {"field $1 of the row", "restarts 5 per hour", "EUR-USD feed is late", "the $5 coupon fails"};
	ns_arena *ar = ns_arena_new();
	for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++)
		assert_true(ns_text_price(&doc(ar, prices[i])->unit[0]));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(ns_text_price(&doc(ar, others[i])->unit[0]));
	ns_arena_free(ar);
}

static void test_trouble_outside_is_a_thing_and_what_happened_to_it(void **state)
{
	static const char *const outside[] = {"the secret was emptied at noon", "Kafka is unreachable",
	    "certificates of the internal CA ran out", "DNS was moved to another zone", "the quota has been cut",
	    "Elasticsearch, whose state is red"};
	static const char *const inside[] = {"database fine, secrets unchanged, no migration in this release",
	    "not the database, the entrypoint is wrong", "image registry.example.com/app is empty of tags", "the command was renamed",
	    "the volume is not full"};
	ns_arena *ar = ns_arena_new();
	for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
		assert_non_null(ns_text_outside(doc(ar, outside[i])));
	for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
		assert_null(ns_text_outside(doc(ar, inside[i])));
	ns_arena_free(ar);
}

static void test_words_that_are_not_plain_are_counted(void **state)
{
	ns_arena *ar = ns_arena_new();
	assert_int_equal(ns_text_unexplained(doc(ar,
	                     "Container sync-a in pod etl/sync-6bb9d4c4f7-2xq9w has been OOMKilled 3 times in the last hour, limit 128Mi")),
	    0);
	assert_true(ns_text_unexplained(doc(ar, "every websocket opens another buffer that the broker mirrors twice")) > 3);
	assert_int_equal(ns_text_unexplained(doc(ar, "feed-a  0/1  OOMKilled  galaxy   unheard   4m")), 0); /* a row of a table */
	ns_arena_free(ar);
}

static void test_denial_reaches_over_two_words_and_ends_with_its_own(void **state)
{
	static const struct {
		const char *flat, *word;
		bool denied;
	} rows[] = {
	    {" no oomkilled container ", "oomkilled", true},
	    {" it was not yet evicted ", "evicted", true},
	    {" no sign of any panic ", "panic", true},
	    {" secret not found createcontainerconfigerror ", "createcontainerconfigerror", false},
	    {" not ready readiness fails ", "readiness", false},
	    {" the pod was evicted ", "evicted", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(ns_flat_denied(rows[i].flat, strstr(rows[i].flat, rows[i].word)), rows[i].denied);
}

static void test_a_line_has_the_place_where_such_words_stand(void **state)
{
	static const struct {
		const char *text;
		text_place place;
	} rows[] = {
	    {"14:31 deploy of commit 9fe21ab", TEXT_PROSE},
	    {"14:31:07 ERROR cannot open socket", TEXT_LOG},
	    {"{\"level\":\"error\",\"msg\":\"no such host\"}", TEXT_LOG},
	    {"{\"alertname\":\"KubePodCrashLooping\",\"namespace\":\"ads\"}", TEXT_PROSE},
	    {"  Warning  BackOff  kubelet  Back-off restarting failed container", TEXT_EVENT},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_arena *ar = ns_arena_new();
		assert_int_equal(doc(ar, rows[i].text)->unit[0].place, rows[i].place);
		ns_arena_free(ar);
	}
}

static void test_a_mistyped_registry_is_told_from_one_that_is_away(void **state)
{
	static const struct {
		const char *text;
		bool mistyped;
	} rows[] = {
	    {"Failed to pull image \"qauy.example/ops/scan:4\": lookup qauy.example: no such host\nrevision 2 used quay.example/ops/scan:3", true},
	    {"Failed to pull image \"hub.corp.example/scan:4\": lookup hub.corp.example: no such host\nother images pull fine", true},
	    {"pull access denied for acme/scanenr, repository does not exist\nthe revision before ran acme/scanner", true},
	    {"Failed to pull image \"hub.corp.example/scan:4\": lookup hub.corp.example: no such host", false},
	    {"Failed to pull image \"hub.corp.example/scan:4\": i/o timeout\nhub.corp.exampel was a slip in the ticket", false},
	    {"pull access denied for acme/shop-api1, repository does not exist\nacme/shop-api2 is pulled by others", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_arena *ar = ns_arena_new();
		if ((ns_text_mistyped_host(doc(ar, rows[i].text)) != NULL) != rows[i].mistyped)
			print_error("%s\n", rows[i].text);
		assert_int_equal(ns_text_mistyped_host(doc(ar, rows[i].text)) != NULL, rows[i].mistyped);
		ns_arena_free(ar);
	}
}

static void test_what_is_told_below_a_log_is_prose_and_what_stands_within_is_not(void **state)
{
	ns_arena *ar = ns_arena_new();
	text_doc *d = doc(ar, "$ kubectl logs web-1\npanic: no route table\nprevious revision 4 is healthy, no complaints");
	assert_int_equal(d->unit[d->n - 1].place, TEXT_PROSE);
	d = doc(ar, "$ kubectl logs web-1\nprevious revision 4 is healthy, no complaints\npanic: no route table");
	assert_int_equal(d->unit[1].place, TEXT_LOG);
	ns_arena_free(ar);
}

static void test_amounts_that_only_rise_are_counted(void **state)
{
	assert_int_equal(ns_text_rising("after 5 min 100Mi, after 20 min 300Mi, after 60 min 800Mi"), 3);
	assert_int_equal(ns_text_rising("512Mi -> 1Gi -> 2Gi"), 3);
	assert_true(ns_text_rising("100Mi, 80Mi, 120Mi") < 3);
	assert_true(ns_text_rising("requests 64Mi, limits 128Mi, peak 140Mi") < 3);
}

static void test_a_sentence_about_cost_of_which_little_is_understood_is_seen(void **state)
{
	ns_arena *ar = ns_arena_new();
	assert_int_equal(ns_text_strange(doc(ar, "staging cost doubled; somebody scaled it to 30 replicas by hand, CPU 1%")), 0);
	assert_true(ns_text_strange(doc(ar, "staging cost doubled; it mirrors satellite telemetry towards antenna crews")) > 3);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_older_release_is_found_by_the_grammar_of_its_name),
	    cmocka_unit_test(test_old_pods_that_serve_are_seen_in_the_tables_of_kubectl),
	    cmocka_unit_test(test_numbers_tell_that_a_thing_is_idle),
	    cmocka_unit_test(test_a_price_is_money_per_time_or_more_money),
	    cmocka_unit_test(test_trouble_outside_is_a_thing_and_what_happened_to_it),
	    cmocka_unit_test(test_words_that_are_not_plain_are_counted),
	    cmocka_unit_test(test_denial_reaches_over_two_words_and_ends_with_its_own),
	    cmocka_unit_test(test_a_line_has_the_place_where_such_words_stand),
	    cmocka_unit_test(test_a_mistyped_registry_is_told_from_one_that_is_away),
	    cmocka_unit_test(test_what_is_told_below_a_log_is_prose_and_what_stands_within_is_not),
	    cmocka_unit_test(test_amounts_that_only_rise_are_counted),
	    cmocka_unit_test(test_a_sentence_about_cost_of_which_little_is_understood_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
