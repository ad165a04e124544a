/* OpenCost: reading /allocation, what costs how much per day, and which workload spiked. The arithmetic is pure. Totals are the sum of the
 * rows; idle capacity is told apart. A row without a figure for the window before has per_day_before 0 and is never a spike. */
#ifndef NEUROSCALE_COST_COST_H
#define NEUROSCALE_COST_COST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"

typedef struct ns_cost_row {
	const char *ns, *controller_kind, *controller; /* "shop" "deployment" "web"; names with "__" are folded into `other` rows */
	double per_day, per_day_before; /* cost divided by the minutes it ran, over the window and the one before; currency of OpenCost */
	double efficiency;              /* 0..1+, -1 unknown */
	double minutes;
} ns_cost_row;
typedef struct ns_cost_report {
	ns_cost_row *rows;              /* by per_day, largest first */
	size_t n_rows;
	double total_per_day, total_before, idle_per_day;
	int64_t window_start_ms, window_end_ms;
} ns_cost_report;
/* URL path and query of the two equal windows (hour-aligned RFC 3339 pairs) for a clock time. "…/allocation?window=A,B&aggregate=namespace,controller&accumulate=true&includeIdle=true" */
void ns_cost_query(const char *base_url, int64_t now_ms, int64_t window_ms, bool before, char *out, size_t cap);
/* Parses both answers (null numbers, empty sets, text errors: see reference). NULL on error. */
ns_cost_report *ns_cost_report_parse(ns_arena *ar, const cJSON *now, const cJSON *before, ns_err *err);
typedef struct ns_cost_rule {
	double min_ratio, min_per_day; /* spike: per_day >= ratio x before and >= min */
	double budget_per_day;         /* of the cluster as a whole, 0 none */
} ns_cost_rule;
bool ns_cost_is_spike(const ns_cost_row *row, const ns_cost_rule *rule);
#endif
