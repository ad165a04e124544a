/* Incidents: opened once per identity, moved by compare-and-swap along the edges of model/vocab, stamped as each stage ends. */
#include "store_priv.h"
#include <string.h>

static bool state_word(const char *w, void *f)
{
	return ns_state_parse(w, f);
}

static bool kind_word(const char *w, void *f)
{
	return ns_kind_parse(w, f);
}

static bool severity_word(const char *w, void *f)
{
	return ns_severity_parse(w, f);
}

static bool verdict_word(const char *w, void *f)
{
	for (ns_verdict v = NS_VERDICT_NONE; v <= NS_VERDICT_UNKNOWN; v++) {
		if (strcmp(ns_verdict_name(v), w) == 0) {
			*(ns_verdict *)f = v;
			return true;
		}
	}
	return false;
}

#define INCIDENT_COLUMNS                                                                                                                   \
	"id, identity, state, version, kind, severity, cluster, ns, owner_kind, name, uid, container, reason, message, members,"           \
	" opened_ms, updated_ms, closed_ms, detected_ms, analyzed_ms, planned_ms, decided_ms, executed_ms, verified_ms,"                   \
	" cooldown_until_ms, attempts, verdict, note, last_rejected_case"
#define AT(field) offsetof(ns_incident, field)
static const column incident_cols[] = {
    {COL_INT, AT(id), NULL},
    {COL_TEXT, AT(identity), NULL},
    {COL_WORD, AT(state), state_word},
    {COL_INT, AT(version), NULL},
    {COL_WORD, AT(kind), kind_word},
    {COL_WORD, AT(severity), severity_word},
    {COL_TEXT, AT(target.cluster), NULL},
    {COL_TEXT, AT(target.ns), NULL},
    {COL_TEXT, AT(target.kind), NULL},
    {COL_TEXT, AT(target.name), NULL},
    {COL_TEXT, AT(target.uid), NULL},
    {COL_TEXT, AT(container), NULL},
    {COL_TEXT, AT(reason), NULL},
    {COL_TEXT, AT(message), NULL},
    {COL_INT, AT(members), NULL},
    {COL_INT, AT(opened_ms), NULL},
    {COL_INT, AT(updated_ms), NULL},
    {COL_INT, AT(closed_ms), NULL},
    {COL_INT, AT(detected_ms), NULL},
    {COL_INT, AT(analyzed_ms), NULL},
    {COL_INT, AT(planned_ms), NULL},
    {COL_INT, AT(decided_ms), NULL},
    {COL_INT, AT(executed_ms), NULL},
    {COL_INT, AT(verified_ms), NULL},
    {COL_INT, AT(cooldown_until_ms), NULL},
    {COL_INT, AT(attempts), NULL},
    {COL_WORD, AT(verdict), verdict_word},
    {COL_TEXT, AT(note), NULL},
    {COL_TEXT, AT(last_rejected_case), NULL},
};
static const shape incident_shape = SHAPE(ns_incident, incident_cols, "incident");

/* ---- opening ---- */
typedef struct held {
	int64_t id;
} held;
static const column held_cols[] = {{COL_INT, offsetof(held, id), NULL}};
static const shape held_shape = SHAPE(held, held_cols, "incident");

bool ns_store_incident_open(ns_store *s, const ns_alert *a, int64_t *id, bool *is_new, ns_err *err)
{
	char identity[2048];
	int64_t changed, now = store_now(s);
	held h;
	ns_identity(a, identity, sizeof identity);
	if (strlen(identity) + 1 >= sizeof identity) /* cut off, two workloads could share it */
		return ns_fail(err, NS_E_TOOBIG, "the identity of the alert is longer than %zu bytes", sizeof identity - 2);
	if (!store_write(s, &changed, err,
	        "INSERT INTO incidents (identity, state, kind, severity, cluster, ns, owner_kind, name, uid, container, reason, message,"
	        " members, opened_ms, updated_ms, detected_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, "
	        "?14)"
	        " ON CONFLICT (identity) WHERE closed_ms = 0 DO NOTHING",
	        BINDS(TEXT(identity), TEXT(ns_state_get(NS_ST_DETECTED)->name), TEXT(ns_kind_get(a->kind)->name),
	            TEXT(ns_severity_name(a->severity)), TEXT(store_or_empty(a->target.cluster)), TEXT(store_or_empty(a->target.ns)),
	            TEXT(store_or_empty(a->target.kind)), TEXT(store_or_empty(a->target.name)), TEXT(store_or_empty(a->target.uid)),
	            TEXT(store_or_empty(a->container)), TEXT(store_or_empty(a->reason)), TEXT(store_or_empty(a->message)),
	            INT((int64_t)a->n_pods), INT(now))))
		return false;
	*is_new = changed != 0;
	if (*is_new) {
		*id = store_last_id(s);
		return true;
	}
	bool ok = store_row(
	    s, NULL, &held_shape, &h, err, "SELECT id FROM incidents WHERE identity = ?1 AND closed_ms = 0", BINDS(TEXT(identity)));
	*id = h.id;
	return ok;
}

