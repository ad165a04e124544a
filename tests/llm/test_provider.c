/* The provider against a scripted server over real HTTP: what every kind of answer, and of trouble, comes to. */
#include "support/test.h"

#include "llm_rig.h"
#include "neuroscale/base/text.h"

#define ERR(CODE, WORDS) "{\"error\":{\"message\":\"" WORDS "\",\"type\":\"t\",\"param\":null,\"code\":\"" CODE "\"},\"request_id\":\"req-1\"}"
#define NATIVE(CODE, WORDS) "{\"code\":\"" CODE "\",\"message\":\"" WORDS "\",\"request_id\":\"req-1\"}"
#define FRAMED "id:1\nevent:error\n:HTTP_STATUS/400\ndata:" NATIVE("InvalidParameter", "<400> InternalError.Algo.InvalidParameter: Range of max_tokens") "\n\n"

typedef struct row {
	const char *name;
	step steps[4];
	size_t n;
	ns_llm_trouble trouble; /* NS_LLM_FINE: "hello" came */
	int requests;           /* -1: not looked at */
	const char *model;      /* who answered */
	const char *words;      /* in the error */
} row;

static const row rows[] = {
    {"a stream", {{SSE, 200, 0, GOOD_SSE}}, 1, NS_LLM_FINE, 1, "qwen-a", NULL},
    {"a stream that calls itself JSON", {{SSE_LIE, 200, 0, GOOD_SSE}}, 1, NS_LLM_FINE, 1, "qwen-a", NULL},
    {"a server that does not stream", {{SAY, 200, 0, GOOD_BODY}}, 1, NS_LLM_FINE, 1, "qwen-a", NULL},
    {"cut behind its finish", {{SSE_CUT, 200, 0, CHUNK("hello", "null") CHUNK("", "\"stop\"")}}, 1, NS_LLM_FINE, 1, "qwen-a", NULL},
    {"throttled, then fine", {{SAY, 429, 0, ERR("limit_requests", "slow down")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"a quota that is a throttle", {{SAY, 429, 0, ERR("insufficient_quota", "quota")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"500, then fine", {{SAY, 500, 0, NATIVE("InternalError", "x")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"a proxy's page, then fine", {{SAY, 502, 0, "<html>502 Bad Gateway</html>"}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"slammed, then fine", {{SLAM, 0, 0, 0}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"cut, then fine", {{SSE_CUT, 200, 0, CHUNK("he", "null")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"shorter than promised, then fine", {{SHORT, 200, 0, "{\"choices\":[{\"mess"}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-a", NULL},
    {"a throttle inside a stream", {{SSE, 200, 0, CHUNK("he", "null") "event: error\ndata: " NATIVE("Throttling", "x") "\n\n"}, {SSE, 200, 0, GOOD_SSE}}, 2,
        NS_LLM_FINE, 2, "qwen-a", NULL},
    {"retry-after that is too long: the next model", {{SAY, 429, "Retry-After: 600\r\n", ERR("limit_requests", "x")}, {SSE, 200, 0, GOOD_SSE}}, 2,
        NS_LLM_FINE, 2, "qwen-b", NULL},
    {"a model that is gone: the next", {{SAY, 404, 0, ERR("model_not_found", "model 'qwen-a' not found")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2,
        "qwen-b", NULL},
    {"a retired model", {{SAY, 403, 0, ERR("access_denied", "Workspace endpoint access denied.")}, {SSE, 200, 0, GOOD_SSE}}, 2, NS_LLM_FINE, 2, "qwen-b",
        NULL},
    {"no model is there", {{SAY, 404, 0, ERR("model_not_found", "no")}}, 1, NS_LLM_MODEL, 2, NULL, "none of the configured models"},
    {"the key is refused", {{SAY, 401, 0, ERR("invalid_api_key", "Incorrect API key provided.")}}, 1, NS_LLM_KEY, 1, NULL, "Incorrect API key"},
    {"the key is refused, shorter than promised", {{SHORT, 401, 0, ERR("invalid_api_key", "Incorrect API key provided.")}}, 1, NS_LLM_KEY, 1, NULL, "Incorrect API key"},
    {"in debt, shorter than promised", {{SHORT, 400, 0, ERR("Arrearage", "in debt")}}, 1, NS_LLM_MONEY, 1, NULL, "in debt"},
    {"bad parameters, cut", {{SHORT, 400, 0, "{\"error\":{\"co"}}, 1, NS_LLM_WRONG, 1, NULL, NULL},
    {"in debt", {{SAY, 400, 0, ERR("Arrearage", "Access denied, please make sure your account is in good standing.")}}, 1, NS_LLM_MONEY, 1, NULL,
        "good standing"},
    {"in debt, natively", {{SAY, 400, 0, NATIVE("Arrearage", "in debt")}}, 1, NS_LLM_MONEY, 1, NULL, "req-1"},
    {"overdue is no throttle", {{SAY, 429, 0, NATIVE("PostpaidBillOverdue", "x")}}, 1, NS_LLM_MONEY, 1, NULL, NULL},
    {"bad parameters", {{SAY, 400, 0, ERR("invalid_parameter_error", "<400> InternalError.Algo.InvalidParameter: top_p")}}, 1, NS_LLM_WRONG, 1, NULL,
        ": top_p"},
    {"an error in a frame that calls itself JSON", {{SAY, 400, 0, FRAMED}}, 1, NS_LLM_WRONG, 1, NULL, "Range of max_tokens"},
    {"forbidden", {{SAY, 403, 0, ERR("access_denied", "no")}}, 1, NS_LLM_KEY, 1, NULL, NULL},
    {"the filter", {{SAY, 400, 0, ERR("data_inspection_failed", "inappropriate")}}, 1, NS_LLM_FILTERED, 1, NULL, NULL},
    {"a redirect is not followed", {{SAY, 302, "Location: http://127.0.0.1:1/\r\n", ""}}, 1, NS_LLM_WRONG, 1, NULL, "302"},
    {"cut by the token limit", {{SSE, 200, 0, CHUNK("he", "null") CHUNK("", "\"length\"") "data: [DONE]\n\n"}}, 1, NS_LLM_WRONG, 1, NULL, "token limit"},
    {"a tool instead of an answer", {{SSE, 200, 0, CHUNK("", "\"tool_calls\"") "data: [DONE]\n\n"}}, 1, NS_LLM_WRONG, 1, NULL, "tool"},
    {"nothing said", {{SSE, 200, 0, CHUNK("", "\"stop\"") "data: [DONE]\n\n"}}, 1, NS_LLM_WRONG, 1, NULL, "empty"},
    {"a page with 200", {{SAY, 200, 0, "<html>login</html>"}}, 1, NS_LLM_WRONG, 1, NULL, "not what a model service says"},
    {"JSON of something else", {{SAY, 200, 0, "{\"ok\":true}"}}, 1, NS_LLM_WRONG, 1, NULL, NULL},
    {"no JSON in the stream", {{SSE, 200, 0, "data: nonsense\n\n"}}, 1, NS_LLM_WRONG, 1, NULL, NULL},
};

/* One call on a fresh provider. */
static bool call(rig *r, ns_llm_opts *o, ns_llm_answer *a, ns_err *err)
{
	ns_llm_ask ask = {.system = "Answer in JSON.", .user = "u", .schema_name = "x", .schema = "{\"type\":\"object\"}", .incident = 7};
	ns_llm *l = ns_llm_new(o, err);
	assert_non_null(l);
	bool ok = ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, a, err);
	ns_llm_free(l);
	return ok;
}

static void every_answer_and_trouble(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const row *w = &rows[i];
		static rig r;
		char url[64];
		ns_llm_answer a;
		ns_err err = {0};
		rig_start(&r, w->steps, w->n);
		ns_llm_opts o = rig_opts(&r, url);
		bool ok = call(&r, &o, &a, &err);
		if (a.trouble != w->trouble || ok != (w->trouble == NS_LLM_FINE))
			fail_msg("%s: %s (%s)", w->name, ns_llm_trouble_words(a.trouble), err.text);
		if (ok && (strcmp(ns_buf_str(&a.text), "hello") != 0 || strcmp(a.model, w->model) != 0))
			fail_msg("%s: \"%s\" by %s", w->name, ns_buf_str(&a.text), a.model);
		if (w->requests >= 0 && r.requests != w->requests)
			fail_msg("%s: %d requests", w->name, r.requests);
		if (w->words && !strstr(err.text, w->words))
			fail_msg("%s: %s", w->name, err.text);
		ns_llm_answer_free(&a);
		rig_stop(&r);
	}
}

/* Whoever says nothing, says nothing of use, or does not stop: the call ends by its own time law. */
static void time_and_size_have_an_end(void **state)
{
	static const row hard[] = {
	    {"silence", {{SILENCE, 0, 0, 0}}, 1, NS_LLM_SLOW, 1, NULL, NULL},
	    {"a refused key that never ends", {{SHORT_HANG, 401, 0, ERR("invalid_api_key", "Incorrect API key provided.")}}, 1, NS_LLM_KEY, 1, NULL, NULL},
	    {"comments for ever", {{CHATTER, 0, 0, 0}}, 1, NS_LLM_SLOW, 1, NULL, NULL},
	    {"a pause for ever", {{SSE_HANG, 200, 0, CHUNK("he", "null")}}, 1, NS_LLM_SLOW, 1, NULL, NULL},
	    {"an answer that drips", {{DRIP, 200, 0, CHUNK("x", "null")}}, 1, NS_LLM_SLOW, 1, NULL, NULL},
	    {"an answer that trickles", {{DRIP, 200, 0, CHUNK("xxxx", "null")}}, 1, NS_LLM_SLOW, 1, NULL, NULL},
	    {"an endless answer", {{ENDLESS, 200, 0, CHUNK("blah blah blah blah", "null")}}, 1, NS_LLM_WRONG, 1, NULL, NULL},
	    {"an endless event", {{ENDLESS, 200, 0, "data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}, 1, NS_LLM_WRONG, 1, NULL, NULL},
	};
	assert_true(ns_llm_defaults.begin_ms + ns_llm_defaults.gap_ms <= 5000);
	for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
		static rig r;
		char url[64];
		ns_llm_answer a;
		ns_err err = {0};
		rig_start(&r, hard[i].steps, 1);
		ns_llm_opts o = rig_opts(&r, url);
		o.begin_ms = o.gap_ms = hard[i].trouble == NS_LLM_WRONG ? 20000 : 300;
		o.total_ms = 20000;
		o.max_reply = 64 << 10;
		int64_t began = ns_real_mono_ms();
		assert_false(call(&r, &o, &a, &err));
		if (a.trouble != hard[i].trouble)
			fail_msg("%s: %s", hard[i].name, err.text);
		if (hard[i].trouble != NS_LLM_WRONG)
			assert_true(ns_real_mono_ms() - began < 20000);
		ns_llm_answer_free(&a);
		rig_stop(&r);
	}
}

static void a_megabyte_is_taken_or_refused_by_the_cap(void **state)
{
	static const step steps[] = {{BIG, 200, 0, 0}};
	for (int small = 0; small < 2; small++) {
		static rig r;
		char url[64];
		ns_llm_answer a;
		ns_err err = {0};
		rig_start(&r, steps, 1);
		ns_llm_opts o = rig_opts(&r, url);
		o.max_reply = small ? 100000 : 2 << 20;
		assert_int_equal(call(&r, &o, &a, &err), !small);
		assert_int_equal(a.text.len, small ? 0 : 1 << 20);
		assert_int_equal(a.trouble, small ? NS_LLM_WRONG : NS_LLM_FINE);
		ns_llm_answer_free(&a);
		rig_stop(&r);
	}
}

static void what_is_sent(void **state)
{
	static const step steps[] = {{SAY, 400, 0, ERR("invalid_parameter_error", "response_format json_schema is not supported")},
	    {SAY, 400, 0, ERR("invalid_parameter_error", "parameter.enable_thinking must be set to false")}, {SSE, 200, 0, GOOD_SSE}};
	static rig r;
	static const char *const models[] = {"qwen-plus", NULL};
	char url[64];
	ns_llm_answer a;
	ns_err err = {0};
	rig_start(&r, steps, 3);
	ns_llm_opts o = rig_opts(&r, url);
	ns_secret *key = ns_secret_new("sk-test-key-0123456789");
	o.key = key;
	o.models[NS_LLM_ANALYZER] = models;
	assert_true(call(&r, &o, &a, &err));
	assert_int_equal(r.requests, 3);
	assert_string_equal(r.targets[0], "/v1/chat/completions");
	assert_non_null(strstr(r.heads[0], "Authorization: Bearer sk-test-key-0123456789"));
	assert_non_null(strstr(r.bodies[0], "\"enable_thinking\":false"));
	assert_non_null(strstr(r.bodies[0], "\"json_schema\""));
	assert_non_null(strstr(r.bodies[1], "\"json_object\"")); /* the form falls by one, the rest stays */
	assert_non_null(strstr(r.bodies[1], "enable_thinking"));
	assert_null(strstr(r.bodies[2], "enable_thinking"));
	assert_non_null(strstr(r.bodies[2], "\"include_usage\":true"));
	for (int i = 0; i < 3; i++) {
		assert_non_null(strstr(r.bodies[i], "JSON"));
		assert_null(strstr(r.bodies[i], "sk-test"));
	}
	assert_string_equal(a.request_id, "r1");
	assert_int_equal(a.usage.prompt, 100);
	assert_int_equal(a.usage.completion, 20);
	ns_llm_answer_free(&a);
	ns_secret_free(key);
	rig_stop(&r);
}

static void a_lost_model_is_told_once_and_not_asked_again(void **state)
{
	static const step steps[] = {{SAY, 404, 0, ERR("model_not_found", "gone")}, {SSE, 200, 0, GOOD_SSE}};
	static rig r;
	char url[64];
	ns_err err = {0};
	rig_start(&r, steps, 2);
	ns_llm_opts o = rig_opts(&r, url);
	ns_llm *l = ns_llm_new(&o, &err);
	ns_llm_ask ask = {.system = "JSON", .user = "u"};
	for (int i = 0; i < 3; i++) {
		ns_llm_answer a;
		assert_true(ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, &a, &err));
		assert_string_equal(a.model, "qwen-b");
		ns_llm_answer_free(&a);
	}
	assert_int_equal(r.requests, 4);
	assert_string_equal(r.told, "model qwen-a is not there (gone); qwen-b is used instead\n");
	ns_llm_view v;
	ns_llm_look(l, &v);
	assert_string_equal(v.model[NS_LLM_ANALYZER], "qwen-b");
	assert_int_equal(v.calls, 3);
	ns_llm_free(l);
	rig_stop(&r);
}

static void a_refused_key_is_not_tried_again_for_a_while(void **state)
{
	static const step steps[] = {{SAY, 401, 0, ERR("invalid_api_key", "no")}};
	static rig r;
	char url[64];
	ns_err err = {0};
	rig_start(&r, steps, 1);
	ns_llm_opts o = rig_opts(&r, url);
	ns_llm *l = ns_llm_new(&o, &err);
	ns_llm_ask ask = {.system = "JSON", .user = "u"};
	for (int i = 0; i < 3; i++) {
		ns_llm_answer a;
		assert_false(ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, &a, &err));
		assert_int_equal(a.trouble, NS_LLM_KEY);
		ns_llm_answer_free(&a);
	}
	assert_int_equal(r.requests, 1);
	ns_llm_view v;
	ns_llm_look(l, &v);
	assert_true(v.held_ms > 0);
	ns_llm_free(l);
	rig_stop(&r);
}

/* One chat of incident 5 against whatever is there; what the governor holds of it after that. */
static ns_spend cost_of(const ns_llm_opts *with, ns_llm_usage *u)
{
	ns_err err = {0};
	ns_llm_opts o = *with;
	ns_budget *b = ns_budget_new(&ns_budget_defaults);
	o.budget = b;
	ns_llm *l = ns_llm_new(&o, &err);
	ns_llm_answer a;
	assert_false(ns_llm_chat(l, NS_LLM_ANALYZER, &(ns_llm_ask){.system = "JSON", .user = "a question of some words", .incident = 5}, NULL, &a, &err));
	*u = a.usage;
	ns_spend s = ns_budget_incident(b, 5);
	ns_llm_answer_free(&a);
	ns_llm_free(l);
	ns_budget_free(b);
	return s;
}

static void what_never_left_costs_nothing_and_what_was_never_answered_may(void **state)
{
	static const step steps[] = {{SILENCE, 0, 0, ""}};
	static rig r;
	char url[64];
	ns_llm_usage u;
	rig_start(&r, steps, 1);
	ns_llm_opts o = rig_opts(&r, url);
	o.begin_ms = 300;
	ns_spend s = cost_of(&o, &u);
	assert_int_equal(s.calls, 1);
	assert_true(u.estimated && u.prompt > 0 && s.tokens == u.prompt);
	rig_stop(&r);
	s = cost_of(&o, &u); /* nobody listens there any more */
	assert_true(s.calls == 0 && s.tokens == 0 && u.prompt == 0 && !u.estimated);
}

static void others_may_listen_later(void **state)
{
	static const step steps[] = {{SAY, 404, 0, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"x\"}}"}, {SSE, 200, 0, GOOD_SSE}};
	static rig r, other;
	char url[64];
	ns_err err = {0};
	ns_llm_answer a;
	rig_start(&r, steps, 2);
	pthread_mutex_init(&other.mu, NULL);
	ns_llm_opts o = rig_opts(&r, url);
	ns_llm *l = ns_llm_new(&o, &err);
	ns_llm_listen(l, rig_told, &other);
	assert_true(ns_llm_chat(l, NS_LLM_ANALYZER, &(ns_llm_ask){.system = "JSON", .user = "u"}, NULL, &a, &err));
	assert_string_equal(r.told, "");
	assert_non_null(strstr(other.told, "qwen-b is used instead"));
	ns_llm_answer_free(&a);
	ns_llm_free(l);
	rig_stop(&r);
}

static void the_budget_stops_before_the_call(void **state)
{
	static const step steps[] = {{SSE, 200, 0, GOOD_SSE}};
	static rig r;
	char url[64];
	ns_err err = {0};
	ns_budget_limits limits = {{{2, -1, -1}, {-1, -1, -1}, {-1, -1, -1}}};
	ns_budget *b = ns_budget_new(&limits);
	ns_prices *p = ns_prices_parse(NULL, 0, NULL, &err);
	rig_start(&r, steps, 1);
	ns_llm_opts o = rig_opts(&r, url);
	o.budget = b;
	o.prices = p;
	ns_llm *l = ns_llm_new(&o, &err);
	ns_llm_ask ask = {.system = "JSON", .user = "u", .incident = 5};
	ns_llm_answer a;
	for (int i = 0; i < 2; i++) {
		assert_true(ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, &a, &err));
		ns_llm_answer_free(&a);
	}
	assert_false(ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, &a, &err));
	assert_int_equal(a.trouble, NS_LLM_BUDGET);
	assert_non_null(strstr(err.text, "2 of 2 calls for this incident"));
	assert_int_equal(r.requests, 2);
	ns_spend s = ns_budget_incident(b, 5);
	assert_int_equal(s.calls, 2);
	assert_int_equal(s.tokens, 240); /* what came, not what was reserved */
	assert_true(s.micro_usd > 0);
	ns_llm_answer_free(&a);
	ns_llm_free(l);
	ns_budget_free(b);
	ns_prices_free(p);
	rig_stop(&r);
}

static void *fire(void *c)
{
	usleep(50000);
	ns_cancel_fire(c);
	return NULL;
}

static void a_cancel_ends_it_at_once(void **state)
{
	static const step steps[] = {{SILENCE, 0, 0, 0}};
	static rig r;
	char url[64];
	ns_err err = {0};
	pthread_t t;
	rig_start(&r, steps, 1);
	ns_llm_opts o = rig_opts(&r, url);
	o.begin_ms = o.total_ms = 600000;
	ns_llm *l = ns_llm_new(&o, &err);
	ns_cancel *c = ns_cancel_new();
	ns_llm_ask ask = {.system = "JSON", .user = "u"};
	ns_llm_answer a;
	pthread_create(&t, NULL, fire, c);
	assert_false(ns_llm_chat(l, NS_LLM_ANALYZER, &ask, c, &a, &err));
	assert_int_equal(a.trouble, NS_LLM_CANCELLED);
	pthread_join(t, NULL);
	ns_llm_answer_free(&a);
	ns_cancel_free(c);
	ns_llm_free(l);
	rig_stop(&r);
}

static void urls_and_keys(void **state)
{
	static const struct { const char *url; bool key; ns_code code; } urls[] = {{"https://x/v1", true, NS_OK}, {"http://127.0.0.1:1/v1", true, NS_OK},
	    {"http://localhost:11434/v1/", true, NS_OK}, {"http://vllm.example/v1", false, NS_OK}, {"http://vllm.example/v1", true, NS_E_DENIED},
	    {"http://127.0.0.1.evil.example/v1", false, NS_OK},
	    {"http://127.0.0.1.evil.example/v1", true, NS_E_DENIED}, {"http://127.evil/v1", true, NS_E_DENIED}, {"http://localhost.evil/v1", true, NS_E_DENIED}, {"ftp://x", false, NS_E_INVALID}, {"https://", false, NS_E_INVALID},
	    {"https://u:p@x/v1", false, NS_E_INVALID}, {"https://x/v1?a=b", false, NS_E_INVALID}, {"", false, NS_E_INVALID}};
	ns_secret *key = ns_secret_new("k");
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		ns_llm_opts o = ns_llm_defaults;
		ns_err err = {0};
		o.base_url = urls[i].url;
		o.key = urls[i].key ? key : NULL;
		ns_llm *l = ns_llm_new(&o, &err);
		if (err.code != urls[i].code || !l != (urls[i].code != NS_OK))
			fail_msg("%s: %s", urls[i].url, err.text);
		ns_llm_free(l);
	}
	ns_secret_free(key);
}

/* It would read the key. */
static void a_proxy_is_no_way_for_a_key_to_this_machine(void **state)
{
	static const step steps[] = {{SAY, 200, 0, GOOD_BODY}}, lure[] = {{SAY, 200, 0, GOOD_BODY}};
	static rig r, proxy;
	char url[64], proxy_url[64];
	ns_llm_answer a;
	ns_err err = {0};
	ns_secret *key = ns_secret_new("sk-s3cret");
	rig_start(&r, steps, 1);
	rig_start(&proxy, lure, 1);
	snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%d", proxy.server.port);
	setenv("http_proxy", proxy_url, 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	ns_llm_opts o = rig_opts(&r, url);
	for (int with_key = 0; with_key < 2; with_key++) {
		o.key = with_key ? key : NULL;
		if (!call(&r, &o, &a, &err))
			fail_msg("%s", err.text);
		ns_llm_answer_free(&a);
		assert_int_equal(proxy.requests, 1); /* the one without a key */
		assert_int_equal(r.requests, with_key);
	}
	unsetenv("http_proxy");
	ns_secret_free(key);
	rig_stop(&proxy);
	rig_stop(&r);
}

/* The fixtures are what the real service said. */
static void the_recorded_shapes(void **state)
{
	static const char *const files[] = {"chat_ok.json", "chat_stream.sse", "chat_thinking_ok.json", "generation_native_ok.json", "generation_native_stream.sse"};
	static const char *const said[] = {"I am a large-scale language model developed by Alibaba Cloud. My name is Qwen.",
	    "I am a large-scale language model from Alibaba Cloud. My name is Qwen.", "Restart the deployment.", "{\"severity\":\"critical\"}",
	    "123 to the power of 23"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[128], text[8192] = "", url[64];
		snprintf(path, sizeof path, "../shared/fixtures/dashscope/%s", files[i]);
		FILE *f = fopen(path, "r");
		if (!f) {
			print_message("# no %s\n", path);
			skip();
		}
		assert_true(fread(text, 1, sizeof text - 1, f) > 0);
		fclose(f);
		step steps[] = {{strstr(files[i], ".sse") ? SSE : SAY, 200, 0, text}};
		static rig r;
		ns_llm_answer a;
		ns_err err = {0};
		rig_start(&r, steps, 1);
		ns_llm_opts o = rig_opts(&r, url);
		if (!call(&r, &o, &a, &err) || strcmp(ns_buf_str(&a.text), said[i]) != 0)
			fail_msg("%s: %s \"%s\"", files[i], err.text, ns_buf_str(&a.text));
		assert_true(a.usage.prompt > 0 && a.usage.completion > 0 && !a.usage.estimated);
		ns_llm_answer_free(&a);
		rig_stop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_answer_and_trouble),
	    cmocka_unit_test(time_and_size_have_an_end),
	    cmocka_unit_test(a_megabyte_is_taken_or_refused_by_the_cap),
	    cmocka_unit_test(what_is_sent),
	    cmocka_unit_test(a_lost_model_is_told_once_and_not_asked_again),
	    cmocka_unit_test(a_refused_key_is_not_tried_again_for_a_while),
	    cmocka_unit_test(the_budget_stops_before_the_call),
	    cmocka_unit_test(what_never_left_costs_nothing_and_what_was_never_answered_may),
	    cmocka_unit_test(others_may_listen_later),
	    cmocka_unit_test(a_cancel_ends_it_at_once),
	    cmocka_unit_test(urls_and_keys),
	    cmocka_unit_test(a_proxy_is_no_way_for_a_key_to_this_machine),
	    cmocka_unit_test(the_recorded_shapes),
	};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
