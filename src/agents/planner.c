/* From cause to plan: retrieve the runbook, hold the proposed action against the rules, build it, and write down why a person is asked.
 *
 * The analysis is a proposal. Three things can happen to it: a refusal (guards[] below, an action's own preconditions) makes a
 * manual_review plan with the command that a person would run; a doubt (doubts[]) keeps the plan and asks for approval, in words; else it
 * stands. Nothing here raises trust: every rule only takes away. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/gitops/gitops.h"
#include "neuroscale/model/k8s.h"
#include "planner_priv.h"

#define GIB        (1024LL * 1024 * 1024)
#define CONFIDENT  0.75 /* law 4 */
#define CANDIDATES 4

const ns_plan_limits ns_plan_limits_default = {.mem_factor = 2.0, .mem_cap = 8 * GIB, .scale_max = 20, .exception_ttl_hours = 24};

/* ---- draft ------------------------------------------------------------------------------------------------------- */

void ns_draft_ask(ns_draft *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (d->n_reasons < NS_PLAN_REASONS)
		d->reasons[d->n_reasons++] = ns_arena_vprintf(d->ar, fmt, ap);
	va_end(ap);
}

void ns_draft_step(ns_draft *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (d->n_steps < NS_PLAN_STEPS)
		d->steps[d->n_steps++] = ns_arena_vprintf(d->ar, fmt, ap);
	va_end(ap);
}

bool ns_draft_refuse(ns_draft *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	d->why = ns_arena_vprintf(d->ar, fmt, ap);
	va_end(ap);
	return false;
}

void ns_draft_raise(ns_draft *d, ns_risk at_least)
{
	if (d->plan->risk < at_least)
		d->plan->risk = at_least;
}

/* ---- runbook ----------------------------------------------------------------------------------------------------- */

void ns_plan_query(const ns_case *c, const ns_rca *r, ns_buf *q)
{
	const ns_alert *a = &c->alert;
	ns_buf_printf(q, "%s\n%s\n%s\n%s %s. %s\n%s", r->root_cause, r->reasoning, r->cause_class, ns_kind_get(a->kind)->title, a->reason,
	    a->message, c->policy_message);
}

/* The best match that is written for alerts of this kind, which the cluster's own state decided; else the best one. Under the floor: none.
 */
