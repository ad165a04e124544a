/* Children: what they inherit, what comes back, and that nothing they do hangs us. */
#include "support/test.h"
#include "support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/sys/fs.h"
#include "neuroscale/sys/spawn.h"

static const char *const empty_env[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};

static ns_spawn_req shell(const char *const *argv)
{
	return (ns_spawn_req){
	    .path = "/bin/sh", .argv = argv, .envp = empty_env, .inherit_fd = -1, .deadline_ms = 20000, .max_output = 1 << 20};
}

#define SHELL(script) shell((const char *const[]){"sh", "-c", script, NULL})

static ns_spawn_res run(ns_spawn_req req)
{
	ns_spawn_res res;
	ns_err err = {0};
	assert_true(ns_spawner_real.run(ns_spawner_real.ctx, &req, &res, &err));
	assert_true(res.started);
	return res;
}

static void both_outputs_and_the_status_come_back(void **state)
{
	ns_spawn_res r = run(SHELL("echo out; echo err >&2; exit 3"));
	assert_string_equal(ns_buf_str(&r.out), "out\n");
	assert_string_equal(ns_buf_str(&r.err_out), "err\n");
	assert_int_equal(r.exit_code, 3);
	assert_int_equal(r.term_signal, 0);
	assert_false(r.timed_out || r.truncated || r.cancelled);
	ns_spawn_res_free(&r);
}

static void a_signal_is_reported(void **state)
{
	ns_spawn_res r = run(SHELL("kill -9 $$"));
	assert_int_equal(r.exit_code, -1);
	assert_int_equal(r.term_signal, SIGKILL);
	ns_spawn_res_free(&r);
}

static void the_environment_is_only_what_was_given(void **state)
{
	setenv("NS_TEST_LEAK", "1", 1);
	ns_spawn_res r = run(SHELL("echo \"$ONLY-${NS_TEST_LEAK-clean}\""));
	assert_string_equal(ns_buf_str(&r.out), "this-clean\n");
	ns_spawn_res_free(&r);
	unsetenv("NS_TEST_LEAK");
}

static void arguments_are_not_interpreted(void **state)
{
	const char *const argv[] = {"sh", "-c", "printf '%s|' \"$@\"", "sh", "$(reboot)", "-A", "a b", "", "; rm -rf /", NULL};
	ns_spawn_res r = run(shell(argv));
	assert_string_equal(ns_buf_str(&r.out), "$(reboot)|-A|a b||; rm -rf /|");
	ns_spawn_res_free(&r);
}

static void without_input_stdin_is_dev_null(void **state)
{
	ns_spawn_res r = run(SHELL("readlink /proc/self/fd/0; cat | wc -c"));
	assert_string_equal(ns_buf_str(&r.out), "/dev/null\n0\n");
	ns_spawn_res_free(&r);
}

static void much_input_and_output_at_once(void **state)
{
	size_t n = 3 << 20;
	char *big = malloc(n);
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 7 % 251);
	ns_spawn_req req = SHELL("tee /dev/stderr");
	req.stdin_data = big;
	req.stdin_len = n;
	req.max_output = n;
	ns_spawn_res r = run(req);
	assert_int_equal(r.out.len, n);
	assert_int_equal(r.err_out.len, n);
	assert_memory_equal(r.out.data, big, n);
	assert_false(r.truncated);
	ns_spawn_res_free(&r);
	free(big);
}

/* kubectl patch --patch-file=/dev/stdin */
static void stdin_can_be_opened_by_name(void **state)
{
	ns_spawn_req req = SHELL("cat /dev/stdin");
	req.stdin_data = "{}";
	req.stdin_len = 2;
	ns_spawn_res r = run(req);
	assert_string_equal(ns_buf_str(&r.out), "{}");
	ns_spawn_res_free(&r);
}

static void input_that_is_not_read_does_no_harm(void **state)
{
	size_t n = 1 << 20;
	char *big = calloc(1, n);
	ns_spawn_req req = SHELL("exec 0<&-; sleep 0.05; echo done");
	req.stdin_data = big;
	req.stdin_len = n;
	ns_spawn_res r = run(req); /* SIGPIPE would end this program */
	assert_string_equal(ns_buf_str(&r.out), "done\n");
	assert_int_equal(r.exit_code, 0);
	sigset_t pending;
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	ns_spawn_res_free(&r);
	free(big);
}

static void empty_input_is_an_empty_pipe(void **state)
{
	ns_spawn_req req = SHELL("wc -c");
	req.stdin_data = "";
	ns_spawn_res r = run(req);
	assert_string_equal(ns_buf_str(&r.out), "0\n");
	ns_spawn_res_free(&r);
}

