/* Alerts of other systems. What they name is looked up in what the watch itself has seen, and climbed from there: a label is a hint where to look,
 * not a proof of whose pod it is. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/model/redact.h"

enum { MAX_FIRING = 2000, MAX_SOURCE = 64, MAX_FINGERPRINT = 128, MAX_NAME = 253, MAX_TITLE = 120, MAX_MESSAGE = 300, LASTS_MS = 5 * 60000 };

dt_work *dt_cluster_work(ns_detector *d)
{
	return dt_work_get(d, "", "Cluster", d->cluster);
}

dt_work *dt_external_work(ns_detector *d, const dt_thing *t)
{
	const dt_pod *p = *t->pod ? dt_pod_named(d, t->ns, t->pod) : NULL;
	dt_work *w = p ? p->work : NULL;
	if (!w && *t->ref_name)
		w = dt_work_of_resource(d, t->ns, t->ref_kind, t->ref_name, "");
	if (!w && dt_node_of(d, t->node))
		w = dt_work_get(d, "", "Node", t->node);
	return w ? w : dt_cluster_work(d);
}

const dt_thing *dt_external_note(const dt_work *w, int64_t wall)
{
	for (size_t i = 0; i < w->n_things; i++)
		if (w->things[i]->sort == DT_EXTERNAL && wall < w->things[i]->until_ms)
			return w->things[i];
	return NULL;
}

static const char *text(const char *s)
{
	return s ? s : "";
}

/* A name that no object can have names nothing. */
static const char *name_of(const char *s)
{
	return s && strlen(s) <= MAX_NAME ? s : "";
}

static dt_thing *thing_of(const ns_detector *d, const ns_external *x, int64_t wall, const char *key, const char *id)
{
	const char *const refs[][2] = {{"Deployment", name_of(x->deployment)}, {"StatefulSet", name_of(x->statefulset)}, {"DaemonSet", name_of(x->daemonset)},
	    {"ReplicaSet", name_of(x->replicaset)}, {"CronJob", name_of(x->cronjob)}, {"Job", name_of(x->job)}};
	size_t r = 0;
	while (r < sizeof refs / sizeof *refs && !*refs[r][1])
		r++;
	bool none = r == sizeof refs / sizeof *refs;
	char *title = ns_redact_line(text(x->title), strlen(text(x->title)), MAX_TITLE);
	char *message = ns_redact_line(text(x->message), strlen(text(x->message)), MAX_MESSAGE);
	dt_thing t = {.sort = DT_EXTERNAL, .key = key, .ns = name_of(x->ns), .name = id, .reason = *title ? title : "ExternalAlert", .message = message,
	    .ref_kind = none ? "" : refs[r][0], .ref_name = none ? "" : refs[r][1], .pod = name_of(x->pod), .node = name_of(x->node),
	    .container = name_of(x->container), .severity = x->severity, .since_ms = x->starts_ms,
	    .until_ms = x->expires_ms ? x->expires_ms : wall + LASTS_MS};
	dt_thing *out = dt_thing_new(&t);
	free(title);
	free(message);
	return out;
}

bool ns_detector_external(ns_detector *d, const ns_external *x, ns_err *err)
{
	const char *source = text(x->source), *fingerprint = text(x->fingerprint);
	if (!*source || strlen(source) > MAX_SOURCE || strchr(source, '/') || !*fingerprint || strlen(fingerprint) > MAX_FINGERPRINT)
		return ns_fail(err, NS_E_INVALID, "an external alert needs a source (at most %d bytes, no /) and a fingerprint (at most %d)", MAX_SOURCE, MAX_FINGERPRINT);
	int64_t wall = ns_clock_wall_ms(d->clock);
	bool over = x->resolved || (x->ends_ms && x->ends_ms <= wall) || (x->expires_ms && x->expires_ms <= wall), ok = true;
	char *id = ns_xasprintf("%s/%s", source, fingerprint);
	/* The fingerprint alone tells it: the same alert may name another namespace the next time. */
	char *key = dt_thing_key(DT_EXTERNAL, "", id);
	dt_thing *t = over ? NULL : thing_of(d, x, wall, key, id);
	pthread_mutex_lock(&d->mu);
	const dt_thing *known = dt_tab_get(&d->things, key);
	/* Of two that send one may be behind: the end of an earlier occurrence is not the end of this one. */
	if (over && !(known && x->starts_ms && known->since_ms > x->starts_ms))
		dt_drop_thing(d, key);
	else if (!over && d->n_external >= MAX_FIRING && !known)
		ok = ns_fail(err, NS_E_BUSY, "%d alerts of other systems are firing; no more are taken until some are over", MAX_FIRING);
	else if (!over)
		dt_put_thing(d, t);
	pthread_mutex_unlock(&d->mu);
	if (ok)
		ns_wake_ring(d->wake);
	else
		free(t);
	free(key);
	free(id);
	return ok;
}
