/* The console on a pseudo terminal: what it writes, how it leaves. The engine behind it is made up; the clock stands still. */
#include "fixture.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/tui/tui.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

/* ---- the engine that is not there ---- */

static bool decided;
static ns_wake *changed;
static const char *clock_named = "";

static ns_snapshot *fake_snapshot(void *ctx, ns_err *err)
{
	ns_snapshot *s = snap_typical(decided ? 2 : 1);
	s->clock = clock_named;
	if (decided) {
		s->approvals++;
		s->n_approvals--;
		s->incidents[0].state = NS_ST_EXECUTING;
	}
	return s;
}

static int fake_wake_fd(void *ctx)
{
	return ns_wake_fd(changed);
}

static void fake_wake_clear(void *ctx)
{
	ns_wake_clear(changed);
}

static bool fake_decide(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	if (strcmp(req->digest, DIGEST_A) != 0 || req->approval != 3)
		return ns_fail(err, NS_E_CONFLICT, "not what is asked");
	snprintf(said, cap, "approved, says the engine");
	decided = true;
	ns_wake_ring(changed);
	return true;
}

static ns_detail *fake_detail(void *ctx, int64_t id, ns_err *err)
{
	return detail_typical();
}

static bool fake_undo(void *ctx, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	return ns_fail(err, NS_E_NOTFOUND, "nothing can be taken back");
}

static ns_role fake_role(void *ctx)
{
	return NS_ROLE_ADMIN;
}

static bool slow_open(void *ctx, ns_door *out, ns_err *err)
{
	struct pollfd none = {.fd = -1};
	poll(&none, 1, 300);
	if (ctx)
		return ns_fail(err, NS_E_LOCKED, "another engine is there");
	*out = (ns_door){fake_snapshot, fake_wake_fd, fake_wake_clear, fake_decide, fake_undo, fake_detail, fake_role, NULL, NULL};
	return true;
}

/* How the console comes to its door. */
typedef enum how { GIVEN, OPENS, CANNOT } how;

static ns_cancel *leave;
static void on_term(int sig)
{
	ns_cancel_fire(leave);
}

/* The child's whole life. Exit 0: left in order, 3: refused. */
static void child(how h)
{
	ns_theme theme;
	ns_err err = {0};
	setlocale(LC_CTYPE, "C.UTF-8");
	changed = ns_wake_new();
	leave = ns_cancel_new();
	signal(SIGTERM, on_term);
	signal(SIGHUP, SIG_IGN);
	ns_theme_load(NULL, &theme, NULL);
	ns_door door = {fake_snapshot, fake_wake_fd, fake_wake_clear, fake_decide, fake_undo, fake_detail, fake_role, NULL, NULL};
	ns_tui_opts o = {
	    .door = &door, .theme = &theme, .no_color = false, .cancel = leave, .clock = ns_clock_manual(T0, 1000), .user = "mira"};
	if (h != GIVEN) {
		o.door = NULL;
		o.open = slow_open;
		o.open_ctx = h == CANNOT ? &o : NULL;
	}
	bool ok = ns_tui_run(&o, &err);
	_exit(ok ? 0 : err.code == NS_E_LOCKED ? 4 : 3);
}

/* ---- the person in front of it ---- */

typedef struct screen {
	pid_t pid;
	int fd;
	struct termios before;
	ns_buf out; /* all that was written since the last look */
} screen;

static void start_how(screen *s, int cols, int rows, const char *term, how h)
{
	struct winsize w = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	int slave;
	*s = (screen){0};
	assert_int_equal(openpty(&s->fd, &slave, NULL, NULL, &w), 0);
	tcgetattr(slave, &s->before);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		login_tty(slave);
		close(s->fd);
		setenv("TERM", term, 1);
		unsetenv("NO_COLOR");
		unsetenv("COLUMNS");
		unsetenv("LINES");
		child(h);
	}
	close(slave);
}

static void start(screen *s, int cols, int rows, const char *term)
{
	start_how(s, cols, rows, term, GIVEN);
}

static bool read_some(screen *s, int ms)
{
	char chunk[8192];
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	if (poll(&p, 1, ms) <= 0)
		return false;
	ssize_t n = read(s->fd, chunk, sizeof chunk);
	if (n <= 0)
		return false;
	ns_buf_put(&s->out, chunk, (size_t)n);
	return true;
}

