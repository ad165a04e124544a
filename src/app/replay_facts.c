/* What was decided by the documents of an incident: the diagnosis, the plan's commands, each judgement of the gate, the verdict. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/agents/executor.h"
#include "neuroscale/agents/verifier.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/llm/analyst.h"
#include "replay.h"

enum { VALUE = 64 };
static const ns_json_limits limits = {.max_bytes = 16u << 20, .max_depth = 128}; /* as facts are written */

/* The latest of each as the walk comes along. */
typedef struct documents {
	ns_case *cs;
	ns_rca *rca;
	ns_plan *plan, *sent; /* sent: the one that was executed last, whose undo is armed */
} documents;

static const ns_plan *undo_plan(const documents *d)
{
	return d->sent ? d->sent : d->plan;
}

/* ---- diagnosis ---- */

static bool cites(const ns_case *c, const char *id)
{
	for (size_t i = 0; i < c->n_evidence; i++)
		if (strcmp(c->evidence[i].id, id) == 0)
			return true;
	return false;
}

static void check_claims(replay *x, const ns_case *c, const ns_rca *r, const char **why)
{
	bool all = true;
	for (size_t i = 0; i < r->n_claims; i++) {
		all = all && r->claims[i].n_evidence > 0;
		for (size_t k = 0; k < r->claims[i].n_evidence; k++)
			all = all && cites(c, r->claims[i].evidence[k]);
	}
	if (r->evidence_ok && !all)
		replay_add(x, why, "a claim cites evidence that the case does not have, and that was recorded as fine");
}

static void check_rca(replay *x, const ns_fact_row *f, const documents *d)
{
	const ns_rca *r = d->rca;
	const char *why = "", *what = ns_arena_printf(x->ar, "diagnosis by %s: %s, %s, risk %s, confidence %.2f", *r->provider ? r->provider : "?", r->cause_class,
	    ns_action_get(r->action)->name, ns_risk_name(r->risk), r->confidence);
	if (!d->cs) {
		replay_unknown(x, f->at_ms, what, "no case is on record");
		return;
	}
	check_claims(x, d->cs, r, &why);
	if (strcmp(r->provider, "offline") != 0) {
		if (*why)
			replay_found(x, f->at_ms, what, why);
		else
			replay_unknown(x, f->at_ms, what, "a model's words; what it cites is in the case");
		return;
	}
	const ns_rca *n = ns_offline_analyze(x->ar, d->cs);
	if (strcmp(n->cause_class, r->cause_class) != 0)
		replay_add(x, &why, "this version finds %s", n->cause_class);
	if (n->action != r->action)
		replay_add(x, &why, "this version asks for %s", ns_action_get(n->action)->name);
	if (n->risk != r->risk)
		replay_add(x, &why, "this version sees risk %s", ns_risk_name(n->risk));
	if (fabs(n->confidence - r->confidence) > 1e-6)
		replay_add(x, &why, "this version's confidence is %.2f", n->confidence);
	if (n->auto_remediate != r->auto_remediate)
		replay_add(x, &why, "this version %s", n->auto_remediate ? "would let it run alone" : "declines to let it run alone");
	replay_found(x, f->at_ms, what, why);
}

/* ---- plan ---- */

static void check_command(replay *x, const char *name, const ns_command *c, const char **why)
{
	const char *no = "";
	if (!c->argv || !ns_argv_permitted(c->argv, NULL, &no))
		replay_add(x, why, "its %s is not permitted: %s", name, c->argv ? no : "there is none");
}

static void check_plan(replay *x, const ns_fact_row *f, const documents *d)
{
	const ns_plan *p = d->plan;
	const ns_workload *t = &x->inc.target;
	const char *why = "", *what = ns_arena_printf(x->ar, "plan: %s (%s)", p->summary, ns_action_get(p->action)->name);
	if (p->action != NS_ACT_MANUAL_REVIEW) {
		check_command(x, "command", &p->command, &why);
		if (p->undo_valid)
			check_command(x, "undo", &p->undo, &why);
	}
	if (strcmp(p->target.ns, t->ns) != 0 || strcmp(p->target.name, t->name) != 0 || strcmp(p->target.kind, t->kind) != 0 || strcmp(p->target.cluster, t->cluster) != 0)
		replay_add(x, &why, "it is for %s/%s %s in %s, which is not the incident's", p->target.ns, p->target.name, p->target.kind, p->target.cluster);
	replay_found(x, f->at_ms, what, why);
}

