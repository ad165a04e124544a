/* Cancel, wake, queue and services: everything that threads meet in. */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/queue.h"
#include "neuroscale/base/thread.h"

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static void cancel_fires_once_and_stays(void **state)
{
	ns_cancel *c = ns_cancel_new();
	assert_false(ns_cancel_fired(c));
	assert_false(readable(ns_cancel_fd(c)));
	ns_cancel_fire(c);
	ns_cancel_fire(c);
	assert_true(ns_cancel_fired(c));
	assert_true(readable(ns_cancel_fd(c)));
	assert_false(ns_cancel_sleep(c, ns_clock_real(), 60000));
	ns_cancel_free(c);
	assert_false(ns_cancel_fired(NULL));
	assert_int_equal(ns_cancel_fd(NULL), -1);
	ns_cancel_free(NULL);
}

static void sleep_follows_its_clock(void **state)
{
	ns_cancel *c = ns_cancel_new();
	assert_true(ns_cancel_sleep(c, ns_clock_real(), 2));
	assert_true(ns_cancel_sleep(NULL, ns_clock_real(), 0));
	assert_true(ns_cancel_sleep(c, ns_clock_real(), -5));
	ns_clock *fast = ns_clock_scaled(1000, ns_real_mono_ms(), 0);
	int64_t began = ns_real_mono_ms();
	assert_true(ns_cancel_sleep(c, fast, 20000));
	assert_true(ns_real_mono_ms() - began < 5000);
	ns_clock_free(fast);
	ns_cancel_free(c);
}

typedef struct sleeper {
	ns_clock *clock;
	ns_cancel *cancel;
	atomic_int outcome; /* -1 asleep */
} sleeper;

static void *sleep_long(void *arg)
{
	sleeper *s = arg;
	atomic_store(&s->outcome, ns_cancel_sleep(s->cancel, s->clock, 1000000));
	return NULL;
}

static void moving_a_manual_clock_wakes_sleepers(void **state)
{
	sleeper s = {.clock = ns_clock_manual(0, 0), .cancel = ns_cancel_new(), .outcome = -1};
	pthread_t t;
	pthread_create(&t, NULL, sleep_long, &s);
	assert_int_equal(atomic_load(&s.outcome), -1);
	ns_clock_advance(s.clock, 999999); /* not enough, whether it sleeps already or not */
	poll(NULL, 0, 8);
	assert_int_equal(atomic_load(&s.outcome), -1);
	ns_clock_advance(s.clock, 1000001);
	pthread_join(t, NULL);
	assert_int_equal(atomic_load(&s.outcome), 1);
	ns_cancel_free(s.cancel);
	ns_clock_free(s.clock);
}

static void wake_is_cleared(void **state)
{
	ns_wake *w = ns_wake_new();
	assert_false(readable(ns_wake_fd(w)));
	ns_wake_ring(w);
	ns_wake_ring(w);
	assert_true(readable(ns_wake_fd(w)));
	ns_wake_clear(w);
	assert_false(readable(ns_wake_fd(w)));
	ns_wake_clear(w);
	ns_wake_ring(NULL);
	ns_wake_free(w);
	ns_wake_free(NULL);
	assert_int_equal(ns_wake_fd(NULL), -1);
}

static int dropped;

static void count_drop(void *item)
{
	dropped++;
	free(item);
}

static void a_queue_keeps_order_and_bound(void **state)
{
	ns_queue *q = ns_queue_new(2, NULL);
	int a, b, c;
	assert_true(ns_queue_try_push(q, &a));
	assert_true(ns_queue_push(q, &b));
	assert_false(ns_queue_try_push(q, &c));
	assert_int_equal(ns_queue_len(q), 2);
	assert_ptr_equal(ns_queue_pop(q, ns_clock_real(), -1), &a);
	assert_true(ns_queue_try_push(q, &c));
	assert_ptr_equal(ns_queue_pop(q, ns_clock_real(), 0), &b);
	assert_ptr_equal(ns_queue_pop(q, ns_clock_real(), 0), &c);
	assert_null(ns_queue_pop(q, ns_clock_real(), 0)); /* a deadline in the past */
	ns_queue_free(q);
	ns_queue_free(NULL);
}

static void a_closed_queue_gives_what_it_has(void **state)
{
	ns_queue *q = ns_queue_new(4, NULL);
	int a;
	ns_queue_push(q, &a);
	ns_queue_close(q);
	assert_false(ns_queue_push(q, &a));
	assert_false(ns_queue_try_push(q, &a));
	assert_ptr_equal(ns_queue_pop(q, NULL, -1), &a);
	assert_null(ns_queue_pop(q, NULL, -1));
	ns_queue_free(q);
}

