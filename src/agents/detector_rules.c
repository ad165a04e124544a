/* The rule table: one row per way in which a workload can be broken. A test looks at the compact cache only, says whether the row holds now,
 * and when to look again where time alone decides. A new alert kind is one row here and one test in tests/agents. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum {
	MINUTE = 60000,
	SHOWN_MS = 5000,          /* a failure that was over at once counts as one at least that long; the row's recovery begins then */
	FRESH_MS = 10 * MINUTE,
	GREW_WITHIN_MS = 10 * MINUTE,
	PENDING_MS = 15000,
	UNREADY_MS = 30000,
	START_MS = MINUTE,
	PROBE_SEEN_MS = 6 * MINUTE, /* the kubelet's event limit repeats a failing probe at least every 5 minutes */
	MOUNT_SEEN_MS = 5 * MINUTE,
	CREATING_MS = 10000
};

/* ---- help for tests ---- */

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Time of the API server to a deadline on our monotonic clock. */
static void look_again(const dt_env *e, dt_finding *f, int64_t wall_ms)
{
	int64_t at = e->mono + wall_ms - e->wall;
	if (wall_ms <= e->wall)
		return; /* what lies behind us decides nothing any more */
	if (f->due_mono < 0 || at < f->due_mono)
		f->due_mono = at;
}

static void member(const dt_env *e, dt_finding *f, dt_pod *p)
{
	if (f->n_pods && f->pods[f->n_pods - 1] == p)
		return;
	if (f->n_pods == f->cap_pods) {
		size_t cap = f->cap_pods ? f->cap_pods * 2 : 8;
		dt_pod **bigger = ns_arena_alloc(e->ar, cap * sizeof *bigger);
		if (f->n_pods)
			memcpy(bigger, f->pods, f->n_pods * sizeof *bigger);
		f->pods = bigger;
		f->cap_pods = cap;
	}
	f->pods[f->n_pods++] = p;
}

/* The first pod that fails gives the words; the others are counted in. */
static void found(const dt_env *e, dt_finding *f, dt_pod *p, const char *container, const char *reason, const char *message)
{
	if (!f->holds) {
		f->holds = true;
		f->reason = reason;
		f->message = message;
		f->container = container;
		f->object_uid = p ? p->key : "";
	}
	if (p)
		member(e, f, p);
}

static bool over(const dt_pod *p)
{
	return p->phase == DT_DONE || p->phase == DT_FAILED;
}

#define EACH_POD(w, p) \
	for (size_t pod_i = 0; pod_i < (w)->n_pods; pod_i++) \
		for (dt_pod *p = (w)->pods[pod_i]; p && !p->deleting; p = NULL)
#define EACH_CONTAINER(p, c) for (const dt_container *c = (p)->c; c < (p)->c + (p)->n_c; c++)

static const char *exit_words(const dt_env *e, const dt_container *c, const dt_end *end)
{
	if (!c->restarts)
		return ns_arena_printf(e->ar, "container %s ended with exit code %d (%s)", c->name, end->exit_code, end->reason);
	return ns_arena_printf(e->ar, "container %s ended with exit code %d (%s), restarted %d time%s", c->name, end->exit_code, end->reason, c->restarts,
	    c->restarts == 1 ? "" : "s");
}

/* ---- containers that die ---- */

static void test_oom(const dt_env *e, dt_work *w, dt_finding *f)
{
	EACH_POD(w, p)
	EACH_CONTAINER(p, c)
	{
		bool now = is(c->now.reason, "OOMKilled"), last = is(c->last.reason, "OOMKilled");
		const dt_memory *m = now || last ? dt_memory_of(p, c->name) : NULL;
		bool bad = false;
		if (over(p)) {
			/* A finished pod stays where it is: its kill is news for a while only. */
			bad = now && m && m->oom_seen_ms && e->wall - m->oom_seen_ms < FRESH_MS;
			if (bad)
				look_again(e, f, m->oom_seen_ms + FRESH_MS);
		} else if (now || (last && is(c->waiting, "CrashLoopBackOff"))) {
			bad = true;
		} else if (last && m && m->oom_seen_ms) {
			/* It runs again. Not ready yet, or the kill has only just been seen. */
			bad = (!c->ready && !c->init && e->wall - m->oom_seen_ms < FRESH_MS) || e->wall - m->oom_seen_ms < SHOWN_MS;
			look_again(e, f, m->oom_seen_ms + SHOWN_MS);
			look_again(e, f, m->oom_seen_ms + FRESH_MS);
		}
		if (bad)
			found(e, f, p, c->name, "OOMKilled", exit_words(e, c, now ? &c->now : &c->last));
	}
}

