/* Inside the store: connections, cached statements, and rows as tables, so that an operation is its SQL, its binds and its shape.
 *
 * Threads: the write connection belongs to the thread that began the transaction, until it ends. A read connection belongs to the
 * call that took it from the pool. So no connection is ever used by two threads at once and SQLite's own mutexes are off.
 *
 * A statement that SQLite failed poisons its transaction: commit refuses it and reports the first failure. Without this a full disk
 * in the middle, after which SQLite may have rolled back by itself, would let the rest run outside any transaction. */
#ifndef NEUROSCALE_STORE_PRIV_H
#define NEUROSCALE_STORE_PRIV_H
#include "neuroscale/store/store.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { STORE_POOL = 8 }; /* idle readers kept; more are opened under load and closed again */

typedef struct conn {
	sqlite3 *db;
	struct cached {
		const char *sql;
		sqlite3_stmt *stmt;
	} * cache; /* by the address of the literal */
	size_t n_cache;
} conn;

struct ns_store {
	const ns_clock *clock;
	char *path;
	bool readonly;
	pthread_mutex_t write_mu;    /* held from begin to commit or rollback */
	_Atomic(const void *) owner; /* identity of the thread that holds it, NULL none */
	conn writer;                 /* under write_mu */
	ns_err poison;               /* under write_mu: the first failure of this transaction */
	pthread_mutex_t pool_mu;
	conn *idle[STORE_POOL]; /* under pool_mu */
	size_t n_idle;
};

/* ---- binds ---- */
typedef struct bind {
	enum { BIND_INT, BIND_TEXT, BIND_BLOB } type;
	int64_t i;     /* of a blob: its bytes */
	const void *s; /* NULL binds NULL; must live until the statement has run */
} bind;
#define INT(v)                                                                                                                             \
	{                                                                                                                                  \
		.type = BIND_INT, .i = (v)                                                                                                 \
	}
#define TEXT(v)                                                                                                                            \
	{                                                                                                                                  \
		.type = BIND_TEXT, .s = (v)                                                                                                \
	}
#define BLOB(v, n)                                                                                                                         \
	{                                                                                                                                  \
		.type = BIND_BLOB, .i = (int64_t)(n), .s = (v)                                                                             \
	}
/* Every statement has at least one bind or says NONE. SQL must be a literal: its address is the cache key. */
#define BINDS(...) (const bind[]){__VA_ARGS__}, sizeof((const bind[]){__VA_ARGS__}) / sizeof(bind)
#define NONE       NULL, 0

/* ---- shapes: how the columns of a SELECT, in order, become a struct ---- */
typedef struct column {
	enum { COL_INT, COL_TEXT, COL_BOOL, COL_WORD } type;
	size_t at;
	bool (*parse)(const char *word, void *field); /* COL_WORD: a closed vocabulary, stored by name */
} column;
typedef struct shape {
	size_t size, n;
	const column *cols;
	const char *what; /* for errors: "incident" */
} shape;
#define SHAPE(type, cols, what)                                                                                                            \
	{                                                                                                                                  \
		sizeof(type), sizeof(cols) / sizeof((cols)[0]), cols, what                                                                 \
	}

/* ---- statements ---- */
typedef struct cursor {
	ns_store *s;
	conn *c;
	sqlite3_stmt *stmt;
} cursor;
/* A statement over this thread's transaction when it holds one, else over a reader of its own. Close what was opened. */
bool store_open_cursor(ns_store *s, cursor *cur, ns_err *err, const char *sql, const bind *b, size_t n);
typedef enum step { STEP_ROW, STEP_END, STEP_FAILED } step;
step store_step(cursor *cur, ns_err *err);
void store_close_cursor(cursor *cur);

/* [tx] Runs one statement; *changed (may be NULL) is how many rows it touched. */
bool store_write(ns_store *s, int64_t *changed, ns_err *err, const char *sql, const bind *b, size_t n);
/* [tx] The same, but touching no row is NS_E_NOTFOUND ("what 7: not found"). */
bool store_write_one(ns_store *s, const char *what, int64_t id, ns_err *err, const char *sql, const bind *b, size_t n);
int64_t store_last_id(ns_store *s); /* [tx] rowid of the last INSERT */
/* [any] One row; NS_E_NOTFOUND when there is none. Strings go to the arena (may be NULL when the shape has none). */
bool store_row(ns_store *s, ns_arena *ar, const shape *sh, void *out, ns_err *err, const char *sql, const bind *b, size_t n);
/* [any] All rows as an array in the arena, NULL on error only. */
void *store_rows(ns_store *s, ns_arena *ar, const shape *sh, size_t *count, ns_err *err, const char *sql, const bind *b, size_t n);

bool store_holds_tx(ns_store *s);          /* does this thread? */
int64_t store_now(const ns_store *s);      /* wall time, never 0: 0 means "not yet" in every column */
const char *store_or_empty(const char *s); /* NULL gives "" */
extern const ns_json_limits store_fact_limits; /* what a fact may be, written or read */

/* ---- connections ---- */
bool conn_open(conn *c, const char *path, int flags, ns_err *err);
void conn_close(conn *c);
bool conn_exec(conn *c, const char *sql, ns_err *err); /* SQL without results */
bool conn_pragma_int(conn *c, const char *sql, int64_t *out, ns_err *err);
bool conn_fail(conn *c, int rc, ns_err *err); /* SQLite's code in our words; false */

/* ---- schema ---- */
bool schema_check(conn *c, const char *path, int64_t *version, ns_err *err); /* ours, and not newer; touches nothing */
bool schema_migrate(conn *c, const char *path, ns_err *err);
int64_t schema_current(void);
#endif
