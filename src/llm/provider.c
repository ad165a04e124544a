/* Which model is asked, how often, and when it is enough. */
#include "neuroscale/llm/provider.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "neuroscale/base/text.h"
#include "neuroscale/sys/digest.h"
#include "provider_priv.h"

enum { MAX_ATTEMPTS = 12, COOL_MS = 20000, DOWN_IN_A_ROW = 3, DOWN_HOLD_MS = 30000 };

const ns_llm_opts ns_llm_defaults = {.base_url = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", .ca_file = "", .connect_ms = 2000,
    .begin_ms = 3000, .gap_ms = 2000, .total_ms = 30000, .index_ms = 20000, .retry_ms = 400, .hold_ms = 300000, .max_tokens = 1200,
    .max_reply = 2 << 20, .dimensions = 1024};

static const struct { const char *words; ns_code code; } troubles[] = {
    [NS_LLM_FINE] = {"the model answers", NS_OK},
    [NS_LLM_DOWN] = {"the model service is down", NS_E_UNREACHABLE},
    [NS_LLM_SLOW] = {"the model is slow", NS_E_TIMEOUT},
    [NS_LLM_THROTTLED] = {"the model service throttles us", NS_E_BUSY},
    [NS_LLM_MONEY] = {"the account of the model service is out of money", NS_E_DENIED},
    [NS_LLM_KEY] = {"the key of the model service is refused", NS_E_DENIED},
    [NS_LLM_MODEL] = {"none of the configured models is there", NS_E_NOTFOUND},
    [NS_LLM_FILTERED] = {"the content filter of the model service refused", NS_E_DENIED},
    [NS_LLM_WRONG] = {"the model's answer is none", NS_E_INVALID},
    [NS_LLM_BUDGET] = {"the budget is used up", NS_E_BUSY},
    [NS_LLM_CANCELLED] = {"cancelled", NS_E_CANCELLED},
};

const char *ns_llm_trouble_words(ns_llm_trouble t)
{
	return troubles[(unsigned)t <= NS_LLM_CANCELLED ? t : NS_LLM_DOWN].words;
}

/* ---- making one ---- */

static bool is_loopback(const char *host)
{
	char name[64];
	struct in_addr v4;
	if (strncmp(host, "[::1]", 5) == 0)
		return true;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":/"), host);
	/* "127.0.0.1.example.com" is somebody else's */
	return strcasecmp(name, "localhost") == 0 || (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static bool check_url(const ns_llm_opts *o, ns_err *err)
{
	bool https = strncmp(o->base_url, "https://", 8) == 0, http = strncmp(o->base_url, "http://", 7) == 0;
	const char *host = o->base_url + (https ? 8 : 7);
	size_t n = https || http ? strcspn(host, "/") : 0;
	if (!n || strpbrk(o->base_url, " \t\r\n?#") || memchr(host, '@', n))
		return ns_fail(err, NS_E_INVALID, "\"%.200s\" is no base URL: want https://HOST/PATH without user, query or blanks", o->base_url);
	if (http && o->key && !is_loopback(host))
		return ns_fail(err, NS_E_DENIED, "the key would travel unencrypted to %.*s: use https", (int)n, host);
	return true;
}

ns_llm *ns_llm_new(const ns_llm_opts *o, ns_err *err)
{
	if (!check_url(o, err))
		return NULL;
	ns_llm *l = ns_xcalloc(1, sizeof *l);
	l->o = *o;
	l->base_url = ns_xstrdup(o->base_url);
	l->ca_file = ns_xstrdup(o->ca_file);
	for (size_t n = strlen(l->base_url); n && l->base_url[n - 1] == '/';)
		l->base_url[--n] = '\0';
	pthread_mutex_init(&l->mu, NULL);
	for (size_t r = 0; r < NS_LLM_ROLES; r++) {
		const char *const *names = o->models[r] && o->models[r][0] ? o->models[r] : ns_llm_default_models((ns_llm_role)r);
		for (llm_role_state *s = &l->roles[r]; *names && s->n < LLM_MODELS; names++) {
			llm_model *m = &s->models[s->n++];
			ns_copy(m->name, sizeof m->name, *names);
			m->form = llm_model_form(m->name);
			m->thinking = llm_model_takes_thinking(m->name, l->base_url);
		}
	}
	return l;
}

void ns_llm_free(ns_llm *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->mu);
	free(l->base_url);
	free(l->ca_file);
	free(l);
}

void ns_llm_answer_free(ns_llm_answer *a)
{
	ns_buf_free(&a->text);
}

