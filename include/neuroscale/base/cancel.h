/* One cancel object goes through every wait: it has a descriptor for poll() and can be asked at any time. Thread-safe. */
#ifndef NEUROSCALE_BASE_CANCEL_H
#define NEUROSCALE_BASE_CANCEL_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/base/clock.h"

typedef struct ns_cancel ns_cancel;
ns_cancel *ns_cancel_new(void);
void ns_cancel_free(ns_cancel *c);
void ns_cancel_fire(ns_cancel *c);                /* async-signal-safe, idempotent */
bool ns_cancel_fired(const ns_cancel *c);         /* NULL is never fired */
int ns_cancel_fd(const ns_cancel *c);             /* readable once fired; -1 for NULL (poll ignores it) */
/* Sleeps `ms` of that clock. False when cancelled first. */
bool ns_cancel_sleep(const ns_cancel *c, const ns_clock *clock, int64_t ms);

/* A wake-up: an eventfd that many may ring and one waits for. */
typedef struct ns_wake ns_wake;
ns_wake *ns_wake_new(void);
void ns_wake_free(ns_wake *w);
void ns_wake_ring(ns_wake *w);                    /* async-signal-safe; NULL is fine */
void ns_wake_clear(ns_wake *w);
int ns_wake_fd(const ns_wake *w);
#endif
