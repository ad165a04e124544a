/* Two analysts, one answer. The model's words are taken where they hold; its confidence is the least of what it says, what it has earned and what
 * the evidence bears; only where the offline analyst would let the machine act on its own, and the model agrees, may it act. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/llm/analyze.h"
#include "neuroscale/model/redact.h"
#include "offline_priv.h"

enum { MAX_WORDS = 2000 };

/* What a model wrote, as a person may see it. */
static const char *words_of(ns_arena *ar, const char *s)
{
	char *line = ns_redact_line(s, strlen(s), MAX_WORDS);
	const char *copy = ns_arena_strdup(ar, line);
	free(line);
	return copy;
}

static bool has_evidence(const ns_case *c, const char *id)
{
	for (size_t i = 0; i < c->n_evidence; i++)
		if (strcmp(c->evidence[i].id, id) == 0)
			return true;
	return false;
}

static bool claims_hold(const ns_case *c, const ns_reply *r)
{
	bool ok = r->n_claims > 0;
	for (size_t i = 0; i < r->n_claims; i++) {
		ok &= r->claims[i].n_evidence > 0;
		for (size_t k = 0; k < r->claims[i].n_evidence; k++)
			ok &= has_evidence(c, r->claims[i].evidence[k]);
	}
	return ok;
}

static ns_claim *copy_claims(ns_arena *ar, const ns_reply *r)
{
	ns_claim *list = ns_arena_alloc(ar, (r->n_claims + 1) * sizeof *list);
	for (size_t i = 0; i < r->n_claims; i++) {
		const char **ids = ns_arena_alloc(ar, (r->claims[i].n_evidence + 1) * sizeof *ids);
		for (size_t k = 0; k < r->claims[i].n_evidence; k++)
			ids[k] = words_of(ar, r->claims[i].evidence[k]);
		list[i] = (ns_claim){words_of(ar, r->claims[i].text), ids, r->claims[i].n_evidence};
	}
	return list;
}

/* The code's own rules took the action back from the offline analyst (a protected namespace, an operator's workload, thin evidence). */
static bool was_vetoed(const ns_rca *offline)
{
	for (size_t i = 0; i < CAUSE_COUNT && offline->action == NS_ACT_MANUAL_REVIEW; i++)
		if (strcmp(ns_causes[i].name, offline->cause_class) == 0)
			return ns_causes[i].action != NS_ACT_MANUAL_REVIEW;
	return false;
}

static void check_world(ns_arena *ar, const ns_world *w, const ns_reply *reply, ns_strangers *out)
{
	ns_world_check(ar, w, reply->root_cause, out);
	ns_world_check(ar, w, reply->reasoning, out);
	for (size_t i = 0; i < reply->n_claims; i++)
		ns_world_check(ar, w, reply->claims[i].text, out);
}

static void cap(ns_rca *r, double at, ns_buf *mark, const char *why)
{
	if (r->confidence <= at)
		return;
	r->confidence = at;
	ns_buf_printf(mark, "%sconfidence capped at %.2f: %s", mark->len ? "; " : "", at, why);
}

static void note(ns_buf *mark, const char *why)
{
	ns_buf_printf(mark, "%s%s", mark->len ? "; " : "", why);
}

ns_rca *ns_rca_join(ns_arena *ar, const ns_case *c, const ns_rca *offline, const ns_reply *reply, const char *model, const ns_world *world,
    const ns_reliability *watch, ns_strangers *strangers, const char **mark)
{
	ns_buf said = NS_BUF_INIT;
	ns_rca *r = ns_arena_alloc(ar, sizeof *r);
	*strangers = (ns_strangers){0};
	*r = *offline;
	r->provider = words_of(ar, model);
	if (!reply->valid) { /* the offline analyst's words, and a person's hands */
		note(&said, ns_arena_printf(ar, "the reply of %s breaks the contract (%s), so a person decides", r->provider, reply->reason));
		r->provider = "offline";
		r->action = NS_ACT_MANUAL_REVIEW;
		r->auto_remediate = false;
		*mark = ns_arena_take(ar, &said);
		return r;
	}
	const bool agree = reply->action == offline->action;
	r->root_cause = words_of(ar, reply->root_cause);
	r->reasoning = words_of(ar, reply->reasoning);
	r->confidence = reply->confidence;
	r->action = reply->action;
	r->risk = reply->risk;
	r->claims = copy_claims(ar, reply);
	r->n_claims = reply->n_claims;
	r->evidence_ok = claims_hold(c, reply);
	if (world)
		check_world(ar, world, reply, strangers);
	if (strangers->n) {
		r->evidence_ok = false;
		cap(r, NS_STRANGER_CAP, &said,
		    ns_arena_printf(ar, "the %s \"%s\" is not in the evidence", strangers->what[0], strangers->text[0]));
	}
	if (!r->evidence_ok)
		cap(r, NS_STRANGER_CAP, &said, "not every claim cites evidence");
	if (watch)
		cap(r, watch->cap, &said, watch->words);
	if (agree && offline->risk > r->risk)
		r->risk = offline->risk;
	if (!agree && r->action != NS_ACT_MANUAL_REVIEW) {
		cap(r, NS_DISSENT_CAP, &said, ns_arena_printf(ar, "the offline analyst says %s", ns_action_get(offline->action)->name));
		r->cause_class = "model";
		if (was_vetoed(offline)) {
			r->action = NS_ACT_MANUAL_REVIEW;
			note(&said, "the code's own rules leave this to a person");
		}
	}
	r->auto_remediate = agree && reply->may_auto && offline->auto_remediate && r->evidence_ok && r->confidence > NS_REPLY_AT_GATE;
	*mark = ns_arena_take(ar, &said);
	return r;
}
