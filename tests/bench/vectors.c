/* The search of the runbook index as the library grows: 10,000 vectors of 1024 dimensions on one core, beside how long this machine needs only to
 * read the bytes that the search must read, measured in the same run. */
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "neuroscale/runbook/vectors.h"

enum { ROWS = 10000, DIM = 1024, QUERIES = 2000, BEST = 8, TOPICS = 64, COLD = 200, STREAM = 256 << 20, ROUNDS = 9 };

static double now_ms(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static float noise(void)
{
	static uint64_t x = 88172645463325252u;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (float)((double)(x >> 11) / (double)(1ULL << 53) - 0.5);
}

/* Topics with texts about them, as embeddings are: neighbours are near, which is hard for a search that guesses. */
static void fill(float *x, const float *topic)
{
	double sq = 0;
	for (size_t i = 0; i < DIM; i++) {
		x[i] = (topic ? topic[i] * 20 : 0) + noise();
		sq += (double)x[i] * (double)x[i];
	}
	for (size_t i = 0; i < DIM; i++)
		x[i] /= (float)sqrt(sq);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static uint64_t read_all(const unsigned char *block)
{
	const uint64_t *p = (const uint64_t *)(const void *)block;
	uint64_t s[8] = {0}, all = 0;
	for (size_t i = 0; i < STREAM / sizeof *p; i += 8)
		for (size_t k = 0; k < 8; k++)
			s[k] += p[i + k];
	for (size_t k = 0; k < 8; k++)
		all += s[k];
	return all;
}

/* Bytes per millisecond when a block that no cache holds is read from end to end: the best of some rounds. */
static double stream(const unsigned char *block)
{
	double best = 0;
	for (int r = 0; r < ROUNDS; r++) {
		double from = now_ms(CLOCK_MONOTONIC);
		bool any = read_all(block) > 0;
		double took = now_ms(CLOCK_MONOTONIC) - from;
		best = any && STREAM / took > best ? STREAM / took : best;
	}
	return best;
}

/* Each query twice timed: by the wall, and by the processor's time of this thread, which others on the machine do not lengthen. cold: all caches
 * hold something else before each query. */
static void measure(const char *what, const ns_vectors *v, float (*q)[DIM], size_t n, const unsigned char *cold)
{
	static double wall[QUERIES], cpu[QUERIES];
	ns_hit hit[BEST];
	for (size_t i = 0; i < n; i++) {
		if (cold && !read_all(cold))
			return;
		double from = now_ms(CLOCK_MONOTONIC), used = now_ms(CLOCK_THREAD_CPUTIME_ID);
		ns_vectors_top(v, q[i], BEST, hit);
		cpu[i] = now_ms(CLOCK_THREAD_CPUTIME_ID) - used;
		wall[i] = now_ms(CLOCK_MONOTONIC) - from;
	}
	qsort(wall, n, sizeof *wall, by_size);
	qsort(cpu, n, sizeof *cpu, by_size);
	printf("%-46s p50 %6.2f  p99 %6.2f ms  (%zu samples; of the processor's time p99 %.2f ms)   goal: p99 <= 3 ms\n", what, wall[n / 2],
	    wall[n * 99 / 100], n, cpu[n * 99 / 100]);
}

int main(void)
{
	static float topics[TOPICS][DIM], q[QUERIES][DIM];
	float x[DIM];
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
	unsigned char *block = malloc(STREAM);
	if (!block)
		return 1;
	memset(block, 1, STREAM);
	ns_vectors *v = ns_vectors_new(DIM);
	for (size_t i = 0; i < TOPICS; i++)
		fill(topics[i], NULL);
	for (size_t i = 0; i < ROWS; i++) {
		fill(x, topics[i % TOPICS]);
		ns_vectors_add(v, x);
	}
	for (size_t i = 0; i < QUERIES; i++)
		fill(q[i], topics[i * 7 % TOPICS]);
	measure("the best 8 of 10,000 vectors of 1024, exact", v, q, QUERIES, NULL);
	measure("  the same, all of it out of memory", v, q, COLD, block);
	double bytes = (double)ns_vectors_scan_bytes(v), rate = stream(block);
	printf("%-46s %.2f ms: %.1f MB at %.1f GB/s, one core, %s\n", "  only to read what a search must read", bytes / rate, bytes / 1e6, rate / 1e6,
	    ns_vectors_code());
	ns_vectors_free(v);
	free(block);
	return 0;
}
