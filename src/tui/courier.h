/* The courier: the only caller of the door. The console's thread never waits for an engine; it hands over what it wants and is rung when
 * there is news. One service thread. */
#ifndef NEUROSCALE_TUI_COURIER_H
#define NEUROSCALE_TUI_COURIER_H
#include "neuroscale/tui/tui.h"
#include "ui.h"

typedef struct ns_courier ns_courier;
ns_courier *ns_courier_new(const ns_tui_opts *o, ns_wake *news); /* rings news when take has something */
bool ns_courier_failed(ns_courier *c, ns_err *err);              /* there is no door and there will be none */
void ns_courier_free(ns_courier *c);
void ns_courier_run(void *courier, ns_cancel *cancel);
void ns_courier_want(ns_courier *c, const ns_ui_want *want); /* decide and detail; the rest is not its business */
/* Takes one piece of news as an event (times not filled in). text lives in buf. False: nothing more. */
bool ns_courier_take(ns_courier *c, ns_ui_event *ev, char *buf, size_t cap);
#endif
