/* Inside the llm room: the parts of the provider. */
#ifndef NEUROSCALE_LLM_PROVIDER_PRIV_H
#define NEUROSCALE_LLM_PROVIDER_PRIV_H
#include <pthread.h>
#include "neuroscale/llm/provider.h"
#include "neuroscale/model/json.h"

/* ---- models.c: what is known of names ---- */
typedef enum llm_form { LLM_SCHEMA, LLM_OBJECT, LLM_PLAIN } llm_form; /* how the answer's form is asked for; each falls to the next */
llm_form llm_model_form(const char *model);
bool llm_model_takes_thinking(const char *model, const char *base_url); /* the field enable_thinking means something there */
size_t llm_model_batch(const char *model);                              /* rows of one embeddings call */
bool llm_model_takes_dimensions(const char *model);

/* ---- request.c: bodies ---- */
char *llm_chat_body(const ns_llm_opts *o, const char *model, llm_form form, bool thinking_field, const ns_llm_ask *ask); /* caller frees */
char *llm_embed_body(const ns_llm_opts *o, const char *model, const char *const *texts, size_t n);
int64_t llm_tokens(const char *s); /* estimate, never too low by much */

/* ---- failure.c: what an error answer means ---- */
typedef enum llm_verdict {
	LLM_RETRY, LLM_RETRY_ONCE, LLM_NEXT_MODEL, LLM_NEXT_FORM, LLM_NO_THINKING, LLM_STOP_KEY, LLM_STOP_MONEY, LLM_STOP_FILTER, LLM_STOP
} llm_verdict;
typedef struct llm_failure {
	llm_verdict verdict;
	char code[64], request_id[96];
	char words[256]; /* cleaned, redacted, without the provider's prefix */
} llm_failure;
/* The body may be JSON of either envelope, an SSE frame, a proxy's HTML, or nothing. status 200: an error inside a stream. */
void llm_failure_read(long status, const char *body, size_t n, llm_failure *out);

/* ---- collect.c: an answer from its stream or its body ---- */
typedef struct llm_collect {
	ns_buf content;
	char request_id[96], finish[24];
	int64_t prompt, completion, cached;
	bool has_usage, done, progress; /* done: finished as it should; progress: set whenever enough text came, the reader clears it */
	bool begun;                     /* some text came */
	size_t unheard;                 /* bytes since the last progress */
	bool broken;                    /* not what a model service says */
	bool failed;                    /* an error inside the stream: failure */
	llm_failure failure;
	size_t max;
} llm_collect;
/* One event of a stream. False: the stream is over, for good or bad. */
bool llm_collect_event(void *c, const char *name, int status, const char *data, size_t n);
void llm_collect_body(llm_collect *c, const char *body, size_t n); /* a whole answer */
void llm_collect_free(llm_collect *c);

/* ---- provider.c: half to one and a half times the pause, so that many clients do not come back together ---- */
int64_t llm_jitter(int64_t ms);

/* ---- http.c: one POST ---- */
/* NEVER: it would fail the same way again (a certificate that is not trusted, a CA file that cannot be read). */
typedef enum llm_end { LLM_END_OK, LLM_END_DOWN, LLM_END_NEVER, LLM_END_SLOW, LLM_END_CUT, LLM_END_BIG, LLM_END_CANCELLED } llm_end;
typedef struct llm_exchange {
	/* in */
	const char *url, *body;
	const ns_secret *key;
	const char *ca_file;
	bool stream;                 /* we want an event stream */
	int connect_ms, gap_ms;
	int64_t begin_by, end_by;    /* real mono */
	size_t max_bytes;
	/* Bytes of a 200 answer of this kind; false: enough. *progress: the model said something. */
	bool (*on_bytes)(void *ctx, bool event_stream, const char *p, size_t n, bool *progress);
	void *ctx;
	const ns_cancel *cancel;
	/* out */
	long status;                 /* 0 none */
	bool sent;                   /* something of the request left */
	llm_end end;
	int64_t retry_after_ms;      /* -1 none */
	char request_id[96];
	ns_buf error_body;           /* of any other status, at most 64 KiB */
	char words[256];             /* why, unless LLM_END_OK */
} llm_exchange;
void llm_post(llm_exchange *x);
void llm_exchange_free(llm_exchange *x);

/* ---- provider.c: what calls share ---- */
enum { LLM_MODELS = 8 };
typedef struct llm_model { char name[96]; bool gone; llm_form form; bool thinking; int64_t cool_until; } llm_model;
typedef struct llm_role_state { llm_model models[LLM_MODELS]; size_t n; } llm_role_state;
struct ns_llm {
	ns_llm_opts o;
	char *base_url, *ca_file;
	pthread_mutex_t mu; /* everything below */
	llm_role_state roles[NS_LLM_ROLES];
	int64_t held_until;
	ns_llm_trouble held_for, trouble;
	char words[200];
	int64_t calls, failures;
	int in_a_row; /* calls that ended down or slow, one after the other */
};
typedef struct llm_outcome {
	ns_llm_trouble trouble; /* NS_LLM_FINE: an answer; NS_LLM_DOWN: it broke off */
	const char *words;      /* static, why it is none */
	bool failed;            /* it is an error: failure */
	llm_failure failure;
} llm_outcome;
/* One question, whatever its kind, put to the models of a role until one answers or time is over. */
typedef struct llm_call {
	ns_llm_role role;
	const char *path;           /* "/chat/completions" */
	bool stream;
	int64_t begin_by, end_by;
	int64_t incident, tokens;   /* estimate, for the budget */
	char *(*body)(void *ctx, const ns_llm *l, const llm_model *m); /* caller frees */
	void (*restart)(void *ctx, const llm_model *m);                /* forget what came of the attempt before */
	bool (*on_bytes)(void *ctx, bool event_stream, const char *p, size_t n, bool *progress);
	void (*finish)(void *ctx, ns_llm_answer *a, ns_llm_usage *u, llm_outcome *o); /* what the bytes of a 200 answer are */
	void *ctx;
} llm_call;
bool llm_run(ns_llm *l, const llm_call *c, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err);
#endif
