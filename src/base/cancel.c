/* Two uses of eventfd: a cancel object that stays readable once fired, and a wake-up that is cleared. */
#include "neuroscale/base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"

struct ns_cancel {
	int fd;
	atomic_bool fired;
};

struct ns_wake {
	int fd;
};

/* Out of descriptors is treated as out of memory: without its cancel object nothing may start. */
static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		abort();
	return fd;
}

/* Safe in a signal handler: write(2) and errno only. A full counter (EAGAIN) is readable already. */
static void ring(int fd)
{
	const uint64_t one = 1;
	int saved = errno;
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
	errno = saved;
}

ns_cancel *ns_cancel_new(void)
{
	ns_cancel *c = ns_xcalloc(1, sizeof *c);
	c->fd = new_eventfd();
	return c;
}

void ns_cancel_free(ns_cancel *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

void ns_cancel_fire(ns_cancel *c)
{
	if (!atomic_exchange(&c->fired, true))
		ring(c->fd);
}

bool ns_cancel_fired(const ns_cancel *c)
{
	return c && atomic_load(&c->fired);
}

int ns_cancel_fd(const ns_cancel *c)
{
	return c ? c->fd : -1;
}

bool ns_cancel_sleep(const ns_cancel *c, const ns_clock *clock, int64_t ms)
{
	int64_t deadline = ns_clock_mono_ms(clock) + (ms > 0 ? ms : 0);
	struct pollfd p = {.fd = ns_cancel_fd(c), .events = POLLIN};
	while (!ns_cancel_fired(c)) {
		int wait_ms = ns_clock_poll_ms(clock, deadline);
		if (wait_ms == 0)
			return true;
		poll(&p, 1, wait_ms); /* whatever it says, the loop looks for itself */
	}
	return false;
}

ns_wake *ns_wake_new(void)
{
	ns_wake *w = ns_xcalloc(1, sizeof *w);
	w->fd = new_eventfd();
	return w;
}

void ns_wake_free(ns_wake *w)
{
	if (!w)
		return;
	close(w->fd);
	free(w);
}

void ns_wake_ring(ns_wake *w)
{
	if (w)
		ring(w->fd);
}

void ns_wake_clear(ns_wake *w)
{
	uint64_t count;
	while (read(w->fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

int ns_wake_fd(const ns_wake *w)
{
	return w ? w->fd : -1;
}
