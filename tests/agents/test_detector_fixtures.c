/* Objects as others recorded them, one at a time: what is said of each. The material is not part of this project; it is looked for beside the
 * checkout. Times are moved so that the newest of a file is now. */
#include "agents/detector_rig.h"

#include <ctype.h>
#include <glob.h>

#include "neuroscale/model/yaml.h"

#define FIXTURES "../shared/fixtures"

/* ---- reading ---- */

static char *slurp(const char *path)
{
	ns_buf b = NS_BUF_INIT;
	char part[1 << 14];
	size_t n;
	FILE *f = fopen(path, "r");
	if (!f)
		return NULL;
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		ns_buf_put(&b, part, n);
	fclose(f);
	char *out = strdup(ns_buf_str(&b));
	ns_buf_free(&b);
	return out;
}

/* Length of an RFC 3339 time at s, 0 none. */
static size_t time_at(const char *s, int64_t *ms)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	char word[40];
	size_t n = 0;
	for (; form[n]; n++)
		if (form[n] == 'd' ? !isdigit((unsigned char)s[n]) : s[n] != form[n])
			return 0;
	n += strspn(s + n, ".0123456789");
	if (s[n] != 'Z' || n + 1 >= sizeof word)
		return 0;
	n++;
	memcpy(word, s, n);
	word[n] = '\0';
	return ns_time_parse(word, ms) ? n : 0;
}

/* "@now-5m" and its like, of templates. */
static size_t template_at(const char *s, int64_t *ago_ms)
{
	char *end;
	if (strncmp(s, "@now", 4) != 0)
		return 0;
	*ago_ms = 0;
	if (s[4] != '-' && s[4] != '+')
		return 4;
	long n = strtol(s + 5, &end, 10);
	*ago_ms = n * (*end == 'd' ? 86400000 : *end == 'h' ? 3600000 : *end == 'm' ? 60000 : 1000) * (s[4] == '-' ? 1 : -1);
	return (size_t)(end - s) + (isalpha((unsigned char)*end) ? 1 : 0);
}

/* older_ms: how long ago its newest time is put. */
static char *moved(const char *text, int64_t older_ms)
{
	int64_t newest = 0, ms;
	bool templates = strstr(text, "@now") != NULL;
	for (const char *s = text; *s; s++)
		if (time_at(s, &ms) && ms > newest)
			newest = ms;
	/* A template says itself when now is; else the newest time does, a second ago. */
	int64_t by = templates ? 0 : T0 - 1000 - newest - older_ms;
	ns_buf b = NS_BUF_INIT;
	for (const char *s = text; *s;) {
		char out[32];
		size_t n = template_at(s, &ms);
		if (n) {
			ns_time_format(T0 - ms, out);
			ns_buf_puts(&b, out);
		} else if ((n = time_at(s, &ms)) != 0) {
			ns_time_format(ms + by, out);
			ns_buf_puts(&b, out);
		} else {
			ns_buf_putc(&b, *s);
			n = 1;
		}
		s += n;
	}
	char *out = strdup(ns_buf_str(&b));
	ns_buf_free(&b);
	return out;
}

/* ---- feeding ---- */

static const struct { const char *kind; dt_row row; } kinds[] = {{"Pod", DT_ROW_PODS}, {"Deployment", DT_ROW_DEPLOYMENTS}, {"ReplicaSet", DT_ROW_REPLICASETS},
    {"StatefulSet", DT_ROW_STATEFULSETS}, {"DaemonSet", DT_ROW_DAEMONSETS}, {"Job", DT_ROW_JOBS}, {"CronJob", DT_ROW_CRONJOBS}, {"Node", DT_ROW_NODES},
    {"Event", DT_ROW_EVENTS}, {"HorizontalPodAutoscaler", DT_ROW_AUTOSCALERS}, {"PersistentVolumeClaim", DT_ROW_CLAIMS}, {"Application", DT_ROW_APPLICATIONS},
    {"PolicyReport", DT_ROW_REPORTS}, {"ClusterPolicyReport", DT_ROW_CLUSTERREPORTS}, {"Report", DT_ROW_OPENREPORTS}, {"ClusterReport", DT_ROW_OPENCLUSTERREPORTS}};
static const char *const folders[][2] = {{"pods", "Pod"}, {"workloads", "Deployment"}, {"nodes", "Node"}, {"events", "Event"}, {"reports", "PolicyReport"},
    {"applications", "Application"}};

