/* Key scripts: what a person types and what must come of it. Deciding has its own file. */
#include "fixture.h"

static void start(world *w)
{
	open_world(w, 80, 24);
	see(w, snap_typical(1));
	frame(w);
}

/* ---- who may ---- */

static void viewers_see_and_do_not_act(void **state)
{
	world w;
	start(&w);
	tell(&w, (ns_ui_event){.kind = NS_UI_ROLE, .role = NS_ROLE_VIEWER});
	assert_true(shows(&w, " ro"));
	keys(&w, "ax3ax");
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "Read-only"));
	close_world(&w);
}

static void nothing_before_the_role_is_known(void **state)
{
	world w = {.mono = 1, .wall = T0};
	ns_ui_init(&w.ui, "mira", false, 80, 24);
	see(&w, snap_typical(1));
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	close_world(&w);
}

static void a_stale_picture_is_not_approved(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->clusters[0].live = false;
	s->clusters[0].link_since_ms = T0 - 20000;
	see(&w, s);
	key(&w, 'a');
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	assert_true(shows(&w, "may be old"));
	close_world(&w);
}

static void no_approval_no_sheet(void **state)
{
	world w;
	start(&w);
	keys(&w, "jj");
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "Nothing waits for you here: it is verify 40%"));
	close_world(&w);
}

/* ---- the selection is an id ---- */

static void a_vanished_row_disarms(void **state)
{
	world w;
	start(&w);
	ns_snapshot *s = snap_typical(2);
	s->incidents++; /* #12 is gone: #14 slides under the marker */
	s->n_incidents--;
	see(&w, s);
	assert_int_equal(w.ui.pane[0].selected, 14);
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "Move first"));
	keys(&w, "jk");
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	close_world(&w);
}

static void the_marker_follows_its_row(void **state)
{
	world w;
	start(&w);
	key(&w, 'j'); /* #14 */
	ns_snapshot *s = snap_typical(2);
	ns_inc_row first = s->incidents[0];
	s->incidents[0] = s->incidents[1];
	s->incidents[1] = first;
	see(&w, s);
	assert_int_equal(w.ui.pane[0].selected, 14);
	assert_int_equal(w.ui.pane[0].at, 0);
	assert_false(w.ui.pane[0].disarmed);
	close_world(&w);
}

static void from_list_to_detail_to_sheet(void **state)
{
	world w;
	start(&w);
	key(&w, NS_KEY_ENTER);
	assert_int_equal(w.details, 1);
	assert_int_equal(ns_ui_view(&w.ui), NS_VIEW_DETAIL);
	assert_int_equal(w.decides, 0); /* Enter opens, it never acts */
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.approval, 3);
	key(&w, NS_KEY_ESC);
	assert_int_equal(ns_ui_view(&w.ui), NS_VIEW_DETAIL);
	key(&w, 'q');
	assert_int_equal(ns_ui_view(&w.ui), NS_VIEW_HOME);
	assert_false(w.ui.want.quit);
	key(&w, 'q');
	assert_true(w.ui.want.quit);
	close_world(&w);
}

/* ---- moving, filtering, typing ---- */

static void digits_and_tab_move_the_focus(void **state)
{
	world w;
	start(&w);
	key(&w, '3');
	assert_int_equal(w.ui.focus, NS_PANE_APPROVALS);
	key(&w, NS_KEY_TAB);
	assert_int_equal(w.ui.focus, NS_PANE_COST);
	key(&w, NS_KEY_TAB);
	assert_int_equal(w.ui.focus, NS_PANE_ALERTS);
	key(&w, NS_KEY_BACKTAB);
	assert_int_equal(w.ui.focus, NS_PANE_COST);
	keys(&w, "ja");
	assert_true(shows(&w, "No incident belongs to this line"));
	close_world(&w);
}

