/* What stands between a yes and the cluster, and what goes wrong around it: Lease, breaker, storm, clock, disk, a stop in the middle (laws 4, 7, 8
 * and 10). */
#include <signal.h>
#include <sys/resource.h>
#include "../../src/engine/engine_priv.h"
#include "cases.h"

static void (*at_point)(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (at_point)
		at_point(name, incident);
}

/* ---- the Lease (law 8) ---- */

static void put_lease(const live *l, const char *holder, int seconds)
{
	ns_err err = {0};
	char *json = ns_xasprintf("{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"neuroscale-autopilot\","
	                          "\"namespace\":\"default\"},\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,\"leaseTransitions\":3,"
	                          "\"renewTime\":\"2026-01-01T00:00:00.000000Z\"}}",
	    holder, seconds);
	must(ns_sim_put(l->r.sim, "coordination.k8s.io/v1/leases", json, &err), "%s", err.text);
	free(json);
}

static void lease_of_another(void)
{
	live l;
	live_open(&l, "oom-simple", 30, NS_PROFILE_APPROVE);
	l.c.lease_required = true;
	put_lease(&l, "bastion-2_4711", 3600);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	live_until(&l, "shop", "checkout", "executing");
	live_quiet(&l, MINUTES(1));
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(!s->clusters[0].lease_held && strstr(s->clusters[0].lease_why, "bastion-2_4711"), "the screen says \"%s\"", s->clusters[0].lease_why);
	must(s->n_open == 1, "the incident is gone");
	ns_snapshot_unref(s);
	live_until(&l, "shop", "checkout", "executing");
	put_lease(&l, "", 1); /* given back: what was approved goes on */
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}

/* ---- the breaker (law 10) ---- */

static void put_breaker(const live *l, const char *scope, const char *state, int64_t failures, int64_t opened_ms, int64_t trial)
{
	ns_err err = {0};
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	ns_breaker_row row = {.scope = scope, .state = state, .failures = failures, .opened_ms = opened_ms, .trial_incident = trial};
	must(st && ns_store_begin(st, &err) && ns_store_breaker_put(st, &row, &err) && ns_store_commit(st, &err), "%s", err.text);
	ns_store_close(st);
}

/* An object that moves between the yes and the sending is asked about again: yes to that as well, until the workload is in one of the states. */
static ns_inc_row yes_until(live *l, const card *first, const char *states)
{
	card c = *first;
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (;;) {
		live_decide(l, &c, true, NULL); /* refused: a newer question stands */
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		int64_t newest = c.id;
		for (size_t i = 0; i < s->n_approvals; i++)
			newest = s->approvals[i].state == NS_CARD_READY && s->approvals[i].id > newest ? s->approvals[i].id : newest;
		const ns_inc_row *r = rig_row(s, "shop", "checkout");
		const char *at = r ? strstr(states, ns_state_get(r->state)->name) : NULL;
		ns_snapshot_unref(s);
		if (newest > c.id)
			c = live_card(l, "checkout", c.id);
		else if (at)
			return live_until(l, "shop", "checkout", states);
		must(ns_real_mono_ms() < end, "it is in none of %s", states);
		rig_nap(LIVE_NAP_MS);
	}
}

