/* Forward, then undo, must give the object back: both JSON patches are applied here by an RFC 6902 of this test's own to a Deployment. */
#include "support/test.h"

#include "agents/planner_case.h"

/* ---- RFC 6902, the operations that a plan may hold --------------------------------------------------------------- */

static cJSON *parse(const char *s)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(s, strlen(s), &ns_json_strict, &err);
	if (!j)
		fail_msg("%s in %s", err.text, s);
	return j;
}

static bool same(const cJSON *a, const cJSON *b)
{
	ns_buf x = NS_BUF_INIT, y = NS_BUF_INIT;
	ns_json_canonical(a, &x);
	ns_json_canonical(b, &y);
	bool eq = !strcmp(ns_buf_str(&x), ns_buf_str(&y));
	ns_buf_free(&x);
	ns_buf_free(&y);
	return eq;
}

/* Walks to the parent of `path`; *last points at the final token. No token of ours needs unescaping. */
static cJSON *parent_of(cJSON *doc, const char *path, char *last, size_t cap)
{
	char copy[256];
	snprintf(copy, sizeof copy, "%s", path);
	cJSON *at = doc;
	char *save = NULL, *token = strtok_r(copy, "/", &save);
	while (token) {
		char *next = strtok_r(NULL, "/", &save);
		if (!next) {
			snprintf(last, cap, "%s", token);
			return at;
		}
		at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(token)) : cJSON_GetObjectItemCaseSensitive(at, token);
		if (!at)
			return NULL;
		token = next;
	}
	return NULL;
}

static bool apply(cJSON *doc, const char *patch)
{
	cJSON *ops = parse(patch);
	bool ok = cJSON_IsArray(ops) && ops->child;
	for (cJSON *op = ops->child; op && ok; op = op->next) {
		const char *name = ns_json_str(op, "op", ""), *path = ns_json_str(op, "path", "");
		const cJSON *value = ns_json_get(op, "value");
		char last[128];
		cJSON *parent = parent_of(doc, path, last, sizeof last);
		cJSON *old = cJSON_GetObjectItemCaseSensitive(parent, last);
		ok = value && cJSON_IsObject(parent) && old;
		if (ok && !strcmp(name, "test"))
			ok = same(old, value);
		else if (ok && !strcmp(name, "replace"))
			cJSON_ReplaceItemInObjectCaseSensitive(parent, last, cJSON_Duplicate(value, true));
		else
			ok = false; /* a plan holds nothing else */
	}
	cJSON_Delete(ops);
	return ok;
}

/* ---- the object -------------------------------------------------------------------------------------------------- */

static cJSON *deployment(const fixture *f)
{
	cJSON *d = cJSON_CreateObject(), *spec = cJSON_AddObjectToObject(d, "spec");
	ns_json_put_str(d, "kind", "Deployment");
	ns_json_put_int(spec, "replicas", f->c.replicas);
	cJSON *t = parse(f->rev[0].template_json);
	cJSON_DeleteItemFromObjectCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(t, "metadata"), "labels"), "pod-template-hash");
	cJSON_AddItemToObject(spec, "template", t);
	return d;
}

static const char *container_field(const cJSON *d, int index, const char *path)
{
	const cJSON *k = cJSON_GetArrayItem(ns_json_path(d, "spec.template.spec.containers"), index);
	return ns_json_str(k, path, "");
}

/* Applies forward and back; returns the object in between. */
static cJSON *round_trip(fixture *f, const ns_plan *p)
{
	cJSON *d = deployment(f), *was = cJSON_Duplicate(d, true);
	assert_true(p->undo_valid && p->command.json_patch && p->undo.json_patch);
	assert_true(apply(d, p->command.body));
	assert_false(same(d, was));
	cJSON *between = cJSON_Duplicate(d, true);
	assert_true(apply(d, p->undo.body));
	if (!same(d, was))
		fail_msg("%s: undo does not give the object back", p->summary);
	cJSON_Delete(d);
	cJSON_Delete(was);
	return between;
}

