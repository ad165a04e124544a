/* Deciding: what approves and rejects, and all that does not. */
#include "fixture.h"

static void start(world *w)
{
	open_world(w, 80, 24);
	see(w, snap_typical(1));
	frame(w);
}

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

static void who_must_agree_stands_on_the_sheet(void **state)
{
	world w;
	open_world(&w, 110, 40);
	ns_snapshot *s = snap_typical(1);
	s->approvals[0].people = "1 of 2: uid 1000 (kim) said yes at 03:02:11Z; another person must";
	s->approvals[0].autonomy = "4 of 4 fixed here: not earned";
	see(&w, s);
	key(&w, 'a');
	assert_true(shows(&w, "1 of 2: uid 1000 (kim)"));
	assert_true(shows(&w, "4 of 4 fixed here: not earned"));
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
	    cmocka_unit_test(who_must_agree_stands_on_the_sheet),
	    cmocka_unit_test(reject_with_a_reason),
	    cmocka_unit_test(high_risk_takes_the_code),
	    cmocka_unit_test(wrong_codes_close_and_change_it),
	    cmocka_unit_test(enter_with_half_a_code_cancels),
	    cmocka_unit_test(answer_after_the_sheet_was_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
