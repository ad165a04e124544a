/* When which workload is to be looked at again: a heap, the soonest first, so that a deadline costs the workloads whose time has come and not a
 * walk over all there are. Each workload knows its place in it. */
#include <stdlib.h>

#include "detector_priv.h"

/* Places count from 1, so that 0 is none; the children of i are 2i and 2i + 1. */
static dt_work **at(ns_detector *d, size_t i)
{
	return &d->due[i - 1];
}

static void place(ns_detector *d, size_t i, dt_work *w)
{
	*at(d, i) = w;
	w->due_at = i;
}

static void rise(ns_detector *d, size_t i)
{
	dt_work *w = *at(d, i);
	for (; i > 1 && (*at(d, i / 2))->due_mono > w->due_mono; i /= 2)
		place(d, i, *at(d, i / 2));
	place(d, i, w);
}

static void sink(ns_detector *d, size_t i)
{
	dt_work *w = *at(d, i);
	for (size_t child; (child = 2 * i) <= d->n_due; i = child) {
		child += child < d->n_due && (*at(d, child + 1))->due_mono < (*at(d, child))->due_mono;
		if ((*at(d, child))->due_mono >= w->due_mono)
			break;
		place(d, i, *at(d, child));
	}
	place(d, i, w);
}

dt_work *dt_due_first(const ns_detector *d)
{
	return d->n_due ? d->due[0] : NULL;
}

void dt_due_add(ns_detector *d, dt_work *w)
{
	if (d->n_due == d->cap_due) {
		d->cap_due = d->cap_due ? d->cap_due * 2 : 16;
		d->due = ns_xrealloc(d->due, d->cap_due * sizeof(dt_work *));
	}
	place(d, ++d->n_due, w);
	rise(d, d->n_due);
}

void dt_due_remove(ns_detector *d, dt_work *w)
{
	size_t i = w->due_at;
	if (!i)
		return;
	dt_work *last = *at(d, d->n_due--);
	w->due_at = 0;
	if (last == w)
		return;
	place(d, i, last);
	rise(d, i);
	sink(d, last->due_at);
}
