/* The model service behind the engine: who analyses, what it costs, what became of its claims. Without one the offline analyst does it all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/store/learned.h"

enum { WINDOW_MS = 600000, MAX_CLAIMS = 2000, SHOWN_USES = 6, LONGEST_USE = 400 };
static const char budget_key[] = "model_budget";

/* ---- claims and outcomes ---- */

/* Each verified claim as the confidence watch wants it, oldest first. */
static ns_outcome *read_record(ns_engine *e, ns_arena *ar, size_t *n, ns_err *err)
{
	ns_claimed *rows;
	if (!ns_store_claimed(e->store, ar, MAX_CLAIMS, &rows, n, err))
		return NULL;
	ns_outcome *list = ns_arena_alloc(ar, (*n + 1) * sizeof *list);
	for (size_t i = 0; i < *n; i++)
		list[i] = (ns_outcome){rows[i].model, ns_action_parse(rows[i].action, NULL), strtod(rows[i].confidence, NULL), rows[i].verdict == NS_VERDICT_FIXED};
	return list;
}

/* For the analysts: from memory, since each analysis asks. */
static size_t outcomes(void *ctx, ns_arena *ar, const ns_outcome **out)
{
	ns_engine *e = ctx;
	pthread_mutex_lock(&e->model.mu);
	size_t n = e->model.n_record;
	ns_outcome *list = ns_arena_alloc(ar, (n + 1) * sizeof *list);
	for (size_t i = 0; i < n; i++) {
		list[i] = e->model.record[i];
		list[i].model = ns_arena_strdup(ar, list[i].model);
	}
	pthread_mutex_unlock(&e->model.mu);
	*out = list;
	return n;
}

/* Has this model's claim of this action been said to be capped? Its figures change with every verdict, and that is no news. */
static bool is_said(ns_engine *e, const char *model, const char *action)
{
	char *begin = ns_xasprintf("%s on %s counts for at most ", model, action);
	pthread_mutex_lock(&e->model.mu);
	bool said = strstr(ns_buf_str(&e->model.capped), begin) != NULL;
	pthread_mutex_unlock(&e->model.mu);
	free(begin);
	return said;
}

static void cap_lines(ns_engine *e, const ns_reliability *r, size_t rows, ns_buf *now)
{
	for (size_t i = 0; i < rows; i++) {
		const char *action = ns_action_get(r[i].action)->name;
		if (r[i].cap >= 1 || !*r[i].words)
			continue;
		char *line = ns_xasprintf("%s on %s counts for at most %.2f: %s", r[i].model, action, r[i].cap, r[i].words);
		ns_buf_printf(now, "%s%s", now->len ? "\n" : "", line);
		if (!is_said(e, r[i].model, action))
			ns_engine_say(e, NS_LOG_WARN, "confidence watch: %s", line);
		free(line);
	}
}

