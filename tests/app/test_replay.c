/* `replay`: what was decided comes out of the record again, and each decision that does not is named with the reason. */
#include "neuroscale/agents/executor.h"
#include "neuroscale/agents/verifier.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/llm/analyst.h"
#include "llm/case_build.h"
#include "run_cmd.h"
#include "store/fixture.h"

/* What a case of this test makes otherwise than it should be; 0 and NULL: nothing. */
typedef struct wrong {
	const char *what, *says;
} wrong;

static void put(fixture *f, int64_t id, const char *name, cJSON *doc)
{
	OK(f, ns_store_fact_put(f->s, id, name, doc, &f->err));
	cJSON_Delete(doc);
}

static void row(fixture *f, int64_t id, const char *action, const char *digest, const char *from, const char *to)
{
	cJSON *before = cJSON_CreateObject(), *after = cJSON_CreateObject();
	ns_audit_entry e = {.actor = "engine", .action = action, .incident = id, .digest = digest, .before = before, .after = after};
	if (*from) {
		ns_json_put_str(before, "state", from);
		ns_json_put_str(after, "state", to);
	}
	OK(f, ns_store_audit(f->s, &e, NULL, NULL, &f->err));
	cJSON_Delete(before);
	cJSON_Delete(after);
}

static void go(fixture *f, int64_t id, ns_state to)
{
	ns_incident inc = incident_of(f, id);
	OK(f, ns_store_transition(f->s, id, inc.state, inc.version, to, NS_VERDICT_NONE, "", &f->err));
	row(f, id, ns_arena_printf(f->ar, "%s -> %s", ns_state_get(inc.state)->name, ns_state_get(to)->name), "", ns_state_get(inc.state)->name, ns_state_get(to)->name);
}

static cJSON *gate_doc(const ns_gate_facts *f, bool sending, bool approved, const char *condition)
{
	static const char *const ways[] = {"manual_review", "ask", "auto"};
	ns_gate_verdict v;
	cJSON *g = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(g, "reasons");
	bool sends = false;
	if (sending)
		sends = ns_gate_may_send(f, approved, &v);
	else
		ns_gate(f, &v);
	ns_json_put_str(g, "way", ways[v.way]);
	ns_json_put_bool(g, "sending", sending);
	ns_json_put_bool(g, "approved", approved);
	if (sending)
		ns_json_put_bool(g, "sends", sends);
	cJSON_AddItemToObject(g, "facts", ns_gate_facts_to_json(f));
	for (size_t i = 0; i <= v.n; i++) {
		const char *name = i < v.n ? v.condition[i] : condition;
		if (!name)
			continue;
		cJSON *r = cJSON_CreateObject();
		ns_json_put_str(r, "condition", name);
		cJSON_AddItemToArray(list, r);
	}
	return g;
}

