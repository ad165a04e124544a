/* The field tables of the facts. A member that is not in its table is not kept: add it here when you add it there. */
#include "neuroscale/model/facts.h"

#include <stdio.h>
#include <string.h>

#include "neuroscale/model/record.h"

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

static const char *ev_kind_word(int v)
{
	return ns_ev_kind_name((ns_ev_kind)v);
}

/* ---- tables ---- */

static const ns_field workload_fields[] = {
    NS_FIELD(ns_workload, cluster, STR),
    NS_FIELD(ns_workload, ns, STR),
    NS_FIELD(ns_workload, kind, STR),
    NS_FIELD(ns_workload, name, STR),
    NS_FIELD(ns_workload, uid, STR),
    NS_FIELD_END,
};

static const ns_field alert_fields[] = {
    NS_FIELD_ENUM_REQUIRED(ns_alert, kind, ns_kind_word, NS_KIND_COUNT),
    NS_FIELD_ENUM_REQUIRED(ns_alert, severity, ns_severity_word, NS_SEV_COUNT),
    NS_FIELD_REC(ns_alert, target, workload_fields),
    NS_FIELD(ns_alert, container, STR),
    NS_FIELD(ns_alert, reason, STR),
    NS_FIELD(ns_alert, message, STR),
    NS_FIELD_STRS(ns_alert, pods, n_pods),
    NS_FIELD(ns_alert, first_ms, I64),
    NS_FIELD(ns_alert, seen_ms, I64),
    NS_FIELD(ns_alert, policy, STR),
    NS_FIELD(ns_alert, rule, STR),
    NS_FIELD(ns_alert, cost_now, DBL),
    NS_FIELD(ns_alert, cost_before, DBL),
    NS_FIELD(ns_alert, object_uid, STR),
    NS_FIELD_END,
};

static const ns_field evidence_fields[] = {
    NS_FIELD(ns_evidence, id, STR),
    NS_FIELD_ENUM_REQUIRED(ns_evidence, kind, ev_kind_word, NS_EV_KIND_COUNT),
    NS_FIELD(ns_evidence, trusted, BOOL),
    NS_FIELD(ns_evidence, text, STR),
    NS_FIELD(ns_evidence, at_ms, I64),
    NS_FIELD_END,
};

static const ns_field container_fields[] = {
    NS_FIELD(ns_container_facts, name, STR),
    NS_FIELD(ns_container_facts, image, STR),
    NS_FIELD(ns_container_facts, init, BOOL),
    NS_FIELD(ns_container_facts, sidecar, BOOL),
    NS_FIELD(ns_container_facts, ready, BOOL),
    NS_FIELD(ns_container_facts, running, BOOL),
    NS_FIELD(ns_container_facts, restarts, I64),
    NS_FIELD(ns_container_facts, waiting_reason, STR),
    NS_FIELD(ns_container_facts, waiting_message, STR),
    NS_FIELD(ns_container_facts, has_last, BOOL),
    NS_FIELD(ns_container_facts, last_reason, STR),
    NS_FIELD(ns_container_facts, last_message, STR),
    NS_FIELD(ns_container_facts, last_exit, INT),
    NS_FIELD(ns_container_facts, last_signal, INT),
    NS_FIELD(ns_container_facts, last_started_ms, I64),
    NS_FIELD(ns_container_facts, last_finished_ms, I64),
    NS_FIELD(ns_container_facts, mem_limit, I64),
    NS_FIELD(ns_container_facts, mem_request, I64),
    NS_FIELD(ns_container_facts, cpu_limit_milli, I64),
    NS_FIELD(ns_container_facts, cpu_request_milli, I64),
    NS_FIELD(ns_container_facts, jvm, BOOL),
    NS_FIELD_END,
};

static const ns_field revision_fields[] = {
    NS_FIELD(ns_revision, number, I64),
    NS_FIELD(ns_revision, replicaset, STR),
    NS_FIELD(ns_revision, uid, STR),
    NS_FIELD(ns_revision, created_ms, I64),
    NS_FIELD(ns_revision, replicas, I64),
    NS_FIELD(ns_revision, ready, I64),
    NS_FIELD(ns_revision, current, BOOL),
    NS_FIELD(ns_revision, was_healthy, BOOL),
    NS_FIELD(ns_revision, health_seen, BOOL),
    NS_FIELD(ns_revision, order_known, BOOL),
    NS_FIELD(ns_revision, changes, STR),
    NS_FIELD(ns_revision, only_safe_fields, BOOL),
    NS_FIELD(ns_revision, template_json, STR),
    NS_FIELD_END,
};

