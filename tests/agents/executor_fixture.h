/* For the tests of the executor, without a cluster: a small API server that tells what a test wants it to, and a spawner that stands in for kubectl,
 * writes down what it was given and does (or pretends to do) it. */
#ifndef NEUROSCALE_TESTS_EXECUTOR_FIXTURE_H
#define NEUROSCALE_TESTS_EXECUTOR_FIXTURE_H
#include <arpa/inet.h>
#include <microhttpd.h>
#include <unistd.h>
#include "../../src/agents/executor_priv.h"
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
static void plan_memory(void)
{
	plan = (ns_plan){.action = NS_ACT_PATCH_RESOURCES, .target = {"c", "shop", "Deployment", "web", "u-1"}, .generation = 4, .runbook_hash = "rb1",
	    .command = {.argv = do_web, .body = MEMORY("256Mi"), .json_patch = true}, .undo = {.argv = do_web, .body = MEMORY("128Mi"), .json_patch = true},
	    .undo_valid = true};
}

static char *exception_body, *disarm_body;
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

static void refused(ns_dryrun *d, ns_code code, const char *words)
{
	assert_false(d->ok);
	if (d->code != code || !strstr(d->error, words))
		fail_msg("%s: %s, wanted %s: %s", ns_code_lookup(d->code)->name, d->error, ns_code_lookup(code)->name, words);
	assert_string_equal(d->digest, "");
	assert_int_equal(kubectl.applied, 0);
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

#define T(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)
#endif