static ns_plan *plan_of(fixture *f, const ns_alert *a, const char *container)
{
	static const char *const argv[] = {"-n", "shop", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	static const char *const delete[] = {"-n", "shop", "delete", "deployment/web", NULL};
	cJSON *empty = cJSON_CreateObject();
	ns_json_put_str(empty, "action", "patch_resources");
	ns_json_put_str(empty, "risk", "low");
	ns_json_put_bool(empty, "requires_approval", false);
	ns_plan *p = ns_plan_from_json(f->ar, empty, &f->err);
	cJSON_Delete(empty);
	if (!p)
		fail_msg("%s", f->err.text);
	p->target = a->target;
	p->summary = "raise memory";
	p->command = p->undo = (ns_command){.argv = strcmp(container, "delete") == 0 ? delete : argv, .body = "[]", .json_patch = true, .equivalent = ""};
	p->undo_valid = true;
	p->score = p->margin = 0.9;
	return p;
}

/* A whole incident that a person approved and that was fixed, with one lie in it. */
static int64_t record(fixture *f, const char *lie)
{
#define LIE(word) (strcmp(lie, word) == 0)
	ns_alert a = alert_of("web");
	int64_t id = open_incident(f, "web"), approval, intent;
	build b = begin(f->ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "web");
	memory(&b, failing(&b, "app", "web:1", "CrashLoopBackOff", "back-off", "OOMKilled", 137, 5), 128 * MI, 64 * MI);
	ns_case *c = b.c;
	c->alert = a;
	ns_rca *r = ns_offline_analyze(f->ar, c);
	if (LIE("diagnosis"))
		r->confidence = 0.123;
	if (LIE("model"))
		r->provider = "qwen-max";
	OK(f, ns_store_begin(f->s, &f->err));
	put(f, id, "alert", ns_alert_to_json(&a));
	row(f, id, "detected", "", "", "");
	go(f, id, NS_ST_ANALYZING);
	put(f, id, "case", ns_case_to_json(c));
	put(f, id, "rca", ns_rca_to_json(r));
	go(f, id, NS_ST_PLANNING);
	ns_plan *p = plan_of(f, &a, LIE("command") ? "delete" : "");
	put(f, id, "plan", ns_plan_to_json(p));

	ns_gate_facts g;
	ns_gate_best(&g);
	ns_gate_judge(c, r, p, &g);
	g.profile = NS_PROFILE_APPROVE;
	g.yeses = 1;
	if (LIE("facts"))
		g.confidence = 0.99;
	cJSON *asked = gate_doc(&g, false, false, LIE("old rule") ? "full-moon" : NULL);
	if (LIE("way"))
		ns_json_put_str(asked, "way", "auto");
	if (LIE("hidden reason"))
		cJSON_DeleteItemFromArray(cJSON_GetObjectItem(asked, "reasons"), 0);
	if (LIE("no facts"))
		cJSON_DeleteItemFromObject(asked, "facts");
	if (LIE("fewer facts"))
		cJSON_DeleteItemFromObject(cJSON_GetObjectItem(asked, "facts"), "storm");
	put(f, id, "gate", asked);
	ns_dryrun dr = {.ok = true, .error = "", .diff = "- a: 1\n+ a: 2\n", .diff_lines = 2, .warnings = "", .live_uid = a.target.uid, .live_generation = 2,
	    .cluster_identity = "c", .context = "ctx", .target_path = "/apis/apps/v1/namespaces/shop/deployments/web", .policy = "2", .diff_hash = DIGEST_A, .spec_hash = DIGEST_B,
	    .undo_ok = true, .shown_command = "kubectl"};
	char digest[NS_HEX256];
	assert_true(ns_dryrun_digest(&dr, p, false, digest));
	memcpy(dr.digest, LIE("dry-run") ? DIGEST_B : digest, sizeof digest);
	if (LIE("spec"))
		dr.spec_hash[0] = 'c';
	if (LIE("old digest"))
		dr.policy = "";
	put(f, id, "dryrun", ns_dryrun_to_json(&dr));
	OK(f, ns_store_approval_put(f->s, id, digest, 300000, &approval, &f->err));
	row(f, id, "approval asked", digest, "", "");
	go(f, id, LIE("ignored gate") ? NS_ST_MANUAL_REVIEW : NS_ST_AWAITING_APPROVAL);
	if (LIE("ignored gate")) {
		OK(f, ns_store_commit(f->s, &f->err));
		return id;
	}
	ns_clock_advance(f->clock, 1000);
	OK(f, ns_store_approval_decide(f->s, approval, NS_APPR_APPROVED, digest, "uid 1000 (kim)", "cli", "", &f->err));
	if (!LIE("no answer"))
		row(f, id, "approved", digest, "", "");
	go(f, id, NS_ST_EXECUTING);
	g.lease_held = !LIE("sent against the gate");
	cJSON *sent = gate_doc(&g, true, true, NULL);
	ns_json_put_bool(sent, "sends", true);
	put(f, id, "gate", sent);
	ns_intent in = {.incident = id, .approval = approval, .digest = digest, .action = "patch_resources", .target = "shop/Deployment/web", .cluster = "c1",
	    .argv_json = LIE("other command") ? "[\"-n\",\"shop\",\"scale\"]"
	                                      : "[\"-n\",\"shop\",\"patch\",\"deployment/web\",\"--type=json\",\"--patch-file=/dev/stdin\",\"-o\",\"json\"]",
	    .body = "[]", .lock_path = ""};
	if (LIE("command"))
		in.argv_json = "[\"-n\",\"shop\",\"delete\",\"deployment/web\"]";
	OK(f, ns_store_intent_start(f->s, &in, &intent, &f->err));
	row(f, id, "started", LIE("other digest") ? DIGEST_B : digest, "", "");
	if (LIE("sent twice"))
		row(f, id, "started", digest, "", "");
	OK(f, ns_store_intent_finish(f->s, intent, "sent", "", &f->err));
	cJSON *x = cJSON_CreateObject();
	ns_json_put_bool(x, "sent", true);
	ns_json_put_bool(x, LIE("unknown is success") ? "unknown" : "ok", true);
	if (LIE("no execution"))
		cJSON_Delete(x);
	else
		put(f, id, "execution", x);
	go(f, id, NS_ST_VERIFYING);
	ns_verify_state v;
	ns_verify_begin(&v, WALL0, 2);
	v.good_ms = v.live_ms = v.elapsed_ms = LIE("too early") ? 119000 : 120000;
	cJSON *doc = ns_verify_to_json(&v);
	ns_json_put_str(doc, "verdict", LIE("gloomy") ? "NOT FIXED" : "FIXED");
	ns_json_put_bool(doc, "harm", false);
	put(f, id, "verification", doc);
	go(f, id, LIE("against the verdict") ? NS_ST_FAILED : NS_ST_RESOLVED);
	OK(f, ns_store_commit(f->s, &f->err));
	return id;
}

static char *replayed(fixture *f, bool json, int want)
{
	static const char *const args[] = {"1", NULL};
	ns_config c = {.state_dir = f->dir, .command = "replay", .json = json};
	return cmd_output(ns_app_replay, &c, args, want);
}

static void what_was_decided_comes_out_again(void **state)
{
	fixture *f = *state;
	record(f, "");
	char *text = replayed(f, false, 0);
	static const char *const parts[] = {"same       2026-09-21T14:13:20Z  the record is whole\n", "  diagnosis by offline: ", "  plan: raise memory (patch_resources)\n", "  same       2026-09-21T14:13:20Z  digest of the plan: ",
	    "  gate before asking: ask\n", "  approval 1: approved by uid 1000 (kim)\n", "  gate before sending, with a yes: sent\n",
	    "  sent patch_resources on shop/Deployment/web by approval 1: sent\n", "  verdict: FIXED", "  verifying -> resolved by engine\n", " same, 0 differ, 0 not known\n"};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (!strstr(text, parts[i]))
			fail_msg("\"%s\" is not in:\n%s", parts[i], text);
	free(text);
	text = replayed(f, true, 0);
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, &f->err);
	assert_non_null(j);
	assert_int_equal(ns_json_int_or(j, "differs", -1), 0);
	assert_int_equal(ns_json_int_or(j, "same", -1), ns_json_len(ns_json_get(j, "decisions")));
	cJSON_Delete(j);
	free(text);
}

