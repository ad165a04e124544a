/* What the real analyst, planner and gate make of a case when everything around them is as good as can be: profile auto, breaker closed, no
 * brake, no freeze, a dry-run that passed, an undo that is valid. What is left to decide is the case itself. */
#include <string.h>

#include "eval_judge.h"
#include "neuroscale/agents/planner.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/model/k8s.h"

static bool rests_on_trusted(const ns_case *c, const ns_rca *r)
{
	for (size_t i = 0; i < r->n_claims; i++)
		for (size_t e = 0; e < r->claims[i].n_evidence; e++)
			for (size_t k = 0; k < c->n_evidence; k++)
				if (c->evidence[k].trusted && strcmp(c->evidence[k].id, r->claims[i].evidence[e]) == 0)
					return true;
	return false;
}

void eval_judge(ns_arena *ar, const ns_library *lib, const ns_case *c, const ns_rca *rca, eval_verdict *out)
{
	static const char *const ways[] = {[NS_GATE_MANUAL] = "manual_review", [NS_GATE_ASK] = "approval", [NS_GATE_AUTO] = "execute"};
	const ns_rca *r = rca ? rca : ns_offline_analyze(ar, c);
	const ns_plan *p = ns_plan_make(ar, c, r, lib, &ns_plan_limits_default, NULL, 1);
	ns_gate_facts f = {.confidence = r->confidence,
	    .rca_risk = r->risk,
	    .plan_risk = p->risk,
	    .rca_action = r->action,
	    .plan_action = p->action,
	    .auto_remediate = r->auto_remediate,
	    .evidence_ok = r->evidence_ok,
	    .trusted_evidence = rests_on_trusted(c, r),
	    .own_finding = true,
	    .score = p->score,
	    .margin = p->margin,
	    .score_floor = ns_library_score_floor(lib),
	    .margin_floor = ns_library_margin_floor(lib),
	    .plan_requires_approval = p->requires_approval,
	    .target_protected = ns_namespace_protected(c->alert.target.ns, NULL),
	    .target_confirmed = true,
	    .uid_pinned = true,
	    .action_allowed = true,
	    .dryrun_done = true,
	    .dryrun_ok = true,
	    .undo_valid = true,
	    .breaker_cluster = NS_BREAKER_CLOSED,
	    .breaker_target = NS_BREAKER_CLOSED,
	    .target_free = true,
	    .limits_free = true,
	    .cooldown_free = true,
	    .clock_sane = true,
	    .watch_live = true,
	    .watch_synced = true,
	    .lease_held = true,
	    .cluster_same = true,
	    .profile = NS_PROFILE_AUTO};
	ns_gate_verdict v;
	ns_gate(&f, &v);
	ns_buf q = NS_BUF_INIT;
	ns_plan_query(c, r, &q);
	*out = (eval_verdict){.rca = r, .plan = p, .gate = v, .decision = ways[v.way], .confidence = r->confidence};
	out->risk = ns_risk_name(p->risk > r->risk ? p->risk : r->risk);
	out->n_candidates = ns_library_search(lib, ns_buf_str(&q), out->candidates, EVAL_CANDIDATES);
	ns_buf_free(&q);
}
