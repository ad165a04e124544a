/* The circuit breaker (law 10). Stored states are CLOSED, OPEN and HALF_OPEN_TAKEN; "half-open and free" is OPEN whose 300 s are over, so that
 * no timer has to fire for it and a restart changes nothing.
 *
 * Only the holder of the trial moves a breaker that is not closed: an action that was sent before it opened and ends now says something
 * about then, neither closing it nor keeping it open longer. */
#include "neuroscale/engine/gate.h"

/* A clock before the opening tells nothing about how long ago that was: still open (ns_breaker_rebase then starts the time anew). */
static bool over(const ns_breaker *b, int64_t now_ms)
{
	return now_ms >= b->opened_ms && now_ms - b->opened_ms >= NS_BREAKER_OPEN_MS;
}

ns_breaker_state ns_breaker_look(const ns_breaker *b, int64_t now_ms, int64_t incident)
{
	switch (b->state) {
	case NS_BREAKER_CLOSED: return NS_BREAKER_CLOSED;
	case NS_BREAKER_HALF_OPEN_FREE: return NS_BREAKER_HALF_OPEN_FREE;
	case NS_BREAKER_HALF_OPEN_TAKEN:
		return incident != 0 && incident == b->trial_incident ? NS_BREAKER_HALF_OPEN_FREE : NS_BREAKER_HALF_OPEN_TAKEN;
	case NS_BREAKER_OPEN: break;
	}
	/* OPEN, and whatever a damaged record may hold. */
	return b->state == NS_BREAKER_OPEN && over(b, now_ms) ? NS_BREAKER_HALF_OPEN_FREE : NS_BREAKER_OPEN;
}

void ns_breaker_take(ns_breaker *b, int64_t now_ms, int64_t incident)
{
	if (b->state == NS_BREAKER_CLOSED || ns_breaker_look(b, now_ms, incident) != NS_BREAKER_HALF_OPEN_FREE)
		return;
	b->state = NS_BREAKER_HALF_OPEN_TAKEN;
	b->trial_incident = incident;
}

static void open_now(ns_breaker *b, int64_t now_ms)
{
	b->state = NS_BREAKER_OPEN;
	b->opened_ms = now_ms;
	b->trial_incident = 0;
}

bool ns_breaker_result(ns_breaker *b, bool fixed, int64_t now_ms, int64_t incident)
{
	bool trial = b->state == NS_BREAKER_HALF_OPEN_TAKEN && incident == b->trial_incident;
	if (b->state != NS_BREAKER_CLOSED && !trial)
		return false;
	if (fixed) {
		*b = (ns_breaker){.state = NS_BREAKER_CLOSED};
		return false;
	}
	b->failures++;
	if (!trial && b->failures < NS_BREAKER_FAILURES)
		return false;
	open_now(b, now_ms);
	return true;
}

void ns_breaker_release(ns_breaker *b, int64_t incident)
{
	if (b->state != NS_BREAKER_HALF_OPEN_TAKEN || incident != b->trial_incident)
		return;
	b->state = NS_BREAKER_OPEN; /* its 300 s are over: that is half-open and free */
	b->trial_incident = 0;
}

bool ns_breaker_rebase(ns_breaker *b, int64_t now_ms)
{
	if (b->state != NS_BREAKER_OPEN || now_ms >= b->opened_ms)
		return false;
	b->opened_ms = now_ms;
	return true;
}
