/* The wire: libmicrohttpd driven by our own thread through its epoll descriptor, so that the cancel descriptor is heard at once.
 * Alertmanager sends a few notifications a minute: every answer closes its connection, one that stalls is cut off, and there are never
 * many.
 *
 * Status codes: Alertmanager tries again after 5xx and drops the notification after anything else. So 503 is for what may be taken later,
 * and every 4xx is for what no repetition makes better. */
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webhook_priv.h"

enum {
	CONNECTIONS = 32,
	CONNECTION_MEMORY = 32 * 1024,
	IDLE_S = 10,
	WHOLE_MS = 30000, /* from connect to answer */
	LOOK_MS = 1000,   /* how often stalled connections are looked for, and a cluster that is not up is offered what was kept */
	/* More than the most that is taken is read, and dropped, up to here: who is still sending cannot read our answer. */
	DRAIN_MAX = 16 << 20
};

typedef struct client {
	int fd;        /* -1 free */
	int64_t since; /* real mono */
} client;

struct ns_webhook {
	struct MHD_Daemon *daemon;
	int port, epoll_fd;
	ns_secret *token;
	char *cluster_label;
	int64_t expire_ms;
	const ns_clock *clock;
	bool (*take)(void *ctx, const ns_am_alert *a, ns_err *err);
	void *ctx;
	void (*trouble)(void *ctx, const ns_err *why);
	ns_am_pulse *pulse;
	ns_am_keep *keep; /* NULL: nothing is kept */
	client clients[CONNECTIONS];
	bool freed; /* a connection ended in this round */
};

/* One request. The verdict on its head stands before its body is read; a body nobody wants is not kept. */
typedef struct request {
	unsigned status; /* 0: take the body */
	const char *why, *allow;
	ns_buf body;
	size_t received;
} request;

/* ---- what is served ---- */

static const struct path {
	const char *path, *methods[3], *allow;
	bool health;
} paths[] = {
    {"/alertmanager", {MHD_HTTP_METHOD_POST}, "POST", false},
    {"/-/healthy", {MHD_HTTP_METHOD_GET, MHD_HTTP_METHOD_HEAD}, "GET, HEAD", true},
};

static bool is_json(const char *type)
{
	static const char want[] = "application/json";
	size_t n = sizeof want - 1;
	return type && strncasecmp(type, want, n) == 0 && (!type[n] || strchr("; \t", type[n]));
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void refuse(request *q, unsigned status, const char *why)
{
	q->status = status;
	q->why = why;
}

static void judge_head(const ns_webhook *w, struct MHD_Connection *c, const char *url, const char *method, request *q)
{
	const struct path *p = NULL;
	bool allowed = false;
	for (size_t i = 0; i < sizeof paths / sizeof *paths && !p; i++)
		if (strcmp(url, paths[i].path) == 0)
			p = &paths[i];
	if (!p) {
		refuse(q, MHD_HTTP_NOT_FOUND, "there is nothing here: POST /alertmanager takes notifications, GET /-/healthy answers");
		return;
	}
	for (size_t i = 0; p->methods[i]; i++)
		allowed |= strcmp(method, p->methods[i]) == 0;
	if (!allowed) {
		refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, "this path has no such method");
		q->allow = p->allow;
	} else if (p->health) {
		refuse(q, MHD_HTTP_OK, "healthy");
	} else if (!wh_authorized(w->token, header(c, MHD_HTTP_HEADER_AUTHORIZATION))) {
		refuse(q, MHD_HTTP_UNAUTHORIZED, "the bearer token is missing or wrong: set http_config.authorization in the receiver");
	} else if (!is_json(header(c, MHD_HTTP_HEADER_CONTENT_TYPE))) {
		refuse(q, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "want application/json");
	}
}

/* ---- what a notification does ---- */

typedef struct outcome {
	size_t taken, ignored;
	ns_err busy, why; /* why the first was ignored */
} outcome;

static void take(ns_webhook *w, const ns_am_alert *a, outcome *out)
{
	ns_err err = {0};
	if (a->use == NS_AM_HEARTBEAT)
		ns_am_pulse_beat(w->pulse, a, ns_clock_mono_ms(w->clock));
	if (a->use != NS_AM_INCIDENT || w->take(w->ctx, a, &err)) {
		out->taken++;
		if (w->keep && a->use != NS_AM_IGNORED)
			ns_am_keep_put(w->keep, a);
	} else if (err.code == NS_E_BUSY) {
		out->busy = err;
	} else if (!out->ignored++) {
		out->why = err;
	}
}

