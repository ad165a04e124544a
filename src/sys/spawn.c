/* One child from start to reap, in the calling thread.
 *
 * A single poll() waits for everything that may happen: stdin can take more, stdout or stderr has bytes, the child ended (pidfd), the
 * deadline or the cancel object struck. The end of the child, not the end of its pipes, ends the wait: a grandchild may hold the pipes
 * open for ever. stdin is a pipe and not a socket, because kubectl opens /dev/stdin by name, which a socket refuses. */
#include "neuroscale/sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	GRACE_MS = 2000,   /* between SIGTERM and SIGKILL */
	LEFTOVER_MS = 200, /* for bytes still on their way when the child has ended */
	NO_PIDFD_SLICE_MS = 20,
	FIRST_FD = 10,    /* our ends live above every number that the child uses */
	INHERITED_FD = 3, /* where the child finds the inherited descriptor */
};

typedef struct stream {
	int fd; /* -1 once at its end */
	ns_buf *buf;
} stream;

typedef struct child {
	const ns_spawn_req *req;
	ns_spawn_res *res;
	pid_t pid;
	int pidfd; /* -1 where the kernel has none */
	int in_fd; /* -1 when there is nothing (more) to write */
	size_t in_done;
	stream out, err;
	int64_t deadline_ms; /* of the next step */
	bool term_sent, kill_sent;
} child;

/* ---- descriptors ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Moves a descriptor above FIRST_FD, so that the child's dup2 of one end never lands on another. */
static bool raise_fd(int *fd)
{
	if (*fd < 0 || *fd >= FIRST_FD)
		return *fd >= 0;
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FD);
	close(*fd);
	*fd = high;
	return high >= 0;
}

static bool make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0) {
		ends[0] = ends[1] = -1;
		return false;
	}
	bool low = raise_fd(&ends[0]);
	return raise_fd(&ends[1]) && low;
}

typedef struct plumbing {
	int in[2], out[2], err[2], inherit;
} plumbing;

static void plumbing_close(plumbing *p)
{
	int *all[] = {&p->in[0], &p->in[1], &p->out[0], &p->out[1], &p->err[0], &p->err[1], &p->inherit};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		close_fd(all[i]);
}

static bool plumbing_open(plumbing *p, const ns_spawn_req *req, ns_err *err)
{
	*p = (plumbing){{-1, -1}, {-1, -1}, {-1, -1}, -1};
	bool ok = make_pipe(p->out) && make_pipe(p->err);
	if (ok && req->stdin_data) {
		ok = make_pipe(p->in);
	} else if (ok) {
		p->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ok = raise_fd(&p->in[0]);
	}
	if (ok && req->inherit_fd >= 0) {
		p->inherit = fcntl(req->inherit_fd, F_DUPFD_CLOEXEC, FIRST_FD);
		ok = p->inherit >= 0;
	}
	if (ok)
		return true;
	ns_fail_errno(err, NS_E_IO, "prepare pipes for %s", req->path);
	plumbing_close(p);
	return false;
}

/* ---- start ---- */

static int launch(const ns_spawn_req *req, const plumbing *p, pid_t *pid)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_adddup2(&acts, p->in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&acts, p->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&acts, p->err[1], STDERR_FILENO);
	if (p->inherit >= 0)
		posix_spawn_file_actions_adddup2(&acts, p->inherit, INHERITED_FD);
	posix_spawn_file_actions_addclosefrom_np(&acts, p->inherit >= 0 ? INHERITED_FD + 1 : INHERITED_FD);

	/* posix_spawn wants char *const[] and promises not to write. */
	union {
		const char *const *ro;
		char *const *rw;
	} argv = {.ro = req->argv}, envp = {.ro = req->envp};
	int rc = posix_spawn(pid, req->path, &acts, &attr, argv.rw, envp.rw);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return rc;
}

