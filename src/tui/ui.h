/* The model of the console and the three pure functions on it: update (an event in, wishes out), layout (sizes in, rectangles out) and
 * render (a grid out). Nothing here touches the terminal, the door or a clock; run.c does and passes on what it learns as events. */
#ifndef NEUROSCALE_TUI_UI_H
#define NEUROSCALE_TUI_UI_H
#include "grid.h"
#include "input.h"
#include "neuroscale/engine/door.h"

/* ---- what happens to the console ---- */

typedef enum ns_ui_kind {
	NS_UI_KEY,      /* key, burst */
	NS_UI_PASTE,    /* text */
	NS_UI_RESIZE,   /* cols, rows */
	NS_UI_SNAPSHOT, /* snap: one reference goes over to the model */
	NS_UI_GONE,     /* text: why the engine does not answer */
	NS_UI_ROLE,     /* role */
	NS_UI_DETAIL,   /* id, detail (owned from here on, NULL when it failed) and text */
	NS_UI_DECIDED,  /* id, ok, text: the answer to a decision */
	NS_UI_TICK,     /* only time has passed */
	NS_UI_PAINTED,  /* the last frame is on its way to the terminal */
	NS_UI_QUIET,    /* the keyboard had nothing to say after that frame */
	NS_UI_NOTE,     /* text: something a person should know, ok: no error */
} ns_ui_kind;

typedef struct ns_ui_event {
	ns_ui_kind kind;
	int64_t mono_ms; /* real time: guards, flashes */
	int64_t wall_ms; /* the engine's clock: ages, countdowns */
	uint32_t key;    /* NS_KEY_* or a character */
	bool burst;      /* came in one piece with many others: pasted, not typed */
	const char *text;
	int cols, rows;
	ns_snapshot *snap;
	ns_detail *detail;
	ns_role role;
	int64_t id;
	bool ok, undo; /* undo: what was decided is that something is taken back */
} ns_ui_event;

/* What the model wants done. run.c does it and clears it. */
typedef struct ns_ui_want {
	bool quit, repaint, suspend, bell, flush_input, decide;
	int64_t detail; /* incident to fetch, 0 none */
	struct {
		int64_t approval, incident;
		bool approve, undo;
		char digest[65], reason[64];
	} decision;
} ns_ui_want;

/* ---- the model ---- */

enum { NS_PANE_ALERTS, NS_PANE_PIPELINE, NS_PANE_APPROVALS, NS_PANE_COST, NS_PANE_COUNT };
typedef enum ns_view { NS_VIEW_HOME, NS_VIEW_DETAIL, NS_VIEW_HELP, NS_VIEW_MESSAGES, NS_VIEW_CLUSTERS, NS_VIEW_COUNT } ns_view;

typedef struct ns_pane {
	int64_t selected; /* key of the selected row, 0 none: never an index */
	size_t at;        /* where it stands among the visible ones */
	size_t top;       /* first row on screen */
	bool disarmed;    /* the selected row vanished: actions wait for a movement */
	char filter[64];
	size_t *row; /* rows of the snapshot that pass the filter */
	size_t n, cap;
} ns_pane;

typedef enum ns_sheet_state {
	NS_SHEET_NONE,
	NS_SHEET_OPEN,
	NS_SHEET_VOID, /* what it asked does not stand any more; why says so */
	NS_SHEET_SENDING,
	NS_SHEET_DONE, /* why: what came of it; stays until a key */
} ns_sheet_state;

typedef struct ns_sheet {
	ns_sheet_state state;
	bool approve, undo, ok; /* undo: it asks whether a change is taken back; approval is then the number of that undo */
	int64_t approval, incident;
	char digest[65];
	char code[5], typed[5]; /* high risk: the digits that prove reading */
	int wrong;
	int64_t painted_ms; /* -1: not on screen yet */
	bool quiet;         /* the keyboard was empty once after that */
	int top;
	char why[512], note[96];
	ns_arena *arena; /* owns the frozen row */
	ns_appr_row row;
} ns_sheet;

typedef struct ns_ui {
	int cols, rows;
	bool unicode;
	char user[64];
	int64_t mono, wall;
	unsigned nonce; /* goes into the codes of the sheets */

	ns_snapshot *snap; /* NULL before the first */
	bool gone;         /* the engine does not answer any more */
	char gone_why[256];
	ns_role role;
	bool role_known;

	ns_view stack[5]; /* stack[depth] is shown, stack[0] is home */
	int depth;
	int scroll[NS_VIEW_COUNT];
	char cluster[254]; /* the one that the panes show, "" all */
	int focus; /* the one pane that has the keys */
	bool zoom;
	ns_pane pane[NS_PANE_COUNT];
	int64_t detail_id;
	ns_detail *detail;
	char detail_why[256];
	int64_t detail_seen; /* updated_ms of the row that detail belongs to */
	ns_sheet sheet;
	bool field; /* the filter of the focused pane is being typed */
	char flash[256];
	bool flash_error;
	int64_t flash_until; /* mono; 0 none; -1 until a key */
	int64_t quit_armed;  /* mono time of the first ^C, 0 none */
	int64_t bell_at;
	ns_ui_want want;
} ns_ui;

