/* What the account may do: asked for by SelfSubjectAccessReview, row by row of the rights table, several at a time. What is missing is
 * named together with what is lost by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/kube/lease.h"
#include "neuroscale/model/k8s.h"

enum { ASKERS = 6, MAX_VERBS = 8, MAX_SPACES = 200, SHOWN_SPACES = 6 };
const char doctor_less[] = "neuroscale-tui doctor --role prints an account that has just what is needed";

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

const char *const *doctor_act_in(const doctor_run *r)
{
	return *r->host->cfg->act_in ? r->host->cfg->act_in : r->t->cfg->namespaces;
}

ns_rights_opts doctor_rights_opts(const doctor_run *r)
{
	const ns_config *c = r->t->cfg;
	return (ns_rights_opts){.allowed_actions = c->allowed_actions,
	    .lease_ns = c->lease_ns,
	    .exception_ns = c->exception_ns,
	    .namespaces = doctor_act_in(r),
	    .watch_ns = c->namespaces,
	    .tls_secrets = c->tls_secrets};
}

/* The verbs of one right in namespace ns, as questions. */
static size_t questions_of(ns_arena *ar, const ns_right *r, const char *ns, question *q)
{
	size_t n = 0;
	for (const char *v = r->verbs; *v; v += strcspn(v, ","), v += *v == ',')
		q[n++] = (question){.what = {.ns = ns,
		                        .verb = ns_arena_strndup(ar, v, strcspn(v, ",")),
		                        .group = r->group,
		                        .resource = r->resource,
		                        .subresource = r->subresource,
		                        .name = r->name}};
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

/* "get,patch" reads "get, patch". */
static const char *verb_words(ns_arena *ar, const char *verbs)
{
	ns_buf b = NS_BUF_INIT;
	for (; *verbs; verbs++)
		ns_buf_puts(&b, *verbs == ',' ? ", " : (const char[]){*verbs, '\0'});
	return ns_arena_take(ar, &b);
}

static size_t count_of(const char *const *list)
{
	size_t n = 0;
	while (list[n])
		n++;
	return n;
}

static const char *resource_words(ns_arena *ar, const ns_right *r)
{
	return ns_arena_printf(ar, "%s%s%s%s%s", r->resource, *r->subresource ? "/" : "", r->subresource, *r->group ? "." : "", r->group);
}

/* ---- namespaces ---- */

typedef struct spaces {
	const char *names[MAX_SPACES];
	size_t n;
	bool listed; /* from the cluster, not from the options */
} spaces;

/* Those that the options name, else all of the cluster, without protected ones when that is asked for. False with err when neither tells.
 */
static bool find_spaces(doctor_run *r, const char *const *named, bool unprotected, spaces *s, ns_err *err)
{
	for (; named && *named && s->n < MAX_SPACES; named++)
		s->names[s->n++] = *named;
	if (s->n)
		return true;
	ns_kube_client *c = ns_kube_client_new(r->t->kc, NULL, r->cancel, err);
	cJSON *list = c ? ns_kube_get(c, "/api/v1/namespaces?limit=500", err) : NULL;
	ns_json_each(item, ns_json_get(list, "items"))
	{
		const char *name = ns_json_str(item, "metadata.name", "");
		if (s->n < MAX_SPACES && ns_k8s_label_ok(name) && !(unprotected && ns_namespace_protected(name, r->t->cfg->protected_ns)))
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

/* ---- watching and reading ---- */

static bool asked_all(doctor_run *r, question *q, size_t n)
{
	ns_err err = {0};
	bool ok = ask_all(r, q, n, &err);
	if (!ok)
		doctor_fail_err(r, &err, "");
	return ok;
}

/* What may not be had everywhere may be had in single namespaces, where the watch then stays. True when that is all that the options ask
 * for. */
static bool in_single_namespaces(doctor_run *r, const ns_right *x, const spaces *s, const char **where)
{
	question *q = ns_arena_alloc(r->ar, (s->n * MAX_VERBS + 1) * sizeof *q);
	const char **yes = ns_arena_alloc(r->ar, (s->n + 1) * sizeof *yes);
	size_t verbs = 0, may = 0;
	ns_err err = {0};
	for (size_t i = 0; i < s->n; i++)
		verbs = questions_of(r->ar, x, s->names[i], q + i * verbs);
	if (!ask_all(r, q, s->n * verbs, &err))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (all_allowed(q + i * verbs, verbs))
			yes[may++] = s->names[i];
	*where = name_list(r->ar, yes, may);
	return may && may == s->n && !s->listed;
}

static void say_denied(doctor_run *r, const ns_right *x, const char *denied, const char *where)
{
	const char *what = resource_words(r->ar, x);
	if (*where)
		doctor_warn(r, doctor_less, "may %s %s only in %s: elsewhere %s", verb_words(r->ar, x->verbs), what, where, x->lost);
	else if (x->vital)
		doctor_fail(r, NS_E_DENIED, doctor_less, "no right to %s %s: %s", denied, what, x->lost);
	else
		doctor_warn(r, doctor_less, "no right to %s %s%s%s: %s", denied, what, *x->ns ? " in " : "", x->ns, x->lost);
}

/* Every right of one use. A line for each that lacks something, or one for all. */
static void check_use(doctor_run *r, ns_right_use use)
{
	ns_rights_opts o = doctor_rights_opts(r);
	size_t n, asked = 0, good = 0, of = 0;
	const ns_right *rights = ns_rights_list(r->ar, &o, &n);
	question *q = ns_arena_alloc(r->ar, n * MAX_VERBS * sizeof *q);
	size_t *from = ns_arena_alloc(r->ar, (n + 1) * sizeof *from);
	spaces s = {.n = 0};
	bool sought = false;
	for (size_t i = 0; i < n; i++) {
		from[i] = asked;
		if (rights[i].use == use)
			asked += questions_of(r->ar, &rights[i], rights[i].ns, q + asked);
	}
	from[n] = asked;
	if (!asked_all(r, q, asked))
		return;
	for (size_t i = 0; i < n; i++) {
		const char *denied = denied_verbs(r->ar, q + from[i], from[i + 1] - from[i]), *where = "";
		bool whole = !*denied;
		if (!whole && !rights[i].cluster_scoped && use != NS_RIGHT_LEASE) {
			if (!sought && !find_spaces(r, r->t->cfg->namespaces, false, &s, NULL))
				s.names[s.n++] = r->t->kc->ns; /* the context's own */
			sought = true;
			whole = in_single_namespaces(r, &rights[i], &s, &where);
		}
		of += rights[i].use == use;
		good += rights[i].use == use && whole;
		if (!whole)
			say_denied(r, &rights[i], denied, where);
	}
	if (good == of && use == NS_RIGHT_LEASE)
		doctor_ok(r, "may hold the Lease " NS_LEASE_NAME " in %s", *o.lease_ns ? o.lease_ns : "default");
	else if (good == of)
		doctor_ok(r, "all %zu resources%s%s", of, *r->t->cfg->namespaces ? " in " : ", in every namespace",
		    *r->t->cfg->namespaces ? name_list(r->ar, r->t->cfg->namespaces, count_of(r->t->cfg->namespaces)) : "");
}

void doctor_rights_watch(doctor_run *r)
{
	check_use(r, NS_RIGHT_WATCH);
}

void doctor_rights_read(doctor_run *r)
{
	check_use(r, NS_RIGHT_READ);
}

void doctor_rights_lease(doctor_run *r)
{
	check_use(r, NS_RIGHT_LEASE);
}

/* ---- acting ---- */

/* Here and there: a right that is given in some of the namespaces is fine there. One that is named by the options must be there. */
static void act_in_some(doctor_run *r, const ns_right *x, const spaces *s)
{
	const char *const own[] = {x->ns};
	const char *const *names = *x->ns ? own : s->names;
	size_t n = *x->ns ? 1 : s->n, verbs = 0, may = 0, lacking = 0;
	question *q = ns_arena_alloc(r->ar, (n * MAX_VERBS + 1) * sizeof *q);
	const char **yes = ns_arena_alloc(r->ar, (n + 1) * sizeof *yes), **no = ns_arena_alloc(r->ar, (n + 1) * sizeof *no);
	for (size_t i = 0; i < n; i++)
		verbs = questions_of(r->ar, x, names[i], q + i * verbs);
	if (!asked_all(r, q, n * verbs))
		return;
	for (size_t i = 0; i < n; i++) {
		if (all_allowed(q + i * verbs, verbs))
			yes[may++] = names[i];
		else
			no[lacking++] = names[i];
	}
	const char *lacks = lacking ? denied_verbs(r->ar, q, n == 1 ? verbs : 0) : "";
	const char *what = resource_words(r->ar, x);
	if (!lacking)
		doctor_ok(r, "may %s %s in %s", verb_words(r->ar, x->verbs), what, name_list(r->ar, yes, may));
	else if (may && s->listed && !*x->ns)
		doctor_ok(
		    r, "may %s %s in %zu of %zu namespaces: %s", verb_words(r->ar, x->verbs), what, may, n, name_list(r->ar, yes, may));
	else if (s->listed && !*x->ns)
		doctor_warn(r, doctor_less, "no right to %s %s in any namespace: %s", verb_words(r->ar, x->verbs), what, x->lost);
	else
		doctor_warn(r, doctor_less, "no right to %s %s in %s: %s there", n == 1 ? lacks : verb_words(r->ar, x->verbs), what,
		    name_list(r->ar, no, lacking), x->lost);
}

void doctor_rights_act(doctor_run *r)
{
	ns_rights_opts o = doctor_rights_opts(r);
	size_t n, acts = 0;
	const ns_right *rights = ns_rights_list(r->ar, &o, &n);
	spaces s = {.n = 0};
	if (r->t->cfg->profile == NS_PROFILE_OBSERVE) {
		doctor_skip(r, "the profile is observe: nothing is ever changed");
		return;
	}
	bool known = find_spaces(r, doctor_act_in(r), true, &s, NULL);
	for (size_t i = 0; i < n; i++) {
		question q[MAX_VERBS];
		if (rights[i].use != NS_RIGHT_ACT)
			continue;
		acts++;
		size_t verbs = questions_of(r->ar, &rights[i], "", q);
		if (!asked_all(r, q, verbs))
			return;
		if (all_allowed(q, verbs))
			doctor_ok(r, "may %s %s in every namespace", verb_words(r->ar, rights[i].verbs), resource_words(r->ar, &rights[i]));
		else if (known || *rights[i].ns)
			act_in_some(r, &rights[i], &s);
		else
			doctor_warn(r, "name the namespaces with --act-in",
			    "no right to %s %s everywhere, and which namespaces there are cannot be told: %s",
			    verb_words(r->ar, rights[i].verbs), resource_words(r->ar, &rights[i]), rights[i].lost);
	}
	if (!acts)
		doctor_skip(r, "--allowed-actions allows none");
}
