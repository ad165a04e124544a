/* A chain held against what was anchored outside of it, row by row. Pure. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "neuroscale/store/store.h"

typedef struct anchored {
	ns_audit_anchor a;
	bool seen, wrong;
	char is[65];
} anchored;

struct ns_audit_anchors {
	anchored *list; /* by row; those of any row (0) first */
	size_t n, at;
	int64_t first, last, best; /* rows that were seen, -1 none yet; the highest with an anchor that holds */
};

static int by_seq(const void *a, const void *b)
{
	int64_t x = ((const anchored *)a)->a.seq, y = ((const anchored *)b)->a.seq;
	return x < y ? -1 : x > y;
}

ns_audit_anchors *ns_audit_anchors_new(const ns_audit_anchor *anchors, size_t n)
{
	ns_audit_anchors *l = ns_xcalloc(1, sizeof *l);
	l->list = ns_xcalloc(n + 1, sizeof *l->list);
	l->n = n;
	l->first = l->last = -1;
	for (size_t i = 0; i < n; i++)
		l->list[i].a = anchors[i];
	qsort(l->list, n, sizeof *l->list, by_seq);
	return l;
}

void ns_audit_anchors_free(ns_audit_anchors *l)
{
	if (l)
		free(l->list);
	free(l);
}

void ns_audit_anchors_row(ns_audit_anchors *l, int64_t seq, const char *hash)
{
	if (l->first < 0)
		l->first = seq;
	l->last = seq;
	for (size_t i = 0; i < l->n && l->list[i].a.seq == 0; i++) {
		if (!l->list[i].seen && strcmp(l->list[i].a.hash, hash) == 0) {
			l->list[i].seen = true;
			l->best = seq;
		}
	}
	while (l->at < l->n && l->list[l->at].a.seq < seq)
		l->at++;
	for (; seq > 0 && l->at < l->n && l->list[l->at].a.seq == seq; l->at++) {
		anchored *x = &l->list[l->at];
		x->seen = true;
		x->wrong = strcmp(x->a.hash, hash) != 0;
		memcpy(x->is, hash, sizeof x->is);
		if (!x->wrong)
			l->best = seq;
	}
}

int64_t ns_audit_anchors_best(const ns_audit_anchors *l)
{
	return l->best;
}

bool ns_audit_anchors_judge(const ns_audit_anchors *l, ns_err *err)
{
	int64_t good = 0;
	for (size_t i = 0; i < l->n; i++) {
		const anchored *x = &l->list[i];
		if (x->wrong)
			return ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " is not the one that was anchored (%.16s stands there, %.16s was anchored): the record was made"
			    " anew after row %" PRId64 ", or this is another database", x->a.seq, x->is, x->a.hash, good);
		if (!x->seen && x->a.seq > l->last)
			return ns_fail(err, NS_E_INVALID, "the audit ends at row %" PRId64 ", before the anchored row %" PRId64 " (%.16s): its end was cut off, or an older copy of"
			    " the database was put in its place", l->last, x->a.seq, x->a.hash);
		if (!x->seen && x->a.seq == 0)
			return ns_fail(err, NS_E_INVALID, "the audit ends at row %" PRId64 " and the anchored head %.16s is not in it: its end was cut off, or it was made anew",
			    l->last, x->a.hash);
		if (x->seen)
			good = x->a.seq;
	}
	return true;
}