static void every_lie_is_found(void **state)
{
	static const wrong lies[] = {
	    {"diagnosis", "this version's confidence is"},
	    {"command", "its command is not permitted"},
	    {"facts", "the gate was told confidence=0.99, its documents say"},
	    {"way", "this version says ask"},
	    {"old rule", "\"full-moon\" stood against it then and does not by this version"},
	    {"hidden reason", "by this version \""},
	    {"ignored gate", "the incident went on to manual_review"},
	    {"dry-run", "no dry-run on record has the digest "},
	    {"spec", "what is on record gives "},
	    {"no answer", "the audit has no row of this answer"},
	    {"sent against the gate", "this version would refuse it"},
	    {"other command", "its command is not the plan's"},
	    {"other digest", "the audit's row has the digest bbbbbbbbbbbb, it has "},
	    {"sent twice", "2 rows say \"started\" and 1 intents are on record"},
	    {"unknown is success", "its outcome is \"sent\", its execution says unknown"},
	    {"no execution", "its outcome \"sent\" has no execution"},
	    {"too early", "it was not healthy for as long as it takes"},
	    {"gloomy", "nothing failed, and the time for it to recover was not over"},
	    {"against the verdict", "the incident went on to failed"},
	};
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		fixture g;
		fixture_dir(&g);
		fixture_open(&g);
		record(&g, lies[i].what);
		char *text = replayed(&g, false, 1);
		if (!strstr(text, lies[i].says))
			fail_msg("%s: \"%s\" is not in:\n%s", lies[i].what, lies[i].says, text);
		free(text);
		fixture_end(&g);
	}
}

