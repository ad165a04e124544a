/* How a sheet looks. Its question is laid out first and never scrolls away; what it shows has one order on every screen. */
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { BOXED_FROM = 120, BOX_W = 116 };

typedef struct geometry {
	ns_rect all, in; /* with and without the frame */
	bool boxed, rules;
	int prompt_h, body_h;
} geometry;

/* The sheet stands until a key: what became of it meanwhile. */
static void since_then(const ns_ui *ui, ns_doc *d)
{
	char buf[32];
	const ns_inc_row *r = ns_ui_incident(ui, ui->sheet.incident);
	if (!r || ui->gone || ui->rows < 14)
		return;
	ns_word now = ns_word_state(r, buf);
	ns_doc_printf(d, NULL, now.role, "Now: %s%s%s", now.text, *r->note ? ", " : "", r->note);
}

/* The question, or what takes its place. */
static void prompt(const ns_ui *ui, int width, ns_doc *d)
{
	const ns_sheet *s = &ui->sheet;
	char why[256];
	bool narrow = width < 60, tiny = width < 34;
	ns_doc_init(d, width, 0);
	if (*s->note)
		ns_doc_put(d, NULL, NS_ROLE_SEV_WARN, s->note);
	switch (s->state) {
	case NS_SHEET_NONE: break;
	case NS_SHEET_SENDING: ns_doc_put(d, NULL, NS_ROLE_STATE_RUN, "Sending your decision .."); break;
	case NS_SHEET_DONE:
		ns_doc_printf(d, NULL, s->ok ? NS_ROLE_STATE_OK : NS_ROLE_STATE_FAIL, "%s%s", s->ok ? "" : "NOT DONE: ", s->why);
		since_then(ui, d);
		ns_doc_put(d, NULL, NS_ROLE_TEXT_DIM, "Any key closes this.");
		break;
	case NS_SHEET_VOID:
		ns_doc_put(d, NULL, NS_ROLE_STATE_FAIL, s->why);
		ns_doc_put(d, NULL, NS_ROLE_TEXT_DIM, "Nothing was sent. Any key closes this.");
		break;
	case NS_SHEET_OPEN:
		ns_sheet_why_not(ui, why, sizeof why);
		if (*why) {
			ns_doc_put(d, NULL, NS_ROLE_STATE_WAIT, why);
			ns_doc_put(
			    d, NULL, NS_ROLE_TEXT_DIM, tiny ? "Esc closes." : "Any key that does not page closes this. Nothing is sent.");
		} else if (*s->code) {
			ns_doc_printf(d, NULL, NS_ROLE_KEY_HINT,
			    tiny     ? "%s + Enter> %s%.*s"
			    : narrow ? "Type %s, then Enter. code> %s%.*s"
			             : "To approve type  %s  then Enter.   code> %s%.*s",
			    s->code, s->typed, (int)(4 - strlen(s->typed)), "____");
			ns_doc_put(d, NULL, NS_ROLE_TEXT_DIM, tiny ? "other: cancel" : "Esc or any other key cancels. Nothing is sent.");
		} else if (s->undo) {
			ns_doc_printf(d, NULL, NS_ROLE_KEY_HINT,
			    tiny     ? "y undo"
			    : narrow ? "y = take it back, any other key = cancel"
			             : "y  take it back%s%s      Enter, Esc, any other key  cancel (nothing is sent)",
			    ns_ui_several(ui) ? " in " : "", ns_ui_several(ui) ? s->row.cluster : "");
		} else if (s->approve) {
			if (ns_ui_several(ui) && !tiny)
				ns_doc_printf(d, NULL, NS_ROLE_KEY_HINT, narrow ? "y = approve in %s, else cancel" : "y  approve in %s      Enter, Esc, any other key  cancel (nothing is sent)",
				    s->row.cluster);
			else
				ns_doc_put(d, NULL, NS_ROLE_KEY_HINT,
				    tiny     ? "y approve"
				    : narrow ? "y = approve, any other key = cancel"
				             : "y  approve      Enter, Esc, any other key  cancel (nothing is sent)");
		} else {
			ns_doc_put(d, NULL, NS_ROLE_KEY_HINT,
			    tiny     ? "y reject"
			    : narrow ? "y = reject, any other key = cancel"
			             : "y  reject      Enter, Esc, any other key  cancel (nothing is sent)");
			if (!tiny)
				ns_doc_put(d, NULL, NS_ROLE_TEXT,
				    narrow ? "1 target 2 evidence 3 risk 4 later 5 fixed"
				           : "or say why:  1 wrong target  2 thin evidence  3 risk  4 not now  5 fixed  6 other");
		}
		if (!tiny && *ui->user && ui->rows >= 14)
			ns_doc_printf(d, NULL, NS_ROLE_TEXT_DIM, "You are %s. This is recorded.", ui->user);
		break;
	}
}

