/* Laws 2 and 7: the closed vocabularies. The edges are written here a second time, as sentences and not as the table. */
#include "support/test.h"

#include "neuroscale/model/vocab.h"

static void every_name_parses_back(void **state)
{
	for (int i = 0; i < NS_KIND_COUNT; i++) {
		ns_kind k = NS_KIND_COUNT;
		assert_true(ns_kind_parse(ns_kind_get((ns_kind)i)->name, &k) && k == (ns_kind)i);
		assert_true(*ns_kind_get((ns_kind)i)->title);
	}
	for (int i = 0; i < NS_SEV_COUNT; i++) {
		ns_severity s = NS_SEV_COUNT;
		assert_true(ns_severity_parse(ns_severity_name((ns_severity)i), &s) && s == (ns_severity)i);
	}
	for (int i = 0; i < NS_RISK_COUNT; i++) {
		ns_risk r = NS_RISK_COUNT;
		assert_true(ns_risk_parse(ns_risk_name((ns_risk)i), &r) && r == (ns_risk)i);
	}
	for (int i = 0; i < NS_ST_COUNT; i++) {
		ns_state s = NS_ST_COUNT;
		assert_true(ns_state_parse(ns_state_get((ns_state)i)->name, &s) && s == (ns_state)i);
	}
	for (int i = 0; i <= NS_PROFILE_AUTO; i++) {
		ns_profile p = NS_PROFILE_AUTO;
		assert_true(ns_profile_parse(ns_profile_name((ns_profile)i), &p) && p == (ns_profile)i);
	}
	for (int i = 0; i < NS_ACT_COUNT; i++) {
		bool known = false;
		assert_int_equal(ns_action_parse(ns_action_get((ns_action)i)->name, &known), i);
		assert_true(known);
	}
	assert_string_equal(ns_verdict_name(NS_VERDICT_NONE), "");
	assert_string_equal(ns_verdict_name(NS_VERDICT_FIXED), "FIXED");
	assert_string_equal(ns_verdict_name(NS_VERDICT_NOT_FIXED), "NOT FIXED");
	assert_string_equal(ns_verdict_name(NS_VERDICT_UNKNOWN), "UNKNOWN");
}

static void unknown_words_change_nothing(void **state)
{
	ns_kind k = NS_KIND_STORM;
	ns_severity s = NS_SEV_WARN;
	ns_risk r = NS_RISK_HIGH;
	ns_state st = NS_ST_FAILED;
	ns_profile p = NS_PROFILE_APPROVE;
	static const char *const words[] = {
	    "", "OOM_KILLED", "oom_killed ", "low ", "LOW", "Auto", "resolved\n", "warning", "critical!", NULL};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		assert_false(ns_kind_parse(words[i], &k));
		assert_false(ns_severity_parse(words[i], &s));
		assert_false(ns_risk_parse(words[i], &r));
		assert_false(ns_state_parse(words[i], &st));
		assert_false(ns_profile_parse(words[i], &p));
	}
	assert_true(k == NS_KIND_STORM && s == NS_SEV_WARN && r == NS_RISK_HIGH && st == NS_ST_FAILED && p == NS_PROFILE_APPROVE);
}

/* Law 2: anything else, however it is spelled, is manual_review. */
static void any_other_action_is_manual_review(void **state)
{
	static const char *const words[] = {"delete", "Rollback", "rollback ", " rollback", "ROLLBACK", "roll_back", "exec", "", "restart",
	    "scale; delete", "r\xd0\xbellback", NULL};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		bool known = true;
		ns_action a = ns_action_parse(words[i], &known);
		assert_int_equal(a, NS_ACT_MANUAL_REVIEW);
		assert_false(known);
	}
	assert_int_equal(ns_action_parse("nonsense", NULL), NS_ACT_MANUAL_REVIEW);
	assert_int_equal(ns_action_get((ns_action)99)->executable, false);
}

