/* What a kubectl is: its version, and whether it knows every flag that the executor uses. It is asked itself; no cluster is. */
#ifndef NEUROSCALE_AGENTS_KUBECTL_H
#define NEUROSCALE_AGENTS_KUBECTL_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/sys/spawn.h"

#define NS_KUBECTL_MINOR 20 /* of 1.x: the oldest that is supported */
typedef struct ns_kubectl_info {
	char version[48];    /* "v1.20.2" */
	int major, minor;
	int flags;           /* how many were looked for */
	char unknown[256];   /* "patch --patch-file, create -f": those it does not know, "" none */
} ns_kubectl_info;
/* path: absolute. spawner NULL: the real one. deadline_ms is for each of its runs. */
bool ns_kubectl_probe(const char *path, const ns_spawner *spawner, int deadline_ms, const ns_cancel *cancel, ns_kubectl_info *out, ns_err *err);
#endif
