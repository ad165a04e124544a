/* What was done about an incident: its way from state to state, what people were asked and said, what was sent and what came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

static const ns_json_limits limits = {.max_bytes = 16u << 20, .max_depth = 128};

/* ---- transitions ---- */

static void check_moves(replay *x)
{
	const char *is = ns_state_get(NS_ST_DETECTED)->name;
	for (size_t i = 0; i < x->n_rows; i++) {
		const replay_row *r = &x->rows[i];
		const char *why = "";
		ns_state from, to;
		if (!r->moved)
			continue;
		if (strcmp(r->from, is) != 0)
			replay_add(x, &why, "it was %s before", is);
		if (!ns_state_parse(r->from, &from) || !ns_state_parse(r->to, &to))
			replay_add(x, &why, "this version does not know one of the states");
		else if (!ns_state_may(from, to))
			replay_add(x, &why, "by this version's table it may not");
		replay_found(x, r->r->at_ms, ns_arena_printf(x->ar, "%s -> %s by %s", r->from, r->to, r->r->actor), why);
		is = r->to;
	}
	const char *now = ns_state_get(x->inc.state)->name;
	if (strcmp(now, is) != 0)
		replay_found(x, x->inc.updated_ms, ns_arena_printf(x->ar, "the incident is %s", now), ns_arena_printf(x->ar, "its rows lead to %s", is));
}

/* ---- rows by name ---- */

/* The k-th row (from 0) of that name, NULL none. */
static const replay_row *row_named(const replay *x, const char *action, size_t k)
{
	for (size_t i = 0; i < x->n_rows; i++)
		if (strcmp(x->rows[i].r->action, action) == 0 && k-- == 0)
			return &x->rows[i];
	return NULL;
}

static size_t count_rows(const replay *x, const char *action)
{
	size_t n = 0;
	while (row_named(x, action, n))
		n++;
	return n;
}

static const replay_row *row_with_digest(const replay *x, const char *action, const char *digest)
{
	const replay_row *r;
	for (size_t k = 0; (r = row_named(x, action, k)); k++)
		if (strcmp(r->digest, digest) == 0)
			return r;
	return NULL;
}

/* ---- approvals ---- */

static void check_people(replay *x, const ns_approval *a, const char **why, ns_err *err, bool *ok)
{
	ns_yes *list;
	size_t n, different = 0;
	*ok = ns_store_approval_yeses(x->s, x->ar, a->id, &list, &n, err);
	for (size_t i = 0; *ok && i < n; i++) {
		bool first = true;
		for (size_t k = 0; k < i; k++)
			first = first && strcmp(list[i].who, list[k].who) != 0;
		different += first;
		if (list[i].at_ms > a->deadline_wall_ms)
			replay_add(x, why, "%s said yes after the deadline", list[i].by);
	}
	if (*ok && a->state == NS_APPR_APPROVED && a->needed > 1 && different < (size_t)a->needed)
		replay_add(x, why, "it took %lld people and %zu said yes", (long long)a->needed, different);
}

/* The digest that was asked about is the one of the dry-run before it (law 5). */
static bool was_dryrun(replay *x, const char *digest)
{
	for (size_t i = 0; i < x->n_facts; i++) {
		if (strcmp(x->facts[i].name, "dryrun") != 0)
			continue;
		cJSON *j = ns_json_parse(x->facts[i].json, strlen(x->facts[i].json), &limits, NULL);
		bool same = strcmp(ns_json_str(j, "digest", ""), digest) == 0 && ns_json_bool_or(j, "ok", false);
		cJSON_Delete(j);
		if (same)
			return true;
	}
	return false;
}

static bool check_approval(replay *x, const ns_approval *a, ns_err *err)
{
	const char *why = "", *state = ns_appr_state_name(a->state);
	bool ok, person = a->state == NS_APPR_APPROVED || a->state == NS_APPR_REJECTED;
	if (!was_dryrun(x, a->digest))
		replay_add(x, &why, "no dry-run on record has the digest %.12s that was asked about", a->digest);
	if (!row_with_digest(x, "approval asked", a->digest))
		replay_add(x, &why, "the audit has no row of this question");
	if (person && !row_with_digest(x, state, a->digest))
		replay_add(x, &why, "the audit has no row of this answer");
	if (person && (a->decided_ms > a->deadline_wall_ms || a->decided_ms < a->created_ms))
		replay_add(x, &why, "it was answered %s", a->decided_ms < a->created_ms ? "before it was asked" : "after its deadline, and silence is no (law 7)");
	check_people(x, a, &why, err, &ok);
	if (a->state == NS_APPR_EXPIRED && a->decided_ms < a->deadline_wall_ms && !*why)
		replay_unknown(x, a->decided_ms, ns_arena_printf(x->ar, "approval %lld: expired", (long long)a->id),
		    "before its wall time: a restart of the machine or a clock that jumped also ends it, and these are not on record");
	else
		replay_found(x, a->decided_ms ? a->decided_ms : a->created_ms,
		    ns_arena_printf(x->ar, "approval %lld: %s%s%s", (long long)a->id, state, *a->decided_by ? " by " : "", a->decided_by), why);
	return ok;
}

/* ---- what was sent ---- */

static const ns_approval *approval_of(const replay *x, int64_t id)
{
	for (size_t i = 0; i < x->n_approvals; i++)
		if (x->approvals[i].id == id)
			return &x->approvals[i];
	return NULL;
}

