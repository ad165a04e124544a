/* What counts as harm done by a change: the same workload failing in another way, others that have no room; and what does not. */
#include "../../src/engine/undo_priv.h"
#include "neuroscale/sys/fs.h"
#include "support/test.h"
#include "support/tmpdir.h"

enum { SENT = 1000000, SETTLED = SENT + 90000 };

typedef struct world {
	ns_engine e;
	ns_arena *ar;
	ns_clock *clock;
	char *dir;
	ns_incident inc;
	char why[256];
	const char *around;
} world;

static int64_t open_at(world *w, int64_t at, ns_kind kind, const char *ns, const char *name)
{
	int64_t id = 0;
	bool is_new;
	ns_err err = {0};
	ns_clock_jump_wall(w->clock, at - ns_clock_wall_ms(w->clock));
	ns_alert a = {.kind = kind,
	    .severity = NS_SEV_WARN,
	    .target = {.cluster = "c1", .ns = ns, .kind = "Deployment", .name = name, .uid = "u"},
	    .container = "",
	    .reason = "",
	    .message = "",
	    .policy = "",
	    .rule = "",
	    .object_uid = ""};
	if (!ns_store_begin(w->e.store, &err) || !ns_store_incident_open(w->e.store, &a, &id, &is_new, &err) ||
	    !ns_store_commit(w->e.store, &err))
		fail_msg("%s", err.text);
	return id;
}

/* The change of `action` on shop/web, sent at SENT. */
static void start(world *w, ns_action action)
{
	void *dir = NULL;
	ns_err err = {0};
	memset(w, 0, sizeof *w);
	assert_int_equal(tmpdir_make(&dir), 0);
	w->dir = dir;
	w->ar = ns_arena_new();
	w->clock = ns_clock_manual(SENT - 60000, 1);
	w->e.store = ns_store_open(w->dir, w->clock, &err);
	assert_non_null(w->e.store);
	int64_t id = open_at(w, SENT - 60000, NS_KIND_OOM_KILLED, "shop", "web"), intent = 0;
	cJSON *plan = cJSON_CreateObject();
	ns_intent i = {.incident = id,
	    .digest = "d",
	    .action = ns_action_get(action)->name,
	    .target = "shop/Deployment/web",
	    .cluster = "c1",
	    .argv_json = "[]",
	    .body = "",
	    .lock_path = ""};
	ns_capsule c = {.incident = id, .cluster = "c1", .target = i.target, .action = i.action, .summary = "", .until_ms = SENT * 2};
	bool ok = ns_store_begin(w->e.store, &err) && ns_store_fact_put(w->e.store, id, "plan", plan, &err) &&
	          ns_store_intent_start(w->e.store, &i, &intent, &err);
	c.id = intent;
	c.plan = ns_store_fact_seq(w->e.store, id, "plan");
	ok = ok && ns_store_capsule_put(w->e.store, &c, &err) && ns_store_commit(w->e.store, &err) &&
	     ns_store_incident_get(w->e.store, w->ar, id, &w->inc, &err);
	cJSON_Delete(plan);
	if (!ok)
		fail_msg("%s", err.text);
}

static void end(world *w)
{
	ns_store_close(w->e.store);
	ns_arena_free(w->ar);
	ns_clock_free(w->clock);
	void *dir = w->dir;
	tmpdir_remove(&dir);
}

static bool harm(world *w, int64_t settled)
{
	ns_verify_state v = {.started_ms = SENT, .settled_ms = settled};
	return ns_regression(&w->e, w->ar, &w->inc, &v, w->why, sizeof w->why, &w->around);
}

/* One new incident, and whether it is harm. */
typedef struct row {
	ns_action action;
	ns_kind kind;
	const char *ns, *name;
	int64_t at;      /* when it began */
	int64_t settled; /* when the changed instances alone were left, 0 not yet */
	bool is;
	const char *says, *around;
} row;

