/* Vectors by content, and the verdicts on proposals as a query over the facts. */
#include "neuroscale/store/learned.h"

#include <string.h>

#include "store_priv.h"

bool ns_store_vectors_get(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, float *rows, bool *found, ns_err *err)
{
	for (size_t i = 0; i < n; i++) {
		cursor cur;
		if (!store_open_cursor(s, &cur, err, "SELECT vector FROM vectors WHERE hash = ?1 AND model = ?2 AND dim = ?3",
		        BINDS(TEXT(hashes[i]), TEXT(model), INT((int64_t)dim))))
			return false;
		step st = store_step(&cur, err);
		found[i] = st == STEP_ROW && (size_t)sqlite3_column_bytes(cur.stmt, 0) == dim * sizeof *rows;
		if (found[i])
			memcpy(rows + i * dim, sqlite3_column_blob(cur.stmt, 0), dim * sizeof *rows);
		store_close_cursor(&cur);
		if (st == STEP_FAILED)
			return false;
	}
	return true;
}

bool ns_store_vectors_put(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, const float *rows, ns_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!store_write(s, NULL, err, "INSERT OR REPLACE INTO vectors (hash, model, dim, vector, made_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
		        BINDS(TEXT(hashes[i]), TEXT(model), INT((int64_t)dim), BLOB(rows + i * dim, dim * sizeof *rows), INT(store_now(s)))))
			return false;
	return true;
}

bool ns_store_vectors_prune(ns_store *s, const char *model, size_t dim, const char *const *hashes, size_t n, int64_t before_ms, int64_t *gone, ns_err *err)
{
	cJSON *list = cJSON_CreateStringArray(hashes, (int)n);
	char *text = ns_json_text(list);
	int64_t mine = 0, others = 0;
	bool ok = store_write(s, &mine, err, "DELETE FROM vectors WHERE model = ?1 AND dim = ?2 AND hash NOT IN (SELECT value FROM json_each(?3))",
	              BINDS(TEXT(model), INT((int64_t)dim), TEXT(text))) &&
	    store_write(s, &others, err, "DELETE FROM vectors WHERE (model <> ?1 OR dim <> ?2) AND made_ms < ?3",
	              BINDS(TEXT(model), INT((int64_t)dim), INT(before_ms)));
	cJSON_free(text);
	cJSON_Delete(list);
	*gone = mine + others;
	return ok;
}

static bool said_word(const char *w, void *f)
{
	ns_said *said = f;
	*said = strcmp(w, "approved") == 0 ? NS_SAID_YES : strcmp(w, "rejected") == 0 ? NS_SAID_NO : NS_SAID_NOTHING;
	return true;
}

static bool verdict_word(const char *w, void *f)
{
	for (int v = NS_VERDICT_NONE; v <= NS_VERDICT_UNKNOWN; v++) {
		if (strcmp(ns_verdict_word(v), w) == 0) {
			*(ns_verdict *)f = (ns_verdict)v;
			return true;
		}
	}
	return false;
}

#define AT(field) offsetof(ns_judged, field)
static const column judged_cols[] = {{COL_INT, AT(incident), NULL}, {COL_INT, AT(at_ms), NULL}, {COL_TEXT, AT(runbook), NULL}, {COL_TEXT, AT(cause), NULL},
    {COL_WORD, AT(said), said_word}, {COL_WORD, AT(verdict), verdict_word}};
static const shape judged_shape = SHAPE(ns_judged, judged_cols, "judgement");

/* The last fact of a name that belongs to plan p: after it, and before the plan that took its place. */
#define OF_PLAN(NAME)                                                                                                                      \
	"(SELECT max(f.seq) FROM facts f WHERE f.incident = p.incident AND f.name = '" NAME "' AND f.seq > p.seq AND f.seq < coalesce("    \
	"(SELECT min(x.seq) FROM facts x WHERE x.incident = p.incident AND x.name = 'plan' AND x.seq > p.seq), 9223372036854775807))"

bool ns_store_judged(ns_store *s, ns_arena *ar, const ns_workload *w, size_t max, ns_judged **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &judged_shape, n, err,
	    "SELECT p.incident, max(coalesce(v.at_ms, 0), coalesce(d.at_ms, 0)), json_extract(p.json, '$.runbook'), coalesce(json_extract(r.json, '$.cause_class'), ''),"
	    " coalesce(json_extract(d.json, '$.decision'), ''), coalesce(json_extract(v.json, '$.verdict'), '')"
	    " FROM incidents i JOIN facts p ON p.incident = i.id AND p.name = 'plan'"
	    " LEFT JOIN facts r ON r.seq = (SELECT max(f.seq) FROM facts f WHERE f.incident = p.incident AND f.name = 'rca' AND f.seq < p.seq)"
	    " LEFT JOIN facts d ON d.seq = " OF_PLAN("decision") " LEFT JOIN facts v ON v.seq = " OF_PLAN(
	        "verification") " WHERE i.cluster = ?1 AND i.ns = ?2 AND i.owner_kind = ?3 AND i.name = ?4 AND coalesce(json_extract(p.json, '$.runbook'), '') <> ''"
	                        " AND (d.seq IS NOT NULL OR v.seq IS NOT NULL) ORDER BY p.seq DESC LIMIT ?5",
	    BINDS(TEXT(w->cluster), TEXT(w->ns), TEXT(w->kind), TEXT(w->name), INT((int64_t)max)));
	return *out != NULL;
}

