/* Scenes: what runs in the cluster of each scenario and what goes wrong with it, one table each. How it must end is in scenarios.c.
 * A new scenario is a table here, a row in sim_scenes, and its expectations there. */
#include "faults_priv.h"
#include <stddef.h>

/* clang-format off */
#define OLD(image_) {.at_ms = -DAYS(9), .image = image_, .cause = "initial release"}
#define PAST(image_) {.at_ms = -HOURS(30), .image = image_}
/* A fault that hits running pods: they are young, because what ran for a day before it failed must run for two to be called fixed. */
#define YOUNG .pods_ms = -SECONDS(40)
/* A healthy workload. */
#define CALM(ns_, name_, n, image)                                                                                                      \
	{.ns = ns_, .name = name_, .replicas = n, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(image)}}
#define REG "registry.example.com/"

const sim_work sim_platform[] = {
	{.ns = "kube-system", .name = "coredns", .replicas = 2, .cpu = "100m", .mem_request = "70Mi", .mem_limit = "170Mi",
	    .revs = {PAST("registry.k8s.io/coredns/coredns:v1.11.3")}},
	{.ns = "kyverno", .name = "kyverno-admission-controller", .replicas = 1, .cpu = "100m", .mem_request = "128Mi", .mem_limit = "384Mi",
	    .labels = "app.kubernetes.io/component=admission-controller;app.kubernetes.io/part-of=kyverno",
	    .revs = {PAST("ghcr.io/kyverno/kyverno:v1.13.4")}},
	{.ns = "opencost", .name = "opencost", .replicas = 1, .cpu = "50m", .mem_request = "55Mi", .mem_limit = "1Gi",
	    .revs = {PAST("ghcr.io/opencost/opencost:1.114.0")}},
	{0},
};

static const sim_work demo[] = {
	{.ns = "shop", .name = "checkout", .replicas = 3, .cpu = "250m", .mem_request = "128Mi", .mem_limit = "128Mi", .limit_span_mib = 32, .labels = "team=shop",
	    .revs = {OLD(REG "shop/checkout:5.2.0"), {.at_ms = -HOURS(20), .image = REG "shop/checkout:5.3.1", .cause = "release 5.3.1"}},
	    .fault = &oom_220, .fault_from_ms = SECONDS(6), YOUNG, .says = &words_java},
	{.ns = "shop", .name = "cart", .replicas = 3, .cpu = "200m", .mem_request = "96Mi", .mem_limit = "256Mi", .labels = "team=shop",
	    .revs = {PAST(REG "shop/cart:3.1.4"), {.at_ms = SECONDS(25), .image = REG "shop/cart:3.2.0", .does = &panic_at_start, .cause = "release 3.2.0"}}},
	{.ns = "web", .name = "storefront", .replicas = 4, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .labels = "team=web",
	    .revs = {PAST(REG "web/storefront:11.8.2"), {.at_ms = SECONDS(40), .image = REG "web/storefront:12.0.0", .does = &never_ready,
	        .cause = "release 12.0.0"}}, .progress_s = 30},
	{.ns = "data", .name = "report-builder", .replicas = 2, .cpu = "250m", .mem_request = "256Mi", .labels = "team=data",
	    .revs = {PAST(REG "data/report-builder:0.9.7")}, .violation = &needs_limits, .violation_from_ms = SECONDS(55)},
	{.ns = "staging", .name = "load-generator", .replicas = 2, .cpu = "1", .mem_request = "1Gi", .mem_limit = "2Gi",
	    .labels = "environment=staging;team=qa", .revs = {PAST(REG "qa/load-generator:1.6.0")}, .scale_at_ms = SECONDS(70), .scale_to = 10, .used = 4},
	CALM("shop", "catalog", 3, REG "shop/catalog:2.20.1"),
	CALM("shop", "search", 2, REG "shop/search:1.7.3"),
	{.ns = "web", .name = "api-gateway", .replicas = 2, .cpu = "200m", .mem_request = "96Mi", .mem_limit = "256Mi",
	    .labels = "app.kubernetes.io/managed-by=Helm", .annotations = "meta.helm.sh/release-name=api-gateway;meta.helm.sh/release-namespace=web",
	    .revs = {PAST(REG "web/api-gateway:6.0.2")}, .sidecar = "docker.io/envoyproxy/envoy:v1.31.2"},
	CALM("data", "warehouse-sync", 1, REG "data/warehouse-sync:4.1.0"),
	CALM("staging", "preview", 1, REG "qa/preview:2026.11"),
	{0},
};

