/* Where the key comes from. It is never on a command line, never in an error, and a file that others can read is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neuroscale/base/text.h"
#include "neuroscale/llm/provider.h"
#include "neuroscale/sys/fs.h"

enum { MAX_KEY = 4096, COMMAND_MS = 10000 };

/* The first line; printable ASCII without blanks, as every HTTP header needs it. */
static ns_secret *secret_of(char *text, const char *from, ns_err *err)
{
	char *s = text + strspn(text, " \t");
	s[strcspn(s, "\r\n")] = '\0';
	for (size_t n = strlen(s); n && (s[n - 1] == ' ' || s[n - 1] == '\t');)
		s[--n] = '\0';
	bool ok = *s && strlen(s) < MAX_KEY;
	for (const char *p = s; ok && *p; p++)
		ok = *p > ' ' && *p < 0x7F;
	if (ok)
		return ns_secret_new(s);
	ns_fail(err, NS_E_INVALID, "%s holds no key: one line of printable characters is wanted", from);
	return NULL;
}

static ns_secret *from_file(const char *path, ns_err *err)
{
	struct stat st;
	char text[MAX_KEY + 2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		ns_fail_errno(err, errno == ENOENT ? NS_E_NOTFOUND : NS_E_IO, "key file %s", path);
		return NULL;
	}
	ssize_t n = -1;
	/* Looked at and read through one descriptor: nobody swaps the file between. */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		ns_fail(err, NS_E_INVALID, "key file %s is no regular file", path);
	else if (st.st_mode & 077)
		ns_fail(err, NS_E_DENIED, "key file %s can be read by others (mode %03o): chmod 600 %s", path, (unsigned)(st.st_mode & 0777), path);
	else if (st.st_uid != getuid() && st.st_uid != 0)
		ns_fail(err, NS_E_DENIED, "key file %s belongs to somebody else", path);
	else if ((n = read(fd, text, sizeof text - 1)) < 0)
		ns_fail_errno(err, NS_E_IO, "key file %s", path);
	close(fd);
	ns_secret *s = NULL;
	if (n >= 0) {
		text[n] = '\0';
		s = secret_of(text, path, err);
	}
	explicit_bzero(text, sizeof text);
	return s;
}

static ns_secret *from_command(const ns_llm_key_opts *o, const ns_cancel *cancel, ns_err *err)
{
	const char *path = getenv("PATH"), *home = getenv("HOME");
	char *p = ns_xasprintf("PATH=%s", path ? path : "/usr/bin:/bin"), *h = ns_xasprintf("HOME=%s", home ? home : "/");
	const char *env[] = {p, h, NULL};
	ns_spawn_req req = {.path = o->command[0], .argv = o->command, .envp = env, .inherit_fd = -1, .deadline_ms = COMMAND_MS, .max_output = MAX_KEY,
	    .cancel = cancel};
	ns_spawn_res res = {0};
	ns_secret *s = NULL;
	if (!o->spawner->run(o->spawner->ctx, &req, &res, err))
		ns_err_wrap(err, "key command %s", o->command[0]);
	else if (res.exit_code != 0)
		ns_fail(err, NS_E_FAILED, "key command %s ended with status %d", o->command[0], res.exit_code);
	else if (res.out.data)
		s = secret_of(res.out.data, o->command[0], err);
	else
		ns_fail(err, NS_E_INVALID, "key command %s printed nothing", o->command[0]);
	if (res.out.data)
		explicit_bzero(res.out.data, res.out.cap);
	ns_spawn_res_free(&res);
	free(p);
	free(h);
	return s;
}

static const char *process_env(const char *name)
{
	return getenv(name);
}

ns_secret *ns_llm_key_load(const ns_llm_key_opts *o, const ns_cancel *cancel, ns_err *err)
{
	const char *(*env)(const char *) = o->getenv ? o->getenv : process_env;
	const char *value = env("DASHSCOPE_API_KEY"), *named = env("DASHSCOPE_API_KEY_FILE_PATH");
	if (o->file && *o->file)
		return from_file(o->file, err);
	if (o->command && o->command[0])
		return from_command(o, cancel, err);
	if (value && *value) {
		char *copy = ns_xstrdup(value);
		ns_secret *s = secret_of(copy, "DASHSCOPE_API_KEY", err);
		explicit_bzero(copy, strlen(copy));
		free(copy);
		return s;
	}
	if (named && *named)
		return from_file(named, err);
	if (o->home) {
		char *path = ns_path_join(o->home, ".dashscope/api_key");
		bool there = ns_exists(path);
		ns_secret *s = there ? from_file(path, err) : NULL;
		free(path);
		if (there)
			return s;
	}
	ns_fail(err, NS_E_NOTFOUND, "no key: set DASHSCOPE_API_KEY, or name a file (mode 600) that holds it");
	return NULL;
}
