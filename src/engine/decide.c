/* The decision of a person: compare-and-swap, bound to the digest, exactly one wins (laws 5 and 6). Under four eyes two people say yes to the same
 * digest before that is a decision; who a person is stands in people.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/model/redact.h"

/* What was decided about: the fields as they are and as they would be. */
static void put_change(ns_step *s, cJSON *detail)
{
	cJSON *dr = ns_store_fact_latest(s->e->store, s->inc.id, "dryrun", NULL, NULL);
	ns_step_change(detail, ns_json_str(detail, "digest", ""), ns_json_str(dr, "diff", ""), true);
	cJSON_Delete(dr);
}

/* One yes of two. *all: that was the second; *by then names both. */
static bool say_yes(ns_step *s, const ns_approval *a, const ns_decide_req *req, const char *who, const char **by, const char *reason, bool *all)
{
	ns_yes y = {.who = who, .by = *by, .surface = req->surface, .reason = reason}, *list;
	int64_t n = 0;
	size_t listed;
	if (!ns_store_approval_yes(s->e->store, a->id, req->digest, &y, &n, &s->err))
		return false;
	*all = n >= a->needed;
	if (!*all) {
		cJSON *detail = cJSON_CreateObject();
		ns_json_put_int(detail, "approval", a->id);
		ns_json_put_str(detail, "digest", a->digest);
		ns_json_put_str(detail, "person", who);
		ns_json_put_str(detail, "surface", req->surface);
		ns_json_put_str(detail, "reason", reason);
		put_change(s, detail);
		return ns_step_audit(s, *by, "first yes of two", detail, true);
	}
	if (!ns_store_approval_yeses(s->e->store, s->ar, a->id, &list, &listed, &s->err))
		return false;
	for (size_t i = 0; i < listed; i++)
		if (strcmp(list[i].who, who) != 0)
			*by = ns_arena_printf(s->ar, "%s and %s", list[i].by, *by);
	return true;
}

static bool decide(ns_step *s, const ns_approval *a, const ns_decide_req *req, const char *who, const char *by, const char *reason, bool *all)
{
	ns_engine *e = s->e;
	ns_appr_state to = req->approve ? NS_APPR_APPROVED : NS_APPR_REJECTED;
	const ns_cluster *c = ns_cluster_find(e, s->inc.target.cluster);
	if (req->approve && !c)
		return ns_fail(&s->err, NS_E_DENIED, "the cluster %s is not configured any more: nothing is sent there", s->inc.target.cluster);
	if (req->approve && c->o.profile == NS_PROFILE_OBSERVE)
		return ns_fail(&s->err, NS_E_DENIED, "%s is only observed: give it the profile approve to let anything be sent there", c->o.name);
	*all = true;
	if (req->approve && a->needed > 1 && (!say_yes(s, a, req, who, &by, reason, all) || !*all))
		return !*all && !s->err.code;
	if (!ns_store_approval_decide(e->store, a->id, to, req->digest, by, req->surface, reason, &s->err))
		return false;
	if (s->inc.state != NS_ST_AWAITING_APPROVAL)
		return ns_fail(&s->err, NS_E_CONFLICT, "incident %lld is %s now", (long long)s->inc.id, ns_state_get(s->inc.state)->name);
	cJSON *doc = cJSON_CreateObject();
	ns_json_put_str(doc, "decision", ns_appr_state_name(to));
	ns_json_put_str(doc, "by", by);
	ns_json_put_str(doc, "surface", req->surface);
	ns_json_put_str(doc, "digest", a->digest);
	ns_json_put_str(doc, "reason", reason);
	cJSON *detail = cJSON_Duplicate(doc, true);
	ns_json_put_int(detail, "approval", a->id);
	put_change(s, detail);
	if (!ns_step_audit(s, by, ns_appr_state_name(to), detail, true)) {
		cJSON_Delete(doc);
		return false;
	}
	if (!ns_step_fact(s, "decision", doc))
		return false;
	if (req->approve)
		return ns_step_move(s, NS_ST_EXECUTING, s->inc.verdict, by, reason) && ns_step_job(s, "execute", 0);

	/* Law 7: remembered by evidence, so that the same plan is not proposed again. */
	ns_dossier d;
	if (!ns_dossier_read(e, s->ar, s->inc.id, NS_D_CASE, &d, &s->err))
		return false;
	const char *hash = d.cs ? d.cs->hash : "";
	const char *key = ns_arena_printf(s->ar, "rejected:%s", s->inc.identity);
	s->inc.last_rejected_case = hash;
	return ns_store_meta_set(e->store, key, hash, &s->err) && ns_step_move(s, NS_ST_REJECTED, s->inc.verdict, by, reason) && ns_step_hold(s);
}

bool ns_engine_decide(ns_engine *e, uid_t uid, ns_role role, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	ns_person p;
	ns_person_make(uid, req->person, &p);
	if (role < NS_ROLE_APPROVER)
		return ns_fail(err, NS_E_DENIED, "%s may not decide here: only the user that runs the engine may, and whom --approvers names", p.by);
	if (req->approve && (!req->digest || strlen(req->digest) != 64))
		return ns_fail(err, NS_E_USAGE, "an approval needs the 64-digit digest of what is approved");
	ns_arena *ar = ns_arena_new();
	ns_approval a;
	ns_step s = {0};
	cJSON *who = ns_witness(uid, req->person, req->surface, req->caller);
	const char *typed = req->reason ? req->reason : "";
	char *reason = ns_redact_line(typed, strlen(typed), 300); /* it stands in the note, the log and the audit */
	bool all = false;
	bool ok = ns_store_approval_get(e->store, ar, req->approval, &a, &s.err) &&
	    (!req->approve || a.needed < 2 || ns_person_counts(e, &p, &s.err)) && ns_step_begin(&s, e, ar, a.incident) && (s.who = who) &&
	    decide(&s, &a, req, p.who, p.by, reason, &all) && ns_step_commit(&s);
	if (ok && all)
		ns_agent_count(e, NS_AG_ESCALATION);
	if (ok && !all)
		snprintf(said, cap, "your yes is recorded: incident %lld, %s/%s; another person must say yes to the same plan before it expires", (long long)a.incident,
		    s.inc.target.ns, s.inc.target.name);
	else if (ok)
		snprintf(said, cap, "%s: incident %lld, %s/%s in %s%s", req->approve ? "approved" : "rejected", (long long)a.incident, s.inc.target.ns,
		    s.inc.target.name, s.inc.target.cluster, req->approve ? "; it is being executed" : "");
	else if (err)
		*err = s.err;
	if (ok && all && req->approve)
		NS_POINT("decided", a.incident);
	ns_step_abandon(&s);
	free(reason);
	cJSON_Delete(who);
	ns_arena_free(ar);
	return ok;
}
