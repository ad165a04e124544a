/* The detector gets of an object only what its row keeps (detector_keep.c). Here every read of every decoder is watched: the getters of
 * model/json.h are wrapped by the linker. A read of something that the row does not keep fails, by name, whether or not it is in the sample;
 * and what a decoder reads of the picked object must be what it reads of the whole one. */
#include "support/test.h"

#include <glob.h>

#include "../../src/agents/detector_priv.h"
#include "../../src/kube/pick.h"
#include "../kube/pick_oracle.h"
#include "neuroscale/model/yaml.h"

/* ---- the watched getters ---- */

static struct {
	bool on;
	const cJSON *node[20000]; /* of the whole object, each with its path */
	char path[20000][160];
	size_t n;
	const char *const *keep;
	const char *row;
	ns_buf log;               /* what was read, in order */
} watched;

/* Inside what is kept, or on the way to it? */
static bool covered(const char *const *keep, const char *path)
{
	static const char *const own[] = {"metadata.resourceVersion", "code", "reason", "message", NULL};
	const char *const *lists[] = {keep, own};
	for (int l = 0; l < 2; l++)
		for (const char *const *k = lists[l]; *k; k++) {
			size_t a = strlen(*k), b = strlen(path), n = a < b ? a : b;
			if (strncmp(*k, path, n) == 0 && (a == b || (a < b ? path[a] : (*k)[b]) == '.'))
				return true;
		}
	return false;
}

static void put_escaped(ns_buf *b, const char *key)
{
	for (; *key; key++) {
		if (*key == '.')
			ns_buf_putc(b, '\\');
		ns_buf_putc(b, *key);
	}
}

static void saw(const cJSON *j, const char *path, bool one_key, const cJSON *got)
{
	if (!watched.on || !j)
		return;
	ns_buf_printf(&watched.log, "%s=%s", path, !got ? "-" : cJSON_IsString(got) ? got->valuestring : cJSON_IsTrue(got) ? "true" : "");
	if (cJSON_IsNumber(got))
		ns_buf_printf(&watched.log, "%.17g", got->valuedouble);
	ns_buf_puts(&watched.log, "\n");
	for (size_t i = 0; i < watched.n; i++) {
		if (watched.node[i] != j)
			continue;
		ns_buf b = NS_BUF_INIT;
		ns_buf_printf(&b, "%s%s", watched.path[i], *watched.path[i] && *path ? "." : "");
		if (one_key)
			put_escaped(&b, path);
		else
			ns_buf_puts(&b, path);
		if (b.len && watched.keep && !covered(watched.keep, b.data)) {
			printf("the decoder of %s reads %s, which its row does not keep: src/agents/detector_keep.c\n", watched.row, b.data);
			fail();
		}
		ns_buf_free(&b);
		return;
	}
}

const cJSON *__real_ns_json_get(const cJSON *j, const char *key);
const cJSON *__real_ns_json_path(const cJSON *j, const char *path);
const char *__real_ns_json_str(const cJSON *j, const char *path, const char *dflt);
bool __real_ns_json_int(const cJSON *j, const char *path, int64_t *out);
int64_t __real_ns_json_int_or(const cJSON *j, const char *path, int64_t dflt);
double __real_ns_json_num_or(const cJSON *j, const char *path, double dflt);
bool __real_ns_json_bool_or(const cJSON *j, const char *path, bool dflt);
const cJSON *__wrap_ns_json_get(const cJSON *j, const char *key);
const cJSON *__wrap_ns_json_path(const cJSON *j, const char *path);
const char *__wrap_ns_json_str(const cJSON *j, const char *path, const char *dflt);
bool __wrap_ns_json_int(const cJSON *j, const char *path, int64_t *out);
int64_t __wrap_ns_json_int_or(const cJSON *j, const char *path, int64_t dflt);
double __wrap_ns_json_num_or(const cJSON *j, const char *path, double dflt);
bool __wrap_ns_json_bool_or(const cJSON *j, const char *path, bool dflt);

const cJSON *__wrap_ns_json_get(const cJSON *j, const char *key)
{
	const cJSON *got = __real_ns_json_get(j, key);
	saw(j, key, true, got);
	return got;
}

