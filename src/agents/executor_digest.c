/* The digest that is approved (law 5): everything of a change, in fields that cannot run into each other. resourceVersion is no part of it: it is
 * the lock. Derived from the plan and what the dry-run recorded, so that the record alone gives it again. */
#include <stdio.h>
#include <string.h>
#include "neuroscale/agents/executor.h"
#include "neuroscale/model/json.h"
#include "neuroscale/sys/digest.h"

static const ns_json_limits limits = {.max_bytes = 4u << 20, .max_depth = 64};

bool ns_dryrun_digest(const ns_dryrun *d, const ns_plan *p, bool undo, char out[NS_HEX256])
{
	const ns_command *c = undo ? &p->undo : &p->command;
	cJSON *body = c->argv && c->body && d->policy && *d->policy ? ns_json_parse(c->body, strlen(c->body), &limits, NULL) : NULL;
	ns_buf text = NS_BUF_INIT;
	char generation[32];
	*out = '\0';
	if (!body)
		return false;
	ns_json_canonical(body, &text);
	snprintf(generation, sizeof generation, "%lld", (long long)d->live_generation);
	ns_digest *h = ns_digest_new();
	ns_digest_field(h, "form", "2");
	ns_digest_field(h, "cluster", d->cluster_identity);
	ns_digest_field(h, "context", d->context);
	ns_digest_field(h, "action", ns_action_get(p->action)->name);
	ns_digest_field(h, "direction", undo ? "undo" : "do");
	for (const char *const *a = c->argv; *a; a++)
		ns_digest_field(h, "argv", *a);
	const char *const fields[][2] = {{"body", ns_buf_str(&text)}, {"target", d->target_path}, {"uid", d->live_uid}, {"generation", generation}, {"diff", d->diff_hash},
	    {"spec", d->spec_hash}, {"policy", d->policy}, {"runbook", p->runbook_hash}};
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		ns_digest_field(h, fields[i][0], fields[i][1]);
	ns_digest_finish(h, out);
	ns_buf_free(&text);
	cJSON_Delete(body);
	return true;
}
