/* TLS by default and in full: who the server is, who we are, and one clear sentence when either is not right. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/test_certs.h"

#include <curl/curl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <strings.h>

#include "neuroscale/kube/client.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/watch.h"
#include "neuroscale/sys/digest.h"

static struct MHD_Daemon *daemon_;
static int port;
static char seen_auth[512], seen_user[64], seen_host[64], seen_more[512];

static void keep(char *out, size_t cap, const char *value)
{
	snprintf(out, cap, "%s", value ? value : "");
}

/* Every Impersonate-* header but the user, as it comes. */
static enum MHD_Result keep_more(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	size_t n = strlen(seen_more);
	if (strncasecmp(key, "Impersonate-", 12) == 0 && strcasecmp(key, "Impersonate-User") != 0)
		snprintf(seen_more + n, sizeof seen_more - n, "%s=%s;", key + 12, value ? value : "");
	return MHD_YES;
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *n, void **ctx)
{
	static char body[] = "{\"metadata\":{\"uid\":\"u\"}}";
	keep(seen_auth, sizeof seen_auth, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"));
	keep(seen_user, sizeof seen_user, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Impersonate-User"));
	*seen_more = '\0';
	MHD_get_connection_values(c, MHD_HEADER_KIND, keep_more, NULL);
	keep(seen_host, sizeof seen_host, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host"));
	struct MHD_Response *r = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = MHD_queue_response(c, strcmp(url, "/refuse") == 0 || (strcmp(url, "/needs-new") == 0 && !strstr(seen_auth, "new")) ? 401 : 200, r);
	MHD_destroy_response(r);
	return rc;
}

static int setup(void **state)
{
	if (kc_setup(state) != 0)
		return -1;
	daemon_ = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer, NULL, MHD_OPTION_HTTPS_MEM_KEY, server_key,
	    MHD_OPTION_HTTPS_MEM_CERT, server_pem, MHD_OPTION_END);
	if (!daemon_)
		return -1;
	port = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
	kc_write("ca", "%s", ca_pem);
	kc_write("other-ca", "%s", other_ca_pem);
	kc_write("cert", "%s", server_pem);
	kc_write("key", "%s", server_key);
	return 0;
}

static int teardown(void **state)
{
	MHD_stop_daemon(daemon_);
	return kc_teardown(state);
}

static ns_kubeconfig *config(const char *cluster, const char *user)
{
	ns_err err = {0};
	const char *file = kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: prod-eu, user: u}\nclusters:\n- name: prod-eu\n  cluster: {server: 'https://127.0.0.1:%d', %s}\n"
	                                  "users:\n- name: u\n  user: {%s}\n", port, cluster, user);
	ns_kubeconfig *k = ns_kubeconfig_load(file, NULL, &err);
	if (!k)
		fail_msg("%s", err.text);
	return k;
}

static bool get(const ns_kubeconfig *k, const char *path, ns_err *err)
{
	ns_kube_client *c = ns_kube_client_new(k, NULL, NULL, err);
	assert_non_null(c);
	cJSON *j = ns_kube_get(c, path, err);
	bool ok = j != NULL;
	cJSON_Delete(j);
	ns_kube_client_free(c);
	return ok;
}

#define GOOD "certificate-authority: ca, tls-server-name: kube.test"

static void test_trusted_server(void **state)
{
	ns_err err = {0};
	ns_kubeconfig *k = config(GOOD, "token: abc");
	char host[64];
	if (!get(k, "/x", &err))
		fail_msg("%s", err.text);
	assert_string_equal(seen_auth, "Bearer abc");
	snprintf(host, sizeof host, "127.0.0.1:%d", port);
	assert_string_equal(seen_host, host);
	ns_kubeconfig_free(k);
}