static void test_memory(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	cJSON *d = round_trip(&f, plan_with(&f, NULL));
	assert_string_equal(container_field(d, 1, "resources.limits.memory"), "256Mi");
	assert_string_equal(container_field(d, 1, "resources.requests.memory"), "64Mi");
	assert_string_equal(container_field(d, 0, "resources.limits.memory"), "64Mi");
	cJSON_Delete(d);

	/* Guaranteed stays Guaranteed */
	f.rev[0].template_json = SPEC_OF("shop/web:3", GUARANTEED, "");
	f.k[2].mem_request = 128 * MIB;
	d = round_trip(&f, plan_with(&f, NULL));
	assert_string_equal(container_field(d, 1, "resources.limits.memory"), "256Mi");
	assert_string_equal(container_field(d, 1, "resources.requests.memory"), "256Mi");
	cJSON_Delete(d);

	/* the old quantity comes back as it was written, not as we would write it */
	f.rev[0].template_json = SPEC_OF("shop/web:3", "{\"limits\":{\"memory\":\"134217728\"}}", "");
	f.k[2].mem_request = 128 * MIB; /* defaulted by the API in the pod, absent in the template */
	d = round_trip(&f, plan_with(&f, NULL));
	assert_string_equal(container_field(d, 1, "resources.limits.memory"), "256Mi");
	cJSON_Delete(d);

	/* an init container */
	fixture_oom(&f, ar);
	f.c.alert.container = "prepare";
	f.k[0].last_reason = "OOMKilled";
	const ns_plan *p = plan_with(&f, NULL);
	assert_non_null(strstr(p->command.body, "/spec/template/spec/initContainers/0/resources/limits/memory"));
	cJSON_Delete(round_trip(&f, p));
	ns_arena_free(ar);
}

/* The patch names the container it means: on an object with another order it changes nothing. */
static void test_wrong_order(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	cJSON *d = deployment(&f);
	cJSON *list = cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(
	        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(d, "spec"), "template"), "spec"),
	    "containers");
	cJSON_InsertItemInArray(list, 0, cJSON_DetachItemFromArray(list, 1));
	assert_false(apply(d, plan_with(&f, NULL)->command.body));
	cJSON_Delete(d);
	ns_arena_free(ar);
}

static void test_rollback(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_crash(&f, ar);
	cJSON *d = round_trip(&f, plan_with(&f, NULL));
	assert_string_equal(container_field(d, 1, "image"), "shop/web:2");
	cJSON_Delete(d);
	f.rev[1].template_json = SPEC_OF("shop/web:2", GUARANTEED, "\"volumes\":[{\"name\":\"data\"}],\"serviceAccountName\":\"x\",");
	const ns_plan *p = plan_with(&f, NULL);
	assert_true(p->requires_approval && p->risk == NS_RISK_HIGH);
	cJSON_Delete(round_trip(&f, p));
	ns_arena_free(ar);
}

static void test_replicas(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_cost(&f, ar);
	const ns_plan *p = plan_with(&f, NULL);
	cJSON *d = round_trip(&f, p);
	assert_int_equal(ns_json_int_or(d, "spec.replicas", 0), 1);
	/* somebody scaled meanwhile: neither direction passes its test */
	cJSON_ReplaceItemInObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(d, "spec"), "replicas", cJSON_CreateNumber(4));
	assert_false(apply(d, p->command.body));
	assert_false(apply(d, p->undo.body));
	assert_int_equal(ns_json_int_or(d, "spec.replicas", 0), 4);
	cJSON_Delete(d);
	f.r.action = NS_ACT_SCALE;
	f.r.cause_class = "overload";
	f.c.replicas = 3;
	d = round_trip(&f, plan_with(&f, NULL));
	assert_int_equal(ns_json_int_or(d, "spec.replicas", 0), 6);
	cJSON_Delete(d);
	ns_arena_free(ar);
}

/* The exception names one workload and exact rules, has an end, and its undo disarms it by name. */
static void test_exception(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_policy(&f, ar);
	f.c.alert.target.name = "a-rather-long-name-of-a-workload-which-does-not-end";
	f.lim.exception_ttl_hours = 100000;
	const ns_plan *p = plan_with(&f, NULL);
	assert_int_equal(p->action, NS_ACT_POLICY_EXCEPTION);
	cJSON *j = parse(p->command.body);
	const char *name = ns_json_str(j, "metadata.name", "");
	assert_string_equal(ns_json_str(j, "kind", ""), "PolicyException");
	assert_string_equal(ns_json_str(j, "metadata.namespace", ""), "policy-exceptions");
	assert_string_equal(p->command.argv[1], "policy-exceptions");
	assert_string_equal(p->undo.argv[1], "policy-exceptions");
	assert_string_equal(p->undo.argv[3], ns_arena_printf(ar, "policyexceptions.kyverno.io/%s", name));
	assert_non_null(strstr(p->command.body, "168h"));
	assert_null(strstr(p->command.body, "\"*\""));
	assert_true(p->undo.json_patch && !p->command.json_patch);
	cJSON_Delete(j);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_wrong_order),
	    cmocka_unit_test(test_rollback),
	    cmocka_unit_test(test_replicas),
	    cmocka_unit_test(test_exception),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
