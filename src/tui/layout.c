/* Where everything stands: a function of the size, the view, the focus and the number of warnings. What must be seen is placed first
 * (header, flash, hints), lists get the rest. */
#include "view.h"

static ns_class class_of(int cols, int rows)
{
	if (cols < 20 || rows < 5)
		return NS_CLASS_TINY;
	if (cols < 60 || rows < 20)
		return NS_CLASS_XS;
	if (cols < 120)
		return rows >= 46 ? NS_CLASS_STACK : NS_CLASS_S;
	return cols >= 160 && rows >= 40 ? NS_CLASS_L : NS_CLASS_M;
}

/* Two columns of two panes: what needs somebody is on top, what informs is below; alerts and pipeline left, approvals and cost right. */
static void quarters(ns_layout *l)
{
	ns_rect b = l->body;
	int left = b.w * 58 / 100, top = b.h * 56 / 100;
	l->split = b.x + left;
	l->pane[NS_PANE_ALERTS] = (ns_rect){b.x, b.y, left, top};
	l->pane[NS_PANE_PIPELINE] = (ns_rect){b.x, b.y + top, left, b.h - top};
	l->pane[NS_PANE_APPROVALS] = (ns_rect){b.x + left + 1, b.y, b.w - left - 1, top};
	l->pane[NS_PANE_COST] = (ns_rect){b.x + left + 1, b.y + top, b.w - left - 1, b.h - top};
}

static void stack(ns_layout *l)
{
	static const int share[NS_PANE_COUNT] = {30, 22, 28, 20};
	ns_rect b = l->body;
	int y = b.y;
	for (int i = 0; i < NS_PANE_COUNT; i++) {
		int h = i == NS_PANE_COUNT - 1 ? b.y + b.h - y : b.h * share[i] / 100;
		l->pane[i] = (ns_rect){b.x, y, b.w, h};
		y += h;
	}
}

bool ns_ui_cards(const ns_ui *ui)
{
	return ui->cols < 60;
}

static ns_rect take_top(ns_rect *b, int h)
{
	ns_rect r = {b->x, b->y, b->w, h};
	b->y += h;
	b->h -= h;
	return r;
}

static ns_rect take_bottom(ns_rect *b, int h)
{
	b->h -= h;
	return (ns_rect){b->x, b->y + b->h, b->w, h};
}

void ns_layout_of(const ns_ui *ui, ns_layout *l)
{
	static const int most_banners[] = {
	    [NS_CLASS_TINY] = 0, [NS_CLASS_XS] = 1, [NS_CLASS_S] = 2, [NS_CLASS_STACK] = 3, [NS_CLASS_M] = 3, [NS_CLASS_L] = 4};
	*l = (ns_layout){.cls = class_of(ui->cols, ui->rows)};
	ns_rect b = {0, 0, ui->cols, ui->rows};
	if (l->cls == NS_CLASS_TINY) {
		l->body = b;
		return;
	}
	l->header = take_top(&b, 1);
	if (ns_ui_several(ui) && ui->rows >= 10)
		l->strip = take_top(&b, 1);
	l->hints = take_bottom(&b, 1);
	l->flash = ui->rows >= 14 ? take_bottom(&b, 1) : l->hints;
	int banners = ns_banner_count(ui);
	if (banners > most_banners[l->cls])
		banners = most_banners[l->cls];
	if (ui->rows >= 10)
		l->banners = take_top(&b, banners);
	l->body = b;
	if (ns_ui_view(ui) != NS_VIEW_HOME)
		return;
	l->panes = l->cls >= NS_CLASS_STACK;
	if (l->panes) {
		if (ui->zoom)
			l->pane[ui->focus] = l->body;
		else if (l->cls == NS_CLASS_STACK)
			stack(l);
		else
			quarters(l);
		return;
	}
	if (ui->rows >= 8)
		l->tabs = take_top(&l->body, 1);
	if (ui->rows >= 12)
		l->rule = take_top(&l->body, 1);
	bool peeks = l->cls == NS_CLASS_S && !ui->zoom && (ui->focus == NS_PANE_ALERTS || ui->focus == NS_PANE_PIPELINE);
	if (peeks)
		l->peek = take_bottom(&l->body, 4);
	l->pane[ui->focus] = l->body;
}

ns_rect ns_layout_list(const ns_ui *ui, const ns_layout *l, int pane)
{
	ns_rect r = l->pane[pane];
	if (l->panes && r.h > 0) {
		r.y++;
		r.h--;
	}
	return r;
}
