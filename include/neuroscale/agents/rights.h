/* What the program needs to be allowed, once: the watch rows, what the analyzer reads, the Lease, and the action table say it. `doctor` asks the
 * cluster for each of them and names what is lost without it; `doctor --role` prints them as the least Role. Pure. */
#ifndef NEUROSCALE_AGENTS_RIGHTS_H
#define NEUROSCALE_AGENTS_RIGHTS_H
#include "neuroscale/base/arena.h"

typedef enum ns_right_use { NS_RIGHT_WATCH, NS_RIGHT_READ, NS_RIGHT_LEASE, NS_RIGHT_ACT } ns_right_use;
typedef struct ns_right {
	ns_right_use use;
	const char *ns;       /* only there; "" is everywhere (that is watched) for WATCH and READ, and each namespace that is acted in for ACT */
	const char *group, *resource, *subresource; /* subresource "" none */
	const char *name;     /* only the object of that name, "" any */
	const char *verbs;    /* "get,list,watch" */
	bool cluster_scoped;  /* its objects have no namespace: no RoleBinding can give it */
	bool vital;           /* without it nothing works: no warning, a failure */
	const char *lost;     /* what there is not without it: "failed Jobs are not seen", "no rollback" */
} ns_right;

typedef struct ns_rights_opts {
	const char *const *allowed_actions; /* names; NULL: all */
	const char *lease_ns;               /* "default" when NULL or "" */
	const char *exception_ns;           /* where Kyverno accepts exceptions; NULL or "": in each namespace */
	const char *const *namespaces;      /* where it may act; NULL or empty: named later */
	const char *const *watch_ns;        /* the only ones that are watched; NULL or empty: all */
	bool tls_secrets;                   /* TLS Secrets are watched for the end of their certificates */
} ns_rights_opts;
/* In the order of use. The arena holds them. */
const ns_right *ns_rights_list(ns_arena *ar, const ns_rights_opts *o, size_t *n);
/* A ServiceAccount with the least roles and their bindings, as YAML that `kubectl apply -f -` takes; its comment says how to use it. What
 * changes something is bound by one RoleBinding per namespace, never cluster-wide, so that protected namespaces stay out of reach by the
 * cluster's own rules too. */
void ns_rights_yaml(ns_buf *out, const ns_rights_opts *o);
#endif
