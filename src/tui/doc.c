/* Wrapped text. Words go to the next line, what is longer than a line is broken, nothing is ever left out: the exact command and the diff
 * are what a person approves. */
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void ns_doc_init(ns_doc *d, int width, int label_w)
{
	*d = (ns_doc){.width = width, .label_w = label_w};
}

void ns_doc_free(ns_doc *d)
{
	ns_buf_free(&d->text);
	free(d->line);
	d->line = NULL;
	d->n = d->cap = 0;
}

static void add(ns_doc *d, const char *label, ns_color_role role, bool bold, const char *s, size_t n)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->line = ns_xrealloc(d->line, d->cap * sizeof *d->line);
	}
	d->line[d->n++] = (ns_doc_line){d->text.len, n, label, role, bold};
	ns_buf_put(&d->text, s, n);
	ns_buf_putc(&d->text, '\0'); /* each line is a string of its own */
}

void ns_doc_blank(ns_doc *d)
{
	add(d, NULL, NS_ROLE_TEXT, false, "", 0);
}

void ns_doc_title(ns_doc *d, const char *text)
{
	if (d->n)
		ns_doc_blank(d);
	add(d, NULL, NS_ROLE_TITLE, true, text, strlen(text));
}

/* Bytes of the first line of s (n bytes) that fit into `cols` columns. It ends at a space when that leaves at most two thirds of the line
 * empty, else after a mark that joins long names when that leaves a third, else anywhere. */
static size_t fit(const char *s, size_t n, int cols)
{
	int used = 0;
	size_t at = 0, space = 0, joint = 0;
	while (at < n) {
		uint32_t cp;
		size_t len = ns_utf8_next(s + at, n - at, &cp);
		int w = cp < 0x7F ? 1 : wcwidth((wchar_t)cp);
		if (w > 0)
			used += w;
		if (used > cols)
			break;
		at += len;
		if (cp == ' ' && at > 1)
			space = at;
		else if (cp < 0x80 && strchr("./,:=}]", (int)cp))
			joint = at;
	}
	if (at >= n)
		return n;
	if ((int)space * 3 >= cols)
		return space;
	if ((int)joint * 3 >= cols * 2)
		return joint;
	return at ? at : 1;
}

static void paragraph(ns_doc *d, const char *label, ns_color_role role, const char *s, size_t n)
{
	int cols = d->width - d->label_w;
	if (cols < 4)
		cols = 4;
	do {
		size_t take = fit(s, n, cols), shown = take;
		while (shown < n && shown > 0 && s[shown - 1] == ' ')
			shown--;
		add(d, label, role, false, s, shown);
		label = NULL;
		s += take;
		n -= take;
	} while (n);
}

void ns_doc_put(ns_doc *d, const char *label, ns_color_role role, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		paragraph(d, label, role, text, n);
		label = NULL;
		text += n;
		if (*text)
			text++;
	}
}

void ns_doc_printf(ns_doc *d, const char *label, ns_color_role role, const char *fmt, ...)
{
	ns_buf b = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	ns_doc_put(d, label, role, ns_buf_str(&b));
	ns_buf_free(&b);
}

void ns_doc_diff(ns_doc *d, const char *label, const char *diff)
{
	while (*diff) {
		size_t n = strcspn(diff, "\n");
		ns_color_role role = *diff == '+' ? NS_ROLE_DIFF_ADD : *diff == '-' ? NS_ROLE_DIFF_DEL : NS_ROLE_TEXT;
		paragraph(d, label, role, diff, n);
		label = NULL;
		diff += n;
		if (*diff)
			diff++;
	}
}

void ns_doc_draw(const ns_doc *d, const ns_pen *p, int top)
{
	for (int y = 0; y < p->r.h && (size_t)top + (size_t)y < d->n; y++) {
		const ns_doc_line *l = &d->line[top + y];
		const char *s = d->text.data + l->off;
		bool title = l->role == NS_ROLE_TITLE; /* stands in the label's column */
		if (l->label)
			ns_pen_text(p, 0, y, d->label_w, NS_ROLE_TEXT_DIM, l->label);
		int x = title ? 0 : d->label_w;
		if (l->bold)
			ns_pen_bold(p, x, y, p->r.w - x, l->role, s);
		else
			ns_pen_text(p, x, y, p->r.w - x, l->role, s);
	}
}
