/* OpenCost: the query, answers of every kind, and what is a spike. */
#include "support/test.h"

#include "neuroscale/cost/cost.h"

#define HOUR 3600000LL
#define ALLOC(ns, kind, ctl, cost, minutes, eff) \
	"\"" ns "/" kind ":" ctl "\":{\"name\":\"" ns "/" kind ":" ctl "\",\"properties\":{\"namespace\":\"" ns "\",\"controllerKind\":\"" kind "\",\"controller\":\"" ctl "\"}," \
	"\"window\":{\"start\":\"2026-11-22T00:00:00Z\",\"end\":\"2026-11-23T00:00:00Z\"},\"minutes\":" minutes ",\"totalCost\":" cost ",\"totalEfficiency\":" eff "}"
#define ANSWER(sets) "{\"code\":200,\"status\":\"success\",\"data\":[" sets "]}"

static cJSON *json(const char *s)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(s, strlen(s), &ns_json_api, &err);
	if (!j)
		fail_msg("%s: %s", err.text, s);
	return j;
}

static ns_cost_report *parse(ns_arena *ar, const char *now, const char *before, ns_err *err)
{
	cJSON *a = json(now), *b = before ? json(before) : NULL;
	ns_cost_report *r = ns_cost_report_parse(ar, a, b, err);
	cJSON_Delete(a);
	cJSON_Delete(b);
	return r;
}

static void test_query(void **state)
{
	char url[512];
	int64_t now = 1795399629000; /* 2026-11-23T02:07:09Z */
	ns_cost_query("http://opencost:9003/", now, 24 * HOUR, false, url, sizeof url);
	assert_string_equal(url, "http://opencost:9003/allocation?window=2026-11-22T02:00:00Z,2026-11-23T02:00:00Z&aggregate=namespace,controller&accumulate=true&includeIdle=true");
	ns_cost_query("http://h/opencost", now, 24 * HOUR, true, url, sizeof url);
	assert_non_null(strstr(url, "http://h/opencost/allocation?window=2026-11-21T02:00:00Z,2026-11-22T02:00:00Z&"));
	ns_cost_query("http://h", now, 60, false, url, sizeof url); /* never less than an hour */
	assert_non_null(strstr(url, "window=2026-11-23T01:00:00Z,2026-11-23T02:00:00Z"));
}

static void test_report(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	ns_cost_report *r = parse(ar,
	    ANSWER("{" ALLOC("shop", "deployment", "web", "24", "1440", "0.5") "," ALLOC("shop", "deployment", "job", "1", "60", "null") ","
	           "\"__idle__\":{\"name\":\"__idle__\",\"totalCost\":12,\"minutes\":1440,\"window\":{\"start\":\"2026-11-22T00:00:00Z\",\"end\":\"2026-11-23T00:00:00Z\"}},"
	           "\"shop/__unallocated__\":{\"name\":\"shop/__unallocated__\",\"properties\":{\"namespace\":\"shop\"},\"totalCost\":2,\"minutes\":1440}}"),
	    ANSWER("{" ALLOC("shop", "deployment", "web", "10", "1440", "0.4") "," ALLOC("shop", "deployment", "gone", "5", "1440", "0.4") "}"), &err);
	if (!r)
		fail_msg("%s", err.text);
	assert_int_equal(r->n_rows, 3);
	/* A workload that ran an hour costs what an hour costs, times 24; largest first, equals by name. */
	assert_string_equal(r->rows[0].controller, "job");
	assert_float_equal(r->rows[0].per_day, 24, 1e-9);
	assert_float_equal(r->rows[0].efficiency, -1, 0);
	assert_string_equal(r->rows[1].controller, "web");
	assert_float_equal(r->rows[1].per_day_before, 10, 1e-9);
	assert_float_equal(r->rows[1].efficiency, 0.5, 1e-9);
	assert_string_equal(r->rows[2].controller, "other");
	assert_string_equal(r->rows[2].ns, "shop");
	assert_float_equal(r->total_per_day, 50, 1e-9);
	assert_float_equal(r->total_before, 15, 1e-9);
	assert_float_equal(r->idle_per_day, 12, 1e-9);
	assert_int_equal(r->window_end_ms - r->window_start_ms, 24 * HOUR);
	ns_arena_free(ar);
}

