/* Access reviews sent as protobuf: newer kubectl does that. Reads just enough to make the JSON form of it. */
#include "http_priv.h"
#include <stdlib.h>
#include <string.h>

typedef struct pb {
	const unsigned char *p, *end;
} pb;

static bool take_varint(pb *b, uint64_t *out)
{
	*out = 0;
	for (int shift = 0; b->p < b->end && shift < 64; shift += 7) {
		unsigned char c = *b->p++;
		*out |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

/* The next field; content is empty unless it is length-delimited. False at the end and for what cannot be read. */
static bool take_field(pb *b, unsigned *field, pb *content)
{
	uint64_t key, n;
	*content = (pb){0};
	if (b->p >= b->end || !take_varint(b, &key))
		return false;
	*field = (unsigned)(key >> 3);
	switch (key & 7) {
	case 0: return take_varint(b, &n);
	case 2:
		if (!take_varint(b, &n) || n > (uint64_t)(b->end - b->p))
			return false;
		*content = (pb){b->p, b->p + n};
		b->p += n;
		return true;
	default: return false;
	}
}

static pb find(pb b, unsigned want)
{
	unsigned field;
	pb content, none = {0};
	while (take_field(&b, &field, &content))
		if (field == want)
			return content;
	return none;
}

static void put_strings(cJSON *o, pb b, const char *const *names, size_t n)
{
	unsigned field;
	pb c;
	while (take_field(&b, &field, &c)) {
		if (field < 1 || field > n || !c.p)
			continue;
		char *text = ns_xasprintf("%.*s", (int)(c.end - c.p), (const char *)c.p);
		json_set(o, names[field - 1], cJSON_CreateString(text));
		free(text);
	}
}

/* k8s.io/apimachinery runtime.Unknown around a review of k8s.io/api/authorization/v1. */
cJSON *review_from_protobuf(const char *kind, const char *body, size_t n)
{
	enum { UNKNOWN_RAW = 2, REVIEW_SPEC = 2, SPEC_RESOURCE = 1, SPEC_NON_RESOURCE = 2 };
	static const char magic[] = {'k', '8', 's', 0};
	static const char *const resource[] = {"namespace", "verb", "group", "version", "resource", "subresource", "name"};
	static const char *const non_resource[] = {"path", "verb"};
	if (n < sizeof magic || memcmp(body, magic, sizeof magic) != 0)
		return NULL;
	const unsigned char *p = (const unsigned char *)body;
	pb spec = find(find((pb){p + sizeof magic, p + n}, UNKNOWN_RAW), REVIEW_SPEC);
	pb ra = find(spec, SPEC_RESOURCE), nra = find(spec, SPEC_NON_RESOURCE);
	if (!spec.p)
		return NULL;
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", kind);
	ns_json_put_str(j, "apiVersion", "authorization.k8s.io/v1");
	cJSON *s = cJSON_AddObjectToObject(j, "spec");
	if (ra.p)
		put_strings(cJSON_AddObjectToObject(s, "resourceAttributes"), ra, resource, sizeof resource / sizeof *resource);
	if (nra.p)
		put_strings(cJSON_AddObjectToObject(s, "nonResourceAttributes"), nra, non_resource, 2);
	return j;
}
