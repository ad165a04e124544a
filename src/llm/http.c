/* One POST over libcurl. It ends when the answer is complete, when it breaks the time law, when it is over its cap, or when the cancel object
 * fires: nobody waits for a server that has stopped meaning it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "provider_priv.h"

enum { MAX_ERROR = 65536, MAX_HEADERS = 65536 };

typedef struct post {
	llm_exchange *x;
	CURL *easy;
	bool event_stream, stopped, over;
	size_t bytes, header_bytes;
	int64_t progress_at; /* 0: none yet */
} post;

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	post *t = ctx;
	static const char *const ids[] = {"x-request-id:", "x-dashscope-request-id:", "request-id:"};
	t->header_bytes += n;
	if (t->header_bytes > MAX_HEADERS) {
		t->over = true;
		return 0;
	}
	char *line = ns_redact_line(p, n, 200);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (strncasecmp(line, ids[i], strlen(ids[i])) == 0) {
			const char *v = line + strlen(ids[i]);
			v += strspn(v, " ");
			snprintf(t->x->request_id, sizeof t->x->request_id, "%.*s", (int)strcspn(v, " "), v);
		}
	free(line);
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	post *t = ctx;
	llm_exchange *x = t->x;
	bool progress = false;
	if (!t->bytes) {
		char *type = NULL;
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &x->status);
		curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
		t->event_stream = type && ns_icontains(type, "text/event-stream");
	}
	t->bytes += n;
	if (x->status != 200) {
		size_t room = MAX_ERROR - x->error_body.len;
		ns_buf_put(&x->error_body, p, n < room ? n : room);
		t->stopped = n >= room; /* an error that goes on says nothing more */
		return t->stopped ? 0 : n;
	}
	if (t->bytes > x->max_bytes) {
		t->over = true;
		return 0;
	}
	t->stopped = !x->on_bytes(x->ctx, t->event_stream, p, n, &progress);
	if (progress)
		t->progress_at = ns_real_mono_ms();
	return t->stopped ? 0 : n;
}

static void header(struct curl_slist **l, const char *line)
{
	struct curl_slist *n = curl_slist_append(*l, line);
	if (!n)
		abort(); /* out of memory, as everywhere */
	*l = n;
}

static struct curl_slist *headers(const llm_exchange *x)
{
	struct curl_slist *l = NULL;
	header(&l, "Content-Type: application/json");
	header(&l, x->stream ? "Accept: text/event-stream, application/json" : "Accept: application/json");
	header(&l, "Expect:"); /* a body of some KiB need not ask first */
	const char *key = ns_secret_reveal(x->key);
	if (*key) {
		char *line = ns_xasprintf("Authorization: Bearer %s", key);
		header(&l, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	return l;
}

static void dress(post *t, struct curl_slist *l, char *detail)
{
	const llm_exchange *x = t->x;
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_URL, x->url);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L); /* the key would travel along */
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(e, CURLOPT_USERAGENT, "neuroscale-tui/" NS_VERSION);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_ms);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, l);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(x->body));
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, detail);
	if (*ns_secret_reveal(x->key) && strncmp(x->url, "http://", 7) == 0)
		curl_easy_setopt(e, CURLOPT_PROXY, ""); /* a key goes unencrypted to this machine only, whatever http_proxy says */
	if (*x->ca_file)
		curl_easy_setopt(e, CURLOPT_CAINFO, x->ca_file);
}

/* Real mono time at which waiting ends, by the time law. */
static int64_t deadline(const post *t)
{
	const llm_exchange *x = t->x;
	int64_t next = t->progress_at ? t->progress_at + x->gap_ms : x->begin_by;
	return next < x->end_by ? next : x->end_by;
}

static CURLcode perform(post *t, CURLM *multi)
{
	CURLcode rc = CURLE_OPERATION_TIMEDOUT;
	int running = 1;
	if (curl_multi_add_handle(multi, t->easy) != CURLM_OK)
		return CURLE_FAILED_INIT;
	for (;;) {
		int64_t left = deadline(t) - ns_real_mono_ms();
		if (ns_cancel_fired(t->x->cancel)) {
			rc = CURLE_ABORTED_BY_CALLBACK;
			break;
		}
		if (left <= 0)
			break;
		if (curl_multi_perform(multi, &running) != CURLM_OK) {
			rc = CURLE_FAILED_INIT;
			break;
		}
		if (!running) {
			int more;
			CURLMsg *m = curl_multi_info_read(multi, &more);
			rc = m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_FAILED_INIT;
			break;
		}
		struct curl_waitfd extra = {.fd = ns_cancel_fd(t->x->cancel), .events = CURL_WAIT_POLLIN};
		curl_multi_poll(multi, &extra, t->x->cancel ? 1 : 0, (int)(left < 1000 ? left : 1000), NULL);
	}
	curl_multi_remove_handle(multi, t->easy);
	return rc;
}

static llm_end end_of(const post *t, CURLcode rc)
{
	if (t->over)
		return LLM_END_BIG;
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && t->stopped))
		return LLM_END_OK;
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		return LLM_END_CANCELLED;
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return LLM_END_SLOW;
	if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE || rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL)
		return LLM_END_NEVER;
	return t->bytes ? LLM_END_CUT : LLM_END_DOWN;
}

void llm_post(llm_exchange *x)
{
	char detail[CURL_ERROR_SIZE] = "";
	curl_off_t wait = 0;
	long sent = 0;
	post t = {.x = x, .easy = curl_easy_init()};
	CURLM *multi = curl_multi_init();
	if (!t.easy || !multi)
		abort(); /* out of memory */
	struct curl_slist *l = headers(x);
	dress(&t, l, detail);
	CURLcode rc = perform(&t, multi);
	curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &x->status);
	curl_easy_getinfo(t.easy, CURLINFO_RETRY_AFTER, &wait);
	curl_easy_getinfo(t.easy, CURLINFO_REQUEST_SIZE, &sent);
	x->sent = sent > 0;
	x->retry_after_ms = wait > 0 ? (int64_t)(wait < 86400 ? wait : 86400) * 1000 : -1;
	x->end = end_of(&t, rc);
	if (x->end == LLM_END_BIG)
		snprintf(x->words, sizeof x->words, "the answer is over %zu bytes", x->max_bytes);
	else if (x->end != LLM_END_OK)
		snprintf(x->words, sizeof x->words, "%s", x->end == LLM_END_SLOW ? "no answer in time" : *detail ? detail : curl_easy_strerror(rc));
	for (struct curl_slist *h = l; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(l);
	curl_easy_cleanup(t.easy);
	curl_multi_cleanup(multi);
}

void llm_exchange_free(llm_exchange *x)
{
	ns_buf_free(&x->error_body);
}
