/* Everything that can go wrong around a change, at every moment of it (laws 1, 5, 6, 7, 8, 9 and 13): a kubectl that hangs, dies, floods,
 * lies or comes too late; an API server that goes away; an object that somebody else changes or makes anew; a disk without room; a clock
 * that jumps; two engines on one cluster. A person says yes to whatever is asked. Then the judge reads record and cluster: nothing that no
 * intent names, nothing twice, nothing lost. Every case is a process of its own. */
#include "cases.h"
#include "engine_points.h"
#include "judge.h"
#include "neuroscale/store/capsule.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
enum { RATE = 120, AT_ONCE = 12, PLAY_MS = 120000, AWAY_MS = 1500, DEADLINE_MS = 4000 };

static void (*at_point)(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident);
void ns_engine_test_point(const char *name, int64_t incident)
{
	if (at_point)
		at_point(name, incident);
}

/* ---- what goes wrong ---- */

typedef struct scene {
	const char *scenario, *ns, *workload;
} scene;
static const scene oom = {"oom-simple", "shop", "checkout"}, release = {"crashloop-release", "shop", "cart"},
                   cost = {"cost-spike", "qa", "load-generator"}, policy = {"kyverno-blocked", "data", "report-builder"};

typedef struct trouble {
	const scene *scene;
	const char *what;
	const char *kubectl; /* shell: what it does with its first change; @ is the real one with its arguments and its input, NULL: nothing
	                        is wrong with it */
	const char *point;   /* where it strikes, NULL: from the start */
	void (*strike)(void); /* there, once, on the engine's own thread */
	int64_t jump_ms;
	int changes; /* that the cluster must count at the end, -1: what the laws allow */
	bool anew;   /* what was approved first must not have been sent */
} trouble;

static const trouble *now;
static live it;
static _Atomic bool struck;
static _Atomic int64_t struck_ms;

static void strike_at(const char *name, int64_t incident)
{
	if (strcmp(name, now->point) != 0 || atomic_exchange(&struck, true))
		return;
	now->strike();
	struck_ms = ns_real_mono_ms();
}

static bool is_change(const ns_spawn_req *req)
{
	bool change = false;
	for (size_t i = 1; req->argv[i]; i++) {
		if (strncmp(req->argv[i], "--dry-run", 9) == 0)
			return false;
		change |= strcmp(req->argv[i], "patch") == 0 || strcmp(req->argv[i], "create") == 0;
	}
	return change;
}

/* The real one with a deadline that a test can wait for. */
static bool run_soon(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err)
{
	ns_spawn_req mine = *req;
	if (now->kubectl && is_change(req))
		mine.deadline_ms = DEADLINE_MS;
	return ns_spawner_real.run(NULL, &mine, res, err);
}
static const ns_spawner soon = {run_soon, NULL};

/* Its first change goes wrong; what comes later is the real one's. */
static char *make_kubectl(void)
{
	ns_err err = {0};
	ns_buf text = NS_BUF_INIT;
	char *path = ns_path_join(it.r.dir, "kubectl");
	ns_buf_printf(&text,
	    "#!/bin/sh\nreal() { %s \"$@\" <%s/body; }\ncase \" $* \" in\n*\" --dry-run=server \"*) ;;\n*\" patch \"*|*\" create \"*)\n"
	    "if mkdir %s/once 2>/dev/null; then cat >%s/body\n",
	    cases.kubectl, it.r.dir, it.r.dir, it.r.dir);
	for (const char *p = now->kubectl; *p; p++)
		if (*p == '@')
			ns_buf_puts(&text, "real \"$@\"");
		else
			ns_buf_putc(&text, *p);
	ns_buf_printf(&text, "\nexit 0\nfi ;;\nesac\nexec %s \"$@\"\n", cases.kubectl);
	must(ns_write_file_atomic(path, ns_buf_str(&text), text.len, 0700, &err), "%s", err.text);
	ns_buf_free(&text);
	return path;
}

