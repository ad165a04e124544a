/* One thread's client of one API server. It reads; what else it may send is a closed list of two (law 1), checked here. */
#include "neuroscale/kube/client.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kube_priv.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/sys/digest.h"

#define TOTAL_MS      10000L
#define MAX_BODY      (64u << 20)
#define MAX_NAMESPACE (1u << 20)
#define MAX_RETRIES   3
#define MAX_RETRY_SEC 5

struct ns_kube_client {
	const ns_kubeconfig *cfg;
	ns_kube_stats *stats;
	const ns_cancel *cancel;
	kube_auth *auth;
	CURLM *multi;
	CURL *easy;
	long timeout_ms;
	char detail[CURL_ERROR_SIZE];
};

/* Where an answer's body goes. */
typedef struct sink {
	ns_buf buf;
	size_t max;
	bool cut;      /* what is over max is dropped and no error */
	bool over;
} sink;

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	sink *s = ctx;
	size_t room = s->max > s->buf.len ? s->max - s->buf.len : 0, take = n < room ? n : room;
	ns_buf_put(&s->buf, p, take);
	s->over |= take < n;
	return take == n ? n : 0; /* less than n ends the transfer */
}

ns_kube_client *ns_kube_client_new(const ns_kubeconfig *cfg, ns_kube_stats *stats, const ns_cancel *cancel, ns_err *err)
{
	ns_kube_client *c = ns_xcalloc(1, sizeof *c);
	*c = (ns_kube_client){.cfg = cfg, .stats = stats, .cancel = cancel, .timeout_ms = TOTAL_MS};
	c->auth = kube_auth_new(cfg, cancel);
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (!c->multi || !kube_http_init(c->easy, cfg, err)) {
		if (!c->multi)
			ns_fail(err, NS_E_FAILED, "libcurl gives no handle");
		ns_kube_client_free(c);
		return NULL;
	}
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->detail);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, 8L);
	if (!cfg->disable_compression)
		curl_easy_setopt(c->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	return c;
}

void ns_kube_client_free(ns_kube_client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->easy);
	curl_multi_cleanup(c->multi);
	kube_auth_free(c->auth);
	free(c);
}

void kube_client_timeout(ns_kube_client *c, long ms)
{
	c->timeout_ms = ms;
}

void kube_client_plugin_cancel(ns_kube_client *c, const ns_cancel *cancel)
{
	kube_auth_cancel(c->auth, cancel);
}

static void set_method(CURL *easy, const char *method, const char *body)
{
	if (strcmp(method, "GET") == 0) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
}

static void count(ns_kube_client *c, bool failed)
{
	curl_off_t bytes = 0;
	if (!c->stats)
		return;
	curl_easy_getinfo(c->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	atomic_fetch_add(&c->stats->requests, 1);
	atomic_fetch_add(&c->stats->bytes, (int64_t)bytes);
	if (failed)
		atomic_fetch_add(&c->stats->errors, 1);
}

/* One exchange. True when an answer of any status came. */
static bool exchange(ns_kube_client *c, const char *method, const char *path, const char *body, sink *s, long *http, ns_err *err)
{
	kube_dress d;
	*http = 0;
	ns_buf_clear(&s->buf);
	s->over = false;
	*c->detail = '\0';
	if (!kube_http_dress(c->easy, c->cfg, c->auth, path, body ? "application/json" : NULL, &d, err))
		return false;
	set_method(c->easy, method, body);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, c->timeout_ms);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, s);
	CURLcode rc = kube_perform(c->multi, c->easy, c->cancel);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, http);
	kube_dress_free(&d);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, NULL);
	count(c, rc != CURLE_OK || *http >= 400);
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && s->over && s->cut))
		return true;
	if (rc == CURLE_WRITE_ERROR && s->over)
		ns_fail(err, NS_E_TOOBIG, "the answer is over %zu bytes", s->max);
	else
		kube_curl_error(rc, c->cfg, c->detail, err);
	return ns_err_wrap(err, "%s %s", method, path);
}

