/* The keys: one table from which come what a key does, the hint line and the help. Letters act, no function keys (phones have none); no key
 * that moves in vim, less, readline or tmux does anything but move; Enter opens and never acts. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

static void scroll_to(ns_ui *ui, int64_t at)
{
	int max = ns_text_view_max(ui);
	ui->scroll[ns_ui_view(ui)] = (int)(at < 0 ? 0 : at > max ? max : at);
}

static void list_to(ns_ui *ui, int64_t at)
{
	ns_pane *m = &ui->pane[ui->focus];
	m->disarmed = false;
	if (!m->n)
		return;
	if (at < 0)
		at = 0;
	if (at >= (int64_t)m->n)
		at = (int64_t)m->n - 1;
	m->at = (size_t)at;
	m->selected = ns_panes[ui->focus]->key(ui->snap, m->row[m->at]);
}

static void move(ns_ui *ui, int by)
{
	if (ns_ui_view(ui) == NS_VIEW_HOME)
		list_to(ui, (int64_t)ui->pane[ui->focus].at + by);
	else
		scroll_to(ui, (int64_t)ui->scroll[ns_ui_view(ui)] + by);
}

static void page(ns_ui *ui, int by)
{
	int step = ns_text_view_page(ui);
	if (ns_ui_view(ui) == NS_VIEW_HOME) {
		ns_layout l;
		ns_layout_of(ui, &l);
		ns_rect r = ns_layout_list(ui, &l, ui->focus);
		int rows = r.h - ns_panes[ui->focus]->chrome(ui, r);
		if (ui->pane[ui->focus].n)
			rows /= ns_panes[ui->focus]->height(ui, ui->pane[ui->focus].at, r);
		step = rows > 1 ? rows : 1;
	}
	move(ui, by * step);
}

static void edge(ns_ui *ui, int end)
{
	int64_t at = end ? INT32_MAX : 0;
	if (ns_ui_view(ui) == NS_VIEW_HOME)
		list_to(ui, at);
	else
		scroll_to(ui, at);
}

static void focus_step(ns_ui *ui, int by)
{
	ui->focus = (ui->focus + by + NS_PANE_COUNT) % NS_PANE_COUNT;
}

static void focus_set(ns_ui *ui, int pane)
{
	ui->focus = pane;
	ui->depth = 0; /* from a detail straight to another list */
}

static void push(ns_ui *ui, int view)
{
	if (ns_ui_view(ui) == (ns_view)view)
		return;
	if (ui->depth + 1 < (int)(sizeof ui->stack / sizeof *ui->stack))
		ui->stack[++ui->depth] = (ns_view)view;
	ui->scroll[view] = 0;
	if (view == NS_VIEW_MESSAGES) /* the newest stand last */
		ui->scroll[view] = ns_text_view_max(ui);
}

static void open_detail(ns_ui *ui, int arg)
{
	int64_t id = ns_ui_selected_incident(ui);
	if (!id) {
		ns_ui_flash(ui, false, ui->focus == NS_PANE_COST ? "No incident belongs to this line." : "Nothing is selected.");
		return;
	}
	if (ui->detail_id != id) {
		ns_detail_free(ui->detail);
		ui->detail = NULL;
	}
	ui->detail_id = id;
	*ui->detail_why = '\0';
	ui->want.detail = id;
	push(ui, NS_VIEW_DETAIL);
}

static void back(ns_ui *ui, int arg)
{
	ns_pane *m = &ui->pane[ui->focus];
	if (ui->depth)
		ns_ui_pop(ui);
	else if (*m->filter)
		*m->filter = '\0';
	else
		*ui->cluster = '\0';
}

static void quit(ns_ui *ui, int arg)
{
	if (ui->depth)
		ns_ui_pop(ui);
	else
		ui->want.quit = true;
}

static void decide(ns_ui *ui, int approve)
{
	char why[256];
	int64_t id = ns_ui_selected_incident(ui);
	if (ns_ui_view(ui) == NS_VIEW_HOME && ui->pane[ui->focus].disarmed) {
		ns_ui_flash(ui, false, "The row that was selected is gone. Move first, so that it is clear which one you mean.");
		return;
	}
	ns_ui_why_closed(ui, id, why, sizeof why);
	if (*why)
		ns_ui_flash(ui, false, "%s", why);
	else
		ns_sheet_open(ui, approve, id);
}

