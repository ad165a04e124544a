/* What the cluster's own state says: exit codes and signals, waiting reasons, limits, owners and rollout history become facts, each with
 * the evidence that carries it. A fact that no evidence of the case carries may still argue, but it is never trusted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "offline_priv.h"

#define MINUTE_MS 60000LL
#define MIB       (1024LL * 1024)

void ns_fact_set(scene *s, fact f, int ev, bool trusted, const char *words, const char *detail)
{
	fact_state *t = &s->f[f];
	if (t->on && (t->trusted || !trusted)) {
		if (!*t->detail && *detail)
			t->detail = detail;
		return;
	}
	*t = (fact_state){
	    .on = true, .trusted = trusted && ev >= 0, .ev = ev, .words = words, .detail = *detail || !t->detail ? detail : t->detail};
}

/* Logs and events stay untrusted whatever the collector marked (law 3). */
bool ns_evidence_trusted(const ns_case *c, int ev)
{
	if (ev < 0 || (size_t)ev >= c->n_evidence)
		return false;
	const ns_evidence *e = &c->evidence[ev];
	return e->trusted && e->kind != NS_EV_LOG && e->kind != NS_EV_EVENT && e->kind != NS_EV_NOTE;
}

int ns_evidence_find(const ns_case *c, ns_ev_kind kind, const char *word)
{
	int first = -1;
	for (size_t i = 0; i < c->n_evidence; i++) {
		if (c->evidence[i].kind != kind)
			continue;
		if (first < 0)
			first = (int)i;
		if (*word && strstr(c->evidence[i].text, word))
			return (int)i;
	}
	return first;
}

static void say(scene *s, fact f, int ev, const char *words)
{
	ns_fact_set(s, f, ev, ns_evidence_trusted(s->c, ev), words, "");
}

/* The evidence row of a container: of the first kind that names it, else of the second. */
static int row_of(const scene *s, ns_ev_kind kind, ns_ev_kind other, const char *name)
{
	int ev = ns_evidence_find(s->c, kind, name);
	return ev >= 0 ? ev : ns_evidence_find(s->c, other, name);
}

static const char *bytes(const scene *s, int64_t n)
{
	char out[32];
	ns_quantity_format_bytes(n, out);
	return ns_arena_strdup(s->ar, out);
}

/* ---- which container ---- */

/* How much a container looks like the one that is broken. */
static int brokenness(const ns_alert *a, const ns_container_facts *k)
{
	int n = 0;
	if (*a->container && !strcmp(a->container, k->name))
		n += 8;
	if (*k->waiting_reason && strcmp(k->waiting_reason, "ContainerCreating") && strcmp(k->waiting_reason, "PodInitializing"))
		n += 16;
	if (k->has_last && !strcmp(k->last_reason, "OOMKilled"))
		n += 6;
	if (k->has_last && k->last_exit)
		n += 4;
	if (!k->ready && !(k->init && k->has_last && !k->last_exit))
		n += 3;
	if (k->restarts)
		n += 1;
	return n;
}

static const ns_container_facts *pick_container(const ns_case *c)
{
	const ns_container_facts *best = NULL;
	int most = 0;
	for (size_t i = 0; i < c->n_containers; i++) {
		int n = brokenness(&c->alert, &c->containers[i]);
		if (n > most) {
			most = n;
			best = &c->containers[i];
		}
	}
	return best;
}

/* ---- exits ---- */

static const struct {
	int code;
	const char *reason; /* NULL any but OOMKilled */
	fact fact;
	const char *means;
} exits[] = {
    {0, NULL, F_EXIT_ZERO, "exited with 0: it thinks that it is done"},
    {1, NULL, F_EXIT_ONE, "exited with 1, a general error of the program"},
    {2, NULL, F_EXIT_TWO, "exited with 2, a wrong usage or a Go panic"},
    {3, NULL, F_EXIT_THREE, "exited with 3, an error the program chose (a JVM exits so when its heap is exhausted)"},
    {126, NULL, F_EXIT_NOEXEC, "exited with 126: its command cannot be executed"},
    {127, NULL, F_EXIT_NOTFOUND, "exited with 127: its command was not found"},
    {128, NULL, F_START_ERROR, "could not be started (128)"},
    {134, NULL, F_ABORT, "aborted itself (134, SIGABRT)"},
    {137, NULL, F_KILL9, "was killed by signal 9 without an out-of-memory mark (137)"},
    {139, NULL, F_SEGV, "crashed with a segmentation fault (139)"},
    {143, NULL, F_TERM, "was stopped by SIGTERM (143)"},
};

