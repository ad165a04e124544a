/* Statements: prepared once per connection, bound without copies, always reset after use (a statement left open would keep a reader's
 * snapshot alive, and with it the log). Rows become structs by their shape. */
#include "neuroscale/base/buf.h"
#include "store_priv.h"
#include <stdlib.h>
#include <string.h>

/* The address of a thread-local is the thread's identity: unique among living threads and free to compare. */
static const void *self(void)
{
	static _Thread_local char me;
	return &me;
}

bool store_holds_tx(ns_store *s)
{
	return atomic_load_explicit(&s->owner, memory_order_relaxed) == self(); /* only we can have stored our own address */
}

int64_t store_now(const ns_store *s)
{
	int64_t now = ns_clock_wall_ms(s->clock);
	return now > 0 ? now : 1;
}

const char *store_or_empty(const char *s)
{
	return s ? s : "";
}

/* ---- transactions ---- */
static void release_writer(ns_store *s)
{
	atomic_store_explicit(&s->owner, NULL, memory_order_relaxed);
	pthread_mutex_unlock(&s->write_mu);
}

bool ns_store_begin(ns_store *s, ns_err *err)
{
	if (s->readonly)
		return ns_fail(err, NS_E_DENIED, "%s was opened for reading only", s->path);
	if (store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "this thread is inside a transaction already");
	pthread_mutex_lock(&s->write_mu);
	if (!conn_exec(&s->writer, "BEGIN IMMEDIATE", err)) {
		pthread_mutex_unlock(&s->write_mu);
		return false;
	}
	ns_err_clear(&s->poison);
	atomic_store_explicit(&s->owner, self(), memory_order_relaxed);
	return true;
}

/* SQLite may have rolled back by itself (disk full): then there is nothing left to do, and ROLLBACK would be an error. */
static void undo(ns_store *s)
{
	if (!sqlite3_get_autocommit(s->writer.db))
		conn_exec(&s->writer, "ROLLBACK", NULL);
	release_writer(s);
}

bool ns_store_commit(ns_store *s, ns_err *err)
{
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "commit outside a transaction");
	if (s->poison.code) {
		if (err)
			*err = s->poison;
		undo(s);
		return false;
	}
	if (!conn_exec(&s->writer, "COMMIT", err)) {
		undo(s);
		return false;
	}
	release_writer(s);
	return true;
}

void ns_store_rollback(ns_store *s)
{
	if (store_holds_tx(s))
		undo(s);
}

/* ---- readers ---- */
static conn *take_reader(ns_store *s, ns_err *err)
{
	conn *c = NULL;
	pthread_mutex_lock(&s->pool_mu);
	if (s->n_idle)
		c = s->idle[--s->n_idle];
	pthread_mutex_unlock(&s->pool_mu);
	if (c)
		return c;
	c = ns_xcalloc(1, sizeof *c);
	if (conn_open(c, s->path, SQLITE_OPEN_READONLY, err))
		return c;
	free(c);
	return NULL;
}

static void give_reader(ns_store *s, conn *c)
{
	pthread_mutex_lock(&s->pool_mu);
	bool kept = s->n_idle < STORE_POOL;
	if (kept)
		s->idle[s->n_idle++] = c;
	pthread_mutex_unlock(&s->pool_mu);
	if (!kept) {
		conn_close(c);
		free(c);
	}
}

/* ---- statements ---- */
static sqlite3_stmt *prepared(conn *c, const char *sql, ns_err *err)
{
	for (size_t i = 0; i < c->n_cache; i++) {
		if (c->cache[i].sql == sql)
			return c->cache[i].stmt;
	}
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
	if (rc != SQLITE_OK) {
		conn_fail(c, rc, err);
		return NULL;
	}
	c->cache = ns_xrealloc(c->cache, (c->n_cache + 1) * sizeof *c->cache);
	c->cache[c->n_cache++] = (struct cached){sql, st};
	return st;
}

static int bind_one(sqlite3_stmt *st, int at, const bind *b)
{
	if (b->type == BIND_INT)
		return sqlite3_bind_int64(st, at, b->i);
	return b->type == BIND_BLOB ? sqlite3_bind_blob64(st, at, b->s, (sqlite3_uint64)b->i, SQLITE_STATIC) : sqlite3_bind_text(st, at, b->s, -1, SQLITE_STATIC);
}

/* The first failure inside a transaction decides what its commit says. */
static void poison(cursor *cur, const ns_err *why)
{
	if (cur->c == &cur->s->writer && !cur->s->poison.code)
		cur->s->poison = *why;
}

static bool failed(cursor *cur, int rc, ns_err *err)
{
	ns_err why = {0};
	conn_fail(cur->c, rc, &why);
	poison(cur, &why);
	if (err)
		*err = why;
	return false;
}

