/* Recorded traffic of real API servers, where it is there beside the checkout (../shared/fixtures/watch): every row of every index.tsv that is
 * an HTTP exchange goes through the client over a socket, byte by byte and in larger pieces. What it must lead to is worked out from the
 * recorded bytes by a second, plain reading (cJSON and a dechunker), and from a table of what each HTTP status means. */
#include "kube/watch_rig.h"

#include <curl/curl.h>

#define ROOT "../shared/fixtures/watch"
static const char *const versions[] = {"apiserver-1.20", "apiserver-1.32", "apiserver-1.36"};

/* ---- one recorded exchange ---- */

typedef struct row { const char *file, *method, *request, *type, *headers; int status; } row; /* points into the line */

static char *field(char **line)
{
	char *f = *line;
	size_t n = strcspn(f, "\t\n");
	*line = f[n] ? f + n + 1 : f + n;
	f[n] = '\0';
	return f;
}

static bool read_row(char *line, row *r)
{
	r->file = field(&line);
	r->method = field(&line);
	r->request = field(&line);
	field(&line);
	r->status = atoi(field(&line));
	r->type = field(&line);
	r->headers = field(&line);
	return r->status > 0;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static bool is_watch(const row *r)
{
	return strstr(r->request, "watch=1") != NULL;
}

/* The body of an answer as on the wire, chunk framing taken out; what is missing at the end is missing. False when it is compressed. */
static bool body_of(const ns_buf *wire, ns_buf *body)
{
	const char *p = strstr(ns_buf_str(wire), "\r\n\r\n"), *end = wire->data + wire->len;
	if (!p)
		return false;
	char head[4096];
	snprintf(head, sizeof head, "%.*s", (int)(p - wire->data), wire->data);
	p += 4;
	if (strcasestr(head, "content-encoding"))
		return false;
	if (!strcasestr(head, "transfer-encoding: chunked")) {
		ns_buf_put(body, p, (size_t)(end - p));
		return true;
	}
	for (char *after; p < end; p = after) {
		size_t n = strtoul(p, &after, 16);
		after += 2;
		if (!n || after > end)
			break;
		ns_buf_put(body, after, n < (size_t)(end - after) ? n : (size_t)(end - after));
		after += n + 2;
	}
	return true;
}

/* ---- the server: says the recording once, to the first list, the first watch or the first GET; then goes on as one that is well ---- */

typedef struct tape {
	const ns_buf *wire;
	bool for_watch;
	size_t piece;
	atomic_int played, lists, watches;
} tape;

static void say(int fd, const tape *t)
{
	for (size_t i = 0; i < t->wire->len; i += t->piece)
		if (!script_send(fd, t->wire->data + i, t->wire->len - i < t->piece ? t->wire->len - i : t->piece))
			return;
}

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	tape *t = s->ctx;
	bool watch = strstr(target, "watch=1") != NULL;
	atomic_fetch_add(watch ? &t->watches : &t->lists, 1);
	if (watch == t->for_watch && atomic_fetch_add(&t->played, 1) == 0) {
		say(fd, t);
		return false;
	}
	if (!watch)
		return script_answer(fd, 200, "", "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}");
	static const char mark[] = "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"END\",\"resourceVersion\":\"999999\"}}}\n";
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, mark, sizeof mark - 1);
	script_hold(s, fd);
	return false;
}

static int runs; /* exchanges played */

/* ---- what the reflector made of it ---- */

typedef struct got {
	rig *r;
	int added, modified, deleted, bookmarks, ends, downs;
	ns_code code;
	char why[512];
} got;

static void on_event(void *ctx, size_t at, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	got *g = ctx;
	if (type == NS_WATCH_MODIFIED && strcmp(ns_json_str(obj, "metadata.name", ""), "END") == 0) {
		ns_cancel_fire(g->r->cancel);
		return;
	}
	g->added += type == NS_WATCH_ADDED;
	g->modified += type == NS_WATCH_MODIFIED;
	g->deleted += type == NS_WATCH_DELETED;
	g->bookmarks += type == NS_WATCH_BOOKMARK;
	g->ends += type == NS_WATCH_REPLACE_END;
	if (type == NS_WATCH_DOWN && !g->downs++) {
		g->code = why->code;
		snprintf(g->why, sizeof g->why, "%s", why->text);
	}
}

