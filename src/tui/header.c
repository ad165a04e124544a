/* The first line (where am I, who am I, what needs me, is it fresh), the warnings under it, and the two last lines. */
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- header ---- */

typedef struct part {
	char text[96];
	ns_color_role role;
	bool bold, right;
	int keep; /* the lowest leaves first when it is narrow; 9 stays */
} part;
enum { PARTS = 16 };

typedef struct parts {
	part p[PARTS];
	int n;
} parts;

static void add(parts *ps, bool right, int keep, ns_color_role role, bool bold, const char *text)
{
	if (!*text || ps->n == PARTS)
		return;
	part *p = &ps->p[ps->n++];
	*p = (part){.role = role, .bold = bold, .right = right, .keep = keep};
	ns_copy(p->text, sizeof p->text, text);
}

static void upper(const char *s, char *out, size_t cap)
{
	size_t i = 0;
	for (; s[i] && i + 1 < cap; i++)
		out[i] = (char)toupper((unsigned char)s[i]);
	out[i] = '\0';
}

/* The link in a word, with the age of what is shown once that says something. A quiet cluster is silent for a minute: coarse steps, so that
 * a console nobody looks at has nothing to do. */
static void link_part(const ns_pen *p, parts *ps, const ns_cluster_row *c)
{
	const ns_ui *ui = p->ui;
	char text[64], age[16];
	if (ns_cluster_stale(ui, c)) {
		ns_pen_age(p, c->last_event_ms > 0 ? c->last_event_ms : c->link_since_ms, age);
		snprintf(text, sizeof text, "STALE %s", age);
		add(ps, true, 9, NS_ROLE_STATE_STALE, true, text);
		return;
	}
	if (!c->live || !c->synced) {
		add(ps, true, 9, NS_ROLE_STATE_RUN, false, c->live ? "syncing" : "connecting");
		ns_pen_due(p, 5000);
		return;
	}
	int64_t quiet = ui->wall - c->last_event_ms;
	if (c->last_event_ms <= 0 || quiet < 15000) {
		add(ps, true, 9, NS_ROLE_STATE_OK, false, "live");
		ns_pen_due(p, c->last_event_ms > 0 ? 15000 - quiet : 15000);
	} else {
		int64_t step = quiet < 60000 ? 15000 : quiet < 3600000 ? 60000 : 3600000;
		ns_duration_format(quiet / step * step, age);
		snprintf(text, sizeof text, "live %s", age);
		add(ps, true, 9, NS_ROLE_STATE_OK, false, text);
		ns_pen_due(p, step - quiet % step);
	}
}

/* "3 live", "2 of 3 live": the strip says which. */
static void links_part(const ns_pen *p, parts *ps)
{
	const ns_snapshot *s = p->ui->snap;
	char text[64];
	size_t live = 0;
	for (size_t i = 0; i < s->n_clusters; i++)
		live += s->clusters[i].live && s->clusters[i].synced;
	if (live == s->n_clusters)
		snprintf(text, sizeof text, "%zu live", live);
	else
		snprintf(text, sizeof text, "%zu of %zu live", live, s->n_clusters);
	add(ps, true, 9, live == s->n_clusters ? NS_ROLE_STATE_OK : NS_ROLE_STATE_STALE, live != s->n_clusters, text);
	if (live != s->n_clusters)
		ns_pen_due(p, 5000);
}

static void state_part(const ns_pen *p, parts *ps)
{
	const ns_snapshot *s = p->ui->snap;
	if (p->ui->gone)
		add(ps, true, 9, NS_ROLE_STATE_FAIL, true, "ENGINE GONE");
	else if (!s || !s->n_clusters)
		add(ps, true, 9, NS_ROLE_STATE_RUN, false, "starting");
	else if (s->n_clusters == 1)
		link_part(p, ps, &s->clusters[0]);
	else
		links_part(p, ps);
}

