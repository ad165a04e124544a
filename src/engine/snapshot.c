/* The life of a picture, and its JSON form: one field table per struct drives both directions. */
#include "neuroscale/engine/snapshot.h"
#include <stdatomic.h>
#include <string.h>
#include "neuroscale/model/record.h"

ns_snapshot *ns_snapshot_ref(ns_snapshot *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void ns_snapshot_unref(ns_snapshot *s)
{
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		ns_arena_free(s->arena); /* the picture itself lives in it */
}

const ns_cluster_row *ns_snapshot_cluster(const ns_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_clusters; i++)
		if (strcmp(s->clusters[i].name, name) == 0)
			return &s->clusters[i];
	return NULL;
}

void ns_detail_free(ns_detail *d)
{
	if (d)
		ns_arena_free(d->arena);
}

static const char *const mark_names[] = {"todo", "running", "waits", "done", "failed", "skipped"};
static const char *const card_names[] = {"preparing", "ready", "blocked"};
static const char *name_mark(int i)
{
	return mark_names[i];
}
static const char *name_card(int i)
{
	return card_names[i];
}

#define ROW(FIELD, TYPE) NS_FIELD(ns_inc_row, FIELD, TYPE)
#define STAGE(I, NAME)                                                                                                                     \
	{.key = "stage_" NAME, .type = NS_F_ENUM, .off = offsetof(ns_inc_row, stage) + (I) * sizeof(ns_stage_mark), .name = name_mark, .count = 6}, \
	    {.key = "ms_" NAME, .type = NS_F_I64, .off = offsetof(ns_inc_row, stage_ms) + (I) * sizeof(int64_t)}
static const ns_field row_fields[] = {
    ROW(id, I64), ROW(approval, I64),
    NS_FIELD_ENUM(ns_inc_row, state, ns_state_word, NS_ST_COUNT),
    NS_FIELD_ENUM(ns_inc_row, kind, ns_kind_word, NS_KIND_COUNT),
    NS_FIELD_ENUM(ns_inc_row, severity, ns_severity_word, NS_SEV_COUNT),
    NS_FIELD_ENUM(ns_inc_row, verdict, ns_verdict_word, 4),
    ROW(cluster, STR), ROW(ns, STR), ROW(target_kind, STR), ROW(target, STR), ROW(container, STR), ROW(reason, STR), ROW(message, STR),
    ROW(headline, STR), ROW(note, STR), ROW(members, I64), ROW(opened_ms, I64), ROW(updated_ms, I64), ROW(state_since_ms, I64),
    NS_FIELD_ENUM(ns_inc_row, action, ns_action_word, NS_ACT_COUNT),
    ROW(has_plan, BOOL), ROW(open, BOOL),
    STAGE(NS_STAGE_DETECT, "detect"), STAGE(NS_STAGE_ANALYZE, "analyze"), STAGE(NS_STAGE_PLAN, "plan"),
    STAGE(NS_STAGE_APPROVE, "approve"), STAGE(NS_STAGE_EXECUTE, "execute"), STAGE(NS_STAGE_VERIFY, "verify"),
    ROW(verify_good_ms, I64), ROW(verify_need_ms, I64),
    NS_FIELD_END,
};

#define APPR(FIELD, TYPE) NS_FIELD(ns_appr_row, FIELD, TYPE)
static const ns_field approval_fields[] = {
    APPR(id, I64), APPR(incident, I64),
    NS_FIELD_ENUM(ns_appr_row, state, name_card, 3),
    APPR(digest, STR),
    NS_FIELD_ENUM(ns_appr_row, action, ns_action_word, NS_ACT_COUNT),
    NS_FIELD_ENUM(ns_appr_row, risk, ns_risk_word, NS_RISK_COUNT),
    APPR(confidence, DBL), APPR(score, DBL), APPR(margin, DBL), APPR(cluster, STR), APPR(ns, STR), APPR(target_kind, STR),
    APPR(target, STR), APPR(headline, STR), APPR(summary, STR), APPR(ask, STR), APPR(root_cause, STR), APPR(runbook, STR),
    APPR(command, STR), APPR(diff, STR), APPR(undo, STR), APPR(verify, STR), APPR(effect, STR), APPR(warnings, STR), APPR(people, STR), APPR(autonomy, STR), APPR(analyst, STR),
    APPR(created_ms, I64), APPR(deadline_ms, I64),
    NS_FIELD_END,
};

