/* One API object -> what is wrong with it by its own status, in one thing; NULL when nothing is. How long it must be wrong to matter, and what
 * explains it, is for the rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/sys/cert.h"
#include "neuroscale/sys/digest.h"

enum { MAX_MESSAGE = 300, MAX_PARTS = 100, MAX_PEM = 1 << 16 };

static int64_t time_of(const cJSON *j, const char *path)
{
	int64_t t = 0;
	const char *s = ns_json_str(j, path, "");
	return *s && ns_time_parse(s, &t) ? t : 0;
}

static bool is(const cJSON *j, const char *path, const char *word)
{
	return strcmp(ns_json_str(j, path, ""), word) == 0;
}

/* The named object with a text for what is wrong; NULL when it has no name. */
static dt_thing *thing(dt_sort sort, const cJSON *j, dt_thing t)
{
	char message[MAX_MESSAGE + 1];
	t.sort = sort;
	t.ns = ns_json_str(j, "metadata.namespace", "");
	t.name = ns_json_str(j, "metadata.name", "");
	t.uid = ns_json_str(j, "metadata.uid", "");
	if (!*t.name)
		return NULL;
	ns_copy(message, sizeof message, t.message ? t.message : "");
	t.message = message;
	char *key = dt_thing_key(sort, t.ns, t.name);
	t.key = key;
	dt_thing *out = dt_thing_new(&t);
	free(key);
	return out;
}

/* ---- jobs ---- */

dt_thing *dt_decode_job_failure(const cJSON *j)
{
	ns_json_each(k, ns_json_path(j, "status.conditions"))
		if (is(k, "type", "Failed") && is(k, "status", "True")) {
			int64_t at = time_of(k, "lastTransitionTime");
			return thing(DT_JOB_FAILURE, j, (dt_thing){.reason = ns_json_str(k, "reason", "JobFailed"), .message = ns_json_str(k, "message", ""),
				    .ref_kind = "Job", .ref_name = ns_json_str(j, "metadata.name", ""),
			                                   .since_ms = at ? at : time_of(j, "metadata.creationTimestamp")});
		}
	return NULL;
}

/* ---- autoscalers ---- */

static dt_thing *autoscaler(const cJSON *j, const cJSON *conditions)
{
	static const struct { const char *type, *status; } wrong[] = {{"AbleToScale", "False"}, {"ScalingActive", "False"}, {"ScalingLimited", "True"}};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ns_json_each(k, conditions)
		{
			const char *reason = ns_json_str(k, "reason", "");
			/* Scaled to nothing on purpose; held back by its own pace; at its lower end: all as it was told to be. */
			bool meant = strcmp(reason, "ScalingDisabled") == 0 || (strcmp(wrong[i].type, "ScalingLimited") == 0 && strcmp(reason, "TooManyReplicas") != 0);
			if (!is(k, "type", wrong[i].type) || !is(k, "status", wrong[i].status) || meant)
				continue;
			return thing(DT_AUTOSCALER, j, (dt_thing){.reason = *reason ? reason : wrong[i].type, .message = ns_json_str(k, "message", ""),
			                                  .ref_kind = ns_json_str(j, "spec.scaleTargetRef.kind", ""),
			                                  .ref_name = ns_json_str(j, "spec.scaleTargetRef.name", ""), .since_ms = time_of(k, "lastTransitionTime")});
		}
	return NULL;
}

dt_thing *dt_decode_autoscaler(const cJSON *j)
{
	/* autoscaling/v1 keeps them in an annotation. */
	const cJSON *text = ns_json_get(ns_json_path(j, "metadata.annotations"), "autoscaling.alpha.kubernetes.io/conditions");
	if (!cJSON_IsString(text))
		return autoscaler(j, ns_json_path(j, "status.conditions"));
	cJSON *conditions = ns_json_parse(text->valuestring, strlen(text->valuestring), &ns_json_api, NULL);
	dt_thing *t = autoscaler(j, conditions);
	cJSON_Delete(conditions);
	return t;
}

/* ---- volume claims ---- */

dt_thing *dt_decode_claim(const cJSON *j)
{
	const char *phase = ns_json_str(j, "status.phase", "");
	bool lost = strcmp(phase, "Lost") == 0;
	if ((!lost && strcmp(phase, "Pending") != 0) || ns_json_path(j, "metadata.deletionTimestamp"))
		return NULL;
	return thing(DT_CLAIM, j, (dt_thing){.reason = lost ? "ClaimLost" : "VolumePending",
	                              .message = lost ? "its volume is gone" : "no volume is bound to it", .since_ms = time_of(j, "metadata.creationTimestamp")});
}

