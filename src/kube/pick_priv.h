/* Between the files of pick: pick.c knows the paths and owns the memory, pick_read.c reads a text by them, pick_skip.c checks what is not kept. */
#ifndef NEUROSCALE_KUBE_PICK_PRIV_H
#define NEUROSCALE_KUBE_PICK_PRIV_H
#include <stdint.h>
#include "pick.h"
#include "pick_scan.h"

/* One name of a path; `child` are the names below it. Whole: everything below is kept. */
typedef struct pick_name {
	const char *key;
	size_t len;
	bool whole;
	struct pick_name *child, *next;
} pick_name;
extern const pick_name pick_all; /* whole */

/* Nodes of a tree, handed out one after the other and taken back all at once. */
typedef struct pick_block pick_block;
typedef struct pick_pool {
	pick_block *first, *now;
	size_t used;  /* of `now` */
	size_t nodes; /* in all */
} pick_pool;
cJSON *pick_node(pick_pool *p); /* zeroed */

typedef struct pick_reader {
	char *end;         /* the NUL behind the text */
	pick_pool *pool;
	int depth;
	const char *why;   /* what is wrong, NULL nothing yet */
	const char *where;
	bool too_big;
} pick_reader;

/* Each of these stands at p, and returns the place behind what it read, NULL when that is no JSON (r says why). */
char *pick_value(pick_reader *r, char *p, const pick_name *keep, cJSON *out);
char *pick_skip(pick_reader *r, char *p); /* a value of any kind, checked and not built */
char *pick_bad(pick_reader *r, const char *p, const char *what);
char *pick_escape(pick_reader *r, char *p, uint32_t *cp); /* at the backslash */
char *pick_utf8(pick_reader *r, char *p);                 /* at a byte above 0x7f */
/* A number's end; *integer: it has neither fraction nor exponent. */
char *pick_number(pick_reader *r, char *p, bool *integer);
char *pick_word(pick_reader *r, char *p, int *type); /* true, false, null as cJSON's types */
/* Into a container: its depth counted. False when it is too deep. */
bool pick_enter(pick_reader *r, const char *p, int depth);

static inline char *pick_space(char *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	return p;
}
#endif
