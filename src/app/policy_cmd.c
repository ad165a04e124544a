/* `policy`: the exceptions that this program made, as they stand in the clusters, and what they tell the authors of the policies. Reads only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/app/app.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/kube/client.h"
#include "neuroscale/policy/policy.h"

#define SELECTOR "limit=500&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dneuroscale-autopilot"
enum { MAX_EXCEPTIONS = 4096, MAX_PAGES = 16 };

typedef struct found {
	ns_arena *ar;
	ns_exception_live *list;
	size_t n;
} found;

/* One version's objects, page by page. NS_E_NOTFOUND: not served. */
static bool read_version(found *f, ns_kube_client *c, const char *version, ns_err *err)
{
	ns_buf path = NS_BUF_INIT;
	bool ok = true, more = true;
	char *token = NULL;
	for (int page = 0; ok && more && page < MAX_PAGES; page++) {
		ns_buf_clear(&path);
		ns_buf_printf(&path, "/apis/%s/policyexceptions?", version);
		ns_buf_puts(&path, SELECTOR);
		if (token) {
			ns_buf_puts(&path, "&continue=");
			ns_url_escape(&path, token);
		}
		cJSON *list = ns_kube_get(c, ns_buf_str(&path), err);
		ok = list != NULL;
		ns_json_each(item, ns_json_get(list, "items"))
		{
			ns_exception_live x;
			if (f->n >= MAX_EXCEPTIONS || !ns_exception_read(f->ar, item, &x))
				continue;
			if (!*x.api_version) /* items of a list need not repeat it */
				x.api_version = version;
			f->list[f->n++] = x;
		}
		free(token);
		token = ns_xstrdup(ns_json_str(list, "metadata.continue", ""));
		more = *token != 0;
		cJSON_Delete(list);
	}
	free(token);
	ns_buf_free(&path);
	return ok;
}

/* Both groups, each in its newest served version: older versions hold the same objects. A cluster without Kyverno has none. */
static bool read_cluster(found *f, const ns_config *one, const ns_cancel *cancel, ns_err *err)
{
	ns_kubeconfig *kc = ns_kubeconfig_load(*one->kubeconfig ? one->kubeconfig : NULL, *one->context ? one->context : NULL, err);
	ns_kube_client *c = kc ? ns_kube_client_new(kc, NULL, cancel, err) : NULL;
	bool ok = c != NULL;
	for (int cel = 0; ok && cel < 2; cel++) {
		const char *const *v = ns_exception_versions(cel);
		bool read = false;
		for (; ok && *v && !read; v++) {
			ns_err why = {0};
			read = read_version(f, c, *v, &why);
			if (!read && why.code != NS_E_NOTFOUND) {
				if (err)
					*err = why;
				ok = ns_err_wrap(err, "read the exceptions of %s", *v);
			}
		}
	}
	ns_kube_client_free(c);
	ns_kubeconfig_free(kc);
	return ok;
}

/* ---- what is printed ---- */

static const char *when(ns_arena *ar, int64_t ms)
{
	char at[32];
	if (!ms)
		return "-";
	ns_time_format(ms, at);
	return ns_arena_strdup(ar, at);
}

static const char *joined(ns_arena *ar, const char *const *list, size_t n, const char *none)
{
	ns_buf b = NS_BUF_INIT;
	for (size_t i = 0; i < n; i++)
		ns_buf_printf(&b, "%s%s", i ? ", " : "", list[i]);
	const char *out = b.len ? ns_arena_strdup(ar, ns_buf_str(&b)) : none;
	ns_buf_free(&b);
	return out;
}

static cJSON *strings(const char *const *list, size_t n)
{
	cJSON *a = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(a, cJSON_CreateString(list[i]));
	return a;
}

