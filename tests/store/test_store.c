/* Every operation of the contract by itself: transactions, incidents, facts, jobs, approvals, intents, breakers, small values. */
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
	FAILS(f, NS_E_FAILED, ns_store_audit(f->s, "a", "b", 0, NULL, NULL, &f->err));
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

/* ---- jobs ---- */
static void jobs_run_once_and_in_order(void **state)
{
	fixture *f = *state;
	ns_job job;
	int64_t a = open_incident(f, "a"), b = open_incident(f, "b");
	assert_int_equal(ns_store_next_due(f->s), -1);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0 + 50, &f->err));
	TX(f, ns_store_job_put(f->s, b, "analyze", WALL0 + 20, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_put(f->s, a, "plan", WALL0, &f->err)); /* one open job of a kind */
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_job_put(f->s, 99, "plan", WALL0, &f->err));
	assert_int_equal(ns_store_next_due(f->s), WALL0 + 20);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, &job, &f->err)); /* not due */
	ns_clock_advance(f->clock, 60);
	OK(f, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	assert_int_equal(job.incident, b);
	assert_string_equal(job.kind, "analyze");
	assert_int_equal(job.attempts, 0);
	assert_int_equal(job.run_after_ms, WALL0 + 20);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_put(f->s, b, "analyze", WALL0, &f->err)); /* claimed is open too */
	TX(f, ns_store_job_done(f->s, job.id, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_done(f->s, job.id, &f->err));
	TX(f, ns_store_job_put(f->s, b, "analyze", WALL0 + 500, &f->err)); /* done makes room */
	OK(f, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	assert_int_equal(job.incident, a);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	assert_int_equal(ns_store_next_due(f->s), WALL0 + 500);
}

static void jobs_are_retried_and_dropped(void **state)
{
	fixture *f = *state;
	ns_job job, again;
	int64_t a = open_incident(f, "a");
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	TX(f, ns_store_job_retry(f->s, job.id, WALL0 + 30, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_retry(f->s, job.id, WALL0 + 30, &f->err));
	ns_clock_advance(f->clock, 30);
	OK(f, ns_store_job_claim(f->s, f->ar, &again, &f->err));
	assert_int_equal(again.id, job.id);
	assert_int_equal(again.attempts, 1);
	TX(f, ns_store_jobs_drop(f->s, a, &f->err));
	/* Its ticket is gone: a step that ends it must not be recorded. */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_done(f->s, job.id, &f->err));
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
}

static void jobs_of_a_dead_engine_return(void **state)
{
	fixture *f = *state;
	ns_job job, again;
	int64_t a = open_incident(f, "a");
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	fixture_reopen(f);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, &again, &f->err));
	OK(f, ns_store_jobs_unclaim(f->s, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, &again, &f->err));
	assert_int_equal(again.id, job.id);
}

static void a_claim_inside_a_transaction_is_an_error(void **state)
{
	fixture *f = *state;
	ns_job job;
	OK(f, ns_store_begin(f->s, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_job_claim(f->s, f->ar, &job, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_jobs_unclaim(f->s, &f->err));
	OK(f, ns_store_commit(f->s, &f->err)); /* and the transaction lives on */
}

/* ---- intents ---- */
static int64_t approved(fixture *f, int64_t incident)
{
	int64_t id;
	TX(f, ns_store_approval_put(f->s, incident, DIGEST_A, 300000, &id, &f->err));
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err));
	return id;
}

static ns_intent intent_of(int64_t incident, int64_t approval, const char *target)
{
	return (ns_intent){.incident = incident,
	    .approval = approval,
	    .digest = DIGEST_A,
	    .action = "scale",
	    .target = target,
	    .cluster = "c1",
	    .argv_json = "[\"-n\",\"shop\"]",
	    .body = "{}",
	    .lock_path = "/run/x.lock",
	    .lease_transitions = 4};
}

