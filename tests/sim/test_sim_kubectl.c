/* What real kubectl does against the simulator: the one in PATH, and the one $NS_TEST_KUBECTL names (another version). */
#include "client.h"
#include "neuroscale/sys/fs.h"
#include "neuroscale/sys/spawn.h"

static rig R;
static char dir[64], kubeconfig[96], cache[96], *kubectl;

/* Runs kubectl; its whole output is out (stdout) and err. Returns the exit status. */
typedef struct ran {
	int code;
	char out[32768], err[4096];
} ran;

static ran *run(const char *input, ...)
{
	static ran r;
	const char *argv[32] = {kubectl, "--kubeconfig", kubeconfig, "--cache-dir", cache};
	size_t n = 5;
	char home[96];
	va_list ap;
	va_start(ap, input);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	argv[n] = NULL;
	snprintf(home, sizeof home, "HOME=%s", dir);
	const char *env[] = {home, "PATH=/usr/bin:/bin", NULL};
	ns_spawn_req q = {.path = kubectl,
	    .argv = argv,
	    .envp = env,
	    .stdin_data = input,
	    .stdin_len = input ? strlen(input) : 0,
	    .inherit_fd = -1,
	    .deadline_ms = 60000,
	    .max_output = sizeof r.out - 1};
	ns_spawn_res res = {0};
	ns_err err = {0};
	if (!ns_spawner_real.run(NULL, &q, &res, &err))
		fail_msg("%s", err.text);
	r.code = res.exit_code;
	snprintf(r.out, sizeof r.out, "%s", ns_buf_str(&res.out));
	snprintf(r.err, sizeof r.err, "%s", ns_buf_str(&res.err_out));
	ns_spawn_res_free(&res);
	return &r;
}

static void expect(const ran *r, int code, const char *out, const char *err)
{
	if (r->code != code || !strstr(r->out, out) || !strstr(r->err, err))
		fail_msg("exit %d, expected %d\n--- stdout (wants \"%s\")\n%s--- stderr (wants \"%s\")\n%s", r->code, code, out, r->out,
		    err, r->err);
}

#define K(...)         run(NULL, __VA_ARGS__, NULL)
#define KI(input, ...) run(input, __VA_ARGS__, NULL)

static void open_rig(const char *scenario)
{
	ns_err err = {0};
	R = rig_new(scenario);
	assert_true(ns_sim_write_kubeconfig(R.sim, kubeconfig, &err));
}

static void read_things(void)
{
	open_rig("crashloop-release");
	ns_clock_advance(R.clock, 45000);
	expect(K("version", "-o", "json"), 0, "v1.32.4", "");
	expect(K("get", "pods", "-A"), 0, "CrashLoopBackOff", "");
	expect(K("get", "deploy", "-n", "shop"), 0, "3/3", "");
	expect(K("get", "events", "-n", "shop"), 0, "Back-off restarting failed container", "");
	expect(K("get", "pods,rs", "-n", "shop", "-l", "app=cart", "-o", "wide"), 0, "node-", "");
	expect(K("-n", "shop", "rollout", "history", "deploy/cart"), 0, "new release", "");
	expect(K("-n", "shop", "get", "secret", "nosuch"), 1, "", "Error from server (NotFound): secrets \"nosuch\" not found");
	expect(K("get", "applications.argoproj.io"), 1, "", "error: the server doesn't have a resource type \"applications\"");
	expect(K("-n", "shop", "delete", "pod", "x"), 1, "", "Error from server (Forbidden): pods \"x\" is forbidden");
	expect(K("auth", "can-i", "patch", "deployments.apps", "-n", "shop"), 0, "yes", "");
	expect(K("auth", "can-i", "delete", "pods", "-n", "shop"), 1, "no", "");
	reply r = call(R.port, "GET", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcart", NULL, NULL);
	char pod[128] = "";
	ns_json_each(
	    p, ns_json_get(r.j, "items")) if (ns_json_path(ns_json_path(p, "status.containerStatuses")->child, "lastState.terminated"))
	    snprintf(pod, sizeof pod, "%s", ns_json_str(p, "metadata.name", ""));
	reply_free(&r);
	expect(K("-n", "shop", "logs", "--previous", pod, "--tail=50"), 0, "panic: runtime error", "");
	rig_free(&R);
}

static void write_things(void)
{
	static const char good[] =
	    "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":5}]";
	static const char bad[] =
	    "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":9},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":5}]";
	open_rig("crashloop-release");
	ns_clock_advance(R.clock, 45000);
	expect(
	    KI(good, "-n", "shop", "patch", "deploy/catalog", "--type=json", "--patch-file=/dev/stdin", "-o", "json", "--dry-run=server"),
	    0, "\"replicas\": 5", "");
	expect(KI(bad, "-n", "shop", "patch", "deploy/catalog", "--type=json", "--patch-file=/dev/stdin", "-o", "json"), 1, "",
	    "The request is invalid");
	expect(K("-n", "shop", "patch", "deploy/catalog", "-p", "{\"spec\":{\"replicas\":-1}}"), 1, "",
	    "The Deployment \"catalog\" is invalid: spec.replicas");
	expect(K("-n", "shop", "patch", "deploy/catalog", "--type=merge", "-p", "{\"metadata\":{\"resourceVersion\":\"1\"}}"), 1, "",
	    "Error from server (Conflict)");
	expect(K("-n", "shop", "rollout", "undo", "deploy/cart", "--dry-run=server"), 0, "rolled back (server dry run)", "");
	assert_int_equal(ns_sim_mutations(R.sim, NULL, NULL), 0);
	expect(KI(good, "-n", "shop", "patch", "deploy/catalog", "--type=json", "--patch-file=/dev/stdin", "-o", "json"), 0,
	    "\"replicas\": 5", "");
	expect(K("-n", "shop", "scale", "deploy/catalog", "--replicas=3"), 0, "scaled", "");
	expect(
	    K("-n", "shop", "scale", "deploy/catalog", "--current-replicas=9", "--replicas=2"), 1, "", "Expected replicas to be 9, was 3");
	expect(K("-n", "shop", "set", "resources", "deploy/catalog", "-c=app", "--limits=memory=512Mi"), 0, "resource requirements updated",
	    "");
	expect(K("-n", "shop", "rollout", "undo", "deploy/cart"), 0, "deployment.apps/cart rolled back", "");
	assert_int_equal(ns_sim_mutations(R.sim, "shop", "cart"), 1);
	assert_int_equal(ns_sim_mutations(R.sim, "shop", "catalog"), 3);
	ns_clock_advance(R.clock, 60000);
	expect(K("-n", "shop", "rollout", "status", "deploy/cart", "--timeout=10s"), 0, "successfully rolled out", "");
	rig_free(&R);
}