/* Every policy that a report names is enforced. */
static void enforce(rig *r, const cJSON *report)
{
	ns_json_each(x, ns_json_get(report, "results"))
	{
		const char *name = ns_json_str(x, "policy", ""), *slash = strchr(name, '/');
		char b[512];
		if (*name)
			snprintf(b, sizeof b, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%.*s\"},\"spec\":{\"validationFailureAction\":\"Enforce\"}}", slash ? slash + 1 : name,
			    slash ? (int)(slash - name) : 0, name);
		if (*name)
			rig_feed(r, slash ? DT_ROW_POLICIES : DT_ROW_CLUSTERPOLICIES, NS_WATCH_ADDED, b);
	}
}

/* And every workload that it is about is there, and well. */
static void make(rig *r, const char *kind, const char *ns, const char *name, const char *uid)
{
	static const struct { const char *kind; dt_row row; } made[] = {{"Deployment", DT_ROW_DEPLOYMENTS}, {"StatefulSet", DT_ROW_STATEFULSETS},
	    {"DaemonSet", DT_ROW_DAEMONSETS}, {"Job", DT_ROW_JOBS}, {"CronJob", DT_ROW_CRONJOBS}, {"ReplicaSet", DT_ROW_REPLICASETS}, {"Pod", DT_ROW_PODS}};
	char b[1024];
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (strcmp(kind, made[i].kind) == 0) {
			snprintf(b, sizeof b, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":\"%s\"},\"spec\":{\"nodeName\":\"n\",\"replicas\":0},\"status\":{\"phase\":\"Running\"}}", name,
			    ns, *uid ? uid : name);
			rig_feed(r, made[i].row, NS_WATCH_ADDED, b);
		}
}

static void make_subjects(rig *r, const cJSON *report)
{
	const char *own = ns_json_str(report, "metadata.namespace", "");
	const cJSON *scope = ns_json_get(report, "scope");
	make(r, ns_json_str(scope, "kind", ""), ns_json_str(scope, "namespace", own), ns_json_str(scope, "name", ""), ns_json_str(scope, "uid", ""));
	ns_json_each(x, ns_json_get(report, "results"))
		ns_json_each(of, ns_json_get(x, "resources"))
			make(r, ns_json_str(of, "kind", ""), ns_json_str(of, "namespace", own), ns_json_str(of, "name", ""), ns_json_str(of, "uid", ""));
}

static int fed;

static void feed(rig *r, cJSON *j, const char *kind)
{
	const cJSON *items = cJSON_IsArray(j) ? j : ns_json_get(j, "items");
	const char *own = ns_json_str(j, "kind", "");
	if (cJSON_IsArray(items)) {
		cJSON *x;
		cJSON_ArrayForEach(x, items) feed(r, x, kind);
		return;
	}
	if (*own)
		kind = own;
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(j, "metadata");
	if (!meta)
		return;
	if (!ns_json_get(meta, "uid")) {
		char uid[16];
		snprintf(uid, sizeof uid, "made-%d", fed);
		cJSON_AddStringToObject(meta, "uid", uid);
	}
	if (!ns_json_get(meta, "name"))
		cJSON_AddStringToObject(meta, "name", "nameless");
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind, kinds[i].kind) == 0) {
			if (kinds[i].row == DT_ROW_REPORTS || kinds[i].row == DT_ROW_CLUSTERREPORTS || kinds[i].row == DT_ROW_OPENREPORTS)
			{
				enforce(r, j);
				make_subjects(r, j);
			}
			/* What owned it is not here: it stands for itself. */
			if (kinds[i].row == DT_ROW_REPLICASETS)
				cJSON_DeleteItemFromObjectCaseSensitive(meta, "ownerReferences");
			dt_on_event(r->d, kinds[i].row, NS_WATCH_ADDED, j, NULL);
			fed++;
		}
}

/* What follows `---` is the next document. */
static void feed_text(rig *r, char *text, const char *kind)
{
	ns_err err = {0};
	if (*(text + strspn(text, " \t\r\n")) == '{' || *(text + strspn(text, " \t\r\n")) == '[') {
		cJSON *j = ns_json_parse(text, strlen(text), &ns_json_api, &err);
		feed(r, j, kind);
		cJSON_Delete(j);
		return;
	}
	for (char *doc = text, *next; doc; doc = next) {
		next = strstr(doc, "\n---");
		if (next) {
			*next = '\0';
			next += 4;
		}
		cJSON *j = ns_yaml_parse(doc, strlen(doc), "fixture", 0, 0, &err);
		if (j)
			feed(r, j, kind);
		cJSON_Delete(j);
	}
}

