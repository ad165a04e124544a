/* A store in a directory of its own on a clock that the test moves. */
#ifndef NEUROSCALE_TESTS_STORE_FIXTURE_H
#define NEUROSCALE_TESTS_STORE_FIXTURE_H
#include "neuroscale/store/store.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALL0    INT64_C(1790000000000) /* 2026-09-21T14:13:20Z */
#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

typedef struct fixture {
	char dir[96], db[128];
	ns_clock *clock;
	ns_arena *ar;
	ns_store *s;
	ns_err err;
} fixture;

#define OK(f, expr)                                                                                                                        \
	do {                                                                                                                               \
		ns_err_clear(&(f)->err);                                                                                                   \
		if (!(expr))                                                                                                               \
			fail_msg("%s: %s", #expr, (f)->err.text);                                                                          \
	} while (0)
#define FAILS(f, want, expr)                                                                                                               \
	do {                                                                                                                               \
		ns_err_clear(&(f)->err);                                                                                                   \
		if (expr)                                                                                                                  \
			fail_msg("%s succeeded", #expr);                                                                                   \
		if ((f)->err.code != (want))                                                                                               \
			fail_msg("%s: code %d, not %d: %s", #expr, (int)(f)->err.code, (int)(want), (f)->err.text);                        \
	} while (0)
#define TX(f, expr)                                                                                                                        \
	do {                                                                                                                               \
		OK(f, ns_store_begin((f)->s, &(f)->err));                                                                                  \
		OK(f, expr);                                                                                                               \
		OK(f, ns_store_commit((f)->s, &(f)->err));                                                                                 \
	} while (0)
#define TX_FAILS(f, want, expr)                                                                                                            \
	do {                                                                                                                               \
		OK(f, ns_store_begin((f)->s, &(f)->err));                                                                                  \
		FAILS(f, want, expr);                                                                                                      \
		ns_store_rollback((f)->s);                                                                                                 \
	} while (0)

static inline void fixture_dir(fixture *f)
{
	const char *tmp = getenv("TMPDIR");
	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "%s/nsstore.XXXXXX", tmp && strlen(tmp) < 60 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof f->db, "%s/neuroscale.db", f->dir);
	f->clock = ns_clock_manual(WALL0, 1000000);
	f->ar = ns_arena_new();
}

static inline void fixture_open(fixture *f)
{
	f->s = ns_store_open(f->dir, f->clock, &f->err);
	if (!f->s)
		fail_msg("open: %s", f->err.text);
}

static inline void fixture_reopen(fixture *f)
{
	ns_store_close(f->s);
	fixture_open(f);
}

static inline void fixture_end(fixture *f)
{
	ns_store_close(f->s);
	ns_rm_tree(f->dir, NULL);
	ns_arena_free(f->ar);
	ns_clock_free(f->clock);
}

static inline int setup_store(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	fixture_dir(f);
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int setup_dir(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	fixture_dir(f);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	fixture_end(*state);
	free(*state);
	return 0;
}

static inline ns_alert alert_of(const char *workload)
{
	static const char *const pods[] = {"web-1", "web-2", "web-3"};
	return (ns_alert){.kind = NS_KIND_OOM_KILLED,
	    .severity = NS_SEV_WARN,
	    .target = {.cluster = "c1", .ns = "shop", .kind = "Deployment", .name = workload, .uid = "uid-1"},
	    .container = "app",
	    .reason = "OOMKilled",
	    .message = "killed",
	    .pods = pods,
	    .n_pods = 3,
	    .first_ms = WALL0 - 5000,
	    .seen_ms = WALL0,
	    .policy = "",
	    .rule = "",
	    .object_uid = "uid-1"};
}

/* Opens an incident in a transaction of its own. */
static inline int64_t open_incident(fixture *f, const char *workload)
{
	ns_alert a = alert_of(workload);
	int64_t id = 0;
	bool is_new = false;
	TX(f, ns_store_incident_open(f->s, &a, &id, &is_new, &f->err));
	return id;
}

static inline ns_incident incident_of(fixture *f, int64_t id)
{
	ns_incident inc;
	OK(f, ns_store_incident_get(f->s, f->ar, id, &inc, &f->err));
	return inc;
}

static inline void move(fixture *f, int64_t id, ns_state to)
{
	ns_incident inc = incident_of(f, id);
	TX(f, ns_store_transition(f->s, id, inc.state, inc.version, to, NS_VERDICT_NONE, "", &f->err));
}

/* A second pair of hands on the file, as somebody with a shell would have them. */
static inline void raw_sql(fixture *f, const char *sql)
{
	sqlite3 *db;
	char *msg = NULL;
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK)
		fail_msg("%s: %s", sql, msg);
	sqlite3_close(db);
}

static inline bool raw_refused(fixture *f, const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	bool refused = sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK;
	sqlite3_close(db);
	return refused;
}

static inline int64_t raw_int(fixture *f, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return v;
}
#endif
