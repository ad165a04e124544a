/* Tests of the rule table: containers and pods. A test looks at the compact cache only, says whether its row holds now, and when to look again
 * where time alone decides. */
#include <stdio.h>

#include "detector_rules.h"
#include "neuroscale/base/text.h"

enum {
	PENDING_MS = 15000,
	ROOM_MS = 5 * DT_MINUTE,
	ROOM_AT_MOST_MS = 15 * DT_MINUTE,
	CORDONED_MS = 5 * DT_MINUTE, /* somebody is emptying nodes: room is expected to come back */
	UNREADY_MS = 30000,
	START_MS = DT_MINUTE,
	FIRST_START_MS = 5 * DT_MINUTE,
	PROBE_SEEN_MS = 6 * DT_MINUTE, /* the kubelet's event limit repeats a failing probe at least every 5 minutes */
	MOUNT_SEEN_MS = 5 * DT_MINUTE,
	CREATING_MS = 10000,
	OLD_MS = 24 * 60 * DT_MINUTE,
	STUCK_MS = 10 * DT_MINUTE,
	SILENT_MS = 15 * DT_MINUTE
};

static const char *exit_words(const dt_env *e, const dt_container *c, const dt_end *end)
{
	if (!c->restarts)
		return ns_arena_printf(e->ar, "container %s ended with exit code %d (%s)", c->name, end->exit_code, end->reason);
	return ns_arena_printf(e->ar, "container %s ended with exit code %d (%s), restarted %d time%s", c->name, end->exit_code, end->reason, c->restarts,
	    c->restarts == 1 ? "" : "s");
}

/* What a controller made is made again, and its end is news for a while; nobody replaces a bare pod. Pods of controllers that are not known here
 * (workflows, pipelines, builds) end as Failed every day, and their makers keep them for weeks. */
static int64_t news_ms(const dt_pod *p)
{
	return *p->owner_uid ? DT_FRESH_MS : OLD_MS;
}

/* ---- containers that die ---- */

void dt_test_oom(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_thing *failed = dt_failed_job(e, f, w);
	DT_EACH_POD(e, w, p)
	DT_EACH_CONTAINER(p, c)
	{
		bool now = dt_is(c->now.reason, "OOMKilled"), last = dt_is(c->last.reason, "OOMKilled");
		const dt_memory *m = now || last ? dt_memory_of(p, c->name) : NULL;
		bool bad = false;
		if (dt_over(p) && now && failed && dt_is(p->owner_uid, failed->uid)) {
			bad = true; /* the Job failed of it */
		} else if (dt_over(p)) {
			/* A finished pod stays where it is: its kill is news for a while only. */
			bad = now && m && m->oom_seen_ms && e->wall - m->oom_seen_ms < news_ms(p);
			if (bad)
				dt_look_again(e, f, m->oom_seen_ms + news_ms(p));
		} else if (now || (last && dt_is(c->waiting, "CrashLoopBackOff"))) {
			bad = true;
		} else if (last && m && m->oom_seen_ms) {
			/* It runs again. Not ready yet, or the kill has only just been seen. */
			bad = (!c->ready && !c->init && e->wall - m->oom_seen_ms < DT_FRESH_MS) || e->wall - m->oom_seen_ms < DT_SHOWN_MS;
			dt_look_again(e, f, m->oom_seen_ms + DT_SHOWN_MS);
			dt_look_again(e, f, m->oom_seen_ms + DT_FRESH_MS);
		}
		if (bad)
			dt_found(e, f, p, c->name, "OOMKilled", exit_words(e, c, now ? &c->now : &c->last));
	}
}

static const char *const start_failures[] = {"StartError", "ContainerCannotRun", NULL};

static bool crash_loops(const dt_env *e, const dt_pod *p, const dt_container *c, dt_finding *f)
{
	const dt_memory *m = dt_memory_of(p, c->name);
	if (dt_over(p))
		return false;
	if (dt_is(c->waiting, "CrashLoopBackOff"))
		return true;
	if (!m || !m->restarted_ms[2] || e->wall - m->restarted_ms[2] >= DT_GREW_WITHIN_MS)
		return false;
	/* Between two back-offs it runs for a moment. */
	dt_look_again(e, f, m->restarted_ms[0] + DT_SHOWN_MS);
	dt_look_again(e, f, m->restarted_ms[2] + DT_GREW_WITHIN_MS);
	return !c->ready || e->wall - m->restarted_ms[0] < DT_SHOWN_MS;
}