/* Not on record is not a difference, and not the same either. */
static void what_is_not_on_record_is_said(void **state)
{
	static const wrong gaps[] = {{"model", "a model's words; what it cites is in the case"}, {"no facts", "recorded by a version that kept the reasons only"},
	    {"old digest", "recorded by a version that did not keep what it was made of"},
	    {"fewer facts", "recorded by a version whose gate knew other facts"}};
	for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
		fixture g;
		fixture_dir(&g);
		fixture_open(&g);
		record(&g, gaps[i].what);
		char *text = replayed(&g, false, 0);
		assert_non_null(strstr(text, "0 differ, 1 not known"));
		cmd_says(text, gaps[i].says);
		fixture_end(&g);
	}
}

static void a_record_that_was_changed_is_found(void **state)
{
	static const struct { const char *sql, *says; } ways[] = {
	    {"DROP TRIGGER facts_no_update; UPDATE facts SET json = replace(json, 'FIXED', 'UNKNOWN') WHERE name = 'verification'", "stands for the facts"},
	    {"DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE action = 'approved'", "is missing"},
	    {"DROP TRIGGER audit_no_update; UPDATE audit SET after = '{\"state\":\"failed\"}' WHERE action = 'verifying -> resolved'", "verifying -> failed"},
	    {"UPDATE incidents SET state = 'failed'", "its rows lead to resolved"},
	    {"DROP TRIGGER approvals_once; UPDATE approvals SET decided_ms = deadline_wall_ms + 1", "after its deadline, and silence is no (law 7)"},
	    {"DROP TRIGGER approvals_once; DROP TRIGGER approvals_two; UPDATE approvals SET needed = 2", "it took 2 people and 0 said yes"},
	    {"DROP TRIGGER intents_once; UPDATE intents SET digest = '" DIGEST_B "'", " is not what was sent (bbbbbbbbbbbb)"},
	    {"DROP TRIGGER facts_no_update; UPDATE facts SET json = '{}' WHERE name = 'plan'", "this version cannot read it: plan"},
	    {"DROP TRIGGER facts_no_update; UPDATE facts SET json = 'x' WHERE name = 'gate'", "the document \"gate\""},
	    {"DROP TRIGGER intents_once; UPDATE intents SET approval = NULL", "the gate judged it with a yes"},
	    {"DROP TRIGGER intents_once; UPDATE intents SET started_ms = started_ms - 5000", "it was sent before the yes"},
	};
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		fixture g;
		fixture_dir(&g);
		fixture_open(&g);
		record(&g, "");
		raw_sql(&g, ways[i].sql);
		char *text = replayed(&g, false, 1);
		if (!strstr(text, ways[i].says))
			fail_msg("%s\n\"%s\" is not in:\n%s", ways[i].sql, ways[i].says, text);
		free(text);
		fixture_end(&g);
	}
}

static void an_incident_that_is_not_there(void **state)
{
	fixture *f = *state;
	free(replayed(f, false, ns_code_lookup(NS_E_NOTFOUND)->exit_status));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_was_decided_comes_out_again),
	    cmocka_unit_test(every_lie_is_found),
	    cmocka_unit_test(what_is_not_on_record_is_said),
	    cmocka_unit_test(a_record_that_was_changed_is_found),
	    T(an_incident_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
