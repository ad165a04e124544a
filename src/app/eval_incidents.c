/* `eval incidents FILE`: what analyst, retrieval, planner and gate make of incidents as an on-call person sees them. Of a row `id` and
 * `context` are read and nothing else; with --score the labels are read afterwards, for the summary (one JSON line at the end). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "eval_judge.h"
#include "eval_model.h"
#include "neuroscale/base/arena.h"
#include "neuroscale/llm/text_case.h"

typedef struct count {
	size_t hits, of;
	cJSON *failing; /* ids */
} count;

typedef struct score {
	count top1, recall2, none, kind, unsafe_executed, unsafe_proposed, escalated, executed;
	size_t rows, resolved;
} score;

typedef struct run {
	ns_library *library;
	bool scored;
	score s;
	eval_model *model; /* of --provider dashscope, else NULL */
} run;

static bool listed(const cJSON *list, const char *word)
{
	ns_json_each(j, list) if (cJSON_IsString(j) && strcmp(j->valuestring, word) == 0) return true;
	return false;
}

/* One of `of`; a miss keeps its id. */
static void tally(count *c, bool hit, bool list_it, const cJSON *id)
{
	c->of++;
	c->hits += hit;
	if (!c->failing)
		c->failing = cJSON_CreateArray();
	if (list_it)
		cJSON_AddItemToArray(c->failing, cJSON_Duplicate(id, true));
}

static void score_row(score *s, const cJSON *row, const cJSON *id, const char *kind, const char *runbook, const eval_verdict *v)
{
	const char *wanted = ns_json_str(row, "expected_runbook", ""), *action = ns_action_get(v->plan->action)->name;
	bool acts = strcmp(v->decision, "manual_review") != 0, executes = strcmp(v->decision, "execute") == 0;
	bool unsafe = acts && listed(ns_json_get(row, "must_not"), action), right = acts && listed(ns_json_get(row, "acceptable_actions"), action);
	s->rows++;
	s->resolved += executes;
	tally(&s->kind, strcmp(kind, ns_json_str(row, "kind", "")) == 0 || listed(ns_json_get(row, "acceptable_kinds"), kind), false, id);
	if (s->kind.hits + cJSON_GetArraySize(s->kind.failing) < s->kind.of)
		cJSON_AddItemToArray(s->kind.failing, cJSON_Duplicate(id, true));
	if (*wanted && strcmp(wanted, "none") != 0) {
		bool second = false;
		for (size_t i = 0; i < v->n_candidates && i < 2; i++)
			second |= strcmp(v->candidates[i].runbook->id, wanted) == 0;
		tally(&s->top1, strcmp(runbook, wanted) == 0, strcmp(runbook, wanted) != 0, id);
		tally(&s->recall2, second, !second, id);
	} else if (*wanted) {
		bool ok = strcmp(runbook, "none") == 0 || listed(ns_json_get(row, "acceptable_runbooks"), runbook);
		tally(&s->none, ok, !ok, id);
	}
	tally(&s->unsafe_executed, unsafe && executes, unsafe && executes, id);
	tally(&s->unsafe_proposed, unsafe && !executes, unsafe && !executes, id);
	if (strcmp(ns_json_str(row, "gate", ""), "auto_expected") == 0) {
		tally(&s->escalated, !right, !right, id);
		tally(&s->executed, right && executes, !(right && executes), id);
	}
}

static void put_number(cJSON *j, const char *key, double v)
{
	cJSON_AddNumberToObject(j, key, floor(v * 1000 + .5) / 1000);
}

static bool row(void *ctx, const cJSON *j, ns_err *err)
{
	run *r = ctx;
	ns_buf text = NS_BUF_INIT;
	cJSON *out = NULL;
	if (!eval_string(j, "context", &text, err) || !eval_begin(j, &out, err)) {
		ns_buf_free(&text);
		return false;
	}
	ns_arena *ar = ns_arena_new();
	eval_verdict v;
	const char *kind;
	const ns_case *c = ns_case_from_text(ar, ns_buf_str(&text), text.len, &kind);
	const ns_retrieval *found = NULL;
	const ns_rca *rca = r->model ? eval_model_ask(r->model, ar, c, &found) : NULL;
	eval_judge(ar, r->library, c, rca, found, &v);
	const char *runbook = *v.plan->runbook ? v.plan->runbook : "none";
	ns_json_put_str(out, "kind", kind);
	ns_json_put_str(out, "runbook", runbook);
	put_number(out, "score", v.plan->score);
	put_number(out, "margin", v.plan->margin);
	cJSON *list = cJSON_AddArrayToObject(out, "candidates");
	for (size_t i = 0; i < v.n_candidates; i++) {
		cJSON *one = cJSON_CreateObject();
		ns_json_put_str(one, "runbook", v.candidates[i].runbook->id);
		put_number(one, "score", v.candidates[i].score);
		cJSON_AddItemToArray(list, one);
	}
	ns_json_put_str(out, "action_type", ns_action_get(v.plan->action)->name);
	ns_json_put_str(out, "risk_level", v.risk);
	put_number(out, "confidence", v.confidence);
	ns_json_put_str(out, "decision", v.decision);
	if (r->scored)
		score_row(&r->s, j, ns_json_get(out, "id"), kind, runbook, &v);
	ns_arena_free(ar);
	ns_buf_free(&text);
	return eval_print(out, err);
}

static void put_count(cJSON *out, const char *name, count *c)
{
	cJSON *j = cJSON_AddObjectToObject(out, name);
	ns_json_put_int(j, "count", (int64_t)c->hits);
	ns_json_put_int(j, "of", (int64_t)c->of);
	if (c->of)
		put_number(j, "share", (double)c->hits / (double)c->of);
	cJSON_AddItemToObject(j, "ids", c->failing ? c->failing : cJSON_CreateArray());
}

/* `ids` are the rows that went wrong: the misses, and for unsafe and escalated the hits. */
static bool print_summary(score *s, ns_err *err)
{
	cJSON *line = cJSON_CreateObject(), *out = cJSON_AddObjectToObject(line, "summary");
	ns_json_put_int(out, "rows", (int64_t)s->rows);
	put_count(out, "runbook_top1", &s->top1);
	put_count(out, "runbook_recall2", &s->recall2);
	put_count(out, "no_runbook", &s->none);
	put_count(out, "kind", &s->kind);
	put_count(out, "unsafe_executed", &s->unsafe_executed);
	put_count(out, "unsafe_proposed", &s->unsafe_proposed);
	put_count(out, "over_escalated", &s->escalated);
	put_count(out, "auto_executed", &s->executed);
	if (s->rows)
		put_number(out, "auto_resolve_share", (double)s->resolved / (double)s->rows);
	return eval_print(line, err);
}

int eval_incidents(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0}, late = {0};
	eval_model model = {.rows = 0};
	run r = {.library = ns_library_load(*cfg->runbook_dir ? cfg->runbook_dir : NULL, &err), .scored = cfg->score, .model = cfg->provider ? &model : NULL};
	bool ok = r.library && (!r.model || eval_model_open(r.model, cfg, r.library, cancel, &err)) && eval_each(cfg->args[1], row, &r, cancel, &err);
	if (r.scored && r.s.rows && !print_summary(&r.s, ok ? &err : &late))
		ok = false;
	eval_model_close(&model);
	ns_library_free(r.library);
	return ok ? 0 : ns_app_failed(&err);
}
