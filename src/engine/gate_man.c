/* The gate's conditions as a section of the man page: what is written there is what runs. */
#include <string.h>
#include "neuroscale/engine/gate.h"

static void put(ns_buf *out, const char *text)
{
	for (; *text; text++)
		ns_buf_puts(out, *text == '-' ? "\\-" : (const char[]){*text, '\0'});
}

void ns_gate_man(ns_buf *out)
{
	static const char *const reach[] = {"needs a person", "bars sending", "forbidden"};
	ns_buf_puts(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < ns_gate_rows(); i++) {
		ns_gate_row_info r = ns_gate_row(i);
		char first = *r.words >= 'a' && *r.words <= 'z' ? (char)(*r.words - 32) : *r.words;
		ns_buf_puts(out, ".It Cm ");
		put(out, r.name);
		ns_buf_printf(out, " Pq %s\n%c", reach[r.reach], first);
		put(out, r.words + 1);
		ns_buf_puts(out, ".\n.br\nFacts:\n.Fa");
		for (const char *p = r.uses; *p;) {
			size_t n = strcspn(p, " ");
			ns_buf_printf(out, " %.*s%s", (int)n, p, p[n] ? " ," : "");
			p += n + (p[n] == ' ');
		}
		ns_buf_puts(out, " .\n");
	}
	ns_buf_puts(out, ".El\n");
}
