/* Lines are built whole and leave in one write(2). They stay under PIPE_BUF, so that lines of two processes on one pipe do not mix.
 *
 * Nobody may be stalled by a reader that stopped (Ctrl-S, a frozen tmux, a full pipe): the first line waits a moment, those after it are
 * dropped and counted until there is room again, and then the log says how many. The record is the store, not the log. */
#include "neuroscale/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"

/* In JSON every byte of a message may double. */
enum { LINE_MAX_BYTES = 4096, MSG_MAX = 1536, VALUE_MAX = 512, ROOM_MAX = 32, PATIENCE_MS = 200 };
_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a line is one atomic write");

static struct {
	atomic_int fd;
	ns_log_format format;
	ns_log_level min;
	const ns_clock *clock;
} state = {.fd = STDERR_FILENO, .format = NS_LOG_TEXT, .min = NS_LOG_INFO};

static struct {
	pthread_mutex_t mu;
	int own_tty; /* -1 none */
	bool stuck, cut;
	long lost;
} out = {.mu = PTHREAD_MUTEX_INITIALIZER, .own_tty = -1};

static const struct {
	const char *text, *json;
} level_names[] = {{"DEBUG", "debug"}, {"INFO ", "info"}, {"WARN ", "warn"}, {"ERROR", "error"}};

/* A terminal that has room for half a line takes that half and makes the writer wait for the rest. Only an open file of our own may be
 * non-blocking: the shell shares the one that we were given. */
static int own_tty(int fd)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return isatty(fd) ? open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
}

void ns_log_init(int fd, ns_log_format format, ns_log_level min, const ns_clock *clock)
{
	if (out.own_tty >= 0)
		close(out.own_tty);
	out.own_tty = own_tty(fd);
	out.stuck = out.cut = false;
	out.lost = 0;
	atomic_store(&state.fd, out.own_tty >= 0 ? out.own_tty : fd);
	state.format = format;
	state.min = min;
	state.clock = clock;
}

void ns_log_redirect(int fd)
{
	atomic_store(&state.fd, fd);
}

/* Cleaned text holds no control bytes: quote and backslash are all that is left to escape, in both formats. */
static void put_quoted(ns_buf *b, const char *clean)
{
	ns_buf_putc(b, '"');
	for (; *clean; clean++) {
		if (*clean == '"' || *clean == '\\')
			ns_buf_putc(b, '\\');
		ns_buf_putc(b, *clean);
	}
	ns_buf_putc(b, '"');
}

static void put_json(ns_buf *line, const char *key, const char *value, size_t max)
{
	char *clean = ns_text_clean_dup(value, max);
	ns_buf_putc(line, line->len ? ',' : '{');
	put_quoted(line, key);
	ns_buf_putc(line, ':');
	put_quoted(line, clean);
	free(clean);
}

static void put_text_field(ns_buf *line, const char *key, const char *value)
{
	char *clean = ns_text_clean_dup(value, VALUE_MAX);
	ns_buf_printf(line, " %s=", key);
	if (*clean && !strpbrk(clean, " \"=\\"))
		ns_buf_puts(line, clean);
	else
		put_quoted(line, clean);
	free(clean);
}

static void begin(ns_buf *line, ns_log_level level, const char *room, const char *msg)
{
	char time[32];
	ns_time_format(ns_clock_wall_ms(state.clock), time);
	if (state.format == NS_LOG_JSON) {
		put_json(line, "time", time, sizeof time);
		put_json(line, "level", level_names[level].json, ROOM_MAX);
		put_json(line, "room", room, ROOM_MAX);
		put_json(line, "msg", msg, MSG_MAX);
	} else {
		ns_buf_printf(line, "%s %s %-8s ", time, level_names[level].text, room);
		ns_text_clean(line, msg, strlen(msg), MSG_MAX, false);
	}
}

/* A field that would push the line over its cap is left out, and so are those after it. */
static bool field(ns_buf *line, const char *key, const char *value)
{
	size_t before = line->len;
	if (state.format == NS_LOG_JSON)
		put_json(line, key, value, VALUE_MAX);
	else
		put_text_field(line, key, value);
	if (line->len + strlen("}\n") <= LINE_MAX_BYTES)
		return true;
	line->len = before;
	return false;
}

/* False when nobody reads. What is broken (a closed pipe, a full disk) is nothing to wait for: the line is gone, and that is that. */
static bool put(const char *p, size_t n)
{
	int fd = atomic_load(&state.fd);
	for (size_t done = 0; done < n;) {
		struct pollfd room = {.fd = fd, .events = POLLOUT};
		int ready = poll(&room, 1, out.stuck ? 0 : PATIENCE_MS);
		ssize_t k = ready > 0 ? write(fd, p + done, n - done) : -1;
		if ((ready < 0 || k < 0) && errno == EINTR)
			continue;
		out.stuck = ready == 0 || (k < 0 && errno == EAGAIN);
		out.cut = out.cut || (out.stuck && done);
		if (k <= 0)
			return !out.stuck;
		done += (size_t)k;
	}
	return true;
}

static void put_line(const ns_buf *line)
{
	pthread_mutex_lock(&out.mu);
	bool ok = true;
	if (out.lost) {
		char words[64];
		ns_buf gap = NS_BUF_INIT;
		snprintf(words, sizeof words, "%ld lines were dropped: nobody read them", out.lost);
		if (out.cut)
			ns_buf_putc(&gap, '\n');
		begin(&gap, NS_LOG_WARN, "log", words);
		ns_buf_puts(&gap, state.format == NS_LOG_JSON ? "}\n" : "\n");
		ok = put(gap.data, gap.len);
		ns_buf_free(&gap);
		if (ok) {
			out.lost = 0;
			out.cut = false;
		}
	}
	if (!ok || !put(line->data, line->len))
		out.lost++;
	pthread_mutex_unlock(&out.mu);
}

static void end(ns_buf *line)
{
	ns_buf_puts(line, state.format == NS_LOG_JSON ? "}\n" : "\n");
	int saved = errno; /* a log that cannot be written must not change what its caller does */
	put_line(line);
	errno = saved;
	ns_buf_free(line);
}

void ns_log(ns_log_level level, const char *room, const char *fmt, ...)
{
	if (level < state.min)
		return;
	ns_buf msg = NS_BUF_INIT, line = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&msg, fmt, ap);
	va_end(ap);
	begin(&line, level, room, ns_buf_str(&msg));
	ns_buf_free(&msg);
	end(&line);
}

void ns_log_fields(ns_log_level level, const char *room, const char *msg, ...)
{
	if (level < state.min)
		return;
	ns_buf line = NS_BUF_INIT;
	begin(&line, level, room, msg);
	va_list ap;
	va_start(ap, msg);
	for (const char *key; (key = va_arg(ap, const char *));)
		if (!field(&line, key, va_arg(ap, const char *)))
			break;
	va_end(ap);
	end(&line);
}
