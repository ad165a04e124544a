/* One step of an incident = one transaction: its facts, the transition, the next job and the audit rows stand or fall together.
 * What is said about it (log, syslog anchor, wake-ups) is said after the commit only. */
#include <stdio.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"

bool ns_step_begin(ns_step *s, ns_engine *e, ns_arena *ar, int64_t incident)
{
	memset(s, 0, sizeof *s);
	s->e = e;
	s->ar = ar;
	if (!ns_store_begin(e->store, &s->err))
		return false;
	s->open = true;
	if (!ns_store_incident_get(e->store, ar, incident, &s->inc, &s->err)) {
		ns_step_abandon(s);
		return false;
	}
	return true;
}

bool ns_step_begin_job(ns_step *s, ns_worker *w, ns_arena *ar, const ns_job *job)
{
	if (!ns_step_begin(s, w->e, ar, job->incident))
		return false;
	s->worker = w;
	s->job = job;
	return true;
}

void ns_step_abandon(ns_step *s)
{
	if (s->open)
		ns_store_rollback(s->e->store);
	s->open = false;
}

bool ns_step_failed(ns_step *s, ns_err *err)
{
	ns_step_abandon(s);
	*err = s->err;
	return false;
}

/* What the log line says of an audit row beside its name. */
static void keep_facts(ns_step *s, size_t i, const cJSON *detail)
{
	static const char *const names[] = {"approval", "digest", "outcome", "error", "scope"};
	size_t n = 0;
	for (size_t k = 0; k < sizeof names / sizeof names[0] && n < 2; k++) {
		int64_t number;
		const char *text = ns_json_str(detail, names[k], "");
		char *value = s->done[i].more[n].value;
		if (ns_json_int(detail, names[k], &number))
			snprintf(value, sizeof s->done[i].more[n].value, "%lld", (long long)number);
		else if (*text)
			ns_copy(value, sizeof s->done[i].more[n].value, text);
		else
			continue;
		s->done[i].more[n++].name = names[k];
	}
}

/* What the row is about: the digest that its detail names, else that of the plan as it was dry-run last. */
static const char *digest_of(ns_step *s, const cJSON *detail)
{
	const char *named = ns_json_str(detail, "digest", "");
	int64_t asked = *named ? 0 : ns_store_fact_seq(s->e->store, s->inc.id, "dryrun");
	if (!asked || asked < ns_store_fact_seq(s->e->store, s->inc.id, "plan"))
		return ns_arena_strdup(s->ar, named);
	cJSON *j = ns_store_fact_latest(s->e->store, s->inc.id, "dryrun", NULL, NULL);
	const char *digest = ns_arena_strdup(s->ar, ns_json_str(j, "digest", ""));
	cJSON_Delete(j);
	return digest;
}

static bool audit(ns_step *s, const char *actor, const char *action, cJSON *detail, bool anchor)
{
	size_t i = s->n_done;
	bool ok = i < sizeof s->done / sizeof s->done[0];
	cJSON *before = cJSON_DetachItemFromObjectCaseSensitive(detail, "before"), *after = cJSON_DetachItemFromObjectCaseSensitive(detail, "after");
	ns_audit_entry entry = {.actor = actor, .action = action, .incident = s->inc.id, .detail = detail, .who = s->who ? s->who : s->e->who,
	    .digest = digest_of(s, detail), .before = before, .after = after};
	if (!ok)
		ns_fail(&s->err, NS_E_FAILED, "more than %zu audit rows in one step", i);
	else
		ok = ns_store_audit(s->e->store, &entry, s->done[i].head, &s->done[i].seq, &s->err);
	if (ok)
		keep_facts(s, i, detail);
	cJSON_Delete(detail);
	cJSON_Delete(before);
	cJSON_Delete(after);
	if (!ok)
		return false;
	ns_copy(s->done[i].actor, sizeof s->done[i].actor, actor);
	ns_copy(s->done[i].note, sizeof s->done[i].note, action);
	s->done[i].anchored = anchor;
	s->n_done++;
	return true;
}

bool ns_step_audit(ns_step *s, const char *actor, const char *action, cJSON *detail, bool anchor)
{
	return audit(s, actor, action, detail, anchor);
}

