/* Search by a model's vectors.
 *
 * Models press all texts into a narrow cone: two that have nothing in common still have a cosine of 0.3 or 0.6, each model its own. Therefore
 * the mean of all passages is taken away from passages and queries before they are brought to length 1. What is left is what tells them
 * apart, and the scores and floors of score.c hold for every model.
 *
 * A search reads a byte per component of all passages, which gives an interval for every cosine and so one for every runbook's score (it grows
 * with some cosines and falls with the others). Only runbooks that can be among the best k, or the best of their action (for the margins), are
 * computed from their floats: the others cannot change what is returned. */
#include "neuroscale/runbook/index.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/runbook/vectors.h"
#include "passages.h"

enum { BATCH = 64, SWITCHES = 3 }; /* passages a call of the embedder; how often a model may change under a refresh */

/* Immutable once it is shown. */
typedef struct view {
	_Atomic int refs;
	char model[NS_INDEX_MODEL];
	ns_vectors *vectors; /* centred, of length 1 */
	float *mean;
	ns_chunk *chunk;
	size_t *first;       /* passages of each runbook, and of the background at the end */
	ns_floors floors;
} view;

struct ns_index {
	const ns_library *lib;
	ns_embedder e;
	ns_vector_keep keep;
	pthread_mutex_t mu; /* cur */
	view *cur;          /* NULL: offline */
};

static void view_drop(view *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	ns_vectors_free(v->vectors);
	free(v->mean);
	free(v->chunk);
	free(v->first);
	free(v);
}

static view *view_take(ns_index *x)
{
	pthread_mutex_lock(&x->mu);
	view *v = x->cur;
	if (v)
		atomic_fetch_add(&v->refs, 1);
	pthread_mutex_unlock(&x->mu);
	return v;
}

ns_index *ns_index_new(const ns_library *l, const ns_embedder *e, const ns_vector_keep *keep)
{
	ns_index *x = ns_xcalloc(1, sizeof *x);
	x->lib = l;
	if (e)
		x->e = *e;
	if (keep)
		x->keep = *keep;
	pthread_mutex_init(&x->mu, NULL);
	return x;
}

void ns_index_free(ns_index *x)
{
	if (!x)
		return;
	view_drop(x->cur);
	pthread_mutex_destroy(&x->mu);
	free(x);
}

static void name_of(const view *v, char out[NS_INDEX_MODEL + 16])
{
	if (v)
		snprintf(out, NS_INDEX_MODEL + 16, "%s/%zu", v->model, ns_vectors_dim(v->vectors));
	else
		ns_copy(out, NS_INDEX_MODEL + 16, "offline");
}

void ns_index_by(ns_index *x, char out[NS_INDEX_MODEL + 16])
{
	view *v = view_take(x);
	name_of(v, out);
	view_drop(v);
}

/* ---- vectors of passages ------------------------------------------------------------------------------------------- */

typedef struct gathering {
	const ns_passage *passage;
	size_t n, dim;
	char model[NS_INDEX_MODEL];
	float *rows; /* n * dim */
	bool *found;
	size_t embedded;
} gathering;

static const char **hashes_of(const gathering *g)
{
	const char **hashes = ns_xmalloc((g->n + 1) * sizeof *hashes);
	for (size_t i = 0; i < g->n; i++)
		hashes[i] = g->passage[i].hash;
	return hashes;
}

static bool load_kept(ns_index *x, gathering *g, ns_err *err)
{
	free(g->rows);
	g->rows = ns_xcalloc(g->n * g->dim + 1, sizeof *g->rows);
	memset(g->found, 0, g->n * sizeof *g->found);
	if (!x->keep.load)
		return true;
	const char **hashes = hashes_of(g);
	bool ok = x->keep.load(x->keep.ctx, g->model, g->dim, hashes, g->n, g->rows, g->found, err);
	free(hashes);
	return ok;
}

typedef struct batch {
	const char *texts[BATCH], *hashes[BATCH];
	size_t place[BATCH], n;
} batch;

