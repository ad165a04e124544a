/* The control socket, from both sides: what a client may send, what it gets, and what the server does with those who misbehave. The engine behind
 * it is a stand-in that writes down what it was asked. */
#include "control_rig.h"
#include "self.h"

extern char **environ;

static void what_is_seen_is_what_is_there(void **state)
{
	server *s = *state;
	ns_door door;
	ns_err err = {0};
	assert_true(ns_door_connect(s->dir, &door, &err));
	ns_snapshot *p = door.snapshot(door.ctx, &err);
	assert_non_null(p);
	assert_same_json(ns_snapshot_to_json(back.picture), ns_snapshot_to_json(p));
	ns_snapshot_unref(p);
	ns_detail *d = door.detail(door.ctx, 7, &err), *own = make_detail();
	assert_non_null(d);
	assert_same_json(ns_detail_to_json(own), ns_detail_to_json(d));
	ns_detail_free(d);
	ns_detail_free(own);
	assert_null(door.detail(door.ctx, 8, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_int_equal(door.role(door.ctx), NS_ROLE_ADMIN);
	door.close(door.ctx);
}

static void decisions_carry_the_kernels_word(void **state)
{
	server *s = *state;
	ns_door door;
	ns_err err = {0};
	char said[64];
	ns_decide_req req = {.approval = 3, .approve = true, .digest = HEX64, .reason = HOSTILE, .surface = "console"};
	assert_true(ns_door_connect(s->dir, &door, &err));
	assert_true(door.decide(door.ctx, &req, said, sizeof said, &err));
	assert_string_equal(said, "done");
	assert_int_equal(back.uid, getuid());
	assert_int_equal(back.role, NS_ROLE_ADMIN);
	assert_int_equal(back.approval, 3);
	assert_true(back.approve);
	assert_string_equal(back.digest, HEX64);
	assert_string_equal(back.reason, HOSTILE);
	assert_string_equal(back.surface, "console");
	static const ns_code codes[] = {NS_E_CONFLICT, NS_E_EXPIRED, NS_E_NOTFOUND, NS_E_DENIED, NS_E_NOSPACE};
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		back.refuse = codes[i];
		assert_false(door.decide(door.ctx, &req, said, sizeof said, &err));
		assert_int_equal(err.code, codes[i]);
		assert_string_equal(err.text, "refused for a reason");
	}
	door.close(door.ctx);
}

static void an_undo_carries_what_was_seen_and_who_asks(void **state)
{
	server *s = *state;
	ns_door door;
	ns_err err = {0};
	char said[64];
	ns_undo_req req = {.incident = 7, .digest = HEX64, .reason = HOSTILE, .surface = "console"};
	assert_true(ns_door_connect(s->dir, &door, &err));
	assert_true(door.undo(door.ctx, &req, said, sizeof said, &err));
	assert_string_equal(said, "taking back");
	assert_int_equal(back.undone, 1);
	assert_int_equal(back.uid, getuid());
	assert_int_equal(back.role, NS_ROLE_ADMIN);
	assert_int_equal(back.approval, 7);
	assert_string_equal(back.digest, HEX64);
	assert_string_equal(back.reason, HOSTILE);
	assert_string_equal(back.surface, "console");
	back.refuse = NS_E_CONFLICT;
	assert_false(door.undo(door.ctx, &req, said, sizeof said, &err));
	assert_int_equal(err.code, NS_E_CONFLICT);
	door.close(door.ctx);
}

/* Who speaks for whom is no matter of what a client says of itself. */
static void a_client_cannot_say_who_it_is(void **state)
{
	server *s = *state;
	int fd = dial(s);
	put(fd, "{\"cmd\":\"decide\",\"approval\":3,\"approve\":false,\"uid\":4711,\"role\":\"admin\",\"surface\":\"timer\"}\n");
	cJSON_Delete(get_json(fd));
	assert_int_equal(back.uid, getuid());
	assert_string_equal(back.surface, "cli"); /* the surfaces of the engine itself are not a client's to claim */
	assert_string_equal(back.digest, "(null)");
	close(fd);
}

static void nonsense_is_answered(void **state)
{
	server *s = *state;
	int fd = dial(s);
	expect_refused(fd, "hello\n", "invalid");
	expect_refused(fd, "\n", "invalid");
	expect_refused(fd, "{\"cmd\":\"snapshot\"\n", "invalid");
	expect_refused(fd, "{\"cmd\":\"snapshot\"} {}\n", "invalid");
	expect_refused(fd, "{\"cmd\":\"decide\",\"cmd\":\"snapshot\"}\n", "invalid");
	expect_refused(fd, "{\"cmd\":\"snap\\u0000shot\"}\n", "invalid");
	expect_refused(fd, "[]\n", "usage");
	expect_refused(fd, "{}\n", "usage");
	expect_refused(fd, "{\"cmd\":7}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"shutdown\"}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"detail\"}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"detail\",\"id\":\"7\"}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"detail\",\"id\":8}\n", "not_found");
	expect_refused(fd, "{\"cmd\":\"decide\",\"approval\":3}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"decide\",\"approval\":3,\"approve\":1}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"decide\",\"approval\":\"3\",\"approve\":true}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"undo\"}\n", "usage");
	expect_refused(fd, "{\"cmd\":\"undo\",\"incident\":\"7\"}\n", "usage");
	assert_int_equal(back.decided, 0);
	assert_int_equal(back.undone, 0);
	/* and the line is still good */
	put(fd, "{\"cmd\":\"role\"}\n");
	cJSON *j = get_json(fd);
	assert_true(ns_json_bool_or(j, "ok", false));
	cJSON_Delete(j);
	close(fd);
}

static void bytes_come_as_they_come(void **state)
{
	server *s = *state;
	int fd = dial(s);
	const struct timespec pause = {0, 5000000};
	static const char request[] = "{\"cmd\":\"detail\",\"id\":7}\n";
	for (size_t i = 0; i < sizeof request - 1; i++) { /* one by one */
		assert_int_equal(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
		if (i % 6 == 0)
			nanosleep(&pause, NULL);
	}
	cJSON *j = get_json(fd);
	assert_int_equal(ns_json_int_or(j, "detail.row.id", 0), 7);
	cJSON_Delete(j);
	put(fd, "{\"cmd\":\"role\"}\n{\"cmd\":\"detail\",\"id\":7}\n{\"cmd\":\"role\"}\n"); /* three at once, answered in order */
	for (int i = 0; i < 3; i++) {
		j = get_json(fd);
		assert_true((i == 1) == (ns_json_get(j, "detail") != NULL));
		cJSON_Delete(j);
	}
	close(fd);
}

static void sigpipe_free_flood(int fd, const char *chunk, size_t n, size_t total)
{
	for (size_t sent = 0; sent < total;) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		if (poll(&p, 1, WAIT_MS) <= 0)
			fail_msg("the server neither takes nor closes");
		ssize_t k = send(fd, chunk, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN)
			return; /* closed on us */
		sent += k > 0 ? (size_t)k : 0;
	}
}

/* 64 KiB without a newline is no request. */
static void a_line_without_end_is_cut(void **state)
{
	server *s = *state;
	static char chunk[4096];
	ns_buf line = NS_BUF_INIT;
	memset(chunk, 'a', sizeof chunk);
	int fd = dial(s);
	sigpipe_free_flood(fd, chunk, sizeof chunk, 1 << 20);
	assert_false(get_line(fd, &line));
	ns_buf_free(&line);
	close(fd);
	fd = dial(s); /* others are served */
	put(fd, "{\"cmd\":\"role\"}\n");
	cJSON_Delete(get_json(fd));
	close(fd);
}

/* Who asks and does not read is dropped before it costs memory, and nobody else waits for it. */
static void a_slow_reader_is_dropped(void **state)
{
	server *s = *state;
	pthread_mutex_lock(&back.mu);
	ns_snapshot *small = back.picture;
	back.picture = make_picture(1000); /* about 1 MiB as JSON */
	pthread_mutex_unlock(&back.mu);
	ns_snapshot_unref(small);
	static const char request[] = "{\"cmd\":\"snapshot\"}\n";
	int fd = dial(s);
	for (int i = 0; i < 100; i++)
		if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
			break;
	ns_door door;
	ns_err err = {0};
	assert_true(ns_door_connect(s->dir, &door, &err));
	int64_t began = ns_real_mono_ms();
	assert_int_equal(door.role(door.ctx), NS_ROLE_ADMIN);
	assert_true(ns_real_mono_ms() - began < 5000);
	door.close(door.ctx);
	/* What was on its way is read, then it ends: far from a hundred pictures. */
	size_t got = 0;
	static char buf[65536];
	ssize_t n;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const struct timespec pause = {1, 0};
	nanosleep(&pause, NULL);
	while (poll(&p, 1, WAIT_MS) > 0 && (n = read(fd, buf, sizeof buf)) > 0)
		got += (size_t)n;
	cJSON *j = ns_snapshot_to_json(back.picture);
	char *one = ns_json_text(j);
	size_t size = strlen(one);
	cJSON_free(one);
	cJSON_Delete(j);
	assert_true(got < 40 * size);
	close(fd);
}

static void the_33rd_is_told_why(void **state)
{
	server *s = *state;
	int fds[32];
	for (int i = 0; i < 32; i++) {
		fds[i] = dial(s);
		put(fds[i], "{\"cmd\":\"role\"}\n");
		cJSON_Delete(get_json(fds[i]));
	}
	int late = dial(s);
	ns_buf line = NS_BUF_INIT;
	cJSON *j = get_json(late);
	assert_string_equal(ns_json_str(j, "code", ""), "busy");
	cJSON_Delete(j);
	assert_false(get_line(late, &line));
	close(late);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	ns_door door = {0};
	ns_err err = {0};
	for (int tries = 0; tries < 100; tries++) { /* there is room again as soon as the server saw them go */
		assert_true(ns_door_connect(s->dir, &door, &err));
		ns_role role = door.role(door.ctx);
		door.close(door.ctx);
		if (role == NS_ROLE_ADMIN)
			break;
		assert_true(tries < 99);
		const struct timespec pause = {0, 20000000};
		nanosleep(&pause, NULL);
	}
	for (int i = 3; i < 32; i++)
		close(fds[i]);
	ns_buf_free(&line);
}

/* Any number of changes while nobody looks: few lines, in order, and the last one is the last change. */
static void changes_are_told_once(void **state)
{
	enum { CHANGES = 5000 };
	server *s = *state;
	ns_door door;
	ns_err err = {0};
	int fd = dial(s);
	put(fd, "{\"cmd\":\"subscribe\"}\n");
	cJSON_Delete(get_json(fd));
	assert_true(ns_door_connect(s->dir, &door, &err));
	assert_int_equal(door.role(door.ctx), NS_ROLE_ADMIN);
	door.wake_clear(door.ctx);
	for (int i = 0; i < CHANGES; i++)
		ns_control_changed(s->c);
	int64_t last = 0, lines = 0;
	while (last < CHANGES) {
		cJSON *j = get_json(fd);
		int64_t now = ns_json_int_or(j, "changed", -1);
		assert_true(now > last);
		last = now;
		lines++;
		cJSON_Delete(j);
	}
	assert_true(last == CHANGES && lines < CHANGES);
	struct pollfd p = {.fd = door.wake_fd(door.ctx), .events = POLLIN};
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	door.wake_clear(door.ctx);
	door.close(door.ctx);
	close(fd);
}

/* A change that happens while an answer is still being written to the subscriber is told after it. */
static void a_change_under_an_answer_is_told(void **state)
{
	server *s = *state;
	pthread_mutex_lock(&back.mu);
	ns_snapshot *small = back.picture;
	back.picture = make_picture(2000);
	pthread_mutex_unlock(&back.mu);
	ns_snapshot_unref(small);
	int fd = dial(s);
	put(fd, "{\"cmd\":\"subscribe\"}\n");
	cJSON_Delete(get_json(fd));
	put(fd, "{\"cmd\":\"snapshot\"}\n"); /* larger than the socket takes at once */
	const struct timespec pause = {0, 200000000};
	nanosleep(&pause, NULL);
	ns_control_changed(s->c);
	nanosleep(&pause, NULL);
	ns_buf all = NS_BUF_INIT;
	static char buf[65536];
	while (!strstr(ns_buf_str(&all), "\n{\"changed\":1}\n")) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 3000) <= 0)
			fail_msg("the change was never told");
		ssize_t n = read(fd, buf, sizeof buf);
		assert_true(n > 0);
		ns_buf_put(&all, buf, (size_t)n);
		if (all.len > 65536 + 16) /* only the end is looked at */
			ns_buf_drop(&all, all.len - 65536);
	}
	ns_buf_free(&all);
	close(fd);
}

