/* Vectors in batches. Rows are put where their index says, an answer with a row missing, twice, or of another length is none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "provider_priv.h"

enum { MAX_DIMENSIONS = 8192 };

typedef struct batch {
	const char *const *texts;
	size_t n, dim;     /* dim 0: not known yet */
	float *rows;       /* n * dim, of this batch */
	int64_t tokens;
	char model[96];
	ns_buf body;
	const char *must_be; /* the model of the batches before, NULL none */
	bool changed;
} batch;

static char *body(void *ctx, const ns_llm *l, const llm_model *m)
{
	const batch *b = ctx;
	return llm_embed_body(&l->o, m->name, b->texts, b->n);
}

static void restart(void *ctx, const llm_model *m)
{
	batch *b = ctx;
	ns_buf_clear(&b->body);
	ns_copy(b->model, sizeof b->model, m->name);
	free(b->rows);
	b->rows = NULL;
	b->changed = b->must_be && strcmp(b->must_be, b->model) != 0;
	if (b->changed || !b->must_be)
		b->dim = 0;
}

static bool on_bytes(void *ctx, bool event_stream, const char *p, size_t n, bool *progress)
{
	ns_buf_put(&((batch *)ctx)->body, p, n);
	*progress = true;
	return true;
}

/* Length 1; false when it is no vector. */
static bool normalise(float *v, size_t dim)
{
	double sum = 0;
	for (size_t i = 0; i < dim; i++)
		sum += (double)v[i] * v[i];
	if (!(sum > 0) || !isfinite(sum))
		return false;
	for (size_t i = 0; i < dim; i++)
		v[i] = (float)(v[i] / sqrt(sum));
	return true;
}

static bool read_vector(const cJSON *list, float *v, size_t dim)
{
	size_t k = 0;
	ns_json_each(x, list)
	{
		if (!cJSON_IsNumber(x) || k >= dim)
			return false;
		v[k++] = (float)x->valuedouble;
	}
	return k == dim && normalise(v, dim);
}

static const char *read_rows(batch *b, const cJSON *data)
{
	bool *seen = ns_xcalloc(b->n + 1, sizeof *seen);
	const char *why = ns_json_len(data) == b->n ? NULL : "not as many vectors as texts";
	for (const cJSON *row = why ? NULL : data->child; row && !why; row = row->next) {
		const cJSON *list = ns_json_get(row, "embedding");
		int64_t at = ns_json_int_or(row, "index", -1);
		size_t dim = cJSON_IsArray(list) ? ns_json_len(list) : 0;
		if (!b->dim && dim <= MAX_DIMENSIONS)
			b->dim = dim;
		if (!b->rows && b->dim)
			b->rows = ns_xcalloc(b->n * b->dim, sizeof *b->rows);
		if (at < 0 || (size_t)at >= b->n || seen[at])
			why = "a vector without its place";
		else if (!dim || dim != b->dim)
			why = "a vector of another length";
		else if (!b->rows || !read_vector(list, b->rows + (size_t)at * dim, dim))
			why = "a vector that is none";
		else
			seen[at] = true;
	}
	free(seen);
	return why;
}

static void finish(void *ctx, ns_llm_answer *a, ns_llm_usage *u, llm_outcome *o)
{
	batch *b = ctx;
	static const ns_json_limits limits = {.max_bytes = 64 << 20, .max_depth = 16, .allow_duplicate_keys = true};
	cJSON *j = ns_json_parse(ns_buf_str(&b->body), b->body.len, &limits, NULL);
	int64_t tokens = ns_json_int_or(j, "usage.total_tokens", ns_json_int_or(j, "usage.prompt_tokens", -1));
	*u = (ns_llm_usage){.prompt = tokens >= 0 && tokens < 100000000 ? tokens : b->tokens, .estimated = tokens < 0};
	o->failed = j && !ns_json_get(j, "data") && (ns_json_get(j, "error") || ns_json_get(j, "code"));
	if (o->failed)
		llm_failure_read(200, ns_buf_str(&b->body), b->body.len, &o->failure);
	const char *id = ns_json_str(j, "id", ns_json_str(j, "request_id", ""));
	ns_copy(a->request_id, sizeof a->request_id, id);
	o->words = !j ? "the answer is not JSON" : read_rows(b, ns_json_get(j, "data"));
	o->trouble = o->words ? NS_LLM_WRONG : NS_LLM_FINE;
	cJSON_Delete(j);
}