static const char *const start_failures[] = {"StartError", "ContainerCannotRun", NULL};

static bool crash_loops(const dt_env *e, const dt_pod *p, const dt_container *c, dt_finding *f)
{
	const dt_memory *m = dt_memory_of(p, c->name);
	if (over(p))
		return false;
	if (is(c->waiting, "CrashLoopBackOff"))
		return true;
	if (!m || !m->restarted_ms[2] || e->wall - m->restarted_ms[2] >= GREW_WITHIN_MS)
		return false;
	/* Between two back-offs it runs for a moment. */
	look_again(e, f, m->restarted_ms[0] + SHOWN_MS);
	look_again(e, f, m->restarted_ms[2] + GREW_WITHIN_MS);
	return !c->ready || e->wall - m->restarted_ms[0] < SHOWN_MS;
}

/* A loop whose last end names its cause is but a symptom; one container with a loop of its own makes the finding stand. */
static void test_crashloop(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (int pass = 0; pass < 2 && !f->holds; pass++)
		EACH_POD(w, p)
		EACH_CONTAINER(p, c)
		{
			bool caused = is(c->last.reason, "OOMKilled") || is(c->now.reason, "OOMKilled") || ns_listed(c->last.reason, start_failures);
			if (caused != (pass == 1) || !crash_loops(e, p, c, f))
				continue;
			f->symptom = caused;
			found(e, f, p, c->name, "CrashLoopBackOff", exit_words(e, c, *c->now.reason ? &c->now : &c->last));
		}
}

/* ---- containers that cannot be made ---- */

/* The same failed pull shows as two reasons in turn; they are one. */
static const struct { const char *waiting, *reason; } pull_reasons[] = {{"ErrImagePull", "ImagePullBackOff"}, {"ImagePullBackOff", "ImagePullBackOff"},
    {"ErrImageNeverPull", "ErrImageNeverPull"}, {"InvalidImageName", "InvalidImageName"}, {"ImageInspectError", "ImageInspectError"},
    {"RegistryUnavailable", "RegistryUnavailable"}, {"SignatureValidationFailed", "SignatureValidationFailed"}};

static void test_image(const dt_env *e, dt_work *w, dt_finding *f)
{
	EACH_POD(w, p)
	EACH_CONTAINER(p, c)
	for (size_t i = 0; !over(p) && *c->waiting && i < sizeof pull_reasons / sizeof *pull_reasons; i++)
		if (is(c->waiting, pull_reasons[i].waiting))
			found(e, f, p, c->name, pull_reasons[i].reason, c->message);
}

static void test_config(const dt_env *e, dt_work *w, dt_finding *f)
{
	static const char *const waiting[] = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
	    "PreStartHookError", "PostStartHookError", NULL};
	EACH_POD(w, p)
	EACH_CONTAINER(p, c)
	{
		if (over(p))
			continue;
		if (ns_listed(c->waiting, waiting))
			found(e, f, p, c->name, c->waiting, c->message);
		else if (ns_listed(c->now.reason, start_failures) || (is(c->waiting, "CrashLoopBackOff") && ns_listed(c->last.reason, start_failures)))
			found(e, f, p, c->name, *c->now.reason ? c->now.reason : c->last.reason, exit_words(e, c, *c->now.reason ? &c->now : &c->last));
	}
}

static void test_mount(const dt_env *e, dt_work *w, dt_finding *f)
{
	static const char *const creating[] = {"ContainerCreating", "PodInitializing", NULL};
	EACH_POD(w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		bool waits = false;
		EACH_CONTAINER(p, c)
			waits |= ns_listed(c->waiting, creating);
		if (!n || !n->mount_ms || !waits || p->phase != DT_PENDING || e->wall - n->mount_ms >= MOUNT_SEEN_MS)
			continue;
		look_again(e, f, n->mount_ms + MOUNT_SEEN_MS);
		if (e->wall - p->created_ms < CREATING_MS)
			look_again(e, f, p->created_ms + CREATING_MS);
		else
			found(e, f, p, "", n->mount_reason, n->mount_message);
	}
}

