/* The door to another process: whatever listens there, nothing unclean comes through (law 11). */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "neuroscale/engine/control.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"
#include "support/tmpdir.h"

#define EVIL "\\u001b]0;x\\u0007\\u009b31m\\u202e"

static const char *const answers[][2] = {
    {"\"detail\"", "{\"ok\":true,\"detail\":{\"row\":{\"id\":1,\"state\":\"resolved\",\"kind\":\"oom_killed\",\"ns\":\"a" EVIL "\"},\"summary\":\"b" EVIL
                   "\",\"diff\":\"- a\\n+ b" EVIL "\"}}\n"},
    {"\"decide\"", "{\"ok\":true,\"said\":\"yes" EVIL "\"}\n"},
    {"\"snapshot\"", "{\"ok\":false,\"code\":\"failed\",\"error\":\"no" EVIL "\"}\n"},
};

/* Two connections: the first asks, the second subscribes. */
static void *serve(void *listener)
{
	int fd = *(int *)listener, ask = accept(fd, NULL, NULL), watch = accept(fd, NULL, NULL);
	char line[4096];
	for (ssize_t n; (n = read(ask, line, sizeof line - 1)) > 0;) {
		line[n] = '\0';
		for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
			if (strstr(line, answers[i][0]) && write(ask, answers[i][1], strlen(answers[i][1])) < 0)
				break;
	}
	close(ask);
	close(watch);
	return NULL;
}

static void assert_clean(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n') || (unsigned char)*s >= 0x7f)
			fail_msg("a byte 0x%02x came through", (unsigned char)*s);
}

static void what_a_stranger_says_is_clean(void **state)
{
	const char *dir = *state;
	ns_err err = {0};
	ns_door door;
	pthread_t th;
	char said[256];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof a.sun_path, "%s/control.sock", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(pthread_create(&th, NULL, serve, &fd), 0);
	if (!ns_door_connect(dir, &door, &err))
		fail_msg("%s", err.text);

	ns_detail *d = door.detail(door.ctx, 1, &err);
	if (!d)
		fail_msg("%s", err.text);
	assert_clean(d->row.ns);
	assert_clean(d->summary);
	assert_clean(d->diff);
	assert_non_null(strchr(d->diff, '\n')); /* a diff has lines */
	ns_detail_free(d);
	ns_decide_req req = {.approval = 1, .reason = "", .surface = "cli"};
	assert_true(door.decide(door.ctx, &req, said, sizeof said, &err));
	assert_clean(said);
	assert_null(door.snapshot(door.ctx, &err));
	assert_clean(err.text);
	door.close(door.ctx);
	pthread_join(th, NULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(what_a_stranger_says_is_clean, tmpdir_make, tmpdir_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
