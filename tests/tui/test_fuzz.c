/* Three hundred thousand steps of keys, sizes and news at random, and what must hold after each:
 *   I1 nothing is decided without a whole accept sequence, typed after the sheet was painted, was on screen for half a second and silence
 *   I2 what is decided is what is shown: the id and digest of the sheet, and of an approval in the current picture
 *   I3 an open sheet's question is on screen (from 20x5 up)
 *   I4 one focus, and it is a pane
 *   I5 a read-only caller decides nothing
 *   I6 a paste or a burst decides nothing
 *   I8 no cell outside of the grid, and no control character in one (the address sanitiser watches the former)
 * I7, the bytes of a frame, needs a terminal and is measured by the benchmark. */
#include "fixture.h"

enum { STEPS = 300000 };

static uint64_t seed = 20261123;
static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static const char *const digests[] = {DIGEST_A, DIGEST_B, ("00aa" DIGEST_A)};

/* A picture that differs from the one before in some way: rows come, go, change place, digest, state, risk. */
static ns_snapshot *mutate(int64_t seq, int64_t wall)
{
	static char digest[3][65];
	ns_snapshot *s = snap_new(seq);
	s->clusters[0].live = rnd(10) != 0;
	s->clusters[0].synced = rnd(20) != 0;
	s->clusters[0].link_since_ms = wall - (int64_t)rnd(40000);
	s->clusters[0].last_event_ms = wall - (int64_t)rnd(100000);
	s->clusters[0].storm = rnd(10) == 0;
	s->clusters[0].storm_why = s->clusters[0].storm ? "17 workloads at once" : "";
	s->clusters[0].lease_held = rnd(8) != 0;
	s->clusters[0].lease_why = s->clusters[0].lease_held ? "" : "another engine holds it";
	static const char *const names[] = {"prod-us-1", "staging", "arn:aws:eks:eu-central-1:123456789012:cluster/a-name-nobody-would-choose", "not-configured"};
	for (int i = rnd(2) ? 3 : 0; i > 0; i--) {
		ns_cluster_row *c = &s->clusters[s->n_clusters];
		*c = cluster_make(names[s->n_clusters - 1], rnd(2) ? "red" : "", (ns_profile)rnd(3));
		c->live = c->synced = rnd(3) != 0;
		c->down_why = c->live ? "" : "connection refused";
		c->link_since_ms = wall - (int64_t)rnd(40000);
		c->frozen = rnd(4) == 0;
		c->frozen_why = c->frozen ? "Fri 16:00-Mon 08:00" : "";
		c->insecure = rnd(4) == 0;
		c->n_waiting = rnd(3);
		c->cost_at_ms = rnd(2) ? wall : 0;
		s->n_clusters++;
	}
	s->n_incidents = rnd(12);
	s->incidents = ns_arena_alloc(s->arena, (s->n_incidents + 1) * sizeof *s->incidents);
	s->approvals = ns_arena_alloc(s->arena, (s->n_incidents + 1) * sizeof *s->approvals);
	for (size_t i = 0; i < s->n_incidents; i++) {
		ns_inc_row *r = &s->incidents[i];
		*r = inc_make(&typical_incidents[rnd(6)]);
		r->id = (int64_t)i + 1 + rnd(3);
		for (size_t k = 0; k < i; k++)
			if (s->incidents[k].id == r->id)
				r->id = 100 + (int64_t)i;
		r->updated_ms = wall - (int64_t)rnd(1000);
		if (s->n_clusters > 1 && rnd(3))
			r->cluster = names[rnd(4)];
		if (rnd(2))
			continue;
		int d = (int)rnd(3);
		snprintf(digest[d], sizeof digest[d], "%.64s", digests[d]);
		ns_card_state st = rnd(5) == 0 ? NS_CARD_PREPARING : rnd(8) == 0 ? NS_CARD_BLOCKED : NS_CARD_READY;
		ns_appr_row *a = &s->approvals[s->n_approvals++];
		*a = appr_make(st == NS_CARD_PREPARING ? 0 : r->id * 10 + rnd(2), r->id, st == NS_CARD_PREPARING ? "" : digest[d], st,
		    (ns_risk)rnd(NS_RISK_COUNT));
		a->cluster = r->cluster;
		a->deadline_ms = st == NS_CARD_PREPARING ? 0 : wall + (int64_t)rnd(300000) - 3000;
		r->approval = a->id;
	}
	s->n_cost = rnd(6);
	s->cost = ns_arena_alloc(s->arena, (s->n_cost + 1) * sizeof *s->cost);
	for (size_t i = 0; i < s->n_cost; i++)
		s->cost[i] =
		    (ns_cost_line){s->clusters[rnd((unsigned)s->n_clusters)].name, "ml", rnd(3) ? "batch" : "", rnd(100000) / 7.0, rnd(100000) / 7.0,
		        rnd(100) / 50.0, rnd(4) == 0};
	s->clusters[0].cost_at_ms = rnd(5) ? wall - (int64_t)rnd(100000) : 0;
	return s;
}