static void retrieve(ns_draft *d, const ns_library *lib)
{
	ns_retrieval found = {.n = 0};
	ns_buf q = NS_BUF_INIT;
	ns_plan_query(d->c, d->r, &q);
	if (d->h && d->h->found)
		found = *d->h->found;
	else if (lib)
		ns_library_retrieve(lib, ns_buf_str(&q), &found);
	ns_buf_free(&q);
	if (!found.n)
		return;
	if (d->h)
		ns_retrieval_judge(&found, d->h->judged, d->h->n_judged, d->r->cause_class, d->h->now_ms);
	const ns_match *m = found.match;
	size_t n = found.n < CANDIDATES ? found.n : CANDIDATES, pick = 0;
	d->score_floor = d->plan->score_floor = found.score_floor;
	d->margin_floor = d->plan->margin_floor = found.margin_floor;
	d->plan->retrieved_by = ns_arena_strdup(d->ar, found.by);
	for (size_t i = n; i--;)
		if (m[i].score >= d->score_floor && ns_runbook_has_kind(m[i].runbook, d->c->alert.kind))
			pick = i;
	d->plan->score = m[pick].score;
	d->plan->margin = m[pick].margin;
	if (m[pick].score < d->score_floor)
		return;
	d->rb = m[pick].runbook;
	d->plan->runbook = ns_arena_strdup(d->ar, d->rb->id);
	d->plan->runbook_hash = ns_arena_strdup(d->ar, d->rb->hash);
	d->plan->runbook_title = ns_arena_strdup(d->ar, d->rb->title);
	if (d->h) {
		char words[112];
		ns_judgement j = ns_judge(d->h->judged, d->h->n_judged, d->rb->id, d->r->cause_class, d->h->now_ms);
		ns_judgement_words(&j, words);
		d->plan->judgement = ns_arena_strdup(d->ar, words);
	}
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool guard_names(ns_draft *d, ns_action a)
{
	const char *what;
	return ns_names_ok(d->c, &what) ||
	       ns_draft_refuse(d, "names: the %s of the target is not one that Kubernetes could have given", what);
}

static bool guard_found(ns_draft *d, ns_action a)
{
	return d->c->found || ns_draft_refuse(d, "target: the workload was not found, or is not the one that the alert was about");
}

static bool guard_namespace(ns_draft *d, ns_action a)
{
	const char *ns = d->c->alert.target.ns;
	return !ns_namespace_protected(ns, d->lim->protected_ns) ||
	       ns_draft_refuse(d, "protected: nothing is changed in namespace %s, approved or not", ns);
}

/* A kind as it may stand in a sentence. */
static const char *kind_words(const char *kind)
{
	size_t n = strspn(kind, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	return n && n < 64 && !kind[n] ? kind : "custom resource";
}

static bool guard_kind(ns_draft *d, ns_action a)
{
	const char *kind = d->c->alert.target.kind;
	if (strcmp(kind, "Deployment") != 0)
		return ns_draft_refuse(d, "target: only Deployments are changed by machine, and this is a %s", kind_words(kind));
	return !d->c->api_version[0] || !strcmp(d->c->api_version, "apps/v1") ||
	       ns_draft_refuse(d, "target: it is no Deployment of apps/v1");
}

static bool guard_storm(ns_draft *d, ns_action a)
{
	return d->c->alert.kind != NS_KIND_STORM || ns_draft_refuse(d, "storm: many workloads fail at once; look for what they share");
}

static bool guard_enabled(ns_draft *d, ns_action a)
{
	const char *const *list = d->lim->allowed_actions;
	return !list || ns_listed(ns_action_get(a)->name, list) || ns_draft_refuse(d, "configuration: the action %s is not enabled for this cluster", ns_action_get(a)->name);
}

static bool guard_paused(ns_draft *d, ns_action a)
{
	return !d->c->paused || ns_draft_refuse(d, "paused: somebody paused this Deployment on purpose");
}

static bool guard_operator(ns_draft *d, ns_action a)
{
	const char *by = d->c->managed_by;
	if (!begins(by, "operator:"))
		return true;
	return ns_draft_refuse(
	    d, "operator: it belongs to a %s, which would revert the change; change that resource", kind_words(by + strlen("operator:")));
}

static bool guard_cause(ns_draft *d, ns_action a)
{
	for (const char *const *h = ns_action_row_get(a)->hopeless; *h; h++)
		if (begins(d->r->cause_class, *h))
			return ns_draft_refuse(d, "cause: to %s does not help against %s", ns_action_get(a)->words, d->r->cause_class);
	return true;
}

static bool guard_database(ns_draft *d, ns_action a)
{
	const char *db = ns_database_of(d->c);
	return !db[0] || !ns_action_row_get(a)->database_refused ||
	       ns_draft_refuse(d, "database: it runs %s; members of a data store are a person's", db);
}

/* What a tool deploys goes back to an earlier state through that tool; and what the tool would set back at once is changed at its source. */
static bool guard_gitops(ns_draft *d, ns_action a)
{
	const char *by = d->c->managed_by;
	const ns_owner *o = &d->c->owner;
	if (!*by || a == NS_ACT_POLICY_EXCEPTION)
		return true;
	const char *who = *o->name ? ns_arena_printf(d->ar, "%s (%s %s)", by, o->kind, o->name) : by;
	if (!strcmp(d->r->cause_class, "sync_failed"))
		return ns_draft_refuse(d, "gitops: %s could not sync it; what the sync says is corrected there by a person", who);
	if (a == NS_ACT_ROLLBACK)
		return ns_draft_refuse(d, "gitops: %s deploys it, so it is gone back there%s%s", who, *o->why ? "; " : "", o->why);
	ns_owner named = *o;
	named.tool = by;
	return !ns_gitops_reverts(&named) || ns_draft_refuse(d, "gitops: %s would set it back; change it at its source", who);
}

/* In order: what makes a name unusable comes before anything that would write it down. */
static bool (*const guards[])(ns_draft *d, ns_action a) = {
    guard_names,
    guard_namespace,
    guard_storm,
    guard_found,
    guard_kind,
    guard_enabled,
    guard_paused,
    guard_operator,
    guard_cause,
    guard_database,
    guard_gitops,
};

/* ---- doubts ------------------------------------------------------------------------------------------------------ */

static void doubt_analysis(ns_draft *d, ns_action a)
{
	const ns_rca *r = d->r;
	if (!(r->confidence > CONFIDENT) || r->confidence > 1)
		ns_draft_ask(d, "confidence: %.0f %% is not above %.0f %%", r->confidence * 100, CONFIDENT * 100);
	if (!r->auto_remediate)
		ns_draft_ask(d, "analysis: it declined automatic remediation");
	if (!r->evidence_ok)
		ns_draft_ask(d, "evidence: a claim of the analysis cites none that exists");
	if (d->c->observed_generation < d->c->generation)
		ns_draft_ask(d, "generation: the controller has not yet acted on the newest change of this object");
}

static void doubt_runbook(ns_draft *d, ns_action a)
{
	const ns_plan *p = d->plan;
	if (!d->rb) {
		ns_draft_ask(d, "runbook: none fits (best score %.3f, floor %.3f)", p->score, d->score_floor);
		return;
	}
	if (p->margin < d->margin_floor)
		ns_draft_ask(
		    d, "margin: another runbook with another action is nearly as close (%.3f, floor %.3f)", p->margin, d->margin_floor);
	if (!ns_runbook_permits(d->rb, a))
		ns_draft_ask(d, "runbook: %s calls for %s, not %s", d->rb->id, ns_action_get(d->rb->action)->name, ns_action_get(a)->name);
	if (!ns_runbook_has_kind(d->rb, d->c->alert.kind))
		ns_draft_ask(d, "runbook: %s is not written for alerts of this kind", d->rb->id);
	if (!ns_runbook_has_cause(d->rb, d->r->cause_class))
		ns_draft_ask(
		    d, "runbook: %s does not list the cause %s", d->rb->id, d->r->cause_class[0] ? d->r->cause_class : "that was found");
}

static void doubt_target(ns_draft *d, ns_action a)
{
	const char *by = d->c->managed_by, *db = ns_database_of(d->c);
	if (by[0] && a != NS_ACT_POLICY_EXCEPTION)
		ns_draft_ask(d, "gitops: it is managed by %s, whose next sync or release undoes this change; make it there as well", by);
	if (db[0] && a != NS_ACT_POLICY_EXCEPTION) {
		ns_draft_ask(d, "database: it runs %s, a restart interrupts who is connected", db);
		ns_draft_raise(d, NS_RISK_HIGH);
	}
}

static void doubt_outcome(ns_draft *d, ns_action a)
{
	if (!d->plan->undo_valid)
		ns_draft_ask(d, "undo: no exact inverse of the change could be computed");
	if (d->plan->risk >= NS_RISK_HIGH)
		ns_draft_ask(d, "risk: %s", ns_risk_name(d->plan->risk));
}

static void (*const doubts[])(ns_draft *d, ns_action a) = {doubt_analysis, doubt_runbook, doubt_target, doubt_outcome};

/* ---- assembling -------------------------------------------------------------------------------------------------- */

static bool repeats(ns_draft *d)
{
	for (size_t i = 0; d->h && i < d->h->n; i++) {
		const ns_plan *was = d->h->executed[i];
		if (was->action == d->plan->action && was->command.body && !strcmp(was->command.body, d->plan->command.body))
			return true;
	}
	return false;
}

static bool build(ns_draft *d, ns_action a)
{
	const ns_action_row *row = ns_action_row_get(a);
	if (!row)
		return ns_draft_refuse(d, "action: it is not one that a machine may take");
	for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
		if (!guards[i](d, a))
			return false;
	ns_plan *p = d->plan;
	p->action = a;
	ns_draft_raise(d, row->risk);
	if (!row->build(d))
		return false;
	if (repeats(d))
		return ns_draft_refuse(d, "history: exactly this change was made for this incident already and did not help");
	p->verify = row->verify;
	if (!p->undo_valid)
		p->undo = (ns_command){.body = "", .equivalent = p->undo.equivalent};
	for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++)
		doubts[i](d, a);
	return true;
}

static void executable_steps(ns_draft *d)
{
	const ns_plan *p = d->plan;
	ns_draft_step(d, "Check on the server without changing anything (dry-run): %s", p->summary);
	ns_draft_step(d, "Send it, locked to this object and version: %s", p->command.equivalent);
	ns_draft_step(d, "Verify: %s", p->verify);
	if (p->undo_valid)
		ns_draft_step(d, "If it does not help, undo: %s", p->undo.equivalent);
	else if (p->undo.equivalent[0])
		ns_draft_step(d, "If it does not help, a person undoes it: %s", p->undo.equivalent);
}

/* Everything that building may have written is dropped: only words remain. */
static void make_manual(ns_draft *d, ns_action wanted)
{
	ns_plan *p = d->plan;
	const ns_command none = {.body = "", .equivalent = ""};
	p->action = NS_ACT_MANUAL_REVIEW;
	p->command = p->undo = none;
	p->undo_valid = false;
	p->mem_before = p->mem_after = p->replicas_before = p->replicas_after = p->revision_to = 0;
	p->expected_effect = "";
	d->n_reasons = d->n_steps = 0;
	ns_draft_ask(d, "%s", d->why);
	static const char word[] = "analysis: "; /* the cause speaks for itself */
	p->summary = ns_arena_printf(d->ar, "by hand: %s", d->why + (strncmp(d->why, word, sizeof word - 1) ? 0 : sizeof word - 1));
	p->verify = "the alert clears and stays clear";
	p->manual_command = ns_manual_command(d, wanted);
	if (d->r->next_steps[0])
		ns_draft_step(d, "%s", d->r->next_steps);
	if (p->manual_command[0])
		ns_draft_step(d, "By hand: %s", p->manual_command);
	ns_manual_more(d, wanted);
	if (d->rb)
		ns_draft_step(d, "Read the runbook %s: %s", d->rb->id, d->rb->title);
}

static void close_lists(ns_draft *d)
{
	const char **steps = ns_arena_alloc(d->ar, (d->n_steps + 1) * sizeof *steps);
	const char **reasons = ns_arena_alloc(d->ar, (d->n_reasons + 1) * sizeof *reasons);
	memcpy(steps, d->steps, d->n_steps * sizeof *steps);
	memcpy(reasons, d->reasons, d->n_reasons * sizeof *reasons);
	d->plan->steps = steps;
	d->plan->n_steps = d->n_steps;
	d->plan->approval_reasons = reasons;
	d->plan->n_approval_reasons = d->n_reasons;
	d->plan->requires_approval = d->n_reasons > 0;
}

static ns_plan *empty_plan(ns_arena *ar, const ns_case *c, const ns_rca *r)
{
	ns_plan *p = ns_arena_alloc(ar, sizeof *p);
	const ns_workload *t = &c->alert.target;
	p->risk = r->risk;
	p->target = (ns_workload){.cluster = ns_arena_strdup(ar, t->cluster),
	    .ns = ns_arena_strdup(ar, t->ns),
	    .kind = ns_arena_strdup(ar, t->kind),
	    .name = ns_arena_strdup(ar, t->name),
	    .uid = ns_arena_strdup(ar, t->uid)};
	p->generation = c->generation;
	p->runbook = p->runbook_hash = p->runbook_title = p->retrieved_by = p->judgement = p->summary = p->verify = p->manual_command = p->expected_effect = "";
	p->command = p->undo = (ns_command){.body = "", .equivalent = ""};
	return p;
}

/* A bad release that a tool deployed is a person's from the start; what he wants there is still to go back. */
static ns_action wanted_of(const ns_rca *r)
{
	return !strcmp(r->cause_class, "bad_release_gitops") ? NS_ACT_ROLLBACK : r->action;
}

ns_plan *ns_plan_make(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_library *lib, const ns_plan_limits *lim,
    const ns_plan_history *h, int64_t incident)
{
	ns_draft d = {.ar = ar, .c = c, .r = r, .lim = lim ? lim : &ns_plan_limits_default, .h = h, .incident = incident, .why = ""};
	d.plan = empty_plan(ar, c, r);
	retrieve(&d, lib);
	if (d.rb)
		ns_draft_raise(&d, d.rb->risk);
	if (r->action == NS_ACT_MANUAL_REVIEW)
		ns_draft_refuse(&d, "analysis: %s", r->root_cause[0] ? r->root_cause : "the cause is not known");
	if (d.why[0] || !build(&d, r->action))
		make_manual(&d, wanted_of(r));
	else
		executable_steps(&d);
	close_lists(&d);
	return d.plan;
}
