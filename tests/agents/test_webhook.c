/* The receiver, spoken to over real HTTP. */
#include "support/test.h"
#include "support/tmpdir.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neuroscale/agents/webhook.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/sys/fs.h"

#define MINUTE 60000LL
#define TOKEN  "0123456789abcdef0123456789abcdef"

typedef struct rig {
	ns_webhook *w;
	ns_services *services;
	ns_clock *clock;
	const char *keep; /* set between rig_open and rig_again */
	char url[64], trouble[512];
	pthread_mutex_t mu;
	char log[4096];     /* "+name" firing, "-name" resolved; under mu */
	_Atomic int answer; /* ns_code that take gives */
} rig;

static bool take(void *ctx, const ns_am_alert *a, ns_err *err)
{
	rig *r = ctx;
	int code = atomic_load(&r->answer);
	if (code)
		return ns_fail(err, (ns_code)code, "told so");
	pthread_mutex_lock(&r->mu);
	size_t n = strlen(r->log);
	snprintf(r->log + n, sizeof r->log - n, "%c%s;", a->resolved ? '-' : '+', a->name);
	pthread_mutex_unlock(&r->mu);
	return true;
}

static const char *seen(rig *r)
{
	static char out[4096];
	pthread_mutex_lock(&r->mu);
	memcpy(out, r->log, sizeof out);
	*r->log = '\0';
	pthread_mutex_unlock(&r->mu);
	return out;
}

static void trouble(void *ctx, const ns_err *why)
{
	rig *r = ctx;
	pthread_mutex_lock(&r->mu);
	snprintf(r->trouble, sizeof r->trouble, "%s", why->text);
	pthread_mutex_unlock(&r->mu);
}

static ns_webhook *make(rig *r, const char *listen, const char *token_file, ns_err *err)
{
	ns_webhook_opts o = {.listen = listen,
	    .token_file = token_file,
	    .cluster_label = "cluster",
	    .expire_ms = 300 * MINUTE,
	    .clock = r->clock,
	    .keep_file = r->keep,
	    .take = take,
	    .trouble = trouble,
	    .ctx = r};
	return ns_webhook_new(&o, err);
}

static void rig_open(rig *r, const char *token_file)
{
	ns_err err = {0};
	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->mu, NULL);
	r->clock = ns_clock_manual(1800000000000, 1000000);
	r->w = make(r, "127.0.0.1:0", token_file, &err);
	if (!r->w)
		fail_msg("%s", err.text);
	snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d", ns_webhook_port(r->w));
	r->services = ns_services_new();
	ns_service row = {"webhook", ns_webhook_run, r->w};
	assert_true(ns_services_start(r->services, &row, &err));
}

/* Stopped, and started again with what was kept. */
static void rig_again(rig *r)
{
	ns_err err = {0};
	ns_service row = {"webhook", ns_webhook_run, NULL};
	ns_services_stop(r->services);
	ns_webhook_free(r->w);
	*r->trouble = '\0';
	row.ctx = r->w = make(r, "127.0.0.1:0", NULL, &err);
	assert_non_null(r->w);
	snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d", ns_webhook_port(r->w));
	r->services = ns_services_new();
	assert_true(ns_services_start(r->services, &row, &err));
}

static void rig_close(rig *r)
{
	ns_services_stop(r->services);
	ns_webhook_free(r->w);
	ns_clock_free(r->clock);
	pthread_mutex_destroy(&r->mu);
}

/* ---- a client ---- */

typedef struct req {
	const char *method, *path, *type, *auth, *body;
	size_t n;
	bool chunked;
} req;
typedef struct resp {
	long status;
	char body[2048];
	char headers[2048];
} resp;

static size_t keep(char *p, size_t size, size_t n, void *to)
{
	size_t at = strlen(to), got = size * n;
	snprintf((char *)to + at, 2048 - at, "%.*s", (int)got, p);
	return got;
}

static resp call(const rig *r, req q)
{
	resp a = {0};
	char url[256], type[128], auth[256];
	CURL *c = curl_easy_init();
	struct curl_slist *h = NULL;
	snprintf(url, sizeof url, "%s%s", r->url, q.path);
	snprintf(type, sizeof type, q.type ? "Content-Type: %s" : "Content-Type:", q.type);
	snprintf(auth, sizeof auth, "Authorization: %s", q.auth ? q.auth : "");
	h = curl_slist_append(h, type);
	h = curl_slist_append(h, "Expect:");
	if (q.auth)
		h = curl_slist_append(h, auth);
	if (q.chunked)
		h = curl_slist_append(h, "Transfer-Encoding: chunked");
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
	if (q.body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q.body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(q.n ? q.n : strlen(q.body)));
	}
	if (strcmp(q.method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q.method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a.body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, keep);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a.headers);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L);
	CURLcode rc = curl_easy_perform(c);
	if (rc)
		fail_msg("%s %s: %s", q.method, q.path, curl_easy_strerror(rc));
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
	curl_slist_free_all(h);
	curl_easy_cleanup(c);
	return a;
}

