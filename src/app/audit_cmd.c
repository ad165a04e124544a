/* `audit verify`: is the record whole, and does it agree with what was anchored outside? `audit export`: all of it, line by line, in a form that can be
 * proven without the store (audit.h). The store is only read, one row at a time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "neuroscale/app/app.h"
#include "neuroscale/base/text.h"

enum { ACTOR = 40, NOTE = 120 };

/* ---- verify ---- */

static void say(const ns_config *cfg, cJSON *o, const char *words)
{
	char *text = cfg->json ? ns_json_text(o) : NULL;
	puts(text ? text : words);
	free(text);
}

static cJSON *answer(bool ok, const ns_err *err)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_bool(o, "whole", ok);
	if (!ok)
		ns_json_put_str(o, "error", err->text);
	return o;
}

static bool verify_store(const ns_config *cfg, const ns_audit_anchor *anchors, size_t n, size_t skipped, ns_err *err)
{
	ns_audit_proof p = {0};
	char words[400];
	ns_store *s = ns_app_record(cfg, err);
	bool ok = s && ns_store_audit_prove(s, anchors, n, &p, err);
	ns_store_close(s);
	if (s) {
		cJSON *o = answer(ok, err);
		ns_json_put_int(o, "rows", p.rows);
		ns_json_put_str(o, "head", p.head);
		ns_json_put_int(o, "first_form", p.first_form);
		ns_json_put_int(o, "facts", p.facts);
		ns_json_put_int(o, "anchors", (int64_t)n);
		ns_json_put_int(o, "anchors_of_others", (int64_t)skipped);
		ns_json_put_int(o, "anchored", p.anchored);
		int len = snprintf(words, sizeof words, "audit record whole: %" PRId64 " rows, head %s\n%" PRId64 " recorded facts are as the rows say", p.rows, p.head, p.facts);
		if (n)
			snprintf(words + len, sizeof words - (size_t)len, "; %zu anchors agree, the latest at row %" PRId64, n, p.anchored);
		else
			snprintf(words + len, sizeof words - (size_t)len, "; no --anchor was given: a record whose end was cut off would look the same");
		if (ok || cfg->json)
			say(cfg, o, words);
		cJSON_Delete(o);
	}
	return ok;
}

static bool verify_file(const ns_config *cfg, const ns_audit_anchor *list, size_t n, ns_err *err)
{
	audit_file_proof p;
	char words[400];
	ns_audit_anchors *anchors = ns_audit_anchors_new(list, n);
	bool ok = audit_file_prove(cfg->args[1], anchors, &p, err);
	cJSON *o = answer(ok, err);
	const int64_t numbers[] = {p.first, p.rows, p.shown, p.given, ns_audit_anchors_best(anchors)};
	static const char *const names[] = {"first", "rows", "shown", "given", "anchored"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ns_json_put_int(o, names[i], numbers[i]);
	ns_json_put_str(o, "prev", p.prev);
	ns_json_put_str(o, "head", p.head);
	snprintf(words, sizeof words, "exported audit whole: rows %" PRId64 " to %" PRId64 ", %" PRId64 " shown, %" PRId64 " by their digest, %" PRId64
	    " taken as given (first form); head %s", p.first, p.first + p.rows - 1, p.shown, p.rows - p.shown - p.given, p.given, p.head);
	if (ok || cfg->json)
		say(cfg, o, words);
	cJSON_Delete(o);
	ns_audit_anchors_free(anchors);
	return ok;
}

static bool verify(const ns_config *cfg, ns_err *err)
{
	ns_audit_anchor *list = NULL;
	size_t n = 0, skipped = 0;
	bool ok = audit_anchors_read(cfg->anchors, cfg->head, cfg->state_dir, &list, &n, &skipped, err) &&
	    (cfg->n_args > 1 ? verify_file(cfg, list, n, err) : verify_store(cfg, list, n, skipped, err));
	free(list);
	return ok;
}

/* ---- export ---- */

typedef struct writing {
	const ns_config *cfg;
	int64_t since_ms, wrong; /* wrong: the first row that does not match its hash, 0 none */
	bool begun;
	ns_buf line;
} writing;

static void put_words(ns_buf *out, const ns_audit_row *r)
{
	char at[32];
	cJSON *d = r->detail ? ns_json_parse(r->detail, strlen(r->detail), &ns_json_strict, NULL) : NULL;
	char *actor = ns_text_clean_dup(r->actor, ACTOR), *action = ns_text_clean_dup(r->action, NOTE);
	char *note = ns_text_clean_dup(ns_json_str(d, "note", ns_json_str(d, "reason", ns_json_str(d, "outcome", ""))), NOTE);
	ns_time_format(r->at_ms, at);
	ns_buf_printf(out, "%6" PRId64 "  %s  #%-4" PRId64 " %-28s %s%s%s", r->seq, at, r->incident, actor, action, *note ? ": " : "", note);
	free(actor);
	free(action);
	free(note);
	cJSON_Delete(d);
}

static bool write_row(void *ctx, const ns_audit_row *r, const char *prev, ns_err *err)
{
	writing *w = ctx;
	char hash[65];
	bool ours = r->at_ms >= w->since_ms && (!w->cfg->incident || r->incident == w->cfg->incident);
	ns_audit_row_hash(prev, r, hash);
	if (strcmp(hash, r->hash) != 0 && !w->wrong)
		w->wrong = r->seq;
	if (!w->begun && !ours)
		return true;
	/* From the first that is wanted on all of them, so that the chain holds up to its head. */
	bool shown = ours || (!w->cfg->incident && w->begun);
	if (!w->cfg->json && !shown)
		return true;
	ns_buf_clear(&w->line);
	if (w->cfg->json)
		audit_line(&w->line, r, shown, w->begun ? NULL : prev);
	else
		put_words(&w->line, r);
	w->begun = true;
	return puts(ns_buf_str(&w->line)) >= 0 || ns_fail_errno(err, NS_E_IO, "standard output");
}

static bool export_rows(const ns_config *cfg, ns_err *err)
{
	writing w = {.cfg = cfg, .line = NS_BUF_INIT};
	ns_store *s = ns_app_since(cfg->since, &w.since_ms, err) ? ns_app_record(cfg, err) : NULL;
	bool ok = s && ns_store_audit_walk(s, write_row, &w, err);
	ns_store_close(s);
	ns_buf_free(&w.line);
	if (ok && w.wrong)
		ok = ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " does not match its hash; all rows were written out all the same: `audit verify` says more", w.wrong);
	return ok;
}

int ns_app_audit(const ns_config *cfg)
{
	ns_err err = {0};
	const char *verb = cfg->args[0];
	bool is_export = strcmp(verb, "export") == 0, ok = false;
	if (!is_export && strcmp(verb, "verify") != 0)
		ns_fail(&err, NS_E_USAGE, "unknown command \"audit %.60s\": there are verify [FILE] and export", verb);
	else if (is_export && (cfg->n_args > 1 || *cfg->anchors || *cfg->head))
		ns_fail(&err, NS_E_USAGE, "usage: neuroscale-tui audit export [--json] [--since DAY] [--incident ID]");
	else if (!is_export && (*cfg->since || cfg->incident))
		ns_fail(&err, NS_E_USAGE, "--since and --incident are for audit export: what is verified is verified whole");
	else
		ok = is_export ? export_rows(cfg, &err) : verify(cfg, &err);
	if (ok && fflush(stdout) != 0)
		ok = ns_fail_errno(&err, NS_E_IO, "standard output");
	return ok ? 0 : ns_app_failed(&err);
}
