#include "eval_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/agents/analyzer.h"
#include "neuroscale/agents/planner.h"
#include "neuroscale/base/arena.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"

enum { WINDOW_MS = 600000, MAX_CALLS = 100000 };

static void told(void *ctx, const char *words)
{
	fprintf(stderr, "neuroscale-tui: %s\n", words);
}

static void who(void *ctx, char model[NS_INDEX_MODEL], size_t *dim)
{
	ns_llm_view v;
	ns_llm_look(((eval_model *)ctx)->model.llm, &v);
	ns_copy(model, NS_INDEX_MODEL, v.model[NS_LLM_PLANNER]);
	*dim = 0;
}

static bool embed(void *ctx, void *asked, const char *const *texts, size_t n, const ns_cancel *cancel, float **out, size_t *dim,
    char model[NS_INDEX_MODEL], ns_err *err)
{
	const eval_model *m = ctx;
	ns_llm_answer a;
	bool ok = ns_llm_embed(m->model.llm, texts, n, asked ? m->rows : 0, cancel, out, dim, &a, err);
	ns_copy(model, NS_INDEX_MODEL, a.model);
	ns_llm_answer_free(&a);
	return ok;
}

bool eval_model_open(eval_model *m, const ns_config *cfg, const ns_library *lib, const ns_cancel *cancel, ns_err *err)
{
	const ns_embedder maker = {m, who, embed};
	ns_index_news news;
	ns_err why = {0};
	*m = (eval_model){.cancel = cancel};
	ns_config own = *cfg;
	if (own.model_calls_per_hour ==
	    ns_budget_defaults.most[NS_PER_HOUR].calls) /* made for an hour's incidents, not for a file of them; money has its limits */
		own.model_calls_per_hour = MAX_CALLS;
	if (!app_model_open(&m->model, &own, cancel, told, NULL, err))
		return ns_err_wrap(err, "--provider dashscope");
	m->analysts = ns_analysts_new(&(ns_analysts_opts){.llm = m->model.llm, .clock = ns_clock_real(), .window_ms = WINDOW_MS});
	m->index = ns_index_new(lib, &maker, NULL);
	if (!ns_index_refresh(m->index, cancel, &news, &why)) {
		char *words = ns_xasprintf("runbooks are found by the library's own vectors: %s", why.text);
		told(NULL, words);
		free(words);
	}
	return true;
}

static void note(eval_model *m, const char *why)
{
	if (!m->offline++)
		ns_copy(m->why, sizeof m->why, why);
}

const ns_rca *eval_model_ask(eval_model *m, ns_arena *ar, const ns_case *c, const ns_retrieval **found)
{
	m->rows++;
	const ns_analysis *x = ns_analyze_with(m->analysts, ar, c, m->rows, m->cancel);
	char by[NS_INDEX_MODEL + 16];
	*found = NULL;
	ns_index_by(m->index, by);
	if (x->by == NS_BY_OFFLINE)
		note(m, *x->mark ? x->mark : "the model was not asked");
	if (x->trouble || strcmp(by, "offline") == 0) /* nobody waits twice for a service that has just failed */
		return x->rca;
	ns_buf q = NS_BUF_INIT;
	ns_retrieval *r = ns_arena_alloc(ar, sizeof *r);
	ns_plan_query(c, x->rca, &q);
	ns_index_search(m->index, ns_buf_str(&q), m, m->cancel, r);
	ns_buf_free(&q);
	if (*r->mark && x->by != NS_BY_OFFLINE)
		note(m, r->mark);
	*found = r;
	return x->rca;
}

void eval_model_close(eval_model *m)
{
	if (m->offline)
		fprintf(stderr,
		    "neuroscale-tui: %" PRId64 " of %" PRId64
		    " rows were not all the model's work, the offline analyst stood in; the first: %s\n",
		    m->offline, m->rows, m->why);
	ns_index_free(m->index);
	ns_analysts_free(m->analysts);
	app_model_close(&m->model);
}
