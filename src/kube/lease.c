/* Leader election by client-go's algorithm. Never is the server's renewTime compared with our clock: what counts is when we last saw the
 * record change, and when our own last renewal was sent, both on the local monotonic clock. */
#include "neuroscale/kube/lease.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube_priv.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/sys/digest.h"

enum { LEASE_S = 15, RENEW_DEADLINE_MS = 10000, RETRY_MS = 2000, REQUEST_MS = 4000, RELEASE_MS = 1500 };

struct ns_lease {
	const ns_kubeconfig *cfg;
	ns_kube_stats *stats;
	const ns_clock *clock; /* the real one; tests move another */
	char *ns, *name, *holder;
	/* The lease's own thread only. */
	char seen[NS_HEX256];  /* digest of the spec last seen */
	int64_t seen_ms;       /* mono: when it last changed */
	cJSON *object;         /* as last read or written by us */

	pthread_mutex_t mu;    /* leaf: what others ask */
	int64_t renewed_ms;    /* mono of sending the last renewal that succeeded; 0: not held */
	int64_t transitions;
	char other[256];       /* who holds it */
	int64_t other_since_ms;
	char trouble[256];
};

ns_lease *ns_lease_new(const ns_kubeconfig *cfg, const char *ns, const char *name, const char *holder, ns_kube_stats *stats)
{
	ns_lease *l = ns_xcalloc(1, sizeof *l);
	*l = (ns_lease){.cfg = cfg, .stats = stats, .clock = ns_clock_real(), .ns = ns_xstrdup(ns), .name = ns_xstrdup(name), .holder = ns_xstrdup(holder)};
	pthread_mutex_init(&l->mu, NULL);
	return l;
}

void ns_lease_free(ns_lease *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->mu);
	cJSON_Delete(l->object);
	free(l->ns);
	free(l->name);
	free(l->holder);
	free(l);
}

void kube_lease_clock(ns_lease *l, const ns_clock *clock)
{
	l->clock = clock;
}

/* ---- what others ask ---- */

static bool held_now(const ns_lease *l)
{
	return l->renewed_ms && ns_clock_mono_ms(l->clock) - l->renewed_ms < RENEW_DEADLINE_MS;
}

bool ns_lease_held(ns_lease *l, int64_t *transitions)
{
	pthread_mutex_lock(&l->mu);
	bool held = held_now(l);
	if (transitions)
		*transitions = l->transitions;
	pthread_mutex_unlock(&l->mu);
	return held;
}

void ns_lease_status(ns_lease *l, char *out, size_t cap)
{
	char ago[16] = "";
	pthread_mutex_lock(&l->mu);
	if (held_now(l)) {
		ns_copy(out, cap, "");
	} else if (*l->trouble) {
		ns_copy(out, cap, l->trouble);
	} else if (*l->other) {
		ns_duration_format(ns_clock_mono_ms(l->clock) - l->other_since_ms, ago);
		snprintf(out, cap, "another engine has the cluster's Lease (%s, seen for %s): this one only looks until that one lets go", l->other, ago);
	} else {
		ns_copy(out, cap, "not yet taken");
	}
	pthread_mutex_unlock(&l->mu);
}

static void note_held(ns_lease *l, int64_t sent_ms)
{
	pthread_mutex_lock(&l->mu);
	l->renewed_ms = sent_ms;
	l->transitions = ns_json_int_or(l->object, "spec.leaseTransitions", 0);
	*l->trouble = *l->other = '\0';
	pthread_mutex_unlock(&l->mu);
}

static void note_other(ns_lease *l, const char *who)
{
	pthread_mutex_lock(&l->mu);
	l->renewed_ms = 0;
	*l->trouble = '\0';
	if (strcmp(l->other, who) != 0) {
		ns_copy(l->other, sizeof l->other, who);
		l->other_since_ms = ns_clock_mono_ms(l->clock);
	}
	pthread_mutex_unlock(&l->mu);
}

