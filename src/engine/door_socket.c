/* The door over the control socket, for clients in another process. One connection asks, a second one waits for changes. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "neuroscale/base/text.h"
#include "neuroscale/engine/control.h"
#include "neuroscale/sys/fs.h"

enum { ANSWER_MS = 10000, MAX_ANSWER = 64 * 1024 * 1024 };

typedef struct remote {
	char *path;
	int ask, watch;
	ns_buf in;
} remote;

/* The directory belongs to whoever listens, and nobody else may have put the socket there. */
static bool is_owners(const char *path, uid_t peer)
{
	struct stat st;
	char *dir = ns_xstrdup(path), *slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	bool ok = slash && stat(dir, &st) == 0 && st.st_uid == peer && !(st.st_mode & (S_IWGRP | S_IWOTH));
	free(dir);
	return ok;
}

/* Whoever may write the directory may listen there: an engine is ours, or root's, or of the user whose directory was named; root may look at
 * anybody's. */
static bool is_known(int fd, const char *path, ns_err *err)
{
	struct ucred who;
	socklen_t len = sizeof who;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return ns_fail_errno(err, NS_E_IO, "%s", path);
	return geteuid() == 0 || who.uid == 0 || who.uid == geteuid() || is_owners(path, who.uid) ||
	    ns_fail(err, NS_E_DENIED, "what listens at %s belongs to uid %u: it is no engine of yours", path, (unsigned)who.uid);
}

