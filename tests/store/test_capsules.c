/* How a change can be taken back: made with its intent, armed, taken by exactly one, sent at most once, and ended for good. */
#include "neuroscale/store/capsule.h"
#include "store/fixture.h"

#define TARGET "shop/Deployment/web"

static int64_t plan_fact(fixture *f, int64_t incident)
{
	ns_plan p = {.action = NS_ACT_SCALE,
	    .target = {.cluster = "c1", .ns = "shop", .kind = "Deployment", .name = "web", .uid = "uid-1"},
	    .generation = 4,
	    .runbook = "",
	    .runbook_hash = "",
	    .runbook_title = "",
	    .retrieved_by = "",
	    .judgement = "",
	    .summary = "scale web 2 -> 4",
	    .verify = "",
	    .manual_command = "",
	    .expected_effect = "",
	    .command = {.body = "", .equivalent = ""},
	    .undo = {.body = "", .equivalent = ""}};
	cJSON *j = ns_plan_to_json(&p);
	TX(f, ns_store_fact_put(f->s, incident, "plan", j, &f->err));
	cJSON_Delete(j);
	return ns_store_fact_seq(f->s, incident, "plan");
}

/* A change that was sent, with its capsule. */
static int64_t capsule(fixture *f, int64_t incident, const char *action)
{
	int64_t id = 0, plan = plan_fact(f, incident);
	ns_intent i = {.incident = incident,
	    .digest = DIGEST_A,
	    .action = action,
	    .target = TARGET,
	    .cluster = "c1",
	    .argv_json = "[]",
	    .body = "",
	    .lock_path = ""};
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_intent_start(f->s, &i, &id, &f->err));
	ns_capsule c = {.id = id,
	    .incident = incident,
	    .plan = plan,
	    .cluster = "c1",
	    .target = TARGET,
	    .action = action,
	    .summary = "scale web 2 -> 4",
	    .until_ms = WALL0 + 60000};
	OK(f, ns_store_capsule_put(f->s, &c, &f->err));
	OK(f, ns_store_commit(f->s, &f->err));
	TX(f, ns_store_intent_finish(f->s, id, "sent", "", &f->err));
	return id;
}

static ns_capsule get(fixture *f, int64_t id)
{
	ns_capsule c;
	OK(f, ns_store_capsule_get(f->s, f->ar, id, &c, &f->err));
	return c;
}

static int64_t undo_intent(fixture *f, int64_t incident)
{
	int64_t id = 0;
	ns_intent i = {.incident = incident,
	    .digest = DIGEST_B,
	    .action = "scale",
	    .target = TARGET,
	    .cluster = "c1",
	    .argv_json = "[]",
	    .body = "",
	    .lock_path = "",
	    .undo = true};
	TX(f, ns_store_intent_start(f->s, &i, &id, &f->err));
	return id;
}

static void it_is_made_armed_taken_and_sent_once(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = capsule(f, inc, "scale");
	ns_capsule c = get(f, id);
	assert_int_equal(c.state, NS_CAP_VALID);
	assert_int_equal(c.made_ms, WALL0);
	assert_string_equal(c.digest, "");
	ns_plan *p = ns_store_capsule_plan(f->s, f->ar, &c, &f->err);
	assert_non_null(p);
	assert_string_equal(p->summary, "scale web 2 -> 4");
	assert_int_equal(p->generation, 4);
	TX(f, ns_store_capsule_arm(f->s, id, DIGEST_B, "kubectl patch", "- 4\n+ 2", &f->err));
	fixture_reopen(f); /* it is all on disk */
	OK(f, ns_store_capsule_of(f->s, f->ar, inc, &c, &f->err));
	assert_int_equal(c.state, NS_CAP_ARMED);
	assert_string_equal(c.digest, DIGEST_B);
	assert_string_equal(c.diff, "- 4\n+ 2");
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_take(f->s, id, DIGEST_A, "uid 1", "", false, &f->err)); /* not what was seen */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_send(f->s, id, 1, &f->err));                            /* nobody asked for it */
	TX(f, ns_store_capsule_take(f->s, id, DIGEST_B, "uid 1 (kim)", "it made things worse", false, &f->err));
	assert_int_equal(ns_store_capsules_by(f->s, inc, "uid 1 (kim)"), 1);
	assert_int_equal(ns_store_capsules_by(f->s, inc, "engine"), 0);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_take(f->s, id, DIGEST_B, "uid 2", "", false, &f->err));
	assert_non_null(strstr(f->err.text, "uid 1 (kim) asked for it"));
	int64_t undo = undo_intent(f, inc);
	TX(f, ns_store_capsule_send(f->s, id, undo, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_send(f->s, id, undo, &f->err));
	TX(f, ns_store_intent_finish(f->s, undo, "unknown", "", &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_back(f->s, id, "", &f->err)); /* it was sent: no second time */
	int64_t second = undo_intent(f, inc);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_send(f->s, id, second, &f->err));
	assert_int_equal(get(f, id).undo_intent, undo);
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_undone(f->s, f->ar, "c1", TARGET, 0, &c, &f->err));
	TX(f, ns_store_capsule_end(f->s, id, NS_CAP_UNDONE, "taken back", &f->err));
	OK(f, ns_store_capsule_undone(f->s, f->ar, "c1", TARGET, WALL0, &c, &f->err));
	assert_int_equal(c.id, id);
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_undone(f->s, f->ar, "c1", TARGET, WALL0 + 1, &c, &f->err)); /* too long ago */
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_undone(f->s, f->ar, "c2", TARGET, 0, &c, &f->err));
	for (int to = NS_CAP_UNDONE; to < NS_CAP_COUNT; to++)
		TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_end(f->s, id, (ns_capsule_state)to, "", &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_take(f->s, id, NULL, "engine", "", true, &f->err));
	assert_non_null(strstr(f->err.text, "was taken back already, by uid 1 (kim)"));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_arm(f->s, id, DIGEST_A, "", "", &f->err));
	assert_true(raw_refused(f, "UPDATE capsules SET state = 'armed'"));
	assert_true(raw_refused(f, "UPDATE capsules SET undo_intent = NULL"));
	assert_true(raw_refused(f, "DELETE FROM capsules"));
}