static void breaker_opens_and_refuses_the_approved(void)
{
	live l;
	live_open(&l, "oom-twice", 60, NS_PROFILE_APPROVE); /* its first raise does not fix it */
	put_breaker(&l, "target:sim/shop/Deployment/checkout", "closed", 2, 0, 0);
	live_start(&l);
	card first = live_card(&l, "checkout", 0);
	live_yes(&l, &first);
	card second = live_card(&l, "checkout", first.id);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	bool blocked = false;
	for (size_t i = 0; i < s->n_approvals; i++)
		blocked |= s->approvals[i].state == NS_CARD_BLOCKED && strstr(s->approvals[i].headline, "breaker");
	must(blocked && strstr(s->clusters[0].breakers, "target:sim/shop/Deployment/checkout open"), "nobody is told that it opened: \"%s\"",
	    s->clusters[0].breakers);
	ns_snapshot_unref(s);
	ns_inc_row row = yes_until(&l, &second, "manual_review|failed|resolved|verifying");
	must(row.state == NS_ST_MANUAL_REVIEW && strstr(row.note, "breaker"), "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&l) == 1, "%lld changes: an open breaker let one through", (long long)live_sent(&l));
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	must(rig_count_audit(st, ar, row.id, "breaker opened") == 1, "the opening is not in the audit");
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

/* A change of one incident is being verified: another incident of the same workload must not act alone beside it. */
static live *beside;
static void verify_another(const char *name, int64_t incident)
{
	static const ns_state way[] = {NS_ST_DETECTED, NS_ST_ANALYZING, NS_ST_PLANNING, NS_ST_EXECUTING, NS_ST_VERIFYING};
	ns_err err = {0};
	if (!beside || strcmp(name, "dryrun") != 0)
		return;
	ns_store *st = ns_store_open(beside->r.state, beside->r.clock, &err);
	beside = NULL;
	ns_alert a = {.kind = NS_KIND_CONFIG_ERROR, .severity = NS_SEV_WARN, .container = "app", .reason = "x", .message = "x", .policy = "", .rule = "",
	    .object_uid = "", .target = {.cluster = "sim", .ns = "shop", .kind = "Deployment", .name = "checkout", .uid = "u"}};
	int64_t id;
	bool is_new, ok = st && ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &id, &is_new, &err);
	for (size_t i = 0; ok && i + 1 < sizeof way / sizeof way[0]; i++)
		ok = ns_store_transition(st, id, way[i], (int64_t)i + 1, way[i + 1], NS_VERDICT_NONE, "", &err);
	must(ok && ns_store_commit(st, &err), "%s", err.text);
	ns_store_close(st);
}

static void one_change_at_a_time(void)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_AUTO);
	beside = &l;
	at_point = verify_another;
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(c.id > 0 && live_sent(&l) == 0, "%lld changes beside one that is being verified", (long long)live_sent(&l));
	live_yes(&l, &c); /* approved or not: it waits until that one has its verdict */
	live_quiet(&l, MINUTES(2));
	must(live_sent(&l) == 0, "an approved change was sent beside one that is being verified");
	live_close(&l);
}

/* Law 7, from the other side: a yes that could not be sent while its question would have been open is no yes any more. */
static void an_old_yes_is_asked_again(void)
{
	live l;
	live_open(&l, "oom-simple", 30, NS_PROFILE_APPROVE);
	l.c.lease_required = true;
	l.o.approval_timeout_ms = MINUTES(2);
	put_lease(&l, "bastion-2_4711", 3600);
	live_start(&l);
	card first = live_card(&l, "checkout", 0);
	live_yes(&l, &first);
	live_until(&l, "shop", "checkout", "executing");
	card second = live_card(&l, "checkout", first.id);
	must(second.incident == first.incident && live_sent(&l) == 0, "an old yes was obeyed");
	live_close(&l);
}

/* A trial whose incident ends without an outcome must not keep the breaker half-open for ever. */
static void trial_is_given_back(void)
{
	live l;
	ns_breaker_row row;
	ns_arena *ar = ns_arena_new();
	live_open(&l, "oom-recovered", 60, NS_PROFILE_APPROVE);
	put_breaker(&l, "cluster:sim", "half_open", 3, ns_clock_wall_ms(l.r.clock) - 301000, 1);
	live_start(&l);
	ns_inc_row inc = live_until(&l, "shop", "invoicer", "withdrawn");
	must(inc.id == 1, "the incident is %lld", (long long)inc.id);
	live_stop(&l);
	ns_store *st = live_record(&l);
	must(ns_store_breaker_get(st, ar, "cluster:sim", &row, NULL), "read");
	must(row.trial_incident == 0, "the trial is still incident %lld's", (long long)row.trial_incident);
	must(strcmp(row.state, "half_open") != 0 || row.trial_incident == 0, "it is %s", row.state);
	ns_store_close(st);
	ns_arena_free(ar);
	live_close(&l);
}

/* ---- storm ---- */

