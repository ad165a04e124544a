/* A full disk at every single write, a power cut in the middle of anything: a step is recorded whole or not at all, and the store goes on.
 */
#include "store/fixture.h"
#include "store/fullfs.h"
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

/* One step as the engine does it: a new incident, moved on, with `bytes` of fact, its job and its audit row. */
static bool do_step(ns_store *s, int n, size_t bytes, ns_err *err)
{
	char name[32];
	int64_t id = 0;
	bool is_new;
	snprintf(name, sizeof name, "w%d", n);
	ns_alert a = alert_of(name);
	char *text = malloc(bytes + 1);
	memset(text, 'x', bytes);
	text[bytes] = 0;
	cJSON *doc = cJSON_CreateObject();
	ns_json_put_str(doc, "log", text);
	bool ok = ns_store_begin(s, err);
	if (ok) {
		ok = ns_store_incident_open(s, &a, &id, &is_new, err) &&
		     ns_store_transition(s, id, NS_ST_DETECTED, 1, NS_ST_ANALYZING, NS_VERDICT_NONE, name, err) &&
		     ns_store_fact_put(s, id, "alert", doc, err) && ns_store_job_put(s, id, "analyze", 0, err) &&
		     ns_store_audit(s, &(ns_audit_entry){.actor = "engine", .action = "detected -> analyzing", .incident = id}, NULL, NULL, err);
		if (!ok)
			ns_store_rollback(s);
		ok = ok && ns_store_commit(s, err);
	}
	cJSON_Delete(doc);
	free(text);
	return ok;
}

/* As many incidents as facts, jobs and audit rows, each whole. Returns how many. Counted by SQL: the facts may be large. */
static int64_t whole_steps(fixture *f)
{
	int64_t rows, n = raw_int(f, "SELECT count(*) FROM incidents");
	char head[NS_HEX256];
	assert_int_equal(raw_int(f, "SELECT count(*) FROM incidents i JOIN facts f ON f.incident = i.id AND f.name = 'alert'"
	                            " JOIN jobs j ON j.incident = i.id AND j.kind = 'analyze' JOIN audit a ON a.incident = i.id"
	                            " WHERE i.state = 'analyzing' AND i.version = 2 AND i.note = i.name"),
	    n);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM facts"), n);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM jobs"), n);
	OK(f, ns_store_audit_verify(f->s, NULL, &rows, head, &f->err));
	assert_int_equal(rows, n);
	return n;
}

static bool is_trouble(ns_code c)
{
	return c == NS_E_NOSPACE || c == NS_E_IO;
}

/* ---- full disk ---- */
static void torture(fixture *f, size_t bytes, long stride, int code, bool once)
{
	int64_t steps = whole_steps(f);
	bool tripped = true;
	for (long at = 0; tripped; at += stride) {
		ns_err err = {0};
		fullfs_arm(at, code, once);
		bool ok = do_step(f->s, (int)steps, bytes, &err);
		tripped = fullfs_disarm();
		if (!ok && !is_trouble(err.code))
			fail_msg("write %ld: code %d: %s", at, (int)err.code, err.text);
		if (!ok && code == SQLITE_FULL && !once && at == 0)
			assert_int_equal(err.code, NS_E_NOSPACE);
		assert_true(ok || tripped);
		steps += ok; /* a full disk may also hit the folding of the log only: the step itself stands */
		assert_int_equal(whole_steps(f), steps);
		if (!do_step(f->s, (int)steps, bytes, &err)) /* there is space again */
			fail_msg("after write %ld: %s", at, err.text);
		assert_int_equal(whole_steps(f), ++steps);
	}
	fixture_reopen(f);
	assert_int_equal(whole_steps(f), steps);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

static void a_full_disk_at_each_write_loses_nothing(void **state)
{
	torture(*state, 100, 1, SQLITE_FULL, false);
	torture(*state, 100, 1, SQLITE_FULL, true);
	torture(*state, 100, 1, SQLITE_IOERR_WRITE, false);
}

/* Larger than the page cache: the log is written in the middle of the transaction, and folded into the file after it. */
static void a_full_disk_under_a_large_step_loses_nothing(void **state)
{
	torture(*state, 5u << 20, 331, SQLITE_FULL, false);
	torture(*state, 5u << 20, 331, SQLITE_FULL, true);
}

static void each_step_is_one_sync(void **state)
{
	fixture *f = *state;
	OK(f, do_step(f->s, 0, 100, &f->err)); /* the first one also syncs the log's beginning */
	long before = fullfs.syncs;
	for (int n = 1; n <= 20; n++)
		OK(f, do_step(f->s, n, 100, &f->err));
	assert_int_equal(fullfs.syncs - before, 20);
}

static void a_caller_that_goes_on_after_a_failure_commits_nothing(void **state)
{
	fixture *f = *state;
	ns_err err = {0};
	const char *v;
	char *big = malloc(5u << 20);
	memset(big, 'x', (5u << 20) - 1);
	big[(5u << 20) - 1] = 0;
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_meta_set(f->s, "first", "1", &f->err));
	fullfs_arm(0, SQLITE_FULL, false);
	bool ok = ns_store_meta_set(f->s, "big", big, &err); /* spills, and SQLite rolls back by itself */
	fullfs_disarm();
	assert_false(ok);
	assert_int_equal(err.code, NS_E_NOSPACE);
	FAILS(f, NS_E_NOSPACE, ns_store_meta_set(f->s, "second", "2", &f->err));
	FAILS(f, NS_E_NOSPACE, ns_store_meta_get(f->s, f->ar, "first", &v, &f->err));
	FAILS(f, NS_E_NOSPACE, ns_store_commit(f->s, &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_get(f->s, f->ar, "first", &v, &f->err));
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_get(f->s, f->ar, "second", &v, &f->err));
	TX(f, ns_store_meta_set(f->s, "third", "3", &f->err));
	free(big);
}

