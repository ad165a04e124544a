/* kill -9 at every stage of an incident loses nothing and repeats nothing (laws 7, 8 and 13).
 *
 * The cluster lives in this process; the engine is this program started anew, and it kills itself at a named point. A second engine on the
 * same state directory must bring the incident to its end. Between the two the record is read from outside: its head must still be in
 * the chain at the end, and the cluster counts what it was told to change. The trials are made in the group's setup, several at a time, since
 * each is mostly waiting; every test then judges one. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include "rig.h"
#include "self.h"

extern char **environ;
void ns_engine_test_point(const char *name, int64_t incident);

enum { RATE = 60, AT_ONCE = 4, LIMIT_MS = 60000, NAP_MS = 50 };

/* ---- the engine's process ---- */

static const char *die_at = "";

/* Strong where the engine declares it weak. */
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (strcmp(name, die_at) != 0)
		return;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* argv: "engine" KUBECONFIG CLOCK STATE KUBECTL LEASE POINT */
static int engine_main(char **argv)
{
	ns_err err = {0};
	sigset_t set;
	int sig;
	ns_clock *clock = ns_clock_parse(argv[3], &err);
	ns_kubeconfig *kc = clock ? ns_kubeconfig_load(argv[2], NULL, &err) : NULL;
	char *path = ns_path_join(argv[4], "engine.log");
	int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	free(path);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ns_log_init(log_fd, NS_LOG_TEXT, NS_LOG_INFO, clock);
	die_at = argv[7];
	rig_want w = {.kubectl = argv[5], .profile = NS_PROFILE_APPROVE, .lease = argv[6][0] == '1', .approval_ms = MINUTES(120)};
	ns_engine_opts o;
	ns_cluster_opts one;
	rig_engine_opts(&o, &one, kc, clock, argv[4], &w);
	ns_engine *e = kc ? ns_engine_start(&o, &err) : NULL;
	if (!e) {
		ns_log(NS_LOG_ERROR, "test", "no engine: %s", err.text);
		return 1;
	}
	sigwait(&set, &sig);
	ns_engine_stop(e);
	ns_kubeconfig_free(kc);
	ns_clock_free(clock);
	return 0;
}

/* ---- one trial ---- */

typedef struct trial {
	const char *point;         /* where the first engine dies; "kubectl-…": while its kubectl runs, before or after it sent */
	const char *state, *verdict; /* how the incident must end */
	int64_t mutations, intents, most_intents; /* each with an approval of its own; most_intents 0: as intents */
	bool lease;
	int rate;
	/* what happened */
	char fault[400];
	const char *kubectl;
	rig r;
	int64_t said_yes[8]; /* approvals that were answered, each once */
	size_t n_yes;
} trial;

static bool fault(trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fault(trial *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!t->fault[0]) /* the first one explains the others */
		vsnprintf(t->fault, sizeof t->fault, fmt, ap);
	va_end(ap);
	return false;
}

static pid_t start_engine(trial *t, const char *kubectl, const char *point)
{
	pid_t pid = -1;
	const char *args[] = {"engine", t->r.kubeconfig, t->r.spec, t->r.state, kubectl, t->lease ? "1" : "0", point, NULL};
	int rc = spawn_self(&pid, NULL, args);
	if (rc)
		fault(t, "spawn: %s", strerror(rc));
	return rc ? -1 : pid;
}

static bool has_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

static bool yes_before(const trial *t, int64_t id)
{
	for (size_t i = 0; i < t->n_yes; i++)
		if (t->said_yes[i] == id)
			return true;
	return false;
}

/* What a person would do: say yes once to each question. An engine that dies under it is what this is about. */
static void say_yes(trial *t, ns_door *door, const ns_snapshot *s)
{
	for (size_t i = 0; i < s->n_approvals; i++) {
		const ns_appr_row *a = &s->approvals[i];
		char said[256];
		if (a->state != NS_CARD_READY || yes_before(t, a->id) || t->n_yes == sizeof t->said_yes / sizeof t->said_yes[0])
			continue;
		t->said_yes[t->n_yes++] = a->id;
		ns_decide_req req = {.approval = a->id, .approve = true, .digest = a->digest, .reason = "", .surface = "cli"};
		door->decide(door->ctx, &req, said, sizeof said, NULL);
	}
}

/* One look through the door of whoever runs. False when nobody answers. *row is a copy of the numbers only. */
static bool look(trial *t, ns_inc_row *row)
{
	ns_door door;
	if (!ns_door_connect(t->r.state, &door, NULL))
		return false;
	ns_snapshot *s = door.snapshot(door.ctx, NULL);
	memset(row, 0, sizeof *row);
	if (s) {
		const ns_inc_row *found = rig_row(s, "shop", "checkout");
		if (found)
			*row = *found;
		say_yes(t, &door, s);
	}
	ns_snapshot_unref(s);
	door.close(door.ctx);
	return s != NULL;
}

