/* Inside the detector. What it keeps of the cluster is compact: one allocation per object, strings behind the struct, only what a rule reads.
 * Everything here belongs to the detector's own thread, but for what `mu` guards: the cache is changed and read by others under it.
 *
 *   detector.c          the service: watch rows in, rules on dirty workloads, sink calls out, questions of other threads
 *   detector_rows.c     what is watched, and where each row's objects go
 *   detector_decode.c   one API object -> one compact object
 *   detector_shared.c   texts that many pods have in common
 *   detector_tab.c      hash tables
 *   detector_names.c    hash tables by namespace and name
 *   detector_cache.c    what there is, replace marks, who owns whom (confirmed from above)
 *   detector_memory.c   what was seen of a pod's containers over time
 *   detector_due.c      which workload is to be looked at again when
 *   detector_notes.c    what events said about pods
 *   detector_rules.c    the rule table
 *   detector_rules_pods.c, _work.c, _world.c   its tests: containers and pods; what makes pods; nodes, volumes, certificates, Argo CD and others
 *   detector_judge.c    from what the rules find to alerts and recoveries: causes before symptoms, hysteresis, storm
 *   detector_policy.c   Kyverno: blocked requests, reports, which policies are enforced
 *   detector_nodes.c    nodes, and the pods that a node took with it
 *   detector_cron.c     how long a schedule may be silent
 *   detector_things.c   what is neither pod nor owner and can be wrong by itself: table, and the workload each is about
 *   detector_decode_things.c  jobs that failed, autoscalers, claims, certificates, applications: one API object -> what is wrong with it
 *   detector_external.c alerts of other systems
 *   detector_cost.c     OpenCost on a thread of its own */
#ifndef NEUROSCALE_AGENTS_DETECTOR_PRIV_H
#define NEUROSCALE_AGENTS_DETECTOR_PRIV_H
#include <pthread.h>
#include "neuroscale/agents/detector.h"
#include "neuroscale/kube/watch.h"
#include "neuroscale/policy/policy.h"

/* ---- tables: pointers to structs whose first member is their key ---- */
typedef struct dt_tab {
	void **at;
	size_t n, cap; /* cap: a power of two, 0 before the first */
} dt_tab;
void *dt_tab_get(const dt_tab *t, const char *key);
void dt_tab_put(dt_tab *t, void *item); /* replaces the one with the same key (the caller has freed or kept it) */
void *dt_tab_del(dt_tab *t, const char *key);
const char *dt_tab_key(const void *item);
void dt_tab_free(dt_tab *t); /* the slots, not the items */