static void test_several_sets_and_clusters_are_added_up(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	ns_cost_report *r = parse(ar, ANSWER("{" ALLOC("a", "deployment", "x", "3", "1440", "1") "},null,{" ALLOC("a", "deployment", "x", "1", "1440", "0") "}"), ANSWER("{}"), &err);
	assert_int_equal(r->n_rows, 1);
	assert_float_equal(r->rows[0].per_day, 4, 1e-9);
	assert_float_equal(r->rows[0].efficiency, 0.75, 1e-9);
	assert_float_equal(r->rows[0].per_day_before, 0, 0);
	ns_arena_free(ar);
}

static void test_key_without_properties(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	ns_cost_report *r = parse(ar, ANSWER("{\"shop/deployment:web\":{\"totalCost\":1,\"minutes\":1440}}"), NULL, &err);
	assert_int_equal(r->n_rows, 1);
	assert_string_equal(r->rows[0].ns, "shop");
	assert_string_equal(r->rows[0].controller_kind, "deployment");
	assert_string_equal(r->rows[0].controller, "web");
	ns_arena_free(ar);
}

static void test_nulls_and_nothing(void **state)
{
	static const char *const answers[] = {ANSWER(""), ANSWER("{}"), ANSWER("null"), ANSWER("{\"x\":null}"), ANSWER("{\"a/b:c\":{\"totalCost\":null,\"minutes\":null}}"),
	    ANSWER("{\"a/b:c\":{\"totalCost\":\"1\",\"properties\":[],\"window\":7}}"), ANSWER("{\"a/b:c\":{\"totalCost\":-5,\"minutes\":1440}}")};
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		ns_cost_report *r = parse(ar, answers[i], answers[i], &err);
		if (!r)
			fail_msg("%s: %s", answers[i], err.text);
		for (size_t k = 0; k < r->n_rows; k++) {
			ns_cost_rule rule = {.min_ratio = 1.3, .min_per_day = 5};
			assert_float_equal(r->rows[k].per_day, 0, 0);
			assert_false(ns_cost_is_spike(&r->rows[k], &rule));
		}
		ns_arena_free(ar);
	}
}

static void test_errors(void **state)
{
	static const struct { const char *answer, *words; } rows[] = {{"{\"code\":500,\"status\":\"\",\"data\":null,\"message\":\"Error: no data\"}", "Error: no data"},
	    {"{\"code\":200,\"data\":{}}", "no list"}, {"[]", "no JSON object"}, {"{}", "no list"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		assert_null(parse(ar, rows[i].answer, ANSWER("{}"), &err));
		assert_non_null(strstr(err.text, rows[i].words));
		assert_null(parse(ar, ANSWER("{}"), rows[i].answer, &err));
		ns_arena_free(ar);
	}
}

static void test_spike(void **state)
{
	static const struct { double now, before, minutes; bool spike; } rows[] = {
	    {13, 10, 1440, true}, {12.9, 10, 1440, false}, {4.9, 1, 1440, false}, {5, 1, 1440, true},
	    {100, 0, 1440, false}, /* nothing to compare with */
	    {100, 10, 30, false},  /* half an hour is no trend */
	};
	ns_cost_rule rule = {.min_ratio = 1.3, .min_per_day = 5};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_cost_row r = {.ns = "n", .controller_kind = "deployment", .controller = "c", .per_day = rows[i].now, .per_day_before = rows[i].before, .minutes = rows[i].minutes};
		if (ns_cost_is_spike(&r, &rule) != rows[i].spike)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_query), cmocka_unit_test(test_report), cmocka_unit_test(test_several_sets_and_clusters_are_added_up),
	    cmocka_unit_test(test_key_without_properties), cmocka_unit_test(test_nulls_and_nothing), cmocka_unit_test(test_errors), cmocka_unit_test(test_spike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
