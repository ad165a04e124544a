/* Kubernetes' small grammars: names, quantities, image references, protected namespaces. Pure, thread-safe. */
#ifndef NEUROSCALE_MODEL_K8S_H
#define NEUROSCALE_MODEL_K8S_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_K8S_NAME 254 /* RFC 1123 subdomain, 253 bytes, and NUL */

bool ns_k8s_label_ok(const char *s);     /* RFC 1123 label, 1..63 bytes: namespaces, containers */
bool ns_k8s_subdomain_ok(const char *s); /* RFC 1123 subdomain, 1..253 bytes: most object names */
bool ns_k8s_uid_ok(const char *s);       /* 1..64 of [0-9A-Za-z-] not starting with '-' */
/* resource.Quantity: "128Mi", "1e3", "250m". Value in milli-units of the base unit, saturating. False when malformed. */
bool ns_quantity_milli(const char *s, int64_t *milli);
bool ns_quantity_bytes(const char *s, int64_t *bytes);       /* rounded up */
void ns_quantity_format_bytes(int64_t bytes, char out[32]);  /* "384Mi": largest binary unit that divides exactly, else bytes */
/* kube-system, kube-public, kube-node-lease and `extra` (NULL-terminated, may be NULL). */
bool ns_namespace_protected(const char *ns, const char *const *extra);
/* distribution/reference grammar; false for "Foo:bar" (upper case), "", "a b". */
bool ns_image_ref_ok(const char *image);
#endif