/* A loop whose last end names its cause is but a symptom; one container with a loop of its own makes the finding stand. */
void dt_test_crashloop(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (int pass = 0; pass < 2 && !f->holds; pass++)
		DT_EACH_POD(e, w, p)
		DT_EACH_CONTAINER(p, c)
		{
			bool caused = dt_is(c->last.reason, "OOMKilled") || dt_is(c->now.reason, "OOMKilled") || ns_listed(c->last.reason, start_failures);
			if (caused != (pass == 1) || !crash_loops(e, p, c, f))
				continue;
			f->symptom = caused;
			dt_found(e, f, p, c->name, "CrashLoopBackOff", exit_words(e, c, *c->now.reason ? &c->now : &c->last));
		}
}

/* The runtime does not know how it ended: the node restarted, or went away for a while. That tells nothing of the container. */
static const char *const lost_ends[] = {"Unknown", "ContainerStatusUnknown", NULL};

/* Its end before this one was a bad one, too, and not long ago. One that nothing is known of any more counts. */
static bool ended_badly_before(const dt_container *c)
{
	const dt_end *last = &c->last;
	return c->restarts > 0 && (!*last->reason || (last->exit_code != 0 && !ns_listed(last->reason, lost_ends) &&
	                                                 (!last->finished_ms || !c->now.finished_ms || c->now.finished_ms - last->finished_ms < OLD_MS)));
}

/* Down after a second bad end, and the kubelet does not yet call it a loop. */
void dt_test_exits(const dt_env *e, dt_work *w, dt_finding *f)
{
	DT_EACH_POD(e, w, p)
	DT_EACH_CONTAINER(p, c)
	if (!dt_over(p) && *c->now.reason && c->now.exit_code != 0 && !ns_listed(c->now.reason, start_failures) && !ns_listed(c->now.reason, lost_ends) &&
	    ended_badly_before(c))
		dt_found(e, f, p, c->name, c->now.reason, exit_words(e, c, &c->now));
}

/* ---- containers that cannot be made ---- */

/* The same failed pull shows as two reasons in turn; they are one. */
static const struct { const char *waiting, *reason; } pull_reasons[] = {{"ErrImagePull", "ImagePullBackOff"}, {"ImagePullBackOff", "ImagePullBackOff"},
    {"ErrImageNeverPull", "ErrImageNeverPull"}, {"InvalidImageName", "InvalidImageName"}, {"ImageInspectError", "ImageInspectError"},
    {"RegistryUnavailable", "RegistryUnavailable"}, {"SignatureValidationFailed", "SignatureValidationFailed"}};

void dt_test_image(const dt_env *e, dt_work *w, dt_finding *f)
{
	DT_EACH_POD(e, w, p)
	DT_EACH_CONTAINER(p, c)
	for (size_t i = 0; !dt_over(p) && *c->waiting && i < sizeof pull_reasons / sizeof *pull_reasons; i++) {
		if (!dt_is(c->waiting, pull_reasons[i].waiting))
			continue;
		const dt_memory *m = dt_memory_of(p, c->name);
		bool pulled = dt_is(pull_reasons[i].reason, "ImagePullBackOff") && m && m->pull_cause;
		dt_found(e, f, p, c->name, pulled ? ns_arena_printf(e->ar, "%s (%s)", pull_reasons[i].reason, m->pull_cause) : pull_reasons[i].reason, c->message);
	}
}

void dt_test_config(const dt_env *e, dt_work *w, dt_finding *f)
{
	static const char *const waiting[] = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
	    "PreStartHookError", "PostStartHookError", NULL};
	DT_EACH_POD(e, w, p)
	DT_EACH_CONTAINER(p, c)
	{
		if (dt_over(p)) {
			if (p->phase == DT_FAILED && ns_listed(c->now.reason, start_failures) && e->wall - p->ended_ms < news_ms(p)) {
				dt_found(e, f, p, c->name, c->now.reason, exit_words(e, c, &c->now));
				dt_look_again(e, f, p->ended_ms + news_ms(p));
			}
			continue;
		}
		if (ns_listed(c->waiting, waiting))
			dt_found(e, f, p, c->name, c->waiting, c->message);
		else if (ns_listed(c->now.reason, start_failures) || (dt_is(c->waiting, "CrashLoopBackOff") && ns_listed(c->last.reason, start_failures)))
			dt_found(e, f, p, c->name, *c->now.reason ? c->now.reason : c->last.reason, exit_words(e, c, *c->now.reason ? &c->now : &c->last));
	}
}

