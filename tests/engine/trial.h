/* One trial of the crash matrix: an engine in a process of its own on a cluster in this one, a person who answers it, its death, a second engine that
 * brings the incident to its end, and the judgement. */
#ifndef NEUROSCALE_TESTS_ENGINE_TRIAL_H
#define NEUROSCALE_TESTS_ENGINE_TRIAL_H
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include "judge.h"
#include "neuroscale/store/capsule.h"
#include "rig.h"
#include "self.h"

extern char **environ;

enum { RATE = 120, LIMIT_MS = 60000, NAP_MS = 50 };

/* One action on its way from the alert to the verdict, in a scenario where it heals. */
typedef struct course {
	const char *action, *scenario, *ns, *workload;
	bool alone;                /* nobody is asked */
	bool in_vain;              /* it does not help, and the engine takes it back by itself */
	const char *image;         /* what the change alone does not heal, its owner does once it is made, with this one; NULL: it heals */
} course;

typedef struct trial {
	const course *course;
	const char *point;         /* where the first engine dies; "kubectl-…": while its kubectl runs, before or after it sent */
	bool lease;
	bool soon;                 /* it is taken back as soon as that is possible, not only when it is FIXED */
	int rate;
	/* what happened */
	bool died;
	judge judge;
	char fault[700];
	const char *kubectl;
	rig r;
	int64_t said_yes[8], taken[8]; /* approvals that were answered, each once; whose answer was taken */
	size_t n_yes, n_taken;
	bool helped;
	bool asked_back;
	int64_t incident;          /* the first of the workload; what comes after an undo is another story */
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
	char opencost[200];
	ns_sim_opencost_url(t->r.sim, opencost, sizeof opencost);
	const char *args[] = {"engine", t->r.kubeconfig, t->r.spec, t->r.state, kubectl, t->lease ? "1" : "0", point, t->course->action, opencost, NULL};
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
		if (door->decide(door->ctx, &req, said, sizeof said, NULL))
			t->taken[t->n_taken++] = a->id;
	}
}

/* The points of an undo lie behind the verdict: somebody wants back what helped, or the engine what did not. */
static bool about_undo(const trial *t)
{
	return strncmp(t->point, "undo-", 5) == 0;
}

static void ask_back(trial *t, ns_door *door, const ns_snapshot *s)
{
	char said[256];
	for (size_t i = 0; i < s->n_undos; i++) {
		ns_undo_req req = {.incident = t->incident, .digest = s->undos[i].digest, .reason = "not wanted", .surface = "cli"};
		if (s->undos[i].incident != t->incident)
			continue;
		t->asked_back = true;
		door->undo(door->ctx, &req, said, sizeof said, NULL); /* refused: it was asked for before */
	}
}

/* Whether the workload's change has been taken back, or never will be. */
static bool has_back(trial *t, ns_capsule *c, ns_arena *ar)
{
	ns_store *st = ns_store_open_readonly(t->r.state, t->r.clock, NULL);
	bool there = st && ns_store_capsule_of(st, ar, t->incident, c, NULL);
	ns_store_close(st);
	return there && c->state != NS_CAP_VALID && c->state != NS_CAP_ARMED && c->state != NS_CAP_TAKEN;
}

static bool is_back(trial *t)
{
	ns_capsule c;
	ns_arena *ar = ns_arena_new();
	bool back = has_back(t, &c, ar);
	ns_arena_free(ar);
	return back;
}

static void help(trial *t)
{
	if (!t->course->image || t->helped || !ns_sim_mutations(t->r.sim, t->course->ns, t->course->workload))
		return;
	ns_err err = {0};
	char *now = ns_sim_object(t->r.sim, "apps/v1/deployments", t->course->ns, t->course->workload);
	cJSON *o = ns_json_parse(now, strlen(now), &ns_json_api, NULL), *part = o;
	static const char *const way[] = {"spec", "template", "spec", "containers"};
	for (size_t i = 0; i < sizeof way / sizeof way[0]; i++)
		part = cJSON_GetObjectItemCaseSensitive(part, way[i]);
	cJSON_ReplaceItemInObjectCaseSensitive(cJSON_GetArrayItem(part, 0), "image", cJSON_CreateString(t->course->image));
	char *text = ns_json_text(o);
	t->helped = ns_sim_put(t->r.sim, "apps/v1/deployments", text, &err) || fault(t, "%s", err.text);
	free(text);
	cJSON_Delete(o);
	free(now);
}

