/* From cosines to scores, margins and floors: the same for the library's own vectors and for those of a model. Pure. */
#ifndef NEUROSCALE_RUNBOOK_SCORE_H
#define NEUROSCALE_RUNBOOK_SCORE_H
#include <stdint.h>

#include "neuroscale/runbook/runbook.h"

typedef enum ns_chunk_role { NS_CHUNK_FOR, NS_CHUNK_AGAINST } ns_chunk_role;
typedef struct ns_chunk {
	uint32_t owner; /* index of its runbook; their number for the background */
	ns_chunk_role role;
	float weight;
	bool held_out; /* a sentence that takes its turn as a query when the floors are learnt */
} ns_chunk;

/* What the chunks of one owner say about a query. Zeroed at first. */
typedef struct ns_tally {
	double top[3]; /* descending */
	double neg;
} ns_tally;
void ns_tally_add(ns_tally *t, ns_chunk_role role, double weighted_cos);
/* 0..1. Grows with every cosine of role FOR, falls with every other: intervals of cosines give an interval of scores. */
double ns_tally_score(const ns_tally *t, double background);

/* Over the best runbook that would do something else: two runbooks that both roll back do not make the choice doubtful. */
double ns_score_margin(const ns_library *l, const double *score, size_t of);
/* The best k, ties by place; a negative score takes no part. */
size_t ns_score_rank(const ns_library *l, const double *score, ns_match *out, size_t k);

typedef struct ns_floors {
	double score, margin;
} ns_floors;
/* score(ctx, i, out): the scores of all runbooks for chunk i as the query, itself left out. */
ns_floors ns_floors_learn(const ns_library *l, const ns_chunk *chunk, size_t n_chunks, void (*score)(void *ctx, size_t i, double *out), void *ctx);
#endif
