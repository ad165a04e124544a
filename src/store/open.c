/* Opening and closing a store: whose directory it is, what the file is, and only then the connection that may change it. */
#include "neuroscale/base/buf.h"
#include "neuroscale/sys/fs.h"
#include "store_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DB_NAME "neuroscale.db"

/* Whoever may write the directory may swap the database under us: it must be ours, and ours alone to write. */
static bool check_owner(const char *path, const struct stat *st, ns_err *err)
{
	if (st->st_uid != geteuid())
		return ns_fail(err, NS_E_DENIED, "%s belongs to uid %u, this is uid %u: use a --state-dir of your own", path,
		    (unsigned)st->st_uid, (unsigned)geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return ns_fail(
		    err, NS_E_DENIED, "%s may be written by others (mode %03o): chmod go-w %s", path, (unsigned)st->st_mode & 0777, path);
	return true;
}

static bool check_dir(const char *dir, bool write, ns_err *err)
{
	struct stat st;
	if (stat(dir, &st) != 0)
		return ns_fail_errno(err, errno == ENOENT ? NS_E_NOTFOUND : NS_E_IO, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return ns_fail(err, NS_E_INVALID, "%s is not a directory", dir);
	if (!check_owner(dir, &st, err))
		return false;
	if (faccessat(AT_FDCWD, dir, write ? W_OK | X_OK : X_OK, AT_EACCESS) != 0)
		return ns_fail_errno(err, NS_E_IO, "%s", dir);
	return true;
}

/* By name only: closing a descriptor of the file would drop the locks that another connection of this process has on it. */
static bool check_file(const char *path, ns_err *err)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return ns_fail_errno(err, errno == ENOENT ? NS_E_NOTFOUND : NS_E_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return ns_fail(err, NS_E_INVALID, "%s is not a regular file", path);
	return check_owner(path, &st, err);
}

/* SQLite gives its -wal and -shm files the mode of the database, so the database is made 0600 before SQLite sees it. */
static bool make_file(const char *path, ns_err *err)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		return close(fd) == 0 || ns_fail_errno(err, NS_E_IO, "%s", path);
	if (errno != EEXIST)
		return ns_fail_errno(err, NS_E_IO, "cannot create %s", path);
	return check_file(path, err);
}

static ns_store *store_new(const char *dir, const ns_clock *clock, bool readonly)
{
	ns_store *s = ns_xcalloc(1, sizeof *s);
	s->clock = clock;
	s->path = ns_path_join(dir, DB_NAME);
	s->readonly = readonly;
	pthread_mutex_init(&s->write_mu, NULL);
	pthread_mutex_init(&s->pool_mu, NULL);
	return s;
}

static bool set_wal(conn *c, const char *path, ns_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	bool ok = rc == SQLITE_ROW || conn_fail(c, rc, err);
	if (ok && strcmp(store_or_empty((const char *)sqlite3_column_text(st, 0)), "wal") != 0)
		ok = ns_fail(err, NS_E_UNSUPPORTED, "%s: this file system cannot hold a write-ahead log: use another --state-dir", path);
	sqlite3_finalize(st);
	return ok;
}

/* Looks before it changes anything. Only what an interrupted transaction left is rolled back by that look, as any reader of the file
 * would; the log of a refused file is not folded into it at closing. */
static bool open_writer(ns_store *s, ns_err *err)
{
	int64_t version;
	conn *c = &s->writer;
	if (!conn_open(c, s->path, SQLITE_OPEN_READWRITE, err))
		return false;
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	if (!schema_check(c, s->path, &version, err)) {
		conn_close(c);
		return false;
	}
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	if (chmod(s->path, 0600) != 0)
		return ns_fail_errno(err, NS_E_IO, "%s", s->path);
	return set_wal(c, s->path, err) && schema_migrate(c, s->path, err);
}

ns_store *ns_store_open(const char *dir, const ns_clock *clock, ns_err *err)
{
	ns_store *s = store_new(dir, clock, false);
	if (ns_mkdirs(dir, 0700, err) && check_dir(dir, true, err) && make_file(s->path, err) && open_writer(s, err))
		return s;
	ns_store_close(s);
	return NULL;
}

static bool open_reader(ns_store *s, ns_err *err)
{
	int64_t version;
	conn *c = ns_xcalloc(1, sizeof *c);
	if (!conn_open(c, s->path, SQLITE_OPEN_READONLY, err)) {
		free(c);
		return false;
	}
	s->idle[s->n_idle++] = c;
	if (!schema_check(c, s->path, &version, err))
		return false;
	return version == schema_current() ||
	       ns_fail(err, NS_E_VERSION, "%s has store version %lld and this program needs %lld: start the engine on it once", s->path,
	           (long long)version, (long long)schema_current());
}

ns_store *ns_store_open_readonly(const char *dir, const ns_clock *clock, ns_err *err)
{
	ns_store *s = store_new(dir, clock, true);
	if (check_dir(dir, false, err) && check_file(s->path, err) && open_reader(s, err))
		return s;
	ns_store_close(s);
	return NULL;
}

void ns_store_close(ns_store *s)
{
	if (!s)
		return;
	ns_store_rollback(s);
	for (size_t i = 0; i < s->n_idle; i++) {
		conn_close(s->idle[i]);
		free(s->idle[i]);
	}
	/* Closing the last connection folds the log into the file; should another process still read, this does what can be done now. */
	if (s->writer.db)
		sqlite3_wal_checkpoint_v2(s->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	conn_close(&s->writer);
	pthread_mutex_destroy(&s->pool_mu);
	pthread_mutex_destroy(&s->write_mu);
	free(s->path);
	free(s);
}
