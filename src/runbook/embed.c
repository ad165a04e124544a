/* Text to vector without a model file or a network: words, pairs of words and letter n-grams, hashed into NS_EMBED_DIM signed slots.
 *
 * Weight of a feature f that occurs tf times in a text:
 *
 *     w(f) = kind(f) x prior(f) x idf(f) x (1 + ln tf)          (sublinear tf, Salton & Buckley 1988)
 *     idf(f) = ln((N + 1) / (df + 0.5)) x (1 + LOYAL x sum over owners r of df_r^2 / (df + 1)^2), df > 0;  UNSEEN x ln(N + 1), df = 0
 *
 * N sentences of the library, df those that hold f, df_r those of one runbook (the background is one owner too). The second factor is
 * Simpson's concentration, shrunk for rare features: "OOMKilled" is frequent in the library but loyal to one runbook, which is
 * what tells them apart; idf alone would damp it. A feature that the library has never seen is nearly always a name of the case at hand
 * (a pod, an image, a host), therefore it weighs almost nothing: this is what lets three lines of `kubectl describe` decide over
 * sixty. kind(f) is 1 for words, PAIR for two neighbours, GRAM / sqrt(n) for each of the n 3- to 5-grams of a word (fastText's subwords:
 * they join "crashlooping" and "CrashLoopBackOff"). prior(f) damps what is frequent in any English or Kubernetes text, because five
 * documents are too few to learn that from.
 *
 * Signed feature hashing (Weinberger et al. 2009) keeps the dot product unbiased under collisions. The result is L2-normalised,
 * but a text with less known substance than the library's typical sentence stays shorter than 1: one shared word is no match.
 *
 * Log noise is dropped while reading: hashes, ids, addresses and time stamps are tokens with four digits in a row or with digits inside
 * letters. CamelCase words count as a whole and in parts. */
#include "neuroscale/base/text.h"
#include "runbook_priv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"

#define TABLE_BITS 15
#define TABLE      (1u << TABLE_BITS)
#define MAX_TEXT   6000 /* bytes of a text that are read: the head of a log tells what it is about */
#define MAX_WORDS  700  /* distinct words of a text */
#define MAX_WORD   28
#define PAIR       0.75
#define GRAM       1.0
#define UNSEEN     0.10
#define LOYAL      1.5

/* While learning. */
typedef struct counts {
	uint16_t df[TABLE];
	uint16_t run[TABLE]; /* how many sentences of the owner that is being counted have it */
	uint32_t owner[TABLE];
	uint32_t last[TABLE]; /* the sentence that counted a slot last, so that it counts once per sentence */
	float squares[TABLE]; /* sum of df_r squared over the owners r that are done */
	uint32_t current;
} counts;

struct ns_lexicon {
	float weight[TABLE];
	counts *learnt; /* NULL once sealed */
	uint32_t n;
	double scale;
};

typedef struct word {
	char s[MAX_WORD];
	uint8_t n;
	bool part; /* of a CamelCase word: makes no pairs */
	uint16_t tf;
	float prior;
	uint64_t hash;
} word;

typedef struct words {
	word w[MAX_WORDS];
	size_t n;
	uint16_t slot[2048]; /* open addressing over w, index + 1 */
	struct {
		uint64_t hash;
		float prior;
	} pair[MAX_WORDS];
	size_t n_pairs;
} words;

static uint64_t mix(uint64_t h)
{
	h ^= h >> 30;
	h *= 0xbf58476d1ce4e5b9u;
	h ^= h >> 27;
	h *= 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}

static uint64_t hash_bytes(const char *s, size_t n, uint64_t seed)
{
	uint64_t h = 0xcbf29ce484222325u ^ seed;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return mix(h);
}

/* "failed", "fails", "failing" -> "fail": the plainest of stemmers; the n-grams do the rest. */
static size_t stem(char *s, size_t n)
{
	static const char *const ends[] = {"ing", "ies", "ed", "es", "s"};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t m = strlen(ends[i]);
		if (n >= m + 4 && !memcmp(s + n - m, ends[i], m) && !(m == 1 && s[n - 2] == 's'))
			return n - m;
	}
	return n;
}

