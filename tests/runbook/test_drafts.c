/* Drafts: what they hold, that they replace nothing, that no library reads them, and what promote wants. */
#include "support/test.h"

#include <sys/stat.h>

#include "neuroscale/runbook/draft.h"
#include "neuroscale/sys/fs.h"
#include "support/tmpdir.h"

typedef struct rig {
	ns_arena *ar;
	ns_case *c;
	ns_rca *r;
	ns_draft_case d;
} rig;

static rig new_rig(void)
{
	static ns_evidence ev[] = {{"E1", NS_EV_STATUS, true, "container app waits: \"CreateContainerConfigError\"\\x", 0},
	    {"E2", NS_EV_LOG, false, "connect postgres://shop:hunter2secret@db:5432/shop failed", 0}};
	rig g = {.ar = ns_arena_new()};
	g.c = ns_case_new(g.ar);
	g.r = ns_arena_alloc(g.ar, sizeof *g.r);
	g.c->alert.kind = NS_KIND_CONFIG_ERROR;
	g.c->alert.reason = "CreateContainerConfigError";
	g.c->alert.message = "secret \"db\" not found\x1b[31m";
	g.c->alert.target.kind = "Deployment";
	g.c->evidence = ev;
	g.c->n_evidence = 2;
	snprintf(g.c->hash, sizeof g.c->hash, "0123456789abcdef");
	*g.r = (ns_rca){.root_cause = "The Secret db does not exist.", .reasoning = "The kubelet says so.", .cause_class = "secret_missing", .next_steps = "Make it.",
	    .provider = "offline"};
	g.d = (ns_draft_case){.cs = g.c, .rca = g.r, .how = "it recovered", .incident = 7, .ended_ms = 1795478400000};
	return g;
}

static void test_name(void **state)
{
	(void)state;
	rig g = new_rig();
	char name[96];
	ns_draft_name(&g.d, name);
	assert_string_equal(name, "config-error-secret-missing");
	g.r->cause_class = "unknown";
	ns_draft_name(&g.d, name);
	assert_string_equal(name, "config-error-01234567");
	g.r->cause_class = "../../etc/passwd";
	ns_draft_name(&g.d, name);
	assert_string_equal(name, "config-error-01234567");
	ns_arena_free(g.ar);
}

/* What is written is what the parser reads: only the gaps are missing. No secret, no control byte. */
static void test_content(void **state)
{
	(void)state;
	rig g = new_rig();
	ns_buf b = NS_BUF_INIT;
	ns_err err = {0};
	ns_draft_write(&g.d, &b);
	ns_runbook *rb = ns_runbook_parse(g.ar, "config-error-secret-missing", b.data, b.len, &err);
	if (!rb)
		fail_msg("%s", err.text);
	assert_true(rb->n_kinds == 1 && rb->kinds[0] == NS_KIND_CONFIG_ERROR && rb->action == NS_ACT_MANUAL_REVIEW);
	assert_true(ns_runbook_has_cause(rb, "secret_missing"));
	assert_int_equal(rb->n_symptoms, 3);
	assert_string_equal(rb->symptoms[2], "container app waits: \"CreateContainerConfigError\"\\x");
	assert_non_null(strstr(b.data, "log, said: "));
	assert_null(strstr(b.data, "hunter2secret"));
	assert_null(strchr(b.data, 0x1b));
	assert_non_null(strstr(rb->title, NS_DRAFT_GAP));
	ns_buf_free(&b);
	ns_arena_free(g.ar);
}

static void replace_all(const char *path, const char *what, const char *with)
{
	ns_buf b = NS_BUF_INIT, out = NS_BUF_INIT;
	assert_true(ns_read_file(path, 1 << 20, &b, NULL));
	for (const char *p = ns_buf_str(&b); *p;) {
		bool hit = !strncmp(p, what, strlen(what));
		ns_buf_put(&out, hit ? with : p, hit ? strlen(with) : 1);
		p += hit ? strlen(what) : 1;
	}
	assert_true(ns_write_file_atomic(path, out.data, out.len, 0600, NULL));
	ns_buf_free(&b);
	ns_buf_free(&out);
}

static void test_file_and_promote(void **state)
{
	rig g = new_rig();
	ns_err err = {0};
	const char *dir = *state, *drafts = tmpdir_path(state, "drafts");
	char *path = NULL, *again = NULL;
	struct stat st;
	assert_true(ns_runbook_draft(drafts, &g.d, &path, &err));
	assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	ns_buf before = NS_BUF_INIT, after = NS_BUF_INIT;
	ns_read_file(path, 1 << 20, &before, NULL);
	g.d.how = "somebody else wrote this";
	assert_false(ns_runbook_draft(drafts, &g.d, &again, &err)); /* never overwritten */
	assert_int_equal(err.code, NS_E_CONFLICT);
	ns_read_file(path, 1 << 20, &after, NULL);
	assert_string_equal(ns_buf_str(&before), ns_buf_str(&after));

	ns_library *l = ns_library_load(dir, &err); /* never used before it is promoted */
	assert_non_null(l);
	assert_null(ns_library_find(l, "config-error-secret-missing"));
	ns_library_free(l);

	assert_false(ns_draft_promote(drafts, dir, "config-error-secret-missing", &err));
	assert_int_equal(err.code, NS_E_INVALID);
	assert_non_null(strstr(err.text, "is not finished: replace FIXME in lines 3, "));
	replace_all(path, NS_DRAFT_GAP, "Done");
	replace_all(path, "risk: medium", "risk: tiny");
	assert_false(ns_draft_promote(drafts, dir, "config-error-secret-missing", &err));
	assert_non_null(strstr(err.text, "risk must be low"));
	replace_all(path, "risk: tiny", "risk: medium");
	assert_true(ns_draft_promote(drafts, dir, "config-error-secret-missing", &err));
	assert_false(ns_exists(path));
	l = ns_library_load(dir, &err);
	assert_non_null(ns_library_find(l, "config-error-secret-missing"));
	ns_library_free(l);

	assert_true(ns_runbook_draft(drafts, &g.d, NULL, &err));
	replace_all(path, NS_DRAFT_GAP, "Done");
	assert_false(ns_draft_promote(drafts, dir, "config-error-secret-missing", &err)); /* there is one */
	assert_int_equal(err.code, NS_E_CONFLICT);
	assert_true(ns_exists(path));
	for (const char *const *bad = (const char *const[]){"../x", "", ".", "a/b", "x\n", NULL}; *bad; bad++)
		assert_false(ns_draft_promote(drafts, dir, *bad, &err));
	assert_false(ns_draft_promote(drafts, dir, "nothing-here", &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	ns_buf_free(&before);
	ns_buf_free(&after);
	free(path);
	free(again);
	ns_arena_free(g.ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_name),
	    cmocka_unit_test(test_content),
	    cmocka_unit_test_setup_teardown(test_file_and_promote, tmpdir_make, tmpdir_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
