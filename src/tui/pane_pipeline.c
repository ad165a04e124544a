/* Pane 2: where each incident stands on its way through the agents, and what the agents do. */
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { TAG_W = 9, MARKER = 2, STAGE_W = 8, STAGE_NARROW = 2, NAME_MIN = 16 };

/* Head line, and below the rows the legend and the agents as far as the height allows. */
static int foot(ns_rect r)
{
	return r.h >= 10 ? 3 : r.h >= 7 ? 2 : 0;
}

static int chrome(const ns_ui *ui, ns_rect r)
{
	return ns_ui_cards(ui) ? foot(r) : 1 + foot(r);
}

static void short_ms(int64_t ms, char out[16])
{
	if (ms < 1000)
		snprintf(out, 16, "%dms", (int)ms);
	else if (ms < 10000)
		snprintf(out, 16, "%d.%ds", (int)(ms / 1000), (int)(ms / 100 % 10));
	else
		ns_duration_format(ms, out);
}

/* "# 80ms", "> 12s". The time of the stage that runs or waits grows. */
static void stage(const ns_pen *p, int x, int y, int w, const ns_inc_row *r, int i)
{
	ns_stage_mark m = r->stage[i];
	ns_word word = ns_word_mark(m);
	char text[16] = "";
	ns_pen_glyph(p, x, y, word.role, ns_glyph_mark(m));
	if (w < STAGE_W - 1)
		return;
	if (m == NS_MARK_RUNNING || m == NS_MARK_WAITS)
		ns_pen_age(p, r->state_since_ms, text);
	else if ((m == NS_MARK_DONE || m == NS_MARK_FAILED) && r->stage_ms[i] > 0)
		short_ms(r->stage_ms[i], text);
	ns_pen_text(p, x + 2, y, w - 2, m == NS_MARK_DONE ? NS_ROLE_TEXT_DIM : word.role, text);
}

static void name_of(const ns_inc_row *r, char *out, size_t cap)
{
	snprintf(out, cap, "#%lld %s%s%s", (long long)r->id, r->ns, *r->ns ? "/" : "", r->target);
}

typedef struct geometry {
	int tag_w, name_w, stage_w, word_w; /* tag_w 0: one cluster; word_w 0: no words at the end */
} geometry;

static geometry measure(const ns_ui *ui, int width)
{
	geometry g = {.stage_w = STAGE_W};
	width -= MARKER;
	if (ns_ui_several(ui)) {
		g.tag_w = TAG_W;
		width -= TAG_W;
	}
	if (width < NAME_MIN + NS_STAGE_COUNT * STAGE_W)
		g.stage_w = STAGE_NARROW;
	int rest = width - NS_STAGE_COUNT * g.stage_w - 1;
	g.word_w = rest >= NAME_MIN + 13 ? 12 : 0;
	g.name_w = rest - (g.word_w ? g.word_w + 1 : 0);
	if (g.name_w > 44)
		g.name_w = 44;
	return g;
}

