/* From what was read to the case. What a text states as observed is written down the way the collector writes it, so that everything behind
 * it (findings, planner, gate) cannot tell the difference; what it only tells in passing becomes a note, which may argue against a change
 * but never for acting alone. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "text_priv.h"

#define NOW_MS         1790000000000LL /* any instant: only differences count */
#define MINUTE_MS      60000LL
#define DAY_MS         (1440 * MINUTE_MS)
#define MAX_EVIDENCE   400
#define USUAL_LIMIT    (256LL << 20) /* of a container that was OOMKilled, when the text does not say it */
#define USUAL_REPLICAS 3

typedef struct maker {
	ns_arena *ar;
	const text_doc *d;
	const text_says *s;
	const text_things *t;
	const text_past *past;
	const char *kind;
	ns_case *c;
} maker;

static bool says(const maker *m, text_say s)
{
	return m->s->at[s] != NULL;
}

static void row(maker *m, ns_ev_kind kind, bool trusted, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void row(maker *m, ns_ev_kind kind, bool trusted, const char *fmt, ...)
{
	if (m->c->n_evidence == MAX_EVIDENCE)
		return;
	va_list ap;
	va_start(ap, fmt);
	ns_evidence *e = &m->c->evidence[m->c->n_evidence++];
	*e = (ns_evidence){ns_arena_printf(m->ar, "E%zu", m->c->n_evidence), kind, trusted, ns_arena_vprintf(m->ar, fmt, ap), NOW_MS};
	va_end(ap);
}

static bool seen(const text_unit *u)
{
	return u && (u->place == TEXT_PROSE || u->place == TEXT_STATUS);
}

/* ---- target ------------------------------------------------------------------------------------------------------ */

static const char *flat_name(const maker *m)
{
	char *flat = ns_arena_printf(m->ar, " %s %s ", m->t->name, m->t->image);
	for (char *p = flat; *p; p++)
		if (!ns_is_alnum(*p))
			*p = ' ';
	return flat;
}

static const char first_words_of_data_stores[] =
    "postgres|postgresql|mysql|mariadb|mongo|mongodb|redis|valkey|cassandra|elasticsearch|opensearch|etcd|kafka|zookeeper|rabbitmq|"
    "clickhouse|cockroach|influxdb|couchdb|neo4j|minio|memcached|database|db "
    "|pgsql|timescale|scylla|tidb|prometheus|loki|thanos|vault|consul";
static const char helpers_of_data_stores[] = "exporter|operator|client|proxy|ui |admin|backup|migrat|controller|api "
                                             "|manager|adapter|gateway|consumer|producer|connector|sync|importer|writer|reader";

static bool data_store(const maker *m)
{
	const char *name = flat_name(m);
	if (*m->t->name)
		return ns_flat_find(name, first_words_of_data_stores) && !ns_flat_find(name, helpers_of_data_stores);
	const char *first = m->d->n ? m->d->unit[0].flat : " ";
	const char *store = ns_flat_find(first, first_words_of_data_stores);
	return store && !ns_flat_denied(first, store) && !ns_flat_find(first, helpers_of_data_stores);
}

static bool platform(const maker *m)
{
	static const char *const spaces[] = {"kube-system", "kube-public", "kube-node-lease", "istio-system", "calico-system",
	    "tigera-operator", "cilium", "linkerd", "metallb-system", "longhorn-system", "rook-ceph", "ingress-nginx", "gatekeeper-system",
	    "kyverno", "karpenter", "calico-apiserver", NULL};
	static const char names[] =
	    "coredns|kube dns|kube proxy|kube apiserver|kube scheduler|kube controller|calico|cilium|flannel|weave net|aws "
	    "node|istiod|istio|linkerd|ingress nginx|nginx ingress|metallb|konnectivity|cluster autoscaler|nodelocaldns|node local dns|"
	    "csi|ebs csi|efs csi|longhorn|rook|ceph|cloud controller "
	    "manager|multus|antrea|karpenter|kubelet|etcd|apiserver|gatekeeper|kyverno|metrics server";
	const char *name = flat_name(m), *first = "";
	/* The kubelet that speaks in an event is not what the event is about. */
	for (size_t i = 0; i < m->d->n && !*first; i++)
		if (seen(&m->d->unit[i]))
			first = m->d->unit[i].flat;
	return ns_listed(m->t->ns, spaces) || !strncmp(m->t->ns, "openshift-", 10) || ns_flat_find(name, names) ||
	       says(m, SAY_KUBE_SYSTEM) || (!*m->t->name && ns_flat_find(first, names));
}

static const char *workload_kind(const maker *m)
{
	static const struct {
		text_say say;
		const char *kind;
	} said[] = {{SAY_STATEFULSET, "StatefulSet"}, {SAY_DAEMONSET, "DaemonSet"}, {SAY_JOB, "Job"}, {SAY_BARE_POD, "Pod"}};
	if (*m->t->kind)
		return m->t->kind;
	const text_unit *deployment = m->s->at[SAY_DEPLOYMENT];
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		const text_unit *u = m->s->at[said[i].say];
		if (u && (!deployment || u < deployment ||
		             (u == deployment && u->place == TEXT_PROSE && u->line == 0 && said[i].say != SAY_STATEFULSET)))
			return said[i].kind;
	}
	return data_store(m) && !deployment ? "StatefulSet" : "Deployment";
}

