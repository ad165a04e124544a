/* Law 10, step by step. */
#include "neuroscale/engine/gate.h"
#include "support/test.h"

#define T0 1000000000000
#define OPEN_S NS_BREAKER_OPEN_MS

static ns_breaker opened(int64_t at)
{
	ns_breaker b = {0};
	for (int i = 1; i <= NS_BREAKER_FAILURES; i++)
		assert_int_equal(ns_breaker_result(&b, false, at, i), i == NS_BREAKER_FAILURES);
	return b;
}

static void three_failures_in_a_row_open_it(void **state)
{
	ns_breaker b = {0};
	assert_int_equal(ns_breaker_look(&b, T0, 1), NS_BREAKER_CLOSED);
	assert_false(ns_breaker_result(&b, false, T0, 1));
	assert_false(ns_breaker_result(&b, false, T0 + 1, 2));
	assert_int_equal(ns_breaker_look(&b, T0 + 2, 3), NS_BREAKER_CLOSED);
	assert_true(ns_breaker_result(&b, false, T0 + 2, 3));
	assert_int_equal(ns_breaker_look(&b, T0 + 2, 3), NS_BREAKER_OPEN);
	assert_int_equal(b.opened_ms, T0 + 2);
}

static void a_success_in_between_starts_the_count_anew(void **state)
{
	ns_breaker b = {0};
	ns_breaker_result(&b, false, T0, 1);
	ns_breaker_result(&b, false, T0, 2);
	ns_breaker_result(&b, true, T0, 3);
	assert_int_equal(b.failures, 0);
	assert_false(ns_breaker_result(&b, false, T0, 4));
	assert_false(ns_breaker_result(&b, false, T0, 5));
	assert_int_equal(ns_breaker_look(&b, T0, 6), NS_BREAKER_CLOSED);
	assert_true(ns_breaker_result(&b, false, T0, 6));
}

static void it_stays_open_for_300_s_to_the_millisecond(void **state)
{
	ns_breaker b = opened(T0);
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S - 1, 9), NS_BREAKER_OPEN);
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 9), NS_BREAKER_HALF_OPEN_FREE);
	ns_breaker_take(&b, T0 + OPEN_S - 1, 9); /* too early: nothing to take */
	assert_int_equal(b.state, NS_BREAKER_OPEN);
}

static void exactly_one_gets_the_trial(void **state)
{
	ns_breaker b = opened(T0);
	int64_t now = T0 + OPEN_S + 5;
	ns_breaker_take(&b, now, 9);
	ns_breaker_take(&b, now, 10); /* came second */
	assert_int_equal(ns_breaker_look(&b, now, 9), NS_BREAKER_HALF_OPEN_FREE);
	assert_int_equal(ns_breaker_look(&b, now, 10), NS_BREAKER_HALF_OPEN_TAKEN);
	assert_int_equal(ns_breaker_look(&b, now, 0), NS_BREAKER_HALF_OPEN_TAKEN);
	assert_int_equal(ns_breaker_look(&b, now + 100 * OPEN_S, 10), NS_BREAKER_HALF_OPEN_TAKEN);
}

static void the_trial_decides(void **state)
{
	int64_t now = T0 + OPEN_S;
	ns_breaker b = opened(T0);
	ns_breaker_take(&b, now, 9);
	assert_false(ns_breaker_result(&b, true, now + 1, 9));
	assert_int_equal(ns_breaker_look(&b, now + 1, 1), NS_BREAKER_CLOSED);
	assert_int_equal(b.failures, 0);

	b = opened(T0);
	ns_breaker_take(&b, now, 9);
	assert_true(ns_breaker_result(&b, false, now + 1, 9)); /* one failure is enough now */
	assert_int_equal(ns_breaker_look(&b, now + OPEN_S, 1), NS_BREAKER_OPEN);
	assert_int_equal(ns_breaker_look(&b, now + 1 + OPEN_S, 1), NS_BREAKER_HALF_OPEN_FREE);
}

static void late_results_of_others_move_nothing(void **state)
{
	ns_breaker b = opened(T0);
	assert_false(ns_breaker_result(&b, true, T0 + 10, 4));
	assert_int_equal(ns_breaker_look(&b, T0 + 10, 4), NS_BREAKER_OPEN);
	assert_false(ns_breaker_result(&b, false, T0 + 200000, 5));
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 6), NS_BREAKER_HALF_OPEN_FREE);
	ns_breaker_take(&b, T0 + OPEN_S, 6);
	assert_false(ns_breaker_result(&b, true, T0 + OPEN_S, 4));
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 4), NS_BREAKER_HALF_OPEN_TAKEN);
}

static void a_trial_that_sent_nothing_is_given_back(void **state)
{
	ns_breaker b = opened(T0);
	ns_breaker_take(&b, T0 + OPEN_S, 6);
	ns_breaker_release(&b, 7); /* not its own */
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 7), NS_BREAKER_HALF_OPEN_TAKEN);
	ns_breaker_release(&b, 6);
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 7), NS_BREAKER_HALF_OPEN_FREE);
	ns_breaker_take(&b, T0 + OPEN_S, 7);
	assert_int_equal(ns_breaker_look(&b, T0 + OPEN_S, 6), NS_BREAKER_HALF_OPEN_TAKEN);
}

static void clock_jumps_never_shorten_it(void **state)
{
	ns_breaker b = opened(T0);
	int64_t back = T0 - 3600000;
	assert_int_equal(ns_breaker_look(&b, back, 9), NS_BREAKER_OPEN);
	assert_true(ns_breaker_rebase(&b, back));
	assert_false(ns_breaker_rebase(&b, back));
	assert_int_equal(ns_breaker_look(&b, back + OPEN_S - 1, 9), NS_BREAKER_OPEN);
	assert_int_equal(ns_breaker_look(&b, back + OPEN_S, 9), NS_BREAKER_HALF_OPEN_FREE);
	/* forward: at worst one trial comes early, never two */
	b = opened(T0);
	ns_breaker_take(&b, T0 + 3600000, 9);
	assert_int_equal(ns_breaker_look(&b, T0 + 3600000, 10), NS_BREAKER_HALF_OPEN_TAKEN);
	/* an absurd record must not overflow into "over" */
	ns_breaker absurd = {.state = NS_BREAKER_OPEN, .opened_ms = INT64_MAX};
	assert_int_equal(ns_breaker_look(&absurd, INT64_MIN, 1), NS_BREAKER_OPEN);
}

static void a_damaged_state_counts_as_open(void **state)
{
	ns_breaker b = {.state = (ns_breaker_state)77, .opened_ms = T0};
	assert_int_equal(ns_breaker_look(&b, T0 + 10 * OPEN_S, 1), NS_BREAKER_OPEN);
	ns_breaker_take(&b, T0 + 10 * OPEN_S, 1);
	assert_false(ns_breaker_result(&b, true, T0, 1));
	assert_int_equal(ns_breaker_look(&b, T0 + 10 * OPEN_S, 1), NS_BREAKER_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_failures_in_a_row_open_it),
	    cmocka_unit_test(a_success_in_between_starts_the_count_anew),
	    cmocka_unit_test(it_stays_open_for_300_s_to_the_millisecond),
	    cmocka_unit_test(exactly_one_gets_the_trial),
	    cmocka_unit_test(the_trial_decides),
	    cmocka_unit_test(late_results_of_others_move_nothing),
	    cmocka_unit_test(a_trial_that_sent_nothing_is_given_back),
	    cmocka_unit_test(clock_jumps_never_shorten_it),
	    cmocka_unit_test(a_damaged_state_counts_as_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