void dt_test_mount(const dt_env *e, dt_work *w, dt_finding *f)
{
	static const char *const creating[] = {"ContainerCreating", "PodInitializing", NULL};
	DT_EACH_POD(e, w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		bool waits = false;
		DT_EACH_CONTAINER(p, c)
			waits |= ns_listed(c->waiting, creating);
		if (!n || !n->fail_ms || !waits || p->phase != DT_PENDING || e->wall - n->fail_ms >= MOUNT_SEEN_MS)
			continue;
		dt_look_again(e, f, n->fail_ms + MOUNT_SEEN_MS);
		if (e->wall - p->created_ms < CREATING_MS)
			dt_look_again(e, f, p->created_ms + CREATING_MS);
		else
			dt_found(e, f, p, "", n->fail_reason, n->fail_message);
	}
}

/* ---- pods that no node takes ---- */

static bool unschedulable(const dt_pod *p)
{
	return !p->scheduled && !dt_over(p) && dt_is(p->sched_reason, "Unschedulable");
}

static int64_t pending_since(const dt_pod *p)
{
	return p->sched_at_ms ? p->sched_at_ms : p->created_ms;
}

static bool claim_missing(const dt_pod *p)
{
	const char *at = strstr(p->sched_message, "persistentvolumeclaim \"");
	return at && strstr(at, "not found");
}

void dt_test_claim_missing(const dt_env *e, dt_work *w, dt_finding *f)
{
	DT_EACH_POD(e, w, p)
	if (unschedulable(p) && claim_missing(p) && !dt_too_early(e, f, pending_since(p), PENDING_MS))
		dt_found(e, f, p, "", "ClaimNotFound", p->sched_message);
}

/* What the scheduler says, in a few words; what it says of preemption repeats it. */
static const char *sched_cause(const dt_env *e, const char *message, bool *cordoned)
{
	static const struct { const char *words, *cause; } table[] = {{"Insufficient cpu", "cpu"}, {"Insufficient memory", "memory"},
	    {"Insufficient ephemeral-storage", "disk"}, {"allocate all claims", "device"}, {"Insufficient pods", "pods"}, {"Too many pods", "pods"}, {"exceeded quota", "quota"}, {" taint", "taint"},
	    {"affinity", "affinity"}, {"node selector", "affinity"}, {"topology spread", "topology spread"}, {"PersistentVolumeClaim", "volume"},
	    {"persistentvolumeclaim", "volume"}, {"volume", "volume"}, {"free ports", "host port"}, {"were unschedulable", "cordon"}};
	const char *end = strstr(message, "preemption:");
	char *text = ns_arena_strndup(e->ar, message, end ? (size_t)(end - message) : strlen(message));
	ns_buf b = NS_BUF_INIT;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (!strstr(text, table[i].words) || (b.len && strstr(ns_buf_str(&b), table[i].cause)))
			continue;
		ns_buf_printf(&b, "%s%s", b.len ? ", " : "", table[i].cause);
	}
	if (!b.len && strstr(text, "Insufficient "))
		ns_buf_puts(&b, "device");
	*cordoned = strstr(ns_buf_str(&b), "cordon") != NULL;
	const char *out = b.len ? ns_arena_printf(e->ar, "Unschedulable (%s)", ns_buf_str(&b)) : "Unschedulable";
	ns_buf_free(&b);
	return out;
}

/* A node took pods of the same owner with it: what waits for room now is its consequence. */
static bool node_took_some(const dt_env *e, const dt_work *w)
{
	for (size_t i = 0; e->d->n_down && i < w->n_pods; i++)
		if (dt_adrift(e->d, w->pods[i]))
			return true;
	return false;
}

/* One of its claims is an incident of its own; *wait: that is not decided yet. */
static bool claim_explains(const dt_env *e, dt_finding *f, const dt_pod *p, bool *wait)
{
	for (const char *c = p->claims; *c; c += strlen(c) + 1) {
		const dt_thing *t = dt_thing_of(e->d, DT_CLAIM, p->ns, c);
		if (t && dt_claim_wrong(e, f, t, wait))
			return true;
	}
	return false;
}

