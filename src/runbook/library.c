/* The library: runbooks, the vectors of their sentences, and the search over them.
 *
 * Every runbook has several vectors: its title, its cause classes together, each symptom, all symptoms together, the "When it fits"
 * section, and as counter-examples each not_for sentence. The background sentences are counter-examples of all. For a query q
 *
 *     pos = BEST x (largest weighted cosine) + (1 - BEST) x (mean of the three largest)     over the runbook's own vectors
 *     neg = the largest cosine                                                              over its counter-examples and the background
 *     score = pos x clamp(1 - AGAINST x (neg / pos - EQUAL), LOWEST, 1)
 *
 * so a look-alike pulls a score down as far as it is closer than the symptoms are.
 *
 * The floors are learnt from the library alone, by leaving sentences out: every symptom (of a bounded, evenly spaced sample) is a query
 * without its own vector, every not_for and background sentence likewise. The score floor divides the two groups by Youden's index (1950:
 * rate of true positives minus rate of false positives), the middle of all thresholds that are within NEAR of the best. The margin
 * of a match is its lead over the best runbook with another action; its floor is the margin under which a held-out symptom leads to a wrong
 * action as often as to the right one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/embedded.h"
#include "neuroscale/sys/fs.h"
#include "runbook_priv.h"
#include "runbooks_data.h"

#define BEST          0.7
#define AGAINST       1.0
#define EQUAL         0.75
#define LOWEST        0.2
#define TOP           3
#define SHORT         0.9
#define PASSAGES      12
#define PASSAGE_BYTES 400
#define PASSAGE       0.9
#define NEAR          0.02
#define LEAST_MARGIN  0.01
#define SAMPLE        192 /* sentences left out in turn, at most: the cost of a load stays linear in the library */

typedef enum chunk_role { FOR, AGAINST_IT } chunk_role;
typedef struct chunk {
	uint32_t owner; /* index of its runbook; n for the background */
	chunk_role role;
	float weight, norm;
	bool held_out; /* a sentence that takes its turn as a query */
} chunk;

struct ns_library {
	ns_arena *ar;
	ns_runbook **rb;
	size_t n;
	ns_lexicon *lex;
	ns_vec *vec;
	chunk *chunk;
	size_t n_chunks, cap;
	double score_floor, margin_floor;
};

/* ---- what is embedded -------------------------------------------------------------------------------------------- */

typedef void (*sentence_fn)(ns_library *l, size_t owner, chunk_role role, double weight, bool held_out, const char *text);

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
		fn(l, i, FOR, 1.0, false, rb->title);
		ns_buf_clear(&all);
		for (size_t k = 0; k < rb->n_causes; k++)
			ns_buf_printf(&all, "%s ", rb->causes[k]);
		fn(l, i, FOR, 0.7, false, ns_buf_str(&all));
		ns_buf_clear(&all);
		for (size_t k = 0; k < rb->n_symptoms; k++) {
			fn(l, i, FOR, 1.0, true, rb->symptoms[k]);
			ns_buf_printf(&all, "%s\n", rb->symptoms[k]);
		}
		fn(l, i, FOR, 1.0, false, ns_buf_str(&all));
		fn(l, i, FOR, 0.8, false, section(l->ar, rb->body, "\n## When it fits\n"));
		for (size_t k = 0; k < rb->n_not_for; k++)
			fn(l, i, AGAINST_IT, 1.0, true, rb->not_for[k]);
	}
	for (size_t i = 0; ns_background[i]; i++)
		fn(l, l->n, AGAINST_IT, 1.0, true, ns_background[i]);
	ns_buf_free(&all);
}

static void learn(ns_library *l, size_t owner, chunk_role role, double weight, bool held_out, const char *text)
{
	/* what is made of other sentences would count their words twice */
	if (held_out)
		ns_lexicon_learn(l->lex, role == FOR ? (uint32_t)owner : (uint32_t)l->n, text);
}

