/* Recorded traffic of real API servers, where it is there beside the checkout (../shared/fixtures/watch): every stream goes through the
 * reflector whole, in odd pieces and byte by byte, every list through the splitter, raw answers as they were on the wire. */
#include "support/test.h"
#include "kube/kc_file.h"
#include "kube/script_server.h"

#include <curl/curl.h>
#include <dirent.h>

#include "neuroscale/kube/watch.h"

#define ROOT "../shared/fixtures/watch"
static const char *const versions[] = {"apiserver-1.20", "apiserver-1.32", "apiserver-1.36"};

typedef struct tape {
	const char *stream; /* body of the first watch, or NULL */
	size_t n, piece;
	const char *raw_list; /* whole answer to the first list, or NULL */
	size_t n_raw;
	atomic_int lists, watches;
} tape;

static const char empty_list[] = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}";

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	tape *t = s->ctx;
	if (!strstr(target, "watch=1")) {
		if (atomic_fetch_add(&t->lists, 1) == 0 && t->raw_list) {
			script_send(fd, t->raw_list, t->n_raw);
			return false;
		}
		return script_answer(fd, 200, "", empty_list);
	}
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	if (atomic_fetch_add(&t->watches, 1) == 0 && t->stream) {
		for (size_t i = 0; i < t->n; i += t->piece)
			script_chunk(fd, t->stream + i, t->n - i < t->piece ? t->n - i : t->piece);
		script_send(fd, "0\r\n\r\n", 5);
		return false;
	}
	/* The end of the tape is a bookmark of our own. */
	static const char mark[] = "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"END\",\"resourceVersion\":\"999999\"}}}\n";
	script_chunk(fd, mark, sizeof mark - 1);
	script_hold(s, fd);
	return false;
}

typedef struct counts { int added, modified, deleted, bookmarks; ns_cancel *cancel; } counts;

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	counts *c = ctx;
	if (type == NS_WATCH_MODIFIED && strcmp(ns_json_str(obj, "metadata.name", ""), "END") == 0)
		ns_cancel_fire(c->cancel);
	else
		*(type == NS_WATCH_ADDED ? &c->added : type == NS_WATCH_MODIFIED ? &c->modified : type == NS_WATCH_DELETED ? &c->deleted :
		  type == NS_WATCH_BOOKMARK ? &c->bookmarks : &(int){0}) += 1;
}

static counts play(tape *t)
{
	script_server s;
	ns_err err = {0};
	script_start(&s, handle, t);
	ns_kubeconfig *k = ns_kubeconfig_load(kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n", s.port), NULL, &err);
	ns_watch_row row = {.name = "things", .path = "/api/v1/things", .query = ""};
	counts c = {.cancel = ns_cancel_new()};
	ns_clock *clock = ns_clock_scaled(1000, 0, 1800000000000);
	ns_watch_opts o = {.cfg = k, .clock = clock, .rows = &row, .n_rows = 1, .on_event = on_event, .wake_fd = -1, .ctx = &c};
	assert_true(ns_watch_run(&o, c.cancel, &err));
	ns_cancel_free(c.cancel);
	ns_clock_free(clock);
	ns_kubeconfig_free(k);
	script_stop(&s);
	return c;
}

/* What the file itself says, line by line. */
static counts expected(const char *text)
{
	counts c = {0};
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		cJSON *j = ns_json_parse(p, n, &ns_json_api, NULL);
		const char *type = ns_json_str(j, "type", "");
		c.added += strcmp(type, "ADDED") == 0;
		c.modified += strcmp(type, "MODIFIED") == 0;
		c.deleted += strcmp(type, "DELETED") == 0;
		c.bookmarks += strcmp(type, "BOOKMARK") == 0;
		cJSON_Delete(j);
		p += n + (p[n] == '\n');
	}
	return c;
}

static bool same(counts a, counts b)
{
	return a.added == b.added && a.modified == b.modified && a.deleted == b.deleted && a.bookmarks == b.bookmarks;
}

