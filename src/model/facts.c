/* The field tables of the facts. A member that is not in its table is not kept: add it here when you add it there. */
#include "neuroscale/model/facts.h"

#include <stdio.h>

#include "facts_codec.h"

/* ---- words ---- */

static const char *const ev_kinds[] = {
    [NS_EV_STATUS] = "status",
    [NS_EV_EXIT] = "exit",
    [NS_EV_EVENT] = "event",
    [NS_EV_LOG] = "log",
    [NS_EV_ROLLOUT] = "rollout",
    [NS_EV_RESOURCES] = "resources",
    [NS_EV_CONDITION] = "condition",
    [NS_EV_OWNER] = "owner",
    [NS_EV_POLICY] = "policy",
    [NS_EV_COST] = "cost",
    [NS_EV_NOTE] = "note",
};
_Static_assert(sizeof ev_kinds / sizeof *ev_kinds == NS_EV_KIND_COUNT, "a word for each");

const char *ns_ev_kind_name(ns_ev_kind k)
{
	return ev_kinds[(unsigned)k < NS_EV_KIND_COUNT ? k : NS_EV_NOTE];
}

static const char *kind_word(int v)
{
	return ns_kind_get((ns_kind)v)->name;
}

static const char *severity_word(int v)
{
	return ns_severity_name((ns_severity)v);
}

static const char *action_word(int v)
{
	return ns_action_get((ns_action)v)->name;
}

static const char *risk_word(int v)
{
	return ns_risk_name((ns_risk)v);
}

static const char *ev_kind_word(int v)
{
	return ns_ev_kind_name((ns_ev_kind)v);
}

static const ns_names kind_names = {NS_KIND_COUNT, kind_word};
static const ns_names severity_names = {NS_SEV_COUNT, severity_word};
static const ns_names action_names = {NS_ACT_COUNT, action_word};
static const ns_names risk_names = {NS_RISK_COUNT, risk_word};
static const ns_names ev_kind_names = {NS_EV_KIND_COUNT, ev_kind_word};

/* ---- tables ---- */

static const ns_field workload_fields[] = {
    NS_FIELD(ns_workload, cluster),
    NS_FIELD(ns_workload, ns),
    NS_FIELD(ns_workload, kind),
    NS_FIELD(ns_workload, name),
    NS_FIELD(ns_workload, uid),
};
NS_CODEC(workload_codec, ns_workload, workload_fields);

static const ns_field alert_fields[] = {
    NS_FIELD_ENUM(ns_alert, kind, kind_names),
    NS_FIELD_ENUM(ns_alert, severity, severity_names),
    NS_FIELD_STRUCT(ns_alert, target, workload_codec),
    NS_FIELD(ns_alert, container),
    NS_FIELD(ns_alert, reason),
    NS_FIELD(ns_alert, message),
    NS_FIELD_STRINGS(ns_alert, pods),
    NS_FIELD(ns_alert, first_ms),
    NS_FIELD(ns_alert, seen_ms),
    NS_FIELD(ns_alert, policy),
    NS_FIELD(ns_alert, rule),
    NS_FIELD(ns_alert, cost_now),
    NS_FIELD(ns_alert, cost_before),
    NS_FIELD(ns_alert, object_uid),
};
NS_CODEC(alert_codec, ns_alert, alert_fields);

static const ns_field evidence_fields[] = {
    NS_FIELD(ns_evidence, id),
    NS_FIELD_ENUM(ns_evidence, kind, ev_kind_names),
    NS_FIELD(ns_evidence, trusted),
    NS_FIELD(ns_evidence, text),
    NS_FIELD(ns_evidence, at_ms),
};
NS_CODEC(evidence_codec, ns_evidence, evidence_fields);

