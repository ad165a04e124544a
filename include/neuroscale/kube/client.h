/* An HTTP client of one API server for one thread (libcurl). It can read (GET), ask what it may do, and hold its own Lease; it has no
 * function that could change anything else (law 1). */
#ifndef NEUROSCALE_KUBE_CLIENT_H
#define NEUROSCALE_KUBE_CLIENT_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/kubeconfig.h"
#include "neuroscale/model/json.h"

typedef struct ns_kube_client ns_kube_client;
/* `stats` may be NULL; counters are shared by all clients of one cluster (atomics). */
typedef struct ns_kube_stats { _Atomic int64_t requests, errors, bytes; } ns_kube_stats;
ns_kube_client *ns_kube_client_new(const ns_kubeconfig *cfg, ns_kube_stats *stats, const ns_cancel *cancel, ns_err *err);
void ns_kube_client_free(ns_kube_client *c);

/* GET path ("/api/v1/namespaces/shop/pods/web-1"). JSON answer parsed with ns_json_api. HTTP errors become ns_err: 404 NOTFOUND,
 * 401/403 DENIED, 409 CONFLICT, 410 EXPIRED, 429/503 BUSY, 5xx/connect UNREACHABLE, time-out TIMEOUT; the text carries Status.message.
 * Retries GETs on 429/503 with Retry-After up to 3 times. Total limit 10 s unless set. NULL on error; cJSON_Delete. */
cJSON *ns_kube_get(ns_kube_client *c, const char *path, ns_err *err);
/* The raw body (logs), capped at max bytes. http_status may be NULL. */
bool ns_kube_get_raw(ns_kube_client *c, const char *path, size_t max, ns_buf *out, int *http_status, ns_err *err);
/* GETs any http(s) URL with the same limits and no credentials (OpenCost). */
cJSON *ns_http_get_json(const char *url, int timeout_ms, const ns_cancel *cancel, ns_err *err);
/* Appends s percent-encoded as one path segment or query value. */
void ns_url_escape(ns_buf *out, const char *s);

/* What the cluster is (law 3): server, SHA-256 of the CA, uid of kube-system, as one string that changes when any does. Who may not read
 * kube-system gets the uid of the context's namespace in its place, and who may not read that either none ("namespaces=hidden"). Caller frees. */
char *ns_kube_identity(ns_kube_client *c, const ns_kubeconfig *cfg, ns_err *err);
/* ---- reviews: what the server thinks of us; nothing is stored by them ---- */
typedef struct ns_access { const char *ns, *verb, *group, *resource, *subresource, *name; } ns_access; /* NULL reads as "": all namespaces, any name */
/* SelfSubjectAccessReview. No opinion is a refusal. */
bool ns_kube_may(ns_kube_client *c, const ns_access *a, bool *allowed, ns_err *err);
/* SelfSubjectRulesReview: its status {resourceRules: [{verbs, apiGroups, resources, resourceNames}], incomplete}. NULL on error; cJSON_Delete. */
cJSON *ns_kube_rules(ns_kube_client *c, const char *ns, ns_err *err);
/* SelfSubjectReview: its userInfo {username, groups}. NS_E_NOTFOUND before Kubernetes 1.28. NULL on error; cJSON_Delete. */
cJSON *ns_kube_whoami(ns_kube_client *c, ns_err *err);
#endif
