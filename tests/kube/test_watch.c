/* The reflector against a server that misbehaves on purpose. The clock runs fast, so that back-off costs nothing. */
#include "support/test.h"
#include "kube/script_server.h"

#include <curl/curl.h>

#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/watch.h"

#define N_EVENTS 5
#define FIRST_RV 10

/* ---- the cluster as the server tells it ---- */

static const char list_body[] = "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":["
                                "{\"metadata\":{\"name\":\"a\",\"uid\":\"u-a\",\"resourceVersion\":\"3\",\"managedFields\":[{\"a\":\"}]\\\"\"}]}},"
                                "{\"metadata\":{\"name\":\"b\",\"uid\":\"u-b\",\"resourceVersion\":\"9\"}}]}";

static void event_text(int i, char *out, size_t cap)
{
	if (i == 2)
		snprintf(out, cap, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"%d\"}}}\n", FIRST_RV + 1 + i);
	else
		snprintf(out, cap,
		    "{\"type\":\"%s\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\\u00e9\xc3\xa9\",\"uid\":\"u-a\",\"resourceVersion\":\"%d\"}}}\n",
		    i == 4 ? "DELETED" : "MODIFIED", FIRST_RV + 1 + i);
}

static int version_of(const char *target)
{
	const char *p = strstr(target, "resourceVersion=");
	return p ? atoi(p + 16) : -1;
}

/* ---- what the reflector told ---- */

typedef struct told {
	pthread_mutex_t mu;
	char log[1 << 16]; /* one letter an event; versions of objects behind M and D */
	size_t n;
	int objects, lives, downs, replaces, bad_order, last_rv;
	char why[512];
	ns_code why_code;
	int want_objects, want_rv, want_lives, want_downs;
	ns_cancel *cancel;
} told;

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	told *t = ctx;
	static const char letters[] = "[]AMDLX-";
	if (t->n < sizeof t->log - 1)
		t->log[t->n++] = letters[type];
	if (type == NS_WATCH_MODIFIED || type == NS_WATCH_DELETED) {
		int rv = (int)strtol(ns_json_str(obj, "metadata.resourceVersion", "0"), NULL, 10);
		t->bad_order += rv <= t->last_rv;
		t->last_rv = rv;
		t->objects++;
	} else if (type == NS_WATCH_ADDED) {
		t->objects++;
		if (ns_json_path(obj, "metadata.managedFields"))
			t->bad_order++;
	} else if (type == NS_WATCH_LIVE) {
		t->lives++;
	} else if (type == NS_WATCH_REPLACE_END) {
		t->replaces++;
	} else if (type == NS_WATCH_DOWN) {
		t->downs++;
		t->why_code = why->code;
		snprintf(t->why, sizeof t->why, "%s", why->text);
	}
	if (t->objects >= t->want_objects && t->last_rv >= t->want_rv && t->lives >= t->want_lives && t->downs >= t->want_downs)
		ns_cancel_fire(t->cancel);
}

static ns_kubeconfig *config(int port)
{
	char path[] = "/tmp/ns-test-kc-XXXXXX", text[512];
	int fd = mkstemp(path);
	snprintf(text, sizeof text,
	    "apiVersion: v1\nkind: Config\ncurrent-context: t\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
	    "contexts: [{name: t, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n",
	    port);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ns_err err = {0};
	ns_kubeconfig *k = ns_kubeconfig_load(path, NULL, &err);
	unlink(path);
	if (!k)
		fail_msg("%s", err.text);
	return k;
}

typedef struct guard { ns_cancel *cancel; atomic_bool done; } guard;

/* No test hangs: after 20 real seconds the watch is told to stop and the counts fail the test. */
static void *guard_run(void *arg)
{
	guard *g = arg;
	for (int i = 0; i < 20000 && !atomic_load(&g->done); i++)
		usleep(1000);
	ns_cancel_fire(g->cancel);
	return NULL;
}

static ns_kube_stats stats;
static const char *const *older; /* other versions of the API of the row */

