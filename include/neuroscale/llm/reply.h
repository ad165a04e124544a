/* The RCA contract: what a model may say, read strictly. A reply can lower trust, never raise it: what may run without a person is decided
 * by the code's own rules, here and again in the gate. Pure; thread-safe. */
#ifndef NEUROSCALE_LLM_REPLY_H
#define NEUROSCALE_LLM_REPLY_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"

#define NS_REPLY_MAX     65536 /* bytes; an answer that needs more is no answer */
#define NS_REPLY_AT_GATE 0.75  /* confidence must be above it (law 4) */

typedef enum ns_route { NS_ROUTE_MANUAL_REVIEW, NS_ROUTE_APPROVAL, NS_ROUTE_EXECUTE } ns_route;
const char *ns_route_name(ns_route r); /* "manual_review" "approval" "execute" */

typedef struct ns_reply {
	bool valid;        /* one JSON object, bare, fenced once or inside prose, with the six fields of the right types and values */
	bool may_auto;     /* valid, confidence above the gate, risk low or medium, an executable action, not declined */
	ns_route route;
	const char *reason; /* one sentence for people, never "": why it is invalid, or why the route is what it is */
	/* Only when valid. Texts are as the model wrote them: clean them (ns_text_clean) before they are shown. */
	const char *root_cause, *reasoning;
	double confidence;
	ns_action action;
	ns_risk risk;
	bool auto_remediate;
	/* Optional, [{"text":…,"evidence":["E1",…]},…]. A list of another shape leaves n_claims 0. */
	ns_claim *claims;
	size_t n_claims;
} ns_reply;

/* Reads any bytes. Never coerces, clamps or repairs. Everything lives in the arena. */
void ns_reply_read(ns_arena *ar, const char *s, size_t n, ns_reply *out);
#endif