/* What cannot be read changes nothing: the record as it was goes on to count. */
void ns_model_learned(ns_engine *e)
{
	if (!e->o.llm)
		return;
	ns_arena *ar = ns_arena_new();
	ns_err err = {0};
	size_t n = 0, rows = 0;
	ns_outcome *list = read_record(e, ar, &n, &err);
	ns_buf now = NS_BUF_INIT;
	if (!list) {
		ns_log(NS_LOG_WARN, "model", "what became of the models' claims cannot be read: %s", err.text);
		ns_arena_free(ar);
		return;
	}
	const ns_reliability *table = ns_reliability_table(ar, list, n, &rows);
	cap_lines(e, table, rows, &now);
	pthread_mutex_lock(&e->model.mu);
	ns_arena *was = e->model.record_arena;
	ns_buf_free(&e->model.capped);
	e->model.record_arena = ar;
	e->model.record = list;
	e->model.n_record = n;
	e->model.capped = now;
	pthread_mutex_unlock(&e->model.mu);
	ns_arena_free(was);
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

static void told(void *engine, const char *words)
{
	ns_log(NS_LOG_WARN, "model", "%s", words);
	ns_engine_notice(engine, words);
}

void ns_model_open(ns_engine *e)
{
	ns_arena *ar = ns_arena_new();
	ns_analysts_opts o = {.llm = e->o.llm, .clock = e->o.clock, .window_ms = WINDOW_MS, .outcomes = outcomes, .ctx = e};
	e->model.analysts = ns_analysts_new(&o);
	if (e->o.llm)
		ns_llm_listen(e->o.llm, told, e);
	if (e->o.budget)
		restore_budget(e, ar);
	ns_index_open(e);
	ns_model_learned(e);
	ns_arena_free(ar);
}

/* What was asked and came to nothing recorded (an index half made, an analysis that we left) was paid for as well. */
static void keep_last(ns_engine *e)
{
	ns_err err = {0};
	if (!e->o.budget || !e->store)
		return;
	if (ns_store_begin(e->store, &err) && ns_model_keep_budget(e, &err) && ns_store_commit(e->store, &err))
		return;
	ns_store_rollback(e->store);
	ns_log(NS_LOG_WARN, "model", "what was spent last is not on record: %s", err.text);
}

void ns_model_close(ns_engine *e)
{
	if (!e->model.analysts)
		return;
	if (e->o.llm)
		ns_llm_listen(e->o.llm, NULL, NULL);
	keep_last(e);
	ns_index_free(e->model.index);
	ns_analysts_free(e->model.analysts);
	ns_buf_free(&e->model.capped);
	ns_arena_free(e->model.record_arena);
}

/* Trouble of the last analysis, as long as its window lasts: the next one asks again. What one incident has used up, or what its texts hold, troubles
 * no other. */
static ns_llm_trouble trouble_now(ns_engine *e)
{
	ns_llm_trouble t = (ns_llm_trouble)atomic_load(&e->model.trouble);
	bool over = ns_clock_mono_ms(e->o.clock) - atomic_load(&e->model.trouble_at) >= WINDOW_MS;
	return over || t == NS_LLM_BUDGET || t == NS_LLM_FILTERED ? NS_LLM_FINE : t;
}

bool ns_model_ready(ns_engine *e)
{
	ns_llm_view v;
	if (!e->o.llm)
		return false;
	ns_llm_look(e->o.llm, &v);
	return trouble_now(e) == NS_LLM_FINE && v.held_ms == 0;
}

ns_analysis *ns_model_analyze(ns_worker *w, ns_arena *ar, const ns_case *c, int64_t incident, ns_err *err)
{
	ns_engine *e = w->e;
	ns_analysis *x = ns_analyze_with(e->model.analysts, ar, c, incident, w->cancel);
	if (x->trouble == NS_LLM_CANCELLED) { /* the next engine asks */
		ns_fail(err, NS_E_CANCELLED, "the analysis was not finished");
		return NULL;
	}
	if (x->asked) { /* what is remembered says nothing of now */
		atomic_store(&e->model.trouble_at, ns_clock_mono_ms(e->o.clock));
		atomic_store(&e->model.trouble, (int)x->trouble);
	}
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
	const ns_model_use use = {.asked = x->asked, .role = NS_LLM_ANALYZER, .model = x->model, .prompt = x->prompt_version, .request = x->request_id,
	    .why = x->trouble ? ns_llm_trouble_words(x->trouble) : "", .usage = x->usage, .elapsed_ms = x->elapsed_ms};
	return ns_step_fact(s, "analysis", j) && ns_model_spent(s, &use);
}

bool ns_model_spent(ns_step *s, const ns_model_use *u)
{
	ns_engine *e = s->e;
	if (!u->asked)
		return true;
	ns_spend all = e->o.budget ? ns_budget_incident(e->o.budget, s->inc.id) : (ns_spend){0};
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "role", ns_llm_role_name(u->role));
	ns_json_put_str(j, "model", u->model);
	ns_json_put_str(j, "prompt", u->prompt);
	ns_json_put_str(j, "request", u->request);
	ns_json_put_str(j, "why", u->why);
	ns_json_put_int(j, "prompt_tokens", u->usage.prompt);
	ns_json_put_int(j, "cached_tokens", u->usage.cached);
	ns_json_put_int(j, "completion_tokens", u->usage.completion);
	ns_json_put_int(j, "micro_usd", u->usage.micro_usd);
	ns_json_put_bool(j, "estimated", u->usage.estimated);
	ns_json_put_int(j, "elapsed_ms", u->elapsed_ms);
	ns_json_put_int(j, "all_calls", all.calls);
	ns_json_put_int(j, "all_tokens", all.tokens);
	ns_json_put_int(j, "all_micro_usd", all.micro_usd);
	return ns_step_fact(s, "usage", j) && ns_model_keep_budget(e, &s->err);
}

const char *ns_model_note(ns_arena *ar, const ns_analysis *x)
{
	return *x->mark ? ns_arena_printf(ar, "%.110s. %s", x->mark, x->rca->root_cause) : x->rca->root_cause;
}

/* ---- for the screen ---- */

static ns_spent_row spent_row(const ns_spend *used, const ns_spend *most)
{
	return (ns_spent_row){used->calls, used->tokens, used->micro_usd, most->calls, most->tokens, most->micro_usd};
}

static void show_budget(ns_engine *e, ns_model_row *m, bool *stopped)
{
	static const ns_spend none = {0}, no_limit = {-1, -1, -1};
	ns_budget_view b;
	m->hour = m->day = spent_row(&none, &no_limit);
	*stopped = false;
	if (!e->o.budget)
		return;
	ns_budget_look(e->o.budget, ns_clock_wall_ms(ns_clock_real()), &b);
	m->hour = spent_row(&b.hour, &b.limits.most[NS_PER_HOUR]);
	m->day = spent_row(&b.day, &b.limits.most[NS_PER_DAY]);
	*stopped = b.stopped;
}