bool ns_store_incident_refresh(ns_store *s, int64_t id, const ns_alert *a, ns_err *err)
{
	return store_write_one(s, "incident", id, err,
	    "UPDATE incidents SET members = ?2, reason = ?3, message = ?4, severity = ?5, updated_ms = ?6 WHERE id = ?1",
	    BINDS(INT(id), INT((int64_t)a->n_pods), TEXT(store_or_empty(a->reason)), TEXT(store_or_empty(a->message)),
	        TEXT(ns_severity_name(a->severity)), INT(store_now(s))));
}

/* ---- moving ---- */
enum stamp { ANALYZED, PLANNED, DECIDED, EXECUTED, VERIFIED, STAMPS };

/* Which stage ends with which move. */
#define BIT(st) (1u << (st))
static const unsigned any_state = BIT(NS_ST_COUNT) - 1;
static const struct {
	enum stamp stamp;
	unsigned from, to;
} stage_ends[] = {
    {ANALYZED, BIT(NS_ST_ANALYZING), BIT(NS_ST_PLANNING)},
    {PLANNED, BIT(NS_ST_PLANNING), BIT(NS_ST_AWAITING_APPROVAL) | BIT(NS_ST_EXECUTING) | BIT(NS_ST_MANUAL_REVIEW)},
    {DECIDED, BIT(NS_ST_PLANNING) | BIT(NS_ST_AWAITING_APPROVAL), BIT(NS_ST_EXECUTING)},
    {DECIDED, BIT(NS_ST_AWAITING_APPROVAL), BIT(NS_ST_REJECTED) | BIT(NS_ST_EXPIRED)},
    {EXECUTED, any_state, BIT(NS_ST_VERIFYING)},
    {VERIFIED, BIT(NS_ST_VERIFYING), BIT(NS_ST_RESOLVED) | BIT(NS_ST_FAILED) | BIT(NS_ST_UNDOING)},
};

/* Going back to a stage forgets when it and the later ones ended: `first` is the earliest stamp that is reset. */
static const struct {
	ns_state to;
	enum stamp first;
} goes_back[] = {{NS_ST_ANALYZING, ANALYZED}, {NS_ST_PLANNING, PLANNED}, {NS_ST_AWAITING_APPROVAL, DECIDED}};

enum { KEEP = -1 };
static void stamps_of(ns_state from, ns_state to, int64_t now, int64_t out[STAMPS])
{
	for (int i = 0; i < STAMPS; i++)
		out[i] = KEEP;
	for (size_t i = 0; i < sizeof goes_back / sizeof goes_back[0]; i++) {
		for (int st = goes_back[i].first; goes_back[i].to == to && st < STAMPS; st++)
			out[st] = 0;
	}
	for (size_t i = 0; i < sizeof stage_ends / sizeof stage_ends[0]; i++) {
		if ((stage_ends[i].from & BIT(from)) && (stage_ends[i].to & BIT(to)))
			out[stage_ends[i].stamp] = now;
	}
}

typedef struct place {
	ns_state state;
	int64_t version, closed_ms;
} place;
static const column place_cols[] = {
    {COL_WORD, offsetof(place, state), state_word}, {COL_INT, offsetof(place, version), NULL}, {COL_INT, offsetof(place, closed_ms), NULL}};
static const shape place_shape = SHAPE(place, place_cols, "incident");

static bool place_get(ns_store *s, int64_t id, place *p, ns_err *err)
{
	return store_row(s, NULL, &place_shape, p, err, "SELECT state, version, closed_ms FROM incidents WHERE id = ?1", BINDS(INT(id))) ||
	       ns_err_wrap(err, "incident %lld", (long long)id);
}

/* Nothing was updated: says why. */
static bool moved(ns_store *s, int64_t id, ns_state from, int64_t version, ns_err *err)
{
	place p;
	if (!place_get(s, id, &p, err))
		return false;
	if (p.state == from && p.version == version)
		return ns_fail(err, NS_E_CONFLICT, "incident %lld is over, and a newer one is open for the same workload and kind", (long long)id);
	return ns_fail(err, NS_E_CONFLICT, "incident %lld is %s (version %lld) now, not %s (version %lld)", (long long)id,
	    ns_state_get(p.state)->name, (long long)p.version, ns_state_get(from)->name, (long long)version);
}

