/* What an event changes. No terminal, no door, no clock: what must be done outside goes into ui->want. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLASH_MS = 4000, QUIT_MS = 2000, BELL_MS = 10000 };

void ns_ui_init(ns_ui *ui, const char *user, bool unicode, int cols, int rows)
{
	*ui = (ns_ui){.cols = cols, .rows = rows, .unicode = unicode, .bell_at = INT64_MIN / 2};
	ns_copy(ui->user, sizeof ui->user, user ? user : "");
	ui->sheet.painted_ms = -1;
}

void ns_ui_free(ns_ui *ui)
{
	ns_sheet_close(ui);
	ns_detail_free(ui->detail);
	ns_snapshot_unref(ui->snap);
	for (int i = 0; i < NS_PANE_COUNT; i++)
		free(ui->pane[i].row);
	*ui = (ns_ui){0};
}

/* ---- questions ---- */

ns_view ns_ui_view(const ns_ui *ui)
{
	return ui->stack[ui->depth];
}

const ns_inc_row *ns_ui_incident(const ns_ui *ui, int64_t id)
{
	for (size_t i = 0; ui->snap && id && i < ui->snap->n_incidents; i++)
		if (ui->snap->incidents[i].id == id)
			return &ui->snap->incidents[i];
	return NULL;
}

const ns_appr_row *ns_ui_approval_of(const ns_ui *ui, int64_t incident)
{
	for (size_t i = 0; ui->snap && incident && i < ui->snap->n_approvals; i++)
		if (ui->snap->approvals[i].incident == incident)
			return &ui->snap->approvals[i];
	return NULL;
}

const ns_appr_row *ns_ui_undo_of(const ns_ui *ui, int64_t incident)
{
	for (size_t i = 0; ui->snap && incident && i < ui->snap->n_undos; i++)
		if (ui->snap->undos[i].incident == incident)
			return &ui->snap->undos[i];
	return NULL;
}

int64_t ns_ui_selected_incident(const ns_ui *ui)
{
	const ns_pane *m = &ui->pane[ui->focus];
	if (ns_ui_view(ui) == NS_VIEW_DETAIL)
		return ui->detail_id;
	if (ns_ui_view(ui) != NS_VIEW_HOME || !ui->snap || !m->n || !m->selected)
		return 0;
	if (ui->focus != NS_PANE_COST)
		return m->selected;
	const ns_cost_line *c = &ui->snap->cost[m->row[m->at]];
	for (size_t i = 0; i < ui->snap->n_incidents; i++) {
		const ns_inc_row *r = &ui->snap->incidents[i];
		if (r->kind == NS_KIND_COST_SPIKE && !strcmp(r->cluster, c->cluster) && !strcmp(r->ns, c->ns) && !strcmp(r->target, c->workload))
			return r->id;
	}
	return 0;
}

/* What bars any decision about it. */
static bool barred(const ns_ui *ui, int64_t incident, char *out, size_t cap)
{
	*out = '\0';
	if (ui->gone)
		ns_copy(out, cap, "The engine does not answer: nothing can be decided.");
	else if (!ui->snap || !ui->role_known)
		ns_copy(out, cap, "The engine has not said yet what you may do.");
	else if (ui->role < NS_ROLE_APPROVER)
		ns_copy(out, cap, "Read-only: your role here is not approver.");
	else if (!incident)
		ns_copy(out, cap, ui->focus == NS_PANE_COST ? "No incident belongs to this line." : "Nothing is selected.");
	return *out != '\0';
}

void ns_ui_why_no_undo(const ns_ui *ui, int64_t incident, char *out, size_t cap)
{
	if (barred(ui, incident, out, cap))
		return;
	const ns_appr_row *r = ns_ui_undo_of(ui, incident);
	const ns_cluster_row *c = r ? ns_ui_cluster(ui, r->cluster) : NULL;
	if (!r)
		ns_copy(out, cap, "Nothing of it can be taken back: its page (Enter) says what was done and how its undo stands.");
	else if (ui->wall >= r->deadline_ms)
		ns_copy(out, cap, "Its time is over: it cannot be taken back here any more.");
	else if (!c)
		snprintf(out, cap, "The cluster %s is not configured any more: nothing is sent there.", r->cluster);
	else if (c->profile == NS_PROFILE_OBSERVE)
		snprintf(out, cap, "%s is only observed: its profile lets nothing be sent.", c->name);
	else if (ns_ui_approval_of(ui, incident) && ns_ui_approval_of(ui, incident)->state == NS_CARD_READY)
		ns_copy(out, cap, "Another plan of it waits for an answer: reject that first (x).");
}

