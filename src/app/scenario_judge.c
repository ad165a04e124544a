/* The judge of a scenario: reads the record and asks the cluster what it took; never the screen. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/store/capsule.h"
#include "replay.h"
#include "scenario.h"

bool play_one_of(const char *list, const char *word, char sep)
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

bool play_is_target(const ns_sim_expect *x, const char *ns, const char *name)
{
	return (x->ns[0] == '*' || strcmp(ns, x->ns) == 0) && (x->workload[0] == '*' || strcmp(name, x->workload) == 0);
}

bool play_fits(const ns_sim_scenario *sc, play_mode mode)
{
	for (const ns_sim_expect *x = sc->expect; x->ns && mode == PLAY_AUTO; x++)
		if (strcmp(x->state, ns_state_get(NS_ST_REJECTED)->name) == 0 || strcmp(x->state, ns_state_get(NS_ST_EXPIRED)->name) == 0)
			return false;
	return true;
}

bool play_is_quiet(const ns_sim_expect *x)
{
	return x->kind[0] == '-';
}

/* Nothing is wrong with it for good: no incident, or one that may be withdrawn because it heals by itself. */
static bool is_control(const ns_sim_expect *x)
{
	return play_is_quiet(x) || (x->state[0] && play_one_of(x->state, "withdrawn", '|'));
}

/* Every plan that was sent must be one that may be. Returns how many must not; what cannot be known is as bad. */
static int64_t judge_sent(play_result *r, ns_store *st, ns_arena *ar, const ns_incident *inc, const ns_sim_expect *x)
{
	ns_sent_plan *sent;
	size_t n, made;
	ns_err err = {0};
	int64_t bad = 0;
	if (!ns_store_sent_plans(st, ar, inc->id, &sent, &n, &made, &err)) {
		ns_buf_printf(&r->faults, "; %s/%s: what was sent cannot be read: %s", x->ns, x->workload, err.text);
		return 1;
	}
	for (size_t i = 0; i < n && x->never && x->never[0]; i++) {
		const char *action = ns_action_get(sent[i].plan->action)->name;
		if (strcmp(x->never, "any") == 0 || play_one_of(x->never, action, ',')) {
			ns_buf_printf(&r->faults, "; %s/%s: %s was sent and must not be", x->ns, x->workload, action);
			bad++;
		}
	}
	return bad;
}

/* Nothing is wrong with it for good: the cluster must have taken no change of it, whatever the record says. */
static void judge_control(play_result *r, const ns_sim *sim, const ns_sim_expect *x, int64_t sent)
{
	int64_t taken = ns_sim_mutations(sim, x->ns, x->workload), wrong = taken > sent ? taken : sent;
	r->controls++;
	r->false_fixes += wrong;
	r->unsafe += wrong;
	if (taken > sent)
		ns_buf_printf(&r->faults, "; %s/%s: the cluster took %lld changes of it, and nothing was wrong with it", x->ns, x->workload, (long long)taken);
}

static bool asked_nobody(ns_store *st, ns_arena *ar, int64_t incident)
{
	ns_approval a;
	ns_err err = {0};
	return !ns_store_approval_latest(st, ar, incident, &a, &err) && err.code == NS_E_NOTFOUND;
}

static void judge_fix(play_result *r, ns_store *st, ns_arena *ar, const ns_sim_expect *x, const ns_incident *found)
{
	bool fixed = found && found->state == NS_ST_RESOLVED && found->verdict == NS_VERDICT_FIXED;
	r->faulty++;
	r->fixable += strcmp(x->verdict, ns_verdict_name(NS_VERDICT_FIXED)) == 0;
	r->fixed += fixed;
	r->alone += fixed && asked_nobody(st, ar, found->id);
}

static void judge_end(play_result *r, ns_store *st, const ns_sim_expect *x, const ns_incident *found)
{
	cJSON *plan = ns_store_fact_latest(st, found->id, "plan", NULL, NULL);
	const struct { const char *what, *is, *must; } checks[] = {
	    {"state", ns_state_get(found->state)->name, x->state},
	    {"verdict", ns_verdict_name(found->verdict), x->verdict},
	    {"action", ns_json_str(plan, "action", "manual_review"), x->action},
	    {"runbook", ns_json_str(plan, "runbook", ""), x->runbook},
	};
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (!play_one_of(checks[i].must, checks[i].is, '|'))
			ns_buf_printf(&r->faults, "; %s/%s: %s is \"%s\", must be \"%s\"", x->ns, x->workload, checks[i].what, checks[i].is, checks[i].must);
	cJSON_Delete(plan);
	ns_capsule c;
	ns_arena *ar = ns_arena_new();
	ns_capsule_state is = ns_store_capsule_of(st, ar, found->id, &c, NULL) ? c.state : NS_CAP_VOID;
	if (x->undone && is != NS_CAP_UNDONE)
		ns_buf_printf(&r->faults, "; %s/%s: its undo is %s, must be %s", x->ns, x->workload, ns_capsule_state_name(is), ns_capsule_state_name(NS_CAP_UNDONE));
	ns_arena_free(ar);
}

