/* What the simulated API server stores: kinds, objects, versions of objects, and the ring of changes that watches read.
 *
 * One lock, ns_sim.mu, guards everything in the simulator; every function declared here is called with it held unless its comment
 * says otherwise. Two threads take it: the HTTP thread (libmicrohttpd's) and the driver, which runs the controllers. */
#ifndef NEUROSCALE_SIM_WORLD_PRIV_H
#define NEUROSCALE_SIM_WORLD_PRIV_H
#include "neuroscale/base/buf.h"
#include "neuroscale/model/json.h"
#include "neuroscale/sim/sim.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- kinds ---- */
enum {
	V_GET = 1,
	V_LIST = 2,
	V_WATCH = 4,
	V_CREATE = 8,
	V_UPDATE = 16,
	V_PATCH = 32,
	V_READ = V_GET | V_LIST | V_WATCH,
};

typedef enum sim_k {
	K_NAMESPACE,
	K_NODE,
	K_POD,
	K_EVENT,
	K_SERVICE,
	K_CONFIGMAP,
	K_SECRET,
	K_PVC,
	K_DEPLOYMENT,
	K_REPLICASET,
	K_STATEFULSET,
	K_DAEMONSET,
	K_JOB,
	K_CRONJOB,
	K_HPA,
	K_EVENT_V1,
	K_LEASE,
	K_CLUSTERPOLICY,
	K_POLEX,
	K_POLICYREPORT,
	K_CLUSTERPOLICYREPORT,
	K_COUNT
} sim_k;

typedef struct sim_sub {
	const char *name;                   /* "log", "scale" */
	const char *group, *version, *kind; /* of its body */
	unsigned verbs;
} sim_sub;

typedef struct sim_kind {
	sim_k id;
	const char *group, *version, *resource, *singular, *kind, *short_name;
	bool namespaced;
	bool custom;               /* a custom resource: no strategic patches, list items carry kind and apiVersion */
	unsigned verbs;            /* what the caller may do; anything else is 403 */
	sim_k store;               /* where its objects live: itself, except events.k8s.io, which is a view of core events */
	const char *const *fields; /* field selectors beyond metadata.name and metadata.namespace, NULL-terminated, or NULL */
	const sim_sub *subs;       /* ends with name == NULL, or NULL */
} sim_kind;

extern const sim_kind sim_kinds[K_COUNT];
const sim_kind *kind_find(const char *group, const char *version, const char *resource);
bool kind_group_served(const char *group, const char *version); /* version NULL: any */
const sim_sub *kind_sub(const sim_kind *k, const char *name);
unsigned verb_bit(const char *verb); /* 0 when it is none of ours */
const char *verb_name(unsigned bit);
void kind_api_version(const sim_kind *k, char out[96]); /* "apps/v1", "v1" */
void kind_qualified(const sim_kind *k, char out[128]);  /* "deployments.apps", "pods" */

/* ---- objects ---- */
/* One version of one object, as text, shared by the object, the ring and snapshots of paged lists. */
typedef struct sim_ver {
	int refs;
	int64_t rv;
	size_t len;
	char text[];
} sim_ver;

typedef struct sim_obj {
	const sim_kind *kind;
	char *ns, *name; /* ns "" when cluster-scoped */
	cJSON *j;        /* the object with kind and apiVersion in front */
	sim_ver *cur;
} sim_obj;

typedef struct sim_shelf { /* the objects of one kind, sorted by (ns, name) */
	sim_obj **v;
	size_t n, cap;
} sim_shelf;

typedef enum sim_change_type { CH_ADDED, CH_MODIFIED, CH_DELETED } sim_change_type;
typedef struct sim_change {
	int64_t rv;
	sim_change_type type;
	sim_k kind;
	const char *ns;     /* interned */
	sim_ver *now, *was; /* was: the version before, NULL for ADDED */
} sim_change;

enum {
	SIM_RING = 4096,                  /* changes kept for watches that start late */
	SIM_RING_BYTES = 2 * 1024 * 1024, /* and no more than this much text */
};

typedef struct sim_world {
	sim_shelf shelf[K_COUNT];
	int64_t rv; /* of the newest change */
	sim_change ring[SIM_RING];
	size_t ring_head, ring_n; /* oldest entry, entries */
	size_t ring_bytes;
	unsigned gone;  /* how often 410 was answered */
	int64_t oldest; /* a watch may start from this version or a newer one; an older one is 410 */
	char **names;   /* interned namespaces */
	size_t n_names;
	int64_t denied_verbs[K_COUNT]; /* verb bits taken away by a test */
	int64_t mutations;
	struct sim_mutated {
		char *ns, *name;
		int64_t n;
	} * mutated;
	size_t n_mutated;
} sim_world;

void world_init(sim_world *w);
void world_free(sim_world *w);
sim_obj *world_get(const sim_world *w, sim_k k, const char *ns, const char *name);
/* Creates or replaces; takes j (which must carry metadata.name). Sets the resourceVersion, publishes the change, and wakes watches. */
sim_obj *world_put(ns_sim *s, sim_k k, cJSON *j);
void world_delete(ns_sim *s, sim_obj *o);
void world_compact(sim_world *w);
sim_ver *ver_ref(sim_ver *v);
void ver_unref(sim_ver *v); /* NULL is fine */
void world_count_mutation(sim_world *w, const char *ns, const char *name);

/* Metadata of a new object: uid from the seed and the name (so that the same seed gives the same cluster), creation time. */
cJSON *object_new(const ns_sim *s, sim_k k, const char *ns, const char *name, int64_t created_rel_ms);
uint64_t sim_hash(const ns_sim *s, const char *what); /* deterministic 64 bits for a string under this seed */
cJSON *owner_ref(const sim_obj *owner);               /* a controller reference to it */
/* Replaces or adds a member without caring which. Takes item. */
void json_set(cJSON *obj, const char *key, cJSON *item);
cJSON *json_child(cJSON *obj, const char *key);         /* the member, made an object when absent */
cJSON *json_obj(const cJSON *parent, const char *path); /* like ns_json_path, for writing */

/* The view of a core event as events.k8s.io/v1 (a new tree). */
cJSON *event_as_v1(const cJSON *core);
#endif
