/* A bump allocator: many small allocations with one life. Not shared between threads while it grows. */
#ifndef NEUROSCALE_BASE_ARENA_H
#define NEUROSCALE_BASE_ARENA_H
#include <stdarg.h>
#include <stddef.h>
#include "neuroscale/base/buf.h"

typedef struct ns_arena ns_arena;
ns_arena *ns_arena_new(void);                                 /* first chunk 4 KiB, chunks double up to 256 KiB */
void ns_arena_free(ns_arena *a);                              /* NULL is fine */
void *ns_arena_alloc(ns_arena *a, size_t n);                  /* zeroed, aligned for any type */
char *ns_arena_strdup(ns_arena *a, const char *s);            /* NULL gives "" */
char *ns_arena_strndup(ns_arena *a, const char *s, size_t n); /* stops at NUL */
char *ns_arena_printf(ns_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *ns_arena_vprintf(ns_arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
char *ns_arena_take(ns_arena *a, ns_buf *b);                   /* the buffer's text; the buffer is freed */
size_t ns_arena_used(const ns_arena *a);                      /* bytes handed out */
#endif
