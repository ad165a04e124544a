/* What the planner refuses, what it asks about, and what it writes, rule by rule. */
#include "support/test.h"

#include "agents/planner_case.h"
#include "neuroscale/agents/executor.h"
#include "neuroscale/model/yaml.h"

static ns_library *lib;

static int load(void **state)
{
	ns_err err = {0};
	(void)state;
	lib = ns_library_load(NULL, &err);
	if (!lib)
		print_error("%s\n", err.text);
	return lib ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	ns_library_free(lib);
	return 0;
}

/* True when one of the reasons begins so. */
static bool asks(const ns_plan *p, const char *with)
{
	for (size_t i = 0; i < p->n_approval_reasons; i++)
		if (!strncmp(p->approval_reasons[i], with, strlen(with)))
			return true;
	return false;
}

static void show(const ns_plan *p)
{
	print_message("# %s | %s\n", ns_action_get(p->action)->name, p->summary);
	print_message("# runbook %s score %.3f margin %.3f risk %s\n", p->runbook, p->score, p->margin, ns_risk_name(p->risk));
	for (size_t i = 0; i < p->n_approval_reasons; i++)
		print_message("# asks: %s\n", p->approval_reasons[i]);
}

/* What every plan must be, whatever it is about. */
static void check_sane(const ns_plan *p)
{
	const char *why = "";
	assert_true(p->requires_approval == (p->n_approval_reasons > 0));
	assert_true(p->n_steps > 0);
	assert_true(p->summary[0] && p->verify[0]);
	if (p->action == NS_ACT_MANUAL_REVIEW) {
		assert_null(p->command.argv);
		assert_null(p->undo.argv);
		assert_false(p->undo_valid);
		assert_true(p->requires_approval);
		return;
	}
	assert_non_null(p->command.argv);
	if (!ns_argv_permitted(p->command.argv, NULL, &why))
		fail_msg("argv not permitted: %s", why);
	assert_string_equal(p->command.argv[0], "-n");
	assert_true(p->command.body[0] && p->command.equivalent[0]);
	assert_string_equal(p->manual_command, "");
	assert_true(p->undo_valid == (p->undo.argv != NULL) || (p->undo.argv && !p->undo_valid));
	if (p->undo.argv && !ns_argv_permitted(p->undo.argv, NULL, &why))
		fail_msg("undo not permitted: %s", why);
}

