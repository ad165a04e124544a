/* `replay ID`: every decision about an incident derived anew, from the record alone: no cluster, no model, and the store is only read. What comes out
 * otherwise was decided by other rules (an older or newer version), or is not what was recorded then. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/app/app.h"
#include "neuroscale/base/text.h"
#include "replay.h"

enum { MOST_ROWS = 1000000, LINE = 1000 };

static void put(replay *x, int64_t at_ms, const char *what, const char *why, replay_outcome o)
{
	if (x->n == x->cap)
		x->list = ns_xrealloc(x->list, (x->cap = x->cap ? 2 * x->cap : 32) * sizeof *x->list);
	x->list[x->n++] = (replay_finding){at_ms, ns_arena_strdup(x->ar, what), ns_arena_strdup(x->ar, why), o};
}

void replay_found(replay *x, int64_t at_ms, const char *what, const char *why)
{
	put(x, at_ms, what, why, why && *why ? REPLAY_DIFFERS : REPLAY_SAME);
}

void replay_unknown(replay *x, int64_t at_ms, const char *what, const char *why)
{
	put(x, at_ms, what, why, REPLAY_UNKNOWN);
}

void replay_add(replay *x, const char **why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *more = ns_arena_vprintf(x->ar, fmt, ap);
	va_end(ap);
	*why = *why && **why ? ns_arena_printf(x->ar, "%s; %s", *why, more) : more;
}

const replay_row *replay_move_after(const replay *x, int64_t fact_seq)
{
	bool at = false;
	for (size_t i = 0; i < x->n_rows; i++) {
		if (!*x->rows[i].r->who)
			return NULL;
		at = at || (x->rows[i].facts_from <= fact_seq && fact_seq <= x->rows[i].facts_to);
		if (at && x->rows[i].moved)
			return &x->rows[i];
	}
	return NULL;
}

/* ---- the record ---- */

static const char *in_text(replay *x, const char *json, const char *key)
{
	cJSON *j = *json ? ns_json_parse(json, strlen(json), &ns_json_strict, NULL) : NULL;
	const char *v = ns_arena_strdup(x->ar, ns_json_str(j, key, ""));
	cJSON_Delete(j);
	return v;
}

/* Rows of the first form say it in their name: "planning -> executing". */
static void read_row(replay *x, const ns_audit_row *r, replay_row *out)
{
	const char *arrow = strstr(r->action, " -> ");
	*out = (replay_row){.r = r, .digest = *r->digest ? r->digest : in_text(x, r->detail, "digest")};
	out->from = in_text(x, r->before, "state");
	out->to = in_text(x, r->after, "state");
	if (!*r->who && arrow) {
		out->from = ns_arena_strndup(x->ar, r->action, (size_t)(arrow - r->action));
		out->to = arrow + 4;
	}
	out->moved = *out->from && *out->to;
	if (sscanf(r->facts, "%" SCNd64 "-%" SCNd64, &out->facts_from, &out->facts_to) != 2)
		out->facts_from = out->facts_to = 0;
}

static bool load(replay *x, int64_t id, ns_err *err)
{
	ns_audit_row *rows;
	if (!ns_store_incident_get(x->s, x->ar, id, &x->inc, err) || !ns_store_facts(x->s, x->ar, id, &x->facts, &x->n_facts, err) ||
	    !ns_store_audit_rows(x->s, x->ar, id, MOST_ROWS, &rows, &x->n_rows, err) ||
	    !ns_store_approvals_of(x->s, x->ar, id, &x->approvals, &x->n_approvals, err) || !ns_store_intents_of(x->s, x->ar, id, &x->intents, &x->n_intents, err))
		return false;
	x->rows = ns_arena_alloc(x->ar, (x->n_rows + 1) * sizeof *x->rows);
	for (size_t i = 0; i < x->n_rows; i++)
		read_row(x, &rows[i], &x->rows[i]);
	return true;
}

