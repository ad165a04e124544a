/* The picture: built by the engine's thread from the store and the detector, swapped under a mutex, then everybody who waits is rung. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/text.h"

enum { MAX_INCIDENTS = 500, MAX_COST_LINES = 40, RATE_MS = 2000, USAGE_MS = 5000 };

void ns_engine_dirty(ns_engine *e)
{
	atomic_store(&e->dirty, true);
	ns_wake_ring(e->wake);
}

void ns_engine_say(ns_engine *e, int level, const char *fmt, ...)
{
	char raw[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	char *clean = ns_text_clean_dup(raw, sizeof e->said[0].text - 2);
	pthread_mutex_lock(&e->say_mu);
	e->said[e->said_next].at_ms = ns_clock_wall_ms(e->o.clock);
	e->said[e->said_next].level = level;
	ns_copy(e->said[e->said_next].text, sizeof e->said[0].text, clean);
	e->said_next = (e->said_next + 1) % NS_MAX_MESSAGES;
	if (e->n_said < NS_MAX_MESSAGES)
		e->n_said++;
	pthread_mutex_unlock(&e->say_mu);
	free(clean);
}

void ns_engine_notice(ns_engine *e, const char *words)
{
	ns_engine_say(e, NS_LOG_WARN, "%s", words);
	ns_engine_dirty(e);
}

void ns_engine_store_says(ns_engine *e, const ns_err *err)
{
	if (err && err->code != NS_E_NOSPACE && err->code != NS_E_IO)
		return;
	pthread_mutex_lock(&e->say_mu);
	bool was = e->store_why[0] != '\0';
	ns_copy(e->store_why, sizeof e->store_why, err ? err->text : "");
	pthread_mutex_unlock(&e->say_mu);
	if (was == (err != NULL))
		return;
	if (err)
		ns_engine_say(e, NS_LOG_ERROR, "nothing can be recorded, so nothing is done: %s", err->text);
	else
		ns_engine_say(e, NS_LOG_INFO, "the store can be written again");
	ns_engine_dirty(e);
}

const char *ns_with_context(const ns_cluster *c, ns_arena *ar, const char *text)
{
	static const char tool[] = "kubectl ", plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:/-+";
	const char *context = !c ? "" : ns_cluster_made(c) ? c->o.cfg->context : c->o.context, *p;
	if (!*context || strchr(context, '\'') || !strstr(text, tool))
		return text;
	const char *quote = context[strspn(context, plain)] ? "'" : "";
	ns_buf out = NS_BUF_INIT;
	for (; (p = strstr(text, tool)); text = p + sizeof tool - 1) {
		bool alone = p == text || p[-1] == ' ' || p[-1] == '`';
		ns_buf_put(&out, text, (size_t)(p - text) + sizeof tool - 1);
		if (alone)
			ns_buf_printf(&out, "--context %s%s%s ", quote, context, quote);
	}
	ns_buf_puts(&out, text);
	return ns_arena_take(ar, &out);
}

static const char *const agent_names[NS_AG_COUNT] = {"detector", "analyzer", "planner", "executor", "escalation", "verifier"};

void ns_agent_begin(ns_engine *e, ns_agent a, const char *fmt, ...)
{
	va_list ap;
	pthread_mutex_lock(&e->say_mu);
	va_start(ap, fmt);
	vsnprintf(e->agents[a].doing, sizeof e->agents[a].doing, fmt, ap);
	va_end(ap);
	e->agents[a].busy++;
	pthread_mutex_unlock(&e->say_mu);
}

void ns_agent_end(ns_engine *e, ns_agent a, bool ok)
{
	pthread_mutex_lock(&e->say_mu);
	e->agents[a].busy--;
	*(ok ? &e->agents[a].done : &e->agents[a].failed) += 1;
	pthread_mutex_unlock(&e->say_mu);
}

void ns_agent_count(ns_engine *e, ns_agent a)
{
	pthread_mutex_lock(&e->say_mu);
	e->agents[a].done++;
	pthread_mutex_unlock(&e->say_mu);
}

static void put_agents(ns_engine *e, ns_snapshot *s)
{
	s->agents = ns_arena_alloc(s->arena, NS_AG_COUNT * sizeof *s->agents);
	s->n_agents = NS_AG_COUNT;
	pthread_mutex_lock(&e->say_mu);
	for (int i = 0; i < NS_AG_COUNT; i++) {
		ns_agent_row *r = &s->agents[i];
		r->name = agent_names[i];
		r->busy = e->agents[i].busy > 0;
		r->doing = ns_arena_strdup(s->arena, r->busy ? e->agents[i].doing : "");
		r->done = e->agents[i].done;
		r->failed = e->agents[i].failed;
	}
	s->messages = ns_arena_alloc(s->arena, (e->n_said + 1) * sizeof *s->messages);
	s->n_messages = e->n_said;
	size_t first = e->n_said < NS_MAX_MESSAGES ? 0 : e->said_next;
	for (size_t i = 0; i < e->n_said; i++) {
		size_t k = (first + i) % NS_MAX_MESSAGES;
		s->messages[i] = (ns_msg_row){e->said[k].at_ms, e->said[k].level, ns_arena_strdup(s->arena, e->said[k].text)};
	}
	pthread_mutex_unlock(&e->say_mu);
	/* The two that are no job: the watch, and the waiting for people. */
	size_t live = 0;
	for (size_t i = 0; i < s->n_clusters; i++)
		live += s->clusters[i].live;
	s->agents[NS_AG_DETECTOR].busy = live > 0;
	s->agents[NS_AG_DETECTOR].doing = live == s->n_clusters ? "watching" : live ? ns_arena_printf(s->arena, "watching %zu of %zu", live, s->n_clusters) : "no connection";
	s->agents[NS_AG_ESCALATION].busy = s->n_approvals > 0;
	s->agents[NS_AG_ESCALATION].doing = s->n_approvals ? ns_arena_printf(s->arena, "%zu waiting", s->n_approvals) : "";
}