static ns_plan *plan(fixture *f)
{
	ns_plan *p = plan_with(f, lib);
	check_sane(p);
	return p;
}

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
		{NS_KIND_OOM_KILLED, "oom_limit_too_low", "Container app of Deployment shop/web needs more memory than its limit of 128Mi and was OOMKilled (exit 137, 6 times).",
		    "A higher, bounded limit lets it run; the change is undone by restoring the old limit.", "OOMKilled", "oomkill-increase-memory"},
		{NS_KIND_OOM_KILLED, "oom_limit_lowered", "The newest revision of Deployment shop/web lowered the memory limit of app to 64Mi, and it is OOMKilled since (exit 137).",
		    "The former limit was enough, so the limit is raised again.", "OOMKilled", "oomkill-increase-memory"},
		{NS_KIND_POD_CRASHLOOP, "oom_limit_too_low", "Container app of Deployment shop/web needs more memory than its limit of 128Mi and was OOMKilled.",
		    "A higher, bounded limit lets it run.", "CrashLoopBackOff", "oomkill-increase-memory"},
		{NS_KIND_POD_CRASHLOOP, "bad_release_crash",
		    "Revision 3 of Deployment shop/web crashes (container app, exit 1, 5 times) since it was rolled out, while revision 2 was healthy; it changed: image.",
		    "Going back to revision 2 restores what was running; rolling forward again undoes it.", "CrashLoopBackOff", "crashloop-rollback"},
		{NS_KIND_POD_CRASHLOOP, "bad_release_config", "Revision 3 of Deployment shop/web needs a setting that is not right, and it was introduced with that revision: env.",
		    "Going back to revision 2 restores service while someone supplies the setting.", "CrashLoopBackOff", "crashloop-rollback"},
		{NS_KIND_IMAGE_PULL, "bad_release_image", "Revision 3 of Deployment shop/web names an image that cannot be pulled (shop/web:3x); revision 2 was healthy.",
		    "Going back to revision 2 restores the image that was running.", "ImagePullBackOff", "deployment-failure-sync"},
		{NS_KIND_DEPLOYMENT_STALLED, "bad_release_not_ready",
		    "The pods of revision 3 of Deployment shop/web run but do not become ready (2 of 3 ready), while revision 2 was healthy; it changed: probes.",
		    "Going back to revision 2 ends the stalled rollout.", "ProgressDeadlineExceeded", "deployment-failure-sync"},
		{NS_KIND_PROBE_FAILURE, "bad_release_not_ready",
		    "The pods of revision 3 of Deployment shop/web run but do not become ready (2 of 3 ready), while revision 2 was healthy; it changed: probes.",
		    "Going back to revision 2 ends the stalled rollout.", "Unhealthy", "crashloop-rollback"},
		{NS_KIND_COST_SPIKE, "cost_idle_nonproduction", "Deployment shop/web, a non-production workload, costs 41.00 a day (6.00 before) for what little it does.",
		    "Fewer replicas save money and are restored by scaling up again.", "CostSpike", "cost-spike-scale-down"},
		{NS_KIND_KYVERNO_VIOLATION, "policy_best_practice",
		    "Deployment shop/web does not fulfil rule check-limits of policy require-limits, a best practice: CPU and memory limits are required.",
		    "A narrow exception with an end lets it run while the manifest is corrected; a person grants it.", "PolicyViolation", "kyverno-policy-exception"},
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

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

enum { OOM, CRASH, COST, POLICY };
static void (*const make[])(fixture *, ns_arena *) = {fixture_oom, fixture_crash, fixture_cost, fixture_policy};

static const char *const extra_protected[] = {"shop", NULL};
static const char *const only_scale[] = {"scale", NULL};

#define CHANGE(name, code)                                                                                                         \
	static void name(fixture *f)                                                                                               \
	{                                                                                                                          \
		code;                                                                                                              \
	}
