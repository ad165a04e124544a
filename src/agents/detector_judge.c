/* From what the rules find to what is told. For each workload that changed or is due: the rows are asked, symptoms give way to causes, and per
 * alert kind a small state with hysteresis decides between a new alert, a changed one, a recovery, or silence. Then the storm brake, which must
 * be on before the alerts that set it off go out. Nothing is told from here: it is put on a list for when the lock is free. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"

enum {
	CHANGE_EVERY_MS = 2000,     /* after the first change of an alert, at most one more in this time */
	CAUSE_LASTS_MS = 5 * 60000, /* an alerted cause without fresh evidence explains its symptoms that long */
	STORM_CALM_MS = 30000,
	FLAP_MIN_MS = 30000,
	SWEEP_MS = 60000,
	HOLD_MAX_MS = 30 * 60000,
	MAX_MEMBERS = 200,
	MAX_TEXT = 400
};

/* ---- the list of what is to be told ---- */

static dt_say *say(ns_detector *d)
{
	if (d->n_say == d->cap_say) {
		d->cap_say = d->cap_say ? d->cap_say * 2 : 8;
		d->say = ns_xrealloc(d->say, d->cap_say * sizeof *d->say);
	}
	return &d->say[d->n_say++];
}

void dt_say_link(ns_detector *d)
{
	d->link_changed = true;
}

static void say_front(ns_detector *d, dt_say first)
{
	say(d);
	memmove(d->say + 1, d->say, (d->n_say - 1) * sizeof *d->say);
	d->say[0] = first;
}

typedef struct names { const char *const *at; size_t n; } names;

/* How long what was found must be gone. What comes back soon after it was over is held twice as long each time: it stays one incident, and
 * nobody is called again for each of its returns. */
static int64_t hold_ms(const dt_rule *r, const dt_state *k)
{
	int64_t hold = r->recover_ms;
	if (!k || !k->flaps)
		return hold;
	hold = (hold > FLAP_MIN_MS ? hold : FLAP_MIN_MS) << (k->flaps < 8 ? k->flaps : 8);
	return hold < HOLD_MAX_MS ? hold : HOLD_MAX_MS;
}

static const char *reason_of(const dt_env *e, const dt_rule *r, const dt_finding *f, const dt_state *k)
{
	if (!k || !k->flaps)
		return f->reason;
	return ns_arena_printf(e->ar, "%s (flapping: back %d time%s, over after %lld s of quiet)", f->reason, k->flaps, k->flaps == 1 ? "" : "s",
	    (long long)hold_ms(r, k) / 1000);
}

static ns_alert *new_alert(const dt_env *e, const dt_work *w, const dt_rule *r, const dt_finding *f, const dt_state *k, names members, int64_t first_ms)
{
	ns_arena *ar = e->ar;
	ns_alert *a = ns_arena_alloc(ar, sizeof *a);
	const dt_thing *also = r->info.kind == NS_KIND_EXTERNAL ? NULL : dt_external_note(w, e->wall);
	const char *raw = also ? ns_arena_printf(ar, "%s%s(also reported: %s)", f->message, *f->message ? " " : "", also->reason) : f->message;
	char *message = ns_redact_line(raw, strlen(raw), MAX_TEXT); /* it goes to the log and the screen */
	*a = (ns_alert){.kind = r->info.kind, .severity = f->severity >= 0 ? (ns_severity)f->severity : r->info.severity, .container = ns_arena_strdup(ar, f->container),
	    .reason = ns_text_clean_in(ar, reason_of(e, r, f, k), MAX_TEXT), .message = ns_arena_strdup(ar, message), .pods = members.at,
	    .n_pods = members.n, .first_ms = first_ms, .seen_ms = e->wall, .policy = ns_arena_strdup(ar, f->policy),
	    .rule = ns_arena_strdup(ar, f->rule), .object_uid = ns_arena_strdup(ar, f->object_uid)};
	a->target = (ns_workload){.cluster = e->d->cluster, .ns = ns_arena_strdup(ar, w->ns), .kind = ns_arena_strdup(ar, w->kind),
	    .name = ns_arena_strdup(ar, w->name), .uid = ns_arena_strdup(ar, w->uid)};
	free(message);
	if (r->info.kind == NS_KIND_COST_SPIKE) {
		a->cost_now = w->cost_now;
		a->cost_before = w->cost_before;
	}
	return a;
}

