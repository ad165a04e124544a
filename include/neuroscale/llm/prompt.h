/* What is said to a model. The words are files (src/llm/prompts/NAME.md: head lines, "---", text) built into the binary; each has a version that is
 * stored with what came of it. Everything from the cluster is redacted, cleaned, cut to size and stands between random boundaries. Pure but
 * for the boundary's random bits; thread-safe. */
#ifndef NEUROSCALE_LLM_PROMPT_H
#define NEUROSCALE_LLM_PROMPT_H
#include <stdbool.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/facts.h"

#define NS_PROMPT_ITEM 16384 /* bytes of one untrusted text, its middle left out when it is longer */
#define NS_PROMPT_CASE 49152 /* bytes of a whole case */

typedef struct ns_prompt {
	const char *system, *user;
	const char *version;  /* "analyzer/1/3f2a9c41d7e0": name, version line, first digits of the file's SHA-256 */
	const char *boundary; /* 32 hex digits, new each time */
} ns_prompt;

/* `terse`: without log lines and event messages, for a provider whose content filter refused the whole. */
ns_prompt *ns_prompt_analyze(ns_arena *ar, const ns_case *c, bool terse);
ns_prompt *ns_prompt_summary(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p);
/* The version of a built-in prompt, "" when there is none of that name. */
const char *ns_prompt_version(ns_arena *ar, const char *name);

/* One text of unknown origin, as it stands in a prompt: secrets redacted, no control bytes but newline and tab, no chat markup of any model, at
 * most max bytes. Appends to out. */
void ns_prompt_untrusted(ns_buf *out, const char *s, size_t n, size_t max);
/* The same between its boundaries: "BEGIN b\n…\nEND b\n". */
void ns_prompt_fenced(ns_buf *out, const char *boundary, const char *s, size_t n, size_t max);
/* At most max bytes of s: its beginning and its end with "[N bytes left out]" between; never inside a character. Appends to out. */
void ns_prompt_excerpt(ns_buf *out, const char *s, size_t n, size_t max);
#endif
