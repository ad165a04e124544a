/* Reliability. A cap needs evidence against the model: the upper end of what its hit rate can be (Wilson, 95 % one-sided) lies under its claims. */
#include "neuroscale/llm/confidence.h"

#include <math.h>
#include <string.h>

#include "neuroscale/llm/reply.h"

enum { ENOUGH = 5, FLAT_ENOUGH = 10, RECENT = 8 };
#define Z          1.645
#define FLAT_WIDTH .02

/* The highest hit rate that n trials with so many hits do not rule out. */
static double at_most(size_t right, size_t n)
{
	double p = (double)right / (double)n, z2 = Z * Z, d = (double)n;
	return (p + z2 / (2 * d) + Z * sqrt(p * (1 - p) / d + z2 / (4 * d * d))) / (1 + z2 / d);
}

static bool counts(const ns_outcome *o, const char *model, int action)
{
	return strcmp(o->model, model) == 0 && (action < 0 || (int)o->action == action) && o->confidence >= 0 && o->confidence <= 1;
}

typedef struct tail { size_t n, right, before, before_right; double claimed; } tail;

/* The last RECENT ones against those before. */
static tail recent(const ns_outcome *o, size_t n, const char *model, int action)
{
	tail t = {0};
	for (size_t i = n; i-- > 0;) {
		if (!counts(&o[i], model, action))
			continue;
		if (t.n < RECENT) {
			t.n++;
			t.right += o[i].right;
			t.claimed += o[i].confidence;
		} else {
			t.before++;
			t.before_right += o[i].right;
		}
	}
	return t;
}

static void add(ns_reliability *r, const ns_outcome *o, double *least, double *most)
{
	double miss = o->confidence - (o->right ? 1 : 0);
	size_t bin = (size_t)(o->confidence * NS_RELIABILITY_BINS);
	ns_reliability_bin *b = &r->bins[bin < NS_RELIABILITY_BINS ? bin : NS_RELIABILITY_BINS - 1];
	r->n++;
	r->right += o->right;
	r->claimed += o->confidence;
	r->brier += miss * miss;
	b->n++;
	b->right += o->right;
	b->claimed += o->confidence;
	*least = fmin(*least, o->confidence);
	*most = fmax(*most, o->confidence);
}

static void lower_cap(ns_reliability *r, double cap)
{
	cap = floor(fmax(cap, 0) * 100) / 100;
	r->cap = cap < r->cap ? cap : r->cap;
}

static void judge(ns_arena *ar, ns_reliability *r, const tail *t, double least, double most)
{
	double rate = (double)r->right / (double)r->n, of_late = t->n ? (double)t->right / (double)t->n : rate;
	size_t wrong = r->n - r->right;
	r->overconfident = r->n >= ENOUGH && r->claimed > at_most(r->right, r->n);
	r->flat = r->n >= FLAT_ENOUGH && most - least <= FLAT_WIDTH && wrong >= 2 && r->claimed - rate > FLAT_WIDTH;
	r->drifting = t->n == RECENT && t->before >= ENOUGH && t->claimed / (double)t->n > at_most(t->right, t->n) &&
	              of_late < (double)t->before_right / (double)t->before;
	if (r->overconfident)
		lower_cap(r, rate);
	if (r->flat)
		lower_cap(r, fmin(rate, NS_REPLY_AT_GATE));
	if (r->drifting)
		lower_cap(r, of_late);
	if (r->cap >= 1)
		return;
	const char *why = r->drifting ? "it drifts" : r->flat ? "it says the same to everything" : "it claims more than it keeps";
	r->words = ns_arena_printf(ar, "%s, %s: %s (claims %.0f %%, right %zu of %zu%s): no confidence above %.2f counts", r->model,
	    r->action < NS_ACT_COUNT ? ns_action_get(r->action)->name : "all actions", why, 100 * r->claimed, r->right, r->n,
	    r->drifting ? ns_arena_printf(ar, ", %zu of the last %zu", t->right, t->n) : "", r->cap);
}

/* action < 0: all of them. */
static bool measure(ns_arena *ar, const ns_outcome *o, size_t n, const char *model, int action, ns_reliability *r)
{
	double least = 1, most = 0;
	*r = (ns_reliability){.model = ns_arena_strdup(ar, model), .action = action < 0 ? NS_ACT_COUNT : (ns_action)action, .cap = 1, .words = ""};
	for (size_t i = 0; i < n; i++)
		if (counts(&o[i], model, action))
			add(r, &o[i], &least, &most);
	if (!r->n)
		return false;
	const double d = (double)r->n, rate = (double)r->right / d;
	r->claimed /= d;
	r->brier /= d;
	r->brier_base = rate * (1 - rate);
	for (size_t i = 0; i < NS_RELIABILITY_BINS; i++) {
		ns_reliability_bin *b = &r->bins[i];
		if (!b->n)
			continue;
		b->claimed /= (double)b->n;
		r->error += (double)b->n / d * fabs(b->claimed - (double)b->right / (double)b->n);
	}
	tail t = recent(o, n, model, action);
	judge(ar, r, &t, least, most);
	return true;
}

static bool listed(const ns_reliability *rows, size_t n, const ns_outcome *o)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].action == o->action && strcmp(rows[i].model, o->model) == 0)
			return true;
	return false;
}

ns_reliability *ns_reliability_table(ns_arena *ar, const ns_outcome *o, size_t n, size_t *rows)
{
	ns_reliability *list = NULL;
	size_t cap = 0;
	*rows = 0;
	for (size_t i = 0; i < n; i++) {
		if (listed(list, *rows, &o[i]))
			continue;
		if (*rows == cap) {
			ns_reliability *more = ns_arena_alloc(ar, (cap = cap ? 2 * cap : 8) * sizeof *more);
			if (*rows)
				memcpy(more, list, *rows * sizeof *more);
			list = more;
		}
		*rows += measure(ar, o, n, o[i].model, (int)o[i].action, &list[*rows]);
	}
	return list;
}

const ns_reliability *ns_reliability_of(ns_arena *ar, const ns_outcome *o, size_t n, const char *model, ns_action action)
{
	ns_reliability *r = ns_arena_alloc(ar, sizeof *r);
	if (measure(ar, o, n, model, (int)action, r) && r->n >= ENOUGH)
		return r;
	return measure(ar, o, n, model, -1, r) && r->n >= ENOUGH ? r : NULL;
}

void ns_reliability_print(ns_buf *out, const ns_reliability *rows, size_t n)
{
	ns_buf_puts(out, "MODEL                    ACTION                N  RIGHT  CLAIMED  BRIER  BASE   ECE    CAP\n");
	for (size_t i = 0; i < n; i++) {
		const ns_reliability *r = &rows[i];
		ns_buf_printf(out, "%-24s %-18s %4zu  %4.0f %%   %4.0f %%  %.3f  %.3f  %.3f  %.2f%s%s\n", r->model,
		    r->action < NS_ACT_COUNT ? ns_action_get(r->action)->name : "all", r->n, 100.0 * (double)r->right / (double)(r->n ? r->n : 1), 100 * r->claimed,
		    r->brier, r->brier_base, r->error, r->cap, *r->words ? "  " : "", r->words);
	}
}
