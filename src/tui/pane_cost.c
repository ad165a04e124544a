/* Pane 4: what it costs, from OpenCost. Numbers first; the bar only shows the share. */
#include "view.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { C_CLUSTER, C_NAME, C_DAY, C_DELTA, C_EFF, C_BAR, C_COUNT };
static const ns_col cols[C_COUNT] = {
    [C_CLUSTER] = {"CLUSTER", 8, 16, 0, false},
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

static const char *cluster(const ns_snapshot *s, size_t i)
{
	return s->cost[i].cluster;
}

/* FNV-1a over the names: a cost line has no id of its own. Never 0, which means "none". */
static int64_t key(const ns_snapshot *s, size_t i)
{
	uint64_t h = 14695981039346656037u;
	const char *const parts[] = {s->cost[i].cluster, "/", s->cost[i].ns, "/", s->cost[i].workload};
	for (int k = 0; k < 5; k++)
		for (const char *c = parts[k]; *c; c++)
			h = (h ^ (unsigned char)*c) * 1099511628211u;
	return (int64_t)(h >> 1) | 1;
}

static bool match(const ns_snapshot *s, size_t i, const char *filter)
{
	return ns_filter_cost(&s->cost[i], filter);
}

/* One line of totals for each cluster shown where there is room for them, else one for all. */
static int totals(const ns_ui *ui, ns_rect r)
{
	int n = 0;
	for (size_t i = 0; ui->snap && i < ui->snap->n_clusters; i++)
		n += ns_ui_shows_cluster(ui, ui->snap->clusters[i].name);
	return n > 1 && n + 1 <= r.h / 3 ? n + 1 : 1;
}

static int chrome(const ns_ui *ui, ns_rect r)
{
	return 1 + totals(ui, r); /* titles above, totals below */
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
	if (w[C_CLUSTER])
		ns_pen_cluster(&q, x[C_CLUSTER], 0, w[C_CLUSTER], c->cluster);
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

typedef struct sum {
	double now, before;
	int64_t at_ms;     /* of the oldest report */
	size_t reports;    /* clusters that have one */
	const char *error; /* of the first that has none, NULL fine */
} sum;

static void add_up(sum *t, const ns_cluster_row *c)
{
	if (*c->cost_error && !t->error)
		t->error = c->cost_error;
	if (!c->cost_at_ms)
		return;
	t->now += c->cost_total;
	t->before += c->cost_before;
	t->reports++;
	if (!t->at_ms || c->cost_at_ms < t->at_ms)
		t->at_ms = c->cost_at_ms;
}

static sum sum_shown(const ns_ui *ui)
{
	sum t = {0};
	for (size_t i = 0; i < ui->snap->n_clusters; i++)
		if (ns_ui_shows_cluster(ui, ui->snap->clusters[i].name))
			add_up(&t, &ui->snap->clusters[i]);
	return t;
}

static void total(const ns_pen *p, int y, const char *title, const ns_cluster_row *c, const sum *t, const int *x, const int *w)
{
	ns_pen q = ns_pen_in(p, MARKER, y, p->r.w - MARKER, 1);
	char money[32], delta[16], age[16];
	bool over = c && c->cost_budget > 0 && t->now > c->cost_budget;
	int room = x[C_NAME] + w[C_NAME];
	int used = c && w[C_CLUSTER] ? ns_pen_cluster(&q, 0, 0, w[C_CLUSTER], title) : ns_pen_bold(&q, 0, 0, room, NS_ROLE_TEXT_STRONG, title);
	if (!t->reports) {
		ns_pen_text(&q, used + 2, 0, q.r.w - used - 2, t->error ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM, t->error ? t->error : "no report yet");
		return;
	}
	ns_pen_age(p, t->at_ms, age);
	ns_pen_printf(&q, used + 2, 0, room - used - 2, over ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM, "%s%s ago", over ? "over budget " : "", age);
	ns_money(t->now, money);
	delta_text(t->now, t->before, delta);
	ns_grid_right(q.g, q.r, x[C_DAY], 0, w[C_DAY], over ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_STRONG, NS_ATTR_BOLD, money);
	ns_pen_right(&q, x[C_DELTA], 0, w[C_DELTA], delta_role(t->now, t->before, false), delta);
}

static void draw_totals(const ns_pen *p, int y, const int *x, const int *w)
{
	const ns_ui *ui = p->ui;
	sum all = sum_shown(ui);
	int n = totals(ui, p->r);
	y = y < p->r.h - n ? y : p->r.h - n;
	for (size_t i = 0; n > 1 && i < ui->snap->n_clusters; i++) {
		const ns_cluster_row *c = &ui->snap->clusters[i];
		sum own = {0};
		if (!ns_ui_shows_cluster(ui, c->name))
			continue;
		add_up(&own, c);
		total(p, y++, c->name, c, &own, x, w);
	}
	total(p, y, "TOTAL", n > 1 || !ui->snap->n_clusters ? NULL : ns_ui_several(ui) ? ns_ui_cluster(ui, ui->cluster) : NULL, &all, x, w);
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
	sum shown = sum_shown(ui);
	if (!shown.reports) {
		ns_pen_empty(p, shown.error ? "OpenCost does not answer." : "No cost report yet.", shown.error ? shown.error : "");
		return;
	}
	ns_pen head = ns_pen_in(p, MARKER, 0, p->r.w - MARKER, 1);
	ns_col c[C_COUNT];
	memcpy(c, cols, sizeof cols);
	if (!ns_ui_several(ui))
		c[C_CLUSTER].min = c[C_CLUSTER].max = 0;
	ns_cols_fit(c, C_COUNT, head.r.w, x, w);
	ns_cols_head(&head, c, C_COUNT, x, w);
	for (size_t i = 0; i < m->n; i++)
		if (s->cost[m->row[i]].per_day > most)
			most = s->cost[m->row[i]].per_day;
	int rows = p->r.h - totals(ui, p->r);
	for (size_t i = m->top; i < m->n; i++) {
		int y = 1 + (int)(i - m->top);
		if (y >= rows)
			break;
		row(p, y, &s->cost[m->row[i]], most, x, w, key(s, m->row[i]) == m->selected, focused);
	}
	draw_totals(p, 1 + (int)(m->n - m->top), x, w);
}

static void status(const ns_ui *ui, char *out, size_t cap)
{
	const ns_snapshot *s = ui->snap;
	const ns_pane *m = &ui->pane[NS_PANE_COST];
	char money[32];
	*out = '\0';
	if (!s)
		return;
	sum t = sum_shown(ui);
	if (!t.reports)
		return;
	if (*m->filter) {
		snprintf(out, cap, "%zu of %zu  filter: %s", m->n, s->n_cost, m->filter);
		return;
	}
	ns_money(t.now, money);
	snprintf(out, cap, "%s a day", money);
}

const ns_pane_ops ns_pane_cost = {"OpenCost report", "Cost", "Cost", count, key, cluster, match, chrome, height, draw, status};
