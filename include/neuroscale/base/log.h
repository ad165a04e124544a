/* The log: one line per call, text or JSON, sanitised, to one descriptor. Thread-safe; a reader that stopped stalls nobody (lines are
 * dropped, and counted in the line that follows). Only main, engine and the clients log. */
#ifndef NEUROSCALE_BASE_LOG_H
#define NEUROSCALE_BASE_LOG_H
#include <stdbool.h>
#include "neuroscale/base/clock.h"

typedef enum ns_log_level { NS_LOG_DEBUG, NS_LOG_INFO, NS_LOG_WARN, NS_LOG_ERROR } ns_log_level;
typedef enum ns_log_format { NS_LOG_TEXT, NS_LOG_JSON } ns_log_format;

/* Process-wide, called once by main before threads. fd is not closed by us. The clock stamps the lines. */
void ns_log_init(int fd, ns_log_format format, ns_log_level min, const ns_clock *clock);
void ns_log_redirect(int fd);                    /* while the screen is up the log goes to a file */
/* "room" is the part that speaks ("detector"), fmt the sentence. */
void ns_log(ns_log_level level, const char *room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line with fields, for transitions: pairs of (const char *key, const char *value), ended by NULL.
 * text: "2026-11-23T02:47:09Z INFO  engine   incident 7 detected -> analyzing kind=oom_killed ns=shop"; a value with spaces,
 * quotes or "=" is quoted. json: {"time":…,"level":"info","room":…,"msg":…,"kind":…}. Lines are capped at 4 KiB. */
void ns_log_fields(ns_log_level level, const char *room, const char *msg, ...) __attribute__((sentinel));
#endif
