/* ncurses, and what surrounds it. It is asked for output only: keys are read and decoded by us (input.c), so that what came in one read is
 * known. The terminal is never asked anything, since answers arrive late on slow links and become keystrokes. */
#include "term.h"

#include "neuroscale/base/buf.h"
#include <errno.h>
#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { PAIRS = 64, BACKLOG = 4096, SHORT_GAP = 8 };

struct look;

static struct {
	SCREEN *screen;
	FILE *out;
	ns_theme theme;
	bool color, utf8, paste, fresh;
	int colors;
	struct {
		short fg, bg;
	} pair[PAIRS];
	short n_pairs;
	ns_grid last;
	struct look *looks; /* of one row */
	struct termios found, ours;
	volatile sig_atomic_t up;
	struct sigaction old[4];
} t;

static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};

/* For the ways out on which nothing else works any more. Only write and tcsetattr: both may be called from a signal handler. */
static void restore_raw(void)
{
	static const char bytes[] = "\033[?2004l\033[0m\033[?25h\033[?1049l\r\n";
	if (!t.up)
		return;
	t.up = 0;
	ssize_t ignored = write(STDOUT_FILENO, bytes, sizeof bytes - 1);
	(void)ignored;
	tcsetattr(STDIN_FILENO, TCSANOW, &t.found);
}

static void on_deadly(int sig)
{
	restore_raw();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_deadly(bool on)
{
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
		struct sigaction a = {.sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND};
		sigemptyset(&a.sa_mask);
		sigaction(deadly[i], on ? &a : &t.old[i], on ? &t.old[i] : NULL);
	}
}

/* A terminal that does not know bracketed paste ignores the request, but for a few that print it. */
static bool knows_paste(const char *term)
{
	static const char *const families[] = {
	    "xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "kitty", "putty", "vte", "konsole", "wezterm", "ghostty", "st-"};
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (!strncmp(term, families[i], strlen(families[i])))
			return true;
	return false;
}

static void send_paste_mode(bool on)
{
	if (!t.paste)
		return;
	fputs(on ? "\033[?2004h" : "\033[?2004l", t.out);
	fflush(t.out);
}

static bool wants_color(bool no_color)
{
	const char *env = getenv("NO_COLOR");
	return !no_color && !(env && *env);
}

bool ns_term_open(const ns_theme *theme, bool no_color, ns_err *err)
{
	static bool registered;
	const char *term = getenv("TERM");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return ns_fail(
		    err, NS_E_USAGE, "the console needs a terminal: use --headless without one, or `neuroscale-tui incidents` for a list");
	if (!term || !*term)
		return ns_fail(err, NS_E_USAGE,
		    "TERM is not set, so nobody can say how to paint here: set it (TERM=xterm), or use `neuroscale-tui incidents`");
	if (!strcmp(term, "dumb"))
		return ns_fail(err, NS_E_USAGE,
		    "TERM=dumb cannot place the cursor: use another terminal, or `neuroscale-tui incidents` and `approvals`");
	if (tcgetattr(STDIN_FILENO, &t.found) != 0)
		return ns_fail_errno(err, NS_E_IO, "the terminal's settings");
	int fd = dup(STDOUT_FILENO);
	t.out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!t.out)
		return ns_fail_errno(err, NS_E_IO, "the terminal");
	t.screen = newterm(NULL, t.out, stdin);
	if (!t.screen) {
		fclose(t.out);
		t.out = NULL;
		return ns_fail(err, NS_E_USAGE,
		    "TERM=%s is not in this machine's terminfo: set TERM to one that is (TERM=xterm), or install ncurses-term", term);
	}
	t.up = 1;
	t.theme = *theme;
	t.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	t.fresh = true;
	set_escdelay(50);
	raw(); /* ^C, ^Z, ^S are keys */
	noecho();
	nonl();
	scrollok(stdscr, FALSE);
	leaveok(stdscr, TRUE);
	curs_set(0);
	t.color = wants_color(no_color) && has_colors() && start_color() == OK;
	if (t.color)
		use_default_colors();
	t.colors = t.color ? COLORS : 0;
	t.n_pairs = 1; /* pair 0 is the terminal's own */
	t.paste = knows_paste(term);
	tcgetattr(STDIN_FILENO, &t.ours);
	send_paste_mode(true);
	catch_deadly(true);
	if (!registered)
		registered = atexit(restore_raw) == 0;
	return true;
}

