/* Taking back what was changed: `u` opens a sheet that shows it, `y` alone asks for it, and what does not stand any more cannot be asked
 * for. */
#include "fixture.h"

/* On #8, which was fixed, at the end of the list. */
static void start(world *w)
{
	open_world(w, 100, 30);
	see(w, snap_undo(1));
	frame(w);
	key(w, 'G');
	assert_int_equal(ns_ui_selected_incident(&w->ui), 8);
}

static void undo_is_two_keys(void **state)
{
	world w;
	start(&w);
	assert_true(shows(&w, "u undo"));
	key(&w, 'u');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_OPEN);
	read_sheet(&w);
	assert_true(shows(&w, "UNDO incident #8 ?"));
	assert_true(shows(&w, "take back: raise memory limit 64Mi -> 128Mi"));
	assert_true(shows(&w, "+ spec.template.spec.containers.app.resources.limits.memory: 64Mi"));
	assert_true(shows(&w, "deployment/search .."));
	assert_true(shows(&w, "y  take it back"));
	assert_true(shows(&w, "until 2026-11-23T03:47:09Z"));
	assert_false(shows(&w, "RISK"));
	key(&w, 'y');
	assert_int_equal(w.decides, 1);
	assert_true(w.last_undo);
	assert_int_equal(w.last_incident, 8);
	assert_string_equal(w.last_digest, DIGEST_A);
	tell(&w, (ns_ui_event){.kind = NS_UI_DECIDED, .id = 27, .ok = true, .text = "another decision of that number"}); /* not an undo */
	assert_int_equal(w.ui.sheet.state, NS_SHEET_SENDING);
	tell(&w, (ns_ui_event){.kind = NS_UI_DECIDED, .id = 27, .undo = true, .ok = true, .text = "taking back: incident 8"});
	assert_true(shows(&w, "taking back: incident 8"));
	assert_int_equal(w.ui.sheet.state, NS_SHEET_DONE);
	close_world(&w);
}

static void only_y_takes_it_back(void **state)
{
	static const uint32_t others[] = {NS_KEY_ENTER, NS_KEY_ESC, 'q', 'n', 'u', 'a', 'x', '1', NS_CTRL('c')};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		world w;
		start(&w);
		key(&w, 'u');
		read_sheet(&w);
		key(&w, others[i]);
		assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
		assert_int_equal(w.decides, 0);
		if (others[i] != NS_CTRL('c'))
			assert_true(shows(&w, "Undo cancelled. Nothing was sent."));
		close_world(&w);
	}
}

static void typed_too_soon_is_not_heard(void **state)
{
	world w;
	start(&w);
	keys(&w, "uy"); /* before it was seen */
	assert_int_equal(w.decides, 0);
	assert_true(shows(&w, "Too soon"));
	close_world(&w);
}

/* The key's four states: hidden where this engine has nothing to take back, dim where this row has nothing, bright, and dead with a reason.
 */
static void the_key_says_what_it_can_do(void **state)
{
	world w;
	open_world(&w, 100, 30);
	see(&w, snap_typical(1));
	frame(&w);
	assert_false(shows(&w, "u undo"));
	key(&w, 'u');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "Nothing of it can be taken back"));
	see(&w, snap_undo(2));
	assert_true(shows(&w, "u undo"));
	const ns_binding *b = ns_binding_find(NS_IN_HOME, 'u');
	assert_non_null(b);
	assert_false(ns_binding_idle(&w.ui, b));
	assert_true(ns_binding_dead(&w.ui, b)); /* #12 waits for an answer and has changed nothing */
	key(&w, 'G');
	assert_false(ns_binding_dead(&w.ui, b));
	tell(&w, (ns_ui_event){.kind = NS_UI_ROLE, .role = NS_ROLE_VIEWER});
	assert_true(ns_binding_dead(&w.ui, b));
	key(&w, 'u');
	assert_true(shows(&w, "Read-only"));
	tell(&w, (ns_ui_event){.kind = NS_UI_ROLE, .role = NS_ROLE_ADMIN});
	tell(&w, (ns_ui_event){.kind = NS_UI_GONE, .text = "it is gone"});
	assert_true(ns_binding_dead(&w.ui, b));
	close_world(&w);
}

static void what_does_not_stand_any_more_is_void(void **state)
{
	world w;
	start(&w);
	key(&w, 'u');
	read_sheet(&w);
	ns_snapshot *s = snap_undo(2);
	s->undos[1].digest = DIGEST_B;
	see(&w, s);
	assert_int_equal(w.ui.sheet.state, NS_SHEET_VOID);
	assert_true(shows(&w, "UNDO CHANGED"));
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	key(&w, 'u');
	read_sheet(&w);
	s = snap_undo(3);
	s->n_undos = 1; /* somebody else took it */
	see(&w, s);
	assert_true(shows(&w, "NOT POSSIBLE ANY MORE"));
	key(&w, 'y');
	assert_int_equal(w.decides, 0);
	see(&w, snap_undo(4));
	key(&w, 'u');
	read_sheet(&w);
	later(&w, 3600000);
	assert_true(shows(&w, "EXPIRED: it cannot be taken back here any more."));
	key(&w, 'y');
	key(&w, 'u');
	assert_int_equal(w.decides, 0);
	assert_true(shows(&w, "Its time is over"));
	close_world(&w);
}

static void an_observed_cluster_takes_nothing(void **state)
{
	world w;
	start(&w);
	ns_snapshot *s = snap_undo(2);
	s->clusters[0].profile = NS_PROFILE_OBSERVE;
	see(&w, s);
	key(&w, 'u');
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	assert_true(shows(&w, "is only observed"));
	close_world(&w);
}

static void it_fits_any_screen(void **state)
{
	static const int sizes[][2] = {{20, 6}, {33, 9}, {46, 19}, {60, 12}, {80, 24}, {160, 48}};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		world w;
		start(&w);
		tell(&w, (ns_ui_event){.kind = NS_UI_RESIZE, .cols = sizes[i][0], .rows = sizes[i][1]});
		key(&w, 'u');
		read_sheet(&w);
		assert_true(shows(&w, "UNDO"));
		assert_true(shows(&w, "y "));
		key(&w, 'y');
		assert_int_equal(w.decides, 1);
		close_world(&w);
	}
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(undo_is_two_keys),
	    cmocka_unit_test(only_y_takes_it_back),
	    cmocka_unit_test(typed_too_soon_is_not_heard),
	    cmocka_unit_test(the_key_says_what_it_can_do),
	    cmocka_unit_test(what_does_not_stand_any_more_is_void),
	    cmocka_unit_test(an_observed_cluster_takes_nothing),
	    cmocka_unit_test(it_fits_any_screen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
