/* What is known by namespace and name only: tables beside those by uid. One name may stand for several (kinds of owners; a pod and the one that
 * comes after it), and what an object is called may change under its uid where a server errs: an item leaves by its own address. */
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"

static uint64_t hash_of(const char *ns, const char *name, size_t n)
{
	uint64_t h = 1469598103934665603u;
	for (; *ns; ns++)
		h = (h ^ (unsigned char)*ns) * 1099511628211u;
	h *= 1099511628211u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)name[i]) * 1099511628211u;
	return h ^ h >> 29;
}

static size_t home_of(const dt_names *t, const void *item)
{
	const char *name, *ns = t->say(item, &name);
	return hash_of(ns, name, strlen(name)) & (t->cap - 1);
}

static void place(dt_names *t, const void *item)
{
	size_t i = home_of(t, item);
	while (t->at[i])
		i = (i + 1) & (t->cap - 1);
	t->at[i] = item;
}

void dt_names_add(dt_names *t, const void *item)
{
	if ((t->n + 1) * 4 > t->cap * 3) {
		const void **old = t->at;
		size_t cap = t->cap;
		t->cap = cap ? cap * 2 : 16;
		t->at = ns_xcalloc(t->cap, sizeof *t->at);
		for (size_t i = 0; i < cap; i++)
			if (old[i])
				place(t, old[i]);
		free(old);
	}
	place(t, item);
	t->n++;
}

void dt_names_remove(dt_names *t, const void *item)
{
	size_t mask = t->cap - 1, i = t->cap ? home_of(t, item) : 0;
	while (t->cap && t->at[i] && t->at[i] != item)
		i = (i + 1) & mask;
	if (!t->cap || !t->at[i])
		return;
	t->at[i] = NULL;
	t->n--;
	for (size_t j = (i + 1) & mask; t->at[j]; j = (j + 1) & mask) { /* what probed past the hole moves into it */
		if (((j - home_of(t, t->at[j])) & mask) < ((j - i) & mask))
			continue;
		t->at[i] = t->at[j];
		t->at[j] = NULL;
		i = j;
	}
}

const void *dt_names_next(const dt_names *t, const char *ns, const char *name, size_t n, size_t *from)
{
	for (size_t mask = t->cap - 1, i = (hash_of(ns, name, n) + *from) & mask; t->cap && t->at[i]; i = (i + 1) & mask) {
		const char *its, *its_ns = t->say(t->at[i], &its);
		++*from;
		if (strncmp(its, name, n) == 0 && !its[n] && strcmp(its_ns, ns) == 0)
			return t->at[i];
	}
	return NULL;
}