bool store_open_cursor(ns_store *s, cursor *cur, ns_err *err, const char *sql, const bind *b, size_t n)
{
	bool tx = store_holds_tx(s);
	*cur = (cursor){.s = s, .c = &s->writer};
	if (tx && s->poison.code) {
		if (err)
			*err = s->poison;
		return false;
	}
	if (!tx && !(cur->c = take_reader(s, err)))
		return false;
	ns_err why = {0};
	if (!(cur->stmt = prepared(cur->c, sql, &why))) {
		poison(cur, &why);
		if (err)
			*err = why;
		store_close_cursor(cur);
		return false;
	}
	int rc = SQLITE_OK;
	for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
		rc = bind_one(cur->stmt, (int)i + 1, &b[i]);
	if (rc == SQLITE_OK)
		return true;
	failed(cur, rc, err);
	store_close_cursor(cur);
	return false;
}

step store_step(cursor *cur, ns_err *err)
{
	int rc = sqlite3_step(cur->stmt);
	if (rc == SQLITE_ROW)
		return STEP_ROW;
	if (rc == SQLITE_DONE)
		return STEP_END;
	failed(cur, rc, err);
	return STEP_FAILED;
}

void store_close_cursor(cursor *cur)
{
	if (cur->stmt) {
		sqlite3_reset(cur->stmt);
		sqlite3_clear_bindings(cur->stmt); /* they point into memory of the caller */
	}
	if (cur->c != &cur->s->writer)
		give_reader(cur->s, cur->c);
}

bool store_write(ns_store *s, int64_t *changed, ns_err *err, const char *sql, const bind *b, size_t n)
{
	cursor cur;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "a write outside a transaction");
	if (!store_open_cursor(s, &cur, err, sql, b, n))
		return false;
	bool ok = store_step(&cur, err) != STEP_FAILED;
	if (ok && changed)
		*changed = sqlite3_changes64(s->writer.db);
	store_close_cursor(&cur);
	return ok;
}

bool store_write_one(ns_store *s, const char *what, int64_t id, ns_err *err, const char *sql, const bind *b, size_t n)
{
	int64_t changed = 0;
	if (!store_write(s, &changed, err, sql, b, n))
		return false;
	return changed || ns_fail(err, NS_E_NOTFOUND, "%s %lld: not found", what, (long long)id);
}

int64_t store_last_id(ns_store *s)
{
	return sqlite3_last_insert_rowid(s->writer.db);
}

/* ---- rows ---- */
static bool decode(ns_arena *ar, const shape *sh, sqlite3_stmt *st, void *out, ns_err *err)
{
	if ((size_t)sqlite3_column_count(st) != sh->n)
		return ns_fail(err, NS_E_FAILED, "%s: %d columns for %zu fields", sh->what, sqlite3_column_count(st), sh->n);
	for (int i = 0; i < (int)sh->n; i++) {
		const column *c = &sh->cols[i];
		void *field = (char *)out + c->at;
		const char *text = c->type >= COL_TEXT && c->type != COL_BOOL ? (const char *)sqlite3_column_text(st, i) : NULL;
		switch (c->type) {
		case COL_INT: *(int64_t *)field = sqlite3_column_int64(st, i); break;
		case COL_BOOL: *(bool *)field = sqlite3_column_int64(st, i) != 0; break;
		case COL_TEXT:
			*(const char **)field = ns_arena_strndup(ar, store_or_empty(text), (size_t)sqlite3_column_bytes(st, i));
			break;
		case COL_WORD:
			if (!c->parse(store_or_empty(text), field))
				return ns_fail(err, NS_E_INVALID, "%s: \"%s\" is not a known %s", sh->what, store_or_empty(text),
				    sqlite3_column_name(st, i));
		}
	}
	return true;
}

bool store_row(ns_store *s, ns_arena *ar, const shape *sh, void *out, ns_err *err, const char *sql, const bind *b, size_t n)
{
	cursor cur;
	memset(out, 0, sh->size);
	if (!store_open_cursor(s, &cur, err, sql, b, n))
		return false;
	step st = store_step(&cur, err);
	bool ok =
	    st == STEP_ROW ? decode(ar, sh, cur.stmt, out, err) : st == STEP_END && ns_fail(err, NS_E_NOTFOUND, "%s: not found", sh->what);
	store_close_cursor(&cur);
	return ok;
}

void *store_rows(ns_store *s, ns_arena *ar, const shape *sh, size_t *count, ns_err *err, const char *sql, const bind *b, size_t n)
{
	cursor cur;
	*count = 0;
	if (!store_open_cursor(s, &cur, err, sql, b, n))
		return NULL;
	ns_buf rows = NS_BUF_INIT; /* structs back to back: how many there are is known at the end */
	step st;
	bool ok = true;
	while (ok && (st = store_step(&cur, err)) != STEP_END) {
		ns_buf_reserve(&rows, sh->size);
		memset(rows.data + rows.len, 0, sh->size);
		ok = st == STEP_ROW && decode(ar, sh, cur.stmt, rows.data + rows.len, err);
		rows.len += sh->size;
	}
	store_close_cursor(&cur);
	void *out = NULL;
	if (ok) {
		*count = rows.len / sh->size;
		out = ns_arena_alloc(ar, rows.len ? rows.len : 1);
		if (rows.len)
			memcpy(out, rows.data, rows.len);
	}
	ns_buf_free(&rows);
	return out;
}
