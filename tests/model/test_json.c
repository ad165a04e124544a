/* The strict codec: what is refused, what comes back unchanged. */
#include "support/test.h"

#include <math.h>
#include <time.h>

#include "neuroscale/model/json.h"

static cJSON *parse(const char *s)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(s, strlen(s), &ns_json_strict, &err);
	if (!j)
		fail_msg("%s: %s", s, err.text);
	return j;
}

static void assert_refused(const char *s, size_t n, const ns_json_limits *limits, ns_code code)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(s, n, limits, &err);
	if (j)
		fail_msg("accepted: %.*s", (int)n, s);
	assert_int_equal(err.code, code);
	assert_true(*err.text);
	assert_null(ns_json_parse(s, n, limits, NULL));
}

static void good_documents(void **state)
{
	static const char *const good[] = {"0", "-0", "1.5e+3", "\"\"", "[]", "{}", "null", "true", "false", " [ 1 , 2 ] ",
	    "{\"a\":{\"a\":1}}", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"", "[[[[]]]]", "{\"\":1}",
	    "1e308", "1e-400", "\r\n\t[]", "{\"a\":1,\"A\":2}", "\"\x7f\""};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cJSON_Delete(parse(good[i]));
}

static void bad_documents(void **state)
{
	static const char *const bad[] = {"", " ", "{", "}", "[", "]", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}",
	    "{\"a\"}", "{\"a\":}", "{1:1}", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+",
	    "0x10", "1 2", "[] x", "{} {}", "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
	    "\"\\udc00\"", "\"\\ud83d\\n\"", "\"\\u0000\"", "\"\t\"", "\"\n\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
	    "\"\xe2\x82\"", "1e400", "-1e999", "\xef\xbb\xbf{}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
	    "[{\"x\":{\"k\":1,\"l\":2,\"k\":3}}]", "//x\n1", "[1 /*c*/]", "[1;2]", "\"a\" \"b\"",
	    "0.1000000000000000055511151231257827021181583404541015625000000000000"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(bad[i], strlen(bad[i]), &ns_json_strict, NS_E_INVALID);
}

static void nul_bytes_are_refused(void **state)
{
	assert_refused("[]\0", 3, &ns_json_strict, NS_E_INVALID);
	assert_refused("\"a\0b\"", 5, &ns_json_strict, NS_E_INVALID);
	assert_refused("\0", 1, &ns_json_strict, NS_E_INVALID);
}

/* The text need not end in NUL: sanitizers see it when a byte behind it is read. */
static void every_prefix_is_handled(void **state)
{
	static const char doc[] = "{\"a\":[1,2.5e3,\"x\\u00e9\\ud83d\\ude00\",true,null],\"big\":12345678901234567890}";
	for (size_t n = 0; n < sizeof doc - 1; n++) {
		char *exact = malloc(n ? n : 1);
		memcpy(exact, doc, n);
		assert_null(ns_json_parse(exact, n, &ns_json_strict, NULL));
		free(exact);
	}
}

static void errors_say_where(void **state)
{
	ns_err err = {0};
	assert_null(ns_json_parse("{\n  \"a\": tru\n}", 14, &ns_json_strict, &err));
	assert_non_null(strstr(err.text, "line 2 column 8"));
	assert_null(ns_json_parse("{\"k\":1,\"k\":2}", 13, &ns_json_strict, &err));
	assert_non_null(strstr(err.text, "\"k\""));
}

static void limits_hold(void **state)
{
	const ns_json_limits tiny = {.max_bytes = 6, .max_depth = 2};
	cJSON_Delete(ns_json_parse("[[12]]", 6, &tiny, NULL));
	assert_refused("[[123]]", 7, &tiny, NS_E_TOOBIG);
	assert_refused("[[[]]]", 6, &tiny, NS_E_TOOBIG);
	char deep[260];
	for (size_t depth = 64; depth <= 65; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		cJSON *j = ns_json_parse(deep, 2 * depth, &ns_json_strict, NULL);
		assert_int_equal(j != NULL, depth <= 64);
		cJSON_Delete(j);
	}
	memset(deep, '[', sizeof deep);
	assert_refused(deep, sizeof deep, &ns_json_api, NS_E_TOOBIG);
}

static void the_last_duplicate_wins_where_they_are_allowed(void **state)
{
	static const char doc[] = "{\"a\":1,\"b\":{\"x\":1,\"x\":2,\"x\":3},\"a\":{\"y\":9007199254740993},\"c\":9007199254740995,\"a\":7}";
	cJSON *j = ns_json_parse(doc, sizeof doc - 1, &ns_json_api, NULL);
	char *text = ns_json_text(j);
	assert_string_equal(text, "{\"b\":{\"x\":3},\"c\":9007199254740995,\"a\":7}");
	free(text);
	cJSON_Delete(j);
}

