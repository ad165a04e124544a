/* What the planner refuses and what it asks about, one row per rule: the case that goes through, changed in one thing. */
#include "support/test.h"

#include "agents/planner_case.h"

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static const char *const extra_protected[] = {"shop", NULL};
static const char *const only_scale[] = {"scale", NULL};

#define CHANGE(name, code)                                                                                                                 \
	static void name(fixture *f)                                                                                                       \
	{                                                                                                                                  \
		code;                                                                                                                      \
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
CHANGE(at_limit_range, f->c.container_mem_max = 130 * MIB)
CHANGE(at_pod_range, f->c.pod_mem_max = 64 * MIB + 130 * MIB)
CHANGE(at_quota, f->c.quota = "team"; f->c.quota_limit_left = 640 * MIB - 1; f->c.quota_request_left = -1; f->c.surge = 1)
CHANGE(at_request_quota, f->c.quota = "team"; f->c.quota_limit_left = -1; f->c.quota_request_left = 640 * MIB - 1; f->c.surge = 1;
       f->k[2].mem_request = 128 * MIB; f->rev[0].template_json = SPEC_OF("shop/web:3", GUARANTEED, ""))
CHANGE(has_vpa, f->c.has_vpa = true)
CHANGE(at_budget, f->c.pdb_min_available = 10)
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
CHANGE(security_rule, f->c.alert.policy = "disallow-privileged-containers"; f->rules[0] = "privileged-containers";
       f->c.policy_category = "Pod Security Standards (Baseline)")
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
static void own_by(fixture *f, bool heals)
{
	f->c.managed_by = "argocd";
	f->c.owner = (ns_owner){.tool = "argocd", .kind = "Application", .ns = "argocd", .name = "shop", .confirmed = true, .auto_sync = heals,
	    .self_heal = heals, .automated = heals ? "{\"prune\":true}" : "", .generated_by = "", .revision = "", .history_revision = "abc1", .why = "",
	    .has_target = true, .history_id = 4};
}
CHANGE(argocd_unread, f->c.managed_by = "argocd")
CHANGE(argocd_heals, own_by(f, true))
CHANGE(argocd_release, own_by(f, true); f->r.action = NS_ACT_MANUAL_REVIEW; f->r.cause_class = "bad_release_gitops")
CHANGE(argocd_in_git, own_by(f, true); f->c.owner.has_target = false; f->c.owner.why = "ApplicationSet apps writes it")
CHANGE(flux_named, f->c.managed_by = f->c.owner.tool = "flux"; f->c.owner.kind = "Kustomization"; f->c.owner.ns = "flux-system"; f->c.owner.name = "apps")
CHANGE(flux_release, flux_named(f); f->r.action = NS_ACT_MANUAL_REVIEW; f->r.cause_class = "bad_release_gitops")
CHANGE(helm_named, f->c.managed_by = f->c.owner.tool = "helm"; f->c.owner.kind = "release"; f->c.owner.ns = f->c.owner.name = "shop")
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
	    {OOM, stateful, "target: only Deployments are changed by machine, and this is a StatefulSet",
	        "kubectl -n shop set resources statefulset/web -c app"},
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
	    {OOM, at_limit_range, "its memory limit of 128Mi cannot be raised by a tenth without passing its namespace's LimitRange", ""},
	    {OOM, at_pod_range, "its memory limit of 128Mi cannot be raised by a tenth without passing its namespace's LimitRange for", ""},
	    {OOM, at_quota, "quota team leaves 639Mi of memory limits to the namespace and the rollout would take 640Mi", ""},
	    {OOM, at_request_quota, "quota team leaves 639Mi of memory requests", ""},
	    {OOM, has_vpa, "a VerticalPodAutoscaler sets", ""},
	    {COST, at_budget, "it has 10 replicas already; nothing is scaled below 10, which its disruption budget", ""},
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
	    {CRASH, argocd_stalled, "gitops: argocd deploys it", "argocd app diff APP && argocd app sync APP"},
	    {CRASH, flux_sync, "gitops: flux could not sync it", "flux reconcile"},
	    {CRASH, helm_stalled, "gitops: helm deploys it", "helm -n shop rollback RELEASE"},
	    {OOM, argocd_unread, "gitops: argocd would set it back", "argocd app diff APP"},
	    {OOM, argocd_heals, "gitops: argocd (Application shop) would set it back", "argocd app diff shop -N argocd --hard-refresh && argocd app sync shop"},
	    {COST, argocd_heals, "gitops: argocd (Application shop) would set it back", "argocd app sync shop -N argocd"},
	    {OOM, flux_named, "gitops: flux (Kustomization apps) would set it back", "flux reconcile kustomization apps -n flux-system"},
	    {CRASH, argocd_heals, "gitops: argocd (Application shop) deploys it, so it is gone back there", "select(.id == 4)"},
	    {CRASH, argocd_in_git, "gitops: argocd (Application shop) deploys it, so it is gone back there; ApplicationSet", "argocd app diff shop"},
	    {CRASH, flux_named, "gitops: flux (Kustomization apps) deploys it",
	        "flux suspend kustomization apps -n flux-system && kubectl -n shop rollout undo deployment/web --to-revision=2"},
	    {CRASH, helm_named, "gitops: helm (release shop) deploys it", "helm -n shop rollback shop --wait"},
	    {CRASH, argocd_release, "analysis:", "select(.id == 4)"},
	    {CRASH, flux_release, "analysis:", "flux suspend kustomization apps -n flux-system && kubectl -n shop rollout undo deployment/web --to-revision=2"},
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
			fail_msg(
			    "row %zu: wanted \"%s\" with \"%s\", command is \"%s\"", i, rows[i].why, rows[i].command, p->manual_command);
		}
		assert_int_equal(strncmp(p->summary, "by hand: ", 9), 0);
		assert_true(strstr(p->summary, rows[i].why) || !strcmp(rows[i].why, "analysis:")); /* the cause speaks for itself */
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
CHANGE(gibberish, f->c.alert.kind = NS_KIND_UNSCHEDULABLE; f->r.root_cause = "zqx wvy"; f->r.reasoning = ""; f->r.cause_class = "";
       f->c.alert.reason = "Qqq"; f->c.alert.message = "")