static void undo(ns_ui *ui, int arg)
{
	char why[256];
	int64_t id = ns_ui_selected_incident(ui);
	if (ns_ui_view(ui) == NS_VIEW_HOME && ui->pane[ui->focus].disarmed) {
		ns_ui_flash(ui, false, "The row that was selected is gone. Move first, so that it is clear which one you mean.");
		return;
	}
	ns_ui_why_no_undo(ui, id, why, sizeof why);
	if (*why)
		ns_ui_flash(ui, false, "%s", why);
	else
		ns_sheet_open_undo(ui, id);
}

/* All clusters, then one after the other. */
static void cycle(ns_ui *ui, int by)
{
	const ns_snapshot *s = ui->snap;
	if (!ns_ui_several(ui)) {
		ns_ui_flash(ui, false, "There is one cluster.");
		return;
	}
	int n = (int)s->n_clusters + 1, at = 0; /* 0: all of them */
	for (size_t i = 0; i < s->n_clusters; i++)
		if (!strcmp(s->clusters[i].name, ui->cluster))
			at = (int)i + 1;
	at = (at + by + n) % n;
	ns_copy(ui->cluster, sizeof ui->cluster, at ? s->clusters[at - 1].name : "");
	ns_ui_flash(ui, false, at ? "Only %s is shown. c: the next one, Esc: all." : "All clusters are shown.%s", at ? ui->cluster : "");
	ns_ui_settle(ui);
	for (int k = 0; k < NS_PANE_COUNT; k++)
		ui->pane[k].disarmed = false; /* the person's own narrowing is no surprise */
}

static void filter(ns_ui *ui, int arg)
{
	ui->field = true;
}

static void zoom(ns_ui *ui, int arg)
{
	ui->zoom = !ui->zoom;
}

static void repaint(ns_ui *ui, int arg)
{
	ui->want.repaint = true;
}

static void suspend(ns_ui *ui, int arg)
{
	ui->want.suspend = true;
}