void ns_llm_look(ns_llm *l, ns_llm_view *out)
{
	*out = (ns_llm_view){0};
	pthread_mutex_lock(&l->mu);
	for (size_t r = 0; r < NS_LLM_ROLES; r++)
		for (size_t i = 0; i < l->roles[r].n && !*out->model[r]; i++)
			if (!l->roles[r].models[i].gone)
				ns_copy(out->model[r], sizeof out->model[r], l->roles[r].models[i].name);
	int64_t left = l->held_until - ns_real_mono_ms();
	out->held_ms = left > 0 ? left : 0;
	out->trouble = l->trouble;
	ns_copy(out->words, sizeof out->words, l->words);
	out->calls = l->calls;
	out->failures = l->failures;
	pthread_mutex_unlock(&l->mu);
}

/* ---- what calls learn and share ---- */

static size_t pick(ns_llm *l, ns_llm_role role, llm_model *out, bool *cooling)
{
	size_t found = LLM_MODELS;
	int64_t now = ns_real_mono_ms();
	*cooling = false;
	pthread_mutex_lock(&l->mu);
	for (size_t i = 0; i < l->roles[role].n && found == LLM_MODELS; i++) {
		const llm_model *m = &l->roles[role].models[i];
		*cooling |= !m->gone && m->cool_until > now;
		if (!m->gone && m->cool_until <= now) {
			*out = *m;
			found = i;
		}
	}
	pthread_mutex_unlock(&l->mu);
	return found;
}

/* True when this call is the first to find it gone. */
static bool mark_gone(ns_llm *l, ns_llm_role role, size_t i, char *next, size_t cap)
{
	llm_role_state *s = &l->roles[role];
	*next = '\0';
	pthread_mutex_lock(&l->mu);
	bool first = !s->models[i].gone;
	s->models[i].gone = true;
	for (size_t k = 0; k < s->n && !*next; k++)
		if (!s->models[k].gone)
			ns_copy(next, cap, s->models[k].name);
	pthread_mutex_unlock(&l->mu);
	return first;
}

static void model_gone(ns_llm *l, ns_llm_role role, size_t i, const llm_model *m, const char *why)
{
	char next[96];
	if (!mark_gone(l, role, i, next, sizeof next))
		return;
	char *words = *next ? ns_xasprintf("model %s is not there (%s); %s is used instead", m->name, why, next)
	                    : ns_xasprintf("model %s is not there (%s); the offline analyst does the work of the %s", m->name, why, ns_llm_role_name(role));
	pthread_mutex_lock(&l->mu);
	void (*tell)(void *ctx, const char *words) = l->o.tell;
	void *ctx = l->o.tell_ctx;
	pthread_mutex_unlock(&l->mu);
	if (tell)
		tell(ctx, words);
	free(words);
}

void ns_llm_listen(ns_llm *l, void (*tell)(void *ctx, const char *words), void *ctx)
{
	pthread_mutex_lock(&l->mu);
	l->o.tell = tell;
	l->o.tell_ctx = ctx;
	pthread_mutex_unlock(&l->mu);
}

static void learn(ns_llm *l, ns_llm_role role, size_t i, const llm_failure *f, int64_t cool_until)
{
	pthread_mutex_lock(&l->mu);
	llm_model *m = &l->roles[role].models[i];
	if (f->verdict == LLM_NEXT_FORM && m->form < LLM_PLAIN)
		m->form++;
	if (f->verdict == LLM_NO_THINKING)
		m->thinking = false;
	if (cool_until)
		m->cool_until = cool_until;
	pthread_mutex_unlock(&l->mu);
}

/* The end of a call: what the screen shows, and whether the next need not even try. */
static void remember(ns_llm *l, ns_llm_trouble t, const char *words)
{
	bool told = t == NS_LLM_KEY || t == NS_LLM_MONEY, away = t == NS_LLM_DOWN || t == NS_LLM_SLOW;
	pthread_mutex_lock(&l->mu);
	l->calls++;
	l->failures += t != NS_LLM_FINE;
	l->trouble = t;
	ns_copy(l->words, sizeof l->words, words);
	l->in_a_row = away ? l->in_a_row + 1 : 0;
	if (told || l->in_a_row >= DOWN_IN_A_ROW) {
		l->held_for = t;
		l->held_until = ns_real_mono_ms() + (told || l->o.hold_ms < DOWN_HOLD_MS ? l->o.hold_ms : DOWN_HOLD_MS);
		l->in_a_row = 0;
	}
	pthread_mutex_unlock(&l->mu);
}

static bool is_held(ns_llm *l, ns_llm_answer *a, ns_err *err)
{
	pthread_mutex_lock(&l->mu);
	int64_t left = l->held_until - ns_real_mono_ms();
	ns_llm_trouble t = l->held_for;
	pthread_mutex_unlock(&l->mu);
	if (left <= 0)
		return false;
	a->trouble = t;
	ns_fail(err, troubles[t].code, "%s; asked again in %" PRId64 " s", troubles[t].words, (left + 999) / 1000);
	return true;
}

