/* The reflector. Each row is a small state machine that lists (in pages), then watches from the list's resourceVersion, and comes back by
 * client-go's rules when that ends:
 *
 *   idle --due--> LIST --all pages--> WATCH --end of stream--> WATCH (from the last version, at once)
 *     ^            | fails              | 410, ERROR Expired ------------> LIST
 *     |            v                    | refused, 429, 503, lost early --> back-off, WATCH from the same version
 *     +------- back-off <---------------+ any other status ---------------> back-off, LIST
 *
 * All rows share one thread and one curl multi handle; an event is handed on from inside the read that brought its last byte. A stream that
 * ended is silently reopened; only when that takes longer than a grace (or fails) is the row told to be down. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/sys/digest.h"
#include "watch_priv.h"

enum {
	PAGE = 500,
	BACKOFF_FIRST_MS = 800,
	BACKOFF_MAX_MS = 30000,
	BACKOFF_RESET_MS = 120000,
	ABSENT_RETRY_MS = 300000,
	GRACE_MS = 2000,      /* real: a reopening that takes longer is told as down */
	ANSWER_MS = 10000,    /* real: how long a watch may take to answer at all */
	SHORT_MS = 1000,      /* a stream that ends sooner without an event counts as a failure */
	WATCH_MIN_S = 300,
	WATCH_SLACK_S = 30,
	LIST_TOTAL_MS = 300000,
	RELIST_AFTER = 5      /* failures in a row of a watch before its version is no longer trusted */
};

/* ---- starting a transfer ---- */

static void schedule(stream *s, phase next, int64_t in_ms)
{
	s->phase = IDLE;
	s->next = next;
	s->due = ns_clock_mono_ms(s->owner->o->clock) + in_ms;
}

static int64_t next_backoff(stream *s)
{
	int64_t now = ns_clock_mono_ms(s->owner->o->clock);
	if (!s->backoff_ms || now - s->failed_at > BACKOFF_RESET_MS)
		s->backoff_ms = BACKOFF_FIRST_MS;
	int64_t wait = s->backoff_ms + (int64_t)(ns_random_u64() % (uint64_t)s->backoff_ms);
	s->backoff_ms = s->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : s->backoff_ms * 2;
	s->failed_at = now;
	return wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait;
}

static void fail(stream *s, phase next)
{
	ns_err_wrap(&s->why, "watch of %s", s->row->name);
	watch_tell_down(s, &s->why);
	int64_t wait = next_backoff(s);
	schedule(s, next, s->retry_after_ms > wait ? s->retry_after_ms : wait);
	s->retry_after_ms = 0;
}

static char *list_path(const stream *s)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "%s?%s", s->row->path, s->row->query);
	if (*s->row->query)
		ns_buf_putc(&b, '&');
	if (!s->unpaged)
		ns_buf_printf(&b, "limit=%d", PAGE);
	if (s->more) {
		ns_buf_puts(&b, "&continue=");
		ns_url_escape(&b, s->more);
	}
	return ns_buf_steal(&b);
}

static char *watch_path(const stream *s, int seconds)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "%s?%s%swatch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=", s->row->path, s->row->query,
	    *s->row->query ? "&" : "", seconds);
	ns_url_escape(&b, s->version);
	return ns_buf_steal(&b);
}

static void start(stream *s, phase what)
{
	reflector *r = s->owner;
	const ns_kubeconfig *cfg = r->o->cfg;
	int seconds = WATCH_MIN_S + (int)(ns_random_u64() % WATCH_MIN_S);
	ns_err_clear(&s->why);
	*s->detail = '\0';
	s->easy = curl_easy_init();
	char *path = what == LISTING ? list_path(s) : watch_path(s, seconds);
	bool ok = kube_http_init(s->easy, cfg, &s->why) && kube_http_dress(s->easy, cfg, r->auth, path, NULL, &s->dress, &s->why);
	free(path);
	if (!ok) {
		curl_easy_cleanup(s->easy);
		s->easy = NULL;
		fail(s, what);
		return;
	}
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->detail);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, watch_on_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, watch_on_header);
	curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	ns_buf_clear(&s->body);
	s->phase = what;
	s->started_real = ns_real_mono_ms();
	if (what == LISTING) {
		kube_split_free(s->split); /* of a page that was refused */
		s->split = watch_splitter(s);
		curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, 100L << 10);
		curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME, 30L);
		curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)LIST_TOTAL_MS);
		if (!cfg->disable_compression)
			curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
		if (!s->replacing)
			watch_tell(s, NS_WATCH_REPLACE_BEGIN, NULL, NULL);
		s->replacing = true;
	} else {
		/* Never compressed: newer servers send one gzip member per event, which libcurl refuses. No low-speed limit: silence is normal. */
		s->open = s->got_event = s->expired = false;
		ns_buf_clear(&s->line);
		curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (seconds + WATCH_SLACK_S) * 1000L);
	}
	if (r->o->stats)
		atomic_fetch_add(&r->o->stats->requests, 1);
	if (curl_multi_add_handle(r->multi, s->easy) != CURLM_OK)
		abort(); /* out of memory */
}

