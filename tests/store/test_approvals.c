/* One decision (law 6), bound to a digest (law 5); silence is no, whatever the clocks do (law 7); and threads: races for a decision, for
 * a job, and readers beside a writer. */
#include "store/fixture.h"
#include <pthread.h>

static int64_t pending(fixture *f, int64_t incident)
{
	int64_t id;
	TX(f, ns_store_approval_put(f->s, incident, DIGEST_A, 300000, &id, &f->err));
	return id;
}

static void an_approval_comes_back_as_it_was_put_in(void **state)
{
	fixture *f = *state;
	ns_approval a, b, *list;
	size_t n;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc);
	OK(f, ns_store_approval_get(f->s, f->ar, id, &a, &f->err));
	assert_int_equal(a.incident, inc);
	assert_string_equal(a.digest, DIGEST_A);
	assert_int_equal(a.state, NS_APPR_PENDING);
	assert_int_equal(a.created_ms, WALL0);
	assert_int_equal(a.deadline_wall_ms, WALL0 + 300000);
	assert_int_equal(a.deadline_mono_ms, 1300000);
	assert_string_equal(a.boot_id, ns_clock_boot_id());
	assert_int_equal(strlen(a.token), 32);
	assert_int_equal(strspn(a.token, "0123456789abcdef"), 32);
	assert_int_equal(a.decided_ms, 0);
	assert_string_equal(a.decided_by, "");
	int64_t other = pending(f, open_incident(f, "api"));
	OK(f, ns_store_approval_get(f->s, f->ar, other, &b, &f->err));
	assert_string_not_equal(a.token, b.token);
	OK(f, ns_store_approvals_pending(f->s, f->ar, &list, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(list[0].id, id); /* oldest first */
	FAILS(f, NS_E_NOTFOUND, ns_store_approval_get(f->s, f->ar, 99, &a, &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_approval_latest(f->s, f->ar, 99, &a, &f->err));
}

static void bad_approvals_are_refused(void **state)
{
	fixture *f = *state;
	int64_t id, inc = open_incident(f, "web");
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_put(f->s, inc, "short", 1000, &id, &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_put(f->s, inc, DIGEST_A, 0, &id, &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_put(f->s, inc, DIGEST_A, INT64_MAX, &id, &f->err));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_approval_put(f->s, 99, DIGEST_A, 1000, &id, &f->err));
	pending(f, inc);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_put(f->s, inc, DIGEST_A, 1000, &id, &f->err));
}

static void the_first_decision_stands(void **state)
{
	fixture *f = *state;
	ns_approval a;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc);
	ns_clock_advance(f->clock, 45000);
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_REJECTED, DIGEST_A, "uid 1000 (kim)", "console", "not now", &f->err));
	for (ns_appr_state to = NS_APPR_APPROVED; to <= NS_APPR_VOIDED; to++) {
		TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_decide(f->s, id, to, DIGEST_A, "uid 0", "cli", "", &f->err));
		assert_string_equal(f->err.text, "already rejected by uid 1000 (kim) at 14:14:05Z");
	}
	OK(f, ns_store_approval_latest(f->s, f->ar, inc, &a, &f->err));
	assert_int_equal(a.state, NS_APPR_REJECTED);
	assert_string_equal(a.decided_by, "uid 1000 (kim)");
	assert_string_equal(a.surface, "console");
	assert_string_equal(a.reason, "not now");
	assert_int_equal(a.decided_ms, WALL0 + 45000);
	assert_true(raw_refused(f, "UPDATE approvals SET state = 'approved'"));
	assert_true(raw_refused(f, "DELETE FROM approvals"));
	assert_int_not_equal(pending(f, inc), id); /* decided makes room */
}

static void a_yes_is_to_a_digest(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_B, "uid 0", "cli", "", &f->err));
	assert_non_null(strstr(f->err.text, "changed"));
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, "", "uid 0", "cli", "", &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, NULL, "uid 0", "cli", "", &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_decide(f->s, id, NS_APPR_PENDING, NULL, "uid 0", "cli", "", &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_decide(f->s, id, (ns_appr_state)17, NULL, "uid 0", "cli", "", &f->err));
	TX_FAILS(f, NS_E_NOTFOUND, ns_store_approval_decide(f->s, id + 1, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err));
	static const ns_appr_state by_engine[] = {NS_APPR_EXPIRED, NS_APPR_WITHDRAWN, NS_APPR_VOIDED};
	for (size_t k = 0; k < 3; k++) {
		TX(f, ns_store_approval_decide(f->s, id, by_engine[k], NULL, "engine", "engine", "", &f->err));
		id = pending(f, inc);
	}
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err));
}

