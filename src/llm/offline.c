/* Weighing and writing. Support is added like independent witnesses (1 - product of doubts), contradictions multiply what is left, and a
 * rival that would call for something else costs confidence. The case is weighed twice: with everything, and with the cluster's own state
 * as the only support (text may then still contradict). Only when both agree, and the second is sure enough, the machine may act alone:
 * no line of text can establish that (law 3). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "offline_priv.h"

#define AUTO_FLOOR    .75 /* law 4 */
#define PROPOSE_FLOOR .5  /* under it an action is not even put to a person */
#define MARGIN_WANTED .3
#define MAX_FACTS     6

typedef struct verdict {
	cause_id best;
	double score[CAUSE_COUNT], support[CAUSE_COUNT];
	double confidence;
} verdict;

static bool holds(const scene *s, const rule *r, bool trusted_only)
{
	for (size_t i = 0; i < 4; i++)
		if (r->need[i] && (!s->f[r->need[i]].on || (trusted_only && !s->f[r->need[i]].trusted)))
			return false;
	for (size_t i = 0; i < 3; i++)
		if (r->never[i] && s->f[r->never[i]].on && (!trusted_only || s->f[r->never[i]].trusted))
			return false;
	return true;
}

static void weigh(const scene *s, bool trusted_only, verdict *v)
{
	double doubt[CAUSE_COUNT], left[CAUSE_COUNT];
	for (size_t i = 0; i < CAUSE_COUNT; i++)
		doubt[i] = left[i] = 1;
	for (size_t i = 0; i < ns_rules_count; i++) {
		const rule *r = &ns_rules[i];
		if (!holds(s, r, trusted_only))
			continue;
		if (r->weight > 0)
			doubt[r->cause] *= 1 - r->weight;
		else
			left[r->cause] *= 1 + r->weight;
	}
	v->best = C_UNKNOWN;
	for (size_t i = 0; i < CAUSE_COUNT; i++) {
		v->support[i] = 1 - doubt[i];
		v->score[i] = v->support[i] * left[i];
		if (v->score[i] > v->score[v->best] + 1e-9)
			v->best = (cause_id)i;
	}
	double rival = 0;
	for (size_t i = 0; i < CAUSE_COUNT; i++)
		if (ns_causes[i].action != ns_causes[v->best].action && i != C_UNKNOWN)
			rival = fmax(rival, v->score[i]);
	double margin = fmin(1, fmax(0, v->score[v->best] - rival) / MARGIN_WANTED);
	v->confidence = fmin(ns_causes[v->best].ceiling, v->score[v->best] * (.75 + .25 * margin));
	v->confidence = floor(v->confidence * 100 + .5) / 100;
}

/* What is left of a confidence when every contradiction counts, whoever states it. */
static double contradicted(const scene *s, cause_id id)
{
	double left = 1;
	for (size_t i = 0; i < ns_rules_count; i++)
		if (ns_rules[i].cause == id && ns_rules[i].weight < 0 && holds(s, &ns_rules[i], false) && !holds(s, &ns_rules[i], true))
			left *= 1 + ns_rules[i].weight;
	return left;
}

/* ---- what else decides about doing it ---- */

typedef struct veto {
	fact fact;
	unsigned actions; /* bit per action */
	bool manual;      /* a person does it; else a person is asked */
	int risk_up;
	const char *words;
} veto;
#define ON(a)      (1u << (a))
#define ANY_CHANGE (ON(NS_ACT_ROLLBACK) | ON(NS_ACT_SCALE) | ON(NS_ACT_PATCH_RESOURCES) | ON(NS_ACT_COST_SCALE_DOWN))
static const veto vetoes[] = {
    {F_PROTECTED, ANY_CHANGE | ON(NS_ACT_POLICY_EXCEPTION), true, 2, "Namespace {ns} is protected: nothing is changed there by a machine."},
    {T_PLATFORM, ANY_CHANGE | ON(NS_ACT_POLICY_EXCEPTION), true, 1, "It belongs to the platform of the cluster, which a person changes."},
    {T_STORE, ANY_CHANGE, true, 1, "It is a data store, which a person changes."},
    {T_UNCLEAR, ANY_CHANGE, false, 0, "More is told about it than is understood here, so a person is asked."},
    {T_ORDERS, ANY_CHANGE | ON(NS_ACT_POLICY_EXCEPTION), false, 0, "Some of the text gives orders to its reader; it was left out, and a person is asked."},
    {F_OPERATOR, ANY_CHANGE, true, 0, "The workload is owned by {owner}, which would overwrite a change."},
    {F_GITOPS, ANY_CHANGE, false, 1, "{owner} keeps the workload at what Git says, so the change must follow there."},
    {F_DATABASE, ANY_CHANGE, false, 1, "It is a data store, so a person confirms any change."},
    {F_PAUSED, ANY_CHANGE, false, 0, "The rollout is paused by somebody, so a person is asked."},
    {F_STATUS_OLD, ANY_CHANGE, false, 0, "The controller has not yet seen the newest specification, so a person is asked."},
    {F_UNSAFE_DIFF, ON(NS_ACT_ROLLBACK), false, 1,
        "The revisions differ in more than image, command, environment, probes and resources, so a person is asked."},
    {F_HPA, ON(NS_ACT_SCALE) | ON(NS_ACT_COST_SCALE_DOWN), false, 0, "An autoscaler owns the replica count, so a person is asked."},
};