static void count_parts(const ns_pen *p, parts *ps, bool narrow)
{
	const ns_snapshot *s = p->ui->snap;
	char text[64];
	size_t ready = 0;
	for (size_t i = 0; i < s->n_approvals; i++)
		ready += s->approvals[i].state == NS_CARD_READY;
	snprintf(text, sizeof text, narrow ? "C%zu" : "CRIT %zu", s->n_crit);
	add(ps, true, 9, s->n_crit ? NS_ROLE_SEV_CRIT : NS_ROLE_TEXT_DIM, s->n_crit > 0, text);
	snprintf(text, sizeof text, narrow ? "W%zu" : "WARN %zu", s->n_warn);
	add(ps, true, 8, s->n_warn ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM, false, text);
	snprintf(text, sizeof text, narrow ? "A%zu%s" : "APPR %zu%s", s->n_approvals, ready ? "!" : "");
	add(ps, true, 9, ready ? NS_ROLE_STATE_WAIT : NS_ROLE_TEXT_DIM, ready > 0, text);
}

/* "uid 1000 (kim)" is for the audit; "kim" for the header. */
static void login_name(const char *user, char *out, size_t cap)
{
	const char *open = strchr(user, '('), *close = open ? strchr(open, ')') : NULL;
	if (close && close > open + 1)
		snprintf(out, cap, "%.*s", (int)(close - open - 1), open + 1);
	else
		snprintf(out, cap, "%s", user);
}

static void put_used(char *out, size_t cap, int64_t used, int64_t most, const char *unit)
{
	char limit[32] = "";
	if (most >= 0)
		snprintf(limit, sizeof limit, "/%lld", (long long)most);
	snprintf(out, cap, " %lld%s %s", (long long)used, limit, unit);
}

/* Who analyses, and what of the day's budget is gone: "qwen-max 0.12/10 USD", with calls and tokens where there is room; "offline: budget", of which
 * a narrow screen keeps the one word that counts. */
static void model_part(const ns_snapshot *s, parts *ps, int width)
{
	const ns_model_row *m = &s->model;
	char text[256], most[32] = "", calls[64] = "", tokens[64] = "";
	if (!m->on)
		return;
	if (*m->offline_why) {
		snprintf(text, sizeof text, width < 120 ? "offline" : "offline: %.60s", m->offline_why);
		add(ps, false, 5, NS_ROLE_STATE_WAIT, false, text);
		return;
	}
	double spent = (double)m->day.micro_usd / 1e6;
	if (m->day.most_micro_usd >= 0)
		snprintf(most, sizeof most, "/%.4g", (double)m->day.most_micro_usd / 1e6);
	if (width >= 140) {
		put_used(calls, sizeof calls, m->day.calls, m->day.most_calls, "calls");
		put_used(tokens, sizeof tokens, m->day.tokens, m->day.most_tokens, "tokens");
	}
	snprintf(text, sizeof text, "%.28s%s%s %.*f%s USD", m->name, calls, tokens, spent > 0 && spent < .1 ? 4 : 2, spent, most);
	add(ps, false, 1, NS_ROLE_TEXT_DIM, false, text);
}

