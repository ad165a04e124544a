/* Servers, and things that stand in front of them, at their worst: the row says in one line what it is, the process lives, and what heals is
 * taken up. And what a well-behaved one costs: requests over simulated hours. */
#include "kube/watch_rig.h"

#include <curl/curl.h>

#define LIST "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{\"metadata\":{\"name\":\"p\",\"resourceVersion\":\"4\"}}]}"
#define EVENT "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"p\",\"resourceVersion\":\"6\"}}}\n"

/* ---- what the owner hears ---- */

typedef struct heard {
	rig *r;
	int added, modified, downs, lives, want_modified, want_downs;
	size_t longest;
	ns_code code;
	char why[512];
} heard;

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	heard *h = ctx;
	const char *name = ns_json_str(obj, "metadata.name", ""), *x = ns_json_str(obj, "metadata.annotations.x", "");
	h->added += type == NS_WATCH_ADDED;
	h->modified += type == NS_WATCH_MODIFIED && *name;
	h->lives += type == NS_WATCH_LIVE;
	if (strlen(x) > h->longest)
		h->longest = strlen(x);
	if (type == NS_WATCH_DOWN && !h->downs++) {
		h->code = why->code;
		snprintf(h->why, sizeof h->why, "%s", why->text);
	}
	if (h->want_modified ? h->modified >= h->want_modified : h->downs >= h->want_downs)
		ns_cancel_fire(h->r->cancel);
}

static const ns_watch_row pods[] = {{.name = "pods", .path = "/api/v1/pods", .query = "", .cluster_scoped = true}};

static void play(script_handler handle, void *ctx, heard *h, int watch_seconds)
{
	script_server s;
	rig r = {.rows = pods, .n_rows = 1, .on_event = on_event, .ctx = h, .watch_seconds = watch_seconds};
	h->r = &r;
	script_start(&s, handle, ctx);
	rig_run(&r, &s);
	script_stop(&s);
}

static bool good(script_server *s, int fd, const char *target)
{
	if (!strstr(target, "watch=1"))
		return script_answer(fd, 200, "", LIST);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, EVENT, strlen(EVENT));
	script_hold(s, fd);
	return false;
}

/* ---- the first answer to a list is bad, in so many ways ---- */

typedef struct first { const char *raw; size_t n; bool (*endless)(int fd); atomic_int lists; } first;

static bool handle_first(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	first *f = s->ctx;
	if (strstr(target, "watch=1") || atomic_fetch_add(&f->lists, 1))
		return good(s, fd, target);
	if (f->endless)
		return f->endless(fd);
	script_send(fd, f->raw, f->n);
	return false;
}

static void test_answers_that_are_no_list(void **state)
{
	static const struct { const char *raw; ns_code code; const char *words; } rows[] = {
	    {"", NS_E_UNREACHABLE, "closed the connection without an answer"},
	    {"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\nContent-Length: 0\r\n\r\n", NS_E_FAILED, "redirects elsewhere, which is not followed"},
	    {"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 27\r\n\r\n<html>Please log in</html>\n", NS_E_INVALID, "text/html; charset=utf-8 and no JSON: a proxy or a login page"},
	    {"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html>no</html", NS_E_UNREACHABLE, "HTTP 502"},
	    {"HTTP/1.1 422 Unprocessable\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n{\"kind\":\"Status\",\"message\":\"invalid!\"}", NS_E_INVALID, "invalid!"},
	    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 44\r\n\r\n{\"message\":\"\\u001b[31mred\\u0007 \\u202eevil\"}", NS_E_DENIED, "^[[31mred^G"},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" LIST, NS_E_UNREACHABLE, "in the middle of an answer"},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" LIST, NS_E_INVALID, "the list was cut off"},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", NS_E_UNREACHABLE, ""},
	    {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnotgzip", NS_E_UNREACHABLE, ""},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"items\":\"seven\"}", NS_E_INVALID, "no resourceVersion"},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n{\"items\":[],\"metadata\":{\"resourceVersion\":{\"a\":[1,2]}}}", NS_E_INVALID, "no resourceVersion"},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", NS_E_INVALID, ""},
	    {"HTTP/1.1 204 No Content\r\n\r\n", NS_E_FAILED, "HTTP 204"},
	    {"SSH-2.0-OpenSSH_9.2\r\n", NS_E_UNREACHABLE, ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		first f = {.raw = rows[i].raw, .n = strlen(rows[i].raw)};
		heard h = {.want_modified = 1};
		play(handle_first, &f, &h, 0);
		if (h.downs < 1 || h.code != rows[i].code || !strstr(h.why, rows[i].words) || strpbrk(h.why, "\x1b\x07\n") || h.modified < 1)
			fail_msg("%zu: %s \"%s\", modified %d", i, ns_code_lookup(h.code)->name, h.why, h.modified);
	}
}