/* Does somebody else speak of it than the workload's own name? "argocd-image-updater" is not deployed by Argo CD for that. */
static bool owner_said(const maker *m, text_say s, const char *pattern)
{
	if (!says(m, s) || !*m->t->name)
		return says(m, s);
	char *name = ns_arena_printf(m->ar, " %s", m->t->name);
	for (char *p = name; *p; p++)
		if (!ns_is_alnum(*p))
			*p = ' ';
	for (size_t i = 0; i < m->d->n; i++) {
		if (m->d->unit[i].order || m->d->unit[i].place == TEXT_LOG)
			continue;
		char *flat = ns_arena_strdup(m->ar, m->d->unit[i].flat);
		for (char *p = flat; (p = strstr(p, name));)
			for (size_t k = 1; k < strlen(name); k++)
				*++p = ' ';
		if (ns_flat_find(flat, pattern))
			return true;
	}
	return false;
}

static void set_target(maker *m)
{
	ns_case *c = m->c;
	const char *ns = says(m, SAY_KUBE_SYSTEM) ? "kube-system" : *m->t->ns ? m->t->ns : "default";
	const char *name = *m->t->name ? m->t->name : "workload", *kind = workload_kind(m);
	c->alert.target = (ns_workload){"text", ns, kind, name, "text"};
	c->alert.container = "app";
	c->managed_by = "";
	bool reset = says(m, SAY_OPERATOR) || says(m, SAY_VPA);
	if (reset)
		c->managed_by = says(m, SAY_VPA) ? "operator:VerticalPodAutoscaler" : "operator:Operator";
	else if (owner_said(m, SAY_ARGOCD, "argocd|argo cd|outofsync|out of sync|selfheal|self heal|auto sync|argoproj"))
		c->managed_by = "argocd";
	else if (says(m, SAY_FLUX) && !strcmp(m->kind, "argocd_drift"))
		c->managed_by = "flux";
	else if (says(m, SAY_HELM) && !strcmp(m->kind, "deployment_stalled"))
		c->managed_by = "helm";
	static const char *const spaces[] = {"integration", "int", "sit", "e2e", "acc", "acceptance", "abnahme", "perf", "loadtest", "sandbox", NULL};
	c->nonproduction = (says(m, SAY_NONPROD) || ns_listed(m->t->ns, spaces)) && !says(m, SAY_PROD);
	c->has_hpa = says(m, SAY_HPA);
	c->paused = says(m, SAY_PAUSED);
	row(m, NS_EV_OWNER, true, "the workload is %s %s/%s%s%s%s", kind, ns, name, *c->managed_by ? ", managed by " : "", c->managed_by,
	    c->nonproduction ? ", non-production" : "");
}

/* ---- container --------------------------------------------------------------------------------------------------- */

