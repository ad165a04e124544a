/* A draft holds what was recorded and says what is missing; it never guesses what should be done. */
#include "neuroscale/runbook/draft.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/fs.h"

enum { LINE = 380, MAX_SYMPTOMS = 12, MAX_GAPS = 8, MAX_DRAFT = 256 * 1024 };

/* Lower-case words with dashes between them; everything else is one. */
static void put_slug(char *out, size_t cap, const char *s)
{
	size_t n = strlen(out);
	for (; *s && n + 2 < cap; s++) {
		char c = ns_is_upper(*s) ? (char)(*s + 32) : *s;
		if (ns_is_lower(c) || ns_is_digit(c))
			out[n++] = c;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = 0;
}

static bool known_cause(const ns_draft_case *c)
{
	const char *cause = c->rca->cause_class;
	return *cause && strcmp(cause, "unknown") != 0 && strlen(cause) <= 48 &&
	       strspn(cause, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(cause);
}

void ns_draft_name(const ns_draft_case *c, char out[96])
{
	out[0] = 0;
	put_slug(out, 48, ns_kind_get(c->cs->alert.kind)->name);
	size_t n = strlen(out);
	if (known_cause(c)) {
		out[n] = '-';
		out[n + 1] = 0;
		put_slug(out, 96, c->rca->cause_class);
	} else {
		snprintf(out + n, 96 - n, "-%.8s", *c->cs->hash ? c->cs->hash : "unknown");
	}
}

/* One line as a YAML string in double quotes: only what needs it is escaped, and there are no control bytes left. */
static void put_quoted(ns_buf *b, const char *s)
{
	char *line = ns_redact_line(s, strlen(s), LINE);
	ns_buf_putc(b, '"');
	for (const char *p = line; *p; p++) {
		if (*p == '"' || *p == '\\')
			ns_buf_putc(b, '\\');
		ns_buf_putc(b, *p);
	}
	ns_buf_putc(b, '"');
	free(line);
}

static void put_item(ns_buf *b, const char *s)
{
	ns_buf_puts(b, "  - ");
	put_quoted(b, s);
	ns_buf_putc(b, '\n');
}

static void put_gap(ns_buf *b, const char *key, bool list, const char *what)
{
	ns_buf_printf(b, list ? "%s:\n  - \"" NS_DRAFT_GAP ": %s\"\n" : "%s: \"" NS_DRAFT_GAP ": %s\"\n", key, what);
}

static void put_line(ns_buf *b, const char *before, const char *s)
{
	char *line = ns_redact_line(s, strlen(s), 2 * LINE);
	ns_buf_printf(b, "%s%s\n", before, line);
	free(line);
}

static void put_front(const ns_draft_case *c, ns_buf *b)
{
	const ns_alert *a = &c->cs->alert;
	char id[96];
	ns_draft_name(c, id);
	ns_buf_printf(b, "---\nid: %s\n", id);
	put_gap(b, "title", false, "what happens and what is done, in one line");
	ns_buf_printf(b, "kinds: [%s]\naction: manual_review\nrisk: medium\n", ns_kind_get(a->kind)->name);
	if (known_cause(c))
		ns_buf_printf(b, "causes: [%s]\n", c->rca->cause_class);
	else
		put_gap(b, "causes", true, "a lower-case word for this cause");
	ns_buf_puts(b, "symptoms:\n");
	size_t n = 0;
	ns_buf alert = NS_BUF_INIT;
	ns_buf_printf(&alert, "%s: %s", a->reason, a->message);
	put_item(b, ns_buf_str(&alert));
	ns_buf_free(&alert);
	if (*c->rca->root_cause)
		put_item(b, c->rca->root_cause);
	for (size_t i = 0; i < c->cs->n_evidence && n < MAX_SYMPTOMS; i++)
		if (c->cs->evidence[i].trusted && ++n)
			put_item(b, c->cs->evidence[i].text);
	put_gap(b, "preconditions", true, "what must hold before anything is done");
	put_gap(b, "steps", true, "what was done, step by step");
	put_gap(b, "verify", false, "how one sees that it helped");
	put_gap(b, "undo", false, "how it is taken back");
	ns_buf_puts(b, "---\n");
}

void ns_draft_write(const ns_draft_case *c, ns_buf *out)
{
	const ns_alert *a = &c->cs->alert;
	char when[32];
	ns_time_format(c->ended_ms, when);
	put_front(c, out);
	ns_buf_printf(out, "# Draft from incident %" PRId64 "\n\n", c->incident);
	ns_buf_printf(out, "%s on a %s; it ended %s: ", ns_kind_get(a->kind)->title, a->target.kind, when);
	put_line(out, "", c->how);
	ns_buf_puts(out, "No runbook fitted. What stands above is what was recorded: make it true for the next time, not only for this one, and take\n"
	                 "out names of this workload.\n\n## When it fits\n\n");
	put_line(out, "", c->rca->reasoning);
	ns_buf_puts(out, "\n## When it does not fit\n\n" NS_DRAFT_GAP ": what looks like it and is something else\n\n## How to check by hand\n\n");
	for (size_t i = 0; i < c->cs->n_evidence; i++) {
		char before[64];
		snprintf(before, sizeof before, "* %s, %s: ", ns_ev_kind_name(c->cs->evidence[i].kind), c->cs->evidence[i].trusted ? "observed" : "said");
		put_line(out, before, c->cs->evidence[i].text);
	}
	ns_buf_puts(out, "\n## What helped\n\n");
	if (c->plan && *c->plan->manual_command)
		put_line(out, "Proposed by hand, whether it was run is not known:\n\n    ", c->plan->manual_command);
	if (*c->rca->next_steps)
		put_line(out, "Next steps of the analysis: ", c->rca->next_steps);
	ns_buf_puts(out, "\n" NS_DRAFT_GAP ": what was done\n");
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static char *md_path(const char *dir, const char *name)
{
	char file[NAME_MAX + 1];
	snprintf(file, sizeof file, "%s.md", name);
	return ns_path_join(dir, file);
}

/* Complete or not at all, and never in the place of another: a temporary file that is linked to its name. */
static bool write_new(const char *path, const ns_buf *text, ns_err *err)
{
	char *tmp = ns_xasprintf("%s.%ld.new", path, (long)getpid());
	bool ok = ns_write_file_atomic(tmp, ns_buf_str(text), text->len, 0600, err);
	if (ok && link(tmp, path) != 0)
		ok = errno == EEXIST ? ns_fail(err, NS_E_CONFLICT, "%s exists already", path) : ns_fail_errno(err, NS_E_IO, "%s", path);
	unlink(tmp);
	free(tmp);
	return ok;
}

bool ns_runbook_draft(const char *dir, const ns_draft_case *c, char **path, ns_err *err)
{
	char name[96];
	ns_buf text = NS_BUF_INIT;
	ns_draft_name(c, name);
	char *file = md_path(dir, name);
	ns_draft_write(c, &text);
	bool ok = ns_mkdirs(dir, 0700, err) && (!ns_exists(file) || ns_fail(err, NS_E_CONFLICT, "%s exists already", file)) && write_new(file, &text, err);
	ns_buf_free(&text);
	if (path)
		*path = file;
	else
		free(file);
	return ok;
}

/* The lines that are left to a person, by number. */
static bool complete(const char *path, const ns_buf *text, ns_err *err)
{
	ns_buf gaps = NS_BUF_INIT;
	size_t line = 1, n = 0;
	for (const char *p = ns_buf_str(text); p && *p; line++) {
		const char *end = strchr(p, '\n'), *gap = strstr(p, NS_DRAFT_GAP);
		if (gap && (!end || gap < end) && ++n <= MAX_GAPS)
			ns_buf_printf(&gaps, "%s%zu", n > 1 ? ", " : "", line);
		p = end ? end + 1 : NULL;
	}
	bool ok = !n || ns_fail(err, NS_E_INVALID, "%s is not finished: replace " NS_DRAFT_GAP " in line%s %s%s", path, n > 1 ? "s" : "", ns_buf_str(&gaps),
	                    n > MAX_GAPS ? " and more" : "");
	ns_buf_free(&gaps);
	return ok;
}

bool ns_draft_promote(const char *drafts, const char *dir, const char *name, ns_err *err)
{
	if (!*name || strlen(name) > 90 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(name) || *name == '.')
		return ns_fail(err, NS_E_USAGE, "\"%.90s\" is no name of a draft: it is the file's name without .md", name);
	char *from = md_path(drafts, name), *to = md_path(dir, name);
	ns_buf text = NS_BUF_INIT;
	ns_arena *ar = ns_arena_new();
	bool ok = ns_read_file(from, MAX_DRAFT, &text, err) && complete(from, &text, err) && ns_runbook_parse(ar, name, ns_buf_str(&text), text.len, err);
	if (!ok && err && err->code == NS_E_INVALID && strncmp(err->text, "runbooks/", 9) == 0)
		ns_err_wrap(err, "%s", from);
	ok = ok && ns_mkdirs(dir, 0755, err) && (!ns_exists(to) || ns_fail(err, NS_E_CONFLICT, "%s exists already: it is not replaced", to)) &&
	     write_new(to, &text, err);
	ns_library *l = ok ? ns_library_load(dir, err) : NULL;
	if (ok && !l) { /* another file there is broken: nothing changes before it is mended */
		unlink(to);
		ok = false;
	}
	if (ok && unlink(from) != 0)
		ok = ns_fail_errno(err, NS_E_IO, "%s is in use now, but its draft could not be removed: %s", to, from);
	ns_library_free(l);
	ns_arena_free(ar);
	ns_buf_free(&text);
	free(from);
	free(to);
	return ok;
}
