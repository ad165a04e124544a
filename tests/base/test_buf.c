/* Buffers, string copies and the arena. */
#include "support/test.h"

#include "neuroscale/base/arena.h"
#include "neuroscale/base/buf.h"

static void a_new_buffer_reads_as_empty(void **state)
{
	ns_buf b = NS_BUF_INIT;
	assert_null(b.data);
	assert_string_equal(ns_buf_str(&b), "");
	ns_buf_put(&b, "", 0);
	assert_null(b.data);
	ns_buf_free(&b);
}

static void it_grows_and_stays_terminated(void **state)
{
	ns_buf b = NS_BUF_INIT;
	for (int i = 0; i < 5000; i++) {
		ns_buf_putc(&b, (char)('a' + i % 26));
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 5000);
	assert_int_equal(b.data[4999], 'a' + 4999 % 26);
	ns_buf_free(&b);
	assert_int_equal(b.cap, 0);
}

static void bytes_may_be_nul(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_put(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	ns_buf_free(&b);
}

static void printf_appends(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "x=");
	ns_buf_printf(&b, "%d %s", 7, "seven");
	ns_buf_printf(&b, "%s", "");
	ns_buf_puts(&b, NULL);
	assert_string_equal(b.data, "x=7 seven");
	char *big = ns_xasprintf("%1000d", 1);
	assert_int_equal(strlen(big), 1000);
	free(big);
	ns_buf_free(&b);
}

static void drop_takes_from_the_front(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_drop(&b, 5);
	ns_buf_puts(&b, "hello world");
	ns_buf_drop(&b, 0);
	ns_buf_drop(&b, 6);
	assert_string_equal(b.data, "world");
	ns_buf_drop(&b, 99);
	assert_int_equal(b.len, 0);
	assert_string_equal(ns_buf_str(&b), "");
	ns_buf_free(&b);
}

static void steal_gives_the_string_away(void **state)
{
	ns_buf b = NS_BUF_INIT;
	char *empty = ns_buf_steal(&b);
	assert_string_equal(empty, "");
	ns_buf_puts(&b, "mine");
	char *s = ns_buf_steal(&b);
	assert_string_equal(s, "mine");
	assert_null(b.data);
	free(s);
	free(empty);
}

static void copy_reports_a_cut(void **state)
{
	char out[4];
	assert_true(ns_copy(out, sizeof out, "abc"));
	assert_string_equal(out, "abc");
	assert_false(ns_copy(out, sizeof out, "abcd"));
	assert_string_equal(out, "abc");
	assert_true(ns_copy(out, sizeof out, NULL));
	assert_string_equal(out, "");
	assert_false(ns_copy(out, 0, "a"));
	assert_true(ns_copy(out, 0, ""));
}

static void copy_never_cuts_a_character(void **state)
{
	char out[5];
	assert_false(ns_copy(out, sizeof out, "ab\xE2\x82\xAC")); /* the euro sign needs three bytes, two are left */
	assert_string_equal(out, "ab");
	assert_false(ns_copy(out, sizeof out, "\xF0\x9F\x98\x80x"));
	assert_string_equal(out, "\xF0\x9F\x98\x80");
	assert_false(ns_copy(out, 4, "\xF0\x9F\x98\x80"));
	assert_string_equal(out, "");
}

static void arena_memory_is_zeroed_and_aligned(void **state)
{
	ns_arena *a = ns_arena_new();
	for (size_t n = 0; n < 600; n++) {
		unsigned char *p = ns_arena_alloc(a, n);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, n);
	}
	ns_arena_free(a);
}

static void arena_keeps_early_and_large_pieces_apart(void **state)
{
	ns_arena *a = ns_arena_new();
	char *first = ns_arena_strdup(a, "first");
	char *huge = ns_arena_alloc(a, 3 << 20);
	memset(huge, 'x', 3 << 20);
	char *second = ns_arena_strdup(a, "second");
	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
	assert_true(ns_arena_used(a) >= 3 << 20);
	ns_arena_free(a);
	ns_arena_free(NULL);
}

static void arena_strings(void **state)
{
	ns_arena *a = ns_arena_new();
	assert_int_equal(ns_arena_used(a), 0);
	assert_string_equal(ns_arena_strdup(a, NULL), "");
	assert_string_equal(ns_arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(ns_arena_strndup(a, "ab\0cd", 5), "ab");
	assert_string_equal(ns_arena_printf(a, "%s-%d", "p", 3), "p-3");
	assert_string_equal(ns_arena_printf(a, "%s", ""), "");
	ns_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_buffer_reads_as_empty),
	    cmocka_unit_test(it_grows_and_stays_terminated),
	    cmocka_unit_test(bytes_may_be_nul),
	    cmocka_unit_test(printf_appends),
	    cmocka_unit_test(drop_takes_from_the_front),
	    cmocka_unit_test(steal_gives_the_string_away),
	    cmocka_unit_test(copy_reports_a_cut),
	    cmocka_unit_test(copy_never_cuts_a_character),
	    cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
	    cmocka_unit_test(arena_keeps_early_and_large_pieces_apart),
	    cmocka_unit_test(arena_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
