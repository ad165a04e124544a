/* Inside the app room: the model service put together from configuration and environment. */
#ifndef NEUROSCALE_APP_MODEL_H
#define NEUROSCALE_APP_MODEL_H
#include "neuroscale/config/config.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/llm/analyze.h"

typedef struct app_model {
	ns_secret *key; /* NULL: a service without one (vLLM, Ollama) */
	ns_prices *prices;
	ns_budget *budget;
	ns_llm *llm;
} app_model;
/* NS_E_NOTFOUND: no key is there, and the service is one that needs it. tell: see ns_llm_opts. */
bool app_model_open(app_model *m, const ns_config *cfg, const ns_cancel *cancel, void (*tell)(void *ctx, const char *words), void *tell_ctx, ns_err *err);
void app_model_close(app_model *m);
/* An engine with the model service behind it, when there is one; *m is closed after the engine. Without a key there is no model, and nothing to say of
 * it; one that cannot be used is said, and does not keep the engine from its work. NULL with err: the engine does not start. */
ns_engine *app_model_engine(app_model *m, const ns_config *cfg, ns_engine_opts *o, const ns_cancel *cancel, ns_err *err);
const char *app_model_url(const ns_config *cfg); /* which service it is */
#endif