void ns_ui_init(ns_ui *ui, const char *user, bool unicode, int cols, int rows);
void ns_ui_free(ns_ui *ui);
void ns_ui_update(ns_ui *ui, const ns_ui_event *ev);
/* Milliseconds of real time until update wants a tick, -1 never. */
int64_t ns_ui_next_tick(const ns_ui *ui);
/* Draws the frame for ui->cols x ui->rows. Returns the milliseconds of the engine's clock after which something on it reads differently, -1
 * never. */
int64_t ns_ui_render(const ns_ui *ui, ns_grid *g);

/* ---- parts, for each other ---- */

ns_view ns_ui_view(const ns_ui *ui);
void ns_ui_flash(ns_ui *ui, bool error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ns_ui_settle(ns_ui *ui); /* after any change: rows that pass, selection by key, scroll positions */
const ns_inc_row *ns_ui_incident(const ns_ui *ui, int64_t id);
const ns_appr_row *ns_ui_approval_of(const ns_ui *ui, int64_t incident);
const ns_appr_row *ns_ui_undo_of(const ns_ui *ui, int64_t incident);
int64_t ns_ui_selected_incident(const ns_ui *ui); /* of the view that has the keys, 0 none */
/* Why a sheet for that incident cannot be opened, and why what it asks cannot be decided now, in words; "" when it can. */
void ns_ui_why_closed(const ns_ui *ui, int64_t incident, char *out, size_t cap);
void ns_ui_why_not(const ns_ui *ui, bool approve, int64_t incident, char *out, size_t cap);
void ns_ui_why_no_undo(const ns_ui *ui, int64_t incident, char *out, size_t cap); /* the same for taking it back */
void ns_ui_pop(ns_ui *ui);

/* sheet.c (behaviour), sheet_view.c (looks) */
void ns_sheet_open(ns_ui *ui, bool approve, int64_t incident);
void ns_sheet_open_undo(ns_ui *ui, int64_t incident);
void ns_sheet_close(ns_ui *ui);
void ns_sheet_key(ns_ui *ui, uint32_t key, bool burst);
void ns_sheet_why_not(const ns_ui *ui, char *out, size_t cap); /* why what the open sheet asks cannot be decided now, "" it can */
void ns_sheet_check(ns_ui *ui); /* after news or time: does what is shown still stand? */
int ns_sheet_max_top(const ns_ui *ui);
int ns_sheet_page(const ns_ui *ui);

/* clusters.c */
bool ns_ui_several(const ns_ui *ui);
const ns_cluster_row *ns_ui_cluster(const ns_ui *ui, const char *name); /* NULL: not configured */
bool ns_ui_shows_cluster(const ns_ui *ui, const char *name);
bool ns_cluster_stale(const ns_ui *ui, const ns_cluster_row *c); /* down long enough for what is shown to mislead */

/* keys.c: one table for the keys, the hints and the help */
enum { NS_IN_HOME = 1, NS_IN_DETAIL = 2, NS_IN_TEXT = 4, NS_IN_ALL = 7 };
typedef struct ns_binding {
	uint32_t key[4];
	unsigned where;
	bool moves; /* obeyed even in a burst; arms the selection again */
	void (*run)(ns_ui *ui, int arg);
	int arg;
	const char *keys, *hint; /* "a", "approve": hint NULL: not in the hint line */
	int rank;                /* of the hint: when the line is short, the lowest stay */
	const char *help;        /* NULL: belongs to the row before */
} ns_binding;
extern const ns_binding ns_bindings[]; /* ends with run == NULL */
const ns_binding *ns_binding_find(unsigned where, uint32_t key);
unsigned ns_ui_where(const ns_ui *ui);
bool ns_binding_idle(const ns_ui *ui, const ns_binding *b); /* nothing for it to do on this engine: no hint */
bool ns_binding_dead(const ns_ui *ui, const ns_binding *b); /* shown dim: pressing it only tells why */

/* filter.c */
bool ns_filter_incident(const ns_inc_row *r, const char *filter);
bool ns_filter_approval(const ns_appr_row *r, const char *filter);
bool ns_filter_cost(const ns_cost_line *r, const char *filter);
#endif
