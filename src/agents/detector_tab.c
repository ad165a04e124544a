/* Hash tables of pointers to structs whose first member is their key: open addressing, linear probing, no tombstones. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"

static uint64_t hash_of(const char *s)
{
	uint64_t h = 1469598103934665603u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h ^ h >> 29;
}

const char *dt_tab_key(const void *item)
{
	const char *key;
	memcpy(&key, item, sizeof key);
	return key;
}

static size_t slot_of(const dt_tab *t, const char *key)
{
	size_t i = hash_of(key) & (t->cap - 1);
	while (t->at[i] && strcmp(dt_tab_key(t->at[i]), key) != 0)
		i = (i + 1) & (t->cap - 1);
	return i;
}

void *dt_tab_get(const dt_tab *t, const char *key)
{
	return t->cap ? t->at[slot_of(t, key)] : NULL;
}

void dt_tab_put(dt_tab *t, void *item)
{
	if (t->n * 4 >= t->cap * 3) {
		dt_tab bigger = {.cap = t->cap ? t->cap * 2 : 16};
		bigger.at = ns_xcalloc(bigger.cap, sizeof *bigger.at);
		for (size_t i = 0; i < t->cap; i++)
			if (t->at[i])
				bigger.at[slot_of(&bigger, dt_tab_key(t->at[i]))] = t->at[i];
		bigger.n = t->n;
		free(t->at);
		*t = bigger;
	}
	size_t i = slot_of(t, dt_tab_key(item));
	t->n += !t->at[i];
	t->at[i] = item;
}

void *dt_tab_del(dt_tab *t, const char *key)
{
	if (!t->cap)
		return NULL;
	size_t i = slot_of(t, key), mask = t->cap - 1;
	void *item = t->at[i];
	if (!item)
		return NULL;
	t->at[i] = NULL;
	t->n--;
	/* What probed past the hole moves into it. */
	for (size_t j = (i + 1) & mask; t->at[j]; j = (j + 1) & mask) {
		size_t home = hash_of(dt_tab_key(t->at[j])) & mask;
		if (((j - home) & mask) >= ((j - i) & mask)) {
			t->at[i] = t->at[j];
			t->at[j] = NULL;
			i = j;
		}
	}
	return item;
}

void dt_tab_free(dt_tab *t)
{
	free(t->at);
	*t = (dt_tab){0};
}
