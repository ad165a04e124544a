/* Tests of the rule table: what makes pods, and what is said of it: rollouts, jobs, autoscalers, policy, cost. */
#include <stdio.h>

#include "detector_rules.h"

enum {
	STALL_MS = 10 * DT_MINUTE,
	JOB_OLD_MS = 24 * 60 * DT_MINUTE,
	LATE_MS = 5 * DT_MINUTE,
	HOUR_MS = 60 * DT_MINUTE, /* a daily run is an hour late when the clocks go back */
	SCALER_MS = 3 * DT_MINUTE,
	MAXED_MS = 15 * DT_MINUTE,
	CREATE_AGAIN_MS = 10000,        /* a quota that changed meanwhile refuses, too; the next try goes through */
	CREATE_SEEN_MS = 20 * DT_MINUTE /* the controllers' back-off, and the limit of repeated events */
};

/* ---- rollouts ---- */

static void unready_members(const dt_env *e, dt_work *w, dt_finding *f)
{
	DT_EACH_POD(e, w, p)
		if (!p->ready && !dt_over(p))
			dt_member(e, f, p);
}

static bool current(const dt_obj *o)
{
	return o && o->kind == DT_DEPLOYMENT && !o->paused && o->observed >= o->generation;
}

void dt_test_deadline(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	if (!current(o) || !dt_is(o->prog_status, "False") || dt_obj_complete(o))
		return;
	dt_found(e, f, NULL, "", *o->prog_reason ? o->prog_reason : "ProgressDeadlineExceeded", o->prog_message);
	f->object_uid = o->key;
	unready_members(e, w, f);
}

/* Somebody deletes the namespace: that nothing is made in it any more is what was asked for. */
static bool ends_with_its_namespace(const char *message)
{
	return strstr(message, "because it is being terminated") != NULL;
}

static const char *with_quota(const dt_env *e, const char *reason, const char *message)
{
	return strstr(message, "exceeded quota") ? ns_arena_printf(e->ar, "%s (quota)", reason) : reason;
}

/* A StatefulSet and a DaemonSet have no condition for it: their events tell. */
static const dt_note *cannot_create(const dt_env *e, dt_finding *f, const dt_obj *o)
{
	const dt_note *n = o->kind == DT_STATEFULSET || o->kind == DT_DAEMONSET ? dt_note_of(e->d, o->key) : NULL;
	if (!n || !n->fail_ms || e->wall - n->fail_ms >= CREATE_SEEN_MS)
		return NULL;
	dt_look_again(e, f, n->fail_ms + CREATE_SEEN_MS);
	return n;
}

void dt_test_replica_failure(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	if (!o || o->kind > DT_DAEMONSET || dt_obj_complete(o))
		return;
	const dt_note *n = cannot_create(e, f, o);
	if (!n && (!o->replica_failure || o->observed < o->generation))
		return;
	const char *reason = n ? n->fail_reason : *o->failure_reason ? o->failure_reason : "FailedCreate", *message = n ? n->fail_message : o->failure_message;
	if (ends_with_its_namespace(message))
		return;
	dt_found(e, f, NULL, "", with_quota(e, reason, message), message);
	f->object_uid = o->key;
}

static bool adrift(const dt_env *e, const dt_work *w)
{
	for (size_t i = 0; e->d->n_down && i < w->n_pods; i++)
		if (dt_adrift(e->d, w->pods[i]))
			return true;
	return false;
}

/* Only a Deployment has a deadline of its own; for the rest, and for a Deployment that is through and yet short of pods, silence is the sign. */
void dt_test_stalled(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	/* Without that condition it has no deadline either (progressDeadlineSeconds at its maximum). */
	bool deadline = o && dt_obj_rolling(o) && *o->prog_status;
	if (!o || o->kind > DT_DAEMONSET || o->paused || !o->replicas || dt_obj_complete(o) || deadline || dt_is(o->prog_status, "False") ||
	    dt_too_early(e, f, o->progress_ms, STALL_MS))
		return;
	f->symptom = adrift(e, w);
	dt_found(e, f, NULL, "", o->updated < o->replicas ? "RolloutStalled" : "ReplicasUnavailable",
	    ns_arena_printf(e->ar, "%lld of %lld pods are ready, %lld of the newest revision; nothing has changed for 10 min", (long long)o->ready,
	        (long long)o->replicas, (long long)o->updated));
	f->object_uid = o->key;
	unready_members(e, w, f);
}

/* ---- jobs ---- */

static int64_t went_well_ms(const dt_work *w)
{
	return w->obj && w->obj->ok_ms > w->job_ok_ms ? w->obj->ok_ms : w->job_ok_ms;
}

const dt_thing *dt_failed_job(const dt_env *e, dt_finding *f, const dt_work *w)
{
	const dt_thing *newest = NULL;
	for (size_t i = 0; i < w->n_things; i++)
		if (w->things[i]->sort == DT_JOB_FAILURE && (!newest || w->things[i]->since_ms > newest->since_ms))
			newest = w->things[i];
	if (!newest || newest->since_ms <= went_well_ms(w) || e->wall - newest->since_ms >= JOB_OLD_MS)
		return NULL;
	dt_look_again(e, f, newest->since_ms + JOB_OLD_MS);
	return newest;
}