static void free_drops_the_rest(void **state)
{
	ns_queue *q = ns_queue_new(3, count_drop);
	for (int i = 0; i < 3; i++)
		ns_queue_push(q, ns_xmalloc(1));
	free(ns_queue_pop(q, NULL, -1)); /* so that the ring has turned */
	ns_queue_push(q, ns_xmalloc(1));
	dropped = 0;
	ns_queue_free(q);
	assert_int_equal(dropped, 3);
}

enum { PRODUCERS = 4, EACH = 2000 };

static void *produce(void *arg)
{
	ns_queue *q = arg;
	for (int i = 0; i < EACH; i++) {
		int *item = ns_xmalloc(sizeof *item);
		*item = i;
		assert_true(ns_queue_push(q, item));
	}
	return NULL;
}

static void *consume(void *arg)
{
	ns_queue *q = arg;
	long sum = 0;
	for (int *item; (item = ns_queue_pop(q, ns_clock_real(), -1)); free(item))
		sum += *item;
	long *out = ns_xmalloc(sizeof *out);
	*out = sum;
	return out;
}

static void many_threads_lose_nothing(void **state)
{
	ns_queue *q = ns_queue_new(8, free);
	pthread_t p[PRODUCERS], c[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&c[i], NULL, consume, q);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&p[i], NULL, produce, q);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(p[i], NULL);
	ns_queue_close(q);
	long total = 0;
	for (int i = 0; i < 2; i++) {
		void *sum;
		pthread_join(c[i], &sum);
		total += *(long *)sum;
		free(sum);
	}
	assert_int_equal(total, (long)PRODUCERS * EACH * (EACH - 1) / 2);
	ns_queue_free(q);
}

static void *push_one(void *arg)
{
	return ns_queue_push(arg, arg) ? arg : NULL;
}

static void close_wakes_a_blocked_producer(void **state)
{
	ns_queue *q = ns_queue_new(1, NULL);
	int a;
	ns_queue_push(q, &a);
	pthread_t t;
	pthread_create(&t, NULL, push_one, q);
	ns_queue_close(q);
	void *pushed;
	pthread_join(t, &pushed);
	assert_null(pushed);
	ns_queue_free(q);
}

/* ---- services ---- */

static char order[16];
static pthread_mutex_t order_mu = PTHREAD_MUTEX_INITIALIZER;

typedef struct probe {
	char letter;
	atomic_bool term_blocked, segv_open, named;
	atomic_int started;
} probe;

static void serve(void *ctx, ns_cancel *cancel)
{
	probe *p = ctx;
	sigset_t mask;
	char name[16];
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	pthread_getname_np(pthread_self(), name, sizeof name);
	atomic_store(&p->term_blocked, sigismember(&mask, SIGTERM) && sigismember(&mask, SIGWINCH) && sigismember(&mask, SIGPIPE));
	atomic_store(&p->segv_open, !sigismember(&mask, SIGSEGV) && !sigismember(&mask, SIGABRT));
	atomic_store(&p->named, strncmp(name, "service-", 8) == 0);
	atomic_store(&p->started, 1);
	while (ns_cancel_sleep(cancel, ns_clock_real(), 60000))
		;
	pthread_mutex_lock(&order_mu);
	order[strlen(order)] = p->letter;
	pthread_mutex_unlock(&order_mu);
}

static void services_stop_in_reverse(void **state)
{
	probe a = {.letter = 'a'}, b = {.letter = 'b'}, c = {.letter = 'c'};
	ns_services *s = ns_services_new();
	assert_true(ns_services_start(s, &(ns_service){"service-a", serve, &a}, NULL));
	assert_true(ns_services_start(s, &(ns_service){"service-b", serve, &b}, NULL));
	assert_true(ns_services_start(s, &(ns_service){"service-with-a-long-name", serve, &c}, NULL));
	sigset_t mask;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM)); /* ours is as before */
	ns_services_stop(s);
	assert_string_equal(order, "cba");
	const probe *all[] = {&a, &b, &c};
	for (size_t i = 0; i < 3; i++) {
		assert_true(all[i]->started && all[i]->term_blocked && all[i]->segv_open && all[i]->named);
	}
	ns_services_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cancel_fires_once_and_stays),
	    cmocka_unit_test(sleep_follows_its_clock),
	    cmocka_unit_test(moving_a_manual_clock_wakes_sleepers),
	    cmocka_unit_test(wake_is_cleared),
	    cmocka_unit_test(a_queue_keeps_order_and_bound),
	    cmocka_unit_test(a_closed_queue_gives_what_it_has),
	    cmocka_unit_test(free_drops_the_rest),
	    cmocka_unit_test(many_threads_lose_nothing),
	    cmocka_unit_test(close_wakes_a_blocked_producer),
	    cmocka_unit_test(services_stop_in_reverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