static word *add_word(words *ws, const char *s, size_t n, bool part)
{
	char low[MAX_WORD];
	if (n >= sizeof low)
		n = sizeof low - 1;
	memcpy(low, s, n);
	n = stem(low, n);
	uint64_t h = hash_bytes(low, n, 1);
	for (size_t i = h & 2047;; i = (i + 1) & 2047) {
		if (ws->slot[i]) {
			word *w = &ws->w[ws->slot[i] - 1];
			if (w->hash == h) {
				w->tf = (uint16_t)(w->tf + (w->tf < 1000));
				w->part &= part;
				return w;
			}
			continue;
		}
		if (ws->n == MAX_WORDS)
			return NULL;
		word *w = &ws->w[ws->n++];
		ws->slot[i] = (uint16_t)ws->n;
		memcpy(w->s, low, n);
		w->n = (uint8_t)n;
		w->part = part;
		w->tf = 1;
		w->prior = (float)ns_word_prior(low, n);
		w->hash = h;
		return w;
	}
}

static bool is_noise(const char *s, size_t n)
{
	size_t digits = 0, run = 0, turns = 0;
	for (size_t i = 0; i < n; i++) {
		bool d = s[i] >= '0' && s[i] <= '9';
		digits += d;
		run = d ? run + 1 : 0;
		if (run >= 4)
			return true;
		turns += i && d != (s[i - 1] >= '0' && s[i - 1] <= '9');
	}
	return digits && digits < n && (turns > 1 || digits > 2);
}

/* One run of letters and digits: as a whole, and when it is CamelCase ("OOMKilled", "ImagePullBackOff") also its parts. */
static word *take_run(words *ws, const char *s, size_t n)
{
	char low[MAX_WORD];
	if (n > 40 || is_noise(s, n))
		return NULL;
	size_t m = n < MAX_WORD - 1 ? n : MAX_WORD - 1;
	for (size_t i = 0; i < m; i++)
		low[i] = (char)(ns_is_upper(s[i]) ? s[i] + 32 : s[i]);
	word *whole = add_word(ws, low, m, false);
	size_t from = 0, parts = 0;
	for (size_t i = 1; i <= m; i++) {
		bool cut = i == m || (ns_is_upper(s[i]) && (ns_is_lower(s[i - 1]) || (i + 1 < n && ns_is_lower(s[i + 1]) && ns_is_upper(s[i - 1]))));
		if (!cut || (i == m && !parts))
			continue;
		if (i - from > 1)
			add_word(ws, low + from, i - from, true);
		parts++;
		from = i;
	}
	return whole;
}

static void read_words(words *ws, const char *text)
{
	ws->n = ws->n_pairs = 0;
	memset(ws->slot, 0, sizeof ws->slot);
	const word *prev = NULL;
	size_t len = strnlen(text, MAX_TEXT);
	for (size_t i = 0; i < len;) {
		if (!ns_is_alnum(text[i])) {
			/* a pair does not reach over the end of a line or a sentence */
			if (text[i] == '\n' || text[i] == ';' || (text[i] == '.' && (i + 1 == len || text[i + 1] == ' ')))
				prev = NULL;
			i++;
			continue;
		}
		size_t from = i;
		while (i < len && ns_is_alnum(text[i]))
			i++;
		const word *w = take_run(ws, text + from, i - from);
		if (!w) {
			prev = NULL;
			continue;
		}
		if (prev && ws->n_pairs < MAX_WORDS && w->prior > 0 && prev->prior > 0) {
			ws->pair[ws->n_pairs].hash = mix(prev->hash * 3 + w->hash);
			ws->pair[ws->n_pairs++].prior = w->prior < prev->prior ? w->prior : prev->prior;
		}
		prev = w;
	}
}

typedef void (*feature_fn)(void *ctx, uint64_t hash, double weight);

