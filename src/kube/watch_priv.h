/* Between the files of the watch:
 *   watch.c        the state machine of one stream: list, watch, back-off
 *   watch_read.c   what its transfers bring
 *   watch_tell.c   what the owner hears of a row, whether one stream serves it or many
 *   watch_scope.c  a row that may not be watched everywhere: one stream for each namespace where it may
 *   watch_helper.c what takes its time and must not hold up the watch: credential plug-ins, finding namespaces
 *   watch_run.c    the loop */
#ifndef NEUROSCALE_KUBE_WATCH_PRIV_H
#define NEUROSCALE_KUBE_WATCH_PRIV_H
#include "kube_priv.h"
#include "neuroscale/kube/watch.h"
#include "pick.h"

typedef enum phase { IDLE, LISTING, WATCHING } phase;
#define WATCH_NEVER INT64_MAX /* `due` of a stream that waits for something else than time */

typedef struct reflector reflector;
typedef struct wrow wrow;
typedef struct watch_helper watch_helper;

typedef struct stream {
	reflector *owner;
	wrow *home;
	size_t index;
	const ns_watch_row *row;
	char *ns;               /* "" all namespaces */
	phase phase, next;      /* next: what to do when `due` comes, while IDLE */
	int64_t due;            /* mono of the clock */
	bool parked;            /* waits for a credential */
	bool gone;              /* to be freed before the next round */
	CURL *easy;
	kube_dress dress;
	char detail[CURL_ERROR_SIZE];
	int64_t counted;        /* bytes of the transfer that are in the statistics */
	/* list */
	kube_split *split;
	char *more;             /* continue token of the next page */
	bool unpaged;
	int pages;
	int64_t list_bytes;
	/* watch */
	char *version;
	ns_buf line;
	bool open, got_event, expired;
	int64_t opened_real;
	int64_t started_real, gap_since_real;
	/* failure */
	ns_err why;
	ns_buf body;            /* of an answer that is no success */
	char content_type[64];
	int64_t backoff_ms, failed_at;
	int failures;
	int64_t retry_after_ms; /* the server's own word on when to come back, 0 none */
	int64_t serial;         /* of the credential it was sent with */
	bool renewed, unreachable;
} stream;

/* A row as its owner sees it. at[0] watches all namespaces; when that is refused it rests and at[1..] watch one each. */
struct wrow {
	reflector *owner;
	const ns_watch_row *row;
	kube_pick *pick;        /* what is kept of its objects */
	stream **at;
	size_t n;
	size_t version;         /* 0: row->path, else row->older[version - 1] */
	bool replacing, was_listed;
	bool live, told_down;
	ns_code told_code;
	bool wants_scope;       /* was refused and waits for the namespaces */
	char note[256];         /* in which namespaces it is watched, "" all */
	char told_note[256];    /* what the owner knows of that */
};

struct reflector {
	const ns_watch_opts *o;
	const ns_cancel *cancel;
	CURLM *multi;
	kube_auth *auth;
	wrow *rows;
	watch_helper *helper;
	bool batch;      /* something was delivered since the last tick */
	bool hopeless;   /* what cannot heal by itself; err holds it */
	ns_err err;
	int64_t tick_at;
	ns_err no_credential;        /* why there is none, */
	int64_t no_credential_until; /* and how long nobody need ask again (mono of the clock) */
};

/* All streams of a reflector that are not gone. */
#define watch_each(s, r)                                                                                                                   \
	for (size_t row_ = 0; row_ < (r)->o->n_rows; row_++)                                                                               \
		for (size_t at_ = 0; at_ < (r)->rows[row_].n; at_++)                                                                       \
			for (stream *s = (r)->rows[row_].at[at_]; s && !s->gone; s = NULL)

/* ---- watch.c ---- */
const char *watch_api(const wrow *w);               /* of the version of its API in use */
stream *watch_stream_new(wrow *w, const char *ns);
void watch_stream_free(stream *s);
void watch_stop(stream *s);                          /* ends its transfer */
void watch_start(stream *s, phase what);
void watch_schedule(stream *s, phase next, int64_t in_ms);
void watch_absent(stream *s);                        /* an optional row that is not there for us; s->why says why */
void watch_fail(stream *s, phase next);              /* back-off; s->why says why */
void watch_finish(stream *s, CURLcode rc);           /* a transfer that ended */
void watch_count_bytes(stream *s);                   /* what came since the last time goes to the statistics */
int watch_look(stream *s, int64_t real);             /* what waits on the real world; when to look again in ms, -1 never */

/* ---- watch_tell.c ---- */
void watch_tell(stream *s, ns_watch_type type, const cJSON *obj, const ns_err *why);
void watch_tell_down(stream *s, const ns_err *why); /* once per reason */
void watch_tell_live(stream *s);                    /* once, when every stream of the row is open */
void watch_tell_begin(wrow *w);
void watch_tell_end(wrow *w);

/* ---- watch_scope.c ---- */
bool watch_narrow(stream *s);                       /* after a 403; true when dealt with */
stream *watch_next_to_list(stream *s);              /* NULL: the row is listed */
void watch_listed(wrow *w);                         /* all streams of the row watch from now on */
stream *watch_widen(wrow *w);                       /* back to the one stream for all namespaces, which is returned */
void watch_scope_known(reflector *r);               /* the helper found the namespaces */

/* ---- watch_helper.c ---- */
typedef struct watch_ns { char *name; cJSON *rules; } watch_ns; /* rules NULL: not known, it is tried */
typedef struct watch_scope { watch_ns *at; size_t n; } watch_scope;
watch_helper *watch_helper_new(reflector *r);
void watch_helper_free(watch_helper *h);            /* ends what it does and waits for it */
void watch_helper_ask(watch_helper *h, bool scope); /* else: a credential */
bool watch_helper_collect(watch_helper *h);         /* on the watch thread: takes over what was found */
const watch_scope *watch_helper_scope(const watch_helper *h); /* NULL: not known (any more) */
void watch_helper_forget_scope(watch_helper *h);

/* ---- watch_read.c ---- */
void watch_remember(stream *s, const cJSON *obj);   /* its resourceVersion */
kube_split *watch_splitter(stream *s);
bool watch_feed(stream *s, const char *p, size_t n); /* bytes of a success; false ends the transfer, why says why */
size_t watch_on_body(char *p, size_t size, size_t n, void *s);
size_t watch_on_header(char *p, size_t size, size_t n, void *s);
long watch_status(const stream *s);                 /* HTTP status of the transfer, 0 none yet */
#endif
