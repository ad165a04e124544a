/* What the parts of a frame share: the pen, the layout, words and colours of the vocabularies, tables and wrapped text. */
#ifndef NEUROSCALE_TUI_VIEW_H
#define NEUROSCALE_TUI_VIEW_H
#include "ui.h"

/* ---- layout.c ---- */

/* Size classes. STACK is a portrait screen: four panes one above the other. */
typedef enum ns_class { NS_CLASS_TINY, NS_CLASS_XS, NS_CLASS_S, NS_CLASS_STACK, NS_CLASS_M, NS_CLASS_L } ns_class;
typedef struct ns_layout {
	ns_class cls;
	bool panes;                                                    /* several panes at once, each with its own title line */
	ns_rect header, strip, banners, tabs, rule, body, peek, flash, hints; /* h 0: not there */
	ns_rect pane[NS_PANE_COUNT];                                   /* with the title line when `panes`; h 0: not shown */
	int split;                                                     /* column of the line between left and right panes, 0 none */
} ns_layout;
void ns_layout_of(const ns_ui *ui, ns_layout *l);
bool ns_ui_cards(const ns_ui *ui);                                     /* narrow: rows are cards of two lines */
ns_rect ns_layout_list(const ns_ui *ui, const ns_layout *l, int pane); /* the pane without its title line */

/* ---- pen.c ---- */

typedef struct ns_pen {
	ns_grid *g;
	ns_rect r;
	const ns_ui *ui;
	int64_t *due; /* engine ms until something drawn reads differently, -1 never */
} ns_pen;

typedef enum ns_glyph {
	NS_G_HLINE,
	NS_G_VLINE,
	NS_G_CROSS,
	NS_G_CURSOR,
	NS_G_DONE,
	NS_G_RUN,
	NS_G_WAIT,
	NS_G_FAIL,
	NS_G_SKIP,
	NS_G_TODO,
	NS_G_BAR,
	NS_G_BAR_REST,
	NS_G_COUNT
} ns_glyph;
uint32_t ns_glyph_of(const ns_ui *ui, ns_glyph g);

