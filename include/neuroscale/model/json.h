/* The one strict JSON codec around cJSON: depth and size limits, no trailing bytes, no duplicate keys, no NUL escapes, valid UTF-8,
 * integers above 2^53 kept exact (as raw nodes, which cJSON_IsNumber does not know: read numbers through ns_json_int and
 * ns_json_num_or). Pure; a tree belongs to one thread. `const cJSON *` arguments may be NULL: getters then say "absent". */
#ifndef NEUROSCALE_MODEL_JSON_H
#define NEUROSCALE_MODEL_JSON_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/buf.h"
#include "neuroscale/base/err.h"

typedef struct ns_json_limits {
	size_t max_bytes;
	int max_depth;
	bool allow_duplicate_keys; /* only for objects that decide nothing (API lists): the last one wins */
} ns_json_limits;
extern const ns_json_limits ns_json_strict; /* 1 MiB, depth 64, no duplicates */
extern const ns_json_limits ns_json_api;    /* 256 MiB, depth 128, duplicates allowed */

cJSON *ns_json_parse(const char *s, size_t n, const ns_json_limits *limits, ns_err *err); /* NULL on error; cJSON_Delete */
void ns_json_write(const cJSON *j, ns_buf *out); /* compact; large integers exact; object order kept */
char *ns_json_text(const cJSON *j);              /* the same as a string; caller frees */
/* Canonical form for digests: compact, keys sorted bytewise at every level. */
void ns_json_canonical(const cJSON *j, ns_buf *out);
bool ns_json_same(const cJSON *a, const cJSON *b); /* by canonical text; NULL is only NULL's equal */

/* Path getters: "metadata.name", "status.conditions" (keys with dots in them: use ns_json_get on the parent).
 * The empty path is j itself. */
const cJSON *ns_json_get(const cJSON *j, const char *key);   /* case-sensitive; NULL when absent or j no object */
const cJSON *ns_json_path(const cJSON *j, const char *path);
const char *ns_json_str(const cJSON *j, const char *path, const char *dflt); /* dflt when absent or no string */
bool ns_json_int(const cJSON *j, const char *path, int64_t *out);             /* false when absent or no integer */
int64_t ns_json_int_or(const cJSON *j, const char *path, int64_t dflt);
double ns_json_num_or(const cJSON *j, const char *path, double dflt);         /* null counts as absent */
bool ns_json_bool_or(const cJSON *j, const char *path, bool dflt);
size_t ns_json_len(const cJSON *arr);                                         /* 0 when no array */
const cJSON *ns_json_named(const cJSON *arr, const char *name);                 /* the element whose "name" it is, NULL when there is none */
#define ns_json_each(item, arr) for (const cJSON *item = (arr) ? (arr)->child : NULL; item; item = item->next)

/* Builders that copy their arguments; NULL strings are written as ""; a key that exists is replaced. */
void ns_json_put_str(cJSON *obj, const char *key, const char *value);
void ns_json_put_int(cJSON *obj, const char *key, int64_t value);             /* exact for all 64 bits */
void ns_json_put_num(cJSON *obj, const char *key, double value);
void ns_json_put_bool(cJSON *obj, const char *key, bool value);
/* A deep difference for people: lines "- path: old" / "+ path: new", list elements with a "name" are matched by it.
 * `ignore` is a NULL-terminated list of paths to leave out ("metadata.resourceVersion", "status"). Appends to out; returns lines. */
size_t ns_json_diff(const cJSON *before, const cJSON *after, const char *const *ignore, ns_buf *out);
#endif
