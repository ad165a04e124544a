/* The gate's facts by name: one table from which the record, `gate explain` and its what-if derive. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gate_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/record.h"

enum { MAX_NAMES = 64 };

static const char *breaker_word(int v)
{
	static const char *const names[] = {"closed", "open", "half_open_free", "half_open_taken"};
	return v >= 0 && (size_t)v < sizeof names / sizeof names[0] ? names[v] : "";
}

const char *ns_autonomy_word(int v)
{
	static const char *const names[] = {"off", "shadow", "on"};
	return v >= 0 && (size_t)v < sizeof names / sizeof names[0] ? names[v] : "";
}

#define FACT(FIELD, TYPE) NS_FIELD_REQUIRED(ns_gate_facts, FIELD, TYPE)
#define WORD(FIELD, NAME, COUNT) NS_FIELD_ENUM_REQUIRED(ns_gate_facts, FIELD, NAME, COUNT)
static const ns_field facts[] = {
    FACT(confidence, DBL), WORD(rca_risk, ns_risk_word, NS_RISK_COUNT), WORD(plan_risk, ns_risk_word, NS_RISK_COUNT),
    WORD(rca_action, ns_action_word, NS_ACT_COUNT), WORD(plan_action, ns_action_word, NS_ACT_COUNT), FACT(auto_remediate, BOOL), FACT(evidence_ok, BOOL),
    FACT(trusted_evidence, BOOL), FACT(own_finding, BOOL), FACT(score, DBL), FACT(margin, DBL), FACT(score_floor, DBL), FACT(margin_floor, DBL),
    FACT(plan_requires_approval, BOOL), FACT(target_protected, BOOL), FACT(target_confirmed, BOOL), FACT(uid_pinned, BOOL), FACT(action_allowed, BOOL),
    FACT(dryrun_done, BOOL), FACT(dryrun_ok, BOOL), FACT(undo_valid, BOOL), WORD(breaker_cluster, breaker_word, 4), WORD(breaker_target, breaker_word, 4),
    FACT(target_free, BOOL), FACT(storm, BOOL), FACT(freeze, BOOL), FACT(cooldown_free, BOOL), FACT(clock_sane, BOOL), FACT(watch_live, BOOL),
    FACT(watch_synced, BOOL), FACT(lease_held, BOOL), FACT(cluster_same, BOOL), WORD(profile, ns_profile_word, 3), FACT(cluster_hour, I64),
    FACT(cluster_most, I64), FACT(ns_hour, I64), FACT(ns_most, I64), FACT(target_hour, I64), FACT(target_most, I64), FACT(four_eyes, BOOL),
    FACT(yeses, I64), WORD(autonomy, ns_autonomy_word, 3), FACT(earned, BOOL),
    NS_FIELD_END,
};
#define N_FACTS (sizeof facts / sizeof facts[0] - 1)
_Static_assert(N_FACTS <= MAX_NAMES, "every name must fit the list of near ones");

static const ns_field *find(const char *name)
{
	for (const ns_field *f = facts; f->key; f++)
		if (strcmp(f->key, name) == 0)
			return f;
	return NULL;
}

size_t ns_gate_n_facts(void)
{
	return N_FACTS;
}

const char *ns_gate_fact_name(size_t i)
{
	return i < N_FACTS ? facts[i].key : "";
}

void ns_gate_fact_text(const ns_gate_facts *f, const char *name, char *out, size_t cap)
{
	const ns_field *k = find(name);
	const void *p = k ? (const char *)f + k->off : NULL;
	*out = '\0';
	if (!k)
		return;
	if (k->type == NS_F_BOOL)
		snprintf(out, cap, "%s", *(const bool *)p ? "true" : "false");
	else if (k->type == NS_F_ENUM)
		snprintf(out, cap, "%s", k->name(*(const int *)p));
	else if (k->type == NS_F_I64)
		snprintf(out, cap, "%lld", (long long)*(const int64_t *)p);
	else
		snprintf(out, cap, "%.4g", *(const double *)p);
}

static bool unknown(const char *name, ns_err *err)
{
	const char *names[MAX_NAMES];
	for (size_t i = 0; i < N_FACTS; i++)
		names[i] = facts[i].key;
	const char *near = ns_nearest(name, names, N_FACTS);
	return ns_fail(err, NS_E_USAGE, "the gate knows no fact \"%.60s\"%s%s%s", name, near ? ", did you mean \"" : "; `gate table` names them", near ? near : "",
	    near ? "\"?" : "");
}

static bool no_word(const ns_field *k, const char *value, ns_err *err)
{
	ns_buf all = NS_BUF_INIT;
	for (int i = 0; i < k->count; i++)
		ns_buf_printf(&all, "%s%s", i ? "|" : "", k->name(i));
	ns_fail(err, NS_E_USAGE, "%s=%.60s: it is one of %s", k->key, value, ns_buf_str(&all));
	ns_buf_free(&all);
	return false;
}

bool ns_gate_fact_set(ns_gate_facts *f, const char *name, const char *value, ns_err *err)
{
	const ns_field *k = find(name);
	if (!k)
		return unknown(name, err);
	void *p = (char *)f + k->off;
	char *end = NULL;
	errno = 0;
	if (k->type == NS_F_BOOL) {
		*(bool *)p = strcmp(value, "true") == 0;
		return *(bool *)p || strcmp(value, "false") == 0 || ns_fail(err, NS_E_USAGE, "%s=%.60s: it is true or false", name, value);
	}
	if (k->type == NS_F_ENUM) {
		for (int i = 0; i < k->count; i++) {
			if (strcmp(k->name(i), value) == 0) {
				*(int *)p = i;
				return true;
			}
		}
		return no_word(k, value, err);
	}
	if (k->type == NS_F_I64)
		*(int64_t *)p = strtoll(value, &end, 10);
	else
		*(double *)p = strtod(value, &end);
	bool number = end != value && !*end && !errno && (k->type == NS_F_I64 || isfinite(*(double *)p));
	return number || ns_fail(err, NS_E_USAGE, "%s=%.60s: it is a %snumber", name, value, k->type == NS_F_I64 ? "whole " : "");
}

cJSON *ns_gate_facts_to_json(const ns_gate_facts *f)
{
	return ns_record_encode(facts, f);
}

bool ns_gate_facts_from_json(const cJSON *j, ns_gate_facts *f, ns_err *err)
{
	*f = (ns_gate_facts){0};
	return ns_record_decode(NULL, j, facts, f, err); /* no string among them: no arena */
}

