/* Runbooks by a model's vectors: the index behind the planner, its vectors in the store, and the thread that keeps it up to date. As long as there
 * is none, and whenever the service is in trouble, the library's own vectors answer. */
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/store/learned.h"

enum { FIRST_PAUSE_MS = 30000, LONGEST_PAUSE_MS = 600000 }; /* between attempts to make the index, of real time */
#define OTHERS_KEPT_MS (30 * 86400000LL)

/* ---- who makes vectors, and where they are kept ---- */

static const char *dim_key(ns_arena *ar, const char *model)
{
	return ns_arena_printf(ar, "vectors:%s", model);
}

/* The dimension is the one that its vectors in the store have: so that a restart asks for none of them again. */
static void who(void *ctx, char model[NS_INDEX_MODEL], size_t *dim)
{
	ns_engine *e = ctx;
	ns_llm_view v;
	ns_llm_look(e->o.llm, &v);
	ns_copy(model, NS_INDEX_MODEL, v.model[NS_LLM_PLANNER]);
	ns_arena *ar = ns_arena_new();
	const char *text = "0";
	ns_store_meta_get(e->store, ar, dim_key(ar, model), &text, NULL);
	*dim = (size_t)strtoull(text, NULL, 10);
	ns_arena_free(ar);
}

/* Who searches, and what it took. */
typedef struct search {
	int64_t incident;
	ns_llm_answer answer; /* its text is freed already */
	bool asked;
} search;

static bool embed(void *ctx, void *asked, const char *const *texts, size_t n, const ns_cancel *cancel, float **out, size_t *dim, char model[NS_INDEX_MODEL], ns_err *err)
{
	ns_engine *e = ctx;
	search *who_asks = asked;
	ns_llm_answer a;
	bool ok = ns_llm_embed(e->o.llm, texts, n, who_asks ? who_asks->incident : 0, cancel, out, dim, &a, err);
	ns_copy(model, NS_INDEX_MODEL, a.model);
	ns_llm_answer_free(&a);
	if (who_asks) {
		who_asks->asked = true;
		who_asks->answer = a;
		who_asks->answer.text = (ns_buf)NS_BUF_INIT;
	}
	return ok;
}

static bool load(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n, float *rows, bool *found, ns_err *err)
{
	return ns_store_vectors_get(((ns_engine *)ctx)->store, model, dim, hashes, n, rows, found, err);
}

/* What was paid for is kept, and what it cost, together. */
static bool save(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n, const float *rows, ns_err *err)
{
	ns_engine *e = ctx;
	if (!ns_store_begin(e->store, err))
		return false;
	ns_arena *ar = ns_arena_new();
	bool ok = ns_store_vectors_put(e->store, model, dim, hashes, n, rows, err) &&
	    ns_store_meta_set(e->store, dim_key(ar, model), ns_arena_printf(ar, "%zu", dim), err) && ns_model_keep_budget(e, err);
	ns_arena_free(ar);
	if (!ok)
		ns_store_rollback(e->store);
	return ok && ns_store_commit(e->store, err);
}

/* Vectors of a model that was left are kept for a month: it may come back. */
static void prune(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n)
{
	ns_engine *e = ctx;
	ns_err err = {0};
	int64_t gone = 0;
	bool ok = ns_store_begin(e->store, &err) &&
	    ns_store_vectors_prune(e->store, model, dim, hashes, n, ns_clock_wall_ms(e->o.clock) - OTHERS_KEPT_MS, &gone, &err);
	if (ok)
		ok = ns_store_commit(e->store, &err);
	else
		ns_store_rollback(e->store);
	if (!ok)
		ns_log(NS_LOG_WARN, "planner", "vectors of what is no more were not removed: %s", err.text);
	else if (gone)
		ns_log(NS_LOG_INFO, "planner", "%lld vectors of what is no more were removed", (long long)gone);
}

void ns_index_open(ns_engine *e)
{
	ns_embedder maker = {e, who, embed};
	ns_vector_keep keep = {e, load, save, prune};
	if (e->o.llm)
		e->model.index = ns_index_new(e->library, &maker, &keep);
}

/* ---- its thread ---- */

/* Another model is the next to be asked than the one that made the index. */
static bool is_stale(ns_engine *e)
{
	char by[NS_INDEX_MODEL + 16], model[NS_INDEX_MODEL];
	size_t dim;
	ns_index_by(e->model.index, by);
	who(e, model, &dim);
	size_t n = strlen(model);
	return strncmp(by, model, n) != 0 || by[n] != '/';
}

void ns_index_run(void *engine, ns_cancel *cancel)
{
	ns_engine *e = engine;
	int64_t pause = FIRST_PAUSE_MS;
	bool said = false;
	do {
		ns_index_news news;
		ns_err err = {0};
		if (!is_stale(e))
			continue;
		if (ns_index_refresh(e->model.index, cancel, &news, &err)) {
			ns_engine_say(e, NS_LOG_INFO, "%s", news.words);
			ns_engine_dirty(e);
			pause = LONGEST_PAUSE_MS;
			said = false;
		} else if (!ns_cancel_fired(cancel)) {
			ns_log(NS_LOG_WARN, "planner", "no index of the runbooks: %s", err.text);
			if (!said)
				ns_engine_say(e, NS_LOG_WARN, "runbooks are found by the library's own vectors: %s", err.text);
			said = true;
			pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
		}
	} while (ns_cancel_sleep(cancel, ns_clock_real(), pause));
}

/* ---- a search ---- */

const ns_retrieval *ns_index_find(ns_worker *w, ns_arena *ar, const ns_case *c, const ns_rca *r, int64_t incident, ns_model_use *use)
{
	*use = (ns_model_use){.asked = false};
	char by[NS_INDEX_MODEL + 16];
	if (!ns_model_ready(w->e)) /* nobody waits twice for a service that has just failed */
		return NULL;
	ns_index_by(w->e->model.index, by);
	if (strcmp(by, "offline") == 0)
		return NULL;
	ns_buf q = NS_BUF_INIT;
	ns_retrieval *found = ns_arena_alloc(ar, sizeof *found);
	search mine = {.incident = incident};
	ns_plan_query(c, r, &q);
	ns_index_search(w->e->model.index, ns_buf_str(&q), &mine, w->cancel, found);
	ns_buf_free(&q);
	const ns_llm_answer *a = &mine.answer;
	if (mine.asked)
		*use = (ns_model_use){.asked = true, .role = NS_LLM_PLANNER, .model = ns_arena_strdup(ar, a->model), .prompt = "", .request = ns_arena_strdup(ar, a->request_id),
		    .why = found->mark, .usage = a->usage, .elapsed_ms = a->elapsed_ms};
	if (*found->mark)
		ns_engine_say(w->e, NS_LOG_WARN, "runbooks are found by the library's own vectors: %s", found->mark);
	return found;
}