/* As with any change: what the server certainly made none of may be sent again. */
static void a_refused_undo_may_be_sent_again(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = capsule(f, inc, "scale");
	TX(f, ns_store_capsule_take(f->s, id, NULL, "engine", "", false, &f->err));
	int64_t first = undo_intent(f, inc);
	TX(f, ns_store_capsule_send(f->s, id, first, &f->err));
	assert_string_equal(get(f, id).digest, DIGEST_B); /* it was never armed: this is what was sent */
	TX(f, ns_store_intent_finish(f->s, first, "refused", "409", &f->err));
	assert_int_equal(get(f, id).undo_intent, 0);
	int64_t second = undo_intent(f, inc);
	TX(f, ns_store_capsule_send(f->s, id, second, &f->err));
	assert_int_equal(get(f, id).undo_intent, second);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_send(f->s, id, first, &f->err));
	TX(f, ns_store_intent_finish(f->s, second, "failed", "", &f->err));
	TX(f, ns_store_capsule_back(f->s, id, "", &f->err));
}

static void one_undo_belongs_to_one_change(void **state)
{
	fixture *f = *state;
	int64_t a = open_incident(f, "web"), b = open_incident(f, "api"), one = capsule(f, a, "policy_exception"),
	        two = capsule(f, b, "policy_exception");
	int64_t undo = undo_intent(f, a);
	TX(f, ns_store_capsule_take(f->s, one, NULL, "engine", "", false, &f->err) &&
	          ns_store_capsule_take(f->s, two, NULL, "engine", "", false, &f->err));
	TX(f, ns_store_capsule_send(f->s, one, undo, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_send(f->s, two, undo, &f->err));
}

static void what_could_not_be_sent_waits_again(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = capsule(f, inc, "scale");
	TX(f, ns_store_capsule_take(f->s, id, NULL, "engine", "", false, &f->err)); /* valid is enough for the engine */
	TX(f, ns_store_capsule_back(f->s, id, "the breaker is open", &f->err));
	assert_int_equal(get(f, id).state, NS_CAP_VALID); /* it was never armed */
	TX(f, ns_store_capsule_arm(f->s, id, DIGEST_B, "", "", &f->err));
	TX(f, ns_store_capsule_take(f->s, id, NULL, "engine", "", false, &f->err));
	ns_capsule t;
	OK(f, ns_store_capsule_taken(f->s, f->ar, inc, &t, &f->err));
	assert_int_equal(t.id, id);
	TX(f, ns_store_capsule_wait(f->s, id, "no Lease", &f->err));
	assert_string_equal(get(f, id).waits, "no Lease");
	TX(f, ns_store_capsule_back(f->s, id, "the breaker is open", &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_taken(f->s, f->ar, inc, &t, &f->err));
	ns_capsule c = get(f, id);
	assert_int_equal(c.state, NS_CAP_ARMED);
	assert_string_equal(c.by, "");
	assert_string_equal(c.why, "the breaker is open");
	assert_int_equal(ns_store_capsules_by(f->s, inc, "engine"), 0);
}

static void its_time_ends(void **state)
{
	fixture *f = *state;
	int64_t id = capsule(f, open_incident(f, "web"), "scale"), other = capsule(f, open_incident(f, "api"), "policy_exception");
	ns_clock_advance(f->clock, 60000);
	TX_FAILS(f, NS_E_EXPIRED, ns_store_capsule_take(f->s, id, NULL, "uid 1", "", false, &f->err));
	TX(f, ns_store_capsule_take(f->s, other, NULL, "engine", "its time is over", true, &f->err)); /* what ends by itself ends so */
	TX(f, ns_store_capsule_end(f->s, id, NS_CAP_EXPIRED, "its time is over", &f->err));
	int64_t timed = capsule(f, open_incident(f, "job"), "policy_exception");
	ns_capsule u;
	TX(f, ns_store_capsule_take(f->s, timed, NULL, "timer", "", true, &f->err) &&
	          ns_store_capsule_end(f->s, timed, NS_CAP_UNDONE, "", &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_undone(f->s, f->ar, "c1", TARGET, 0, &u, &f->err)); /* it only ended with its time */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_capsule_take(f->s, id, NULL, "uid 1", "", true, &f->err));
	TX_FAILS(f, NS_E_FAILED, ns_store_capsule_end(f->s, other, NS_CAP_ARMED, "", &f->err));
}

static void a_later_change_takes_its_place(void **state)
{
	fixture *f = *state;
	ns_capsule *list;
	size_t n;
	int64_t inc = open_incident(f, "web"), first = capsule(f, inc, "scale"), exception = capsule(f, inc, "policy_exception"),
	        second = capsule(f, inc, "rollback");
	ns_capsule c;
	assert_int_equal(get(f, first).state, NS_CAP_VALID); /* not before it is known that the later one was made */
	TX(f, ns_store_capsule_arm(f->s, second, DIGEST_B, "", "", &f->err));
	assert_int_equal(get(f, first).state, NS_CAP_VOID);
	OK(f, ns_store_capsule_usable(f->s, f->ar, inc, &c, &f->err));
	assert_int_equal(c.id, second);
	assert_int_equal(get(f, exception).state, NS_CAP_VALID); /* an object of its own */
	assert_int_equal(get(f, second).state, NS_CAP_ARMED);
	TX(f, ns_store_capsule_arm(f->s, exception, DIGEST_B, "", "", &f->err));
	assert_int_equal(get(f, second).state, NS_CAP_ARMED);
	OK(f, ns_store_capsules_open(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(list[0].id, second);
	/* One that failed is told of while its change stands: of an open incident, or an exception. */
	TX(f, ns_store_capsule_end(f->s, second, NS_CAP_FAILED, "the server refuses it", &f->err));
	OK(f, ns_store_capsules_open(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].why, "the server refuses it");
	raw_sql(f, "UPDATE incidents SET closed_ms = 1");
	OK(f, ns_store_capsules_open(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(list[0].id, exception);
}

static void unknown_ones_are_said_to_be(void **state)
{
	fixture *f = *state;
	ns_capsule c = {.id = 77, .incident = 1, .cluster = "c1", .target = TARGET, .action = "scale", .until_ms = WALL0};
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_get(f->s, f->ar, 5, &c, &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_capsule_of(f->s, f->ar, 5, &c, &f->err));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_capsule_take(f->s, 5, NULL, "engine", "", false, &f->err));
	ns_capsule orphan = {.id = 77, .incident = 1, .cluster = "c1", .target = TARGET, .action = "scale", .until_ms = WALL0};
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_capsule_put(f->s, &orphan, &f->err)); /* no such intent */
	raw_sql(f, "ALTER TABLE capsules RENAME TO lost");
	assert_true(ns_store_capsules_by(f->s, 1, "engine") == INT64_MAX); /* not known is more than any limit */
}

/* Taking back what an incident did opens it again, unless a newer one is open for the same. */
static void an_incident_that_is_over_can_be_undone(void **state)
{
	fixture *f = *state;
	static const ns_state way[] = {NS_ST_ANALYZING, NS_ST_PLANNING, NS_ST_EXECUTING, NS_ST_VERIFYING, NS_ST_RESOLVED};
	int64_t first = open_incident(f, "web");
	for (size_t i = 0; i < sizeof way / sizeof way[0]; i++)
		move(f, first, way[i]);
	assert_true(incident_of(f, first).closed_ms != 0);
	int64_t second = open_incident(f, "web");
	assert_int_not_equal(first, second);
	ns_incident inc = incident_of(f, first);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_transition(f->s, first, inc.state, inc.version, NS_ST_UNDOING, NS_VERDICT_NONE, "", &f->err));
	assert_non_null(strstr(f->err.text, "a newer one is open"));
	move(f, second, NS_ST_WITHDRAWN);
	move(f, first, NS_ST_UNDOING);
	assert_int_equal(incident_of(f, first).closed_ms, 0); /* it holds its identity again */
	assert_int_equal(open_incident(f, "web"), first);
	move(f, first, NS_ST_MANUAL_REVIEW);
}

static void incidents_are_found_by_when_they_began(void **state)
{
	fixture *f = *state;
	ns_incident *list;
	size_t n;
	open_incident(f, "web");
	ns_clock_advance(f->clock, 1000);
	int64_t later = open_incident(f, "api");
	OK(f, ns_store_incidents_after(f->s, f->ar, "c1", WALL0, 10, &list, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(list[0].id, later);
	OK(f, ns_store_incidents_after(f->s, f->ar, "c2", 0, 10, &list, &n, &f->err));
	assert_int_equal(n, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(it_is_made_armed_taken_and_sent_once),
	    T(a_refused_undo_may_be_sent_again),
	    T(one_undo_belongs_to_one_change),
	    T(what_could_not_be_sent_waits_again),
	    T(its_time_ends),
	    T(a_later_change_takes_its_place),
	    T(unknown_ones_are_said_to_be),
	    T(an_incident_that_is_over_can_be_undone),
	    T(incidents_are_found_by_when_they_began),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
