/* The verbs on a made-up door: what is printed where, which exit status, and what may pass as a digest. */
#include "neuroscale/base/clock.h"
#include "neuroscale/cli/cli.h"
#include "support/test.h"
#include <fcntl.h>
#include <unistd.h>

static const char FULL[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void empty_strings_row(ns_inc_row *r)
{
	r->cluster = r->ns = r->target_kind = r->target = r->container = r->reason = r->message = r->headline = r->note = "";
}

typedef struct fake {
	ns_appr_row appr[3], undo;
	ns_inc_row inc[2];
	ns_cluster_row *clusters;
	size_t n_appr, n_inc, n_clusters, n_undo;
	ns_err refuse; /* what decide answers when code is set */
	int asked;     /* how often decide was called */
	int undone;    /* and undo */
	int64_t incident;
	ns_decide_req got;
	char digest[80], reason[80];
	bool lost; /* the engine is gone */
} fake;

static ns_snapshot *fake_snapshot(void *ctx, ns_err *err)
{
	fake *f = ctx;
	if (f->lost) {
		ns_fail(err, NS_E_UNREACHABLE, "the engine is gone");
		return NULL;
	}
	ns_arena *ar = ns_arena_new();
	ns_snapshot *s = ns_arena_alloc(ar, sizeof *s);
	s->arena = ar;
	s->refs = 1;
	s->user = s->mode = s->version = s->trouble = "";
	s->taken_ms = 1000000 - 60000; /* nothing happened for a minute: what is shown goes by the engine's clock */
	s->clock = ns_arena_printf(ar, "1:%lld:1000000", (long long)ns_real_mono_ms());
	s->approvals = f->appr;
	s->n_approvals = f->n_appr;
	s->undos = &f->undo;
	s->n_undos = f->n_undo;
	s->clusters = f->clusters;
	s->n_clusters = f->n_clusters;
	s->incidents = f->inc;
	s->n_incidents = f->n_inc;
	return s;
}

static bool fake_decide(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err)
{
	fake *f = ctx;
	f->asked++;
	f->got = *req;
	snprintf(f->digest, sizeof f->digest, "%s", req->digest ? req->digest : "(none)");
	snprintf(f->reason, sizeof f->reason, "%s", req->reason);
	if (f->refuse.code)
		return ns_fail(err, f->refuse.code, "%s", f->refuse.text);
	snprintf(said, cap, "%s: incident 1", req->approve ? "approved" : "rejected");
	return true;
}

static bool fake_undo(void *ctx, const ns_undo_req *req, char *said, size_t cap, ns_err *err)
{
	fake *f = ctx;
	f->undone++;
	f->incident = req->incident;
	snprintf(f->digest, sizeof f->digest, "%s", req->digest ? req->digest : "(none)");
	snprintf(f->reason, sizeof f->reason, "%s", req->reason);
	if (f->refuse.code)
		return ns_fail(err, f->refuse.code, "%s", f->refuse.text);
	snprintf(said, cap, "taking back: incident %lld", (long long)req->incident);
	return true;
}

static ns_detail *fake_detail(void *ctx, int64_t incident, ns_err *err)
{
	ns_fail(err, NS_E_NOTFOUND, "there is no incident %lld", (long long)incident);
	return NULL;
}

static char out_text[65536], err_text[8192];

static void read_back(int fd, char *to, size_t cap)
{
	ssize_t n = pread(fd, to, cap - 1, 0);
	to[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs the command line on the fake; what it printed is in out_text and err_text. */
static int run(fake *f, const char *line)
{
	char copy[512], program[] = "neuroscale-tui", *argv[16] = {program}, *save = NULL;
	int argc = 1;
	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	ns_err err = {0};
	ns_config *c = ns_config_load(argc, argv, &err);
	if (!c)
		fail_msg("%s: %s", line, err.text);
	ns_door door = {.snapshot = fake_snapshot, .decide = fake_decide, .undo = fake_undo, .detail = fake_detail, .ctx = f};
	char to[] = "/tmp/ns-cli-out-XXXXXX", te[] = "/tmp/ns-cli-err-XXXXXX";
	int fo = mkstemp(to), fe = mkstemp(te), so = dup(STDOUT_FILENO), se = dup(STDERR_FILENO);
	unlink(to);
	unlink(te);
	fflush(stdout);
	fflush(stderr);
	dup2(fo, STDOUT_FILENO);
	dup2(fe, STDERR_FILENO);
	int status = ns_cli_run(c, &door);
	fflush(stdout);
	fflush(stderr);
	dup2(so, STDOUT_FILENO);
	dup2(se, STDERR_FILENO);
	close(so);
	close(se);
	read_back(fo, out_text, sizeof out_text);
	read_back(fe, err_text, sizeof err_text);
	ns_config_free(c);
	return status;
}

static fake one_approval(void)
{
	fake f = {.n_appr = 1};
	ns_appr_row_blank(&f.appr[0]);
	f.appr[0].id = 3;
	f.appr[0].state = NS_CARD_READY;
	f.appr[0].digest = FULL;
	f.appr[0].headline = "raise memory limit of cart/app 128Mi -> 256Mi";
	f.appr[0].summary = "It was OOMKilled.";
	f.appr[0].ns = "shop";
	f.appr[0].target = "cart";
	f.appr[0].command = "kubectl -n shop patch deployment/cart";
	f.appr[0].diff = "- a: 1\n+ a: 2";
	f.appr[0].deadline_ms = 1000000 + 90000;
	return f;
}

static void it_lists_what_waits(void **state)
{
	fake f = one_approval();
	assert_int_equal(run(&f, "approvals"), 0);
	assert_string_equal(err_text, "");
	assert_non_null(strstr(out_text, "3  raise memory limit of cart/app 128Mi -> 256Mi  (shop/cart, risk low, "));
	assert_non_null(strstr(out_text, "    - a: 1\n    + a: 2\n"));
	assert_non_null(strstr(out_text, "neuroscale-tui approve 3 --digest 0123456789ab\n"));
	assert_null(strstr(out_text, "people"));
	f.appr[0].people = "1 of 2: uid 1000 (kim) said yes at 03:02:11Z; another person must";
	f.appr[0].autonomy = "4 of 4 fixed here";
	assert_int_equal(run(&f, "approvals"), 0);
	assert_non_null(strstr(out_text, "   people      1 of 2: uid 1000 (kim) said yes at 03:02:11Z; another person must\n"));
	assert_non_null(strstr(out_text, "   autonomy    4 of 4 fixed here\n"));
	f.appr[0].state = NS_CARD_PREPARING; /* no digest to show, nothing to approve */
	f.appr[0].digest = "";
	assert_int_equal(run(&f, "approvals"), 0);
	assert_null(strstr(out_text, "--digest"));
	f.n_appr = 0;
	assert_int_equal(run(&f, "approvals"), 0);
	assert_string_equal(out_text, "nothing waits for a decision\n");
}

static fake one_undo(void)
{
	fake f = {.n_undo = 1};
	ns_appr_row_blank(&f.undo);
	f.undo.id = 31;
	f.undo.incident = 7;
	f.undo.digest = FULL;
	f.undo.headline = "take back: raise memory limit of cart/app 128Mi -> 256Mi";
	f.undo.cluster = "prod";
	f.undo.ns = "shop";
	f.undo.target_kind = "Deployment";
	f.undo.target = "cart";
	f.undo.command = "kubectl -n shop patch deployment/cart";
	f.undo.diff = "- a: 2\n+ a: 1";
	f.undo.deadline_ms = 1764000000000;
	return f;
}

static void an_undo_without_its_digest_is_only_shown(void **state)
{
	fake f = one_undo();
	assert_int_equal(run(&f, "undo 7"), 2);
	assert_int_equal(f.undone, 0);
	assert_non_null(strstr(out_text, "take back: raise memory limit of cart/app 128Mi -> 256Mi  (Deployment shop/cart in prod, possible until 2025-11-24T16:00:00Z)"));
	assert_non_null(strstr(out_text, "    - a: 2\n    + a: 1\n"));
	assert_non_null(strstr(out_text, "neuroscale-tui undo 7 --digest 0123456789ab\n"));
	assert_non_null(strstr(err_text, "nothing was sent: add --digest 0123456789ab"));
	assert_int_equal(run(&f, "undo 7 --digest 0123"), 2); /* too few digits prove nothing */
	assert_int_equal(run(&f, "undo 7 --digest ffff456789ab"), ns_code_lookup(NS_E_CONFLICT)->exit_status);
	assert_int_equal(run(&f, "undo seven --digest 0123456789ab"), 2);
	assert_int_equal(f.undone, 0);
}

static void an_undo_sends_the_whole_digest(void **state)
{
	fake f = one_undo();
	assert_int_equal(run(&f, "undo 7 --digest 0123456789ab --reason worse"), 0);
	assert_int_equal(f.undone, 1);
	assert_int_equal(f.asked, 0);
	assert_int_equal(f.incident, 7);
	assert_string_equal(f.digest, FULL);
	assert_string_equal(f.reason, "worse");
	assert_string_equal(out_text, "taking back: incident 7\n");
	assert_int_equal(run(&f, "undo 7 --digest 0123456789ab --json"), 0);
	assert_string_equal(out_text, "{\"incident\":7,\"said\":\"taking back: incident 7\"}\n");
	/* What is not offered (any more) is answered by the engine: who took it, or that there is nothing. */
	ns_fail(&f.refuse, NS_E_CONFLICT, "it was taken back already, by uid 1000 (kim)");
	assert_int_equal(run(&f, "undo 9 --digest 0123456789ab"), ns_code_lookup(NS_E_CONFLICT)->exit_status);
	assert_int_equal(f.incident, 9);
	assert_non_null(strstr(err_text, "by uid 1000 (kim)"));
	assert_int_equal(run(&f, "undo 9"), ns_code_lookup(NS_E_CONFLICT)->exit_status);
}

static void json_is_one_line_that_parses(void **state)
{
	fake f = one_approval();
	assert_int_equal(run(&f, "approvals --json"), 0);
	assert_ptr_equal(strchr(out_text, '\n'), out_text + strlen(out_text) - 1);
	cJSON *j = ns_json_parse(out_text, strlen(out_text) - 1, &ns_json_strict, NULL);
	assert_true(cJSON_IsArray(j));
	assert_string_equal(ns_json_str(j->child, "digest", ""), FULL);
	assert_int_equal(ns_json_int_or(j->child, "id", 0), 3);
	cJSON_Delete(j);
	assert_int_equal(run(&f, "incidents --json"), 0);
	assert_string_equal(out_text, "[]\n");
}

static void approving_sends_the_whole_digest(void **state)
{
	fake f = one_approval();
	assert_int_equal(run(&f, "approve 3 --digest 01234567 --reason seen"), 0);
	assert_string_equal(out_text, "approved: incident 1\n");
	assert_string_equal(f.digest, FULL);
	assert_string_equal(f.reason, "seen");
	assert_string_equal(f.got.surface, "cli");
	assert_true(f.got.approve && f.got.approval == 3);
	assert_int_equal(run(&f, "approve 3 --json --digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"), 0);
	assert_string_equal(out_text, "{\"approval\":3,\"said\":\"approved: incident 1\"}\n");
}

static void an_approval_without_its_digest_is_not_sent(void **state)
{
	static const struct {
		const char *line;
		int status;
	} rows[] = {
	    {"approve 3", 2},                   /* none */
	    {"approve 3 --digest 0123456", 2},  /* seven digits */
	    {"approve 3 --digest 01234568", 5}, /* another one */
	    {"approve 3 --digest abcdef01", 5},
	    {"approve 3 --digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", 2}, /* 65 */
	    {"approve 3 --digest 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee", 5},
	    {"approve three --digest 01234567", 2},
	    {"approve 0 --digest 01234567", 2},
	    {"approve 3x --digest 01234567", 2},
	    {"approve 99999999999999999999 --digest 01234567", 2},
	    {"reject -- -3", 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fake f = one_approval();
		if (run(&f, rows[i].line) != rows[i].status)
			fail_msg("%s: %s", rows[i].line, err_text);
		assert_int_equal(f.asked, 0);
		assert_string_equal(out_text, "");
		assert_memory_equal(err_text, "neuroscale-tui: ", 16);
		assert_ptr_equal(strchr(err_text, '\n'), err_text + strlen(err_text) - 1); /* one line */
	}
}

/* The engine is asked about an approval that waits no more: it knows who decided. No digest can match there. */
static void one_that_is_gone_is_answered_by_the_engine(void **state)
{
	fake f = one_approval();
	f.refuse.code = NS_E_CONFLICT;
	snprintf(f.refuse.text, sizeof f.refuse.text, "rejected by uid 0 (root) at 12:00");
	assert_int_equal(run(&f, "approve 4 --digest 01234567"), 5);
	assert_int_equal(f.asked, 1);
	assert_string_not_equal(f.digest, FULL);
	assert_int_equal((int)strlen(f.digest), 64);
	assert_string_equal(err_text, "neuroscale-tui: rejected by uid 0 (root) at 12:00\n");
}

static void rejecting_needs_no_digest(void **state)
{
	fake f = one_approval();
	assert_int_equal(run(&f, "reject 3"), 0);
	assert_string_equal(out_text, "rejected: incident 1\n");
	assert_false(f.got.approve);
	assert_string_equal(f.digest, "(none)");
}

static void every_refusal_has_its_exit_status(void **state)
{
	for (int i = 1; i < NS_CODE_COUNT; i++) {
		fake f = one_approval();
		f.refuse.code = (ns_code)i;
		snprintf(f.refuse.text, sizeof f.refuse.text, "no");
		assert_int_equal(run(&f, "reject 3"), ns_code_lookup((ns_code)i)->exit_status);
		assert_string_equal(out_text, "");
		assert_string_equal(err_text, "neuroscale-tui: no\n");
	}
}

static void a_lost_engine_and_a_missing_incident(void **state)
{
	fake f = {.lost = true};
	assert_int_equal(run(&f, "approvals"), 7);
	assert_int_equal(run(&f, "incidents --json"), 7);
	assert_int_equal(run(&f, "approve 1 --digest 01234567"), 7);
	assert_string_equal(err_text, "neuroscale-tui: the engine is gone\n");
	f.lost = false;
	assert_int_equal(run(&f, "incident 9"), 3);
	assert_string_equal(err_text, "neuroscale-tui: there is no incident 9\n");
	assert_int_equal(run(&f, "incident nine"), 2);
}

static void no_incidents_is_said(void **state)
{
	fake f = {0};
	assert_int_equal(run(&f, "incidents"), 0);
	assert_string_equal(out_text, "no incidents\n");
}

/* --cluster NAME narrows both lists, as text and as JSON; a name that is none is refused, not "no incidents". */
static void one_cluster_of_several(void **state)
{
	fake f = one_approval();
	static ns_cluster_row two[2];
	for (int i = 0; i < 2; i++) {
		two[i].name = i ? "staging" : "prod-eu";
		two[i].context = two[i].server = two[i].user = two[i].color = two[i].storm_why = two[i].lease_why = two[i].frozen_why = two[i].down_why =
		    two[i].degraded = two[i].breakers = two[i].cost_error = "";
	}
	f.clusters = two;
	f.n_clusters = 2;
	f.appr[0].cluster = "prod-eu";
	f.n_inc = 2;
	empty_strings_row(&f.inc[0]);
	empty_strings_row(&f.inc[1]);
	f.inc[0].id = 7;
	f.inc[0].cluster = "prod-eu";
	f.inc[1].id = 8;
	f.inc[1].cluster = "staging";
	f.inc[0].ns = f.inc[1].ns = "shop";
	f.inc[0].target = f.inc[1].target = "cart";
	assert_int_equal(run(&f, "incidents"), 0);
	assert_non_null(strstr(out_text, "prod-eu: shop/cart"));
	assert_non_null(strstr(out_text, "staging: shop/cart"));
	assert_int_equal(run(&f, "incidents --cluster staging"), 0);
	assert_null(strstr(out_text, "prod-eu"));
	assert_non_null(strstr(out_text, "staging: shop/cart"));
	assert_int_equal(run(&f, "incidents --cluster staging --json"), 0);
	assert_null(strstr(out_text, "prod-eu"));
	assert_non_null(strstr(out_text, "\"id\":8"));
	assert_int_equal(run(&f, "approvals --cluster staging"), 0);
	assert_string_equal(out_text, "nothing waits for a decision\n");
	assert_int_equal(run(&f, "approvals --cluster prod-eu"), 0);
	assert_non_null(strstr(out_text, "prod-eu: shop/cart"));
	assert_int_not_equal(run(&f, "incidents --cluster stagin"), 0);
	assert_non_null(strstr(err_text, "watches no cluster \"stagin\", did you mean \"staging\"? (it watches: prod-eu, staging)"));
}

static void which_commands_are_verbs(void **state)
{
	assert_true(ns_cli_is_verb("approve") && ns_cli_is_verb("incident"));
	assert_false(ns_cli_is_verb("") || ns_cli_is_verb("demo") || ns_cli_is_verb("audit") || ns_cli_is_verb("approv"));
}

/* A full disk behind `neuroscale-tui incidents --json >file` must not look like success. */
static void an_answer_that_cannot_be_written_is_a_failure(void **state)
{
	int full = open("/dev/full", O_WRONLY), saved = dup(STDOUT_FILENO), se = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	if (full < 0)
		skip();
	fake f = one_approval();
	ns_err err = {0};
	char program[] = "neuroscale-tui", verb[] = "incidents", *argv[] = {program, verb, NULL};
	ns_config *c = ns_config_load(2, argv, &err);
	ns_door door = {.snapshot = fake_snapshot, .decide = fake_decide, .detail = fake_detail, .ctx = &f};
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	int status = ns_cli_run(c, &door);
	dup2(saved, STDOUT_FILENO);
	dup2(se, STDERR_FILENO);
	clearerr(stdout);
	close(full);
	close(null);
	close(saved);
	close(se);
	ns_config_free(c);
	assert_int_equal(status, 11);
}

int main(void)
{
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_lists_what_waits),
	    cmocka_unit_test(an_undo_without_its_digest_is_only_shown),
	    cmocka_unit_test(an_undo_sends_the_whole_digest),
	    cmocka_unit_test(json_is_one_line_that_parses),
	    cmocka_unit_test(approving_sends_the_whole_digest),
	    cmocka_unit_test(an_approval_without_its_digest_is_not_sent),
	    cmocka_unit_test(one_that_is_gone_is_answered_by_the_engine),
	    cmocka_unit_test(rejecting_needs_no_digest),
	    cmocka_unit_test(every_refusal_has_its_exit_status),
	    cmocka_unit_test(a_lost_engine_and_a_missing_incident),
	    cmocka_unit_test(no_incidents_is_said),
	    cmocka_unit_test(one_cluster_of_several),
	    cmocka_unit_test(which_commands_are_verbs),
	    cmocka_unit_test(an_answer_that_cannot_be_written_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