static void after_the_deadline_it_is_too_late(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc);
	ns_clock_advance(f->clock, 300000);
	TX_FAILS(f, NS_E_EXPIRED, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err));
	TX_FAILS(f, NS_E_EXPIRED, ns_store_approval_decide(f->s, id, NS_APPR_REJECTED, DIGEST_A, "uid 0", "cli", "", &f->err));
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_EXPIRED, NULL, "timer", "timer", "", &f->err));
}

static void clock_jumps_and_reboots_mean_expired(void **state)
{
	fixture *f = *state;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc);
	ns_clock_jump_wall(f->clock, -3600000); /* somebody sets the clock back to gain an hour */
	TX_FAILS(f, NS_E_EXPIRED, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err));
	ns_clock_jump_wall(f->clock, 3600000);
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 0", "cli", "", &f->err)); /* back in step */

	ns_approval a = {.deadline_wall_ms = 400000, .deadline_mono_ms = 300000, .boot_id = "boot"};
	static const struct {
		int64_t wall, mono;
		const char *boot;
		bool expired;
	} cases[] = {
	    {100000, 0, "boot", false},
	    {399999, 299999, "boot", false},
	    {400000, 300000, "boot", true},
	    {400000, 299999, "boot", true},
	    {399999, 300000, "boot", true},
	    {100000, 0, "other", true},
	    {105000, 0, "boot", false},
	    {105001, 0, "boot", true},
	    {95000, 0, "boot", false},
	    {94999, 0, "boot", true},
	    {INT64_MIN, 0, "boot", true},
	    {100000, INT64_MIN, "boot", true},
	    {INT64_MIN / 2, INT64_MAX, "boot", true},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
		assert_int_equal(ns_approval_expired(&a, cases[k].wall, cases[k].mono, cases[k].boot), cases[k].expired);
}

/* ---- races ---- */
enum { ROUNDS = 10000, RACERS = 3, CLOCK = RACERS, TIMEOUT_MS = 300000 };
static const ns_appr_state race_to[RACERS] = {NS_APPR_APPROVED, NS_APPR_REJECTED, NS_APPR_EXPIRED};

typedef struct race {
	ns_store *s;
	ns_clock *clock;
	pthread_barrier_t start, end;
	_Atomic int64_t approval;
	_Atomic int won, told, other;
	_Atomic int winner;
} race;
typedef struct racer {
	race *r;
	int i;
} racer;

static void *run_racer(void *arg)
{
	racer *me = arg;
	race *r = me->r;
	for (int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&r->start);
		ns_err err = {0};
		if (me->i == CLOCK) { /* the last millisecond passes in the midst of it */
			ns_clock_advance(r->clock, 1);
			pthread_barrier_wait(&r->end);
			continue;
		}
		bool ok =
		    ns_store_begin(r->s, &err) &&
		    ns_store_approval_decide(r->s, r->approval, race_to[me->i], me->i == 2 ? NULL : DIGEST_A, "racer", "cli", "", &err) &&
		    ns_store_commit(r->s, &err);
		if (ok) {
			r->won++;
			r->winner = race_to[me->i];
		} else {
			ns_store_rollback(r->s);
			bool late = err.code == NS_E_EXPIRED && race_to[me->i] != NS_APPR_EXPIRED;
			*(late || (err.code == NS_E_CONFLICT && strncmp(err.text, "already ", 8) == 0) ? &r->told : &r->other) += 1;
		}
		pthread_barrier_wait(&r->end);
	}
	return NULL;
}

