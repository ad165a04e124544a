/* The card's summary in a model's words. The offline one stands on the card from the first moment; this one takes its place when it comes. */
#include <string.h>
#include "engine_priv.h"

/* Only while somebody may still read it, and only for the plan it is about. */
static bool still_wanted(const ns_step *s, int64_t plan_seq)
{
	return (s->inc.state == NS_ST_PLANNING || s->inc.state == NS_ST_AWAITING_APPROVAL) &&
	    ns_store_fact_seq(s->e->store, s->inc.id, "plan") == plan_seq;
}

bool ns_step_summary(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err)
{
	ns_engine *e = w->e;
	ns_dossier d;
	int64_t plan_seq = ns_store_fact_seq(e->store, job->incident, "plan");
	if (!ns_model_ready(e))
		return true;
	if (!ns_dossier_read(e, ar, job->incident, NS_D_CASE | NS_D_RCA | NS_D_PLAN | NS_D_CARD, &d, err))
		return false;
	if (!d.cs || !d.rca || !d.plan || !d.card)
		return true;
	const char *words = ns_llm_summary(e->model.analysts, ar, d.cs, d.rca, d.plan, job->incident, w->cancel);
	ns_card card = *d.card;
	ns_step s;
	if (!ns_step_begin_job(&s, w, ar, job))
		return ns_step_failed(&s, err);
	bool better = strcmp(words, card.summary) != 0 && still_wanted(&s, plan_seq);
	card.summary = words;
	return ((!better || ns_step_fact(&s, "summary", ns_card_to_json(&card))) && ns_model_spent(&s) && ns_step_commit(&s)) || ns_step_failed(&s, err);
}
