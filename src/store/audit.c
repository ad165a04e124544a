/* The audit (law 13). Each row's hash covers the row and the hash before it, so an edit, a gap or a swap breaks the chain from there on.
 * What a chain alone cannot show is that its end was cut off or that all of it was made anew: for that a head that was anchored outside
 * (syslog) must still be in it. The triggers keep our own code honest; the chain is for those who go around it. */
#include "neuroscale/base/buf.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"
#include "store_priv.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENESIS       "0000000000000000000000000000000000000000000000000000000000000000"
#define AUDIT_COLUMNS "seq, at_ms, incident, actor, action, detail, hash"

static void row_hash(const char *prev, const ns_audit_row *r, char out[NS_HEX256])
{
	char seq[24], at[24], incident[24];
	snprintf(seq, sizeof seq, "%" PRId64, r->seq);
	snprintf(at, sizeof at, "%" PRId64, r->at_ms);
	snprintf(incident, sizeof incident, "%" PRId64, r->incident);
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "prev", prev);
	ns_digest_field(d, "seq", seq);
	ns_digest_field(d, "at", at);
	ns_digest_field(d, "actor", r->actor);
	ns_digest_field(d, "action", r->action);
	ns_digest_field(d, "incident", incident);
	ns_digest_field(d, "detail", r->detail);
	ns_digest_finish(d, out);
}

typedef struct tail {
	int64_t seq;
	const char *hash;
} tail;
static const column tail_cols[] = {{COL_INT, offsetof(tail, seq), NULL}, {COL_TEXT, offsetof(tail, hash), NULL}};
static const shape tail_shape = SHAPE(tail, tail_cols, "audit row");

