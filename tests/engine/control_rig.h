/* For the tests of the control socket: an engine that writes down what it was asked, the server in front of it, and a client that speaks by hand. */
#ifndef NEUROSCALE_TESTS_ENGINE_CONTROL_RIG_H
#define NEUROSCALE_TESTS_ENGINE_CONTROL_RIG_H
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "neuroscale/base/thread.h"
#include "neuroscale/engine/control.h"
#include "neuroscale/sys/fs.h"
#include "picture.h"
#include "support/tmpdir.h"


enum { WAIT_MS = 10000 };

/* ---- the engine behind it ---- */

static struct {
	pthread_mutex_t mu;
	ns_snapshot *picture;
	int decided;
	uid_t uid;
	ns_role role;
	int64_t approval;
	bool approve;
	int undone;
	char digest[80], reason[80], surface[16];
	ns_code refuse; /* what decide answers */
} back = {.mu = PTHREAD_MUTEX_INITIALIZER};

static ns_snapshot *back_snapshot(void *ctx)
{
	pthread_mutex_lock(&back.mu);
	ns_snapshot *s = ns_snapshot_ref(back.picture);
	pthread_mutex_unlock(&back.mu);
	return s;
}

static ns_detail *back_detail(void *ctx, int64_t incident, ns_err *err)
{
	if (incident == 7)
		return make_detail();
	ns_fail(err, NS_E_NOTFOUND, "incident %lld does not exist", (long long)incident);
	return NULL;
}

static bool back_decide(void *ctx, uid_t uid, ns_role role, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	pthread_mutex_lock(&back.mu);
	back.decided++;
	back.uid = uid;
	back.role = role;
	back.approval = req->approval;
	back.approve = req->approve;
	ns_copy(back.digest, sizeof back.digest, req->digest ? req->digest : "(null)");
	ns_copy(back.reason, sizeof back.reason, req->reason);
	ns_copy(back.surface, sizeof back.surface, req->surface);
	ns_code refuse = back.refuse;
	pthread_mutex_unlock(&back.mu);
	snprintf(said, cap, "done");
	return !refuse || ns_fail(err, refuse, "refused for a reason");
}

static bool back_undo(void *ctx, uid_t uid, ns_role role, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	pthread_mutex_lock(&back.mu);
	back.undone++;
	back.uid = uid;
	back.role = role;
	back.approval = req->incident;
	ns_copy(back.digest, sizeof back.digest, req->digest ? req->digest : "(null)");
	ns_copy(back.reason, sizeof back.reason, req->reason);
	ns_copy(back.surface, sizeof back.surface, req->surface);
	ns_code refuse = back.refuse;
	pthread_mutex_unlock(&back.mu);
	snprintf(said, cap, "taking back");
	return !refuse || ns_fail(err, refuse, "refused for a reason");
}

typedef struct server {
	char *dir;
	ns_control *c;
	ns_services *services;
} server;

static bool serve(server *s)
{
	ns_control_backend b = {back_snapshot, back_detail, back_decide, back_undo, NULL};
	s->c = ns_control_new(s->dir, &b, NULL);
	s->services = ns_services_new();
	ns_service row = {"control", ns_control_run, s->c};
	return s->c && ns_services_start(s->services, &row, NULL);
}

static int start(void **state)
{
	void *dir;
	server *s = ns_xcalloc(1, sizeof *s);
	if (tmpdir_make(&dir) != 0)
		return -1;
	s->dir = dir;
	back.picture = make_picture(3);
	back.decided = back.undone = 0;
	back.refuse = NS_OK;
	*state = s;
	return serve(s) ? 0 : -1;
}

static int stop(void **state)
{
	server *s = *state;
	void *dir = s->dir;
	ns_services_stop(s->services);
	ns_control_free(s->c);
	char *path = ns_path_join(s->dir, "control.sock");
	bool left = ns_exists(path);
	free(path);
	ns_snapshot_unref(back.picture);
	back.picture = NULL;
	free(s);
	return tmpdir_remove(&dir) == 0 && !left ? 0 : -1; /* the socket goes with the server */
}

/* ---- a client that speaks by hand ---- */

static int dial(const server *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *path = ns_path_join(s->dir, "control.sock");
	ns_copy(a.sun_path, sizeof a.sun_path, path);
	free(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* One line without its newline; false at the end of the stream. */
static bool get_line(int fd, ns_buf *line)
{
	ns_buf_clear(line);
	for (;;) {
		char c;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, WAIT_MS) <= 0)
			fail_msg("no answer within %d s", WAIT_MS / 1000);
		if (read(fd, &c, 1) <= 0)
			return false;
		if (c == '\n')
			return true;
		ns_buf_putc(line, c);
	}
}

static cJSON *get_json(int fd)
{
	ns_buf line = NS_BUF_INIT;
	if (!get_line(fd, &line))
		fail_msg("the server closed the line");
	cJSON *j = cJSON_Parse(ns_buf_str(&line));
	if (!j)
		fail_msg("no JSON: %s", ns_buf_str(&line));
	ns_buf_free(&line);
	return j;
}

static void expect_refused(int fd, const char *request, const char *code)
{
	put(fd, request);
	cJSON *j = get_json(fd);
	if (ns_json_bool_or(j, "ok", true) || strcmp(ns_json_str(j, "code", ""), code) != 0 || !ns_json_str(j, "error", "")[0])
		fail_msg("%s was answered with code \"%s\", must be \"%s\"", request, ns_json_str(j, "code", "(none)"), code);
	cJSON_Delete(j);
}
#endif