static void read_exit(scene *s, const ns_container_facts *k)
{
	int ev = row_of(s, NS_EV_EXIT, NS_EV_STATUS, k->name);
	bool oom = k->has_last && !strcmp(k->last_reason, "OOMKilled");
	bool looping = !strcmp(k->waiting_reason, "CrashLoopBackOff");
	bool start_error = k->has_last && (!strcmp(k->last_reason, "StartError") || !strcmp(k->last_reason, "ContainerCannotRun"));
	if (oom)
		say(s, F_OOM, ev, ns_arena_printf(s->ar, "container %s was OOMKilled (exit %d)", k->name, k->last_exit));
	else if (start_error)
		say(s, F_START_ERROR, ev,
		    ns_arena_printf(s->ar, "container %s could not be started (%s, exit %d)", k->name, k->last_reason, k->last_exit));
	else if (k->has_last) {
		size_t i = 0, n = sizeof exits / sizeof exits[0];
		while (i < n && exits[i].code != k->last_exit)
			i++;
		say(s, i < n ? exits[i].fact : F_EXIT_OTHER, ev,
		    i < n ? ns_arena_printf(s->ar, "container %s %s", k->name, exits[i].means)
		          : ns_arena_printf(s->ar, "container %s exited with %d", k->name, k->last_exit));
	}
	/* A crash: it ends again and again, or it ended badly. OOM kills are crashes too, but rules for crashes must not answer them. */
	if (!oom && (looping || start_error || (k->has_last && (k->last_exit || k->restarts >= 3) && !k->ready && !*k->waiting_reason)))
		say(s, F_CRASH, looping ? row_of(s, NS_EV_STATUS, NS_EV_EXIT, k->name) : ev,
		    looping
		        ? ns_arena_printf(s->ar, "container %s is in CrashLoopBackOff after %lld restart%s", k->name, (long long)k->restarts, k->restarts == 1 ? "" : "s")
		        : ns_arena_printf(s->ar, "container %s keeps failing (%lld restart%s)", k->name, (long long)k->restarts, k->restarts == 1 ? "" : "s"));
	if (k->restarts >= 2)
		say(s, F_REPEATS, ev, ns_arena_printf(s->ar, "it happened %lld times", (long long)k->restarts));
	if (k->init)
		say(s, F_INIT, ev, ns_arena_printf(s->ar, "%s is an init container", k->name));
	int64_t life = k->last_finished_ms - k->last_started_ms;
	if (!k->has_last || k->last_started_ms <= 0 || life < 0)
		return;
	if (life <= 5000)
		say(s, F_SHORT_LIFE, ev, ns_arena_printf(s->ar, "it lived %lld s", (long long)(life / 1000)));
	if (life >= 10 * MINUTE_MS)
		say(s, F_LONG_LIFE, ev, ns_arena_printf(s->ar, "it had run for %lld min", (long long)(life / MINUTE_MS)));
	if (oom && life >= 360 * MINUTE_MS)
		say(s, F_SLOW_GROWTH, ev,
		    ns_arena_printf(s->ar, "it took %lld h to reach its limit", (long long)(life / (60 * MINUTE_MS))));
	/* Kubernetes' times have a resolution of a second, so only a large limit eaten at once says anything. */
	if (oom && k->mem_limit >= 1024 * MIB && k->mem_limit / MIB / (life / 1000 + 1) >= 256)
		say(s, F_BALLOON, ev, ns_arena_printf(s->ar, "it took %s in %lld s", bytes(s, k->mem_limit), (long long)(life / 1000)));
}

