/* `gate explain`: what the gate decided about an incident, condition by condition, from the record; what it would decide if facts were other
 * (--set); `gate table`: the conditions themselves. Reads the store only, judges by the same table as the engine; needs no engine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/app/app.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/store/store.h"

enum { LAW = 40, VALUE = 64, HEAD = 1000, MAX_DECISIONS = 64 };

/* One judgement that is on record. */
typedef struct decision {
	int64_t at_ms;
	const char *way;    /* before asking: "manual_review" "ask" "auto"; before sending: "sent" "refused" */
	bool sending, approved;
} decision;

typedef struct view {
	ns_arena *ar;
	bool recorded;      /* of an incident; else from scratch */
	ns_incident inc;
	ns_gate_facts f, before; /* before: without --set */
	cJSON *known;       /* an object whose keys are the facts that have a value here */
	decision list[MAX_DECISIONS];
	size_t n;
	const char *record; /* what its runbook had earned by then, "" nothing on record */
	bool complete;      /* every fact is known: there is a decision */
} view;

/* ---- words ---- */

static const char *way_name(ns_gate_way w)
{
	static const char *const names[] = {"manual_review", "ask", "auto"};
	return names[w];
}

static const char *way_words(ns_gate_way w)
{
	static const char *const words[] = {"nobody is asked: it is for a person to do by hand", "a person is asked", "it acts alone"};
	return words[w];
}

static const char *outcome(const view *v, size_t row)
{
	static const char *const reach[] = {"person", "sending", "forbidden"};
	ns_gate_row_info r = ns_gate_row(row);
	char *uses = ns_xstrdup(r.uses), *save = NULL;
	bool all = true;
	for (char *name = strtok_r(uses, " ", &save); name; name = strtok_r(NULL, " ", &save))
		all = all && cJSON_HasObjectItem(v->known, name);
	free(uses);
	return !all ? "unknown" : !ns_gate_row_holds(row, &v->f) ? "pass" : reach[r.reach];
}

static const char *outcome_words(const char *o)
{
	static const char *const words[][2] = {{"pass", "pass"}, {"person", "NEEDS A PERSON"}, {"sending", "BARS SENDING"}, {"forbidden", "FORBIDDEN"}};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i][0], o) == 0)
			return words[i][1];
	return "not recorded";
}

/* "(law 4: critical is never auto)" -> "law 4" */
static void law_of(const char *words, char out[LAW])
{
	const char *p = strstr(words, "(law");
	snprintf(out, LAW, "%.*s", p ? (int)strcspn(p + 1, ":,)") : 0, p ? p + 1 : "");
}

static void print_values(const view *v, const char *uses)
{
	char *names = ns_xstrdup(uses), *save = NULL;
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		char now[VALUE], before[VALUE];
		ns_gate_fact_text(&v->f, name, now, sizeof now);
		ns_gate_fact_text(&v->before, name, before, sizeof before);
		bool known = cJSON_HasObjectItem(v->known, name), changed = known && strcmp(now, before) != 0;
		printf("  %s=%s%s%s%s", name, known ? now : "?", changed ? " (was " : "", changed ? before : "", changed ? ")" : "");
	}
	free(names);
}

/* ---- where the facts come from ---- */

