/* What is watched, and where the objects of each row go. Decoding is done without the lock; what comes of it is put with it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detector_keep.h"
#include "detector_priv.h"

/* Of the events only those that some rule may read: field selectors are joined by "and", so the common ordinary reasons are excluded by name.
 * `Normal` is no criterion: Killing is Normal, and so is half of what BackOff means. */
#define QUIET_EVENTS \
	"fieldSelector=reason!%3DScheduled,reason!%3DPulled,reason!%3DPulling,reason!%3DCreated,reason!%3DStarted,reason!%3DSuccessfulCreate," \
	"reason!%3DSuccessfulDelete,reason!%3DScalingReplicaSet,reason!%3DLeaderElection,reason!%3DPolicyApplied,reason!%3DPolicySkipped," \
	"reason!%3DCompleted,reason!%3DSawCompletedJob,reason!%3DSuccessfulRescale,reason!%3DTaintManagerEviction"

/* From Kubernetes 1.20 and Kyverno 1.9 on. */
static const char *const older_cronjobs[] = {"/apis/batch/v1beta1/cronjobs", NULL};
static const char *const older_autoscalers[] = {"/apis/autoscaling/v2beta2/horizontalpodautoscalers", "/apis/autoscaling/v1/horizontalpodautoscalers", NULL};
static const char *const other_reports[] = {"/apis/wgpolicyk8s.io/v1beta1/policyreports", NULL};
static const char *const other_clusterreports[] = {"/apis/wgpolicyk8s.io/v1beta1/clusterpolicyreports", NULL};
static const char *const older_validatingpolicies[] = {"/apis/policies.kyverno.io/v1beta1/validatingpolicies",
    "/apis/policies.kyverno.io/v1alpha1/validatingpolicies", NULL};

const ns_watch_row dt_rows[DT_ROW_COUNT] = {
    [DT_ROW_PODS] = {"pods", "/api/v1/pods", "", false, .keep = dt_keep_pods},
    [DT_ROW_EVENTS] = {"events", "/api/v1/events", QUIET_EVENTS, true, .keep = dt_keep_events},
    [DT_ROW_DEPLOYMENTS] = {"deployments", "/apis/apps/v1/deployments", "", false, .keep = dt_keep_owners},
    [DT_ROW_REPLICASETS] = {"replicasets", "/apis/apps/v1/replicasets", "", false, .keep = dt_keep_owners},
    [DT_ROW_NODES] = {"nodes", "/api/v1/nodes", "", true, .cluster_scoped = true, .keep = dt_keep_nodes},
    [DT_ROW_STATEFULSETS] = {"statefulsets", "/apis/apps/v1/statefulsets", "", true, .keep = dt_keep_owners},
    [DT_ROW_DAEMONSETS] = {"daemonsets", "/apis/apps/v1/daemonsets", "", true, .keep = dt_keep_owners},
    [DT_ROW_JOBS] = {"jobs", "/apis/batch/v1/jobs", "", true, .keep = dt_keep_owners},
    [DT_ROW_CRONJOBS] = {"cronjobs", "/apis/batch/v1/cronjobs", "", true, .keep = dt_keep_owners, .older = older_cronjobs},
    [DT_ROW_REPORTS] = {"policyreports", "/apis/wgpolicyk8s.io/v1alpha2/policyreports", "", true, .keep = dt_keep_reports, .older = other_reports},
    [DT_ROW_CLUSTERPOLICIES] = {"clusterpolicies", "/apis/kyverno.io/v1/clusterpolicies", "", true, .cluster_scoped = true, .keep = dt_keep_policies},
    [DT_ROW_POLICIES] = {"policies", "/apis/kyverno.io/v1/policies", "", true, .keep = dt_keep_policies},
    [DT_ROW_CLUSTERREPORTS] = {"clusterpolicyreports", "/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports", "", true, .cluster_scoped = true, .keep = dt_keep_reports,
        .older = other_clusterreports},
    [DT_ROW_OPENREPORTS] = {"reports", "/apis/openreports.io/v1alpha1/reports", "", true, .keep = dt_keep_reports},
    [DT_ROW_OPENCLUSTERREPORTS] = {"clusterreports", "/apis/openreports.io/v1alpha1/clusterreports", "", true, .cluster_scoped = true, .keep = dt_keep_reports},
    [DT_ROW_VALIDATINGPOLICIES] = {"validatingpolicies", "/apis/policies.kyverno.io/v1/validatingpolicies", "", true, .cluster_scoped = true, .keep = dt_keep_policies,
        .older = older_validatingpolicies},
    [DT_ROW_AUTOSCALERS] = {"horizontalpodautoscalers", "/apis/autoscaling/v2/horizontalpodautoscalers", "", true, .keep = dt_keep_autoscalers,
        .older = older_autoscalers},
    [DT_ROW_CLAIMS] = {"persistentvolumeclaims", "/api/v1/persistentvolumeclaims", "", true, .keep = dt_keep_claims},
    [DT_ROW_APPLICATIONS] = {"applications", "/apis/argoproj.io/v1alpha1/applications", "", true, .keep = dt_keep_applications},
    [DT_ROW_SECRETS] = {"secrets", "/api/v1/secrets", "fieldSelector=type%3Dkubernetes.io/tls", true, .keep = dt_keep_secrets},
};

