/* The reflector's reading: a list and then a watch of any bytes, in pieces of any size. What it tells must not depend on the pieces, every object it
 * hands on is one, and what ends the stream has a reason in one line. The first byte cuts the input in two, the second sizes the pieces. */
#include "fuzz.h"

#include "../../src/kube/watch_priv.h"
#include "neuroscale/sys/digest.h"

typedef struct told { ns_buf log; } told;

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	told *t = ctx;
	NEED(row == 0 && !why);
	NEED((type == NS_WATCH_ADDED || type == NS_WATCH_MODIFIED || type == NS_WATCH_DELETED) == (obj != NULL));
	ns_buf_printf(&t->log, "%d ", (int)type);
	if (obj)
		ns_json_write(obj, &t->log);
}

static bool feed(stream *s, const char *p, size_t n, size_t piece)
{
	for (size_t i = 0; i < n; i += piece)
		if (!watch_feed(s, p + i, n - i < piece ? n - i : piece))
			return false;
	return true;
}

static void one(const char *list, size_t n_list, const char *watch, size_t n_watch, size_t piece, const char *const *keep, told *out)
{
	ns_watch_row row = {.name = "things", .path = "/api/v1/things", .query = "", .keep = keep};
	ns_kube_stats stats = {0};
	ns_watch_opts o = {.rows = &row, .n_rows = 1, .on_event = on_event, .ctx = out, .wake_fd = -1, .stats = &stats};
	wrow w = {.row = &row, .pick = kube_pick_new(keep)};
	reflector r = {.o = &o, .rows = &w};
	w.owner = &r;
	stream *s = watch_stream_new(&w, "");
	s->phase = LISTING;
	s->split = watch_splitter(s);
	bool ok = feed(s, list, n_list, piece);
	cJSON *rest = ok ? kube_split_end(s->split, &s->why) : NULL;
	NEED(rest || (s->why.code != NS_OK && *s->why.text && !strchr(s->why.text, '\n')));
	watch_remember(s, rest);
	ns_buf_printf(&out->log, "| %s | ", rest ? "list" : s->why.text);
	cJSON_Delete(rest);
	ns_err_clear(&s->why);
	s->phase = WATCHING;
	ok = feed(s, watch, n_watch, piece);
	NEED(ok || (s->why.code != NS_OK && !strchr(s->why.text, '\n')));
	ns_buf_printf(&out->log, "| %s %s", ok ? "open" : s->why.text, s->version ? s->version : "");
	s->phase = IDLE;
	watch_stream_free(s);
	kube_pick_free(w.pick);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const keep[] = {"metadata.name", "metadata.labels", "spec.containers.name", "status", NULL};
	if (n < 2)
		return 0;
	const char *p = (const char *)data + 2;
	size_t len = n - 2, cut = len * data[0] / 255, piece = 1 + data[1] % 64;
	for (int kept = 0; kept < 2; kept++) {
		told whole = {0}, pieces = {0};
		one(p, cut, p + cut, len - cut, len + 1, kept ? keep : NULL, &whole);
		one(p, cut, p + cut, len - cut, piece, kept ? keep : NULL, &pieces);
		NEED(strcmp(ns_buf_str(&whole.log), ns_buf_str(&pieces.log)) == 0);
		ns_buf_free(&whole.log);
		ns_buf_free(&pieces.log);
	}
	return 0;
}
