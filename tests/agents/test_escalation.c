/* The card: what a tired person reads before saying yes. */
#include "support/test.h"

#include "neuroscale/agents/escalation.h"
#include "neuroscale/base/text.h"

static ns_case *some_case(ns_arena *ar)
{
	ns_case *c = ns_arena_alloc(ar, sizeof *c);
	c->alert = (ns_alert){.kind = NS_KIND_OOM_KILLED,
	    .target = {"prod", "shop", "Deployment", "cart", "u"},
	    .container = "app",
	    .reason = "OOMKilled",
	    .message = "",
	    .policy = "",
	    .rule = "",
	    .object_uid = ""};
	return c;
}

static ns_rca some_rca(void)
{
	return (ns_rca){
	    .root_cause = "Container app of shop/cart needs more memory than its limit of 128Mi and was OOMKilled (exit 137, 4 restarts).",
	    .confidence = .9,
	    .action = NS_ACT_PATCH_RESOURCES,
	    .risk = NS_RISK_LOW,
	    .reasoning = "",
	    .provider = "offline",
	    .cause_class = "oom_limit_too_low",
	    .next_steps = "kubectl -n shop top pod"};
}

static void test_a_card_says_everything(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_rca r = some_rca();
	const char *reasons[] = {"profile: this cluster asks for every change", "confidence: 0.70 is not above 0.75", "third"};
	ns_plan p = {.action = NS_ACT_PATCH_RESOURCES,
	    .risk = NS_RISK_MEDIUM,
	    .summary = "raise memory limit of cart/app 128Mi -> 256Mi",
	    .manual_command = "",
	    .undo_valid = true,
	    .requires_approval = true,
	    .approval_reasons = reasons,
	    .n_approval_reasons = 3};
	const ns_card *k = ns_card_make(ar, some_case(ar), &r, &p);
	assert_true(ns_word_count(k->summary) <= 90);
	const char *needed[] = {
	    "OOMKilled", "Proposed: raise memory limit of cart/app 128Mi -> 256Mi", "Risk medium", "Undo:", "Confidence 90 %"};
	for (size_t i = 0; i < 5; i++)
		if (!strstr(k->summary, needed[i]))
			fail_msg("\"%s\" is not in: %s", needed[i], k->summary);
	assert_string_equal(k->headline, p.summary);
	assert_non_null(strstr(k->ask, "this cluster asks"));
	assert_non_null(strstr(k->ask, "1 more"));
	ns_arena_free(ar);
}

static void test_nothing_to_approve(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_rca r = some_rca();
	r.action = NS_ACT_MANUAL_REVIEW;
	ns_plan p = {.action = NS_ACT_MANUAL_REVIEW, .summary = "", .manual_command = "kubectl -n shop rollout restart deployment/cart"};
	const ns_card *k = ns_card_make(ar, some_case(ar), &r, &p);
	assert_non_null(strstr(k->summary, "Nothing is changed"));
	assert_non_null(strstr(k->summary, "kubectl -n shop rollout restart"));
	assert_non_null(strstr(k->headline, "shop/cart"));
	assert_non_null(strstr(k->ask, "Nothing to approve"));
	ns_arena_free(ar);
}

static void test_hostile_words_are_tamed(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_rca r = some_rca();
	r.root_cause = "evil \x1b[2J\x1b]0;x\a \xe2\x80\xae text \xe2\x86\x92 more";
	ns_plan p = {.action = NS_ACT_ROLLBACK, .summary = "roll \x1b[31mback", .manual_command = "", .undo_valid = false};
	const ns_card *k = ns_card_make(ar, some_case(ar), &r, &p);
	for (const char *s = k->summary; *s; s++)
		assert_true(*s >= ' ' && *s < 127);
	assert_null(strchr(k->headline, 27));
	assert_non_null(strstr(k->summary, "cannot be undone"));
	ns_arena_free(ar);
}

static void test_json_both_ways(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	const ns_card card = {"summary.", "head", "why"};
	cJSON *j = ns_card_to_json(&card);
	const ns_card *back = ns_card_from_json(ar, j, &err);
	assert_non_null(back);
	assert_string_equal(back->summary, "summary.");
	assert_string_equal(back->headline, "head");
	assert_string_equal(back->ask, "why");
	cJSON_DeleteItemFromObject(j, "ask");
	assert_null(ns_card_from_json(ar, j, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	cJSON_AddNumberToObject(j, "ask", 3);
	assert_null(ns_card_from_json(ar, j, &err));
	assert_null(ns_card_from_json(ar, NULL, &err));
	cJSON_Delete(j);
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_card_says_everything),
	    cmocka_unit_test(test_nothing_to_approve),
	    cmocka_unit_test(test_hostile_words_are_tamed),
	    cmocka_unit_test(test_json_both_ways),
	};
	return cmocka_run_group_tests_name("escalation", tests, NULL, NULL);
}
