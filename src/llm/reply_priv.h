/* Inside the llm room: the steps of reading a reply. */
#ifndef NEUROSCALE_LLM_REPLY_PRIV_H
#define NEUROSCALE_LLM_REPLY_PRIV_H
#include <stddef.h>
#include "neuroscale/llm/reply.h"
/* Finds the one JSON object: s[*from, *to). Returns NULL, or why there is none in words (static). */
const char *reply_find(const char *s, size_t n, size_t *from, size_t *to);
#endif
