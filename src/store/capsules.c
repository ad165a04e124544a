/* Undo capsules: every move is one UPDATE that names the states it may come from, so that of any number of takers exactly one has it. */
#include "neuroscale/store/capsule.h"
#include "store_priv.h"
#include <inttypes.h>
#include <string.h>

static const char *const names[NS_CAP_COUNT] = {"valid", "armed", "taken", "undone", "expired", "failed", "void"};

const char *ns_capsule_state_name(ns_capsule_state s)
{
	return names[(unsigned)s < NS_CAP_COUNT ? s : NS_CAP_FAILED];
}

bool ns_capsule_usable(ns_capsule_state s)
{
	return s == NS_CAP_VALID || s == NS_CAP_ARMED;
}

static bool state_word(const char *word, void *field)
{
	for (int i = 0; i < NS_CAP_COUNT; i++)
		if (strcmp(word, names[i]) == 0) {
			*(ns_capsule_state *)field = (ns_capsule_state)i;
			return true;
		}
	return false;
}

#define COLUMNS                                                                                                                            \
	"c.id, c.incident, c.plan, c.cluster, c.target, c.action, c.state, c.summary, c.digest, c.command, c.diff, c.taken_by, c.why, "    \
	"c.waits,"                                                                                                                         \
	" coalesce((SELECT x.id FROM intents x WHERE x.id = c.undo_intent AND x.outcome NOT IN ('refused', 'failed')), 0), (SELECT "       \
	"coalesce(x.approval, 0) FROM intents x WHERE x.id = c.id), c.made_ms, c.until_ms, c.taken_ms, c.changed_ms"
#define AT(field) offsetof(ns_capsule, field)
static const column cols[] = {
    {COL_INT, AT(id), NULL},
    {COL_INT, AT(incident), NULL},
    {COL_INT, AT(plan), NULL},
    {COL_TEXT, AT(cluster), NULL},
    {COL_TEXT, AT(target), NULL},
    {COL_TEXT, AT(action), NULL},
    {COL_WORD, AT(state), state_word},
    {COL_TEXT, AT(summary), NULL},
    {COL_TEXT, AT(digest), NULL},
    {COL_TEXT, AT(command), NULL},
    {COL_TEXT, AT(diff), NULL},
    {COL_TEXT, AT(by), NULL},
    {COL_TEXT, AT(why), NULL},
    {COL_TEXT, AT(waits), NULL},
    {COL_INT, AT(undo_intent), NULL},
    {COL_INT, AT(approval), NULL},
    {COL_INT, AT(made_ms), NULL},
    {COL_INT, AT(until_ms), NULL},
    {COL_INT, AT(taken_ms), NULL},
    {COL_INT, AT(changed_ms), NULL},
};
static const shape capsule_shape = SHAPE(ns_capsule, cols, "undo capsule");

/* ---- moving ---- */

#define EXCEPTION "'policy_exception'"

bool ns_store_capsule_put(ns_store *s, const ns_capsule *c, ns_err *err)
{
	return store_write(s, NULL, err,
	           "INSERT INTO capsules (id, incident, plan, cluster, target, action, summary, made_ms, until_ms, changed_ms)"
	           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8)",
	           BINDS(INT(c->id), INT(c->incident), INT(c->plan), TEXT(c->cluster), TEXT(c->target), TEXT(c->action),
	               TEXT(store_or_empty(c->summary)), INT(store_now(s)), INT(c->until_ms))) ||
	       ns_err_wrap(err, "incident %lld, undo capsule", (long long)c->incident);
}

/* Nothing was updated: says what it is instead. */
static bool moved(ns_store *s, int64_t id, ns_err *err)
{
	ns_capsule c;
	char at[32];
	ns_arena *ar = ns_arena_new();
	bool there = ns_store_capsule_get(s, ar, id, &c, err);
	if (there && c.state == NS_CAP_TAKEN) {
		ns_time_format(c.taken_ms, at);
		ns_fail(err, NS_E_CONFLICT, "the change of incident %lld is being taken back already: %s asked for it at %s",
		    (long long)c.incident, c.by, at);
	} else if (there && c.state == NS_CAP_UNDONE) {
		ns_time_format(c.changed_ms, at);
		ns_fail(
		    err, NS_E_CONFLICT, "the change of incident %lld was taken back already, by %s at %s", (long long)c.incident, c.by, at);
	} else if (there) {
		ns_fail(err, NS_E_CONFLICT, "the undo of incident %lld is %s%s%s", (long long)c.incident, ns_capsule_state_name(c.state),
		    *c.why ? ": " : "", c.why);
	}
	ns_arena_free(ar);
	return false;
}