static void an_intent_is_finished_once(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), appr = approved(f, inc), id;
	ns_intent i = intent_of(inc, appr, "shop/Deployment/web"), *open, got;
	size_t n;
	TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
	OK(f, ns_store_intents_open(f->s, f->ar, &open, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(open[0].id, id);
	assert_int_equal(open[0].approval, appr);
	assert_string_equal(open[0].digest, DIGEST_A);
	assert_string_equal(open[0].action, "scale");
	assert_string_equal(open[0].target, "shop/Deployment/web");
	assert_string_equal(open[0].cluster, "c1");
	assert_string_equal(open[0].argv_json, "[\"-n\",\"shop\"]");
	assert_string_equal(open[0].body, "{}");
	assert_string_equal(open[0].lock_path, "/run/x.lock");
	assert_int_equal(open[0].lease_transitions, 4);
	assert_int_equal(open[0].started_ms, WALL0);
	assert_false(open[0].finished);
	assert_string_equal(open[0].outcome, "");
	TX(f, ns_store_intent_finish(f->s, id, "sent", "ok", &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_finish(f->s, id, "failed", "", &f->err));
	assert_true(raw_refused(f, "UPDATE intents SET outcome = 'failed'"));
	assert_true(raw_refused(f, "DELETE FROM intents"));
	OK(f, ns_store_intents_open(f->s, f->ar, &open, &n, &f->err));
	assert_int_equal(n, 0);
	OK(f, ns_store_intent_latest(f->s, f->ar, inc, &got, &f->err));
	assert_true(got.finished);
	assert_string_equal(got.outcome, "sent");
	assert_string_equal(got.detail, "ok");
	FAILS(f, NS_E_NOTFOUND, ns_store_intent_latest(f->s, f->ar, inc + 1, &got, &f->err));
}

/* Laws 5, 6 and 8 once more, whatever the engine does. */
static void an_intent_needs_its_own_unused_yes(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), other = open_incident(f, "api"), appr = approved(f, inc), pending, id;
	ns_intent i = intent_of(inc, appr, "shop/Deployment/web");
	TX(f, ns_store_approval_put(f->s, other, DIGEST_A, 1000, &pending, &f->err));
	ns_intent not_yet = intent_of(other, pending, "shop/Deployment/api"), of_other = intent_of(other, appr, "shop/Deployment/api");
	ns_intent changed = i, unknown = intent_of(inc, 999, "shop/Deployment/web");
	changed.digest = DIGEST_B;
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_start(f->s, &not_yet, &id, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_start(f->s, &of_other, &id, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_start(f->s, &changed, &id, &f->err));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_intent_start(f->s, &unknown, &id, &f->err));
	TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
	ns_intent second = intent_of(inc, 0, "shop/Deployment/web"); /* the target is busy */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_start(f->s, &second, &id, &f->err));
	TX(f, ns_store_intent_finish(f->s, id, "unknown", "", &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_intent_start(f->s, &i, &id, &f->err)); /* UNKNOWN is never run again */
	ns_intent undo = changed;
	undo.undo = true;
	TX(f, ns_store_intent_start(f->s, &undo, &id, &f->err));
}

static void a_refused_effect_may_be_sent_again(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id;
	ns_intent i = intent_of(inc, approved(f, inc), "shop/Deployment/web");
	TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
	TX(f, ns_store_intent_finish(f->s, id, "refused", "409", &f->err));
	TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
}

static void intents_are_counted_for_limits(void **state)
{
	fixture *f = *state;
	int64_t id, last, inc = open_incident(f, "web");
	static const char *const targets[] = {"shop/Deployment/a", "shop/Deployment/b", "shop/Deployment/a"};
	for (int k = 0; k < 3; k++) {
		ns_intent i = intent_of(inc, 0, targets[k]);
		i.cluster = k == 1 ? "c2" : "c1";
		TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
		TX(f, ns_store_intent_finish(f->s, id, "sent", "", &f->err));
		ns_clock_advance(f->clock, 1000);
	}
	assert_int_equal(ns_store_intents_since(f->s, NULL, NULL, 0, &last), 3);
	assert_int_equal(last, WALL0 + 2000);
	assert_int_equal(ns_store_intents_since(f->s, NULL, NULL, WALL0 + 1, NULL), 2);
	assert_int_equal(ns_store_intents_since(f->s, "c1", NULL, 0, NULL), 2);
	assert_int_equal(ns_store_intents_since(f->s, NULL, "shop/Deployment/b", 0, &last), 1);
	assert_int_equal(last, WALL0 + 1000);
	assert_int_equal(ns_store_intents_since(f->s, "c2", "shop/Deployment/a", 0, &last), 0);
	assert_int_equal(last, 0);
	raw_sql(f, "ALTER TABLE intents RENAME TO lost");
	assert_true(ns_store_intents_since(f->s, NULL, NULL, 0, &last) == INT64_MAX); /* not known is over any limit */
}

/* ---- breakers, small values ---- */
static void breakers_are_kept(void **state)
{
	fixture *f = *state;
	ns_breaker_row b, *list;
	size_t n;
	OK(f, ns_store_breaker_get(f->s, f->ar, "cluster:c1", &b, &f->err));
	assert_string_equal(b.state, "closed");
	assert_string_equal(b.scope, "cluster:c1");
	ns_breaker_row open = {"cluster:c1", "open", 3, WALL0, 0}, half = {"target:c1/shop/Deployment/web", "half_open", 4, WALL0 + 1, 7};
	TX(f, ns_store_breaker_put(f->s, &open, &f->err));
	TX(f, ns_store_breaker_put(f->s, &half, &f->err));
	fixture_reopen(f);
	OK(f, ns_store_breakers(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(list[1].scope, half.scope);
	assert_string_equal(list[1].state, "half_open");
	assert_int_equal(list[1].failures, 4);
	assert_int_equal(list[1].opened_ms, WALL0 + 1);
	assert_int_equal(list[1].trial_incident, 7);
	open.state = "closed";
	TX(f, ns_store_breaker_put(f->s, &open, &f->err));
	OK(f, ns_store_breakers(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 1);
	open.state = "ajar";
	TX_FAILS(f, NS_E_CONFLICT, ns_store_breaker_put(f->s, &open, &f->err));
	raw_sql(f, "ALTER TABLE breakers RENAME TO lost");
	FAILS(f, NS_E_FAILED, ns_store_breaker_get(f->s, f->ar, "cluster:c1", &b, &f->err)); /* not "closed" */
}

static void small_values(void **state)
{
	fixture *f = *state;
	const char *v;
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_get(f->s, f->ar, "k", &v, &f->err));
	TX(f, ns_store_meta_set(f->s, "k", "one", &f->err));
	TX(f, ns_store_meta_set(f->s, "k", "two", &f->err));
	OK(f, ns_store_meta_get(f->s, f->ar, "k", &v, &f->err));
	assert_string_equal(v, "two");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(begin_twice_is_an_error),
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
	    T(facts_are_never_changed),
	    T(jobs_run_once_and_in_order),
	    T(jobs_are_retried_and_dropped),
	    T(jobs_of_a_dead_engine_return),
	    T(a_claim_inside_a_transaction_is_an_error),
	    T(an_intent_is_finished_once),
	    T(an_intent_needs_its_own_unused_yes),
	    T(a_refused_effect_may_be_sent_again),
	    T(intents_are_counted_for_limits),
	    T(breakers_are_kept),
	    T(small_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
