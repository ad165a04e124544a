/* The audit, proven (law 13): every row against its hash, the facts that it stands for against theirs, and the chain against what was anchored
 * outside. Rows are looked at one by one, as they are: what SQLite would politely convert was not written by us. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "audit_priv.h"

/* ---- the facts of an incident ---- */

int64_t audit_facts_hash(ns_store *s, int64_t incident, int64_t from, int64_t most, int64_t *to, char hash[NS_HEX256], ns_err *err)
{
	cursor cur;
	step st;
	int64_t n = 0;
	char number[24];
	if (!store_open_cursor(s, &cur, err, "SELECT seq, at_ms, name, json FROM facts WHERE incident = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
	        BINDS(INT(incident), INT(from), INT(most))))
		return -1;
	ns_digest *d = ns_digest_new();
	for (; (st = store_step(&cur, err)) == STEP_ROW; n++) {
		*to = sqlite3_column_int64(cur.stmt, 0);
		for (int i = 0; i < 2; i++) {
			snprintf(number, sizeof number, "%lld", (long long)sqlite3_column_int64(cur.stmt, i));
			ns_digest_field(d, i ? "at" : "seq", number);
		}
		ns_digest_field(d, "name", (const char *)sqlite3_column_text(cur.stmt, 2));
		ns_digest_field(d, "json", (const char *)sqlite3_column_text(cur.stmt, 3));
	}
	ns_digest_finish(d, hash);
	store_close_cursor(&cur);
	return st == STEP_FAILED ? -1 : n;
}

bool audit_facts_parse(const char *text, int64_t *from, int64_t *to, char hash[NS_HEX256])
{
	int end = 0;
	return sscanf(text, "%" SCNd64 "-%" SCNd64 ":%64[0-9a-f]%n", from, to, hash, &end) == 3 && !text[end] && strlen(hash) == NS_HEX256 - 1 &&
	       *from > 0 && *to >= *from;
}

static bool check_facts(ns_store *s, const ns_audit_row *r, int64_t *total, ns_err *err)
{
	int64_t from, to, last = 0, n;
	char want[NS_HEX256], is[NS_HEX256];
	if (!r->facts)
		return true;
	if (!audit_facts_parse(r->facts, &from, &to, want))
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " was not written by this program: \"%.40s\" names no facts", r->seq, r->facts);
	if ((n = audit_facts_hash(s, r->incident, from, to, &last, is, err)) < 0)
		return false;
	*total += n;
	return strcmp(want, is) == 0 ||
	       ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " stands for the facts %" PRId64 " to %" PRId64 " of incident %" PRId64
	           ", and they are not what they were: one was changed, removed or put in", r->seq, from, to, r->incident);
}

/* ---- rows as they are ---- */

/* Text as it was hashed: NULL stays NULL. A value that hides bytes behind a NUL, or is of another type, was not written by us. */
static bool honest_text(sqlite3_stmt *st, int i, const char **out)
{
	*out = (const char *)sqlite3_column_text(st, i);
	return !*out || (sqlite3_column_type(st, i) == SQLITE_TEXT && strlen(*out) == (size_t)sqlite3_column_bytes(st, i));
}

static bool honest_row(sqlite3_stmt *st, ns_audit_row *r)
{
	int64_t *const ints[] = {&r->seq, &r->at_ms, &r->incident};
	const char **const texts[] = {&r->actor, &r->action, &r->detail, &r->who, &r->digest, &r->before, &r->after, &r->facts, &r->hash};
	bool ok = true;
	*r = (ns_audit_row){0};
	for (int i = 0; i < 3; i++) {
		ok = ok && sqlite3_column_type(st, i) == SQLITE_INTEGER;
		*ints[i] = sqlite3_column_int64(st, i);
	}
	for (int i = 0; i < 9; i++)
		ok = honest_text(st, 3 + i, texts[i]) && ok;
	return ok && r->actor && r->action && r->hash && (r->who || (!r->digest && !r->before && !r->after && !r->facts));
}

