/* What became of a runbook's proposal: what a person said, and what the verifier saw. Plain data, as the store has recorded it. */
#ifndef NEUROSCALE_MODEL_JUDGED_H
#define NEUROSCALE_MODEL_JUDGED_H
#include <stdint.h>
#include "neuroscale/model/vocab.h"

typedef enum ns_said { NS_SAID_NOTHING, NS_SAID_YES, NS_SAID_NO } ns_said; /* of a person; silence and the timer say nothing */

typedef struct ns_judged {
	int64_t incident, at_ms;      /* when the last of the two became known */
	const char *runbook, *cause;  /* of the plan, and the cause class of the analysis before it, "" none */
	ns_said said;
	ns_verdict verdict;           /* NS_VERDICT_NONE: nothing was sent, or it is not verified yet */
} ns_judged;

/* What a model claimed of a cause, and what came of the plan that followed it. */
typedef struct ns_claimed {
	const char *model, *action, *confidence; /* as recorded: the action by name, the confidence as a number's text */
	ns_verdict verdict;
} ns_claimed;
#endif
