/* A model service that says what a test wants, over real HTTP: one step per request, then the last step again. */
#ifndef TESTS_LLM_RIG_H
#define TESTS_LLM_RIG_H
#include <curl/curl.h>

#include "kube/script_server.h"
#include "neuroscale/llm/provider.h"
#include "neuroscale/model/json.h"

typedef enum step_kind {
	SAY,        /* status, headers, body with its true length */
	SSE,        /* 200, the body as an event stream, chunked, in small pieces */
	SSE_LIE,    /* the same with the content type application/json */
	SSE_CUT,    /* the same, closed without the last chunk */
	SSE_HANG,   /* the same, then silence */
	ENDLESS,    /* 200, the same event for ever */
	DRIP,       /* the same, with a pause after each */
	CHATTER,    /* 200, comments for ever and no word of an answer */
	SILENCE,    /* reads the request and says nothing */
	SLAM,       /* closes at once */
	SHORT,      /* promises more bytes than it sends */
	SHORT_HANG, /* the same, and leaves the line open */
	BIG         /* 200, one JSON string of a megabyte as content */
} step_kind;
typedef struct step {
	step_kind kind;
	int status;
	const char *headers, *body;
} step;

typedef struct rig {
	script_server server;
	const step *steps;
	size_t n_steps;
	pthread_mutex_t mu;
	char bodies[16][65536], heads[16][2048], targets[16][128];
	atomic_int requests;
	char told[512];
} rig;

#define GOOD_RCA                                                                                                                                       \
	"{\\\"root_cause\\\":\\\"x\\\",\\\"confidence\\\":0.9,\\\"action_type\\\":\\\"rollback\\\",\\\"risk_level\\\":\\\"low\\\","                     \
	"\\\"auto_remediate\\\":true,\\\"reasoning\\\":\\\"y\\\"}"
#define CHUNK(TEXT, FINISH) "data: {\"id\":\"chatcmpl-r1\",\"choices\":[{\"delta\":{\"content\":\"" TEXT "\"},\"finish_reason\":" FINISH ",\"index\":0}],\"usage\":null}\n\n"
#define LAST_CHUNK          "data: {\"id\":\"chatcmpl-r1\",\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120}}\n\n"
#define GOOD_SSE            CHUNK("he", "null") CHUNK("llo", "null") CHUNK("", "\"stop\"") LAST_CHUNK "data: [DONE]\n\n"
#define GOOD_BODY \
	"{\"id\":\"chatcmpl-r2\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},\"finish_reason\":\"stop\",\"index\":0}],"      \
	"\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120}}"

static inline bool rig_stream(int fd, const char *type, const char *body, bool end)
{
	char head[256];
	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", type);
	if (!script_send(fd, head, strlen(head)))
		return false;
	for (size_t n = strlen(body), i = 0; i < n; i += 7) /* pieces that respect no line */
		if (!script_chunk(fd, body + i, n - i < 7 ? n - i : 7))
			return false;
	return !end || script_send(fd, "0\r\n\r\n", 5);
}

static inline bool rig_for_ever(script_server *s, int fd, const char *event, unsigned pause_us)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
	if (!script_send(fd, head, sizeof head - 1))
		return false;
	while (!atomic_load(&s->stop) && script_chunk(fd, event, strlen(event)))
		usleep(pause_us);
	return false;
}

static inline bool rig_big(int fd)
{
	enum { N = 1 << 20 };
	static const char front[] = "{\"choices\":[{\"message\":{\"content\":\"", back[] = "\"},\"finish_reason\":\"stop\"}]}";
	char head[128], *x = malloc(N);
	memset(x, 'x', N);
	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof front - 1 + N + sizeof back - 1);
	bool ok = script_send(fd, head, strlen(head)) && script_send(fd, front, sizeof front - 1) && script_send(fd, x, N) &&
	          script_send(fd, back, sizeof back - 1);
	free(x);
	return ok;
}

static inline bool rig_handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	rig *r = s->ctx;
	pthread_mutex_lock(&r->mu);
	size_t k = (size_t)r->requests;
	if (k < 16) {
		snprintf(r->bodies[k], sizeof r->bodies[k], "%s", body);
		snprintf(r->heads[k], sizeof r->heads[k], "%s", head);
		snprintf(r->targets[k], sizeof r->targets[k], "%s", target);
	}
	r->requests++;
	const step *p = &r->steps[k < r->n_steps ? k : r->n_steps - 1];
	pthread_mutex_unlock(&r->mu);
	const char *h = p->headers ? p->headers : "";
	switch (p->kind) {
	case SAY: return script_answer(fd, p->status, h, p->body);
	case SSE: return rig_stream(fd, "text/event-stream", p->body, true);
	case SSE_LIE: return rig_stream(fd, "application/json", p->body, true);
	case SSE_CUT: rig_stream(fd, "text/event-stream", p->body, false); return false;
	case SSE_HANG:
		rig_stream(fd, "text/event-stream", p->body, false);
		script_hold(s, fd);
		return false;
	case ENDLESS: return rig_for_ever(s, fd, p->body, 200);
	case DRIP: return rig_for_ever(s, fd, p->body, 20000);
	case CHATTER: return rig_for_ever(s, fd, ": still here\n\n", 200);
	case SILENCE: script_hold(s, fd); return false;
	case SHORT:
	case SHORT_HANG: {
		char line[200];
		snprintf(line, sizeof line, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n", p->status, strlen(p->body) + 1000);
		script_send(fd, line, strlen(line));
		script_send(fd, p->body, strlen(p->body));
		if (p->kind == SHORT_HANG)
			script_hold(s, fd);
		return false;
	}
	case BIG: return rig_big(fd);
	case SLAM: break;
	}
	return false;
}

static inline void rig_start(rig *r, const step *steps, size_t n)
{
	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->mu, NULL);
	r->steps = steps;
	r->n_steps = n;
	script_start(&r->server, rig_handle, r);
}

static inline void rig_stop(rig *r)
{
	script_stop(&r->server);
	pthread_mutex_destroy(&r->mu);
}

static inline void rig_told(void *ctx, const char *words)
{
	rig *r = ctx;
	pthread_mutex_lock(&r->mu);
	size_t n = strlen(r->told);
	snprintf(r->told + n, sizeof r->told - n, "%s\n", words);
	pthread_mutex_unlock(&r->mu);
}

/* Time-outs that a test can wait for and a loaded machine keeps: what must be fast is fast, what must break them waits for ever. */
static inline ns_llm_opts rig_opts(rig *r, char url[64])
{
	static const char *const models[] = {"qwen-a", "qwen-b", NULL};
	static const char *const vectors[] = {"text-embedding-a", "text-embedding-b", NULL};
	ns_llm_opts o = ns_llm_defaults;
	snprintf(url, 64, "http://127.0.0.1:%d/v1", r->server.port);
	o.base_url = url;
	o.models[NS_LLM_ANALYZER] = o.models[NS_LLM_ESCALATION] = models;
	o.models[NS_LLM_PLANNER] = vectors;
	o.begin_ms = 4000;
	o.gap_ms = 3000;
	o.total_ms = 8000;
	o.retry_ms = 1;
	o.tell = rig_told;
	o.tell_ctx = r;
	return o;
}
#endif
