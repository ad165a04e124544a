/* Watches. Each is an HTTP answer of unknown length with a cursor into the ring of changes. Its reader runs on the HTTP thread: with
 * nothing to send it suspends its connection, and the next change of its kind resumes it, so that no thread waits per watch and a change
 * is on the wire as soon as the HTTP thread has been woken. Suspending, resuming and the `asleep` flag happen under the lock, which is
 * what makes a wake-up impossible to lose. */
#include "watch_priv.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	BOOKMARK_MS = 60 * 1000,
	LAST_BOOKMARK_MS = 2 * 1000, /* before the time-out, as the real server does */
	DEFAULT_TIMEOUT_S = 30 * 60,
	PEEK_MS = 5 * 1000, /* how often a sleeping watch is looked at for a client that went away */
};

struct sim_watch {
	sim_watch *next, **prev;
	ns_sim *s;
	struct MHD_Connection *conn;
	const sim_kind *kind;
	char *ns; /* "" all */
	sim_select *select;
	bool table, table_started, bookmarks, asleep, ended, dead, sent_last;
	char *include_object;
	int64_t cursor;              /* the last version looked at */
	int64_t end_ms, bookmark_ms; /* real time */
	ns_buf out;
	size_t off;
};

static void wake(sim_watch *w)
{
	if (!w->asleep)
		return;
	w->asleep = false;
	MHD_resume_connection(w->conn);
}

void watch_wake(ns_sim *s, sim_k store)
{
	for (sim_watch *w = s->watches; w; w = w->next)
		if (w->kind->store == store)
			wake(w);
}

void watch_drop_all(ns_sim *s)
{
	for (sim_watch *w = s->watches; w; w = w->next) {
		w->dead = true;
		wake(w);
	}
}

/* ---- what goes out ---- */

static void put_line(sim_watch *w, const char *type, const char *text, size_t n)
{
	ns_buf_printf(&w->out, "{\"type\":\"%s\",\"object\":", type);
	ns_buf_put(&w->out, text, n);
	ns_buf_puts(&w->out, "}\n");
}

static void put_json(sim_watch *w, const char *type, const cJSON *j)
{
	ns_buf b = NS_BUF_INIT;
	ns_json_write(j, &b);
	put_line(w, type, ns_buf_str(&b), b.len);
	ns_buf_free(&b);
}

/* The client's view of a stored version; NULL when the text as stored will do. */
static cJSON *view_of(const sim_watch *w, const sim_ver *v)
{
	if (select_all(w->select) && !w->table && w->kind->store == w->kind->id)
		return NULL;
	cJSON *j = cJSON_Parse(v->text);
	if (w->kind->store == w->kind->id)
		return j;
	cJSON *view = event_as_v1(j);
	cJSON_Delete(j);
	return view;
}

static void put_object(sim_watch *w, const char *type, const sim_ver *v, const cJSON *view)
{
	if (w->table) {
		cJSON *t = table_new(w->kind, !w->table_started, v->rv);
		table_add(w->s, t, w->kind, view, w->include_object);
		w->table_started = true;
		put_json(w, type, t);
		cJSON_Delete(t);
	} else if (view) {
		put_json(w, type, view);
	} else {
		put_line(w, type, v->text, v->len);
	}
}

/* An object that starts or stops matching a selector is ADDED or DELETED for this client, whatever happened to it. */
static void put_change(sim_watch *w, const sim_change *c)
{
	static const char *const types[] = {"ADDED", "MODIFIED", "DELETED"};
	cJSON *view = view_of(w, c->now);
	const char *type = types[c->type];
	if (!select_all(w->select)) {
		cJSON *old = c->was ? view_of(w, c->was) : NULL;
		bool before = old && select_match(w->select, old), after = c->type != CH_DELETED && select_match(w->select, view);
		cJSON_Delete(old);
		type = before ? (after ? "MODIFIED" : "DELETED") : after ? "ADDED" : NULL;
	}
	if (type)
		put_object(w, type, c->now, view);
	cJSON_Delete(view);
}

static void put_bookmark(sim_watch *w, bool initial_end)
{
	char api[96], rv[24];
	kind_api_version(w->kind, api);
	snprintf(rv, sizeof rv, "%lld", (long long)w->cursor);
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "kind", w->kind->kind);
	ns_json_put_str(o, "apiVersion", api);
	cJSON *m = cJSON_AddObjectToObject(o, "metadata");
	ns_json_put_str(m, "resourceVersion", rv);
	cJSON_AddNullToObject(m, "creationTimestamp");
	if (initial_end)
		ns_json_put_str(cJSON_AddObjectToObject(m, "annotations"), "k8s.io/initial-events-end", "true");
	put_json(w, "BOOKMARK", o);
	cJSON_Delete(o);
}

static void put_expired(sim_watch *w, int64_t from)
{
	cJSON *st = status_expired("too old resource version: %lld (%lld)", (long long)from, (long long)w->s->world.oldest);
	put_json(w, "ERROR", st);
	cJSON_Delete(st);
	w->ended = true;
}

/* Everything in the ring behind the cursor. A reader that fell out of the ring gets 410 as an ERROR event. */
static void fill(sim_watch *w)
{
	sim_world *world = &w->s->world;
	if (w->ended)
		return;
	if (w->cursor < world->oldest) {
		put_expired(w, w->cursor);
		return;
	}
	size_t skip = (size_t)(w->cursor - world->oldest);
	for (size_t i = skip; i < world->ring_n; i++) {
		const sim_change *c = &world->ring[(world->ring_head + i) % SIM_RING];
		if (c->kind == w->kind->store && (!*w->ns || !strcmp(w->ns, c->ns)))
			put_change(w, c);
		w->cursor = c->rv;
	}
}