/* What is known before the gate was asked: its documents. The names are those that ns_gate_judge fills in. */
static bool judge_documents(view *v, ns_store *s, ns_err *err)
{
	static const struct { const char *doc, *facts[8]; } from[] = {
	    {"rca", {"confidence", "rca_risk", "rca_action", "auto_remediate", "evidence_ok"}}, {"plan", {"plan_risk", "plan_action", "score", "margin", "plan_requires_approval"}}};
	cJSON *c = ns_store_fact_latest(s, v->inc.id, "case", NULL, NULL), *r = ns_store_fact_latest(s, v->inc.id, "rca", NULL, NULL),
	      *p = ns_store_fact_latest(s, v->inc.id, "plan", NULL, NULL);
	ns_rca *rca = r ? ns_rca_from_json(v->ar, r, err) : NULL;
	ns_plan *plan = p ? ns_plan_from_json(v->ar, p, err) : NULL;
	bool ok = (!r || rca) && (!p || plan);
	ns_gate_judge(c ? ns_case_from_json(v->ar, c, NULL) : NULL, rca, plan, &v->f);
	const void *there[] = {rca, plan};
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; there[i] && from[i].facts[k]; k++)
			cJSON_AddTrueToObject(v->known, from[i].facts[k]);
	if (c && rca)
		cJSON_AddTrueToObject(v->known, "trusted_evidence");
	cJSON_Delete(c);
	cJSON_Delete(r);
	cJSON_Delete(p);
	return ok;
}

/* Every judgement of the gate on this incident; the facts are the last one's. */
static bool read_record(view *v, ns_store *s, int64_t id, ns_err *err)
{
	ns_fact_row *rows;
	size_t n;
	if (!ns_store_incident_get(s, v->ar, id, &v->inc, err) || !ns_store_facts(s, v->ar, id, &rows, &n, err))
		return false;
	v->recorded = true;
	const cJSON *facts = NULL;
	cJSON *last = NULL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, "gate") != 0)
			continue;
		cJSON_Delete(last);
		last = ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, err);
		if (!last)
			return ns_err_wrap(err, "incident %lld, gate", (long long)id);
		if (v->n == MAX_DECISIONS) /* of very many the latest */
			memmove(v->list, v->list + 1, --v->n * sizeof *v->list);
		const char *record = ns_json_str(last, "record", "");
		if (*record)
			v->record = ns_arena_strdup(v->ar, record);
		bool sending = ns_json_bool_or(last, "sending", false);
		const char *way = !sending ? ns_json_str(last, "way", "") : ns_json_bool_or(last, "sends", false) ? "sent" : "refused";
		v->list[v->n++] = (decision){rows[i].at_ms, ns_arena_strdup(v->ar, way), sending, ns_json_bool_or(last, "approved", false)};
	}
	facts = ns_json_get(last, "facts");
	bool ok = facts ? ns_gate_facts_from_json(facts, &v->f, err) : judge_documents(v, s, err);
	for (const cJSON *k = facts ? facts->child : NULL; ok && k; k = k->next)
		cJSON_AddTrueToObject(v->known, k->string);
	cJSON_Delete(last);
	return ok || ns_err_wrap(err, "incident %lld", (long long)id);
}

bool ns_app_incident_id(const char *text, int64_t *id, ns_err *err)
{
	char *end;
	errno = 0;
	*id = strtoll(text, &end, 10);
	return (!errno && end != text && !*end && *id > 0) || ns_fail(err, NS_E_USAGE, "\"%.60s\" is no ID: `neuroscale-tui incidents` lists them in the first column", text);
}

static bool load(view *v, const ns_config *cfg, ns_err *err)
{
	int64_t id = 0;
	v->known = cJSON_CreateObject();
	if (cfg->n_args < 2) {
		ns_gate_best(&v->f);
		for (size_t i = 0; i < ns_gate_n_facts(); i++)
			cJSON_AddTrueToObject(v->known, ns_gate_fact_name(i));
		return true;
	}
	if (!ns_app_incident_id(cfg->args[1], &id, err))
		return false;
	ns_store *s = ns_app_record(cfg, err);
	bool ok = s && read_record(v, s, id, err);
	ns_store_close(s);
	return ok;
}

static bool what_if(view *v, const char *const *set, ns_err *err)
{
	v->before = v->f;
	for (; *set; set++) {
		size_t n = strcspn(*set, "=");
		if (!(*set)[n])
			return ns_fail(err, NS_E_USAGE, "--set %.60s: it is FACT=VALUE; `gate table` names the facts", *set);
		const char *name = ns_arena_strndup(v->ar, *set, n);
		if (!ns_gate_fact_set(&v->f, name, *set + n + 1, err))
			return false;
		if (!cJSON_HasObjectItem(v->known, name))
			cJSON_AddTrueToObject(v->known, name);
	}
	v->complete = (size_t)cJSON_GetArraySize(v->known) == ns_gate_n_facts();
	return true;
}

