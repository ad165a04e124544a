/* One analysis: the model where there is one, the offline analyst always. The model is asked at most once per distinct cause (the case's hash) within
 * its window, its reply is read by the contract, checked against the evidence and its own record, and joined with the offline analyst's: it can
 * lower trust, never raise it. Whatever goes wrong, the offline analyst's word is there within five seconds of it, and says why it stands alone. */
#ifndef NEUROSCALE_LLM_ANALYZE_H
#define NEUROSCALE_LLM_ANALYZE_H
#include "neuroscale/llm/confidence.h"
#include "neuroscale/llm/provider.h"
#include "neuroscale/llm/reply.h"
#include "neuroscale/llm/world.h"

typedef struct ns_analysts ns_analysts;
typedef struct ns_analysts_opts {
	ns_llm *llm;             /* borrowed; NULL: offline only */
	const ns_clock *clock;
	int64_t window_ms;       /* 600000 */
	/* Recorded claims and what came of them, oldest first, into the arena; may be NULL. Called on the analysing thread. */
	size_t (*outcomes)(void *ctx, ns_arena *ar, const ns_outcome **out);
	void *ctx;
} ns_analysts_opts;
ns_analysts *ns_analysts_new(const ns_analysts_opts *o);
void ns_analysts_free(ns_analysts *a);

typedef enum ns_analysis_by { NS_BY_OFFLINE, NS_BY_MODEL, NS_BY_MEMORY } ns_analysis_by; /* MEMORY: the same cause was asked about before */
typedef struct ns_analysis {
	ns_rca *rca;             /* never NULL; provider is "offline" or the model's name */
	ns_analysis_by by;
	bool asked;              /* a model was, now: usage is of that; else its answer, or its silence, is remembered */
	ns_llm_trouble trouble;  /* why a model did not answer */
	const char *mark;        /* for the card and the record: "offline analyst: the model is slow", "capped at 0.60: …"; "" nothing to say */
	const char *reply_reason;/* the contract's verdict on the reply, "" when there was none */
	const char *model, *prompt_version, *request_id; /* model: who answered, "" nobody */
	double claimed;          /* the model's own confidence, -1 none: what the confidence watch records */
	ns_llm_usage usage;
	int64_t elapsed_ms;
	ns_strangers strangers;
} ns_analysis;
/* Never NULL. Blocks the worker's thread; thread-safe. */
ns_analysis *ns_llm_analyze(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel);
typedef struct ns_summary {
	const char *text;        /* never "": the model's when it is well-formed (at most 90 words, only known names and numbers), else the offline one */
	bool by_model;
	bool asked;              /* a model was: what follows is of that */
	const char *model, *prompt_version, *request_id, *why; /* why: its words were not taken, "" they were */
	ns_llm_trouble trouble;
	ns_llm_usage usage;
	int64_t elapsed_ms;
} ns_summary;
/* The card's summary. Never NULL. Blocks; thread-safe. */
ns_summary *ns_llm_summary(ns_analysts *a, ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p, int64_t incident, const ns_cancel *cancel);

#define NS_STRANGER_CAP 0.60 /* confidence of an analysis that names what is not in the evidence */
#define NS_DISSENT_CAP  0.70 /* and of one that the offline analyst does not share */
/* The join, for itself: pure. world NULL: not checked. watch NULL: no record. */
ns_rca *ns_rca_join(ns_arena *ar, const ns_case *c, const ns_rca *offline, const ns_reply *reply, const char *model, const ns_world *world,
    const ns_reliability *watch, ns_strangers *strangers, const char **mark);
#endif