void ns_ui_why_closed(const ns_ui *ui, int64_t incident, char *out, size_t cap)
{
	char buf[32];
	if (barred(ui, incident, out, cap))
		return;
	if (!ns_ui_approval_of(ui, incident)) {
		const ns_inc_row *r = ns_ui_incident(ui, incident);
		if (r && r->state == NS_ST_MANUAL_REVIEW)
			ns_copy(out, cap, "There is nothing to approve: this one is done by hand. Its page (Enter) says what to try.");
		else
			snprintf(out, cap, "Nothing waits for you here%s%s.", r ? ": it is " : "", r ? ns_word_state(r, buf).text : "");
	}
}

void ns_ui_why_not(const ns_ui *ui, bool approve, int64_t incident, char *out, size_t cap)
{
	ns_ui_why_closed(ui, incident, out, cap);
	if (*out)
		return;
	const ns_appr_row *r = ns_ui_approval_of(ui, incident);
	const ns_cluster_row *c = ns_ui_cluster(ui, r->cluster);
	if (r->state == NS_CARD_PREPARING || !r->id)
		ns_copy(out, cap, "The dry-run is still out: this can be decided when the server has answered.");
	else if (r->deadline_ms > 0 && ui->wall >= r->deadline_ms)
		ns_copy(out, cap, "Expired: silence is no.");
	else if (approve && r->state == NS_CARD_BLOCKED)
		snprintf(out, cap, "Blocked, it cannot be approved: %s", *r->warnings ? r->warnings : r->ask);
	else if (approve && !c)
		snprintf(out, cap, "The cluster %s is not configured any more: nothing is sent there.", r->cluster);
	else if (approve && c->profile == NS_PROFILE_OBSERVE)
		snprintf(out, cap, "%s is only observed: its profile lets nothing be sent.", c->name);
	else if (approve && ns_cluster_stale(ui, c))
		ns_copy(out, cap, "The cluster does not answer: what stands here may be old, so it cannot be approved.");
}

/* ---- small changes ---- */

void ns_ui_flash(ns_ui *ui, bool error, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(ui->flash, sizeof ui->flash, fmt, ap);
	va_end(ap);
	ui->flash_error = error;
	ui->flash_until = error ? -1 : ui->mono + FLASH_MS;
}

void ns_ui_pop(ns_ui *ui)
{
	if (ui->depth)
		ui->depth--;
}

static void expire_flash(ns_ui *ui)
{
	if (ui->flash_until > 0 && ui->mono >= ui->flash_until) {
		*ui->flash = '\0';
		ui->flash_until = 0;
	}
	if (ui->quit_armed && ui->mono - ui->quit_armed >= QUIT_MS)
		ui->quit_armed = 0;
}

int64_t ns_ui_next_tick(const ns_ui *ui)
{
	int64_t due = -1;
	if (ui->flash_until > 0)
		due = ui->flash_until - ui->mono;
	return due < 0 && ui->flash_until > 0 ? 0 : due;
}

/* ---- lists ---- */

static void collect_rows(ns_ui *ui, int k)
{
	ns_pane *m = &ui->pane[k];
	size_t n = ui->snap ? ns_panes[k]->count(ui->snap) : 0;
	if (n > m->cap) {
		m->cap = n;
		m->row = ns_xrealloc(m->row, n * sizeof *m->row);
	}
	m->n = 0;
	for (size_t i = 0; i < n; i++)
		if (ns_ui_shows_cluster(ui, ns_panes[k]->cluster(ui->snap, i)) && (!*m->filter || ns_panes[k]->match(ui->snap, i, m->filter)))
			m->row[m->n++] = i;
}

/* The selection is a key. When its row is gone the place stays, but actions wait for a movement: the row now under the marker is another
 * one. */
static void keep_selection(ns_ui *ui, int k)
{
	ns_pane *m = &ui->pane[k];
	for (size_t i = 0; i < m->n; i++)
		if (ns_panes[k]->key(ui->snap, m->row[i]) == m->selected) {
			m->at = i;
			return;
		}
	if (m->selected)
		m->disarmed = true;
	if (m->at >= m->n)
		m->at = m->n ? m->n - 1 : 0;
	m->selected = m->n ? ns_panes[k]->key(ui->snap, m->row[m->at]) : 0;
}