static void watch(script_server *s, told *t, bool optional, int rate)
{
	ns_kubeconfig *k = config(s->port);
	static const char *const keep[] = {"metadata.name", "metadata.uid", "spec", "status", NULL};
	ns_watch_row rows[] = {{.name = "pods", .path = "/api/v1/pods", .query = "", .optional = optional, .cluster_scoped = optional, .keep = keep, .older = older}};
	ns_clock *clock = ns_clock_scaled(rate, 0, 1700000000000);
	t->cancel = ns_cancel_new();
	ns_watch_opts o = {.cfg = k, .clock = clock, .rows = rows, .n_rows = 1, .stats = &stats, .on_event = on_event, .wake_fd = -1, .ctx = t};
	guard g = {.cancel = t->cancel};
	pthread_t th;
	pthread_create(&th, NULL, guard_run, &g);
	ns_err err = {0};
	assert_true(ns_watch_run(&o, t->cancel, &err));
	atomic_store(&g.done, true);
	pthread_join(th, NULL);
	ns_cancel_free(t->cancel);
	ns_clock_free(clock);
	ns_kubeconfig_free(k);
}

/* ---- a connection that is cut at every byte of the stream ---- */

typedef struct cut { atomic_size_t at; atomic_bool done; char stream[8192]; size_t n; } cut;

static bool handle_cut(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	cut *c = s->ctx;
	if (!strstr(target, "watch=1"))
		return script_answer(fd, 200, "", list_body);
	int from = version_of(target);
	if (!atomic_exchange(&c->done, true)) {
		script_send(fd, c->stream, atomic_load(&c->at));
		return false;
	}
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	for (int i = 0; i < N_EVENTS; i++) {
		char e[512];
		event_text(i, e, sizeof e);
		if (FIRST_RV + 1 + i > from)
			script_chunk(fd, e, strlen(e));
	}
	script_hold(s, fd);
	return false;
}

static void make_stream(cut *c)
{
	c->n = (size_t)snprintf(c->stream, sizeof c->stream, "%s", SCRIPT_STREAM_HEAD);
	for (int i = 0; i < N_EVENTS; i++) {
		char e[512];
		event_text(i, e, sizeof e);
		/* Chunks that do not end with the events. */
		size_t half = strlen(e) / 2;
		c->n += (size_t)snprintf(c->stream + c->n, sizeof c->stream - c->n, "%zx\r\n%.*s\r\n%zx\r\n%s\r\n", half, (int)half, e, strlen(e) - half, e + half);
	}
	c->n += (size_t)snprintf(c->stream + c->n, sizeof c->stream - c->n, "0\r\n\r\n");
}

