/* Namespaces, names, containers, images, revisions, policies and owners from hell, from the case to the argv: what would be spawned is
 * exactly the intended command by kubectl's own grammar, or nothing is. Bounded; tests/fuzz/fuzz_plan.c goes on from here. */
#include "agents/hell_plan.h"

enum { TRIES = 20000, BYTES = 160 };

static void test_nothing_escapes(void **state)
{
	(void)state;
	uint64_t x = 0x5eedULL;
	hell_tally t = {0};
	size_t escapes = 0;
	for (int i = 0; i < TRIES; i++) {
		uint8_t bytes[BYTES];
		/* Most strings good in most tries, so that plans come out; a hundred kilobytes now and then. */
		for (size_t k = 0; k < sizeof bytes; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			uint8_t b = (uint8_t)(x >> 56);
			bytes[k] = k && i % 3 ? (uint8_t)(b % 12 ? b % 160 : b % 255) : i % 500 ? (uint8_t)(b % 255) : b;
		}
		const char *bad = hell_plan(bytes, sizeof bytes, lib, &t);
		if (bad && !escapes++)
			print_error("try %d: %s\n", i, bad);
	}
	print_message("## argv: %zu plans from hell, %zu commands that kubectl reads as meant, %zu for a person, %zu owners by marks and "
	              "Applications from hell, "
	              "%zu escapes\n",
	    t.plans, t.orders, t.manual, t.owned, escapes);
	print_message("## count escapes %zu\n## count plans %zu\n", escapes, t.plans);
	assert_int_equal(escapes, 0);
	assert_true(t.orders > TRIES / 20 && t.manual > TRIES / 20 && t.owned > TRIES / 20);
}

/* The judge itself: each way out is seen. */
static void test_the_grammar_sees_escapes(void **state)
{
	(void)state;
	static const char *const bad[][8] = {
	    {"kubectl", "-n", "shop", "patch", "deployment/web", "--server=http://evil", NULL},
	    {"kubectl", "-n", "shop", "patch", "deployment/web", "--", "-x", NULL},
	    {"kubectl", "-n", "shop", "-n", "kube-system", "patch", "deployment/web", NULL},
	    {"kubectl", "-n", "shop", "--namespace=kube-system", "patch", "deployment/web", NULL},
	    {"kubectl", "-n", "shop", "patch", "deployment/web", "-x", NULL},
	    {"kubectl", "patch", "deployment/web", "-n", NULL},
	    {"kubectl", "-n", "shop", "patch", "deployment/web", "--force", NULL},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!kubectl_parse(bad[i]).bad)
			fail_msg("row %zu", i);
	kubectl_parsed p = kubectl_parse((const char *const[]){"kubectl", "-nshop", "create", "-f", "-", "-o=json", NULL});
	assert_false(p.bad);
	assert_string_equal(p.ns, "shop");
	assert_string_equal(p.filename, "-");
	assert_string_equal(p.output, "json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_escapes), cmocka_unit_test(test_the_grammar_sees_escapes)};
	return cmocka_run_group_tests(tests, load, unload);
}