#define ALERT(status, name) "{\"status\":\"" status "\",\"labels\":{\"alertname\":\"" name "\"},\"startsAt\":\"2027-01-15T07:00:00Z\"}"
#define BODY(alerts)        "{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[" alerts "]}"

static resp post(const rig *r, const char *body)
{
	return call(r, (req){.method = "POST", .path = "/alertmanager", .type = "application/json", .body = body});
}

/* ---- requests ---- */

static void test_a_notification_is_taken_alert_by_alert(void **state)
{
	rig r;
	rig_open(&r, NULL);
	resp a = post(&r, BODY(ALERT("firing", "A") "," ALERT("resolved", "B")));
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"taken\":2"));
	assert_string_equal(seen(&r), "+A;-B;");
	assert_int_equal(post(&r, BODY("")).status, 200);
	a = call(&r, (req){.method = "POST",
	                 .path = "/alertmanager",
	                 .type = "application/json; charset=utf-8",
	                 .body = BODY(ALERT("firing", "C")),
	                 .chunked = true});
	assert_int_equal(a.status, 200);
	assert_string_equal(seen(&r), "+C;");
	rig_close(&r);
}

static void test_each_wrong_request_has_its_status(void **state)
{
	static const struct {
		const char *method, *path, *type, *request;
		long status;
		const char *body, *header;
	} rows[] = {
	    {"GET", "/-/healthy", NULL, NULL, 200, "healthy", ""},
	    {"HEAD", "/-/healthy", NULL, NULL, 200, "", ""},
	    {"POST", "/-/healthy", "application/json", "{}", 405, "method", "Allow: GET, HEAD"},
	    {"GET", "/alertmanager", NULL, NULL, 405, "method", "Allow: POST"},
	    {"PUT", "/alertmanager", "application/json", "{}", 405, "method", "Allow: POST"},
	    {"POST", "/", "application/json", "{}", 404, "POST /alertmanager", ""},
	    {"POST", "/alertmanager/", "application/json", "{}", 404, "", ""},
	    {"POST", "/api/v1/alerts", "application/json", "{}", 404, "", ""},
	    {"POST", "/alertmanager", "text/plain", "{}", 415, "application/json", ""},
	    {"POST", "/alertmanager", "application/jsonx", "{}", 415, "application/json", ""},
	    {"POST", "/alertmanager", NULL, "{}", 415, "application/json", ""},
	    {"POST", "/alertmanager", "application/json", "{}", 400, "version", ""},
	    {"POST", "/alertmanager", "application/json", "not json", 400, "error", ""},
	    {"POST", "/alertmanager", "application/json", "", 400, "error", ""},
	};
	rig r;
	rig_open(&r, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		resp a = call(&r, (req){.method = rows[i].method, .path = rows[i].path, .type = rows[i].type, .body = rows[i].request});
		if (a.status != rows[i].status || !strstr(a.body, rows[i].body) || !strstr(a.headers, rows[i].header))
			fail_msg("row %zu: %s %s gave %ld %s", i, rows[i].method, rows[i].path, a.status, a.body);
		assert_non_null(strstr(a.headers, "Connection: close"));
	}
	assert_string_equal(seen(&r), "");
	rig_close(&r);
}

/* Alertmanager tries again after 5xx only. */
static void test_what_may_be_taken_later_is_asked_for_again_and_nothing_else_is(void **state)
{
	rig r;
	rig_open(&r, NULL);
	atomic_store(&r.answer, NS_E_BUSY);
	resp a = post(&r, BODY(ALERT("firing", "A")));
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.headers, "Retry-After: 15"));
	assert_non_null(strstr(a.body, "told so"));
	atomic_store(&r.answer, NS_E_NOTFOUND);
	a = post(&r, BODY(ALERT("firing", "A")));
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.body, "\"ignored\":1"));
	assert_non_null(strstr(a.body, "told so"));
	rig_close(&r);
}