/* ---- putting ---- */

static void put_event(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_event e;
	ns_violation v;
	if (!dt_decode_event(obj, ns_clock_wall_ms(d->clock), &e))
		return;
	bool violation = strcmp(e.reason, "PolicyViolation") == 0 && ns_violation_from_event(d->round, obj, &v);
	pthread_mutex_lock(&d->mu);
	dt_put_event(d, &e);
	if (violation)
		dt_put_violation(d, &v, e.at_ms);
	pthread_mutex_unlock(&d->mu);
}

static void put_pod(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_pod *p = dt_decode_pod(obj);
	pthread_mutex_lock(&d->mu);
	if (p) {
		p->row = (unsigned char)row;
		p->mark = d->rows[row].mark;
		dt_put_pod(d, p);
	}
	pthread_mutex_unlock(&d->mu);
}

static void put_node(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_node *n = dt_decode_node(obj);
	pthread_mutex_lock(&d->mu);
	if (n) {
		n->row = (unsigned char)row;
		n->mark = d->rows[row].mark;
		dt_put_node(d, n);
	}
	pthread_mutex_unlock(&d->mu);
}

static void put_report(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_report *r = dt_decode_report(d->round, obj);
	pthread_mutex_lock(&d->mu);
	if (r)
		dt_put_report(d, row, r);
	else /* it no longer says anything of interest */
		dt_drop_report(d, ns_json_str(obj, "metadata.uid", ""));
	pthread_mutex_unlock(&d->mu);
}

static void put_policy(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_policy *p = dt_decode_policy(obj);
	pthread_mutex_lock(&d->mu);
	if (p)
		dt_put_policy(d, row, p);
	pthread_mutex_unlock(&d->mu);
}

/* Rows of things, and of what owns pods. */
static const struct { dt_thing *(*decode)(const cJSON *j); dt_sort sort; } things[DT_ROW_COUNT] = {
    [DT_ROW_JOBS] = {dt_decode_job_failure, DT_JOB_FAILURE},
    [DT_ROW_AUTOSCALERS] = {dt_decode_autoscaler, DT_AUTOSCALER},
    [DT_ROW_CLAIMS] = {dt_decode_claim, DT_CLAIM},
    [DT_ROW_APPLICATIONS] = {dt_decode_application, DT_APPLICATION},
    [DT_ROW_SECRETS] = {dt_decode_certificate, DT_CERTIFICATE},
};
static const int owner_kind[DT_ROW_COUNT] = {[DT_ROW_DEPLOYMENTS] = DT_DEPLOYMENT, [DT_ROW_REPLICASETS] = DT_REPLICASET,
    [DT_ROW_STATEFULSETS] = DT_STATEFULSET, [DT_ROW_DAEMONSETS] = DT_DAEMONSET, [DT_ROW_JOBS] = DT_JOB, [DT_ROW_CRONJOBS] = DT_CRONJOB};

static char *thing_key(dt_row row, const cJSON *obj)
{
	return dt_thing_key(things[row].sort, ns_json_str(obj, "metadata.namespace", ""), ns_json_str(obj, "metadata.name", ""));
}

static void put_thing(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_thing *t = things[row].decode(obj);
	char *key = thing_key(row, obj);
	pthread_mutex_lock(&d->mu);
	if (t) {
		t->row = (unsigned char)row;
		t->mark = d->rows[row].mark;
		dt_put_thing(d, t);
	} else { /* nothing is wrong with it, any more */
		dt_drop_thing(d, key);
	}
	pthread_mutex_unlock(&d->mu);
	free(key);
}

static void put_obj(ns_detector *d, dt_row row, const cJSON *obj)
{
	dt_obj *o = dt_decode_obj((dt_kind)owner_kind[row], obj);
	pthread_mutex_lock(&d->mu);
	if (o) {
		o->row = (unsigned char)row;
		o->mark = d->rows[row].mark;
		dt_put_obj(d, o);
	}
	pthread_mutex_unlock(&d->mu);
	if (things[row].decode)
		put_thing(d, row, obj);
}

