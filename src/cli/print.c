#include <stdio.h>
#include <string.h>
#include "cli_priv.h"
#include "neuroscale/base/clock.h"

static void print_wrapped(const char *label, const char *text)
{
	if (text[0])
		printf("%-12s%s\n", label, text);
}

/* Many lines under one label, each indented. */
static void print_block(const char *label, const char *text)
{
	if (!text[0])
		return;
	printf("%s\n", label);
	while (*text) {
		size_t n = strcspn(text, "\n");
		printf("    %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* By the engine's clock; its last picture may be minutes old when nothing happened since. */
static int64_t now_of(const ns_snapshot *s)
{
	ns_clock *c = s->clock[0] ? ns_clock_parse(s->clock, NULL) : ns_clock_real();
	int64_t now = c ? ns_clock_wall_ms(c) : s->taken_ms;
	if (c)
		ns_clock_free(c);
	return now;
}

/* Where it is: with its cluster when there are several. */
static const char *where_of(const ns_snapshot *s, const char *cluster, const char *ns, const char *target, char out[256])
{
	bool several = s->n_clusters > 1;
	snprintf(out, 256, "%s%s%s%s%s", several ? cluster : "", several ? ": " : "", ns, *ns ? "/" : "", target);
	return out;
}

static bool wanted(const char *cluster, const char *only)
{
	return !*only || strcmp(cluster, only) == 0;
}

void ns_cli_approvals(const ns_snapshot *s, const char *only)
{
	int64_t now = now_of(s);
	size_t shown = 0;
	for (size_t i = 0; i < s->n_approvals; i++) {
		const ns_appr_row *a = &s->approvals[i];
		char left[64], where[256];
		if (!wanted(a->cluster, only))
			continue;
		shown++;
		where_of(s, a->cluster, a->ns, a->target, where);
		if (a->state == NS_CARD_BLOCKED) {
			printf("-  %s\n   %s\n", a->headline, a->summary);
			continue;
		}
		if (a->state == NS_CARD_PREPARING) {
			printf("-  %s  (%s; the dry-run is out)\n", a->headline, where);
			continue;
		}
		int64_t rest = a->deadline_ms > now ? (a->deadline_ms - now) / 1000 : 0;
		snprintf(left, sizeof left, "%lld:%02lld", (long long)(rest / 60), (long long)(rest % 60));
		printf("%lld  %s  (%s, risk %s, %s left)\n", (long long)a->id, a->headline, where, ns_risk_name(a->risk), left);
		printf("   %s\n", a->summary);
		if (a->ask[0])
			printf("   why you     %s\n", a->ask);
		if (a->analyst[0])
			printf("   analyst     %s\n", a->analyst);
		if (a->people[0])
			printf("   people      %s\n", a->people);
		if (a->autonomy[0])
			printf("   autonomy    %s\n", a->autonomy);
		print_block("   changes", a->diff);
		printf("   runs        %s\n", a->command);
		printf("   approve     neuroscale-tui approve %lld --digest %.12s\n", (long long)a->id, a->digest);
	}
	if (!shown)
		puts("nothing waits for a decision");
}

void ns_cli_undo(const ns_appr_row *r)
{
	char until[32];
	ns_time_format(r->deadline_ms, until);
	printf("%s  (%s %s/%s in %s, possible until %s)\n", r->headline, r->target_kind, r->ns, r->target, r->cluster, until);
	print_block("   changes", r->diff);
	printf("   runs        %s\n", r->command);
	printf("   undo        neuroscale-tui undo %lld --digest %.12s\n", (long long)r->incident, r->digest);
}

void ns_cli_incidents(const ns_snapshot *s, const char *only)
{
	int64_t now = now_of(s);
	size_t shown = 0;
	for (size_t i = 0; i < s->n_incidents; i++) {
		const ns_inc_row *r = &s->incidents[i];
		char age[16], where[256]; /* the same name lives in many namespaces, and in many clusters */
		if (!wanted(r->cluster, only))
			continue;
		shown++;
		ns_duration_format(now - r->opened_ms, age);
		where_of(s, r->cluster, r->ns, r->target, where);
		printf("%-4lld %-4s %-18s %-34.34s %-18s %-9s %5s  %s\n", (long long)r->id, ns_severity_name(r->severity), ns_kind_get(r->kind)->title,
		    where, ns_state_get(r->state)->name, ns_verdict_name(r->verdict), age, r->headline[0] ? r->headline : r->reason);
	}
	if (!shown)
		puts("no incidents");
}

void ns_cli_incident(const ns_detail *d)
{
	const ns_inc_row *r = &d->row;
	char at[32];
	printf("#%lld %s  %s %s%s%s%s%s  [%s%s%s]\n", (long long)r->id, ns_kind_get(r->kind)->title, r->target_kind, r->ns, r->ns[0] ? "/" : "", r->target,
	    r->container[0] ? ", container " : "", r->container, ns_state_get(r->state)->name, r->verdict ? ", " : "", ns_verdict_name(r->verdict));
	print_wrapped("cluster", r->cluster);
	print_wrapped("note", r->note);
	print_wrapped("summary", d->summary);
	print_wrapped("cause", d->root_cause);
	print_wrapped("reasoning", d->reasoning);
	if (d->root_cause[0])
		printf("%-12s%.0f %% by %s (%s)\n", "confidence", d->confidence * 100, d->provider, d->cause_class);
	print_wrapped("analyst", d->analysis);
	print_block("model", d->usage);
	for (size_t i = 0; i < d->n_evidence; i++)
		printf("  %-4s %-9s %s %s\n", d->evidence[i].id, d->evidence[i].kind, d->evidence[i].trusted ? "       " : "(text) ", d->evidence[i].text);
	if (d->runbook[0])
		printf("%-12s%s (score %.2f, margin %.2f)\n", "runbook", d->runbook, d->score, d->margin);
	print_wrapped("plan", d->plan_summary);
	for (size_t i = 0; i < d->n_plan_steps; i++)
		printf("  %zu. %s\n", i + 1, d->plan_steps[i]);
	print_wrapped("runs", d->command);
	print_wrapped("by hand", d->manual_command);
	print_block("changes", d->diff);
	print_wrapped("dry-run", d->dryrun_error);
	print_wrapped("warnings", d->warnings);
	print_wrapped("undo", d->undo);
	print_wrapped("undo now", d->undo_state);
	if (*d->undo_digest)
		printf("%-12sneuroscale-tui undo %lld --digest %.12s\n", "", (long long)r->id, d->undo_digest);
	print_wrapped("verify", d->verify);
	print_wrapped("digest", d->digest);
	for (size_t i = 0; i < d->n_reasons; i++)
		printf("%-12s%s\n", i ? "" : "why you", d->reasons[i]);
	print_wrapped("autonomy", d->autonomy);
	print_wrapped("next", d->next_steps);
	print_wrapped("execution", d->execution);
	print_wrapped("verdict", d->verification);
	for (size_t i = 0; i < d->n_history; i++) {
		ns_time_format(d->history[i].at_ms, at);
		printf("  %s  %-14s %s\n", at, d->history[i].who, d->history[i].what);
	}
}