static void show_exceptions(const found *f, const char *cluster, int64_t now, cJSON *json)
{
	for (size_t i = 0; i < f->n; i++) {
		const ns_exception_live *x = &f->list[i];
		const char *state = ns_exception_state_word(ns_exception_state_at(x, now)), *resource = strncmp(x->api_version, "policies.", 9) ? "kyverno.io" : "policies.kyverno.io";
		if (json) {
			cJSON *o = cJSON_CreateObject();
			const char *const pairs[][2] = {{"cluster", cluster}, {"namespace", x->ns}, {"name", x->name}, {"apiVersion", x->api_version}, {"state", state},
			    {"policy", x->policy}, {"targetNamespace", x->target.ns}, {"targetKind", x->target.kind}, {"targetName", x->target.name},
			    {"incident", x->incident}, {"requestedBy", x->by}, {"created", when(f->ar, x->created_ms)}, {"until", when(f->ar, x->until_ms)}};
			for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
				ns_json_put_str(o, pairs[k][0], pairs[k][1]);
			cJSON_AddItemToObject(o, "rules", strings(x->rules, x->n_rules));
			cJSON_AddItemToArray(json, o);
			continue;
		}
		printf("%-8s  %s/%s: %s/%s %s from %s%s%s, until %s\n", state, x->ns, x->name, x->target.ns, x->target.name, x->target.kind, x->policy,
		    x->n_rules ? ": " : "", joined(f->ar, x->rules, x->n_rules, ""), when(f->ar, x->until_ms));
		if (!strcmp(state, "overdue"))
			printf("          -> its time is over and it still lets it through: kubectl -n %s delete policyexceptions.%s/%s\n", x->ns, resource, x->name);
	}
	if (!json && !f->n)
		printf("no exception of this program\n");
}

static void show_feedback(const found *f, const char *cluster, int64_t now, cJSON *json)
{
	ns_policy_feedback *list;
	size_t n = ns_policy_feedback_make(f->ar, f->list, f->n, now, &list);
	for (size_t i = 0; i < n; i++) {
		const ns_policy_feedback *b = &list[i];
		if (json) {
			cJSON *o = cJSON_CreateObject();
			const char *const pairs[][2] = {
			    {"cluster", cluster}, {"policy", b->policy}, {"policyKind", b->policy_kind}, {"rule", b->rule}, {"message", b->message}, {"advice", b->advice}};
			for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
				ns_json_put_str(o, pairs[k][0], pairs[k][1]);
			ns_json_put_int(o, "live", (int64_t)b->live);
			ns_json_put_int(o, "past", (int64_t)b->past);
			cJSON_AddItemToObject(o, "workloads", strings(b->workloads, b->n_workloads));
			cJSON_AddItemToArray(json, o);
			continue;
		}
		printf("%s%s%s: %zu live, %zu past\n  for     %s\n", b->policy, *b->rule ? ", rule " : "", b->rule, b->live, b->past,
		    joined(f->ar, b->workloads, b->n_workloads, "-"));
		if (*b->message)
			printf("  why     %s\n", b->message);
		printf("  -> %s\n", b->advice);
	}
	if (!json && !n)
		printf("no exception of this program, so nothing to say about any policy\n");
}

static const struct {
	const char *name;
	void (*show)(const found *f, const char *cluster, int64_t now, cJSON *json);
} reports[] = {{"exceptions", show_exceptions}, {"feedback", show_feedback}};

int ns_app_policy(const ns_config *cfg, const ns_cancel *cancel)
{
	enum { N = sizeof reports / sizeof *reports };
	ns_err err = {0};
	size_t which = 0;
	while (which < N && strcmp(reports[which].name, cfg->args[0]) != 0)
		which++;
	if (which == N) {
		ns_fail(&err, NS_E_USAGE, "unknown command \"policy %s\": there are exceptions, feedback", cfg->args[0]);
		return ns_app_failed(&err);
	}
	int status = 0;
	int64_t now = ns_clock_wall_ms(ns_clock_real());
	cJSON *json = cfg->json ? cJSON_CreateArray() : NULL;
	for (size_t i = 0; i < cfg->n_clusters; i++) {
		const ns_config *one = cfg->clusters[i];
		found f = {.ar = ns_arena_new()};
		f.list = ns_arena_alloc(f.ar, MAX_EXCEPTIONS * sizeof *f.list);
		ns_err why = {0};
		if (cfg->n_clusters > 1 && !json)
			printf("%s%s:\n", i ? "\n" : "", one->cluster);
		if (read_cluster(&f, one, cancel, &why))
			reports[which].show(&f, one->cluster, now, json);
		else
			status = ns_app_failed(&why); /* one that is down hides no other */
		ns_arena_free(f.ar);
	}
	if (json) {
		char *text = ns_json_text(json);
		puts(text);
		free(text);
		cJSON_Delete(json);
	}
	return fflush(stdout) == 0 ? status : 1;
}
