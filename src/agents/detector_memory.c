/* What the watch saw of a pod's containers over time, which a single picture of it does not show: restarts, OOM kills that are news, why a pull
 * fails; and the times of clocks that are not ours. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum { FRESH_MS = 10 * 60000, DAY_MS = 86400000 };

static const dt_container *container_named(const dt_pod *p, const char *name)
{
	for (size_t i = 0; p && i < p->n_c; i++)
		if (strcmp(p->c[i].name, name) == 0)
			return &p->c[i];
	return NULL;
}

dt_memory *dt_memory_of(const dt_pod *p, const char *container)
{
	for (size_t i = 0; i < p->n_memory; i++)
		if (strcmp(p->memory[i].name, container) == 0)
			return &p->memory[i];
	return NULL;
}

static dt_memory *make_memory(dt_pod *p, const char *container)
{
	dt_memory *m = dt_memory_of(p, container);
	if (m)
		return m;
	p->memory = ns_xrealloc(p->memory, (p->n_memory + 1) * sizeof *p->memory);
	m = &p->memory[p->n_memory++];
	*m = (dt_memory){.name = ns_xstrdup(container)};
	return m;
}

/* Why a registry does not give an image, from what the runtime says. In order: the first that fits. */
const char *dt_pull_cause(const char *message)
{
	static const struct { const char *words, *cause; } table[] = {{"toomanyrequests", "rate limit"}, {"too many requests", "rate limit"}, {"rate limit", "rate limit"},
	    {"429 ", "rate limit"}, {"unauthorized", "auth"}, {"authentication required", "auth"}, {"no basic auth credentials", "auth"},
	    {"pull access denied", "auth or not found"}, {"authorization failed", "auth"}, {"403 forbidden", "auth"}, {"denied:", "auth"},
	    {"x509:", "TLS"}, {"certificate", "TLS"}, {"tls:", "TLS"}, {"http: server gave HTTP response", "TLS"},
	    {"no such host", "network"}, {"i/o timeout", "network"}, {"connection refused", "network"}, {"connection reset", "network"},
	    {"deadline exceeded", "network"}, {"network is unreachable", "network"}, {"no route to host", "network"}, {"TLS handshake timeout", "network"},
	    {"no match for platform", "platform"}, {"manifest unknown", "not found"}, {"not found", "not found"}, {"repository does not exist", "not found"}, {"name unknown", "not found"},
	    {"no space left", "disk full"}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (ns_icontains(message, table[i].words))
			return table[i].cause;
	return NULL;
}

bool dt_note_pull(dt_pod *p, const char *container, const char *message)
{
	const char *cause = dt_pull_cause(message);
	/* Events name what they like. */
	if (!cause || !container_named(p, container))
		return false;
	dt_memory *m = make_memory(p, container);
	bool news = m->pull_cause != cause && (!m->pull_cause || strcmp(m->pull_cause, cause) != 0);
	m->pull_cause = cause;
	return news;
}

/* What changed under our watch: restarts, and OOM kills that are news (seen to happen, or at most ten minutes old). */
void dt_remember(dt_pod *p, const dt_pod *old, int64_t wall)
{
	for (size_t i = 0; i < p->n_c; i++) {
		const dt_container *c = &p->c[i], *before = container_named(old, c->name);
		int grew = before && c->restarts > before->restarts ? c->restarts - before->restarts : 0;
		if (grew) {
			dt_memory *m = make_memory(p, c->name);
			for (int g = 0; g < (grew < 3 ? grew : 3); g++) {
				m->restarted_ms[2] = m->restarted_ms[1];
				m->restarted_ms[1] = m->restarted_ms[0];
				m->restarted_ms[0] = wall;
			}
		}
		if (strstr(c->waiting, "Image"))
			dt_note_pull(p, c->name, c->message);
		const dt_end *kill = strcmp(c->now.reason, "OOMKilled") == 0 ? &c->now : strcmp(c->last.reason, "OOMKilled") == 0 ? &c->last : NULL;
		if (!kill)
			continue;
		int64_t end = kill->finished_ms ? kill->finished_ms : -1;
		dt_memory *m = make_memory(p, c->name);
		if (m->oom_end_ms == end && !(end < 0 && grew))
			continue;
		m->oom_end_ms = end;
		/* It was down until the restart after it, unless that came for another reason a day later. */
		int64_t known = c->started_ms > end && c->started_ms - end < DAY_MS ? c->started_ms : end;
		m->oom_seen_ms = grew || wall - known <= FRESH_MS ? wall : 0;
	}
}

/* A node's clock that runs ahead of ours must not put off what counts from its times; and an old kubelet names no time at all for an eviction. */
void dt_times_not_ahead(dt_pod *p, const dt_pod *old, int64_t wall)
{
	bool over = p->phase == DT_FAILED || p->phase == DT_DONE, was_over = old && (old->phase == DT_FAILED || old->phase == DT_DONE);
	if (p->ready_at_ms > wall)
		p->ready_at_ms = old && old->ready == p->ready && old->ready_at_ms ? old->ready_at_ms : wall;
	if (p->sched_at_ms > wall)
		p->sched_at_ms = old && old->sched_at_ms ? old->sched_at_ms : wall;
	for (size_t i = 0; i < p->n_c; i++) {
		const dt_container *before = p->c[i].started_ms > wall ? container_named(old, p->c[i].name) : NULL;
		if (p->c[i].started_ms > wall)
			p->c[i].started_ms = before && before->started_ms && before->restarts == p->c[i].restarts ? before->started_ms : wall;
	}
	if (over && (!p->ended_ms || p->ended_ms > wall) && (old || p->ended_ms))
		p->ended_ms = was_over ? old->ended_ms : wall;
}