const cJSON *__wrap_ns_json_path(const cJSON *j, const char *path)
{
	const cJSON *got = __real_ns_json_path(j, path);
	saw(j, path, false, got);
	return got;
}

const char *__wrap_ns_json_str(const cJSON *j, const char *path, const char *dflt)
{
	saw(j, path, false, __real_ns_json_path(j, path));
	return __real_ns_json_str(j, path, dflt);
}

bool __wrap_ns_json_int(const cJSON *j, const char *path, int64_t *out)
{
	saw(j, path, false, __real_ns_json_path(j, path));
	return __real_ns_json_int(j, path, out);
}

int64_t __wrap_ns_json_int_or(const cJSON *j, const char *path, int64_t dflt)
{
	saw(j, path, false, __real_ns_json_path(j, path));
	return __real_ns_json_int_or(j, path, dflt);
}

double __wrap_ns_json_num_or(const cJSON *j, const char *path, double dflt)
{
	saw(j, path, false, __real_ns_json_path(j, path));
	return __real_ns_json_num_or(j, path, dflt);
}

bool __wrap_ns_json_bool_or(const cJSON *j, const char *path, bool dflt)
{
	saw(j, path, false, __real_ns_json_path(j, path));
	return __real_ns_json_bool_or(j, path, dflt);
}

/* ---- one object, whole and picked ---- */

static void remember(const cJSON *j, const char *path)
{
	if (watched.n == sizeof watched.node / sizeof *watched.node || strlen(path) >= sizeof watched.path[0])
		return;
	watched.node[watched.n] = j;
	snprintf(watched.path[watched.n++], sizeof watched.path[0], "%s", path);
	for (const cJSON *c = j->child; c; c = c->next) {
		ns_buf b = NS_BUF_INIT;
		ns_buf_puts(&b, path);
		if (cJSON_IsObject(j)) {
			if (*path)
				ns_buf_putc(&b, '.');
			put_escaped(&b, c->string);
		}
		remember(c, ns_buf_str(&b));
		ns_buf_free(&b);
	}
}

/* What the decoders of the row read of it, when it comes, comes again, and goes. Caller frees. */
static char *reads_of(dt_row row, const cJSON *obj, bool whole)
{
	ns_err err = {0};
	ns_detector_opts o = {.cluster = "test"};
	ns_detector *d = ns_detector_new(&o, &err);
	assert_non_null(d);
	watched.n = 0;
	if (whole)
		remember(obj, "");
	watched.log = (ns_buf)NS_BUF_INIT;
	watched.keep = dt_rows[row].keep;
	watched.row = dt_rows[row].name;
	watched.on = true;
	dt_on_event(d, row, NS_WATCH_ADDED, obj, NULL);
	dt_on_event(d, row, NS_WATCH_MODIFIED, obj, NULL);
	dt_on_event(d, row, NS_WATCH_DELETED, obj, NULL);
	watched.on = false;
	ns_detector_free(d);
	return ns_buf_steal(&watched.log);
}

static void check(dt_row row, const cJSON *obj)
{
	ns_err err = {0};
	ns_buf text = NS_BUF_INIT;
	kube_pick *pick = kube_pick_new(dt_rows[row].keep);
	char *full = reads_of(row, obj, true);
	ns_json_write(obj, &text);
	kube_pick_pad(&text);
	const cJSON *small = kube_pick_object(pick, text.data, text.len, &err);
	if (!small)
		fail_msg("%s", err.text);
	char *picked = reads_of(row, small, false);
	assert_string_equal(full, picked);
	free(full);
	free(picked);
	kube_pick_free(pick);
	ns_buf_free(&text);
}

/* ---- our own samples: every path that a row keeps is in one of them ---- */