static bool start(child *c, ns_err *err)
{
	plumbing p;
	if (!plumbing_open(&p, c->req, err))
		return false;
	int rc = launch(c->req, &p, &c->pid);
	if (rc) {
		plumbing_close(&p);
		return ns_err_set(err, rc == ENOENT ? NS_E_NOTFOUND : NS_E_IO, rc, __FILE__, __LINE__, "start %s", c->req->path);
	}
	c->in_fd = p.in[1];
	c->out = (stream){p.out[0], &c->res->out};
	c->err = (stream){p.err[0], &c->res->err_out};
	p.in[1] = p.out[0] = p.err[0] = -1;
	plumbing_close(&p); /* the child's ends: while we hold them no end of file would ever come */
	int ours[] = {c->in_fd, c->out.fd, c->err.fd};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (ours[i] >= 0)
			fcntl(ours[i], F_SETFL, O_NONBLOCK);
	c->pidfd = pidfd_open(c->pid, 0);
	return true;
}

/* ---- pipes ---- */

/* One read per turn: a babbling child must not keep us from its deadline. */
static void drain(child *c, stream *s)
{
	char piece[32 * 1024];
	if (s->fd < 0)
		return;
	ssize_t n = read(s->fd, piece, sizeof piece);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_fd(&s->fd);
		return;
	}
	size_t room = c->req->max_output - s->buf->len;
	if ((size_t)n > room)
		c->res->truncated = true;
	ns_buf_put(s->buf, piece, (size_t)n < room ? (size_t)n : room);
}

static void feed(child *c)
{
	while (c->in_fd >= 0 && c->in_done < c->req->stdin_len) {
		ssize_t n = write(c->in_fd, c->req->stdin_data + c->in_done, c->req->stdin_len - c->in_done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* EPIPE: the child does not want the rest */
		c->in_done += (size_t)n;
	}
	close_fd(&c->in_fd);
}

/* ---- wait ---- */

static bool ended(const child *c)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == c->pid;
}

/* The deadline's next step: SIGTERM, then SIGKILL, then nothing but waiting for the kernel. */
static void escalate(child *c)
{
	kill(-c->pid, c->term_sent ? SIGKILL : SIGTERM);
	c->kill_sent = c->term_sent;
	c->term_sent = true;
	c->deadline_ms = ns_real_mono_ms() + GRACE_MS;
}

static int wait_ms(const child *c)
{
	int ms = c->kill_sent ? -1 : ns_clock_poll_ms(ns_clock_real(), c->deadline_ms);
	if (c->pidfd < 0 && (ms < 0 || ms > NO_PIDFD_SLICE_MS))
		ms = NO_PIDFD_SLICE_MS;
	return ms;
}

static void supervise(child *c)
{
	while (!ended(c)) {
		if (!c->term_sent && ns_cancel_fired(c->req->cancel)) {
			c->res->cancelled = true;
			escalate(c);
		} else if (!c->kill_sent && ns_real_mono_ms() >= c->deadline_ms) {
			c->res->timed_out = c->res->timed_out || !c->term_sent;
			escalate(c);
		}
		struct pollfd p[] = {
		    {.fd = c->out.fd, .events = POLLIN},
		    {.fd = c->err.fd, .events = POLLIN},
		    {.fd = c->in_fd, .events = POLLOUT},
		    {.fd = c->pidfd, .events = POLLIN},
		    {.fd = c->term_sent ? -1 : ns_cancel_fd(c->req->cancel), .events = POLLIN},
		};
		if (poll(p, sizeof p / sizeof *p, wait_ms(c)) <= 0)
			continue;
		if (p[0].revents)
			drain(c, &c->out);
		if (p[1].revents)
			drain(c, &c->err);
		if (p[2].revents)
			feed(c);
	}
}

