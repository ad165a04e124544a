/* Who deploys a workload from Git or a chart, and how it is gone back to there: Applications of Argo CD, Kustomizations and HelmReleases of Flux,
 * releases of Helm, as their objects tell of themselves. Pure; any thread. Nothing is sent from here: what such a tool owns is changed by a
 * person through that tool, with the exact commands that are written here. Only names that passed the grammar of Kubernetes, numbers and commit
 * hashes stand in a command; sources and parameters of a history (which may hold secrets) are taken by the command itself from the object. */
#ifndef NEUROSCALE_GITOPS_GITOPS_H
#define NEUROSCALE_GITOPS_GITOPS_H
#include "neuroscale/model/facts.h"

/* The tool that an object's own marks name, with what they say of the owner's name and namespace; o->tool "" when there are none. Marks are text
 * of others: they only ever make the machine more careful. The struct need not be set before; strings live in the arena. */
void ns_gitops_marks(ns_arena *ar, const cJSON *object, ns_owner *o);
/* Does the Application say itself that it deploys this object? */
bool ns_argo_lists(const cJSON *app, const char *kind, const char *ns, const char *name);
/* Fills o from the Application (name and namespace too). broken_ms: when the template that runs now was made, 0 unknown; o->has_target and the
 * history entry to go back to are chosen by it, or o->why says in words why there is none. */
void ns_argo_read(ns_arena *ar, const cJSON *app, int64_t broken_ms, ns_owner *o);
/* "Deployment shop/web is missing", one each; for people. At most max; how many there are in all. */
size_t ns_argo_drift(ns_arena *ar, const cJSON *app, const char **lines, size_t max);

/* Would the tool set a change of the live object back by itself? */
bool ns_gitops_reverts(const ns_owner *o);

/* What a person runs, as shell text; "" when the owner's name is not known or is none that could stand in a command. */
typedef struct ns_gitops_way {
	const char *rollback;      /* goes back to the chosen state; "" when there is none to go back to */
	const char *equivalent;    /* the same by the tool's own client, "" none */
	const char *restore;       /* gives the automation back that `rollback` paused, once Git is right again; "" nothing was paused */
	const char *compare;       /* shows the difference between what is wanted and what is there; changes nothing */
	const char *sync;          /* makes what is there what is wanted */
} ns_gitops_way;
/* target: the workload; revision_to: of the Deployment, for tools without a history of their own (0 none). */
void ns_gitops_ways(ns_arena *ar, const ns_owner *o, const ns_workload *target, int64_t revision_to, ns_gitops_way *out);
#endif
