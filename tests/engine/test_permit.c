/* Who lets it act, and how often: two people for what is grave, autonomy that is earned and lost, and limits per cluster, namespace and workload
 * (laws 4 and 6). */
#include "../../src/engine/engine_priv.h"
#include "cases.h"

static void (*at_point)(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (at_point)
		at_point(name, incident);
}

/* ---- four eyes ---- */

/* No plan of the offline analyst is that risky: the diagnosis on record is made so before the gate reads it. */
static live *graver;
static void make_grave(const char *name, int64_t incident)
{
	ns_err err = {0};
	if (!graver || strcmp(name, "planning") != 0)
		return;
	cJSON *rca = ns_store_fact_latest(graver->e->store, incident, "rca", NULL, &err);
	must(rca != NULL, "%s", err.text);
	cJSON_ReplaceItemInObjectCaseSensitive(rca, "risk", cJSON_CreateString("high"));
	must(ns_store_begin(graver->e->store, &err) && ns_store_fact_put(graver->e->store, incident, "rca", rca, &err) &&
	        ns_store_commit(graver->e->store, &err),
	    "%s", err.text);
	cJSON_Delete(rca);
}

static bool says(live *l, uid_t uid, const char *person, const card *c, bool yes, ns_err *err)
{
	char said[256];
	ns_decide_req req = {.approval = c->id, .approve = yes, .digest = c->digest, .reason = "", .surface = "cli", .person = person};
	*err = (ns_err){0};
	return ns_engine_decide(l->e, uid, NS_ROLE_APPROVER, &req, said, sizeof said, err);
}

static void people_say(live *l, const card *c, const char *part)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool there = false; !there; rig_nap(LIVE_NAP_MS)) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		const char *last = "no card";
		for (size_t i = 0; i < s->n_approvals; i++)
			if (s->approvals[i].id == c->id)
				last = s->approvals[i].people;
		there = strstr(last, part) != NULL;
		must(there || ns_real_mono_ms() < end, "the card says \"%s\", must say \"%s\"", last, part);
		ns_snapshot_unref(s);
	}
}

static const char *const shared[] = {"4003", "slack:UONCALL", "no-such-user", NULL};

static void four_eyes_open(live *l, int rate)
{
	live_open(l, "oom-simple", rate, NS_PROFILE_APPROVE);
	l->c.four_eyes = true;
	l->o.shared_accounts = shared;
	at_point = make_grave;
	graver = l;
}

