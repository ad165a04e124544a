/* The library: runbooks, the vectors of their sentences, and the search over them.
 *
 * Every runbook has several vectors: its title, its cause classes together, each symptom, all symptoms together, the "When it fits"
 * section, and as counter-examples each not_for sentence. The background sentences are counter-examples of all. score.c makes scores and
 * floors of their cosines. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/embedded.h"
#include "neuroscale/sys/fs.h"
#include "kernels.h"
#include "runbook_priv.h"
#include "runbooks_data.h"
#include "score.h"

#define SHORT         0.9
#define PASSAGES      12
#define PASSAGE_BYTES 400
#define PASSAGE       0.9

struct ns_library {
	ns_arena *ar;
	ns_runbook **rb;
	size_t n;
	ns_lexicon *lex;
	ns_vec *vec;
	ns_chunk *chunk;
	float *norm; /* of each chunk's text, before it was scaled */
	size_t n_chunks, cap;
	ns_floors floors;
};

/* ---- what is embedded -------------------------------------------------------------------------------------------- */

typedef void (*sentence_fn)(ns_library *l, size_t owner, ns_chunk_role role, double weight, bool held_out, const char *text);

/* The section under a heading, "" when there is none. */
static const char *section(ns_arena *ar, const char *body, const char *heading)
{
	const char *p = strstr(body, heading);
	if (!p)
		return "";
	p += strlen(heading);
	const char *end = strstr(p, "\n## ");
	return ns_arena_strndup(ar, p, end ? (size_t)(end - p) : strlen(p));
}

static void each_sentence(ns_library *l, sentence_fn fn)
{
	ns_buf all = NS_BUF_INIT;
	for (size_t i = 0; i < l->n; i++) {
		const ns_runbook *rb = l->rb[i];
		fn(l, i, NS_CHUNK_FOR, 1.0, false, rb->title);
		ns_buf_clear(&all);
		for (size_t k = 0; k < rb->n_causes; k++)
			ns_buf_printf(&all, "%s ", rb->causes[k]);
		fn(l, i, NS_CHUNK_FOR, 0.7, false, ns_buf_str(&all));
		ns_buf_clear(&all);
		for (size_t k = 0; k < rb->n_symptoms; k++) {
			fn(l, i, NS_CHUNK_FOR, 1.0, true, rb->symptoms[k]);
			ns_buf_printf(&all, "%s\n", rb->symptoms[k]);
		}
		fn(l, i, NS_CHUNK_FOR, 1.0, false, ns_buf_str(&all));
		fn(l, i, NS_CHUNK_FOR, 0.8, false, section(l->ar, rb->body, "\n## When it fits\n"));
		for (size_t k = 0; k < rb->n_not_for; k++)
			fn(l, i, NS_CHUNK_AGAINST, 1.0, true, rb->not_for[k]);
	}
	for (size_t i = 0; ns_background[i]; i++)
		fn(l, l->n, NS_CHUNK_AGAINST, 1.0, true, ns_background[i]);
	ns_buf_free(&all);
}

static void learn(ns_library *l, size_t owner, ns_chunk_role role, double weight, bool held_out, const char *text)
{
	/* what is made of other sentences would count their words twice */
	if (held_out)
		ns_lexicon_learn(l->lex, role == NS_CHUNK_FOR ? (uint32_t)owner : (uint32_t)l->n, text);
}

static void add_chunk(ns_library *l, size_t owner, ns_chunk_role role, double weight, bool held_out, const char *text)
{
	if (l->n_chunks == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 256;
		l->vec = ns_xrealloc(l->vec, l->cap * sizeof *l->vec);
		l->chunk = ns_xrealloc(l->chunk, l->cap * sizeof *l->chunk);
		l->norm = ns_xrealloc(l->norm, l->cap * sizeof *l->norm);
	}
	size_t i = l->n_chunks++;
	l->chunk[i] = (ns_chunk){.owner = (uint32_t)owner, .role = role, .weight = (float)weight, .held_out = held_out};
	l->norm[i] = (float)ns_embed(l->lex, text, &l->vec[i]);
}