/* Until that was written, at most five seconds. */
static void wait_for(screen *s, const char *text)
{
	while (!memmem(s->out.data ? s->out.data : "", s->out.len, text, strlen(text)))
		if (!read_some(s, 5000))
			fail_msg("\"%s\" never came; what came is %zu bytes", text, s->out.len);
}

static size_t settle(screen *s)
{
	while (read_some(s, 150))
		;
	return s->out.len;
}

static void type(screen *s, const char *keys)
{
	ns_buf_clear(&s->out);
	assert_int_equal(write(s->fd, keys, strlen(keys)), strlen(keys));
}

static int ended(screen *s)
{
	int status = -1;
	while (read_some(s, 5000))
		;
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void drop(screen *s)
{
	close(s->fd);
	ns_buf_free(&s->out);
}

static void is_restored(const screen *s)
{
	struct termios now;
	assert_non_null(memmem(s->out.data, s->out.len, "\033[?2004l", 8));
	assert_non_null(memmem(s->out.data, s->out.len, "\033[?1049l", 8));
	assert_non_null(memmem(s->out.data, s->out.len, "\033[?25h", 6));
	if (tcgetattr(s->fd, &now) == 0)
		assert_int_equal(now.c_lflag, s->before.c_lflag);
}

/* ---- */

/* I7: what a frame and a movement may cost on the wire. */
static void frames_are_small(void **state)
{
	static const struct {
		int cols, rows;
		size_t first, key;
	} rows[] = {{80, 24, 4096, 400}, {160, 48, 10240, 400}, {46, 19, 2048, 300}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		screen s;
		start(&s, rows[i].cols, rows[i].rows, "xterm-256color");
		wait_for(&s, "CrashLoopBackOff");
		assert_in_range(settle(&s), 500, rows[i].first);
		for (int k = 0; k < 4; k++) {
			type(&s, k < 2 ? "j" : "k");
			assert_in_range(settle(&s), 1, rows[i].key);
		}
		type(&s, "q");
		assert_int_equal(ended(&s), 0);
		is_restored(&s);
		drop(&s);
	}
}

/* Nothing that a terminal would answer: the answer would be typed. */
static void never_asks_the_terminal(void **state)
{
	static const char *const queries[] = {
	    "\033[c", "\033[0c", "\033[>", "\033[6n", "\033[5n", "\033]", "\033P", "\033[?u", "\033[?12$p", "\005"};
	screen s;
	start(&s, 120, 40, "xterm-256color");
	wait_for(&s, "CrashLoopBackOff");
	ns_buf all = NS_BUF_INIT;
	static const char *const keys[] = {"j", "2", "\r", "q", "a", " ", "q", "?", "q", "m", "q", "\f", "z", "q"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		ns_buf_put(&all, s.out.data ? s.out.data : "", s.out.len);
		type(&s, keys[i]);
		settle(&s);
	}
	assert_int_equal(ended(&s), 0);
	ns_buf_put(&all, s.out.data, s.out.len);
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		if (memmem(all.data, all.len, queries[i], strlen(queries[i])))
			fail_msg("it asks the terminal: query %zu", i);
	ns_buf_free(&all);
	drop(&s);
}

static void approve_by_key(void **state)
{
	screen s;
	start(&s, 80, 24, "xterm-256color");
	wait_for(&s, "CrashLoopBackOff");
	type(&s, "ay"); /* in one piece: y came before the sheet was seen */
	settle(&s);
	type(&s, "\f"); /* whole frames: of a difference only what differs is written */
	wait_for(&s, "any other key");
	struct pollfd none = {.fd = -1};
	poll(&none, 1, 600);
	type(&s, "y");
	settle(&s);
	type(&s, "\f");
	wait_for(&s, "approved, says the engine");
	type(&s, " ");
	wait_for(&s, "executing");
	type(&s, "q");
	assert_int_equal(ended(&s), 0);
	drop(&s);
}

/* The console was given another clock than the engine of the picture runs on: an hour later there. */
static void counts_by_the_engines_clock(void **state)
{
	screen s;
	char spec[96];
	snprintf(spec, sizeof spec, "1:%lld:%lld", (long long)ns_real_mono_ms(), (long long)T0 + 3600000);
	clock_named = spec;
	start(&s, 80, 24, "xterm-256color");
	clock_named = "";
	wait_for(&s, "CrashLoopBackOff");
	type(&s, "3");
	wait_for(&s, "expired");
	type(&s, "q");
	assert_int_equal(ended(&s), 0);
	drop(&s);
}

static void leaves_when_told(void **state)
{
	screen s;
	start(&s, 80, 24, "screen-256color");
	wait_for(&s, "CrashLoopBackOff");
	kill(s.pid, SIGTERM);
	assert_int_equal(ended(&s), 0);
	is_restored(&s);
	drop(&s);
}

static void leaves_when_the_terminal_goes(void **state)
{
	screen s;
	start(&s, 80, 24, "xterm");
	wait_for(&s, "CrashLoopBackOff");
	int status;
	close(s.fd);
	assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
	assert_true(WIFEXITED(status));
	ns_buf_free(&s.out);
}

static void gives_the_terminal_back_when_it_dies(void **state)
{
	screen s;
	start(&s, 80, 24, "xterm");
	wait_for(&s, "CrashLoopBackOff");
	kill(s.pid, SIGSEGV);
	assert_int_equal(ended(&s), 128 + SIGSEGV);
	is_restored(&s);
	drop(&s);
}

static void follows_the_size(void **state)
{
	screen s;
	struct winsize w = {.ws_row = 48, .ws_col = 160};
	start(&s, 80, 24, "xterm-256color");
	wait_for(&s, "CrashLoopBackOff");
	ns_buf_clear(&s.out);
	ioctl(s.fd, TIOCSWINSZ, &w);
	wait_for(&s, "OpenCost report");
	w = (struct winsize){.ws_row = 1, .ws_col = 1};
	ioctl(s.fd, TIOCSWINSZ, &w);
	settle(&s);
	type(&s, "q");
	assert_int_equal(ended(&s), 0);
	drop(&s);
}

/* A reader that stopped: frames are left out, nothing waits, and it can still be told to go. */
static void a_stuck_reader_holds_nothing_up(void **state)
{
	screen s;
	start(&s, 300, 100, "xterm-256color");
	wait_for(&s, "CrashLoopBackOff");
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(s.fd, i % 2 ? "\t" : "?q", i % 2 ? 1 : 2), i % 2 ? 1 : 2);
	struct pollfd none = {.fd = -1};
	poll(&none, 1, 300);
	type(&s, "\003");
	poll(&none, 1, 50);
	assert_int_equal(write(s.fd, "\003", 1), 1);
	assert_int_equal(ended(&s), 0);
	drop(&s);
}

