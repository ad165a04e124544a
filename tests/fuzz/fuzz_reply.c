/* The reply parser: any bytes give a verdict; what is valid obeys the contract; nothing that is not valid can run. And what is said of a reply is shown. */
#include "fuzz.h"
#include "neuroscale/base/text.h"
#include "neuroscale/llm/reply.h"
#include "neuroscale/llm/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static ns_evidence ev[] = {{"E1", NS_EV_EXIT, true, "container app was OOMKilled, exit code 137, limit 128Mi", 0}};
	ns_arena *ar = ns_arena_new();
	ns_reply r, again;
	ns_reply_read(ar, (const char *)data, n, &r);
	NEED(*r.reason && ns_utf8_valid(r.reason, strlen(r.reason)));
	NEED(r.may_auto == (r.route == NS_ROUTE_EXECUTE));
	if (!r.valid) {
		NEED(r.route == NS_ROUTE_MANUAL_REVIEW && r.action == NS_ACT_MANUAL_REVIEW && !r.n_claims);
	} else {
		NEED(r.confidence >= 0 && r.confidence <= 1 && *r.root_cause && ns_utf8_valid(r.root_cause, strlen(r.root_cause)));
		NEED(!r.may_auto || (r.confidence > .75 && r.auto_remediate && r.risk <= NS_RISK_MEDIUM && r.action != NS_ACT_MANUAL_REVIEW));
		ns_reply_read(ar, (const char *)data, n, &again);
		NEED(again.route == r.route);
		ns_case c = {.alert = {.container = "app", .reason = "OOMKilled", .message = "", .policy = "", .rule = "", .object_uid = "",
		                 .target = {"c", "shop", "Deployment", "web", "u"}},
		    .api_version = "", .resource_version = "", .managed_by = "", .cond_progressing_reason = "", .cond_available_reason = "", .cond_message = "",
		    .policy_message = "", .policy_category = "", .policy_severity = "", .exception_api_version = "", .exception_namespace = "", .evidence = ev,
		    .n_evidence = 1};
		ns_strangers s = {0};
		ns_world_check(ar, ns_world_new(ar, &c), r.root_cause, &s);
		ns_world_check(ar, ns_world_new(ar, &c), r.reasoning, &s);
		NEED(s.n <= NS_WORLD_MAX_STRANGERS);
	}
	ns_arena_free(ar);
	return 0;
}