CHANGE(
    contradictory,
    f->r.root_cause = "CrashLoopBackOff since the new image version was rolled out, the version before ran fine. Panic in the new release.";
    f->r.reasoning = "Going back to revision 2.")
CHANGE(other_runbook, f->r.action = NS_ACT_SCALE; f->r.cause_class = "overload")
CHANGE(other_kind, f->c.alert.kind = NS_KIND_UNSCHEDULABLE)
CHANGE(other_cause, f->r.cause_class = "something_new")
CHANGE(argocd_by_hand, own_by(f, false))
CHANGE(helm, f->c.managed_by = "helm")
CHANGE(database_image, f->k[2].image = "redis@sha256:0000")
CHANGE(no_template, f->c.n_revisions = 0)
CHANGE(security_context,
       f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"securityContext\":{\"runAsUser\":0},\"serviceAccountName\":\"root\",");
       f->rev[1].only_safe_fields = false)
CHANGE(record_says_unsafe, f->rev[1].only_safe_fields = false)
CHANGE(record_is_wrong, f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"hostNetwork\":true,"))
CHANGE(volumes, f->rev[1].template_json = SPEC_OF("shop/web:2", BURSTABLE, "\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/\"}}],"))
CHANGE(unread_memory, f->c.unread = "quotas, LimitRanges")
CHANGE(unread_replicas, f->c.unread = "disruption budgets")
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
	    {OOM, unsure, "confidence: 75 %", NS_RISK_LOW},
	    {OOM, impossible, "confidence:", NS_RISK_LOW},
	    {OOM, not_a_number, "confidence:", NS_RISK_LOW},
	    {OOM, declined, "analysis:", NS_RISK_LOW},
	    {OOM, no_evidence, "evidence:", NS_RISK_LOW},
	    {OOM, stale, "generation:", NS_RISK_LOW},
	    {OOM, high, "risk: high", NS_RISK_HIGH},
	    {CRASH, critical, "risk: critical", NS_RISK_CRITICAL},
	    {OOM, gibberish, "runbook: none fits", NS_RISK_LOW},
	    {OOM, contradictory, "margin:", NS_RISK_LOW},
	    {OOM, other_runbook, "runbook: oomkill-increase-memory calls for patch_resources, not scale", NS_RISK_MEDIUM},
	    {OOM, other_kind, "runbook: oomkill-increase-memory is not written for alerts of this kind", NS_RISK_LOW},
	    {OOM, other_cause, "runbook: oomkill-increase-memory does not list the cause something_new", NS_RISK_LOW},
	    {OOM, argocd_by_hand, "gitops: it is managed by argocd", NS_RISK_LOW},
	    {OOM, helm, "gitops: it is managed by helm", NS_RISK_LOW},
	    {COST, argocd_by_hand, "gitops: it is managed by argocd", NS_RISK_LOW},
	    {OOM, database_image, "database: it runs redis", NS_RISK_HIGH},
	    {OOM, no_template, "undo:", NS_RISK_LOW},
	    {CRASH, security_context, "unsafe fields: going back to revision 2 also changes securityContext, serviceAccountName",
	        NS_RISK_HIGH},
	    {CRASH, record_says_unsafe, "unsafe fields:", NS_RISK_HIGH},
	    {CRASH, record_is_wrong, "unsafe fields: going back to revision 2 also changes hostNetwork", NS_RISK_HIGH},
	    {CRASH, volumes, "unsafe fields: going back to revision 2 also changes volumes", NS_RISK_HIGH},
	    {OOM, unread_memory, "bounds: quotas, LimitRanges could not be read", NS_RISK_LOW},
	    {COST, unread_replicas, "bounds: disruption budgets could not be read", NS_RISK_LOW},
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

