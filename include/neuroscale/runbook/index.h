/* The index of the library by a model's vectors, with the library's own offline vectors under it.
 *
 * Runbooks are cut into passages of bounded size; each passage's vector is kept (by the caller's store) under the hash of its text, the model and
 * the dimension, so only what changed is embedded again. Vectors of two models or dimensions never meet: an index is of one model, and takes the
 * place of the former in one moment, when it is complete. As long as there is none, and whenever a query cannot be embedded by the same model,
 * the library's own vectors answer, and the answer says so.
 *
 * ns_index_search may be called by many threads, also during ns_index_refresh, which is for one thread at a time. */
#ifndef NEUROSCALE_RUNBOOK_INDEX_H
#define NEUROSCALE_RUNBOOK_INDEX_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/runbook/runbook.h"

enum { NS_INDEX_MODEL = 96, NS_RETRIEVED = 8 };

/* Who makes vectors. */
typedef struct ns_embedder {
	void *ctx;
	/* The model that would be asked next, and the dimension that it would give; dim 0: not known before the first answer. */
	void (*who)(void *ctx, char model[NS_INDEX_MODEL], size_t *dim);
	/* Vectors of n texts, n * *dim floats in *out, which the index frees, all by one model. Blocks. False with err. asked: what the searcher gave to
	 * ns_index_search, NULL for passages. */
	bool (*embed)(void *ctx, void *asked, const char *const *texts, size_t n, const ns_cancel *cancel, float **out, size_t *dim, char model[NS_INDEX_MODEL], ns_err *err);
} ns_embedder;

/* Where they are kept. hash: 64 hex digits. */
typedef struct ns_vector_keep {
	void *ctx;
	bool (*load)(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n, float *rows, bool *found, ns_err *err);
	bool (*save)(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n, const float *rows, ns_err *err);
	/* The index is complete, of these: no other of this model and dimension is needed any more. May be NULL. */
	void (*kept)(void *ctx, const char *model, size_t dim, const char *const *hashes, size_t n);
} ns_vector_keep;

typedef struct ns_index ns_index;
/* The library is borrowed; the tables are copied. keep NULL: nothing outlives the index. e NULL: offline for ever. */
ns_index *ns_index_new(const ns_library *l, const ns_embedder *e, const ns_vector_keep *keep);
void ns_index_free(ns_index *x);

typedef struct ns_index_news {
	size_t passages, embedded;           /* embedded: now; the others were kept */
	bool switched;                       /* another model or dimension answers from now on */
	char words[2 * NS_INDEX_MODEL + 96]; /* for people: "runbooks are found by text-embedding-v4, 1024 dimensions (210 passages, 12 new)" */
} ns_index_news;
/* Embeds what has no vector yet and makes the index. False with err: everything stays as it was, what was embedded is kept. */
bool ns_index_refresh(ns_index *x, const ns_cancel *cancel, ns_index_news *news, ns_err *err);

/* Whose vectors answer now: "MODEL/DIM", "offline". */
void ns_index_by(ns_index *x, char out[NS_INDEX_MODEL + 16]);

typedef struct ns_retrieval {
	ns_match match[NS_RETRIEVED]; /* best first, scores 0..1, margins as in ns_match */
	size_t n;
	double score_floor, margin_floor; /* of whoever answered: learnt from the library with those vectors */
	char by[NS_INDEX_MODEL + 16];     /* "offline" or "MODEL/DIM" */
	char mark[200];                   /* why a model's index did not answer although there is one, "" else */
} ns_retrieval;
/* Blocks while the query is embedded. Exact: what brute force over all passages gives. asked goes to the embedder. */
void ns_index_search(ns_index *x, const char *query, void *asked, const ns_cancel *cancel, ns_retrieval *out);
/* The library's own vectors, in the same form. Pure. */
void ns_library_retrieve(const ns_library *l, const char *query, ns_retrieval *out);
#endif