static void test_cut_at_every_byte(void **state)
{
	cut c = {0};
	make_stream(&c);
	/* Each byte once; a sanitizer build takes every seventh to stay within its time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	size_t step = 7;
#else
	size_t step = 1;
#endif
	script_server s;
	script_start(&s, handle_cut, &c);
	for (size_t at = 0; at <= c.n; at += step) {
		told *t = calloc(1, sizeof *t);
		t->want_objects = 2 + N_EVENTS - 1;
		atomic_store(&c.at, at);
		atomic_store(&c.done, false);
		watch(&s, t, false, 1000);
		if (t->objects != 2 + N_EVENTS - 1 || t->bad_order || t->replaces != 1)
			fail_msg("cut at byte %zu of %zu: %s", at, c.n, t->log);
		free(t);
	}
	script_stop(&s);
}

/* ---- 410 in both forms, bookmarks, Retry-After, garbage, drip, size ---- */

typedef struct plan {
	atomic_int lists, watches;
	const char *first_watch;   /* raw answer to the first watch call */
	const char *first_list;
	size_t big;                /* bytes of padding in the one event of the second watch */
	bool drip;
	int64_t first_at, second_at;
} plan;

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool handle_plan(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	plan *p = s->ctx;
	if (!strstr(target, "watch=1")) {
		if (atomic_fetch_add(&p->lists, 1) == 0 && p->first_list) {
			script_send(fd, p->first_list, strlen(p->first_list));
			return false;
		}
		return script_answer(fd, 200, "", list_body);
	}
	int nth = atomic_fetch_add(&p->watches, 1);
	*(nth ? &p->second_at : &p->first_at) = now_ms();
	if (nth == 0 && p->first_watch) {
		script_send(fd, p->first_watch, strlen(p->first_watch));
		return false;
	}
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	if (p->big) {
		char *e = malloc(p->big + 256);
		int n = sprintf(e, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"resourceVersion\":\"11\",\"annotations\":{\"x\":\"");
		memset(e + n, 'x', p->big);
		n += (int)p->big;
		n += sprintf(e + n, "\"}}}}\n");
		script_chunk(fd, e, (size_t)n);
		free(e);
	} else {
		char e[512];
		event_text(0, e, sizeof e);
		for (size_t i = 0; p->drip && i + 1 < strlen(e); i++)
			script_chunk(fd, e + i, 1);
		script_chunk(fd, p->drip ? "\n" : e, p->drip ? 1 : strlen(e));
	}
	script_hold(s, fd);
	return false;
}

/* Until the event of the second watch came, or the row was told to be down `want_downs` times. */
static told *play(plan *p, bool optional, int want_downs)
{
	script_server s;
	told *t = calloc(1, sizeof *t);
	t->want_rv = want_downs ? 0 : FIRST_RV + 1;
	t->want_downs = want_downs;
	script_start(&s, handle_plan, p);
	watch(&s, t, optional, 1000);
	script_stop(&s);
	return t;
}

#define GONE_STATUS \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource version: 5 (1498)\",\"reason\":\"Expired\",\"code\":410}"

static void test_gone_as_http_status(void **state)
{
	char raw[512];
	snprintf(raw, sizeof raw, "HTTP/1.1 410 Gone\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(GONE_STATUS), GONE_STATUS);
	plan p = {.first_watch = raw};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA][AA]LM");
	assert_int_equal(atomic_load(&p.lists), 2);
	free(t);
}

static void test_gone_as_event(void **state)
{
	char raw[1024], line[512];
	snprintf(line, sizeof line, "{\"type\":\"ERROR\",\"object\":%s}\n", GONE_STATUS);
	snprintf(raw, sizeof raw, SCRIPT_STREAM_HEAD "%zx\r\n%s\r\n0\r\n\r\n", strlen(line), line);
	plan p = {.first_watch = raw};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]L[AA]M");
	free(t);
}

static void test_other_error_event_keeps_the_version(void **state)
{
	static const char line[] = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500,\"reason\":\"InternalError\",\"message\":\"etcd is tired\"}}\n";
	char raw[1024];
	snprintf(raw, sizeof raw, SCRIPT_STREAM_HEAD "%zx\r\n%s\r\n0\r\n\r\n", strlen(line), line);
	plan p = {.first_watch = raw};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]LXLM");
	assert_non_null(strstr(t->why, "etcd is tired"));
	assert_int_equal(atomic_load(&p.lists), 1);
	free(t);
}

static void test_retry_after_is_kept(void **state)
{
	/* 30 s of a clock that runs 1000 times faster: 30 ms, where the back-off alone would be at most 2. */
	plan p = {.first_watch = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nlater ..."};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]XLM");
	assert_int_equal(t->why_code, NS_E_BUSY);
	assert_non_null(strstr(t->why, "later"));
	assert_true(p.second_at - p.first_at >= 28);
	assert_int_equal(atomic_load(&p.lists), 1);
	free(t);
}

static void test_garbage_is_an_error_not_an_event(void **state)
{
	static const char *const lines[] = {"this is no JSON\n", "{\"type\":\"MODIFIED\"}\n", "{\"type\":\"SURPRISE\",\"object\":{}}\n", "[1,2,3]\n", "\"x\"\n",
	    "{\"type\":\"ADDED\",\"object\":7}\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char raw[512];
		snprintf(raw, sizeof raw, SCRIPT_STREAM_HEAD "%zx\r\n%s\r\n0\r\n\r\n", strlen(lines[i]), lines[i]);
		plan p = {.first_watch = raw};
		told *t = play(&p, false, 0);
		if (strcmp(t->log, "[AA]LXLM") != 0)
			fail_msg("%s: %s (%s)", lines[i], t->log, t->why);
		free(t);
	}
}

/* Anybody who may write an annotation can put a NUL there: it must not end the watch of all. */
static void test_nul_in_an_object_ends_nothing(void **state)
{
	static const char line[] = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":\"\\u0000\"}}}}\n";
	char raw[512];
	snprintf(raw, sizeof raw, SCRIPT_STREAM_HEAD "%zx\r\n%s\r\n0\r\n\r\n", strlen(line), line);
	plan p = {.first_watch = raw};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]LAM");
	free(t);
}