/* The k-th fact of that name, parsed; for undo facts those of the phase. seq of it; NULL none. The caller frees it. */
static cJSON *fact_at(const replay *x, const char *name, const char *phase, size_t k, size_t *at)
{
	for (size_t i = 0; i < x->n_facts; i++) {
		if (strcmp(x->facts[i].name, name) != 0)
			continue;
		cJSON *j = ns_json_parse(x->facts[i].json, strlen(x->facts[i].json), &limits, NULL);
		bool ours = !phase || strcmp(ns_json_str(j, "phase", ""), phase) == 0;
		if (ours && k-- == 0) {
			*at = i;
			return j;
		}
		cJSON_Delete(j);
	}
	return NULL;
}

/* The judgement that let it go, and the plan in force then. */
static void check_permit(replay *x, const ns_intent *in, size_t k, const char **why)
{
	size_t at = 0;
	cJSON *g = NULL;
	for (size_t i = 0, sent = 0; (g = fact_at(x, "gate", NULL, i, &at)); i++) {
		if (ns_json_bool_or(g, "sends", false) && ns_json_bool_or(g, "sending", false) && sent++ == k)
			break;
		cJSON_Delete(g);
	}
	if (!g) {
		replay_add(x, why, "the gate let nothing of it go");
		return;
	}
	if (ns_json_bool_or(g, "approved", false) != (in->approval != 0))
		replay_add(x, why, "the gate judged it %s a yes", in->approval ? "without" : "with");
	cJSON_Delete(g);
	while (at > 0 && strcmp(x->facts[at].name, "plan") != 0)
		at--;
	cJSON *p = ns_json_parse(x->facts[at].json, strlen(x->facts[at].json), &limits, NULL), *argv = ns_json_parse(in->argv_json, strlen(in->argv_json), &limits, NULL);
	if (strcmp(x->facts[at].name, "plan") != 0 || !ns_json_same(ns_json_path(p, "command.argv"), argv) || strcmp(ns_json_str(p, "command.body", ""), in->body) != 0)
		replay_add(x, why, "its command is not the plan's");
	cJSON_Delete(p);
	cJSON_Delete(argv);
}

static void check_outcome(replay *x, const ns_intent *in, size_t k, const char **why)
{
	size_t at;
	cJSON *j = in->undo ? fact_at(x, "undo", "sent", k, &at) : fact_at(x, "execution", NULL, k, &at);
	const cJSON *e = in->undo ? ns_json_get(j, "execution") : j;
	if (!in->finished) {
		if (e)
			replay_add(x, why, "it has an execution and no outcome");
	} else if (!e) {
		if (!(in->undo && strcmp(in->outcome, "unknown") == 0)) /* what was looked at afterwards */
			replay_add(x, why, "its outcome \"%s\" has no execution", in->outcome);
	} else {
		bool sent = ns_json_bool_or(e, "sent", false);
		const char *is = ns_json_bool_or(e, "ok", false) ? "sent" : ns_json_bool_or(e, "unknown", false) ? "unknown" : sent ? "refused" : "failed";
		if (strcmp(is, in->outcome) != 0)
			replay_add(x, why, "its outcome is \"%s\", its execution says %s", in->outcome, is);
	}
	cJSON_Delete(j);
}

/* k: the how manieth change, or undo, of this incident. */
static void check_intent(replay *x, const ns_intent *in, size_t k)
{
	const char *why = "";
	const replay_row *started = row_named(x, in->undo ? "undo started" : "started", k);
	const ns_approval *a = in->approval ? approval_of(x, in->approval) : NULL;
	if (!started)
		replay_add(x, &why, "the audit has no row of it");
	else if (strcmp(started->digest, in->digest) != 0)
		replay_add(x, &why, "the audit's row has the digest %.12s, it has %.12s", started->digest, in->digest);
	if (in->approval && !a)
		replay_add(x, &why, "approval %lld is not on record", (long long)in->approval);
	if (a && a->state != NS_APPR_APPROVED)
		replay_add(x, &why, "approval %lld is %s", (long long)a->id, ns_appr_state_name(a->state));
	if (a && !in->undo && strcmp(a->digest, in->digest) != 0)
		replay_add(x, &why, "what was approved (%.12s) is not what was sent (%.12s)", a->digest, in->digest);
	if (a && a->decided_ms > in->started_ms)
		replay_add(x, &why, "it was sent before the yes");
	if (!in->undo)
		check_permit(x, in, k, &why);
	check_outcome(x, in, k, &why);
	const char *by = a ? ns_arena_printf(x->ar, "approval %lld", (long long)a->id) : in->undo ? "its change's decision" : "the gate alone";
	replay_found(x, in->started_ms, ns_arena_printf(x->ar, "%s %s on %s by %s: %s", in->undo ? "undo of" : "sent", in->action, in->target, by,
	    in->finished ? in->outcome : "no outcome yet"), why);
}

bool replay_acts(replay *x, ns_err *err)
{
	size_t n[2] = {0};
	bool ok = true;
	check_moves(x);
	for (size_t i = 0; ok && i < x->n_approvals; i++)
		ok = check_approval(x, &x->approvals[i], err);
	for (size_t i = 0; ok && i < x->n_intents; i++)
		check_intent(x, &x->intents[i], n[x->intents[i].undo]++);
	static const char *const names[] = {"started", "undo started"};
	for (size_t i = 0; i < 2; i++)
		if (count_rows(x, names[i]) > n[i])
			replay_found(x, x->inc.updated_ms, "everything that was sent has its intent",
			    ns_arena_printf(x->ar, "%zu rows say \"%s\" and %zu intents are on record", count_rows(x, names[i]), names[i], n[i]));
	return ok;
}