static void api_goes(void)
{
	ns_sim_outage(it.r.sim, true);
}

/* The workload as somebody else writes it, in one moment. */
static void rewrite(void (*edit)(cJSON *metadata, cJSON *template_metadata))
{
	ns_err err = {0};
	char *was = ns_sim_object(it.r.sim, "apps/v1/deployments", now->scene->ns, now->scene->workload);
	cJSON *o = ns_json_parse(was, strlen(was), &ns_json_api, NULL), *spec = cJSON_GetObjectItemCaseSensitive(o, "spec");
	edit(cJSON_GetObjectItemCaseSensitive(o, "metadata"),
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(spec, "template"), "metadata"));
	char *text = ns_json_text(o);
	must(ns_sim_put(it.r.sim, "apps/v1/deployments", text, &err), "%s", err.text);
	free(text);
	free(was);
	cJSON_Delete(o);
}

static void edit_spec(cJSON *metadata, cJSON *template_metadata)
{
	cJSON *generation = cJSON_GetObjectItemCaseSensitive(metadata, "generation");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(template_metadata, "annotations"), "by", "somebody else");
	cJSON_SetNumberValue(generation, generation->valuedouble + 1);
}

static void edit_label(cJSON *metadata, cJSON *template_metadata)
{
	cJSON_AddStringToObject(cJSON_GetObjectItemCaseSensitive(metadata, "labels"), "by", "somebody-else");
}

/* Deleted and made again under its name: another object. */
static void edit_uid(cJSON *metadata, cJSON *template_metadata)
{
	cJSON_ReplaceItemInObjectCaseSensitive(metadata, "uid", cJSON_CreateString("0f0f0f0f-0000-4000-8000-00000000000a"));
}

static void spec_changes(void)
{
	rewrite(edit_spec);
}
static void label_changes(void)
{
	rewrite(edit_label);
}
static void made_anew(void)
{
	rewrite(edit_uid);
}

static void disk(bool full)
{
	struct rlimit r;
	must(getrlimit(RLIMIT_FSIZE, &r) == 0, "limit");
	r.rlim_cur = full ? 0 : r.rlim_max;
	must(setrlimit(RLIMIT_FSIZE, &r) == 0, "limit: %s", strerror(errno));
}

static void disk_is_full(void)
{
	disk(true);
}

static void clock_jumps(void)
{
	ns_clock_jump_wall(it.r.clock, now->jump_ms);
}

/* What passes, passes. */
static void mend(void)
{
	if (!struck_ms || ns_real_mono_ms() < struck_ms + AWAY_MS)
		return;
	if (now->strike == api_goes)
		ns_sim_outage(it.r.sim, false);
	if (now->strike == disk_is_full)
		disk(false);
}

/* ---- the person, and the end ---- */

typedef struct person {
	int64_t asked[32], taken[32];
	size_t n_asked, n_taken;
	bool took_back;
} person;

