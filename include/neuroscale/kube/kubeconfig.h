/* kubeconfig: which files are read, merged and validated is client-go's rule, but for one thing: a name that one file
 * defines twice in two ways is an error. Errors name file and line. Thread-safe. */
#ifndef NEUROSCALE_KUBE_KUBECONFIG_H
#define NEUROSCALE_KUBE_KUBECONFIG_H
#include <stdbool.h>
#include "neuroscale/base/err.h"
#include "neuroscale/model/redact.h"

typedef struct ns_kubeconfig {
	char *file;            /* the file the context came from, for messages */
	char *context, *cluster, *user, *ns; /* names; ns "default" when absent */
	char *server;          /* https://host:port[/prefix] without a trailing slash */
	char *tls_server_name; /* "" none */
	bool insecure;
	char *ca_pem;          /* "" system trust */
	char *client_cert_pem; /* "" none */
	ns_secret *client_key_pem, *token, *password; /* NULL none */
	char *token_file;      /* absolute, "" none */
	char *username, *proxy_url;
	char *exec_json;       /* the exec stanza as JSON, "" none (run by the client) */
	char *exec_config;     /* what the cluster's extension client.authentication.k8s.io/exec holds for plug-ins, as JSON, "" none */
	char *as_json;         /* impersonation (as, as-uid, as-groups, as-user-extra) as JSON, "" none */
	bool disable_compression, in_cluster;
} ns_kubeconfig;

/* path NULL: $KUBECONFIG list, else ~/.kube/config, else in-cluster. context NULL: current-context. NS_E_NOTFOUND (no kubeconfig: says where
 * it looked and the way out; unknown context: names the nearest), NS_E_INVALID (file:line), NS_E_DENIED, NS_E_UNSUPPORTED. */
ns_kubeconfig *ns_kubeconfig_load(const char *path, const char *context, ns_err *err);
void ns_kubeconfig_free(ns_kubeconfig *k);
/* Writes a self-contained kubeconfig with this one context (data inline), mode 0600, atomically: what kubectl is given (law 3). */
bool ns_kubeconfig_write_private(const ns_kubeconfig *k, const char *path, ns_err *err);
#endif
