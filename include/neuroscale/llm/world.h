/* The closed world: what a model says of objects, images, numbers and quoted lines must stand in the collected evidence. Errs towards doubt: a word
 * that is taken for an invented name costs a question to a person, nothing else. Pure; thread-safe. */
#ifndef NEUROSCALE_LLM_WORLD_H
#define NEUROSCALE_LLM_WORLD_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"

typedef struct ns_world ns_world;
ns_world *ns_world_new(ns_arena *ar, const ns_case *c); /* everything that is known of the case; lives in the arena */

#define NS_WORLD_MAX_STRANGERS 12
typedef struct ns_strangers {
	size_t n;                                      /* at most that many are kept */
	const char *text[NS_WORLD_MAX_STRANGERS];      /* as the model wrote them, cleaned */
	const char *what[NS_WORLD_MAX_STRANGERS];      /* "name" "image" "number" "quotation" "evidence id" */
} ns_strangers;
/* Adds what of `text` is not in the world. Numbers count with their unit: 128Mi, 134217728 and "128 MiB" are the same; a percentage, difference or
 * ratio that two known numbers of one kind give is known; small counts (0 to 3) are, but for an exit code or a signal. */
void ns_world_check(ns_arena *ar, const ns_world *w, const char *text, ns_strangers *out);
#endif
