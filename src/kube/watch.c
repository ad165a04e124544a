/* The reflector. A stream is a small state machine that lists (in pages), then watches from the list's resourceVersion, and comes back by
 * client-go's rules when that ends:
 *
 *   idle --due--> LIST --all pages--> WATCH --end of stream--> WATCH (from the last version, at once)
 *     ^            | fails              | 410, ERROR Expired ------------> LIST
 *     |            v                    | refused, 429, 502..504, lost early --> back-off, WATCH from the same version
 *     +------- back-off <---------------+ any other status ---------------> back-off, LIST
 *
 * A list that is refused with 403 is tried again namespace by namespace (watch_scope.c). All streams share one thread and one curl multi handle;
 * an event is handed on from inside the read that brought its last byte. A stream that ended is silently reopened; only when that takes longer
 * than a grace (or fails) is the row told to be down. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
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
	MOST_RETRY_AFTER_S = 300,
	MAX_PAGES = 20000,    /* ten million objects: a list that goes on has no end */
	LIST_TOTAL_MS = 300000,
	RELIST_AFTER = 5      /* failures in a row of a watch before its version is no longer trusted */
};

/* ---- a stream ---- */

stream *watch_stream_new(wrow *w, const char *ns)
{
	stream *s = ns_xcalloc(1, sizeof *s);
	s->owner = w->owner;
	s->home = w;
	s->row = w->row;
	s->index = (size_t)(w - w->owner->rows);
	s->ns = ns_xstrdup(ns);
	s->due = WATCH_NEVER;
	return s;
}

void watch_stop(stream *s)
{
	if (s->easy) {
		curl_multi_remove_handle(s->owner->multi, s->easy);
		curl_easy_cleanup(s->easy);
		s->easy = NULL;
	}
	kube_dress_free(&s->dress);
	s->phase = IDLE;
	s->due = WATCH_NEVER;
	s->open = s->parked = false;
}

void watch_stream_free(stream *s)
{
	watch_stop(s);
	kube_split_free(s->split);
	free(s->more);
	free(s->version);
	free(s->ns);
	ns_buf_free(&s->line);
	ns_buf_free(&s->body);
	free(s);
}

/* ---- starting a transfer ---- */

void watch_schedule(stream *s, phase next, int64_t in_ms)
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

/* A row that is served namespace by namespace is listed anew as a whole: its owner replaces all of it or nothing. */
static stream *for_next(stream *s, phase next)
{
	if (next != LISTING || s->home->n == 1)
		return s;
	stream *all = watch_widen(s->home);
	all->why = s->why;
	all->retry_after_ms = s->retry_after_ms;
	all->unpaged |= s->unpaged;
	all->unreachable = s->unreachable;
	return all;
}

void watch_fail(stream *s, phase next)
{
	s = for_next(s, next);
	ns_err_wrap(&s->why, "watch of %s", s->row->name);
	watch_tell_down(s, &s->why);
	int64_t wait = next_backoff(s);
	watch_schedule(s, next, s->retry_after_ms > wait ? s->retry_after_ms : wait);
	s->retry_after_ms = 0;
}

const char *watch_api(const wrow *w)
{
	return w->version ? w->row->older[w->version - 1] : w->row->path;
}

/* "/api/v1/pods" of one namespace is "/api/v1/namespaces/shop/pods". */
static void put_path(ns_buf *b, const stream *s)
{
	const char *path = watch_api(s->home), *resource = strrchr(path, '/');
	if (*s->ns && resource) {
		ns_buf_put(b, path, (size_t)(resource - path));
		ns_buf_puts(b, "/namespaces/");
		ns_url_escape(b, s->ns);
		ns_buf_puts(b, resource);
	} else {
		ns_buf_puts(b, path);
	}
	ns_buf_putc(b, '?');
	ns_buf_puts(b, s->row->query);
	if (*s->row->query)
		ns_buf_putc(b, '&');
}

static char *list_path(const stream *s)
{
	ns_buf b = NS_BUF_INIT;
	put_path(&b, s);
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
	put_path(&b, s);
	ns_buf_printf(&b, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=", seconds);
	ns_url_escape(&b, s->version);
	return ns_buf_steal(&b);
}

/* True when the credential is at hand. A plug-in may take its time, or hang: it runs beside the watch, and the stream waits parked. */
static bool have_credential(stream *s, phase what)
{
	reflector *r = s->owner;
	if (kube_auth_ready(r->auth))
		return true;
	s->phase = IDLE;
	s->next = what;
	s->due = WATCH_NEVER;
	if (r->no_credential_until > ns_clock_mono_ms(r->o->clock)) {
		s->why = r->no_credential;
		watch_fail(s, what);
		return false;
	}
	s->parked = true;
	s->started_real = ns_real_mono_ms();
	watch_helper_ask(r->helper, false);
	return false;
}

static void dress_list(stream *s)
{
	kube_split_free(s->split); /* of a page that was refused */
	s->split = watch_splitter(s);
	curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, 100L << 10);
	curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME, 30L);
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)LIST_TOTAL_MS);
	if (!s->owner->o->cfg->disable_compression)
		curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (!s->more) {
		s->list_bytes = s->pages = 0;
		free(s->version);
		s->version = NULL;
	}
	watch_tell_begin(s->home);
}

