/* Which members of an object a decoder may read. To read one more: add its path here ("status.conditions.type" goes through arrays; a path
 * keeps all that is below it), and a value for it to the samples of tests/agents/test_detector_keep.c. That test watches every read of every
 * decoder and names the path that is missing; a path that nobody reads only costs time. A row without a list keeps everything, which is right
 * for small or rare objects; pods and ReplicaSets are many and large. */
#include <stddef.h>

#include "detector_keep.h"

#define META                                                                                                                               \
	"metadata.uid", "metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.labels"
#define OWNER                                                                                                                              \
	"metadata.ownerReferences.controller", "metadata.ownerReferences.kind", "metadata.ownerReferences.name", "metadata.ownerReferences.uid"
#define CONDITIONS                                                                                                                         \
	"status.conditions.type", "status.conditions.status", "status.conditions.reason", "status.conditions.message",                     \
	    "status.conditions.lastTransitionTime"
#define CONTAINER(list) list ".name", list ".ready", list ".restartCount", list ".state", list ".lastState.terminated"

const char *const dt_keep_pods[] = {META, OWNER, CONDITIONS, "spec.nodeName", "spec.initContainers.name", "spec.initContainers.restartPolicy",
    "spec.volumes.name", "spec.volumes.persistentVolumeClaim.claimName", "spec.volumes.ephemeral", "status.phase", "status.reason",
    "status.message", CONTAINER("status.initContainerStatuses"), CONTAINER("status.containerStatuses"), NULL};

/* Also what Kyverno's events are read by. */
const char *const dt_keep_events[] = {"metadata.namespace", "metadata.creationTimestamp", "involvedObject", "regarding", "related", "reason", "type",
    "message", "note", "action", "series", "count", "eventTime", "firstTimestamp", "lastTimestamp", "deprecatedLastTimestamp", NULL};

/* Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs. Their status is small; their templates are not. */
const char *const dt_keep_owners[] = {META, OWNER, "metadata.generation", "spec.paused", "spec.replicas", "spec.parallelism", "spec.suspend",
    "spec.schedule", "spec.selector.matchLabels", "spec.selector.matchExpressions", "spec.updateStrategy.type",
    "spec.updateStrategy.rollingUpdate.partition", "status", NULL};

const char *const dt_keep_nodes[] = {META, CONDITIONS, "spec.unschedulable", "spec.taints", NULL};

const char *const dt_keep_reports[] = {"metadata.uid", "metadata.name", "metadata.namespace", "metadata.labels", "metadata.ownerReferences", "scope", "source", "results", NULL};

const char *const dt_keep_policies[] = {META, "spec.validationFailureAction", "spec.validationFailureActionOverrides", "spec.rules.name",
    "spec.rules.validate.failureAction", "spec.rules.validate.failureActionOverrides", "spec.validationActions", NULL};

const char *const dt_keep_autoscalers[] = {META, CONDITIONS, "metadata.annotations.autoscaling\\.alpha\\.kubernetes\\.io/conditions", "spec.scaleTargetRef", NULL};

const char *const dt_keep_claims[] = {META, "status.phase", NULL};

/* Of Argo CD. Those of a large repository have megabytes of status. */
const char *const dt_keep_applications[] = {META, CONDITIONS, "operation", "status.sync.status", "status.health", "status.history.id",
    "status.operationState.phase", "status.operationState.message", "status.operationState.finishedAt", "status.resources.kind",
    "status.resources.namespace", "status.resources.name", NULL};

/* A certificate, and never the key that stands beside it. */
const char *const dt_keep_secrets[] = {META, "type", "data.tls\\.crt", NULL};
