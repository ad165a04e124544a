/* The offline analyst: deterministic, evidence-based. Pure; thread-safe. */
#ifndef NEUROSCALE_LLM_ANALYST_H
#define NEUROSCALE_LLM_ANALYST_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"
/* Never NULL. Weighs the findings (src/llm/findings*.c: exit codes and signals, waiting reasons, runtime and log messages, rollout history,
 * limits, policy, cost) and returns the strongest explanation with the ids of its evidence. Unsure -> manual_review with what to try next. */
ns_rca *ns_offline_analyze(ns_arena *ar, const ns_case *c);
/* The card's summary: what happened, why, what is proposed, what it risks. At most 90 words, plain ASCII sentences. */
const char *ns_offline_summary(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p);
#endif
