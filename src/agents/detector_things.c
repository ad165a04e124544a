/* What is neither pod nor owner, and can be wrong by itself. A thing is kept only while something is wrong with it, and hangs at the workload that
 * it is about, where the rules find it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"

static dt_work *of_reference(ns_detector *d, const dt_thing *t)
{
	return *t->ref_name ? dt_work_of_resource(d, t->ns, t->ref_kind, t->ref_name, t->sort == DT_JOB_FAILURE ? t->uid : "") : NULL;
}

/* What no workload owns stands for itself. */
static dt_work *own(ns_detector *d, const dt_thing *t, const char *kind)
{
	dt_work *w = dt_work_get(d, t->ns, kind, t->name);
	ns_copy(w->uid, sizeof w->uid, t->uid);
	return w;
}

static dt_work *work_of_job(ns_detector *d, const dt_thing *t)
{
	dt_work *w = of_reference(d, t);
	return w ? w : own(d, t, "Job");
}

static dt_work *work_of_autoscaler(ns_detector *d, const dt_thing *t)
{
	dt_work *w = of_reference(d, t);
	return w ? w : own(d, t, "HorizontalPodAutoscaler");
}

static dt_work *work_of_claim(ns_detector *d, const dt_thing *t)
{
	return own(d, t, "PersistentVolumeClaim");
}

/* Most certificates are fine for months: there is nothing to look at until the end is near. */
static dt_work *work_of_certificate(ns_detector *d, const dt_thing *t)
{
	return ns_clock_wall_ms(d->clock) >= t->until_ms - DT_CERT_WARN_MS ? own(d, t, "Secret") : NULL;
}

static dt_work *work_of_application(ns_detector *d, const dt_thing *t)
{
	return own(d, t, "Application");
}

/* ---- the table ---- */

static const struct sort {
	const char *name;
	dt_work *(*work)(ns_detector *d, const dt_thing *t);
} sorts[DT_SORTS] = {
    [DT_JOB_FAILURE] = {"job", work_of_job},
    [DT_AUTOSCALER] = {"autoscaler", work_of_autoscaler},
    [DT_CLAIM] = {"claim", work_of_claim},
    [DT_CERTIFICATE] = {"certificate", work_of_certificate},
    [DT_APPLICATION] = {"application", work_of_application},
    [DT_EXTERNAL] = {"external", dt_external_work},
};

char *dt_thing_key(dt_sort sort, const char *ns, const char *name)
{
	return ns_xasprintf("%s/%s/%s", sorts[sort].name, ns, name);
}

dt_thing *dt_thing_new(const dt_thing *from)
{
	static const size_t texts[] = {offsetof(dt_thing, key), offsetof(dt_thing, ns), offsetof(dt_thing, name), offsetof(dt_thing, reason),
	    offsetof(dt_thing, message), offsetof(dt_thing, ref_kind), offsetof(dt_thing, ref_name), offsetof(dt_thing, pod), offsetof(dt_thing, node),
	    offsetof(dt_thing, container), offsetof(dt_thing, uid), offsetof(dt_thing, parts)};
	enum { N = sizeof texts / sizeof *texts };
	dt_thing t = *from;
	size_t len[N], size = sizeof t;
	for (size_t i = 0; i < N; i++) {
		const char *s;
		memcpy(&s, (char *)&t + texts[i], sizeof s);
		len[i] = s ? strlen(s) : 0;
		size += len[i] + 1;
	}
	dt_thing *out = ns_xcalloc(1, size);
	char *at = (char *)(out + 1);
	*out = t;
	for (size_t i = 0; i < N; i++) {
		const char *s, *copy = at;
		memcpy(&s, (char *)&t + texts[i], sizeof s);
		if (len[i])
			memcpy(at, s, len[i]);
		memcpy((char *)out + texts[i], &copy, sizeof copy);
		at += len[i] + 1;
	}
	return out;
}

static void detach(ns_detector *d, dt_thing *t)
{
	dt_work *w = t->work;
	if (!w)
		return;
	for (size_t i = 0; i < w->n_things; i++)
		if (w->things[i] == t)
			w->things[i--] = w->things[--w->n_things];
	t->work = NULL;
	dt_mark(d, w);
}

static void attach(ns_detector *d, dt_thing *t)
{
	dt_work *w = sorts[t->sort].work(d, t);
	if (w == t->work)
		return;
	detach(d, t);
	if (!w)
		return;
	w->things = ns_xrealloc(w->things, (w->n_things + 1) * sizeof(dt_thing *));
	w->things[w->n_things++] = t;
	t->work = w;
	dt_mark(d, w);
}

/* Who waits for a claim is looked at again when the claim changes. */
static void mark_users(ns_detector *d, const dt_thing *t)
{
	if (t->sort != DT_CLAIM || !d->started)
		return;
	dt_each(dt_pod, p, &d->pods)
		if (*p->claims && !p->scheduled && strcmp(p->ns, t->ns) == 0)
			dt_mark(d, p->work);
}

const dt_thing *dt_thing_of(const ns_detector *d, dt_sort sort, const char *ns, const char *name)
{
	char *key = dt_thing_key(sort, ns, name);
	const dt_thing *t = dt_tab_get(&d->things, key);
	free(key);
	return t;
}

void dt_drop_thing(ns_detector *d, const char *key)
{
	dt_thing *old = dt_tab_del(&d->things, key);
	if (!old)
		return;
	detach(d, old);
	mark_users(d, old);
	d->n_external -= old->sort == DT_EXTERNAL;
	free(old);
}

void dt_put_thing(ns_detector *d, dt_thing *t)
{
	const dt_thing *old = dt_tab_get(&d->things, t->key);
	/* What has no time of its own is wrong since it was first seen so. */
	if (!t->since_ms)
		t->since_ms = old && strcmp(old->reason, t->reason) == 0 ? old->since_ms : ns_clock_wall_ms(d->clock);
	dt_drop_thing(d, t->key);
	dt_tab_put(&d->things, t);
	d->n_external += t->sort == DT_EXTERNAL;
	if (d->started)
		attach(d, t);
	mark_users(d, t);
}

void dt_place_things(ns_detector *d, int64_t wall)
{
	char **over = NULL;
	size_t n = 0;
	dt_each(dt_thing, t, &d->things)
	{
		if (t->sort == DT_EXTERNAL && t->until_ms <= wall) {
			over = ns_xrealloc(over, (n + 1) * sizeof *over);
			over[n++] = ns_xstrdup(t->key);
		} else {
			attach(d, t);
		}
	}
	for (size_t i = 0; i < n; i++) {
		dt_drop_thing(d, over[i]);
		free(over[i]);
	}
	free(over);
}