void ns_term_close(void)
{
	if (!t.screen)
		return;
	catch_deadly(false);
	send_paste_mode(false);
	endwin();
	t.up = 0;
	delscreen(t.screen);
	fclose(t.out);
	tcsetattr(STDIN_FILENO, TCSANOW, &t.found);
	ns_grid_free(&t.last);
	free(t.looks);
	t.looks = NULL;
	t.screen = NULL;
	t.out = NULL;
}

void ns_term_size(int *cols, int *rows)
{
	struct winsize w = {0};
	*cols = 80;
	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 && w.ws_row > 0) {
		*cols = w.ws_col;
		*rows = w.ws_row;
	}
}

/* ---- styles ---- */

/* A colour of the theme as this terminal has it: 256 only where the theme says so, the bright eight as bold where there are only eight. */
static short usable(short ansi, short deep, attr_t *attr)
{
	if (deep >= 0 && t.colors >= 256)
		return deep;
	if (ansi >= 8 && t.colors < 16) {
		*attr |= A_BOLD;
		return (short)(ansi - 8);
	}
	return ansi;
}

static short pair_of(short fg, short bg)
{
	if (fg < 0 && bg < 0)
		return 0;
	for (short i = 1; i < t.n_pairs; i++)
		if (t.pair[i].fg == fg && t.pair[i].bg == bg)
			return i;
	if (t.n_pairs >= PAIRS || t.n_pairs >= COLOR_PAIRS)
		return 0;
	init_pair(t.n_pairs, fg, bg);
	t.pair[t.n_pairs].fg = fg;
	t.pair[t.n_pairs].bg = bg;
	return t.n_pairs++;
}

static attr_t attrs(unsigned a)
{
	return (a & NS_ATTR_BOLD ? A_BOLD : 0) | (a & NS_ATTR_REVERSE ? A_REVERSE : 0) | (a & NS_ATTR_UNDERLINE ? A_UNDERLINE : 0) |
	       (a & NS_ATTR_DIM ? A_DIM : 0);
}

static void style_of(const ns_cell *c, attr_t *attr, short *pair)
{
	const ns_style *s = &t.theme.style[c->role < NS_ROLE_COLOR_COUNT ? c->role : NS_ROLE_TEXT];
	const ns_style *sel = c->attr & NS_CELL_SELECTED             ? &t.theme.style[NS_ROLE_SELECTION]
	                      : c->attr & NS_CELL_SELECTED_UNFOCUSED ? &t.theme.style[NS_ROLE_SELECTION_UNFOCUSED]
	                                                             : NULL;
	*attr = attrs(c->attr & 15u);
	*pair = 0;
	if (!t.color) {
		*attr |= attrs(s->mono) | (sel ? attrs(sel->mono) : 0);
		return;
	}
	*attr |= attrs(s->attr) | (sel ? attrs(sel->attr) : 0);
	const ns_style *f = sel && sel->fg >= 0 ? sel : s, *b = sel && sel->bg >= 0 ? sel : s;
	*pair = pair_of(usable(f->fg, f->fg256, attr), usable(b->bg, b->bg256, attr));
}

/* ---- painting ---- */

static bool same(const ns_cell *a, const ns_cell *b)
{
	return a->cp == b->cp && a->role == b->role && a->attr == b->attr;
}

/* How a cell looks, ready for ncurses. */
typedef struct look {
	attr_t attr;
	short pair;
} look;

/* A blank shows nothing of a colour or of boldness: only of what fills its cell. */
static bool fills(look l)
{
	short fg, bg = -1;
	if (l.pair)
		pair_content(l.pair, &fg, &bg);
	return bg >= 0 || (l.attr & (A_REVERSE | A_UNDERLINE));
}

/* The looks of a row. A short gap keeps the look of what stands before it, which saves two changes of attributes for each word; a long one
 * and the rest of the line are plain, so that they can be skipped or erased. Always from column 0: the same row gives the same looks. */
