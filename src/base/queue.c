/* A ring of pointers under one lock. */
#include "neuroscale/base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "neuroscale/base/buf.h"

struct ns_queue {
	pthread_mutex_t mu;
	pthread_cond_t not_full, not_empty;
	void **ring;
	size_t cap, head, len;
	bool closed;
	void (*drop)(void *);
};

ns_queue *ns_queue_new(size_t capacity, void (*drop)(void *))
{
	ns_queue *q = ns_xcalloc(1, sizeof *q);
	pthread_mutex_init(&q->mu, NULL);
	ns_cond_init(&q->not_full);
	ns_cond_init(&q->not_empty);
	q->cap = capacity ? capacity : 1;
	q->ring = ns_xcalloc(q->cap, sizeof *q->ring);
	q->drop = drop;
	return q;
}

void ns_queue_free(ns_queue *q)
{
	if (!q)
		return;
	for (; q->len; q->len--, q->head = (q->head + 1) % q->cap)
		if (q->drop)
			q->drop(q->ring[q->head]);
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	pthread_mutex_destroy(&q->mu);
	free(q->ring);
	free(q);
}

static bool push(ns_queue *q, void *item, bool wait)
{
	pthread_mutex_lock(&q->mu);
	while (wait && !q->closed && q->len == q->cap)
		pthread_cond_wait(&q->not_full, &q->mu);
	bool taken = !q->closed && q->len < q->cap;
	if (taken) {
		q->ring[(q->head + q->len++) % q->cap] = item;
		pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->mu);
	return taken;
}

bool ns_queue_push(ns_queue *q, void *item)
{
	return push(q, item, true);
}

bool ns_queue_try_push(ns_queue *q, void *item)
{
	return push(q, item, false);
}

void *ns_queue_pop(ns_queue *q, const ns_clock *clock, int64_t deadline_mono_ms)
{
	void *item = NULL;
	pthread_mutex_lock(&q->mu);
	while (!q->len && !q->closed)
		if (!ns_clock_cond_wait(clock, &q->not_empty, &q->mu, deadline_mono_ms))
			break;
	if (q->len) {
		item = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		q->len--;
		pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->mu);
	return item;
}

void ns_queue_close(ns_queue *q)
{
	pthread_mutex_lock(&q->mu);
	q->closed = true;
	pthread_cond_broadcast(&q->not_full);
	pthread_cond_broadcast(&q->not_empty);
	pthread_mutex_unlock(&q->mu);
}

size_t ns_queue_len(ns_queue *q)
{
	pthread_mutex_lock(&q->mu);
	size_t n = q->len;
	pthread_mutex_unlock(&q->mu);
	return n;
}
