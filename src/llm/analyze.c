/* The way of one analysis: memory, the model, the contract, the join; and from each of them straight to the offline analyst when it fails. */
#include "neuroscale/llm/analyze.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "neuroscale/base/text.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/llm/prompt.h"

enum { WAIT_MS = 4500, SUMMARY_WORDS = 90 };

struct ns_analysts {
	ns_analysts_opts o;
	llm_cache *cache;
};

static const char rca_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"root_cause\",\"confidence\",\"action_type\",\"risk_level\",\"auto_remediate\",\"reasoning\",\"claims\"],\"properties\":{"
    "\"root_cause\":{\"type\":\"string\"},\"confidence\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"
    "\"action_type\":{\"type\":\"string\",\"enum\":[\"rollback\",\"scale\",\"patch_resources\",\"policy_exception\",\"cost_scale_down\",\"manual_review\"]},"
    "\"risk_level\":{\"type\":\"string\",\"enum\":[\"low\",\"medium\",\"high\",\"critical\"]},\"auto_remediate\":{\"type\":\"boolean\"},"
    "\"reasoning\":{\"type\":\"string\"},\"claims\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"text\",\"evidence\"],\"properties\":{\"text\":{\"type\":\"string\"},\"evidence\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}}";
static const char summary_schema[] = "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"summary\"],\"properties\":{\"summary\":{\"type\":\"string\"}}}";

ns_analysts *ns_analysts_new(const ns_analysts_opts *o)
{
	ns_analysts *a = ns_xcalloc(1, sizeof *a);
	a->o = *o;
	a->cache = llm_cache_new(o->clock, o->window_ms);
	return a;
}

void ns_analysts_free(ns_analysts *a)
{
	if (!a)
		return;
	llm_cache_free(a->cache);
	free(a);
}

/* ---- asking ---- */

static bool ask(ns_analysts *a, const ns_prompt *p, int64_t incident, int64_t began_ms, const ns_cancel *cancel, ns_llm_answer *ans, ns_err *err)
{
	ns_llm_ask q = {.system = p->system, .user = p->user, .schema_name = "rca", .schema = rca_schema, .incident = incident, .began_ms = began_ms};
	return ns_llm_chat(a->o.llm, NS_LLM_ANALYZER, &q, cancel, ans, err);
}

static void add_usage(ns_analysis *x, const ns_llm_answer *ans)
{
	x->usage.prompt += ans->usage.prompt;
	x->usage.completion += ans->usage.completion;
	x->usage.cached += ans->usage.cached;
	x->usage.micro_usd += ans->usage.micro_usd;
	x->usage.estimated |= ans->usage.estimated;
	x->elapsed_ms += ans->elapsed_ms;
}

/* Asks, once more without the texts of strangers when a content filter took offence, and tells the memory. */
static void ask_model(ns_analysts *a, ns_arena *ar, const ns_case *c, const char *key, int64_t incident, const ns_cancel *cancel, ns_analysis *x,
    llm_memory *m)
{
	ns_llm_answer ans = {0};
	ns_err err = {0};
	const ns_prompt *p = ns_prompt_analyze(ar, c, false);
	const int64_t began = ns_real_mono_ms();
	bool ok = ask(a, p, incident, began, cancel, &ans, &err);
	add_usage(x, &ans);
	if (!ok && ans.trouble == NS_LLM_FILTERED) {
		ns_llm_answer_free(&ans);
		p = ns_prompt_analyze(ar, c, true);
		ok = ask(a, p, incident, began, cancel, &ans, &err);
		add_usage(x, &ans);
	}
	/* A NUL would hide what follows it: such a reply is kept as what the contract refuses for that very reason. */
	const char *text = !ok ? NULL : ans.text.len == strlen(ns_buf_str(&ans.text)) ? ns_buf_str(&ans.text) : "{\"\\u0000\":0}";
	*m = (llm_memory){.reply = text ? ns_arena_strdup(ar, text) : NULL, .model = ns_arena_strdup(ar, ans.model), .version = p->version,
	    .request_id = ns_arena_strdup(ar, ans.request_id), .trouble = ans.trouble, .words = ok ? "" : ns_arena_strdup(ar, err.text)};
	llm_cache_put(a->cache, key, m);
	ns_llm_answer_free(&ans);
}

/* ---- judging ---- */

static const ns_reliability *record_of(ns_analysts *a, ns_arena *ar, const char *model, ns_action action)
{
	const ns_outcome *list = NULL;
	size_t n = a->o.outcomes ? a->o.outcomes(a->o.ctx, ar, &list) : 0;
	return n ? ns_reliability_of(ar, list, n, model, action) : NULL;
}

static void judge(ns_analysts *a, ns_arena *ar, const ns_case *c, const ns_rca *offline, const llm_memory *m, ns_analysis *x)
{
	ns_reply reply;
	ns_reply_read(ar, m->reply, strlen(m->reply), &reply);
	const ns_reliability *watch = reply.valid ? record_of(a, ar, m->model, reply.action) : NULL;
	x->reply_reason = reply.reason;
	x->claimed = reply.valid ? reply.confidence : -1;
	x->rca = ns_rca_join(ar, c, offline, &reply, m->model, ns_world_new(ar, c), watch, &x->strangers, &x->mark);
	if (!reply.valid)
		x->by = NS_BY_OFFLINE;
}

