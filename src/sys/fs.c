/* Files: whole reads, atomic writes, directories. */
#include "neuroscale/sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ns_code open_code(void)
{
	return errno == ENOENT || errno == ENOTDIR ? NS_E_NOTFOUND : NS_E_IO;
}

static bool read_all(int fd, const char *path, size_t max, ns_buf *out, ns_err *err)
{
	size_t before = out->len;
	for (;;) {
		char piece[64 * 1024];
		ssize_t n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ns_fail_errno(err, NS_E_IO, "read %s", path);
		if (n == 0)
			return true;
		if ((size_t)n > max - (out->len - before))
			return ns_fail(err, NS_E_TOOBIG, "%s is larger than %zu bytes", path, max);
		ns_buf_put(out, piece, (size_t)n);
	}
}

bool ns_read_file(const char *path, size_t max, ns_buf *out, ns_err *err)
{
	/* O_NONBLOCK: opening a FIFO must not hang before it is seen to be one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return ns_fail_errno(err, open_code(), "open %s", path);
	struct stat st;
	size_t before = out->len;
	bool ok;
	if (fstat(fd, &st) != 0)
		ok = ns_fail_errno(err, NS_E_IO, "stat %s", path);
	else if (!S_ISREG(st.st_mode))
		ok = ns_fail(err, NS_E_INVALID, "%s is not a regular file", path);
	else
		ok = read_all(fd, path, max, out, err);
	close(fd);
	if (!ok && out->data) {
		out->len = before;
		out->data[before] = '\0';
	}
	return ok;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* Without this a crash may bring the old name back although the new file's bytes are safe. */
static bool sync_dir(const char *dir, ns_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ns_fail_errno(err, NS_E_IO, "open %s", dir);
	bool ok = fsync(fd) == 0 || errno == EINVAL || errno == EROFS || ns_fail_errno(err, NS_E_IO, "sync %s", dir);
	close(fd);
	return ok;
}

bool ns_write_file_atomic(const char *path, const void *data, size_t n, mode_t mode, ns_err *err)
{
	char *dir = ns_path_dirname(path), *tmp = ns_xasprintf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	bool ok;
	if (fd < 0) {
		ok = ns_fail_errno(err, open_code(), "create %s", tmp);
	} else {
		ok = (fchmod(fd, mode) == 0 && write_all(fd, data, n) && fsync(fd) == 0) || ns_fail_errno(err, NS_E_IO, "write %s", path);
		close(fd);
		if (ok && rename(tmp, path) != 0)
			ok = ns_fail_errno(err, NS_E_IO, "rename to %s", path);
		if (!ok)
			unlink(tmp);
		ok = ok && sync_dir(dir, err);
	}
	free(tmp);
	free(dir);
	return ok;
}

static bool is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool ns_mkdirs(const char *path, mode_t mode, ns_err *err)
{
	if (!*path)
		return ns_fail(err, NS_E_INVALID, "the name of a directory is empty");
	char *part = ns_xstrdup(path);
	bool ok = true;
	for (char *slash = part + 1; ok; slash++) {
		slash += strcspn(slash, "/");
		char c = *slash;
		*slash = '\0';
		if (mkdir(part, mode) != 0) {
			int saved = errno; /* EEXIST mostly, but EROFS or EACCES on a parent that exists is fine as well */
			ok = is_dir(part) || ns_err_set(err, NS_E_IO, saved, __FILE__, __LINE__, "create directory %s", part);
		}
		*slash = c;
		if (!c)
			break;
	}
	free(part);
	return ok;
}

bool ns_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

bool ns_dir_is_empty(const char *path)
{
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT;
	const struct dirent *e;
	bool empty = true;
	while (empty && (e = readdir(d)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(d);
	return empty;
}

char *ns_path_join(const char *a, const char *b)
{
	size_t n = strlen(a);
	if (!n || *b == '/')
		return ns_xstrdup(b);
	return ns_xasprintf("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

char *ns_path_dirname(const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n && path[n - 1] != '/')
		n--;
	if (!n)
		return ns_xstrdup(".");
	while (n > 1 && path[n - 1] == '/')
		n--;
	return ns_xasprintf("%.*s", (int)n, path);
}

char *ns_xdg_dir(const char *env, const char *home_rel)
{
	const char *dir = getenv(env), *home = getenv("HOME");
	if (dir && *dir == '/')
		return ns_xstrdup(dir);
	return home && *home == '/' ? ns_path_join(home, home_rel) : NULL;
}

static bool ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

typedef struct names {
	char **list;
	size_t n, cap;
} names;

static void names_add(names *v, const char *name)
{
	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 16;
		v->list = ns_xrealloc(v->list, v->cap * sizeof *v->list);
	}
	v->list[v->n++] = ns_xstrdup(name);
}

static void names_free(names *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->list[i]);
	free(v->list);
}

static bool list_dir(const char *dir, const char *suffix, names *out, ns_err *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return ns_fail_errno(err, open_code(), "open directory %s", dir);
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e)
			break;
		if (e->d_name[0] != '.' && ends_in(e->d_name, suffix))
			names_add(out, e->d_name);
	}
	bool ok = errno == 0 || ns_fail_errno(err, NS_E_IO, "read directory %s", dir);
	closedir(d);
	if (out->n)
		qsort(out->list, out->n, sizeof *out->list, by_name);
	return ok;
}

bool ns_dir_each(const char *dir, const char *suffix, bool (*fn)(void *ctx, const char *path, const char *name), void *ctx, ns_err *err)
{
	names found = {0};
	bool ok = list_dir(dir, suffix, &found, err);
	for (size_t i = 0; ok && i < found.n; i++) {
		char *path = ns_path_join(dir, found.list[i]);
		struct stat st;
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) /* through links: mounted ConfigMaps are made of them */
			ok = fn(ctx, path, found.list[i]);
		free(path);
	}
	names_free(&found);
	return ok;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

bool ns_rm_tree(const char *path, ns_err *err)
{
	const size_t n = strspn(path, "/.");
	if (!path[n])
		return ns_fail(err, NS_E_INVALID, "will not remove \"%s\"", path);
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return ns_fail_errno(err, NS_E_IO, "remove %s", path);
	return true;
}
