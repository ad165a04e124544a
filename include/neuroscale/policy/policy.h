/* Kyverno: reading violations from events and policy reports, and making the exception that lets one workload through one rule. Pure. */
#ifndef NEUROSCALE_POLICY_POLICY_H
#define NEUROSCALE_POLICY_POLICY_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"
#include "neuroscale/model/json.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct ns_violation {
	const char *policy, *rule,
	    *message; /* policy "NS/NAME" for a namespaced one; rule without its autogen- prefix, "" for CEL policies */
	const char *kind, *ns, *name, *uid; /* the resource that violates */
	bool blocked;                       /* refused at admission */
	const char *policy_kind;            /* "ValidatingPolicy" and its like for CEL policies (policies.kyverno.io); "" or NULL for the others */
} ns_violation;
/* From an Event (core v1 or events.k8s.io) with reason PolicyViolation; both forms (on the policy, on the resource). False when it is none.
 */
bool ns_violation_from_event(ns_arena *ar, const cJSON *event, ns_violation *out);
/* From a (Cluster)PolicyReport: the failing results of source kyverno, one per resource. */
size_t ns_violations_from_report(ns_arena *ar, const cJSON *report, ns_violation **out);
/* The rule that an autogen rule was made from: "check-limits" of "autogen-cronjob-check-limits". Points into its argument. */
const char *ns_rule_base(const char *rule);

/* May a person-approved exception exist for this rule at all? False for signature, privilege, host-access, network and access-control
 * rules (law 2); why (static) gets the reason in words. Decided from policy and rule names, category and message. */
bool ns_exception_permitted(const char *policy, const char *rule, const char *category, const char *message, const char **why);
/* The same from what the policy itself says: its rule's kinds, patterns, expressions and images (rule: as in ns_violation; "" all of them). NULL
 * when it guards nothing of that; else the reason in words (static). */
const char *ns_policy_guards(const cJSON *policy, const char *rule);

/* ---- may an exception work at all ---- */

/* CEL policies have exceptions of their own group. Versions that are written here, newest first, NULL-terminated. */
bool ns_policy_is_cel(const char *policy_kind);
const char *const *ns_exception_versions(bool cel);
/* What Kyverno's admission controllers (a list of Deployments) say in their flags, or by the defaults of their version where a flag is absent:
 * *where gets the namespace that takes exceptions for target_ns ("" not known), *off why one would be taken and ignored ("" it would not, as far
 * as can be told). configured: the namespace that our own configuration names, "" none. */
void ns_exception_switch(
    ns_arena *ar, const cJSON *deployments, const char *configured, const char *target_ns, const char **where, const char **off);

/* ---- the object ---- */

/* The PolicyException object: exact policy, exact rules (with their autogen- twins), exact names, namespace, kinds; for a CEL policy (api_version of
 * policies.kyverno.io) conditions that say the same. rules: as the reports name them, the violation's own when there are none. name: deterministic
 * from incident. Its annotations tell the policy's author what it let through and why. NULL when policy, rule, kind, name or namespace is missing: it
 * would cover more than one workload. Caller: cJSON_Delete. */
cJSON *ns_exception_build(const char *api_version, const char *exception_ns, const char *name, const ns_violation *v,
    const char *const *rules, size_t n_rules, const char *incident, const char *requested_by, int ttl_hours);
/* The patch that disarms it (it then matches no name that can exist): our TTL and undo. JSON patch operations. */
cJSON *ns_exception_disarm_patch(void);
cJSON *ns_exception_disarm_cel_patch(void);

/* ---- those that there are ---- */

typedef struct ns_exception_live {
	const char *api_version, *ns, *name, *uid;
	const char *policy, *policy_kind;
	const char *const *rules; /* without autogen twins; empty for CEL policies */
	size_t n_rules;
	ns_workload target;       /* of its annotations; what it really matches is checked again before anything is sent */
	const char *incident, *by, *message;
	int64_t created_ms, until_ms;
	bool disarmed;
} ns_exception_live;
/* False when it is none of ours (by its label). */
bool ns_exception_read(ns_arena *ar, const cJSON *object, ns_exception_live *out);

typedef enum ns_exception_state { NS_EXC_LIVE, NS_EXC_DUE, NS_EXC_OVERDUE, NS_EXC_DISARMED } ns_exception_state;
const char *ns_exception_state_word(ns_exception_state s); /* "live" "due" "overdue" "disarmed" */
/* DUE from its end on: it is to be disarmed. OVERDUE ten minutes later: that did not happen, and a person is told. An exception without an end is
 * overdue at once. */
ns_exception_state ns_exception_state_at(const ns_exception_live *x, int64_t now_ms);
/* Which of them are to be disarmed now, by index, longest due first; room for n. */
size_t ns_policy_due(const ns_exception_live *list, size_t n, int64_t now_ms, size_t *out);

/* For the policies' authors: what was let through, by policy and rule, most workloads first. */
typedef struct ns_policy_feedback {
	const char *policy, *policy_kind, *rule;
	const char *const *workloads; /* "shop/Deployment/web", distinct */
	size_t n_workloads, live, past;
	const char *message;          /* of the newest exception */
	const char *advice;           /* which policy to change, and how that is usually done */
} ns_policy_feedback;
size_t ns_policy_feedback_make(ns_arena *ar, const ns_exception_live *list, size_t n, int64_t now_ms, ns_policy_feedback **out);
#endif