static void except_things(void)
{
	static const char object[] =
	    "{\"apiVersion\":\"kyverno.io/"
	    "v2\",\"kind\":\"PolicyException\",\"metadata\":{\"name\":\"inc-1\",\"namespace\":\"data\"},\"spec\":"
	    "{\"match\":{\"any\":[{\"resources\":{\"kinds\":[\"Deployment\",\"Pod\"],\"namespaces\":[\"data\"],\"names\":[\"report-"
	    "builder\"]}}]},"
	    "\"exceptions\":[{\"policyName\":\"require-limits\",\"ruleNames\":[\"check-limits\",\"autogen-check-limits\"]}]}}";
	static const char wrong[] = "{\"apiVersion\":\"kyverno.io/"
	                            "v2\",\"kind\":\"PolicyException\",\"metadata\":{\"name\":\"inc-2\",\"namespace\":\"data\"},\"spec\":"
	                            "{\"match\":{\"any\":[]},\"exceptions\":[]}}";
	open_rig("kyverno-blocked");
	ns_clock_advance(R.clock, 15000);
	expect(KI(object, "-n", "data", "create", "-f", "-", "--dry-run=server", "-o", "json"), 0, "\"name\": \"inc-1\"", "");
	expect(KI(wrong, "-n", "data", "create", "-f", "-", "--dry-run=server", "-o", "json"), 1, "",
	    "The PolicyException \"inc-2\" is invalid: spec.exceptions");
	assert_int_equal(ns_sim_mutations(R.sim, NULL, NULL), 0);
	expect(KI(object, "-n", "data", "create", "-f", "-", "-o", "json"), 0, "\"uid\"", "");
	expect(KI(object, "-n", "data", "create", "-f", "-", "-o", "json"), 1, "", "Error from server (AlreadyExists)");
	expect(K("-n", "data", "get", "policyreports"), 0, "report-builder", "");
	expect(K("-n", "data", "patch", "policyexceptions.kyverno.io", "inc-1", "--type=json", "-p",
	           "[{\"op\":\"replace\",\"path\":\"/spec/match/any/0/resources/names\",\"value\":[\"x\"]}]"),
	    0, "patched", "");
	rig_free(&R);
	open_rig("healthy");
	ns_sim_outage(R.sim, true);
	expect(K("get", "pods", "--request-timeout=5s"), 1, "", "was refused - did you specify the right host or port?");
	ns_sim_outage(R.sim, false);
	rig_free(&R);
}

static void watch_things(void)
{
	open_rig("healthy");
	/* --request-timeout is what ends it */
	ran *r = K("-n", "shop", "get", "pods", "-w", "--request-timeout=2s");
	assert_non_null(strstr(r->out, "catalog-"));
	assert_non_null(strstr(r->out, "Running"));
	rig_free(&R);
}

static void all(const char *program)
{
	if (!program || access(program, X_OK) != 0) {
		print_message("no kubectl to test with\n");
		skip();
	}
	kubectl = ns_xstrdup(program);
	snprintf(dir, sizeof dir, "/tmp/ns-kubectl-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(kubeconfig, sizeof kubeconfig, "%s/config", dir);
	snprintf(cache, sizeof cache, "%s/cache", dir);
	read_things();
	write_things();
	except_things();
	watch_things();
	ns_rm_tree(dir, NULL);
	free(kubectl);
}

static void test_kubectl_in_path(void **state)
{
	char *found = ns_find_program("kubectl", getenv("PATH"));
	all(found);
	free(found);
}

static void test_kubectl_of_another_version(void **state)
{
	all(getenv("NS_TEST_KUBECTL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kubectl_in_path), cmocka_unit_test(test_kubectl_of_another_version)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
