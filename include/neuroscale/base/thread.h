/* Threads are rows in one service table: started in order, joined in reverse, none detached. */
#ifndef NEUROSCALE_BASE_THREAD_H
#define NEUROSCALE_BASE_THREAD_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/base/cancel.h"
#include "neuroscale/base/err.h"

typedef struct ns_service {
	const char *name;                          /* at most 15 bytes: it is the thread's name in ps and gdb */
	void (*run)(void *ctx, ns_cancel *cancel); /* returns soon after cancel fires */
	void *ctx;
} ns_service;

typedef struct ns_services ns_services;
ns_services *ns_services_new(void);
/* Starts a thread (256 KiB stack) with its own cancel object. All signals but SIGSEGV and its like are blocked in it. */
bool ns_services_start(ns_services *s, const ns_service *row, ns_err *err);
/* Fires every cancel in reverse order of start, joining each before the next. Then frees. NULL is fine. */
void ns_services_stop(ns_services *s);
#endif