#define OOM_WORK(fault_, limit)                                                                                                        \
	{.ns = "shop", .name = "checkout", .replicas = 2, .cpu = "250m", .mem_request = "96Mi", .mem_limit = limit, .limit_span_mib = 32, \
	    .revs = {OLD(REG "shop/checkout:5.2.0"), {.at_ms = -HOURS(20), .image = REG "shop/checkout:5.3.1"}}, .fault = fault_,        \
	    .fault_from_ms = SECONDS(10), YOUNG, .says = &words_java}
static const sim_work oom_simple[] = {OOM_WORK(&oom_220, "128Mi"), CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"), {0}};
static const sim_work oom_twice[] = {OOM_WORK(&oom_400, "128Mi"), CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"), {0}};
/* The fillers leave on no node what the raised limit asks for: what is guaranteed is requested too, so the new pod has nowhere to go. */
static const sim_work oom_no_room[] = {
	{.ns = "shop", .name = "checkout", .replicas = 2, .cpu = "250m", .mem_request = "128Mi", .mem_limit = "128Mi",
	    .revs = {OLD(REG "shop/checkout:5.2.0"), {.at_ms = -HOURS(20), .image = REG "shop/checkout:5.3.1"}}, .fault = &oom_220,
	    .fault_from_ms = SECONDS(10), YOUNG, .says = &words_java},
	{.ns = "data", .name = "cache", .replicas = 3, .cpu = "100m", .mem_request = "15000Mi", .mem_limit = "15000Mi", .revs = {PAST(REG "data/cache:7.4.1")}},
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"),
	{0},
};
static const sim_work oom_leaks[] = {
	{.ns = "media", .name = "thumbnailer", .replicas = 2, .cpu = "250m", .mem_request = "128Mi", .mem_limit = "256Mi",
	    .revs = {PAST(REG "media/thumbnailer:2.9.0")}, .fault = &oom_leak, .fault_from_ms = SECONDS(10), YOUNG, .says = &words_leak},
	CALM("media", "gallery", 2, REG "media/gallery:1.4.2"),
	{0},
};
static const sim_work oom_recovered[] = {
	{.ns = "shop", .name = "invoicer", .replicas = 2, .cpu = "250m", .mem_request = "128Mi", .mem_limit = "256Mi",
	    .revs = {PAST(REG "shop/invoicer:1.12.0")}, .fault = &oom_burst, .fault_from_ms = SECONDS(10), .fault_until_ms = SECONDS(12) + 100,
	    YOUNG, .says = &words_java},
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"),
	{0},
};

#define RELEASE(old_image, new_image, does_)                                                                                            \
	.revs = {PAST(old_image), {.at_ms = SECONDS(10), .image = new_image, .does = does_, .cause = "new release"}}
static const sim_work crashloop_release[] = {
	{.ns = "shop", .name = "cart", .replicas = 3, .cpu = "200m", .mem_request = "96Mi", .mem_limit = "256Mi",
	    RELEASE(REG "shop/cart:3.1.4", REG "shop/cart:3.2.0", &panic_at_start)},
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"),
	{0},
};
static const sim_work rejected[] = {
	{.ns = "shop", .name = "notification-gateway", .replicas = 2, .cpu = "100m", .mem_request = "96Mi", .mem_limit = "256Mi",
	    RELEASE(REG "shop/notification-gateway:1.13.2", REG "shop/notification-gateway:1.14.0", &node_at_start)},
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"),
	{0},
};
static const sim_work crashloop_secret[] = {
	/* The new revision is fine and was rolled out well; then the Secret goes, and any revision would crash. */
	{.ns = "payments", .name = "payments-api", .replicas = 2, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "384Mi",
	    .revs = {{.at_ms = -HOURS(30), .image = REG "pay/payments-api:4.8.0", .env = "DB_PASSWORD=@payments-db/password"},
	        {.at_ms = -MINUTES(12), .image = REG "pay/payments-api:4.8.1", .env = "DB_PASSWORD=@payments-db/password", .cause = "release 4.8.1"}},
	    .fault = &secret_env_missing, .fault_from_ms = SECONDS(10), YOUNG},
	{.ns = "payments", .name = "ledger", .replicas = 2, .cpu = "100m", .mem_request = "96Mi", .mem_limit = "256Mi",
	    .revs = {PAST(REG "pay/ledger:2.2.9"), {.at_ms = -MINUTES(7), .image = REG "pay/ledger:2.3.0", .cause = "release 2.3.0"}},
	    .fault = &secret_file_missing, .fault_from_ms = SECONDS(14), YOUNG},
	/* The same where the kubelet itself notices. */
	{.ns = "payments", .name = "billing", .replicas = 2, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "384Mi",
	    .revs = {{.at_ms = -HOURS(30), .image = REG "pay/billing:2.0.4", .env = "DB_PASSWORD=@billing-db/password"},
	        {.at_ms = SECONDS(12), .image = REG "pay/billing:2.0.5", .env = "DB_PASSWORD=@billing-db/password", .cause = "release 2.0.5"}},
	    .fault = &secret_missing, .fault_from_ms = SECONDS(10)},
	CALM("payments", "receipts", 2, REG "pay/receipts:1.3.0"),
	CALM("payments", "fraud-check", 2, REG "pay/fraud-check:3.3.1"),
	CALM("payments", "rates", 2, REG "pay/rates:1.0.8"),
	{0},
};
static const sim_work crashloop_dependency[] = {
	{.ns = "orders", .name = "orders", .replicas = 2, .cpu = "200m", .mem_request = "256Mi", .mem_limit = "512Mi",
	    .revs = {PAST(REG "orders/orders:7.0.2"), {.at_ms = -MINUTES(8), .image = REG "orders/orders:7.0.3", .cause = "release 7.0.3"}},
	    .fault = &db_down, .fault_from_ms = SECONDS(10), YOUNG},
	CALM("orders", "mailer", 2, REG "orders/mailer:2.2.0"),
	CALM("orders", "tracker", 2, REG "orders/tracker:1.9.4"),
	{0},
};
/* A release and bad data come together: the crash looks like the release's, and is not. */
static const sim_work rollback_in_vain[] = {
	{.ns = "reco", .name = "recommender", .replicas = 2, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "384Mi",
	    .revs = {PAST(REG "reco/recommender:5.0.6"), {.at_ms = SECONDS(10), .image = REG "reco/recommender:5.1.0", .cause = "release 5.1.0"}},
	    .fault = &bad_tables, .fault_from_ms = SECONDS(9)},
	CALM("reco", "trainer", 1, REG "reco/trainer:2.4.0"),
	{0},
};
static const sim_work image_typo[] = {
	{.ns = "web", .name = "storefront", .replicas = 3, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .progress_s = 60,
	    .revs = {PAST(REG "web/storefront:11.8.2"), {.at_ms = SECONDS(10), .image = REG "web/storefront:11.8.3-rc", .does = &does_no_image,
	        .cause = "release 11.8.3"}}},
	CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	{0},
};
static const sim_work rollout_stalled[] = {
	{.ns = "web", .name = "storefront", .replicas = 4, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .progress_s = 30,
	    RELEASE(REG "web/storefront:11.8.2", REG "web/storefront:12.0.0", &never_ready)},
	CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	{0},
};
static const sim_work unschedulable[] = {
	/* One pod fills a node, and there are three: the fourth has nowhere to go. */
	{.ns = "batch", .name = "simulator", .replicas = 3, .cpu = "7", .mem_request = "1Gi", .mem_limit = "2Gi",
	    .revs = {PAST(REG "batch/simulator:0.4.0")}, .scale_at_ms = SECONDS(10), .scale_to = 4},
	CALM("batch", "queue", 2, REG "batch/queue:1.1.0"),
	{0},
};
static const sim_work kyverno_blocked[] = {
	{.ns = "data", .name = "report-builder", .replicas = 2, .cpu = "250m", .mem_request = "256Mi", .revs = {PAST(REG "data/report-builder:0.9.7")},
	    .violation = &needs_limits, .violation_from_ms = SECONDS(10)},
	CALM("data", "warehouse-sync", 1, REG "data/warehouse-sync:4.1.0"),
	{0},
};
static const sim_work kyverno_privileged[] = {
	{.ns = "data", .name = "node-tuner", .replicas = 1, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "128Mi",
	    .revs = {PAST(REG "infra/node-tuner:1.2.0")}, .violation = &no_privileged, .violation_from_ms = SECONDS(10)},
	CALM("data", "warehouse-sync", 1, REG "data/warehouse-sync:4.1.0"),
	{0},
};
#define SPIKE(labels_)                                                                                                                  \
	{.ns = "qa", .name = "load-generator", .replicas = 2, .cpu = "1", .mem_request = "1Gi", .mem_limit = "2Gi", .labels = labels_,   \
	    .revs = {PAST(REG "qa/load-generator:1.6.0")}, .scale_at_ms = SECONDS(10), .scale_to = 14, .used = 4}
static const sim_work cost_spike[] = {SPIKE("environment=staging"), CALM("qa", "preview", 1, REG "qa/preview:2026.11"), {0}};
static const sim_work cost_spike_prod[] = {SPIKE("team=growth"), CALM("qa", "preview", 1, REG "qa/preview:2026.11"), {0}};

static const sim_work healthy[] = {
	CALM("shop", "checkout", 3, REG "shop/checkout:5.3.1"), CALM("shop", "cart", 3, REG "shop/cart:3.1.4"),
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"), CALM("web", "storefront", 4, REG "web/storefront:11.8.2"), {0},
};
static const sim_work rollout_control[] = {
	{.ns = "web", .name = "storefront", .replicas = 4, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .ready_ms = 12000,
	    RELEASE(REG "web/storefront:11.8.2", REG "web/storefront:11.9.0", NULL)},
	CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	{0},
};

/* A release that takes its time: each pod needs most of a minute, the whole stays within its deadline. */
static const sim_work rollout_slow[] = {
	{.ns = "web", .name = "storefront", .replicas = 4, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .ready_ms = 45000, .progress_s = 120,
	    RELEASE(REG "web/storefront:11.8.2", REG "web/storefront:11.9.0", NULL)},
	CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	{0},
};
/* Each of them once, then they run on. */
#define ONCE .fault_from_ms = SECONDS(10), .fault_until_ms = SECONDS(12) + 100, YOUNG
static const sim_work restart_once[] = {
	{.ns = "shop", .name = "worker", .replicas = 3, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(REG "shop/worker:4.4.0")},
	    .fault = &ends_well, ONCE},
	{.ns = "shop", .name = "mailer", .replicas = 2, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(REG "shop/mailer:2.2.0")},
	    .fault = &stumbles, ONCE},
	CALM("shop", "catalog", 2, REG "shop/catalog:2.20.1"),
	{0},
};
static const sim_work traffic_spike[] = {
	{.ns = "web", .name = "storefront", .replicas = 3, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi", .ready_ms = 15000,
	    .revs = {PAST(REG "web/storefront:11.8.2")}, .scale_at_ms = SECONDS(12), .scale_to = 6},
	CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	{0},
};
#define HPA(n_, limited, why, words)                                                                                                    \
	"{\"spec\":{\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"storefront\"},\"minReplicas\":2,"                      \
	"\"maxReplicas\":6},\"status\":{\"currentReplicas\":" n_ ",\"desiredReplicas\":" n_ ",\"conditions\":[{\"type\":\"AbleToScale\","                   \
	"\"status\":\"True\",\"reason\":\"ReadyForNewScale\",\"message\":\"recommended size matches current size\",\"lastTransitionTime\":\"$T\"},"       \
	"{\"type\":\"ScalingActive\",\"status\":\"True\",\"reason\":\"ValidMetricFound\",\"message\":\"the HPA was able to successfully calculate a "    \
	"replica count from cpu resource utilization (percentage of request)\",\"lastTransitionTime\":\"$T\"},{\"type\":\"ScalingLimited\","             \
	"\"status\":\"" limited "\",\"reason\":\"" why "\",\"message\":\"" words "\",\"lastTransitionTime\":\"$T\"}]}}"
