/* How each scenario must end. What happens in it is in scenes.c. */
#include "neuroscale/sim/sim.h"
#include <stddef.h>

/* clang-format off */
#define EXPECT(...) ((const ns_sim_expect[]){__VA_ARGS__, {0}})
#define NOTHING(ns_, name_) {.ns = ns_, .workload = name_, .kind = "-", .state = "", .verdict = "", .action = "", .never = "any", .runbook = ""}
#define FIXED(ns_, name_, kind_, action_, runbook_)                                                                                     \
	{.ns = ns_, .workload = name_, .kind = kind_, .state = "resolved", .verdict = "FIXED", .action = action_, .never = "", .runbook = runbook_}
#define PERSON(ns_, name_, kind_)                                                                                                       \
	{.ns = ns_, .workload = name_, .kind = kind_, .state = "manual_review", .verdict = "", .action = "manual_review", .never = "any", .runbook = ""}
#define MIN(n) ((n) * 60000LL)

const ns_sim_scenario ns_sim_scenarios[] = {
	{"demo", "a bad afternoon in four namespaces", "all five runbooks, approved by a person", NS_PROFILE_APPROVE, NS_SIM_APPROVE, MIN(12),
	    EXPECT(FIXED("shop", "checkout", "oom_killed", "patch_resources", "oomkill-increase-memory"),
		FIXED("shop", "cart", "pod_crashloop", "rollback", "crashloop-rollback"),
		FIXED("web", "storefront", "deployment_stalled|probe_failure", "rollback", "deployment-failure-sync"),
		FIXED("data", "report-builder", "kyverno_violation", "policy_exception", "kyverno-policy-exception"),
		FIXED("staging", "load-generator", "cost_spike", "cost_scale_down", "cost-spike-scale-down"), NOTHING("shop", "catalog"),
		NOTHING("shop", "search"), NOTHING("web", "api-gateway"), NOTHING("data", "warehouse-sync"), NOTHING("staging", "preview"))},
	{"oom-simple", "a memory limit that is too low", "raise it once, verify for two minutes", NS_PROFILE_APPROVE, NS_SIM_APPROVE, MIN(8),
	    EXPECT(FIXED("shop", "checkout", "oom_killed", "patch_resources", "oomkill-increase-memory"), NOTHING("shop", "catalog"))},
	{"oom-twice", "a first raise that is not enough", "NOT FIXED, planned again, then FIXED", NS_PROFILE_APPROVE, NS_SIM_APPROVE, MIN(14),
	    EXPECT(FIXED("shop", "checkout", "oom_killed", "patch_resources", "oomkill-increase-memory"), NOTHING("shop", "catalog"))},
	{"oom-leak", "memory that grows to any limit", "a fix that does not fix is said to be none", NS_PROFILE_APPROVE, NS_SIM_APPROVE, MIN(14),
	    EXPECT({.ns = "media", .workload = "thumbnailer", .kind = "oom_killed", .state = "failed|manual_review", .verdict = "NOT FIXED",
		       .action = "", .never = "rollback,scale,policy_exception,cost_scale_down", .runbook = ""}, NOTHING("media", "gallery"))},
	{"oom-recovered", "one kill, and it runs again", "what heals by itself is left alone", NS_PROFILE_APPROVE, NS_SIM_SILENT, MIN(8),
	    EXPECT({.ns = "shop", .workload = "invoicer", .kind = "oom_killed", .state = "withdrawn|resolved", .verdict = "", .action = "",
		       .never = "any", .runbook = ""}, NOTHING("shop", "catalog"))},
	{"crashloop-release", "a release that panics at start", "rolled back with no person: every condition of auto holds", NS_PROFILE_AUTO,
	    NS_SIM_SILENT, MIN(8), EXPECT(FIXED("shop", "cart", "pod_crashloop", "rollback", "crashloop-rollback"), NOTHING("shop", "catalog"))},
	{"crashloop-secret", "a Secret that is gone, just after a release", "the newest revision is not at fault: no rollback", NS_PROFILE_AUTO,
	    NS_SIM_APPROVE, MIN(6), EXPECT(PERSON("payments", "payments-api", "pod_crashloop|config_error"),
		PERSON("payments", "billing", "config_error|deployment_stalled"), NOTHING("payments", "receipts"))},
	{"crashloop-dependency", "a database that refuses connections", "a rollback cannot help and must not be called a fix", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(10), EXPECT({.ns = "orders", .workload = "orders", .kind = "pod_crashloop", .state = "manual_review|failed",
		       .verdict = "|NOT FIXED", .action = "", .never = "patch_resources,scale,policy_exception,cost_scale_down", .runbook = ""},
		NOTHING("orders", "mailer"))},
	{"image-typo", "an image tag that does not exist", "the rollout stalls, the old pods serve, a rollback heals", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(8), EXPECT(FIXED("web", "storefront", "image_pull|deployment_stalled", "rollback", ""), NOTHING("web", "api-gateway"))},
	{"rollout-stalled", "a new revision that never becomes ready", "the progress deadline passes, a rollback heals", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(8), EXPECT(FIXED("web", "storefront", "deployment_stalled|probe_failure", "rollback", "deployment-failure-sync"),
		NOTHING("web", "api-gateway"))},
	{"unschedulable", "more replicas than the nodes can take", "no action here gives a cluster more nodes", NS_PROFILE_AUTO, NS_SIM_APPROVE,
	    MIN(6), EXPECT(PERSON("batch", "simulator", "unschedulable"), NOTHING("batch", "queue"))},
	{"kyverno-blocked", "a best-practice rule blocks a deployment", "a narrow exception, approved by a person", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(8), EXPECT(FIXED("data", "report-builder", "kyverno_violation", "policy_exception", "kyverno-policy-exception"),
		NOTHING("data", "warehouse-sync"))},
	{"kyverno-namespace", "Kyverno takes exceptions in one namespace only", "one in any other would be accepted and do nothing", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(8), EXPECT(FIXED("data", "report-builder", "kyverno_violation", "policy_exception", "kyverno-policy-exception"))},
	{"kyverno-privileged", "a privileged container is blocked", "no exception from a security rule, whoever asks", NS_PROFILE_APPROVE,
	    NS_SIM_APPROVE, MIN(6), EXPECT(PERSON("data", "node-tuner", "kyverno_violation"), NOTHING("data", "warehouse-sync"))},
	{"cost-spike", "a load test that was left running in staging", "scaled down, and the cost falls", NS_PROFILE_APPROVE, NS_SIM_APPROVE,
	    MIN(8), EXPECT(FIXED("qa", "load-generator", "cost_spike", "cost_scale_down", "cost-spike-scale-down"), NOTHING("qa", "preview"))},
	{"cost-spike-prod", "the same spike where nothing says it is not production", "nothing runs by itself in production", NS_PROFILE_AUTO,
	    NS_SIM_SILENT, MIN(9), EXPECT({.ns = "qa", .workload = "load-generator", .kind = "cost_spike", .state = "manual_review|expired",
		       .verdict = "", .action = "", .never = "any", .runbook = ""}, NOTHING("qa", "preview"))},
	{"healthy", "nothing is wrong", "no incident at all", NS_PROFILE_AUTO, NS_SIM_APPROVE, MIN(5), EXPECT(NOTHING("shop", "checkout"),
		NOTHING("shop", "cart"), NOTHING("shop", "catalog"), NOTHING("web", "storefront"), NOTHING("kube-system", "coredns"))},
	{"rollout-control", "an ordinary rollout", "pods that are not ready for a while are no incident", NS_PROFILE_AUTO, NS_SIM_APPROVE, MIN(5),
	    EXPECT(NOTHING("web", "storefront"), NOTHING("web", "api-gateway"))},
	{"storm", "twelve of sixteen workloads go down at once", "one storm is shown, nothing is sent", NS_PROFILE_AUTO, NS_SIM_APPROVE, MIN(5),
	    EXPECT({.ns = "", .workload = "sim", .kind = "storm", .state = "manual_review", .verdict = "", .action = "", .never = "any", .runbook = ""},
		NOTHING("web", "storefront"), NOTHING("web", "assets"))},
	{"api-outage", "the API server is away for a minute", "the incident goes on, nothing is done twice", NS_PROFILE_APPROVE, NS_SIM_APPROVE,
	    MIN(12), EXPECT(FIXED("shop", "checkout", "oom_killed", "patch_resources", "oomkill-increase-memory"), NOTHING("shop", "catalog"))},
	{"rejected", "a person says no", "nothing is sent", NS_PROFILE_APPROVE, NS_SIM_REJECT, MIN(6),
	    EXPECT({.ns = "shop", .workload = "checkout", .kind = "oom_killed", .state = "rejected", .verdict = "", .action = "patch_resources",
		       .never = "any", .runbook = "oomkill-increase-memory"}, NOTHING("shop", "catalog"))},
	{"silent", "nobody answers for five minutes", "silence is no", NS_PROFILE_APPROVE, NS_SIM_SILENT, MIN(9),
	    EXPECT({.ns = "shop", .workload = "checkout", .kind = "oom_killed", .state = "expired", .verdict = "", .action = "patch_resources",
		       .never = "any", .runbook = "oomkill-increase-memory"}, NOTHING("shop", "catalog"))},
	{0},
};