static void storm_holds(void)
{
	live l;
	live_open(&l, "storm", 60, NS_PROFILE_AUTO);
	live_start(&l);
	ns_inc_row row = live_until(&l, "", "sim", "manual_review");
	must(row.kind == NS_KIND_STORM, "it is a %s", ns_kind_get(row.kind)->name);
	live_quiet(&l, MINUTES(3));
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->clusters[0].storm && s->clusters[0].storm_why[0], "the screen knows of no storm");
	must(s->n_incidents <= 8, "%zu incidents beside the one summary", s->n_incidents);
	must(live_sent(&l) == 0, "something was sent");
	ns_snapshot_unref(s);
	live_close(&l);
}

/* ---- the clock ---- */

static _Atomic bool clock_runs;
static void *run_clock(void *clock)
{
	while (clock_runs) {
		ns_clock_advance(clock, 300); /* 60 times as fast, in steps */
		rig_nap(5);
	}
	return NULL;
}

static ns_clock *_Atomic jumping;
static void jump_before_the_gate(const char *name, int64_t incident)
{
	ns_clock *clock = strcmp(name, "dryrun") == 0 ? atomic_exchange(&jumping, NULL) : NULL;
	if (clock)
		ns_clock_jump_wall(clock, MINUTES(60));
}

static void open_by_hand(live *l, const char *scenario, ns_profile profile, pthread_t *th)
{
	ns_err err = {0};
	live_open(l, scenario, 1, profile);
	ns_sim_stop(l->r.sim);
	ns_kubeconfig_free(l->kc);
	ns_clock_free(l->r.clock);
	l->r.clock = ns_clock_manual(ns_clock_wall_ms(NULL), ns_clock_mono_ms(NULL));
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = l->r.clock, .seed = 1};
	l->r.sim = ns_sim_start(&o, &err);
	must(l->r.sim && ns_sim_write_kubeconfig(l->r.sim, l->r.kubeconfig, &err), "%s", err.text);
	l->kc = ns_kubeconfig_load(l->r.kubeconfig, NULL, &err);
	must(l->kc, "%s", err.text);
	l->c.cfg = l->kc;
	l->o.clock = l->r.clock;
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_INFO, l->r.clock);
	clock_runs = true;
	must(pthread_create(th, NULL, run_clock, l->r.clock) == 0, "thread");
}

static void close_by_hand(live *l, pthread_t th)
{
	live_stop(l);
	clock_runs = false;
	pthread_join(th, NULL);
	live_close(l);
}

/* Law 4: a clock that jumped in the very moment of the verdict makes nothing automatic. */
static void jump_bars_auto(void)
{
	live l;
	pthread_t th;
	open_by_hand(&l, "crashloop-release", NS_PROFILE_AUTO, &th);
	jumping = l.r.clock;
	at_point = jump_before_the_gate;
	live_start(&l);
	live_card(&l, "cart", 0);
	must(live_sent(&l) == 0, "it acted alone on a clock that jumps");
	close_by_hand(&l, th);
}

/* Law 7: wall and monotonic time disagree about how long was waited: that is a no. */
static void jump_expires(int64_t ms)
{
	live l;
	pthread_t th;
	ns_err err = {0};
	open_by_hand(&l, "oom-simple", NS_PROFILE_APPROVE, &th);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	ns_clock_jump_wall(l.r.clock, ms);
	must(!live_decide(&l, &c, true, &err) && (err.code == NS_E_EXPIRED || err.code == NS_E_CONFLICT), "a yes after a jump counted: %s", err.text);
	live_until(&l, "shop", "checkout", "expired");
	must(live_sent(&l) == 0, "something was sent");
	close_by_hand(&l, th);
}
static void jump_ahead_expires(void)
{
	jump_expires(MINUTES(10));
}
static void jump_back_expires(void)
{
	jump_expires(-MINUTES(10));
}

/* ---- a full disk ---- */

static void disk(bool full)
{
	struct rlimit r;
	must(getrlimit(RLIMIT_FSIZE, &r) == 0, "limit");
	r.rlim_cur = full ? 0 : r.rlim_max;
	must(setrlimit(RLIMIT_FSIZE, &r) == 0, "limit: %s", strerror(errno));
}