static const struct {
	const char *reason;
	fact fact;
} waits[] = {
    {"ErrImagePull", F_WAIT_IMAGE},
    {"ImagePullBackOff", F_WAIT_IMAGE},
    {"ImageInspectError", F_WAIT_IMAGE},
    {"RegistryUnavailable", F_WAIT_IMAGE},
    {"InvalidImageName", F_WAIT_NAME},
    {"ErrImageNeverPull", F_WAIT_NEVER},
    {"SignatureValidationFailed", F_WAIT_SIGNATURE},
    {"CreateContainerConfigError", F_WAIT_CONFIG},
    {"CreateContainerError", F_WAIT_RUN},
    {"RunContainerError", F_WAIT_RUN},
    {"PreCreateHookError", F_WAIT_RUN},
    {"PreStartHookError", F_WAIT_RUN},
    {"PostStartHookError", F_WAIT_RUN},
    {"ContainerCreating", F_WAIT_CREATING},
    {"PodInitializing", F_WAIT_CREATING},
};

static void read_wait(scene *s, const ns_container_facts *k)
{
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
		if (!strcmp(k->waiting_reason, waits[i].reason))
			say(s, waits[i].fact, row_of(s, NS_EV_STATUS, NS_EV_EXIT, k->name),
			    ns_arena_printf(s->ar, "container %s waits with %s (image %s)", k->name, k->waiting_reason, k->image));
	if (k->running && !k->ready && !k->init)
		say(s, F_UNREADY, row_of(s, NS_EV_STATUS, NS_EV_CONDITION, k->name),
		    ns_arena_printf(s->ar, "container %s runs but is not ready", k->name));
}

/* ---- memory ---- */

/* "memory limit[ of C] A -> B" in the words of a revision's difference to the current template. */
static bool limit_change(const char *changes, int64_t *from, int64_t *to)
{
	const char *p = strstr(changes, "memory limit");
	char a[32], b[32];
	if (!p)
		return false;
	p += strlen("memory limit");
	if (!strncmp(p, " of ", 4))
		p += 4 + strcspn(p + 4, " ;");
	if (sscanf(p, " %31s -> %31[^; ]", a, b) != 2)
		return false;
	return ns_quantity_bytes(a, from) && ns_quantity_bytes(b, to);
}

static void read_memory(scene *s, const ns_container_facts *k)
{
	const ns_case *c = s->c;
	int ev = row_of(s, NS_EV_RESOURCES, NS_EV_EXIT, k->name);
	if (k->mem_limit > 0)
		say(s, F_LIMIT, ev, ns_arena_printf(s->ar, "the memory limit of %s is %s", k->name, bytes(s, k->mem_limit)));
	else
		say(s, F_NO_LIMIT, ev, ns_arena_printf(s->ar, "container %s has no memory limit of its own", k->name));
	if (k->jvm)
		say(s, F_JVM, ev, ns_arena_printf(s->ar, "container %s sets its own Java heap size", k->name));
	if (c->node_allocatable_mem > 0 && k->mem_limit > c->node_allocatable_mem / 10 * 7)
		say(s, F_NODE_SMALL, ev,
		    ns_arena_printf(s->ar, "the limit of %s is near all that its node has (%s)", bytes(s, k->mem_limit),
		        bytes(s, c->node_allocatable_mem)));
	int64_t lowest = 0, from, to;
	int raises = 0;
	for (size_t i = 1; i < c->n_revisions; i++) {
		if (!limit_change(c->revisions[i].changes, &from, &to))
			continue;
		int row = ns_evidence_find(c, NS_EV_ROLLOUT, ns_arena_printf(s->ar, "revision %lld ", (long long)c->revisions[i].number));
		if (to < from && i == 1)
			say(s, F_LOWERED, row,
			    ns_arena_printf(s->ar, "the newest revision lowered the memory limit %s -> %s", bytes(s, from), bytes(s, to)));
		/* Going back in time each raise must start from less: a rollback to the same limit is no second raise. */
		if (from < to && (!lowest || from < lowest)) {
			lowest = from;
			raises++;
			say(s, raises > 1 ? F_RAISED_TWICE : F_RAISED, row,
			    ns_arena_printf(s->ar, "the memory limit was raised before (%s -> %s)", bytes(s, from), bytes(s, to)));
		}
	}
}

/* ---- owner ---- */

static bool any_word(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (ns_icontains(s, *words))
			return true;
	return false;
}