static void add_chunk(ns_library *l, size_t owner, chunk_role role, double weight, bool held_out, const char *text)
{
	if (l->n_chunks == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 256;
		l->vec = ns_xrealloc(l->vec, l->cap * sizeof *l->vec);
		l->chunk = ns_xrealloc(l->chunk, l->cap * sizeof *l->chunk);
	}
	chunk *c = &l->chunk[l->n_chunks];
	*c = (chunk){.owner = (uint32_t)owner, .role = role, .weight = (float)weight, .held_out = held_out};
	c->norm = (float)ns_embed(l->lex, text, &l->vec[l->n_chunks++]);
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
			norm[n++] = l->chunk[i].norm;
	qsort(norm, n, sizeof *norm, by_size);
	ns_lexicon_set_scale(l->lex, SHORT * norm[n / 2]);
	free(norm);
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

#define NONE ((size_t)-1)

typedef struct tally {
	double top[TOP]; /* descending */
	double neg;
} tally;

static void tally_for(tally *t, double cos)
{
	for (size_t i = 0; i < TOP; i++)
		if (cos > t->top[i]) {
			double was = t->top[i];
			t->top[i] = cos;
			cos = was;
		}
}

static double rate(const tally *t, double background)
{
	double mean = 0, neg = t->neg > background ? t->neg : background;
	for (size_t i = 0; i < TOP; i++)
		mean += t->top[i] / TOP;
	double pos = BEST * t->top[0] + (1 - BEST) * mean;
	if (pos <= 0)
		return 0;
	double by = 1 - AGAINST * (neg / pos - EQUAL);
	by = by > 1 ? 1 : by < LOWEST ? LOWEST : by;
	return pos * by > 1 ? 1 : pos * by;
}

/* The scores of all runbooks for a query of some vectors; one chunk may be left out. `t` has room for n + 1 (the background is the last).
 */
static void score_all(const ns_library *l, const ns_vec *q, size_t n_q, size_t skip, tally *t, double *score)
{
	memset(t, 0, (l->n + 1) * sizeof *t);
	for (size_t i = 0; i < l->n_chunks; i++) {
		if (i == skip)
			continue;
		const chunk *c = &l->chunk[i];
		double cos = 0;
		for (size_t j = 0; j < n_q; j++) {
			double d = ns_vec_cos(&q[j], &l->vec[i]) * (j ? PASSAGE : 1);
			cos = d > cos ? d : cos;
		}
		cos *= c->weight;
		if (c->role == FOR)
			tally_for(&t[c->owner], cos);
		else if (cos > t[c->owner].neg)
			t[c->owner].neg = cos;
	}
	for (size_t i = 0; i < l->n; i++)
		score[i] = rate(&t[i], t[l->n].neg);
}

/* Over the best runbook that would do something else: two runbooks that both roll back do not make the choice doubtful. */
static double margin_of(const ns_library *l, const double *score, size_t of)
{
	double next = 0;
	for (size_t j = 0; j < l->n; j++)
		if (l->rb[j]->action != l->rb[of]->action && score[j] > next)
			next = score[j];
	return score[of] - next;
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
	tally *t = ns_xcalloc(l->n + 1, sizeof *t);
	double *score = ns_xcalloc(l->n + 1, sizeof *score);
	ns_vec q[1 + PASSAGES];
	score_all(l, q, embed_query(l, query, q), NONE, t, score);
	if (k > l->n)
		k = l->n;
	bool *taken = ns_xcalloc(l->n + 1, sizeof *taken);
	for (size_t i = 0; i < k; i++) {
		size_t best = NONE; /* runbooks are sorted by id, so ties are too */
		for (size_t j = 0; j < l->n; j++)
			if (!taken[j] && (best == NONE || score[j] > score[best]))
				best = j;
		taken[best] = true;
		out[i] = (ns_match){.runbook = l->rb[best], .score = score[best], .margin = margin_of(l, score, best)};
	}
	free(taken);
	free(t);
	free(score);
	return k;
}

/* ---- floors ------------------------------------------------------------------------------------------------------ */

typedef struct sample {
	double value;
	bool good;
} sample;

static int by_value(const void *a, const void *b)
{
	const sample *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* The middle of the thresholds where (good at or above it) / good - (bad at or above it) / bad is within NEAR of its maximum; the maximum
 * itself hangs on single sentences. `dflt` when one group is empty. */
static double youden(sample *s, size_t n, double dflt)
{
	double good = 0, bad = 0, best = -1, low = dflt, high = dflt;
	for (size_t i = 0; i < n; i++)
		*(s[i].good ? &good : &bad) += 1;
	if (good < 1 || bad < 1)
		return dflt;
	qsort(s, n, sizeof *s, by_value);
	for (int pass = 0; pass < 2; pass++) {
		double g = good, b = bad;
		bool any = false;
		for (size_t i = 0; i + 1 < n; i++) {
			*(s[i].good ? &g : &b) -= 1;
			double j = g / good - b / bad, at = (s[i].value + s[i + 1].value) / 2;
			if (s[i].value >= s[i + 1].value)
				continue;
			if (!pass) {
				best = j > best ? j : best;
			} else if (j >= best - NEAR) {
				low = any ? low : at;
				high = at;
				any = true;
			}
		}
	}
	return (low + high) / 2;
}

/* The margin under which a held-out symptom leads to a wrong action as often as to the right one. */
static double coin_toss(sample *s, size_t n)
{
	int ahead = 0;
	double at = LEAST_MARGIN;
	qsort(s, n, sizeof *s, by_value);
	for (size_t i = 0; i + 1 < n; i++) {
		ahead += s[i].good ? -1 : 1;
		double next = (s[i].value + s[i + 1].value) / 2;
		if (ahead >= 0 && next > at)
			at = next;
	}
	return at;
}

static void learn_floors(ns_library *l)
{
	size_t held = 0, turn = 0, n = 0, m = 0;
	for (size_t i = 0; i < l->n_chunks; i++)
		held += l->chunk[i].held_out;
	size_t step = held / SAMPLE + 1;
	sample *fits = ns_xcalloc(held + 1, sizeof *fits), *margins = ns_xcalloc(held + 1, sizeof *margins);
	tally *t = ns_xcalloc(l->n + 1, sizeof *t);
	double *score = ns_xcalloc(l->n + 1, sizeof *score);
	for (size_t i = 0; i < l->n_chunks; i++) {
		const chunk *c = &l->chunk[i];
		if (!c->held_out || turn++ % step)
			continue;
		score_all(l, &l->vec[i], 1, i, t, score);
		size_t best = 0;
		for (size_t j = 1; j < l->n; j++)
			if (score[j] > score[best])
				best = j;
		double s = l->n ? score[best] : 0;
		fits[n++] = (sample){.value = s, .good = c->role == FOR};
		if (c->role == FOR)
			margins[m++] = (sample){.value = margin_of(l, score, best), .good = l->rb[best]->action == l->rb[c->owner]->action};
	}
	l->score_floor = youden(fits, n, 0.25);
	l->margin_floor = coin_toss(margins, m);
	free(fits);
	free(margins);
	free(t);
	free(score);
}

double ns_library_score_floor(const ns_library *l)
{
	return l->score_floor;
}

double ns_library_margin_floor(const ns_library *l)
{
	return l->margin_floor;
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
