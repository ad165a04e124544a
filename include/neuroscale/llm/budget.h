/* The budget governor and the price list. Calls, tokens and money are counted per incident, rolling hour and rolling day; over a limit nothing is
 * asked any more and the offline analyst goes on. A call is reserved with an estimate before it is made, so that many threads cannot run past a
 * limit together, and settled with what it really took. Money is in millionths of a US dollar. Thread-safe. */
#ifndef NEUROSCALE_LLM_BUDGET_H
#define NEUROSCALE_LLM_BUDGET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/err.h"
#include "neuroscale/model/json.h"

typedef struct ns_spend { int64_t calls, tokens, micro_usd; } ns_spend;
typedef enum ns_budget_span { NS_PER_INCIDENT, NS_PER_HOUR, NS_PER_DAY, NS_BUDGET_SPANS } ns_budget_span;
typedef struct ns_budget_limits { ns_spend most[NS_BUDGET_SPANS]; } ns_budget_limits; /* 0: nothing; negative: no limit */
extern const ns_budget_limits ns_budget_defaults;

typedef struct ns_budget ns_budget;
ns_budget *ns_budget_new(const ns_budget_limits *l);
void ns_budget_free(ns_budget *b);
/* NS_E_BUSY names the limit that is reached ("3 of 3 calls for this incident") when the estimate does not fit. *ticket is for ns_budget_settle,
 * which must follow. Incident 0 belongs to none (indexing): half of hour and day is for it. */
bool ns_budget_reserve(ns_budget *b, int64_t incident, const ns_spend *estimate, int64_t now_ms, int64_t *ticket, ns_err *err);
void ns_budget_settle(ns_budget *b, int64_t ticket, const ns_spend *actual);

/* For the screen: what is used (reservations included) and allowed. */
typedef struct ns_budget_view {
	ns_spend hour, day;
	ns_budget_limits limits;
	bool stopped;      /* hour or day is used up, or has no room for what was refused last: the offline analyst works */
	int64_t refused;   /* calls that were not made since the start */
} ns_budget_view;
void ns_budget_look(ns_budget *b, int64_t now_ms, ns_budget_view *out);
ns_spend ns_budget_incident(ns_budget *b, int64_t incident);

/* What the caller keeps across a restart. What was reserved and never settled counts as spent. */
cJSON *ns_budget_to_json(ns_budget *b);
bool ns_budget_from_json(ns_budget *b, const cJSON *j, ns_err *err); /* NS_E_INVALID leaves b as it was */

/* ---- prices: a dated CSV file (src/llm/prices.csv, or one of the user's) ---- */
typedef struct ns_prices ns_prices;
/* CSV text; name is what errors call it ("FILE:LINE: …"). NULL text: the built-in list. */
ns_prices *ns_prices_parse(const char *text, size_t n, const char *name, ns_err *err);
void ns_prices_free(ns_prices *p);
const char *ns_prices_dated(const ns_prices *p); /* newest date of its rows */
/* What a call costs, rounded up. By exact name, else the longest listed name that the model's begins with ("qwen-plus" for
 * "qwen-plus-2025-07-28"); an unknown model costs as much as the dearest, so that it cannot run for free: then *known is false (may be NULL). */
int64_t ns_prices_cost(const ns_prices *p, const char *model, int64_t input, int64_t cached, int64_t output, bool *known);
#endif