static bool run_batch(ns_llm *l, batch *b, int64_t incident, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err)
{
	const int64_t end = ns_real_mono_ms() + (b->n == 1 ? l->o.begin_ms : l->o.index_ms); /* one text is a search: an incident waits for it */
	b->tokens = 0;
	for (size_t i = 0; i < b->n; i++)
		b->tokens += llm_tokens(b->texts[i]);
	llm_call c = {.role = NS_LLM_PLANNER, .path = "/embeddings", .begin_by = end, .end_by = end, .incident = incident, .tokens = b->tokens, .body = body,
	    .restart = restart, .on_bytes = on_bytes, .finish = finish, .ctx = b};
	return llm_run(l, &c, cancel, a, err);
}

static void add_usage(ns_llm_answer *sum, const ns_llm_answer *a)
{
	ns_llm_usage u = sum->usage;
	int attempts = sum->attempts + a->attempts;
	int64_t elapsed = sum->elapsed_ms + a->elapsed_ms;
	*sum = *a;
	sum->attempts = attempts;
	sum->elapsed_ms = elapsed;
	sum->usage.prompt += u.prompt;
	sum->usage.micro_usd += u.micro_usd;
	sum->usage.estimated |= u.estimated;
}

/* The smallest batch that any model of the role takes. */
static size_t batch_size(ns_llm *l)
{
	size_t least = 25;
	for (size_t i = 0; i < l->roles[NS_LLM_PLANNER].n; i++) {
		size_t k = llm_model_batch(l->roles[NS_LLM_PLANNER].models[i].name);
		least = k < least ? k : least;
	}
	return least;
}

static char *redacted(const char *text)
{
	ns_buf safe = NS_BUF_INIT;
	ns_redact(&safe, text, strlen(text));
	return ns_buf_steal(&safe);
}

bool ns_llm_embed(ns_llm *l, const char *const *texts, size_t n, int64_t incident, const ns_cancel *cancel, float **out, size_t *dim, ns_llm_answer *a,
    ns_err *err)
{
	char **full = ns_xcalloc(n + 1, sizeof *full); /* redacted: what leaves, leaves so, a person's own runbook too */
	size_t *place = ns_xcalloc(n + 1, sizeof *place), n_full = 0, most = batch_size(l), d = 0;
	float *all = NULL;
	char model[96] = "";
	bool ok = true;
	*a = (ns_llm_answer){0};
	for (size_t i = 0; i < n; i++)
		if (texts[i] && *texts[i]) {
			full[n_full] = redacted(texts[i]);
			place[n_full++] = i;
		}
	if (!n_full)
		ok = ns_fail(err, NS_E_INVALID, "nothing to make vectors of");
	for (size_t from = 0; ok && from < n_full;) {
		batch b = {.texts = (const char *const *)full + from, .n = n_full - from < most ? n_full - from : most, .dim = d, .must_be = *model ? model : NULL};
		ns_llm_answer one;
		ok = run_batch(l, &b, incident, cancel, &one, err);
		add_usage(a, &one);
		if (ok && b.changed) { /* vectors of two models do not mix */
			from = d = 0;
			free(all);
			all = NULL;
			*model = '\0';
		} else if (ok) {
			ns_copy(model, sizeof model, b.model);
			d = b.dim;
			all = all ? all : ns_xcalloc(n * d, sizeof *all);
			for (size_t i = 0; i < b.n; i++)
				memcpy(all + place[from + i] * d, b.rows + i * d, d * sizeof *all);
			from += b.n;
		}
		free(b.rows);
		ns_buf_free(&b.body);
	}
	for (size_t i = 0; i < n_full; i++)
		free(full[i]);
	free(full);
	free(place);
	*out = ok ? all : NULL;
	*dim = d;
	if (!ok)
		free(all);
	return ok;
}
