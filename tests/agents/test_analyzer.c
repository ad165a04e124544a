/* Collection against an API server that says exactly what a test wants: foreign owners, missing rights, hostile texts, odd histories. */
#include "support/test.h"

#include "agents/analyzer_api.h"

/* ---- owners ---- */

static void test_owner_links(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
	/* Same labels, another owner; no hash; a selector that is not its own hash. */
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "," REPLICASET(
	        "evil", "rx", "other", "h9", "9", "2026-11-23T02:55:00Z", "3", "3",
	        TEMPLATE("evil:1")) ","
	                            "{metadata: {name: bare, uid: ry, labels: {app: web}, ownerReferences: [{uid: d1, controller: true}]}, "
	                            "spec: {}},"
	                            "{metadata: {name: notctrl, uid: rz, labels: {app: web, pod-template-hash: q}, ownerReferences: [{uid: "
	                            "d1}]}, spec: {selector: {matchLabels: {pod-template-hash: q}}}}]}");
	yaml(a, "/pods?", "{items: [" POD("evil-a", "px", "rx", LOOPING) "," POD("web-2-a", "p1", "r2", LOOPING) "]}");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_int_equal(c->n_revisions, 1);
	assert_string_equal(c->revisions[0].replicaset, "web-2");
	assert_true(c->revisions[0].current);
	assert_non_null(find(c, NS_EV_NOTE, "3 ReplicaSets"));
	assert_non_null(find(c, NS_EV_STATUS, "web-2-a"));
	assert_null(find(c, NS_EV_STATUS, "evil-a"));
	assert_string_equal(ns_analyze(ar, c)->cause_class, "first_release_broken");
	/* The selector asks for what the Deployment's own says. */
	assert_non_null(strstr(a->asked, "labelSelector=app%3Dweb%2Ctier%20notin%20%28x%2Cy%29"));
	assert_null(strstr(a->asked, "POST"));
	ns_arena_free(ar);
	close_api(a);
}

