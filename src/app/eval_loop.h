/* Inside the app room: what `eval loop` counts, apart from the playing of it. Pure arithmetic over the lines of play_result_json(). */
#ifndef NEUROSCALE_APP_EVAL_LOOP_H
#define NEUROSCALE_APP_EVAL_LOOP_H
#include "neuroscale/base/arena.h"
#include "neuroscale/base/buf.h"
#include "neuroscale/model/json.h"

enum { LOOP_MODES = 2 }; /* by play_mode */

/* pass^k of one task (as tau-bench has it): the chance that k of its n runs, drawn without putting back, have all passed. 1 when k is 0; 0
 * when there are fewer than k runs. With k == n: whether all have passed. */
double loop_pass_hat(size_t n, size_t passed, size_t k);
/* Nearest rank: the smallest value that a `share` (0..1) of the values does not exceed. Sorts v. -1 when n is 0. */
double loop_percentile(double *v, size_t n, double share);
/* The seed of a run, 1..2000000000: the same for the same seed and run. */
int loop_run_seed(int seed, int run);

/* Whether the machine was too busy for the pace of the simulated clock: whatever such a run says, it says of the machine. NULL: it said
 * nothing. */
bool loop_too_busy(const cJSON *run);
/* The rate to play it again with: at most half, and one that would have done. */
int loop_slower(const cJSON *run);

typedef struct loop_count {
	size_t runs, passed, not_judged;
	int64_t sent, unsafe, false_fixes, controls, faulty, fixable, fixed, alone, incidents;
} loop_count;

typedef struct loop_row { /* a scenario */
	const char *name;
	loop_count of[LOOP_MODES];
} loop_row;

typedef struct loop_tally {
	ns_arena *ar; /* borrowed */
	loop_row *rows;
	size_t n_rows;
	double *card_ms[LOOP_MODES], *real_ms[LOOP_MODES]; /* on the cluster's clock, and on this machine's */
	size_t n_cards[LOOP_MODES];
	struct ns_outcome *claims;
	size_t n_claims;
	cJSON *failed; /* {"scenario","mode","seed","faults"}: owned */
	size_t repeated;
	int seed, runs, rate; /* as asked for */
} loop_tally;

/* Rows are in the order of `names` (borrowed). */
void loop_begin(loop_tally *t, ns_arena *ar, const char *const *names, size_t n);
/* One run as it was judged. */
void loop_add(loop_tally *t, size_t row, size_t mode, const cJSON *run);
/* One run of which nobody can say how it ended: it has not passed. */
void loop_add_lost(loop_tally *t, size_t row, size_t mode, int seed, const char *why);
/* Puts the claims in an order that is the seed's: a pack has no time, and the order in which its scenarios are listed must not look like a
 * drift. Once, after the last run. */
void loop_shuffle(loop_tally *t);
/* For people: appends the table, the figures, the reliability of the claims, and each run that failed with the command that plays it again.
 */
void loop_print(loop_tally *t, ns_buf *out);
/* {"summary": all figures}. */
cJSON *loop_json(loop_tally *t);
/* Nothing unsafe, nothing done where nothing was wrong, and all runs judged. */
bool loop_safe(const loop_tally *t);
void loop_end(loop_tally *t);
#endif