/* The classes that were told, in order, each once: "oom_killed config_error". */
static const char *classes(const char *log)
{
	static char out[512];
	*out = '\0';
	for (const char *p = log; (p = strchr(p, '+')) != NULL; p++) {
		char word[64];
		snprintf(word, sizeof word, "%.*s", (int)strcspn(p + 1, " "), p + 1);
		ns_kind k;
		if ((p == log || p[-1] == ';') && ns_kind_parse(word, &k) && !strstr(out, word))
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", *out ? " " : "", word);
	}
	return out;
}

static const char *said_of(const char *folder, const char *file, const char *kind)
{
	char path[512];
	snprintf(path, sizeof path, FIXTURES "/%s/%s", folder, file);
	char *raw = slurp(path), *text = raw ? moved(raw, 0) : NULL;
	rig r;
	if (!text) {
		free(raw);
		return NULL;
	}
	rig_open(&r, NULL);
	feed_text(&r, text, kind);
	rig_sync(&r);
	const char *all = rig_pass(&r, 20 * 60000);
	const char *out = classes(all);
	rig_close(&r);
	free(text);
	free(raw);
	return out;
}

/* ---- what the index of the material says of each ---- */

/* Class of those that show a failure; every other file of the folders shows none that a single object proves. Read with the notes of its index:
 * exit code 137 is no OOM kill by itself, OOMKilled comes with other codes, a phase can be unknown, a status old. */
