/* kubeconfig: which files count, what wins, and that every broken one is named. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/test_certs.h"

#include "neuroscale/kube/kubeconfig.h"
#include "neuroscale/model/json.h"
#include "neuroscale/sys/digest.h"

static ns_kubeconfig *must(const char *path, const char *context)
{
	ns_err err = {0};
	ns_kubeconfig *k = ns_kubeconfig_load(path, context, &err);
	if (!k)
		fail_msg("%s", err.text);
	return k;
}

static void refuses(const char *path, const char *context, ns_code code, const char *words)
{
	ns_err err = {0};
	ns_kubeconfig *k = ns_kubeconfig_load(path, context, &err);
	if (k || err.code != code || !strstr(err.text, words))
		fail_msg("want %s \"%s\", got %s \"%s\"", ns_code_lookup(code)->name, words, k ? "a configuration" : ns_code_lookup(err.code)->name, err.text);
}

#define SIMPLE(server, user) \
	"apiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts:\n- name: prod\n  context: {cluster: c1, user: u1, namespace: shop}\n" \
	"- name: staging\n  context: {cluster: c1, user: u1}\nclusters:\n- name: c1\n  cluster:\n    server: " server "\nusers:\n- name: u1\n  user: " user "\n"

static void test_current_context(void **state)
{
	ns_kubeconfig *k = must(kc_write("a", SIMPLE("https://api.example.com:6443/k8s/c-1/?x=1#y", "{token: abc}")), NULL);
	assert_string_equal(k->context, "prod");
	assert_string_equal(k->ns, "shop");
	assert_string_equal(k->server, "https://api.example.com:6443/k8s/c-1");
	assert_string_equal(ns_secret_reveal(k->token), "abc");
	assert_string_equal(k->file, kc_path("a"));
	ns_kubeconfig_free(k);
	k = must(kc_path("a"), "staging");
	assert_string_equal(k->ns, "default");
	ns_kubeconfig_free(k);
}

static void test_server_without_scheme_and_scalars_without_quotes(void **state)
{
	ns_kubeconfig *k = must(kc_write("a", SIMPLE("10.0.0.1:8080", "{username: 4711, password: true}")), NULL);
	assert_string_equal(k->server, "http://10.0.0.1:8080");
	assert_string_equal(k->username, "4711");
	assert_string_equal(ns_secret_reveal(k->password), "true");
	ns_kubeconfig_free(k);
}

static void test_json_is_yaml(void **state)
{
	ns_kubeconfig *k = must(kc_write("a", "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],"
	                                      "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://[::1]:6443\"}}]}"), NULL);
	assert_string_equal(k->server, "https://[::1]:6443");
	ns_kubeconfig_free(k);
}

static void test_merge_of_a_list(void **state)
{
	char list[512];
	kc_write("one", "contexts:\n- name: dev\n  context: {cluster: shared, user: one}\nusers:\n- name: one\n  user: {token: first}\n");
	kc_write("two", "current-context: dev\nclusters:\n- name: shared\n  cluster: {server: https://two}\nusers:\n- name: one\n  user: {token: second}\n"
	                "contexts:\n- name: dev\n  context: {cluster: other, user: other}\n");
	kc_write("empty", "%s", "");
	snprintf(list, sizeof list, "%s:%s::%s:%s:%s", kc_path("one"), kc_path("missing"), kc_path("empty"), kc_path("two"), kc_path("one"));
	setenv("KUBECONFIG", list, 1);
	ns_kubeconfig *k = must(NULL, NULL);
	assert_string_equal(k->context, "dev"); /* set by the second file, defined in the first */
	assert_string_equal(k->server, "https://two");
	assert_string_equal(ns_secret_reveal(k->token), "first");
	ns_kubeconfig_free(k);
	unsetenv("KUBECONFIG");
}