static got reflect(tape *t)
{
	static const ns_watch_row things = {.name = "things", .path = "/api/v1/things", .query = "", .cluster_scoped = true};
	script_server s;
	runs++;
	got g = {0};
	rig r = {.rows = &things, .n_rows = 1, .on_event = on_event, .ctx = &g};
	g.r = &r;
	script_start(&s, handle, t);
	rig_run(&r, &s);
	script_stop(&s);
	return g;
}

/* ---- what it must be ---- */

/* Kubernetes' own meaning of each status, as an error of ours. */
static ns_code meaning(int status)
{
	static const struct { int status; ns_code code; } table[] = {{400, NS_E_INVALID}, {401, NS_E_DENIED}, {403, NS_E_DENIED}, {404, NS_E_NOTFOUND},
	    {405, NS_E_UNSUPPORTED}, {406, NS_E_FAILED}, {409, NS_E_CONFLICT}, {410, NS_E_EXPIRED}, {413, NS_E_TOOBIG}, {415, NS_E_FAILED},
	    {422, NS_E_INVALID}, {429, NS_E_BUSY}, {500, NS_E_UNREACHABLE}, {503, NS_E_BUSY}, {504, NS_E_TIMEOUT}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].status == status)
			return table[i].code;
	fail_msg("a recording of HTTP %d: say what it means", status);
	return NS_OK;
}

/* The beginning of what the server said, which the error has to carry: a Status' message up to what cleaning or redaction may change, or the text. */
static void words_of(const ns_buf *body, char *out, size_t cap)
{
	cJSON *j = ns_json_parse(ns_buf_str(body), body->len, &ns_json_api, NULL);
	const char *m = ns_json_str(j, "message", j ? "" : ns_buf_str(body));
	snprintf(out, cap, "%.*s", (int)strcspn(m, "\n\r\"{"), m);
	cJSON_Delete(j);
}

static got events_in(const ns_buf *body)
{
	got g = {0};
	for (const char *p = ns_buf_str(body); *p;) {
		size_t n = strcspn(p, "\n");
		cJSON *j = p[n] ? ns_json_parse(p, n, &ns_json_api, NULL) : NULL; /* an event that was cut is none */
		const char *type = ns_json_str(j, "type", "");
		g.added += strcmp(type, "ADDED") == 0;
		g.modified += strcmp(type, "MODIFIED") == 0;
		g.deleted += strcmp(type, "DELETED") == 0;
		g.bookmarks += strcmp(type, "BOOKMARK") == 0;
		if (strcmp(type, "ERROR") == 0)
			g.code = ns_json_int_or(ns_json_get(j, "object"), "code", 0) == 410 ? NS_E_EXPIRED : NS_E_FAILED;
		cJSON_Delete(j);
		p += n + (p[n] == '\n');
	}
	return g;
}

/* ---- the verdicts ---- */

typedef struct tally { int files, lists, items, streams, events, expired, refused, no_list, retried; } tally;

static void check_stream(const row *r, const ns_buf *wire, const ns_buf *body, size_t piece, tally *sum)
{
	tape t = {.wire = wire, .for_watch = true, .piece = piece};
	got want = events_in(body), g = reflect(&t);
	if (g.added != want.added || g.modified != want.modified || g.deleted != want.deleted || g.bookmarks != want.bookmarks)
		fail_msg("%s in pieces of %zu: %d %d %d %d, not %d %d %d %d", r->file, piece, g.added, g.modified, g.deleted, g.bookmarks, want.added, want.modified,
		    want.deleted, want.bookmarks);
	/* Too old a version means a list, anything else that ends a stream does not. */
	bool expired = want.code == NS_E_EXPIRED;
	if (atomic_load(&t.lists) != (expired ? 2 : 1))
		fail_msg("%s in pieces of %zu: %d lists", r->file, piece, atomic_load(&t.lists));
	if (piece == 1) {
		sum->streams++;
		sum->expired += expired;
		sum->events += g.added + g.modified + g.deleted + g.bookmarks;
	}
}

