/* Facts: JSON documents by name, in order, never changed. */
#include "store_priv.h"
#include <stdlib.h>
#include <string.h>

/* What was written is what is read: the same limits on both sides. Facts decide things, so no duplicate keys. */
static const ns_json_limits fact_limits = {.max_bytes = 16u << 20, .max_depth = 128};

bool ns_store_fact_put(ns_store *s, int64_t incident, const char *name, const cJSON *doc, ns_err *err)
{
	char *json = ns_json_text(doc);
	bool ok = strlen(json) <= fact_limits.max_bytes ||
	          ns_fail(err, NS_E_TOOBIG, "incident %lld, %s: over %zu bytes", (long long)incident, name, fact_limits.max_bytes);
	ok = ok && (store_write(s, NULL, err, "INSERT INTO facts (incident, name, at_ms, json) VALUES (?1, ?2, ?3, ?4)",
	                BINDS(INT(incident), TEXT(name), INT(store_now(s)), TEXT(json))) ||
	               ns_err_wrap(err, "incident %lld, %s", (long long)incident, name));
	free(json);
	return ok;
}

/* Parsed where SQLite holds it: large documents are not copied first. */
cJSON *ns_store_fact_latest(ns_store *s, int64_t incident, const char *name, int64_t *at_ms, ns_err *err)
{
	cursor cur;
	cJSON *doc = NULL;
	if (!store_open_cursor(s, &cur, err, "SELECT json, at_ms FROM facts WHERE incident = ?1 AND name = ?2 ORDER BY seq DESC LIMIT 1",
	        BINDS(INT(incident), TEXT(name))))
		return NULL;
	step st = store_step(&cur, err);
	if (st == STEP_END)
		ns_fail(err, NS_E_NOTFOUND, "incident %lld has no %s", (long long)incident, name);
	if (st == STEP_ROW) {
		const char *json = (const char *)sqlite3_column_text(cur.stmt, 0);
		doc = ns_json_parse(store_or_empty(json), (size_t)sqlite3_column_bytes(cur.stmt, 0), &fact_limits, err);
		if (!doc)
			ns_err_wrap(err, "incident %lld, %s", (long long)incident, name);
		if (at_ms)
			*at_ms = sqlite3_column_int64(cur.stmt, 1);
	}
	store_close_cursor(&cur);
	return doc;
}

static const column fact_cols[] = {{COL_INT, offsetof(ns_fact_row, seq), NULL}, {COL_INT, offsetof(ns_fact_row, at_ms), NULL},
    {COL_TEXT, offsetof(ns_fact_row, name), NULL}, {COL_TEXT, offsetof(ns_fact_row, json), NULL}};
static const shape fact_shape = SHAPE(ns_fact_row, fact_cols, "fact");

bool ns_store_facts(ns_store *s, ns_arena *ar, int64_t incident, ns_fact_row **out, size_t *n, ns_err *err)
{
	*out = store_rows(
	    s, ar, &fact_shape, n, err, "SELECT seq, at_ms, name, json FROM facts WHERE incident = ?1 ORDER BY seq", BINDS(INT(incident)));
	return *out != NULL;
}
