/* The confidence watch: what models claimed against what came of it. Pure functions over recorded pairs; the caller keeps the pairs. Thread-safe. */
#ifndef NEUROSCALE_LLM_CONFIDENCE_H
#define NEUROSCALE_LLM_CONFIDENCE_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/vocab.h"

/* One claim whose outcome was verified: right is FIXED; NOT FIXED and UNKNOWN are not. What a person rejected was never tried: it is none. Oldest first. */
typedef struct ns_outcome {
	const char *model;
	ns_action action;
	double confidence;
	bool right;
} ns_outcome;

#define NS_RELIABILITY_BINS 10
typedef struct ns_reliability_bin { size_t n, right; double claimed; } ns_reliability_bin; /* claimed: mean; of [i/10, (i+1)/10), 1.0 in the last */
typedef struct ns_reliability {
	const char *model;
	ns_action action;
	size_t n, right;
	double claimed;      /* mean confidence */
	double brier;        /* mean square of claim minus outcome: 0 is perfect, 0.25 a coin */
	double brier_base;   /* of always claiming the hit rate: a model that is above it knows nothing */
	double error;        /* expected calibration error: mean distance of claim and hit rate over the bins */
	ns_reliability_bin bins[NS_RELIABILITY_BINS];
	bool overconfident;  /* claims more than the outcomes can bear, at 95 % */
	bool flat;           /* says the same to everything, right or wrong */
	bool drifting;       /* the last ones are worse than the claims, and than those before */
	double cap;          /* no confidence above it counts; 1 when nothing speaks against the model */
	const char *words;   /* for the console: why it is capped, "" when it is not */
} ns_reliability;

/* One row per model and action that occurs, in order of first appearance. */
ns_reliability *ns_reliability_table(ns_arena *ar, const ns_outcome *o, size_t n, size_t *rows);
/* The row of a model and action; all its actions together when the action itself has too few; NULL when the model has too few. */
const ns_reliability *ns_reliability_of(ns_arena *ar, const ns_outcome *o, size_t n, const char *model, ns_action action);
/* The table for people, one line per row with a head. Appends to out. */
void ns_reliability_print(ns_buf *out, const ns_reliability *rows, size_t n);
#endif