/* ---- what is printed ---- */

static void print_head(const view *v, const ns_config *cfg)
{
	if (!v->recorded) {
		printf("from scratch: every fact at its good value%s\n", *cfg->set ? ", but for what --set says" : "");
		return;
	}
	const ns_incident *i = &v->inc;
	const char *line = ns_arena_printf(v->ar, "#%lld %s  %s/%s %s, cluster %s  [%s]%s%s", (long long)i->id, ns_kind_get(i->kind)->title, i->target.ns,
	    i->target.name, i->target.kind, i->target.cluster, ns_state_get(i->state)->name, *i->note ? ": " : "", i->note);
	puts(ns_text_clean_in(v->ar, line, HEAD));
	for (size_t k = 0; k < v->n; k++) {
		char at[32];
		ns_time_format(v->list[k].at_ms, at);
		printf("  %s  %s: %s\n", at,
		    !v->list[k].sending         ? "before anybody was asked"
		        : v->list[k].approved ? "before sending, with a person's yes"
		                              : "before sending, without a yes",
		    v->list[k].way);
	}
	if (!v->n)
		printf("  the gate was not asked: no plan of this incident came to it\n");
	else if (!v->complete)
		printf("  recorded by a version that kept the reasons only; what its documents say:\n");
}

static void print_rows(const view *v)
{
	for (size_t i = 0; i < ns_gate_rows(); i++) {
		ns_gate_row_info r = ns_gate_row(i);
		char law[LAW];
		const char *o = outcome(v, i);
		law_of(r.words, law);
		printf("%-14s  %-15s  %-12s", outcome_words(o), r.name, law);
		print_values(v, r.uses);
		printf("\n");
		if (strcmp(o, "pass") != 0 && strcmp(o, "unknown") != 0)
			printf("%-14s  -> %s\n", "", r.words);
		if (strcmp(r.name, "earned") == 0 && *v->record)
			printf("%-14s     %s\n", "", v->record);
	}
}

static void print_decision(const view *v)
{
	ns_gate_verdict now, yes;
	if (!v->complete) {
		printf("decision: none, not every fact is on record\n");
		return;
	}
	ns_gate(&v->f, &now);
	bool sent = ns_gate_may_send(&v->f, true, &yes);
	printf("decision: %s (%zu of %zu conditions stand against it)\n", way_words(now.way), now.n, ns_gate_rows());
	if (now.way == NS_GATE_ASK) {
		printf("after a yes: %s", sent ? "it is sent" : "it is not sent while these hold:");
		for (size_t i = 0; !sent && i < yes.n; i++)
			printf(" %s", yes.condition[i]);
		printf("\n");
	}
}

static cJSON *row_json(const view *v, size_t i)
{
	ns_gate_row_info r = ns_gate_row(i);
	cJSON *o = cJSON_CreateObject(), *values = ns_gate_facts_to_json(&v->f), *used = cJSON_CreateObject();
	char law[LAW], *names = ns_xstrdup(r.uses), *save = NULL;
	law_of(r.words, law);
	ns_json_put_str(o, "condition", r.name);
	ns_json_put_str(o, "law", law);
	ns_json_put_str(o, "words", r.words);
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
		if (cJSON_HasObjectItem(v->known, name))
			cJSON_AddItemToObject(used, name, cJSON_DetachItemFromObjectCaseSensitive(values, name));
	cJSON_AddItemToObject(o, "values", used);
	ns_json_put_str(o, "outcome", outcome(v, i));
	cJSON_Delete(values);
	free(names);
	return o;
}

