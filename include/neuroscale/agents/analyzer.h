/* The analyzer: collects the evidence of one incident from the cluster and asks the analyst. Runs on a worker thread. */
#ifndef NEUROSCALE_AGENTS_ANALYZER_H
#define NEUROSCALE_AGENTS_ANALYZER_H
#include "neuroscale/kube/client.h"
#include "neuroscale/llm/analyze.h"
#include "neuroscale/model/facts.h"

typedef struct ns_collect_opts {
	const char *const *nonprod_labels;  /* as in ns_detector_opts */
	const char *exception_ns;           /* where Kyverno accepts exceptions, "" unknown */
	const ns_clock *clock;
	double cost_now, cost_before, efficiency; /* of the target per day, from the detector's report; -1 unknown */
} ns_collect_opts;
/* Reads the target, its ReplicaSets (owner links confirmed by controller reference, UID, selector and template hash), its pods, their
 * events, the failing container's logs (previous and current), the HPA, the namespace; redacts and numbers the evidence. Parts that cannot
 * be read (403, 404, time-out) become an evidence note, never a failure; only an unreachable cluster is an error. The target's uid is
 * pinned: when the live object has another one, NS_E_CONFLICT. */
ns_case *ns_case_collect(ns_arena *ar, ns_kube_client *c, const ns_alert *a, const ns_collect_opts *o, ns_err *err);
/* RCA for a case: the offline analyst, then the evidence check (every claim must cite evidence of the case, else evidence_ok = false and
 * confidence is capped below the gate). Never NULL. */
ns_rca *ns_analyze(ns_arena *ar, const ns_case *c);
/* The same with a model's help (llm/analyze.h), and the same check after it, whoever spoke. Blocks; never NULL. */
ns_analysis *ns_analyze_with(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel);
#endif