static void keep_visible(ns_ui *ui, int k, const ns_layout *l)
{
	ns_pane *m = &ui->pane[k];
	ns_rect r = ns_layout_list(ui, l, k);
	if (m->top >= m->n)
		m->top = m->n ? m->n - 1 : 0;
	if (!m->n || r.h <= 0)
		return;
	if (m->top > m->at)
		m->top = m->at;
	int room = r.h - ns_panes[k]->chrome(ui, r);
	/* How far up the top may stand so that the selected row is whole. */
	size_t first = m->at;
	int used = ns_panes[k]->height(ui, first, r);
	while (first > 0 && used + ns_panes[k]->height(ui, first - 1, r) <= room)
		used += ns_panes[k]->height(ui, --first, r);
	if (m->top < first)
		m->top = first;
	/* No empty space below while there are rows above. */
	size_t last = m->n - 1;
	used = ns_panes[k]->height(ui, last, r);
	while (last > 0 && used + ns_panes[k]->height(ui, last - 1, r) <= room)
		used += ns_panes[k]->height(ui, --last, r);
	if (m->top > last)
		m->top = last;
}

void ns_ui_settle(ns_ui *ui)
{
	ns_layout l;
	for (int k = 0; k < NS_PANE_COUNT; k++) {
		collect_rows(ui, k);
		keep_selection(ui, k);
	}
	ns_layout_of(ui, &l);
	for (int k = 0; k < NS_PANE_COUNT; k++)
		keep_visible(ui, k, &l);
	if (ui->depth) {
		int max = ns_text_view_max(ui), *top = &ui->scroll[ns_ui_view(ui)];
		if (*top > max)
			*top = max;
	}
	if (ui->sheet.state != NS_SHEET_NONE) {
		int max = ns_sheet_max_top(ui);
		if (ui->sheet.top > max)
			ui->sheet.top = max;
	}
}

/* ---- events ---- */

/* A sound for what needs a person, and only for that. */
static bool needs_ear(const ns_snapshot *old, const ns_snapshot *now)
{
	if (now->n_crit > old->n_crit)
		return true;
	for (size_t i = 0; i < now->n_approvals; i++) {
		bool known = now->approvals[i].id == 0;
		for (size_t k = 0; k < old->n_approvals && !known; k++)
			known = old->approvals[k].id == now->approvals[i].id;
		if (!known)
			return true;
	}
	return false;
}

static void on_snapshot(ns_ui *ui, const ns_ui_event *ev)
{
	if (ui->snap && needs_ear(ui->snap, ev->snap) && ui->mono - ui->bell_at >= BELL_MS) {
		ui->want.bell = true;
		ui->bell_at = ui->mono;
	}
	ns_snapshot_unref(ui->snap);
	ui->snap = ev->snap;
	if (!ns_ui_cluster(ui, ui->cluster)) /* another engine */
		*ui->cluster = '\0';
	ui->gone = false;
	for (int i = 1; i <= ui->depth; i++) {
		const ns_inc_row *r = ns_ui_incident(ui, ui->detail_id);
		if (ui->stack[i] == NS_VIEW_DETAIL && r && r->updated_ms != ui->detail_seen)
			ui->want.detail = ui->detail_id;
	}
}

static void on_gone(ns_ui *ui, const ns_ui_event *ev)
{
	ui->gone = true;
	ns_copy(ui->gone_why, sizeof ui->gone_why, ev->text ? ev->text : "it does not answer");
}

static void on_detail(ns_ui *ui, const ns_ui_event *ev)
{
	if (ev->id != ui->detail_id) {
		ns_detail_free(ev->detail);
		return;
	}
	if (ev->detail) {
		ns_detail_free(ui->detail);
		ui->detail = ev->detail;
		ui->detail_seen = ev->detail->row.updated_ms;
	} else {
		ns_copy(ui->detail_why, sizeof ui->detail_why, ev->text ? ev->text : "");
	}
}

static void on_decided(ns_ui *ui, const ns_ui_event *ev)
{
	ns_sheet *s = &ui->sheet;
	const char *text = ev->text && *ev->text ? ev->text : ev->ok ? "Done." : "The engine gave no reason.";
	if (s->state == NS_SHEET_SENDING && s->approval == ev->id && s->undo == ev->undo) {
		s->state = NS_SHEET_DONE;
		s->ok = ev->ok;
		ns_copy(s->why, sizeof s->why, text);
	} else {
		ns_ui_flash(ui, true, "%s %lld: %s", ev->undo ? "Undo" : "Approval", (long long)ev->id, text);
	}
}

/* ^C leaves whatever is open; at the root two of them quit. */
static void interrupt(ns_ui *ui)
{
	if (ui->quit_armed) {
		ui->want.quit = true;
		return;
	}
	ui->quit_armed = ui->mono ? ui->mono : 1;
	if (ui->sheet.state != NS_SHEET_NONE) {
		ns_sheet_key(ui, NS_CTRL('c'), false);
	} else if (ui->field) {
		ui->field = false;
	} else if (ui->depth) {
		ns_ui_pop(ui);
	} else {
		ns_ui_flash(ui, false, "^C again quits.");
	}
}