static void note_trouble(ns_lease *l, const ns_err *err)
{
	pthread_mutex_lock(&l->mu);
	if (err->code == NS_E_DENIED)
		snprintf(l->trouble, sizeof l->trouble, "no right to hold the Lease %.60s in %.60s: %.100s", l->name, l->ns, err->text);
	else
		ns_copy(l->trouble, sizeof l->trouble, err->text);
	pthread_mutex_unlock(&l->mu);
}

/* ---- the record ---- */

static char *path_of(const ns_lease *l, bool collection)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b, "/apis/coordination.k8s.io/v1/namespaces/");
	ns_url_escape(&b, l->ns);
	ns_buf_puts(&b, "/leases");
	if (!collection) {
		ns_buf_putc(&b, '/');
		ns_url_escape(&b, l->name);
	}
	return ns_buf_steal(&b);
}

static void put_now(const ns_lease *l, cJSON *spec, const char *key)
{
	char t[40];
	ns_time_format_micro(ns_clock_wall_ms(l->clock), t);
	cJSON_DeleteItemFromObjectCaseSensitive(spec, key);
	ns_json_put_str(spec, key, t);
}

static void put_int(cJSON *spec, const char *key, int64_t v)
{
	cJSON_DeleteItemFromObjectCaseSensitive(spec, key);
	ns_json_put_int(spec, key, v);
}

static void put_holder(cJSON *spec, const char *holder)
{
	cJSON_DeleteItemFromObjectCaseSensitive(spec, "holderIdentity");
	ns_json_put_str(spec, "holderIdentity", holder);
}

/* Remembers the spec as seen now when it differs from what was seen before. */
static void observe(ns_lease *l)
{
	char digest[NS_HEX256];
	ns_buf b = NS_BUF_INIT;
	ns_json_canonical(ns_json_get(l->object, "spec"), &b);
	ns_sha256_hex(ns_buf_str(&b), b.len, digest);
	ns_buf_free(&b);
	if (strcmp(digest, l->seen) == 0)
		return;
	memcpy(l->seen, digest, sizeof digest);
	l->seen_ms = ns_clock_mono_ms(l->clock);
}

static void take_object(ns_lease *l, cJSON *object)
{
	cJSON_Delete(l->object);
	l->object = object;
	if (object)
		observe(l);
}

static cJSON *spec_of(cJSON *object)
{
	cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
	return spec ? spec : cJSON_AddObjectToObject(object, "spec");
}

/* Consumes o; what the server made of it is what we know from here on. */
static bool write_object(ns_lease *l, ns_kube_client *c, const char *method, cJSON *o, ns_err *err)
{
	char *path = path_of(l, strcmp(method, "POST") == 0);
	cJSON *made = kube_send(c, method, path, o, err);
	free(path);
	cJSON_Delete(o);
	if (made)
		take_object(l, made);
	return made != NULL;
}

static bool create(ns_lease *l, ns_kube_client *c, ns_err *err)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "apiVersion", "coordination.k8s.io/v1");
	ns_json_put_str(o, "kind", "Lease");
	cJSON *meta = cJSON_AddObjectToObject(o, "metadata"), *spec = cJSON_AddObjectToObject(o, "spec");
	ns_json_put_str(meta, "name", l->name);
	ns_json_put_str(meta, "namespace", l->ns);
	put_holder(spec, l->holder);
	put_int(spec, "leaseDurationSeconds", LEASE_S);
	put_int(spec, "leaseTransitions", 0);
	put_now(l, spec, "acquireTime");
	put_now(l, spec, "renewTime");
	return write_object(l, c, "POST", o, err);
}