void ns_model_show(ns_engine *e, ns_snapshot *s)
{
	ns_model_row *m = &s->model;
	*m = (ns_model_row){.name = "", .offline_why = "", .finds = "", .capped = ""};
	if (!e->o.llm)
		return;
	ns_llm_view v;
	char by[NS_INDEX_MODEL + 16];
	bool stopped;
	ns_llm_look(e->o.llm, &v);
	ns_index_by(e->model.index, by);
	m->on = true;
	m->name = ns_arena_strdup(s->arena, v.model[NS_LLM_ANALYZER]);
	m->finds = ns_arena_strdup(s->arena, by);
	pthread_mutex_lock(&e->model.mu);
	m->capped = ns_arena_strdup(s->arena, ns_buf_str(&e->model.capped));
	pthread_mutex_unlock(&e->model.mu);
	show_budget(e, m, &stopped);
	ns_llm_trouble last = trouble_now(e);
	m->offline_why = stopped ? "budget" : last ? ns_llm_trouble_words(last) : v.held_ms ? "refused for now" : *m->name ? "" : ns_llm_trouble_words(NS_LLM_MODEL);
}

/* "analyzer qwen-plus: 900 + 90 tokens, 0.0012 USD, 700 ms, prompt analyzer/1/ab12, request r9". Clean: a request's id is the service's own text. */
static void usage_line(ns_buf *out, const cJSON *j)
{
	const char *request = ns_json_str(j, "request", ""), *prompt = ns_json_str(j, "prompt", ""), *model = ns_json_str(j, "model", ""),
	           *why = ns_json_str(j, "why", "");
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "%s%s%s: %lld + %lld tokens%s, %.4f USD, %lld ms", ns_json_str(j, "role", ""), *model ? " " : "", model,
	    (long long)ns_json_int_or(j, "prompt_tokens", 0), (long long)ns_json_int_or(j, "completion_tokens", 0),
	    ns_json_bool_or(j, "estimated", false) ? " (estimated)" : "", (double)ns_json_int_or(j, "micro_usd", 0) / 1e6,
	    (long long)ns_json_int_or(j, "elapsed_ms", 0));
	ns_buf_printf(&b, "%s%s%s%s%s%s", *prompt ? ", prompt " : "", prompt, *request ? ", request " : "", request, *why ? "; not used: " : "", why);
	char *line = ns_redact_line(ns_buf_str(&b), b.len, LONGEST_USE);
	ns_buf_printf(out, "%s\n", line);
	free(line);
	ns_buf_free(&b);
}

/* The newest questions about an incident, the newest last, and what all of them came to. */
static const char *usage_lines(ns_arena *ar, const ns_fact_row *rows, size_t n)
{
	ns_buf out = NS_BUF_INIT;
	cJSON *last = NULL;
	size_t first = n, shown = 0;
	while (first && shown < SHOWN_USES)
		shown += strcmp(rows[--first].name, "usage") == 0;
	for (size_t i = first; i < n; i++) {
		if (strcmp(rows[i].name, "usage") != 0)
			continue;
		cJSON_Delete(last);
		last = ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, NULL);
		usage_line(&out, last);
	}
	if (last)
		ns_buf_printf(&out, "in all: %lld call%s, %lld tokens, %.4f USD", (long long)ns_json_int_or(last, "all_calls", 0),
		    ns_json_int_or(last, "all_calls", 0) == 1 ? "" : "s", (long long)ns_json_int_or(last, "all_tokens", 0), (double)ns_json_int_or(last, "all_micro_usd", 0) / 1e6);
	cJSON_Delete(last);
	return ns_arena_take(ar, &out);
}

void ns_model_detail(ns_engine *e, ns_detail *d, int64_t incident)
{
	ns_fact_row *rows = NULL;
	size_t n = 0;
	cJSON *j = ns_store_fact_latest(e->store, incident, "analysis", NULL, NULL);
	d->analysis = j ? ns_arena_strdup(d->arena, ns_json_str(j, "mark", "")) : "";
	d->usage = j && ns_store_facts(e->store, d->arena, incident, &rows, &n, NULL) ? usage_lines(d->arena, rows, n) : "";
	cJSON_Delete(j);
}

const char *ns_model_analyst(ns_engine *e, ns_arena *ar, int64_t incident)
{
	cJSON *j = ns_store_fact_latest(e->store, incident, "analysis", NULL, NULL);
	const char *model = j ? ns_json_str(j, "model", "") : "", *mark = j ? ns_json_str(j, "mark", "") : "";
	bool offline = strcmp(model, "offline") == 0;
	const char *words = ns_arena_printf(ar, "%s%s%s", offline && *mark ? "" : model, !offline && *mark ? "; " : "", mark);
	cJSON_Delete(j);
	return words;
}