/* ---- one attempt ---- */

typedef struct attempt {
	ns_llm_trouble trouble; /* NS_LLM_FINE: it answered */
	llm_failure failure;
	int64_t retry_after_ms;
	bool again; /* failure.verdict says how to go on */
	bool sent;  /* it left: the service may count it */
} attempt;

static bool reserve(ns_llm *l, const llm_call *c, const llm_model *m, int64_t *ticket, ns_err *err)
{
	if (!l->o.budget)
		return true;
	int64_t answer = c->stream ? l->o.max_tokens : 0;
	ns_spend e = {1, c->tokens + answer, l->o.prices ? ns_prices_cost(l->o.prices, m->name, c->tokens, 0, answer, NULL) : 0};
	return ns_budget_reserve(l->o.budget, c->incident, &e, ns_clock_wall_ms(l->o.clock), ticket, err);
}

static void settle(ns_llm *l, const llm_model *m, int64_t ticket, bool sent, ns_llm_usage *u, ns_llm_answer *a)
{
	if (l->o.prices)
		u->micro_usd = ns_prices_cost(l->o.prices, m->name, u->prompt, u->cached, u->completion, NULL);
	a->usage.prompt += u->prompt;
	a->usage.completion += u->completion;
	a->usage.cached += u->cached;
	a->usage.micro_usd += u->micro_usd;
	a->usage.estimated |= u->estimated;
	if (l->o.budget)
		ns_budget_settle(l->o.budget, ticket, &(ns_spend){sent, u->prompt + u->completion, u->micro_usd});
}

static void judge_end(const llm_exchange *x, attempt *t)
{
	static const ns_llm_trouble by_end[] = {[LLM_END_DOWN] = NS_LLM_DOWN, [LLM_END_NEVER] = NS_LLM_DOWN, [LLM_END_SLOW] = NS_LLM_SLOW, [LLM_END_CUT] = NS_LLM_DOWN,
	    [LLM_END_BIG] = NS_LLM_WRONG, [LLM_END_CANCELLED] = NS_LLM_CANCELLED};
	t->trouble = by_end[x->end];
	t->again = x->end == LLM_END_DOWN || x->end == LLM_END_CUT;
	t->failure.verdict = LLM_RETRY;
	ns_copy(t->failure.words, sizeof t->failure.words, x->words);
}

/* A 200 whose bytes are no answer: how the exchange ended says more than what was missing, if it did not end well. */
static void judge_bytes(const llm_exchange *x, const llm_outcome *o, attempt *t)
{
	if (x->end != LLM_END_OK) {
		judge_end(x, t);
		return;
	}
	t->trouble = o->trouble;
	t->again = o->trouble == NS_LLM_DOWN;
	ns_copy(t->failure.words, sizeof t->failure.words, o->words);
}

static void judge_failure(attempt *t)
{
	static const ns_llm_trouble by_verdict[] = {[LLM_RETRY] = NS_LLM_DOWN, [LLM_RETRY_ONCE] = NS_LLM_DOWN, [LLM_NEXT_MODEL] = NS_LLM_MODEL,
	    [LLM_NEXT_FORM] = NS_LLM_WRONG, [LLM_NO_THINKING] = NS_LLM_WRONG, [LLM_STOP_KEY] = NS_LLM_KEY, [LLM_STOP_MONEY] = NS_LLM_MONEY,
	    [LLM_STOP_FILTER] = NS_LLM_FILTERED, [LLM_STOP] = NS_LLM_WRONG};
	t->trouble = by_verdict[t->failure.verdict];
	t->again = t->failure.verdict <= LLM_NO_THINKING;
}

static void attempt_once(ns_llm *l, const llm_call *c, const llm_model *m, const ns_cancel *cancel, ns_llm_answer *a, attempt *t, ns_llm_usage *u)
{
	char *body = c->body(c->ctx, l, m), *url = ns_xasprintf("%s%s", l->base_url, c->path);
	llm_exchange x = {.url = url, .body = body, .key = l->o.key, .ca_file = l->ca_file, .stream = c->stream, .connect_ms = l->o.connect_ms,
	    .gap_ms = c->stream ? l->o.gap_ms : l->o.index_ms, .begin_by = c->begin_by, .end_by = c->end_by, .max_bytes = l->o.max_reply,
	    .on_bytes = c->on_bytes, .ctx = c->ctx, .cancel = cancel};
	c->restart(c->ctx, m);
	llm_post(&x);
	llm_outcome o = {0};
	t->retry_after_ms = x.retry_after_ms;
	t->sent = x.sent;
	if (x.sent && !x.status) /* nobody says what it took: it may be paid for all the same */
		*u = (ns_llm_usage){.prompt = c->tokens, .estimated = true};
	if (x.status == 200 && x.end != LLM_END_CANCELLED) {
		c->finish(c->ctx, a, u, &o); /* what was read before a cut may be all of it */
		t->failure = o.failure;
		if (o.trouble != NS_LLM_FINE && !o.failed)
			judge_bytes(&x, &o, t);
	} else if (x.status > 200 && x.end != LLM_END_CANCELLED) { /* a refusal is one, whether or not its last byte comes */
		llm_failure_read(x.status, ns_buf_str(&x.error_body), x.error_body.len, &t->failure);
		o.failed = true;
	} else {
		judge_end(&x, t);
	}
	if (o.failed)
		judge_failure(t);
	if (o.failed && x.status == 429 && t->again)
		t->trouble = NS_LLM_THROTTLED;
	const char *id = *t->failure.request_id ? t->failure.request_id : x.request_id;
	if (*id && (o.failed || !*a->request_id))
		ns_copy(a->request_id, sizeof a->request_id, id);
	llm_exchange_free(&x);
	free(body);
	free(url);
}

