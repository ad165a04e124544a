/* One list at a time leaves room for a few lines about the selected row. */
#include "view.h"
#include <stdio.h>

void ns_peek_draw(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	const ns_inc_row *r = ns_ui_incident(ui, ns_ui_selected_incident(ui));
	char age[16], buf[32];
	ns_pen_rule(p, 0);
	if (!r)
		return;
	ns_word state = ns_word_state(r, buf);
	int x = ns_pen_printf(p, 0, 1, p->r.w - 14, NS_ROLE_TEXT_STRONG, "#%lld %s %s/%s", (long long)r->id, r->target_kind, r->ns, r->target);
	if (*r->container)
		ns_pen_printf(p, x + 2, 1, p->r.w - x - 16, NS_ROLE_TEXT_DIM, "container %s", r->container);
	ns_pen_right(p, p->r.w - 12, 1, 12, state.role, state.text);
	ns_pen_printf(p, 0, 2, p->r.w, NS_ROLE_TEXT, "%s%s%s", r->reason, *r->reason && *r->message ? ": " : "", r->message);
	ns_pen_text(p, 0, 3, p->r.w, NS_ROLE_TEXT, r->headline);
	ns_pen_age(p, r->state_since_ms, age);
	ns_pen_printf(p, 0, 4, p->r.w, NS_ROLE_TEXT_DIM, "since %s%s%s", age, *r->note ? ": " : "", r->note);
}
