/* What lives in the simulated cluster: workloads with fault scripts (data, see faults.c and scenes*.c), and the controllers that keep
 * Deployments, ReplicaSets, Pods, Events and reports as the real ones would.
 *
 * The cluster is a discrete-event simulation on the clock of the simulator: each thing that will happen has a due time, and the driver
 * handles them in order of these, so that a clock that jumps a minute gives the same history as one that flows. Everything here is called
 * with the lock held. Times are milliseconds relative to the start. */
#ifndef NEUROSCALE_SIM_CLUSTER_PRIV_H
#define NEUROSCALE_SIM_CLUSTER_PRIV_H
#include "neuroscale/base/cancel.h"
#include "world_priv.h"

#define SIM_NEVER INT64_MAX

/* ---- fault scripts: data ---- */

typedef struct sim_words { /* what a program prints; lines, NULL-terminated; "%T" is the time */
	const char *const *start, *const *work, *const *end;
} sim_words;

typedef enum sim_what {
	DOES_RUN,      /* healthy */
	DOES_OOM,      /* is killed when its need is above the memory limit */
	DOES_EXIT,     /* ends with exit_code */
	DOES_UNREADY,  /* runs, but its readiness probe fails */
	DOES_CONFIG,   /* the kubelet cannot make the container: message says why */
	DOES_NO_IMAGE, /* the image cannot be pulled */
} sim_what;

typedef struct sim_does { /* what a container does, as long as nothing changes */
	sim_what what;
	int after_ms; /* it runs for so long before it fails */
	int need_mib; /* DOES_OOM */
	int grows;    /* DOES_OOM: need is at least so many percent of the limit: over 100 it is never enough */
	int exit_code;
	bool at_start;       /* as a fault: hits containers that start, and spares those that run */
	const char *message; /* DOES_CONFIG, DOES_UNREADY: Kubernetes' words */
	const sim_words *says;
} sim_does;

typedef struct sim_rev {         /* a revision of the template */
	int64_t at_ms;           /* when it was or will be rolled out */
	const char *image, *env; /* env: "KEY=value;KEY=@secret/key" */
	const sim_does *does;    /* NULL: healthy */
	const char *cause;       /* kubernetes.io/change-cause */
} sim_rev;

typedef struct sim_violation { /* of a Kyverno policy */
	const char *policy, *rule, *category, *severity, *message;
} sim_violation;

enum { SIM_MAX_REVS = 4 };
typedef struct sim_work {
	const char *ns, *name;
	int replicas;
	const char *cpu, *mem_request, *mem_limit; /* quantities; limit NULL: none */
	int limit_span_mib;                        /* a seed may raise the limit (then in Mi) by up to this: the script still does what it says */
	const char *labels, *annotations;          /* "key=value;key=value" */
	sim_rev revs[SIM_MAX_REVS];                /* in order of at_ms; at least one in the past */
	const sim_does *fault;                     /* something outside its template: hits every revision */
	int64_t fault_from_ms, fault_until_ms;     /* until 0: for good */
	int64_t fault_every_ms;                    /* it comes back so long after it came; 0: it does not */
	int64_t scale_at_ms;                       /* somebody scales it then */
	int scale_to;
	const sim_violation *violation;
	int64_t violation_from_ms;
	int progress_s;        /* progressDeadlineSeconds, 0: 600 */
	int ready_ms;          /* from start to ready, 0: 3000 */
	int64_t pods_ms;       /* when its pods started (a drain moved them, say); 0: with the newest past revision */
	int used;              /* percent of its requests that it uses, for cost efficiency; 0: 60 */
	const char *sidecar;   /* image of a second, healthy container */
	const sim_words *says; /* when healthy; NULL: an access log */
} sim_work;

/* An object that no controller here makes; what of it is given replaces what there is. */
typedef struct sim_thing {
	int64_t at_ms; /* in order */
	sim_k kind;
	const char *ns, *name;
	const char *body; /* JSON members; $T is the time */
	const char *reason, *component, *message; /* and an event about it, reason NULL none */
} sim_thing;

typedef struct sim_scene {
	const char *name;      /* of the scenario */
	const sim_work *works; /* ends with name == NULL */
	int64_t outage_from_ms, outage_until_ms;
	const char *exception_ns; /* where Kyverno accepts exceptions; NULL: "*" */
	const sim_thing *things;  /* ends with name == NULL; NULL none */
	bool together;            /* one cause: no seed moves the workloads against each other */
} sim_scene;
extern const sim_scene sim_scenes[];  /* ends with name == NULL */
extern const sim_work sim_platform[]; /* what every cluster runs; ends with name == NULL */

/* vary.c: the scene as a seed changes it */
enum { SIM_QUANTITY = 32 };
typedef struct sim_varied {
	sim_scene scene;
	sim_work *works;
	sim_thing *things;
	char (*limits)[SIM_QUANTITY]; /* one per workload */
} sim_varied;
void scene_open(ns_sim *s, const sim_scene *as_written, bool vary); /* sets s->scene */
void scene_close(ns_sim *s);

/* words.c: what every cluster needs; the rest is in faults_priv.h */
extern const sim_words words_http;
extern const sim_does does_run, does_no_image;

/* ---- runtime ---- */

typedef enum sim_step {
	POD_PENDING, /* not scheduled */
	POD_CREATING,
	POD_RUNNING,
	POD_DIED,       /* terminated, the kubelet has not looked yet */
	POD_BACKOFF,    /* CrashLoopBackOff */
	POD_PULL_ERROR, /* ErrImagePull and ImagePullBackOff in turn */
	POD_CONFIG_ERROR,
	POD_ENDING, /* being deleted */
} sim_step;

