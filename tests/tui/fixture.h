/* Pictures of an engine, built by hand, and a console fed with keys. */
#ifndef NEUROSCALE_TESTS_TUI_FIXTURE_H
#define NEUROSCALE_TESTS_TUI_FIXTURE_H
#include "../../src/tui/view.h"
#include "neuroscale/base/text.h"
#include "support/test.h"
#include <locale.h>

#define T0       INT64_C(1795402029000) /* 2026-11-23T02:47:09Z */
#define DIGEST_A "7f3a9c21d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f"
#define DIGEST_B "1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a"
#define UNUSED   __attribute__((unused))

typedef struct world {
	ns_ui ui;
	ns_grid grid;
	int64_t mono, wall, due;
	/* what a door would have been asked */
	int decides, details;
	int64_t last_approval;
	bool last_approve, last_undo;
	int64_t last_incident;
	char last_digest[65], last_reason[64];
} world;

static UNUSED ns_cluster_row cluster_make(const char *name, const char *color, ns_profile profile)
{
	return (ns_cluster_row){.name = name,
	    .context = name,
	    .server = "https://10.0.0.1:6443",
	    .user = "kim@corp",
	    .color = color,
	    .profile = profile,
	    .live = true,
	    .synced = true,
	    .lease_held = true,
	    .storm_why = "",
	    .lease_why = "",
	    .frozen_why = "",
	    .down_why = "",
	    .degraded = "",
	    .breakers = "",
	    .link_since_ms = T0 - 600000,
	    .last_event_ms = T0 - 2000,
	    .pods = 124,
	    .workloads = 31,
	    .nodes = 6,
	    .requests = 812,
	    .req_per_s = 0.4,
	    .cost_error = ""};
}

static UNUSED ns_snapshot *snap_new(int64_t seq)
{
	ns_arena *a = ns_arena_new();
	ns_snapshot *s = ns_arena_alloc(a, sizeof *s);
	*s = (ns_snapshot){.seq = seq,
	    .taken_ms = T0,
	    .user = "mira",
	    .mode = "live",
	    .version = "0.1.0",
	    .trouble = "",
	    .clock_rate = 1,
	    .clock = "",
	    .rss_bytes = 14 << 20,
	    .req_per_s = 0.4,
	    .cpu_percent = 0.3,
	    .arena = a,
	    .refs = 1};
	s->clusters = ns_arena_alloc(a, 4 * sizeof *s->clusters);
	s->clusters[s->n_clusters++] = cluster_make("prod-eu-1", "", NS_PROFILE_APPROVE);
	return s;
}

typedef struct inc_spec {
	int64_t id;
	ns_kind kind;
	ns_severity sev;
	ns_state state;
	const char *ns, *target, *reason, *message, *headline, *note;
	int64_t members, age_ms, state_age_ms;
	int stage; /* the stage that is reached */
	ns_stage_mark mark;
	ns_verdict verdict;
} inc_spec;

static UNUSED ns_inc_row inc_make(const inc_spec *p)
{
	ns_inc_row r = {.id = p->id,
	    .state = p->state,
	    .kind = p->kind,
	    .severity = p->sev,
	    .verdict = p->verdict,
	    .cluster = "prod-eu-1",
	    .ns = p->ns,
	    .target_kind = "Deployment",
	    .target = p->target,
	    .container = "app",
	    .reason = p->reason,
	    .message = p->message,
	    .headline = p->headline,
	    .note = p->note,
	    .members = p->members,
	    .opened_ms = T0 - p->age_ms,
	    .updated_ms = T0 - p->state_age_ms,
	    .state_since_ms = T0 - p->state_age_ms,
	    .action = NS_ACT_ROLLBACK,
	    .has_plan = *p->headline != '\0',
	    .open = !ns_state_get(p->state)->closed};
	static const int64_t took[NS_STAGE_COUNT] = {80, 240, 60, 41000, 1200, 125000};
	for (int i = 0; i < NS_STAGE_COUNT; i++) {
		r.stage[i] = i < p->stage ? NS_MARK_DONE : i == p->stage ? p->mark : NS_MARK_TODO;
		r.stage_ms[i] = i < p->stage || (i == p->stage && p->mark == NS_MARK_DONE) ? took[i] : 0;
	}
	if (p->state == NS_ST_VERIFYING) {
		r.verify_good_ms = 48000;
		r.verify_need_ms = 120000;
	}
	return r;
}

