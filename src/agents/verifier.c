/* FIXED, NOT FIXED or UNKNOWN (law 9), one step at a time.
 *
 * Time is counted, never subtracted: a step adds at most MAX_STEP_MS, so that a clock that jumps ahead, a suspend or an engine that was dead for
 * an hour cannot make two minutes of health out of two looks. What was counted is then held against what the detector says about the time
 * between the looks: health that began later, or a failure in between, cuts it down.
 *
 * Which failures count: while the change rolls out, old pods may go on failing, and the detector's newest failure does not say whose it was.
 * From `settled_ms` on it can only be a changed instance: the workload was healthy on the new generation and the old pods had time to go
 * away, or all its pods are of the new template and even slow ones had time to replace the old. A failure after that is NOT FIXED at once. */
#include "neuroscale/agents/verifier.h"
#include <stdarg.h>
#include <stdio.h>
#include "neuroscale/model/record.h"

enum {
	NEED_MS = 120 * 1000,          /* the least that a recovery must hold */
	GRACE_MS = 10 * 60 * 1000,     /* watched this long without recovery: it did not work */
	BLIND_MS = 30 * 60 * 1000,     /* not watched enough within this: nobody knows */
	MAX_STEP_MS = 60 * 1000,
	OLD_PODS_MS = 30 * 1000,       /* the default termination grace period: after a healthy rollout the old pods are gone */
	ROLLED_MS = 90 * 1000,         /* without ever being healthy: start-up of the new and grace of the old */
};

void ns_verify_begin(ns_verify_state *v, int64_t now_ms, int64_t sent_generation)
{
	*v = (ns_verify_state){.started_ms = now_ms, .last_ms = now_ms, .need_ms = NEED_MS, .min_generation = sent_generation};
}

__attribute__((format(printf, 4, 5))) static ns_verdict say(ns_verdict verdict, char *why, size_t cap, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, cap, fmt, ap);
	va_end(ap);
	return verdict;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t since(int64_t now_ms, int64_t then_ms)
{
	return then_ms < now_ms ? now_ms - then_ms : 0;
}

/* The need grows with the longest time to failure seen, and never shrinks again. */
static void update_need(ns_verify_state *v, int64_t worst_ttf_ms)
{
	int64_t twice = worst_ttf_ms > INT64_MAX / 8 ? INT64_MAX / 4 : 2 * worst_ttf_ms;
	if (twice > v->need_ms)
		v->need_ms = twice;
}

static bool took_effect(const ns_verify_state *v, const ns_health *h)
{
	return h->observed_generation >= v->min_generation;
}

static void update_settled(ns_verify_state *v, const ns_health *h, int64_t now_ms)
{
	if (!took_effect(v, h))
		return;
	bool all_new = h->updated >= h->replicas;
	int64_t at = h->healthy ? now_ms + OLD_PODS_MS : all_new ? now_ms + ROLLED_MS : 0;
	if (at && (!v->settled_ms || at < v->settled_ms))
		v->settled_ms = at;
}

/* Healthy and live time up to now: what was counted, but no more than the detector vouches for. A stamp in the future is from before the
 * clock stepped back, so it lies further back than anything counted and bounds nothing. */
static int64_t counted(const ns_verify_state *v, const ns_health *h, int64_t now_ms, int64_t step_ms)
{
	if (!took_effect(v, h) || !h->healthy || h->healthy_since_ms <= 0)
		return 0;
	int64_t good = v->good_ms + step_ms;
	if (h->healthy_since_ms <= now_ms)
		good = least(good, now_ms - h->healthy_since_ms);
	if (h->last_failure_ms > 0 && h->last_failure_ms <= now_ms)
		good = least(good, now_ms - h->last_failure_ms);
	return good;
}

/* How long we look before we say that nobody knows: longer where the need itself is longer. */
static int64_t blind_limit(const ns_verify_state *v)
{
	return BLIND_MS + 2 * (v->need_ms - NEED_MS);
}

