/* Runs a command in this process, with both outputs in a file. */
#ifndef NEUROSCALE_TESTS_APP_RUN_CMD_H
#define NEUROSCALE_TESTS_APP_RUN_CMD_H
#include <fcntl.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"

/* The caller frees the text; a status other than want fails the test. */
static inline char *cmd_output(int (*run)(const ns_config *), const ns_config *with, const char *const *args, int want)
{
	ns_config cfg = *with;
	char name[] = "/tmp/ns-cmd-XXXXXX";
	int fd = mkstemp(name), out = dup(1), err = dup(2);
	ns_buf text = NS_BUF_INIT;
	for (cfg.args = args, cfg.n_args = 0; args[cfg.n_args];)
		cfg.n_args++;
	assert_true(fd >= 0);
	fflush(stdout);
	dup2(fd, 1);
	dup2(fd, 2);
	int status = run(&cfg);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(fd);
	assert_true(ns_read_file(name, 1 << 20, &text, NULL));
	unlink(name);
	if (status != want)
		fail_msg("status %d, wanted %d: %s", status, want, ns_buf_str(&text));
	return ns_buf_steal(&text);
}

static inline void cmd_says(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
	free(text);
}
#endif