static const char *const databases[] = {"postgres", "mysql", "mariadb", "mongo", "redis", "valkey", "cassandra", "elasticsearch",
    "opensearch", "etcd", "kafka", "zookeeper", "rabbitmq", "clickhouse", "cockroach", "influxdb", "couchdb", "neo4j", "minio", "memcached",
    "nats", "consul", "vault", "starrocks", "prometheus", "loki", "database", NULL};

/* What the image is, not what the workload is called: "redis-exporter" and "mysql-client" hold no data. */
static bool is_database(const ns_case *c)
{
	static const char *const helpers[] = {
	    "exporter", "client", "proxy", "ui", "admin", "backup", "operator", "bouncer", "migrat", NULL};
	for (size_t i = 0; i < c->n_containers; i++) {
		const char *image = c->containers[i].image, *base = strrchr(image, '/');
		char name[128];
		ns_copy(name, sizeof name, base ? base + 1 : image);
		name[strcspn(name, ":@")] = 0;
		if (!c->containers[i].init && any_word(name, databases) && !any_word(name, helpers))
			return true;
	}
	return any_word(c->alert.target.name, databases) && !any_word(c->alert.target.name, helpers) &&
	       strcmp(c->alert.target.kind, "Deployment");
}

static void read_owner(scene *s)
{
	static const struct {
		const char *kind;
		fact fact;
	} kinds[] = {{"Deployment", F_DEPLOYMENT}, {"StatefulSet", F_STATEFUL}, {"Job", F_JOB}, {"CronJob", F_JOB}, {"Pod", F_BARE_POD}};
	static const struct {
		const char *by;
		fact fact;
	} owners[] = {{"operator:", F_OPERATOR}, {"argocd", F_GITOPS}, {"flux", F_GITOPS}, {"helm", F_HELM}};
	const ns_case *c = s->c;
	int ev = ns_evidence_find(c, NS_EV_OWNER, "");
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (!strcmp(c->alert.target.kind, kinds[i].kind))
			say(s, kinds[i].fact, ev, ns_arena_printf(s->ar, "the workload is a %s", kinds[i].kind));
	for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++)
		if (!strncmp(c->managed_by, owners[i].by, strlen(owners[i].by)))
			say(s, owners[i].fact, ev, ns_arena_printf(s->ar, "it is managed by %s", c->managed_by));
	if (is_database(c))
		say(s, F_DATABASE, ev, "it is a data store");
	if (c->has_hpa)
		say(s, F_HPA, ev, "an autoscaler owns its replica count");
	say(s, c->nonproduction ? F_NONPROD : F_PRODUCTION, ns_evidence_find(c, NS_EV_OWNER, "non-production"),
	    c->nonproduction ? "it is marked as non-production" : "nothing marks it as non-production");
	if (ns_namespace_protected(c->alert.target.ns, NULL))
		say(s, F_PROTECTED, ev, ns_arena_printf(s->ar, "namespace %s is protected", c->alert.target.ns));
}

/* ---- rollout ---- */

/* The words of a difference are clauses joined by "; ", each beginning with what changed (agents/analyzer_diff.c). */
static const struct {
	const char *clause;
	fact fact;
} clauses[] = {
    {"image", F_CH_IMAGE},
    {"env ", F_CH_ENV},
    {"envFrom", F_CH_REF},
    {"volume", F_CH_REF},
    {"command", F_CH_COMMAND},
    {"args", F_CH_COMMAND},
    {"liveness", F_CH_PROBE},
    {"readiness", F_CH_PROBE},
    {"startup", F_CH_PROBE},
    {"ports", F_CH_PROBE},
    {"security", F_CH_SECURITY},
    {"service account", F_CH_REF},
    {"container", F_CH_COMMAND},
};

/* Repository of "image[ of C] A -> B" differs on both sides: not only another tag. */
static bool repo_changed(const char *clause)
{
	const char *arrow = strstr(clause, " -> ");
	if (!arrow)
		return false;
	const char *a = arrow;
	while (a > clause && a[-1] != ' ')
		a--;
	size_t na = (size_t)(arrow - a), nb = strcspn(arrow + 4, "; ");
	const char *b = arrow + 4;
	for (const char *p = a + na; p > a && p[-1] != '/'; p--)
		if (p[-1] == ':' || p[-1] == '@')
			na = (size_t)(p - 1 - a);
	for (const char *p = b + nb; p > b && p[-1] != '/'; p--)
		if (p[-1] == ':' || p[-1] == '@')
			nb = (size_t)(p - 1 - b);
	return na != nb || memcmp(a, b, na);
}

