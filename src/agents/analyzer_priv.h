/* Inside the analyzer: one collection in the making. analyzer.c leads it, analyzer_workload.c reads the target and its history,
 * analyzer_proof.c which revisions are its own, analyzer_owner.c who else writes it, analyzer_bounds.c what else bounds a change of it, analyzer_pods.c what runs, analyzer_texts.c events and logs, analyzer_reports.c policy
 * and cost, analyzer_diff.c words for a difference of templates, analyzer_hash.c the case's hash. */
#ifndef NEUROSCALE_AGENTS_ANALYZER_PRIV_H
#define NEUROSCALE_AGENTS_ANALYZER_PRIV_H
#include "neuroscale/agents/analyzer.h"

#define NS_COLLECT_EVIDENCE  60
#define NS_COLLECT_LOGS      40
#define NS_COLLECT_REVISIONS 10
#define NS_COLLECT_NODES     3

typedef struct ns_collector {
	ns_arena *ar;
	ns_kube_client *client;
	const ns_alert *a;
	const ns_collect_opts *o;
	ns_case *c;
	cJSON *target, *replicasets, *pods; /* lists as answered; NULL when they could not be read */
	const cJSON *pod;                   /* the member that shows the failure best, in pods */
	const char *failing;                /* name of its failing container, "" none */
	const char *reasons[32];            /* distinct reasons of warning events, for the hash */
	size_t n_reasons;
	bool gone; /* the cluster cannot be reached: nothing more is asked */
	ns_err err;
} ns_collector;

/* GET; a failure becomes a NOTE ("events could not be read: …") unless `what` is NULL. NULL on failure; an unreachable cluster sets
 * k->gone. */
cJSON *ns_collect_get(ns_collector *k, const char *path, const char *what, ns_code *code);
/* Appends evidence with the next number; the text is redacted and made one line. Over the cap it is dropped. */
void ns_collect_add(ns_collector *k, ns_ev_kind kind, bool trusted, int64_t at_ms, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
const char *ns_collect_clean(ns_collector *k, const char *s, size_t max); /* redacted, one line, in the arena */
int64_t ns_collect_time(const cJSON *j, const char *path);                /* 0 when absent or malformed */
bool ns_collect_controlled_by(const cJSON *obj, const char *uid);         /* its controller reference has that uid */

bool ns_collect_target(ns_collector *k, ns_err *err); /* false: conflict or unreachable */
void ns_collect_manager(ns_collector *k); /* managed_by, from the target's own marks */
void ns_collect_history(ns_collector *k);
void ns_collect_owner(ns_collector *k); /* after the history: the Application that deploys it */
/* Is it a revision of this Deployment: owner, selector, hash and a template that its controller wrote. */
bool ns_replicaset_own(const cJSON *deployment, const cJSON *rs);
/* Marks the revision that has this template as current, and drops what cannot be an earlier one (a number twice, or made after what runs).
 * How many were dropped. reused: was this one gone back to? */
size_t ns_revisions_settle(ns_case *c, const char *template_json, bool (*reused)(const ns_revision *r, void *ctx), void *ctx);
void ns_collect_proof(ns_collector *k); /* after the pods: which revisions serve now */
void ns_collect_surroundings(ns_collector *k); /* namespace */
void ns_collect_bounds(ns_collector *k);       /* autoscalers, LimitRanges, quotas, disruption budgets */
void ns_collect_pods(ns_collector *k);
void ns_collect_nodes(ns_collector *k);
void ns_collect_events(ns_collector *k);
void ns_collect_logs(ns_collector *k);
void ns_collect_policy(ns_collector *k);
void ns_collect_cost(ns_collector *k);
void ns_collect_hash(ns_collector *k);

/* "/api/v1/namespaces/NS/pods" and its like, by kind; "" for a kind that we do not know. */
const char *ns_collect_path(ns_arena *ar, const char *kind, const char *ns, const char *name);
/* A label selector ("a=b,c in (d)") of spec.selector, percent-encoded; "" when there is none (which would select everything). */
const char *ns_collect_selector(ns_arena *ar, const cJSON *selector);
/* The template without pod-template-hash. Caller: cJSON_Delete. */
cJSON *ns_template_plain(const cJSON *template);
/* Words for what changed from `old` to `now`, clauses joined by "; " (the grammar is in llm/analyst.h); "" when equal. safe: whether it
 * touches image, command, args, env, probes or resources only. */
const char *ns_template_changes(ns_arena *ar, const cJSON *old, const cJSON *now, bool *safe);
#endif
