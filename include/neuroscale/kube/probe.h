/* The way to a server, walked once without credentials and without trust, so that a person can be told where it ends: name, address, TLS, the
 * first answer. Nothing secret is sent: no token, no client certificate. One call, one connection; thread-safe. */
#ifndef NEUROSCALE_KUBE_PROBE_H
#define NEUROSCALE_KUBE_PROBE_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/kubeconfig.h"

typedef enum ns_way_end {
	NS_WAY_ANSWERED,   /* the whole way; http is the status of the answer */
	NS_WAY_NO_NAME,    /* the host's (or the proxy's) name does not resolve */
	NS_WAY_NO_CONNECT, /* refused, unreachable, or nothing came back */
	NS_WAY_NO_TLS,     /* connected, but no TLS handshake */
	NS_WAY_NO_ANSWER   /* TLS stands (or http is connected), but no HTTP answer came */
} ns_way_end;
typedef struct ns_way {
	ns_way_end end;
	bool timed_out;              /* it ended there because the time was over */
	bool https, proxied;
	char host[256], port[8], address[64]; /* address: who answered (the proxy, when there is one), "" nobody */
	char tls_name[256];          /* whom the certificate must be for */
	double dns_ms, tcp_ms, tls_ms, answer_ms; /* each step alone; 0 not reached */
	char *chain_pem;             /* what the server showed, leaf first; NULL without TLS */
	int http;
	int64_t date_ms, seen_ms;    /* the answer's Date and our own clock in the middle of it; date_ms 0: none */
	char detail[256];            /* libcurl's own words where it ended, "" none */
} ns_way;
/* GETs path below k->server. ms: for all of it. */
void ns_way_walk(const ns_kubeconfig *k, const char *path, int ms, const ns_cancel *cancel, ns_way *out);
/* The same for any URL. */
void ns_way_walk_url(const char *url, int ms, const ns_cancel *cancel, ns_way *out);
void ns_way_free(ns_way *w);
#endif
