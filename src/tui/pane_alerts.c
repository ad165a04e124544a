/* Pane 1: what is wrong, most urgent first. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { C_SEV, C_AGE, C_CLUSTER, C_ALERT, C_WHERE, C_MEMBERS, C_STATE, C_WHAT, C_COUNT };
static const ns_col cols[C_COUNT] = {
    [C_SEV] = {"SEV", 4, 4, 0, false},
    [C_AGE] = {"AGE", 4, 4, 3, true},
    [C_CLUSTER] = {"CLUSTER", 8, 16, 0, false},
    [C_ALERT] = {"ALERT", 17, 17, 0, false},
    [C_WHERE] = {"WHERE", 18, 40, 0, false},
    [C_MEMBERS] = {"PODS", 4, 4, 4, true},
    [C_STATE] = {"STATE", 10, 11, 0, false},
    [C_WHAT] = {"CAUSE OR PLAN", 24, 90, 5, false},
};
enum { MARKER = 2 };

static int chrome(const ns_ui *ui, ns_rect r)
{
	return ns_ui_cards(ui) ? 0 : 1;
}

static const char *what(const ns_inc_row *r)
{
	return *r->headline ? r->headline : *r->message ? r->message : r->reason;
}

static void row(const ns_pen *p, int y, const ns_inc_row *r, const int *x, const int *w, bool selected, bool focused)
{
	ns_pen q = ns_pen_in(p, MARKER, y, p->r.w - MARKER, 1);
	char text[512], buf[32];
	ns_word sev = ns_word_severity(r->severity);
	ns_color_role body = r->open ? NS_ROLE_TEXT : NS_ROLE_TEXT_DIM;
	ns_pen_marker(p, y, selected, focused);
	ns_pen_text(&q, x[C_SEV], 0, w[C_SEV], r->open ? sev.role : body, sev.text);
	if (w[C_AGE]) {
		ns_pen_age(p, r->opened_ms, buf);
		ns_pen_right(&q, x[C_AGE], 0, w[C_AGE], NS_ROLE_TEXT_DIM, buf);
	}
	if (w[C_CLUSTER])
		ns_pen_cluster(&q, x[C_CLUSTER], 0, w[C_CLUSTER], r->cluster);
	ns_pen_text(&q, x[C_ALERT], 0, w[C_ALERT], body, ns_kind_get(r->kind)->title);
	ns_where(r, text, sizeof text);
	int used = ns_pen_name(&q, x[C_WHERE], 0, w[C_WHERE], r->open ? NS_ROLE_TEXT_STRONG : body, text);
	if (selected)
		ns_grid_mark(q.g, q.r, x[C_WHERE], 0, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	if (w[C_MEMBERS] && r->members > 1) {
		snprintf(text, sizeof text, "x%lld", (long long)(r->members > 999 ? 999 : r->members));
		ns_pen_right(&q, x[C_MEMBERS], 0, w[C_MEMBERS], NS_ROLE_TEXT_DIM, text);
	}
	ns_word state = ns_word_state(r, buf);
	ns_pen_text(&q, x[C_STATE], 0, w[C_STATE], state.role, state.text);
	ns_pen_text(&q, x[C_WHAT], 0, w[C_WHAT], NS_ROLE_TEXT_DIM, what(r));
}

/* Narrow: two lines, so that the name and the state both have room. */
static void card(const ns_pen *p, int y, const ns_inc_row *r, bool selected, bool focused)
{
	char text[512], buf[32], age[16];
	ns_word sev = ns_word_severity(r->severity), state = ns_word_state(r, buf);
	int w = p->r.w, state_w = ns_utf8_width(state.text);
	ns_pen_marker(p, y, selected, focused);
	ns_pen_text(p, 2, y, 4, r->open ? sev.role : NS_ROLE_TEXT_DIM, sev.text);
	ns_pen_age(p, r->opened_ms, age);
	ns_where(r, text, sizeof text);
	int used = ns_pen_name(p, 7, y, w - 7 - 5, r->open ? NS_ROLE_TEXT_STRONG : NS_ROLE_TEXT_DIM, text);
	if (selected)
		ns_grid_mark(p->g, p->r, 7, y, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	ns_pen_right(p, w - 4, y, 4, NS_ROLE_TEXT_DIM, age);
	if (r->members > 1)
		snprintf(text, sizeof text, "%s x%lld", ns_kind_get(r->kind)->title, (long long)r->members);
	else
		snprintf(text, sizeof text, "%s", ns_kind_get(r->kind)->title);
	int tag = ns_ui_several(p->ui) ? ns_pen_cluster(p, 7, y + 1, 12, r->cluster) + 1 : 0;
	ns_pen_text(p, 7 + tag, y + 1, w - 7 - tag - state_w - 1, NS_ROLE_TEXT_DIM, text);
	ns_pen_right(p, w - state_w, y + 1, state_w, state.role, state.text);
}

static void empty(const ns_pen *p)
{
	const ns_snapshot *s = p->ui->snap;
	char text[128] = "";
	if (!s) {
		ns_pen_empty(p, "Waiting for the engine.", "");
		return;
	}
	if (s->n_incidents) {
		snprintf(text, sizeof text, "Nothing is wrong in %.80s.", p->ui->cluster);
		bool filtered = *p->ui->pane[NS_PANE_ALERTS].filter || !*p->ui->cluster;
		ns_pen_empty(p, filtered ? "Nothing passes the filter." : text, filtered ? "Esc clears it." : "Esc shows all clusters.");
		return;
	}
	int64_t pods = 0, workloads = 0;
	size_t synced = 0;
	for (size_t i = 0; i < s->n_clusters; i++) {
		synced += s->clusters[i].synced;
		pods += s->clusters[i].pods;
		workloads += s->clusters[i].workloads;
	}
	if (!synced) {
		ns_pen_empty(p, s->n_clusters > 1 ? "Reading the clusters." : "Reading the cluster.", "");
		return;
	}
	if (!strcmp(s->mode, "demo")) { /* somebody sees this for the first time */
		ns_pen_empty(p, "Simulated: soon something breaks.", "Then a shows what to do, y approves it.");
		return;
	}
	snprintf(text, sizeof text, "%lld pods in %lld workloads watched.", (long long)pods, (long long)workloads);
	ns_pen_empty(p, "All quiet: nothing is wrong that a rule knows.", text);
}

static void draw(const ns_pen *p, bool focused)
{
	const ns_ui *ui = p->ui;
	const ns_pane *m = &ui->pane[NS_PANE_ALERTS];
	int x[NS_COLS_MAX], w[NS_COLS_MAX];
	int head = chrome(ui, p->r), step = ns_incidents_height(ui, 0, p->r);
	if (!m->n) {
		empty(p);
		return;
	}
	if (head) {
		ns_pen q = ns_pen_in(p, MARKER, 0, p->r.w - MARKER, 1);
		ns_col c[C_COUNT];
		memcpy(c, cols, sizeof cols);
		if (!ns_ui_several(ui))
			c[C_CLUSTER].min = c[C_CLUSTER].max = 0;
		ns_cols_fit(c, C_COUNT, q.r.w, x, w);
		ns_cols_head(&q, c, C_COUNT, x, w);
	}
	for (size_t i = m->top; i < m->n; i++) {
		int y = head + (int)(i - m->top) * step;
		if (y + step > p->r.h)
			break;
		const ns_inc_row *r = &ui->snap->incidents[m->row[i]];
		bool selected = r->id == m->selected;
		if (head)
			row(p, y, r, x, w, selected, focused);
		else
			card(p, y, r, selected, focused);
	}
}

static void status(const ns_ui *ui, char *out, size_t cap)
{
	const ns_snapshot *s = ui->snap;
	const ns_pane *m = &ui->pane[NS_PANE_ALERTS];
	if (!s)
		*out = '\0';
	else if (*m->filter)
		snprintf(out, cap, "%zu of %zu  filter: %s", m->n, s->n_incidents, m->filter);
	else {
		const ns_cluster_row *c = ns_ui_cluster(ui, ui->cluster);
		snprintf(out, cap, "%zu open", c ? c->n_open : s->n_open);
	}
}

const ns_pane_ops ns_pane_alerts = {
    "Alerts", "Alerts", "Alerts", ns_incidents_count, ns_incidents_key, ns_incidents_cluster, ns_incidents_match, chrome, ns_incidents_height, draw, status};
