/* May what was changed be taken back now? The gate of the undo capsule: a pure function like the gate itself, closed by default, judged in the
 * transaction that records the undo's intent.
 *
 * It is shorter than the gate because an undo was decided together with its change: the inverse was proven before that change was sent, stood on
 * the card that was approved and belongs to the same digest's plan. So what judges a plan (confidence, risk, score, evidence) is not asked again,
 * and neither are hourly limit and cool-down: they bound how much is changed, and must not keep a change in place that did harm. What the laws say
 * without condition holds for an undo as well: protected namespaces (2), the cluster that was analysed (3), profile observe (4), the Lease (8) and
 * the breaker (10). What law 4 forbids the machine alone (storm brake, freeze, a clock that jumps) forbids the undo that no person asked for. */
#ifndef NEUROSCALE_ENGINE_GATE_UNDO_H
#define NEUROSCALE_ENGINE_GATE_UNDO_H
#include "neuroscale/engine/gate.h"

typedef enum ns_undo_cause {
	NS_UNDO_BY_PERSON, /* somebody who may decide asked for it */
	NS_UNDO_AT_END,    /* the end of an exception, approved together with it */
	NS_UNDO_ALONE,     /* the change did not help, or did harm */
} ns_undo_cause;
typedef struct ns_undo_verdict {
	bool may;
	bool passing;                    /* not now, but what stands against it goes away by itself: worth waiting for */
	size_t n;
	const char *condition[NS_GATE_MAX_REASONS], *words[NS_GATE_MAX_REASONS]; /* static, as in ns_gate_verdict */
} ns_undo_verdict;
/* Looks at: plan_action, target_protected, profile, cluster_same, lease_held, breaker_cluster, breaker_target, storm, freeze, clock_sane. */
void ns_gate_undo(const ns_gate_facts *f, ns_undo_cause cause, ns_undo_verdict *v);
/* For its test: the verdict as if one row were not there. */
size_t ns_gate_undo_rows(void);
bool ns_gate_undo_without(const ns_gate_facts *f, ns_undo_cause cause, size_t skip);
#endif