static bool save_batch(ns_index *x, gathering *g, const batch *b, const float *rows, ns_err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		memcpy(g->rows + b->place[i] * g->dim, rows + i * g->dim, g->dim * sizeof *rows);
		g->found[b->place[i]] = true;
	}
	g->embedded += b->n;
	return !x->keep.save || x->keep.save(x->keep.ctx, g->model, g->dim, b->hashes, b->n, rows, err);
}

/* The next passages without a vector. *changed: another model answered, and it is the one to go on with. */
static bool embed_batch(ns_index *x, gathering *g, size_t *at, const ns_cancel *cancel, bool *changed, ns_err *err)
{
	batch b = {.n = 0};
	for (; *at < g->n && b.n < BATCH; ++*at)
		if (!g->dim || !g->found[*at]) {
			b.texts[b.n] = g->passage[*at].text;
			b.hashes[b.n] = g->passage[*at].hash;
			b.place[b.n++] = *at;
		}
	if (!b.n)
		return true;
	float *rows = NULL;
	size_t dim = 0;
	char model[NS_INDEX_MODEL] = "";
	if (!x->e.embed(x->e.ctx, NULL, b.texts, b.n, cancel, &rows, &dim, model, err))
		return false;
	bool ok = (dim > 0 && dim <= NS_VECTORS_MAX_DIM && *model) || ns_fail(err, NS_E_INVALID, "a vector of %zu dimensions cannot be used", dim);
	if (ok && (dim != g->dim || strcmp(model, g->model) != 0)) {
		*changed = true;
		g->dim = dim;
		ns_copy(g->model, sizeof g->model, model);
		ok = load_kept(x, g, err);
	}
	ok = ok && save_batch(x, g, &b, rows, err);
	free(rows);
	return ok;
}

static bool gather(ns_index *x, gathering *g, const ns_cancel *cancel, ns_err *err)
{
	x->e.who(x->e.ctx, g->model, &g->dim);
	g->dim = g->dim <= NS_VECTORS_MAX_DIM ? g->dim : 0;
	if (g->dim && !load_kept(x, g, err))
		return false;
	int switches = 0;
	for (size_t at = 0; at < g->n;) {
		bool changed = false;
		if (ns_cancel_fired(cancel))
			return ns_fail(err, NS_E_CANCELLED, "the runbook index was not finished");
		if (!embed_batch(x, g, &at, cancel, &changed, err))
			return false;
		if (changed) {
			at = 0;
			if (++switches > SWITCHES)
				return ns_fail(err, NS_E_FAILED, "the embedding model changes with every call (%s now)", g->model);
		}
	}
	return true;
}

/* ---- an index of them ------------------------------------------------------------------------------------------------ */

/* x - mean at length 1; zero stays zero. */
static void centre(const float *x, const float *mean, size_t dim, float *out)
{
	double sq = 0;
	for (size_t i = 0; i < dim; i++) {
		out[i] = x[i] - mean[i];
		sq += (double)out[i] * (double)out[i];
	}
	float by = sq > 1e-12 ? (float)(1 / sqrt(sq)) : 0;
	for (size_t i = 0; i < dim; i++)
		out[i] *= by;
}

static float *mean_of(const gathering *g)
{
	double *sum = ns_xcalloc(g->dim, sizeof *sum);
	float *mean = ns_xcalloc(g->dim, sizeof *mean);
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < g->dim; k++)
			sum[k] += (double)g->rows[i * g->dim + k];
	for (size_t k = 0; k < g->dim; k++)
		mean[k] = (float)(sum[k] / (double)g->n);
	free(sum);
	return mean;
}

/* ---- scores ---- */

static void tally_exact(const view *v, size_t owner, const float *q, size_t skip, ns_tally *t)
{
	*t = (ns_tally){.neg = 0};
	for (size_t i = v->first[owner]; i < v->first[owner + 1]; i++)
		if (i != skip)
			ns_tally_add(t, v->chunk[i].role, ns_vectors_dot(v->vectors, i, q) * v->chunk[i].weight);
}

typedef struct held_out {
	const ns_library *lib;
	const view *v;
} held_out;

