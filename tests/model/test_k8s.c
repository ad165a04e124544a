/* Names, quantities, image references. */
#include "support/test.h"

#include "neuroscale/model/k8s.h"

static char *repeat(char c, size_t n)
{
	char *s = malloc(n + 1);
	memset(s, c, n);
	s[n] = '\0';
	return s;
}

static void labels_and_subdomains(void **state)
{
	static const struct {
		const char *s;
		bool label, subdomain;
	} rows[] = {{"web", true, true}, {"a", true, true}, {"0", true, true}, {"a-b", true, true}, {"a.b", false, true},
	    {"", false, false}, {"-a", false, false}, {"a-", false, false}, {"-A", false, false}, {"A", false, false},
	    {"a_b", false, false}, {"a..b", false, false}, {".a", false, false}, {"a.", false, false}, {"a.-b", false, false},
	    {"a b", false, false}, {"a/b", false, false}, {"api$(reboot)", false, false}, {"a\nb", false, false},
	    {"\xc3\xa4", false, false}, {"--all", false, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(ns_k8s_label_ok(rows[i].s), rows[i].label);
		assert_int_equal(ns_k8s_subdomain_ok(rows[i].s), rows[i].subdomain);
	}
	assert_false(ns_k8s_label_ok(NULL));
	assert_false(ns_k8s_subdomain_ok(NULL));
	for (size_t n = 62; n <= 65; n++) {
		char *s = repeat('a', n);
		assert_int_equal(ns_k8s_label_ok(s), n <= 63);
		free(s);
	}
	for (size_t n = 252; n <= 255; n++) {
		char *s = repeat('a', n);
		assert_int_equal(ns_k8s_subdomain_ok(s), n <= 253);
		free(s);
	}
}

static void uids(void **state)
{
	assert_true(ns_k8s_uid_ok("8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60"));
	assert_true(ns_k8s_uid_ok("A1"));
	assert_false(ns_k8s_uid_ok(""));
	assert_false(ns_k8s_uid_ok("-a"));
	assert_false(ns_k8s_uid_ok("a b"));
	assert_false(ns_k8s_uid_ok("a;b"));
	assert_false(ns_k8s_uid_ok(NULL));
	char *s = repeat('a', 65);
	assert_false(ns_k8s_uid_ok(s));
	s[64] = '\0';
	assert_true(ns_k8s_uid_ok(s));
	free(s);
}

static void protected_namespaces(void **state)
{
	static const char *const extra[] = {"monitoring", NULL};
	assert_true(ns_namespace_protected("kube-system", NULL));
	assert_true(ns_namespace_protected("kube-public", extra));
	assert_true(ns_namespace_protected("kube-node-lease", extra));
	assert_true(ns_namespace_protected("monitoring", extra));
	assert_false(ns_namespace_protected("monitoring", NULL));
	assert_false(ns_namespace_protected("kube-systems", extra));
	assert_false(ns_namespace_protected("default", extra));
}

static void quantities(void **state)
{
	static const struct {
		const char *s;
		int64_t milli, bytes;
	} rows[] = {
	    {"0", 0, 0},
	    {"1", 1000, 1},
	    {"250m", 250, 1},
	    {"0.1", 100, 1},
	    {".5", 500, 1},
	    {"3.", 3000, 3},
	    {"128Mi", 134217728000, 134217728},
	    {"1Ki", 1024000, 1024},
	    {"1.5Gi", 1610612736000, 1610612736},
	    {"1G", 1000000000000, 1000000000},
	    {"1k", 1000000, 1000},
	    {"1e3", 1000000, 1000},
	    {"1E3", 1000000, 1000},
	    {"1e+3", 1000000, 1000},
	    {"15e-1", 1500, 2},
	    {"1E", INT64_MAX, 1000000000000000000},
	    {"1Ei", INT64_MAX, 1152921504606846976},
	    {"7Ei", INT64_MAX, 8070450532247928832},
	    {"8Ei", INT64_MAX, INT64_MAX},
	    {"100n", 1, 1},
	    {"1u", 1, 1},
	    {"0n", 0, 0},
	    {"-1", -1000, -1},
	    {"-100m", -100, -1},
	    {"+2", 2000, 2},
	    {"0.0001", 1, 1},
	    {"1e-1000", 1, 1},
	    {"1e1000000", INT64_MAX, INT64_MAX},
	    {"0e1000000", 0, 0},
	    {"00012", 12000, 12},
	    {"123456789012345678901234567890", INT64_MAX, INT64_MAX},
	    {"0.000000000000000000000000000001", 1, 1},
	    {"1.0000000000000000000000001", 1001, 2},
	    {"1.0000000000000000000000000", 1000, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t milli = -7, bytes = -7;
		assert_true(ns_quantity_milli(rows[i].s, &milli));
		assert_true(ns_quantity_bytes(rows[i].s, &bytes));
		if (milli != rows[i].milli || bytes != rows[i].bytes)
			fail_msg("%s is %lld milli and %lld bytes", rows[i].s, (long long)milli, (long long)bytes);
	}
}

static void malformed_quantities(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "Mi", "1mi", "1MI", "1K", "1kB", "1.2.3", ".", "-", "+", "--1", "1e", "1e+",
	    "1e1.5", "1e3Mi", "0x10", "1,5", "1Mi5", "NaN", "inf", "1KiB", "e3"};
	int64_t v = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (ns_quantity_milli(bad[i], &v) || ns_quantity_bytes(bad[i], &v))
			fail_msg("accepted \"%s\"", bad[i]);
	}
	assert_false(ns_quantity_bytes(NULL, &v));
	assert_int_equal(v, 42);
}

