/* The life of an undo capsule: made in the transaction that records the change's intent, settled with its outcome, taken by the engine
 * itself (it did not help, it did harm, its time is over) or by a person, and ended by time. What is asked of a cluster for it is in
 * steps_undo.c. */
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/engine/gate_undo.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/policy/policy.h"
#include "undo_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_RETRY_MS = 1000, NAG_EVERY_MS = 3600000, LOOK_EVERY_MS = 300000 };

/* ---- before and after the change ---- */

/* When an exception that is made now ends: its own notes say how long it lives. */
static int64_t exception_end(ns_arena *ar, const ns_plan *p, int64_t now)
{
	char at[32];
	ns_exception_live x = {0};
	cJSON *o = ns_json_parse(p->command.body, strlen(p->command.body), &ns_json_strict, NULL);
	ns_time_format(now, at);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(o, "metadata");
	if (cJSON_IsObject(meta))
		ns_json_put_str(meta, "creationTimestamp", at);
	int64_t end = ns_exception_read(ar, o, &x) ? x.until_ms : 0;
	cJSON_Delete(o);
	return end;
}

bool ns_undo_make(ns_step *s, const ns_dossier *d, int64_t intent)
{
	const ns_plan *p = d->plan;
	if (!p->undo_valid || !d->dryrun->undo_ok)
		return true;
	int64_t now = ns_clock_wall_ms(s->e->o.clock), end = p->action == NS_ACT_POLICY_EXCEPTION ? exception_end(s->ar, p, now) : 0;
	ns_capsule c = {.id = intent,
	    .incident = s->inc.id,
	    .plan = ns_store_fact_seq(s->e->store, s->inc.id, "plan"),
	    .cluster = s->inc.target.cluster,
	    .target = ns_arena_printf(s->ar, "%s/%s/%s", s->inc.target.ns, s->inc.target.kind, s->inc.target.name),
	    .action = ns_action_get(p->action)->name,
	    .summary = p->summary,
	    .until_ms = end ? end : now + s->e->o.undo_ttl_ms};
	return ns_store_capsule_put(s->e->store, &c, &s->err);
}

/* An open job of the kind will do. */
bool ns_undo_job(ns_step *s, const char *kind)
{
	if (ns_step_job(s, kind, 0))
		return true;
	bool there = s->err.code == NS_E_CONFLICT;
	if (there)
		s->err = (ns_err){0};
	return there;
}

bool ns_undo_settled(ns_step *s, int64_t intent, bool perhaps_made, const char *why)
{
	ns_capsule c;
	ns_err none = {0};
	if (!ns_store_capsule_get(s->e->store, s->ar, intent, &c, &none))
		return none.code == NS_E_NOTFOUND || (s->err = none, false);
	if (c.state != NS_CAP_VALID)
		return true;
	return perhaps_made ? ns_undo_job(s, "arm")
	                    : ns_store_capsule_end(
	                          s->e->store, c.id, NS_CAP_VOID, ns_arena_printf(s->ar, "the change was not made: %s", why), &s->err);
}

/* ---- taking ---- */

/* Law 7: what was taken back is not proposed again on the evidence that it was planned on. */
static bool remember(ns_step *s, const ns_capsule *c)
{
	ns_fact_row *rows;
	size_t n;
	const char *hash = "";
	if (!ns_store_facts(s->e->store, s->ar, s->inc.id, &rows, &n, &s->err))
		return false;
	for (size_t i = 0; i < n && rows[i].seq < c->plan; i++) {
		if (strcmp(rows[i].name, "case") != 0)
			continue;
		cJSON *j = ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, NULL);
		hash = ns_arena_strdup(s->ar, ns_json_str(j, "hash", ""));
		cJSON_Delete(j);
	}
	s->inc.last_rejected_case = hash;
	return !*hash || ns_store_meta_set(s->e->store, ns_arena_printf(s->ar, "rejected:%s", s->inc.identity), hash, &s->err);
}

