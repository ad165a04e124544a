/* Several clusters on one screen: each in a word and its colour, the strip under the header, and the page that says all of it. */
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "view.h"
#include <stdio.h>
#include <string.h>

enum { STALE_MS = 15000, GAP = 2 };

bool ns_ui_several(const ns_ui *ui)
{
	return ui->snap && ui->snap->n_clusters > 1;
}

const ns_cluster_row *ns_ui_cluster(const ns_ui *ui, const char *name)
{
	return ui->snap ? ns_snapshot_cluster(ui->snap, name) : NULL;
}

/* What the panes show: one cluster, or all. */
bool ns_ui_shows_cluster(const ns_ui *ui, const char *name)
{
	return !*ui->cluster || strcmp(ui->cluster, name) == 0;
}

ns_color_role ns_cluster_role(const ns_cluster_row *c)
{
	static const struct { const char *word; ns_color_role role; } roles[] = {{"red", NS_ROLE_CLUSTER_RED}, {"green", NS_ROLE_CLUSTER_GREEN},
	    {"yellow", NS_ROLE_CLUSTER_YELLOW}, {"blue", NS_ROLE_CLUSTER_BLUE}, {"magenta", NS_ROLE_CLUSTER_MAGENTA}, {"cyan", NS_ROLE_CLUSTER_CYAN}};
	for (size_t i = 0; c && i < sizeof roles / sizeof *roles; i++)
		if (!strcmp(c->color, roles[i].word))
			return roles[i].role;
	return NS_ROLE_TEXT_STRONG;
}

/* The link has been down long enough for what is shown to mislead. */
bool ns_cluster_stale(const ns_ui *ui, const ns_cluster_row *c)
{
	return ui->gone || ((!c->live || !c->synced) && c->link_since_ms > 0 && ui->wall - c->link_since_ms > STALE_MS);
}

/* The worst that holds, in a word. */
ns_word ns_word_cluster(const ns_ui *ui, const ns_cluster_row *c)
{
	if (ui->gone)
		return (ns_word){"GONE", NS_ROLE_STATE_FAIL};
	if (!c->live && *c->down_why)
		return (ns_word){"DOWN", NS_ROLE_STATE_FAIL};
	if (ns_cluster_stale(ui, c))
		return (ns_word){"STALE", NS_ROLE_STATE_STALE};
	if (!c->live || !c->synced)
		return (ns_word){c->live ? "syncing" : "connecting", NS_ROLE_STATE_RUN};
	if (c->storm)
		return (ns_word){"STORM", NS_ROLE_SEV_CRIT};
	if (*c->breakers)
		return (ns_word){"BREAKER", NS_ROLE_SEV_WARN};
	if (!c->lease_held)
		return (ns_word){"NO LEASE", NS_ROLE_STATE_WAIT};
	if (c->frozen)
		return (ns_word){"FROZEN", NS_ROLE_STATE_WAIT};
	return (ns_word){"live", NS_ROLE_STATE_OK};
}

/* ---- the strip: as much of each as fits ---- */

typedef enum amount { ALL_OF_IT, NO_COUNT, NAME_AND_STATE, TROUBLE_ONLY, AMOUNTS } amount;

