/* Exceptions from the plan to the executor's tables, in the grammar of both groups: what is created names one workload, what ends it is a plan that
 * goes through the same door, and what somebody widened since does not. */
#include "../../src/agents/executor_priv.h"
#include "support/test.h"

#include <stdlib.h>

#include "agents/planner_case.h"
#include "neuroscale/policy/policy.h"

static const ns_executor any = {.cfg = NULL};

static void use_cel(fixture *f)
{
	f->c.exception_api_version = "policies.kyverno.io/v1beta1";
	f->c.policy_kind = "ValidatingPolicy";
	f->c.rules = NULL;
	f->c.n_rules = 0;
	f->c.alert.rule = "";
}

/* What the server makes of a body: its own metadata, and defaults in the spec. */
static cJSON *as_served(const char *body, bool cel)
{
	cJSON *o = ns_json_parse(body, strlen(body), &ns_json_strict, NULL), *meta = cJSON_GetObjectItem(o, "metadata");
	ns_json_put_str(meta, "uid", "aaaa-1");
	ns_json_put_str(meta, "resourceVersion", "5");
	ns_json_put_str(meta, "creationTimestamp", "2026-11-23T00:00:00Z");
	if (cel)
		ns_json_put_str(cJSON_GetObjectItem(o, "spec"), "reportResult", "skip");
	else
		cJSON_AddTrueToObject(cJSON_GetObjectItem(o, "spec"), "background");
	return o;
}

static bool passes(const ns_plan *p, bool undo, ns_err *err)
{
	ns_order o;
	ns_arena *ar = ns_arena_new();
	bool ok = ns_order_make(&o, ar, &any, p, undo, err);
	if (ok)
		ns_order_free(&o);
	ns_arena_free(ar);
	return ok;
}

