/* An API server made of prepared bytes, for one client at a time per row: paged lists of generated objects, and a watch of the pods that sends
 * MODIFIED events on order. It answers as fast as memory is copied. Threads of its own; plain HTTP on loopback. */
#ifndef TESTS_BENCH_SCALE_SERVER_H
#define TESTS_BENCH_SCALE_SERVER_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "podgen.h"

typedef struct scale_server {
	const podgen *gen;
	size_t n_pods;
	int fd, port;
	atomic_bool stop;
	atomic_int connections;
	/* of the pods, monotonic ns: their list was asked for first; their watch was opened (all of the list is then dealt with) */
	_Atomic int64_t list_began, watch_opened;
	_Atomic int64_t list_bytes;
	/* order: so many events, evenly at so many per second (0: as fast as they go) */
	atomic_long events_wanted, events_sent;
	atomic_long events_per_second;
} scale_server;

bool scale_server_start(scale_server *s, const podgen *gen, size_t n_pods);
void scale_server_stop(scale_server *s);
int64_t scale_now_ns(void);
void scale_sleep_ms(long ms);
#endif