static void test_servers_that_are_not_trusted(void **state)
{
	static const char *const clusters[] = {"certificate-authority: other-ca, tls-server-name: kube.test", "certificate-authority: ca", "tls-server-name: kube.test",
	    "certificate-authority: ca, tls-server-name: else.test"};
	for (size_t i = 0; i < sizeof clusters / sizeof *clusters; i++) {
		ns_err err = {0};
		char words[96];
		ns_kubeconfig *k = config(clusters[i], "token: abc");
		*seen_auth = '\0';
		assert_false(get(k, "/x", &err));
		snprintf(words, sizeof words, "the certificate of https://127.0.0.1:%d is not trusted", port);
		if (err.code != NS_E_UNREACHABLE || !strstr(err.text, words) || !strstr(err.text, "cluster \"prod-eu\"") || !strstr(err.text, kc_dir))
			fail_msg("%s: %s", clusters[i], err.text);
		assert_string_equal(seen_auth, ""); /* nothing was said to it */
		ns_kubeconfig_free(k);
	}
}

static void test_insecure_is_what_it_says(void **state)
{
	ns_err err = {0};
	ns_kubeconfig *k = config("insecure-skip-tls-verify: true", "username: me, password: pw");
	assert_true(get(k, "/x", &err));
	assert_string_equal(seen_auth, "Basic bWU6cHc=");
	ns_kubeconfig_free(k);
}

static void ignore(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
}

