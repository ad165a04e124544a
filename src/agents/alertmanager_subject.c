/* From labels to the subject. Three tables: which labels name what, which alerts are about what, which components only report on others.
 *
 * Whose labels are they? Prometheus puts the labels of the scraped target beside those of the metric. Where both have one of the same name,
 * either the metric's wins (honor_labels) or it is renamed exported_X and X is the target's. So: exported_X before X; once one of them is
 * there, a plain pod or container is the exporter's; and a pod of kube-state-metrics, scraped as kube-state-metrics, is never the subject
 * of what it exports. */
#include <string.h>
#include <strings.h>

#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"

#define COUNT(t) (sizeof(t) / sizeof *(t))

/* ---- which labels name what, best first ---- */

typedef enum field {
	F_NS,
	F_POD,
	F_CONTAINER,
	F_DEPLOYMENT,
	F_STATEFULSET,
	F_DAEMONSET,
	F_REPLICASET,
	F_JOB,
	F_CRONJOB,
	F_HPA,
	F_PVC,
	F_NODE,
	F_APP,
	FIELDS
} field;

static const struct row {
	size_t at;
	bool label; /* RFC 1123 label rather than subdomain */
	const char *names[6];
} rows[FIELDS] = {
    [F_NS] = {offsetof(ns_am_subject, ns), true, {"exported_namespace", "namespace", "kubernetes_namespace", "k8s_namespace_name"}},
    [F_POD] = {offsetof(ns_am_subject, pod), false, {"exported_pod", "pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name"}},
    [F_CONTAINER] = {offsetof(ns_am_subject, container), true, {"exported_container", "container", "container_name", "k8s_container_name"}},
    [F_DEPLOYMENT] = {offsetof(ns_am_subject, deployment), false, {"exported_deployment", "deployment", "k8s_deployment_name"}},
    [F_STATEFULSET] = {offsetof(ns_am_subject, statefulset), false, {"exported_statefulset", "statefulset", "k8s_statefulset_name"}},
    [F_DAEMONSET] = {offsetof(ns_am_subject, daemonset), false, {"exported_daemonset", "daemonset", "k8s_daemonset_name"}},
    [F_REPLICASET] = {offsetof(ns_am_subject, replicaset), false, {"exported_replicaset", "replicaset", "k8s_replicaset_name"}},
    [F_JOB] = {offsetof(ns_am_subject, job), false, {"job_name", "exported_job_name", "k8s_job_name"}}, /* `job` is the scrape's */
    [F_CRONJOB] = {offsetof(ns_am_subject, cronjob), false, {"exported_cronjob", "cronjob", "k8s_cronjob_name"}},
    [F_HPA] = {offsetof(ns_am_subject, hpa), false, {"horizontalpodautoscaler", "exported_horizontalpodautoscaler", "hpa"}},
    [F_PVC] = {offsetof(ns_am_subject, pvc), false,
        {"exported_persistentvolumeclaim", "persistentvolumeclaim", "k8s_persistentvolumeclaim_name"}},
    [F_NODE] = {offsetof(ns_am_subject, node), false,
        {"exported_node", "node", "kubernetes_node", "nodename", "kubernetes_io_hostname", "k8s_node_name"}},
    [F_APP] = {offsetof(ns_am_subject, app), false,
        {"label_app_kubernetes_io_name", "app_kubernetes_io_name", "label_app", "app", "k8s_app"}},
};

/* Values of workload_type, as kubernetes-mixin's recording rule writes them. */
static const struct {
	const char *type;
	field to;
} workload_types[] = {
    {"deployment", F_DEPLOYMENT},
    {"statefulset", F_STATEFULSET},
    {"daemonset", F_DAEMONSET},
    {"replicaset", F_REPLICASET},
    {"job", F_JOB},
    {"cronjob", F_CRONJOB},
    {"pod", F_POD},
};

/* ---- which alerts are about what: kubernetes-mixin, node-exporter's mixin; a name may end in "*" ---- */

typedef enum about { ABOUT_LABELS, ABOUT_POD, ABOUT_WORKLOAD, ABOUT_JOB, ABOUT_HPA, ABOUT_VOLUME, ABOUT_NODE, ABOUT_CLUSTER } about;