/* ---- one incident ---- */

/* Which stage a state is in, and how that stage stands; every stage before it is done. */
static const struct { ns_stage stage; ns_stage_mark mark; } stage_of[NS_ST_COUNT] = {
    [NS_ST_DETECTED] = {NS_STAGE_ANALYZE, NS_MARK_TODO},
    [NS_ST_ANALYZING] = {NS_STAGE_ANALYZE, NS_MARK_RUNNING},
    [NS_ST_PLANNING] = {NS_STAGE_PLAN, NS_MARK_RUNNING},
    [NS_ST_AWAITING_APPROVAL] = {NS_STAGE_APPROVE, NS_MARK_WAITS},
    [NS_ST_EXECUTING] = {NS_STAGE_EXECUTE, NS_MARK_RUNNING},
    [NS_ST_VERIFYING] = {NS_STAGE_VERIFY, NS_MARK_RUNNING},
    [NS_ST_UNDOING] = {NS_STAGE_VERIFY, NS_MARK_RUNNING},
    [NS_ST_RESOLVED] = {NS_STAGE_VERIFY, NS_MARK_DONE},
    [NS_ST_REJECTED] = {NS_STAGE_APPROVE, NS_MARK_FAILED},
    [NS_ST_EXPIRED] = {NS_STAGE_APPROVE, NS_MARK_FAILED},
    [NS_ST_WITHDRAWN] = {NS_STAGE_ANALYZE, NS_MARK_SKIPPED},
    [NS_ST_FAILED] = {NS_STAGE_VERIFY, NS_MARK_FAILED},
    [NS_ST_MANUAL_REVIEW] = {NS_STAGE_APPROVE, NS_MARK_WAITS},
};

