/* The stream parser and the collector: cut anywhere, a stream means the same; its caps hold. And any bytes are some error. */
#include "../../src/llm/provider_priv.h"
#include "../../src/llm/stream.h"
#include "fuzz.h"
#include "neuroscale/base/text.h"

enum { MAX_EVENT = 2048, MAX_TEXT = 4096 };

static void collect(const char *s, size_t n, size_t piece, llm_collect *c)
{
	*c = (llm_collect){.max = MAX_TEXT};
	llm_stream p = {.event = llm_collect_event, .ctx = c, .max_event = MAX_EVENT};
	bool on = true;
	for (size_t i = 0; on && i < n; i += piece) {
		on = llm_stream_feed(&p, s + i, n - i < piece ? n - i : piece, NULL);
		NEED(p.line.len <= MAX_EVENT + 64 && p.data.len <= MAX_EVENT);
	}
	if (on)
		llm_stream_end(&p);
	llm_stream_free(&p);
	NEED(c->content.len <= MAX_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data;
	llm_collect a, b, whole = {.max = MAX_TEXT};
	llm_failure f;
	if (!n)
		return 0;
	collect(s, n, n, &a);
	collect(s, n, 1 + data[0] % 7, &b);
	NEED(a.content.len == b.content.len && strcmp(ns_buf_str(&a.content), ns_buf_str(&b.content)) == 0);
	NEED(a.done == b.done && a.failed == b.failed && a.broken == b.broken && a.prompt == b.prompt && strcmp(a.finish, b.finish) == 0);
	llm_collect_body(&whole, s, n);
	llm_failure_read(200 + 3 * data[0], s, n, &f);
	NEED(*f.words && ns_utf8_valid(f.words, strlen(f.words)) && f.verdict <= LLM_STOP);
	llm_collect_free(&a);
	llm_collect_free(&b);
	llm_collect_free(&whole);
	return 0;
}