static void field_key(ns_ui *ui, uint32_t key)
{
	char *f = ui->pane[ui->focus].filter;
	size_t n = strlen(f), cap = sizeof ui->pane[0].filter;
	if (key == NS_KEY_ENTER) {
		ui->field = false;
	} else if (key == NS_KEY_ESC) {
		ui->field = false;
		*f = '\0';
	} else if (key == NS_KEY_BACKSPACE) {
		if (n)
			f[n - 1] = '\0';
		else
			ui->field = false;
	} else if (key == NS_CTRL('u')) {
		*f = '\0';
	} else if (key >= ' ' && key < 0x7F && n + 1 < cap) { /* names in Kubernetes are ASCII */
		f[n] = (char)key;
		f[n + 1] = '\0';
	}
	ns_ui_settle(ui);
	ui->pane[ui->focus].disarmed = false; /* the person's own narrowing is no surprise */
}

static void on_key(ns_ui *ui, const ns_ui_event *ev)
{
	if (ui->flash_error && ui->flash_until < 0) { /* an error stays until a key */
		*ui->flash = '\0';
		ui->flash_until = 0;
	}
	if (ev->key == NS_CTRL('c')) {
		interrupt(ui);
		return;
	}
	ui->quit_armed = 0;
	if (ui->sheet.state != NS_SHEET_NONE) {
		if (ev->key == NS_CTRL('l'))
			ui->want.repaint = true;
		else
			ns_sheet_key(ui, ev->key, ev->burst);
		return;
	}
	if (ui->field) {
		field_key(ui, ev->key);
		return;
	}
	const ns_binding *b = ns_binding_find(ns_ui_where(ui), ev->key);
	if (!b)
		return;
	if (ev->burst && !b->moves) {
		ns_ui_flash(ui, false, "That was pasted, not typed: ignored.");
		return;
	}
	b->run(ui, b->arg);
}

static void on_paste(ns_ui *ui, const ns_ui_event *ev)
{
	if (ui->sheet.state == NS_SHEET_OPEN) {
		ns_copy(ui->sheet.note, sizeof ui->sheet.note, "That was pasted, not typed: ignored.");
	} else if (ui->field) {
		for (const char *c = ev->text; *c; c++)
			field_key(ui, *c == '\n' || *c == '\r' || *c == '\t' ? ' '
			              : (unsigned char)*c < ' '              ? 0
			                                                     : (uint32_t)(unsigned char)*c);
	} else {
		ns_ui_flash(ui, false, "Pasted text is ignored: nothing here takes it.");
	}
}

static void on_resize(ns_ui *ui, const ns_ui_event *ev)
{
	ui->cols = ev->cols < 1 ? 1 : ev->cols;
	ui->rows = ev->rows < 1 ? 1 : ev->rows;
}

static void on_role(ns_ui *ui, const ns_ui_event *ev)
{
	ui->role = ev->role;
	ui->role_known = true;
}

static void on_painted(ns_ui *ui, const ns_ui_event *ev)
{
	if (ui->sheet.state == NS_SHEET_OPEN && ui->sheet.painted_ms < 0)
		ui->sheet.painted_ms = ev->mono_ms;
}

static void on_quiet(ns_ui *ui, const ns_ui_event *ev)
{
	if (ui->sheet.painted_ms >= 0)
		ui->sheet.quiet = true;
}

static void on_note(ns_ui *ui, const ns_ui_event *ev)
{
	ns_ui_flash(ui, !ev->ok, "%s", ev->text);
}

static void on_tick(ns_ui *ui, const ns_ui_event *ev) {}

void ns_ui_update(ns_ui *ui, const ns_ui_event *ev)
{
	static void (*const on[])(ns_ui *, const ns_ui_event *) = {
	    [NS_UI_KEY] = on_key,
	    [NS_UI_PASTE] = on_paste,
	    [NS_UI_RESIZE] = on_resize,
	    [NS_UI_SNAPSHOT] = on_snapshot,
	    [NS_UI_GONE] = on_gone,
	    [NS_UI_ROLE] = on_role,
	    [NS_UI_DETAIL] = on_detail,
	    [NS_UI_DECIDED] = on_decided,
	    [NS_UI_TICK] = on_tick,
	    [NS_UI_PAINTED] = on_painted,
	    [NS_UI_QUIET] = on_quiet,
	    [NS_UI_NOTE] = on_note,
	};
	ui->mono = ev->mono_ms;
	ui->wall = ev->wall_ms;
	expire_flash(ui);
	on[ev->kind](ui, ev);
	if (ev->kind == NS_UI_PAINTED || ev->kind == NS_UI_QUIET)
		return; /* nothing on screen depends on them */
	ns_sheet_check(ui);
	ns_ui_settle(ui);
}
