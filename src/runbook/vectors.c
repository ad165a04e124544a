/* Bytes first, floats for the few that may be among the best.
 *
 * A vector x is kept as x' = s b with bytes b, a query q as q' = t w with words w. By Cauchy and Schwarz
 *
 *     |x.q - x'.q'| = |(x - x').q' + x.(q - q')| <= |x - x'| |q'| + |x| |q - q'|
 *
 * and the norms on the right are known when the vectors are taken in. x'.q' = s t b.w is computed without rounding in integers: |w| is bounded so
 * that dim x 127 x |w| stays under 2^31. The radius is widened by SLACK for what the doubles round.
 *
 * The best k: let L be the k-th largest lower end of all intervals. At least k rows have a dot product of L or more, so a row whose
 * upper end is under L is none of the best k. All others are computed from their floats. */
#include "neuroscale/runbook/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "neuroscale/base/buf.h"

#define SLACK 1e-6
#define ALIGN 64

typedef struct scale {
	float by;          /* x' = by * bytes */
	float off, length; /* at least |x - x'|, at least |x| */
} scale;

struct ns_vectors {
	size_t dim, width; /* width: dim rounded up to the kernels' step, the rest zero */
	size_t n, cap;
	float *full;
	int8_t *bytes;
	scale *scales;
};

static const ns_kernels *chosen;
static bool brute;

static const ns_kernels *kernels(void)
{
	const ns_kernels *k = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
	if (!k) {
		k = ns_kernels_best();
		__atomic_store_n(&chosen, k, __ATOMIC_RELAXED);
	}
	return k;
}

void ns_vectors_use(ns_vectors_way way)
{
	__atomic_store_n(&chosen, way == NS_VECTORS_PORTABLE ? &ns_kernels_portable : ns_kernels_best(), __ATOMIC_RELAXED);
	__atomic_store_n(&brute, way == NS_VECTORS_BRUTE, __ATOMIC_RELAXED);
}

const char *ns_vectors_code(void)
{
	return kernels()->name;
}

ns_vectors *ns_vectors_new(size_t dim)
{
	ns_vectors *v = ns_xcalloc(1, sizeof *v);
	v->dim = dim;
	v->width = (dim + NS_KERNEL_STEP - 1) / NS_KERNEL_STEP * NS_KERNEL_STEP;
	return v;
}

void ns_vectors_free(ns_vectors *v)
{
	if (!v)
		return;
	free(v->full);
	free(v->bytes);
	free(v->scales);
	free(v);
}

static void *aligned_copy(void *old, size_t used, size_t size)
{
	void *p = NULL;
	if (posix_memalign(&p, ALIGN, size ? size : ALIGN) != 0)
		abort();
	if (used)
		memcpy(p, old, used);
	free(old);
	return p;
}

static void grow(ns_vectors *v)
{
	if (v->n < v->cap)
		return;
	v->cap = v->cap ? v->cap * 2 : 64;
	v->full = aligned_copy(v->full, v->n * v->width * sizeof *v->full, v->cap * v->width * sizeof *v->full);
	v->bytes = aligned_copy(v->bytes, v->n * v->width, v->cap * v->width);
	v->scales = ns_xrealloc(v->scales, v->cap * sizeof *v->scales);
}

static float at_least(double x)
{
	float f = (float)(x * (1 + SLACK));
	return (double)f < x ? nextafterf(f, INFINITY) : f;
}

static double largest(const float *x, size_t n)
{
	double m = 0;
	for (size_t i = 0; i < n; i++)
		m = fabs((double)x[i]) > m ? fabs((double)x[i]) : m;
	return m;
}

bool ns_vectors_add(ns_vectors *v, const float *x)
{
	for (size_t i = 0; i < v->dim; i++)
		if (!isfinite(x[i]))
			return false;
	grow(v);
	float *full = v->full + v->n * v->width;
	int8_t *bytes = v->bytes + v->n * v->width;
	scale *s = &v->scales[v->n++];
	double off = 0, length = 0;
	memset(full, 0, v->width * sizeof *full);
	memset(bytes, 0, v->width);
	memcpy(full, x, v->dim * sizeof *full);
	s->by = (float)(largest(x, v->dim) / 127);
	for (size_t i = 0; i < v->dim; i++) {
		double b = s->by > 0 ? nearbyint((double)x[i] / (double)s->by) : 0;
		b = b > 127 ? 127 : b < -127 ? -127 : b;
		bytes[i] = (int8_t)b;
		double d = (double)x[i] - b * (double)s->by;
		off += d * d;
		length += (double)x[i] * (double)x[i];
	}
	s->off = at_least(sqrt(off));
	s->length = at_least(sqrt(length));
	return true;
}

size_t ns_vectors_count(const ns_vectors *v)
{
	return v->n;
}

size_t ns_vectors_dim(const ns_vectors *v)
{
	return v->dim;
}

const float *ns_vectors_row(const ns_vectors *v, size_t i)
{
	return v->full + i * v->width;
}

size_t ns_vectors_scan_bytes(const ns_vectors *v)
{
	return v->n * (v->width + sizeof(scale));
}