static void save(ns_webhook *w)
{
	ns_err err = {0};
	if (w->keep && !ns_am_keep_save(w->keep, ns_clock_wall_ms(w->clock), &err))
		w->trouble(w->ctx, &err);
}

/* What fired before this start fires on, until it is said to be over or expires. False while a cluster is not ready for it. */
static bool bring_back(ns_webhook *w)
{
	bool all = true;
	const ns_am_alert *a;
	for (size_t i = 0; w->keep && (a = ns_am_keep_pending(w->keep, &i)); i++) {
		ns_err err = {0};
		if (a->use == NS_AM_HEARTBEAT)
			ns_am_pulse_beat(w->pulse, a, ns_clock_mono_ms(w->clock));
		else if (!w->take(w->ctx, a, &err) && err.code == NS_E_BUSY) {
			all = false;
			continue;
		}
		ns_am_keep_settle(w->keep, i);
	}
	return all;
}

/* The answer to a whole body; Alertmanager looks at the status only, the text is for people with curl. */
static unsigned process(ns_webhook *w, const request *q, cJSON *said)
{
	ns_err err = {0};
	ns_am_message m;
	outcome out = {0};
	ns_arena *ar = ns_arena_new();
	ns_am_opts o = {.cluster_label = w->cluster_label, .now_ms = ns_clock_wall_ms(w->clock), .expire_ms = w->expire_ms};
	unsigned status = MHD_HTTP_OK;
	if (q->received > NS_AM_MAX_BODY) {
		ns_fail(&err, NS_E_TOOBIG, "the notification has more than %d bytes: set max_alerts in the receiver", (int)NS_AM_MAX_BODY);
		status = MHD_HTTP_CONTENT_TOO_LARGE;
	} else if (!ns_am_decode(ar, ns_buf_str(&q->body), q->body.len, &o, &m, &err)) {
		status = err.code == NS_E_TOOBIG ? MHD_HTTP_CONTENT_TOO_LARGE : MHD_HTTP_BAD_REQUEST;
	} else {
		for (size_t i = 0; i < m.n_alerts && !out.busy.code; i++)
			take(w, &m.alerts[i], &out);
		save(w);
		err = out.busy.code ? out.busy : out.why;
		status = out.busy.code ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK;
		ns_json_put_int(said, "taken", (int64_t)out.taken);
		ns_json_put_int(said, "ignored", (int64_t)out.ignored);
		ns_json_put_int(said, "truncated", m.truncated);
	}
	if (err.code)
		ns_json_put_str(said, "error", err.text);
	ns_arena_free(ar);
	return status;
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const request *q, const cJSON *said)
{
	ns_buf text = NS_BUF_INIT;
	ns_json_write(said, &text);
	ns_buf_putc(&text, '\n');
	size_t n = text.len;
	struct MHD_Response *r = MHD_create_response_from_buffer(n, ns_buf_steal(&text), MHD_RESPMEM_MUST_FREE);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (q->allow)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, q->allow);
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"neuroscale-tui\"");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "15");
	enum MHD_Result ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

/* ---- libmicrohttpd's calls ---- */

static enum MHD_Result on_request(void *webhook, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **state)
{
	ns_webhook *w = webhook;
	request *q = *state;
	if (!q) {
		*state = q = ns_xcalloc(1, sizeof *q);
		judge_head(w, c, url, method, q);
		return MHD_YES;
	}
	if (*n) {
		q->received += *n;
		if (!q->status && q->received <= NS_AM_MAX_BODY)
			ns_buf_put(&q->body, data, *n);
		*n = 0;
		return q->received <= DRAIN_MAX ? MHD_YES : MHD_NO;
	}
	cJSON *said = cJSON_CreateObject();
	unsigned status = q->status;
	if (!status)
		status = process(w, q, said);
	else
		ns_json_put_str(said, status == MHD_HTTP_OK ? "status" : "error", q->why);
	enum MHD_Result ok = answer(c, status, q, said);
	cJSON_Delete(said);
	return ok;
}

static void on_completed(void *webhook, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	request *q = *state;
	if (q)
		ns_buf_free(&q->body);
	free(q);
	*state = NULL;
}