static const ns_field owner_fields[] = {
    NS_FIELD(ns_owner, tool, STR),
    NS_FIELD(ns_owner, kind, STR),
    NS_FIELD(ns_owner, ns, STR),
    NS_FIELD(ns_owner, name, STR),
    NS_FIELD(ns_owner, confirmed, BOOL),
    NS_FIELD(ns_owner, auto_sync, BOOL),
    NS_FIELD(ns_owner, self_heal, BOOL),
    NS_FIELD(ns_owner, automated, STR),
    NS_FIELD(ns_owner, generated_by, STR),
    NS_FIELD(ns_owner, revision, STR),
    NS_FIELD(ns_owner, has_target, BOOL),
    NS_FIELD(ns_owner, history_id, I64),
    NS_FIELD(ns_owner, history_revision, STR),
    NS_FIELD(ns_owner, why, STR),
    NS_FIELD_END,
};

static const ns_field case_fields[] = {
    NS_FIELD_REC(ns_case, alert, alert_fields),
    NS_FIELD(ns_case, taken_ms, I64),
    NS_FIELD(ns_case, api_version, STR),
    NS_FIELD(ns_case, generation, I64),
    NS_FIELD(ns_case, observed_generation, I64),
    NS_FIELD(ns_case, replicas, I64),
    NS_FIELD(ns_case, ready, I64),
    NS_FIELD(ns_case, updated, I64),
    NS_FIELD(ns_case, available, I64),
    NS_FIELD(ns_case, unavailable, I64),
    NS_FIELD(ns_case, resource_version, STR),
    NS_FIELD(ns_case, paused, BOOL),
    NS_FIELD(ns_case, found, BOOL),
    NS_FIELD(ns_case, managed_by, STR),
    NS_FIELD_REC(ns_case, owner, owner_fields),
    NS_FIELD(ns_case, nonproduction, BOOL),
    NS_FIELD(ns_case, has_hpa, BOOL),
    NS_FIELD(ns_case, has_vpa, BOOL),
    NS_FIELD(ns_case, surge, I64),
    NS_FIELD(ns_case, container_mem_max, I64),
    NS_FIELD(ns_case, pod_mem_max, I64),
    NS_FIELD(ns_case, quota_limit_left, I64),
    NS_FIELD(ns_case, quota_request_left, I64),
    NS_FIELD(ns_case, quota, STR),
    NS_FIELD(ns_case, pdb_min_available, I64),
    NS_FIELD(ns_case, unread, STR),
    NS_FIELD(ns_case, cond_progressing_reason, STR),
    NS_FIELD(ns_case, cond_available_reason, STR),
    NS_FIELD(ns_case, cond_message, STR),
    NS_FIELD_LIST(ns_case, containers, n_containers, container_fields),
    NS_FIELD_LIST(ns_case, revisions, n_revisions, revision_fields),
    NS_FIELD_STRS(ns_case, log_lines, n_log_lines),
    NS_FIELD_LIST(ns_case, evidence, n_evidence, evidence_fields),
    NS_FIELD(ns_case, node_allocatable_mem, I64),
    NS_FIELD(ns_case, policy_message, STR),
    NS_FIELD(ns_case, policy_category, STR),
    NS_FIELD(ns_case, policy_severity, STR),
    NS_FIELD(ns_case, policy_kind, STR),
    NS_FIELD(ns_case, policy_guard, STR),
    NS_FIELD(ns_case, exception_off, STR),
    NS_FIELD_STRS(ns_case, rules, n_rules),
    NS_FIELD(ns_case, exception_api_version, STR),
    NS_FIELD(ns_case, exception_namespace, STR),
    NS_FIELD(ns_case, monthly_cost, DBL),
    NS_FIELD(ns_case, monthly_saving, DBL),
    NS_FIELD_CHARS(ns_case, hash),
    NS_FIELD_END,
};

static const ns_field claim_fields[] = {
    NS_FIELD(ns_claim, text, STR),
    NS_FIELD_STRS(ns_claim, evidence, n_evidence),
    NS_FIELD_END,
};

static const ns_field rca_fields[] = {
    NS_FIELD(ns_rca, root_cause, STR),
    NS_FIELD(ns_rca, confidence, DBL),
    NS_FIELD_ENUM_REQUIRED(ns_rca, action, ns_action_word, NS_ACT_COUNT),
    NS_FIELD_ENUM_REQUIRED(ns_rca, risk, ns_risk_word, NS_RISK_COUNT),
    NS_FIELD(ns_rca, auto_remediate, BOOL),
    NS_FIELD(ns_rca, reasoning, STR),
    NS_FIELD_LIST(ns_rca, claims, n_claims, claim_fields),
    NS_FIELD(ns_rca, provider, STR),
    NS_FIELD(ns_rca, cause_class, STR),
    NS_FIELD(ns_rca, evidence_ok, BOOL),
    NS_FIELD(ns_rca, next_steps, STR),
    NS_FIELD_END,
};

static const ns_field command_fields[] = {
    NS_FIELD_ARGV(ns_command, argv),
    NS_FIELD(ns_command, body, STR),
    NS_FIELD(ns_command, json_patch, BOOL),
    NS_FIELD(ns_command, equivalent, STR),
    NS_FIELD_END,
};