/* An engine that takes its time to start, or does not start at all: the person sees a screen before, and the reason after. */
static void paints_before_there_is_an_engine(void **state)
{
	screen s;
	start_how(&s, 80, 24, "xterm", OPENS);
	wait_for(&s, "Waiting for the engine.");
	assert_null(memmem(s.out.data, s.out.len, "CrashLoop", 9));
	type(&s, "ax?qj"); /* keys are heard meanwhile, and nothing is there to act on */
	wait_for(&s, "CrashLoopBackOff");
	type(&s, "q");
	assert_int_equal(ended(&s), 0);
	drop(&s);
	start_how(&s, 80, 24, "xterm", CANNOT);
	wait_for(&s, "Waiting for the engine.");
	assert_int_equal(ended(&s), 4);
	is_restored(&s);
	drop(&s);
}

static void refuses_what_cannot_place_a_cursor(void **state)
{
	static const char *const terms[] = {"", "dumb", "no-such-terminal"};
	for (size_t i = 0; i < 3; i++) {
		screen s;
		start(&s, 80, 24, terms[i]);
		assert_int_equal(ended(&s), 3);
		drop(&s);
	}
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_are_small),
	    cmocka_unit_test(never_asks_the_terminal),
	    cmocka_unit_test(approve_by_key),
	    cmocka_unit_test(counts_by_the_engines_clock),
	    cmocka_unit_test(leaves_when_told),
	    cmocka_unit_test(leaves_when_the_terminal_goes),
	    cmocka_unit_test(gives_the_terminal_back_when_it_dies),
	    cmocka_unit_test(follows_the_size),
	    cmocka_unit_test(a_stuck_reader_holds_nothing_up),
	    cmocka_unit_test(paints_before_there_is_an_engine),
	    cmocka_unit_test(refuses_what_cannot_place_a_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
