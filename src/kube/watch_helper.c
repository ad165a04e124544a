/* What the watch must not wait for: a credential plug-in that takes its time, and finding the namespaces that an account of few rights may
 * read. One thread, started when there is first something to do; it hands over what it found and rings the watch. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/thread.h"
#include "watch_priv.h"

enum {
	FAILED_FOR_MS = 5000,  /* of the clock: so long a plug-in that failed is not run again */
	MAX_NAMESPACES = 200,  /* asked for; an account of few rights with more is served in part, and told so */
	AT_ONCE = 20,          /* rules asked for in one go, then one every PAUSE_MS: the API server has other clients */
	PAUSE_MS = 50
};

struct watch_helper {
	reflector *r;
	ns_services *thread;
	ns_wake *wake;
	pthread_mutex_t mu; /* leaf */
	bool want_cred, want_scope;
	int64_t refused;    /* the credential that the server no longer takes */
	/* Found and not yet taken over. */
	bool have_cred, have_scope;
	kube_cred cred;
	ns_err cred_err;
	watch_scope found;
	/* The watch thread's own. */
	watch_scope scope;
	bool known;
};

static void scope_free(watch_scope *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].name);
		cJSON_Delete(s->at[i].rules);
	}
	free(s->at);
	*s = (watch_scope){0};
}

watch_helper *watch_helper_new(reflector *r)
{
	watch_helper *h = ns_xcalloc(1, sizeof *h);
	h->r = r;
	h->wake = ns_wake_new();
	pthread_mutex_init(&h->mu, NULL);
	return h;
}

void watch_helper_free(watch_helper *h)
{
	ns_services_stop(h->thread);
	kube_cred_free(&h->cred);
	scope_free(&h->found);
	scope_free(&h->scope);
	ns_wake_free(h->wake);
	pthread_mutex_destroy(&h->mu);
	free(h);
}

/* ---- namespaces ---- */

static void add_namespace(watch_scope *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return;
	if (!*name || s->n == MAX_NAMESPACES)
		return;
	s->at = ns_xrealloc(s->at, (s->n + 1) * sizeof *s->at);
	s->at[s->n++] = (watch_ns){.name = ns_xstrdup(name)};
}

/* Configured ones, and no others; else the context's own, and all that there are when they may be listed. */
static void candidates(const ns_watch_opts *o, ns_kube_client *c, watch_scope *out)
{
	for (const char *const *p = o->namespaces; p && *p; p++)
		add_namespace(out, *p);
	if (out->n)
		return;
	add_namespace(out, o->cfg->ns);
	cJSON *list = ns_kube_get(c, "/api/v1/namespaces?limit=500", NULL);
	ns_json_each(ns, ns_json_get(list, "items"))
		add_namespace(out, ns_json_str(ns, "metadata.name", ""));
	cJSON_Delete(list);
}

/* What we may do in a namespace; NULL when the server cannot say. */
static cJSON *rules_in(ns_kube_client *c, const char *ns)
{
	cJSON *status = ns_kube_rules(c, ns, NULL), *rules = NULL;
	if (cJSON_IsArray(ns_json_get(status, "resourceRules")) && !ns_json_bool_or(status, "incomplete", false))
		rules = cJSON_DetachItemFromObjectCaseSensitive(status, "resourceRules");
	cJSON_Delete(status);
	return rules;
}

static void find_scope(watch_helper *h, const ns_cancel *cancel, watch_scope *out)
{
	const ns_watch_opts *o = h->r->o;
	ns_kube_client *c = ns_kube_client_new(o->cfg, o->stats, cancel, NULL);
	if (!c)
		return;
	candidates(o, c, out);
	for (size_t i = 0; i < out->n && !ns_cancel_fired(cancel); i++) {
		if (i >= AT_ONCE)
			ns_cancel_sleep(cancel, ns_clock_real(), PAUSE_MS);
		out->at[i].rules = rules_in(c, out->at[i].name);
	}
	ns_kube_client_free(c);
}

/* ---- the thread ---- */

static void get_credential(watch_helper *h, const ns_cancel *cancel, int64_t refused)
{
	kube_cred cred = {0};
	ns_err err = {0};
	bool ok = kube_exec_credential(h->r->o->cfg, cancel, refused, &cred, &err);
	if (!ok)
		ns_err_wrap(&err, "credentials of user \"%s\"", h->r->o->cfg->user);
	pthread_mutex_lock(&h->mu);
	kube_cred_free(&h->cred);
	h->cred = cred;
	h->cred_err = err;
	h->have_cred = true;
	pthread_mutex_unlock(&h->mu);
}

static void get_scope(watch_helper *h, const ns_cancel *cancel)
{
	watch_scope found = {0};
	find_scope(h, cancel, &found);
	pthread_mutex_lock(&h->mu);
	scope_free(&h->found);
	h->found = found;
	h->have_scope = true;
	pthread_mutex_unlock(&h->mu);
}

static void run(void *helper, ns_cancel *cancel)
{
	watch_helper *h = helper;
	while (!ns_cancel_fired(cancel)) {
		pthread_mutex_lock(&h->mu);
		bool cred = h->want_cred, scope = h->want_scope;
		int64_t refused = h->refused;
		h->want_cred = h->want_scope = false;
		pthread_mutex_unlock(&h->mu);
		if (cred)
			get_credential(h, cancel, refused);
		if (scope)
			get_scope(h, cancel);
		if (cred || scope) {
			curl_multi_wakeup(h->r->multi);
			continue;
		}
		struct pollfd p[] = {{.fd = ns_wake_fd(h->wake), .events = POLLIN}, {.fd = ns_cancel_fd(cancel), .events = POLLIN}};
		poll(p, 2, -1);
		ns_wake_clear(h->wake);
	}
}

/* ---- the watch thread ---- */

void watch_helper_ask(watch_helper *h, bool scope)
{
	reflector *r = h->r;
	ns_service row = {.name = "watch-helper", .run = run, .ctx = h};
	pthread_mutex_lock(&h->mu);
	if (scope) {
		h->want_scope = true;
	} else {
		h->want_cred = true;
		h->refused = kube_auth_last_refused(r->auth);
	}
	pthread_mutex_unlock(&h->mu);
	if (!h->thread) {
		h->thread = ns_services_new();
		r->hopeless = !ns_services_start(h->thread, &row, &r->err);
	}
	ns_wake_ring(h->wake);
}

bool watch_helper_collect(watch_helper *h)
{
	if (!h->thread)
		return false;
	reflector *r = h->r;
	pthread_mutex_lock(&h->mu);
	bool any = h->have_cred || h->have_scope;
	if (h->have_cred) {
		r->no_credential = h->cred_err;
		r->no_credential_until = h->cred_err.code ? ns_clock_mono_ms(r->o->clock) + FAILED_FOR_MS : 0;
		if (!h->cred_err.code)
			kube_auth_take(r->auth, &h->cred);
		h->have_cred = false;
	}
	if (h->have_scope) {
		scope_free(&h->scope);
		h->scope = h->found;
		h->found = (watch_scope){0};
		h->known = true;
		h->have_scope = false;
	}
	pthread_mutex_unlock(&h->mu);
	return any;
}

const watch_scope *watch_helper_scope(const watch_helper *h)
{
	return h->known ? &h->scope : NULL;
}

void watch_helper_forget_scope(watch_helper *h)
{
	h->known = false;
}
