/* What became of a runbook's proposal: what a person said, and what the verifier saw. Plain data, as the store has recorded it. */
#ifndef NEUROSCALE_MODEL_JUDGED_H
#define NEUROSCALE_MODEL_JUDGED_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/model/vocab.h"

typedef enum ns_said { NS_SAID_NOTHING, NS_SAID_YES, NS_SAID_NO } ns_said; /* of a person; silence and the timer say nothing */

typedef struct ns_judged {
	int64_t incident, at_ms;      /* when the last of the two became known */
	const char *runbook, *cause;  /* of the plan, and the cause class of the analysis before it, "" none */
	ns_said said;
	ns_verdict verdict;           /* NS_VERDICT_NONE: nothing was sent, or it is not verified yet */
} ns_judged;

/* What became of one plan of a runbook: a trial of it, for what it may earn. */
typedef struct ns_tried {
	int64_t incident, at_ms;      /* when it was planned */
	ns_said said;
	ns_verdict verdict;
	bool undone;                  /* its incident's change was taken back, by machine or by hand */
	bool came_back;               /* the same failure of the same workload was back within an hour of the verdict */
	bool eligible;                /* only profile or autonomy kept it from being done without a person */
} ns_tried;

/* What a model claimed of a cause, and what came of the plan that followed it. */
typedef struct ns_claimed {
	const char *model, *action, *confidence; /* as recorded: the action by name, the confidence as a number's text */
	ns_verdict verdict;
} ns_claimed;
#endif