/* An autoscaler has said that it is bringing a node for it; most are there within two minutes. */
static bool room_comes(const dt_env *e, dt_finding *f, const dt_pod *p)
{
	const dt_note *n = dt_note_of(e->d, p->key);
	int64_t until = pending_since(p) + ROOM_AT_MOST_MS; /* one that says so again and again brings none */
	if (!n || !n->room_ms)
		return false;
	return dt_too_early(e, f, n->room_ms + ROOM_MS < until ? n->room_ms + ROOM_MS : until, 0);
}

void dt_test_unschedulable(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (int pass = 0; pass < 2 && !f->holds; pass++)
		DT_EACH_POD(e, w, p)
		{
			bool cordoned, wait = false;
			if (!unschedulable(p) || claim_missing(p))
				continue;
			const char *reason = sched_cause(e, p->sched_message, &cordoned);
			bool caused = node_took_some(e, w) || claim_explains(e, f, p, &wait);
			if (caused != (pass == 1) || wait || dt_too_early(e, f, pending_since(p), cordoned ? CORDONED_MS : PENDING_MS) || room_comes(e, f, p))
				continue;
			f->symptom = caused;
			dt_found(e, f, p, "", reason, p->sched_message);
		}
}

/* ---- probes ---- */

void dt_test_probe_kills(const dt_env *e, dt_work *w, dt_finding *f)
{
	DT_EACH_POD(e, w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		if (!n || !n->kill_ms || e->wall - n->kill_ms >= DT_GREW_WITHIN_MS || dt_over(p))
			continue;
		DT_EACH_CONTAINER(p, c)
		{
			if (n->container && *n->container && !dt_is(n->container, c->name))
				continue;
			bool waits = dt_is(c->waiting, "CrashLoopBackOff") && !dt_is(c->last.reason, "OOMKilled");
			/* The events' count may have begun anew; what restarted it last year was something else. */
			const dt_memory *m = dt_memory_of(p, c->name);
			bool twice = m && m->restarted_ms[1] && e->wall - m->restarted_ms[1] < DT_GREW_WITHIN_MS;
			bool again = (n->kills >= 2 || twice) && (!c->ready || e->wall - n->kill_ms < DT_SHOWN_MS);
			dt_look_again(e, f, n->kill_ms + DT_SHOWN_MS);
			dt_look_again(e, f, n->kill_ms + DT_GREW_WITHIN_MS);
			if (waits || again)
				dt_found(e, f, p, c->name, "Unhealthy", n->message);
		}
	}
}

/* Something with a name has brought it down, and it has not come up since. */
static bool told_otherwise(const dt_work *w)
{
	unsigned named = dt_health_kinds & ~DT_BIT(NS_KIND_PROBE_FAILURE);
	for (int k = 0; w->k && k < NS_KIND_COUNT; k++)
		if ((named & DT_BIT(k)) && w->k[k].alerted)
			return true;
	return false;
}

/* It has a node, and that is all. What has counts of pods is told by its rollout. */
static bool never_starts(const dt_env *e, dt_finding *f, const dt_work *w, const dt_pod *p)
{
	bool counted = w->obj && w->obj->kind <= DT_DAEMONSET;
	int64_t changed = p->ended_ms > p->created_ms ? p->ended_ms : p->created_ms;
	return !counted && p->phase == DT_PENDING && p->scheduled && !dt_too_early(e, f, changed, SILENT_MS);
}

