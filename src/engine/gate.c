/* The gate, as a table: a row holds when its condition is met, and what holds forbids. It is closed by default in three ways: a fact that
 * was never filled in is false and most rows ask for true; a number out of range, a NaN or an enumerator nobody knows counts as the worst
 * there is; and nothing but the end of this table says yes.
 *
 * How far a row reaches is the one judgement in here, so each group says why:
 *   BARS_AUTO     law 4 lists it, and a person who sees it may reasonably go on.
 *   BARS_SENDING  an unconditional law stands behind it (2, 3, 5, 7, 8, 10). It may heal while a person thinks, so they are asked, and it is
 *                 looked at again in the transaction that records the intent.
 *   BARS_ASKING   it cannot heal for this plan. A question whose "yes" is refused teaches people to press "yes". */
#include "gate_priv.h"

typedef struct gate_row {
	const char *name, *words;
	bool (*holds)(const ns_gate_facts *f);
	ns_gate_reach reach;
	const char *uses;
} gate_row;

/* ---- judgement ---- */
/* Strictly above, and a number above 1 is no confidence but a broken reply: written so that NaN holds. */
static bool confidence(const ns_gate_facts *f)
{
	return !(f->confidence > 0.75 && f->confidence <= 1.0);
}
static bool low_or_medium(ns_risk r)
{
	return r == NS_RISK_LOW || r == NS_RISK_MEDIUM;
}
static bool risk(const ns_gate_facts *f)
{
	return !(low_or_medium(f->rca_risk) && low_or_medium(f->plan_risk));
}
static bool executable(ns_action a)
{
	return a > NS_ACT_MANUAL_REVIEW && a < NS_ACT_COUNT && ns_action_get(a)->executable;
}
static bool plan_action(const ns_gate_facts *f)
{
	return !executable(f->plan_action);
}
static bool rca_action(const ns_gate_facts *f)
{
	return !executable(f->rca_action);
}
static bool actions_agree(const ns_gate_facts *f)
{
	return f->rca_action != f->plan_action;
}
static bool declined(const ns_gate_facts *f)
{
	return !f->auto_remediate;
}
static bool evidence(const ns_gate_facts *f)
{
	return !f->evidence_ok;
}
static bool trusted(const ns_gate_facts *f)
{
	return !f->trusted_evidence;
}
static bool others_word(const ns_gate_facts *f)
{
	return !f->own_finding;
}
/* A floor that was never set is 0, and 0 is not over it. */
static bool over(double value, double floor)
{
	return floor >= 0 && value > floor;
}
static bool score(const ns_gate_facts *f)
{
	return !over(f->score, f->score_floor);
}
static bool margin(const ns_gate_facts *f)
{
	return !over(f->margin, f->margin_floor);
}
static bool plan_asks(const ns_gate_facts *f)
{
	return f->plan_requires_approval;
}

/* ---- target ---- */
static bool protected_target(const ns_gate_facts *f)
{
	return f->target_protected;
}
static bool unconfirmed(const ns_gate_facts *f)
{
	return !f->target_confirmed;
}
static bool unpinned(const ns_gate_facts *f)
{
	return !f->uid_pinned;
}
static bool not_allowed(const ns_gate_facts *f)
{
	return !f->action_allowed;
}

/* ---- dry-run ---- */
static bool dryrun_pending(const ns_gate_facts *f)
{
	return !f->dryrun_done;
}
static bool dryrun_failed(const ns_gate_facts *f)
{
	return f->dryrun_done && !f->dryrun_ok;
}
static bool no_undo(const ns_gate_facts *f)
{
	return !f->undo_valid;
}