static void test_unschedulable(const dt_env *e, dt_work *w, dt_finding *f)
{
	EACH_POD(w, p)
	{
		if (p->scheduled || over(p) || !is(p->sched_reason, "Unschedulable"))
			continue;
		int64_t since = p->sched_at_ms ? p->sched_at_ms : p->created_ms;
		if (e->wall - since < PENDING_MS)
			look_again(e, f, since + PENDING_MS);
		else
			found(e, f, p, "", "Unschedulable", p->sched_message);
	}
}

/* ---- probes ---- */

static void test_probe_kills(const dt_env *e, dt_work *w, dt_finding *f)
{
	EACH_POD(w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		if (!n || !n->kill_ms || e->wall - n->kill_ms >= GREW_WITHIN_MS || over(p))
			continue;
		EACH_CONTAINER(p, c)
		{
			if (n->container && *n->container && !is(n->container, c->name))
				continue;
			bool waits = is(c->waiting, "CrashLoopBackOff") && !is(c->last.reason, "OOMKilled");
			bool again = (n->kills >= 2 || c->restarts >= 2) && (!c->ready || e->wall - n->kill_ms < SHOWN_MS);
			look_again(e, f, n->kill_ms + SHOWN_MS);
			look_again(e, f, n->kill_ms + GREW_WITHIN_MS);
			if (waits || again)
				found(e, f, p, c->name, "Unhealthy", n->message);
		}
	}
}

static void test_unready(const dt_env *e, dt_work *w, dt_finding *f)
{
	bool rolling = w->obj && dt_obj_rolling(w->obj);
	/* Past its progress deadline a rollout has had its grace: the cause must be known before the symptom is told. */
	bool stalled = w->obj && is(w->obj->prog_status, "False");
	EACH_POD(w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		int64_t newest = 0;
		bool all_run = p->n_c > 0;
		for (int i = 0; n && i < DT_PROBES; i++)
			newest = n->probe_ms[i] > newest ? n->probe_ms[i] : newest;
		EACH_CONTAINER(p, c)
			all_run &= c->running || c->init;
		if (p->phase != DT_RUNNING || p->ready || !all_run || !newest || rolling)
			continue;
		int64_t from = p->ready_at_ms + UNREADY_MS > p->created_ms + START_MS ? p->ready_at_ms + UNREADY_MS : p->created_ms + START_MS;
		if (newest < p->ready_at_ms - MINUTE || e->wall - newest >= PROBE_SEEN_MS)
			continue;
		look_again(e, f, newest + PROBE_SEEN_MS);
		if (e->wall < from && !stalled)
			look_again(e, f, from);
		else
			found(e, f, p, n->container, "Unhealthy", n->message);
	}
}

/* ---- rollouts ---- */

static void unready_members(const dt_env *e, dt_work *w, dt_finding *f)
{
	EACH_POD(w, p)
		if (!p->ready && !over(p))
			member(e, f, p);
}

static bool current(const dt_obj *o)
{
	return o && o->kind == DT_DEPLOYMENT && !o->paused && o->observed >= o->generation;
}

static void test_deadline(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	if (!current(o) || !is(o->prog_status, "False") || dt_obj_complete(o))
		return;
	found(e, f, NULL, "", *o->prog_reason ? o->prog_reason : "ProgressDeadlineExceeded", o->prog_message);
	f->object_uid = o->key;
	unready_members(e, w, f);
}

static void test_replica_failure(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	if (!o || !o->replica_failure || o->observed < o->generation || dt_obj_complete(o))
		return;
	found(e, f, NULL, "", *o->failure_reason ? o->failure_reason : "FailedCreate", o->failure_message);
	f->object_uid = o->key;
}

/* ---- policy and cost ---- */

