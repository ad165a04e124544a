/* Intents: what is about to be sent, on disk before it is sent (law 8). One open intent per target; an approval carries one effect. */
#include "store_priv.h"
#include <string.h>

#define INTENT_COLUMNS                                                                                                                     \
	"id, incident, coalesce(approval, 0), digest, action, target, cluster, argv_json, body, lock_path, lease_transitions,"             \
	" started_ms, finished_ms, finished_ms <> 0, outcome, detail, undo"
#define AT(field) offsetof(ns_intent, field)
static const column intent_cols[] = {
    {COL_INT, AT(id), NULL},
    {COL_INT, AT(incident), NULL},
    {COL_INT, AT(approval), NULL},
    {COL_TEXT, AT(digest), NULL},
    {COL_TEXT, AT(action), NULL},
    {COL_TEXT, AT(target), NULL},
    {COL_TEXT, AT(cluster), NULL},
    {COL_TEXT, AT(argv_json), NULL},
    {COL_TEXT, AT(body), NULL},
    {COL_TEXT, AT(lock_path), NULL},
    {COL_INT, AT(lease_transitions), NULL},
    {COL_INT, AT(started_ms), NULL},
    {COL_INT, AT(finished_ms), NULL},
    {COL_BOOL, AT(finished), NULL},
    {COL_TEXT, AT(outcome), NULL},
    {COL_TEXT, AT(detail), NULL},
    {COL_BOOL, AT(undo), NULL},
};
static const shape intent_shape = SHAPE(ns_intent, intent_cols, "intent");

/* Laws 5 and 6 a second time: an approval that is cited must be a yes, of this incident, to exactly this digest. An undo answers to the
 * approval of what it undoes, so its digest is its own. */
static bool check_approval(ns_store *s, const ns_intent *i, ns_err *err)
{
	ns_approval a;
	if (!i->approval)
		return true;
	ns_arena *ar = ns_arena_new();
	bool ok = ns_store_approval_get(s, ar, i->approval, &a, err);
	if (ok && a.state != NS_APPR_APPROVED)
		ok = ns_fail(err, NS_E_CONFLICT, "approval %lld is %s, not approved", (long long)a.id, ns_appr_state_name(a.state));
	else if (ok && a.incident != i->incident)
		ok = ns_fail(err, NS_E_CONFLICT, "approval %lld is for incident %lld, not %lld", (long long)a.id, (long long)a.incident,
		    (long long)i->incident);
	else if (ok && !i->undo && strcmp(a.digest, i->digest) != 0)
		ok = ns_fail(err, NS_E_CONFLICT, "approval %lld is for something else (digest %.12s, not %.12s)", (long long)a.id, a.digest,
		    i->digest);
	ns_arena_free(ar);
	return ok;
}

bool ns_store_intent_start(ns_store *s, const ns_intent *i, int64_t *id, ns_err *err)
{
	int64_t changed;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "an intent outside a transaction");
	if (!check_approval(s, i, err))
		return false;
	if (!store_write(s, &changed, err,
	        "INSERT INTO intents (incident, approval, digest, action, target, cluster, argv_json, body, lock_path, lease_transitions,"
	        " started_ms, undo) VALUES (?1, nullif(?2, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
	        BINDS(INT(i->incident), INT(i->approval), TEXT(store_or_empty(i->digest)), TEXT(store_or_empty(i->action)),
	            TEXT(store_or_empty(i->target)), TEXT(store_or_empty(i->cluster)), TEXT(store_or_empty(i->argv_json)),
	            TEXT(store_or_empty(i->body)), TEXT(store_or_empty(i->lock_path)), INT(i->lease_transitions), INT(store_now(s)),
	            INT(i->undo))))
		return ns_err_wrap(err, "incident %lld, intent", (long long)i->incident);
	if (!changed)
		return ns_fail(err, NS_E_CONFLICT, "an action on %s in %s is under way already, or approval %lld was used",
		    store_or_empty(i->target), store_or_empty(i->cluster), (long long)i->approval);
	*id = store_last_id(s);
	return true;
}

