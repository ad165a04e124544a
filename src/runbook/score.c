/* How a query's cosines become a score per runbook:
 *
 *     pos = BEST x (largest weighted cosine) + (1 - BEST) x (mean of the three largest)     over the runbook's own vectors
 *     neg = the largest cosine                                                              over its counter-examples and the background
 *     score = pos x clamp(1 - AGAINST x (neg / pos - EQUAL), LOWEST, 1)
 *
 * so a look-alike pulls a score down as far as it is closer than the symptoms are.
 *
 * The floors are learnt from the library alone, by leaving sentences out: every symptom (of a bounded, evenly spaced sample) is a query
 * without its own vector, every not_for and background sentence likewise. The score floor divides the two groups by Youden's index (1950:
 * rate of true positives minus rate of false positives), the middle of all thresholds that are within NEAR of the best. The margin
 * of a match is its lead over the best runbook with another action; its floor is the margin under which a held-out symptom leads to a wrong
 * action as often as to the right one. */
#include "score.h"

#include <stdlib.h>

#include "neuroscale/base/buf.h"

#define BEST         0.7
#define AGAINST      1.0
#define EQUAL        0.75
#define LOWEST       0.2
#define TOP          3
#define NEAR         0.02
#define LEAST_MARGIN 0.01
#define NO_FLOOR     0.25 /* when the library cannot teach one */
#define SAMPLE       192  /* sentences left out in turn, at most: the cost stays linear in the library */

void ns_tally_add(ns_tally *t, ns_chunk_role role, double cos)
{
	if (role == NS_CHUNK_AGAINST) {
		t->neg = cos > t->neg ? cos : t->neg;
		return;
	}
	for (size_t i = 0; i < TOP; i++)
		if (cos > t->top[i]) {
			double was = t->top[i];
			t->top[i] = cos;
			cos = was;
		}
}

double ns_tally_score(const ns_tally *t, double background)
{
	double mean = 0, neg = t->neg > background ? t->neg : background;
	for (size_t i = 0; i < TOP; i++)
		mean += t->top[i] / TOP;
	double pos = BEST * t->top[0] + (1 - BEST) * mean;
	if (pos <= 0)
		return 0;
	double by = 1 - AGAINST * (neg / pos - EQUAL);
	by = by > 1 ? 1 : by < LOWEST ? LOWEST : by;
	return pos * by > 1 ? 1 : pos * by;
}

double ns_score_margin(const ns_library *l, const double *score, size_t of)
{
	double next = 0;
	for (size_t j = 0; j < ns_library_size(l); j++)
		if (ns_library_at(l, j)->action != ns_library_at(l, of)->action && score[j] > next)
			next = score[j];
	return score[of] - next;
}

size_t ns_score_rank(const ns_library *l, const double *score, ns_match *out, size_t k)
{
	size_t n = ns_library_size(l), got = 0;
	bool *taken = ns_xcalloc(n + 1, sizeof *taken);
	for (; got < k && got < n; got++) {
		size_t best = n;
		for (size_t j = 0; j < n; j++)
			if (!taken[j] && score[j] >= 0 && (best == n || score[j] > score[best]))
				best = j;
		if (best == n)
			break;
		taken[best] = true;
		out[got] = (ns_match){.runbook = ns_library_at(l, best), .score = score[best], .margin = ns_score_margin(l, score, best)};
	}
	free(taken);
	return got;
}

/* ---- floors ------------------------------------------------------------------------------------------------------ */

typedef struct sample {
	double value;
	bool good;
} sample;

static int by_value(const void *a, const void *b)
{
	const sample *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* The middle of the thresholds where (good at or above it) / good - (bad at or above it) / bad is within NEAR of its maximum; the maximum
 * itself hangs on single sentences. `dflt` when one group is empty. */
static double youden(sample *s, size_t n, double dflt)
{
	double good = 0, bad = 0, best = -1, low = dflt, high = dflt;
	for (size_t i = 0; i < n; i++)
		*(s[i].good ? &good : &bad) += 1;
	if (good < 1 || bad < 1)
		return dflt;
	qsort(s, n, sizeof *s, by_value);
	for (int pass = 0; pass < 2; pass++) {
		double g = good, b = bad;
		bool any = false;
		for (size_t i = 0; i + 1 < n; i++) {
			*(s[i].good ? &g : &b) -= 1;
			double j = g / good - b / bad, at = (s[i].value + s[i + 1].value) / 2;
			if (s[i].value >= s[i + 1].value)
				continue;
			if (!pass) {
				best = j > best ? j : best;
			} else if (j >= best - NEAR) {
				low = any ? low : at;
				high = at;
				any = true;
			}
		}
	}
	return (low + high) / 2;
}

/* The margin under which a held-out symptom leads to a wrong action as often as to the right one. */
static double coin_toss(sample *s, size_t n)
{
	int ahead = 0;
	double at = LEAST_MARGIN;
	qsort(s, n, sizeof *s, by_value);
	for (size_t i = 0; i + 1 < n; i++) {
		ahead += s[i].good ? -1 : 1;
		double next = (s[i].value + s[i + 1].value) / 2;
		if (ahead >= 0 && next > at)
			at = next;
	}
	return at;
}

ns_floors ns_floors_learn(const ns_library *l, const ns_chunk *chunk, size_t n_chunks, void (*score)(void *ctx, size_t i, double *out), void *ctx)
{
	size_t held = 0, turn = 0, n = 0, m = 0, runbooks = ns_library_size(l);
	for (size_t i = 0; i < n_chunks; i++)
		held += chunk[i].held_out;
	size_t step = held / SAMPLE + 1;
	sample *fits = ns_xcalloc(held + 1, sizeof *fits), *margins = ns_xcalloc(held + 1, sizeof *margins);
	double *s = ns_xcalloc(runbooks + 1, sizeof *s);
	for (size_t i = 0; i < n_chunks; i++) {
		const ns_chunk *c = &chunk[i];
		if (!c->held_out || turn++ % step)
			continue;
		score(ctx, i, s);
		size_t best = 0;
		for (size_t j = 1; j < runbooks; j++)
			if (s[j] > s[best])
				best = j;
		fits[n++] = (sample){.value = runbooks ? s[best] : 0, .good = c->role == NS_CHUNK_FOR};
		if (c->role == NS_CHUNK_FOR)
			margins[m++] = (sample){.value = ns_score_margin(l, s, best), .good = ns_library_at(l, best)->action == ns_library_at(l, c->owner)->action};
	}
	ns_floors f = {youden(fits, n, NO_FLOOR), coin_toss(margins, m)};
	free(fits);
	free(margins);
	free(s);
	return f;
}
