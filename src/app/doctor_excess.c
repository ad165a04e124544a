/* Where the credential exceeds the need, from SelfSubjectRulesReview: whoever takes it takes all of it. Reading more than is needed is no
 * news, but for Secrets; changing more is. */
#include <stdio.h>
#include <string.h>

#include "doctor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"

/* What does harm in the wrong hands, by the words that people have for it. "*" is any. The first row that covers a grant speaks for it. */
static const struct danger {
	const char *verb, *group, *resource, *words;
} dangers[] = {
    {"delete", "", "namespaces", "delete namespaces"},
    {"delete", "", "pods", "delete pods"},
    {"deletecollection", "*", "*", "delete whole collections"},
    {"get", "", "secrets", "read secrets"},
    {"list", "", "secrets", "read secrets"},
    {"create", "", "pods/exec", "run commands in pods"},
    {"create", "", "pods/attach", "run commands in pods"},
    {"create", "", "pods/ephemeralcontainers", "run commands in pods"},
    {"create", "", "pods", "create pods"},
    {"create", "", "serviceaccounts/token", "make tokens of other accounts"},
    {"impersonate", "*", "*", "act as somebody else"},
    {"escalate", "rbac.authorization.k8s.io", "*", "give rights that it does not have"},
    {"bind", "rbac.authorization.k8s.io", "*", "give rights that it does not have"},
    {"create", "rbac.authorization.k8s.io", "*", "give rights to others"},
    {"update", "rbac.authorization.k8s.io", "*", "give rights to others"},
    {"patch", "rbac.authorization.k8s.io", "*", "give rights to others"},
    {"delete", "*", "*", "delete other things"},
    {"patch", "", "nodes", "change nodes"},
    {"update", "", "nodes", "change nodes"},
};

static const char *const changing[] = {
    "create", "update", "patch", "delete", "deletecollection", "impersonate", "escalate", "bind", "approve", "sign", "use", NULL};

static bool fits(const char *pattern, const char *word)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, word) == 0;
}

/* Reviews of oneself belong to everybody who is logged in. */
static bool is_everybodys(const char *group)
{
	return strcmp(group, "authorization.k8s.io") == 0 || strcmp(group, "authentication.k8s.io") == 0;
}

static bool is_needed(const ns_right *rights, size_t n, const char *ns, const char *verb, const char *group, const char *resource)
{
	for (size_t i = 0; i < n; i++) {
		const ns_right *x = &rights[i];
		char full[160];
		snprintf(full, sizeof full, "%s%s%s", x->resource, *x->subresource ? "/" : "", x->subresource);
		const char *at = strstr(x->verbs, verb);
		size_t len = strlen(verb);
		if (at && (at == x->verbs || at[-1] == ',') && (!at[len] || at[len] == ',') && !strcmp(x->group, group) &&
		    !strcmp(full, resource) && (!*x->ns || !*ns || !strcmp(x->ns, ns)))
			return true;
	}
	return false;
}

typedef struct excess {
	const ns_right *rights;
	size_t n_rights;
	ns_buf words; /* what is too much, each once */
	bool everything, wildcard, protected_too;
} excess;

static void note(excess *x, const char *words)
{
	const char *at = strstr(ns_buf_str(&x->words), words);
	size_t n = strlen(words);
	if (at && (at[n] == ',' || !at[n]))
		return;
	if (x->words.len < 600)
		ns_buf_printf(&x->words, "%s%s", x->words.len ? ", " : "", words);
}