static void output_over_the_cap_is_dropped(void **state)
{
	ns_spawn_req req = SHELL("head -c 500000 /dev/zero; echo e >&2");
	req.max_output = 1000;
	ns_spawn_res r = run(req);
	assert_int_equal(r.out.len, 1000);
	assert_string_equal(ns_buf_str(&r.err_out), "e\n");
	assert_true(r.truncated);
	assert_int_equal(r.exit_code, 0); /* it was read on, so it could end */
	ns_spawn_res_free(&r);
}

static void a_deadline_ends_it_gently(void **state)
{
	ns_spawn_req req = SHELL("trap 'echo bye; exit 7' TERM; echo hi; while :; do sleep 0.02; done");
	req.deadline_ms = 150;
	ns_spawn_res r = run(req);
	assert_true(r.timed_out);
	assert_false(r.cancelled);
	assert_string_equal(ns_buf_str(&r.out), "hi\nbye\n");
	assert_int_equal(r.exit_code, 7);
	assert_in_range(r.elapsed_ms, 150, 2000);
	ns_spawn_res_free(&r);
}

static void who_ignores_term_is_killed(void **state)
{
	ns_spawn_req req = SHELL("trap '' TERM; while :; do sleep 0.05; done");
	req.deadline_ms = 50;
	ns_spawn_res r = run(req);
	assert_true(r.timed_out);
	assert_int_equal(r.term_signal, SIGKILL);
	assert_in_range(r.elapsed_ms, 2000, 5000);
	ns_spawn_res_free(&r);
}

static void a_babbler_meets_its_deadline(void **state)
{
	ns_spawn_req req = SHELL("exec yes");
	req.deadline_ms = 100;
	req.max_output = 10;
	ns_spawn_res r = run(req);
	assert_true(r.timed_out && r.truncated);
	assert_int_equal(r.term_signal, SIGTERM);
	assert_true(r.elapsed_ms < 1500);
	ns_spawn_res_free(&r);
}

static bool gone(pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		char path[64], line[512] = "";
		snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
		int fd = open(path, O_RDONLY);
		if (fd < 0)
			return true;
		ssize_t n = read(fd, line, sizeof line - 1);
		close(fd);
		const char *state = n > 0 ? strrchr(line, ')') : NULL;
		if (!state || state[2] == 'Z') /* dead, its new parent is not our business */
			return true;
		usleep(5000);
	}
	return false;
}

static void the_whole_group_goes(void **state)
{
	ns_spawn_req req = SHELL("sleep 100 & echo $!; wait");
	req.deadline_ms = 200;
	ns_spawn_res r = run(req);
	pid_t grandchild = (pid_t)atol(ns_buf_str(&r.out));
	assert_true(grandchild > 1);
	assert_true(gone(grandchild));
	assert_true(r.elapsed_ms < 1500);
	ns_spawn_res_free(&r);
}

static void a_grandchild_that_holds_the_pipes_does_not_hang_us(void **state)
{
	ns_spawn_res r = run(SHELL("sleep 100 & echo $!")); /* same group: it goes with its parent */
	assert_true(gone((pid_t)atol(ns_buf_str(&r.out))));
	assert_int_equal(r.exit_code, 0);
	assert_true(r.elapsed_ms < 1500);
	ns_spawn_res_free(&r);
	const char *ready = tmpdir_path(state, "ready");
	const char *const argv[] = {"sh", "-c",
	    "setsid sh -c ': >\"$0\"; sleep 2' \"$1\" & while ! test -e \"$1\"; do sleep 0.01; done; echo left", "sh", ready, NULL};
	r = run(shell(argv)); /* out of our reach: we leave it */
	assert_string_equal(ns_buf_str(&r.out), "left\n");
	assert_true(r.elapsed_ms < 1500);
	ns_spawn_res_free(&r);
}

static void a_child_that_closes_its_pipes_is_waited_for(void **state)
{
	ns_spawn_res r = run(SHELL("exec >&- 2>&-; sleep 0.1; exit 5"));
	assert_int_equal(r.exit_code, 5);
	assert_true(r.elapsed_ms >= 90);
	ns_spawn_res_free(&r);
}

static void *fire_soon(void *arg)
{
	usleep(50000);
	ns_cancel_fire(arg);
	return NULL;
}