/* ---- the call ---- */

int64_t llm_jitter(int64_t ms)
{
	return ms / 2 + (int64_t)(ns_random_u64() % (uint64_t)(ms + 1));
}

/* True: try again now. False: it ends with what t says. */
static bool go_on(ns_llm *l, const llm_call *c, size_t i, const llm_model *m, const attempt *t, int *retries, const ns_cancel *cancel)
{
	switch (t->failure.verdict) {
	case LLM_NEXT_MODEL: model_gone(l, c->role, i, m, t->failure.words); return true;
	case LLM_NEXT_FORM: learn(l, c->role, i, &t->failure, 0); return m->form < LLM_PLAIN;
	case LLM_NO_THINKING: learn(l, c->role, i, &t->failure, 0); return m->thinking;
	case LLM_RETRY_ONCE:
		if (*retries)
			return false;
		break;
	default: break;
	}
	int64_t pause = llm_jitter((int64_t)l->o.retry_ms << (*retries < 6 ? *retries : 6));
	if (t->retry_after_ms > pause)
		pause = t->retry_after_ms;
	++*retries;
	int64_t now = ns_real_mono_ms();
	if (now + pause < c->begin_by)
		return ns_cancel_sleep(cancel, ns_clock_real(), pause);
	/* No time to wait for this one: leave it alone for a while, and ask the next. */
	if (t->trouble != NS_LLM_THROTTLED)
		return false;
	learn(l, c->role, i, &t->failure, now + (t->retry_after_ms > 0 ? t->retry_after_ms : COOL_MS));
	return true;
}

bool llm_run(ns_llm *l, const llm_call *c, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err)
{
	const int64_t began = ns_real_mono_ms();
	attempt t = {.trouble = NS_LLM_MODEL};
	int retries = 0;
	*a = (ns_llm_answer){0};
	if (is_held(l, a, err))
		return false;
	for (bool more = true; more && a->attempts < MAX_ATTEMPTS;) {
		llm_model m;
		bool cooling;
		int64_t ticket = 0;
		ns_llm_usage u = {0};
		ns_err why = {0};
		size_t i = pick(l, c->role, &m, &cooling);
		if (i == LLM_MODELS) {
			t.trouble = cooling ? NS_LLM_THROTTLED : NS_LLM_MODEL;
			break;
		}
		if (ns_real_mono_ms() >= c->begin_by)
			break;
		t = (attempt){0};
		if (!reserve(l, c, &m, &ticket, &why)) {
			t.trouble = NS_LLM_BUDGET;
			ns_copy(t.failure.words, sizeof t.failure.words, why.text);
			break;
		}
		a->attempts++;
		attempt_once(l, c, &m, cancel, a, &t, &u);
		settle(l, &m, ticket, t.sent, &u, a);
		if (t.trouble == NS_LLM_FINE)
			ns_copy(a->model, sizeof a->model, m.name);
		more = t.trouble != NS_LLM_FINE && t.again && go_on(l, c, i, &m, &t, &retries, cancel);
	}
	if (ns_cancel_fired(cancel) && t.trouble != NS_LLM_FINE)
		t.trouble = NS_LLM_CANCELLED;
	a->elapsed_ms = ns_real_mono_ms() - began;
	a->trouble = t.trouble;
	if (t.trouble != NS_LLM_CANCELLED)
		remember(l, t.trouble, t.failure.words);
	if (t.trouble == NS_LLM_FINE)
		return true;
	return ns_fail(err, troubles[t.trouble].code, "%s%s%s%s%s%s", troubles[t.trouble].words, *t.failure.words ? ": " : "", t.failure.words,
	    *a->request_id ? " (request " : "", a->request_id, *a->request_id ? ")" : "");
}
