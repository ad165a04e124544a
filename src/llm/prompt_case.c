/* The case as text: the cluster's own state first, then what others said, each line with the id that a claim can cite. */
#include <inttypes.h>

#include "prompt_priv.h"

static bool is_said(const ns_evidence *e)
{
	return e->kind == NS_EV_LOG || e->kind == NS_EV_EVENT;
}

static void put_target(ns_buf *b, const ns_case *c)
{
	const ns_workload *t = &c->alert.target;
	ns_buf_printf(b, "alert: %s, reason %s\ntarget: %s %s/%s%s%s\n", ns_kind_get(c->alert.kind)->name, c->alert.reason, t->kind, t->ns, t->name,
	    *c->alert.container ? ", container " : "", c->alert.container);
	ns_buf_printf(b, "replicas: %" PRId64 " wanted, %" PRId64 " ready, %" PRId64 " updated, %" PRId64 " unavailable\n", c->replicas, c->ready,
	    c->updated, c->unavailable);
	ns_buf_printf(b, "production: %s%s%s\n", c->nonproduction ? "no" : "yes", *c->managed_by ? "; managed by " : "", c->managed_by);
}

static void put_evidence(ns_buf *b, const ns_case *c, bool trusted, bool terse)
{
	for (size_t i = 0; i < c->n_evidence; i++) {
		const ns_evidence *e = &c->evidence[i];
		if (e->trusted == trusted && !(terse && is_said(e)))
			ns_buf_printf(b, "%s %s %s: %s\n", e->id, trusted ? "observed" : "said", ns_ev_kind_name(e->kind), e->text);
	}
}

/* Lines of the log that are no evidence of their own. */
static void put_log(ns_buf *b, const ns_case *c)
{
	if (c->n_log_lines)
		ns_buf_puts(b, "last lines of the log, said:\n");
	for (size_t i = 0; i < c->n_log_lines; i++)
		ns_buf_printf(b, "  %s\n", c->log_lines[i]);
}

static const char *fenced(ns_arena *ar, const ns_prompt *p, ns_buf *data, const char *ask)
{
	ns_buf b = NS_BUF_INIT;
	ns_prompt_fenced(&b, p->boundary, ns_buf_str(data), data->len, NS_PROMPT_CASE);
	ns_buf_puts(&b, ask);
	ns_buf_free(data);
	return ns_arena_take(ar, &b);
}

ns_prompt *ns_prompt_analyze(ns_arena *ar, const ns_case *c, bool terse)
{
	ns_prompt *p = prompt_begin(ar, "analyzer");
	ns_buf b = NS_BUF_INIT;
	put_target(&b, c);
	put_evidence(&b, c, true, terse);
	put_evidence(&b, c, false, terse);
	if (!terse)
		put_log(&b, c);
	p->user = fenced(ar, p, &b, "Answer with the JSON object.\n");
	return p;
}

ns_prompt *ns_prompt_summary(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *plan)
{
	ns_prompt *p = prompt_begin(ar, "escalation");
	ns_buf b = NS_BUF_INIT;
	put_target(&b, c);
	ns_buf_printf(&b, "cause: %s\nwhy: %s\nconfidence: %.2f, risk %s\n", r->root_cause, r->reasoning, r->confidence, ns_risk_name(plan->risk));
	ns_buf_printf(&b, "proposed: %s\nundo: %s\n", plan->summary, plan->undo_valid && plan->undo.equivalent ? plan->undo.equivalent : "by hand");
	put_evidence(&b, c, true, true);
	p->user = fenced(ar, p, &b, "Answer with the JSON object.\n");
	return p;
}