bool ns_store_transition(
    ns_store *s, int64_t id, ns_state from, int64_t version, ns_state to, ns_verdict verdict, const char *note, ns_err *err)
{
	int64_t at[STAMPS], changed, now = store_now(s);
	if (!ns_state_may(from, to))
		return ns_fail(err, NS_E_FAILED, "an incident does not go from %s to %s", ns_state_get(from)->name, ns_state_get(to)->name);
	const ns_state_info *info = ns_state_get(to);
	stamps_of(from, to, now, at);
	if (!store_write(s, &changed, err,
	        "UPDATE incidents SET state = ?4, version = version + 1, verdict = ?5, note = ?6, updated_ms = ?7,"
	        " analyzed_ms = iif(?8 < 0, analyzed_ms, ?8), planned_ms = iif(?9 < 0, planned_ms, ?9),"
	        " decided_ms = iif(?10 < 0, decided_ms, ?10), executed_ms = iif(?11 < 0, executed_ms, ?11),"
	        " verified_ms = iif(?12 < 0, verified_ms, ?12), closed_ms = iif(?13 AND closed_ms = 0, ?7, iif(?14, 0, closed_ms))"
	        " WHERE id = ?1 AND state = ?2 AND version = ?3"
	        " AND NOT (?14 AND closed_ms <> 0 AND EXISTS (SELECT 1 FROM incidents x WHERE x.identity = incidents.identity AND x.closed_ms = 0))",
	        BINDS(INT(id), TEXT(ns_state_get(from)->name), INT(version), TEXT(info->name), TEXT(ns_verdict_name(verdict)),
	            TEXT(store_or_empty(note)), INT(now), INT(at[ANALYZED]), INT(at[PLANNED]), INT(at[DECIDED]), INT(at[EXECUTED]),
	            INT(at[VERIFIED]), INT(info->closed), INT(!info->terminal))))
		return false;
	return changed || moved(s, id, from, version, err);
}

bool ns_store_incident_set(
    ns_store *s, int64_t id, int64_t attempts, int64_t cooldown_until_ms, const char *last_rejected_case, ns_err *err)
{
	return store_write_one(s, "incident", id, err,
	    "UPDATE incidents SET attempts = ?2, cooldown_until_ms = ?3, last_rejected_case = ?4, updated_ms = ?5 WHERE id = ?1",
	    BINDS(INT(id), INT(attempts), INT(cooldown_until_ms), TEXT(store_or_empty(last_rejected_case)), INT(store_now(s))));
}

bool ns_store_incident_close_identity(ns_store *s, int64_t id, ns_err *err)
{
	place p;
	if (!place_get(s, id, &p, err))
		return false;
	if (!ns_state_get(p.state)->terminal)
		return ns_fail(err, NS_E_FAILED, "incident %lld is %s: it keeps its identity", (long long)id, ns_state_get(p.state)->name);
	return store_write_one(s, "incident", id, err, "UPDATE incidents SET closed_ms = iif(closed_ms = 0, ?2, closed_ms) WHERE id = ?1",
	    BINDS(INT(id), INT(store_now(s))));
}

/* ---- reading ---- */
bool ns_store_incident_get(ns_store *s, ns_arena *ar, int64_t id, ns_incident *out, ns_err *err)
{
	return store_row(s, ar, &incident_shape, out, err, "SELECT " INCIDENT_COLUMNS " FROM incidents WHERE id = ?1", BINDS(INT(id))) ||
	       ns_err_wrap(err, "incident %lld", (long long)id);
}

bool ns_store_incident_by_identity(ns_store *s, ns_arena *ar, const char *identity, ns_incident *out, ns_err *err)
{
	return store_row(s, ar, &incident_shape, out, err,
	           "SELECT " INCIDENT_COLUMNS " FROM incidents WHERE identity = ?1 AND closed_ms = 0", BINDS(TEXT(identity))) ||
	       ns_err_wrap(err, "%s", identity);
}

/* Those that hold an identity are never cut off: somebody has to look at them. */
bool ns_store_incidents(ns_store *s, ns_arena *ar, size_t max, ns_incident **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &incident_shape, n, err,
	    "SELECT * FROM (SELECT " INCIDENT_COLUMNS " FROM incidents WHERE closed_ms = 0"
	    " UNION ALL SELECT * FROM (SELECT " INCIDENT_COLUMNS " FROM incidents WHERE closed_ms <> 0 ORDER BY id DESC"
	    "  LIMIT max(0, ?1 - (SELECT count(*) FROM incidents WHERE closed_ms = 0))))"
	    " ORDER BY closed_ms <> 0, id DESC",
	    BINDS(INT(max < INT64_MAX ? (int64_t)max : INT64_MAX)));
	return *out != NULL;
}

bool ns_store_incidents_after(ns_store *s, ns_arena *ar, const char *cluster, int64_t after_ms, size_t max, ns_incident **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &incident_shape, n, err,
	    "SELECT " INCIDENT_COLUMNS " FROM incidents WHERE cluster = ?1 AND opened_ms > ?2 ORDER BY id DESC LIMIT ?3",
	    BINDS(TEXT(cluster), INT(after_ms), INT((int64_t)max)));
	return *out != NULL;
}
