/* Law 9 as timelines: each test is a workload's health over time and the verdict that must come out of it. */
#include "neuroscale/agents/verifier.h"
#include "support/test.h"

#define T0 1000000000000LL
#define S 1000LL
#define MIN (60 * S)

typedef struct timeline {
	ns_verify_state v;
	ns_health h;
	int64_t now;
	ns_verdict verdict;
	char why[256];
} timeline;

/* A change was sent at T0 and raised the generation from 4 to 5. */
static timeline begin(void)
{
	timeline t = {.now = T0};
	t.h = (ns_health){.live = true, .found = true, .generation = 4, .observed_generation = 4, .replicas = 3, .updated = 3, .ready = 0};
	t.h.last_failure_ms = T0 - 5 * S;
	snprintf(t.h.reason, sizeof t.h.reason, "OOMKilled");
	ns_verify_begin(&t.v, T0, 5);
	return t;
}

static void sick(timeline *t)
{
	t->h.healthy = false;
	t->h.healthy_since_ms = 0;
	t->h.ready = 0;
}

static void heal(timeline *t)
{
	t->h.healthy = true;
	t->h.healthy_since_ms = t->now;
	t->h.generation = t->h.observed_generation = 5;
	t->h.ready = t->h.updated = t->h.replicas;
	t->h.reason[0] = '\0';
}

static void fails_now(timeline *t, const char *reason)
{
	sick(t);
	t->h.last_failure_ms = t->now;
	snprintf(t->h.reason, sizeof t->h.reason, "%s", reason);
}

static ns_verdict step(timeline *t, int64_t ms)
{
	t->now += ms;
	t->verdict = ns_verify_step(&t->v, &t->h, t->now, t->why, sizeof t->why);
	return t->verdict;
}

/* Looks every second until a verdict, at most `ms`; returns when it came (relative), -1 when it did not. */
static int64_t watch(timeline *t, int64_t ms)
{
	int64_t start = t->now;
	while (t->now - start < ms)
		if (step(t, S) != NS_VERDICT_NONE)
			return t->now - start;
	return -1;
}

static void fixed_after_120_s_of_health_and_not_before(void **state)
{
	timeline t = begin();
	assert_int_equal(watch(&t, 20 * S), -1);
	heal(&t);
	assert_int_equal(watch(&t, 119 * S), -1);
	assert_string_equal(t.why, "healthy for 119 s of 120 s");
	assert_int_equal(step(&t, S), NS_VERDICT_FIXED);
}

static void twice_the_longest_time_to_failure_is_needed(void **state)
{
	timeline t = begin();
	t.h.worst_ttf_ms = 200 * S;
	heal(&t);
	assert_int_equal(watch(&t, 399 * S), -1);
	assert_int_equal(step(&t, S), NS_VERDICT_FIXED);
	/* the need is remembered when the detector forgets */
	t = begin();
	t.h.worst_ttf_ms = 200 * S;
	step(&t, S);
	t.h.worst_ttf_ms = 0;
	heal(&t);
	assert_int_equal(watch(&t, 400 * S), 400 * S);
	assert_int_equal(t.verdict, NS_VERDICT_FIXED);
}

static void health_of_the_old_generation_counts_for_nothing(void **state)
{
	timeline t = begin();
	heal(&t);
	t.h.observed_generation = 4;
	assert_int_equal(watch(&t, 5 * MIN), -1);
	assert_int_equal(t.v.good_ms, 0);
	assert_non_null(strstr(t.why, "generation 4 of 5"));
}

static void a_failure_after_recovery_is_not_fixed_at_once(void **state)
{
	timeline t = begin();
	watch(&t, 10 * S);
	heal(&t);
	assert_int_equal(watch(&t, 100 * S), -1);
	t.now += S;
	fails_now(&t, "OOMKilled");
	assert_int_equal(step(&t, 0), NS_VERDICT_NOT_FIXED);
	assert_int_equal(t.v.failures, 1);
	assert_string_equal(t.why, "it failed again after the change took effect: OOMKilled");
}

static void a_failure_seen_only_by_its_time_is_seen(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 60 * S);
	t.h.last_failure_ms = t.now + 500; /* it failed and came back between two looks */
	assert_int_equal(step(&t, S), NS_VERDICT_NOT_FIXED);
}