/* Looks until the engine dies by its own hand. */
static bool until_it_dies(trial *t, pid_t pid)
{
	int64_t end = ns_real_mono_ms() + LIMIT_MS;
	int status = 0;
	ns_inc_row row;
	while (!has_ended(pid, &status)) {
		if (ns_real_mono_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return fault(t, "the engine never came to \"%s\"", t->point);
		}
		look(t, &row);
		rig_nap(NAP_MS);
	}
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || fault(t, "the first engine ended by itself (status %d)", status);
}

static bool until_it_is_over(trial *t, pid_t pid)
{
	int64_t end = ns_real_mono_ms() + LIMIT_MS;
	int status = 0;
	for (;;) {
		ns_inc_row row;
		if (has_ended(pid, &status))
			return fault(t, "the second engine ended (status %d)", status);
		if (look(t, &row) && row.id && ns_state_get(row.state)->terminal)
			return true;
		if (ns_real_mono_ms() > end)
			return fault(t, "after %d s the incident is %s", LIMIT_MS / 1000, row.id ? ns_state_get(row.state)->name : "nowhere");
		rig_nap(NAP_MS);
	}
}

static bool stop_engine(trial *t, pid_t pid)
{
	int status = 0;
	int64_t end = ns_real_mono_ms() + 15000;
	kill(pid, SIGTERM);
	while (!has_ended(pid, &status)) {
		if (ns_real_mono_ms() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return fault(t, "the engine did not stop within 15 s");
		}
		rig_nap(20);
	}
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || fault(t, "the engine ended with status %d", status);
}

/* What the record says of the dead one, read by a stranger. */
static bool read_head(trial *t, char head[65], int64_t *rows)
{
	ns_err err = {0};
	ns_store *st = ns_store_open_readonly(t->r.state, t->r.clock, &err);
	bool ok = st && ns_store_audit_verify(st, NULL, rows, head, &err);
	ns_store_close(st);
	return ok || fault(t, "the record of the dead engine: %s", err.text);
}

/* ---- the judge ---- */

#define MUST(COND, ...) ((COND) || fault(t, __VA_ARGS__))

static bool judge_incident(trial *t, ns_store *st, ns_arena *ar, const ns_incident *inc)
{
	ns_intent *open;
	size_t n_open;
	static const char *const once[] = {"detected"};
	static const char *const facts[] = {"alert", "case", "rca", "plan", "summary", "dryrun", "gate", "decision", "execution", "verification"};
	bool ok = MUST(strcmp(ns_state_get(inc->state)->name, t->state) == 0, "it ended %s (%s), must be %s", ns_state_get(inc->state)->name, inc->note, t->state) &&
	    MUST(strcmp(ns_verdict_name(inc->verdict), t->verdict) == 0, "the verdict is \"%s\", must be \"%s\"", ns_verdict_name(inc->verdict), t->verdict);
	for (size_t i = 0; ok && i < sizeof facts / sizeof facts[0]; i++)
		ok = MUST(rig_count_facts(st, ar, inc->id, facts[i]) > 0, "the fact \"%s\" is lost", facts[i]);
	for (size_t i = 0; ok && i < sizeof once / sizeof once[0]; i++)
		ok = MUST(rig_count_audit(st, ar, inc->id, once[i]) == 1, "\"%s\" was recorded %zu times", once[i], rig_count_audit(st, ar, inc->id, once[i]));
	int64_t intents = ns_store_intents_since(st, NULL, NULL, 0, NULL), approved = (int64_t)rig_count_audit(st, ar, inc->id, "approved");
	return ok &&
	    MUST(intents >= t->intents && intents <= (t->most_intents ? t->most_intents : t->intents), "%lld intents, must be %lld", (long long)intents,
		(long long)t->intents) &&
	    /* every single change had a yes of its own: nothing was sent again on an old one */
	    MUST(approved == intents, "%lld approvals for %lld intents", (long long)approved, (long long)intents) &&
	    MUST((int64_t)rig_count_audit(st, ar, inc->id, "started") == approved, "changes were started without an approval each") &&
	    MUST(ns_store_intents_open(st, ar, &open, &n_open, NULL) && n_open == 0, "%zu intents are open", n_open) &&
	    MUST(ns_store_next_due(st, NULL) == -1, "a job was left over");
}