static void test_the_body_has_a_limit_announced_or_not(void **state)
{
	enum { N = NS_AM_MAX_BODY + 1 };
	rig r;
	rig_open(&r, NULL);
	char *body = ns_xmalloc(N + 1);
	memset(body, ' ', N);
	memcpy(body, BODY(ALERT("firing", "A")), strlen(BODY(ALERT("firing", "A"))));
	body[N] = '\0';
	req q = {.method = "POST", .path = "/alertmanager", .type = "application/json", .body = body, .n = N - 1};
	assert_int_equal(call(&r, q).status, 200); /* 1 MiB is fine */
	for (int chunked = 0; chunked < 2; chunked++) {
		q.n = N;
		q.chunked = chunked;
		resp a = call(&r, q);
		assert_int_equal(a.status, 413);
		assert_non_null(strstr(a.body, "max_alerts"));
	}
	assert_string_equal(seen(&r), "+A;");
	free(body);
	rig_close(&r);
}

/* ---- who may speak ---- */

static const char *token_path(void **state, const char *text, mode_t mode)
{
	const char *path = tmpdir_path(state, "token");
	ns_err err = {0};
	unlink(path);
	assert_true(ns_write_file_atomic(path, text, strlen(text), mode, &err));
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void test_with_a_token_only_its_bearer_is_heard(void **state)
{
	static const struct {
		const char *auth;
		long status;
	} rows[] = {{NULL, 401}, {"Bearer", 401}, {"Bearer ", 401}, {"Bearer wrong", 401}, {"Basic " TOKEN, 401},
	    {"Bearer " TOKEN "0", 401}, {TOKEN, 401}, {"Bearer " TOKEN, 200}, {"bearer  " TOKEN, 200}};
	const char *path = token_path(state, TOKEN "\n", 0600);
	rig r;
	rig_open(&r, path);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		resp a = call(&r, (req){.method = "POST",
		                      .path = "/alertmanager",
		                      .type = "application/json",
		                      .auth = rows[i].auth,
		                      .body = BODY(ALERT("firing", "A"))});
		if (a.status != rows[i].status)
			fail_msg("%s: %ld", rows[i].auth, a.status);
		assert_null(strstr(a.body, TOKEN));
		assert_true((a.status == 401) == (strstr(a.headers, "WWW-Authenticate: Bearer") != NULL));
		assert_string_equal(seen(&r), a.status == 200 ? "+A;" : "");
	}
	assert_int_equal(call(&r, (req){.method = "GET", .path = "/-/healthy"}).status, 200); /* a probe has no token */
	rig_close(&r);
}

static void test_a_token_file_is_private_and_holds_a_token(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		ns_code code;
		const char *says;
	} rows[] = {{TOKEN, 0644, NS_E_DENIED, "chmod 600"}, {TOKEN, 0640, NS_E_DENIED, "chmod 600"}, {TOKEN, 0400, NS_OK, ""},
	    {TOKEN "\r\n", 0600, NS_OK, ""}, {"", 0600, NS_E_INVALID, "openssl rand"}, {"short", 0600, NS_E_INVALID, "openssl rand"},
	    {TOKEN " " TOKEN, 0600, NS_E_INVALID, "openssl rand"}, {TOKEN "\n" TOKEN, 0600, NS_E_INVALID, "openssl rand"}};
	rig r = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err err = {0};
		const char *path = token_path(state, rows[i].text, rows[i].mode);
		ns_webhook *w = make(&r, "127.0.0.1:0", path, &err);
		if (err.code != rows[i].code || !w != !!err.code || !strstr(err.text, rows[i].says) || strstr(err.text, TOKEN))
			fail_msg("row %zu: %s", i, err.text);
		ns_webhook_free(w);
	}
	ns_err err = {0};
	assert_null(make(&r, "127.0.0.1:0", tmpdir_path(state, "."), &err));
	assert_non_null(strstr(err.text, "no regular file"));
	assert_null(make(&r, "127.0.0.1:0", "/nonexistent/token", &err));
	assert_non_null(strstr(err.text, "/nonexistent/token"));
}

