/* Cases that each run in a process of their own, several at a time: an engine and a cluster are mostly waiting, and what one leaves behind (a
 * thread, a leak, a test point) must not meet the next. A case that fails says why and exits at once; what it left on disk goes with the
 * directory of them all. */
#ifndef NEUROSCALE_TESTS_ENGINE_CASES_H
#define NEUROSCALE_TESTS_ENGINE_CASES_H
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include "rig.h"
#include "self.h"
#include "support/tmpdir.h"

extern char **environ;

typedef struct test_case {
	const char *name;
	void (*run)(void);
	bool no_kubectl; /* it does without */
	const void *about; /* for run functions of several cases: case_about() */
	/* what came of it */
	pid_t pid;
	int status;
	bool ran;
} test_case;

/* In a case. */
#define must(COND, ...)                                                                                                                    \
	do {                                                                                                                               \
		if (!(COND)) {                                                                                                             \
			fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                    \
			fprintf(stderr, __VA_ARGS__);                                                                                      \
			fprintf(stderr, "\n");                                                                                             \
			fflush(NULL);                                                                                                      \
			_exit(1);                                                                                                          \
		}                                                                                                                          \
	} while (0)

static struct {
	test_case *list;
	size_t n;
	char *dir, *kubectl;
	const test_case *mine; /* in a case: itself */
	int at_once;           /* CASES_AT_ONCE when 0 */
	void (*over)(void);    /* after all of them, before their logs are gone; may be NULL */
} cases;

static inline const void *case_about(void)
{
	return cases.mine->about;
}

static inline char *case_log(size_t i)
{
	return ns_xasprintf("%s/case.%zu", cases.dir, i);
}

static inline bool case_start(size_t i)
{
	char *log = case_log(i);
	const char *args[] = {"case", cases.list[i].name, NULL};
	posix_spawn_file_actions_t acts;
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_addopen(&acts, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&acts, STDOUT_FILENO, STDERR_FILENO);
	int rc = spawn_self(&cases.list[i].pid, &acts, args);
	posix_spawn_file_actions_destroy(&acts);
	free(log);
	return rc == 0;
}

static inline void case_ended(pid_t pid, int status)
{
	for (size_t i = 0; i < cases.n; i++)
		if (cases.list[i].pid == pid) {
			cases.list[i].status = status;
			cases.list[i].ran = true;
		}
}

enum { CASES_AT_ONCE = 4 };

static int cases_run_all(void **state)
{
	const char *only = getenv("NS_TEST_CASE");
	size_t running = 0;
	void *dir = NULL;
	if (tmpdir_make(&dir) != 0)
		return -1;
	cases.dir = dir;
	setenv("TMPDIR", cases.dir, 1); /* what a failed case leaves goes with it */
	for (size_t i = 0;; i++) {
		while (running && (running == (size_t)(cases.at_once ? cases.at_once : CASES_AT_ONCE) || i >= cases.n)) {
			int status;
			pid_t pid = waitpid(-1, &status, 0);
			if (pid < 0 && errno != EINTR)
				return -1;
			case_ended(pid, status);
			running -= pid > 0;
		}
		if (i >= cases.n)
			return 0;
		test_case *c = &cases.list[i];
		if ((cases.kubectl || c->no_kubectl) && (!only || strcmp(only, c->name) == 0))
			running += case_start(i);
	}
}

static int cases_free(void **state)
{
	void *dir = cases.dir;
	if (cases.over)
		cases.over();
	free(cases.kubectl);
	return getenv("NS_TEST_KEEP") ? 0 : tmpdir_remove(&dir);
}

static void case_judged(void **state)
{
	test_case *c = *state;
	if (!c->ran)
		skip();
	if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0)
		return;
	char *path = case_log((size_t)(c - cases.list));
	ns_buf log = NS_BUF_INIT;
	ns_read_file(path, 1 << 20, &log, NULL);
	free(path);
	fprintf(stderr, "# %s (status %x):\n%s\n", c->name, (unsigned)c->status, ns_buf_str(&log));
	ns_buf_free(&log);
	fail_msg("%s", c->name);
}

static int cases_main(int argc, char **argv, const char *group, test_case *list, size_t n)
{
	cases.list = list;
	cases.n = n;
	cases.kubectl = rig_find_kubectl();
	if (argc == 3 && strcmp(argv[1], "case") == 0) {
		for (size_t i = 0; i < n; i++)
			if (strcmp(list[i].name, argv[2]) == 0) {
				cases.mine = &list[i];
				list[i].run();
			}
		free(cases.kubectl);
		return 0;
	}
	struct CMUnitTest *tests = ns_xcalloc(n, sizeof *tests);
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){.name = list[i].name, .test_func = case_judged, .initial_state = &list[i]};
	int failed = _cmocka_run_group_tests(group, tests, n, cases_run_all, cases_free);
	free(tests);
	return failed;
}

/* ---- an engine in the case's own process ---- */

typedef struct live {
	rig r;
	ns_kubeconfig *kc;
	ns_engine_opts o; /* between live_open and live_start a case may change them */
	ns_cluster_opts c;
	ns_engine *e;
	ns_door door;
} live;