static void collect(const ns_pen *p, parts *ps, bool narrow)
{
	const ns_ui *ui = p->ui;
	const ns_snapshot *s = ui->snap;
	char text[96], word[32];
	if (!s) {
		add(ps, false, 9, NS_ROLE_HEADER, true, "NeuroScale Autopilot");
		add(ps, false, 2, NS_ROLE_TEXT, false, ui->user);
		state_part(p, ps);
		return;
	}
	bool demo = !strcmp(s->mode, "demo");
	upper(s->mode, word, sizeof word);
	snprintf(text, sizeof text, " %s ", word);
	add(ps, false, 9, demo ? NS_ROLE_HEADER_DEMO : NS_ROLE_HEADER_PROD, true, text);
	if (s->clock_rate > 1) {
		snprintf(text, sizeof text, "x%d", s->clock_rate);
		add(ps, false, 7, NS_ROLE_STATE_WAIT, true, text);
	}
	const ns_cluster_row *c = ns_ui_cluster(ui, s->n_clusters == 1 ? s->clusters[0].name : ui->cluster); /* the one that is shown */
	if (c) {
		snprintf(text, sizeof text, s->n_clusters > 1 ? "only %.80s" : "%.90s", c->name);
		add(ps, false, 6, ns_cluster_role(c), true, text);
		snprintf(text, sizeof text, "%s%s", p->r.w < 100 ? "" : "profile ", ns_profile_name(c->profile));
		add(ps, false, 4, NS_ROLE_TEXT, false, text);
	} else {
		snprintf(text, sizeof text, "%zu clusters", s->n_clusters);
		add(ps, false, 6, NS_ROLE_TEXT_STRONG, true, text);
	}
	if (ui->role_known) {
		char who[64];
		login_name(ui->user, who, sizeof who);
		snprintf(
		    text, sizeof text, "%s%s%s", narrow ? "" : who, narrow || !*who ? "" : " ", ui->role >= NS_ROLE_APPROVER ? "rw" : "ro");
		add(ps, false, 3, NS_ROLE_TEXT, false, text);
	}
	if (!narrow && c)
		add(ps, false, 1, c->lease_held ? NS_ROLE_TEXT_DIM : NS_ROLE_STATE_WAIT, false, c->lease_held ? "lease held" : "observing");
	model_part(s, ps, p->r.w);
	count_parts(p, ps, narrow);
	state_part(p, ps);
}

static int width_of(const parts *ps, int gap)
{
	int w = 0;
	for (int i = 0; i < ps->n; i++)
		w += ns_utf8_width(ps->p[i].text) + gap;
	return w;
}

static void drop_least(parts *ps)
{
	int least = -1;
	for (int i = 0; i < ps->n; i++)
		if (ps->p[i].keep < 9 && (least < 0 || ps->p[i].keep < ps->p[least].keep))
			least = i;
	if (least < 0) {
		ps->n--;
		return;
	}
	memmove(&ps->p[least], &ps->p[least + 1], (size_t)(ps->n - least - 1) * sizeof ps->p[0]);
	ps->n--;
}

/* Too small for anything but saying so, and that something calls. */
static void tiny(const ns_pen *p)
{
	const ns_snapshot *s = p->ui->snap;
	bool calls = s && (s->n_approvals || s->n_crit);
	ns_pen_text(p, 0, 0, p->r.w, NS_ROLE_STATE_WAIT, p->r.w >= 21 ? "too small: needs 20x5" : "needs 20x5");
	if (calls && p->r.h > 1)
		ns_pen_printf(p, 0, 1, p->r.w, NS_ROLE_SEV_CRIT, "A%zu C%zu W%zu", s->n_approvals, s->n_crit, s->n_warn);
}

void ns_header_draw(const ns_pen *p, const ns_layout *l)
{
	if (l->cls == NS_CLASS_TINY) {
		tiny(p);
		return;
	}
	bool narrow = p->r.w < 72;
	int gap = narrow ? 1 : 2;
	parts ps = {.n = 0};
	collect(p, &ps, narrow);
	while (ps.n && width_of(&ps, gap) - gap > p->r.w)
		drop_least(&ps);
	int x = 0, right = p->r.w;
	for (int i = ps.n - 1; i >= 0; i--)
		if (ps.p[i].right)
			right -= ns_utf8_width(ps.p[i].text) + gap;
	right += gap;
	for (int i = 0; i < ps.n; i++) {
		const part *q = &ps.p[i];
		int *at = q->right ? &right : &x;
		ns_grid_text(p->g, p->r, *at, 0, p->r.w, q->role, q->bold ? NS_ATTR_BOLD : 0, q->text);
		*at += ns_utf8_width(q->text) + gap;
	}
}

/* ---- warnings ---- */

typedef struct warning {
	ns_color_role role;
	const char *word;
	char text[320];
} warning;
enum { WARNINGS = 12 };
typedef struct warnings {
	warning w[WARNINGS];
	int n, more; /* more: had no place */
} warnings;

