/* The door is asked here and nowhere else, so that an engine that is slow or gone never holds up a key or a frame. */
#include "courier.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REJOIN_MS = 2000 }; /* a lost engine is looked for so often */

typedef struct answer {
	bool there, ok;
	bool undo;
	int64_t id;
	char text[512];
} answer;

struct ns_courier {
	const ns_tui_opts *o;
	ns_door own;         /* the one that was opened here */
	const ns_door *door; /* of the courier's thread alone */
	ns_wake *news, *errand;
	pthread_mutex_t mu; /* guards what follows */
	/* errands */
	bool decide;
	int64_t approval, incident, detail;
	bool approve, undo;
	char digest[65], reason[64];
	/* news; a newer picture replaces one that was not fetched */
	ns_snapshot *snap;
	bool gone, have_role;
	char gone_why[256];
	ns_role role;
	answer decided, detailed;
	ns_detail *found;
	bool failed;
	ns_err why;
};

ns_courier *ns_courier_new(const ns_tui_opts *o, ns_wake *news)
{
	ns_courier *c = ns_xcalloc(1, sizeof *c);
	c->o = o;
	c->news = news;
	c->errand = ns_wake_new();
	pthread_mutex_init(&c->mu, NULL);
	return c;
}

void ns_courier_free(ns_courier *c)
{
	ns_snapshot_unref(c->snap);
	ns_detail_free(c->found);
	ns_wake_free(c->errand);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

void ns_courier_want(ns_courier *c, const ns_ui_want *w)
{
	if (!w->decide && !w->detail)
		return;
	pthread_mutex_lock(&c->mu);
	if (w->detail)
		c->detail = w->detail;
	if (w->decide) {
		c->decide = true;
		c->approval = w->decision.approval;
		c->incident = w->decision.incident;
		c->approve = w->decision.approve;
		c->undo = w->decision.undo;
		memcpy(c->digest, w->decision.digest, sizeof c->digest);
		memcpy(c->reason, w->decision.reason, sizeof c->reason);
	}
	pthread_mutex_unlock(&c->mu);
	ns_wake_ring(c->errand);
}

/* ---- on its own thread ---- */

static void fetch_role(ns_courier *c)
{
	ns_role r = c->door->role(c->door->ctx);
	pthread_mutex_lock(&c->mu);
	c->role = r;
	c->have_role = true;
	pthread_mutex_unlock(&c->mu);
}

static void fetch_picture(ns_courier *c)
{
	ns_err err = {0};
	ns_snapshot *s = c->door->snapshot(c->door->ctx, &err), *old = NULL;
	pthread_mutex_lock(&c->mu);
	bool back = s && c->gone, lost = !s && !c->gone;
	c->gone = !s;
	if (s) {
		old = c->snap;
		c->snap = s;
	}
	if (lost)
		ns_copy(c->gone_why, sizeof c->gone_why, err.text);
	pthread_mutex_unlock(&c->mu);
	ns_snapshot_unref(old);
	if (back)
		fetch_role(c); /* another engine may give another */
	if (s || lost)
		ns_wake_ring(c->news);
}

static void run_decision(ns_courier *c, const ns_decide_req *req)
{
	ns_err err = {0};
	char said[512] = "";
	bool ok = c->door->decide(c->door->ctx, req, said, sizeof said, &err);
	pthread_mutex_lock(&c->mu);
	c->decided = (answer){.there = true, .ok = ok, .id = req->approval};
	ns_copy(c->decided.text, sizeof c->decided.text, ok ? said : err.text);
	pthread_mutex_unlock(&c->mu);
	ns_wake_ring(c->news);
}

static void run_undo(ns_courier *c, int64_t id, const ns_undo_req *req)
{
	ns_err err = {0};
	char said[512] = "";
	bool ok = c->door->undo(c->door->ctx, req, said, sizeof said, &err);
	pthread_mutex_lock(&c->mu);
	c->decided = (answer){.there = true, .ok = ok, .undo = true, .id = id};
	ns_copy(c->decided.text, sizeof c->decided.text, ok ? said : err.text);
	pthread_mutex_unlock(&c->mu);
	ns_wake_ring(c->news);
}

static void run_detail(ns_courier *c, int64_t id)
{
	ns_err err = {0};
	ns_detail *d = c->door->detail(c->door->ctx, id, &err), *old;
	pthread_mutex_lock(&c->mu);
	old = c->found;
	c->found = d;
	c->detailed = (answer){.there = true, .ok = d != NULL, .id = id};
	ns_copy(c->detailed.text, sizeof c->detailed.text, d ? "" : err.text);
	pthread_mutex_unlock(&c->mu);
	ns_detail_free(old);
	ns_wake_ring(c->news);
}

/* One errand, decisions first. False when there is none. */
static bool run_errand(ns_courier *c)
{
	char digest[65], reason[64];
	ns_decide_req req = {.digest = digest, .reason = reason, .surface = "console"};
	ns_undo_req back = {.digest = digest, .reason = reason, .surface = "console"};
	pthread_mutex_lock(&c->mu);
	bool decide = c->decide, undo = c->undo;
	int64_t detail = decide ? 0 : c->detail;
	if (decide) {
		req.approval = c->approval;
		req.approve = c->approve;
		back.incident = c->incident;
		memcpy(digest, c->digest, sizeof digest);
		memcpy(reason, c->reason, sizeof reason);
		c->decide = false;
	} else {
		c->detail = 0;
	}
	pthread_mutex_unlock(&c->mu);
	if (decide && undo)
		run_undo(c, req.approval, &back);
	else if (decide)
		run_decision(c, &req);
	else if (detail)
		run_detail(c, detail);
	return decide || detail;
}

static bool find_door(ns_courier *c)
{
	ns_err err = {0};
	if (c->o->door) {
		c->door = c->o->door;
		return true;
	}
	if (c->o->open(c->o->open_ctx, &c->own, &err)) {
		c->door = &c->own;
		return true;
	}
	pthread_mutex_lock(&c->mu);
	c->failed = true;
	c->why = err;
	pthread_mutex_unlock(&c->mu);
	ns_wake_ring(c->news);
	return false;
}

void ns_courier_run(void *courier, ns_cancel *cancel)
{
	ns_courier *c = courier;
	if (!find_door(c))
		return;
	fetch_role(c); /* first: with the picture come keys that need it */
	fetch_picture(c);
	while (!ns_cancel_fired(cancel)) {
		bool gone;
		pthread_mutex_lock(&c->mu);
		gone = c->gone;
		pthread_mutex_unlock(&c->mu);
		/* A lost engine's descriptor stays readable: listening on would spin. */
		struct pollfd p[] = {
		    {.fd = ns_cancel_fd(cancel), .events = POLLIN},
		    {.fd = ns_wake_fd(c->errand), .events = POLLIN},
		    {.fd = gone ? -1 : c->door->wake_fd(c->door->ctx), .events = POLLIN},
		};
		int n = poll(p, 3, gone ? REJOIN_MS : -1);
		if (n < 0)
			continue;
		if (n == 0)
			fetch_picture(c);
		if (p[1].revents) {
			ns_wake_clear(c->errand);
			while (run_errand(c))
				;
		}
		if (p[2].revents) {
			c->door->wake_clear(c->door->ctx);
			fetch_picture(c);
		}
	}
}

/* ---- on the console's thread ---- */

bool ns_courier_failed(ns_courier *c, ns_err *err)
{
	pthread_mutex_lock(&c->mu);
	bool failed = c->failed;
	if (failed && err)
		*err = c->why;
	pthread_mutex_unlock(&c->mu);
	return failed;
}

bool ns_courier_take(ns_courier *c, ns_ui_event *ev, char *buf, size_t cap)
{
	bool some = true;
	*ev = (ns_ui_event){.text = buf};
	*buf = '\0';
	pthread_mutex_lock(&c->mu);
	if (c->have_role) {
		ev->kind = NS_UI_ROLE;
		ev->role = c->role;
		c->have_role = false;
	} else if (c->snap) {
		ev->kind = NS_UI_SNAPSHOT;
		ev->snap = c->snap;
		c->snap = NULL;
	} else if (c->decided.there) {
		ev->kind = NS_UI_DECIDED;
		ev->id = c->decided.id;
		ev->ok = c->decided.ok;
		ev->undo = c->decided.undo;
		ns_copy(buf, cap, c->decided.text);
		c->decided.there = false;
	} else if (c->detailed.there) {
		ev->kind = NS_UI_DETAIL;
		ev->id = c->detailed.id;
		ev->detail = c->found;
		ns_copy(buf, cap, c->detailed.text);
		c->found = NULL;
		c->detailed.there = false;
	} else if (c->gone && *c->gone_why) {
		ev->kind = NS_UI_GONE;
		ns_copy(buf, cap, c->gone_why);
		*c->gone_why = '\0'; /* told once */
	} else {
		some = false;
	}
	pthread_mutex_unlock(&c->mu);
	return some;
}
