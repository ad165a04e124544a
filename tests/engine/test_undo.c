/* The undo capsule from the engine's side: armed after the change, taken back when it did not help or did harm, by a person, at an
 * exception's end; never twice, never over somebody else's change, and said when it cannot be. */
#include "../../src/engine/engine_priv.h"
#include "cases.h"
#include "neuroscale/store/capsule.h"

static void (*at_point)(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (at_point)
		at_point(name, incident);
}

/* ---- readers ---- */

static ns_capsule capsule(const live *l, ns_arena *ar, int64_t incident)
{
	ns_capsule c;
	ns_err err = {0};
	ns_store *st = live_record(l);
	must(ns_store_capsule_of(st, ar, incident, &c, &err), "%s", err.text);
	ns_store_close(st);
	return c;
}

static void must_be(const live *l, int64_t incident, ns_capsule_state want, const char *why)
{
	ns_arena *ar = ns_arena_new();
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	ns_capsule c = capsule(l, ar, incident);
	while (c.state != want && ns_real_mono_ms() < end) {
		rig_nap(LIVE_NAP_MS);
		c = capsule(l, ar, incident);
	}
	must(c.state == want, "the capsule is %s (%s), must be %s", ns_capsule_state_name(c.state), c.why, ns_capsule_state_name(want));
	must(strstr(c.why, why), "it says \"%s\", not \"%s\"", c.why, why);
	ns_arena_free(ar);
}

/* A member of the cluster's own copy of a Deployment. */
static void must_have(const live *l, const char *ns, const char *name, const char *part, bool there)
{
	char *text = ns_sim_object(l->r.sim, "apps/v1/deployments", ns, name);
	must(text && (strstr(text, part) != NULL) == there, "%s/%s %s %s", ns, name, there ? "has no" : "still has", part);
	free(text);
}

/* Until it can be taken back: its armed digest. */
static void armed(live *l, int64_t incident, char digest[65])
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (*digest = '\0'; !*digest; rig_nap(LIVE_NAP_MS)) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		for (size_t i = 0; i < s->n_undos; i++)
			if (s->undos[i].incident == incident)
				ns_copy(digest, 65, s->undos[i].digest);
		ns_snapshot_unref(s);
		must(ns_real_mono_ms() < end, "nothing can be taken back");
	}
}

static bool undo(live *l, int64_t incident, const char *digest, ns_err *err)
{
	char said[256] = "";
	ns_undo_req req = {.incident = incident, .digest = digest, .reason = "it made things worse", .surface = "cli"};
	return l->door.undo(l->door.ctx, &req, said, sizeof said, err) && strstr(said, "taking back");
}

