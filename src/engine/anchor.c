/* Anchors (law 13): who can write the database can make its whole chain anew, and nothing inside it would tell. So its head is put where he
 * cannot reach: in the system's log, which a bastion forwards. `audit verify` holds the chain against what was kept there. */
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/text.h"

enum { WORDS = 200 };

void ns_anchor_put(ns_engine *e, int64_t seq, const char *head, const char *why)
{
	char *real = realpath(e->o.state_dir, NULL);
	char *words = ns_text_clean_dup(why, WORDS), *dir = ns_text_clean_dup(real ? real : e->o.state_dir, NS_ANCHOR_DIR);
	syslog(e->o.anchor_facility | LOG_NOTICE, "neuroscale-tui audit anchor %s@%lld %s; in %s", head, (long long)seq, words, dir);
	free(words);
	free(dir);
	free(real);
}

void ns_anchor_now(ns_engine *e, const char *why)
{
	int64_t seq = 0;
	char head[NS_HEX256];
	ns_err err = {0};
	if (!ns_store_audit_head(e->store, &seq, head, &err))
		ns_log(NS_LOG_ERROR, "engine", "the audit's head cannot be anchored: %s", err.text);
	else if (seq > 0)
		ns_anchor_put(e, seq, head, why);
}

int64_t ns_anchor_timer(ns_engine *e)
{
	int64_t now = ns_clock_mono_ms(e->o.clock);
	if (!e->anchor_at) /* at the start there was one */
		e->anchor_at = now + e->o.anchor_every_ms;
	if (now >= e->anchor_at) {
		ns_anchor_now(e, "periodic");
		e->anchor_at = now + e->o.anchor_every_ms;
	}
	return e->anchor_at;
}