void ns_appr_row_blank(ns_appr_row *r)
{
	memset(r, 0, sizeof *r);
	ns_record_blank(approval_fields, r);
}

#define CLU(FIELD, TYPE) NS_FIELD(ns_cluster_row, FIELD, TYPE)
static const ns_field cluster_fields[] = {
    CLU(name, STR), CLU(context, STR), CLU(server, STR), CLU(user, STR), CLU(color, STR),
    NS_FIELD_ENUM(ns_cluster_row, profile, ns_profile_word, 3),
    CLU(insecure, BOOL), CLU(live, BOOL), CLU(synced, BOOL), CLU(storm, BOOL), CLU(lease_held, BOOL), CLU(frozen, BOOL), CLU(storm_why, STR),
    CLU(lease_why, STR), CLU(frozen_why, STR), CLU(down_why, STR), CLU(degraded, STR), CLU(breakers, STR), CLU(link_since_ms, I64),
    CLU(last_event_ms, I64), CLU(pods, I64), CLU(workloads, I64), CLU(unhealthy, I64), CLU(nodes, I64), CLU(requests, I64), CLU(req_per_s, DBL),
    CLU(n_open, SIZE), CLU(n_crit, SIZE), CLU(n_waiting, SIZE), CLU(cost_total, DBL), CLU(cost_before, DBL), CLU(cost_budget, DBL),
    CLU(cost_at_ms, I64), CLU(cost_error, STR),
    NS_FIELD_END,
};

static const ns_field cost_fields[] = {
    NS_FIELD(ns_cost_line, cluster, STR), NS_FIELD(ns_cost_line, ns, STR), NS_FIELD(ns_cost_line, workload, STR), NS_FIELD(ns_cost_line, per_day, DBL),
    NS_FIELD(ns_cost_line, before, DBL), NS_FIELD(ns_cost_line, efficiency, DBL), NS_FIELD(ns_cost_line, spike, BOOL), NS_FIELD_END,
};
static const ns_field agent_fields[] = {
    NS_FIELD(ns_agent_row, name, STR), NS_FIELD(ns_agent_row, doing, STR), NS_FIELD(ns_agent_row, done, I64),
    NS_FIELD(ns_agent_row, failed, I64), NS_FIELD(ns_agent_row, busy, BOOL), NS_FIELD_END,
};
static const ns_field message_fields[] = {
    NS_FIELD(ns_msg_row, at_ms, I64), NS_FIELD(ns_msg_row, level, INT), NS_FIELD(ns_msg_row, text, STR), NS_FIELD_END,
};

#define SPENT(FIELD) NS_FIELD(ns_spent_row, FIELD, I64)
static const ns_field spent_fields[] = {
    SPENT(calls), SPENT(tokens), SPENT(micro_usd), SPENT(most_calls), SPENT(most_tokens), SPENT(most_micro_usd), NS_FIELD_END,
};
#define MODEL(FIELD, TYPE) NS_FIELD(ns_model_row, FIELD, TYPE)
static const ns_field model_fields[] = {
    MODEL(on, BOOL), MODEL(name, STR), MODEL(offline_why, STR), MODEL(finds, STR), MODEL(capped, STR),
    NS_FIELD_REC(ns_model_row, hour, spent_fields), NS_FIELD_REC(ns_model_row, day, spent_fields), NS_FIELD_END,
};