static bool in(const int64_t *list, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

/* Yes to each question until it is taken: a full disk refuses it, and then it is said again. */
static void answer(person *p, ns_door *door, const ns_snapshot *s)
{
	for (size_t i = 0; i < s->n_approvals; i++) {
		const ns_appr_row *a = &s->approvals[i];
		card c = {.id = a->id};
		char said[256];
		if ((struck && !struck_ms) || a->state != NS_CARD_READY || in(p->taken, p->n_taken, a->id) || p->n_taken == COUNT(p->taken))
			continue;
		ns_copy(c.digest, sizeof c.digest, a->digest);
		ns_decide_req req = {.approval = a->id, .approve = true, .digest = c.digest, .reason = "", .surface = "cli"};
		if (!in(p->asked, p->n_asked, a->id) && p->n_asked < COUNT(p->asked))
			p->asked[p->n_asked++] = a->id;
		if (door->decide(door->ctx, &req, said, sizeof said, NULL))
			p->taken[p->n_taken++] = a->id;
	}
}

/* The points of an undo lie behind the verdict: a person takes back what was FIXED. */
static bool about_undo(void)
{
	return now->point && strncmp(now->point, "undo-", 5) == 0;
}

/* One look at one engine: true when every incident of the workload has ended; when its change is taken back, the first one: the fault is
 * there again. */
static bool over(person *p, ns_door *door, const scene *sc, char *is, size_t cap)
{
	ns_snapshot *s = door->snapshot(door->ctx, NULL);
	bool ended = false, open = false;
	for (size_t i = 0; s && i < s->n_incidents; i++) {
		const ns_inc_row *row = &s->incidents[i];
		if (strcmp(row->ns, sc->ns) != 0 || strcmp(row->target, sc->workload) != 0 || (about_undo() && row->id != 1))
			continue;
		bool done = ns_state_get(row->state)->terminal;
		ended |= done;
		open |= !done;
		snprintf(is, cap, "%s (%s)", ns_state_get(row->state)->name, row->note);
		for (size_t k = 0; about_undo() && row->state == NS_ST_RESOLVED && k < s->n_undos; k++) {
			char said[256];
			ns_undo_req req = {.incident = 1, .digest = s->undos[k].digest, .reason = "not wanted", .surface = "cli"};
			if (s->undos[k].incident == 1)
				p->took_back |= door->undo(door->ctx, &req, said, sizeof said, NULL);
		}
	}
	if (s && !p->took_back)
		answer(p, door, s);
	ns_snapshot_unref(s);
	return ended && !open;
}

/* What was to be taken back has been, or it is said that it cannot be. */
static bool is_back(void)
{
	ns_capsule c = {0};
	ns_arena *ar = ns_arena_new();
	ns_store *st = ns_store_open_readonly(it.r.state, it.r.clock, NULL);
	bool back =
	    st && ns_store_capsule_of(st, ar, 1, &c, NULL) && c.state != NS_CAP_VALID && c.state != NS_CAP_ARMED && c.state != NS_CAP_TAKEN;
	ns_store_close(st);
	ns_arena_free(ar);
	return back;
}

static void tell(const judge *j)
{
	printf("@judged %zu %zu %zu\n", j->escapes, j->doubles, j->lost);
	fflush(stdout);
	must(!j->escapes && !j->doubles && !j->lost, "%zu escapes, %zu double executions, %zu lost: %s", j->escapes, j->doubles, j->lost,
	    j->why);
}

static void play(void)
{
	person p = {0};
	char is[600] = "";
	int64_t end = ns_real_mono_ms() + PLAY_MS;
	while (!over(&p, &it.door, now->scene, is, sizeof is) || (now->point && !struck) || (about_undo() && !is_back())) {
		must(ns_real_mono_ms() < end, "it is %s%s", is, now->point && !struck ? ", and never came to the point" : "");
		mend();
		rig_nap(LIVE_NAP_MS);
	}
	while (struck_ms && ns_real_mono_ms() < struck_ms + AWAY_MS)
		rig_nap(LIVE_NAP_MS);
	mend();
	live_stop(&it);
	judge j = {0};
	judge_record(&j, it.r.state, it.r.clock, about_undo() ? 1 : 0, p.taken, p.n_taken, NULL);
	judge_cluster(&j, it.r.sim);
	tell(&j);
	must(now->changes < 0 || j.changes == now->changes, "%lld changes, must be %d; it is %s", (long long)j.changes, now->changes, is);
	ns_store *st = live_record(&it);
	ns_arena *ar = ns_arena_new();
	ns_intent sent;
	if (now->anew && ns_store_intent_latest(st, ar, 1, &sent, NULL))
		must(sent.approval != p.asked[0] || strcmp(sent.outcome, "refused") == 0 || strcmp(sent.outcome, "failed") == 0,
		    "what was approved for another state of the object was sent (%s)", sent.outcome);
	ns_arena_free(ar);
	ns_store_close(st);
}

static void open_case(const trouble *t, int rate)
{
	sigset_t set;
	char url[200];
	now = t;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ); /* a write beyond the limit then only fails */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	live_open(&it, t->scene->scenario, rate, NS_PROFILE_APPROVE);
	it.o.approval_timeout_ms = MINUTES(120);
	it.o.spawner = &soon;
	if (t->point)
		at_point = strike_at;
	ns_sim_opencost_url(it.r.sim, url, sizeof url);
	it.c.opencost_url = ns_xstrdup(url);
}

