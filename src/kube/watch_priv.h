/* Between the two files of the watch: watch.c is the state machine of a row, watch_read.c reads what its transfers bring. */
#ifndef NEUROSCALE_KUBE_WATCH_PRIV_H
#define NEUROSCALE_KUBE_WATCH_PRIV_H
#include "kube_priv.h"
#include "neuroscale/kube/watch.h"

typedef enum phase { IDLE, LISTING, WATCHING } phase;

typedef struct reflector reflector;
typedef struct stream {
	reflector *owner;
	size_t index;
	const ns_watch_row *row;
	phase phase, next;      /* next: what to do when `due` comes, while IDLE */
	int64_t due;            /* mono of the clock */
	CURL *easy;
	kube_dress dress;
	char detail[CURL_ERROR_SIZE];
	/* list */
	kube_split *split;
	char *more;             /* continue token of the next page */
	bool replacing, unpaged;
	/* watch */
	char *version;
	ns_buf line;
	bool open, got_event, expired;
	int64_t opened_real;
	/* telling */
	bool live, told_down, was_listed;
	ns_code told_code;
	int64_t started_real, gap_since_real;
	/* failure */
	ns_err why;
	ns_buf body;            /* of an answer that is no success */
	int64_t backoff_ms, failed_at;
	int failures;
	int64_t retry_after_ms; /* the server's own word on when to come back, 0 none */
	bool renewed, unreachable;
} stream;

struct reflector {
	const ns_watch_opts *o;
	const ns_cancel *cancel;
	CURLM *multi;
	kube_auth *auth;
	stream *rows;
	bool batch;      /* something was delivered since the last tick */
	bool hopeless;   /* what cannot heal by itself; err holds it */
	ns_err err;
	int64_t tick_at;
};

/* ---- watch_read.c ---- */
void watch_tell(stream *s, ns_watch_type type, const cJSON *obj, const ns_err *why);
void watch_tell_down(stream *s, const ns_err *why); /* once per reason */
void watch_remember(stream *s, const cJSON *obj);   /* its resourceVersion */
kube_split *watch_splitter(stream *s);
size_t watch_on_body(char *p, size_t size, size_t n, void *s);
size_t watch_on_header(char *p, size_t size, size_t n, void *s);
long watch_status(const stream *s);                 /* HTTP status of the transfer, 0 none yet */
#endif