static const struct { const char *file, *classes; } failing[] = {
    {"pods/argocd-pod-crashloop.yaml", "pod_crashloop"},
    {"pods/argocd-pod-deletion.yaml", "other"},
    {"pods/argocd-pod-error.yaml", "pod_crashloop"},
    /* They have a node and do not start, for 20 min. */
    {"pods/argocd-pod-pending.yaml", "probe_failure"},
    {"pods/flanksource-container-creating.yaml", "probe_failure"},
    {"pods/flanksource-pod-pending.yaml", "probe_failure"},
    {"pods/kdash-pod-11-pod-init-container.json", "probe_failure"},
    {"pods/kubectl-status-pod-pending-scheduled.yaml", "probe_failure"},
    {"pods/kubectl-status-pod-pending-waiting-container.yaml", "probe_failure"},
    {"pods/openshift-podinitializing.json", "probe_failure"},
    {"pods/troubleshoot-message-container-creating-failed-mount.json", "probe_failure"},
    {"pods/argocd-pod-failed.yaml", "other"},
    {"pods/argocd-pod-imagepullbackoff.yaml", "image_pull"},
    {"pods/argocd-pod-running-not-ready.yaml", "probe_failure"},
    {"pods/argocd-pod-running-restart-onfailure.yaml", "pod_crashloop"},
    {"pods/backstage-pod-crashing.json", "pod_crashloop"},
    {"pods/backstage-pod-missing-cm.json", "config_error"},
    {"pods/flanksource-crashloopbackoff.yaml", "pod_crashloop"},
    {"pods/flanksource-evicted.yaml", "evicted"},
    {"pods/flanksource-failed.yaml", "other"},
    {"pods/flanksource-oomkilled-unhealthy.yaml", "oom_killed"},
    {"pods/flanksource-oomkilled-warning.yaml", "oom_killed"},
    {"pods/flanksource-pod-crashloop-pending.yaml", "pod_crashloop"},
    {"pods/flanksource-pod-imagepullbackoff.yaml", "image_pull"},
    {"pods/flanksource-pod-never-ready.yaml", "probe_failure"},
    {"pods/flanksource-pod-terminating.yaml", "other"},
    {"pods/flanksource-start-error.yaml", "config_error"},
    {"pods/flanksource-terminating-stuck.yaml", "other"},
    {"pods/flanksource-unhealthy-restarting.yaml", "pod_crashloop"},
    {"pods/holmes-frontend-service.yaml", "pod_crashloop"},
    {"pods/kdash-pod-00-adservice-f787c8dcd-tb6x2.json", "unschedulable"},
    {"pods/kdash-pod-01-cartservice-67b89ffc69-s5qp8.json", "pod_crashloop"},
    {"pods/kdash-pod-02-currencyservice-68887d98fd-gc9.json", "unschedulable"},
    {"pods/kdash-pod-04-frontend-5c4745dfdb-6k8wf.json", "other"},
    {"pods/kdash-pod-05-frontend-5c4745dfdb-qz7fg.json", "other"},
    {"pods/kdash-pod-06-frontend-5c4745dfdb-6k8wf.json", "other"},
    {"pods/kdash-pod-07-loadgenerator-86f46dcb88-62vzw.json", "unschedulable"},
    {"pods/kubectl-status-pod-deleted-due-to-missing-container.yaml", "evicted"},
    {"pods/kubectl-status-pod-imagepullbackoff-never-policy.yaml", "image_pull"},
    {"pods/kubectl-status-pod-imagepullbackoff-with-valid-secret.yaml", "image_pull"},
    {"pods/kubectl-status-pod-liveness-kill-137.yaml", "pod_crashloop"},
    {"pods/kubectl-status-pod-missing-pvc.yaml", "unschedulable"},
    {"pods/kubectl-status-pod-non-existing-image.yaml", "image_pull"},
    {"pods/kubectl-status-pod-pending-nodeselector.yaml", "unschedulable"},
    {"pods/kubectl-status-pod-pending-required-antiaffinity.yaml", "unschedulable"},
    {"pods/kubectl-status-pod-pending-required-nodeaffinity.yaml", "unschedulable"},
    {"pods/kubectl-status-pod-pending-topology-spread-donotschedule.yaml", "unschedulable"},
    {"pods/kubectl-status-pod-poststart-hook-error.yaml", "config_error"},
    {"pods/kubectl-status-pod-probe-liveness-restarting.yaml", "probe_failure"},
    {"pods/kubectl-status-pod-probe-readiness-failing.yaml", "probe_failure"},
    {"pods/openshift-backup-deletion-failed.json", "other"},
    {"pods/openshift-init-crashloop.json", "pod_crashloop"},
    {"pods/openshift-job-pod-failed.json", "other"},
    {"pods/openshift-unschedulable.json", "unschedulable"},
    {"pods/troubleshoot-message-image-pull-fail.json", "image_pull"},
    {"pods/troubleshoot-message-oomkill-pod.json", "oom_killed"},
    {"pods/troubleshoot-message-pending-node-affinity.json", "unschedulable"},
    {"pods/troubleshoot-message-pending-pod-resources.json", "unschedulable"},
    {"pods/troubleshoot-message-pod-crashloop-backoff.json", "config_error"},
    {"pods/troubleshoot-message-pod-init-crashloop-backoff.json", "config_error"},
    {"workloads/argocd-deployment-degraded.yaml", "deployment_stalled"},
    {"workloads/argocd-hpa-v2-degraded.yaml", "autoscaling"},
    {"workloads/argocd-job-failed.yaml", "job_failed"},
    {"workloads/argocd-pvc-pending.yaml", "volume_pending"},
    {"workloads/flanksource-daemonset-unavailable.yaml", "deployment_stalled"},
    {"workloads/flanksource-deployment-deployment-failed.yaml", "deployment_stalled"},
    {"workloads/flanksource-deployment-progress-deadline-exceeded.yaml", "deployment_stalled"},
    {"workloads/flanksource-job-failed.yaml", "job_failed"},
    {"workloads/flanksource-replicaset-failed-create.yaml", "deployment_stalled"},
    {"workloads/flanksource-replicaset-unhealthy.yaml", "deployment_stalled"},
    {"workloads/kubectl-status-hpa-at-max-replicas.yaml", "autoscaling"},
    {"workloads/kubectl-status-job-fail-exit1.yaml", "job_failed"},
    {"workloads/kubectl-status-pvc-pending.yaml", "volume_pending"},
    {"workloads/kubectl-status-rs-no-ready-replicas.yaml", "deployment_stalled"},
    {"workloads/kubectl-status-rs-non-existing-image.yaml", "deployment_stalled"},
    {"workloads/kubectl-status-sts-stuck-initial-rollout.yaml", "deployment_stalled"},
    {"nodes/flanksource-unhealthy.yaml", "node_pressure"},
    {"nodes/flanksource-warning.yaml", "node_pressure"},
    {"nodes/kdash-nodes.yaml", "node_pressure"},
    {"reports/kubectl-status-clusterpolicyreport-namespace-fail.yaml", "kyverno_violation"},
    {"reports/kubectl-status-policyreport-mixed-results.yaml", "kyverno_violation"},
    {"reports/kyverno-admission-two-modes.yaml", "kyverno_violation"},
    {"reports/kyverno-background-two-modes.yaml", "kyverno_violation"},
    {"reports/kyverno-ivpol-fail.yaml", "kyverno_violation"},
    {"reports/kyverno-mpol-background.yaml", "kyverno_violation"},
    {"reports/kyverno-pss-exceptions-fail.yaml", "kyverno_violation"},
    {"reports/kyverno-test-background-mode.yaml", "kyverno_violation"},
    {"reports/kyverno-update-fail.yaml", "kyverno_violation"},
    {"reports/kyverno-vap-same-name.yaml", "kyverno_violation"},
    {"reports/kyverno-vpol-message-exp.yaml", "kyverno_violation"},
    {"reports/kyverno-vpol-standard.yaml", "kyverno_violation"},
    {"reports/kyverno-website-announcing-kyverno-release-1.14-10.yaml", "kyverno_violation"},
    {"reports/kyverno-website-reports-1.yaml", "kyverno_violation"},
    {"reports/kyverno-website-reports-2.yaml", "kyverno_violation"},
    {"applications/flanksource-missing.yaml", "argocd_drift"},
    {"applications/flanksource-unhealthy.yaml", "argocd_drift"},
    {"applications/redhat-argocd-degraded-synced.json", "argocd_drift"},
    {"applications/redhat-argocd-missing-outofsync.json", "argocd_drift"},
};

