/* What the figures on a real control plane are taken with. Each mode prints "MILLISECONDS PEAK_KIB BYTES CPU_MS".
 *   probe sync KUBECONFIG         the detector until it has listed everything (its watch, its cache, and nothing else of the program)
 *   probe pages KUBECONFIG        all pages of pods to nowhere, by libcurl
 *   probe run COMMAND...          any program, its output thrown away */
#include <curl/curl.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../src/kube/kube_priv.h"
#include "neuroscale/agents/detector.h"
#include "neuroscale/base/log.h"
#include "scale_server.h"

enum { WAIT_S = 300 };

static void print(int64_t from_ns, long peak_kib, int64_t bytes, double cpu_ms)
{
	printf("%.0f %ld %lld %.0f\n", (double)(scale_now_ns() - from_ns) / 1e6, peak_kib, (long long)bytes, cpu_ms);
}

static double cpu_ms(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

typedef struct running {
	ns_detector *d;
	ns_cancel *cancel;
} running;

static void *run_detector(void *arg)
{
	running *r = arg;
	ns_detector_run(r->d, r->cancel);
	return NULL;
}

static int sync_of(const ns_kubeconfig *cfg)
{
	ns_err err = {0};
	ns_kube_stats stats = {0};
	ns_detector_opts o = {.cluster = "bench", .cfg = cfg, .stats = &stats};
	running r = {.cancel = ns_cancel_new()};
	ns_link link = {0};
	pthread_t t;
	r.d = ns_detector_new(&o, &err);
	int64_t from = scale_now_ns();
	if (!r.d || pthread_create(&t, NULL, run_detector, &r) != 0)
		return 1;
	while (!link.synced && scale_now_ns() - from < WAIT_S * 1000000000ll) {
		scale_sleep_ms(5);
		ns_detector_link(r.d, &link);
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	if (link.synced)
		print(from, u.ru_maxrss, atomic_load(&stats.bytes), cpu_ms(&u));
	else
		fprintf(stderr, "probe: not synced: %s\n", link.down_why);
	ns_cancel_fire(r.cancel);
	pthread_join(t, NULL);
	ns_detector_free(r.d);
	ns_cancel_free(r.cancel);
	return link.synced ? 0 : 1;
}

/* Of a page only its first bytes are looked at, where the token of the next one stands. */
typedef struct page {
	char head[1024];
	size_t n;
	int64_t bytes;
} page;

static size_t drop(char *p, size_t size, size_t n, void *ctx)
{
	page *g = ctx;
	size_t room = sizeof g->head - 1 - g->n, take = n < room ? n : room;
	memcpy(g->head + g->n, p, take);
	g->n += take;
	g->head[g->n] = '\0';
	g->bytes += (int64_t)n;
	return n;
}

static bool next_page(const page *g, ns_buf *path)
{
	const char *c = strstr(g->head, "\"continue\":\"");
	ns_buf_clear(path);
	ns_buf_puts(path, "/api/v1/pods?limit=500");
	if (!c)
		return false;
	char *token = strndup(c + 12, strcspn(c + 12, "\""));
	ns_buf_puts(path, "&continue=");
	ns_url_escape(path, token);
	free(token);
	return true;
}

static int pages_of(const ns_kubeconfig *cfg)
{
	ns_err err = {0};
	ns_buf path = NS_BUF_INIT;
	CURL *c = curl_easy_init();
	kube_auth *auth = kube_auth_new(cfg, NULL);
	page g = {.n = 0};
	int64_t from = scale_now_ns(), bytes = 0;
	long http = 200;
	bool more = true;
	next_page(&g, &path);
	for (; more && http == 200; more = next_page(&g, &path)) {
		kube_dress d = {0};
		g = (page){.n = 0};
		if (!kube_http_init(c, cfg, &err) || !kube_http_dress(c, cfg, auth, path.data, NULL, &d, &err)) {
			fprintf(stderr, "probe: %s\n", err.text);
			return 1;
		}
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, &g);
		http = 0;
		if (curl_easy_perform(c) == CURLE_OK)
			curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &http);
		kube_dress_free(&d);
		bytes += g.bytes;
	}
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	if (http == 200)
		print(from, u.ru_maxrss, bytes, cpu_ms(&u));
	curl_easy_cleanup(c);
	kube_auth_free(auth);
	ns_buf_free(&path);
	return http == 200 ? 0 : 1;
}

extern char **environ;

static int run_of(char **argv)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int status = 1;
	struct rusage u;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0);
	int64_t from = scale_now_ns();
	int rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0 || wait4(pid, &status, 0, &u) != pid || status != 0)
		return 1;
	print(from, u.ru_maxrss, 0, cpu_ms(&u));
	return 0;
}

int main(int argc, char **argv)
{
	ns_err err = {0};
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run_of(argv + 2);
	bool sync = argc == 3 && strcmp(argv[1], "sync") == 0;
	if (argc != 3 || (!sync && strcmp(argv[1], "pages") != 0)) {
		fprintf(stderr, "usage: probe sync|pages KUBECONFIG | probe run COMMAND...\n");
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_ERROR, NULL);
	ns_kubeconfig *cfg = ns_kubeconfig_load(argv[2], NULL, &err);
	if (!cfg) {
		fprintf(stderr, "probe: %s\n", err.text);
		return 1;
	}
	int rc = sync ? sync_of(cfg) : pages_of(cfg);
	ns_kubeconfig_free(cfg);
	return rc;
}
