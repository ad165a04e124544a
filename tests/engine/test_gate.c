/* The gate's truth table against a second, independent list of what the laws forbid. The list below was written from the laws, not from
 * gate.c: where the two differ, one of them is wrong. */
#include <math.h>
#include "../../src/engine/gate_priv.h"
#include "support/test.h"

/* ---- the oracle: what forbids, how far, by which law ---- */

static bool one_of_the_five(ns_action a)
{
	return a == NS_ACT_ROLLBACK || a == NS_ACT_SCALE || a == NS_ACT_PATCH_RESOURCES || a == NS_ACT_POLICY_EXCEPTION || a == NS_ACT_COST_SCALE_DOWN;
}

static bool usable(ns_breaker_state s)
{
	switch (s) {
	case NS_BREAKER_CLOSED:
	case NS_BREAKER_HALF_OPEN_FREE: return true;
	case NS_BREAKER_OPEN:
	case NS_BREAKER_HALF_OPEN_TAKEN: return false;
	}
	return false;
}

static bool any_autonomy(ns_autonomy a)
{
	return a == NS_AUTONOMY_OFF || a == NS_AUTONOMY_SHADOW || a == NS_AUTONOMY_ON;
}

/* What is not known to be less is the worst. */
static bool grave(ns_risk r)
{
	return r != NS_RISK_LOW && r != NS_RISK_MEDIUM;
}

enum { AUTO = 1, SEND = 2, ASK = 4 };
/* X(law, what it forbids, when) */
#define FORBIDDING_CONDITIONS(X)                                                                                                            \
	X("2: manual_review and everything unknown is for a person", AUTO | SEND | ASK, !one_of_the_five(f->plan_action))                   \
	X("2: what the diagnosis leaves to a person is not done by the plan", AUTO | SEND | ASK, !one_of_the_five(f->rca_action))           \
	X("2: nothing in protected namespaces, ever, approved or not", AUTO | SEND | ASK, f->target_protected)                              \
	X("2: actions are closed per cluster too", AUTO | SEND | ASK, !f->action_allowed)                                                   \
	X("3: owner links confirmed from above", AUTO | SEND, !f->target_confirmed)                                                         \
	X("3: UID pinned", AUTO | SEND, !f->uid_pinned)                                                                                     \
	X("3: still the cluster that was analysed", AUTO | SEND, !f->cluster_same)                                                          \
	X("3: untrusted text alone never establishes auto", AUTO, !f->trusted_evidence)                                                     \
	X("3: external alerts alone never establish auto", AUTO, !f->own_finding)                                                           \
	X("4: confidence > 0.75", AUTO, isnan(f->confidence) || f->confidence <= 0.75 || f->confidence > 1)                                 \
	X("4: risk low or medium, diagnosis", AUTO, f->rca_risk != NS_RISK_LOW && f->rca_risk != NS_RISK_MEDIUM)                            \
	X("4: risk low or medium, plan", AUTO, f->plan_risk != NS_RISK_LOW && f->plan_risk != NS_RISK_MEDIUM)                               \
	X("4: the action that was judged is the action that runs", AUTO, f->plan_action != f->rca_action)                                   \
	X("4: auto_remediate not declined", AUTO, !f->auto_remediate)                                                                       \
	X("4: evidence check passed", AUTO, !f->evidence_ok)                                                                                \
	X("4: score over its floor", AUTO, isnan(f->score) || isnan(f->score_floor) || f->score_floor < 0 || f->score <= f->score_floor)    \
	X("4: margin over its floor", AUTO, isnan(f->margin) || isnan(f->margin_floor) || f->margin_floor < 0 || f->margin <= f->margin_floor) \
	X("4: the plan asks for approval", AUTO, f->plan_requires_approval)                                                                 \
	X("4: no storm brake", AUTO, f->storm)                                                                                              \
	X("4: no freeze window", AUTO, f->freeze)                                                                                           \
	X("4: fewer changes this hour than the cluster may have", AUTO, f->cluster_hour < 0 || f->cluster_most <= f->cluster_hour)          \
	X("4: and the namespace", AUTO, f->ns_hour < 0 || f->ns_most <= f->ns_hour)                                                         \
	X("4: and the workload", AUTO, f->target_hour < 0 || f->target_most <= f->target_hour)                                              \
	X("4: autonomy that must be earned is earned, and a shadow acts never", AUTO,                                                       \
	    f->autonomy == NS_AUTONOMY_SHADOW || (f->autonomy != NS_AUTONOMY_OFF && !f->earned) || !any_autonomy(f->autonomy))              \
	X("6: under four eyes two people for high and critical risk", AUTO | SEND, f->four_eyes && (grave(f->rca_risk) || grave(f->plan_risk)) && f->yeses < 2) \
	X("4: cool-down free", AUTO, !f->cooldown_free)                                                                                     \
	X("3, 9: one change of a workload at a time, or neither has a verdict", AUTO | SEND, !f->target_free)                              \
	X("4: a live watch", AUTO, !f->watch_live)                                                                                          \
	X("4: a synced watch", AUTO, !f->watch_synced)                                                                                      \
	X("4: a valid undo", AUTO, !f->undo_valid)                                                                                          \
	X("4: profile auto", AUTO, f->profile != NS_PROFILE_AUTO)                                                                           \
	X("4, 7: a sane clock, or no deadline means anything", AUTO | SEND, !f->clock_sane)                                                 \
	X("5: nothing runs whose dry-run was not seen", AUTO | SEND, !f->dryrun_done)                                                       \
	X("5: nothing can be approved whose dry-run failed", AUTO | SEND | ASK, f->dryrun_done && !f->dryrun_ok)                            \
	X("8: only while it holds the Lease", AUTO | SEND, !f->lease_held)                                                                  \
	X("8: observe sends nothing", AUTO | SEND | ASK, f->profile != NS_PROFILE_APPROVE && f->profile != NS_PROFILE_AUTO)                 \
	X("10: breaker of the cluster", AUTO | SEND, !usable(f->breaker_cluster))                                                           \
	X("10: breaker of the target", AUTO | SEND, !usable(f->breaker_target))

