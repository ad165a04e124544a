/* What the cluster has that we can use, and the services beside it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor_priv.h"
#include "model.h"
#include "neuroscale/base/text.h"
#include "neuroscale/cost/cost.h"
#include "neuroscale/model/vocab.h"

/* GETs below the API server. NULL: *missing tells an API that is not there from a failure, which is a line already. */
static cJSON *get(doctor_run *r, const char *path, bool *missing)
{
	ns_err err = {0};
	ns_kube_client *c = ns_kube_client_new(r->t->kc, NULL, r->cancel, &err);
	cJSON *j = c ? ns_kube_get(c, path, &err) : NULL;
	*missing = !j && err.code == NS_E_NOTFOUND;
	if (!j && !*missing)
		doctor_fail_err(r, &err, "");
	ns_kube_client_free(c);
	return j;
}

/* "v2, v1" of an API group, NULL when it is not served (or a line says why that is not known: r->n grew). */
static const char *versions(doctor_run *r, const char *group)
{
	bool missing;
	ns_buf b = NS_BUF_INIT;
	cJSON *j = get(r, ns_arena_printf(r->ar, "/apis/%s", group), &missing);
	if (!j)
		return NULL;
	ns_json_each(v, ns_json_get(j, "versions")) ns_buf_printf(&b, "%s%s", b.len ? ", " : "", ns_json_str(v, "version", "?"));
	cJSON_Delete(j);
	return ns_arena_take(r->ar, &b);
}

/* ---- Kyverno ---- */

static bool serves(doctor_run *r, const char *group_version, const char *resource)
{
	bool missing, there = false;
	cJSON *j = get(r, ns_arena_printf(r->ar, "/apis/%s", group_version), &missing);
	ns_json_each(x, ns_json_get(j, "resources")) there |= strcmp(ns_json_str(x, "name", ""), resource) == 0;
	cJSON_Delete(j);
	return there;
}

static const char *flag(const cJSON *args, const char *name)
{
	size_t n = strlen(name);
	ns_json_each(
	    a, args) if (cJSON_IsString(a) && !strncmp(a->valuestring, name, n) && a->valuestring[n] == '=') return a->valuestring +
	    n + 1;
	return NULL;
}

/* The admission controller's flags tell whether exceptions are processed, and where. */
static void exceptions(doctor_run *r, const char *version)
{
	static const char path[] =
	    "/apis/apps/v1/namespaces/kyverno/deployments?labelSelector=app.kubernetes.io%2Fcomponent%3Dadmission-controller";
	bool missing, off = false, found = false;
	const char *ns = NULL, *set = r->t->cfg->exception_ns;
	cJSON *list = get(r, path, &missing);
	if (!list)
		return;
	ns_json_each(d, ns_json_get(list, "items")) ns_json_each(c, ns_json_path(d, "spec.template.spec.containers"))
	{
		const cJSON *args = ns_json_get(c, "args");
		const char *enabled = flag(args, "--enablePolicyException"), *where = flag(args, "--exceptionNamespace");
		found = true;
		off |= enabled && strcmp(enabled, "false") == 0;
		if (where && *where)
			ns = ns_arena_strdup(r->ar, where);
	}
	cJSON_Delete(list);
	if (off)
		doctor_warn(r,
		    "--enablePolicyException=true at its admission controller, or take policy_exception out of --allowed-actions",
		    "%s, but it does not process exceptions", version);
	else if (*set && ns && strcmp(ns, "*") != 0 && strcmp(ns, set) != 0)
		doctor_warn(r, ns_arena_printf(r->ar, "--exception-namespace %s", ns),
		    "%s takes exceptions in %s, and --exception-namespace says %s: they would have no effect", version, ns, set);
	else if (ns)
		doctor_ok(r, "%s, takes exceptions in %s", version, strcmp(ns, "*") ? ns : "every namespace");
	else if (found && !*set)
		doctor_warn(r, "--exceptionNamespace at its admission controller",
		    "%s, with no namespace for exceptions: in recent versions they have no effect", version);
	else
		doctor_ok(r, "%s%s", version,
		    *set ? ns_arena_printf(r->ar, ", exceptions in %s as configured", set)
		         : ", where it takes exceptions cannot be told: --exception-namespace names it");
}

void doctor_apis_kyverno(doctor_run *r)
{
	static const char *const wanted[] = {"kyverno.io/v2", "kyverno.io/v2beta1"};
	const char *served = versions(r, "kyverno.io"), *version = NULL;
	for (size_t i = 0; served && i < sizeof wanted / sizeof *wanted && !version; i++)
		if (serves(r, wanted[i], "policyexceptions"))
			version = wanted[i];
	bool allowed = ns_listed(ns_action_get(NS_ACT_POLICY_EXCEPTION)->name, r->t->cfg->allowed_actions);
	r->n = served ? 0 : r->n; /* a version that is not there is no failure */
	if (!served && !r->n)
		doctor_skip(r, "not installed: no policy violations, no policy_exception");
	else if (served && !version)
		doctor_warn(
		    r, "Kyverno 1.11 or newer", "kyverno.io %s, without PolicyException v2 or v2beta1: no policy_exception", served);
	else if (served && !allowed)
		doctor_ok(r, "PolicyException %s; --allowed-actions leaves it out", version);
	else if (served)
		exceptions(r, ns_arena_printf(r->ar, "PolicyException %s", version));
}

