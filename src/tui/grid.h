/* The grid: what a frame is before a terminal sees it. A cell is a character, a colour role and attributes; nothing here knows escape
 * sequences. All drawing is clipped to a rectangle, so that no pane can write outside of its own place. */
#ifndef NEUROSCALE_TUI_GRID_H
#define NEUROSCALE_TUI_GRID_H
#include "neuroscale/config/theme.h"
#include <stdbool.h>
#include <stdint.h>

/* Beside NS_ATTR_*: the cell is part of the selection, in the pane that has the focus or in another one. The theme says how that looks. */
enum { NS_CELL_SELECTED = 16, NS_CELL_SELECTED_UNFOCUSED = 32 };

typedef struct ns_cell {
	uint32_t cp; /* 0: the right half of a wide character */
	uint8_t role, attr;
} ns_cell;

typedef struct ns_grid {
	int cols, rows;
	ns_cell *cell;
} ns_grid;

typedef struct ns_rect {
	int x, y, w, h;
} ns_rect;

void ns_grid_size(ns_grid *g, int cols, int rows); /* also blanks it */
void ns_grid_free(ns_grid *g);
ns_cell *ns_grid_at(ns_grid *g, int x, int y); /* NULL outside */

/* Text at (x, y) of the rectangle in at most w columns; what does not fit ends in "~". Returns the columns used. */
int ns_grid_text(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s);
/* The same, cut in the middle: the ends of names tell them apart. */
int ns_grid_name(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s);
/* The same, against the right edge of the w columns. */
int ns_grid_right(ns_grid *g, ns_rect r, int x, int y, int w, ns_color_role role, unsigned attr, const char *s);
void ns_grid_fill(ns_grid *g, ns_rect r, int x, int y, int n, ns_color_role role, unsigned attr, uint32_t cp);
void ns_grid_mark(ns_grid *g, ns_rect r, int x, int y, int n, unsigned attr); /* adds attributes to what is there */
void ns_grid_clear(ns_grid *g, ns_rect r);
#endif