static void apply_vetoes(const scene *s, ns_rca *r, ns_buf *why)
{
	ns_action wanted = r->action;
	if (!strcmp(ns_action_get(wanted)->target_kind, "Deployment") && !s->f[F_DEPLOYMENT].on) {
		r->action = NS_ACT_MANUAL_REVIEW;
		r->auto_remediate = false;
		ns_buf_printf(why, " It is a %s, which is not changed by a machine.", s->c->alert.target.kind);
	}
	for (size_t i = 0; i < sizeof vetoes / sizeof vetoes[0]; i++) {
		const veto *v = &vetoes[i];
		if (!s->f[v->fact].on || !(v->actions & ON(wanted)))
			continue;
		r->auto_remediate = false;
		if (v->manual)
			r->action = NS_ACT_MANUAL_REVIEW;
		r->risk = (ns_risk)((int)r->risk + v->risk_up > NS_RISK_CRITICAL ? NS_RISK_CRITICAL : (int)r->risk + v->risk_up);
		ns_buf_printf(why, " %s", ns_words_expand(s, v->words, ""));
	}
}

/* ---- the facts behind a verdict ---- */

static size_t add_facts(const scene *s, const rule *r, fact *out, size_t n)
{
	for (size_t i = 0; i < 4 && n < MAX_FACTS; i++) {
		fact f = (fact)r->need[i];
		bool known = !f;
		for (size_t k = 0; k < n; k++)
			known |= out[k] == f || !strcmp(s->f[out[k]].words, s->f[f].words);
		if (!known)
			out[n++] = f;
	}
	return n;
}

/* Facts of the rules that hold for a cause, heaviest rule first; sign 1 supports, -1 contradicts. */
static size_t facts_of(const scene *s, cause_id id, int sign, fact *out)
{
	size_t n = 0;
	double below = 2;
	for (;;) {
		double top = 0;
		for (size_t i = 0; i < ns_rules_count; i++) {
			const rule *r = &ns_rules[i];
			if (r->cause == id && r->weight * sign > top && r->weight * sign < below && holds(s, r, false))
				top = r->weight * sign;
		}
		if (top <= 0 || n >= MAX_FACTS)
			return n;
		for (size_t i = 0; i < ns_rules_count; i++) {
			const rule *r = &ns_rules[i];
			if (r->cause == id && fabs(r->weight * sign - top) < 1e-12 && holds(s, r, false))
				n = add_facts(s, r, out, n);
		}
		below = top;
	}
}

static const char *mark(const scene *s, int ev)
{
	return ev >= 0 ? ns_arena_printf(s->ar, " [%s]", s->c->evidence[ev].id) : "";
}

static void capital(char *s)
{
	if (*s >= 'a' && *s <= 'z')
		*s = (char)(*s - 'a' + 'A');
}

/* Two facts to a sentence, two sentences at most. */
static void write_facts(const scene *s, const fact *facts, size_t n, ns_buf *out)
{
	for (size_t i = 0; i < n && i < 4; i += 2) {
		const fact_state *a = &s->f[facts[i]], *b = i + 1 < n && i + 1 < 4 ? &s->f[facts[i + 1]] : NULL;
		char *one = ns_arena_printf(
		    s->ar, "%s%s%s%s%s.", a->words, mark(s, a->ev), b ? ", and " : "", b ? b->words : "", b ? mark(s, b->ev) : "");
		capital(one);
		ns_buf_printf(out, "%s%s", i ? " " : "", one);
	}
}