static inline void live_open(live *l, const char *scenario, int rate, ns_profile profile)
{
	ns_err err = {0};
	memset(l, 0, sizeof *l);
	must(rig_open(&l->r, scenario, rate, &err), "%s", err.text);
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_INFO, l->r.clock);
	l->kc = ns_kubeconfig_load(l->r.kubeconfig, NULL, &err);
	must(l->kc, "%s", err.text);
	rig_want w = {.kubectl = cases.kubectl, .profile = profile, .approval_ms = MINUTES(60)};
	rig_engine_opts(&l->o, &l->c, l->kc, l->r.clock, l->r.state, &w);
}

static inline void live_start(live *l)
{
	ns_err err = {0};
	l->e = ns_engine_start(&l->o, &err);
	must(l->e, "%s", err.text);
	must(ns_engine_door(l->e, &l->door, &err), "%s", err.text);
}

static inline void live_stop(live *l)
{
	l->door.close(l->door.ctx);
	ns_engine_stop(l->e);
	l->e = NULL;
}

static inline void live_close(live *l)
{
	if (l->e)
		live_stop(l);
	ns_kubeconfig_free(l->kc);
	rig_close(&l->r);
}

enum { LIVE_LIMIT_MS = 45000, LIVE_NAP_MS = 20 };

/* Until the workload's newest incident is in one of the states "a|b". The row's words are the note, copied. */
static inline ns_inc_row live_until(live *l, const char *ns, const char *name, const char *states)
{
	static char note[600];
	ns_inc_row row = {0};
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (;;) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		const ns_inc_row *found = rig_row(s, ns, name);
		if (found) {
			row = *found;
			ns_copy(note, sizeof note, found->note);
			row.note = note;
		}
		ns_snapshot_unref(s);
		const char *is = found ? ns_state_get(row.state)->name : "nowhere", *at = strstr(states, is);
		if (at && (at == states || at[-1] == '|') && strchr("|", at[strlen(is)]))
			return row;
		must(ns_real_mono_ms() < end, "%s/%s is %s (%s), must be %s", ns, name, is, note, states);
		rig_nap(LIVE_NAP_MS);
	}
}

typedef struct card {
	int64_t id, incident;
	char digest[65], ask[400];
} card;

/* Until a question newer than `after` is ready. */
static inline card live_card(live *l, const char *name, int64_t after)
{
	card c = {0};
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while (!c.id) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		for (size_t i = 0; i < s->n_approvals; i++) {
			const ns_appr_row *a = &s->approvals[i];
			if (a->state != NS_CARD_READY || a->id <= after || strcmp(a->target, name) != 0)
				continue;
			c.id = a->id;
			c.incident = a->incident;
			ns_copy(c.digest, sizeof c.digest, a->digest);
			ns_copy(c.ask, sizeof c.ask, a->ask);
		}
		ns_snapshot_unref(s);
		must(ns_real_mono_ms() < end, "nobody was asked about %s", name);
		rig_nap(LIVE_NAP_MS);
	}
	return c;
}

static inline bool live_decide(live *l, const card *c, bool yes, ns_err *err)
{
	char said[256];
	ns_decide_req req = {.approval = c->id, .approve = yes, .digest = c->digest, .reason = yes ? "" : "not now", .surface = "cli"};
	return l->door.decide(l->door.ctx, &req, said, sizeof said, err);
}

static inline void live_yes(live *l, const card *c)
{
	ns_err err = {0};
	must(live_decide(l, c, true, &err), "%s", err.text);
}

static inline int64_t live_sent(const live *l)
{
	return ns_sim_mutations(l->r.sim, NULL, NULL);
}

/* A change of the object by somebody else, with the same tool. */
static inline void live_change(const live *l, const char *ns, const char *deployment, const char *merge_patch)
{
	ns_spawn_res res;
	ns_err err = {0};
	char *config = ns_xasprintf("--kubeconfig=%s", l->r.kubeconfig), *home = ns_xasprintf("HOME=%s", l->r.dir);
	const char *argv[] = {cases.kubectl, config, "-n", ns, "patch", "deployment", deployment, "--type=merge", "-p", merge_patch, NULL};
	const char *envp[] = {home, NULL};
	ns_spawn_req req = {.path = cases.kubectl, .argv = argv, .envp = envp, .inherit_fd = -1, .deadline_ms = 20000, .max_output = 1 << 20};
	must(ns_spawner_real.run(NULL, &req, &res, &err), "%s", err.text);
	must(res.exit_code == 0, "kubectl: %s", ns_buf_str(&res.err_out));
	ns_spawn_res_free(&res);
	free(config);
	free(home);
}

static inline ns_store *live_record(const live *l)
{
	ns_err err = {0};
	ns_store *st = ns_store_open_readonly(l->r.state, l->r.clock, &err);
	must(st, "%s", err.text);
	return st;
}

/* Nothing is sent for that long (sim). */
static inline void live_quiet(const live *l, int64_t sim_ms)
{
	int64_t before = live_sent(l), end = ns_clock_mono_ms(l->r.clock) + sim_ms;
	while (ns_clock_mono_ms(l->r.clock) < end) {
		must(live_sent(l) == before, "something was sent");
		rig_nap(LIVE_NAP_MS);
	}
}
#endif
