/* A model service over real HTTP for an engine: what it answers to each kind of question, what it was asked, and what of that is on record. */
#ifndef NEUROSCALE_TESTS_ENGINE_MODEL_RIG_H
#define NEUROSCALE_TESTS_ENGINE_MODEL_RIG_H
#include <curl/curl.h>
#include "cases.h"
#include "neuroscale/llm/analyze.h"
#include "neuroscale/store/learned.h"
/* Both rigs are called rig. */
#define rig model_rig
#include "llm/llm_rig.h"
#undef rig

/* ---- the service ---- */

enum { DIM = 64 };
static struct service {
	script_server server;
	step rca, card;     /* what these questions get; body: what the model says, not yet framed */
	bool vectors;       /* it has an embedding model */
	atomic_int asked, cards, texts;
	pthread_mutex_t mu;
	char question[65536]; /* the last about a root cause */
	ns_buf embedded;      /* all that was to become vectors */
} service;

/* A reply as the event stream that it comes in. */
static char *framed(const char *text)
{
	cJSON *s = cJSON_CreateString(text);
	char *quoted = ns_json_text(s);
	char *body = ns_xasprintf("data: {\"id\":\"chatcmpl-r9\",\"choices\":[{\"delta\":{\"content\":%s},\"finish_reason\":\"stop\"}]}\n\n"
	                          "data: {\"id\":\"chatcmpl-r9\",\"choices\":[],\"usage\":{\"prompt_tokens\":900,\"completion_tokens\":90}}\n\ndata: [DONE]\n\n", quoted);
	cJSON_free(quoted);
	cJSON_Delete(s);
	return body;
}

static bool say(script_server *s, int fd, const step *p)
{
	if (p->kind == SILENCE)
		script_hold(s, fd);
	if (p->kind == SAY)
		return script_answer(fd, p->status, "", p->body);
	if (p->kind != SSE)
		return false;
	char *body = framed(p->body);
	bool ok = rig_stream(fd, "text/event-stream", body, true);
	free(body);
	return ok;
}

/* The words of a text, each in its own place as far as there are places. */
static void put_vector(ns_buf *out, const char *text)
{
	double v[DIM] = {0};
	unsigned h = 5381;
	for (; *text; text++) {
		bool letter = (*text | 32) >= 'a' && (*text | 32) <= 'z';
		if (letter)
			h = h * 33 + (unsigned char)(*text | 32);
		else if (h != 5381)
			v[h % DIM]++, h = 5381;
	}
	v[h % DIM]++;
	for (int i = 0; i < DIM; i++)
		ns_buf_printf(out, "%s%g", i ? "," : "", v[i]);
}

static bool embed_all(int fd, const char *body)
{
	ns_buf out = NS_BUF_INIT;
	cJSON *j = cJSON_Parse(body), *t;
	int i = 0;
	ns_buf_puts(&out, "{\"id\":\"e1\",\"data\":[");
	cJSON_ArrayForEach(t, cJSON_GetObjectItem(j, "input")) {
		ns_buf_printf(&out, "%s{\"index\":%d,\"embedding\":[", i ? "," : "", i);
		put_vector(&out, t->valuestring);
		ns_buf_puts(&out, "]}");
		i++;
	}
	atomic_fetch_add(&service.texts, i);
	ns_buf_puts(&out, "],\"usage\":{\"total_tokens\":10}}");
	bool ok = script_answer(fd, 200, "", ns_buf_str(&out));
	ns_buf_free(&out);
	cJSON_Delete(j);
	return ok;
}

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	if (strstr(target, "/embeddings")) {
		pthread_mutex_lock(&service.mu);
		ns_buf_puts(&service.embedded, body);
		pthread_mutex_unlock(&service.mu);
	}
	if (strstr(target, "/embeddings"))
		return service.vectors ? embed_all(fd, body) : script_answer(fd, 404, "", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"x\"}}");
	if (strstr(body, "\\nproposed: ")) { /* only what the card is asked with says so */
		atomic_fetch_add(&service.cards, 1);
		return say(s, fd, &service.card);
	}
	pthread_mutex_lock(&service.mu);
	ns_copy(service.question, sizeof service.question, body);
	pthread_mutex_unlock(&service.mu);
	atomic_fetch_add(&service.asked, 1);
	return say(s, fd, &service.rca);
}

