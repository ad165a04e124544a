/* What an exception is good for: which rules have none by their own content, whether Kyverno would use it, CEL policies, its end, and what it tells
 * the policy's author. */
#include "support/test.h"

#include <regex.h>
#include <stdlib.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/policy/policy.h"

static cJSON *yaml(const char *text)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(text, strlen(text), "test", 0, 0, &err);
	if (!j)
		fail_msg("%s: %s", err.text, text);
	return j;
}

/* ---- what a rule demands ---- */

/* Names and messages say nothing here: what counts is what the rule looks at. */
static void test_guards_by_content(void **state)
{
	(void)state;
#define POLICY(rule) "{kind: ClusterPolicy, metadata: {name: acme-7}, spec: {rules: [{name: r1, " rule "}]}}"
#define PODS "match: {any: [{resources: {kinds: [Pod]}}]}, "
#define CEL(kind, expression) "{kind: " kind ", spec: {matchConstraints: {resourceRules: [{resources: [pods]}]}, validations: [{expression: \"" expression "\", message: m}]}}"
	static const struct {
		const char *policy, *part; /* of the reason; "" may be excepted */
	} rows[] = {
	    {POLICY(PODS "validate: {message: m, pattern: {spec: {containers: [{resources: {limits: {memory: '?*'}}}]}}}"), ""},
	    {POLICY(PODS "validate: {pattern: {metadata: {labels: {app: '?*'}}}}"), ""},
	    {POLICY(PODS "validate: {pattern: {spec: {containers: [{image: '!*:latest'}]}}}"), ""},
	    {POLICY(PODS "validate: {foreach: [{list: 'request.object.spec.containers', deny: {conditions: {all: [{key: '{{ element.livenessProbe }}', operator: Equals, value: null}]}}}]}"), ""},
	    {POLICY("match: {any: [{resources: {kinds: [Pod], names: [host-agent], namespaces: [security]}, subjects: [{kind: User, name: root}]}]}, validate: {message: 'ask the admin', pattern: {metadata: {labels: {team: '?*'}}}}"), ""},
	    {POLICY(PODS "verifyImages: [{imageReferences: ['*']}]"), "signatures"},
	    {POLICY(PODS "validate: {podSecurity: {level: baseline}}"), "privilege"},
	    {POLICY(PODS "validate: {pattern: {spec: {'=(securityContext)': {'=(runAsUser)': '>0'}}}}"), "privilege"},
	    {POLICY(PODS "validate: {pattern: {spec: {containers: [{'=(securityContext)': {privileged: false}}]}}}"), "privilege"},
	    {POLICY(PODS "validate: {pattern: {spec: {'=(volumes)': [{'X(hostPath)': 'null'}]}}}"), "node"},
	    {POLICY(PODS "validate: {pattern: {spec: {'=(hostNetwork)': false}}}"), "node"},
	    {POLICY("match: {any: [{resources: {kinds: [NetworkPolicy]}}]}, validate: {deny: {}}"), "network"},
	    {POLICY("match: {any: [{resources: {kinds: [Ingress]}}]}, validate: {pattern: {spec: {x: y}}}"), "network"},
	    {POLICY("match: {any: [{resources: {kinds: [ClusterRoleBinding]}}]}, validate: {deny: {}}"), "access"},
	    {POLICY(PODS "validate: {pattern: {spec: {automountServiceAccountToken: false}}}"), "access"},
	    {POLICY(PODS "generate: {kind: NetworkPolicy}"), "network"},
	    {CEL("ValidatingPolicy", "object.spec.containers.all(c, has(c.resources.limits))"), ""},
	    {CEL("ValidatingPolicy", "object.spec.containers.all(c, !has(c.securityContext.privileged))"), "privilege"},
	    {CEL("ValidatingPolicy", "!has(object.spec.hostPID) || object.spec.hostPID == false"), "node"},
	    {CEL("ImageValidatingPolicy", "true"), "signatures"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cJSON *j = yaml(rows[i].policy);
		const char *why = ns_policy_guards(j, "autogen-r1");
		if ((why != NULL) != (*rows[i].part != 0) || (why && !strstr(why, rows[i].part)))
			fail_msg("row %zu: %s", i, why ? why : "may be excepted");
		cJSON_Delete(j);
	}
	/* Only the rule that is meant; without a name all of them. */
	cJSON *j = yaml("{kind: ClusterPolicy, spec: {rules: [{name: a, validate: {pattern: {metadata: {labels: {x: y}}}}}, {name: b, verifyImages: []}]}}");
	assert_null(ns_policy_guards(j, "a"));
	assert_non_null(ns_policy_guards(j, "b"));
	assert_non_null(ns_policy_guards(j, ""));
	cJSON_Delete(j);
}

/* ---- would Kyverno use it ---- */

static void test_switch(void **state)
{
	(void)state;
	static const struct {
		const char *image, *args, *configured, *where, *off;
	} rows[] = {
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, --exceptionNamespace=exc]", "", "exc", ""},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, '--exceptionNamespace=*']", "", "shop", ""},
	    {"kyverno:v1.13.4", "[--enablePolicyException, -exceptionNamespace=exc]", "", "exc", ""},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, --exceptionNamespace=exc]", "other", "other", "in namespace exc only"},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, --exceptionNamespace=exc]", "exc", "exc", ""},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, '--exceptionNamespace=*']", "other", "other", ""},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true]", "exc", "exc", "in no namespace"},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, --exceptionNamespace=]", "", "", "in no namespace"},
	    {"kyverno:v1.13.4", "[--enablePolicyException=false, --exceptionNamespace=exc]", "exc", "exc", "switched off"},
	    {"kyverno:v1.13.4", "[--enablePolicyException=true, --enablePolicyException=false]", "exc", "exc", "switched off"},
	    {"kyverno:v1.19.0", "[--v=2]", "exc", "exc", "off by default"},
	    {"kyverno:v1.10.7", "[--v=2]", "exc", "exc", "off by default"},
	    {"kyverno:v1.11.0", "[--v=2]", "", "shop", ""},
	    {"kyverno:1.12.5@sha256:00", "[--v=2]", "", "shop", ""},
	    {"kyverno:latest", "[--v=2]", "exc", "exc", ""}, /* cannot be told */
	    {"kyverno:latest", "[--v=2]", "", "", ""},
	    {"kyverno:v1.13.4", "[]", "exc", "exc", ""}, /* its flags stand elsewhere */
	    {"host:5000/kyverno", "[--v=2]", "exc", "exc", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		cJSON *j = yaml(ns_arena_printf(ar, "[{spec: {template: {spec: {containers: [{name: kyverno, image: 'ghcr.io/kyverno/%s', args: %s}]}}}}]", rows[i].image, rows[i].args));
		const char *where = "?", *off = "?";
		ns_exception_switch(ar, j, rows[i].configured, "shop", &where, &off);
		if (strcmp(where, rows[i].where) || (*off != 0) != (*rows[i].off != 0) || !strstr(off, rows[i].off))
			fail_msg("row %zu: \"%s\" \"%s\"", i, where, off);
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
	ns_arena *ar = ns_arena_new();
	const char *where, *off;
	ns_exception_switch(ar, NULL, "exc", "shop", &where, &off); /* not readable: the configuration is all there is */
	assert_string_equal(where, "exc");
	assert_string_equal(off, "");
	ns_arena_free(ar);
}

