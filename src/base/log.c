/* Lines are built whole and leave in one write(2). They stay under PIPE_BUF, so that lines of two processes on one pipe do not mix. */
#include "neuroscale/base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"

/* In JSON every byte of a message may double. */
enum { LINE_MAX_BYTES = 4096, MSG_MAX = 1536, VALUE_MAX = 512, ROOM_MAX = 32 };
_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a line is one atomic write");

static struct {
	atomic_int fd;
	ns_log_format format;
	ns_log_level min;
	const ns_clock *clock;
} state = {.fd = STDERR_FILENO, .format = NS_LOG_TEXT, .min = NS_LOG_INFO};

static const struct {
	const char *text, *json;
} level_names[] = {{"DEBUG", "debug"}, {"INFO ", "info"}, {"WARN ", "warn"}, {"ERROR", "error"}};

void ns_log_init(int fd, ns_log_format format, ns_log_level min, const ns_clock *clock)
{
	atomic_store(&state.fd, fd);
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

static void end(ns_buf *line)
{
	ns_buf_puts(line, state.format == NS_LOG_JSON ? "}\n" : "\n");
	int saved = errno;
	ssize_t n;
	do
		n = write(atomic_load(&state.fd), line->data, line->len);
	while (n < 0 && errno == EINTR);
	errno = saved; /* a log that cannot be written must not change what its caller does */
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