static bool recovered(const maker *m)
{
	if (says(m, SAY_RECOVERED))
		return true;
	static const char *const mild[] = {"other", "probe_failure", "argocd_drift", "deployment_stalled", NULL};
	/* What is said of a former release does not say that this one is well, nor does "no restarts" where users see errors. */
	const text_unit *u = m->s->at[SAY_HARMLESS];
	bool slight = u && says(m, SAY_SYMPTOM) && ns_flat_find(u->flat, "no restarts|no errors|pods are running|pods running");
	return u && u != m->past->good && !slight && !*m->t->waiting && m->t->exit_code < 0 && !says(m, SAY_OOM) && ns_listed(m->kind, mild);
}

/* A rollout that does not finish, by the alert class itself; not one that nobody scaled up. */
static bool stalled(const maker *m)
{
	return !strcmp(m->kind, "deployment_stalled") && !says(m, SAY_SCALED_ZERO) && m->t->exit_code < 0;
}

static void set_exit(maker *m, ns_container_facts *k, bool oom)
{
	k->has_last = true;
	k->last_reason = oom ? "OOMKilled" : m->t->exit_code == 128 ? "StartError" : m->t->exit_code == 0 ? "Completed" : "Error";
	k->last_exit = oom ? 137 : m->t->exit_code;
	k->last_started_ms = NOW_MS - 2 * MINUTE_MS;
	k->last_finished_ms = NOW_MS - MINUTE_MS;
	const text_unit *u = oom ? m->s->at[SAY_OOM] : m->t->exit_at;
	row(m, NS_EV_EXIT, seen(u), "container %s ended last with reason %s, exit %d", k->name, k->last_reason, k->last_exit);
}

