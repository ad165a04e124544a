/* The audit (law 13), written. Each row's hash covers the row and the hash before it, so an edit, a gap or a swap breaks the chain from there on.
 * What a chain alone cannot show is that its end was cut off or that all of it was made anew: for that a head that was anchored outside
 * (syslog) must still be in it; audit_prove.c looks. The triggers keep our own code honest; the chain is for those who go around it. */
#include "neuroscale/base/buf.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"
#include "audit_priv.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


const char ns_audit_genesis[NS_HEX256] = "0000000000000000000000000000000000000000000000000000000000000000";

static void put_int(ns_digest *d, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, value);
	ns_digest_field(d, name, text);
}

static void put_first_form(ns_digest *d, const ns_audit_row *r)
{
	put_int(d, "seq", r->seq);
	put_int(d, "at", r->at_ms);
	ns_digest_field(d, "actor", r->actor);
	ns_digest_field(d, "action", r->action);
	put_int(d, "incident", r->incident);
	ns_digest_field(d, "detail", r->detail);
}

bool ns_audit_row_digest(const ns_audit_row *r, char out[NS_HEX256])
{
	*out = '\0';
	if (!r->who)
		return false;
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "form", "2");
	put_first_form(d, r);
	const char *const more[][2] = {{"who", r->who}, {"digest", r->digest}, {"before", r->before}, {"after", r->after}, {"facts", r->facts}};
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
		ns_digest_field(d, more[i][0], more[i][1]);
	ns_digest_finish(d, out);
	return true;
}

void ns_audit_link(const char *prev, const char *row_digest, char out[NS_HEX256])
{
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "prev", prev);
	ns_digest_field(d, "row", row_digest);
	ns_digest_finish(d, out);
}

void ns_audit_row_hash(const char *prev, const ns_audit_row *r, char out[NS_HEX256])
{
	char own[NS_HEX256];
	if (ns_audit_row_digest(r, own)) {
		ns_audit_link(prev, own, out);
		return;
	}
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "prev", prev);
	put_first_form(d, r);
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
	*t = (tail){0, ns_audit_genesis};
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

/* The facts of the incident that no row stands for yet, as "FROM-TO:HASH" in the arena; NULL when there are none. */
static bool bind_facts(ns_store *s, ns_arena *ar, int64_t incident, const char **out, ns_err *err)
{
	int64_t from = 1, to = 0;
	char hash[NS_HEX256];
	typedef struct last { const char *facts; } last;
	static const column cols[] = {{COL_TEXT, offsetof(last, facts), NULL}};
	static const shape sh = SHAPE(last, cols, "audit row");
	last l;
	ns_err why = {0};
	*out = NULL;
	if (!incident)
		return true;
	if (store_row(s, ar, &sh, &l, &why, "SELECT facts FROM audit WHERE incident = ?1 AND facts IS NOT NULL ORDER BY seq DESC LIMIT 1", BINDS(INT(incident)))) {
		if (!audit_facts_parse(l.facts, &from, &to, hash))
			return ns_fail(err, NS_E_INVALID, "incident %" PRId64 ": its last audit row was not written by this program", incident);
		from = to + 1;
	} else if (why.code != NS_E_NOTFOUND) {
		return ns_fail(err, why.code, "%s", why.text);
	}
	int64_t n = audit_facts_hash(s, incident, from, INT64_MAX, &to, hash, err);
	if (n > 0)
		*out = ns_arena_printf(ar, "%" PRId64 "-%" PRId64 ":%s", from, to, hash);
	return n >= 0;
}

static const char *clean_text(ns_arena *ar, const cJSON *doc)
{
	char *text = doc ? audit_text(doc) : NULL;
	const char *kept = text ? ns_arena_strdup(ar, text) : NULL;
	free(text);
	return kept;
}

bool ns_store_audit(ns_store *s, const ns_audit_entry *e, char *head, int64_t *seq, ns_err *err)
{
	char hash[NS_HEX256];
	tail t;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "an audit row outside a transaction");
	ns_arena *ar = ns_arena_new();
	ns_audit_row r = {.at_ms = store_now(s), .incident = e->incident, .actor = store_or_empty(e->actor), .action = store_or_empty(e->action),
	    .detail = clean_text(ar, e->detail), .who = e->who ? clean_text(ar, e->who) : "{}", .digest = e->digest && *e->digest ? e->digest : NULL,
	    .before = clean_text(ar, e->before), .after = clean_text(ar, e->after)};
	bool ok = tail_get(s, ar, &t, err) && bind_facts(s, ar, e->incident, &r.facts, err);
	if (ok) {
		r.seq = t.seq + 1;
		ns_audit_row_hash(t.hash, &r, hash);
		ok = store_write(s, NULL, err,
		    "INSERT INTO audit (seq, at_ms, actor, action, incident, detail, who, digest, before, after, facts, hash)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		    BINDS(INT(r.seq), INT(r.at_ms), TEXT(r.actor), TEXT(r.action), INT(r.incident), TEXT(r.detail), TEXT(r.who), TEXT(r.digest),
		        TEXT(r.before), TEXT(r.after), TEXT(r.facts), TEXT(hash)));
	}
	if (ok && head)
		memcpy(head, hash, sizeof hash);
	if (ok && seq)
		*seq = r.seq;
	ns_arena_free(ar);
	return ok;
}

bool ns_store_audit_head(ns_store *s, int64_t *seq, char head[NS_HEX256], ns_err *err)
{
	tail t;
	ns_arena *ar = ns_arena_new();
	bool ok = tail_get(s, ar, &t, err) && (strlen(t.hash) == NS_HEX256 - 1 || ns_fail(err, NS_E_INVALID, "the newest audit row was not written by this program"));
	if (ok) {
		*seq = t.seq;
		memcpy(head, t.hash, NS_HEX256);
	}
	ns_arena_free(ar);
	return ok;
}

#define AT(field) offsetof(ns_audit_row, field)
static const column audit_cols[] = {{COL_INT, AT(seq), NULL}, {COL_INT, AT(at_ms), NULL}, {COL_INT, AT(incident), NULL},
    {COL_TEXT, AT(actor), NULL}, {COL_TEXT, AT(action), NULL}, {COL_TEXT, AT(detail), NULL}, {COL_TEXT, AT(who), NULL}, {COL_TEXT, AT(digest), NULL},
    {COL_TEXT, AT(before), NULL}, {COL_TEXT, AT(after), NULL}, {COL_TEXT, AT(facts), NULL}, {COL_TEXT, AT(hash), NULL}};
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
