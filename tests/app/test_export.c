/* `export` and `runbook`: what is written of a recorded incident and what is not; the library's commands over drafts. */
#include "support/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "neuroscale/app/app.h"
#include "neuroscale/llm/reply.h"
#include "neuroscale/runbook/runbook.h"
#include "neuroscale/store/capsule.h"
#include "neuroscale/sys/fs.h"
#include "support/tmpdir.h"

static void put(ns_store *s, int64_t id, const char *name, cJSON *doc)
{
	ns_err err = {0};
	assert_non_null(doc);
	if (!ns_store_begin(s, &err) || !ns_store_fact_put(s, id, name, doc, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	cJSON_Delete(doc);
}

static void put_text(ns_store *s, int64_t id, const char *name, const char *json)
{
	put(s, id, name, cJSON_Parse(json));
}

/* An incident of shop/NAME with its case, cause and plan. */
static int64_t incident(ns_store *s, const char *name)
{
	static ns_evidence ev[] = {{"E1", NS_EV_EXIT, true, "app was OOMKilled at 128Mi", 0},
	    {"E2", NS_EV_LOG, false, "password=correcthorsebattery connecting", 0}};
	static const char *const ids[] = {"E1"};
	ns_claim claim = {.text = "OOMKilled", .evidence = ids, .n_evidence = 1};
	ns_arena *ar = ns_arena_new();
	ns_case *c = ns_case_new(ar);
	ns_err err = {0};
	int64_t id = 0;
	bool is_new = false;
	c->alert = (ns_alert){.kind = NS_KIND_OOM_KILLED, .target = {"c1", "shop", "Deployment", name, "u"}, .container = "app", .reason = "OOMKilled",
	    .message = "killed", .policy = "", .rule = "", .object_uid = "u"};
	c->evidence = ev;
	c->n_evidence = 2;
	ns_rca r = {.root_cause = "The limit is too low.", .confidence = 0.9, .action = NS_ACT_PATCH_RESOURCES, .risk = NS_RISK_LOW, .auto_remediate = true,
	    .reasoning = "token=ghp_0123456789abcdefghijklmnopqrstuvwxyz was seen", .claims = &claim, .n_claims = 1, .provider = "offline",
	    .cause_class = "oom_limit_too_low", .next_steps = ""};
	if (!ns_store_begin(s, &err) || !ns_store_incident_open(s, &c->alert, &id, &is_new, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	put(s, id, "case", ns_case_to_json(c));
	put(s, id, "rca", ns_rca_to_json(&r));
	put_text(s, id, "plan", "{\"action\":\"patch_resources\",\"risk\":\"medium\",\"requires_approval\":true,\"runbook\":\"r\"}");
	ns_arena_free(ar);
	return id;
}

/* Somebody takes back what it changed. */
static void taken_back(ns_store *s, int64_t id, const char *by)
{
	ns_err err = {0};
	ns_intent i = {.incident = id, .digest = "d", .action = "patch_resources", .target = "shop/Deployment/x", .cluster = "c1", .argv_json = "[]", .body = "", .lock_path = ""};
	ns_capsule c = {.incident = id, .plan = ns_store_fact_seq(s, id, "plan"), .cluster = "c1", .target = i.target, .action = i.action, .summary = "", .until_ms = INT64_MAX};
	bool ok = ns_store_begin(s, &err) && ns_store_intent_start(s, &i, &c.id, &err) && ns_store_intent_finish(s, c.id, "sent", "", &err) &&
	    ns_store_capsule_put(s, &c, &err) && ns_store_capsule_take(s, c.id, NULL, by, "", false, &err) &&
	    ns_store_capsule_end(s, c.id, NS_CAP_UNDONE, "", &err) && ns_store_commit(s, &err);
	if (!ok)
		fail_msg("%s", err.text);
}

/* Runs it with standard output in a file, and gives the text; the caller frees. */
static char *output(int (*run)(const ns_config *), const ns_config *cfg, int want)
{
	char name[] = "/tmp/ns-export-XXXXXX";
	int fd = mkstemp(name), out, err;
	ns_buf text = NS_BUF_INIT;
	assert_true(fd >= 0);
	fflush(stdout);
	fflush(stderr);
	out = dup(1);
	err = dup(2);
	dup2(fd, 1);
	dup2(fd, 2);
	int status = run(cfg);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(fd);
	assert_true(ns_read_file(name, 1 << 20, &text, NULL));
	unlink(name);
	if (status != want)
		fail_msg("status %d, wanted %d: %s", status, want, ns_buf_str(&text));
	return ns_buf_steal(&text);
}

static void test_export(void **state)
{
	ns_err err = {0};
	const char *dir = *state;
	ns_clock *clock = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(dir, clock, &err);
	assert_non_null(s);
	int64_t good = incident(s, "good"), rejected = incident(s, "rejected"), failed = incident(s, "failed");
	incident(s, "open");
	int64_t undone = incident(s, "replanned");
	put_text(s, good, "decision", "{\"decision\":\"approved\"}");
	put_text(s, good, "verification", "{\"verdict\":\"FIXED\"}");
	put_text(s, rejected, "decision", "{\"decision\":\"rejected\"}");
	put_text(s, failed, "decision", "{\"decision\":\"approved\"}");
	put_text(s, failed, "verification", "{\"verdict\":\"UNKNOWN\"}");
	put_text(s, undone, "decision", "{\"decision\":\"approved\"}");
	put_text(s, undone, "verification", "{\"verdict\":\"FIXED\"}");
	put_text(s, undone, "plan", "{\"action\":\"rollback\",\"risk\":\"low\",\"requires_approval\":true}"); /* a newer plan that nobody decided */
	int64_t regretted = incident(s, "regretted");
	put_text(s, regretted, "decision", "{\"decision\":\"approved\"}");
	put_text(s, regretted, "verification", "{\"verdict\":\"FIXED\"}");
	taken_back(s, regretted, "uid 1000 (kim)");
	taken_back(s, good, "timer"); /* it only ended with its time */
	ns_store_close(s);

	ns_config cfg = {.state_dir = dir, .since = "", .runbook_dir = "", .command = "export"};
	char *text = output(ns_app_export, &cfg, 0);
	assert_non_null(strstr(text, "1 written; left out: 3 that nobody approved, 2 that were not seen fixed"));
	assert_null(strstr(text, "correcthorsebattery"));
	assert_null(strstr(text, "ghp_0123"));
	char *line = strstr(text, "{\"messages\"");
	assert_non_null(line);
	*strchr(line, '\n') = 0;
	cJSON *row = cJSON_Parse(line), *list = cJSON_GetObjectItem(row, "messages");
	assert_int_equal(cJSON_GetArraySize(list), 3);
	static const char *const roles[] = {"system", "user", "assistant"};
	for (int i = 0; i < 3; i++) {
		assert_string_equal(ns_json_str(cJSON_GetArrayItem(list, i), "role", ""), roles[i]);
		assert_true(strlen(ns_json_str(cJSON_GetArrayItem(list, i), "content", "")) > 0);
	}
	assert_non_null(strstr(ns_json_str(cJSON_GetArrayItem(list, 1), "content", ""), "app was OOMKilled at 128Mi"));
	/* the answer is one that our own contract accepts */
	ns_arena *ar = ns_arena_new();
	ns_reply reply;
	const char *answer = ns_json_str(cJSON_GetArrayItem(list, 2), "content", "");
	ns_reply_read(ar, answer, strlen(answer), &reply);
	if (!reply.valid)
		fail_msg("%s: %s", reply.reason, answer);
	assert_true(reply.action == NS_ACT_PATCH_RESOURCES && reply.risk == NS_RISK_MEDIUM && reply.n_claims == 1);
	ns_arena_free(ar);
	cJSON_Delete(row);
	free(text);

	cfg.since = "2026-11-25";
	text = output(ns_app_export, &cfg, 0);
	assert_non_null(strstr(text, "0 written"));
	free(text);
	cfg.since = "2026-11-24";
	text = output(ns_app_export, &cfg, 0);
	assert_non_null(strstr(text, "1 written"));
	free(text);
	cfg.since = "yesterday";
	text = output(ns_app_export, &cfg, ns_code_lookup(NS_E_USAGE)->exit_status);
	assert_non_null(strstr(text, "--since yesterday is no day"));
	free(text);
	ns_clock_free(clock);
}

static void test_runbook_commands(void **state)
{
	static const struct {
		const char *args[4];
		int code;
		const char *says;
	} rows[] = {
	    {{"list"}, NS_OK, "oomkill-increase-memory            patch_resources"},
	    {{"search", "OOMKilled, exit 137,", "the memory limit is too low"}, NS_OK, "oomkill-increase-memory            score 0."},
	    {{"search", "violins in autumn"}, NS_OK, "does not fit"},
	    {{"show", "oomkill-increase-memory"}, NS_OK, "action        patch_resources\n"},
	    {{"show", "no-such"}, NS_E_NOTFOUND, "there is no runbook \"no-such\""},
	    {{"show", "../../../etc/passwd"}, NS_E_NOTFOUND, "there is no runbook"},
	    {{"show"}, NS_E_USAGE, "usage: neuroscale-tui runbook show NAME"},
	    {{"promote", "x"}, NS_E_USAGE, "--runbooks"},
	    {{"promot", "x"}, NS_E_USAGE, "unknown command \"runbook promot\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_config cfg = {.state_dir = *state, .runbook_dir = "", .args = rows[i].args};
		while (rows[i].args[cfg.n_args])
			cfg.n_args++;
		char *text = output(ns_app_runbook, &cfg, rows[i].code ? ns_code_lookup(rows[i].code)->exit_status : 0);
		if (!strstr(text, rows[i].says))
			fail_msg("row %zu: %s", i, text);
		free(text);
	}
}

/* What a runbook has earned, place by place, by the rule of each place's cluster. */
static void test_runbook_record(void **state)
{
	const char *dir = *state;
	ns_clock *clock = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(dir, clock, NULL);
	ns_library *lib = ns_library_load(NULL, NULL);
	assert_true(s && lib);
	char *plan = ns_xasprintf("{\"action\":\"patch_resources\",\"risk\":\"medium\",\"requires_approval\":true,\"runbook\":\"oomkill-increase-memory\","
	                          "\"runbook_hash\":\"%s\"}",
	    ns_library_find(lib, "oomkill-increase-memory")->hash);
	for (int i = 0; i < 6; i++) {
		char name[16];
		snprintf(name, sizeof name, "w%d", i);
		int64_t id = incident(s, name);
		put_text(s, id, "plan", plan);
		put_text(s, id, "decision", "{\"decision\":\"approved\"}");
		put_text(s, id, "verification", "{\"verdict\":\"FIXED\"}");
	}
	free(plan);
	ns_library_free(lib);
	ns_store_close(s);
	ns_clock_free(clock);
	ns_config one = {.cluster = "c1", .autonomy = 2, .autonomy_threshold = 0.6, .autonomy_least = 5};
	const ns_config *const list[] = {&one};
	ns_config cfg = {.state_dir = dir, .runbook_dir = "", .args = (const char *const[]){"show", "oomkill-increase-memory"}, .n_args = 2, .clusters = list,
	    .n_clusters = 1, .autonomy_threshold = 0.9, .autonomy_least = 50};
	char *text = output(ns_app_runbook, &cfg, 0);
	assert_non_null(strstr(text, "record        c1/shop: 6 of 6 fixed here, 6 in a row; lower bound 60 % (needs 60 %, and 5 in a row): earned\n"));
	free(text);
	cfg.n_clusters = 0; /* a place that is not configured any more: by the general rule */
	text = output(ns_app_runbook, &cfg, 0);
	assert_non_null(strstr(text, "(needs 90 %, and 50 in a row): not earned (earned autonomy is off)"));
	free(text);
}

/* A draft is seen by list and show, and by nothing else before it is promoted. */
static void test_draft_to_runbook(void **state)
{
	static const char draft[] = "---\nid: made\ntitle: FIXME\nkinds: [oom_killed]\naction: manual_review\nrisk: low\ncauses: [made]\nsymptoms: [x]\n"
	                            "preconditions: [x]\nsteps: [x]\nverify: x\nundo: x\n---\n# Made\n";
	const char *dir = tmpdir_path(state, "runbooks");
	char *drafts = ns_path_join(*state, "drafts"), *path = ns_path_join(drafts, "made.md");
	ns_err err = {0};
	assert_true(ns_mkdirs(drafts, 0700, &err) && ns_mkdirs(dir, 0700, &err) && ns_write_file_atomic(path, draft, sizeof draft - 1, 0600, &err));
	ns_config cfg = {.state_dir = *state, .runbook_dir = dir, .args = (const char *const[]){"list", "made"}, .n_args = 1};
	char *text = output(ns_app_runbook, &cfg, 0);
	assert_non_null(strstr(text, "made                               draft"));
	free(text);
	cfg.args = (const char *const[]){"promote", "made"};
	cfg.n_args = 2;
	text = output(ns_app_runbook, &cfg, ns_code_lookup(NS_E_INVALID)->exit_status);
	assert_non_null(strstr(text, "replace FIXME in line 3"));
	free(text);
	char *ready = ns_xstrdup(draft);
	memcpy(strstr(ready, "FIXME"), "Fixed", 5);
	assert_true(ns_write_file_atomic(path, ready, sizeof draft - 1, 0600, &err));
	text = output(ns_app_runbook, &cfg, 0);
	assert_non_null(strstr(text, "made is in "));
	free(text);
	cfg.args = (const char *const[]){"show", "made"};
	text = output(ns_app_runbook, &cfg, 0);
	assert_non_null(strstr(text, "title         Fixed\n"));
	free(text);
	free(ready);
	free(path);
	free(drafts);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, tmpdir_make, tmpdir_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_export), T(test_runbook_commands), T(test_runbook_record), T(test_draft_to_runbook)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
