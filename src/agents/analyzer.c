/* The analyzer: collects the evidence of one incident and asks the analyst. A dozen GETs on one connection; what cannot be read becomes a
 * note that the analyst weighs, because an absent answer is evidence too. */
#include "neuroscale/agents/analyzer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/policy/policy.h"

#define BELOW_THE_GATE .74 /* law 4 asks for more than 0.75 */

const char *ns_collect_clean(ns_collector *k, const char *s, size_t max)
{
	char *clean = ns_redact_line(s, strlen(s), max);
	const char *out = ns_arena_strdup(k->ar, clean);
	free(clean);
	return out;
}

void ns_collect_add(ns_collector *k, ns_ev_kind kind, bool trusted, int64_t at_ms, const char *fmt, ...)
{
	if (k->c->n_evidence >= NS_COLLECT_EVIDENCE)
		return;
	ns_buf text = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	ns_evidence *e = &k->c->evidence[k->c->n_evidence++];
	*e = (ns_evidence){
	    ns_arena_printf(k->ar, "E%zu", k->c->n_evidence), kind, trusted, ns_collect_clean(k, ns_buf_str(&text), 480), at_ms};
	ns_buf_free(&text);
}

/* What stops the collection, in contrast to what one right or one object less does to it. */
static bool fatal(ns_code code)
{
	return code == NS_E_UNREACHABLE || code == NS_E_CANCELLED;
}

cJSON *ns_collect_get(ns_collector *k, const char *path, const char *what, ns_code *code)
{
	ns_err err = {0};
	if (code)
		*code = NS_OK;
	if (k->gone)
		return NULL;
	cJSON *j = ns_kube_get(k->client, path, &err);
	if (j)
		return j;
	if (code)
		*code = err.code;
	if (fatal(err.code)) {
		k->gone = true;
		k->err = err;
	}
	if (what)
		ns_collect_add(k, NS_EV_NOTE, true, 0, "%s could not be read: %s", what, err.text);
	return NULL;
}

int64_t ns_collect_time(const cJSON *j, const char *path)
{
	int64_t ms;
	return ns_time_parse(ns_json_str(j, path, ""), &ms) ? ms : 0;
}

bool ns_collect_controlled_by(const cJSON *obj, const char *uid)
{
	ns_json_each(ref, ns_json_path(obj, "metadata.ownerReferences")) if (ns_json_bool_or(ref, "controller", false) && *uid &&
	                                                                     !strcmp(ns_json_str(ref, "uid", ""), uid)) return true;
	return false;
}

static ns_case *new_case(ns_arena *ar, const ns_alert *a, const ns_collect_opts *o)
{
	ns_case *c = ns_case_new(ar);
	c->alert = *ns_alert_copy(ar, a); /* the case outlives the alert it came from */
	c->taken_ms = ns_clock_wall_ms(o->clock);
	c->evidence = ns_arena_alloc(ar, NS_COLLECT_EVIDENCE * sizeof *c->evidence);
	c->log_lines = ns_arena_alloc(ar, NS_COLLECT_LOGS * sizeof *c->log_lines);
	return c;
}

/* Kinds whose finding is not told again by the object itself, or whose object is not read; and whether the cluster's own state vouches for it. */
static void tell_finding(ns_collector *k)
{
	static const struct { ns_kind kind; bool trusted; } rows[] = {{NS_KIND_EVICTED, true}, {NS_KIND_NODE_PRESSURE, true}, {NS_KIND_JOB_FAILED, true},
	    {NS_KIND_AUTOSCALING, true}, {NS_KIND_CERTIFICATE_EXPIRY, true}, {NS_KIND_OTHER, true}, {NS_KIND_VOLUME_PENDING, false},
	    {NS_KIND_ARGOCD_DRIFT, false}, {NS_KIND_EXTERNAL, false}};
	const ns_alert *a = k->a;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].kind == a->kind)
			ns_collect_add(k, rows[i].trusted ? NS_EV_STATUS : NS_EV_NOTE, rows[i].trusted, a->seen_ms, "%s%s%s", a->reason, *a->message ? ": " : "", a->message);
}

ns_case *ns_case_collect(ns_arena *ar, ns_kube_client *client, const ns_alert *a, const ns_collect_opts *o, ns_err *err)
{
	ns_case *made = new_case(ar, a, o);
	ns_collector k = {.ar = ar, .client = client, .a = &made->alert, .o = o, .c = made, .failing = made->alert.container};
	tell_finding(&k);
	bool ok = ns_collect_target(&k, err);
	if (ok && k.c->found) {
		ns_collect_history(&k);
		ns_collect_owner(&k);
		ns_collect_surroundings(&k);
		ns_collect_bounds(&k);
		/* A policy finding or a price is not explained by what the pods do. */
		if (a->kind != NS_KIND_KYVERNO_VIOLATION && a->kind != NS_KIND_COST_SPIKE) {
			ns_collect_pods(&k);
			ns_collect_proof(&k);
			ns_collect_nodes(&k);
			ns_collect_events(&k);
			ns_collect_logs(&k);
		}
	}
	if (ok && a->kind == NS_KIND_KYVERNO_VIOLATION)
		ns_collect_policy(&k);
	if (ok && a->kind == NS_KIND_COST_SPIKE)
		ns_collect_cost(&k);
	if (ok && k.gone) {
		if (err)
			*err = k.err;
		ok = ns_err_wrap(err, "collecting evidence of %s/%s", a->target.ns, a->target.name);
	}
	if (ok)
		ns_collect_hash(&k);
	cJSON_Delete(k.target);
	cJSON_Delete(k.replicasets);
	cJSON_Delete(k.pods);
	return ok ? k.c : NULL;
}

static bool cited(const ns_case *c, const char *id)
{
	for (size_t i = 0; i < c->n_evidence; i++)
		if (!strcmp(c->evidence[i].id, id))
			return true;
	return false;
}

/* Whoever the analyst was: a claim without evidence of this case keeps the machine's hands off, and so does a guarded policy rule. */
static void check(ns_arena *ar, const ns_case *c, ns_rca *r)
{
	bool ok = r->n_claims > 0;
	for (size_t i = 0; i < r->n_claims; i++) {
		ok &= r->claims[i].n_evidence > 0;
		for (size_t e = 0; e < r->claims[i].n_evidence; e++)
			ok &= cited(c, r->claims[i].evidence[e]);
	}
	r->evidence_ok = ok;
	if (!ok) {
		r->auto_remediate = false;
		if (r->confidence > BELOW_THE_GATE)
			r->confidence = BELOW_THE_GATE;
	}
	const char *why = "";
	if (r->action == NS_ACT_POLICY_EXCEPTION &&
	    !ns_exception_permitted(c->alert.policy, c->alert.rule, c->policy_category, c->policy_message, &why)) {
		r->action = NS_ACT_MANUAL_REVIEW;
		r->auto_remediate = false;
		r->reasoning = ns_arena_printf(ar, "%s No exception is possible: %s.", r->reasoning, why);
	}
}

ns_rca *ns_analyze(ns_arena *ar, const ns_case *c)
{
	ns_rca *r = ns_offline_analyze(ar, c);
	check(ar, c, r);
	return r;
}

ns_analysis *ns_analyze_with(ns_analysts *a, ns_arena *ar, const ns_case *c, int64_t incident, const ns_cancel *cancel)
{
	ns_analysis *x = ns_llm_analyze(a, ar, c, incident, cancel);
	check(ar, c, x->rca);
	x->rca->evidence_ok &= !x->strangers.n; /* what it names beside its claims must be there too */
	return x;
}
