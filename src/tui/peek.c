/* One list at a time leaves room for a few lines about the selected row. */
#include "view.h"
#include <stdio.h>

void ns_peek_draw(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	const ns_inc_row *r = ns_ui_incident(ui, ns_ui_selected_incident(ui));
	char age[16];
	ns_pen_rule(p, 0);
	if (!r)
		return;
	int x = ns_pen_printf(
	    p, 0, 1, p->r.w, NS_ROLE_TEXT_DIM, "#%lld %s%s%s  ", (long long)r->id, r->target_kind, *r->container ? "/" : "", r->container);
	ns_pen_printf(p, x, 1, p->r.w - x, NS_ROLE_TEXT, "%s%s%s", r->reason, *r->reason && *r->message ? ": " : "", r->message);
	ns_pen_text(p, 0, 2, p->r.w, NS_ROLE_TEXT_STRONG, r->headline);
	ns_pen_age(p, r->state_since_ms, age);
	if (r->state == NS_ST_MANUAL_REVIEW)
		ns_pen_printf(
		    p, 0, 3, p->r.w, NS_ROLE_STATE_WAIT, "since %s: nothing is done by itself; Enter shows what to try by hand", age);
	else
		ns_pen_printf(p, 0, 3, p->r.w, NS_ROLE_TEXT_DIM, "since %s%s%s", age, *r->note ? ": " : "", r->note);
}