static const char *identity_of(const dt_env *e, const dt_work *w, ns_kind kind)
{
	char id[1024];
	ns_alert a = {.kind = kind, .target = {.cluster = e->d->cluster, .ns = w->ns, .kind = w->kind, .name = w->name, .uid = w->uid}};
	ns_identity(&a, id, sizeof id);
	return ns_arena_strdup(e->ar, id);
}

static void say_recovered(ns_detector *d, const dt_env *e, const char *identity)
{
	*say(d) = (dt_say){.what = DT_SAY_RECOVERED, .identity = identity, .at_ms = e->wall};
}

/* ---- what counts as a change: severity, reason, container, members; not the message, in which a back-off counts up ---- */

static uint64_t mix(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u;
}

static uint64_t digest_of(const dt_env *e, const dt_work *w, const dt_rule *r, const dt_finding *f, names pods)
{
	const dt_thing *also = dt_external_note(w, e->wall);
	uint64_t h = mix(1469598103934665603u, f->reason), sum = 0;
	h = mix(h, f->container);
	h = mix(h, f->policy);
	h = mix(h, f->rule);
	h = mix(h, also ? also->reason : "");
	/* Order of members is of no account. */
	for (size_t i = 0; i < pods.n; i++)
		sum += mix(1469598103934665603u, pods.at[i]);
	return h ^ sum ^ (uint64_t)r->info.severity ^ (uint64_t)(f->severity + 1) << 8;
}

/* ---- health ---- */

static void note_end(dt_work *w, const dt_end *end)
{
	if (!*end->reason || !end->finished_ms || (end->exit_code == 0 && strcmp(end->reason, "OOMKilled") != 0))
		return;
	if (end->finished_ms > w->last_failure_ms)
		w->last_failure_ms = end->finished_ms;
	if (end->started_ms && end->finished_ms - end->started_ms > w->worst_ttf_ms)
		w->worst_ttf_ms = end->finished_ms - end->started_ms;
}

static bool counts(const dt_work *w)
{
	if (w->obj && w->obj->kind <= DT_DAEMONSET)
		return w->obj->replicas > 0;
	for (size_t i = 0; i < w->n_pods; i++)
		if (!w->pods[i]->deleting && w->pods[i]->phase != DT_DONE && w->pods[i]->phase != DT_FAILED)
			return true;
	return false;
}

static int64_t ok_since(int64_t old, bool bad, int64_t wall)
{
	return bad ? 0 : old ? old : wall;
}

static void update_health(ns_detector *d, const dt_env *e, dt_work *w, unsigned raw, const dt_finding *by_kind)
{
	w->restarts = 0;
	for (size_t i = 0; i < w->n_pods; i++)
		for (size_t c = 0; c < w->pods[i]->n_c; c++) {
			w->restarts += w->pods[i]->c[c].restarts;
			note_end(w, &w->pods[i]->c[c].now);
			note_end(w, &w->pods[i]->c[c].last);
		}
	bool complete = dt_work_complete(w), bad = (raw & dt_health_kinds) != 0, was = w->unhealthy;
	w->healthy_ms = ok_since(w->healthy_ms, bad || !complete, e->wall);
	for (int k = 0; w->k && k < NS_KIND_COUNT; k++)
		w->k[k].clear_ms = ok_since(w->k[k].clear_ms, raw & DT_BIT(k), e->wall);
	*w->reason = '\0';
	for (int k = 0; k < NS_KIND_COUNT; k++)
		if ((raw & dt_health_kinds & DT_BIT(k)) && !*w->reason)
			ns_copy(w->reason, sizeof w->reason, by_kind[k].reason);
	if (!*w->reason && !complete)
		ns_copy(w->reason, sizeof w->reason, "rollout not complete");
	if (!dt_work_ready(w))
		w->ready_mono = -1;
	else if (w->ready_mono < 0)
		w->ready_mono = e->mono;
	d->n_counted -= w->counted;
	d->n_unhealthy -= w->counted && was;
	w->unhealthy = bad;
	w->counted = counts(w);
	d->n_counted += w->counted;
	d->n_unhealthy += w->counted && w->unhealthy;
}

/* ---- one kind of one workload ---- */

