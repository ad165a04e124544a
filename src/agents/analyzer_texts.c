/* Events and logs: text of others. Every line is redacted, made one line and marked as not trusted; the analyst decides what it knows. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/model/redact.h"

#define MAX_EVENTS   12
#define LOG_TAIL     40
#define LOG_BYTES    16384
#define LOG_LINE     300
#define LOG_EVIDENCE 10 /* lines that the analyst knows, newest first */
#define LOG_LAST     3  /* and the last ones in any case */

/* ---- events ---- */

typedef struct seen_event {
	const char *reason, *message, *kind;
	bool warning;
	int64_t count, at_ms;
} seen_event;

static int64_t event_time(const cJSON *e)
{
	static const char *const where[] = {
	    "series.lastObservedTime", "lastTimestamp", "eventTime", "firstTimestamp", "metadata.creationTimestamp"};
	for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
		int64_t ms = ns_collect_time(e, where[i]);
		if (ms)
			return ms;
	}
	return 0;
}

static int64_t event_count(const cJSON *e)
{
	return ns_json_int_or(e, "series.count", ns_json_int_or(e, "count", 1));
}

/* About the workload, one of its revisions or one of its pods, by uid: a name may have had another life. */
static bool concerns(const ns_collector *k, const cJSON *e)
{
	const char *uid = ns_json_str(e, "involvedObject.uid", "");
	if (!*uid)
		return false;
	if (!strcmp(uid, k->c->alert.target.uid))
		return true;
	/* A kubelet that tells of its node gives the name for the uid. */
	if (!strcmp(k->c->alert.target.kind, "Node") && !strcmp(ns_json_str(e, "involvedObject.kind", ""), "Node") &&
	    !strcmp(ns_json_str(e, "involvedObject.name", ""), k->c->alert.target.name))
		return true;
	for (size_t i = 0; i < k->c->n_revisions; i++)
		if (!strcmp(uid, k->c->revisions[i].uid))
			return true;
	ns_json_each(pod, ns_json_get(k->pods, "items")) if (!strcmp(uid, ns_json_str(pod, "metadata.uid", ""))) return true;
	return false;
}

/* The same message of 47 pods is one: everything that has a digit in it is left out of the comparison. */
static bool same_message(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " ");
		b += strspn(b, " ");
		size_t na = strcspn(a, " "), nb = strcspn(b, " ");
		if (!na || !nb)
			return !na && !nb;
		bool numbered = strcspn(a, "0123456789") < na && strcspn(b, "0123456789") < nb;
		if (!numbered && (na != nb || memcmp(a, b, na)))
			return false;
		a += na;
		b += nb;
	}
}

static void merge_event(ns_collector *k, seen_event *list, size_t *n, size_t cap, const cJSON *e)
{
	const char *reason = ns_json_str(e, "reason", ""), *message = ns_collect_clean(k, ns_json_str(e, "message", ""), 400);
	int64_t at = event_time(e), count = event_count(e);
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(list[i].reason, reason) && same_message(list[i].message, message)) {
			list[i].count += count;
			list[i].at_ms = at > list[i].at_ms ? at : list[i].at_ms;
			return;
		}
	if (*n < cap)
		list[(*n)++] = (seen_event){ns_collect_clean(k, reason, 80), message,
		    ns_arena_strdup(k->ar, ns_json_str(e, "involvedObject.kind", "")), !strcmp(ns_json_str(e, "type", ""), "Warning"),
		    count, at};
}

static int loudest_first(const void *a, const void *b)
{
	const seen_event *x = a, *y = b;
	if (x->warning != y->warning)
		return x->warning ? -1 : 1;
	return x->at_ms < y->at_ms ? 1 : x->at_ms > y->at_ms ? -1 : 0;
}

static void note_reason(ns_collector *k, const char *reason)
{
	for (size_t i = 0; i < k->n_reasons; i++)
		if (!strcmp(k->reasons[i], reason))
			return;
	if (k->n_reasons < sizeof k->reasons / sizeof k->reasons[0])
		k->reasons[k->n_reasons++] = reason;
}