static void test_managers(void **state)
{
	(void)state;
	static const struct {
		const char *deployment, *by;
	} cases[] = {
	    {DEPLOYMENT("web:2", ", annotations: {argocd.argoproj.io/tracking-id: 'shop-prod:apps/Deployment:shop/web'}"), "argocd"},
	    {DEPLOYMENT("web:2", ", labels: {argocd.argoproj.io/instance: shop}"), "argocd"},
	    {DEPLOYMENT("web:2", ", labels: {helm.toolkit.fluxcd.io/name: shop}"), "flux"},
	    {DEPLOYMENT("web:2", ", annotations: {meta.helm.sh/release-name: shop}"), "helm"},
	    {DEPLOYMENT("web:2", ", labels: {app.kubernetes.io/managed-by: Helm}"), "helm"},
	    {DEPLOYMENT("web:2", ", ownerReferences: [{kind: Prometheus, name: p, uid: x, controller: true}]"), "operator:Prometheus"},
	    {DEPLOYMENT("web:2", ", ownerReferences: [{kind: Thing, name: p, uid: x}]"), ""},
	    {DEPLOYMENT("web:2", ", managedFields: [{manager: argocd-controller}]"), "argocd"},
	    {DEPLOYMENT("web:2", ", labels: {app.kubernetes.io/instance: shop}"), ""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		yaml(a, "/deployments/web", cases[i].deployment);
		ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
		const ns_case *c = collect(a, ar, &al, &err);
		assert_non_null(c);
		assert_string_equal(c->managed_by, cases[i].by);
		ns_arena_free(ar);
		close_api(a);
	}
}

/* The mark names an Application; it counts when that one says itself that it has the workload, and its history is brought together with what runs. */
#define APPLICATION(ns, resource)                                                                                                          \
	"{metadata: {name: shop, namespace: " ns "}, spec: {syncPolicy: {automated: {selfHeal: true}}}, status: {sync: {status: OutOfSync}, health: "  \
	"{status: Degraded}, resources: [{kind: Deployment, namespace: shop, name: " resource ", status: OutOfSync}], history: ["              \
	"{id: 7, revision: aa, deployedAt: '2026-11-01T00:00:00Z', source: {path: a}}, "                                                       \
	"{id: 9, revision: bb, deployedAt: '2026-11-23T02:50:10Z', source: {path: a}}]}}"

static void test_application(void **state)
{
	(void)state;
	static const struct {
		const char *apps, *says;
		bool confirmed;
	} rows[] = {
	    {"{items: [" APPLICATION("argocd", "web") "]}", "Application argocd/shop: OutOfSync, Degraded, auto-sync on with self-heal", true},
	    {"{items: [" APPLICATION("argocd", "other") "]}", "no Application says that it has it", false},
	    {"{items: [" APPLICATION("argocd", "web") "," APPLICATION("team", "web") "]}", "several Applications", false},
	    {NULL, "its Application could not be read", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		yaml(a, "/deployments/web", DEPLOYMENT("web:2", ", annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/web'}"));
		yaml(a, "/replicasets?", "{items: [" REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "]}");
		if (rows[i].apps)
			yaml(a, "/applications?", rows[i].apps);
		else
			forbid(a, "/applications?");
		ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
		const ns_case *c = collect(a, ar, &al, &err);
		assert_non_null(c);
		assert_string_equal(c->managed_by, "argocd");
		assert_int_equal(c->owner.confirmed, rows[i].confirmed);
		assert_true(find(c, NS_EV_OWNER, rows[i].says) || find(c, NS_EV_NOTE, rows[i].says));
		if (rows[i].confirmed) {
			assert_true(c->owner.has_target && c->owner.history_id == 7);
			assert_non_null(find(c, NS_EV_OWNER, "out of sync: Deployment shop/web differs"));
		}
		ns_arena_free(ar);
		close_api(a);
	}
}

/* ---- history ---- */

static void test_health_of_revisions(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	/* 3 served for days. 4 was bad for two hours, and 3 was kept all the time; 6 is the newest. */
	yaml(a, "/deployments/web", DEPLOYMENT("web:6", ""));
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-4", "r4", "d1", "h4", "4", "2026-11-23T00:00:00Z", "0", "0", TEMPLATE("web:4")) "," REPLICASET(
	        "web-6", "r6", "d1", "h6", "6", "2026-11-23T02:00:00Z", "1", "0", TEMPLATE("web:6")) "," REPLICASET("web-3", "r3", "d1",
	        "h3", "3", "2026-11-10T00:00:00Z", "3", "2", TEMPLATE("web:3")) "," REPLICASET("web-2", "r2", "d1", "h2", "2",
	        "2026-11-09T00:00:00Z", "0", "0", TEMPLATE("web:2")) "," REPLICASET("web-1", "r1", "d1", "h1", "1", "2026-11-08T23:55:00Z",
	        "0", "0", TEMPLATE("web:1")) "]}");
	ns_alert al = alert_of(a, NS_KIND_DEPLOYMENT_STALLED, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_int_equal(c->n_revisions, 5);
	const int64_t numbers[] = {6, 4, 3, 2, 1};
	const bool healthy[] = {false, false, true, true, false}; /* 1 was replaced within five minutes */
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(c->revisions[i].number, numbers[i]);
		if (c->revisions[i].was_healthy != healthy[i])
			fail_msg("revision %d", (int)numbers[i]);
	}
	assert_true(c->revisions[0].current);
	assert_string_equal(c->revisions[0].changes, "");
	assert_string_equal(c->revisions[2].changes, "image web:3 -> web:6");
	assert_true(c->revisions[2].only_safe_fields);
	assert_null(strstr(c->revisions[2].template_json, "pod-template-hash"));
	ns_arena_free(ar);
	close_api(a);
}