static void test_beyond_loopback_needs_a_token(void **state)
{
	static const struct {
		const char *listen;
		bool token, ok;
		const char *says;
	} rows[] = {{"127.0.0.1:0", false, true, ""}, {"localhost:0", false, true, ""}, {"127.5.6.7:0", false, true, ""},
	    {"0.0.0.0:0", false, false, "alertmanager-token-file"}, {"0.0.0.0:0", true, true, ""},
	    {"[::]:0", false, false, "alertmanager-token-file"}, {"", false, false, "ADDR:PORT"}, {"9097", false, false, "ADDR:PORT"},
	    {":9097", false, false, "ADDR:PORT"}, {"127.0.0.1", false, false, "ADDR:PORT"}, {"127.0.0.1:", false, false, "ADDR:PORT"},
	    {"127.0.0.1:70000", false, false, "ADDR:PORT"}, {"127.0.0.1:+1", false, false, "ADDR:PORT"},
	    {"::1:80", false, false, "ADDR:PORT"}, {"example.com:80", false, false, "ADDR:PORT"}};
	const char *path = token_path(state, TOKEN, 0600);
	rig r = {0};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_err err = {0};
		ns_webhook *w = make(&r, rows[i].listen, rows[i].token ? path : "", &err);
		if (!w != !rows[i].ok || !strstr(err.text, rows[i].says))
			fail_msg("%s: %s", rows[i].listen, err.text);
		if (w)
			assert_in_range(ns_webhook_port(w), 1, 65535);
		ns_webhook_free(w);
	}
}

static void test_a_taken_port_is_said_at_once(void **state)
{
	rig r;
	ns_err err = {0};
	char again[32];
	rig_open(&r, NULL);
	snprintf(again, sizeof again, "127.0.0.1:%d", ns_webhook_port(r.w));
	assert_null(make(&r, again, NULL, &err));
	assert_non_null(strstr(err.text, again));
	rig_close(&r);
}

/* ---- peers that misbehave ---- */

static int dial(const rig *r)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)ns_webhook_port(r->w)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void test_a_silent_peer_and_a_torn_one_hinder_nobody_and_stopping_does_not_wait(void **state)
{
	static const char half[] =
	    "POST /alertmanager HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"ver";
	rig r;
	rig_open(&r, NULL);
	int silent = dial(&r), torn = dial(&r), stuck = dial(&r), junk = dial(&r);
	assert_int_equal(write(torn, half, sizeof half - 1), sizeof half - 1);
	assert_int_equal(write(stuck, half, sizeof half - 1), sizeof half - 1);
	assert_int_equal(write(junk, "\x16\x03\x01\x02\x00\r\n\r\n", 9), 9); /* somebody speaks TLS */
	close(torn);
	assert_int_equal(post(&r, BODY(ALERT("firing", "A"))).status, 200);
	assert_string_equal(seen(&r), "+A;");
	int64_t from = ns_real_mono_ms();
	ns_services_stop(r.services);
	r.services = NULL;
	assert_in_range(ns_real_mono_ms() - from, 0, 8000); /* not the 10 s that an idle connection may last */
	close(silent);
	close(stuck);
	close(junk);
	rig_close(&r);
}

static void test_more_peers_than_there_is_room_for_are_turned_away_and_the_room_comes_back(void **state)
{
	enum { PEERS = 40 };
	rig r;
	rig_open(&r, NULL);
	int fd[PEERS];
	for (int i = 0; i < PEERS; i++)
		fd[i] = dial(&r);
	for (int i = 0; i < PEERS; i++)
		close(fd[i]);
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(post(&r, BODY(ALERT("firing", "A"))).status, 200);
	rig_close(&r);
}

/* ---- heartbeats ---- */

static void test_a_heartbeat_opens_nothing_until_it_stays_away(void **state)
{
	rig r;
	rig_open(&r, NULL);
	assert_int_equal(post(&r, BODY(ALERT("firing", "Watchdog") "," ALERT("firing", "InfoInhibitor"))).status, 200);
	assert_string_equal(seen(&r), "");
	ns_clock_advance(r.clock, 300 * MINUTE);
	const char *got = "";
	for (int i = 0; i < 2000 && !*(got = seen(&r)); i++)
		assert_int_equal(call(&r, (req){.method = "GET", .path = "/-/healthy"}).status, 200); /* each is a round of its thread */
	assert_string_equal(got, "+Watchdog silent;");
	assert_int_equal(post(&r, BODY(ALERT("firing", "Watchdog"))).status, 200);
	for (int i = 0; i < 2000 && !*(got = seen(&r)); i++)
		assert_int_equal(call(&r, (req){.method = "GET", .path = "/-/healthy"}).status, 200);
	assert_string_equal(got, "-Watchdog silent;");
	rig_close(&r);
}

/* ---- a restart ---- */

#define FIRES(name, id, starts)                                                                                                            \
	"{\"status\":\"firing\",\"labels\":{\"alertname\":\"" name "\"},\"fingerprint\":\"" id "\",\"startsAt\":\"" starts "\"}"
#define ENDS(name, id, starts)                                                                                                             \
	"{\"status\":\"resolved\",\"labels\":{\"alertname\":\"" name "\"},\"fingerprint\":\"" id "\",\"startsAt\":\"" starts "\"}"
