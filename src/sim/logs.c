/* pods/log: what a container printed, made up from its words and its times. */
#include "http_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORK_EVERY_MS = 2000, MAX_LINES = 400 };

static void put_line(const ns_sim *s, ns_buf *out, const char *text, int64_t at, bool timestamps)
{
	char stamp[40];
	sim_stamp_micro(s, at, stamp);
	if (timestamps)
		ns_buf_printf(out, "%s ", stamp);
	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && p[1] == 'T') {
			stamp[19] = '\0'; /* to the second */
			ns_buf_puts(out, stamp);
			p++;
			continue;
		}
		ns_buf_putc(out, *p);
	}
	ns_buf_putc(out, '\n');
}

static void put_all(const ns_sim *s, ns_buf *out, const char *const *lines, int64_t at, bool timestamps)
{
	for (; lines && *lines; lines++)
		put_line(s, out, *lines, at, timestamps);
}

/* One life: what it says at its start, then a line of work every two seconds, then its last words if it died. */
static void put_life(const ns_sim *s, ns_buf *out, const sim_words *w, int64_t from, int64_t until, bool died, bool timestamps)
{
	put_all(s, out, w->start, from, timestamps);
	size_t n = 0;
	while (w->work && w->work[n])
		n++;
	int64_t first = from + WORK_EVERY_MS, lines = (until - first) / WORK_EVERY_MS;
	if (lines > MAX_LINES)
		first = until - MAX_LINES * WORK_EVERY_MS;
	for (int64_t at = first; n && at < until; at += WORK_EVERY_MS)
		put_line(s, out, w->work[(size_t)(at / WORK_EVERY_MS + 1000000) % n], at, timestamps);
	if (died)
		put_all(s, out, w->end, until, timestamps);
}

/* Keeps the last n lines. */
static void keep_tail(ns_buf *b, int64_t n)
{
	size_t at = b->len;
	while (at > 0 && n >= 0) {
		if (b->data[at - 1] == '\n' && n-- == 0)
			break;
		at--;
	}
	ns_buf_drop(b, at);
}

static const char *waiting_words(const sim_pod *p)
{
	switch (p->step) {
	case POD_PULL_ERROR: return p->pull_backoff ? "trying and failing to pull image" : "image can't be pulled";
	case POD_CONFIG_ERROR: return "CreateContainerConfigError";
	default: return "ContainerCreating";
	}
}

static void no_previous(sim_resp *r, const char *container, const char *pod)
{
	status_error(r, 400, "BadRequest", NULL, NULL, "previous terminated container \"%s\" in pod \"%s\" not found", container, pod);
}

/* Which container is asked for; false with an answer in r. */
static bool pick_container(const sim_req *q, const sim_obj *o, const char **name, bool *main, sim_resp *r)
{
	const char *want = req_arg(q, "container");
	const cJSON *list = ns_json_path(o->j, "spec.containers");
	ns_buf all = NS_BUF_INIT;
	*name = NULL;
	ns_json_each(c, list)
	{
		const char *n = ns_json_str(c, "name", "");
		ns_buf_printf(&all, "%s%s", all.len ? " " : "", n);
		if (!want || !*want ? ns_json_len(list) == 1 : !strcmp(want, n)) {
			*name = n;
			*main = c == list->child;
		}
	}
	if (!*name && want && *want)
		status_error(r, 400, "BadRequest", NULL, NULL, "container %s is not valid for pod %s", want, o->name);
	else if (!*name)
		status_error(r, 400, "BadRequest", NULL, NULL, "a container name must be specified for pod %s, choose one of: [%s]",
		    o->name, ns_buf_str(&all));
	ns_buf_free(&all);
	return *name != NULL;
}

static const sim_words *words_of(const sim_pod *p, const sim_does *d)
{
	if (d && d->says)
		return d->says;
	return p->rs->wl->work->says ? p->rs->wl->work->says : &words_http;
}

void log_handle(ns_sim *s, const sim_req *q, const sim_obj *o, sim_resp *r)
{
	const char *name, *tail = req_arg(q, "tailLines"), *limit = req_arg(q, "limitBytes"), *since = req_arg(q, "sinceSeconds");
	bool main = true, previous = req_arg_true(q, "previous"), stamps = req_arg_true(q, "timestamps");
	sim_pod *p = pod_find(s, o);
	r->ctype = "text/plain";
	if (!p || !pick_container(q, o, &name, &main, r) || p->step == POD_PENDING)
		return;
	int64_t now = sim_now(s);
	if (!main) {
		if (previous)
			no_previous(r, name, o->name);
		else
			put_life(s, &r->body, &words_http, p->created_ms, now, false, stamps);
	} else if (previous || p->step == POD_BACKOFF || p->step == POD_DIED) {
		const sim_run *run = p->step == POD_DIED && !previous ? &p->now : &p->last;
		if (!run->have) {
			no_previous(r, name, o->name);
			return;
		}
		put_life(s, &r->body, words_of(p, run->does), run->started_ms, run->finished_ms, true, stamps);
	} else if (p->step == POD_RUNNING || p->step == POD_ENDING) {
		int64_t from = p->started_ms;
		if (since && now - strtoll(since, NULL, 10) * 1000 > from)
			from = now - strtoll(since, NULL, 10) * 1000;
		put_life(s, &r->body, words_of(p, p->does), from, now, false, stamps);
	} else {
		status_error(r, 400, "BadRequest", NULL, NULL, "container \"%s\" in pod \"%s\" is waiting to start: %s", name, o->name,
		    waiting_words(p));
		return;
	}
	if (tail)
		keep_tail(&r->body, strtoll(tail, NULL, 10));
	if (limit && strtoull(limit, NULL, 10) < r->body.len) {
		r->body.len = strtoull(limit, NULL, 10);
		r->body.data[r->body.len] = '\0';
	}
}