/* The words of a difference: one revision with everything changed. */
static void test_words_of_a_difference(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/deployments/web",
	    "{metadata: {name: web, uid: d1}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: "
	    "{serviceAccountName: new,"
	    " containers: [{name: app, image: 'web:2', args: [--fast], readinessProbe: {httpGet: {port: 9999}}, securityContext: "
	    "{runAsNonRoot: true}, resources: {limits: {memory: 64Mi, cpu: 2}},"
	    " env: [{name: DB_HOST, value: 'db-2; x'}, {name: API_TOKEN, value: aVerySecretValue9}, {name: KEY, valueFrom: {secretKeyRef: "
	    "{name: keys, key: k}}}]},"
	    " {name: extra, image: 'extra:1'}], volumes: [{name: data, emptyDir: {}}]}}}}");
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-1", "r1", "d1", "h1", "1", "2026-11-01T00:00:00Z", "1", "1",
	        "{metadata: {labels: {app: web, pod-template-hash: h1}}, spec: {containers: [{name: app, image: 'web:1', readinessProbe: "
	        "{httpGet: {port: 8080}}, resources: {limits: {memory: 128Mi, cpu: 2}},"
	        " env: [{name: DB_HOST, value: db-1}, {name: API_TOKEN, value: anOlderSecretValue8}, {name: GONE, value: '1'}]}]}}") "]}");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	const char *w = c->revisions[0].changes;
	static const char *const clauses[] = {"image of app web:1 -> web:2", "env DB_HOST of app db-1 -> db-2, x",
	    "env KEY of app added (secret keys/k)", "env GONE of app removed", "memory limit of app 128Mi -> 64Mi",
	    "readiness probe of app ", "args of app added ([\"--fast\"])", "security context of app changed",
	    "container extra added (image extra:1)", "volume data added", "service account "};
	for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
		if (!strstr(w, clauses[i]))
			fail_msg("\"%s\" is not in: %s", clauses[i], w);
	assert_null(strstr(w, "SecretValue"));
	assert_null(strstr(w, "cpu limit"));
	assert_false(c->revisions[0].only_safe_fields);
	assert_false(c->revisions[0].current);
	ns_arena_free(ar);
	close_api(a);
}

/* ---- pods, logs, events ---- */

