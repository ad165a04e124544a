/* The engine: orchestrator, worker pool, gate, breaker, command door, snapshot publisher, control socket. */
#ifndef NEUROSCALE_ENGINE_ENGINE_H
#define NEUROSCALE_ENGINE_ENGINE_H
#include "neuroscale/agents/planner.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/config/freeze.h"
#include "neuroscale/cost/cost.h"
#include "neuroscale/engine/autonomy.h"
#include "neuroscale/engine/door.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/kube/kubeconfig.h"
#include "neuroscale/llm/provider.h"
#include "neuroscale/sys/spawn.h"

typedef struct ns_engine ns_engine;
/* One cluster: everything that is decided is decided by what stands here for the incident's own cluster. */
typedef struct ns_cluster_opts {
	const char *name;                 /* in every fact: unique, at most 253 bytes. NULL: the context's */
	const ns_kubeconfig *cfg;         /* NULL: read from the two below, again and again until that works: the cluster is down meanwhile */
	bool one_of_many;                 /* others are configured beside it, watched now or not: an alert that does not name it is not its own */
	const char *kubeconfig, *context; /* as in ns_kubeconfig_load; NULL or "" the usual rules */
	const char *color;                /* for the screen, "" none */
	ns_profile profile;
	bool freeze;                      /* a change freeze: nothing automatic */
	const ns_freeze *windows;         /* and these; they live as long as the engine */
	size_t n_windows;
	int actions_per_hour;             /* 10 when 0: changes that were started within the last hour; at the limit nothing automatic */
	int ns_actions_per_hour, target_actions_per_hour; /* the same in one namespace, and of one workload; 6 and 3 when 0 */
	ns_autonomy autonomy;             /* whether acting alone must be earned, and by which rule; see engine/autonomy.h */
	ns_autonomy_rule autonomy_rule;   /* 0.8 and 20 where they are 0 */
	bool four_eyes;                   /* high and critical risk needs the yes of two different people */
	const char *lease_ns;             /* "default" when NULL */
	bool lease_required;              /* true outside of unit tests */
	ns_plan_limits limits;
	const char *const *nonprod_labels, *const *protected_ns, *const *namespaces; /* namespaces: only what fails in these counts, and who may not watch all
	                                   * watches these; NULL or empty all */
	const char *exception_ns, *opencost_url; /* "" none */
	ns_cost_rule cost_rule;
	int64_t cost_every_ms;
	double cost_budget;               /* per day, 0 none */
	double storm_ratio;               /* 0.30 when 0; see agents/detector.h */
	int storm_workloads, storm_nodes; /* 5, 2 when 0 */
	bool tls_secrets;
} ns_cluster_opts;

typedef struct ns_engine_opts {
	const ns_cluster_opts *clusters;
	size_t n_clusters;                /* at least 1 */
	const char *mode;                 /* "live" | "demo" */
	const char *state_dir;            /* created 0700 */
	const char *kubectl;              /* absolute, or NULL: looked up in PATH; missing is NS_E_NOTFOUND */
	const char *runbook_dir;          /* NULL: built-in only */
	const ns_clock *clock;            /* one that is not real goes with clusters on loopback only */
	const ns_spawner *spawner;        /* NULL: the real one */
	int64_t approval_timeout_ms;      /* 300000 when 0 */
	int64_t cooldown_ms;              /* 900000 when 0: how long rejected, expired, failed and manual_review hold their identity without recovery */
	int64_t anchor_every_ms;          /* 1 h when 0: the audit's head goes to syslog that often, and at start, stop and each decision */
	int anchor_facility;              /* of syslog(3); LOG_AUTHPRIV when 0 */
	int64_t undo_ttl_ms;              /* 24 h when 0: how long a change can be taken back */
	int64_t target_cooldown_ms;       /* 300000 when 0, between automatic actions on one target */
	int workers;                      /* 3 when 0; with several clusters each may hold 2 at a time, and there are enough for all of them */
	bool control_socket;              /* listen on STATE_DIR/control.sock */
	const char *approvers;            /* a Unix group whose members may decide there, NULL or "" none */
	const char *const *shared_accounts; /* users by name or uid, or "slack:ID" …: their yes does not count where two must agree; NULL-terminated, NULL none */
	const char *am_listen, *am_token_file; /* Alertmanager's webhook, see agents/webhook.h; am_listen NULL or "": off */
	const char *am_cluster_label;     /* "cluster" when NULL */
	int64_t am_expire_ms;             /* 5 h when 0 */
	/* The model service, borrowed: it outlives the engine. NULL: the offline analyst alone, and nothing is asked anywhere. budget: what it spends,
	 * kept in the store over restarts; its windows are of real time, whatever the engine's clock is. */
	ns_llm *llm;
	ns_budget *budget;
} ns_engine_opts;

/* An anchor's line in syslog is "neuroscale-tui audit anchor HASH@SEQ WHY; in DIR": DIR is the state directory's real path, cleaned and cut to so many
 * bytes. */
enum { NS_ANCHOR_DIR = 400 };

/* Takes the state directory's lock (NS_E_LOCKED names the pid of the other engine and the way out), opens the store, recovers what a dead
 * engine left (claimed jobs, intents without outcome), then starts all services. A cluster that cannot be read or reached is no error: it is
 * down, says why and is tried again. */
ns_engine *ns_engine_start(const ns_engine_opts *o, ns_err *err);
/* Stops everything in reverse order; children that run are given their grace. */
void ns_engine_stop(ns_engine *e);
/* A door for this process; the caller is its own uid. surface pictures wake through it. close() it before ns_engine_stop. */
bool ns_engine_door(ns_engine *e, ns_door *out, ns_err *err);
/* A line among the console's messages, cleaned here: what a borrowed service has to say. Any thread. */
void ns_engine_notice(ns_engine *e, const char *words);
#endif
