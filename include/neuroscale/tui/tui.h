/* The console. One thread, ncurses behind one file. It sees the world through an ns_door and a theme, nothing else. */
#ifndef NEUROSCALE_TUI_TUI_H
#define NEUROSCALE_TUI_TUI_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/config/theme.h"
#include "neuroscale/engine/door.h"

typedef struct ns_tui_opts {
	const ns_door *door; /* NULL: `open` is asked for one */
	/* Called once, on the console's second thread, after the first frame stands: whoever starts an engine for this console does it
	 * here, so that the person sees a screen at once. False: ns_tui_run restores the terminal and returns false with that error. The
	 * caller closes what it opened, after ns_tui_run. */
	bool (*open)(void *ctx, ns_door *out, ns_err *err);
	void *open_ctx;
	const ns_theme *theme;
	bool no_color;
	const ns_cancel *cancel; /* SIGTERM/SIGHUP: leave and restore the terminal */
	const ns_clock *clock;   /* countdowns and ages until the first picture, which names the engine's own */
	const char *user;        /* for the header and "You are …" */
	const char *trouble;     /* said on the first screen until a key: a theme that cannot be read. NULL or "": none */
} ns_tui_opts;
/* Runs until quit, hang-up or cancel; the terminal is as it was on every way out. The caller has called setlocale(LC_CTYPE, "") and blocked
 * signals; SIGWINCH, SIGCONT and SIGTSTP are unblocked for this thread while it runs. All calls of the door come from one thread of its
 * own, so that a slow engine never holds up a key. False with err when the terminal cannot be used (TERM unset or dumb, no tty: names it
 * and the way out). */
bool ns_tui_run(const ns_tui_opts *o, ns_err *err);
#endif
