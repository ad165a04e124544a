/* Kyverno: reading violations from events and policy reports, and making the exception that lets one workload through one rule. Pure. */
#ifndef NEUROSCALE_POLICY_POLICY_H
#define NEUROSCALE_POLICY_POLICY_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct ns_violation {
	const char *policy, *rule,
	    *message; /* policy "NS/NAME" for a namespaced one; rule without its autogen- prefix, "" for CEL policies */
	const char *kind, *ns, *name, *uid; /* the resource that violates */
	bool blocked;                       /* refused at admission */
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
/* The PolicyException object: exact policy, exact rules (with their autogen- twins), exact names, namespace, kinds. rules: as the reports
 * name them, the violation's own when there are none. name: deterministic from incident. NULL when policy, rule, kind, name or namespace
 * is missing: it would cover more than one workload. Caller: cJSON_Delete. */
cJSON *ns_exception_build(const char *api_version, const char *exception_ns, const char *name, const ns_violation *v,
    const char *const *rules, size_t n_rules, const char *incident, const char *requested_by, int ttl_hours);
/* The patch that disarms it (it then matches no name that can exist): our TTL and undo. JSON patch operations. */
cJSON *ns_exception_disarm_patch(void);
#endif