static void score_held_out(void *ctx, size_t i, double *score)
{
	const held_out *h = ctx;
	const float *q = ns_vectors_row(h->v->vectors, i);
	ns_tally t, background;
	size_t n = ns_library_size(h->lib);
	tally_exact(h->v, n, q, i, &background);
	for (size_t r = 0; r < n; r++) {
		tally_exact(h->v, r, q, i, &t);
		score[r] = ns_tally_score(&t, background.neg);
	}
}

/* Each runbook's score lies between these two. */
static void score_spans(const view *v, const float *q, size_t n, double background, ns_span *out)
{
	ns_span *cos = ns_xmalloc((ns_vectors_count(v->vectors) + 1) * sizeof *cos);
	ns_vectors_spans(v->vectors, q, cos);
	for (size_t r = 0; r < n; r++) {
		ns_tally low = {.neg = 0}, high = low;
		for (size_t i = v->first[r]; i < v->first[r + 1]; i++) {
			const ns_chunk *c = &v->chunk[i];
			bool with = c->role == NS_CHUNK_FOR;
			ns_tally_add(&low, c->role, (with ? cos[i].low : cos[i].high) * c->weight);
			ns_tally_add(&high, c->role, (with ? cos[i].high : cos[i].low) * c->weight);
		}
		out[r] = (ns_span){ns_tally_score(&low, background), ns_tally_score(&high, background)};
	}
	free(cos);
}

static int descending(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x < *y) - (*x > *y);
}

/* The k-th largest lower end; a runbook whose upper end is under it is none of the best k. */
static double kth_low(const ns_span *s, size_t n, size_t k)
{
	double *low = ns_xmalloc((n + 1) * sizeof *low);
	for (size_t i = 0; i < n; i++)
		low[i] = s[i].low;
	qsort(low, n, sizeof *low, descending);
	double at = n < k ? -1 : low[k - 1];
	free(low);
	return at;
}

/* The exact scores of all that matters, -1 for the others. */
static void score_candidates(const ns_index *x, const view *v, const float *q, double *score)
{
	size_t n = ns_library_size(x->lib);
	ns_tally background, t;
	ns_span *s = ns_xmalloc((n + 1) * sizeof *s);
	double least[NS_ACT_COUNT] = {0}; /* the best lower end of each action */
	tally_exact(v, n, q, SIZE_MAX, &background);
	score_spans(v, q, n, background.neg, s);
	double kth = kth_low(s, n, NS_RETRIEVED);
	for (size_t r = 0; r < n; r++) {
		ns_action a = ns_library_at(x->lib, r)->action;
		least[a] = s[r].low > least[a] ? s[r].low : least[a];
	}
	for (size_t r = 0; r < n; r++) {
		score[r] = -1;
		if (s[r].high < kth && s[r].high < least[ns_library_at(x->lib, r)->action])
			continue;
		tally_exact(v, r, q, SIZE_MAX, &t);
		score[r] = ns_tally_score(&t, background.neg);
	}
	free(s);
}

/* ---- refresh --------------------------------------------------------------------------------------------------------- */

static view *view_make(const ns_index *x, const gathering *g, const size_t *first, ns_err *err)
{
	size_t n = ns_library_size(x->lib);
	view *v = ns_xcalloc(1, sizeof *v);
	float *row = ns_xcalloc(g->dim, sizeof *row);
	bool ok = true;
	atomic_init(&v->refs, 1);
	ns_copy(v->model, sizeof v->model, g->model);
	v->vectors = ns_vectors_new(g->dim);
	v->mean = mean_of(g);
	v->chunk = ns_xcalloc(g->n + 1, sizeof *v->chunk);
	v->first = ns_xcalloc(n + 2, sizeof *v->first);
	memcpy(v->first, first, (n + 2) * sizeof *first);
	for (size_t i = 0; i < g->n && ok; i++) {
		v->chunk[i] = g->passage[i].chunk;
		centre(g->rows + i * g->dim, v->mean, g->dim, row);
		ok = ns_vectors_add(v->vectors, row) || ns_fail(err, NS_E_INVALID, "%s made a vector that is none of \"%.60s\"", g->model, g->passage[i].text);
	}
	free(row);
	if (ok) {
		held_out h = {x->lib, v};
		v->floors = ns_floors_learn(x->lib, v->chunk, g->n, score_held_out, &h);
		return v;
	}
	view_drop(v);
	return NULL;
}

