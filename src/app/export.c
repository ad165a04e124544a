/* `export --format dashscope-sft`: incidents that a person decided and the verifier saw fixed, as fine-tuning data: one JSON object a line,
 *
 *     {"messages":[{"role":"system",…},{"role":"user",…},{"role":"assistant",…}]}
 *
 * The question is the analyzer's own prompt for the recorded case (redacted and fenced there), the answer the contract's JSON of what turned out right.
 * What was rejected or did not help has no right answer on record and teaches nothing: it is counted, not written. The store is only read. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/app/app.h"
#include "neuroscale/llm/prompt.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/store/capsule.h"

enum { EVERY = 1000000, MAX_WORDS = 4000 };

typedef struct facts {
	ns_case *cs;
	ns_rca *rca;
	ns_plan *plan;
	bool approved, fixed; /* of the latest plan */
} facts;

/* The facts in order: what stands after a plan belongs to it. */
static bool read_incident(ns_store *s, ns_arena *ar, int64_t id, facts *f, ns_err *err)
{
	static const ns_json_limits limits = {.max_bytes = 16u << 20, .max_depth = 128}; /* as facts are written */
	ns_fact_row *rows;
	size_t n;
	if (!ns_store_facts(s, ar, id, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const ns_fact_row *r = &rows[i];
		bool wanted = strstr(" case rca plan decision verification ", ns_arena_printf(ar, " %s ", r->name)) != NULL;
		cJSON *j = wanted ? ns_json_parse(r->json, strlen(r->json), &limits, err) : NULL;
		if (wanted && !j)
			return ns_err_wrap(err, "incident %" PRId64 ", %s", id, r->name);
		if (strcmp(r->name, "case") == 0)
			f->cs = ns_case_from_json(ar, j, NULL);
		else if (strcmp(r->name, "rca") == 0)
			f->rca = ns_rca_from_json(ar, j, NULL);
		else if (strcmp(r->name, "plan") == 0)
			*f = (facts){.cs = f->cs, .rca = f->rca, .plan = ns_plan_from_json(ar, j, NULL)};
		else if (strcmp(r->name, "decision") == 0)
			f->approved = strcmp(ns_json_str(j, "decision", ""), "approved") == 0;
		else if (strcmp(r->name, "verification") == 0)
			f->fixed = strcmp(ns_json_str(j, "verdict", ""), ns_verdict_name(NS_VERDICT_FIXED)) == 0;
		cJSON_Delete(j);
	}
	/* What somebody took back teaches nothing; what only ended with its time does. */
	ns_capsule c;
	if (ns_store_capsule_of(s, ar, id, &c, NULL) && c.state == NS_CAP_UNDONE && strcmp(c.by, "timer") != 0)
		f->fixed = false;
	return true;
}

static void put_words(cJSON *o, const char *key, const char *s)
{
	char *line = ns_redact_line(s, strlen(s), MAX_WORDS);
	ns_json_put_str(o, key, line);
	free(line);
}

/* The contract's object. The action and the risk are the plan's, which is what was approved and helped. */
static char *answer(const facts *f)
{
	cJSON *o = cJSON_CreateObject();
	put_words(o, "root_cause", f->rca->root_cause);
	ns_json_put_num(o, "confidence", f->rca->confidence);
	ns_json_put_str(o, "action_type", ns_action_get(f->plan->action)->name);
	ns_json_put_str(o, "risk_level", ns_risk_name(f->plan->risk));
	cJSON_AddBoolToObject(o, "auto_remediate", f->rca->auto_remediate);
	put_words(o, "reasoning", f->rca->reasoning);
	cJSON *claims = cJSON_AddArrayToObject(o, "claims");
	for (size_t i = 0; i < f->rca->n_claims; i++) {
		cJSON *c = cJSON_CreateObject();
		put_words(c, "text", f->rca->claims[i].text);
		cJSON *ids = cJSON_AddArrayToObject(c, "evidence");
		for (size_t k = 0; k < f->rca->claims[i].n_evidence; k++)
			cJSON_AddItemToArray(ids, cJSON_CreateString(f->rca->claims[i].evidence[k]));
		cJSON_AddItemToArray(claims, c);
	}
	char *text = ns_json_text(o);
	cJSON_Delete(o);
	return text;
}

static void put_message(cJSON *list, const char *role, const char *content)
{
	cJSON *m = cJSON_CreateObject();
	ns_json_put_str(m, "role", role);
	ns_json_put_str(m, "content", content);
	cJSON_AddItemToArray(list, m);
}

static bool print_row(ns_arena *ar, const facts *f, ns_err *err)
{
	const ns_prompt *p = ns_prompt_analyze(ar, f->cs, false);
	cJSON *row = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(row, "messages");
	char *right = answer(f);
	put_message(list, "system", p->system);
	put_message(list, "user", p->user);
	put_message(list, "assistant", right);
	char *text = ns_json_text(row);
	bool ok = puts(text) >= 0 || ns_fail_errno(err, NS_E_IO, "standard output");
	free(text);
	free(right);
	cJSON_Delete(row);
	return ok;
}

static bool export_all(ns_store *s, int64_t since_ms, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_incident *list = NULL;
	size_t n = 0, written = 0, undecided = 0, unproved = 0;
	bool ok = ns_store_incidents(s, ar, EVERY, &list, &n, err);
	for (size_t i = n; ok && i--;) { /* oldest first */
		if (list[i].opened_ms < since_ms)
			continue;
		ns_arena *own = ns_arena_new();
		facts f = {0};
		ok = read_incident(s, own, list[i].id, &f, err);
		bool whole = ok && f.cs && f.rca && f.plan;
		undecided += whole && !f.approved;
		unproved += whole && f.approved && !f.fixed;
		if (whole && f.approved && f.fixed) {
			ok = print_row(own, &f, err);
			written++;
		}
		ns_arena_free(own);
	}
	if (ok && fflush(stdout) != 0)
		ok = ns_fail_errno(err, NS_E_IO, "standard output");
	if (ok)
		fprintf(stderr, "%zu written; left out: %zu that nobody approved, %zu that were not seen fixed\n", written, undecided, unproved);
	ns_arena_free(ar);
	return ok;
}

bool ns_app_since(const char *s, int64_t *ms, ns_err *err)
{
	char day[40];
	*ms = 0;
	snprintf(day, sizeof day, "%.20sT00:00:00Z", s);
	return !*s || ns_time_parse(s, ms) || ns_time_parse(day, ms) || ns_fail(err, NS_E_USAGE, "--since %.40s is no day (2026-11-01) and no time (2026-11-01T08:00:00Z)", s);
}

int ns_app_export(const ns_config *cfg)
{
	ns_err err = {0};
	int64_t since = 0;
	ns_store *s = ns_app_since(cfg->since, &since, &err) ? ns_app_record(cfg, &err) : NULL;
	bool ok = s && export_all(s, since, &err);
	ns_store_close(s);
	return ok ? 0 : ns_app_failed(&err);
}
