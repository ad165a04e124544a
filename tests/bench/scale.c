/* scale DIR PROGRAM: what a large cluster costs, on generated pods. Each figure stands beside what it is compared with; nothing passes or
 * fails. First bytes to cache in this process, then the program itself, in a process of its own, against a server made of prepared bytes.
 */
#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "../../src/agents/detector_keep.h"
#include "../../src/agents/detector_priv.h"
#include "../../src/kube/kube_priv.h"
#include "../../src/kube/pick.h"
#include "neuroscale/base/log.h"
#include "proc.h"
#include "scale_server.h"

enum { READ = 16384, IN_MEMORY_PODS = 10000, BURST = 5000, PER_SECOND = 1000, SECONDS = 5 };

static const char *base_dir, *program;

static double thread_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- bytes to cache, in memory ---- */

typedef struct path {
	kube_pick *pick;
	ns_detector *d;
} path;

static bool on_item(void *ctx, char *json, size_t n)
{
	path *p = ctx;
	ns_err err = {0};
	const cJSON *obj = p->pick ? kube_pick_object(p->pick, json, n, &err) : NULL;
	if (p->pick && !obj)
		return false;
	if (p->d)
		dt_on_event(p->d, DT_ROW_PODS, NS_WATCH_ADDED, obj, NULL);
	return true;
}

/* MB/s of the best of three: what else runs here only slows. */
static double rate_of(const ns_buf *list, path *p)
{
	double best = 0;
	for (int round = 0; round < 3; round++) {
		kube_split_ops ops = {.item = on_item, .ctx = p, .max_item = 16 << 20};
		kube_split *s = kube_split_new(&ops);
		double from = thread_ms();
		bool ok = true;
		for (size_t i = 0; ok && i < list->len; i += READ)
			ok = kube_split_feed(s, list->data + i, list->len - i < READ ? list->len - i : READ, NULL);
		double rate = (double)list->len / 1e3 / (thread_ms() - from);
		cJSON *rest = ok ? kube_split_end(s, NULL) : NULL;
		if (!rest)
			abort();
		cJSON_Delete(rest);
		kube_split_free(s);
		best = rate > best ? rate : best;
	}
	return best;
}

static double rate_of_memcpy(const ns_buf *list)
{
	char *copy = ns_xmalloc(list->len);
	double best = 0;
	for (int round = 0; round < 3; round++) {
		double from = thread_ms();
		memcpy(copy, list->data, list->len);
		__asm__ volatile("" : : "r"(copy) : "memory");
		double rate = (double)list->len / 1e3 / (thread_ms() - from);
		best = rate > best ? rate : best;
	}
	free(copy);
	return best;
}

static double rate_of_trees(const podgen *g)
{
	enum { SOME = 1000 };
	ns_buf b = NS_BUF_INIT;
	double bytes = 0, ms = 0;
	for (size_t i = 0; i < SOME; i++) {
		ns_buf_clear(&b);
		podgen_pod(g, i, 1, &b);
		double from = thread_ms();
		cJSON_Delete(ns_json_parse(b.data, b.len, &ns_json_api, NULL));
		ms += thread_ms() - from;
		bytes += (double)b.len;
	}
	ns_buf_free(&b);
	return bytes / 1e3 / ms;
}