static ns_inc_row fixed(live *l, const char *scenario, int rate)
{
	live_open(l, scenario, rate, NS_PROFILE_APPROVE);
	live_start(l);
	card c = live_card(l, "checkout", 0);
	live_yes(l, &c);
	ns_inc_row row = live_until(l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	return row;
}

static void audit_is_whole(const live *l)
{
	char head[65];
	int64_t rows;
	ns_err err = {0};
	ns_store *st = live_record(l);
	must(ns_store_audit_verify(st, NULL, &rows, head, &err), "%s", err.text);
	ns_store_close(st);
}

/* ---- the engine alone ---- */

/* The rollback is blamed for what bad data does: it does not help, nothing better is known, so the release comes back. */
static void what_did_not_help(void)
{
	live l;
	ns_arena *ar = ns_arena_new();
	live_open(&l, "rollback-in-vain", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "recommender", 0);
	live_yes(&l, &c);
	ns_inc_row row = live_until(&l, "reco", "recommender", "resolved|failed|manual_review");
	must(row.state == NS_ST_MANUAL_REVIEW && row.verdict == NS_VERDICT_NOT_FIXED, "%s, %s", ns_state_get(row.state)->name, row.note);
	must(strstr(row.note, "taken back: roll recommender back"), "the note is \"%s\"", row.note);
	must_be(&l, row.id, NS_CAP_UNDONE, "it did not help");
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	must_have(&l, "reco", "recommender", "recommender:5.1.0", true);
	ns_store *st = live_record(&l);
	ns_capsule cap = capsule(&l, ar, row.id);
	ns_intent it;
	must(strcmp(cap.by, "engine") == 0 && cap.undo_intent > cap.id, "taken by \"%s\"", cap.by);
	must(ns_store_intent_latest(st, ar, row.id, &it, NULL) && it.undo && it.id == cap.undo_intent && it.approval == c.id &&
	         strcmp(it.outcome, "sent") == 0,
	    "the undo has no intent of its own");
	must(strcmp(it.digest, c.digest) != 0 && strcmp(it.digest, cap.digest) == 0, "the undo was not sent as it was armed");
	static const char *const rows[] = {"undo asked", "undo started", "undo outcome", "undone"};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		must(rig_count_audit(st, ar, row.id, rows[i]) == 1, "\"%s\" stands %zu times in the audit", rows[i],
		    rig_count_audit(st, ar, row.id, rows[i]));
	ns_store_close(st);
	audit_is_whole(&l);
	live_quiet(&l, MINUTES(10)); /* once: nobody fights over it, and the same is not proposed again */
	live_close(&l);
	ns_arena_free(ar);
}

/* The raise takes room that no node has: the new pod is never placed. That is no fix and it is harm, so it does not wait for ten minutes.
 */
static void what_did_harm(void)
{
	live l;
	live_open(&l, "raise-without-room", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	int64_t sent = ns_clock_wall_ms(l.r.clock);
	while (live_sent(&l) < 2 && ns_clock_wall_ms(l.r.clock) - sent < MINUTES(20))
		rig_nap(LIVE_NAP_MS);
	must_be(&l, c.incident, NS_CAP_UNDONE, "fails in another way since the change");
	must(ns_clock_wall_ms(l.r.clock) - sent < MINUTES(9), "it took %lld s", (long long)(ns_clock_wall_ms(l.r.clock) - sent) / 1000);
	must_have(&l, "shop", "checkout", "\"memory\":\"128Mi\"", true);
	must_have(&l, "shop", "checkout", "\"memory\":\"256Mi\"", false);
	live_close(&l);
}

/* A second raise is proposed and nobody answers: silence is no, and the first one, which did not help, is taken back. */
static void silence_after_what_did_not_help(void)
{
	live l;
	live_open(&l, "oom-twice", 60, NS_PROFILE_APPROVE);
	l.o.approval_timeout_ms = MINUTES(6);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	live_card(&l, "checkout", c.id);
	must_be(&l, c.incident, NS_CAP_UNDONE, "nobody answered about what was to be tried next");
	ns_inc_row row = live_until(&l, "shop", "checkout", "manual_review");
	must(row.id == c.incident && strstr(row.note, "taken back: raise memory limit"), "%s", row.note);
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	must_have(&l, "shop", "checkout", "\"memory\":\"128Mi\"", true);
	live_close(&l);
}

/* Law 10: the failure that opens the breaker is this very one. The undo waits until it is half-open, is its one trial, and gives it back:
 * it says nothing about whether changes help. */
static void an_open_breaker_delays_it(void)
{
	live l;
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	ns_breaker_row b = {.scope = "target:sim/reco/Deployment/recommender", .state = "closed", .failures = 2}, now;
	live_open(&l, "rollback-in-vain", 60, NS_PROFILE_APPROVE);
	ns_store *st = ns_store_open(l.r.state, l.r.clock, &err);
	must(st && ns_store_begin(st, &err) && ns_store_breaker_put(st, &b, &err) && ns_store_commit(st, &err), "%s", err.text);
	ns_store_close(st);
	live_start(&l);
	card c = live_card(&l, "recommender", 0);
	live_yes(&l, &c);
	live_until(&l, "reco", "recommender", "undoing");
	st = live_record(&l);
	must(ns_store_breaker_get(st, ar, b.scope, &now, &err) && strcmp(now.state, "open") == 0, "the breaker is %s", now.state);
	int64_t open_until = now.opened_ms + MINUTES(5);
	while (ns_clock_wall_ms(l.r.clock) < open_until - MINUTES(1)) {
		must(live_sent(&l) == 1, "it was sent while the breaker was open");
		rig_nap(LIVE_NAP_MS);
	}
	must_be(&l, c.incident, NS_CAP_UNDONE, "");
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	must(capsule(&l, ar, c.incident).changed_ms >= open_until, "it was sent before the breaker was half-open");
	live_until(&l, "reco", "recommender", "manual_review");
	must(ns_store_breaker_get(st, ar, b.scope, &now, &err) && strcmp(now.state, "half_open") != 0, "the trial was not given back");
	ns_store_close(st);
	ns_arena_free(ar);
	live_close(&l);
}

/* A freeze that began since: nothing automatic. A person is told, and may still take it back. */
static void a_freeze_leaves_it_to_a_person(void)
{
	live l;
	char digest[65];
	ns_err err = {0};
	live_open(&l, "rollback-in-vain", 60, NS_PROFILE_APPROVE);
	l.c.freeze = true;
	live_start(&l);
	card c = live_card(&l, "recommender", 0);
	live_yes(&l, &c);
	ns_inc_row row = live_until(&l, "reco", "recommender", "resolved|failed|manual_review");
	must(strstr(row.note, "NOT taken back: a freeze window is open"), "%s", row.note);
	must(strstr(row.note, "by hand: kubectl"), "%s", row.note);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	must_be(&l, row.id, NS_CAP_ARMED, "");
	armed(&l, row.id, digest);
	must(undo(&l, row.id, digest, &err), "%s", err.text);
	must_be(&l, row.id, NS_CAP_UNDONE, "it made things worse");
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}

/* ---- a person ---- */

static void a_person_takes_back_what_was_fixed(void)
{
	live l;
	char digest[65];
	ns_err err = {0};
	ns_inc_row row = fixed(&l, "oom-simple", 60);
	armed(&l, row.id, digest);
	must_have(&l, "shop", "checkout", "\"memory\":\"256Mi\"", true);
	char other[65];
	memset(other, '0', 64);
	other[64] = '\0';
	must(!undo(&l, row.id, other, &err) && err.code == NS_E_CONFLICT, "another digest: %s", err.text);
	must(!undo(&l, row.id, "12", &err) && err.code == NS_E_USAGE, "no digest: %s", err.text);
	must(!undo(&l, row.id + 7, digest, &err) && err.code == NS_E_NOTFOUND, "no such incident: %s", err.text);
	must(undo(&l, row.id, digest, &err), "%s", err.text);
	row = live_until(&l, "shop", "checkout", "manual_review|failed");
	must(row.open && strstr(row.note, "taken back: raise memory limit") && strstr(row.note, "(by uid "), "%s", row.note);
	must(!undo(&l, row.id, digest, &err) && err.code == NS_E_CONFLICT && strstr(err.text, "was taken back already, by uid"),
	    "twice: %s", err.text);
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	must_have(&l, "shop", "checkout", "\"memory\":\"128Mi\"", true);
	must_have(&l, "shop", "checkout", "\"memory\":\"256Mi\"", false);
	audit_is_whole(&l);
	live_quiet(&l, MINUTES(5)); /* it fails again, and nobody puts the fix back */
	live_close(&l);
}

/* It fails again, now on other evidence (our own undo is the newest revision), where the machine may act alone: nobody is overruled. */
static void what_was_taken_back_is_asked_about(void)
{
	live l;
	char digest[65];
	ns_err err = {0};
	live_open(&l, "crashloop-release", 60, NS_PROFILE_AUTO);
	l.o.cooldown_ms = MINUTES(2);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	armed(&l, row.id, digest);
	must(undo(&l, row.id, digest, &err), "%s", err.text);
	must_be(&l, row.id, NS_CAP_UNDONE, "");
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	ns_inc_row next = {0};
	do { /* a new incident, once the cool-down is over */
		must(ns_real_mono_ms() < end, "it never came up again");
		next = live_until(
		    &l, "shop", "cart", "manual_review|awaiting_approval|detected|analyzing|planning|executing|verifying|resolved");
		must(live_sent(&l) == 2, "the machine put it back");
		rig_nap(LIVE_NAP_MS);
	} while (next.id == row.id || (next.state != NS_ST_AWAITING_APPROVAL && next.state != NS_ST_MANUAL_REVIEW));
	if (next.state == NS_ST_AWAITING_APPROVAL) {
		card c = live_card(&l, "cart", 0);
		must(strstr(c.ask, "was taken back here at") && strstr(c.ask, "by uid"), "a person is asked \"%s\"", c.ask);
	} else {
		must(strstr(next.note, "rejected before"), "%s", next.note);
	}
	live_quiet(&l, MINUTES(3));
	live_close(&l);
}

/* While it is verified: the verdict is not waited for. */
static void a_person_does_not_wait_for_the_verdict(void)
{
	live l;
	char digest[65];
	ns_err err = {0};
	live_open(&l, "oom-simple", 30, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(!undo(&l, c.incident, c.digest, &err) && err.code == NS_E_NOTFOUND, "nothing was changed: %s", err.text);
	live_yes(&l, &c);
	armed(&l, c.incident, digest);
	must(undo(&l, c.incident, digest, &err), "%s", err.text);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.state == NS_ST_MANUAL_REVIEW && strstr(row.note, "taken back"), "%s: %s", ns_state_get(row.state)->name, row.note);
	ns_arena *ar = ns_arena_new();
	ns_store *st = live_record(&l);
	must(rig_count_facts(st, ar, row.id, "verification") == 0, "it was judged all the same");
	must(ns_store_next_due(st, NULL) == -1, "a job was left over");
	ns_store_close(st);
	ns_arena_free(ar);
	live_close(&l);
}

/* Somebody else has changed the object since: it is theirs now. */
static void what_others_changed_since_is_left_alone(void)
{
	live l;
	char digest[65];
	ns_err err = {0};
	ns_inc_row row = fixed(&l, "oom-simple", 60);
	armed(&l, row.id, digest);
	live_change(&l, "shop", "checkout", "{\"spec\":{\"replicas\":5}}");
	int64_t sent = live_sent(&l);
	must(undo(&l, row.id, digest, &err), "%s", err.text);
	row = live_until(&l, "shop", "checkout", "manual_review|failed");
	must_be(&l, row.id, NS_CAP_FAILED, "was changed in between");
	must_be(&l, row.id, NS_CAP_FAILED, "now: ");
	must_be(&l, row.id, NS_CAP_FAILED, "limits/memory is as we set it");
	must(strstr(row.note, "NOT taken back"), "%s", row.note);
	must(live_sent(&l) == sent, "it was sent all the same");
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL); /* a person is told, in the queue */
	bool told = false;
	for (size_t i = 0; i < s->n_approvals; i++)
		told |= s->approvals[i].state == NS_CARD_BLOCKED && s->approvals[i].incident == row.id &&
		        strstr(s->approvals[i].summary, "By hand: kubectl");
	must(told && s->n_undos == 0, "nobody is told");
	ns_snapshot_unref(s);
	live_close(&l);
}

/* ---- arming ---- */

static live *at_work;
static void deny_at_arming(const char *name, int64_t incident)
{
	if (strcmp(name, "arming") == 0)
		ns_sim_deny(at_work->r.sim, "patch", "apps/v1/deployments", true);
}

static void a_person_is_told_at_once_when_it_cannot_be_armed(void)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	at_work = &l;
	at_point = deny_at_arming;
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	live_until(&l, "shop", "checkout", "verifying");
	must_be(&l, c.incident, NS_CAP_FAILED, "");
	bool told = false;
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while (!told && ns_real_mono_ms() < end) {
		ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
		for (size_t i = 0; i < s->n_messages; i++)
			told |= strstr(s->messages[i].text, "cannot be taken back by machine") != NULL;
		ns_snapshot_unref(s);
		rig_nap(LIVE_NAP_MS);
	}
	must(told, "nobody is told");
	live_until(&l, "shop", "checkout", "resolved"); /* the fix itself goes on */
	live_close(&l);
}

