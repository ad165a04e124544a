/* A picture and a detail in which no member is zero: what the JSON form forgets shows as a hole after the way there and back. */
#ifndef NEUROSCALE_TESTS_ENGINE_PICTURE_H
#define NEUROSCALE_TESTS_ENGINE_PICTURE_H
#include <stdatomic.h>
#include "neuroscale/engine/snapshot.h"
#include "support/test.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
/* What a workload may be named and a log line may hold after cleaning: quotes, backslashes, other scripts. */
#define HOSTILE "a \"quoted\" \\ back, <b>&amp;, größer 你好, {\"changed\":1}"

/* Every byte that is not set below is 1: a member that is added later is not zero either. */
static inline void fill_row(ns_inc_row *r, int64_t id)
{
	memset(r, 1, sizeof *r);
	r->id = id;
	r->state = NS_ST_AWAITING_APPROVAL;
	r->kind = NS_KIND_POD_CRASHLOOP;
	r->severity = NS_SEV_CRIT;
	r->verdict = NS_VERDICT_FIXED;
	r->action = NS_ACT_ROLLBACK;
	r->cluster = "prod";
	r->ns = "shop";
	r->target_kind = "Deployment";
	r->target = "checkout";
	r->container = "app";
	r->reason = "CrashLoopBackOff";
	r->message = r->note = HOSTILE;
	r->headline = "roll back";
	r->updated_ms = INT64_C(9007199254740993); /* 2^53 + 1: a double would lose it */
	r->has_plan = r->open = true;
	for (int i = 0; i < NS_STAGE_COUNT; i++) {
		r->stage[i] = (ns_stage_mark)(1 + i % NS_MARK_SKIPPED);
		r->stage_ms[i] = 100 + i;
	}
}

static inline void fill_approval(ns_appr_row *a)
{
	memset(a, 1, sizeof *a);
	a->id = 3;
	a->incident = 7;
	a->state = NS_CARD_READY;
	a->action = NS_ACT_SCALE;
	a->risk = NS_RISK_MEDIUM;
	a->confidence = 0.875;
	a->score = 0.5;
	a->margin = 0.0625;
	a->digest = HEX64;
	a->cluster = a->ns = a->target_kind = a->target = a->headline = a->summary = a->ask = a->root_cause = a->runbook = a->command = a->diff =
	    a->undo = a->verify = a->effect = a->warnings = a->people = a->autonomy = a->analyst = HOSTILE;
}

static inline void fill_cluster(ns_cluster_row *k)
{
	memset(k, 1, sizeof *k);
	k->name = k->context = k->server = k->user = k->color = k->storm_why = k->lease_why = k->frozen_why = k->down_why = k->degraded = k->breakers =
	    k->cost_error = HOSTILE;
	k->profile = NS_PROFILE_AUTO;
	k->insecure = k->live = k->synced = k->storm = k->lease_held = k->frozen = true;
	k->req_per_s = 0.75;
	k->cost_total = 10.25;
	k->cost_before = 8.5;
	k->cost_budget = 9;
	k->n_open = k->n_crit = k->n_waiting = 3;
}

/* One reference; goes with ns_snapshot_unref. */
static inline ns_snapshot *make_picture(size_t incidents)
{
	ns_arena *ar = ns_arena_new();
	ns_snapshot *s = ns_arena_alloc(ar, sizeof *s);
	memset(s, 1, sizeof *s);
	s->arena = ar;
	atomic_init(&s->refs, 1);
	s->user = s->mode = s->version = s->trouble = s->clock = HOSTILE;
	s->n_clusters = 2;
	s->clusters = ns_arena_alloc(ar, 2 * sizeof *s->clusters);
	for (int i = 0; i < 2; i++)
		fill_cluster(&s->clusters[i]);
	s->clock_rate = 6;
	s->model.on = true;
	s->model.name = s->model.offline_why = s->model.finds = s->model.capped = HOSTILE;
	s->model.hour = (ns_spent_row){1, 2, 3, 4, 5, 6};
	s->model.day = (ns_spent_row){7, 8, 9, 10, -1, 12};
	s->req_per_s = 1.5;
	s->cpu_percent = 0.25;
	s->n_crit = s->n_warn = s->n_info = s->n_open = 1;
	s->n_incidents = incidents;
	s->incidents = ns_arena_alloc(ar, (incidents + 1) * sizeof *s->incidents);
	for (size_t i = 0; i < incidents; i++)
		fill_row(&s->incidents[i], (int64_t)i + 1);
	s->n_approvals = 1;
	s->approvals = ns_arena_alloc(ar, sizeof *s->approvals);
	fill_approval(s->approvals);
	s->n_undos = 1;
	s->undos = ns_arena_alloc(ar, sizeof *s->undos);
	fill_approval(s->undos);
	s->n_cost = s->n_agents = s->n_messages = 1;
	s->cost = ns_arena_alloc(ar, sizeof *s->cost);
	*s->cost = (ns_cost_line){.cluster = "prod", .ns = "qa", .workload = HOSTILE, .per_day = 1, .before = 2, .efficiency = 0.5, .spike = true};
	s->agents = ns_arena_alloc(ar, sizeof *s->agents);
	*s->agents = (ns_agent_row){.name = "detector", .doing = HOSTILE, .done = 1, .failed = 2, .busy = true};
	s->messages = ns_arena_alloc(ar, sizeof *s->messages);
	*s->messages = (ns_msg_row){.at_ms = 5, .level = 2, .text = HOSTILE};
	return s;
}

static inline ns_detail *make_detail(void)
{
	static const char *const words[] = {"one", HOSTILE};
	ns_arena *ar = ns_arena_new();
	ns_detail *d = ns_arena_alloc(ar, sizeof *d);
	memset(d, 1, sizeof *d);
	d->arena = ar;
	fill_row(&d->row, 7);
	d->analysis = d->usage = d->root_cause = d->reasoning = d->provider = d->cause_class = d->next_steps = d->runbook = d->runbook_title = d->plan_summary = d->undo =
	    d->verify = d->manual_command = d->command = d->diff = d->dryrun_error = d->warnings = d->digest = d->undo_state = d->undo_digest = d->summary = d->autonomy = d->execution =
	        d->verification = HOSTILE;
	d->confidence = 0.75;
	d->score = 0.5;
	d->margin = 0.25;
	d->risk = NS_RISK_HIGH;
	d->plan_steps = d->reasons = words;
	d->n_plan_steps = d->n_reasons = 2;
	d->n_evidence = d->n_history = 1;
	d->evidence = ns_arena_alloc(ar, sizeof *d->evidence);
	*d->evidence = (ns_detail_evidence){.id = "E1", .kind = "log", .text = HOSTILE, .trusted = true, .at_ms = 9};
	d->history = ns_arena_alloc(ar, sizeof *d->history);
	*d->history = (ns_detail_step){.at_ms = 9, .what = HOSTILE, .who = "uid 0 (root)"};
	return d;
}

static inline void assert_same_json(cJSON *a, cJSON *b)
{
	char *x = ns_json_text(a), *y = ns_json_text(b);
	assert_string_equal(x, y);
	cJSON_free(x);
	cJSON_free(y);
	cJSON_Delete(a);
	cJSON_Delete(b);
}
#endif