typedef struct tally { int streams, events, lists, items; } tally;

static bool replay_stream(void *ctx, const char *path, const char *name)
{
	tally *sum = ctx;
	ns_buf b = NS_BUF_INIT;
	assert_true(ns_read_file(path, 1 << 24, &b, NULL));
	counts want = expected(ns_buf_str(&b));
	/* A stream that is refused is a Status and no stream: the reflector calls it garbage. */
	bool refused = want.added + want.modified + want.deleted + want.bookmarks == 0;
	static const size_t pieces[] = {1, 13, 1 << 20};
	for (size_t i = 0; i < 3; i++) {
		tape t = {.stream = b.data, .n = b.len, .piece = pieces[i]};
		counts got = play(&t);
		if (!same(got, want))
			fail_msg("%s in pieces of %zu: %d %d %d %d, not %d %d %d %d", path, pieces[i], got.added, got.modified, got.deleted, got.bookmarks, want.added,
			    want.modified, want.deleted, want.bookmarks);
		if (strncmp(name, "410", 3) == 0)
			assert_int_equal(atomic_load(&t.lists), 2);
	}
	sum->streams += !refused;
	sum->events += want.added + want.modified + want.deleted + want.bookmarks;
	ns_buf_free(&b);
	return true;
}

/* A body as the server sent it, given to the reflector as an answer of its own. */
static bool replay_list(void *ctx, const char *path, const char *name)
{
	tally *sum = ctx;
	ns_buf b = NS_BUF_INIT, raw = NS_BUF_INIT;
	assert_true(ns_read_file(path, 1 << 24, &b, NULL));
	cJSON *j = ns_json_parse(b.data, b.len, &ns_json_api, NULL);
	size_t items = ns_json_len(ns_json_get(j, "items"));
	bool list = *ns_json_str(j, "metadata.resourceVersion", "") && ns_json_get(j, "items") && !*ns_json_str(j, "metadata.continue", "");
	cJSON_Delete(j);
	if (list) {
		ns_buf_printf(&raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", b.len);
		ns_buf_put(&raw, b.data, b.len);
		tape t = {.raw_list = raw.data, .n_raw = raw.len};
		counts got = play(&t);
		if ((size_t)got.added != items)
			fail_msg("%s: %d of %zu items", path, got.added, items);
		sum->lists++;
		sum->items += got.added;
	}
	ns_buf_free(&b);
	ns_buf_free(&raw);
	return true;
}

static void replay_wire(const char *version, const char *name, int items)
{
	char path[512];
	ns_buf b = NS_BUF_INIT;
	snprintf(path, sizeof path, ROOT "/%s/raw/%s", version, name);
	if (ns_read_file(path, 1 << 24, &b, NULL)) {
		tape t = {.raw_list = b.data, .n_raw = b.len};
		counts got = play(&t);
		if (items >= 0 ? got.added != items : got.added == 0)
			fail_msg("%s: %d items", path, got.added);
	}
	ns_buf_free(&b);
}

static void test_recorded_traffic(void **state)
{
	if (access(ROOT, R_OK) != 0) {
		skip();
		return;
	}
	for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
		char dir[256];
		tally sum = {0};
		snprintf(dir, sizeof dir, ROOT "/%s/watch", versions[v]);
		assert_true(ns_dir_each(dir, ".ndjson", replay_stream, &sum, NULL));
		snprintf(dir, sizeof dir, ROOT "/%s/list", versions[v]);
		assert_true(ns_dir_each(dir, ".json", replay_list, &sum, NULL));
		replay_wire(versions[v], "list-gzip.http", 30);
		replay_wire(versions[v], "list-chunked.http", -1);
		replay_wire(versions[v], "list-table.http", 0);
		print_message("# %s: %d streams, %d events, each whole, by 13 bytes and byte by byte; %d lists with %d items\n", versions[v], sum.streams, sum.events,
		    sum.lists, sum.items);
	}
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded_traffic)};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
