/* The strict YAML reader. */
#include "support/test.h"

#include "neuroscale/model/yaml.h"

static void assert_reads(const char *yaml, const char *json)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(yaml, strlen(yaml), "t.yaml", 0, 0, &err);
	if (!j)
		fail_msg("%s: %s", yaml, err.text);
	char *text = ns_json_text(j);
	assert_string_equal(text, json);
	free(text);
	cJSON_Delete(j);
}

static void assert_refused(const char *yaml, ns_code code, const char *where)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(yaml, strlen(yaml), "t.yaml", 0, 0, &err);
	if (j)
		fail_msg("accepted: %s", yaml);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, where))
		fail_msg("%s: \"%s\" does not say \"%s\"", yaml, err.text, where);
	assert_null(ns_yaml_parse(yaml, strlen(yaml), "t.yaml", 0, 0, NULL));
}

static void the_core_schema(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
	    {"~", "null"},
	    {"null", "null"},
	    {"NULL", "null"},
	    {"nULL", "\"nULL\""},
	    {"true", "true"},
	    {"False", "false"},
	    {"tRue", "\"tRue\""},
	    {"yes", "\"yes\""},
	    {"on", "\"on\""},
	    {"y", "\"y\""},
	    {"0", "0"},
	    {"-7", "-7"},
	    {"+7", "7"},
	    {"007", "7"},
	    {"0x1F", "31"},
	    {"0o17", "15"},
	    {"0x", "\"0x\""},
	    {"0xG", "\"0xG\""},
	    {"0b1", "\"0b1\""},
	    {"1_000", "\"1_000\""},
	    {"1.5", "1.5"},
	    {".5", "0.5"},
	    {"1.", "1"},
	    {".", "\".\""},
	    {"-", "[null]"},
	    {"1e3", "1000"},
	    {"1e", "\"1e\""},
	    {"1.2.3", "\"1.2.3\""},
	    {"12:30", "\"12:30\""},
	    {"2026-11-23", "\"2026-11-23\""},
	    {"128Mi", "\"128Mi\""},
	    {"9007199254740993", "9007199254740993"},
	    {"-9223372036854775808", "-9223372036854775808"},
	    {"+00009007199254740993", "9007199254740993"},
	    {"\"8080\"", "\"8080\""},
	    {"'true'", "\"true\""},
	    {"!!str 8080", "\"8080\""},
	    {"! 8080", "\"8080\""},
	    {"", "null"},
	    {"# only a comment\n", "null"},
	    {"---\n", "null"},
	    {"\xEF\xBB\xBF"
	     "a: 1",
	        "{\"a\":1}"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_reads(rows[i].yaml, rows[i].json);
}

static void structures(void **state)
{
	assert_reads("a: 1\nb:\n  - x\n  - {y: [2, 3]}\nc:\n", "{\"a\":1,\"b\":[\"x\",{\"y\":[2,3]}],\"c\":null}");
	assert_reads("t: |\n  line 1\n  line 2\nf: >-\n  folded\n  text\n", "{\"t\":\"line 1\\nline 2\\n\",\"f\":\"folded text\"}");
	assert_reads("{\"json\": [1, null, \"x\"], \"is\": {\"valid\": true}}", "{\"json\":[1,null,\"x\"],\"is\":{\"valid\":true}}");
	assert_reads("1: one\ntrue: yes\n~: none\n", "{\"1\":\"one\",\"true\":\"yes\",\"~\":\"none\"}");
	assert_reads("[]", "[]");
	assert_reads("{}", "{}");
	assert_reads("a: &x 1\nb: 2\n", "{\"a\":1,\"b\":2}"); /* an anchor without an alias says nothing */
	assert_reads("<<: {a: 1}\n", "{\"<<\":{\"a\":1}}");   /* no merging in 1.2 */
}

static void refusals_say_where(void **state)
{
	assert_refused("a: 1\nb: 2\na: 3\n", NS_E_INVALID, "t.yaml:3:1: ");
	assert_refused("x:\n  k: 1\n  \"k\": 2\n", NS_E_INVALID, "t.yaml:3:3: ");
	assert_refused("a: &x 1\nb: *x\n", NS_E_UNSUPPORTED, "t.yaml:2:4: alias");
	assert_refused("a: 1\n---\nb: 2\n", NS_E_INVALID, "t.yaml:2:1: a second document");
	assert_refused("a: [1, 2\n", NS_E_INVALID, "t.yaml:2:1: ");
	assert_refused("a: b: c\n", NS_E_INVALID, "t.yaml:1:");
	assert_refused("\tx: 1\n", NS_E_INVALID, "t.yaml:1:1: ");
	assert_refused("? [a]\n: 1\n", NS_E_INVALID, "t.yaml:1:3: a key");
	assert_refused("? {a: 1}\n: 1\n", NS_E_INVALID, "a key");
	assert_refused("a: !!int \"3\"\n", NS_E_UNSUPPORTED, "t.yaml:1:4: tags");
	assert_refused("a: !custom {x: 1}\n", NS_E_UNSUPPORTED, "tags");
	assert_refused("a: .inf\n", NS_E_INVALID, "t.yaml:1:4: ");
	assert_refused("a: -.INF\n", NS_E_INVALID, ".INF");
	assert_refused("a: .nan\n", NS_E_INVALID, ".nan");
	assert_refused("a: 1e999\n", NS_E_INVALID, "range");
	assert_refused("a: 0xFFFFFFFFFFFFFFFFFF\n", NS_E_INVALID, "range");
	assert_refused("a: 1111111111111111111111111111111111111111111111111111111111111111\n", NS_E_INVALID, "range");
	assert_refused("a: \"x\\0y\"\n", NS_E_INVALID, "NUL");
	assert_refused("a: \xff\n", NS_E_INVALID, "t.yaml:1:");
	assert_refused("a: \"\x01\"\n", NS_E_INVALID, "t.yaml:1:");
	assert_refused("}", NS_E_INVALID, "t.yaml:1:1: ");
}

static void the_offset_is_added_to_lines(void **state)
{
	ns_err err = {0};
	assert_null(ns_yaml_parse("a: 1\na: 2\n", 10, "runbooks/x.md", 10, 0, &err));
	assert_non_null(strstr(err.text, "runbooks/x.md:12:1: "));
}

static void limits_hold(void **state)
{
	ns_err err = {0};
	assert_null(ns_yaml_parse("a: 1\n", 5, "x", 0, 4, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	cJSON_Delete(ns_yaml_parse("a: 1\n", 5, "x", 0, 5, NULL));

	char deep[140];
	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	cJSON *j = ns_yaml_parse(deep, 128, "x", 0, 0, NULL);
	assert_non_null(j);
	cJSON_Delete(j);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	assert_null(ns_yaml_parse(deep, 130, "x", 0, 0, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);

	ns_buf b = NS_BUF_INIT;
	for (int i = 0; i < 60000; i++)
		ns_buf_printf(&b, "k%d: %d\n", i, i);
	assert_null(ns_yaml_parse(b.data, b.len, "x", 0, 0, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	assert_non_null(strstr(err.text, "nodes"));
	ns_buf_free(&b);
}

static void a_nul_byte_is_no_yaml(void **state)
{
	assert_null(ns_yaml_parse("a: 1\n\0b: 2\n", 11, "x", 0, 0, NULL));
}

/* An open structure must be freed when the text ends early; sanitizers watch. */
static void every_prefix_is_handled(void **state)
{
	static const char doc[] = "a: [1, {b: \"x\\u00e9\", ? c : d}]\ne: |\n  text\nf: 'q'\n";
	for (size_t n = 0; n < sizeof doc; n++) {
		char *exact = malloc(n ? n : 1);
		memcpy(exact, doc, n);
		cJSON_Delete(ns_yaml_parse(exact, n, "x", 0, 0, NULL));
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_core_schema),
	    cmocka_unit_test(structures),
	    cmocka_unit_test(refusals_say_where),
	    cmocka_unit_test(the_offset_is_added_to_lines),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(a_nul_byte_is_no_yaml),
	    cmocka_unit_test(every_prefix_is_handled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