/* What a second, simpler mind knows of the sheet: enough to say whether a decision was allowed. */
typedef struct witness {
	int64_t painted; /* -1: the sheet of now was not painted yet */
	bool quiet;
	char typed[8];
} witness;

static void check_frame(world *w)
{
	const ns_grid *g = &w->grid;
	for (int i = 0; i < g->cols * g->rows; i++) {
		const ns_cell *c = &g->cell[i];
		assert_true(c->cp == 0 || (c->cp >= 0x20 && c->cp != 0x7F));
		assert_true(c->role < NS_ROLE_COLOR_COUNT);
	}
	if (w->ui.sheet.state != NS_SHEET_OPEN || g->cols < 20 || g->rows < 5)
		return;
	char why[256];
	ns_buf b = NS_BUF_INIT;
	ns_ui_why_not(&w->ui, w->ui.sheet.approve, w->ui.sheet.incident, why, sizeof why);
	grid_text(g, &b);
	if (!*why && *w->ui.sheet.code)
		assert_non_null(strstr(b.data, w->ui.sheet.code));
	else if (!*why)
		assert_non_null(strstr(b.data, "y "));
	ns_buf_free(&b);
}

static uint32_t some_key(const world *w)
{
	static const uint32_t common[] = {'j', 'k', 'a', 'x', 'y', 'q', '1', '2', '3', '4', '5', '/', 'z', 'm', 'c', 'C', '?', ' ', 'g', 'G', 'l',
	    'h', NS_KEY_ENTER, NS_KEY_ESC, NS_KEY_TAB, NS_KEY_BACKTAB, NS_KEY_UP, NS_KEY_DOWN, NS_KEY_PGDN, NS_KEY_PGUP, NS_KEY_HOME,
	    NS_KEY_END, NS_KEY_BACKSPACE, 4, 21, 12};
	if (w->ui.sheet.state == NS_SHEET_OPEN) { /* or no sheet would ever be answered */
		if (*w->ui.sheet.code && rnd(2)) {
			size_t n = strlen(w->ui.sheet.typed);
			return n < 4 ? (uint32_t)w->ui.sheet.code[n] : NS_KEY_ENTER;
		}
		if (rnd(4))
			return rnd(3) ? ' ' : 'y';
	} else if (rnd(5) == 0) {
		return rnd(2) ? 'a' : 'x';
	}
	return rnd(20) ? common[rnd(sizeof common / sizeof *common)] : rnd(0x250);
}

static int decisions;

static void one_key(world *w, witness *v, int64_t seen_id, const char *seen_digest)
{
	uint32_t k = some_key(w);
	bool burst = rnd(12) == 0;
	const ns_sheet *s = &w->ui.sheet;
	bool open = s->state == NS_SHEET_OPEN, approve = s->approve, coded = *s->code != '\0';
	char code[5];
	snprintf(code, sizeof code, "%s", s->code);
	if (open && !burst && coded && k >= '0' && k <= '9' && v->painted >= 0 && v->quiet && w->mono - v->painted >= 500 &&
	    strlen(v->typed) < 4) {
		size_t n = strlen(v->typed);
		v->typed[n] = (char)k;
		v->typed[n + 1] = '\0';
	} else if (open && coded && !burst && k == NS_KEY_BACKSPACE && *v->typed) {
		v->typed[strlen(v->typed) - 1] = '\0';
	}
	int before = w->decides;
	tell(w, (ns_ui_event){.kind = NS_UI_KEY, .key = k, .burst = burst});
	if (w->decides == before)
		return;
	decisions++;
	assert_int_equal(w->decides, before + 1);
	assert_true(open);   /* I1 */
	assert_false(burst); /* I6 */
	assert_true(v->painted >= 0 && v->quiet && w->mono - v->painted >= 500);
	if (approve && coded)
		assert_true(k == NS_KEY_ENTER && !strcmp(v->typed, code));
	else if (approve)
		assert_int_equal(k, 'y');
	else
		assert_true(k == 'y' || (k >= '1' && k <= '6'));
	assert_true(w->ui.role >= NS_ROLE_APPROVER); /* I5 */
	assert_false(w->ui.gone);
	assert_int_equal(w->last_approval, seen_id); /* I2 */
	assert_string_equal(w->last_digest, seen_digest);
	const ns_appr_row *r = ns_ui_approval_of(&w->ui, s->incident);
	assert_non_null(r);
	assert_int_equal(r->id, seen_id);
	assert_string_equal(r->digest, seen_digest);
	assert_true(!r->deadline_ms || w->wall < r->deadline_ms);
	assert_true(!approve || r->state == NS_CARD_READY);
	assert_int_equal(w->last_approve, approve);
}