static void test_list_garbage(void **state)
{
	static const char *const bodies[] = {"nonsense", "[]", "{\"items\":[{\"a\":}]}", "{\"metadata\":{},\"items\":[]}", "{\"items\":[{},", "", "{\"items\":[]}}"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		char raw[512];
		snprintf(raw, sizeof raw, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(bodies[i]), bodies[i]);
		plan p = {.first_list = raw};
		told *t = play(&p, false, 0);
		if (!strstr(t->log, "X[AA]LM") || t->replaces != 1)
			fail_msg("%s: %s (%s)", bodies[i], t->log, t->why);
		free(t);
	}
}

static void test_one_byte_at_a_time(void **state)
{
	plan p = {.drip = true};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]LM");
	free(t);
}

static void test_object_of_megabytes(void **state)
{
	plan p = {.big = 5 << 20};
	told *t = play(&p, false, 0);
	assert_string_equal(t->log, "[AA]LM");
	free(t);
}

static void test_object_over_the_cap(void **state)
{
	plan p = {.big = 17 << 20};
	told *t = play(&p, false, 1);
	assert_int_equal(t->why_code, NS_E_TOOBIG);
	free(t);
}

static void test_optional_row_that_is_not_there(void **state)
{
	static const struct { const char *raw; ns_code code; } rows[] = {
	    {"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n404 page not found", NS_E_NOTFOUND},
	    {"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n{\"kind\":\"Status\",\"message\":\"no way!!\"}", NS_E_DENIED}};
	for (size_t i = 0; i < 2; i++) {
		plan p = {.first_list = rows[i].raw};
		told *t = play(&p, true, 0); /* five minutes later it is there */
		assert_string_equal(t->log, "[X[AA]LM");
		assert_int_equal(t->why_code, rows[i].code);
		free(t);
	}
}

/* Versions of an API come and go: the server knows only the oldest that is asked for, and forgets it as well for a while. */
typedef struct versions { plan p; atomic_int asked[3]; } versions;

static bool handle_versions(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	versions *v = s->ctx;
	int which = strncmp(target, "/api/v1/", 8) == 0 ? 0 : strncmp(target, "/apis/v1beta2/", 14) == 0 ? 1 : 2;
	int nth = strstr(target, "watch=1") ? 1 : atomic_fetch_add(&v->asked[which], 1);
	if (which < 2 || nth == 0)
		return script_answer(fd, 404, "", "404 page not found");
	s->ctx = &v->p;
	bool go_on = handle_plan(s, fd, method, target, head, body);
	s->ctx = v;
	return go_on;
}

static void test_other_versions_of_an_api_are_tried(void **state)
{
	static const char *const others[] = {"/apis/v1beta2/pods", "/apis/v1beta1/pods", NULL};
	script_server s;
	versions v = {0};
	told *t = calloc(1, sizeof *t);
	t->want_rv = FIRST_RV + 1;
	older = others;
	script_start(&s, handle_versions, &v);
	watch(&s, t, true, 1000);
	script_stop(&s);
	older = NULL;
	/* Absent only once all of them are unknown; five minutes later the last is known, and stays in use. */
	assert_string_equal(t->log, "[[[X[[[AA]LM");
	assert_int_equal(atomic_load(&v.asked[0]), 2);
	assert_int_equal(atomic_load(&v.asked[1]), 2);
	assert_int_equal(atomic_load(&v.asked[2]), 2);
	free(t);
}

/* ---- pages ---- */

static bool handle_pages(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	atomic_int *lists = s->ctx;
	if (strstr(target, "watch=1")) {
		script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
		script_hold(s, fd);
		return false;
	}
	int nth = atomic_fetch_add(lists, 1);
	bool paged = strstr(target, "limit=500") != NULL, more = strstr(target, "continue=to%2Fken%3D") != NULL;
	if (nth == 0 && paged && !more)
		return script_answer(fd, 200, "", "{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"to/ken=\"},\"items\":[{\"a\":1}]}");
	if (nth == 1 && more) /* compacted meanwhile: the whole list is asked anew, in one */
		return script_answer(fd, 410, "", GONE_STATUS);
	if (nth == 2 && !paged)
		return script_answer(fd, 200, "", "{\"items\":[{\"a\":1},{\"a\":2},{\"a\":3}],\"metadata\":{\"resourceVersion\":\"8\"}}");
	return script_answer(fd, 500, "", "{\"message\":\"unexpected request\"}");
}