static void due(dt_work *w, int64_t mono)
{
	if (mono >= 0 && (w->due_mono < 0 || mono < w->due_mono))
		w->due_mono = mono;
}

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Who failed since the alert began and is still there: a pod that runs between two failures stays a member. */
static names members_of(const dt_env *e, dt_work *w, ns_kind kind, const dt_finding *f)
{
	if (f->n_members)
		return (names){.at = f->members, .n = f->n_members};
	const char **at = ns_arena_alloc(e->ar, (w->n_pods + 1) * sizeof *at);
	size_t n = 0;
	for (size_t i = 0; i < f->n_pods; i++)
		f->pods[i]->member_of |= DT_BIT(kind);
	for (size_t i = 0; i < w->n_pods && n < MAX_MEMBERS; i++)
		if ((w->pods[i]->member_of & DT_BIT(kind)) && !w->pods[i]->deleting)
			at[n++] = ns_arena_strdup(e->ar, w->pods[i]->name);
	return (names){.at = at, .n = n};
}

/* The alert is over for those that still carry it. */
static void end_alert(ns_detector *d, const dt_env *e, dt_work *w, dt_state *k, ns_kind kind)
{
	k->alerted = false;
	for (size_t i = 0; i < w->n_pods; i++)
		w->pods[i]->member_of &= ~DT_BIT(kind);
	say_recovered(d, e, identity_of(e, w, kind));
}

static void try_recovery(ns_detector *d, const dt_env *e, dt_work *w, dt_state *k)
{
	const dt_rule *r = &dt_rules[k->row];
	if (!d->live || (r->needs_ready && w->ready_mono < 0))
		return; /* the next event, or the link's return, brings us back */
	int64_t from = latest(k->bad_mono, d->live_mono);
	if (r->needs_ready)
		from = latest(from, w->ready_mono);
	if (e->mono < from + hold_ms(r, k)) {
		due(w, from + hold_ms(r, k));
		return;
	}
	k->ended_mono = e->mono;
	end_alert(d, e, w, k, r->info.kind);
}

bool dt_flapped(const dt_state *k, int64_t mono)
{
	return k->ended_mono && mono < k->ended_mono + DT_FLAP_MS;
}

static void tell(ns_detector *d, const dt_env *e, dt_work *w, dt_state *k, const dt_finding *f)
{
	const dt_rule *r = &dt_rules[k->row];
	names members = members_of(e, w, r->info.kind, f);
	uint64_t digest = digest_of(e, w, r, f, members);
	if (k->alerted && digest == k->digest)
		return;
	if (k->alerted && k->changed_mono && e->mono < k->changed_mono + CHANGE_EVERY_MS) {
		due(w, k->changed_mono + CHANGE_EVERY_MS);
		return;
	}
	if (!k->alerted) {
		k->first_ms = e->wall;
		k->flaps = dt_flapped(k, e->mono) ? k->flaps + 1 : 0;
	}
	k->changed_mono = k->alerted ? e->mono : 0;
	k->alerted = true;
	k->digest = digest;
	*say(d) = (dt_say){.what = DT_SAY_ALERT, .alert = new_alert(e, w, r, f, k, members, k->first_ms)};
}

static void step_kind(ns_detector *d, const dt_env *e, dt_work *w, ns_kind kind, const dt_finding *f, unsigned row, bool symptom)
{
	dt_state *k = &w->k[kind];
	if (f->holds && !symptom) {
		if (!k->holds) {
			k->since_mono = e->mono;
			if (dt_health_kinds & DT_BIT(kind))
				w->last_failure_ms = latest(w->last_failure_ms, kind == NS_KIND_OOM_KILLED || kind == NS_KIND_POD_CRASHLOOP ? 0 : e->wall);
		}
		k->holds = true;
		k->row = row;
		k->bad_mono = e->mono;
		ns_copy(k->container, sizeof k->container, f->container);
		if (k->alerted || e->mono - k->since_mono >= dt_rules[row].settle_ms)
			tell(d, e, w, k, f);
		else
			due(w, k->since_mono + dt_rules[row].settle_ms);
		return;
	}
	if (k->holds)
		k->bad_mono = e->mono;
	k->holds = false;
	if (!k->alerted) {
		if (dt_flapped(k, e->mono))
			due(w, k->ended_mono + DT_FLAP_MS); /* forgotten by then */
		return;
	}
	if (symptom) {
		/* Its cause is known by now and stands for it. */
		end_alert(d, e, w, k, kind);
	} else {
		try_recovery(d, e, w, k);
	}
}

/* ---- one workload ---- */

static bool same_place(const char *a, const char *b)
{
	return !*a || !*b || strcmp(a, b) == 0;
}

