/* Escalation: what a person is told and how long we wait. Pure. Surfaces (console, CLI, later Slack and MCP) read the same card. */
#ifndef NEUROSCALE_AGENTS_ESCALATION_H
#define NEUROSCALE_AGENTS_ESCALATION_H
#include "neuroscale/model/facts.h"
#define NS_APPROVAL_TIMEOUT_MS 300000
typedef struct ns_card {
	const char *summary;       /* at most 90 words */
	const char *headline;      /* one line: "raise memory limit of shop/cart 128Mi -> 256Mi" */
	const char *ask;           /* why a person is asked, in words */
} ns_card;
ns_card *ns_card_make(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p);
cJSON *ns_card_to_json(const ns_card *k);
ns_card *ns_card_from_json(ns_arena *ar, const cJSON *j, ns_err *err);
#endif