/* What bounds a change without forbidding it. */
static void test_bounds(void **state)
{
	(void)state;
	static const struct {
		int64_t container_max, pod_max, limit_left, request_left, surge;
		int64_t to; /* MiB */
	} rows[] = {
	    {0, 0, -1, -1, 1, 256},
	    {200 * MIB, 0, -1, -1, 1, 200},
	    {512 * MIB, 0, -1, -1, 1, 256},
	    {0, 64 * MIB + 192 * MIB, -1, -1, 1, 192}, /* the proxy beside it has 64Mi; the init container is gone by then */
	    {0, 0, 640 * MIB, -1, 1, 256},
	    {0, 0, 384 * MIB, -1, 0, 256},             /* without a surge every pod makes way for its successor */
	    {0, 0, -1, 0, 1, 256},                     /* the request stays as it is */
	    {144 * MIB, 0, 3 * 16 * MIB + 144 * MIB, -1, 1, 144},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fixture f;
		ns_arena *ar = ns_arena_new();
		fixture_oom(&f, ar);
		f.c.container_mem_max = rows[i].container_max;
		f.c.pod_mem_max = rows[i].pod_max;
		f.c.quota = "team";
		f.c.quota_limit_left = rows[i].limit_left;
		f.c.quota_request_left = rows[i].request_left;
		f.c.surge = rows[i].surge;
		ns_plan *p = plan(&f);
		if (p->action != NS_ACT_PATCH_RESOURCES || p->mem_after != rows[i].to * MIB) {
			show(p);
			fail_msg("row %zu: wanted %lld MiB", i, (long long)rows[i].to);
		}
		ns_arena_free(ar);
	}
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_cost(&f, ar);
	f.c.pdb_min_available = 4;
	assert_int_equal(plan(&f)->replicas_after, 4);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_doubts),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
