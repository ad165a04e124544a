/* The audit is append-only, and whoever goes around us with another SQLite is found out (law 13). */
#include "store/fixture.h"

#define UNLOCK "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; "

static bool audit_put(fixture *f, const char *actor, const char *action, int64_t incident, const cJSON *detail, char *head)
{
	return ns_store_audit(f->s, &(ns_audit_entry){.actor = actor, .action = action, .incident = incident, .detail = detail}, head, NULL, &f->err);
}

static void say(fixture *f, int64_t incident, const char *action, char *head)
{
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "note", action);
	TX(f, audit_put(f, "uid 1000 (kim)", action, incident, detail, head));
	cJSON_Delete(detail);
}

/* Five rows; the head after the third and the last. */
static void fill(fixture *f, char third[NS_HEX256], char last[NS_HEX256])
{
	static const char *const actions[] = {"detected", "analyzed", "approved", "started", "resolved"};
	for (int i = 0; i < 5; i++) {
		ns_clock_advance(f->clock, 1);
		say(f, i % 2 + 1, actions[i], i == 2 ? third : last);
	}
}

static void a_whole_chain_verifies(void **state)
{
	fixture *f = *state;
	char third[NS_HEX256], last[NS_HEX256], head[NS_HEX256], empty[NS_HEX256];
	int64_t rows;
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, empty, &f->err));
	assert_int_equal(rows, 0);
	fill(f, third, last);
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, head, &f->err));
	assert_int_equal(rows, 5);
	assert_string_equal(head, last);
	OK(f, ns_store_audit_verify(f->s, third, &rows, head, &f->err));
	OK(f, ns_store_audit_verify(f->s, last, &rows, head, &f->err));
	OK(f, ns_store_audit_verify(f->s, empty, &rows, head, &f->err)); /* anchored before the first row */
	FAILS(f, NS_E_INVALID, ns_store_audit_verify(f->s, DIGEST_A, &rows, head, &f->err));
	assert_int_equal(rows, 5);
	fixture_reopen(f);
	say(f, 1, "again", NULL); /* the chain goes on after a restart; detail and head may be NULL */
	TX(f, audit_put(f, "engine", "stop", 0, NULL, NULL));
	OK(f, ns_store_audit_verify(f->s, last, &rows, head, &f->err));
	assert_int_equal(rows, 7);
}

static void rows_are_read_in_order(void **state)
{
	fixture *f = *state;
	char head[NS_HEX256], last[NS_HEX256];
	ns_audit_row *rows;
	size_t n;
	fill(f, head, last);
	OK(f, ns_store_audit_rows(f->s, f->ar, 0, 100, &rows, &n, &f->err));
	assert_int_equal(n, 5);
	assert_int_equal(rows[0].seq, 1);
	assert_int_equal(rows[0].at_ms, WALL0 + 1);
	assert_int_equal(rows[0].incident, 1);
	assert_string_equal(rows[0].actor, "uid 1000 (kim)");
	assert_string_equal(rows[0].action, "detected");
	assert_string_equal(rows[0].detail, "{\"note\":\"detected\"}");
	assert_string_equal(rows[4].hash, last);
	OK(f, ns_store_audit_rows(f->s, f->ar, 0, 2, &rows, &n, &f->err)); /* the last two, oldest first */
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].action, "started");
	assert_string_equal(rows[1].action, "resolved");
	OK(f, ns_store_audit_rows(f->s, f->ar, 2, SIZE_MAX, &rows, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].action, "analyzed");
	assert_string_equal(rows[1].action, "started");
}

static void our_own_sql_cannot_change_it(void **state)
{
	fixture *f = *state;
	char head[NS_HEX256];
	say(f, 1, "detected", head);
	assert_true(raw_refused(f, "UPDATE audit SET action = 'x'"));
	assert_true(raw_refused(f, "DELETE FROM audit"));
}