static void test_kyverno(const dt_env *e, dt_work *w, dt_finding *f)
{
	int64_t until;
	const char *policy, *rule;
	const dt_result *fail;
	if (dt_blocked_holds(w, e->wall, &until)) {
		found(e, f, NULL, "", "PolicyViolation", w->blocked->message);
		f->policy = w->blocked->policy;
		f->rule = w->blocked->rule;
	} else if ((fail = dt_enforced_fail(e->d, w)) != NULL) {
		found(e, f, NULL, "", "PolicyViolation", fail->message);
		f->policy = fail->policy;
		f->rule = fail->rule;
	} else if (w->obj && w->obj->replica_failure && !dt_obj_complete(w->obj) && dt_parse_denial(e->ar, w->obj->failure_message, &policy, &rule)) {
		found(e, f, NULL, "", "PolicyViolation", w->obj->failure_message);
		f->policy = policy;
		f->rule = rule;
	}
	if (until)
		look_again(e, f, until);
	if (f->holds)
		f->object_uid = w->uid;
}

static void test_cost(const dt_env *e, dt_work *w, dt_finding *f)
{
	if (!w->spike)
		return;
	/* Fewer replicas than it had at the report: the next report will show it, and nobody need wait for that. */
	if (w->obj && w->spike_replicas > 0 && w->obj->replicas < w->spike_replicas)
		return;
	found(e, f, NULL, "", "CostSpike",
	    ns_arena_printf(e->ar, "%.2f per day, %.1f times the %.2f of the window before", w->cost_now, w->cost_now / w->cost_before, w->cost_before));
	f->object_uid = w->uid;
}

/* ---- alerts of other systems ---- */

static const char *container_known(const dt_work *w, const char *name)
{
	EACH_POD(w, p)
	EACH_CONTAINER(p, c)
	if (is(c->name, name))
		return name;
	return "";
}

static void test_external(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (size_t i = 0; i < w->n_things; i++) {
		const dt_thing *t = w->things[i];
		if (t->sort != DT_EXTERNAL || e->wall >= t->until_ms)
			continue;
		look_again(e, f, t->until_ms);
		if (f->holds && (int)t->severity <= f->severity)
			continue; /* the gravest gives the words */
		f->holds = false;
		found(e, f, NULL, container_known(w, t->container), t->reason, t->message);
		f->severity = (int)t->severity;
		f->object_uid = w->uid;
	}
}

enum { R_OOM, R_CRASH, R_IMAGE, R_CONFIG, R_MOUNT, R_SCHED, R_KILLS, R_UNREADY, R_DEADLINE, R_REPLICAS, R_KYVERNO, R_COST, R_EXTERNAL, R_STORM, R_COUNT };
#define B(row)  (1u << (row))
#define MAKE    (B(R_IMAGE) | B(R_CONFIG) | B(R_MOUNT))                 /* it cannot even be made */
#define POD     (MAKE | B(R_OOM) | B(R_CRASH) | B(R_SCHED) | B(R_KILLS) | B(R_UNREADY))

const unsigned dt_health_kinds = DT_BIT(NS_KIND_OOM_KILLED) | DT_BIT(NS_KIND_POD_CRASHLOOP) | DT_BIT(NS_KIND_IMAGE_PULL) | DT_BIT(NS_KIND_CONFIG_ERROR) |
    DT_BIT(NS_KIND_UNSCHEDULABLE) | DT_BIT(NS_KIND_PROBE_FAILURE) | DT_BIT(NS_KIND_DEPLOYMENT_STALLED);

