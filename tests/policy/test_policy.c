/* Violations in every form that Kyverno writes them, and exceptions that cover one workload and no other. */
#include "support/test.h"

#include <fnmatch.h>

#include "neuroscale/model/yaml.h"
#include "neuroscale/policy/policy.h"
#include "neuroscale/sys/fs.h"

static cJSON *yaml(const char *text)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(text, strlen(text), "test", 0, 0, &err);
	if (!j)
		fail_msg("%s", err.text);
	return j;
}

/* ---- events ---- */

static const struct {
	const char *name, *event;
	bool ok;
	const char *policy, *rule, *kind, *ns, *object;
	bool blocked;
	const char *message; /* its beginning */
} events[] = {
    {"on the policy, refused",
        "{reason: PolicyViolation, type: Warning, message: 'Deployment shop/web: [autogen-check-limits] fail (blocked); limits are "
        "required', involvedObject: {kind: ClusterPolicy, name: require-limits},"
        " related: {kind: Deployment, namespace: shop, name: web, uid: u1}}",
        true, "require-limits", "check-limits", "Deployment", "shop", "web", true, "limits are required"},
    {"on the policy, passed, new-style",
        "{reason: PolicyViolation, note: 'Pod shop/web-1: [check-limits] fail; limits are required', regarding: {kind: ClusterPolicy, "
        "name: require-limits}}",
        true, "require-limits", "check-limits", "Pod", "shop", "web-1", false, "limits are required"},
    {"namespaced policy",
        "{reason: PolicyViolation, message: 'Pod shop/a: [r] fail; m', involvedObject: {kind: Policy, namespace: shop, name: p}}", true,
        "shop/p", "r", "Pod", "shop", "a", false, "m"},
    {"cluster-scoped resource",
        "{reason: PolicyViolation, message: 'Namespace bad-ns: [need-label] fail (blocked); validation error: x', involvedObject: {kind: "
        "ClusterPolicy, name: p}}",
        true, "p", "need-label", "Namespace", "", "bad-ns", true, "validation error"},
    {"CEL policy without a rule",
        "{reason: PolicyViolation, message: 'Deployment shop/web: fail (blocked); no team label', involvedObject: {kind: ValidatingPolicy, "
        "name: check-team}}",
        true, "check-team", "", "Deployment", "shop", "web", true, "no team label"},
    {"refused, told by the action",
        "{reason: PolicyViolation, action: Resource Blocked, message: 'Pod shop/a: [r] fail; m', involvedObject: {kind: ClusterPolicy, "
        "name: p}}",
        true, "p", "r", "Pod", "shop", "a", true, "m"},
    {"on the resource",
        "{reason: PolicyViolation, message: 'policy podsecurity/restricted fail: It violates PodSecurity', involvedObject: {kind: Pod, "
        "namespace: default, name: bad, uid: u}}",
        true, "podsecurity", "restricted", "Pod", "default", "bad", false, "It violates"},
    {"on the resource, namespaced policy",
        "{reason: PolicyViolation, message: 'policy shop/p/r fail: m', involvedObject: {kind: Pod, namespace: shop, name: a}}", true,
        "shop/p", "r", "Pod", "shop", "a", false, "m"},
    {"old words",
        "{reason: PolicyViolation, message: \"policy 'no-lb' (Validation) rule 'no-LoadBalancer' failed. Validation error: no\", "
        "involvedObject: {kind: Service, namespace: d, name: s}}",
        true, "no-lb", "no-LoadBalancer", "Service", "d", "s", false, "Validation error"},
    {"applied", "{reason: PolicyApplied, message: 'Namespace a: pass', involvedObject: {kind: ClusterPolicy, name: p}}", false, 0, 0, 0, 0,
        0, false, 0},
    {"told in another namespace",
        "{metadata: {namespace: tenant}, reason: PolicyViolation, message: 'Deployment shop/web: [r] fail (blocked); m', involvedObject: "
        "{kind: ClusterPolicy, namespace: tenant, name: p}, related: {kind: Deployment, namespace: shop, name: web, uid: u1}}",
        false, 0, 0, 0, 0, 0, false, 0},
    {"told in default, as Kyverno does",
        "{metadata: {namespace: default}, reason: PolicyViolation, message: 'Deployment shop/web: [r] fail (blocked); m', involvedObject: "
        "{kind: ClusterPolicy, name: p}}",
        true, "p", "r", "Deployment", "shop", "web", true, "m"},
    {"no message", "{reason: PolicyViolation, involvedObject: {kind: ClusterPolicy, name: p}}", false, 0, 0, 0, 0, 0, false, 0},
    {"no object", "{reason: PolicyViolation, message: 'policy a/b fail: c'}", false, 0, 0, 0, 0, 0, false, 0},
    {"other words", "{reason: PolicyViolation, message: 'something else', involvedObject: {kind: Pod, name: a}}", false, 0, 0, 0, 0, 0,
        false, 0},
    {"not an event", "[1, 2]", false, 0, 0, 0, 0, 0, false, 0},
};