/* Retries what can be: a 401 once with credentials read again; for a GET a 429 or 503 that says when to come back. */
static bool request(ns_kube_client *c, const char *method, const char *path, const char *body, sink *s, long *http, ns_err *err)
{
	bool get = strcmp(method, "GET") == 0, renewed = false;
	for (int try = 0;; try++) {
		curl_off_t wait = 0;
		if (!exchange(c, method, path, body, s, http, err))
			return false;
		if (*http == 401 && !renewed && kube_auth_refused(c->auth, kube_auth_serial(c->auth))) {
			renewed = true;
			continue;
		}
		if (!get || (*http != 429 && *http != 503) || try >= MAX_RETRIES)
			return true;
		curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &wait);
		if (wait <= 0)
			wait = kube_retry_after(ns_buf_str(&s->buf), s->buf.len);
		if (wait <= 0)
			return true;
		if (!ns_cancel_sleep(c->cancel, ns_clock_real(), (wait > MAX_RETRY_SEC ? MAX_RETRY_SEC : wait) * 1000))
			return ns_fail(err, NS_E_CANCELLED, "%s %s: cancelled", method, path);
	}
}

static void not_json(CURL *easy, const char *what, ns_err *err)
{
	const char *type = NULL;
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	kube_not_json(type ? type : "", err);
	ns_err_wrap(err, "%s: the answer is not JSON", what);
}

/* The answer as JSON; a failure status is an error. */
static cJSON *request_json(ns_kube_client *c, const char *method, const char *path, const char *body, ns_err *err)
{
	sink s = {.max = MAX_BODY};
	long http;
	cJSON *j = NULL;
	if (request(c, method, path, body, &s, &http, err)) {
		kube_no_nul(s.buf.data, s.buf.len);
		char *what = ns_xasprintf("%s %s", method, path);
		if (http < 200 || http >= 300)
			kube_status_error(http, ns_buf_str(&s.buf), s.buf.len, what, err);
		else if (!(j = ns_json_parse(ns_buf_str(&s.buf), s.buf.len, &ns_json_api, err)))
			not_json(c->easy, what, err);
		free(what);
	}
	ns_buf_free(&s.buf);
	return j;
}

cJSON *ns_kube_get(ns_kube_client *c, const char *path, ns_err *err)
{
	return request_json(c, "GET", path, NULL, err);
}

bool ns_kube_get_raw(ns_kube_client *c, const char *path, size_t max, ns_buf *out, int *http_status, ns_err *err)
{
	sink s = {.max = max, .cut = true};
	long http = 0;
	bool ok = request(c, "GET", path, NULL, &s, &http, err);
	if (http_status)
		*http_status = (int)http;
	if (ok && (http < 200 || http >= 300)) {
		char *what = ns_xasprintf("GET %s", path);
		ok = kube_status_error(http, ns_buf_str(&s.buf), s.buf.len, what, err);
		free(what);
	}
	if (ok)
		ns_buf_put(out, ns_buf_str(&s.buf), s.buf.len);
	ns_buf_free(&s.buf);
	return ok;
}

