/* Every field of a pod template, changed one at a time: which changes a rollback may make alone. The template below has all fields that
 * core/v1 knows in a Deployment; what is not in `safe` must be named, also when it is a field that nobody has heard of yet. */
#include "support/test.h"

#include <stdlib.h>

#include "agents/planner_case.h"
#include "neuroscale/model/yaml.h"

static const char container[] =
	"{name: app, image: 'shop/app:1', imagePullPolicy: IfNotPresent, command: [/run], args: [--port, '8080'], workingDir: /srv, "
	"ports: [{name: http, containerPort: 8080, hostPort: 80, hostIP: 10.0.0.1, protocol: TCP}], "
	"env: [{name: MODE, value: fast}, {name: URL, valueFrom: {configMapKeyRef: {name: cfg, key: url, optional: true}}}, "
	"{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: k, optional: true}}}, {name: NODE, valueFrom: {fieldRef: {apiVersion: v1, "
	"fieldPath: spec.nodeName}}}], envFrom: [{prefix: A_, configMapRef: {name: all}}, {secretRef: {name: hidden, optional: true}}], "
	"resources: {limits: {memory: 128Mi, cpu: 1, nvidia.com/gpu: 1}, requests: {memory: 64Mi, cpu: 100m, ephemeral-storage: 1Gi}, "
	"claims: [{name: gpu, request: one}]}, resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}], "
	"restartPolicy: Always, volumeMounts: [{name: data, mountPath: /data, subPath: x, readOnly: true, mountPropagation: None}], "
	"volumeDevices: [{name: blk, devicePath: /dev/xvda}], "
	"livenessProbe: {httpGet: {path: /live, port: 8080, host: 127.0.0.1, scheme: HTTP}, initialDelaySeconds: 5, timeoutSeconds: 1}, "
	"readinessProbe: {tcpSocket: {port: 8080, host: 127.0.0.1}, periodSeconds: 10}, "
	"startupProbe: {exec: {command: [/check]}, failureThreshold: 30}, "
	"lifecycle: {postStart: {exec: {command: [/up]}}, preStop: {exec: {command: [/down]}}, stopSignal: SIGTERM}, "
	"terminationMessagePath: /dev/termination-log, terminationMessagePolicy: File, stdin: true, stdinOnce: true, tty: true, "
	"securityContext: {privileged: false, runAsUser: 10, runAsGroup: 10, runAsNonRoot: true, readOnlyRootFilesystem: true, "
	"allowPrivilegeEscalation: false, procMount: Default, capabilities: {drop: [ALL], add: [CHOWN]}, seLinuxOptions: {level: s0}, "
	"seccompProfile: {type: RuntimeDefault}, appArmorProfile: {type: RuntimeDefault}, windowsOptions: {hostProcess: false}}}";

static const char full[] =
    "{metadata: {labels: {app: web}, annotations: {sidecar.istio.io/inject: 'true'}, name: x, finalizers: [a/b]}, spec: {"
    "volumes: [{name: data, emptyDir: {}}, {name: host, hostPath: {path: /var/log, type: Directory}}, {name: tok, projected: {sources: "
    "[{serviceAccountToken: {path: t, audience: a}}]}}, {name: s, secret: {secretName: keys}}],"
    "restartPolicy: Always, terminationGracePeriodSeconds: 30, activeDeadlineSeconds: 600, dnsPolicy: ClusterFirst, "
    "nodeSelector: {disk: ssd}, serviceAccountName: web, serviceAccount: web, automountServiceAccountToken: true, nodeName: n1, "
    "hostNetwork: false, hostPID: false, hostIPC: false, hostUsers: true, shareProcessNamespace: false, "
    "securityContext: {fsGroup: 1, sysctls: [{name: net.a, value: '1'}], supplementalGroups: [5], fsGroupChangePolicy: Always}, "
    "imagePullSecrets: [{name: pull}], hostname: h, subdomain: s, affinity: {nodeAffinity: {}}, schedulerName: default-scheduler, "
    "tolerations: [{key: k, operator: Exists, effect: NoSchedule}], hostAliases: [{ip: 10.0.0.9, hostnames: [db]}], "
    "priorityClassName: high, priority: 100, dnsConfig: {nameservers: [10.0.0.10]}, readinessGates: [{conditionType: a/b}], "
    "runtimeClassName: gvisor, enableServiceLinks: true, preemptionPolicy: Never, overhead: {cpu: 10m}, "
    "topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone}], setHostnameAsFQDN: false, os: {name: linux}, "
    "schedulingGates: [{name: g}], resourceClaims: [{name: gpu, resourceClaimName: c}], resources: {limits: {cpu: 2}}}}";

