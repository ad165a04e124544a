/* The control socket's server: one thread, non-blocking, a line in, a line out. The peer's uid is what the kernel says (SO_PEERCRED). */
#include "neuroscale/engine/control.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"

enum { MAX_CLIENTS = 32, MAX_REQUEST = 64 * 1024, MAX_PENDING = 8 * 1024 * 1024 };

typedef struct client {
	int fd; /* -1: free */
	uid_t uid;
	char login[NS_LOGIN]; /* whoever logged in, "" not known */
	ns_caller caller;
	ns_role role;
	bool subscribed;
	int64_t heard; /* the change it was told of last */
	ns_buf in, out;
} client;

struct ns_control {
	ns_control_backend b;
	char *path, *approvers; /* approvers: a Unix group, NULL none */
	int fd;
	ns_wake *wake;
	_Atomic int64_t changes; /* grows with each picture */
	client clients[MAX_CLIENTS];
};

static bool make_address(const char *path, struct sockaddr_un *a, ns_err *err)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	if (!ns_copy(a->sun_path, sizeof a->sun_path, path))
		return ns_fail(err, NS_E_TOOBIG, "%s: longer than a socket's name may be (%zu bytes): choose a shorter --state-dir", path, sizeof a->sun_path - 1);
	return true;
}

ns_control *ns_control_new(const char *state_dir, const ns_control_backend *b, ns_err *err)
{
	ns_control *c = ns_xcalloc(1, sizeof *c);
	struct sockaddr_un a;
	c->b = *b;
	c->path = ns_path_join(state_dir, "control.sock");
	c->wake = ns_wake_new();
	c->fd = -1;
	for (int i = 0; i < MAX_CLIENTS; i++)
		c->clients[i].fd = -1;
	if (make_address(c->path, &a, err)) {
		unlink(c->path); /* stale: we hold the engine's lock */
		c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		mode_t old = umask(0177);
		bool ok = c->fd >= 0 && bind(c->fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(c->fd, MAX_CLIENTS) == 0;
		int saved = errno;
		umask(old);
		errno = saved;
		if (ok)
			return c;
		ns_fail_errno(err, NS_E_IO, "control socket %s", c->path);
	}
	ns_control_free(c);
	return NULL;
}

static void drop(client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	ns_buf_free(&c->in);
	ns_buf_free(&c->out);
	memset(c, 0, sizeof *c);
	c->fd = -1;
}

void ns_control_free(ns_control *c)
{
	if (!c)
		return;
	for (int i = 0; i < MAX_CLIENTS; i++)
		drop(&c->clients[i]);
	if (c->fd >= 0) {
		close(c->fd);
		unlink(c->path);
	}
	ns_wake_free(c->wake);
	free(c->approvers);
	free(c->path);
	free(c);
}

bool ns_control_admit(ns_control *c, const char *group, ns_err *err)
{
	gid_t gid;
	if (!ns_group_id(group, &gid))
		return ns_fail(err, NS_E_NOTFOUND, "there is no group \"%.60s\" on this host: make it (groupadd), or leave --approvers out", group);
	char *dir = ns_xstrdup(c->path), *slash = strrchr(dir, '/');
	*slash = '\0';
	bool ok = chown(c->path, (uid_t)-1, gid) == 0 && chmod(c->path, 0660) == 0 && chown(dir, (uid_t)-1, gid) == 0 && chmod(dir, 0710) == 0;
	if (ok)
		c->approvers = ns_xstrdup(group);
	else
		ns_fail_errno(err, NS_E_DENIED, "%s cannot be given to the group %.60s: whoever runs the engine must be one of its members", dir, group);
	free(dir);
	return ok;
}

void ns_control_changed(ns_control *c)
{
	atomic_fetch_add(&c->changes, 1);
	ns_wake_ring(c->wake);
}

/* ---- commands: one row each ---- */

static bool cmd_snapshot(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	ns_snapshot *p = s->b.snapshot(s->b.ctx);
	if (!p)
		return ns_fail(err, NS_E_BUSY, "the engine has no picture yet");
	cJSON_AddItemToObject(answer, "snapshot", ns_snapshot_to_json(p));
	ns_snapshot_unref(p);
	return true;
}

static bool cmd_detail(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	int64_t id;
	if (!ns_json_int(req, "id", &id))
		return ns_fail(err, NS_E_USAGE, "\"id\" must be a number");
	ns_detail *d = s->b.detail(s->b.ctx, id, err);
	if (!d)
		return false;
	cJSON_AddItemToObject(answer, "detail", ns_detail_to_json(d));
	ns_detail_free(d);
	return true;
}

static bool cmd_decide(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	ns_decide_req r = {.digest = ns_json_str(req, "digest", NULL), .reason = ns_json_str(req, "reason", ""), .surface = "cli"};
	const cJSON *approve = ns_json_get(req, "approve");
	char said[256] = "";
	if (!ns_json_int(req, "approval", &r.approval) || !cJSON_IsBool(approve))
		return ns_fail(err, NS_E_USAGE, "\"approval\" must be a number and \"approve\" true or false");
	if (strcmp(ns_json_str(req, "surface", "cli"), "console") == 0)
		r.surface = "console"; /* a word of a closed set, never free text */
	r.approve = cJSON_IsTrue(approve);
	r.person = *c->login ? c->login : NULL;
	r.caller = &c->caller;
	if (!s->b.decide(s->b.ctx, c->uid, c->role, &r, said, sizeof said, err))
		return false;
	ns_json_put_str(answer, "said", said);
	return true;
}

static bool cmd_undo(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	bool console = strcmp(ns_json_str(req, "surface", "cli"), "console") == 0;
	ns_undo_req r = {.digest = ns_json_str(req, "digest", NULL), .reason = ns_json_str(req, "reason", ""), .surface = console ? "console" : "cli"};
	char said[256] = "";
	r.person = *c->login ? c->login : NULL;
	r.caller = &c->caller;
	if (!ns_json_int(req, "incident", &r.incident))
		return ns_fail(err, NS_E_USAGE, "\"incident\" must be a number");
	if (!s->b.undo(s->b.ctx, c->uid, c->role, &r, said, sizeof said, err))
		return false;
	ns_json_put_str(answer, "said", said);
	return true;
}

static bool cmd_role(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	ns_json_put_int(answer, "role", c->role);
	return true;
}

static bool cmd_subscribe(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	c->subscribed = true;
	c->heard = atomic_load(&s->changes);
	return true;
}

static const struct {
	const char *name;
	ns_role least;
	bool (*run)(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err);
} commands[] = {
    {"snapshot", NS_ROLE_VIEWER, cmd_snapshot},
    {"detail", NS_ROLE_VIEWER, cmd_detail},
    {"decide", NS_ROLE_APPROVER, cmd_decide},
    {"undo", NS_ROLE_APPROVER, cmd_undo},
    {"role", NS_ROLE_NONE, cmd_role},
    {"subscribe", NS_ROLE_VIEWER, cmd_subscribe},
};

static bool run_command(ns_control *s, client *c, const cJSON *req, cJSON *answer, ns_err *err)
{
	const char *name = ns_json_str(req, "cmd", "");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (c->role < commands[i].least)
			return ns_fail(err, NS_E_DENIED, "uid %u may not: only the user that runs the engine may, and whom --approvers names", (unsigned)c->uid);
		return commands[i].run(s, c, req, answer, err);
	}
	return ns_fail(err, NS_E_USAGE, "there is no such command");
}

