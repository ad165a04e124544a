/* The detector's picture of the cluster: tables by uid, and which workload each pod counts for. A link upward is believed only when the owner
 * itself is there, has that uid, kind and name, and selects the pod's labels (a ReplicaSet also its template hash): law 3. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum { OWNER_WAIT_MS = 2000 };

/* ---- workloads ---- */

static char *work_key(const char *ns, const char *kind, const char *name)
{
	return ns_xasprintf("%s/%s/%s", ns, kind, name);
}

dt_work *dt_work_find(ns_detector *d, const char *ns, const char *kind, const char *name)
{
	char *key = work_key(ns, kind, name);
	dt_work *w = dt_tab_get(&d->works, key);
	free(key);
	return w;
}

dt_work *dt_work_get(ns_detector *d, const char *ns, const char *kind, const char *name)
{
	char *key = work_key(ns, kind, name);
	dt_work *w = dt_tab_get(&d->works, key);
	if (w) {
		free(key);
		return w;
	}
	w = ns_xcalloc(1, sizeof *w);
	w->key = key;
	w->ns = ns_xstrdup(ns);
	w->kind = ns_xstrdup(kind);
	w->name = ns_xstrdup(name);
	w->due_mono = w->ready_mono = -1;
	dt_tab_put(&d->works, w);
	return w;
}

void dt_mark(ns_detector *d, dt_work *w)
{
	if (!w || w->dirty)
		return;
	w->dirty = true;
	w->next_dirty = d->dirty;
	d->dirty = w;
}

static void free_blocked(dt_blocked *b)
{
	if (!b)
		return;
	free(b->policy);
	free(b->rule);
	free(b->message);
	free(b);
}

static void free_work(dt_work *w)
{
	free_blocked(w->blocked);
	free(w->reports);
	free(w->things);
	free(w->pods);
	free(w->k);
	free(w->key);
	free(w->ns);
	free(w->kind);
	free(w->name);
	free(w);
}

void dt_work_reap(ns_detector *d, dt_work *w)
{
	int64_t until;
	if (w->obj || w->n_pods || w->n_reports || w->n_things || w->node || w->dirty || w->spike || w->over_budget || dt_blocked_holds(w, ns_clock_wall_ms(d->clock), &until))
		return;
	for (int k = 0; w->k && k < NS_KIND_COUNT; k++)
		if (w->k[k].alerted || w->k[k].holds || dt_flapped(&w->k[k], ns_clock_mono_ms(d->clock)))
			return;
	d->n_counted -= w->counted;
	d->n_unhealthy -= w->counted && w->unhealthy;
	dt_tab_del(&d->works, w->key);
	dt_due_remove(d, w);
	free_work(w);
}

static void leave(ns_detector *d, dt_pod *p)
{
	dt_work *w = p->work;
	if (!w)
		return;
	w->pods[p->at] = w->pods[--w->n_pods];
	w->pods[p->at]->at = p->at;
	p->work = NULL;
	dt_mark(d, w);
}

static void join(ns_detector *d, dt_pod *p, dt_work *w)
{
	if (p->work == w)
		return;
	leave(d, p);
	if (w->n_pods == w->cap_pods) {
		w->cap_pods = w->cap_pods ? w->cap_pods * 2 : 2;
		w->pods = ns_xrealloc(w->pods, w->cap_pods * sizeof *w->pods);
	}
	p->at = w->n_pods;
	w->pods[w->n_pods++] = p;
	p->work = w;
	dt_mark(d, w);
}

/* ---- owner links, confirmed from above ---- */

static dt_work *own_work(ns_detector *d, dt_obj *o)
{
	if (o->work && o->work->obj == o)
		return o->work;
	dt_work *w = dt_work_get(d, o->ns, dt_kind_names[o->kind], o->name);
	/* A successor of the same name takes over; the one before it is on its way out. */
	if (w->obj)
		w->obj->work = NULL;
	w->obj = o;
	o->work = w;
	ns_copy(w->uid, sizeof w->uid, o->key);
	dt_mark(d, w);
	return w;
}

static void disown(ns_detector *d, dt_obj *o)
{
	if (!o->work)
		return;
	o->work->obj = NULL;
	dt_mark(d, o->work);
	o->work = NULL;
}

/* The owner that a reference names, if it is what the reference says. */
static dt_obj *owner_of(const ns_detector *d, const char *ns, const char *kind, const char *name, const char *uid)
{
	dt_obj *o = *uid ? dt_tab_get(&d->objs, uid) : NULL;
	return o && strcmp(o->ns, ns) == 0 && strcmp(o->name, name) == 0 && strcmp(dt_kind_names[o->kind], kind) == 0 ? o : NULL;
}