/* Paths as walk() writes them, an index as '#'. Everything at or below one of them may change alone, but for what `corners` names. */
static const char *const safe[] = {"/spec/C/#/image", "/spec/C/#/command", "/spec/C/#/args", "/spec/C/#/env", "/spec/C/#/envFrom",
    "/spec/C/#/livenessProbe", "/spec/C/#/readinessProbe", "/spec/C/#/startupProbe", "/spec/C/#/resources/limits/memory",
    "/spec/C/#/resources/limits/cpu", "/spec/C/#/resources/requests/memory", "/spec/C/#/resources/requests/cpu",
    "/spec/C/#/resources/requests/ephemeral-storage"};
static const char *const corners[] = {
    "/spec/C/#/env/#/valueFrom/secretKeyRef", "/spec/C/#/envFrom/#/secretRef", "/spec/C/#/livenessProbe/httpGet/host",
    "/spec/C/#/readinessProbe/tcpSocket/host"};

static bool below(const char *path, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);
		if (!strncmp(path, list[i], len) && (!path[len] || path[len] == '/'))
			return true;
	}
	return false;
}

/* ns_template_unsafe is the planner's own: it is reached through a plan, as a rollback's reason to ask. */
static bool alone(ns_arena *ar, const cJSON *now, const cJSON *then)
{
	fixture f;
	fixture_crash(&f, ar);
	char *a = ns_json_text(now), *b = ns_json_text(then);
	f.rev[0].template_json = ns_arena_strdup(ar, a);
	f.rev[1].template_json = ns_arena_strdup(ar, b);
	f.rev[2].was_healthy = false;
	free(a);
	free(b);
	ns_plan *p = plan(&f);
	if (p->action != NS_ACT_ROLLBACK)
		fail_msg("no rollback: %s", p->summary);
	return !asks(p, "unsafe fields:");
}

typedef struct walker {
	ns_arena *ar;
	cJSON *now, *then;
	size_t tried, safe, wrong;
} walker;

static void judge(walker *w, const char *path, const char *what, bool removed)
{
	ns_arena *ar = ns_arena_new();
	/* To stop reading a Secret, or to ask the pod itself again, takes a right away; a part of a reference that goes makes another one of it. */
	bool whole = false, corner = below(path, corners, sizeof corners / sizeof *corners);
	for (size_t i = 0; i < sizeof corners / sizeof *corners; i++)
		whole |= !strcmp(path, corners[i]);
	bool want = (below(path, safe, sizeof safe / sizeof *safe) && (!corner || (removed && whole))) ||
	            (removed && !strcmp(path, "/spec/C/#/resources/requests")); /* nothing but amounts */
	bool got = alone(ar, w->now, w->then);
	w->tried++;
	w->safe += got;
	if (got != want) {
		w->wrong++;
		print_error("%s %s: %s\n", path, what, got ? "goes through alone" : "asks a person");
	}
	ns_arena_free(ar);
}

static void spoil(cJSON *v)
{
	if (cJSON_IsString(v)) {
		char *more = malloc(strlen(v->valuestring) + 2);
		sprintf(more, "%s9", v->valuestring);
		cJSON_SetValuestring(v, more);
		free(more);
	} else if (cJSON_IsNumber(v)) {
		cJSON_SetNumberValue(v, v->valuedouble + 1);
	} else if (cJSON_IsBool(v)) {
		v->type = cJSON_IsTrue(v) ? cJSON_False : cJSON_True;
	}
}