static void a_full_disk_while_opening_leaves_it_openable(void **state)
{
	bool tripped = true;
	for (long at = 0; tripped; at++) {
		fixture g;
		fixture_dir(&g);
		fullfs_arm(at, SQLITE_FULL, false);
		g.s = ns_store_open(g.dir, g.clock, &g.err);
		tripped = fullfs_disarm();
		if (!g.s && !is_trouble(g.err.code))
			fail_msg("write %ld: code %d: %s", at, (int)g.err.code, g.err.text);
		assert_true(g.s || tripped);
		if (!g.s)
			fixture_open(&g);
		assert_true(do_step(g.s, 1, 10, &g.err));
		assert_int_equal(whole_steps(&g), 1);
		fixture_end(&g);
	}
}

/* The real thing, where we may mount: a file system of 600 KiB. */
static int on_tiny_tmpfs(fixture *f)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tiny", f->dir, "tmpfs", 0, "size=600k,mode=0700") != 0)
		return 77;
	ns_err err = {0};
	ns_store *s = ns_store_open(f->dir, f->clock, &err);
	int64_t rows = 0;
	char head[NS_HEX256], ballast[160];
	snprintf(ballast, sizeof ballast, "%s/ballast", f->dir);
	FILE *b = fopen(ballast, "w");
	for (int i = 0; b && i < 100 * 1024; i++)
		putc('x', b);
	if (!s || !b || fclose(b) != 0)
		return 1;
	int n = 0;
	while (n < 1000 && do_step(s, n, 500, &err))
		n++;
	if (n == 0 || n == 1000 || !is_trouble(err.code) || err.code != NS_E_NOSPACE)
		return 2;
	if (!ns_store_audit_verify(s, NULL, &rows, head, &err) || rows != n)
		return 3;
	unlink(ballast);
	if (!do_step(s, n++, 500, &err)) /* space again, no restart */
		return 4;
	ns_store_close(s);
	if (!(s = ns_store_open(f->dir, f->clock, &err)) || !ns_store_audit_verify(s, NULL, &rows, head, &err) || rows != n)
		return 5;
	ns_store_close(s);
	return 0;
}

static void a_really_full_disk(void **state)
{
	fixture *f = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(on_tiny_tmpfs(f));
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- kill -9 ---- */
static void child_steps(const fixture *f, int first, int out)
{
	ns_err err = {0};
	ns_store *s = ns_store_open(f->dir, f->clock, &err);
	if (!s)
		_exit(1);
	for (int n = first;; n++) {
		if (!do_step(s, n, (size_t)(n % 7) * 3000, &err))
			_exit(2);
		if (write(out, &n, sizeof n) != sizeof n) /* said after the commit: from here on it must be there */
			_exit(3);
	}
}

static void killed_at_any_moment(void **state)
{
	fixture *f = *state;
	enum { KILLS = 40 };
	int64_t steps = 0;
	unsigned seed = 12345;
	for (int k = 0; k < KILLS; k++) {
		int fd[2], said = (int)steps - 1, status;
		assert_int_equal(pipe(fd), 0);
		pid_t pid = fork();
		if (pid == 0)
			child_steps(f, (int)steps, fd[1]);
		close(fd[1]);
		struct timespec nap = {.tv_nsec = 1000000 + (long)(rand_r(&seed) % 25000) * 1000};
		nanosleep(&nap, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
		for (int n; read(fd[0], &n, sizeof n) == sizeof n;)
			said = n;
		close(fd[0]);
		fixture_open(f);
		steps = whole_steps(f);
		assert_true(steps >= said + 1); /* what was said to be there is there */
		assert_true(steps <= said + 2);
		ns_store_close(f->s);
		f->s = NULL;
	}
	assert_true(steps > 0);
}

#define T(name)     cmocka_unit_test_setup_teardown(name, setup_store, teardown)
#define T_DIR(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)
int main(void)
{
	fullfs_install();
	const struct CMUnitTest tests[] = {
	    T(a_full_disk_at_each_write_loses_nothing),
	    T(a_full_disk_under_a_large_step_loses_nothing),
	    T(each_step_is_one_sync),
	    T(a_caller_that_goes_on_after_a_failure_commits_nothing),
	    cmocka_unit_test(a_full_disk_while_opening_leaves_it_openable),
	    T_DIR(a_really_full_disk),
	    T_DIR(killed_at_any_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