ns_verdict ns_verify_step(ns_verify_state *v, const ns_health *h, int64_t now_ms, char *why, size_t cap)
{
	int64_t passed = since(now_ms, v->last_ms), step = least(passed, MAX_STEP_MS);
	v->last_ms = now_ms;
	v->elapsed_ms += passed;
	if (!h->live) {
		v->good_ms = 0;
		if (v->elapsed_ms >= blind_limit(v))
			return say(NS_VERDICT_UNKNOWN, why, cap, "the watch was live for only %lld s of %lld s: nobody knows whether it worked",
			    (long long)v->live_ms / 1000, (long long)v->elapsed_ms / 1000);
		return say(NS_VERDICT_NONE, why, cap, "the watch is not live: nothing is counted");
	}
	v->live_ms += step;
	if (!h->found)
		return say(NS_VERDICT_UNKNOWN, why, cap, "the target is gone: nobody knows whether it worked");

	update_need(v, h->worst_ttf_ms);
	if (v->settled_ms && h->last_failure_ms > v->settled_ms && h->last_failure_ms <= now_ms) {
		v->failures++;
		v->good_ms = 0;
		return say(NS_VERDICT_NOT_FIXED, why, cap, "it failed again after the change took effect%s%s", *h->reason ? ": " : "", h->reason);
	}
	update_settled(v, h, now_ms);
	v->good_ms = counted(v, h, now_ms, step);
	if (v->good_ms >= v->need_ms)
		return say(NS_VERDICT_FIXED, why, cap, "healthy for %lld s (%lld s needed)", (long long)v->good_ms / 1000, (long long)v->need_ms / 1000);
	if (took_effect(v, h) && h->healthy)
		return say(NS_VERDICT_NONE, why, cap, "healthy for %lld s of %lld s", (long long)v->good_ms / 1000, (long long)v->need_ms / 1000);
	if (v->live_ms >= GRACE_MS)
		return say(NS_VERDICT_NOT_FIXED, why, cap, "no recovery within %d min of watching%s%s", GRACE_MS / 60000, *h->reason ? ": " : "", h->reason);
	if (!took_effect(v, h))
		return say(NS_VERDICT_NONE, why, cap, "the controller has not seen the change yet (generation %lld of %lld)",
		    (long long)h->observed_generation, (long long)v->min_generation);
	return say(NS_VERDICT_NONE, why, cap, "not healthy yet%s%s (%lld of %lld ready)", *h->reason ? ": " : "", h->reason, (long long)h->ready,
	    (long long)h->replicas);
}

const char *ns_verify_bears(const ns_verify_state *v, ns_verdict verdict, bool harm)
{
	bool held = v->need_ms >= NEED_MS && v->good_ms >= v->need_ms;
	switch (verdict) {
	case NS_VERDICT_FIXED: return held ? NULL : "it was not healthy for as long as it takes";
	case NS_VERDICT_NOT_FIXED: return harm || v->failures > 0 || (v->live_ms >= GRACE_MS && !held) ? NULL : "nothing failed, and the time for it to recover was not over";
	case NS_VERDICT_UNKNOWN: return held ? "it was healthy for as long as it takes" : NULL;
	default: return "that is no verdict";
	}
}

static const ns_field fields[] = {
    NS_FIELD(ns_verify_state, started_ms, I64), NS_FIELD(ns_verify_state, last_ms, I64), NS_FIELD(ns_verify_state, good_ms, I64),
    NS_FIELD(ns_verify_state, need_ms, I64), NS_FIELD(ns_verify_state, live_ms, I64), NS_FIELD(ns_verify_state, elapsed_ms, I64),
    NS_FIELD(ns_verify_state, settled_ms, I64), NS_FIELD(ns_verify_state, min_generation, I64), NS_FIELD(ns_verify_state, failures, I64),
    NS_FIELD_END,
};

cJSON *ns_verify_to_json(const ns_verify_state *v)
{
	return ns_record_encode(fields, v);
}

bool ns_verify_from_json(ns_verify_state *v, const cJSON *j, ns_err *err)
{
	ns_verify_state r = {0};
	if (!ns_record_decode(NULL, j, fields, &r, err))
		return ns_err_wrap(err, "verification");
	if (r.started_ms <= 0 || r.need_ms < NEED_MS || r.good_ms < 0 || r.live_ms < 0 || r.elapsed_ms < 0)
		return ns_fail(err, NS_E_INVALID, "verification: a time is missing or below its least");
	*v = r;
	return true;
}