static void every_way_around_it_is_found(void **state)
{
	static const struct {
		const char *sql, *says;
	} ways[] = {
	    {UNLOCK "UPDATE audit SET action = 'rejected' WHERE seq = 3", "row 3"},
	    {UNLOCK "UPDATE audit SET actor = 'uid 0' WHERE seq = 1", "row 1"},
	    {UNLOCK "UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 5", "row 5"},
	    {UNLOCK "UPDATE audit SET incident = 9 WHERE seq = 2", "row 2"},
	    {UNLOCK "UPDATE audit SET detail = NULL WHERE seq = 4", "row 4"},
	    {UNLOCK "UPDATE audit SET detail = '' WHERE seq = 4", "row 4"},
	    {UNLOCK "UPDATE audit SET action = action || char(0) || 'hidden' WHERE seq = 2", "row 2"},
	    {UNLOCK "UPDATE audit SET hash = '" DIGEST_A "' WHERE seq = 2", "row 2"},
	    {UNLOCK "DELETE FROM audit WHERE seq = 3", "row 3 is missing"},
	    {UNLOCK "DELETE FROM audit WHERE seq = 1", "row 1 is missing"},
	    {UNLOCK "DELETE FROM audit WHERE seq = 5", "cut off"},
	    {UNLOCK "DELETE FROM audit", "cut off"},
	    {UNLOCK "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3", "row 3"},
	    {UNLOCK
	        "UPDATE audit SET seq = 9 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 9",
	        "row 2"},
	    {UNLOCK "INSERT INTO audit SELECT 6, at_ms, actor, action, incident, detail, hash, who, digest, before, after, facts FROM audit WHERE seq = 5", "row 6"},
	    {UNLOCK "INSERT INTO audit SELECT 0, at_ms, actor, action, incident, detail, hash, who, digest, before, after, facts FROM audit WHERE seq = 1", "row 0"},
	    /* A table of our name without the types: text in a number would read as the number. */
	    {"CREATE TABLE a AS SELECT seq, CAST(at_ms AS TEXT) || 'x' AS at_ms, actor, action, incident, detail, hash, who, digest, before, after, facts FROM audit;"
	     "DROP TABLE audit; ALTER TABLE a RENAME TO audit",
	        "row 1 was not written by this program"},
	};
	for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
		fixture g;
		char third[NS_HEX256], last[NS_HEX256], head[NS_HEX256];
		int64_t rows;
		fixture_dir(&g);
		fixture_open(&g);
		fill(&g, third, last);
		raw_sql(&g, ways[k].sql);
		FAILS(&g, NS_E_INVALID, ns_store_audit_verify(g.s, last, &rows, head, &g.err));
		if (!strstr(g.err.text, ways[k].says))
			fail_msg("%s\n  says: %s", ways[k].sql, g.err.text);
		fixture_end(&g);
	}
}

/* Who can compute hashes can make the whole chain anew; the anchor outside is what he cannot make. */
static void a_chain_made_anew_lacks_the_anchor(void **state)
{
	fixture *f = *state;
	char third[NS_HEX256], last[NS_HEX256], head[NS_HEX256];
	int64_t rows;
	fill(f, third, last);
	raw_sql(f, UNLOCK "DELETE FROM audit");
	say(f, 1, "nothing happened", NULL);
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, head, &f->err));
	FAILS(f, NS_E_INVALID, ns_store_audit_verify(f->s, last, &rows, head, &f->err));
}

static void secrets_are_not_kept_for_ever(void **state)
{
	fixture *f = *state;
	static const struct {
		const char *json, *kept;
	} cases[] = {
	    {"{\"command\":\"set env PASSWORD=hunter2\",\"digest\":\"" DIGEST_A "\"}",
	        "{\"command\":\"set env PASSWORD=[redacted:password]\",\"digest\":\"" DIGEST_A "\"}"},
	    {"{\"token\":1234567890}", "\"{\\\"token\\\":[redacted:token]}\""},
	};
	for (size_t i = 0; i < 2; i++) {
		cJSON *detail = ns_json_parse(cases[i].json, strlen(cases[i].json), &ns_json_strict, &f->err);
		assert_non_null(detail);
		TX(f, audit_put(f, "engine", "started", 1, detail, NULL));
		cJSON_Delete(detail);
		ns_audit_row *rows;
		size_t n;
		OK(f, ns_store_audit_rows(f->s, f->ar, 0, 1, &rows, &n, &f->err));
		assert_string_equal(rows[0].detail, cases[i].kept);
	}
	int64_t rows;
	char head[NS_HEX256];
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, head, &f->err));
}

static void verification_needs_no_engine(void **state)
{
	fixture *f = *state;
	char third[NS_HEX256], last[NS_HEX256], head[NS_HEX256];
	int64_t rows;
	fill(f, third, last);
	ns_store *ro = ns_store_open_readonly(f->dir, f->clock, &f->err);
	assert_non_null(ro);
	OK(f, ns_store_audit_verify(ro, last, &rows, head, &f->err)); /* beside a living engine */
	FAILS(f, NS_E_DENIED, ns_store_begin(ro, &f->err));
	ns_store_close(ro);
	ns_store_close(f->s);
	ro = ns_store_open_readonly(f->dir, f->clock, &f->err);
	assert_non_null(ro);
	OK(f, ns_store_audit_verify(ro, last, &rows, head, &f->err));
	ns_store_close(ro);
	fixture_open(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_whole_chain_verifies),
	    T(rows_are_read_in_order),
	    T(our_own_sql_cannot_change_it),
	    cmocka_unit_test(every_way_around_it_is_found),
	    T(a_chain_made_anew_lacks_the_anchor),
	    T(secrets_are_not_kept_for_ever),
	    T(verification_needs_no_engine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