/* cluster NULL: about the engine. With one cluster its name says nothing. */
static void warn(warnings *w, const ns_ui *ui, ns_color_role role, const char *word, const ns_cluster_row *c, const char *text)
{
	if (w->n == WARNINGS) {
		w->more++;
		return;
	}
	warning *x = &w->w[w->n++];
	x->role = role;
	x->word = word;
	bool named = c && ns_ui_several(ui);
	snprintf(x->text, sizeof x->text, "%.80s%s%s", named ? c->name : "", named ? ": " : "", text);
}

static void over_budget(warnings *w, const ns_ui *ui, const ns_cluster_row *c)
{
	char total[32], budget[32], text[96];
	if (!(c->cost_budget > 0 && c->cost_total > c->cost_budget))
		return;
	ns_money(c->cost_total, total);
	ns_money(c->cost_budget, budget);
	snprintf(text, sizeof text, "it costs %s a day, the budget is %s", total, budget);
	warn(w, ui, NS_ROLE_SEV_WARN, "OVER BUDGET", c, text);
}

/* The gravest kind first, and in each the clusters in their order. */
static void collect_warnings(const ns_ui *ui, warnings *w)
{
	const ns_snapshot *s = ui->snap;
	*w = (warnings){.n = 0};
	if (ui->gone)
		warn(w, ui, NS_ROLE_STATE_FAIL, "ENGINE GONE", NULL, ui->gone_why);
	if (!s)
		return;
	if (*s->trouble)
		warn(w, ui, NS_ROLE_STATE_FAIL, "TROUBLE", NULL, s->trouble);
	for (int kind = 0; kind < 8; kind++)
		for (size_t i = 0; i < s->n_clusters; i++) {
			const ns_cluster_row *c = &s->clusters[i];
			if (kind == 0 && c->storm)
				warn(w, ui, NS_ROLE_SEV_CRIT, "STORM BRAKE", c, c->storm_why);
			else if (kind == 1 && !ui->gone && *c->down_why && !c->live)
				warn(w, ui, NS_ROLE_STATE_STALE, "CLUSTER DOWN", c, c->down_why);
			else if (kind == 2 && c->insecure)
				warn(w, ui, NS_ROLE_SEV_WARN, "INSECURE TLS", c,
				    "the server's certificate is not verified; anyone on the way can read and change what is sent");
			else if (kind == 3 && *c->breakers)
				warn(w, ui, NS_ROLE_SEV_WARN, "BREAKER", c, c->breakers);
			else if (kind == 4 && !c->lease_held && *c->lease_why)
				warn(w, ui, NS_ROLE_STATE_WAIT, "OBSERVING", c, c->lease_why);
			else if (kind == 5 && *c->degraded)
				warn(w, ui, NS_ROLE_SEV_WARN, "DEGRADED", c, c->degraded);
			else if (kind == 6 && c->frozen)
				warn(w, ui, NS_ROLE_STATE_WAIT, "FROZEN", c, c->frozen_why);
			else if (kind == 7)
				over_budget(w, ui, c);
		}
}

int ns_banner_count(const ns_ui *ui)
{
	warnings w;
	collect_warnings(ui, &w);
	return w.n;
}

void ns_banners_draw(const ns_pen *p)
{
	warnings all;
	if (p->r.h <= 0)
		return;
	collect_warnings(p->ui, &all);
	const warning *w = all.w;
	int n = all.n;
	for (int i = 0; i < n && i < p->r.h; i++) {
		int used = ns_pen_bold(p, 0, i, p->r.w, w[i].role, w[i].word);
		int room = p->r.w - used - 1, hidden = i == p->r.h - 1 ? n - p->r.h + all.more : 0;
		if (hidden > 0) {
			char more[24];
			snprintf(more, sizeof more, " +%d more", hidden);
			room -= (int)strlen(more);
			ns_pen_text(p, p->r.w - (int)strlen(more), i, (int)strlen(more), NS_ROLE_TEXT_DIM, more);
		}
		ns_pen_text(p, used + 1, i, room, w[i].role, w[i].text);
	}
}

