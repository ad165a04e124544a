/* Inside the kube room: how a request to the API server is dressed, and how its failure is told. */
#ifndef NEUROSCALE_KUBE_PRIV_H
#define NEUROSCALE_KUBE_PRIV_H
#include <curl/curl.h>
#include "neuroscale/base/clock.h"
#include "neuroscale/kube/client.h"
#include "neuroscale/kube/lease.h"

/* ---- exec.c: credential plug-ins ---- */
typedef struct kube_cred {
	ns_secret *token, *key_pem; /* NULL none */
	char *cert_pem;             /* "" none */
	int64_t expires_wall_ms;    /* 0: never */
	int64_t serial;             /* which run of the plug-in gave it, from 1; a later one is higher */
} kube_cred;
void kube_cred_free(kube_cred *c); /* what it holds; leaves it empty */
bool kube_cred_fresh(const kube_cred *c);
/* A copy of the credential, which all threads of the process share: the plug-in runs when there is none, when it has expired, or when the run
 * `refused` (0 none) gave what the server no longer takes. May take a minute; cancel ends it at once, in the thread that runs the plug-in and
 * in those that wait for it. Those that waited for a run that failed get its error. */
bool kube_exec_credential(const ns_kubeconfig *cfg, const ns_cancel *cancel, int64_t refused, kube_cred *out, ns_err *err);
/* The same without running anything: false when there is none that could be used. */
bool kube_exec_known(const ns_kubeconfig *cfg, int64_t refused, kube_cred *out);

/* ---- auth.c: the credentials of one thread ---- */
typedef struct kube_auth kube_auth;
kube_auth *kube_auth_new(const ns_kubeconfig *cfg, const ns_cancel *cancel);
void kube_auth_free(kube_auth *a);
void kube_auth_cancel(kube_auth *a, const ns_cancel *cancel); /* for plug-ins, in place of the first one */
/* Puts what proves who we are on the handle and its headers; reads the token file again when it is a minute old. */
bool kube_auth_apply(kube_auth *a, CURL *easy, struct curl_slist **headers, ns_err *err);
/* True when kube_auth_apply would not have to run a plug-in. */
bool kube_auth_ready(kube_auth *a);
void kube_auth_take(kube_auth *a, kube_cred *cred); /* what a plug-in gave elsewhere; cred is left empty */
int64_t kube_auth_serial(const kube_auth *a);       /* of the credential that is in use, 0 none */
int64_t kube_auth_last_refused(const kube_auth *a);
/* After a 401 to what was sent with that credential. True when there is something to read or run again, so that a second try makes sense. */
bool kube_auth_refused(kube_auth *a, int64_t serial);

/* ---- http.c ---- */
/* Everything about the handle that does not change between requests: TLS, proxy, limits on redirects and protocols, keep-alive. */
bool kube_http_init(CURL *easy, const ns_kubeconfig *cfg, ns_err *err);
/* Sets the URL for a path (with query) and the headers every request has; auth NULL: without credentials. The caller frees *headers and *connect_to after the transfer. */
typedef struct kube_dress { struct curl_slist *headers, *connect_to; } kube_dress;
bool kube_http_dress(CURL *easy, const ns_kubeconfig *cfg, kube_auth *auth, const char *path, const char *content_type, kube_dress *d, ns_err *err);
void kube_dress_free(kube_dress *d);
void kube_append_header(struct curl_slist **l, const char *line);
/* Says in one sentence why the transfer failed. Returns false. */
bool kube_curl_error(CURLcode rc, const ns_kubeconfig *cfg, const char *detail, ns_err *err);
/* The same for an answer that is no success; `what` is "GET /api/v1/pods". */
bool kube_status_error(long http, const char *body, size_t n, const char *what, ns_err *err);
ns_code kube_status_code(long http);
/* A success that is no JSON comes from something in between (a proxy, a login page): says so in place of a parser's complaint. */
void kube_not_json(const char *content_type, ns_err *err);
/* Seconds that a Status asks us to wait (details.retryAfterSeconds), 0 none. */
int kube_retry_after(const char *body, size_t n);
/* Runs one transfer on a multi handle so that the cancel object can end it at once. */
CURLcode kube_perform(CURLM *multi, CURL *easy, const ns_cancel *cancel);

/* ---- client.c ---- */
void kube_client_timeout(ns_kube_client *c, long ms);
/* Ends a credential plug-in, and the wait for one, but no request; from then on none is run. In place of the client's own cancel. */
void kube_client_plugin_cancel(ns_kube_client *c, const ns_cancel *cancel);
/* The only request that is not a GET. Refuses (NS_E_DENIED) everything but reviews of oneself and Leases: law 1. body NULL: GET. */
cJSON *kube_send(ns_kube_client *c, const char *method, const char *path, const cJSON *body, ns_err *err);

/* ---- lease.c: what its service does, one step at a time ---- */
bool kube_lease_round(ns_lease *l, ns_kube_client *c, ns_err *err); /* err may not be NULL */
void kube_lease_release(ns_lease *l, ns_kube_client *c);
void kube_lease_clock(ns_lease *l, const ns_clock *clock);

/* ---- split.c: cuts an API answer into its objects while it arrives ---- */
typedef struct kube_split kube_split;
typedef struct kube_split_ops {
	/* One element of `items`; false stops (kube_split_feed then returns false). The bytes may be changed by the callee; behind them stand
	 * KUBE_SCAN_PAD zeros (pick_scan.h). */
	bool (*item)(void *ctx, char *json, size_t n);
	void *ctx;
	size_t max_item; /* a larger one stops with NS_E_TOOBIG */
} kube_split_ops;
kube_split *kube_split_new(const kube_split_ops *ops);
void kube_split_free(kube_split *s);
bool kube_split_feed(kube_split *s, const char *p, size_t n, ns_err *err);
/* The list itself with its items taken out, once everything came. NULL with err when it was cut off or is no object. */
cJSON *kube_split_end(kube_split *s, ns_err *err);

/* A NUL in a string ("\u0000") becomes U+FFFD, in place: our strings end there, and any container can write one into its termination message,
 * which must not end the watch of everybody else. */
void kube_no_nul(char *json, size_t n);
#endif
