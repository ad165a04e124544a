/* Reading the recorded facts of an incident back, and turning them into what the gate judges by. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"

enum { HOUR_MS = 3600000 };

/* Absent is fine; unreadable is not. */
static bool read_fact(ns_engine *e, int64_t incident, const char *name, cJSON **out, ns_err *err)
{
	ns_err why = {0};
	*out = ns_store_fact_latest(e->store, incident, name, NULL, &why);
	if (!*out && why.code != NS_E_NOTFOUND) {
		if (err)
			*err = why;
		return false;
	}
	return true;
}

/* The plans whose change was sent, but for those the server refused because the object had moved: nothing was tried with them. */
static bool read_history(ns_engine *e, ns_arena *ar, int64_t incident, ns_dossier *d, ns_err *err)
{
	ns_sent_plan *sent;
	size_t n;
	if (!ns_store_sent_plans(e->store, ar, incident, &sent, &n, &d->n_plans, err))
		return false;
	const ns_plan **list = ns_arena_alloc(ar, (n + 1) * sizeof *list);
	bool *unknown = ns_arena_alloc(ar, (n + 1) * sizeof *unknown);
	size_t tried = 0;
	for (size_t i = 0; i < n; i++) {
		if (sent[i].refused)
			continue;
		list[tried] = sent[i].plan;
		unknown[tried++] = sent[i].unknown;
	}
	d->history = (ns_plan_history){.executed = list, .n = tried};
	d->history_unknown = unknown;
	return true;
}

#define DECODE(PART, FIELD, NAME, FROM)                                                                                                          \
	do {                                                                                                                               \
		j = NULL;                                                                                                                  \
		if ((parts & (PART)) && !read_fact(e, incident, NAME, &j, err))                                                            \
			return ns_err_wrap(err, "incident %lld, %s", (long long)incident, NAME);                                           \
		if (j) {                                                                                                                   \
			d->FIELD = FROM(ar, j, err);                                                                                       \
			cJSON_Delete(j);                                                                                                   \
			if (!d->FIELD)                                                                                                     \
				return ns_err_wrap(err, "incident %lld, %s", (long long)incident, NAME);                                   \
		}                                                                                                                          \
	} while (0)

bool ns_dossier_read(ns_engine *e, ns_arena *ar, int64_t incident, unsigned parts, ns_dossier *d, ns_err *err)
{
	cJSON *j = NULL;
	memset(d, 0, sizeof *d);
	d->cluster_identity = "";
	DECODE(NS_D_ALERT, alert, "alert", ns_alert_from_json);
	DECODE(NS_D_CASE, cs, "case", ns_case_from_json);
	DECODE(NS_D_RCA, rca, "rca", ns_rca_from_json);
	DECODE(NS_D_PLAN, plan, "plan", ns_plan_from_json);
	DECODE(NS_D_DRYRUN, dryrun, "dryrun", ns_dryrun_from_json);
	DECODE(NS_D_CARD, card, "summary", ns_card_from_json);
	/* A dry-run belongs to the plan before it: one that is older than the plan is of an earlier attempt. */
	if (d->dryrun && ns_store_fact_seq(e->store, incident, "dryrun") < ns_store_fact_seq(e->store, incident, "plan"))
		d->dryrun = NULL;
	if (!(parts & NS_D_HISTORY))
		return true;
	if (!read_fact(e, incident, "cluster", &j, err))
		return false;
	if (j)
		d->cluster_identity = ns_arena_strdup(ar, ns_json_str(j, "identity", ""));
	cJSON_Delete(j);
	return read_history(e, ar, incident, d, err);
}

void ns_breaker_scope_target(const ns_workload *w, char *out, size_t cap)
{
	snprintf(out, cap, "target:%s/%s/%s/%s", w->cluster, w->ns, w->kind, w->name);
}

static const struct { const char *name; ns_breaker_state state; } breaker_names[] = {
    {"closed", NS_BREAKER_CLOSED}, {"open", NS_BREAKER_OPEN}, {"half_open", NS_BREAKER_HALF_OPEN_TAKEN}};

static void breaker_read(ns_engine *e, ns_arena *ar, const char *scope, ns_breaker *b)
{
	ns_breaker_row row;
	memset(b, 0, sizeof *b);
	if (!ns_store_breaker_get(e->store, ar, scope, &row, NULL)) {
		b->state = NS_BREAKER_OPEN; /* what cannot be read is not closed */
		b->opened_ms = INT64_MAX / 2;
		return;
	}
	b->state = NS_BREAKER_OPEN;
	for (size_t i = 0; i < sizeof breaker_names / sizeof breaker_names[0]; i++) {
		if (strcmp(breaker_names[i].name, row.state) == 0)
			b->state = breaker_names[i].state;
	}
	b->failures = row.failures;
	b->opened_ms = row.opened_ms;
	b->trial_incident = row.trial_incident;
}

