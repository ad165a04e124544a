/* The judge of what engines did to one cluster, by their records and by what the cluster counted. It reads the record's file by itself, with none of
 * the store's code in between, and knows the laws only:
 *   escape      a change of an object that no intent names, or an intent that nobody and no gate stands behind (laws 1, 4, 5 and 8)
 *   double      a change more than was intended, or a yes that was used twice (laws 6 and 8)
 *   lost        a yes that was taken and is not on record, an incident left in the middle, an intent without an outcome, a job without an end, a
 *               broken audit chain (laws 6, 7, 8 and 13) */
#ifndef NEUROSCALE_TESTS_ENGINE_JUDGE_H
#define NEUROSCALE_TESTS_ENGINE_JUDGE_H
#include <sqlite3.h>
#include <stdarg.h>
#include "neuroscale/model/json.h"
#include "rig.h"

enum { JUDGE_OBJECTS = 32 };

typedef struct judge {
	size_t escapes, doubles, lost;
	int64_t intents, changes;      /* recorded, and counted by the cluster */
	char why[600];                 /* the first finding explains the others */
	struct judge_object {
		char ns[128], name[260];
		int64_t allowed;
	} object[JUDGE_OBJECTS];
	size_t n_objects;
} judge;

__attribute__((format(printf, 3, 4))) static inline void judge_finds(judge *j, size_t *what, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!j->why[0])
		vsnprintf(j->why, sizeof j->why, fmt, ap);
	va_end(ap);
	++*what;
}

static inline void judge_allow(judge *j, const char *ns, const char *name, int64_t n)
{
	size_t i = 0;
	while (i < j->n_objects && (strcmp(j->object[i].ns, ns) != 0 || strcmp(j->object[i].name, name) != 0))
		i++;
	if (i == JUDGE_OBJECTS) {
		judge_finds(j, &j->escapes, "more than %d objects in intents", JUDGE_OBJECTS);
		return;
	}
	if (i == j->n_objects) {
		ns_copy(j->object[i].ns, sizeof j->object[i].ns, ns);
		ns_copy(j->object[i].name, sizeof j->object[i].name, name);
		j->n_objects++;
	}
	j->object[i].allowed += n;
}

/* -n NS patch KIND/NAME ... | -n NS create -f - ...: the name is in the body then. */
static inline bool judge_object_of(const char *argv_json, const char *body, char ns[128], char name[260])
{
	cJSON *argv = ns_json_parse(argv_json, strlen(argv_json), &ns_json_api, NULL), *sent = ns_json_parse(body, strlen(body), &ns_json_api, NULL);
	const char *words[4] = {"", "", "", ""};
	for (int i = 0; i < 4; i++) {
		const cJSON *w = cJSON_GetArrayItem(argv, i);
		words[i] = cJSON_IsString(w) ? w->valuestring : "";
	}
	const char *slash = strchr(words[3], '/');
	ns_copy(ns, 128, words[1]);
	ns_copy(name, 260, strcmp(words[2], "create") == 0 ? ns_json_str(sent, "metadata.name", "") : slash ? slash + 1 : "");
	bool ok = strcmp(words[0], "-n") == 0 && *ns && *name;
	cJSON_Delete(argv);
	cJSON_Delete(sent);
	return ok;
}

static inline const char *judge_text(sqlite3_stmt *q, int column)
{
	const unsigned char *t = sqlite3_column_text(q, column);
	return t ? (const char *)t : "";
}

static inline void judge_intents(judge *j, sqlite3 *db)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db,
	    "SELECT i.id, i.argv_json, i.body, i.outcome, i.undo, i.approval IS NULL,"
	    " ifnull(a.state = 'approved' AND a.digest = i.digest AND a.incident = i.incident, 0),"
	    " (SELECT count(*) FROM audit u WHERE u.incident = i.incident AND u.action = 'started' AND u.actor = 'gate (auto)'),"
	    " (SELECT count(*) FROM intents o WHERE o.incident = i.incident AND o.undo = 0 AND o.approval IS NULL),"
	    " EXISTS (SELECT 1 FROM capsules c WHERE c.undo_intent = i.id AND c.taken_by <> '')"
	    " FROM intents i LEFT JOIN approvals a ON a.id = i.approval ORDER BY i.id",
	    -1, &q, NULL);
	while (rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) {
		char ns[128], name[260];
		long long id = sqlite3_column_int64(q, 0);
		const char *outcome = judge_text(q, 3);
		bool undo = sqlite3_column_int(q, 4), alone = sqlite3_column_int(q, 5);
		bool tried = strcmp(outcome, "refused") == 0 || strcmp(outcome, "failed") == 0; /* nothing came of it; an undo may be tried again */
		j->intents++;
		if (!judge_object_of(judge_text(q, 1), judge_text(q, 2), ns, name))
			judge_finds(j, &j->escapes, "intent %lld names no object", id);
		else /* what the server refused, or what never left, must not be there */
			judge_allow(j, ns, name, !tried);
		if (undo ? !tried && !sqlite3_column_int(q, 9) : alone ? sqlite3_column_int64(q, 7) != sqlite3_column_int64(q, 8) : !sqlite3_column_int(q, 6))
			judge_finds(j, &j->escapes, "intent %lld: nobody and no gate stands behind it", id);
		if (!*outcome)
			judge_finds(j, &j->lost, "intent %lld has no outcome", id);
	}
	if (rc != SQLITE_OK)
		judge_finds(j, &j->lost, "the record cannot be read: %s", sqlite3_errmsg(db));
	sqlite3_finalize(q);
}