static ns_budget *budget;
static ns_budget_limits limits;
static ns_llm *llm;

/* A client of the service, as a process makes it. */
static ns_llm *service_client(ns_budget *b)
{
	static const char *const models[] = {"qwen-a", NULL}, *const vectors[] = {"text-embedding-a", NULL};
	char url[64];
	ns_err err = {0};
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", service.server.port);
	ns_llm_opts o = ns_llm_defaults;
	o.base_url = url;
	o.models[NS_LLM_ANALYZER] = o.models[NS_LLM_ESCALATION] = models;
	o.models[NS_LLM_PLANNER] = vectors;
	o.begin_ms = 1500; /* its own law, made shorter: what is slow here never answers */
	o.retry_ms = 300;
	o.dimensions = DIM;
	o.budget = b;
	o.clock = ns_clock_real();
	ns_llm *made = ns_llm_new(&o, &err);
	must(made, "%s", err.text);
	return made;
}

/* An engine with the service behind it. */
static void model_open(live *l, const char *scenario, ns_profile profile, step rca)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_mutex_init(&service.mu, NULL);
	service.rca = rca;
	service.card = (step){SAY, 500, 0, "no cards today"};
	script_start(&service.server, handle, NULL);
	budget = ns_budget_new(limits.most[NS_PER_DAY].calls ? &limits : &ns_budget_defaults);
	llm = service_client(budget);
	live_open(l, scenario, 60, profile);
	l->o.llm = llm;
	l->o.budget = budget;
}

static void model_close(live *l)
{
	live_close(l);
	ns_llm_free(llm);
	ns_budget_free(budget);
	script_stop(&service.server);
	ns_buf_free(&service.embedded);
}

#define CLAIM ",\"reasoning\":\"So it is observed.\",\"claims\":[{\"text\":\"It fails.\",\"evidence\":[\"E1\"]}]}"
#define ROLLBACK(CONFIDENCE) \
	"{\"root_cause\":\"The new release is broken.\",\"confidence\":" CONFIDENCE ",\"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true" CLAIM
#define RAISE "{\"root_cause\":\"It needs more memory.\",\"confidence\":0.9,\"action_type\":\"patch_resources\",\"risk_level\":\"low\",\"auto_remediate\":true" CLAIM

/* The newest record of what was asked in a role; the caller deletes it. */
static cJSON *use_of(const live *l, int64_t incident, const char *role)
{
	ns_store *st = live_record(l);
	ns_arena *ar = ns_arena_new();
	ns_fact_row *rows;
	size_t n;
	cJSON *found = NULL;
	must(ns_store_facts(st, ar, incident, &rows, &n, NULL), "no facts");
	while (n-- && !found) {
		cJSON *j = strcmp(rows[n].name, "usage") == 0 ? cJSON_Parse(rows[n].json) : NULL;
		if (j && strcmp(ns_json_str(j, "role", ""), role) == 0)
			found = j;
		else
			cJSON_Delete(j);
	}
	ns_arena_free(ar);
	ns_store_close(st);
	must(found, "nothing on record of the %s", role);
	return found;
}

/* The newest fact of that name; the caller deletes it. */
static cJSON *fact(const live *l, int64_t incident, const char *name)
{
	ns_store *st = live_record(l);
	ns_err err = {0};
	cJSON *j = ns_store_fact_latest(st, incident, name, NULL, &err);
	must(j, "%s: %s", name, err.text);
	ns_store_close(st);
	return j;
}
#endif