static const char *_Atomic full_at;
static void fill_at_point(const char *name, int64_t incident)
{
	const char *at = full_at;
	if (at && strcmp(name, at) == 0) {
		full_at = NULL;
		disk(true);
	}
}

/* The disk fills up at a point and has room again a while later: the incident goes on to its end, and no change is sent twice. */
static void full_disk_at(const char *point)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	full_at = point;
	at_point = fill_at_point;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ); /* a write beyond the limit then only fails */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live_start(&l);
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS, full_since = 0, said = 0;
	ns_inc_row row = {0};
	while (row.verdict != NS_VERDICT_FIXED || row.state != NS_ST_RESOLVED) {
		ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
		const ns_inc_row *r = rig_row(s, "shop", "checkout");
		row = r ? *r : (ns_inc_row){0};
		for (size_t i = 0; i < s->n_approvals; i++) {
			const ns_appr_row *a = &s->approvals[i];
			card c = {.id = a->id};
			ns_copy(c.digest, sizeof c.digest, a->digest);
			if (a->state == NS_CARD_READY && a->id > said && live_decide(&l, &c, true, NULL))
				said = a->id; /* a yes that could not be recorded was refused, and is given again */
		}
		ns_snapshot_unref(s);
		if (!full_at && !full_since)
			full_since = ns_real_mono_ms();
		if (full_since && ns_real_mono_ms() > full_since + 1500)
			disk(false);
		must(ns_real_mono_ms() < end, "it is %s", ns_state_get(row.state)->name);
		rig_nap(LIVE_NAP_MS);
	}
	must(!full_at, "it never came to \"%s\"", point);
	must(live_sent(&l) == 1, "%lld changes", (long long)live_sent(&l));
	live_stop(&l);
	ns_store *st = live_record(&l);
	int64_t rows;
	char head[65];
	ns_err err = {0};
	must(ns_store_audit_verify(st, NULL, &rows, head, &err), "%s", err.text);
	ns_store_close(st);
	live_close(&l);
}
static void full_disk_after_send(void)
{
	full_disk_at("after-send");
}
static void full_disk_while_analyzing(void)
{
	full_disk_at("analyzing");
}
static void full_disk_before_intent(void)
{
	full_disk_at("before-intent");
}

/* What the detector says while nothing can be written waits, in its order, and is recorded once there is room: it says it only once. */
static void full_disk_loses_no_news(void)
{
	static const char *const pods[] = {"gone-1"};
	const ns_alert a = {.kind = NS_KIND_POD_CRASHLOOP, .severity = NS_SEV_CRIT, .target = {"sim", "shop", "Deployment", "stays", "u-1"}, .container = "app",
	    .reason = "CrashLoopBackOff", .message = "it crashes", .pods = pods, .n_pods = 1, .policy = "", .rule = "", .object_uid = "u-1"};
	ns_alert b = a;
	char gone[512];
	live l;
	b.target.name = "goes";
	ns_identity(&b, gone, sizeof gone);
	live_open(&l, "healthy", 60, NS_PROFILE_OBSERVE);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live_start(&l);
	ns_engine_sink.alert(&l.e->clusters[0], &b);
	live_until(&l, "shop", "goes", "detected|analyzing|planning|manual_review");
	disk(true);
	ns_engine_sink.alert(&l.e->clusters[0], &a);
	ns_engine_sink.recovered(&l.e->clusters[0], gone, ns_clock_wall_ms(l.r.clock));
	rig_nap(500);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(!rig_row(s, "shop", "stays"), "the disk is not full");
	ns_snapshot_unref(s);
	disk(false);
	live_until(&l, "shop", "stays", "detected|analyzing|planning|manual_review");
	live_until(&l, "shop", "goes", "withdrawn|resolved");
	live_close(&l);
}

/* ---- a stop in the middle ---- */