static void put_stages(const ns_incident *inc, ns_inc_row *r)
{
	const int64_t ends[NS_STAGE_COUNT] = {inc->detected_ms, inc->analyzed_ms, inc->planned_ms, inc->decided_ms, inc->executed_ms, inc->verified_ms};
	int64_t before = inc->opened_ms;
	for (int i = 0; i < NS_STAGE_COUNT; i++) {
		if (i < (int)stage_of[inc->state].stage)
			r->stage[i] = ends[i] || i == NS_STAGE_DETECT ? NS_MARK_DONE : NS_MARK_SKIPPED;
		else if (i == (int)stage_of[inc->state].stage)
			r->stage[i] = stage_of[inc->state].mark;
		else
			r->stage[i] = ns_state_get(inc->state)->terminal ? NS_MARK_SKIPPED : NS_MARK_TODO;
		if (inc->state == NS_ST_RESOLVED && inc->verdict != NS_VERDICT_FIXED && i >= NS_STAGE_EXECUTE && !ends[i])
			r->stage[i] = NS_MARK_SKIPPED; /* it recovered by itself */
		if (ends[i]) {
			r->stage_ms[i] = ends[i] > before ? ends[i] - before : 0;
			before = ends[i];
		}
	}
}

void ns_fill_row(ns_engine *e, const ns_incident *inc, const ns_dossier *d, ns_inc_row *r)
{
	r->id = inc->id;
	r->state = inc->state;
	r->kind = inc->kind;
	r->severity = inc->severity;
	r->verdict = inc->verdict;
	r->cluster = inc->target.cluster;
	r->ns = inc->target.ns;
	r->target_kind = inc->target.kind;
	r->target = inc->target.name;
	r->container = inc->container;
	r->reason = inc->reason;
	r->message = inc->message;
	r->note = inc->note;
	r->members = inc->members;
	r->opened_ms = inc->opened_ms;
	r->updated_ms = r->state_since_ms = inc->updated_ms;
	r->open = inc->closed_ms == 0;
	r->has_plan = d->plan != NULL;
	r->action = d->plan ? d->plan->action : NS_ACT_MANUAL_REVIEW;
	r->headline = d->card ? d->card->headline : "";
	put_stages(inc, r);
	if (inc->state == NS_ST_VERIFYING)
		ns_verify_progress(e, inc->id, &r->verify_good_ms, &r->verify_need_ms);
}

/* ---- approvals ---- */

/* A rollback is sent as a patch with the whole template in it: what it amounts to stands first. */
const char *ns_shown_command(const ns_cluster *c, ns_arena *ar, const ns_dossier *d)
{
	const char *shown = d->dryrun ? d->dryrun->shown_command : "";
	if (!shown[0])
		return d->plan->command.equivalent;
	if (d->plan->action != NS_ACT_ROLLBACK || !d->plan->command.equivalent[0])
		return shown;
	return ns_arena_printf(ar, "%s\nsent as: %s", ns_with_context(c, ar, d->plan->command.equivalent), shown);
}

/* Four eyes, in words. */
static const char *people_words(ns_engine *e, ns_arena *ar, const ns_approval *a)
{
	ns_yes *list;
	size_t n = 0;
	char at[32];
	if (!a || a->needed < 2)
		return "";
	if (!ns_store_approval_yeses(e->store, ar, a->id, &list, &n, NULL) || !n)
		return "two different people must say yes, neither root nor a shared account; nobody has yet";
	ns_time_format(list[0].at_ms, at);
	return ns_arena_printf(ar, "1 of 2: %s said yes at %s; another person must", list[0].by, at + sizeof "2026-11-24T" - 1);
}

