/* The paths as a tree of names, the memory of the nodes, and the two ways in. */
#include <stdlib.h>

#include "pick_priv.h"

const pick_name pick_all = {.key = "", .whole = true};

enum { BLOCK_NODES = 126, KEPT_BLOCKS = 4 }; /* a block is 8 KiB */

struct pick_block {
	pick_block *next;
	size_t reserved; /* nodes are aligned to 16 bytes, as malloc gives them */
	cJSON nodes[BLOCK_NODES];
};

struct kube_pick {
	pick_name *object, *event;
	pick_pool pool;
};

/* ---- nodes ---- */

cJSON *pick_node(pick_pool *p)
{
	if (!p->now || p->used == BLOCK_NODES) {
		pick_block **to = p->now ? &p->now->next : &p->first;
		if (!*to)
			*to = ns_xcalloc(1, sizeof **to);
		p->now = *to;
		p->used = 0;
	}
	cJSON *n = &p->now->nodes[p->used++];
	memset(n, 0, sizeof *n);
	p->nodes++;
	return n;
}

static void free_blocks(pick_block *b)
{
	while (b) {
		pick_block *next = b->next;
		free(b);
		b = next;
	}
}

/* One object of very many values must not keep its memory for the life of the watch. */
static void rewind_pool(pick_pool *p)
{
	pick_block *last = p->first;
	for (int i = 1; last && i < KEPT_BLOCKS; i++)
		last = last->next;
	if (last) {
		free_blocks(last->next);
		last->next = NULL;
	}
	*p = (pick_pool){.first = p->first};
}

/* ---- paths ---- */

static pick_name *new_name(const char *key, size_t n)
{
	pick_name *x = ns_xcalloc(1, sizeof *x + n + 1);
	char *text = (char *)(x + 1);
	/* "\\." is a dot of the key. */
	for (size_t i = 0; i < n; i++)
		if (key[i] != '\\' || i + 1 == n)
			text[x->len++] = key[i];
	x->key = text;
	return x;
}

static void free_names(pick_name *x)
{
	while (x) {
		pick_name *next = x->next;
		free_names(x->child);
		free(x);
		x = next;
	}
}

static pick_name *below(pick_name *parent, const char *key, size_t n)
{
	pick_name *x = new_name(key, n), **at = &parent->child;
	for (; *at; at = &(*at)->next)
		if ((*at)->len == x->len && memcmp((*at)->key, x->key, x->len) == 0) {
			free(x);
			return *at;
		}
	return *at = x;
}

static size_t name_length(const char *path)
{
	size_t n = 0;
	while (path[n] && path[n] != '.')
		n += path[n] == '\\' && path[n + 1] ? 2 : 1;
	return n;
}

static void add_path(pick_name *root, const char *path)
{
	pick_name *x = root;
	for (;;) {
		size_t n = name_length(path);
		x = below(x, path, n);
		if (!path[n])
			break;
		path += n + 1;
	}
	x->whole = true;
}

static pick_name *names_of(const char *const *keep)
{
	/* The version of a list's object and of an event's, and what a Status says. */
	static const char *const own[] = {"metadata.resourceVersion", "code", "reason", "message", NULL};
	pick_name *root = new_name("", 0);
	root->whole = !keep;
	for (const char *const *k = keep; k && *k; k++)
		add_path(root, *k);
	for (const char *const *k = own; *k; k++)
		add_path(root, *k);
	return root;
}

kube_pick *kube_pick_new(const char *const *keep)
{
	kube_pick *p = ns_xcalloc(1, sizeof *p);
	p->object = names_of(keep);
	p->event = new_name("", 0);
	add_path(p->event, "type");
	pick_name *object = below(p->event, "object", strlen("object"));
	object->whole = p->object->whole;
	object->child = p->object->child;
	return p;
}

void kube_pick_free(kube_pick *p)
{
	if (!p)
		return;
	free_blocks(p->pool.first);
	below(p->event, "object", strlen("object"))->child = NULL; /* they are the object's */
	free_names(p->event);
	free_names(p->object);
	free(p);
}

/* ---- reading ---- */

static const cJSON *read_text(kube_pick *p, const pick_name *keep, char *json, size_t n, ns_err *err)
{
	rewind_pool(&p->pool);
	pick_reader r = {.end = json + n, .pool = &p->pool};
	cJSON *root = pick_node(&p->pool);
	char *end = pick_value(&r, json, keep, root);
	if (end) {
		end = pick_space(end);
		if (end == r.end)
			return root;
		pick_bad(&r, end, "something follows the value");
	}
	ns_fail(err, r.too_big ? NS_E_TOOBIG : NS_E_INVALID, "JSON at byte %zu: %s", (size_t)(r.where - json), r.why);
	return NULL;
}

const cJSON *kube_pick_object(kube_pick *p, char *json, size_t n, ns_err *err)
{
	return read_text(p, p->object, json, n, err);
}

const cJSON *kube_pick_event(kube_pick *p, char *json, size_t n, ns_err *err)
{
	return read_text(p, p->event, json, n, err);
}

void kube_pick_pad(ns_buf *b)
{
	ns_buf_reserve(b, KUBE_SCAN_PAD);
	memset(b->data + b->len, 0, KUBE_SCAN_PAD);
}
