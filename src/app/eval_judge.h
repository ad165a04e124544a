/* Inside the app room: one case judged by analyst, planner and gate as they are. */
#ifndef NEUROSCALE_APP_EVAL_JUDGE_H
#define NEUROSCALE_APP_EVAL_JUDGE_H
#include "neuroscale/engine/gate.h"
#include "neuroscale/model/facts.h"
#include "neuroscale/runbook/index.h"

enum { EVAL_CANDIDATES = 3 };
typedef struct eval_verdict {
	const ns_rca *rca;
	const ns_plan *plan;
	ns_gate_verdict gate;
	const char *decision; /* "execute" "approval" "manual_review" */
	const char *risk;     /* the worse of analysis and plan */
	double confidence;
	ns_match candidates[EVAL_CANDIDATES]; /* best first, whatever their score */
	size_t n_candidates;
} eval_verdict;
/* rca NULL: the offline analyst's; found NULL: what the library's own vectors find. Everything in out lives in ar or in the library. */
void eval_judge(ns_arena *ar, const ns_library *lib, const ns_case *c, const ns_rca *rca, const ns_retrieval *found, eval_verdict *out);
#endif