static void a_stale_socket_is_replaced(void **state)
{
	server *s = *state;
	struct stat st;
	char *path = ns_path_join(s->dir, "control.sock");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(path);
	char *other = ns_path_join(s->dir, "other");
	ns_err err = {0};
	assert_true(ns_mkdirs(other, 0700, &err));
	path = ns_path_join(other, "control.sock");
	assert_true(ns_write_file_atomic(path, "x", 1, 0600, &err));
	ns_control_backend b = {back_snapshot, back_detail, back_decide, back_undo, NULL};
	ns_control *c = ns_control_new(other, &b, &err);
	assert_non_null(c);
	ns_control_free(c);
	assert_false(ns_exists(path));
	free(path);
	free(other);
}

static void no_engine_no_door(void **state)
{
	server *s = *state;
	ns_door door;
	ns_err err = {0};
	char *none = ns_path_join(s->dir, "nowhere"), *deep = ns_xasprintf("%s/%0200d", s->dir, 7);
	assert_false(ns_door_connect(none, &door, &err));
	assert_int_equal(err.code, NS_E_UNREACHABLE);
	assert_non_null(strstr(err.text, "--state-dir"));
	assert_false(ns_door_connect(deep, &door, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	ns_control_backend b = {back_snapshot, back_detail, back_decide, back_undo, NULL};
	assert_null(ns_control_new(deep, &b, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	free(none);
	free(deep);
	/* An engine that goes away under a client. */
	assert_true(ns_door_connect(s->dir, &door, &err));
	assert_int_equal(door.role(door.ctx), NS_ROLE_ADMIN);
	ns_services_stop(s->services);
	ns_control_free(s->c);
	s->c = NULL;
	s->services = NULL;
	for (int i = 0; i < 2; i++) {
		assert_null(door.snapshot(door.ctx, &err));
		assert_int_equal(err.code, NS_E_UNREACHABLE);
	}
	struct pollfd p = {.fd = door.wake_fd(door.ctx), .events = POLLIN};
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	/* Nothing is decided at the one that takes its place before its picture was seen. */
	assert_true(serve(s));
	ns_decide_req yes = {.approval = 1, .approve = true, .digest = "12345678", .surface = "console"};
	char said[64];
	assert_false(door.decide(door.ctx, &yes, said, sizeof said, &err));
	ns_snapshot *seen = door.snapshot(door.ctx, &err);
	assert_non_null(seen);
	ns_snapshot_unref(seen);
	assert_true(door.decide(door.ctx, &yes, said, sizeof said, &err));
	p.fd = door.wake_fd(door.ctx);
	ns_control_changed(s->c);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	door.close(door.ctx);
}

/* ---- another user ---- */

enum { NOBODY = 65534 };

/* In a process that has given up root: what the door says, as an exit status. */
static int as_nobody(const char *dir, const char *open)
{
	ns_door door;
	ns_err err = {0};
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 90;
	bool in = ns_door_connect(dir, &door, &err);
	if (strcmp(open, "closed") == 0)
		return !in && err.code == NS_E_DENIED ? 0 : 91;
	if (!in)
		return 92;
	char said[64];
	ns_decide_req req = {.approval = 3, .approve = true, .digest = HEX64, .reason = "", .surface = "cli"};
	if (door.role(door.ctx) != NS_ROLE_NONE)
		return 93;
	if (door.snapshot(door.ctx, &err) || err.code != NS_E_DENIED)
		return 94;
	if (door.detail(door.ctx, 7, &err) || err.code != NS_E_DENIED)
		return 95;
	if (door.decide(door.ctx, &req, said, sizeof said, &err) || err.code != NS_E_DENIED)
		return 96;
	door.close(door.ctx);
	return 0;
}

static void run_as_nobody(const char *dir, const char *open)
{
	pid_t pid;
	int status;
	const char *args[] = {"nobody", dir, open, NULL};
	assert_int_equal(spawn_self(&pid, NULL, args), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Law 6: the peer's uid comes from the kernel. Even where the file's mode would let it in, another user sees nothing and decides nothing. */
static void another_user(void **state)
{
	server *s = *state;
	if (getuid() != 0)
		skip();
	assert_int_equal(chmod(s->dir, 0755), 0);
	run_as_nobody(s->dir, "closed");
	char *path = ns_path_join(s->dir, "control.sock");
	assert_int_equal(chmod(path, 0666), 0);
	free(path);
	run_as_nobody(s->dir, "open");
	assert_int_equal(back.decided, 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "nobody") == 0)
		return as_nobody(argv[2], argv[3]);
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
	    WITH_SERVER(what_is_seen_is_what_is_there),
	    WITH_SERVER(decisions_carry_the_kernels_word),
	    WITH_SERVER(an_undo_carries_what_was_seen_and_who_asks),
	    WITH_SERVER(a_client_cannot_say_who_it_is),
	    WITH_SERVER(nonsense_is_answered),
	    WITH_SERVER(bytes_come_as_they_come),
	    WITH_SERVER(a_line_without_end_is_cut),
	    WITH_SERVER(a_slow_reader_is_dropped),
	    WITH_SERVER(the_33rd_is_told_why),
	    WITH_SERVER(changes_are_told_once),
	    WITH_SERVER(a_change_under_an_answer_is_told),
	    WITH_SERVER(a_stale_socket_is_replaced),
	    WITH_SERVER(no_engine_no_door),
	    WITH_SERVER(another_user),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
