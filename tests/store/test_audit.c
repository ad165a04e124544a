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

/* ---- who, what was touched, and the facts ---- */

/* Two incidents with facts between their rows; the second row of the first stands for the facts "plan" and "gate". */
static void fill_whole(fixture *f)
{
	int64_t a = open_incident(f, "web"), b = open_incident(f, "api");
	cJSON *who = cJSON_CreateObject(), *before = cJSON_CreateObject(), *after = cJSON_CreateObject(), *doc = cJSON_CreateObject();
	ns_json_put_int(who, "uid", 1000);
	ns_json_put_str(before, "spec.replicas", "2");
	ns_json_put_str(after, "spec.replicas", "3");
	ns_json_put_str(doc, "password", "hunter2secret");
	static const struct { int incident; const char *fact, *action; } steps[] = {
	    {0, "alert", "detected"}, {1, "alert", NULL}, {0, "plan", NULL}, {1, "case", "detected"}, {0, "gate", "started"}, {0, NULL, "outcome"}};
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		int64_t id = steps[i].incident ? b : a;
		ns_audit_entry e = {.actor = "gate", .action = steps[i].action, .incident = id, .who = who, .digest = DIGEST_A, .before = before, .after = after, .detail = doc};
		ns_clock_advance(f->clock, 1);
		if (steps[i].fact)
			TX(f, ns_store_fact_put(f->s, id, steps[i].fact, who, &f->err));
		if (steps[i].action)
			TX(f, ns_store_audit(f->s, &e, NULL, NULL, &f->err));
	}
	cJSON_Delete(who);
	cJSON_Delete(before);
	cJSON_Delete(after);
	cJSON_Delete(doc);
}

static void a_row_says_who_and_what(void **state)
{
	fixture *f = *state;
	ns_audit_row *rows;
	ns_audit_proof p;
	size_t n;
	fill_whole(f);
	OK(f, ns_store_audit_rows(f->s, f->ar, 1, 10, &rows, &n, &f->err));
	assert_int_equal(n, 3);
	assert_string_equal(rows[1].who, "{\"uid\":1000}");
	assert_string_equal(rows[1].digest, DIGEST_A);
	assert_string_equal(rows[1].before, "{\"spec.replicas\":\"2\"}");
	assert_string_equal(rows[1].after, "{\"spec.replicas\":\"3\"}");
	assert_null(strstr(rows[1].detail, "hunter2"));
	assert_memory_equal(rows[0].facts, "1-1:", 4);
	assert_memory_equal(rows[1].facts, "2-5:", 4); /* its own two of them */
	assert_string_equal(rows[2].facts, "");
	OK(f, ns_store_audit_prove(f->s, NULL, 0, &p, &f->err));
	assert_int_equal(p.rows, 4);
	assert_int_equal(p.facts, 5);
	assert_int_equal(p.first_form, 0);
}

static void what_the_rows_stand_for_is_held_to_them(void **state)
{
#define FREE_FACTS "DROP TRIGGER facts_no_update; DROP TRIGGER facts_no_delete; "
	static const struct {
		const char *sql, *says;
	} ways[] = {
	    {UNLOCK "UPDATE audit SET who = '{\"uid\":0}' WHERE seq = 3", "row 3 does not match its hash: its content was changed after"},
	    {UNLOCK "UPDATE audit SET who = NULL WHERE seq = 3", "row 3 was not written"},
	    {UNLOCK "UPDATE audit SET who = NULL, digest = NULL, before = NULL, after = NULL, facts = NULL WHERE seq = 3", "row 3 does not match its hash"},
	    {UNLOCK "UPDATE audit SET digest = '" DIGEST_B "' WHERE seq = 3", "row 3 does not match its hash: its content"},
	    {UNLOCK "UPDATE audit SET before = after, after = before WHERE seq = 3", "row 3 does not match its hash: its content"},
	    {UNLOCK "UPDATE audit SET after = NULL WHERE seq = 4", "row 4"},
	    {UNLOCK "UPDATE audit SET facts = NULL WHERE seq = 2", "row 2 does not match its hash: its content"},
	    {UNLOCK "UPDATE audit SET hash = '" DIGEST_A "' WHERE seq = 2", "row 2 does not match its hash: its content or its hash"},
	    {FREE_FACTS "UPDATE facts SET json = '{\"uid\":7}' WHERE seq = 3", "row 3 stands for the facts 2 to 5 of incident 1"},
	    {FREE_FACTS "UPDATE facts SET name = 'rca' WHERE seq = 5", "row 3 stands for"},
	    {FREE_FACTS "UPDATE facts SET at_ms = at_ms + 1 WHERE seq = 1", "row 1 stands for"},
	    {FREE_FACTS "DELETE FROM facts WHERE seq = 4", "row 2 stands for the facts 1 to 4 of incident 2"},
	    {FREE_FACTS "UPDATE facts SET incident = 1 WHERE seq = 2", "row 2 stands for"},
	};
	for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
		fixture g;
		ns_audit_proof p;
		fixture_dir(&g);
		fixture_open(&g);
		fill_whole(&g);
		OK(&g, ns_store_audit_prove(g.s, NULL, 0, &p, &g.err));
		raw_sql(&g, ways[k].sql);
		FAILS(&g, NS_E_INVALID, ns_store_audit_prove(g.s, NULL, 0, &p, &g.err));
		if (!strstr(g.err.text, ways[k].says))
			fail_msg("%s\n  says: %s", ways[k].sql, g.err.text);
		fixture_end(&g);
	}
}

