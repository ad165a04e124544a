/* What is shown to a person where the machine does not act: the exact command, with the case's own names. Nothing of this is run. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/gitops/gitops.h"
#include "neuroscale/model/k8s.h"
#include "planner_priv.h"

bool ns_names_ok(const ns_case *c, const char **what)
{
	const ns_workload *w = &c->alert.target;
	*what = "";
	if (!ns_k8s_label_ok(w->ns))
		*what = "namespace";
	else if (!ns_k8s_subdomain_ok(w->name))
		*what = "name";
	else if (!ns_k8s_uid_ok(w->uid))
		*what = "uid";
	else if (c->alert.container[0] && !ns_k8s_label_ok(c->alert.container))
		*what = "container name";
	for (size_t i = 0; i < c->n_containers && !**what; i++)
		if (!ns_k8s_label_ok(c->containers[i].name))
			*what = "container name";
	return !**what;
}

/* Names of databases and queues as their images are called; an exporter beside one is none. */
static const char *const databases[] = {
    "postgres",
    "mysql",
    "mariadb",
    "mongo",
    "redis",
    "valkey",
    "memcached",
    "etcd",
    "kafka",
    "rabbitmq",
    "cassandra",
    "scylla",
    "elasticsearch",
    "opensearch",
    "zookeeper",
    "clickhouse",
    "cockroach",
    "influxdb",
    "neo4j",
    "minio",
    "nats",
    "consul",
    "vault",
};

const char *ns_database_of(const ns_case *c)
{
	for (size_t i = 0; i < c->n_containers; i++) {
		const char *image = c->containers[i].image, *slash = strrchr(image, '/');
		char repo[64];
		snprintf(repo, sizeof repo, "%.*s", (int)strcspn(slash ? slash + 1 : image, ":@"), slash ? slash + 1 : image);
		if (c->containers[i].init || strstr(repo, "exporter") || strstr(repo, "operator") || strstr(repo, "proxy"))
			continue;
		for (size_t k = 0; k < sizeof databases / sizeof *databases; k++)
			if (strstr(repo, databases[k]))
				return databases[k];
	}
	return "";
}

/* {ns} {kind} {name} {c} are the case's own, checked; words in capitals are for the person to fill in. */
static const struct manual_kind {
	ns_kind kind;
	const char *command;
} by_kind[] = {
    {NS_KIND_OOM_KILLED, "kubectl -n {ns} set resources {kind}/{name} -c {c} --limits=memory=QUANTITY"},
    {NS_KIND_POD_CRASHLOOP, "kubectl -n {ns} logs {kind}/{name} -c {c} --previous --tail=100"},
    {NS_KIND_IMAGE_PULL, "kubectl -n {ns} set image {kind}/{name} {c}=REPOSITORY:TAG"},
    {NS_KIND_CONFIG_ERROR, "kubectl -n {ns} describe {kind}/{name} && kubectl -n {ns} get secrets,configmaps"},
    {NS_KIND_UNSCHEDULABLE, "kubectl -n {ns} get events --field-selector reason=FailedScheduling && kubectl describe nodes"},
    {NS_KIND_PROBE_FAILURE, "kubectl -n {ns} edit {kind}/{name}"},
    {NS_KIND_DEPLOYMENT_STALLED,
        "kubectl -n {ns} rollout status {kind}/{name} --timeout=10s; kubectl -n {ns} rollout history {kind}/{name}"},
    {NS_KIND_KYVERNO_VIOLATION,
        "kubectl -n {ns} get policyreport -o yaml && kubectl -n {ns} get events --field-selector reason=PolicyViolation"},
    {NS_KIND_COST_SPIKE, "kubectl -n {ns} scale {kind}/{name} --replicas=N"},
    {NS_KIND_EVICTED, "kubectl -n {ns} get pods --field-selector=status.phase=Failed && kubectl describe nodes"},
    {NS_KIND_ARGOCD_DRIFT, "argocd app get {name} && argocd app diff {name}"},
    {NS_KIND_JOB_FAILED, "kubectl -n {ns} describe {kind}/{name} && kubectl -n {ns} logs {kind}/{name} --all-containers --tail=100"},
    {NS_KIND_AUTOSCALING, "kubectl -n {ns} describe horizontalpodautoscalers"},
    {NS_KIND_VOLUME_PENDING, "kubectl -n {ns} describe persistentvolumeclaims && kubectl get storageclasses"},
    {NS_KIND_CERTIFICATE_EXPIRY, "kubectl -n {ns} get certificates,certificaterequests && kubectl -n {ns} describe secret/{name}"},
    {NS_KIND_OTHER, "kubectl -n {ns} describe {kind}/{name} && kubectl -n {ns} get pods"},
    {NS_KIND_EXTERNAL, "kubectl -n {ns} describe {kind}/{name} && kubectl -n {ns} get events"},
    {NS_KIND_STORM, "kubectl get nodes && kubectl get pods -A --field-selector=status.phase!=Running"},
};

