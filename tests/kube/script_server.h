/* An HTTP server that says exactly the bytes a test wants, cut where the test wants: what a library server would tidy up is the point here. */
#ifndef TESTS_KUBE_SCRIPT_SERVER_H
#define TESTS_KUBE_SCRIPT_SERVER_H
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct script_server script_server;
/* Answers one request on fd. False closes the connection. */
typedef bool (*script_handler)(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body);

struct script_server {
	int fd, port;
	pthread_t thread;
	script_handler handle;
	void *ctx;
	atomic_bool stop;
	atomic_int connections, requests;
};

typedef struct script_conn { script_server *s; int fd; } script_conn;

static bool script_send(int fd, const void *p, size_t n)
{
	const char *c = p;
	while (n) {
		ssize_t k = send(fd, c, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		c += k;
		n -= (size_t)k;
	}
	return true;
}

static inline bool script_answer(int fd, int status, const char *headers, const char *body)
{
	char head[512];
	snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", status, strlen(body), headers);
	return script_send(fd, head, strlen(head)) && script_send(fd, body, strlen(body));
}

#define SCRIPT_STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

static inline bool script_chunk(int fd, const char *p, size_t n)
{
	char head[32];
	snprintf(head, sizeof head, "%zx\r\n", n);
	return script_send(fd, head, strlen(head)) && script_send(fd, p, n) && script_send(fd, "\r\n", 2);
}

/* Waits until the client closes or the server stops. */
static inline void script_hold(script_server *s, int fd)
{
	char c;
	while (!atomic_load(&s->stop)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 2) > 0 && recv(fd, &c, 1, 0) <= 0)
			return;
	}
}

static void *script_serve(void *arg)
{
	script_conn c = *(script_conn *)arg;
	free(arg);
	char buf[65536];
	size_t n = 0;
	bool on = true;
	while (on && !atomic_load(&c.s->stop)) {
		struct pollfd p = {.fd = c.fd, .events = POLLIN};
		if (poll(&p, 1, 2) <= 0)
			continue;
		ssize_t k = recv(c.fd, buf + n, sizeof buf - 1 - n, 0);
		if (k <= 0)
			break;
		n += (size_t)k;
		buf[n] = '\0';
		char *end = strstr(buf, "\r\n\r\n");
		if (!end)
			continue;
		size_t want = 0;
		char *cl = strcasestr(buf, "content-length:");
		if (cl && cl < end)
			want = strtoul(cl + 15, NULL, 10);
		if (n < (size_t)(end - buf) + 4 + want)
			continue;
		char method[16], target[8192];
		if (sscanf(buf, "%15s %8191s", method, target) != 2)
			break;
		atomic_fetch_add(&c.s->requests, 1);
		end[0] = '\0';
		on = c.s->handle(c.s, c.fd, method, target, buf, end + 4);
		n = 0;
	}
	close(c.fd);
	atomic_fetch_sub(&c.s->connections, 1);
	return NULL;
}

static void *script_accept(void *arg)
{
	script_server *s = arg;
	while (!atomic_load(&s->stop)) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		if (poll(&p, 1, 2) <= 0)
			continue;
		int fd = accept(s->fd, NULL, NULL), on = 1;
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		script_conn *c = malloc(sizeof *c);
		*c = (script_conn){s, fd};
		pthread_t t;
		atomic_fetch_add(&s->connections, 1);
		pthread_create(&t, NULL, script_serve, c);
		pthread_detach(t);
	}
	return NULL;
}

static inline void script_start(script_server *s, script_handler handle, void *ctx)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	*s = (script_server){.handle = handle, .ctx = ctx};
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->fd, 64) != 0)
		abort();
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	pthread_create(&s->thread, NULL, script_accept, s);
}

static inline void script_stop(script_server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
	while (atomic_load(&s->connections))
		usleep(1000);
}
#endif
