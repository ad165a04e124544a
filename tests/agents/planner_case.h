/* A Deployment shop/web with two containers and three revisions, as the planner tests know it; each test changes what it is about. */
#ifndef TESTS_AGENTS_PLANNER_CASE_H
#define TESTS_AGENTS_PLANNER_CASE_H
#include "neuroscale/agents/executor.h"
#include "neuroscale/agents/planner.h"
#include "neuroscale/model/json.h"

#define MIB (1024LL * 1024)
#define SPEC_OF(image, memory, extra)                                                                                                      \
	"{\"metadata\":{\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"abc\"}},\"spec\":{" extra                                      \
	"\"initContainers\":[{\"name\":\"prepare\",\"image\":\"busybox:1\",\"resources\":{\"limits\":{\"memory\":\"64Mi\"}}}],"            \
	"\"containers\":[{\"name\":\"proxy\",\"image\":\"envoy:1\",\"resources\":{\"limits\":{\"memory\":\"64Mi\"}}},"                     \
	"{\"name\":\"app\",\"image\":\"" image "\",\"resources\":" memory "}]}}"
#define BURSTABLE  "{\"limits\":{\"memory\":\"128Mi\"},\"requests\":{\"memory\":\"64Mi\"}}"
#define GUARANTEED "{\"limits\":{\"memory\":\"128Mi\"},\"requests\":{\"memory\":\"128Mi\"}}"

typedef struct fixture {
	ns_arena *ar;
	ns_case c;
	ns_rca r;
	ns_plan_limits lim;
	ns_plan_history h;
	ns_container_facts k[3];
	ns_revision rev[3];
	const ns_plan *done[4];
	const char *rules[2];
} fixture;

/* An OOM case that goes through without a question. */
static inline void fixture_oom(fixture *f, ns_arena *ar)
{
	memset(f, 0, sizeof *f);
	f->ar = ar;
	f->lim = ns_plan_limits_default;
	const ns_container_facts nothing = {
	    .name = "", .image = "", .waiting_reason = "", .waiting_message = "", .last_reason = "", .last_message = ""};
	f->k[0] = f->k[1] = f->k[2] = nothing;
	f->k[0].name = "prepare", f->k[0].image = "busybox:1", f->k[0].init = true, f->k[0].mem_limit = 64 * MIB;
	f->k[1].name = "proxy", f->k[1].image = "envoy:1", f->k[1].mem_limit = 64 * MIB;
	f->k[2].name = "app", f->k[2].image = "shop/web:2", f->k[2].mem_limit = 128 * MIB, f->k[2].mem_request = 64 * MIB;
	f->k[2].has_last = true, f->k[2].last_reason = "OOMKilled", f->k[2].last_exit = 137, f->k[2].restarts = 6;
	f->rev[0] = (ns_revision){.number = 3,
	    .replicaset = "web-c",
	    .uid = "rs-3",
	    .current = true,
	    .changes = "",
	    .only_safe_fields = true,
	    .template_json = SPEC_OF("shop/web:3", BURSTABLE, "")};
	f->rev[1] = (ns_revision){.number = 2,
	    .replicaset = "web-b",
	    .uid = "rs-2",
	    .was_healthy = true,
	    .health_seen = true,
	    .order_known = true,
	    .changes = "image shop/web:3 -> shop/web:2",
	    .only_safe_fields = true,
	    .template_json = SPEC_OF("shop/web:2", BURSTABLE, "")};
	f->rev[2] = (ns_revision){.number = 1,
	    .replicaset = "web-a",
	    .uid = "rs-1",
	    .was_healthy = true,
	    .health_seen = true,
	    .order_known = true,
	    .changes = "image shop/web:3 -> shop/web:1",
	    .only_safe_fields = true,
	    .template_json = SPEC_OF("shop/web:1", BURSTABLE, "")};
	f->c = (ns_case){
	    .alert = {.kind = NS_KIND_OOM_KILLED,
	        .severity = NS_SEV_CRIT,
	        .target =
	            {.cluster = "c1", .ns = "shop", .kind = "Deployment", .name = "web", .uid = "0b1c2d3e-0000-4000-8000-000000000001"},
	        .container = "app",
	        .reason = "OOMKilled",
	        .message = "container app of web was OOMKilled",
	        .policy = "",
	        .rule = "",
	        .object_uid = "pod-1"},
	    .api_version = "apps/v1",
	    .generation = 7,
	    .observed_generation = 7,
	    .replicas = 3,
	    .ready = 2,
	    .updated = 3,
	    .available = 2,
	    .resource_version = "100",
	    .found = true,
	    .managed_by = "",
	    .owner = {.tool = "", .kind = "", .ns = "", .name = "", .automated = "", .generated_by = "", .revision = "", .history_revision = "", .why = ""},
	    .quota = "",
	    .unread = "",
	    .cond_progressing_reason = "",
	    .cond_available_reason = "",
	    .cond_message = "",
	    .containers = f->k,
	    .n_containers = 3,
	    .revisions = f->rev,
	    .n_revisions = 3,
	    .policy_message = "",
	    .policy_category = "",
	    .policy_severity = "",
	    .policy_kind = "",
	    .policy_guard = "",
	    .exception_off = "",
	    .exception_api_version = "",
	    .exception_namespace = "",
	    .node_allocatable_mem = 8192 * MIB,
	};
	f->r = (ns_rca){
	    .root_cause = "Container app of shop/web needs more memory than its limit of 128Mi and was OOMKilled (exit 137, 6 times).",
	    .confidence = 0.92,
	    .action = NS_ACT_PATCH_RESOURCES,
	    .risk = NS_RISK_LOW,
	    .auto_remediate = true,
	    .reasoning = "A higher, bounded memory limit lets it run; the change is undone by restoring the old limit.",
	    .provider = "offline",
	    .cause_class = "oom_limit_too_low",
	    .evidence_ok = true,
	    .next_steps = "Watch its working set."};
}