static void close_case(void)
{
	free((char *)(uintptr_t)it.c.opencost_url);
	live_close(&it);
}

static void one_trouble(void)
{
	open_case(case_about(), RATE);
	char *kubectl = now->kubectl ? make_kubectl() : NULL;
	if (kubectl)
		it.o.kubectl = kubectl;
	live_start(&it);
	play();
	free(kubectl);
	close_case();
}

/* ---- the clock ---- */

static _Atomic bool clock_runs;
static void *run_clock(void *clock)
{
	while (clock_runs) {
		ns_clock_advance(clock, 300); /* 60 times as fast, in steps */
		rig_nap(5);
	}
	return NULL;
}

static void one_jump(void)
{
	ns_err err = {0};
	pthread_t th;
	open_case(case_about(), 1);
	ns_sim_stop(it.r.sim);
	ns_kubeconfig_free(it.kc);
	ns_clock_free(it.r.clock);
	it.r.clock = ns_clock_manual(ns_clock_wall_ms(NULL), ns_clock_mono_ms(NULL));
	ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = now->scene->scenario, .clock = it.r.clock, .seed = 1};
	it.r.sim = ns_sim_start(&o, &err);
	must(it.r.sim && ns_sim_write_kubeconfig(it.r.sim, it.r.kubeconfig, &err), "%s", err.text);
	it.kc = ns_kubeconfig_load(it.r.kubeconfig, NULL, &err);
	must(it.kc, "%s", err.text);
	it.c.cfg = it.kc;
	it.o.clock = it.r.clock;
	ns_log_init(STDERR_FILENO, NS_LOG_TEXT, NS_LOG_INFO, it.r.clock);
	clock_runs = true;
	must(pthread_create(&th, NULL, run_clock, it.r.clock) == 0, "thread");
	live_start(&it);
	play();
	clock_runs = false;
	pthread_join(th, NULL);
	close_case();
}

/* ---- two engines ---- */

/* Two bastions, one cluster, a yes at each: whoever holds the Lease acts, the other sees it heal. */
static void two_engines(void)
{
	ns_err err = {0};
	open_case(case_about(), 30);
	it.c.lease_required = true;
	it.o.control_socket = false;
	ns_engine_opts second = it.o;
	char *state = ns_path_join(it.r.dir, "state-2"), is[2][600] = {"", ""};
	must(ns_mkdirs(state, 0700, &err), "%s", err.text);
	second.state_dir = state;
	ns_door door[2];
	live_start(&it);
	ns_engine *e = ns_engine_start(&second, &err);
	must(e && ns_engine_door(e, &door[1], &err), "%s", err.text);
	door[0] = it.door;
	person p[2] = {0};
	bool ended[2] = {false, false};
	for (int64_t end = ns_real_mono_ms() + PLAY_MS; !ended[0] || !ended[1];) {
		for (int i = 0; i < 2; i++)
			ended[i] = over(&p[i], &door[i], now->scene, is[i], sizeof is[i]);
		must(ns_real_mono_ms() < end, "one is %s, the other %s", is[0], is[1]);
		rig_nap(LIVE_NAP_MS);
	}
	door[1].close(door[1].ctx);
	ns_engine_stop(e);
	live_stop(&it);
	judge j = {0};
	judge_record(&j, it.r.state, it.r.clock, 0, p[0].taken, p[0].n_taken, NULL);
	judge_record(&j, state, it.r.clock, 0, p[1].taken, p[1].n_taken, NULL);
	judge_cluster(&j, it.r.sim);
	tell(&j);
	must(j.changes == 1 && j.intents == 1, "%lld changes by %lld intents of two engines; one is %s, the other %s", (long long)j.changes,
	    (long long)j.intents, is[0], is[1]);
	free(state);
	close_case();
}