static void in_memory(const podgen *g)
{
	ns_buf list = NS_BUF_INIT;
	ns_err err = {0};
	ns_buf_puts(&list, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
	for (size_t i = 0; i < IN_MEMORY_PODS; i++) {
		if (i)
			ns_buf_putc(&list, ',');
		podgen_pod(g, i, 1, &list);
	}
	ns_buf_puts(&list, "]}");
	ns_detector_opts o = {.cluster = "bench"};
	path nothing = {.pick = NULL}, picked = {.pick = kube_pick_new(dt_keep_pods)},
	     cached = {.pick = picked.pick, .d = ns_detector_new(&o, &err)};
	printf("%-46s %d pods, %.1f KB of JSON each\n", "generated", IN_MEMORY_PODS, (double)list.len / IN_MEMORY_PODS / 1e3);
	double cut = rate_of(&list, &nothing), pick = rate_of(&list, &picked);
	size_t before = mallinfo2().uordblks;
	double cache = rate_of(&list, &cached);
	double kept = (double)(mallinfo2().uordblks - before) / IN_MEMORY_PODS;
	printf("%-46s %.0f MB/s per core   goal: >= 400\n", "list to the detector's cache", cache);
	printf("%-46s cut into items %.0f, and picked %.0f MB/s\n", "  of that", cut, pick);
	printf("%-46s %.0f bytes   goal: none set\n", "  a pod in the cache", kept);
	printf("%-46s full tree of each pod %.0f, memcpy %.0f MB/s\n", "  compared with", rate_of_trees(g), rate_of_memcpy(&list));
	ns_detector_free(cached.d);
	kube_pick_free(picked.pick);
	ns_buf_free(&list);
}

/* ---- the program ---- */

extern char **environ;

static bool write_kubeconfig(const char *file, int port)
{
	FILE *f = fopen(file, "w");
	if (!f)
		return false;
	fprintf(f,
	    "apiVersion: v1\nkind: Config\ncurrent-context: bench\nclusters: [{name: bench, cluster: {server: 'http://127.0.0.1:%d'}}]\n"
	    "contexts: [{name: bench, context: {cluster: bench, user: bench}}]\nusers: [{name: bench, user: {token: none}}]\n",
	    port);
	return fclose(f) == 0;
}

static pid_t start_program(const char *kubeconfig, const char *state)
{
	const char *argv[] = {
	    "neuroscale-tui", "--headless", "--kubeconfig", kubeconfig, "--state-dir", state, "--profile", "observe", NULL};
	union {
		const char *const *in;
		char *const *out;
	} words = {argv};
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", 1, 0);
	posix_spawn_file_actions_addopen(&fa, 2, "/dev/null", 1, 0);
	int rc = posix_spawn(&pid, program, &fa, NULL, words.out, environ);
	posix_spawn_file_actions_destroy(&fa);
	return rc == 0 ? pid : -1;
}

/* Until it is quiet: no CPU to speak of in 300 ms. */
static void settle(pid_t pid)
{
	double most, before = proc_cpu_ms(pid, &most);
	for (int i = 0; i < 100; i++) {
		scale_sleep_ms(300);
		double now = proc_cpu_ms(pid, &most);
		if (now - before < 5)
			return;
		before = now;
	}
}

static size_t drop(char *p, size_t size, size_t n, void *ctx)
{
	return size * n;
}

/* The same pages to nowhere: what the connection and the kernel cost, and no one can be below. */
static double fetch_pages_ms(const scale_server *s, double *cpu)
{
	CURL *c = curl_easy_init();
	double wall = (double)scale_now_ns() / 1e6, from = thread_ms();
	for (size_t at = 0; at < s->n_pods; at += 500) {
		char url[128];
		snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1/pods?limit=500&continue=%zu", s->port, at);
		curl_easy_setopt(c, CURLOPT_URL, url);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
		curl_easy_perform(c);
	}
	*cpu = thread_ms() - from;
	curl_easy_cleanup(c);
	return (double)scale_now_ns() / 1e6 - wall;
}

static bool wait_for_sync(const scale_server *s)
{
	for (int i = 0; i < 6000 && !atomic_load(&s->watch_opened); i++)
		scale_sleep_ms(10);
	return atomic_load(&s->watch_opened) != 0;
}

static double send_events(scale_server *s, pid_t pid, long n, long rate, double *wall_ms)
{
	double most, before = proc_cpu_ms(pid, &most);
	int64_t from = scale_now_ns();
	atomic_store(&s->events_per_second, rate);
	atomic_fetch_add(&s->events_wanted, n);
	while (atomic_load(&s->events_sent) < atomic_load(&s->events_wanted) && kill(pid, 0) == 0)
		scale_sleep_ms(10);
	*wall_ms = (double)(scale_now_ns() - from) / 1e6;
	settle(pid);
	return proc_cpu_ms(pid, &most) - before;
}

static void program_with(const podgen *g, size_t n_pods, bool all)
{
	scale_server s;
	char kubeconfig[512], state[512];
	double most, wall, curl_cpu;
	snprintf(kubeconfig, sizeof kubeconfig, "%s/scale-%zu.kubeconfig", base_dir, n_pods);
	snprintf(state, sizeof state, "%s/scale-%zu", base_dir, n_pods);
	if (!scale_server_start(&s, g, n_pods) || !write_kubeconfig(kubeconfig, s.port)) {
		fprintf(stderr, "scale: no server\n");
		exit(1);
	}
	double curl_ms = fetch_pages_ms(&s, &curl_cpu);
	atomic_store(&s.list_bytes, 0);
	atomic_store(&s.list_began, 0);
	pid_t pid = start_program(kubeconfig, state);
	if (pid > 0 && wait_for_sync(&s)) {
		double sync = (double)(atomic_load(&s.watch_opened) - atomic_load(&s.list_began)) / 1e6,
		       mb = (double)atomic_load(&s.list_bytes) / 1e6;
		settle(pid);
		double cpu = proc_cpu_ms(pid, &most);
		if (all) {
			printf("%-46s %.0f MB in %.0f ms, %.0f MB/s; the program's busiest thread %.0f MB/s per core   goal: >= 400\n",
			    "50,000 pods, the program's first list", mb, sync, mb * 1e3 / sync, mb * 1e3 / most);
			printf("%-46s the same pages to nowhere: %.0f ms, %.0f MB/s per core\n", "  compared with", curl_ms,
			    mb * 1e3 / curl_cpu);
			printf("%-46s %.1f MiB, peak %.1f MiB   goal: <= 64 MiB\n", "  RSS after it", proc_mib(pid, "VmRSS"),
			    proc_mib(pid, "VmHWM"));
			cpu = send_events(&s, pid, PER_SECOND * SECONDS, PER_SECOND, &wall);
			printf("%-46s %.1f %% of a core at %.0f a second   goal: <= 50 %% at 1000\n", "  its watch under events, for 5 s",
			    cpu * 100 / wall, PER_SECOND * SECONDS * 1e3 / wall);
		}
		cpu = send_events(&s, pid, BURST, 0, &wall);
		printf("%-46s %5.1f us of CPU, RSS %.1f MiB   goal: the same at every size\n",
		    all              ? "one event, 50,000 pods"
		    : n_pods == 1000 ? "one event, 1,000 pods"
		                     : "one event, 10,000 pods",
		    cpu * 1e3 / BURST, proc_mib(pid, "VmRSS"));
	} else {
		printf("%-46s not synced within a minute\n", "the program against generated pods");
	}
	fflush(stdout);
	if (pid > 0) {
		kill(pid, SIGTERM);
		waitpid(pid, NULL, 0);
	}
	scale_server_stop(&s);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: scale DIR PROGRAM\n");
		return 2;
	}
	base_dir = argv[1];
	program = argv[2];
	unsetenv("KUBECONFIG");
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_ERROR, NULL);
	podgen *g = podgen_new(1);
	in_memory(g);
	program_with(g, 1000, false);
	program_with(g, 10000, false);
	program_with(g, 50000, true);
	podgen_free(g);
	curl_global_cleanup();
	return 0;
}
