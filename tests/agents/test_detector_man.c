/* The man page shows the rule table that runs. */
#include "support/test.h"

#include "neuroscale/agents/detector.h"

static void test_the_man_page_shows_the_table(void **state)
{
	static char text[1 << 17];
	static const char begin[] = ".\\\" begin rules\n", end[] = ".\\\" end rules\n";
	FILE *f = fopen("man/neuroscale-detector.7", "r");
	if (!f)
		f = fopen("../man/neuroscale-detector.7", "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	char *from = strstr(text, begin), *to = strstr(text, end);
	assert_true(from && to);
	*to = '\0';
	ns_buf want = NS_BUF_INIT;
	ns_detector_man(&want);
	assert_string_equal(from + strlen(begin), ns_buf_str(&want)); /* `make` writes it */
	ns_buf_free(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_man_page_shows_the_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