static void read_changes(scene *s, int ev)
{
	for (const char *p = s->good->changes; *p;) {
		for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
			if (!strncmp(p, clauses[i].clause, strlen(clauses[i].clause)))
				say(s, clauses[i].fact, ev,
				    ns_arena_printf(s->ar, "the newest revision changed: %.*s", (int)strcspn(p, ";"), p));
		if (!strncmp(p, "env ", 4) && (strstr(p, "secret ") || strstr(p, "configmap ")))
			say(s, F_CH_REF, ev, ns_arena_printf(s->ar, "the newest revision changed: %.*s", (int)strcspn(p, ";"), p));
		if (!strncmp(p, "image", 5) && repo_changed(p))
			say(s, F_CH_REPO, ev, "the newest revision names another repository");
		p += strcspn(p, ";");
		p += strspn(p, "; ");
	}
}

/* Has the failure to do with the newest revision? Either it never came up, or it began to fail soon after it was rolled out. */
static void read_history(scene *s)
{
	const ns_case *c = s->c;
	const char *progress = c->cond_progressing_reason;
	if (strcmp(c->alert.target.kind, "Deployment"))
		return;
	if (!c->n_revisions) {
		say(s, F_NO_HISTORY, ns_evidence_find(c, NS_EV_NOTE, "ReplicaSet"), "its rollout history could not be read");
		return;
	}
	s->cur = &c->revisions[0];
	for (size_t i = 0; i < c->n_revisions; i++)
		if (c->revisions[i].current)
			s->cur = &c->revisions[i];
	int ev_cur = ns_evidence_find(c, NS_EV_ROLLOUT, ns_arena_printf(s->ar, "revision %lld ", (long long)s->cur->number));
	if (c->n_revisions == 1)
		say(s, F_FIRST, ev_cur,
		    ns_arena_printf(s->ar, "revision %lld is the only one: there is nothing to go back to", (long long)s->cur->number));
	for (size_t i = 0; i < c->n_revisions; i++) {
		const ns_revision *r = &c->revisions[i];
		if (r == s->cur || r->number > s->cur->number)
			continue;
		if (!s->good && (r->was_healthy || r->ready > 0) && *r->changes)
			s->good = r;
		if (r->ready > 0)
			say(s, F_SERVING,
			    ns_evidence_find(c, NS_EV_ROLLOUT, ns_arena_printf(s->ar, "revision %lld ", (long long)r->number)),
			    ns_arena_printf(s->ar, "pods of revision %lld are still ready", (long long)r->number));
	}
	bool came_up = s->cur->was_healthy || !strcmp(progress, "NewReplicaSetAvailable");
	bool reported = *progress != 0;
	int64_t age = c->alert.first_ms - s->cur->created_ms;
	bool soon = s->cur->created_ms > 0 && age <= 30 * MINUTE_MS;
	const ns_container_facts *k = s->bad;
	/* A start before the newest revision existed would be another revision's; a long good run after it is not a bad start. */
	bool ran_well = k && k->has_last && k->last_finished_ms - k->last_started_ms >= 30 * MINUTE_MS;
	bool never_up = reported && !came_up;
	long long minutes = age > 0 ? age / MINUTE_MS : 0, number = s->cur->number;
	if (never_up && !ran_well)
		say(s, F_NEVER_UP, ev_cur, ns_arena_printf(s->ar, "revision %lld has not become available since it was made", number));
	if (!ran_well && (never_up || soon))
		say(s, F_TIED, ev_cur,
		    never_up ? s->f[F_NEVER_UP].words
		             : ns_arena_printf(s->ar, "it began %lld min after revision %lld was made", minutes, number));
	if (came_up && soon && age > 10 * MINUTE_MS)
		say(s, F_RAN_FIRST, ev_cur,
		    ns_arena_printf(s->ar, "revision %lld was available first, %lld min went by before it began", number, minutes));
	if (came_up && s->cur->created_ms > 0 && age > 120 * MINUTE_MS)
		say(s, F_LONG_AFTER, ev_cur,
		    ns_arena_printf(s->ar, "revision %lld had been running for %lld h when it began", number, minutes / 60));
	if (!s->good)
		return;
	int ev_good = ns_evidence_find(c, NS_EV_ROLLOUT, ns_arena_printf(s->ar, "revision %lld ", (long long)s->good->number));
	say(s, F_GOOD, ev_good, ns_arena_printf(s->ar, "revision %lld was healthy", (long long)s->good->number));
	read_changes(s, ev_good);
	if (!s->good->only_safe_fields)
		say(s, F_UNSAFE_DIFF, ev_good, "the revisions differ in more than image, command, environment, probes and resources");
	if (s->f[F_TIED].on)
		ns_fact_set(s, F_RELEASE, ev_good, s->f[F_TIED].trusted && s->f[F_GOOD].trusted,
		    ns_arena_printf(s->ar, "revision %lld fails since it was rolled out and revision %lld was healthy; between them: %s",
		        (long long)s->cur->number, (long long)s->good->number, s->good->changes),
		    "");
}

