/* The way to a cluster, and each way in which it can end: one clear line, the status that belongs to it, and nothing is said twice. */
#include "app/cert_maker.h"
#include "app/doctor_rig.h"
#include "kube/script_server.h"

#include <microhttpd.h>

#define WAY DOCTOR_KUBECONFIG, DOCTOR_SERVER

/* ---- no way at all ---- */

static void test_kubeconfigs_that_are_none(void **state)
{
	found f;
	doctor_at(&f, NULL, WAY, 0);
	has(&f, "kubeconfig|fail|no kubeconfig");
	has(&f, "login|skip|needs kubeconfig");
	assert_int_equal(f.first, NS_E_NOTFOUND);
	done(&f);
	const char *file = kubeconfig_for("good", "https://127.0.0.1:1", "", "token: abc");
	doctor_at(&f, (const char *const[]){"--kubeconfig", file, "--context", "godo", NULL}, WAY, 0);
	has(&f, "kubeconfig|fail|");
	has(&f, "\"good\""); /* the nearest */
	assert_int_equal(f.first, NS_E_NOTFOUND);
	done(&f);
	file = kc_write("bad", "clusters:\n- name: [\n");
	doctor_at(&f, (const char *const[]){"--kubeconfig", file, NULL}, WAY, 0);
	has(&f, "bad:");
	assert_int_equal(f.first, NS_E_INVALID);
	done(&f);
}

static void test_a_server_that_is_down(void **state)
{
	found f;
	script_server s;
	char url[64];
	script_start(&s, NULL, NULL);
	snprintf(url, sizeof url, "https://127.0.0.1:%d", s.port);
	script_stop(&s); /* its port is free now */
	doctor_at(&f, (const char *const[]){"--kubeconfig", kubeconfig_for("down", url, "", "token: abc"), NULL}, WAY, 0);
	has(&f, "down: network|fail|nothing answers at 127.0.0.1:");
	has(&f, "is the API server up, and is this its port?");
	has(&f, "certificate|skip|needs network");
	has(&f, "server|skip|needs network"); /* not "needs login": the first link is what matters */
	assert_int_equal(f.first, NS_E_UNREACHABLE);
	done(&f);
	doctor_at(&f,
	    (const char *const[]){"--kubeconfig", kubeconfig_for("noname", "https://no-such-host.invalid", "", "token: abc"), NULL}, WAY,
	    0);
	has(&f, "network|fail|the name no-such-host.invalid does not resolve");
	done(&f);
}

static bool hold(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	script_hold(s, fd);
	return false;
}