/* ---- digest ---- */

/* Of the change, and of its undo: the dry-run and the plan that it belongs to give it again (law 5). */
static bool check_digest(replay *x, const ns_fact_row *f, const cJSON *j, const ns_plan *p, bool undo, ns_err *err)
{
	const ns_dryrun *d = ns_dryrun_from_json(x->ar, j, err);
	char now[65];
	const char *what = ns_arena_printf(x->ar, "digest of %s: %.12s", undo ? "the undo" : "the plan", d ? d->digest : "");
	if (!d || !d->ok)
		return d != NULL;
	if (!p || !ns_dryrun_digest(d, p, undo, now))
		replay_unknown(x, f->at_ms, what, p ? "recorded by a version that did not keep what it was made of" : "no plan is on record");
	else
		replay_found(x, f->at_ms, what, strcmp(now, d->digest) == 0 ? "" : ns_arena_printf(x->ar, "what is on record gives %.12s", now));
	return true;
}

/* ---- gate ---- */

static bool listed(const cJSON *reasons, const char *condition)
{
	ns_json_each(r, reasons)
	{
		if (strcmp(ns_json_str(r, "condition", ""), condition) == 0)
			return true;
	}
	return false;
}

static bool verdict_has(const ns_gate_verdict *v, const char *condition)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->condition[i], condition) == 0)
			return true;
	return false;
}

static void compare_reasons(replay *x, const cJSON *reasons, const ns_gate_verdict *v, const char **why)
{
	ns_json_each(r, reasons)
	{
		const char *name = ns_json_str(r, "condition", "");
		if (!verdict_has(v, name))
			replay_add(x, why, "\"%s\" stood against it then and does not by this version", name);
	}
	for (size_t i = 0; i < v->n; i++)
		if (!listed(reasons, v->condition[i]))
			replay_add(x, why, "by this version \"%s\" stands against it as well: %s", v->condition[i], v->words[i]);
}

/* What case, diagnosis and plan say must be what the gate was told. */
static void compare_facts(replay *x, const documents *d, const ns_gate_facts *f, const char **why)
{
	ns_gate_facts g = *f;
	ns_gate_judge(d->cs, d->rca, d->plan, &g);
	for (size_t i = 0; i < ns_gate_n_facts(); i++) {
		char then[VALUE], now[VALUE];
		const char *name = ns_gate_fact_name(i);
		ns_gate_fact_text(f, name, then, sizeof then);
		ns_gate_fact_text(&g, name, now, sizeof now);
		if (strcmp(then, now) != 0)
			replay_add(x, why, "the gate was told %s=%s, its documents say %s", name, then, now);
	}
}

/* Where an incident may go from a judgement, by name, separated by spaces. */
static void follow(replay *x, int64_t seq, const char *may, const char **why)
{
	const replay_row *m = replay_move_after(x, seq);
	if (m && !strstr(ns_arena_printf(x->ar, " %s ", may), ns_arena_printf(x->ar, " %s ", m->to)))
		replay_add(x, why, "the incident went on to %s", m->to);
}

static void check_gate(replay *x, const ns_fact_row *row, const cJSON *g, const documents *d)
{
	static const struct { const char *way, *next; } ways[] = {
	    {"manual_review", "manual_review undoing"}, {"ask", "awaiting_approval"}, {"auto", "executing"}};
	bool sending = ns_json_bool_or(g, "sending", false), approved = ns_json_bool_or(g, "approved", false), sends = ns_json_bool_or(g, "sends", false);
	const char *way = ns_json_str(g, "way", ""), *why = "";
	const char *what = sending ? ns_arena_printf(x->ar, "gate before sending, %s yes: %s", approved ? "with a" : "without a", sends ? "sent" : "refused")
	                           : ns_arena_printf(x->ar, "gate before asking: %s", way);
	const cJSON *facts = ns_json_get(g, "facts");
	ns_gate_facts f;
	ns_gate_verdict v;
	ns_err bad = {0};
	if (!facts || !ns_gate_facts_from_json(facts, &f, &bad)) {
		replay_unknown(x, row->at_ms, what, facts ? ns_arena_printf(x->ar, "recorded by a version whose gate knew other facts: %s", bad.text)
		                                          : "recorded by a version that kept the reasons only");
		return;
	}
	if (sending) {
		bool now = ns_gate_may_send(&f, approved, &v);
		if (now != sends)
			replay_add(x, &why, "this version would %s", now ? "send it" : "refuse it");
		follow(x, row->seq, sends ? "verifying planning failed executing manual_review" : "planning manual_review", &why);
	} else {
		ns_gate(&f, &v);
		if (strcmp(ways[v.way].way, way) != 0)
			replay_add(x, &why, "this version says %s", ways[v.way].way);
		for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
			if (strcmp(ways[i].way, way) == 0)
				follow(x, row->seq, ways[i].next, &why);
	}
	compare_reasons(x, ns_json_get(g, "reasons"), &v, &why);
	compare_facts(x, d, &f, &why);
	replay_found(x, row->at_ms, what, why);
}

