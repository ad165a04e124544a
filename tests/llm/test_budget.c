/* The governor and the price list. */
#include "support/test.h"

#include <pthread.h>

#include "neuroscale/llm/budget.h"

#define HOUR 3600000LL
#define T0   1790000000000LL

static ns_budget *make(ns_spend incident, ns_spend hour, ns_spend day)
{
	ns_budget_limits l = {{incident, hour, day}};
	return ns_budget_new(&l);
}

static const ns_spend any = {-1, -1, -1};

static bool spend(ns_budget *b, int64_t incident, ns_spend est, ns_spend real, int64_t now, ns_err *err)
{
	int64_t t;
	if (!ns_budget_reserve(b, incident, &est, now, &t, err))
		return false;
	ns_budget_settle(b, t, &real);
	return true;
}

static void each_limit_stops(void **state)
{
	static const struct { ns_spend most[3]; const char *words; } rows[] = {
	    {{{2, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}, "2 of 2 calls for this incident"}, {{{-1, 250, -1}, {-1, -1, -1}, {-1, -1, -1}}, "tokens for this incident"},
	    {{{-1, -1, 25}, {-1, -1, -1}, {-1, -1, -1}}, "dollar for this incident"}, {{{-1, -1, -1}, {2, -1, -1}, {-1, -1, -1}}, "calls of this hour"},
	    {{{-1, -1, -1}, {-1, 250, -1}, {-1, -1, -1}}, "tokens of this hour"}, {{{-1, -1, -1}, {-1, -1, 25}, {-1, -1, -1}}, "dollar of this hour"},
	    {{{-1, -1, -1}, {-1, -1, -1}, {2, -1, -1}}, "calls of this day"}, {{{-1, -1, -1}, {-1, -1, -1}, {-1, 250, -1}}, "tokens of this day"},
	    {{{-1, -1, -1}, {-1, -1, -1}, {-1, -1, 25}}, "dollar of this day"}, {{{0, 0, 0}, {-1, -1, -1}, {-1, -1, -1}}, "0 of 0 calls"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_budget_limits l = {{rows[i].most[0], rows[i].most[1], rows[i].most[2]}};
		ns_budget *b = ns_budget_new(&l);
		ns_err err = {0};
		int made = 0;
		while (made < 10 && spend(b, 3, (ns_spend){1, 100, 10}, (ns_spend){1, 100, 10}, T0, &err))
			made++;
		assert_int_equal(made, rows[i].most[0].calls == 0 ? 0 : 2);
		assert_int_equal(err.code, NS_E_BUSY);
		if (!strstr(err.text, rows[i].words))
			fail_msg("%s: %s", rows[i].words, err.text);
		ns_budget_free(b);
	}
}

static void windows_roll(void **state)
{
	ns_budget *b = make(any, (ns_spend){1, -1, -1}, (ns_spend){3, -1, -1});
	const ns_spend one = {1, 1, 1};
	assert_true(spend(b, 1, one, one, T0, NULL));
	assert_false(spend(b, 2, one, one, T0 + HOUR / 2, NULL));
	assert_true(spend(b, 2, one, one, T0 + HOUR + 600000, NULL));
	assert_true(spend(b, 2, one, one, T0 + 3 * HOUR, NULL));
	assert_false(spend(b, 2, one, one, T0 + 6 * HOUR, NULL)); /* the day */
	assert_false(spend(b, 2, one, one, T0 - 6 * HOUR, NULL)); /* a clock that stepped back frees nothing */
	assert_true(spend(b, 2, one, one, T0 + 25 * HOUR, NULL));
	ns_budget_free(b);
}

static void what_is_settled_counts(void **state)
{
	ns_budget *b = make(any, any, any);
	int64_t t;
	ns_budget_view v;
	assert_true(ns_budget_reserve(b, 9, &(ns_spend){1, 1000, 500}, T0, &t, NULL));
	assert_int_equal(ns_budget_incident(b, 9).tokens, 1000); /* while it is under way */
	ns_budget_settle(b, t, &(ns_spend){1, 40, 7});
	ns_budget_settle(b, t, &(ns_spend){1, 40, 7}); /* twice is once */
	ns_budget_look(b, T0, &v);
	assert_true(v.hour.calls == 1 && v.hour.tokens == 40 && v.day.micro_usd == 7 && !v.stopped && !v.refused);
	ns_budget_free(b);
}

/* What is left is too little for the next call: that is a stop too, and it ends when the window has rolled. */
static void too_little_is_a_stop(void **state)
{
	ns_budget *b = make((ns_spend){-1, 150, -1}, (ns_spend){-1, 1000, -1}, any);
	ns_budget_view v;
	assert_true(spend(b, 1, (ns_spend){1, 100, 1}, (ns_spend){1, 100, 1}, T0, NULL));
	assert_false(spend(b, 1, (ns_spend){1, 100, 1}, (ns_spend){1, 100, 1}, T0, NULL)); /* this incident only */
	ns_budget_look(b, T0, &v);
	assert_false(v.stopped);
	for (int64_t i = 2; i < 10; i++)
		assert_true(spend(b, i, (ns_spend){1, 100, 1}, (ns_spend){1, 100, 1}, T0, NULL));
	assert_false(spend(b, 10, (ns_spend){1, 120, 1}, (ns_spend){1, 120, 1}, T0, NULL));
	ns_budget_look(b, T0, &v);
	assert_true(v.stopped && v.hour.tokens == 900);
	ns_budget_look(b, T0 + 2 * HOUR, &v);
	assert_false(v.stopped);
	ns_budget_free(b);
}

/* A library of ten thousand runbooks is indexed by and by; incidents come first. */
static void indexing_leaves_half_to_incidents(void **state)
{
	ns_budget *b = make(any, (ns_spend){10, -1, -1}, any);
	const ns_spend one = {1, 1, 1};
	ns_budget_view v;
	ns_err err = {0};
	int made = 0;
	while (made < 20 && spend(b, 0, one, one, T0, &err))
		made++;
	assert_int_equal(made, 5);
	assert_non_null(strstr(err.text, "5 of 5 calls of this hour"));
	ns_budget_look(b, T0, &v);
	assert_false(v.stopped);
	for (int i = 0; i < 5; i++)
		assert_true(spend(b, 7, one, one, T0, NULL));
	assert_false(spend(b, 7, one, one, T0, NULL));
	ns_budget_look(b, T0, &v);
	assert_true(v.stopped);
	ns_budget_free(b);
}

static void *hammer(void *ctx)
{
	for (int i = 0; i < 200; i++) {
		int64_t t;
		if (ns_budget_reserve(ctx, i % 7, &(ns_spend){1, 10, 1}, T0, &t, NULL))
			ns_budget_settle(ctx, t, &(ns_spend){1, 10, 1});
	}
	return NULL;
}

static void threads_cannot_pass_it_together(void **state)
{
	ns_budget *b = make(any, (ns_spend){100, -1, -1}, any);
	pthread_t t[8];
	ns_budget_view v;
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, hammer, b);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ns_budget_look(b, T0, &v);
	assert_int_equal(v.hour.calls, 100);
	assert_int_equal(v.refused, 1500);
	assert_true(v.stopped);
	ns_budget_free(b);
}

static void it_survives_a_restart(void **state)
{
	ns_budget *a = make((ns_spend){2, -1, -1}, any, any), *b = make((ns_spend){2, -1, -1}, any, any);
	ns_err err = {0};
	const ns_spend one = {1, 5, 6};
	assert_true(spend(a, 4, one, one, T0, NULL) && spend(a, 4, one, one, T0 + HOUR * 2, NULL));
	cJSON *j = ns_budget_to_json(a);
	assert_true(ns_budget_from_json(b, j, &err));
	assert_false(spend(b, 4, one, one, T0 + HOUR * 2, NULL));
	ns_budget_view v;
	ns_budget_look(b, T0 + HOUR * 2, &v);
	assert_true(v.hour.calls == 1 && v.day.calls == 2 && v.day.tokens == 10);
	cJSON_Delete(j);
	static const char *const bad[] = {"{}", "[]", "{\"slots\":[[1,2,3]],\"incidents\":[]}", "{\"slots\":[[1,-2,3,4]],\"incidents\":[]}",
	    "{\"slots\":[[0,2,3,4]],\"incidents\":[]}", "{\"slots\":[],\"incidents\":[[\"x\",1,1,1]]}", "{\"slots\":[],\"incidents\":7}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		j = ns_json_parse(bad[i], strlen(bad[i]), &ns_json_strict, NULL);
		assert_false(ns_budget_from_json(b, j, &err));
		cJSON_Delete(j);
	}
	ns_budget_look(b, T0 + HOUR * 2, &v);
	assert_int_equal(v.day.calls, 2);
	ns_budget_free(a);
	ns_budget_free(b);
}

static void prices_are_tiered_and_unknown_models_are_dear(void **state)
{
	static const char csv[] = "# c\nm,2026-01-01,1000,1,2,0.5\r\nm,2026-02-01,0,3,4,1\nm-big,2026-01-05,0,10,20,5\n";
	ns_err err = {0};
	bool known;
	ns_prices *p = ns_prices_parse(csv, strlen(csv), "x.csv", &err);
	assert_non_null(p);
	assert_string_equal(ns_prices_dated(p), "2026-02-01");
	assert_int_equal(ns_prices_cost(p, "m", 1000, 0, 10, &known), 1020);
	assert_int_equal(ns_prices_cost(p, "m", 1001, 0, 10, &known), 3043);
	assert_int_equal(ns_prices_cost(p, "m", 100, 50, 0, &known), 75);
	assert_int_equal(ns_prices_cost(p, "m-2025-07-28", 100, 0, 0, &known), 100);
	assert_true(known);
	assert_int_equal(ns_prices_cost(p, "m-big-x", 100, 0, 0, &known), 1000);
	assert_int_equal(ns_prices_cost(p, "mm", 100, 0, 0, &known), 1000);
	assert_false(known);
	assert_int_equal(ns_prices_cost(p, "m", 1, 0, 0, NULL), 1);
	ns_prices_free(p);
	static const char later[] = "m,2026-03-01,1000,7,0,0\nm,2026-01-01,1000,1,0,0\nm,2026-01-01,0,2,0,0\nm,2026-02-01,0,3,0,0\n";
	p = ns_prices_parse(later, strlen(later), "x.csv", &err);
	assert_int_equal(ns_prices_cost(p, "m", 1000, 0, 0, NULL), 7000); /* the later price of the same length, whatever the order */
	assert_int_equal(ns_prices_cost(p, "m", 2000, 0, 0, NULL), 6000);
	ns_prices_free(p);
	static const char *const bad[] = {"", "# only\n", "m,2026-01-01,0,1,2\n", "m,2026-01-01,0,1,2,3,4\n", "m,01-01-2026,0,1,2,3\n", "m,2026-01-01,0,-1,2,3\n",
	    "m,2026-01-01,0,nan,2,3\n", "m,2026-01-01,0,1x,2,3\n", ",2026-01-01,0,1,2,3\n", "m,2026-01-01,0,,2,3\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		p = ns_prices_parse(bad[i], strlen(bad[i]), "x.csv", &err);
		if (p || !strstr(err.text, "x.csv"))
			fail_msg("%s", bad[i]);
	}
}

static void the_built_in_list(void **state)
{
	ns_err err = {0};
	bool known;
	ns_prices *p = ns_prices_parse(NULL, 0, NULL, &err);
	assert_non_null(p);
	static const char *const models[] = {"qwen3.7-max", "qwen3.7-plus", "qwen-plus", "qwen-flash", "qwen3.5-flash", "text-embedding-v3", "text-embedding-v4"};
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		assert_true(ns_prices_cost(p, models[i], 1000000, 0, 0, &known) > 0);
		assert_true(known);
	}
	assert_int_equal(ns_prices_cost(p, "qwen3.7-max", 1000000, 0, 1000000, NULL), 10000000);
	ns_prices_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_limit_stops), cmocka_unit_test(windows_roll), cmocka_unit_test(what_is_settled_counts), cmocka_unit_test(too_little_is_a_stop), cmocka_unit_test(indexing_leaves_half_to_incidents),
	    cmocka_unit_test(threads_cannot_pass_it_together), cmocka_unit_test(it_survives_a_restart),
	    cmocka_unit_test(prices_are_tiered_and_unknown_models_are_dear), cmocka_unit_test(the_built_in_list)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
