/* Themes: colour roles from YAML, with inheritance and a fallback for every depth. Files in themes/ ship inside the binary. */
#ifndef NEUROSCALE_CONFIG_THEME_H
#define NEUROSCALE_CONFIG_THEME_H
#include "neuroscale/base/buf.h"
#include "neuroscale/base/err.h"
#include <stdbool.h>

typedef enum ns_color_role {
	NS_ROLE_TEXT,
	NS_ROLE_TEXT_DIM,
	NS_ROLE_TEXT_STRONG,
	NS_ROLE_TITLE,
	NS_ROLE_BORDER,
	NS_ROLE_BORDER_FOCUS,
	NS_ROLE_HEADER,
	NS_ROLE_HEADER_PROD,
	NS_ROLE_HEADER_DEMO,
	NS_ROLE_KEY_HINT,
	NS_ROLE_KEY_DISABLED,
	NS_ROLE_SELECTION,
	NS_ROLE_SELECTION_UNFOCUSED,
	NS_ROLE_SEV_CRIT,
	NS_ROLE_SEV_WARN,
	NS_ROLE_SEV_INFO,
	NS_ROLE_STATE_OK,
	NS_ROLE_STATE_RUN,
	NS_ROLE_STATE_WAIT,
	NS_ROLE_STATE_FAIL,
	NS_ROLE_STATE_STALE,
	NS_ROLE_DIFF_ADD,
	NS_ROLE_DIFF_DEL,
	NS_ROLE_FLASH_ERROR,
	NS_ROLE_GRAPH,
	NS_ROLE_CLUSTER_RED, /* the `color:` of a cluster */
	NS_ROLE_CLUSTER_GREEN,
	NS_ROLE_CLUSTER_YELLOW,
	NS_ROLE_CLUSTER_BLUE,
	NS_ROLE_CLUSTER_MAGENTA,
	NS_ROLE_CLUSTER_CYAN,
	NS_ROLE_COLOR_COUNT
} ns_color_role;
enum { NS_ATTR_BOLD = 1, NS_ATTR_REVERSE = 2, NS_ATTR_UNDERLINE = 4, NS_ATTR_DIM = 8 };
typedef struct ns_style {
	short fg, bg;        /* ANSI 0..15, -1 the terminal's default */
	short fg256, bg256;  /* 0..255, -1: use fg/bg */
	unsigned attr, mono; /* attributes in colour, and without */
} ns_style;
typedef struct ns_theme {
	char name[64];
	bool unicode; /* glyphs: ascii (default) or unicode */
	ns_style style[NS_ROLE_COLOR_COUNT];
} ns_theme;
/* name or path; NULL: "default". A theme that cannot be read falls back to the built-in one: returns false with err (file:line) and *t is
 * usable all the same. */
bool ns_theme_load(const char *name, ns_theme *t, ns_err *err);
void ns_theme_list(ns_buf *out); /* names, one a line */
#endif
