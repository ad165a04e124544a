#include "cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 128, KEY = 160 };

typedef struct entry {
	char key[KEY];
	int64_t at; /* clock's mono */
	bool used, running;
	char *reply, *model, *version, *request_id, *words;
	ns_llm_trouble trouble;
} entry;

struct llm_cache {
	pthread_mutex_t mu;
	pthread_cond_t changed;
	const ns_clock *clock;
	int64_t window_ms;
	entry entries[ENTRIES];
};

llm_cache *llm_cache_new(const ns_clock *clock, int64_t window_ms)
{
	llm_cache *c = ns_xcalloc(1, sizeof *c);
	pthread_mutex_init(&c->mu, NULL);
	ns_cond_init(&c->changed);
	c->clock = clock;
	c->window_ms = window_ms;
	return c;
}

static void clear(entry *e)
{
	free(e->reply);
	free(e->model);
	free(e->version);
	free(e->request_id);
	free(e->words);
	*e = (entry){0};
}

void llm_cache_free(llm_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		clear(&c->entries[i]);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static entry *find(llm_cache *c, const char *key)
{
	int64_t now = ns_clock_mono_ms(c->clock);
	for (size_t i = 0; i < ENTRIES; i++) {
		entry *e = &c->entries[i];
		if (e->used && !e->running && now - e->at >= c->window_ms)
			clear(e);
		if (e->used && strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

/* A free place, else the oldest that nobody works on; NULL when all are under way. */
static entry *place(llm_cache *c)
{
	entry *oldest = NULL;
	for (size_t i = 0; i < ENTRIES; i++) {
		entry *e = &c->entries[i];
		if (!e->used)
			return e;
		if (!e->running && (!oldest || e->at < oldest->at))
			oldest = e;
	}
	if (oldest)
		clear(oldest);
	return oldest;
}

bool llm_cache_get(llm_cache *c, ns_arena *ar, const char *key, int wait_ms, llm_memory *out)
{
	const int64_t until = ns_real_mono_ms() + wait_ms;
	char k[KEY];
	ns_copy(k, sizeof k, key);
	pthread_mutex_lock(&c->mu);
	entry *e = find(c, k);
	while (e && e->running && ns_clock_cond_wait(ns_clock_real(), &c->changed, &c->mu, until))
		e = find(c, k);
	bool known = e != NULL;
	if (!e && (e = place(c))) {
		*e = (entry){.used = true, .running = true, .at = ns_clock_mono_ms(c->clock)};
		memcpy(e->key, k, sizeof k);
	} else if (e && e->running) {
		*out = (llm_memory){.model = "", .version = "", .request_id = "", .trouble = NS_LLM_SLOW, .words = "another incident of this cause still waits"};
	} else if (e) {
		*out = (llm_memory){.reply = e->reply ? ns_arena_strdup(ar, e->reply) : NULL, .model = ns_arena_strdup(ar, e->model),
		    .version = ns_arena_strdup(ar, e->version), .request_id = ns_arena_strdup(ar, e->request_id), .trouble = e->trouble,
		    .words = ns_arena_strdup(ar, e->words)};
	}
	pthread_mutex_unlock(&c->mu);
	return known;
}

void llm_cache_put(llm_cache *c, const char *key, const llm_memory *m)
{
	char k[KEY];
	ns_copy(k, sizeof k, key);
	pthread_mutex_lock(&c->mu);
	entry *e = find(c, k);
	if (e && m->trouble == NS_LLM_CANCELLED) {
		clear(e); /* nobody found out anything */
	} else if (e) {
		e->reply = ns_xstrdup(m->reply);
		e->model = ns_xstrdup(m->model);
		e->version = ns_xstrdup(m->version);
		e->request_id = ns_xstrdup(m->request_id);
		e->words = ns_xstrdup(m->words);
		e->trouble = m->trouble;
		e->at = ns_clock_mono_ms(c->clock);
		e->running = false;
	}
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mu);
}
