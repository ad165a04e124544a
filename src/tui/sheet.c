/* The approve and reject sheets: how a decision is made and how it is not made by accident.
 *
 * A sheet freezes what it shows. It is bound to an approval's id and digest, never to a row. Only `y` (or, for high risk, the four digits
 * that the sheet shows and Enter) accepts, and only once the sheet has been on screen for half a second and the keyboard has been silent:
 * what was typed before it was seen cannot answer it. Every other key but those that page cancels, and cancelling sends nothing. When the
 * plan, the engine's state or the time takes away what the sheet asks, it says so and the accept keys are dead. */
#include "neuroscale/base/text.h"
#include "neuroscale/sys/digest.h"
#include "view.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD_MS = 500, TRIES = 3 };

static const char *const reasons[] = {"wrong target", "thin evidence", "too risky", "not now", "fixed already", "other"};

/* Four digits that nobody can type before having seen them: they follow from the plan, the request and a number of this sheet. */
static void make_code(ns_ui *ui, ns_sheet *s)
{
	char text[160], hex[NS_HEX256];
	snprintf(text, sizeof text, "%s:%lld:%u", s->digest, (long long)s->approval, ++ui->nonce);
	ns_sha256_hex(text, strlen(text), hex);
	hex[8] = '\0';
	snprintf(s->code, sizeof s->code, "%04u", (unsigned)(strtoul(hex, NULL, 16) % 10000));
	*s->typed = '\0';
}

static void freeze(ns_sheet *s, const ns_appr_row *r)
{
	ns_arena_free(s->arena);
	s->arena = ns_arena_new();
	s->row = *r;
	const char **const texts[] = {&s->row.digest, &s->row.cluster, &s->row.ns, &s->row.target_kind, &s->row.target, &s->row.headline,
	    &s->row.summary, &s->row.ask, &s->row.root_cause, &s->row.runbook, &s->row.command, &s->row.diff, &s->row.undo, &s->row.verify,
	    &s->row.effect, &s->row.warnings, &s->row.people, &s->row.analyst, &s->row.autonomy};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = ns_arena_strdup(s->arena, *texts[i]);
}

/* Shows that row from now on. Whatever was typed until then was not about it. */
static void bind(ns_ui *ui, const ns_appr_row *r)
{
	ns_sheet *s = &ui->sheet;
	freeze(s, r);
	s->approval = r->id;
	ns_copy(s->digest, sizeof s->digest, r->digest);
	*s->code = *s->typed = *s->note = '\0';
	if (s->approve && !s->undo && r->risk >= NS_RISK_HIGH && r->id)
		make_code(ui, s);
	s->painted_ms = -1;
	s->quiet = false;
	ui->want.flush_input = true;
}

static const ns_appr_row *row_of(const ns_ui *ui, bool undo, int64_t incident)
{
	return undo ? ns_ui_undo_of(ui, incident) : ns_ui_approval_of(ui, incident);
}

static void open_sheet(ns_ui *ui, bool approve, bool undo, int64_t incident)
{
	const ns_appr_row *r = row_of(ui, undo, incident);
	if (!r)
		return;
	ns_sheet_close(ui);
	ui->sheet = (ns_sheet){.state = NS_SHEET_OPEN, .approve = approve, .undo = undo, .incident = incident};
	*ui->flash = '\0';
	bind(ui, r);
}

void ns_sheet_open(ns_ui *ui, bool approve, int64_t incident)
{
	open_sheet(ui, approve, false, incident);
}

void ns_sheet_open_undo(ns_ui *ui, int64_t incident)
{
	open_sheet(ui, true, true, incident);
}

void ns_sheet_close(ns_ui *ui)
{
	ns_arena_free(ui->sheet.arena);
	ui->sheet = (ns_sheet){.state = NS_SHEET_NONE};
}

static void sheet_void(ns_sheet *s, const char *why)
{
	s->state = NS_SHEET_VOID;
	*s->note = '\0';
	ns_copy(s->why, sizeof s->why, why);
}

/* It left the queue: what became of it stands in its incident. */
static void left_queue(ns_ui *ui)
{
	ns_sheet *s = &ui->sheet;
	const ns_inc_row *r = ns_ui_incident(ui, s->incident);
	char why[512], buf[32];
	if (!r) {
		sheet_void(s, "NOT WAITING ANY MORE: the engine has no open incident for it.");
		return;
	}
	ns_word st = ns_word_state(r, buf);
	snprintf(why, sizeof why, "%s: it is %s now%s%s", s->undo ? "NOT POSSIBLE ANY MORE" : "DECIDED ELSEWHERE", st.text, *r->note ? ": " : ".", r->note);
	if (s->undo)
		;
	else if (r->state == NS_ST_EXPIRED)
		snprintf(why, sizeof why, "EXPIRED: nobody answered in time, and silence is no.%s%s", *r->note ? " " : "", r->note);
	else if (r->state == NS_ST_WITHDRAWN || r->state == NS_ST_RESOLVED)
		snprintf(why, sizeof why, "WITHDRAWN: it recovered before anybody decided.%s%s", *r->note ? " " : "", r->note);
	sheet_void(s, why);
}