/* Draws one cluster at x, or measures it when p is NULL. Returns its width. */
static int one(const ns_pen *p, int x, const ns_ui *ui, const ns_cluster_row *c, amount how)
{
	char text[300];
	ns_word state = ns_word_cluster(ui, c);
	bool fine = state.role == NS_ROLE_STATE_OK, picked = !strcmp(ui->cluster, c->name);
	int at = x;
	snprintf(text, sizeof text, picked ? "[%s]" : "%s", c->name);
	at += p ? ns_pen_bold(p, at, 0, p->r.w - at, ns_cluster_role(c), text) : ns_utf8_width(text);
	if (how <= NO_COUNT) {
		snprintf(text, sizeof text, " %s", ns_profile_name(c->profile));
		at += p ? ns_pen_text(p, at, 0, p->r.w - at, NS_ROLE_TEXT_DIM, text) : ns_utf8_width(text);
	}
	if (how < TROUBLE_ONLY || !fine) {
		snprintf(text, sizeof text, " %s", state.text);
		at += p ? ns_pen_text(p, at, 0, p->r.w - at, state.role, text) : ns_utf8_width(text);
	}
	if (c->insecure && how < TROUBLE_ONLY)
		at += p ? ns_pen_text(p, at, 0, p->r.w - at, NS_ROLE_SEV_WARN, " insecure") : 9;
	if (how == ALL_OF_IT || c->n_waiting) {
		bool waits = c->n_waiting > 0;
		if (how == ALL_OF_IT)
			snprintf(text, sizeof text, waits ? " %zu open %zu!" : " %zu open", c->n_open, c->n_waiting);
		else
			snprintf(text, sizeof text, " %zu!", c->n_waiting);
		ns_color_role role = waits ? NS_ROLE_STATE_WAIT : NS_ROLE_TEXT_DIM;
		at += p ? ns_pen_text(p, at, 0, p->r.w - at, role, text) : ns_utf8_width(text);
	}
	return at - x;
}

static int width_of(const ns_ui *ui, amount how)
{
	int w = 0;
	for (size_t i = 0; i < ui->snap->n_clusters; i++)
		w += one(NULL, 0, ui, &ui->snap->clusters[i], how) + GAP;
	return w - GAP;
}

void ns_strip_draw(const ns_pen *p)
{
	const ns_ui *ui = p->ui;
	if (!ns_ui_several(ui) || p->r.h < 1)
		return;
	int how = ALL_OF_IT, x = 0;
	while (how < TROUBLE_ONLY && width_of(ui, (amount)how) > p->r.w)
		how++;
	size_t n = ui->snap->n_clusters, first = 0;
	for (size_t i = 0; i < n; i++) /* the picked one is always in sight */
		if (!strcmp(ui->cluster, ui->snap->clusters[i].name) && width_of(ui, (amount)how) > p->r.w)
			first = i;
	for (size_t k = 0; k < n; k++) {
		const ns_cluster_row *c = &ui->snap->clusters[(first + k) % n];
		int w = one(NULL, 0, ui, c, (amount)how), rest = k + 1 < n ? GAP + 3 : 0;
		if (k && x + w + rest > p->r.w) {
			ns_pen_printf(p, x, 0, p->r.w - x, NS_ROLE_TEXT_DIM, "+%zu", n - k);
			return;
		}
		x += one(p, x, ui, c, (amount)how) + GAP;
	}
}

/* ---- the page ---- */

static void cost_of(const ns_cluster_row *c, ns_doc *d)
{
	char total[32], budget[32];
	if (*c->cost_error)
		ns_doc_printf(d, "COST", NS_ROLE_SEV_WARN, "OpenCost does not answer: %s", c->cost_error);
	if (!c->cost_at_ms)
		return;
	ns_money(c->cost_total, total);
	ns_money(c->cost_budget, budget);
	bool over = c->cost_budget > 0 && c->cost_total > c->cost_budget;
	ns_doc_printf(d, "COST", over ? NS_ROLE_SEV_WARN : NS_ROLE_TEXT, "%s a day%s%s%s", total, c->cost_budget > 0 ? ", budget " : "",
	    c->cost_budget > 0 ? budget : "", over ? ": over" : "");
}

static void spent(ns_doc *d, const char *label, const char *window, const ns_spent_row *r)
{
	char calls[32] = "", tokens[32] = "", usd[32] = "";
	if (r->most_calls >= 0)
		snprintf(calls, sizeof calls, " of %lld", (long long)r->most_calls);
	if (r->most_tokens >= 0)
		snprintf(tokens, sizeof tokens, " of %lld", (long long)r->most_tokens);
	if (r->most_micro_usd >= 0)
		snprintf(usd, sizeof usd, " of %.4g", (double)r->most_micro_usd / 1e6);
	ns_doc_printf(d, label, NS_ROLE_TEXT, "%s: %lld%s calls, %lld%s tokens, %.4f%s USD", window, (long long)r->calls, calls, (long long)r->tokens, tokens,
	    (double)r->micro_usd / 1e6, usd);
}