static int by_size(const void *a, const void *b)
{
	const float *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* From now on a text needs as much known substance as a short sentence of the library to be heard in full. */
static void learn_scale(ns_library *l)
{
	float *norm = ns_xcalloc(l->n_chunks + 1, sizeof *norm);
	size_t n = 0;
	for (size_t i = 0; i < l->n_chunks; i++)
		if (l->chunk[i].held_out)
			norm[n++] = l->norm[i];
	qsort(norm, n, sizeof *norm, by_size);
	ns_lexicon_set_scale(l->lex, SHORT * norm[n / 2]);
	free(norm);
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

#define NONE ((size_t)-1)

/* The scores of all runbooks for a query of some vectors; one chunk may be left out. `t` has room for n + 1 (the background is the last).
 */
static void score_all(const ns_library *l, const ns_vec *q, size_t n_q, size_t skip, ns_tally *t, double *score)
{
	int32_t (*dot16)(const int16_t *, const int16_t *, size_t) = ns_kernels_best()->dot16; /* integers: the same sum from any processor */
	memset(t, 0, (l->n + 1) * sizeof *t);
	for (size_t i = 0; i < l->n_chunks; i++) {
		if (i == skip)
			continue;
		const ns_chunk *c = &l->chunk[i];
		double cos = 0;
		for (size_t j = 0; j < n_q; j++) {
			double d = dot16(q[j].v, l->vec[i].v, NS_EMBED_DIM) / ((double)NS_EMBED_ONE * NS_EMBED_ONE) * (j ? PASSAGE : 1);
			cos = d > cos ? d : cos;
		}
		ns_tally_add(&t[c->owner], c->role, cos * c->weight);
	}
	for (size_t i = 0; i < l->n; i++)
		score[i] = ns_tally_score(&t[i], t[l->n].neg);
}

/* The whole text, and when it is long (`kubectl describe`) also its passages: windows of lines that overlap by half. */
static size_t embed_query(const ns_library *l, const char *query, ns_vec *q)
{
	size_t len = strlen(query), n = 1;
	ns_embed(l->lex, query, q);
	if (len <= PASSAGE_BYTES * 3 / 2)
		return n;
	size_t step = PASSAGE_BYTES / 2;
	if (len / step > PASSAGES)
		step = len / PASSAGES + 1;
	char *window = ns_xmalloc(2 * step + 1);
	for (size_t at = 0; at < len && n <= PASSAGES; at += step) {
		size_t take = len - at < 2 * step ? len - at : 2 * step;
		memcpy(window, query + at, take);
		window[take] = 0;
		ns_embed(l->lex, window, &q[n++]);
		if (at + take == len)
			break;
	}
	free(window);
	return n;
}

size_t ns_library_search(const ns_library *l, const char *query, ns_match *out, size_t k)
{
	ns_tally *t = ns_xcalloc(l->n + 1, sizeof *t);
	double *score = ns_xcalloc(l->n + 1, sizeof *score);
	ns_vec q[1 + PASSAGES];
	score_all(l, q, embed_query(l, query, q), NONE, t, score);
	size_t got = ns_score_rank(l, score, out, k); /* runbooks are sorted by id, so ties are too */
	free(t);
	free(score);
	return got;
}

/* ---- floors ------------------------------------------------------------------------------------------------------ */

typedef struct held_out {
	const ns_library *l;
	ns_tally *t;
} held_out;

static void score_held_out(void *ctx, size_t i, double *score)
{
	const held_out *h = ctx;
	score_all(h->l, &h->l->vec[i], 1, i, h->t, score);
}

static void learn_floors(ns_library *l)
{
	held_out h = {l, ns_xcalloc(l->n + 1, sizeof *h.t)};
	l->floors = ns_floors_learn(l, l->chunk, l->n_chunks, score_held_out, &h);
	free(h.t);
}

double ns_library_score_floor(const ns_library *l)
{
	return l->floors.score;
}

double ns_library_margin_floor(const ns_library *l)
{
	return l->floors.margin;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static void put(ns_library *l, ns_runbook *rb)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->rb[i]->id, rb->id)) {
			l->rb[i] = rb;
			return;
		}
	l->rb = ns_xrealloc(l->rb, (l->n + 1) * sizeof *l->rb);
	l->rb[l->n++] = rb;
}

typedef struct dir_ctx {
	ns_library *l;
	ns_err *err;
	bool ok;
} dir_ctx;

static bool load_file(void *ctx, const char *path, const char *name)
{
	dir_ctx *d = ctx;
	ns_buf text = NS_BUF_INIT;
	d->ok = false;
	if (ns_read_file(path, 1 << 20, &text, d->err)) {
		const char *id = ns_arena_strndup(d->l->ar, name, strlen(name) - strlen(".md"));
		ns_runbook *rb = ns_runbook_parse_named(d->l->ar, id, path, ns_buf_str(&text), text.len, d->err);
		if (rb)
			put(d->l, rb);
		d->ok = rb != NULL;
	}
	ns_buf_free(&text);
	return d->ok;
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(ns_runbook *const *)a)->id, (*(ns_runbook *const *)b)->id);
}

static void build_index(ns_library *l)
{
	qsort(l->rb, l->n, sizeof *l->rb, by_id);
	each_sentence(l, learn);
	ns_lexicon_seal(l->lex);
	each_sentence(l, add_chunk);
	learn_scale(l);
	learn_floors(l);
}

ns_library *ns_library_load(const char *dir, ns_err *err)
{
	ns_library *l = ns_xcalloc(1, sizeof *l);
	l->ar = ns_arena_new();
	l->lex = ns_lexicon_new();
	for (const ns_embedded *e = ns_builtin_runbooks; e->name; e++) {
		ns_runbook *rb = ns_runbook_parse(l->ar, e->name, e->data, e->size, err);
		if (!rb) {
			ns_library_free(l);
			return NULL;
		}
		put(l, rb);
	}
	dir_ctx d = {.l = l, .err = err, .ok = true};
	if (dir && (!ns_dir_each(dir, ".md", load_file, &d, err) || !d.ok)) {
		ns_library_free(l);
		return NULL;
	}
	build_index(l);
	return l;
}

void ns_library_free(ns_library *l)
{
	if (!l)
		return;
	ns_lexicon_free(l->lex);
	ns_arena_free(l->ar);
	free(l->rb);
	free(l->vec);
	free(l->chunk);
	free(l->norm);
	free(l);
}

size_t ns_library_size(const ns_library *l)
{
	return l->n;
}

const ns_runbook *ns_library_at(const ns_library *l, size_t i)
{
	return i < l->n ? l->rb[i] : NULL;
}

const ns_runbook *ns_library_find(const ns_library *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->rb[i]->id, id))
			return l->rb[i];
	return NULL;
}
