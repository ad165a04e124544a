/* Drafts: after an incident that no runbook fitted, what is known of it is written down in the form of a runbook for a person to finish. A draft lies in
 * a directory of its own ("drafts"), which no library reads; ns_draft_promote moves it once it is complete. */
#ifndef NEUROSCALE_RUNBOOK_DRAFT_H
#define NEUROSCALE_RUNBOOK_DRAFT_H
#include "neuroscale/runbook/runbook.h"

#define NS_DRAFT_GAP "FIXME" /* stands where a person has to write something */

typedef struct ns_draft_case {
	const ns_case *cs;
	const ns_rca *rca;
	const ns_plan *plan;      /* may be NULL */
	const char *how;          /* how it ended: "it recovered" */
	int64_t incident, ended_ms;
} ns_draft_case;

/* "oom-killed-oom-leak": of the alert's kind and the cause class, for an unknown cause of the evidence. The same cause gives the same name. */
void ns_draft_name(const ns_draft_case *c, char out[96]);
/* The text: front matter and Markdown, redacted, without control bytes. Appends. */
void ns_draft_write(const ns_draft_case *c, ns_buf *out);
/* Writes DIR/NAME.md (makes DIR), mode 0600. NS_E_CONFLICT, and nothing is touched, when there is one already; path (may be NULL) gets its path,
 * which the caller frees. */
bool ns_runbook_draft(const char *dir, const ns_draft_case *c, char **path, ns_err *err);

/* Moves DRAFTS/NAME.md to DIR/NAME.md, if the parser takes it, nothing in it is left to a person (NS_E_INVALID lists the lines), and DIR's library
 * loads with it. Never replaces a file: NS_E_CONFLICT. */
bool ns_draft_promote(const char *drafts, const char *dir, const char *name, ns_err *err);
#endif
