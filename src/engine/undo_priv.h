/* Shared by undo.c, steps_undo.c and publish_undo.c. */
#ifndef NEUROSCALE_ENGINE_UNDO_PRIV_H
#define NEUROSCALE_ENGINE_UNDO_PRIV_H
#include "engine_priv.h"
#include "neuroscale/store/capsule.h"

/* Who took a capsule when no person did. */
#define NS_UNDO_ENGINE "engine"
#define NS_UNDO_TIMER  "timer"

enum {
	NS_UNDO_PATIENCE_MS =
	    600000, /* what passes (a breaker, a Lease, an API that is away) is waited for this long; an exception's end waits for ever */
	NS_UNDO_NAG_MS = 7 * 24 * 3600000,
	NS_UNDO_OVERDUE_MS = 600000, /* an exception that is not disarmed so long after its end nags */
};
bool ns_undo_job(ns_step *s, const char *kind); /* an open one will do */
/* An exception whose end has passed and that still stands. One that the engine could not disarm for good nags for a week: whether somebody
 * has deleted it since nobody tells. */
bool ns_undo_overdue(const ns_capsule *c, int64_t wall_ms);
#endif
