/* Inside the webhook: who may listen where and who may speak (webhook_access.c), apart from the wire (webhook.c). */
#ifndef NEUROSCALE_AGENTS_WEBHOOK_PRIV_H
#define NEUROSCALE_AGENTS_WEBHOOK_PRIV_H
#include "neuroscale/agents/webhook.h"
#include "neuroscale/model/redact.h"

/* Opens a listening socket (CLOEXEC, non-blocking); -1 on error. An address other than loopback needs a token (guarded). */
int wh_listen(const char *address, bool guarded, int *port, ns_err *err);
/* The token in the file. NULL with err when others than its owner can read it, or it holds no usable token. */
ns_secret *wh_token(const char *path, ns_err *err);
bool wh_authorized(
    const ns_secret *token, const char *authorization); /* the header's value, NULL absent; true when no token is asked for */
#endif
