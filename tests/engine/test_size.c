/* What an engine costs that runs for long and has much to show. Figures are judged without sanitizers only. */
#include "../../src/engine/engine_priv.h"
#include "cases.h"

/* None of any number of verifications is forgotten, and a window is used again. */
static void many_verifications(void)
{
	enum { MANY = 300 };
	ns_engine e = {.verify_wake = ns_wake_new()};
	pthread_mutex_init(&e.verify_mu, NULL);
	for (int round = 0; round < 3; round++)
		for (int64_t i = 1; i <= MANY; i++)
			ns_verify_watch(&e, i, 1764000000000 + round, 1, "/nowhere/lock");
	for (int64_t i = 1; i <= MANY; i++) {
		int64_t good = -1, need = -1;
		must(ns_verify_progress(&e, i, &good, &need) && good == 0 && need >= 120000, "verification %lld was forgotten", (long long)i);
	}
	must(e.n_verifying == MANY, "%zu windows for %d incidents", e.n_verifying, MANY);
	for (size_t i = 0; i < e.n_verifying; i++)
		free(e.verifying[i].lock_path);
	free(e.verifying);
	ns_wake_free(e.verify_wake);
	pthread_mutex_destroy(&e.verify_mu);
}

static ns_alert flapping_alert(int i)
{
	static char name[32];
	static const char *const pods[] = {"flapper-1"};
	snprintf(name, sizeof name, "flapper-%d", i);
	return (ns_alert){.kind = NS_KIND_POD_CRASHLOOP, .severity = NS_SEV_CRIT, .target = {"sim", "shop", "Deployment", name, "u-1"}, .container = "app",
	    .reason = "CrashLoopBackOff", .message = "it flaps", .pods = pods, .n_pods = 1, .policy = "", .rule = "", .object_uid = "u-1"};
}

static int64_t resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	must(f && fscanf(f, "%*s %ld", &pages) == 1, "statm");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void flap(live *l, int rounds)
{
	static int n;
	for (int i = 0; i < rounds; i++) {
		char identity[512];
		ns_alert a = flapping_alert(n++ % 7);
		ns_identity(&a, identity, sizeof identity);
		ns_engine_sink.alert(&l->e->clusters[0], &a);
		rig_nap(2);
		ns_engine_sink.recovered(&l->e->clusters[0], identity, ns_clock_wall_ms(l->r.clock));
		rig_nap(2);
	}
	for (int i = 0; i < 500; i++) { /* until all of it is through */
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		bool idle = s->n_open == 0;
		ns_snapshot_unref(s);
		if (idle && ns_store_next_due(l->e->store, NULL) == -1)
			return;
		rig_nap(LIVE_NAP_MS);
	}
	must(false, "the flood was never worked off");
}

/* How long it takes from "the picture is stale" to the new one, at best of some: what is asked is the work, not what else runs here. */
static int64_t picture_ms(live *l)
{
	enum { PICTURES = 20 };
	int64_t best = INT64_MAX;
	for (int i = 0; i < PICTURES; i++) {
		rig_nap(100); /* past the time in which changes are one picture */
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		int64_t seq = s->seq, now;
		ns_snapshot_unref(s);
		int64_t began = ns_real_mono_ms();
		ns_engine_dirty(l->e);
		do {
			rig_nap(1);
			s = l->door.snapshot(l->door.ctx, NULL);
			now = s->seq;
			ns_snapshot_unref(s);
		} while (now == seq && ns_real_mono_ms() < began + 5000);
		if (ns_real_mono_ms() - began < best)
			best = ns_real_mono_ms() - began;
	}
	return best;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FIGURES_COUNT false
#else
#define FIGURES_COUNT true
#endif

/* One incident with all that a planned one has, in the hands of a person. */
static void put_planned(ns_store *st, ns_arena *ar, int i)
{
	static const char *const steps[] = {"look at the deployment", "raise the memory limit by a factor of two", "watch it for two minutes"};
	static const char *const argv[] = {"-n", "shop", "patch", "deployment/flapper", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	static const char body[] = "[{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"256Mi\"}]";
	ns_err err = {0};
	ns_alert a = flapping_alert(i);
	ns_command c = {.argv = argv, .body = body, .json_patch = true, .equivalent = "kubectl -n shop set resources deployment/flapper --limits=memory=256Mi"};
	ns_plan p = {.action = NS_ACT_PATCH_RESOURCES, .risk = NS_RISK_MEDIUM, .target = a.target, .generation = 1, .runbook = "oomkill-increase-memory",
	    .runbook_hash = "", .runbook_title = "Raise the memory limit", .summary = "raise memory limit of flapper/app 128Mi -> 256Mi", .steps = steps,
	    .n_steps = 3, .command = c, .undo = c, .undo_valid = true, .verify = "no OOM kill", .manual_command = "", .expected_effect = ""};
	ns_card words = {.headline = p.summary, .summary = "It needs more memory than its limit.", .ask = ""};
	int64_t id;
	bool is_new;
	cJSON *alert = ns_alert_to_json(&a), *plan = ns_plan_to_json(&p), *summary = ns_card_to_json(&words);
	must(ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &id, &is_new, &err) && ns_store_fact_put(st, id, "alert", alert, &err) &&
	        ns_store_fact_put(st, id, "plan", plan, &err) && ns_store_fact_put(st, id, "summary", summary, &err) &&
	        ns_store_transition(st, id, NS_ST_DETECTED, 1, NS_ST_MANUAL_REVIEW, NS_VERDICT_NONE, "for a person", &err) && ns_store_commit(st, &err),
	    "%s", err.text);
	cJSON_Delete(alert);
	cJSON_Delete(plan);
	cJSON_Delete(summary);
}

/* 500 incidents that hold their identity and have a plan each: painted within what a frame may cost. */
static void picture_of_500(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "healthy", 1, NS_PROFILE_APPROVE);
	ns_store *st = ns_store_open(l.r.state, l.r.clock, &err);
	must(st, "%s", err.text);
	ns_arena *ar = ns_arena_new();
	for (int i = 0; i < 500; i++)
		put_planned(st, ar, i);
	ns_arena_free(ar);
	ns_store_close(st);
	live_start(&l);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_incidents == 500 && s->incidents[499].has_plan && s->incidents[499].headline[0], "the picture has %zu incidents", s->n_incidents);
	ns_snapshot_unref(s);
	int64_t best = picture_ms(&l);
	printf("a picture of 500 planned incidents takes %lld ms\n", (long long)best);
	must(!FIGURES_COUNT || best < 15, "a picture takes %lld ms", (long long)best); /* measured 2 to 4; a loaded machine is not at fault */
	live_close(&l);
}

/* Some hundred alerts that come and go: memory stays where it is. */
static void soak(void)
{
	live l;
	live_open(&l, "healthy", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	flap(&l, 520); /* the record is full of closed ones from here on: the picture does not grow any more */
	int64_t before = resident();
	flap(&l, 400);
	int64_t grown = resident() - before;
	printf("grown by %lld KiB in 400 incidents\n", (long long)grown / 1024);
	must(!FIGURES_COUNT || grown < 4 << 20, "memory grew by %lld KiB", (long long)grown / 1024);
	live_close(&l);
}

static test_case list[] = {
    {.name = "many_verifications", .run = many_verifications, .no_kubectl = true},
    {.name = "soak", .run = soak},
    {.name = "picture_of_500", .run = picture_of_500},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "size", list, sizeof list / sizeof list[0]);
}
