/* What is remembered across incidents: vectors by content, model and dimension; verdicts on proposals, read out of the facts. */
#include "fixture.h"

#include "neuroscale/store/learned.h"

static void hash_of(char c, char out[65])
{
	memset(out, c, 64);
	out[64] = 0;
}

static void vectors_by_content_model_and_dimension(void **state)
{
	fixture *f = *state;
	char a[65], b[65];
	hash_of('a', a);
	hash_of('b', b);
	const char *const both[] = {a, b};
	float rows[8] = {1, 2, 3, 4, 5, 6, 7, 8}, got[8] = {0}, other[4] = {0};
	bool found[2];
	TX(f, ns_store_vectors_put(f->s, "m1", 4, both, 2, rows, &f->err));
	fixture_reopen(f);
	OK(f, ns_store_vectors_get(f->s, "m1", 4, both, 2, got, found, &f->err));
	assert_true(found[0] && found[1]);
	assert_memory_equal(rows, got, sizeof rows);
	OK(f, ns_store_vectors_get(f->s, "m1", 2, both, 2, other, found, &f->err));
	assert_false(found[0] || found[1]);
	OK(f, ns_store_vectors_get(f->s, "m2", 4, both, 2, got, found, &f->err));
	assert_false(found[0] || found[1]);
	TX(f, ns_store_vectors_put(f->s, "m1", 4, both, 1, rows + 4, &f->err));
	OK(f, ns_store_vectors_get(f->s, "m1", 4, both, 1, got, found, &f->err));
	assert_memory_equal(rows + 4, got, 16);
	FAILS(f, NS_E_FAILED, ns_store_vectors_put(f->s, "m1", 4, both, 1, rows, &f->err)); /* only inside a transaction */
	assert_true(raw_refused(f, "INSERT INTO vectors VALUES ('c', 'm1', 4, x'00', 1)"));
}