static void duplicates_are_found_in_large_objects(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "{");
	for (int i = 0; i < 5000; i++)
		ns_buf_printf(&b, "\"key%d\":%d,", i * 7919 % 5000, i);
	ns_buf_puts(&b, "\"key4321\":0}");
	assert_refused(b.data, b.len, &ns_json_strict, NS_E_INVALID);
	cJSON *j = ns_json_parse(b.data, b.len, &ns_json_api, NULL);
	assert_int_equal(cJSON_GetArraySize(j), 5000);
	assert_int_equal(ns_json_int_or(j, "key4321", -1), 0);
	cJSON_Delete(j);
	ns_buf_free(&b);
}

static void integers_stay_exact(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} rows[] = {
	    {"0", true, 0},
	    {"-1", true, -1},
	    {"9007199254740991", true, 9007199254740991},
	    {"9007199254740992", true, 9007199254740992},
	    {"9007199254740993", true, 9007199254740993},
	    {"-9007199254740993", true, -9007199254740993},
	    {"9223372036854775807", true, INT64_MAX},
	    {"-9223372036854775808", true, INT64_MIN},
	    {"9223372036854775808", false, 0},
	    {"18446744073709551615", false, 0},
	    {"123456789012345678901234567890", false, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char doc[128];
		snprintf(doc, sizeof doc, "{\"v\":%s,\"w\":[%s]}", rows[i].text, rows[i].text);
		cJSON *j = parse(doc);
		int64_t v = 5;
		assert_int_equal(ns_json_int(j, "v", &v), rows[i].fits);
		assert_int_equal(v, rows[i].fits ? rows[i].value : 5);
		assert_true(fabs(ns_json_num_or(j, "v", 0) - strtod(rows[i].text, NULL)) < 1e-9 * (1 + fabs(strtod(rows[i].text, NULL))));
		char *text = ns_json_text(j);
		assert_string_equal(text, doc);
		free(text);
		cJSON_Delete(j);
	}
}

static void put_int_is_exact_for_64_bits(void **state)
{
	static const int64_t values[] = {
	    0, -1, INT64_MAX, INT64_MIN, 9007199254740992, 9007199254740993, -9007199254740993, 1000000000000000};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		cJSON *j = cJSON_CreateObject();
		ns_json_put_int(j, "v", values[i]);
		assert_true(ns_json_int_or(j, "v", 1) == values[i]);
		char *text = ns_json_text(j), wanted[64];
		snprintf(wanted, sizeof wanted, "{\"v\":%lld}", (long long)values[i]);
		assert_string_equal(text, wanted);
		cJSON *back = parse(text);
		assert_true(ns_json_int_or(back, "v", 1) == values[i]);
		cJSON_Delete(back);
		free(text);
		cJSON_Delete(j);
	}
}

static void numbers_write_short_and_come_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{1e15, "1000000000000000"}, {0.1, "0.1"}, {1.0 / 3, "0.33333333333333331"}, {-0.0, "0"}, {1e300, "1e+300"},
	    {1204.5, "1204.5"}, {NAN, "null"}, {INFINITY, "null"}, {5e-324, "4.94065645841247e-324"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cJSON *j = cJSON_CreateNumber(rows[i].value);
		char *text = ns_json_text(j);
		assert_string_equal(text, rows[i].text);
		free(text);
		cJSON_Delete(j);
	}
}

static void what_is_written_can_be_read(void **state)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "broken", "a\xff\xc3");
	ns_json_put_str(j, "control", "\x01\x1f\x7f\"\\\b\f\n\r\t");
	ns_json_put_str(j, "null", NULL);
	ns_json_put_bool(j, "yes", true);
	ns_json_put_str(j, "\xfe", "key");
	char *text = ns_json_text(j);
	assert_string_equal(text, "{\"broken\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\",\"control\":\"\\u0001\\u001f\x7f\\\"\\\\\\b\\f\\n\\r\\t\","
	                          "\"null\":\"\",\"yes\":true,\"\xEF\xBF\xBD\":\"key\"}");
	cJSON_Delete(parse(text));
	free(text);
	cJSON_Delete(j);
}

static void put_replaces(void **state)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "a", "x");
	ns_json_put_int(j, "A", 1);
	ns_json_put_num(j, "a", 2.5);
	char *text = ns_json_text(j);
	assert_string_equal(text, "{\"A\":1,\"a\":2.5}");
	free(text);
	cJSON_Delete(j);
}

