/* The detector: lists and watches a cluster, keeps what it needs of it, and turns broken workloads into alerts. Its watch is real; it
 * polls nothing but OpenCost. One service thread per cluster runs the watch (ns_watch_run) and the rules; every other function is
 * thread-safe and never waits for the network. */
#ifndef NEUROSCALE_AGENTS_DETECTOR_H
#define NEUROSCALE_AGENTS_DETECTOR_H
#include "neuroscale/base/buf.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/cost/cost.h"
#include "neuroscale/kube/client.h"
#include "neuroscale/model/facts.h"

typedef struct ns_detector ns_detector;

/* Called on the detector's thread, no lock held. They must not block on the network. */
typedef struct ns_detector_sink {
	/* New, or known with other members, reason or severity. The alert lives until the call returns. Idempotent by ns_identity. */
	void (*alert)(void *ctx, const ns_alert *a);
	/* The identity that was alerted is healthy again (its row's recovery condition holds). */
	void (*recovered)(void *ctx, const char *identity, int64_t at_ms);
	/* The link changed (live, stale, synced, storm on or off …): read ns_detector_link. */
	void (*link)(void *ctx);
	/* A new cost report was read. */
	void (*cost)(void *ctx);
	void *ctx;
} ns_detector_sink;

typedef struct ns_detector_opts {
	const char *cluster;            /* the name of it, in every fact */
	const ns_kubeconfig *cfg;
	const ns_clock *clock;
	ns_kube_stats *stats;
	const char *opencost_url;       /* "" none */
	int64_t cost_every_ms, cost_window_ms; /* defaults 15 min, 24 h when 0 */
	ns_cost_rule cost_rule;         /* default 1.3x and 5 per day when 0 */
	const char *const *protected_ns; /* more than the built-in ones; still detected, never acted on */
	const char *const *nonprod_labels; /* "key=value" list, default environment|env = dev|test|staging|qa|sandbox */
	const char *const *namespaces;  /* for who may not watch all (ns_watch_opts); borrowed, NULL or empty: they are found */
	double storm_ratio;             /* 0.30 when 0 */
	int storm_min;                  /* workloads, 5 when 0 */
	int storm_min_nodes;            /* 2 when 0 */
	bool tls_secrets;               /* watch TLS secrets for the end of their certificates: what else they hold is dropped unread */
	ns_detector_sink sink;
} ns_detector_opts;
ns_detector *ns_detector_new(const ns_detector_opts *o, ns_err *err); /* copies what it needs */
void ns_detector_run(void *detector, ns_cancel *cancel);              /* service */
void ns_detector_free(ns_detector *d);

/* How a workload is doing as the watch sees it: what the verifier judges by. */
typedef struct ns_health {
	bool live;                  /* the watch is open and synced now */
	bool found;                 /* the workload (or a pod of it) exists */
	bool healthy;               /* no rule of any kind holds for it and its rollout is complete */
	int64_t healthy_since_ms;   /* wall, 0 when not healthy; restarts when the watch was down in between */
	int64_t last_failure_ms;    /* newest failure seen (kill, crash, refusal), 0 none */
	int64_t worst_ttf_ms;       /* longest time from start to failure seen for a container of it, 0 none */
	int64_t generation, observed_generation, replicas, ready, updated, restarts;
	char reason[64];            /* what holds against it now, "" none */
} ns_health;
/* kind narrows to what the incident is about where the rest does not tell (kyverno_violation, cost_spike). */
void ns_detector_health(ns_detector *d, const ns_workload *w, ns_kind kind, ns_health *out);

typedef struct ns_link {
	bool live, synced;          /* all required watches */
	int64_t last_event_ms;      /* wall of the newest event or bookmark */
	int64_t since_ms;           /* since when live is what it is */
	int64_t pods, workloads, unhealthy_workloads, nodes, nodes_unhealthy;
	bool storm;
	char storm_why[128];        /* "8 of 14 workloads are unhealthy (57 %, brake at 30 % and 5)" */
	char down_why[256];         /* "" while live */
	char degraded[256];         /* what may not be watched, named once, "" none */
} ns_link;
void ns_detector_link(ns_detector *d, ns_link *out);
/* Copy of the last cost report into the arena, NULL when none; err_text (cap bytes) says why the last read failed, "" fine. */
ns_cost_report *ns_detector_cost(ns_detector *d, ns_arena *ar, char *err_text, size_t cap);
/* Law 3: owner links are confirmed from above. The uid of the workload as the watch knows it, false when unknown. */
bool ns_detector_workload_uid(ns_detector *d, const char *ns, const char *kind, const char *name, char uid[65]);

/* An alert of another system (Alertmanager …) about this cluster. What it says is a stranger's word: it is shown, it opens an incident of kind
 * `external` for a person to look at, and it never leads to an automatic change (law 3). Absent strings may be NULL or "". */
typedef struct ns_external {
	const char *source;      /* "alertmanager": required, at most 64 bytes */
	const char *fingerprint; /* the source's own identity of the alert: required, at most 128 bytes; the same again replaces what was said before */
	bool resolved;           /* false: firing */
	/* What it is about, as its labels name it. The first that the watch knows counts, climbed to its owner as confirmed from above:
	 * pod, then deployment, statefulset, daemonset, replicaset, cronjob, job, then node. None known: it is about the cluster as a whole. */
	const char *ns, *pod, *deployment, *statefulset, *daemonset, *replicaset, *cronjob, *job, *node;
	const char *container;   /* kept only when the pod has one of that name */
	const char *title, *message; /* "KubePodCrashLooping", its summary; capped and redacted here */
	ns_severity severity;
	int64_t starts_ms, ends_ms; /* wall; 0 unknown. An end that has passed is a resolve, but not of what started later than starts_ms */
	int64_t expires_ms;      /* wall: over by then unless it is sent again; 0: in 5 minutes */
} ns_external;
/* Any thread; copies; takes effect in the detector's next round, or once it is synced. While a rule of the detector's own holds for the same
 * workload (and container) it adds a note to that alert instead of one of its own. False with err: source or fingerprint missing or too long, or
 * too many are firing. A resolve of what is not known is fine. */
bool ns_detector_external(ns_detector *d, const ns_external *x, ns_err *err);

/* The rule table (one row per rule), for man pages and tests. */
typedef struct ns_rule_info { const char *name; ns_kind kind; ns_severity severity; const char *when, *evidence, *recovers; } ns_rule_info;
const ns_rule_info *ns_detector_rules(size_t *n);
/* The generated part of man/neuroscale-detector.7, mdoc: the rules, and what is watched for them. Appended. */
void ns_detector_man(ns_buf *out);
#endif