static void answer_line(ns_control *s, client *c, const char *line, size_t n)
{
	ns_err err = {0};
	cJSON *answer = cJSON_CreateObject(), *req = ns_json_parse(line, n, &ns_json_strict, &err);
	cJSON_AddBoolToObject(answer, "ok", true);
	if (!req || !run_command(s, c, req, answer, &err)) {
		cJSON_Delete(answer);
		answer = cJSON_CreateObject();
		ns_json_put_bool(answer, "ok", false);
		ns_json_put_str(answer, "code", ns_code_lookup(err.code)->name);
		ns_json_put_str(answer, "error", err.text);
	}
	ns_json_write(answer, &c->out);
	ns_buf_putc(&c->out, '\n');
	cJSON_Delete(req);
	cJSON_Delete(answer);
}

/* ---- bytes ---- */

static bool read_client(ns_control *s, client *c)
{
	char buf[8192];
	ssize_t n = read(c->fd, buf, sizeof buf);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	ns_buf_put(&c->in, buf, (size_t)n);
	char *nl;
	while (c->in.len && c->out.len <= MAX_PENDING && (nl = memchr(c->in.data, '\n', c->in.len))) {
		size_t len = (size_t)(nl - c->in.data);
		answer_line(s, c, c->in.data, len);
		ns_buf_drop(&c->in, len + 1);
	}
	return c->in.len <= MAX_REQUEST;
}