static int dial(const char *path, ns_err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (!ns_copy(a.sun_path, sizeof a.sun_path, path)) {
		ns_fail(err, NS_E_TOOBIG, "%s: longer than a socket's name may be", path);
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		if (errno == EACCES)
			ns_fail(err, NS_E_DENIED, "%s belongs to another user: only the user that runs the engine may use it, and the group that it names with --approvers", path);
		else
			ns_fail(err, NS_E_UNREACHABLE, "no engine answers at %s: start one with `neuroscale-tui` or `neuroscale-tui --headless`, or name its --state-dir", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (is_known(fd, path, err))
		return fd;
	close(fd);
	return -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* One line from fd into buf (without the newline); what follows it stays for the next. */
static bool read_line(int fd, ns_buf *buf, ns_buf *line)
{
	for (;;) {
		char *nl = buf->len ? memchr(buf->data, '\n', buf->len) : NULL;
		if (nl) {
			size_t n = (size_t)(nl - buf->data);
			ns_buf_put(line, buf->data, n);
			ns_buf_drop(buf, n + 1);
			return true;
		}
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, ANSWER_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		char chunk[65536];
		ssize_t k = ready > 0 ? read(fd, chunk, sizeof chunk) : -1;
		if (k <= 0 || buf->len + (size_t)k > MAX_ANSWER)
			return false;
		ns_buf_put(buf, chunk, (size_t)k);
	}
}

static bool gone(ns_err *err)
{
	return ns_fail(err, NS_E_UNREACHABLE, "the engine is gone: start it again with `neuroscale-tui --headless` (an open console joins it by itself)");
}

/* Law 11: what another process says is cleaned before anybody prints it, whatever the engine did before. */
static void clean(cJSON *j)
{
	const char *said = cJSON_GetStringValue(j);
	if (said) {
		ns_buf text = NS_BUF_INIT;
		ns_text_clean(&text, said, strlen(said), MAX_ANSWER, true);
		if (strcmp(ns_buf_str(&text), said) != 0)
			cJSON_SetValuestring(j, ns_buf_str(&text));
		ns_buf_free(&text);
	}
	for (cJSON *child = j ? j->child : NULL; child; child = child->next)
		clean(child);
}

/* Sends req (consumed) and returns the answer when it says ok; cJSON_Delete. */
static cJSON *ask(remote *r, cJSON *req, ns_err *err)
{
	static const ns_json_limits limits = {.max_bytes = MAX_ANSWER, .max_depth = 64, .allow_duplicate_keys = false};
	ns_buf line = NS_BUF_INIT;
	ns_json_write(req, &line);
	ns_buf_putc(&line, '\n');
	cJSON_Delete(req);
	/* A refused client (too many) may find its answer waiting though nothing could be sent. */
	bool sent = r->ask >= 0 && (send_all(r->ask, line.data, line.len) || errno == EPIPE);
	ns_buf_clear(&line);
	cJSON *answer = NULL;
	if (sent && read_line(r->ask, &r->in, &line)) {
		answer = ns_json_parse(line.data, line.len, &limits, err);
	} else {
		/* What comes late would be taken for the answer to the next question: nothing is asked here any more. */
		if (r->ask >= 0)
			close(r->ask);
		r->ask = -1;
		gone(err);
	}
	ns_buf_free(&line);
	clean(answer);
	if (!answer || ns_json_bool_or(answer, "ok", false))
		return answer;
	ns_code code = NS_E_FAILED;
	for (int i = 0; i < NS_CODE_COUNT; i++)
		if (strcmp(ns_code_lookup((ns_code)i)->name, ns_json_str(answer, "code", "")) == 0)
			code = (ns_code)i;
	ns_fail(err, code, "%s", ns_json_str(answer, "error", "the engine refused"));
	cJSON_Delete(answer);
	return NULL;
}

static cJSON *command(const char *name)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "cmd", name);
	return o;
}

static void hang_up(remote *r)
{
	if (r->ask >= 0)
		close(r->ask);
	if (r->watch >= 0)
		close(r->watch);
	r->ask = r->watch = -1;
	ns_buf_clear(&r->in);
}

/* Both connections or none: a lost engine's stay as they are. */
static bool join(remote *r, ns_err *err)
{
	static const char subscribe[] = "{\"cmd\":\"subscribe\"}\n";
	int asks = dial(r->path, err), watches = asks >= 0 ? dial(r->path, err) : -1;
	if (watches >= 0 && (send_all(watches, subscribe, sizeof subscribe - 1) || gone(err))) {
		hang_up(r);
		r->ask = asks;
		r->watch = watches;
		return true;
	}
	if (asks >= 0)
		close(asks);
	if (watches >= 0)
		close(watches);
	return false;
}

/* The one question that may be put to an engine which took the place of a lost one: nothing is decided there before its picture was seen. */
static ns_snapshot *remote_snapshot(void *ctx, ns_err *err)
{
	remote *r = ctx;
	if (r->ask < 0 && !join(r, err))
		return NULL;
	cJSON *a = ask(ctx, command("snapshot"), err);
	ns_snapshot *s = a ? ns_snapshot_from_json(ns_json_get(a, "snapshot"), err) : NULL;
	cJSON_Delete(a);
	return s;
}

static ns_detail *remote_detail(void *ctx, int64_t incident, ns_err *err)
{
	cJSON *q = command("detail");
	ns_json_put_int(q, "id", incident);
	cJSON *a = ask(ctx, q, err);
	ns_detail *d = a ? ns_detail_from_json(ns_json_get(a, "detail"), err) : NULL;
	cJSON_Delete(a);
	return d;
}

static bool remote_decide(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	cJSON *q = command("decide");
	ns_json_put_int(q, "approval", req->approval);
	ns_json_put_bool(q, "approve", req->approve);
	if (req->digest)
		ns_json_put_str(q, "digest", req->digest);
	ns_json_put_str(q, "reason", req->reason ? req->reason : "");
	ns_json_put_str(q, "surface", req->surface);
	cJSON *a = ask(ctx, q, err);
	if (!a)
		return false;
	ns_copy(said, cap, ns_json_str(a, "said", ""));
	cJSON_Delete(a);
	return true;
}

static bool remote_undo(void *ctx, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	cJSON *q = command("undo");
	ns_json_put_int(q, "incident", req->incident);
	if (req->digest)
		ns_json_put_str(q, "digest", req->digest);
	ns_json_put_str(q, "reason", req->reason ? req->reason : "");
	ns_json_put_str(q, "surface", req->surface);
	cJSON *a = ask(ctx, q, err);
	if (!a)
		return false;
	ns_copy(said, cap, ns_json_str(a, "said", ""));
	cJSON_Delete(a);
	return true;
}

static ns_role remote_role(void *ctx)
{
	cJSON *a = ask(ctx, command("role"), NULL);
	int64_t role = ns_json_int_or(a, "role", NS_ROLE_NONE);
	cJSON_Delete(a);
	return role >= NS_ROLE_NONE && role <= NS_ROLE_ADMIN ? (ns_role)role : NS_ROLE_NONE;
}

static int remote_wake_fd(void *ctx)
{
	return ((remote *)ctx)->watch;
}

static void remote_wake_clear(void *ctx)
{
	char buf[4096];
	while (recv(((remote *)ctx)->watch, buf, sizeof buf, MSG_DONTWAIT) > 0)
		continue;
}

static void remote_close(void *ctx)
{
	remote *r = ctx;
	hang_up(r);
	ns_buf_free(&r->in);
	free(r->path);
	free(r);
}

bool ns_door_connect(const char *state_dir, ns_door *out, ns_err *err)
{
	remote *r = ns_xcalloc(1, sizeof *r);
	r->path = ns_path_join(state_dir, "control.sock");
	r->ask = r->watch = -1;
	if (!join(r, err)) {
		remote_close(r);
		return false;
	}
	*out = (ns_door){.snapshot = remote_snapshot, .wake_fd = remote_wake_fd, .wake_clear = remote_wake_clear, .decide = remote_decide, .undo = remote_undo,
	    .detail = remote_detail, .role = remote_role, .close = remote_close, .ctx = r};
	return true;
}