static void test_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		ns_arena *ar = ns_arena_new();
		cJSON *j = yaml(events[i].event);
		ns_violation v = {0};
		bool ok = ns_violation_from_event(ar, j, &v);
		if (ok != events[i].ok)
			fail_msg("%s: %d", events[i].name, ok);
		if (ok) {
			assert_string_equal(v.policy, events[i].policy);
			assert_string_equal(v.rule, events[i].rule);
			assert_string_equal(v.kind, events[i].kind);
			assert_string_equal(v.ns, events[i].ns);
			assert_string_equal(v.name, events[i].object);
			assert_int_equal(v.blocked, events[i].blocked);
			assert_ptr_equal(strstr(v.message, events[i].message), v.message);
		}
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
	assert_string_equal(ns_rule_base("autogen-cronjob-x"), "x");
	assert_string_equal(ns_rule_base("autogen-x"), "x");
	assert_string_equal(ns_rule_base("x"), "x");
}

/* ---- reports ---- */

static size_t count(const char *text, ns_violation *first)
{
	ns_arena *ar = ns_arena_new();
	cJSON *j = yaml(text);
	ns_violation *list;
	size_t n = ns_violations_from_report(ar, j, &list);
	static char policy[64], rule[64], name[64], ns[64];
	if (n) {
		snprintf(policy, sizeof policy, "%s", list[0].policy);
		snprintf(rule, sizeof rule, "%s", list[0].rule);
		snprintf(name, sizeof name, "%s", list[0].name);
		snprintf(ns, sizeof ns, "%s", list[0].ns);
		*first = (ns_violation){.policy = policy, .rule = rule, .name = name, .ns = ns};
	}
	cJSON_Delete(j);
	ns_arena_free(ar);
	return n;
}

static void test_reports(void **state)
{
	(void)state;
	ns_violation v = {0};
	assert_int_equal(
	    count("{scope: {kind: Deployment, namespace: shop, name: web, uid: u}, results: ["
	          "{policy: p, rule: autogen-r, result: fail, source: kyverno, message: m}, {policy: p, rule: s, result: pass, source: "
	          "kyverno},"
	          "{policy: p, rule: t, result: warn, source: kyverno}, {policy: q, rule: u, result: fail, source: Trivy Vulnerability}]}",
	        &v),
	    1);
	assert_string_equal(v.policy, "p");
	assert_string_equal(v.rule, "r");
	assert_string_equal(v.name, "web");
	/* Before 1.11: one report for many resources. */
	assert_int_equal(count("{metadata: {namespace: shop, labels: {app.kubernetes.io/managed-by: kyverno}}, results: ["
	                       "{policy: p, rule: r, result: fail, resources: [{kind: Pod, name: a}, {kind: Pod, name: b}]}]}",
	                     &v),
	    2);
	assert_string_equal(v.ns, "shop");
	/* A report that somebody wrote into their own namespace says nothing of another. */
	assert_int_equal(count("{metadata: {namespace: tenant, labels: {app.kubernetes.io/managed-by: kyverno}}, results: [{policy: p, rule: r, "
	                       "result: fail, resources: [{kind: Deployment, namespace: shop, name: web}]}]}",
	                     &v),
	    0);
	assert_int_equal(count("{metadata: {namespace: tenant}, scope: {kind: Deployment, namespace: shop, name: web}, results: [{policy: p, "
	                       "rule: r, result: fail, source: kyverno}]}",
	                     &v),
	    0);
	assert_int_equal(count("{results: [{policy: p, rule: r, result: fail}]}", &v), 0);
	assert_int_equal(count("{source: kyverno, metadata: {ownerReferences: [{kind: Namespace, name: n, uid: u}]}, results: [{policy: p, "
	                       "rule: r, result: fail}]}",
	                     &v),
	    1);
	assert_int_equal(
	    count("{scope: {kind: Pod, name: a}, results: [{policy: p, result: fail, source: KyvernoValidatingPolicy}]}", &v), 1);
	assert_int_equal(count("{results: nonsense}", &v), 0);
	assert_int_equal(count("[]", &v), 0);
}

/* ---- what may be excepted ---- */

