/* The table-driven codec by itself: what the facts do not use of it. */
#include "support/test.h"

#include "neuroscale/model/record.h"

typedef enum colour { RED, GREEN, COLOURS } colour;

typedef struct inner {
	const char *name;
	int n;
} inner;

typedef struct outer {
	char code[4];
	size_t size;
	colour c;
	const char *const *words;
	size_t n_words;
	const char *const *argv;
	inner *list;
	size_t n_list;
	inner one;
	double d;
	bool must;
} outer;

static const char *colour_word(int v)
{
	return v == RED ? "red" : "green";
}

static const ns_field inner_fields[] = {
    NS_FIELD(inner, name, STR),
    NS_FIELD(inner, n, INT),
    NS_FIELD_END,
};

static const ns_field outer_fields[] = {
    NS_FIELD_CHARS(outer, code),
    NS_FIELD(outer, size, SIZE),
    NS_FIELD_ENUM(outer, c, colour_word, COLOURS),
    NS_FIELD_STRS(outer, words, n_words),
    NS_FIELD_ARGV(outer, argv),
    NS_FIELD_LIST(outer, list, n_list, inner_fields),
    NS_FIELD_REC(outer, one, inner_fields),
    NS_FIELD(outer, d, DBL),
    NS_FIELD_REQUIRED(outer, must, BOOL),
    NS_FIELD_END,
};

static bool get(ns_arena *ar, const char *text, outer *o, ns_err *err)
{
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
	assert_non_null(j);
	*o = (outer){0};
	bool ok = ns_record_decode(ar, j, outer_fields, o, err);
	cJSON_Delete(j);
	return ok;
}

static void everything_comes_back(void **state)
{
	static const char text[] =
	    "{\"code\":\"abc\",\"size\":7,\"c\":\"green\",\"words\":[\"x\",\"\"],\"argv\":[],"
	    "\"list\":[{\"name\":\"p\",\"n\":-2147483648},{\"name\":\"\",\"n\":2147483647}],\"one\":{\"name\":\"q\",\"n\":3},"
	    "\"d\":0.5,\"must\":true}";
	ns_arena *ar = ns_arena_new();
	outer o;
	assert_true(get(ar, text, &o, NULL));
	assert_non_null(o.argv);
	assert_null(o.argv[0]);
	assert_null(o.words[2]);
	cJSON *j = ns_record_encode(outer_fields, &o);
	char *again = ns_json_text(j);
	assert_string_equal(again, text);
	free(again);
	cJSON_Delete(j);
	ns_arena_free(ar);
}

static void absence_has_a_meaning_for_each_type(void **state)
{
	ns_arena *ar = ns_arena_new();
	outer o;
	assert_true(get(ar, "{\"must\":false,\"one\":null,\"words\":null}", &o, NULL));
	assert_string_equal(o.code, "");
	assert_string_equal(o.one.name, "");
	assert_null(o.words[0]); /* an empty list may be walked */
	assert_null(o.argv);     /* but there is no command */
	assert_int_equal(o.c, RED);
	assert_int_equal(o.n_list, 0);
	ns_err err = {0};
	assert_false(get(ar, "{}", &o, &err));
	assert_non_null(strstr(err.text, "must"));
	ns_arena_free(ar);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		const char *member, *says;
	} rows[] = {{"\"code\":\"abcd\"", "code"}, {"\"code\":1", "code"}, {"\"size\":-1", "size"}, {"\"size\":\"1\"", "size"},
	    {"\"c\":\"blue\"", "\"c\""}, {"\"c\":1", "\"c\""}, {"\"words\":[1]", "words"}, {"\"argv\":{}", "argv"},
	    {"\"list\":[1]", "list"}, {"\"list\":[{\"n\":2147483648}]", "list[0]"}, {"\"list\":[{},{\"name\":1}]", "list[1]"},
	    {"\"one\":[]", "one"}, {"\"one\":{\"n\":\"x\"}", "one: \"n\""}, {"\"d\":\"0.5\"", "\"d\""}, {"\"must\":1", "must"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		outer o;
		char text[128];
		bool last = strncmp(rows[i].member, "\"must\"", 6) == 0;
		snprintf(text, sizeof text, "{%s%s}", rows[i].member, last ? "" : ",\"must\":true");
		assert_false(get(ar, text, &o, &err));
		assert_int_equal(err.code, NS_E_INVALID);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s: %s", text, err.text);
		ns_arena_free(ar);
	}
}

/* An answer that does not hold the record must not read as a record in which all is well. */
static void what_is_no_object_is_no_record(void **state)
{
	ns_arena *ar = ns_arena_new();
	for (const char *const *text = (const char *const[]){"[]", "null", "\"\"", "0", NULL}; *text; text++) {
		ns_err err = {0};
		inner in = {0};
		cJSON *j = ns_json_parse(*text, strlen(*text), &ns_json_strict, NULL);
		assert_non_null(j);
		assert_false(ns_record_decode(ar, j, inner_fields, &in, &err));
		assert_int_equal(err.code, NS_E_INVALID);
		cJSON_Delete(j);
	}
	assert_false(ns_record_decode(ar, NULL, inner_fields, &(inner){0}, NULL));
	ns_arena_free(ar);
}

static void lists_are_capped(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "{\"must\":true,\"words\":[\"\"");
	for (int i = 0; i < 65536; i++)
		ns_buf_puts(&b, ",\"\"");
	ns_buf_puts(&b, "]}");
	outer o;
	ns_err err = {0};
	assert_false(get(ar, b.data, &o, &err));
	assert_non_null(strstr(err.text, "words"));
	ns_buf_free(&b);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_comes_back),
	    cmocka_unit_test(absence_has_a_meaning_for_each_type),
	    cmocka_unit_test(what_does_not_fit_is_refused),
	    cmocka_unit_test(what_is_no_object_is_no_record),
	    cmocka_unit_test(lists_are_capped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