static const ns_field plan_fields[] = {
    NS_FIELD_ENUM_REQUIRED(ns_plan, action, ns_action_word, NS_ACT_COUNT),
    NS_FIELD_ENUM_REQUIRED(ns_plan, risk, ns_risk_word, NS_RISK_COUNT),
    NS_FIELD_REC(ns_plan, target, workload_fields),
    NS_FIELD(ns_plan, generation, I64),
    NS_FIELD(ns_plan, runbook, STR),
    NS_FIELD(ns_plan, runbook_hash, STR),
    NS_FIELD(ns_plan, runbook_title, STR),
    NS_FIELD(ns_plan, score, DBL),
    NS_FIELD(ns_plan, margin, DBL),
    NS_FIELD(ns_plan, score_floor, DBL),
    NS_FIELD(ns_plan, margin_floor, DBL),
    NS_FIELD(ns_plan, retrieved_by, STR),
    NS_FIELD(ns_plan, judgement, STR),
    NS_FIELD(ns_plan, summary, STR),
    NS_FIELD_STRS(ns_plan, steps, n_steps),
    NS_FIELD_REC(ns_plan, command, command_fields),
    NS_FIELD_REC(ns_plan, undo, command_fields),
    NS_FIELD(ns_plan, undo_valid, BOOL),
    NS_FIELD_REQUIRED(ns_plan, requires_approval, BOOL),
    NS_FIELD_STRS(ns_plan, approval_reasons, n_approval_reasons),
    NS_FIELD(ns_plan, verify, STR),
    NS_FIELD(ns_plan, manual_command, STR),
    NS_FIELD(ns_plan, expected_effect, STR),
    NS_FIELD(ns_plan, mem_before, I64),
    NS_FIELD(ns_plan, mem_after, I64),
    NS_FIELD(ns_plan, replicas_before, I64),
    NS_FIELD(ns_plan, replicas_after, I64),
    NS_FIELD(ns_plan, revision_to, I64),
    NS_FIELD_END,
};

/* ---- the doors ---- */

static void *decode(const char *what, const ns_field *fields, size_t size, ns_arena *ar, const cJSON *j, ns_err *err)
{
	void *fact = ns_arena_alloc(ar, size);
	if (ns_record_decode(ar, j, fields, fact, err))
		return fact;
	ns_err_wrap(err, "%s", what);
	return NULL;
}

bool ns_reason_is(const char *reason, const char *word)
{
	size_t n = strlen(word);
	return n && strncmp(reason, word, n) == 0 && (!reason[n] || reason[n] == ' ');
}

ns_alert *ns_alert_copy(ns_arena *ar, const ns_alert *a)
{
	ns_alert *c = ns_arena_alloc(ar, sizeof *c);
	*c = *a;
	const char **texts[] = {&c->target.cluster, &c->target.ns, &c->target.kind, &c->target.name, &c->target.uid, &c->container, &c->reason,
	    &c->message, &c->policy, &c->rule, &c->object_uid};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = ns_arena_strdup(ar, *texts[i]);
	const char **pods = ns_arena_alloc(ar, (a->n_pods + 1) * sizeof *pods);
	for (size_t i = 0; i < a->n_pods; i++)
		pods[i] = ns_arena_strdup(ar, a->pods[i]);
	c->pods = pods;
	return c;
}

cJSON *ns_alert_to_json(const ns_alert *a)
{
	return ns_record_encode(alert_fields, a);
}

ns_alert *ns_alert_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return decode("alert", alert_fields, sizeof(ns_alert), ar, j, err);
}

ns_case *ns_case_new(ns_arena *ar)
{
	ns_case *c = ns_arena_alloc(ar, sizeof *c);
	ns_record_blank(case_fields, c);
	return c;
}

cJSON *ns_case_to_json(const ns_case *c)
{
	return ns_record_encode(case_fields, c);
}

ns_case *ns_case_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return decode("case", case_fields, sizeof(ns_case), ar, j, err);
}

cJSON *ns_rca_to_json(const ns_rca *r)
{
	return ns_record_encode(rca_fields, r);
}

ns_rca *ns_rca_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	ns_rca *r = decode("rca", rca_fields, sizeof(ns_rca), ar, j, err);
	if (r && !(r->confidence >= 0 && r->confidence <= 1)) {
		ns_fail(err, NS_E_INVALID, "rca: confidence must be between 0 and 1");
		return NULL;
	}
	return r;
}

cJSON *ns_plan_to_json(const ns_plan *p)
{
	return ns_record_encode(plan_fields, p);
}

ns_plan *ns_plan_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	return decode("plan", plan_fields, sizeof(ns_plan), ar, j, err);
}

void ns_identity(const ns_alert *a, char *out, size_t cap)
{
	const ns_workload *t = &a->target;
	snprintf(out, cap, "%s/%s/%s/%s/%s", t->cluster, ns_kind_get(a->kind)->name, t->ns, t->kind, t->name);
}