static void test_permitted(void **state)
{
	(void)state;
	static const struct {
		const char *policy, *rule, *category, *message;
		bool ok;
	} rules[] = {
	    {"require-requests-limits", "validate-resources", "Best Practices, EKS Best Practices",
	        "CPU and memory resource requests and memory limits are required for containers.", true},
	    {"require-labels", "check-for-labels", "Best Practices", "The label `app.kubernetes.io/name` is required.", true},
	    {"disallow-latest-tag", "require-image-tag", "Best Practices", "An image tag is required.", true},
	    {"require-pod-probes", "validate-probes", "Best Practices",
	        "Liveness, readiness, or startup probes are required for all containers.", true},
	    {"require-pdb", "require-pdb", "Sample", "There is no corresponding PodDisruptionBudget found for this Deployment.", true},
	    {"check-image", "verify-image", "Software Supply Chain Security", "", false},
	    {"restrict-image-registries", "validate-registries", "Best Practices", "Unknown image registry.", false},
	    {"disallow-privileged-containers", "privileged-containers", "Pod Security Standards (Baseline)",
	        "Privileged mode is disallowed.", false},
	    {"disallow-privilege-escalation", "privilege-escalation", "", "", false},
	    {"require-run-as-nonroot", "run-as-non-root", "", "", false},
	    {"drop-all-capabilities", "require-drop-all", "", "Containers must drop `ALL` capabilities.", false},
	    {"disallow-host-path", "host-path", "", "HostPath volumes are forbidden.", false},
	    {"disallow-host-namespaces", "host-namespaces", "", "", false},
	    {"acme-1", "hostNetworkForbidden", "", "", false},
	    {"disallow-cri-sock-mount", "validate-docker-sock-mount", "Best Practices", "Use of the Docker Unix socket is not allowed.",
	        false},
	    {"restrict-nodeport", "validate-nodeport", "Best Practices", "Services of type NodePort are not allowed.", false},
	    {"require-netpol", "check", "", "A NetworkPolicy is required", false},
	    {"restrict-ingress-wildcard", "block", "", "", false},
	    {"restrict-automount-sa-token", "validate-automountServiceAccountToken", "", "", false},
	    {"restrict-binding-clusteradmin", "clusteradmin-bindings", "Security", "", false},
	    {"restrict-wildcard-verbs", "wildcard-verbs", "", "", false},
	    {"acme-2", "opaque", "", "containers must not mount secrets", false},
	    {"", "", "", "", false},
	    {"require-limits", "", "", "", false},
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		const char *why = "?";
		bool ok = ns_exception_permitted(rules[i].policy, rules[i].rule, rules[i].category, rules[i].message, &why);
		if (ok != rules[i].ok)
			fail_msg("%s/%s: %d (%s)", rules[i].policy, rules[i].rule, ok, why);
		assert_int_equal(*why == 0, ok);
	}
	assert_false(ns_exception_permitted(NULL, NULL, NULL, NULL, NULL));
}

/* ---- the object ---- */

static const cJSON *match_of(const cJSON *o, const char *kind)
{
	ns_json_each(m, ns_json_path(o, "spec.match.any")) if (!strcmp(ns_json_path(m, "resources.kinds")->child->valuestring,
	                                                           kind)) return ns_json_get(m, "resources");
	return NULL;
}

static bool covers(const cJSON *o, const char *kind, const char *name)
{
	ns_json_each(n, ns_json_get(match_of(o, kind), "names")) if (!fnmatch(n->valuestring, name, 0)) return true;
	return false;
}

static bool has(const cJSON *list, const char *s)
{
	ns_json_each(x, list) if (!strcmp(x->valuestring, s)) return true;
	return false;
}

