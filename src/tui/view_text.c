/* The views that are scrolled text: detail, help, messages. One way of measuring, scrolling and drawing them. */
#include "neuroscale/base/clock.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { WIDEST = 132 }; /* longer lines are hard to read */

/* Of the Basic Multilingual Plane, where all glyphs are. */
static void utf8(uint32_t cp, char out[8])
{
	int n = 0;
	if (cp < 0x80) {
		out[n++] = (char)cp;
	} else {
		if (cp >= 0x800)
			out[n++] = (char)(0xE0 | cp >> 12);
		out[n++] = (char)((cp >= 0x800 ? 0x80 : 0xC0) | (cp >> 6 & 0x3F));
		out[n++] = (char)(0x80 | (cp & 0x3F));
	}
	out[n] = '\0';
}

void ns_help_doc(const ns_ui *ui, ns_doc *d)
{
	static const struct {
		unsigned where;
		const char *title;
	} parts[] = {{NS_IN_ALL, "EVERYWHERE"}, {NS_IN_HOME, "LISTS"}, {NS_IN_HOME | NS_IN_DETAIL, "LISTS AND INCIDENT"},
	    {NS_IN_DETAIL | NS_IN_TEXT, "TEXT"}};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		bool any = false;
		for (const ns_binding *b = ns_bindings; b->run; b++) {
			if (b->where != parts[i].where || !b->help)
				continue;
			if (!any)
				ns_doc_title(d, parts[i].title);
			any = true;
			ns_doc_put(d, b->keys, NS_ROLE_TEXT, b->help);
		}
	}
	ns_doc_title(d, "APPROVE SHEET");
	ns_doc_put(d, "y", NS_ROLE_TEXT, "approve (or reject, on the reject sheet); heard half a second after the sheet is on screen");
	ns_doc_put(d, "digits", NS_ROLE_TEXT, "high risk asks for the four digits that the sheet shows, then Enter");
	ns_doc_put(d, "1-6", NS_ROLE_TEXT, "reject with a reason");
	ns_doc_put(d, "space j k", NS_ROLE_TEXT, "read on; the question stays on screen");
	ns_doc_put(d, "any other", NS_ROLE_TEXT, "cancel: nothing is sent. Enter cancels too");
	ns_doc_title(d, "MARKS");
	for (int m = NS_MARK_TODO; m <= NS_MARK_SKIPPED; m++) {
		ns_word w = ns_word_mark((ns_stage_mark)m);
		char glyph[8];
		utf8(ns_glyph_of(ui, ns_glyph_mark((ns_stage_mark)m)), glyph);
		ns_doc_printf(d, NULL, w.role, "%s  %s", glyph, w.text);
	}
	ns_doc_title(d, "FILTER");
	ns_doc_put(d, NULL, NS_ROLE_TEXT,
	    "Words that must all be found; !word must not. ns:shop, kind:oom, state:verify look at one field. sev>=warn compares.");
}

void ns_messages_doc(const ns_ui *ui, ns_doc *d)
{
	static const ns_color_role roles[] = {NS_ROLE_TEXT_DIM, NS_ROLE_TEXT, NS_ROLE_SEV_WARN, NS_ROLE_FLASH_ERROR};
	const ns_snapshot *s = ui->snap;
	if (!s || !s->n_messages) {
		ns_doc_put(d, NULL, NS_ROLE_TEXT_DIM, "No messages yet.");
		return;
	}
	for (size_t i = 0; i < s->n_messages; i++) {
		const ns_msg_row *m = &s->messages[i];
		char time[32];
		ns_time_format(m->at_ms, time);
		ns_doc_printf(d, NULL, roles[m->level >= 0 && m->level <= 3 ? m->level : 1], "%s  %s", time + 11, m->text);
	}
}

static void title(const ns_ui *ui, char *out, size_t cap)
{
	switch (ns_ui_view(ui)) {
	case NS_VIEW_DETAIL:
		if (ui->detail)
			snprintf(out, cap, "Incident #%lld  %s/%s", (long long)ui->detail_id, ui->detail->row.ns, ui->detail->row.target);
		else
			snprintf(out, cap, "Incident #%lld", (long long)ui->detail_id);
		break;
	case NS_VIEW_HELP: snprintf(out, cap, "Keys"); break;
	case NS_VIEW_CLUSTERS: snprintf(out, cap, "Clusters"); break;
	default: snprintf(out, cap, "Messages"); break;
	}
}

static void build(const ns_ui *ui, const ns_pen *p, ns_rect r, ns_doc *d)
{
	int w = r.w - 1 > WIDEST ? WIDEST : r.w - 1;
	switch (ns_ui_view(ui)) {
	case NS_VIEW_DETAIL:
		ns_doc_init(d, w, 10);
		ns_detail_doc(ui, p, d);
		break;
	case NS_VIEW_HELP:
		ns_doc_init(d, w, ui->cols < 60 ? 14 : 20);
		ns_help_doc(ui, d);
		break;
	case NS_VIEW_CLUSTERS:
		ns_doc_init(d, w, 11);
		ns_clusters_doc(ui, d);
		break;
	default:
		ns_doc_init(d, w, 0);
		ns_messages_doc(ui, d);
		break;
	}
}

/* The text's place: the body without its title line. */
static ns_rect place(const ns_ui *ui)
{
	ns_layout l;
	ns_layout_of(ui, &l);
	ns_rect r = l.body;
	if (r.h > 0) {
		r.y++;
		r.h--;
	}
	return r;
}

int ns_text_view_page(const ns_ui *ui)
{
	int h = place(ui).h;
	return h > 2 ? h - 1 : 1;
}

int ns_text_view_max(const ns_ui *ui)
{
	ns_rect r = place(ui);
	ns_doc d;
	build(ui, NULL, r, &d);
	int max = (int)d.n - r.h;
	ns_doc_free(&d);
	return max > 0 ? max : 0;
}

void ns_text_view_draw(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	ns_rect r = place(ui);
	ns_pen q = ns_pen_in(p, 0, 1, r.w, r.h);
	char text[256], where[32] = "";
	ns_doc d;
	build(ui, p, r, &d);
	int top = ui->scroll[ns_ui_view(ui)];
	ns_pen_rule(p, 0);
	title(ui, text, sizeof text);
	int used = ns_pen_bold(p, 0, 0, p->r.w, NS_ROLE_BORDER_FOCUS, text);
	ns_grid_fill(p->g, p->r, used, 0, 1, NS_ROLE_TEXT, 0, ' ');
	if ((int)d.n > q.r.h)
		snprintf(where, sizeof where, " %d-%d of %zu", top + 1, top + q.r.h < (int)d.n ? top + q.r.h : (int)d.n, d.n);
	if (*where && used + (int)strlen(where) + 2 < p->r.w)
		ns_pen_text(p, p->r.w - (int)strlen(where), 0, (int)strlen(where), NS_ROLE_TEXT_DIM, where);
	ns_doc_draw(&d, &q, top);
	ns_doc_free(&d);
}
