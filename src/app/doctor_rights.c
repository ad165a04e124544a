/* What the account may do: asked for by SelfSubjectAccessReview, row by row of the rights table, several at a time. What is missing is named together
 * with what is lost by it; what is there beyond the need is named too, since whoever takes this credential takes it all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "neuroscale/agents/rights.h"
#include "neuroscale/base/text.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/kube/lease.h"
#include "neuroscale/model/k8s.h"

enum { ASKERS = 6, MAX_SPACES = 200, SHOWN_SPACES = 6 };
static const char less[] = "neuroscale-tui doctor --role prints an account that has just what is needed";

/* ---- many questions ---- */

typedef struct question {
	ns_access what;
	bool allowed;
} question;

typedef struct desk {
	const ns_kubeconfig *kc;
	const ns_cancel *cancel;
	question *q;
	size_t n;
	atomic_size_t next;
	atomic_bool broken;
	ns_err err; /* of who broke it */
} desk;

static void answer_some(void *ctx, ns_cancel *unused)
{
	desk *d = ctx;
	ns_err err = {0};
	ns_kube_client *c = ns_kube_client_new(d->kc, NULL, d->cancel, &err);
	for (size_t i; !atomic_load(&d->broken) && (i = atomic_fetch_add(&d->next, 1)) < d->n;)
		if ((!c || !ns_kube_may(c, &d->q[i].what, &d->q[i].allowed, &err)) && !atomic_exchange(&d->broken, true))
			d->err = err;
	ns_kube_client_free(c);
}

static bool ask_all(const doctor_run *r, question *q, size_t n, ns_err *err)
{
	desk d = {.kc = r->t->kc, .cancel = r->cancel, .q = q, .n = n};
	const ns_service row = {"doctor-ask", answer_some, &d};
	ns_services *helpers = ns_services_new();
	for (size_t i = 1; i < ASKERS && i < n; i++)
		ns_services_start(helpers, &row, NULL);
	answer_some(&d, NULL);
	ns_services_stop(helpers);
	if (atomic_load(&d.broken))
		*err = d.err;
	return !atomic_load(&d.broken);
}

/* ---- the table, row by row ---- */

/* Where it may act, as far as the options say it. */
static const char *const *act_in(const doctor_run *r)
{
	return *r->host->cfg->act_in ? r->host->cfg->act_in : r->t->cfg->namespaces;
}

static ns_rights_opts rights_of(const doctor_run *r)
{
	const ns_config *c = r->t->cfg;
	return (ns_rights_opts){.allowed_actions = c->allowed_actions, .lease_ns = c->lease_ns, .exception_ns = c->exception_ns, .namespaces = act_in(r)};
}

/* The verbs of one right in namespace ns, as questions. */
static size_t questions_of(ns_arena *ar, const ns_right *r, const char *ns, question *q)
{
	size_t n = 0;
	for (const char *v = r->verbs; *v; v += strcspn(v, ","), v += *v == ',')
		q[n++] = (question){.what = {.ns = ns, .verb = ns_arena_strndup(ar, v, strcspn(v, ",")), .group = r->group, .resource = r->resource,
		                        .subresource = r->subresource, .name = r->name}};
	return n;
}

static const char *denied_verbs(ns_arena *ar, const question *q, size_t n)
{
	ns_buf b = NS_BUF_INIT;
	for (size_t i = 0; i < n; i++)
		if (!q[i].allowed)
			ns_buf_printf(&b, "%s%s", b.len ? ", " : "", q[i].what.verb);
	return ns_arena_take(ar, &b);
}

static const char *resource_words(ns_arena *ar, const ns_right *r)
{
	return ns_arena_printf(ar, "%s%s%s%s%s", r->resource, *r->subresource ? "/" : "", r->subresource, *r->group ? "." : "", r->group);
}

enum { MAX_VERBS = 8 };