static void test_exception(void **state)
{
	(void)state;
	const ns_violation v = {.policy = "require-limits",
	    .rule = "check-limits",
	    .message = "",
	    .kind = "Deployment",
	    .ns = "shop",
	    .name = "web",
	    .uid = "u"};
	const char *rules[] = {"autogen-check-limits", "check-limits"};
	cJSON *o = ns_exception_build("kyverno.io/v2", "kyverno", "inc-7-web", &v, rules, 2, "7", "mira\x1b[0m", 24);
	assert_non_null(o);
	assert_string_equal(ns_json_str(o, "apiVersion", ""), "kyverno.io/v2");
	assert_string_equal(ns_json_str(o, "metadata.namespace", ""), "kyverno");
	const cJSON *labels = ns_json_path(o, "metadata.labels");
	assert_string_equal(ns_json_get(labels, "cleanup.kyverno.io/ttl")->valuestring, "24h");
	assert_null(strchr(ns_json_get(ns_json_path(o, "metadata.annotations"), "neuroscale.io/requested-by")->valuestring, 27));
	const cJSON *entry = ns_json_path(o, "spec.exceptions")->child;
	assert_string_equal(ns_json_str(entry, "policyName", ""), "require-limits");
	assert_int_equal(ns_json_len(ns_json_get(entry, "ruleNames")), 2);
	assert_true(has(ns_json_get(entry, "ruleNames"), "check-limits") && has(ns_json_get(entry, "ruleNames"), "autogen-check-limits"));
	ns_json_each(m, ns_json_path(o, "spec.match.any"))
	{
		assert_int_equal(ns_json_len(ns_json_path(m, "resources.namespaces")), 1);
		assert_string_equal(ns_json_path(m, "resources.namespaces")->child->valuestring, "shop");
		ns_json_each(n, ns_json_path(m, "resources.names")) assert_null(strchr(n->valuestring, '*'));
	}
	assert_true(covers(o, "Deployment", "web"));
	assert_false(covers(o, "Deployment", "web-frontend"));
	assert_true(covers(o, "ReplicaSet", "web-6d9f7c9d5b"));
	assert_true(covers(o, "Pod", "web-6d9f7c9d5b-x2x3x"));
	assert_false(covers(o, "Pod", "web-admin-6d9f7c9d5b-x2x3x"));
	assert_false(covers(o, "Pod", "web"));
	cJSON_Delete(o);

	/* CronJob: all three names of a rule. */
	ns_violation cron = v;
	cron.kind = "CronJob";
	o = ns_exception_build("kyverno.io/v2", "kyverno", "inc-8", &cron, NULL, 0, "8", "x", 0);
	const cJSON *names = ns_json_get(ns_json_path(o, "spec.exceptions")->child, "ruleNames");
	assert_true(has(names, "check-limits") && has(names, "autogen-check-limits") && has(names, "autogen-cronjob-check-limits"));
	cJSON_Delete(o);

	/* What would cover more than one workload is not made. */
	ns_violation bad = v;
	bad.name = "*";
	assert_null(ns_exception_build("kyverno.io/v2", "kyverno", "x", &bad, rules, 2, "7", "", 1));
	bad = v;
	bad.ns = "";
	assert_null(ns_exception_build("kyverno.io/v2", "kyverno", "x", &bad, rules, 2, "7", "", 1));
	bad = v;
	bad.rule = "";
	assert_null(ns_exception_build("kyverno.io/v2", "kyverno", "x", &bad, NULL, 0, "7", "", 1));
}

static void test_disarm(void **state)
{
	(void)state;
	cJSON *p = ns_exception_disarm_patch();
	assert_int_equal(ns_json_len(p), 1);
	assert_string_equal(ns_json_str(p->child, "path", ""), "/spec/match");
	const cJSON *res = ns_json_get(ns_json_path(p->child, "value.any")->child, "resources");
	/* An object name is lower case: this one cannot exist. */
	assert_string_equal(ns_json_get(res, "names")->child->valuestring, "DISARMED");
	cJSON_Delete(p);
}

/* ---- recorded files, where they are ---- */

typedef struct tally {
	size_t files, violations;
} tally;

static bool read_report(void *ctx, const char *path, const char *name)
{
	tally *t = ctx;
	ns_buf text = NS_BUF_INIT;
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	if (ns_read_file(path, 4 << 20, &text, &err)) {
		/* Several documents in a file: each on its own. */
		for (char *doc = text.data, *next; doc; doc = next) {
			char *sep = strstr(doc, "\n---\n");
			next = sep ? sep + 5 : NULL;
			cJSON *j = ns_yaml_parse(doc, sep ? (size_t)(sep - doc) : strlen(doc), name, 0, 0, &err);
			ns_violation *list, one;
			t->files++;
			t->violations += ns_violations_from_report(ar, j, &list);
			t->violations += ns_violation_from_event(ar, j, &one);
			cJSON_Delete(j);
		}
	}
	ns_buf_free(&text);
	ns_arena_free(ar);
	return true;
}

static void test_recorded(void **state)
{
	(void)state;
	tally t = {0};
	ns_err err = {0};
	if (!ns_exists("../shared/fixtures/reports"))
		skip();
	assert_true(ns_dir_each("../shared/fixtures/reports", ".yaml", read_report, &t, &err));
	assert_true(ns_dir_each("../shared/fixtures/events", ".yaml", read_report, &t, &err));
	assert_true(t.files > 40);
	assert_true(t.violations > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_events),
	    cmocka_unit_test(test_reports),
	    cmocka_unit_test(test_permitted),
	    cmocka_unit_test(test_exception),
	    cmocka_unit_test(test_disarm),
	    cmocka_unit_test(test_recorded),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
