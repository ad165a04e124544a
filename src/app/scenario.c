/* One scenario, headless: its own simulated cluster, engine and state directory in this process, a scripted approver at the CLI's door, and a
 * judge that reads the record afterwards. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/text.h"
#include "neuroscale/store/store.h"
#include "stage.h"

enum { DEFAULT_RATE = 40, LOOK_EVERY_MS = 100, MAX_DECIDED = 64 };

typedef struct play {
	const ns_sim_scenario *sc;
	ns_app_stage stage;
	ns_door door;
	ns_clock *clock;
	int64_t decided[MAX_DECIDED];
	size_t n_decided;
} play;

/* Is `word` one of the words of "a|b|c" (or of "a,b,c")? An empty list takes everything. */
static bool one_of(const char *list, const char *word, char sep)
{
	size_t n = strlen(word);
	if (!list || !list[0])
		return true;
	for (const char *p = list;;) {
		const char *end = strchr(p, sep);
		size_t len = end ? (size_t)(end - p) : strlen(p);
		if (len == n && strncmp(p, word, n) == 0)
			return true;
		if (!end)
			return false;
		p = end + 1;
	}
}

static bool decided_before(play *p, int64_t id)
{
	for (size_t i = 0; i < p->n_decided; i++)
		if (p->decided[i] == id)
			return true;
	return false;
}

/* What a person at the CLI would do: look at what waits, say yes or no to its digest. */
static void approve(play *p, const ns_snapshot *s)
{
	for (size_t i = 0; i < s->n_approvals && p->sc->approver != NS_SIM_SILENT; i++) {
		const ns_appr_row *a = &s->approvals[i];
		char said[256];
		ns_err err = {0};
		if (a->state != NS_CARD_READY || decided_before(p, a->id) || p->n_decided == MAX_DECIDED)
			continue;
		ns_decide_req req = {.approval = a->id, .approve = p->sc->approver == NS_SIM_APPROVE, .digest = a->digest, .reason = "scripted approver", .surface = "cli"};
		p->decided[p->n_decided++] = a->id;
		if (!p->door.decide(p->door.ctx, &req, said, sizeof said, &err))
			ns_log(NS_LOG_WARN, "approver", "%s", err.text);
	}
}

/* "*" stands for any. */
static bool is_target(const ns_sim_expect *x, const char *ns, const char *name)
{
	return (x->ns[0] == '*' || strcmp(ns, x->ns) == 0) && (x->workload[0] == '*' || strcmp(name, x->workload) == 0);
}

static bool about(const ns_inc_row *r, const ns_sim_expect *x)
{
	return is_target(x, r->ns, r->target) && (x->kind[0] == '-' || one_of(x->kind, ns_kind_get(r->kind)->name, '|'));
}

/* The newest incident of what is expected, NULL when there is none. */
static const ns_inc_row *find_row(const ns_snapshot *s, const ns_sim_expect *x)
{
	const ns_inc_row *found = NULL;
	for (size_t i = 0; i < s->n_incidents; i++)
		if (about(&s->incidents[i], x) && (!found || s->incidents[i].id > found->id))
			found = &s->incidents[i];
	return found;
}

static bool as_expected(const ns_inc_row *r, const ns_sim_expect *x)
{
	return one_of(x->state, ns_state_get(r->state)->name, '|') && one_of(x->verdict, ns_verdict_name(r->verdict), '|') &&
	    one_of(x->action, ns_action_get(r->action)->name, '|');
}

/* Over before its horizon: everything that must happen has happened. What must not happen needs the whole time. */
static bool settled(const play *p, const ns_snapshot *s)
{
	for (const ns_sim_expect *x = p->sc->expect; x->ns; x++) {
		const ns_inc_row *r = x->kind[0] == '-' ? NULL : find_row(s, x);
		if (!r || !as_expected(r, x))
			return false;
	}
	return true;
}

static bool watch(play *p, const ns_cancel *cancel, ns_err *err)
{
	int64_t end = ns_clock_mono_ms(p->clock) + p->sc->horizon_ms;
	while (ns_clock_mono_ms(p->clock) < end) {
		ns_snapshot *s = p->door.snapshot(p->door.ctx, err);
		if (!s)
			return false;
		approve(p, s);
		bool over = settled(p, s);
		ns_snapshot_unref(s);
		if (over)
			return true;
		if (!ns_cancel_sleep(cancel, ns_clock_real(), LOOK_EVERY_MS))
			return ns_fail(err, NS_E_CANCELLED, "stopped");
	}
	return true;
}

/* ---- the judge: reads the record, not the screen ---- */

typedef struct judgement {
	ns_buf faults;
	int64_t sent;
} judgement;

