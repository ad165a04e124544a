/* Title with the symptoms, each symptom, the sections of the body by their heading, and the counter-examples. A model reads whole sentences, so
 * a passage ends where a line does. */
#include "passages.h"

#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include "runbook_priv.h"

typedef struct list {
	ns_arena *ar;
	ns_passage *at;
	size_t n, cap;
} list;

static void put(list *l, size_t owner, ns_chunk_role role, double weight, bool held_out, const char *text, size_t n)
{
	while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (!n)
		return;
	if (l->n == l->cap)
		l->at = ns_xrealloc(l->at, (l->cap = l->cap ? l->cap * 2 : 256) * sizeof *l->at);
	ns_passage *p = &l->at[l->n++];
	*p = (ns_passage){.text = ns_arena_strndup(l->ar, text, n), .chunk = {(uint32_t)owner, role, (float)weight, held_out}};
	ns_sha256_hex(p->text, strlen(p->text), p->hash);
}

static void put_sentence(list *l, size_t owner, ns_chunk_role role, const char *text)
{
	put(l, owner, role, 1, true, text, strlen(text));
}

/* In pieces of whole lines; a line that is longer than a passage is cut between characters. */
static void put_lines(list *l, size_t owner, ns_chunk_role role, double weight, const char *text, size_t n)
{
	while (n) {
		size_t take = n < NS_PASSAGE_MAX ? n : NS_PASSAGE_MAX;
		const char *end = take < n ? memrchr(text, '\n', take) : NULL;
		if (end && end > text)
			take = (size_t)(end - text) + 1;
		while (!end && take < n && take > 1 && ((unsigned char)text[take] & 0xC0) == 0x80)
			take--;
		put(l, owner, role, weight, false, text, take);
		text += take;
		n -= take;
	}
}

/* What a section says about the question "is this the case?". The first row whose words begin the heading; a team's own headings count as what
 * they most likely are, a description. */
static const struct {
	const char *heading;
	ns_chunk_role role;
	double weight; /* 0: says nothing about it */
} sections[] = {
    {"when it fits", NS_CHUNK_FOR, 0.9},
    {"when it does not fit", NS_CHUNK_AGAINST, 0.9},
    {"when not", NS_CHUNK_AGAINST, 0.9},
    {"how to undo", NS_CHUNK_FOR, 0},
    {"if it does not help", NS_CHUNK_FOR, 0},
    {"", NS_CHUNK_FOR, 0.8},
};

static void put_section(list *l, size_t owner, const char *text, size_t n)
{
	const char *end = memchr(text, '\n', n);
	size_t head = end ? (size_t)(end - text) : n;
	char heading[64] = "";
	for (size_t i = 0; i < head && i + 1 < sizeof heading; i++)
		heading[i] = (char)(ns_is_upper(text[i]) ? text[i] + 32 : text[i]);
	size_t row = 0;
	while (strncmp(heading, sections[row].heading, strlen(sections[row].heading)) != 0)
		row++;
	if (sections[row].weight > 0)
		put_lines(l, owner, sections[row].role, sections[row].weight, text, n);
}

static void put_body(list *l, size_t owner, const char *body)
{
	const char *at = strncmp(body, "## ", 3) == 0 ? body : strstr(body, "\n## ");
	while (at) {
		at += *at == '\n' ? 4 : 3;
		const char *next = strstr(at, "\n## ");
		put_section(l, owner, at, next ? (size_t)(next - at) : strlen(at));
		at = next;
	}
}

ns_passage *ns_passages(ns_arena *ar, const ns_library *lib, size_t *n, size_t **first)
{
	list l = {.ar = ar};
	size_t runbooks = ns_library_size(lib);
	ns_buf b = NS_BUF_INIT;
	*first = ns_arena_alloc(ar, (runbooks + 2) * sizeof **first);
	for (size_t i = 0; i < runbooks; i++) {
		const ns_runbook *rb = ns_library_at(lib, i);
		(*first)[i] = l.n;
		ns_buf_clear(&b);
		ns_buf_printf(&b, "%s\n", rb->title);
		for (size_t k = 0; k < rb->n_symptoms; k++)
			ns_buf_printf(&b, "%s\n", rb->symptoms[k]);
		put_lines(&l, i, NS_CHUNK_FOR, 1, ns_buf_str(&b), b.len);
		for (size_t k = 0; k < rb->n_symptoms; k++)
			put_sentence(&l, i, NS_CHUNK_FOR, rb->symptoms[k]);
		for (size_t k = 0; k < rb->n_not_for; k++)
			put_sentence(&l, i, NS_CHUNK_AGAINST, rb->not_for[k]);
		put_body(&l, i, rb->body);
	}
	(*first)[runbooks] = l.n;
	for (size_t i = 0; ns_background[i]; i++)
		put_sentence(&l, runbooks, NS_CHUNK_AGAINST, ns_background[i]);
	(*first)[runbooks + 1] = l.n;
	ns_passage *all = ns_arena_alloc(ar, (l.n + 1) * sizeof *all);
	if (l.n)
		memcpy(all, l.at, l.n * sizeof *all);
	*n = l.n;
	free(l.at);
	ns_buf_free(&b);
	return all;
}