/* Who put the object there puts it back; where its name is not known, the command says how to find it. */
static const struct manual_owner {
	const char *managed_by;
	ns_action wanted; /* NS_ACT_COUNT: any */
	const char *command;
} by_owner[] = {
    {"argocd", NS_ACT_COUNT,
        "argocd app diff APP && argocd app sync APP   # APP: kubectl -n {ns} get {kind}/{name} -o "
        "jsonpath='{.metadata.annotations.argocd\\.argoproj\\.io/tracking-id}'"},
    {"flux", NS_ACT_COUNT, "flux -n {ns} get all && flux reconcile kustomization NAME --with-source"},
    {"helm", NS_ACT_ROLLBACK,
        "helm -n {ns} history RELEASE && helm -n {ns} rollback RELEASE REVISION   # RELEASE: kubectl -n {ns} get {kind}/{name} -o "
        "jsonpath='{.metadata.annotations.meta\\.helm\\.sh/release-name}'"},
};

static const struct manual_action {
	ns_action action;
	const char *command;
} by_action[] = {
    {NS_ACT_ROLLBACK, "kubectl -n {ns} rollout history {kind}/{name} && kubectl -n {ns} rollout undo {kind}/{name} --to-revision=REVISION"},
    {NS_ACT_PATCH_RESOURCES, "kubectl -n {ns} set resources {kind}/{name} -c {c} --limits=memory=QUANTITY"},
    {NS_ACT_SCALE, "kubectl -n {ns} scale {kind}/{name} --replicas=N"},
    {NS_ACT_COST_SCALE_DOWN, "kubectl -n {ns} scale {kind}/{name} --replicas=N"},
    {NS_ACT_POLICY_EXCEPTION,
        "kubectl -n {ns} get policyreport -o yaml && kubectl -n {ns} get events --field-selector reason=PolicyViolation"},
};

static const char *container_of(const ns_case *c)
{
	if (c->alert.container[0])
		return c->alert.container;
	for (size_t i = 0; i < c->n_containers; i++)
		if (!c->containers[i].init)
			return c->containers[i].name;
	return "CONTAINER";
}

static const char *fill(ns_draft *d, const char *pattern)
{
	static const char *const kinds[][2] = {
	    {"Deployment", "deployment"},
	    {"StatefulSet", "statefulset"},
	    {"DaemonSet", "daemonset"},
	    {"Job", "job"},
	    {"CronJob", "cronjob"},
	    {"ReplicaSet", "replicaset"},
	    {"Pod", "pod"},
	    {"PersistentVolumeClaim", "persistentvolumeclaim"},
	    {"HorizontalPodAutoscaler", "horizontalpodautoscaler"},
	    {"Application", "application"},
	    {"Secret", "secret"},
	    {"Node", "node"},
	};
	const ns_workload *w = &d->c->alert.target;
	const char *kind = "deployment";
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(w->kind, kinds[i][0]))
			kind = kinds[i][1];
	const char *const names[][2] = {{"{ns}", w->ns}, {"{kind}", kind}, {"{name}", w->name}, {"{c}", container_of(d->c)}};
	ns_buf out = NS_BUF_INIT;
	while (*pattern) {
		size_t i = 0;
		while (i < 4 && strncmp(pattern, names[i][0], strlen(names[i][0])) != 0)
			i++;
		if (i < 4) {
			ns_buf_puts(&out, names[i][1]);
			pattern += strlen(names[i][0]);
		} else {
			ns_buf_putc(&out, *pattern++);
		}
	}
	return ns_arena_take(d->ar, &out);
}