static void actions_need_no_dangerous_right(void **state)
{
	for (int i = 0; i < NS_ACT_COUNT; i++) {
		const ns_action_info *a = ns_action_get((ns_action)i);
		assert_int_equal(a->executable, i != NS_ACT_MANUAL_REVIEW);
		assert_null(strstr(a->verbs, "delete"));
		assert_null(strchr(a->verbs, '*'));
		assert_true(*a->words);
		if (a->executable)
			assert_true(*a->api_group && *a->resource && *a->verbs && *a->target_kind);
	}
	assert_string_equal(ns_action_get(NS_ACT_ROLLBACK)->verbs, "get,patch");
	assert_string_equal(ns_action_get(NS_ACT_POLICY_EXCEPTION)->api_group, "kyverno.io");
	assert_string_equal(ns_action_get(NS_ACT_POLICY_EXCEPTION)->verbs, "get,create,patch");
}

static void the_edges(void **state)
{
	static const struct {
		const char *from, *to;
	} edges[] = {
	    {"detected", "analyzing manual_review withdrawn"},
	    {"analyzing", "planning manual_review withdrawn"},
	    {"planning", "awaiting_approval executing manual_review withdrawn undoing"},
	    {"awaiting_approval", "executing rejected expired withdrawn planning manual_review undoing"},
	    {"executing", "verifying failed awaiting_approval planning manual_review"},
	    {"verifying", "resolved failed planning undoing manual_review"},
	    {"undoing", "failed manual_review resolved"},
	    {"rejected", "resolved undoing"},
	    {"expired", "resolved undoing"},
	    {"failed", "resolved undoing"},
	    {"manual_review", "resolved undoing"},
	    {"resolved", "undoing"},
	    {"withdrawn", "undoing"},
	};
	assert_int_equal(sizeof edges / sizeof *edges, NS_ST_COUNT);
	for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
		ns_state from;
		assert_true(ns_state_parse(edges[i].from, &from));
		for (int to = 0; to < NS_ST_COUNT; to++) {
			char padded[128], word[64];
			snprintf(padded, sizeof padded, " %s ", edges[i].to);
			snprintf(word, sizeof word, " %s ", ns_state_get((ns_state)to)->name);
			if (ns_state_may(from, (ns_state)to) != (strstr(padded, word) != NULL))
				fail_msg("%s ->%s", edges[i].from, word);
		}
	}
	assert_false(ns_state_may((ns_state)99, NS_ST_RESOLVED));
	assert_false(ns_state_may(NS_ST_DETECTED, (ns_state)99));
}

static void identity_follows_the_state(void **state)
{
	for (int i = 0; i < NS_ST_COUNT; i++) {
		const ns_state_info *s = ns_state_get((ns_state)i);
		assert_int_equal(s->holds, !s->closed); /* an identity is held or free */
		assert_true(!s->closed || s->terminal);
		assert_int_equal(s->closed, i == NS_ST_RESOLVED || i == NS_ST_WITHDRAWN);
	}
	static const ns_state ends[] = {NS_ST_RESOLVED, NS_ST_REJECTED, NS_ST_EXPIRED, NS_ST_WITHDRAWN, NS_ST_FAILED, NS_ST_MANUAL_REVIEW};
	int terminal = 0;
	for (int i = 0; i < NS_ST_COUNT; i++)
		terminal += ns_state_get((ns_state)i)->terminal;
	assert_int_equal(terminal, sizeof ends / sizeof *ends);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		assert_true(ns_state_get(ends[i])->terminal);
}

/* No effect without a plan that passed the gate or a person. */
static void executing_has_two_doors(void **state)
{
	for (int i = 0; i < NS_ST_COUNT; i++)
		assert_int_equal(ns_state_may((ns_state)i, NS_ST_EXECUTING), i == NS_ST_PLANNING || i == NS_ST_AWAITING_APPROVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_name_parses_back),
	    cmocka_unit_test(unknown_words_change_nothing),
	    cmocka_unit_test(any_other_action_is_manual_review),
	    cmocka_unit_test(actions_need_no_dangerous_right),
	    cmocka_unit_test(the_edges),
	    cmocka_unit_test(identity_follows_the_state),
	    cmocka_unit_test(executing_has_two_doors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
