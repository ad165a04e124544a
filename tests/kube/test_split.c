/* Cutting a list into its items, whatever the chunks are. */
#include "support/test.h"

#include "../../src/kube/kube_priv.h"

typedef struct got { char items[4096]; size_t n, count; } got;

static bool take(void *ctx, char *json, size_t n)
{
	got *g = ctx;
	g->n += (size_t)snprintf(g->items + g->n, sizeof g->items - g->n, "%.*s|", (int)n, json);
	g->count++;
	return true;
}

static void test_every_chunk_size(void **state)
{
	static const char list[] = "{ \"kind\" : \"PodList\",\"metadata\":{\"resourceVersion\":\"7\",\"items\":[1]},\n \"items\" : [ {\"a\":\"]}\\\"\\\\\",\"b\":[1,2,{}]} ,\n"
	                           "{\"items\":[{\"x\":1}]},\"text, with comma\" ,3] , \"tail\":\"\\u00e9\"}\n";
	for (size_t step = 1; step < sizeof list; step++) {
		got g = {0};
		ns_err err = {0};
		kube_split_ops ops = {.item = take, .ctx = &g, .max_item = 1000};
		kube_split *s = kube_split_new(&ops);
		for (size_t i = 0; i < sizeof list - 1; i += step)
			assert_true(kube_split_feed(s, list + i, i + step < sizeof list - 1 ? step : sizeof list - 1 - i, &err));
		cJSON *rest = kube_split_end(s, &err);
		assert_non_null(rest);
		assert_string_equal(g.items, "{\"a\":\"]}\\\"\\\\\",\"b\":[1,2,{}]}|{\"items\":[{\"x\":1}]}|\"text, with comma\"|3|");
		assert_string_equal(ns_json_str(rest, "metadata.resourceVersion", ""), "7");
		assert_int_equal(ns_json_len(ns_json_get(rest, "items")), 0);
		assert_string_equal(ns_json_str(rest, "tail", ""), "\xc3\xa9");
		cJSON_Delete(rest);
		kube_split_free(s);
	}
}

static void test_lists_without_items(void **state)
{
	static const char *const lists[] = {"{\"metadata\":{},\"items\":null}", "{\"items\":[]}", "{\"items\":[ \n ]}", "{}", "{\"items\":{\"a\":[1]}}"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		got g = {0};
		kube_split_ops ops = {.item = take, .ctx = &g, .max_item = 1000};
		kube_split *s = kube_split_new(&ops);
		assert_true(kube_split_feed(s, lists[i], strlen(lists[i]), NULL));
		cJSON *rest = kube_split_end(s, NULL);
		assert_non_null(rest);
		assert_int_equal(g.count, 0);
		cJSON_Delete(rest);
		kube_split_free(s);
	}
}

static void test_what_is_no_list(void **state)
{
	static const char *const texts[] = {"", "x", "]", "{\"items\":[1", "{\"items\":[1]", "[]", "{}{}", "{}}", "{\"items\":[1]}}", "{\"a\" 1}"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		got g = {0};
		ns_err err = {0};
		kube_split_ops ops = {.item = take, .ctx = &g, .max_item = 1000};
		kube_split *s = kube_split_new(&ops);
		cJSON *rest = kube_split_feed(s, texts[i], strlen(texts[i]), &err) ? kube_split_end(s, &err) : NULL;
		if (rest || err.code != NS_E_INVALID)
			fail_msg("%s", texts[i]);
		kube_split_free(s);
	}
}

static void test_size_is_bounded(void **state)
{
	static const char open[] = "{\"items\":[\"";
	char block[1000];
	got g = {0};
	ns_err err = {0};
	kube_split_ops ops = {.item = take, .ctx = &g, .max_item = 4096};
	kube_split *s = kube_split_new(&ops);
	memset(block, 'x', sizeof block);
	bool ok = kube_split_feed(s, open, strlen(open), &err);
	for (int i = 0; i < 10 && ok; i++)
		ok = kube_split_feed(s, block, sizeof block, &err);
	assert_false(ok);
	assert_int_equal(err.code, NS_E_TOOBIG);
	kube_split_free(s);
}

static void test_no_nul(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
	    {"{\"a\":\"x\\u0000y\\u0000\"}", "{\"a\":\"x\\ufffdy\\ufffd\"}"},
	    {"{\"a\":\"\\\\u0000 \\\\\\u0000\"}", "{\"a\":\"\\\\u0000 \\\\\\ufffd\"}"},
	    {"", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char b[512];
		snprintf(b, sizeof b, "%s", rows[i].in);
		kube_no_nul(b, strlen(b));
		assert_string_equal(b, rows[i].out);
	}
}

/* [1,,2] and [1,] are no JSON, and an item that is not there is not silently left out. */
static void test_empty_places(void **state)
{
	static const char *const lists[] = {"{\"items\":[1,,2]}", "{\"items\":[,]}", "{\"items\":[{},]}", "{\"items\":[{}, ]}", "{\"items\":[ ,{}]}"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		got g = {0};
		ns_err err = {0};
		kube_split_ops ops = {.item = take, .ctx = &g, .max_item = 1000};
		kube_split *s = kube_split_new(&ops);
		assert_false(kube_split_feed(s, lists[i], strlen(lists[i]), &err));
		assert_int_equal(err.code, NS_E_INVALID);
		kube_split_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_chunk_size), cmocka_unit_test(test_lists_without_items), cmocka_unit_test(test_what_is_no_list),
	    cmocka_unit_test(test_size_is_bounded), cmocka_unit_test(test_no_nul), cmocka_unit_test(test_empty_places)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