#define META \
	"\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u-1\",\"resourceVersion\":\"5\",\"generation\":3,\"creationTimestamp\":\"2026-01-01T00:00:00Z\"," \
	"\"deletionTimestamp\":\"2026-01-02T00:00:00Z\",\"labels\":{\"app\":\"web\",\"pod-template-hash\":\"h\",\"app.kubernetes.io/managed-by\":\"kyverno\"}," \
	"\"annotations\":{\"autoscaling.alpha.kubernetes.io/conditions\":\"[{\\\"type\\\":\\\"ScalingActive\\\",\\\"status\\\":\\\"False\\\",\\\"reason\\\":\\\"FailedGetMetrics\\\"}]\",\"other\":\"x\"}," \
	"\"ownerReferences\":[{\"controller\":true,\"kind\":\"ReplicaSet\",\"name\":\"r\",\"uid\":\"u-r\",\"apiVersion\":\"apps/v1\"}],\"managedFields\":[{}]}"
/* The same, not being deleted: some decoders look no further at what is on its way out. */
#define LIVE_META \
	"\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u-1\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app.kubernetes.io/managed-by\":\"kyverno\"}," \
	"\"ownerReferences\":[{\"controller\":true,\"kind\":\"Deployment\",\"name\":\"d\",\"uid\":\"u-d\"}]}"
#define CONDITION(type, status) \
	"{\"type\":\"" type "\",\"status\":\"" status "\",\"reason\":\"R\",\"message\":\"m\",\"lastTransitionTime\":\"2026-01-01T00:00:01Z\"}"
#define ENDED "{\"exitCode\":137,\"reason\":\"OOMKilled\",\"startedAt\":\"2026-01-01T00:00:00Z\",\"finishedAt\":\"2026-01-01T00:00:09Z\",\"message\":\"m\"}"
#define STATUSES(name) \
	"[{\"name\":\"" name "\",\"ready\":false,\"restartCount\":4,\"image\":\"i\",\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"m\"}},\"lastState\":{\"terminated\":" ENDED "}}," \
	"{\"name\":\"b\",\"ready\":true,\"restartCount\":0,\"state\":{\"running\":{\"startedAt\":\"2026-01-01T00:00:00Z\"}},\"lastState\":{}}," \
	"{\"name\":\"c\",\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":" ENDED "},\"lastState\":{}}]"
#define OWNER \
	"\"spec\":{\"replicas\":3,\"paused\":true,\"parallelism\":2,\"suspend\":false,\"schedule\":\"*/5 * * * *\",\"updateStrategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":1}},\"selector\":{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\",\"w\"]}]},\"template\":{\"spec\":{}}}," \
	"\"status\":{\"observedGeneration\":2,\"replicas\":3,\"readyReplicas\":1,\"updatedReplicas\":2,\"availableReplicas\":1,\"desiredNumberScheduled\":3,\"currentNumberScheduled\":3," \
	"\"numberReady\":1,\"updatedNumberScheduled\":1,\"numberAvailable\":1,\"active\":1,\"ready\":1,\"failed\":6,\"completionTime\":\"2026-01-01T00:00:09Z\",\"lastScheduleTime\":\"2026-01-01T00:00:09Z\"," \
	"\"lastSuccessfulTime\":\"2026-01-01T00:00:09Z\",\"conditions\":[" CONDITION("Progressing", "False") "," CONDITION("ReplicaFailure", "True") "," CONDITION("Failed", "True") "]}"
#define EVENT(about, message, note) \
	"{\"metadata\":{\"name\":\"e\",\"namespace\":\"default\",\"uid\":\"u-e\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"" about "\":{\"kind\":\"ClusterPolicy\",\"name\":\"p\",\"namespace\":\"\",\"uid\":\"u-p\"," \
	"\"fieldPath\":\"spec.containers{app}\"},\"related\":{\"kind\":\"Deployment\",\"namespace\":\"n\",\"name\":\"a\",\"uid\":\"u-d\"},\"type\":\"Warning\",\"" message "\":\"Deployment n/a: [rule] fail (blocked); text\"," \
	"\"action\":\"Resource Blocked\",\"series\":{\"count\":3,\"lastObservedTime\":\"2026-01-01T00:00:05Z\"},\"count\":2,\"eventTime\":\"2026-01-01T00:00:04Z\",\"firstTimestamp\":\"2026-01-01T00:00:01Z\"," \
	"\"lastTimestamp\":\"2026-01-01T00:00:02Z\",\"deprecatedLastTimestamp\":\"2026-01-01T00:00:03Z\",\"" note "\":\"x\",\"reason\":"
