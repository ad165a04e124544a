/* The nearest vectors: always those that brute force finds, whatever the data, the dimension or the processor's code. */
#include "support/test.h"

#include <math.h>

#include "neuroscale/runbook/vectors.h"

static uint64_t seed = 88172645463325252u;

static double noise(void) /* -1 .. 1 */
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(int64_t)(seed >> 11) / (double)(1LL << 52) - 1;
}

static void fill(float *x, size_t dim, int how)
{
	double sq = 0;
	for (size_t i = 0; i < dim; i++) {
		double r = noise() + noise() + noise();
		x[i] = (float)(how == 1 ? (r > 0 ? 1 : -1) : how == 2 ? (i % 97 == seed % 97 ? 30 * r : 0.01 * r) : r);
		sq += (double)x[i] * (double)x[i];
	}
	for (size_t i = 0; how != 3 && i < dim; i++)
		x[i] = (float)((double)x[i] / sqrt(sq));
}

static long double plain_dot(const float *a, const float *b, size_t dim)
{
	long double sum = 0;
	for (size_t i = 0; i < dim; i++)
		sum += (long double)a[i] * (long double)b[i];
	return sum;
}

static size_t better(const ns_vectors *v, const float *q, long double than)
{
	size_t n = 0;
	for (size_t i = 0; i < ns_vectors_count(v); i++)
		n += plain_dot(ns_vectors_row(v, i), q, ns_vectors_dim(v)) > than + 1e-9L;
	return n;
}

/* Place j of the result has at most j rows before it, by plain long doubles; each row once; each number right. */
static void check(const ns_vectors *v, const float *q, size_t k)
{
	ns_hit hit[64];
	size_t n = ns_vectors_top(v, q, k, hit), count = ns_vectors_count(v);
	assert_int_equal(n, k < count ? k : count);
	for (size_t j = 0; j < n; j++) {
		long double exact = plain_dot(ns_vectors_row(v, hit[j].row), q, ns_vectors_dim(v));
		assert_true(fabsl(exact - (long double)hit[j].dot) <= 1e-9L * (1 + fabsl(exact)));
		assert_true(better(v, q, exact) <= j);
		if (j)
			assert_true(hit[j - 1].dot > hit[j].dot || (hit[j - 1].dot == hit[j].dot && hit[j - 1].row < hit[j].row));
	}
}

static void same_as_brute_force(void)
{
	static const size_t dims[] = {1, 3, 63, 64, 65, 384, 1000, 1024, 1536};
	for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
		for (int how = 0; how < 4; how++) {
			float x[NS_VECTORS_MAX_DIM];
			ns_vectors *v = ns_vectors_new(dims[d]);
			for (size_t i = 0; i < 300; i++) {
				fill(x, dims[d], how);
				assert_true(ns_vectors_add(v, x));
			}
			for (size_t round = 0; round < 3; round++) {
				fill(x, dims[d], round ? how : 0);
				check(v, x, round == 2 ? 40 : 5);
			}
			check(v, ns_vectors_row(v, 17), 1);
			ns_vectors_free(v);
		}
	}
}

static void test_same_as_brute_force(void **state)
{
	(void)state;
	same_as_brute_force();
	ns_vectors_use(NS_VECTORS_PORTABLE);
	assert_string_equal(ns_vectors_code(), "portable");
	same_as_brute_force();
	ns_vectors_use(NS_VECTORS_BEST);
}

/* The interval of every row holds its dot product: the proof of the search rests on that. Near duplicates are where bytes alone choose wrong. */
static void test_intervals_hold(void **state)
{
	(void)state;
	enum { DIM = 1024, N = 500 };
	float base[DIM], x[DIM], q[DIM];
	ns_span span[N];
	ns_vectors *v = ns_vectors_new(DIM);
	fill(base, DIM, 0);
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < DIM; j++)
			x[j] = base[j] + (float)(1e-4 * noise());
		ns_vectors_add(v, x);
	}
	for (size_t round = 0; round < 20; round++) {
		for (size_t j = 0; j < DIM; j++)
			q[j] = base[j] + (float)(0.02 * (double)round * noise());
		ns_vectors_spans(v, q, span);
		for (size_t i = 0; i < N; i++) {
			long double exact = plain_dot(ns_vectors_row(v, i), q, DIM);
			assert_true(exact >= (long double)span[i].low && exact <= (long double)span[i].high);
			assert_true(span[i].high - span[i].low < 0.1);
		}
		check(v, q, 10);
	}
	ns_vectors_free(v);
}

/* All components as large as they can be: the integer sums stay exact at every dimension. */
static void test_largest_sums(void **state)
{
	(void)state;
	float x[NS_VECTORS_MAX_DIM], q[NS_VECTORS_MAX_DIM];
	for (size_t i = 0; i < NS_VECTORS_MAX_DIM; i++) {
		x[i] = 3.0f;
		q[i] = -2.0f;
	}
	ns_vectors *v = ns_vectors_new(NS_VECTORS_MAX_DIM);
	ns_vectors_add(v, x);
	ns_span s;
	ns_vectors_spans(v, q, &s);
	double exact = -6.0 * NS_VECTORS_MAX_DIM;
	assert_true(s.low <= exact && s.high >= exact && s.high - s.low < 1);
	ns_vectors_free(v);
}

static void test_edges(void **state)
{
	(void)state;
	float zero[3] = {0}, bad[3] = {1, NAN, 0}, huge[3] = {INFINITY, 0, 0}, same[3] = {0, 1, 0};
	ns_hit hit[8];
	ns_vectors *v = ns_vectors_new(3);
	assert_int_equal(ns_vectors_top(v, same, 3, hit), 0);
	assert_false(ns_vectors_add(v, bad));
	assert_false(ns_vectors_add(v, huge));
	for (size_t i = 0; i < 4; i++)
		assert_true(ns_vectors_add(v, i == 1 ? zero : same));
	assert_int_equal(ns_vectors_top(v, same, 0, hit), 0);
	assert_int_equal(ns_vectors_top(v, same, 8, hit), 4);
	assert_int_equal(hit[0].row, 0); /* ties by row */
	assert_int_equal(hit[1].row, 2);
	assert_int_equal(hit[2].row, 3);
	assert_int_equal(hit[3].row, 1);
	assert_int_equal(ns_vectors_top(v, zero, 2, hit), 2);
	assert_true(hit[0].row == 0 && hit[1].row == 1);
	ns_vectors_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_as_brute_force),
	    cmocka_unit_test(test_intervals_hold),
	    cmocka_unit_test(test_largest_sums),
	    cmocka_unit_test(test_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
