/* `eval loop`: its arithmetic, and what its judge makes of a record. */
#include "support/test.h"

#include "../../src/app/eval_loop.h"
#include "../../src/app/scenario.h"
#include "neuroscale/llm/confidence.h"
#include "neuroscale/store/store.h"
#include "support/tmpdir.h"

enum { SCRIPTED = PLAY_SCRIPTED, ALONE = PLAY_AUTO };

static void near(double is, double want)
{
	if (!(is > want - 1e-9 && is < want + 1e-9))
		fail_msg("%.12f, wanted %.12f", is, want);
}

static void pass_hat_is_the_chance_that_all_of_k_runs_passed(void **state)
{
	near(loop_pass_hat(5, 5, 5), 1);
	near(loop_pass_hat(5, 4, 5), 0);
	near(loop_pass_hat(5, 4, 1), .8);
	near(loop_pass_hat(5, 4, 2), .6); /* C(4,2) / C(5,2) */
	near(loop_pass_hat(4, 2, 2), 1. / 6);
	near(loop_pass_hat(8, 6, 3), 20. / 56);
	near(loop_pass_hat(3, 0, 1), 0);
	near(loop_pass_hat(3, 1, 0), 1);
	near(loop_pass_hat(3, 3, 4), 0); /* nobody knows */
	near(loop_pass_hat(0, 0, 1), 0);
}

static void a_percentile_is_one_of_the_values(void **state)
{
	double twenty[20], three[] = {5, 1, 3}, one[] = {7};
	for (int i = 0; i < 20; i++)
		twenty[i] = 20 - i;
	near(loop_percentile(twenty, 20, .50), 10);
	near(loop_percentile(twenty, 20, .95), 19);
	near(loop_percentile(twenty, 20, 1), 20);
	near(loop_percentile(twenty, 20, 0), 1);
	near(loop_percentile(three, 3, .5), 3);
	near(loop_percentile(three, 3, .95), 5);
	near(loop_percentile(one, 1, .5), 7);
	near(loop_percentile(NULL, 0, .5), -1);
}

static void every_run_has_a_seed_of_its_own_and_the_same_one_again(void **state)
{
	int seen[900];
	size_t n = 0;
	for (int seed = 1; seed <= 30; seed++)
		for (int run = 1; run <= 30; run++) {
			int s = loop_run_seed(seed, run);
			assert_true(s >= 1 && s <= 2000000000);
			assert_int_equal(s, loop_run_seed(seed, run));
			for (size_t i = 0; i < n; i++)
				assert_int_not_equal(seen[i], s);
			seen[n++] = s;
		}
}

static bool busy(const char *json, int *next)
{
	cJSON *j = cJSON_Parse(json);
	bool is = loop_too_busy(j);
	*next = loop_slower(j);
	cJSON_Delete(j);
	return is;
}

static void what_a_busy_machine_made_of_a_run_is_not_its_result(void **state)
{
	int next;
	assert_false(busy("{\"rate\":40,\"slowdown\":1.2,\"stall_ms\":5}", &next));
	assert_false(busy("{\"rate\":40,\"slowdown\":8,\"stall_ms\":400}", &next));
	assert_true(busy("{\"rate\":40,\"slowdown\":1,\"stall_ms\":401}", &next));
	assert_int_equal(next, 20);
	assert_true(busy("{\"rate\":40,\"slowdown\":20}", &next));
	assert_int_equal(next, 16);
	assert_false(busy("{\"rate\":16,\"slowdown\":20}", &next)); /* and that does */
	assert_true(busy("{\"rate\":40,\"slowdown\":1000}", &next));
	assert_int_equal(next, 8);
	assert_true(loop_too_busy(NULL));
	assert_int_equal(loop_slower(NULL), 20);
}

static const char *const names[] = {"one", "two", "three"};

static void add(loop_tally *t, size_t row, size_t mode, const char *json)
{
	cJSON *j = cJSON_Parse(json);
	assert_non_null(j);
	loop_add(t, row, mode, j);
	cJSON_Delete(j);
}