/* Never compressed: newer servers send one gzip member per event, which libcurl refuses. No low-speed limit: silence is normal. What ends a
 * connection that is dead without a word is the keep-alive of http.c, and this limit: the server's own end of the watch, and some slack. */
static void dress_watch(stream *s, int seconds)
{
	int slack = seconds / 10 < 1 ? 1 : seconds / 10 < WATCH_SLACK_S ? seconds / 10 : WATCH_SLACK_S;
	s->open = s->got_event = s->expired = false;
	ns_buf_clear(&s->line);
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (seconds + slack) * 1000L);
}

void watch_start(stream *s, phase what)
{
	reflector *r = s->owner;
	const ns_kubeconfig *cfg = r->o->cfg;
	int least = r->o->watch_seconds > 0 ? r->o->watch_seconds : WATCH_MIN_S, seconds = least + (int)(ns_random_u64() % (uint64_t)least);
	ns_err_clear(&s->why);
	*s->detail = *s->content_type = '\0';
	s->counted = 0;
	if (!have_credential(s, what))
		return;
	s->easy = curl_easy_init();
	char *path = what == LISTING ? list_path(s) : watch_path(s, seconds);
	bool ok = kube_http_init(s->easy, cfg, &s->why) && kube_http_dress(s->easy, cfg, r->auth, path, NULL, &s->dress, &s->why);
	free(path);
	if (!ok) {
		curl_easy_cleanup(s->easy);
		s->easy = NULL;
		watch_fail(s, what);
		return;
	}
	s->serial = kube_auth_serial(r->auth);
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
	if (what == LISTING)
		dress_list(s);
	else
		dress_watch(s, seconds);
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
	s->home->replacing = false;
}

/* 403 and 404 of an optional row: it is not there for us. What it once had is gone. */
void watch_absent(stream *s)
{
	s = for_next(s, LISTING);
	drop_list(s);
	if (s->home->was_listed) {
		watch_tell_begin(s->home);
		watch_tell_end(s->home);
		s->home->was_listed = false;
	}
	ns_err_wrap(&s->why, "watch of %s", s->row->name);
	watch_tell_down(s, &s->why);
	watch_schedule(s, LISTING, ABSENT_RETRY_MS);
}

/* A server that does not know this version of the API may know another. When it knew none the first is tried again, later. */
static bool other_version(stream *s)
{
	wrow *w = s->home;
	bool more = w->row->older && w->row->older[w->version];
	w->version = more ? w->version + 1 : 0;
	if (!more)
		return false;
	s = for_next(s, LISTING);
	drop_list(s);
	watch_schedule(s, LISTING, 0);
	return true;
}

/* What every answer that is no success has in common. True when it is dealt with. */
static bool refused(stream *s, long http)
{
	char *what = ns_xasprintf("GET %s%s%s", watch_api(s->home), *s->ns ? " in " : "", s->ns);
	kube_status_error(http, ns_buf_str(&s->body), s->body.len, what, &s->why);
	free(what);
	if (http == 403 && watch_narrow(s))
		return true;
	if (http == 404 && other_version(s))
		return true;
	if ((http == 404 || http == 403) && s->row->optional) {
		watch_absent(s);
		return true;
	}
	if (http == 401 && kube_auth_refused(s->owner->auth, s->serial) && !s->renewed) {
		s->renewed = true;
		watch_schedule(s, s->phase, 0);
		return true;
	}
	s->renewed = false;
	return false;
}

/* The next page, the next namespace, or the watch. */
static void listed_page(stream *s, const char *more)
{
	bool same = s->more && strcmp(s->more, more) == 0;
	free(s->more);
	s->more = *more ? ns_xstrdup(more) : NULL;
	if (s->more && (same || ++s->pages > MAX_PAGES)) {
		ns_fail(&s->why, NS_E_INVALID, "the list has no end: page %d %s", s->pages, same ? "continues with itself" : "is not the last");
	} else if (s->more) {
		watch_start(s, LISTING);
		return;
	} else if (!s->version || !*s->version) {
		ns_fail(&s->why, NS_E_INVALID, "the list has no resourceVersion");
	} else {
		stream *next = watch_next_to_list(s);
		s->unpaged = s->renewed = false;
		s->phase = IDLE;
		s->due = WATCH_NEVER;
		if (next)
			watch_start(next, LISTING);
		else
			watch_listed(s->home);
		return;
	}
	drop_list(s);
	watch_fail(s, LISTING);
}

