/* Inside the app room: one scenario played in this process, and what its record says afterwards. The demo and `eval loop` share it. */
#ifndef NEUROSCALE_APP_SCENARIO_H
#define NEUROSCALE_APP_SCENARIO_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/config/config.h"
#include "neuroscale/model/json.h"
#include "stage.h"

typedef enum play_mode {
	PLAY_SCRIPTED, /* the scenario's profile and its scripted approver */
	PLAY_AUTO,     /* profile auto, and nobody answers: what is sent is sent without a person */
} play_mode;
extern const char *const play_modes[]; /* "scripted" "auto"; ends with NULL */

enum { PLAY_RATE = 40 }; /* what suits: even a busy machine keeps up */

typedef struct play_opts {
	const ns_sim_scenario *sc;
	play_mode mode;
	uint64_t seed; /* 0: the script as written */
	int rate;      /* 0: what suits */
	int log_fd;
} play_opts;

/* Counts are of this one run. */
typedef struct play_result {
	ns_buf faults;     /* "; why" for each way in which it did not end as it must; with PLAY_AUTO how an incident ends is not looked at */
	int64_t sent;      /* changes that the cluster took */
	int64_t unsafe;    /* sent and in the scenario's `never`, or sent to what it does not name; the false fixes are among them */
	int64_t false_fixes; /* sent to a control */
	size_t controls;   /* workloads with which nothing is wrong, or that heal by themselves */
	size_t faulty;     /* the others: something is wrong with them for good */
	size_t fixable;    /* of these: a runbook must fix it */
	size_t fixed;      /* of the faulty: verified as fixed */
	size_t alone;      /* of the fixed: no person was asked */
	size_t incidents;
	cJSON *card_ms;    /* numbers: from each alert to its card, or to the decision to act alone, on the cluster's clock */
	cJSON *claims;     /* {"model","action","confidence","right"}: claims with a verified outcome, oldest first */
	double slowdown;   /* how many times longer its work took than it needed, for want of a processor; 1 when that cannot be known */
	int64_t stall_ms;  /* the longest time, on the real clock, in which this process got nothing done */
	double seconds;
} play_result;

/* False when it could not be played or its record not be read. Free the result in either case. */
bool app_play(const ns_config *cfg, const play_opts *o, const char *state_dir, const ns_cancel *cancel, play_result *r, ns_err *err);
void play_result_free(play_result *r);

/* One line for `eval loop`: what it counts of the run, and "faults" as text. */
cJSON *play_result_json(const play_opts *o, const play_result *r);

/* scenario_judge.c: reads the record in state_dir, not the screen. */
bool play_judge(const play_opts *o, const ns_sim *sim, const char *state_dir, const ns_clock *clock, play_result *r, ns_err *err);
/* Is `word` one of the words of "a|b|c" (or of "a,b,c")? An empty list takes everything. */
bool play_one_of(const char *list, const char *word, char sep);
/* Whether a scenario means something in that mode: one that must end as rejected or expired is about the answer, and there is none with PLAY_AUTO. */
bool play_fits(const ns_sim_scenario *sc, play_mode mode);
/* "*" stands for any. */
bool play_is_target(const ns_sim_expect *x, const char *ns, const char *name);
/* True for what there must be no incident about. */
bool play_is_quiet(const ns_sim_expect *x);
#endif
