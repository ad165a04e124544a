/* Pane 3: what waits for a person, soonest deadline first. A card of two lines each; the selected one opens up and shows its summary. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { MARKER = 2, CARD = 2, INDENT = 7 };

static size_t count(const ns_snapshot *s)
{
	return s->n_approvals;
}

/* By incident: that stays the same while a card is prepared, becomes ready and is asked again. What is decided is bound to id and digest.
 */
static int64_t key(const ns_snapshot *s, size_t i)
{
	return s->approvals[i].incident;
}

static const char *cluster(const ns_snapshot *s, size_t i)
{
	return s->approvals[i].cluster;
}

static bool match(const ns_snapshot *s, size_t i, const char *filter)
{
	return ns_filter_approval(&s->approvals[i], filter);
}

static int chrome(const ns_ui *ui, ns_rect r)
{
	return 0;
}

/* What the selected card adds. */
static void more(const ns_appr_row *a, int width, ns_doc *d)
{
	ns_doc_init(d, width - INDENT - 1, 0);
	ns_doc_put(d, NULL, NS_ROLE_STATE_WAIT, a->ask);
	ns_doc_put(d, NULL, NS_ROLE_SEV_WARN, a->people);
	ns_doc_put(d, NULL, NS_ROLE_TEXT, a->summary);
	if (width >= 60)
		ns_doc_diff(d, NULL, a->diff);
	if (*a->command)
		ns_doc_printf(d, NULL, NS_ROLE_TEXT_STRONG, "$ %s", a->command);
	ns_doc_put(d, NULL, NS_ROLE_SEV_WARN, a->warnings);
}

static int height(const ns_ui *ui, size_t visible, ns_rect r)
{
	const ns_pane *m = &ui->pane[NS_PANE_APPROVALS];
	const ns_appr_row *a = &ui->snap->approvals[m->row[visible]];
	if (a->incident != m->selected)
		return CARD;
	ns_doc d;
	more(a, r.w, &d);
	int h = CARD + (int)d.n, rest = r.h - CARD * ((int)m->n - 1), most = rest > r.h * 2 / 3 ? rest : r.h * 2 / 3;
	ns_doc_free(&d);
	if (h > most)
		h = most;
	return h < CARD ? CARD : h;
}

static void right_word(const ns_pen *p, int y, const ns_appr_row *a)
{
	char text[16];
	ns_word w = {text, NS_ROLE_TEXT};
	if (a->state == NS_CARD_PREPARING) {
		w = (ns_word){"dry-run..", NS_ROLE_STATE_RUN};
	} else if (a->state == NS_CARD_BLOCKED) {
		w = (ns_word){"BLOCKED", NS_ROLE_STATE_FAIL};
	} else {
		ns_pen_countdown(p, a->deadline_ms, text);
		w.role = ns_countdown_role(a->deadline_ms - p->ui->wall);
	}
	ns_pen_right(p, p->r.w - 9, y, 9, w.role, w.text);
}

static void card(const ns_pen *p, const ns_appr_row *a, bool selected, bool focused)
{
	char text[512];
	ns_word risk = ns_word_risk(a->risk);
	int w = p->r.w - INDENT - 10;
	ns_pen_marker(p, 0, selected, focused);
	ns_pen_text(p, MARKER, 0, 4, risk.role, risk.text);
	int used = ns_pen_text(p, INDENT, 0, w, NS_ROLE_TEXT_STRONG, a->headline);
	if (selected)
		ns_grid_mark(p->g, p->r, INDENT, 0, used, focused ? NS_CELL_SELECTED : NS_CELL_SELECTED_UNFOCUSED);
	right_word(p, 0, a);
	if (p->r.w >= 60)
		snprintf(
		    text, sizeof text, "%s/%s  confidence %.0f %%  %s %.2f", a->ns, a->target, a->confidence * 100, a->runbook, a->score);
	else
		snprintf(text, sizeof text, "%s/%s  confidence %.0f %%", a->ns, a->target, a->confidence * 100);
	int tag = ns_ui_several(p->ui) ? ns_pen_cluster(p, INDENT, 1, 16, a->cluster) + 2 : 0;
	ns_pen_text(p, INDENT + tag, 1, p->r.w - INDENT - tag - 1, NS_ROLE_TEXT_DIM, text);
	if (!selected)
		return;
	ns_doc d;
	more(a, p->r.w, &d);
	ns_pen q = ns_pen_in(p, INDENT, CARD, p->r.w - INDENT - 1, p->r.h - CARD);
	ns_doc_draw(&d, &q, 0);
	if ((int)d.n > q.r.h && q.r.h > 0) { /* the last line says that there is more */
		ns_grid_fill(q.g, q.r, 0, q.r.h - 1, q.r.w, NS_ROLE_TEXT, 0, ' ');
		ns_pen_text(&q, 0, q.r.h - 1, q.r.w, NS_ROLE_TEXT_DIM, ".. a or Enter shows all of it");
	}
	ns_doc_free(&d);
}

static void draw(const ns_pen *p, bool focused)
{
	const ns_ui *ui = p->ui;
	const ns_pane *m = &ui->pane[NS_PANE_APPROVALS];
	int y = 0;
	if (!ui->snap)
		return;
	if (!m->n) {
		bool hidden = ui->snap->n_approvals > 0;
		ns_pen_empty(p, hidden ? "Nothing passes the filter." : "Nothing waits for you.", hidden ? "Esc clears it." : "");
		return;
	}
	for (size_t i = m->top; i < m->n && y + CARD <= p->r.h; i++) {
		const ns_appr_row *a = &ui->snap->approvals[m->row[i]];
		int h = height(ui, i, p->r);
		ns_pen q = ns_pen_in(p, 0, y, p->r.w, h);
		card(&q, a, a->incident == m->selected, focused);
		y += h;
	}
}

static void status(const ns_ui *ui, char *out, size_t cap)
{
	const ns_snapshot *s = ui->snap;
	const ns_pane *m = &ui->pane[NS_PANE_APPROVALS];
	*out = '\0';
	if (!s)
		return;
	if (*m->filter)
		snprintf(out, cap, "%zu of %zu  filter: %s", m->n, s->n_approvals, m->filter);
	else
		snprintf(out, cap, "%zu", s->n_approvals);
}

const ns_pane_ops ns_pane_approvals = {"Pending approvals", "Approvals", "Appr", count, key, cluster, match, chrome, height, draw, status};