static void four_eyes(void)
{
	live l;
	ns_err err;
	four_eyes_open(&l, 20);
	live_start(&l);
	card c = live_card(&l, "checkout", 0), other = c;
	memset(other.digest, '0', 64);
	people_say(&l, &c, "two different people");
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	bool warned = false, named = false;
	for (size_t i = 0; i < s->n_messages; i++) {
		warned |= strstr(s->messages[i].text, "only the user that runs the engine may decide") != NULL;
		named |= strstr(s->messages[i].text, "there is no user \"no-such-user\"") != NULL;
	}
	ns_snapshot_unref(s);
	must(named, "nobody is told of a shared account that is none");
	must(warned, "nobody is told that only one may decide");
	must(strstr(c.ask, "two different people"), "the card asks: %s", c.ask);
	must(!says(&l, 0, NULL, &c, true, &err) && err.code == NS_E_DENIED, "root counted");
	must(!says(&l, 4001, "uid:0", &c, true, &err) && err.code == NS_E_DENIED, "root under another name counted");
	must(!says(&l, 4001, "uid:4003", &c, true, &err) && err.code == NS_E_DENIED, "a shared account under another name counted");
	must(!says(&l, 4003, "uid:4001", &c, true, &err) && err.code == NS_E_DENIED, "somebody as a shared account counted");
	must(!says(&l, 4003, NULL, &c, true, &err) && err.code == NS_E_DENIED, "a shared account counted");
	must(!says(&l, 4001, "slack:UONCALL", &c, true, &err) && err.code == NS_E_DENIED, "a shared Slack account counted");
	must(!says(&l, 4001, NULL, &other, true, &err) && err.code == NS_E_CONFLICT, "a yes to another digest counted");
	must(says(&l, 4001, NULL, &c, true, &err), "%s", err.text);
	people_say(&l, &c, "1 of 2: uid 4001");
	must(!says(&l, 4001, NULL, &c, true, &err) && err.code == NS_E_CONFLICT, "one person was two");
	must(!says(&l, 4002, "uid:4001", &c, true, &err) && err.code == NS_E_CONFLICT, "one person was two by sudo");
	must(!says(&l, 4002, NULL, &other, true, &err) && err.code == NS_E_CONFLICT, "a second yes to another digest counted");
	live_quiet(&l, 10000);
	must(says(&l, 4001, "slack:U2", &c, true, &err), "%s", err.text); /* who it is is what the surface has proven, not the uid that it runs under */
	ns_inc_row row = live_until(&l, "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED && live_sent(&l) == 1, "%s: %s, %lld changes", ns_state_get(row.state)->name, row.note, (long long)live_sent(&l));
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	ns_approval a;
	must(rig_count_audit(st, ar, c.incident, "first yes of two") == 1 && rig_count_audit(st, ar, c.incident, "approved") == 1, "the audit lacks a yes");
	must(ns_store_approval_get(st, ar, c.id, &a, NULL) && strcmp(a.decided_by, "uid 4001 and slack:U2") == 0, "decided by %s", a.decided_by);
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

static void one_of_two_expires(void)
{
	live l;
	ns_err err;
	four_eyes_open(&l, 60);
	l.o.approval_timeout_ms = MINUTES(2);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(says(&l, 4001, NULL, &c, true, &err), "%s", err.text);
	ns_inc_row row = live_until(&l, "shop", "checkout", "expired");
	must(strstr(row.note, "one yes of two (uid 4001)"), "%s", row.note);
	must(!says(&l, 4002, NULL, &c, true, &err), "a second yes after the end counted");
	must(live_sent(&l) == 0, "something was sent");
	live_close(&l);
}

static void either_of_two_may_refuse(void)
{
	live l;
	ns_err err;
	four_eyes_open(&l, 60);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(says(&l, 4001, NULL, &c, true, &err), "%s", err.text);
	must(says(&l, 0, NULL, &c, false, &err), "%s", err.text); /* whoever may decide may say no */
	live_until(&l, "shop", "checkout", "rejected");
	must(!says(&l, 4002, NULL, &c, true, &err) && live_sent(&l) == 0, "a yes after a no counted");
	live_close(&l);
}

/* What one yes was enough for is asked again when two are needed by the time that it is sent. */
static void ask_two_now(const char *name, int64_t incident)
{
	make_grave(name, incident);
	if (strcmp(name, "before-intent") == 0)
		graver->e->clusters[0].o.four_eyes = true;
}

static void four_eyes_before_sending(void)
{
	live l;
	ns_err err;
	four_eyes_open(&l, 60);
	l.c.four_eyes = false;
	at_point = ask_two_now;
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	people_say(&l, &c, "");
	must(says(&l, 4001, NULL, &c, true, &err), "%s", err.text);
	card again = live_card(&l, "checkout", c.id);
	must(again.incident == c.incident && live_sent(&l) == 0, "one yes sent it");
	live_close(&l);
}

/* ---- earned autonomy ---- */

enum { LEAST = 5 };
#define RUNBOOK "crashloop-rollback"
static const char *const good_end[] = {"FIXED"}, *const bad_end[] = {"FIXED", "NOT FIXED"};

/* n incidents of other workloads of cart's namespace that the runbook was tried on; the last of them ended as the last of the ends. */
static void seed_record(const live *l, size_t n, const char *const *ends, size_t n_ends)
{
	ns_err err = {0};
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	ns_library *lib = ns_library_load(NULL, &err);
	must(st && lib, "%s", err.text);
	char *text = ns_xasprintf("{\"runbook\":\"%s\",\"runbook_hash\":\"%s\"}", RUNBOOK, ns_library_find(lib, RUNBOOK)->hash);
	for (size_t i = 0; i < n; i++) {
		char *name = ns_xasprintf("seed-%zu", i), *verdict = ns_xasprintf("{\"verdict\":\"%s\"}", ends[i + n_ends < n ? 0 : i + n_ends - n]);
		ns_alert a = {.kind = NS_KIND_POD_CRASHLOOP, .target = {"sim", "shop", "Deployment", name, "u"}, .container = "app", .reason = "", .message = "",
		    .policy = "", .rule = "", .object_uid = "u"};
		int64_t id = 0;
		bool is_new;
		cJSON *plan = cJSON_Parse(text), *v = cJSON_Parse(verdict);
		must(ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &id, &is_new, &err) && ns_store_fact_put(st, id, "plan", plan, &err) &&
		        ns_store_fact_put(st, id, "verification", v, &err) &&
		        ns_store_transition(st, id, NS_ST_DETECTED, 1, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "", &err) && ns_store_commit(st, &err),
		    "%s", err.text);
		cJSON_Delete(plan);
		cJSON_Delete(v);
		free(name);
		free(verdict);
	}
	free(text);
	ns_library_free(lib);
	ns_store_close(st);
}

static void autonomy_open(live *l, ns_autonomy mode)
{
	live_open(l, "crashloop-release", 60, NS_PROFILE_AUTO);
	l->c.autonomy = mode;
	l->c.autonomy_rule = (ns_autonomy_rule){.threshold = 0.5, .least = LEAST};
}

/* What the detail of the incident says of it. */
static void autonomy_says(live *l, int64_t incident, const char *part)
{
	ns_err err = {0};
	ns_detail *d = l->door.detail(l->door.ctx, incident, &err);
	must(d && strstr(d->autonomy, part), "the detail says \"%s\", must say \"%s\"", d ? d->autonomy : err.text, part);
	ns_detail_free(d);
}

static void earned_acts_alone(void)
{
	live l;
	autonomy_open(&l, NS_AUTONOMY_ON);
	seed_record(&l, LEAST, good_end, 1);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "resolved|awaiting_approval|manual_review|failed");
	must(row.state == NS_ST_RESOLVED && row.verdict == NS_VERDICT_FIXED && live_sent(&l) == 1, "%s: %s", ns_state_get(row.state)->name, row.note);
	autonomy_says(&l, row.id, "earned. It acted alone");
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	must(rig_count_audit(st, ar, row.id, "autonomy earned") == 1, "the audit does not say that it was earned");
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

static void the_first_bad_one_demotes(void)
{
	live l;
	autonomy_open(&l, NS_AUTONOMY_ON);
	seed_record(&l, 60, bad_end, 2); /* 59 fixes, and one that was not */
	live_start(&l);
	card c = live_card(&l, "cart", 0);
	must(strstr(c.ask, "has not earned"), "it asks because: %s", c.ask);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_approvals == 1 && strstr(s->approvals[0].autonomy, "had it earned it"), "the card says \"%s\"", s->approvals[0].autonomy);
	ns_snapshot_unref(s);
	autonomy_says(&l, c.incident, "59 of 60 fixed here, 0 in a row");
	autonomy_says(&l, c.incident, "not earned; last bad #60: not fixed. It would have acted alone, had it earned it");
	must(live_sent(&l) == 0, "it acted alone all the same");
	live_close(&l);
}