static int forbidden(const ns_gate_facts *f)
{
	int all = 0;
#define ADD(law, what, when) all |= (when) ? (what) : 0;
	FORBIDDING_CONDITIONS(ADD)
#undef ADD
	return all;
}

static ns_gate_way way_by_law(int no)
{
	return no & ASK ? NS_GATE_MANUAL : no & AUTO ? NS_GATE_ASK : NS_GATE_AUTO;
}

/* ---- the facts and their values ---- */

static const ns_gate_facts good = {
    .confidence = 0.9, .rca_risk = NS_RISK_LOW, .plan_risk = NS_RISK_MEDIUM, .rca_action = NS_ACT_ROLLBACK, .plan_action = NS_ACT_ROLLBACK,
    .auto_remediate = true, .evidence_ok = true, .trusted_evidence = true, .own_finding = true, .score = 0.6, .margin = 0.2, .score_floor = 0.3, .margin_floor = 0.05,
    .plan_requires_approval = false, .target_protected = false, .target_confirmed = true, .uid_pinned = true, .action_allowed = true,
    .dryrun_done = true, .dryrun_ok = true, .undo_valid = true, .breaker_cluster = NS_BREAKER_CLOSED, .breaker_target = NS_BREAKER_CLOSED,
    .storm = false, .freeze = false, .cooldown_free = true, .target_free = true, .clock_sane = true, .watch_live = true, .watch_synced = true,
    .lease_held = true, .cluster_same = true, .profile = NS_PROFILE_AUTO, .cluster_hour = 9, .cluster_most = 10, .ns_hour = 0, .ns_most = 1,
    .target_hour = 2, .target_most = 3, .four_eyes = true, .yeses = 2, .autonomy = NS_AUTONOMY_ON, .earned = true,
};

