/* Many vectors of one dimension, and the ones nearest to a query: exact, contiguous, one pass over a byte per component.
 *
 * Each vector is kept twice: as floats, and as int8 with a scale. A search reads the bytes of all of them and the floats of few. What the bytes
 * say of a dot product is an interval that surely holds the exact one (vectors.c), so the result is that of brute force over the floats, ties
 * by row. A dot product is summed in double; its last bits may differ from one kind of processor to another.
 *
 * Adding is for one thread; a finished set is immutable and may be searched by many. */
#ifndef NEUROSCALE_RUNBOOK_VECTORS_H
#define NEUROSCALE_RUNBOOK_VECTORS_H
#include <stdbool.h>
#include <stddef.h>

typedef struct ns_vectors ns_vectors;
enum { NS_VECTORS_MAX_DIM = 4096 };
ns_vectors *ns_vectors_new(size_t dim);                      /* 1..NS_VECTORS_MAX_DIM */
void ns_vectors_free(ns_vectors *v);                         /* NULL is fine */
/* Copies dim floats. False, and nothing added, when one of them is no finite number. */
bool ns_vectors_add(ns_vectors *v, const float *x);
size_t ns_vectors_count(const ns_vectors *v);
size_t ns_vectors_dim(const ns_vectors *v);
const float *ns_vectors_row(const ns_vectors *v, size_t i);
size_t ns_vectors_scan_bytes(const ns_vectors *v);           /* what one search reads at least: the bytes and their scales */

double ns_vectors_dot(const ns_vectors *v, size_t row, const float *q);

typedef struct ns_span { double low, high; } ns_span;
/* For every row an interval that holds its dot product with q. `out` has room for all rows. */
void ns_vectors_spans(const ns_vectors *v, const float *q, ns_span *out);

typedef struct ns_hit { size_t row; double dot; } ns_hit;
/* The k rows with the largest dot products, largest first; returns how many (<= k). */
size_t ns_vectors_top(const ns_vectors *v, const float *q, size_t k, ns_hit *out);

/* For tests and figures: only portable code; or the bytes say nothing, so that all is computed from floats: brute force. Not while others search. */
typedef enum ns_vectors_way { NS_VECTORS_BEST, NS_VECTORS_PORTABLE, NS_VECTORS_BRUTE } ns_vectors_way;
void ns_vectors_use(ns_vectors_way way);
const char *ns_vectors_code(void);                           /* "avx2+fma" or "portable" */
#endif