static void everything_at_random(void **state)
{
	world w;
	witness v = {.painted = -1};
	char seen_digest[65] = "";
	int64_t seen_id = 0;
	open_world(&w, 80, 24);
	for (int i = 0; i < STEPS; i++) {
		ns_sheet_state sheet_was = w.ui.sheet.state;
		int64_t painted_was = w.ui.sheet.painted_ms;
		switch (rnd(16)) {
		case 0:
			tell(&w,
			    (ns_ui_event){.kind = NS_UI_RESIZE, .cols = (int)rnd(rnd(8) ? 130 : 301), .rows = (int)rnd(rnd(8) ? 40 : 101)});
			break;
		case 1:
			if (rnd(4) == 0)
				see(&w, mutate(i, w.wall));
			break;
		case 2: later(&w, (int64_t)rnd(3000)); break;
		case 3: tell(&w, (ns_ui_event){.kind = NS_UI_PASTE, .text = rnd(2) ? "y\ny" : "ayq1234"}); break;
		case 4:
			if (rnd(40) == 0)
				tell(&w, (ns_ui_event){.kind = NS_UI_GONE, .text = "gone"});
			else if (rnd(10) == 0)
				tell(&w, (ns_ui_event){.kind = NS_UI_ROLE, .role = rnd(4) ? NS_ROLE_APPROVER : NS_ROLE_VIEWER});
			break;
		case 5: tell(&w, (ns_ui_event){.kind = NS_UI_DECIDED, .id = w.ui.sheet.approval, .ok = rnd(2) == 0, .text = "said"}); break;
		case 6:
			if (w.ui.detail_id)
				tell(&w, (ns_ui_event){.kind = NS_UI_DETAIL,
				             .id = w.ui.detail_id,
				             .detail = rnd(3) ? detail_typical() : NULL,
				             .text = "no"});
			break;
		case 7:
		case 8:
		case 9:
			if (rnd(4) == 0 && w.ui.cols * w.ui.rows > 8000)
				break; /* large frames are slow and not more telling */
			frame(&w);
			check_frame(&w);
			if (w.ui.sheet.state == NS_SHEET_OPEN && v.painted < 0) {
				v.painted = w.mono;
				seen_id = w.ui.sheet.approval;
				snprintf(seen_digest, sizeof seen_digest, "%s", w.ui.sheet.digest);
			}
			break;
		case 10:
			tell(&w, (ns_ui_event){.kind = NS_UI_QUIET});
			v.quiet = v.quiet || v.painted >= 0;
			break;
		default: one_key(&w, &v, seen_id, seen_digest); break;
		}
		/* A sheet that was opened or bound anew has not been seen. */
		bool reopened =
		    w.ui.sheet.state == NS_SHEET_OPEN && w.ui.sheet.painted_ms < 0 && (sheet_was != NS_SHEET_OPEN || painted_was >= 0);
		if (w.ui.sheet.state != NS_SHEET_OPEN || reopened)
			v = (witness){.painted = -1};
		if (w.ui.sheet.state == NS_SHEET_OPEN && !*w.ui.sheet.typed)
			*v.typed = '\0';
		assert_in_range(w.ui.focus, 0, NS_PANE_COUNT - 1); /* I4 */
		assert_in_range(w.ui.depth, 0, 4);
		w.ui.want.quit = false;
	}
	assert_true(decisions > 50); /* or this has proved nothing */
	close_world(&w);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_random)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