static void check_list(const row *r, const ns_buf *wire, const ns_buf *body, int items, size_t piece, tally *sum)
{
	tape t = {.wire = wire, .piece = piece};
	cJSON *j = body ? ns_json_parse(ns_buf_str(body), body->len, &ns_json_api, NULL) : NULL;
	const cJSON *list = ns_json_get(j, "items");
	bool is_list = !body || (list && *ns_json_str(j, "metadata.resourceVersion", ""));
	bool paged = *ns_json_str(j, "metadata.continue", "") != '\0';
	int want = body ? (int)ns_json_len(list) : items;
	got g = reflect(&t);
	if (is_list ? g.added != want || g.downs || g.ends != 1 || atomic_load(&t.lists) != 1 + paged : g.added || g.code != NS_E_INVALID || atomic_load(&t.lists) != 2)
		fail_msg("%s in pieces of %zu: %d of %d items, %d lists, %d ends, %s", r->file, piece, g.added, want, atomic_load(&t.lists), g.ends, g.why);
	cJSON_Delete(j);
	if (piece == 1) {
		sum->lists += is_list;
		sum->items += is_list ? want : 0;
		sum->no_list += !is_list;
	}
}

static void check_refusal(const row *r, const ns_buf *wire, const ns_buf *body, size_t piece, tally *sum)
{
	tape t = {.wire = wire, .for_watch = is_watch(r), .piece = piece};
	char words[256];
	words_of(body, words, sizeof words);
	got g = reflect(&t);
	/* 410 to a watch is no trouble to tell of: it is listed again at once. */
	bool quiet = is_watch(r) && r->status == 410;
	if (quiet ? g.downs : !g.downs || g.code != meaning(r->status) || !strstr(g.why, words))
		fail_msg("%s in pieces of %zu: %s \"%s\", want %s \"%s\"", r->file, piece, ns_code_lookup(g.code)->name, g.why, ns_code_lookup(meaning(r->status))->name, words);
	if (is_watch(r)) {
		bool keeps = r->status == 429 || r->status == 401 || (r->status >= 502 && r->status <= 504);
		if (atomic_load(&t.lists) != (keeps ? 1 : 2))
			fail_msg("%s: %d lists", r->file, atomic_load(&t.lists));
	}
	if (piece == 1)
		sum->refused++;
}

/* The same answer to a plain GET. A 429 that says when to come back is asked again, then. */
static void check_get(const row *r, const ns_buf *wire, const ns_buf *body, tally *sum)
{
	tape t = {.wire = wire, .piece = 1};
	script_server s;
	ns_err err = {0};
	char words[256];
	runs++;
	script_start(&s, handle, &t);
	ns_kubeconfig *k = ns_kubeconfig_load(kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c}\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:%d'}\n", s.port), NULL, &err);
	ns_kube_client *c = ns_kube_client_new(k, NULL, NULL, &err);
	cJSON *j = ns_kube_get(c, "/x", &err);
	words_of(body, words, sizeof words);
	bool again = (r->status == 429 || r->status == 503) && strcasestr(ns_buf_str(wire), "retry-after");
	bool json = r->status < 300 && strstr(r->type, "json");
	if (again ? !j || atomic_load(&t.lists) != 2 : r->status < 300 ? (j != NULL) != json || (!j && err.code != NS_E_INVALID)
	                                                              : j || err.code != meaning(r->status) || !strstr(err.text, words))
		fail_msg("GET of %s: %s \"%s\"", r->file, ns_code_lookup(err.code)->name, err.text);
	sum->retried += again;
	cJSON_Delete(j);
	ns_kube_client_free(c);
	ns_kubeconfig_free(k);
	script_stop(&s);
}

