/* Inside the llm room: server-sent events, read as they arrive. Takes what servers really send: any line ending, no space after the colon,
 * comments, events of several data lines, a last event without its blank line. Never reads more than its caps. */
#ifndef NEUROSCALE_LLM_STREAM_H
#define NEUROSCALE_LLM_STREAM_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/base/buf.h"

typedef struct llm_stream {
	/* One event. name "" when it has none; status from ":HTTP_STATUS/400" in front of it, 0 none. False stops. */
	bool (*event)(void *ctx, const char *name, int status, const char *data, size_t n);
	void *ctx;
	size_t max_event;    /* bytes of one event's data */
	/* private */
	ns_buf line, data;
	char name[32];
	int status;
	bool has_data, after_cr, begun;
} llm_stream;

/* False when the callback stopped it, or an event is over its cap (then *too_big, which may be NULL, is set). */
bool llm_stream_feed(llm_stream *s, const char *p, size_t n, bool *too_big);
bool llm_stream_end(llm_stream *s); /* hands on what is left without its blank line; false when the callback stopped it */
void llm_stream_free(llm_stream *s);
#endif