static bool breaker_write(ns_step *s, const char *scope, const ns_breaker *b)
{
	const char *name = b->state == NS_BREAKER_CLOSED ? "closed" : b->state == NS_BREAKER_OPEN ? "open" : "half_open";
	ns_breaker_row row = {.scope = scope, .state = name, .failures = b->failures, .opened_ms = b->opened_ms, .trial_incident = b->trial_incident};
	return ns_store_breaker_put(s->e->store, &row, &s->err);
}

static void scopes_of(const ns_step *s, char scopes[2][700])
{
	snprintf(scopes[0], 700, "cluster:%s", s->inc.target.cluster);
	ns_breaker_scope_target(&s->inc.target, scopes[1], 700);
}

bool ns_breakers_take(ns_step *s)
{
	char scopes[2][700];
	scopes_of(s, scopes);
	for (int i = 0; i < 2; i++) {
		ns_breaker b;
		breaker_read(s->e, s->ar, scopes[i], &b);
		ns_breaker_take(&b, ns_clock_wall_ms(s->e->o.clock), s->inc.id);
		if (!breaker_write(s, scopes[i], &b))
			return false;
	}
	return true;
}

bool ns_breakers_result(ns_step *s, bool fixed)
{
	char scopes[2][700];
	scopes_of(s, scopes);
	for (int i = 0; i < 2; i++) {
		ns_breaker b;
		breaker_read(s->e, s->ar, scopes[i], &b);
		bool opened = ns_breaker_result(&b, fixed, ns_clock_wall_ms(s->e->o.clock), s->inc.id);
		if (!breaker_write(s, scopes[i], &b))
			return false;
		if (opened) {
			cJSON *detail = cJSON_CreateObject();
			ns_json_put_str(detail, "scope", scopes[i]);
			if (!ns_step_audit(s, "breaker", "breaker opened", detail, true))
				return false;
		}
	}
	return true;
}

bool ns_breakers_release(ns_step *s)
{
	char scopes[2][700];
	scopes_of(s, scopes);
	for (int i = 0; i < 2; i++) {
		ns_breaker b;
		breaker_read(s->e, s->ar, scopes[i], &b);
		if (b.state != NS_BREAKER_HALF_OPEN_TAKEN || b.trial_incident != s->inc.id)
			continue;
		ns_breaker_release(&b, s->inc.id);
		if (!breaker_write(s, scopes[i], &b))
			return false;
	}
	return true;
}

void ns_breakers_rebase(ns_engine *e)
{
	ns_arena *ar = ns_arena_new();
	ns_step s = {.e = e, .ar = ar};
	ns_breaker_row *rows;
	size_t n;
	bool ok = s.open = ns_store_begin(e->store, &s.err);
	ok = ok && ns_store_breakers(e->store, ar, &rows, &n, &s.err);
	for (size_t i = 0; ok && i < n; i++) {
		ns_breaker b;
		breaker_read(e, ar, rows[i].scope, &b);
		if (ns_breaker_rebase(&b, ns_clock_wall_ms(e->o.clock)))
			ok = breaker_write(&s, rows[i].scope, &b);
	}
	if (s.open && !(ok && ns_store_commit(e->store, &s.err)))
		ns_store_rollback(e->store);
	ns_arena_free(ar);
}

static bool action_allowed(const char *const *allowed, ns_action a)
{
	return !allowed || ns_listed(ns_action_get(a)->name, allowed);
}

/* All changes count, whoever decided them; what cannot be counted is more than any limit. */
static void collect_limits(ns_engine *e, const ns_cluster *c, const ns_workload *w, int64_t now, ns_gate_facts *f)
{
	char target[700];
	snprintf(target, sizeof target, "%s/%s/%s", w->ns, w->kind, w->name);
	f->cluster_hour = ns_store_intents_since(e->store, w->cluster, NULL, now - HOUR_MS, NULL);
	f->ns_hour = ns_store_intents_in_ns(e->store, w->cluster, w->ns, now - HOUR_MS);
	f->target_hour = ns_store_intents_since(e->store, w->cluster, target, now - HOUR_MS, NULL);
	f->cluster_most = c ? c->o.actions_per_hour : 0;
	f->ns_most = c ? c->o.ns_actions_per_hour : 0;
	f->target_most = c ? c->o.target_actions_per_hour : 0;
	f->cooldown_free = ns_store_intents_since(e->store, w->cluster, target, now - e->o.target_cooldown_ms, NULL) == 0;
}