ns_pen ns_pen_in(const ns_pen *p, int x, int y, int w, int h); /* a part of the pen's rectangle */
int ns_pen_text(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s);
int ns_pen_bold(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s);
int ns_pen_name(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s);
int ns_pen_right(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *s);
int ns_pen_printf(const ns_pen *p, int x, int y, int w, ns_color_role role, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void ns_pen_glyph(const ns_pen *p, int x, int y, ns_color_role role, ns_glyph g);
void ns_pen_rule(const ns_pen *p, int y);
void ns_pen_due(const ns_pen *p, int64_t in_ms);
/* "45s" "12m" "3h" "5d", at most 4 columns; asks for a tick when it steps. */
void ns_pen_age(const ns_pen *p, int64_t since_ms, char out[16]);
/* "4:32"; asks for a tick each second. */
void ns_pen_countdown(const ns_pen *p, int64_t deadline_ms, char out[16]);
ns_color_role ns_countdown_role(int64_t left_ms);
/* The marker of a row and, when it is the selected one, its look. focused: the pane has the keys. */
void ns_pen_marker(const ns_pen *p, int y, bool selected, bool focused);
void ns_pen_empty(const ns_pen *p, const char *line1, const char *line2); /* what an empty pane says, in its middle */
void ns_money(double v, char out[32]);                                    /* "1,204.50" */

/* ---- words.c ---- */

typedef struct ns_word {
	const char *text;
	ns_color_role role;
} ns_word;
ns_word ns_word_severity(ns_severity s);
ns_word ns_word_risk(ns_risk r);
ns_word ns_word_mark(ns_stage_mark m);
ns_glyph ns_glyph_mark(ns_stage_mark m);
ns_word ns_word_state(const ns_inc_row *r, char buf[32]); /* buf holds what is not constant */
ns_word ns_word_cluster(const ns_ui *ui, const ns_cluster_row *c); /* the worst that holds */
ns_color_role ns_cluster_role(const ns_cluster_row *c);            /* of its name; NULL is fine */
int ns_pen_cluster(const ns_pen *p, int x, int y, int w, const char *name); /* its name in its colour */
extern const char *const ns_stage_words[NS_STAGE_COUNT];
void ns_where(const ns_inc_row *r, char *out, size_t cap); /* "shop/cart" */

/* ---- columns.c ---- */

typedef struct ns_col {
	const char *title;
	int min, max; /* columns of the terminal, min 0: not there; what is left over goes to those with max > min, in order */
	int drop;     /* the highest goes first when it is narrow; 0 stays */
	bool right;
} ns_col;
enum { NS_COLS_MAX = 12 };
void ns_cols_fit(const ns_col *c, int n, int width, int x[NS_COLS_MAX], int w[NS_COLS_MAX]); /* w 0: dropped */
void ns_cols_head(const ns_pen *p, const ns_col *c, int n, const int *x, const int *w);

/* ---- doc.c: text in paragraphs, wrapped to a width, with labels in front ---- */

typedef struct ns_doc_line {
	size_t off, len;
	const char *label; /* static, NULL none */
	ns_color_role role;
	bool bold;
} ns_doc_line;
typedef struct ns_doc {
	ns_buf text;
	ns_doc_line *line;
	size_t n, cap;
	int width, label_w;
} ns_doc;
void ns_doc_init(ns_doc *d, int width, int label_w);
void ns_doc_free(ns_doc *d);
void ns_doc_title(ns_doc *d, const char *text); /* a blank line before it when it is not the first */
void ns_doc_blank(ns_doc *d);
void ns_doc_put(ns_doc *d, const char *label, ns_color_role role, const char *text); /* keeps the text's own lines; nothing for "" */
void ns_doc_printf(ns_doc *d, const char *label, ns_color_role role, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void ns_doc_diff(ns_doc *d, const char *label, const char *diff);
void ns_doc_draw(const ns_doc *d, const ns_pen *p, int top);

/* ---- the parts ---- */

typedef struct ns_pane_ops {
	const char *name, *tab; /* "Pending approvals", "Approvals": title and tab */
	const char *short_tab;
	size_t (*count)(const ns_snapshot *s);
	int64_t (*key)(const ns_snapshot *s, size_t i);
	const char *(*cluster)(const ns_snapshot *s, size_t i);
	bool (*match)(const ns_snapshot *s, size_t i, const char *filter);
	int (*chrome)(const ns_ui *ui, ns_rect r);                 /* lines of the pane that are not rows */
	int (*height)(const ns_ui *ui, size_t visible, ns_rect r); /* lines of one row */
	void (*draw)(const ns_pen *p, bool focused);
	void (*status)(const ns_ui *ui, char *out, size_t cap); /* what the title line adds */
} ns_pane_ops;
/* incidents.c: the list that the alerts and the pipeline both show */
size_t ns_incidents_count(const ns_snapshot *s);
int64_t ns_incidents_key(const ns_snapshot *s, size_t i);
const char *ns_incidents_cluster(const ns_snapshot *s, size_t i);
bool ns_incidents_match(const ns_snapshot *s, size_t i, const char *filter);
int ns_incidents_height(const ns_ui *ui, size_t visible, ns_rect r);
extern const ns_pane_ops ns_pane_alerts, ns_pane_pipeline, ns_pane_approvals, ns_pane_cost;
extern const ns_pane_ops *const ns_panes[NS_PANE_COUNT];

int ns_banner_count(const ns_ui *ui); /* warnings that hold now */
void ns_header_draw(const ns_pen *p, const ns_layout *l);
void ns_banners_draw(const ns_pen *p);
void ns_footer_draw(const ns_pen *flash, const ns_pen *hints);
void ns_peek_draw(const ns_pen *p);
void ns_detail_doc(const ns_ui *ui, const ns_pen *p, ns_doc *d); /* p: for ages; may be NULL */
void ns_strip_draw(const ns_pen *p);
void ns_clusters_doc(const ns_ui *ui, ns_doc *d);
void ns_help_doc(const ns_ui *ui, ns_doc *d);
void ns_messages_doc(const ns_ui *ui, ns_doc *d);
void ns_text_view_draw(const ns_pen *p);
int ns_text_view_max(const ns_ui *ui); /* the last line that can stand on top */
int ns_text_view_page(const ns_ui *ui);
void ns_sheet_draw(const ns_pen *p);
#endif
