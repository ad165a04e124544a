/* An API server that says exactly what a test of the collection wants, and the pieces of a Deployment "web". */
#ifndef TESTS_AGENTS_ANALYZER_API_H
#define TESTS_AGENTS_ANALYZER_API_H
#include <unistd.h>

#include "kube/script_server.h"
#include "neuroscale/agents/analyzer.h"
#include "neuroscale/model/yaml.h"

#define NOW        "2026-11-23T03:00:00Z"
#define MAX_ROUTES 24

typedef struct route {
	const char *part; /* of the target; the first route that matches answers */
	int status;
	char *body;
} route;

typedef struct api {
	script_server server;
	route routes[MAX_ROUTES];
	size_t n;
	char asked[8192]; /* every target, a line each */
	ns_clock *clock;
	ns_kubeconfig *cfg;
	ns_kube_stats stats;
	ns_kube_client *client;
	char file[64];
} api;

static inline bool answer(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	api *a = s->ctx;
	size_t used = strlen(a->asked);
	snprintf(a->asked + used, sizeof a->asked - used, "%s %s\n", method, target);
	for (size_t i = 0; i < a->n; i++)
		if (strstr(target, a->routes[i].part))
			return script_answer(fd, a->routes[i].status, "", a->routes[i].body);
	return script_answer(
	    fd, 404, "", "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"message\":\"not found\",\"code\":404}");
}

static inline void raw(api *a, const char *part, int status, const char *body)
{
	a->routes[a->n++] = (route){part, status, strdup(body)};
}

static inline void yaml(api *a, const char *part, const char *text)
{
	ns_err err = {0};
	cJSON *j = ns_yaml_parse(text, strlen(text), part, 0, 0, &err);
	if (!j)
		fail_msg("%s", err.text);
	char *json = ns_json_text(j);
	raw(a, part, 200, json);
	free(json);
	cJSON_Delete(j);
}

static inline void forbid(api *a, const char *part)
{
	raw(a, part, 403,
	    "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\",\"message\":\"is forbidden: user x "
	    "cannot\",\"code\":403}");
}

static inline api *open_api(void)
{
	api *a = calloc(1, sizeof *a);
	ns_err err = {0};
	int64_t now;
	assert_true(ns_time_parse(NOW, &now));
	script_start(&a->server, answer, a);
	a->clock = ns_clock_manual(now, 5000);
	snprintf(a->file, sizeof a->file, "/tmp/ns-analyzer-api-%d", (int)getpid());
	FILE *f = fopen(a->file, "w");
	fprintf(f,
	    "apiVersion: v1\nkind: Config\ncurrent-context: t\ncontexts: [{name: t, context: {cluster: t, user: t}}]\nusers: [{name: t, "
	    "user: {}}]\n"
	    "clusters: [{name: t, cluster: {server: 'http://127.0.0.1:%d'}}]\n",
	    a->server.port);
	fclose(f);
	a->cfg = ns_kubeconfig_load(a->file, NULL, &err);
	if (!a->cfg)
		fail_msg("%s", err.text);
	a->client = ns_kube_client_new(a->cfg, &a->stats, NULL, &err);
	assert_non_null(a->client);
	return a;
}

static inline void close_api(api *a)
{
	ns_kube_client_free(a->client);
	ns_kubeconfig_free(a->cfg);
	script_stop(&a->server);
	ns_clock_free(a->clock);
	for (size_t i = 0; i < a->n; i++)
		free(a->routes[i].body);
	unlink(a->file);
	free(a);
}

static inline ns_alert alert_of(api *a, ns_kind kind, const char *workload_kind, const char *name)
{
	int64_t now = ns_clock_wall_ms(a->clock);
	return (ns_alert){.kind = kind,
	    .target = {"t", "shop", workload_kind, name, "d1"},
	    .container = "",
	    .reason = "",
	    .message = "",
	    .first_ms = now - 60000,
	    .seen_ms = now,
	    .policy = "",
	    .rule = "",
	    .object_uid = ""};
}