static void print_json(const view *v, const ns_config *cfg)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "judged"), *set = cJSON_AddArrayToObject(o, "set"), *rows = cJSON_AddArrayToObject(o, "rows");
	if (v->recorded) {
		ns_json_put_int(o, "incident", v->inc.id);
		ns_json_put_str(o, "state", ns_state_get(v->inc.state)->name);
		ns_json_put_str(o, "note", v->inc.note);
		ns_json_put_str(o, "record", v->record);
	}
	for (size_t i = 0; i < v->n; i++) {
		cJSON *d = cJSON_CreateObject();
		char at[32];
		ns_time_format(v->list[i].at_ms, at);
		ns_json_put_str(d, "at", at);
		ns_json_put_bool(d, "sending", v->list[i].sending);
		ns_json_put_bool(d, "approved", v->list[i].approved);
		ns_json_put_str(d, "way", v->list[i].way);
		cJSON_AddItemToArray(list, d);
	}
	for (const char *const *s = cfg->set; *s; s++)
		cJSON_AddItemToArray(set, cJSON_CreateString(*s));
	for (size_t i = 0; i < ns_gate_rows(); i++)
		cJSON_AddItemToArray(rows, row_json(v, i));
	if (v->complete) {
		ns_gate_verdict now, yes;
		ns_gate(&v->f, &now);
		ns_json_put_str(o, "way", way_name(now.way));
		ns_json_put_bool(o, "sent_after_yes", ns_gate_may_send(&v->f, true, &yes));
	}
	char *text = ns_json_text(o);
	puts(text);
	free(text);
	cJSON_Delete(o);
}

static bool explain(const ns_config *cfg, ns_err *err)
{
	view v = {.ar = ns_arena_new(), .record = ""};
	bool ok = load(&v, cfg, err) && what_if(&v, cfg->set, err);
	if (ok && cfg->json) {
		print_json(&v, cfg);
	} else if (ok) {
		print_head(&v, cfg);
		print_rows(&v);
		print_decision(&v);
	}
	cJSON_Delete(v.known);
	ns_arena_free(v.ar);
	return ok;
}

static bool table(const ns_config *cfg, ns_err *err)
{
	static const char *const reach[] = {"person", "sending", "forbidden"};
	(void)err;
	cJSON *all = cfg->json ? cJSON_CreateArray() : NULL;
	for (size_t i = 0; i < ns_gate_rows(); i++) {
		ns_gate_row_info r = ns_gate_row(i);
		char law[LAW];
		law_of(r.words, law);
		if (!all) {
			printf("%-14s  %-15s  %-12s  %s\n%-14s  -> %s\n", outcome_words(reach[r.reach]), r.name, law, r.uses, "", r.words);
			continue;
		}
		cJSON *o = cJSON_CreateObject();
		const char *const pairs[][2] = {{"condition", r.name}, {"law", law}, {"words", r.words}, {"reach", reach[r.reach]}, {"facts", r.uses}};
		for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
			ns_json_put_str(o, pairs[k][0], pairs[k][1]);
		cJSON_AddItemToArray(all, o);
	}
	char *text = all ? ns_json_text(all) : NULL;
	if (text)
		puts(text);
	free(text);
	cJSON_Delete(all);
	return true;
}

int ns_app_gate(const ns_config *cfg)
{
	ns_err err = {0};
	const char *verb = cfg->args[0];
	bool is_table = strcmp(verb, "table") == 0;
	bool ok = false;
	if (!is_table && strcmp(verb, "explain") != 0)
		ns_fail(&err, NS_E_USAGE, "unknown command \"gate %.60s\": there are explain [ID] and table", verb);
	else if (is_table && (cfg->n_args > 1 || *cfg->set))
		ns_fail(&err, NS_E_USAGE, "usage: neuroscale-tui gate table");
	else
		ok = is_table ? table(cfg, &err) : explain(cfg, &err);
	if (ok && fflush(stdout) != 0)
		ok = ns_fail_errno(&err, NS_E_IO, "standard output");
	return ok ? 0 : ns_app_failed(&err);
}