static void end_of_list(stream *s, CURLcode rc, long http)
{
	cJSON *list = NULL;
	if (rc == CURLE_OK && http == 200 && (list = kube_split_end(s->split, &s->why)) != NULL) {
		bool is_list = ns_json_get(list, "items") != NULL; /* null counts: that is how an empty one may look */
		kube_split_free(s->split);
		s->split = NULL;
		watch_remember(s, list);
		if (is_list)
			listed_page(s, ns_json_str(list, "metadata.continue", ""));
		cJSON_Delete(list);
		if (is_list)
			return;
		ns_fail(&s->why, NS_E_INVALID, "the answer is no list");
	}
	if (rc == CURLE_OK && http != 200) {
		if (refused(s, http))
			return;
		/* The pages took longer than the server keeps their snapshot: all in one. */
		s->unpaged |= http == 410 && s->more;
	} else if (http == 200) {
		kube_not_json(s->content_type, &s->why);
	}
	drop_list(s);
	watch_fail(s, LISTING);
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
		if (s->failures++ == 0) {
			stream *all = for_next(s, LISTING);
			all->failures = 1;
			watch_schedule(all, LISTING, 0);
		} else {
			watch_fail(s, LISTING);
		}
		return;
	}
	if (good && rc != CURLE_WRITE_ERROR) {
		watch_schedule(s, WATCHING, 0);
		return;
	}
	if (!s->why.code)
		ns_fail(&s->why, NS_E_UNREACHABLE, "the server ends the watch at once");
	else if (http == 200)
		kube_not_json(s->content_type, &s->why);
	/* Nobody there, or busy: the version is still good. Garbage may be an accident a few times. Any other answer is about the version. */
	bool keep = s->unreachable || http == 429 || (http >= 502 && http <= 504) || http == 401;
	s->failures += !keep;
	watch_fail(s, keep || ((http == 0 || http == 200) && s->failures < RELIST_AFTER) ? WATCHING : LISTING);
}

static void count_end(const stream *s, CURLcode rc, long http)
{
	ns_kube_stats *stats = s->owner->o->stats;
	if (stats && (http >= 400 || (rc != CURLE_OK && !s->open)))
		atomic_fetch_add(&stats->errors, 1);
}

static void keep_words(stream *s)
{
	curl_off_t wait = 0;
	const char *type = NULL;
	curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &wait);
	curl_easy_getinfo(s->easy, CURLINFO_CONTENT_TYPE, &type);
	if (wait <= 0)
		wait = kube_retry_after(ns_buf_str(&s->body), s->body.len);
	s->retry_after_ms = wait <= 0 ? 0 : (int64_t)(wait > MOST_RETRY_AFTER_S ? MOST_RETRY_AFTER_S : wait) * 1000;
	ns_copy(s->content_type, sizeof s->content_type, type ? type : "");
}

void watch_finish(stream *s, CURLcode rc)
{
	reflector *r = s->owner;
	long http = watch_status(s);
	phase was = s->phase;
	watch_count_bytes(s);
	count_end(s, rc, http);
	keep_words(s);
	if (rc != CURLE_OK && rc != CURLE_WRITE_ERROR && !s->why.code)
		kube_curl_error(rc, r->o->cfg, s->detail, &s->why);
	if (rc == CURLE_SSL_CERTPROBLEM || rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_URL_MALFORMAT) {
		r->hopeless = true;
		r->err = s->why;
	}
	curl_multi_remove_handle(r->multi, s->easy);
	curl_easy_cleanup(s->easy);
	s->easy = NULL;
	kube_dress_free(&s->dress);
	s->unreachable = rc != CURLE_OK && !http;
	if (was == LISTING)
		end_of_list(s, rc, http);
	else
		end_of_watch(s, rc, http);
}

void watch_count_bytes(stream *s)
{
	curl_off_t bytes = 0;
	if (!s->owner->o->stats || !s->easy)
		return;
	curl_easy_getinfo(s->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	if (bytes > s->counted)
		atomic_fetch_add(&s->owner->o->stats->bytes, (int64_t)bytes - s->counted);
	s->counted = bytes;
}

/* ---- what waits on the real world ---- */

static int too_long(stream *s, int64_t since, int64_t most, int64_t real, const char *what)
{
	int64_t left = since + most - real;
	if (left > 0)
		return (int)left;
	ns_err e = {0};
	ns_fail(&e, NS_E_TIMEOUT, "watch of %s: %s has not answered for %d s", s->row->name, what, (int)(most / 1000));
	watch_tell_down(s, &e);
	return -1;
}

/* A watch that does not answer, a gap that became too long, a plug-in that takes its time. */
int watch_look(stream *s, int64_t real)
{
	int wait = -1;
	if (s->open) {
		s->gap_since_real = 0;
		return -1;
	}
	if (s->parked)
		return s->home->told_down ? -1 : too_long(s, s->started_real, GRACE_MS, real, "the credential plug-in");
	if (s->home->live && s->gap_since_real)
		wait = too_long(s, s->gap_since_real, GRACE_MS, real, s->owner->o->cfg->server);
	if (s->phase == WATCHING) {
		int64_t left = s->started_real + ANSWER_MS - real;
		if (left <= 0) {
			ns_fail(&s->why, NS_E_TIMEOUT, "%s does not answer", s->owner->o->cfg->server);
			watch_finish(s, CURLE_OPERATION_TIMEDOUT);
			return 0;
		}
		wait = (int)ns_sooner(wait, (int)left);
	}
	return wait;
}
