/* The thinking steps: analyze (collect evidence, find the cause), plan, and the same again on fresh evidence. They change nothing outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/store/learned.h"

enum { MAX_JUDGED = 64 }; /* verdicts that are recalled for a workload, newest first */
enum { MAX_PLANS = 8 }; /* per incident: an object that changes each time it is looked at must not keep us busy for ever */

/* Case and cause for the incident's alert, read from the cluster now. NULL with err when the cluster cannot be read. */
static ns_case *collect(ns_worker *w, ns_arena *ar, const ns_alert *a, int64_t incident, ns_analysis **found, char **identity, ns_err *err)
{
	ns_cluster *cl = w->cluster;
	ns_collect_opts o = {.nonprod_labels = cl->o.nonprod_labels, .exception_ns = cl->o.exception_ns, .clock = w->e->o.clock,
	    .cost_now = a->cost_now, .cost_before = a->cost_before, .efficiency = -1};
	ns_cost_report *report = ns_detector_cost(cl->detector, ar, NULL, 0);
	for (size_t i = 0; report && i < report->n_rows; i++) {
		const ns_cost_row *r = &report->rows[i];
		if (strcmp(r->ns, a->target.ns) == 0 && strcmp(r->controller, a->target.name) == 0) {
			o.cost_now = r->per_day;
			o.cost_before = r->per_day_before;
			o.efficiency = r->efficiency;
		}
	}
	*identity = ns_kube_identity(w->client, cl->o.cfg, err);
	if (!*identity)
		return NULL;
	ns_case *c = ns_case_collect(ar, w->client, a, &o, err);
	if (!c) {
		free(*identity);
		return NULL;
	}
	*found = ns_model_analyze(w, ar, c, incident, err);
	if (!*found)
		free(*identity);
	return *found ? c : NULL;
}

static bool put_findings(ns_step *s, const ns_case *c, const ns_analysis *x, const char *identity)
{
	cJSON *cluster = cJSON_CreateObject();
	ns_json_put_str(cluster, "identity", identity);
	return ns_step_fact(s, "cluster", cluster) && ns_step_fact(s, "case", ns_case_to_json(c)) && ns_step_fact(s, "rca", ns_rca_to_json(x->rca)) &&
	    ns_model_record(s, x);
}

/* detected -> analyzing, so that everybody sees that somebody is on it. */
static bool enter_analysis(ns_worker *w, ns_arena *ar, int64_t incident, ns_err *err)
{
	ns_step s;
	if (!ns_step_begin(&s, w->e, ar, incident))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_DETECTED) {
		ns_step_abandon(&s);
		return true;
	}
	if (ns_step_move(&s, NS_ST_ANALYZING, NS_VERDICT_NONE, "analyzer", "") && ns_step_commit(&s))
		return true;
	return ns_step_failed(&s, err);
}

bool ns_step_analyze(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_engine *e = w->e;
	ns_dossier d;
	if (!enter_analysis(w, ar, job->incident, err) || !ns_dossier_read(e, ar, job->incident, NS_D_ALL, &d, err))
		return false;
	if (!d.alert)
		return ns_fail(err, NS_E_INVALID, "incident %lld has no alert", (long long)job->incident);
	NS_POINT("analyzing", job->incident);
	char *identity = NULL;
	ns_analysis *found = NULL;
	ns_case *c = collect(w, ar, d.alert, job->incident, &found, &identity, err);
	if (!c)
		return false;
	ns_step s;
	bool ok = ns_step_begin_job(&s, w, ar, job);
	if (ok && s.inc.state != NS_ST_ANALYZING) { /* recovered meanwhile */
		ns_step_abandon(&s);
		free(identity);
		return true;
	}
	ok = ok && put_findings(&s, c, found, identity) && ns_step_move(&s, NS_ST_PLANNING, NS_VERDICT_NONE, "analyzer", ns_model_note(ar, found)) &&
	    ns_step_job(&s, "plan", 0) && ns_step_commit(&s);
	free(identity);
	return ok || ns_step_failed(&s, err);
}

/* Law 7: a rejected plan is not proposed again unless its evidence changed. Recorded per identity, it outlives the incident. */
static bool rejected_before(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_case *c)
{
	const char *hash = "", *key = ns_arena_printf(ar, "rejected:%s", inc->identity); /* as decide.c writes it */
	return ns_store_meta_get(e->store, ar, key, &hash, NULL) && strcmp(hash, c->hash) == 0;
}

/* A model words the card. One that is still at it for the plan before sees the new one itself. */
static bool word_card(ns_step *s)
{
	if (!ns_model_ready(s->e) || ns_step_job(s, "summary", 0))
		return true;
	if (s->err.code != NS_E_CONFLICT)
		return false;
	s->err = (ns_err){0};
	return true;
}