/* Its pods are refused (quota, admission, service account), and none has been made since. */
static void cannot_start(const dt_env *e, const dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj && w->obj->kind >= DT_JOB ? w->obj : NULL;
	const dt_note *n = o ? dt_note_of(e->d, o->key) : NULL;
	if (!n || !n->fail_ms || e->wall - n->fail_ms >= CREATE_SEEN_MS || went_well_ms(w) >= n->fail_ms || ends_with_its_namespace(n->fail_message))
		return;
	for (size_t i = 0; i < w->n_pods; i++)
		if (w->pods[i]->created_ms >= n->fail_ms)
			return;
	dt_look_again(e, f, n->fail_ms + CREATE_SEEN_MS);
	if (dt_too_early(e, f, n->fail_ms, CREATE_AGAIN_MS))
		return;
	dt_found(e, f, NULL, "", with_quota(e, n->fail_reason, n->fail_message), n->fail_message);
	f->object_uid = o->key;
}

void dt_test_job(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_thing *newest = dt_failed_job(e, f, w);
	if (!newest) {
		cannot_start(e, w, f);
		return;
	}
	dt_found(e, f, NULL, "", newest->reason, *newest->message ? ns_arena_printf(e->ar, "Job %s: %s", newest->name, newest->message) : newest->name);
	f->object_uid = newest->uid;
	DT_EACH_POD(e, w, p)
	if (p->phase == DT_FAILED)
		dt_member(e, f, p);
}

void dt_test_cron(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_obj *o = w->obj;
	if (!o || o->kind != DT_CRONJOB || !o->quiet_ms || !o->run_ms || o->runs)
		return;
	int64_t allowed = o->quiet_ms + LATE_MS + (o->quiet_ms > HOUR_MS ? HOUR_MS : 0);
	/* What it did not do while it was suspended, or by a schedule that it did not have yet, it has not missed. */
	if (dt_too_early(e, f, o->run_ms > o->schedule_ms ? o->run_ms : o->schedule_ms, allowed))
		return;
	char at[32];
	ns_time_format(o->run_ms, at);
	dt_found(e, f, NULL, "", "MissedSchedule",
	    ns_arena_printf(e->ar, "no run since %s; its schedule never pauses for longer than %lld min", at, (long long)o->quiet_ms / DT_MINUTE));
	f->object_uid = o->key;
}

/* ---- autoscalers ---- */

static void autoscaler(const dt_env *e, dt_work *w, dt_finding *f, bool maxed_out, int64_t grace)
{
	const dt_thing *t = dt_thing_at(w, DT_AUTOSCALER);
	if (!t || dt_is(t->reason, "TooManyReplicas") != maxed_out || dt_too_early(e, f, t->since_ms, grace))
		return;
	dt_found(e, f, NULL, "", t->reason, ns_arena_printf(e->ar, "HorizontalPodAutoscaler %s: %s", t->name, t->message));
	f->object_uid = t->uid;
}

void dt_test_autoscaler(const dt_env *e, dt_work *w, dt_finding *f)
{
	autoscaler(e, w, f, false, SCALER_MS);
}

void dt_test_maxed_out(const dt_env *e, dt_work *w, dt_finding *f)
{
	autoscaler(e, w, f, true, MAXED_MS);
}

/* ---- policy and cost ---- */

void dt_test_kyverno(const dt_env *e, dt_work *w, dt_finding *f)
{
	int64_t until;
	const char *policy, *rule;
	const dt_result *fail;
	if (dt_blocked_holds(w, e->wall, &until)) {
		dt_found(e, f, NULL, "", "PolicyViolation", w->blocked->message);
		f->policy = w->blocked->policy;
		f->rule = w->blocked->rule;
	} else if ((fail = dt_enforced_fail(e->d, w)) != NULL) {
		dt_found(e, f, NULL, "", "PolicyViolation", fail->message);
		f->policy = fail->policy;
		f->rule = fail->rule;
	} else if (w->obj && w->obj->replica_failure && !dt_obj_complete(w->obj) && dt_parse_denial(e->ar, w->obj->failure_message, &policy, &rule)) {
		dt_found(e, f, NULL, "", "PolicyViolation", w->obj->failure_message);
		f->policy = policy;
		f->rule = rule;
	}
	if (until)
		dt_look_again(e, f, until);
	if (f->holds)
		f->object_uid = w->uid;
}

void dt_test_cost(const dt_env *e, dt_work *w, dt_finding *f)
{
	if (!w->spike)
		return;
	/* Fewer replicas than it had at the report: the next report will show it, and nobody need wait for that. */
	if (w->obj && w->spike_replicas > 0 && w->obj->replicas < w->spike_replicas)
		return;
	dt_found(e, f, NULL, "", "CostSpike",
	    ns_arena_printf(e->ar, "%.2f per day, %.1f times the %.2f of the window before", w->cost_now, w->cost_now / w->cost_before, w->cost_before));
	f->object_uid = w->uid;
}

void dt_test_budget(const dt_env *e, dt_work *w, dt_finding *f)
{
	const ns_cost_report *r = e->d->cost;
	if (!w->over_budget || !r)
		return;
	dt_found(e, f, NULL, "", "OverBudget",
	    ns_arena_printf(e->ar, "%.2f per day, over the budget of %.2f%s", r->total_per_day, e->d->cost_rule.budget_per_day,
	        r->n_rows ? ns_arena_printf(e->ar, "; most for %s/%s", r->rows[0].ns, r->rows[0].controller) : ""));
}
