/* Every state is a word first and a colour second. */
#include "view.h"
#include <stdio.h>

const char *const ns_stage_words[NS_STAGE_COUNT] = {"detect", "analyze", "plan", "approve", "execute", "verify"};

ns_word ns_word_severity(ns_severity s)
{
	static const ns_word words[NS_SEV_COUNT] = {[NS_SEV_INFO] = {"INFO", NS_ROLE_SEV_INFO},
	    [NS_SEV_WARN] = {"WARN", NS_ROLE_SEV_WARN},
	    [NS_SEV_CRIT] = {"CRIT", NS_ROLE_SEV_CRIT}};
	return words[s < NS_SEV_COUNT ? s : NS_SEV_CRIT];
}

ns_word ns_word_risk(ns_risk r)
{
	static const ns_word words[NS_RISK_COUNT] = {
	    [NS_RISK_LOW] = {"low", NS_ROLE_STATE_OK},
	    [NS_RISK_MEDIUM] = {"MED", NS_ROLE_SEV_WARN},
	    [NS_RISK_HIGH] = {"HIGH", NS_ROLE_SEV_CRIT},
	    [NS_RISK_CRITICAL] = {"CRIT", NS_ROLE_SEV_CRIT},
	};
	return words[r < NS_RISK_COUNT ? r : NS_RISK_CRITICAL];
}

static const struct {
	ns_word word;
	ns_glyph glyph;
} marks[] = {
    [NS_MARK_TODO] = {{"to come", NS_ROLE_TEXT_DIM}, NS_G_TODO},
    [NS_MARK_RUNNING] = {{"running", NS_ROLE_STATE_RUN}, NS_G_RUN},
    [NS_MARK_WAITS] = {{"waits for you", NS_ROLE_STATE_WAIT}, NS_G_WAIT},
    [NS_MARK_DONE] = {{"done", NS_ROLE_STATE_OK}, NS_G_DONE},
    [NS_MARK_FAILED] = {{"failed", NS_ROLE_STATE_FAIL}, NS_G_FAIL},
    [NS_MARK_SKIPPED] = {{"skipped", NS_ROLE_TEXT_DIM}, NS_G_SKIP},
};

ns_word ns_word_mark(ns_stage_mark m)
{
	return marks[m <= NS_MARK_SKIPPED ? m : NS_MARK_TODO].word;
}

ns_glyph ns_glyph_mark(ns_stage_mark m)
{
	return marks[m <= NS_MARK_SKIPPED ? m : NS_MARK_TODO].glyph;
}

ns_word ns_word_state(const ns_inc_row *r, char buf[32])
{
	static const ns_word words[NS_ST_COUNT] = {
	    [NS_ST_DETECTED] = {"detected", NS_ROLE_STATE_RUN},
	    [NS_ST_ANALYZING] = {"analyzing", NS_ROLE_STATE_RUN},
	    [NS_ST_PLANNING] = {"planning", NS_ROLE_STATE_RUN},
	    [NS_ST_AWAITING_APPROVAL] = {"APPROVE?", NS_ROLE_STATE_WAIT},
	    [NS_ST_EXECUTING] = {"executing", NS_ROLE_STATE_RUN},
	    [NS_ST_VERIFYING] = {"verifying", NS_ROLE_STATE_RUN},
	    [NS_ST_UNDOING] = {"undoing", NS_ROLE_STATE_RUN},
	    [NS_ST_RESOLVED] = {"recovered", NS_ROLE_STATE_OK},
	    [NS_ST_REJECTED] = {"rejected", NS_ROLE_TEXT_DIM},
	    [NS_ST_EXPIRED] = {"expired", NS_ROLE_STATE_STALE},
	    [NS_ST_WITHDRAWN] = {"withdrawn", NS_ROLE_TEXT_DIM},
	    [NS_ST_FAILED] = {"FAILED", NS_ROLE_STATE_FAIL},
	    [NS_ST_MANUAL_REVIEW] = {"MANUAL", NS_ROLE_STATE_WAIT},
	};
	ns_word w = words[r->state < NS_ST_COUNT ? r->state : NS_ST_FAILED];
	bool ended = r->state == NS_ST_RESOLVED || r->state == NS_ST_FAILED;
	if (ended && r->verdict != NS_VERDICT_NONE) {
		w.text = ns_verdict_name(r->verdict);
		w.role = r->verdict == NS_VERDICT_FIXED ? NS_ROLE_STATE_OK : NS_ROLE_STATE_FAIL;
	} else if (r->state == NS_ST_VERIFYING && r->verify_need_ms > 0) {
		int64_t pct = r->verify_good_ms * 100 / r->verify_need_ms;
		snprintf(buf, 32, "verify %d%%", (int)(pct < 0 ? 0 : pct > 100 ? 100 : pct));
		w.text = buf;
	}
	return w;
}

void ns_where(const ns_inc_row *r, char *out, size_t cap)
{
	snprintf(out, cap, "%s%s%s", r->ns, *r->ns ? "/" : "", r->target);
}
