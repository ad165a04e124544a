/* What became of a runbook before stands in the next plan, and what a model's index found is held against that index's own floors. */
#include "support/test.h"

#include "planner_case.h"

#define NOW INT64_C(1795478400000) /* 2026-11-24T00:00:00Z */

static ns_judged rows[] = {
    {.incident = 1, .at_ms = NOW - 345600000, .said = NS_SAID_YES, .verdict = NS_VERDICT_FIXED},
    {.incident = 2, .at_ms = NOW - 864000000, .said = NS_SAID_NOTHING, .verdict = NS_VERDICT_FIXED},
    {.incident = 3, .at_ms = NOW - 1728000000, .said = NS_SAID_YES, .verdict = NS_VERDICT_FIXED},
};

static void about(const char *runbook, const char *cause)
{
	for (size_t i = 0; i < 3; i++) {
		rows[i].runbook = runbook;
		rows[i].cause = cause;
	}
}

static void test_a_good_record_is_shown(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	ns_plan *before = plan(&f);
	assert_string_equal(before->judgement, "");
	assert_string_equal(before->retrieved_by, "offline");
	assert_true(before->score_floor == ns_library_score_floor(lib) && before->margin_floor == ns_library_margin_floor(lib));
	about(before->runbook, f.r.cause_class);
	f.h = (ns_plan_history){.judged = rows, .n_judged = 3, .now_ms = NOW};
	ns_plan *p = plan(&f);
	assert_string_equal(p->judgement, "3 of 3 fixed here, last 2026-11-20");
	assert_true(p->score == before->score && p->margin == before->margin); /* the gate sees what the text says, not more */
	assert_int_equal(p->requires_approval, before->requires_approval);
	about(before->runbook, "another_cause");
	assert_string_equal(plan(&f)->judgement, "");
	ns_arena_free(ar);
}

static void test_a_bad_record_lowers(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	ns_plan *before = plan(&f);
	about(before->runbook, f.r.cause_class);
	for (size_t i = 0; i < 3; i++) {
		rows[i].said = NS_SAID_NO;
		rows[i].verdict = NS_VERDICT_NONE;
	}
	f.h = (ns_plan_history){.judged = rows, .n_judged = 3, .now_ms = NOW};
	ns_plan *p = plan(&f);
	assert_true(p->score < before->score && p->margin < before->margin);
	if (*p->runbook)
		assert_string_equal(p->judgement, "rejected 3 times, last 2026-11-20");
	ns_arena_free(ar);
}

static void test_found_by_a_model(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	ns_retrieval found = {.n = 1, .score_floor = 0.5, .margin_floor = 0.1, .by = "model-x/1024"};
	found.match[0] = (ns_match){ns_library_find(lib, "oomkill-increase-memory"), 0.7, 0.2};
	f.h = (ns_plan_history){.found = &found, .now_ms = NOW};
	ns_plan *p = plan(&f);
	assert_string_equal(p->runbook, "oomkill-increase-memory");
	assert_string_equal(p->retrieved_by, "model-x/1024");
	assert_true(p->score == 0.7 && p->score_floor == 0.5 && p->margin_floor == 0.1);
	found.match[0].score = 0.49; /* over the library's own floor, under the model's */
	p = plan(&f);
	assert_string_equal(p->runbook, "");
	assert_true(asks(p, "runbook: none fits (best score 0.490, floor 0.500)"));
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_good_record_is_shown),
	    cmocka_unit_test(test_a_bad_record_lowers),
	    cmocka_unit_test(test_found_by_a_model),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
