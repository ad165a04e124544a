/* The payload. Strict about what it is told to mean (types, version, times, limits), tolerant of fields of newer versions. Names that are
 * compared are kept as they are; text that is shown is cleaned and redacted here, once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"

enum { MAX_NAME = 128, MAX_FINGERPRINT = 64, MADE_FINGERPRINT = 16 };

typedef struct labels {
	ns_am_label *at;
	size_t n;
} labels;

static const char *find(const labels *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->at[i].name, name) == 0)
			return l->at[i].value;
	return "";
}

static const char *shown(ns_arena *ar, const char *text, size_t max)
{
	char *line = ns_redact_line(text, strlen(text), max);
	const char *kept = ns_arena_strdup(ar, line);
	free(line);
	return kept;
}

/* ---- typed fields: absent (or null) is fine unless asked for, another type never is ---- */

static bool text_field(const cJSON *obj, const char *key, const char *dflt, const char **out, ns_err *err)
{
	const cJSON *j = ns_json_get(obj, key);
	*out = dflt;
	bool absent = !j || cJSON_IsNull(j);
	if (absent && dflt)
		return true;
	if (absent || !cJSON_IsString(j)) {
		ns_fail(err, NS_E_INVALID, "\"%s\" is %s", key, absent ? "missing" : "no string");
		return false;
	}
	*out = j->valuestring;
	return true;
}

/* An object whose values are strings. long_values: annotations, which are cut when shown instead of refused. */
static bool pairs_field(ns_arena *ar, const cJSON *obj, const char *key, bool long_values, labels *out, ns_err *err)
{
	const cJSON *j = ns_json_get(obj, key);
	*out = (labels){0};
	if (!j || cJSON_IsNull(j))
		return true;
	if (!cJSON_IsObject(j))
		return ns_fail(err, NS_E_INVALID, "\"%s\" is no object", key);
	size_t n = 0;
	ns_json_each(item, j) n++;
	if (n > NS_AM_MAX_LABELS)
		return ns_fail(err, NS_E_TOOBIG, "\"%s\" has %zu entries, %d are the most", key, n, (int)NS_AM_MAX_LABELS);
	out->at = ns_arena_alloc(ar, (n + 1) * sizeof *out->at);
	ns_json_each(item, j)
	{
		if (!cJSON_IsString(item))
			return ns_fail(err, NS_E_INVALID, "\"%s\": the value of \"%s\" is no string", key, item->string);
		if (strlen(item->string) > NS_AM_MAX_LABEL || (!long_values && strlen(item->valuestring) > NS_AM_MAX_LABEL))
			return ns_fail(
			    err, NS_E_TOOBIG, "\"%s\": \"%.64s\" has more than %d bytes", key, item->string, (int)NS_AM_MAX_LABEL);
		out->at[out->n++] = (ns_am_label){item->string, item->valuestring};
	}
	return true;
}

static bool status_field(const cJSON *obj, bool *resolved, ns_err *err)
{
	const char *s;
	if (!text_field(obj, "status", NULL, &s, err))
		return false;
	*resolved = strcmp(s, "resolved") == 0;
	return *resolved || strcmp(s, "firing") == 0 || ns_fail(err, NS_E_INVALID, "\"status\" is \"%.32s\": want firing or resolved", s);
}

/* Go's zero time, and whatever else lies before 1970, is none. */
static bool time_field(const cJSON *obj, const char *key, const char *dflt, int64_t now, int64_t *out, ns_err *err)
{
	const char *s;
	*out = 0;
	if (!text_field(obj, key, dflt, &s, err))
		return false;
	if (*s && !ns_time_parse(s, out))
		return ns_fail(err, NS_E_INVALID, "\"%s\" is \"%.40s\": want a time as RFC 3339 writes it", key, s);
	*out = *out < 0 ? 0 : *out > now ? now : *out;
	return true;
}

/* ---- one alert ---- */

/* The identity of an alert is its labels. */
static const char *fingerprint_of(ns_arena *ar, const cJSON *label_object)
{
	char hex[NS_HEX256];
	ns_buf text = NS_BUF_INIT;
	if (label_object)
		ns_json_canonical(label_object, &text);
	ns_sha256_hex(ns_buf_str(&text), text.len, hex);
	ns_buf_free(&text);
	return ns_arena_strndup(ar, hex, MADE_FINGERPRINT);
}

static bool fingerprint_field(ns_arena *ar, const cJSON *j, const char **out, ns_err *err)
{
	const char *s;
	if (!text_field(j, "fingerprint", "", &s, err))
		return false;
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (n > MAX_FINGERPRINT || !ns_is_alnum(s[i]))
			return ns_fail(
			    err, NS_E_INVALID, "\"fingerprint\" is \"%.64s\": want at most %d letters and digits", s, MAX_FINGERPRINT);
	*out = n ? ns_arena_strdup(ar, s) : fingerprint_of(ar, ns_json_get(j, "labels"));
	return true;
}