void dt_test_unready(const dt_env *e, dt_work *w, dt_finding *f)
{
	bool rolling = w->obj && dt_obj_rolling(w->obj);
	/* Past its progress deadline a rollout has had its grace: the cause must be known before the symptom is told. */
	bool stalled = w->obj && dt_is(w->obj->prog_status, "False");
	DT_EACH_POD(e, w, p)
	{
		const dt_note *n = dt_note_of(e->d, p->key);
		int64_t newest = 0;
		bool all_run = p->n_c > 0, one_unready = false, first = true;
		int64_t started = 0;
		for (int i = 0; n && i < DT_PROBES; i++)
			newest = n->probe_ms[i] > newest ? n->probe_ms[i] : newest;
		DT_EACH_CONTAINER(p, c)
		{
			all_run &= c->running || c->init;
			one_unready |= !c->init && !c->ready;
			first &= c->init || !c->restarts;
			started = c->started_ms > started ? c->started_ms : started;
		}
		if (never_starts(e, f, w, p)) {
			f->symptom = told_otherwise(w);
			dt_found(e, f, p, "", "NotStarted", "it has had a node for 15 min and has not started, and no event says why");
		}
		if (p->phase != DT_RUNNING || p->ready || !all_run || rolling)
			continue;
		/* Events may be lost, or not be ours to see: that much silence is long enough. */
		if (!newest && one_unready && !dt_too_early(e, f, p->ready_at_ms > p->created_ms ? p->ready_at_ms : p->created_ms, SILENT_MS))
		{
			f->symptom = told_otherwise(w);
			dt_found(e, f, p, "", "NotReady", "a container has not been ready for 15 min, and no event says why");
		}
		if (!newest)
			continue;
		int64_t from = p->ready_at_ms + UNREADY_MS > p->created_ms + START_MS ? p->ready_at_ms + UNREADY_MS : p->created_ms + START_MS;
		/* It has never been ready yet: drained nodes and autoscalers start pods outside of rollouts, too, and big ones take their time. */
		if (first && started && p->ready_at_ms <= started && started + FIRST_START_MS > from)
			from = started + FIRST_START_MS;
		if (newest < p->ready_at_ms - DT_MINUTE || e->wall - newest >= PROBE_SEEN_MS)
			continue;
		dt_look_again(e, f, newest + PROBE_SEEN_MS);
		if (e->wall < from && !stalled)
			dt_look_again(e, f, from);
		else
			dt_found(e, f, p, n->container, "Unhealthy", n->message);
	}
}

/* ---- pods that ended, or will not ---- */

static bool node_told(const dt_env *e, const dt_pod *p)
{
	const dt_node *n = dt_node_of(e->d, p->node);
	return n && n->work && n->work->k && n->work->k[NS_KIND_NODE_PRESSURE].alerted;
}

void dt_test_evicted(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (int pass = 0; pass < 2 && !f->holds; pass++)
		DT_EACH_POD(e, w, p)
		{
			int64_t at = p->ended_ms ? p->ended_ms : p->created_ms;
			if (p->phase != DT_FAILED || !dt_is(p->reason, "Evicted") || e->wall - at >= news_ms(p))
				continue;
			/* A pod over its own limit is its own doing, whatever the node lacks. */
			bool caused = strncmp(p->message, "The node ", 9) == 0 && node_told(e, p);
			if (caused != (pass == 1))
				continue;
			dt_look_again(e, f, at + news_ms(p));
			f->symptom = caused;
			dt_found(e, f, p, "", "Evicted", p->message);
		}
}

static const char *end_words(const dt_env *e, const dt_pod *p)
{
	DT_EACH_CONTAINER(p, c)
	if (*c->now.reason && c->now.exit_code != 0)
		return exit_words(e, c, &c->now);
	return p->message;
}

/* Another row names the cause. */
static bool end_known(const dt_pod *p)
{
	bool known = dt_is(p->reason, "Evicted");
	DT_EACH_CONTAINER(p, c)
		known |= dt_is(c->now.reason, "OOMKilled") || ns_listed(c->now.reason, start_failures);
	return known;
}

void dt_test_failed(const dt_env *e, dt_work *w, dt_finding *f)
{
	if (!dt_is(w->kind, "Pod"))
		return;
	DT_EACH_POD(e, w, p)
	{
		int64_t at = p->ended_ms ? p->ended_ms : p->created_ms;
		if (p->phase != DT_FAILED || e->wall - at >= news_ms(p) || end_known(p))
			continue;
		dt_look_again(e, f, at + news_ms(p));
		dt_found(e, f, p, "", *p->reason ? p->reason : "PodFailed", end_words(e, p));
	}
}

void dt_test_stuck(const dt_env *e, dt_work *w, dt_finding *f)
{
	const char **names = ns_arena_alloc(e->ar, (w->n_pods + 1) * sizeof *names);
	for (size_t i = 0; i < w->n_pods; i++) {
		dt_pod *p = w->pods[i];
		if (!p->gone_by_ms || dt_adrift(e->d, p) || dt_too_early(e, f, p->gone_by_ms, STUCK_MS))
			continue;
		dt_found(e, f, NULL, "", "StuckTerminating",
		    ns_arena_printf(e->ar, "%s should have been gone for %lld min: a finalizer, a volume or its node holds it", p->name,
		        (long long)(e->wall - p->gone_by_ms) / DT_MINUTE));
		f->object_uid = p->key;
		names[f->n_members++] = p->name;
	}
	f->members = names;
}