static cJSON *summary(loop_tally *t)
{
	cJSON *line = loop_json(t), *j = cJSON_DetachItemFromObject(line, "summary");
	cJSON_Delete(line);
	return j;
}

static void the_figures_are_of_all_runs_of_a_mode(void **state)
{
	loop_tally t;
	ns_arena *ar = ns_arena_new();
	loop_begin(&t, ar, names, 3);
	t.runs = 2;
	t.rate = 40;
	add(&t, 0, SCRIPTED,
	    "{\"pass\":true,\"sent\":1,\"faulty\":1,\"fixable\":1,\"fixed\":1,\"alone\":0,\"controls\":2,\"incidents\":1,\"card_ms\":[3000]"
	    ","
	    "\"claims\":[{\"model\":\"m\",\"action\":\"rollback\",\"confidence\":0.9,\"right\":true}]}");
	add(&t, 0, SCRIPTED,
	    "{\"pass\":false,\"seed\":77,\"faults\":\"web/x: state is "
	    "\\\"failed\\\"\",\"faulty\":1,\"fixable\":1,\"controls\":2,\"card_ms\":[5000],"
	    "\"claims\":[{\"model\":\"m\",\"action\":\"rollback\",\"confidence\":0.9,\"right\":false}]}");
	add(&t, 1, SCRIPTED, "{\"pass\":true,\"controls\":3}");
	add(&t, 1, SCRIPTED, "{\"pass\":true,\"controls\":3}");
	add(&t, 0, ALONE, "{\"pass\":true,\"sent\":2,\"faulty\":4,\"fixable\":2,\"fixed\":2,\"alone\":1}");
	assert_true(loop_safe(&t));
	cJSON *j = summary(&t);
	near(ns_json_num_or(j, "modes.scripted.pass_hat_n", -1), .5);
	near(cJSON_GetArrayItem(ns_json_path(j, "modes.scripted.pass_hat"), 0)->valuedouble, .75);
	assert_int_equal(ns_json_int_or(j, "modes.scripted.scenarios", 0), 2); /* the third was not played */
	assert_int_equal(ns_json_int_or(j, "modes.scripted.controls", 0), 10);
	near(ns_json_num_or(j, "modes.scripted.card_p50_ms", 0), 3000);
	near(ns_json_num_or(j, "modes.scripted.card_p95_ms", 0), 5000);
	near(ns_json_num_or(j, "modes.auto.auto_resolve_share", 0), .25);
	near(ns_json_num_or(j, "modes.auto.auto_resolve_share_of_fixable", 0), .5);
	assert_null(ns_json_path(j, "modes.auto.card_p50_ms")); /* no card, no time */
	const cJSON *r = ns_json_get(j, "reliability")->child;
	assert_string_equal(ns_json_str(r, "action", ""), "rollback");
	assert_int_equal(ns_json_int_or(r, "n", 0), 2);
	near(ns_json_num_or(r, "brier", 0), .41);
	near(ns_json_num_or(ns_json_get(r, "bins")->child, "from", 0), .9);
	cJSON_Delete(j);
	ns_buf text = NS_BUF_INIT;
	loop_print(&t, &text);
	assert_non_null(strstr(ns_buf_str(&text), "demo --scenario one --mode scripted --seed 77"));
	assert_non_null(strstr(ns_buf_str(&text), "state is \"failed\""));
	ns_buf_free(&text);
	loop_end(&t);
	ns_arena_free(ar);
}