/* ---- time ---- */

static void its_time_ends(void)
{
	live l;
	ns_err err = {0};
	char digest[65];
	live_open(&l, "oom-simple", 120, NS_PROFILE_APPROVE);
	l.o.undo_ttl_ms = MINUTES(5);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	armed(&l, c.incident, digest);
	must_be(&l, c.incident, NS_CAP_EXPIRED, "its time is over");
	must(!undo(&l, c.incident, digest, &err) && err.code == NS_E_CONFLICT && strstr(err.text, "expired"), "%s", err.text);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_undos == 0, "it is still offered");
	ns_snapshot_unref(s);
	live_close(&l);
}

/* The exception lives for an hour and is then disarmed, whatever became of its incident; nothing is deleted. An engine that was away at its
 * end does it when it is back. */
static void an_exception_ends_by_itself(void)
{
	live l;
	live_open(&l, "kyverno-blocked", 240, NS_PROFILE_APPROVE);
	l.c.limits = ns_plan_limits_default;
	l.c.limits.exception_ttl_hours = 1;
	live_start(&l);
	card c = live_card(&l, "report-builder", 0);
	live_yes(&l, &c);
	live_until(&l, "data", "report-builder", "resolved");
	must_be(&l, c.incident, NS_CAP_ARMED, "");
	live_stop(&l);
	int64_t end = ns_clock_mono_ms(l.r.clock) + MINUTES(70);
	while (ns_clock_mono_ms(l.r.clock) < end)
		rig_nap(LIVE_NAP_MS);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_start(&l);
	must_be(&l, c.incident, NS_CAP_UNDONE, "its time is over");
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	ns_arena *ar = ns_arena_new();
	ns_capsule cap = capsule(&l, ar, c.incident);
	must(strcmp(cap.by, "timer") == 0 && cap.taken_ms >= cap.until_ms, "taken by %s", cap.by);
	ns_arena_free(ar);
	live_quiet(&l, MINUTES(3));
	live_close(&l);
}

