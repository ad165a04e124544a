/* A small HTTP/1.1 client for the simulator's tests: one request a connection, and streams that are read line by line. */
#ifndef NEUROSCALE_TESTS_SIM_CLIENT_H
#define NEUROSCALE_TESTS_SIM_CLIENT_H
#include "neuroscale/base/buf.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/model/json.h"
#include "neuroscale/sim/sim.h"
#include "support/test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A scenario on a manual clock. */
typedef struct rig {
	ns_clock *clock;
	ns_sim *sim;
	int port;
} rig;

static inline rig rig_new(const char *scenario)
{
	rig r = {.clock = ns_clock_manual(1795000000000, 5000000)};
	ns_err err = {0};
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = r.clock, .seed = 7};
	r.sim = ns_sim_start(&o, &err);
	if (!r.sim)
		fail_msg("%s", err.text);
	r.port = ns_sim_port(r.sim);
	return r;
}

static inline void rig_free(rig *r)
{
	ns_sim_stop(r->sim);
	ns_clock_free(r->clock);
}

static inline int dial(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	close(fd);
	return -1;
}

typedef struct stream {
	int fd;
	ns_buf raw, line;
	char head[2048];
	bool closed, clean; /* clean: the last chunk came */
} stream;

/* Reads once, waiting at most ms of real time. False when nothing came. */
static inline bool stream_fill(stream *s, int ms)
{
	char buf[16384];
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	if (s->closed || poll(&p, 1, ms) <= 0)
		return false;
	ssize_t n = read(s->fd, buf, sizeof buf);
	if (n <= 0) {
		s->closed = true;
		return false;
	}
	ns_buf_put(&s->raw, buf, (size_t)n);
	return true;
}

static inline stream request(int port, const char *method, const char *path, const char *headers, const char *body)
{
	stream s = {.fd = dial(port)};
	assert_true(s.fd >= 0);
	ns_buf q = NS_BUF_INIT;
	ns_buf_printf(&q, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, path, headers ? headers : "");
	if (body)
		ns_buf_printf(&q, "Content-Length: %zu\r\n", strlen(body));
	ns_buf_printf(&q, "\r\n%s", body ? body : "");
	assert_int_equal(write(s.fd, q.data, q.len), (ssize_t)q.len);
	ns_buf_free(&q);
	const char *end = NULL;
	while (!(end = strstr(ns_buf_str(&s.raw), "\r\n\r\n")) && stream_fill(&s, 5000))
		continue;
	assert_non_null(end);
	size_t n = (size_t)(end - s.raw.data) + 4;
	snprintf(s.head, sizeof s.head, "%.*s", (int)n, s.raw.data);
	ns_buf_drop(&s.raw, n);
	return s;
}

static inline void stream_free(stream *s)
{
	close(s->fd);
	ns_buf_free(&s->raw);
	ns_buf_free(&s->line);
}

/* The next line of a chunked answer, NULL when none came within ms. */
static inline const char *stream_line(stream *s, int ms)
{
	int64_t end = ns_real_mono_ms() + ms;
	if (s->line.len) { /* drop the line given last */
		const char *nl = strchr(s->line.data, '\0');
		ns_buf_drop(&s->line, (size_t)(nl - s->line.data) + 1);
	}
	for (;;) {
		char *nl = memchr(ns_buf_str(&s->line), '\n', s->line.len);
		if (nl) {
			*nl = '\0';
			return s->line.data;
		}
		char *crlf = strstr(ns_buf_str(&s->raw), "\r\n");
		if (crlf) {
			size_t head = (size_t)(crlf - s->raw.data) + 2, n = strtoul(s->raw.data, NULL, 16);
			if (n == 0) {
				s->clean = s->closed = true;
				return NULL;
			}
			if (s->raw.len >= head + n + 2) {
				ns_buf_put(&s->line, s->raw.data + head, n);
				ns_buf_drop(&s->raw, head + n + 2);
				continue;
			}
		}
		int64_t left = end - ns_real_mono_ms();
		if (left <= 0 || !stream_fill(s, (int)left))
			return NULL;
	}
}

/* The same as JSON; caller deletes. */
static inline cJSON *stream_json(stream *s, int ms)
{
	const char *line = stream_line(s, ms);
	return line ? cJSON_Parse(line) : NULL;
}

typedef struct reply {
	int code;
	char head[2048];
	char *body;
	size_t len;
	cJSON *j; /* NULL when it is no JSON */
} reply;

static inline reply call(int port, const char *method, const char *path, const char *headers, const char *body)
{
	stream s = request(port, method, path, headers, body);
	reply r = {.code = atoi(s.head + 9)};
	const char *cl = strstr(s.head, "Content-Length: ");
	size_t n = cl ? strtoul(cl + 16, NULL, 10) : 0;
	snprintf(r.head, sizeof r.head, "%s", s.head);
	while (s.raw.len < n && stream_fill(&s, 5000))
		continue;
	r.len = s.raw.len;
	r.body = ns_buf_steal(&s.raw);
	r.j = cJSON_Parse(r.body);
	stream_free(&s);
	return r;
}

static inline void reply_free(reply *r)
{
	cJSON_Delete(r->j);
	free(r->body);
}

/* What a path holds, by a dotted JSON path, as text in a static buffer: "" when absent. */
static inline const char *look(int port, const char *path, const char *json_path)
{
	static char out[4096];
	reply r = call(port, "GET", path, NULL, NULL);
	const cJSON *v = ns_json_path(r.j, json_path);
	if (cJSON_IsString(v))
		snprintf(out, sizeof out, "%s", v->valuestring);
	else if (v) {
		char *text = ns_json_text(v);
		snprintf(out, sizeof out, "%s", text);
		free(text);
	} else {
		out[0] = '\0';
	}
	reply_free(&r);
	return out;
}

#define MERGE     "Content-Type: application/merge-patch+json\r\n"
#define JSONP     "Content-Type: application/json-patch+json\r\n"
#define STRATEGIC "Content-Type: application/strategic-merge-patch+json\r\n"
#define PLAIN     "Content-Type: application/json\r\n"
#endif
