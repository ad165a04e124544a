/* Runbooks: YAML front matter for the machine, Markdown for people; an offline embedder; exact cosine search. */
#ifndef NEUROSCALE_RUNBOOK_RUNBOOK_H
#define NEUROSCALE_RUNBOOK_RUNBOOK_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"

typedef struct ns_runbook {
	const char *id, *title, *body;    /* id = file name without .md */
	char hash[65];                    /* SHA-256 of the file */
	ns_kind *kinds;                   /* alert kinds it is for */
	size_t n_kinds;
	ns_action action;                 /* what it does; a plan with another action is asked about */
	ns_action *also;                  /* other actions it stands behind */
	size_t n_also;
	ns_risk risk;                     /* lowest risk the plan may claim */
	const char *const *symptoms;      /* sentences that describe when it fits: they are embedded too */
	size_t n_symptoms;
	const char *const *not_for;       /* sentences that look alike and where it does not fit: counter-examples of the search */
	size_t n_not_for;
	const char *const *causes;        /* cause classes (ns_rca.cause_class) it answers */
	size_t n_causes;
	const char *const *steps, *const *preconditions;
	size_t n_steps, n_preconditions;
	const char *verify, *undo;
} ns_runbook;

typedef struct ns_library ns_library;
/* Loads the built-in runbooks, then *.md of dir (may be NULL; not dir/drafts), which replace built-in ones of the same id. Errors with
 * file:line. The library is immutable and may be shared between threads. */
ns_library *ns_library_load(const char *dir, ns_err *err);
void ns_library_free(ns_library *l);
size_t ns_library_size(const ns_library *l);
const ns_runbook *ns_library_at(const ns_library *l, size_t i);
const ns_runbook *ns_library_find(const ns_library *l, const char *id);
bool ns_runbook_permits(const ns_runbook *rb, ns_action a);           /* its action, one of `also`, or manual_review */
bool ns_runbook_has_cause(const ns_runbook *rb, const char *cause);
bool ns_runbook_has_kind(const ns_runbook *rb, ns_kind k);
/* `id` is also what errors call it ("runbooks/ID.md:LINE: …"). Strings live in the arena. */
ns_runbook *ns_runbook_parse(ns_arena *ar, const char *id, const char *text, size_t n, ns_err *err);

typedef struct ns_match { const ns_runbook *runbook; double score, margin; } ns_match;
/* margin: its lead over the best runbook that has another action (two that do the same leave no doubt about what to do) */
/* The best k by cosine similarity of the offline vectors, best first; returns how many (<= k). score in 0..1, ties by id. A score under
 * the floor means that nothing fits. */
size_t ns_library_search(const ns_library *l, const char *query, ns_match *out, size_t k);
/* Floors below which a match does not count, learnt from the library itself (see embed.c). */
double ns_library_score_floor(const ns_library *l);
double ns_library_margin_floor(const ns_library *l);
#endif