void ns_gate_collect(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_dossier *d, ns_gate_facts *f)
{
	memset(f, 0, sizeof *f);
	ns_cluster *c = ns_cluster_find(e, inc->target.cluster);
	f->profile = c ? c->o.profile : NS_PROFILE_OBSERVE; /* not configured any more: nothing is sent there */
	/* A score is held against the floors of the vectors that gave it. */
	bool by_model = d->plan && *d->plan->retrieved_by && strcmp(d->plan->retrieved_by, "offline") != 0;
	f->score_floor = by_model ? d->plan->score_floor : ns_library_score_floor(e->library);
	f->margin_floor = by_model ? d->plan->margin_floor : ns_library_margin_floor(e->library);
	ns_gate_judge(d->cs, d->rca, d->plan, f);
	f->own_finding = inc->kind != NS_KIND_EXTERNAL && d->cs && d->cs->alert.kind != NS_KIND_EXTERNAL;
	f->action_allowed = c && d->plan && action_allowed(c->o.limits.allowed_actions, d->plan->action);
	f->undo_valid = d->plan && d->plan->undo_valid && d->dryrun && d->dryrun->undo_ok;
	f->four_eyes = c && c->o.four_eyes;
	f->autonomy = c ? c->o.autonomy : NS_AUTONOMY_SHADOW;
	ns_autonomy_record record;
	f->earned = d->plan && ns_earned_look(e, ar, &inc->target, d->plan, &record) && record.earned;
	f->target_protected = ns_namespace_protected(inc->target.ns, c ? c->o.protected_ns : NULL);
	if (d->dryrun) {
		f->dryrun_done = true;
		f->dryrun_ok = d->dryrun->ok;
		f->uid_pinned = inc->target.uid[0] && strcmp(d->dryrun->live_uid, inc->target.uid) == 0;
		f->cluster_same = d->cluster_identity[0] && strcmp(d->dryrun->cluster_identity, d->cluster_identity) == 0;
	}
	f->target_confirmed = d->cs && d->cs->found && strcmp(d->cs->alert.target.uid, inc->target.uid) == 0;

	int64_t now = ns_clock_wall_ms(e->o.clock);
	char scope[700];
	ns_breaker b;
	snprintf(scope, sizeof scope, "cluster:%s", inc->target.cluster);
	breaker_read(e, ar, scope, &b);
	f->breaker_cluster = ns_breaker_look(&b, now, inc->id);
	ns_breaker_scope_target(&inc->target, scope, sizeof scope);
	breaker_read(e, ar, scope, &b);
	f->breaker_target = ns_breaker_look(&b, now, inc->id);

	ns_link link;
	ns_cluster_link(c, &link);
	f->storm = link.storm;
	f->watch_live = link.live;
	f->watch_synced = link.synced;
	f->freeze = !c || ns_cluster_frozen(c, now, NULL, 0, NULL);
	f->lease_held = ns_cluster_holds_lease(c, NULL);
	f->clock_sane = ns_clock_watch(e);
	collect_limits(e, c, &inc->target, now, f);
	/* A verification may take longer than the cool-down; a second change would decide it, approved or not. */
	f->target_free = !ns_store_target_busy(e->store, &inc->target, inc->id);
}

cJSON *ns_gate_to_json(const ns_gate_facts *f, const ns_gate_verdict *v, bool sending, bool approved)
{
	static const char *const ways[] = {"manual_review", "ask", "auto"};
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "way", ways[v->way]);
	ns_json_put_num(o, "confidence", f->confidence);
	ns_json_put_num(o, "score", f->score);
	ns_json_put_num(o, "margin", f->margin);
	ns_json_put_bool(o, "sending", sending);
	ns_json_put_bool(o, "approved", approved);
	if (sending)
		ns_json_put_bool(o, "sends", v->n == 0);
	cJSON_AddItemToObject(o, "facts", ns_gate_facts_to_json(f));
	cJSON *list = cJSON_AddArrayToObject(o, "reasons");
	for (size_t i = 0; i < v->n; i++) {
		cJSON *r = cJSON_CreateObject();
		ns_json_put_str(r, "condition", v->condition[i]);
		ns_json_put_str(r, "words", v->words[i]);
		cJSON_AddItemToArray(list, r);
	}
	return o;
}