/* ---- the two last lines ---- */

enum { HINT_GAP = 2, HINT_RANKS = 10 };

static int hint_width(const ns_binding *b)
{
	return ns_utf8_width(b->keys) + 1 + ns_utf8_width(b->hint) + HINT_GAP;
}

static void hints(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	unsigned where = ns_ui_where(ui);
	int x = 0, room = p->r.w + HINT_GAP, last = 0;
	/* As many of the most important as fit, shown in the order of the table. */
	for (int rank = 1; rank <= HINT_RANKS && last == rank - 1; rank++)
		for (const ns_binding *b = ns_bindings; b->run; b++) {
			if (!b->hint || b->rank != rank || ns_binding_idle(ui, b))
				continue;
			int need = b->where & where ? hint_width(b) : 0;
			if (need <= room) {
				room -= need;
				last = rank;
			}
		}
	for (const ns_binding *b = ns_bindings; b->run; b++) {
		if (!b->hint || !(b->where & where) || b->rank > last || ns_binding_idle(ui, b))
			continue;
		bool dead = ns_binding_dead(ui, b);
		x += ns_pen_bold(p, x, 0, p->r.w - x, dead ? NS_ROLE_KEY_DISABLED : NS_ROLE_KEY_HINT, b->keys) + 1;
		x += ns_pen_text(p, x, 0, p->r.w - x, dead ? NS_ROLE_KEY_DISABLED : NS_ROLE_TEXT_DIM, b->hint) + HINT_GAP;
	}
}

/* What we ourselves cost: requests to all clusters, memory, processor. Returns the columns it took at the right. */
static int ourselves(const ns_pen *p)
{
	const ns_snapshot *s = p->ui->snap;
	char text[64];
	if (!s || !s->rss_bytes || p->r.w < 60)
		return 0;
	snprintf(text, sizeof text, "%.1f req/s %lld MB %.0f%% cpu", s->req_per_s, (long long)(s->rss_bytes >> 20), s->cpu_percent);
	int w = ns_utf8_width(text);
	ns_pen_right(p, p->r.w - w, 0, w, NS_ROLE_TEXT_DIM, text);
	return w + 2;
}

/* Nothing of our own to say: what the engine said last. */
static void newest(const ns_pen *line)
{
	ns_pen q = ns_pen_in(line, 0, 0, line->r.w - ourselves(line), 1), *p = &q;
	const ns_snapshot *s = p->ui->snap;
	char time[32];
	if (!s || !s->n_messages)
		return;
	const ns_msg_row *m = &s->messages[s->n_messages - 1];
	ns_time_format(m->at_ms, time);
	ns_pen_printf(p, 0, 0, p->r.w, m->level >= 2 ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT_DIM, "%s  %s", time + 11, m->text);
}

void ns_footer_draw(const ns_pen *flash, const ns_pen *hint)
{
	const ns_ui *ui = flash->ui;
	bool shared = flash->r.y == hint->r.y, said = *ui->flash != '\0';
	if (ui->field) {
		const char *text = ui->pane[ui->focus].filter;
		int used = ns_pen_bold(flash, 0, 0, flash->r.w, NS_ROLE_KEY_HINT, "filter /");
		used += ns_pen_text(flash, used, 0, flash->r.w - used, NS_ROLE_TEXT, text);
		ns_grid_fill(flash->g, flash->r, used, 0, 1, NS_ROLE_TEXT, NS_ATTR_REVERSE, ' ');
		ns_pen_text(flash, used + 3, 0, flash->r.w, NS_ROLE_TEXT_DIM, "Enter keeps it  Esc drops it");
	} else if (said) {
		ns_pen_text(flash, 0, 0, flash->r.w, ui->flash_error ? NS_ROLE_FLASH_ERROR : NS_ROLE_TEXT, ui->flash);
	} else if (!shared) {
		newest(flash);
	}
	if (!shared || !(ui->field || said))
		hints(hint);
}