void ns_gate_best(ns_gate_facts *f)
{
	*f = (ns_gate_facts){.confidence = 1, .rca_risk = NS_RISK_LOW, .plan_risk = NS_RISK_LOW, .rca_action = NS_ACT_ROLLBACK, .plan_action = NS_ACT_ROLLBACK,
	    .auto_remediate = true, .evidence_ok = true, .trusted_evidence = true, .own_finding = true, .score = 1, .margin = 1, .target_confirmed = true,
	    .uid_pinned = true, .action_allowed = true, .dryrun_done = true, .dryrun_ok = true, .undo_valid = true, .breaker_cluster = NS_BREAKER_CLOSED,
	    .breaker_target = NS_BREAKER_CLOSED, .target_free = true, .cooldown_free = true, .clock_sane = true, .watch_live = true, .watch_synced = true,
	    .lease_held = true, .cluster_same = true, .profile = NS_PROFILE_AUTO, .cluster_most = 1, .ns_most = 1, .target_most = 1, .yeses = 2,
	    .autonomy = NS_AUTONOMY_OFF, .earned = true};
}

/* The cause rests on the cluster's own observed state when one of the cited pieces of evidence is trusted (law 3). */
static bool cites_trusted(const ns_case *c, const ns_rca *r)
{
	for (size_t i = 0; i < r->n_claims; i++)
		for (size_t k = 0; k < r->claims[i].n_evidence; k++)
			for (size_t v = 0; v < c->n_evidence; v++)
				if (c->evidence[v].trusted && strcmp(c->evidence[v].id, r->claims[i].evidence[k]) == 0)
					return true;
	return false;
}

void ns_gate_judge(const ns_case *c, const ns_rca *r, const ns_plan *p, ns_gate_facts *f)
{
	f->confidence = r ? r->confidence : 0;
	f->rca_risk = r ? r->risk : NS_RISK_CRITICAL;
	f->rca_action = r ? r->action : NS_ACT_MANUAL_REVIEW;
	f->auto_remediate = r && r->auto_remediate;
	f->evidence_ok = r && r->evidence_ok;
	f->trusted_evidence = c && r && cites_trusted(c, r);
	f->plan_risk = p ? p->risk : NS_RISK_CRITICAL;
	f->plan_action = p ? p->action : NS_ACT_MANUAL_REVIEW;
	f->score = p ? p->score : 0;
	f->margin = p ? p->margin : 0;
	f->plan_requires_approval = !p || p->requires_approval;
}