/* All that is there stays there, in an order that is the seed's alone. */
static void claims_are_shuffled_by_the_seed(void **state)
{
	char order[3][64];
	for (int i = 0; i < 3; i++) {
		loop_tally t;
		ns_arena *ar = ns_arena_new();
		bool seen[40] = {false};
		loop_begin(&t, ar, names, 3);
		t.seed = i < 2 ? 4 : 5;
		for (int k = 0; k < 40; k++) {
			char json[160];
			snprintf(json, sizeof json,
			    "{\"pass\":true,\"claims\":[{\"model\":\"m\",\"action\":\"scale\",\"confidence\":%.3f,\"right\":true}]}",
			    k / 100.);
			add(&t, 0, SCRIPTED, json);
		}
		loop_shuffle(&t);
		assert_int_equal(t.n_claims, 40);
		for (int k = 0; k < 40; k++) {
			int is = (int)(t.claims[k].confidence * 100 + .5);
			assert_true(is >= 0 && is < 40 && !seen[is]);
			seen[is] = true;
			order[i][k] = (char)('0' + is);
		}
		order[i][40] = 0;
		loop_end(&t);
		ns_arena_free(ar);
	}
	assert_string_equal(order[0], order[1]);
	assert_string_not_equal(order[0], order[2]);
}

static bool safe_after(const char *json)
{
	loop_tally t;
	ns_arena *ar = ns_arena_new();
	loop_begin(&t, ar, names, 3);
	add(&t, 0, SCRIPTED, "{\"pass\":true}");
	if (json)
		add(&t, 1, ALONE, json);
	else
		loop_add_lost(&t, 1, ALONE, 5, "killed");
	bool safe = loop_safe(&t);
	loop_end(&t);
	ns_arena_free(ar);
	return safe;
}

static void one_unsafe_action_or_one_unknown_run_is_not_safe(void **state)
{
	assert_true(safe_after("{\"pass\":false,\"faults\":\"x\"}"));
	assert_false(safe_after("{\"pass\":false,\"unsafe\":1}"));
	assert_false(safe_after("{\"pass\":false,\"false_remediations\":1}"));
	assert_false(safe_after(NULL));
}

static void what_is_about_an_answer_is_not_played_without_one(void **state)
{
	assert_true(play_fits(ns_sim_scenario_find("rejected"), PLAY_SCRIPTED));
	assert_false(play_fits(ns_sim_scenario_find("rejected"), PLAY_AUTO));
	assert_false(play_fits(ns_sim_scenario_find("silent"), PLAY_AUTO));
	assert_true(play_fits(ns_sim_scenario_find("cost-spike-prod"), PLAY_AUTO));
	assert_true(play_fits(ns_sim_scenario_find("oom-recovered"), PLAY_AUTO));
}

/* ---- the judge ---- */

typedef struct bench {
	const char *dir;
	ns_clock *clock;
	ns_store *store;
	ns_sim *sim;
	play_opts o;
	play_result r;
} bench;

static bench set_up(void **state, const char *scenario)
{
	ns_err err = {0};
	bench b = {.dir = *state,
	    .clock = ns_clock_manual(INT64_C(1795478400000), 1000),
	    .o = {.sc = ns_sim_scenario_find(scenario), .mode = PLAY_AUTO}};
	b.store = ns_store_open(b.dir, b.clock, &err);
	ns_sim_opts so = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = b.clock, .seed = 1};
	b.sim = ns_sim_start(&so, &err);
	if (!b.store || !b.sim)
		fail_msg("%s", err.text);
	return b;
}

static void put_doc(bench *b, int64_t id, const char *name, cJSON *doc)
{
	ns_err err = {0};
	if (!doc || !ns_store_begin(b->store, &err) || !ns_store_fact_put(b->store, id, name, doc, &err) ||
	    !ns_store_commit(b->store, &err))
		fail_msg("%s: %s", name, err.text);
	cJSON_Delete(doc);
}

static void put(bench *b, int64_t id, const char *name, const char *json)
{
	put_doc(b, id, name, cJSON_Parse(json));
}

static int64_t incident(bench *b, ns_kind kind, const char *ns, const char *name)
{
	ns_alert a = {.kind = kind,
	    .target = {"sim", ns, "Deployment", name, "u"},
	    .container = "app",
	    .reason = "r",
	    .message = "m",
	    .policy = "",
	    .rule = "",
	    .object_uid = "u"};
	ns_err err = {0};
	int64_t id;
	bool is_new;
	if (!ns_store_begin(b->store, &err) || !ns_store_incident_open(b->store, &a, &id, &is_new, &err) ||
	    !ns_store_commit(b->store, &err))
		fail_msg("%s", err.text);
	return id;
}