/* Climbs to the top. *confirmed: the top has no controller above it. A CronJob selects nothing: reference and uid must do. */
static dt_work *climb(ns_detector *d, dt_obj *o, const char *pod_labels, bool *confirmed)
{
	for (int depth = 0; depth < 4 && *o->owner_uid; depth++) {
		dt_obj *up = owner_of(d, o->ns, o->owner_kind, o->owner_name, o->owner_uid);
		bool selected = up && (up->kind == DT_CRONJOB || (dt_selects(up->selector, o->labels) && (!pod_labels || dt_selects(up->selector, pod_labels))));
		if (!selected)
			break;
		disown(d, o); /* it stood for itself until its owner was known */
		o = up;
	}
	*confirmed = !*o->owner_uid;
	return own_work(d, o);
}

/* True when owners of that kind are watched, so that one not seen yet may still come. */
static bool may_come(const ns_detector *d, const char *kind)
{
	static const struct { dt_kind kind; dt_row row; } rows[] = {{DT_REPLICASET, DT_ROW_REPLICASETS}, {DT_STATEFULSET, DT_ROW_STATEFULSETS},
	    {DT_DAEMONSET, DT_ROW_DAEMONSETS}, {DT_JOB, DT_ROW_JOBS}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(dt_kind_names[rows[i].kind], kind) == 0)
			return !d->rows[rows[i].row].absent;
	return false;
}

/* True when nothing better can be said later. */
static bool resolve(ns_detector *d, dt_pod *p)
{
	int64_t mono = ns_clock_mono_ms(d->clock);
	dt_obj *o = owner_of(d, p->ns, p->owner_kind, p->owner_name, p->owner_uid);
	bool selected = o && dt_selects(o->selector, p->labels) && (o->kind != DT_REPLICASET || strcmp(o->hash, p->hash) == 0);
	if (selected) {
		bool confirmed;
		dt_work *w = climb(d, o, p->labels, &confirmed);
		/* The Deployment above a new ReplicaSet may be a moment behind it, as the ReplicaSet behind its pod. */
		if (!confirmed && d->started && !p->work && mono - p->seen_mono < OWNER_WAIT_MS)
			return false;
		join(d, p, w);
		p->confirmed = confirmed;
		return confirmed;
	}
	if (d->started && *p->owner_uid && !o && may_come(d, p->owner_kind) && mono - p->seen_mono < OWNER_WAIT_MS)
		return false;
	dt_work *w = dt_work_get(d, p->ns, "Pod", p->name);
	ns_copy(w->uid, sizeof w->uid, p->key);
	join(d, p, w);
	p->confirmed = !*p->owner_uid;
	return p->confirmed;
}

static void wait_for_owner(ns_detector *d, const dt_pod *p)
{
	int64_t due = p->seen_mono + OWNER_WAIT_MS;
	if (!p->work && (d->orphans_due < 0 || due < d->orphans_due))
		d->orphans_due = due;
}

static void add_orphan(ns_detector *d, dt_pod *p)
{
	wait_for_owner(d, p);
	if (p->orphan)
		return;
	if (d->n_orphans == d->cap_orphans) {
		d->cap_orphans = d->cap_orphans ? d->cap_orphans * 2 : 16;
		d->orphans = ns_xrealloc(d->orphans, d->cap_orphans * sizeof(dt_pod *));
	}
	d->orphans[d->n_orphans++] = p;
	p->orphan = d->n_orphans;
}

static void drop_orphan(ns_detector *d, dt_pod *p)
{
	if (!p->orphan)
		return;
	dt_pod *last = d->orphans[--d->n_orphans];
	d->orphans[p->orphan - 1] = last;
	last->orphan = p->orphan;
	p->orphan = 0;
}

/* Is it somewhere above? */
static bool above(const ns_detector *d, const char *owner_uid, const dt_obj *o)
{
	for (int depth = 0; depth < 4 && *owner_uid; depth++) {
		if (strcmp(owner_uid, o->key) == 0)
			return true;
		const dt_obj *up = dt_tab_get(&d->objs, owner_uid);
		if (!up)
			return false;
		owner_uid = up->owner_uid;
	}
	return false;
}

/* Who waits for an object that came, or (NULL) all of them. Backwards: dropping moves the last one into the gap. There may be very many for good,
 * those of owners that nobody here watches; siblings share their owner's uid and are asked about once. */
static void resolve_orphans(ns_detector *d, const dt_obj *came)
{
	const char *asked = NULL;
	bool waits = true;
	for (size_t i = d->n_orphans; i-- > 0;) {
		dt_pod *p = d->orphans[i];
		if (came && (!asked || p->owner_uid != asked)) {
			asked = p->owner_uid;
			waits = above(d, asked, came);
		}
		if (waits && resolve(d, p))
			drop_orphan(d, p);
	}
}

