/* What the planner writes: bounds, choices, history, names, and what never gets into a command. */
#include "support/test.h"

#include "agents/planner_case.h"
#include "neuroscale/model/k8s.h"

static void expect_auto(fixture *f, ns_action a, const char *runbook)
{
	ns_plan *p = plan(f);
	if (p->action != a || p->requires_approval || strcmp(p->runbook, runbook) != 0)
		show(p);
	assert_int_equal(p->action, a);
	assert_string_equal(p->runbook, runbook);
	assert_false(p->requires_approval);
	assert_true(p->undo_valid);
	assert_true(p->score >= ns_library_score_floor(lib));
	assert_int_equal(p->generation, 7);
	assert_string_equal(p->target.uid, f->c.alert.target.uid);
}

static void test_each_action_goes_through(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	expect_auto(&f, NS_ACT_PATCH_RESOURCES, "oomkill-increase-memory");
	fixture_crash(&f, ar);
	expect_auto(&f, NS_ACT_ROLLBACK, "crashloop-rollback");
	fixture_cost(&f, ar);
	expect_auto(&f, NS_ACT_COST_SCALE_DOWN, "cost-spike-scale-down");
	fixture_policy(&f, ar);
	ns_plan *p = plan(&f);
	assert_int_equal(p->action, NS_ACT_POLICY_EXCEPTION);
	assert_string_equal(p->runbook, "kyverno-policy-exception");
	assert_true(p->undo_valid);
	assert_int_equal(p->n_approval_reasons, 1); /* an exception is never made without a person, and nothing else is wrong with it */
	assert_true(asks(p, "policy:"));
	ns_arena_free(ar);
}