static const ns_field container_fields[] = {
    NS_FIELD(ns_container_facts, name),
    NS_FIELD(ns_container_facts, image),
    NS_FIELD(ns_container_facts, init),
    NS_FIELD(ns_container_facts, sidecar),
    NS_FIELD(ns_container_facts, ready),
    NS_FIELD(ns_container_facts, running),
    NS_FIELD(ns_container_facts, restarts),
    NS_FIELD(ns_container_facts, waiting_reason),
    NS_FIELD(ns_container_facts, waiting_message),
    NS_FIELD(ns_container_facts, has_last),
    NS_FIELD(ns_container_facts, last_reason),
    NS_FIELD(ns_container_facts, last_message),
    NS_FIELD(ns_container_facts, last_exit),
    NS_FIELD(ns_container_facts, last_signal),
    NS_FIELD(ns_container_facts, last_started_ms),
    NS_FIELD(ns_container_facts, last_finished_ms),
    NS_FIELD(ns_container_facts, mem_limit),
    NS_FIELD(ns_container_facts, mem_request),
    NS_FIELD(ns_container_facts, cpu_limit_milli),
    NS_FIELD(ns_container_facts, cpu_request_milli),
    NS_FIELD(ns_container_facts, jvm),
};
NS_CODEC(container_codec, ns_container_facts, container_fields);

static const ns_field revision_fields[] = {
    NS_FIELD(ns_revision, number),
    NS_FIELD(ns_revision, replicaset),
    NS_FIELD(ns_revision, uid),
    NS_FIELD(ns_revision, created_ms),
    NS_FIELD(ns_revision, replicas),
    NS_FIELD(ns_revision, ready),
    NS_FIELD(ns_revision, current),
    NS_FIELD(ns_revision, was_healthy),
    NS_FIELD(ns_revision, changes),
    NS_FIELD(ns_revision, only_safe_fields),
    NS_FIELD(ns_revision, template_json),
};
NS_CODEC(revision_codec, ns_revision, revision_fields);

static const ns_field case_fields[] = {
    NS_FIELD_STRUCT(ns_case, alert, alert_codec),
    NS_FIELD(ns_case, taken_ms),
    NS_FIELD(ns_case, api_version),
    NS_FIELD(ns_case, generation),
    NS_FIELD(ns_case, observed_generation),
    NS_FIELD(ns_case, replicas),
    NS_FIELD(ns_case, ready),
    NS_FIELD(ns_case, updated),
    NS_FIELD(ns_case, available),
    NS_FIELD(ns_case, unavailable),
    NS_FIELD(ns_case, resource_version),
    NS_FIELD(ns_case, paused),
    NS_FIELD(ns_case, found),
    NS_FIELD(ns_case, managed_by),
    NS_FIELD(ns_case, nonproduction),
    NS_FIELD(ns_case, has_hpa),
    NS_FIELD(ns_case, cond_progressing_reason),
    NS_FIELD(ns_case, cond_available_reason),
    NS_FIELD(ns_case, cond_message),
    NS_FIELD_LIST(ns_case, containers, container_codec),
    NS_FIELD_LIST(ns_case, revisions, revision_codec),
    NS_FIELD_STRINGS(ns_case, log_lines),
    NS_FIELD_LIST(ns_case, evidence, evidence_codec),
    NS_FIELD(ns_case, node_allocatable_mem),
    NS_FIELD(ns_case, policy_message),
    NS_FIELD(ns_case, policy_category),
    NS_FIELD(ns_case, policy_severity),
    NS_FIELD_STRINGS(ns_case, rules),
    NS_FIELD(ns_case, exception_api_version),
    NS_FIELD(ns_case, exception_namespace),
    NS_FIELD(ns_case, monthly_cost),
    NS_FIELD(ns_case, monthly_saving),
    NS_FIELD(ns_case, hash),
};
NS_CODEC(case_codec, ns_case, case_fields);

static const ns_field claim_fields[] = {
    NS_FIELD(ns_claim, text),
    NS_FIELD_STRINGS(ns_claim, evidence),
};
NS_CODEC(claim_codec, ns_claim, claim_fields);

