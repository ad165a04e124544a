/* What keeps the detector's cost apart from the size of the cluster: the heap of what is due, and texts that are kept once. */
#include "detector_rig.h"

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void test_the_soonest_comes_first(void **state)
{
	enum { N = 300 };
	static dt_work w[N];
	rig r;
	rig_open(&r, NULL);
	for (int step = 0; step < 20000; step++) {
		dt_work *x = &w[rnd() % N], *soonest = NULL;
		if (x->due_at) {
			dt_due_remove(r.d, x);
			dt_due_remove(r.d, x); /* not in there: nothing */
			assert_int_equal(x->due_at, 0);
		} else {
			x->due_mono = (int64_t)(rnd() % 100); /* many are equal */
			dt_due_add(r.d, x);
		}
		for (int i = 0; i < N; i++)
			if (w[i].due_at && (!soonest || w[i].due_mono < soonest->due_mono))
				soonest = &w[i];
		const dt_work *first = dt_due_first(r.d);
		assert_int_equal(!first, !soonest);
		assert_true(!first || first->due_mono == soonest->due_mono);
	}
	rig_close(&r);
}

static void test_equal_bytes_are_one_block(void **state)
{
	const char *some[1000], *again;
	for (int i = 0; i < 1000; i++) {
		char b[32] = {0};
		int n = snprintf(b, sizeof b, "text%c%d", 0, i); /* NULs are bytes like others */
		some[i] = dt_share(b, (size_t)n);
		assert_memory_equal(some[i], b, (size_t)n);
		assert_true(i == 0 || some[i] != some[i - 1]);
	}
	again = dt_share("text\0007", 6);
	assert_ptr_equal(again, some[7]);
	dt_unshare(some[7]);
	assert_memory_equal(again, "text\0007", 6); /* one still holds it */
	dt_unshare(again);
	for (int i = 0; i < 1000; i++)
		if (i != 7)
			dt_unshare(some[i]);
	dt_unshare(NULL);
}

/* Ten pods of one owner, and a restart of one of them: the common part is there once, and stays as long as one of them does. */
static void test_pods_of_one_owner_share(void **state)
{
	dt_pod *p[10];
	for (int i = 0; i < 10; i++) {
		char json[1024];
		snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"web-%d\",\"namespace\":\"shop\",\"uid\":\"u-%d\",\"labels\":{\"app\":\"web\"},\"ownerReferences\":[{\"controller\":true,"
			"\"kind\":\"ReplicaSet\",\"name\":\"web\",\"uid\":\"u-rs\"}]},\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"restartCount\":%d}]}}", i, i, i);
		cJSON *j = ns_json_parse(json, strlen(json), &ns_json_strict, NULL);
		p[i] = dt_decode_pod(j);
		cJSON_Delete(j);
		assert_non_null(p[i]);
		assert_ptr_equal(p[i]->labels, p[0]->labels);
		assert_ptr_equal(p[i]->c[0].name, p[0]->c[0].name);
		assert_int_equal(p[i]->c[0].restarts, i);
	}
	for (int i = 0; i < 9; i++)
		dt_pod_free(p[i]);
	assert_string_equal(p[9]->ns, "shop");
	assert_string_equal(p[9]->name, "web-9");
	assert_string_equal(p[9]->owner_uid, "u-rs");
	assert_string_equal(p[9]->labels, "app=web");
	assert_string_equal(p[9]->c[0].name, "app");
	dt_pod_free(p[9]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_soonest_comes_first), cmocka_unit_test(test_equal_bytes_are_one_block),
	    cmocka_unit_test(test_pods_of_one_owner_share)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