static bool write_client(client *c)
{
	if (!c->out.len)
		return true;
	ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	ns_buf_drop(&c->out, (size_t)n);
	return c->out.len <= MAX_PENDING; /* a slow reader is dropped, never waited for */
}

static void accept_client(ns_control *s, const ns_cancel *cancel)
{
	static const char full[] = "{\"ok\":false,\"code\":\"busy\",\"error\":\"too many clients are attached to the engine: close one\"}\n";
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			ns_cancel_sleep(cancel, ns_clock_real(), 100); /* it stays in the queue: do not spin */
		return;
	}
	struct ucred who;
	socklen_t len = sizeof who;
	client *c = NULL;
	for (int i = 0; i < MAX_CLIENTS && !c; i++)
		c = s->clients[i].fd < 0 ? &s->clients[i] : NULL;
	if (!c)
		send(fd, full, sizeof full - 1, MSG_NOSIGNAL);
	if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->uid = who.uid;
	ns_login_of(who.pid, c->login);
	ns_caller_of(who.pid, who.uid, &c->caller);
	c->role = ns_role_of_uid(who.uid, s->approvers);
}

/* One line per burst of changes: the next one only after this one is written, and then it tells of all that came meanwhile. */
static void tell_changes(ns_control *s)
{
	int64_t now = atomic_load(&s->changes);
	for (int i = 0; i < MAX_CLIENTS; i++) {
		client *c = &s->clients[i];
		if (c->fd < 0 || !c->subscribed || c->out.len || c->heard == now)
			continue;
		ns_buf_printf(&c->out, "{\"changed\":%lld}\n", (long long)now);
		c->heard = now;
	}
}

void ns_control_run(void *control, ns_cancel *cancel)
{
	ns_control *s = control;
	struct pollfd p[MAX_CLIENTS + 3];
	while (!ns_cancel_fired(cancel)) {
		p[0] = (struct pollfd){.fd = ns_cancel_fd(cancel), .events = POLLIN};
		p[1] = (struct pollfd){.fd = ns_wake_fd(s->wake), .events = POLLIN};
		p[2] = (struct pollfd){.fd = s->fd, .events = POLLIN};
		for (int i = 0; i < MAX_CLIENTS; i++) /* poll ignores -1 */
			p[3 + i] = (struct pollfd){.fd = s->clients[i].fd, .events = (short)(POLLIN | (s->clients[i].out.len ? POLLOUT : 0))};
		if (poll(p, MAX_CLIENTS + 3, -1) < 0 && errno != EINTR)
			break;
		ns_wake_clear(s->wake);
		for (int i = 0; i < MAX_CLIENTS; i++) {
			client *c = &s->clients[i];
			bool ok = c->fd < 0 || !(p[3 + i].revents & (POLLIN | POLLHUP | POLLERR)) || read_client(s, c);
			if (c->fd >= 0 && (!ok || !write_client(c)))
				drop(c);
		}
		if (p[2].revents & POLLIN)
			accept_client(s, cancel);
		tell_changes(s);
	}
}