/* ---- certificates ---- */

dt_thing *dt_decode_certificate(const cJSON *j)
{
	const cJSON *crt = ns_json_get(ns_json_get(j, "data"), "tls.crt");
	ns_cert_info info;
	ns_buf pem = NS_BUF_INIT;
	/* Of the whole Secret nothing but the certificate's subject and end is looked at, and nothing else of it is kept. */
	bool ok = cJSON_IsString(crt) && strlen(crt->valuestring) <= MAX_PEM && ns_base64_decode(crt->valuestring, strlen(crt->valuestring), &pem) &&
	    ns_cert_read(ns_buf_str(&pem), &info, NULL);
	ns_buf_free(&pem);
	if (!ok)
		return NULL;
	char message[MAX_MESSAGE], at[32];
	ns_time_format(info.not_after_ms, at);
	snprintf(message, sizeof message, "the certificate of %.200s is valid until %s", *info.subject ? info.subject : info.names, at);
	return thing(DT_CERTIFICATE, j, (dt_thing){.reason = "CertificateExpires", .message = message, .until_ms = info.not_after_ms});
}

/* ---- applications of Argo CD ---- */

/* What it deploys that can have incidents of its own. */
static void parts_of(const cJSON *j, ns_buf *out)
{
	size_t n = 0;
	ns_json_each(r, ns_json_path(j, "status.resources"))
	{
		const char *kind = ns_json_str(r, "kind", "");
		bool known = false;
		for (int k = 0; k < DT_KIND_COUNT; k++)
			known |= strcmp(dt_kind_names[k], kind) == 0;
		if (known && n++ < MAX_PARTS)
			ns_buf_printf(out, "%s/%s/%s\n", ns_json_str(r, "namespace", ""), kind, ns_json_str(r, "name", ""));
	}
}

/* The first condition whose type ends in Error. */
static const cJSON *error_of(const cJSON *j)
{
	ns_json_each(k, ns_json_path(j, "status.conditions"))
	{
		const char *type = ns_json_str(k, "type", "");
		size_t n = strlen(type);
		if (n > 5 && strcmp(type + n - 5, "Error") == 0)
			return k;
	}
	return NULL;
}

dt_thing *dt_decode_application(const cJSON *j)
{
	const cJSON *status = ns_json_get(j, "status"), *op = ns_json_get(status, "operationState"), *error = error_of(j);
	const char *phase = ns_json_str(op, "phase", ""), *sync = ns_json_str(status, "sync.status", ""), *health = ns_json_str(status, "health.status", "");
	bool synced = strcmp(sync, "Synced") == 0, runs = strcmp(phase, "Running") == 0 || ns_json_get(j, "operation");
	dt_thing t = {.reason = NULL};
	if (ns_json_path(j, "metadata.deletionTimestamp"))
		return NULL;
	if (!synced && (strcmp(phase, "Failed") == 0 || strcmp(phase, "Error") == 0) && !runs)
		t = (dt_thing){.reason = "SyncFailed", .message = ns_json_str(op, "message", ""), .since_ms = time_of(op, "finishedAt")};
	else if (error)
		t = (dt_thing){.reason = ns_json_str(error, "type", ""), .message = ns_json_str(error, "message", ""), .since_ms = time_of(error, "lastTransitionTime")};
	else if (strcmp(health, "Degraded") == 0 || (strcmp(health, "Missing") == 0 && ns_json_len(ns_json_get(status, "history"))))
		t = (dt_thing){.reason = health, .message = ns_json_str(status, "health.message", ""), .since_ms = time_of(status, "health.lastTransitionTime")};
	else if (strcmp(sync, "OutOfSync") == 0 && !runs)
		t = (dt_thing){.reason = "OutOfSync", .message = "the cluster differs from what is in Git"};
	if (!t.reason)
		return NULL;
	ns_buf parts = NS_BUF_INIT;
	parts_of(j, &parts);
	t.parts = ns_buf_str(&parts);
	dt_thing *out = thing(DT_APPLICATION, j, t);
	ns_buf_free(&parts);
	return out;
}
