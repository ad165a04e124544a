/* The filter: words that must all be found; "!word" must not. "cluster:", "ns:", "kind:", "state:" and "sev:" look at one field only;
 * "sev>=warn" compares. */
#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

typedef struct field {
	const char *name, *value;
} field;

static bool one(const char *word, const field *f, size_t n, ns_severity sev)
{
	ns_severity least;
	if (!strncmp(word, "sev>=", 5))
		return !ns_severity_parse(word + 5, &least) || sev >= least;
	const char *colon = strchr(word, ':');
	bool named = false; /* a field may have several values */
	for (size_t i = 0; colon && i < n; i++)
		if ((size_t)(colon - word) == strlen(f[i].name) && !strncmp(word, f[i].name, (size_t)(colon - word))) {
			named = true;
			if (ns_icontains(f[i].value, colon + 1))
				return true;
		}
	if (named)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ns_icontains(f[i].value, word))
			return true;
	return false;
}

static bool all(const char *filter, const field *f, size_t n, ns_severity sev)
{
	char text[64], *save = NULL;
	ns_copy(text, sizeof text, filter);
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		bool no = *w == '!' && w[1];
		if (one(w + no, f, n, sev) == no)
			return false;
	}
	return true;
}

bool ns_filter_incident(const ns_inc_row *r, const char *filter)
{
	char id[24], buf[32];
	ns_word st = ns_word_state(r, buf);
	snprintf(id, sizeof id, "#%lld", (long long)r->id);
	const field f[] = {{"ns", r->ns}, {"name", r->target}, {"kind", ns_kind_get(r->kind)->title},
	    {"state", ns_state_get(r->state)->name}, {"state", st.text}, {"sev", ns_severity_name(r->severity)}, {"text", r->headline},
	    {"text", r->message}, {"cluster", r->cluster}, {"id", id}};
	return all(filter, f, sizeof f / sizeof *f, r->severity);
}

bool ns_filter_approval(const ns_appr_row *r, const char *filter)
{
	char id[24];
	snprintf(id, sizeof id, "#%lld", (long long)r->id);
	const field f[] = {{"ns", r->ns}, {"name", r->target}, {"risk", ns_risk_name(r->risk)}, {"action", ns_action_get(r->action)->name},
	    {"text", r->headline}, {"runbook", r->runbook}, {"cluster", r->cluster}, {"id", id}};
	return all(filter, f, sizeof f / sizeof *f, NS_SEV_CRIT);
}

bool ns_filter_cost(const ns_cost_line *r, const char *filter)
{
	const field f[] = {{"ns", r->ns}, {"name", r->workload}, {"text", r->spike ? "spike" : ""}, {"cluster", r->cluster}};
	return all(filter, f, sizeof f / sizeof *f, NS_SEV_CRIT);
}