static void set_container(maker *m)
{
	ns_case *c = m->c;
	const text_things *t = m->t;
	bool oom = says(m, SAY_OOM) && !says(m, SAY_NOT_OOM), fine = recovered(m);
	ns_container_facts *k = ns_arena_alloc(m->ar, sizeof *k);
	*k = (ns_container_facts){.name = "app",
	    .image = *t->image ? t->image : "app:current",
	    .waiting_reason = "",
	    .waiting_message = "",
	    .last_reason = "",
	    .last_message = ""};
	c->containers = k;
	c->n_containers = 1;
	k->restarts = t->restarts ? t->restarts : *t->waiting || oom ? 3 : 0;
	k->jvm = says(m, SAY_JVM);
	/* The alert class alone says that it is restarted again and again, or that its image is not there. */
	const char *waiting = *t->waiting                                                             ? t->waiting
	                      : !strcmp(m->kind, "image_pull")                                        ? "ImagePullBackOff"
	                      : !strcmp(m->kind, "pod_crashloop") && t->exit_code < 0 && !oom ? "CrashLoopBackOff"
	                                                                                              : "";
	if (*waiting && !fine) {
		k->waiting_reason = waiting;
		row(m, NS_EV_STATUS, !t->waiting_at || seen(t->waiting_at) || !strcmp(m->kind, "image_pull"), "container %s waits: %s", k->name, waiting);
	}
	if (oom || t->exit_code >= 0)
		set_exit(m, k, oom);
	k->ready = fine;
	k->running = !*k->waiting_reason && (says(m, SAY_UNREADY) || !strcmp(m->kind, "probe_failure") || (stalled(m) && m->past->good));
	bool limited = t->mem_limit > 0, none = (says(m, SAY_NODE_MEMORY) || says(m, SAY_NO_LIMIT)) && !limited;
	k->mem_limit = limited ? t->mem_limit : oom && !none ? USUAL_LIMIT : 0;
	k->mem_request = t->mem_request ? t->mem_request : k->mem_limit;
	if (k->mem_limit) {
		char words[32];
		ns_quantity_format_bytes(k->mem_limit, words);
		row(m, NS_EV_RESOURCES, limited && seen(t->limit_at), "container %s: memory limit %s%s", k->name, words,
		    limited ? "" : " (not told, taken as usual)");
	}
	c->replicas = says(m, SAY_SCALED_ZERO) && !oom && strcmp(m->kind, "cost_spike") ? 0 : says(m, SAY_ONE_REPLICA) ? 1 : t->replicas ? t->replicas : USUAL_REPLICAS;
	c->ready = c->available = c->updated = fine ? c->replicas : 0;
	c->unavailable = c->replicas - c->ready;
	row(m, NS_EV_STATUS, true, "%s %s/%s: %s", c->alert.target.kind, c->alert.target.ns, c->alert.target.name,
	    fine ? "ready again" : "not all replicas are ready");
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static const char *template_of(maker *m, const char *image)
{
	const ns_container_facts *k = &m->c->containers[0];
	char limit[32], request[32];
	ns_quantity_format_bytes(k->mem_limit, limit);
	ns_quantity_format_bytes(k->mem_request, request);
	if (!k->mem_limit)
		return ns_arena_printf(m->ar, "{\"spec\":{\"containers\":[{\"name\":\"%s\",\"image\":\"%s\"}]}}", k->name, image);
	return ns_arena_printf(m->ar,
	    "{\"spec\":{\"containers\":[{\"name\":\"%s\",\"image\":\"%s\",\"resources\":{\"limits\":{\"memory\":\"%s\"},\"requests\":{"
	    "\"memory\":\"%s\"}}}]}}",
	    k->name, image, limit, request);
}

/* What the newest revision is said to have changed, in the words of the collector. */
static const char *changes_of(maker *m)
{
	static const struct {
		text_say say;
		const char *clause;
	} clauses[] = {{SAY_CH_ENV, "env of app changed"}, {SAY_CH_COMMAND, "command of app changed"},
	    {SAY_CH_PROBE, "readiness probe of app changed"}, {SAY_LOWERED, "memory limit of app changed"}};
	const char *out = "";
	for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
		if (says(m, clauses[i].say))
			out = ns_arena_printf(m->ar, "%s%s%s", out, *out ? "; " : "", clauses[i].clause);
	if (ns_text_mistyped_host(m->d))
		return "image registry/app:former -> mistyped/app:current";
	bool image = !*out || !strcmp(m->kind, "image_pull");
	return image ? ns_arena_printf(m->ar, "image app:former -> app:current%s%s", *out ? "; " : "", out) : out;
}

static void add_revision(maker *m, int64_t number, int64_t age_ms, bool current, bool healthy, bool serving, const char *changes)
{
	ns_revision *r = &m->c->revisions[m->c->n_revisions++];
	*r = (ns_revision){.number = number,
	    .replicaset = ns_arena_printf(m->ar, "rs-%lld", (long long)number),
	    .uid = ns_arena_printf(m->ar, "rs-%lld", (long long)number),
	    .created_ms = age_ms ? NOW_MS - age_ms : 0,
	    .replicas = current || serving ? 1 : 0,
	    .ready = serving ? 1 : 0,
	    .current = current,
	    .was_healthy = healthy,
	    .health_seen = healthy, /* the text says that somebody saw it */
	    .order_known = true,
	    .changes = changes,
	    .only_safe_fields = true,
	    .template_json = template_of(m, current ? "app:current" : "app:former")};
	row(m, NS_EV_ROLLOUT, true, "revision %lld %s%s%s", (long long)number,
	    current   ? "is current"
	    : healthy ? "was healthy"
	              : "was there before",
	    *changes ? "; changed since: " : "", changes);
}

/* "image a:1 -> a:2" */
static bool arrow_told(const maker *m)
{
	for (size_t i = 0; i < m->d->n; i++) {
		const text_unit *u = &m->d->unit[i];
		if (seen(u) && !u->order && strstr(u->text, "->") && ns_flat_find(u->flat, "image|tag |version|release"))
			return !says(m, SAY_NO_CHANGE);
	}
	return false;
}

static void set_history(maker *m)
{
	ns_case *c = m->c;
	c->revisions = ns_arena_alloc(m->ar, 2 * sizeof *c->revisions);
	int64_t number = m->t->revision;
	bool first = says(m, SAY_FIRST) || number == 1;
	bool changed = (says(m, SAY_NEW) || number > 1) && !says(m, SAY_NO_CHANGE);
	const text_unit *old = m->past->serving, *good = m->past->good;
	changed |= old != NULL || arrow_told(m) || (good && m->past->two);
	if (first && number <= 1) {
		add_revision(m, 1, 10 * MINUTE_MS, true, false, false, "");
		c->cond_progressing_reason = "ReplicaSetUpdated";
	} else if (says(m, SAY_NO_CHANGE)) {
		add_revision(m, number > 1 ? number : 2, 30 * DAY_MS, true, true, false, "");
		c->cond_progressing_reason = "NewReplicaSetAvailable";
		add_revision(m, number > 1 ? number - 1 : 1, 90 * DAY_MS, false, false, false, "image app:former -> app:current");
	} else if (changed) {
		number = number > 1 ? number : 2;
		c->cond_progressing_reason = says(m, SAY_STALLED) || stalled(m) ? "ProgressDeadlineExceeded" : "ReplicaSetUpdated";
		add_revision(m, number, 10 * MINUTE_MS, true, recovered(m), false, "");
		bool healthy = good && !first && !says(m, SAY_SAME_BEFORE);
		add_revision(m, number - 1, 30 * DAY_MS, false, healthy, healthy && (old || says(m, SAY_SERVING)), changes_of(m));
	} else {
		/* Nothing is told of its history: which revision runs, since when and what was before stays open. */
		add_revision(m, number > 1 ? number : 2, 0, true, false, false, "");
		add_revision(m, number > 1 ? number - 1 : 1, 0, false, false, false, "");
		c->cond_progressing_reason = says(m, SAY_STALLED) ? "ProgressDeadlineExceeded" : "";
	}
	if (*c->cond_progressing_reason)
		row(m, NS_EV_CONDITION, true, "condition Progressing: %s", c->cond_progressing_reason);
}

/* ---- what others report -------------------------------------------------------------------------------------------- */

static void set_policy(maker *m)
{
	ns_case *c = m->c;
	ns_buf msg = NS_BUF_INIT;
	for (size_t i = 0; i < m->d->n && msg.len < 900; i++)
		if (!m->d->unit[i].order)
			ns_buf_printf(&msg, "%s%s", msg.len ? " " : "", m->d->unit[i].text);
	c->alert.policy = m->t->policy;
	c->alert.rule = m->t->rule;
	c->policy_message = ns_arena_take(m->ar, &msg);
	c->exception_api_version = "kyverno.io/v2";
	c->exception_namespace = "policy-exceptions";
	row(m, NS_EV_POLICY, true, "policy %s, rule %s: %s", m->t->policy, m->t->rule, c->policy_message);
}

static const text_unit *idle_unit(const maker *m)
{
	return says(m, SAY_IDLE) ? m->s->at[SAY_IDLE] : ns_text_idle(m->d);
}

static void set_cost(maker *m)
{
	ns_case *c = m->c;
	ns_alert *a = &c->alert;
	bool runaway = says(m, SAY_RUNAWAY);
	a->cost_now = m->t->cost_now > 0 ? m->t->cost_now : 1;
	a->cost_before = m->t->cost_before > 0 ? m->t->cost_before : runaway ? a->cost_now / 2 : 0;
	c->monthly_cost = a->cost_now;
	row(m, NS_EV_COST, true, "it costs %.2f, %.2f before", a->cost_now, a->cost_before);
	const text_unit *idle = idle_unit(m);
	if (idle)
		row(m, NS_EV_COST, seen(idle), "efficiency 5 %% or so: %s", idle->text);
}

/* Words of a note are what findings_text.c knows; the quotation is for people. */
static const struct {
	text_say say;
	const char *words, *only; /* for one kind only, "" any */
} notes[] = {
    {SAY_UNBOUNDED, "memory demand is not bounded", ""},
    {SAY_SAME_BEFORE, "another revision fails as well", ""},
    {SAY_MIGRATED, "a migration stands in the way", ""},
    {SAY_WARMING, "it is still getting ready", "probe_failure"},
    {SAY_WARMING, "it is still getting ready", "deployment_stalled"},
    {SAY_WARMING, "it is still getting ready", "other"},
    {SAY_OUTSIDE, "what changed is outside of the workload", ""},
    {SAY_COST_NODES, "the cost is one of nodes", "cost_spike"},
    {SAY_COST_FEES, "the cost is one of services and fees", "cost_spike"},
    {SAY_COST_LOAD, "the cost follows load or a plan", "cost_spike"},
    {SAY_COST_DATA, "the cost figures are in doubt", "cost_spike"},
    {SAY_DATABASE, "the cost is one of a data store", "cost_spike"},
    {SAY_SCALED_ZERO, "it was scaled to zero", "deployment_stalled"},
    {SAY_SCALED_ZERO, "it was scaled to zero", "other"},
    {SAY_ZERO_MEANT, "zero replicas may be meant", ""},
    {SAY_POLICY_WRONG, "the policy itself may be wrong", "kyverno_violation"},
    {SAY_NODE_MEMORY, "the node itself may be short of memory", "oom_killed"},
    {SAY_NOT_OOM, "it was not for memory", ""},
};

/* A memory that it is said to need: near the limit or above it, but not by orders; a row of ever larger ones tells no need. */
static bool need_told(const maker *m)
{
	int64_t limit = m->t->mem_limit;
	bool once = false, more = false;
	for (size_t i = 0; i < m->d->n && !(once && more); i++) {
		const text_unit *u = &m->d->unit[i];
		once |= !u->order && ns_text_quantity_between(u->text, limit / 10 * 14, limit / 10 * 22, limit);
		more |= !u->order && !ns_flat_find(u->flat, "with * limit|other (region|cluster|environment)") && ns_text_quantity_between(u->text, limit / 10 * 27, limit * 40, limit);
	}
	if (once && more)
		return false;
	for (size_t i = 0; i < m->d->n; i++)
		if (!m->d->unit[i].order && !ns_flat_find(m->d->unit[i].flat, "raised|increased|doubled|bumped to|upped|quadrupled") &&
		    ns_text_quantity_between(m->d->unit[i].text, m->t->mem_limit / 10 * 8, m->t->mem_limit / 2 * 5, m->t->mem_limit))
			return true;
	return false;
}

/* More was told than is understood here, so that something in it may speak against acting alone: memory without a word on how much is
 * needed but with words that are not plain, a release that breaks without a word on how. */
#define FEW_WORDS  2
#define STRANGE_WORDS 3 /* in a sentence about cost: it tells of something that is not known here */
#define MANY_WORDS 6 /* and with so many the need alone does not make it clear */
static bool need_unknown(const maker *m)
{
	/* A heap that is set bounds the process, whatever else is told. */
	return !need_told(m) && !says(m, SAY_BOUNDED) && !says(m, SAY_LOWERED) && !says(m, SAY_JVM) && ns_text_unexplained(m->d) > FEW_WORDS;
}

/* Little use alone is no end of use: somebody or something must say that nobody needs it, or that it was an accident. */
static bool end_of_use_told(const maker *m)
{
	static const char ends[] =
	    "idle|nobody|no one|none |no (traffic|requests|users|user|load|queries|sessions|jobs|work|activity|players|devices|change)|zero "
	    "(traffic|requests|players|sessions)|0 (traffic|requests|queries|sessions|jobs|active|players)|finished|ended|over |done|complete|forgot|"
	    "merged|closed|abandon|unused|leftover|left |still |stopped|since days|last (activity|login|commit|kernel|demo|used|user|request)|by hand|"
	    "manually|by mistake|copy paste|paste error|extra zero|one zero|slip of|mix up|mixed up|someone|somebody|by a |traffic (unchanged|flat|nil|same)|unchanged|load flat|not critical|at night|weekend|never|went "
	    "away|moved|on leave|on parental leave|fat finger|instead of|after the|hackathon|nothing|not used|24 7|same as|empty";
	for (size_t i = 0; i < m->d->n; i++)
		if (!m->d->unit[i].order && m->d->unit[i].place != TEXT_LOG && ns_flat_find(m->d->unit[i].flat, ends))
			return true;
	return says(m, SAY_SCALED_UP);
}

static bool unclear(const maker *m)
{
	if (ns_text_contrast(m->d))
		return true;
	if (!strcmp(m->kind, "cost_spike"))
		return !end_of_use_told(m) || ns_text_intent(m->d) || ns_text_strange(m->d) > STRANGE_WORDS;
	if (!strcmp(m->kind, "oom_killed"))
		return ns_text_limit_meant(m->d) || need_unknown(m) || ns_text_unexplained(m->d) > MANY_WORDS;
	bool code = says(m, SAY_CODE) || ns_text_mistyped_host(m->d);
	return strcmp(m->kind, "kyverno_violation") != 0 && (!code || !m->past->sure);
}

/* "loads all of them once at start, about 70 MB": the same each time, so a limit above it is enough. */
static bool same_each_start(const maker *m)
{
	const text_unit *u = m->s->at[SAY_UNBOUNDED];
	int64_t limit = m->t->mem_limit;
	return u && limit && ns_flat_find(u->flat, "loads|loaded|reads|builds|caches|index|into memory|in memory") &&
	       ns_flat_find(u->flat, "(at|on|during) (start|startup|boot|launch)|once|start up|startup|when it starts") &&
	       !ns_flat_find(u->flat, "grow|leak|every|per |each|request|upload|user|more|day|hour|unbounded|no limit|any limit|whatever") &&
	       ns_text_quantity_between(u->text, limit / 10 * 8, limit * 4, limit);
}

static void set_notes(maker *m)
{
	const text_unit *outside = says(m, SAY_OUTSIDE) ? NULL : ns_text_outside(m->d);
	if (outside)
		row(m, NS_EV_NOTE, false, "what changed is outside of the workload: %s", outside->text);
	if (unclear(m))
		row(m, NS_EV_NOTE, false, "the text tells more than is understood");
	if (!strcmp(m->kind, "oom_killed") && !says(m, SAY_UNBOUNDED) && ns_text_ever_more(m->d))
		row(m, NS_EV_NOTE, false, "memory demand is not bounded");
	if (!strcmp(m->kind, "oom_killed") && need_unknown(m))
		row(m, NS_EV_NOTE, false, "how much memory it needs is not told");
	if (!strcmp(m->kind, "cost_spike") && !idle_unit(m) && !says(m, SAY_SCALED_UP))
		row(m, NS_EV_NOTE, false, "nothing tells that it is idle");
	if (!strcmp(m->kind, "cost_spike") && ns_text_strange(m->d) > STRANGE_WORDS + 1)
		row(m, NS_EV_NOTE, false, "a sentence tells of a purpose that is not known");
	if (data_store(m))
		row(m, NS_EV_NOTE, false, "its data is at stake");
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
		/* Nodes that came because somebody asked for pods are a consequence. */
		if (says(m, notes[i].say) && !(notes[i].say == SAY_UNBOUNDED && same_each_start(m)) && (!*notes[i].only || !strcmp(notes[i].only, m->kind)) &&
		    !(notes[i].say == SAY_COST_NODES && says(m, SAY_SCALED_UP)))
			row(m, NS_EV_NOTE, false, "%s: %s", notes[i].words, m->s->at[notes[i].say]->text);
	if (platform(m))
		row(m, NS_EV_NOTE, false, "it belongs to the platform");
	if (!strcmp(m->kind, "config_error") && m->c->revisions[0].created_ms > NOW_MS - DAY_MS && m->c->n_revisions > 1)
		row(m, NS_EV_NOTE, false, "a rollout went before");
	if (!strcmp(m->kind, "kyverno_violation") && !says(m, SAY_EXCEPTION))
		row(m, NS_EV_NOTE, false, "no agreed way of exceptions is named");
	if (!strcmp(m->kind, "kyverno_violation") && says(m, SAY_AUDIT) && !says(m, SAY_BLOCKED))
		row(m, NS_EV_NOTE, false, "the policy only audits");
	for (size_t i = 0; i < m->d->n; i++)
		if (m->d->unit[i].order) {
			row(m, NS_EV_NOTE, false, "the text gives orders to its reader");
			break;
		}
}

/* Every line as itself. A sentence of prose may quote a log, so the application's own words are looked for in it as well. */
static bool same_port(const char *a, const char *b)
{
	for (const char *p = a; (p = strchr(p, ':')); p++) {
		size_t n = strspn(p + 1, "0123456789");
		char port[8];
		if (n < 2 || n > 5)
			continue;
		ns_copy(port, n + 1, p + 1);
		for (const char *q = b; (q = strstr(q, port)); q++)
			if ((q == b || !ns_is_digit(q[-1])) && !ns_is_digit(q[n]))
				return true;
	}
	return false;
}

/* What does not answer at the port to which a probe was moved is the probe's own target, nothing that the program depends on. */
static bool is_probe_target(const maker *m, const text_unit *u)
{
	const text_unit *probe = m->s->at[SAY_CH_PROBE];
	if (!probe || strcasestr(u->text, "probe failed"))
		return false;
	return same_port(u->text, probe->text) || (ns_flat_find(u->flat, "~probe") && ns_flat_find(u->flat, "refused|timed out|timeout"));
}

static void set_lines(maker *m)
{
	static const ns_ev_kind kinds[] = {
	    [TEXT_PROSE] = NS_EV_STATUS, [TEXT_STATUS] = NS_EV_STATUS, [TEXT_EVENT] = NS_EV_EVENT, [TEXT_LOG] = NS_EV_LOG};
	m->c->log_lines = ns_arena_alloc(m->ar, (m->d->n + 1) * sizeof *m->c->log_lines);
	for (size_t i = 0; i < m->d->n; i++) {
		const text_unit *u = &m->d->unit[i];
		if (u->order)
			continue;
		if (is_probe_target(m, u)) {
			row(m, NS_EV_EVENT, false, "probe failed: %s", u->text);
			continue;
		}
		row(m, kinds[u->place], u->place == TEXT_PROSE || u->place == TEXT_STATUS, "%s", u->text);
		if (u->place == TEXT_PROSE || u->place == TEXT_EVENT)
			m->c->log_lines[m->c->n_log_lines++] = u->text;
	}
}

static void set_alert(maker *m)
{
	ns_alert *a = &m->c->alert;
	/* "other" of a text is what no rule of the detector is about. */
	if (!strcmp(m->kind, "other") || !ns_kind_parse(m->kind, &a->kind))
		a->kind = NS_KIND_EXTERNAL;
	a->severity = ns_kind_get(a->kind)->severity;
	a->reason = says(m, SAY_OOM) && a->kind == NS_KIND_OOM_KILLED ? "OOMKilled" : *m->t->waiting ? m->t->waiting : "";
	a->policy = a->rule = "";
	a->object_uid = "text";
	a->first_ms = NOW_MS - 5 * MINUTE_MS;
	a->seen_ms = NOW_MS;
	ns_buf msg = NS_BUF_INIT;
	for (size_t i = 0; i < m->d->n && msg.len < 240; i++)
		if (!m->d->unit[i].order)
			ns_buf_printf(&msg, "%s%.240s", msg.len ? "; " : "", m->d->unit[i].text);
	a->message = ns_arena_take(m->ar, &msg);
}

ns_case *ns_case_from_text(ns_arena *ar, const char *text, size_t n, const char **kind)
{
	text_doc d;
	text_says s;
	text_things t;
	ns_text_read(ar, text, n, &d);
	ns_text_listen(&d, &s);
	ns_text_things(&d, &t);
	ns_case *c = ns_case_new(ar);
	text_past past;
	ns_text_past(&d, &past);
	maker m = {ar, &d, &s, &t, &past, ns_text_kind_of(&d, &t), c};
	c->evidence = ns_arena_alloc(ar, MAX_EVIDENCE * sizeof *c->evidence);
	c->taken_ms = NOW_MS;
	c->api_version = "apps/v1";
	c->resource_version = "1";
	c->generation = c->observed_generation = 1;
	c->found = true;
	*kind = m.kind;
	set_alert(&m);
	set_target(&m);
	set_container(&m);
	set_history(&m);
	if (c->alert.kind == NS_KIND_KYVERNO_VIOLATION)
		set_policy(&m);
	if (c->alert.kind == NS_KIND_COST_SPIKE)
		set_cost(&m);
	set_notes(&m);
	set_lines(&m);
	return c;
}