static inline void fixture_crash(fixture *f, ns_arena *ar)
{
	fixture_oom(f, ar);
	f->k[2].last_reason = "Error", f->k[2].last_exit = 1;
	f->k[2].waiting_reason = "CrashLoopBackOff";
	f->c.alert.kind = NS_KIND_POD_CRASHLOOP;
	f->c.alert.reason = "CrashLoopBackOff";
	f->c.alert.message = "back-off restarting failed container app";
	f->r.action = NS_ACT_ROLLBACK;
	f->r.cause_class = "bad_release_crash";
	f->r.root_cause = "Revision 3 of shop/web crashes since it was rolled out, while revision 2 was healthy; it changed the image.";
	f->r.reasoning = "Going back to revision 2 restores what was running; CrashLoopBackOff began with the new release.";
}

static inline void fixture_cost(fixture *f, ns_arena *ar)
{
	fixture_oom(f, ar);
	f->k[2].last_reason = "";
	f->c.alert.kind = NS_KIND_COST_SPIKE;
	f->c.alert.reason = "CostSpike";
	f->c.alert.message = "cost per day rose from 6.00 to 41.00";
	f->c.alert.container = "";
	f->c.nonproduction = true;
	f->c.replicas = 10;
	f->c.monthly_cost = 1338;
	f->c.monthly_saving = 1204.2;
	f->r.action = NS_ACT_COST_SCALE_DOWN;
	f->r.cause_class = "cost_idle_nonproduction";
	f->r.root_cause = "shop/web, a non-production workload in staging, costs 41.00 a day (6.00 before) while CPU usage is near zero.";
	f->r.reasoning = "Fewer replicas save money; idle replicas in a non-production namespace, cost spike in OpenCost.";
}

static inline void fixture_policy(fixture *f, ns_arena *ar)
{
	fixture_oom(f, ar);
	f->k[2].last_reason = "";
	f->rules[0] = "check-limits";
	f->rules[1] = "autogen-check-limits";
	f->c.alert.kind = NS_KIND_KYVERNO_VIOLATION;
	f->c.alert.reason = "PolicyViolation";
	f->c.alert.container = "";
	f->c.alert.policy = "require-limits";
	f->c.alert.rule = "check-limits";
	f->c.alert.message = "validation error: CPU and memory limits are required";
	f->c.policy_message = "validation error: CPU and memory limits are required. rule check-limits failed";
	f->c.policy_category = "Best Practices";
	f->c.rules = f->rules;
	f->c.n_rules = 2;
	f->c.exception_api_version = "kyverno.io/v2";
	f->c.exception_namespace = "policy-exceptions";
	f->r.action = NS_ACT_POLICY_EXCEPTION;
	f->r.risk = NS_RISK_MEDIUM;
	f->r.cause_class = "policy_best_practice";
	f->r.root_cause =
	    "shop/web does not fulfil rule check-limits of Kyverno policy require-limits, a best practice: limits are required.";
	f->r.reasoning = "A narrow exception with an end lets it run while the manifest is corrected; PolicyViolation, validation error.";
}

static inline ns_plan *plan_with(fixture *f, const ns_library *lib)
{
	return ns_plan_make(f->ar, &f->c, &f->r, lib, &f->lim, &f->h, 7);
}

/* ---- what the tests share: the library, and what every plan must be ---- */

static ns_library *lib;

static inline int load(void **state)
{
	ns_err err = {0};
	(void)state;
	lib = ns_library_load(NULL, &err);
	if (!lib)
		print_error("%s\n", err.text);
	return lib ? 0 : -1;
}

static inline int unload(void **state)
{
	(void)state;
	ns_library_free(lib);
	return 0;
}

/* True when one of the reasons begins so. */
static inline bool asks(const ns_plan *p, const char *with)
{
	for (size_t i = 0; i < p->n_approval_reasons; i++)
		if (!strncmp(p->approval_reasons[i], with, strlen(with)))
			return true;
	return false;
}

static inline void show(const ns_plan *p)
{
	print_message("# %s | %s\n", ns_action_get(p->action)->name, p->summary);
	print_message("# runbook %s score %.3f margin %.3f risk %s\n", p->runbook, p->score, p->margin, ns_risk_name(p->risk));
	for (size_t i = 0; i < p->n_approval_reasons; i++)
		print_message("# asks: %s\n", p->approval_reasons[i]);
}

/* What every plan must be, whatever it is about. */
static inline void check_sane(const ns_plan *p)
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
	assert_true(p->undo_valid == (p->undo.argv != NULL));
	if (p->undo.argv && !ns_argv_permitted(p->undo.argv, NULL, &why))
		fail_msg("undo not permitted: %s", why);
}

static inline ns_plan *plan(fixture *f)
{
	ns_plan *p = plan_with(f, lib);
	check_sane(p);
	return p;
}

enum { OOM, CRASH, COST, POLICY };
__attribute__((unused)) static void (*const make[])(fixture *, ns_arena *) = {fixture_oom, fixture_crash, fixture_cost, fixture_policy};

#endif
