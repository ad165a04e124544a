/* One SQLite connection: opening, its cached statements, and SQLite's result codes in our words. */
#include "store_priv.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 5000 };

static const struct {
	int rc;
	ns_code code;
} codes[] = {
    {SQLITE_FULL, NS_E_NOSPACE}, {SQLITE_IOERR, NS_E_IO}, {SQLITE_CANTOPEN, NS_E_IO}, {SQLITE_BUSY, NS_E_BUSY}, {SQLITE_LOCKED, NS_E_BUSY},
    {SQLITE_PERM, NS_E_DENIED}, {SQLITE_AUTH, NS_E_DENIED}, {SQLITE_READONLY, NS_E_DENIED}, {SQLITE_NOTADB, NS_E_INVALID},
    {SQLITE_CORRUPT, NS_E_INVALID}, {SQLITE_TOOBIG, NS_E_TOOBIG}, {SQLITE_NOLFS, NS_E_TOOBIG}, {SQLITE_CONSTRAINT, NS_E_CONFLICT},
    {SQLITE_CONSTRAINT_FOREIGNKEY, NS_E_NOTFOUND}, /* extended codes after their family */
};

bool conn_fail(conn *c, int rc, ns_err *err)
{
	ns_code code = NS_E_FAILED;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i].rc == (rc & 0xff) || codes[i].rc == rc)
			code = codes[i].code;
	}
	/* Only an I/O error means errno; elsewhere it is a left-over. It turns "no space" during a sync into NS_E_NOSPACE. */
	int sys = code == NS_E_IO ? sqlite3_system_errno(c->db) : 0;
	const char *file = c->db ? sqlite3_db_filename(c->db, "main") : NULL;
	return ns_err_set(err, code, sys, __FILE__, __LINE__, "%s: %s", file && *file ? file : "store",
	    c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
}

bool conn_exec(conn *c, const char *sql, ns_err *err)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK || conn_fail(c, rc, err);
}

bool conn_pragma_int(conn *c, const char *sql, int64_t *out, ns_err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	bool ok = rc == SQLITE_ROW || conn_fail(c, rc, err);
	sqlite3_finalize(st);
	return ok;
}

bool conn_open(conn *c, const char *path, int flags, ns_err *err)
{
	static const char settings[] = "PRAGMA foreign_keys = ON;"
	                               "PRAGMA trusted_schema = OFF;"
	                               "PRAGMA synchronous = FULL;"
	                               "PRAGMA temp_store = MEMORY;"; /* a sort never needs disk */
	memset(c, 0, sizeof *c);
	int rc = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	bool ok = rc == SQLITE_OK || conn_fail(c, rc, err);
	if (ok) {
		sqlite3_busy_timeout(c->db, BUSY_MS);
		sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL); /* no SQL of ours may edit the schema table */
		ok = conn_exec(c, settings, err);
	}
	if (!ok)
		conn_close(c);
	return ok;
}

void conn_close(conn *c)
{
	for (size_t i = 0; i < c->n_cache; i++)
		sqlite3_finalize(c->cache[i].stmt);
	free(c->cache);
	sqlite3_close(c->db);
	memset(c, 0, sizeof *c);
}