static const ns_field rca_fields[] = {
    NS_FIELD(ns_rca, root_cause),
    NS_FIELD(ns_rca, confidence),
    NS_FIELD_ENUM(ns_rca, action, action_names),
    NS_FIELD_ENUM(ns_rca, risk, risk_names),
    NS_FIELD(ns_rca, auto_remediate),
    NS_FIELD(ns_rca, reasoning),
    NS_FIELD_LIST(ns_rca, claims, claim_codec),
    NS_FIELD(ns_rca, provider),
    NS_FIELD(ns_rca, cause_class),
    NS_FIELD(ns_rca, evidence_ok),
    NS_FIELD(ns_rca, next_steps),
};
NS_CODEC(rca_codec, ns_rca, rca_fields);

static const ns_field command_fields[] = {
    NS_FIELD_ARGV(ns_command, argv),
    NS_FIELD(ns_command, body),
    NS_FIELD(ns_command, json_patch),
    NS_FIELD(ns_command, equivalent),
};
NS_CODEC(command_codec, ns_command, command_fields);

static const ns_field plan_fields[] = {
    NS_FIELD_ENUM(ns_plan, action, action_names),
    NS_FIELD_ENUM(ns_plan, risk, risk_names),
    NS_FIELD_STRUCT(ns_plan, target, workload_codec),
    NS_FIELD(ns_plan, generation),
    NS_FIELD(ns_plan, runbook),
    NS_FIELD(ns_plan, runbook_hash),
    NS_FIELD(ns_plan, runbook_title),
    NS_FIELD(ns_plan, score),
    NS_FIELD(ns_plan, margin),
    NS_FIELD(ns_plan, summary),
    NS_FIELD_STRINGS(ns_plan, steps),
    NS_FIELD_STRUCT(ns_plan, command, command_codec),
    NS_FIELD_STRUCT(ns_plan, undo, command_codec),
    NS_FIELD(ns_plan, undo_valid),
    NS_FIELD_REQUIRED_BOOL(ns_plan, requires_approval),
    NS_FIELD_STRINGS(ns_plan, approval_reasons),
    NS_FIELD(ns_plan, verify),
    NS_FIELD(ns_plan, manual_command),
    NS_FIELD(ns_plan, expected_effect),
    NS_FIELD(ns_plan, mem_before),
    NS_FIELD(ns_plan, mem_after),
    NS_FIELD(ns_plan, replicas_before),
    NS_FIELD(ns_plan, replicas_after),
    NS_FIELD(ns_plan, revision_to),
};
NS_CODEC(plan_codec, ns_plan, plan_fields);

/* ---- the doors ---- */

cJSON *ns_alert_to_json(const ns_alert *a)
{
	return ns_codec_encode(&alert_codec, a);
}

ns_alert *ns_alert_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return ns_codec_decode(&alert_codec, ar, j, err);
}

cJSON *ns_case_to_json(const ns_case *c)
{
	return ns_codec_encode(&case_codec, c);
}

ns_case *ns_case_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return ns_codec_decode(&case_codec, ar, j, err);
}

cJSON *ns_rca_to_json(const ns_rca *r)
{
	return ns_codec_encode(&rca_codec, r);
}

ns_rca *ns_rca_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	ns_rca *r = ns_codec_decode(&rca_codec, ar, j, err);
	if (r && !(r->confidence >= 0 && r->confidence <= 1)) {
		ns_fail(err, NS_E_INVALID, "ns_rca: confidence must be between 0 and 1");
		return NULL;
	}
	return r;
}

cJSON *ns_plan_to_json(const ns_plan *p)
{
	return ns_codec_encode(&plan_codec, p);
}

ns_plan *ns_plan_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return ns_codec_decode(&plan_codec, ar, j, err);
}

void ns_identity(const ns_alert *a, char *out, size_t cap)
{
	const ns_workload *t = &a->target;
	snprintf(out, cap, "%s/%s/%s/%s/%s", t->cluster, ns_kind_get(a->kind)->name, t->ns, t->kind, t->name);
}