static void dry_run(const ns_appr_row *r, ns_doc *d)
{
	static const struct {
		ns_color_role role;
		const char *text;
	} words[] = {
	    [NS_CARD_PREPARING] = {NS_ROLE_STATE_RUN, "still out: the server has not answered yet"},
	    [NS_CARD_READY] = {NS_ROLE_STATE_OK, "ok, by the server; what it would change stands above"},
	    [NS_CARD_BLOCKED] = {NS_ROLE_STATE_FAIL, "BLOCKED: this cannot be approved"},
	};
	ns_doc_put(d, "DRY-RUN", words[r->state <= NS_CARD_BLOCKED ? r->state : NS_CARD_BLOCKED].role,
	    words[r->state <= NS_CARD_BLOCKED ? r->state : NS_CARD_BLOCKED].text);
}

/* A summary usually begins with the cause: then it need not be said twice. */
static bool retells(const char *summary, const char *cause)
{
	size_t n = strlen(cause);
	while (n && cause[n - 1] == '.')
		n--;
	return strncmp(summary, cause, n) == 0;
}

/* Nothing is judged anew: it is what stood on the approved card as its undo, and the server has said yes to it. */
static void undo_body(const ns_appr_row *r, ns_doc *d)
{
	char at[32], until[32];
	ns_time_format(r->created_ms, at);
	ns_time_format(r->deadline_ms, until);
	ns_doc_diff(d, "CHANGES", r->diff);
	ns_doc_put(d, "RUNS", NS_ROLE_TEXT_STRONG, r->command);
	ns_doc_put(d, "DRY-RUN", NS_ROLE_STATE_OK, "ok, by the server, after the change; what it would change stands above");
	ns_doc_put(d, "EFFECT", NS_ROLE_TEXT, r->effect);
	ns_doc_printf(d, "CHANGED AT", NS_ROLE_TEXT, "%s", at);
	ns_doc_put(d, "IF NOT", NS_ROLE_TEXT, "it is not sent when somebody else has changed the object since; you are told what stands there");
	ns_doc_printf(d, "POSSIBLE", NS_ROLE_TEXT, "until %s", until);
}