/* ---- the end of a transfer ---- */

static void drop_list(stream *s)
{
	kube_split_free(s->split);
	s->split = NULL;
	free(s->more);
	s->more = NULL;
	s->replacing = false;
}

/* 403 and 404 of an optional row: it is not there for us. What it once had is gone. */
static void absent(stream *s)
{
	drop_list(s);
	if (s->was_listed) {
		watch_tell(s, NS_WATCH_REPLACE_BEGIN, NULL, NULL);
		watch_tell(s, NS_WATCH_REPLACE_END, NULL, NULL);
		s->was_listed = false;
	}
	ns_err_wrap(&s->why, "watch of %s", s->row->name);
	watch_tell_down(s, &s->why);
	schedule(s, LISTING, ABSENT_RETRY_MS);
}

/* What every answer that is no success has in common. True when it is dealt with. */
static bool refused(stream *s, long http)
{
	curl_off_t wait = 0;
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &wait);
	s->retry_after_ms = wait > 0 && wait <= 60 ? (int64_t)wait * 1000 : 0;
	char *what = ns_xasprintf("GET %s", s->row->path);
	kube_status_error(http, ns_buf_str(&s->body), s->body.len, what, &s->why);
	free(what);
	if ((http == 404 || http == 403) && s->row->optional) {
		absent(s);
		return true;
	}
	if (http == 401 && kube_auth_refused(s->owner->auth) && !s->renewed) {
		s->renewed = true;
		schedule(s, s->phase, 0);
		return true;
	}
	s->renewed = false;
	return false;
}

static void end_of_list(stream *s, CURLcode rc, long http)
{
	cJSON *list = NULL;
	if (rc == CURLE_OK && http == 200 && (list = kube_split_end(s->split, &s->why)) != NULL) {
		const char *more = ns_json_str(list, "metadata.continue", "");
		kube_split_free(s->split);
		s->split = NULL;
		free(s->more);
		s->more = *more ? ns_xstrdup(more) : NULL;
		watch_remember(s, list);
		cJSON_Delete(list);
		if (s->more) {
			start(s, LISTING);
			return;
		}
		if (s->version && *s->version) {
			s->replacing = s->unpaged = s->renewed = false;
			s->was_listed = true;
			watch_tell(s, NS_WATCH_REPLACE_END, NULL, NULL);
			start(s, WATCHING);
			return;
		}
		ns_fail(&s->why, NS_E_INVALID, "the list has no resourceVersion");
	}
	if (rc == CURLE_OK && http != 200) {
		if (refused(s, http))
			return;
		/* The pages took longer than the server keeps their snapshot: all in one. */
		s->unpaged |= http == 410 && s->more;
	}
	drop_list(s);
	fail(s, LISTING);
}

static void end_of_watch(stream *s, CURLcode rc, long http)
{
	int64_t lasted = ns_real_mono_ms() - s->opened_real;
	bool was_open = s->open, good = was_open && (s->got_event || lasted >= SHORT_MS / ns_clock_rate(s->owner->o->clock));
	s->open = false;
	if (!s->gap_since_real)
		s->gap_since_real = ns_real_mono_ms();
	if (http && http != 200 && refused(s, http))
		return;
	if (good)
		s->failures = 0;
	if (s->expired || http == 410) {
		/* A server that says 410 to what it just listed must not be asked in a circle. */
		if (s->failures++ == 0)
			schedule(s, LISTING, 0);
		else
			fail(s, LISTING);
		return;
	}
	if (good && rc != CURLE_WRITE_ERROR) {
		schedule(s, WATCHING, 0);
		return;
	}
	if (!s->why.code)
		ns_fail(&s->why, NS_E_UNREACHABLE, "the server ends the watch at once");
	/* Nobody there, or busy: the version is still good. Garbage may be an accident a few times. Any other answer is about the version. */
	bool keep = s->unreachable || http == 429 || http == 503 || http == 401;
	s->failures += !keep;
	fail(s, keep || ((http == 0 || http == 200) && s->failures < RELIST_AFTER) ? WATCHING : LISTING);
}