static const sim_thing autoscaler[] = {
	{.at_ms = SECONDS(1), .kind = K_HPA, .ns = "web", .name = "storefront",
	    .body = HPA("3", "False", "DesiredWithinRange", "the desired count is within the acceptable range")},
	{.at_ms = SECONDS(30), .kind = K_HPA, .ns = "web", .name = "storefront",
	    .body = HPA("6", "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")},
	{0},
};
/* Readiness that comes and goes: sooner than anybody should be called for, and for long enough each time. */
static const sim_work flapping[] = {
	{.ns = "web", .name = "storefront", .replicas = 3, .cpu = "200m", .mem_request = "128Mi", .mem_limit = "512Mi",
	    .revs = {PAST(REG "web/storefront:11.8.2")}, .fault = &never_ready, .fault_from_ms = SECONDS(20), .fault_until_ms = SECONDS(32),
	    .fault_every_ms = SECONDS(60)},
	{.ns = "web", .name = "api-gateway", .replicas = 2, .cpu = "200m", .mem_request = "96Mi", .mem_limit = "256Mi",
	    .revs = {PAST(REG "web/api-gateway:6.0.2")}, .fault = &never_ready, .fault_from_ms = SECONDS(20), .fault_until_ms = SECONDS(75),
	    .fault_every_ms = SECONDS(165)},
	CALM("web", "assets", 2, REG "web/assets:3.0.1"),
	CALM("web", "sitemap", 1, REG "web/sitemap:1.0.0"),
	{0},
};
/* A node is cordoned, drained, rebooted and taken back; a workload is shut down for the night. */
static const sim_work maintenance[] = {
	{.ns = "shop", .name = "checkout", .replicas = 3, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(REG "shop/checkout:5.3.1")},
	    YOUNG},
	{.ns = "qa", .name = "preview", .replicas = 2, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(REG "qa/preview:2026.11")},
	    .scale_at_ms = SECONDS(20), .scale_to = 0},
	CALM("web", "storefront", 3, REG "web/storefront:11.8.2"),
	{0},
};