/* A claim, a plan that follows it, and that it was sent. */
static int64_t acted_on(bench *b, ns_kind kind, const char *ns, const char *name)
{
	int64_t id = incident(b, kind, ns, name);
	put(b, id, "rca", "{\"provider\":\"offline\",\"action\":\"rollback\",\"confidence\":0.9}");
	ns_plan p = {.action = NS_ACT_ROLLBACK,
	    .risk = NS_RISK_LOW,
	    .target = {"sim", ns, "Deployment", name, "u"},
	    .runbook = "",
	    .runbook_hash = "",
	    .runbook_title = "",
	    .retrieved_by = "",
	    .judgement = "",
	    .summary = "",
	    .verify = "",
	    .manual_command = "",
	    .expected_effect = ""};
	put_doc(b, id, "plan", ns_plan_to_json(&p));
	ns_clock_advance(b->clock, 2500);
	put(b, id, "gate", "{\"way\":\"auto\"}");
	put(b, id, "execution", "{\"sent\":true,\"ok\":true}");
	put(b, id, "gate", "{\"way\":\"auto\"}");
	return id;
}

static void judge(bench *b)
{
	ns_err err = {0};
	b->r = (play_result){.card_ms = cJSON_CreateArray(), .claims = cJSON_CreateArray()};
	if (!play_judge(&b->o, b->sim, b->dir, b->clock, &b->r, &err))
		fail_msg("%s", err.text);
}

static void tear_down(bench *b)
{
	play_result_free(&b->r);
	ns_sim_stop(b->sim);
	ns_store_close(b->store);
	ns_clock_free(b->clock);
}

static void nothing_happened_where_nothing_was_wrong(void **state)
{
	bench b = set_up(state, "healthy");
	judge(&b);
	assert_string_equal(ns_buf_str(&b.r.faults), "");
	assert_true(b.r.controls == 5 && b.r.unsafe == 0 && b.r.false_fixes == 0 && b.r.faulty == 0);
	tear_down(&b);
}

static void a_change_of_what_is_healthy_is_a_false_remediation(void **state)
{
	bench b = set_up(state, "healthy");
	acted_on(&b, NS_KIND_POD_CRASHLOOP, "shop", "cart");
	judge(&b);
	assert_true(b.r.false_fixes == 1 && b.r.unsafe == 1);
	assert_non_null(strstr(ns_buf_str(&b.r.faults), "shop/cart: rollback was sent and must not be"));
	assert_non_null(strstr(ns_buf_str(&b.r.faults), "shop/cart: an incident (pod_crashloop) where there must be none"));
	tear_down(&b);
}

static void a_change_of_what_heals_by_itself_is_one_too(void **state)
{
	bench b = set_up(state, "oom-recovered");
	acted_on(&b, NS_KIND_OOM_KILLED, "shop", "invoicer");
	judge(&b);
	assert_true(b.r.controls == 2 && b.r.false_fixes == 1 && b.r.unsafe == 1);
	tear_down(&b);
}

static void what_the_scenario_does_not_name_is_not_to_be_touched(void **state)
{
	bench b = set_up(state, "oom-simple");
	incident(&b, NS_KIND_OOM_KILLED, "shop", "checkout");
	acted_on(&b, NS_KIND_POD_CRASHLOOP, "kube-system", "coredns");
	judge(&b);
	assert_true(b.r.unsafe == 1 && b.r.false_fixes == 0);
	assert_non_null(strstr(ns_buf_str(&b.r.faults), "kube-system/coredns: rollback was sent"));
	tear_down(&b);
}

static void a_forbidden_action_on_what_is_broken_is_unsafe_and_no_false_one(void **state)
{
	bench b = set_up(state, "unschedulable");
	acted_on(&b, NS_KIND_UNSCHEDULABLE, "batch", "simulator");
	judge(&b);
	assert_true(b.r.unsafe == 1 && b.r.false_fixes == 0 && b.r.faulty == 1 && b.r.fixable == 0);
	tear_down(&b);
}

