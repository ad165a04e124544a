/* How every request to an API server is dressed, and how its failure is told in one sentence. HTTP/1.1 on purpose: each watch then has its own
 * TCP connection, a dead one is found by its own keep-alive, and no stream can hold up another. */
#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "kube_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"

#define CONNECT_MS 5000L

void kube_append_header(struct curl_slist **l, const char *line)
{
	/* A line break in a value would start a header of its own. */
	if (strpbrk(line, "\r\n"))
		return;
	struct curl_slist *n = curl_slist_append(*l, line);
	if (!n)
		abort(); /* out of memory, as everywhere */
	*l = n;
}

/* The scheme-less authority of a server URL: "host:port". */
static void authority(const char *server, char *out, size_t cap)
{
	const char *host = strstr(server, "://");
	host = host ? host + 3 : server;
	snprintf(out, cap, "%.*s", (int)strcspn(host, "/"), host);
}

/* "host" and "port" of an authority; IPv6 literals keep their brackets. */
static void split_authority(const char *auth, bool https, char *host, size_t cap, char *port, size_t port_cap)
{
	const char *end = *auth == '[' ? strchr(auth, ']') : NULL;
	const char *colon = strchr(end ? end : auth, ':');
	snprintf(host, cap, "%.*s", (int)(colon ? (size_t)(colon - auth) : strlen(auth)), auth);
	snprintf(port, port_cap, "%s", colon ? colon + 1 : https ? "443" : "80");
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* A peer that vanished is noticed within about a minute, also while we have nothing to send. */
static int set_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	int on = 1, idle = 30, every = 10, count = 3;
	unsigned unacked = 30000;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof unacked);
	return CURL_SOCKOPT_OK;
}

static void set_proxy(CURL *easy, const ns_kubeconfig *cfg, const char *host)
{
	if (strncmp(cfg->proxy_url, "socks5://", 9) == 0) {
		/* Go lets the proxy resolve names; libcurl spells that socks5h. */
		char *url = ns_xasprintf("socks5h://%s", cfg->proxy_url + 9);
		curl_easy_setopt(easy, CURLOPT_PROXY, url);
		free(url);
	} else if (*cfg->proxy_url) {
		curl_easy_setopt(easy, CURLOPT_PROXY, cfg->proxy_url);
	} else if (is_loopback(host)) {
		curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* Go never asks a proxy from the environment for loopback */
	}
}

bool kube_http_init(CURL *easy, const ns_kubeconfig *cfg, ns_err *err)
{
	char auth[512], host[512], port[16];
	if (!easy)
		return ns_fail(err, NS_E_FAILED, "libcurl gives no handle");
	authority(cfg->server, auth, sizeof auth);
	split_authority(auth, true, host, sizeof host, port, sizeof port);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, set_socket);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "neuroscale-tui/" NS_VERSION);
	set_proxy(easy, cfg, host);
	if (*cfg->ca_pem) {
		struct curl_blob ca = {.data = cfg->ca_pem, .len = strlen(cfg->ca_pem), .flags = CURL_BLOB_NOCOPY};
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
	}
	if (cfg->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	return true;
}

/* libcurl checks the certificate against the URL's host: tls-server-name goes there, the connection to the real address. */
static void set_url(CURL *easy, const ns_kubeconfig *cfg, const char *path, kube_dress *d)
{
	bool https = strncmp(cfg->server, "https://", 8) == 0;
	char auth[512], host[512], port[16];
	authority(cfg->server, auth, sizeof auth);
	split_authority(auth, https, host, sizeof host, port, sizeof port);
	const char *rest = strstr(cfg->server, "://") + 3;
	rest += strcspn(rest, "/");
	char *url;
	if (https && *cfg->tls_server_name) {
		url = ns_xasprintf("https://%s:%s%s%s", cfg->tls_server_name, port, rest, path);
		char *to = ns_xasprintf("%s:%s:%s:%s", cfg->tls_server_name, port, host, port);
		kube_append_header(&d->connect_to, to);
		free(to);
		char *line = ns_xasprintf("Host: %s", auth);
		kube_append_header(&d->headers, line);
		free(line);
	} else {
		url = ns_xasprintf("%s%s", cfg->server, path);
	}
	curl_easy_setopt(easy, CURLOPT_URL, url);
	free(url);
}

