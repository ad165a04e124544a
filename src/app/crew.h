/* Inside the app room: many plays, each in a process of its own (a play's log, clock and store are its process's), a few at a time. */
#ifndef NEUROSCALE_APP_CREW_H
#define NEUROSCALE_APP_CREW_H
#include "neuroscale/sys/spawn.h"
#include "scenario.h"

typedef struct crew_job {
	const ns_sim_scenario *sc;
	play_mode mode;
	int seed;     /* 0: the script as written */
	int rate;     /* 0: what suits */
	bool figures; /* the child prints play_result_json() on standard output, and its log on standard error */
} crew_job;

/* A job is over; res is NULL when it could not be started (err says why). Called for one job at a time, on the threads of crew_run. False:
 * play it again, as the job then says (it may be changed here). */
typedef bool (*crew_over)(void *ctx, size_t job, const ns_spawn_res *res, const ns_err *err);

/* Plays jobs 0..n-1 in this order, at most `at_once` beside each other (1..CREW_MOST). Blocks until all are over. False when cancelled
 * first, or when no thread can be started. */
enum { CREW_MOST = 16 };
bool crew_run(const crew_job *jobs, size_t n, int at_once, crew_over over, void *ctx, const ns_cancel *cancel, ns_err *err);
#endif