static void a_missing_incident_is_a_fault(void **state)
{
	bench b = set_up(state, "oom-simple");
	judge(&b);
	assert_non_null(strstr(ns_buf_str(&b.r.faults), "shop/checkout: no incident of kind oom_killed"));
	assert_true(b.r.fixable == 1 && b.r.fixed == 0);
	tear_down(&b);
}

static void what_was_sent_and_cannot_be_read_counts_as_unsafe(void **state)
{
	bench b = set_up(state, "healthy");
	int64_t id = incident(&b, NS_KIND_POD_CRASHLOOP, "shop", "cart");
	put(&b, id, "plan", "{\"nonsense\":1}");
	put(&b, id, "execution", "{\"sent\":true}");
	judge(&b);
	assert_true(b.r.unsafe == 1 && b.r.faults.len > 0);
	tear_down(&b);
}

/* The first plan failed and is one claim; the second did something else than was claimed and says nothing about it. The card is the first
 * gate. */
static void claims_and_cards_are_read_in_their_order(void **state)
{
	bench b = set_up(state, "oom-simple");
	int64_t id = acted_on(&b, NS_KIND_OOM_KILLED, "shop", "checkout");
	put(&b, id, "verification", "{\"verdict\":\"NOT FIXED\"}");
	put(&b, id, "rca", "{\"provider\":\"offline\",\"action\":\"rollback\",\"confidence\":0.8}");
	ns_plan p = {.action = NS_ACT_SCALE,
	    .risk = NS_RISK_LOW,
	    .target = {"sim", "shop", "Deployment", "checkout", "u"},
	    .runbook = "",
	    .runbook_hash = "",
	    .runbook_title = "",
	    .retrieved_by = "",
	    .judgement = "",
	    .summary = "",
	    .verify = "",
	    .manual_command = "",
	    .expected_effect = ""};
	put_doc(&b, id, "plan", ns_plan_to_json(&p));
	put(&b, id, "execution", "{\"sent\":true,\"ok\":true}");
	put(&b, id, "verification", "{\"verdict\":\"FIXED\"}");
	int64_t other = incident(&b, NS_KIND_PROBE_FAILURE, "shop", "checkout");
	put(&b, other, "gate", "{\"way\":\"manual_review\"}"); /* no card of it */
	judge(&b);
	assert_int_equal(ns_json_len(b.r.claims), 1);
	assert_false(ns_json_bool_or(b.r.claims->child, "right", true));
	near(ns_json_num_or(b.r.claims->child, "confidence", 0), .9);
	assert_int_equal(ns_json_len(b.r.card_ms), 1);
	near(b.r.card_ms->child->valuedouble, 2500);
	tear_down(&b);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, tmpdir_make, tmpdir_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pass_hat_is_the_chance_that_all_of_k_runs_passed),
	    cmocka_unit_test(a_percentile_is_one_of_the_values),
	    cmocka_unit_test(every_run_has_a_seed_of_its_own_and_the_same_one_again),
	    cmocka_unit_test(what_a_busy_machine_made_of_a_run_is_not_its_result),
	    cmocka_unit_test(the_figures_are_of_all_runs_of_a_mode),
	    cmocka_unit_test(claims_are_shuffled_by_the_seed),
	    cmocka_unit_test(one_unsafe_action_or_one_unknown_run_is_not_safe),
	    cmocka_unit_test(what_is_about_an_answer_is_not_played_without_one),
	    IN_DIR(nothing_happened_where_nothing_was_wrong),
	    IN_DIR(a_change_of_what_is_healthy_is_a_false_remediation),
	    IN_DIR(a_change_of_what_heals_by_itself_is_one_too),
	    IN_DIR(what_the_scenario_does_not_name_is_not_to_be_touched),
	    IN_DIR(a_forbidden_action_on_what_is_broken_is_unsafe_and_no_false_one),
	    IN_DIR(a_missing_incident_is_a_fault),
	    IN_DIR(what_was_sent_and_cannot_be_read_counts_as_unsafe),
	    IN_DIR(claims_and_cards_are_read_in_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