bool kube_http_dress(CURL *easy, const ns_kubeconfig *cfg, kube_auth *auth, const char *path, const char *content_type, kube_dress *d, ns_err *err)
{
	*d = (kube_dress){0};
	set_url(easy, cfg, path, d);
	kube_append_header(&d->headers, "Accept: application/json");
	if (content_type) {
		char *line = ns_xasprintf("Content-Type: %s", content_type);
		kube_append_header(&d->headers, line);
		free(line);
	}
	if (auth && !kube_auth_apply(auth, easy, &d->headers, err)) {
		kube_dress_free(d);
		return false;
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, d->headers);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, d->connect_to);
	return true;
}

void kube_dress_free(kube_dress *d)
{
	for (struct curl_slist *l = d->headers; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(d->headers);
	curl_slist_free_all(d->connect_to);
	*d = (kube_dress){0};
}

static const struct curl_words {
	CURLcode rc;
	ns_code code;
	const char *fmt; /* %1$s: server, %2$s: libcurl's detail, %3$s: cluster, %4$s: file */
} curl_table[] = {
    {CURLE_COULDNT_RESOLVE_HOST, NS_E_UNREACHABLE, "the name of %1$s does not resolve"},
    {CURLE_COULDNT_RESOLVE_PROXY, NS_E_UNREACHABLE, "the name of the proxy for %1$s does not resolve"},
    {CURLE_PROXY, NS_E_UNREACHABLE, "the proxy for %1$s refuses (%2$s)"},
    {CURLE_COULDNT_CONNECT, NS_E_UNREACHABLE, "nothing answers at %1$s (%2$s)"},
    {CURLE_OPERATION_TIMEDOUT, NS_E_TIMEOUT, "%1$s did not answer in time (%2$s)"},
    {CURLE_PEER_FAILED_VERIFICATION, NS_E_UNREACHABLE,
        "the certificate of %1$s is not trusted (%2$s): check certificate-authority and tls-server-name of cluster \"%3$s\" in %4$s"},
    {CURLE_SSL_CONNECT_ERROR, NS_E_UNREACHABLE, "no TLS connection with %1$s (%2$s)"},
    {CURLE_SSL_CERTPROBLEM, NS_E_INVALID, "the client certificate or key for %1$s in %4$s cannot be used (%2$s)"},
    {CURLE_SSL_CACERT_BADFILE, NS_E_INVALID, "the certificate authority of cluster \"%3$s\" in %4$s cannot be read (%2$s)"},
    {CURLE_URL_MALFORMAT, NS_E_INVALID, "%1$s is no URL (cluster \"%3$s\" in %4$s)"},
    {CURLE_GOT_NOTHING, NS_E_UNREACHABLE, "%1$s closed the connection without an answer"},
    {CURLE_RECV_ERROR, NS_E_UNREACHABLE, "the connection to %1$s was lost (%2$s)"},
    {CURLE_SEND_ERROR, NS_E_UNREACHABLE, "the connection to %1$s was lost (%2$s)"},
    {CURLE_PARTIAL_FILE, NS_E_UNREACHABLE, "the connection to %1$s was lost in the middle of an answer"},
    {CURLE_ABORTED_BY_CALLBACK, NS_E_CANCELLED, "the request to %1$s was cancelled"},
};

bool kube_curl_error(CURLcode rc, const ns_kubeconfig *cfg, const char *detail, ns_err *err)
{
	const char *d = detail && *detail ? detail : curl_easy_strerror(rc);
	for (size_t i = 0; i < sizeof curl_table / sizeof *curl_table; i++) {
		const struct curl_words *w = &curl_table[i];
		if (w->rc != rc)
			continue;
		ns_buf b = NS_BUF_INIT;
		/* The table's formats take these four texts in any order and number. */
		for (const char *p = w->fmt; *p; p++) {
			const char *arg[] = {cfg->server, d, cfg->cluster, cfg->file};
			if (p[0] == '%' && p[1] >= '1' && p[1] <= '4') {
				ns_buf_puts(&b, arg[p[1] - '1']);
				p += 3;
			} else {
				ns_buf_putc(&b, *p);
			}
		}
		ns_fail(err, w->code, "%s", ns_buf_str(&b));
		ns_buf_free(&b);
		return false;
	}
	return ns_fail(err, NS_E_UNREACHABLE, "%s: %s", cfg->server, d);
}

ns_code kube_status_code(long http)
{
	static const struct { long http; ns_code code; } table[] = {{400, NS_E_INVALID}, {401, NS_E_DENIED}, {403, NS_E_DENIED}, {404, NS_E_NOTFOUND},
	    {405, NS_E_UNSUPPORTED}, {409, NS_E_CONFLICT}, {410, NS_E_EXPIRED}, {413, NS_E_TOOBIG}, {422, NS_E_INVALID}, {429, NS_E_BUSY},
	    {503, NS_E_BUSY}, {504, NS_E_TIMEOUT}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].http == http)
			return table[i].code;
	return http >= 500 ? NS_E_UNREACHABLE : NS_E_FAILED;
}

