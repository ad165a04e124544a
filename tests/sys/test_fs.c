/* Files, directories and locks. */
#include "support/test.h"
#include "support/tmpdir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "neuroscale/sys/fs.h"

static mode_t mode_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void written_files_read_back(void **state)
{
	const char *path = tmpdir_path(state, "f");
	ns_buf b = NS_BUF_INIT;
	assert_true(ns_write_file_atomic(path, "a\0b", 3, 0600, NULL));
	assert_int_equal(mode_of(path), 0600);
	assert_true(ns_read_file(path, 3, &b, NULL));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 3);
	assert_true(ns_write_file_atomic(path, "new", 3, 0644, NULL)); /* replaces, with its own mode */
	assert_int_equal(mode_of(path), 0644);
	ns_buf_clear(&b);
	assert_true(ns_read_file(path, 100, &b, NULL));
	assert_string_equal(b.data, "new");
	ns_buf_free(&b);
}

static void the_mode_ignores_the_umask(void **state)
{
	mode_t old = umask(0777);
	const char *path = tmpdir_path(state, "f");
	bool ok = ns_write_file_atomic(path, "", 0, 0640, NULL);
	umask(old);
	assert_true(ok);
	assert_int_equal(mode_of(path), 0640);
}

static bool count_file(void *ctx, const char *path, const char *name)
{
	++*(int *)ctx;
	return true;
}

