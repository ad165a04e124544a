/* Access reviews: what the caller may do, from the same table that is enforced. */
#include "http_priv.h"
#include <string.h>

static bool covers(const char *have, const char *want)
{
	return !strcmp(have, want) || !strcmp(want, "*");
}

static bool may(const ns_sim *s, const cJSON *attr)
{
	const char *group = ns_json_str(attr, "group", ""), *resource = ns_json_str(attr, "resource", ""),
	           *sub = ns_json_str(attr, "subresource", "");
	unsigned bit = verb_bit(ns_json_str(attr, "verb", ""));
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		if (!covers(k->group, group) || strcmp(k->resource, resource) != 0)
			continue;
		const sim_sub *x = *sub ? kind_sub(k, sub) : NULL;
		if ((!*sub || x) && api_allowed(s, k, x, bit))
			return true;
	}
	return false;
}

static void rules(const ns_sim *s, cJSON *status)
{
	cJSON *list = cJSON_AddArrayToObject(status, "resourceRules");
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		cJSON *rule = cJSON_CreateObject(), *verbs = cJSON_AddArrayToObject(rule, "verbs");
		for (unsigned bit = 1; bit <= V_PATCH; bit <<= 1)
			if (api_allowed(s, k, NULL, bit))
				cJSON_AddItemToArray(verbs, cJSON_CreateString(verb_name(bit)));
		cJSON_AddItemToArray(cJSON_AddArrayToObject(rule, "apiGroups"), cJSON_CreateString(k->group));
		cJSON_AddItemToArray(cJSON_AddArrayToObject(rule, "resources"), cJSON_CreateString(k->resource));
		cJSON_AddItemToArray(list, rule);
	}
	cJSON_AddArrayToObject(status, "nonResourceRules");
	ns_json_put_bool(status, "incomplete", false);
}

void review_handle(ns_sim *s, const sim_req *q, const char *what, sim_resp *r)
{
	bool access = !strcmp(what, "selfsubjectaccessreviews");
	if (!access && strcmp(what, "selfsubjectrulesreviews") != 0) {
		status_error(r, 404, "NotFound", NULL, NULL, "the server could not find the requested resource");
		return;
	}
	if (strcmp(q->method, "POST") != 0) {
		status_error(r, 405, "MethodNotAllowed", NULL, NULL, "the server does not allow this method on the requested resource");
		return;
	}
	ns_err err = {0};
	const char *kind = access ? "SelfSubjectAccessReview" : "SelfSubjectRulesReview";
	cJSON *j = strstr(req_header(q, "Content-Type"), "protobuf")
	               ? review_from_protobuf(kind, ns_buf_str(&q->body), q->body.len)
	               : ns_json_parse(ns_buf_str(&q->body), q->body.len, &ns_json_strict, &err);
	if (!cJSON_IsObject(j)) {
		status_error(r, 400, "BadRequest", NULL, NULL, "%s", err.text);
		cJSON_Delete(j);
		return;
	}
	cJSON *status = cJSON_CreateObject();
	if (access) {
		const cJSON *attr = ns_json_path(j, "spec.resourceAttributes");
		bool ok = attr ? may(s, attr) : !strcmp(ns_json_str(j, "spec.nonResourceAttributes.verb", ""), "get");
		ns_json_put_bool(status, "allowed", ok);
		if (ok)
			ns_json_put_str(status, "reason",
			    "RBAC: allowed by ClusterRoleBinding \"neuroscale\" of ClusterRole \"neuroscale\" to User \"demo-operator\"");
	} else {
		rules(s, status);
	}
	json_set(j, "status", status);
	resp_json(r, 201, j);
	cJSON_Delete(j);
}
