/* All that is known of one incident, read from the store by whoever asks. */
#include <string.h>
#include "engine_priv.h"
#include "neuroscale/base/text.h"

static void put_evidence(ns_detail *d, const ns_case *c)
{
	d->evidence = ns_arena_alloc(d->arena, (c->n_evidence + 1) * sizeof *d->evidence);
	for (size_t i = 0; i < c->n_evidence; i++)
		d->evidence[d->n_evidence++] = (ns_detail_evidence){.id = c->evidence[i].id, .kind = ns_ev_kind_name(c->evidence[i].kind),
		    .text = c->evidence[i].text, .trusted = c->evidence[i].trusted, .at_ms = c->evidence[i].at_ms};
}

static void put_plan(const ns_cluster *c, ns_detail *d, const ns_plan *p)
{
	d->runbook = p->runbook;
	d->runbook_title = *p->judgement ? ns_arena_printf(d->arena, "%s; %s", p->runbook_title, p->judgement) : p->runbook_title;
	d->plan_summary = p->summary;
	d->risk = p->risk;
	d->score = p->score;
	d->margin = p->margin;
	const char **steps = ns_arena_alloc(d->arena, (p->n_steps + 1) * sizeof *steps);
	for (size_t i = 0; i < p->n_steps; i++)
		steps[i] = ns_with_context(c, d->arena, p->steps[i]);
	d->plan_steps = steps;
	d->n_plan_steps = p->n_steps;
	d->verify = p->verify;
	d->manual_command = ns_with_context(c, d->arena, p->manual_command);
	d->undo = p->undo_valid ? ns_with_context(c, d->arena, p->undo.equivalent) : p->action == NS_ACT_MANUAL_REVIEW ? "" : "no valid inverse";
	d->command = p->command.equivalent;
}

/* Why a person is asked: the gate's words when it has spoken, the planner's before. */
static void put_reasons(ns_engine *e, ns_detail *d, int64_t incident, const ns_plan *p)
{
	cJSON *gate = ns_store_fact_latest(e->store, incident, "gate", NULL, NULL);
	const cJSON *list = ns_json_get(gate, "reasons");
	size_t n = ns_json_len(list), extra = p ? p->n_approval_reasons : 0, k = 0;
	const char **out = ns_arena_alloc(d->arena, (n + extra + 1) * sizeof *out);
	for (size_t i = 0; i < extra; i++)
		out[k++] = p->approval_reasons[i];
	ns_json_each(r, list)
		out[k++] = ns_arena_strdup(d->arena, ns_json_str(r, "words", ""));
	cJSON_Delete(gate);
	d->reasons = out;
	d->n_reasons = k;
}

static const char *fact_line(ns_engine *e, ns_arena *ar, int64_t incident, const char *name, const char *a, const char *b)
{
	cJSON *j = ns_store_fact_latest(e->store, incident, name, NULL, NULL);
	const char *line = !j ? "" : ns_arena_printf(ar, "%s%s%s", ns_json_str(j, a, ""), ns_json_str(j, b, "")[0] ? ": " : "", ns_json_str(j, b, ""));
	cJSON_Delete(j);
	return line;
}

/* What an audit row says beside its name: its words, or what was sent, what came of it, what was asked. */
static const char *note_of(ns_arena *ar, const cJSON *j)
{
	const char *outcome = ns_json_str(j, "outcome", ""), *error = ns_json_str(j, "error", ""), *command = ns_json_str(j, "command", "");
	const char *note = ns_json_str(j, "note", ns_json_str(j, "reason", ns_json_str(j, "scope", "")));
	if (note[0])
		return ns_arena_strdup(ar, note);
	if (outcome[0])
		return ns_arena_printf(ar, "%s%s%s", outcome, error[0] ? ", " : "", error);
	if (command[0])
		return ns_text_clean_in(ar, command, 160);
	int64_t approval = ns_json_int_or(j, "approval", 0);
	const char *digest = ns_json_str(j, "digest", "");
	return approval ? ns_arena_printf(ar, "approval %lld, plan %.8s", (long long)approval, digest) : digest[0] ? ns_arena_printf(ar, "plan %.8s", digest) : "";
}

static bool put_history(ns_engine *e, ns_detail *d, int64_t incident, ns_err *err)
{
	ns_audit_row *rows;
	size_t n;
	if (!ns_store_audit_rows(e->store, d->arena, incident, 200, &rows, &n, err))
		return false;
	d->history = ns_arena_alloc(d->arena, (n + 1) * sizeof *d->history);
	for (size_t i = 0; i < n; i++) {
		cJSON *j = rows[i].detail[0] ? ns_json_parse(rows[i].detail, strlen(rows[i].detail), &ns_json_strict, NULL) : NULL;
		const char *note = note_of(d->arena, j);
		d->history[d->n_history++] = (ns_detail_step){.at_ms = rows[i].at_ms, .who = rows[i].actor,
		    .what = ns_arena_printf(d->arena, "%s%s%s", rows[i].action, note[0] ? ": " : "", note)};
		cJSON_Delete(j);
	}
	return true;
}

ns_detail *ns_engine_detail(ns_engine *e, int64_t incident, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_detail *d = ns_arena_alloc(ar, sizeof *d);
	ns_incident inc;
	ns_dossier f;
	d->arena = ar;
	if (!ns_store_incident_get(e->store, ar, incident, &inc, err) || !ns_dossier_read(e, ar, incident, NS_D_ALL, &f, err)) {
		ns_arena_free(ar);
		return NULL;
	}
	const char **const texts[] = {&d->root_cause, &d->reasoning, &d->provider, &d->cause_class, &d->next_steps, &d->runbook, &d->runbook_title,
	    &d->plan_summary, &d->undo, &d->verify, &d->manual_command, &d->command, &d->diff, &d->dryrun_error, &d->warnings, &d->digest,
	    &d->summary};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		*texts[i] = "";
	const ns_cluster *c = ns_cluster_find(e, inc.target.cluster);
	ns_fill_row(e, &inc, &f, &d->row);
	ns_model_detail(e, d, incident);
	if (f.rca) {
		d->root_cause = f.rca->root_cause;
		d->reasoning = f.rca->reasoning;
		d->provider = f.rca->provider;
		d->cause_class = f.rca->cause_class;
		d->next_steps = ns_with_context(c, ar, f.rca->next_steps);
		d->confidence = f.rca->confidence;
		d->risk = f.rca->risk;
	}
	if (f.cs)
		put_evidence(d, f.cs);
	if (f.plan)
		put_plan(c, d, f.plan);
	if (f.dryrun) {
		d->diff = f.dryrun->diff;
		d->dryrun_error = f.dryrun->error;
		d->warnings = f.dryrun->warnings;
		d->digest = f.dryrun->digest;
		if (f.plan)
			d->command = ns_shown_command(c, ar, &f);
	}
	if (f.card)
		d->summary = f.card->summary;
	d->autonomy = ns_earned_line(e, ar, incident);
	put_reasons(e, d, incident, f.plan);
	ns_undo_detail(e, d, incident);
	d->execution = fact_line(e, ar, incident, "execution", "output", "error");
	d->verification = fact_line(e, ar, incident, "verification", "verdict", "why");
	if (!put_history(e, d, incident, err)) {
		ns_arena_free(ar);
		return NULL;
	}
	return d;
}