long watch_read(void *watch, uint64_t pos, char *buf, size_t max)
{
	sim_watch *w = watch;
	ns_sim *s = w->s;
	long n = 0;
	(void)pos;
	pthread_mutex_lock(&s->mu);
	if (w->off == w->out.len) {
		ns_buf_clear(&w->out);
		w->off = 0;
		fill(w);
	}
	if (w->dead || s->closing) { /* closing: the server may only be stopped while nobody sleeps */
		n = MHD_CONTENT_READER_END_WITH_ERROR;
	} else if (w->off < w->out.len) {
		size_t left = w->out.len - w->off;
		n = (long)(left < max ? left : max);
		memcpy(buf, w->out.data + w->off, (size_t)n);
		w->off += (size_t)n;
	} else if (w->ended) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		w->asleep = true;
		MHD_suspend_connection(w->conn);
	}
	pthread_mutex_unlock(&s->mu);
	return n;
}

void watch_free(void *watch)
{
	sim_watch *w = watch;
	pthread_mutex_lock(&w->s->mu);
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	pthread_mutex_unlock(&w->s->mu);
	select_free(w->select);
	ns_buf_free(&w->out);
	free(w->ns);
	free(w->include_object);
	free(w);
}

void watch_attach(sim_watch *w, void *conn)
{
	w->conn = conn;
}

int64_t watch_tick(ns_sim *s)
{
	int64_t now = ns_real_mono_ms(), next = -1;
	for (sim_watch *w = s->watches; w; w = w->next) {
		if (w->bookmarks && !w->ended && (now >= w->bookmark_ms || (!w->sent_last && now >= w->end_ms - LAST_BOOKMARK_MS))) {
			fill(w); /* a bookmark must not overtake a change */
			if (!w->ended)
				put_bookmark(w, false);
			w->sent_last |= now >= w->end_ms - LAST_BOOKMARK_MS;
			w->bookmark_ms = now + BOOKMARK_MS;
			wake(w);
		}
		if (now >= w->end_ms && !w->ended) {
			w->ended = true;
			wake(w);
		}
		char byte;
		const union MHD_ConnectionInfo *info =
		    w->asleep ? MHD_get_connection_info(w->conn, MHD_CONNECTION_INFO_CONNECTION_FD) : NULL;
		if (info && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
			w->dead = true; /* libmicrohttpd does not look at suspended connections */
			wake(w);
		}
		int64_t due = w->end_ms > now ? w->end_ms : now + PEEK_MS;
		if (w->bookmarks && w->bookmark_ms < due)
			due = w->bookmark_ms;
		if (w->bookmarks && !w->sent_last && w->end_ms - LAST_BOOKMARK_MS < due)
			due = w->end_ms - LAST_BOOKMARK_MS;
		if (due > now + PEEK_MS)
			due = now + PEEK_MS;
		if (next < 0 || due - now < next)
			next = due - now;
	}
	return next;
}

static void put_initial(ns_sim *s, sim_watch *w)
{
	const sim_shelf *sh = &s->world.shelf[w->kind->store];
	for (size_t i = 0; i < sh->n; i++) {
		if (*w->ns && strcmp(w->ns, sh->v[i]->ns))
			continue;
		cJSON *view = view_of(w, sh->v[i]->cur);
		if (select_all(w->select) || select_match(w->select, view))
			put_object(w, "ADDED", sh->v[i]->cur, view);
		cJSON_Delete(view);
	}
}

void watch_open(ns_sim *s, const sim_req *q, const sim_kind *k, const char *ns, sim_resp *r)
{
	const char *rv = req_arg(q, "resourceVersion"), *timeout = req_arg(q, "timeoutSeconds"), *include = req_arg(q, "includeObject");
	bool initial = req_arg_true(q, "sendInitialEvents"), all = !rv || !*rv || !strcmp(rv, "0");
	char *end = NULL;
	int64_t from = all ? s->world.rv : strtoll(rv, &end, 10), seconds = timeout ? strtoll(timeout, NULL, 10) : 0;
	if (end && *end) {
		status_error(r, 500, "InternalError", NULL, NULL,
		    "Invalid value: \"%s\": strconv.ParseUint: parsing \"%s\": invalid syntax", rv, rv);
		return;
	}
	sim_select *sel = select_new(k, req_arg(q, "labelSelector"), req_arg(q, "fieldSelector"), r);
	if (!sel)
		return;
	if (from < s->world.oldest && s->world.gone++ % 2 == 0) { /* the real server has both forms of 410: they take turns */
		cJSON *st = status_expired("too old resource version: %lld (%lld)", (long long)from, (long long)s->world.oldest);
		resp_json(r, 410, st);
		cJSON_Delete(st);
		select_free(sel);
		return;
	}
	int64_t now = ns_real_mono_ms();
	sim_watch *w = ns_xcalloc(1, sizeof *w);
	*w = (sim_watch){.s = s,
	    .kind = k,
	    .ns = ns_xstrdup(ns),
	    .select = sel,
	    .table = table_wanted(q),
	    .cursor = initial ? s->world.rv : from,
	    .bookmarks = req_arg_true(q, "allowWatchBookmarks"),
	    .include_object = ns_xstrdup(include ? include : "")};
	w->end_ms = now + (seconds > 0 ? seconds : DEFAULT_TIMEOUT_S) * 1000;
	w->bookmark_ms = now + BOOKMARK_MS;
	if (w->cursor > s->world.rv)
		w->cursor = s->world.rv;
	if (all || initial)
		put_initial(s, w);
	if (initial)
		put_bookmark(w, true);
	w->next = s->watches;
	w->prev = &s->watches;
	if (w->next)
		w->next->prev = &w->next;
	s->watches = w;
	r->watch = w;
	sim_kick(s); /* the driver keeps its time-out */
}