static void read_status(scene *s)
{
	const ns_case *c = s->c;
	int cond = ns_evidence_find(c, NS_EV_CONDITION, "");
	if (!c->found)
		say(s, F_GONE, ns_evidence_find(c, NS_EV_NOTE, ""), "the workload is not there any more");
	if (!strcmp(c->cond_progressing_reason, "ProgressDeadlineExceeded"))
		say(s, F_STALLED, ns_evidence_find(c, NS_EV_CONDITION, "ProgressDeadlineExceeded"),
		    "the rollout exceeded its progress deadline");
	if (!strcmp(c->cond_progressing_reason, "ReplicaSetCreateError") || ns_icontains(c->cond_message, "error creating") ||
	    ns_reason_is(c->alert.reason, "FailedCreate"))
		say(s, F_REPLICA_FAILURE, cond, "the controller cannot create pods");
	if (c->paused)
		say(s, F_PAUSED, ns_evidence_find(c, NS_EV_ROLLOUT, ""), "the rollout is paused");
	if (c->observed_generation < c->generation)
		say(s, F_STATUS_OLD, cond, "the controller has not yet seen the newest specification");
	bool broken = false;
	for (size_t i = 0; i < c->n_containers; i++) {
		const ns_container_facts *k = &c->containers[i];
		broken |= *k->waiting_reason || (!k->ready && !k->init);
	}
	if (c->found && c->replicas > 0 && c->ready >= c->replicas && c->unavailable == 0 && !broken)
		say(s, F_HEALTHY, cond, ns_arena_printf(s->ar, "all %lld replicas are ready now", (long long)c->replicas));
	if (c->alert.kind == NS_KIND_UNSCHEDULABLE || ns_reason_is(c->alert.reason, "Unschedulable"))
		say(s, F_UNSCHEDULED, ns_evidence_find(c, NS_EV_CONDITION, "Unschedulable"), "the scheduler finds no node");
}

/* ---- policy, cost, storm: facts of other reporters ---- */

