/* The loop from alert to end, and every way out of it that a person or the cluster takes (laws 4 to 7). */
#include <pthread.h>
#include <stdatomic.h>
#include "cases.h"

void ns_engine_test_point(const char *name, int64_t incident);
static void (*at_point)(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (at_point)
		at_point(name, incident);
}

/* ---- two approvers at once ---- */

enum { RACERS = 6 };
static struct racer {
	const live *l;
	card c;
	bool yes, won;
	ns_err err;
} racers[RACERS];
static pthread_barrier_t line;

static void *race(void *arg)
{
	struct racer *r = arg;
	ns_door door;
	char said[256];
	ns_decide_req req = {.approval = r->c.id, .approve = r->yes, .digest = r->c.digest, .reason = "", .surface = "cli"};
	must(ns_door_connect(r->l->r.state, &door, &r->err), "%s", r->err.text);
	pthread_barrier_wait(&line);
	r->won = door.decide(door.ctx, &req, said, sizeof said, &r->err);
	door.close(door.ctx);
	return NULL;
}

/* Law 6: of any number of answers exactly one counts; the others hear who was faster. And the loop goes on to its end. */
static void one_of_many_approves(void)
{
	live l;
	pthread_t th[RACERS];
	int won = 0;
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(live_sent(&l) == 0, "something was sent before anybody said yes");
	pthread_barrier_init(&line, NULL, RACERS);
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.l = &l, .c = c, .yes = true};
		must(pthread_create(&th[i], NULL, race, &racers[i]) == 0, "thread");
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(th[i], NULL);
	for (int i = 0; i < RACERS; i++) {
		won += racers[i].won;
		must(racers[i].won || racers[i].err.code == NS_E_CONFLICT, "a loser hears \"%s\"", racers[i].err.text);
		must(racers[i].won || strstr(racers[i].err.text, "uid "), "a loser does not hear who decided: %s", racers[i].err.text);
	}
	must(won == 1, "%d answers counted", won);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review|rejected|expired");
	must(row.state == NS_ST_RESOLVED && row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 1, "%lld changes were sent", (long long)live_sent(&l));
	for (int i = NS_STAGE_DETECT; i <= NS_STAGE_VERIFY; i++)
		must(row.stage[i] == NS_MARK_DONE, "stage %d is not done", i);
	ns_detail *d = l.door.detail(l.door.ctx, row.id, NULL);
	must(d && d->n_history >= 8 && d->n_evidence > 0 && d->execution[0] && d->verification[0], "the record has holes");
	ns_detail_free(d);
	live_close(&l);
}

/* ---- no ---- */