static void show(ns_index *x, view *v, const gathering *g, ns_index_news *news)
{
	pthread_mutex_lock(&x->mu);
	view *was = x->cur;
	x->cur = v;
	pthread_mutex_unlock(&x->mu);
	*news = (ns_index_news){.passages = g->n, .embedded = g->embedded};
	news->switched = !was || strcmp(was->model, v->model) != 0 || ns_vectors_dim(was->vectors) != g->dim;
	snprintf(news->words, sizeof news->words, "runbooks are found by %s, %zu dimensions%s%s (%zu passages, %zu new)", v->model, g->dim,
	    was && news->switched ? ", no more by " : "", was && news->switched ? was->model : "", g->n, g->embedded);
	view_drop(was);
}

bool ns_index_refresh(ns_index *x, const ns_cancel *cancel, ns_index_news *news, ns_err *err)
{
	*news = (ns_index_news){0};
	if (!x->e.embed)
		return ns_fail(err, NS_E_NOTFOUND, "there is no embedding model: runbooks are found by the library's own vectors");
	ns_arena *ar = ns_arena_new();
	size_t *first;
	gathering g = {.n = 0};
	g.passage = ns_passages(ar, x->lib, &g.n, &first);
	g.found = ns_xcalloc(g.n + 1, sizeof *g.found);
	view *v = gather(x, &g, cancel, err) ? view_make(x, &g, first, err) : NULL;
	if (v)
		show(x, v, &g, news);
	if (v && x->keep.kept) {
		const char **hashes = hashes_of(&g);
		x->keep.kept(x->keep.ctx, g.model, g.dim, hashes, g.n);
		free(hashes);
	}
	free(g.rows);
	free(g.found);
	ns_arena_free(ar);
	return v != NULL;
}

/* ---- search ----------------------------------------------------------------------------------------------------------- */

void ns_library_retrieve(const ns_library *l, const char *query, ns_retrieval *out)
{
	*out = (ns_retrieval){.score_floor = ns_library_score_floor(l), .margin_floor = ns_library_margin_floor(l), .by = "offline"};
	out->n = ns_library_search(l, query, out->match, NS_RETRIEVED);
}

/* The query in the view's own model and dimension, centred; NULL with err. */
static float *embed_query(const ns_index *x, const view *v, const char *query, void *asked, const ns_cancel *cancel, ns_err *err)
{
	float *raw = NULL, *q = NULL;
	size_t dim = 0;
	char model[NS_INDEX_MODEL] = "";
	if (!x->e.embed(x->e.ctx, asked, &query, 1, cancel, &raw, &dim, model, err))
		return NULL;
	bool same = dim == ns_vectors_dim(v->vectors) && strcmp(model, v->model) == 0, finite = true;
	for (size_t i = 0; same && i < dim; i++)
		finite &= isfinite(raw[i]) != 0;
	if (!same)
		ns_fail(err, NS_E_FAILED, "%s/%zu answered, the index is of %s", model, dim, v->model);
	else if (!finite)
		ns_fail(err, NS_E_INVALID, "%s made a vector that is none", model);
	else
		centre(raw, v->mean, dim, q = ns_xmalloc(dim * sizeof *q));
	free(raw);
	return q;
}

void ns_index_search(ns_index *x, const char *query, void *asked, const ns_cancel *cancel, ns_retrieval *out)
{
	ns_err err = {0};
	view *v = view_take(x);
	float *q = v && *query ? embed_query(x, v, query, asked, cancel, &err) : NULL;
	if (q) {
		double *score = ns_xmalloc((ns_library_size(x->lib) + 1) * sizeof *score);
		*out = (ns_retrieval){.score_floor = v->floors.score, .margin_floor = v->floors.margin};
		name_of(v, out->by);
		score_candidates(x, v, q, score);
		out->n = ns_score_rank(x->lib, score, out->match, NS_RETRIEVED);
		free(score);
	} else {
		ns_library_retrieve(x->lib, query, out);
		if (v && *query)
			ns_copy(out->mark, sizeof out->mark, err.text);
	}
	free(q);
	view_drop(v);
}
