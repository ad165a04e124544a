/* Inside the reading of incidents from text: text_lines.c cuts and sorts the lines, text_says.c knows the phrases, text_things.c takes out
 * names and numbers, text_use.c use and prices, text_release.c and text_rows.c read the history of releases, text_outside.c what lies outside
 * of a release, text_image.c hosts that were mistyped, text_plain.c knows plain words, text_doubt.c what makes a change doubtful, text_kind.c names the alert class, text_case.c puts the case together. */
#ifndef NEUROSCALE_LLM_TEXT_PRIV_H
#define NEUROSCALE_LLM_TEXT_PRIV_H
#include "neuroscale/llm/text_case.h"

/* Who speaks: it decides what a sentence may prove. */
typedef enum text_place { TEXT_PROSE, TEXT_STATUS, TEXT_EVENT, TEXT_LOG } text_place;
typedef struct text_unit {
	const char *text; /* a line of output, or a sentence of prose; sanitised */
	const char *flat; /* lower case, everything but letters and digits one space, a space at both ends */
	text_place place;
	bool order; /* speaks to the reader instead of about the cluster */
	size_t line;
} text_unit;
typedef struct text_doc {
	ns_arena *ar;
	text_unit *unit;
	size_t n;
	const char *all;            /* every flat text, one after the other: what is not in here is in none of them */
	unsigned char starts[2048]; /* a bit for each pair of letters with which a word of it begins */
} text_doc;
void ns_text_read(ns_arena *ar, const char *text, size_t n, text_doc *d);

/* First match of a pattern in a flat text, NULL none. '|' between alternatives, (a|b) within one; '*' stands for at most 60 characters;
 * every piece begins at the beginning of a word and may end inside one ("deploy" finds "deployed") unless a blank closes it; after '~' it
 * may begin inside one. */
const char *ns_flat_find(const char *flat, const char *pattern);
/* May a unit of the document match? Most patterns match nowhere, and most of those are told by the beginnings of its words. */
bool ns_doc_may(const text_doc *d, const char *pattern);
/* Is what begins at `hit` denied by the words before it ("no", "not", "without" …)? */
bool ns_flat_denied(const char *flat, const char *hit);

/* What a text can say about an incident as a whole. */
/* clang-format off */
typedef enum text_say {
	/* release history */
	SAY_NEW, SAY_FIRST, SAY_NO_CHANGE, SAY_SAME_BEFORE, SAY_MIGRATED, SAY_CH_ENV, SAY_CH_COMMAND, SAY_CH_PROBE, SAY_CH_REF, SAY_CH_IMAGE,
	/* state */
	SAY_OOM, SAY_NOT_OOM, SAY_RECOVERED, SAY_HARMLESS, SAY_SERVING, SAY_SCALED_ZERO, SAY_ZERO_MEANT, SAY_STALLED, SAY_UNREADY, SAY_SYMPTOM,
	/* memory */
	SAY_UNBOUNDED, SAY_JVM, SAY_LOWERED, SAY_NODE_MEMORY,
	/* owners */
	SAY_OPERATOR, SAY_VPA, SAY_ARGOCD, SAY_FLUX, SAY_HELM, SAY_HPA, SAY_STATEFULSET, SAY_DAEMONSET, SAY_JOB, SAY_BARE_POD, SAY_DEPLOYMENT,
	SAY_DATABASE, SAY_PLATFORM, SAY_KUBE_SYSTEM,
	/* cost */
	SAY_NONPROD, SAY_PROD, SAY_IDLE, SAY_RUNAWAY, SAY_COST_NODES, SAY_COST_FEES, SAY_COST_LOAD, SAY_COST_DATA, SAY_ONE_REPLICA, SAY_SCALED_UP, SAY_PAUSED, SAY_WARMING, SAY_BOUNDED, SAY_NO_LIMIT, SAY_OUTSIDE, SAY_CODE,
	/* policy */
	SAY_BLOCKED, SAY_AUDIT, SAY_EXCEPTION, SAY_POLICY_WRONG,
	SAY_COUNT
} text_say;
/* clang-format on */
typedef struct text_says {
	const text_unit *at[SAY_COUNT]; /* the first unit that says so; NULL: nobody does */
} text_says;
void ns_text_listen(const text_doc *d, text_says *s);
/* What is told of the release before the newest. */
typedef struct text_past {
	const text_unit *good;    /* says that it was well; NULL nobody does */
	const text_unit *serving; /* a row of kubectl that shows its pods ready beside broken ones of the newest; NULL none */
	bool sure;                /* false: nothing speaks against it, that is all */
	bool two;                 /* two releases of one series are named, an older and a newer one */
} text_past;
void ns_text_past(const text_doc *d, text_past *p);
/* Of the rows of `kubectl get pods` or `kubectl get rs`: a ready pod of an older template beside a broken one of a newer template; NULL none. */
const text_unit *ns_text_old_pod(const text_doc *d);
/* Text that speaks to the reader. */
bool ns_text_is_order(const char *flat);
bool ns_text_orders(const text_doc *d); /* perhaps, somewhere */

typedef struct text_things {
	const char *ns, *kind, *name, *container, *image;
	const char *waiting; /* a waiting reason, "" none */
	const text_unit *waiting_at;
	int exit_code; /* -1 none */
	const text_unit *exit_at;
	int64_t restarts, mem_limit, mem_request, mem_usage, replicas;
	const text_unit *limit_at;
	int64_t revision; /* the newest that is named, 0 none */
	const char *policy, *rule;
	double cost_now, cost_before;
} text_things;
/* Letters and digits as a controller gives them to the names of its pods. */
bool ns_text_generated(const char *s, size_t n);
/* Does a text name an amount of memory in [from, to] other than `but`? */
bool ns_text_quantity_between(const char *text, int64_t from, int64_t to, int64_t but);
/* Amounts of memory in a text of which each is more than the one before it: how many in a row, three at most; requests beside limits are no row. */
size_t ns_text_rising(const char *text);
/* The unit that tells by a number that next to nothing is used; NULL none. */
const text_unit *ns_text_idle(const text_doc *d);
/* Is there an amount of money per time in it? */
bool ns_text_price(const text_unit *u);
/* The unit that tells of a change or of trouble outside of the workload: a Secret, a database, a certificate; NULL none. */
const text_unit *ns_text_outside(const text_doc *d);
/* The unit in which a pull fails for a registry host that was mistyped; NULL none. */
const text_unit *ns_text_mistyped_host(const text_doc *d);
/* How many words of prose are neither names nor numbers nor plain ones. */
size_t ns_text_unexplained(const text_doc *d);
/* The most such words in one sentence about cost, where the words of money and use are plain as well. */
size_t ns_text_strange(const text_doc *d);
/* Does memory grow in a row of times or limits? Does somebody want or owe what is idle? Is a limit somebody's will? */
bool ns_text_ever_more(const text_doc *d);
bool ns_text_intent(const text_doc *d);
bool ns_text_limit_meant(const text_doc *d);
/* Does a "but" take back what was told? */
bool ns_text_contrast(const text_doc *d);
void ns_text_things(const text_doc *d, text_things *t);
const char *ns_text_kind_of(const text_doc *d, const text_things *t);
#endif