/* A row gives way to a cause that holds, or that was alerted and has been evident a short while ago, of the same container. */
static bool is_symptom(const dt_env *e, const dt_work *w, unsigned row, const dt_finding *f, const dt_finding *by_row)
{
	for (unsigned c = 0; c < dt_n_rules; c++) {
		if (!(dt_rules[row].causes >> c & 1))
			continue;
		const dt_state *k = &w->k[dt_rules[c].info.kind];
		if (by_row[c].holds && same_place(f->container, by_row[c].container))
			return true;
		if (k->alerted && k->row == c && e->mono - k->bad_mono < CAUSE_LASTS_MS && same_place(f->container, k->container))
			return true;
	}
	return false;
}

static void judge_work(ns_detector *d, const dt_env *e, dt_work *w)
{
	dt_finding by_row[DT_MAX_RULES], by_kind[NS_KIND_COUNT];
	unsigned row_of[NS_KIND_COUNT] = {0}, raw = 0;
	bool symptom[NS_KIND_COUNT] = {false};
	const dt_finding none = {.reason = "", .message = "", .container = "", .policy = "", .rule = "", .object_uid = "", .due_mono = -1, .severity = -1};
	dt_due_remove(d, w);
	w->due_mono = -1;
	for (unsigned r = 0; r < dt_n_rules; r++) {
		by_row[r] = none;
		if (dt_rules[r].test)
			dt_rules[r].test(e, w, &by_row[r]);
		due(w, by_row[r].due_mono);
		if (by_row[r].holds)
			raw |= DT_BIT(dt_rules[r].info.kind);
	}
	if (raw && !w->k)
		w->k = ns_xcalloc(NS_KIND_COUNT, sizeof *w->k);
	for (int k = 0; k < NS_KIND_COUNT; k++)
		by_kind[k] = none;
	for (unsigned r = 0; r < dt_n_rules; r++) {
		ns_kind k = dt_rules[r].info.kind;
		if (!by_row[r].holds || (by_kind[k].holds && !symptom[k]))
			continue;
		by_kind[k] = by_row[r];
		row_of[k] = r;
		symptom[k] = by_row[r].symptom || is_symptom(e, w, r, &by_row[r], by_row);
	}
	update_health(d, e, w, raw, by_kind);
	for (int k = 0; w->k && k < NS_KIND_COUNT; k++)
		step_kind(d, e, w, (ns_kind)k, &by_kind[k], row_of[k], symptom[k]);
	if (w->due_mono >= 0)
		dt_due_add(d, w);
}

/* ---- the storm ---- */

static bool over(const ns_detector *d, int64_t bad, int64_t all, int64_t min, double part)
{
	return all > 0 && (double)bad >= (double)min * part && (double)bad >= d->storm_ratio * part * (double)all && bad >= 1;
}

static const dt_rule *storm_rule(void)
{
	for (size_t i = 0; i < dt_n_rules; i++)
		if (dt_rules[i].info.kind == NS_KIND_STORM)
			return &dt_rules[i];
	return NULL;
}

static void say_storm(ns_detector *d, const dt_env *e)
{
	dt_work cluster = {.ns = (char[]){""}, .kind = (char[]){"Cluster"}, .name = d->cluster};
	dt_finding f = {.reason = "Storm", .message = d->storm_why, .container = "", .policy = "", .rule = "", .object_uid = "", .severity = -1};
	if (!d->storm) {
		say_recovered(d, e, identity_of(e, &cluster, NS_KIND_STORM));
		return;
	}
	const char **at = ns_arena_alloc(e->ar, (MAX_MEMBERS + 1) * sizeof *at);
	names m = {.at = at};
	if (d->storm_of_nodes) {
		dt_each(dt_node, node, &d->nodes)
			if (dt_node_lost(node, e->wall, NULL) && m.n < MAX_MEMBERS)
				at[m.n++] = ns_arena_strdup(e->ar, node->key);
	} else {
		dt_each(dt_work, w, &d->works)
			if (w->counted && w->unhealthy && m.n < MAX_MEMBERS)
				at[m.n++] = ns_arena_printf(e->ar, "%s/%s", w->ns, w->name);
	}
	say_front(d, (dt_say){.what = DT_SAY_ALERT, .alert = new_alert(e, &cluster, storm_rule(), &f, NULL, m, d->storm_since_ms)});
}

