/* The rule table and the watched resources as a section of the man page: what is written here is what runs. */
#include <string.h>

#include "detector_priv.h"
#include "neuroscale/base/text.h"

enum { COLUMNS = 76 };

/* Filled lines: no line may begin with a control character, and an option keeps its hyphens. */
static void fill(ns_buf *out, const char *text)
{
	size_t column = 0;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column && (column + 1 + n > COLUMNS || text[-2] == '.')) { /* a sentence begins a line */
			ns_buf_putc(out, '\n');
			column = 0;
		}
		if (column)
			ns_buf_putc(out, ' ');
		if (!column && (*text == '.' || *text == '\''))
			ns_buf_puts(out, "\\&");
		for (size_t i = 0; i < n; i++)
			ns_buf_puts(out, text[i] == '-' ? "\\-" : (const char[]){text[i], '\0'});
		column += n + (column != 0);
		text += n;
		text += strspn(text, " ");
	}
	ns_buf_putc(out, '\n');
}

static void sentence(ns_buf *out, const char *text)
{
	ns_buf b = NS_BUF_INIT;
	char first = *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text;
	ns_buf_printf(&b, "%c%s.", first, text + 1);
	fill(out, ns_buf_str(&b));
	ns_buf_free(&b);
}

static void labelled(ns_buf *out, const char *label, const char *text)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "%s: %s.", label, text);
	ns_buf_puts(out, ".br\n");
	fill(out, ns_buf_str(&b));
	ns_buf_free(&b);
}

void ns_detector_man(ns_buf *out)
{
	size_t n;
	const ns_rule_info *rules = ns_detector_rules(&n);
	ns_buf_puts(out, ".Ss Rules\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		ns_buf_printf(out, ".It Cm %s Pq %s , %s\n", rules[i].name, ns_kind_get(rules[i].kind)->name, ns_severity_name(rules[i].severity));
		sentence(out, rules[i].when);
		labelled(out, "Evidence", rules[i].evidence);
		labelled(out, "Over", rules[i].recovers);
	}
	ns_buf_puts(out, ".El\n.Ss Watches\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < DT_ROW_COUNT; i++) {
		ns_buf_printf(out, ".It Pa %s\n%s", dt_rows[i].path, dt_rows[i].optional ? "" : "Required.\n");
		for (const char *const *v = dt_rows[i].older; v && *v; v++)
			ns_buf_printf(out, "%s\n.Pa %s%s\n", v == dt_rows[i].older ? "Else" : "else", *v, v[1] ? " ," : " .");
	}
	ns_buf_puts(out, ".El\n");
}