/* Name resolution fails for what needs the broker: twelve of sixteen go down within seconds. */
#define DOWN(ns_, name_, image)                                                                                                        \
	{.ns = ns_, .name = name_, .replicas = 2, .cpu = "100m", .mem_request = "64Mi", .mem_limit = "256Mi", .revs = {PAST(image)},      \
	    .fault = &dns_down, .fault_from_ms = SECONDS(20), YOUNG}
static const sim_work storm[] = {
	DOWN("shop", "checkout", REG "shop/checkout:5.3.1"), DOWN("shop", "cart", REG "shop/cart:3.1.4"), DOWN("shop", "catalog", REG "shop/catalog:2.20.1"),
	DOWN("shop", "search", REG "shop/search:1.7.3"), DOWN("orders", "orders", REG "orders/orders:7.0.3"), DOWN("orders", "mailer", REG "orders/mailer:2.2.0"),
	DOWN("orders", "tracker", REG "orders/tracker:1.9.4"), DOWN("payments", "payments-api", REG "pay/payments-api:4.8.1"),
	DOWN("payments", "billing", REG "pay/billing:2.0.4"), DOWN("payments", "receipts", REG "pay/receipts:1.3.0"),
	DOWN("data", "warehouse-sync", REG "data/warehouse-sync:4.1.0"), DOWN("data", "report-builder", REG "data/report-builder:0.9.7"),
	CALM("web", "storefront", 3, REG "web/storefront:11.8.2"), CALM("web", "api-gateway", 2, REG "web/api-gateway:6.0.2"),
	CALM("web", "assets", 2, REG "web/assets:3.0.1"), CALM("web", "sitemap", 1, REG "web/sitemap:1.0.0"), {0},
};

