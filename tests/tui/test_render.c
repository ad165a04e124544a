/* What frames look like: golden grids at every size class, and the promises that hold at any size. GENERATE=1 writes the goldens anew. */
#include "fixture.h"
#include "neuroscale/base/buf.h"

/* A letter per role, so that colours are held fast too. */
static void role_text(const ns_grid *g, ns_buf *out)
{
	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->cols; x++) {
			const ns_cell *c = &g->cell[y * g->cols + x];
			ns_buf_putc(out, c->cp == ' ' && !c->attr ? ' ' : (char)(c->attr & NS_CELL_SELECTED ? '*' : 'a' + c->role));
		}
		while (out->len && out->data[out->len - 1] == ' ')
			out->len--;
		ns_buf_putc(out, '\n');
	}
}

static void golden(world *w, const char *name, bool roles)
{
	char path[160];
	ns_buf now = NS_BUF_INIT, was = NS_BUF_INIT;
	frame(w);
	grid_text(&w->grid, &now);
	if (roles) {
		ns_buf_puts(&now, "\f\n");
		role_text(&w->grid, &now);
	}
	snprintf(path, sizeof path, "tests/tui/golden/%s.txt", name);
	if (getenv("GENERATE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fwrite(now.data, 1, now.len, f);
		fclose(f);
	}
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing: run the tests from the top directory, or with GENERATE=1", path);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		ns_buf_put(&was, chunk, n);
	fclose(f);
	if (now.len != was.len || memcmp(now.data, was.data, now.len) != 0)
		fail_msg("%s differs from what is painted now:\n%s", path, ns_buf_str(&now));
	ns_buf_free(&now);
	ns_buf_free(&was);
}

static const struct {
	int cols, rows;
} sizes[] = {{160, 48}, {120, 40}, {80, 24}, {46, 19}, {40, 12}, {20, 5}, {300, 100}, {80, 50}, {1, 1}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void home_at_every_size(void **state)
{
	for (int i = 0; i < SIZES; i++) {
		world w;
		char name[64];
		open_world(&w, sizes[i].cols, sizes[i].rows);
		see(&w, snap_typical(1));
		snprintf(name, sizeof name, "home-%dx%d", sizes[i].cols, sizes[i].rows);
		golden(&w, name, sizes[i].cols == 80 && sizes[i].rows == 24);
		close_world(&w);
	}
}

/* Three clusters: the strip, a tag on each row, totals by cluster, and the sheet that names where. */
static void several_clusters(void **state)
{
	static const int at[] = {0, 2, 3};
	static const char *const names[] = {"alerts", "pipeline", "approvals", "cost"};
	for (int i = 0; i < 3; i++) {
		int cols = sizes[at[i]].cols, rows = sizes[at[i]].rows;
		world w;
		char name[64];
		open_world(&w, cols, rows);
		see(&w, snap_three(1));
		for (int k = 0; k < NS_PANE_COUNT; k++) {
			key(&w, (uint32_t)('1' + k));
			snprintf(name, sizeof name, "three-%s-%dx%d", names[k], cols, rows);
			if (i || !k)
				golden(&w, name, rows == 24 && !k);
		}
		key(&w, '1');
		key(&w, 'a');
		snprintf(name, sizeof name, "three-approve-%dx%d", cols, rows);
		golden(&w, name, rows == 24);
		key(&w, NS_KEY_ESC);
		key(&w, 'C');
		snprintf(name, sizeof name, "three-clusters-%dx%d", cols, rows);
		golden(&w, name, false);
		key(&w, NS_KEY_ESC);
		key(&w, 'c');
		key(&w, 'c');
		key(&w, 'c');
		later(&w, 5000);
		snprintf(name, sizeof name, "three-picked-%dx%d", cols, rows);
		golden(&w, name, false);
		close_world(&w);
	}
}

/* Every state of a cluster is a word, at every width at which there is a strip; without colour nothing is lost. */
static void the_strip_says_what_is_wrong(void **state)
{
	for (int cols = 46; cols <= 200; cols += 7) {
		world w;
		open_world(&w, cols, 24);
		see(&w, snap_three(1));
		assert_true(shows(&w, "prod-us-1 "));
		assert_true(shows(&w, "DOWN"));
		close_world(&w);
	}
}

/* Who analyses: with its cost where there is room, and on the narrowest screen at least that it is not the model. */
static void the_header_says_who_thinks(void **state)
{
	static const ns_spent_row day = {.calls = 33, .tokens = 14890, .micro_usd = 3500, .most_calls = 1000, .most_tokens = -1, .most_micro_usd = 10000000};
	static const struct { int cols; const char *why, *shown; } rows[] = {{160, "", "qwen-plus 33/1000 calls 14890 tokens 0.0035/10 USD"},
	    {120, "", "qwen-plus 0.0035/10 USD"}, {160, "budget", "offline: budget"}, {120, "budget", "offline: budget"}, {80, "the model service is down", " offline "}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world w;
		open_world(&w, rows[i].cols, 24);
		ns_snapshot *s = snap_typical(1);
		s->model = (ns_model_row){.on = true, .name = "qwen-plus", .offline_why = rows[i].why, .finds = "offline", .capped = "", .hour = day, .day = day};
		see(&w, s);
		if (!shows(&w, rows[i].shown))
			fail_msg("%d columns, not \"%s\"", rows[i].cols, rows[i].shown);
		close_world(&w);
	}
}

/* Whoever approves sees whose confidence it is, at every width. */
static void the_sheet_says_whose_word_it_is(void **state)
{
	static const int at[][2] = {{160, 48}, {80, 40}, {46, 40}};
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		world w;
		open_world(&w, at[i][0], at[i][1]);
		ns_snapshot *s = snap_typical(1);
		for (size_t k = 0; k < s->n_approvals; k++)
			s->approvals[k].analyst = "offline analyst: the model is slow";
		see(&w, s);
		key(&w, 'a');
		assert_true(shows(&w, "ANALYST"));
		assert_true(shows(&w, "offline analyst:"));
		close_world(&w);
	}
}

static void the_page_says_what_the_model_costs_and_who_is_capped(void **state)
{
	world w;
	open_world(&w, 120, 60);
	ns_snapshot *s = snap_typical(1);
	s->model = (ns_model_row){.on = true, .name = "qwen-plus", .offline_why = "", .finds = "text-embedding-v4/1024",
	    .capped = "qwen-plus on rollback counts for at most 0.31: it says the same to everything", .hour = {1, 2, 3, 120, -1, -1}, .day = {4, 5, 6000, -1, -1, 10000000}};
	see(&w, s);
	key(&w, 'C');
	assert_true(shows(&w, "qwen-plus analyses; runbooks are found by text-embedding-v4/1024 vectors"));
	assert_true(shows(&w, "qwen-plus on rollback counts for at most 0.31"));
	assert_true(shows(&w, "in an hour: 1 of 120 calls, 2 tokens"));
	assert_true(shows(&w, "in a day: 4 calls, 5 tokens, 0.0060 of 10 USD"));
	close_world(&w);
}

static void each_pane_alone(void **state)
{
	static const char *const names[] = {"alerts", "pipeline", "approvals", "cost"};
	for (int i = 2; i < 4; i++)
		for (int k = 1; k < NS_PANE_COUNT; k++) {
			world w;
			char name[64];
			open_world(&w, sizes[i].cols, sizes[i].rows);
			see(&w, snap_typical(1));
			key(&w, (uint32_t)('1' + k));
			snprintf(name, sizeof name, "%s-%dx%d", names[k], sizes[i].cols, sizes[i].rows);
			golden(&w, name, false);
			close_world(&w);
		}
}

static void first_frame_before_any_data(void **state)
{
	world w;
	*(&w) = (world){.mono = 1, .wall = T0};
	ns_ui_init(&w.ui, "mira", false, 80, 24);
	tell(&w, (ns_ui_event){.kind = NS_UI_TICK});
	golden(&w, "skeleton-80x24", false);
	close_world(&w);
}

static void detail_help_messages(void **state)
{
	static const int at[] = {0, 2, 3};
	for (int i = 0; i < 3; i++) {
		int cols = sizes[at[i]].cols, rows = sizes[at[i]].rows;
		world w;
		char name[64];
		open_world(&w, cols, rows);
		see(&w, snap_typical(1));
		key(&w, NS_KEY_ENTER);
		assert_int_equal(w.details, 1);
		tell(&w, (ns_ui_event){.kind = NS_UI_DETAIL, .id = 12, .detail = detail_typical(), .text = ""});
		snprintf(name, sizeof name, "detail-%dx%d", cols, rows);
		golden(&w, name, false);
		key(&w, '?');
		snprintf(name, sizeof name, "help-%dx%d", cols, rows);
		golden(&w, name, false);
		key(&w, 'm');
		snprintf(name, sizeof name, "messages-%dx%d", cols, rows);
		golden(&w, name, false);
		close_world(&w);
	}
}

static void sheets(void **state)
{
	static const int at[] = {0, 2, 3, 4};
	for (int i = 0; i < 4; i++) {
		int cols = sizes[at[i]].cols, rows = sizes[at[i]].rows;
		world w;
		char name[64];
		open_world(&w, cols, rows);
		see(&w, snap_typical(1));
		key(&w, 'a');
		snprintf(name, sizeof name, "approve-%dx%d", cols, rows);
		golden(&w, name, rows == 24);
		key(&w, NS_KEY_ESC);
		key(&w, 'x');
		snprintf(name, sizeof name, "reject-%dx%d", cols, rows);
		golden(&w, name, false);
		key(&w, NS_KEY_ESC);
		ns_snapshot *s = snap_typical(2);
		s->approvals[0].risk = NS_RISK_HIGH;
		see(&w, s);
		key(&w, 'a');
		snprintf(name, sizeof name, "code-%dx%d", cols, rows);
		golden(&w, name, false);
		close_world(&w);
	}
}

static void warnings_have_words(void **state)
{
	world w;
	open_world(&w, 120, 40);
	ns_snapshot *s = snap_typical(1);
	s->mode = "demo";
	s->clock_rate = 10;
	s->clusters[0].storm = true;
	s->clusters[0].storm_why = "17 workloads broke within 60 s: nothing runs by itself until it is calm";
	s->clusters[0].insecure = true;
	s->clusters[0].lease_held = false;
	s->clusters[0].lease_why = "another engine (bastion-2, pid 811) holds the Lease of this cluster";
	s->clusters[0].breakers = "target shop/cart open for 4m";
	see(&w, s);
	golden(&w, "warnings-120x40", false);
	tell(&w, (ns_ui_event){.kind = NS_UI_RESIZE, .cols = 46, .rows = 19});
	golden(&w, "warnings-46x19", false);
	close_world(&w);
}

static void stale_and_gone(void **state)
{
	world w;
	open_world(&w, 80, 24);
	ns_snapshot *s = snap_typical(1);
	s->clusters[0].live = false;
	s->clusters[0].link_since_ms = T0 - 42000;
	s->clusters[0].last_event_ms = T0 - 42000;
	s->clusters[0].down_why = "connection refused";
	see(&w, s);
	assert_true(shows(&w, "STALE 42s"));
	assert_true(shows(&w, "CLUSTER DOWN connection refused"));
	tell(&w, (ns_ui_event){.kind = NS_UI_GONE, .text = "the engine is gone"});
	assert_true(shows(&w, "ENGINE GONE"));
	key(&w, 'a');
	assert_true(shows(&w, "The engine does not answer"));
	assert_int_equal(w.ui.sheet.state, NS_SHEET_NONE);
	close_world(&w);
}

/* The question of a sheet is on screen at every size from 40x12 up, however long what it shows is. */
static void the_question_never_scrolls_away(void **state)
{
	static char long_diff[20000];
	size_t n = 0;
	for (int i = 0; i < 200; i++)
		n += (size_t)snprintf(
		    long_diff + n, sizeof long_diff - n, "+ spec.template.spec.containers.app.env.VARIABLE_%d: value\n", i);
	for (int cols = 40; cols <= 300; cols += cols < 130 ? 1 : 10)
		for (int rows = 12; rows <= 100; rows += rows < 30 ? 1 : 10) {
			world w;
			open_world(&w, cols, rows);
			ns_snapshot *s = snap_typical(1);
			s->approvals[0].diff = long_diff;
			s->approvals[0].risk = rows % 2 ? NS_RISK_HIGH : NS_RISK_LOW;
			see(&w, s);
			key(&w, 'a');
			bool code = s->approvals[0].risk == NS_RISK_HIGH;
			for (int page = 0; page < 3; page++) {
				if (code)
					assert_true(shows(&w, w.ui.sheet.code));
				else
					assert_true(shows(&w, cols < 60 ? "y = approve" : "y  approve"));
				key(&w, ' ');
			}
			close_world(&w);
		}
}

/* An untouched console wakes when a text changes and not before. */
static void ticks_only_for_what_is_seen(void **state)
{
	world w;
	open_world(&w, 80, 24);
	see(&w, snap_new(1));
	frame(&w);
	assert_in_range(w.due, 5000, 15000); /* only the age of the link */
	see(&w, snap_typical(2));
	key(&w, '3');
	frame(&w);
	assert_in_range(w.due, 1, 1000); /* a countdown is visible */
	close_world(&w);
}

static void nothing_is_drawn_twice(void **state)
{
	world w;
	ns_buf a = NS_BUF_INIT, b = NS_BUF_INIT;
	open_world(&w, 120, 40);
	see(&w, snap_typical(1));
	frame(&w);
	grid_text(&w.grid, &a);
	frame(&w);
	grid_text(&w.grid, &b);
	assert_string_equal(a.data, b.data);
	ns_buf_free(&a);
	ns_buf_free(&b);
	close_world(&w);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(home_at_every_size),
	    cmocka_unit_test(several_clusters),
	    cmocka_unit_test(the_strip_says_what_is_wrong),
	    cmocka_unit_test(the_header_says_who_thinks),
	    cmocka_unit_test(the_sheet_says_whose_word_it_is),
	    cmocka_unit_test(the_page_says_what_the_model_costs_and_who_is_capped),
	    cmocka_unit_test(each_pane_alone),
	    cmocka_unit_test(first_frame_before_any_data),
	    cmocka_unit_test(detail_help_messages),
	    cmocka_unit_test(sheets),
	    cmocka_unit_test(warnings_have_words),
	    cmocka_unit_test(stale_and_gone),
	    cmocka_unit_test(the_question_never_scrolls_away),
	    cmocka_unit_test(ticks_only_for_what_is_seen),
	    cmocka_unit_test(nothing_is_drawn_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
