/* proxy-url: an http proxy is asked to connect, a socks5 proxy resolves the name itself, and one that refuses is named. The proxies are made of
 * bytes here; behind them stands a plain API server. */
#include "kube/watch_rig.h"

#include <curl/curl.h>

/* ---- an API server, and one relay of bytes to it ---- */

static bool serve(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	return script_answer(fd, 200, "", "{\"metadata\":{\"name\":\"behind\"}}");
}

static void relay(int a, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[4096];
	bool on = connect(b, (struct sockaddr *)&to, sizeof to) == 0;
	while (on) {
		struct pollfd p[] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
		poll(p, 2, 20000);
		for (int i = 0; i < 2 && on; i++) {
			if (!p[i].revents)
				continue;
			ssize_t n = recv(p[i].fd, buf, sizeof buf, 0);
			on = n > 0 && script_send(i ? a : b, buf, (size_t)n);
		}
		on &= p[0].revents || p[1].revents;
	}
	close(b);
}

typedef struct proxy { int fd, port, to; bool refuse, socks; char asked[256]; pthread_t thread; } proxy;

static size_t take(int fd, unsigned char *out, size_t n)
{
	size_t have = 0;
	for (ssize_t k; have < n && (k = recv(fd, out + have, n - have, 0)) > 0;)
		have += (size_t)k;
	return have;
}

static bool socks_hello(proxy *p, int fd)
{
	unsigned char b[300], name;
	if (take(fd, b, 2) != 2 || b[0] != 5 || take(fd, b + 2, b[1]) != b[1])
		return false;
	script_send(fd, "\x05\x00", 2);
	if (take(fd, b, 5) != 5 || b[1] != 1)
		return false;
	name = b[4];
	snprintf(p->asked, sizeof p->asked, "%s", b[3] == 3 ? "" : "an address");
	if (b[3] != 3 || take(fd, b, name + 2u) != name + 2u)
		return false;
	snprintf(p->asked, sizeof p->asked, "%.*s:%d", name, (char *)b, b[name] << 8 | b[name + 1]);
	script_send(fd, p->refuse ? "\x05\x02\x00\x01\0\0\0\0\0\0" : "\x05\x00\x00\x01\0\0\0\0\0\0", 10);
	return !p->refuse;
}

static void *proxy_run(void *arg)
{
	proxy *p = arg;
	int fd = accept(p->fd, NULL, NULL);
	if (fd < 0)
		return NULL;
	if (p->socks) {
		if (socks_hello(p, fd))
			relay(fd, p->to);
	} else {
		size_t n = 0;
		while (n < sizeof p->asked - 1 && recv(fd, p->asked + n, 1, 0) == 1 && p->asked[n] != '\r')
			n++;
		p->asked[n] = '\0';
		static const char no[] = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
		if (p->refuse)
			script_send(fd, no, sizeof no - 1);
		else
			script_answer(fd, 200, "", "{\"metadata\":{\"name\":\"by the proxy\"}}");
	}
	close(fd);
	return NULL;
}

static void proxy_start(proxy *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(p->fd, 4), 0);
	getsockname(p->fd, (struct sockaddr *)&a, &len);
	p->port = ntohs(a.sin_port);
	pthread_create(&p->thread, NULL, proxy_run, p);
}

/* What a GET through that proxy gives: the name in the answer, or the words of the error. The server's name is one that nothing resolves. */
static void get(proxy *p, const char *scheme, const char *server, char *out, size_t cap)
{
	ns_err err = {0};
	proxy_start(p);
	ns_kubeconfig *k = ns_kubeconfig_load(kc_write("kc", "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c}\nclusters:\n- name: c\n  cluster: {server: '%s', proxy-url: '%s://127.0.0.1:%d'}\n",
	                                          server, scheme, p->port), NULL, &err);
	assert_non_null(k);
	ns_kube_client *c = ns_kube_client_new(k, NULL, NULL, &err);
	cJSON *j = ns_kube_get(c, "/api/v1/x", &err);
	snprintf(out, cap, "%s", j ? ns_json_str(j, "metadata.name", "?") : err.text);
	cJSON_Delete(j);
	ns_kube_client_free(c); /* closes the connection, which ends the relay */
	pthread_join(p->thread, NULL);
	close(p->fd);
	ns_kubeconfig_free(k);
}

static void test_socks5_resolves_the_name_itself(void **state)
{
	script_server s;
	char got[512];
	script_start(&s, serve, NULL);
	proxy p = {.socks = true, .to = s.port};
	get(&p, "socks5", "http://api.cluster.invalid:6443", got, sizeof got);
	assert_string_equal(got, "behind");
	assert_string_equal(p.asked, "api.cluster.invalid:6443");
	script_stop(&s);
}

static void test_http_proxy_is_asked(void **state)
{
	char got[512];
	proxy p = {0};
	get(&p, "http", "http://api.cluster.invalid:8080", got, sizeof got);
	assert_string_equal(got, "by the proxy");
	assert_string_equal(p.asked, "GET http://api.cluster.invalid:8080/api/v1/x HTTP/1.1");
	/* TLS goes through a tunnel: the proxy learns the name and nothing more. */
	proxy tunnel = {.refuse = true};
	get(&tunnel, "http", "https://api.cluster.invalid:6443", got, sizeof got);
	assert_string_equal(tunnel.asked, "CONNECT api.cluster.invalid:6443 HTTP/1.1");
	assert_non_null(strstr(got, "407"));
}

static void test_a_proxy_that_refuses_is_told(void **state)
{
	char got[512];
	proxy p = {.socks = true, .refuse = true};
	get(&p, "socks5", "http://api.cluster.invalid:6443", got, sizeof got);
	assert_non_null(strstr(got, "http://api.cluster.invalid:6443"));
	assert_non_null(strstr(got, "proxy"));
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_socks5_resolves_the_name_itself), cmocka_unit_test(test_http_proxy_is_asked), cmocka_unit_test(test_a_proxy_that_refuses_is_told),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
