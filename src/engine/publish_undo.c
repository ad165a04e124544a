/* What pictures show of undo capsules: those that a person can take, as rows like those of the questions; and in the queue what a person
 * must know: a change that no machine can take back any more, an exception that outlives its time. */
#include "undo_priv.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_UNDOS = 64 };

static void split_target(ns_arena *ar, const char *target, ns_appr_row *r)
{
	char *copy = ns_arena_strdup(ar, target), *kind = strchr(copy, '/'), *name = kind ? strchr(kind + 1, '/') : NULL;
	r->ns = r->target_kind = r->target = "";
	if (!name)
		return;
	*kind = *name = '\0';
	r->ns = copy;
	r->target_kind = kind + 1;
	r->target = name + 1;
}

static void fill_row(ns_arena *ar, const ns_capsule *c, ns_appr_row *r)
{
	ns_appr_row_blank(r);
	r->id = c->id;
	r->incident = c->incident;
	r->state = NS_CARD_READY;
	r->digest = c->digest;
	r->action = ns_action_parse(c->action, NULL);
	r->cluster = c->cluster;
	r->created_ms = c->made_ms;
	split_target(ar, c->target, r);
	r->headline = c->summary;
}

static void put_undo(ns_snapshot *s, const ns_capsule *c)
{
	ns_arena *ar = s->arena;
	ns_appr_row *r = &s->undos[s->n_undos++];
	fill_row(ar, c, r);
	r->headline = ns_arena_printf(ar, "take back: %s", c->summary);
	r->command = c->command;
	r->diff = c->diff;
	r->effect = "what was there before the change";
	r->deadline_ms = c->until_ms;
}

/* Nothing to approve, but a person must know. */
static void put_card(ns_engine *e, ns_snapshot *s, const ns_capsule *c, bool overdue)
{
	ns_err none = {0};
	ns_arena *ar = s->arena;
	ns_appr_row *r = &s->approvals[s->n_approvals++];
	const ns_plan *p = ns_store_capsule_plan(e->store, ar, c, &none);
	const char *by_hand = p ? ns_with_context(ns_cluster_find(e, c->cluster), ar, p->undo.equivalent) : "";
	const char *why = *c->waits ? c->waits : c->why;
	fill_row(ar, c, r);
	r->id = 0;
	r->state = NS_CARD_BLOCKED;
	r->digest = "";
	r->ask = "there is nothing to approve: it is done by hand";
	r->headline = overdue ? ns_arena_printf(ar, "overdue: %s", c->summary)
	                      : ns_arena_printf(ar, "cannot be taken back by machine: %s", c->summary);
	r->summary = ns_arena_printf(ar, "%s%s%s. By hand: %s",
	    overdue
	        ? "The exception's time is over and it could not be disarmed: it still lets through what it was to let through for a time"
	        : "The change stands, and its undo does not work",
	    *why ? ": " : "", why, by_hand);
}

void ns_undo_show(ns_engine *e, ns_snapshot *s, size_t room)
{
	ns_capsule *list;
	size_t n;
	s->undos = ns_arena_alloc(s->arena, MAX_UNDOS * sizeof *s->undos);
	if (!ns_store_capsules_open(e->store, s->arena, &list, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		bool overdue = ns_undo_overdue(&list[i], s->taken_ms), card = overdue || list[i].state == NS_CAP_FAILED;
		if (!ns_cluster_find(e, list[i].cluster))
			continue;
		if (list[i].state == NS_CAP_ARMED && s->taken_ms < list[i].until_ms && s->n_undos < MAX_UNDOS)
			put_undo(s, &list[i]);
		if (card && room) {
			room--;
			put_card(e, s, &list[i], overdue);
		}
	}
}

void ns_undo_detail(ns_engine *e, ns_detail *d, int64_t incident)
{
	ns_capsule c;
	char until[32];
	ns_arena *ar = d->arena;
	d->undo_state = d->undo_digest = "";
	if (!ns_store_capsule_taken(e->store, ar, incident, &c, NULL) && !ns_store_capsule_usable(e->store, ar, incident, &c, NULL) &&
	    !ns_store_capsule_of(e->store, ar, incident, &c, NULL))
		return;
	ns_time_format(c.until_ms, until);
	static const char *const words[NS_CAP_COUNT] = {[NS_CAP_VALID] = "not armed yet: the server has not said yes to it",
	    [NS_CAP_ARMED] = "armed, until",
	    [NS_CAP_TAKEN] = "being taken back",
	    [NS_CAP_UNDONE] = "taken back",
	    [NS_CAP_EXPIRED] = "no more",
	    [NS_CAP_FAILED] = "does not work",
	    [NS_CAP_VOID] = "nothing to take back any more"};
	d->undo_state = ns_arena_printf(ar, "%s%s%s%s%s%s%s", words[c.state], c.state == NS_CAP_ARMED ? " " : "",
	    c.state == NS_CAP_ARMED ? until : "", *c.by ? ", asked for by " : "", c.by, *c.why ? ": " : "", c.why);
	if (*c.waits)
		d->undo_state = ns_arena_printf(ar, "%s; it waits: %s", d->undo_state, c.waits);
	d->undo_digest = c.state == NS_CAP_ARMED ? c.digest : "";
}
