/* What events said about an object that its status does not: failing probes, kills by them, why a pull fails, volumes, sandboxes, claims and pods
 * that cannot be made. Events and objects come in any order, the same event comes again after a reconnect, and none may come at all. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"

enum { MAX_NOTES = 20000, NOTE_LIFE_MS = 15 * 60000, KILLS_WITHIN_MS = 10 * 60000 };

void dt_note_free(dt_note *n)
{
	free(n->key);
	free(n->container);
	free(n->message);
	free(n->fail_reason);
	free(n->fail_message);
	free(n);
}

dt_note *dt_note_of(const ns_detector *d, const char *uid)
{
	return dt_tab_get(&d->notes, uid);
}

static dt_note *make_note(ns_detector *d, const char *uid)
{
	dt_note *n = dt_tab_get(&d->notes, uid);
	/* Events can be written about what does not exist. */
	if (!n && d->notes.n >= MAX_NOTES)
		return NULL;
	if (!n) {
		n = ns_xcalloc(1, sizeof *n);
		n->key = ns_xstrdup(uid);
		dt_tab_put(&d->notes, n);
	}
	return n;
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = strndup(value, 300);
}

static void note_probe(dt_note *n, const dt_event *e)
{
	static const char *const words[DT_PROBES] = {"Readiness probe", "Liveness probe", "Startup probe"};
	for (int i = 0; i < DT_PROBES; i++) {
		if (!strstr(e->message, words[i]) || e->at_ms < n->probe_ms[i])
			continue;
		n->probe_ms[i] = e->at_ms;
		set(&n->container, e->container);
		set(&n->message, e->message);
	}
}

/* The event is repeated as it is after each reconnect. */
static void note_kill(dt_note *n, const dt_event *e)
{
	if (e->at_ms <= n->kill_ms)
		return;
	n->kills = e->at_ms - n->kill_ms > KILLS_WITHIN_MS ? 1 : n->kills + 1;
	if (e->count > n->kills)
		n->kills = e->count;
	n->kill_ms = e->at_ms;
	set(&n->container, e->container);
	if (!n->message)
		set(&n->message, e->message);
}

static void note_failure(dt_note *n, const dt_event *e)
{
	if (e->at_ms < n->fail_ms)
		return;
	n->fail_ms = e->at_ms;
	set(&n->fail_reason, e->reason);
	set(&n->fail_message, e->message);
}

static void note_room(dt_note *n, const dt_event *e)
{
	n->room_ms = e->at_ms > n->room_ms ? e->at_ms : n->room_ms;
}

/* Whoever is judged by what was said. */
static void mark_object(ns_detector *d, const dt_event *e)
{
	const dt_pod *p = dt_tab_get(&d->pods, e->uid);
	const dt_obj *o = dt_tab_get(&d->objs, e->uid);
	const dt_thing *t = p || o ? NULL : dt_thing_of(d, DT_CLAIM, e->ns, e->name);
	const bool job = o && o->kind == DT_JOB && d->started;
	dt_mark(d, p ? p->work : job ? dt_work_of_resource(d, e->ns, e->kind, e->name, e->uid) : o ? o->work : t ? t->work : NULL);
}

/* The Jobs of a CronJob come and go: what keeps one from its pods is known by the CronJob. */
static const char *noted_by(ns_detector *d, const dt_event *e)
{
	bool job = d->started && strcmp(e->kind, "Job") == 0 && dt_tab_get(&d->objs, e->uid);
	const dt_work *w = job ? dt_work_of_resource(d, e->ns, e->kind, e->name, e->uid) : NULL;
	return w && *w->uid ? w->uid : e->uid;
}

/* Killing is also said of every ordinary stop. */
static bool kill_by_probe(const dt_event *e)
{
	return strstr(e->message, "liveness probe") || strstr(e->message, "startup probe");
}

void dt_put_event(ns_detector *d, const dt_event *e)
{
	static const struct { const char *kind, *reason; void (*take)(dt_note *n, const dt_event *e); } table[] = {
	    {"Pod", "Unhealthy", note_probe}, {"Pod", "Killing", note_kill}, {"Pod", "FailedMount", note_failure}, {"Pod", "FailedAttachVolume", note_failure},
	    {"Pod", "TriggeredScaleUp", note_room}, {"Pod", "Nominated", note_room}, {"Pod", "FailedMapVolume", note_failure}, {"Pod", "FailedCreatePodSandBox", note_failure},
	    {"PersistentVolumeClaim", "ProvisioningFailed", note_failure}, {"PersistentVolumeClaim", "FailedBinding", note_failure},
	    {"PersistentVolumeClaim", "WaitForFirstConsumer", note_failure}, {"PersistentVolumeClaim", "WaitForPodScheduled", note_failure},
	    {"StatefulSet", "FailedCreate", note_failure}, {"DaemonSet", "FailedCreate", note_failure}, {"Job", "FailedCreate", note_failure}};
	if (!*e->uid || ns_clock_wall_ms(d->clock) - e->at_ms > NOTE_LIFE_MS)
		return;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(table[i].reason, e->reason) != 0 || strcmp(table[i].kind, e->kind) != 0 || (table[i].take == note_kill && !kill_by_probe(e)))
			continue;
		dt_note *n = make_note(d, noted_by(d, e));
		if (!n)
			continue;
		table[i].take(n, e);
		mark_object(d, e);
	}
	/* The status of a pull in back-off says no more than that; the event says why. */
	dt_pod *p = strcmp(e->reason, "Failed") == 0 && strcmp(e->kind, "Pod") == 0 ? dt_tab_get(&d->pods, e->uid) : NULL;
	if (p && strstr(e->message, "pull image") && dt_note_pull(p, e->container, e->message))
		dt_mark(d, p->work);
}

static int64_t newest_of(const dt_note *note)
{
	int64_t newest = note->kill_ms > note->fail_ms ? note->kill_ms : note->fail_ms;
	newest = note->room_ms > newest ? note->room_ms : newest;
	for (int i = 0; i < DT_PROBES; i++)
		newest = note->probe_ms[i] > newest ? note->probe_ms[i] : newest;
	return newest;
}

void dt_sweep_notes(ns_detector *d, int64_t wall)
{
	/* Deleting moves other slots, so the old ones are collected first. */
	dt_note **old = ns_xcalloc(d->notes.n + 1, sizeof *old);
	size_t n = 0;
	dt_each(dt_note, note, &d->notes)
		if (wall - newest_of(note) > NOTE_LIFE_MS)
			old[n++] = note;
	for (size_t i = 0; i < n; i++) {
		dt_tab_del(&d->notes, old[i]->key);
		dt_note_free(old[i]);
	}
	free(old);
}