static const size_t bools[] = {
    offsetof(ns_gate_facts, auto_remediate), offsetof(ns_gate_facts, evidence_ok), offsetof(ns_gate_facts, trusted_evidence),
    offsetof(ns_gate_facts, own_finding),
    offsetof(ns_gate_facts, plan_requires_approval), offsetof(ns_gate_facts, target_protected), offsetof(ns_gate_facts, target_confirmed),
    offsetof(ns_gate_facts, uid_pinned), offsetof(ns_gate_facts, action_allowed), offsetof(ns_gate_facts, dryrun_done),
    offsetof(ns_gate_facts, dryrun_ok), offsetof(ns_gate_facts, undo_valid), offsetof(ns_gate_facts, storm), offsetof(ns_gate_facts, freeze),
    offsetof(ns_gate_facts, four_eyes), offsetof(ns_gate_facts, earned), offsetof(ns_gate_facts, cooldown_free), offsetof(ns_gate_facts, target_free), offsetof(ns_gate_facts, clock_sane),
    offsetof(ns_gate_facts, watch_live), offsetof(ns_gate_facts, watch_synced), offsetof(ns_gate_facts, lease_held),
    offsetof(ns_gate_facts, cluster_same),
};
#define N(a) (sizeof(a) / sizeof((a)[0]))
#define N_BOOLS N(bools)

static bool *fact(ns_gate_facts *f, size_t i)
{
	return (bool *)((char *)f + bools[i]);
}

static const double confidences[] = {0.9, 0.75, 0.7500001, 1.0, 2, -1, 0, NAN, INFINITY};
static const double retrievals[] = {0.6, 0.3, 0, 0.05, 1, -1, NAN, INFINITY};
static const ns_risk risks[] = {NS_RISK_LOW, NS_RISK_MEDIUM, NS_RISK_HIGH, NS_RISK_CRITICAL, NS_RISK_COUNT};
static const ns_action actions[] = {NS_ACT_ROLLBACK, NS_ACT_MANUAL_REVIEW, NS_ACT_SCALE, NS_ACT_PATCH_RESOURCES, NS_ACT_POLICY_EXCEPTION,
    NS_ACT_COST_SCALE_DOWN, NS_ACT_COUNT};
static const ns_breaker_state breakers[] = {NS_BREAKER_CLOSED, NS_BREAKER_OPEN, NS_BREAKER_HALF_OPEN_FREE, NS_BREAKER_HALF_OPEN_TAKEN,
    (ns_breaker_state)4};
static const ns_autonomy autonomies[] = {NS_AUTONOMY_ON, NS_AUTONOMY_OFF, NS_AUTONOMY_SHADOW, (ns_autonomy)3};
static const int64_t yes_counts[] = {2, 1, 0, 3, -1};
/* so many, of so many */
static const int64_t hours[][2] = {{0, 1}, {0, 0}, {2, 3}, {3, 3}, {4, 3}, {-1, 3}, {INT64_MAX, 3}, {3, -1}, {INT64_MAX, INT64_MAX}};
static const ns_profile profiles[] = {NS_PROFILE_AUTO, NS_PROFILE_APPROVE, NS_PROFILE_OBSERVE, (ns_profile)3};

static long cases;

static void check(const ns_gate_facts *f)
{
	int no = forbidden(f);
	ns_gate_way want = way_by_law(no);
	if (ns_gate_without(f, NS_GATE_ALL_ROWS) != want || ns_gate_may_send_without(f, true, NS_GATE_ALL_ROWS) != !(no & SEND) ||
	    ns_gate_may_send_without(f, false, NS_GATE_ALL_ROWS) != (no == 0)) {
		ns_gate_verdict v;
		ns_gate(f, &v);
		for (size_t i = 0; i < v.n; i++)
			print_error("gate: %s (%s)\n", v.condition[i], v.words[i]);
#define SAY(law, what, when) if (when) print_error("law: %s\n", law);
		FORBIDDING_CONDITIONS(SAY)
#undef SAY
		print_message("## count escapes 1\n");
		fail_msg("case %ld: the gate says %d, the laws say %d (forbidden %d)", cases, (int)v.way, (int)want, no);
	}
	cases++;
}

static void every_combination_of_booleans(void **state)
{
	for (unsigned long bits = 0; bits < 1UL << N_BOOLS; bits++) {
		ns_gate_facts f = good;
		for (size_t i = 0; i < N_BOOLS; i++)
			*fact(&f, i) = bits >> i & 1;
		check(&f);
	}
}

