/* The gate of the undo capsule, all of it: every combination of its facts and causes against a list of its own of what forbids, each with
 * its law. */
#include "neuroscale/engine/gate_undo.h"
#include "support/test.h"

/* What an undo needs, as the laws say it; written apart from the table. A bit says whether the fact is bad. */
enum { ACTION, PROTECTED, OBSERVE, CLUSTER, LEASE, BREAKER_C, BREAKER_T, STORM, CLOCK, FREEZE, BITS };

static const struct {
	int bit;
	const char *law;
	bool for_person, for_end, for_machine;
} forbids[] = {
    {ACTION, "2 closed actions", true, true, true},
    {PROTECTED, "2 protected namespaces, approved or not", true, true, true},
    {OBSERVE, "4 profile observe sends nothing", true, true, true},
    {CLUSTER, "3 the cluster is the one analysed", true, true, true},
    {LEASE, "8 acts only while it holds a Lease", true, true, true},
    {BREAKER_C, "10 refuses approved actions as well", true, true, true},
    {BREAKER_T, "10 refuses approved actions as well", true, true, true},
    {STORM, "4 no storm brake", false, false, true},
    {CLOCK, "4 a sane clock", false, false, true},
    {FREEZE, "4 no freeze window", false, false, true},
};

static ns_gate_facts facts_of(unsigned bad, ns_breaker_state good, ns_breaker_state broken)
{
	return (ns_gate_facts){
	    .plan_action = bad & 1u << ACTION ? NS_ACT_MANUAL_REVIEW : NS_ACT_ROLLBACK,
	    .target_protected = bad & 1u << PROTECTED,
	    .profile = bad & 1u << OBSERVE ? NS_PROFILE_OBSERVE : NS_PROFILE_APPROVE,
	    .cluster_same = !(bad & 1u << CLUSTER),
	    .lease_held = !(bad & 1u << LEASE),
	    .breaker_cluster = bad & 1u << BREAKER_C ? broken : good,
	    .breaker_target = bad & 1u << BREAKER_T ? broken : good,
	    .storm = bad & 1u << STORM,
	    .clock_sane = !(bad & 1u << CLOCK),
	    .freeze = bad & 1u << FREEZE,
	    /* what is not asked: all as bad as can be */
	    .confidence = 0,
	    .plan_risk = NS_RISK_CRITICAL,
	    .rca_risk = NS_RISK_CRITICAL,
	    .plan_requires_approval = true,
	};
}

static bool must(unsigned bad, ns_undo_cause cause)
{
	for (size_t i = 0; i < sizeof forbids / sizeof forbids[0]; i++) {
		bool counts = cause == NS_UNDO_BY_PERSON ? forbids[i].for_person
		              : cause == NS_UNDO_AT_END  ? forbids[i].for_end
		                                         : forbids[i].for_machine;
		if (counts && bad & 1u << forbids[i].bit)
			return false;
	}
	return true;
}

static void every_combination(void **state)
{
	static const ns_breaker_state good[] = {NS_BREAKER_CLOSED, NS_BREAKER_HALF_OPEN_FREE},
	                              broken[] = {NS_BREAKER_OPEN, NS_BREAKER_HALF_OPEN_TAKEN, (ns_breaker_state)9};
	size_t tried = 0, open = 0;
	for (unsigned bad = 0; bad < 1u << BITS; bad++)
		for (int cause = NS_UNDO_BY_PERSON; cause <= NS_UNDO_ALONE; cause++)
			for (size_t g = 0; g < 2; g++)
				for (size_t b = 0; b < 3; b++) {
					ns_gate_facts f = facts_of(bad, good[g], broken[b]);
					ns_undo_verdict v;
					ns_gate_undo(&f, (ns_undo_cause)cause, &v);
					tried++;
					open += v.may;
					if (v.may != must(bad, (ns_undo_cause)cause))
						fail_msg("bad %x, cause %d: %s", bad, cause, v.may ? "open" : v.words[0]);
					assert_int_equal(v.may, v.n == 0);
					assert_false(v.may && v.passing);
				}
	print_message("undo gate: %zu combinations, %zu open\n", tried, open);
}

static void no_row_can_be_missing(void **state)
{
	assert_int_equal(ns_gate_undo_rows(), sizeof forbids / sizeof forbids[0]);
	for (size_t skip = 0; skip < ns_gate_undo_rows(); skip++) {
		bool noticed = false;
		for (unsigned bad = 0; bad < 1u << BITS && !noticed; bad++)
			for (int cause = NS_UNDO_BY_PERSON; cause <= NS_UNDO_ALONE && !noticed; cause++) {
				ns_gate_facts f = facts_of(bad, NS_BREAKER_CLOSED, NS_BREAKER_OPEN);
				noticed = ns_gate_undo_without(&f, (ns_undo_cause)cause, skip) != must(bad, (ns_undo_cause)cause);
			}
		assert_true(noticed);
	}
}

static void it_is_closed_by_default_and_says_what_is_worth_waiting_for(void **state)
{
	static const ns_gate_facts nothing;
	ns_undo_verdict v;
	ns_gate_undo(&nothing, NS_UNDO_BY_PERSON, &v);
	assert_false(v.may);
	assert_false(v.passing); /* no action: that does not heal */
	ns_gate_facts f = facts_of(1u << BREAKER_C, NS_BREAKER_CLOSED, NS_BREAKER_OPEN);
	ns_gate_undo(&f, NS_UNDO_BY_PERSON, &v);
	assert_true(v.passing);
	assert_string_equal(v.condition[0], "breaker-cluster");
	f = facts_of(1u << BREAKER_C | 1u << FREEZE, NS_BREAKER_CLOSED, NS_BREAKER_OPEN);
	ns_gate_undo(&f, NS_UNDO_ALONE, &v);
	assert_int_equal(v.n, 2);
	assert_false(v.passing); /* a freeze may last for days: a person is told */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_combination), cmocka_unit_test(no_row_can_be_missing),
	    cmocka_unit_test(it_is_closed_by_default_and_says_what_is_worth_waiting_for)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