static bool open_rows(ns_store *s, cursor *cur, ns_err *err)
{
	return store_open_cursor(s, cur, err, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq", NONE);
}

bool ns_store_audit_walk(ns_store *s, ns_audit_see *fn, void *ctx, ns_err *err)
{
	cursor cur;
	step st;
	ns_audit_row r;
	char prev[NS_HEX256];
	if (!open_rows(s, &cur, err))
		return false;
	bool ok = true;
	memcpy(prev, ns_audit_genesis, sizeof prev);
	while (ok && (st = store_step(&cur, err)) == STEP_ROW) {
		ok = (honest_row(cur.stmt, &r) && strlen(r.hash) == NS_HEX256 - 1) ||
		     ns_fail(err, NS_E_INVALID, "audit row %lld was not written by this program", (long long)sqlite3_column_int64(cur.stmt, 0));
		ok = ok && fn(ctx, &r, prev, err);
		if (ok)
			memcpy(prev, r.hash, sizeof prev);
	}
	store_close_cursor(&cur);
	return ok && st == STEP_END;
}

/* ---- the proof ---- */

/* How the row is wrong: when the next one still continues the hash that stands in it, only its content was changed. */
static bool tell_wrong(cursor *cur, int64_t want, const char *stands, ns_err *err)
{
	ns_audit_row next;
	char hash[NS_HEX256];
	bool content = store_step(cur, NULL) == STEP_ROW && honest_row(cur->stmt, &next) && (ns_audit_row_hash(stands, &next, hash), strcmp(hash, next.hash) == 0);
	return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " does not match its hash: %s", want,
	    content ? "its content was changed after it was written (the next row still continues its hash)"
	            : "its content or its hash was changed, or rows were removed, exchanged or put in before it");
}

static bool check_row(ns_store *s, cursor *cur, ns_audit_proof *p, ns_err *err)
{
	ns_audit_row r;
	char hash[NS_HEX256], stands[NS_HEX256];
	int64_t want = p->rows + 1, is = sqlite3_column_int64(cur->stmt, 0);
	if (is > want)
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " is missing: row %" PRId64 " follows row %" PRId64, want, is, want - 1);
	if (is < want)
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " has no place in the record: the first row is row 1", is);
	if (!honest_row(cur->stmt, &r))
		return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " was not written by this program", want);
	ns_audit_row_hash(p->head, &r, hash);
	if (strcmp(hash, r.hash) != 0) {
		snprintf(stands, sizeof stands, "%s", r.hash);
		return tell_wrong(cur, want, stands, err);
	}
	if (!check_facts(s, &r, &p->facts, err))
		return false;
	memcpy(p->head, hash, sizeof hash);
	p->rows++;
	p->first_form += !r.who;
	return true;
}

bool ns_store_audit_prove(ns_store *s, const ns_audit_anchor *anchors, size_t n, ns_audit_proof *out, ns_err *err)
{
	cursor cur;
	step st;
	*out = (ns_audit_proof){0};
	memcpy(out->head, ns_audit_genesis, sizeof out->head);
	if (!open_rows(s, &cur, err))
		return false;
	ns_audit_anchors *list = ns_audit_anchors_new(anchors, n);
	ns_audit_anchors_row(list, 0, out->head);
	bool ok = true;
	while (ok && (st = store_step(&cur, err)) == STEP_ROW) {
		ok = check_row(s, &cur, out, err);
		if (ok)
			ns_audit_anchors_row(list, out->rows, out->head);
	}
	store_close_cursor(&cur);
	out->anchored = ns_audit_anchors_best(list);
	ok = ok && st == STEP_END && ns_audit_anchors_judge(list, err);
	ns_audit_anchors_free(list);
	return ok;
}

bool ns_store_audit_verify(ns_store *s, const char *expect_head, int64_t *rows, char head[NS_HEX256], ns_err *err)
{
	ns_audit_anchor a = {0};
	ns_audit_proof p;
	snprintf(a.hash, sizeof a.hash, "%s", store_or_empty(expect_head));
	bool ok = ns_store_audit_prove(s, &a, expect_head ? 1 : 0, &p, err);
	*rows = p.rows;
	memcpy(head, p.head, sizeof p.head);
	return ok;
}