static const char *expected(const char *path)
{
	for (size_t i = 0; i < sizeof failing / sizeof *failing; i++)
		if (strcmp(failing[i].file, path) == 0)
			return failing[i].classes;
	return "";
}

static void test_each_recorded_object(void **state)
{
	int files = 0, wrong = 0, bad = 0;
	for (size_t d = 0; d < sizeof folders / sizeof *folders; d++) {
		char pattern[256];
		glob_t g = {0};
		snprintf(pattern, sizeof pattern, FIXTURES "/%s/*", folders[d][0]);
		if (glob(pattern, 0, NULL, &g) != 0)
			continue;
		for (size_t i = 0; i < g.gl_pathc; i++) {
			const char *name = strrchr(g.gl_pathv[i], '/') + 1;
			char path[256];
			snprintf(path, sizeof path, "%s/%s", folders[d][0], name);
			const char *want = expected(path), *is = said_of(folders[d][0], name, folders[d][1]);
			files++;
			bad += *want != '\0';
			if (strcmp(is, want) != 0) {
				print_message("# %s: \"%s\", not \"%s\"\n", path, is, want);
				wrong++;
			}
		}
		globfree(&g);
	}
	if (!files) {
		print_message("skipped: no " FIXTURES "\n");
		skip();
	}
	print_message("# %d files, %d of them with a failure, %d objects\n", files, bad, fed);
	assert_int_equal(wrong, 0);
}

/* What is known only together: the pod, and the event about it. */
static void test_pod_with_its_event(void **state)
{
	char *raw = slurp(FIXTURES "/pods/troubleshoot-message-container-creating-failed-mount.json");
	char *event = slurp(FIXTURES "/events/troubleshoot-failedmount-FailedMount.json");
	if (!raw || !event) {
		free(raw);
		free(event);
		print_message("skipped: no " FIXTURES "\n");
		skip();
	}
	rig r;
	ns_err err = {0};
	rig_open(&r, NULL);
	char *text = moved(raw, 60000), *said = moved(event, 0);
	feed_text(&r, text, "Pod");
	/* The two were recorded in different lists; the event is put on this pod. */
	cJSON *e = ns_json_parse(said, strlen(said), &ns_json_api, &err);
	assert_non_null(e);
	const char *uid = "";
	dt_each(dt_pod, p, &r.d->pods)
		uid = p->key;
	cJSON *about = cJSON_GetObjectItemCaseSensitive(e, "involvedObject");
	cJSON_DeleteItemFromObjectCaseSensitive(about, "uid");
	cJSON_AddStringToObject(about, "uid", uid);
	feed(&r, e, "Event");
	cJSON_Delete(e);
	rig_sync(&r);
	assert_string_equal(classes(rig_pass(&r, 20000)), "config_error");
	rig_close(&r);
	free(text);
	free(said);
	free(raw);
	free(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_recorded_object), cmocka_unit_test(test_pod_with_its_event)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