/* In the words of an analysis, for every kind of alert that may end in an action. */
static void test_runbook_by_analysis(void **state)
{
	(void)state;
	static const struct {
		ns_kind kind;
		const char *cause, *root, *why, *reason, *runbook;
	} rows[] = {
	    {NS_KIND_OOM_KILLED, "oom_limit_too_low",
	        "Container app of Deployment shop/web needs more memory than its limit of 128Mi and was OOMKilled (exit 137, 6 times).",
	        "A higher, bounded limit lets it run; the change is undone by restoring the old limit.", "OOMKilled",
	        "oomkill-increase-memory"},
	    {NS_KIND_OOM_KILLED, "oom_limit_lowered",
	        "The newest revision of Deployment shop/web lowered the memory limit of app to 64Mi, and it is OOMKilled since (exit 137).",
	        "The former limit was enough, so the limit is raised again.", "OOMKilled", "oomkill-increase-memory"},
	    {NS_KIND_POD_CRASHLOOP, "oom_limit_too_low",
	        "Container app of Deployment shop/web needs more memory than its limit of 128Mi and was OOMKilled.",
	        "A higher, bounded limit lets it run.", "CrashLoopBackOff", "oomkill-increase-memory"},
	    {NS_KIND_POD_CRASHLOOP, "bad_release_crash",
	        "Revision 3 of Deployment shop/web crashes (container app, exit 1, 5 times) since it was rolled out, while revision 2 was "
	        "healthy; it changed: image.",
	        "Going back to revision 2 restores what was running; rolling forward again undoes it.", "CrashLoopBackOff",
	        "crashloop-rollback"},
	    {NS_KIND_POD_CRASHLOOP, "bad_release_config",
	        "Revision 3 of Deployment shop/web needs a setting that is not right, and it was introduced with that revision: env.",
	        "Going back to revision 2 restores service while someone supplies the setting.", "CrashLoopBackOff", "crashloop-rollback"},
	    {NS_KIND_IMAGE_PULL, "bad_release_image",
	        "Revision 3 of Deployment shop/web names an image that cannot be pulled (shop/web:3x); revision 2 was healthy.",
	        "Going back to revision 2 restores the image that was running.", "ImagePullBackOff", "deployment-failure-sync"},
	    {NS_KIND_DEPLOYMENT_STALLED, "bad_release_not_ready",
	        "The pods of revision 3 of Deployment shop/web run but do not become ready (2 of 3 ready), while revision 2 was healthy; "
	        "it changed: probes.",
	        "Going back to revision 2 ends the stalled rollout.", "ProgressDeadlineExceeded", "deployment-failure-sync"},
	    {NS_KIND_PROBE_FAILURE, "bad_release_not_ready",
	        "The pods of revision 3 of Deployment shop/web run but do not become ready (2 of 3 ready), while revision 2 was healthy; "
	        "it changed: probes.",
	        "Going back to revision 2 ends the stalled rollout.", "Unhealthy", "deployment-failure-sync"},
	    {NS_KIND_COST_SPIKE, "cost_idle_nonproduction",
	        "Deployment shop/web, a non-production workload, costs 41.00 a day (6.00 before) for what little it does.",
	        "Fewer replicas save money and are restored by scaling up again.", "CostSpike", "cost-spike-scale-down"},
	    {NS_KIND_KYVERNO_VIOLATION, "policy_best_practice",
	        "Deployment shop/web does not fulfil rule check-limits of policy require-limits, a best practice: CPU and memory limits "
	        "are required.",
	        "A narrow exception with an end lets it run while the manifest is corrected; a person grants it.", "PolicyViolation",
	        "kyverno-policy-exception"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_crash(&f, ar);
		f.c.alert.kind = rows[i].kind;
		f.c.alert.reason = rows[i].reason;
		f.c.alert.message = "";
		f.r.cause_class = rows[i].cause;
		f.r.root_cause = rows[i].root;
		f.r.reasoning = rows[i].why;
		ns_plan *p = plan(&f);
		if (strcmp(p->runbook, rows[i].runbook) != 0 || p->margin < ns_library_margin_floor(lib)) {
			show(p);
			fail_msg("row %zu: %s, wanted %s", i, p->runbook, rows[i].runbook);
		}
		print_message("# %s %s: score %.3f margin %.3f\n", rows[i].cause, p->runbook, p->score, p->margin);
		ns_arena_free(ar);
	}
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

static void test_memory_bounds(void **state)
{
	(void)state;
	static const struct {
		int64_t limit, cap, node;
		double factor;
		int64_t want;
	} rows[] = {
	    {128, 8192, 8192, 2.0, 256},
	    {100, 8192, 8192, 1.5, 148},
	    {30, 8192, 8192, 2.0, 60},
	    {3000, 8192, 0, 2.0, 5888},
	    {3000, 4096, 0, 2.0, 4096},
	    {300, 8192, 500, 2.0, 400},
	    {700, 8192, 100000, 2.0, 1344},
	    {1, 8192, 8192, 2.0, 2},
	    {4096, 8192, 65536, 2.0, 8192},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_oom(&f, ar);
		f.c.n_revisions = 0; /* the case's own figures count */
		f.k[2].mem_limit = rows[i].limit * MIB;
		f.lim.mem_cap = rows[i].cap * MIB;
		f.lim.mem_factor = rows[i].factor;
		f.c.node_allocatable_mem = rows[i].node * MIB;
		ns_plan *p = plan(&f);
		if (p->mem_after != rows[i].want * MIB)
			fail_msg("row %zu: %lld Mi, wanted %lld", i, (long long)(p->mem_after / MIB), (long long)rows[i].want);
		assert_int_equal(p->mem_before, rows[i].limit * MIB);
		ns_arena_free(ar);
	}
	/* whatever the numbers: never above any bound, never less than it was */
	uint64_t x = 42;
	for (int i = 0; i < 3000; i++) {
		int64_t n[4];
		for (size_t k = 0; k < 4; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			n[k] = (int64_t)(x >> (20 + x % 40));
		}
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_oom(&f, ar);
		f.c.n_revisions = 0;
		f.k[2].mem_limit = n[0];
		f.lim.mem_cap = n[1];
		f.c.node_allocatable_mem = n[2];
		f.lim.mem_factor = 1 + (double)(n[3] % 300) / 100;
		ns_plan *p = plan_with(&f, NULL);
		if (p->action == NS_ACT_PATCH_RESOURCES) {
			assert_true(p->mem_after > n[0] && p->mem_after <= n[1]);
			assert_true(!n[2] || (double)p->mem_after <= 0.8 * (double)n[2]);
			assert_true((double)p->mem_after <= (double)n[0] * f.lim.mem_factor);
		}
		ns_arena_free(ar);
	}
}

static void test_replica_bounds(void **state)
{
	(void)state;
	static const struct {
		int64_t from, max, want;
	} rows[] = {{0, 20, 1}, {1, 20, 2}, {9, 20, 18}, {15, 20, 20}, {19, 20, 20}, {3, 4, 4}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_cost(&f, ar);
		f.r.action = NS_ACT_SCALE;
		f.r.cause_class = "overload";
		f.c.replicas = rows[i].from;
		f.lim.scale_max = rows[i].max;
		ns_plan *p = plan(&f);
		assert_int_equal(p->action, NS_ACT_SCALE);
		assert_int_equal(p->replicas_before, rows[i].from);
		assert_int_equal(p->replicas_after, rows[i].want);
		assert_true(p->undo_valid == (rows[i].from > 0));
		ns_arena_free(ar);
	}
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_cost(&f, ar);
	ns_plan *p = plan(&f);
	assert_int_equal(p->replicas_after, 1);
	assert_string_equal(p->expected_effect, "about 1204.20 USD/month saved");
	f.c.monthly_saving = 0;
	assert_string_equal(plan(&f)->expected_effect, "about 1204.20 USD/month saved"); /* 1338 x 9/10 */
	ns_arena_free(ar);
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static void test_history(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	ns_plan *first = plan(&f);
	f.done[0] = first;
	f.h = (ns_plan_history){.executed = f.done, .n = 1};
	ns_plan *again = plan(&f); /* nothing moved: the same body would be sent */
	assert_int_equal(again->action, NS_ACT_MANUAL_REVIEW);
	assert_true(asks(again, "history: exactly this change"));

	f.rev[0].template_json = SPEC_OF("shop/web:3", "{\"limits\":{\"memory\":\"256Mi\"},\"requests\":{\"memory\":\"64Mi\"}}", "");
	f.k[2].mem_limit = 256 * MIB;
	ns_plan *second = plan(&f);
	assert_int_equal(second->action, NS_ACT_PATCH_RESOURCES);
	assert_int_equal(second->mem_after, 512 * MIB);
	assert_true(asks(second, "history: its memory was raised once"));

	f.done[1] = second;
	f.h.n = 2;
	f.rev[0].template_json = SPEC_OF("shop/web:3", "{\"limits\":{\"memory\":\"512Mi\"}}", "");
	f.k[2].mem_limit = 512 * MIB;
	ns_plan *third = plan(&f);
	assert_int_equal(third->action, NS_ACT_MANUAL_REVIEW);
	assert_true(asks(third, "its memory was raised twice for this incident and it is still OOMKilled: a leak?"));

	fixture_crash(&f, ar);
	f.done[0] = plan(&f);
	f.h = (ns_plan_history){.executed = f.done, .n = 1};
	assert_int_equal(plan(&f)->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
}

/* ---- rollback's choice ------------------------------------------------------------------------------------------- */

static void test_rollback_target(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_crash(&f, ar);
	ns_plan *p = plan(&f);
	assert_int_equal(p->revision_to, 2);
	assert_string_equal(p->command.equivalent, "kubectl -n shop rollout undo deployment/web --to-revision=2");
	assert_string_equal(p->undo.equivalent, "kubectl -n shop rollout undo deployment/web --to-revision=3");
	assert_null(strstr(p->command.body, "pod-template-hash"));
	assert_non_null(strstr(p->command.body, "shop/web:2"));
	f.rev[1].was_healthy = false;
	assert_int_equal(plan(&f)->revision_to, 1);
	fixture_crash(&f, ar);
	f.rev[1].changes = "";
	assert_int_equal(plan(&f)->revision_to, 1);
	fixture_crash(&f, ar);
	f.rev[1].number = 9; /* not earlier */
	assert_int_equal(plan(&f)->revision_to, 1);
	ns_arena_free(ar);
}

/* ---- names from hell, and text from elsewhere -------------------------------------------------------------------- */

static void test_names(void **state)
{
	(void)state;
	static char long_name[301];
	memset(long_name, 'a', 300);
	const char *const bad[] = {
	    "",
	    "-web",
	    "--server=https://evil",
	    "web\n",
	    "we\nb",
	    "web;rm -rf /",
	    "$(id)",
	    "`id`",
	    "web/other",
	    "Web",
	    "w\xc3\xa9"
	    "b",
	    "web ",
	    " web",
	    "w\xe2\x80\xae"
	    "b",
	    "web\t",
	    "..",
	    "web.",
	    ".web",
	    "web-",
	    "we*b",
	    "web?x=1",
	    "web#",
	    "web%2f",
	    "\x1b[31mweb",
	    "web\x7f",
	    "'",
	    "\"",
	    "a b",
	    long_name,
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		for (int where = 0; where < 5; where++) {
			fixture f;
			ns_arena *ar = ns_arena_new();
			make[where % 4](&f, ar);
			if (where == 0 || where == 4)
				f.c.alert.target.name = bad[i];
			else if (where == 1)
				f.c.alert.target.ns = bad[i];
			else if (where == 2)
				f.c.alert.target.uid = *bad[i] ? bad[i] : "-";
			else
				f.k[2].name = bad[i];
			bool fine = where == 2 && (!strcmp(bad[i], "Web") || !strcmp(bad[i], "web-")); /* uids may be so */
			ns_plan *p = plan(&f);
			if (!fine && (p->action != NS_ACT_MANUAL_REVIEW || p->manual_command[0] || !asks(p, "names:"))) {
				show(p);
				fail_msg("name %zu in place %d: %s", i, where, p->manual_command);
			}
			ns_arena_free(ar);
		}
	}
}

/* Law 3: nothing of model, log or annotation text stands in argv or body. */
static void test_text_stays_out(void **state)
{
	(void)state;
	const char *evil = "zzevil --server=https://zzevil";
	const char *lines[] = {evil};
	for (int k = 0; k < 4; k++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		make[k](&f, ar);
		f.r.root_cause = ns_arena_printf(ar, "%s %s", f.r.root_cause, evil);
		f.r.reasoning = ns_arena_printf(ar, "%s %s", f.r.reasoning, evil);
		f.r.next_steps = f.r.provider = evil;
		f.c.alert.message = f.k[2].waiting_message = f.k[2].last_message = f.c.cond_message = evil;
		f.c.log_lines = lines;
		f.c.n_log_lines = 1;
		f.rev[1].changes = evil;
		ns_plan *p = plan(&f);
		assert_true(p->action != NS_ACT_MANUAL_REVIEW);
		const ns_command *both[] = {&p->command, &p->undo};
		for (size_t i = 0; i < 2; i++) {
			for (const char *const *a = both[i]->argv; a && *a; a++)
				assert_null(strstr(*a, "zzevil"));
			assert_null(strstr(both[i]->body, "zzevil"));
			assert_null(strstr(both[i]->equivalent, "zzevil"));
		}
		ns_arena_free(ar);
	}
}

static void test_deterministic(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		char *text[2];
		for (int i = 0; i < 2; i++) {
			fixture f;
			ns_arena *ar = ns_arena_new();
			make[k](&f, ar);
			cJSON *j = ns_plan_to_json(plan(&f));
			text[i] = ns_json_text(j);
			cJSON_Delete(j);
			ns_arena_free(ar);
		}
		assert_string_equal(text[0], text[1]);
		free(text[0]);
		free(text[1]);
	}
}

/* Limits and library may be missing. */
static void test_defaults(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_oom(&f, ar);
	ns_plan *p = ns_plan_make(ar, &f.c, &f.r, NULL, NULL, NULL, 1);
	assert_int_equal(p->action, NS_ACT_PATCH_RESOURCES);
	assert_string_equal(p->runbook, "");
	assert_true(asks(p, "runbook: none fits"));
	ns_arena_free(ar);
}

static const char *exception_of(fixture *f)
{
	ns_plan *p = plan(f);
	assert_int_equal(p->action, NS_ACT_POLICY_EXCEPTION);
	cJSON *body = ns_json_parse(p->command.body, strlen(p->command.body), &ns_json_strict, NULL);
	const char *name = ns_arena_strdup(f->ar, ns_json_str(body, "metadata.name", ""));
	cJSON_Delete(body);
	assert_true(ns_k8s_subdomain_ok(name));
	assert_true(strlen(name) <= 63);
	return name;
}

/* Exceptions of all namespaces may stand in one, and stay there: the number of an incident alone tells none from another. */
static void test_exceptions_are_told_apart(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_policy(&f, ar);
	const char *first = exception_of(&f);
	assert_string_equal(exception_of(&f), first);
	f.c.alert.first_ms += 1; /* a record begun anew counts its incidents from one again */
	assert_string_not_equal(exception_of(&f), first);
	f.c.alert.first_ms -= 1;
	f.c.alert.target.ns = "other";
	assert_string_not_equal(exception_of(&f), first);
	f.c.alert.target.ns = "shop";
	assert_string_equal(exception_of(&f), first);
	f.c.alert.target.name = "report-builder-of-somex.kind-whose-name-is-longer-than-it-should";
	exception_of(&f);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_action_goes_through),
	    cmocka_unit_test(test_runbook_by_analysis),
	    cmocka_unit_test(test_memory_bounds),
	    cmocka_unit_test(test_replica_bounds),
	    cmocka_unit_test(test_history),
	    cmocka_unit_test(test_rollback_target),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_text_stays_out),
	    cmocka_unit_test(test_deterministic),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_exceptions_are_told_apart),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
