/* A model service in OpenAI-compatible form: DashScope, or any other (vLLM, Ollama, a gateway). Roles map to models with fallbacks; a withdrawn
 * or unknown model falls to the next one and says so once. One object serves all threads; calls block the caller's thread and end soon when
 * its cancel object fires.
 *
 * The time law of a chat: an answer must begin within begin_ms of the call, retries and fallback models included; after that each
 * gap_ms must bring 128 bytes more of it, and total_ms all. begin_ms and gap_ms together are five seconds, so a model that does not begin, or
 * begins and stalls or drips, has cost an incident no more than that. */
#ifndef NEUROSCALE_LLM_PROVIDER_H
#define NEUROSCALE_LLM_PROVIDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/cancel.h"
#include "neuroscale/llm/budget.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/spawn.h"

typedef enum ns_llm_role {
	NS_LLM_ANALYZER,   /* root cause: a strong model */
	NS_LLM_PLANNER,    /* retrieval: an embedding model */
	NS_LLM_ESCALATION, /* the card's summary: a cheap model */
	NS_LLM_ROLES
} ns_llm_role;
const char *ns_llm_role_name(ns_llm_role r); /* "analyzer" "planner" "escalation" */
/* The models that ship as default for a role, best first, NULL-terminated. */
const char *const *ns_llm_default_models(ns_llm_role r);

typedef struct ns_llm_opts {
	const char *base_url;                          /* "https://…/compatible-mode/v1"; plain http only to loopback, or without a key */
	const char *const *models[NS_LLM_ROLES];       /* NULL-terminated; NULL or empty: the defaults */
	const ns_secret *key;                          /* borrowed; NULL: no Authorization header */
	const char *ca_file;                           /* PEM, "" the system's */
	int connect_ms, begin_ms, gap_ms, total_ms;    /* 2000, 3000, 2000, 30000 */
	int index_ms;                                  /* whole time-out of one embeddings call, 20000; of one with a single text: begin_ms */
	int retry_ms;                                  /* first pause before a retry, doubled each time, with jitter: 400 */
	int hold_ms;                                   /* how long nothing is asked after a refused key or an account in debt, 300000 */
	int max_tokens;                                /* of an answer, 1200 */
	size_t max_reply;                              /* bytes of an answer with all its framing, 2 MiB */
	int dimensions;                                /* of embeddings, 1024 */
	ns_budget *budget;                             /* may be NULL */
	const ns_prices *prices;                       /* may be NULL: then money is not counted */
	const ns_clock *clock;                         /* for the budget's windows; HTTP runs on real time */
	void (*tell)(void *ctx, const char *words);    /* what a person should know once ("model x is gone, y is used instead"); any thread */
	void *tell_ctx;
} ns_llm_opts;
extern const ns_llm_opts ns_llm_defaults;

typedef struct ns_llm ns_llm;
/* NS_E_INVALID for a base URL that is none, NS_E_DENIED for a key over plain http to another machine. Copies strings, borrows the rest. */
ns_llm *ns_llm_new(const ns_llm_opts *o, ns_err *err);
void ns_llm_free(ns_llm *l);
/* Who is told from now on, in place of the options' tell; NULL nobody. A call that is under way may still tell the former one. */
void ns_llm_listen(ns_llm *l, void (*tell)(void *ctx, const char *words), void *ctx);

typedef enum ns_llm_trouble {
	NS_LLM_FINE,
	NS_LLM_DOWN,      /* no connection, 5xx, a proxy's page, an answer cut off */
	NS_LLM_SLOW,      /* a time-out of the time law */
	NS_LLM_THROTTLED, /* 429 for longer than we may wait */
	NS_LLM_MONEY,     /* the account is in debt, or has not bought this */
	NS_LLM_KEY,       /* the key is refused: wrong, expired, or of another region */
	NS_LLM_MODEL,     /* none of the role's models is there */
	NS_LLM_FILTERED,  /* the content filter refused question or answer */
	NS_LLM_WRONG,     /* an answer that is none: not JSON, too big, cut by its token limit, refused parameters */
	NS_LLM_BUDGET,    /* our own governor says no */
	NS_LLM_CANCELLED
} ns_llm_trouble;
const char *ns_llm_trouble_words(ns_llm_trouble t); /* "the model is slow" */

typedef struct ns_llm_ask {
	const char *system, *user;
	const char *schema_name, *schema; /* JSON schema of the answer, NULL: plain text */
	int64_t incident;                 /* for the budget */
	int64_t began_ms;                 /* real mono, 0 now: when the time law began, of a question that is put a second way */
} ns_llm_ask;

typedef struct ns_llm_usage { int64_t prompt, completion, cached, micro_usd; bool estimated; } ns_llm_usage;
typedef struct ns_llm_answer {
	ns_buf text;           /* any bytes */
	char model[96];        /* the one that answered */
	char request_id[96];   /* to quote to the provider's support, "" none; also of the last failure */
	ns_llm_usage usage;    /* of all attempts together */
	int attempts;
	int64_t elapsed_ms;    /* real */
	ns_llm_trouble trouble;
} ns_llm_answer;
void ns_llm_answer_free(ns_llm_answer *a);

/* False with err and a->trouble. *a is overwritten; the caller frees it either way. */
bool ns_llm_chat(ns_llm *l, ns_llm_role role, const ns_llm_ask *ask, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err);

/* The smallest question there is: does the service answer, with this key and these models? For `doctor`. */
bool ns_llm_ping(ns_llm *l, const ns_cancel *cancel, ns_llm_answer *a, ns_err *err);

/* Vectors of n texts, which are redacted here, in their order: *out holds n * *dim floats of length 1; caller frees. Empty texts get zero vectors and are not sent. model
 * is who made them: vectors of different models do not mix, so a fallback inside one call starts the call anew. a->text stays empty. */
bool ns_llm_embed(ns_llm *l, const char *const *texts, size_t n, int64_t incident, const ns_cancel *cancel, float **out, size_t *dim, ns_llm_answer *a,
    ns_err *err);

/* For the screen. */
typedef struct ns_llm_view {
	char model[NS_LLM_ROLES][96];   /* the next to be asked */
	ns_llm_trouble trouble;         /* of the last call */
	char words[200];                /* of it, "" none */
	int64_t held_ms;                /* nothing is asked for so much longer, 0 */
	int64_t calls, failures;
} ns_llm_view;
void ns_llm_look(ns_llm *l, ns_llm_view *out);

/* ---- the key ---- */
typedef struct ns_llm_key_opts {
	const char *file;               /* "" none: must be ours and closed to others (0600) */
	const char *const *command;     /* argv with an absolute path, NULL none; first line of its output */
	const char *(*getenv)(const char *name); /* NULL: the process's */
	const ns_spawner *spawner;      /* for command */
	const char *home;               /* for ~/.dashscope/api_key, NULL none */
} ns_llm_key_opts;
/* The first of: file, command, DASHSCOPE_API_KEY, the file DASHSCOPE_API_KEY_FILE_PATH names, ~/.dashscope/api_key. Never argv: `ps` shows it. NULL with
 * NS_E_NOTFOUND when there is none; any other error means that the one named first cannot be used, and no other is taken for it. */
ns_secret *ns_llm_key_load(const ns_llm_key_opts *o, const ns_cancel *cancel, ns_err *err);
#endif