static const inc_spec typical_incidents[] = {
    {12, NS_KIND_POD_CRASHLOOP, NS_SEV_CRIT, NS_ST_AWAITING_APPROVAL, "pay", "payments-api", "CrashLoopBackOff",
        "back-off 40s restarting failed container", "roll back payments-api to revision 56", "waits for an answer", 12, 240000, 28000,
        NS_STAGE_APPROVE, NS_MARK_WAITS, NS_VERDICT_NONE},
    {14, NS_KIND_OOM_KILLED, NS_SEV_CRIT, NS_ST_PLANNING, "shop", "checkout-cart-worker-with-a-long-name", "OOMKilled",
        "container app was killed at 128Mi", "raise memory limit 128Mi -> 256Mi", "dry-run is out", 3, 9000, 1000, NS_STAGE_PLAN,
        NS_MARK_RUNNING, NS_VERDICT_NONE},
    {11, NS_KIND_DEPLOYMENT_STALLED, NS_SEV_WARN, NS_ST_VERIFYING, "shop", "frontend", "ProgressDeadlineExceeded",
        "ReplicaSet frontend-7d9 has timed out progressing", "roll back frontend to revision 8", "", 1, 660000, 48000, NS_STAGE_VERIFY,
        NS_MARK_RUNNING, NS_VERDICT_NONE},
    {10, NS_KIND_IMAGE_PULL, NS_SEV_WARN, NS_ST_MANUAL_REVIEW, "data", "ledger", "ImagePullBackOff", "registry/ledger:9 not found",
        "the tag does not exist", "no action is safe here", 2, 1140000, 1130000, NS_STAGE_PLAN, NS_MARK_FAILED, NS_VERDICT_NONE},
    {9, NS_KIND_COST_SPIKE, NS_SEV_INFO, NS_ST_ANALYZING, "ml", "batch", "CostSpike", "38% more than the day before", "", "", 1, 7200000,
        3000, NS_STAGE_ANALYZE, NS_MARK_RUNNING, NS_VERDICT_NONE},
    {8, NS_KIND_OOM_KILLED, NS_SEV_CRIT, NS_ST_RESOLVED, "shop", "search", "OOMKilled", "container app was killed at 64Mi",
        "raised memory limit 64Mi -> 128Mi", "held for 120 s", 1, 10800000, 10000000, NS_STAGE_VERIFY, NS_MARK_DONE, NS_VERDICT_FIXED},
};

static UNUSED ns_appr_row appr_make(int64_t id, int64_t incident, const char *digest, ns_card_state state, ns_risk risk)
{
	return (ns_appr_row){.id = id,
	    .incident = incident,
	    .state = state,
	    .digest = digest,
	    .action = NS_ACT_ROLLBACK,
	    .risk = risk,
	    .confidence = 0.91,
	    .score = 0.84,
	    .margin = 0.31,
	    .cluster = "prod-eu-1",
	    .ns = incident == 12 ? "pay" : "shop",
	    .target_kind = "Deployment",
	    .target = incident == 12 ? "payments-api" : "checkout-cart-worker-with-a-long-name",
	    .headline = incident == 12 ? "roll back payments-api to revision 56" : "raise memory limit 128Mi -> 256Mi",
	    .summary =
	        "Revision 57 changed the image and sets LEDGER_SCHEMA=v9, which the ledger does not know. Revision 56 ran for six hours "
	        "without a restart under the same traffic. Going back takes about 90 seconds and restarts twelve pods, a quarter at a "
	        "time.",
	    .ask = "production, and the profile asks a person",
	    .root_cause = "Revision 57 exits at start: ledger schema v9 not found (exit 1, 12 pods, since the rollout)",
	    .runbook = "crashloop-rollback",
	    .command = "kubectl -n pay rollout undo deployment/payments-api --to-revision=56",
	    .diff =
	        "- spec.template.spec.containers.app.image: registry/pay/api:57\n+ spec.template.spec.containers.app.image: "
	        "registry/pay/api:56\n"
	        "- spec.template.spec.containers.app.env.LEDGER_SCHEMA: v9\n+ spec.template.spec.containers.app.env.LEDGER_SCHEMA: v8\n",
	    .undo = "kubectl -n pay rollout undo deployment/payments-api --to-revision=57",
	    .verify = "all 12 replicas ready and no restart for 120 s",
	    .effect = "",
	    .warnings = "",
	    .people = "",
	    .analyst = "",
	    .autonomy = "",
	    .created_ms = T0 - 28000,
	    .deadline_ms = state == NS_CARD_PREPARING ? 0 : T0 + 272000};
}