#define NODE_STATE(ready, reason, words)                                                                                                \
	"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\",\"reason\":\"" reason "\",\"message\":\"" words                      \
	"\",\"lastTransitionTime\":\"$T\"}],\"nodeInfo\":{\"kubeletVersion\":\"v1.32.4\"}}}"
static const sim_thing node_lost[] = {
	{.at_ms = SECONDS(15), .kind = K_NODE, .ns = "", .name = "node-b", .body = NODE_STATE("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")},
	{0},
};
#define CORDON                                                                                                                          \
	"{\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"node.kubernetes.io/unschedulable\",\"effect\":\"NoSchedule\",\"timeAdded\":\"$T\"}]}}"
static const sim_thing node_maintained[] = {
	{.at_ms = SECONDS(10), .kind = K_NODE, .ns = "", .name = "node-b", .body = CORDON},
	{.at_ms = SECONDS(40), .kind = K_NODE, .ns = "", .name = "node-b", .body = NODE_STATE("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")},
	{.at_ms = SECONDS(170), .kind = K_NODE, .ns = "", .name = "node-b", .body = NODE_STATE("True", "KubeletReady", "kubelet is posting ready status")},
	{.at_ms = SECONDS(200), .kind = K_NODE, .ns = "", .name = "node-b", .body = "{\"spec\":{}}"},
	{0},
};
#define JOB(name_, status) "{\"spec\":{\"backoffLimit\":6,\"parallelism\":1,\"selector\":{\"matchLabels\":{\"job\":\"" name_ "\"}}},\"status\":{" status "}}"
#define COMPLETE "\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\",\"lastTransitionTime\":\"$T\"}],\"completionTime\":\"$T\""
/* One that needed a second try, one that is done at once, a pod that has done its work, a CronJob that is switched off. */
static const sim_thing jobs_done[] = {
	{.at_ms = SECONDS(5), .kind = K_CRONJOB, .ns = "batch", .name = "reindex",
	    .body = "{\"spec\":{\"schedule\":\"*/1 * * * *\",\"suspend\":true,\"jobTemplate\":{\"spec\":{}}},\"status\":{}}"},
	{.at_ms = SECONDS(10), .kind = K_JOB, .ns = "batch", .name = "import-orders", .body = JOB("import-orders", "\"active\":1,\"startTime\":\"$T\"")},
	{.at_ms = SECONDS(15), .kind = K_JOB, .ns = "batch", .name = "nightly-report", .body = JOB("nightly-report", "\"succeeded\":1," COMPLETE)},
	{.at_ms = SECONDS(20), .kind = K_POD, .ns = "batch", .name = "migrate",
	    .body = "{\"spec\":{\"restartPolicy\":\"Never\",\"nodeName\":\"node-a\",\"containers\":[{\"name\":\"migrate\",\"image\":\"" REG "batch/migrate:3\"}]},"
	            "\"status\":{\"phase\":\"Succeeded\",\"containerStatuses\":[{\"name\":\"migrate\",\"ready\":false,\"restartCount\":0,\"image\":\"" REG
	            "batch/migrate:3\",\"imageID\":\"\",\"lastState\":{},\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\",\"startedAt\":\"$T\","
	            "\"finishedAt\":\"$T\"}}}]}}"},
	{.at_ms = SECONDS(30), .kind = K_JOB, .ns = "batch", .name = "import-orders", .body = JOB("import-orders", "\"active\":1,\"failed\":1,\"startTime\":\"$T\"")},
	{.at_ms = SECONDS(70), .kind = K_JOB, .ns = "batch", .name = "import-orders", .body = JOB("import-orders", "\"failed\":1,\"succeeded\":1," COMPLETE)},
	{0},
};
static const sim_thing job_failed[] = {
	{.at_ms = SECONDS(10), .kind = K_JOB, .ns = "batch", .name = "import-orders",
	    .body = "{\"spec\":{\"backoffLimit\":3,\"parallelism\":1,\"selector\":{\"matchLabels\":{\"job\":\"import-orders\"}}},\"status\":{\"failed\":4,"
	            "\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\",\"reason\":\"BackoffLimitExceeded\",\"message\":\"Job has reached the specified "
	            "backoff limit\",\"lastTransitionTime\":\"$T\"}]}}",
	    .reason = "BackoffLimitExceeded", .component = "job-controller", .message = "Job has reached the specified backoff limit"},
	{0},
};
static const sim_thing volume_pending[] = {
	{.at_ms = SECONDS(10), .kind = K_PVC, .ns = "data", .name = "warehouse-data",
	    .body = "{\"spec\":{\"storageClassName\":\"fast\",\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"100Gi\"}}},"
	            "\"status\":{\"phase\":\"Pending\"}}",
	    .reason = "ProvisioningFailed", .component = "persistentvolume-controller", .message = "storageclass.storage.k8s.io \"fast\" not found"},
	{0},
};
static const sim_work quiet[] = {CALM("batch", "queue", 2, REG "batch/queue:1.1.0"), CALM("data", "warehouse-sync", 1, REG "data/warehouse-sync:4.1.0"), {0}};