/* Law 7: a rejected plan is not proposed again unless its evidence changed, though the alert goes on and the cool-down ends. */
static void a_no_is_remembered(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	l.o.cooldown_ms = MINUTES(1);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	card wrong = c;
	memset(wrong.digest, 'a', 64);
	must(!live_decide(&l, &wrong, true, &err) && err.code == NS_E_CONFLICT, "a foreign digest was taken");
	must(live_decide(&l, &c, false, &err), "%s", err.text);
	ns_inc_row first = live_until(&l, "shop", "checkout", "rejected");
	must(strcmp(first.note, "not now") == 0, "the reason is lost: %s", first.note);
	must(!live_decide(&l, &c, true, &err) && err.code == NS_E_CONFLICT, "a decided approval was decided again");
	ns_inc_row second = live_until(&l, "shop", "checkout", "manual_review|awaiting_approval");
	must(second.id > first.id, "the same incident came back");
	must(second.state == NS_ST_MANUAL_REVIEW && strstr(second.note, "rejected before"), "%s: %s", ns_state_get(second.state)->name, second.note);
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

static void silence_is_no(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	l.o.approval_timeout_ms = MINUTES(1);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	ns_inc_row row = live_until(&l, "shop", "checkout", "expired");
	must(!live_decide(&l, &c, true, &err) && (err.code == NS_E_CONFLICT || err.code == NS_E_EXPIRED), "an expired question was answered");
	live_quiet(&l, MINUTES(1));
	live_stop(&l);
	live_start(&l); /* and it survives a restart */
	row = live_until(&l, "shop", "checkout", "expired");
	must(row.open, "it does not hold its identity");
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

static void recovery_withdraws(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-recovered", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "invoicer", 0);
	ns_inc_row row = live_until(&l, "shop", "invoicer", "withdrawn");
	must(!row.open, "it still holds its identity");
	must(!live_decide(&l, &c, true, &err) && err.code == NS_E_CONFLICT, "a withdrawn question was answered: %s", err.text);
	must(live_sent(&l) == 0, "something was sent");
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	ns_approval a;
	must(ns_store_approval_get(st, ar, c.id, &a, NULL) && a.state == NS_APPR_WITHDRAWN, "the approval is %s", ns_appr_state_name(a.state));
	must(ns_store_next_due(st, NULL) == -1, "a job was left over");
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

/* What healed while no engine ran: nobody will ever say that it recovered. */
static void recovery_unseen(void)
{
	live l;
	live_open(&l, "oom-recovered", 120, NS_PROFILE_APPROVE);
	live_start(&l);
	live_card(&l, "invoicer", 0);
	live_stop(&l);
	live_start(&l); /* a new engine: if it does not alert again, the question must not stay for ever */
	live_until(&l, "shop", "invoicer", "withdrawn");
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

/* ---- the object moves ---- */

/* Law 5: changed while the question waits: it is void, and asked anew. */
static void changed_while_it_waits(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card first = live_card(&l, "checkout", 0);
	live_change(&l, "shop", "checkout", "{\"spec\":{\"minReadySeconds\":1}}");
	card second = live_card(&l, "checkout", first.id);
	must(second.incident == first.incident, "it was given up instead of asked again");
	must(strcmp(first.digest, second.digest) != 0, "the digest does not know of the change");
	must(!live_decide(&l, &first, true, &err) && err.code == NS_E_CONFLICT, "a void question was answered: %s", err.text);
	must(live_sent(&l) == 1, "something was sent");
	live_yes(&l, &second);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}

static const live *_Atomic moving;
static void move_it_once(const char *name, int64_t incident)
{
	const live *l = strcmp(name, "before-intent") == 0 ? atomic_exchange(&moving, NULL) : NULL;
	if (l)
		live_change(l, "shop", "checkout", "{\"spec\":{\"minReadySeconds\":2}}");
}

/* Law 5: changed after the last look, just before it is sent: nothing goes out, it is asked anew. */
static void changed_under_the_hand(void)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	moving = &l;
	at_point = move_it_once;
	live_start(&l);
	card first = live_card(&l, "checkout", 0);
	live_yes(&l, &first);
	card second = live_card(&l, "checkout", first.id);
	must(second.incident == first.incident, "it was given up instead of asked again");
	must(live_sent(&l) == 1, "%lld changes before the second yes", (long long)live_sent(&l));
	live_yes(&l, &second);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 2, "%lld changes", (long long)live_sent(&l));
	live_stop(&l);
	ns_store *st = live_record(&l);
	must(ns_store_intents_since(st, NULL, NULL, 0, NULL) == 2, "each try must have its intent");
	ns_store_close(st);
	live_close(&l);
}

/* Law 5: the yes was given under another context (a restart in between, with another configuration): same object, same generation, and still not
 * what was approved. */
static void approved_under_another_context(void)
{
	static const char lease[] = "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"neuroscale-autopilot\","
	                            "\"namespace\":\"default\"},\"spec\":{\"holderIdentity\":\"another\",\"leaseDurationSeconds\":3600}}";
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	l.c.lease_required = true; /* another holds it: the approved change waits */
	must(ns_sim_put(l.r.sim, "coordination.k8s.io/v1/leases", lease, &err), "%s", err.text);
	live_start(&l);
	card first = live_card(&l, "checkout", 0);
	live_yes(&l, &first);
	live_until(&l, "shop", "checkout", "executing");
	live_stop(&l);
	free(l.kc->context);
	l.kc->context = ns_xstrdup("renamed");
	l.c.lease_required = false;
	live_start(&l);
	card second = live_card(&l, "checkout", first.id);
	must(strcmp(first.digest, second.digest) != 0, "the digest does not know the context");
	must(second.incident == first.incident, "it was given up instead of asked again");
	must(live_sent(&l) == 0, "what was approved elsewhere was sent");
	live_yes(&l, &second);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED && live_sent(&l) == 1, "%s: %s", ns_state_get(row.state)->name, row.note);
	live_close(&l);
}

/* ---- profiles ---- */

static void observe_never_sends(void)
{
	live l;
	live_open(&l, "crashloop-release", 60, NS_PROFILE_OBSERVE);
	live_start(&l);
	live_until(&l, "shop", "cart", "manual_review");
	live_quiet(&l, MINUTES(2));
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

static void auto_sends_alone(void)
{
	live l;
	live_open(&l, "crashloop-release", 60, NS_PROFILE_AUTO);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	ns_intent it;
	must(ns_store_intent_latest(st, ar, row.id, &it, NULL) && it.approval == 0, "the record does not say that nobody was asked");
	must(rig_count_audit(st, ar, row.id, "started") == 1, "the start is not in the audit");
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

/* One kill for memory may be the only one: before anything is done alone it is looked at again, and by then it runs. The clock is slow, so that the
 * first look comes before that. */
static void a_kill_that_stays_the_only_one_is_left_alone(void)
{
	live l;
	live_open(&l, "oom-recovered", 20, NS_PROFILE_AUTO);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "invoicer", "withdrawn|executing|verifying|resolved|failed|manual_review");
	must(row.state == NS_ST_WITHDRAWN, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

static void one_that_is_killed_again_is_mended_alone(void)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_AUTO);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}

/* The same with one condition missing each: a person is asked, and nothing is sent. */
static void auto_asks(const char *what, void (*tweak)(ns_cluster_opts *c))
{
	live l;
	live_open(&l, "crashloop-release", 60, NS_PROFILE_AUTO);
	tweak(&l.c);
	live_start(&l);
	live_card(&l, "cart", 0);
	live_quiet(&l, MINUTES(1));
	must(live_sent(&l) == 0, "sent alone with %s", what);
	live_close(&l);
}

static void freeze(ns_cluster_opts *c)
{
	c->freeze = true;
}
static void auto_asks_in_a_freeze(void)
{
	auto_asks("a freeze window", freeze);
}

static test_case list[] = {
    {.name = "one_of_many_approves", .run = one_of_many_approves},
    {.name = "a_no_is_remembered", .run = a_no_is_remembered},
    {.name = "changed_while_it_waits", .run = changed_while_it_waits},
    {.name = "changed_under_the_hand", .run = changed_under_the_hand},
    {.name = "approved_under_another_context", .run = approved_under_another_context},
    {.name = "auto_sends_alone", .run = auto_sends_alone},
    {.name = "a_kill_that_stays_the_only_one_is_left_alone", .run = a_kill_that_stays_the_only_one_is_left_alone},
    {.name = "one_that_is_killed_again_is_mended_alone", .run = one_that_is_killed_again_is_mended_alone},
    {.name = "auto_asks_in_a_freeze", .run = auto_asks_in_a_freeze},
    {.name = "observe_never_sends", .run = observe_never_sends},
    {.name = "silence_is_no", .run = silence_is_no},
    {.name = "recovery_withdraws", .run = recovery_withdraws},
    {.name = "recovery_unseen", .run = recovery_unseen},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "loop", list, sizeof list / sizeof list[0]);
}