/* Each row of the query is a finding; its first column names it. */
static inline void judge_rows(judge *j, sqlite3 *db, size_t *what, const char *words, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
	while (rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		judge_finds(j, what, "%s: %s", words, judge_text(q, 0));
	if (rc != SQLITE_OK)
		judge_finds(j, &j->lost, "the record cannot be read: %s", sqlite3_errmsg(db));
	sqlite3_finalize(q);
}

/* One engine's record, after the engine has ended. only: the incident that must have come to its end, 0 all of them. yes: approvals to which a yes
 * was taken at the door. head: an earlier head of its chain, or NULL. */
static inline void judge_record(judge *j, const char *state_dir, const ns_clock *clock, int64_t only, const int64_t *yes, size_t n_yes, const char *head)
{
	static const char done[] = "('resolved','rejected','expired','withdrawn','failed','manual_review')";
	sqlite3 *db = NULL;
	char *path = ns_path_join(state_dir, "neuroscale.db"), sql[700], now[65];
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		judge_finds(j, &j->lost, "%s: %s", path, sqlite3_errmsg(db));
	} else {
		judge_intents(j, db);
		judge_rows(j, db, &j->doubles, "a yes was used twice",
		    "SELECT approval FROM intents WHERE undo = 0 AND approval IS NOT NULL AND outcome IN ('', 'sent', 'unknown') GROUP BY approval HAVING count(*) > 1");
		judge_rows(j, db, &j->doubles, "undone twice", "SELECT i.incident FROM intents i WHERE i.undo = 1 AND i.outcome NOT IN ('refused', 'failed') AND NOT EXISTS"
		    " (SELECT 1 FROM capsules c WHERE c.undo_intent = i.id)");
		judge_rows(j, db, &j->lost, "two incidents hold one identity", "SELECT identity FROM incidents WHERE closed_ms = 0 GROUP BY identity HAVING count(*) > 1");
		judge_rows(j, db, &j->lost, "not every change is in the audit", "SELECT i.incident FROM intents i GROUP BY i.incident HAVING count(*) >"
		    " (SELECT count(*) FROM audit u WHERE u.incident = i.incident AND u.action IN ('started', 'undo started'))");
		judge_rows(j, db, &j->lost, "a decision is not in the audit", "SELECT a.id FROM approvals a WHERE a.state = 'approved' AND NOT EXISTS"
		    " (SELECT 1 FROM audit u WHERE u.incident = a.incident AND u.action = 'approved')");
		snprintf(sql, sizeof sql, "SELECT id || ' is ' || state FROM incidents i WHERE %lld IN (0, id) AND state NOT IN %s AND NOT (state = 'awaiting_approval' AND EXISTS"
		    " (SELECT 1 FROM approvals a WHERE a.incident = i.id AND a.state = 'pending'))", (long long)only, done);
		judge_rows(j, db, &j->lost, "left in the middle: incident", sql);
		snprintf(sql, sizeof sql, "SELECT j.kind FROM jobs j JOIN incidents i ON i.id = j.incident WHERE j.state IN ('ready', 'claimed') AND i.state IN %s"
		    " AND j.kind NOT IN ('summary', 'arm')", done); /* whether it can be taken back is asked when the cluster answers */
		judge_rows(j, db, &j->lost, "a job of what is over", sql);
		judge_rows(j, db, &j->lost, "an undo that was asked for has no end",
		    "SELECT incident FROM capsules WHERE state = 'taken'");
		for (size_t i = 0; i < n_yes; i++) {
			snprintf(sql, sizeof sql, "SELECT %lld WHERE NOT EXISTS (SELECT 1 FROM approvals WHERE id = %lld AND state = 'approved')", (long long)yes[i],
			    (long long)yes[i]);
			judge_rows(j, db, &j->lost, "a yes that was taken is gone", sql);
		}
	}
	sqlite3_close(db);
	free(path);
	int64_t rows = 0;
	ns_err err = {0};
	ns_store *st = ns_store_open_readonly(state_dir, clock, &err);
	if (!st || !ns_store_audit_verify(st, head, &rows, now, &err))
		judge_finds(j, &j->lost, "the audit record: %s", err.text);
	ns_store_close(st);
}

/* After all records: what the cluster says. */
static inline void judge_cluster(judge *j, const ns_sim *sim)
{
	int64_t known = 0;
	j->changes = ns_sim_mutations(sim, NULL, NULL);
	for (size_t i = 0; i < j->n_objects; i++) {
		int64_t n = ns_sim_mutations(sim, j->object[i].ns, j->object[i].name);
		known += n;
		for (int64_t k = j->object[i].allowed; k < n; k++)
			judge_finds(j, &j->doubles, "%s/%s was changed %lld times, %lld were intended", j->object[i].ns, j->object[i].name, (long long)n,
			    (long long)j->object[i].allowed);
	}
	for (int64_t k = known; k < j->changes; k++)
		judge_finds(j, &j->escapes, "%lld changes of what no intent names", (long long)(j->changes - known));
}
#endif