/* That the server would take it back proves that the change stands: an older change of the same object does not any more. */
bool ns_store_capsule_arm(ns_store *s, int64_t id, const char *digest, const char *command, const char *diff, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err,
	        "UPDATE capsules SET state = 'armed', digest = ?2, command = ?3, diff = ?4, why = '', changed_ms = ?5 WHERE id = ?1 AND "
	        "state IN ('valid', 'armed')",
	        BINDS(INT(id), TEXT(digest), TEXT(store_or_empty(command)), TEXT(store_or_empty(diff)), INT(store_now(s)))))
		return false;
	if (!changed)
		return moved(s, id, err);
	return store_write(s, NULL, err,
	    "UPDATE capsules SET state = 'void', why = 'a later change of the same object took its place', changed_ms = ?2"
	    " WHERE id < ?1 AND state IN ('valid', 'armed') AND action <> " EXCEPTION
	    " AND (cluster, target) IN (SELECT x.cluster, x.target FROM capsules x WHERE x.id = ?1 AND x.action <> " EXCEPTION ")",
	    BINDS(INT(id), INT(store_now(s))));
}

bool ns_store_capsule_take(ns_store *s, int64_t id, const char *digest, const char *by, const char *why, bool at_end, ns_err *err)
{
	ns_capsule c;
	int64_t changed, now = store_now(s);
	ns_arena *ar = ns_arena_new();
	bool ok = ns_store_capsule_get(s, ar, id, &c, err);
	if (ok && ns_capsule_usable(c.state) && digest && strcmp(digest, c.digest) != 0)
		ok = ns_fail(err, NS_E_CONFLICT, "the undo of incident %lld has another digest now (%.12s): look at it again",
		    (long long)c.incident, c.digest);
	else if (ok && ns_capsule_usable(c.state) && !at_end && now >= c.until_ms)
		ok = ns_fail(
		    err, NS_E_EXPIRED, "the time in which the change of incident %lld could be taken back is over", (long long)c.incident);
	ns_arena_free(ar);
	if (!ok || !store_write(s, &changed, err,
	               "UPDATE capsules SET state = 'taken', taken_by = ?2, why = ?3, taken_ms = ?4, changed_ms = ?4 WHERE id = ?1 AND "
	               "state IN ('valid', 'armed')",
	               BINDS(INT(id), TEXT(by), TEXT(store_or_empty(why)), INT(now))))
		return false;
	return changed || moved(s, id, err);
}

bool ns_store_capsule_send(ns_store *s, int64_t id, int64_t undo_intent, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err,
	        "UPDATE capsules SET undo_intent = ?2, changed_ms = ?3, digest = iif(digest = '', (SELECT x.digest FROM intents x WHERE "
	        "x.id = ?2), digest)"
	        " WHERE id = ?1 AND state = 'taken' AND (undo_intent IS NULL OR"
	        " (SELECT x.outcome FROM intents x WHERE x.id = undo_intent) IN ('refused', 'failed'))",
	        BINDS(INT(id), INT(undo_intent), INT(store_now(s)))))
		return false;
	return changed || ns_fail(err, NS_E_CONFLICT, "the undo of intent %" PRId64 " was sent already, or nobody asked for it", id);
}

bool ns_store_capsule_wait(ns_store *s, int64_t id, const char *what_for, ns_err *err)
{
	return store_write(s, NULL, err,
	    "UPDATE capsules SET waits = ?2, changed_ms = ?3 WHERE id = ?1 AND state = 'taken' AND waits <> ?2",
	    BINDS(INT(id), TEXT(store_or_empty(what_for)), INT(store_now(s))));
}

bool ns_store_capsule_back(ns_store *s, int64_t id, const char *why, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err,
	        "UPDATE capsules SET state = iif(digest = '', 'valid', 'armed'), taken_by = '', undo_intent = NULL, why = ?2, waits = '', "
	        "taken_ms = 0, changed_ms = ?3"
	        " WHERE id = ?1 AND state = 'taken' AND (undo_intent IS NULL OR"
	        " (SELECT x.outcome FROM intents x WHERE x.id = undo_intent) IN ('refused', 'failed'))",
	        BINDS(INT(id), TEXT(store_or_empty(why)), INT(store_now(s)))))
		return false;
	return changed || moved(s, id, err);
}

bool ns_store_capsule_end(ns_store *s, int64_t id, ns_capsule_state to, const char *why, ns_err *err)
{
	int64_t changed;
	if (ns_capsule_usable(to) || to == NS_CAP_TAKEN)
		return ns_fail(err, NS_E_FAILED, "%s is no end of an undo capsule", ns_capsule_state_name(to));
	if (!store_write(s, &changed, err,
	        "UPDATE capsules SET state = ?2, why = ?3, waits = '', changed_ms = ?4 WHERE id = ?1 AND state IN ('valid', 'armed', "
	        "'taken')",
	        BINDS(INT(id), TEXT(ns_capsule_state_name(to)), TEXT(store_or_empty(why)), INT(store_now(s)))))
		return false;
	return changed || moved(s, id, err);
}