static void body(const ns_ui *ui, const ns_pen *p, int width, ns_doc *d)
{
	const ns_sheet *s = &ui->sheet;
	const ns_appr_row *r = &s->row;
	ns_word risk = ns_word_risk(r->risk);
	char left[16];
	int64_t due = -1;
	ns_grid none = {0};
	ns_pen still = {&none, {0, 0, 0, 0}, ui, &due};
	bool narrow = width < 60;
	const ns_cluster_row *c = ns_ui_cluster(ui, r->cluster);
	ns_doc_init(d, width, narrow ? 9 : 12);
	if (ns_ui_several(ui) || (c && *c->color)) /* the one mistake that a second look does not find */
		ns_doc_printf(d, "CLUSTER", ns_cluster_role(c), c ? "%s   profile %s" : "%s", r->cluster, c ? ns_profile_name(c->profile) : "");
	ns_doc_put(d, "WHAT", NS_ROLE_TEXT_STRONG, r->headline);
	if (narrow)
		ns_doc_printf(d, "WHERE", NS_ROLE_TEXT, "%s/%s, %s", r->ns, r->target, r->cluster);
	else
		ns_doc_printf(d, "WHERE", NS_ROLE_TEXT, "%s %s/%s, cluster %s", r->target_kind, r->ns, r->target, r->cluster);
	if (*r->digest)
		ns_doc_printf(d, "PLAN", NS_ROLE_TEXT, narrow ? "%.8s" : "%.8s  the engine refuses any other", r->digest);
	else
		ns_doc_put(d, "PLAN", NS_ROLE_TEXT_DIM, "no digest before the dry-run is back");
	if (s->undo) {
		undo_body(r, d);
		return;
	}
	ns_doc_put(d, "RISK", risk.role, ns_risk_name(r->risk));
	ns_doc_put(d, "WHY YOU", NS_ROLE_STATE_WAIT, r->ask);
	ns_doc_put(d, "PEOPLE", NS_ROLE_SEV_WARN, r->people);
	ns_doc_put(d, narrow ? "EARNED" : "AUTONOMY", NS_ROLE_TEXT, r->autonomy);
	if (narrow)
		ns_doc_printf(
		    d, "CONFID.", NS_ROLE_TEXT, "%.0f %%  %s %.2f", r->confidence * 100, *r->runbook ? r->runbook : "no runbook", r->score);
	else
		ns_doc_printf(d, "CONFIDENCE", NS_ROLE_TEXT, "%.0f %%   runbook %s, score %.2f, margin %.2f", r->confidence * 100,
		    *r->runbook ? r->runbook : "none", r->score, r->margin);
	ns_doc_put(d, "ANALYST", NS_ROLE_TEXT, r->analyst);
	if (narrow || !retells(r->summary, r->root_cause))
		ns_doc_put(d, "WHY", NS_ROLE_TEXT, r->root_cause);
	if (!narrow)
		ns_doc_put(d, retells(r->summary, r->root_cause) ? "WHY" : NULL, NS_ROLE_TEXT, r->summary);
	ns_doc_diff(d, "CHANGES", r->diff);
	ns_doc_put(d, "RUNS", NS_ROLE_TEXT_STRONG, r->command);
	dry_run(r, d);
	ns_doc_put(d, "WARNINGS", NS_ROLE_SEV_WARN, r->warnings);
	ns_doc_put(d, "EFFECT", NS_ROLE_TEXT, r->effect);
	ns_doc_put(d, "CHECK", NS_ROLE_TEXT, r->verify);
	ns_doc_put(
	    d, "UNDO", *r->undo ? NS_ROLE_TEXT : NS_ROLE_SEV_WARN, *r->undo ? r->undo : "none known: this cannot be taken back by machine");
	if (r->deadline_ms > 0 && s->state == NS_SHEET_OPEN) {
		ns_pen_countdown(p ? p : &still, r->deadline_ms, left);
		ns_doc_printf(d, "EXPIRES", ns_countdown_role(r->deadline_ms - ui->wall), "in %s; without an answer it is rejected", left);
	}
	if (narrow) /* where there is little room the facts come before the prose */
		ns_doc_put(d, "SUMMARY", NS_ROLE_TEXT, r->summary);
}

static bool boxed(const ns_ui *ui)
{
	return ui->cols >= BOXED_FROM && ui->rows >= 16;
}

static int inner_width(const ns_ui *ui)
{
	return boxed(ui) ? BOX_W - 4 : ui->cols;
}

static geometry measure(const ns_ui *ui, int prompt_lines, int body_lines)
{
	geometry g = {.all = {0, 0, ui->cols, ui->rows}, .boxed = boxed(ui)};
	g.in = g.all;
	g.rules = g.boxed || ui->rows >= 10;
	int fixed = 1 + (g.rules ? 2 : 0);
	if (g.boxed) { /* as high as it must be, in the middle */
		int h = fixed + prompt_lines + body_lines + 2, most = ui->rows - 2;
		h = h > most ? most : h;
		g.all = (ns_rect){(ui->cols - BOX_W) / 2, (ui->rows - h) / 2, BOX_W, h};
		g.in = (ns_rect){g.all.x + 2, g.all.y + 1, BOX_W - 4, h - 2};
	}
	g.prompt_h = prompt_lines;
	if (g.prompt_h > g.in.h - fixed)
		g.prompt_h = g.in.h - fixed > 0 ? g.in.h - fixed : 0;
	g.body_h = g.in.h - fixed - g.prompt_h;
	return g;
}

/* How it lies now, with the lines of its text in *lines. */
static geometry geometry_of(const ns_ui *ui, int *lines)
{
	ns_doc q, d;
	prompt(ui, inner_width(ui), &q);
	body(ui, NULL, inner_width(ui), &d);
	geometry g = measure(ui, (int)q.n, (int)d.n);
	*lines = (int)d.n;
	ns_doc_free(&q);
	ns_doc_free(&d);
	return g;
}

int ns_sheet_page(const ns_ui *ui)
{
	int lines, h = geometry_of(ui, &lines).body_h;
	return h > 2 ? h - 1 : 1;
}

int ns_sheet_max_top(const ns_ui *ui)
{
	int lines, h = geometry_of(ui, &lines).body_h;
	return lines > h ? lines - h : 0;
}