static void test_pages_and_an_expired_token(void **state)
{
	script_server s;
	atomic_int lists = 0;
	told *t = calloc(1, sizeof *t);
	t->want_objects = 4;
	t->want_lives = 1;
	script_start(&s, handle_pages, &lists);
	watch(&s, t, false, 1000);
	script_stop(&s);
	assert_string_equal(t->log, "[AX[AAA]L");
	free(t);
}

/* ---- nobody there, and how fast an event comes through ---- */

static void test_server_that_comes_back(void **state)
{
	script_server dead;
	plan p = {0};
	script_start(&dead, handle_plan, &p);
	int port = dead.port;
	script_stop(&dead);
	told *t = calloc(1, sizeof *t);
	t->want_downs = 1;
	watch(&(script_server){.port = port}, t, false, 1000);
	assert_int_equal(t->why_code, NS_E_UNREACHABLE);
	assert_non_null(strstr(t->why, "nothing answers"));
	free(t);
}

typedef struct delay { int64_t sent_ns[200]; int64_t got_ns[200]; int n; } delay;

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static delay delays;

static bool handle_delay(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	if (!strstr(target, "watch=1"))
		return script_answer(fd, 200, "", list_body);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	for (int i = 0; i < 200; i++) {
		char e[256];
		snprintf(e, sizeof e, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"resourceVersion\":\"%d\"}}}\n", 11 + i);
		usleep(1000);
		delays.sent_ns[i] = now_ns();
		script_chunk(fd, e, strlen(e));
	}
	script_hold(s, fd);
	return false;
}

static void on_delay(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	if (type == NS_WATCH_MODIFIED && delays.n < 200)
		delays.got_ns[delays.n++] = now_ns();
	if (delays.n == 200)
		ns_cancel_fire(ctx);
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void test_latency_is_told(void **state)
{
	script_server s;
	script_start(&s, handle_delay, NULL);
	ns_kubeconfig *k = config(s.port);
	ns_watch_row row = {.name = "pods", .path = "/api/v1/pods", .query = ""};
	ns_cancel *cancel = ns_cancel_new();
	ns_watch_opts o = {.cfg = k, .clock = ns_clock_real(), .rows = &row, .n_rows = 1, .on_event = on_delay, .wake_fd = -1, .ctx = cancel};
	assert_true(ns_watch_run(&o, cancel, NULL));
	int64_t d[200];
	for (int i = 0; i < 200; i++)
		d[i] = delays.got_ns[i] - delays.sent_ns[i];
	qsort(d, 200, sizeof *d, by_value);
	print_message("# socket to on_event: median %lld us, p99 %lld us\n", (long long)d[100] / 1000, (long long)d[197] / 1000);
	ns_cancel_free(cancel);
	ns_kubeconfig_free(k);
	script_stop(&s);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cut_at_every_byte),
	    cmocka_unit_test(test_gone_as_http_status),
	    cmocka_unit_test(test_gone_as_event),
	    cmocka_unit_test(test_other_error_event_keeps_the_version),
	    cmocka_unit_test(test_retry_after_is_kept),
	    cmocka_unit_test(test_garbage_is_an_error_not_an_event),
	    cmocka_unit_test(test_nul_in_an_object_ends_nothing),
	    cmocka_unit_test(test_list_garbage),
	    cmocka_unit_test(test_one_byte_at_a_time),
	    cmocka_unit_test(test_object_of_megabytes),
	    cmocka_unit_test(test_object_over_the_cap),
	    cmocka_unit_test(test_optional_row_that_is_not_there), cmocka_unit_test(test_other_versions_of_an_api_are_tried),
	    cmocka_unit_test(test_pages_and_an_expired_token),
	    cmocka_unit_test(test_server_that_comes_back),
	    cmocka_unit_test(test_latency_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