/* A recorded body as an answer: with the head that the index tells of. */
static void dress(const row *r, const ns_buf *body, ns_buf *wire)
{
	const char *after = strstr(r->headers, "retry-after=");
	ns_buf_printf(wire, "HTTP/1.1 %d X\r\nContent-Type: %s\r\n", r->status, r->type);
	if (after)
		ns_buf_printf(wire, "Retry-After: %d\r\n", atoi(after + 12));
	ns_buf_printf(wire, "Content-Length: %zu\r\n\r\n", body->len);
	ns_buf_put(wire, body->data, body->len);
}

/* The gzip recording holds the pods whose Table stands beside it: as many items as that has rows. */
static int rows_of_table(const char *version)
{
	char path[512];
	ns_buf wire = NS_BUF_INIT, body = NS_BUF_INIT;
	snprintf(path, sizeof path, ROOT "/%s/raw/list-table.http", version);
	assert_true(ns_read_file(path, 1 << 24, &wire, NULL) && body_of(&wire, &body));
	cJSON *j = ns_json_parse(ns_buf_str(&body), body.len, &ns_json_api, NULL);
	int n = (int)ns_json_len(ns_json_get(j, "rows"));
	cJSON_Delete(j);
	ns_buf_free(&wire);
	ns_buf_free(&body);
	assert_true(n > 0);
	return n;
}

static void replay(const char *version, const row *r, tally *sum)
{
	static const size_t pieces[] = {1, 13, 1 << 24};
	char *path = ns_xasprintf(ROOT "/%s/%s", version, r->file);
	ns_buf file = NS_BUF_INIT, body = NS_BUF_INIT, wire = NS_BUF_INIT;
	assert_true(ns_read_file(path, 1 << 24, &file, NULL));
	free(path);
	bool raw = begins(r->file, "raw/"), plain = true;
	if (raw) {
		ns_buf_put(&wire, file.data, file.len);
		plain = body_of(&wire, &body);
	} else {
		ns_buf_put(&body, ns_buf_str(&file), file.len);
		dress(r, &body, &wire);
	}
	for (size_t i = 0; i < 3; i++) {
		/* An answer to what a reflector would never send is an answer still: to its list, then. */
		if (r->status >= 300)
			check_refusal(r, &wire, &body, pieces[i], sum);
		else if (is_watch(r))
			check_stream(r, &wire, &body, pieces[i], sum);
		else if (r->status == 200)
			check_list(r, &wire, plain ? &body : NULL, plain ? 0 : rows_of_table(version), pieces[i], sum);
	}
	if (plain && !is_watch(r)) {
		check_get(r, &wire, &body, sum);
	}
	sum->files++;
	ns_buf_free(&file);
	ns_buf_free(&body);
	ns_buf_free(&wire);
}

static void test_recorded_traffic(void **state)
{
	if (access(ROOT, R_OK) != 0) {
		print_message("# %s is not there: no recorded traffic to replay\n", ROOT);
		skip();
		return;
	}
	for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
		char path[256];
		ns_buf index = NS_BUF_INIT;
		tally sum = {0};
		int http = 0;
		runs = 0;
		snprintf(path, sizeof path, ROOT "/%s/index.tsv", versions[v]);
		assert_true(ns_read_file(path, 1 << 24, &index, NULL));
		for (char *line = index.data, *next; line && *line; line = next) {
			row r;
			next = line + strcspn(line, "\n");
			next += *next == '\n';
			char copy[8192];
			snprintf(copy, sizeof copy, "%.*s", (int)(next - line), line);
			if (!read_row(copy, &r) || begins(r.file, "kubectl/"))
				continue;
			http++;
			replay(versions[v], &r, &sum);
		}
		ns_buf_free(&index);
		print_message("## %s: %d files in %d runs (by 1 byte, by 13, whole): %d lists with %d items, %d streams with %d events (%d expired), %d refused in the server's words, "
		              "%d no list, %d asked again after Retry-After\n", versions[v], sum.files, runs, sum.lists, sum.items, sum.streams, sum.events, sum.expired, sum.refused,
		    sum.no_list, sum.retried);
		assert_true(http > 50 && sum.files == http);
		assert_true(sum.streams >= 12 && sum.expired >= 2 && sum.lists >= 5 && sum.refused >= 20);
	}
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded_traffic)};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
