/* The model service behind the engine: who analyses, what it costs, what became of its claims. Without one the offline analyst does it all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/store/learned.h"

enum { WINDOW_MS = 600000, MAX_CLAIMS = 2000 };
static const char budget_key[] = "model_budget";

/* ---- claims and outcomes ---- */

/* Each verified claim as the confidence watch wants it, oldest first. What cannot be read speaks against nobody. */
static size_t outcomes(void *ctx, ns_arena *ar, const ns_outcome **out)
{
	ns_engine *e = ctx;
	ns_claimed *rows;
	size_t n;
	if (!ns_store_claimed(e->store, ar, MAX_CLAIMS, &rows, &n, NULL))
		return 0;
	ns_outcome *list = ns_arena_alloc(ar, (n + 1) * sizeof *list);
	for (size_t i = 0; i < n; i++)
		list[i] = (ns_outcome){rows[i].model, ns_action_parse(rows[i].action, NULL), strtod(rows[i].confidence, NULL), rows[i].verdict == NS_VERDICT_FIXED};
	*out = list;
	return n;
}

void ns_model_learned(ns_engine *e)
{
	if (!e->o.llm)
		return;
	ns_arena *ar = ns_arena_new();
	const ns_outcome *list = NULL;
	size_t n = outcomes(e, ar, &list), rows = 0;
	const ns_reliability *r = ns_reliability_table(ar, list, n, &rows);
	ns_buf now = NS_BUF_INIT;
	for (size_t i = 0; i < rows; i++) {
		if (r[i].cap >= 1 || !*r[i].words)
			continue;
		const char *line = ns_arena_printf(ar, "%s on %s counts for at most %.2f: %s", r[i].model, ns_action_get(r[i].action)->name, r[i].cap, r[i].words);
		ns_buf_printf(&now, "%s\n", line);
		pthread_mutex_lock(&e->model.mu);
		bool known = strstr(ns_buf_str(&e->model.capped), line) != NULL;
		pthread_mutex_unlock(&e->model.mu);
		if (!known)
			ns_engine_say(e, NS_LOG_WARN, "confidence watch: %s", line);
	}
	pthread_mutex_lock(&e->model.mu);
	ns_buf_free(&e->model.capped);
	e->model.capped = now;
	pthread_mutex_unlock(&e->model.mu);
	ns_arena_free(ar);
}

/* ---- money ---- */

bool ns_model_keep_budget(ns_engine *e, ns_err *err)
{
	if (!e->o.budget)
		return true;
	cJSON *j = ns_budget_to_json(e->o.budget);
	char *text = ns_json_text(j);
	bool ok = ns_store_meta_set(e->store, budget_key, text, err);
	cJSON_free(text);
	cJSON_Delete(j);
	return ok;
}

/* What was spent before the restart still counts. A record that cannot be read is said: the budget starts anew then. */
static void restore_budget(ns_engine *e, ns_arena *ar)
{
	const char *text = "";
	ns_err err = {0};
	if (!ns_store_meta_get(e->store, ar, budget_key, &text, NULL))
		return;
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, &err);
	if (!j || !ns_budget_from_json(e->o.budget, j, &err))
		ns_engine_say(e, NS_LOG_WARN, "what the model service has cost so far cannot be read, counted anew: %s", err.text);
	cJSON_Delete(j);
}

/* ---- life ---- */

void ns_model_open(ns_engine *e)
{
	ns_arena *ar = ns_arena_new();
	ns_analysts_opts o = {.llm = e->o.llm, .clock = e->o.clock, .window_ms = WINDOW_MS, .outcomes = outcomes, .ctx = e};
	e->model.analysts = ns_analysts_new(&o);
	if (e->o.budget)
		restore_budget(e, ar);
	ns_index_open(e);
	ns_model_learned(e);
	ns_arena_free(ar);
}

void ns_model_close(ns_engine *e)
{
	ns_index_free(e->model.index);
	ns_analysts_free(e->model.analysts);
	ns_buf_free(&e->model.capped);
}

bool ns_model_ready(ns_engine *e)
{
	ns_llm_view v;
	if (!e->o.llm)
		return false;
	ns_llm_look(e->o.llm, &v);
	return atomic_load(&e->model.trouble) == NS_LLM_FINE && v.held_ms == 0;
}

ns_analysis *ns_model_analyze(ns_worker *w, ns_arena *ar, const ns_case *c, int64_t incident, ns_err *err)
{
	ns_engine *e = w->e;
	ns_analysis *x = ns_analyze_with(e->model.analysts, ar, c, incident, w->cancel);
	if (x->trouble == NS_LLM_CANCELLED) { /* the next engine asks */
		ns_fail(err, NS_E_CANCELLED, "the analysis was not finished");
		return NULL;
	}
	if (x->by != NS_BY_MEMORY)
		atomic_store(&e->model.trouble, (int)x->trouble);
	if (x->trouble)
		ns_engine_say(e, NS_LOG_WARN, "#%lld %s", (long long)incident, x->mark);
	return x;
}

/* ---- what is recorded of an analysis ---- */

