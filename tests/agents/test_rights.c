/* What the program needs to be allowed: every watch row and every enabled action is in the table and in the Role, and nothing else is. */
#include "support/test.h"

#include "../../src/agents/detector_priv.h"
#include "neuroscale/agents/rights.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/vocab.h"
#include "neuroscale/model/yaml.h"

static const char *const rollback_only[] = {"rollback", NULL}, *const nothing[] = {NULL}, *const spaces[] = {"shop", "web", NULL};

static const ns_right *right_of(const ns_right *r, size_t n, ns_right_use use, const char *group, const char *resource)
{
	for (size_t i = 0; i < n; i++)
		if (r[i].use == use && !strcmp(r[i].group, group) && !strcmp(r[i].resource, resource))
			return &r[i];
	return NULL;
}

static void test_every_watch_row_is_a_right(void **state)
{
	ns_arena *ar = ns_arena_new();
	size_t n;
	const ns_right *r = ns_rights_list(ar, &(ns_rights_opts){0}, &n);
	for (int i = 0; i < DT_ROW_COUNT; i++) {
		char group[64] = "", resource[64];
		if (sscanf(dt_rows[i].path, "/apis/%63[^/]/%*[^/]/%63s", group, resource) != 2)
			assert_int_equal(sscanf(dt_rows[i].path, "/api/v1/%63s", resource), 1);
		const ns_right *x = right_of(r, n, NS_RIGHT_WATCH, *group ? group : "", resource);
		if (!strcmp(resource, "secrets")) {
			assert_null(x); /* never asked for */
			continue;
		}
		if (!x)
			fail_msg("no right for %s", dt_rows[i].path);
		assert_string_equal(x->verbs, "get,list,watch");
		assert_true(x->vital || dt_rows[i].optional);
		assert_true(*x->lost);
	}
	ns_arena_free(ar);
}

static void test_secrets_are_read_only_when_asked_for(void **state)
{
	ns_arena *ar = ns_arena_new();
	size_t n;
	const ns_right *r = ns_rights_list(ar, &(ns_rights_opts){.tls_secrets = true}, &n),
	               *x = right_of(r, n, NS_RIGHT_WATCH, "", "secrets");
	assert_non_null(x);
	assert_string_equal(x->verbs, "list,watch");
	r = ns_rights_list(ar, &(ns_rights_opts){.tls_secrets = false}, &n);
	assert_null(right_of(r, n, NS_RIGHT_WATCH, "", "secrets"));
	ns_arena_free(ar);
}

static void test_actions_become_rights_and_losses(void **state)
{
	ns_arena *ar = ns_arena_new();
	size_t n;
	const ns_right *r = ns_rights_list(ar, &(ns_rights_opts){.exception_ns = "exceptions"}, &n),
	               *x = right_of(r, n, NS_RIGHT_ACT, "apps", "deployments");
	assert_non_null(x);
	assert_string_equal(x->verbs, "get,patch");
	assert_string_equal(x->lost, "no rollback, no scale, no patch_resources, no cost_scale_down");
	assert_string_equal(x->ns, "");
	x = right_of(r, n, NS_RIGHT_ACT, "kyverno.io", "policyexceptions");
	assert_string_equal(x->lost, "no policy_exception");
	assert_string_equal(x->ns, "exceptions");
	r = ns_rights_list(ar, &(ns_rights_opts){.allowed_actions = rollback_only}, &n);
	assert_string_equal(right_of(r, n, NS_RIGHT_ACT, "apps", "deployments")->lost, "no rollback");
	assert_null(right_of(r, n, NS_RIGHT_ACT, "kyverno.io", "policyexceptions"));
	r = ns_rights_list(ar, &(ns_rights_opts){.allowed_actions = nothing}, &n);
	assert_null(right_of(r, n, NS_RIGHT_ACT, "apps", "deployments"));
	ns_arena_free(ar);
}