static void cancel_ends_it(void **state)
{
	ns_cancel *c = ns_cancel_new();
	pthread_t t;
	pthread_create(&t, NULL, fire_soon, c);
	ns_spawn_req req = SHELL("exec sleep 100");
	req.cancel = c;
	ns_spawn_res r = run(req);
	pthread_join(t, NULL);
	assert_true(r.cancelled);
	assert_false(r.timed_out);
	assert_int_equal(r.term_signal, SIGTERM);
	assert_true(r.elapsed_ms < 1500);
	ns_spawn_res_free(&r);
	ns_err err = {0};
	assert_false(ns_spawner_real.run(NULL, &req, &r, &err)); /* fired before the start: nothing runs */
	assert_false(r.started);
	assert_int_equal(err.code, NS_E_CANCELLED);
	ns_cancel_free(c);
}

static void only_named_descriptors_pass(void **state)
{
	int leak = open("/dev/null", O_RDONLY); /* without CLOEXEC, as a careless library opens */
	int given = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ns_spawn_req req = SHELL("cd /proc/self/fd && for f in *; do printf '%s ' \"$f\"; done; readlink 3");
	req.inherit_fd = given;
	ns_spawn_res r = run(req);
	/* The glob itself reads the directory through one more descriptor; none may be above it. */
	assert_non_null(strstr(ns_buf_str(&r.out), "0 1 2 3 "));
	assert_non_null(strstr(ns_buf_str(&r.out), "/dev/zero\n"));
	ns_spawn_res_free(&r);
	req = SHELL("for i in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$i && readlink /proc/$$/fd/$i; done; true");
	r = run(req);
	assert_string_equal(ns_buf_str(&r.out), "");
	ns_spawn_res_free(&r);
	close(leak);
	close(given);
}

/* Law 8: the lock outlives us as long as the child lives. */
static void an_inherited_lock_is_held_by_the_child(void **state)
{
	const char *path = tmpdir_path(state, "lock"), *ready = tmpdir_path(state, "ready");
	int fd = ns_lock_file(path, NULL);
	const char *const argv[] = {
	    "sh", "-c", "setsid sh -c ': >\"$0\"; sleep 0.4' \"$1\" & while ! test -e \"$1\"; do sleep 0.01; done", "sh", ready, NULL};
	ns_spawn_req req = shell(argv);
	req.inherit_fd = fd;
	ns_spawn_res r = run(req);
	close(fd);
	assert_false(ns_lock_is_free(path)); /* the grandchild still has it */
	for (int i = 0; i < 400 && !ns_lock_is_free(path); i++)
		usleep(5000);
	assert_true(ns_lock_is_free(path));
	ns_spawn_res_free(&r);
}

static void signals_are_reset(void **state)
{
	sigset_t block, before;
	sigfillset(&block);
	pthread_sigmask(SIG_SETMASK, &block, &before);
	signal(SIGPIPE, SIG_IGN);
	ns_spawn_res r = run(SHELL("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2; ps -o pgid= -p $$ | tr -d ' '; echo $$"));
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/* The C library ignores two signals of its own (32 and 33) in every child. */
	assert_string_equal(strtok(r.out.data, "\n"), "0000000000000000");
	assert_int_equal(strtoull(strtok(NULL, "\n"), NULL, 16) & ~0x180000000ULL, 0);
	const char *group = strtok(NULL, "\n"), *pid = strtok(NULL, "\n");
	if (pid) /* ps may be missing */
		assert_string_equal(group, pid);
	ns_spawn_res_free(&r);
}

static void note_pid(void *ctx, pid_t pid)
{
	*(pid_t *)ctx = pid;
	assert_int_equal(kill(pid, 0), 0);
}

