/* The card's summary in a model's words. The offline one stands on the card from the first moment; this one takes its place when it comes. */
#include "engine_priv.h"

enum { MOST_TRIES = 3 }; /* an object that keeps changing must not keep a worker */

/* Only while somebody may still read it, and only for the plan it is about. */
static bool still_wanted(const ns_step *s, int64_t plan_seq)
{
	return (s->inc.state == NS_ST_PLANNING || s->inc.state == NS_ST_AWAITING_APPROVAL || s->inc.state == NS_ST_MANUAL_REVIEW) &&
	    ns_store_fact_seq(s->e->store, s->inc.id, "plan") == plan_seq;
}

/* One question about one plan. *moved: the incident was planned anew meanwhile, and this is about nothing any more. */
static bool word_it(ns_worker *w, ns_arena *ar, const ns_job *job, bool *moved, ns_err *err)
{
	ns_engine *e = w->e;
	ns_dossier d;
	int64_t plan_seq = ns_store_fact_seq(e->store, job->incident, "plan");
	*moved = false;
	if (!ns_dossier_read(e, ar, job->incident, NS_D_CASE | NS_D_RCA | NS_D_PLAN | NS_D_CARD, &d, err))
		return false;
	if (!d.cs || !d.rca || !d.plan || !d.card)
		return true;
	const ns_summary *x = ns_llm_summary(e->model.analysts, ar, d.cs, d.rca, d.plan, job->incident, w->cancel);
	const ns_model_use use = {.asked = x->asked, .role = NS_LLM_ESCALATION, .model = x->model, .prompt = x->prompt_version, .request = x->request_id, .why = x->why,
	    .usage = x->usage, .elapsed_ms = x->elapsed_ms};
	ns_card card = *d.card;
	ns_step s;
	if (x->trouble == NS_LLM_CANCELLED)
		return ns_fail(err, NS_E_CANCELLED, "the card was not worded");
	if (!ns_step_begin(&s, e, ar, job->incident))
		return ns_step_failed(&s, err);
	*moved = ns_store_fact_seq(e->store, job->incident, "plan") != plan_seq;
	card.summary = x->text;
	return ((!x->by_model || !still_wanted(&s, plan_seq) || ns_step_fact(&s, "summary", ns_card_to_json(&card))) && ns_model_spent(&s, &use) &&
	           ns_step_commit(&s)) ||
	    ns_step_failed(&s, err);
}

bool ns_step_summary(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	bool moved = true, ok = true;
	for (int tries = 0; ok && moved && tries < MOST_TRIES && ns_model_ready(w->e); tries++)
		ok = word_it(w, ar, job, &moved, err);
	return ok;
}
