/* The offline analyst: deterministic, evidence-based. Pure; thread-safe. */
#ifndef NEUROSCALE_LLM_ANALYST_H
#define NEUROSCALE_LLM_ANALYST_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"
/* Never NULL. Weighs the findings (src/llm/findings*.c: exit codes and signals, waiting reasons, runtime and log messages, rollout history,
 * limits, policy, cost) and returns the strongest explanation with the ids of its evidence. Unsure -> manual_review with what to try next.
 * It reads ns_revision.changes as the collector writes them: clauses joined by "; ", each "WHAT[ of CONTAINER] OLD -> NEW", where OLD is
 * that revision's and NEW the current template's ("image a:1 -> a:2; memory limit of app 256Mi -> 128Mi; env DB_HOST added (db)"). */
ns_rca *ns_offline_analyze(ns_arena *ar, const ns_case *c);
/* The card's summary: what happened, why, what is proposed, what it risks, how it is undone. At most 90 words, plain ASCII sentences. */
const char *ns_offline_summary(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p);
/* Does a log line carry something that the analyst knows? Such lines deserve to be evidence. */
bool ns_offline_line_matters(const char *line);
/* The cause classes, one by one; NULL after the last. Runbooks name them in `causes`. */
const char *ns_offline_cause_class(size_t i);
#endif
