/* The audit outside of the store: anchors as a log has them, rows as lines, and the proof of such lines. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"

enum { DIGITS = NS_HEX256 - 1, MAX_ANCHORS = 1000000 };
static const ns_json_limits line_limits = {.max_bytes = 32u << 20, .max_depth = 128};

/* ---- anchors ---- */

/* "HASH" or "HASH@ROW" at p; returns where it ends, NULL when it is none. */
static const char *read_anchor(const char *p, ns_audit_anchor *a)
{
	size_t n = strspn(p, "0123456789abcdef");
	char *end;
	if (n != DIGITS)
		return NULL;
	memcpy(a->hash, p, DIGITS);
	a->hash[DIGITS] = '\0';
	a->seq = 0;
	if (p[DIGITS] != '@')
		return p + DIGITS;
	errno = 0;
	a->seq = strtoll(p + DIGITS + 1, &end, 10);
	return ns_is_digit(p[DIGITS + 1]) && !errno && a->seq > 0 ? end : NULL;
}

typedef struct anchor_list {
	ns_audit_anchor *list;
	size_t n, cap, skipped;
} anchor_list;

static bool add(anchor_list *l, const ns_audit_anchor *a, ns_err *err)
{
	if (l->n == MAX_ANCHORS)
		return ns_fail(err, NS_E_TOOBIG, "more than %d anchors: give the latest of them", MAX_ANCHORS);
	if (l->n == l->cap)
		l->list = ns_xrealloc(l->list, (l->cap = l->cap ? 2 * l->cap : 16) * sizeof *l->list);
	l->list[l->n++] = *a;
	return true;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);
	return n >= k && strcmp(s + n - k, end) == 0;
}

/* The one anchor of a line of a log, whatever stands before it. Of another state directory it is not ours. The directory is what the line ends with:
 * what people typed stands before it and may look the same. */
static bool take_line(anchor_list *l, const char *line, const char *dir, ns_err *err)
{
	static const char in[] = "; in ";
	ns_audit_anchor a;
	for (const char *p = line; (p = strchr(p, '@')); p++) {
		if (p - line < DIGITS || (p - line > DIGITS && ns_is_alnum(p[-DIGITS - 1])) || !read_anchor(p - DIGITS, &a))
			continue;
		size_t before = strlen(p) >= strlen(dir) + sizeof in - 1 ? strlen(p) - strlen(dir) - (sizeof in - 1) : 0;
		if (strstr(p, in) && !(ends_with(p, dir) && strncmp(p + before, in, sizeof in - 1) == 0)) {
			l->skipped++;
			return true;
		}
		return add(l, &a, err);
	}
	return true;
}

static bool take_file(anchor_list *l, const char *path, const char *dir, ns_err *err)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0, before = l->n, skipped = l->skipped;
	bool ok = f || ns_fail_errno(err, errno == ENOENT ? NS_E_NOTFOUND : NS_E_IO, "--anchor %.200s is neither HASH@ROW nor a file that can be read", path);
	while (ok && getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		ok = take_line(l, line, dir, err);
	}
	if (ok && l->n == before)
		ok = l->skipped > skipped ? ns_fail(err, NS_E_NOTFOUND, "%.200s has %zu anchors and none of them is of %s", path, l->skipped - skipped, dir)
		                          : ns_fail(err, NS_E_NOTFOUND, "%.200s has no anchor: a line with HASH@ROW", path);
	free(line);
	if (f)
		fclose(f);
	return ok;
}

bool audit_anchors_read(const char *const *names, const char *head, const char *state_dir, ns_audit_anchor **out, size_t *n, size_t *skipped, ns_err *err)
{
	anchor_list l = {0};
	ns_audit_anchor a;
	char *real = realpath(state_dir, NULL), *dir = ns_text_clean_dup(real ? real : state_dir, NS_ANCHOR_DIR);
	const char *end = *head ? read_anchor(head, &a) : NULL;
	bool ok = !*head || (end && !*end && add(&l, &a, err)) || ns_fail(err, NS_E_USAGE, "--head %.80s is no hash of 64 digits", head);
	for (; ok && *names; names++) {
		end = read_anchor(*names, &a);
		ok = end && !*end ? add(&l, &a, err) : take_file(&l, *names, dir, err);
	}
	*out = l.list;
	*n = l.n;
	*skipped = l.skipped;
	free(real);
	free(dir);
	return ok;
}

/* ---- a row as a line ---- */

static const struct { const char *key, *key_text; size_t at; bool json; } texts[] = {
    {"actor", "actor", offsetof(ns_audit_row, actor), false}, {"action", "action", offsetof(ns_audit_row, action), false},
    {"detail", "detail_text", offsetof(ns_audit_row, detail), true}, {"who", "who_text", offsetof(ns_audit_row, who), true},
    {"digest", "digest", offsetof(ns_audit_row, digest), false}, {"before", "before_text", offsetof(ns_audit_row, before), true},
    {"after", "after_text", offsetof(ns_audit_row, after), true}, {"facts", "facts", offsetof(ns_audit_row, facts), false}};
enum { TEXTS = sizeof texts / sizeof texts[0] };

/* As a value when that gives the same bytes back, else as the text itself. */
static void put_text(cJSON *o, size_t i, const char *text)
{
	cJSON *j = texts[i].json ? ns_json_parse(text, strlen(text), &line_limits, NULL) : NULL;
	char *again = j ? ns_json_text(j) : NULL;
	if (again && strcmp(again, text) == 0) {
		cJSON_AddItemToObject(o, texts[i].key, j);
	} else {
		cJSON_Delete(j);
		ns_json_put_str(o, texts[i].key_text, text);
	}
	free(again);
}