static bool take(ns_step *s, const ns_capsule *c, const char *digest, const char *by, const char *why, bool at_end)
{
	if (!ns_store_capsule_take(s->e->store, c->id, digest, by, why, at_end, &s->err))
		return false;
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "note", ns_arena_printf(s->ar, "%s%s%s", c->summary, *why ? ": " : "", why));
	return ns_step_audit(s, by, "undo asked", ns_step_change(detail, c->digest, c->diff, true), true) && ns_undo_job(s, "undo");
}

bool ns_undo_alone(ns_step *s, const char *actor, const char *why, bool *taken)
{
	ns_capsule c;
	ns_err none = {0};
	*taken = false;
	if (!ns_state_may(s->inc.state, NS_ST_UNDOING))
		return true;
	if (!ns_store_capsule_usable(s->e->store, s->ar, s->inc.id, &c, &none))
		return none.code == NS_E_NOTFOUND || (s->err = none, false);
	/* Once: a second time would be a fight. */
	if (ns_store_capsules_by(s->e->store, s->inc.id, NS_UNDO_ENGINE) > 0 || ns_clock_wall_ms(s->e->o.clock) >= c.until_ms)
		return true;
	*taken = true;
	return take(s, &c, NULL, NS_UNDO_ENGINE, why, false) && remember(s, &c) &&
	       ns_step_move(s, NS_ST_UNDOING, s->inc.verdict, actor, why);
}

bool ns_undo_or_hand_over(ns_step *s, const char *actor, const char *why)
{
	bool taken = false;
	if (s->inc.verdict == NS_VERDICT_NOT_FIXED &&
	    !ns_undo_alone(s, actor, ns_arena_printf(s->ar, "it did not help, and nothing better is known: %s", why), &taken))
		return false;
	return taken || (ns_step_move(s, NS_ST_MANUAL_REVIEW, s->inc.verdict, actor, why) && ns_step_hold(s));
}

void ns_undo_doubt(ns_engine *e, ns_arena *ar, ns_plan *p)
{
	ns_capsule c;
	ns_err err = {0};
	char at[32];
	const char *target = ns_arena_printf(ar, "%s/%s/%s", p->target.ns, p->target.kind, p->target.name);
	bool some =
	    ns_store_capsule_undone(e->store, ar, p->target.cluster, target, ns_clock_wall_ms(e->o.clock) - e->o.undo_ttl_ms, &c, &err);
	if (!some && err.code == NS_E_NOTFOUND)
		return;
	const char **why = ns_arena_alloc(ar, (p->n_approval_reasons + 1) * sizeof *why);
	ns_time_format(some ? c.changed_ms : 0, at);
	why[0] = some ? ns_arena_printf(ar, "taken back: \"%s\" was taken back here at %s, by %s", c.summary, at, c.by)
	              : ns_arena_printf(ar, "taken back: whether something was taken back here cannot be read: %s", err.text);
	for (size_t i = 0; i < p->n_approval_reasons; i++)
		why[i + 1] = p->approval_reasons[i];
	p->approval_reasons = why;
	p->n_approval_reasons++;
	p->requires_approval = true;
}

/* ---- a person ---- */

/* Where an undo cannot begin, in words; "" where it can. */
static const char *not_from(ns_state st)
{
	switch (st) {
	case NS_ST_EXECUTING: return "a change of it is being sent now: wait until that is over";
	case NS_ST_AWAITING_APPROVAL: return "another plan of it waits for an answer: reject that first";
	case NS_ST_UNDOING: return "it is being taken back already";
	default: return ns_state_may(st, NS_ST_UNDOING) ? "" : "nothing of it was changed yet";
	}
}

