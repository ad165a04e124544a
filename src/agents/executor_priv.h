/* Inside the executor: an order is a plan's command that passed every check; only orders reach a spawn. */
#ifndef NEUROSCALE_AGENTS_EXECUTOR_PRIV_H
#define NEUROSCALE_AGENTS_EXECUTOR_PRIV_H
#include "neuroscale/agents/executor.h"
#include "neuroscale/model/k8s.h"

struct ns_executor {
	const ns_kubeconfig *cfg;
	const ns_spawner *spawner;
	const ns_cancel *cancel;
	const ns_clock *clock;
	int deadline_ms;
	const char *const *protected_ns;
	char *kubectl, *kubeconfig, *home, *cache, *locks;
	char **envp;
};

/* ---- executor_argv.c: shapes in, argv out ---- */
typedef enum ns_verb { NS_VERB_PATCH, NS_VERB_CREATE } ns_verb;
typedef enum ns_subject { NS_SUBJECT_DEPLOYMENT, NS_SUBJECT_EXCEPTION } ns_subject;
/* What a permitted argv says, read back from it. */
typedef struct ns_meaning {
	ns_verb verb;
	ns_subject subject;
	bool cel;                       /* a patch of an exception of policies.kyverno.io */
	char ns[64], name[NS_K8S_NAME]; /* name "" for create: the body has it */
} ns_meaning;
bool ns_argv_meaning(const char *const *argv, const char *const *protected_ns, ns_meaning *out, const char **why);
/* The whole argv as kubectl gets it, in the arena, NULL-terminated. */
const char **ns_argv_build(ns_arena *ar, const ns_executor *e, const char *const *argv, bool dry_run);
/* Every flag that any kubectl is ever given, once per verb: what a kubectl must know. */
void ns_argv_each_flag(void (*fn)(void *ctx, const char *verb, const char *flag), void *ctx);
/* One line for the screen: quoted for a shell, redacted, capped. */
const char *ns_argv_show(ns_arena *ar, const ns_executor *e, const char *const *argv, const char *body);

/* ---- executor_body.c: what a body may say ---- */
/* Parses the command's body and holds it to the table of its action. NULL with err; else the parsed body, caller's. */
cJSON *ns_body_check(const ns_plan *p, const ns_command *cmd, const ns_meaning *m, const char *const *protected_ns, ns_err *err);
/* The operations with `test` on uid and resourceVersion in front (law 5); caller frees. */
char *ns_body_locked(const cJSON *ops, const char *uid, const char *resource_version);

/* ---- executor_patch.c: RFC 6902 (add, remove, replace, test) on a copy ---- */
cJSON *ns_patch_apply(const cJSON *doc, const cJSON *ops, ns_err *err);
const cJSON *ns_patch_find(const cJSON *doc, const char *pointer); /* what the pointer names, NULL nothing */

/* ---- executor_kubectl.c: the child and what its words mean ---- */
typedef struct ns_kubectl_class {
	ns_code code;
	bool retryable;
	bool in_doubt; /* the change may have been made all the same */
} ns_kubectl_class;
ns_kubectl_class ns_kubectl_classify(const char *err_out);
typedef struct ns_answer {
	bool started, cut_off; /* cut_off: killed, timed out, cancelled: nobody knows what it did */
	bool ok;               /* exit 0 and a complete object */
	int exit_code;
	ns_kubectl_class cls;  /* when not ok */
	cJSON *object;         /* when ok; free with ns_answer_free */
	const char *error;     /* sanitised, in the arena, "" fine */
	const char *warnings;  /* "Warning: " lines, sanitised, "" none */
} ns_answer;
void ns_kubectl_run(const ns_executor *e, ns_arena *ar, const char *const *argv, const char *body, bool dry_run, int lock_fd, ns_answer *out);
void ns_answer_free(ns_answer *a);
/* An API warning that means the object will have no effect (Kyverno), NULL when none. */
const char *ns_kubectl_fatal_warning(const char *warnings);
/* Redacted, sanitised, capped; in the arena. */
const char *ns_say_clean(ns_arena *ar, const char *s, size_t n, size_t max_bytes, bool keep_lines);
char **ns_kubectl_environment(const char *home, const char *const *parent); /* allow-list; caller frees by ns_strv_free */
void ns_strv_free(char **v);

/* ---- executor_order.c: from plan to order, and the live object under it ---- */
typedef struct ns_order {
	const ns_plan *plan;
	bool undo;
	const ns_command *cmd, *inverse; /* inverse: the other of command and undo; argv may be NULL */
	ns_meaning m;
	cJSON *body;                     /* parsed and checked */
	const char *object_path;         /* of what the command touches */
	const char *target_path;         /* of the plan's workload */
} ns_order;
bool ns_order_make(ns_order *o, ns_arena *ar, const ns_executor *e, const ns_plan *p, bool undo, ns_err *err);
void ns_order_free(ns_order *o);
typedef struct ns_live {
	cJSON *object;                   /* what is there now; NULL for a create */
	const char *uid, *resource_version; /* of the object that is locked; "" for a create */
	const char *pinned_uid;          /* of the plan's workload, or of the exception for its undo */
	int64_t generation;
} ns_live;
/* Reads it and holds it to the plan: pinned uid, expected generation, nothing there for a create. NS_E_CONFLICT: re-plan. */
bool ns_order_read(const ns_order *o, ns_arena *ar, ns_kube_client *c, ns_live *live, ns_err *err);
void ns_live_free(ns_live *l);
/* The answer is that object and no other. */
bool ns_order_answered(const ns_order *o, const ns_live *live, const cJSON *answer, ns_err *err);
/* What is sent by stdin; caller frees. */
char *ns_order_text(const ns_order *o, const ns_live *live);
#endif
