/* A chat: streamed, so that a model that does not begin to answer is known soon, and read by its bytes, not by its content type. */
#include <string.h>

#include "provider_priv.h"
#include "stream.h"

enum { MAX_EVENT = 1 << 20 };

typedef struct chat {
	const ns_llm_ask *ask;
	int64_t tokens;
	llm_collect c;
	llm_stream s;
	ns_buf body;     /* while it is no stream */
	bool known, stream;
	size_t max;
} chat;

static char *body(void *ctx, const ns_llm *l, const llm_model *m)
{
	const chat *h = ctx;
	return llm_chat_body(&l->o, m->name, m->form, m->thinking, h->ask);
}

static void forget(chat *h)
{
	llm_collect_free(&h->c);
	llm_stream_free(&h->s);
	ns_buf_free(&h->body);
}

static void restart(void *ctx, const llm_model *m)
{
	chat *h = ctx;
	forget(h);
	h->c = (llm_collect){.max = h->max};
	h->s = (llm_stream){.event = llm_collect_event, .ctx = &h->c, .max_event = MAX_EVENT};
	h->known = h->stream = false;
}

/* What begins like JSON or a page is no event stream, whatever it is called. */
static void look(chat *h, const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && strchr(" \t\r\n", p[i]) && p[i])
		i++;
	if (h->known || i == n)
		return;
	h->known = true;
	h->stream = !strchr("{[<\"", p[i]) || !p[i];
}

static bool on_bytes(void *ctx, bool event_stream, const char *p, size_t n, bool *progress)
{
	chat *h = ctx;
	bool on = true, big = false;
	look(h, p, n);
	if (h->stream || (!h->known && event_stream)) {
		on = llm_stream_feed(&h->s, p, n, &big);
		h->c.broken |= big;
	} else {
		ns_buf_put(&h->body, p, n);
		h->c.progress = true;
	}
	*progress = h->c.progress;
	h->c.progress = false;
	return on;
}

/* Why it is no answer, NULL when it is one. */
static const char *judge(const llm_collect *c, ns_llm_trouble *trouble)
{
	*trouble = NS_LLM_WRONG;
	if (c->broken)
		return "what came is not what a model service says";
	if (!*c->finish) {
		*trouble = NS_LLM_DOWN;
		return "the answer broke off";
	}
	if (strcmp(c->finish, "content_filter") == 0) {
		*trouble = NS_LLM_FILTERED;
		return "the content filter stopped the answer";
	}
	if (strcmp(c->finish, "stop") != 0)
		return strcmp(c->finish, "length") == 0 ? "the answer was cut by its token limit" : "the model wants to call a tool";
	if (!c->content.len)
		return "the answer is empty";
	*trouble = NS_LLM_FINE;
	return NULL;
}

static void finish(void *ctx, ns_llm_answer *a, ns_llm_usage *u, llm_outcome *o)
{
	chat *h = ctx;
	llm_collect *c = &h->c;
	if (h->stream)
		llm_stream_end(&h->s);
	else
		llm_collect_body(c, ns_buf_str(&h->body), h->body.len);
	*u = (ns_llm_usage){.prompt = c->has_usage ? c->prompt : h->tokens, .cached = c->cached,
	    .completion = c->has_usage ? c->completion : llm_tokens(ns_buf_str(&c->content)), .estimated = !c->has_usage};
	ns_copy(a->request_id, sizeof a->request_id, c->request_id);
	o->failed = c->failed;
	o->failure = c->failure;
	o->words = judge(c, &o->trouble);
	ns_buf_clear(&a->text);
	if (!o->words && !o->failed)
		ns_buf_put(&a->text, c->content.data, c->content.len);
}

bool ns_llm_chat(ns_llm *l, ns_llm_role role, const ns_llm_ask *ask, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err)
{
	const int64_t now = ask->began_ms ? ask->began_ms : ns_real_mono_ms();
	chat h = {.ask = ask, .tokens = llm_tokens(ask->system) + llm_tokens(ask->user), .max = l->o.max_reply};
	llm_call c = {.role = role, .path = "/chat/completions", .stream = true, .begin_by = now + l->o.begin_ms, .end_by = now + l->o.total_ms,
	    .incident = ask->incident, .tokens = h.tokens, .body = body, .restart = restart, .on_bytes = on_bytes, .finish = finish, .ctx = &h};
	bool ok = llm_run(l, &c, cancel, a, err);
	forget(&h);
	return ok;
}

bool ns_llm_ping(ns_llm *l, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err)
{
	const ns_llm_ask ask = {.system = "Answer with the one word: ready", .user = "Are you there?"};
	return ns_llm_chat(l, NS_LLM_ESCALATION, &ask, cancel, a, err);
}
