/* Pane 4: what it costs, from OpenCost. Numbers first; the bar only shows the share. */
#include "view.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { C_NAME, C_DAY, C_DELTA, C_EFF, C_BAR, C_COUNT };
static const ns_col cols[C_COUNT] = {
    [C_NAME] = {"WORKLOAD", 14, 34, 0, false},
    [C_DAY] = {"PER DAY", 9, 10, 0, true},
    [C_DELTA] = {"DELTA", 6, 6, 0, true},
    [C_EFF] = {"EFF", 4, 4, 1, true},
    [C_BAR] = {"SHARE", 6, 16, 2, false},
};
enum { MARKER = 2 };

static size_t count(const ns_snapshot *s)
{
	return s->n_cost;
}

/* FNV-1a over both names: a cost line has no id of its own. Never 0, which means "none". */
static int64_t key(const ns_snapshot *s, size_t i)
{
	uint64_t h = 14695981039346656037u;
	const char *const parts[] = {s->cost[i].ns, "/", s->cost[i].workload};
	for (int k = 0; k < 3; k++)
		for (const char *c = parts[k]; *c; c++)
			h = (h ^ (unsigned char)*c) * 1099511628211u;
	return (int64_t)(h >> 1) | 1;
}

static bool match(const ns_snapshot *s, size_t i, const char *filter)
{
	return ns_filter_cost(&s->cost[i], filter);
}

static int chrome(const ns_ui *ui, ns_rect r)
{
	return 2; /* titles above, total below */
}

static int height(const ns_ui *ui, size_t visible, ns_rect r)
{
	return 1;
}

static void delta_text(double now, double before, char out[16])
{
	if (!(before > 0) || !isfinite(now))
		snprintf(out, 16, "new");
	else if (fabs(now / before - 1) >= 9.995)
		snprintf(out, 16, "x%.0f", fmin(now / before, 99999));
	else
		snprintf(out, 16, "%+.0f%%", (now / before - 1) * 100);
}

static ns_color_role delta_role(double now, double before, bool spike)
{
	if (spike)
		return NS_ROLE_SEV_CRIT;
	return before > 0 && now > before * 1.2 ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM;
}

static void bar(const ns_pen *p, int x, int y, int w, double share)
{
	int full = (int)lround(share * w);
	for (int i = 0; i < w; i++)
		ns_pen_glyph(p, x + i, y, i < full ? NS_ROLE_GRAPH : NS_ROLE_TEXT_DIM, i < full ? NS_G_BAR : NS_G_BAR_REST);
}

static void row(const ns_pen *p, int y, const ns_cost_line *c, double most, const int *x, const int *w, bool selected, bool focused)
{
	ns_pen q = ns_pen_in(p, MARKER, y, p->r.w - MARKER, 1);
	char text[512], money[32], delta[16];
	bool idle = !*c->workload;
	ns_pen_marker(p, y, selected, focused);
	snprintf(text, sizeof text, "%s%s%s", c->ns, idle ? "" : "/", c->workload);
	int used = ns_pen_name(&q, x[C_NAME], 0, w[C_NAME], idle ? NS_ROLE_TEXT_DIM : NS_ROLE_TEXT, text);
	if (selected)
		ns_grid_mark(q.g, q.r, x[C_NAME], 0, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	ns_money(c->per_day, money);
	ns_pen_right(&q, x[C_DAY], 0, w[C_DAY], NS_ROLE_TEXT_STRONG, money);
	delta_text(c->per_day, c->before, delta);
	ns_pen_right(&q, x[C_DELTA], 0, w[C_DELTA], delta_role(c->per_day, c->before, c->spike), delta);
	if (w[C_EFF]) {
		if (idle)
			snprintf(text, sizeof text, "-");
		else
			snprintf(text, sizeof text, "%.0f%%", fmin(fmax(c->efficiency, 0) * 100, 999));
		ns_pen_right(&q, x[C_EFF], 0, w[C_EFF], NS_ROLE_TEXT, text);
	}
	if (w[C_BAR] && most > 0)
		bar(&q, x[C_BAR], 0, w[C_BAR], fmin(fmax(c->per_day / most, 0), 1));
}

static void total(const ns_pen *p, int y, const int *x, const int *w)
{
	const ns_snapshot *s = p->ui->snap;
	ns_pen q = ns_pen_in(p, MARKER, y, p->r.w - MARKER, 1);
	char money[32], delta[16], age[16];
	ns_money(s->cost_total, money);
	delta_text(s->cost_total, s->cost_before, delta);
	int used = ns_pen_bold(&q, x[C_NAME], 0, w[C_NAME], NS_ROLE_TEXT_STRONG, "TOTAL");
	ns_pen_age(p, s->cost_at_ms, age);
	ns_pen_printf(&q, used + 2, 0, w[C_NAME] - used - 2, NS_ROLE_TEXT_DIM, "%s ago", age);
	ns_grid_right(q.g, q.r, x[C_DAY], 0, w[C_DAY], NS_ROLE_TEXT_STRONG, NS_ATTR_BOLD, money);
	ns_pen_right(&q, x[C_DELTA], 0, w[C_DELTA], delta_role(s->cost_total, s->cost_before, false), delta);
}

static void draw(const ns_pen *p, bool focused)
{
	const ns_ui *ui = p->ui;
	const ns_pane *m = &ui->pane[NS_PANE_COST];
	const ns_snapshot *s = ui->snap;
	int x[NS_COLS_MAX], w[NS_COLS_MAX];
	double most = 0;
	if (!s)
		return;
	if (*s->cost_error) {
		ns_pen_empty(p, "OpenCost does not answer.", s->cost_error);
		return;
	}
	if (!s->cost_at_ms) {
		ns_pen_empty(p, "No cost report yet.", "");
		return;
	}
	ns_pen head = ns_pen_in(p, MARKER, 0, p->r.w - MARKER, 1);
	ns_cols_fit(cols, C_COUNT, head.r.w, x, w);
	ns_cols_head(&head, cols, C_COUNT, x, w);
	for (size_t i = 0; i < s->n_cost; i++)
		if (s->cost[i].per_day > most)
			most = s->cost[i].per_day;
	for (size_t i = m->top; i < m->n; i++) {
		int y = 1 + (int)(i - m->top);
		if (y + 1 >= p->r.h)
			break;
		row(p, y, &s->cost[m->row[i]], most, x, w, key(s, m->row[i]) == m->selected, focused);
	}
	int y = 1 + (int)(m->n - m->top);
	total(p, y < p->r.h - 1 ? y : p->r.h - 1, x, w);
}

static void status(const ns_ui *ui, char *out, size_t cap)
{
	const ns_snapshot *s = ui->snap;
	const ns_pane *m = &ui->pane[NS_PANE_COST];
	char money[32];
	*out = '\0';
	if (!s || !s->cost_at_ms)
		return;
	if (*m->filter) {
		snprintf(out, cap, "%zu of %zu  filter: %s", m->n, s->n_cost, m->filter);
		return;
	}
	ns_money(s->cost_total, money);
	snprintf(out, cap, "%s a day", money);
}

const ns_pane_ops ns_pane_cost = {"OpenCost report", "Cost", "Cost", count, key, match, chrome, height, draw, status};