CHANGE(ns_system, f->c.alert.target.ns = "kube-system")
CHANGE(ns_configured, f->lim.protected_ns = extra_protected)
CHANGE(storm, f->c.alert.kind = NS_KIND_STORM)
CHANGE(gone, f->c.found = false)
CHANGE(stateful, f->c.alert.target.kind = "StatefulSet")
CHANGE(daemon, f->c.alert.target.kind = "DaemonSet")
CHANGE(pod, f->c.alert.target.kind = "Pod")
CHANGE(other_group, f->c.api_version = "apps.openshift.io/v1")
CHANGE(not_enabled, f->lim.allowed_actions = only_scale)
CHANGE(unknown_action, f->r.action = (ns_action)99)
CHANGE(paused, f->c.paused = true)
CHANGE(operator_owned, f->c.managed_by = "operator:PostgresCluster")
CHANGE(vpa_owned, f->c.managed_by = "operator:VerticalPodAutoscaler")
CHANGE(no_uid, f->c.alert.target.uid = "")
CHANGE(leak, f->r.cause_class = "oom_unbounded_growth")
CHANGE(registry, f->r.cause_class = "registry_unreachable")
CHANGE(no_limit, f->k[2].mem_limit = 0)
CHANGE(not_killed, f->k[2].last_reason = "Error"; f->c.alert.kind = NS_KIND_POD_CRASHLOOP)
CHANGE(two_killed, f->c.alert.container = ""; f->k[1].last_reason = "OOMKilled")
CHANGE(limit_range, f->k[2].mem_limit = 256 * MIB)
CHANGE(injected, f->c.alert.container = "side"; f->k[2].name = "side")
CHANGE(at_cap, f->lim.mem_cap = 128 * MIB)
CHANGE(at_node, f->c.node_allocatable_mem = 160 * MIB)
CHANGE(bad_factor, f->lim.mem_factor = 0.0 / 0.0)
CHANGE(first_install, f->c.n_revisions = 1)
CHANGE(never_healthy, f->rev[1].was_healthy = f->rev[2].was_healthy = false)
CHANGE(same_template, f->rev[1].template_json = f->rev[2].template_json = f->rev[0].template_json)
CHANGE(no_current, f->rev[0].current = false)
CHANGE(broken_template, f->rev[0].template_json = "{\"spec\":")
CHANGE(empty_template, f->rev[0].template_json = "")
CHANGE(production, f->c.nonproduction = false)
CHANGE(one_replica, f->c.replicas = 1)
CHANGE(has_hpa, f->c.has_hpa = true)
CHANGE(database, f->k[2].image = "registry.local:5000/library/postgres:16")
CHANGE(security_rule, f->c.alert.policy = "disallow-privileged-containers"; f->rules[0] = "privileged-containers"; f->c.policy_category = "Pod Security Standards (Baseline)")
CHANGE(no_crd, f->c.exception_api_version = "")
CHANGE(cel_crd, f->c.exception_api_version = "policies.kyverno.io/v1")
CHANGE(no_exception_ns, f->c.exception_namespace = "")
CHANGE(exception_ns_protected, f->c.exception_namespace = "kube-public")
CHANGE(wild_rule, f->rules[1] = "*")
CHANGE(wild_policy, f->c.alert.policy = "require-*")
CHANGE(no_rule, f->c.n_rules = 0; f->c.alert.rule = "")
CHANGE(argocd_stalled, f->c.managed_by = "argocd"; f->c.alert.kind = NS_KIND_DEPLOYMENT_STALLED)
CHANGE(flux_sync, f->c.managed_by = "flux"; f->r.cause_class = "sync_failed")
CHANGE(helm_stalled, f->c.managed_by = "helm"; f->c.alert.kind = NS_KIND_DEPLOYMENT_STALLED)
CHANGE(analysis_manual, f->r.action = NS_ACT_MANUAL_REVIEW)
CHANGE(scale_hpa, f->r.action = NS_ACT_SCALE; f->r.cause_class = "overload"; f->c.has_hpa = true)
CHANGE(scale_full, f->r.action = NS_ACT_SCALE; f->r.cause_class = "overload"; f->c.replicas = 20)
CHANGE(scale_over, f->r.action = NS_ACT_SCALE; f->r.cause_class = "overload"; f->c.replicas = 35)