/* ---- the matrix ---- */

static const struct kubectl_row {
	const char *what, *does;
	int changes;
} kubectls[] = {
    /* before anything left: whatever is seen later, at most what the second yes sends */
    {"is_gone", "rm -f \"$0\"; exec /nonexistent/kubectl", -1},
    {"hangs", "exec sleep 600", -1},
    {"hangs_and_hears_no_signal", "trap '' TERM; while :; do sleep 600; done", -1},
    {"is_killed", "kill -9 $$", -1},
    {"floods_and_fails", "head -c 12000000 /dev/zero | tr '\\0' x; head -c 12000000 /dev/zero | tr '\\0' y >&2; exit 1", -1},
    {"lies", "exit 0", -1},
    {"talks_nonsense", "echo '[{\"kind\":\"Status\"'; exit 0", -1},
    /* after it was sent: it is there, whatever was said of it */
    {"hangs_after_sending", "@; exec sleep 600", 1},
    {"is_killed_after_sending", "@ >/dev/null; kill -9 $$", 1},
    {"floods_after_sending", "@ >/dev/null; head -c 12000000 /dev/zero | tr '\\0' x; head -c 12000000 /dev/zero | tr '\\0' y >&2", 1},
    {"says_nothing_after_sending", "@ >/dev/null", 1},
    {"loses_the_answer", "@ >/dev/null; echo 'Unable to connect to the server: unexpected EOF' >&2; exit 1", 1},
    {"is_told_of_a_timeout", "@ >/dev/null; echo 'Error from server: etcdserver: request timed out' >&2; exit 1", 1},
    {"fails_after_sending", "@ >/dev/null; exit 1", 1},
    /* a child of its own sends when everybody has gone; it holds the lock of the target as long */
    {"sends_after_its_deadline",
        "setsid sh -c 'sleep 6; exec \"$@\" <\"$0\" >/dev/null 2>&1' \"${0%/*}/body\" REAL \"$@\" & exec sleep 600", -1},
};
static const scene *const of_kubectl[] = {&oom, &policy, &release, &cost};

static const struct strike_row {
	const char *what;
	void (*strike)(void);
	const char *points[8];
	int changes;
	bool anew;
} strikes[] = {
    {"api_gone", api_goes, {"analyzing", "dryrun", "asked", "decided", "after-send", "verifying"}, 1, false},
    {"api_gone", api_goes, {"before-intent", "after-intent"}, -1, false}, /* never sent, and a refused connection is a failure (law 9) */
    {"spec_changed", spec_changes, {"dryrun", "asked", "decided", "before-intent", "after-intent"}, -1, true},
    {"api_gone", api_goes, {"undo-asked", "undo-sent"}, 2, false},
    {"api_gone", api_goes, {"undo-before-intent", "undo-intent"}, -1, false},
    {"spec_changed", spec_changes, {"undo-asked", "undo-before-intent", "undo-intent"}, -1, false}, /* what somebody else changed is his */
    {"label_changed", label_changes, {"asked", "decided", "before-intent", "after-intent"}, 1, false}, /* noise voids nothing */
    {"made_anew", made_anew, {"asked", "decided", "before-intent", "after-intent"}, -1, true},
};
static const char *const jump_points[] = {
    "analyzing", "dryrun", "asked", "decided", "before-intent", "after-intent", "after-send", "recorded", "verifying"};
static const trouble beside = {.scene = &oom, .what = "two_engines", .changes = 1};

enum { MOST = 160 };
static test_case list[MOST];
static trouble troubles[MOST];
static char names[MOST][96];
static size_t n_list;

