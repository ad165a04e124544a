/* The simulated cluster: a Kubernetes API subset over HTTP on loopback (libmicrohttpd), workloads with fault scripts that respond to what is
 * done to them, and an OpenCost endpoint. Nobody who talks to it can tell it from a cluster; the rest of the program knows only its kubeconfig. */
#ifndef NEUROSCALE_SIM_SIM_H
#define NEUROSCALE_SIM_SIM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/clock.h"
#include "neuroscale/base/err.h"
#include "neuroscale/model/vocab.h"

/* How a scenario must end, per workload that matters. The headless demo judges by it. kind, state, verdict, action and runbook may be lists
 * ("failed|manual_review"): any of them will do, and "" is not looked at. A word may be empty ("|FIXED"): none is fine too.
 * A storm's target is the cluster itself: ns "", workload the cluster's name in the kubeconfig. */
typedef struct ns_sim_expect {
	const char *ns, *workload;
	const char *kind;         /* alert kind, "" any; "-" : there must be no incident at all for it */
	const char *state;        /* final incident state: "resolved" "manual_review" "rejected" "expired" "failed" "withdrawn" */
	const char *verdict;      /* "FIXED" "NOT FIXED" "UNKNOWN" "" */
	const char *action;       /* action of the (last) plan, "" not looked at */
	const char *never;        /* comma list of actions that must never have been sent, "" none; "any": nothing at all may be sent */
	const char *runbook;      /* "" not looked at */
	bool undone;              /* what was changed last must have been taken back; false: not looked at */
} ns_sim_expect;

typedef enum ns_sim_approver { NS_SIM_APPROVE, NS_SIM_REJECT, NS_SIM_SILENT, NS_SIM_UNDO } ns_sim_approver; /* UNDO: approves, and takes back what was fixed */

typedef struct ns_sim_scenario {
	const char *name, *title, *teaches; /* "oom-simple", one line each */
	ns_profile profile;                 /* the engine's safety profile in this scenario */
	ns_sim_approver approver;           /* what the scripted approver does */
	int64_t horizon_ms;                 /* simulated time after which it must have ended */
	const ns_sim_expect *expect;        /* ends with ns == NULL */
} ns_sim_scenario;
extern const ns_sim_scenario ns_sim_scenarios[]; /* ends with name == NULL; the first is "demo": what a person watches, all five runbooks */
const ns_sim_scenario *ns_sim_scenario_find(const char *name);

/* How much later than written a seed may let things go wrong: whoever waits for a horizon waits so much longer. */
enum { NS_SIM_LATER_MS = 16000 };

typedef struct ns_sim ns_sim;
typedef struct ns_sim_opts {
	const char *listen;       /* "127.0.0.1:0": port 0 lets the kernel choose; loopback only, else NS_E_DENIED */
	const char *scenario;     /* NULL: "demo" */
	const ns_clock *clock;    /* drives everything in the cluster */
	uint64_t seed;            /* the same gives the same cluster: names, uids, the pace of each container */
	bool vary;                /* the seed also moves the faults (their order included), replicas and too low limits, within what the scenario's
	                             expectations bear; false: the script as written */
} ns_sim_opts;
ns_sim *ns_sim_start(const ns_sim_opts *o, ns_err *err);
int ns_sim_port(const ns_sim *s);
bool ns_sim_write_kubeconfig(const ns_sim *s, const char *path, ns_err *err); /* context "sim" (demo: "demo-cluster"), http://127.0.0.1:PORT */
void ns_sim_opencost_url(const ns_sim *s, char *out, size_t cap);             /* "http://127.0.0.1:PORT/opencost" */
void ns_sim_stop(ns_sim *s);

/* For tests. An outage is real on the wire: every connection is closed and new ones are refused until it is over; returns when that is so.
 * Dropped watches end without a last chunk. After compaction a watch from an older version is 410, by turns as the HTTP status and as an
 * ERROR event, and continue tokens are expired. */
void ns_sim_outage(ns_sim *s, bool on);
void ns_sim_drop_watches(ns_sim *s);
void ns_sim_compact(ns_sim *s);
/* How many mutating requests were taken (dry-runs, Leases and Events not counted), for "repeats nothing" checks. ns/name may be NULL. */
int64_t ns_sim_mutations(const ns_sim *s, const char *ns, const char *name);
/* The sim's current JSON of an object ("apps/v1/deployments", ns, name); caller frees; NULL when absent. */
char *ns_sim_object(const ns_sim *s, const char *resource, const char *ns, const char *name);
/* Creates or replaces an object as the cluster itself would, watches included: for measuring, and for states no script makes. Objects of
 * the scripts' own pods are written again at their next step. */
bool ns_sim_put(ns_sim *s, const char *resource, const char *json, ns_err *err);
/* Takes a right away from the caller, or gives it back: the verb is then 403 and access reviews say no. False for an unknown name. */
bool ns_sim_deny(ns_sim *s, const char *verb, const char *resource, bool deny);
#endif