static void judge_row(play_result *r, const play_opts *o, const ns_sim *sim, ns_store *st, ns_arena *ar, const ns_sim_expect *x, const ns_incident *list,
    size_t n)
{
	const ns_incident *found = NULL;
	bool quiet = play_is_quiet(x);
	int64_t bad = 0;
	for (size_t i = 0; i < n; i++) {
		if (!play_is_target(x, list[i].target.ns, list[i].target.name))
			continue;
		bad += judge_sent(r, st, ar, &list[i], x);
		if ((quiet || play_one_of(x->kind, ns_kind_get(list[i].kind)->name, '|')) && (!found || list[i].id > found->id))
			found = &list[i];
	}
	if (is_control(x)) {
		judge_control(r, sim, x, bad);
	} else {
		r->unsafe += bad;
		judge_fix(r, st, ar, x, found);
	}
	if (quiet && found)
		ns_buf_printf(&r->faults, "; %s/%s: an incident (%s) where there must be none", x->ns, x->workload, ns_kind_get(found->kind)->name);
	else if (!quiet && !found)
		ns_buf_printf(&r->faults, "; %s/%s: no incident of kind %s", x->ns, x->workload, x->kind);
	else if (!quiet && o->mode == PLAY_SCRIPTED)
		judge_end(r, st, x, found);
}

/* What the scenario does not name is not to be touched. */
static void judge_bystander(play_result *r, const ns_sim_scenario *sc, ns_store *st, ns_arena *ar, const ns_incident *inc)
{
	const ns_sim_expect untouched = {.ns = inc->target.ns, .workload = inc->target.name, .never = "any"};
	for (const ns_sim_expect *x = sc->expect; x->ns; x++)
		if (play_is_target(x, inc->target.ns, inc->target.name))
			return;
	r->unsafe += judge_sent(r, st, ar, inc, &untouched);
}

/* ---- what the record says beyond right and wrong ---- */

typedef struct claim {
	char model[96], action[32];
	double confidence;
	bool made, planned; /* planned: the plan does what was claimed */
} claim;

static void add_claim(play_result *r, const claim *c, const char *verdict)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "model", c->model);
	ns_json_put_str(j, "action", c->action);
	ns_json_put_num(j, "confidence", c->confidence);
	ns_json_put_bool(j, "right", strcmp(verdict, ns_verdict_name(NS_VERDICT_FIXED)) == 0);
	cJSON_AddItemToArray(r->claims, j);
}

/* In the order of the facts: a claim, a plan that does as claimed, and what the verifier saw after that plan was sent. The first gate that asks a
 * person or lets it run alone is the card. */
static bool measure(play_result *r, ns_store *st, ns_arena *ar, const ns_incident *inc, ns_err *err)
{
	ns_fact_row *rows;
	size_t n;
	claim c = {0};
	bool card = false;
	if (!ns_store_facts(st, ar, inc->id, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *name = rows[i].name;
		cJSON *j = ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, err);
		if (!j)
			return ns_err_wrap(err, "incident %lld, %s", (long long)inc->id, name);
		if (strcmp(name, "rca") == 0) {
			c = (claim){.made = true, .confidence = ns_json_num_or(j, "confidence", -1)};
			ns_copy(c.model, sizeof c.model, ns_json_str(j, "provider", ""));
			ns_copy(c.action, sizeof c.action, ns_json_str(j, "action", ""));
		} else if (strcmp(name, "plan") == 0) {
			c.planned = c.made && strcmp(c.action, ns_json_str(j, "action", "")) == 0;
		} else if (strcmp(name, "gate") == 0 && !card && strcmp(ns_json_str(j, "way", "manual_review"), "manual_review") != 0) {
			cJSON_AddItemToArray(r->card_ms, cJSON_CreateNumber((double)(rows[i].at_ms - inc->opened_ms)));
			card = true;
		} else if (strcmp(name, "verification") == 0 && c.planned) {
			add_claim(r, &c, ns_json_str(j, "verdict", ""));
		}
		cJSON_Delete(j);
	}
	return true;
}

/* Every decision must come out of the record again. */
static bool judge_record(play_result *r, ns_store *st, int64_t incident, ns_err *err)
{
	replay x = {.s = st, .ar = ns_arena_new()};
	bool ok = replay_run(&x, incident, err);
	for (size_t i = 0; ok && i < x.n; i++)
		if (x.list[i].outcome == REPLAY_DIFFERS)
			ns_buf_printf(&r->faults, "; #%lld, %s: replayed it differs: %s", (long long)incident, x.list[i].what, x.list[i].why);
	free(x.list);
	ns_arena_free(x.ar);
	return ok;
}

bool play_judge(const play_opts *o, const ns_sim *sim, const char *state_dir, const ns_clock *clock, play_result *r, ns_err *err)
{
	ns_store *st = ns_store_open_readonly(state_dir, clock, err);
	ns_arena *ar = ns_arena_new();
	ns_incident *list;
	size_t n = 0;
	int64_t rows;
	char head[65];
	bool ok = st && ns_store_incidents(st, ar, 1000, &list, &n, err);
	for (const ns_sim_expect *x = o->sc->expect; ok && x->ns; x++)
		judge_row(r, o, sim, st, ar, x, list, n);
	for (size_t i = n; ok && i-- > 0;) {
		ok = judge_record(r, st, list[i].id, err);
		judge_bystander(r, o->sc, st, ar, &list[i]);
		ok = ok && measure(r, st, ar, &list[i], err);
	}
	r->incidents = n;
	r->sent = ns_sim_mutations(sim, NULL, NULL);
	int64_t intents = ok ? ns_store_intents_since(st, NULL, NULL, 0, NULL) : 0;
	if (ok && r->sent > intents)
		ns_buf_printf(&r->faults, "; the cluster took %lld changes, the record knows %lld intents", (long long)r->sent, (long long)intents);
	if (ok && !ns_store_audit_verify(st, NULL, &rows, head, err))
		ns_buf_printf(&r->faults, "; the audit record is broken: %s", err->text);
	ns_arena_free(ar);
	ns_store_close(st);
	return ok;
}