static bool endless_blanks(int fd)
{
	static char blanks[65536];
	memset(blanks, ' ', sizeof blanks);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	while (script_chunk(fd, blanks, sizeof blanks))
		;
	return false;
}

static bool endless_object(int fd)
{
	static char text[65536];
	memset(text, 'x', sizeof text);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, "{\"items\":[{\"a\":\"", 16);
	while (script_chunk(fd, text, sizeof text))
		;
	return false;
}

static bool endless_depth(int fd)
{
	static char text[65536];
	memset(text, '[', sizeof text);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, "{\"items\":[", 10);
	while (script_chunk(fd, text, sizeof text))
		;
	return false;
}

static bool endless_headers(int fd)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n", line[] = "X-Filler: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
	script_send(fd, head, sizeof head - 1);
	while (script_send(fd, line, sizeof line - 1))
		;
	return false;
}

static bool deep_object(int fd)
{
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, "{\"items\":[", 10);
	for (int i = 0; i < 100000; i++)
		script_chunk(fd, "{\"a\":", 5);
	script_send(fd, "0\r\n\r\n", 5);
	return false;
}

static void test_bodies_without_an_end(void **state)
{
	static bool (*const all[])(int fd) = {endless_blanks, endless_object, endless_depth, endless_headers, deep_object};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		first f = {.endless = all[i]};
		heard h = {.want_modified = 1};
		play(handle_first, &f, &h, 0);
		if (!h.downs || !h.modified)
			fail_msg("%zu: %d downs, %d events (%s)", i, h.downs, h.modified, h.why);
	}
}

/* ---- pages without an end ---- */

static bool handle_circle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	int *same = s->ctx;
	static atomic_int n;
	char text[256];
	snprintf(text, sizeof text, "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"t%d\"},\"items\":[]}", *same ? 1 : atomic_fetch_add(&n, 1));
	return script_answer(fd, 200, "", text);
}

static void test_pages_that_go_in_a_circle(void **state)
{
	int same = 1;
	heard h = {.want_downs = 1};
	play(handle_circle, &same, &h, 0);
	assert_int_equal(h.code, NS_E_INVALID);
	assert_non_null(strstr(h.why, "the list has no end"));
}

/* ---- big and strange, but good ---- */

static bool handle_big(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	size_t n = 10 << 20;
	if (!strstr(target, "watch=1"))
		return script_answer(fd, 200, "", LIST);
	char *e = malloc(n + 512);
	int at = sprintf(e, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"\\u0007\\u001b]0;x\",\"resourceVersion\":\"6\",\"annotations\":{\"x\":\"");
	memset(e + at, 'y', n);
	at += (int)n + sprintf(e + at + n, "\"}}}}\n");
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, e, (size_t)at);
	free(e);
	script_hold(s, fd);
	return false;
}

static void test_ten_megabytes_of_annotation_and_control_bytes_in_a_name(void **state)
{
	heard h = {.want_modified = 1};
	play(handle_big, NULL, &h, 0);
	assert_int_equal(h.downs, 0);
	assert_int_equal(h.longest, 10 << 20);
}

/* ---- connections that die ---- */

static bool handle_closer(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	return false;
}

/* Ten minutes of the clock: one line says why, and the back-off keeps the requests few. */
static void test_a_server_that_closes_every_connection_at_once(void **state)
{
	heard h = {.want_downs = 1 << 30};
	rig r = {.rows = pods, .n_rows = 1, .on_event = on_event, .ctx = &h};
	script_server s;
	h.r = &r;
	script_start(&s, handle_closer, NULL);
	r.limit_ms = 600;
	rig_run(&r, &s);
	int requests = atomic_load(&s.requests);
	script_stop(&s);
	assert_int_equal(h.downs, 1);
	assert_int_equal(h.code, NS_E_UNREACHABLE);
	assert_in_range(requests, 10, 80);
	assert_true(atomic_load(&r.stats.errors) >= 10);
}

