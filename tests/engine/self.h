/* A test that starts itself once more: in a process of its own it can be killed, or be somebody else. */
#ifndef NEUROSCALE_TESTS_SELF_H
#define NEUROSCALE_TESTS_SELF_H
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

/* args: NULL-terminated, at most 12. Runs under what this one runs under (WRAP: valgrind). Returns an errno. */
static inline int spawn_self(pid_t *pid, const posix_spawn_file_actions_t *acts, const char *const *args)
{
	static const char line[] = "exec $WRAP \"$0\" \"$@\"";
	char exe[PATH_MAX];
	const char *list[20] = {"sh", "-c", line, exe};
	union { /* posix_spawn promises not to write */
		const char *const *ro;
		char *const *rw;
	} argv = {.ro = list};
	if (!realpath("/proc/self/exe", exe))
		return errno;
	for (size_t i = 0; i < 12 && args[i]; i++)
		list[4 + i] = args[i];
	return posix_spawn(pid, "/bin/sh", acts, NULL, argv.rw, environ);
}
#endif