static void a_failed_write_leaves_nothing(void **state)
{
	ns_err err = {0};
	assert_false(ns_write_file_atomic(tmpdir_path(state, "no/such/f"), "x", 1, 0600, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_non_null(strstr(err.text, "no/such/f"));
	const char *dir = tmpdir_path(state, "d");
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(tmpdir_path(state, "d/sub"), 0700), 0);
	assert_false(ns_write_file_atomic(dir, "x", 1, 0600, &err)); /* a directory cannot be replaced */
	int files = 0;
	assert_true(ns_dir_each(*state, "", count_file, &files, NULL));
	assert_int_equal(files, 0);
}

static void read_refuses_what_is_no_small_file(void **state)
{
	ns_err err = {0};
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "kept");
	assert_false(ns_read_file(tmpdir_path(state, "missing"), 10, &b, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_false(ns_read_file(*state, 10, &b, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	const char *fifo = tmpdir_path(state, "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_false(ns_read_file(fifo, 10, &b, &err)); /* and does not hang */
	assert_int_equal(err.code, NS_E_INVALID);
	const char *path = tmpdir_path(state, "big");
	assert_true(ns_write_file_atomic(path, "12345678901", 11, 0600, NULL));
	assert_false(ns_read_file(path, 10, &b, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	assert_string_equal(b.data, "kept");
	assert_true(ns_read_file(path, 11, &b, &err));
	assert_string_equal(b.data, "kept12345678901");
	ns_buf_free(&b);
}

static void directories_are_made_with_parents(void **state)
{
	const char *deep = tmpdir_path(state, "a//b/c/");
	assert_true(ns_mkdirs(deep, 0700, NULL));
	assert_true(ns_mkdirs(deep, 0700, NULL));
	assert_true(ns_exists(tmpdir_path(state, "a/b/c")));
	assert_int_equal(mode_of(tmpdir_path(state, "a/b")), 0700);
	assert_true(ns_mkdirs("/", 0700, NULL));
	ns_err err = {0};
	assert_false(ns_mkdirs("", 0700, &err));
	assert_true(ns_write_file_atomic(tmpdir_path(state, "file"), "", 0, 0600, NULL));
	assert_false(ns_mkdirs(tmpdir_path(state, "file"), 0700, &err));
	assert_int_equal(err.code, NS_E_IO);
	assert_false(ns_mkdirs(tmpdir_path(state, "file/x"), 0700, &err));
}

static void paths(void **state)
{
	static const struct {
		const char *a, *b, *joined;
	} joins[] = {{"/a", "b", "/a/b"}, {"/a/", "b", "/a/b"}, {"", "b", "b"}, {"/a", "/b", "/b"}, {"/", "b", "/b"}};
	for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
		char *s = ns_path_join(joins[i].a, joins[i].b);
		assert_string_equal(s, joins[i].joined);
		free(s);
	}
	static const struct {
		const char *path, *dir;
	} dirs[] = {{"/a/b", "/a"}, {"/a", "/"}, {"a", "."}, {"a/b/", "a"}, {"/", "/"}, {"a//b", "a"}, {"", "."}};
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		char *s = ns_path_dirname(dirs[i].path);
		assert_string_equal(s, dirs[i].dir);
		free(s);
	}
}

static void xdg_directories(void **state)
{
	char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
	setenv("HOME", "/home/u", 1);
	setenv("NS_TEST_XDG", "/x", 1);
	char *s = ns_xdg_dir("NS_TEST_XDG", ".config");
	assert_string_equal(s, "/x");
	free(s);
	setenv("NS_TEST_XDG", "relative", 1); /* the specification says: ignore */
	s = ns_xdg_dir("NS_TEST_XDG", ".config");
	assert_string_equal(s, "/home/u/.config");
	free(s);
	unsetenv("NS_TEST_XDG");
	setenv("HOME", "", 1);
	assert_null(ns_xdg_dir("NS_TEST_XDG", ".config"));
	unsetenv("HOME");
	assert_null(ns_xdg_dir("NS_TEST_XDG", ".config"));
	if (home)
		setenv("HOME", home, 1);
	free(home);
}

static bool collect(void *ctx, const char *path, const char *name)
{
	ns_buf_printf(ctx, "%s ", name);
	return strcmp(name, "b.md") != 0 || !ns_exists(path);
}

static void directories_are_listed_sorted(void **state)
{
	static const char *const names[] = {"c.md", "a.md", "b.md", ".hidden.md", "x.txt", "md"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_true(ns_write_file_atomic(tmpdir_path(state, names[i]), "", 0, 0600, NULL));
	assert_true(ns_mkdirs(tmpdir_path(state, "dir.md"), 0700, NULL));
	assert_int_equal(symlink("a.md", tmpdir_path(state, "aa.md")), 0);
	ns_buf seen = NS_BUF_INIT;
	assert_false(ns_dir_each(*state, ".md", collect, &seen, NULL)); /* stopped by b.md */
	assert_string_equal(seen.data, "a.md aa.md b.md ");
	ns_buf_free(&seen);
	int n = 0;
	assert_true(ns_dir_each(*state, ".md", count_file, &n, NULL));
	assert_int_equal(n, 4);
	ns_err err = {0};
	assert_false(ns_dir_each(tmpdir_path(state, "none"), "", count_file, &n, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
}

static void trees_are_removed_but_not_through_links(void **state)
{
	assert_true(ns_mkdirs(tmpdir_path(state, "t/a/b"), 0700, NULL));
	assert_true(ns_mkdirs(tmpdir_path(state, "keep"), 0700, NULL));
	assert_true(ns_write_file_atomic(tmpdir_path(state, "keep/f"), "", 0, 0600, NULL));
	assert_int_equal(symlink("../keep", tmpdir_path(state, "t/link")), 0);
	assert_true(ns_rm_tree(tmpdir_path(state, "t"), NULL));
	assert_false(ns_exists(tmpdir_path(state, "t")));
	assert_true(ns_exists(tmpdir_path(state, "keep/f")));
	assert_true(ns_rm_tree(tmpdir_path(state, "t"), NULL));
	static const char *const never[] = {"", "/", ".", "..", "//", "/.."};
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		assert_false(ns_rm_tree(never[i], NULL));
}

static void a_lock_has_one_owner(void **state)
{
	const char *path = tmpdir_path(state, "lock");
	ns_err err = {0};
	assert_true(ns_lock_is_free(path)); /* it does not exist */
	int fd = ns_lock_file(path, &err);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(mode_of(path), 0600);
	assert_false(ns_lock_is_free(path));
	char mine[32], wanted[64];
	ns_buf b = NS_BUF_INIT;
	snprintf(mine, sizeof mine, "%ld\n", (long)getpid());
	assert_true(ns_read_file(path, 100, &b, NULL));
	assert_string_equal(b.data, mine);
	assert_int_equal(ns_lock_file(path, &err), -1);
	assert_int_equal(err.code, NS_E_LOCKED);
	snprintf(wanted, sizeof wanted, "process %ld", (long)getpid());
	assert_non_null(strstr(err.text, wanted));
	close(fd);
	assert_true(ns_lock_is_free(path));
	fd = ns_lock_file(path, &err);
	assert_true(fd >= 0);
	close(fd);
	ns_buf_free(&b);
}

static void locks_that_cannot_be_seen_are_not_free(void **state)
{
	ns_err err = {0};
	const char *link = tmpdir_path(state, "link");
	assert_int_equal(symlink("/dev/null", link), 0);
	assert_false(ns_lock_is_free(link));
	assert_int_equal(ns_lock_file(link, &err), -1);
	assert_int_equal(ns_lock_file(tmpdir_path(state, "no/dir/lock"), &err), -1);
	assert_int_equal(err.code, NS_E_IO);
}

#define in_tmpdir(test) cmocka_unit_test_setup_teardown(test, tmpdir_make, tmpdir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    in_tmpdir(written_files_read_back),
	    in_tmpdir(the_mode_ignores_the_umask),
	    in_tmpdir(a_failed_write_leaves_nothing),
	    in_tmpdir(read_refuses_what_is_no_small_file),
	    in_tmpdir(directories_are_made_with_parents),
	    cmocka_unit_test(paths),
	    cmocka_unit_test(xdg_directories),
	    in_tmpdir(directories_are_listed_sorted),
	    in_tmpdir(trees_are_removed_but_not_through_links),
	    in_tmpdir(a_lock_has_one_owner),
	    in_tmpdir(locks_that_cannot_be_seen_are_not_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
