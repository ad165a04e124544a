/* Text to tree. What is accepted is decided in json_scan.c; cJSON builds; then duplicate keys and big integers are settled. */
#include "neuroscale/model/json.h"

#include <stdlib.h>
#include <string.h>

#include "json_priv.h"
#include "json_scan.h"

const ns_json_limits ns_json_strict = {.max_bytes = 1 << 20, .max_depth = 64, .allow_duplicate_keys = false};
const ns_json_limits ns_json_api = {.max_bytes = 256 << 20, .max_depth = 128, .allow_duplicate_keys = true};

bool ns_json_int_is_big(const char *s, size_t n)
{
	static const char largest[] = "9007199254740992"; /* 2^53 */
	const size_t digits = sizeof largest - 1;
	if (n && *s == '-') {
		s++;
		n--;
	}
	return n > digits || (n == digits && memcmp(s, largest, digits) > 0);
}

void ns_json_make_raw(cJSON *item, const char *s, size_t n)
{
	char *text = cJSON_malloc(n + 1);
	if (!text)
		abort();
	memcpy(text, s, n);
	text[n] = '\0';
	item->type = (item->type & ~0xFF) | cJSON_Raw;
	item->valuestring = text;
}

static int by_key(const void *a, const void *b)
{
	const ns_json_entry *x = a, *y = b;
	int d = strcmp(x->item->string, y->item->string);
	return d ? d : (x->order > y->order) - (x->order < y->order);
}

ns_json_entry *ns_json_sorted(const cJSON *obj, size_t *n)
{
	*n = 0;
	for (const cJSON *c = obj->child; c; c = c->next)
		++*n;
	ns_json_entry *list = ns_xcalloc(*n, sizeof *list);
	size_t i = 0;
	for (cJSON *c = obj->child; c; c = c->next, i++)
		list[i] = (ns_json_entry){c, i};
	qsort(list, *n, sizeof *list, by_key);
	return list;
}

typedef struct settler {
	const char *text;
	const ns_json_scan *scan;
	size_t numbers, bigs; /* seen so far */
	bool drop_duplicates;
	ns_err *err;
} settler;

/* Most objects are small: comparing each key with each is cheaper than sorting, and mostly there is nothing to find. */
static bool surely_unique(const cJSON *obj)
{
	enum { FEW = 8 };
	size_t n = 0;
	for (const cJSON *a = obj->child; a; a = a->next)
		if (++n > FEW)
			return false;
	for (const cJSON *a = obj->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return false;
	return true;
}

static bool settle_keys(settler *w, cJSON *obj)
{
	if (surely_unique(obj))
		return true;
	size_t n;
	bool ok = true;
	ns_json_entry *list = ns_json_sorted(obj, &n);
	for (size_t i = 0; ok && i + 1 < n; i++) {
		if (strcmp(list[i].item->string, list[i + 1].item->string) != 0)
			continue;
		if (w->drop_duplicates)
			cJSON_Delete(cJSON_DetachItemViaPointer(obj, list[i].item));
		else
			ok = ns_fail(w->err, NS_E_INVALID, "JSON: the key \"%s\" occurs twice", list[i].item->string);
	}
	free(list);
	return ok;
}

/* Numbers are met in the order of the text, so their ordinals tell which are the big ones. */
static bool settle(settler *w, cJSON *j)
{
	if (cJSON_IsNumber(j)) {
		const ns_json_big *big = w->bigs < w->scan->n_bigs ? &w->scan->bigs[w->bigs] : NULL;
		if (big && big->ordinal == w->numbers) {
			ns_json_make_raw(j, w->text + big->at, big->len);
			w->bigs++;
		}
		w->numbers++;
		return true;
	}
	for (cJSON *c = j->child; c; c = c->next)
		if (!settle(w, c))
			return false;
	return !cJSON_IsObject(j) || settle_keys(w, j);
}

cJSON *ns_json_parse(const char *s, size_t n, const ns_json_limits *limits, ns_err *err)
{
	ns_json_scan scan;
	cJSON *tree = NULL;
	if (ns_json_scan_text(s, n, limits, &scan, err)) {
		tree = cJSON_ParseWithLengthOpts(s, n, NULL, false);
		if (!tree)
			ns_fail(err, NS_E_FAILED, "JSON of %zu bytes could not be built", n);
	}
	settler w = {.text = s, .scan = &scan, .drop_duplicates = limits->allow_duplicate_keys, .err = err};
	if (tree && !settle(&w, tree)) {
		cJSON_Delete(tree);
		tree = NULL;
	}
	free(scan.bigs);
	return tree;
}
