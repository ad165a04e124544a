/* The loop of the watch: starts what is due, moves bytes, ends what ended, and gives its owner the ticks it asked for. */
#include <stdlib.h>

#include "watch_priv.h"

static void collect_finished(reflector *r)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(r->multi, &left)) != NULL;) {
		stream *s = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode rc = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
		watch_finish(s, rc);
	}
}

static void free_gone(reflector *r)
{
	for (size_t i = 0; i < r->o->n_rows; i++) {
		wrow *w = &r->rows[i];
		size_t kept = 0;
		for (size_t k = 0; k < w->n; k++)
			if (w->at[k]->gone)
				watch_stream_free(w->at[k]);
			else
				w->at[kept++] = w->at[k];
		w->n = kept;
	}
}

/* A credential or a failure to get one came, or the namespaces did. */
static void look_at_helper(reflector *r)
{
	if (!watch_helper_collect(r->helper))
		return;
	watch_each(s, r)
	{
		if (!s->parked)
			continue;
		s->parked = false;
		watch_schedule(s, s->next, 0);
	}
	watch_scope_known(r);
}

static int run_due(reflector *r)
{
	int wait = -1;
	int64_t now = ns_clock_mono_ms(r->o->clock), real = ns_real_mono_ms();
	look_at_helper(r);
	watch_each(s, r)
	{
		if (s->phase == IDLE && s->due <= now)
			watch_start(s, s->next);
		wait = (int)ns_sooner(wait, watch_look(s, real));
		watch_count_bytes(s);
	}
	free_gone(r);
	return wait;
}

static int until_due(reflector *r, int wait)
{
	watch_each(s, r)
	{
		if (s->phase == IDLE && s->due != WATCH_NEVER)
			wait = (int)ns_sooner(wait, ns_clock_poll_ms(r->o->clock, s->due));
	}
	return r->tick_at >= 0 ? (int)ns_sooner(wait, ns_clock_poll_ms(r->o->clock, r->tick_at)) : wait;
}

static void tick(reflector *r, bool woke)
{
	bool due = r->tick_at >= 0 && ns_clock_mono_ms(r->o->clock) >= r->tick_at;
	if (!r->o->on_tick || !(woke || due || r->batch))
		return;
	r->batch = false;
	r->tick_at = -1;
	r->o->on_tick(r->o->ctx, &r->tick_at);
}

static bool readable(const struct curl_waitfd *w)
{
	return (w->revents & CURL_WAIT_POLLIN) != 0;
}

static void loop(reflector *r)
{
	bool woke = true; /* the owner's first tick sets its first deadline */
	while (!ns_cancel_fired(r->cancel) && !r->hopeless) {
		struct curl_waitfd fds[2];
		unsigned n = 0;
		int running;
		int wait = run_due(r);
		curl_multi_perform(r->multi, &running);
		collect_finished(r);
		tick(r, woke);
		/* Whatever ended in this round is started without waiting. */
		wait = until_due(r, wait);
		if (r->cancel)
			fds[n++] = (struct curl_waitfd){.fd = ns_cancel_fd(r->cancel), .events = CURL_WAIT_POLLIN};
		if (r->o->wake_fd >= 0)
			fds[n++] = (struct curl_waitfd){.fd = r->o->wake_fd, .events = CURL_WAIT_POLLIN};
		curl_multi_poll(r->multi, fds, n, wait < 0 ? 60000 : wait, NULL);
		woke = r->o->wake_fd >= 0 && readable(&fds[n - 1]);
	}
}

static void open_row(reflector *r, size_t i)
{
	wrow *w = &r->rows[i];
	*w = (wrow){.owner = r, .row = &r->o->rows[i], .at = ns_xcalloc(1, sizeof *w->at), .n = 1};
	w->pick = kube_pick_new(w->row->keep);
	w->at[0] = watch_stream_new(w, "");
	watch_schedule(w->at[0], LISTING, 0);
}

bool ns_watch_run(const ns_watch_opts *o, const ns_cancel *cancel, ns_err *err)
{
	reflector r = {.o = o, .cancel = cancel, .multi = curl_multi_init(), .auth = kube_auth_new(o->cfg, cancel), .tick_at = -1};
	if (!r.multi) {
		kube_auth_free(r.auth);
		return ns_fail(err, NS_E_FAILED, "libcurl gives no handle");
	}
	r.helper = watch_helper_new(&r);
	r.rows = ns_xcalloc(o->n_rows, sizeof *r.rows);
	for (size_t i = 0; i < o->n_rows; i++)
		open_row(&r, i);
	loop(&r);
	watch_helper_free(r.helper);
	for (size_t i = 0; i < o->n_rows; i++) {
		for (size_t k = 0; k < r.rows[i].n; k++)
			watch_stream_free(r.rows[i].at[k]);
		free(r.rows[i].at);
		kube_pick_free(r.rows[i].pick);
	}
	free(r.rows);
	curl_multi_cleanup(r.multi);
	kube_auth_free(r.auth);
	if (r.hopeless && err)
		*err = r.err;
	return !r.hopeless;
}
