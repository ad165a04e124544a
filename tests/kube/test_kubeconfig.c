/* kubeconfig: which files count, what wins, and that every broken one is named. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/test_certs.h"

#include "../../src/kube/kubeconfig_priv.h"
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

/* Every class of mistake names the file and the line where it stands. Lines: 1 apiVersion, 2 kind, 3 current-context, 4 contexts, 5 its entry prod. */
static void test_mistakes_have_a_line(void **state)
{
	ns_buf der = NS_BUF_INIT, no_cert = NS_BUF_INIT;
	static const char der_bytes[] = "0\x82\x01\x00\x02", broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
	ns_base64_encode(der_bytes, sizeof der_bytes - 1, &der);
	ns_base64_encode(broken, sizeof broken - 1, &no_cert);
	char with_der[512], with_broken[512];
	snprintf(with_der, sizeof with_der, SIMPLE("https://h\n    certificate-authority-data: %s", "{}"), ns_buf_str(&der));
	snprintf(with_broken, sizeof with_broken, SIMPLE("https://h\n    certificate-authority-data: %s", "{}"), ns_buf_str(&no_cert));
	const struct { const char *text; int line; ns_code code; const char *words; } rows[] = {
	    {"a: b\nc: [1, 2\n", 3, NS_E_INVALID, ""},
	    {"a: 1\n\ta: 2\n", 2, NS_E_INVALID, ""},
	    {"clusters:\n- name: a\n  name: b\n", 3, NS_E_INVALID, "the key occurs twice: name"},
	    {"a: &x {}\nb: *x\n", 2, NS_E_UNSUPPORTED, "aliases"},
	    {"apiVersion: v1\nkind: Pod\n", 2, NS_E_INVALID, "kind is Pod"},
	    {"kind: Config\nclusters: {}\n", 2, NS_E_INVALID, "clusters must be a list"},
	    {"kind: Config\nusers: seven\n", 2, NS_E_INVALID, "users must be a list"},
	    {"contexts:\n- name: x\n  context: {}\n- context: {}\n", 4, NS_E_INVALID, "entry 2 of contexts has no name"},
	    {"current-context: x\ncontexts:\n- name: x\n  context:\n    cluster: none\n    user: u\n", 5, NS_E_NOTFOUND, "context \"x\": cluster \"none\" does not exist"},
	    {"current-context: x\ncontexts:\n- name: x\n  context:\n    cluster: c\n    user: u\nclusters: [{name: c, cluster: {server: 'https://h'}}]\n", 6, NS_E_NOTFOUND,
	        "context \"x\": user \"u\" does not exist"},
	    {"current-context: x\ncontexts:\n- name: x\n  context: 7\n", 3, NS_E_INVALID, "has no \"context:\" map"},
	    {"current-context: x\ncontexts:\n- name: x\n  context: {cluster: [c]}\n", 4, NS_E_INVALID, "cluster must be a text"},
	    {SIMPLE("ftp://h", "{}"), 12, NS_E_INVALID, "server must begin with https://"},
	    {SIMPLE("https://h\n    insecure-skip-tls-verify: maybe", "{}"), 13, NS_E_INVALID, "must be true or false"},
	    {SIMPLE("https://h\n    certificate-authority-data: '***'", "{}"), 13, NS_E_INVALID, "is not base64"},
	    {with_der, 13, NS_E_INVALID, "it is no PEM, perhaps DER"},
	    {with_broken, 13, NS_E_INVALID, "holds no certificate that can be read"},
	    {SIMPLE("https://h\n    certificate-authority: /x\n    certificate-authority-data: YWJj", "{}"), 14, NS_E_INVALID, "both given"},
	    {SIMPLE("https://h\n    certificate-authority: /nonexistent/ca", "{}"), 13, NS_E_NOTFOUND, "/nonexistent/ca"},
	    {SIMPLE("https://h\n    certificate-authority: /", "{}"), 13, NS_E_INVALID, "is not a regular file"},
	    {SIMPLE("https://h\n    proxy-url: ftp://x", "{}"), 13, NS_E_INVALID, "proxy-url must begin with"},
	    {SIMPLE("https://h", "\n    token: a\n    username: b"), 15, NS_E_INVALID, "only one is allowed"},
	    {SIMPLE("https://h", "\n    client-certificate: /dev/null"), 16, NS_E_INVALID, "client-certificate"},
	    {SIMPLE("https://h", "\n    token:\n    - a"), 16, NS_E_INVALID, "token must be a text"},
	    {SIMPLE("https://h", "\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: x\n      args: one"), 19, NS_E_INVALID, "exec.args must be a list of texts"},
	    {SIMPLE("https://h", "\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: x\n      env: [A=b]"), 19, NS_E_INVALID, "must be a list of {name, value}"},
	    {SIMPLE("https://h", "\n    exec: yes please"), 16, NS_E_INVALID, "exec must be a map"},
	    {SIMPLE("https://h", "{}\n- name: u1\n  user: {token: other}"), 16, NS_E_INVALID, "user \"u1\" is defined a second time and differently (first in line 14)"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err err = {0};
		char at[300];
		const char *file = kc_write("lines", "%s", rows[i].text);
		ns_kubeconfig *k = ns_kubeconfig_load(file, NULL, &err);
		snprintf(at, sizeof at, "%s:%d:", file, rows[i].line);
		if (k || err.code != rows[i].code || strncmp(err.text, at, strlen(at)) != 0 || !strstr(err.text, rows[i].words))
			fail_msg("row %zu: want %s \"%s … %s\", got %s \"%s\"\n%s", i, ns_code_lookup(rows[i].code)->name, at, rows[i].words,
			    k ? "a configuration" : ns_code_lookup(err.code)->name, err.text, rows[i].text);
	}
	ns_buf_free(&der);
	ns_buf_free(&no_cert);
}

static void test_files_that_are_no_text(void **state)
{
	refuses(kc_dir, NULL, NS_E_INVALID, "is not a regular file");
	ns_buf b = NS_BUF_INIT;
	for (size_t i = 0; i < 10 << 20; i++)
		ns_buf_putc(&b, i % 80 ? 'a' : '\n');
	assert_true(ns_write_file_atomic(kc_path("big"), b.data, b.len, 0600, NULL));
	refuses(kc_path("big"), NULL, NS_E_TOOBIG, "/big");
	ns_buf_free(&b);
	static const char binary[] = "\x7f" "ELF\x02\x01\x01\0\0\0\0\0\x03\0>\0";
	assert_true(ns_write_file_atomic(kc_path("binary"), binary, sizeof binary, 0600, NULL));
	refuses(kc_path("binary"), NULL, NS_E_INVALID, "/binary:1");
	/* Nothing but white space or comments is nothing configured. */
	unsetenv("KUBERNETES_SERVICE_HOST");
	refuses(kc_write("empty", "%s", ""), NULL, NS_E_NOTFOUND, "nothing is configured in");
	refuses(kc_write("comment", "# later\n\n"), NULL, NS_E_NOTFOUND, "nothing is configured in");
	/* A list goes on behind what is missing, and stops at what is broken. */
	char list[512];
	snprintf(list, sizeof list, "%s:%s", kc_path("no-such"), kc_dir);
	setenv("KUBECONFIG", list, 1);
	refuses(NULL, NULL, NS_E_INVALID, "is not a regular file");
	unsetenv("KUBECONFIG");
}

static void test_the_same_entry_twice_is_one(void **state)
{
	ns_kubeconfig *k = must(kc_write("a", SIMPLE("https://h", "{token: t}\n- name: u1\n  user: {token: t}\n- {name: other, user: {token: 1}}\n- {name: other, user: {token: 2}}")), NULL);
	assert_string_equal(ns_secret_reveal(k->token), "t"); /* and what nobody refers to hurts nobody */
	ns_kubeconfig_free(k);
}

static void test_in_a_pod(void **state)
{
	ns_err err = {0};
	assert_true(ns_mkdirs(kc_path("sa"), 0700, NULL));
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_null(kc_in_cluster(kc_path("sa"), &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_non_null(strstr(err.text, "sa/ca.crt"));
	kc_write("sa/ca.crt", "%s", "no certificate");
	ns_err_clear(&err);
	assert_null(kc_in_cluster(kc_path("sa"), &err));
	assert_int_equal(err.code, NS_E_INVALID);
	kc_write("sa/ca.crt", "%s", ca_pem);
	kc_write("sa/namespace", "ops\n");
	kc_write("sa/token", "abc");
	ns_kubeconfig *k = kc_in_cluster(kc_path("sa"), &err);
	assert_non_null(k);
	assert_string_equal(k->server, "https://[fd00::1]:443");
	assert_string_equal(k->ns, "ops");
	assert_string_equal(k->token_file, kc_path("sa/token")); /* read, and read again, by whoever sends */
	assert_true(k->in_cluster && *k->ca_pem && !k->insecure);
	ns_kubeconfig_free(k);
	unsetenv("KUBERNETES_SERVICE_PORT");
	ns_err_clear(&err);
	assert_null(kc_in_cluster(kc_path("sa"), &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	unsetenv("KUBERNETES_SERVICE_HOST");
}

static void test_unreadable(void **state)
{
	const char *file = kc_write("locked", "a: 1\n");
	bool root = geteuid() == 0;
	chmod(file, 0);
	assert_false(root && seteuid(65534) != 0); /* root may read everything */
	refuses(file, NULL, NS_E_DENIED, "locked");
	setenv("KUBECONFIG", file, 1);
	refuses(NULL, NULL, NS_E_DENIED, "locked"); /* which is not the same as missing */
	unsetenv("KUBECONFIG");
	assert_false(root && seteuid(0) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_current_context), cmocka_unit_test(test_server_without_scheme_and_scalars_without_quotes), cmocka_unit_test(test_json_is_yaml),
	    cmocka_unit_test(test_merge_of_a_list), cmocka_unit_test(test_files_beside_the_file_that_names_them), cmocka_unit_test(test_data_forms),
	    cmocka_unit_test(test_exec_is_kept), cmocka_unit_test(test_impersonation), cmocka_unit_test(test_nothing_there),
	    cmocka_unit_test(test_unknown_context_names_the_nearest), cmocka_unit_test(test_malformed), cmocka_unit_test(test_mistakes_have_a_line),
	    cmocka_unit_test(test_files_that_are_no_text), cmocka_unit_test(test_the_same_entry_twice_is_one), cmocka_unit_test(test_in_a_pod),
	    cmocka_unit_test(test_unreadable),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
