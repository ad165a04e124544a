/* What fires, on disk: Alertmanager repeats it after hours, and a restart must not end what goes on. One file, written whole after each
 * notification that changed something; it holds what was decoded (names checked, text redacted), not what was sent. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/model/record.h"
#include "neuroscale/sys/fs.h"

enum { MAX_KEPT = 2000, MAX_FILE = 32 << 20 };

static const ns_field subject_fields[] = {
    NS_FIELD(ns_am_subject, ns, STR),
    NS_FIELD(ns_am_subject, pod, STR),
    NS_FIELD(ns_am_subject, container, STR),
    NS_FIELD(ns_am_subject, deployment, STR),
    NS_FIELD(ns_am_subject, statefulset, STR),
    NS_FIELD(ns_am_subject, daemonset, STR),
    NS_FIELD(ns_am_subject, replicaset, STR),
    NS_FIELD(ns_am_subject, job, STR),
    NS_FIELD(ns_am_subject, cronjob, STR),
    NS_FIELD(ns_am_subject, hpa, STR),
    NS_FIELD(ns_am_subject, pvc, STR),
    NS_FIELD(ns_am_subject, node, STR),
    NS_FIELD(ns_am_subject, app, STR),
    NS_FIELD_END,
};
static const ns_field alert_fields[] = {
    NS_FIELD_REQUIRED(ns_am_alert, name, STR),
    NS_FIELD(ns_am_alert, message, STR),
    NS_FIELD_REQUIRED(ns_am_alert, fingerprint, STR),
    NS_FIELD(ns_am_alert, cluster, STR),
    NS_FIELD_ENUM_REQUIRED(ns_am_alert, severity, ns_severity_word, NS_SEV_COUNT),
    NS_FIELD(ns_am_alert, starts_ms, I64),
    NS_FIELD_REQUIRED(ns_am_alert, expires_ms, I64),
    NS_FIELD_REC(ns_am_alert, about, subject_fields),
    NS_FIELD_END,
};

typedef struct kept {
	ns_arena *ar;
	ns_am_alert alert;
	bool pending;
} kept;

struct ns_am_keep {
	char *path;
	kept at[MAX_KEPT];
	size_t n;
	bool changed;
};

static void drop(ns_am_keep *k, size_t i)
{
	ns_arena_free(k->at[i].ar);
	k->at[i] = k->at[--k->n];
	k->changed = true;
}

static bool add(ns_am_keep *k, const cJSON *j, bool pending, ns_err *err)
{
	kept x = {.ar = ns_arena_new(), .pending = pending};
	bool room = k->n < MAX_KEPT || ns_fail(err, NS_E_TOOBIG, "it holds more than %d alerts", MAX_KEPT);
	if (!room || !ns_record_decode(x.ar, j, alert_fields, &x.alert, err)) {
		ns_arena_free(x.ar);
		return false;
	}
	x.alert.use = ns_am_use_of(x.alert.name);
	k->at[k->n++] = x;
	return true;
}

ns_am_keep *ns_am_keep_open(const char *path, int64_t now_ms, ns_err *err)
{
	static const ns_json_limits limits = {.max_bytes = MAX_FILE, .max_depth = 8};
	ns_am_keep *k = ns_xcalloc(1, sizeof *k);
	ns_buf text = NS_BUF_INIT;
	k->path = ns_xstrdup(path);
	bool ok = !ns_exists(path) || ns_read_file(path, MAX_FILE, &text, err);
	cJSON *j = text.len ? ns_json_parse(text.data, text.len, &limits, err) : NULL;
	if (j && !cJSON_IsArray(j))
		ns_fail(err, NS_E_INVALID, "it is no list");
	ok = ok && (!text.len || cJSON_IsArray(j));
	ns_json_each(item, j) ok = ok && add(k, item, true, err);
	cJSON_Delete(j);
	ns_buf_free(&text);
	for (size_t i = k->n; i-- > 0;)
		if (k->at[i].alert.expires_ms <= now_ms)
			drop(k, i);
	if (!ok)
		ns_err_wrap(err, "%s: what fired before this start is known in part only", path);
	return k;
}

void ns_am_keep_free(ns_am_keep *k)
{
	if (!k)
		return;
	while (k->n)
		drop(k, k->n - 1);
	free(k->path);
	free(k);
}

void ns_am_keep_put(ns_am_keep *k, const ns_am_alert *a)
{
	for (size_t i = 0; i < k->n; i++) {
		const ns_am_alert *old = &k->at[i].alert;
		if (strcmp(old->fingerprint, a->fingerprint) != 0 || strcmp(old->cluster, a->cluster) != 0)
			continue;
		if (a->resolved && a->starts_ms && old->starts_ms > a->starts_ms)
			return; /* the late end of an earlier occurrence */
		drop(k, i);
		break;
	}
	if (a->resolved)
		return;
	cJSON *j = ns_record_encode(alert_fields, a);
	k->changed |= add(k, j, false, NULL); /* more than are kept are taken all the same */
	cJSON_Delete(j);
}

const ns_am_alert *ns_am_keep_pending(const ns_am_keep *k, size_t *i)
{
	while (*i < k->n && !k->at[*i].pending)
		(*i)++;
	return *i < k->n ? &k->at[*i].alert : NULL;
}

void ns_am_keep_settle(ns_am_keep *k, size_t i)
{
	k->at[i].pending = false;
}

bool ns_am_keep_save(ns_am_keep *k, int64_t now_ms, ns_err *err)
{
	if (!k->changed)
		return true;
	cJSON *list = cJSON_CreateArray();
	for (size_t i = k->n; i-- > 0;)
		if (k->at[i].alert.expires_ms <= now_ms)
			drop(k, i);
	for (size_t i = 0; i < k->n; i++)
		cJSON_AddItemToArray(list, ns_record_encode(alert_fields, &k->at[i].alert));
	char *text = ns_json_text(list);
	bool ok = ns_write_file_atomic(k->path, text, strlen(text), 0600, err);
	k->changed = !ok;
	free(text);
	cJSON_Delete(list);
	return ok;
}
