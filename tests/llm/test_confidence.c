/* The confidence watch: who is capped, who is not, and what the figures are. */
#include "support/test.h"

#include <math.h>

#include "neuroscale/llm/confidence.h"

static size_t fill(ns_outcome *o, size_t at, size_t n, double claim, size_t wrong_every, ns_action action)
{
	for (size_t i = 0; i < n; i++)
		o[at + i] = (ns_outcome){"m", action, claim, !wrong_every || (i + 1) % wrong_every != 0};
	return at + n;
}

static const ns_reliability *of(ns_arena *ar, const ns_outcome *o, size_t n)
{
	return ns_reliability_of(ar, o, n, "m", NS_ACT_ROLLBACK);
}

static void a_calibrated_model_keeps_its_word(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_outcome o[64];
	size_t n = fill(o, 0, 20, .9, 10, NS_ACT_ROLLBACK); /* right nine times of ten */
	n = fill(o, n, 20, .6, 5, NS_ACT_ROLLBACK);
	const ns_reliability *r = of(ar, o, n);
	assert_true(r->cap == 1 && !r->overconfident && !r->flat && !r->drifting && !*r->words);
	ns_arena_free(ar);
}

static void one_who_always_says_95_is_capped(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_outcome o[64];
	size_t n = fill(o, 0, 20, .95, 2, NS_ACT_ROLLBACK);
	const ns_reliability *r = of(ar, o, n);
	assert_true(r->flat && r->overconfident);
	assert_true(r->cap <= .5);
	assert_non_null(strstr(r->words, "m, rollback: it says the same to everything"));
	assert_true(r->brier > r->brier_base);
	n = fill(o, 0, 20, .95, 6, NS_ACT_ROLLBACK); /* three wrong of twenty: flat, and not as good as it says */
	r = of(ar, o, n);
	assert_true(r->flat && r->cap <= .75);
	n = fill(o, 0, 20, .95, 0, NS_ACT_ROLLBACK); /* always right: nothing to say against it */
	assert_true(of(ar, o, n)->cap == 1);
	ns_arena_free(ar);
}

static void one_who_drifts_is_capped(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_outcome o[128];
	size_t n = fill(o, 0, 80, .9, 0, NS_ACT_ROLLBACK);
	o[3].confidence = .5; /* not flat */
	n = fill(o, n, 8, .9, 2, NS_ACT_ROLLBACK);
	const ns_reliability *r = of(ar, o, n);
	assert_true(r->drifting && !r->overconfident);
	assert_true(r->cap <= .5);
	assert_non_null(strstr(r->words, "it drifts"));
	assert_non_null(strstr(r->words, "4 of the last 8"));
	ns_arena_free(ar);
}

static void too_few_say_nothing_but_all_actions_count_together(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_outcome o[64];
	assert_null(of(ar, o, 0));
	size_t n = fill(o, 0, 4, .95, 1, NS_ACT_ROLLBACK);
	assert_null(of(ar, o, n));
	n = fill(o, n, 4, .95, 1, NS_ACT_SCALE);
	const ns_reliability *r = of(ar, o, n);
	assert_true(r && r->n == 8 && r->cap < .1);
	assert_null(ns_reliability_of(ar, o, n, "other", NS_ACT_ROLLBACK));
	ns_arena_free(ar);
}

static void the_figures(void **state)
{
	ns_arena *ar = ns_arena_new();
	const ns_outcome o[] = {{"m", NS_ACT_ROLLBACK, .8, true}, {"m", NS_ACT_ROLLBACK, .8, false}, {"m", NS_ACT_ROLLBACK, 1, true}, {"k", NS_ACT_SCALE, 0, false},
	    {"m", NS_ACT_ROLLBACK, 7, true} /* no confidence: not counted */};
	size_t rows;
	ns_reliability *r = ns_reliability_table(ar, o, 5, &rows);
	assert_int_equal(rows, 2);
	assert_true(r[0].n == 3 && r[0].right == 2);
	assert_true(fabs(r[0].brier - ((.04 + .64 + 0) / 3)) < 1e-9);
	assert_true(fabs(r[0].brier_base - (2. / 9)) < 1e-9);
	assert_true(fabs(r[0].error - (2. / 3 * .3)) < 1e-9);
	assert_true(r[0].bins[8].n == 2 && r[0].bins[9].n == 1 && r[1].bins[0].n == 1);
	ns_buf b = NS_BUF_INIT;
	ns_reliability_print(&b, r, rows);
	assert_non_null(strstr(b.data, "m                        rollback              3    67 %     87 %  0.227  0.222  0.200  1.00"));
	ns_buf_free(&b);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_calibrated_model_keeps_its_word), cmocka_unit_test(one_who_always_says_95_is_capped),
	    cmocka_unit_test(one_who_drifts_is_capped), cmocka_unit_test(too_few_say_nothing_but_all_actions_count_together), cmocka_unit_test(the_figures)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