bool ns_step_move(ns_step *s, ns_state to, ns_verdict verdict, const char *actor, const char *note)
{
	ns_state from = s->inc.state;
	if (!ns_store_transition(s->e->store, s->inc.id, from, s->inc.version, to, verdict, note, &s->err))
		return false;
	/* An incident that ends without an outcome gives a half-open breaker's one trial back. */
	if (ns_state_get(to)->terminal && !ns_breakers_release(s))
		return false;
	char action[80];
	snprintf(action, sizeof action, "%s -> %s", ns_state_get(from)->name, ns_state_get(to)->name);
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "note", note);
	if (verdict != NS_VERDICT_NONE)
		ns_json_put_str(detail, "verdict", ns_verdict_name(verdict));
	ns_json_put_str(cJSON_AddObjectToObject(detail, "before"), "state", ns_state_get(from)->name);
	ns_json_put_str(cJSON_AddObjectToObject(detail, "after"), "state", ns_state_get(to)->name);
	size_t i = s->n_done;
	if (!audit(s, actor, action, detail, ns_state_get(to)->terminal))
		return false;
	s->done[i].moved = true;
	s->done[i].from = from;
	s->done[i].to = to;
	ns_copy(s->done[i].note, sizeof s->done[i].note, note);
	s->inc.state = to;
	s->inc.version++;
	s->inc.verdict = verdict;
	return true;
}

bool ns_step_fact(ns_step *s, const char *name, cJSON *doc)
{
	bool ok = ns_store_fact_put(s->e->store, s->inc.id, name, doc, &s->err);
	cJSON_Delete(doc);
	return ok;
}

bool ns_step_job(ns_step *s, const char *kind, int64_t delay_ms)
{
	return ns_store_job_put(s->e->store, s->inc.id, kind, ns_clock_wall_ms(s->e->o.clock) + delay_ms, &s->err);
}

bool ns_step_hold(ns_step *s)
{
	return ns_store_incident_set(s->e->store, s->inc.id, s->inc.attempts, ns_clock_wall_ms(s->e->o.clock) + s->e->o.cooldown_ms,
	    s->inc.last_rejected_case, &s->err);
}

static void tell(ns_step *s)
{
	char id[24], prefix[80];
	snprintf(id, sizeof id, "%lld", (long long)s->inc.id);
	ns_cluster_prefix(s->e, s->inc.target.cluster, prefix);
	for (size_t i = 0; i < s->n_done; i++) {
		if (s->done[i].anchored) {
			char why[320];
			snprintf(why, sizeof why, "incident %s %s by %s", id, s->done[i].note, s->done[i].actor);
			ns_anchor_put(s->e, s->done[i].seq, s->done[i].head, why);
		}
		if (!s->done[i].moved) {
			ns_log_fields(NS_LOG_INFO, "audit", s->done[i].note, "incident", id, "cluster", s->inc.target.cluster, "by", s->done[i].actor,
			    s->done[i].more[0].name, s->done[i].more[0].value, s->done[i].more[1].name, s->done[i].more[1].value, NULL);
			continue;
		}
		char msg[96];
		snprintf(msg, sizeof msg, "incident %s %s -> %s", id, ns_state_get(s->done[i].from)->name, ns_state_get(s->done[i].to)->name);
		const char *note = s->done[i].note, *verdict = ns_verdict_name(s->inc.verdict), *more[5] = {NULL};
		size_t n = 0; /* what says nothing is left out */
		if (note[0]) {
			more[n++] = "note";
			more[n++] = note;
		}
		if (verdict[0]) {
			more[n++] = "verdict";
			more[n++] = verdict;
		}
		ns_log_fields(NS_LOG_INFO, "engine", msg, "cluster", s->inc.target.cluster, "kind", ns_kind_get(s->inc.kind)->name, "ns", s->inc.target.ns, "workload",
		    s->inc.target.name, "by", s->done[i].actor, more[0], more[1], more[2], more[3], NULL);
		ns_engine_say(s->e, NS_LOG_INFO, "#%s %s%s/%s %s -> %s%s%s", id, prefix, s->inc.target.ns, s->inc.target.name,
		    ns_state_get(s->done[i].from)->name, ns_state_get(s->done[i].to)->name, s->done[i].note[0] ? ": " : "", s->done[i].note);
	}
}

bool ns_step_commit(ns_step *s)
{
	if (s->job && !ns_store_job_done(s->e->store, s->job->id, &s->err))
		return false;
	s->open = false; /* a failed commit has rolled back and given the lock back */
	if (!ns_store_commit(s->e->store, &s->err))
		return false;
	if (s->job)
		s->worker->job_done = true;
	ns_engine_store_says(s->e, NULL);
	tell(s);
	ns_engine_work(s->e);
	ns_engine_dirty(s->e);
	return true;
}