/* Law 8, and "children that run are given their grace": the stop is quick, and what was sent is on record as unknown, or still open. */
static void stop_under_kubectl(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	char *script = ns_path_join(l.r.dir, "kubectl"), *there = ns_path_join(l.r.dir, "there");
	char *text = ns_xasprintf("#!/bin/sh\ncase \" $* \" in\n*\" --dry-run=server \"*) ;;\n*\" patch \"*) trap '' TERM; : >%s; sleep 600 ;;\nesac\nexec %s \"$@\"\n",
	    there, cases.kubectl);
	must(ns_write_file_atomic(script, text, strlen(text), 0700, &err), "%s", err.text);
	l.o.kubectl = script;
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	live_yes(&l, &c);
	for (int i = 0; !ns_exists(there); i++) {
		must(i < LIVE_LIMIT_MS / LIVE_NAP_MS, "kubectl was never started");
		rig_nap(LIVE_NAP_MS);
	}
	int64_t began = ns_real_mono_ms();
	live_stop(&l);
	int64_t took = ns_real_mono_ms() - began;
	must(took < 6000, "the stop took %lld ms", (long long)took);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	ns_incident inc;
	ns_intent it;
	must(ns_store_intent_latest(st, ar, c.incident, &it, NULL) && ns_store_incident_get(st, ar, c.incident, &inc, NULL), "the intent is lost");
	must(!it.finished || strcmp(it.outcome, "unknown") == 0, "the outcome is \"%s\"", it.outcome);
	must(inc.state == (it.finished ? NS_ST_VERIFYING : NS_ST_EXECUTING), "it is %s", ns_state_get(inc.state)->name);
	must(ns_lock_is_free(it.lock_path), "kubectl outlived its grace");
	ns_arena_free(ar);
	ns_store_close(st);
	l.o.kubectl = cases.kubectl;
	live_start(&l); /* nothing was sent: seen, planned and asked again */
	card second = live_card(&l, "checkout", c.id);
	must(live_sent(&l) == 0, "it was sent again without a yes");
	live_yes(&l, &second);
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED && live_sent(&l) == 1, "%s: %s", ns_state_get(row.state)->name, row.note);
	free(script);
	free(there);
	free(text);
	live_close(&l);
}

/* A stop while only looking is no verdict on the plan. */
static void stop_under_dryrun(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	char *script = ns_path_join(l.r.dir, "kubectl"), *there = ns_path_join(l.r.dir, "there");
	char *text = ns_xasprintf("#!/bin/sh\n: >%s\nsleep 600\n", there);
	must(ns_write_file_atomic(script, text, strlen(text), 0700, &err), "%s", err.text);
	l.o.kubectl = script;
	live_start(&l);
	for (int i = 0; !ns_exists(there); i++) {
		must(i < LIVE_LIMIT_MS / LIVE_NAP_MS, "kubectl was never started");
		rig_nap(LIVE_NAP_MS);
	}
	live_stop(&l);
	l.o.kubectl = cases.kubectl;
	live_start(&l);
	live_card(&l, "checkout", 0); /* fails when it was handed to a person because we stopped */
	free(script);
	free(there);
	free(text);
	live_close(&l);
}

static test_case list[] = {
    {.name = "lease_of_another", .run = lease_of_another},
    {.name = "breaker_opens_and_refuses_the_approved", .run = breaker_opens_and_refuses_the_approved},
    {.name = "full_disk_after_send", .run = full_disk_after_send},
    {.name = "full_disk_before_intent", .run = full_disk_before_intent},
    {.name = "full_disk_while_analyzing", .run = full_disk_while_analyzing},
    {.name = "full_disk_loses_no_news", .run = full_disk_loses_no_news},
    {.name = "stop_under_kubectl", .run = stop_under_kubectl},
    {.name = "stop_under_dryrun", .run = stop_under_dryrun},
    {.name = "storm_holds", .run = storm_holds},
    {.name = "one_change_at_a_time", .run = one_change_at_a_time},
    {.name = "an_old_yes_is_asked_again", .run = an_old_yes_is_asked_again},
    {.name = "trial_is_given_back", .run = trial_is_given_back},
    {.name = "jump_bars_auto", .run = jump_bars_auto},
    {.name = "jump_ahead_expires", .run = jump_ahead_expires},
    {.name = "jump_back_expires", .run = jump_back_expires},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "guard", list, sizeof list / sizeof list[0]);
}