/* The last part of both planning steps: the plan goes to its dry-run, or to a person. use: what finding its runbook took. */
static bool settle(ns_step *s, const ns_case *c, const ns_rca *r, const ns_plan *p, size_t plans_before, const ns_model_use *use)
{
	ns_card *card = ns_card_make(s->ar, c, r, p);
	if (!ns_step_fact(s, "plan", ns_plan_to_json(p)) || !ns_step_fact(s, "summary", ns_card_to_json(card)) || !ns_model_spent(s, use))
		return false;
	bool again = rejected_before(s->e, s->ar, &s->inc, c), restless = plans_before >= MAX_PLANS;
	if (!again && !restless && p->action != NS_ACT_MANUAL_REVIEW)
		return ns_step_job(s, "dryrun", 0) && word_card(s) && ns_step_commit(s);
	if (!word_card(s))
		return false;
	const char *why = again ? "the same plan on the same evidence was rejected before"
	    : restless          ? "the object keeps changing under the plan: a person must look"
	                        : p->summary;
	return ns_undo_or_hand_over(s, "planner", why) && ns_step_commit(s);
}

/* What became of runbooks on this workload before. What cannot be read is no reason to plan nothing: it only ever reorders or lowers. */
static void recall(ns_engine *e, ns_arena *ar, const ns_workload *w, ns_plan_history *h)
{
	ns_judged *rows;
	h->now_ms = ns_clock_wall_ms(e->o.clock);
	if (ns_store_judged(e->store, ar, w, MAX_JUDGED, &rows, &h->n_judged, NULL))
		h->judged = rows;
}

bool ns_step_plan(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_dossier d;
	if (!ns_dossier_read(w->e, ar, job->incident, NS_D_ALL, &d, err))
		return false;
	if (!d.cs || !d.rca)
		return ns_fail(err, NS_E_INVALID, "incident %lld has no analysis", (long long)job->incident);
	recall(w->e, ar, &d.cs->alert.target, &d.history);
	ns_model_use use;
	d.history.found = ns_index_find(w, ar, d.cs, d.rca, job->incident, &use);
	ns_plan *p = ns_plan_make(ar, d.cs, d.rca, w->e->library, &w->cluster->o.limits, &d.history, job->incident);
	ns_undo_doubt(w->e, ar, p);
	NS_POINT("planning", job->incident);
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	if (s.inc.state != NS_ST_PLANNING) {
		ns_step_abandon(&s);
		return true;
	}
	return settle(&s, d.cs, d.rca, p, d.n_plans, &use) || ns_step_failed(&s, err);
}

/* An UNKNOWN change whose object stands as it stood before was never made: it is no part of what was tried. */
static void forget_unmade(ns_arena *ar, ns_dossier *d, const ns_case *c)
{
	const ns_plan **made = ns_arena_alloc(ar, (d->history.n + 1) * sizeof *made);
	size_t n = 0;
	for (size_t i = 0; i < d->history.n; i++) {
		const ns_plan *p = d->history.executed[i];
		bool unmade = d->history_unknown[i] && p->action != NS_ACT_POLICY_EXCEPTION && c->found && c->generation == p->generation &&
		    strcmp(c->alert.target.uid, p->target.uid) == 0;
		if (!unmade)
			made[n++] = p;
	}
	d->history = (ns_plan_history){.executed = made, .n = n};
}

bool ns_step_replan(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_dossier d;
	if (!ns_dossier_read(w->e, ar, job->incident, NS_D_ALL, &d, err))
		return false;
	if (!d.alert)
		return ns_fail(err, NS_E_INVALID, "incident %lld has no alert", (long long)job->incident);
	char *identity = NULL;
	ns_analysis *found = NULL;
	ns_case *c = collect(w, ar, d.alert, job->incident, &found, &identity, err);
	if (!c)
		return false;
	const ns_rca *rca = found->rca;
	forget_unmade(ar, &d, c);
	recall(w->e, ar, &c->alert.target, &d.history);
	ns_model_use use;
	d.history.found = ns_index_find(w, ar, c, rca, job->incident, &use);
	ns_plan *p = ns_plan_make(ar, c, rca, w->e->library, &w->cluster->o.limits, &d.history, job->incident);
	ns_undo_doubt(w->e, ar, p);
	ns_step s;
	bool ok = ns_step_begin_job(&s, w, ar, job);
	if (ok && s.inc.state != NS_ST_PLANNING) {
		ns_step_abandon(&s);
		free(identity);
		return true;
	}
	ok = ok && put_findings(&s, c, found, identity) && settle(&s, c, rca, p, d.n_plans, &use);
	free(identity);
	return ok || ns_step_failed(&s, err);
}