static void filter_narrows_and_is_seen(void **state)
{
	world w;
	start(&w);
	key(&w, '/');
	keys(&w, "oom !search");
	assert_int_equal(w.ui.pane[0].n, 1);
	key(&w, NS_KEY_ENTER);
	assert_true(shows(&w, "1 of 6  filter: oom !search"));
	assert_int_equal(w.ui.pane[0].selected, 14);
	key(&w, NS_KEY_ESC);
	assert_int_equal(w.ui.pane[0].n, 6);
	key(&w, '/');
	keys(&w, "sev>=crit ns:shop");
	key(&w, NS_KEY_ENTER);
	assert_int_equal(w.ui.pane[0].n, 2);
	key(&w, '/');
	keys(&w, "aqx"); /* letters in a field are letters */
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_false(w.ui.want.quit);
	close_world(&w);
}

static void pasted_text_never_acts(void **state)
{
	world w;
	start(&w);
	tell(&w, (ns_ui_event){.kind = NS_UI_PASTE, .text = "a\ny\n"});
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "Pasted text is ignored"));
	key(&w, '/');
	tell(&w, (ns_ui_event){.kind = NS_UI_PASTE, .text = "pay\nq"});
	assert_string_equal(w.ui.pane[0].filter, "pay q"); /* a newline does not submit */
	close_world(&w);
}

static void a_burst_moves_and_does_not_act(void **state)
{
	world w;
	start(&w);
	static const char text[] = "jaxq/zyy";
	for (const char *c = text; *c; c++)
		tell(&w, (ns_ui_event){.kind = NS_UI_KEY, .key = (uint32_t)*c, .burst = true});
	assert_int_equal(w.ui.pane[0].at, 1);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_false(w.ui.want.quit);
	assert_false(w.ui.field);
	keys(&w, "ka");
	read_sheet(&w);
	tell(&w, (ns_ui_event){.kind = NS_UI_KEY, .key = 'y', .burst = true});
	assert_int_equal(w.decides, 0);
	close_world(&w);
}

static void two_interrupts_quit(void **state)
{
	world w;
	start(&w);
	key(&w, NS_CTRL('c'));
	assert_false(w.ui.want.quit);
	later(&w, 2500);
	key(&w, NS_CTRL('c'));
	assert_false(w.ui.want.quit);
	key(&w, NS_CTRL('c'));
	assert_true(w.ui.want.quit);
	close_world(&w);
}

static void the_bell_rings_for_people_only(void **state)
{
	world w;
	start(&w);
	assert_false(w.ui.want.bell); /* not for what was there before */
	ns_snapshot *s = snap_typical(2);
	s->approvals[1] = appr_make(7, 14, DIGEST_B, NS_CARD_READY, NS_RISK_LOW);
	see(&w, s);
	assert_true(w.ui.want.bell);
	w.ui.want.bell = false;
	s = snap_typical(3);
	s->n_crit = 9;
	see(&w, s);
	assert_false(w.ui.want.bell); /* one in ten seconds */
	later(&w, 10000);
	s = snap_typical(4);
	s->n_crit = 10;
	see(&w, s);
	assert_true(w.ui.want.bell);
	close_world(&w);
}

/* A new approval is a row, a number and a sound. Nothing opens by itself, the focus stays. */
static void nothing_pops_up(void **state)
{
	world w;
	start(&w);
	key(&w, '2');
	ns_snapshot *s = snap_typical(2);
	s->approvals[1] = appr_make(7, 14, DIGEST_B, NS_CARD_READY, NS_RISK_LOW);
	see(&w, s);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_int_equal(w.ui.focus, NS_PANE_PIPELINE);
	assert_int_equal(w.ui.pane[NS_PANE_PIPELINE].selected, 12);
	close_world(&w);
}

static void long_lists_scroll(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_new(1);
	s->n_incidents = 5000;
	s->incidents = ns_arena_alloc(s->arena, s->n_incidents * sizeof *s->incidents);
	for (size_t i = 0; i < s->n_incidents; i++) {
		s->incidents[i] = inc_make(&typical_incidents[0]);
		s->incidents[i].id = (int64_t)i + 1;
	}
	see(&w, s);
	key(&w, 'G');
	assert_int_equal(w.ui.pane[0].selected, 5000);
	assert_true(shows(&w, "#5000 Deployment"));
	key(&w, NS_KEY_PGUP);
	assert_in_range(w.ui.pane[0].selected, 4980, 4995);
	key(&w, 'g');
	assert_int_equal(w.ui.pane[0].top, 0);
	close_world(&w);
}