/* Before anything is derived from it: is the record what was written? */
static void check_record(replay *x)
{
	ns_audit_proof p;
	ns_err why = {0};
	int64_t bound = 0;
	size_t loose = 0;
	bool whole = ns_store_audit_prove(x->s, NULL, 0, &p, &why);
	replay_found(x, x->inc.opened_ms, "the record is whole", whole ? "" : why.text);
	for (size_t i = 0; i < x->n_rows; i++)
		bound = x->rows[i].facts_to > bound ? x->rows[i].facts_to : bound;
	for (size_t i = 0; i < x->n_facts; i++)
		loose += x->facts[i].seq > bound;
	if (loose && x->n_facts)
		replay_unknown(x, x->facts[x->n_facts - 1].at_ms, "the latest documents are as they were written",
		    ns_arena_printf(x->ar, "no audit row stands for the last %zu of %zu yet", loose, x->n_facts));
}

/* ---- what is printed ---- */

static const char *const outcomes[] = {"same", "differs", "not known"};

static int by_time(const void *a, const void *b)
{
	const replay_finding *x = a, *y = b;
	return x->at_ms != y->at_ms ? (x->at_ms < y->at_ms ? -1 : 1) : x < y ? -1 : x > y;
}

static void count(const replay *x, size_t n[3])
{
	n[0] = n[1] = n[2] = 0;
	for (size_t i = 0; i < x->n; i++)
		n[x->list[i].outcome]++;
}

static void print_text(const replay *x)
{
	size_t n[3];
	printf("#%lld %s  %s/%s %s, cluster %s  [%s]\n", (long long)x->inc.id, ns_kind_get(x->inc.kind)->title, x->inc.target.ns, x->inc.target.name, x->inc.target.kind,
	    x->inc.target.cluster, ns_state_get(x->inc.state)->name);
	for (size_t i = 0; i < x->n; i++) {
		char at[32];
		ns_time_format(x->list[i].at_ms, at);
		char *what = ns_text_clean_dup(x->list[i].what, LINE), *why = ns_text_clean_dup(x->list[i].why, LINE);
		printf("  %-9s  %s  %s\n", outcomes[x->list[i].outcome], at, what);
		if (*why)
			printf("%-11s  -> %s\n", "", why);
		free(what);
		free(why);
	}
	count(x, n);
	printf("%zu same, %zu differ, %zu not known\n", n[0], n[1], n[2]);
}

static void print_json(const replay *x)
{
	size_t n[3];
	cJSON *o = cJSON_CreateObject();
	count(x, n);
	ns_json_put_int(o, "incident", x->inc.id);
	ns_json_put_str(o, "state", ns_state_get(x->inc.state)->name);
	for (size_t i = 0; i < 3; i++)
		ns_json_put_int(o, i == 2 ? "not_known" : outcomes[i], (int64_t)n[i]);
	cJSON *list = cJSON_AddArrayToObject(o, "decisions");
	for (size_t i = 0; i < x->n; i++) {
		cJSON *d = cJSON_CreateObject();
		char at[32];
		ns_time_format(x->list[i].at_ms, at);
		ns_json_put_str(d, "at", at);
		ns_json_put_str(d, "decision", x->list[i].what);
		ns_json_put_str(d, "outcome", x->list[i].outcome == REPLAY_UNKNOWN ? "not_known" : outcomes[x->list[i].outcome]);
		ns_json_put_str(d, "why", x->list[i].why);
		cJSON_AddItemToArray(list, d);
	}
	char *text = ns_json_text(o);
	puts(text);
	free(text);
	cJSON_Delete(o);
}

bool replay_run(replay *x, int64_t id, ns_err *err)
{
	if (!load(x, id, err))
		return false;
	check_record(x);
	replay_facts(x);
	if (!replay_acts(x, err))
		return false;
	qsort(x->list, x->n, sizeof *x->list, by_time);
	return true;
}

int ns_app_replay(const ns_config *cfg)
{
	ns_err err = {0};
	int64_t id = 0;
	replay x = {.ar = ns_arena_new()};
	bool ok = ns_app_incident_id(cfg->args[0], &id, &err) && (x.s = ns_app_record(cfg, &err)) && replay_run(&x, id, &err);
	size_t n[3] = {0};
	if (ok) {
		count(&x, n);
		(cfg->json ? print_json : print_text)(&x);
		ok = fflush(stdout) == 0 || ns_fail_errno(&err, NS_E_IO, "standard output");
	}
	ns_store_close(x.s);
	free(x.list);
	ns_arena_free(x.ar);
	return !ok ? ns_app_failed(&err) : n[REPLAY_DIFFERS] ? 1 : 0;
}
