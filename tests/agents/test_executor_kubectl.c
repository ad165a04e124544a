/* The executor with real kubectls against the simulated cluster, and with kubectls that misbehave in every way a process can. Each test runs
 * with the kubectl of PATH and with those of KUBECTLS (a colon list). */
#include <sys/stat.h>
#include <unistd.h>
#include "../../src/agents/executor_priv.h"
#include "neuroscale/policy/policy.h"
#include "neuroscale/sim/sim.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"

#define MAX_KUBECTLS 6
static char *kubectls[MAX_KUBECTLS];
static size_t n_kubectls;

static void find_kubectls(void)
{
	char *found = ns_find_program("kubectl", getenv("PATH"));
	if (found)
		kubectls[n_kubectls++] = found;
	char *list = ns_xstrdup(getenv("KUBECTLS") ? getenv("KUBECTLS") : ""), *save = NULL;
	for (char *k = strtok_r(list, ":", &save); k && n_kubectls < MAX_KUBECTLS; k = strtok_r(NULL, ":", &save))
		if (access(k, X_OK) == 0 && (!n_kubectls || strcmp(k, kubectls[0]) != 0))
			kubectls[n_kubectls++] = ns_xstrdup(k);
	free(list);
}

/* ---- one cluster, one target, one executor ---- */

static char dir[64];
static ns_clock *now;
static ns_sim *sim;
static ns_kubeconfig *cfg;
static ns_kube_client *client;
static ns_arena *ar;
static ns_plan plan;
static ns_case cs;
static cJSON *original; /* spec of the target */

