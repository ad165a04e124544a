/* What the store remembers across incidents: the vectors of the runbook index, and what became of proposals. See store.h for [tx] and [any]. */
#ifndef NEUROSCALE_STORE_LEARNED_H
#define NEUROSCALE_STORE_LEARNED_H
#include "neuroscale/model/judged.h"
#include "neuroscale/store/store.h"

/* [any] Vectors of that model and dimension by the hash of their text: rows (n * dim) and found[i] are filled for those that there are. */
bool ns_store_vectors_get(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, float *rows, bool *found, ns_err *err);
/* [tx] Adds or replaces them. */
bool ns_store_vectors_put(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, const float *rows, ns_err *err);

/* [tx] Of this model and dimension only these stay; of others only what was made after before_ms, for a model that comes back. *gone: how many went. */
bool ns_store_vectors_prune(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, int64_t before_ms, int64_t *gone, ns_err *err);

/* [any] Proposals for one workload (uid does not count: it changes with the workload's name kept) that a person decided or that were verified,
 * newest first, at most max. Read out of the recorded facts: nothing is booked twice. */
bool ns_store_judged(ns_store *s, ns_arena *ar, const ns_workload *w, size_t max, ns_judged **out, size_t *n, ns_err *err);

/* [any] The newest `max` plans of a runbook, as it stands under that hash, for workloads of a namespace, that a person decided, that the server
 * refused or that were verified, oldest first. */
bool ns_store_tried(ns_store *s, ns_arena *ar, const char *cluster, const char *ns, const char *runbook, const char *hash, size_t max, ns_tried **out,
    size_t *n, ns_err *err);
/* [any] Where that runbook was planned with at all: cluster and namespace of each, in order. */
typedef struct ns_place { const char *cluster, *ns; } ns_place;
bool ns_store_places(ns_store *s, ns_arena *ar, const char *runbook, ns_place **out, size_t *n, ns_err *err);

/* [any] The newest `max` claims of models (facts "analysis") whose plan did what the claim asked for and was verified, oldest first. */
bool ns_store_claimed(ns_store *s, ns_arena *ar, size_t max, ns_claimed **out, size_t *n, ns_err *err);
#endif
