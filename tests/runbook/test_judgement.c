/* The record of a runbook weighs, within its bounds. */
#include "support/test.h"

#include <math.h>

#include "neuroscale/runbook/judgement.h"

#define NOW INT64_C(1795478400000) /* 2026-11-24T00:00:00Z */
#define DAY INT64_C(86400000)

static ns_judged row(const char *runbook, ns_said said, ns_verdict v, int64_t days)
{
	return (ns_judged){.incident = 1, .at_ms = NOW - days * DAY, .runbook = runbook, .cause = "c", .said = said, .verdict = v};
}
#define YES(days)    row("a", NS_SAID_YES, NS_VERDICT_FIXED, days)
#define NO(days)     row("a", NS_SAID_NO, NS_VERDICT_NONE, days)
#define FAILED(days) row("a", NS_SAID_YES, NS_VERDICT_NOT_FIXED, days)
#define WORDS(...)                                                                                                                         \
	words((ns_judged[]){__VA_ARGS__}, sizeof((ns_judged[]){__VA_ARGS__}) / sizeof(ns_judged))
#define WEIGHT(...)                                                                                                                        \
	ns_judge((ns_judged[]){__VA_ARGS__}, sizeof((ns_judged[]){__VA_ARGS__}) / sizeof(ns_judged), "a", "c", NOW).weight

static const char *words(const ns_judged *rows, size_t n)
{
	static char out[112];
	ns_judgement j = ns_judge(rows, n, "a", "c", NOW);
	ns_judgement_words(&j, out);
	return out;
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(WORDS(YES(4), YES(30), YES(60)), "3 of 3 fixed here, last 2026-11-20");
	assert_string_equal(WORDS(YES(4), FAILED(8), NO(9)), "1 of 2 fixed here, rejected once, last 2026-11-20");
	assert_string_equal(WORDS(NO(0), NO(1)), "rejected 2 times, last 2026-11-24");
	assert_string_equal(WORDS(row("a", NS_SAID_YES, NS_VERDICT_NONE, 0)), "approved once, last 2026-11-24");
	assert_string_equal(WORDS(row("b", NS_SAID_YES, NS_VERDICT_FIXED, 0)), "");
}

static void test_weight(void **state)
{
	(void)state;
	assert_true(WEIGHT(row("b", NS_SAID_NO, NS_VERDICT_NONE, 0)) == 0);          /* another runbook's */
	assert_true(ns_judge(&(ns_judged){.runbook = "a", .cause = "d", .said = NS_SAID_NO}, 1, "a", "c", NOW).weight == 0);
	assert_true(ns_judge(&(ns_judged){.runbook = "a", .cause = "", .said = NS_SAID_NO}, 1, "a", "", NOW).weight == 0);
	assert_true(WEIGHT(row("a", NS_SAID_YES, NS_VERDICT_NONE, 0)) == 0);         /* a yes alone proves nothing */
	assert_true(WEIGHT(YES(0)) > 0 && WEIGHT(YES(0), YES(0)) > WEIGHT(YES(0)));
	assert_true(WEIGHT(NO(0)) < 0 && WEIGHT(FAILED(0)) < 0);
	assert_true(WEIGHT(row("a", NS_SAID_YES, NS_VERDICT_UNKNOWN, 0)) < 0);       /* UNKNOWN is never success */
	assert_true(WEIGHT(YES(0)) > WEIGHT(YES(90)) && WEIGHT(YES(90)) > WEIGHT(YES(900)));
	assert_true(fabs(WEIGHT(NO(3000))) < 0.01);                                  /* it decays */
	assert_true(WEIGHT(YES(0), NO(180)) > 0 && WEIGHT(NO(0), YES(180)) < 0);
	assert_true(WEIGHT(YES(-400)) == WEIGHT(YES(0)));                            /* a clock that stepped back */
	ns_judged many[200];
	for (size_t i = 0; i < 200; i++)
		many[i] = YES(0);
	assert_true(ns_judge(many, 200, "a", "c", NOW).weight < 1);
}

static const ns_runbook a = {.id = "a"}, b = {.id = "b"}, c = {.id = "c"};

static ns_retrieval three(double x, double y, double z)
{
	return (ns_retrieval){.match = {{&a, x, x - y}, {&b, y, y - x}, {&c, z, z - x}}, .n = 3, .score_floor = 0.3, .margin_floor = 0.02};
}

static void test_reorders_near_ties_only(void **state)
{
	(void)state;
	ns_judged good[20];
	for (size_t i = 0; i < 20; i++)
		good[i] = row("b", NS_SAID_YES, NS_VERDICT_FIXED, 0);
	ns_retrieval r = three(0.60, 0.59, 0.40);
	ns_retrieval_judge(&r, good, 20, "c", NOW);
	assert_ptr_equal(r.match[0].runbook, &b);
	assert_true(r.match[0].score == 0.59); /* as the text has it */
	assert_true(r.match[0].margin < 0);    /* and so is the doubt: a person is asked */
	r = three(0.60, 0.50, 0.40);
	ns_retrieval_judge(&r, good, 20, "c", NOW);
	assert_ptr_equal(r.match[0].runbook, &a);
}

static void test_never_raises(void **state)
{
	(void)state;
	uint64_t x = 88172645463325252u;
	for (size_t round = 0; round < 3000; round++) {
		double s[3];
		ns_judged rows[12];
		for (size_t i = 0; i < 3; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			s[i] = (double)(x >> 40) / (double)(1 << 24);
		}
		for (size_t i = 0; i < 12; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			rows[i] = row(x >> 60 & 1 ? "a" : x >> 61 & 1 ? "b" : "c", (ns_said)(x >> 33) % 3, (ns_verdict)(x >> 40) % 4, (int64_t)(x >> 50) % 200);
		}
		double best = fmax(s[0], fmax(s[1], s[2])), mid = s[0] + s[1] + s[2] - best - fmin(s[0], fmin(s[1], s[2]));
		ns_retrieval was = three(best, mid, fmin(s[0], fmin(s[1], s[2]))), r = was;
		ns_retrieval_judge(&r, rows, 12, "c", NOW);
		for (size_t i = 0; i < 3; i++)
			for (size_t k = 0; k < 3; k++)
				if (r.match[i].runbook == was.match[k].runbook) {
					assert_true(r.match[i].score <= was.match[k].score && r.match[i].margin <= was.match[k].margin);
					assert_true(r.match[i].score >= was.match[k].score * (1 - NS_JUDGED_LOWER));
				}
	}
}

/* A good record does not carry what the text does not support past what it does. */
static void test_under_the_floor_stays_there(void **state)
{
	(void)state;
	ns_judged good[20];
	for (size_t i = 0; i < 20; i++)
		good[i] = row("b", NS_SAID_YES, NS_VERDICT_FIXED, 0);
	ns_retrieval r = three(0.301, 0.299, 0.1);
	ns_retrieval_judge(&r, good, 20, "c", NOW);
	assert_ptr_equal(r.match[0].runbook, &a);
	assert_true(r.match[1].score == 0.299);
	ns_judged bad[] = {NO(0), NO(1), NO(2)};
	r = three(0.32, 0.2, 0.1);
	ns_retrieval_judge(&r, bad, 3, "c", NOW);
	assert_ptr_equal(r.match[0].runbook, &a);
	assert_true(r.match[0].score < 0.3 && r.match[0].margin < 0.12); /* rejected three times: it does not fit any more */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_weight),
	    cmocka_unit_test(test_reorders_near_ties_only),
	    cmocka_unit_test(test_never_raises),
	    cmocka_unit_test(test_under_the_floor_stays_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
