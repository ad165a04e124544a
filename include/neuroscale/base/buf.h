/* A growable byte buffer that is always NUL-terminated (the NUL is not counted). Not shared between threads.
 * An allocation failure aborts the process (the kernel overcommits; there is no sane way on). */
#ifndef NEUROSCALE_BASE_BUF_H
#define NEUROSCALE_BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ns_buf {
	char *data; /* NULL while empty and never written */
	size_t len, cap;
} ns_buf;
#define NS_BUF_INIT {NULL, 0, 0}

void ns_buf_free(ns_buf *b);                 /* also resets to NS_BUF_INIT */
void ns_buf_clear(ns_buf *b);                /* keeps the memory */
void ns_buf_reserve(ns_buf *b, size_t more); /* room for `more` bytes and the NUL */
void ns_buf_put(ns_buf *b, const void *p, size_t n);
void ns_buf_puts(ns_buf *b, const char *s);
void ns_buf_putc(ns_buf *b, char c);
void ns_buf_printf(ns_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ns_buf_vprintf(ns_buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void ns_buf_drop(ns_buf *b, size_t n);       /* removes n bytes from the front */
const char *ns_buf_str(const ns_buf *b);     /* "" when empty, never NULL */
char *ns_buf_steal(ns_buf *b);               /* caller frees with free(); never NULL */

/* malloc family that aborts instead of returning NULL. */
void *ns_xmalloc(size_t n);
void *ns_xcalloc(size_t n, size_t size);
void *ns_xrealloc(void *p, size_t n);
char *ns_xstrdup(const char *s);             /* NULL gives NULL */
char *ns_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* strlcpy with truncation reported: copies at most cap-1 bytes, never cuts a UTF-8 sequence, terminates. False when cut. */
bool ns_copy(char *dst, size_t cap, const char *src);
#endif