/* The revision of a Deployment that a person would go back to: the newest earlier one that was healthy. */
static int64_t healthy_before(const ns_case *c)
{
	const ns_revision *cur = ns_current_revision(c);
	for (size_t i = 0; cur && i < c->n_revisions; i++)
		if (c->revisions[i].number < cur->number && c->revisions[i].was_healthy && *c->revisions[i].changes)
			return c->revisions[i].number;
	return 0;
}

static const char *owner_command(ns_draft *d, ns_action wanted)
{
	ns_gitops_way way;
	ns_gitops_ways(d->ar, &d->c->owner, &d->c->alert.target, healthy_before(d->c), &way);
	if (wanted == NS_ACT_ROLLBACK && *way.rollback)
		return way.rollback;
	return *way.sync ? ns_arena_printf(d->ar, "%s && %s", way.compare, way.sync) : "";
}

void ns_manual_more(ns_draft *d, ns_action wanted)
{
	const ns_owner *o = &d->c->owner;
	ns_gitops_way way;
	ns_gitops_ways(d->ar, o, &d->c->alert.target, healthy_before(d->c), &way);
	if (*way.compare && d->plan->manual_command[0])
		ns_draft_step(d, "See the difference first, it changes nothing: %s", way.compare);
	if (wanted != NS_ACT_ROLLBACK || !*way.rollback)
		return;
	if (o->has_target)
		ns_draft_step(d, "That goes back to %s, sync %lld of its history, the last one before what fails was made", o->history_revision,
		    (long long)o->history_id);
	if (*way.equivalent)
		ns_draft_step(d, "The same with its own client: %s", way.equivalent);
	if (*way.restore)
		ns_draft_step(d, "It stays paused until it is given back. Once the source is right again%s%s: %s", *o->revision ? ", which is at " : "",
		    o->revision, way.restore);
}

const char *ns_manual_command(ns_draft *d, ns_action wanted)
{
	const char *what;
	const ns_workload *w = &d->c->alert.target;
	/* What is in no namespace; a cluster or a namespace as a whole has no object that says more. */
	if (!*w->ns && !strcmp(w->kind, "Node"))
		return ns_k8s_subdomain_ok(w->name)
		    ? fill(d, "kubectl describe node {name} && kubectl get pods -A -o wide --field-selector=spec.nodeName={name}") : "";
	if (!*w->ns && (!strcmp(w->kind, "Cluster") || !strcmp(w->kind, "Namespace")))
		return "kubectl get nodes && kubectl get pods -A --field-selector=status.phase!=Running";
	if (!ns_names_ok(d->c, &what))
		return "";
	const char *through = owner_command(d, wanted);
	if (*through)
		return through;
	for (size_t i = 0; i < sizeof by_owner / sizeof *by_owner; i++)
		if (!strcmp(d->c->managed_by, by_owner[i].managed_by) &&
		    (by_owner[i].wanted == NS_ACT_COUNT || by_owner[i].wanted == wanted))
			return fill(d, by_owner[i].command);
	for (size_t i = 0; i < sizeof by_action / sizeof *by_action; i++)
		if (by_action[i].action == wanted)
			return fill(d, by_action[i].command);
	for (size_t i = 0; i < sizeof by_kind / sizeof *by_kind; i++)
		if (by_kind[i].kind == d->c->alert.kind)
			return fill(d, by_kind[i].command);
	return fill(d, "kubectl -n {ns} describe {kind}/{name}");
}