/* Writes the record back with the resourceVersion it was read with. */
static bool replace(ns_lease *l, ns_kube_client *c, const char *holder, bool taking_over, int64_t seconds, ns_err *err)
{
	cJSON *o = cJSON_Duplicate(l->object, true), *spec = spec_of(o);
	put_holder(spec, holder);
	put_int(spec, "leaseDurationSeconds", seconds);
	put_now(l, spec, "renewTime");
	if (taking_over) {
		put_now(l, spec, "acquireTime");
		put_int(spec, "leaseTransitions", ns_json_int_or(spec, "leaseTransitions", 0) + 1);
	}
	return write_object(l, c, "PUT", o, err);
}

static bool ours(const ns_lease *l)
{
	return strcmp(ns_json_str(l->object, "spec.holderIdentity", ""), l->holder) == 0;
}

/* One round: take it, renew it, or see who has it. */
static bool try_round(ns_lease *l, ns_kube_client *c, ns_err *err)
{
	int64_t sent = ns_clock_mono_ms(l->clock);
	/* A leader renews with the version it wrote last, and reads again only when that is refused. */
	if (l->object && ours(l) && ns_lease_held(l, NULL)) {
		if (replace(l, c, l->holder, false, LEASE_S, err)) {
			note_held(l, sent);
			return true;
		}
		if (err->code != NS_E_CONFLICT && err->code != NS_E_NOTFOUND)
			return false;
		ns_err_clear(err);
	}
	char *path = path_of(l, false);
	cJSON *got = ns_kube_get(c, path, err);
	free(path);
	sent = ns_clock_mono_ms(l->clock);
	if (!got) {
		if (err->code != NS_E_NOTFOUND)
			return false;
		ns_err_clear(err);
		if (!create(l, c, err))
			return false;
		note_held(l, sent);
		return true;
	}
	take_object(l, got);
	const char *holder = ns_json_str(got, "spec.holderIdentity", "");
	int64_t lasts = ns_json_int_or(got, "spec.leaseDurationSeconds", LEASE_S) * 1000;
	if (*holder && !ours(l) && sent - l->seen_ms < lasts) {
		note_other(l, holder);
		return true;
	}
	if (!replace(l, c, l->holder, !ours(l), LEASE_S, err))
		return false;
	note_held(l, sent);
	return true;
}

bool kube_lease_round(ns_lease *l, ns_kube_client *c, ns_err *err)
{
	bool ok = try_round(l, c, err);
	/* A conflict only says that somebody was faster: the next round sees who. */
	if (!ok && err->code != NS_E_CONFLICT)
		note_trouble(l, err);
	return ok;
}

void kube_lease_release(ns_lease *l, ns_kube_client *c)
{
	if (!l->object || !ours(l) || !ns_lease_held(l, NULL))
		return;
	pthread_mutex_lock(&l->mu);
	l->renewed_ms = 0;
	pthread_mutex_unlock(&l->mu);
	kube_client_timeout(c, RELEASE_MS);
	replace(l, c, "", false, 1, NULL);
}

void ns_lease_run(void *lease, ns_cancel *cancel)
{
	ns_lease *l = lease;
	ns_err err = {0};
	/* The release is sent after the cancel, so the client does not see it: its own short limits end a request. */
	ns_kube_client *c = ns_kube_client_new(l->cfg, l->stats, NULL, &err);
	if (!c) {
		note_trouble(l, &err);
		return;
	}
	kube_client_timeout(c, REQUEST_MS);
	kube_client_plugin_cancel(c, cancel); /* a plug-in has no limit as short as that */
	while (!ns_cancel_fired(cancel)) {
		ns_err_clear(&err);
		kube_lease_round(l, c, &err);
		int64_t wait = RETRY_MS;
		/* Followers spread out; the holder renews on the beat. */
		if (!ns_lease_held(l, NULL))
			wait += (int64_t)(ns_random_u64() % (RETRY_MS * 6 / 5));
		if (!ns_cancel_sleep(cancel, ns_clock_real(), wait))
			break;
	}
	kube_lease_release(l, c);
	ns_kube_client_free(c);
}