/* As the version before wrote them: no who, and one hash over all of it. */
static void rows_of_the_first_form_still_hold(void **state)
{
	fixture *f = *state;
	char prev[NS_HEX256], hash[NS_HEX256];
	ns_audit_proof p;
	int64_t id = open_incident(f, "web");
	memcpy(prev, ns_audit_genesis, sizeof prev);
	for (int i = 1; i <= 3; i++) {
		ns_audit_row r = {.seq = i, .at_ms = WALL0, .incident = id, .actor = "engine", .action = "detected", .detail = i == 2 ? NULL : "{\"a\":1}"};
		ns_audit_row_hash(prev, &r, hash);
		memcpy(prev, hash, sizeof prev);
		char *sql = ns_xasprintf("INSERT INTO audit (seq, at_ms, actor, action, incident, detail, hash) VALUES (%d, %lld, 'engine', 'detected', %lld, %s, '%s')", i,
		    (long long)WALL0, (long long)id, i == 2 ? "NULL" : "'{\"a\":1}'", hash);
		raw_sql(f, sql);
		free(sql);
	}
	/* Computed by hand, so that the form cannot change unnoticed. */
	ns_digest *d = ns_digest_new();
	static const char *const fields[][2] = {{"prev", ns_audit_genesis}, {"seq", "1"}, {"at", "1790000000000"}, {"actor", "engine"}, {"action", "detected"},
	    {"incident", "1"}, {"detail", "{\"a\":1}"}};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		ns_digest_field(d, fields[i][0], fields[i][1]);
	ns_digest_finish(d, hash);
	char *same = ns_xasprintf("SELECT count(*) FROM audit WHERE seq = 1 AND hash = '%s'", hash);
	assert_int_equal(raw_int(f, same), 1);
	free(same);
	say(f, id, "goes on", NULL);
	OK(f, ns_store_audit_prove(f->s, NULL, 0, &p, &f->err));
	assert_int_equal(p.rows, 4);
	assert_int_equal(p.first_form, 3);
	raw_sql(f, UNLOCK "UPDATE audit SET detail = '{\"a\":2}' WHERE seq = 3");
	FAILS(f, NS_E_INVALID, ns_store_audit_prove(f->s, NULL, 0, &p, &f->err));
	assert_non_null(strstr(f->err.text, "row 3"));
	assert_int_equal(p.rows, 2);
}

/* ---- anchors ---- */

static ns_audit_anchor anchor(int64_t seq, const char *hash)
{
	ns_audit_anchor a = {.seq = seq};
	snprintf(a.hash, sizeof a.hash, "%s", hash);
	return a;
}

static void anchors_say_what_is_wrong_with_the_end(void **state)
{
	fixture *f = *state;
	fixture other;
	char third[NS_HEX256], last[NS_HEX256], now[NS_HEX256];
	ns_audit_proof p;
	int64_t seq;
	fill(f, third, last);
	OK(f, ns_store_audit_head(f->s, &seq, now, &f->err));
	assert_int_equal(seq, 5);
	assert_string_equal(now, last);
	const ns_audit_anchor good[] = {anchor(5, last), anchor(0, third), anchor(3, third), anchor(3, third)}; /* in any order, twice */
	OK(f, ns_store_audit_prove(f->s, good, 4, &p, &f->err));
	assert_int_equal(p.anchored, 5);
	const ns_audit_anchor swapped[] = {anchor(3, third), anchor(4, last)};
	FAILS(f, NS_E_INVALID, ns_store_audit_prove(f->s, swapped, 2, &p, &f->err));
	assert_non_null(strstr(f->err.text, "row 4 is not the one that was anchored"));
	assert_non_null(strstr(f->err.text, "made anew after row 3"));

	raw_sql(f, UNLOCK "DELETE FROM audit WHERE seq > 3"); /* cut, or an older copy */
	OK(f, ns_store_audit_prove(f->s, NULL, 0, &p, &f->err));
	FAILS(f, NS_E_INVALID, ns_store_audit_prove(f->s, good, 4, &p, &f->err));
	assert_non_null(strstr(f->err.text, "ends at row 3, before the anchored row 5"));
	assert_int_equal(p.anchored, 3);
	ns_clock_advance(f->clock, 1);
	for (int i = 0; i < 4; i++) /* and written on from there: longer than it was */
		say(f, 1, "nothing happened", NULL);
	FAILS(f, NS_E_INVALID, ns_store_audit_prove(f->s, good, 4, &p, &f->err));
	assert_non_null(strstr(f->err.text, "row 5 is not the one that was anchored"));
	assert_non_null(strstr(f->err.text, "after row 3"));

	fixture_dir(&other); /* another database, whole in itself */
	fixture_open(&other);
	ns_clock_advance(other.clock, 77);
	char x[NS_HEX256], y[NS_HEX256];
	fill(&other, x, y);
	OK(&other, ns_store_audit_prove(other.s, NULL, 0, &p, &other.err));
	FAILS(&other, NS_E_INVALID, ns_store_audit_prove(other.s, good, 4, &p, &other.err));
	fixture_end(&other);
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
	    T(a_row_says_who_and_what),
	    cmocka_unit_test(what_the_rows_stand_for_is_held_to_them),
	    T(rows_of_the_first_form_still_hold),
	    T(anchors_say_what_is_wrong_with_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
