/* The log's format is a promise: people grep it. */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/log.h"

static int ends[2];
static ns_clock *clock_2026;

static int open_pipe(void **state)
{
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int close_pipe(void **state)
{
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static const char *logged(void)
{
	static char text[256 * 1024];
	size_t n = 0;
	ssize_t got;
	while ((got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	return text;
}

static void text_lines(void **state)
{
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	ns_log(NS_LOG_INFO, "engine", "ready, %d clusters", 2);
	assert_string_equal(logged(), "2026-11-23T02:47:09Z INFO  engine   ready, 2 clusters\n");
	ns_log(NS_LOG_ERROR, "detector", "x");
	assert_string_equal(logged(), "2026-11-23T02:47:09Z ERROR detector x\n");
	ns_log(NS_LOG_DEBUG, "engine", "not shown");
	assert_string_equal(logged(), "");
}

static void fields_are_quoted_when_they_must(void **state)
{
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_DEBUG, clock_2026);
	ns_log_fields(NS_LOG_WARN, "engine", "incident 7 detected -> analyzing", "kind", "oom_killed", "why", "a b", "q", "say \"hi\"",
	    "eq", "a=b", "empty", "", "null", (const char *)NULL, (const char *)NULL);
	assert_string_equal(logged(), "2026-11-23T02:47:09Z WARN  engine   incident 7 detected -> analyzing kind=oom_killed why=\"a b\" "
	                              "q=\"say \\\"hi\\\"\" eq=\"a=b\" empty=\"\" null=\"\"\n");
	ns_log_fields(NS_LOG_INFO, "cli", "bare", (const char *)NULL);
	assert_string_equal(logged(), "2026-11-23T02:47:09Z INFO  cli      bare\n");
}

static void json_lines(void **state)
{
	ns_log_init(ends[1], NS_LOG_JSON, NS_LOG_INFO, clock_2026);
	ns_log_fields(NS_LOG_INFO, "engine", "a \"b\" \\", "kind", "oom\nkilled", (const char *)NULL);
	assert_string_equal(logged(),
	    "{\"time\":\"2026-11-23T02:47:09Z\",\"level\":\"info\",\"room\":\"engine\",\"msg\":\"a \\\"b\\\" \\\\\","
	    "\"kind\":\"oom killed\"}\n");
	ns_log(NS_LOG_ERROR, "x", "%s", "y");
	assert_string_equal(logged(), "{\"time\":\"2026-11-23T02:47:09Z\",\"level\":\"error\",\"room\":\"x\",\"msg\":\"y\"}\n");
}

static void hostile_text_stays_in_its_line(void **state)
{
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	ns_log(NS_LOG_INFO, "kube", "%s", "a\n2026-11-23T02:47:09Z INFO fake\x1b[31m");
	assert_string_equal(logged(), "2026-11-23T02:47:09Z INFO  kube     a 2026-11-23T02:47:09Z INFO fake^[[31m\n");
}

static void long_lines_are_capped_and_whole(void **state)
{
	static char big[100001];
	memset(big, '"', sizeof big - 1);
	for (int json = 0; json < 2; json++) {
		ns_log_init(ends[1], json ? NS_LOG_JSON : NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
		ns_log_fields(NS_LOG_INFO, "x", big, "one", big, "two", big, "three", big, "four", big, (const char *)NULL);
		const char *line = logged();
		size_t n = strlen(line);
		assert_in_range(n, 1500, 4096);
		assert_int_equal(line[n - 1], '\n');
		assert_true(!json || line[n - 2] == '}');
		assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	}
}

static void redirect_moves_the_output(void **state)
{
	int other[2];
	assert_int_equal(pipe2(other, O_CLOEXEC | O_NONBLOCK), 0);
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	ns_log_redirect(other[1]);
	ns_log(NS_LOG_INFO, "x", "there");
	assert_string_equal(logged(), "");
	char text[64];
	assert_true(read(other[0], text, sizeof text) > 0);
	close(other[0]);
	close(other[1]);
}

static void a_broken_descriptor_is_survived(void **state)
{
	ns_log_init(-1, NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	errno = 7;
	ns_log(NS_LOG_INFO, "x", "nowhere");
	assert_int_equal(errno, 7);
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 200; i++)
		ns_log_fields(NS_LOG_INFO, "thread", "line", "n", (const char *)arg, (const char *)NULL);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	static char names[4][8] = {"one", "two", "three", "four"};
	pthread_t t[4];
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	fcntl(ends[1], F_SETPIPE_SZ, 256 * 1024);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, chatter, names[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	int lines = 0;
	for (const char *p = logged(); *p; p = strchr(p, '\n') + 1, lines++)
		assert_int_equal(strncmp(p, "2026-11-23T02:47:09Z INFO  thread   line n=", 43), 0);
	assert_int_equal(lines, 800);
}

/* Ctrl-S, or a pager that waits: the lines are dropped, their number is told, and nobody waits for them. */
static void nobody_reads(void **state)
{
	char all[256 * 1024];
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* as a shell's pipe is: writing to it would wait */
	ns_log_init(ends[1], NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	int64_t began = ns_real_mono_ms();
	for (int i = 0; i < 5000; i++)
		ns_log(NS_LOG_INFO, "engine", "line %d of many that nobody will read", i);
	assert_true(ns_real_mono_ms() - began < 5000);
	ns_copy(all, sizeof all, logged());
	const char *last = strstr(all, "line 0 of");
	int got = 0;
	for (const char *p = all; (p = strchr(p, '\n')); p++)
		got++;
	assert_non_null(last);
	ns_log(NS_LOG_INFO, "engine", "read again");
	char want[256];
	snprintf(want, sizeof want, "2026-11-23T02:47:09Z WARN  log      %d lines were dropped: nobody read them\n2026-11-23T02:47:09Z INFO  engine   read again\n",
	    5000 - got);
	assert_string_equal(logged(), want);
}

static void a_terminal_stands_still(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), tty = -1;
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || (tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		skip();
	ns_log_init(tty, NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	int64_t began = ns_real_mono_ms();
	for (int i = 0; i < 5000; i++)
		ns_log(NS_LOG_INFO, "engine", "line %d of many that nobody will read", i);
	assert_true(ns_real_mono_ms() - began < 5000);
	assert_int_equal(fcntl(tty, F_GETFL) & O_NONBLOCK, 0); /* the shell's own stays as it was */
	char piece[4096], tail[2048] = "";
	for (int round = 0; round < 2; round++) {
		struct pollfd p = {.fd = master, .events = POLLIN};
		while (poll(&p, 1, 100) > 0) {
			ssize_t n = read(master, piece, sizeof piece - 1);
			assert_true(n > 0);
			piece[n] = '\0';
			memmove(tail, tail + strlen(tail) / 2, strlen(tail) - strlen(tail) / 2 + 1);
			size_t have = strlen(tail), room = sizeof tail - 1 - have;
			ns_copy(tail + have, room + 1, (size_t)n > room ? piece + ((size_t)n - room) : piece);
		}
		ns_log(NS_LOG_INFO, "engine", "read again");
	}
	assert_non_null(strstr(tail, "lines were dropped: nobody read them\r\n"));
	assert_non_null(strstr(tail, "read again\r\n"));
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_INFO, clock_2026);
	close(tty);
	close(master);
}

int main(void)
{
	clock_2026 = ns_clock_manual(1795402029000, 0);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_lines),
	    cmocka_unit_test(fields_are_quoted_when_they_must),
	    cmocka_unit_test(json_lines),
	    cmocka_unit_test(hostile_text_stays_in_its_line),
	    cmocka_unit_test(long_lines_are_capped_and_whole),
	    cmocka_unit_test(redirect_moves_the_output),
	    cmocka_unit_test(a_broken_descriptor_is_survived),
	    cmocka_unit_test(lines_of_threads_do_not_mix),
	    cmocka_unit_test(nobody_reads),
	    cmocka_unit_test(a_terminal_stands_still),
	};
	int failed = cmocka_run_group_tests(tests, open_pipe, close_pipe);
	ns_clock_free(clock_2026);
	return failed;
}