/* One look through the door of whoever runs. False when nobody answers. *row is a copy of the numbers only. */
static bool look(trial *t, ns_inc_row *row)
{
	ns_door door;
	help(t);
	if (!ns_door_connect(t->r.state, &door, NULL))
		return false;
	ns_snapshot *s = door.snapshot(door.ctx, NULL);
	memset(row, 0, sizeof *row);
	if (s) {
		const ns_inc_row *found = rig_row(s, t->course->ns, t->course->workload);
		for (size_t i = 0; t->incident && i < s->n_incidents; i++)
			found = s->incidents[i].id == t->incident ? &s->incidents[i] : found;
		if (found) {
			*row = *found;
			t->incident = found->id;
		}
		if (about_undo(t) && (t->soon || row->state == NS_ST_RESOLVED))
			ask_back(t, &door, s);
		if (!t->asked_back)
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
		if (look(t, &row) && row.id && ns_state_get(row.state)->terminal && (!about_undo(t) || is_back(t)))
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

/* Where the outcome of a kill is known exactly: one change, and it heals. At the others it is the laws alone that hold. */
static bool heals_by_one(const trial *t)
{
	/* Its intent is recorded and nothing was sent: UNKNOWN, verified, and whether it is asked again is another plan's matter. */
	return strcmp(t->point, "after-intent") != 0 && strcmp(t->point, "kubectl-before") != 0;
}

static bool judge_incident(trial *t, ns_store *st, ns_arena *ar, const ns_incident *inc)
{
	static const char *const facts[] = {"alert", "case", "rca", "plan", "dryrun", "gate", "execution", "verification"};
	bool ok = MUST(rig_count_audit(st, ar, inc->id, "detected") == 1, "\"detected\" was recorded %zu times", rig_count_audit(st, ar, inc->id, "detected"));
	for (size_t i = 0; ok && i + t->soon < sizeof facts / sizeof facts[0]; i++) /* what is taken back at once need not be verified */
		ok = MUST(rig_count_facts(st, ar, inc->id, facts[i]) > 0, "the fact \"%s\" is lost", facts[i]);
	ns_intent it;
	ok = ok && MUST(ns_store_intent_latest(st, ar, inc->id, &it, NULL) && strncmp(it.action, t->course->action, strlen(it.action)) == 0, "the action was another");
	return ok &&
	    (about_undo(t) || !heals_by_one(t) || MUST(inc->state == NS_ST_RESOLVED && inc->verdict == NS_VERDICT_FIXED, "it ended %s %s (%s)", ns_state_get(inc->state)->name,
				     ns_verdict_name(inc->verdict), inc->note));
}

/* The change and its undo, each once, however often it was begun. An undo that was on record and never left is UNKNOWN: the object is looked at, a
 * person is told, and it is not sent. Where the owner has changed the object meanwhile (t->helped) it is his. */
static bool judge_undo(trial *t, ns_store *st, ns_arena *ar, const ns_incident *inc)
{
	ns_capsule c;
	const judge *j = &t->judge;
	bool unsent = strcmp(t->point, "undo-intent") == 0;
	size_t asked = rig_count_audit(st, ar, inc->id, "undo asked"), started = rig_count_audit(st, ar, inc->id, "undo started");
	if (!MUST(has_back(t, &c, ar), "the undo has no end"))
		return false;
	bool undone = c.state == NS_CAP_UNDONE;
	return MUST(undone || c.state == NS_CAP_FAILED, "the undo is %s (%s)", ns_capsule_state_name(c.state), c.why) &&
	    MUST(unsent || t->helped || undone, "the undo is %s (%s)", ns_capsule_state_name(c.state), c.why) &&
	    MUST(asked == 1 && started <= 1, "it was asked for %zu times and started %zu times", asked, started) &&
	    MUST(j->intents == 1 + (int64_t)started && j->changes == (undone ? 2 : 1), "%lld changes by %lld intents, and the undo is %s", (long long)j->changes,
		(long long)j->intents, ns_capsule_state_name(c.state));
}

static bool judge_trial(trial *t, const char head[65], int64_t rows_before)
{
	ns_err err = {0};
	char now[65];
	int64_t rows = 0;
	judge *j = &t->judge;
	judge_record(j, t->r.state, t->r.clock, about_undo(t) ? t->incident : 0, t->taken, t->n_taken, head);
	judge_cluster(j, t->r.sim);
	ns_store *st = ns_store_open_readonly(t->r.state, t->r.clock, &err);
	ns_arena *ar = ns_arena_new();
	ns_incident *list = NULL;
	const ns_incident *inc = NULL;
	size_t n = 0;
	bool ok = MUST(!j->escapes && !j->doubles && !j->lost, "%zu escapes, %zu double executions, %zu lost: %s", j->escapes, j->doubles, j->lost, j->why) &&
	    MUST(st && ns_store_incidents(st, ar, 100, &list, &n, &err) && ns_store_audit_verify(st, NULL, &rows, now, &err), "%s", err.text) &&
	    MUST(rows > rows_before || strcmp(t->point, "undo-recorded") == 0, "the second engine recorded nothing"); /* there all was said */
	for (size_t i = 0; ok && i < n; i++)
		if (strcmp(list[i].target.name, t->course->workload) == 0 && (!about_undo(t) || list[i].id == t->incident))
			ok = MUST(!inc, "two incidents for one fault") && (inc = &list[i]) != NULL;
	ok = ok && MUST(inc, "the incident is lost") && judge_incident(t, st, ar, inc);
	if (ok && about_undo(t))
		ok = judge_undo(t, st, ar, inc);
	else if (ok && heals_by_one(t))
		ok = MUST(j->changes == 1 && j->intents == 1, "%lld changes by %lld intents", (long long)j->changes, (long long)j->intents);
	else if (ok)
		ok = MUST(j->changes + (inc->state == NS_ST_MANUAL_REVIEW) >= 1 && j->changes <= 2 && j->intents <= 3,
		    "%lld changes by %lld intents, and it ended %s", (long long)j->changes, (long long)j->intents, ns_state_get(inc->state)->name);
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
	char *path = ns_path_join(t->r.dir, "kubectl"), *send = sends_first(t)
	    ? ns_xasprintf("%s \"$@\" >%s/answer || exit", t->kubectl, t->r.dir) /* what the server refused is no change: its engine tries again */
	    : ns_xasprintf("%s \"$@\" >%s/answer 2>&1", t->kubectl, t->r.dir);
	char *text = ns_xasprintf("#!/bin/sh\n"
	                          "case \" $* \" in\n"
	                          "*\" --dry-run=server \"*) exec %s \"$@\" ;;\n"
	                          "*\" patch \"*|*\" create \"*) ;;\n"
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
	ok = ok && MUST(row.id, "the new engine has no incident") && MUST(ns_sim_mutations(t->r.sim, NULL, NULL) == (sends_first(t) ? 1 : 0), "%lld changes while kubectl runs",
		      (long long)ns_sim_mutations(t->r.sim, NULL, NULL)) &&
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
	if (!rig_open(&t->r, t->course->scenario, t->rate ? t->rate : RATE, &err)) {
		fault(t, "%s", err.text);
		rig_close(&t->r);
		return;
	}
	char *kubectl = slow ? slow_kubectl(t) : ns_xstrdup(t->kubectl);
	pid_t pid = start_engine(t, kubectl, t->point);
	bool ok = pid > 0 && (slow ? die_under_kubectl(t, pid) : until_it_dies(t, pid)) && (t->died = true) && read_head(t, head, &rows);
	if (ok && (pid = start_engine(t, kubectl, "")) > 0) {
		ok = !slow || hands_off(t);
		let_go(t);
		ok = ok && until_it_is_over(t, pid);
		ok = stop_engine(t, pid) && ok && judge_trial(t, head, rows);
	}
	let_go(t); /* whatever waits for it */
	if (!ok && getenv("NS_TEST_KEEP"))
		fprintf(stderr, "# %s, %s: %s (%s)\n", t->course->action, t->point, t->fault, t->r.dir);
	free(kubectl);
	rig_close(&t->r);
}
#endif
