/* Walks the way to a server with one libcurl transfer and reads off how far it came. The certificate is not checked here but kept: whether
 * it can be trusted is judged from what was shown (sys/cert.h), and what an untrusted server answers is used for one thing only, its Date.
 */
#include "neuroscale/kube/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kube_priv.h"
#include "neuroscale/base/buf.h"

static size_t drop(char *p, size_t size, size_t n, void *ctx)
{
	return n;
}

typedef struct walker {
	ns_way *way;
	bool connected; /* some socket had a peer: libcurl counts a connection only once TLS stands */
} walker;

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	static const char date[] = "Date:";
	ns_way *w = ((walker *)ctx)->way;
	char line[64];
	if (n < sizeof date || n >= sizeof line || strncasecmp(p, date, sizeof date - 1) != 0)
		return n;
	snprintf(line, sizeof line, "%.*s", (int)(n - sizeof date + 1), p + sizeof date - 1);
	time_t t = curl_getdate(line, NULL);
	if (t > 0) {
		w->date_ms = (int64_t)t * 1000;
		w->seen_ms = ns_clock_wall_ms(NULL);
	}
	return n;
}

static char *chain_of(CURL *easy)
{
	struct curl_certinfo *info = NULL;
	ns_buf b = NS_BUF_INIT;
	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) == CURLE_OK && info)
		for (int i = 0; i < info->num_of_certs; i++)
			for (struct curl_slist *l = info->certinfo[i]; l; l = l->next)
				if (strncmp(l->data, "Cert:", 5) == 0) {
					ns_buf_puts(&b, l->data + 5);
					ns_buf_putc(&b, '\n');
				}
	return b.len ? ns_buf_steal(&b) : NULL;
}

static double step_ms(CURL *easy, CURLINFO now, double *before)
{
	curl_off_t us = 0;
	curl_easy_getinfo(easy, now, &us);
	double at = (double)us / 1000, took = at > *before ? at - *before : 0;
	if (at > 0)
		*before = at;
	return took;
}

static void read_times(CURL *easy, ns_way *w)
{
	double before = 0;
	w->dns_ms = step_ms(easy, CURLINFO_NAMELOOKUP_TIME_T, &before);
	w->tcp_ms = step_ms(easy, CURLINFO_CONNECT_TIME_T, &before);
	w->tls_ms = step_ms(easy, CURLINFO_APPCONNECT_TIME_T, &before);
	w->answer_ms = step_ms(easy, CURLINFO_STARTTRANSFER_TIME_T, &before);
}

static int on_close(void *ctx, curl_socket_t fd)
{
	walker *wk = ctx;
	struct sockaddr_storage peer;
	socklen_t n = sizeof peer;
	wk->connected |= getpeername(fd, (struct sockaddr *)&peer, &n) == 0;
	return close(fd);
}

/* Failures that only one who is connected can have; a peer that is gone by now has no name any more. */
static bool was_connected(CURLcode rc)
{
	static const CURLcode codes[] = {CURLE_SSL_CONNECT_ERROR, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == rc)
			return true;
	return false;
}

static ns_way_end end_of(CURLcode rc, const ns_way *w, bool connected)
{
	if (rc == CURLE_OK || w->http)
		return NS_WAY_ANSWERED;
	if (rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_RESOLVE_PROXY ||
	    (w->dns_ms <= 0 && rc != CURLE_COULDNT_CONNECT && !connected))
		return NS_WAY_NO_NAME;
	if (!connected)
		return NS_WAY_NO_CONNECT;
	return w->https && w->tls_ms <= 0 ? NS_WAY_NO_TLS : NS_WAY_NO_ANSWER;
}

static void split(const char *url, ns_way *w)
{
	const char *host = strstr(url, "://");
	w->https = strncmp(url, "https://", 8) == 0;
	host = host ? host + 3 : url;
	const char *close = *host == '[' ? memchr(host, ']', strcspn(host, "/")) : NULL;
	size_t all = strcspn(host, "/?#"), n = close ? (size_t)(close - host) + 1 : strcspn(host, ":/?#");
	if (n < all && host[n] == ':')
		snprintf(w->port, sizeof w->port, "%.*s", (int)(all - n - 1), host + n + 1);
	else
		ns_copy(w->port, sizeof w->port, w->https ? "443" : "80");
	snprintf(w->host, sizeof w->host, "%.*s", (int)(close ? n - 2 : n), close ? host + 1 : host);
}

void ns_way_walk(const ns_kubeconfig *k, const char *path, int ms, const ns_cancel *cancel, ns_way *out)
{
	kube_dress d = {0};
	walker wk = {.way = out};
	char detail[CURL_ERROR_SIZE] = "";
	char *text = NULL;
	long http = 0;
	*out = (ns_way){.end = NS_WAY_NO_ANSWER};
	split(k->server, out);
	ns_copy(out->tls_name, sizeof out->tls_name, *k->tls_server_name ? k->tls_server_name : out->host);
	CURLM *multi = curl_multi_init();
	CURL *easy = curl_easy_init();
	if (multi && kube_http_init(easy, k, NULL) && kube_http_dress(easy, k, NULL, path, NULL, &d, NULL)) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ms);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ms);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, &wk);
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
		curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &wk);
#if LIBCURL_VERSION_NUM >= 0x075700
		curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs must not hold us at the end */
#endif
		CURLcode rc = kube_perform(multi, easy, cancel);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http);
		out->http = (int)http;
		if (curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK && text)
			ns_copy(out->address, sizeof out->address, text);
		read_times(easy, out);
		out->chain_pem = chain_of(easy);
		out->end = end_of(rc, out, wk.connected || was_connected(rc));
		out->timed_out = rc == CURLE_OPERATION_TIMEDOUT || rc == CURLE_ABORTED_BY_CALLBACK;
		if (rc != CURLE_OK)
			ns_copy(out->detail, sizeof out->detail, *detail ? detail : curl_easy_strerror(rc));
	}
	kube_dress_free(&d);
	curl_easy_cleanup(easy);
	curl_multi_cleanup(multi);
}

void ns_way_walk_url(const char *url, int ms, const ns_cancel *cancel, ns_way *out)
{
	static char none[1];
	char *server = ns_xstrdup(url);
	size_t n = strlen(server);
	while (n && server[n - 1] == '/')
		server[--n] = '\0';
	ns_kubeconfig plain = {.file = none,
	    .context = none,
	    .cluster = none,
	    .user = none,
	    .ns = none,
	    .server = server,
	    .tls_server_name = none,
	    .ca_pem = none,
	    .client_cert_pem = none,
	    .token_file = none,
	    .username = none,
	    .proxy_url = none,
	    .exec_json = none,
	    .as_json = none};
	ns_way_walk(&plain, "", ms, cancel, out);
	free(server);
}

void ns_way_free(ns_way *w)
{
	free(w->chain_pem);
	w->chain_pem = NULL;
}