void dt_resolve_orphans(ns_detector *d)
{
	resolve_orphans(d, NULL);
	d->orphans_due = -1;
	for (size_t i = 0; i < d->n_orphans; i++)
		wait_for_owner(d, d->orphans[i]);
}

/* ---- pods ---- */

static void free_pod(dt_pod *p)
{
	for (size_t i = 0; i < p->n_memory; i++)
		free(p->memory[i].name);
	free(p->memory);
	dt_pod_free(p);
}

void dt_put_pod(ns_detector *d, dt_pod *p)
{
	dt_pod *old = dt_tab_get(&d->pods, p->key);
	p->seen_mono = ns_clock_mono_ms(d->clock);
	if (old) {
		p->memory = old->memory;
		p->n_memory = old->n_memory;
		p->seen_mono = old->seen_mono;
		p->orphan = old->orphan;
		if (p->orphan)
			d->orphans[p->orphan - 1] = p;
		p->member_of = old->member_of;
		p->work = old->work;
		p->at = old->at;
		if (p->work)
			p->work->pods[p->at] = p;
		/* An adopted or released pod changes its owner; otherwise a confirmed link stays, also when the ReplicaSet goes first. */
		p->confirmed = old->confirmed && strcmp(old->owner_uid, p->owner_uid) == 0;
	}
	dt_times_not_ahead(p, old, ns_clock_wall_ms(d->clock));
	dt_remember(p, old, ns_clock_wall_ms(d->clock));
	dt_tab_put(&d->pods, p);
	if (old) {
		dt_names_remove(&d->pod_names, old);
		dt_pod_free(old); /* its memory moved */
	}
	dt_names_add(&d->pod_names, p);
	if (p->work)
		dt_mark(d, p->work);
	if (!p->confirmed && (!d->started || !resolve(d, p)))
		add_orphan(d, p);
	else
		drop_orphan(d, p);
}

void dt_drop_pod(ns_detector *d, const char *uid)
{
	dt_pod *p = dt_tab_del(&d->pods, uid);
	if (!p)
		return;
	leave(d, p);
	drop_orphan(d, p);
	dt_names_remove(&d->pod_names, p);
	free_pod(p);
}

/* ---- owners ---- */

static bool known_kind(const char *kind)
{
	for (int k = 0; k < DT_KIND_COUNT; k++)
		if (strcmp(dt_kind_names[k], kind) == 0)
			return true;
	return false;
}

void dt_put_obj(ns_detector *d, dt_obj *o)
{
	dt_obj *old = dt_tab_get(&d->objs, o->key);
	dt_tab_put(&d->objs, o);
	if (old && old->work) {
		o->work = old->work;
		o->work->obj = o;
		dt_mark(d, o->work);
	}
	bool same = old && old->generation == o->generation && old->observed == o->observed && old->replicas == o->replicas && old->st_replicas == o->st_replicas &&
	    old->ready == o->ready && old->updated == o->updated && old->available == o->available;
	o->progress_ms = same ? old->progress_ms : ns_clock_wall_ms(d->clock);
	if (old)
		o->schedule_ms = old->quiet_ms == o->quiet_ms ? old->schedule_ms : ns_clock_wall_ms(d->clock);
	/* What nobody owns is a workload from the start, and so is what a stranger owns (an operator, a Rollout); the rest becomes one only when its
	 * owner cannot be confirmed. */
	if (!*o->owner_uid || !known_kind(o->owner_kind))
		own_work(d, o);
	if (old)
		dt_names_remove(&d->obj_names, old);
	dt_names_add(&d->obj_names, o);
	dt_obj_free(old);
	if (!old && d->started)
		resolve_orphans(d, o);
	if (d->started)
		dt_count_job(d, o);
}

void dt_drop_obj(ns_detector *d, const char *uid)
{
	dt_obj *o = dt_tab_del(&d->objs, uid);
	if (!o)
		return;
	disown(d, o);
	dt_names_remove(&d->obj_names, o);
	dt_obj_free(o);
}

void dt_count_job(ns_detector *d, const dt_obj *o)
{
	bool confirmed;
	if (o->kind != DT_JOB || !o->ok_ms || !*o->owner_uid)
		return;
	dt_work *w = climb(d, dt_tab_get(&d->objs, o->key), NULL, &confirmed);
	if (o->ok_ms <= w->job_ok_ms)
		return;
	w->job_ok_ms = o->ok_ms;
	dt_mark(d, w);
}

/* ---- what a workload is as a whole ---- */

const dt_pod *dt_pod_named(const ns_detector *d, const char *ns, const char *name)
{
	size_t from = 0;
	return dt_names_next(&d->pod_names, ns, name, strlen(name), &from);
}

