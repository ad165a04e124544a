/* Whose directory, which file, which version: what cannot be ours is refused, and refused means untouched. */
#include "neuroscale/base/buf.h"
#include "store/fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void opens(fixture *f)
{
	fixture_open(f);
	ns_store_close(f->s);
	f->s = NULL;
}

static void refused(fixture *f, ns_code code, const char *says)
{
	ns_err_clear(&f->err);
	ns_store *s = ns_store_open(f->dir, f->clock, &f->err);
	if (s)
		fail_msg("opened; expected: %s", says);
	if (f->err.code != code || !strstr(f->err.text, says))
		fail_msg("code %d, not %d (%s): %s", (int)f->err.code, (int)code, says, f->err.text);
}

static void file_hash(const char *path, char out[NS_HEX256])
{
	ns_buf b = NS_BUF_INIT;
	assert_true(ns_read_file(path, 64u << 20, &b, NULL));
	ns_sha256_hex(b.data ? b.data : "", b.len, out);
	ns_buf_free(&b);
}

static void modes_are_private(void **state)
{
	fixture *f = *state;
	struct stat st;
	char deep[160];
	snprintf(deep, sizeof deep, "%s/a/b", f->dir);
	mode_t old = umask(0);
	ns_store *s = ns_store_open(deep, f->clock, &f->err);
	umask(old);
	if (!s)
		fail_msg("%s", f->err.text);
	int64_t id;
	bool is_new;
	ns_alert a = alert_of("web");
	OK(f, ns_store_begin(s, &f->err));
	OK(f, ns_store_incident_open(s, &a, &id, &is_new, &f->err));
	OK(f, ns_store_commit(s, &f->err));
	static const struct {
		const char *name;
		mode_t mode;
	} want[] = {{"", 0700}, {"/neuroscale.db", 0600}, {"/neuroscale.db-wal", 0600}, {"/neuroscale.db-shm", 0600}};
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		char path[200];
		snprintf(path, sizeof path, "%s%s", deep, want[i].name);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, want[i].mode);
	}
	ns_store_close(s);
	snprintf(deep, sizeof deep, "%s/a/b/neuroscale.db", f->dir);
	chmod(deep, 0644);
	snprintf(deep, sizeof deep, "%s/a/b", f->dir);
	ns_store_close(ns_store_open(deep, f->clock, &f->err));
	snprintf(deep, sizeof deep, "%s/a/b/neuroscale.db", f->dir);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void settings_are_as_the_law_says(void **state)
{
	fixture *f = *state;
	opens(f);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
	assert_int_equal(raw_int(f, "PRAGMA application_id"), 0x4e534150);
	assert_int_equal(raw_int(f, "PRAGMA user_version"), 5);
	assert_int_equal(raw_int(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

static void an_empty_file_is_migrated(void **state)
{
	fixture *f = *state;
	int fd = open(f->db, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	opens(f);
	raw_sql(f, "SELECT count(*) FROM incidents");
}

static void an_empty_database_is_migrated(void **state)
{
	fixture *f = *state;
	raw_sql(f, "PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t");
	opens(f);
	opens(f); /* and once only */
}

static void a_newer_store_is_refused_untouched(void **state)
{
	fixture *f = *state;
	char before[NS_HEX256], after[NS_HEX256];
	opens(f);
	raw_sql(f, "PRAGMA user_version = 7");
	file_hash(f->db, before);
	refused(f, NS_E_VERSION, "store version 7, this one knows 5");
	assert_non_null(strstr(f->err.text, "--state-dir"));
	assert_non_null(strstr(f->err.text, "update the program"));
	assert_null(ns_store_open_readonly(f->dir, f->clock, &f->err));
	assert_int_equal(f->err.code, NS_E_VERSION);
	file_hash(f->db, after);
	assert_string_equal(before, after);
}

/* The newer version killed in the middle: its last words are in the log, and that is left as it is too. */
static void a_newer_store_with_a_log_is_refused_untouched(void **state)
{
	fixture *f = *state;
	char before[2][NS_HEX256], after[NS_HEX256], wal[160];
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		sqlite3 *db;
		ns_err err = {0};
		if (!ns_store_open(f->dir, f->clock, &err) || sqlite3_open(f->db, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		raise(SIGKILL); /* nothing is closed */
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	file_hash(f->db, before[0]);
	file_hash(wal, before[1]);
	refused(f, NS_E_VERSION, "store version 7, this one knows 5");
	file_hash(f->db, after);
	assert_string_equal(before[0], after);
	file_hash(wal, after);
	assert_string_equal(before[1], after);
}

static void a_foreign_database_is_refused_untouched(void **state)
{
	fixture *f = *state;
	char before[NS_HEX256], after[NS_HEX256];
	static const char *const foreign[] = {"CREATE TABLE notes (a)", "PRAGMA application_id = 42", "PRAGMA user_version = 1"};
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		unlink(f->db);
		raw_sql(f, foreign[i]);
		chmod(f->db, 0644);
		file_hash(f->db, before);
		refused(f, NS_E_INVALID, f->db);
		file_hash(f->db, after);
		assert_string_equal(before, after);
		struct stat st;
		assert_int_equal(stat(f->db, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0644);
	}
}

static void what_is_no_database_is_refused_untouched(void **state)
{
	fixture *f = *state;
	char before[NS_HEX256], after[NS_HEX256];
	char junk[8192];
	memset(junk, 'j', sizeof junk);
	assert_true(ns_write_file_atomic(f->db, junk, sizeof junk, 0600, &f->err));
	file_hash(f->db, before);
	refused(f, NS_E_INVALID, f->db);
	file_hash(f->db, after);
	assert_string_equal(before, after);
	unlink(f->db);
	assert_int_equal(symlink("/dev/null", f->db), 0);
	refused(f, NS_E_INVALID, "not a regular file");
	unlink(f->db);
	assert_int_equal(mkdir(f->db, 0700), 0);
	refused(f, NS_E_INVALID, "not a regular file");
}

static void a_directory_others_may_write_is_refused(void **state)
{
	fixture *f = *state;
	static const mode_t modes[] = {0770, 0702, 0777, 01777};
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		chmod(f->dir, modes[i]);
		refused(f, NS_E_DENIED, "chmod go-w");
	}
	chmod(f->dir, 0700);
	opens(f);
	chmod(f->db, 0660);
	refused(f, NS_E_DENIED, f->db);
	chmod(f->db, 0600);
}

static void a_file_in_the_way_is_refused(void **state)
{
	fixture *f = *state;
	assert_true(ns_write_file_atomic(f->db, "x", 1, 0600, &f->err));
	ns_err_clear(&f->err);
	assert_null(ns_store_open(f->db, f->clock, &f->err));
	assert_int_not_equal(f->err.code, NS_OK);
	assert_non_null(strstr(f->err.text, f->db));
}

static void a_directory_of_another_is_refused(void **state)
{
	fixture *f = *state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(f->dir, 12345, 12345), 0);
	refused(f, NS_E_DENIED, "belongs to uid 12345");
	assert_int_equal(chown(f->dir, 0, 0), 0);
}

/* As somebody without root's rights: a child that gives them up. */
static void an_unwritable_directory_is_refused(void **state)
{
	fixture *f = *state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(f->dir, 65534, 65534), 0);
	chmod(f->dir, 0500);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(2);
		ns_err err = {0};
		ns_store *s = ns_store_open(f->dir, f->clock, &err);
		_exit(!s && err.code == NS_E_DENIED && strstr(err.text, f->dir) ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void reading_needs_something_to_read(void **state)
{
	fixture *f = *state;
	char none[160];
	snprintf(none, sizeof none, "%s/none", f->dir);
	assert_null(ns_store_open_readonly(none, f->clock, &f->err));
	assert_int_equal(f->err.code, NS_E_NOTFOUND);
	assert_false(ns_exists(none));
	assert_null(ns_store_open_readonly(f->dir, f->clock, &f->err));
	assert_int_equal(f->err.code, NS_E_NOTFOUND);
	raw_sql(f, "CREATE TABLE t (a); DROP TABLE t");
	assert_null(ns_store_open_readonly(f->dir, f->clock, &f->err));
	assert_int_equal(f->err.code, NS_E_VERSION);
	assert_non_null(strstr(f->err.text, "start the engine"));
}

static void closing_folds_the_log_into_the_file(void **state)
{
	fixture *f = *state;
	char wal[160];
	fixture_open(f);
	int64_t id = open_incident(f, "web");
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	assert_true(ns_exists(wal));
	ns_store_close(f->s);
	assert_false(ns_exists(wal));
	fixture_open(f);
	assert_int_equal(incident_of(f, id).id, id);
	ns_store_close(NULL);
}

static void closing_gives_up_an_open_transaction(void **state)
{
	fixture *f = *state;
	const char *v;
	fixture_open(f);
	OK(f, ns_store_begin(f->s, &f->err));
	OK(f, ns_store_meta_set(f->s, "k", "v", &f->err));
	fixture_reopen(f);
	FAILS(f, NS_E_NOTFOUND, ns_store_meta_get(f->s, f->ar, "k", &v, &f->err));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(modes_are_private),
	    T(settings_are_as_the_law_says),
	    T(an_empty_file_is_migrated),
	    T(an_empty_database_is_migrated),
	    T(a_newer_store_is_refused_untouched),
	    T(a_newer_store_with_a_log_is_refused_untouched),
	    T(a_foreign_database_is_refused_untouched),
	    T(what_is_no_database_is_refused_untouched),
	    T(a_directory_others_may_write_is_refused),
	    T(a_file_in_the_way_is_refused),
	    T(a_directory_of_another_is_refused),
	    T(an_unwritable_directory_is_refused),
	    T(reading_needs_something_to_read),
	    T(closing_folds_the_log_into_the_file),
	    T(closing_gives_up_an_open_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