static void frame(const ns_pen *root, const geometry *g)
{
	ns_pen p = *root;
	p.r = g->all;
	ns_grid_clear(p.g, p.r);
	if (!g->boxed)
		return;
	uint32_t v = ns_glyph_of(p.ui, NS_G_VLINE), c = ns_glyph_of(p.ui, NS_G_CROSS);
	ns_pen_rule(&p, 0);
	ns_pen_rule(&p, p.r.h - 1);
	for (int y = 0; y < p.r.h; y++) {
		bool corner = y == 0 || y == p.r.h - 1;
		ns_grid_fill(p.g, p.r, 0, y, 1, NS_ROLE_BORDER, 0, corner ? c : v);
		ns_grid_fill(p.g, p.r, p.r.w - 1, y, 1, NS_ROLE_BORDER, 0, corner ? c : v);
	}
}

static void title(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	const ns_sheet *s = &ui->sheet;
	char left[64], right[192] = "", time[16] = "";
	const char *verb = s->undo ? "UNDO" : s->approve ? "APPROVE" : "REJECT", *mark = s->state == NS_SHEET_OPEN ? " ?" : "";
	bool both = s->approval && !s->undo && p->r.w >= 60, numbered = s->approval && !s->undo;
	if (both)
		snprintf(left, sizeof left, "%s approval %lld, incident #%lld%s", verb, (long long)s->approval, (long long)s->incident, mark);
	else
		snprintf(left, sizeof left, "%s %s%lld%s", verb, numbered ? "approval " : "incident #", (long long)(numbered ? s->approval : s->incident), mark);
	int used = ns_pen_bold(p, 0, 0, p->r.w, NS_ROLE_TITLE, left);
	if (s->row.deadline_ms > 0 && s->state == NS_SHEET_OPEN && !s->undo)
		ns_pen_countdown(p, s->row.deadline_ms, time);
	int room = p->r.w - used - 2, time_w = (int)strlen(time);
	if (room > 0)
		ns_pen_right(
		    p, used + 2, 0, room, ns_countdown_role(s->row.deadline_ms > 0 ? s->row.deadline_ms - ui->wall : INT64_MAX), time);
	room -= time_w + (time_w ? 3 : 0);
	if (!ui->snap || room < 8)
		return;
	snprintf(right, sizeof right, room > 24 ? "%s %s" : "%.0s%s", ui->snap->mode, s->row.cluster);
	int w = ns_utf8_width(right) < room ? ns_utf8_width(right) : room, x = used + 2 + room - w;
	ns_color_role role = ns_cluster_role(ns_ui_cluster(ui, s->row.cluster));
	ns_pen_bold(p, x, 0, w, role, right);
}

void ns_sheet_draw(const ns_pen *root)
{
	const ns_ui *ui = root->ui;
	if (ui->sheet.state == NS_SHEET_NONE)
		return;
	int lines;
	geometry g = geometry_of(ui, &lines);
	ns_pen p = *root;
	ns_doc d, q;
	char more[48] = "";
	frame(root, &g);
	p.r = g.in;
	title(&p);
	int y = 1;
	if (g.rules)
		ns_pen_rule(&p, y++);
	body(ui, &p, g.in.w, &d);
	ns_pen b = ns_pen_in(&p, 0, y, g.in.w, g.body_h);
	int top = ui->sheet.top;
	if (top > (int)d.n - g.body_h)
		top = (int)d.n > g.body_h ? (int)d.n - g.body_h : 0;
	ns_doc_draw(&d, &b, top);
	y += g.body_h;
	int below = (int)d.n - top - g.body_h;
	if (below > 0)
		snprintf(more, sizeof more, " %d more line%s: space ", below, below == 1 ? "" : "s");
	if (g.rules) {
		ns_pen_rule(&p, y);
		ns_pen_text(&p, 2, y++, g.in.w - 2, NS_ROLE_KEY_HINT, more);
	}
	prompt(ui, g.in.w, &q);
	ns_pen a = ns_pen_in(&p, 0, y, g.in.w, g.prompt_h);
	ns_doc_draw(&q, &a, 0);
	for (int i = 0; i < a.r.h && (size_t)i < q.n; i++)
		if (q.line[i].role == NS_ROLE_KEY_HINT || q.line[i].role == NS_ROLE_STATE_FAIL)
			ns_grid_mark(a.g, a.r, 0, i, a.r.w, NS_ATTR_BOLD);
	ns_doc_free(&d);
	ns_doc_free(&q);
}