/* The words keep up with the numbers while it lasts. */
static void word_storm(ns_detector *d, int64_t nodes_down, int64_t nodes)
{
	int64_t bad = d->storm_of_nodes ? nodes_down : d->n_unhealthy, all = d->storm_of_nodes ? nodes : d->n_counted;
	snprintf(d->storm_why, sizeof d->storm_why, "%lld of %lld %s are unhealthy (%lld %%, brake at %.0f %% and %d)", (long long)bad, (long long)all,
	    d->storm_of_nodes ? "nodes" : "workloads", (long long)(all ? bad * 100 / all : 0), d->storm_ratio * 100, d->storm_of_nodes ? d->storm_min_nodes : d->storm_min);
}

static int64_t nodes_lost(const ns_detector *d, int64_t wall)
{
	int64_t n_lost = 0;
	if (d->n_down)
		dt_each(dt_node, n, &d->nodes)
			n_lost += dt_node_lost(n, wall, NULL);
	return n_lost;
}

static void judge_storm(ns_detector *d, const dt_env *e)
{
	int64_t nodes = (int64_t)d->nodes.n, down = nodes_lost(d, e->wall);
	bool works = over(d, d->n_unhealthy, d->n_counted, d->storm_min, 1), node = over(d, down, nodes, d->storm_min_nodes, 1);
	if (!d->storm && (works || node)) {
		d->storm_of_nodes = !works;
		word_storm(d, down, nodes);
		d->storm = true;
		d->storm_since_ms = e->wall;
		d->storm_calm_mono = -1;
		dt_say_link(d);
		say_storm(d, e);
		return;
	}
	if (!d->storm)
		return;
	word_storm(d, down, nodes);
	/* It ends below four fifths of both marks, and not while we cannot see. */
	if (over(d, d->n_unhealthy, d->n_counted, d->storm_min, 0.8) || over(d, down, nodes, d->storm_min_nodes, 0.8) || !d->live) {
		d->storm_calm_mono = -1;
		return;
	}
	if (d->storm_calm_mono < 0)
		d->storm_calm_mono = e->mono;
	if (e->mono - d->storm_calm_mono < STORM_CALM_MS) {
		if (d->next_due < 0 || d->storm_calm_mono + STORM_CALM_MS < d->next_due)
			d->next_due = d->storm_calm_mono + STORM_CALM_MS;
		return;
	}
	d->storm = false;
	*d->storm_why = '\0';
	dt_say_link(d);
	say_storm(d, e);
}

/* ---- a round ---- */

void dt_went_live(ns_detector *d)
{
	int64_t wall = ns_clock_wall_ms(d->clock);
	d->live_mono = ns_clock_mono_ms(d->clock);
	dt_each(dt_work, w, &d->works)
	{
		w->healthy_ms = w->healthy_ms ? wall : 0;
		for (int k = 0; w->k && k < NS_KIND_COUNT; k++)
			w->k[k].clear_ms = w->k[k].clear_ms ? wall : 0;
		dt_mark(d, w);
	}
}

static void mark_due(ns_detector *d, int64_t mono)
{
	for (dt_work *w; (w = dt_due_first(d)) != NULL && w->due_mono <= mono;) {
		dt_due_remove(d, w);
		dt_mark(d, w);
	}
}

static void judge_all(ns_detector *d)
{
	dt_env e = {.wall = ns_clock_wall_ms(d->clock), .mono = ns_clock_mono_ms(d->clock), .d = d, .ar = d->round};
	if (d->orphans_due >= 0 && e.mono >= d->orphans_due)
		dt_resolve_orphans(d);
	if (e.mono >= d->next_sweep) {
		d->next_sweep = e.mono + SWEEP_MS;
		dt_sweep_notes(d, e.wall);
		dt_resolve_reports(d);
		dt_place_things(d, e.wall);
	}
	mark_due(d, e.mono);
	while (d->dirty) {
		dt_work *w = d->dirty;
		d->dirty = w->next_dirty;
		w->dirty = false;
		judge_work(d, &e, w);
		dt_work_reap(d, w);
	}
	const dt_work *first = dt_due_first(d);
	d->next_due = first ? first->due_mono : -1;
	judge_storm(d, &e);
}

void dt_judge(ns_detector *d)
{
	if (d->started)
		judge_all(d);
	if (d->link_changed)
		say_front(d, (dt_say){.what = DT_SAY_LINK});
	d->link_changed = false;
	if (d->cost_new)
		*say(d) = (dt_say){.what = DT_SAY_COST};
	d->cost_new = false;
}
