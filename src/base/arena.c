/* A list of chunks; the newest is filled from its start. */
#include "neuroscale/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"

enum { FIRST_CHUNK = 4 * 1024, LAST_CHUNK = 256 * 1024 };

typedef struct chunk {
	struct chunk *next;
	size_t used, cap;
	alignas(max_align_t) unsigned char bytes[];
} chunk;

struct ns_arena {
	chunk *head;
	size_t next_cap, handed_out;
};

ns_arena *ns_arena_new(void)
{
	ns_arena *a = ns_xcalloc(1, sizeof *a);
	a->next_cap = FIRST_CHUNK;
	return a;
}

void ns_arena_free(ns_arena *a)
{
	if (!a)
		return;
	for (chunk *c = a->head; c;) {
		chunk *next = c->next;
		free(c);
		c = next;
	}
	free(a);
}

static chunk *chunk_new(size_t cap)
{
	chunk *c = ns_xcalloc(1, sizeof *c + cap);
	c->cap = cap;
	return c;
}

/* What does not fit a regular chunk gets its own, behind the head, so that the head keeps its free space. */
static void *alloc_alone(ns_arena *a, size_t n)
{
	chunk *c = chunk_new(n);
	c->used = n;
	if (a->head) {
		c->next = a->head->next;
		a->head->next = c;
	} else {
		a->head = c;
	}
	return c->bytes;
}

void *ns_arena_alloc(ns_arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	if (n > SIZE_MAX / 2)
		abort();
	n = n ? (n + align - 1) / align * align : align;
	a->handed_out += n;
	if (!a->head || a->head->cap - a->head->used < n) {
		if (n > a->next_cap / 4)
			return alloc_alone(a, n);
		chunk *c = chunk_new(a->next_cap);
		c->next = a->head;
		a->head = c;
		if (a->next_cap < LAST_CHUNK)
			a->next_cap *= 2;
	}
	void *p = a->head->bytes + a->head->used;
	a->head->used += n;
	return p;
}

char *ns_arena_strdup(ns_arena *a, const char *s)
{
	return s ? ns_arena_strndup(a, s, strlen(s)) : ns_arena_strndup(a, "", 0);
}

char *ns_arena_strndup(ns_arena *a, const char *s, size_t n)
{
	n = strnlen(s, n);
	char *p = ns_arena_alloc(a, n + 1);
	if (n)
		memcpy(p, s, n);
	return p;
}

char *ns_arena_printf(ns_arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *p = ns_arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

char *ns_arena_vprintf(ns_arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *p = ns_arena_alloc(a, n > 0 ? (size_t)n + 1 : 1);
	if (n > 0)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

char *ns_arena_take(ns_arena *a, ns_buf *b)
{
	char *s = ns_arena_strndup(a, ns_buf_str(b), b->len);
	ns_buf_free(b);
	return s;
}

size_t ns_arena_used(const ns_arena *a)
{
	return a->handed_out;
}
