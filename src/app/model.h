/* Inside the app room: the model service put together from configuration and environment. */
#ifndef NEUROSCALE_APP_MODEL_H
#define NEUROSCALE_APP_MODEL_H
#include "neuroscale/config/config.h"
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
const char *app_model_url(const ns_config *cfg); /* which service it is */
#endif