#define B(F)   (1u << (F))
#define OWNERS (B(F_DEPLOYMENT) | B(F_STATEFULSET) | B(F_DAEMONSET) | B(F_REPLICASET))
static const unsigned fields_of[] = {
    [ABOUT_LABELS] = ~0u,
    [ABOUT_POD] = B(F_NS) | B(F_POD) | B(F_CONTAINER) | OWNERS | B(F_JOB) | B(F_CRONJOB) | B(F_APP),
    [ABOUT_WORKLOAD] = B(F_NS) | OWNERS | B(F_APP),
    [ABOUT_JOB] = B(F_NS) | B(F_JOB) | B(F_CRONJOB),
    [ABOUT_HPA] = B(F_NS) | B(F_HPA) | OWNERS,
    [ABOUT_VOLUME] = B(F_NS) | B(F_PVC) | B(F_STATEFULSET),
    [ABOUT_NODE] = B(F_NODE),
    [ABOUT_CLUSTER] = 0,
};

static const struct {
	const char *alert;
	about about;
} known[] = {
    {"KubePodCrashLooping", ABOUT_POD},
    {"KubePodNotReady", ABOUT_POD},
    {"KubeContainerWaiting", ABOUT_POD},
    {"KubeContainerOOMKilled", ABOUT_POD},
    {"CPUThrottlingHigh", ABOUT_POD},
    {"KubeDeployment*", ABOUT_WORKLOAD},
    {"KubeStatefulSet*", ABOUT_WORKLOAD},
    {"KubeDaemonSet*", ABOUT_WORKLOAD},
    {"KubeJob*", ABOUT_JOB},
    {"KubeCronJob*", ABOUT_JOB},
    {"KubeHpa*", ABOUT_HPA},
    {"KubePersistentVolume*", ABOUT_VOLUME},
    {"KubeNode*", ABOUT_NODE},
    {"Kubelet*", ABOUT_NODE},
    {"Node*", ABOUT_NODE},
    {"KubeCPUOvercommit", ABOUT_CLUSTER},
    {"KubeMemoryOvercommit", ABOUT_CLUSTER},
    {"KubeCPUQuotaOvercommit", ABOUT_CLUSTER},
    {"KubeMemoryQuotaOvercommit", ABOUT_CLUSTER},
    {"KubeVersionMismatch", ABOUT_CLUSTER},
    {"KubeAPI*", ABOUT_CLUSTER},
    {"KubeClient*", ABOUT_CLUSTER},
    {"KubeAggregatedAPI*", ABOUT_CLUSTER},
    {"KubeSchedulerDown", ABOUT_CLUSTER},
    {"KubeControllerManagerDown", ABOUT_CLUSTER},
    {"KubeProxyDown", ABOUT_CLUSTER},
    {"KubeStateMetrics*", ABOUT_CLUSTER},
};

static about about_of(const char *alertname)
{
	for (size_t i = 0; i < COUNT(known); i++) {
		size_t n = strlen(known[i].alert);
		bool prefix = known[i].alert[n - 1] == '*';
		if (prefix ? strncmp(alertname, known[i].alert, n - 1) == 0 : strcmp(alertname, known[i].alert) == 0)
			return known[i].about;
	}
	return ABOUT_LABELS;
}

/* ---- who only reports on others ---- */

static const char *const reporters[] = {
    "kube-state-metrics", "node-exporter", "cadvisor", "blackbox", "opencost", "kubecost", "pushgateway", "certificate-exporter"};

static const char *find(const ns_am_label *labels, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(labels[i].name, name) == 0)
			return labels[i].value;
	return "";
}

/* The scrape is one of a reporter, and the pod is its own. */
static bool of_reporter(const ns_am_label *labels, size_t n, const char *pod)
{
	for (size_t i = 0; i < COUNT(reporters); i++)
		if (strstr(pod, reporters[i]) &&
		    (strstr(find(labels, n, "job"), reporters[i]) || strstr(find(labels, n, "service"), reporters[i])))
			return true;
	return false;
}

/* ---- the mapping ---- */

static const char **slot(ns_am_subject *s, field f)
{
	return (const char **)(void *)((char *)s + rows[f].at);
}

/* What no object can be called names nothing. */
static void set(ns_arena *ar, ns_am_subject *s, field f, const char *name)
{
	if (rows[f].label ? ns_k8s_label_ok(name) : ns_k8s_subdomain_ok(name))
		*slot(s, f) = ns_arena_strdup(ar, name);
}

static void drop(ns_am_subject *s, unsigned fields)
{
	for (int f = 0; f < FIELDS; f++)
		if (fields & B(f))
			*slot(s, (field)f) = "";
}

