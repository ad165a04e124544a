/* Approvals: one decision by compare-and-swap (law 6), bound to a digest (law 5), with silence meaning no (law 7). */
#include "neuroscale/sys/digest.h"
#include "store_priv.h"
#include <string.h>

enum { TOKEN_DIGITS = 32, CLOCK_SLACK_MS = 5000 };

static const char *const names[] = {
    [NS_APPR_PENDING] = "pending",
    [NS_APPR_APPROVED] = "approved",
    [NS_APPR_REJECTED] = "rejected",
    [NS_APPR_EXPIRED] = "expired",
    [NS_APPR_WITHDRAWN] = "withdrawn",
    [NS_APPR_VOIDED] = "voided",
};
enum { STATES = sizeof names / sizeof names[0] };

const char *ns_appr_state_name(ns_appr_state st)
{
	return (unsigned)st < STATES ? names[st] : "";
}

static bool state_word(const char *w, void *f)
{
	for (int i = 0; i < STATES; i++) {
		if (strcmp(names[i], w) == 0) {
			*(ns_appr_state *)f = (ns_appr_state)i;
			return true;
		}
	}
	return false;
}

#define APPROVAL_COLUMNS                                                                                                                   \
	"id, incident, digest, token, state, created_ms, deadline_wall_ms, deadline_mono_ms, boot_id, decided_by, surface, reason, "       \
	"decided_ms, needed"
#define AT(field) offsetof(ns_approval, field)
static const column approval_cols[] = {
    {COL_INT, AT(id), NULL},
    {COL_INT, AT(incident), NULL},
    {COL_TEXT, AT(digest), NULL},
    {COL_TEXT, AT(token), NULL},
    {COL_WORD, AT(state), state_word},
    {COL_INT, AT(created_ms), NULL},
    {COL_INT, AT(deadline_wall_ms), NULL},
    {COL_INT, AT(deadline_mono_ms), NULL},
    {COL_TEXT, AT(boot_id), NULL},
    {COL_TEXT, AT(decided_by), NULL},
    {COL_TEXT, AT(surface), NULL},
    {COL_TEXT, AT(reason), NULL},
    {COL_INT, AT(decided_ms), NULL},
    {COL_INT, AT(needed), NULL},
};
static const shape approval_shape = SHAPE(ns_approval, approval_cols, "approval");

bool ns_approval_expired(const ns_approval *a, int64_t wall_ms, int64_t mono_ms, const char *boot_id)
{
	int64_t wall_left, mono_left, apart;
	if (strcmp(a->boot_id, boot_id) != 0)
		return true;
	/* An overflow can only come from nonsense in the row or the clock: that is a disagreement too. */
	if (__builtin_sub_overflow(a->deadline_wall_ms, wall_ms, &wall_left) ||
	    __builtin_sub_overflow(a->deadline_mono_ms, mono_ms, &mono_left) || __builtin_sub_overflow(wall_left, mono_left, &apart))
		return true;
	return wall_left <= 0 || mono_left <= 0 || apart > CLOCK_SLACK_MS || apart < -CLOCK_SLACK_MS;
}

bool ns_store_approval_put(ns_store *s, int64_t incident, const char *digest, int64_t timeout_ms, int64_t *id, ns_err *err)
{
	char token[TOKEN_DIGITS + 1];
	int64_t changed, wall = store_now(s), wall_end, mono_end;
	if (strlen(digest) != NS_HEX256 - 1)
		return ns_fail(err, NS_E_INVALID, "an approval binds to a digest of %d digits", NS_HEX256 - 1);
	if (timeout_ms <= 0 || __builtin_add_overflow(wall, timeout_ms, &wall_end) ||
	    __builtin_add_overflow(ns_clock_mono_ms(s->clock), timeout_ms, &mono_end))
		return ns_fail(err, NS_E_INVALID, "an approval cannot wait %lld ms", (long long)timeout_ms);
	ns_random_hex(token, TOKEN_DIGITS);
	if (!store_write(s, &changed, err,
	        "INSERT INTO approvals (incident, digest, token, created_ms, deadline_wall_ms, deadline_mono_ms, boot_id)"
	        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (incident) WHERE state = 'pending' DO NOTHING",
	        BINDS(INT(incident), TEXT(digest), TEXT(token), INT(wall), INT(wall_end), INT(mono_end), TEXT(ns_clock_boot_id()))))
		return ns_err_wrap(err, "incident %lld, approval", (long long)incident);
	if (!changed)
		return ns_fail(err, NS_E_CONFLICT, "incident %lld has a pending approval already", (long long)incident);
	*id = store_last_id(s);
	return true;
}

