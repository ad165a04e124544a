/* What of a runbook is embedded by a model: passages of bounded size. Pure. */
#ifndef NEUROSCALE_RUNBOOK_PASSAGES_H
#define NEUROSCALE_RUNBOOK_PASSAGES_H
#include "neuroscale/sys/digest.h"
#include "score.h"

enum { NS_PASSAGE_MAX = 1600 }; /* bytes; far under the 8,192 tokens that a text may have */

typedef struct ns_passage {
	const char *text;
	char hash[NS_HEX256]; /* of the text */
	ns_chunk chunk;
} ns_passage;

/* All of the library in order of their runbooks, the background last; first[i]..first[i + 1] are those of runbook i. Both in the arena. */
ns_passage *ns_passages(ns_arena *ar, const ns_library *l, size_t *n, size_t **first);
#endif