static void finish(stream *s, CURLcode rc)
{
	reflector *r = s->owner;
	long http = watch_status(s);
	curl_off_t bytes = 0;
	curl_easy_getinfo(s->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	if (r->o->stats) {
		atomic_fetch_add(&r->o->stats->bytes, (int64_t)bytes);
		if (http >= 400 || (rc != CURLE_OK && !s->open))
			atomic_fetch_add(&r->o->stats->errors, 1);
	}
	if (rc != CURLE_OK && rc != CURLE_WRITE_ERROR && !s->why.code)
		kube_curl_error(rc, r->o->cfg, s->detail, &s->why);
	if (rc == CURLE_SSL_CERTPROBLEM || rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_URL_MALFORMAT) {
		r->hopeless = true;
		r->err = s->why;
	}
	CURL *done = s->easy;
	curl_multi_remove_handle(r->multi, done);
	s->unreachable = rc != CURLE_OK && !http;
	if (s->phase == LISTING)
		end_of_list(s, rc, http);
	else
		end_of_watch(s, rc, http);
	/* The next transfer may have begun on a handle of its own. */
	if (s->easy == done)
		s->easy = NULL;
	curl_easy_cleanup(done);
}

/* ---- the loop ---- */

static void collect_finished(reflector *r)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(r->multi, &left)) != NULL;) {
		stream *s = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
		CURLcode rc = m->data.result;
		kube_dress old = s->dress;
		s->dress = (kube_dress){0};
		finish(s, rc);
		kube_dress_free(&old);
	}
}

/* What waits on the real world: a watch that does not answer, a gap that became too long. Returns when to look again, -1 never. */
static int look_at_open(stream *s, int64_t real)
{
	int wait = -1;
	if (s->open) {
		s->gap_since_real = 0;
		return -1;
	}
	if (s->live && s->gap_since_real) {
		int64_t left = s->gap_since_real + GRACE_MS - real;
		if (left <= 0) {
			ns_err e = {0};
			ns_fail(&e, NS_E_TIMEOUT, "watch of %s: %s has not answered for %d s", s->row->name, s->owner->o->cfg->server, GRACE_MS / 1000);
			watch_tell_down(s, &e);
		} else {
			wait = (int)left;
		}
	}
	if (s->phase == WATCHING) {
		int64_t left = s->started_real + ANSWER_MS - real;
		if (left <= 0) {
			ns_fail(&s->why, NS_E_TIMEOUT, "%s does not answer", s->owner->o->cfg->server);
			kube_dress old = s->dress;
			s->dress = (kube_dress){0};
			finish(s, CURLE_OPERATION_TIMEDOUT);
			kube_dress_free(&old);
			return 0;
		}
		wait = (int)ns_sooner(wait, (int)left);
	}
	return wait;
}

static int run_due(reflector *r)
{
	int wait = -1;
	int64_t now = ns_clock_mono_ms(r->o->clock), real = ns_real_mono_ms();
	for (size_t i = 0; i < r->o->n_rows; i++) {
		stream *s = &r->rows[i];
		if (s->phase == IDLE && s->due <= now)
			start(s, s->next);
		if (s->phase == IDLE)
			wait = (int)ns_sooner(wait, ns_clock_poll_ms(r->o->clock, s->due));
		wait = (int)ns_sooner(wait, look_at_open(s, real));
	}
	return wait;
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
		for (size_t i = 0; i < r->o->n_rows; i++)
			if (r->rows[i].phase == IDLE)
				wait = (int)ns_sooner(wait, ns_clock_poll_ms(r->o->clock, r->rows[i].due));
		if (r->tick_at >= 0)
			wait = (int)ns_sooner(wait, ns_clock_poll_ms(r->o->clock, r->tick_at));
		if (r->cancel)
			fds[n++] = (struct curl_waitfd){.fd = ns_cancel_fd(r->cancel), .events = CURL_WAIT_POLLIN};
		if (r->o->wake_fd >= 0)
			fds[n++] = (struct curl_waitfd){.fd = r->o->wake_fd, .events = CURL_WAIT_POLLIN};
		curl_multi_poll(r->multi, fds, n, wait < 0 ? 60000 : wait, NULL);
		woke = r->o->wake_fd >= 0 && readable(&fds[n - 1]);
	}
}

static void close_row(stream *s)
{
	if (s->easy) {
		curl_multi_remove_handle(s->owner->multi, s->easy);
		curl_easy_cleanup(s->easy);
	}
	kube_dress_free(&s->dress);
	kube_split_free(s->split);
	free(s->more);
	free(s->version);
	ns_buf_free(&s->line);
	ns_buf_free(&s->body);
}

bool ns_watch_run(const ns_watch_opts *o, const ns_cancel *cancel, ns_err *err)
{
	reflector r = {.o = o, .cancel = cancel, .multi = curl_multi_init(), .auth = kube_auth_new(o->cfg, cancel), .tick_at = -1};
	if (!r.multi) {
		kube_auth_free(r.auth);
		return ns_fail(err, NS_E_FAILED, "libcurl gives no handle");
	}
	r.rows = ns_xcalloc(o->n_rows, sizeof *r.rows);
	for (size_t i = 0; i < o->n_rows; i++) {
		r.rows[i].owner = &r;
		r.rows[i].index = i;
		r.rows[i].row = &o->rows[i];
		schedule(&r.rows[i], LISTING, 0);
	}
	loop(&r);
	for (size_t i = 0; i < o->n_rows; i++)
		close_row(&r.rows[i]);
	free(r.rows);
	curl_multi_cleanup(r.multi);
	kube_auth_free(r.auth);
	if (r.hopeless && err)
		*err = r.err;
	return !r.hopeless;
}
