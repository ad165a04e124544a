/* Cells and clipped drawing. */
#include "grid.h"

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void ns_grid_size(ns_grid *g, int cols, int rows)
{
	if (cols < 1)
		cols = 1;
	if (rows < 1)
		rows = 1;
	if (cols != g->cols || rows != g->rows) {
		g->cell = ns_xrealloc(g->cell, (size_t)cols * (size_t)rows * sizeof *g->cell);
		g->cols = cols;
		g->rows = rows;
	}
	for (int i = 0; i < cols * rows; i++)
		g->cell[i] = (ns_cell){' ', NS_ROLE_TEXT, 0};
}

void ns_grid_free(ns_grid *g)
{
	free(g->cell);
	*g = (ns_grid){0};
}

ns_cell *ns_grid_at(ns_grid *g, int x, int y)
{
	if (x < 0 || y < 0 || x >= g->cols || y >= g->rows)
		return NULL;
	return &g->cell[y * g->cols + x];
}

/* A wide character of which one half is overwritten leaves no other half behind. */
static void put(ns_grid *g, int x, int y, uint32_t cp, int width, ns_color_role role, unsigned attr)
{
	ns_cell *c = ns_grid_at(g, x, y);
	if (!c)
		return;
	if (c->cp == 0 && x > 0)
		c[-1].cp = ' ';
	ns_cell *after = ns_grid_at(g, x + width, y);
	if (after && after->cp == 0)
		after->cp = ' ';
	*c = (ns_cell){cp, (uint8_t)role, (uint8_t)attr};
	if (width == 2)
		c[1] = (ns_cell){0, (uint8_t)role, (uint8_t)attr};
}

/* Columns from (x, y) that belong to the rectangle and to the grid. */
static int room(const ns_grid *g, ns_rect r, int x, int y, int w)
{
	if (x < 0 || y < 0 || y >= r.h || r.x + x < 0 || r.y + y < 0 || r.y + y >= g->rows)
		return 0;
	if (w > r.w - x)
		w = r.w - x;
	if (w > g->cols - r.x - x)
		w = g->cols - r.x - x;
	return w > 0 ? w : 0;
}

int ns_grid_text(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s)
{
	w = room(g, r, x, y, w);
	size_t n = strlen(s);
	int used = 0;
	while (n && w > 0) {
		uint32_t cp;
		size_t len = ns_utf8_next(s, n, &cp);
		int cw = cp < 0x7F ? 1 : wcwidth((wchar_t)cp);
		s += len;
		n -= len;
		if (cp < 0x20 || cp == 0x7F) { /* texts are clean when they come; a tab or newline in them is a space here */
			cp = ' ';
			cw = 1;
		}
		if (cw <= 0)
			continue; /* combining marks have no cell of their own */
		if (used + cw > w) {
			put(g, r.x + x + (used < w ? used : w - 1), r.y + y, '~', 1, role, attr);
			return w;
		}
		if (n && used + cw == w) { /* the last column: something follows, so it says so */
			put(g, r.x + x + used, r.y + y, '~', 1, role, attr);
			return w;
		}
		put(g, r.x + x + used, r.y + y, cp, cw, role, attr);
		used += cw;
	}
	return used;
}

int ns_grid_name(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s)
{
	char fit[1024];
	w = room(g, r, x, y, w);
	if (w <= 0)
		return 0;
	ns_utf8_fit(fit, sizeof fit, s, w);
	return ns_grid_text(g, r, x, y, w, role, attr, fit);
}

int ns_grid_right(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s)
{
	int width = ns_utf8_width(s);
	if (width >= w)
		return ns_grid_text(g, r, x, y, w, role, attr, s);
	ns_grid_text(g, r, x + w - width, y, width, role, attr, s);
	return w;
}

void ns_grid_fill(ns_grid *g, ns_rect r, int x, int y, int n, ns_color_role role, unsigned attr, uint32_t cp)
{
	n = room(g, r, x, y, n);
	for (int i = 0; i < n; i++)
		put(g, r.x + x + i, r.y + y, cp, 1, role, attr);
}

void ns_grid_mark(ns_grid *g, ns_rect r, int x, int y, int n, unsigned attr)
{
	n = room(g, r, x, y, n);
	for (int i = 0; i < n; i++)
		ns_grid_at(g, r.x + x + i, r.y + y)->attr |= (uint8_t)attr;
}

void ns_grid_clear(ns_grid *g, ns_rect r)
{
	for (int y = 0; y < r.h; y++)
		ns_grid_fill(g, r, 0, y, r.w, NS_ROLE_TEXT, 0, ' ');
}
