/* What doctor found, for people (groups, aligned, the sum last) and as JSON (one object per result). Everything that came from outside is
 * cleaned and redacted here, at the edge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/redact.h"

enum { NAME_COLUMN = 8, TEXT_COLUMN = 28, LEAST_TEXT = 24, MAX_TEXT = 2000 };

static const struct {
	const char *word, *color;
} looks[] = {[DOCTOR_OK] = {"ok", "\033[32m"},
    [DOCTOR_WARN] = {"warn", "\033[33m"},
    [DOCTOR_FAIL] = {"fail", "\033[1;31m"},
    [DOCTOR_SKIP] = {"skip", "\033[2m"}};

struct doctor_printer {
	bool json, color;
	int columns;
	char group[160];
	size_t count[4], printed;
	ns_code first;      /* of the first failure */
	ns_buf unmet;       /* names of checks that one failure keeps from running … */
	char because[64];   /* … which is this one */
	char fix[MAX_TEXT]; /* the way out that is still to be said: lines that share one say it once, at the last of them */
};

doctor_printer *doctor_printer_new(bool json, bool color, int columns)
{
	doctor_printer *p = ns_xcalloc(1, sizeof *p);
	p->json = json;
	p->color = color;
	p->columns = columns;
	return p;
}

static char *clean(const char *s)
{
	return ns_redact_line(s, strlen(s), MAX_TEXT);
}

/* ---- for people ---- */

/* Words from `column` on, wrapped to the terminal; a pipe gets one line. */
static void put_words(const doctor_printer *p, const char *text, int column)
{
	int width = p->columns > column + LEAST_TEXT ? p->columns - column : 0, at = 0;
	for (const char *s = text; *s;) {
		char word[MAX_TEXT + 1];
		size_t n = strcspn(s, " ");
		snprintf(word, sizeof word, "%.*s", (int)n, s);
		int w = ns_utf8_width(word);
		if (width && at && at + 1 + w > width) {
			printf("\n%*s", column, "");
			at = 0;
		}
		printf("%s%s", at ? " " : "", word);
		at += w + (at > 0);
		s += n + strspn(s + n, " ");
	}
	putchar('\n');
}

static void flush_fix(doctor_printer *p)
{
	if (!*p->fix)
		return;
	printf("%*s-> ", TEXT_COLUMN, "");
	put_words(p, p->fix, TEXT_COLUMN + 3);
	*p->fix = '\0';
}

static void put_line(doctor_printer *p, doctor_status status, const char *name, const char *text, const char *fix)
{
	char *said = clean(text), *out = clean(fix), *who = clean(name);
	if (strcmp(out, p->fix) != 0)
		flush_fix(p);
	int pad = TEXT_COLUMN - NAME_COLUMN - ns_utf8_width(who);
	printf("  %s%-4s%s  %s%*s", p->color ? looks[status].color : "", looks[status].word, p->color ? "\033[0m" : "", who,
	    pad > 1 ? pad : 1, "");
	put_words(p, said, TEXT_COLUMN);
	ns_copy(p->fix, sizeof p->fix, out);
	free(said);
	free(out);
	free(who);
}

static void flush_unmet(doctor_printer *p)
{
	if (!p->unmet.len)
		return;
	ns_buf_printf(&p->unmet, " (needs %s)", p->because);
	put_line(p, DOCTOR_SKIP, "not checked", ns_buf_str(&p->unmet), "");
	ns_buf_clear(&p->unmet);
}

static void open_group(doctor_printer *p, const doctor_check *check, const char *cluster)
{
	char title[160];
	snprintf(title, sizeof title, "%s%s%s", cluster, *cluster ? ": " : "", check->group);
	if (strcmp(title, p->group) == 0)
		return;
	flush_fix(p);
	char *safe = clean(title);
	printf("%s%s%s%s\n", p->printed ? "\n" : "", p->color ? "\033[1m" : "", safe, p->color ? "\033[0m" : "");
	free(safe);
	ns_copy(p->group, sizeof p->group, title);
}

static void print_text(doctor_printer *p, const doctor_check *check, const char *cluster, const doctor_line *l)
{
	/* One failure may keep a dozen checks from running: they are one line, under whatever group they stand. */
	if (l->unmet) {
		if (strcmp(p->because, l->text) != 0)
			flush_unmet(p);
		ns_copy(p->because, sizeof p->because, l->text);
		ns_buf_printf(&p->unmet, "%s%s", p->unmet.len ? ", " : "", l->name);
		return;
	}
	flush_unmet(p);
	open_group(p, check, cluster);
	put_line(p, l->status, l->name, l->text, l->fix);
}

/* ---- for programs ---- */

static void print_json(doctor_printer *p, const doctor_check *check, const char *cluster, const doctor_line *l, int64_t took_ms)
{
	cJSON *j = cJSON_CreateObject();
	char *said = l->unmet ? ns_xasprintf("not checked: needs %s", l->text) : clean(l->text), *fix = clean(l->fix);
	ns_json_put_str(j, "cluster", cluster);
	ns_json_put_str(j, "group", check->group);
	ns_json_put_str(j, "check", check->name);
	ns_json_put_str(j, "name", l->name);
	ns_json_put_str(j, "status", looks[l->status].word);
	ns_json_put_str(j, "code", l->status == DOCTOR_FAIL ? ns_code_lookup(l->code)->name : "");
	ns_json_put_str(j, "text", said);
	ns_json_put_str(j, "fix", fix);
	ns_json_put_int(j, "ms", took_ms);
	char *text = ns_json_text(j);
	printf("%s%s", p->printed ? ",\n " : "[", text);
	free(text);
	free(said);
	free(fix);
	cJSON_Delete(j);
}

void doctor_print(void *printer, const doctor_check *check, const char *cluster, const doctor_line *lines, size_t n, int64_t took_ms)
{
	doctor_printer *p = printer;
	for (size_t i = 0; i < n; i++) {
		const doctor_line *l = &lines[i];
		if (p->json)
			print_json(p, check, cluster, l, took_ms);
		else
			print_text(p, check, cluster, l);
		p->printed++;
		p->count[l->status]++;
		if (l->status == DOCTOR_FAIL && p->first == NS_OK)
			p->first = l->code ? l->code : NS_E_FAILED;
	}
	fflush(stdout);
}

int doctor_printer_end(doctor_printer *p, bool complete, int64_t took_ms)
{
	int status = ns_code_lookup(complete ? p->first : NS_E_CANCELLED)->exit_status;
	if (p->json) {
		puts(p->printed ? "]" : "[]");
	} else {
		flush_unmet(p);
		flush_fix(p);
		printf("\n%zu ok, %zu warning%s, %zu failed, %zu not checked, in %.1f s%s\n", p->count[DOCTOR_OK], p->count[DOCTOR_WARN],
		    p->count[DOCTOR_WARN] == 1 ? "" : "s", p->count[DOCTOR_FAIL], p->count[DOCTOR_SKIP], (double)took_ms / 1000,
		    complete ? "" : " (interrupted)");
	}
	ns_buf_free(&p->unmet);
	free(p);
	return fflush(stdout) == 0 || status ? status : 1;
}
