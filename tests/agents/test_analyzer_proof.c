/* Which ReplicaSets are taken for revisions, and whose health counts as seen. */
#include "support/test.h"

#include "agents/analyzer_api.h"

/* What whoever may write ReplicaSets can do with them, and what becomes of it. */
#define SERVING                                                                                                                            \
	"{metadata: {name: web-1-a, uid: p9, namespace: shop, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, uid: r1, controller: "  \
	"true}]}, spec: {containers: [{name: app, image: 'web:1', imagePullPolicy: Always, env: [{name: DB_PASSWORD, value: hunter2secret}, " \
	"{name: INJECTED, value: x}], resources: {limits: {memory: 128Mi}}}, {name: mesh, image: 'mesh:1'}]}, "                              \
	"status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}"
#define CURRENT REPLICASET("web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2"))
#define SERVED(at, template) REPLICASET("web-1", "r1", "d1", "h1", "5", at, "3", "3", template)

static void test_forged_revisions(void **state)
{
	(void)state;
	static const char genuine[] = SERVED("2026-11-01T00:00:00Z", TEMPLATE("web:1"));
	static const struct {
		const char *what, *sets;
		size_t revisions;
		bool seen; /* of revision 5, where it is one */
	} rows[] = {
	    {"nothing forged", "", 2, true},
	    {"another owner's UID", REPLICASET("web-e", "re", "d9", "he", "4", "2026-11-01T00:00:00Z", "3", "3", TEMPLATE("evil:1")), 2, true},
	    {"made after what runs", REPLICASET("web-e", "re", "d1", "he", "4", "2026-11-23T02:51:00Z", "3", "3", TEMPLATE("evil:1")), 2, true},
	    {"a number that is taken", REPLICASET("web-e", "re", "d1", "he", "5", "2026-11-01T00:00:00Z", "3", "3", TEMPLATE("evil:1")), 1, false},
	    {"no number", REPLICASET("web-e", "re", "d1", "he", "x", "2026-11-01T00:00:00Z", "3", "3", TEMPLATE("evil:1")), 2, true},
	    {"a copy of what runs", REPLICASET("web-e", "re", "d1", "he", "9", "2026-11-23T02:59:00Z", "0", "0", TEMPLATE("web:2")), 3, true},
	    {"pods that the Deployment would not select",
	        REPLICASET("web-e", "re", "d1", "he", "4", "2026-11-01T00:00:00Z", "3", "3", "{metadata: {labels: {app: x}}, spec: {containers: [{name: app}]}}"),
	        2, true},
	    {"another hash in its template",
	        REPLICASET("web-e", "re", "d1", "he", "4", "2026-11-01T00:00:00Z", "3", "3",
	            "{metadata: {labels: {app: web, pod-template-hash: h7}}, spec: {containers: [{name: app}]}}"),
	        2, true},
	    {"an owner of another name",
	        "{metadata: {name: web-e, uid: re, creationTimestamp: '2026-11-01T00:00:00Z', labels: {app: web, pod-template-hash: he}, annotations: "
	        "{deployment.kubernetes.io/revision: '4'}, ownerReferences: [{kind: Deployment, name: other, uid: d1, controller: true}]}, spec: "
	        "{selector: {matchLabels: {app: web, pod-template-hash: he}}, template: " TEMPLATE("evil:1") "}}",
	        2, true},
	    {"a template that its controller did not write",
	        "{metadata: {name: web-e, uid: re, creationTimestamp: '2026-11-01T00:00:00Z', labels: {app: web, pod-template-hash: he}, annotations: "
	        "{deployment.kubernetes.io/revision: '4'}, ownerReferences: [{kind: Deployment, name: web, uid: d1, controller: true}], managedFields: "
	        "[{manager: k3s, fieldsV1: {'f:status': {'f:replicas': {}}}}, {manager: kubectl-edit, fieldsV1: {'f:spec': {'f:template': {}}}}]}, "
	        "spec: {selector: {matchLabels: {app: web, pod-template-hash: he}}, template: " TEMPLATE("evil:1") "}}",
	        2, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		char text[8192];
		yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
		snprintf(text, sizeof text, "{items: [%s%s%s,%s]}", rows[i].sets, *rows[i].sets ? "," : "", genuine, CURRENT);
		yaml(a, "/replicasets?", text);
		yaml(a, "/pods?", "{items: [" SERVING "," POD("web-2-a", "p1", "r2", LOOPING) "]}");
		ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
		const ns_case *c = collect(a, ar, &al, &err);
		assert_non_null(c);
		if (c->n_revisions != rows[i].revisions)
			fail_msg("%s: %zu revisions", rows[i].what, c->n_revisions);
		for (size_t r = 0; r < c->n_revisions; r++) {
			const ns_revision *x = &c->revisions[r];
			if (strstr(x->template_json, "evil") || x->current != !strcmp(x->replicaset, "web-2"))
				fail_msg("%s: revision %lld of %s", rows[i].what, (long long)x->number, x->replicaset);
			if (x->number == 5 && x->health_seen != rows[i].seen)
				fail_msg("%s: health seen %d", rows[i].what, x->health_seen);
		}
		ns_arena_free(ar);
		close_api(a);
	}
}

/* Doctored after its pods were made: they still have the old one. Gone back to before: ages tell no order. Neither is healthy for certain. */
static void test_health_that_was_not_seen(void **state)
{
	(void)state;
	static const char *const sets[] = {
	    SERVED("2026-11-01T00:00:00Z", TEMPLATE("web:1-evil")),
	    SERVED("2026-11-01T00:00:00Z",
	        "{metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: 'web:1', args: [--evil], resources: {limits: {memory: 128Mi}}}]}}"),
	    SERVED("2026-11-01T00:00:00Z", "{metadata: {labels: {app: web}}, spec: {containers: [{name: other, image: 'web:1'}]}}"),
	    REPLICASET("web-1", "r1", "d1", "h1", "5", "2026-11-01T00:00:00Z", "3", "0", TEMPLATE("web:1")),
	    NULL, /* what runs was gone back to */
	};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		api *a = open_api();
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		char text[8192];
		static const char again[] = "{metadata: {name: web-2, uid: r2, creationTimestamp: '2026-10-01T00:00:00Z', labels: {app: web, "
		                            "pod-template-hash: h2}, annotations: {deployment.kubernetes.io/revision: '6', "
		                            "deployment.kubernetes.io/revision-history: '4'}, ownerReferences: [{kind: Deployment, name: web, uid: d1, "
		                            "controller: true}]}, spec: {replicas: 1, selector: {matchLabels: {app: web, pod-template-hash: h2}}, "
		                            "template: " TEMPLATE("web:2") "}}";
		yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
		snprintf(text, sizeof text, "{items: [%s,%s]}", sets[i] ? CURRENT : again, sets[i] ? sets[i] : SERVED("2026-11-01T00:00:00Z", TEMPLATE("web:1")));
		yaml(a, "/replicasets?", text);
		yaml(a, "/pods?", "{items: [" SERVING "," POD("web-2-a", "p1", "r2", LOOPING) "]}");
		ns_alert al = alert_of(a, NS_KIND_POD_CRASHLOOP, "Deployment", "web");
		const ns_case *c = collect(a, ar, &al, &err);
		assert_non_null(c);
		assert_int_equal(c->n_revisions, 2);
		for (size_t r = 0; r < 2; r++)
			if (c->revisions[r].health_seen)
				fail_msg("row %zu: revision %lld", i, (long long)c->revisions[r].number);
		ns_arena_free(ar);
		close_api(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forged_revisions),
	    cmocka_unit_test(test_health_that_was_not_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
