/* Four eyes: two different people, to one digest, in time; whoever comes at the same moment, nothing is approved by one. */
#include "store/fixture.h"
#include <pthread.h>

static int64_t pending(fixture *f, int64_t incident)
{
	int64_t id;
	TX(f, ns_store_approval_put(f->s, incident, DIGEST_A, 300000, &id, &f->err));
	return id;
}

static int64_t yes_of(fixture *f, int64_t id, const char *who)
{
	ns_yes y = {.who = who, .by = who, .surface = "cli", .reason = "seen"};
	int64_t n = 0;
	TX(f, ns_store_approval_yes(f->s, id, DIGEST_A, &y, &n, &f->err));
	return n;
}

/* Four eyes: two different people, to one digest, in time; the database itself holds the decision back until then. */
static void two_people_are_two(void **state)
{
	fixture *f = *state;
	ns_approval a;
	ns_yes *list, y = {.who = "uid:1001", .by = "", .surface = "cli", .reason = ""};
	size_t listed;
	int64_t inc = open_incident(f, "web"), id = pending(f, inc), n = 7;
	TX(f, ns_store_approval_need_two(f->s, id, &f->err));
	OK(f, ns_store_approval_get(f->s, f->ar, id, &a, &f->err));
	assert_int_equal(a.needed, 2);
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_yes(f->s, id, DIGEST_B, &y, &n, &f->err));
	TX_FAILS(f, NS_E_INVALID, ns_store_approval_yes(f->s, id, NULL, &y, &n, &f->err));
	assert_int_equal(yes_of(f, id, "uid:1000"), 1);
	y.who = "uid:1000";
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_yes(f->s, id, DIGEST_A, &y, &n, &f->err));
	assert_non_null(strstr(f->err.text, "another person must"));
	OK(f, ns_store_begin(f->s, &f->err));
	assert_false(ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 1000", "cli", "", &f->err));
	ns_store_rollback(f->s);
	assert_true(raw_refused(f, "UPDATE approvals SET state = 'approved'"));
	assert_true(raw_refused(f, "UPDATE approvals SET needed = 1"));
	assert_true(raw_refused(f, "UPDATE yeses SET who = 'uid:5'"));
	assert_true(raw_refused(f, "DELETE FROM yeses"));
	assert_true(raw_refused(f, "INSERT INTO yeses VALUES (1, 'uid:9', '" DIGEST_B "', '', '', '', 1)"));
	assert_int_equal(yes_of(f, id, "slack:U1"), 2);
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_APPROVED, DIGEST_A, "uid 1000 and slack:U1", "cli", "", &f->err));
	OK(f, ns_store_approval_yeses(f->s, f->ar, id, &list, &listed, &f->err));
	assert_int_equal(listed, 2);
	assert_string_equal(list[0].reason, "seen");
	y.who = "uid:1002";
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_yes(f->s, id, DIGEST_A, &y, &n, &f->err)); /* decided already */
	TX_FAILS(f, NS_E_CONFLICT, ns_store_approval_need_two(f->s, id, &f->err));
}

static void half_a_decision_is_a_no_in_the_end(void **state)
{
	fixture *f = *state;
	ns_yes y = {.who = "uid:1001", .by = "", .surface = "cli", .reason = ""};
	int64_t inc = open_incident(f, "web"), id = pending(f, inc), n;
	TX(f, ns_store_approval_need_two(f->s, id, &f->err));
	yes_of(f, id, "uid:1000");
	ns_clock_advance(f->clock, 300000);
	TX_FAILS(f, NS_E_EXPIRED, ns_store_approval_yes(f->s, id, DIGEST_A, &y, &n, &f->err));
	TX(f, ns_store_approval_decide(f->s, id, NS_APPR_EXPIRED, NULL, "timer", "timer", "", &f->err));
	ns_yes *list;
	size_t listed;
	int64_t next = pending(f, inc); /* asked again: nobody has said yes to this one */
	OK(f, ns_store_approval_yeses(f->s, f->ar, next, &list, &listed, &f->err));
	assert_int_equal(listed, 0);
	TX(f, ns_store_approval_need_two(f->s, next, &f->err));
	TX(f, ns_store_approval_decide(f->s, next, NS_APPR_REJECTED, DIGEST_A, "uid 1000", "cli", "", &f->err)); /* one no is enough */
}