static const char *const on_target[] = {"-n", "shop", "patch", "deployment/catalog", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
static const char *const create_ex[] = {"-n", "kyverno", "create", "-f", "-", "-o", "json", NULL};
static const char *const disarm_ex[] = {"-n", "kyverno", "patch", "policyexceptions.kyverno.io/inc-7", "--type=json", "--patch-file=/dev/stdin", "-o",
    "json", NULL};
#define MEMORY(x) "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"" x "\"}]"
#define REPLICAS(x) "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":3},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":" x "}]"

static cJSON *target_now(void)
{
	ns_err err;
	cJSON *d = ns_kube_get(client, "/apis/apps/v1/namespaces/shop/deployments/catalog", &err);
	if (!d)
		fail_msg("%s", err.text);
	return d;
}

static const char *spec_text(void)
{
	cJSON *d = target_now();
	char *text = ns_json_text(ns_json_get(d, "spec"));
	const char *kept = ns_arena_strdup(ar, text);
	free(text);
	cJSON_Delete(d);
	return kept;
}

static void make_plan(ns_action action, const char *body, const char *undo)
{
	cJSON *d = target_now();
	plan = (ns_plan){.action = action, .runbook_hash = "h", .generation = ns_json_int_or(d, "metadata.generation", -1)};
	plan.target = (ns_workload){"sim", "shop", "Deployment", "catalog", ns_arena_strdup(ar, ns_json_str(d, "metadata.uid", ""))};
	plan.command = (ns_command){.argv = on_target, .body = body, .json_patch = true};
	plan.undo = (ns_command){.argv = on_target, .body = undo, .json_patch = true};
	cs = (ns_case){.alert = {.target = plan.target}};
	cJSON_Delete(original);
	original = cJSON_Duplicate(ns_json_get(d, "spec"), true);
	cJSON_Delete(d);
}

static ns_executor *executor(const char *kubectl, const ns_spawner *spawner, int deadline_ms)
{
	ns_executor_opts o = {.cfg = cfg, .state_dir = dir, .kubectl = kubectl, .spawner = spawner, .deadline_ms = deadline_ms};
	ns_err err;
	ns_executor *e = ns_executor_new(&o, &err);
	if (!e)
		fail_msg("%s", err.text);
	return e;
}

static ns_execution *execute(ns_executor *e, bool undo)
{
	char path[512];
	ns_err err;
	int fd = ns_target_lock(e, &plan.target, path, sizeof path, &err);
	assert_true(fd >= 0);
	ns_execution *x = ns_execute(e, ar, client, &plan, undo, fd);
	ns_target_unlock(fd);
	assert_true(ns_lock_is_free(path));
	return x;
}

static int64_t mutations(void)
{
	return ns_sim_mutations(sim, "shop", "catalog");
}

static int open_cluster(void **state)
{
	ns_err err;
	snprintf(dir, sizeof dir, "/tmp/nskubectl.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	now = ns_clock_manual(1764000000000, 0);
	char *path = ns_path_join(dir, "kubeconfig");
	ns_sim_opts o = {.listen = "127.0.0.1:0", .clock = now, .seed = 1};
	bool ok = (sim = ns_sim_start(&o, &err)) && ns_sim_write_kubeconfig(sim, path, &err) && (cfg = ns_kubeconfig_load(path, NULL, &err)) &&
	    (client = ns_kube_client_new(cfg, NULL, NULL, &err));
	free(path);
	ar = ns_arena_new();
	if (!ok)
		print_error("%s\n", err.text);
	return ok ? 0 : -1;
}

static int close_cluster(void **state)
{
	cJSON_Delete(original);
	original = NULL;
	ns_kube_client_free(client);
	ns_kubeconfig_free(cfg);
	ns_sim_stop(sim);
	ns_clock_free(now);
	ns_arena_free(ar);
	return ns_rm_tree(dir, NULL) ? 0 : -1;
}

/* ---- with real kubectls ---- */

static void change_verify_undo(const char *kubectl)
{
	ns_executor *e = executor(kubectl, NULL, 0);
	int64_t before = mutations(), generation = plan.generation;
	ns_dryrun *d = ns_execute_dryrun(e, ar, client, &plan, &cs, "1", false);
	if (!d->ok)
		fail_msg("%s: %s", kubectl, d->error);
	assert_true(d->undo_ok);
	assert_int_equal(mutations(), before); /* a dry-run changes nothing */
	assert_string_equal(ns_execute_dryrun(e, ar, client, &plan, &cs, "1", false)->digest, d->digest);

	ns_execution *x = execute(e, false);
	if (!x->ok)
		fail_msg("%s: %s", kubectl, x->error);
	assert_int_equal(mutations(), before + 1);
	assert_int_equal(x->generation, generation + 1);
	d = ns_execute_dryrun(e, ar, client, &plan, NULL, "1", true);
	if (!d->ok)
		fail_msg("%s: undo: %s", kubectl, d->error);
	x = execute(e, true);
	if (!x->ok)
		fail_msg("%s: undo: %s", kubectl, x->error);
	assert_int_equal(mutations(), before + 2);
	cJSON *now_there = target_now();
	assert_true(ns_json_same(original, ns_json_get(now_there, "spec")));
	cJSON_Delete(now_there);
	ns_executor_free(e);
}

#define FOR_EACH_KUBECTL(k) for (size_t k = 0; k < n_kubectls; k++)

static void memory(void **state)
{
	FOR_EACH_KUBECTL(k) {
		make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("512Mi"), MEMORY("256Mi"));
		change_verify_undo(kubectls[k]);
	}
}

static void replicas(void **state)
{
	FOR_EACH_KUBECTL(k) {
		make_plan(NS_ACT_SCALE, REPLICAS("5"), "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]");
		change_verify_undo(kubectls[k]);
	}
}

static void template_of_another_revision(void **state)
{
	FOR_EACH_KUBECTL(k) {
		make_plan(NS_ACT_ROLLBACK, "", "");
		cJSON *template = cJSON_Duplicate(ns_json_get(original, "template"), true);
		char *old = ns_json_text(template);
		cJSON *container = cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(template, "spec"), "containers"), 0);
		cJSON_ReplaceItemInObject(container, "image", cJSON_CreateString("registry.example.com/shop/catalog:2.19.0"));
		char *new = ns_json_text(template);
		plan.command.body = ns_arena_printf(ar, "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":%s}]", new);
		plan.undo.body = ns_arena_printf(ar, "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":%s}]", old);
		free(old);
		free(new);
		cJSON_Delete(template);
		change_verify_undo(kubectls[k]);
	}
}

static void plan_exception(const char *const *create)
{
	const ns_violation v = {.policy = "require-limits", .rule = "check", .message = "m", .kind = "Deployment", .ns = "shop", .name = "catalog",
	    .uid = plan.target.uid};
	const char *const rules[] = {"check", "autogen-check"};
	cJSON *built = ns_exception_build("kyverno.io/v2", create[1], "inc-7", &v, rules, 2, "inc-7", "neuroscale-autopilot", 24);
	cJSON *ops = ns_exception_disarm_patch();
	char *body = ns_json_text(built), *undo = ns_json_text(ops);
	plan.command = (ns_command){.argv = create, .body = ns_arena_strdup(ar, body)};
	plan.undo = (ns_command){.argv = disarm_ex, .body = ns_arena_strdup(ar, undo), .json_patch = true};
	free(body);
	free(undo);
	cJSON_Delete(built);
	cJSON_Delete(ops);
}