/* The first watch says nothing more and never ends, as after a power cut: no FIN, no end by the server's own limit. */
static bool handle_dead(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	atomic_int *watches = s->ctx;
	if (strstr(target, "watch=1") && atomic_fetch_add(watches, 1) == 0) {
		script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
		script_hold(s, fd);
		return false;
	}
	return good(s, fd, target);
}

static void test_a_connection_that_died_without_a_word_is_replaced(void **state)
{
	atomic_int watches = 0;
	heard h = {.want_modified = 1};
	int64_t before = ns_real_mono_ms();
	play(handle_dead, &watches, &h, 1); /* 1 to 2 s, and a second of slack */
	int64_t took = ns_real_mono_ms() - before;
	assert_int_equal(h.downs, 0); /* the version is still good: nobody need be told */
	assert_int_equal(atomic_load(&watches), 2);
	assert_true(took >= 1900);
}

/* ---- the price of watching: 16 rows, some not installed, for an hour of a clock that runs a thousand times as fast ---- */

typedef struct priced { atomic_int lists, watches, absent; } priced;

static bool handle_priced(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	priced *p = s->ctx;
	const char *seconds = strstr(target, "timeoutSeconds=");
	if (strstr(target, "/absent")) {
		atomic_fetch_add(&p->absent, 1);
		return script_answer(fd, 404, "", "404 page not found");
	}
	if (!seconds) {
		atomic_fetch_add(&p->lists, 1);
		return script_answer(fd, 200, "", LIST);
	}
	static const char mark[] = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}\n";
	atomic_fetch_add(&p->watches, 1);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	script_chunk(fd, mark, sizeof mark - 1);
	struct pollfd dead = {.fd = fd, .events = POLLIN};
	poll(&dead, 1, atoi(seconds + 15)); /* milliseconds here, as the clock runs a thousand times as fast */
	script_send(fd, "0\r\n\r\n", 5);
	return false;
}

typedef struct hours { ns_cancel **cancel; int64_t until, from; int downs; } hours;

static void on_hours(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	hours *h = ctx;
	h->downs += type == NS_WATCH_DOWN && why->code != NS_E_NOTFOUND;
	if (ns_real_mono_ms() >= h->until)
		ns_cancel_fire(*h->cancel);
}

static void test_requests_per_second_over_an_hour(void **state)
{
	enum { ROWS = 16, ABSENT = 4, REAL_MS = 4000 };
	char paths[ROWS][32];
	ns_watch_row rows[ROWS];
	for (int i = 0; i < ROWS; i++) {
		snprintf(paths[i], sizeof paths[i], "/api/v1/%s%d", i < ABSENT ? "absent" : "things", i);
		rows[i] = (ns_watch_row){.name = paths[i], .path = paths[i], .query = "", .optional = true};
	}
	priced p = {0};
	script_server s;
	rig r = {.rows = rows, .n_rows = ROWS, .on_event = on_hours};
	hours h = {.cancel = &r.cancel, .from = ns_real_mono_ms(), .until = ns_real_mono_ms() + REAL_MS};
	r.ctx = &h;
	script_start(&s, handle_priced, &p);
	rig_run(&r, &s);
	script_stop(&s);
	double seconds = (double)(ns_real_mono_ms() - h.from); /* simulated: a thousand times the real ones, in thousandths */
	int64_t requests = atomic_load(&r.stats.requests);
	print_message("# %d rows, %.0f simulated seconds: %lld requests, %.3f a second (%d lists, %d watches, %d not there)\n", ROWS, seconds, (long long)requests,
	    (double)requests / seconds, atomic_load(&p.lists), atomic_load(&p.watches), atomic_load(&p.absent));
	assert_int_equal(atomic_load(&p.lists), ROWS - ABSENT); /* once each: nothing is listed that can be watched on */
	assert_int_equal(h.downs, 0);
	/* The Lease adds one request in two seconds; both together stay under one a second. */
	assert_true((double)requests / seconds < 0.2);
	assert_true(atomic_load(&p.watches) > 3 * (ROWS - ABSENT));
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers_that_are_no_list),
	    cmocka_unit_test(test_bodies_without_an_end),
	    cmocka_unit_test(test_pages_that_go_in_a_circle),
	    cmocka_unit_test(test_ten_megabytes_of_annotation_and_control_bytes_in_a_name),
	    cmocka_unit_test(test_a_server_that_closes_every_connection_at_once),
	    cmocka_unit_test(test_a_connection_that_died_without_a_word_is_replaced),
	    cmocka_unit_test(test_requests_per_second_over_an_hour),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