/* ---- dropping ---- */

static void drop_job(ns_detector *d, const char *uid)
{
	const dt_obj *o = dt_tab_get(&d->objs, uid);
	char *key = o ? dt_thing_key(DT_JOB_FAILURE, o->ns, o->name) : NULL;
	dt_drop_obj(d, uid);
	if (key)
		dt_drop_thing(d, key);
	free(key);
}

static char *uid_of(dt_row row, const cJSON *obj)
{
	return ns_xstrdup(ns_json_str(obj, "metadata.uid", ""));
}

static char *name_of(dt_row row, const cJSON *obj)
{
	return ns_xstrdup(ns_json_str(obj, "metadata.name", ""));
}

static char *policy_key(dt_row row, const cJSON *obj)
{
	return dt_policy_key(obj);
}

#define TAB(name) offsetof(ns_detector, name)
#define OWNER {put_obj, dt_drop_obj, uid_of, TAB(objs)}
#define REPORT {put_report, dt_drop_report, uid_of, TAB(reports)}
#define POLICY {put_policy, dt_drop_policy, policy_key, TAB(policies)}
#define THING {put_thing, dt_drop_thing, thing_key, TAB(things)}

static const struct {
	void (*put)(ns_detector *d, dt_row row, const cJSON *obj);
	void (*drop)(ns_detector *d, const char *key); /* mu held */
	char *(*key)(dt_row row, const cJSON *obj);    /* caller frees */
	size_t tab;
} ways[DT_ROW_COUNT] = {
    [DT_ROW_PODS] = {put_pod, dt_drop_pod, uid_of, TAB(pods)},
    [DT_ROW_EVENTS] = {put_event, NULL, NULL, 0}, /* are not kept */
    [DT_ROW_NODES] = {put_node, dt_drop_node, name_of, TAB(nodes)},
    [DT_ROW_DEPLOYMENTS] = OWNER,
    [DT_ROW_REPLICASETS] = OWNER,
    [DT_ROW_STATEFULSETS] = OWNER,
    [DT_ROW_DAEMONSETS] = OWNER,
    [DT_ROW_JOBS] = {put_obj, drop_job, uid_of, TAB(objs)},
    [DT_ROW_CRONJOBS] = OWNER,
    [DT_ROW_REPORTS] = REPORT,
    [DT_ROW_CLUSTERREPORTS] = REPORT,
    [DT_ROW_OPENREPORTS] = REPORT,
    [DT_ROW_OPENCLUSTERREPORTS] = REPORT,
    [DT_ROW_CLUSTERPOLICIES] = POLICY,
    [DT_ROW_POLICIES] = POLICY,
    [DT_ROW_VALIDATINGPOLICIES] = POLICY,
    [DT_ROW_AUTOSCALERS] = THING,
    [DT_ROW_CLAIMS] = THING,
    [DT_ROW_APPLICATIONS] = THING,
    [DT_ROW_SECRETS] = THING,
};

void dt_row_put(ns_detector *d, dt_row row, const cJSON *obj)
{
	ways[row].put(d, row, obj);
}

void dt_row_drop(ns_detector *d, dt_row row, const cJSON *obj)
{
	if (!ways[row].drop)
		return;
	char *key = ways[row].key(row, obj);
	pthread_mutex_lock(&d->mu);
	ways[row].drop(d, key);
	pthread_mutex_unlock(&d->mu);
	free(key);
}

/* Keys of what the last list did not repeat; dropping one by one is then safe. */
static char **stale_keys(const dt_tab *tab, dt_row row, unsigned mark, size_t *n)
{
	char **keys = NULL;
	size_t cap = 0;
	*n = 0;
	for (size_t i = 0; i < tab->cap; i++) {
		dt_head head;
		if (!tab->at[i])
			continue;
		memcpy(&head, tab->at[i], sizeof head);
		if (head.row != row || head.mark == mark)
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 16;
			keys = ns_xrealloc(keys, cap * sizeof *keys);
		}
		keys[(*n)++] = ns_xstrdup(head.key);
	}
	return keys;
}

void dt_row_sweep(ns_detector *d, dt_row row)
{
	size_t n;
	if (!ways[row].drop)
		return;
	const dt_tab *tab = (const dt_tab *)(const void *)((const char *)d + ways[row].tab);
	char **keys = stale_keys(tab, row, d->rows[row].mark, &n);
	for (size_t i = 0; i < n; i++) {
		ways[row].drop(d, keys[i]);
		free(keys[i]);
	}
	free(keys);
}