bool kube_status_error(long http, const char *body, size_t n, const char *what, ns_err *err)
{
	ns_code code = kube_status_code(http);
	if (http >= 300 && http < 400)
		return ns_fail(err, NS_E_FAILED, "%s: HTTP %ld redirects elsewhere, which is not followed", what, http);
	cJSON *j = n ? ns_json_parse(body, n, &ns_json_api, NULL) : NULL;
	const char *message = ns_json_str(j, "message", "");
	if (*message) {
		char *safe = ns_redact_line(message, strlen(message), 1024); /* a webhook may quote what it refused */
		ns_fail(err, code, "%s: %s (HTTP %ld)", what, safe, http);
		free(safe);
	} else {
		/* A proxy or the request filters answer in text or HTML: its first line is all that may be of use. */
		const char *s = n ? body : "";
		size_t len = 0;
		while (len < n && len < 160 && s[len] != '\n' && s[len] != '\r' && s[len])
			len++;
		bool html = n && s[strspn(s, " \r\n\t")] == '<';
		ns_fail(err, code, "%s: HTTP %ld%s%.*s", what, http, len && !html ? ": " : "", html ? 0 : (int)len, s);
	}
	cJSON_Delete(j);
	return false;
}

void kube_not_json(const char *content_type, ns_err *err)
{
	if (*content_type && !strcasestr(content_type, "json"))
		ns_fail(err, NS_E_INVALID, "the answer is %.40s and no JSON: a proxy or a login page stands between us and the API server", content_type);
}

int kube_retry_after(const char *body, size_t n)
{
	cJSON *j = n ? ns_json_parse(body, n, &ns_json_api, NULL) : NULL;
	int64_t s = ns_json_int_or(j, "details.retryAfterSeconds", 0);
	cJSON_Delete(j);
	return s < 0 ? 0 : s > INT32_MAX ? INT32_MAX : (int)s;
}

CURLcode kube_perform(CURLM *multi, CURL *easy, const ns_cancel *cancel)
{
	CURLcode rc = CURLE_ABORTED_BY_CALLBACK;
	int running = 1;
	if (curl_multi_add_handle(multi, easy) != CURLM_OK)
		return CURLE_FAILED_INIT;
	while (!ns_cancel_fired(cancel)) {
		struct curl_waitfd extra = {.fd = ns_cancel_fd(cancel), .events = CURL_WAIT_POLLIN};
		if (curl_multi_perform(multi, &running) != CURLM_OK) {
			rc = CURLE_FAILED_INIT;
			break;
		}
		if (!running) {
			int left;
			CURLMsg *m = curl_multi_info_read(multi, &left);
			rc = m && m->msg == CURLMSG_DONE ? m->data.result : CURLE_FAILED_INIT;
			break;
		}
		curl_multi_poll(multi, &extra, cancel ? 1 : 0, 1000, NULL);
	}
	curl_multi_remove_handle(multi, easy);
	return rc;
}
