/* bench DIR PROGRAM: the figures of `make bench`, each beside what it is compared with. Nothing here passes or fails: a machine may be
 * slow. The simulated cluster runs in this process, the program in a process and on a terminal of its own, as a person would run it. */
#include "neuroscale/base/log.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/runbook/runbook.h"
#include "neuroscale/sim/sim.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"
#include "proc.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum {
	CALM = 20,
	BUSY = 40,
	HEALTHY_PODS = 300,
	STARTS = 20,
	CARDS = 12,
	STEPS = 1000,
	QUERIES = 2000,
	IDLE_MS = 10000,
	MAX_SAMPLES = 4096
};

static const char *base_dir, *program;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- samples ---- */

typedef struct samples {
	double v[MAX_SAMPLES];
	size_t n;
} samples;

static void add(samples *s, double v)
{
	if (s->n < MAX_SAMPLES)
		s->v[s->n++] = v;
}

static int ascending(const void *a, const void *b)
{
	double x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

/* The p-th part, counted upwards: with few samples p99 is the worst of them. */
static double part(samples *s, double p)
{
	qsort(s->v, s->n, sizeof s->v[0], ascending);
	size_t i = (size_t)(p * (double)s->n);
	return s->n ? s->v[i < s->n ? i : s->n - 1] : 0;
}

static void report(const char *what, samples *s, const char *goal)
{
	if (!s->n)
		printf("%-46s no sample\n", what);
	else
		printf("%-46s p50 %6.2f  p99 %6.2f ms  (%zu samples)   goal: %s\n", what, part(s, 0.5), part(s, 0.99), s->n, goal);
	fflush(stdout);
}

/* ---- the program on a terminal of its own ---- */

extern char **environ;

typedef struct tty {
	pid_t pid;
	int fd;
	char tail[512]; /* what was painted last; tokens are looked for here */
	size_t n;
} tty;

static bool open_tty(tty *t, const char *const *argv)
{
	*t = (tty){.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
	if (t->fd < 0 || grantpt(t->fd) != 0 || unlockpt(t->fd) != 0)
		return false;
	struct winsize w = {.ws_row = 50, .ws_col = 160};
	ioctl(t->fd, TIOCSWINSZ, &w);
	const char *name = ptsname(t->fd);
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_addopen(&fa, 0, name, O_RDWR, 0); /* becomes its controlling terminal */
	posix_spawn_file_actions_adddup2(&fa, 0, 1);
	posix_spawn_file_actions_adddup2(&fa, 0, 2);
	union {
		const char *const *in;
		char *const *out;
	} words = {argv};
	int rc = posix_spawn(&t->pid, program, &fa, &at, words.out, environ);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	return rc == 0;
}

/* Reads what is painted until `token` is in it. A token may be cut by a read: the tail of the last one is kept. */
static bool painted(tty *t, const char *token, int ms)
{
	double end = now_ms() + ms;
	t->n = 0;
	for (;;) {
		char buf[16384];
		double left = end - now_ms();
		struct pollfd p = {.fd = t->fd, .events = POLLIN};
		if (left <= 0 || poll(&p, 1, (int)left + 1) <= 0)
			return false;
		ssize_t n = read(t->fd, buf, sizeof buf);
		if (n <= 0)
			return false;
		size_t keep = strlen(token) - 1;
		char *both = malloc(t->n + (size_t)n);
		memcpy(both, t->tail, t->n);
		memcpy(both + t->n, buf, (size_t)n);
		bool found = memmem(both, t->n + (size_t)n, token, strlen(token)) != NULL;
		size_t all = t->n + (size_t)n;
		t->n = all < keep ? all : keep;
		memcpy(t->tail, both + all - t->n, t->n);
		free(both);
		if (found)
			return true;
	}
}

static void drain(tty *t, int ms)
{
	double end = now_ms() + ms;
	char buf[16384];
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	for (double left; (left = end - now_ms()) > 0;)
		if (poll(&p, 1, (int)left + 1) > 0 && read(t->fd, buf, sizeof buf) <= 0)
			break;
}

static void end_tty(tty *t)
{
	int status;
	kill(t->pid, SIGTERM);
	for (int i = 0; i < 100 && waitpid(t->pid, &status, WNOHANG) == 0; i++) {
		drain(t, 50);
		if (i == 99) {
			kill(t->pid, SIGKILL);
			waitpid(t->pid, &status, 0);
		}
	}
	close(t->fd);
}

static const char *fresh(const char *name)
{
	static char path[4][512];
	static int k;
	char *p = path[k++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", base_dir, name);
	return p;
}

/* ---- /proc ---- */

static double cpu_ms(pid_t pid)
{
	char path[64], text[1024];
	unsigned long u = 0, s = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	const char *p = strrchr(text, ')');
	if (p)
		sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s);
	return (double)(u + s) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

/* ---- figures ---- */

static ns_sim *new_sim(const char *scenario, const ns_clock *clock, const char *kubeconfig)
{
	ns_err err = {0};
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = scenario, .clock = clock, .seed = 1};
	ns_sim *s = ns_sim_start(&o, &err);
	if (!s || !ns_sim_write_kubeconfig(s, kubeconfig, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	return s;
}

static void starts(const char *kubeconfig)
{
	samples s = {.n = 0};
	for (int i = 0; i < STARTS; i++) {
		char dir[512];
		snprintf(dir, sizeof dir, "%s/start-%d", base_dir, i);
		const char *argv[] = {"neuroscale-tui", "--kubeconfig", kubeconfig, "--state-dir", dir, NULL};
		tty t;
		double from = now_ms();
		if (!open_tty(&t, argv))
			return;
		if (painted(&t, "euro", 5000)) /* NeuroScale, the first frame */
			add(&s, now_ms() - from);
		drain(&t, 100);
		end_tty(&t);
	}
	report("start to first paint", &s, "<= 50 ms");
}

/* A pod of nobody: an incident of its own. Its name is two letters by turns, none of which stands at the same place in the name before, so
 * that a console that paints only what differs paints it whole. */
static void put_pod(ns_sim *s, const char *name, bool broken)
{
	char json[2048], now[32];
	ns_err err = {0};
	ns_time_format(ns_clock_wall_ms(ns_clock_real()), now);
	const char *state = broken ? "\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 40s\"}"
	                           : "\"running\":{\"startedAt\":\"2026-01-01T00:00:00Z\"}";
	char last[300] = "";
	if (broken)
		snprintf(last, sizeof last,
		    ",\"lastState\":{\"terminated\":{\"exitCode\":1,\"reason\":\"Error\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}}", now,
		    now);
	snprintf(json, sizeof json,
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"bench\",\"uid\":\"u-%s\","
	    "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},"
	    "\"spec\":{\"nodeName\":\"node-1\",\"containers\":[{\"name\":\"app\",\"image\":\"registry.example.com/b:1\"}]},"
	    "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}],"
	    "\"containerStatuses\":[{\"name\":\"app\",\"ready\":%s,\"restartCount\":%d,"
	    "\"image\":\"registry.example.com/b:1\",\"imageID\":\"\",\"state\":{%s}%s}]}}",
	    name, name, broken ? "False" : "True", now, broken ? "false" : "true", broken ? 4 : 0, state, last);
	if (!ns_sim_put(s, "v1/pods", json, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
}

/* `n` pods begin to fail, one each `every` ms. */
static void change(ns_sim *sim, tty *t, int from_number, int n, int every, samples *s)
{
	char name[32], token[9];
	for (int i = from_number; i < from_number + n; i++) {
		for (int k = 0; k < 8; k++)
			name[k] = (char)('a' + (i * 5 + (k % 2) * 13 + k / 2 * 2) % 26);
		snprintf(name + 8, sizeof name - 8, "-%d", i);
		snprintf(token, sizeof token, "%.8s", name);
		double from = now_ms();
		put_pod(sim, name, true);
		if (painted(t, token, 5000))
			add(s, now_ms() - from);
		drain(t, every); /* what follows it: analysis, plan */
	}
}

static void changes(ns_sim *sim, const char *kubeconfig)
{
	samples calm = {.n = 0}, busy = {.n = 0};
	char name[32];
	tty t;
	const char *argv[] = {"neuroscale-tui", "--kubeconfig", kubeconfig, "--state-dir", fresh("changes"), "--profile", "observe", NULL};
	for (int i = 0; i < HEALTHY_PODS; i++) { /* so that those that fail are no storm */
		snprintf(name, sizeof name, "steady-%d", i);
		put_pod(sim, name, false);
	}
	if (!open_tty(&t, argv))
		return;
	drain(&t, 3000);
	change(sim, &t, 0, CALM, 1500, &calm);
	report("a pod changes at the API to its row painted", &calm, "p99 <= 50 ms");
	change(sim, &t, CALM, BUSY, 120, &busy);
	report("the same, one after the other, 120 ms apart", &busy, "none set (the screen is painted 5 times a second then)");
	printf("%-46s %.1f MiB   goal: <= 20 MiB with the demo cluster\n", "RSS, console and engine, 300 more pods", proc_mib(t.pid, "VmRSS"));
	end_tty(&t);
}

static void idle(const char *kubeconfig)
{
	tty t;
	const char *console[] = {"neuroscale-tui", "--kubeconfig", kubeconfig, "--state-dir", fresh("idle"), NULL};
	if (!open_tty(&t, console))
		return;
	drain(&t, 4000);
	double before = cpu_ms(t.pid);
	drain(&t, IDLE_MS);
	double used = cpu_ms(t.pid) - before;
	printf(
	    "%-46s %.2f %% of a core over %d s   goal: <= 0.2 %%\n", "idle CPU, console and engine", used * 100 / IDLE_MS, IDLE_MS / 1000);
	printf("%-46s %.1f MiB   goal: <= 20 MiB\n", "RSS, console and engine, a healthy cluster", proc_mib(t.pid, "VmRSS"));
	end_tty(&t);
	const char *demo[] = {"neuroscale-tui", "demo", "--state-dir", fresh("demo"), NULL};
	if (!open_tty(&t, demo))
		return;
	drain(&t, 15000);
	printf("%-46s %.1f MiB   goal: <= 20 MiB (the simulated cluster is in it)\n", "RSS, the demo after 15 s", proc_mib(t.pid, "VmRSS"));
	fflush(stdout);
	end_tty(&t);
}

/* From the picture in which the alert shows first to the one that has its card: both in this process, no terminal. */
static double card_of(ns_door *door)
{
	double alert = 0, end = now_ms() + 20000;
	while (now_ms() < end) {
		ns_err err = {0};
		door->wake_clear(door->ctx);
		ns_snapshot *s = door->snapshot(door->ctx, &err);
		bool has_alert = s && s->n_incidents > 0, has_card = s && s->n_approvals > 0;
		ns_snapshot_unref(s);
		if (has_alert && alert == 0)
			alert = now_ms();
		if (has_card)
			return alert > 0 ? now_ms() - alert : 0;
		struct pollfd p = {.fd = door->wake_fd(door->ctx), .events = POLLIN};
		poll(&p, 1, 100);
	}
	return -1;
}

static void cards(void)
{
	samples s = {.n = 0};
	for (int i = 0; i < CARDS; i++) {
		char dir[512], kubeconfig[600];
		ns_err err = {0};
		ns_door door;
		ns_clock *clock = ns_clock_scaled(20, ns_real_mono_ms(), (int64_t)time(NULL) * 1000);
		snprintf(dir, sizeof dir, "%s/card-%d", base_dir, i);
		snprintf(kubeconfig, sizeof kubeconfig, "%s/card-%d.kubeconfig", base_dir, i);
		ns_sim *sim = new_sim(i % 2 ? "crashloop-release" : "oom-simple", clock, kubeconfig);
		ns_kubeconfig *kc = ns_kubeconfig_load(kubeconfig, NULL, &err);
		ns_cluster_opts one = {.cfg = kc, .name = "bench", .profile = NS_PROFILE_APPROVE, .lease_required = true};
		ns_engine_opts o = {.clusters = &one, .n_clusters = 1, .state_dir = dir, .clock = clock};
		ns_engine *e = kc ? ns_engine_start(&o, &err) : NULL;
		if (e && ns_engine_door(e, &door, &err)) {
			double ms = card_of(&door);
			if (ms >= 0)
				add(&s, ms);
			door.close(door.ctx);
		}
		ns_engine_stop(e);
		ns_kubeconfig_free(kc);
		ns_sim_stop(sim);
		ns_clock_free(clock);
	}
	report("alert to its decision card, both in the picture", &s, "p99 <= 100 ms");
}

static void retrieval(void)
{
	samples s = {.n = 0};
	ns_err err = {0};
	double from = now_ms();
	ns_library *l = ns_library_load(NULL, &err);
	printf("%-46s %.2f ms for %zu runbooks, once\n", "the runbook index is made", now_ms() - from, l ? ns_library_size(l) : 0);
	static const char *const queries[] = {"container app was OOMKilled, exit 137, its memory limit is too low",
	    "crash loop since the last rollout, exit code 2, the former revision was healthy",
	    "the load test in staging costs five times as much as yesterday", "admission webhook denied the request: policy require-limits",
	    "a new revision is never ready and the deployment exceeded its progress deadline"};
	for (int i = 0; l && i < QUERIES; i++) {
		ns_match m[3];
		double t = now_ms();
		ns_library_search(l, queries[i % 5], m, 3);
		add(&s, now_ms() - t);
	}
	ns_library_free(l);
	report("a query of the runbook index", &s, "none set");
}

static void store_steps(void)
{
	samples s = {.n = 0};
	ns_err err = {0};
	ns_store *st = ns_store_open(fresh("store"), ns_clock_real(), &err);
	cJSON *doc = cJSON_CreateObject();
	cJSON_AddStringToObject(doc, "root_cause", "Container app needs more memory than its limit of 128Mi and was OOMKilled.");
	for (int i = 0; st && i < STEPS; i++) {
		char name[32];
		int64_t id;
		bool is_new;
		snprintf(name, sizeof name, "workload-%d", i);
		ns_alert a = {
		    .kind = NS_KIND_OOM_KILLED, .severity = NS_SEV_CRIT, .container = "app", .reason = "OOMKilled", .message = "killed"};
		a.target = (ns_workload){.cluster = "bench", .ns = "shop", .kind = "Deployment", .name = name, .uid = "u"};
		double t = now_ms();
		bool ok = ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &id, &is_new, &err) &&
		          ns_store_fact_put(st, id, "rca", doc, &err) &&
		          ns_store_transition(st, id, NS_ST_DETECTED, 1, NS_ST_ANALYZING, NS_VERDICT_NONE, "", &err) &&
		          ns_store_job_put(st, id, "analyze", 0, &err) && ns_store_audit(st, &(ns_audit_entry){.actor = "bench", .action = "step", .incident = id, .detail = doc}, NULL, NULL, &err) &&
		          ns_store_commit(st, &err);
		if (!ok) {
			printf("%-46s %s\n", "a step of the store", err.text);
			break;
		}
		add(&s, now_ms() - t);
	}
	cJSON_Delete(doc);
	ns_store_close(st);
	report("a step of the store, synced to the disk", &s, "none set");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: bench DIR PROGRAM\n");
		return 2;
	}
	base_dir = argv[1];
	program = argv[2];
	setenv("TERM", "xterm", 1);
	unsetenv("KUBECONFIG");
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_ERROR, NULL);
	char kubeconfig[512];
	snprintf(kubeconfig, sizeof kubeconfig, "%s/kubeconfig", base_dir);
	retrieval();
	store_steps();
	ns_sim *sim = new_sim("healthy", ns_clock_real(), kubeconfig);
	starts(kubeconfig);
	idle(kubeconfig);
	changes(sim, kubeconfig);
	ns_sim_stop(sim);
	cards();
	curl_global_cleanup();
	return 0;
}
