/* The record of an incident: transactions, identity, states and their stamps, facts. */
#include "store/fixture.h"

/* ---- transactions ---- */
static void begin_twice_is_an_error(void **state)
{
	fixture *f = *state;
	OK(f, ns_store_begin(f->s, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_commit(f->s, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_commit(f->s, &f->err));
	ns_store_rollback(f->s); /* without one: nothing happens */
}

/* From begin on nobody else writes, another process neither: what was read stays true until the commit. */
static void a_transaction_has_the_file_from_its_beginning(void **state)
{
	fixture *f = *state;
	OK(f, ns_store_begin(f->s, &f->err));
	assert_true(raw_refused(f, "CREATE TABLE other (a)"));
	OK(f, ns_store_commit(f->s, &f->err));
	assert_false(raw_refused(f, "CREATE TABLE other (a)"));
}

static void writes_need_a_transaction(void **state)
{
	fixture *f = *state;
	ns_alert a = alert_of("web");
	ns_intent i = {.incident = 1};
	ns_breaker_row b = {.scope = "cluster:c1", .state = "open"};
	int64_t id;
	bool is_new;
	FAILS(f, NS_E_FAILED, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_transition(f->s, 1, NS_ST_DETECTED, 1, NS_ST_ANALYZING, NS_VERDICT_NONE, "", &f->err));
	FAILS(f, NS_E_FAILED, ns_store_job_put(f->s, 1, "plan", 0, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_approval_decide(f->s, 1, NS_APPR_REJECTED, NULL, "x", "cli", "", &f->err));
	FAILS(f, NS_E_FAILED, ns_store_intent_start(f->s, &i, &id, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_breaker_put(f->s, &b, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_audit(f->s, &(ns_audit_entry){.actor = "a", .action = "b"}, NULL, NULL, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_meta_set(f->s, "k", "v", &f->err));
}

static void a_transaction_sees_itself_and_rolls_back(void **state)
{
	fixture *f = *state;
	ns_alert a = alert_of("web");
	ns_incident inc;
	int64_t id;
	bool is_new;
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
	OK(f, ns_store_incident_get(f->s, f->ar, id, &inc, &f->err));
	ns_store_rollback(f->s);
	FAILS(f, NS_E_NOTFOUND, ns_store_incident_get(f->s, f->ar, id, &inc, &f->err));
	assert_non_null(strstr(f->err.text, "incident 1"));
}

/* A statement that SQLite refused poisons the transaction: it cannot be committed in part. */
static void a_failed_statement_cannot_be_committed_around(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_meta_set(f->s, "before", "1", &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_job_put(f->s, id + 99, "plan", 0, &f->err)); /* no such incident */
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_set(f->s, "after", "1", &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_commit(f->s, &f->err));
	const char *v;
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_get(f->s, f->ar, "before", &v, &f->err));
	TX(f, ns_store_meta_set(f->s, "again", "1", &f->err));
}

/* ---- incidents ---- */
static void one_identity_has_one_open_incident(void **state)
{
	fixture *f = *state;
	ns_alert a = alert_of("web");
	int64_t first, second;
	bool is_new;
	TX(f, ns_store_incident_open(f->s, &a, &first, &is_new, &f->err));
	assert_true(is_new);
	TX(f, ns_store_incident_open(f->s, &a, &second, &is_new, &f->err));
	assert_false(is_new);
	assert_int_equal(first, second);
	/* The index refuses what no code path should try. */
	assert_true(raw_refused(f,
	    "INSERT INTO incidents (identity, state, kind, severity, cluster, ns, owner_kind, name, uid, container,"
	    " reason, message, members, opened_ms, updated_ms, detected_ms) SELECT identity, state, kind, severity, cluster, ns,"
	    " owner_kind, name, uid, container, reason, message, members, opened_ms, updated_ms, detected_ms FROM incidents"));
	move(f, first, NS_ST_ANALYZING);
	move(f, first, NS_ST_WITHDRAWN); /* closed: the identity is free */
	TX(f, ns_store_incident_open(f->s, &a, &second, &is_new, &f->err));
	assert_true(is_new);
	assert_int_not_equal(first, second);
	ns_incident inc;
	OK(f, ns_store_incident_by_identity(f->s, f->ar, incident_of(f, first).identity, &inc, &f->err));
	assert_int_equal(inc.id, second);
	FAILS(f, NS_E_NOTFOUND, ns_store_incident_by_identity(f->s, f->ar, "c1/none", &inc, &f->err));
}

static void an_incident_comes_back_as_it_was_put_in(void **state)
{
	fixture *f = *state;
	ns_alert a = alert_of("web");
	ns_incident i = incident_of(f, open_incident(f, "web"));
	char identity[256];
	ns_identity(&a, identity, sizeof identity);
	assert_string_equal(i.identity, identity);
	assert_int_equal(i.state, NS_ST_DETECTED);
	assert_int_equal(i.version, 1);
	assert_int_equal(i.kind, NS_KIND_OOM_KILLED);
	assert_int_equal(i.severity, NS_SEV_WARN);
	assert_string_equal(i.target.cluster, "c1");
	assert_string_equal(i.target.ns, "shop");
	assert_string_equal(i.target.kind, "Deployment");
	assert_string_equal(i.target.name, "web");
	assert_string_equal(i.target.uid, "uid-1");
	assert_string_equal(i.container, "app");
	assert_string_equal(i.reason, "OOMKilled");
	assert_string_equal(i.message, "killed");
	assert_int_equal(i.members, 3);
	assert_int_equal(i.opened_ms, WALL0);
	assert_int_equal(i.detected_ms, WALL0);
	assert_int_equal(i.closed_ms + i.analyzed_ms + i.planned_ms + i.decided_ms + i.executed_ms + i.verified_ms + i.attempts, 0);
	assert_int_equal(i.verdict, NS_VERDICT_NONE);
	assert_string_equal(i.note, "");
	assert_string_equal(i.last_rejected_case, "");
}

static void refresh_changes_neither_state_nor_version(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	ns_alert a = alert_of("web");
	a.n_pods = 1;
	a.reason = "Error";
	a.message = "now this";
	a.severity = NS_SEV_CRIT;
	ns_clock_advance(f->clock, 10);
	TX(f, ns_store_incident_refresh(f->s, id, &a, &f->err));
	ns_incident i = incident_of(f, id);
	assert_int_equal(i.members, 1);
	assert_string_equal(i.reason, "Error");
	assert_string_equal(i.message, "now this");
	assert_int_equal(i.severity, NS_SEV_CRIT);
	assert_int_equal(i.version, 1);
	assert_int_equal(i.updated_ms, WALL0 + 10);
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_incident_refresh(f->s, id + 1, &a, &f->err));
}

static void a_stale_version_or_state_conflicts(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	TX_FAILS(f, NS_E_CONFLICT, ns_store_transition(f->s, id, NS_ST_DETECTED, 2, NS_ST_ANALYZING, NS_VERDICT_NONE, "", &f->err));
	move(f, id, NS_ST_ANALYZING);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_transition(f->s, id, NS_ST_DETECTED, 1, NS_ST_ANALYZING, NS_VERDICT_NONE, "", &f->err));
	assert_non_null(strstr(f->err.text, "is analyzing (version 2) now"));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_transition(f->s, id + 1, NS_ST_DETECTED, 1, NS_ST_ANALYZING, NS_VERDICT_NONE, "", &f->err));
	TX_FAILS(f, NS_E_FAILED, ns_store_transition(f->s, id, NS_ST_ANALYZING, 2, NS_ST_EXECUTING, NS_VERDICT_NONE, "", &f->err));
	assert_int_equal(incident_of(f, id).version, 2);
}

/* The store refuses exactly what the table of edges refuses. */
static void every_edge_as_in_the_table(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	char sql[128];
	for (ns_state from = 0; from < NS_ST_COUNT; from++) {
		for (ns_state to = 0; to < NS_ST_COUNT; to++) {
			snprintf(
			    sql, sizeof sql, "UPDATE incidents SET state = '%s', version = 7, closed_ms = 0", ns_state_get(from)->name);
			raw_sql(f, sql);
			OK(f, ns_store_begin(f->s, &f->err));
			ns_err_clear(&f->err);
			bool went = ns_store_transition(f->s, id, from, 7, to, NS_VERDICT_NONE, "", &f->err);
			assert_int_equal(went, ns_state_may(from, to));
			assert_int_equal(f->err.code, went ? NS_OK : NS_E_FAILED);
			OK(f, ns_store_commit(f->s, &f->err));
			ns_incident i = incident_of(f, id);
			assert_int_equal(i.state, went ? to : from);
			assert_int_equal(i.version, went ? 8 : 7);
			assert_int_equal(i.closed_ms != 0, went && ns_state_get(to)->closed);
		}
	}
}

static void go(fixture *f, int64_t id, ns_state to)
{
	ns_clock_advance(f->clock, 100);
	move(f, id, to);
}

static void stages_are_stamped_as_they_end(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	go(f, id, NS_ST_ANALYZING);         /* 100 */
	go(f, id, NS_ST_PLANNING);          /* 200 */
	go(f, id, NS_ST_AWAITING_APPROVAL); /* 300 */
	go(f, id, NS_ST_EXECUTING);         /* 400 */
	go(f, id, NS_ST_VERIFYING);         /* 500 */
	ns_incident i = incident_of(f, id);
	assert_int_equal(i.detected_ms, WALL0);
	assert_int_equal(i.analyzed_ms, WALL0 + 200);
	assert_int_equal(i.planned_ms, WALL0 + 300);
	assert_int_equal(i.decided_ms, WALL0 + 400);
	assert_int_equal(i.executed_ms, WALL0 + 500);
	assert_int_equal(i.verified_ms, 0);
	go(f, id, NS_ST_PLANNING); /* 600: a re-plan forgets the later stages, not the analysis */
	i = incident_of(f, id);
	assert_int_equal(i.analyzed_ms, WALL0 + 200);
	assert_int_equal(i.planned_ms + i.decided_ms + i.executed_ms + i.verified_ms, 0);
	go(f, id, NS_ST_EXECUTING); /* 700: auto, planned and decided at once */
	go(f, id, NS_ST_VERIFYING); /* 800 */
	go(f, id, NS_ST_RESOLVED);  /* 900 */
	i = incident_of(f, id);
	assert_int_equal(i.planned_ms, WALL0 + 700);
	assert_int_equal(i.decided_ms, WALL0 + 700);
	assert_int_equal(i.executed_ms, WALL0 + 800);
	assert_int_equal(i.verified_ms, WALL0 + 900);
	assert_int_equal(i.closed_ms, WALL0 + 900);
	assert_int_equal(i.version, 10);
	id = open_incident(f, "api");
	move(f, id, NS_ST_ANALYZING);
	move(f, id, NS_ST_PLANNING);
	move(f, id, NS_ST_EXECUTING);
	move(f, id, NS_ST_AWAITING_APPROVAL); /* asked again: the decision is open */
	assert_int_equal(incident_of(f, id).decided_ms, 0);
	assert_int_not_equal(incident_of(f, id).planned_ms, 0);
}

static void other_ends_are_stamped_too(void **state)
{
	fixture *f = *state;
	static const struct {
		const char *name;
		ns_state to;
		bool decided;
	} ends[] = {{"a", NS_ST_REJECTED, true}, {"b", NS_ST_EXPIRED, true}, {"c", NS_ST_WITHDRAWN, false}};
	for (size_t k = 0; k < 3; k++) {
		int64_t id = open_incident(f, ends[k].name);
		move(f, id, NS_ST_ANALYZING);
		move(f, id, NS_ST_PLANNING);
		move(f, id, NS_ST_AWAITING_APPROVAL);
		move(f, id, ends[k].to);
		ns_incident i = incident_of(f, id);
		assert_int_equal(i.decided_ms != 0, ends[k].decided);
		assert_int_equal(i.closed_ms != 0, ns_state_get(ends[k].to)->closed);
	}
	int64_t id = open_incident(f, "d");
	move(f, id, NS_ST_ANALYZING);
	move(f, id, NS_ST_PLANNING);
	move(f, id, NS_ST_MANUAL_REVIEW);
	assert_int_not_equal(incident_of(f, id).planned_ms, 0);
}

static void verdict_note_and_bookkeeping(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	TX(f, ns_store_transition(f->s, id, NS_ST_DETECTED, 1, NS_ST_MANUAL_REVIEW, NS_VERDICT_UNKNOWN, "nobody knows", &f->err));
	TX(f, ns_store_incident_set(f->s, id, 2, WALL0 + 9000, "hash", &f->err));
	ns_incident i = incident_of(f, id);
	assert_int_equal(i.verdict, NS_VERDICT_UNKNOWN);
	assert_string_equal(i.note, "nobody knows");
	assert_int_equal(i.attempts, 2);
	assert_int_equal(i.cooldown_until_ms, WALL0 + 9000);
	assert_string_equal(i.last_rejected_case, "hash");
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_incident_set(f->s, id + 1, 0, 0, "", &f->err));
}

static void only_an_end_gives_its_identity_back(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	TX_FAILS(f, NS_E_FAILED, ns_store_incident_close_identity(f->s, id, &f->err));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_incident_close_identity(f->s, id + 1, &f->err));
	move(f, id, NS_ST_MANUAL_REVIEW);
	ns_clock_advance(f->clock, 5);
	TX(f, ns_store_incident_close_identity(f->s, id, &f->err));
	ns_clock_advance(f->clock, 5);
	TX(f, ns_store_incident_close_identity(f->s, id, &f->err)); /* again changes nothing */
	ns_incident i = incident_of(f, id);
	assert_int_equal(i.state, NS_ST_MANUAL_REVIEW);
	assert_int_equal(i.closed_ms, WALL0 + 5);
	assert_int_not_equal(open_incident(f, "web"), id);
}