/* ---- verdict ---- */

static void check_verdict(replay *x, const ns_fact_row *row, const cJSON *j)
{
	static const struct { ns_verdict v; const char *next; } goes[] = {
	    {NS_VERDICT_FIXED, "resolved"}, {NS_VERDICT_NOT_FIXED, "planning undoing failed"}, {NS_VERDICT_UNKNOWN, "failed"}};
	const char *word = ns_json_str(j, "verdict", ""), *why = "", *what = ns_arena_printf(x->ar, "verdict: %s, %s", word, ns_json_str(j, "why", ""));
	ns_verify_state v;
	ns_err bad = {0};
	for (size_t i = 0; i < sizeof goes / sizeof goes[0]; i++) {
		if (strcmp(ns_verdict_name(goes[i].v), word) != 0)
			continue;
		if (!ns_verify_from_json(&v, j, &bad)) {
			replay_found(x, row->at_ms, what, bad.text);
			return;
		}
		const char *no = ns_verify_bears(&v, goes[i].v, ns_json_bool_or(j, "harm", !ns_json_get(j, "harm")));
		if (no)
			replay_add(x, &why, "%s", no);
		follow(x, row->seq, goes[i].next, &why);
		replay_found(x, row->at_ms, what, why);
		return;
	}
	replay_found(x, row->at_ms, what, "there is no such verdict");
}

/* ---- one after another ---- */

static bool take_case(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	return (d->cs = ns_case_from_json(x->ar, j, err)) != NULL;
}

static bool take_rca(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	if ((d->rca = ns_rca_from_json(x->ar, j, err)))
		check_rca(x, f, d);
	return d->rca != NULL;
}

static bool take_plan(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	if ((d->plan = ns_plan_from_json(x->ar, j, err)))
		check_plan(x, f, d);
	return d->plan != NULL;
}

static bool take_dryrun(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	return check_digest(x, f, j, d->plan, false, err);
}

static bool take_undo(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	const cJSON *dr = ns_json_get(j, "dryrun");
	return !dr || check_digest(x, f, dr, undo_plan(d), true, err);
}

static bool take_gate(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	check_gate(x, f, j, d);
	return true;
}

static bool take_execution(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	d->sent = d->plan;
	return true;
}

static bool take_verification(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err)
{
	check_verdict(x, f, j);
	return true;
}

void replay_facts(replay *x)
{
	static const struct { const char *name; bool (*take)(replay *x, const ns_fact_row *f, const cJSON *j, documents *d, ns_err *err); } rows[] = {
	    {"case", take_case}, {"rca", take_rca}, {"plan", take_plan}, {"dryrun", take_dryrun}, {"undo", take_undo}, {"gate", take_gate},
	    {"execution", take_execution}, {"verification", take_verification}};
	documents d = {0};
	for (size_t i = 0; i < x->n_facts; i++) {
		const ns_fact_row *f = &x->facts[i];
		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
			ns_err why = {0};
			if (strcmp(rows[k].name, f->name) != 0)
				continue;
			cJSON *j = ns_json_parse(f->json, strlen(f->json), &limits, &why);
			if (!j || !rows[k].take(x, f, j, &d, &why))
				replay_found(x, f->at_ms, ns_arena_printf(x->ar, "the document \"%s\"", f->name), ns_arena_printf(x->ar, "this version cannot read it: %s", why.text));
			cJSON_Delete(j);
		}
	}
}
