/* Child processes by posix_spawn only: argv array, no shell, own process group, clean signal mask, every descriptor closed but the
 * named ones, both pipes drained together, output capped, deadline -> SIGTERM to the group -> grace -> SIGKILL -> reap. Thread-safe.
 * This is a port: the engine gets an ns_spawner, tests hand in their own. */
#ifndef NEUROSCALE_SYS_SPAWN_H
#define NEUROSCALE_SYS_SPAWN_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "neuroscale/base/buf.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/base/err.h"

typedef struct ns_spawn_req {
	const char *path;         /* absolute path of the program */
	const char *const *argv;  /* argv[0] included, NULL-terminated */
	const char *const *envp;  /* complete environment, NULL-terminated */
	const char *stdin_data;   /* NULL: /dev/null */
	size_t stdin_len;
	int inherit_fd;           /* a locked descriptor that the child keeps as its number 3 (law 8), -1 none */
	int deadline_ms;          /* real milliseconds, > 0 */
	size_t max_output;        /* cap for stdout and for stderr each; what is over is read and dropped */
	const ns_cancel *cancel;  /* may be NULL */
	void (*on_started)(void *ctx, pid_t pid); /* may be NULL */
	void *on_started_ctx;
} ns_spawn_req;

typedef struct ns_spawn_res {
	bool started;             /* false: nothing ran (see err) */
	int exit_code;            /* -1 when killed by a signal */
	int term_signal;          /* 0 when it exited */
	bool timed_out, truncated, cancelled;
	ns_buf out, err_out;      /* NUL-terminated; may hold NULs and any byte */
	long elapsed_ms;
} ns_spawn_res;

typedef struct ns_spawner {
	/* True when the child ran and was reaped, whatever its exit status; false with err when it could not be started. */
	bool (*run)(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err);
	void *ctx;
} ns_spawner;

extern const ns_spawner ns_spawner_real;
void ns_spawn_res_free(ns_spawn_res *res);
/* Finds an executable in PATH-like `path` (colon list, empty entries ignored); absolute result, caller frees; NULL when not there. */
char *ns_find_program(const char *name, const char *path);
#endif
