/* From the text of an API object to a small tree of what somebody wants of it. One pass checks all of the text by the rules of
 * ns_json_parse(ns_json_api) (so what is not kept is no less strictly JSON), builds only the members that the paths name, and leaves strings
 * where they stand in the text. What comes out is what parsing all of it and then taking away the rest would give; but for one thing: a NUL
 * escape is U+FFFD instead of an error, since any container can write one into its termination message.
 *
 * Paths: "metadata.name" keeps that member with all that is below it; "status.conditions.type" goes through arrays; "a\\.b" is the one key
 * "a.b". What stands where a path expects an object and is a string, number, boolean or null is kept as it is.
 *
 * A pick belongs to one thread. Private to kube. */
#ifndef NEUROSCALE_KUBE_PICK_H
#define NEUROSCALE_KUBE_PICK_H
#include <stddef.h>
#include "neuroscale/base/err.h"
#include "neuroscale/model/json.h"

typedef struct kube_pick kube_pick;

/* keep: paths into the object, NULL-terminated; NULL keeps everything. What the reflector itself reads is always kept: of an object its
 * resourceVersion, of an error what it says. The paths must outlive the pick. */
kube_pick *kube_pick_new(const char *const *keep);
void kube_pick_free(kube_pick *p);

/* An object, or {"type":…,"object":…} of a watch. json[n] must be NUL and KUBE_SCAN_PAD - 1 more bytes behind it be readable (kube_pick_pad
 * sees to that). The text is changed and holds the strings: the tree lives until the next call or until the text goes, and is only to be read
 * (never cJSON_Delete). NULL with err: NS_E_INVALID (no JSON), NS_E_TOOBIG (over 128 levels or over a million kept values). */
const cJSON *kube_pick_object(kube_pick *p, char *json, size_t n, ns_err *err);
const cJSON *kube_pick_event(kube_pick *p, char *json, size_t n, ns_err *err);
/* Room and zeros behind the text in b. */
void kube_pick_pad(ns_buf *b);

#define KUBE_PICK_DEPTH     128
#define KUBE_PICK_MAX_NODES (1u << 20)
#endif