static bool judge(trial *t, const char head[65], int64_t rows_before)
{
	ns_err err = {0};
	char now[65];
	int64_t rows = 0, sent = ns_sim_mutations(t->r.sim, "shop", "checkout"), all = ns_sim_mutations(t->r.sim, NULL, NULL);
	ns_store *st = ns_store_open_readonly(t->r.state, t->r.clock, &err);
	ns_arena *ar = ns_arena_new();
	ns_incident *list = NULL;
	size_t n = 0;
	bool ok = MUST(st && ns_store_incidents(st, ar, 100, &list, &n, &err), "%s", err.text) &&
	    MUST(ns_store_audit_verify(st, head, &rows, now, &err), "the audit record: %s", err.text) &&
	    MUST(rows > rows_before, "the second engine recorded nothing") && MUST(n == 1, "%zu incidents for one fault", n) &&
	    judge_incident(t, st, ar, &list[0]) &&
	    MUST(sent == t->mutations, "the cluster took %lld changes, must be %lld", (long long)sent, (long long)t->mutations) &&
	    MUST(all == sent, "something else was changed as well");
	ns_arena_free(ar);
	ns_store_close(st);
	return ok;
}

/* ---- the course of a trial ---- */

static bool sends_first(const trial *t)
{
	return strcmp(t->point, "kubectl-after") == 0;
}

/* A kubectl that, when it is to change something, says that it is there and waits for a sign, before it sends or after. What it inherited from
 * its engine it keeps. Its answer goes to a file: the pipe has no reader any more. */
static char *slow_kubectl(trial *t)
{
	ns_err err = {0};
	char *path = ns_path_join(t->r.dir, "kubectl"), *send = ns_xasprintf("%s \"$@\" >%s/answer 2>&1", t->kubectl, t->r.dir);
	char *text = ns_xasprintf("#!/bin/sh\n"
	                          "case \" $* \" in\n"
	                          "*\" --dry-run=server \"*) exec %s \"$@\" ;;\n"
	                          "*\" patch \"*) ;;\n"
	                          "*) exec %s \"$@\" ;;\n"
	                          "esac\n"
	                          "%s\n"
	                          ": >%s/there\n"
	                          "while [ ! -e %s/go ]; do sleep 0.05; done\n"
	                          "%s\n",
	    t->kubectl, t->kubectl, sends_first(t) ? send : "", t->r.dir, t->r.dir, sends_first(t) ? "" : send);
	free(send);
	if (!ns_write_file_atomic(path, text, strlen(text), 0700, &err))
		fault(t, "%s", err.text);
	free(text);
	return path;
}

static bool until_there(trial *t, const char *name)
{
	char *path = ns_path_join(t->r.dir, name);
	int64_t end = ns_real_mono_ms() + LIMIT_MS;
	bool there = false;
	ns_inc_row row;
	while (!(there = ns_exists(path)) && ns_real_mono_ms() < end) {
		look(t, &row);
		rig_nap(NAP_MS);
	}
	free(path);
	return there || fault(t, "kubectl was never started");
}

/* Law 8: while the dead engine's kubectl runs, the new one neither judges nor acts. Two minutes of health would be through in this time. */
static bool hands_off(trial *t)
{
	int64_t end = ns_clock_mono_ms(t->r.clock) + MINUTES(3);
	bool ok = true;
	ns_inc_row row = {0};
	ns_intent it;
	ns_arena *ar = ns_arena_new();
	ns_store *st = ns_store_open_readonly(t->r.state, t->r.clock, NULL);
	while (ok && ns_clock_mono_ms(t->r.clock) < end) {
		if (look(t, &row) && row.id)
			ok = MUST(row.state == NS_ST_VERIFYING, "it is %s while kubectl runs", ns_state_get(row.state)->name) &&
			    MUST(row.verify_good_ms == 0, "%lld ms were counted while kubectl runs", (long long)row.verify_good_ms);
		rig_nap(NAP_MS);
	}
	ok = ok && MUST(row.id, "the new engine has no incident") && MUST(ns_sim_mutations(t->r.sim, NULL, NULL) == (sends_first(t) ? 1 : 0), "the new engine sent something") &&
	    MUST(st && ns_store_intent_latest(st, ar, row.id, &it, NULL), "there is no intent") &&
	    MUST(strcmp(it.outcome, "unknown") == 0, "the outcome is \"%s\", must be unknown", it.outcome) &&
	    MUST(!ns_lock_is_free(it.lock_path), "the child did not keep the lock of its target") &&
	    MUST(rig_count_facts(st, ar, row.id, "verification") == 0, "it was judged while kubectl runs");
	ns_store_close(st);
	ns_arena_free(ar);
	return ok;
}

static bool die_under_kubectl(trial *t, pid_t pid)
{
	int status;
	bool ok = until_there(t, "there");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return ok;
}

