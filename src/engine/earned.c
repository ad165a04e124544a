/* Earned autonomy in the engine: the record behind the gate's row, how it stands in words, and its rise and fall in the audit. What became of a
 * runbook is read out of the recorded facts each time it is asked for: nothing is booked twice, and nothing has to be kept in step. */
#include <string.h>
#include "engine_priv.h"

enum { MAX_TRIED = 1000 }; /* the newest; more say nothing new */

bool ns_earned_look(ns_engine *e, ns_arena *ar, const ns_workload *w, const ns_plan *p, ns_autonomy_record *out)
{
	const ns_cluster *c = ns_cluster_find(e, w->cluster);
	ns_tried *rows;
	size_t n;
	*out = (ns_autonomy_record){.bad_why = ""};
	if (!c || c->o.autonomy == NS_AUTONOMY_OFF || !*p->runbook ||
	    !ns_store_tried(e->store, ar, w->cluster, w->ns, p->runbook, p->runbook_hash, MAX_TRIED, &rows, &n, NULL))
		return false; /* what cannot be known has not been earned */
	ns_autonomy_judge(rows, n, &c->o.autonomy_rule, out);
	return true;
}

void ns_earned_put(ns_engine *e, ns_arena *ar, const ns_workload *w, const ns_plan *p, const ns_gate_facts *f, cJSON *gate)
{
	ns_autonomy_record r;
	if (!ns_earned_look(e, ar, w, p, &r))
		return;
	bool eligible = ns_gate_eligible(f);
	ns_json_put_bool(gate, "eligible", eligible);
	ns_json_put_bool(gate, "would", eligible && f->earned);
	ns_json_put_str(gate, "record", ns_autonomy_words(ar, &r, &ns_cluster_find(e, w->cluster)->o.autonomy_rule));
}

bool ns_earned_mark(ns_step *s, const ns_plan *p, const ns_gate_facts *f)
{
	if (f->autonomy == NS_AUTONOMY_OFF || !*p->runbook)
		return true;
	const char *key = ns_arena_printf(s->ar, "earned:%s/%s/%s", s->inc.target.cluster, s->inc.target.ns, p->runbook), *was = "no", *is = f->earned ? "yes" : "no";
	ns_store_meta_get(s->e->store, s->ar, key, &was, NULL);
	if (strcmp(was, is) == 0)
		return true;
	ns_autonomy_record r;
	ns_earned_look(s->e, s->ar, &s->inc.target, p, &r);
	cJSON *detail = cJSON_CreateObject();
	ns_json_put_str(detail, "runbook", p->runbook);
	ns_json_put_str(detail, "namespace", s->inc.target.ns);
	ns_json_put_str(detail, "note", ns_autonomy_words(s->ar, &r, &ns_cluster_find(s->e, s->inc.target.cluster)->o.autonomy_rule));
	return ns_step_audit(s, "gate", f->earned ? "autonomy earned" : "autonomy lost", detail, true) && ns_store_meta_set(s->e->store, key, is, &s->err);
}

static const char *words_of(ns_arena *ar, const cJSON *gate, const cJSON *said)
{
	const char *record = ns_json_str(gate, "record", ""), *decision = ns_json_str(said, "decision", "");
	bool alone = strcmp(ns_json_str(gate, "way", ""), "auto") == 0;
	if (!*record)
		return "";
	return ns_arena_printf(ar, "%s. %s%s", record,
	    alone                                          ? "It acted alone"
	        : ns_json_bool_or(gate, "would", false)    ? "It would have acted alone"
	        : ns_json_bool_or(gate, "eligible", false) ? "It would have acted alone, had it earned it"
	                                                   : "It would not have acted alone",
	    !*decision ? "" : strcmp(decision, "approved") == 0 ? "; a person said yes" : "; a person said no");
}

const char *ns_earned_card(ns_engine *e, ns_arena *ar, int64_t incident)
{
	cJSON *gate = ns_store_fact_latest(e->store, incident, "gate", NULL, NULL);
	const char *line = words_of(ar, gate, NULL);
	cJSON_Delete(gate);
	return line;
}

const char *ns_earned_line(ns_engine *e, ns_arena *ar, int64_t incident)
{
	ns_fact_row *rows;
	size_t n;
	cJSON *gate = NULL, *said = NULL;
	if (!ns_store_facts(e->store, ar, incident, &rows, &n, NULL))
		return "";
	for (size_t i = 0; i < n; i++) { /* of the last plan: its first judgement, and what a person said to it */
		bool plan = strcmp(rows[i].name, "plan") == 0, judged = strcmp(rows[i].name, "gate") == 0 && !gate;
		if (plan || judged) {
			cJSON_Delete(gate);
			gate = judged ? ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, NULL) : NULL;
		}
		if (plan || strcmp(rows[i].name, "decision") == 0) {
			cJSON_Delete(said);
			said = plan ? NULL : ns_json_parse(rows[i].json, strlen(rows[i].json), &ns_json_strict, NULL);
		}
	}
	const char *line = words_of(ar, gate, said);
	cJSON_Delete(gate);
	cJSON_Delete(said);
	return line;
}