static void getters_are_strict_about_types(void **state)
{
	cJSON *j = parse("{\"s\":\"x\",\"i\":7,\"f\":7.5,\"b\":true,\"n\":null,\"o\":{\"p\":{\"q\":\"deep\"}},\"a\":[1,2],\"S\":\"upper\","
	                 "\"big\":1e30,\"dot.ted\":{\"x\":1}}");
	int64_t v = 0;
	assert_string_equal(ns_json_str(j, "s", "d"), "x");
	assert_string_equal(ns_json_str(j, "S", "d"), "upper");
	assert_string_equal(ns_json_str(j, "i", "d"), "d");
	assert_string_equal(ns_json_str(j, "o.p.q", "d"), "deep");
	assert_null(ns_json_str(j, "o.p.q.r", NULL));
	assert_null(ns_json_str(j, "o..p", NULL));
	assert_null(ns_json_str(NULL, "s", NULL));
	assert_true(ns_json_int(j, "i", &v) && v == 7);
	assert_false(ns_json_int(j, "f", &v));
	assert_false(ns_json_int(j, "s", &v));
	assert_false(ns_json_int(j, "n", &v));
	assert_false(ns_json_int(j, "big", &v));
	assert_int_equal(ns_json_int_or(j, "none", -3), -3);
	assert_true(ns_json_num_or(j, "f", 0) == 7.5);
	assert_true(ns_json_num_or(j, "n", 4) == 4);
	assert_true(ns_json_bool_or(j, "b", false));
	assert_true(ns_json_bool_or(j, "i", true));
	assert_int_equal(ns_json_len(ns_json_get(j, "a")), 2);
	assert_int_equal(ns_json_len(ns_json_get(j, "o")), 0);
	assert_int_equal(ns_json_len(NULL), 0);
	assert_null(ns_json_get(ns_json_get(j, "a"), "x"));
	assert_int_equal(ns_json_int_or(ns_json_get(j, "dot.ted"), "x", 0), 1);
	int n = 0;
	ns_json_each(e, ns_json_get(j, "a"))
	{
		n += e->valueint;
	}
	assert_int_equal(n, 3);
	cJSON_Delete(j);
}

static void canonical_form_sorts_every_level(void **state)
{
	cJSON *a = parse("{\"b\":[{\"z\":1,\"a\":2}],\"a\":{\"y\":null,\"x\":9007199254740993},\"B\":1}");
	cJSON *b = parse("{\"B\":1.0,\"a\":{\"x\":9007199254740993,\"y\":null},\"b\":[{\"a\":2,\"z\":1}]}");
	ns_buf x = NS_BUF_INIT, y = NS_BUF_INIT;
	ns_json_canonical(a, &x);
	ns_json_canonical(b, &y);
	assert_string_equal(x.data, "{\"B\":1,\"a\":{\"x\":9007199254740993,\"y\":null},\"b\":[{\"a\":2,\"z\":1}]}");
	assert_string_equal(x.data, y.data);
	ns_buf_free(&x);
	ns_buf_free(&y);
	cJSON_Delete(a);
	cJSON_Delete(b);
}

/* 20 MB of small objects: a quadratic step anywhere would take minutes. */
static void large_lists_take_linear_time(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "{\"items\":[");
	while (b.len < 20 << 20)
		ns_buf_puts(
		    &b, "{\"metadata\":{\"name\":\"web-7d4b9c6f5d-abcde\",\"generation\":9007199254740993},\"status\":{\"ready\":true}},");
	ns_buf_puts(&b, "{}]}");
	clock_t began = clock();
	cJSON *j = ns_json_parse(b.data, b.len, &ns_json_api, NULL);
	assert_non_null(j);
	ns_buf out = NS_BUF_INIT;
	ns_json_write(j, &out);
	assert_int_equal(out.len, b.len);
	assert_true((clock() - began) / CLOCKS_PER_SEC < 20);
	ns_buf_free(&out);
	cJSON_Delete(j);
	ns_buf_free(&b);
}

static void trees_are_compared_and_searched_by_name(void **state)
{
	static const char text[] = "{\"a\":{\"x\":1,\"y\":[1,2]},\"b\":{\"y\":[1,2],\"x\":1},\"c\":{\"x\":1,\"y\":[2,1]},"
	                           "\"l\":[{\"name\":\"p\",\"v\":1},{\"v\":2},{\"name\":\"q\",\"v\":3},{\"name\":\"q\",\"v\":4}]}";
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
	assert_true(ns_json_same(ns_json_get(j, "a"), ns_json_get(j, "b")));
	assert_false(ns_json_same(ns_json_get(j, "a"), ns_json_get(j, "c")));
	assert_false(ns_json_same(ns_json_get(j, "a"), NULL));
	assert_true(ns_json_same(NULL, NULL));
	const cJSON *l = ns_json_get(j, "l");
	assert_int_equal(ns_json_int_or(ns_json_named(l, "q"), "v", 0), 3);
	assert_null(ns_json_named(l, "r"));
	assert_null(ns_json_named(NULL, "p"));
	cJSON_Delete(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_documents),
	    cmocka_unit_test(bad_documents),
	    cmocka_unit_test(nul_bytes_are_refused),
	    cmocka_unit_test(every_prefix_is_handled),
	    cmocka_unit_test(errors_say_where),
	    cmocka_unit_test(limits_hold),
	    cmocka_unit_test(the_last_duplicate_wins_where_they_are_allowed),
	    cmocka_unit_test(duplicates_are_found_in_large_objects),
	    cmocka_unit_test(integers_stay_exact),
	    cmocka_unit_test(put_int_is_exact_for_64_bits),
	    cmocka_unit_test(numbers_write_short_and_come_back),
	    cmocka_unit_test(what_is_written_can_be_read),
	    cmocka_unit_test(put_replaces),
	    cmocka_unit_test(getters_are_strict_about_types),
	    cmocka_unit_test(canonical_form_sorts_every_level),
	    cmocka_unit_test(trees_are_compared_and_searched_by_name),
	    cmocka_unit_test(large_lists_take_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