const sim_scene sim_scenes[] = {
	{.name = "demo", .works = demo},
	{.name = "oom-simple", .works = oom_simple},
	{.name = "oom-twice", .works = oom_twice},
	{.name = "raise-without-room", .works = oom_no_room},
	{.name = "oom-leak", .works = oom_leaks},
	{.name = "oom-recovered", .works = oom_recovered},
	{.name = "crashloop-release", .works = crashloop_release},
	{.name = "crashloop-secret", .works = crashloop_secret},
	{.name = "crashloop-dependency", .works = crashloop_dependency},
	{.name = "rollback-in-vain", .works = rollback_in_vain},
	{.name = "image-typo", .works = image_typo},
	{.name = "rollout-stalled", .works = rollout_stalled},
	{.name = "unschedulable", .works = unschedulable},
	{.name = "kyverno-blocked", .works = kyverno_blocked},
	{.name = "kyverno-namespace", .works = kyverno_blocked, .exception_ns = "policy-exceptions"},
	{.name = "kyverno-privileged", .works = kyverno_privileged},
	{.name = "cost-spike", .works = cost_spike},
	{.name = "cost-spike-prod", .works = cost_spike_prod},
	{.name = "healthy", .works = healthy},
	{.name = "rollout-control", .works = rollout_control},
	{.name = "rollout-slow", .works = rollout_slow},
	{.name = "restart-once", .works = restart_once},
	{.name = "traffic-spike", .works = traffic_spike, .things = autoscaler},
	{.name = "flapping", .works = flapping},
	{.name = "maintenance", .works = maintenance, .things = node_maintained},
	{.name = "jobs-done", .works = quiet, .things = jobs_done},
	{.name = "storm", .works = storm, .together = true},
	{.name = "node-down", .works = healthy, .things = node_lost},
	{.name = "job-failed", .works = quiet, .things = job_failed},
	{.name = "volume-pending", .works = quiet, .things = volume_pending},
	{.name = "api-outage", .works = oom_simple, .outage_from_ms = SECONDS(130), .outage_until_ms = SECONDS(190)},
	{.name = "rejected", .works = rejected},
	{.name = "second-thoughts", .works = oom_simple},
	{.name = "silent", .works = oom_simple},
	{0},
};
