/* What a person is shown before they approve. */
#include "support/test.h"

#include "neuroscale/model/json.h"

static void assert_diff(const char *before, const char *after, const char *const *ignore, const char *expected)
{
	cJSON *a = ns_json_parse(before, strlen(before), &ns_json_strict, NULL);
	cJSON *b = ns_json_parse(after, strlen(after), &ns_json_strict, NULL);
	assert_true(a && b);
	ns_buf out = NS_BUF_INIT;
	size_t lines = ns_json_diff(a, b, ignore, &out), newlines = 0;
	for (const char *p = ns_buf_str(&out); *p; p++)
		newlines += *p == '\n';
	assert_string_equal(ns_buf_str(&out), expected);
	assert_int_equal(lines, newlines);
	ns_buf_free(&out);
	cJSON_Delete(a);
	cJSON_Delete(b);
}

static void a_raised_limit(void **state)
{
	assert_diff("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"log\"},{\"name\":\"app\",\"resources\":{\"limits\":"
	            "{\"memory\":\"128Mi\"}}}]}}}}",
	    "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"log\"},{\"name\":\"app\",\"resources\":{\"limits\":"
	    "{\"memory\":\"256Mi\"}}}]}}}}",
	    NULL,
	    "- spec.template.spec.containers[app].resources.limits.memory: 128Mi\n"
	    "+ spec.template.spec.containers[app].resources.limits.memory: 256Mi\n");
}

static void nothing_changed(void **state)
{
	assert_diff("{\"a\":1,\"b\":[1,{\"name\":\"x\"}]}", "{\"b\":[1,{\"name\":\"x\"}],\"a\":1.0}", NULL, "");
	assert_diff("null", "null", NULL, "");
	assert_diff("12345678901234567890", "12345678901234567890", NULL, "");
}

static void ignored_paths_do_not_show(void **state)
{
	static const char *const ignore[] = {"metadata.resourceVersion", "status", "spec.containers[app].image", NULL};
	assert_diff(
	    "{\"metadata\":{\"resourceVersion\":\"1\",\"name\":\"w\"},\"status\":{\"x\":1},\"spec\":{\"containers\":[{\"name\":\"app\","
	    "\"image\":\"a\"}]}}",
	    "{\"metadata\":{\"resourceVersion\":\"2\",\"name\":\"v\"},\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"b\"}]}}",
	    ignore, "- metadata.name: w\n+ metadata.name: v\n");
}

static void what_came_and_went_is_shown_leaf_by_leaf(void **state)
{
	assert_diff("{\"gone\":{\"a\":1,\"e\":{}},\"k\":1}", "{\"k\":1,\"new\":[{\"name\":\"x\",\"v\":true},{\"name\":\"y\"}],\"none\":[]}",
	    NULL, "- gone.a: 1\n- gone.e: {}\n+ new[x].name: x\n+ new[x].v: true\n+ new[y].name: y\n+ none: []\n");
}

static void lists_without_names_go_by_position(void **state)
{
	assert_diff("{\"args\":[\"a\",\"b\"]}", "{\"args\":[\"a\",\"c\",\"d\"]}", NULL, "- args[1]: b\n+ args[1]: c\n+ args[2]: d\n");
	/* Law 12: the value of a secret flag stands in the element behind it. */
	assert_diff("{\"args\":[\"--db-password\",\"hunter2\",\"-v\"]}", "{\"args\":[\"--db-password\",\"hunter3\",\"-v\"]}", NULL,
	    "- args[1]: [redacted:argument]\n+ args[1]: [redacted:argument]\n");
	assert_diff("{}", "{\"args\":[\"-token\",\"hunter2\",\"--password\",\"-v\",\"x\"]}", NULL,
	    "+ args[0]: -token\n+ args[1]: [redacted:argument]\n+ args[2]: --password\n+ args[3]: -v\n+ args[4]: x\n");
	assert_diff("{\"l\":[{\"name\":\"x\"},{\"name\":\"x\"}]}", "{\"l\":[{\"name\":\"x\"},{\"name\":\"y\"}]}", NULL,
	    "- l[1].name: x\n+ l[1].name: y\n");
}

static void named_lists_show_members_and_order(void **state)
{
	assert_diff("{\"c\":[{\"name\":\"a\",\"v\":1},{\"name\":\"b\"}]}",
	    "{\"c\":[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\",\"v\":2}]}", NULL, "- c[a].v: 1\n+ c[a].v: 2\n+ c[c].name: c\n");
	assert_diff("{\"c\":[{\"name\":\"a\"},{\"name\":\"b\"}]}", "{\"c\":[{\"name\":\"b\"},{\"name\":\"a\"}]}", NULL,
	    "- c (order): a, b\n+ c (order): b, a\n");
}

static void types_are_visible(void **state)
{
	assert_diff("{\"a\":\"8080\",\"b\":\"true\",\"c\":\"\",\"d\":{\"x\":1},\"e\":null}",
	    "{\"a\":8080,\"b\":true,\"c\":\" x\",\"d\":[1],\"e\":\"null\"}", NULL,
	    "- a: \"8080\"\n+ a: 8080\n- b: \"true\"\n+ b: true\n- c: \"\"\n+ c: \" x\"\n- d.x: 1\n+ d[0]: 1\n- e: null\n+ e: \"null\"\n");
}

static void hostile_values_stay_in_their_line(void **state)
{
	assert_diff("{\"a\\n+ fake\":\"x\\n- y\"}", "{\"a\\n+ fake\":\"\\u001b[31mred\\u202e\"}", NULL,
	    "- a + fake: x - y\n+ a + fake: ^[[31mred<U+202E>\n");
}

static void roots_and_absence(void **state)
{
	assert_diff("1", "2", NULL, "- : 1\n+ : 2\n");
	ns_buf out = NS_BUF_INIT;
	assert_int_equal(ns_json_diff(NULL, NULL, NULL, &out), 0);
	cJSON *j = cJSON_Parse("{\"a\":1}");
	assert_int_equal(ns_json_diff(NULL, j, NULL, &out), 1);
	assert_string_equal(out.data, "+ a: 1\n");
	cJSON_Delete(j);
	ns_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_raised_limit),
	    cmocka_unit_test(nothing_changed),
	    cmocka_unit_test(ignored_paths_do_not_show),
	    cmocka_unit_test(what_came_and_went_is_shown_leaf_by_leaf),
	    cmocka_unit_test(lists_without_names_go_by_position),
	    cmocka_unit_test(named_lists_show_members_and_order),
	    cmocka_unit_test(types_are_visible),
	    cmocka_unit_test(hostile_values_stay_in_their_line),
	    cmocka_unit_test(roots_and_absence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