static bool decided_already(const ns_approval *a, ns_err *err)
{
	char at[32];
	ns_time_format(a->decided_ms, at);
	/* "2026-11-23T03:02:11Z" -> "03:02:11Z": whoever is told was there a moment ago. */
	const char *clock_part = strchr(at, 'T');
	return ns_fail(
	    err, NS_E_CONFLICT, "already %s by %s at %s", ns_appr_state_name(a->state), a->decided_by, clock_part ? clock_part + 1 : at);
}

static bool may_decide(ns_store *s, const ns_approval *a, ns_appr_state to, const char *digest, ns_err *err)
{
	bool by_person = to == NS_APPR_APPROVED || to == NS_APPR_REJECTED;
	if (a->state != NS_APPR_PENDING)
		return decided_already(a, err);
	if (to == NS_APPR_APPROVED && !digest) /* a yes is a yes to something; a no may be to whatever it is */
		return ns_fail(err, NS_E_INVALID, "approval %lld: a yes needs the digest of what is approved", (long long)a->id);
	if (digest && !ns_const_time_eq(a->digest, digest))
		return ns_fail(err, NS_E_CONFLICT, "approval %lld: the plan has changed (digest %.12s, not %.12s): look at it again",
		    (long long)a->id, a->digest, digest);
	if (by_person && ns_approval_expired(a, ns_clock_wall_ms(s->clock), ns_clock_mono_ms(s->clock), ns_clock_boot_id()))
		return ns_fail(err, NS_E_EXPIRED, "approval %lld: its deadline has passed, and silence is no", (long long)a->id);
	return true;
}

/* The checks read inside the transaction, so their answers hold until the UPDATE; that it says 'pending' once more costs nothing. */
bool ns_store_approval_decide(
    ns_store *s, int64_t id, ns_appr_state to, const char *digest, const char *by, const char *surface, const char *reason, ns_err *err)
{
	int64_t changed;
	ns_approval a;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "a decision outside a transaction");
	if (to == NS_APPR_PENDING || (unsigned)to >= STATES)
		return ns_fail(err, NS_E_INVALID, "approval %lld: that is not a decision", (long long)id);
	ns_arena *ar = ns_arena_new();
	bool ok = ns_store_approval_get(s, ar, id, &a, err) && may_decide(s, &a, to, digest, err) &&
	          store_write(s, &changed, err,
	              "UPDATE approvals SET state = ?2, decided_by = ?3, surface = ?4, reason = ?5, decided_ms = ?6 WHERE id = ?1 AND "
	              "state = 'pending'",
	              BINDS(INT(id), TEXT(names[to]), TEXT(store_or_empty(by)), TEXT(store_or_empty(surface)), TEXT(store_or_empty(reason)),
	                  INT(store_now(s)))) &&
	          (changed == 1 || ns_fail(err, NS_E_CONFLICT, "approval %lld was decided meanwhile", (long long)id));
	ns_arena_free(ar);
	return ok;
}

bool ns_store_approval_need_two(ns_store *s, int64_t id, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err, "UPDATE approvals SET needed = 2 WHERE id = ?1 AND state = 'pending'", BINDS(INT(id))))
		return false;
	return changed || ns_fail(err, NS_E_CONFLICT, "approval %lld does not wait", (long long)id);
}