void ns_collect_events(ns_collector *k)
{
	enum { CAP = 64 };
	/* Ordinary steps of every pod's life say nothing. */
	static const char *const usual[] = {"Scheduled", "Pulled", "Pulling", "Created", "Started", "SuccessfulCreate", "SuccessfulDelete"};
	seen_event *list = ns_arena_alloc(k->ar, CAP * sizeof *list);
	size_t n = 0;
	ns_buf base = NS_BUF_INIT;
	ns_buf_puts(&base, "/api/v1/namespaces/");
	ns_url_escape(&base, *k->c->alert.target.ns ? k->c->alert.target.ns : "default"); /* where those of cluster-scoped objects are */
	ns_buf_puts(&base, "/events?limit=500");
	cJSON *events = ns_collect_get(k, base.data, "events", NULL);
	/* A busy namespace: ask for what concerns the failing pod alone as well. */
	cJSON *more = NULL;
	if (*ns_json_str(events, "metadata.continue", "") && k->pod)
		more = ns_collect_get(k,
		    ns_arena_printf(k->ar, "%s&fieldSelector=involvedObject.uid%%3D%s", base.data, ns_json_str(k->pod, "metadata.uid", "")),
		    "events of its pod", NULL);
	const cJSON *both[] = {events, more};
	for (size_t b = 0; b < 2; b++)
		ns_json_each(e, ns_json_get(both[b], "items"))
		{
			bool skip = !concerns(k, e);
			for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
				skip |= !strcmp(ns_json_str(e, "reason", ""), usual[i]) && strcmp(ns_json_str(e, "type", ""), "Warning");
			if (!skip)
				merge_event(k, list, &n, CAP, e);
		}
	qsort(list, n, sizeof *list, loudest_first);
	for (size_t i = 0; i < n; i++) {
		if (list[i].warning)
			note_reason(k, list[i].reason);
		if (i < MAX_EVENTS)
			ns_collect_add(k, NS_EV_EVENT, false, list[i].at_ms, "%s %s on the %s (x%lld): %s",
			    list[i].warning ? "Warning" : "Normal", list[i].reason, list[i].kind, (long long)list[i].count,
			    list[i].message);
	}
	cJSON_Delete(events);
	cJSON_Delete(more);
	ns_buf_free(&base);
}

/* ---- logs ---- */

static bool read_log(ns_collector *k, bool previous, ns_buf *out)
{
	ns_buf path = NS_BUF_INIT;
	ns_err err = {0};
	int status = 0;
	ns_buf_puts(&path, ns_collect_path(k->ar, "Pod", k->c->alert.target.ns, ns_json_str(k->pod, "metadata.name", "")));
	ns_buf_puts(&path, "/log?container=");
	ns_url_escape(&path, k->failing);
	ns_buf_printf(&path, "&tailLines=%d&limitBytes=%d%s", LOG_TAIL, LOG_BYTES, previous ? "&previous=true" : "");
	bool ok = ns_kube_get_raw(k->client, path.data, LOG_BYTES, out, &status, &err) && status == 200;
	ns_buf_free(&path);
	if (!ok) {
		ns_buf_clear(out);
		/* "waiting to start" and "no previous container" are ordinary answers; a missing right is not. */
		if (err.code != NS_E_INVALID && err.code != NS_E_FAILED && status != 400 && status != 404)
			ns_collect_add(k, NS_EV_NOTE, true, 0, "the log of container %s could not be read: %s", k->failing, err.text);
	}
	return out->len > 0;
}

static void split_lines(ns_collector *k, const char *s, size_t n)
{
	ns_case *c = k->c;
	for (size_t i = 0; i < n;) {
		const char *nl = memchr(s + i, '\n', n - i);
		size_t len = (nl ? (size_t)(nl - s) : n) - i;
		char *line = ns_redact_line(s + i, len, LOG_LINE);
		size_t used = strlen(line);
		while (used && line[used - 1] == ' ')
			line[--used] = 0;
		if (used) {
			if (c->n_log_lines == NS_COLLECT_LOGS) {
				memmove(c->log_lines, c->log_lines + 1, (NS_COLLECT_LOGS - 1) * sizeof *c->log_lines);
				c->n_log_lines--;
			}
			c->log_lines[c->n_log_lines++] = ns_arena_strdup(k->ar, line);
		}
		free(line);
		i += len + 1;
	}
}

void ns_collect_logs(ns_collector *k)
{
	ns_case *c = k->c;
	const ns_container_facts *f = NULL;
	for (size_t i = 0; i < c->n_containers; i++)
		if (!strcmp(c->containers[i].name, k->failing))
			f = &c->containers[i];
	/* What never started has no log. */
	if (!f || k->gone || !(f->has_last || f->running))
		return;
	ns_buf text = NS_BUF_INIT;
	/* The run that ended is wanted, and it may be restarted before we ask. In back-off and when it runs again, that run is `previous` and stays it.
	 * Where the state itself is the end it is the run without `previous`, or by now `previous`: both, in their order. */
	bool restarts = f->running || *f->waiting_reason, ended = f->has_last && !restarts;
	if (!read_log(k, f->has_last, &text) || ended) {
		ns_buf current = NS_BUF_INIT;
		if (f->has_last && read_log(k, false, &current))
			ns_buf_put(&text, current.data, current.len);
		ns_buf_free(&current);
	}
	/* As a whole first: a private key is many lines. */
	ns_buf safe = NS_BUF_INIT;
	ns_redact(&safe, ns_buf_str(&text), text.len);
	split_lines(k, ns_buf_str(&safe), safe.len);
	ns_buf_free(&text);
	ns_buf_free(&safe);

	bool keep[NS_COLLECT_LOGS] = {false};
	size_t known = 0;
	for (size_t i = c->n_log_lines; i-- > 0;) {
		bool matters = known < LOG_EVIDENCE && ns_offline_line_matters(c->log_lines[i]);
		known += matters;
		keep[i] = matters || i + LOG_LAST >= c->n_log_lines;
	}
	for (size_t i = 0; i < c->n_log_lines; i++)
		if (keep[i])
			ns_collect_add(k, NS_EV_LOG, false, 0, "%s: %s", k->failing, c->log_lines[i]);
}
