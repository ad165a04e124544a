/* Law 11: what may reach a screen, a log or a prompt. */
#include "support/test.h"

#include <locale.h>

#include "neuroscale/base/text.h"

static void assert_clean(const char *in, size_t n, bool keep_lines, const char *expected)
{
	ns_buf b = NS_BUF_INIT;
	ns_text_clean(&b, in, n, 1 << 20, keep_lines);
	assert_string_equal(ns_buf_str(&b), expected);
	ns_buf_free(&b);
}

static void nothing_hidden_passes(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *line;
	} rows[] = {
	    {"plain text", 10, "plain text"},
	    {"\x1b[1A\x1b[2Kok", 10, "^[[1A^[[2Kok"},
	    {"\x1b]0;t\x07x", 7, "^[]0;t^Gx"},
	    {"bad\rgood", 8, "bad^Mgood"},
	    {"a\0b", 3, "a^@b"},
	    {"\x7f", 1, "^?"},
	    {"\xff\xfe"
	     "Evicted",
	        9, "<0xFF><0xFE>Evicted"},
	    {"\x9b"
	     "31m",
	        4, "<0x9B>31m"},
	    {"\xc2\x9b"
	     "31m",
	        5, "<0x9B>31m"},
	    {"a\xe2\x80\xae"
	     "b",
	        5, "a<U+202E>b"},
	    {"a\xe2\x80\x8b"
	     "b",
	        5, "a<U+200B>b"},
	    {"a\xe2\x81\xa6"
	     "b",
	        5, "a<U+2066>b"},
	    {"\xef\xbb\xbfx", 4, "<U+FEFF>x"},
	    {"core\xf3\xa0\x81\xa1", 8, "core<U+E0061>"},
	    {"\xf3\xa0\x84\x80", 4, "<U+E0100>"},
	    {"a\xef\xb8\x8f", 4, "a<U+FE0F>"},
	    {"\xe2\x9a\xa0\xef\xb8\x8f", 6, "\xe2\x9a\xa0\xef\xb8\x8f"},                     /* warning sign as emoji */
	    {"\xe2\x9a\xa0\xef\xb8\x8f\xef\xb8\x8f", 9, "\xe2\x9a\xa0\xef\xb8\x8f<U+FE0F>"}, /* a second one is data */
	    {"\xc0\xaf", 2, "<0xC0><0xAF>"},                                                 /* overlong */
	    {"\xed\xa0\x80", 3, "<0xED><0xA0><0x80>"},                                       /* surrogate */
	    {"\xf4\x90\x80\x80", 4, "<0xF4><0x90><0x80><0x80>"},                             /* above U+10FFFF */
	    {"\xe2\x82", 2, "<0xE2><0x82>"},                                                 /* cut at the end */
	    {"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2", 10, "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2"},
	    {"%s%n", 4, "%s%n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_clean(rows[i].in, rows[i].n, false, rows[i].line);
}

static void lines_are_kept_only_when_asked(void **state)
{
	assert_clean("a\tb\nc\r\nd", 8, true, "a\tb\nc\nd");
	assert_clean("a\tb\nc\r\nd", 8, false, "a b c d");
	assert_clean("a\r", 2, true, "a^M");
}

static void all_bytes_give_valid_printable_text(void **state)
{
	char all[512];
	for (int i = 0; i < 512; i++)
		all[i] = (char)(i < 256 ? i : 511 - i);
	ns_buf b = NS_BUF_INIT;
	ns_text_clean(&b, all, sizeof all, 1 << 20, false);
	assert_true(ns_utf8_valid(b.data, b.len));
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.data[i] >= 0x20 && b.data[i] != 0x7f);
	ns_buf_free(&b);
}

static void the_cap_holds_at_every_length(void **state)
{
	static const char in[] = "abc\xe2\x82\xac\x1b\xff\xe2\x80\xae\n\xf0\x9f\x98\x80 end of it";
	for (size_t cap = 0; cap < 60; cap++) {
		ns_buf b = NS_BUF_INIT;
		ns_buf_puts(&b, "before:");
		ns_text_clean(&b, in, sizeof in - 1, cap, false);
		size_t added = b.len - 7;
		assert_true(added <= cap);
		assert_true(ns_utf8_valid(b.data, b.len));
		assert_int_equal(strlen(b.data), b.len);
		bool whole = strstr(b.data, "end of it") != NULL;
		assert_true(whole || cap == 0 || b.data[b.len - 1] == '~');
		ns_buf_free(&b);
	}
}

static void an_exact_fit_has_no_mark(void **state)
{
	char *s = ns_text_clean_dup("abcd", 4);
	assert_string_equal(s, "abcd");
	free(s);
	s = ns_text_clean_dup("abcde", 4);
	assert_string_equal(s, "abc~");
	free(s);
	s = ns_text_clean_dup(NULL, 4);
	assert_string_equal(s, "");
	free(s);
}