/* ---- CEL ---- */

static void test_cel_exception(void **state)
{
	(void)state;
	const ns_violation v = {.policy = "require-limits", .rule = "", .message = "limits are required", .kind = "Deployment", .ns = "shop", .name = "web.v2", .uid = "u-1",
	    .policy_kind = "ValidatingPolicy"};
	cJSON *o = ns_exception_build("policies.kyverno.io/v1", "exc", "inc-7", &v, NULL, 0, "inc-7", "kim", 4);
	assert_non_null(o);
	assert_string_equal(ns_json_str(ns_json_path(o, "spec.policyRefs")->child, "kind", ""), "ValidatingPolicy");
	const cJSON *c = ns_json_path(o, "spec.matchConditions")->child;
	assert_string_equal(ns_json_str(c, "expression", ""), "object.metadata.namespace == 'shop'");
	const char *e = ns_json_str(c->next, "expression", ""), *in = strstr(e, "object.kind == 'Pod' && object.metadata.name.matches('");
	assert_non_null(strstr(e, "(object.kind == 'Deployment' && object.metadata.name == 'web.v2')"));
	assert_non_null(in);
	/* Its regular expression takes the workload's pods and no neighbour's. */
	char pattern[256];
	in = strchr(in, '^');
	snprintf(pattern, sizeof pattern, "%.*s", (int)strcspn(in, "'"), in);
	regex_t re;
	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	static const struct {
		const char *name;
		bool may;
	} names[] = {{"web.v2-6d9f7c9d5b-x2x3x", true}, {"web.v2-6d9f7c9d-x2x3x", true}, {"web.v2", false}, {"web.v2-admin-6d9f7c9d5b-x2x3x", false},
	    {"webxv2-6d9f7c9d5b-x2x3x", false}, {"web.v2-6d9f7c9d5b-x2x3x-y", false}, {"a-web.v2-6d9f7c9d5b-x2x3x", false}, {"web.v2-6d9f-7c9d5b-x2x3x", false}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((regexec(&re, names[i].name, 0, NULL, 0) == 0) != names[i].may)
			fail_msg("%s", names[i].name);
	regfree(&re);
	cJSON_Delete(o);
	/* Neither group's policy gets an exception of the other; nothing that could end a quoted text. */
	assert_null(ns_exception_build("kyverno.io/v2", "exc", "x", &v, NULL, 0, "", "", 1));
	ns_violation bad = v;
	bad.policy_kind = "";
	bad.rule = "r";
	assert_null(ns_exception_build("policies.kyverno.io/v1", "exc", "x", &bad, NULL, 0, "", "", 1));
	static const char *const hell[] = {"we'b", "a' || true || '", "web\\", "WEB", "", "a b", "web\n", "*"};
	for (size_t i = 0; i < sizeof hell / sizeof *hell; i++) {
		bad = v;
		bad.name = hell[i];
		assert_null(ns_exception_build("policies.kyverno.io/v1", "exc", "x", &bad, NULL, 0, "", "", 1));
		bad = v;
		bad.ns = hell[i];
		assert_null(ns_exception_build("policies.kyverno.io/v1", "exc", "x", &bad, NULL, 0, "", "", 1));
	}
}

/* ---- its end ---- */

static cJSON *live(const char *name, const char *policy, const char *rule, const char *workload, const char *created, int hours)
{
	const ns_violation v = {.policy = policy, .rule = rule, .message = "limits are required", .kind = "Deployment", .ns = "shop", .name = workload, .uid = "u-1", .policy_kind = ""};
	cJSON *o = ns_exception_build("kyverno.io/v2", "exc", name, &v, NULL, 0, "inc-7", "kim", hours);
	cJSON *meta = cJSON_GetObjectItem(o, "metadata");
	ns_json_put_str(meta, "creationTimestamp", created);
	ns_json_put_str(meta, "uid", "x-1");
	return o;
}

static void disarm(cJSON *o)
{
	cJSON *p = ns_exception_disarm_patch();
	cJSON_ReplaceItemInObject(cJSON_GetObjectItem(o, "spec"), "match", cJSON_Duplicate(ns_json_get(p->child, "value"), true));
	cJSON_Delete(p);
}

static void test_due(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	int64_t t0;
	assert_true(ns_time_parse("2026-11-23T00:00:00Z", &t0));
	cJSON *j[4] = {live("a", "p", "r", "web", "2026-11-23T00:00:00Z", 4), live("b", "p", "r", "web", "2026-11-23T00:00:00Z", 2),
	    live("c", "p", "r", "web", "2026-11-23T00:00:00Z", 2), live("d", "p", "r", "web", "2026-11-23T00:00:00Z", 9)};
	disarm(j[2]);
	ns_exception_live x[4];
	size_t due[4];
	for (size_t i = 0; i < 4; i++)
		assert_true(ns_exception_read(ar, j[i], &x[i]));
	assert_string_equal(x[0].policy, "p");
	assert_int_equal(x[0].n_rules, 1); /* twins are one */
	assert_string_equal(x[0].target.name, "web");
	assert_string_equal(x[0].target.uid, "u-1");
	assert_string_equal(x[0].incident, "inc-7");
	const int64_t hour = 3600 * 1000;
	assert_int_equal(x[0].until_ms, t0 + 4 * hour);
	static const struct {
		int64_t minutes;
		ns_exception_state a, b;
		size_t due;
	} rows[] = {{0, NS_EXC_LIVE, NS_EXC_LIVE, 0}, {119, NS_EXC_LIVE, NS_EXC_LIVE, 0}, {120, NS_EXC_LIVE, NS_EXC_DUE, 1}, {129, NS_EXC_LIVE, NS_EXC_DUE, 1},
	    {130, NS_EXC_LIVE, NS_EXC_OVERDUE, 1}, {240, NS_EXC_DUE, NS_EXC_OVERDUE, 2}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t now = t0 + rows[i].minutes * 60000;
		assert_int_equal(ns_exception_state_at(&x[0], now), rows[i].a);
		assert_int_equal(ns_exception_state_at(&x[1], now), rows[i].b);
		assert_int_equal(ns_exception_state_at(&x[2], now), NS_EXC_DISARMED);
		assert_int_equal(ns_policy_due(x, 4, now, due), rows[i].due);
		if (rows[i].due == 2)
			assert_true(due[0] == 1 && due[1] == 0); /* the one that is longer over comes first */
	}
	/* Without an end, or with one that nobody can read, it is not taken to last for ever. */
	cJSON *notes = cJSON_GetObjectItem(cJSON_GetObjectItem(j[3], "metadata"), "annotations"), *labels = cJSON_GetObjectItem(cJSON_GetObjectItem(j[3], "metadata"), "labels");
	cJSON_ReplaceItemInObject(notes, "neuroscale.io/ttl", cJSON_CreateString("99999999999h"));
	assert_true(ns_exception_read(ar, j[3], &x[3]));
	assert_int_equal(ns_exception_state_at(&x[3], t0), NS_EXC_OVERDUE);
	cJSON_ReplaceItemInObject(labels, "app.kubernetes.io/managed-by", cJSON_CreateString("somebody"));
	assert_false(ns_exception_read(ar, j[3], &x[3])); /* not ours */
	for (size_t i = 0; i < 4; i++)
		cJSON_Delete(j[i]);
	ns_arena_free(ar);
}

static void test_feedback(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	int64_t now;
	assert_true(ns_time_parse("2026-11-23T03:00:00Z", &now));
	cJSON *j[4] = {live("a", "require-limits", "check", "web", "2026-11-23T00:00:00Z", 4), live("b", "require-limits", "autogen-check", "api", "2026-11-23T01:00:00Z", 4),
	    live("c", "require-limits", "check", "web", "2026-11-20T00:00:00Z", 4), live("d", "team/labels", "owner", "web", "2026-11-23T00:00:00Z", 4)};
	disarm(j[2]);
	ns_exception_live x[4];
	for (size_t i = 0; i < 4; i++)
		assert_true(ns_exception_read(ar, j[i], &x[i]));
	ns_policy_feedback *f;
	assert_int_equal(ns_policy_feedback_make(ar, x, 4, now, &f), 2);
	assert_string_equal(f[0].policy, "require-limits");
	assert_string_equal(f[0].rule, "check");
	assert_true(f[0].n_workloads == 2 && f[0].live == 2 && f[0].past == 1);
	assert_non_null(strstr(f[0].advice, "change ClusterPolicy require-limits, rule check: 2 workloads"));
	assert_non_null(strstr(f[0].message, "shop/Deployment/api out")); /* the newest */
	assert_string_equal(f[1].policy, "team/labels");
	assert_non_null(strstr(f[1].advice, "correct the workload, or exclude it in Policy team/labels, rule owner"));
	assert_int_equal(ns_policy_feedback_make(ar, x, 0, now, &f), 0);
	for (size_t i = 0; i < 4; i++)
		cJSON_Delete(j[i]);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_guards_by_content), cmocka_unit_test(test_switch), cmocka_unit_test(test_cel_exception), cmocka_unit_test(test_due),
	    cmocka_unit_test(test_feedback),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