#define RESULT(result, more) \
	"{\"policy\":\"p\",\"rule\":\"autogen-r\",\"result\":\"" result "\",\"message\":\"m\",\"properties\":{\"exceptions\":\"e\"}" more "}"
#define REPORT(scope, results) \
	"{" LIVE_META "," scope "\"source\":\"kyverno\",\"results\":[" results "]}"
#define RESOURCES ",\"source\":\"kyverno\",\"resources\":[{\"kind\":\"Deployment\",\"namespace\":\"n\",\"name\":\"a\",\"uid\":\"u-d\"}]"

static const struct { dt_row row; const char *json; } samples[] = {
    {DT_ROW_PODS, "{" META ",\"spec\":{\"nodeName\":\"node\",\"priority\":1,\"initContainers\":[{\"name\":\"i\",\"restartPolicy\":\"Always\",\"image\":\"x\"}],\"containers\":[{\"name\":\"b\"}],"
                  "\"volumes\":[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"c\"}},{\"name\":\"w\",\"ephemeral\":{\"volumeClaimTemplate\":{}}},{\"name\":\"x\",\"emptyDir\":{}}]},"
                  "\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"m\",\"podIP\":\"10.0.0.1\",\"conditions\":[" CONDITION("Ready", "False") "," CONDITION("PodScheduled", "False") "],"
                  "\"initContainerStatuses\":" STATUSES("i") ",\"containerStatuses\":" STATUSES("a") ",\"ephemeralContainerStatuses\":" STATUSES("e") "}}"},
    {DT_ROW_EVENTS, EVENT("involvedObject", "message", "note") "\"PolicyViolation\"}"},
    {DT_ROW_EVENTS, EVENT("regarding", "note", "source") "\"PolicyViolation\"}"},
    {DT_ROW_EVENTS, EVENT("involvedObject", "message", "note") "\"Unhealthy\"}"},
    {DT_ROW_DEPLOYMENTS, "{" META "," OWNER "}"},
    {DT_ROW_REPLICASETS, "{" META "," OWNER "}"},
    {DT_ROW_STATEFULSETS, "{" META "," OWNER "}"},
    {DT_ROW_DAEMONSETS, "{" META "," OWNER "}"},
    {DT_ROW_JOBS, "{" META "," OWNER "}"},
    {DT_ROW_CRONJOBS, "{" META "," OWNER "}"},
    {DT_ROW_NODES, "{" META ",\"spec\":{\"unschedulable\":true,\"taints\":[{\"key\":\"ToBeDeletedByClusterAutoscaler\",\"effect\":\"NoSchedule\"}]},\"status\":{\"capacity\":{},\"conditions\":[" CONDITION("Ready", "False") "," CONDITION("DiskPressure", "True") "]}}"},
    {DT_ROW_REPORTS, REPORT("\"scope\":{\"kind\":\"Deployment\",\"namespace\":\"n\",\"name\":\"a\",\"uid\":\"u-d\"},", RESULT("fail", "") "," RESULT("skip", ""))},
    {DT_ROW_REPORTS, REPORT("", RESULT("fail", RESOURCES) "," RESULT("fail", "") "," RESULT("pass", ""))},
    {DT_ROW_CLUSTERREPORTS, REPORT("", RESULT("fail", RESOURCES))},
    {DT_ROW_OPENREPORTS, REPORT("", RESULT("fail", RESOURCES) "," RESULT("skip", ""))},
    {DT_ROW_OPENCLUSTERREPORTS, REPORT("", RESULT("fail", RESOURCES))},
    {DT_ROW_CLUSTERPOLICIES, "{" META ",\"spec\":{\"validationFailureAction\":\"Audit\",\"validationFailureActionOverrides\":[{\"action\":\"Enforce\",\"namespaces\":[\"a\"]}],\"rules\":[{\"name\":\"r\",\"validate\":{\"failureAction\":\"Enforce\",\"failureActionOverrides\":[{\"action\":\"Audit\",\"namespaces\":[\"b\"]}],\"pattern\":{}}}],\"validationActions\":[\"Deny\"]}}"},
    {DT_ROW_POLICIES, "{" META ",\"spec\":{\"validationFailureAction\":\"Enforce\",\"rules\":[{\"validate\":{\"failureAction\":\"Enforce\"}}]}}"},
    {DT_ROW_VALIDATINGPOLICIES, "{" META ",\"spec\":{\"validationActions\":[\"Deny\"],\"validations\":[{}]}}"},
    {DT_ROW_AUTOSCALERS, "{" META ",\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\",\"apiVersion\":\"apps/v1\"},\"maxReplicas\":3},\"status\":{\"conditions\":[" CONDITION("AbleToScale", "False") "]}}"},
    {DT_ROW_AUTOSCALERS, "{" LIVE_META ",\"spec\":{\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"}},\"status\":{\"conditions\":[" CONDITION("AbleToScale", "False") "]}}"},
    {DT_ROW_CLAIMS, "{" LIVE_META ",\"spec\":{\"volumeName\":\"\"},\"status\":{\"phase\":\"Pending\"}}"},
    {DT_ROW_CLAIMS, "{" META ",\"status\":{\"phase\":\"Lost\"}}"},
