/* Earned autonomy: the bound against published and independently computed values, the fold, and what the store makes of recorded facts. */
#include <math.h>
#include "neuroscale/engine/autonomy.h"
#include "support/test.h"
#include "support/tmpdir.h"

static const ns_autonomy_rule rule = {.threshold = 0.8, .least = 5};

static void the_bound_is_wilsons(void **state)
{
	/* Solved from the definition, not from the formula: the bound is the smaller p0 with (p - p0)^2 = z^2 p0 (1 - p0) / n. */
	for (int64_t n = 1; n <= 300; n += n < 30 ? 1 : 17)
		for (int64_t k = 0; k <= n; k++) {
			double p = (double)k / (double)n, low = 0, high = p, z = 1.959964;
			for (int i = 0; i < 80; i++) {
				double mid = (low + high) / 2;
				*((p - mid) * (p - mid) > z * z * mid * (1 - mid) / (double)n ? &low : &high) = mid;
			}
			double got = ns_wilson_lower(k, n);
			if (fabs(got - low) > 1e-9)
				fail_msg("%d of %d: %.12f, by the definition %.12f", (int)k, (int)n, got, low);
		}
	/* as tables print it */
	assert_true(fabs(ns_wilson_lower(8, 10) - 0.4902) < 0.00005);
	assert_true(fabs(ns_wilson_lower(16, 16) - 0.8064) < 0.00005);
	assert_true(fabs(ns_wilson_lower(81, 263) - 0.2553) < 0.00005);
}

static void the_bound_knows_no_nonsense(void **state)
{
	assert_true(ns_wilson_lower(0, 0) == 0 && ns_wilson_lower(5, 0) == 0 && ns_wilson_lower(3, -1) == 0 && ns_wilson_lower(0, 10) == 0);
	assert_true(ns_wilson_lower(-4, 10) == 0);
	assert_true(ns_wilson_lower(11, 10) == ns_wilson_lower(10, 10));
	assert_true(ns_wilson_lower(INT64_MAX, INT64_MAX) <= 1);
	for (int64_t n = 1; n < 200; n++) /* more of the same can only help */
		assert_true(ns_wilson_lower(n + 1, n + 1) > ns_wilson_lower(n, n));
}

static ns_tried fixed_at(int64_t incident)
{
	return (ns_tried){.incident = incident, .at_ms = incident * 1000, .said = NS_SAID_YES, .verdict = NS_VERDICT_FIXED, .eligible = true};
}

static ns_autonomy_record judged(const ns_tried *rows, size_t n)
{
	ns_autonomy_record r;
	ns_autonomy_judge(rows, n, &rule, &r);
	return r;
}

static void it_is_earned_and_lost_by_the_first_bad_one(void **state)
{
	static const struct {
		ns_tried bad;
		const char *why;
	} faults[] = {
	    {{.said = NS_SAID_NO, .eligible = true}, "rejected by a person"},
	    {{.said = NS_SAID_YES, .verdict = NS_VERDICT_NOT_FIXED}, "not fixed"},
	    {{.verdict = NS_VERDICT_UNKNOWN}, "unknown"},
	    {{.verdict = NS_VERDICT_FIXED, .undone = true}, "undone"},
	    {{.verdict = NS_VERDICT_FIXED, .came_back = true}, "it failed again"},
	};
	for (size_t k = 0; k < sizeof faults / sizeof faults[0]; k++) {
		ns_tried rows[400];
		size_t n = 0;
		while (!judged(rows, n).earned) { /* 16 of 16 reach 80 % */
			rows[n] = fixed_at((int64_t)n + 1);
			n++;
			assert_true(n <= 16);
		}
		assert_int_equal(n, 16);
		for (; n < 300; n++)
			rows[n] = fixed_at((int64_t)n + 1);
		rows[n] = faults[k].bad;
		rows[n].incident = 301;
		ns_autonomy_record r = judged(rows, ++n);
		assert_false(r.earned); /* whatever stood before it */
		assert_true(r.bound > rule.threshold);
		assert_int_equal(r.in_a_row, 0);
		assert_int_equal(r.bad_incident, 301);
		assert_string_equal(r.bad_why, faults[k].why);
		for (int i = 0; i < 4; i++)
			rows[n++] = fixed_at(302 + i);
		assert_false(judged(rows, n).earned);
		rows[n++] = fixed_at(306);
		assert_true(judged(rows, n).earned); /* and the way back is `least` in a row */
	}
}

