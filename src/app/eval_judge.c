/* What the real analyst, planner and gate make of a case when everything around them is as good as can be: profile auto, breaker closed, no
 * brake, no freeze, a dry-run that passed, an undo that is valid. What is left to decide is the case itself. */
#include "eval_judge.h"
#include "neuroscale/agents/planner.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/model/k8s.h"

void eval_judge(ns_arena *ar, const ns_library *lib, const ns_case *c, const ns_rca *rca, const ns_retrieval *found, eval_verdict *out)
{
	static const char *const ways[] = {[NS_GATE_MANUAL] = "manual_review", [NS_GATE_ASK] = "approval", [NS_GATE_AUTO] = "execute"};
	const ns_rca *r = rca ? rca : ns_offline_analyze(ar, c);
	ns_retrieval own;
	ns_buf q = NS_BUF_INIT;
	ns_plan_query(c, r, &q);
	if (!found)
		ns_library_retrieve(lib, ns_buf_str(&q), &own);
	const ns_retrieval *at = found ? found : &own;
	ns_buf_free(&q);
	const ns_plan *p = ns_plan_make(ar, c, r, lib, &ns_plan_limits_default, &(ns_plan_history){.found = at}, 1);
	ns_gate_facts f;
	ns_gate_best(&f);
	ns_gate_judge(c, r, p, &f);
	f.score_floor = at->score_floor;
	f.margin_floor = at->margin_floor;
	f.target_protected = ns_namespace_protected(c->alert.target.ns, NULL);
	ns_gate_verdict v;
	ns_gate(&f, &v);
	*out = (eval_verdict){.rca = r, .plan = p, .gate = v, .decision = ways[v.way], .confidence = r->confidence};
	out->risk = ns_risk_name(p->risk > r->risk ? p->risk : r->risk);
	while (out->n_candidates < at->n && out->n_candidates < EVAL_CANDIDATES) {
		out->candidates[out->n_candidates] = at->match[out->n_candidates];
		out->n_candidates++;
	}
}
