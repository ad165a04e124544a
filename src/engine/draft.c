/* A workload recovered in the hands of a person, and no runbook had fitted: what is known of it becomes a draft for one. */
#include <stdlib.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/runbook/draft.h"
#include "neuroscale/sys/fs.h"

void ns_draft_after(ns_engine *e, ns_arena *ar, const ns_incident *inc, const char *how)
{
	ns_dossier d;
	ns_err err = {0};
	if (inc->kind == NS_KIND_STORM || !ns_dossier_read(e, ar, inc->id, NS_D_CASE | NS_D_RCA | NS_D_PLAN, &d, NULL) || !d.cs || !d.rca || !d.plan ||
	    *d.plan->runbook)
		return;
	ns_draft_case c = {.cs = d.cs, .rca = d.rca, .plan = d.plan, .how = how, .incident = inc->id, .ended_ms = ns_clock_wall_ms(e->o.clock)};
	char *dir = ns_path_join(e->o.runbook_dir ? e->o.runbook_dir : e->o.state_dir, "drafts"), *path = NULL;
	if (ns_runbook_draft(dir, &c, &path, &err))
		ns_engine_say(e, NS_LOG_INFO, "#%lld no runbook fitted: a draft for one is in %s", (long long)inc->id, path);
	else if (err.code != NS_E_CONFLICT) /* a draft of this cause is there already */
		ns_log(NS_LOG_WARN, "engine", "no draft of a runbook could be written: %s", err.text);
	free(path);
	free(dir);
}