/* By its own name, or (pod) the maker that a pod is named after: the longest beginning of its name that ends at a dash. */
static dt_obj *obj_named(ns_detector *d, const char *ns, const char *kind, const char *name, bool pod)
{
	for (size_t n = strlen(name); n; n = pod ? n - 1 : 0) {
		if (name[n] && name[n] != '-')
			continue;
		size_t from = 0;
		for (const dt_obj *x; (x = dt_names_next(&d->obj_names, ns, name, n, &from));)
			if (pod || strcmp(dt_kind_names[x->kind], kind) == 0)
				return dt_tab_get(&d->objs, x->key);
	}
	return NULL;
}

dt_work *dt_work_of_resource(ns_detector *d, const char *ns, const char *kind, const char *name, const char *uid)
{
	dt_pod *p = *uid ? dt_tab_get(&d->pods, uid) : NULL;
	dt_obj *o = *uid ? dt_tab_get(&d->objs, uid) : NULL;
	bool confirmed;
	if (p)
		return p->work;
	if (o)
		return climb(d, o, NULL, &confirmed);
	bool pod = strcmp(kind, "Pod") == 0, known = pod || known_kind(kind);
	const dt_pod *named = pod && !*uid ? dt_pod_named(d, ns, name) : NULL;
	if (named)
		return named->work;
	if (*uid || !known)
		return pod || !known ? NULL : dt_work_find(d, ns, kind, name);
	/* What was refused at admission does not exist: a pod is named after the ReplicaSet that wanted it. */
	dt_obj *best = obj_named(d, ns, kind, name, pod);
	return best ? climb(d, best, NULL, &confirmed) : NULL;
}

bool dt_obj_complete(const dt_obj *o)
{
	return o->observed >= o->generation && o->updated >= o->replicas && o->st_replicas <= o->updated && o->available >= o->replicas && o->ready >= o->replicas;
}

bool dt_obj_rolling(const dt_obj *o)
{
	/* One that is paused stands still on purpose, for as long as somebody likes. */
	if (o->kind != DT_DEPLOYMENT || o->paused || strcmp(o->prog_status, "False") == 0)
		return false;
	return o->observed < o->generation || o->updated < o->replicas || o->st_replicas > o->updated ||
	    (*o->prog_reason && strcmp(o->prog_reason, "NewReplicaSetAvailable") != 0);
}

/* A pod that failed stays where it is for days, and nothing gets ready by waiting for it: what its end means is for the rows. */
static bool pods_ready(const dt_work *w, bool failed_count)
{
	for (size_t i = 0; i < w->n_pods; i++) {
		const dt_pod *p = w->pods[i];
		if (!p->deleting && !p->ready && p->phase != DT_DONE && (failed_count || p->phase != DT_FAILED))
			return false;
	}
	return true;
}

static bool has_counts(const dt_work *w)
{
	return w->obj && w->obj->kind <= DT_DAEMONSET;
}

bool dt_work_ready(const dt_work *w)
{
	return has_counts(w) ? w->obj->observed >= w->obj->generation && w->obj->ready >= w->obj->replicas : pods_ready(w, false);
}

bool dt_work_complete(const dt_work *w)
{
	/* Nobody makes a bare pod again; a Job does. */
	return has_counts(w) ? dt_obj_complete(w->obj) : pods_ready(w, !w->obj);
}

static const char *pod_names(const void *item, const char **name)
{
	const dt_pod *p = item;
	*name = p->name;
	return p->ns;
}

static const char *obj_names(const void *item, const char **name)
{
	const dt_obj *o = item;
	*name = o->name;
	return o->ns;
}

void dt_cache_init(ns_detector *d)
{
	d->pod_names.say = pod_names;
	d->obj_names.say = obj_names;
}

void dt_cache_free(ns_detector *d)
{
	dt_each(dt_pod, p, &d->pods)
		free_pod(p);
	dt_each(dt_obj, o, &d->objs)
		dt_obj_free(o);
	dt_each(dt_node, n, &d->nodes)
		free(n);
	dt_each(dt_note, note, &d->notes)
		dt_note_free(note);
	dt_each(dt_report, first, &d->reports)
		for (dt_report *r = first, *next; r; r = next) {
			next = r->next;
			free(r);
		}
	dt_each(dt_policy, y, &d->policies)
		free(y);
	dt_each(dt_thing, t, &d->things)
		free(t);
	dt_each(dt_work, w, &d->works)
		free_work(w);
	dt_tab *const tabs[] = {&d->pods, &d->objs, &d->nodes, &d->notes, &d->reports, &d->policies, &d->things, &d->works};
	for (size_t i = 0; i < sizeof tabs / sizeof *tabs; i++)
		dt_tab_free(tabs[i]);
	free(d->pod_names.at);
	free(d->obj_names.at);
	free(d->due);
	free(d->orphans);
}