static void decoding_always_advances(void **state)
{
	uint32_t cp;
	assert_int_equal(ns_utf8_next("", 0, &cp), 0);
	assert_int_equal(ns_utf8_next("\xff", 1, &cp), 1);
	assert_int_equal(cp, 0xFFFD);
	assert_int_equal(ns_utf8_next("\xf0\x9f\x98\x80", 4, &cp), 4);
	assert_int_equal(cp, 0x1F600);
	assert_int_equal(ns_utf8_next("\xf0\x9f\x98\x80", 3, &cp), 1);
	assert_true(ns_utf8_valid("", 0));
	assert_true(ns_utf8_valid("a\xc3\xa4", 3));
	assert_false(ns_utf8_valid("a\xc3", 2));
}

static void width_counts_columns(void **state)
{
	assert_int_equal(ns_utf8_width("abc"), 3);
	assert_int_equal(ns_utf8_width("\xc3\xa4"), 1);
	assert_int_equal(ns_utf8_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
	assert_int_equal(ns_utf8_width("e\xcc\x81"), 1); /* combining accent */
	assert_int_equal(ns_utf8_width("a\x01z"), 2);
	assert_int_equal(ns_utf8_width(""), 0);
}

static void assert_fit(const char *in, int cols, const char *expected, int used)
{
	char out[128];
	assert_int_equal(ns_utf8_fit(out, sizeof out, in, cols), used);
	assert_string_equal(out, expected);
	assert_true(ns_utf8_width(out) <= (cols > 0 ? cols : 0));
}

static void fit_cuts_in_the_middle(void **state)
{
	assert_fit("frontend-7d4b9c-abcde", 30, "frontend-7d4b9c-abcde", 21);
	assert_fit("frontend-7d4b9c-abcde", 21, "frontend-7d4b9c-abcde", 21);
	assert_fit("frontend-7d4b9c-abcde", 10, "front~bcde", 10);
	assert_fit("frontend", 1, "~", 1);
	assert_fit("frontend", 2, "f~", 2);
	assert_fit("frontend", 0, "", 0);
	assert_fit("frontend", -3, "", 0);
	assert_fit("", 5, "", 0);
	assert_fit("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", 5, "\xe6\xbc\xa2~\xe5\xad\x97", 5);
	assert_fit("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", 4, "\xe6\xbc\xa2~", 3); /* half a wide one does not fit */
	assert_fit("a\xff"
	           "b",
	    5, "a?b", 3);
}

static void fit_respects_the_buffer(void **state)
{
	char small[4];
	assert_int_equal(ns_utf8_fit(small, sizeof small, "\xc3\xa4\xc3\xa4\xc3\xa4", 10), 1);
	assert_string_equal(small, "\xc3\xa4");
	assert_int_equal(ns_utf8_fit(small, 1, "abc", 10), 0);
	assert_string_equal(small, "");
	assert_int_equal(ns_utf8_fit(small, 0, "abc", 10), 0);
}

static void words_and_names(void **state)
{
	static const char *const names[] = {"approve", "reject", "pause", "quit"};
	assert_int_equal(ns_word_count("  two words\n"), 2);
	assert_int_equal(ns_word_count(""), 0);
	assert_int_equal(ns_word_count(NULL), 0);
	assert_string_equal(ns_nearest("aprove", names, 4), "approve");
	assert_string_equal(ns_nearest("rejcet", names, 4), "reject"); /* a swap is one step */
	assert_string_equal(ns_nearest("pause", names, 4), "pause");
	assert_null(ns_nearest("banana", names, 4));
	assert_null(ns_nearest("", names, 4));
	char longest[300];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(ns_nearest(longest, names, 4));
}

static void case_is_ignored_in_ascii_only(void **state)
{
	assert_true(ns_ieq("OOMKilled", "oomkilled"));
	assert_false(ns_ieq("OOM", "OOMK"));
	assert_false(ns_ieq("OOMK", "OOM"));
	assert_true(ns_ieq("", ""));
	assert_false(ns_ieq("\xc3\x84", "\xc3\xa4"));
	assert_true(ns_icontains("Back-off pulling IMAGE", "image"));
	assert_true(ns_icontains("x", ""));
	assert_false(ns_icontains("imag", "image"));
}

static void a_list_holds_whole_words(void **state)
{
	static const char *const list[] = {"get", "list", NULL}, *const none[] = {NULL};
	assert_true(ns_listed("list", list));
	assert_false(ns_listed("lis", list));
	assert_false(ns_listed("", list));
	assert_false(ns_listed("get", none));
}

int main(void)
{
	/* Widths need a UTF-8 locale; C.UTF-8 is built into glibc. */
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_hidden_passes),
	    cmocka_unit_test(lines_are_kept_only_when_asked),
	    cmocka_unit_test(all_bytes_give_valid_printable_text),
	    cmocka_unit_test(the_cap_holds_at_every_length),
	    cmocka_unit_test(an_exact_fit_has_no_mark),
	    cmocka_unit_test(decoding_always_advances),
	    cmocka_unit_test(width_counts_columns),
	    cmocka_unit_test(fit_cuts_in_the_middle),
	    cmocka_unit_test(fit_respects_the_buffer),
	    cmocka_unit_test(words_and_names),
	    cmocka_unit_test(case_is_ignored_in_ascii_only),
	    cmocka_unit_test(a_list_holds_whole_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
