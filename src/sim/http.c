/* The wire: libmicrohttpd with one internal thread. Handlers run on it under the lock and are short; watches are suspended connections,
 * so hundreds of them cost memory and no threads.
 *
 * An outage is real: the listener is closed and every connection with it. A second socket that is bound to the port but never listens
 * keeps the port ours meanwhile; connecting to it is refused by the kernel. */
#include "watch_priv.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 512, CONNECTION_MEMORY = 24 * 1024, CHUNK = 8 * 1024, BACKLOG = 128 };

struct sim_http {
	struct MHD_Daemon *daemon;
	struct sockaddr_in addr;
	int hold_fd;
};

const char *req_arg(const sim_req *q, const char *name)
{
	return MHD_lookup_connection_value(q->conn, MHD_GET_ARGUMENT_KIND, name);
}

bool req_arg_true(const sim_req *q, const char *name)
{
	const char *v = req_arg(q, name);
	return v && (!strcmp(v, "1") || !strcmp(v, "true"));
}

const char *req_header(const sim_req *q, const char *name)
{
	const char *v = MHD_lookup_connection_value(q->conn, MHD_HEADER_KIND, name);
	return v ? v : "";
}

static ssize_t read_watch(void *cls, uint64_t pos, char *buf, size_t max)
{
	return watch_read(cls, pos, buf, max);
}

static enum MHD_Result send_answer(struct MHD_Connection *conn, sim_resp *r)
{
	struct MHD_Response *m;
	if (r->watch) {
		watch_attach(r->watch, conn);
		m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, read_watch, r->watch, watch_free);
	} else {
		size_t n = r->body.len;
		m = MHD_create_response_from_buffer(n, ns_buf_steal(&r->body), MHD_RESPMEM_MUST_FREE);
	}
	if (!m)
		return MHD_NO;
	MHD_add_response_header(m, "Content-Type", r->ctype ? r->ctype : "application/json");
	MHD_add_response_header(m, "Cache-Control", "no-cache, private");
	if (r->warning) {
		char *text = ns_xasprintf("299 - \"%s\"", r->warning);
		MHD_add_response_header(m, "Warning", text);
		free(text);
	}
	if (r->retry_after) {
		char text[16];
		snprintf(text, sizeof text, "%d", r->retry_after);
		MHD_add_response_header(m, "Retry-After", text);
	}
	enum MHD_Result ok = MHD_queue_response(conn, (unsigned)(r->code ? r->code : 200), m);
	MHD_destroy_response(m);
	return ok;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **state)
{
	ns_sim *s = cls;
	sim_req *q = *state;
	if (!q) {
		*state = ns_xcalloc(1, sizeof *q);
		return MHD_YES;
	}
	if (*n) {
		q->too_big |= q->body.len + *n > SIM_MAX_BODY;
		if (!q->too_big)
			ns_buf_put(&q->body, data, *n);
		*n = 0;
		return MHD_YES;
	}
	sim_resp r = {0};
	q->conn = conn;
	q->method = method;
	if (!q->path)
		q->path = ns_xstrdup(url);
	pthread_mutex_lock(&s->mu);
	api_handle(s, q, &r);
	pthread_mutex_unlock(&s->mu);
	enum MHD_Result ok = send_answer(conn, &r);
	ns_buf_free(&r.body);
	free(r.warning);
	return ok;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode why)
{
	sim_req *q = *state;
	if (!q)
		return;
	free(q->path);
	ns_buf_free(&q->body);
	free(q);
	*state = NULL;
}

static int bind_socket(struct sockaddr_in *addr, ns_err *err)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *addr;
	if (fd < 0) {
		ns_fail_errno(err, NS_E_IO, "simulator: socket");
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* accepted connections inherit it */
	if (bind(fd, (struct sockaddr *)addr, sizeof *addr) < 0 || getsockname(fd, (struct sockaddr *)addr, &len) < 0) {
		ns_fail_errno(err, NS_E_IO, "simulator: cannot listen on port %d", ntohs(addr->sin_port));
		close(fd);
		return -1;
	}
	return fd;
}

static bool parse_listen(const char *text, struct sockaddr_in *addr, ns_err *err)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	long port = colon ? strtol(colon + 1, &end, 10) : -1;
	if (!colon || end == colon + 1 || *end || port < 0 || port > 65535 || (size_t)(colon - text) >= sizeof host)
		return ns_fail(err, NS_E_INVALID, "listen address \"%s\": want 127.0.0.1:PORT", text);
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	if (!strcmp(host, "localhost"))
		snprintf(host, sizeof host, "127.0.0.1");
	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (inet_pton(AF_INET, host, &addr->sin_addr) != 1)
		return ns_fail(err, NS_E_INVALID, "listen address \"%s\": want 127.0.0.1:PORT", text);
	if (ntohl(addr->sin_addr.s_addr) >> 24 != 127)
		return ns_fail(err, NS_E_DENIED,
		    "listen address \"%s\": the simulated cluster has no access control and listens on loopback only", text);
	return true;
}

bool http_open(ns_sim *s, const char *listen_on, ns_err *err)
{
	struct sockaddr_in addr = {0};
	if (!parse_listen(listen_on, &addr, err))
		return false;
	int fd = bind_socket(&addr, err);
	if (fd < 0)
		return false;
	s->http = ns_xcalloc(1, sizeof *s->http);
	*s->http = (sim_http){.addr = addr, .hold_fd = fd};
	s->port = ntohs(addr.sin_port);
	return true;
}

bool http_up(ns_sim *s, ns_err *err)
{
	sim_http *h = s->http;
	int fd = bind_socket(&h->addr, err);
	if (fd < 0)
		return false;
	if (listen(fd, BACKLOG) < 0) {
		close(fd);
		return ns_fail_errno(err, NS_E_IO, "simulator: cannot listen on port %d", s->port);
	}
	h->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_THREAD_STACK_SIZE, (size_t)256 * 1024,
	    MHD_OPTION_END);
	if (!h->daemon) {
		close(fd);
		return ns_fail(err, NS_E_FAILED, "simulator: the HTTP server does not start");
	}
	return true;
}

void http_down(ns_sim *s)
{
	if (s->http->daemon)
		MHD_stop_daemon(s->http->daemon);
	s->http->daemon = NULL;
}

void http_close(ns_sim *s)
{
	if (!s->http)
		return;
	close(s->http->hold_fd);
	free(s->http);
	s->http = NULL;
}