/* The picture that most tests look at: six incidents, one approval ready, one in preparation, a cost report. */
static UNUSED ns_snapshot *snap_typical(int64_t seq)
{
	ns_snapshot *s = snap_new(seq);
	size_t n = sizeof typical_incidents / sizeof *typical_incidents;
	s->incidents = ns_arena_alloc(s->arena, n * sizeof *s->incidents);
	s->n_incidents = n;
	for (size_t i = 0; i < n; i++)
		s->incidents[i] = inc_make(&typical_incidents[i]);
	s->incidents[0].approval = 3;
	s->n_crit = 2;
	s->n_warn = 2;
	s->n_info = 1;
	s->n_open = 5;
	s->approvals = ns_arena_alloc(s->arena, 2 * sizeof *s->approvals);
	s->n_approvals = 2;
	s->approvals[0] = appr_make(3, 12, DIGEST_A, NS_CARD_READY, NS_RISK_MEDIUM);
	s->approvals[1] = appr_make(0, 14, "", NS_CARD_PREPARING, NS_RISK_LOW);
	static const ns_cost_line cost[] = {{"prod-eu-1", "ml", "batch", 1204.5, 872.8, 0.22, true}, {"prod-eu-1", "idle", "", 402, 362, 0, false},
	    {"prod-eu-1", "pay", "payments-api", 311.2, 314, 0.61, false}, {"prod-eu-1", "data", "pg", 208, 208, 0.74, false},
	    {"prod-eu-1", "shop", "checkout", 140.1, 132, 0.48, false}};
	s->cost = ns_arena_alloc(s->arena, sizeof cost);
	memcpy(s->cost, cost, sizeof cost);
	s->n_cost = 5;
	s->clusters[0].cost_total = 2265.8;
	s->clusters[0].cost_before = 1888.8;
	s->clusters[0].cost_at_ms = T0 - 65000;
	s->clusters[0].n_open = 5;
	s->clusters[0].n_crit = 2;
	s->clusters[0].n_waiting = 1;
	static const ns_agent_row agents[] = {{"detector", "", 41, 0, false}, {"analyzer", "#9 ml/batch", 6, 0, true},
	    {"planner", "#14 dry-run", 5, 0, true}, {"executor", "", 2, 0, false}, {"escalation", "", 4, 1, false},
	    {"verifier", "#11 shop/frontend", 3, 0, true}};
	s->agents = ns_arena_alloc(s->arena, sizeof agents);
	memcpy(s->agents, agents, sizeof agents);
	s->n_agents = 6;
	static const ns_msg_row messages[] = {{T0 - 60000, 1, "incident 11 executing -> verifying"},
	    {T0 - 9000, 2, "pod shop/checkout-cart-worker was killed for memory"}, {T0 - 1000, 1, "incident 14 analyzing -> planning"}};
	s->messages = ns_arena_alloc(s->arena, sizeof messages);
	memcpy(s->messages, messages, sizeof messages);
	s->n_messages = 3;
	return s;
}

/* What #8 did (it was fixed) and what #11 did can be taken back. */
static UNUSED ns_snapshot *snap_undo(int64_t seq)
{
	ns_snapshot *s = snap_typical(seq);
	static const struct { int64_t id, incident; const char *ns, *target, *headline, *command, *diff, *digest; } rows[] = {
	    {31, 11, "shop", "frontend", "take back: roll back frontend to revision 8", "kubectl --context=prod-eu-1 -n shop patch deployment/frontend ..",
	        "- spec.template.spec.containers.app.image: registry/shop/frontend:8\n+ spec.template.spec.containers.app.image: registry/shop/frontend:9\n", DIGEST_B},
	    {27, 8, "shop", "search", "take back: raise memory limit 64Mi -> 128Mi", "kubectl --context=prod-eu-1 -n shop patch deployment/search ..",
	        "- spec.template.spec.containers.app.resources.limits.memory: 128Mi\n+ spec.template.spec.containers.app.resources.limits.memory: 64Mi\n", DIGEST_A},
	};
	s->undos = ns_arena_alloc(s->arena, 2 * sizeof *s->undos);
	s->n_undos = 2;
	for (size_t i = 0; i < 2; i++) {
		ns_appr_row *r = &s->undos[i];
		*r = (ns_appr_row){.id = rows[i].id, .incident = rows[i].incident, .state = NS_CARD_READY, .digest = rows[i].digest, .action = NS_ACT_ROLLBACK,
		    .cluster = "prod-eu-1", .ns = rows[i].ns, .target_kind = "Deployment", .target = rows[i].target, .headline = rows[i].headline,
		    .summary = "", .ask = "", .root_cause = "", .runbook = "", .command = rows[i].command, .diff = rows[i].diff, .undo = "", .verify = "",
		    .effect = "what was there before the change", .warnings = "", .people = "", .analyst = "", .autonomy = "", .created_ms = T0 - 600000,
		    .deadline_ms = T0 + 3600000};
	}
	return s;
}