static void test_refusals(void **state)
{
	(void)state;
	static const struct {
		int base;
		void (*change)(fixture *f);
		const char *why, *command; /* beginning of the reason; part of the command for a person, "" none */
	} rows[] = {
		{OOM, ns_system, "protected:", "kubectl -n kube-system set resources deployment/web -c app"},
		{CRASH, ns_system, "protected:", "rollout undo deployment/web"},
		{COST, ns_system, "protected:", "scale deployment/web"},
		{POLICY, ns_system, "protected:", "get policyreport"},
		{OOM, ns_configured, "protected:", "kubectl -n shop"},
		{OOM, storm, "storm:", ""},
		{OOM, gone, "target:", ""},
		{OOM, stateful, "target: only Deployments are changed by machine, and this is a StatefulSet", "kubectl -n shop set resources statefulset/web -c app"},
		{CRASH, daemon, "target:", "daemonset/web"},
		{CRASH, pod, "target:", "pod/web"},
		{OOM, other_group, "target:", ""},
		{OOM, not_enabled, "configuration:", "kubectl -n shop set resources deployment/web"},
		{OOM, unknown_action, "action:", ""},
		{CRASH, paused, "paused:", "rollout undo deployment/web"},
		{OOM, operator_owned, "operator: it belongs to a PostgresCluster", ""},
		{OOM, vpa_owned, "operator: it belongs to a VerticalPodAutoscaler", ""},
		{OOM, no_uid, "names:", ""},
		{OOM, leak, "cause:", ""},
		{CRASH, registry, "cause:", ""},
		{OOM, no_limit, "container app has no memory limit", ""},
		{OOM, not_killed, "no container of it is seen as OOMKilled", ""},
		{OOM, two_killed, "several containers", ""},
		{OOM, limit_range, "the memory limit in effect", ""},
		{OOM, injected, "container side is not in the pod template", ""},
		{OOM, at_cap, "its memory limit of 128Mi cannot be raised by a tenth without passing the configured cap", ""},
		{OOM, at_node, "its memory limit of 128Mi cannot be raised by a tenth without passing 80 %", ""},
		{OOM, bad_factor, "the configured memory factor", ""},
		{CRASH, first_install, "there is no earlier revision", ""},
		{CRASH, never_healthy, "no earlier revision was ever seen healthy", ""},
		{CRASH, same_template, "the earlier healthy revisions have the same pod template", ""},
		{CRASH, no_current, "which revision runs now", ""},
		{CRASH, broken_template, "the pod template of revision 3 could not be read", ""},
		{CRASH, empty_template, "the pod template of revision 3 could not be read", ""},
		{COST, production, "production:", "kubectl -n shop scale deployment/web"},
		{COST, one_replica, "it has 1 replicas already", ""},
		{COST, has_hpa, "a HorizontalPodAutoscaler", ""},
		{COST, database, "database: it runs postgres", ""},
		{POLICY, security_rule, "no exception for this rule", ""},
		{POLICY, no_crd, "the cluster serves no PolicyException", ""},
		{POLICY, cel_crd, "the cluster's version of PolicyException", ""},
		{POLICY, no_exception_ns, "the namespace in which Kyverno", ""},
		{POLICY, exception_ns_protected, "the namespace for exceptions is protected", ""},
		{POLICY, wild_rule, "a rule of the violation", ""},
		{POLICY, wild_policy, "policy and rule", ""},
		{POLICY, no_rule, "policy and rule", ""},
		{CRASH, argocd_stalled, "gitops: argocd owns it", "argocd app diff APP && argocd app sync APP"},
		{CRASH, flux_sync, "gitops: flux owns it", "flux reconcile"},
		{CRASH, helm_stalled, "gitops: helm owns it", "helm -n shop rollback RELEASE"},
		{CRASH, analysis_manual, "analysis:", "logs deployment/web -c app --previous"},
		{COST, scale_hpa, "a HorizontalPodAutoscaler", ""},
		{COST, scale_full, "it has 20 replicas and the configured maximum is 20", ""},
		{COST, scale_over, "it has 35 replicas and the configured maximum is 20", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		make[rows[i].base](&f, ar);
		rows[i].change(&f);
		ns_plan *p = plan(&f);
		if (p->action != NS_ACT_MANUAL_REVIEW || !asks(p, rows[i].why) || !strstr(p->manual_command, rows[i].command)) {
			show(p);
			fail_msg("row %zu: wanted \"%s\" with \"%s\", command is \"%s\"", i, rows[i].why, rows[i].command, p->manual_command);
		}
		assert_non_null(strstr(p->summary, rows[i].why));
		ns_arena_free(ar);
	}
}

/* ---- doubts ------------------------------------------------------------------------------------------------------ */

CHANGE(unsure, f->r.confidence = 0.75)
CHANGE(impossible, f->r.confidence = 1.5)
CHANGE(not_a_number, f->r.confidence = 0.0 / 0.0)
CHANGE(declined, f->r.auto_remediate = false)
CHANGE(no_evidence, f->r.evidence_ok = false)
CHANGE(stale, f->c.observed_generation = 6)
CHANGE(high, f->r.risk = NS_RISK_HIGH)
CHANGE(critical, f->r.risk = NS_RISK_CRITICAL)
CHANGE(gibberish, f->c.alert.kind = NS_KIND_UNSCHEDULABLE; f->r.root_cause = "zqx wvy"; f->r.reasoning = ""; f->r.cause_class = ""; f->c.alert.reason = "Qqq"; f->c.alert.message = "")
CHANGE(other_runbook, f->r.action = NS_ACT_SCALE; f->r.cause_class = "overload")
CHANGE(other_kind, f->c.alert.kind = NS_KIND_UNSCHEDULABLE)
CHANGE(other_cause, f->r.cause_class = "something_new")
CHANGE(argocd, f->c.managed_by = "argocd")
CHANGE(helm, f->c.managed_by = "helm")
CHANGE(flux, f->c.managed_by = "flux")
CHANGE(database_image, f->k[2].image = "redis@sha256:0000")
CHANGE(no_template, f->c.n_revisions = 0)
CHANGE(security_context, f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"securityContext\":{\"runAsUser\":0},\"serviceAccountName\":\"root\","); f->rev[1].only_safe_fields = false)
CHANGE(record_says_unsafe, f->rev[1].only_safe_fields = false)
CHANGE(record_is_wrong, f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"hostNetwork\":true,"))
CHANGE(volumes, f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/\"}}],"))
CHANGE(also_oom, f->k[1].last_reason = "OOMKilled")
CHANGE(no_cost, f->c.monthly_cost = 0; f->c.monthly_saving = 0)
CHANGE(from_zero, f->r.action = NS_ACT_SCALE; f->c.replicas = 0; f->r.cause_class = "scaled_to_zero")