static void the_list_never_cuts_off_what_is_open(void **state)
{
	fixture *f = *state;
	char name[16];
	ns_incident *list;
	size_t n;
	OK(f, ns_store_incidents(f->s, f->ar, 10, &list, &n, &f->err));
	assert_int_equal(n, 0);
	for (int k = 1; k <= 8; k++) { /* 1..8, the even ones closed */
		snprintf(name, sizeof name, "w%d", k);
		int64_t id = open_incident(f, name);
		if (k % 2 == 0) {
			move(f, id, NS_ST_ANALYZING);
			move(f, id, NS_ST_WITHDRAWN);
		}
	}
	static const struct {
		size_t max, n;
		int64_t ids[8];
	} want[] = {{100, 8, {7, 5, 3, 1, 8, 6, 4, 2}}, {6, 6, {7, 5, 3, 1, 8, 6}}, {2, 4, {7, 5, 3, 1}}, {0, 4, {7, 5, 3, 1}}};
	for (size_t k = 0; k < sizeof want / sizeof want[0]; k++) {
		OK(f, ns_store_incidents(f->s, f->ar, want[k].max, &list, &n, &f->err));
		assert_int_equal(n, want[k].n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(list[i].id, want[k].ids[i]);
	}
	OK(f, ns_store_incidents(f->s, f->ar, SIZE_MAX, &list, &n, &f->err));
	assert_int_equal(n, 8);
}

static void an_unknown_word_in_a_row_is_an_error(void **state)
{
	fixture *f = *state;
	ns_incident inc;
	int64_t id = open_incident(f, "web");
	raw_sql(f, "UPDATE incidents SET state = 'dreaming'");
	FAILS(f, NS_E_INVALID, ns_store_incident_get(f->s, f->ar, id, &inc, &f->err));
	assert_non_null(strstr(f->err.text, "dreaming"));
}

static void an_identity_too_long_to_keep_is_refused(void **state)
{
	fixture *f = *state;
	char name[4000];
	int64_t id;
	bool is_new;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	ns_alert a = alert_of(name);
	TX_FAILS(f, NS_E_TOOBIG, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
}

/* ---- facts ---- */
static void put_fact(fixture *f, int64_t id, const char *name, int64_t v)
{
	cJSON *doc = cJSON_CreateObject();
	ns_json_put_int(doc, "v", v);
	TX(f, ns_store_fact_put(f->s, id, name, doc, &f->err));
	cJSON_Delete(doc);
}

static void facts_keep_their_order(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web"), other = open_incident(f, "api"), at, v;
	put_fact(f, id, "plan", 1);
	put_fact(f, other, "plan", 9);
	put_fact(f, id, "rca", INT64_MAX);
	ns_clock_advance(f->clock, 7);
	put_fact(f, id, "plan", 2);
	cJSON *doc = ns_store_fact_latest(f->s, id, "plan", &at, &f->err);
	assert_true(ns_json_int(doc, "v", &v));
	assert_int_equal(v, 2);
	assert_int_equal(at, WALL0 + 7);
	cJSON_Delete(doc);
	doc = ns_store_fact_latest(f->s, id, "rca", NULL, &f->err);
	assert_true(ns_json_int(doc, "v", &v));
	assert_true(v == INT64_MAX); /* exact above 2^53 */
	cJSON_Delete(doc);
	FAILS(f, NS_E_NOTFOUND, ns_store_fact_latest(f->s, id, "gate", &at, &f->err));
	ns_fact_row *rows;
	size_t n;
	OK(f, ns_store_facts(f->s, f->ar, id, &rows, &n, &f->err));
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].name, "plan");
	assert_string_equal(rows[0].json, "{\"v\":1}");
	assert_string_equal(rows[1].name, "rca");
	assert_string_equal(rows[2].json, "{\"v\":2}");
	assert_true(rows[0].seq < rows[1].seq && rows[1].seq < rows[2].seq);
}