#define APPLICATION(meta, more, sync, health, conditions) \
	"{" meta ",\"spec\":{\"source\":{}}," more "\"status\":{\"sync\":{\"status\":\"" sync "\",\"revision\":\"r\"},\"health\":{\"status\":\"" health "\",\"message\":\"m\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}," \
	"\"history\":[{\"id\":1}],\"operationState\":{\"phase\":\"Failed\",\"message\":\"m\",\"finishedAt\":\"2026-01-01T00:00:00Z\"},\"conditions\":[" conditions "],\"resources\":[{\"kind\":\"Deployment\",\"namespace\":\"n\",\"name\":\"a\",\"status\":\"Synced\"}]}}"
    {DT_ROW_APPLICATIONS, APPLICATION(LIVE_META, "", "OutOfSync", "Healthy", "")},
    {DT_ROW_APPLICATIONS, APPLICATION(LIVE_META, "\"operation\":{\"sync\":{}},", "OutOfSync", "Healthy", CONDITION("ComparisonError", "True"))},
    {DT_ROW_APPLICATIONS, APPLICATION(LIVE_META, "", "Synced", "Degraded", CONDITION("Other", "True"))},
    {DT_ROW_APPLICATIONS, APPLICATION(LIVE_META, "", "Synced", "Missing", "")},
    {DT_ROW_APPLICATIONS, APPLICATION(META, "", "Synced", "Missing", "")},
    {DT_ROW_SECRETS, "{" META ",\"type\":\"kubernetes.io/tls\",\"data\":{\"tls.crt\":\"bm8=\",\"tls.key\":\"bm8=\"}}"},
};
#define N_SAMPLES (sizeof samples / sizeof *samples)

static cJSON *sample(size_t i)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(samples[i].json, strlen(samples[i].json), &ns_json_api, &err);
	if (!j)
		fail_msg("%s: %s", err.text, samples[i].json);
	return j;
}

static void test_no_decoder_reads_what_its_row_drops(void **state)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		cJSON *j = sample(i);
		check(samples[i].row, j);
		cJSON_Delete(j);
	}
}

static bool has_path(const cJSON *j, const char *path)
{
	const char *rest;
	for (const cJSON *c = j->child; c; c = c->next) {
		if (cJSON_IsArray(j) ? has_path(c, path) : oracle_first(path, c->string ? c->string : "", &rest) && (!rest || has_path(c, rest)))
			return true;
	}
	return false;
}

/* A row without a sample, or a path that no sample has, would leave reads below it unseen. */
static void test_the_samples_have_every_path(void **state)
{
	for (int row = 0; row < DT_ROW_COUNT; row++) {
		bool any = false;
		for (size_t i = 0; i < N_SAMPLES; i++)
			any |= samples[i].row == (dt_row)row;
		if (!any)
			fail_msg("%s has no sample here", dt_rows[row].name);
		for (const char *const *k = dt_rows[row].keep; k && *k; k++) {
			bool found = false;
			for (size_t i = 0; i < N_SAMPLES && !found; i++) {
				cJSON *j = sample(i);
				found = dt_rows[samples[i].row].keep == dt_rows[row].keep && has_path(j, *k);
				cJSON_Delete(j);
			}
			if (!found)
				fail_msg("no sample of %s has %s", dt_rows[row].name, *k);
		}
	}
}