static void the_start_is_announced(void **state)
{
	pid_t pid = 0;
	ns_spawn_req req = SHELL("echo $$");
	req.on_started = note_pid;
	req.on_started_ctx = &pid;
	ns_spawn_res r = run(req);
	assert_int_equal(atol(ns_buf_str(&r.out)), pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
	assert_int_equal(errno, ECHILD);
	ns_spawn_res_free(&r);
}

static void what_cannot_start_says_so(void **state)
{
	if (getenv("WRAP")) /* valgrind makes a fork of posix_spawn, and then nobody hears why the child could not start */
		skip();
	ns_err err = {0};
	ns_spawn_res r;
	ns_spawn_req req = SHELL("true");
	req.path = "/nonexistent/kubectl";
	assert_false(ns_spawner_real.run(NULL, &req, &r, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_non_null(strstr(err.text, "/nonexistent/kubectl"));
	assert_false(r.started);
	const char *plain = tmpdir_path(state, "plain");
	assert_true(ns_write_file_atomic(plain, "x", 1, 0644, NULL));
	req.path = plain;
	assert_false(ns_spawner_real.run(NULL, &req, &r, &err));
	assert_int_equal(err.code, NS_E_DENIED);
	req.path = "sh"; /* no search, ever */
	assert_false(ns_spawner_real.run(NULL, &req, &r, &err));
	assert_int_equal(err.code, NS_E_USAGE);
	req = SHELL("true");
	req.deadline_ms = 0;
	assert_false(ns_spawner_real.run(NULL, &req, &r, &err));
	assert_int_equal(err.code, NS_E_USAGE);
}

static int open_descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void no_descriptor_is_left_behind(void **state)
{
	int before = open_descriptors();
	for (int i = 0; i < 20; i++) {
		ns_spawn_req req = SHELL("cat");
		req.stdin_data = "x";
		req.stdin_len = 1;
		req.inherit_fd = 0;
		ns_spawn_res r = run(req);
		ns_spawn_res_free(&r);
	}
	assert_int_equal(open_descriptors(), before);
}

static void *spawn_some(void *arg)
{
	for (int i = 0; i < 15; i++) {
		char word[32];
		snprintf(word, sizeof word, "%p-%d", arg, i);
		const char *const argv[] = {"sh", "-c", "cat; printf %s \"$1\"", "sh", word, NULL};
		ns_spawn_req req = shell(argv);
		req.stdin_data = word;
		req.stdin_len = strlen(word);
		ns_spawn_res r = run(req);
		char twice[64];
		snprintf(twice, sizeof twice, "%s%s", word, word);
		assert_string_equal(ns_buf_str(&r.out), twice);
		ns_spawn_res_free(&r);
	}
	return NULL;
}

static void threads_spawn_side_by_side(void **state)
{
	pthread_t t[4];
	char marks[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, spawn_some, &marks[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void programs_are_found_in_order(void **state)
{
	assert_true(ns_mkdirs(tmpdir_path(state, "a"), 0700, NULL));
	assert_true(ns_mkdirs(tmpdir_path(state, "b/tool"), 0700, NULL)); /* a directory is no program */
	assert_true(ns_mkdirs(tmpdir_path(state, "c"), 0700, NULL));
	assert_true(ns_write_file_atomic(tmpdir_path(state, "a/tool"), "", 0, 0644, NULL)); /* not executable */
	assert_true(ns_write_file_atomic(tmpdir_path(state, "c/tool"), "", 0, 0755, NULL));
	char path[8192];
	snprintf(path, sizeof path, "::.:relative:%s/a:%s/b:%s/c", (char *)*state, (char *)*state, (char *)*state);
	char *found = ns_find_program("tool", path);
	assert_string_equal(found, tmpdir_path(state, "c/tool"));
	char *absolute = ns_find_program(found, "");
	assert_string_equal(absolute, found);
	free(absolute);
	free(found);
	assert_null(ns_find_program("tool", ""));
	assert_null(ns_find_program("tool", NULL));
	assert_null(ns_find_program("", path));
	assert_null(ns_find_program("c/tool", path));
}

#define in_tmpdir(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_outputs_and_the_status_come_back),
	    cmocka_unit_test(a_signal_is_reported),
	    cmocka_unit_test(the_environment_is_only_what_was_given),
	    cmocka_unit_test(arguments_are_not_interpreted),
	    cmocka_unit_test(without_input_stdin_is_dev_null),
	    cmocka_unit_test(much_input_and_output_at_once),
	    cmocka_unit_test(stdin_can_be_opened_by_name),
	    cmocka_unit_test(input_that_is_not_read_does_no_harm),
	    cmocka_unit_test(empty_input_is_an_empty_pipe),
	    cmocka_unit_test(output_over_the_cap_is_dropped),
	    cmocka_unit_test(a_deadline_ends_it_gently),
	    cmocka_unit_test(who_ignores_term_is_killed),
	    cmocka_unit_test(a_babbler_meets_its_deadline),
	    cmocka_unit_test(the_whole_group_goes),
	    in_tmpdir(a_grandchild_that_holds_the_pipes_does_not_hang_us),
	    cmocka_unit_test(a_child_that_closes_its_pipes_is_waited_for),
	    cmocka_unit_test(cancel_ends_it),
	    cmocka_unit_test(only_named_descriptors_pass),
	    in_tmpdir(an_inherited_lock_is_held_by_the_child),
	    cmocka_unit_test(signals_are_reset),
	    cmocka_unit_test(the_start_is_announced),
	    in_tmpdir(what_cannot_start_says_so),
	    cmocka_unit_test(no_descriptor_is_left_behind),
	    cmocka_unit_test(threads_spawn_side_by_side),
	    in_tmpdir(programs_are_found_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