static void put_text(fixture *f, int64_t id, const char *name, const char *text)
{
	cJSON *doc = ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
	assert_non_null(doc);
	TX(f, ns_store_fact_put(f->s, id, name, doc, &f->err));
	cJSON_Delete(doc);
}

/* Only what was sent counts, each with the plan before it; what cannot be read is no "nothing was sent". */
static void an_execution_belongs_to_the_plan_before_it(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web"), bare = open_incident(f, "api"), torn = open_incident(f, "job");
	ns_sent_plan *sent;
	size_t n, made;
	OK(f, ns_store_sent_plans(f->s, f->ar, id, &sent, &n, &made, &f->err));
	assert_int_equal(n + made, 0);
	put_text(f, id, "plan", "{\"action\":\"rollback\",\"risk\":\"low\",\"requires_approval\":true}");
	put_text(f, id, "execution", "{\"sent\":false}");
	put_text(f, id, "plan", "{\"action\":\"scale\",\"risk\":\"low\",\"requires_approval\":true}");
	put_text(f, id, "execution", "{\"sent\":true,\"unknown\":true}");
	put_text(f, id, "plan", "{\"action\":\"patch_resources\",\"risk\":\"low\",\"requires_approval\":true}");
	put_text(f, id, "execution", "{\"sent\":true}");
	put_text(f, id, "plan", "{\"action\":\"rollback\",\"risk\":\"low\",\"requires_approval\":true}");
	OK(f, ns_store_sent_plans(f->s, f->ar, id, &sent, &n, &made, &f->err));
	assert_int_equal(made, 4);
	assert_int_equal(n, 2);
	assert_int_equal(sent[0].plan->action, NS_ACT_SCALE);
	assert_true(sent[0].unknown);
	assert_int_equal(sent[1].plan->action, NS_ACT_PATCH_RESOURCES);
	assert_false(sent[1].unknown);
	assert_false(sent[0].refused || sent[1].refused);
	put_text(f, id, "execution", "{\"sent\":true,\"conflict\":true}"); /* the object had moved: sent, and nothing made of it */
	OK(f, ns_store_sent_plans(f->s, f->ar, id, &sent, &n, &made, &f->err));
	assert_int_equal(n, 3);
	assert_true(sent[2].refused && !sent[2].unknown);
	put_text(f, bare, "execution", "{\"sent\":true}");
	FAILS(f, NS_E_INVALID, ns_store_sent_plans(f->s, f->ar, bare, &sent, &n, &made, &f->err));
	put_text(f, torn, "plan", "{\"action\":\"scale\"}");
	put_text(f, torn, "execution", "{\"sent\":true}");
	FAILS(f, NS_E_INVALID, ns_store_sent_plans(f->s, f->ar, torn, &sent, &n, &made, &f->err));
}

