/* Key scripts: what a person types and what must come of it. */
#include "fixture.h"

static void start(world *w)
{
	open_world(w, 80, 24);
	see(w, snap_typical(1));
	frame(w);
}

/* ---- deciding ---- */

static void approve_is_two_keys(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	assert_int_equal(w.last_approval, 3);
	assert_true(w.last_approve);
	assert_string_equal(w.last_digest, DIGEST_A);
	assert_true(shows(&w, "Sending your decision"));
	tell(&w, (ns_ui_event){.kind = NS_UI_DECIDED, .id = 3, .ok = true, .text = "approved: it runs now"});
	assert_true(shows(&w, "approved: it runs now"));
	later(&w, 60000);
	assert_true(shows(&w, "approved: it runs now")); /* stays until a key */
	key(&w, 'y');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_int_equal(w.decides, 1);
	close_world(&w);
}

static void only_y_accepts(void **state)
{
	static const uint32_t others[] = {
	    NS_KEY_ENTER, NS_KEY_ESC, 'q', 'n', 'Y', 'a', 'x', 'h', NS_KEY_BACKSPACE, NS_KEY_TAB, '1', NS_CTRL('c'), NS_KEY_LEFT, 0xE9};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		world w;
		start(&w);
		key(&w, 'a');
		read_sheet(&w);
		key(&w, others[i]);
		assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
		assert_int_equal(w.decides, 0);
		assert_false(w.ui.want.quit);
		if (others[i] != NS_CTRL('c'))
			assert_true(shows(&w, "Nothing was sent"));
		close_world(&w);
	}
}

static void typed_too_soon_is_not_heard(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	key(&w, 'y'); /* before the first paint */
	assert_int_equal(w.decides, 0);
	frame(&w);
	tell(&w, (ns_ui_event){.kind = NS_UI_QUIET});
	later(&w, 499);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	assert_true(shows(&w, "Too soon"));
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	later(&w, 1);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	close_world(&w);
}

/* A stuck key or a paste that goes on never lets the keyboard fall silent. */
static void needs_a_silent_keyboard(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	frame(&w);
	later(&w, 5000);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	tell(&w, (ns_ui_event){.kind = NS_UI_QUIET});
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	close_world(&w);
}

static void paging_keeps_the_sheet(void **state)
{
	world w;
	start(&w);
	tell(&w, (ns_ui_event){.kind = NS_UI_RESIZE, .cols = 46, .rows = 19});
	key(&w, 'a');
	read_sheet(&w);
	keys(&w, "jj k");
	key(&w, NS_KEY_PGDN);
	key(&w, NS_KEY_DOWN);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	assert_true(w.ui.sheet.top > 0);
	for (int i = 0; i < 50; i++)
		key(&w, ' ');
	assert_true(shows(&w, "a quarter at a time.")); /* the end can be reached */
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	close_world(&w);
}

static void changed_plan_voids_the_sheet(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	read_sheet(&w);
	ns_snapshot *s = snap_typical(2);
	s->approvals[0].digest = DIGEST_B;
	see(&w, s);
	assert_true(shows(&w, "PLAN CHANGED - Esc, then a again"));
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	key(&w, 'a');
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	assert_string_equal(w.last_digest, DIGEST_B);
	close_world(&w);
}

/* The same incident, asked again under another id: not what was read. */
static void another_request_voids_the_sheet(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	read_sheet(&w);
	ns_snapshot *s = snap_typical(2);
	s->approvals[0].id = 4;
	see(&w, s);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	close_world(&w);
}

static void decided_elsewhere_is_told(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	read_sheet(&w);
	ns_snapshot *s = snap_typical(2);
	s->approvals++;
	s->n_approvals--;
	s->incidents[0].state = NS_ST_REJECTED;
	s->incidents[0].note = "rejected by uid 1001 (kim) at 03:02Z";
	see(&w, s);
	assert_true(shows(&w, "rejected by uid 1001 (kim)"));
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	close_world(&w);
}

static void silence_is_no_on_screen_too(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	read_sheet(&w);
	later(&w, 272000);
	assert_true(shows(&w, "EXPIRED"));
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	close_world(&w);
}

static void dry_run_out_can_be_read_not_approved(void **state)
{
	world w;
	start(&w);
	key(&w, 'j');
	key(&w, 'a');
	assert_true(shows(&w, "The dry-run is still out"));
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	/* It comes back: the sheet shows it, and the guard begins anew. */
	ns_snapshot *s = snap_typical(2);
	s->approvals[1] = appr_make(7, 14, DIGEST_B, NS_CARD_READY, NS_RISK_LOW);
	see(&w, s);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	assert_int_equal(w.last_approval, 7);
	assert_string_equal(w.last_digest, DIGEST_B);
	close_world(&w);
}