/* The shadow asks about what has been earned ten times over, and remembers what a person said to it. */
static void a_shadow_only_watches(void)
{
	live l;
	ns_err err = {0};
	autonomy_open(&l, NS_AUTONOMY_SHADOW);
	seed_record(&l, 10 * LEAST, good_end, 1);
	live_start(&l);
	card c = live_card(&l, "cart", 0);
	must(live_sent(&l) == 0, "a shadow acted");
	autonomy_says(&l, c.incident, "earned. It would have acted alone");
	must(live_decide(&l, &c, false, &err), "%s", err.text);
	live_until(&l, "shop", "cart", "rejected");
	autonomy_says(&l, c.incident, "It would have acted alone; a person said no");
	live_stop(&l);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	ns_tried *rows;
	size_t n;
	ns_autonomy_record r;
	ns_library *lib = ns_library_load(NULL, &err);
	must(lib && ns_store_tried(st, ar, "sim", "shop", RUNBOOK, ns_library_find(lib, RUNBOOK)->hash, 100, &rows, &n, &err), "%s", err.text);
	ns_library_free(lib);
	ns_autonomy_judge(rows, n, &l.c.autonomy_rule, &r);
	must(r.tried == 10 * LEAST + 1 && !r.earned && r.shadow == 1 && r.agreed == 0 && strcmp(r.bad_why, "rejected by a person") == 0,
	    "a person's no: %lld tried, %s, shadow %lld", (long long)r.tried, r.bad_why, (long long)r.shadow);
	ns_arena_free(ar);
	ns_store_close(st);
	live_close(&l);
}