static void every_combination_of_judgements(void **state)
{
	for (size_t c = 0; c < N(confidences); c++)
		for (size_t r = 0; r < N(risks) * N(risks); r++)
			for (size_t a = 0; a < N(actions) * N(actions); a++)
				for (size_t b = 0; b < N(breakers) * N(breakers); b++)
					for (size_t p = 0; p < N(profiles); p++) {
						ns_gate_facts f = good;
						f.confidence = confidences[c];
						f.rca_risk = risks[r / N(risks)];
						f.plan_risk = risks[r % N(risks)];
						f.rca_action = actions[a / N(actions)];
						f.plan_action = actions[a % N(actions)];
						f.breaker_cluster = breakers[b / N(breakers)];
						f.breaker_target = breakers[b % N(breakers)];
						f.profile = profiles[p];
						check(&f);
					}
}

static void every_combination_of_retrieval(void **state)
{
	const size_t n = N(retrievals);
	for (size_t i = 0; i < n * n * n * n; i++)
		for (size_t c = 0; c < N(confidences); c++) {
			ns_gate_facts f = good;
			f.confidence = confidences[c];
			f.score = retrievals[i % n];
			f.score_floor = retrievals[i / n % n];
			f.margin = retrievals[i / n / n % n];
			f.margin_floor = retrievals[i / n / n / n];
			check(&f);
		}
}

static void set_hours(ns_gate_facts *f, size_t which, const int64_t h[2])
{
	*(which == 0 ? &f->cluster_hour : which == 1 ? &f->ns_hour : &f->target_hour) = h[0];
	*(which == 0 ? &f->cluster_most : which == 1 ? &f->ns_most : &f->target_most) = h[1];
}

/* People, what was earned, and what is used up: everything that opens or closes by counting. */
static void every_combination_of_counts(void **state)
{
	const size_t n = N(hours);
	for (size_t h = 0; h < n * n * n; h++)
		for (size_t r = 0; r < N(risks) * N(risks); r++)
			for (size_t y = 0; y < N(yes_counts) * N(autonomies) * N(profiles) * 4; y++) {
				ns_gate_facts f = good;
				set_hours(&f, 0, hours[h % n]);
				set_hours(&f, 1, hours[h / n % n]);
				set_hours(&f, 2, hours[h / n / n]);
				f.rca_risk = risks[r / N(risks)];
				f.plan_risk = risks[r % N(risks)];
				f.yeses = yes_counts[y % N(yes_counts)];
				f.autonomy = autonomies[y / N(yes_counts) % N(autonomies)];
				f.profile = profiles[y / N(yes_counts) / N(autonomies) % N(profiles)];
				f.four_eyes = y / N(yes_counts) / N(autonomies) / N(profiles) & 1;
				f.earned = y / N(yes_counts) / N(autonomies) / N(profiles) & 2;
				check(&f);
			}
}

/* The groups above vary apart; this varies all of it at once. */
static void a_walk_through_the_whole_product(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15u;
	for (int i = 0; i < 300000; i++) {
#define PICK(a) (a)[(x = x * 6364136223846793005u + 1442695040888963407u, (size_t)(x >> 40) % N(a))]
		static const int coin[] = {0, 0, 0, 0, 0, 0, 1};
		ns_gate_facts f = good;
		for (size_t b = 0; b < N_BOOLS; b++)
			if (PICK(coin))
				*fact(&f, b) = !*fact(&f, b);
		if (PICK(coin)) f.confidence = PICK(confidences);
		if (PICK(coin)) f.score = PICK(retrievals);
		if (PICK(coin)) f.margin = PICK(retrievals);
		if (PICK(coin)) f.rca_risk = PICK(risks);
		if (PICK(coin)) f.plan_risk = PICK(risks);
		if (PICK(coin)) f.rca_action = PICK(actions);
		if (PICK(coin)) f.plan_action = PICK(actions);
		if (PICK(coin)) f.breaker_cluster = PICK(breakers);
		if (PICK(coin)) f.breaker_target = PICK(breakers);
		if (PICK(coin)) f.profile = PICK(profiles);
		if (PICK(coin)) f.autonomy = PICK(autonomies);
		if (PICK(coin)) f.yeses = PICK(yes_counts);
		for (size_t h = 0; h < 3; h++)
			if (PICK(coin)) set_hours(&f, h, PICK(hours));
		check(&f);
	}
	print_message("# gate: %ld cases agree with the laws\n", cases);
	print_message("## count cases %ld\n## count escapes 0\n", cases);
}