static void blocked_can_only_be_rejected(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->approvals[0].state = NS_CARD_BLOCKED;
	s->approvals[0].warnings = "the dry-run was refused by admission";
	see(&w, s);
	key(&w, 'a');
	assert_true(shows(&w, "refused by admission"));
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	key(&w, NS_KEY_ESC);
	key(&w, 'x');
	read_sheet(&w);
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	assert_false(w.last_approve);
	close_world(&w);
}

static void reject_with_a_reason(void **state)
{
	world w;
	start(&w);
	key(&w, 'x');
	key(&w, '2');
	assert_int_equal(w.decides, 0); /* the guard holds for rejecting as well */
	read_sheet(&w);
	key(&w, '2');
	assert_int_equal(w.decides, 1);
	assert_false(w.last_approve);
	assert_string_equal(w.last_reason, "thin evidence");
	close_world(&w);
}

static void high_risk_takes_the_code(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->approvals[0].risk = NS_RISK_HIGH;
	see(&w, s);
	key(&w, 'a');
	char code[5];
	snprintf(code, sizeof code, "%s", w.ui.sheet.code);
	assert_int_equal(strlen(code), 4);
	assert_true(shows(&w, code));
	keys(&w, code); /* too soon: nothing of it is kept */
	assert_string_equal(w.ui.sheet.typed, "");
	read_sheet(&w);
	keys(&w, code);
	assert_int_equal(w.decides, 0); /* only with Enter */
	key(&w, NS_KEY_BACKSPACE);
	key(&w, (uint32_t)code[3]);
	key(&w, NS_KEY_ENTER);
	assert_int_equal(w.decides, 1);
	close_world(&w);
}

static void wrong_codes_close_and_change_it(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->approvals[0].risk = NS_RISK_CRITICAL;
	see(&w, s);
	key(&w, 'a');
	read_sheet(&w);
	char code[5];
	snprintf(code, sizeof code, "%s", w.ui.sheet.code);
	for (int i = 0; i < 3; i++) {
		keys(&w, strcmp(code, "0000") == 0 ? "1111" : "0000");
		key(&w, NS_KEY_ENTER);
	}
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_int_equal(w.decides, 0);
	assert_true(shows(&w, "Three wrong codes"));
	key(&w, 'a');
	assert_string_not_equal(w.ui.sheet.code, code);
	key(&w, 'y'); /* `y` is no answer here */
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	close_world(&w);
}

static void enter_with_half_a_code_cancels(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->approvals[0].risk = NS_RISK_HIGH;
	see(&w, s);
	key(&w, 'a');
	read_sheet(&w);
	keys(&w, "12");
	key(&w, NS_KEY_ENTER);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_int_equal(w.decides, 0);
	close_world(&w);
}

static void answer_after_the_sheet_was_left(void **state)
{
	world w;
	start(&w);
	key(&w, 'a');
	read_sheet(&w);
	key(&w, 'y');
	key(&w, NS_KEY_ESC);
	tell(&w, (ns_ui_event){.kind = NS_UI_DECIDED, .id = 3, .ok = false, .text = "already rejected by kim"});
	assert_true(shows(&w, "already rejected by kim"));
	later(&w, 100000);
	assert_true(shows(&w, "already rejected by kim")); /* errors stay until a key */
	key(&w, 'j');
	assert_false(shows(&w, "already rejected by kim"));
	close_world(&w);
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
	s->live = false;
	s->link_since_ms = T0 - 20000;
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

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(approve_is_two_keys),
	    cmocka_unit_test(only_y_accepts),
	    cmocka_unit_test(typed_too_soon_is_not_heard),
	    cmocka_unit_test(needs_a_silent_keyboard),
	    cmocka_unit_test(paging_keeps_the_sheet),
	    cmocka_unit_test(changed_plan_voids_the_sheet),
	    cmocka_unit_test(another_request_voids_the_sheet),
	    cmocka_unit_test(decided_elsewhere_is_told),
	    cmocka_unit_test(silence_is_no_on_screen_too),
	    cmocka_unit_test(dry_run_out_can_be_read_not_approved),
	    cmocka_unit_test(blocked_can_only_be_rejected),
	    cmocka_unit_test(reject_with_a_reason),
	    cmocka_unit_test(high_risk_takes_the_code),
	    cmocka_unit_test(wrong_codes_close_and_change_it),
	    cmocka_unit_test(enter_with_half_a_code_cancels),
	    cmocka_unit_test(answer_after_the_sheet_was_left),
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
