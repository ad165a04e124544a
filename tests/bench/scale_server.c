#include "scale_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t scale_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void scale_sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool answer(int fd, int status, const char *body, size_t n)
{
	char head[160];
	int k = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status, n);
	return send_all(fd, head, (size_t)k) && send_all(fd, body, n);
}

/* ---- lists ---- */

typedef struct kind {
	const char *path;
	void (*put)(const podgen *g, size_t i, unsigned long version, ns_buf *out);
	size_t times, per; /* so many for so many pods */
} kind;
static const kind kinds[] = {{"/api/v1/pods", podgen_pod, 1, 1},
    {"/apis/apps/v1/replicasets", podgen_replicaset, PODGEN_REVISIONS, PODGEN_PER_OWNER},
    {"/apis/apps/v1/deployments", podgen_deployment, 1, PODGEN_PER_OWNER}, {"/api/v1/nodes", podgen_node, 1, PODGEN_PER_NODE}};

static unsigned long number_after(const char *target, const char *name)
{
	const char *p = strstr(target, name);
	return p ? strtoul(p + strlen(name), NULL, 10) : 0;
}

static bool send_list(scale_server *s, int fd, const char *target, const kind *k)
{
	size_t n = (s->n_pods * k->times + k->per - 1) / k->per, from = number_after(target, "continue="),
	       limit = number_after(target, "limit=");
	size_t to = limit && from + limit < n ? from + limit : n;
	ns_buf b = NS_BUF_INIT;
	ns_buf_reserve(&b, (to - from) * 12000 + 1000);
	ns_buf_puts(&b, "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1000\"");
	if (to < n)
		ns_buf_printf(&b, ",\"continue\":\"%zu\",\"remainingItemCount\":%zu", to, n - to);
	ns_buf_puts(&b, "},\"items\":[");
	for (size_t i = from; i < to; i++) {
		if (i > from)
			ns_buf_putc(&b, ',');
		k->put(s->gen, i, 1000, &b);
	}
	ns_buf_puts(&b, "]}\n");
	if (k == &kinds[0]) {
		int64_t never = 0;
		atomic_compare_exchange_strong(&s->list_began, &never, scale_now_ns());
		atomic_fetch_add(&s->list_bytes, (int64_t)b.len);
	}
	bool ok = answer(fd, 200, b.data, b.len);
	ns_buf_free(&b);
	return ok;
}

/* ---- watches ---- */

static bool send_chunk(int fd, const ns_buf *b)
{
	char head[32];
	int n = snprintf(head, sizeof head, "%zx\r\n", b->len);
	return send_all(fd, head, (size_t)n) && send_all(fd, b->data, b->len) && send_all(fd, "\r\n", 2);
}

/* How many events are due by now. */
static long due(scale_server *s, int64_t began)
{
	long rate = atomic_load(&s->events_per_second), wanted = atomic_load(&s->events_wanted);
	long by_now = rate ? (long)((double)(scale_now_ns() - began) / 1e9 * (double)rate) : wanted;
	return by_now < wanted ? by_now : wanted;
}

static void watch_pods(scale_server *s, int fd)
{
	ns_buf b = NS_BUF_INIT;
	int64_t began = 0;
	bool ok = true;
	atomic_store(&s->watch_opened, scale_now_ns());
	while (ok && !atomic_load(&s->stop)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 1) > 0)
			break; /* the client has gone */
		long sent = atomic_load(&s->events_sent);
		if (sent >= atomic_load(&s->events_wanted)) {
			began = 0;
			continue;
		}
		if (!began)
			began = scale_now_ns();
		for (long to = due(s, began); ok && sent < to; sent++) {
			ns_buf_clear(&b);
			ns_buf_puts(&b, "{\"type\":\"MODIFIED\",\"object\":");
			/* Any of them, in no order. */
			podgen_pod(s->gen, (size_t)sent * 7919 % s->n_pods, 1001 + (unsigned long)sent, &b);
			ns_buf_puts(&b, "}\n");
			ok = send_chunk(fd, &b);
		}
		atomic_store(&s->events_sent, sent);
	}
	ns_buf_free(&b);
}

