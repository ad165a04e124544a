/* Growable bytes and the allocators that do not fail. */
#include "neuroscale/base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char msg[] = "neuroscale: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, msg, sizeof msg - 1);
	(void)ignored; /* nobody is left to tell */
	abort();
}

void *ns_xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *ns_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *ns_xrealloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);
	if (!q)
		out_of_memory();
	return q;
}

char *ns_xstrdup(const char *s)
{
	if (!s)
		return NULL;
	size_t n = strlen(s) + 1;
	return memcpy(ns_xmalloc(n), s, n);
}

char *ns_xasprintf(const char *fmt, ...)
{
	ns_buf b = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return ns_buf_steal(&b);
}

void ns_buf_free(ns_buf *b)
{
	free(b->data);
	*b = (ns_buf)NS_BUF_INIT;
}

void ns_buf_clear(ns_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void ns_buf_reserve(ns_buf *b, size_t more)
{
	if (more >= SIZE_MAX / 2 - b->len)
		out_of_memory();
	size_t need = b->len + more + 1;
	if (need <= b->cap)
		return;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	b->data = ns_xrealloc(b->data, cap);
	b->cap = cap;
	b->data[b->len] = '\0';
}

void ns_buf_put(ns_buf *b, const void *p, size_t n)
{
	if (!n)
		return;
	ns_buf_reserve(b, n);
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void ns_buf_puts(ns_buf *b, const char *s)
{
	if (s)
		ns_buf_put(b, s, strlen(s));
}

void ns_buf_putc(ns_buf *b, char c)
{
	ns_buf_put(b, &c, 1);
}

void ns_buf_printf(ns_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void ns_buf_vprintf(ns_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0) {
		ns_buf_reserve(b, (size_t)n);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void ns_buf_drop(ns_buf *b, size_t n)
{
	if (n >= b->len) {
		ns_buf_clear(b);
		return;
	}
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

const char *ns_buf_str(const ns_buf *b)
{
	return b->data ? b->data : "";
}

char *ns_buf_steal(ns_buf *b)
{
	ns_buf_reserve(b, 0);
	char *s = b->data;
	*b = (ns_buf)NS_BUF_INIT;
	return s;
}

bool ns_copy(char *dst, size_t cap, const char *src)
{
	size_t n = src ? strlen(src) : 0;
	if (!cap)
		return n == 0;
	bool whole = n < cap;
	if (!whole) {
		n = cap - 1;
		while (n && ((unsigned char)src[n] & 0xC0) == 0x80)
			n--;
	}
	if (n)
		memcpy(dst, src, n);
	dst[n] = '\0';
	return whole;
}