/* The same in three clusters: one as before, one that cannot be reached, one where the machine may act. */
static UNUSED ns_snapshot *snap_three(int64_t seq)
{
	ns_snapshot *s = snap_typical(seq);
	s->clusters[0].color = "red";
	s->clusters[0].n_open = 2;
	s->clusters[1] = cluster_make("prod-us-1", "red", NS_PROFILE_OBSERVE);
	s->clusters[1].live = s->clusters[1].synced = false;
	s->clusters[1].down_why = "connection refused: https://10.0.9.1:6443";
	s->clusters[1].link_since_ms = s->clusters[1].last_event_ms = T0 - 190000;
	s->clusters[1].cost_error = "OpenCost at http://127.0.0.1:9103: connection refused";
	s->clusters[1].n_open = 1;
	s->clusters[2] = cluster_make("staging", "green", NS_PROFILE_AUTO);
	s->clusters[2].frozen = true;
	s->clusters[2].frozen_why = "Fri 16:00-Mon 08:00 Europe/Berlin, until 2026-11-30T07:00:00Z";
	s->clusters[2].insecure = true;
	s->clusters[2].n_open = 2;
	s->clusters[2].n_crit = 1;
	s->clusters[2].cost_total = 240.5;
	s->clusters[2].cost_before = 241;
	s->clusters[2].cost_budget = 200;
	s->clusters[2].cost_at_ms = T0 - 5000;
	s->n_clusters = 3;
	s->incidents[1].cluster = s->incidents[2].cluster = s->incidents[4].cluster = "staging";
	s->incidents[3].cluster = "prod-us-1";
	s->approvals[1].cluster = "staging";
	s->cost[4].cluster = s->cost[1].cluster = "staging";
	return s;
}

static UNUSED ns_detail *detail_typical(void)
{
	ns_arena *a = ns_arena_new();
	ns_detail *d = ns_arena_alloc(a, sizeof *d);
	static ns_detail_evidence ev[] = {{"E1", "exit", "container app exited 1 after 2 s, 12 times", true, T0 - 200000},
	    {"E2", "rollout", "revision 57 became current 4 minutes ago; 56 was healthy for 6 h", true, T0 - 240000},
	    {"E3", "log", "ledger schema v9 not found", false, T0 - 30000}};
	static const char *const steps[] = {
	    "check that revision 56 still exists", "roll back to revision 56", "watch until all replicas are ready"};
	static const char *const why[] = {"the namespace is production", "the profile is approve"};
	static ns_detail_step history[] = {
	    {T0 - 240000, "detected", "detector"}, {T0 - 239000, "analyzing -> planning", "analyzer"}, {T0 - 28000, "asked", "escalation"}};
	*d = (ns_detail){.row = inc_make(&typical_incidents[0]),
	    .root_cause = "Revision 57 exits at start: ledger schema v9 not found",
	    .reasoning = "All pods of revision 57 exit with code 1 within two seconds of their start [E1]. The revision before it was "
	                 "healthy for six hours under "
	                 "the same traffic [E2]. The last lines of the log name the schema [E3], which agrees but proves nothing.",
	    .provider = "offline",
	    .analysis = "",
	    .usage = "",
	    .cause_class = "bad_revision",
	    .next_steps = "",
	    .confidence = 0.91,
	    .risk = NS_RISK_MEDIUM,
	    .evidence = ev,
	    .n_evidence = 3,
	    .runbook = "crashloop-rollback",
	    .runbook_title = "Crash loop after a rollout",
	    .plan_summary = "roll back payments-api to revision 56",
	    .undo = "kubectl -n pay rollout undo deployment/payments-api --to-revision=57",
	    .verify = "all 12 replicas ready for 120 s",
	    .manual_command = "",
	    .command = "kubectl -n pay rollout undo deployment/payments-api --to-revision=56",
	    .diff = "- image: registry/pay/api:57\n+ image: registry/pay/api:56\n",
	    .dryrun_error = "",
	    .warnings = "",
	    .digest = DIGEST_A,
	    .summary = "",
	    .score = 0.84,
	    .margin = 0.31,
	    .plan_steps = steps,
	    .n_plan_steps = 3,
	    .reasons = why,
	    .n_reasons = 2,
	    .history = history,
	    .n_history = 3,
	    .autonomy = "",
	    .undo_state = "",
	    .undo_digest = "",
	    .execution = "",
	    .verification = "",
	    .arena = a};
	return d;
}