static void exceptions(void **state)
{
	FOR_EACH_KUBECTL(k) {
		if (k > 0) { /* nothing here deletes: the next kubectl gets a cluster of its own */
			close_cluster(NULL);
			assert_int_equal(open_cluster(NULL), 0);
		}
		make_plan(NS_ACT_POLICY_EXCEPTION, "", "");
		ns_executor *e = executor(kubectls[k], NULL, 0);
		plan_exception(create_ex);
		ns_dryrun *d = ns_execute_dryrun(e, ar, client, &plan, &cs, "1", false);
		if (!d->ok)
			fail_msg("%s: %s", kubectls[k], d->error);
		assert_true(d->undo_ok);
		assert_int_equal(ns_sim_mutations(sim, "kyverno", "inc-7"), 0);
		ns_execution *x = execute(e, false);
		if (!x->ok)
			fail_msg("%s: %s", kubectls[k], x->error);
		assert_int_equal(ns_sim_mutations(sim, "kyverno", "inc-7"), 1);
		x = execute(e, true);
		if (!x->ok)
			fail_msg("%s: disarm: %s", kubectls[k], x->error);
		assert_int_equal(ns_sim_mutations(sim, "kyverno", "inc-7"), 2);
		ns_executor_free(e);
	}
}

/* A spawner that lets something happen between our reading and kubectl's sending. */
static struct {
	const char *kubectl;
	enum { NOTHING, ANNOTATE, SCALE, OUTAGE } meanwhile;
	int runs;
} between;

static void somebody_else(const char *const *argv)
{
	char *env[] = {ns_xasprintf("HOME=%s", dir), NULL};
	ns_spawn_req req = {.path = between.kubectl, .argv = argv, .envp = (const char *const *)env, .inherit_fd = -1, .deadline_ms = 20000, .max_output = 4096};
	ns_spawn_res res = {0};
	ns_err err;
	assert_true(ns_spawner_real.run(NULL, &req, &res, &err));
	if (res.exit_code != 0)
		fail_msg("%s", ns_buf_str(&res.err_out));
	ns_spawn_res_free(&res);
	free(env[0]);
}

static bool run_between(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err)
{
	static int serial;
	char *kc = ns_xasprintf("--kubeconfig=%s/kubeconfig", dir);
	char *seen = ns_xasprintf("seen=%d", ++serial); /* never what it was: that would be no change */
	const char *const annotate[] = {"kubectl", kc, "-n", "shop", "annotate", "deployment/catalog", "--overwrite", seen, NULL};
	const char *const patch[] = {"kubectl", kc, "-n", "shop", "patch", "deployment/catalog", "--type=merge", "-p", "{\"spec\":{\"replicas\":2}}", NULL};
	if (between.meanwhile == ANNOTATE)
		somebody_else(annotate);
	if (between.meanwhile == SCALE)
		somebody_else(patch);
	if (between.meanwhile == OUTAGE) {
		ns_sim_outage(sim, true);
		usleep(200000);
	}
	between.meanwhile = NOTHING;
	between.runs++;
	free(seen);
	free(kc);
	return ns_spawner_real.run(NULL, req, res, err);
}

static const ns_spawner spawn_between = {.run = run_between};

static void what_others_do_in_between(void **state)
{
	FOR_EACH_KUBECTL(k) {
		between.kubectl = kubectls[k];
		ns_executor *e = executor(kubectls[k], &spawn_between, 0);
		make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("512Mi"), MEMORY("256Mi"));

		between.runs = 0;
		between.meanwhile = SCALE; /* the spec: never forced, theirs stands */
		ns_execution *x = execute(e, false);
		if (!x->conflict || x->ok || x->unknown)
			fail_msg("%s: %s", kubectls[k], x->error);
		assert_int_equal(between.runs, 1);
		assert_null(strstr(spec_text(), "512Mi"));
		assert_non_null(strstr(spec_text(), "\"replicas\":2"));

		make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("512Mi"), MEMORY("256Mi"));
		int64_t before = mutations();
		between.runs = 0;
		between.meanwhile = ANNOTATE; /* not the spec: read again, sent once */
		x = execute(e, false);
		if (!x->ok)
			fail_msg("%s: %s", kubectls[k], x->error);
		assert_int_equal(between.runs, 2);
		assert_int_equal(mutations(), before + 2); /* theirs and ours */
		assert_true(execute(e, true)->ok);

		make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("512Mi"), MEMORY("256Mi"));
		before = mutations();
		between.meanwhile = OUTAGE;
		x = execute(e, false);
		if (!x->sent || x->ok || x->unknown || x->code != NS_E_UNREACHABLE)
			fail_msg("%s: sent %d ok %d unknown %d: %s", kubectls[k], x->sent, x->ok, x->unknown, x->error);
		ns_sim_outage(sim, false);
		usleep(200000);
		assert_int_equal(mutations(), before);
		make_plan(NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]", "");
		assert_true(execute(e, false)->ok);
		ns_executor_free(e);
	}
}