/* The documents of a manifest, as one JSON array. */
static cJSON *documents(const char *yaml)
{
	cJSON *all = cJSON_CreateArray();
	for (const char *p = strstr(yaml, "---\n"); p;) {
		const char *next = strstr(p + 4, "---\n");
		ns_err err = {0};
		cJSON *one = ns_yaml_parse(p + 4, next ? (size_t)(next - p - 4) : strlen(p + 4), "role", 0, 0, &err);
		if (!one)
			fail_msg("%s", err.text);
		cJSON_AddItemToArray(all, one);
		p = next;
	}
	return all;
}

static bool has_verb(const cJSON *role, const char *const *verbs)
{
	ns_json_each(rule, ns_json_get(role, "rules"))
	    ns_json_each(v, ns_json_get(rule, "verbs")) if (ns_listed(v->valuestring, verbs)) return true;
	return false;
}

static const cJSON *document(const cJSON *all, const char *kind, const char *name, const char *ns)
{
	ns_json_each(d, all) if (!strcmp(ns_json_str(d, "kind", ""), kind) && !strcmp(ns_json_str(d, "metadata.name", ""), name) &&
	                         !strcmp(ns_json_str(d, "metadata.namespace", ""), ns)) return d;
	return NULL;
}

static void test_the_role(void **state)
{
	static const char *const changing[] = {"create", "update", "patch", NULL};
	static const struct {
		const char *const *actions, *const *namespaces;
		bool act;
	} rows[] = {{NULL, NULL, true}, {NULL, spaces, true}, {rollback_only, spaces, true}, {nothing, spaces, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_buf out = NS_BUF_INIT;
		ns_rights_yaml(
		    &out, &(ns_rights_opts){.allowed_actions = rows[i].actions, .namespaces = rows[i].namespaces, .lease_ns = "ops"});
		cJSON *all = documents(ns_buf_str(&out));
		assert_non_null(document(all, "ServiceAccount", "neuroscale-autopilot", "ops"));
		const cJSON *read = document(all, "ClusterRole", "neuroscale-autopilot", ""),
		            *lease = document(all, "Role", "neuroscale-autopilot-lease", "ops"),
		            *act = document(all, "ClusterRole", "neuroscale-autopilot-act", "");
		assert_non_null(read);
		assert_false(has_verb(read, changing)); /* cluster-wide, only reading is given */
		assert_non_null(document(all, "ClusterRoleBinding", "neuroscale-autopilot", ""));
		assert_non_null(lease);
		assert_string_equal(
		    ns_json_get(ns_json_get(lease, "rules")->child->next, "resourceNames")->child->valuestring, "neuroscale-autopilot");
		assert_true((act != NULL) == rows[i].act);
		assert_null(document(all, "ClusterRoleBinding", "neuroscale-autopilot-act", ""));
		for (const char *const *ns = spaces; *ns; ns++)
			assert_true(
			    (document(all, "RoleBinding", "neuroscale-autopilot-act", *ns) != NULL) == (rows[i].act && rows[i].namespaces));
		assert_null(strstr(out.data, "\"*\""));
		assert_null(strstr(out.data, "delete"));
		assert_null(strstr(out.data, "secrets"));
		cJSON_Delete(all);
		ns_buf_free(&out);
	}
}

static void test_exceptions_have_a_namespace_of_their_own(void **state)
{
	ns_buf out = NS_BUF_INIT;
	ns_rights_yaml(&out, &(ns_rights_opts){.exception_ns = "policy-exceptions", .namespaces = spaces});
	cJSON *all = documents(ns_buf_str(&out));
	assert_non_null(document(all, "Role", "neuroscale-autopilot-exceptions", "policy-exceptions"));
	assert_non_null(document(all, "RoleBinding", "neuroscale-autopilot-exceptions", "policy-exceptions"));
	assert_int_equal(ns_json_len(ns_json_get(document(all, "ClusterRole", "neuroscale-autopilot-act", ""), "rules")), 1);
	cJSON_Delete(all);
	ns_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_watch_row_is_a_right),
	    cmocka_unit_test(test_secrets_are_read_only_when_asked_for), cmocka_unit_test(test_actions_become_rights_and_losses),
	    cmocka_unit_test(test_the_role), cmocka_unit_test(test_exceptions_have_a_namespace_of_their_own)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