static void stale_vectors_go(void **state)
{
	fixture *f = *state;
	char a[65], b[65];
	int64_t gone;
	hash_of('a', a);
	hash_of('b', b);
	const char *const both[] = {a, b};
	const float rows[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	TX(f, ns_store_vectors_put(f->s, "m1", 4, both, 2, rows, &f->err));
	TX(f, ns_store_vectors_put(f->s, "m1", 2, both, 1, rows, &f->err));
	TX(f, ns_store_vectors_put(f->s, "old", 4, both, 2, rows, &f->err));
	ns_clock_advance(f->clock, 1000);
	const int64_t since = ns_clock_wall_ms(f->clock);
	TX(f, ns_store_vectors_put(f->s, "new", 4, both, 1, rows, &f->err));
	TX(f, ns_store_vectors_prune(f->s, "m1", 4, both + 1, 1, since, &gone, &f->err));
	assert_int_equal(gone, 4); /* a text that is no more, another dimension, and both of a model of long ago */
	assert_int_equal(raw_int(f, "SELECT count(*) FROM vectors WHERE model = 'm1' AND dim = 4"), 1);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM vectors WHERE model = 'new'"), 1);
	TX(f, ns_store_vectors_prune(f->s, "m1", 4, both, 0, since, &gone, &f->err));
	assert_int_equal(gone, 1);
}

/* A store of version 1 gets what is new and keeps what it has. */
static void a_store_of_the_first_version_goes_on(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	ns_store_close(f->s);
	raw_sql(f, "DROP TABLE vectors; DROP INDEX incidents_of_workload; DROP TABLE capsules; DROP INDEX incidents_opened; DROP TABLE yeses;"
	           "DROP TRIGGER approvals_needed; DROP TRIGGER approvals_two; ALTER TABLE approvals DROP COLUMN needed; ALTER TABLE audit DROP COLUMN who; ALTER TABLE audit DROP COLUMN digest;"
	           "ALTER TABLE audit DROP COLUMN before; ALTER TABLE audit DROP COLUMN after; ALTER TABLE audit DROP COLUMN facts; PRAGMA user_version = 1");
	fixture_open(f);
	assert_int_equal(raw_int(f, "PRAGMA user_version"), 5);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM vectors"), 0);
	assert_int_equal(incident_of(f, id).id, id);
}

static void fact(fixture *f, int64_t incident, const char *name, const char *json)
{
	cJSON *j = cJSON_Parse(json);
	assert_non_null(j);
	ns_clock_advance(f->clock, 1000);
	TX(f, ns_store_fact_put(f->s, incident, name, j, &f->err));
	cJSON_Delete(j);
}

static const ns_judged *judged(fixture *f, const char *workload, size_t max, size_t *n)
{
	ns_judged *list;
	ns_workload w = alert_of(workload).target;
	OK(f, ns_store_judged(f->s, f->ar, &w, max, &list, n, &f->err));
	return list;
}

static void verdicts_belong_to_their_plan(void **state)
{
	fixture *f = *state;
	size_t n;
	int64_t id = open_incident(f, "web"), other = open_incident(f, "api");
	fact(f, other, "plan", "{\"runbook\":\"r1\"}");
	fact(f, other, "decision", "{\"decision\":\"rejected\"}");
	judged(f, "web", 10, &n);
	assert_int_equal(n, 0);
	fact(f, id, "rca", "{\"cause_class\":\"c1\"}");
	fact(f, id, "plan", "{\"runbook\":\"r1\"}");
	judged(f, "web", 10, &n);
	assert_int_equal(n, 0); /* proposed, but nobody said anything yet */
	fact(f, id, "decision", "{\"decision\":\"approved\"}");
	const ns_judged *j = judged(f, "web", 10, &n);
	assert_int_equal(n, 1);
	assert_true(j->said == NS_SAID_YES && j->verdict == NS_VERDICT_NONE && j->incident == id);
	fact(f, id, "verification", "{\"verdict\":\"NOT FIXED\"}");
	fact(f, id, "rca", "{\"cause_class\":\"c2\"}");
	fact(f, id, "plan", "{\"runbook\":\"r2\"}");
	j = judged(f, "web", 10, &n);
	assert_int_equal(n, 1); /* the new plan has not inherited the former one's verdict */
	assert_true(j->verdict == NS_VERDICT_NOT_FIXED);
	assert_string_equal(j->cause, "c1");
	fact(f, id, "verification", "{\"verdict\":\"FIXED\"}"); /* on its own: nobody was asked */
	j = judged(f, "web", 10, &n);
	assert_int_equal(n, 2);
	assert_string_equal(j[0].runbook, "r2");
	assert_string_equal(j[0].cause, "c2");
	assert_true(j[0].said == NS_SAID_NOTHING && j[0].verdict == NS_VERDICT_FIXED && j[0].at_ms == ns_clock_wall_ms(f->clock));
	assert_string_equal(j[1].runbook, "r1");
	judged(f, "web", 1, &n);
	assert_int_equal(n, 1);
	fact(f, id, "plan", "{\"runbook\":\"\"}");
	fact(f, id, "decision", "{\"decision\":\"rejected\"}");
	judged(f, "web", 10, &n);
	assert_int_equal(n, 2); /* a plan without a runbook judges none */
	j = judged(f, "api", 10, &n);
	assert_true(n == 1 && j->said == NS_SAID_NO && j->cause[0] == 0);
}

/* One claim, the plan after it and, unless NULL, what was verified. */
static void claim(fixture *f, int64_t id, const char *analysis, const char *plan, const char *verification)
{
	fact(f, id, "analysis", analysis);
	fact(f, id, "plan", plan);
	if (verification)
		fact(f, id, "verification", verification);
}

static void a_claim_is_judged_by_the_plan_that_followed_it(void **state)
{
	fixture *f = *state;
	ns_claimed *c;
	size_t n;
	int64_t id = open_incident(f, "web");
	claim(f, id, "{\"model\":\"m1\",\"action\":\"rollback\",\"claimed\":0.95}", "{\"action\":\"rollback\"}", NULL);
	OK(f, ns_store_claimed(f->s, f->ar, 10, &c, &n, &f->err));
	assert_int_equal(n, 0); /* nothing came of it yet */
	claim(f, id, "{\"model\":\"m1\",\"action\":\"rollback\",\"claimed\":0.9}", "{\"action\":\"rollback\"}", "{\"verdict\":\"NOT FIXED\"}");
	claim(f, id, "{\"model\":\"m2\",\"action\":\"scale\",\"claimed\":0.8}", "{\"action\":\"rollback\"}", "{\"verdict\":\"FIXED\"}");
	claim(f, id, "{\"model\":\"offline\",\"action\":\"scale\",\"claimed\":-1}", "{\"action\":\"scale\"}", "{\"verdict\":\"FIXED\"}");
	claim(f, id, "{\"model\":\"m2\",\"action\":\"scale\",\"claimed\":0.8}", "{\"action\":\"scale\"}", "{\"verdict\":\"FIXED\"}");
	OK(f, ns_store_claimed(f->s, f->ar, 10, &c, &n, &f->err));
	assert_int_equal(n, 2); /* not the one whose plan was another, not the one without a model */
	assert_string_equal(c[0].model, "m1");
	assert_string_equal(c[0].confidence, "0.9");
	assert_true(c[0].verdict == NS_VERDICT_NOT_FIXED && c[1].verdict == NS_VERDICT_FIXED);
	assert_string_equal(c[1].action, "scale");
	OK(f, ns_store_claimed(f->s, f->ar, 1, &c, &n, &f->err));
	assert_int_equal(n, 1);
	assert_string_equal(c[0].model, "m2"); /* the newest */
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(vectors_by_content_model_and_dimension),
	    T(stale_vectors_go),
	    T(a_store_of_the_first_version_goes_on),
	    T(verdicts_belong_to_their_plan),
	    T(a_claim_is_judged_by_the_plan_that_followed_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