#define SNAP(FIELD, TYPE) NS_FIELD(ns_snapshot, FIELD, TYPE)
static const ns_field snapshot_fields[] = {
    SNAP(seq, I64), SNAP(taken_ms, I64), SNAP(user, STR), SNAP(mode, STR), SNAP(version, STR), SNAP(trouble, STR),
    SNAP(clock_rate, INT), SNAP(clock, STR), SNAP(rss_bytes, I64), SNAP(req_per_s, DBL), SNAP(cpu_percent, DBL),
    NS_FIELD_REC(ns_snapshot, model, model_fields),
    NS_FIELD_LIST(ns_snapshot, clusters, n_clusters, cluster_fields),
    SNAP(n_crit, SIZE), SNAP(n_warn, SIZE), SNAP(n_info, SIZE), SNAP(n_open, SIZE),
    NS_FIELD_LIST(ns_snapshot, incidents, n_incidents, row_fields),
    NS_FIELD_LIST(ns_snapshot, approvals, n_approvals, approval_fields),
    NS_FIELD_LIST(ns_snapshot, undos, n_undos, approval_fields),
    NS_FIELD_LIST(ns_snapshot, cost, n_cost, cost_fields),
    NS_FIELD_LIST(ns_snapshot, agents, n_agents, agent_fields),
    NS_FIELD_LIST(ns_snapshot, messages, n_messages, message_fields),
    NS_FIELD_END,
};

static const ns_field evidence_fields[] = {
    NS_FIELD(ns_detail_evidence, id, STR), NS_FIELD(ns_detail_evidence, kind, STR), NS_FIELD(ns_detail_evidence, text, STR),
    NS_FIELD(ns_detail_evidence, trusted, BOOL), NS_FIELD(ns_detail_evidence, at_ms, I64), NS_FIELD_END,
};
static const ns_field history_fields[] = {
    NS_FIELD(ns_detail_step, at_ms, I64), NS_FIELD(ns_detail_step, what, STR), NS_FIELD(ns_detail_step, who, STR), NS_FIELD_END,
};

#define DET(FIELD, TYPE) NS_FIELD(ns_detail, FIELD, TYPE)
static const ns_field detail_fields[] = {
    NS_FIELD_REC(ns_detail, row, row_fields),
    DET(root_cause, STR), DET(reasoning, STR), DET(provider, STR), DET(cause_class, STR), DET(next_steps, STR), DET(analysis, STR),
    DET(usage, STR), DET(confidence, DBL),
    NS_FIELD_ENUM(ns_detail, risk, ns_risk_word, NS_RISK_COUNT),
    NS_FIELD_LIST(ns_detail, evidence, n_evidence, evidence_fields),
    DET(runbook, STR), DET(runbook_title, STR), DET(plan_summary, STR), DET(undo, STR), DET(verify, STR), DET(manual_command, STR),
    DET(command, STR), DET(diff, STR), DET(dryrun_error, STR), DET(warnings, STR), DET(digest, STR), DET(summary, STR), DET(autonomy, STR), DET(undo_state, STR), DET(undo_digest, STR), DET(score, DBL),
    DET(margin, DBL),
    NS_FIELD_STRS(ns_detail, plan_steps, n_plan_steps),
    NS_FIELD_STRS(ns_detail, reasons, n_reasons),
    NS_FIELD_LIST(ns_detail, history, n_history, history_fields),
    DET(execution, STR), DET(verification, STR),
    NS_FIELD_END,
};

cJSON *ns_snapshot_to_json(const ns_snapshot *s)
{
	return ns_record_encode(snapshot_fields, s);
}

cJSON *ns_detail_to_json(const ns_detail *d)
{
	return ns_record_encode(detail_fields, d);
}

ns_snapshot *ns_snapshot_from_json(const cJSON *j, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_snapshot *s = ns_arena_alloc(ar, sizeof *s);
	if (!ns_record_decode(ar, j, snapshot_fields, s, err)) {
		ns_err_wrap(err, "snapshot");
		ns_arena_free(ar);
		return NULL;
	}
	s->arena = ar;
	atomic_init(&s->refs, 1);
	return s;
}

ns_detail *ns_detail_from_json(const cJSON *j, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_detail *d = ns_arena_alloc(ar, sizeof *d);
	if (!ns_record_decode(ar, j, detail_fields, d, err)) {
		ns_err_wrap(err, "detail");
		ns_arena_free(ar);
		return NULL;
	}
	d->arena = ar;
	return d;
}