void ns_sheet_check(ns_ui *ui)
{
	ns_sheet *s = &ui->sheet;
	if (s->state != NS_SHEET_OPEN)
		return;
	if (ui->gone) {
		sheet_void(s, "ENGINE GONE: it does not answer, so nothing can be decided here.");
		return;
	}
	const ns_appr_row *r = row_of(ui, s->undo, s->incident);
	if (!r) {
		left_queue(ui);
	} else if (!s->approval) {
		if (r->id || r->state != s->row.state) /* the dry-run came back: the same plan, complete; it is read anew */
			bind(ui, r);
	} else if (r->id != s->approval || strcmp(r->digest, s->digest) != 0 || r->state != s->row.state) {
		sheet_void(s, s->undo ? "UNDO CHANGED - Esc, then u again" : s->approve ? "PLAN CHANGED - Esc, then a again" : "PLAN CHANGED - Esc, then x again");
	} else if (s->row.deadline_ms > 0 && ui->wall >= s->row.deadline_ms) {
		sheet_void(s, s->undo ? "EXPIRED: it cannot be taken back here any more." : "EXPIRED: nobody answered in time, and silence is no.");
	}
}

void ns_sheet_why_not(const ns_ui *ui, char *out, size_t cap)
{
	if (ui->sheet.undo)
		ns_ui_why_no_undo(ui, ui->sheet.incident, out, cap);
	else
		ns_ui_why_not(ui, ui->sheet.approve, ui->sheet.incident, out, cap);
}

/* True when accept keys may be heard now; else the note says why not. */
static bool may_accept(ns_ui *ui)
{
	ns_sheet *s = &ui->sheet;
	char why[256];
	ns_sheet_why_not(ui, why, sizeof why);
	if (*why) {
		ns_copy(s->note, sizeof s->note, "Not now: the reason stands below.");
		return false;
	}
	if (s->painted_ms < 0 || !s->quiet || ui->mono - s->painted_ms < GUARD_MS) {
		ns_copy(s->note, sizeof s->note, "Too soon to have been read. Press it again.");
		return false;
	}
	*s->note = '\0';
	return true;
}

static void send(ns_ui *ui, const char *reason)
{
	ns_sheet *s = &ui->sheet;
	ui->want.decide = true;
	ui->want.decision.approval = s->approval;
	ui->want.decision.incident = s->incident;
	ui->want.decision.approve = s->approve;
	ui->want.decision.undo = s->undo;
	ns_copy(ui->want.decision.digest, sizeof ui->want.decision.digest, s->digest);
	ns_copy(ui->want.decision.reason, sizeof ui->want.decision.reason, reason);
	s->state = NS_SHEET_SENDING;
}

static void cancel(ns_ui *ui)
{
	const char *what = ui->sheet.undo ? "Undo" : ui->sheet.approve ? "Approval" : "Rejection";
	ns_sheet_close(ui);
	ns_ui_flash(ui, false, "%s cancelled. Nothing was sent.", what);
}

static bool pages(ns_ui *ui, uint32_t key)
{
	ns_sheet *s = &ui->sheet;
	int by = 0, step = ns_sheet_page(ui);
	switch (key) {
	case 'j':
	case NS_KEY_DOWN: by = 1; break;
	case 'k':
	case NS_KEY_UP: by = -1; break;
	case ' ':
	case NS_KEY_PGDN:
	case NS_CTRL('d'): by = step; break;
	case NS_KEY_PGUP:
	case NS_CTRL('u'): by = -step; break;
	default: return false;
	}
	int max = ns_sheet_max_top(ui);
	s->top += by;
	if (s->top > max)
		s->top = max;
	if (s->top < 0)
		s->top = 0;
	return true;
}

static void code_key(ns_ui *ui, uint32_t key)
{
	ns_sheet *s = &ui->sheet;
	size_t n = strlen(s->typed);
	if (key >= '0' && key <= '9') {
		if (may_accept(ui) && n < 4) {
			s->typed[n] = (char)key;
			s->typed[n + 1] = '\0';
		}
	} else if (key == NS_KEY_BACKSPACE && n) {
		s->typed[n - 1] = '\0';
	} else if (key == NS_KEY_ENTER && n == 4) {
		if (!may_accept(ui))
			return;
		if (ns_const_time_eq(s->typed, s->code)) {
			send(ui, "");
		} else if (++s->wrong == TRIES) {
			cancel(ui);
			ns_ui_flash(ui, true, "Three wrong codes: the sheet is closed and nothing was sent.");
		} else {
			*s->typed = '\0';
			snprintf(s->note, sizeof s->note, "Not the code. %d of %d tries are left.", TRIES - s->wrong, TRIES);
		}
	} else {
		cancel(ui);
	}
}

static void plain_key(ns_ui *ui, uint32_t key)
{
	bool numbered = !ui->sheet.approve && key >= '1' && key <= '6';
	if (key != 'y' && !numbered) {
		cancel(ui);
		return;
	}
	if (may_accept(ui))
		send(ui, numbered ? reasons[key - '1'] : "");
}

void ns_sheet_key(ns_ui *ui, uint32_t key, bool burst)
{
	ns_sheet *s = &ui->sheet;
	ns_sheet_check(ui);
	switch (s->state) {
	case NS_SHEET_NONE: break;
	case NS_SHEET_SENDING:
		if (key == NS_KEY_ESC || key == 'q' || key == NS_CTRL('c')) {
			ns_sheet_close(ui);
			ns_ui_flash(ui, false, "The decision is on its way; what becomes of it will be said here.");
		}
		break;
	case NS_SHEET_DONE: ns_sheet_close(ui); break;
	case NS_SHEET_VOID:
		if (!pages(ui, key))
			ns_sheet_close(ui);
		break;
	case NS_SHEET_OPEN:
		if (pages(ui, key))
			break;
		if (burst)
			ns_copy(s->note, sizeof s->note, "That was pasted, not typed: ignored.");
		else if (*s->code)
			code_key(ui, key);
		else
			plain_key(ui, key);
		break;
	}
}