typedef struct sim_run { /* one life of a container */
	bool have;
	int64_t started_ms, finished_ms;
	int exit_code, number;
	const char *reason; /* static */
	const sim_does *does;
} sim_run;

typedef struct sim_rs sim_rs;
typedef struct sim_wl sim_wl;
typedef struct sim_pod {
	struct sim_pod *next;
	sim_rs *rs;
	sim_obj *o;
	sim_step step;
	int64_t due_ms; /* when pod_step wants to be called */
	int node;       /* -1 not scheduled */
	const sim_does *does;
	int64_t created_ms, started_ms, dies_ms, ready_ms;
	bool ready, pull_backoff;
	int64_t ready_since_ms; /* of the Ready condition's last transition */
	int restarts, tries;
	int64_t backoff_ms;
	sim_run last, now; /* last: lastState; now: set while the state is terminated */
} sim_pod;

struct sim_rs {
	sim_rs *next; /* newest first */
	sim_wl *wl;
	sim_obj *o;
	char *template_text; /* canonical, without the hash label */
	char hash[12];
	int64_t revision, created_ms;
	int want, made; /* replicas wanted; pods ever made, for names */
	sim_pod *pods;
	const sim_rev *rev; /* the script of its image; NULL: no such image */
	int64_t mem_limit, mem_request, cpu_milli;
};

struct sim_wl {
	const sim_work *work;
	sim_obj *dep;
	sim_rs *sets;
	int64_t timeline_ms; /* the script is applied up to here */
	int64_t sync_ms;     /* when its controller wants to run */
	int64_t progress_ms; /* last progress of the rollout */
	bool complete;       /* the newest rollout has finished once */
	int64_t scan_ms;     /* when the policy engine looks again */
	int exempt;          /* -1 not known yet */
};

enum { SIM_NODES = 3, SIM_NODE_CPU_MILLI = 8000, SIM_NODE_MEM_MIB = 15 * 1024 };
typedef struct sim_cluster {
	sim_wl *wls;
	size_t n_wls;
	size_t n_things; /* of the scene's that have appeared */
	int64_t now; /* of the thing being handled */
} sim_cluster;

/* driver.c */
bool fault_is_on(const sim_work *w, int64_t at);
void cluster_seed(ns_sim *s);                 /* builds what there is at the start */
int64_t cluster_step(ns_sim *s, int64_t now); /* handles all that is due; returns the next due time */
void cluster_free(ns_sim *s);
void cluster_touched(ns_sim *s, sim_k k, const char *ns, const char *name); /* the API changed an object */
void driver_run(void *sim, ns_cancel *cancel);                              /* the thread */

/* deployment.c, template.c */
cJSON *template_new(const ns_sim *s, const sim_work *w, const sim_rev *r);
char *template_text(const cJSON *tmpl); /* canonical, without pod-template-hash; caller frees */
void template_facts(sim_rs *rs, const cJSON *tmpl);
void template_hash(const char *text, char out[12]);
void deployment_seed(ns_sim *s, sim_wl *wl);
void deployment_roll(ns_sim *s, sim_wl *wl, const sim_rev *r); /* somebody applies a new template */
void deployment_scale(ns_sim *s, sim_wl *wl, int replicas);
void deployment_sync(ns_sim *s, sim_wl *wl);

/* replicaset.c */
sim_rs *replicaset_new(ns_sim *s, sim_wl *wl, const cJSON *tmpl, int64_t revision, int64_t created_ms);
void replicaset_want(ns_sim *s, sim_rs *rs, int n, bool seeding);
void replicaset_sync(ns_sim *s, sim_rs *rs); /* makes and deletes pods, writes status */
int replicaset_pods(const sim_rs *rs, int *ready);

/* pod.c, podstatus.c, kubelet.c, scheduler.c */
sim_pod *pod_new(ns_sim *s, sim_rs *rs, int64_t created_ms);
void pod_seed_running(ns_sim *s, sim_pod *p);
void pod_delete(ns_sim *s, sim_pod *p);
void pod_gone(ns_sim *s, sim_pod *p); /* removes it for good, frees */
void pod_free(sim_pod *p);
void pod_publish(ns_sim *s, sim_pod *p); /* status from the runtime state to the store */
void pod_step(ns_sim *s, sim_pod *p);
void pod_refault(ns_sim *s, sim_pod *p); /* the script of its workload changed under it */
sim_pod *pod_find(const ns_sim *s, const sim_obj *o);
bool schedule(ns_sim *s, sim_pod *p, char *why, size_t cap);
void nodes_seed(ns_sim *s);
const char *node_name(int i);

/* things.c */
int64_t things_due(const ns_sim *s);
void things_step(ns_sim *s); /* the next appears */

/* events.c */
void event_core(ns_sim *s, const sim_obj *about, const char *type, const char *reason, const char *component, const char *field,
    const char *fmt, ...) __attribute__((format(printf, 7, 8)));
typedef struct sim_event_v1 {
	const sim_obj *about, *related; /* related may be NULL */
	const char *ns, *type, *reason, *action, *controller;
	bool series; /* repeats are counted in series; else each is its own object */
} sim_event_v1;
void event_v1(ns_sim *s, const sim_event_v1 *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void events_prune(ns_sim *s);

/* kyverno.c */
void kyverno_seed(ns_sim *s);
void kyverno_scan(ns_sim *s, sim_wl *wl);
bool kyverno_accepts(const ns_sim *s, const char *exception_ns);

/* small text lists "a=b;c=d" */
void pairs_put(cJSON *obj, const char *pairs);
#endif