static UNUSED void obey(world *w)
{
	ns_ui_want *want = &w->ui.want;
	if (want->decide) {
		w->decides++;
		w->last_approval = want->decision.approval;
		w->last_approve = want->decision.approve;
		w->last_undo = want->decision.undo;
		w->last_incident = want->decision.incident;
		snprintf(w->last_digest, sizeof w->last_digest, "%s", want->decision.digest);
		snprintf(w->last_reason, sizeof w->last_reason, "%s", want->decision.reason);
	}
	if (want->detail)
		w->details++;
	*want = (ns_ui_want){.quit = want->quit, .bell = want->bell};
}

static UNUSED void tell(world *w, ns_ui_event ev)
{
	ev.mono_ms = w->mono;
	ev.wall_ms = w->wall;
	ns_ui_update(&w->ui, &ev);
	obey(w);
}

static UNUSED void open_world(world *w, int cols, int rows)
{
	*w = (world){.mono = 1000000, .wall = T0};
	ns_ui_init(&w->ui, "mira", false, cols, rows);
	tell(w, (ns_ui_event){.kind = NS_UI_ROLE, .role = NS_ROLE_ADMIN});
}

static UNUSED void close_world(world *w)
{
	ns_ui_free(&w->ui);
	ns_grid_free(&w->grid);
}

static UNUSED void see(world *w, ns_snapshot *s)
{
	tell(w, (ns_ui_event){.kind = NS_UI_SNAPSHOT, .snap = s});
}

static UNUSED void frame(world *w)
{
	w->due = ns_ui_render(&w->ui, &w->grid);
	tell(w, (ns_ui_event){.kind = NS_UI_PAINTED});
}

static UNUSED void key(world *w, uint32_t k)
{
	tell(w, (ns_ui_event){.kind = NS_UI_KEY, .key = k});
}

static UNUSED void keys(world *w, const char *s)
{
	for (; *s; s++)
		key(w, (uint32_t)(unsigned char)*s);
}

static UNUSED void later(world *w, int64_t ms)
{
	w->mono += ms;
	w->wall += ms;
	tell(w, (ns_ui_event){.kind = NS_UI_TICK});
}

/* The sheet is on screen, was read and the keyboard was silent. */
static UNUSED void read_sheet(world *w)
{
	frame(w);
	tell(w, (ns_ui_event){.kind = NS_UI_QUIET});
	later(w, 600);
}

static UNUSED void put_utf8(ns_buf *b, uint32_t cp)
{
	if (cp < 0x80) {
		ns_buf_putc(b, (char)cp);
	} else if (cp < 0x800) {
		ns_buf_putc(b, (char)(0xC0 | cp >> 6));
		ns_buf_putc(b, (char)(0x80 | (cp & 63)));
	} else {
		ns_buf_putc(b, (char)(0xE0 | cp >> 12));
		ns_buf_putc(b, (char)(0x80 | (cp >> 6 & 63)));
		ns_buf_putc(b, (char)(0x80 | (cp & 63)));
	}
}

/* The grid as text, lines without trailing spaces. */
static UNUSED void grid_text(const ns_grid *g, ns_buf *out)
{
	for (int y = 0; y < g->rows; y++) {
		size_t keep = out->len;
		for (int x = 0; x < g->cols; x++) {
			const ns_cell *c = &g->cell[y * g->cols + x];
			if (c->cp)
				put_utf8(out, c->cp);
			if (c->cp > ' ')
				keep = out->len;
		}
		out->len = keep;
		ns_buf_putc(out, '\n');
	}
}

static UNUSED bool shows(world *w, const char *text)
{
	ns_buf b = NS_BUF_INIT;
	frame(w);
	grid_text(&w->grid, &b);
	bool found = strstr(ns_buf_str(&b), text) != NULL;
	ns_buf_free(&b);
	return found;
}
#endif
