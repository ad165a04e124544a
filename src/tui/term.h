/* The terminal: the one place that knows ncurses. It paints grids and gives back the terminal as it found it, on every way out. */
#ifndef NEUROSCALE_TUI_TERM_H
#define NEUROSCALE_TUI_TERM_H
#include "grid.h"
#include "neuroscale/base/err.h"

/* False with words and the way out when stdin or stdout is no terminal or TERM is unset, dumb or unknown. */
bool ns_term_open(const ns_theme *theme, bool no_color, ns_err *err);
void ns_term_close(void);                /* idempotent */
void ns_term_size(int *cols, int *rows); /* asks the kernel */
/* Paints what differs from the last frame, in one write. A grid of another size than before is painted whole. */
void ns_term_paint(const ns_grid *g);
void ns_term_forget(void); /* the next paint is whole: ^L, or somebody else wrote on the screen */
void ns_term_bell(void);
void ns_term_flush_input(void); /* throws away what was typed and not read */
/* The terminal takes more now, and it is ours: painting would neither block nor write over somebody else. */
bool ns_term_ready(void);
bool ns_term_may_suspend(void); /* a shell with job control is there to bring us back */
void ns_term_suspend(void);     /* gives the terminal back and stops the process group; returns when continued */
#endif