#undef AT
#define AT(field) offsetof(ns_yes, field)
static const column yes_cols[] = {{COL_INT, AT(at_ms), NULL}, {COL_TEXT, AT(who), NULL}, {COL_TEXT, AT(by), NULL}, {COL_TEXT, AT(surface), NULL},
    {COL_TEXT, AT(reason), NULL}};
static const shape yes_shape = SHAPE(ns_yes, yes_cols, "yes");

bool ns_store_approval_yeses(ns_store *s, ns_arena *ar, int64_t id, ns_yes **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &yes_shape, n, err,
	    "SELECT y.at_ms, y.who, y.said_by, y.surface, y.reason FROM yeses y JOIN approvals a ON a.id = y.approval AND a.digest = y.digest"
	    " WHERE y.approval = ?1 ORDER BY y.at_ms, y.who",
	    BINDS(INT(id)));
	return *out != NULL;
}

bool ns_store_approval_yes(ns_store *s, int64_t id, const char *digest, const ns_yes *y, int64_t *n, ns_err *err)
{
	int64_t changed = 0;
	ns_approval a;
	ns_yes *list;
	size_t count = 0;
	if (!store_holds_tx(s))
		return ns_fail(err, NS_E_FAILED, "a yes outside a transaction");
	ns_arena *ar = ns_arena_new();
	bool ok = ns_store_approval_get(s, ar, id, &a, err) && may_decide(s, &a, NS_APPR_APPROVED, digest, err) &&
	          store_write(s, &changed, err,
	              "INSERT INTO yeses (approval, who, digest, said_by, surface, reason, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	              " ON CONFLICT (approval, who) DO NOTHING",
	              BINDS(INT(id), TEXT(y->who), TEXT(a.digest), TEXT(store_or_empty(y->by)), TEXT(store_or_empty(y->surface)),
	                  TEXT(store_or_empty(y->reason)), INT(store_now(s)))) &&
	          (changed || ns_fail(err, NS_E_CONFLICT, "approval %lld: you have said yes already, another person must", (long long)id)) &&
	          ns_store_approval_yeses(s, ar, id, &list, &count, err);
	*n = (int64_t)count;
	ns_arena_free(ar);
	return ok;
}

bool ns_store_approval_get(ns_store *s, ns_arena *ar, int64_t id, ns_approval *out, ns_err *err)
{
	return store_row(s, ar, &approval_shape, out, err, "SELECT " APPROVAL_COLUMNS " FROM approvals WHERE id = ?1", BINDS(INT(id))) ||
	       ns_err_wrap(err, "approval %lld", (long long)id);
}

bool ns_store_approvals_pending(ns_store *s, ns_arena *ar, ns_approval **out, size_t *n, ns_err *err)
{
	*out = store_rows(
	    s, ar, &approval_shape, n, err, "SELECT " APPROVAL_COLUMNS " FROM approvals WHERE state = 'pending' ORDER BY id", NONE);
	return *out != NULL;
}

bool ns_store_approvals_of(ns_store *s, ns_arena *ar, int64_t incident, ns_approval **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &approval_shape, n, err, "SELECT " APPROVAL_COLUMNS " FROM approvals WHERE incident = ?1 ORDER BY id", BINDS(INT(incident)));
	return *out != NULL;
}

bool ns_store_approval_latest(ns_store *s, ns_arena *ar, int64_t incident, ns_approval *out, ns_err *err)
{
	return store_row(s, ar, &approval_shape, out, err,
	           "SELECT " APPROVAL_COLUMNS " FROM approvals WHERE incident = ?1 ORDER BY id DESC LIMIT 1", BINDS(INT(incident))) ||
	       ns_err_wrap(err, "incident %lld", (long long)incident);
}
