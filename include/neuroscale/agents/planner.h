/* The planner: from cause to a bounded, reversible plan. Everything that becomes argv or body is computed here by code from the live
 * object; no text of a model, log or annotation reaches it (law 3). Pure; runs on a worker thread. */
#ifndef NEUROSCALE_AGENTS_PLANNER_H
#define NEUROSCALE_AGENTS_PLANNER_H
#include "neuroscale/model/facts.h"
#include "neuroscale/runbook/judgement.h"

typedef struct ns_plan_limits {
	double mem_factor;          /* 2.0: a memory limit is raised by at most this factor */
	int64_t mem_cap;            /* 8 GiB: and never above this, nor above node_allocatable_mem */
	int64_t scale_max;          /* 20 replicas */
	int exception_ttl_hours;    /* 24 */
	const char *const *protected_ns;
	const char *const *allowed_actions; /* names, NULL: all */
} ns_plan_limits;
extern const ns_plan_limits ns_plan_limits_default;

/* What is known from before. executed: what was tried for this incident: the planner neither repeats it nor goes beyond the second raise. */
typedef struct ns_plan_history {
	const ns_plan *const *executed;
	size_t n;
	const ns_judged *judged;    /* what became of runbooks on this workload: it weighs when one is found again (runbook/judgement.h) */
	size_t n_judged;
	int64_t now_ms;             /* for the age of verdicts */
	const ns_retrieval *found;  /* what a model's index found for ns_plan_query; NULL: the library's own vectors are asked */
} ns_plan_history;

/* Retrieves the runbook (query = RCA and its reasoning), decides between the RCA's action and what the code's own rules permit, fills
 * steps, parameters, command, undo, risk and reasons. Never NULL: what cannot be done safely is a manual_review plan that says why and what
 * a person would run (manual_command). incident: for names ("inc-7"). */
ns_plan *ns_plan_make(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_library *lib, const ns_plan_limits *lim, const ns_plan_history *h, int64_t incident);
/* The plan that ends an exception of ours (a live PolicyException): its undo, sent by ns_execute with undo = true, disarms it. NULL with err when
 * it is none of ours, is disarmed already, or does not say which workload it is for. */
ns_plan *ns_plan_disarm(ns_arena *ar, const cJSON *exception, const char *cluster, ns_err *err);
/* What a runbook is searched for with: the analysis with its reasoning, and the alert's own words. Appends. */
void ns_plan_query(const ns_case *c, const ns_rca *r, ns_buf *q);
#endif