static size_t rows_of(const world *w, int pane)
{
	return w->ui.pane[pane].n;
}

/* c goes from all clusters to each and back; Esc shows all; a filter by cluster is a filter of one list. */
static void one_cluster_at_a_time(void **state)
{
	world w;
	open_world(&w, 120, 40);
	see(&w, snap_three(1));
	size_t all = rows_of(&w, NS_PANE_ALERTS), sum = 0;
	for (int i = 0; i < 3; i++) {
		key(&w, 'c');
		sum += rows_of(&w, NS_PANE_ALERTS);
		assert_string_equal(w.ui.cluster, w.ui.snap->clusters[i].name);
		assert_false(w.ui.pane[NS_PANE_ALERTS].disarmed);
	}
	assert_int_equal(sum, all);
	assert_true(shows(&w, "[staging]"));
	key(&w, 'c');
	assert_string_equal(w.ui.cluster, "");
	key(&w, 'c');
	key(&w, NS_KEY_ESC);
	assert_string_equal(w.ui.cluster, "");
	keys(&w, "/cluster:staging");
	key(&w, NS_KEY_ENTER);
	assert_int_equal(rows_of(&w, NS_PANE_ALERTS), 3);
	assert_int_equal(rows_of(&w, NS_PANE_PIPELINE), all);
	key(&w, '4');
	keys(&w, "/cluster:staging");
	assert_int_equal(rows_of(&w, NS_PANE_COST), 2);
	key(&w, NS_KEY_ENTER);
	key(&w, '3');
	keys(&w, "/!cluster:staging");
	assert_int_equal(rows_of(&w, NS_PANE_APPROVALS), 1);
	close_world(&w);
}

/* What is down in one cluster bars a yes there, and nowhere else; nor is there one where nothing may be sent. */
static void a_cluster_that_is_down_bars_its_own_approvals(void **state)
{
	world w;
	open_world(&w, 120, 40);
	see(&w, snap_three(1));
	key(&w, 'a');
	assert_true(shows(&w, "y  approve in prod-eu-1"));
	assert_true(shows(&w, "CLUSTER     prod-eu-1   profile approve"));
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	key(&w, NS_KEY_ESC);
	static const char *const barred[] = {"prod-us-1", "not-configured"};
	for (int i = 0; i < 2; i++) {
		ns_snapshot *s = snap_three(2 + i);
		s->incidents[0].cluster = s->approvals[0].cluster = barred[i];
		see(&w, s);
		key(&w, 'a');
		read_sheet(&w);
		key(&w, 'y');
		assert_int_equal(w.decides, 1);
		assert_true(shows(&w, i ? "is not configured any more" : "is only observed"));
		key(&w, NS_KEY_ESC);
	}
	close_world(&w);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(viewers_see_and_do_not_act),
	    cmocka_unit_test(nothing_before_the_role_is_known),
	    cmocka_unit_test(a_stale_picture_is_not_approved),
	    cmocka_unit_test(no_approval_no_sheet),
	    cmocka_unit_test(a_vanished_row_disarms),
	    cmocka_unit_test(the_marker_follows_its_row),
	    cmocka_unit_test(from_list_to_detail_to_sheet),
	    cmocka_unit_test(digits_and_tab_move_the_focus),
	    cmocka_unit_test(filter_narrows_and_is_seen),
	    cmocka_unit_test(pasted_text_never_acts),
	    cmocka_unit_test(a_burst_moves_and_does_not_act),
	    cmocka_unit_test(two_interrupts_quit),
	    cmocka_unit_test(the_bell_rings_for_people_only),
	    cmocka_unit_test(nothing_pops_up),
	    cmocka_unit_test(long_lists_scroll),
	    cmocka_unit_test(one_cluster_at_a_time),
	    cmocka_unit_test(a_cluster_that_is_down_bars_its_own_approvals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
