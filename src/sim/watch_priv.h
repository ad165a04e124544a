/* Watches: answers that stay open. */
#ifndef NEUROSCALE_SIM_WATCH_PRIV_H
#define NEUROSCALE_SIM_WATCH_PRIV_H
#include "http_priv.h"

/* Opens a watch as the answer of q, or puts an error into r. */
void watch_open(ns_sim *s, const sim_req *q, const sim_kind *k, const char *ns, sim_resp *r);
void watch_wake(ns_sim *s, sim_k store); /* something of this kind changed */
void watch_drop_all(ns_sim *s);          /* ends every stream without a last chunk */
/* Bookmarks and time-outs, on real time. Returns real milliseconds until it wants to be called again, -1 when there is no watch. */
int64_t watch_tick(ns_sim *s);
/* For http.c: libmicrohttpd's reader and its clean-up, called without the lock. */
long watch_read(void *watch, uint64_t pos, char *buf, size_t max);
void watch_free(void *watch);
void watch_attach(sim_watch *w, void *conn);
#endif
