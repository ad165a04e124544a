/* Tests of the rule table: what is not made of pods: nodes, volume claims, certificates, applications of Argo CD, alerts of other systems. */
#include <stdio.h>

#include "detector_rules.h"

enum {
	SAYS_SO_MS = DT_MINUTE,
	CLAIM_MS = DT_MINUTE,
	CLAIM_FAILS_MS = 15000,
	CLAIM_IDLE_MS = 15 * DT_MINUTE,
	NOTE_FRESH_MS = 6 * DT_MINUTE,
	SYNC_MS = 2 * DT_MINUTE, /* it may retry */
	HEALTH_MS = 5 * DT_MINUTE,
	DRIFT_MS = 10 * DT_MINUTE,
	PARTS_AGAIN_MS = 10000,
	MAX_NAMES = 200
};
#define CERT_CRIT_MS (3 * 86400000ll)

/* ---- nodes ---- */

static void on_node(const dt_env *e, const dt_node *n, dt_finding *f, const char *reason, const char *message)
{
	dt_found(e, f, NULL, "", reason, message);
	f->object_uid = n->uid;
	f->n_members = dt_pods_on(n, e->d, e->ar, &f->members, MAX_NAMES);
}

void dt_test_node_down(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_node *n = w->node;
	int64_t until;
	if (!n || n->ready)
		return;
	if (!dt_node_lost(n, e->wall, &until)) {
		dt_look_again(e, f, until);
		return;
	}
	/* Of one that does not answer the control plane has waited 40 s before it says so; one that answers may just be starting its kubelet. */
	if (n->answers && dt_too_early(e, f, n->since_ms, SAYS_SO_MS))
		return;
	on_node(e, n, f, "NotReady", *n->message ? n->message : n->reason);
}

void dt_test_node_pressure(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_node *n = w->node;
	/* A new node has no network until its routes are made. */
	if (n && n->ready && *n->trouble && !n->leaving && !(dt_is(n->trouble, "NetworkUnavailable") && dt_too_early(e, f, n->created_ms, DT_JOINING_MS)))
		on_node(e, n, f, n->trouble, n->trouble_message);
}

/* ---- volume claims ---- */

static bool used(const dt_env *e, const dt_thing *t)
{
	dt_each(dt_pod, p, &e->d->pods)
		for (const char *c = p->claims; strcmp(p->ns, t->ns) == 0 && *c; c += strlen(c) + 1)
			if (dt_is(c, t->name))
				return true;
	return false;
}

/* A claim that waits for its first pod is as it should be, and one that waits for a pod to find a node is not the cause of that. */
bool dt_claim_wrong(const dt_env *e, dt_finding *f, const dt_thing *t, bool *wait)
{
	const dt_note *n = dt_note_of(e->d, t->uid);
	bool fresh = n && n->fail_ms && e->wall - n->fail_ms < NOTE_FRESH_MS;
	if (dt_is(t->reason, "ClaimLost"))
		return true;
	if (fresh)
		dt_look_again(e, f, n->fail_ms + NOTE_FRESH_MS);
	if (fresh && strncmp(n->fail_reason, "WaitFor", 7) == 0)
		return false;
	*wait = dt_too_early(e, f, t->since_ms, fresh ? CLAIM_FAILS_MS : CLAIM_MS);
	if (*wait || fresh || used(e, t))
		return !*wait;
	/* Nobody uses it, and nobody says that it waits for that. Who may not see events cannot tell. */
	return !e->d->rows[DT_ROW_EVENTS].absent && !dt_too_early(e, f, t->since_ms, CLAIM_IDLE_MS);
}

void dt_test_claim(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_thing *t = dt_thing_at(w, DT_CLAIM);
	bool wait = false;
	if (!t || !dt_claim_wrong(e, f, t, &wait))
		return;
	const dt_note *n = dt_note_of(e->d, t->uid);
	bool said = n && n->fail_ms && e->wall - n->fail_ms < NOTE_FRESH_MS;
	dt_found(e, f, NULL, "", said ? n->fail_reason : t->reason, said ? n->fail_message : t->message);
	f->object_uid = t->uid;
}