bool ns_store_intent_finish(ns_store *s, int64_t id, const char *outcome, const char *detail, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err,
	        "UPDATE intents SET outcome = ?2, detail = ?3, finished_ms = ?4 WHERE id = ?1 AND finished_ms = 0",
	        BINDS(INT(id), TEXT(outcome), TEXT(store_or_empty(detail)), INT(store_now(s)))))
		return false;
	return changed || ns_fail(err, NS_E_CONFLICT, "intent %lld has its outcome already, or does not exist", (long long)id);
}

bool ns_store_intents_open(ns_store *s, ns_arena *ar, ns_intent **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &intent_shape, n, err, "SELECT " INTENT_COLUMNS " FROM intents WHERE finished_ms = 0 ORDER BY id", NONE);
	return *out != NULL;
}

bool ns_store_intents_of(ns_store *s, ns_arena *ar, int64_t incident, ns_intent **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &intent_shape, n, err, "SELECT " INTENT_COLUMNS " FROM intents WHERE incident = ?1 ORDER BY id", BINDS(INT(incident)));
	return *out != NULL;
}

bool ns_store_intent_latest(ns_store *s, ns_arena *ar, int64_t incident, ns_intent *out, ns_err *err)
{
	return store_row(s, ar, &intent_shape, out, err,
	           "SELECT " INTENT_COLUMNS " FROM intents WHERE incident = ?1 ORDER BY id DESC LIMIT 1", BINDS(INT(incident))) ||
	       ns_err_wrap(err, "incident %lld", (long long)incident);
}

typedef struct tally {
	int64_t n, last_ms;
} tally;
static const column tally_cols[] = {{COL_INT, offsetof(tally, n), NULL}, {COL_INT, offsetof(tally, last_ms), NULL}};
static const shape tally_shape = SHAPE(tally, tally_cols, "intents");

/* When it cannot be known it is more than any limit: limits and cool-downs fail closed. */
int64_t ns_store_intents_since(ns_store *s, const char *cluster, const char *target, int64_t since_ms, int64_t *last_ms)
{
	tally t;
	bool ok = store_row(s, NULL, &tally_shape, &t, NULL,
	    "SELECT count(*), coalesce(max(started_ms), 0) FROM intents WHERE started_ms >= ?1 AND (?2 IS NULL OR cluster = ?2)"
	    " AND (?3 IS NULL OR target = ?3)",
	    BINDS(INT(since_ms), TEXT(cluster), TEXT(target)));
	if (last_ms)
		*last_ms = ok ? t.last_ms : store_now(s);
	return ok ? t.n : INT64_MAX;
}

int64_t ns_store_intents_in_ns(ns_store *s, const char *cluster, const char *ns, int64_t since_ms)
{
	tally t;
	bool ok = store_row(s, NULL, &tally_shape, &t, NULL,
	    "SELECT count(*), 0 FROM intents WHERE started_ms >= ?1 AND cluster = ?2 AND substr(target, 1, length(?3) + 1) = ?3 || '/'",
	    BINDS(INT(since_ms), TEXT(cluster), TEXT(ns)));
	return ok ? t.n : INT64_MAX;
}

bool ns_store_target_busy(ns_store *s, const ns_workload *w, int64_t except)
{
	tally t;
	return !store_row(s, NULL, &tally_shape, &t, NULL,
	           "SELECT count(*), 0 FROM incidents WHERE closed_ms = 0 AND id <> ?5 AND state IN ('verifying', 'undoing')"
	           " AND cluster = ?1 AND ns = ?2 AND owner_kind = ?3 AND name = ?4",
	           BINDS(TEXT(w->cluster), TEXT(w->ns), TEXT(w->kind), TEXT(w->name), INT(except))) ||
	       t.n > 0;
}
