/* Inside the llm room: numbers with their units, for the closed world. */
#ifndef NEUROSCALE_LLM_WORLD_PRIV_H
#define NEUROSCALE_LLM_WORLD_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/llm/world.h"

typedef enum world_unit { UNIT_NONE, UNIT_BYTES, UNIT_SECONDS, UNIT_PERCENT, UNIT_CORES, UNIT_MONEY, UNIT_TIMES } world_unit;
typedef struct world_number {
	double value;     /* in bytes, seconds, cores … */
	double precision; /* half of its last written digit, same unit */
	world_unit unit;
	size_t from, to;  /* its place in the text, unit included */
} world_number;
/* The next number of s from *i on that is one by itself (not "v2", "7d4b9c"); false when there is none. *i moves behind it. */
bool world_next_number(const char *s, size_t n, size_t *i, world_number *out);
/* Is `x` known: stated, or what two stated numbers of one kind give? */
bool world_knows_number(const world_number *known, size_t n, const world_number *x);
#endif