/* ---- races ---- */
enum { ROUNDS = 1000, RACERS = 5, REFUSES = 4 };
static const char *const people[] = {"uid:1", "uid:1", "uid:2", "uid:3"};

typedef struct race {
	ns_store *s;
	pthread_barrier_t start, end;
	_Atomic int64_t approval;
	_Atomic int approved, rejected, first, told, other;
} race;
typedef struct racer {
	race *r;
	int i;
} racer;

static bool say_no(race *r, ns_err *err)
{
	return ns_store_begin(r->s, err) && ns_store_approval_decide(r->s, r->approval, NS_APPR_REJECTED, DIGEST_A, "racer", "cli", "", err) &&
	       ns_store_commit(r->s, err);
}

/* As the engine does it: the second yes is the decision, in the same transaction. */
static bool say_yes(race *r, const char *who, int64_t *n, ns_err *err)
{
	ns_yes y = {.who = who, .by = who, .surface = "cli", .reason = ""};
	return ns_store_begin(r->s, err) && ns_store_approval_yes(r->s, r->approval, DIGEST_A, &y, n, err) &&
	       (*n < 2 || ns_store_approval_decide(r->s, r->approval, NS_APPR_APPROVED, DIGEST_A, "two", "cli", "", err)) && ns_store_commit(r->s, err);
}

static void *run_racer(void *arg)
{
	racer *me = arg;
	race *r = me->r;
	for (int round = 0; round < ROUNDS; round++) {
		ns_err err = {0};
		int64_t n = 0;
		pthread_barrier_wait(&r->start);
		bool refuses = me->i == REFUSES && round % 2; /* every other round nobody does */
		bool ok = me->i == REFUSES ? refuses && say_no(r, &err) : say_yes(r, people[me->i], &n, &err);
		if (ok)
			*(refuses ? &r->rejected : n < 2 ? &r->first : &r->approved) += 1;
		else if (me->i != REFUSES || refuses) {
			ns_store_rollback(r->s);
			*(err.code == NS_E_CONFLICT ? &r->told : &r->other) += 1;
		}
		pthread_barrier_wait(&r->end);
	}
	return NULL;
}

static void however_they_come_it_takes_two(void **state)
{
	fixture *f = *state;
	race r = {.s = f->s};
	pthread_t t[RACERS];
	racer me[RACERS];
	size_t by_one = 0, undecided = 0, wrong = 0, yes = 0, no = 0;
	int64_t inc = open_incident(f, "web");
	pthread_barrier_init(&r.start, NULL, RACERS + 1);
	pthread_barrier_init(&r.end, NULL, RACERS + 1);
	for (int i = 0; i < RACERS; i++) {
		me[i] = (racer){&r, i};
		pthread_create(&t[i], NULL, run_racer, &me[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		ns_approval a;
		ns_yes *list;
		size_t n;
		r.approval = pending(f, inc);
		TX(f, ns_store_approval_need_two(f->s, r.approval, &f->err));
		r.approved = r.rejected = r.first = r.told = r.other = 0;
		pthread_barrier_wait(&r.start);
		pthread_barrier_wait(&r.end);
		OK(f, ns_store_approval_get(f->s, f->ar, r.approval, &a, &f->err));
		OK(f, ns_store_approval_yeses(f->s, f->ar, r.approval, &list, &n, &f->err));
		by_one += a.state == NS_APPR_APPROVED && (n != 2 || strcmp(list[0].who, list[1].who) == 0);
		undecided += r.approved + r.rejected != 1;
		wrong += r.other != 0 || r.first > 1 || (a.state == NS_APPR_APPROVED) != (r.approved == 1);
		yes += a.state == NS_APPR_APPROVED;
		no += a.state == NS_APPR_REJECTED;
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&r.start);
	pthread_barrier_destroy(&r.end);
	print_message("## races: %d for the second yes, won by %zu approvals and %zu rejections\n", (int)ROUNDS, yes, no);
	print_message("## count races %d\n## count doubles %zu\n## count lost %zu\n", (int)ROUNDS, by_one, undecided + wrong);
	assert_int_equal(by_one + undecided + wrong, 0);
	assert_true(yes >= ROUNDS / 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(two_people_are_two),
	    T(half_a_decision_is_a_no_in_the_end),
	    T(however_they_come_it_takes_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