/* A secret's key never becomes a string of ours. */
static void test_a_private_key_is_not_kept(void **state)
{
	assert_true(covered(dt_rows[DT_ROW_SECRETS].keep, "data.tls\\.crt"));
	assert_false(covered(dt_rows[DT_ROW_SECRETS].keep, "data.tls\\.key"));
}

/* ---- recorded objects, where they are ---- */

static size_t check_object(const cJSON *j)
{
	static const struct { const char *kind; dt_row row; } rows[] = {{"Pod", DT_ROW_PODS}, {"Event", DT_ROW_EVENTS}, {"Deployment", DT_ROW_DEPLOYMENTS},
	    {"ReplicaSet", DT_ROW_REPLICASETS}, {"StatefulSet", DT_ROW_STATEFULSETS}, {"DaemonSet", DT_ROW_DAEMONSETS}, {"Job", DT_ROW_JOBS},
	    {"CronJob", DT_ROW_CRONJOBS}, {"Node", DT_ROW_NODES}, {"PolicyReport", DT_ROW_REPORTS}, {"ClusterPolicyReport", DT_ROW_CLUSTERREPORTS},
	    {"ClusterPolicy", DT_ROW_CLUSTERPOLICIES}, {"Policy", DT_ROW_POLICIES}, {"HorizontalPodAutoscaler", DT_ROW_AUTOSCALERS},
	    {"PersistentVolumeClaim", DT_ROW_CLAIMS}, {"Application", DT_ROW_APPLICATIONS}};
	const char *kind = ns_json_str(j, "kind", "");
	size_t n = 0;
	ns_json_each(item, ns_json_get(j, "items")) n += check_object(item);
	if (cJSON_IsObject(ns_json_get(j, "object")))
		n += check_object(ns_json_get(j, "object"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(kind, rows[i].kind) == 0) {
			check(rows[i].row, j);
			n++;
		}
	return n;
}

static size_t check_file(const char *path)
{
	ns_buf b = NS_BUF_INIT;
	char part[65536];
	size_t n = 0, k;
	FILE *f = fopen(path, "r");
	while (f && (k = fread(part, 1, sizeof part, f)) > 0)
		ns_buf_put(&b, part, k);
	if (f)
		fclose(f);
	cJSON *j = strstr(path, ".yaml") ? ns_yaml_parse(ns_buf_str(&b), b.len, path, 0, 16 << 20, NULL) : ns_json_parse(ns_buf_str(&b), b.len, &ns_json_api, NULL);
	if (j)
		n = check_object(j);
	/* A recorded stream: an event a line. */
	for (char *line = j ? NULL : b.data; line && *line;) {
		size_t len = strcspn(line, "\n");
		cJSON *e = ns_json_parse(line, len, &ns_json_api, NULL);
		n += e ? check_object(e) : 0;
		cJSON_Delete(e);
		line += len + (line[len] == '\n');
	}
	cJSON_Delete(j);
	ns_buf_free(&b);
	return n;
}

static void test_recorded_objects(void **state)
{
	static const char *const dirs[] = {"pods", "workloads", "events", "nodes", "reports", "watch", "applications"};
	static const char *const depths[] = {"*", "*/*", "*/*/*"};
	size_t n = 0;
	for (size_t i = 0; i < 3 * sizeof dirs / sizeof *dirs; i++) {
		char pattern[256];
		glob_t found;
		snprintf(pattern, sizeof pattern, "../shared/fixtures/%s/%s", dirs[i / 3], depths[i % 3]);
		if (glob(pattern, GLOB_MARK, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			n += check_file(found.gl_pathv[k]);
		globfree(&found);
	}
	if (!n)
		skip(); /* they are not part of the project */
	printf("# %zu recorded objects\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_decoder_reads_what_its_row_drops), cmocka_unit_test(test_the_samples_have_every_path),
	    cmocka_unit_test(test_a_private_key_is_not_kept), cmocka_unit_test(test_recorded_objects)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