static void add(trouble t, void (*run)(void), const char *more)
{
	if (n_list == MOST)
		abort();
	snprintf(
	    names[n_list], sizeof names[0], "%s%s%s%s%s", t.what, t.point ? "_at_" : "", t.point ? t.point : "", *more ? "_" : "", more);
	troubles[n_list] = t;
	list[n_list] = (test_case){.name = names[n_list], .run = run, .about = &troubles[n_list]};
	n_list++;
}

static void make_matrix(void)
{
	static char does[COUNT(kubectls)][512];
	const char *kubectl = cases.kubectl ? cases.kubectl : "";
	/* The generic ones go through two actions each, a patch and one other; all four have their turn. */
	for (size_t i = 0; i < COUNT(kubectls); i++) {
		const char *real = strstr(kubectls[i].does, "REAL");
		snprintf(does[i], sizeof does[i], "%.*s%s%s", real ? (int)(real - kubectls[i].does) : (int)strlen(kubectls[i].does),
		    kubectls[i].does, real ? kubectl : "", real ? real + 4 : "");
		for (size_t k = 0; k < 2; k++) {
			const scene *sc = k ? of_kubectl[1 + i % (COUNT(of_kubectl) - 1)] : &oom;
			char what[64];
			snprintf(what, sizeof what, "kubectl_%s", kubectls[i].what);
			add((trouble){.scene = sc, .what = what, .kubectl = does[i], .changes = kubectls[i].changes}, one_trouble,
			    sc->scenario);
			troubles[n_list - 1].what = kubectls[i].what;
		}
	}
	for (size_t i = 0; i < COUNT(strikes); i++)
		for (size_t p = 0; p < COUNT(strikes[i].points) && strikes[i].points[p]; p++)
			add((trouble){.scene = &oom,
			        .what = strikes[i].what,
			        .point = strikes[i].points[p],
			        .strike = strikes[i].strike,
			        .changes = strikes[i].changes,
			        .anew = strikes[i].anew},
			    one_trouble, "");
	for (size_t p = 0; p < COUNT(engine_points); p++) /* each is followed, or was preceded, by a commit */
		add((trouble){.scene = p % 2 ? &oom : &release,
		        .what = "disk_full",
		        .point = engine_points[p],
		        .strike = disk_is_full,
		        .changes = strncmp(engine_points[p], "undo-", 5) ? 1 : 2},
		    one_trouble, "");
	for (size_t p = 0; p < COUNT(jump_points); p++)
		for (int back = 0; back < 2; back++)
			add((trouble){.scene = &oom,
			        .what = back ? "clock_back" : "clock_ahead",
			        .point = jump_points[p],
			        .strike = clock_jumps,
			        .jump_ms = back ? -MINUTES(60) : MINUTES(60),
			        .changes = -1},
			    one_jump, "");
	add(beside, two_engines, "");
}

/* What the cases counted, from their own words; one that said nothing has failed. */
static void sum(void)
{
	size_t n = 0, escapes = 0, doubles = 0, lost = 0;
	for (size_t i = 0; i < cases.n; i++) {
		char *path = case_log(i);
		ns_buf log = NS_BUF_INIT;
		size_t e, d, l;
		const char *at = ns_read_file(path, 8 << 20, &log, NULL) ? strstr(ns_buf_str(&log), "@judged ") : NULL;
		if (at && sscanf(at, "@judged %zu %zu %zu", &e, &d, &l) == 3) {
			n++;
			escapes += e;
			doubles += d;
			lost += l;
		}
		ns_buf_free(&log);
		free(path);
	}
	if (cases.kubectl)
		print_message(
		    "## count faults %zu\n## count escapes %zu\n## count doubles %zu\n## count lost %zu\n", n, escapes, doubles, lost);
}

int main(int argc, char **argv)
{
	cases.kubectl = rig_find_kubectl();
	make_matrix();
	free(cases.kubectl);
	cases.at_once = AT_ONCE;
	cases.over = sum;
	return cases_main(argc, argv, "faults", list, n_list);
}