/* Every right of one use, cluster-wide or in its own namespace. A line for each that lacks something, or one for all. */
static void check_use(doctor_run *r, ns_right_use use, const char *fix)
{
	ns_rights_opts o = rights_of(r);
	size_t n, asked = 0, good = 0, of = 0;
	const ns_right *rights = ns_rights_list(r->ar, &o, &n);
	question *q = ns_arena_alloc(r->ar, n * MAX_VERBS * sizeof *q);
	size_t *from = ns_arena_alloc(r->ar, (n + 1) * sizeof *from);
	ns_err err = {0};
	for (size_t i = 0; i < n; i++) {
		from[i] = asked;
		if (rights[i].use == use)
			asked += questions_of(r->ar, &rights[i], rights[i].ns, q + asked);
	}
	from[n] = asked;
	if (!ask_all(r, q, asked, &err)) {
		doctor_fail_err(r, &err, "");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *denied = denied_verbs(r->ar, q + from[i], from[i + 1] - from[i]);
		of += rights[i].use == use;
		good += rights[i].use == use && !*denied;
		if (!*denied)
			continue;
		const char *where = *rights[i].ns ? ns_arena_printf(r->ar, " in %s", rights[i].ns) : "";
		if (rights[i].vital)
			doctor_fail(r, NS_E_DENIED, fix, "no right to %s %s%s: %s", denied, resource_words(r->ar, &rights[i]), where, rights[i].lost);
		else
			doctor_warn(r, fix, "no right to %s %s%s: %s", denied, resource_words(r->ar, &rights[i]), where, rights[i].lost);
	}
	if (good == of && use == NS_RIGHT_LEASE)
		doctor_ok(r, "may hold the Lease " NS_LEASE_NAME " in %s", *o.lease_ns ? o.lease_ns : "default");
	else if (good == of)
		doctor_ok(r, "all %zu resources, in every namespace", of);
}

void doctor_rights_watch(doctor_run *r)
{
	check_use(r, NS_RIGHT_WATCH, less);
}

void doctor_rights_read(doctor_run *r)
{
	check_use(r, NS_RIGHT_READ, less);
}

void doctor_rights_lease(doctor_run *r)
{
	check_use(r, NS_RIGHT_LEASE, less);
}

/* ---- where it may act ---- */

typedef struct spaces {
	const char *names[MAX_SPACES];
	size_t n;
	bool listed; /* from the cluster, not from the options */
} spaces;

/* The namespaces that count: those of the options, else all of the cluster that are not protected. */
static bool find_spaces(doctor_run *r, spaces *s, ns_err *err)
{
	const ns_config *cfg = r->t->cfg;
	for (const char *const *ns = act_in(r); *ns && s->n < MAX_SPACES; ns++)
		s->names[s->n++] = *ns;
	if (s->n)
		return true;
	ns_kube_client *c = ns_kube_client_new(r->t->kc, NULL, r->cancel, err);
	cJSON *list = c ? ns_kube_get(c, "/api/v1/namespaces?limit=500", err) : NULL;
	ns_json_each(item, ns_json_get(list, "items"))
	{
		const char *name = ns_json_str(item, "metadata.name", "");
		if (s->n < MAX_SPACES && ns_k8s_label_ok(name) && !ns_namespace_protected(name, cfg->protected_ns))
			s->names[s->n++] = ns_arena_strdup(r->ar, name);
	}
	s->listed = list != NULL;
	cJSON_Delete(list);
	ns_kube_client_free(c);
	return s->listed;
}

static void put_names(ns_buf *b, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n && i < SHOWN_SPACES; i++)
		ns_buf_printf(b, "%s%s", i ? ", " : "", names[i]);
	if (n > SHOWN_SPACES)
		ns_buf_printf(b, " and %zu more", n - SHOWN_SPACES);
}

static const char *name_list(ns_arena *ar, const char *const *names, size_t n)
{
	ns_buf b = NS_BUF_INIT;
	put_names(&b, names, n);
	return ns_arena_take(ar, &b);
}

static bool all_allowed(const question *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!q[i].allowed)
			return false;
	return true;
}

/* Here and there: a right that is given in some of the namespaces is fine there. One that is named by the options must be there. */
static void act_in_some(doctor_run *r, const ns_right *x, const spaces *s)
{
	const char *const own[] = {x->ns};
	const char *const *names = *x->ns ? own : s->names;
	size_t n = *x->ns ? 1 : s->n, verbs = 0, may = 0, not = 0;
	question *q = ns_arena_alloc(r->ar, (n * MAX_VERBS + 1) * sizeof *q);
	const char **yes = ns_arena_alloc(r->ar, (n + 1) * sizeof *yes), **no = ns_arena_alloc(r->ar, (n + 1) * sizeof *no);
	ns_err err = {0};
	for (size_t i = 0; i < n; i++)
		verbs = questions_of(r->ar, x, names[i], q + i * verbs);
	if (!ask_all(r, q, n * verbs, &err)) {
		doctor_fail_err(r, &err, "");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (all_allowed(q + i * verbs, verbs))
			yes[may++] = names[i];
		else
			no[not++] = names[i];
	}
	const char *lacks = not ? denied_verbs(r->ar, q + verbs * (size_t)0, n * verbs) : "";
	const char *what = resource_words(r->ar, x);
	if (!not)
		doctor_ok(r, "may %s %s in %s", x->verbs, what, name_list(r->ar, yes, may));
	else if (may && s->listed && !*x->ns)
		doctor_ok(r, "may %s %s in %zu of %zu namespaces: %s", x->verbs, what, may, n, name_list(r->ar, yes, may));
	else if (s->listed && !*x->ns)
		doctor_warn(r, less, "no right to %s %s in any namespace: %s", x->verbs, what, x->lost);
	else
		doctor_warn(r, less, "no right to %s %s in %s: %s there", n == 1 ? lacks : x->verbs, what, name_list(r->ar, no, not), x->lost);
}