/* The description has the numbers and names of this very alert, the summary is the same for all of its kind. */
static const char *message_of(ns_arena *ar, const labels *annotations, const labels *all)
{
	static const char *const keys[] = {"description", "message", "summary", "title"};
	const char *text = "", *runbook = find(annotations, "runbook_url");
	for (size_t i = 0; i < sizeof keys / sizeof *keys && !*text; i++)
		text = find(annotations, keys[i]);
	if (*text && strncmp(runbook, "http", 4) == 0 && strlen(text) + strlen(runbook) < NS_AM_MAX_TEXT - 16)
		text = ns_arena_printf(ar, "%s (runbook: %s)", text, runbook);
	if (!*text) {
		ns_buf words = NS_BUF_INIT;
		for (size_t i = 0; i < all->n && words.len < NS_AM_MAX_TEXT; i++)
			ns_buf_printf(&words, "%s%s=%s", i ? " " : "", all->at[i].name, all->at[i].value);
		text = ns_arena_take(ar, &words);
	}
	return shown(ar, text, NS_AM_MAX_TEXT);
}

static bool decode_alert(ns_arena *ar, const cJSON *j, const ns_am_opts *o, ns_am_alert *a, ns_err *err)
{
	labels all, annotations;
	if (!cJSON_IsObject(j))
		return ns_fail(err, NS_E_INVALID, "it is no object");
	if (!status_field(j, &a->resolved, err) || !pairs_field(ar, j, "labels", false, &all, err) ||
	    !pairs_field(ar, j, "annotations", true, &annotations, err) ||
	    !time_field(j, "startsAt", NULL, o->now_ms, &a->starts_ms, err) || !time_field(j, "endsAt", "", o->now_ms, &a->ends_ms, err) ||
	    !fingerprint_field(ar, j, &a->fingerprint, err))
		return false;
	const char *name = find(&all, "alertname");
	a->use = ns_am_use_of(name);
	a->severity = ns_am_severity(find(&all, "severity"));
	a->ends_ms = !a->resolved ? 0 : a->ends_ms ? a->ends_ms : o->now_ms; /* the status decides, not somebody's clock */
	a->expires_ms = o->now_ms + o->expire_ms;
	ns_am_subject_of(ar, name, all.at, all.n, &a->about);
	a->name = *name ? shown(ar, name, MAX_NAME) : "alert without a name";
	a->message = message_of(ar, &annotations, &all);
	a->cluster = ns_arena_strdup(ar, o->cluster_label && *o->cluster_label ? find(&all, o->cluster_label) : "");
	return true;
}

/* ---- the message ---- */

static bool decode_message(ns_arena *ar, const cJSON *j, const ns_am_opts *o, ns_am_message *m, ns_err *err)
{
	static const char *const maps[] = {"groupLabels", "commonLabels", "commonAnnotations"};
	const char *version, *text;
	bool group_resolved;
	labels ignored;
	if (!cJSON_IsObject(j))
		return ns_fail(err, NS_E_INVALID, "it is no JSON object");
	if (!text_field(j, "version", NULL, &version, err))
		return false;
	if (strcmp(version, "4") != 0)
		return ns_fail(err, NS_E_INVALID,
		    "\"version\" is \"%.16s\": version 4 of the webhook is understood (Alertmanager 0.6 and newer)", version);
	if (!status_field(j, &group_resolved, err) || !text_field(j, "receiver", "", &text, err))
		return false;
	m->receiver = shown(ar, text, MAX_NAME);
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) /* each alert repeats what is common */
		if (!pairs_field(ar, j, maps[i], i == 2, &ignored, err))
			return false;
	const cJSON *truncated = ns_json_get(j, "truncatedAlerts");
	if (truncated && !cJSON_IsNull(truncated) && (!ns_json_int(j, "truncatedAlerts", &m->truncated) || m->truncated < 0))
		return ns_fail(err, NS_E_INVALID, "\"truncatedAlerts\" is no count");
	const cJSON *list = ns_json_get(j, "alerts");
	if (!cJSON_IsArray(list))
		return ns_fail(err, NS_E_INVALID, list ? "\"alerts\" is no list" : "\"alerts\" is missing");
	size_t n = ns_json_len(list);
	if (n > NS_AM_MAX_ALERTS)
		return ns_fail(err, NS_E_TOOBIG, "%zu alerts in one notification, %d are the most: set max_alerts in the receiver", n,
		    (int)NS_AM_MAX_ALERTS);
	m->alerts = ns_arena_alloc(ar, (n + 1) * sizeof *m->alerts);
	ns_json_each(item, list)
	{
		if (!decode_alert(ar, item, o, &m->alerts[m->n_alerts], err))
			return ns_err_wrap(err, "alerts[%zu]", m->n_alerts);
		m->n_alerts++;
	}
	return true;
}

bool ns_am_decode(ns_arena *ar, const char *body, size_t n, const ns_am_opts *o, ns_am_message *out, ns_err *err)
{
	*out = (ns_am_message){.receiver = ""};
	if (n > NS_AM_MAX_BODY)
		return ns_fail(
		    err, NS_E_TOOBIG, "the notification has more than %d bytes: set max_alerts in the receiver", (int)NS_AM_MAX_BODY);
	cJSON *j = ns_json_parse(body, n, &ns_json_strict, err);
	bool ok = j && decode_message(ar, j, o, out, err);
	cJSON_Delete(j);
	return ok;
}