ns_analysis *ns_llm_analyze(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel)
{
	ns_analysis *x = ns_arena_alloc(ar, sizeof *x);
	ns_rca *offline = ns_offline_analyze(ar, c);
	*x = (ns_analysis){.rca = offline, .by = NS_BY_OFFLINE, .mark = "", .reply_reason = "", .model = "", .prompt_version = "", .request_id = "", .claimed = -1};
	if (!a->o.llm)
		return x;
	llm_memory m = {0};
	const char *key = ns_arena_printf(ar, "%s %s", c->hash, ns_prompt_version(ar, "analyzer"));
	bool known = *c->hash && llm_cache_get(a->cache, ar, key, WAIT_MS, &m);
	x->asked = !known;
	if (!known)
		ask_model(a, ar, c, key, incident, cancel, x, &m);
	x->trouble = m.trouble;
	x->model = m.model;
	x->prompt_version = m.version;
	x->request_id = m.request_id;
	if (!m.reply) {
		x->mark = ns_arena_printf(ar, "offline analyst: %s", *m.words ? m.words : ns_llm_trouble_words(m.trouble));
		return x;
	}
	x->by = known ? NS_BY_MEMORY : NS_BY_MODEL;
	judge(a, ar, c, offline, &m, x);
	return x;
}

/* ---- the card ---- */

static bool says_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (ns_icontains(text, *words))
			return true;
	return false;
}

/* A person decides by these words: they must be about what is proposed, and what to decide is not theirs to say. */
static const char *misleads(const char *text, ns_action proposed)
{
	static const char *const advice[] = {"approve", "say yes", "safe to", "no risk", "without risk", "risk-free", "risk free", "harmless", NULL};
	static const char *const own[NS_ACT_COUNT][6] = {
	    [NS_ACT_ROLLBACK] = {"back", "revert", "undo", "revision"}, [NS_ACT_SCALE] = {"scal", "replica"}, [NS_ACT_PATCH_RESOURCES] = {"memory", "limit", "request", "resource"},
	    [NS_ACT_POLICY_EXCEPTION] = {"exception", "exempt"}, [NS_ACT_COST_SCALE_DOWN] = {"scal", "replica"}};
	if (says_one_of(text, advice))
		return "the summary says what to decide";
	return !*own[proposed] || says_one_of(text, own[proposed]) ? NULL : "the summary does not say what is proposed";
}

/* The one member of the reply, when it is what was asked for; else NULL and why. */
static const char *summary_of(ns_arena *ar, const ns_world *w, ns_action proposed, const ns_llm_answer *ans, const char **why)
{
	cJSON *j = ns_json_parse(ns_buf_str(&ans->text), ans->text.len, &ns_json_strict, NULL);
	const char *s = ns_json_str(j, "summary", "");
	char *line = ns_redact_line(s, strlen(s), NS_PROMPT_ITEM);
	const char *copy = ns_arena_strdup(ar, line);
	ns_strangers strangers = {0};
	ns_world_check(ar, w, copy, &strangers);
	free(line);
	cJSON_Delete(j);
	*why = "";
	if (!*copy)
		*why = "the reply holds no summary";
	else if (ns_word_count(copy) > SUMMARY_WORDS)
		*why = "the summary is too long";
	else if (strangers.n)
		*why = ns_arena_printf(ar, "the summary names the %s \"%s\", which is not in the evidence", strangers.what[0], strangers.text[0]);
	else if (!(*why = misleads(copy, proposed)))
		*why = "";
	return **why ? NULL : copy;
}

ns_summary *ns_llm_summary(ns_analysts *a, ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p, int64_t incident, const ns_cancel *cancel)
{
	const char *own = ns_offline_summary(ar, c, r, p);
	ns_summary *x = ns_arena_alloc(ar, sizeof *x);
	*x = (ns_summary){.text = own, .asked = a->o.llm != NULL, .model = "", .prompt_version = "", .request_id = "", .why = ""};
	if (!x->asked)
		return x;
	const ns_prompt *q = ns_prompt_summary(ar, c, r, p);
	ns_llm_ask question = {.system = q->system, .user = q->user, .schema_name = "card", .schema = summary_schema, .incident = incident};
	ns_llm_answer ans = {0};
	ns_err err = {0};
	/* The world of the card is the case and what our own code says of the plan. */
	ns_case *with = ns_arena_alloc(ar, sizeof *with);
	*with = *c;
	with->alert.message = ns_arena_printf(ar, "%s %s %s %s", c->alert.message, own, p->summary, r->root_cause);
	const char *words = NULL;
	if (ns_llm_chat(a->o.llm, NS_LLM_ESCALATION, &question, cancel, &ans, &err))
		words = summary_of(ar, ns_world_new(ar, with), p->action, &ans, &x->why);
	else
		x->why = ns_arena_strdup(ar, err.text);
	x->by_model = words != NULL;
	x->text = words ? words : own;
	x->model = ns_arena_strdup(ar, ans.model);
	x->prompt_version = q->version;
	x->request_id = ns_arena_strdup(ar, ans.request_id);
	x->trouble = ans.trouble;
	x->usage = ans.usage;
	x->elapsed_ms = ans.elapsed_ms;
	ns_llm_answer_free(&ans);
	return x;
}