#undef AT
#define AT(field) offsetof(ns_claimed, field)
static const column claimed_cols[] = {{COL_TEXT, AT(model), NULL}, {COL_TEXT, AT(action), NULL}, {COL_TEXT, AT(confidence), NULL}, {COL_WORD, AT(verdict), verdict_word}};
static const shape claimed_shape = SHAPE(ns_claimed, claimed_cols, "claim");

bool ns_store_claimed(ns_store *s, ns_arena *ar, size_t max, ns_claimed **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &claimed_shape, n, err,
	    "SELECT model, action, confidence, verdict FROM ("
	    "SELECT p.seq AS seq, json_extract(a.json, '$.model') AS model, json_extract(a.json, '$.action') AS action,"
	    " CAST(json_extract(a.json, '$.claimed') AS TEXT) AS confidence, json_extract(v.json, '$.verdict') AS verdict"
	    " FROM facts p JOIN facts a ON a.seq = (SELECT max(f.seq) FROM facts f WHERE f.incident = p.incident AND f.name = 'analysis' AND f.seq < p.seq)"
	    " JOIN facts v ON v.seq = " OF_PLAN("verification")
	    " WHERE p.name = 'plan' AND json_extract(a.json, '$.claimed') >= 0 AND json_extract(p.json, '$.action') = json_extract(a.json, '$.action')"
	    " AND json_extract(v.json, '$.verdict') IS NOT NULL ORDER BY p.seq DESC LIMIT ?1) ORDER BY seq",
	    BINDS(INT((int64_t)max)));
	return *out != NULL;
}

#undef AT
#define AT(field) offsetof(ns_tried, field)
static const column tried_cols[] = {{COL_INT, AT(incident), NULL}, {COL_INT, AT(at_ms), NULL}, {COL_WORD, AT(said), said_word}, {COL_WORD, AT(verdict), verdict_word},
    {COL_BOOL, AT(undone), NULL}, {COL_BOOL, AT(came_back), NULL}, {COL_BOOL, AT(eligible), NULL}};
static const shape tried_shape = SHAPE(ns_tried, tried_cols, "trial");

bool ns_store_tried(ns_store *s, ns_arena *ar, const char *cluster, const char *ns, const char *runbook, const char *hash, size_t max, ns_tried **out,
    size_t *n, ns_err *err)
{
	/* A plan is judged by what stands between it and the next one; an undo, which has no place in that order, counts against all of its incident's. */
	*out = store_rows(s, ar, &tried_shape, n, err,
	    "SELECT incident, at_ms, said, verdict, undone, came_back, eligible FROM ("
	    "SELECT p.seq AS seq, p.incident AS incident, p.at_ms AS at_ms, coalesce(json_extract(d.json, '$.decision'), '') AS said,"
	    " coalesce(json_extract(v.json, '$.verdict'), CASE WHEN x.seq IS NOT NULL THEN 'NOT FIXED' ELSE '' END) AS verdict,"
	    " EXISTS (SELECT 1 FROM intents u WHERE u.incident = p.incident AND u.undo = 1 AND u.outcome IN ('', 'sent', 'unknown')) AS undone,"
	    " v.seq IS NOT NULL AND EXISTS (SELECT 1 FROM incidents j WHERE j.cluster = i.cluster AND j.ns = i.ns AND j.owner_kind = i.owner_kind"
	    " AND j.name = i.name AND j.identity = i.identity AND j.id > i.id AND j.opened_ms < v.at_ms + 3600000) AS came_back,"
	    " coalesce(json_extract(g.json, '$.eligible'), 0) AS eligible"
	    " FROM incidents i JOIN facts p ON p.incident = i.id AND p.name = 'plan'"
	    " LEFT JOIN facts d ON d.seq = " OF_PLAN("decision") " LEFT JOIN facts v ON v.seq = " OF_PLAN("verification")
	    " LEFT JOIN facts x ON x.seq = " OF_PLAN("execution") " AND json_extract(x.json, '$.sent') AND NOT json_extract(x.json, '$.ok')"
	    " AND NOT json_extract(x.json, '$.unknown') AND NOT coalesce(json_extract(x.json, '$.conflict'), 0)"
	    " LEFT JOIN facts g ON g.seq = (SELECT min(f.seq) FROM facts f WHERE f.incident = p.incident AND f.name = 'gate' AND f.seq > p.seq)"
	    " WHERE i.cluster = ?1 AND i.ns = ?2 AND json_extract(p.json, '$.runbook') = ?3"
	    " AND coalesce(json_extract(p.json, '$.runbook_hash'), '') = ?4 AND coalesce(d.seq, v.seq, x.seq) IS NOT NULL"
	    " ORDER BY p.seq DESC LIMIT ?5) ORDER BY seq",
	    BINDS(TEXT(cluster), TEXT(ns), TEXT(runbook), TEXT(hash), INT((int64_t)max)));
	return *out != NULL;
}

static const column place_cols[] = {{COL_TEXT, offsetof(ns_place, cluster), NULL}, {COL_TEXT, offsetof(ns_place, ns), NULL}};
static const shape place_shape = SHAPE(ns_place, place_cols, "place");

bool ns_store_places(ns_store *s, ns_arena *ar, const char *runbook, ns_place **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &place_shape, n, err,
	    "SELECT DISTINCT i.cluster, i.ns FROM incidents i JOIN facts p ON p.incident = i.id AND p.name = 'plan'"
	    " WHERE json_extract(p.json, '$.runbook') = ?1 ORDER BY i.cluster, i.ns",
	    BINDS(TEXT(runbook)));
	return *out != NULL;
}