static void test_client_certificate_that_cannot_be_used(void **state)
{
	ns_err err = {0};
	kc_write("broken", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n");
	ns_kubeconfig *k = config(GOOD, "client-certificate: cert, client-key: broken");
	assert_false(get(k, "/x", &err));
	assert_int_equal(err.code, NS_E_INVALID);
	assert_non_null(strstr(err.text, "the client certificate or key"));
	/* It cannot heal: the watch says so and ends. */
	ns_watch_row row = {.name = "pods", .path = "/api/v1/pods", .query = "", .optional = false};
	ns_watch_opts o = {.cfg = k, .clock = ns_clock_real(), .rows = &row, .n_rows = 1, .on_event = ignore, .wake_fd = -1};
	ns_err_clear(&err);
	assert_false(ns_watch_run(&o, NULL, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	ns_kubeconfig_free(k);
	k = config(GOOD, "client-certificate: cert, client-key: key");
	ns_err_clear(&err);
	assert_true(get(k, "/x", &err));
	ns_kubeconfig_free(k);
}

static void test_impersonation_header(void **state)
{
	ns_err err = {0};
	ns_kubeconfig *k = config(GOOD, "token: abc, as: jane, as-uid: u-7, as-groups: [dev, 'ops team'], as-user-extra: {Reason/x: [a, b]}");
	assert_true(get(k, "/x", &err));
	assert_string_equal(seen_user, "jane");
	assert_string_equal(seen_more, "Uid=u-7;Group=dev;Group=ops team;Extra-Reason%2Fx=a;Extra-Reason%2Fx=b;");
	ns_kubeconfig_free(k);
	/* A line break would begin a header of its own: that header is not sent at all. */
	k = config(GOOD, "token: abc, as: jane, as-groups: [\"dev\\r\\nImpersonate-Group: system:masters\"]");
	assert_true(get(k, "/x", &err));
	assert_string_equal(seen_more, "");
	ns_kubeconfig_free(k);
}

static void test_token_file_is_read_again_after_a_refusal(void **state)
{
	ns_err err = {0};
	kc_write("token", "old\n");
	ns_kubeconfig *k = config(GOOD, "tokenFile: token");
	ns_kube_client *c = ns_kube_client_new(k, NULL, NULL, &err);
	cJSON *j = ns_kube_get(c, "/x", &err);
	assert_string_equal(seen_auth, "Bearer old");
	cJSON_Delete(j);
	kc_write("token", "  new \n");
	j = ns_kube_get(c, "/x", &err);
	assert_string_equal(seen_auth, "Bearer old"); /* not every request reads the file */
	cJSON_Delete(j);
	j = ns_kube_get(c, "/needs-new", &err);
	assert_non_null(j);
	assert_string_equal(seen_auth, "Bearer new");
	cJSON_Delete(j);
	unlink(kc_path("token"));
	assert_null(ns_kube_get(c, "/refuse", &err)); /* the last good token is kept */
	assert_int_equal(err.code, NS_E_DENIED);
	assert_string_equal(seen_auth, "Bearer new");
	ns_kube_client_free(c);
	ns_kubeconfig_free(k);
}

/* ---- credential plug-ins ---- */

#define EXEC(version, more) "exec: {apiVersion: client.authentication.k8s.io/" version ", command: ./plugin, interactiveMode: IfAvailable, provideClusterInfo: true, " more "}"

static void plugin(const char *script)
{
	chmod(kc_write("plugin", "#!/bin/sh\necho run >>%s\n%s\n", kc_path("runs"), script), 0755);
	unlink(kc_path("runs"));
}

static size_t runs(void)
{
	ns_buf b = NS_BUF_INIT;
	size_t n = ns_read_file(kc_path("runs"), 4096, &b, NULL) ? b.len / 4 : 0;
	ns_buf_free(&b);
	return n;
}

static void test_plugin_runs_once_until_refused(void **state)
{
	ns_err err = {0};
	plugin("case $KUBERNETES_EXEC_INFO in *'\"server\":\"https://127.0.0.1'*) ;; *) exit 9;; esac\n"
	       "n=$(wc -l <\"$(dirname \"$0\")/runs\")\n"
	       "[ \"$1\" = arg ] || exit 8\n[ \"$EXTRA\" = yes ] || exit 7\n[ \"$OF_THE_PARENT\" = yes ] || exit 6\n[ -z \"$DASHSCOPE_API_KEY\" ] || exit 5\n[ $n -gt 1 ] && t=new || t=old\n"
	       "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$t'\"}}'");
	setenv("OF_THE_PARENT", "yes", 1);
	setenv("DASHSCOPE_API_KEY", "sk-s3cret", 1); /* not for a plug-in */
	ns_kubeconfig *k = config(GOOD, EXEC("v1", "args: [arg], env: [{name: EXTRA, value: 'yes'}]"));
	if (!get(k, "/x", &err))
		fail_msg("%s", err.text);
	assert_string_equal(seen_auth, "Bearer old");
	assert_true(get(k, "/x", &err)); /* another client, the same process: no second run */
	assert_int_equal(runs(), 1);
	assert_true(get(k, "/needs-new", &err));
	assert_string_equal(seen_auth, "Bearer new");
	assert_int_equal(runs(), 2);
	ns_kubeconfig_free(k);
}

static void test_plugin_credential_expires(void **state)
{
	ns_err err = {0};
	plugin("echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}'");
	ns_kubeconfig *k = config(GOOD, EXEC("v1beta1", "args: [x]"));
	assert_true(get(k, "/x", &err));
	assert_true(get(k, "/x", &err));
	assert_int_equal(runs(), 2);
	ns_kubeconfig_free(k);
}

static void test_plugins_that_fail(void **state)
{
	static const struct { const char *script, *words; } rows[] = {
	    {"echo no >&2; exit 3", "failed with exit code 3: no"},
	    {"echo 'bad password=hunter2' >&2; exit 4", "exit code 4: bad password=[redacted:password]"},
	    {"echo hello", "output is not JSON"},
	    {"echo '{}'", "printed no ExecCredential"},
	    {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'", "returned client.authentication.k8s.io/v1beta1"},
	    {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\"}'", "did not return a status"},
	    {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "did not return a token"},
	    {"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientKeyData\":\"x\"}}'", "not both"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err err = {0};
		char args[32];
		snprintf(args, sizeof args, "args: [n%zu]", i); /* another plug-in each time, as far as the cache can tell */
		char user[512];
		snprintf(user, sizeof user, EXEC("v1", "%s"), args);
		plugin(rows[i].script);
		ns_kubeconfig *k = config(GOOD, user);
		if (get(k, "/x", &err) || !strstr(err.text, rows[i].words) || !strstr(err.text, "user \"u\""))
			fail_msg("%s: %s", rows[i].script, err.text);
		ns_kubeconfig_free(k);
	}
	ns_err err = {0};
	ns_kubeconfig *k = config(GOOD, "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin-here, interactiveMode: Never, installHint: get it at X}");
	assert_false(get(k, "/x", &err));
	assert_non_null(strstr(err.text, "no-such-plugin-here not found: get it at X"));
	ns_kubeconfig_free(k);
	ns_err_clear(&err);
	k = config(GOOD, "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Always}");
	assert_false(get(k, "/x", &err));
	assert_non_null(strstr(err.text, "wants a terminal"));
	ns_kubeconfig_free(k);
	k = config(GOOD, "token: given, exec: {apiVersion: client.authentication.k8s.io/v1, command: /nonexistent, interactiveMode: Always}");
	assert_true(get(k, "/x", &err)); /* a token given wins, the plug-in is not run */
	assert_string_equal(seen_auth, "Bearer given");
	ns_kubeconfig_free(k);
}

/* ---- a plug-in that hangs, prints without an end, is told what it wants to know ---- */

static void *get_in_a_thread(void *k)
{
	ns_err err = {0};
	return get(k, "/x", &err) ? k : NULL;
}

static bool ran(int n)
{
	for (int i = 0; i < 5000 && runs() < (size_t)n; i++)
		usleep(1000);
	return runs() >= (size_t)n;
}

typedef struct waiter { const ns_kubeconfig *k; ns_cancel *cancel; ns_err err; } waiter;

static void *wait_for_it(void *arg)
{
	waiter *w = arg;
	ns_kube_client *c = ns_kube_client_new(w->k, NULL, w->cancel, &w->err);
	cJSON_Delete(ns_kube_get(c, "/x", &w->err));
	ns_kube_client_free(c);
	return NULL;
}

/* Neither who runs it nor who waits for that run is held longer than his own cancel. */
static void test_plugin_that_hangs_is_cancelled_at_once(void **state)
{
	plugin("exec sleep 600");
	ns_kubeconfig *k = config(GOOD, EXEC("v1", "args: [hang]"));
	waiter w[2] = {{.k = k, .cancel = ns_cancel_new()}, {.k = k, .cancel = ns_cancel_new()}};
	pthread_t t[2];
	pthread_create(&t[0], NULL, wait_for_it, &w[0]);
	assert_true(ran(1));
	pthread_create(&t[1], NULL, wait_for_it, &w[1]);
	int64_t before = ns_real_mono_ms();
	ns_cancel_fire(w[1].cancel);
	pthread_join(t[1], NULL);
	ns_cancel_fire(w[0].cancel);
	pthread_join(t[0], NULL);
	assert_true(ns_real_mono_ms() - before < 10000);
	assert_int_equal(runs(), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(w[i].err.code, NS_E_CANCELLED);
		ns_cancel_free(w[i].cancel);
	}
	ns_kubeconfig_free(k);
}

typedef struct lively { ns_cancel *cancel; ns_wake *wake; int ticks; bool down; char why[512]; } lively;

static void on_lively(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	lively *l = ctx;
	if (type == NS_WATCH_DOWN) {
		l->down = true;
		snprintf(l->why, sizeof l->why, "%s", why->text);
	}
}

static void on_lively_tick(void *ctx, int64_t *next)
{
	lively *l = ctx;
	*next = ns_clock_mono_ms(ns_clock_real()) + 20;
	if (++l->ticks > 5 && l->down)
		ns_cancel_fire(l->cancel);
}

/* The watch's own thread goes on: its owner gets its ticks, is told why nothing comes, and the end is no later for it. */
static void test_plugin_that_hangs_does_not_stop_the_watch(void **state)
{
	plugin("exec sleep 600");
	ns_kubeconfig *k = config(GOOD, EXEC("v1", "args: [watch-hang]"));
	lively l = {.cancel = ns_cancel_new()};
	ns_watch_row rows[] = {{.name = "pods", .path = "/api/v1/pods", .query = ""}, {.name = "nodes", .path = "/api/v1/nodes", .query = ""}};
	ns_watch_opts o = {.cfg = k, .clock = ns_clock_real(), .rows = rows, .n_rows = 2, .on_event = on_lively, .on_tick = on_lively_tick, .wake_fd = -1, .ctx = &l};
	int64_t before = ns_real_mono_ms();
	assert_true(ns_watch_run(&o, l.cancel, NULL));
	assert_true(ns_real_mono_ms() - before < 20000);
	assert_true(l.ticks > 20); /* in the two seconds before the word */
	assert_non_null(strstr(l.why, ": the credential plug-in has not answered for 2 s"));
	assert_int_equal(runs(), 1); /* for both rows */
	ns_cancel_free(l.cancel);
	ns_kubeconfig_free(k);
}

static void test_one_run_serves_all_threads(void **state)
{
	plugin("sleep 0.3; echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'");
	ns_kubeconfig *k = config(GOOD, EXEC("v1", "args: [many]"));
	pthread_t t[8];
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, get_in_a_thread, k);
	for (int i = 0; i < 8; i++) {
		void *ok;
		pthread_join(t[i], &ok);
		assert_non_null(ok);
	}
	assert_int_equal(runs(), 1);
	ns_kubeconfig_free(k);
}

static void test_plugin_that_prints_megabytes(void **state)
{
	ns_err err = {0};
	plugin("yes '{' | head -c 20000000; yes no | head -c 5000000 >&2");
	ns_kubeconfig *k = config(GOOD, EXEC("v1", "args: [much]"));
	assert_false(get(k, "/x", &err));
	assert_non_null(strstr(err.text, "output is not JSON"));
	ns_kubeconfig_free(k);
}

static void test_plugin_is_told_of_its_cluster(void **state)
{
	ns_err err = {0};
	plugin("printf %s \"$KUBERNETES_EXEC_INFO\" >\"$(dirname \"$0\")/info\"; exit 3");
	ns_kubeconfig *k = config(GOOD ", disable-compression: true, extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: a1, n: 7}}]", EXEC("v1", "args: [told]"));
	assert_false(get(k, "/x", &err));
	ns_buf b = NS_BUF_INIT;
	assert_true(ns_read_file(kc_path("info"), 1 << 16, &b, NULL));
	cJSON *j = ns_json_parse(b.data, b.len, &ns_json_strict, NULL);
	assert_string_equal(ns_json_str(j, "apiVersion", ""), "client.authentication.k8s.io/v1");
	assert_false(ns_json_bool_or(j, "spec.interactive", true));
	assert_string_equal(ns_json_str(j, "spec.cluster.tls-server-name", ""), "kube.test");
	assert_true(ns_json_bool_or(j, "spec.cluster.disable-compression", false));
	assert_string_equal(ns_json_str(j, "spec.cluster.config.audience", ""), "a1");
	assert_true(*ns_json_str(j, "spec.cluster.certificate-authority-data", "") != '\0');
	cJSON_Delete(j);
	ns_buf_free(&b);
	/* The copy for kubectl tells it the same. */
	assert_true(ns_kubeconfig_write_private(k, kc_path("copy"), NULL));
	ns_kubeconfig *copy = ns_kubeconfig_load(kc_path("copy"), NULL, &err);
	assert_non_null(copy);
	assert_string_equal(copy->exec_config, k->exec_config);
	assert_true(copy->disable_compression);
	ns_kubeconfig_free(copy);
	ns_kubeconfig_free(k);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trusted_server), cmocka_unit_test(test_servers_that_are_not_trusted), cmocka_unit_test(test_insecure_is_what_it_says),
	    cmocka_unit_test(test_client_certificate_that_cannot_be_used), cmocka_unit_test(test_impersonation_header),
	    cmocka_unit_test(test_token_file_is_read_again_after_a_refusal), cmocka_unit_test(test_plugin_runs_once_until_refused),
	    cmocka_unit_test(test_plugin_credential_expires), cmocka_unit_test(test_plugins_that_fail),
	    cmocka_unit_test(test_plugin_that_hangs_is_cancelled_at_once), cmocka_unit_test(test_plugin_that_hangs_does_not_stop_the_watch),
	    cmocka_unit_test(test_one_run_serves_all_threads), cmocka_unit_test(test_plugin_that_prints_megabytes), cmocka_unit_test(test_plugin_is_told_of_its_cluster),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
