/* Shared by the files of the codec and by the YAML reader. */
#ifndef NEUROSCALE_MODEL_JSON_PRIV_H
#define NEUROSCALE_MODEL_JSON_PRIV_H
#include "neuroscale/model/json.h"

/* True for an integer in JSON's grammar that a double does not hold exactly. */
bool ns_json_int_is_big(const char *s, size_t n);
/* Turns a number node into a raw one with this text. */
void ns_json_make_raw(cJSON *item, const char *s, size_t n);

/* The children of an object sorted bytewise by key, equal keys in their order. Caller frees. */
typedef struct ns_json_entry {
	cJSON *item;
	size_t order;
} ns_json_entry;
ns_json_entry *ns_json_sorted(const cJSON *obj, size_t *n);
#endif
