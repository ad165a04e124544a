/* Facts: JSON documents by name, in order, never changed. */
#include "store_priv.h"
#include <stdlib.h>
#include <string.h>

/* What was written is what is read: the same limits on both sides. Facts decide things, so no duplicate keys. */
const ns_json_limits store_fact_limits = {.max_bytes = 16u << 20, .max_depth = 128};

bool ns_store_fact_put(ns_store *s, int64_t incident, const char *name, const cJSON *doc, ns_err *err)
{
	char *json = ns_json_text(doc);
	bool ok = strlen(json) <= store_fact_limits.max_bytes ||
	          ns_fail(err, NS_E_TOOBIG, "incident %lld, %s: over %zu bytes", (long long)incident, name, store_fact_limits.max_bytes);
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
		doc = ns_json_parse(store_or_empty(json), (size_t)sqlite3_column_bytes(cur.stmt, 0), &store_fact_limits, err);
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

static cJSON *parse_fact(const char *json, ns_err *err)
{
	return ns_json_parse(json, strlen(json), &store_fact_limits, err);
}

/* *sent stays as it is when the execution was not sent. */
static bool add_sent(ns_arena *ar, const char *execution, const char *plan, ns_sent_plan **sent, ns_err *err)
{
	cJSON *x = parse_fact(execution, err);
	if (!x)
		return false;
	bool was_sent = ns_json_bool_or(x, "sent", false);
	(*sent)->unknown = ns_json_bool_or(x, "unknown", false);
	(*sent)->refused = ns_json_bool_or(x, "conflict", false) && !(*sent)->unknown;
	cJSON_Delete(x);
	if (!was_sent)
		return true;
	if (!plan)
		return ns_fail(err, NS_E_INVALID, "there is no plan before it");
	cJSON *j = parse_fact(plan, err);
	(*sent)->plan = j ? ns_plan_from_json(ar, j, err) : NULL;
	cJSON_Delete(j);
	return (*sent)++->plan != NULL;
}

bool ns_store_sent_plans(ns_store *s, ns_arena *ar, int64_t incident, ns_sent_plan **out, size_t *n, size_t *made, ns_err *err)
{
	size_t rows = 0;
	const ns_fact_row *list = store_rows(s, ar, &fact_shape, &rows, err,
	    "SELECT seq, at_ms, name, json FROM facts WHERE incident = ?1 AND name IN ('plan', 'execution') ORDER BY seq", BINDS(INT(incident)));
	if (!list)
		return false;
	ns_sent_plan *next = *out = ns_arena_alloc(ar, (rows + 1) * sizeof *next);
	const char *plan = NULL;
	*made = 0;
	for (size_t i = 0; i < rows; i++) {
		if (strcmp(list[i].name, "plan") == 0) {
			plan = list[i].json;
			(*made)++;
		} else if (!add_sent(ar, list[i].json, plan, &next, err)) {
			return ns_err_wrap(err, "incident %lld, execution", (long long)incident);
		}
	}
	*n = (size_t)(next - *out);
	return true;
}

typedef struct place {
	int64_t seq;
} place;
static const column place_cols[] = {{COL_INT, offsetof(place, seq), NULL}};
static const shape place_shape = SHAPE(place, place_cols, "fact");

int64_t ns_store_fact_seq(ns_store *s, int64_t incident, const char *name)
{
	place p;
	return store_row(s, NULL, &place_shape, &p, NULL, "SELECT coalesce(max(seq), 0) FROM facts WHERE incident = ?1 AND name = ?2",
	           BINDS(INT(incident), TEXT(name)))
	           ? p.seq
	           : 0;
}