static bool person_takes(ns_step *s, const ns_undo_req *req, const char *by, const char *reason)
{
	ns_engine *e = s->e;
	ns_capsule c;
	ns_dossier d = {0};
	ns_gate_facts f;
	ns_undo_verdict v;
	ns_cluster *cl = ns_cluster_find(e, s->inc.target.cluster);
	if (!cl)
		return ns_fail(
		    &s->err, NS_E_DENIED, "the cluster %s is not configured any more: nothing is sent there", s->inc.target.cluster);
	if (!ns_store_capsule_taken(e->store, s->ar, s->inc.id, &c, NULL) &&
	    !ns_store_capsule_usable(e->store, s->ar, s->inc.id, &c, NULL) && !ns_store_capsule_of(e->store, s->ar, s->inc.id, &c, NULL))
		return ns_fail(
		    &s->err, NS_E_NOTFOUND, "incident %lld has nothing that could be taken back by machine", (long long)s->inc.id);
	if (c.state == NS_CAP_VALID)
		return ns_fail(&s->err, NS_E_BUSY, "the undo of incident %lld is not armed yet: the server has not said yes to it",
		    (long long)s->inc.id);
	const char *not = c.state == NS_CAP_ARMED ? not_from(s->inc.state) : "";
	if (*not )
		return ns_fail(
		    &s->err, NS_E_CONFLICT, "incident %lld is %s: %s", (long long)s->inc.id, ns_state_get(s->inc.state)->name, not );
	d.plan = ns_store_capsule_plan(e->store, s->ar, &c, &s->err);
	if (!d.plan)
		return false;
	ns_gate_collect(e, s->ar, &s->inc, &d, &f);
	f.cluster_same = true; /* looked at when it is sent */
	ns_gate_undo(&f, NS_UNDO_BY_PERSON, &v);
	if (c.state == NS_CAP_ARMED && !v.may)
		return ns_fail(&s->err, NS_E_DENIED, "not now: %s", v.words[0]);
	return take(s, &c, req->digest, by, reason, false) && remember(s, &c) && ns_store_jobs_drop(e->store, s->inc.id, &s->err) &&
	       ns_undo_job(s, "undo") && ns_step_move(s, NS_ST_UNDOING, s->inc.verdict, by, *reason ? reason : "asked for by a person");
}

bool ns_engine_undo(ns_engine *e, uid_t uid, ns_role role, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	char by[96];
	ns_uid_words(uid, by, sizeof by);
	if (role < NS_ROLE_APPROVER)
		return ns_fail(err, NS_E_DENIED, "%s may not decide here: only the user that runs the engine may", by);
	if (!req->digest || strlen(req->digest) != 64)
		return ns_fail(err, NS_E_USAGE, "an undo needs the 64-digit digest of what is taken back");
	ns_arena *ar = ns_arena_new();
	ns_step s = {0};
	cJSON *who = ns_witness(uid, req->person, req->surface, req->caller);
	const char *typed = req->reason ? req->reason : "";
	char *reason = ns_redact_line(typed, strlen(typed), 300);
	bool ok = ns_step_begin(&s, e, ar, req->incident) && (s.who = who) && person_takes(&s, req, by, reason) && ns_step_commit(&s);
	if (ok)
		snprintf(said, cap, "taking back: incident %lld, %s/%s in %s", (long long)s.inc.id, s.inc.target.ns, s.inc.target.name,
		    s.inc.target.cluster);
	else if (err)
		*err = s.err;
	ns_step_abandon(&s);
	if (ok)
		NS_POINT("undo-asked", req->incident);
	free(reason);
	cJSON_Delete(who);
	ns_arena_free(ar);
	return ok;
}

/* ---- time ---- */

