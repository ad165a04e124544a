/* A frame: the parts in their places. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

const ns_pane_ops *const ns_panes[NS_PANE_COUNT] = {&ns_pane_alerts, &ns_pane_pipeline, &ns_pane_approvals, &ns_pane_cost};

static ns_pen pen_at(const ns_pen *root, ns_rect r)
{
	ns_pen p = *root;
	p.r = r;
	return p;
}

/* "-[1 Alerts]- 7 open ------": the focus is a bracket first and a colour second. */
static void pane_title(const ns_pen *p, int k, bool focused)
{
	char text[160], status[128];
	ns_pen_rule(p, 0);
	snprintf(text, sizeof text, focused ? "[%d %s]" : " %d %s ", k + 1, ns_panes[k]->name);
	int x = 1;
	x += ns_grid_text(p->g, p->r, x, 0, p->r.w - x, focused ? NS_ROLE_BORDER_FOCUS : NS_ROLE_TITLE, focused ? NS_ATTR_BOLD : 0, text);
	ns_panes[k]->status(p->ui, status, sizeof status);
	if (!*status)
		return;
	snprintf(text, sizeof text, " %s ", status);
	if (focused)
		x++;
	ns_pen_text(p, x, 0, p->r.w - x, NS_ROLE_TEXT_DIM, text);
}

static void draw_panes(const ns_pen *root, const ns_layout *l)
{
	for (int k = 0; k < NS_PANE_COUNT; k++) {
		if (l->pane[k].h <= 0)
			continue;
		ns_pen p = pen_at(root, l->pane[k]);
		pane_title(&p, k, k == root->ui->focus);
		p = pen_at(root, ns_layout_list(root->ui, l, k));
		ns_panes[k]->draw(&p, k == root->ui->focus);
	}
	if (!l->split)
		return;
	ns_pen p = pen_at(root, (ns_rect){l->split, l->body.y, 1, l->body.h});
	for (int y = 0; y < l->body.h; y++) {
		bool joint = y == 0 || y == l->pane[NS_PANE_PIPELINE].y - l->body.y;
		ns_pen_glyph(&p, 0, y, NS_ROLE_BORDER, joint ? NS_G_CROSS : NS_G_VLINE);
	}
}

/* One pane at a time: the others are a digit away, with the numbers that call. */
static void draw_tabs(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	const ns_snapshot *s = ui->snap;
	char text[160], status[128];
	bool narrow = p->r.w < 60, tight = p->r.w < 38;
	int x = 0;
	for (int k = 0; k < NS_PANE_COUNT; k++) {
		bool here = k == ui->focus, calls = k == NS_PANE_APPROVALS && s && s->n_approvals;
		const char *name = tight && !here ? "" : narrow ? ns_panes[k]->short_tab : ns_panes[k]->tab;
		char n[24] = "";
		if (calls)
			snprintf(n, sizeof n, " %zu!", s->n_approvals);
		snprintf(text, sizeof text, here ? "[%d%s%s%s]" : " %d%s%s%s ", k + 1, *name ? " " : "", name, n);
		ns_color_role role = here ? NS_ROLE_BORDER_FOCUS : calls ? NS_ROLE_STATE_WAIT : NS_ROLE_TEXT_DIM;
		x += ns_grid_text(p->g, p->r, x, 0, p->r.w - x, role, here ? NS_ATTR_BOLD : 0, text);
	}
	ns_panes[ui->focus]->status(ui, status, sizeof status);
	int room = p->r.w - x - 1;
	if (*status && ns_utf8_width(status) <= room)
		ns_pen_right(p, x + 1, 0, room, NS_ROLE_TEXT_DIM, status);
}

static void draw_home(const ns_pen *root, const ns_layout *l)
{
	if (l->panes) {
		draw_panes(root, l);
		return;
	}
	ns_pen p = pen_at(root, l->tabs);
	draw_tabs(&p);
	p = pen_at(root, l->rule);
	ns_pen_rule(&p, 0);
	p = pen_at(root, l->pane[root->ui->focus]);
	ns_panes[root->ui->focus]->draw(&p, true);
	if (l->peek.h > 0) {
		p = pen_at(root, l->peek);
		ns_peek_draw(&p);
	}
}

int64_t ns_ui_render(const ns_ui *ui, ns_grid *g)
{
	int64_t due = -1;
	ns_layout l;
	ns_grid_size(g, ui->cols, ui->rows);
	ns_layout_of(ui, &l);
	ns_pen root = {g, {0, 0, ui->cols, ui->rows}, ui, &due};
	if (l.cls == NS_CLASS_TINY) {
		ns_header_draw(&root, &l);
		return due;
	}
	ns_pen p = pen_at(&root, l.header);
	ns_header_draw(&p, &l);
	p = pen_at(&root, l.strip);
	ns_strip_draw(&p);
	p = pen_at(&root, l.banners);
	ns_banners_draw(&p);
	if (ns_ui_view(ui) == NS_VIEW_HOME) {
		draw_home(&root, &l);
	} else {
		p = pen_at(&root, l.body);
		ns_text_view_draw(&p);
	}
	ns_pen flash = pen_at(&root, l.flash), hints = pen_at(&root, l.hints);
	ns_footer_draw(&flash, &hints);
	ns_sheet_draw(&root);
	return due;
}