/* What has earned everything is still bound by every other row: profile approve asks. */
static void earned_is_no_way_around_the_profile(void)
{
	live l;
	autonomy_open(&l, NS_AUTONOMY_ON);
	l.c.profile = NS_PROFILE_APPROVE;
	seed_record(&l, 10 * LEAST, good_end, 1);
	live_start(&l);
	live_card(&l, "cart", 0);
	must(live_sent(&l) == 0, "it acted alone");
	live_close(&l);
}

/* ---- blast radius ---- */

/* n changes of this target within the last hour, by somebody else's plans. */
static void seed_changes(const live *l, const char *target, int n)
{
	ns_err err = {0};
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	ns_alert a = {.kind = NS_KIND_POD_CRASHLOOP, .target = {"sim", "shop", "Deployment", "seed", "u"}, .container = "app", .reason = "", .message = "",
	    .policy = "", .rule = "", .object_uid = "u"};
	int64_t inc = 0, id;
	bool is_new;
	must(st && ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &inc, &is_new, &err), "%s", err.text);
	for (int i = 0; i < n; i++) {
		ns_intent it = {.incident = inc, .digest = "", .action = "rollback", .target = target, .cluster = "sim", .argv_json = "[]", .body = "", .lock_path = ""};
		must(ns_store_intent_start(st, &it, &id, &err) && ns_store_intent_finish(st, id, "sent", "", &err), "%s", err.text);
	}
	must(ns_store_transition(st, inc, NS_ST_DETECTED, 1, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "", &err) && ns_store_commit(st, &err), "%s", err.text);
	ns_store_close(st);
}

static void limit_asks(const char *target, int n, bool alone, const char *word)
{
	live l;
	live_open(&l, "crashloop-release", 60, NS_PROFILE_AUTO);
	l.o.target_cooldown_ms = 1;
	l.c.actions_per_hour = 9;
	l.c.ns_actions_per_hour = 6;
	l.c.target_actions_per_hour = 3;
	seed_changes(&l, target, n);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "resolved|awaiting_approval|manual_review|failed");
	must((row.state == NS_ST_RESOLVED) == alone, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(alone || strstr(row.note, word), "it asks because: %s", row.note);
	must(live_sent(&l) == (alone ? 1 : 0), "%lld changes", (long long)live_sent(&l));
	live_close(&l);
}
static void limit_of_the_cluster(void)
{
	limit_asks("web/Deployment/other", 9, false, "the cluster's limit");
}
static void limit_of_the_namespace(void)
{
	limit_asks("shop/Deployment/other", 6, false, "the namespace's limit");
}
static void limit_of_the_workload(void)
{
	limit_asks("shop/Deployment/cart", 3, false, "the workload's limit");
}
static void under_every_limit(void)
{
	limit_asks("shop/Deployment/other", 5, true, "");
}

static test_case list[] = {
    {.name = "four_eyes", .run = four_eyes},
    {.name = "one_of_two_expires", .run = one_of_two_expires},
    {.name = "either_of_two_may_refuse", .run = either_of_two_may_refuse},
    {.name = "four_eyes_before_sending", .run = four_eyes_before_sending},
    {.name = "earned_acts_alone", .run = earned_acts_alone},
    {.name = "the_first_bad_one_demotes", .run = the_first_bad_one_demotes},
    {.name = "a_shadow_only_watches", .run = a_shadow_only_watches},
    {.name = "earned_is_no_way_around_the_profile", .run = earned_is_no_way_around_the_profile},
    {.name = "limit_of_the_cluster", .run = limit_of_the_cluster},
    {.name = "limit_of_the_namespace", .run = limit_of_the_namespace},
    {.name = "limit_of_the_workload", .run = limit_of_the_workload},
    {.name = "under_every_limit", .run = under_every_limit},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "permit", list, sizeof list / sizeof list[0]);
}