/* One fact of `good` changed; n counts through all of them, false when there are no more. */
static bool deviate(ns_gate_facts *f, size_t n)
{
#define TAKE(count, act) if (n < (count)) { act; return true; } n -= (count);
	TAKE(N_BOOLS, *fact(f, n) = !*fact(f, n))
	TAKE(N(confidences), f->confidence = confidences[n])
	TAKE(N(retrievals), f->score = retrievals[n])
	TAKE(N(retrievals), f->margin = retrievals[n])
	TAKE(N(risks), f->rca_risk = risks[n])
	TAKE(N(risks), f->plan_risk = risks[n])
	TAKE(N(actions), f->rca_action = actions[n])
	TAKE(N(actions), f->plan_action = actions[n])
	TAKE(N(breakers), f->breaker_cluster = breakers[n])
	TAKE(N(breakers), f->breaker_target = breakers[n])
	TAKE(N(profiles), f->profile = profiles[n])
	TAKE(N(autonomies), f->autonomy = autonomies[n])
	TAKE(N(yes_counts), f->yeses = yes_counts[n])
	TAKE(3 * N(hours), set_hours(f, n % 3, hours[n / 3]))
#undef TAKE
	return false;
}

static bool notices(const ns_gate_facts *f, size_t row)
{
	int no = forbidden(f);
	return ns_gate_without(f, row) != way_by_law(no) || ns_gate_may_send_without(f, true, row) != !(no & SEND) ||
	       ns_gate_may_send_without(f, false, row) != (no == 0);
}

/* Removing any one row from the gate must be noticed by one or two facts that are not good. */
static void no_row_can_be_removed_unnoticed(void **state)
{
	long noticed = 0;
	for (size_t row = 0; row < ns_gate_rows(); row++) {
		long before = noticed;
		for (size_t i = 0;; i++) {
			ns_gate_facts f = good;
			if (!deviate(&f, i))
				break;
			noticed += notices(&f, row);
			for (size_t k = 0;; k++) {
				ns_gate_facts g = f;
				if (!deviate(&g, k))
					break;
				noticed += notices(&g, row);
			}
		}
		if (noticed == before)
			fail_msg("the gate without its row \"%s\" still obeys every law: the row or a case is missing", ns_gate_row(row).name);
	}
	print_message("# gate: each of its %zu rows is missed when it is gone (%ld cases notice)\n", ns_gate_rows(), noticed);
}

/* And a row that reached less far than it does would be noticed too: each law's reach is pinned by a case of its own. */
static void each_condition_alone_has_its_reach(void **state)
{
	for (size_t i = 0;; i++) {
		ns_gate_facts f = good;
		if (!deviate(&f, i))
			break;
		check(&f);
		for (size_t k = 0;; k++) {
			ns_gate_facts g = f;
			if (!deviate(&g, k))
				break;
			check(&g);
		}
	}
}

static void good_facts_are_auto_and_nothing_is_nothing(void **state)
{
	ns_gate_verdict v;
	ns_gate(&good, &v);
	assert_int_equal(v.way, NS_GATE_AUTO);
	assert_int_equal(v.n, 0);
	assert_true(ns_gate_may_send(&good, false, &v));

	ns_gate_facts zero = {0};
	ns_gate(&zero, &v);
	assert_int_equal(v.way, NS_GATE_MANUAL);
	assert_true(v.n >= 15);
	assert_false(ns_gate_may_send(&zero, true, &v));
	assert_false(ns_gate_may_send(&zero, false, &v));
}