#define EARLY "2027-01-15T06:00:00Z"
#define LATER "2027-01-15T07:00:00Z"

/* Rounds of its thread until something is seen. */
static const char *soon(rig *r)
{
	const char *got = "";
	for (int i = 0; i < 2000 && !*(got = seen(r)); i++)
		assert_int_equal(call(r, (req){.method = "GET", .path = "/-/healthy"}).status, 200);
	return got;
}

static void test_what_fires_fires_on_after_a_restart(void **state)
{
	rig r;
	rig_open(&r, NULL);
	r.keep = tmpdir_path(state, "keep.json");
	rig_again(&r);
	assert_string_equal(r.trouble, ""); /* none yet is no trouble */
	assert_int_equal(post(&r, BODY(FIRES("A", "a1", LATER) "," FIRES("B", "b1", LATER) "," FIRES("C", "c1", LATER))).status, 200);
	assert_int_equal(post(&r, BODY(ENDS("B", "b1", LATER) "," ENDS("A", "a1", EARLY))).status, 200);
	assert_string_equal(seen(&r), "+A;+B;+C;-B;-A;");
	struct stat st;
	assert_int_equal(stat(r.keep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	atomic_store(&r.answer, NS_E_BUSY); /* the cluster is not up yet */
	rig_again(&r);
	assert_int_equal(call(&r, (req){.method = "GET", .path = "/-/healthy"}).status, 200);
	atomic_store(&r.answer, 0);
	const char *got = soon(&r);
	assert_true(strcmp(got, "+A;+C;") == 0 || strcmp(got, "+C;+A;") == 0);
	assert_int_equal(post(&r, BODY(ENDS("C", "c1", LATER))).status, 200);
	assert_string_equal(seen(&r), "-C;"); /* and is offered once */

	ns_clock_advance(r.clock, 300 * MINUTE); /* A expired while nobody ran */
	rig_again(&r);
	assert_int_equal(post(&r, BODY(FIRES("D", "d1", LATER))).status, 200);
	assert_string_equal(seen(&r), "+D;");
	rig_close(&r);
}

static void test_what_was_kept_may_be_broken_or_unwritable_and_is_said(void **state)
{
	static const char *const broken[] = {
	    "{", "{}", "[1]", "[{\"name\":\"A\"}]", "[{\"name\":7,\"fingerprint\":\"a\",\"severity\":\"warn\",\"expires_ms\":1}]"};
	rig r;
	ns_err err = {0};
	rig_open(&r, NULL);
	r.keep = tmpdir_path(state, "keep.json");
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		assert_true(ns_write_file_atomic(r.keep, broken[i], strlen(broken[i]), 0600, &err));
		rig_again(&r);
		if (!strstr(r.trouble, "keep.json"))
			fail_msg("%s: \"%s\"", broken[i], r.trouble);
	}
	r.keep = tmpdir_path(state, "no/such/directory.json");
	rig_again(&r);
	assert_int_equal(post(&r, BODY(FIRES("A", "a1", LATER))).status, 200); /* it counts all the same */
	assert_string_equal(seen(&r), "+A;");
	ns_services_stop(r.services);
	r.services = NULL;
	assert_non_null(strstr(r.trouble, "directory.json"));
	rig_close(&r);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_notification_is_taken_alert_by_alert),
	    cmocka_unit_test(test_each_wrong_request_has_its_status),
	    cmocka_unit_test(test_what_may_be_taken_later_is_asked_for_again_and_nothing_else_is),
	    cmocka_unit_test(test_the_body_has_a_limit_announced_or_not),
	    cmocka_unit_test_setup_teardown(test_with_a_token_only_its_bearer_is_heard, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test_setup_teardown(test_a_token_file_is_private_and_holds_a_token, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test_setup_teardown(test_beyond_loopback_needs_a_token, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test(test_a_taken_port_is_said_at_once),
	    cmocka_unit_test(test_a_silent_peer_and_a_torn_one_hinder_nobody_and_stopping_does_not_wait),
	    cmocka_unit_test(test_more_peers_than_there_is_room_for_are_turned_away_and_the_room_comes_back),
	    cmocka_unit_test(test_a_heartbeat_opens_nothing_until_it_stays_away),
	    cmocka_unit_test_setup_teardown(test_what_fires_fires_on_after_a_restart, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test_setup_teardown(test_what_was_kept_may_be_broken_or_unwritable_and_is_said, tmpdir_make, tmpdir_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
