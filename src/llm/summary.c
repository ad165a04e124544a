/* The card's summary. Sentences are put down in the order in which a tired person needs them; what does not fit into 90 words is left
 * out whole, so that no sentence is ever cut in the middle but the first. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "offline_priv.h"

#define MAX_WORDS   90
#define CAUSE_WORDS 42 /* of which the first sentence may take so many */

static const struct {
	uint32_t cp;
	const char *ascii;
} plain[] = {{0x2026, "..."}, {0x2192, "->"}, {0x2248, "~"}, {0x2013, "-"}, {0x2014, "-"}, {0x2018, "'"}, {0x2019, "'"}, {0x201C, "\""},
    {0x201D, "\""}, {0x00D7, "x"}, {0x00A0, " "}, {0x20AC, "EUR"}, {0x00B1, "+-"}, {0x2265, ">="}, {0x2264, "<="}};

static void put_ascii(ns_buf *out, const char *s)
{
	size_t n = strlen(s), step;
	uint32_t cp;
	for (size_t i = 0; (step = ns_utf8_next(s + i, n - i, &cp)); i += step) {
		if (cp >= 0x20 && cp < 0x7F) {
			ns_buf_putc(out, (char)cp);
			continue;
		}
		const char *as = cp < 0x20 ? " " : "?";
		for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++)
			if (plain[k].cp == cp)
				as = plain[k].ascii;
		ns_buf_puts(out, as);
	}
}

/* Adds a sentence if all of it fits; a first one that does not is cut after `most` words. */
static void add(ns_buf *out, const char *sentence, size_t most)
{
	ns_buf line = NS_BUF_INIT;
	put_ascii(&line, sentence);
	while (line.len && strchr(" .;,:", line.data[line.len - 1]))
		line.data[--line.len] = 0;
	if (!line.len) {
		ns_buf_free(&line);
		return;
	}
	size_t have = ns_word_count(ns_buf_str(out)), more = ns_word_count(ns_buf_str(&line));
	if (more > most) {
		size_t words = 0, i = 0;
		for (; i < line.len && words < most; words++) {
			i += strspn(line.data + i, " ");
			i += strcspn(line.data + i, " ");
		}
		line.len = i;
		line.data[i] = 0;
		while (line.len && strchr(" .;,:(", line.data[line.len - 1]))
			line.data[--line.len] = 0;
		ns_buf_puts(&line, " ...");
		more = most + 1;
	}
	if (have + more <= MAX_WORDS) {
		bool stop = strchr("!?", line.data[line.len - 1]) || (line.len > 3 && !strcmp(line.data + line.len - 3, "..."));
		ns_buf_printf(out, "%s%s%s", out->len ? " " : "", line.data, stop ? "" : ".");
	}
	ns_buf_free(&line);
}

static const struct {
	ns_action action;
	const char *risk; /* what doing it costs */
	const char *undo; /* when the plan says nothing better */
} effects[NS_ACT_COUNT] = {
    [NS_ACT_MANUAL_REVIEW] = {NS_ACT_MANUAL_REVIEW, "", ""},
    [NS_ACT_ROLLBACK] = {NS_ACT_ROLLBACK, "pods are replaced one after another and what the newest revision brought is gone",
        "roll forward to the newest revision"},
    [NS_ACT_SCALE] = {NS_ACT_SCALE, "more copies use more of the cluster", "set the former replica count"},
    [NS_ACT_PATCH_RESOURCES] = {NS_ACT_PATCH_RESOURCES, "pods are replaced one after another and the node gives up more memory",
        "set the former limit"},
    [NS_ACT_POLICY_EXCEPTION] = {NS_ACT_POLICY_EXCEPTION, "the rule does not protect this one workload until the exception ends",
        "disarm the exception"},
    [NS_ACT_COST_SCALE_DOWN] = {NS_ACT_COST_SCALE_DOWN, "fewer copies serve whoever still uses it", "set the former replica count"},
};

const char *ns_offline_summary(ns_arena *ar, const ns_case *c, const ns_rca *r, const ns_plan *p)
{
	ns_buf out = NS_BUF_INIT;
	ns_action act = p ? p->action : r->action;
	ns_risk risk = p && p->risk > r->risk ? p->risk : r->risk;
	add(&out,
	    *r->root_cause ? r->root_cause : ns_arena_printf(ar, "%s/%s: %s", c->alert.target.ns, c->alert.target.name, c->alert.reason),
	    CAUSE_WORDS);
	if (ns_action_get(act)->executable) {
		add(&out, ns_arena_printf(ar, "Proposed: %s", p && *p->summary ? p->summary : ns_action_get(act)->words), MAX_WORDS);
		add(&out, ns_arena_printf(ar, "Risk %s: %s", ns_risk_name(risk), effects[act].risk), MAX_WORDS);
		if (p && !p->undo_valid)
			add(&out, "It cannot be undone by the console", MAX_WORDS);
		else
			add(&out, ns_arena_printf(ar, "Undo: %s", effects[act].undo), MAX_WORDS);
		add(&out, ns_arena_printf(ar, "Confidence %.0f %%", r->confidence * 100), MAX_WORDS);
	} else {
		add(&out, "Nothing is changed by the console; a person decides", MAX_WORDS);
		add(&out, ns_arena_printf(ar, "Try: %s", p && *p->manual_command ? p->manual_command : r->next_steps), MAX_WORDS);
	}
	return ns_arena_take(ar, &out);
}