const ns_binding ns_bindings[] = {
    {{'j', NS_KEY_DOWN, NS_CTRL('n')}, NS_IN_ALL, true, move, 1, "j k", "move", 5, "move (arrows, ^N ^P)"},
    {{'k', NS_KEY_UP, NS_CTRL('p')}, NS_IN_ALL, true, move, -1, "k", NULL, 0, NULL},
    {{'g', NS_KEY_HOME}, NS_IN_ALL, true, edge, 0, "g G", NULL, 0, "first, last (Home, End)"},
    {{'G', NS_KEY_END}, NS_IN_ALL, true, edge, 1, "G", NULL, 0, NULL},
    {{NS_CTRL('d'), NS_KEY_PGDN, ' ', NS_CTRL('f')}, NS_IN_ALL, true, page, 1, "^D ^U", NULL, 0,
        "a page down, up (PgDn PgUp, space, ^F ^B)"},
    {{NS_CTRL('u'), NS_KEY_PGUP, NS_CTRL('b')}, NS_IN_ALL, true, page, -1, "^U", NULL, 0, NULL},
    {{NS_KEY_TAB}, NS_IN_HOME, true, focus_step, 1, "Tab", "pane", 7, "next pane (S-Tab: the one before)"},
    {{NS_KEY_BACKTAB}, NS_IN_HOME, true, focus_step, -1, "S-Tab", NULL, 0, NULL},
    {{NS_KEY_ENTER, 'l', NS_KEY_RIGHT}, NS_IN_HOME, false, open_detail, 0, "Enter", "open", 4, "open the incident (l, Right)"},
    {{'a'}, NS_IN_HOME | NS_IN_DETAIL, false, decide, 1, "a", "approve", 1,
        "open the approve sheet; nothing is sent before it is answered"},
    {{'x'}, NS_IN_HOME | NS_IN_DETAIL, false, decide, 0, "x", "reject", 2, "open the reject sheet"},
    {{'u'}, NS_IN_HOME | NS_IN_DETAIL, false, undo, 0, "u", "undo", 4, "take back what was changed; a sheet shows it first"},
    {{'/'}, NS_IN_HOME, false, filter, 0, "/", "filter", 8, "filter the list"},
    {{'c'}, NS_IN_HOME, false, cycle, 1, "c", "cluster", 9, "only the next cluster, then all; filter cluster:NAME does the same for one list"},
    {{'C'}, NS_IN_ALL, false, push, NS_VIEW_CLUSTERS, "C", NULL, 0, "every cluster: state, Lease, freeze, requests, cost"},
    {{'z'}, NS_IN_HOME, false, zoom, 0, "z", "zoom", 9, "the pane alone, and back"},
    {{'1'}, NS_IN_ALL, false, focus_set, NS_PANE_ALERTS, "1 2 3 4", NULL, 0, "alerts, pipeline, approvals, cost"},
    {{'2'}, NS_IN_ALL, false, focus_set, NS_PANE_PIPELINE, "2", NULL, 0, NULL},
    {{'3'}, NS_IN_ALL, false, focus_set, NS_PANE_APPROVALS, "3", NULL, 0, NULL},
    {{'4'}, NS_IN_ALL, false, focus_set, NS_PANE_COST, "4", NULL, 0, NULL},
    {{'m'}, NS_IN_ALL, false, push, NS_VIEW_MESSAGES, "m", "messages", 10, "what was said, newest last"},
    {{'?'}, NS_IN_ALL, false, push, NS_VIEW_HELP, "?", "help", 3, "this help"},
    {{NS_KEY_ESC, NS_KEY_BACKSPACE, 'h', NS_KEY_LEFT}, NS_IN_ALL, false, back, 0, "Esc", NULL, 0,
        "back; in a list: drop the filter, then show all clusters (h, Backspace)"},
    {{'q'}, NS_IN_ALL, false, quit, 0, "q", "quit", 6, "back; in a list: quit (^C twice quits anywhere)"},
    {{NS_CTRL('l')}, NS_IN_ALL, false, repaint, 0, "^L", NULL, 0, "paint the screen anew"},
    {{NS_CTRL('z')}, NS_IN_ALL, false, suspend, 0, "^Z", NULL, 0, "stop this program; fg brings it back"},
    {{0}, 0, false, NULL, 0, NULL, NULL, 0, NULL},
};

const ns_binding *ns_binding_find(unsigned where, uint32_t key)
{
	for (const ns_binding *b = ns_bindings; b->run; b++)
		for (int i = 0; i < 4; i++)
			if (key && b->key[i] == key && (b->where & where))
				return b;
	return NULL;
}

unsigned ns_ui_where(const ns_ui *ui)
{
	static const unsigned in[NS_VIEW_COUNT] = {
	    [NS_VIEW_HOME] = NS_IN_HOME, [NS_VIEW_DETAIL] = NS_IN_DETAIL, [NS_VIEW_HELP] = NS_IN_TEXT, [NS_VIEW_MESSAGES] = NS_IN_TEXT,
	    [NS_VIEW_CLUSTERS] = NS_IN_TEXT};
	return in[ns_ui_view(ui)];
}

bool ns_binding_idle(const ns_ui *ui, const ns_binding *b)
{
	return (b->run == cycle && !ns_ui_several(ui)) || (b->run == undo && !(ui->snap && ui->snap->n_undos));
}

bool ns_binding_dead(const ns_ui *ui, const ns_binding *b)
{
	char why[256];
	if (b->run == open_detail)
		return !ns_ui_selected_incident(ui);
	if (b->run != decide && b->run != undo)
		return false;
	if (ns_ui_view(ui) == NS_VIEW_HOME && ui->pane[ui->focus].disarmed)
		return true;
	if (b->run == undo)
		ns_ui_why_no_undo(ui, ns_ui_selected_incident(ui), why, sizeof why);
	else
		ns_ui_why_closed(ui, ns_ui_selected_incident(ui), why, sizeof why);
	return *why != '\0';
}