static void bytes_format_exactly(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} rows[] = {{0, "0"}, {1, "1"}, {1023, "1023"}, {1024, "1Ki"}, {1536, "1536"}, {402653184, "384Mi"}, {1610612736, "1536Mi"},
	    {1LL << 30, "1Gi"}, {1LL << 60, "1Ei"}, {INT64_MAX, "9223372036854775807"}, {-1024, "-1Ki"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[32];
		int64_t back;
		ns_quantity_format_bytes(rows[i].bytes, out);
		assert_string_equal(out, rows[i].text);
		assert_true(ns_quantity_bytes(out, &back));
		assert_true(back == rows[i].bytes);
	}
}

static void image_references(void **state)
{
	static const char *const good[] = {"nginx", "nginx:1.25", "library/nginx", "a/b/c", "localhost/x", "localhost:5000/x:y",
	    "my.reg:80/x", "gcr.io/proj-1/img_2.x", "x__y", "x---y", "Foo/bar", "REG.io/x", "[::1]:5000/x", "[fd00::1]/x", "x:_tag",
	    "x:V1.0-rc_1", "x@sha256:0ca62d24c10ebbe7b13c9ca1a2c9a0b00fba4bfff06ec37042e6245e203c1f66",
	    "r.io/x:t@sha256:0ca62d24c10ebbe7b13c9ca1a2c9a0b0", "x@sha256+b64.v1:0123456789abcdef0123456789ABCDEF", "1x", "localhost:5000"};
	static const char *const bad[] = {"", "Foo:bar", "a b", "x:", ":tag", "/x", "x/", "x//y", "x:a:b/c:", "-x", "x-", "x___y", "x._y",
	    "x..y", "x/Y", "x@", "x@sha256", "x@sha256:abc", "x@sha256:zzzz2d24c10ebbe7b13c9ca1a2c9a0b0",
	    "x@@sha256:0ca62d24c10ebbe7b13c9ca1a2c9a0b0", "x:.t", "x:-t", "http://x/y", "x\ny", "$(reboot)", "a/b:80/c",
	    "x@:0ca62d24c10ebbe7b13c9ca1a2c9a0b0", "[::1/x", "[]/x", "a_b.c:80/x", "x@sha256:0ca62d24c10ebbe7b13c9ca1a2c9a0b0 "};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!ns_image_ref_ok(good[i]))
			fail_msg("refused \"%s\"", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (ns_image_ref_ok(bad[i]))
			fail_msg("accepted \"%s\"", bad[i]);
	assert_false(ns_image_ref_ok(NULL));
	char *s = repeat('a', 256);
	assert_false(ns_image_ref_ok(s));
	s[255] = '\0';
	assert_true(ns_image_ref_ok(s));
	free(s);
	char tag[140] = "x:";
	memset(tag + 2, 't', 129);
	assert_false(ns_image_ref_ok(tag));
	tag[130] = '\0';
	assert_true(ns_image_ref_ok(tag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(labels_and_subdomains),
	    cmocka_unit_test(uids),
	    cmocka_unit_test(protected_namespaces),
	    cmocka_unit_test(quantities),
	    cmocka_unit_test(malformed_quantities),
	    cmocka_unit_test(bytes_format_exactly),
	    cmocka_unit_test(image_references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