static void facts_are_never_changed(void **state)
{
	fixture *f = *state;
	int64_t id = open_incident(f, "web");
	put_fact(f, id, "plan", 1);
	assert_true(raw_refused(f, "UPDATE facts SET json = '{}'"));
	assert_true(raw_refused(f, "DELETE FROM facts"));
	cJSON *doc = cJSON_CreateObject();
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_fact_put(f->s, id + 1, "plan", doc, &f->err));
	cJSON_AddItemToObject(doc, "big", cJSON_CreateString(""));
	char *big = malloc(17u << 20);
	memset(big, 'x', (17u << 20) - 1);
	big[(17u << 20) - 1] = 0;
	ns_json_put_str(doc, "big2", big);
	free(big);
	TX_FAILS(f, NS_E_TOOBIG, ns_store_fact_put(f->s, id, "plan", doc, &f->err));
	cJSON_Delete(doc);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(begin_twice_is_an_error),
	    T(a_transaction_has_the_file_from_its_beginning),
	    T(writes_need_a_transaction),
	    T(a_transaction_sees_itself_and_rolls_back),
	    T(a_failed_statement_cannot_be_committed_around),
	    T(one_identity_has_one_open_incident),
	    T(an_incident_comes_back_as_it_was_put_in),
	    T(refresh_changes_neither_state_nor_version),
	    T(a_stale_version_or_state_conflicts),
	    T(every_edge_as_in_the_table),
	    T(stages_are_stamped_as_they_end),
	    T(other_ends_are_stamped_too),
	    T(verdict_note_and_bookkeeping),
	    T(only_an_end_gives_its_identity_back),
	    T(the_list_never_cuts_off_what_is_open),
	    T(an_unknown_word_in_a_row_is_an_error),
	    T(an_identity_too_long_to_keep_is_refused),
	    T(facts_keep_their_order),
	    T(an_execution_belongs_to_the_plan_before_it),
	    T(facts_are_never_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
