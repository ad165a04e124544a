/* Inside the llm room: what was asked about a cause, so that it is asked once in its window, also by threads at the same time. Thread-safe. */
#ifndef NEUROSCALE_LLM_CACHE_H
#define NEUROSCALE_LLM_CACHE_H
#include "neuroscale/base/arena.h"
#include "neuroscale/llm/provider.h"

typedef struct llm_memory {
	const char *reply, *model, *version, *request_id; /* reply NULL: the asking failed */
	ns_llm_trouble trouble;
	const char *words;
} llm_memory;
typedef struct llm_cache llm_cache;
llm_cache *llm_cache_new(const ns_clock *clock, int64_t window_ms);
void llm_cache_free(llm_cache *c);
/* True: known (in *out, strings in the arena), also when another thread found out while we waited, at most wait_ms real time; what then is still not
 * known is in trouble NS_LLM_SLOW. False: the caller must ask, and llm_cache_put() what came of it. */
bool llm_cache_get(llm_cache *c, ns_arena *ar, const char *key, int wait_ms, llm_memory *out);
void llm_cache_put(llm_cache *c, const char *key, const llm_memory *m);
#endif