void doctor_rights_act(doctor_run *r)
{
	ns_rights_opts o = rights_of(r);
	size_t n, acts = 0;
	const ns_right *rights = ns_rights_list(r->ar, &o, &n);
	spaces s = {.n = 0};
	ns_err err = {0};
	if (r->t->cfg->profile == NS_PROFILE_OBSERVE) {
		doctor_skip(r, "the profile is observe: nothing is ever changed");
		return;
	}
	bool known = find_spaces(r, &s, &err);
	for (size_t i = 0; i < n; i++) {
		question q[MAX_VERBS];
		if (rights[i].use != NS_RIGHT_ACT)
			continue;
		acts++;
		size_t verbs = questions_of(r->ar, &rights[i], "", q);
		if (!ask_all(r, q, verbs, &err)) {
			doctor_fail_err(r, &err, "");
			return;
		}
		if (all_allowed(q, verbs))
			doctor_ok(r, "may %s %s in every namespace", rights[i].verbs, resource_words(r->ar, &rights[i]));
		else if (known || *rights[i].ns)
			act_in_some(r, &rights[i], &s);
		else
			doctor_warn(r, "name the namespaces with --act-in", "no right to %s %s everywhere, and which namespaces there are cannot be told: %s", rights[i].verbs,
			    resource_words(r->ar, &rights[i]), rights[i].lost);
	}
	if (!acts)
		doctor_skip(r, "--allowed-actions allows none");
}

/* ---- more than needed ---- */

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

static const char *const changing[] = {"create", "update", "patch", "delete", "deletecollection", "impersonate", "escalate", "bind", "approve", "sign", "use", NULL};

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
		if (at && (at == x->verbs || at[-1] == ',') && (!at[len] || at[len] == ',') && !strcmp(x->group, group) && !strcmp(full, resource) &&
		    (!*x->ns || !*ns || !strcmp(x->ns, ns)))
			return true;
	}
	return false;
}

typedef struct excess {
	const ns_right *rights;
	size_t n_rights;
	ns_buf words;        /* what is too much, each once */
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
		bool covers = (any || fits(d->verb, verb)) && (fits(d->group, group) || !strcmp(group, "*")) && (fits(d->resource, resource) || !strcmp(resource, "*"));
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
	ns_json_each(rule, ns_json_get(status, "resourceRules")) ns_json_each(g, ns_json_get(rule, "apiGroups")) ns_json_each(res, ns_json_get(rule, "resources"))
	    ns_json_each(v, ns_json_get(rule, "verbs"))
	{
		if (cJSON_IsString(g) && cJSON_IsString(res) && cJSON_IsString(v))
			judge(x, ns, is_protected, v->valuestring, g->valuestring, res->valuestring);
	}
}

static void say_excess(doctor_run *r, const excess *x, size_t looked, bool incomplete)
{
	if (x->everything)
		doctor_warn(r, less, "cluster-admin: it may do everything, everywhere");
	else if (x->words.len)
		doctor_warn(r, less, "it also may %s%s", ns_buf_str(&x->words), x->wildcard ? " (by wildcards)" : "");
	if (!x->everything && x->protected_too)
		doctor_warn(r, "bind what changes something in single namespaces, not cluster-wide", "what it needs it may in protected namespaces too; nothing is ever changed there");
	if (!r->n)
		doctor_ok(r, "nothing that changes anything, in the %zu namespaces that were looked at%s", looked, incomplete ? "; the server does not tell all of its rules" : "");
}

void doctor_rights_excess(doctor_run *r)
{
	ns_rights_opts o = rights_of(r);
	excess x = {.words = NS_BUF_INIT};
	ns_err err = {0};
	const ns_config *cfg = r->t->cfg;
	const char *look[8] = {"kube-system", *o.lease_ns ? o.lease_ns : "default"};
	size_t n = strcmp(look[1], look[0]) ? 2 : 1;
	bool incomplete = false;
	for (const char *const *ns = act_in(r); *ns && n < sizeof look / sizeof *look; ns++)
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