static void row(const ns_pen *p, int y, const ns_inc_row *r, geometry g, bool selected, bool focused)
{
	char text[512], buf[32];
	name_of(r, text, sizeof text);
	ns_pen_marker(p, y, selected, focused);
	if (g.tag_w)
		ns_pen_cluster(p, MARKER, y, g.tag_w - 1, r->cluster);
	int used = ns_pen_name(p, MARKER + g.tag_w, y, g.name_w, r->open ? NS_ROLE_TEXT_STRONG : NS_ROLE_TEXT_DIM, text);
	if (selected)
		ns_grid_mark(p->g, p->r, MARKER + g.tag_w, y, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	int x = MARKER + g.tag_w + g.name_w + 1;
	for (int i = 0; i < NS_STAGE_COUNT; i++)
		stage(p, x + i * g.stage_w, y, g.stage_w - 1, r, i);
	ns_word state = ns_word_state(r, buf);
	if (g.word_w)
		ns_pen_text(p, x + NS_STAGE_COUNT * g.stage_w, y, g.word_w, state.role, state.text);
}

static void card(const ns_pen *p, int y, const ns_inc_row *r, bool selected, bool focused)
{
	char text[512], buf[32], age[16];
	name_of(r, text, sizeof text);
	ns_pen_marker(p, y, selected, focused);
	int used = ns_pen_name(p, MARKER, y, p->r.w - MARKER - 5, r->open ? NS_ROLE_TEXT_STRONG : NS_ROLE_TEXT_DIM, text);
	if (selected)
		ns_grid_mark(p->g, p->r, MARKER, y, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	ns_pen_age(p, r->state_since_ms, age);
	ns_pen_right(p, p->r.w - 4, y, 4, NS_ROLE_TEXT_DIM, age);
	for (int i = 0; i < NS_STAGE_COUNT; i++)
		stage(p, 7 + i * STAGE_NARROW, y + 1, 1, r, i);
	ns_word state = ns_word_state(r, buf);
	int sw = ns_utf8_width(state.text), after = 7 + NS_STAGE_COUNT * STAGE_NARROW;
	if (ns_ui_several(p->ui))
		ns_pen_cluster(p, after, y + 1, p->r.w - sw - 1 - after, r->cluster);
	ns_pen_right(p, p->r.w - sw, y + 1, sw, state.role, state.text);
}

static void head(const ns_pen *p, geometry g)
{
	int x = MARKER + g.tag_w + g.name_w + 1;
	if (g.tag_w)
		ns_pen_text(p, MARKER, 0, g.tag_w - 1, NS_ROLE_TEXT_DIM, "CLUSTER");
	ns_pen_text(p, MARKER + g.tag_w, 0, g.name_w, NS_ROLE_TEXT_DIM, "INCIDENT");
	for (int i = 0; i < NS_STAGE_COUNT; i++) {
		char letter[2] = {(char)(ns_stage_words[i][0] - 'a' + 'A'), 0};
		ns_pen_text(p, x + i * g.stage_w, 0, g.stage_w - 1, NS_ROLE_TEXT_DIM, g.stage_w == STAGE_W ? ns_stage_words[i] : letter);
	}
	if (g.word_w)
		ns_pen_text(p, x + NS_STAGE_COUNT * g.stage_w, 0, g.word_w, NS_ROLE_TEXT_DIM, "STATE");
}

static void legend(const ns_pen *p, int y)
{
	static const ns_stage_mark order[] = {NS_MARK_DONE, NS_MARK_RUNNING, NS_MARK_WAITS, NS_MARK_FAILED, NS_MARK_SKIPPED, NS_MARK_TODO};
	int x = MARKER;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		ns_word w = ns_word_mark(order[i]);
		int need = 2 + ns_utf8_width(w.text);
		if (x + need > p->r.w)
			break;
		ns_pen_glyph(p, x, y, w.role, ns_glyph_mark(order[i]));
		ns_pen_text(p, x + 2, y, need - 2, NS_ROLE_TEXT_DIM, w.text);
		x += need + 2;
	}
}

/* "agents  detector 41  > planner 6 …": how many steps each has done, which works now, which failed how often. */
static void agents(const ns_pen *p, int y)
{
	const ns_snapshot *s = p->ui->snap;
	int x = MARKER + ns_pen_text(p, MARKER, y, p->r.w, NS_ROLE_TEXT_DIM, "agents") + 2;
	for (size_t i = 0; i < s->n_agents; i++) {
		const ns_agent_row *a = &s->agents[i];
		char text[96];
		int n = snprintf(text, sizeof text, "%.24s %lld", a->name, (long long)a->done);
		if (a->failed && n > 0 && n < (int)sizeof text)
			snprintf(text + n, sizeof text - (size_t)n, " !%lld", (long long)a->failed);
		int w = ns_utf8_width(text);
		if (x + w > p->r.w)
			return;
		ns_color_role role = a->busy ? NS_ROLE_STATE_RUN : a->failed ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM;
		if (a->busy)
			ns_pen_bold(p, x, y, w, role, text);
		else
			ns_pen_text(p, x, y, w, role, text);
		x += w + 2;
	}
}

/* What the busy ones are at, in one line. */
static void doing(const ns_pen *p, int y)
{
	const ns_snapshot *s = p->ui->snap;
	int x = MARKER + ns_pen_text(p, MARKER, y, p->r.w, NS_ROLE_TEXT_DIM, "now") + 5;
	bool any = false;
	for (size_t i = 0; i < s->n_agents && x < p->r.w; i++)
		if (s->agents[i].busy && *s->agents[i].doing) {
			x += ns_pen_printf(p, x, y, p->r.w - x, NS_ROLE_STATE_RUN, "%s: %s", s->agents[i].name, s->agents[i].doing) + 2;
			any = true;
		}
	if (!any)
		ns_pen_text(p, x, y, p->r.w - x, NS_ROLE_TEXT_DIM, "all agents rest");
}

static void draw(const ns_pen *p, bool focused)
{
	const ns_ui *ui = p->ui;
	const ns_pane *m = &ui->pane[NS_PANE_PIPELINE];
	int below = foot(p->r), top = ns_ui_cards(ui) ? 0 : 1, step = ns_incidents_height(ui, 0, p->r);
	geometry g = measure(p->ui, p->r.w);
	if (!ui->snap)
		return;
	ns_pen list = ns_pen_in(p, 0, 0, p->r.w, p->r.h - below);
	if (!m->n)
		ns_pen_empty(&list, ui->snap->n_incidents ? "Nothing passes the filter." : "No incident is in the pipeline.", "");
	else if (top)
		head(&list, g);
	for (size_t i = m->top; i < m->n; i++) {
		int y = top + (int)(i - m->top) * step;
		if (y + step > list.r.h)
			break;
		const ns_inc_row *r = &ui->snap->incidents[m->row[i]];
		if (top)
			row(&list, y, r, g, r->id == m->selected, focused);
		else
			card(&list, y, r, r->id == m->selected, focused);
	}
	int y = p->r.h - below;
	if (below >= 2) {
		agents(p, y++);
		if (below == 3)
			doing(p, y++);
		legend(p, y);
	}
}

static void status(const ns_ui *ui, char *out, size_t cap)
{
	const ns_snapshot *s = ui->snap;
	const ns_pane *m = &ui->pane[NS_PANE_PIPELINE];
	size_t running = 0, waiting = 0;
	*out = '\0';
	if (!s)
		return;
	if (*m->filter) {
		snprintf(out, cap, "%zu of %zu  filter: %s", m->n, s->n_incidents, m->filter);
		return;
	}
	for (size_t i = 0; i < s->n_incidents; i++)
		for (int k = 0; k < NS_STAGE_COUNT; k++) {
			running += s->incidents[i].stage[k] == NS_MARK_RUNNING;
			waiting += s->incidents[i].stage[k] == NS_MARK_WAITS;
		}
	snprintf(out, cap, "%zu running, %zu waiting", running, waiting);
}

const ns_pane_ops ns_pane_pipeline = {"Agent pipeline", "Pipeline", "Pipe", ns_incidents_count, ns_incidents_key, ns_incidents_cluster, ns_incidents_match, chrome,
    ns_incidents_height, draw, status};