static void what_the_server_refuses(void **state)
{
	FOR_EACH_KUBECTL(k) {
		ns_executor *e = executor(kubectls[k], NULL, 0);
		make_plan(NS_ACT_PATCH_RESOURCES, "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":77},"
		    "{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"1Gi\"}]", MEMORY("256Mi"));
		ns_execution *x = execute(e, false); /* a `test` of the plan's own fails although nothing moved */
		if (x->ok || x->unknown || x->conflict || x->code != NS_E_INVALID)
			fail_msg("%s: %s", kubectls[k], x->error);
		make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("256Mi"), MEMORY("256Mi"));
		ns_dryrun *d = ns_execute_dryrun(e, ar, client, &plan, &cs, "1", false);
		assert_false(d->ok);
		assert_non_null(strstr(d->error, "nothing would change"));
		ns_executor_free(e);
	}
}

/* ---- with kubectls that misbehave ---- */

static char *write_script(const char *text)
{
	static int serial;
	char *path = ns_xasprintf("%s/kubectl-%d", dir, ++serial), *body = ns_xasprintf("#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n", text);
	ns_err err;
	assert_true(ns_write_file_atomic(path, body, strlen(body), 0755, &err));
	free(body);
	return path;
}

static void processes_from_hell(void **state)
{
	const struct { const char *script; bool unknown; ns_code code; } rows[] = {
	    {"sleep 30", true, NS_E_TIMEOUT},
	    {"trap '' TERM; sleep 30", true, NS_E_TIMEOUT},
	    {"kill -9 $$", true, NS_E_FAILED},
	    {"exit 0", true, NS_E_INVALID},
	    {"echo '{}'", true, NS_E_INVALID},
	    {"head -c 9000000 /dev/zero | tr '\\0' x; exit 0", true, NS_E_TOOBIG},
	    {"head -c 9000000 /dev/zero | tr '\\0' x >&2; exit 1", true, NS_E_FAILED},
	    {"printf '\\033[2J\\377\\376' >&2; exit 3", true, NS_E_FAILED},
	    {"exec <&-; echo 'Error from server (Forbidden): no' >&2; exit 1", false, NS_E_DENIED},
	    {"cat >/dev/null; env | grep -q '^KUBE' && exit 9; echo 'Error from server (Conflict): moved' >&2; exit 1", false, NS_E_INVALID},
	};
	make_plan(NS_ACT_PATCH_RESOURCES, MEMORY("512Mi"), MEMORY("256Mi"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *path = write_script(rows[i].script);
		ns_executor *e = executor(path, NULL, 700);
		ns_execution *x = execute(e, false);
		if (!x->sent || x->ok || x->unknown != rows[i].unknown || x->code != rows[i].code)
			fail_msg("%s: sent %d ok %d unknown %d %s: %s", rows[i].script, x->sent, x->ok, x->unknown, ns_code_lookup(x->code)->name, x->error);
		assert_true(strlen(x->error) < 600);
		assert_null(strpbrk(x->error, "\x1b\n"));
		ns_executor_free(e);
		free(path);
	}
	assert_int_equal(mutations(), 0);
	if (getenv("WRAP")) /* valgrind makes a fork of posix_spawn: what cannot start seems to have started */
		return;
	/* gone after it was found */
	char *path = write_script("exit 0");
	ns_executor *e = executor(path, NULL, 0);
	unlink(path);
	ns_execution *x = execute(e, false);
	assert_false(x->sent || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_NOTFOUND);
	ns_executor_free(e);
	free(path);
}

int main(void)
{
	find_kubectls();
	for (size_t k = 0; k < n_kubectls; k++)
		print_message("# with %s\n", kubectls[k]);
#define T(f) cmocka_unit_test_setup_teardown(f, open_cluster, close_cluster)
	const struct CMUnitTest real[] = {
	    T(memory),
	    T(replicas),
	    T(template_of_another_revision),
	    T(exceptions),
	    T(what_others_do_in_between),
	    T(what_the_server_refuses),
	};
	const struct CMUnitTest fakes[] = {
	    T(processes_from_hell),
	};
	int failed = cmocka_run_group_tests(fakes, NULL, NULL);
	if (n_kubectls)
		failed += cmocka_run_group_tests(real, NULL, NULL);
	else
		puts("ok 0 # SKIP real kubectls: none in PATH or KUBECTLS");
	for (size_t k = 0; k < n_kubectls; k++)
		free(kubectls[k]);
	return failed;
}
