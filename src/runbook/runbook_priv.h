/* Inside the runbook room: the embedder, and the words and sentences that every library is measured against. */
#ifndef NEUROSCALE_RUNBOOK_PRIV_H
#define NEUROSCALE_RUNBOOK_PRIV_H
#include <stddef.h>
#include <stdint.h>

#include "neuroscale/runbook/runbook.h"

/* ns_runbook_parse with the name that errors use ("runbooks/x.md", or the path of the file). */
ns_runbook *ns_runbook_parse_named(ns_arena *ar, const char *id, const char *name, const char *text, size_t n, ns_err *err);

/* A vector is fixed point: components of an L2-normalised vector times 2^14, so that a dot product is exact in 32-bit integers (by
 * Cauchy and Schwarz no partial sum passes 2^28, rounding apart) and the same
 * on every machine, and half as many bytes pass through memory as with floats. */
#define NS_EMBED_DIM 1024
#define NS_EMBED_ONE 16384
typedef struct ns_vec {
	_Alignas(16) int16_t v[NS_EMBED_DIM];
} ns_vec;

/* What the library's own text teaches: in how many of its sentences, and of whose, a word, a pair of words or a letter n-gram occurs. */
typedef struct ns_lexicon ns_lexicon;
ns_lexicon *ns_lexicon_new(void);
void ns_lexicon_free(ns_lexicon *x);
void ns_lexicon_learn(ns_lexicon *x, uint32_t owner, const char *text); /* owner by owner */
/* After the last learn. */
void ns_lexicon_seal(ns_lexicon *x);

/* The norm that a text must reach to get a vector of length 1; with less known substance it stays shorter. 0 at first. */
void ns_lexicon_set_scale(ns_lexicon *x, double norm);
/* Returns the norm that the text had before it was scaled. */
double ns_embed(const ns_lexicon *x, const char *text, ns_vec *out);

/* background.c */
double ns_word_prior(const char *word, size_t n); /* 0..1: how much a word says at all */
extern const char *const ns_background[];         /* on-call sentences that no runbook of a small library answers; NULL-terminated */
#endif