/* name, kind, severity, when, recovers · test · causes it is a symptom of · settle · recover · needs the workload ready */
const dt_rule dt_rules[] = {
    [R_OOM] = {{"oom-killed", NS_KIND_OOM_KILLED, NS_SEV_CRIT,
                   "a container (app, init or ephemeral) was OOM-killed: it is down, in back-off after it, or was seen to be killed and runs again",
                   "running and ready for 2 min without another kill"},
        test_oom, 0, 0, 2 * MINUTE, true},
    [R_CRASH] = {{"crash-loop", NS_KIND_POD_CRASHLOOP, NS_SEV_CRIT,
                     "a container waits in CrashLoopBackOff, or restarted 3 times within 10 min; not after an OOM kill or a kill by a probe",
                     "ready and no restart for 60 s"},
        test_crashloop, B(R_OOM) | MAKE | B(R_KILLS), 0, MINUTE, true},
    [R_IMAGE] = {{"image-pull", NS_KIND_IMAGE_PULL, NS_SEV_CRIT, "an image cannot be pulled, named, inspected or verified", "the pods are ready for 10 s"},
        test_image, 0, 0, 10000, true},
    [R_CONFIG] = {{"container-config", NS_KIND_CONFIG_ERROR, NS_SEV_CRIT,
                      "a container cannot be created or started: missing ConfigMap, Secret or key, bad command, hook", "the pods are ready for 10 s"},
        test_config, 0, 0, 10000, true},
    [R_MOUNT] = {{"volume-mount", NS_KIND_CONFIG_ERROR, NS_SEV_CRIT,
                     "a pod is stuck creating for 10 s while events say that a volume or its sandbox cannot be made", "the pods are ready for 10 s"},
        test_mount, 0, 0, 10000, true},
    [R_SCHED] = {{"unschedulable", NS_KIND_UNSCHEDULABLE, NS_SEV_WARN, "no node takes a pod for 15 s; a scheduling gate is no failure",
                     "every pod has a node for 5 s"},
        test_unschedulable, 0, 0, 5000, false},
    [R_KILLS] = {{"probe-kills", NS_KIND_PROBE_FAILURE, NS_SEV_WARN, "a liveness or startup probe kills a container again and again",
                     "ready for 60 s without a kill"},
        test_probe_kills, B(R_OOM) | MAKE, 0, MINUTE, true},
    [R_UNREADY] = {{"not-ready", NS_KIND_PROBE_FAILURE, NS_SEV_WARN,
                       "a running pod is not ready for 30 s and its probe fails; not within its first minute, nor during a rollout within its deadline",
                       "ready for 60 s"},
        test_unready, B(R_OOM) | B(R_CRASH) | MAKE, 0, MINUTE, true},
    [R_DEADLINE] = {{"progress-deadline", NS_KIND_DEPLOYMENT_STALLED, NS_SEV_CRIT,
                        "a Deployment's rollout exceeded its progress deadline and no pod shows why", "the rollout is complete for 10 s"},
        test_deadline, POD | B(R_KYVERNO), 1000, 10000, true},
    [R_REPLICAS] = {{"replica-failure", NS_KIND_DEPLOYMENT_STALLED, NS_SEV_CRIT,
                        "pods cannot be created (quota, admission, service account) for 10 s", "the rollout is complete for 10 s"},
        test_replica_failure, POD | B(R_KYVERNO), 10000, 10000, true},
    [R_KYVERNO] = {{"kyverno-violation", NS_KIND_KYVERNO_VIOLATION, NS_SEV_WARN,
                       "Kyverno refused a request for the workload, or a report shows it failing an enforced policy",
                       "the report no longer fails, the rollout is complete, or an exception lets it through"},
        test_kyverno, 0, 0, 0, false},
    [R_COST] = {{"cost-spike", NS_KIND_COST_SPIKE, NS_SEV_INFO,
                    "OpenCost's rate per day is at least the set ratio of the window before and over the set minimum",
                    "the next report shows it gone, or it has fewer replicas"},
        test_cost, 0, 0, 0, false},
    [R_EXTERNAL] = {{"external", NS_KIND_EXTERNAL, NS_SEV_WARN,
                        "another system (Alertmanager) reports the workload for 10 s and no row above holds for it; its own severity counts",
                        "the other system says so, or does not repeat it in time"},
        test_external, POD | B(R_DEADLINE) | B(R_REPLICAS) | B(R_KYVERNO), 10000, 0, false},
    [R_STORM] = {{"storm", NS_KIND_STORM, NS_SEV_CRIT,
                     "at least 30 % and 5 of the workloads, or 30 % and 2 of the nodes, are unhealthy at once (both configurable)",
                     "below four fifths of that for 30 s"},
        NULL, 0, 0, 30000, false},
};
const size_t dt_n_rules = R_COUNT;

static ns_rule_info public_rows[R_COUNT];
static pthread_once_t public_once = PTHREAD_ONCE_INIT;

static void make_public(void)
{
	for (size_t i = 0; i < R_COUNT; i++)
		public_rows[i] = dt_rules[i].info;
}

const ns_rule_info *ns_detector_rules(size_t *n)
{
	pthread_once(&public_once, make_public);
	*n = R_COUNT;
	return public_rows;
}