static void test_logs(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	usual(a, "");
	raw(a, "/log?", 200,
	    "starting\n\x1b[31mpassword=hunter2hunter2 sent\x1b[0m\n\nFATAL: password authentication failed for user \"web\"\n\xff\xfe "
	    "broken bytes\nbye\n"
	    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIEXAMPLE\nAwEHoUQDQgAE\n-----END EC PRIVATE KEY-----\n");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	/* In back-off the last run is `previous`, whether or not it runs again by now, and one request is enough. */
	const char *asked = strstr(a->asked, "/pods/web-2-a/log?container=app&tailLines=40&limitBytes=");
	assert_non_null(asked);
	assert_null(strstr(strchr(asked, '?'), "/log?"));
	assert_non_null(strstr(asked, "previous=true"));
	assert_int_equal(c->n_log_lines, 6);
	for (size_t i = 0; i < c->n_log_lines; i++) {
		assert_true(!strstr(c->log_lines[i], "MHcCAQ") && !strstr(c->log_lines[i], "AwEHoU")); /* law 12: a key is many lines */
		assert_null(strchr(c->log_lines[i], 27));
		assert_null(strstr(c->log_lines[i], "hunter2hunter2"));
	}
	const ns_evidence *e = find(c, NS_EV_LOG, "authentication failed");
	assert_non_null(e);
	assert_false(e->trusted);
	const ns_rca *r = ns_analyze(ar, c);
	assert_string_equal(r->cause_class, "credentials_rejected");
	assert_int_equal(r->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
	close_api(a);
}

static void test_logs_of_the_run_before(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "]}");
	yaml(a, "/pods?",
	    "{items: [" POD("web-2-a", "p1", "r2",
	        "{name: app, ready: false, restartCount: 4, state: {running: {}}, lastState: {terminated: {exitCode: 2, reason: Error, "
	        "message: 'panic: from the file'}}}") "]}");
	raw(a, "previous=true", 400,
	    "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"previous terminated container not found\",\"code\":400}");
	raw(a, "/log?", 200, "panic: boom\n");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	const char *before = strstr(a->asked, "previous=true");
	assert_non_null(before);
	assert_non_null(strstr(before, "/log?")); /* and then the current one */
	assert_int_equal(c->n_log_lines, 1);
	/* What a program leaves as its termination message is its own word. */
	const ns_evidence *e = find(c, NS_EV_LOG, "termination message");
	assert_non_null(e);
	assert_false(e->trusted);
	assert_null(find(c, NS_EV_NOTE, "log of"));
	ns_arena_free(ar);
	close_api(a);
}

/* The state that the pod was listed with is old by the time its log is read: what explains it must not be lost to a restart in between. */
static void logs_as(const char *state, const char *now)
{
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	char pods[600];
	snprintf(pods, sizeof pods, "{items: [" POD("web-2-a", "p1", "r2", "%s") "]}", state);
	yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "]}");
	yaml(a, "/pods?", pods);
	raw(a, "previous=true", 200, "FATAL required environment variable DB_PASSWORD is not set\n");
	raw(a, "/log?", 200, now);
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_non_null(find(c, NS_EV_LOG, "DB_PASSWORD is not set"));
	assert_int_equal(ns_analyze(ar, c)->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
	close_api(a);
}

static void test_logs_of_what_was_restarted_meanwhile(void **state)
{
	(void)state;
	logs_as("{name: app, ready: false, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error}}}",
	    "starting\n");
	logs_as("{name: app, ready: false, restartCount: 4, state: {terminated: {exitCode: 1, reason: Error}}, lastState: {}}", "starting\n");
}

/* What bounds a change stands on other objects of the namespace, in the API version that the cluster has. */
static void test_bounds(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/autoscaling/v1/namespaces/shop/horizontalpodautoscalers",
	    "items: [{metadata: {name: other}, spec: {scaleTargetRef: {kind: Deployment, name: api}, maxReplicas: 9}},\n"
	    "  {metadata: {name: web}, spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 9}}]\n");
	yaml(a, "/verticalpodautoscalers",
	    "items: [{metadata: {name: says}, spec: {targetRef: {kind: Deployment, name: web}, updatePolicy: {updateMode: 'Off'}}}]\n");
	yaml(a, "/limitranges",
	    "items: [{metadata: {name: a}, spec: {limits: [{type: Container, max: {memory: 2Gi}}, {type: Pod, max: {memory: 3Gi}},\n"
	    "  {type: PersistentVolumeClaim, max: {storage: 1Gi}}]}},\n"
	    " {metadata: {name: b}, spec: {limits: [{type: Container, max: {memory: 1Gi}, min: {memory: 4Mi}}]}}]\n");
	yaml(a, "/resourcequotas",
	    "items: [{metadata: {name: big}, spec: {hard: {limits.memory: 64Gi}}, status: {hard: {limits.memory: 64Gi}, used: {limits.memory: 4Gi}}},\n"
	    " {metadata: {name: team}, status: {hard: {limits.memory: 8Gi, requests.memory: 4Gi, pods: '40'},\n"
	    "   used: {limits.memory: 7Gi, requests.memory: 5Gi, pods: '3'}}}]\n");
	usual(a, "");
	ns_alert al = alert_of(a, NS_KIND_OOM_KILLED, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_true(c->has_hpa);
	assert_false(c->has_vpa); /* it only recommends */
	assert_int_equal(c->container_mem_max, 1LL << 30);
	assert_int_equal(c->pod_mem_max, 3LL << 30);
	assert_string_equal(c->quota, "team");
	assert_int_equal(c->quota_limit_left, 1LL << 30);
	assert_int_equal(c->quota_request_left, 0); /* more is used than is allowed: nothing is left */
	assert_string_equal(c->unread, "");
	assert_non_null(find(c, NS_EV_RESOURCES, "quota team leaves 1Gi of limits.memory"));
	ns_arena_free(ar);
	close_api(a);

	a = open_api();
	ar = ns_arena_new();
	forbid(a, "/resourcequotas");
	yaml(a, "/verticalpodautoscalers", "items: [{metadata: {name: does}, spec: {targetRef: {kind: Deployment, name: web}}}]\n");
	usual(a, "");
	al = alert_of(a, NS_KIND_OOM_KILLED, "Deployment", "web");
	c = collect(a, ar, &al, &err);
	assert_true(c && c->has_vpa && !c->has_hpa);
	assert_string_equal(c->unread, "quotas");
	ns_arena_free(ar);
	close_api(a);

	a = open_api();
	ar = ns_arena_new();
	yaml(a, "/policy/v1beta1/namespaces/shop/poddisruptionbudgets",
	    "items: [{metadata: {name: n}, spec: {minAvailable: 3, selector: {matchLabels: {app: web}}}},\n"
	    " {metadata: {name: others}, spec: {minAvailable: 7, selector: {matchLabels: {app: api}}}},\n"
	    " {metadata: {name: share}, spec: {minAvailable: 50%, selector: {matchLabels: {app: web}}}}]\n");
	usual(a, "");
	al = alert_of(a, NS_KIND_COST_SPIKE, "Deployment", "web");
	c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_int_equal(c->pdb_min_available, 3);
	ns_arena_free(ar);
	close_api(a);
}

static void test_missing_rights(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	forbid(a, "/log?");
	forbid(a, "/events?");
	forbid(a, "/horizontalpodautoscalers");
	usual(a, "");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_non_null(find(c, NS_EV_NOTE, "log of container app"));
	assert_non_null(find(c, NS_EV_NOTE, "events could not be read"));
	assert_non_null(find(c, NS_EV_NOTE, "autoscalers"));
	/* Without its log a person is asked. */
	const ns_rca *r = ns_analyze(ar, c);
	assert_int_equal(r->action, NS_ACT_ROLLBACK);
	assert_false(r->auto_remediate);
	ns_arena_free(ar);
	close_api(a);

	a = open_api();
	ar = ns_arena_new();
	forbid(a, "/");
	c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_true(c->found); /* not allowed to look is not gone */
	assert_false(ns_analyze(ar, c)->auto_remediate);
	ns_arena_free(ar);
	close_api(a);
}

static void test_events(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	usual(a, POD("web-2-b", "p2", "r2", LOOPING));
	yaml(a, "/events?",
	    "{items: ["
	    "{type: Warning, reason: BackOff, message: 'Back-off restarting failed container app in pod web-2-a_shop(p1)', involvedObject: "
	    "{kind: Pod, uid: p1}, count: 3, lastTimestamp: '2026-11-23T02:59:00Z'},"
	    "{type: Warning, reason: BackOff, message: 'Back-off restarting failed container app in pod web-2-b_shop(p2)', involvedObject: "
	    "{kind: Pod, uid: p2}, series: {count: 5}, eventTime: '2026-11-23T02:59:10.123456Z'},"
	    "{type: Normal, reason: Pulled, message: ok, involvedObject: {kind: Pod, uid: p1}},"
	    "{type: Warning, reason: FailedMount, message: 'secret \"stolen\" not found', involvedObject: {kind: Pod, uid: somebody-else}},"
	    "{type: Normal, reason: Killing, message: 'Container app failed liveness probe, will be restarted', involvedObject: {kind: "
	    "Pod, uid: p1}}]}");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	const ns_evidence *e = find(c, NS_EV_EVENT, "BackOff");
	assert_non_null(e);
	assert_non_null(strstr(e->text, "(x8)"));
	assert_false(e->trusted);
	assert_true(e->at_ms > 0);
	assert_null(find(c, NS_EV_EVENT, "stolen"));
	assert_null(find(c, NS_EV_EVENT, "Pulled"));
	assert_non_null(find(c, NS_EV_EVENT, "liveness"));
	assert_non_null(find(c, NS_EV_STATUS, "2 of 2 pods"));
	ns_arena_free(ar);
	close_api(a);
}

static void test_containers(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/statefulsets/web",
	    "{metadata: {name: web, uid: d1, generation: 2}, spec: {replicas: 2, selector: {matchLabels: {app: web}}}, status: "
	    "{observedGeneration: 2, readyReplicas: 1}}");
	yaml(a, "/pods?",
	    "{items: [{metadata: {name: web-0, uid: p1, ownerReferences: [{uid: d1, controller: true}], annotations: {vpaUpdates: 'Pod "
	    "resources updated by web'}},"
	    " spec: {nodeName: n1, initContainers: [{name: setup, image: 'setup:1'}, {name: mesh, image: 'mesh:1', restartPolicy: Always}],"
	    " containers: [{name: app, image: 'java:17', env: [{name: JAVA_OPTS, value: '-Dx=1 -Xmx512m'}], resources: {limits: {memory: "
	    "512Mi, cpu: 500m}, requests: {memory: 256Mi}}}]},"
	    " status: {phase: Running, initContainerStatuses: [{name: setup, ready: false, state: {terminated: {exitCode: 0, reason: "
	    "Completed}}}, {name: mesh, ready: true, state: {running: {}}}],"
	    " containerStatuses: [{name: app, ready: true, restartCount: 2, state: {running: {}}, lastState: {terminated: {exitCode: 137, "
	    "reason: OOMKilled, startedAt: '2026-11-23T02:00:00Z', finishedAt: '2026-11-23T02:10:00Z'}}}]}}]}");
	yaml(a, "/nodes/n1", "{status: {allocatable: {memory: 3900Mi}, conditions: [{type: MemoryPressure, status: 'True'}]}}");
	ns_alert al = alert_of(a, NS_KIND_OOM_KILLED, "StatefulSet", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_int_equal(c->n_containers, 3);
	assert_true(c->containers[0].init && c->containers[0].ready);
	assert_true(c->containers[1].sidecar && !c->containers[1].init);
	const ns_container_facts *f = &c->containers[2];
	assert_true(f->jvm && f->running && f->ready && f->has_last);
	assert_int_equal(f->mem_limit, 512LL << 20);
	assert_int_equal(f->cpu_limit_milli, 500);
	assert_int_equal(f->last_exit, 137);
	assert_int_equal(f->last_finished_ms - f->last_started_ms, 600000);
	assert_int_equal(c->node_allocatable_mem, 3900LL << 20);
	assert_string_equal(c->managed_by, "operator:VerticalPodAutoscaler");
	assert_non_null(find(c, NS_EV_RESOURCES, "-Xmx512m"));
	assert_non_null(find(c, NS_EV_CONDITION, "memory pressure"));
	assert_int_equal(ns_analyze(ar, c)->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
	close_api(a);
}

static void test_bare_pod_and_unknown_kind(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	yaml(a, "/pods/web",
	    "{metadata: {name: web, uid: d1}, spec: {containers: [{name: app, image: 'web:2'}]}, status: {phase: Running, "
	    "containerStatuses: [" LOOPING "]}}");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Pod", "web");
	const ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_int_equal(c->n_containers, 1);
	assert_int_equal(c->replicas, 1);
	assert_int_equal(ns_analyze(ar, c)->action, NS_ACT_MANUAL_REVIEW);
	al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Rollout", "../../secrets");
	c = collect(a, ar, &al, &err);
	assert_non_null(c);
	assert_false(c->found);
	assert_null(strstr(a->asked, "secrets"));
	al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "../web?x=1");
	c = collect(a, ar, &al, &err);
	assert_null(strstr(a->asked, "/../"));
	ns_arena_free(ar);
	close_api(a);
}

/* A Deployment of no replicas has nothing that could fail: its own spec tells, once somebody misses it. */
static void test_scaled_to_zero(void **state)
{
	(void)state;
	for (int replicas = 0; replicas < 2; replicas++) {
		char text[512];
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		snprintf(text, sizeof text,
		    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, uid: d1, generation: 1}, spec: {replicas: %d, "
		    "selector: {matchLabels: {app: web}}, template: " TEMPLATE("web:1") "}, status: {observedGeneration: 1}}",
		    replicas);
		yaml(a, "/deployments/web", text);
		ns_alert al = alert_of(a, NS_KIND_EXTERNAL, "Deployment", "web");
		const ns_rca *r = ns_analyze(ar, collect(a, ar, &al, &err));
		assert_int_equal(r->action == NS_ACT_SCALE, replicas == 0);
		assert_int_equal(!strcmp(r->cause_class, "scaled_to_zero"), replicas == 0);
		ns_arena_free(ar);
		close_api(a);
	}
}

static void test_hash(void **state)
{
	(void)state;
	char hashes[4][65];
	static const char *const pods[] = {POD("web-2-a", "p1", "r2", LOOPING), POD("web-2-zz", "p77", "r2", LOOPING),
	    POD("web-2-a", "p1", "r2",
	        "{name: app, ready: false, restartCount: 9, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: "
	        "{exitCode: 139, reason: Error}}}"),
	    POD("web-2-a", "p1", "r2", LOOPING)};
	static const char *const logs[] = {"2026-11-23T02:58:03 panic: at 0x4711\n", "2026-11-23T02:59:59 panic: at 0x4712\n",
	    "2026-11-23T02:58:03 panic: at 0x4711\n", "dial tcp: lookup db: no such host\n"};
	for (size_t i = 0; i < 4; i++) {
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		char text[4096];
		yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
		yaml(a, "/replicasets?",
		    "{items: [" REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "]}");
		snprintf(text, sizeof text, "{items: [%s]}", pods[i]);
		yaml(a, "/pods?", text);
		raw(a, "/log?", 200, logs[i]);
		ns_clock_advance(a->clock, (int64_t)i * 100000);
		ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
		const ns_case *c = collect(a, ar, &al, &err);
		assert_non_null(c);
		memcpy(hashes[i], c->hash, 65);
		ns_arena_free(ar);
		close_api(a);
	}
	assert_string_equal(hashes[0], hashes[1]);     /* another pod, another time */
	assert_string_not_equal(hashes[0], hashes[2]); /* another exit code */
	assert_string_not_equal(hashes[0], hashes[3]); /* another last word */
}

/* ---- the evidence check ---- */

static void test_claims_must_cite(void **state)
{
	(void)state;
	api *a = open_api();
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	usual(a, "");
	ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
	ns_case *c = collect(a, ar, &al, &err);
	assert_non_null(c);
	const ns_rca *r = ns_analyze(ar, c);
	assert_true(r->evidence_ok && r->auto_remediate && r->confidence > .75);
	c->n_evidence = 0;
	r = ns_analyze(ar, c);
	assert_false(r->evidence_ok || r->auto_remediate);
	assert_true(r->confidence < .75);
	/* A policy exception that the policy room forbids does not pass, whatever the analyst thought of its name. */
	c->n_containers = c->n_revisions = 0;
	c->alert.kind = NS_KIND_KYVERNO_VIOLATION;
	c->alert.policy = "require-labels";
	c->alert.rule = "cve-waiver-label";
	c->policy_message = "label required";
	c->exception_api_version = "kyverno.io/v2";
	r = ns_analyze(ar, c);
	assert_string_equal(r->cause_class, "policy_best_practice");
	assert_int_equal(r->action, NS_ACT_MANUAL_REVIEW);
	assert_non_null(strstr(r->reasoning, "No exception is possible"));
	ns_arena_free(ar);
	close_api(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_owner_links),
	    cmocka_unit_test(test_managers),
	    cmocka_unit_test(test_application),
	    cmocka_unit_test(test_health_of_revisions),
	    cmocka_unit_test(test_words_of_a_difference),
	    cmocka_unit_test(test_logs),
	    cmocka_unit_test(test_logs_of_the_run_before), cmocka_unit_test(test_logs_of_what_was_restarted_meanwhile),
	    cmocka_unit_test(test_bounds), cmocka_unit_test(test_missing_rights),
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_containers),
	    cmocka_unit_test(test_bare_pod_and_unknown_kind),
	    cmocka_unit_test(test_scaled_to_zero),
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_claims_must_cite),
	};
	return cmocka_run_group_tests_name("analyzer", tests, NULL, NULL);
}