static void on_connection(void *webhook, struct MHD_Connection *c, void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	ns_webhook *w = webhook;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	w->freed |= what == MHD_CONNECTION_NOTIFY_CLOSED;
	int fd = info ? info->connect_fd : -1, look_for = what == MHD_CONNECTION_NOTIFY_STARTED ? -1 : fd;
	for (size_t i = 0; i < CONNECTIONS && fd >= 0; i++)
		if (w->clients[i].fd == look_for) {
			w->clients[i] = (client){.fd = look_for < 0 ? fd : -1, .since = ns_real_mono_ms()};
			return;
		}
}

/* ---- life ---- */

ns_webhook *ns_webhook_new(const ns_webhook_opts *o, ns_err *err)
{
	ns_webhook *w = ns_xcalloc(1, sizeof *w);
	for (size_t i = 0; i < CONNECTIONS; i++)
		w->clients[i].fd = -1;
	w->cluster_label = ns_xstrdup(o->cluster_label ? o->cluster_label : "");
	w->expire_ms = o->expire_ms;
	w->clock = o->clock;
	w->take = o->take;
	w->ctx = o->ctx;
	w->trouble = o->trouble;
	w->pulse = ns_am_pulse_new(o->expire_ms);
	int fd = -1;
	bool guarded = o->token_file && *o->token_file;
	if (!guarded || (w->token = wh_token(o->token_file, err)))
		fd = wh_listen(o->listen, guarded, &w->port, err);
	if (fd >= 0) {
		w->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, w, MHD_OPTION_LISTEN_SOCKET, fd,
		    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
		    MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_END);
		const union MHD_DaemonInfo *info = w->daemon ? MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
		if (info) {
			ns_err why = {0};
			w->epoll_fd = info->epoll_fd;
			if (o->keep_file && *o->keep_file)
				w->keep = ns_am_keep_open(o->keep_file, ns_clock_wall_ms(o->clock), &why);
			if (why.code)
				w->trouble(w->ctx, &why);
			return w;
		}
		if (!w->daemon)
			close(fd);
		ns_fail(err, NS_E_FAILED, "alertmanager-listen %s: the HTTP server does not start", o->listen);
	}
	ns_webhook_free(w);
	return NULL;
}

int ns_webhook_port(const ns_webhook *w)
{
	return w->port;
}

void ns_webhook_free(ns_webhook *w)
{
	if (!w)
		return;
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	ns_am_keep_free(w->keep);
	ns_am_pulse_free(w->pulse);
	ns_secret_free(w->token);
	free(w->cluster_label);
	free(w);
}

/* Idle time is libmicrohttpd's business; a byte now and then is ours. True while there is any connection. */
static bool cut_stalled(ns_webhook *w)
{
	bool any = false;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (w->clients[i].fd < 0)
			continue;
		any = true;
		if (ns_real_mono_ms() - w->clients[i].since > WHOLE_MS)
			shutdown(w->clients[i].fd, SHUT_RDWR); /* libmicrohttpd sees it end, and closes it */
	}
	return any;
}

/* Heartbeats that stay away become alerts of their own. Returns when to look again. */
static int64_t feel_pulse(ns_webhook *w)
{
	int64_t due = -1;
	ns_am_alert news;
	ns_err err;
	ns_arena *ar = ns_arena_new();
	while (ns_am_pulse_news(w->pulse, ar, ns_clock_wall_ms(w->clock), ns_clock_mono_ms(w->clock), &news, &due))
		w->take(w->ctx, &news, &err); /* not taken: it is told again */
	ns_arena_free(ar);
	return due;
}

void ns_webhook_run(void *webhook, ns_cancel *cancel)
{
	ns_webhook *w = webhook;
	struct pollfd p[2] = {{.fd = w->epoll_fd, .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
	while (!ns_cancel_fired(cancel)) {
		MHD_UNSIGNED_LONG_LONG mhd;
		int64_t wait = -1;
		do { /* with all places taken it does not listen; that a place is free it sees in the next round only */
			w->freed = false;
			MHD_run(w->daemon);
		} while (w->freed);
		bool all_back = bring_back(w);
		if (cut_stalled(w) || !all_back)
			wait = LOOK_MS;
		if (MHD_get_timeout(w->daemon, &mhd) == MHD_YES && (wait < 0 || (int64_t)mhd < wait))
			wait = (int64_t)mhd;
		wait = ns_sooner(wait, ns_clock_poll_ms(w->clock, feel_pulse(w)));
		poll(p, 2, (int)wait);
	}
}