/* ---- surroundings ---- */
/* HALF_OPEN_FREE is what ns_breaker_look answers to the incident that may take, or holds, the one trial. */
static bool breaker_refuses(ns_breaker_state s)
{
	return s != NS_BREAKER_CLOSED && s != NS_BREAKER_HALF_OPEN_FREE;
}
static bool breaker_cluster(const ns_gate_facts *f)
{
	return breaker_refuses(f->breaker_cluster);
}
static bool breaker_target(const ns_gate_facts *f)
{
	return breaker_refuses(f->breaker_target);
}
static bool storm(const ns_gate_facts *f)
{
	return f->storm;
}
static bool freeze(const ns_gate_facts *f)
{
	return f->freeze;
}
/* A limit that was never set is 0, and nothing is below it. */
static bool below(int64_t n, int64_t most)
{
	return n >= 0 && n < most;
}
static bool cluster_limit(const ns_gate_facts *f)
{
	return !below(f->cluster_hour, f->cluster_most);
}
static bool namespace_limit(const ns_gate_facts *f)
{
	return !below(f->ns_hour, f->ns_most);
}
static bool target_limit(const ns_gate_facts *f)
{
	return !below(f->target_hour, f->target_most);
}
static bool cooldown(const ns_gate_facts *f)
{
	return !f->cooldown_free;
}
static bool target_taken(const ns_gate_facts *f)
{
	return !f->target_free;
}
static bool clock_broken(const ns_gate_facts *f)
{
	return !f->clock_sane;
}
static bool watch_down(const ns_gate_facts *f)
{
	return !f->watch_live;
}
static bool watch_behind(const ns_gate_facts *f)
{
	return !f->watch_synced;
}
static bool no_lease(const ns_gate_facts *f)
{
	return !f->lease_held;
}
static bool other_cluster(const ns_gate_facts *f)
{
	return !f->cluster_same;
}
static bool observes(const ns_gate_facts *f)
{
	return f->profile != NS_PROFILE_APPROVE && f->profile != NS_PROFILE_AUTO;
}
static bool not_auto(const ns_gate_facts *f)
{
	return f->profile != NS_PROFILE_AUTO;
}

/* ---- people, and what a runbook has earned ---- */
bool ns_gate_needs_two(const ns_gate_facts *f)
{
	return f->four_eyes && risk(f);
}
static bool second_yes(const ns_gate_facts *f)
{
	return ns_gate_needs_two(f) && f->yeses < 2;
}
/* On top of everything else, never instead of it: what has earned autonomy still needs every other row, the profile's among them. */
static bool unearned(const ns_gate_facts *f)
{
	return f->autonomy != NS_AUTONOMY_OFF && !(f->autonomy == NS_AUTONOMY_ON && f->earned);
}

