/* Figures, with limits far above them: they catch a lost index or a statement prepared anew each time, not a slow machine. */
#include "store/fixture.h"
#include <time.h>

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill(fixture *f, int n)
{
	char name[32];
	OK(f, ns_store_begin(f->s, &f->err));
	for (int k = 0; k < n; k++) {
		int64_t id;
		bool is_new;
		snprintf(name, sizeof name, "workload-%d", k);
		ns_alert a = alert_of(name);
		a.message = "container app was killed: out of memory (limit 128Mi, 47 restarts in 10 minutes)";
		OK(f, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
	}
	OK(f, ns_store_commit(f->s, &f->err));
}

static void a_snapshot_of_500_incidents(void **state)
{
	fixture *f = *state;
	double best = 1e9;
	fill(f, 500);
	for (int round = 0; round < 30; round++) {
		ns_arena *ar = ns_arena_new();
		ns_incident *list;
		ns_approval *appr;
		ns_breaker_row *br;
		size_t n, m, b;
		double t = now_ms();
		OK(f, ns_store_incidents(f->s, ar, 500, &list, &n, &f->err));
		OK(f, ns_store_approvals_pending(f->s, ar, &appr, &m, &f->err));
		OK(f, ns_store_breakers(f->s, ar, &br, &b, &f->err));
		t = now_ms() - t;
		best = t < best ? t : best;
		assert_int_equal(n, 500);
		ns_arena_free(ar);
	}
	print_message("# 500 incidents read in %.2f ms\n", best);
	assert_true(best < 50);
}

static void steps_per_second(void **state)
{
	fixture *f = *state;
	enum { STEPS = 2000 };
	int64_t id = open_incident(f, "web");
	cJSON *doc = cJSON_CreateObject();
	ns_json_put_str(doc, "note", "a small document of about this length, as most facts are");
	double t = now_ms();
	for (int k = 0; k < STEPS; k++) {
		OK(f, ns_store_begin(f->s, &f->err));
		OK(f, ns_store_fact_put(f->s, id, "gate", doc, &f->err));
		OK(f, ns_store_audit(f->s, &(ns_audit_entry){.actor = "engine", .action = "step", .incident = id, .detail = doc}, NULL, NULL, &f->err));
		OK(f, ns_store_commit(f->s, &f->err));
	}
	t = now_ms() - t;
	print_message("# %.0f steps/s, fsync of this disk included\n", STEPS / t * 1e3);
	int64_t rows;
	char head[NS_HEX256];
	t = now_ms();
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, head, &f->err));
	print_message("# %d audit rows verified in %.1f ms\n", (int)rows, now_ms() - t);
	cJSON_Delete(doc);
	assert_int_equal(rows, STEPS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(a_snapshot_of_500_incidents), T(steps_per_second)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