static void test_both_groups_go_through_the_door(void **state)
{
	(void)state;
	for (int cel = 0; cel < 2; cel++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		fixture_policy(&f, ar);
		if (cel)
			use_cel(&f);
		ns_plan *p = plan(&f);
		if (p->action != NS_ACT_POLICY_EXCEPTION)
			fail_msg("%s", p->summary);
		assert_true(p->requires_approval && p->undo_valid);
		if (!passes(p, false, &err) || !passes(p, true, &err))
			fail_msg("%s", err.text);
		assert_int_equal(strstr(p->undo.argv[3], "policyexceptions.policies.kyverno.io/") != NULL, cel);

		/* Its end, from what the cluster has. */
		cJSON *served = as_served(p->command.body, cel);
		ns_plan *end = ns_plan_disarm(ar, served, "c1", &err);
		if (!end || !passes(end, true, &err))
			fail_msg("%s", err.text);
		assert_string_equal(end->undo.body, p->undo.body);
		assert_string_equal(end->target.name, "web");
		/* The other group's command does not fit it. */
		ns_plan crossed = *end;
		char other[128];
		snprintf(other, sizeof other, "policyexceptions.%skyverno.io/%s", cel ? "" : "policies.", strrchr(end->undo.argv[3], '/') + 1);
		const char *argv[] = {"-n", end->undo.argv[1], "patch", other, "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
		crossed.undo.argv = argv;
		assert_false(passes(&crossed, true, &err));
		/* Over: there is nothing to end any more. */
		cJSON *ops = cel ? ns_exception_disarm_cel_patch() : ns_exception_disarm_patch(), *after = ns_patch_apply(served, ops, &err);
		assert_non_null(after);
		assert_null(ns_plan_disarm(ar, after, "c1", &err));
		cJSON_Delete(ops);
		cJSON_Delete(after);
		cJSON_Delete(served);
		ns_arena_free(ar);
	}
}

/* One member of an approved body changed: the door does not open, for its creation nor for its end. */
static void test_a_wider_exception_is_refused(void **state)
{
	(void)state;
	static const struct {
		bool cel;
		const char *part, *with;
	} rows[] = {
	    {true, "object.metadata.namespace == 'shop'", "true"},
	    {true, "object.metadata.namespace == 'shop'", "object.metadata.namespace != 'shop'"},
	    {true, "object.metadata.name == 'web'", "object.metadata.name == 'web' || true"},
	    {true, "{8}", "{1,99}"},
	    {true, "\"ValidatingPolicy\"", "\"NoPolicy\""},
	    {true, "\"policyRefs\":[", "\"images\":[\"*\"],\"policyRefs\":["},
	    {true, "\"policyRefs\":[", "\"policyRefs\":[{\"name\":\"other\",\"kind\":\"ValidatingPolicy\"},"},
	    {true, "\"name\":\"require-limits\"", "\"name\":\"*\""},
	    {true, "policies.kyverno.io/v1beta1", "policies.kyverno.io/v9"},
	    {false, "\"names\":[\"web\"]", "\"names\":[\"*\"]"},
	    {false, "\"namespaces\":[\"shop\"]", "\"namespaces\":[\"shop\",\"*\"]"},
	    {false, "\"match\":{", "\"podSecurity\":[],\"match\":{"},
	    {false, "kyverno.io/v2", "kyverno.io/v9"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		fixture_policy(&f, ar);
		if (rows[i].cel)
			use_cel(&f);
		ns_plan p = *plan(&f);
		const char *at = strstr(p.command.body, rows[i].part);
		if (!at)
			fail_msg("row %zu: %s is not in %s", i, rows[i].part, p.command.body);
		p.command.body = ns_arena_printf(ar, "%.*s%s%s", (int)(at - p.command.body), p.command.body, rows[i].with, at + strlen(rows[i].part));
		if (passes(&p, false, &err) || passes(&p, true, &err))
			fail_msg("row %zu goes through: %s", i, p.command.body);
		ns_arena_free(ar);
	}
}

static void test_whose_end_is_not_planned(void **state)
{
	(void)state;
	static const struct {
		const char *part, *with, *why;
	} rows[] = {
	    {"\"app.kubernetes.io/managed-by\":\"neuroscale-autopilot\"", "\"app.kubernetes.io/managed-by\":\"kim\"", "no exception of ours"},
	    {"shop/Deployment/web", "web", "which workload"},
	    {"shop/Deployment/web", "shop/Deployment/../x", "which workload"},
	    {"shop/Deployment/web", "shop/Job/web", "which workload"},
	    {"kyverno.io/v2", "kyverno.io/v9", "not written here"},
	    {"\"namespace\":\"policy-exceptions\"", "\"namespace\":\"-n\"", "which workload"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		fixture_policy(&f, ar);
		const char *body = plan(&f)->command.body, *at = strstr(body, rows[i].part);
		if (!at)
			fail_msg("row %zu: %s", i, body);
		cJSON *served = as_served(ns_arena_printf(ar, "%.*s%s%s", (int)(at - body), body, rows[i].with, at + strlen(rows[i].part)), false);
		assert_null(ns_plan_disarm(ar, served, "c1", &err));
		if (!strstr(err.text, rows[i].why))
			fail_msg("row %zu: %s", i, err.text);
		cJSON_Delete(served);
		ns_arena_free(ar);
	}
}

/* Where an exception would do nothing, or would open what must stay shut, there is none, whatever the analysis says. */
static void test_refused_by_what_is_known_of_the_policy(void **state)
{
	(void)state;
	static const struct {
		const char *guard, *off, *version, *kind, *why;
	} rows[] = {
	    {"the rule guards the node", "", "kyverno.io/v2", "", "no exception for this rule, whoever asks: the rule guards the node"},
	    {"", "its policy exceptions are switched off", "kyverno.io/v2", "", "take an exception and ignore it: its policy exceptions are switched off"},
	    {"", "", "kyverno.io/v2", "ValidatingPolicy", "version"},
	    {"", "", "policies.kyverno.io/v1", "", "version"},
	    {"", "", "policies.kyverno.io/v1", "ImageValidatingPolicy", "whoever asks"},
	    {"", "", "kyverno.io/v2alpha1", "", ""},
	    {"", "", "policies.kyverno.io/v1alpha1", "ValidatingPolicy", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_policy(&f, ar);
		f.c.policy_guard = rows[i].guard;
		f.c.exception_off = rows[i].off;
		f.c.exception_api_version = rows[i].version;
		f.c.policy_kind = rows[i].kind;
		ns_plan *p = plan(&f);
		if ((p->action == NS_ACT_POLICY_EXCEPTION) != !*rows[i].why || !strstr(p->summary, rows[i].why))
			fail_msg("row %zu: %s", i, p->summary);
		ns_arena_free(ar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_groups_go_through_the_door), cmocka_unit_test(test_a_wider_exception_is_refused),
	    cmocka_unit_test(test_whose_end_is_not_planned), cmocka_unit_test(test_refused_by_what_is_known_of_the_policy),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
