/* What a pick should give, the long way: everything is parsed, then taken away what no path names. Knows the paths by their text only. */
#ifndef TESTS_KUBE_PICK_ORACLE_H
#define TESTS_KUBE_PICK_ORACLE_H
#include <stdlib.h>
#include <string.h>

#include "neuroscale/model/json.h"

/* Is `key` the first name of the path? Then *rest is what follows it, NULL when nothing does. */
static inline bool oracle_first(const char *path, const char *key, const char **rest)
{
	for (;; path++) {
		if (*path == '.' || !*path) {
			*rest = *path ? path + 1 : NULL;
			return !*key;
		}
		if (*path == '\\' && path[1])
			path++;
		if (*path != *key++)
			return false;
	}
}

static inline void oracle_prune(cJSON *j, const char *const *paths)
{
	enum { MAX = 256 };
	if (!cJSON_IsObject(j)) {
		for (cJSON *c = cJSON_IsArray(j) ? j->child : NULL; c; c = c->next)
			oracle_prune(c, paths);
		return;
	}
	for (cJSON *c = j->child, *next; c; c = next) {
		const char *below[MAX + 1];
		size_t n = 0;
		bool whole = false;
		next = c->next;
		for (const char *const *p = paths; *p && n < MAX; p++) {
			const char *rest;
			if (!oracle_first(*p, c->string, &rest))
				continue;
			whole |= !rest;
			below[n++] = rest ? rest : "";
		}
		below[n] = NULL;
		if (!n)
			cJSON_Delete(cJSON_DetachItemViaPointer(j, c));
		else if (!whole)
			oracle_prune(c, below);
	}
}

/* NUL escapes are U+FFFD to a pick. */
static inline char *oracle_no_nul(const char *s, size_t n)
{
	char *copy = malloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (copy[i] != '\\')
			continue;
		if (n - i >= 6 && memcmp(copy + i, "\\u0000", 6) == 0)
			memcpy(copy + i, "\\ufffd", 6);
		i++;
	}
	return copy;
}

/* NULL when it is no JSON. keep NULL: everything. */
static inline cJSON *oracle_pick(const char *s, size_t n, const char *const *keep, bool event)
{
	enum { MAX = 250 };
	static const char *const own[] = {"metadata.resourceVersion", "code", "reason", "message"};
	char *copy = oracle_no_nul(s, n);
	cJSON *j = ns_json_parse(copy, n, &ns_json_api, NULL);
	free(copy);
	char *paths[MAX + 8] = {0};
	size_t k = 0;
	const char *in = event ? "object." : "";
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		paths[k++] = ns_xasprintf("%s%s", in, own[i]);
	for (const char *const *p = keep; p && *p && k < MAX; p++)
		paths[k++] = ns_xasprintf("%s%s", in, *p);
	if (event)
		paths[k++] = ns_xstrdup("type");
	if (event && !keep)
		paths[k++] = ns_xstrdup("object");
	if (j && (event || keep))
		oracle_prune(j, (const char *const *)paths);
	for (size_t i = 0; i < k; i++)
		free(paths[i]);
	return j;
}
#endif
