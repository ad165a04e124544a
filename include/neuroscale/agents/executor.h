/* The executor: the one door through which anything outside is changed (law 1). It owns argv, environment, the private kubeconfig, the
 * dry-run, the approval digest and the spawn of kubectl. Runs on worker threads; per-target serialisation by a lock file. */
#ifndef NEUROSCALE_AGENTS_EXECUTOR_H
#define NEUROSCALE_AGENTS_EXECUTOR_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/kube/client.h"
#include "neuroscale/model/facts.h"
#include "neuroscale/sys/spawn.h"

typedef struct ns_executor ns_executor;
typedef struct ns_executor_opts {
	const ns_kubeconfig *cfg;
	const char *state_dir;      /* private kubeconfig copy, lock files and kubectl's cache live below it, 0700 */
	const char *kubectl;        /* absolute path; found once at start */
	const ns_spawner *spawner;  /* NULL: the real one */
	const ns_cancel *cancel;
	const ns_clock *clock;      /* stamps at_ms; NULL: the real one */
	int deadline_ms;            /* 30000 when 0 */
	const char *const *protected_ns; /* more than the built-in ones, NULL-terminated, may be NULL; must live as long as the executor */
} ns_executor_opts;
ns_executor *ns_executor_new(const ns_executor_opts *o, ns_err *err); /* writes the private copy; NS_E_NOTFOUND when kubectl is missing */
void ns_executor_free(ns_executor *e);

/* The server's answer to a plan that changes nothing yet. */
typedef struct ns_dryrun {
	bool ok;
	const char *error;          /* classed and sanitised, "" fine */
	ns_code code;               /* NS_OK, or what class of failure */
	const char *diff;           /* lines "- …" / "+ …", without resourceVersion, managedFields, status and times */
	size_t diff_lines;          /* never 0 when ok: a change that changes nothing is a failure */
	const char *warnings;       /* API warnings, "" none; some of them are failures (Kyverno's exception warnings) */
	const char *live_uid;
	int64_t live_generation;
	const char *cluster_identity;
	char digest[65];            /* law 5: what is approved */
	const char *context, *target_path, *policy; /* what else it binds; policy "": made by a version that did not keep it */
	char diff_hash[65], spec_hash[65]; /* of the whole difference, and of the spec that the server answered with */
	bool undo_ok;               /* the inverse, applied in code to the dry-run's result, gives the original spec back */
	const char *shown_command;  /* one line, as it will run, for the screen */
	int64_t at_ms, took_ms;
} ns_dryrun;
/* Reads the live object (uid must be the pinned one, generation the planned one; for an undo the one our change made), sends the plan
 * with --dry-run=server, diffs, computes the digest. Never NULL: failures are ok = false. cs may be NULL for an undo; else the target must be
 * the case's own. */
ns_dryrun *ns_execute_dryrun(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, const ns_case *cs, const char *policy_version, bool undo);
/* The digest anew, by what is recorded. False when that is not enough (an older version's record). */
bool ns_dryrun_digest(const ns_dryrun *d, const ns_plan *p, bool undo, char out[65]);
cJSON *ns_dryrun_to_json(const ns_dryrun *d);
ns_dryrun *ns_dryrun_from_json(ns_arena *ar, const cJSON *j, ns_err *err);

typedef struct ns_execution {
	bool sent;                  /* kubectl was started with the change */
	bool ok;                    /* exit 0 and the answer is the object */
	bool unknown;               /* started, and nobody knows (killed, timed out, cut off): never success */
	bool conflict;              /* the object moved: re-plan, never force */
	ns_code code;
	const char *error, *output; /* sanitised, capped */
	int exit_code;
	int64_t generation;         /* metadata.generation in the answer: what the verifier waits for; 0 when there is no answer */
	int64_t at_ms, took_ms;
} ns_execution;
/* The lock that a mutation of this target holds, taken before the intent is written, inherited by the child, released by ns_target_unlock.
 * -1 with NS_E_LOCKED when another child still runs on it. path (cap bytes) gets its file name. */
int ns_target_lock(ns_executor *e, const ns_workload *w, char *path, size_t cap, ns_err *err);
void ns_target_unlock(int fd);
/* Sends it. resourceVersion is read just before and put into the body as a test together with the uid; when only status moved in between
 * (same uid, same generation), it is read again, at most 3 times. `undo` sends plan->undo. Never NULL. Without a lock nothing is sent. */
ns_execution *ns_execute(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, bool undo, int lock_fd);
cJSON *ns_execution_to_json(const ns_execution *x);

/* Where a changed object stands, read now; changes nothing. It judges an undo whose outcome nobody knows, and says what is there when one does not
 * fit any more. AS_SET: as the plan's command leaves it. AS_BEFORE: as its undo does (an exception that is gone too). OTHER: neither, or another
 * object. *words: for people, sanitised, with the fields that we set. False with err when it could not be read. */
typedef enum ns_stand { NS_STAND_AS_SET, NS_STAND_AS_BEFORE, NS_STAND_OTHER } ns_stand;
bool ns_execute_look(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, ns_stand *stand, const char **words, ns_err *err);

/* Law 3 in one place, used before every spawn and by the fuzzer: true when argv (ns_command.argv: without program, kubeconfig, context) is
 * exactly one of these shapes with every name valid; why (static) says what is wrong.
 *   -n NS patch deployment/NAME --type=json --patch-file=/dev/stdin -o json
 *   -n NS patch policyexceptions.kyverno.io/NAME --type=json --patch-file=/dev/stdin -o json
 *   -n NS patch policyexceptions.policies.kyverno.io/NAME --type=json --patch-file=/dev/stdin -o json
 *   -n NS create -f - -o json
 * The body is held to its own table: a patch of a Deployment may name /spec/replicas, /spec/template or
 * /spec/template/spec/{containers,initContainers}/N/resources[/limits|/requests[/cpu|/memory]], by action, and `test` what it likes there. */
bool ns_argv_permitted(const char *const *argv, const char *const *protected_ns, const char **why);
#endif
