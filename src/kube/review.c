/* What the server thinks of us: who we are and what we may do. A review is a POST by its form only; nothing is stored. */
#include <stdlib.h>

#include "kube_priv.h"

static cJSON *review_new(const char *group, const char *kind)
{
	cJSON *j = cJSON_CreateObject();
	char *version = ns_xasprintf("%s/v1", group);
	ns_json_put_str(j, "apiVersion", version);
	ns_json_put_str(j, "kind", kind);
	free(version);
	return j;
}

/* The status of the answer; the review is freed. */
static cJSON *ask(ns_kube_client *c, const char *path, cJSON *review, ns_err *err)
{
	cJSON *answer = kube_send(c, "POST", path, review, err);
	cJSON *status = cJSON_DetachItemFromObjectCaseSensitive(answer, "status");
	cJSON_Delete(review);
	if (answer && !status)
		ns_fail(err, NS_E_INVALID, "%s: the answer has no status", path);
	cJSON_Delete(answer);
	return status;
}

bool ns_kube_may(ns_kube_client *c, const ns_access *a, bool *allowed, ns_err *err)
{
	const struct {
		const char *key, *value;
	} fields[] = {{"namespace", a->ns}, {"verb", a->verb}, {"group", a->group}, {"resource", a->resource},
	    {"subresource", a->subresource}, {"name", a->name}};
	cJSON *review = review_new("authorization.k8s.io", "SelfSubjectAccessReview");
	cJSON *attributes = cJSON_AddObjectToObject(cJSON_AddObjectToObject(review, "spec"), "resourceAttributes");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (fields[i].value && *fields[i].value)
			ns_json_put_str(attributes, fields[i].key, fields[i].value);
	cJSON *status = ask(c, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, err);
	/* No opinion is a refusal. */
	*allowed = ns_json_bool_or(status, "allowed", false) && !ns_json_bool_or(status, "denied", false);
	cJSON_Delete(status);
	return status != NULL;
}

cJSON *ns_kube_rules(ns_kube_client *c, const char *ns, ns_err *err)
{
	cJSON *review = review_new("authorization.k8s.io", "SelfSubjectRulesReview");
	ns_json_put_str(cJSON_AddObjectToObject(review, "spec"), "namespace", ns);
	return ask(c, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review, err);
}

cJSON *ns_kube_whoami(ns_kube_client *c, ns_err *err)
{
	cJSON *status =
	    ask(c, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review_new("authentication.k8s.io", "SelfSubjectReview"), err);
	cJSON *user = cJSON_DetachItemFromObjectCaseSensitive(status, "userInfo");
	if (status && !user)
		ns_fail(err, NS_E_INVALID, "the server does not say who we are");
	cJSON_Delete(status);
	return user;
}