bool ns_model_record(ns_step *s, const ns_analysis *x)
{
	static const char *const by[] = {[NS_BY_OFFLINE] = "offline", [NS_BY_MODEL] = "model", [NS_BY_MEMORY] = "memory"};
	if (!s->e->o.llm)
		return true;
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "by", by[x->by]);
	ns_json_put_str(j, "model", x->rca->provider);
	ns_json_put_str(j, "action", ns_action_get(x->rca->action)->name);
	ns_json_put_num(j, "claimed", x->claimed);
	ns_json_put_str(j, "trouble", x->trouble ? ns_llm_trouble_words(x->trouble) : "");
	ns_json_put_str(j, "mark", x->mark);
	ns_json_put_str(j, "reply", x->reply_reason);
	ns_json_put_str(j, "prompt", x->prompt_version);
	ns_json_put_str(j, "request", x->request_id);
	ns_json_put_int(j, "prompt_tokens", x->usage.prompt);
	ns_json_put_int(j, "cached_tokens", x->usage.cached);
	ns_json_put_int(j, "completion_tokens", x->usage.completion);
	ns_json_put_int(j, "micro_usd", x->usage.micro_usd);
	ns_json_put_bool(j, "estimated", x->usage.estimated);
	ns_json_put_int(j, "elapsed_ms", x->elapsed_ms);
	return ns_step_fact(s, "analysis", j) && ns_model_spent(s);
}

bool ns_model_spent(ns_step *s)
{
	ns_engine *e = s->e;
	if (!e->o.budget)
		return true;
	ns_spend all = ns_budget_incident(e->o.budget, s->inc.id);
	cJSON *j = cJSON_CreateObject();
	ns_json_put_int(j, "calls", all.calls);
	ns_json_put_int(j, "tokens", all.tokens);
	ns_json_put_int(j, "micro_usd", all.micro_usd);
	return ns_step_fact(s, "usage", j) && ns_model_keep_budget(e, &s->err);
}

const char *ns_model_note(ns_arena *ar, const ns_analysis *x)
{
	return *x->mark ? ns_arena_printf(ar, "%.110s. %s", x->mark, x->rca->root_cause) : x->rca->root_cause;
}

/* ---- for the screen ---- */

void ns_model_show(ns_engine *e, ns_snapshot *s)
{
	s->model = (ns_model_row){.name = "", .offline_why = "", .finds = ""};
	if (!e->o.llm)
		return;
	ns_llm_view v;
	ns_budget_view b = {0};
	char by[NS_INDEX_MODEL + 16];
	ns_llm_look(e->o.llm, &v);
	ns_index_by(e->model.index, by);
	s->model.on = true;
	s->model.name = ns_arena_strdup(s->arena, v.model[NS_LLM_ANALYZER]);
	s->model.finds = ns_arena_strdup(s->arena, by);
	s->model.most_calls = s->model.most_tokens = s->model.most_micro_usd = -1;
	if (e->o.budget) {
		ns_budget_look(e->o.budget, ns_clock_wall_ms(ns_clock_real()), &b);
		const ns_spend *most = &b.limits.most[NS_PER_DAY];
		s->model.calls = b.day.calls;
		s->model.tokens = b.day.tokens;
		s->model.micro_usd = b.day.micro_usd;
		s->model.most_calls = most->calls;
		s->model.most_tokens = most->tokens;
		s->model.most_micro_usd = most->micro_usd;
	}
	ns_llm_trouble last = (ns_llm_trouble)atomic_load(&e->model.trouble);
	s->model.offline_why = b.stopped || last == NS_LLM_BUDGET ? "budget" : last ? ns_llm_trouble_words(last) : v.held_ms ? "refused for now" : "";
}

/* "qwen-plus, 900 + 90 tokens, 0.0012 USD, prompt analyzer/1/ab12, request r9" */
static const char *usage_line(ns_arena *ar, const cJSON *j, const cJSON *spent)
{
	const char *request = ns_json_str(j, "request", ""), *prompt = ns_json_str(j, "prompt", "");
	ns_buf b = NS_BUF_INIT;
	if (!*prompt)
		return "";
	ns_buf_printf(&b, "%lld + %lld tokens%s, %.4f USD, %lld ms, prompt %s%s%s", (long long)ns_json_int_or(j, "prompt_tokens", 0),
	    (long long)ns_json_int_or(j, "completion_tokens", 0), ns_json_bool_or(j, "estimated", false) ? " (estimated)" : "",
	    (double)ns_json_int_or(j, "micro_usd", 0) / 1e6, (long long)ns_json_int_or(j, "elapsed_ms", 0), prompt, *request ? ", request " : "", request);
	if (spent)
		ns_buf_printf(&b, "; in all %lld calls, %lld tokens, %.4f USD", (long long)ns_json_int_or(spent, "calls", 0),
		    (long long)ns_json_int_or(spent, "tokens", 0), (double)ns_json_int_or(spent, "micro_usd", 0) / 1e6);
	char *clean = ns_redact_line(ns_buf_str(&b), b.len, 400); /* a request's id is the service's own text */
	const char *out = ns_arena_strdup(ar, clean);
	free(clean);
	ns_buf_free(&b);
	return out;
}

void ns_model_detail(ns_engine *e, ns_detail *d, int64_t incident)
{
	cJSON *j = ns_store_fact_latest(e->store, incident, "analysis", NULL, NULL);
	cJSON *spent = j ? ns_store_fact_latest(e->store, incident, "usage", NULL, NULL) : NULL;
	d->analysis = j ? ns_arena_strdup(d->arena, ns_json_str(j, "mark", "")) : "";
	d->usage = j ? usage_line(d->arena, j, spent) : "";
	cJSON_Delete(j);
	cJSON_Delete(spent);
}