/* Each leaf changed, each member removed, one unknown member added to each object; now stays. */
static void walk(walker *w, cJSON *at, const char *path)
{
	for (cJSON *x = at->child; x; x = x->next) {
		char below_it[512];
		bool list = cJSON_IsArray(at);
		const char *key = list ? "#" : x->string;
		if (!strcmp(path, "/spec") && strstr("containers initContainers", key))
			key = "C";
		snprintf(below_it, sizeof below_it, "%s/%s", path, key);
		if (cJSON_IsObject(x) || cJSON_IsArray(x)) {
			walk(w, x, below_it);
		} else {
			cJSON *keep = cJSON_Duplicate(x, true);
			spoil(x);
			judge(w, below_it, "changed", false);
			if (cJSON_IsString(x))
				cJSON_SetValuestring(x, keep->valuestring);
			else if (cJSON_IsNumber(x))
				cJSON_SetNumberValue(x, keep->valuedouble);
			else
				x->type = keep->type;
			cJSON_Delete(keep);
		}
	}
	if (!cJSON_IsObject(at))
		return;
	cJSON_AddTrueToObject(at, "fieldOfTomorrow");
	char unknown[512];
	snprintf(unknown, sizeof unknown, "%s/fieldOfTomorrow", path);
	judge(w, unknown, "added", false);
	cJSON_DeleteItemFromObject(at, "fieldOfTomorrow");
	for (int i = cJSON_GetArraySize(at); i-- > 0;) {
		cJSON *gone = cJSON_DetachItemFromArray(at, 0);
		char path_of[512];
		const char *key = !strcmp(path, "/spec") && strstr("containers initContainers", gone->string) ? "C" : gone->string;
		snprintf(path_of, sizeof path_of, "%s/%s", path, key);
		bool must = !strcmp(key, "C") || (!strcmp(path, "/spec/C/#") && !strcmp(key, "name")) || !*path;
		if (!must)
			judge(w, path_of, "removed", true);
		cJSON_AddItemToArray(at, gone);
	}
}

static cJSON *read_full(void)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(full, sizeof full - 1, "template", 0, 0, &err);
	cJSON *one = ns_yaml_parse(container, sizeof container - 1, "container", 0, 0, &err);
	if (!j || !one)
		fail_msg("%s", err.text);
	static const char *const names[][2] = {{"app", "log"}, {"migrate", "warm"}};
	for (size_t i = 0; i < 4; i++) {
		const char *key = i < 2 ? "containers" : "initContainers";
		cJSON *spec = cJSON_GetObjectItem(j, "spec"), *list = cJSON_GetObjectItem(spec, key), *copy = cJSON_Duplicate(one, true);
		cJSON_SetValuestring(cJSON_GetObjectItem(copy, "name"), names[i / 2][i % 2]);
		cJSON_AddItemToArray(list ? list : cJSON_AddArrayToObject(spec, key), copy);
	}
	cJSON_Delete(one);
	return j;
}

static void test_every_field_has_its_class(void **state)
{
	(void)state;
	walker w = {.now = read_full(), .then = read_full()};
	walk(&w, w.then, "");
	print_message("## rollback: %zu changes of a pod template, %zu safe alone, %zu misjudged\n", w.tried, w.safe, w.wrong);
	cJSON_Delete(w.now);
	cJSON_Delete(w.then);
	assert_int_equal(w.wrong, 0);
	assert_true(w.tried > 500 && w.safe > 50);
}

/* Lists as a whole: what comes, goes, or changes its place. */
static void test_lists(void **state)
{
	(void)state;
	static const struct {
		const char *list;
		bool add, swap, may;
	} rows[] = {{"containers", true, false, false}, {"initContainers", true, false, false}, {"containers", false, false, false},
	    {"initContainers", false, false, false}, {"initContainers", false, true, false}, {"containers", false, true, true}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		cJSON *now = read_full(), *then = read_full();
		cJSON *list = cJSON_GetObjectItem(cJSON_GetObjectItem(then, "spec"), rows[i].list);
		cJSON *image = cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "image");
		cJSON_SetValuestring(image, "shop/app:0"); /* else a swap of containers is no change at all */
		if (rows[i].swap) {
			cJSON_AddItemToArray(list, cJSON_DetachItemFromArray(list, 0));
		} else if (rows[i].add) {
			cJSON *extra = cJSON_Duplicate(list->child, true);
			cJSON_SetValuestring(cJSON_GetObjectItem(extra, "name"), "extra");
			cJSON_AddItemToArray(list, extra);
		} else {
			cJSON_DeleteItemFromArray(list, 1);
		}
		if (alone(ar, now, then) != rows[i].may)
			fail_msg("row %zu", i);
		cJSON_Delete(now);
		cJSON_Delete(then);
		ns_arena_free(ar);
	}
}

/* Health that nobody saw is told by a guess: a person is asked, whatever the difference is. */
static void test_health_by_age_asks(void **state)
{
	(void)state;
	fixture f;
	ns_arena *ar = ns_arena_new();
	fixture_crash(&f, ar);
	assert_false(asks(plan(&f), "record:"));
	f.rev[1].health_seen = false;
	ns_plan *p = plan(&f);
	assert_int_equal(p->action, NS_ACT_ROLLBACK);
	assert_true(p->requires_approval && asks(p, "record:"));
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_field_has_its_class),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_health_by_age_asks),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