/* Law 6: approve, reject and expire in the very millisecond in which the deadline passes. */
static void of_many_decisions_one_wins(void **state)
{
	fixture *f = *state;
	race r = {.s = f->s, .clock = f->clock};
	pthread_t t[RACERS + 1];
	racer me[RACERS + 1];
	size_t doubles = 0, lost = 0, wrong = 0, by[NS_APPR_VOIDED + 1] = {0};
	int64_t inc = open_incident(f, "web");
	pthread_barrier_init(&r.start, NULL, RACERS + 2);
	pthread_barrier_init(&r.end, NULL, RACERS + 2);
	for (int i = 0; i <= RACERS; i++) {
		me[i] = (racer){&r, i};
		pthread_create(&t[i], NULL, run_racer, &me[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		ns_approval a;
		r.approval = pending(f, inc);
		r.won = r.told = r.other = 0;
		ns_clock_advance(f->clock, TIMEOUT_MS - 1);
		pthread_barrier_wait(&r.start);
		pthread_barrier_wait(&r.end);
		doubles += r.won > 1;
		lost += r.won < 1;
		OK(f, ns_store_approval_get(f->s, f->ar, r.approval, &a, &f->err));
		wrong += r.told != RACERS - 1 || r.other != 0 || (int)a.state != r.winner;
		by[a.state]++;
	}
	for (int i = 0; i <= RACERS; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&r.start);
	pthread_barrier_destroy(&r.end);
	print_message("## races: %d for one decision at its deadline, won by %zu approvals, %zu rejections, %zu expiries\n", (int)ROUNDS,
	    by[NS_APPR_APPROVED], by[NS_APPR_REJECTED], by[NS_APPR_EXPIRED]);
	print_message("## count races %d\n## count doubles %zu\n## count lost %zu\n", (int)ROUNDS, doubles, lost + wrong);
	assert_int_equal(doubles + lost + wrong, 0);
}

enum { JOBS = 200, WORKERS = 4 };
typedef struct pool {
	ns_store *s;
	_Atomic int taken[JOBS + 1];
	_Atomic int bad;
} pool;

static void *run_worker(void *arg)
{
	pool *p = arg;
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	ns_job job;
	while (ns_store_job_claim(p->s, ar, NULL, &job, &err))
		p->taken[job.incident]++;
	if (err.code != NS_E_NOTFOUND)
		p->bad++;
	ns_arena_free(ar);
	return NULL;
}

static void every_job_goes_to_one_worker(void **state)
{
	fixture *f = *state;
	pool p = {.s = f->s};
	pthread_t t[WORKERS];
	char name[16];
	OK(f, ns_store_begin(f->s, &f->err));
	for (int k = 1; k <= JOBS; k++) {
		int64_t id;
		bool is_new;
		snprintf(name, sizeof name, "w%d", k);
		ns_alert a = alert_of(name);
		OK(f, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
		assert_int_equal(id, k);
		OK(f, ns_store_job_put(f->s, id, "analyze", WALL0, &f->err));
	}
	OK(f, ns_store_commit(f->s, &f->err));
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&t[i], NULL, run_worker, &p);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(p.bad, 0);
	for (int k = 1; k <= JOBS; k++)
		assert_int_equal(p.taken[k], 1);
}

typedef struct looker {
	ns_store *s;
	size_t n;
	bool ok;
} looker;

static void *look(void *arg)
{
	looker *l = arg;
	ns_arena *ar = ns_arena_new();
	ns_incident *list;
	l->ok = ns_store_incidents(l->s, ar, 100, &list, &l->n, NULL) && ns_store_next_due(l->s, NULL) == -1;
	ns_arena_free(ar);
	return NULL;
}

/* The writer waits for the reader here: were the reader to wait for the writer, this would hang. */
static void readers_do_not_wait_for_the_writer(void **state)
{
	fixture *f = *state;
	ns_alert a = alert_of("api");
	int64_t id;
	bool is_new;
	open_incident(f, "web");
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
	OK(f, ns_store_job_put(f->s, id, "analyze", WALL0, &f->err));
	pthread_t t[12]; /* more than the pool keeps */
	looker l[12];
	for (size_t i = 0; i < 12; i++) {
		l[i] = (looker){.s = f->s};
		pthread_create(&t[i], NULL, look, &l[i]);
	}
	for (size_t i = 0; i < 12; i++) {
		pthread_join(t[i], NULL);
		assert_true(l[i].ok);
		assert_int_equal(l[i].n, 1); /* what is not committed is not seen */
	}
	OK(f, ns_store_commit(f->s, &f->err));
	assert_int_equal(ns_store_next_due(f->s, NULL), WALL0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_approval_comes_back_as_it_was_put_in),
	    T(bad_approvals_are_refused),
	    T(the_first_decision_stands),
	    T(a_yes_is_to_a_digest),
	    T(after_the_deadline_it_is_too_late),
	    T(clock_jumps_and_reboots_mean_expired),
	    T(of_many_decisions_one_wins),
	    T(every_job_goes_to_one_worker),
	    T(readers_do_not_wait_for_the_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
