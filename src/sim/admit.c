/* Admission: what the API server checks and completes before it stores an object. */
#include "http_priv.h"
#include "neuroscale/model/k8s.h"
#include <stdlib.h>
#include <string.h>

static void check_quantities(sim_causes *c, const char *at, const cJSON *list)
{
	ns_json_each(v, list)
	{
		int64_t milli;
		char field[300];
		snprintf(field, sizeof field, "%s[%s]", at, v->string);
		if (!cJSON_IsString(v) || !ns_quantity_milli(v->valuestring, &milli))
			cause_add(c, "FieldValueInvalid", field,
			    "Invalid value: \"%s\": quantities must match the regular expression "
			    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
			    cJSON_IsString(v) ? v->valuestring : "");
		else if (milli < 0)
			cause_add(
			    c, "FieldValueInvalid", field, "Invalid value: \"%s\": must be greater than or equal to 0", v->valuestring);
	}
}

static void check_resources(sim_causes *c, const char *at, const cJSON *container)
{
	char field[256];
	const cJSON *limits = ns_json_path(container, "resources.limits"), *requests = ns_json_path(container, "resources.requests");
	snprintf(field, sizeof field, "%s.resources.limits", at);
	check_quantities(c, field, limits);
	snprintf(field, sizeof field, "%s.resources.requests", at);
	check_quantities(c, field, requests);
	ns_json_each(q, requests)
	{
		const cJSON *l = ns_json_get(limits, q->string);
		int64_t want, most;
		if (cJSON_IsString(q) && cJSON_IsString(l) && ns_quantity_milli(q->valuestring, &want) &&
		    ns_quantity_milli(l->valuestring, &most) && want > most)
			cause_add(c, "FieldValueInvalid", field, "Invalid value: \"%s\": must be less than or equal to %s limit of %s",
			    q->valuestring, q->string, l->valuestring);
	}
}

static void check_containers(sim_causes *c, const cJSON *list)
{
	int i = 0;
	if (!ns_json_len(list))
		cause_add(c, "FieldValueRequired", "spec.template.spec.containers", "Required value");
	ns_json_each(x, list)
	{
		char at[128], field[160];
		const char *name = ns_json_str(x, "name", "");
		snprintf(at, sizeof at, "spec.template.spec.containers[%d]", i++);
		snprintf(field, sizeof field, "%s.name", at);
		if (!*name)
			cause_add(c, "FieldValueRequired", field, "Required value");
		else if (!ns_k8s_label_ok(name))
			cause_add(c, "FieldValueInvalid", field,
			    "Invalid value: \"%s\": a lowercase RFC 1123 label must consist of lower case "
			    "alphanumeric characters or '-'",
			    name);
		snprintf(field, sizeof field, "%s.image", at);
		if (!*ns_json_str(x, "image", ""))
			cause_add(c, "FieldValueRequired", field, "Required value");
		check_resources(c, at, x);
	}
}

/* Requests default to the limits, as the server does it. */
static void default_requests(cJSON *containers)
{
	for (cJSON *c = containers ? containers->child : NULL; c; c = c->next) {
		const cJSON *limits = ns_json_path(c, "resources.limits");
		ns_json_each(l, limits)
		{
			cJSON *req = json_child(json_child(c, "resources"), "requests");
			if (!cJSON_HasObjectItem(req, l->string))
				cJSON_AddItemToObject(req, l->string, cJSON_Duplicate(l, true));
		}
	}
}

static bool deployment(ns_sim *s, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r)
{
	sim_causes c = {0};
	cJSON *spec = json_child(now, "spec");
	const cJSON *replicas = ns_json_get(spec, "replicas"), *labels = ns_json_path(spec, "template.metadata.labels");
	if (replicas && !cJSON_IsNumber(replicas)) {
		status_error(r, 400, "BadRequest", NULL, NULL,
		    "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal %s into Go struct field "
		    "DeploymentSpec.spec.replicas of type int32",
		    cJSON_IsString(replicas) ? "string" : "value");
		return false;
	}
	if (!replicas)
		ns_json_put_int(spec, "replicas", 1);
	else if (replicas->valuedouble < 0)
		cause_add(
		    &c, "FieldValueInvalid", "spec.replicas", "Invalid value: %d: must be greater than or equal to 0", replicas->valueint);
	ns_json_each(l, ns_json_path(spec, "selector.matchLabels")) if (!cJSON_Compare(l, ns_json_get(labels, l->string), true)) cause_add(
	    &c, "FieldValueInvalid", "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`");
	if (!cJSON_Compare(ns_json_path(was, "spec.selector"), ns_json_get(spec, "selector"), true))
		cause_add(&c, "FieldValueInvalid", "spec.selector", "Invalid value: field is immutable");
	check_containers(&c, ns_json_path(spec, "template.spec.containers"));
	if (causes_answer(&c, r, &sim_kinds[K_DEPLOYMENT], ns_json_str(now, "metadata.name", "")))
		return false;
	default_requests(json_obj(spec, "template.spec.containers"));
	cJSON *meta = json_obj(spec, "template.metadata"); /* the typed round trip writes this null */
	if (!cJSON_HasObjectItem(meta, "creationTimestamp"))
		cJSON_AddNullToObject(meta, "creationTimestamp");
	return true;
}