static bool tail_get(ns_store *s, ns_arena *ar, tail *t, ns_err *err)
{
	ns_err why = {0};
	if (store_row(s, ar, &tail_shape, t, &why, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", NONE))
		return true;
	*t = (tail){0, GENESIS};
	if (why.code == NS_E_NOTFOUND)
		return true;
	if (err)
		*err = why;
	return false;
}

/* What stands here stands for ever, so secrets are taken out before (law 12). Where that breaks the document, its text is kept as text. */
static char *audit_text(const cJSON *detail)
{
	char *raw = ns_json_text(detail);
	ns_buf clean = NS_BUF_INIT;
	if (ns_redact(&clean, raw, strlen(raw)) > 0) {
		cJSON *doc = ns_json_parse(ns_buf_str(&clean), clean.len, &ns_json_api, NULL);
		cJSON *kept = doc ? doc : cJSON_CreateString(ns_buf_str(&clean));
		free(raw);
		raw = ns_json_text(kept);
		cJSON_Delete(kept);
	}
	ns_buf_free(&clean);
	return raw;
}

bool ns_store_audit(ns_store *s, const char *actor, const char *action, int64_t incident, const cJSON *detail, char *head, ns_err *err)
{
	char hash[NS_HEX256];
	tail t;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "an audit row outside a transaction");
	ns_arena *ar = ns_arena_new();
	char *text = detail ? audit_text(detail) : NULL;
	bool ok = tail_get(s, ar, &t, err);
	if (ok) {
		ns_audit_row r = {.seq = t.seq + 1,
		    .at_ms = store_now(s),
		    .incident = incident,
		    .actor = store_or_empty(actor),
		    .action = store_or_empty(action),
		    .detail = text};
		row_hash(t.hash, &r, hash);
		ok = store_write(s, NULL, err,
		    "INSERT INTO audit (seq, at_ms, actor, action, incident, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		    BINDS(INT(r.seq), INT(r.at_ms), TEXT(r.actor), TEXT(r.action), INT(r.incident), TEXT(r.detail), TEXT(hash)));
	}
	if (ok && head)
		memcpy(head, hash, sizeof hash);
	free(text);
	ns_arena_free(ar);
	return ok;
}

#define AT(field) offsetof(ns_audit_row, field)
static const column audit_cols[] = {{COL_INT, AT(seq), NULL}, {COL_INT, AT(at_ms), NULL}, {COL_INT, AT(incident), NULL},
    {COL_TEXT, AT(actor), NULL}, {COL_TEXT, AT(action), NULL}, {COL_TEXT, AT(detail), NULL}, {COL_TEXT, AT(hash), NULL}};
static const shape audit_shape = SHAPE(ns_audit_row, audit_cols, "audit row");

bool ns_store_audit_rows(ns_store *s, ns_arena *ar, int64_t incident, size_t max, ns_audit_row **out, size_t *n, ns_err *err)
{
	bind limit = INT(max < INT64_MAX ? (int64_t)max : INT64_MAX);
	*out = incident
	           ? store_rows(s, ar, &audit_shape, n, err,
	                 "SELECT * FROM (SELECT " AUDIT_COLUMNS " FROM audit WHERE incident = ?2 ORDER BY seq DESC LIMIT ?1) ORDER BY seq",
	                 (const bind[]){limit, INT(incident)}, 2)
	           : store_rows(s, ar, &audit_shape, n, err,
	                 "SELECT * FROM (SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq DESC LIMIT ?1) ORDER BY seq", &limit, 1);
	return *out != NULL;
}

/* Text as it was hashed: NULL stays NULL. A value that hides bytes behind a NUL, or is of another type, was not written by us. */
static bool honest_text(sqlite3_stmt *st, int i, const char **out)
{
	*out = (const char *)sqlite3_column_text(st, i);
	return !*out || (sqlite3_column_type(st, i) == SQLITE_TEXT && strlen(*out) == (size_t)sqlite3_column_bytes(st, i));
}

static bool honest_row(sqlite3_stmt *st, ns_audit_row *r)
{
	for (int i = 0; i < 3; i++) {
		if (sqlite3_column_type(st, i) != SQLITE_INTEGER)
			return false;
	}
	*r = (ns_audit_row){
	    .seq = sqlite3_column_int64(st, 0), .at_ms = sqlite3_column_int64(st, 1), .incident = sqlite3_column_int64(st, 2)};
	return honest_text(st, 3, &r->actor) && honest_text(st, 4, &r->action) && honest_text(st, 5, &r->detail) &&
	       honest_text(st, 6, &r->hash) && r->actor && r->action && r->hash;
}

static bool check_row(sqlite3_stmt *st, int64_t want, char prev[NS_HEX256], ns_err *err)
{
	ns_audit_row r;
	char hash[NS_HEX256];
	if (sqlite3_column_int64(st, 0) != want)
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " is missing: row %lld follows row %" PRId64, want,
		    (long long)sqlite3_column_int64(st, 0), want - 1);
	if (!honest_row(st, &r))
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " was not written by this program", want);
	row_hash(prev, &r, hash);
	if (strcmp(hash, r.hash) != 0)
		return ns_fail(
		    err, NS_E_INVALID, "audit row %" PRId64 " does not match its hash: it, or what was before it, was changed", want);
	memcpy(prev, hash, sizeof hash);
	return true;
}

bool ns_store_audit_verify(ns_store *s, const char *expect_head, int64_t *rows, char head[65], ns_err *err)
{
	cursor cur;
	step st;
	char prev[NS_HEX256] = GENESIS;
	*rows = 0;
	memcpy(head, prev, sizeof prev);
	if (!store_open_cursor(s, &cur, err, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq", NONE))
		return false;
	bool ok = true, seen = !expect_head || strcmp(expect_head, prev) == 0;
	while ((st = store_step(&cur, err)) == STEP_ROW && (ok = check_row(cur.stmt, *rows + 1, prev, err))) {
		++*rows;
		seen = seen || strcmp(prev, expect_head) == 0;
	}
	store_close_cursor(&cur);
	memcpy(head, prev, sizeof prev);
	if (!ok || st == STEP_FAILED)
		return false;
	return seen ||
	       ns_fail(err, NS_E_INVALID,
	           "the audit ends at row %" PRId64 " and the anchored head %.16s is not in it: its end was cut off, or it was made anew",
	           *rows, expect_head);
}