static void old_pods_that_go_on_failing_during_the_rollout_do_not_count(void **state)
{
	timeline t = begin();
	t.h.observed_generation = t.h.generation = 5;
	t.h.updated = 1;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(watch(&t, 20 * S), -1);
		fails_now(&t, "CrashLoopBackOff");
	}
	heal(&t);
	watch(&t, 10 * S);
	t.h.last_failure_ms = t.now; /* one more on its way out */
	assert_int_equal(step(&t, S), NS_VERDICT_NONE);
	assert_true(t.v.good_ms <= 2 * S); /* but the count starts anew */
	heal(&t);
	assert_int_equal(watch(&t, 120 * S), 120 * S);
	assert_int_equal(t.verdict, NS_VERDICT_FIXED);
}

static void a_fix_that_never_becomes_healthy_fails_when_all_pods_are_new(void **state)
{
	timeline t = begin();
	t.h.observed_generation = t.h.generation = 5;
	int64_t came = -1;
	for (int i = 0; i < 20 && came < 0; i++) {
		came = watch(&t, 20 * S);
		if (came < 0)
			fails_now(&t, "CrashLoopBackOff");
	}
	assert_int_equal(t.verdict, NS_VERDICT_NOT_FIXED);
	assert_true(t.now - T0 <= 130 * S);
}

static void no_recovery_within_ten_minutes_of_watching_is_not_fixed(void **state)
{
	timeline t = begin();
	t.h.updated = 1;
	assert_int_equal(watch(&t, 30 * MIN), 10 * MIN);
	assert_int_equal(t.verdict, NS_VERDICT_NOT_FIXED);
	assert_non_null(strstr(t.why, "10 min"));
}

static void a_gap_in_the_watch_starts_the_count_anew(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 119 * S);
	t.h.live = false;
	assert_int_equal(step(&t, S), NS_VERDICT_NONE);
	assert_int_equal(t.v.good_ms, 0);
	t.h.live = true;
	t.h.healthy_since_ms = t.now;
	assert_int_equal(watch(&t, 119 * S), -1);
	assert_int_equal(step(&t, S), NS_VERDICT_FIXED);
}

static void a_gap_between_two_looks_is_found_by_when_health_began(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 100 * S);
	t.h.healthy_since_ms = t.now + 10 * S; /* the watch was down for a moment */
	assert_int_equal(step(&t, 30 * S), NS_VERDICT_NONE);
	assert_int_equal(t.v.good_ms, 20 * S);
}

static void blind_for_thirty_minutes_is_unknown_never_success(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 60 * S);
	t.h.live = false;
	assert_int_equal(watch(&t, 60 * MIN), 29 * MIN);
	assert_int_equal(t.verdict, NS_VERDICT_UNKNOWN);
}

static void a_target_that_is_gone_is_unknown_but_only_to_a_live_watch(void **state)
{
	timeline t = begin();
	t.h.found = false;
	t.h.live = false;
	assert_int_equal(step(&t, S), NS_VERDICT_NONE);
	t.h.live = true;
	assert_int_equal(step(&t, S), NS_VERDICT_UNKNOWN);
}

static void an_hour_between_two_looks_is_not_an_hour_of_health(void **state)
{
	timeline t = begin();
	heal(&t);
	step(&t, S);
	assert_int_equal(step(&t, 60 * MIN), NS_VERDICT_NONE); /* forward jump, suspend, a dead engine */
	assert_true(t.v.good_ms <= 61 * S);
	assert_int_equal(watch(&t, 61 * S), 59 * S);
	assert_int_equal(t.verdict, NS_VERDICT_FIXED);
}

static void a_clock_that_steps_back_neither_hangs_nor_hurries_it(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 60 * S);
	t.now -= 60 * MIN;
	assert_int_equal(watch(&t, 59 * S), -1);
	assert_int_equal(watch(&t, 5 * S), 2 * S); /* the look of the jump itself counts nothing */
	assert_int_equal(t.verdict, NS_VERDICT_FIXED);
	/* failures of before the jump lie in the future now: they are not new */
	t = begin();
	t.h.last_failure_ms = T0 + 60 * MIN;
	heal(&t);
	assert_int_equal(watch(&t, 120 * S), 120 * S);
	assert_int_equal(t.verdict, NS_VERDICT_FIXED);
}

