/* What the API serves, one row per resource. Rights are here too: what a row does not allow is 403, as RBAC would answer. */
#include "world_priv.h"
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const char *const pod_fields[] = {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
    "status.phase", "status.podIP", "status.nominatedNodeName", NULL};
static const char *const event_fields[] = {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
    "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source",
    "type", NULL};
static const char *const event_v1_fields[] = {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "reason",
    "reportingController", "type", NULL};
static const char *const node_fields[] = {"spec.unschedulable", NULL};
static const char *const ns_fields[] = {"status.phase", "name", NULL};
static const char *const rs_fields[] = {"status.replicas", NULL};
static const char *const secret_fields[] = {"type", NULL};

static const sim_sub pod_subs[] = {{"log", "", "v1", "Pod", V_GET}, {0}};
static const sim_sub deployment_subs[] = {{"scale", "autoscaling", "v1", "Scale", V_GET | V_UPDATE | V_PATCH}, {0}};

#define ROW(id, group, version, resource, singular, kind, short_name, namespaced, custom, verbs, fields, subs)                          \
	[id] = {id, group, version, resource, singular, kind, short_name, namespaced, custom, verbs, id, fields, subs}
const sim_kind sim_kinds[K_COUNT] = {
	ROW(K_NAMESPACE, "", "v1", "namespaces", "namespace", "Namespace", "ns", false, false, V_READ, ns_fields, NULL),
	ROW(K_NODE, "", "v1", "nodes", "node", "Node", "no", false, false, V_READ, node_fields, NULL),
	ROW(K_POD, "", "v1", "pods", "pod", "Pod", "po", true, false, V_READ, pod_fields, pod_subs),
	ROW(K_EVENT, "", "v1", "events", "event", "Event", "ev", true, false, V_READ | V_CREATE, event_fields, NULL),
	ROW(K_SERVICE, "", "v1", "services", "service", "Service", "svc", true, false, V_READ, NULL, NULL),
	ROW(K_CONFIGMAP, "", "v1", "configmaps", "configmap", "ConfigMap", "cm", true, false, V_READ, NULL, NULL),
	ROW(K_SECRET, "", "v1", "secrets", "secret", "Secret", "", true, false, V_GET, secret_fields, NULL),
	ROW(K_PVC, "", "v1", "persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim", "pvc", true, false, V_READ, NULL, NULL),
	ROW(K_DEPLOYMENT, "apps", "v1", "deployments", "deployment", "Deployment", "deploy", true, false, V_READ | V_PATCH | V_UPDATE, NULL,
	    deployment_subs),
	ROW(K_REPLICASET, "apps", "v1", "replicasets", "replicaset", "ReplicaSet", "rs", true, false, V_READ, rs_fields, NULL),
	ROW(K_STATEFULSET, "apps", "v1", "statefulsets", "statefulset", "StatefulSet", "sts", true, false, V_READ, NULL, NULL),
	ROW(K_DAEMONSET, "apps", "v1", "daemonsets", "daemonset", "DaemonSet", "ds", true, false, V_READ, NULL, NULL),
	ROW(K_JOB, "batch", "v1", "jobs", "job", "Job", "", true, false, V_READ, NULL, NULL),
	ROW(K_CRONJOB, "batch", "v1", "cronjobs", "cronjob", "CronJob", "cj", true, false, V_READ, NULL, NULL),
	ROW(K_HPA, "autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler", "hpa", true, false,
	    V_READ, NULL, NULL),
	[K_EVENT_V1] = {K_EVENT_V1, "events.k8s.io", "v1", "events", "event", "Event", "ev", true, false, V_READ, K_EVENT, event_v1_fields, NULL},
	ROW(K_LEASE, "coordination.k8s.io", "v1", "leases", "lease", "Lease", "", true, false, V_READ | V_CREATE | V_UPDATE | V_PATCH, NULL, NULL),
	ROW(K_CLUSTERPOLICY, "kyverno.io", "v1", "clusterpolicies", "clusterpolicy", "ClusterPolicy", "cpol", false, true, V_READ, NULL, NULL),
	ROW(K_POLEX, "kyverno.io", "v2", "policyexceptions", "policyexception", "PolicyException", "polex", true, true,
	    V_READ | V_CREATE | V_PATCH, NULL, NULL),
	ROW(K_POLICYREPORT, "wgpolicyk8s.io", "v1alpha2", "policyreports", "policyreport", "PolicyReport", "polr", true, true, V_READ, NULL, NULL),
	ROW(K_CLUSTERPOLICYREPORT, "wgpolicyk8s.io", "v1alpha2", "clusterpolicyreports", "clusterpolicyreport", "ClusterPolicyReport", "cpolr",
	    false, true, V_READ, NULL, NULL),
};
#undef ROW

/* clang-format on */
const sim_kind *kind_find(const char *group, const char *version, const char *resource)
{
	for (int i = 0; i < K_COUNT; i++) {
		const sim_kind *k = &sim_kinds[i];
		if (!strcmp(k->group, group) && (!version || !strcmp(k->version, version)) && !strcmp(k->resource, resource))
			return k;
	}
	return NULL;
}

bool kind_group_served(const char *group, const char *version)
{
	for (int i = 0; i < K_COUNT; i++)
		if (!strcmp(sim_kinds[i].group, group) && (!version || !strcmp(sim_kinds[i].version, version)))
			return true;
	return !strcmp(group, "authorization.k8s.io") && (!version || !strcmp(version, "v1"));
}

const sim_sub *kind_sub(const sim_kind *k, const char *name)
{
	for (const sim_sub *s = k->subs; s && s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static const struct {
	const char *name;
	unsigned bit;
} verbs[] = {{"get", V_GET}, {"list", V_LIST}, {"watch", V_WATCH}, {"create", V_CREATE}, {"update", V_UPDATE}, {"patch", V_PATCH}};

unsigned verb_bit(const char *verb)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(verbs[i].name, verb))
			return verbs[i].bit;
	return 0;
}

const char *verb_name(unsigned bit)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (verbs[i].bit == bit)
			return verbs[i].name;
	return "delete";
}

void kind_api_version(const sim_kind *k, char out[96])
{
	snprintf(out, 96, "%s%s%s", k->group, *k->group ? "/" : "", k->version);
}

void kind_qualified(const sim_kind *k, char out[128])
{
	snprintf(out, 128, "%s%s%s", k->resource, *k->group ? "." : "", k->group);
}