/* The action that looked right and is not: a reader wants to know why it was left. */
static void write_rejected(const scene *s, const verdict *v, ns_buf *out)
{
	cause_id lost = C_UNKNOWN;
	for (size_t i = 0; i < CAUSE_COUNT; i++)
		if (ns_causes[i].action != NS_ACT_MANUAL_REVIEW && ns_causes[i].action != ns_causes[v->best].action &&
		    v->support[i] >= .5 && v->support[i] - v->score[i] > .2 && v->support[i] > v->support[lost])
			lost = (cause_id)i;
	if (lost == C_UNKNOWN)
		return;
	fact facts[MAX_FACTS];
	if (!facts_of(s, lost, -1, facts))
		return;
	const fact_state *t = &s->f[facts[0]];
	ns_buf_printf(out, " Against %s speaks that %s%s.", ns_action_get(ns_causes[lost].action)->name, t->words, mark(s, t->ev));
}

static ns_claim *make_claims(const scene *s, const ns_rca *r, const fact *facts, size_t n, size_t *count)
{
	ns_claim *claims = ns_arena_alloc(s->ar, (MAX_FACTS + 1) * sizeof *claims);
	const char **all = ns_arena_alloc(s->ar, MAX_FACTS * sizeof *all);
	size_t n_all = 0, made = 1;
	for (size_t i = 0; i < n; i++) {
		int ev = s->f[facts[i]].ev;
		if (ev < 0)
			continue;
		const char *id = s->c->evidence[ev].id;
		bool known = false;
		for (size_t k = 0; k < n_all; k++)
			known |= all[k] == id;
		if (!known)
			all[n_all++] = id;
		const char **one = ns_arena_alloc(s->ar, sizeof *one);
		*one = id;
		claims[made++] = (ns_claim){s->f[facts[i]].words, one, 1};
	}
	claims[0] = (ns_claim){r->root_cause, all, n_all};
	*count = n_all ? made : 0;
	return claims;
}

ns_rca *ns_offline_analyze(ns_arena *ar, const ns_case *c)
{
	/* Some 7 KiB: not for a worker's small stack. */
	scene *s = ns_arena_alloc(ar, sizeof *s);
	*s = (scene){.ar = ar, .c = c};
	for (size_t i = 0; i < FACT_COUNT; i++)
		s->f[i] = (fact_state){.ev = -1, .words = "", .detail = ""};
	s->f[F_NONE].on = s->f[F_NONE].trusted = true;
	ns_read_case(s);
	ns_read_text(s);
	ns_read_links(s);

	verdict *all = ns_arena_alloc(ar, sizeof *all), *own = ns_arena_alloc(ar, sizeof *own);
	weigh(s, false, all);
	weigh(s, true, own);
	const cause *k = &ns_causes[all->best];
	fact facts[MAX_FACTS];
	size_t n = facts_of(s, all->best, 1, facts);
	const char *x = "";
	bool trusted = false;
	for (size_t i = 0; i < n; i++) {
		if (!*x)
			x = s->f[facts[i]].detail;
		trusted |= s->f[facts[i]].trusted;
	}

	ns_rca *r = ns_arena_alloc(ar, sizeof *r);
	r->provider = "offline";
	r->cause_class = k->name;
	r->root_cause = ns_words_expand(s, k->root, x);
	r->confidence = all->confidence;
	r->action = k->action;
	r->risk = k->risk;
	r->next_steps = ns_words_expand(s, k->next, x);
	r->auto_remediate = k->automatic && trusted && own->best == all->best &&
	                    own->confidence * contradicted(s, own->best) > AUTO_FLOOR && all->confidence > AUTO_FLOOR;

	ns_buf why = NS_BUF_INIT;
	write_facts(s, facts, n, &why);
	write_rejected(s, all, &why);
	ns_buf_printf(&why, "%s%s", why.len ? " " : "", ns_words_expand(s, k->why, x));
	apply_vetoes(s, r, &why);
	if (ns_action_get(r->action)->executable && r->confidence < PROPOSE_FLOOR) {
		r->action = NS_ACT_MANUAL_REVIEW;
		ns_buf_puts(&why, " The evidence is too weak to propose a change.");
	}
	if (!ns_action_get(r->action)->executable)
		r->auto_remediate = false;
	r->reasoning = ns_arena_take(ar, &why);
	r->claims = make_claims(s, r, facts, n, &r->n_claims);
	r->evidence_ok = r->n_claims > 0;
	return r;
}
