/* Drawing with a pen: small shapes, ages, countdowns. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ASCII and the glyphs of themes with `glyphs: unicode`. None is wider than one column in any of the usual terminals. */
static const uint32_t glyphs[NS_G_COUNT][2] = {
    [NS_G_HLINE] = {'-', 0x2500},
    [NS_G_VLINE] = {'|', 0x2502},
    [NS_G_CROSS] = {'+', 0x253C},
    [NS_G_CURSOR] = {'>', 0x276F},
    [NS_G_DONE] = {'#', 0x2713},
    [NS_G_RUN] = {'>', 0x25B8},
    [NS_G_WAIT] = {'?', '?'},
    [NS_G_FAIL] = {'!', 0x2717},
    [NS_G_SKIP] = {'-', 0x2013},
    [NS_G_TODO] = {'.', 0x00B7},
    [NS_G_BAR] = {'=', 0x2501},
    [NS_G_BAR_REST] = {'.', 0x2508},
};

uint32_t ns_glyph_of(const ns_ui *ui, ns_glyph g)
{
	return glyphs[g][ui->unicode];
}

ns_pen ns_pen_in(const ns_pen *p, int x, int y, int w, int h)
{
	ns_pen q = *p;
	if (w > p->r.w - x)
		w = p->r.w - x;
	if (h > p->r.h - y)
		h = p->r.h - y;
	q.r = (ns_rect){p->r.x + x, p->r.y + y, w > 0 ? w : 0, h > 0 ? h : 0};
	return q;
}

int ns_pen_text(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s)
{
	return ns_grid_text(p->g, p->r, x, y, w, role, 0, s);
}

int ns_pen_bold(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s)
{
	return ns_grid_text(p->g, p->r, x, y, w, role, NS_ATTR_BOLD, s);
}

int ns_pen_name(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s)
{
	return ns_grid_name(p->g, p->r, x, y, w, role, 0, s);
}

int ns_pen_right(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s)
{
	return ns_grid_right(p->g, p->r, x, y, w, role, 0, s);
}

int ns_pen_printf(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return ns_pen_text(p, x, y, w, role, text);
}

int ns_pen_cluster(const ns_pen *p, int x, int y, int w, const char *name)
{
	return ns_grid_name(p->g, p->r, x, y, w, ns_cluster_role(ns_ui_cluster(p->ui, name)), 0, name);
}

void ns_pen_glyph(const ns_pen *p, int x, int y, ns_color_role role, ns_glyph g)
{
	ns_grid_fill(p->g, p->r, x, y, 1, role, 0, ns_glyph_of(p->ui, g));
}

void ns_pen_rule(const ns_pen *p, int y)
{
	ns_grid_fill(p->g, p->r, 0, y, p->r.w, NS_ROLE_BORDER, 0, ns_glyph_of(p->ui, NS_G_HLINE));
}

void ns_pen_due(const ns_pen *p, int64_t in_ms)
{
	if (in_ms < 1)
		in_ms = 1;
	if (*p->due < 0 || in_ms < *p->due)
		*p->due = in_ms;
}

void ns_pen_age(const ns_pen *p, int64_t since_ms, char out[16])
{
	static const struct {
		int64_t below, unit;
		char letter;
	} steps[] = {{60000, 1000, 's'}, {3600000, 60000, 'm'}, {86400000, 3600000, 'h'}, {INT64_MAX, 86400000, 'd'}};
	int64_t age = p->ui->wall - since_ms;
	size_t i = 0;
	if (since_ms <= 0) {
		snprintf(out, 16, "-");
		return;
	}
	if (age < 0)
		age = 0;
	while (age >= steps[i].below)
		i++;
	int64_t n = age / steps[i].unit;
	snprintf(out, 16, "%d%c", n > 999 ? 999 : (int)n, steps[i].letter);
	ns_pen_due(p, steps[i].unit - age % steps[i].unit);
}

void ns_pen_countdown(const ns_pen *p, int64_t deadline_ms, char out[16])
{
	int64_t left = deadline_ms - p->ui->wall;
	if (left <= 0) {
		snprintf(out, 16, "expired");
		return;
	}
	int64_t s = (left + 999) / 1000; /* "0:01" until it is over */
	if (s < 6000)
		snprintf(out, 16, "%d:%02d", (int)(s / 60), (int)(s % 60));
	else
		snprintf(out, 16, "%dh%02d", (int)(s / 3600 > 999 ? 999 : s / 3600), (int)(s / 60 % 60));
	ns_pen_due(p, left - (s - 1) * 1000);
}

ns_color_role ns_countdown_role(int64_t left_ms)
{
	return left_ms <= 30000 ? NS_ROLE_SEV_CRIT : left_ms <= 90000 ? NS_ROLE_STATE_WAIT : NS_ROLE_TEXT;
}

void ns_pen_marker(const ns_pen *p, int y, bool selected, bool focused)
{
	if (selected)
		ns_grid_fill(p->g, p->r, 0, y, 1, focused ? NS_ROLE_TEXT_STRONG : NS_ROLE_TEXT_DIM, focused ? NS_ATTR_BOLD : 0,
		    ns_glyph_of(p->ui, NS_G_CURSOR));
}

void ns_pen_empty(const ns_pen *p, const char *line1, const char *line2)
{
	int y = p->r.h > 4 ? p->r.h / 2 - 1 : 0;
	const char *const lines[] = {line1, line2};
	for (int i = 0; i < 2; i++) {
		int w = ns_utf8_width(lines[i]);
		int x = p->r.w > w + 2 ? (p->r.w - w) / 2 : 1;
		ns_pen_text(p, x, y + i, p->r.w - x, i ? NS_ROLE_TEXT_DIM : NS_ROLE_TEXT, lines[i]);
	}
}

void ns_money(double v, char out[32])
{
	char digits[32];
	if (!isfinite(v) || fabs(v) > 1e12) {
		snprintf(out, 32, "?");
		return;
	}
	snprintf(digits, sizeof digits, "%.2f", fabs(v));
	size_t whole = strlen(digits) - 3, n = 0;
	if (v <= -0.005)
		out[n++] = '-';
	for (size_t i = 0; digits[i]; i++) {
		if (i && i < whole && (whole - i) % 3 == 0)
			out[n++] = ',';
		out[n++] = digits[i];
	}
	out[n] = '\0';
}
