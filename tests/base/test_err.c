/* Errors and the table of codes. */
#include "support/test.h"

#include <errno.h>

#include "neuroscale/base/err.h"

static void fail_fills_and_returns_false(void **state)
{
	ns_err e = {0};
	assert_false(ns_fail(&e, NS_E_INVALID, "bad %s", "thing"));
	assert_int_equal(e.code, NS_E_INVALID);
	assert_string_equal(e.text, "bad thing");
	assert_int_equal(e.sys_errno, 0);
	assert_non_null(strstr(e.file, "test_err.c"));
	assert_true(e.line > 0);
	ns_err_clear(&e);
	assert_int_equal(e.code, NS_OK);
	assert_string_equal(e.text, "");
}

static void a_null_error_is_fine(void **state)
{
	assert_false(ns_fail(NULL, NS_E_INVALID, "x"));
	assert_false(ns_err_wrap(NULL, "x"));
	ns_err_clear(NULL);
}

static void errno_adds_its_words_and_refines_the_code(void **state)
{
	static const struct {
		int number;
		ns_code given, expected;
	} rows[] = {
	    {ENOSPC, NS_E_IO, NS_E_NOSPACE},
	    {EDQUOT, NS_E_IO, NS_E_NOSPACE},
	    {EACCES, NS_E_IO, NS_E_DENIED},
	    {EPERM, NS_E_IO, NS_E_DENIED},
	    {EIO, NS_E_IO, NS_E_IO},
	    {ENOSPC, NS_E_LOCKED, NS_E_LOCKED},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err e = {0};
		errno = rows[i].number;
		assert_false(ns_fail_errno(&e, rows[i].given, "write %s", "/x"));
		assert_int_equal(e.code, rows[i].expected);
		assert_int_equal(e.sys_errno, rows[i].number);
		assert_int_equal(strncmp(e.text, "write /x: ", 10), 0);
		assert_true(strlen(e.text) > 10);
	}
}

static void wrap_puts_context_in_front(void **state)
{
	ns_err e = {0};
	ns_fail(&e, NS_E_TIMEOUT, "no answer");
	const char *file = e.file;
	assert_false(ns_err_wrap(&e, "list %s", "pods"));
	assert_false(ns_err_wrap(&e, "analyse"));
	assert_string_equal(e.text, "analyse: list pods: no answer");
	assert_int_equal(e.code, NS_E_TIMEOUT);
	assert_ptr_equal(e.file, file);
}

static void the_arguments_may_be_the_text_itself(void **state)
{
	ns_err e = {0};
	ns_fail(&e, NS_E_IO, "inner");
	ns_fail(&e, NS_E_FAILED, "outer: %s", e.text);
	assert_string_equal(e.text, "outer: inner");
	ns_err_wrap(&e, "%s", e.text);
	assert_string_equal(e.text, "outer: inner: outer: inner");
}

static void the_text_is_one_clean_line(void **state)
{
	ns_err e = {0};
	ns_fail(&e, NS_E_FAILED, "a\nb\x1b[31mc\xff");
	assert_string_equal(e.text, "a b^[[31mc<0xFF>");
}

static void a_long_text_is_cut_and_terminated(void **state)
{
	ns_err e = {0};
	ns_fail(&e, NS_E_FAILED, "%2000s", "end");
	assert_true(strlen(e.text) < sizeof e.text);
	assert_int_equal(e.text[strlen(e.text) - 1], '~');
	for (int i = 0; i < 100; i++)
		ns_err_wrap(&e, "context %d", i);
	assert_int_equal(strncmp(e.text, "context 99: context 98: ", 24), 0);
	assert_true(strlen(e.text) < sizeof e.text);
}

static void every_code_has_a_row_of_its_own(void **state)
{
	for (int i = 0; i < NS_CODE_COUNT; i++) {
		const ns_code_info *a = ns_code_lookup((ns_code)i);
		assert_int_equal(a->code, i);
		assert_non_null(a->name);
		assert_true(*a->words);
		assert_true(a->http_status >= 200 && a->http_status < 600);
		assert_true(a->exit_status >= 0 && a->exit_status <= 130);
		for (int j = 0; j < i; j++) {
			const ns_code_info *b = ns_code_lookup((ns_code)j);
			assert_string_not_equal(a->name, b->name);
			assert_int_not_equal(a->exit_status, b->exit_status);
			assert_int_not_equal(a->jsonrpc, b->jsonrpc);
		}
	}
	assert_int_equal(ns_code_lookup((ns_code)999)->code, NS_E_FAILED);
}

/* neuroscale-tui(1), EXIT STATUS: scripts depend on these. */
static void documented_exit_statuses(void **state)
{
	static const struct {
		ns_code code;
		int exit_status;
	} rows[] = {{NS_OK, 0}, {NS_E_FAILED, 1}, {NS_E_USAGE, 2}, {NS_E_NOTFOUND, 3}, {NS_E_DENIED, 4}, {NS_E_CONFLICT, 5},
	    {NS_E_EXPIRED, 6}, {NS_E_UNREACHABLE, 7}, {NS_E_CANCELLED, 130}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(ns_code_lookup(rows[i].code)->exit_status, rows[i].exit_status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fail_fills_and_returns_false),
	    cmocka_unit_test(a_null_error_is_fine),
	    cmocka_unit_test(errno_adds_its_words_and_refines_the_code),
	    cmocka_unit_test(wrap_puts_context_in_front),
	    cmocka_unit_test(the_arguments_may_be_the_text_itself),
	    cmocka_unit_test(the_text_is_one_clean_line),
	    cmocka_unit_test(a_long_text_is_cut_and_terminated),
	    cmocka_unit_test(every_code_has_a_row_of_its_own),
	    cmocka_unit_test(documented_exit_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
