/* List and watch of several resources of one cluster with client-go's reflector rules, on one thread (curl multi): paginated list, watch
 * from its resourceVersion, bookmarks, 410 (HTTP or ERROR event) -> list again, jittered back-off (800 ms x2 up to 30 s), Retry-After.
 *
 * Who may not list or watch a row in all namespaces (403) is served in those where he may: `namespaces` when given, else the context's own and,
 * when namespaces may be listed, all in which the server's own word on his rights (SelfSubjectRulesReview) allows it; at most 64. The owner
 * sees one row all the same: it is replaced as a whole, and LIVE comes with a note.
 *
 * Caps: an object 16 MiB, a list 10 million objects in 4 GiB, a Retry-After 5 minutes. An object nested deeper than 128 is left
 * out and counted as an error. */
#ifndef NEUROSCALE_KUBE_WATCH_H
#define NEUROSCALE_KUBE_WATCH_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/client.h"

typedef enum ns_watch_type {
	NS_WATCH_REPLACE_BEGIN, /* a list starts: what is not repeated until REPLACE_END is gone */
	NS_WATCH_REPLACE_END,
	NS_WATCH_ADDED, NS_WATCH_MODIFIED, NS_WATCH_DELETED,
	NS_WATCH_LIVE,          /* the watch is open; err is NULL, or (NS_E_DENIED) says in which namespaces only: "pods only in shop, web" */
	NS_WATCH_DOWN,          /* it is not; err says why (an optional row: NOTFOUND or DENIED means it is not there for us) */
	NS_WATCH_BOOKMARK       /* nothing changed, the stream is alive */
} ns_watch_type;

typedef struct ns_watch_row {
	const char *name;   /* "pods" */
	const char *path;   /* "/api/v1/pods" */
	const char *query;  /* more list and watch parameters ("fieldSelector=…"), "" none */
	bool optional;      /* 404 (CRD not installed) or 403 is not an error: asked again every 5 minutes */
	bool cluster_scoped; /* its objects have no namespace (nodes): a 403 is final */
	/* What on_event gets of an object: the members that these paths name ("metadata.name", "status.conditions.type" through arrays, "a\\.b"
	 * for a key with a dot) and what is below them; NULL-terminated; NULL: all of it. The rest costs no memory and little time. */
	const char *const *keep;
	/* The same in other versions of its API, NULL-terminated; NULL none. Where a server does not know one (404) the next is tried at once. */
	const char *const *older;
} ns_watch_row;

typedef struct ns_watch_opts {
	const ns_kubeconfig *cfg;
	const ns_clock *clock;          /* back-off runs on it */
	const ns_watch_row *rows;
	size_t n_rows;
	ns_kube_stats *stats;
	/* Called on the watch thread. obj is NULL for all but ADDED, MODIFIED and DELETED, and only lives until the call returns;
	 * it is only to be read (never cJSON_Delete). */
	void (*on_event)(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why);
	/* Called on the watch thread after a batch of events, when poll woke by `wake_fd` (the owner clears it) and at `next_deadline` (mono of
	 * clock, -1 none), so that the owner runs its timers there. */
	void (*on_tick)(void *ctx, int64_t *next_deadline_mono_ms);
	int wake_fd;                    /* -1 none */
	void *ctx;
	const char *const *namespaces;  /* NULL-terminated, for who may not watch all; NULL: they are found */
	int watch_seconds;              /* how long the server is asked to keep a watch open, up to twice that at random; 0: 300 */
} ns_watch_opts;
/* Runs until cancelled. False with err only for what cannot heal (no CA, bad certificate files). */
bool ns_watch_run(const ns_watch_opts *o, const ns_cancel *cancel, ns_err *err);
#endif