static bool serve_one(scale_server *s, int fd, const char *target)
{
	static const char empty[] = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1000\"},\"items\":[]}";
	static const char stream[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char none[] = "{\"kind\":\"Status\",\"code\":404,\"reason\":\"NotFound\",\"message\":\"not here\"}";
	static const char system[] =
	    "{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"kube-system\",\"uid\":\"11111111-2222-3333-4444-555555555555\"}}";
	size_t n = strcspn(target, "?");
	bool watch = strstr(target, "watch=1") != NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strlen(kinds[i].path) != n || strncmp(target, kinds[i].path, n) != 0)
			continue;
		if (!watch)
			return send_list(s, fd, target, &kinds[i]);
		if (i == 0 && send_all(fd, stream, sizeof stream - 1))
			watch_pods(s, fd);
		if (i == 0)
			return false;
	}
	if (watch) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		bool ok = send_all(fd, stream, sizeof stream - 1);
		while (ok && !atomic_load(&s->stop) && poll(&p, 1, 20) == 0)
			;
		return false;
	}
	if (strncmp(target, "/api/v1/namespaces/kube-system", 30) == 0)
		return answer(fd, 200, system, sizeof system - 1);
	if (strncmp(target, "/apis/apps/", 11) == 0 || strncmp(target, "/apis/batch/", 12) == 0 ||
	    strncmp(target, "/api/v1/events", 14) == 0)
		return answer(fd, 200, empty, sizeof empty - 1);
	return answer(fd, 404, none, sizeof none - 1);
}

typedef struct conn {
	scale_server *s;
	int fd;
} conn;

static void *serve(void *arg)
{
	conn c = *(conn *)arg;
	free(arg);
	char buf[16384];
	size_t n = 0;
	while (!atomic_load(&c.s->stop)) {
		struct pollfd p = {.fd = c.fd, .events = POLLIN};
		if (poll(&p, 1, 20) <= 0)
			continue;
		ssize_t k = recv(c.fd, buf + n, sizeof buf - 1 - n, 0);
		if (k <= 0)
			break;
		n += (size_t)k;
		buf[n] = '\0';
		if (!strstr(buf, "\r\n\r\n"))
			continue;
		char target[4096];
		if (sscanf(buf, "%*15s %4095s", target) != 1 || !serve_one(c.s, c.fd, target))
			break;
		n = 0;
	}
	close(c.fd);
	atomic_fetch_sub(&c.s->connections, 1);
	return NULL;
}

static void *accept_all(void *arg)
{
	scale_server *s = arg;
	while (!atomic_load(&s->stop)) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		int fd = poll(&p, 1, 20) > 0 ? accept4(s->fd, NULL, NULL, SOCK_CLOEXEC) : -1, on = 1;
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		conn *c = ns_xmalloc(sizeof *c);
		*c = (conn){s, fd};
		pthread_t t;
		atomic_fetch_add(&s->connections, 1);
		pthread_create(&t, NULL, serve, c);
		pthread_detach(t);
	}
	atomic_fetch_sub(&s->connections, 1);
	return NULL;
}

bool scale_server_start(scale_server *s, const podgen *gen, size_t n_pods)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	pthread_t t;
	*s = (scale_server){.gen = gen, .n_pods = n_pods};
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->fd, 64) != 0)
		return false;
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	atomic_store(&s->connections, 1); /* the one that accepts */
	if (pthread_create(&t, NULL, accept_all, s) != 0)
		return false;
	pthread_detach(t);
	return true;
}

void scale_server_stop(scale_server *s)
{
	atomic_store(&s->stop, true);
	while (atomic_load(&s->connections))
		scale_sleep_ms(5);
	close(s->fd);
}