static void an_approval_overrides_only_what_bars_auto(void **state)
{
	ns_gate_facts f = good;
	f.confidence = 0.2;
	f.storm = f.freeze = f.plan_requires_approval = true;
	f.rca_risk = NS_RISK_CRITICAL;
	f.undo_valid = f.watch_live = false;
	f.profile = NS_PROFILE_APPROVE;
	ns_gate_verdict v;
	assert_true(ns_gate_may_send(&f, true, &v));
	assert_int_equal(v.n, 0);
	assert_int_equal(v.way, NS_GATE_ASK);
	assert_false(ns_gate_may_send(&f, false, &v));
	assert_int_equal(v.n, 8);

	f.breaker_target = NS_BREAKER_OPEN;
	assert_false(ns_gate_may_send(&f, true, &v));
	assert_int_equal(v.n, 1);
	assert_string_equal(v.condition[0], "breaker-target");
}

static void every_row_speaks_and_cites_a_law(void **state)
{
	for (size_t i = 0; i < ns_gate_rows(); i++) {
		ns_gate_row_info r = ns_gate_row(i);
		assert_non_null(strstr(r.words, "law"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(r.name, ns_gate_row(k).name);
	}
	assert_string_equal(ns_gate_row(ns_gate_rows()).name, "");
}

static void two_people_are_needed_for_what_is_grave(void **state)
{
	ns_gate_facts f = good;
	ns_gate_verdict v;
	f.plan_risk = NS_RISK_CRITICAL;
	f.yeses = 1;
	assert_true(ns_gate_needs_two(&f));
	assert_false(ns_gate_may_send(&f, true, &v));
	assert_int_equal(v.n, 1);
	assert_string_equal(v.condition[0], "four-eyes");
	ns_gate(&f, &v);
	assert_int_equal(v.way, NS_GATE_ASK); /* it is put to people, not given up */
	f.yeses = 2;
	assert_true(ns_gate_may_send(&f, true, &v));
	f.yeses = 0;
	f.plan_risk = NS_RISK_MEDIUM;
	assert_false(ns_gate_needs_two(&f));
	assert_true(ns_gate_may_send(&f, true, &v));
	f.plan_risk = NS_RISK_HIGH;
	f.four_eyes = false;
	assert_false(ns_gate_needs_two(&f));
}

static void a_shadow_says_what_it_would_have_done(void **state)
{
	ns_gate_facts f = good;
	ns_gate_verdict v;
	f.autonomy = NS_AUTONOMY_SHADOW;
	f.profile = NS_PROFILE_APPROVE;
	assert_true(ns_gate_eligible(&f));
	ns_gate(&f, &v);
	assert_int_equal(v.way, NS_GATE_ASK);
	f.freeze = true;
	assert_false(ns_gate_eligible(&f));
	f.freeze = false;
	f.profile = NS_PROFILE_OBSERVE; /* what sends nothing has nothing to give up */
	assert_false(ns_gate_eligible(&f));
}

/* The record, `gate explain` and its what-if stand on these names: a fact without one would be invisible to all three. */
static void every_fact_has_a_name_a_word_and_a_way_back(void **state)
{
	ns_gate_facts best, back;
	ns_gate_verdict v;
	ns_err err = {0};
	ns_gate_best(&best);
	ns_gate(&best, &v);
	assert_int_equal(v.way, NS_GATE_AUTO);
	cJSON *j = ns_gate_facts_to_json(&good);
	assert_true(ns_gate_facts_from_json(j, &back, &err));
	for (size_t i = 0; i < ns_gate_n_facts(); i++) {
		char want[64], got[64];
		const char *name = ns_gate_fact_name(i);
		ns_gate_fact_text(&good, name, want, sizeof want);
		ns_gate_fact_text(&back, name, got, sizeof got);
		assert_string_not_equal(want, "");
		assert_string_equal(want, got);
		ns_gate_facts f = {0};
		assert_true(ns_gate_fact_set(&f, name, want, &err));
		ns_gate_fact_text(&f, name, got, sizeof got);
		assert_string_equal(want, got);
		cJSON *less = cJSON_Duplicate(j, true);
		cJSON_DeleteItemFromObjectCaseSensitive(less, name);
		assert_false(ns_gate_facts_from_json(less, &f, NULL)); /* a missing fact is no fact */
		cJSON_Delete(less);
	}
	cJSON_Delete(j);
	for (size_t i = 0; i < ns_gate_rows(); i++) {
		char uses[200], *save = NULL;
		assert_true(ns_copy(uses, sizeof uses, ns_gate_row(i).uses));
		size_t known = 0;
		for (char *name = strtok_r(uses, " ", &save); name; name = strtok_r(NULL, " ", &save), known++) {
			char word[64];
			ns_gate_fact_text(&good, name, word, sizeof word);
			assert_string_not_equal(word, "");
		}
		assert_true(known > 0);
	}
}

/* A row tells by `uses` what it looks at: no other fact may move it. */
static void a_row_looks_at_nothing_else(void **state)
{
	for (size_t row = 0; row < ns_gate_rows(); row++)
		for (size_t i = 0;; i++) {
			ns_gate_facts f = good;
			if (!deviate(&f, i))
				break;
			bool moved = ns_gate_row_holds(row, &f) != ns_gate_row_holds(row, &good), said = false;
			for (size_t k = 0; moved && k < ns_gate_n_facts(); k++) {
				char now[64], was[64], uses[200];
				const char *name = ns_gate_fact_name(k);
				ns_gate_fact_text(&f, name, now, sizeof now);
				ns_gate_fact_text(&good, name, was, sizeof was);
				snprintf(uses, sizeof uses, " %s ", ns_gate_row(row).uses);
				char word[64];
				snprintf(word, sizeof word, " %s ", name);
				said |= strcmp(now, was) != 0 && strstr(uses, word);
			}
			if (moved && !said)
				fail_msg("row \"%s\" moved and says that it looks at \"%s\" only", ns_gate_row(row).name, ns_gate_row(row).uses);
		}
}

static void the_man_page_shows_the_table(void **state)
{
	static char text[1 << 18];
	static const char begin[] = ".\\\" begin gate\n", end[] = ".\\\" end gate\n";
	FILE *f = fopen("man/neuroscale-tui.1", "r");
	if (!f)
		f = fopen("../man/neuroscale-tui.1", "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	char *from = strstr(text, begin), *to = strstr(text, end);
	assert_true(from && to);
	*to = '\0';
	ns_buf want = NS_BUF_INIT;
	ns_gate_man(&want);
	assert_string_equal(from + strlen(begin), ns_buf_str(&want)); /* `make` writes it */
	ns_buf_free(&want);
}

static void what_is_no_fact_or_no_value_is_refused(void **state)
{
	ns_gate_facts f = good;
	ns_err err = {0};
	assert_false(ns_gate_fact_set(&f, "confidense", "0.9", &err));
	assert_non_null(strstr(err.text, "confidence"));
	static const char *const bad[][2] = {{"confidence", "high"}, {"confidence", "nan"}, {"confidence", ""}, {"storm", "yes"}, {"profile", "automatic"},
	    {"yeses", "1.5"}, {"plan_risk", "0"}};
	for (size_t i = 0; i < N(bad); i++) {
		ns_err why = {0};
		assert_false(ns_gate_fact_set(&f, bad[i][0], bad[i][1], &why));
		assert_int_equal(why.code, NS_E_USAGE);
		assert_non_null(strstr(why.text, bad[i][0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_facts_are_auto_and_nothing_is_nothing),
	    cmocka_unit_test(an_approval_overrides_only_what_bars_auto),
	    cmocka_unit_test(every_row_speaks_and_cites_a_law),
	    cmocka_unit_test(each_condition_alone_has_its_reach),
	    cmocka_unit_test(no_row_can_be_removed_unnoticed),
	    cmocka_unit_test(every_combination_of_booleans),
	    cmocka_unit_test(every_combination_of_judgements),
	    cmocka_unit_test(every_combination_of_retrieval),
	    cmocka_unit_test(every_combination_of_counts),
	    cmocka_unit_test(a_row_looks_at_nothing_else),
	    cmocka_unit_test(two_people_are_needed_for_what_is_grave),
	    cmocka_unit_test(a_shadow_says_what_it_would_have_done),
	    cmocka_unit_test(every_fact_has_a_name_a_word_and_a_way_back),
	    cmocka_unit_test(the_man_page_shows_the_table),
	    cmocka_unit_test(what_is_no_fact_or_no_value_is_refused),
	    cmocka_unit_test(a_walk_through_the_whole_product),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
