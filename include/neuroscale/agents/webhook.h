/* The receiver of Alertmanager's webhook: a small HTTP server for POST /alertmanager and GET /-/healthy, off unless asked for. Its service
 * thread does all of the work; there is no other thread. What it is sent goes to one function of its owner, alert by alert. */
#ifndef NEUROSCALE_AGENTS_WEBHOOK_H
#define NEUROSCALE_AGENTS_WEBHOOK_H
#include "neuroscale/agents/alertmanager.h"

typedef struct ns_webhook ns_webhook;
typedef struct ns_webhook_opts {
	const char *listen;        /* "127.0.0.1:9097", "[::1]:9097"; port 0: a free one */
	const char *token_file;    /* "" or NULL none, which only loopback may have; 0600, its one line is the bearer token */
	const char *cluster_label; /* "cluster" */
	int64_t expire_ms;         /* an alert that is not repeated for this long is over */
	const char *keep_file;     /* where what fires is kept over a restart, "" or NULL nowhere */
	const ns_clock *clock;
	/* Called on the service's thread; must not block on the network. False with NS_E_BUSY: Alertmanager is asked to send it again;
	 * with anything else: this alert is of no use, the rest may be. May be called again with what was taken before. */
	bool (*take)(void *ctx, const ns_am_alert *a, ns_err *err);
	void (*trouble)(
	    void *ctx, const ns_err *why); /* what fires could not be kept, or read back; same thread, or inside ns_webhook_new */
	void *ctx;
} ns_webhook_opts;

/* Binds and listens, so that a wrong address, a taken port or a token file that others can read is known at once. Copies what it needs. */
ns_webhook *ns_webhook_new(const ns_webhook_opts *o, ns_err *err);
int ns_webhook_port(const ns_webhook *w);
void ns_webhook_run(void *webhook, ns_cancel *cancel); /* service */
void ns_webhook_free(ns_webhook *w);                   /* after its service ended; NULL is fine */
#endif
