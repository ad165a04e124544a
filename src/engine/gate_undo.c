/* The gate of the undo capsule as a table: a row that holds forbids. See the header for what is in it and what is not. */
#include "neuroscale/engine/gate_undo.h"

static bool no_action(const ns_gate_facts *f)
{
	return !ns_action_get(f->plan_action)->executable;
}
static bool protected_target(const ns_gate_facts *f)
{
	return f->target_protected;
}
static bool observes(const ns_gate_facts *f)
{
	return f->profile != NS_PROFILE_APPROVE && f->profile != NS_PROFILE_AUTO;
}
static bool other_cluster(const ns_gate_facts *f)
{
	return !f->cluster_same;
}
static bool no_lease(const ns_gate_facts *f)
{
	return !f->lease_held;
}
static bool refuses(ns_breaker_state s)
{
	return s != NS_BREAKER_CLOSED && s != NS_BREAKER_HALF_OPEN_FREE;
}
static bool breaker_cluster(const ns_gate_facts *f)
{
	return refuses(f->breaker_cluster);
}
static bool breaker_target(const ns_gate_facts *f)
{
	return refuses(f->breaker_target);
}
static bool storm(const ns_gate_facts *f)
{
	return f->storm;
}
static bool freeze(const ns_gate_facts *f)
{
	return f->freeze;
}
static bool clock_broken(const ns_gate_facts *f)
{
	return !f->clock_sane;
}

static const struct {
	const char *name, *words;
	bool (*holds)(const ns_gate_facts *f);
	bool alone;   /* only where no person asked for it */
	bool passing; /* it goes away by itself */
} rows[] = {
    {"action", "what was changed is no action of this program (law 2: closed actions)", no_action, false, false},
    {"protected", "the target is in a protected namespace (law 2: never, for any caller)", protected_target, false, false},
    {"observe", "the cluster is in profile observe: nothing is sent there (law 4)", observes, false, false},
    {"cluster", "the cluster is not the one in which it was changed (law 3: server, CA and kube-system UID)", other_cluster, false, false},
    {"lease", "this engine does not hold the cluster's Lease (law 8)", no_lease, false, true},
    {"breaker-cluster", "the circuit breaker of the cluster is open (law 10: what a person asks for is refused too)", breaker_cluster,
        false, true},
    {"breaker-target", "the circuit breaker of the target is open (law 10: what a person asks for is refused too)", breaker_target, false,
        true},
    {"storm", "the storm brake is on: too many workloads are unhealthy at once (law 4)", storm, true, true},
    {"clock", "the clock is not sane (law 4)", clock_broken, true, true},
    {"freeze", "a freeze window is open: nothing automatic (law 4)", freeze, true, false},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static void evaluate(const ns_gate_facts *f, ns_undo_cause cause, size_t skip, ns_undo_verdict *v)
{
	*v = (ns_undo_verdict){.passing = true};
	for (size_t i = 0; i < N_ROWS; i++) {
		if (i == skip || (rows[i].alone && cause != NS_UNDO_ALONE) || !rows[i].holds(f))
			continue;
		v->condition[v->n] = rows[i].name;
		v->words[v->n++] = rows[i].words;
		v->passing = v->passing && rows[i].passing;
	}
	v->may = v->n == 0;
	v->passing = v->passing && v->n > 0;
}

void ns_gate_undo(const ns_gate_facts *f, ns_undo_cause cause, ns_undo_verdict *v)
{
	evaluate(f, cause, N_ROWS, v);
}

size_t ns_gate_undo_rows(void)
{
	return N_ROWS;
}

bool ns_gate_undo_without(const ns_gate_facts *f, ns_undo_cause cause, size_t skip)
{
	ns_undo_verdict v;
	evaluate(f, cause, skip, &v);
	return v.may;
}