static const row rows[] = {
    /* the workload itself, in another way */
    {NS_ACT_ROLLBACK, NS_KIND_POD_CRASHLOOP, "shop", "web", SETTLED + 1, SETTLED, true,
        "it fails in another way since the change: CrashLoopBackOff (#2)", ""},
    {NS_ACT_PATCH_RESOURCES, NS_KIND_PROBE_FAILURE, "shop", "web", SETTLED + 1, SETTLED, true, "ProbeFailure", ""},
    {NS_ACT_PATCH_RESOURCES, NS_KIND_UNSCHEDULABLE, "shop", "web", SENT + 1, 0, true, "fails in another way", ""},
    {NS_ACT_ROLLBACK, NS_KIND_IMAGE_PULL, "shop", "web", SENT + 1, 0, true, "fails in another way", ""},
    /* old pods go on failing while the new ones come up */
    {NS_ACT_ROLLBACK, NS_KIND_POD_CRASHLOOP, "shop", "web", SENT + 1, 0, false, "", ""},
    {NS_ACT_ROLLBACK, NS_KIND_POD_CRASHLOOP, "shop", "web", SETTLED - 1, SETTLED, false, "", ""},
    /* it was there before */
    {NS_ACT_ROLLBACK, NS_KIND_IMAGE_PULL, "shop", "web", SENT, SETTLED, false, "", ""},
    /* what a change does not cause, and what others say */
    {NS_ACT_PATCH_RESOURCES, NS_KIND_COST_SPIKE, "shop", "web", SETTLED + 1, SETTLED, false, "", ""},
    {NS_ACT_PATCH_RESOURCES, NS_KIND_KYVERNO_VIOLATION, "shop", "web", SETTLED + 1, SETTLED, false, "", ""},
    {NS_ACT_PATCH_RESOURCES, NS_KIND_EXTERNAL, "shop", "web", SETTLED + 1, SETTLED, false, "", ""},
    /* others that had to make room */
    {NS_ACT_PATCH_RESOURCES, NS_KIND_UNSCHEDULABLE, "shop", "db", SETTLED + 1, SETTLED, true,
        "since the change took more room shop/db has none: Unschedulable (#2)", ""},
    {NS_ACT_SCALE, NS_KIND_EVICTED, "shop", "db", SETTLED + 1, SETTLED, true, "took more room", ""},
    {NS_ACT_SCALE, NS_KIND_EVICTED, "data", "db", SETTLED + 1, SETTLED, false, "",
        "; data/db failed since (#2): see whether it has to do with it"},
    {NS_ACT_ROLLBACK, NS_KIND_UNSCHEDULABLE, "data", "db", SETTLED + 1, SETTLED, false, "", ""},
    {NS_ACT_COST_SCALE_DOWN, NS_KIND_EVICTED, "data", "db", SETTLED + 1, SETTLED, false, "", ""},
    /* a neighbour that fails may have its own reasons: told, not judged */
    {NS_ACT_PATCH_RESOURCES, NS_KIND_POD_CRASHLOOP, "shop", "cart", SETTLED + 1, SETTLED, false, "",
        "; shop/cart failed since (#2): see whether it has to do with it"},
    {NS_ACT_PATCH_RESOURCES, NS_KIND_POD_CRASHLOOP, "data", "cart", SETTLED + 1, SETTLED, false, "", ""},
};

static void harm_is_what_the_change_can_have_done(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		world w;
		start(&w, rows[i].action);
		open_at(&w, rows[i].at, rows[i].kind, rows[i].ns, rows[i].name);
		bool is = harm(&w, rows[i].settled);
		if (is != rows[i].is || (is && !strstr(w.why, rows[i].says)) || (!is && strcmp(w.around, rows[i].around) != 0))
			fail_msg("row %zu: %s \"%s\", around \"%s\"", i, is ? "harm" : "none", w.why, w.around);
		end(&w);
	}
}

static void what_recovered_by_itself_was_none(void **state)
{
	world w;
	ns_err err = {0};
	start(&w, NS_ACT_ROLLBACK);
	assert_false(harm(&w, SETTLED));
	int64_t id = open_at(&w, SETTLED + 1, NS_KIND_PROBE_FAILURE, "shop", "web");
	assert_true(harm(&w, SETTLED));
	assert_true(ns_store_begin(w.e.store, &err) &&
	            ns_store_transition(w.e.store, id, NS_ST_DETECTED, 1, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "", &err) &&
	            ns_store_commit(w.e.store, &err));
	assert_false(harm(&w, SETTLED));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(harm_is_what_the_change_can_have_done), cmocka_unit_test(what_recovered_by_itself_was_none)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
