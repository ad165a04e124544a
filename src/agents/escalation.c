/* Escalation: the card that every surface shows. Words only; who may decide and how long we wait is the engine's. */
#include "neuroscale/agents/escalation.h"

#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/llm/analyst.h"

/* What a person is asked: the plan's reasons, the first two of them; a queue of ten reasons is read by nobody. */
static const char *ask_for(ns_arena *ar, const ns_rca *r, const ns_plan *p)
{
	if (!ns_action_get(p->action)->executable)
		return ns_arena_printf(ar, "Nothing to approve: %s", *r->next_steps ? r->next_steps : "a person has to look");
	if (!p->requires_approval && !p->n_approval_reasons)
		return "No approval is needed by the plan.";
	if (!p->n_approval_reasons)
		return "The plan asks for an approval.";
	if (p->n_approval_reasons == 1)
		return p->approval_reasons[0];
	return ns_arena_printf(ar, "%s; %s%s", p->approval_reasons[0], p->approval_reasons[1],
	    p->n_approval_reasons > 2 ? ns_arena_printf(ar, " (and %zu more)", p->n_approval_reasons - 2) : "");
}

static const char *headline_for(ns_arena *ar, const ns_case *c, const ns_plan *p)
{
	const char *text =
	    *p->summary ? p->summary
	                : ns_arena_printf(ar, "%s: %s/%s", ns_action_get(p->action)->words, c->alert.target.ns, c->alert.target.name);
	return ns_text_clean_in(ar, text, 160);
}

ns_card *ns_card_make(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p)
{
	ns_card *k = ns_arena_alloc(ar, sizeof *k);
	k->summary = ns_offline_summary(ar, c, r, p);
	k->headline = headline_for(ar, c, p);
	k->ask = ask_for(ar, r, p);
	return k;
}

static const struct {
	const char *key;
	size_t at;
} fields[] = {
    {"summary", offsetof(ns_card, summary)},
    {"headline", offsetof(ns_card, headline)},
    {"ask", offsetof(ns_card, ask)},
};

cJSON *ns_card_to_json(const ns_card *k)
{
	cJSON *j = cJSON_CreateObject();
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		ns_json_put_str(j, fields[i].key, *(const char *const *)((const char *)k + fields[i].at));
	return j;
}

ns_card *ns_card_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	ns_card *k = ns_arena_alloc(ar, sizeof *k);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const cJSON *v = ns_json_get(j, fields[i].key);
		if (!cJSON_IsString(v)) {
			ns_fail(err, NS_E_INVALID, "card: %s is not a text", fields[i].key);
			return NULL;
		}
		*(const char **)((char *)k + fields[i].at) = ns_arena_strdup(ar, v->valuestring);
	}
	return k;
}
