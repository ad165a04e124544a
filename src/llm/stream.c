#include "stream.h"

#include <stdlib.h>
#include <string.h>

static bool dispatch(llm_stream *s)
{
	bool on = true;
	if (s->has_data)
		on = s->event(s->ctx, s->name, s->status, ns_buf_str(&s->data), s->data.len);
	ns_buf_clear(&s->data);
	s->name[0] = '\0';
	s->status = 0;
	s->has_data = false;
	return on;
}

static const char *value_of(const char *line, const char *field)
{
	size_t n = strlen(field);
	if (strncmp(line, field, n) != 0 || (line[n] && line[n] != ':'))
		return NULL;
	line += n + (line[n] == ':');
	return line + (*line == ' ');
}

static void keep_status(llm_stream *s, const char *comment)
{
	static const char mark[] = ":HTTP_STATUS/";
	if (strncmp(comment, mark, sizeof mark - 1) != 0)
		return;
	long v = strtol(comment + sizeof mark - 1, NULL, 10);
	s->status = v > 0 && v < 1000 ? (int)v : 0;
}

/* One line without its ending. */
static bool take_line(llm_stream *s, bool *too_big)
{
	const char *line = ns_buf_str(&s->line), *v;
	if (!s->begun && strncmp(line, "\xEF\xBB\xBF", 3) == 0)
		line += 3;
	s->begun = true;
	if (!*line && !s->line.len)
		return dispatch(s);
	if (*line == ':') {
		keep_status(s, line);
	} else if ((v = value_of(line, "data"))) {
		size_t n = s->line.len - (size_t)(v - s->line.data);
		if (s->data.len + n + 1 > s->max_event) {
			*too_big = true;
			return false;
		}
		if (s->has_data)
			ns_buf_putc(&s->data, '\n');
		ns_buf_put(&s->data, v, n);
		s->has_data = true;
	} else if ((v = value_of(line, "event"))) {
		ns_copy(s->name, sizeof s->name, v);
	}
	return true;
}

bool llm_stream_feed(llm_stream *s, const char *p, size_t n, bool *too_big)
{
	bool big = false, on = true;
	for (size_t i = 0; on && i < n; i++) {
		bool after_cr = s->after_cr;
		s->after_cr = p[i] == '\r';
		if (p[i] == '\n' && after_cr)
			continue;
		if (p[i] == '\n' || p[i] == '\r') {
			on = take_line(s, &big);
			ns_buf_clear(&s->line);
		} else if (s->line.len >= s->max_event + 64) {
			big = true;
			on = false;
		} else {
			ns_buf_putc(&s->line, p[i]);
		}
	}
	if (too_big)
		*too_big = big;
	return on;
}

bool llm_stream_end(llm_stream *s)
{
	bool big = false, on = true;
	if (s->line.len)
		on = take_line(s, &big);
	ns_buf_clear(&s->line);
	return on && dispatch(s);
}

void llm_stream_free(llm_stream *s)
{
	ns_buf_free(&s->line);
	ns_buf_free(&s->data);
}
