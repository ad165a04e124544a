/* Freeze windows: when nothing automatic may happen. One window is one line of text:
 *
 *   DAYS HH:MM-HH:MM [ZONE]              "Mon-Fri 09:00-17:00", "Sat+Sun 00:00-24:00", "daily 22:00-06:00": on each of these days; an end that is
 *                                        not after the begin is of the next day
 *   DAY HH:MM-DAY HH:MM [ZONE]           "Fri 16:00-Mon 08:00 Europe/Berlin": once a week, across days
 *   DATE[ HH:MM]..DATE[ HH:MM] [ZONE]    "2026-12-20..2027-01-03": once; a last date without a time is frozen until its end
 *
 * ZONE is UTC (also when it is left out), an offset (+05:30) or a name of the time zone database (Europe/Berlin); the times are that zone's,
 * whatever summer time does to them. Begins are in the window, ends are not. Pure once parsed; thread-safe. */
#ifndef NEUROSCALE_CONFIG_FREEZE_H
#define NEUROSCALE_CONFIG_FREEZE_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/base/err.h"

typedef struct ns_zone ns_zone;
/* NS_E_INVALID: no such zone. Reads the zone's file of the system, once; lives in the arena. */
const ns_zone *ns_zone_find(ns_arena *ar, const char *name, ns_err *err);
int64_t ns_zone_offset(const ns_zone *z, int64_t utc_s); /* seconds east of UTC at that moment */

typedef struct ns_freeze {
	const char *text;     /* as it was written */
	const ns_zone *zone;
	unsigned days;        /* weekly: bit 0 is Monday; 0: dated */
	int64_t from, length; /* weekly: minutes since the day's begin, and minutes; dated: seconds since 1970 of the zone's own clock, and seconds */
} ns_freeze;

bool ns_freeze_parse(ns_arena *ar, const char *text, ns_freeze *out, ns_err *err); /* NS_E_INVALID says what is expected where */
/* Is it open at wall_ms? *changes_ms (may be NULL): when that changes next, -1 never. */
bool ns_freeze_open(const ns_freeze *f, int64_t wall_ms, int64_t *changes_ms);
#endif
