/* Inside the app room: the model service as `eval incidents --provider dashscope` asks it: analyses by its models, runbooks by its vectors.
 */
#ifndef NEUROSCALE_APP_EVAL_MODEL_H
#define NEUROSCALE_APP_EVAL_MODEL_H
#include "model.h"
#include "neuroscale/runbook/index.h"

typedef struct eval_model {
	app_model model;
	ns_analysts *analysts;
	ns_index *index;
	const ns_cancel *cancel;
	int64_t rows, offline; /* asked for, and how many of them the model did not answer */
	char why[200];         /* the first of those */
} eval_model;
/* The library is borrowed. An index that cannot be made is said on stderr: the library's own vectors answer then. */
bool eval_model_open(eval_model *m, const ns_config *cfg, const ns_library *lib, const ns_cancel *cancel, ns_err *err);
/* *found: what the model's vectors find, NULL when they do not answer. Both live in ar or in the library. */
const ns_rca *eval_model_ask(eval_model *m, ns_arena *ar, const ns_case *c, const ns_retrieval **found);
/* Says on stderr how many rows the offline analyst had to answer. One that was never opened (all zero) is fine. */
void eval_model_close(eval_model *m);
#endif