/* What was redacted when it was written may have more in it that is known for a secret today (law 12). */
static bool redact_again(const char *text, ns_buf *clean)
{
	return ns_redact(clean, text, strlen(text)) > 0 && strcmp(ns_buf_str(clean), text) != 0;
}

void audit_line(ns_buf *out, const ns_audit_row *r, bool shown, const char *prev)
{
	cJSON *o = cJSON_CreateObject();
	char at[32], row[NS_HEX256];
	ns_json_put_int(o, "seq", r->seq);
	ns_time_format(r->at_ms, at);
	if (shown) {
		ns_json_put_str(o, "at", at);
		ns_json_put_int(o, "at_ms", r->at_ms);
		ns_json_put_int(o, "incident", r->incident);
	}
	for (size_t i = 0; shown && i < TEXTS; i++) {
		const char *text = *(const char *const *)((const char *)r + texts[i].at);
		ns_buf clean = NS_BUF_INIT;
		if (text && redact_again(text, &clean)) {
			ns_json_put_bool(o, "redacted", true);
			ns_json_put_str(o, texts[i].key_text, ns_buf_str(&clean));
		} else if (text) {
			put_text(o, i, text);
		}
		ns_buf_free(&clean);
	}
	if (ns_audit_row_digest(r, row))
		ns_json_put_str(o, "row", row);
	ns_json_put_str(o, "hash", r->hash);
	if (prev)
		ns_json_put_str(o, "prev", prev);
	ns_json_write(o, out);
	cJSON_Delete(o);
}

/* ---- lines proven ---- */

/* The row of a line; strings live in ar or the line. False when the line shows none. */
static bool read_row(ns_arena *ar, const cJSON *o, ns_audit_row *r)
{
	*r = (ns_audit_row){0};
	if (!ns_json_get(o, "action") || ns_json_bool_or(o, "redacted", false))
		return false;
	r->at_ms = ns_json_int_or(o, "at_ms", 0);
	r->incident = ns_json_int_or(o, "incident", 0);
	for (size_t i = 0; i < TEXTS; i++) {
		const cJSON *j = ns_json_get(o, texts[i].key);
		const char **field = (const char **)((char *)r + texts[i].at);
		if (texts[i].json && j) {
			char *text = ns_json_text(j);
			*field = ns_arena_strdup(ar, text);
			free(text);
		} else {
			*field = ns_json_str(o, texts[i].key_text, NULL);
		}
	}
	return true;
}

static bool prove_line(const cJSON *o, audit_file_proof *p, ns_audit_anchors *anchors, ns_err *err)
{
	ns_audit_row r;
	ns_arena *ar = ns_arena_new();
	char own[NS_HEX256], want[NS_HEX256] = "";
	const char *row = ns_json_str(o, "row", ""), *hash = ns_json_str(o, "hash", "");
	int64_t seq = ns_json_int_or(o, "seq", 0);
	bool ok = true;
	if (!p->rows) {
		p->first = seq;
		const char *prev = ns_json_str(o, "prev", seq == 1 ? ns_audit_genesis : "");
		ok = (strlen(prev) == DIGITS && (seq != 1 || strcmp(prev, ns_audit_genesis) == 0)) || ns_fail(err, NS_E_INVALID, "its first line does not say what was before it (prev)");
		if (ok)
			memcpy(p->prev, prev, sizeof p->prev), memcpy(p->head, prev, sizeof p->head);
	}
	if (ok && (seq < 1 || seq != p->first + p->rows))
		ok = ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " is missing: row %" PRId64 " follows row %" PRId64, p->first + p->rows, seq, p->first + p->rows - 1);
	bool whole = ok && read_row(ar, o, &r);
	if (whole) {
		r.seq = seq;
		ns_audit_row_hash(p->head, &r, want);
		if (ns_audit_row_digest(&r, own) && strcmp(own, row) != 0)
			ok = ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " does not match its digest: its content was changed after it was written", seq);
	} else if (ok && *row) {
		ns_audit_link(p->head, row, want);
	} else if (ok) {
		p->given++;
		snprintf(want, sizeof want, "%s", hash);
	}
	if (ok && (strlen(hash) != DIGITS || strcmp(want, hash) != 0))
		ok = ns_fail(err, NS_E_INVALID, "audit row %" PRId64 " does not match its hash: it was changed, or rows were removed, exchanged or put in before it", seq);
	if (ok) {
		memcpy(p->head, hash, sizeof p->head);
		p->rows++;
		p->shown += whole;
		ns_audit_anchors_row(anchors, seq, hash);
	}
	ns_arena_free(ar);
	return ok;
}

bool audit_file_prove(const char *path, ns_audit_anchors *anchors, audit_file_proof *out, ns_err *err)
{
	*out = (audit_file_proof){0};
	FILE *f = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
	if (!f)
		return ns_fail_errno(err, errno == ENOENT ? NS_E_NOTFOUND : NS_E_IO, "%.200s", path);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool ok = true;
	while (ok && (n = getline(&line, &cap, f)) >= 0) {
		cJSON *o = ns_json_parse(line, (size_t)n, &line_limits, err);
		ok = o && prove_line(o, out, anchors, err);
		if (!ok)
			ns_err_wrap(err, "%.200s, line %" PRId64, path, out->rows + 1);
		cJSON_Delete(o);
	}
	if (ok && (ferror(f) || !out->rows))
		ok = ns_fail(err, NS_E_INVALID, "%.200s has no rows of an audit", path);
	free(line);
	fclose(f);
	return ok && ns_audit_anchors_judge(anchors, err);
}
