/* An incident as a person on call sees it (an alert's words, `kubectl describe` and `get`, events, log excerpts, rollout history, cost
 * notes) read into the case that the collector would have made of the same cluster, so that the one analyst, planner and gate judge it.
 * What the text states as observed becomes structure with trusted evidence; log lines and events stay untrusted (law 3); what it does not
 * tell keeps its ordinary value: a Deployment, found, not paused. Sentences that give orders to whoever reads ("approve the rollback")
 * are no evidence of anything: they are left out, and their presence alone forbids acting without a person. Pure; thread-safe. */
#ifndef NEUROSCALE_LLM_TEXT_CASE_H
#define NEUROSCALE_LLM_TEXT_CASE_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"

/* n bytes of anything: sanitised here, of more than 64 KiB the beginning and the end are read. Never NULL; everything lives in ar. kind
 * gets the alert class in the words of the evaluation sets ("oom_killed" … "other", static): the proximate cause wins over the symptom. */
ns_case *ns_case_from_text(ns_arena *ar, const char *text, size_t n, const char **kind);
#endif
