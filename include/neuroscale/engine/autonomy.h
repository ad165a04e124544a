/* Earned autonomy: whether a runbook may act alone in a namespace, by what became of it there. Pure.
 *
 * What has been tried is a series of Bernoulli trials: FIXED is a success; not fixed, unknown, undone, a regression, and a person's no are not.
 * It is earned while all of these hold:
 *   - the lower bound of the Wilson score interval (95 %, z = 1.96) of the share of successes is at least the threshold. With n trials, k of them
 *     good and p = k/n:   (p + z²/2n − z·sqrt(p(1−p)/n + z²/4n²)) / (1 + z²/n)
 *     E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (158), 1927, pp. 209-212. Unlike the normal
 *     approximation it stays within 0..1 and is honest for few trials: 4 of 4 give 0.51, 16 of 16 give 0.81;
 *   - at least `least` trials in a row, up to the latest, were good. So the first bad one demotes at once, whatever stood before it, and the way
 *     back is as long as the way was.
 * Silence (a question that expired, an incident that recovered by itself) is no trial. A runbook whose text was changed is another one: it starts
 * anew. */
#ifndef NEUROSCALE_ENGINE_AUTONOMY_H
#define NEUROSCALE_ENGINE_AUTONOMY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/store/learned.h"

typedef struct ns_autonomy_rule {
	double threshold;             /* 0..1 */
	int64_t least;                /* trials in a row, at least 1 */
} ns_autonomy_rule;

typedef struct ns_autonomy_record {
	int64_t tried, fixed;         /* of all that is looked at */
	int64_t in_a_row;             /* good ones since the last that was not */
	double bound;                 /* Wilson's, 0 without a trial */
	int64_t bad_incident, bad_ms; /* the last that was not good, 0 none */
	const char *bad_why;          /* "not fixed" "unknown" "undone" "it failed again" "rejected by a person", "" none */
	int64_t shadow, agreed;       /* plans that only profile or autonomy kept from acting alone and a person decided; those with a yes */
	bool earned;
} ns_autonomy_record;

double ns_wilson_lower(int64_t good, int64_t n); /* 0 when n <= 0; good is taken into 0..n */
/* rows: oldest first. A threshold that is no number, or a `least` below 1, earns nothing. */
void ns_autonomy_judge(const ns_tried *rows, size_t n, const ns_autonomy_rule *rule, ns_autonomy_record *out);
/* "11 of 12 fixed here, 11 in a row; lower bound 65 % (needs 80 %, and 20 in a row): not earned; last bad #7: not fixed" */
const char *ns_autonomy_words(ns_arena *ar, const ns_autonomy_record *r, const ns_autonomy_rule *rule);
#endif
