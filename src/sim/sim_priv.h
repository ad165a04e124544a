/* The simulator as a whole: the store (world), the cluster's runtime state, the HTTP side, and the driver that joins them. */
#ifndef NEUROSCALE_SIM_SIM_PRIV_H
#define NEUROSCALE_SIM_SIM_PRIV_H
#include "cluster_priv.h"
#include "neuroscale/base/thread.h"
#include "world_priv.h"

typedef struct sim_http sim_http;   /* http.c */
typedef struct sim_watch sim_watch; /* watch.c */
typedef struct sim_snap sim_snap;   /* list.c: snapshots of paged lists */

struct ns_sim {
	pthread_mutex_t mu;
	pthread_cond_t cond; /* the driver waits on it; broadcast on anything it should look at */
	const ns_clock *clock;
	uint64_t seed;
	int64_t t0_mono, t0_wall; /* start: all other times in the simulator are milliseconds relative to it, history is negative */
	const ns_sim_scenario *scenario;
	const sim_scene *scene; /* as the seed has it */
	sim_varied varied;
	sim_world world;
	sim_cluster cluster;
	sim_watch *watches;
	sim_snap *snaps;
	sim_http *http;
	int port;
	bool outage_asked, outage_script; /* by a test, by the scenario */
	bool serving;                     /* the listener is up */
	bool closing;                     /* it is going down: no watch falls asleep any more */
	bool kicked, stopping;            /* predicates of cond, for the driver */
	int64_t prune_ms;                 /* when old events are forgotten next */
	ns_services *threads;
};

int64_t sim_now(const ns_sim *s); /* relative milliseconds; no lock needed */
void sim_stamp(const ns_sim *s, int64_t rel_ms, char out[32]);
void sim_stamp_micro(const ns_sim *s, int64_t rel_ms, char out[40]);
void sim_kick(ns_sim *s); /* wakes the driver */
#endif
