/* Alerts of other systems: the receiver is the engine's, and each alert goes to the detector of the cluster that it is about. */
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On the webhook's thread. */
static bool take(void *ctx, const ns_am_alert *a, ns_err *err)
{
	ns_engine *e = ctx;
	ns_detector *d = ns_cluster_detector(e, a->cluster, err);
	if (!d && err->code == NS_E_NOTFOUND && strcmp(e->webhook_said, err->text) != 0) { /* not with every repetition */
		ns_copy(e->webhook_said, sizeof e->webhook_said, err->text);
		ns_log(NS_LOG_WARN, "engine", "%s", err->text);
		ns_engine_say(e, NS_LOG_WARN, "%s", err->text);
	}
	return d && ns_am_tell(d, a, err);
}

static void trouble(void *ctx, const ns_err *why)
{
	ns_log(NS_LOG_WARN, "engine", "%s", why->text);
	ns_engine_say(ctx, NS_LOG_WARN, "%s", why->text);
}

bool ns_alerts_open(ns_engine *e, ns_err *err)
{
	if (!e->o.am_listen[0])
		return true;
	char *keep = ns_path_join(e->o.state_dir, "alertmanager.json");
	ns_webhook_opts o = {.keep_file = keep,
	    .listen = e->o.am_listen,
	    .token_file = e->o.am_token_file,
	    .cluster_label = e->o.am_cluster_label,
	    .expire_ms = e->o.am_expire_ms,
	    .clock = e->o.clock,
	    .take = take,
	    .trouble = trouble,
	    .ctx = e};
	e->webhook = ns_webhook_new(&o, err);
	free(keep);
	if (!e->webhook)
		return false;
	char port[8];
	snprintf(port, sizeof port, "%d", ns_webhook_port(e->webhook));
	ns_log_fields(NS_LOG_INFO, "engine", "taking Alertmanager's webhook", "address", e->o.am_listen, "port", port, NULL);
	return true;
}