static bool lease(ns_sim *s, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r)
{
	sim_causes c = {0};
	if (was && !strcmp(q->method, "PUT") && !*ns_json_str(now, "metadata.resourceVersion", ""))
		cause_add(&c, "FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update");
	const cJSON *seconds = ns_json_path(now, "spec.leaseDurationSeconds"), *turns = ns_json_path(now, "spec.leaseTransitions");
	if (seconds && (!cJSON_IsNumber(seconds) || seconds->valuedouble <= 0))
		cause_add(&c, "FieldValueInvalid", "spec.leaseDurationSeconds", "Invalid value: must be greater than 0");
	if (turns && (!cJSON_IsNumber(turns) || turns->valuedouble < 0))
		cause_add(&c, "FieldValueInvalid", "spec.leaseTransitions", "Invalid value: must be greater than or equal to 0");
	return !causes_answer(&c, r, &sim_kinds[K_LEASE], ns_json_str(now, "metadata.name", ""));
}

static bool event(ns_sim *s, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r)
{
	sim_causes c = {0};
	const char *about = ns_json_str(now, "involvedObject.namespace", "default");
	if (strcmp(about, ns_json_str(now, "metadata.namespace", "")) != 0)
		cause_add(
		    &c, "FieldValueInvalid", "involvedObject.namespace", "Invalid value: \"%s\": does not match event.namespace", about);
	return !causes_answer(&c, r, &sim_kinds[K_EVENT], ns_json_str(now, "metadata.name", ""));
}

/* fieldValidation=Strict on the one kind that callers write whole. */
static bool unknown_field(const cJSON *spec, const sim_req *q, sim_resp *r)
{
	static const char *const known[] = {"background", "match", "exceptions", "conditions", "podSecurity"};
	const char *level = req_arg(q, "fieldValidation");
	ns_json_each(f, spec)
	{
		bool ok = false;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			ok |= !strcmp(known[i], f->string);
		if (ok || !level || !strcmp(level, "Ignore"))
			continue;
		if (!strcmp(level, "Strict")) {
			status_error(r, 400, "BadRequest", NULL, NULL,
			    "PolicyException in version \"v2\" cannot be handled as a PolicyException: strict decoding error: unknown "
			    "field \"spec.%s\"",
			    f->string);
			return true;
		}
		free(r->warning);
		r->warning = ns_xasprintf("unknown field \\\"spec.%s\\\"", f->string);
	}
	return false;
}

static bool polex(ns_sim *s, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r)
{
	sim_causes c = {0};
	const cJSON *spec = ns_json_get(now, "spec"), *list = ns_json_get(spec, "exceptions"), *match = ns_json_get(spec, "match");
	int i = 0;
	if (unknown_field(spec, q, r))
		return false;
	if (!cJSON_IsArray(list) || !list->child)
		cause_add(&c, "FieldValueRequired", "spec.exceptions", "Required value");
	if (!cJSON_IsObject(match))
		cause_add(&c, "FieldValueRequired", "spec.match", "Required value");
	else if (cJSON_IsArray(ns_json_get(match, "any")) == cJSON_IsArray(ns_json_get(match, "all")))
		cause_add(&c, "FieldValueInvalid", "spec.match", "Invalid value: exactly one of any and all must be given");
	ns_json_each(e, list)
	{
		char field[96];
		const cJSON *rules = ns_json_get(e, "ruleNames");
		snprintf(field, sizeof field, "spec.exceptions[%d].policyName", i);
		if (!*ns_json_str(e, "policyName", ""))
			cause_add(&c, "FieldValueRequired", field, "Required value");
		snprintf(field, sizeof field, "spec.exceptions[%d].ruleNames", i++);
		if (!rules)
			cause_add(&c, "FieldValueRequired", field, "Required value");
		else if (!cJSON_IsArray(rules))
			cause_add(&c, "FieldValueTypeInvalid", field, "Invalid value: \"%s\": %s in body must be of type array: \"%s\"",
			    cJSON_IsString(rules) ? "string" : "value", field, cJSON_IsString(rules) ? "string" : "value");
	}
	if (causes_answer(&c, r, &sim_kinds[K_POLEX], ns_json_str(now, "metadata.name", "")))
		return false;
	/* Kyverno's way: it takes the object, answers 201, and only warns that it will have no effect. */
	if (!kyverno_accepts(s, ns_json_str(now, "metadata.namespace", ""))) {
		free(r->warning);
		r->warning = ns_xstrdup("PolicyException resource namespace must match the defined namespace.");
	}
	return true;
}

static bool (*const checks[K_COUNT])(ns_sim *, const cJSON *, cJSON *, const sim_req *, sim_resp *) = {
    [K_DEPLOYMENT] = deployment,
    [K_LEASE] = lease,
    [K_EVENT] = event,
    [K_POLEX] = polex,
};

bool admit(ns_sim *s, const sim_kind *k, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r)
{
	if (was) { /* what a client cannot change through the main resource */
		static const char *const fixed[] = {
		    "uid", "creationTimestamp", "generation", "namespace", "resourceVersion", "generateName"};
		cJSON *meta = json_child(now, "metadata");
		if (checks[k->id] && !checks[k->id](s, was, now, q, r))
			return false;
		for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
			const cJSON *v = ns_json_get(ns_json_get(was, "metadata"), fixed[i]);
			if (v && !cJSON_Compare(v, ns_json_get(meta, fixed[i]), true))
				json_set(meta, fixed[i], cJSON_Duplicate(v, true));
		}
		const cJSON *st = ns_json_get(was, "status");
		if (st)
			json_set(now, "status", cJSON_Duplicate(st, true));
		if (k->id != K_LEASE && k->id != K_EVENT && !cJSON_Compare(ns_json_get(was, "spec"), ns_json_get(now, "spec"), true))
			json_set(meta, "generation", cJSON_CreateNumber((double)ns_json_int_or(meta, "generation", 0) + 1));
		return true;
	}
	return !checks[k->id] || checks[k->id](s, NULL, now, q, r);
}