static void test_doubts(void **state)
{
	(void)state;
	static const struct {
		int base;
		void (*change)(fixture *f);
		const char *reason;
		ns_risk risk;
	} rows[] = {
		{OOM, unsure, "confidence: 0.75", NS_RISK_LOW},
		{OOM, impossible, "confidence:", NS_RISK_LOW},
		{OOM, not_a_number, "confidence:", NS_RISK_LOW},
		{OOM, declined, "analysis:", NS_RISK_LOW},
		{OOM, no_evidence, "evidence:", NS_RISK_LOW},
		{OOM, stale, "generation:", NS_RISK_LOW},
		{OOM, high, "risk: high", NS_RISK_HIGH},
		{CRASH, critical, "risk: critical", NS_RISK_CRITICAL},
		{OOM, gibberish, "runbook: none fits", NS_RISK_LOW},
		{OOM, other_runbook, "runbook: oomkill-increase-memory calls for patch_resources, not scale", NS_RISK_MEDIUM},
		{OOM, other_kind, "runbook: oomkill-increase-memory is not written for alerts of this kind", NS_RISK_LOW},
		{OOM, other_cause, "runbook: oomkill-increase-memory does not list the cause something_new", NS_RISK_LOW},
		{OOM, argocd, "gitops: it is managed by argocd", NS_RISK_LOW},
		{CRASH, helm, "gitops: it is managed by helm", NS_RISK_MEDIUM},
		{COST, flux, "gitops: it is managed by flux", NS_RISK_LOW},
		{OOM, database_image, "database: it runs redis", NS_RISK_HIGH},
		{OOM, no_template, "undo:", NS_RISK_LOW},
		{CRASH, security_context, "unsafe fields: going back to revision 2 also changes securityContext, serviceAccountName", NS_RISK_HIGH},
		{CRASH, record_says_unsafe, "unsafe fields:", NS_RISK_HIGH},
		{CRASH, record_is_wrong, "unsafe fields: going back to revision 2 also changes hostNetwork", NS_RISK_HIGH},
		{CRASH, volumes, "unsafe fields: going back to revision 2 also changes volumes", NS_RISK_HIGH},
		{CRASH, also_oom, "last kill: container proxy", NS_RISK_MEDIUM},
		{COST, no_cost, "cost:", NS_RISK_LOW},
		{COST, from_zero, "intent:", NS_RISK_MEDIUM},
		{COST, from_zero, "undo:", NS_RISK_MEDIUM},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		make[rows[i].base](&f, ar);
		rows[i].change(&f);
		ns_plan *p = plan(&f);
		if (p->action == NS_ACT_MANUAL_REVIEW || !asks(p, rows[i].reason) || p->risk != rows[i].risk) {
			show(p);
			fail_msg("row %zu: wanted \"%s\" at risk %s", i, rows[i].reason, ns_risk_name(rows[i].risk));
		}
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
		{128, 8192, 8192, 2.0, 256},  {100, 8192, 8192, 1.5, 148},  {30, 8192, 8192, 2.0, 60},      {3000, 8192, 0, 2.0, 5888},
		{3000, 4096, 0, 2.0, 4096},   {300, 8192, 500, 2.0, 400},   {700, 8192, 100000, 2.0, 1344}, {1, 8192, 8192, 2.0, 2},
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
	f.h = (ns_plan_history){f.done, 1};
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
	f.h = (ns_plan_history){f.done, 1};
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
		"", "-web", "--server=https://evil", "web\n", "we\nb", "web;rm -rf /", "$(id)", "`id`", "web/other", "Web", "w\xc3\xa9" "b", "web ", " web",
		"w\xe2\x80\xae" "b", "web\t", "..", "web.", ".web", "web-", "we*b", "web?x=1", "web#", "web%2f", "\x1b[31mweb", "web\x7f", "'", "\"", "a b",
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

/* ---- role -------------------------------------------------------------------------------------------------------- */

static void test_role(void **state)
{
	(void)state;
	static const char *const none[] = {"manual_review", NULL}, *const two[] = {"rollback", "scale", NULL};
	static const struct {
		const char *const *actions;
		bool act, deployments, exceptions;
	} rows[] = {{NULL, true, true, true}, {none, false, false, false}, {two, true, true, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_buf out = NS_BUF_INIT;
		ns_plan_minimal_role(&out, rows[i].actions);
		char *act = strstr(out.data, "---\n");
		assert_true((act != NULL) == rows[i].act);
		size_t first = act ? (size_t)(act - out.data) : out.len;
		ns_err err = {0};
		cJSON *read = ns_yaml_parse(out.data, first, "role", 0, 0, &err);
		if (!read)
			fail_msg("%s", err.text);
		assert_string_equal(ns_json_str(read, "kind", ""), "ClusterRole");
		ns_json_each(rule, ns_json_get(read, "rules"))
			ns_json_each(verb, ns_json_get(rule, "verbs"))
				if (strcmp(ns_json_str(rule, "resources", ""), "leases") != 0 && (!strcmp(verb->valuestring, "patch") || !strcmp(verb->valuestring, "delete")))
					fail_msg("the reading role may %s", verb->valuestring);
		cJSON_Delete(read);
		if (act) {
			cJSON *write = ns_yaml_parse(act + 4, strlen(act + 4), "role", 0, 0, &err);
			if (!write)
				fail_msg("%s", err.text);
			assert_true(ns_json_len(ns_json_get(write, "rules")) == (size_t)rows[i].deployments + (size_t)rows[i].exceptions);
			cJSON_Delete(write);
		}
		assert_null(strstr(out.data, "delete"));
		assert_null(strstr(out.data, "\"*\""));
		assert_true((strstr(out.data, "kyverno.io") != NULL && strstr(out.data, "[policyexceptions]") != NULL) == rows[i].exceptions);
		ns_buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_action_goes_through),
		cmocka_unit_test(test_runbook_by_analysis),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_memory_bounds),
		cmocka_unit_test(test_replica_bounds),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_rollback_target),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_text_stays_out),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_role),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