static void let_go(trial *t)
{
	char *go = ns_path_join(t->r.dir, "go");
	int fd = open(go, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	free(go);
}

static void run_trial(trial *t)
{
	ns_err err = {0};
	char head[65] = "";
	int64_t rows = 0;
	bool slow = strncmp(t->point, "kubectl", 7) == 0;
	if (t->fault[0])
		return;
	if (!rig_open(&t->r, "oom-simple", t->rate ? t->rate : RATE, &err)) {
		fault(t, "%s", err.text);
		rig_close(&t->r);
		return;
	}
	char *kubectl = slow ? slow_kubectl(t) : ns_xstrdup(t->kubectl);
	pid_t pid = start_engine(t, kubectl, t->point);
	bool ok = pid > 0 && (slow ? die_under_kubectl(t, pid) : until_it_dies(t, pid)) && read_head(t, head, &rows);
	if (ok && (pid = start_engine(t, kubectl, "")) > 0) {
		ok = !slow || hands_off(t);
		let_go(t);
		ok = ok && until_it_is_over(t, pid);
		ok = stop_engine(t, pid) && ok && judge(t, head, rows);
	}
	let_go(t); /* whatever waits for it */
	if (!ok && getenv("NS_TEST_KEEP"))
		fprintf(stderr, "# %s: %s (%s)\n", t->point, t->fault, t->r.dir);
	free(kubectl);
	rig_close(&t->r);
}

/* ---- all of them ---- */

#define FIXED_BY_ONE .state = "resolved", .verdict = "FIXED", .mutations = 1, .intents = 1
static trial trials[] = {
    {.point = "kubectl-after", FIXED_BY_ONE},
    /* When it sends at last, the object may have moved on, and the patch's own test refuses it: then it is found out by looking. */
    {.point = "kubectl-before", .state = "resolved", .verdict = "FIXED", .mutations = 1, .intents = 1, .most_intents = 2},
    {.point = "after-send", FIXED_BY_ONE, .lease = true, .rate = 20}, /* the dead engine's Lease has to run out first */
    /* Its intent is recorded and nothing was sent: UNKNOWN, verified, NOT FIXED; then it is planned and asked for anew. */
    {.point = "after-intent", .state = "resolved", .verdict = "FIXED", .mutations = 1, .intents = 2},
    {.point = "detected", FIXED_BY_ONE},
    {.point = "analyzing", FIXED_BY_ONE},
    {.point = "planning", FIXED_BY_ONE},
    {.point = "dryrun", FIXED_BY_ONE},
    {.point = "asked", FIXED_BY_ONE},
    {.point = "decided", FIXED_BY_ONE},
    {.point = "before-intent", FIXED_BY_ONE},
    {.point = "recorded", FIXED_BY_ONE},
    {.point = "verifying", FIXED_BY_ONE},
    {.point = "verdict", FIXED_BY_ONE},
};
enum { TRIALS = sizeof trials / sizeof trials[0] };
static char *real_kubectl;
static _Atomic size_t next_trial;

static void *take_trials(void *unused)
{
	for (size_t i; (i = next_trial++) < TRIALS;)
		run_trial(&trials[i]);
	return NULL;
}

static int run_all(void **state)
{
	pthread_t th[AT_ONCE];
	const char *only = getenv("NS_TEST_POINT");
	int n = 0;
	real_kubectl = rig_find_kubectl();
	if (!real_kubectl)
		return 0;
	for (size_t i = 0; i < TRIALS; i++) {
		trials[i].kubectl = real_kubectl;
		if (only && strcmp(only, trials[i].point) != 0)
			ns_copy(trials[i].fault, sizeof trials[i].fault, "not run");
	}
	while (n < AT_ONCE && pthread_create(&th[n], NULL, take_trials, NULL) == 0)
		n++;
	for (int i = 0; i < n; i++)
		pthread_join(th[i], NULL);
	return n ? 0 : -1;
}

static int free_all(void **state)
{
	free(real_kubectl);
	return 0;
}

static void judged(void **state)
{
	trial *t = *state;
	if (!real_kubectl)
		skip();
	if (t->fault[0])
		fail_msg("killed at \"%s\": %s", t->point, t->fault);
}

int main(int argc, char **argv)
{
	if (argc == 8 && strcmp(argv[1], "engine") == 0)
		return engine_main(argv);
	static char names[TRIALS][64];
	struct CMUnitTest tests[TRIALS];
	for (size_t i = 0; i < TRIALS; i++) {
		snprintf(names[i], sizeof names[i], "killed_at_%s%s", trials[i].point, trials[i].lease ? "_with_its_lease" : "");
		tests[i] = (struct CMUnitTest){.name = names[i], .test_func = judged, .initial_state = &trials[i]};
	}
	return _cmocka_run_group_tests("crash", tests, TRIALS, run_all, free_all);
}