/* An exception ends by being disarmed; anything else is simply no longer taken back. */
static bool time_over(ns_engine *e, ns_arena *ar, const ns_capsule *c)
{
	ns_step s;
	static const char why[] = "its time is over";
	bool exception = strcmp(c->action, ns_action_get(NS_ACT_POLICY_EXCEPTION)->name) == 0;
	bool ok = ns_step_begin(&s, e, ar, c->incident) &&
	          (exception ? take(&s, c, NULL, NS_UNDO_TIMER, why, true)
	                     : ns_store_capsule_end(e->store, c->id, NS_CAP_EXPIRED, why, &s.err) &&
	                           ns_step_audit(&s, NS_UNDO_TIMER, "undo expired", NULL, false)) &&
	          ns_step_commit(&s);
	if (!ok) {
		ns_step_abandon(&s);
		if (s.err.code != NS_E_CONFLICT) /* somebody took it in the same moment */
			ns_log(NS_LOG_ERROR, "engine", "incident %lld, the end of its undo: %s", (long long)c->incident, s.err.text);
	}
	return ok;
}

/* A capsule whose job was dropped with its incident's other jobs gets it back. */
static void ensure_job(ns_engine *e, ns_arena *ar, const ns_capsule *c)
{
	ns_step s;
	if (!(ns_step_begin(&s, e, ar, c->incident) && ns_step_job(&s, c->state == NS_CAP_TAKEN ? "undo" : "arm", 0) && ns_step_commit(&s)))
		ns_step_abandon(&s);
}

bool ns_undo_overdue(const ns_capsule *c, int64_t wall)
{
	int64_t late = wall - c->until_ms;
	return strcmp(c->action, ns_action_get(NS_ACT_POLICY_EXCEPTION)->name) == 0 && c->state != NS_CAP_UNDONE &&
	       late >= NS_UNDO_OVERDUE_MS && (c->state != NS_CAP_FAILED || late < NS_UNDO_NAG_MS);
}

int64_t ns_undo_timers(ns_engine *e, ns_arena *ar)
{
	ns_capsule *list;
	size_t n;
	int64_t next = -1, wall, mono;
	ns_clock_now(e, &wall, &mono);
	if (!ns_store_capsules_open(e->store, ar, &list, &n, NULL))
		return mono + STORE_RETRY_MS;
	bool nag = mono >= e->nag_at, look = mono >= e->undo_look_at, waiting = false;
	size_t overdue = 0;
	for (size_t i = 0; i < n; i++) {
		const ns_capsule *c = &list[i];
		if (!ns_cluster_find(e, c->cluster))
			continue; /* nothing is sent there */
		if (ns_capsule_usable(c->state) && wall < c->until_ms)
			next = ns_sooner(next, mono + c->until_ms - wall);
		else if (ns_capsule_usable(c->state) && !time_over(e, ar, c))
			next = ns_sooner(next, mono + STORE_RETRY_MS);
		bool works = c->state == NS_CAP_TAKEN || c->state == NS_CAP_VALID;
		waiting |= works;
		if (look && works)
			ensure_job(e, ar, c);
		if (!ns_undo_overdue(c, wall)) {
			if (c->state != NS_CAP_VALID && wall < c->until_ms + NS_UNDO_OVERDUE_MS &&
			    strcmp(c->action, "policy_exception") == 0)
				next = ns_sooner(next, mono + c->until_ms + NS_UNDO_OVERDUE_MS - wall);
			continue;
		}
		overdue++;
		if (!nag)
			continue;
		const char *why = *c->waits ? c->waits : c->why;
		ns_log_fields(NS_LOG_WARN, "policy", "an exception is overdue: it still lets through what it was to let through for a time",
		    "cluster", c->cluster, "workload", c->target, "what", c->summary, "why", why, NULL);
		ns_engine_say(e, NS_LOG_WARN, "#%lld overdue: %s; its time is over and it could not be disarmed%s%s",
		    (long long)c->incident, c->summary, *why ? ": " : "", why);
	}
	if (look)
		e->undo_look_at = mono + LOOK_EVERY_MS;
	if (waiting)
		next = ns_sooner(next, e->undo_look_at);
	if (nag && overdue)
		e->nag_at = mono + NAG_EVERY_MS;
	return overdue ? ns_sooner(next, e->nag_at) : next;
}