static void put_card(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_dossier *d, const ns_approval *a, ns_appr_row *r)
{
	const ns_plan *p = d->plan;
	r->incident = inc->id;
	r->state = a ? NS_CARD_READY : NS_CARD_PREPARING;
	r->id = a ? a->id : 0;
	r->digest = a ? a->digest : "";
	r->action = p->action;
	r->risk = p->risk;
	r->confidence = d->rca ? d->rca->confidence : 0;
	r->score = p->score;
	r->margin = p->margin;
	r->cluster = inc->target.cluster;
	r->ns = inc->target.ns;
	r->target_kind = inc->target.kind;
	r->target = inc->target.name;
	r->headline = d->card ? d->card->headline : p->summary;
	r->summary = d->card ? d->card->summary : p->summary;
	/* Where the plan itself asks for nobody it is the gate that does: its words are the incident's note. */
	r->ask = p->requires_approval && d->card ? d->card->ask : inc->note;
	r->root_cause = d->rca ? d->rca->root_cause : "";
	r->runbook = *p->judgement ? ns_arena_printf(ar, "%s (%s)", p->runbook, p->judgement) : p->runbook;
	r->command = ns_shown_command(ns_cluster_find(e, inc->target.cluster), ar, d);
	r->diff = d->dryrun ? d->dryrun->diff : "";
	r->warnings = d->dryrun ? d->dryrun->warnings : "";
	r->people = people_words(e, ar, a);
	r->analyst = ns_model_analyst(e, ar, inc->id);
	const ns_cluster *c = ns_cluster_find(e, inc->target.cluster);
	r->autonomy = a && c && c->o.autonomy != NS_AUTONOMY_OFF ? ns_earned_card(e, ar, inc->id) : "";
	r->undo = p->undo_valid ? ns_with_context(ns_cluster_find(e, inc->target.cluster), ar, p->undo.equivalent) : "no valid inverse";
	r->verify = p->verify;
	r->effect = p->expected_effect;
	r->created_ms = a ? a->created_ms : inc->updated_ms;
	r->deadline_ms = a ? a->deadline_wall_ms : 0;
}

static int card_order(const void *pa, const void *pb)
{
	const ns_appr_row *a = pa, *b = pb;
	int64_t da = a->deadline_ms ? a->deadline_ms : INT64_MAX, db = b->deadline_ms ? b->deadline_ms : INT64_MAX;
	return da < db ? -1 : da > db ? 1 : a->incident < b->incident ? -1 : 1;
}