/* One that takes the connection and says nothing: its deadline ends it, and everything else is done in the meantime. */
static void test_a_server_that_hangs_holds_nobody_else(void **state)
{
	found f;
	script_server s;
	char url[64];
	script_start(&s, hold, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", s.port);
	kubeconfig_for("hangs", url, "", "token: abc");
	const char *c = kc_write("config.yaml", "clusters:\n- {context: hangs, kubeconfig: %s}\n- {context: away, kubeconfig: %s}\n",
	    kc_path("hangs"), kubeconfig_for("away", "https://127.0.0.1:1", "", "token: abc"));
	doctor_at(&f, (const char *const[]){"--config", c, NULL}, DOCTOR_CLOCK, DOCTOR_SERVER, 1500);
	has(&f, "hangs: network|fail|127.0.0.1:");
	has(&f, "is connected, but does not answer");
	has(&f, "away: network|fail|nothing answers at 127.0.0.1:1");
	has(&f, ": open files|ok|");
	assert_true(f.took_ms < 15000);
	assert_true(f.complete);
	assert_int_equal(atomic_load(&s.requests), 1); /* what needs it was not even tried */
	done(&f);
	script_stop(&s);
}

static bool no_tls(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	return script_answer(fd, 200, "", "{}");
}

/* A plain HTTP server where TLS is wanted sees no request; what it sends is no TLS. */
static void *talk_plain(void *arg)
{
	static const char words[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	int fd = accept(*(int *)arg, NULL, NULL);
	char buf[512];
	if (recv(fd, buf, sizeof buf, 0) > 0)
		send(fd, words, sizeof words - 1, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void test_what_speaks_no_tls(void **state)
{
	found f;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	pthread_t t;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	pthread_create(&t, NULL, talk_plain, &fd);
	snprintf(url, sizeof url, "https://127.0.0.1:%d", ntohs(a.sin_port));
	doctor_at(&f, (const char *const[]){"--kubeconfig", kubeconfig_for("plain", url, "", "token: abc"), NULL}, WAY, 0);
	has(&f, "network|fail|127.0.0.1:");
	has(&f, "no TLS comes about");
	has(&f, "is it http://, or another port?");
	assert_int_equal(f.first, NS_E_UNREACHABLE);
	done(&f);
	pthread_join(t, NULL);
	close(fd);
	script_server s;
	script_start(&s, no_tls, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", s.port);
	doctor_at(&f, (const char *const[]){"--kubeconfig", kubeconfig_for("http", url, "", "token: abc"), NULL}, WAY, 0);
	has(&f, "certificate|ok|none: plain http, on this machine");
	has(&f, "clocks apart|skip|the server does not tell its time");
	has(&f, "server|fail|http://127.0.0.1:"); /* an answer without a version is no API server's */
	has(&f, "this is no Kubernetes API");
	done(&f);
	script_stop(&s);
}

/* The kernel takes the connection, nobody answers the handshake. */
static void test_a_handshake_that_hangs(void **state)
{
	found f;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(url, sizeof url, "https://127.0.0.1:%d", ntohs(a.sin_port));
	doctor_at(&f, (const char *const[]){"--kubeconfig", kubeconfig_for("mute", url, "", "token: abc"), NULL}, WAY, 1500);
	has(&f, "network|fail|127.0.0.1:");
	has(&f, "is connected, but no TLS comes about (no answer within 1 s)");
	assert_int_equal(f.first, NS_E_TIMEOUT);
	done(&f);
	close(fd);
}

/* ---- TLS ---- */

static struct MHD_Daemon *daemon_;
static const char *date_header; /* NULL: now */
static int api_status;
static const char *api_body;
static char seen_auth[64];

static enum MHD_Result answer(
    void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *n, void **ctx)
{
	static int once;
	bool is_version = strcmp(url, "/version") == 0, is_api = strcmp(url, "/api") == 0;
	const char *body = is_version ? "{\"major\":\"1\",\"minor\":\"31\",\"gitVersion\":\"v1.31.2\"}"
	                   : is_api   ? api_body
	                              : "ok",
	           *auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
	int status = is_version || strcmp(url, "/readyz") == 0 ? 200 : is_api ? api_status : 404;
	if (!*ctx) { /* the body of a POST comes first */
		*ctx = &once;
		return MHD_YES;
	}
	if (*n) {
		*n = 0;
		return MHD_YES;
	}
	if (auth)
		snprintf(seen_auth, sizeof seen_auth, "%s", auth);
	if (strstr(url, "selfsubjectreviews") && status == 404 && !strcmp(api_body, "known")) {
		status = 201;
		body = "{\"status\":{\"userInfo\":{\"username\":\"kim\",\"groups\":[\"sre\",\"system:authenticated\"]}}}";
	}
	union {
		const char *ro;
		void *rw;
	} b = {.ro = body};
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body), b.rw, MHD_RESPMEM_MUST_COPY);
	if (date_header)
		MHD_add_response_header(r, "Date", date_header);
	enum MHD_Result rc = MHD_queue_response(c, (unsigned)status, r);
	MHD_destroy_response(r);
	return rc;
}

static made_cert ca, other_ca;

/* Serves with this certificate; its URL is in url. */
static void serve(const made_cert *m, const char *date, char url[64])
{
	date_header = date;
	api_status = 200;
	api_body = "{}";
	*seen_auth = '\0';
	daemon_ = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS | (date ? MHD_USE_SUPPRESS_DATE_NO_CLOCK : 0u), 0, NULL,
	    NULL, answer, NULL, MHD_OPTION_HTTPS_MEM_KEY, m->key_pem, MHD_OPTION_HTTPS_MEM_CERT, m->pem, MHD_OPTION_END);
	assert_non_null(daemon_);
	snprintf(url, 64, "https://127.0.0.1:%d", MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static void test_certificates(void **state)
{
	enum { GOOD, SOON, OLD, EARLY, OTHER_NAME, N_CERTS };
	static made_cert certs[N_CERTS];
	static const struct {
		int cert;
		const char *cluster, *line, *fix;
		ns_code code;
	} rows[] = {
	    {GOOD, "certificate-authority: ca", "certificate|ok|kube by test CA, good for 127.0.0.1, expires in 99 days", "", NS_OK},
	    {SOON, "certificate-authority: ca", "certificate|warn|kube by test CA, expires in 2 days", "renew the server's certificate",
	        NS_OK},
	    {OLD, "certificate-authority: ca", "certificate|fail|not trusted: \"kube\" expired on ", "renew the server's certificate",
	        NS_E_EXPIRED},
	    {EARLY, "certificate-authority: ca", "certificate|fail|not trusted: \"kube\" is not valid before ", "clocks here and there",
	        NS_E_UNREACHABLE},
	    {OTHER_NAME, "certificate-authority: ca", "certificate|fail|not trusted: it is not for 127.0.0.1, but for kube.test, 10.0.0.1",
	        "tls-server-name, of cluster \"c\"", NS_E_UNREACHABLE},
	    {OTHER_NAME, "certificate-authority: ca, tls-server-name: kube.test", "certificate|ok|kube by test CA, good for kube.test", "",
	        NS_OK},
	    {GOOD, "certificate-authority: other-ca",
	        "certificate|fail|not trusted: signed by \"test CA\", which is not among the authorities trusted here",
	        "is another cluster's, or old", NS_E_UNREACHABLE},
	    {GOOD, "", "certificate|fail|not trusted: signed by \"test CA\"", "give cluster \"c\" its certificate-authority",
	        NS_E_UNREACHABLE},
	    {OLD, "insecure-skip-tls-verify: true", "certificate|warn|not trusted, and not checked either: ", "", NS_OK},
	    {GOOD, "insecure-skip-tls-verify: true", "trust|warn|insecure-skip-tls-verify is set", "certificate-authority in", NS_OK},
	};
	make_cert(&certs[GOOD], "kube", NULL, "IP:127.0.0.1", -1, 100, &ca);
	make_cert(&certs[SOON], "kube", NULL, "IP:127.0.0.1", -1, 3, &ca);
	make_cert(&certs[OLD], "kube", NULL, "IP:127.0.0.1", -9, -2, &ca);
	make_cert(&certs[EARLY], "kube", NULL, "IP:127.0.0.1", 5, 9, &ca);
	make_cert(&certs[OTHER_NAME], "kube", NULL, "DNS:kube.test,IP:10.0.0.1", -1, 100, &ca);
	kc_write("ca", "%s", ca.pem);
	kc_write("other-ca", "%s", other_ca.pem);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		found f;
		char url[64];
		serve(&certs[rows[i].cert], NULL, url);
		doctor_at(
		    &f, (const char *const[]){"--kubeconfig", kubeconfig_for("tls", url, rows[i].cluster, "token: abc"), NULL}, WAY, 0);
		has(&f, rows[i].line);
		has(&f, rows[i].fix);
		assert_int_equal(f.first, rows[i].code);
		if (rows[i].code) {
			has(&f, "login|skip|needs certificate");
			assert_string_equal(seen_auth, ""); /* no credential went to whom we do not trust */
		} else {
			has(&f, "login|ok|");
			has(&f, "server|ok|v1.31.2, ");
			assert_string_equal(seen_auth, "Bearer abc");
		}
		done(&f);
		MHD_stop_daemon(daemon_);
	}
	for (int i = 0; i < N_CERTS; i++)
		free_cert(&certs[i]);
}

/* A certificate that seems over because the clock here is wrong is told as what it is. */
static void test_clocks(void **state)
{
	found f;
	char url[64];
	made_cert old, good;
	make_cert(&old, "kube", NULL, "IP:127.0.0.1", -90, -30, &ca);
	make_cert(&good, "kube", NULL, "IP:127.0.0.1", -1, 100, &ca);
	kc_write("ca", "%s", ca.pem);
	serve(&old, "Thu, 01 Jan 2026 00:00:00 GMT", url);
	const char *file = kubeconfig_for("skew", url, "certificate-authority: ca", "token: abc");
	doctor_at(&f, (const char *const[]){"--kubeconfig", file, NULL}, WAY, 0);
	has(&f, "certificate|fail|not trusted: \"kube\" expired on ");
	has(&f, " days ahead of the server's: set it first");
	has(&f, "clocks apart|fail|the clock here is ");
	done(&f);
	MHD_stop_daemon(daemon_);
	serve(&good, NULL, url);
	file = kubeconfig_for("skew", url, "certificate-authority: ca", "token: abc");
	doctor_at(&f, (const char *const[]){"--kubeconfig", file, NULL}, WAY, 0);
	has(&f, "clocks apart|ok|");
	done(&f);
	MHD_stop_daemon(daemon_);
	free_cert(&old);
	free_cert(&good);
}

/* ---- who we are ---- */

static const char *jwt(int64_t exp_s)
{
	static char out[512];
	char claims[160];
	ns_buf b = NS_BUF_INIT;
	snprintf(claims, sizeof claims, "{\"sub\":\"system:serviceaccount:ops:robot\",\"exp\":%lld}", (long long)exp_s);
	BIO *mem = BIO_new(BIO_s_mem()), *b64 = BIO_push(BIO_new(BIO_f_base64()), mem);
	BIO_set_flags(b64, BIO_FLAGS_BASE64_NO_NL);
	BIO_write(b64, claims, (int)strlen(claims));
	BIO_flush(b64);
	char text[300];
	int n = BIO_read(mem, text, sizeof text - 1);
	text[n] = '\0';
	text[strcspn(text, "=")] = '\0';
	snprintf(out, sizeof out, "token: eyJh.%s.c2ln", text);
	BIO_free_all(b64);
	ns_buf_free(&b);
	return out;
}

static void test_logins(void **state)
{
	static const char anonymous[] =
	    "{\"kind\":\"Status\",\"message\":\"forbidden: User \\\"system:anonymous\\\" cannot get path \\\"/api\\\"\"}",
	                  forbidden[] = "{\"kind\":\"Status\",\"message\":\"forbidden: User \\\"kim\\\" cannot get path \\\"/api\\\"\"}";
	int64_t now = ns_clock_wall_ms(NULL) / 1000;
	char old_token[512], new_token[512];
	snprintf(old_token, sizeof old_token, "%s", jwt(now - 7200));
	snprintf(new_token, sizeof new_token, "%s", jwt(now + 7200));
	const struct {
		const char *user;
		int status;
		const char *body, *credential, *login;
		ns_code code;
	} rows[] = {
	    {"token: abc", 200, "known", "credential|ok|a token, which does not say whose it is", "login|ok|kim (sre) ->", NS_OK},
	    {"token: abc", 200, "{}", "credential|ok|", "login|ok|accepted; whom it sees in us", NS_OK},
	    {"token: abc", 401, "{}", "credential|ok|",
	        "login|fail|401: the server does not accept the credential; it expired, was withdrawn", NS_E_DENIED},
	    {"token: abc", 403, forbidden, "credential|ok|", "login|ok|", NS_OK},
	    {"", 403, anonymous, "credential|warn|none: the server sees system:anonymous", "login|fail|403: no credential was sent",
	        NS_E_DENIED},
	    {old_token, 401, "{}", "credential|fail|token of system:serviceaccount:ops:robot, expired 2 hours ago",
	        "login|fail|401: the server does not accept the credential, which expired", NS_E_EXPIRED},
	    {new_token, 200, "known", "credential|ok|token of system:serviceaccount:ops:robot, expires in ", "login|ok|kim", NS_OK},
	    {"username: me, password: pw", 200, "known", "credential|warn|user name and password of me", "login|ok|kim", NS_OK},
	    {"tokenFile: gone", 200, "known", "credential|fail|", "login|fail|", NS_E_IO},
	    {"client-certificate: over, client-key: over-key", 200, "known",
	        "credential|fail|client certificate of kim (sre), expired 5 days ago", "login|ok|kim", NS_E_EXPIRED},
	    {"client-certificate: soon, client-key: soon-key", 200, "known",
	        "credential|warn|client certificate of kim (sre), expires in 2 days", "login|ok|kim", NS_OK},
	    {"token: abc, as: jane", 200, "known", "impersonation|ok|every request is sent as jane", "login|ok|kim", NS_OK},
	};
	made_cert server, over, soon;
	make_cert(&server, "kube", NULL, "IP:127.0.0.1", -1, 100, &ca);
	make_cert(&over, "kim", "sre", "DNS:x", -9, -5, &ca);
	make_cert(&soon, "kim", "sre", "DNS:x", -9, 3, &ca);
	kc_write("ca", "%s", ca.pem);
	kc_write("over", "%s", over.pem);
	kc_write("over-key", "%s", over.key_pem);
	kc_write("soon", "%s", soon.pem);
	kc_write("soon-key", "%s", soon.key_pem);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		found f;
		char url[64];
		serve(&server, NULL, url);
		api_status = rows[i].status;
		api_body = rows[i].body;
		doctor_at(&f,
		    (const char *const[]){"--kubeconfig", kubeconfig_for("login", url, "certificate-authority: ca", rows[i].user), NULL},
		    WAY, 0);
		has(&f, rows[i].credential);
		has(&f, rows[i].login);
		if (rows[i].code != f.first && !(rows[i].code == NS_E_IO && f.first))
			fail_msg("row %zu: code %d\n%s", i, f.first, ns_buf_str(&f.text));
		lacks(&f, "c2ln"); /* no part of a token is ever printed */
		done(&f);
		MHD_stop_daemon(daemon_);
	}
	free_cert(&server);
	free_cert(&over);
	free_cert(&soon);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, rig_setup, kc_teardown)
	const struct CMUnitTest tests[] = {WITH(test_kubeconfigs_that_are_none), WITH(test_a_server_that_is_down),
	    WITH(test_a_server_that_hangs_holds_nobody_else), WITH(test_what_speaks_no_tls), WITH(test_a_handshake_that_hangs),
	    WITH(test_certificates), WITH(test_clocks), WITH(test_logins)};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	make_cert(&ca, "test CA", NULL, NULL, -99, 999, NULL);
	make_cert(&other_ca, "other CA", NULL, NULL, -99, 999, NULL);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	free_cert(&ca);
	free_cert(&other_ca);
	curl_global_cleanup();
	return rc;
}