static void test_files_beside_the_file_that_names_them(void **state)
{
	assert_true(ns_mkdirs(kc_path("sub"), 0700, NULL));
	kc_write("sub/ca.crt", "%s", ca_pem);
	kc_write("sub/cert", "%s", server_pem);
	kc_write("sub/key", "%s", server_key);
	const char *file = kc_write("sub/config",
	    "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: https://h, "
	    "certificate-authority: ca.crt, tls-server-name: kube.test, proxy-url: socks5://p:1}\nusers:\n- name: u\n  user:\n    client-certificate: ./cert\n    client-key: %s\n    tokenFile: token\n",
	    kc_path("sub/key"));
	ns_kubeconfig *k = must(file, NULL);
	assert_string_equal(k->ca_pem, ca_pem);
	assert_string_equal(k->client_cert_pem, server_pem);
	assert_string_equal(ns_secret_reveal(k->client_key_pem), server_key);
	assert_string_equal(k->tls_server_name, "kube.test");
	assert_string_equal(k->token_file, kc_path("sub/token"));
	/* The private copy stands alone, is for us only, and says the same. */
	const char *copy = kc_path("private");
	struct stat st;
	assert_true(ns_kubeconfig_write_private(k, copy, NULL));
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(kc_path("sub/ca.crt"));
	ns_kubeconfig *again = must(copy, NULL);
	assert_string_equal(again->ca_pem, ca_pem);
	assert_string_equal(ns_secret_reveal(again->client_key_pem), server_key);
	assert_string_equal(again->server, k->server);
	assert_string_equal(again->token_file, k->token_file);
	assert_string_equal(again->proxy_url, "socks5://p:1");
	assert_string_equal(again->context, "x");
	ns_kubeconfig_free(again);
	ns_kubeconfig_free(k);
}

static void test_data_forms(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_base64_encode(ca_pem, strlen(ca_pem), &b);
	const char *file = kc_write("a",
	    "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: https://h, "
	    "certificate-authority-data: %s}\nusers:\n- name: u\n  user: {}\n",
	    ns_buf_str(&b));
	ns_kubeconfig *k = must(file, NULL);
	assert_string_equal(k->ca_pem, ca_pem);
	ns_kubeconfig_free(k);
	ns_buf_free(&b);
}

static void test_exec_is_kept(void **state)
{
	const char *file = kc_write("a", SIMPLE("https://h", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, args: [a, b], interactiveMode: Never}}"));
	ns_kubeconfig *k = must(file, NULL);
	cJSON *e = ns_json_parse(k->exec_json, strlen(k->exec_json), &ns_json_strict, NULL);
	char want[256];
	snprintf(want, sizeof want, "%s/./login", kc_dir);
	assert_string_equal(ns_json_str(e, "command", ""), want);
	cJSON_Delete(e);
	assert_true(ns_kubeconfig_write_private(k, kc_path("p"), NULL));
	ns_kubeconfig *again = must(kc_path("p"), NULL);
	assert_string_equal(again->exec_json, k->exec_json);
	ns_kubeconfig_free(again);
	ns_kubeconfig_free(k);
}

static void test_impersonation(void **state)
{
	ns_kubeconfig *k = must(kc_write("a", SIMPLE("https://h", "{token: t, as: jane, as-groups: [g1, g2]}")), NULL);
	assert_string_equal(k->as_json, "{\"as\":\"jane\",\"as-groups\":[\"g1\",\"g2\"]}");
	assert_true(ns_kubeconfig_write_private(k, kc_path("p"), NULL));
	ns_kubeconfig *again = must(kc_path("p"), NULL);
	assert_string_equal(again->as_json, k->as_json);
	ns_kubeconfig_free(again);
	ns_kubeconfig_free(k);
}

/* ---- what is refused, and in which words ---- */

static void test_nothing_there(void **state)
{
	setenv("HOME", kc_dir, 1);
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	refuses(NULL, NULL, NS_E_NOTFOUND, ".kube/config; give --kubeconfig FILE");
	setenv("KUBECONFIG", "/nonexistent/a:/nonexistent/b", 1);
	refuses(NULL, NULL, NS_E_NOTFOUND, "/nonexistent/a:/nonexistent/b (from KUBECONFIG)");
	unsetenv("KUBECONFIG");
	refuses("/nonexistent/a", NULL, NS_E_NOTFOUND, "kubeconfig /nonexistent/a does not exist");
}

static void test_unknown_context_names_the_nearest(void **state)
{
	const char *file = kc_write("a", SIMPLE("https://h", "{}"));
	refuses(file, "prd", NS_E_NOTFOUND, "did you mean \"prod\"?");
	refuses(file, "elsewhere-entirely", NS_E_NOTFOUND, "(there are: prod, staging)");
	refuses(kc_write("b", "contexts:\n- name: only\n  context: {cluster: c}\n"), NULL, NS_E_NOTFOUND, "sets no current-context: give --context NAME (there are: only)");
}