static void what_is_no_trial_counts_for_nothing(void **state)
{
	ns_tried rows[20];
	for (int i = 0; i < 16; i++)
		rows[i] = fixed_at(i + 1);
	rows[16] = (ns_tried){.incident = 17}; /* expired, or recovered by itself */
	rows[17] = (ns_tried){.incident = 18, .said = NS_SAID_YES}; /* approved, not verified yet */
	ns_autonomy_record r = judged(rows, 18);
	assert_true(r.earned);
	assert_int_equal(r.tried, 16);
	assert_int_equal(r.shadow, 16);
	assert_int_equal(r.agreed, 16);
	assert_false(judged(rows, 0).earned);
	static const ns_autonomy_rule none[] = {{.threshold = NAN, .least = 5}, {.threshold = 0, .least = 0}, {.threshold = 0, .least = -1}};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		ns_autonomy_judge(rows, 16, &none[i], &r);
		assert_false(r.earned);
	}
}

/* ---- from the record ---- */

static ns_clock *clock_of;

static int64_t incident(ns_store *s, const char *ns, const char *name)
{
	ns_alert a = {.kind = NS_KIND_OOM_KILLED, .target = {"c1", ns, "Deployment", name, "u"}, .container = "app", .reason = "OOMKilled", .message = "killed",
	    .policy = "", .rule = "", .object_uid = "u"};
	ns_err err = {0};
	int64_t id = 0;
	bool is_new = false;
	if (!ns_store_begin(s, &err) || !ns_store_incident_open(s, &a, &id, &is_new, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	assert_true(is_new);
	return id;
}

static void put(ns_store *s, int64_t id, const char *name, const char *json)
{
	ns_err err = {0};
	cJSON *doc = cJSON_Parse(json);
	assert_non_null(doc);
	if (!ns_store_begin(s, &err) || !ns_store_fact_put(s, id, name, doc, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	cJSON_Delete(doc);
}

static void recovered(ns_store *s, int64_t id)
{
	ns_err err = {0};
	if (!ns_store_begin(s, &err) || !ns_store_transition(s, id, NS_ST_DETECTED, 1, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "", &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
}

#define PLAN "{\"runbook\":\"oom\",\"runbook_hash\":\"h1\",\"action\":\"patch_resources\"}"

static void the_record_is_read_out_of_the_facts(void **state)
{
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	clock_of = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(*state, clock_of, &err);
	assert_non_null(s);
	int64_t a = incident(s, "shop", "a"); /* two plans: the first did not help, the second did */
	put(s, a, "plan", PLAN);
	put(s, a, "gate", "{\"eligible\":true,\"would\":false}");
	put(s, a, "decision", "{\"decision\":\"approved\"}");
	put(s, a, "gate", "{\"eligible\":false}"); /* before sending: not what counts */
	put(s, a, "verification", "{\"verdict\":\"NOT FIXED\"}");
	put(s, a, "plan", PLAN);
	put(s, a, "verification", "{\"verdict\":\"FIXED\"}");
	int64_t b = incident(s, "shop", "b"); /* fixed, and back within the hour */
	put(s, b, "plan", PLAN);
	put(s, b, "verification", "{\"verdict\":\"FIXED\"}");
	recovered(s, b);
	ns_clock_advance(clock_of, 1800000);
	incident(s, "shop", "b");
	int64_t c = incident(s, "shop", "c"); /* another runbook, another namespace, and nothing said yet: not of this record */
	put(s, c, "plan", "{\"runbook\":\"other\"}");
	put(s, c, "verification", "{\"verdict\":\"FIXED\"}");
	int64_t d = incident(s, "web", "d");
	put(s, d, "plan", PLAN);
	put(s, d, "decision", "{\"decision\":\"rejected\"}");
	put(s, incident(s, "shop", "e"), "plan", PLAN);
	int64_t g = incident(s, "pay", "g"); /* the server refused it; and what could not be sent is no fault of the plan's */
	put(s, g, "plan", PLAN);
	put(s, g, "execution", "{\"sent\":true,\"ok\":false,\"unknown\":false,\"conflict\":false}");
	int64_t h = incident(s, "pay", "h");
	put(s, h, "plan", PLAN);
	put(s, h, "execution", "{\"sent\":false,\"ok\":false,\"unknown\":false,\"conflict\":false}");
	int64_t k = incident(s, "pay", "k");
	put(s, k, "plan", PLAN);
	put(s, k, "execution", "{\"sent\":true,\"ok\":false,\"unknown\":false,\"conflict\":true}");
	ns_tried *rows;
	ns_place *places;
	size_t n;
	if (!ns_store_tried(s, ar, "c1", "shop", "oom", "h1", 100, &rows, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 3);
	assert_int_equal(rows[0].verdict, NS_VERDICT_NOT_FIXED);
	assert_int_equal(rows[0].said, NS_SAID_YES);
	assert_true(rows[0].eligible);
	assert_int_equal(rows[1].verdict, NS_VERDICT_FIXED);
	assert_int_equal(rows[1].said, NS_SAID_NOTHING);
	assert_false(rows[1].eligible || rows[1].came_back || rows[1].undone);
	assert_true(rows[2].came_back);
	assert_true(ns_store_tried(s, ar, "c1", "shop", "oom", "h1", 2, &rows, &n, &err)); /* the newest, oldest first */
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].incident, a);
	assert_int_equal(rows[1].incident, b);
	assert_true(ns_store_tried(s, ar, "c1", "web", "oom", "h1", 100, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].said, NS_SAID_NO);
	assert_true(ns_store_tried(s, ar, "c2", "shop", "oom", "h1", 100, &rows, &n, &err));
	assert_int_equal(n, 0);
	assert_true(ns_store_tried(s, ar, "c1", "shop", "oom", "h2", 100, &rows, &n, &err)); /* its text was changed */
	assert_int_equal(n, 0);
	assert_true(ns_store_tried(s, ar, "c1", "pay", "oom", "h1", 100, &rows, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].incident, g);
	assert_int_equal(rows[0].verdict, NS_VERDICT_NOT_FIXED);
	assert_true(ns_store_places(s, ar, "oom", &places, &n, &err));
	assert_int_equal(n, 3);
	assert_string_equal(places[0].ns, "pay");
	assert_string_equal(places[2].ns, "web");
	ns_store_close(s);
	ns_clock_free(clock_of);
	ns_arena_free(ar);
}

static void an_undo_takes_the_fix_away(void **state)
{
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	clock_of = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(*state, clock_of, &err);
	assert_non_null(s);
	int64_t a = incident(s, "shop", "a"), id;
	put(s, a, "plan", PLAN);
	put(s, a, "verification", "{\"verdict\":\"FIXED\"}");
	ns_intent undo = {.incident = a, .digest = "", .action = "patch_resources", .target = "shop/Deployment/a", .cluster = "c1", .argv_json = "[]", .body = "",
	    .lock_path = "", .undo = true};
	ns_tried *rows;
	size_t n;
	assert_true(ns_store_tried(s, ar, "c1", "shop", "oom", "h1", 9, &rows, &n, &err));
	assert_false(rows[0].undone);
	if (!ns_store_begin(s, &err) || !ns_store_intent_start(s, &undo, &id, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	assert_true(ns_store_tried(s, ar, "c1", "shop", "oom", "h1", 9, &rows, &n, &err));
	assert_true(rows[0].undone);
	assert_int_equal(ns_store_intents_in_ns(s, "c1", "shop", 0), 1);
	assert_int_equal(ns_store_intents_in_ns(s, "c1", "sho", 0), 0);
	assert_int_equal(ns_store_intents_in_ns(s, "c2", "shop", 0), 0);
	assert_int_equal(ns_store_intents_in_ns(s, "c1", "shop", INT64_C(1795478400001)), 0);
	ns_store_close(s);
	ns_clock_free(clock_of);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_bound_is_wilsons),
	    cmocka_unit_test(the_bound_knows_no_nonsense),
	    cmocka_unit_test(it_is_earned_and_lost_by_the_first_bad_one),
	    cmocka_unit_test(what_is_no_trial_counts_for_nothing),
	    cmocka_unit_test_setup_teardown(the_record_is_read_out_of_the_facts, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test_setup_teardown(an_undo_takes_the_fix_away, tmpdir_make, tmpdir_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
