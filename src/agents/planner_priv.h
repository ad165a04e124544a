/* Inside the planner: planner.c decides, planner_actions.c knows the actions (one row each), planner_patch.c writes JSON patches from the
 * live template. */
#ifndef NEUROSCALE_AGENTS_PLANNER_PRIV_H
#define NEUROSCALE_AGENTS_PLANNER_PRIV_H
#include "neuroscale/agents/planner.h"

#define NS_PLAN_REASONS 32
#define NS_PLAN_STEPS   12

/* A plan in the making. Builders write into `plan`, or return false with `why` (words for a person). */
typedef struct ns_draft {
	ns_arena *ar;
	const ns_case *c;
	const ns_rca *r;
	const ns_plan_limits *lim;
	const ns_plan_history *h;
	int64_t incident;
	const ns_runbook *rb; /* NULL: nothing fits */
	double score_floor, margin_floor;
	ns_plan *plan;
	const char *reasons[NS_PLAN_REASONS];
	size_t n_reasons;
	const char *steps[NS_PLAN_STEPS];
	size_t n_steps;
	const char *why;
} ns_draft;

/* Both cut at their table's end. Text is of our own making; what of the case stands in it has passed a name check or a number format. */
void ns_draft_ask(ns_draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a reason for approval */
void ns_draft_step(ns_draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ns_draft_raise(ns_draft *d, ns_risk at_least);
bool ns_draft_refuse(ns_draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* sets why; false */

/* One action: adding one is one row here, one build function (argv, body and undo together, because the undo is the inverse of the
 * body), and its RBAC in model/vocab. */
typedef struct ns_action_row {
	ns_action action;
	ns_risk risk; /* never claimed lower */
	/* Preconditions, bounds, command, undo, summary, effect. Without undo_valid only the undo's equivalent is kept, for a person. */
	bool (*build)(ns_draft *d);
	const char *verify;          /* what must be seen before it counts as fixed */
	const char *const *hopeless; /* beginnings of cause classes that this action cannot cure: refused; NULL-terminated */
	bool database_refused;       /* on a database it is not even proposed */
} ns_action_row;
const ns_action_row *ns_action_row_get(ns_action a); /* NULL: not executable */

/* ---- planner_patch.c --------------------------------------------------------------------------------------------- */

const ns_revision *ns_current_revision(const ns_case *c); /* NULL when none is marked */
/* Its pod template as a tree, without pod-template-hash. NULL when there is none or it is broken. Caller: cJSON_Delete. */
cJSON *ns_revision_template(const ns_revision *r);
/* Where a container stands in its template: /spec/template/spec/LIST/INDEX. */
typedef struct ns_place {
	const char *list; /* "containers" or "initContainers" */
	int index;
	char memory_limit[48], memory_request[48]; /* as written in the template, "" absent; "" too when there is no template */
	bool known;                                /* the template was read: what is absent is known to be absent */
} ns_place;
bool ns_container_place(const ns_case *c, const char *container, ns_place *out);
cJSON *ns_patch_op(cJSON *ops, const char *op, const char *path, cJSON *value); /* appends; takes value; returns the operation */
const char *ns_patch_text(ns_arena *ar, cJSON *ops);                            /* takes ops */
/* A command that patches KIND/NAME in NS with a JSON patch on stdin. */
ns_command ns_patch_command(ns_arena *ar, const char *ns, const char *object, const char *body, const char *equivalent);

/* ---- planner_template.c ------------------------------------------------------------------------------------------ */

/* What going from template `now` to `then` touches beyond image, command, args, env, probes and resources, in names joined by ", "; "" nothing.
 * Whatever is not known to be safe is named: a field that a later Kubernetes adds is unsafe until it stands in the table. */
const char *ns_template_unsafe(ns_arena *ar, const cJSON *now, const cJSON *then);

/* ---- planner_manual.c -------------------------------------------------------------------------------------------- */

/* What a person would run, for a case that the machine leaves alone; "" when the case's own names cannot be trusted in a command. */
const char *ns_manual_command(ns_draft *d, ns_action wanted);
void ns_manual_more(ns_draft *d, ns_action wanted); /* steps that belong to it: what is paused is given back, what to look at first */
bool ns_names_ok(const ns_case *c, const char **what);
/* The database that a container's image is, "" none. */
const char *ns_database_of(const ns_case *c);
#endif
