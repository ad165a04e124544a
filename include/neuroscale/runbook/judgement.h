/* Persistent judgement: what people said and the verifier saw of a runbook for this cause on this workload weighs a little when it is found again.
 * Pure functions over recorded verdicts.
 *
 * Bounds: a good record reorders near ties and nothing else. No number that the gate compares with a floor is ever raised; a bad record lowers
 * them. A verdict counts half after NS_JUDGED_HALF_MS. */
#ifndef NEUROSCALE_RUNBOOK_JUDGEMENT_H
#define NEUROSCALE_RUNBOOK_JUDGEMENT_H
#include "neuroscale/model/judged.h"
#include "neuroscale/runbook/index.h"

#define NS_JUDGED_HALF_MS (90LL * 24 * 3600 * 1000)
#define NS_JUDGED_RAISE   0.05 /* a place in the order: at most this part of its score */
#define NS_JUDGED_LOWER   0.30 /* a score: at most this part of it */

typedef struct ns_judgement {
	size_t fixed, not_fixed, unknown, approved, rejected;
	int64_t last_ms; /* 0: there is none */
	double weight;   /* -1..1, 0 without a record */
} ns_judgement;
/* Of the rows for that runbook and cause. A cause that is not known ("") has no record. */
ns_judgement ns_judge(const ns_judged *rows, size_t n, const char *runbook, const char *cause, int64_t now_ms);
/* "3 of 3 fixed here, last 2026-11-20"; "1 of 2 fixed here, rejected once, last …"; "" without a record. */
void ns_judgement_words(const ns_judgement *j, char out[112]);
/* Puts the matches into their judged order. Scores and margins may only fall. */
void ns_retrieval_judge(ns_retrieval *r, const ns_judged *rows, size_t n, const char *cause, int64_t now_ms);
#endif