/* Every plan that was sent must be one that may be. */
static void judge_sent(judgement *j, ns_store *st, ns_arena *ar, const ns_incident *inc, const ns_sim_expect *x)
{
	ns_sent_plan *sent;
	size_t n, made;
	ns_err err = {0};
	if (!ns_store_sent_plans(st, ar, inc->id, &sent, &n, &made, &err)) {
		ns_buf_printf(&j->faults, "; %s/%s: what was sent cannot be read: %s", x->ns, x->workload, err.text);
		return;
	}
	for (size_t i = 0; i < n && x->never && x->never[0]; i++) {
		const char *action = ns_action_get(sent[i].plan->action)->name;
		if (strcmp(x->never, "any") == 0 || one_of(x->never, action, ','))
			ns_buf_printf(&j->faults, "; %s/%s: %s was sent and must not be", x->ns, x->workload, action);
	}
}

static void judge_row(judgement *j, ns_store *st, ns_arena *ar, const ns_sim_expect *x, const ns_incident *list, size_t n)
{
	const ns_incident *found = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!is_target(x, list[i].target.ns, list[i].target.name))
			continue;
		judge_sent(j, st, ar, &list[i], x);
		if ((x->kind[0] == '-' || one_of(x->kind, ns_kind_get(list[i].kind)->name, '|')) && (!found || list[i].id > found->id))
			found = &list[i];
	}
	if (x->kind[0] == '-') {
		if (found)
			ns_buf_printf(&j->faults, "; %s/%s: an incident (%s) where there must be none", x->ns, x->workload, ns_kind_get(found->kind)->name);
		return;
	}
	if (!found) {
		ns_buf_printf(&j->faults, "; %s/%s: no incident of kind %s", x->ns, x->workload, x->kind);
		return;
	}
	cJSON *plan = ns_store_fact_latest(st, found->id, "plan", NULL, NULL);
	const struct { const char *what, *is, *must; } checks[] = {
	    {"state", ns_state_get(found->state)->name, x->state},
	    {"verdict", ns_verdict_name(found->verdict), x->verdict},
	    {"action", ns_json_str(plan, "action", "manual_review"), x->action},
	    {"runbook", ns_json_str(plan, "runbook", ""), x->runbook},
	};
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (!one_of(checks[i].must, checks[i].is, '|'))
			ns_buf_printf(&j->faults, "; %s/%s: %s is \"%s\", must be \"%s\"", x->ns, x->workload, checks[i].what, checks[i].is, checks[i].must);
	cJSON_Delete(plan);
}

static bool judge(const play *p, const char *state_dir, judgement *j, ns_err *err)
{
	ns_store *st = ns_store_open_readonly(state_dir, p->clock, err);
	ns_arena *ar = ns_arena_new();
	ns_incident *list;
	size_t n;
	int64_t rows;
	char head[65];
	bool ok = st && ns_store_incidents(st, ar, 1000, &list, &n, err);
	for (const ns_sim_expect *x = p->sc->expect; ok && x->ns; x++)
		judge_row(j, st, ar, x, list, n);
	int64_t intents = ok ? ns_store_intents_since(st, NULL, NULL, 0, NULL) : 0, taken = ns_sim_mutations(p->stage.sim[0], NULL, NULL);
	if (ok && taken > intents)
		ns_buf_printf(&j->faults, "; the cluster took %lld changes, the record knows %lld intents", (long long)taken, (long long)intents);
	if (ok && !ns_store_audit_verify(st, NULL, &rows, head, err))
		ns_buf_printf(&j->faults, "; the audit record is broken: %s", err->text);
	j->sent = taken;
	ns_arena_free(ar);
	ns_store_close(st);
	return ok;
}

bool ns_app_scenario(const ns_config *cfg, const char *name, const char *state_dir, int rate, const ns_cancel *cancel, ns_err *err)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	play p = {.sc = ns_sim_scenario_find(name)};
	judgement j = {NS_BUF_INIT, 0};
	int64_t began = ns_real_mono_ms();
	p.clock = ns_clock_scaled(rate > 0 ? rate : DEFAULT_RATE, began, (int64_t)t.tv_sec * 1000);
	ns_log_init(STDOUT_FILENO, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, p.clock);
	ns_app_part part = {.scenario = p.sc, .profile = p.sc->profile};
	bool ok = ns_app_stage_open(&p.stage, cfg, &part, 1, state_dir, p.clock, err) && ns_door_connect(state_dir, &p.door, err);
	if (ok) {
		ok = watch(&p, cancel, err);
		p.door.close(p.door.ctx);
		ns_app_stage_stop(&p.stage);
		ok = ok && judge(&p, state_dir, &j, err);
	}
	ns_app_stage_close(&p.stage);
	double seconds = (double)(ns_real_mono_ms() - began) / 1000;
	if (!ok)
		printf("FAILED %s: %s\n", name, err->text);
	else if (j.faults.len)
		printf("FAILED %s: %s\n", name, ns_buf_str(&j.faults) + 2);
	else
		printf("ok %s (%s; %lld change%s sent; %.1f s)\n", name, p.sc->title, (long long)j.sent, j.sent == 1 ? "" : "s", seconds);
	fflush(stdout);
	ok = ok && !j.faults.len;
	ns_buf_free(&j.faults);
	ns_clock_free(p.clock);
	return ok;
}
