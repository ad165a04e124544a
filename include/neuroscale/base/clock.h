/* The clock port: real, scaled (the simulator and an engine on it share one that runs N times faster) and manual
 * (tests move it). Everything that decides by time asks a clock; only child deadlines, HTTP time-outs and the Lease
 * run on real time, because what they wait for does. All functions are thread-safe. */
#ifndef NEUROSCALE_BASE_CLOCK_H
#define NEUROSCALE_BASE_CLOCK_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/err.h"

typedef struct ns_clock ns_clock;
ns_clock *ns_clock_real(void); /* static, never freed; a NULL clock reads as this one */
/* A scaled clock is defined by (rate, anchor_boot_ms, anchor_wall_ms): two processes with the same three agree.
 * wall = anchor_wall + (CLOCK_BOOTTIME - anchor_boot) * rate; mono likewise from anchor_boot. rate 1..1000. */
ns_clock *ns_clock_scaled(int rate, int64_t anchor_boot_ms, int64_t anchor_wall_ms);
/* "RATE:BOOT_MS:WALL_MS", the form in which a scaled clock is handed to another process. */
ns_clock *ns_clock_parse(const char *spec, ns_err *err);
void ns_clock_format(const ns_clock *c, char *out, size_t cap); /* "" for a real clock */
ns_clock *ns_clock_manual(int64_t wall_ms, int64_t mono_ms);
void ns_clock_advance(ns_clock *manual, int64_t ms);            /* moves both, wakes sleepers */
void ns_clock_jump_wall(ns_clock *manual, int64_t ms);          /* moves wall time only: an NTP step */
void ns_clock_free(ns_clock *c);                                /* not for the real one */

int64_t ns_clock_wall_ms(const ns_clock *c); /* Unix epoch, milliseconds */
int64_t ns_clock_mono_ms(const ns_clock *c); /* CLOCK_BOOTTIME: counts suspend, never steps back */
int ns_clock_rate(const ns_clock *c);        /* 1 for real and manual */
const char *ns_clock_boot_id(void);          /* /proc/sys/kernel/random/boot_id; changes at each boot */
int64_t ns_real_mono_ms(void);               /* unscaled CLOCK_BOOTTIME, for what waits on the real world */
/* How long poll() should wait until `deadline_mono_ms` of this clock: 0 when past, -1 when deadline < 0 (none).
 * A manual clock answers at most 5 so that a poller looks again, the others at most 10 s: poll() does not count suspend. */
int ns_clock_poll_ms(const ns_clock *c, int64_t deadline_mono_ms);
/* The earlier of two deadlines or waits, -1 (none) being the latest. */
static inline int64_t ns_sooner(int64_t a, int64_t b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}
/* pthread_cond wait until signalled or the deadline (mono of this clock, -1 none). May wake early: callers loop on a predicate.
 * `cond` must be made by ns_cond_init. Returns false when the deadline has passed. */
bool ns_clock_cond_wait(const ns_clock *c, pthread_cond_t *cond, pthread_mutex_t *mu, int64_t deadline_mono_ms);
void ns_cond_init(pthread_cond_t *cond); /* CLOCK_MONOTONIC */

/* RFC 3339: "2026-11-23T02:47:09Z" and with 0..9 fractional digits, Z or offset. False when malformed. */
bool ns_time_parse(const char *s, int64_t *wall_ms);
void ns_time_format(int64_t wall_ms, char out[32]);       /* "2026-11-23T02:47:09Z" */
void ns_time_format_micro(int64_t wall_ms, char out[40]); /* "2026-11-23T02:47:09.123000Z" (Kubernetes MicroTime) */
void ns_duration_format(int64_t ms, char out[16]);        /* "45s" "3m" "2h10m" "5d": short, for tables */
#endif
