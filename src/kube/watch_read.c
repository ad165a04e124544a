/* What a row's transfers bring, handed on from inside the read that brought its last byte: items of a list, lines of a watch, errors. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/sys/digest.h"
#include "watch_priv.h"

enum {
	MAX_OBJECT = 16 << 20,
	MAX_ERROR_BODY = 64 << 10,
	KEPT_LINE = 256 << 10
};
#define MAX_LIST (INT64_C(4) << 30)

void watch_remember(stream *s, const cJSON *obj)
{
	const char *v = ns_json_str(obj, "metadata.resourceVersion", "");
	if (!*v || (s->version && strcmp(v, s->version) == 0))
		return;
	free(s->version);
	s->version = ns_xstrdup(v);
}

/* Who may write one object may nest it as deep as the server lets him: it is left out and counted, and must not blind us to all the others. */
static bool leave_out(stream *s)
{
	if (s->why.code != NS_E_TOOBIG)
		return false;
	if (s->owner->o->stats)
		atomic_fetch_add(&s->owner->o->stats->errors, 1);
	ns_err_clear(&s->why);
	return true;
}

static bool on_item(void *ctx, char *json, size_t n)
{
	stream *s = ctx;
	const cJSON *obj = kube_pick_object(s->home->pick, json, n, &s->why);
	if (obj)
		watch_tell(s, NS_WATCH_ADDED, obj, NULL);
	return obj || leave_out(s);
}

static bool on_error_event(stream *s, const cJSON *status)
{
	long code = (long)ns_json_int_or(status, "code", 0);
	const char *reason = ns_json_str(status, "reason", "");
	s->expired = code == 410 || strcmp(reason, "Expired") == 0 || strcmp(reason, "Gone") == 0;
	return ns_fail(&s->why, s->expired ? NS_E_EXPIRED : kube_status_code(code), "%s", ns_json_str(status, "message", "the server ended the watch"));
}

/* One line of a watch. False ends the stream. */
static bool on_line(stream *s, char *json, size_t n)
{
	static const struct { const char *name; ns_watch_type type; } types[] = {
	    {"ADDED", NS_WATCH_ADDED}, {"MODIFIED", NS_WATCH_MODIFIED}, {"DELETED", NS_WATCH_DELETED}, {"BOOKMARK", NS_WATCH_BOOKMARK}};
	const cJSON *event = kube_pick_event(s->home->pick, json, n, &s->why);
	const cJSON *obj = ns_json_get(event, "object");
	const char *type = ns_json_str(event, "type", "");
	bool ok = false, known = false;
	if (!event) {
		ok = leave_out(s); /* else why is set */
	} else if (strcmp(type, "ERROR") == 0) {
		ok = on_error_event(s, obj);
		known = true;
	} else {
		for (size_t i = 0; i < sizeof types / sizeof *types && cJSON_IsObject(obj) && !known; i++) {
			if (strcmp(types[i].name, type) != 0)
				continue;
			ok = known = s->got_event = true;
			s->failures = 0;
			/* A version is remembered only after its event was handed on: nothing between the two can lose it. */
			watch_tell(s, types[i].type, types[i].type == NS_WATCH_BOOKMARK ? NULL : obj, NULL);
			watch_remember(s, obj);
		}
	}
	if (event && !known)
		ns_fail(&s->why, NS_E_INVALID, "an event of unknown type \"%.40s\"", type);
	return ok;
}

static bool on_watch_bytes(stream *s, const char *p, size_t n)
{
	while (n) {
		const char *nl = memchr(p, '\n', n);
		size_t take = nl ? (size_t)(nl - p) : n;
		if (s->line.len + take > MAX_OBJECT)
			return ns_fail(&s->why, NS_E_TOOBIG, "an event is over %d bytes", MAX_OBJECT);
		ns_buf_put(&s->line, p, take);
		if (!nl)
			return true;
		p += take + 1;
		n -= take + 1;
		bool blank = !s->line.len || (s->line.len == 1 && s->line.data[0] == '\r');
		kube_pick_pad(&s->line);
		bool ok = blank || on_line(s, s->line.data, s->line.len);
		/* One object of megabytes must not keep its memory for the life of the watch. */
		if (s->line.cap > KEPT_LINE)
			ns_buf_free(&s->line);
		else
			ns_buf_clear(&s->line);
		if (!ok)
			return false;
	}
	return true;
}

long watch_status(const stream *s)
{
	long http = 0;
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &http);
	return http;
}

bool watch_feed(stream *s, const char *p, size_t n)
{
	if (s->phase != LISTING)
		return on_watch_bytes(s, p, n);
	if ((s->list_bytes += (int64_t)n) > MAX_LIST)
		return ns_fail(&s->why, NS_E_TOOBIG, "the list is over %lld bytes", (long long)MAX_LIST);
	return kube_split_feed(s->split, p, n, s->why.code ? NULL : &s->why);
}

size_t watch_on_body(char *p, size_t size, size_t n, void *ctx)
{
	stream *s = ctx;
	if (watch_status(s) == 200)
		return watch_feed(s, p, n) ? n : 0;
	size_t room = MAX_ERROR_BODY - s->body.len;
	ns_buf_put(&s->body, p, n < room ? n : room);
	return n;
}

size_t watch_on_header(char *p, size_t size, size_t n, void *ctx)
{
	stream *s = ctx;
	if (n <= 2 && s->phase == WATCHING && !s->open && watch_status(s) == 200) {
		s->open = true;
		s->opened_real = ns_real_mono_ms();
		s->gap_since_real = 0;
		s->unreachable = false;
		watch_tell_live(s);
	}
	return n;
}

kube_split *watch_splitter(stream *s)
{
	kube_split_ops ops = {.item = on_item, .ctx = s, .max_item = MAX_OBJECT};
	return kube_split_new(&ops);
}
