/* kill -9 at every point of every action loses nothing and repeats nothing (laws 7, 8 and 13).
 *
 * The cluster lives in this process; the engine is this program started anew, and it kills itself at a named point. A second engine on the
 * same state directory must bring the incident to its end. Between the two the record is read from outside: its head must still be in
 * the chain at the end, and the cluster counts what it was told to change. The points are those of the engine's source (NS_POINT), so that a new one
 * is tried, or missed by name. The trials are made in the group's setup, several at a time, since each is mostly waiting; every test then judges one. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include "engine_points.h"
#include "neuroscale/llm/analyze.h"
#include "trial.h"

void ns_engine_test_point(const char *name, int64_t incident);

enum { AT_ONCE = 12, MOST_AGAIN = 12 };

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

/* No fault of the simulated cluster is answered by more replicas: an analyst that wants them stands in for one that would. */
static bool wants_scale;
ns_analysis *__real_ns_llm_analyze(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel);
ns_analysis *__wrap_ns_llm_analyze(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel);
ns_analysis *__wrap_ns_llm_analyze(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel)
{
	ns_analysis *x = __real_ns_llm_analyze(a, ar, c, incident, cancel);
	if (wants_scale) {
		x->rca->action = NS_ACT_SCALE;
		x->rca->cause_class = "scaled_to_zero";
	}
	return x;
}

/* argv: "engine" KUBECONFIG CLOCK STATE KUBECTL LEASE POINT ACTION OPENCOST */
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
	wants_scale = strcmp(argv[8], "scale") == 0;
	bool alone = strstr(argv[8], "alone");
	rig_want w = {.kubectl = argv[5], .profile = alone ? NS_PROFILE_AUTO : NS_PROFILE_APPROVE, .lease = argv[6][0] == '1', .approval_ms = MINUTES(120)};
	ns_engine_opts o;
	ns_cluster_opts one;
	rig_engine_opts(&o, &one, kc, clock, argv[4], &w);
	one.opencost_url = argv[9];
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

/* ---- all of them ---- */

