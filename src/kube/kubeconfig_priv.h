/* Between the files that read a kubeconfig: which files there are and how they merge (kubeconfig.c), and what one cluster or user entry
 * means (kubeconfig_entry.c). */
#ifndef NEUROSCALE_KUBE_KUBECONFIG_PRIV_H
#define NEUROSCALE_KUBE_KUBECONFIG_PRIV_H
#include "neuroscale/kube/kubeconfig.h"
#include "neuroscale/model/json.h"

#define KC_MAX_BYTES (4u << 20)
#define KC_EXEC_EXTENSION "client.authentication.k8s.io/exec" /* what a cluster has to say to plug-ins */

typedef struct kc_entry {
	const char *what; /* "cluster", "user" or "context", for messages */
	const char *name, *file, *dir;
	const cJSON *body; /* never NULL */
	const char *text;  /* of the file, */
	size_t text_len;
	char path[48];     /* and where in it: "clusters.0.cluster" */
} kc_entry;

/* Fails with "FILE:LINE: cluster "c1": KEY what", the line being that of the key when it is there, else that of the entry. */
bool kc_bad(const kc_entry *e, ns_err *err, ns_code code, const char *key, const char *what);
int kc_line(const kc_entry *e, const char *key);

bool kc_read_cluster(ns_kubeconfig *k, const kc_entry *e, ns_err *err);
bool kc_read_user(ns_kubeconfig *k, const kc_entry *e, ns_err *err);
/* Text of a scalar as Go's decoder gives it (numbers and booleans become text); "" when absent. Caller frees. NULL with err for a list or map. */
char *kc_text(const kc_entry *e, const char *key, ns_err *err);
/* https://…, http://…, or host:port (then by `tls`), without query, fragment and trailing slashes. NULL with err when it is none. Caller frees. */
char *kc_server(const kc_entry *e, const char *server, bool tls, ns_err *err);
/* The configuration of a pod's service account, whose files are in dir. NULL with NS_E_NOTFOUND outside of a pod. */
ns_kubeconfig *kc_in_cluster(const char *dir, ns_err *err);
#define KC_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
ns_kubeconfig *kc_new(void); /* every string "" */
#endif
