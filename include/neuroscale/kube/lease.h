/* The engine's own Lease (coordination.k8s.io/v1), by client-go's algorithm: 15 s lease, 10 s renew deadline, 2 s retry. Real time:
 * the server's other clients live in it. One thread renews (ns_lease_run); ns_lease_held is asked from any thread, just before sending. */
#ifndef NEUROSCALE_KUBE_LEASE_H
#define NEUROSCALE_KUBE_LEASE_H
#include "neuroscale/kube/client.h"
#define NS_LEASE_NAME "neuroscale-autopilot" /* the one that every engine asks for */
typedef struct ns_lease ns_lease;
/* holder: who we are ("host_pid_random"), shown to others. */
ns_lease *ns_lease_new(const ns_kubeconfig *cfg, const char *ns, const char *name, const char *holder, ns_kube_stats *stats);
void ns_lease_run(void *lease, ns_cancel *cancel); /* service; releases the Lease when cancelled */
/* True only while the last successful renewal is younger than the renew deadline. transitions (may be NULL): the fencing number. */
bool ns_lease_held(ns_lease *l, int64_t *transitions);
/* Why not, for the screen: "held by bastion-2_4711 for 12 s", "no right to create leases in default", "". out: cap bytes. */
void ns_lease_status(ns_lease *l, char *out, size_t cap);
void ns_lease_free(ns_lease *l);
#endif