static const gate_row rows[] = {
    /* What may never be done, by anybody: nothing to ask. */
    {"action", "the plan has no action that this program may run (law 2: closed actions)", plan_action, NS_GATE_BARS_ASKING, "plan_action"},
    {"diagnosis", "the diagnosis asks for no action that this program may run (law 2: anything else is manual_review)", rca_action, NS_GATE_BARS_ASKING, "rca_action"},
    {"protected", "the target is in a protected namespace (law 2: never, for any caller)", protected_target, NS_GATE_BARS_ASKING, "target_protected"},
    {"allowed", "the cluster's profile does not allow this action (law 2: what has no action here is shown, not run)", not_allowed, NS_GATE_BARS_ASKING, "action_allowed"},
    {"observe", "the cluster is in profile observe: nothing is sent there (law 4, and law 8 without a Lease)", observes, NS_GATE_BARS_ASKING, "profile"},
    {"dry-run-failed", "the dry-run failed: there is no digest to approve (laws 4 and 5)", dryrun_failed, NS_GATE_BARS_ASKING, "dryrun_done dryrun_ok"},
    /* What no approval overrides, but what may come right while a person thinks. */
    {"dry-run-pending", "the dry-run has not answered yet: what would be approved is not known (law 5)", dryrun_pending, NS_GATE_BARS_SENDING, "dryrun_done"},
    {"confirmed", "the owner links of the target are not confirmed from above (law 3)", unconfirmed, NS_GATE_BARS_SENDING, "target_confirmed"},
    {"uid", "the target's UID is not pinned (law 3)", unpinned, NS_GATE_BARS_SENDING, "uid_pinned"},
    {"cluster", "the cluster is not the one that was analysed (law 3: server, CA and kube-system UID)", other_cluster, NS_GATE_BARS_SENDING, "cluster_same"},
    {"lease", "this engine does not hold the cluster's Lease (law 8)", no_lease, NS_GATE_BARS_SENDING, "lease_held"},
    {"breaker-cluster", "the circuit breaker of the cluster is open (law 10: approved actions are refused too)", breaker_cluster, NS_GATE_BARS_SENDING, "breaker_cluster"},
    {"breaker-target", "the circuit breaker of the target is open (law 10: approved actions are refused too)", breaker_target, NS_GATE_BARS_SENDING, "breaker_target"},
    {"target-busy", "another change of this workload is still being verified: a second one would decide its verdict (laws 3 and 9)", target_taken,
        NS_GATE_BARS_SENDING, "target_free"},
    {"four-eyes", "high or critical risk needs the yes of two different people, and one of them is missing (law 6: four-eyes is on)", second_yes,
        NS_GATE_BARS_SENDING, "four_eyes rca_risk plan_risk yeses"},
    {"clock", "the clock is not sane, so no deadline can be trusted (laws 4 and 7)", clock_broken, NS_GATE_BARS_SENDING, "clock_sane"},
    /* What takes the decision from the machine and leaves it to a person. */
    {"confidence", "the analyst is not sure enough: its confidence is not above 75 % (law 4)", confidence, NS_GATE_BARS_AUTO, "confidence"},
    {"risk", "risk is neither low nor medium (law 4: critical is never auto)", risk, NS_GATE_BARS_AUTO, "rca_risk plan_risk"},
    {"agreement", "the plan's action is not the one the diagnosis asked for (law 4: the evidence stands behind another action)", actions_agree, NS_GATE_BARS_AUTO, "rca_action plan_action"},
    {"auto-remediate", "the analyst declined automatic remediation (law 4)", declined, NS_GATE_BARS_AUTO, "auto_remediate"},
    {"evidence", "a claim cites no evidence of the case (law 4)", evidence, NS_GATE_BARS_AUTO, "evidence_ok"},
    {"trusted", "nothing but logs, events or annotations stands behind the cause (law 3: they never establish auto)", trusted, NS_GATE_BARS_AUTO, "trusted_evidence"},
    {"own-finding", "only another system says that it fails, and no rule of the detector holds for it (law 3: external alerts never establish auto)", others_word,
        NS_GATE_BARS_AUTO, "own_finding"},
    {"score", "the runbook's retrieval score is not over its floor (law 4)", score, NS_GATE_BARS_AUTO, "score score_floor"},
    {"margin", "the runbook's margin over the next one is not over its floor (law 4)", margin, NS_GATE_BARS_AUTO, "margin margin_floor"},
    {"plan-asks", "the plan itself requires approval (law 4)", plan_asks, NS_GATE_BARS_AUTO, "plan_requires_approval"},
    {"undo", "there is no valid undo (law 4)", no_undo, NS_GATE_BARS_AUTO, "undo_valid"},
    {"storm", "the storm brake is on: too many workloads are unhealthy at once (law 4)", storm, NS_GATE_BARS_AUTO, "storm"},
    {"freeze", "a freeze window is open (law 4)", freeze, NS_GATE_BARS_AUTO, "freeze"},
    {"cluster-limit", "the cluster's limit of changes per hour is used up (law 4)", cluster_limit, NS_GATE_BARS_AUTO, "cluster_hour cluster_most"},
    {"namespace-limit", "the namespace's limit of changes per hour is used up (law 4)", namespace_limit, NS_GATE_BARS_AUTO, "ns_hour ns_most"},
    {"target-limit", "the workload's limit of changes per hour is used up (law 4)", target_limit, NS_GATE_BARS_AUTO, "target_hour target_most"},
    {"cool-down", "the target is cooling down after an earlier action (law 4)", cooldown, NS_GATE_BARS_AUTO, "cooldown_free"},
    {"watch-live", "the watch on the cluster is not live (law 4)", watch_down, NS_GATE_BARS_AUTO, "watch_live"},
    {"watch-synced", "the watch on the cluster is not synced (law 4)", watch_behind, NS_GATE_BARS_AUTO, "watch_synced"},
    {"profile", "this profile changes nothing before a person has said yes (law 4)", not_auto, NS_GATE_BARS_AUTO, "profile"},
    {"earned", "the runbook has not earned to act alone in this namespace (law 4: earned autonomy is on, or in its shadow)", unearned, NS_GATE_BARS_AUTO, "autonomy earned"},
};
#define N_ROWS (sizeof rows / sizeof rows[0])
_Static_assert(N_ROWS <= NS_GATE_MAX_REASONS, "a verdict must be able to name every row");

