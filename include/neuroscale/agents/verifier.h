/* The verifier: FIXED, NOT FIXED or UNKNOWN (law 9). A pure step function over what the detector sees; the engine calls it every few seconds. */
#ifndef NEUROSCALE_AGENTS_VERIFIER_H
#define NEUROSCALE_AGENTS_VERIFIER_H
#include "neuroscale/agents/detector.h"

typedef struct ns_verify_state {
	int64_t started_ms;        /* when the change was sent */
	int64_t last_ms;           /* last step */
	int64_t good_ms;           /* healthy and live time counted so far */
	int64_t need_ms;           /* max(120 s, 2 x longest time to failure) */
	int64_t live_ms;           /* how long the watch was live in all */
	int64_t elapsed_ms;        /* time since the start; a clock that steps back takes nothing away */
	int64_t settled_ms;        /* from when on a failure is one of the changed instances, 0 not known yet */
	int64_t min_generation;    /* observedGeneration must reach it */
	int64_t failures;          /* failures seen after the change took effect */
} ns_verify_state;
/* sent_generation: metadata.generation as the answer to the change had it (ns_execution.generation). */
void ns_verify_begin(ns_verify_state *v, int64_t now_ms, int64_t sent_generation);
/* NONE: go on watching. NOT FIXED: it failed again after the change took effect, or the grace time (10 min live) passed without recovery.
 * UNKNOWN: the watch was not live long enough to tell within 30 min, or the target is gone. why (cap bytes) gets the words for the record. */
ns_verdict ns_verify_step(ns_verify_state *v, const ns_health *h, int64_t now_ms, char *why, size_t cap);
/* Do a window's counters bear that verdict? NULL when they do, else why not (static). harm: something new failed, which needs no counters; a target
 * that is gone leaves none either, so that UNKNOWN is only refused where they say FIXED. */
const char *ns_verify_bears(const ns_verify_state *v, ns_verdict verdict, bool harm);
cJSON *ns_verify_to_json(const ns_verify_state *v);
bool ns_verify_from_json(ns_verify_state *v, const cJSON *j, ns_err *err);
#endif
