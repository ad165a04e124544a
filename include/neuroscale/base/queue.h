/* A bounded multi-producer queue of owned pointers. Thread-safe. */
#ifndef NEUROSCALE_BASE_QUEUE_H
#define NEUROSCALE_BASE_QUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/clock.h"

typedef struct ns_queue ns_queue;
ns_queue *ns_queue_new(size_t capacity, void (*drop)(void *)); /* drop frees what is left at ns_queue_free */
void ns_queue_free(ns_queue *q);
/* Blocks while full. False (item not taken, still the caller's) once closed. */
bool ns_queue_push(ns_queue *q, void *item);
bool ns_queue_try_push(ns_queue *q, void *item); /* false at once when full or closed */
/* NULL when the deadline (mono of clock, -1 none) passed or the queue is closed and empty. */
void *ns_queue_pop(ns_queue *q, const ns_clock *clock, int64_t deadline_mono_ms);
void ns_queue_close(ns_queue *q);                /* wakes everybody */
size_t ns_queue_len(ns_queue *q);
#endif