static void judge(excess *x, const char *ns, bool is_protected, const char *verb, const char *group, const char *resource)
{
	if (strcmp(verb, "*") == 0 && strcmp(group, "*") == 0 && strcmp(resource, "*") == 0)
		x->everything = true;
	x->wildcard |= strcmp(resource, "*") == 0 || strcmp(group, "*") == 0 || strcmp(verb, "*") == 0;
	bool any = strcmp(verb, "*") == 0, harmful = any || ns_listed(verb, changing), secret = !strcmp(resource, "secrets") && !*group;
	if (is_everybodys(group) || (!harmful && !secret && strcmp(resource, "*") != 0))
		return;
	bool needed = is_needed(x->rights, x->n_rights, ns, verb, group, resource);
	if (needed && is_protected && harmful && strcmp(group, "coordination.k8s.io") != 0)
		x->protected_too = true;
	if (needed)
		return;
	bool named = false;
	for (size_t i = 0; i < sizeof dangers / sizeof *dangers; i++) {
		const struct danger *d = &dangers[i];
		bool covers = (any || fits(d->verb, verb)) && (fits(d->group, group) || !strcmp(group, "*")) &&
		              (fits(d->resource, resource) || !strcmp(resource, "*"));
		/* A rule for one thing is told by one row; a wildcard by every row that it covers. */
		if (covers && (!named || any || !strcmp(resource, "*"))) {
			note(x, d->words);
			named = true;
		}
	}
	if (!named && harmful) {
		char words[200];
		snprintf(words, sizeof words, "%s %s%s%s", any ? "do anything to" : verb, resource, *group ? "." : "", group);
		note(x, words);
	}
}

static void judge_rules(excess *x, const char *ns, bool is_protected, const cJSON *status)
{
	ns_json_each(rule, ns_json_get(status, "resourceRules")) ns_json_each(g, ns_json_get(rule, "apiGroups"))
	    ns_json_each(res, ns_json_get(rule, "resources")) ns_json_each(v, ns_json_get(rule, "verbs"))
	{
		if (cJSON_IsString(g) && cJSON_IsString(res) && cJSON_IsString(v))
			judge(x, ns, is_protected, v->valuestring, g->valuestring, res->valuestring);
	}
}

static void say_excess(doctor_run *r, const excess *x, size_t looked, bool incomplete)
{
	if (x->everything)
		doctor_warn(r, doctor_less, "cluster-admin: it may do everything, everywhere");
	else if (x->words.len)
		doctor_warn(r, doctor_less, "it also may %s%s", ns_buf_str(&x->words), x->wildcard ? " (by wildcards)" : "");
	if (!x->everything && x->protected_too)
		doctor_warn(r, "bind what changes something in single namespaces, not cluster-wide",
		    "what it needs it may in protected namespaces too; nothing is ever changed there");
	if (!r->n)
		doctor_ok(r, "nothing that changes anything, in the %zu namespaces that were looked at%s", looked,
		    incomplete ? "; the server does not tell all of its rules" : "");
}

void doctor_rights_excess(doctor_run *r)
{
	ns_rights_opts o = doctor_rights_opts(r);
	excess x = {.words = NS_BUF_INIT};
	ns_err err = {0};
	const ns_config *cfg = r->t->cfg;
	const char *look[8] = {"kube-system", *o.lease_ns ? o.lease_ns : "default"};
	size_t n = strcmp(look[1], look[0]) ? 2 : 1;
	bool incomplete = false;
	for (const char *const *ns = doctor_act_in(r); *ns && n < sizeof look / sizeof *look; ns++)
		look[n++] = *ns;
	x.rights = ns_rights_list(r->ar, &o, &x.n_rights);
	ns_kube_client *c = ns_kube_client_new(r->t->kc, NULL, r->cancel, &err);
	for (size_t i = 0; c && i < n && !err.code; i++) {
		cJSON *status = ns_kube_rules(c, look[i], &err);
		incomplete |= ns_json_bool_or(status, "incomplete", false);
		judge_rules(&x, look[i], ns_namespace_protected(look[i], cfg->protected_ns), status);
		cJSON_Delete(status);
	}
	if (err.code)
		doctor_fail_err(r, &err, "");
	else
		say_excess(r, &x, n, incomplete);
	ns_kube_client_free(c);
	ns_buf_free(&x.words);
}