/* Law 1: what may be sent besides a GET, by method and the shape of its path ('*' is one segment). */
static const struct { const char *method, *path; } sendable[] = {
    {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"},
    {"POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"},
    {"POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"},
    {"POST", "/apis/coordination.k8s.io/v1/namespaces/*/leases"},
    {"PUT", "/apis/coordination.k8s.io/v1/namespaces/*/leases/*"},
};

static bool path_like(const char *pattern, const char *path)
{
	for (; *pattern; pattern++) {
		if (*pattern != '*') {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		size_t n = strcspn(path, "/?#%");
		if (!n || strncmp(path, "..", n) == 0)
			return false;
		path += n;
	}
	return !*path;
}

cJSON *kube_send(ns_kube_client *c, const char *method, const char *path, const cJSON *body, ns_err *err)
{
	if (!body)
		return ns_kube_get(c, path, err);
	for (size_t i = 0; i < sizeof sendable / sizeof *sendable; i++) {
		if (strcmp(sendable[i].method, method) != 0 || !path_like(sendable[i].path, path))
			continue;
		char *text = ns_json_text(body);
		cJSON *j = request_json(c, method, path, text, err);
		free(text);
		return j;
	}
	ns_fail(err, NS_E_DENIED, "%s %s is not among the requests this client may send", method, path);
	return NULL;
}

cJSON *ns_http_get_json(const char *url, int timeout_ms, const ns_cancel *cancel, ns_err *err)
{
	static char none[1];
	/* No context, no credentials: only the name of the server, for the words of an error. */
	char *server = ns_xasprintf("%.*s", (int)strcspn(url, "?"), url);
	ns_kubeconfig plain = {.file = none, .context = none, .cluster = none, .user = none, .ns = none, .server = server, .tls_server_name = none,
	    .ca_pem = none, .client_cert_pem = none, .token_file = none, .username = none, .proxy_url = none, .exec_json = none, .exec_config = none, .as_json = none};
	char detail[CURL_ERROR_SIZE] = "";
	sink s = {.max = MAX_BODY};
	cJSON *j = NULL;
	CURLM *multi = curl_multi_init();
	CURL *easy = curl_easy_init();
	if (!multi) {
		ns_fail(err, NS_E_FAILED, "libcurl gives no handle");
	} else if (kube_http_init(easy, &plain, err)) {
		long http = 0;
		curl_easy_setopt(easy, CURLOPT_URL, url);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &s);
		CURLcode rc = kube_perform(multi, easy, cancel);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
		if (rc == CURLE_WRITE_ERROR && s.over)
			ns_fail(err, NS_E_TOOBIG, "%s: the answer is over %zu bytes", server, s.max);
		else if (rc != CURLE_OK)
			kube_curl_error(rc, &plain, detail, err);
		else if (http != 200)
			kube_status_error(http, ns_buf_str(&s.buf), s.buf.len, server, err);
		else if (!(j = ns_json_parse(ns_buf_str(&s.buf), s.buf.len, &ns_json_api, err)))
			not_json(easy, server, err);
	}
	curl_easy_cleanup(easy);
	curl_multi_cleanup(multi);
	ns_buf_free(&s.buf);
	free(server);
	return j;
}

void ns_url_escape(ns_buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;
		bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || strchr("-._~", ch);
		if (plain)
			ns_buf_putc(out, *s);
		else
			ns_buf_printf(out, "%%%02X", ch);
	}
}

/* The uid of a namespace; NULL with err. *hidden: we are known and may not read it (403; a 401 is about who we are). Caller frees. */
static char *namespace_uid(ns_kube_client *c, const char *ns, bool *hidden, ns_err *err)
{
	ns_buf path = NS_BUF_INIT, body = NS_BUF_INIT;
	int http = 0;
	char *out = NULL;
	ns_buf_puts(&path, "/api/v1/namespaces/");
	ns_url_escape(&path, ns);
	ns_err_clear(err);
	if (ns_kube_get_raw(c, ns_buf_str(&path), MAX_NAMESPACE, &body, &http, err)) {
		cJSON *j = ns_json_parse(ns_buf_str(&body), body.len, &ns_json_api, NULL);
		const char *uid = ns_json_str(j, "metadata.uid", "");
		out = *uid ? ns_xstrdup(uid) : NULL;
		cJSON_Delete(j);
		if (!out)
			ns_fail(err, NS_E_INVALID, "%s: namespace %s has no uid: this is no Kubernetes API", c->cfg->server, ns);
	}
	*hidden = http == 403;
	ns_buf_free(&path);
	ns_buf_free(&body);
	return out;
}

char *ns_kube_identity(ns_kube_client *c, const ns_kubeconfig *cfg, ns_err *err)
{
	char ca[NS_HEX256];
	ns_err why = {0};
	const char *of = "kube-system";
	bool hidden;
	char *uid = namespace_uid(c, of, &hidden, &why);
	if (hidden) {
		of = cfg->ns; /* a namespace of one's own is as good a mark of the cluster */
		uid = namespace_uid(c, of, &hidden, &why);
	}
	if (hidden) {
		of = "namespaces";
		uid = ns_xstrdup("hidden");
	}
	ns_sha256_hex(cfg->ca_pem, strlen(cfg->ca_pem), ca);
	char *id = uid ? ns_xasprintf("server=%s ca=%s %s=%s", cfg->server, ca, of, uid) : NULL;
	free(uid);
	if (!id) {
		ns_err_wrap(&why, "identity of the cluster");
		if (err)
			*err = why;
	}
	return id;
}