static void absurd_numbers_do_not_overflow(void **state)
{
	timeline t = begin();
	t.h.worst_ttf_ms = INT64_MAX;
	heal(&t);
	assert_int_equal(watch(&t, 10 * MIN), -1);
	t.h.live = false;
	assert_int_equal(step(&t, S), NS_VERDICT_NONE);
}

static void the_state_survives_its_json(void **state)
{
	timeline t = begin();
	heal(&t);
	watch(&t, 77 * S);
	cJSON *j = ns_verify_to_json(&t.v);
	ns_verify_state back;
	ns_err err;
	assert_true(ns_verify_from_json(&back, j, &err));
	assert_memory_equal(&back, &t.v, sizeof back);
	cJSON_Delete(j);
	t.v = back;
	assert_int_equal(watch(&t, 60 * S), 43 * S);

	j = cJSON_CreateObject();
	assert_false(ns_verify_from_json(&back, j, &err));
	cJSON_Delete(j);
	j = ns_verify_to_json(&t.v);
	cJSON_ReplaceItemInObject(j, "need_ms", cJSON_CreateNumber(1000)); /* nobody shortens the window through the store */
	assert_false(ns_verify_from_json(&back, j, &err));
	cJSON_Delete(j);
}

/* For a replay: the verdict that was recorded against the counters that stand beside it. */
static void a_verdict_is_borne_by_its_counters(void **state)
{
	static const struct { int64_t good, live, failures; bool harm; ns_verdict v; bool bears; } rows[] = {
	    {120000, 120000, 0, false, NS_VERDICT_FIXED, true},         {119999, 130000, 0, false, NS_VERDICT_FIXED, false},
	    {0, 5000, 1, false, NS_VERDICT_NOT_FIXED, true},            {0, 5000, 0, true, NS_VERDICT_NOT_FIXED, true},
	    {0, 5000, 0, false, NS_VERDICT_NOT_FIXED, false},           {0, 600000, 0, false, NS_VERDICT_NOT_FIXED, true},
	    {120000, 600000, 0, false, NS_VERDICT_NOT_FIXED, false},    {0, 5000, 0, false, NS_VERDICT_UNKNOWN, true},
	    {120000, 120000, 0, false, NS_VERDICT_UNKNOWN, false},      {120000, 120000, 0, false, NS_VERDICT_NONE, false}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ns_verify_state v;
		ns_verify_begin(&v, 1000, 1);
		v.good_ms = rows[i].good;
		v.live_ms = rows[i].live;
		v.failures = rows[i].failures;
		const char *no = ns_verify_bears(&v, rows[i].v, rows[i].harm);
		if (!no != rows[i].bears)
			fail_msg("row %zu: %s", i, no ? no : "it bears it");
		v.need_ms = 1000; /* no shorter window makes it FIXED */
		assert_true(rows[i].v != NS_VERDICT_FIXED || ns_verify_bears(&v, NS_VERDICT_FIXED, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_verdict_is_borne_by_its_counters),
	    cmocka_unit_test(fixed_after_120_s_of_health_and_not_before),
	    cmocka_unit_test(twice_the_longest_time_to_failure_is_needed),
	    cmocka_unit_test(health_of_the_old_generation_counts_for_nothing),
	    cmocka_unit_test(a_failure_after_recovery_is_not_fixed_at_once),
	    cmocka_unit_test(a_failure_seen_only_by_its_time_is_seen),
	    cmocka_unit_test(old_pods_that_go_on_failing_during_the_rollout_do_not_count),
	    cmocka_unit_test(a_fix_that_never_becomes_healthy_fails_when_all_pods_are_new),
	    cmocka_unit_test(no_recovery_within_ten_minutes_of_watching_is_not_fixed),
	    cmocka_unit_test(a_gap_in_the_watch_starts_the_count_anew),
	    cmocka_unit_test(a_gap_between_two_looks_is_found_by_when_health_began),
	    cmocka_unit_test(blind_for_thirty_minutes_is_unknown_never_success),
	    cmocka_unit_test(a_target_that_is_gone_is_unknown_but_only_to_a_live_watch),
	    cmocka_unit_test(an_hour_between_two_looks_is_not_an_hour_of_health),
	    cmocka_unit_test(a_clock_that_steps_back_neither_hangs_nor_hurries_it),
	    cmocka_unit_test(absurd_numbers_do_not_overflow),
	    cmocka_unit_test(the_state_survives_its_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