static void each_feature(words *ws, feature_fn fn, void *ctx)
{
	for (size_t i = 0; i < ws->n; i++) {
		const word *w = &ws->w[i];
		if (w->prior <= 0)
			continue;
		double tf = w->prior * (1 + log(w->tf)) * (w->part ? 0.6 : 1.0);
		fn(ctx, w->hash, tf);
		if (w->n < 4 || w->part)
			continue;
		char pad[MAX_WORD + 2];
		size_t n = (size_t)w->n + 2, grams = 0;
		pad[0] = '<';
		memcpy(pad + 1, w->s, w->n);
		pad[n - 1] = '>';
		for (size_t k = 3; k <= 5; k++)
			grams += n >= k ? n - k + 1 : 0;
		double each = tf * GRAM / sqrt((double)grams) * 0.5;
		for (size_t k = 3; k <= 5; k++)
			for (size_t j = 0; j + k <= n; j++)
				fn(ctx, hash_bytes(pad + j, k, 2 + k), each);
	}
	for (size_t i = 0; i < ws->n_pairs; i++)
		fn(ctx, ws->pair[i].hash, PAIR * ws->pair[i].prior);
}

ns_lexicon *ns_lexicon_new(void)
{
	ns_lexicon *x = ns_xcalloc(1, sizeof *x);
	x->learnt = ns_xcalloc(1, sizeof *x->learnt);
	return x;
}

void ns_lexicon_free(ns_lexicon *x)
{
	if (x)
		free(x->learnt);
	free(x);
}

static void end_run(counts *c, size_t slot)
{
	c->squares[slot] += (float)c->run[slot] * (float)c->run[slot];
	c->run[slot] = 0;
}

static void count_feature(void *ctx, uint64_t hash, double weight)
{
	const ns_lexicon *x = ctx;
	counts *c = x->learnt;
	size_t slot = hash >> (64 - TABLE_BITS);
	(void)weight;
	if (c->last[slot] == x->n || c->df[slot] == UINT16_MAX)
		return;
	c->last[slot] = x->n;
	if (c->owner[slot] != c->current)
		end_run(c, slot);
	c->owner[slot] = c->current;
	c->run[slot]++;
	c->df[slot]++;
}

void ns_lexicon_learn(ns_lexicon *x, uint32_t owner, const char *text)
{
	words *ws = ns_xmalloc(sizeof *ws);
	x->n++;
	x->learnt->current = owner;
	read_words(ws, text);
	each_feature(ws, count_feature, x);
	free(ws);
}

void ns_lexicon_seal(ns_lexicon *x)
{
	counts *c = x->learnt;
	double unseen = UNSEEN * log(x->n + 1.0);
	for (size_t i = 0; i < TABLE; i++) {
		double df = c->df[i];
		end_run(c, i);
		x->weight[i] =
		    (float)(df > 0 ? log((x->n + 1.0) / (df + 0.5)) * (1 + LOYAL * c->squares[i] / ((df + 1) * (df + 1))) : unseen);
	}
	free(c);
	x->learnt = NULL;
}

void ns_lexicon_set_scale(ns_lexicon *x, double norm)
{
	x->scale = norm;
}

typedef struct sum {
	const ns_lexicon *x;
	float v[NS_EMBED_DIM];
} sum;

static void add_feature(void *ctx, uint64_t hash, double weight)
{
	sum *s = ctx;
	double w = weight * s->x->weight[hash >> (64 - TABLE_BITS)];
	s->v[hash & (NS_EMBED_DIM - 1)] += (float)((hash >> 20) & 1 ? w : -w);
}

double ns_embed(const ns_lexicon *x, const char *text, ns_vec *out)
{
	words *ws = ns_xmalloc(sizeof *ws);
	sum s = {.x = x};
	read_words(ws, text);
	each_feature(ws, add_feature, &s);
	free(ws);
	double part[4] = {0}; /* four sums, so that the additions do not wait for each other */
	for (size_t i = 0; i < NS_EMBED_DIM; i += 4)
		for (size_t k = 0; k < 4; k++)
			part[k] += (double)s.v[i + k] * s.v[i + k];
	double sq = part[0] + part[1] + part[2] + part[3];
	double norm = sqrt(sq), by = norm > x->scale ? norm : x->scale;
	float scale = by > 0 ? (float)(NS_EMBED_ONE / by) : 0;
	for (size_t i = 0; i < NS_EMBED_DIM; i++) {
		float v = s.v[i] * scale;
		out->v[i] = (int16_t)(v < 0 ? v - 0.5f : v + 0.5f);
	}
	return norm;
}
