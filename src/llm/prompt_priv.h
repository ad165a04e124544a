/* Inside the llm room: a prompt with its system text and boundary, the user part still "". */
#ifndef NEUROSCALE_LLM_PROMPT_PRIV_H
#define NEUROSCALE_LLM_PROMPT_PRIV_H
#include "neuroscale/llm/prompt.h"
ns_prompt *prompt_begin(ns_arena *ar, const char *name);
#endif