/* An open breaker is one item in the queue (law 10): nothing to approve, but a person must know. */
static void put_breakers(ns_engine *e, ns_snapshot *s, size_t cap)
{
	ns_breaker_row *rows;
	size_t n;
	if (!ns_store_breakers(e->store, s->arena, &rows, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		int64_t until = rows[i].opened_ms + NS_BREAKER_OPEN_MS;
		const char *state = until > s->taken_ms ? "open" : "half-open";
		ns_cluster *c = ns_cluster_of_scope(e, rows[i].scope);
		if (c) {
			ns_cluster_row *k = &s->clusters[c - e->clusters];
			k->breakers = ns_arena_printf(s->arena, "%s%s%s %s", k->breakers, k->breakers[0] ? ", " : "", rows[i].scope, state);
		}
		if (strcmp(rows[i].state, "open") != 0 || s->n_approvals == cap)
			continue;
		ns_appr_row *r = &s->approvals[s->n_approvals++];
		*r = (ns_appr_row){.state = NS_CARD_BLOCKED, .digest = "", .cluster = c ? c->o.name : "", .ns = "", .target_kind = "", .target = rows[i].scope,
		    .summary = "Three changes in a row did not fix what they were for. Until the breaker closes again nothing is sent, approved or not; "
		               "after the pause exactly one change is tried.",
		    .ask = "", .root_cause = "", .runbook = "", .command = "", .diff = "", .undo = "", .verify = "", .effect = "", .warnings = "", .people = "", .analyst = "", .autonomy = "",
		    .created_ms = rows[i].opened_ms};
		r->headline = ns_arena_printf(s->arena, "circuit breaker %s: %s after %lld failures", state, rows[i].scope, (long long)rows[i].failures);
	}
}

/* ---- order of the incidents: what waits for a person, then severity, then newest; closed ones last ---- */
static int urgency(const ns_inc_row *r)
{
	if (!r->open)
		return 3 * NS_SEV_COUNT;
	int mild = NS_SEV_CRIT - (int)r->severity;
	if (r->approval || r->state == NS_ST_AWAITING_APPROVAL)
		return mild;
	if (!ns_state_get(r->state)->terminal || r->state == NS_ST_MANUAL_REVIEW || r->state == NS_ST_FAILED)
		return NS_SEV_COUNT + mild;
	return 2 * NS_SEV_COUNT;
}

static int row_order(const void *pa, const void *pb)
{
	const ns_inc_row *a = pa, *b = pb;
	int ua = urgency(a), ub = urgency(b);
	if (ua != ub)
		return ua - ub;
	return a->updated_ms != b->updated_ms ? (a->updated_ms < b->updated_ms ? 1 : -1) : (a->id < b->id ? 1 : -1);
}

/* The parts that a row shows. While it is planned or asked about an incident gets new facts without a transition; any other one has them until
 * its next, so they are not read from the store (and parsed) for every picture. What cannot be read costs its own row, not the picture. */
static void read_row(ns_engine *e, ns_arena *ar, const ns_incident *inc, ns_dossier *d, ns_inc_row *r)
{
	bool card = inc->state == NS_ST_AWAITING_APPROVAL || inc->state == NS_ST_PLANNING;
	struct ns_headline *kept = &e->headlines[(uint64_t)inc->id % NS_HEADLINES];
	ns_err err = {0};
	if (!card && kept->id == inc->id && kept->version == inc->version) {
		memset(d, 0, sizeof *d);
		ns_fill_row(e, inc, d, r);
		r->has_plan = kept->has_plan;
		r->action = kept->action;
		r->headline = ns_arena_strdup(ar, kept->text);
		return;
	}
	bool ok = ns_dossier_read(e, ar, inc->id, NS_D_CARD | NS_D_PLAN | (card ? NS_D_RCA | NS_D_DRYRUN : 0), d, &err);
	if (!ok)
		memset(d, 0, sizeof *d);
	ns_fill_row(e, inc, d, r);
	if (!ok) {
		r->note = ns_arena_printf(ar, "its record cannot be read: %s", err.text);
	} else if (!card) {
		free(kept->text);
		*kept = (struct ns_headline){inc->id, inc->version, ns_xstrdup(r->headline), r->action, r->has_plan};
	}
}

static bool put_incidents(ns_engine *e, ns_snapshot *s, ns_err *err)
{
	ns_incident *list;
	size_t n;
	if (!ns_store_incidents(e->store, s->arena, MAX_INCIDENTS, &list, &n, err))
		return false;
	size_t cap = n + 16;
	s->incidents = ns_arena_alloc(s->arena, (n + 1) * sizeof *s->incidents);
	s->approvals = ns_arena_alloc(s->arena, cap * sizeof *s->approvals);
	s->n_incidents = n;
	for (size_t i = 0; i < n; i++) {
		ns_inc_row *r = &s->incidents[i];
		ns_dossier d;
		ns_approval a;
		read_row(e, s->arena, &list[i], &d, r);
		bool pending = list[i].state == NS_ST_AWAITING_APPROVAL && ns_store_approval_latest(e->store, s->arena, list[i].id, &a, NULL) &&
		    a.state == NS_APPR_PENDING;
		bool preparing = list[i].state == NS_ST_PLANNING && d.plan && d.plan->action != NS_ACT_MANUAL_REVIEW;
		if (d.plan && (pending || preparing))
			put_card(e, s->arena, &list[i], &d, pending ? &a : NULL, &s->approvals[s->n_approvals++]);
		r->approval = pending ? a.id : 0;
		if (r->open) {
			ns_cluster *c = ns_cluster_find(e, r->cluster);
			s->n_open++;
			if (c) {
				s->clusters[c - e->clusters].n_open++;
				s->clusters[c - e->clusters].n_crit += r->severity == NS_SEV_CRIT;
				s->clusters[c - e->clusters].n_waiting += pending;
			}
			*(r->severity == NS_SEV_CRIT ? &s->n_crit : r->severity == NS_SEV_WARN ? &s->n_warn : &s->n_info) += 1;
		}
	}
	qsort(s->incidents, n, sizeof *s->incidents, row_order);
	qsort(s->approvals, s->n_approvals, sizeof *s->approvals, card_order);
	put_breakers(e, s, cap);
	ns_undo_show(e, s, cap - s->n_approvals);
	return true;
}

static void put_cost(ns_cluster *c, ns_snapshot *s, ns_cluster_row *k)
{
	char why[256] = "";
	ns_cost_report *r = ns_cluster_made(c) ? ns_detector_cost(c->detector, s->arena, why, sizeof why) : NULL;
	k->cost_error = ns_arena_strdup(s->arena, why);
	k->cost_budget = c->o.cost_budget;
	if (!r)
		return;
	size_t n = r->n_rows < MAX_COST_LINES ? r->n_rows : MAX_COST_LINES;
	for (size_t i = 0; i < n; i++)
		s->cost[s->n_cost++] = (ns_cost_line){.cluster = c->o.name, .ns = r->rows[i].ns, .workload = r->rows[i].controller,
		    .per_day = r->rows[i].per_day, .before = r->rows[i].per_day_before, .efficiency = r->rows[i].efficiency,
		    .spike = ns_cost_is_spike(&r->rows[i], &c->o.cost_rule)};
	if (r->idle_per_day > 0)
		s->cost[s->n_cost++] = (ns_cost_line){.cluster = c->o.name, .ns = "(idle)", .workload = "", .per_day = r->idle_per_day,
		    .before = r->idle_per_day, .efficiency = -1};
	k->cost_total = r->total_per_day;
	k->cost_before = r->total_before;
	k->cost_at_ms = atomic_load(&c->cost_read_ms);
}

static void put_link(ns_cluster *c, ns_snapshot *s, ns_cluster_row *k)
{
	ns_link link;
	char words[256] = "";
	ns_cluster_link(c, &link);
	k->live = link.live;
	k->synced = link.synced;
	k->link_since_ms = link.since_ms;
	k->last_event_ms = link.last_event_ms;
	k->down_why = ns_arena_strdup(s->arena, link.down_why);
	k->degraded = ns_arena_strdup(s->arena, link.degraded);
	k->storm = link.storm;
	k->storm_why = ns_arena_strdup(s->arena, link.storm_why);
	k->lease_held = ns_cluster_holds_lease(c, NULL);
	if (!k->lease_held && ns_cluster_made(c))
		ns_lease_status(c->lease, words, sizeof words);
	k->lease_why = ns_arena_strdup(s->arena, words);
	k->frozen = ns_cluster_frozen(c, s->taken_ms, words, sizeof words, NULL);
	k->frozen_why = ns_arena_strdup(s->arena, words);
	k->pods = link.pods;
	k->workloads = link.workloads;
	k->unhealthy = link.unhealthy_workloads;
	k->nodes = link.nodes;
}

/* Our own requests per second, over at least as long as a rate means something. */
static double rate_of(ns_cluster *c, int64_t now)
{
	int64_t requests = atomic_load(&c->stats.requests);
	if (!c->rate.at || now - c->rate.at >= RATE_MS) {
		c->rate.per_s = c->rate.at ? (double)(requests - c->rate.requests) * 1000.0 / (double)(now - c->rate.at) : 0;
		c->rate.requests = requests;
		c->rate.at = now;
	}
	return c->rate.per_s;
}

static void put_clusters(ns_engine *e, ns_snapshot *s)
{
	int64_t now = ns_real_mono_ms();
	s->clusters = ns_arena_alloc(s->arena, e->n_clusters * sizeof *s->clusters);
	s->n_clusters = e->n_clusters;
	s->cost = ns_arena_alloc(s->arena, e->n_clusters * (MAX_COST_LINES + 1) * sizeof *s->cost);
	for (size_t i = 0; i < e->n_clusters; i++) {
		ns_cluster *c = &e->clusters[i];
		ns_cluster_row *k = &s->clusters[i];
		bool made = ns_cluster_made(c);
		k->name = c->o.name;
		k->context = made ? ns_arena_strdup(s->arena, c->o.cfg->context) : c->o.context;
		k->server = ns_arena_strdup(s->arena, made ? c->o.cfg->server : "");
		k->user = ns_arena_strdup(s->arena, made ? c->o.cfg->user : "");
		k->insecure = made && c->o.cfg->insecure;
		k->color = c->o.color;
		k->profile = c->o.profile;
		k->breakers = "";
		put_link(c, s, k);
		put_cost(c, s, k);
		k->requests = atomic_load(&c->stats.requests);
		k->req_per_s = rate_of(c, now);
		s->req_per_s += k->req_per_s;
	}
}

static int64_t resident_bytes(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static double cpu_percent(ns_engine *e)
{
	struct timespec t;
	int64_t now = ns_real_mono_ms();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	int64_t used = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	if (!e->cpu.at || now - e->cpu.at >= RATE_MS) {
		e->cpu.percent = e->cpu.at ? (double)(used - e->cpu.cpu_ms) * 100.0 / (double)(now - e->cpu.at) : 0;
		e->cpu.cpu_ms = used;
		e->cpu.at = now;
	}
	return e->cpu.percent;
}

static void put_header(ns_engine *e, ns_snapshot *s)
{
	char words[256];
	s->mode = e->o.mode;
	s->version = NS_VERSION;
	pthread_mutex_lock(&e->say_mu);
	s->trouble = e->store_why[0] ? ns_arena_printf(s->arena, "nothing can be recorded, so nothing is done: %s", e->store_why) : "";
	pthread_mutex_unlock(&e->say_mu);
	ns_uid_words(getuid(), words, sizeof words);
	s->user = ns_arena_strdup(s->arena, words);
	s->clock_rate = ns_clock_rate(e->o.clock);
	char clock[96];
	ns_clock_format(e->o.clock, clock, sizeof clock);
	s->clock = ns_arena_strdup(s->arena, clock);
	s->rss_bytes = resident_bytes();
	s->cpu_percent = cpu_percent(e);
}

bool ns_usage_moved(ns_engine *e)
{
	int64_t now = ns_real_mono_ms();
	double requests = 0;
	if (now - e->usage.at < USAGE_MS)
		return false;
	e->usage.at = now;
	for (size_t i = 0; i < e->n_clusters; i++)
		requests += rate_of(&e->clusters[i], now);
	double least = e->usage.requests / 5 > 0.3 ? e->usage.requests / 5 : 0.3; /* what nobody would see is no reason to paint */
	return fabs(requests - e->usage.requests) > least || fabs(cpu_percent(e) - e->usage.cpu) > 2;
}

bool ns_engine_publish(ns_engine *e, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_snapshot *s = ns_arena_alloc(ar, sizeof *s);
	s->arena = ar;
	atomic_init(&s->refs, 1);
	s->taken_ms = ns_clock_wall_ms(e->o.clock);
	put_header(e, s);
	ns_model_show(e, s);
	put_clusters(e, s);
	if (!put_incidents(e, s, err)) {
		ns_arena_free(ar);
		return false;
	}
	put_agents(e, s);
	e->usage.requests = s->req_per_s;
	e->usage.cpu = s->cpu_percent;

	pthread_mutex_lock(&e->pub_mu);
	ns_snapshot *old = e->picture;
	s->seq = ++e->seq;
	e->picture = s;
	for (int i = 0; i < NS_MAX_SUBSCRIBERS; i++)
		ns_wake_ring(e->subscribers[i]);
	pthread_mutex_unlock(&e->pub_mu);
	ns_snapshot_unref(old);
	if (e->control)
		ns_control_changed(e->control);
	return true;
}