/* The child has ended; nothing of its group outlives it, and what it wrote is still in the pipes. */
static void collect(child *c)
{
	kill(-c->pid, SIGKILL); /* not reaped yet, so the number is still ours */
	int64_t until = ns_real_mono_ms() + LEFTOVER_MS;
	while (c->out.fd >= 0 || c->err.fd >= 0) {
		int ms = ns_clock_poll_ms(ns_clock_real(), until);
		struct pollfd p[] = {{.fd = c->out.fd, .events = POLLIN}, {.fd = c->err.fd, .events = POLLIN}};
		if (ms == 0 || (poll(p, 2, ms) < 0 && errno != EINTR))
			break;
		drain(c, &c->out);
		drain(c, &c->err);
	}
	close_fd(&c->in_fd);
	close_fd(&c->out.fd);
	close_fd(&c->err.fd);
	close_fd(&c->pidfd);
}

static void reap(child *c)
{
	siginfo_t info = {0};
	while (waitid(P_PID, (id_t)c->pid, &info, WEXITED) != 0 && errno == EINTR)
		;
	bool exited = info.si_code == CLD_EXITED;
	c->res->exit_code = exited ? info.si_status : -1;
	c->res->term_signal = exited ? 0 : info.si_status;
}

/* ---- SIGPIPE ---- */

/* write(2) to a pipe has no MSG_NOSIGNAL: the signal is blocked in this thread and, if we caused one, taken back. */
typedef struct pipe_guard {
	sigset_t before;
	bool was_pending;
} pipe_guard;

static void pipe_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGPIPE);
}

static void guard_pipe(pipe_guard *g)
{
	sigset_t set, pending;
	sigpending(&pending);
	g->was_pending = sigismember(&pending, SIGPIPE) == 1;
	pipe_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, &g->before);
}

static void unguard_pipe(const pipe_guard *g)
{
	const struct timespec now = {0};
	sigset_t set;
	pipe_set(&set);
	while (!g->was_pending && sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &g->before, NULL);
}

/* ---- the port ---- */

static bool run(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err)
{
	*res = (ns_spawn_res){.exit_code = -1, .out = NS_BUF_INIT, .err_out = NS_BUF_INIT};
	if (!req->path || *req->path != '/' || !req->argv || !req->argv[0] || !req->envp || req->deadline_ms <= 0)
		return ns_fail(err, NS_E_USAGE, "a child needs an absolute path, arguments, an environment and a deadline");
	if (ns_cancel_fired(req->cancel))
		return ns_fail(err, NS_E_CANCELLED, "cancelled before %s was started", req->path);

	int64_t began = ns_real_mono_ms();
	child c = {.req = req, .res = res, .pidfd = -1, .deadline_ms = began + req->deadline_ms};
	if (!start(&c, err))
		return false;
	res->started = true;
	if (req->on_started)
		req->on_started(req->on_started_ctx, c.pid);
	pipe_guard guard;
	guard_pipe(&guard);
	supervise(&c);
	collect(&c);
	unguard_pipe(&guard);
	reap(&c);
	res->elapsed_ms = (long)(ns_real_mono_ms() - began);
	return true;
}

const ns_spawner ns_spawner_real = {.run = run, .ctx = NULL};

void ns_spawn_res_free(ns_spawn_res *res)
{
	ns_buf_free(&res->out);
	ns_buf_free(&res->err_out);
}

static bool is_program(const char *path)
{
	struct stat st;
	return *path == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *ns_find_program(const char *name, const char *path)
{
	if (!*name)
		return NULL;
	if (strchr(name, '/'))
		return is_program(name) ? ns_xstrdup(name) : NULL;
	for (const char *p = path ? path : ""; *p;) {
		size_t n = strcspn(p, ":");
		char *full = ns_xasprintf("%.*s/%s", (int)n, p, name);
		if (n && is_program(full)) /* a relative entry never matches: where we stand must not decide what runs */
			return full;
		free(full);
		p += n + (p[n] == ':');
	}
	return NULL;
}
