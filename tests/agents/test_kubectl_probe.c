/* Every flag that the executor uses is known to the oldest and to the present kubectl, and one that lacks a flag is named with it. */
#include "support/test.h"
#include "support/tmpdir.h"

#include <sys/stat.h>
#include <unistd.h>

#include "../../src/agents/executor_priv.h"
#include "neuroscale/agents/kubectl.h"

static const char *const real[] = {"/var/tmp/k120/usr/bin/kubectl", "/usr/bin/kubectl"};

static void known_by(const char *path)
{
	ns_kubectl_info k;
	ns_err err = {0};
	if (access(path, X_OK) != 0)
		skip();
	if (!ns_kubectl_probe(path, NULL, 60000, NULL, &k, &err))
		fail_msg("%s", err.text);
	if (*k.unknown)
		fail_msg("%s %s does not know: %s", path, k.version, k.unknown);
	assert_int_equal(k.major, 1);
	assert_true(k.minor >= NS_KUBECTL_MINOR);
	assert_true(k.flags > 10);
}

static void test_kubectl_1_20_knows_every_flag(void **state)
{
	known_by(real[0]);
}

static void test_the_installed_kubectl_knows_every_flag(void **state)
{
	known_by(real[1]);
}

static void collect(void *ctx, const char *verb, const char *flag)
{
	ns_buf *b = ctx;
	ns_buf_printf(b, "%s %s\n", verb, flag);
}

static void test_flags_are_those_of_the_shapes(void **state)
{
	static const char *const want[] = {"patch --patch-file\n", "patch --type\n", "patch -o\n", "patch --kubeconfig\n",
	    "patch --dry-run\n", "create -f\n", "create --field-manager\n", "create --request-timeout\n"};
	ns_buf b = NS_BUF_INIT;
	ns_argv_each_flag(collect, &b);
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		if (!strstr(ns_buf_str(&b), want[i]))
			fail_msg("%s not in %s", want[i], ns_buf_str(&b));
	ns_buf_free(&b);
}

static const char *script(void **state, const char *text)
{
	const char *path = tmpdir_path(state, "kubectl");
	FILE *f = fopen(path, "w");
	assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, 0755) == 0);
	return path;
}

#define VERSION "version) echo '{\"clientVersion\":{\"major\":\"1\",\"minor\":\"19+\",\"gitVersion\":\"v1.19.4\"}}';;\n"

static void test_what_is_missing_is_named(void **state)
{
	ns_kubectl_info k;
	ns_err err = {0};
	const char *path = script(state,
	    "#!/bin/sh\ncase $1 in\n" VERSION "options) printf '  --kubeconfig=%s: x\\n  --context=y: x\\n  --cache-dir=y: x\\n      "
	                                      "--request-timeout=0: x\\n  -n, --namespace=: x\\n' a;;\n"
	    "patch) printf '  --type=x: --patch-file is new\\n  -o, --output=: x\\n  --dry-run=none: x\\n  --field-manager=k: x\\n';;\n"
	    "create) printf '  -f, --filename=[]: x\\n  -o, --output=: x\\n  --dry-run=none: x\\n  --field-manager=k: x\\n';;\nesac\n");
	if (!ns_kubectl_probe(path, NULL, 60000, NULL, &k, &err))
		fail_msg("%s", err.text);
	assert_string_equal(k.unknown, "patch --patch-file"); /* it stands in another flag's words only */
	assert_string_equal(k.version, "v1.19.4");
	assert_int_equal(k.minor, 19);
}

static void test_what_is_no_kubectl(void **state)
{
	static const struct {
		const char *text, *words;
		ns_code code;
	} rows[] = {{"#!/bin/sh\necho hello\n", "is no kubectl", NS_E_INVALID},
	    {"#!/bin/sh\necho broken >&2\nexit 3\n", "ended with status 3: broken", NS_E_FAILED},
	    {"#!/bin/sh\nexec sleep 600\n", "did not end within", NS_E_TIMEOUT}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_kubectl_info k;
		ns_err err = {0};
		assert_false(
		    ns_kubectl_probe(script(state, rows[i].text), NULL, rows[i].code == NS_E_TIMEOUT ? 300 : 60000, NULL, &k, &err));
		if (err.code != rows[i].code || !strstr(err.text, rows[i].words))
			fail_msg("%s: %s", rows[i].text, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kubectl_1_20_knows_every_flag),
	    cmocka_unit_test(test_the_installed_kubectl_knows_every_flag), cmocka_unit_test(test_flags_are_those_of_the_shapes),
	    cmocka_unit_test_setup_teardown(test_what_is_missing_is_named, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test_setup_teardown(test_what_is_no_kubectl, tmpdir_make, tmpdir_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
