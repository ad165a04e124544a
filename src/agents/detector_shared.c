/* Text that many objects have in common (the pods of one owner: its name, uid and hash, their namespace, labels and container names) is kept
 * once for all of them. Blocks of bytes, counted by those who hold them; the table is the process's, so that every thread that decodes shares. */
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"

typedef struct shared {
	struct shared *next; /* of the same slot */
	size_t n, refs;
	uint64_t hash;
	char bytes[];
} shared;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER; /* the last in order: a detector may hold its own; guards all below, and the counts */
static shared **slots;
static size_t n_slots, n_blocks;

static uint64_t hash_of(const char *s, size_t n)
{
	uint64_t h = 1469598103934665603u ^ n, word;
	for (; n >= sizeof word; s += sizeof word, n -= sizeof word) {
		memcpy(&word, s, sizeof word);
		h = (h ^ word) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	for (; n; s++, n--)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h ^ h >> 32;
}

static void grow(void)
{
	size_t more = n_slots ? n_slots * 2 : 64;
	shared **bigger = ns_xcalloc(more, sizeof *bigger);
	for (size_t i = 0; i < n_slots; i++)
		for (shared *s = slots[i], *next; s; s = next) {
			next = s->next;
			s->next = bigger[s->hash & (more - 1)];
			bigger[s->hash & (more - 1)] = s;
		}
	free(slots);
	slots = bigger;
	n_slots = more;
}

const char *dt_share(const char *bytes, size_t n)
{
	uint64_t h = hash_of(bytes, n);
	pthread_mutex_lock(&mu);
	if (n_blocks >= n_slots)
		grow();
	shared **at = &slots[h & (n_slots - 1)], *s = *at;
	while (s && (s->hash != h || s->n != n || memcmp(s->bytes, bytes, n) != 0))
		s = s->next;
	if (!s) {
		s = ns_xmalloc(sizeof *s + n);
		*s = (shared){.next = *at, .n = n, .hash = h};
		memcpy(s->bytes, bytes, n);
		*at = s;
		n_blocks++;
	}
	s->refs++;
	pthread_mutex_unlock(&mu);
	return s->bytes;
}

void dt_unshare(const char *bytes)
{
	if (!bytes)
		return;
	uint64_t h;
	memcpy(&h, bytes - offsetof(shared, bytes) + offsetof(shared, hash), sizeof h); /* never changes */
	pthread_mutex_lock(&mu);
	shared **at = &slots[h & (n_slots - 1)];
	while ((*at)->bytes != bytes)
		at = &(*at)->next;
	shared *s = *at;
	if (!--s->refs) {
		*at = s->next;
		free(s);
		if (!--n_blocks) {
			free(slots);
			slots = NULL;
			n_slots = 0;
		}
	}
	pthread_mutex_unlock(&mu);
}
