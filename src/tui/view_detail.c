/* One incident in full: what was seen and whether it may be trusted, what follows from it, what would be done exactly, and what was done.
 */
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

static void head(const ns_ui *ui, const ns_pen *p, const ns_detail *t, ns_doc *d)
{
	char where[512], buf[32], age[16] = "";
	const ns_inc_row *r = &t->row;
	ns_word state = ns_word_state(r, buf), sev = ns_word_severity(r->severity);
	ns_where(r, where, sizeof where);
	const char *title = ns_kind_get(r->kind)->title;
	bool twice = !*r->reason || !strcmp(title, r->reason);
	ns_doc_printf(d, "WHAT", NS_ROLE_TEXT_STRONG, "#%lld %s%s%s", (long long)r->id, title, twice ? "" : ": ", twice ? "" : r->reason);
	ns_doc_printf(d, "WHERE", NS_ROLE_TEXT, "%s %s%s%s, cluster %s", r->target_kind, where, *r->container ? ", container " : "",
	    r->container, r->cluster);
	if (r->members > 1)
		ns_doc_printf(d, "PODS", NS_ROLE_TEXT, "%lld of this workload are one incident", (long long)r->members);
	ns_doc_put(d, "SEVERITY", sev.role, sev.text);
	if (p)
		ns_pen_age(p, r->state_since_ms, age);
	ns_doc_printf(d, "STATE", state.role, "%s%s%s%s%s", state.text, *age ? " for " : "", age, *r->note ? ": " : "", r->note);
	if (r->state == NS_ST_MANUAL_REVIEW) /* what now, before why */
		ns_doc_put(d, "TRY", NS_ROLE_TEXT_STRONG, *t->manual_command ? t->manual_command : t->next_steps);
	ns_doc_put(d, "MESSAGE", NS_ROLE_TEXT, r->message);
}

static void evidence(const ns_detail *t, ns_doc *d)
{
	if (!t->n_evidence)
		return;
	ns_doc_title(d, "EVIDENCE");
	for (size_t i = 0; i < t->n_evidence; i++) {
		const ns_detail_evidence *e = &t->evidence[i];
		char time[32] = "";
		if (e->at_ms > 0)
			ns_time_format(e->at_ms, time);
		/* Logs and event texts can be written by whoever runs in the pod: they are marked, not hidden. */
		ns_doc_printf(d, e->trusted ? "trusted" : "UNTRUSTED", e->trusted ? NS_ROLE_TEXT : NS_ROLE_TEXT_DIM, "%s %s  %s%s%s", e->id,
		    e->kind, e->text, *time ? "  " : "", *time ? time + 11 : "");
	}
}

static void cause(const ns_detail *t, ns_doc *d)
{
	if (!*t->root_cause)
		return;
	ns_doc_title(d, "ROOT CAUSE");
	ns_doc_put(d, "CAUSE", NS_ROLE_TEXT_STRONG, t->root_cause);
	ns_doc_put(d, "REASONING", NS_ROLE_TEXT, t->reasoning);
	ns_doc_printf(d, "CONFID.", NS_ROLE_TEXT, "%.0f %% by %s%s%s", t->confidence * 100, *t->provider ? t->provider : "?",
	    *t->cause_class ? ", class " : "", t->cause_class);
	ns_doc_put(d, "ANALYST", NS_ROLE_STATE_WAIT, t->analysis);
	ns_doc_put(d, "MODEL", NS_ROLE_TEXT_DIM, t->usage);
	if (t->row.state != NS_ST_MANUAL_REVIEW || *t->manual_command) /* else it stands above */
		ns_doc_put(d, "NEXT", NS_ROLE_TEXT, t->next_steps);
}

static void plan(const ns_detail *t, ns_doc *d)
{
	ns_word risk = ns_word_risk(t->risk);
	if (!t->row.has_plan && !*t->plan_summary)
		return;
	ns_doc_title(d, "PLAN");
	ns_doc_put(d, "PLAN", NS_ROLE_TEXT_STRONG, t->plan_summary);
	if (*t->runbook)
		ns_doc_printf(d, "RUNBOOK", NS_ROLE_TEXT, "%s%s%s%s  score %.2f  margin %.2f", t->runbook, *t->runbook_title ? " (" : "",
		    t->runbook_title, *t->runbook_title ? ")" : "", t->score, t->margin);
	ns_doc_put(d, "RISK", risk.role, ns_risk_name(t->risk));
	for (size_t i = 0; i < t->n_plan_steps; i++)
		ns_doc_printf(d, i ? NULL : "STEPS", NS_ROLE_TEXT, "%zu. %s", i + 1, t->plan_steps[i]);
	ns_doc_put(d, "RUNS", NS_ROLE_TEXT_STRONG, t->command);
	if (t->row.state != NS_ST_MANUAL_REVIEW)
		ns_doc_put(d, "BY HAND", NS_ROLE_TEXT_STRONG, t->manual_command);
	ns_doc_diff(d, "CHANGES", t->diff);
	ns_doc_put(d, "DRY-RUN", NS_ROLE_STATE_FAIL, t->dryrun_error);
	ns_doc_put(d, "WARNINGS", NS_ROLE_SEV_WARN, t->warnings);
	ns_doc_put(d, "UNDO", NS_ROLE_TEXT, t->undo);
	ns_doc_put(d, "UNDO NOW", *t->undo_digest ? NS_ROLE_STATE_OK : NS_ROLE_TEXT, t->undo_state);
	ns_doc_put(d, "VERIFY", NS_ROLE_TEXT, t->verify);
	for (size_t i = 0; i < t->n_reasons; i++)
		ns_doc_put(d, i ? NULL : "WHY YOU", NS_ROLE_STATE_WAIT, t->reasons[i]);
	ns_doc_put(d, "AUTONOMY", NS_ROLE_TEXT, t->autonomy);
	if (*t->digest)
		ns_doc_printf(d, "DIGEST", NS_ROLE_TEXT_DIM, "%s", t->digest);
}

static void history(const ns_detail *t, ns_doc *d)
{
	if (!t->n_history && !*t->execution && !*t->verification)
		return;
	ns_doc_title(d, "WHAT HAPPENED");
	ns_doc_put(d, "EXECUTED", NS_ROLE_TEXT, t->execution);
	ns_doc_put(d, "VERIFIED", NS_ROLE_TEXT, t->verification);
	for (size_t i = 0; i < t->n_history; i++) {
		const ns_detail_step *h = &t->history[i];
		char time[32];
		ns_time_format(h->at_ms, time);
		ns_doc_printf(d, NULL, NS_ROLE_TEXT_DIM, "%s  %s%s%s", time + 11, h->what, *h->who ? "  by " : "", h->who);
	}
}

void ns_detail_doc(const ns_ui *ui, const ns_pen *p, ns_doc *d)
{
	const ns_detail *t = ui->detail;
	if (!t) {
		ns_doc_printf(d, NULL, *ui->detail_why ? NS_ROLE_FLASH_ERROR : NS_ROLE_TEXT_DIM, "%s",
		    *ui->detail_why ? ui->detail_why : "Asking the engine for this incident.");
		return;
	}
	head(ui, p, t, d);
	cause(t, d); /* what to do stands on the first screen, what it rests on below */
	plan(t, d);
	evidence(t, d);
	history(t, d);
}