/* By namespace and name, which several may share. An item's names must not change while it is in. */
typedef struct dt_names {
	const char *(*say)(const void *item, const char **name); /* its namespace, and its name */
	const void **at;
	size_t n, cap;
} dt_names;
void dt_names_add(dt_names *t, const void *item);
void dt_names_remove(dt_names *t, const void *item); /* before it is freed; one that is not in is fine */
/* The next of that namespace whose name is the first n bytes of name; *from begins at 0. NULL: no more. */
const void *dt_names_next(const dt_names *t, const char *ns, const char *name, size_t n, size_t *from);
#define dt_each(type, var, tab) \
	for (size_t i_##var = 0; i_##var < (tab)->cap; i_##var++) \
		for (type *var = (tab)->at[i_##var]; var; var = NULL)

/* ---- what is kept ---- */

/* How each kept item begins: its key, and the list of which row last named it. */
#define DT_HEAD     \
	const char *key; \
	unsigned mark;   \
	unsigned char row
typedef struct dt_head { DT_HEAD; } dt_head;

typedef enum dt_phase { DT_PENDING, DT_RUNNING, DT_DONE, DT_FAILED, DT_UNKNOWN } dt_phase;

typedef struct dt_end { /* a terminated state */
	const char *reason; /* "" none */
	int exit_code;
	int64_t started_ms, finished_ms;
} dt_end;

typedef struct dt_container {
	const char *name, *waiting, *message; /* waiting reason and message, "" none */
	dt_end now, last;                     /* state.terminated and lastState.terminated */
	bool running, ready, init, sidecar;   /* a sidecar is listed with the init containers and runs like an app container: init is false */
	int restarts;
	int64_t started_ms;                   /* state.running.startedAt */
} dt_container;

/* What the watch saw of a container over time; made when there is something to remember. */
typedef struct dt_memory {
	char *name;
	int64_t restarted_ms[3]; /* wall: the newest three times the count grew under our watch, newest first */
	int64_t oom_end_ms;      /* finishedAt of the newest OOM kill that was accounted for */
	int64_t oom_seen_ms;     /* wall: when it was noticed as fresh, 0 not */
	const char *pull_cause;  /* static: why its image cannot be pulled, as last told; NULL not told (a back-off often does not repeat it) */
} dt_memory;

typedef struct dt_work dt_work;

typedef struct dt_pod {
	DT_HEAD; /* key: uid */
	const char *ns, *name, *owner_kind, *owner_name, *owner_uid, *hash;
	const char *labels; /* "k=v\0k=v\0\0" */
	const char *shared; /* where those from ns to labels and the names of the containers stand: one block for all pods that have the same */
	const char *sched_reason, *sched_message;
	const char *node;             /* name, "" none yet */
	const char *reason, *message; /* of the pod as a whole: "Evicted", "OutOfcpu" */
	const char *claims;           /* names of its volume claims: "a\0b\0\0" */
	dt_phase phase;
	bool deleting, ready, scheduled;
	int64_t created_ms, ready_at_ms, sched_at_ms; /* transition times of Ready and PodScheduled */
	int64_t gone_by_ms; /* when it should have been gone (deletionTimestamp), 0 not deleted */
	int64_t ended_ms;   /* newest time that its status names; of a finished pod that is about when it ended */
	dt_container *c;
	size_t n_c;
	/* kept over updates */
	dt_memory *memory;
	size_t n_memory;
	dt_work *work;      /* NULL: not yet known whose it is */
	size_t at;          /* in work->pods */
	bool confirmed;     /* up to the top of its owner chain */
	size_t orphan;      /* its place among those to resolve again, from 1; 0 none */
	unsigned member_of; /* alert kinds (bits) that count it as a member; kept until they recover, also while it runs between two failures */
	int64_t seen_mono;
} dt_pod;

typedef enum dt_kind { DT_DEPLOYMENT, DT_REPLICASET, DT_STATEFULSET, DT_DAEMONSET, DT_JOB, DT_CRONJOB, DT_KIND_COUNT } dt_kind;
extern const char *const dt_kind_names[DT_KIND_COUNT];

typedef struct dt_obj { /* what can own pods */
	DT_HEAD; /* key: uid */
	dt_kind kind;
	const char *ns, *name, *owner_kind, *owner_name, *owner_uid, *hash, *labels, *selector; /* of a ReplicaSet's labels and selector the hash stands apart */
	const char *shared; /* where ns, owner, labels and selector stand, as with pods */
	int64_t generation, observed, replicas, st_replicas, ready, updated, available;
	bool paused, replica_failure;
	const char *prog_status, *prog_reason, *prog_message, *failure_reason, *failure_message;
	int64_t failure_at_ms;
	int64_t progress_ms;            /* wall: when its counts last changed under our watch */
	int64_t quiet_ms;               /* CronJob: longest time between two runs of its schedule, 0 not known or suspended */
	int64_t schedule_ms;            /* CronJob, wall: when that changed under our watch (edited, resumed), 0 it did not */
	bool runs;                      /* CronJob: a Job of it is active */
	int64_t run_ms, ok_ms;          /* CronJob: last run (or its creation), last success; Job: completion */
	dt_work *work;   /* where it stands for itself; NULL while it counts for its owner */
} dt_obj;

typedef struct dt_node {
	DT_HEAD; /* key: name; pods know it by that, and no two live at a time */
	const char *uid, *reason, *message;          /* of its Ready condition */
	const char *trouble, *trouble_message;       /* the first pressure condition that is on, "" none */
	bool ready, answers, cordoned, leaving;      /* answers: it says itself whether it is ready; leaving: being deleted, or marked for removal by an autoscaler or the cloud */
	int64_t created_ms, since_ms;                /* since: transition of Ready */
	dt_work *work; /* while something is wrong with it */
} dt_node;

/* What events said about one object (key: its uid). Events come in any order with the objects they are about. */
typedef enum dt_probe { DT_READINESS, DT_LIVENESS, DT_STARTUP, DT_PROBES } dt_probe;
typedef struct dt_note {
	char *key;
	int64_t probe_ms[DT_PROBES];
	int64_t kill_ms;    /* newest kill by a probe */
	int kills;          /* in the last while, by the events' own count */
	char *container, *message;
	int64_t fail_ms;    /* the newest event that says what keeps it from being made: volume, sandbox, claim, pods of a set */
	char *fail_reason, *fail_message;
	int64_t room_ms; /* when an autoscaler said that it brings a node for it */
} dt_note;

/* What is neither pod nor owner, and is kept because something is wrong with it by its own word. One allocation. */
typedef enum dt_sort { DT_JOB_FAILURE, DT_AUTOSCALER, DT_CLAIM, DT_CERTIFICATE, DT_APPLICATION, DT_EXTERNAL, DT_SORTS } dt_sort;
typedef struct dt_thing {
	DT_HEAD; /* key: dt_thing_key */
	const char *ns, *name;
	const char *reason, *message;
	const char *ref_kind, *ref_name; /* the workload that it names, "" none */
	const char *pod, *node, *container; /* the same of an external alert */
	const char *uid, *parts;            /* parts: the workloads of an application, "ns/Kind/name\n" each */
	dt_sort sort;
	ns_severity severity;
	int64_t since_ms, until_ms; /* wall, 0 none */
	dt_work *work;
} dt_thing;

typedef struct dt_policy { /* key: "name" or "ns/name" */
	DT_HEAD;
	const char *modes; /* n times: rule ("" all), "y" when it is enforced there, pattern of namespaces; the first that fits counts */
	size_t modes_len;
	unsigned n_modes;
} dt_policy;
typedef struct dt_result { const char *policy, *rule, *message; } dt_result;
typedef struct dt_report { /* of one report, for one resource: what fails, and what an exception lets through */
	DT_HEAD; /* key: uid of the report */
	struct dt_report *next; /* what the same report says of another resource; only the first stands in the table */
	dt_work *work;
	const char *ns, *kind, *name, *uid; /* of the resource */
	dt_result *fails, *skips;
	size_t n_fails, n_skips;
} dt_report;

typedef struct dt_blocked { /* the newest refusal at admission */
	char *policy, *rule, *message;
	int64_t at_ms, generation;
	bool complete; /* the workload was complete when it came: an update from outside was refused, not its pods */
} dt_blocked;

/* One alert kind of one workload. */
typedef struct dt_state {
	bool holds, alerted;
	unsigned row;                  /* the row that holds, or did last */
	int64_t since_mono, bad_mono;  /* since it holds; when it last did */
	int64_t first_ms, sent_mono, changed_mono;
	int64_t clear_ms;              /* wall: since when no row of the kind holds, 0 one does */
	int flaps;                     /* how often it came back soon after it was over */
	int64_t ended_mono;            /* when it was last over, 0 never */
	uint64_t digest;               /* of what was last told */
	char container[64];
} dt_state;

struct dt_work {
	char *key; /* "ns/Kind/name" */
	char *ns, *kind, *name;
	char uid[65];
	dt_obj *obj;
	dt_node *node; /* it is a node that something is wrong with */
	dt_pod **pods;
	size_t n_pods, cap_pods;
	dt_state *k;             /* [NS_KIND_COUNT], NULL while nothing ever held */
	dt_report **reports;
	size_t n_reports;
	dt_thing **things; /* what is wrong with what belongs to it */
	size_t n_things;
	dt_blocked *blocked;
	/* cost */
	bool spike;
	double cost_now, cost_before;
	bool over_budget; /* the cluster as a whole */
	int64_t job_ok_ms; /* newest completion of a Job of it */
	int64_t spike_replicas;
	unsigned cost_mark; /* round of the last report that names it */
	/* health */
	int64_t healthy_ms, last_failure_ms, worst_ttf_ms, restarts;
	int64_t ready_mono;      /* since when ready, -1 not */
	char reason[64];
	/* queues */
	bool dirty, watched, counted, unhealthy;
	int64_t due_mono;        /* -1 none */
	size_t due_at;           /* its place among those that are due some time, 0 none */
	dt_work *next_dirty;
};

/* ---- what the rules get and say ---- */
typedef struct dt_env {
	int64_t wall, mono;
	const struct ns_detector *d;
	ns_arena *ar; /* lives as long as the round */
} dt_env;

typedef struct dt_finding {
	bool holds, symptom; /* symptom: the row itself knows that another row is its cause */
	const char *reason, *message, *container, *policy, *rule, *object_uid;
	dt_pod **pods;
	size_t n_pods, cap_pods;
	const char *const *members; /* instead of pods: names, for what is no owner of pods */
	size_t n_members;
	int64_t due_mono; /* look again then, -1 never */
	int severity;     /* instead of the row's own, -1 not */
} dt_finding;

typedef struct dt_rule {
	ns_rule_info info;
	void (*test)(const dt_env *e, dt_work *w, dt_finding *f);
	uint64_t causes;    /* rows (bits) of which this one is but a symptom */
	int settle_ms;      /* must hold that long before it is told */
	int recover_ms;     /* must be gone that long */
	bool needs_ready;   /* and the workload be ready meanwhile */
} dt_rule;
enum { DT_MAX_RULES = 64 };
extern const dt_rule dt_rules[];
extern const size_t dt_n_rules;
#define DT_FLAP_MS (30 * 60000) /* what comes back within that time flaps */
#define DT_CERT_WARN_MS (14 * 86400000ll) /* so long before its end a certificate is told of */
#define DT_JOINING_MS (5 * 60000) /* a node that is younger is being set up */
#define DT_BIT(kind) (1u << (kind))
/* The kinds that make a workload unhealthy by themselves; the others (policy, cost) are judged only for their own incidents. */
extern const unsigned dt_health_kinds;

/* ---- rows of the watch ---- */
typedef enum dt_row {
	DT_ROW_PODS, DT_ROW_EVENTS, DT_ROW_DEPLOYMENTS, DT_ROW_REPLICASETS, DT_ROW_NODES, DT_ROW_STATEFULSETS, DT_ROW_DAEMONSETS, DT_ROW_JOBS,
	DT_ROW_CRONJOBS, DT_ROW_REPORTS, DT_ROW_CLUSTERPOLICIES, DT_ROW_POLICIES, DT_ROW_CLUSTERREPORTS, DT_ROW_OPENREPORTS, DT_ROW_OPENCLUSTERREPORTS,
	DT_ROW_VALIDATINGPOLICIES, DT_ROW_AUTOSCALERS, DT_ROW_CLAIMS, DT_ROW_APPLICATIONS,
	DT_ROW_SECRETS, /* last: left out unless the options ask for it */
	DT_ROW_COUNT
} dt_row;
extern const ns_watch_row dt_rows[DT_ROW_COUNT];
void dt_row_put(ns_detector *d, dt_row row, const cJSON *obj);  /* takes the lock */
void dt_row_drop(ns_detector *d, dt_row row, const cJSON *obj); /* takes the lock */
void dt_row_sweep(ns_detector *d, dt_row row); /* mu held, after a list: what was not repeated is gone */
typedef struct dt_link { bool listed, live, absent, listing; unsigned mark; ns_err why; } dt_link; /* one row's state */

/* One thing to tell the sink once no lock is held. */
typedef struct dt_say {
	enum { DT_SAY_LINK, DT_SAY_ALERT, DT_SAY_RECOVERED, DT_SAY_COST } what;
	const ns_alert *alert;
	const char *identity;
	int64_t at_ms;
} dt_say;

struct ns_detector {
	/* fixed */
	char *cluster, *opencost_url;
	const char *const *namespaces; /* NULL: none named */
	const ns_kubeconfig *cfg;
	const ns_clock *clock;
	ns_kube_stats *stats;
	int64_t cost_every_ms, cost_window_ms;
	ns_cost_rule cost_rule;
	double storm_ratio;
	int storm_min, storm_min_nodes;
	bool secrets; /* TLS secrets are watched for the end of their certificates */
	ns_detector_sink sink;
	ns_wake *wake;

	pthread_mutex_t mu; /* leaf; guards all below */
	dt_tab pods, objs, works, nodes, notes, reports, policies, things;
	dt_names pod_names, obj_names;
	size_t n_external, n_down; /* external alerts that fire; nodes that are not ready */
	dt_work *dirty;
	dt_work **due;      /* heap by due_mono: detector_due.c */
	size_t n_due, cap_due;
	dt_pod **orphans;   /* pods whose owner chain is not confirmed to the top */
	size_t n_orphans, cap_orphans;
	int64_t orphans_due; /* mono: when to give up on an owner that does not come, -1 none */
	dt_link rows[DT_ROW_COUNT];
	bool live, synced, started;
	int64_t live_mono, link_since_ms, last_event_ms, next_due, next_sweep;
	int64_t n_counted, n_unhealthy;
	/* storm */
	bool storm, storm_of_nodes;
	int64_t storm_since_ms, storm_calm_mono;
	char storm_why[128];
	bool link_changed;
	/* cost */
	ns_arena *cost_arena;
	ns_cost_report *cost;
	char cost_error[256];
	bool cost_new, cost_read; /* told to the sink; applied to the workloads */
	unsigned cost_round;
	/* the round */
	ns_arena *round;
	dt_say *say;
	size_t n_say, cap_say;
};

/* ---- detector_shared.c (any thread): bytes that many hold, kept once; what was shared is given back as often ---- */
const char *dt_share(const char *bytes, size_t n);
void dt_unshare(const char *shared); /* NULL is fine */

/* ---- detector_decode.c: NULL when the object is of no use (no uid, wrong types) ---- */
dt_pod *dt_decode_pod(const cJSON *j);
void dt_pod_free(dt_pod *p); /* but not what it remembers over updates */
dt_obj *dt_decode_obj(dt_kind kind, const cJSON *j);
void dt_obj_free(dt_obj *o); /* NULL is fine */
/* An event that matters: which object, what it says. False for the rest. */
typedef struct dt_event { const char *uid, *kind, *ns, *name, *reason, *message, *type; char container[64]; int64_t at_ms; int count; } dt_event;
bool dt_decode_event(const cJSON *j, int64_t now_ms, dt_event *out);
const char *dt_label(const char *packed, const char *name, size_t *len); /* NULL when absent */
bool dt_selects(const char *selector, const char *labels);               /* every pair is there and every expression holds; an empty one selects nothing */

/* ---- detector_cache.c (mu held) ---- */
void dt_put_pod(ns_detector *d, dt_pod *p);  /* takes it */
void dt_drop_pod(ns_detector *d, const char *uid);
void dt_put_obj(ns_detector *d, dt_obj *o);
void dt_drop_obj(ns_detector *d, const char *uid);
void dt_resolve_orphans(ns_detector *d); /* asks again who owns them; what waited long enough gets its own workload */
dt_work *dt_work_find(ns_detector *d, const char *ns, const char *kind, const char *name);
dt_work *dt_work_get(ns_detector *d, const char *ns, const char *kind, const char *name); /* made when absent */
/* The workload at the top of the confirmed chain from a resource by name (which need not exist any more). NULL unknown. */
dt_work *dt_work_of_resource(ns_detector *d, const char *ns, const char *kind, const char *name, const char *uid);
const dt_pod *dt_pod_named(const ns_detector *d, const char *ns, const char *name);
void dt_cache_init(ns_detector *d);
void dt_mark(ns_detector *d, dt_work *w);        /* look at it in the next round */
void dt_work_reap(ns_detector *d, dt_work *w);   /* frees it when nothing is left of it */
void dt_cache_free(ns_detector *d);
bool dt_obj_complete(const dt_obj *o);           /* its rollout is through and everything is available */
bool dt_obj_rolling(const dt_obj *o);            /* a rollout is under way within its deadline */
bool dt_work_ready(const dt_work *w);
bool dt_work_complete(const dt_work *w);

/* ---- detector_memory.c (mu held) ---- */
dt_memory *dt_memory_of(const dt_pod *p, const char *container);
const char *dt_pull_cause(const char *message);  /* static words, NULL when it does not tell */
bool dt_note_pull(dt_pod *p, const char *container, const char *message); /* remembers why; true when that is news */
/* old: the pod as it was before, NULL when it is new. */
void dt_remember(dt_pod *p, const dt_pod *old, int64_t wall);
void dt_times_not_ahead(dt_pod *p, const dt_pod *old, int64_t wall);

/* ---- detector_nodes.c (mu held, but for the first) ---- */
dt_node *dt_decode_node(const cJSON *j);
void dt_put_node(ns_detector *d, dt_node *n);
void dt_drop_node(ns_detector *d, const char *name);
const dt_node *dt_node_of(const ns_detector *d, const char *name); /* NULL unknown */
/* Not ready, and not because somebody takes it away, has just emptied it, or it joins. *until (NULL is fine): when that may end by itself, 0 not. */
bool dt_node_lost(const dt_node *n, int64_t wall, int64_t *until);
bool dt_adrift(const ns_detector *d, const dt_pod *p);             /* its node is not ready: what it says of itself is of the past */
size_t dt_pods_on(const dt_node *n, const ns_detector *d, ns_arena *ar, const char *const **names, size_t max);

/* ---- detector_cron.c ---- */
int64_t dt_cron_quiet_ms(const char *schedule); /* longest time between two runs, 0 when it cannot be said */

/* ---- detector_notes.c (mu held) ---- */
void dt_put_event(ns_detector *d, const dt_event *e);
dt_note *dt_note_of(const ns_detector *d, const char *uid); /* NULL none */
void dt_sweep_notes(ns_detector *d, int64_t wall);
void dt_note_free(dt_note *n);

/* ---- detector_policy.c (mu held, but for the parts that only read JSON) ---- */
dt_report *dt_decode_report(ns_arena *ar, const cJSON *j); /* no lock; NULL when it says nothing of interest */
dt_policy *dt_decode_policy(const cJSON *j);               /* no lock */
char *dt_policy_key(const cJSON *j);                       /* no lock; caller frees */
void dt_put_violation(ns_detector *d, const ns_violation *v, int64_t at_ms);
void dt_put_report(ns_detector *d, dt_row row, dt_report *first); /* takes them */
void dt_drop_report(ns_detector *d, const char *uid);
void dt_count_job(ns_detector *d, const dt_obj *o);  /* a Job that is through: its owner knows when */
void dt_resolve_reports(ns_detector *d);         /* those whose workload was not known yet */
void dt_put_policy(ns_detector *d, dt_row row, dt_policy *p);
void dt_drop_policy(ns_detector *d, const char *key);
bool dt_blocked_holds(const dt_work *w, int64_t wall, int64_t *until_ms); /* until_ms: when that may end by itself, 0 not */
const dt_result *dt_enforced_fail(const ns_detector *d, const dt_work *w);
/* Policy and rule out of an admission message of Kyverno. False when it is none. */
bool dt_parse_denial(ns_arena *ar, const char *message, const char **policy, const char **rule);

/* ---- detector_things.c (mu held, but for the first two) ---- */
char *dt_thing_key(dt_sort sort, const char *ns, const char *name); /* caller frees */
dt_thing *dt_thing_new(const dt_thing *from); /* copies the texts (NULL counts as "") */
const dt_thing *dt_thing_of(const ns_detector *d, dt_sort sort, const char *ns, const char *name); /* NULL: nothing is wrong with it */
void dt_put_thing(ns_detector *d, dt_thing *t); /* takes it */
void dt_drop_thing(ns_detector *d, const char *key);
void dt_place_things(ns_detector *d, int64_t wall); /* drops what is over, and attaches anew what names another workload by now */

/* ---- detector_decode_things.c: NULL when nothing is wrong with it; texts may point into j ---- */
dt_thing *dt_decode_job_failure(const cJSON *j);
dt_thing *dt_decode_autoscaler(const cJSON *j);
dt_thing *dt_decode_claim(const cJSON *j);
dt_thing *dt_decode_certificate(const cJSON *j);
dt_thing *dt_decode_application(const cJSON *j);

/* ---- detector_external.c (mu held) ---- */
dt_work *dt_external_work(ns_detector *d, const dt_thing *t);
dt_work *dt_cluster_work(ns_detector *d); /* what is about no workload in particular */
const dt_thing *dt_external_note(const dt_work *w, int64_t wall); /* the first that fires, NULL none */

/* ---- detector_due.c (mu held) ---- */
void dt_due_add(ns_detector *d, dt_work *w);    /* by its due_mono, which must stay as it is while it is in there */
void dt_due_remove(ns_detector *d, dt_work *w); /* nothing when it is not in there */
dt_work *dt_due_first(const ns_detector *d);    /* the soonest, NULL none */

/* ---- detector_judge.c (mu held) ---- */
void dt_judge(ns_detector *d);                   /* everything dirty or due; fills d->say */
void dt_went_live(ns_detector *d);               /* health and recovery are counted from now */
void dt_say_link(ns_detector *d);
bool dt_flapped(const dt_state *k, int64_t mono); /* it was over only a while ago: should it come back, it flaps */

/* ---- detector_cost.c ---- */
void dt_cost_run(void *detector, ns_cancel *cancel); /* service */
void dt_apply_cost(ns_detector *d);                  /* mu held: the report to the workloads */

/* ---- entry points for tests: what the watch calls ---- */
void dt_on_event(void *detector, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why);
void dt_on_tick(void *detector, int64_t *next_deadline_mono_ms);
void dt_set_cost(ns_detector *d, ns_arena *ar, ns_cost_report *r, const char *error); /* takes ar */
#endif
