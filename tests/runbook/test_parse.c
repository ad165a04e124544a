/* A runbook file that is wrong says where; one that is right comes out whole. */
#include "support/test.h"

#include "neuroscale/runbook/runbook.h"

#define HEAD "---\nid: x\ntitle: T\nkinds: [oom_killed]\naction: scale\n"
#define TAIL "risk: low\ncauses: [a_b]\nsymptoms: [one two]\npreconditions: [p]\nsteps: [s]\nverify: v\nundo: u\n---\n# Body\n"

static ns_runbook *parse(ns_arena *ar, const char *text, ns_err *err)
{
	*err = (ns_err){0};
	return ns_runbook_parse(ar, "x", text, strlen(text), err);
}

static void test_good(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_err err;
	ns_runbook *rb = parse(ar, HEAD "also: [rollback]\nnot_for: [three]\n" TAIL, &err);
	assert_non_null(rb);
	assert_string_equal(rb->id, "x");
	assert_string_equal(rb->body, "# Body\n");
	assert_int_equal(rb->action, NS_ACT_SCALE);
	assert_int_equal(strlen(rb->hash), 64);
	assert_int_equal(rb->n_not_for, 1);
	assert_true(ns_runbook_permits(rb, NS_ACT_SCALE) && ns_runbook_permits(rb, NS_ACT_ROLLBACK) &&
	            ns_runbook_permits(rb, NS_ACT_MANUAL_REVIEW));
	assert_false(ns_runbook_permits(rb, NS_ACT_PATCH_RESOURCES));
	assert_true(ns_runbook_has_cause(rb, "a_b") && !ns_runbook_has_cause(rb, "a") && !ns_runbook_has_cause(rb, ""));
	assert_true(ns_runbook_has_kind(rb, NS_KIND_OOM_KILLED) && !ns_runbook_has_kind(rb, NS_KIND_COST_SPIKE));
	ns_arena_free(ar);
}

static void test_bad(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"", "runbooks/x.md:1: must begin"},
	    {"# Title\n", "runbooks/x.md:1: must begin"},
	    {HEAD, "no closing line"},
	    {HEAD TAIL "", NULL},
	    {"---\nid: y\n" TAIL, "runbooks/x.md:2: id must be \"x\""},
	    {"---\nid: x\ntitle: T\nkinds: [oom_killed]\nactoin: scale\n" TAIL,
	        "runbooks/x.md:5: actoin is no field of a runbook; did you mean action?"},
	    {"---\nid: x\ntitle: T\nkinds: [oom_killed]\naction: delete\n" TAIL,
	        "runbooks/x.md:5: action has an unknown action \"delete\""},
	    {"---\nid: x\ntitle: T\nkinds: [nope]\naction: scale\n" TAIL, "runbooks/x.md:4: kinds has an unknown alert kind \"nope\""},
	    {"---\nid: x\ntitle: T\nkinds: []\naction: scale\n" TAIL, "runbooks/x.md:4: kinds must be a list"},
	    {"---\nid: x\ntitle: [T]\nkinds: [oom_killed]\naction: scale\n" TAIL, "runbooks/x.md:3: title must be text"},
	    {"---\nid: x\ntitle: \"a\\e[31mb\"\nkinds: [oom_killed]\naction: scale\n" TAIL, "runbooks/x.md:3: title holds a control"},
	    {"---\nid: x\nkinds: [oom_killed]\naction: scale\n" TAIL, "the field title is missing"},
	    {HEAD "risk: tiny\n---\n", "runbooks/x.md:6: risk must be"},
	    {HEAD "risk: low\nrisk: low\n---\n", "runbooks/x.md:7"},
	    {HEAD "causes: [Bad Release]\n---\n", "runbooks/x.md:6: causes has \"Bad Release\""},
	    {HEAD "risk: [low\n---\n", "runbooks/x.md:"},
	    {HEAD "verify: &a v\nundo: *a\n---\n", "runbooks/x.md:"},
	    {"---\n- list\n---\n", "runbooks/x.md:2: the front matter must be a mapping"},
	    {"---\nid: x\xff\n---\n", "no UTF-8"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err;
		ns_runbook *rb = parse(ar, rows[i].text, &err);
		if (rows[i].says ? rb || !strstr(err.text, rows[i].says) : !rb)
			fail_msg(
			    "row %zu: %s, wanted %s", i, rb ? "accepted" : err.text, rows[i].says ? rows[i].says : "it to be accepted");
		ns_arena_free(ar);
	}
}

static void test_nul_and_size(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	char text[] = HEAD TAIL "a\0b";
	assert_null(ns_runbook_parse(ar, "x", text, sizeof text - 1, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	size_t big = 300 * 1024;
	char *much = calloc(1, big + 1);
	assert_non_null(much);
	memset(much, 'x', big);
	assert_null(ns_runbook_parse(ar, "x", much, big, &err));
	assert_int_equal(err.code, NS_E_TOOBIG);
	free(much);
	ns_arena_free(ar);
}

/* Whatever is cut off, nothing crashes and nothing half-read is accepted. */
static void test_every_prefix(void **state)
{
	(void)state;
	const char *text = HEAD TAIL;
	size_t whole = strlen(text), body = strlen("# Body\n");
	for (size_t n = 0; n < whole; n++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		char *cut = strndup(text, n);
		ns_runbook *rb = ns_runbook_parse(ar, "x", cut, n, &err);
		assert_true((rb != NULL) == (n >= whole - body));
		free(cut);
		ns_arena_free(ar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_nul_and_size),
	    cmocka_unit_test(test_every_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
