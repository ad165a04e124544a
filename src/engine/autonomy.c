/* Earned autonomy as a fold over what became of a runbook's plans; see the header for the rule and its source. */
#include "neuroscale/engine/autonomy.h"
#include <math.h>

static const double z = 1.959964; /* the 97.5 % quantile of the normal distribution: 95 % two-sided */

double ns_wilson_lower(int64_t good, int64_t n)
{
	if (n <= 0)
		return 0;
	double k = good < 0 ? 0 : good > n ? (double)n : (double)good, m = (double)n, p = k / m, z2 = z * z;
	double low = (p + z2 / (2 * m) - z * sqrt(p * (1 - p) / m + z2 / (4 * m * m))) / (1 + z2 / m);
	return low > 0 ? low : 0; /* with k = 0 rounding may leave it a hair below */
}

/* Why this one was not good; "" it was; NULL it was no trial. */
static const char *fault(const ns_tried *t)
{
	if (t->said == NS_SAID_NO)
		return "rejected by a person";
	if (t->undone)
		return "undone";
	if (t->verdict == NS_VERDICT_NOT_FIXED)
		return "not fixed";
	if (t->verdict == NS_VERDICT_UNKNOWN)
		return "unknown";
	if (t->verdict != NS_VERDICT_FIXED)
		return NULL;
	return t->came_back ? "it failed again" : "";
}

void ns_autonomy_judge(const ns_tried *rows, size_t n, const ns_autonomy_rule *rule, ns_autonomy_record *out)
{
	*out = (ns_autonomy_record){.bad_why = ""};
	for (size_t i = 0; i < n; i++) {
		const char *why = fault(&rows[i]);
		if (rows[i].eligible && rows[i].said != NS_SAID_NOTHING) {
			out->shadow++;
			out->agreed += rows[i].said == NS_SAID_YES;
		}
		if (!why)
			continue;
		out->tried++;
		if (!*why) {
			out->fixed++;
			out->in_a_row++;
			continue;
		}
		out->in_a_row = 0;
		out->bad_why = why;
		out->bad_incident = rows[i].incident;
		out->bad_ms = rows[i].at_ms;
	}
	out->bound = ns_wilson_lower(out->fixed, out->tried);
	out->earned = rule->least >= 1 && out->in_a_row >= rule->least && out->bound >= rule->threshold; /* a NaN is reached by nothing */
}

const char *ns_autonomy_words(ns_arena *ar, const ns_autonomy_record *r, const ns_autonomy_rule *rule)
{
	const char *bad = *r->bad_why ? ns_arena_printf(ar, "; last bad #%lld: %s", (long long)r->bad_incident, r->bad_why) : "";
	const char *shadow = r->shadow ? ns_arena_printf(ar, "; a person agreed with %lld of %lld that it would have done alone", (long long)r->agreed, (long long)r->shadow) : "";
	return ns_arena_printf(ar, "%lld of %lld fixed here, %lld in a row; lower bound %.0f %% (needs %.0f %%, and %lld in a row): %s%s%s", (long long)r->fixed,
	    (long long)r->tried, (long long)r->in_a_row, floor(r->bound * 100), rule->threshold * 100, (long long)rule->least, r->earned ? "earned" : "not earned", bad, shadow);
}
