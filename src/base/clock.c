/* Three clocks behind one type. The manual one is polled by its waiters in short slices of real time: that needs no list of
 * sleepers and no lock, and it exists for tests only. */
#include "neuroscale/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"

enum {
	MANUAL_SLICE_MS = 5,
	/* poll() and condition variables do not count suspend, CLOCK_BOOTTIME does: after a resume a deadline may be long gone. */
	LONGEST_WAIT_MS = 10 * 1000,
	MAX_RATE = 1000,
};

typedef enum clock_kind { CLOCK_IS_REAL, CLOCK_IS_SCALED, CLOCK_IS_MANUAL } clock_kind;

struct ns_clock {
	clock_kind kind;
	int rate;
	int64_t anchor_boot_ms, anchor_wall_ms;
	_Atomic int64_t manual_wall_ms, manual_mono_ms;
};

static ns_clock real_clock = {.kind = CLOCK_IS_REAL, .rate = 1};

static int64_t read_us(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t ns_real_mono_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

ns_clock *ns_clock_real(void)
{
	return &real_clock;
}

ns_clock *ns_clock_scaled(int rate, int64_t anchor_boot_ms, int64_t anchor_wall_ms)
{
	ns_clock *c = ns_xcalloc(1, sizeof *c);
	c->kind = CLOCK_IS_SCALED;
	c->rate = rate < 1 ? 1 : rate > MAX_RATE ? MAX_RATE : rate;
	c->anchor_boot_ms = anchor_boot_ms;
	c->anchor_wall_ms = anchor_wall_ms;
	return c;
}

/* One decimal field of a spec, no white space, no sign but '-', ending at `end`. */
static bool take_int(const char **s, char end, int64_t *out)
{
	const char *p = *s;
	if (*p != '-' && (*p < '0' || *p > '9'))
		return false;
	char *stop;
	errno = 0;
	long long v = strtoll(p, &stop, 10);
	if (errno || stop == p || *stop != end)
		return false;
	*out = v;
	*s = end ? stop + 1 : stop;
	return true;
}

ns_clock *ns_clock_parse(const char *spec, ns_err *err)
{
	const int64_t limit = INT64_MAX / 4; /* keeps the arithmetic of scaled_ms far from overflow */
	int64_t rate = 0, boot = 0, wall = 0;
	const char *p = spec ? spec : "";
	if (!take_int(&p, ':', &rate) || !take_int(&p, ':', &boot) || !take_int(&p, '\0', &wall) || rate < 1 || rate > MAX_RATE ||
	    boot < 0 || boot > limit / 1000000 || wall < -limit || wall > limit) {
		ns_fail(err, NS_E_INVALID, "clock \"%s\": want RATE:BOOT_MS:WALL_MS with a rate from 1 to %d", spec ? spec : "", MAX_RATE);
		return NULL;
	}
	return ns_clock_scaled((int)rate, boot, wall);
}

void ns_clock_format(const ns_clock *c, char *out, size_t cap)
{
	if (!cap)
		return;
	out[0] = '\0';
	if (c && c->kind == CLOCK_IS_SCALED)
		snprintf(out, cap, "%d:%" PRId64 ":%" PRId64, c->rate, c->anchor_boot_ms, c->anchor_wall_ms);
}

ns_clock *ns_clock_manual(int64_t wall_ms, int64_t mono_ms)
{
	ns_clock *c = ns_xcalloc(1, sizeof *c);
	c->kind = CLOCK_IS_MANUAL;
	c->rate = 1;
	atomic_init(&c->manual_wall_ms, wall_ms);
	atomic_init(&c->manual_mono_ms, mono_ms);
	return c;
}

void ns_clock_advance(ns_clock *manual, int64_t ms)
{
	atomic_fetch_add(&manual->manual_wall_ms, ms);
	atomic_fetch_add(&manual->manual_mono_ms, ms);
}

void ns_clock_jump_wall(ns_clock *manual, int64_t ms)
{
	atomic_fetch_add(&manual->manual_wall_ms, ms);
}

void ns_clock_free(ns_clock *c)
{
	if (c != &real_clock)
		free(c);
}

/* In microseconds, so that a fast clock does not tick in steps of `rate` milliseconds. */
static int64_t scaled_ms(const ns_clock *c, int64_t origin_ms)
{
	return origin_ms + (read_us(CLOCK_BOOTTIME) - c->anchor_boot_ms * 1000) * c->rate / 1000;
}

int64_t ns_clock_wall_ms(const ns_clock *c)
{
	if (c && c->kind == CLOCK_IS_SCALED)
		return scaled_ms(c, c->anchor_wall_ms);
	if (c && c->kind == CLOCK_IS_MANUAL)
		return atomic_load(&c->manual_wall_ms);
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t ns_clock_mono_ms(const ns_clock *c)
{
	if (c && c->kind == CLOCK_IS_SCALED)
		return scaled_ms(c, c->anchor_boot_ms);
	if (c && c->kind == CLOCK_IS_MANUAL)
		return atomic_load(&c->manual_mono_ms);
	return ns_real_mono_ms();
}

int ns_clock_rate(const ns_clock *c)
{
	return c ? c->rate : 1;
}

static char boot_id[64];
static pthread_once_t boot_id_once = PTHREAD_ONCE_INIT;

static void read_boot_id(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, boot_id, sizeof boot_id - 1);
	close(fd);
	boot_id[n > 0 ? n : 0] = '\0';
	boot_id[strcspn(boot_id, "\n")] = '\0';
}

const char *ns_clock_boot_id(void)
{
	pthread_once(&boot_id_once, read_boot_id);
	return boot_id;
}

int ns_clock_poll_ms(const ns_clock *c, int64_t deadline_mono_ms)
{
	if (deadline_mono_ms < 0)
		return -1;
	int64_t now = ns_clock_mono_ms(c);
	if (now >= deadline_mono_ms)
		return 0;
	int64_t most = c && c->kind == CLOCK_IS_MANUAL ? MANUAL_SLICE_MS : LONGEST_WAIT_MS;
	int rate = ns_clock_rate(c);
	int64_t left = (deadline_mono_ms - now - 1) / rate + 1;
	return (int)(left < most ? left : most);
}

void ns_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

bool ns_clock_cond_wait(const ns_clock *c, pthread_cond_t *cond, pthread_mutex_t *mu, int64_t deadline_mono_ms)
{
	if (deadline_mono_ms < 0) {
		pthread_cond_wait(cond, mu);
		return true;
	}
	int wait_ms = ns_clock_poll_ms(c, deadline_mono_ms);
	if (wait_ms == 0)
		return false;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	if (pthread_cond_timedwait(cond, mu, &until) == 0)
		return true;
	return ns_clock_mono_ms(c) < deadline_mono_ms;
}