/* ---- the query ---------------------------------------------------------------------------------------------------- */

typedef struct query {
	float *full;
	int16_t *words;
	double by, off, length; /* words times `by`; |q - q'|; |q'| */
} query;

static void make_query(const ns_vectors *v, const float *q, query *out)
{
	double most = (double)INT32_MAX / (127.0 * (double)v->width), off = 0, length = 0;
	most = most > INT16_MAX ? INT16_MAX : floor(most);
	out->full = aligned_copy(NULL, 0, v->width * sizeof *out->full);
	out->words = aligned_copy(NULL, 0, v->width * sizeof *out->words);
	memset(out->full, 0, v->width * sizeof *out->full);
	memset(out->words, 0, v->width * sizeof *out->words);
	memcpy(out->full, q, v->dim * sizeof *out->full);
	out->by = largest(q, v->dim) / most;
	for (size_t i = 0; i < v->dim && out->by > 0; i++) {
		double w = nearbyint((double)q[i] / out->by);
		w = w > most ? most : w < -most ? -most : w;
		out->words[i] = (int16_t)w;
		double d = (double)q[i] - w * out->by;
		off += d * d;
		length += w * out->by * (w * out->by);
	}
	out->off = sqrt(off);
	out->length = sqrt(length);
}

static void free_query(query *q)
{
	free(q->full);
	free(q->words);
}

double ns_vectors_dot(const ns_vectors *v, size_t row, const float *q)
{
	double sum = 0;
	if (v->width == v->dim)
		return kernels()->dot(ns_vectors_row(v, row), q, v->dim);
	query padded;
	make_query(v, q, &padded);
	sum = kernels()->dot(ns_vectors_row(v, row), padded.full, v->width);
	free_query(&padded);
	return sum;
}

/* A block of rows at a time: its integers stay in the first cache. */
static void spans(const ns_vectors *v, const query *q, ns_span *out)
{
	enum { BLOCK = 256 };
	int32_t dot[BLOCK];
	bool all = __atomic_load_n(&brute, __ATOMIC_RELAXED);
	for (size_t from = 0; from < v->n; from += BLOCK) {
		size_t rows = v->n - from < BLOCK ? v->n - from : BLOCK;
		kernels()->scan(v->bytes + from * v->width, rows, v->width, q->words, dot);
		for (size_t i = 0; i < rows; i++) {
			const scale *s = &v->scales[from + i];
			double mid = (double)s->by * q->by * dot[i];
			double radius = ((double)s->off * q->length + (double)s->length * q->off) * (1 + SLACK) + SLACK * SLACK * (double)s->length * (q->length + q->off);
			out[from + i] = (ns_span){mid - radius, mid + radius};
			if (all)
				out[from + i] = (ns_span){-INFINITY, INFINITY};
		}
	}
}

void ns_vectors_spans(const ns_vectors *v, const float *q, ns_span *out)
{
	query words;
	make_query(v, q, &words);
	spans(v, &words, out);
	free_query(&words);
}

/* ---- the best ----------------------------------------------------------------------------------------------------- */

/* The k largest numbers so far; the least of them at the top. */
typedef struct heap {
	double *at;
	size_t n, k;
} heap;

static void sift(heap *h, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1;
		for (size_t c = left; c < left + 2 && c < h->n; c++)
			if (h->at[c] < h->at[least])
				least = c;
		if (least == i)
			return;
		double was = h->at[i];
		h->at[i] = h->at[least];
		h->at[least] = was;
		i = least;
	}
}

static void offer(heap *h, double x)
{
	if (h->n < h->k) {
		h->at[h->n++] = x;
		for (size_t i = h->n / 2; h->n == h->k && i--;)
			sift(h, i);
	} else if (x > h->at[0]) {
		h->at[0] = x;
		sift(h, 0);
	}
}

static int by_dot(const void *a, const void *b)
{
	const ns_hit *x = a, *y = b;
	if (x->dot < y->dot || x->dot > y->dot)
		return x->dot < y->dot ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

size_t ns_vectors_top(const ns_vectors *v, const float *q, size_t k, ns_hit *out)
{
	k = k < v->n ? k : v->n;
	if (!k)
		return 0;
	query words;
	make_query(v, q, &words);
	ns_span *span = ns_xmalloc(v->n * sizeof *span);
	spans(v, &words, span);
	heap h = {.at = ns_xmalloc(k * sizeof *h.at), .k = k};
	for (size_t i = 0; i < v->n; i++)
		offer(&h, span[i].low);
	size_t n = 0, cap = 2 * k;
	ns_hit *may = ns_xmalloc(cap * sizeof *may);
	for (size_t i = 0; i < v->n; i++) {
		if (span[i].high < h.at[0])
			continue;
		if (n == cap)
			may = ns_xrealloc(may, (cap *= 2) * sizeof *may);
		may[n++] = (ns_hit){i, kernels()->dot(ns_vectors_row(v, i), words.full, v->width)};
	}
	qsort(may, n, sizeof *may, by_dot);
	memcpy(out, may, k * sizeof *out);
	free(may);
	free(h.at);
	free(span);
	free_query(&words);
	return k;
}
