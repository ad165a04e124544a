/* The decision of a person: compare-and-swap, bound to the digest, exactly one wins (laws 5 and 6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/model/redact.h"

static bool decide(ns_step *s, const ns_approval *a, const ns_decide_req *req, const char *by, const char *reason)
{
	ns_engine *e = s->e;
	ns_appr_state to = req->approve ? NS_APPR_APPROVED : NS_APPR_REJECTED;
	const ns_cluster *c = ns_cluster_find(e, s->inc.target.cluster);
	if (req->approve && !c)
		return ns_fail(&s->err, NS_E_DENIED, "the cluster %s is not configured any more: nothing is sent there", s->inc.target.cluster);
	if (req->approve && c->o.profile == NS_PROFILE_OBSERVE)
		return ns_fail(&s->err, NS_E_DENIED, "%s is only observed: give it the profile approve to let anything be sent there", c->o.name);
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
	if (!ns_step_audit(s, by, ns_appr_state_name(to), cJSON_Duplicate(doc, true), true)) {
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
	char by[96];
	ns_uid_words(uid, by, sizeof by);
	if (role < NS_ROLE_APPROVER)
		return ns_fail(err, NS_E_DENIED, "%s may not decide here: only the user that runs the engine may", by);
	if (req->approve && (!req->digest || strlen(req->digest) != 64))
		return ns_fail(err, NS_E_USAGE, "an approval needs the 64-digit digest of what is approved");
	ns_arena *ar = ns_arena_new();
	ns_approval a;
	ns_step s = {0};
	const char *typed = req->reason ? req->reason : "";
	char *reason = ns_redact_line(typed, strlen(typed), 300); /* it stands in the note, the log and the audit */
	bool ok = ns_store_approval_get(e->store, ar, req->approval, &a, &s.err) && ns_step_begin(&s, e, ar, a.incident) &&
	    decide(&s, &a, req, by, reason) && ns_step_commit(&s);
	if (ok)
		ns_agent_count(e, NS_AG_ESCALATION);
	if (ok)
		snprintf(said, cap, "%s: incident %lld, %s/%s in %s%s", req->approve ? "approved" : "rejected", (long long)a.incident, s.inc.target.ns,
		    s.inc.target.name, s.inc.target.cluster, req->approve ? "; it is being executed" : "");
	else if (err)
		*err = s.err;
	if (ok && req->approve)
		NS_POINT("decided", a.incident);
	ns_step_abandon(&s);
	free(reason);
	ns_arena_free(ar);
	return ok;
}
