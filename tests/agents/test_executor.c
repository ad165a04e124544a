/* The executor end to end without a cluster: a small API server that tells what a test wants it to, and a spawner that stands in for kubectl,
 * writes down what it was given and does (or pretends to do) it. */
#include <arpa/inet.h>
#include <dirent.h>
#include <microhttpd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../src/agents/executor_priv.h"
#include "neuroscale/policy/policy.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"

#define DEPLOYMENT "/apis/apps/v1/namespaces/shop/deployments/web"
#define EXCEPTION "/apis/kyverno.io/v2/namespaces/kyverno/policyexceptions/inc-7-web"
#define NOW 1764000000000LL

/* ---- the API server ---- */

static struct {
	pthread_mutex_t mu;
	struct MHD_Daemon *daemon;
	int port;
	cJSON *deployment, *exception; /* NULL: 404 */
	char system_uid[64];
	int rv, fail; /* fail: answer with this status */
	bool noise;   /* the status moves with every read */
} api = {.mu = PTHREAD_MUTEX_INITIALIZER};

static void set_meta(cJSON *obj, const char *key, cJSON *value)
{
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(obj, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(meta, key);
	cJSON_AddItemToObject(meta, key, value);
}

static void bump_rv(cJSON *obj)
{
	char text[32];
	snprintf(text, sizeof text, "%d", ++api.rv);
	set_meta(obj, "resourceVersion", cJSON_CreateString(text));
}

static void bump_generation(cJSON *obj)
{
	set_meta(obj, "generation", cJSON_CreateNumber((double)ns_json_int_or(obj, "metadata.generation", 0) + 1));
	bump_rv(obj);
}

static char *answer_for(const char *path, unsigned *status)
{
	*status = 200;
	if (api.fail) {
		*status = (unsigned)api.fail;
		return ns_xasprintf("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"made to fail\",\"code\":%d}", api.fail);
	}
	if (strcmp(path, "/api/v1/namespaces/kube-system") == 0)
		return ns_xasprintf("{\"kind\":\"Namespace\",\"metadata\":{\"name\":\"kube-system\",\"uid\":\"%s\"}}", api.system_uid);
	cJSON *obj = strcmp(path, DEPLOYMENT) == 0 ? api.deployment : strcmp(path, EXCEPTION) == 0 ? api.exception : NULL;
	if (!obj) {
		*status = 404;
		return ns_xstrdup("{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"message\":\"not found\",\"code\":404}");
	}
	char *text = ns_json_text(obj);
	if (api.noise)
		bump_rv(obj);
	return text;
}

static enum MHD_Result serve(void *ctx, struct MHD_Connection *con, const char *url, const char *method, const char *version, const char *data,
    size_t *size, void **req)
{
	unsigned status;
	pthread_mutex_lock(&api.mu);
	char *text = strcmp(method, "GET") == 0 ? answer_for(url, &status) : NULL;
	pthread_mutex_unlock(&api.mu);
	if (!text)
		return MHD_NO; /* law 1: nothing but GET may come from us */
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(r, "Content-Type", "application/json");
	enum MHD_Result rc = MHD_queue_response(con, status, r);
	MHD_destroy_response(r);
	return rc;
}

/* ---- kubectl's stand-in ---- */

static struct {
	int runs, applied;       /* applied: changes made for good */
	char *argv, *env, *body; /* of the newest run, argv and env joined by newlines */
	int inherit_fd;
	bool dry;
	/* instead of doing it */
	bool scripted, no_start, timed_out, cut;
	int exit_code, killed_by;
	const char *out, *err;
	/* around doing it */
	const char *warn;
	void (*before)(void);    /* runs once, before the body is looked at */
	const char *mutate;      /* a webhook: this JSON patch is applied as well */
} kubectl;

static char *joined(const char *const *v)
{
	ns_buf b = NS_BUF_INIT;
	for (; *v; v++) {
		ns_buf_puts(&b, *v);
		ns_buf_putc(&b, '\n');
	}
	return ns_buf_steal(&b);
}

static void say(ns_spawn_res *res, int code, const char *out, const char *err)
{
	res->exit_code = code;
	ns_buf_puts(&res->out, out);
	ns_buf_puts(&res->err_out, err);
}

static void answer_object(ns_spawn_res *res, const cJSON *obj)
{
	char *text = ns_json_text(obj);
	say(res, 0, text, kubectl.warn ? kubectl.warn : "");
	free(text);
}

static void do_create(ns_spawn_res *res, const cJSON *body)
{
	if (api.exception) {
		say(res, 1, "", "Error from server (AlreadyExists): error when creating \"STDIN\": policyexceptions.kyverno.io \"inc-7-web\" already exists\n");
		return;
	}
	cJSON *made = cJSON_Duplicate(body, true);
	char uid[33];
	ns_random_hex(uid, 32);
	set_meta(made, "uid", cJSON_CreateString(uid));
	set_meta(made, "namespace", cJSON_CreateString("kyverno"));
	set_meta(made, "creationTimestamp", cJSON_CreateString(uid)); /* differs every time */
	set_meta(made, "generation", cJSON_CreateNumber(1));
	bump_rv(made);
	answer_object(res, made);
	if (kubectl.dry) {
		cJSON_Delete(made);
		return;
	}
	api.exception = made;
	kubectl.applied++;
}

static void do_patch(ns_spawn_res *res, cJSON **slot, const cJSON *ops)
{
	cJSON *made = ns_patch_apply(*slot, ops, NULL);
	if (!made) {
		say(res, 1, "", "The request is invalid\n");
		return;
	}
	if (kubectl.mutate) {
		cJSON *more = cJSON_Parse(kubectl.mutate), *both = ns_patch_apply(made, more, NULL);
		cJSON_Delete(made);
		cJSON_Delete(more);
		made = both;
	}
	bump_generation(made);
	answer_object(res, made);
	if (kubectl.dry) {
		cJSON_Delete(made);
		return;
	}
	cJSON_Delete(*slot);
	*slot = made;
	kubectl.applied++;
}

static bool fake_run(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err)
{
	*res = (ns_spawn_res){.exit_code = -1};
	kubectl.runs++;
	free(kubectl.argv);
	free(kubectl.env);
	free(kubectl.body);
	kubectl.argv = joined(req->argv);
	kubectl.env = joined(req->envp);
	kubectl.body = ns_xstrdup(req->stdin_data);
	assert_int_equal(req->stdin_len, strlen(req->stdin_data));
	kubectl.inherit_fd = req->inherit_fd;
	kubectl.dry = strstr(kubectl.argv, "\n--dry-run=server\n") != NULL;
	if (kubectl.no_start)
		return ns_fail(err, NS_E_NOTFOUND, "start %s: No such file or directory", req->path);
	res->started = true;
	if (kubectl.scripted) {
		say(res, kubectl.exit_code, kubectl.out ? kubectl.out : "", kubectl.err ? kubectl.err : "");
		res->timed_out = kubectl.timed_out;
		res->truncated = kubectl.cut;
		res->term_signal = kubectl.killed_by;
		return true;
	}
	pthread_mutex_lock(&api.mu);
	if (kubectl.before) {
		void (*before)(void) = kubectl.before;
		kubectl.before = NULL;
		before();
	}
	cJSON *body = cJSON_Parse(kubectl.body);
	if (strstr(kubectl.argv, "\ncreate\n"))
		do_create(res, body);
	else
		do_patch(res, strstr(kubectl.argv, "\ndeployment/web\n") ? &api.deployment : &api.exception, body);
	cJSON_Delete(body);
	pthread_mutex_unlock(&api.mu);
	return true;
}

static const ns_spawner fake = {.run = fake_run};

/* ---- one room with everything in it ---- */

static char dir[] = "/tmp/nsexec.XXXXXX";
static ns_kubeconfig *cfg;
static ns_kube_client *client;
static ns_executor *ex;
static ns_arena *ar;
static ns_clock *now;
static ns_case cs;
static ns_plan plan;

#define MEMORY(x) "[{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/0/name\",\"value\":\"app\"}," \
	"{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"" x "\"}]"

static const char *const do_web[] = {"-n", "shop", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
static const char *const do_create_ex[] = {"-n", "kyverno", "create", "-f", "-", "-o", "json", NULL};
static const char *const do_disarm[] = {"-n", "kyverno", "patch", "policyexceptions.kyverno.io/inc-7-web", "--type=json", "--patch-file=/dev/stdin", "-o",
    "json", NULL};

static void plan_memory(void)
{
	plan = (ns_plan){.action = NS_ACT_PATCH_RESOURCES, .target = {"c", "shop", "Deployment", "web", "u-1"}, .generation = 4, .runbook_hash = "rb1",
	    .command = {.argv = do_web, .body = MEMORY("256Mi"), .json_patch = true}, .undo = {.argv = do_web, .body = MEMORY("128Mi"), .json_patch = true},
	    .undo_valid = true};
}

static char *exception_body, *disarm_body;
static void plan_exception(void)
{
	const ns_violation v = {.policy = "require-limits", .rule = "check", .message = "m", .kind = "Deployment", .ns = "shop", .name = "web", .uid = "u-1"};
	const char *const rules[] = {"check", "autogen-check"};
	cJSON *built = ns_exception_build("kyverno.io/v2", "kyverno", "inc-7-web", &v, rules, 2, "inc-7", "neuroscale-autopilot", 24);
	cJSON *ops = ns_exception_disarm_patch();
	free(exception_body);
	free(disarm_body);
	exception_body = ns_json_text(built);
	disarm_body = ns_json_text(ops);
	cJSON_Delete(built);
	cJSON_Delete(ops);
	plan_memory();
	plan.action = NS_ACT_POLICY_EXCEPTION;
	plan.command = (ns_command){.argv = do_create_ex, .body = exception_body};
	plan.undo = (ns_command){.argv = do_disarm, .body = disarm_body, .json_patch = true};
}

static ns_executor *make_executor(void)
{
	static const char *const guarded[] = {"billing", NULL};
	ns_executor_opts o = {.cfg = cfg, .state_dir = dir, .kubectl = "/bin/true", .spawner = &fake, .clock = now, .protected_ns = guarded};
	ns_err err;
	ns_executor *e = ns_executor_new(&o, &err);
	if (!e)
		fail_msg("%s", err.text);
	return e;
}

static void fresh_world(void)
{
	free(kubectl.argv);
	free(kubectl.env);
	free(kubectl.body);
	memset(&kubectl, 0, sizeof kubectl);
	cJSON_Delete(api.deployment);
	cJSON_Delete(api.exception);
	api.exception = NULL;
	api.deployment = cJSON_Parse("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-1\","
	    "\"resourceVersion\":\"100\",\"generation\":4},\"spec\":{\"replicas\":2,\"template\":{\"metadata\":{\"creationTimestamp\":null,\"labels\":{\"app\":\"web\"}},"
	    "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"web:1\",\"resources\":{\"limits\":{\"memory\":\"128Mi\"}}}]}}},\"status\":{\"replicas\":2}}");
	api.rv = 100;
	api.fail = 0;
	api.noise = false;
	snprintf(api.system_uid, sizeof api.system_uid, "sys-1");
	plan_memory();
	cs = (ns_case){.alert = {.target = {"c", "shop", "Deployment", "web", "u-1"}}};
}

static int before_each(void **state)
{
	fresh_world();
	ar = ns_arena_new();
	ex = make_executor();
	return 0;
}

static int after_each(void **state)
{
	ns_executor_free(ex);
	ns_arena_free(ar);
	return 0;
}

static ns_dryrun *dry(void)
{
	return ns_execute_dryrun(ex, ar, client, &plan, &cs, "policy-1", false);
}

static ns_execution *run_locked(bool undo)
{
	char path[512];
	ns_err err;
	int fd = ns_target_lock(ex, &plan.target, path, sizeof path, &err);
	assert_true(fd >= 0);
	ns_execution *x = ns_execute(ex, ar, client, &plan, undo, fd);
	if (kubectl.runs)
		assert_int_equal(kubectl.inherit_fd, fd);
	ns_target_unlock(fd);
	return x;
}

/* ---- tests ---- */

static void without_kubectl_there_is_no_executor(void **state)
{
	ns_err err;
	const char *const absent[] = {NULL, "", "kubectl", "/nowhere/kubectl"};
	for (size_t i = 0; i < 4; i++) {
		ns_executor_opts o = {.cfg = cfg, .state_dir = dir, .kubectl = absent[i], .spawner = &fake};
		assert_null(ns_executor_new(&o, &err));
		assert_int_equal(err.code, NS_E_NOTFOUND);
		assert_non_null(strstr(err.text, "kubectl was not found"));
	}
}

static int mode_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static void the_kubeconfig_is_private_and_goes_away(void **state)
{
	assert_int_equal(mode_of(ex->kubeconfig), 0600);
	assert_int_equal(mode_of(ex->home), 0700);
	assert_int_equal(mode_of(ex->locks), 0700);
	ns_executor *other = make_executor();
	char *path = ns_xstrdup(other->kubeconfig);
	ns_executor_free(other);
	assert_int_equal(mode_of(path), -1);
	free(path);
}

static void the_child_gets_exactly_this(void **state)
{
	ns_dryrun *d = dry();
	if (!d->ok)
		fail_msg("%s", d->error);
	char *want = ns_xasprintf("kubectl\n--kubeconfig=%s\n--context=t\n--cache-dir=%s\n--request-timeout=20s\n-n\nshop\npatch\ndeployment/web\n--type=json\n"
	    "--patch-file=/dev/stdin\n-o\njson\n--field-manager=neuroscale-autopilot\n--dry-run=server\n", ex->kubeconfig, ex->cache);
	assert_string_equal(kubectl.argv, want);
	free(want);
	assert_null(strstr(kubectl.argv, "256Mi")); /* bodies go by the pipe, `ps` shows argv */
	assert_string_equal(kubectl.body, "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u-1\"},"
	    "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"100\"},"
	    "{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/0/name\",\"value\":\"app\"},"
	    "{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"256Mi\"}]");
	assert_null(strstr(kubectl.env, "KUBE"));
	assert_null(strstr(kubectl.env, "LC_"));
	assert_non_null(strstr(kubectl.env, "LANG=C\n"));
	assert_int_equal(kubectl.inherit_fd, -1);
	assert_int_equal(kubectl.applied, 0);

	assert_non_null(strstr(d->diff, "128Mi"));
	assert_non_null(strstr(d->diff, "256Mi"));
	assert_null(strstr(d->diff, "resourceVersion"));
	assert_int_equal(d->diff_lines, 2);
	assert_true(d->undo_ok);
	assert_string_equal(d->live_uid, "u-1");
	assert_int_equal(d->live_generation, 4);
	assert_int_equal(strlen(d->digest), 64);
	assert_int_equal(d->at_ms, NOW);
	assert_non_null(strstr(d->shown_command, "kubectl --context t -n shop patch deployment/web"));
}

static void status_noise_does_not_void_an_approval_but_everything_else_does(void **state)
{
	char first[65];
	snprintf(first, sizeof first, "%s", dry()->digest);
	bump_rv(api.deployment);
	cJSON_SetIntValue(cJSON_GetObjectItem(cJSON_GetObjectItem(api.deployment, "status"), "replicas"), 1);
	assert_string_equal(dry()->digest, first);

	ns_dryrun *d = ns_execute_dryrun(ex, ar, client, &plan, &cs, "policy-2", false);
	assert_string_not_equal(d->digest, first);
	plan.runbook_hash = "rb2";
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	plan.command.body = MEMORY("257Mi");
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	snprintf(api.system_uid, sizeof api.system_uid, "sys-2"); /* another cluster behind the same name */
	assert_string_not_equal(dry()->digest, first);
	snprintf(api.system_uid, sizeof api.system_uid, "sys-1");
	kubectl.mutate = "[{\"op\":\"add\",\"path\":\"/spec/template/metadata/labels/injected\",\"value\":\"yes\"}]"; /* the same request, another effect */
	d = dry();
	assert_true(d->ok);
	assert_string_not_equal(d->digest, first);
	assert_false(d->undo_ok);
	kubectl.mutate = NULL;
	set_meta(api.deployment, "uid", cJSON_CreateString("u-2"));
	plan.target.uid = cs.alert.target.uid = "u-2";
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	set_meta(api.deployment, "uid", cJSON_CreateString("u-1"));
	bump_generation(api.deployment);
	plan.generation = 5;
	assert_string_not_equal(dry()->digest, first);
	plan.generation = 4;
	set_meta(api.deployment, "generation", cJSON_CreateNumber(4));
	assert_string_equal(dry()->digest, first);
}

static void refused(ns_dryrun *d, ns_code code, const char *words)
{
	assert_false(d->ok);
	if (d->code != code || !strstr(d->error, words))
		fail_msg("%s: %s, wanted %s: %s", ns_code_lookup(d->code)->name, d->error, ns_code_lookup(code)->name, words);
	assert_string_equal(d->digest, "");
	assert_int_equal(kubectl.applied, 0);
}

static void what_moved_since_the_analysis_is_not_acted_on(void **state)
{
	set_meta(api.deployment, "uid", cJSON_CreateString("u-2")); /* deleted and made again under the same name */
	refused(dry(), NS_E_CONFLICT, "UID changed");
	set_meta(api.deployment, "uid", cJSON_CreateString("u-1"));
	bump_generation(api.deployment);
	refused(dry(), NS_E_CONFLICT, "generation 5, expected 4");
	cJSON_Delete(api.deployment);
	api.deployment = NULL;
	refused(dry(), NS_E_NOTFOUND, "shop/web");
	assert_int_equal(kubectl.runs, 0);
}

static void a_plan_for_anything_else_never_reaches_a_spawn(void **state)
{
	cs.alert.target.name = "other";
	refused(dry(), NS_E_DENIED, "not the case's");
	cs.alert.target.name = "web";
	refused(ns_execute_dryrun(ex, ar, client, &plan, NULL, "p", false), NS_E_DENIED, "no case");
	plan.target.uid = "";
	refused(dry(), NS_E_DENIED, "not pinned");
	plan_memory();
	plan.action = NS_ACT_MANUAL_REVIEW;
	refused(dry(), NS_E_DENIED, "not executable");
	plan_memory();
	plan.action = NS_ACT_SCALE; /* body of another action */
	refused(dry(), NS_E_DENIED, "scale may not");
	plan_memory();
	plan.action = NS_ACT_POLICY_EXCEPTION;
	refused(dry(), NS_E_DENIED, "not one of policy_exception");
	plan_memory();
	plan.command.argv = (const char *const[]){"-n", "shop", "patch", "deployment/db", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "another target");
	plan.command.argv = (const char *const[]){"-n", "kube-system", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "protected");
	plan.command.argv = (const char *const[]){"-n", "billing", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "protected");
	plan.command.argv = (const char *const[]){"-n", "shop", "delete", "deployment/web", NULL};
	refused(dry(), NS_E_DENIED, "none of the permitted");
	plan.command.argv = NULL;
	refused(dry(), NS_E_DENIED, "no command");
	plan_memory();
	plan.target.kind = "StatefulSet";
	cs.alert.target.kind = "StatefulSet";
	refused(dry(), NS_E_UNSUPPORTED, "no action on a StatefulSet");
	assert_int_equal(kubectl.runs, 0);

	plan_memory();
	plan.command.body = "[{\"op\":\"replace\",\"path\":\"/metadata/finalizers\",\"value\":[]}]";
	ns_execution *x = run_locked(false);
	assert_false(x->sent || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_DENIED);
	assert_int_equal(kubectl.runs, 0);
}

static void failures_of_a_dry_run_are_classed(void **state)
{
	api.fail = 503;
	refused(dry(), NS_E_BUSY, "");
	api.fail = 0;
	kubectl.no_start = true;
	refused(dry(), NS_E_NOTFOUND, "could not be started");
	kubectl.no_start = false;
	kubectl.scripted = true;
	kubectl.exit_code = 0;
	refused(dry(), NS_E_INVALID, "cannot be read"); /* law 9: an empty answer is a failure */
	kubectl.out = "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-9\"},\"spec\":{}}";
	refused(dry(), NS_E_INVALID, "another object");
	kubectl.out = "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"db\",\"namespace\":\"shop\",\"uid\":\"u-1\"},\"spec\":{}}";
	refused(dry(), NS_E_INVALID, "not Deployment shop/web");
	kubectl.out = "[]";
	refused(dry(), NS_E_INVALID, "no object");
	kubectl.cut = true;
	refused(dry(), NS_E_TOOBIG, "MiB");
	kubectl.cut = false;
	kubectl.out = "";
	kubectl.exit_code = 1;
	kubectl.err = "Error from server (Forbidden): deployments.apps \"web\" is forbidden: User \"x\x1b[2J\" cannot patch\n";
	ns_dryrun *d = dry();
	refused(d, NS_E_DENIED, "is forbidden");
	assert_null(strchr(d->error, '\x1b')); /* law 11 */
	kubectl.err = "";
	refused(dry(), NS_E_FAILED, "said nothing");
	kubectl.exit_code = -1;
	kubectl.timed_out = true;
	refused(dry(), NS_E_TIMEOUT, "did not answer within 30 s");
}

static void a_change_that_changes_nothing_is_a_failure(void **state)
{
	plan.command.body = MEMORY("128Mi");
	refused(dry(), NS_E_FAILED, "nothing would change");
}

static void no_inverse_is_no_undo(void **state)
{
	plan.undo.body = MEMORY("129Mi");
	assert_false(dry()->undo_ok);
	plan.undo.body = "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]";
	assert_false(dry()->undo_ok);
	plan.undo.argv = NULL;
	ns_dryrun *d = dry();
	assert_false(d->undo_ok);
	assert_true(d->ok); /* a person may still say yes */
}

static void moved_status(void)
{
	bump_rv(api.deployment);
}

static void moved_spec(void)
{
	cJSON *ops = cJSON_Parse("[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":7}]"), *made = ns_patch_apply(api.deployment, ops, NULL);
	cJSON_Delete(ops);
	cJSON_Delete(api.deployment);
	api.deployment = made;
	bump_generation(made);
}

static void a_status_that_moves_in_between_is_read_again(void **state)
{
	kubectl.before = moved_status;
	ns_dryrun *d = dry();
	assert_true(d->ok);
	assert_int_equal(kubectl.runs, 2);
	kubectl.runs = 0;
	kubectl.before = moved_status;
	ns_execution *x = run_locked(false);
	assert_true(x->ok && x->sent && !x->conflict && !x->unknown);
	assert_int_equal(kubectl.runs, 2);
	assert_int_equal(kubectl.applied, 1); /* twice asked, once done */

	fresh_world();
	api.noise = true; /* it never stands still: after three tries it is a conflict, not a fourth try and not a force */
	x = run_locked(false);
	assert_true(x->conflict && !x->ok && !x->unknown);
	assert_int_equal(kubectl.runs, 3);
	assert_int_equal(kubectl.applied, 0);
}

static void a_spec_that_moves_in_between_is_a_conflict(void **state)
{
	kubectl.before = moved_spec;
	ns_execution *x = run_locked(false);
	assert_true(x->conflict && x->sent && !x->ok && !x->unknown);
	assert_int_equal(x->code, NS_E_CONFLICT);
	assert_int_equal(kubectl.runs, 1);
	assert_int_equal(kubectl.applied, 0);
	assert_int_equal(ns_json_int_or(api.deployment, "spec.replicas", 0), 7); /* theirs stands */
}

static void a_patch_that_does_not_fit_is_no_conflict(void **state)
{
	kubectl.scripted = true;
	kubectl.exit_code = 1;
	kubectl.err = "The request is invalid\n"; /* and the object did not move */
	ns_execution *x = run_locked(false);
	assert_false(x->conflict || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_INVALID);
	assert_int_equal(kubectl.runs, 1);
}

static void executed_once_with_what_was_approved(void **state)
{
	ns_execution *x = run_locked(false);
	assert_true(x->sent && x->ok);
	assert_int_equal(x->code, NS_OK);
	assert_int_equal(x->generation, 5);
	assert_int_equal(x->at_ms, NOW);
	assert_string_equal(x->error, "");
	assert_int_equal(kubectl.applied, 1);
	assert_false(kubectl.dry);
	assert_null(strstr(kubectl.argv, "dry-run"));
	assert_non_null(strstr(kubectl.body, "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"100\"}"));
	/* the same plan again finds a moved object */
	x = run_locked(false);
	assert_true(x->conflict && !x->sent);
	assert_int_equal(kubectl.applied, 1);
}

static void without_the_lock_nothing_is_sent(void **state)
{
	ns_execution *x = ns_execute(ex, ar, client, &plan, false, -1);
	assert_false(x->sent || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_DENIED);
	assert_int_equal(kubectl.runs, 0);
}

static void outcomes(void **state)
{
	const struct { int exit_code, killed_by; bool timed_out, cut, unknown; const char *out, *err; ns_code code; } rows[] = {
	    {1, 0, false, false, false, "", "The connection to the server x:1 was refused - did you specify the right host or port?\n", NS_E_UNREACHABLE},
	    {1, 0, false, false, false, "", "Error from server (Forbidden): no\n", NS_E_DENIED},
	    {1, 0, false, false, false, "", "Error from server: admission webhook \"w\" denied the request: no\n", NS_E_DENIED},
	    {1, 0, false, false, true, "", "Error from server (Timeout): later\n", NS_E_TIMEOUT},
	    {1, 0, false, false, true, "", "Error from server (InternalError): x\n", NS_E_FAILED},
	    {1, 0, false, false, true, "", "Unable to connect to the server: EOF\n", NS_E_UNREACHABLE},
	    {1, 0, false, false, true, "", "", NS_E_FAILED},
	    {2, 0, false, false, true, "", "panic: runtime error\n", NS_E_FAILED},
	    {-1, SIGKILL, false, false, true, "", "", NS_E_FAILED},
	    {-1, SIGTERM, true, false, true, "", "", NS_E_TIMEOUT},
	    {0, 0, true, false, true, "{}", "", NS_E_TIMEOUT}, /* succeeded after its deadline: nobody was there to see it */
	    {0, 0, false, true, true, "{}", "", NS_E_TOOBIG},
	    {0, 0, false, false, true, "", "", NS_E_INVALID},
	    {0, 0, false, false, true, "{\"kind\":\"Deployment\"", "", NS_E_INVALID},
	    {0, 0, false, false, true, "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-2\"},\"spec\":{}}", "", NS_E_INVALID},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		kubectl.scripted = true;
		kubectl.exit_code = rows[i].exit_code;
		kubectl.killed_by = rows[i].killed_by;
		kubectl.timed_out = rows[i].timed_out;
		kubectl.cut = rows[i].cut;
		kubectl.out = rows[i].out;
		kubectl.err = rows[i].err;
		ns_execution *x = run_locked(false);
		if (!x->sent || x->ok || x->conflict || x->unknown != rows[i].unknown || x->code != rows[i].code || !*x->error)
			fail_msg("row %zu: ok %d unknown %d %s: %s", i, x->ok, x->unknown, ns_code_lookup(x->code)->name, x->error);
	}
	kubectl.no_start = true;
	ns_execution *x = run_locked(false);
	assert_false(x->sent || x->ok || x->unknown || x->conflict);
	assert_int_equal(x->code, NS_E_NOTFOUND);
}

static void one_child_per_target(void **state)
{
	char a[512], b[512];
	ns_err err;
	int fd = ns_target_lock(ex, &plan.target, a, sizeof a, &err);
	assert_true(fd >= 0);
	assert_int_equal(ns_target_lock(ex, &plan.target, b, sizeof b, &err), -1);
	assert_int_equal(err.code, NS_E_LOCKED);
	assert_non_null(strstr(err.text, "shop/web"));
	ns_workload other = plan.target;
	other.name = "../../etc/passwd";
	int fd2 = ns_target_lock(ex, &other, b, sizeof b, &err);
	assert_true(fd2 >= 0);
	assert_null(strstr(b, "passwd"));
	ns_target_unlock(fd2);
	assert_false(ns_lock_is_free(a));
	ns_target_unlock(fd);
	assert_true(ns_lock_is_free(a));
	assert_int_equal(ns_target_lock(ex, &plan.target, b, 10, &err), -1);
	assert_int_equal(err.code, NS_E_TOOBIG);
}

static struct { int fd; const char *path; bool free_while_running; } orphan;
static void engine_dies_here(void *ctx, pid_t pid)
{
	ns_target_unlock(orphan.fd);
	orphan.free_while_running = ns_lock_is_free(orphan.path);
}

static void a_child_keeps_the_lock_when_the_engine_is_gone(void **state)
{
	char path[512];
	ns_err err;
	orphan.fd = ns_target_lock(ex, &plan.target, path, sizeof path, &err);
	orphan.path = path;
	const char *const argv[] = {"sleep", "0.3", NULL}, *const env[] = {NULL};
	ns_spawn_req req = {.path = "/bin/sleep", .argv = argv, .envp = env, .inherit_fd = orphan.fd, .deadline_ms = 5000, .max_output = 100,
	    .on_started = engine_dies_here};
	ns_spawn_res res;
	assert_true(ns_spawner_real.run(NULL, &req, &res, &err));
	ns_spawn_res_free(&res);
	assert_false(orphan.free_while_running);
	assert_true(ns_lock_is_free(path));
}

static void the_undo_gives_the_original_back(void **state)
{
	cJSON *before = cJSON_Duplicate(cJSON_GetObjectItem(api.deployment, "spec"), true);
	assert_true(run_locked(false)->ok);
	ns_dryrun *armed = ns_execute_dryrun(ex, ar, client, &plan, NULL, "policy-1", true);
	assert_true(armed->ok);
	assert_string_not_equal(armed->digest, dry()->digest);
	assert_true(run_locked(true)->ok);
	assert_true(ns_json_same(before, cJSON_GetObjectItem(api.deployment, "spec")));
	assert_int_equal(kubectl.applied, 2);
	cJSON_Delete(before);
}

static void an_undo_does_not_overwrite_what_others_did_since(void **state)
{
	assert_true(run_locked(false)->ok);
	moved_spec();
	ns_execution *x = run_locked(true);
	assert_true(x->conflict && !x->sent);
	assert_int_equal(kubectl.applied, 1);
	/* nor is there anything to undo before it was done */
	fresh_world();
	x = run_locked(true);
	assert_true(x->conflict && !x->sent);
}

static void an_exception_is_created_and_disarmed(void **state)
{
	plan_exception();
	ns_dryrun *d = dry();
	if (!d->ok)
		fail_msg("%s", d->error);
	assert_true(d->undo_ok);
	assert_null(strstr(d->diff, "creationTimestamp"));
	assert_string_equal(d->live_uid, "u-1"); /* of the workload it is for */
	char first[65];
	snprintf(first, sizeof first, "%s", d->digest);
	assert_string_equal(dry()->digest, first); /* uid and times of the answer differ each time */
	assert_null(api.exception);

	ns_execution *x = run_locked(false);
	if (!x->ok)
		fail_msg("%s", x->error);
	assert_non_null(api.exception);
	assert_non_null(strstr(kubectl.argv, "\n-n\nkyverno\ncreate\n-f\n-\n-o\njson\n--field-manager=neuroscale-autopilot\n"));
	refused((kubectl.applied = 0, dry()), NS_E_CONFLICT, "exists already");

	x = run_locked(true);
	if (!x->ok)
		fail_msg("%s", x->error);
	cJSON *created = cJSON_Parse(exception_body);
	assert_false(ns_json_same(ns_json_path(created, "spec.match"), ns_json_path(api.exception, "spec.match")));
	cJSON_Delete(created);
	x = run_locked(true); /* it is not as we created it any more */
	assert_true(x->conflict && !x->sent);
}

static void an_exception_without_effect_is_a_failure(void **state)
{
	plan_exception();
	static const char *const warnings[] = {"Warning: PolicyException resource namespace must match the defined namespace.\n",
	    "Warning: PolicyException resources would not be processed until it is enabled.\n", "Warning: The exceptionNamespace flag is not set\n"};
	for (size_t i = 0; i < 3; i++) {
		kubectl.warn = warnings[i];
		refused(dry(), NS_E_DENIED, "no effect");
	}
	ns_execution *x = run_locked(false);
	assert_true(x->sent && !x->ok && !x->unknown);
	kubectl.warn = "Warning: kyverno.io/v2 PolicyException is deprecated\n";
	fresh_world();
	plan_exception();
	kubectl.warn = "Warning: kyverno.io/v2 PolicyException is deprecated\n";
	ns_dryrun *d = dry();
	assert_true(d->ok);
	assert_string_equal(d->warnings, "kyverno.io/v2 PolicyException is deprecated");
}

static void the_record_survives_its_json(void **state)
{
	ns_dryrun *d = dry();
	cJSON *j = ns_dryrun_to_json(d);
	ns_err err;
	ns_dryrun *back = ns_dryrun_from_json(ar, j, &err);
	if (!back)
		fail_msg("%s", err.text);
	assert_string_equal(back->digest, d->digest);
	assert_string_equal(back->diff, d->diff);
	assert_true(back->ok && back->undo_ok && back->code == NS_OK && back->live_generation == 4);
	cJSON_ReplaceItemInObject(j, "digest", cJSON_CreateString("00"));
	assert_null(ns_dryrun_from_json(ar, j, &err)); /* ok without a digest would be approvable */
	cJSON_Delete(j);
	j = ns_execution_to_json(run_locked(false));
	assert_true(ns_json_bool_or(j, "ok", false) && ns_json_int_or(j, "generation", 0) == 5);
	cJSON_Delete(j);
}

/* ---- set-up ---- */

static int start_all(void **state)
{
	ns_err err;
	if (!mkdtemp(dir))
		return -1;
	struct sockaddr_in lo = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	api.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, NULL, MHD_OPTION_SOCK_ADDR, &lo, MHD_OPTION_END);
	if (!api.daemon)
		return -1;
	api.port = MHD_get_daemon_info(api.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	char *path = ns_path_join(dir, "config");
	char *text = ns_xasprintf("apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters:\n- name: t\n  cluster: {server: \"http://127.0.0.1:%d\"}\n"
	    "contexts:\n- name: t\n  context: {cluster: t, user: u}\nusers:\n- name: u\n  user: {token: abc}\n", api.port);
	bool ok = ns_write_file_atomic(path, text, strlen(text), 0600, &err) && (cfg = ns_kubeconfig_load(path, NULL, &err)) &&
	    (client = ns_kube_client_new(cfg, NULL, NULL, &err));
	if (!ok)
		print_error("%s\n", err.text);
	free(path);
	free(text);
	now = ns_clock_manual(NOW, 0);
	return ok ? 0 : -1;
}

static int stop_all(void **state)
{
	ns_kube_client_free(client);
	ns_kubeconfig_free(cfg);
	MHD_stop_daemon(api.daemon);
	cJSON_Delete(api.deployment);
	cJSON_Delete(api.exception);
	ns_clock_free(now);
	free(kubectl.argv);
	free(kubectl.env);
	free(kubectl.body);
	free(exception_body);
	free(disarm_body);
	ns_rm_tree(dir, NULL);
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)
	const struct CMUnitTest tests[] = {
	    T(without_kubectl_there_is_no_executor),
	    T(the_kubeconfig_is_private_and_goes_away),
	    T(the_child_gets_exactly_this),
	    T(status_noise_does_not_void_an_approval_but_everything_else_does),
	    T(what_moved_since_the_analysis_is_not_acted_on),
	    T(a_plan_for_anything_else_never_reaches_a_spawn),
	    T(failures_of_a_dry_run_are_classed),
	    T(a_change_that_changes_nothing_is_a_failure),
	    T(no_inverse_is_no_undo),
	    T(a_status_that_moves_in_between_is_read_again),
	    T(a_spec_that_moves_in_between_is_a_conflict),
	    T(a_patch_that_does_not_fit_is_no_conflict),
	    T(executed_once_with_what_was_approved),
	    T(without_the_lock_nothing_is_sent),
	    T(outcomes),
	    T(one_child_per_target),
	    T(a_child_keeps_the_lock_when_the_engine_is_gone),
	    T(the_undo_gives_the_original_back),
	    T(an_undo_does_not_overwrite_what_others_did_since),
	    T(an_exception_is_created_and_disarmed),
	    T(an_exception_without_effect_is_a_failure),
	    T(the_record_survives_its_json),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