static inline ns_case *collect(api *a, ns_arena *ar, const ns_alert *al, ns_err *err)
{
	const ns_collect_opts o = {.clock = a->clock, .exception_ns = "", .cost_now = -1, .cost_before = -1, .efficiency = -1};
	return ns_case_collect(ar, a->client, al, &o, err);
}

static inline const ns_evidence *find(const ns_case *c, ns_ev_kind kind, const char *part)
{
	for (size_t i = 0; i < c->n_evidence; i++)
		if (c->evidence[i].kind == kind && strstr(c->evidence[i].text, part))
			return &c->evidence[i];
	return NULL;
}

/* ---- the pieces of a Deployment "web" ---- */

#define TEMPLATE(image)                                                                                                                    \
	"{metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: '" image                                                  \
	"', env: [{name: DB_PASSWORD, value: hunter2secret}], resources: {limits: {memory: 128Mi}}}]}}"
#define DEPLOYMENT(image, extra)                                                                                                           \
	"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, uid: d1, generation: 6, resourceVersion: "         \
	"'99'" extra "},"                                                                                                                  \
	" spec: {replicas: 3, progressDeadlineSeconds: 600, selector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: " \
	"NotIn, values: [x, y]}]}, template: " TEMPLATE(                                                                                   \
	    image) "},"                                                                                                                    \
	           " status: {observedGeneration: 6, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3, "            \
	           "conditions: [{type: Progressing, status: 'True', reason: ReplicaSetUpdated, message: m}]}}"
#define REPLICASET(name, uid, owner, hash, rev, at, replicas, ready, template)                                                             \
	"{metadata: {name: " name ", uid: " uid ", creationTimestamp: '" at "', labels: {app: web, pod-template-hash: " hash               \
	"}, annotations: {deployment.kubernetes.io/revision: '" rev "'},"                                                                  \
	" ownerReferences: [{kind: Deployment, name: web, uid: " owner ", controller: true}]},"                                            \
	" spec: {replicas: " replicas ", selector: {matchLabels: {app: web, pod-template-hash: " hash                                      \
	"}}, template: " template "}, status: {replicas: " replicas ", readyReplicas: " ready "}}"
#define POD(name, uid, owner, status)                                                                                                      \
	"{metadata: {name: " name ", uid: " uid ", namespace: shop, labels: {app: web}, ownerReferences: [{kind: ReplicaSet, uid: " owner  \
	", controller: true}]},"                                                                                                           \
	" spec: {nodeName: n1, containers: [{name: app, image: 'web:2', resources: {limits: {memory: 128Mi}, requests: {memory: 64Mi, "    \
	"cpu: 100m}}}]}, status: {phase: Running, containerStatuses: [" status "]}}"
#define LOOPING                                                                                                                            \
	"{name: app, ready: false, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff, message: back-off}},"                      \
	" lastState: {terminated: {exitCode: 1, reason: Error, startedAt: '2026-11-23T02:58:00Z', finishedAt: '2026-11-23T02:58:03Z'}}}"

static inline void usual(api *a, const char *extra_pod)
{
	char text[4096];
	yaml(a, "/deployments/web", DEPLOYMENT("web:2", ""));
	yaml(a, "/replicasets?",
	    "{items: [" REPLICASET("web-1", "r1", "d1", "h1", "5", "2026-11-01T00:00:00Z", "3", "3", TEMPLATE("web:1")) "," REPLICASET(
	        "web-2", "r2", "d1", "h2", "6", "2026-11-23T02:50:00Z", "1", "0", TEMPLATE("web:2")) "]}");
	snprintf(text, sizeof text, "{items: [%s%s%s]}", POD("web-2-a", "p1", "r2", LOOPING), *extra_pod ? "," : "", extra_pod);
	yaml(a, "/pods?", text);
}

#endif