static void looks_of(const ns_cell *row, int cols, look *out)
{
	look before = {0, 0};
	for (int x = 0; x < cols;) {
		look l;
		int end = x + 1;
		style_of(&row[x], &l.attr, &l.pair);
		if (row[x].cp != ' ' || fills(l)) {
			out[x++] = before = l;
			continue;
		}
		while (end < cols && row[end].cp == ' ' && row[end].role == row[x].role && row[end].attr == row[x].attr)
			end++;
		bool keep = end < cols && end - x <= SHORT_GAP && !fills(before);
		for (; x < end; x++)
			out[x] = keep ? before : (look){0, 0};
	}
}

static void paint_row(const ns_grid *g, int y)
{
	const ns_cell *row = &g->cell[y * g->cols];
	wchar_t text[256];
	looks_of(row, g->cols, t.looks);
	for (int x = 0; x < g->cols;) {
		look l = t.looks[x];
		int n = 0, from = x;
		for (; x < g->cols && n < 255 && t.looks[x].attr == l.attr && t.looks[x].pair == l.pair; x++)
			if (row[x].cp) /* 0: the second half of a wide character */
				text[n++] = (wchar_t)(row[x].cp < 0x80 || t.utf8 ? row[x].cp : '?');
		attr_set(l.attr, l.pair, NULL);
		mvaddnwstr(y, from, text, n);
	}
}

void ns_term_paint(const ns_grid *g)
{
	bool whole = t.fresh || g->cols != t.last.cols || g->rows != t.last.rows, changed = whole;
	if (whole) {
		t.looks = ns_xrealloc(t.looks, (size_t)g->cols * sizeof *t.looks);
		if (COLS != g->cols || LINES != g->rows)
			resizeterm(g->rows, g->cols);
		clearok(curscr, TRUE);
		erase();
		t.fresh = false;
	}
	for (int y = 0; y < g->rows; y++) {
		const ns_cell *now = &g->cell[y * g->cols], *was = whole ? NULL : &t.last.cell[y * g->cols];
		int x = 0;
		while (was && x < g->cols && same(&now[x], &was[x]))
			x++;
		if (x == g->cols)
			continue;
		paint_row(g, y);
		changed = true;
	}
	if (!changed)
		return;
	wnoutrefresh(stdscr);
	doupdate();
	if (g->cols != t.last.cols || g->rows != t.last.rows)
		ns_grid_size(&t.last, g->cols, g->rows);
	if (t.last.cell)
		memcpy(t.last.cell, g->cell, (size_t)g->cols * (size_t)g->rows * sizeof *g->cell);
}

void ns_term_forget(void)
{
	t.fresh = true;
}

void ns_term_bell(void)
{
	ssize_t ignored = write(STDOUT_FILENO, "\a", 1);
	(void)ignored;
}

void ns_term_flush_input(void)
{
	tcflush(STDIN_FILENO, TCIFLUSH);
}

bool ns_term_ready(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
	int waiting = 0;
	pid_t front = tcgetpgrp(STDOUT_FILENO);
	if (front > 0 && front != getpgrp()) /* continued in the background: the screen is the shell's */
		return false;
	if (poll(&p, 1, 0) <= 0)
		return false;
	return ioctl(STDOUT_FILENO, TIOCOUTQ, &waiting) != 0 || waiting <= BACKLOG;
}

/* ---- job control ---- */

bool ns_term_may_suspend(void)
{
	return getpgrp() != getsid(0);
}

void ns_term_suspend(void)
{
	send_paste_mode(false);
	endwin();
	t.up = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &t.found);
	kill(0, SIGSTOP); /* the whole job, as the terminal's driver does it; SIGTSTP may be blocked */
	tcgetattr(STDIN_FILENO, &t.found);
	tcsetattr(STDIN_FILENO, TCSANOW, &t.ours);
	reset_prog_mode();
	send_paste_mode(true);
	t.up = 1;
	t.fresh = true;
	/* Without a foreground process group of ours there is nothing to paint on; the next read says so by EIO. */
}