/* ---- what is there or not ---- */

static void presence(doctor_run *r, const char *const *groups, const char *without)
{
	ns_buf b = NS_BUF_INIT;
	for (; *groups; groups++) {
		const char *v = versions(r, *groups);
		if (v)
			ns_buf_printf(&b, "%s%s %s", b.len ? ", " : "", *groups, v);
	}
	if (b.len)
		doctor_ok(r, "%s", ns_buf_str(&b));
	else if (!r->n)
		doctor_skip(r, "not installed: %s", without);
	ns_buf_free(&b);
}

void doctor_apis_reports(doctor_run *r)
{
	static const char *const groups[] = {"wgpolicyk8s.io", "openreports.io", NULL};
	presence(r, groups, "violations are seen only when they block something");
}

void doctor_apis_argo(doctor_run *r)
{
	static const char *const groups[] = {"argoproj.io", NULL};
	presence(r, groups, "nothing here is delivered by it");
}

void doctor_apis_metrics(doctor_run *r)
{
	static const char *const groups[] = {"metrics.k8s.io", NULL};
	presence(r, groups, "kubectl top does not work; nothing here needs it");
}

/* ---- OpenCost ---- */

void doctor_apis_opencost(doctor_run *r)
{
	const char *url = r->t->cfg->opencost_url;
	char query[2048];
	ns_err err = {0};
	if (!*url) {
		doctor_skip(r, "not configured (--opencost URL): no cost report, no cost spikes");
		return;
	}
	ns_arena *ar = ns_arena_new();
	ns_cost_query(url, ns_clock_wall_ms(NULL), 24 * 3600000, false, query, sizeof query);
	cJSON *now = ns_http_get_json(query, r->deadline_ms - 500, r->cancel, &err);
	ns_cost_report *c = now ? ns_cost_report_parse(ar, now, NULL, &err) : NULL;
	const char *fix = "kubectl -n opencost port-forward service/opencost 9003, and --opencost http://127.0.0.1:9003";
	if (!c)
		doctor_fail_err(r, &err, err.code == NS_E_UNREACHABLE ? fix : "");
	else if (!c->n_rows)
		doctor_warn(r, "it needs Prometheus, and an hour after its start", "%s answers, with no workload in the last day", url);
	else if (!(c->total_per_day > 0 && c->total_per_day < 1e9))
		doctor_warn(r, "give it prices (its pricing configuration)",
		    "%s answers, but %zu workloads that cost %.2f a day cannot be right", url, c->n_rows, c->total_per_day);
	else
		doctor_ok(r, "%s, %zu workloads, %.2f a day", url, c->n_rows, c->total_per_day);
	cJSON_Delete(now);
	ns_arena_free(ar);
}

/* ---- beside the cluster ---- */

/* Its webhook is taken by the engine, which alone may listen there; what can be looked at is who could send. */
void doctor_apis_alertmanager(doctor_run *r)
{
	const char *at = r->host->cfg->am_listen, *file = r->host->cfg->am_token_file;
	struct stat st;
	if (!*at)
		doctor_skip(r, "not configured (--alertmanager-listen): no alerts from outside");
	else if (!*file && strncmp(at, "127.", 4) != 0 && strncmp(at, "localhost:", 10) != 0 && strncmp(at, "[::1]", 5) != 0)
		doctor_warn(r, "--alertmanager-token-file, and the same token as credentials of the webhook",
		    "%s takes alerts from whoever reaches it", at);
	else if (*file && stat(file, &st) != 0)
		doctor_fail(r, NS_E_NOTFOUND, "", "the token file %s cannot be read: %s", file, strerror(errno));
	else if (*file && st.st_mode & 077)
		doctor_warn(r, ns_arena_printf(r->ar, "chmod 600 %s", file), "the token file %s is open to others (mode %03o)", file,
		    (unsigned)st.st_mode & 0777);
	else
		doctor_ok(r, "http://%s/alertmanager, %s", at, *file ? "with a token" : "from this machine only");
}

void doctor_apis_prometheus(doctor_run *r)
{
	doctor_skip(r, "not configured: this version does not use it");
}

void doctor_apis_slack(doctor_run *r)
{
	doctor_skip(r, "not configured: this version does not use it");
}

void doctor_apis_model(doctor_run *r)
{
	const ns_config *cfg = r->host->cfg;
	app_model m;
	ns_err err = {0};
	ns_llm_answer a = {0};
	if (!app_model_open(&m, cfg, r->cancel, NULL, NULL, &err)) {
		if (err.code == NS_E_NOTFOUND)
			doctor_skip(r, "no key: the analyst that is built in works offline");
		else
			doctor_fail_err(r, &err, "");
		return;
	}
	if (ns_llm_ping(m.llm, r->cancel, &a, &err))
		doctor_ok(r, "%s answers as %s in %lld ms; prices of %s", app_model_url(cfg), a.model, (long long)a.elapsed_ms, ns_prices_dated(m.prices));
	else
		doctor_fail_err(r, &err, a.trouble == NS_LLM_KEY ? "a key is valid in one region only: set --model-url to the key's" : "");
	ns_llm_answer_free(&a);
	app_model_close(&m);
}