/* Kinds that say all there is to say; the first row whose reason fits ("" any). */
static void read_kind(scene *s)
{
	static const struct { ns_kind kind; const char *reason; fact fact; const char *words; } rows[] = {
	    {NS_KIND_EVICTED, "", F_EVICTED, "the kubelet evicted pods"},
	    {NS_KIND_NODE_PRESSURE, "NotReady", F_NODE_DOWN, "the node is not ready"},
	    {NS_KIND_NODE_PRESSURE, "", F_NODE_SHORT, "the node reports pressure"},
	    {NS_KIND_JOB_FAILED, "MissedSchedule", F_CRON_MISSED, "the CronJob has not run when it should have"},
	    {NS_KIND_JOB_FAILED, "DeadlineExceeded", F_JOB_DEADLINE, "the Job ran longer than its deadline"},
	    {NS_KIND_JOB_FAILED, "", F_JOB_FAILED, "the Job failed"},
	    {NS_KIND_AUTOSCALING, "TooManyReplicas", F_SCALER_MAX, "the autoscaler is at its maximum and wants more"},
	    {NS_KIND_AUTOSCALING, "", F_SCALER, "the autoscaler cannot scale"},
	    {NS_KIND_VOLUME_PENDING, "ClaimNotFound", F_VOLUME_GONE, "the volume claim does not exist"},
	    {NS_KIND_VOLUME_PENDING, "ClaimLost", F_VOLUME_GONE, "the volume of the claim is gone"},
	    {NS_KIND_VOLUME_PENDING, "", F_VOLUME, "no volume is bound to the claim"},
	    {NS_KIND_CERTIFICATE_EXPIRY, "", F_CERT_ENDS, "the certificate ends"},
	    {NS_KIND_ARGOCD_DRIFT, "OutOfSync", F_DRIFT, "the cluster differs from Git"},
	    {NS_KIND_ARGOCD_DRIFT, "Degraded", F_APP_HEALTH, "the application is degraded"},
	    {NS_KIND_ARGOCD_DRIFT, "Missing", F_APP_HEALTH, "resources of the application are missing"},
	    {NS_KIND_ARGOCD_DRIFT, "", F_SYNC_FAILED, "the sync failed"},
	    {NS_KIND_OTHER, "StuckTerminating", F_STUCK, "a pod is not removed"},
	    {NS_KIND_OTHER, "", F_POD_FAILED, "a pod that nothing replaces failed"},
	    {NS_KIND_COST_SPIKE, "OverBudget", F_BUDGET, "the cluster costs more than its budget"},
	    {NS_KIND_EXTERNAL, "", F_EXTERNAL, "another system reports it"},
	};
	const ns_alert *a = &s->c->alert;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].kind != a->kind || (*rows[i].reason && !ns_reason_is(a->reason, rows[i].reason)))
			continue;
		int ev = ns_evidence_find(s->c, NS_EV_STATUS, a->reason);
		say(s, rows[i].fact, ev >= 0 ? ev : ns_evidence_find(s->c, NS_EV_NOTE, a->reason), rows[i].words);
		return;
	}
}

static void read_reports(scene *s)
{
	const ns_case *c = s->c;
	const ns_alert *a = &c->alert;
	if (a->kind == NS_KIND_KYVERNO_VIOLATION) {
		int ev = ns_evidence_find(c, NS_EV_POLICY, "");
		say(s, F_POLICY, ev, ns_arena_printf(s->ar, "rule %s of policy %s fails", a->rule, a->policy));
		if (!*c->exception_api_version)
			say(s, F_NO_EXCEPTIONS, ev, "the cluster serves no PolicyException");
	}
	if (a->kind == NS_KIND_COST_SPIKE) {
		int ev = ns_evidence_find(c, NS_EV_COST, "");
		say(s, F_COST, ev, ns_arena_printf(s->ar, "it costs %.2f a day, %.2f before", a->cost_now, a->cost_before));
		if (a->cost_before > 0 && a->cost_now >= 2 * a->cost_before)
			say(s, F_RUNAWAY, ev, ns_arena_printf(s->ar, "its cost grew %.1f-fold", a->cost_now / a->cost_before));
		int row = ns_evidence_find(c, NS_EV_COST, "efficiency ");
		const char *p = row >= 0 ? strstr(c->evidence[row].text, "efficiency ") : NULL;
		if (p && strtod(p + strlen("efficiency "), NULL) < 20)
			say(s, F_IDLE, row,
			    ns_arena_printf(s->ar, "it uses %.0f %% of what it reserves", strtod(p + strlen("efficiency "), NULL)));
	}
	read_kind(s);
	if (a->kind == NS_KIND_STORM)
		say(s, F_STORM, ns_evidence_find(c, NS_EV_STATUS, ""), "many workloads failed at once");
	int note = ns_evidence_find(c, NS_EV_NOTE, "log of");
	if (note >= 0 && strstr(c->evidence[note].text, "log of"))
		say(s, F_LOGS_UNREAD, note, "the container's log could not be read");
}

void ns_read_case(scene *s)
{
	s->bad = pick_container(s->c);
	read_status(s);
	read_owner(s);
	if (s->bad) {
		read_exit(s, s->bad);
		read_wait(s, s->bad);
		read_memory(s, s->bad);
	}
	read_history(s);
	read_reports(s);
}