/* ---- reading ---- */

bool ns_store_capsule_get(ns_store *s, ns_arena *ar, int64_t id, ns_capsule *out, ns_err *err)
{
	return store_row(s, ar, &capsule_shape, out, err, "SELECT " COLUMNS " FROM capsules c WHERE c.id = ?1", BINDS(INT(id))) ||
	       ns_err_wrap(err, "intent %lld", (long long)id);
}

bool ns_store_capsule_of(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err)
{
	return store_row(s, ar, &capsule_shape, out, err,
	           "SELECT " COLUMNS " FROM capsules c WHERE c.incident = ?1 ORDER BY c.id DESC LIMIT 1", BINDS(INT(incident))) ||
	       ns_err_wrap(err, "incident %lld", (long long)incident);
}

bool ns_store_capsule_usable(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err)
{
	return store_row(s, ar, &capsule_shape, out, err,
	           "SELECT " COLUMNS " FROM capsules c WHERE c.incident = ?1 AND c.state IN ('valid', 'armed') ORDER BY c.id DESC LIMIT 1",
	           BINDS(INT(incident))) ||
	       ns_err_wrap(err, "incident %lld", (long long)incident);
}

bool ns_store_capsule_taken(ns_store *s, ns_arena *ar, int64_t incident, ns_capsule *out, ns_err *err)
{
	return store_row(s, ar, &capsule_shape, out, err,
	           "SELECT " COLUMNS " FROM capsules c WHERE c.incident = ?1 AND c.state = 'taken' ORDER BY c.id LIMIT 1",
	           BINDS(INT(incident))) ||
	       ns_err_wrap(err, "incident %lld", (long long)incident);
}

bool ns_store_capsule_undone(
    ns_store *s, ns_arena *ar, const char *cluster, const char *target, int64_t since_ms, ns_capsule *out, ns_err *err)
{
	return store_row(s, ar, &capsule_shape, out, err,
	    "SELECT " COLUMNS " FROM capsules c WHERE c.cluster = ?1 AND c.target = ?2 AND c.state = 'undone' AND c.taken_by <> 'timer'"
	    " AND c.changed_ms >= ?3 ORDER BY c.id DESC LIMIT 1",
	    BINDS(TEXT(cluster), TEXT(target), INT(since_ms)));
}

bool ns_store_capsules_open(ns_store *s, ns_arena *ar, ns_capsule **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &capsule_shape, n, err,
	    "SELECT " COLUMNS " FROM capsules c JOIN incidents i ON i.id = c.incident"
	    " WHERE c.state IN ('valid', 'armed', 'taken') OR (c.state = 'failed' AND (i.closed_ms = 0 OR c.action = " EXCEPTION ")"
	    " AND NOT EXISTS (SELECT 1 FROM capsules x WHERE x.incident = c.incident AND x.id > c.id))"
	    " ORDER BY c.id DESC",
	    NONE);
	return *out != NULL;
}

typedef struct text {
	const char *json;
} text;
static const column text_cols[] = {{COL_TEXT, offsetof(text, json), NULL}};
static const shape text_shape = SHAPE(text, text_cols, "plan");

ns_plan *ns_store_capsule_plan(ns_store *s, ns_arena *ar, const ns_capsule *c, ns_err *err)
{
	text t;
	if (!store_row(s, ar, &text_shape, &t, err, "SELECT json FROM facts WHERE seq = ?1 AND incident = ?2 AND name = 'plan'",
	        BINDS(INT(c->plan), INT(c->incident))))
		return NULL;
	cJSON *j = ns_json_parse(t.json, strlen(t.json), &store_fact_limits, err);
	ns_plan *p = j ? ns_plan_from_json(ar, j, err) : NULL;
	cJSON_Delete(j);
	return p;
}

typedef struct tally {
	int64_t n;
} tally;
static const column tally_cols[] = {{COL_INT, offsetof(tally, n), NULL}};
static const shape tally_shape = SHAPE(tally, tally_cols, "undo capsules");

int64_t ns_store_capsules_by(ns_store *s, int64_t incident, const char *by)
{
	tally t;
	return store_row(s, NULL, &tally_shape, &t, NULL, "SELECT count(*) FROM capsules WHERE incident = ?1 AND taken_by = ?2",
	           BINDS(INT(incident), TEXT(by)))
	           ? t.n
	           : INT64_MAX;
}
