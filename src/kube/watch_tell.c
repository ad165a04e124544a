/* What the owner of the watch hears. A row is one thing to it, whether one stream watches all namespaces or each namespace has its own: it is live
 * when all are open, down when one is not, and replaced as a whole. */
#include <string.h>

#include "neuroscale/sys/digest.h"
#include "watch_priv.h"

void watch_tell(stream *s, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	s->owner->batch = true;
	s->owner->o->on_event(s->owner->o->ctx, s->index, type, obj, why);
}

void watch_tell_down(stream *s, const ns_err *why)
{
	wrow *w = s->home;
	if (w->told_down && w->told_code == why->code)
		return;
	w->told_down = true;
	w->told_code = why->code;
	w->live = false;
	watch_tell(s, NS_WATCH_DOWN, NULL, why);
}

static bool all_open(const wrow *w)
{
	for (size_t i = w->n > 1; i < w->n; i++)
		if (!w->at[i]->gone && !w->at[i]->open)
			return false;
	return true;
}

/* One row that came through means the server is back: those that wait because of the connection try now. */
void watch_tell_live(stream *s)
{
	reflector *r = s->owner;
	wrow *w = s->home;
	int64_t now = ns_clock_mono_ms(r->o->clock);
	watch_each(other, r)
	{
		if (other->phase == IDLE && other->unreachable && other->due != WATCH_NEVER && other->due > now)
			other->due = now + (int64_t)(ns_random_u64() % 200);
	}
	if ((w->live && strcmp(w->note, w->told_note) == 0) || !all_open(w))
		return;
	ns_err note = {0};
	if (*w->note)
		ns_fail(&note, NS_E_DENIED, "%s", w->note);
	memcpy(w->told_note, w->note, sizeof w->note);
	w->live = true;
	w->told_down = false;
	watch_tell(s, NS_WATCH_LIVE, NULL, *w->note ? &note : NULL);
}

void watch_tell_begin(wrow *w)
{
	if (!w->replacing)
		watch_tell(w->at[0], NS_WATCH_REPLACE_BEGIN, NULL, NULL);
	w->replacing = true;
}

void watch_tell_end(wrow *w)
{
	w->replacing = false;
	w->was_listed = true;
	watch_tell(w->at[0], NS_WATCH_REPLACE_END, NULL, NULL);
}