static void test_malformed(void **state)
{
	static const struct { const char *text; ns_code code; const char *words; } rows[] = {
	    {"clusters:\n  - name: a\n    cluster: [\n", NS_E_INVALID, "/bad:"},
	    {"a: 1\na: 2\n", NS_E_INVALID, "/bad:2"},
	    {"just a text", NS_E_INVALID, "not a kubeconfig"},
	    {"kind: Pod\n", NS_E_INVALID, "kind is Pod"},
	    {"clusters: {}\n", NS_E_INVALID, "clusters must be a list"},
	    {"contexts:\n- context: {}\n", NS_E_INVALID, "entry 1 of contexts has no name"},
	    {SIMPLE("ftp://h", "{}"), NS_E_INVALID, "cluster \"c1\": server must begin with https://"},
	    {SIMPLE("\"\"", "{}"), NS_E_INVALID, "cluster \"c1\": has no server"},
	    {SIMPLE("https://u:p@h", "{}"), NS_E_INVALID, "server is no URL"},
	    {SIMPLE("https://h\n    certificate-authority-data: '***'", "{}"), NS_E_INVALID, "cluster \"c1\": certificate-authority-data is not base64"},
	    {SIMPLE("https://h\n    certificate-authority-data: YWJj", "{}"), NS_E_INVALID, "holds no PEM"},
	    {SIMPLE("https://h\n    certificate-authority: /nonexistent/ca", "{}"), NS_E_NOTFOUND, "cluster \"c1\": certificate-authority: "},
	    {SIMPLE("https://h\n    certificate-authority: /x\n    certificate-authority-data: YWJj", "{}"), NS_E_INVALID, "both given"},
	    {SIMPLE("https://h\n    insecure-skip-tls-verify: maybe", "{}"), NS_E_INVALID, "must be true or false"},
	    {SIMPLE("https://h\n    proxy-url: ftp://x", "{}"), NS_E_INVALID, "proxy-url must begin with"},
	    {SIMPLE("https://h", "{token: a, username: b}"), NS_E_INVALID, "only one is allowed"},
	    {SIMPLE("https://h", "{token: [a]}"), NS_E_INVALID, "user \"u1\": token must be a text"},
	    {SIMPLE("https://h", "{as-groups: [x]}"), NS_E_INVALID, "without impersonating a user"},
	    {SIMPLE("https://h", "{auth-provider: {name: gcp}}"), NS_E_UNSUPPORTED, "use the vendor's exec plug-in"},
	    {SIMPLE("https://h", "{exec: {command: x}}"), NS_E_INVALID, "has no apiVersion"},
	    {SIMPLE("https://h", "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x}}"), NS_E_INVALID, "has no interactiveMode"},
	    {SIMPLE("https://h", "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}"), NS_E_UNSUPPORTED, "v1 or v1beta1"},
	    {"current-context: x\ncontexts:\n- name: x\n  context: {cluster: none, user: u}\n", NS_E_NOTFOUND, "context \"x\": cluster \"none\" does not exist"},
	    {"current-context: x\ncontexts:\n- name: x\n  context: {user: u}\n", NS_E_INVALID, "names no cluster"},
	    {"current-context: x\ncontexts:\n- name: x\n", NS_E_INVALID, "has no \"context:\" map"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		refuses(kc_write("bad", "%s", rows[i].text), NULL, rows[i].code, rows[i].words);
}

static void test_unreadable(void **state)
{
	if (geteuid() == 0)
		skip(); /* root may read everything */
	const char *file = kc_write("locked", "a: 1\n");
	chmod(file, 0);
	refuses(file, NULL, NS_E_DENIED, "locked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_current_context), cmocka_unit_test(test_server_without_scheme_and_scalars_without_quotes), cmocka_unit_test(test_json_is_yaml),
	    cmocka_unit_test(test_merge_of_a_list), cmocka_unit_test(test_files_beside_the_file_that_names_them), cmocka_unit_test(test_data_forms),
	    cmocka_unit_test(test_exec_is_kept), cmocka_unit_test(test_impersonation), cmocka_unit_test(test_nothing_there),
	    cmocka_unit_test(test_unknown_context_names_the_nearest), cmocka_unit_test(test_malformed), cmocka_unit_test(test_unreadable),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