static const course courses[] = {
    {.action = "patch_resources", .scenario = "oom-simple", .ns = "shop", .workload = "checkout"},
    {.action = "rollback", .scenario = "crashloop-release", .ns = "shop", .workload = "cart"},
    {.action = "rollback_alone", .scenario = "crashloop-release", .ns = "shop", .workload = "cart", .alone = true},
    {.action = "cost_scale_down", .scenario = "cost-spike", .ns = "qa", .workload = "load-generator"},
    {.action = "policy_exception", .scenario = "kyverno-blocked", .ns = "data", .workload = "report-builder"},
    {.action = "rollback_in_vain", .scenario = "rollback-in-vain", .ns = "reco", .workload = "recommender", .in_vain = true},
    {.action = "scale", .scenario = "rollout-stalled", .ns = "web", .workload = "storefront", .image = "registry.example.com/web/storefront:11.8.2"},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
static const char *const under_kubectl[] = {"kubectl-after", "kubectl-before"};
enum { MOST_TRIALS = COUNT(courses) * (COUNT(engine_points) + COUNT(under_kubectl)) + 1 };
static trial trials[MOST_TRIALS];
static size_t n_trials;
static char names[MOST_TRIALS][96];

static void add_trial(const course *c, const char *point, bool lease)
{
	static const char *const asking[] = {"asked", "decided", "undo-asked"};
	bool undo = strncmp(point, "undo-", 5) == 0;
	for (size_t i = 0; i < COUNT(asking); i++)
		if ((c->alone || (c->in_vain && undo)) && strcmp(point, asking[i]) == 0)
			return;
	if (c->in_vain && !undo)
		return; /* up to there it is a rollback as the others */
	snprintf(names[n_trials], sizeof names[0], "%s_killed_at_%s%s", c->action, point, lease ? "_with_its_lease" : "");
	/* The dead engine's Lease has to run out first. */
	trials[n_trials] = (trial){.course = c, .point = point, .lease = lease, .soon = undo && !c->in_vain && n_trials % 2, .rate = lease ? 20 : 0};
	n_trials++;
}

static void make_trials(void)
{
	add_trial(&courses[0], "after-send", true); /* the longest first */
	for (size_t c = 0; c < COUNT(courses); c++) {
		for (size_t p = 0; !courses[c].in_vain && p < COUNT(under_kubectl); p++)
			add_trial(&courses[c], under_kubectl[p], false);
		for (size_t p = 0; p < COUNT(engine_points); p++)
			add_trial(&courses[c], engine_points[p], false);
	}
}

static char *real_kubectl;
static _Atomic size_t next_trial;
static size_t again;

static void *take_trials(void *unused)
{
	for (size_t i; (i = next_trial++) < n_trials;)
		run_trial(&trials[i]);
	return NULL;
}

/* On a machine that has no time for it the fast clock runs away: an engine does not come to its point, or a verdict comes before the change is felt. What
 * broke no law is tried once more, alone and slower. A law that was broken stays broken. */
static void try_again(trial *t)
{
	if (!t->fault[0] || !t->kubectl || t->judge.escapes || t->judge.doubles || t->judge.lost)
		return;
	fprintf(stderr, "# %s, %s: %s; once more, slower\n", t->course->action, t->point, t->fault);
	*t = (trial){.course = t->course, .point = t->point, .lease = t->lease, .soon = t->soon, .rate = t->lease ? 20 : RATE / 4, .kubectl = t->kubectl};
	run_trial(t);
	again++;
}

static int run_all(void **state)
{
	pthread_t th[AT_ONCE];
	const char *only = getenv("NS_TEST_POINT");
	int n = 0;
	real_kubectl = rig_find_kubectl();
	if (!real_kubectl)
		return 0;
	for (size_t i = 0; i < n_trials; i++) {
		trials[i].kubectl = real_kubectl;
		if (only && !strstr(names[i], only))
			ns_copy(trials[i].fault, sizeof trials[i].fault, "not run");
	}
	while (n < AT_ONCE && pthread_create(&th[n], NULL, take_trials, NULL) == 0)
		n++;
	for (int i = 0; i < n; i++)
		pthread_join(th[i], NULL);
	for (size_t i = 0; !only && i < n_trials && again < MOST_AGAIN; i++)
		try_again(&trials[i]);
	return n ? 0 : -1;
}

static int free_all(void **state)
{
	size_t kills = 0, escapes = 0, doubles = 0, lost = 0;
	for (size_t i = 0; i < n_trials; i++) {
		kills += trials[i].died;
		escapes += trials[i].judge.escapes;
		doubles += trials[i].judge.doubles;
		lost += trials[i].judge.lost;
	}
	if (again)
		print_message("## crash: %zu trials once more and slower, since the machine had no time for them\n", again);
	if (real_kubectl)
		print_message("## count kills %zu\n## count points %zu\n## count escapes %zu\n## count doubles %zu\n## count lost %zu\n", kills,
		    COUNT(engine_points) + COUNT(under_kubectl), escapes, doubles, lost);
	free(real_kubectl);
	return 0;
}

static void judged(void **state)
{
	trial *t = *state;
	if (!real_kubectl)
		skip();
	if (t->fault[0])
		fail_msg("%s, killed at \"%s\": %s", t->course->action, t->point, t->fault);
}

int main(int argc, char **argv)
{
	if (argc == 10 && strcmp(argv[1], "engine") == 0)
		return engine_main(argv);
	struct CMUnitTest tests[MOST_TRIALS];
	make_trials();
	for (size_t i = 0; i < n_trials; i++)
		tests[i] = (struct CMUnitTest){.name = names[i], .test_func = judged, .initial_state = &trials[i]};
	return _cmocka_run_group_tests("crash", tests, n_trials, run_all, free_all);
}