/* ---- certificates ---- */

void dt_test_certificate(const dt_env *e, dt_work *w, dt_finding *f)
{
	const dt_thing *t = dt_thing_at(w, DT_CERTIFICATE);
	if (!t || e->wall < t->until_ms - DT_CERT_WARN_MS)
		return;
	bool over = e->wall >= t->until_ms;
	dt_look_again(e, f, t->until_ms - CERT_CRIT_MS);
	dt_look_again(e, f, t->until_ms);
	dt_found(e, f, NULL, "", over ? "CertificateExpired" : t->reason, t->message);
	f->severity = e->wall >= t->until_ms - CERT_CRIT_MS ? NS_SEV_CRIT : -1;
	f->object_uid = t->uid;
}

/* ---- Argo CD ---- */

/* One of the workloads that it deploys has an incident that says more. */
static bool parts_tell(const dt_env *e, const dt_thing *t)
{
	unsigned tell = dt_health_kinds | DT_BIT(NS_KIND_KYVERNO_VIOLATION) | DT_BIT(NS_KIND_JOB_FAILED);
	for (const char *s = t->parts, *end; (end = strchr(s, '\n')) != NULL; s = end + 1) {
		const dt_work *w = dt_tab_get(&e->d->works, ns_arena_strndup(e->ar, s, (size_t)(end - s)));
		for (int k = 0; w && w->k && k < NS_KIND_COUNT; k++)
			if ((tell & DT_BIT(k)) && w->k[k].alerted)
				return true;
	}
	return false;
}

static void application(const dt_env *e, dt_work *w, dt_finding *f, const char *const *reasons, int64_t grace, bool errors)
{
	const dt_thing *t = dt_thing_at(w, DT_APPLICATION);
	if (!t)
		return;
	size_t n = strlen(t->reason);
	bool mine = errors ? dt_is(t->reason, "SyncFailed") || (n > 5 && dt_is(t->reason + n - 5, "Error")) : ns_listed(t->reason, reasons);
	if (!mine || dt_too_early(e, f, t->since_ms, grace))
		return;
	f->symptom = parts_tell(e, t);
	dt_look_again(e, f, e->wall + PARTS_AGAIN_MS);
	dt_found(e, f, NULL, "", t->reason, t->message);
	f->object_uid = t->uid;
}

void dt_test_sync_failed(const dt_env *e, dt_work *w, dt_finding *f)
{
	application(e, w, f, NULL, SYNC_MS, true);
}

void dt_test_app_health(const dt_env *e, dt_work *w, dt_finding *f)
{
	application(e, w, f, (const char *const[]){"Degraded", "Missing", NULL}, HEALTH_MS, false);
}

void dt_test_drift(const dt_env *e, dt_work *w, dt_finding *f)
{
	application(e, w, f, (const char *const[]){"OutOfSync", NULL}, DRIFT_MS, false);
}

/* ---- alerts of other systems ---- */

static const char *container_known(const dt_work *w, const char *name)
{
	for (size_t i = 0; i < w->n_pods; i++)
		for (const dt_container *c = w->pods[i]->c; c < w->pods[i]->c + w->pods[i]->n_c; c++)
			if (dt_is(c->name, name))
				return name;
	return "";
}

void dt_test_external(const dt_env *e, dt_work *w, dt_finding *f)
{
	for (size_t i = 0; i < w->n_things; i++) {
		const dt_thing *t = w->things[i];
		if (t->sort != DT_EXTERNAL || e->wall >= t->until_ms)
			continue;
		dt_look_again(e, f, t->until_ms);
		if (f->holds && (int)t->severity <= f->severity)
			continue; /* the gravest gives the words */
		f->holds = false;
		dt_found(e, f, NULL, container_known(w, t->container), t->reason, t->message);
		f->severity = (int)t->severity;
		f->object_uid = w->uid;
	}
}