/* Without the Lease nothing is sent, so it stays in effect after its end: that is said again and again, and stands in the queue. */
static void an_overdue_exception_nags(void)
{
	live l;
	live_open(&l, "kyverno-blocked", 240, NS_PROFILE_APPROVE);
	l.c.limits = ns_plan_limits_default;
	l.c.limits.exception_ttl_hours = 1;
	live_start(&l);
	card c = live_card(&l, "report-builder", 0);
	live_yes(&l, &c);
	live_until(&l, "data", "report-builder", "resolved");
	must_be(&l, c.incident, NS_CAP_ARMED, "");
	live_stop(&l);
	l.c.profile = NS_PROFILE_OBSERVE;
	live_start(&l);
	int said = 0;
	bool carded = false;
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while ((said < 1 || !carded) && ns_real_mono_ms() < end) {
		ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
		said = 0;
		for (size_t i = 0; i < s->n_messages; i++)
			said += strstr(s->messages[i].text, "overdue: except data/report-builder") != NULL;
		carded = false;
		for (size_t i = 0; i < s->n_approvals; i++)
			carded |= s->approvals[i].state == NS_CARD_BLOCKED && strstr(s->approvals[i].headline, "overdue") &&
			          strstr(s->approvals[i].summary, "By hand: kubectl");
		ns_snapshot_unref(s);
		rig_nap(LIVE_NAP_MS);
	}
	must(said && carded, "said %d times%s", said, carded ? "" : ", and nothing stands in the queue");
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}

#define C(case_)                                                                                                                           \
	{                                                                                                                                  \
		.name = #case_, .run = case_                                                                                               \
	}
int main(int argc, char **argv)
{
	static test_case list[] = {C(what_did_not_help), C(what_did_harm), C(silence_after_what_did_not_help), C(an_open_breaker_delays_it),
	    C(a_freeze_leaves_it_to_a_person), C(a_person_takes_back_what_was_fixed), C(what_was_taken_back_is_asked_about),
	    C(a_person_does_not_wait_for_the_verdict), C(what_others_changed_since_is_left_alone),
	    C(a_person_is_told_at_once_when_it_cannot_be_armed), C(its_time_ends), C(an_exception_ends_by_itself),
	    C(an_overdue_exception_nags)};
	return cases_main(argc, argv, "undo", list, sizeof list / sizeof list[0]);
}
