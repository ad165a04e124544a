/* What is to be done and what was: jobs, intents, breakers, small values. */
#include "store/fixture.h"

/* ---- jobs ---- */
static void jobs_run_once_and_in_order(void **state)
{
	fixture *f = *state;
	ns_job job;
	int64_t a = open_incident(f, "a"), b = open_incident(f, "b");
	assert_int_equal(ns_store_next_due(f->s, NULL), -1);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0 + 50, &f->err));
	TX(f, ns_store_job_put(f->s, b, "analyze", WALL0 + 20, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_put(f->s, a, "plan", WALL0, &f->err)); /* one open job of a kind */
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_job_put(f->s, 99, "plan", WALL0, &f->err));
	assert_int_equal(ns_store_next_due(f->s, NULL), WALL0 + 20);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err)); /* not due */
	ns_clock_advance(f->clock, 60);
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	assert_int_equal(job.incident, b);
	assert_string_equal(job.kind, "analyze");
	assert_int_equal(job.attempts, 0);
	assert_int_equal(job.run_after_ms, WALL0 + 20);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_put(f->s, b, "analyze", WALL0, &f->err)); /* claimed is open too */
	TX(f, ns_store_job_done(f->s, job.id, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_done(f->s, job.id, &f->err));
	TX(f, ns_store_job_put(f->s, b, "analyze", WALL0 + 500, &f->err)); /* done makes room */
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	assert_int_equal(job.incident, a);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	assert_int_equal(ns_store_next_due(f->s, NULL), WALL0 + 500);
}

/* A cluster that hangs must not keep the work of another waiting: a claim names the cluster it is for. */
static void jobs_are_claimed_by_cluster(void **state)
{
	fixture *f = *state;
	ns_job job;
	ns_alert other = alert_of("b");
	int64_t a = open_incident(f, "a"), b = 0;
	bool is_new;
	other.target.cluster = "elsewhere";
	TX(f, ns_store_incident_open(f->s, &other, &b, &is_new, &f->err) && ns_store_job_put(f->s, a, "plan", WALL0 - 50, &f->err) &&
	    ns_store_job_put(f->s, b, "plan", WALL0 - 20, &f->err));
	assert_int_equal(ns_store_next_due(f->s, "elsewhere"), WALL0 - 20);
	assert_int_equal(ns_store_next_due(f->s, "nowhere"), -1);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, "nowhere", &job, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, "elsewhere", &job, &f->err));
	assert_int_equal(job.incident, b);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, "elsewhere", &job, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, "c1", &job, &f->err));
	assert_int_equal(job.incident, a);
}

static void jobs_are_retried_and_dropped(void **state)
{
	fixture *f = *state;
	ns_job job, again;
	int64_t a = open_incident(f, "a");
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	TX(f, ns_store_job_retry(f->s, job.id, WALL0 + 30, &f->err));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_retry(f->s, job.id, WALL0 + 30, &f->err));
	ns_clock_advance(f->clock, 30);
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &again, &f->err));
	assert_int_equal(again.id, job.id);
	assert_int_equal(again.attempts, 1);
	TX(f, ns_store_jobs_drop(f->s, a, &f->err));
	/* Its ticket is gone: a step that ends it must not be recorded. */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_job_done(f->s, job.id, &f->err));
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
}

static void a_clock_that_stepped_back_delays_nothing(void **state)
{
	fixture *f = *state;
	ns_job job;
	ns_incident inc;
	int64_t a = open_incident(f, "a"), b = open_incident(f, "b");
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0 + 7200000, &f->err) && ns_store_incident_set(f->s, a, 0, WALL0 + 7200000, "", &f->err));
	TX(f, ns_store_job_put(f->s, b, "plan", WALL0 + 10, &f->err) && ns_store_incident_set(f->s, b, 0, 0, "", &f->err));
	TX(f, ns_store_waits_cap(f->s, WALL0 + 30, WALL0 + 900, &f->err));
	OK(f, ns_store_incident_get(f->s, f->ar, a, &inc, &f->err));
	assert_int_equal(inc.cooldown_until_ms, WALL0 + 900);
	OK(f, ns_store_incident_get(f->s, f->ar, b, &inc, &f->err));
	assert_int_equal(inc.cooldown_until_ms, 0);
	ns_clock_advance(f->clock, 30);
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	assert_int_equal(job.incident, b);
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	assert_int_equal(job.incident, a);
	FAILS(f, NS_E_FAILED, ns_store_waits_cap(f->s, 1, 1, &f->err)); /* outside a transaction */
}

static void jobs_of_a_dead_engine_return(void **state)
{
	fixture *f = *state;
	ns_job job, again;
	int64_t a = open_incident(f, "a");
	TX(f, ns_store_job_put(f->s, a, "plan", WALL0, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
	fixture_reopen(f);
	FAILS(f, NS_E_NOTFOUND, ns_store_job_claim(f->s, f->ar, NULL, &again, &f->err));
	OK(f, ns_store_jobs_unclaim(f->s, &f->err));
	OK(f, ns_store_job_claim(f->s, f->ar, NULL, &again, &f->err));
	assert_int_equal(again.id, job.id);
}

static void a_claim_inside_a_transaction_is_an_error(void **state)
{
	fixture *f = *state;
	ns_job job;
	OK(f, ns_store_begin(f->s, &f->err));
	FAILS(f, NS_E_FAILED, ns_store_job_claim(f->s, f->ar, NULL, &job, &f->err));
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

static void a_target_is_busy_while_it_is_verified(void **state)
{
	fixture *f = *state;
	static const ns_state way[] = {NS_ST_DETECTED, NS_ST_ANALYZING, NS_ST_PLANNING, NS_ST_EXECUTING, NS_ST_VERIFYING, NS_ST_FAILED};
	int64_t id = open_incident(f, "web");
	ns_workload w = incident_of(f, id).target, other = w;
	other.name = "api";
	for (size_t i = 0; i + 1 < sizeof way / sizeof way[0]; i++) {
		TX(f, ns_store_transition(f->s, id, way[i], (int64_t)i + 1, way[i + 1], NS_VERDICT_NONE, "", &f->err));
		assert_int_equal(ns_store_target_busy(f->s, &w, 0), way[i + 1] == NS_ST_VERIFYING);
		assert_false(ns_store_target_busy(f->s, &w, id)); /* its own change is its own affair */
		assert_false(ns_store_target_busy(f->s, &other, 0));
	}
	raw_sql(f, "ALTER TABLE incidents RENAME TO lost");
	assert_true(ns_store_target_busy(f->s, &w, 0)); /* not known is busy */
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
	    T(jobs_run_once_and_in_order),
	    T(jobs_are_retried_and_dropped),
	    T(jobs_are_claimed_by_cluster),
	    T(a_clock_that_stepped_back_delays_nothing),
	    T(jobs_of_a_dead_engine_return),
	    T(a_claim_inside_a_transaction_is_an_error),
	    T(an_intent_is_finished_once),
	    T(an_intent_needs_its_own_unused_yes),
	    T(a_refused_effect_may_be_sent_again),
	    T(intents_are_counted_for_limits),
	    T(a_target_is_busy_while_it_is_verified),
	    T(breakers_are_kept),
	    T(small_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