/* The one evaluation: the furthest reach of the rows that hold, -1 when none does. v (may be NULL) gets those that reach at least `from`. */
static int evaluate(const ns_gate_facts *f, size_t skip, ns_gate_reach from, ns_gate_verdict *v)
{
	int furthest = -1;
	for (size_t i = 0; i < N_ROWS; i++) {
		if (i == skip || !rows[i].holds(f))
			continue;
		if ((int)rows[i].reach > furthest)
			furthest = (int)rows[i].reach;
		if (v && rows[i].reach >= from) {
			v->condition[v->n] = rows[i].name;
			v->words[v->n++] = rows[i].words;
		}
	}
	return furthest;
}

static ns_gate_way way_of(int furthest)
{
	return furthest < 0 ? NS_GATE_AUTO : furthest < (int)NS_GATE_BARS_ASKING ? NS_GATE_ASK : NS_GATE_MANUAL;
}

static bool sendable(int furthest, bool approved)
{
	return approved ? furthest < (int)NS_GATE_BARS_SENDING : furthest < 0;
}

ns_gate_way ns_gate_without(const ns_gate_facts *f, size_t skip)
{
	return way_of(evaluate(f, skip, NS_GATE_BARS_AUTO, NULL));
}

bool ns_gate_may_send_without(const ns_gate_facts *f, bool approved, size_t skip)
{
	return sendable(evaluate(f, skip, NS_GATE_BARS_AUTO, NULL), approved);
}

void ns_gate(const ns_gate_facts *f, ns_gate_verdict *v)
{
	*v = (ns_gate_verdict){0};
	v->way = way_of(evaluate(f, NS_GATE_ALL_ROWS, NS_GATE_BARS_AUTO, v));
}

bool ns_gate_may_send(const ns_gate_facts *f, bool approved, ns_gate_verdict *v)
{
	*v = (ns_gate_verdict){0};
	int furthest = evaluate(f, NS_GATE_ALL_ROWS, approved ? NS_GATE_BARS_SENDING : NS_GATE_BARS_AUTO, v);
	v->way = way_of(furthest);
	return sendable(furthest, approved);
}

size_t ns_gate_rows(void)
{
	return N_ROWS;
}

ns_gate_row_info ns_gate_row(size_t i)
{
	return i < N_ROWS ? (ns_gate_row_info){rows[i].name, rows[i].words, rows[i].uses, rows[i].reach} : (ns_gate_row_info){"", "", "", NS_GATE_BARS_ASKING};
}

bool ns_gate_row_holds(size_t i, const ns_gate_facts *f)
{
	return i < N_ROWS && rows[i].holds(f);
}

bool ns_gate_eligible(const ns_gate_facts *f)
{
	ns_gate_facts g = *f;
	g.autonomy = NS_AUTONOMY_OFF;
	if (g.profile == NS_PROFILE_APPROVE)
		g.profile = NS_PROFILE_AUTO;
	return way_of(evaluate(&g, NS_GATE_ALL_ROWS, NS_GATE_BARS_AUTO, NULL)) == NS_GATE_AUTO;
}