/* Who thinks, what that has cost, and whose word counts for less. */
static void model_of(const ns_snapshot *s, ns_doc *d)
{
	const ns_model_row *m = &s->model;
	if (!m->on)
		return;
	ns_doc_blank(d);
	ns_doc_printf(d, "MODEL", NS_ROLE_TEXT, "%s analyses; runbooks are found by %s vectors", *m->offline_why || !*m->name ? "the offline analyst" : m->name, m->finds);
	ns_doc_put(d, "OFFLINE", NS_ROLE_STATE_WAIT, m->offline_why);
	ns_doc_put(d, "CAPPED", NS_ROLE_SEV_WARN, m->capped);
	spent(d, "SPENT", "in an hour", &m->hour);
	spent(d, NULL, "in a day", &m->day);
}

void ns_clusters_doc(const ns_ui *ui, ns_doc *d)
{
	const ns_snapshot *s = ui->snap;
	if (!s) {
		ns_doc_put(d, NULL, NS_ROLE_TEXT_DIM, "Waiting for the engine.");
		return;
	}
	for (size_t i = 0; i < s->n_clusters; i++) {
		const ns_cluster_row *c = &s->clusters[i];
		ns_word state = ns_word_cluster(ui, c);
		if (i)
			ns_doc_blank(d);
		ns_doc_printf(d, NULL, ns_cluster_role(c), "%s  (%s)", c->name, ns_profile_name(c->profile));
		ns_doc_put(d, "STATE", state.role, state.text);
		ns_doc_put(d, "DOWN", NS_ROLE_STATE_FAIL, c->live ? "" : c->down_why);
		ns_doc_put(d, "STORM", NS_ROLE_SEV_CRIT, c->storm ? c->storm_why : "");
		ns_doc_put(d, "BREAKERS", NS_ROLE_SEV_WARN, c->breakers);
		ns_doc_put(d, "LEASE", c->lease_held ? NS_ROLE_TEXT : NS_ROLE_STATE_WAIT, c->lease_held ? "held" : *c->lease_why ? c->lease_why : "not held");
		ns_doc_put(d, "FROZEN", NS_ROLE_STATE_WAIT, c->frozen ? c->frozen_why : "");
		ns_doc_put(d, "DEGRADED", NS_ROLE_SEV_WARN, c->degraded);
		if (c->insecure)
			ns_doc_put(d, "TLS", NS_ROLE_SEV_WARN, "not verified: anyone on the way can read and change what is sent");
		ns_doc_printf(d, "CONTEXT", NS_ROLE_TEXT, "%s%s%s%s%s", c->context, *c->server ? "  " : "", c->server, *c->user ? "  as " : "", c->user);
		ns_doc_printf(d, "WATCHED", NS_ROLE_TEXT, "%lld pods, %lld workloads (%lld unhealthy), %lld nodes", (long long)c->pods, (long long)c->workloads,
		    (long long)c->unhealthy, (long long)c->nodes);
		ns_doc_printf(d, "INCIDENTS", NS_ROLE_TEXT, "%zu open, %zu critical, %zu waiting for an answer", c->n_open, c->n_crit, c->n_waiting);
		cost_of(c, d);
		ns_doc_printf(d, "REQUESTS", NS_ROLE_TEXT_DIM, "%.1f a second, %lld in all", c->req_per_s, (long long)c->requests);
	}
	model_of(s, d);
	ns_doc_blank(d);
	ns_doc_printf(d, "OURSELVES", NS_ROLE_TEXT_DIM, "%.1f requests a second, %lld MB, %.1f %% of a core", s->req_per_s, (long long)(s->rss_bytes >> 20),
	    s->cpu_percent);
}
