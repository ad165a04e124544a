/* Pods of realistic size (about 5 to 11 KB of JSON: managedFields, env, probes, volumes, tolerations, conditions, what a network plug-in and a
 * deploy tool annotate), the Deployments and ReplicaSets above them and the nodes below, all made up from a number: the same number and seed
 * give the same bytes. Rendering is copying with some words filled in, so that whoever serves them is not the bottleneck. */
#ifndef TESTS_BENCH_PODGEN_H
#define TESTS_BENCH_PODGEN_H
#include <stddef.h>
#include "neuroscale/base/buf.h"

enum { PODGEN_PER_OWNER = 10, PODGEN_PER_NODE = 100, PODGEN_REVISIONS = 4 /* ReplicaSets of a Deployment; the first of each runs */ };

typedef struct podgen podgen;
podgen *podgen_new(unsigned seed);
void podgen_free(podgen *g);
/* Appends the i-th of them as one line of JSON; version is its resourceVersion. */
void podgen_pod(const podgen *g, size_t i, unsigned long version, ns_buf *out);
void podgen_replicaset(const podgen *g, size_t i, unsigned long version, ns_buf *out);
void podgen_deployment(const podgen *g, size_t i, unsigned long version, ns_buf *out);
void podgen_node(const podgen *g, size_t i, unsigned long version, ns_buf *out);
#endif
