/* A row that may not be watched in all namespaces is watched in those where it may: one stream each, listed one after the other so that the
 * owner sees one replacement, then watched side by side. When any of them has to be listed again the row begins anew, with the try at all
 * namespaces: rights that were given meanwhile are noticed there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "watch_priv.h"

enum { MAX_STREAMS = 64, NAMED = 6 };

static bool holds(const cJSON *list, const char *what)
{
	ns_json_each(x, list)
		if (cJSON_IsString(x) && (strcmp(x->valuestring, "*") == 0 || strcmp(x->valuestring, what) == 0))
			return true;
	return false;
}

/* "/api/v1/pods" is pods of the group "", "/apis/apps/v1/deployments" deployments of apps. */
static void split_path(const char *path, char *group, size_t cap, const char **resource)
{
	*resource = strrchr(path, '/') + 1;
	*group = '\0';
	if (strncmp(path, "/apis/", 6) == 0)
		snprintf(group, cap, "%.*s", (int)strcspn(path + 6, "/"), path + 6);
}

static bool may(const cJSON *rules, const char *path)
{
	char group[128];
	const char *resource;
	bool list = false, watch = false;
	if (!rules)
		return true; /* not known: tried */
	split_path(path, group, sizeof group, &resource);
	ns_json_each(rule, rules)
	{
		if (ns_json_len(ns_json_get(rule, "resourceNames")) || !holds(ns_json_get(rule, "apiGroups"), group) ||
		    !holds(ns_json_get(rule, "resources"), resource))
			continue;
		list |= holds(ns_json_get(rule, "verbs"), "list");
		watch |= holds(ns_json_get(rule, "verbs"), "watch");
	}
	return list && watch;
}

static void write_note(wrow *w)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "%s only in ", w->row->name);
	size_t n = 0;
	for (size_t i = 1; i < w->n; i++)
		if (!w->at[i]->gone && n++ < NAMED)
			ns_buf_printf(&b, "%s%s", n > 1 ? ", " : "", w->at[i]->ns);
	if (n > NAMED)
		ns_buf_printf(&b, " and %zu more", n - NAMED);
	ns_copy(w->note, sizeof w->note, ns_buf_str(&b));
	ns_buf_free(&b);
}

/* One stream for each namespace where the row may be watched; the first begins. False when there is none. */
static bool spread(wrow *w, const watch_scope *scope)
{
	w->at = ns_xrealloc(w->at, (MAX_STREAMS + 1) * sizeof *w->at);
	for (size_t i = 0; i < scope->n && w->n <= MAX_STREAMS; i++)
		if (may(scope->at[i].rules, watch_api(w)))
			w->at[w->n++] = watch_stream_new(w, scope->at[i].name);
	if (w->n == 1)
		return false;
	watch_stop(w->at[0]);
	write_note(w);
	watch_start(w->at[1], LISTING);
	return true;
}

stream *watch_widen(wrow *w)
{
	for (size_t i = 1; i < w->n; i++) {
		watch_stop(w->at[i]);
		w->at[i]->gone = true;
	}
	w->replacing = false;
	*w->note = '\0';
	return w->at[0];
}

/* A namespace that may not be read after all leaves the row; the others go on. */
static bool leave(stream *s)
{
	wrow *w = s->home;
	stream *next = watch_next_to_list(s);
	size_t others = 0;
	for (size_t i = 1; i < w->n; i++)
		others += w->at[i] != s && !w->at[i]->gone;
	if (s->phase != LISTING || !others)
		return false;
	watch_stop(s);
	s->gone = true;
	if (next)
		watch_start(next, LISTING);
	else
		watch_listed(w);
	return true;
}

bool watch_narrow(stream *s)
{
	wrow *w = s->home;
	const watch_scope *scope = watch_helper_scope(s->owner->helper);
	if (*s->ns) {
		if (leave(s))
			return true;
		watch_helper_forget_scope(s->owner->helper); /* what we knew is no longer so */
		if (s->phase == WATCHING)
			watch_fail(s, LISTING);
		return s->phase != LISTING;
	}
	if (w->row->cluster_scoped)
		return false;
	free(s->more);
	s->more = NULL;
	if (scope)
		return spread(w, scope);
	s->phase = IDLE;
	s->due = WATCH_NEVER;
	w->wants_scope = true;
	watch_helper_ask(s->owner->helper, true);
	return true;
}

stream *watch_next_to_list(stream *s)
{
	wrow *w = s->home;
	for (size_t i = 1; i + 1 < w->n; i++)
		if (w->at[i] == s)
			return w->at[i + 1];
	return NULL;
}

void watch_listed(wrow *w)
{
	watch_tell_end(w);
	if (w->n > 1)
		write_note(w);
	for (size_t i = w->n > 1; i < w->n; i++)
		if (!w->at[i]->gone)
			watch_start(w->at[i], WATCHING);
}

void watch_scope_known(reflector *r)
{
	const watch_scope *scope = watch_helper_scope(r->helper);
	for (size_t i = 0; scope && i < r->o->n_rows; i++) {
		wrow *w = &r->rows[i];
		stream *s = w->at[0];
		if (!w->wants_scope)
			continue;
		w->wants_scope = false;
		if (spread(w, scope))
			continue;
		if (w->row->optional)
			watch_absent(s);
		else
			watch_fail(s, LISTING);
	}
}