static bool has(ns_am_subject *s, unsigned fields)
{
	for (int f = 0; f < FIELDS; f++)
		if ((fields & B(f)) && **slot(s, (field)f))
			return true;
	return false;
}

static void read_rows(ns_arena *ar, const ns_am_label *labels, size_t n, ns_am_subject *s)
{
	bool renamed = *find(labels, n, "exported_namespace") || *find(labels, n, "exported_pod") || *find(labels, n, "exported_container");
	for (int f = 0; f < FIELDS; f++)
		for (size_t k = 0; k < COUNT(rows[f].names) && rows[f].names[k] && !**slot(s, (field)f); k++) {
			const char *label = rows[f].names[k];
			if (renamed && (f == F_POD || f == F_CONTAINER) && strncmp(label, "exported_", 9) != 0)
				continue;
			set(ar, s, (field)f, find(labels, n, label));
		}
	const char *type = find(labels, n, "workload_type");
	for (size_t i = 0; i < COUNT(workload_types); i++)
		if (strcasecmp(type, workload_types[i].type) == 0)
			set(ar, s, workload_types[i].to, find(labels, n, "workload"));
}

/* node-exporter and the kubelet call a node by the address they were scraped at, where no relabelling names it. */
static void node_of_instance(ns_arena *ar, const ns_am_label *labels, size_t n, ns_am_subject *s)
{
	const char *instance = find(labels, n, "instance"), *colon = strrchr(instance, ':');
	set(ar, s, F_NODE, ns_arena_strndup(ar, instance, colon ? (size_t)(colon - instance) : strlen(instance)));
}

void ns_am_subject_of(ns_arena *ar, const char *alertname, const ns_am_label *labels, size_t n, ns_am_subject *out)
{
	about what = about_of(alertname);
	const unsigned objects = OWNERS | B(F_JOB) | B(F_CRONJOB) | B(F_HPA) | B(F_PVC);
	drop(out, ~0u);
	read_rows(ar, labels, n, out);
	if (what == ABOUT_NODE && !*out->node)
		node_of_instance(ar, labels, n, out);
	/* The pod of a reporter is a subject only where the alert is known to be about pods. */
	if (what != ABOUT_POD && *out->pod && of_reporter(labels, n, out->pod)) {
		drop(out, B(F_POD) | B(F_CONTAINER) | B(F_APP));
		if (*out->node && !has(out, objects))
			drop(out, B(F_NS)); /* of the reporter too: nodes have none */
	}
	drop(out, ~fields_of[what]);
	if (has(out, objects | B(F_POD)))
		drop(out, B(F_NODE)); /* where it runs, not what fails */
	if (has(out, objects | B(F_POD) | B(F_NODE)))
		drop(out, B(F_APP));
	if (!*out->ns)
		drop(out, ~B(F_NODE)); /* names without a namespace name nothing */
	if (!*out->pod)
		drop(out, B(F_CONTAINER));
}

/* ---- words ---- */

ns_severity ns_am_severity(const char *word)
{
	static const struct {
		const char *word;
		ns_severity is;
	} words[] = {
	    {"critical", NS_SEV_CRIT},
	    {"page", NS_SEV_CRIT},
	    {"crit", NS_SEV_CRIT},
	    {"emergency", NS_SEV_CRIT},
	    {"fatal", NS_SEV_CRIT},
	    {"high", NS_SEV_CRIT},
	    {"error", NS_SEV_CRIT},
	    {"major", NS_SEV_CRIT},
	    {"info", NS_SEV_INFO},
	    {"none", NS_SEV_INFO},
	    {"informational", NS_SEV_INFO},
	    {"notice", NS_SEV_INFO},
	    {"low", NS_SEV_INFO},
	    {"debug", NS_SEV_INFO},
	};
	for (size_t i = 0; i < COUNT(words); i++)
		if (ns_ieq(word, words[i].word))
			return words[i].is;
	return NS_SEV_WARN;
}

ns_am_use ns_am_use_of(const char *alertname)
{
	static const struct {
		const char *name;
		ns_am_use use;
	} uses[] = {
	    {"Watchdog", NS_AM_HEARTBEAT},
	    {"DeadMansSwitch", NS_AM_HEARTBEAT},
	    {"DeadMansSnitch", NS_AM_HEARTBEAT},
	    {"InfoInhibitor", NS_AM_IGNORED},
	};
	for (size_t i = 0; i < COUNT(uses); i++)
		if (strcmp(alertname, uses[i].name) == 0)
			return uses[i].use;
	return NS_AM_INCIDENT;
}
