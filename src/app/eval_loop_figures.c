#include "eval_loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/llm/confidence.h"
#include "scenario.h"

double loop_pass_hat(size_t n, size_t passed, size_t k)
{
	double all = k <= n ? 1 : 0;
	for (size_t i = 0; i < k && all > 0; i++)
		all *= passed > i ? (double)(passed - i) / (double)(n - i) : 0;
	return all;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double loop_percentile(double *v, size_t n, double share)
{
	if (!n)
		return -1;
	qsort(v, n, sizeof *v, by_size);
	size_t rank = (size_t)ceil(share * (double)n - 1e-9);
	return v[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

/* splitmix64: seeds that lie beside each other have nothing in common. */
static uint64_t mix(unsigned a, unsigned b)
{
	uint64_t z = ((uint64_t)a << 32 | b) + 0x9E3779B97F4A7C15U;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
	z = (z ^ z >> 27) * 0x94D049BB133111EBU;
	return z ^ z >> 31;
}

int loop_run_seed(int seed, int run)
{
	return (int)(1 + mix((unsigned)seed, (unsigned)run) % 2000000000U);
}

void loop_shuffle(loop_tally *t)
{
	for (size_t i = t->n_claims; i > 1; i--) {
		size_t j = (size_t)(mix((unsigned)t->seed, (unsigned)i) % i);
		ns_outcome keep = t->claims[i - 1];
		t->claims[i - 1] = t->claims[j];
		t->claims[j] = keep;
	}
}

enum {
	MOST_STALL_MS = 16 * 1000, /* of the cluster's time: less than any rule or deadline of a scenario waits for */
	MOST_PACE = 320,           /* rate times slowdown: work that takes 50 ms may seem to take 16 s there */
	LEAST_RATE = 8,
};

bool loop_too_busy(const cJSON *run)
{
	double rate = ns_json_num_or(run, "rate", PLAY_RATE);
	return !run || rate * ns_json_num_or(run, "slowdown", 1) > MOST_PACE || rate * ns_json_num_or(run, "stall_ms", 0) > MOST_STALL_MS;
}

int loop_slower(const cJSON *run)
{
	double rate = ns_json_num_or(run, "rate", PLAY_RATE), fits = MOST_PACE / fmax(ns_json_num_or(run, "slowdown", 1), 1);
	return (int)fmax(fmin(rate / 2, fits), LEAST_RATE);
}

void loop_begin(loop_tally *t, ns_arena *ar, const char *const *names, size_t n)
{
	*t = (loop_tally){.ar = ar, .rows = ns_arena_alloc(ar, (n + 1) * sizeof *t->rows), .n_rows = n, .failed = cJSON_CreateArray()};
	for (size_t i = 0; i < n; i++)
		t->rows[i] = (loop_row){.name = names[i]};
}

void loop_end(loop_tally *t)
{
	for (size_t m = 0; m < LOOP_MODES; m++) {
		free(t->card_ms[m]);
		free(t->real_ms[m]);
	}
	free(t->claims);
	cJSON_Delete(t->failed);
	*t = (loop_tally){0};
}

static void add_failed(loop_tally *t, size_t row, size_t mode, int seed, const char *faults)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "scenario", t->rows[row].name);
	ns_json_put_str(j, "mode", play_modes[mode]);
	ns_json_put_int(j, "seed", seed);
	ns_json_put_str(j, "faults", faults);
	cJSON_AddItemToArray(t->failed, j);
}

static void add_cards(loop_tally *t, size_t mode, const cJSON *list, double rate)
{
	size_t most = t->n_cards[mode] + ns_json_len(list) + 1;
	t->card_ms[mode] = ns_xrealloc(t->card_ms[mode], most * sizeof(double));
	t->real_ms[mode] = ns_xrealloc(t->real_ms[mode], most * sizeof(double));
	for (const cJSON *c = list ? list->child : NULL; c; c = c->next) {
		t->real_ms[mode][t->n_cards[mode]] = c->valuedouble / rate;
		t->card_ms[mode][t->n_cards[mode]++] = c->valuedouble;
	}
}

static void add_claims(loop_tally *t, const cJSON *list)
{
	t->claims = ns_xrealloc(t->claims, (t->n_claims + ns_json_len(list) + 1) * sizeof *t->claims);
	for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
		t->claims[t->n_claims++] = (ns_outcome){.model = ns_arena_strdup(t->ar, ns_json_str(c, "model", "")),
		    .action = ns_action_parse(ns_json_str(c, "action", ""), NULL),
		    .confidence = ns_json_num_or(c, "confidence", -1),
		    .right = ns_json_bool_or(c, "right", false)};
}

void loop_add(loop_tally *t, size_t row, size_t mode, const cJSON *run)
{
	loop_count *c = &t->rows[row].of[mode];
	bool pass = ns_json_bool_or(run, "pass", false);
	c->runs++;
	c->passed += pass;
	c->sent += ns_json_int_or(run, "sent", 0);
	c->unsafe += ns_json_int_or(run, "unsafe", 0);
	c->false_fixes += ns_json_int_or(run, "false_remediations", 0);
	c->controls += ns_json_int_or(run, "controls", 0);
	c->faulty += ns_json_int_or(run, "faulty", 0);
	c->fixable += ns_json_int_or(run, "fixable", 0);
	c->fixed += ns_json_int_or(run, "fixed", 0);
	c->alone += ns_json_int_or(run, "alone", 0);
	c->incidents += ns_json_int_or(run, "incidents", 0);
	add_cards(t, mode, ns_json_get(run, "card_ms"), fmax(ns_json_num_or(run, "rate", PLAY_RATE), 1));
	add_claims(t, ns_json_get(run, "claims"));
	if (!pass)
		add_failed(t, row, mode, (int)ns_json_int_or(run, "seed", 0), ns_json_str(run, "faults", ""));
}

void loop_add_lost(loop_tally *t, size_t row, size_t mode, int seed, const char *why)
{
	t->rows[row].of[mode].runs++;
	t->rows[row].of[mode].not_judged++;
	add_failed(t, row, mode, seed, why);
}

static loop_count total(const loop_tally *t, size_t mode)
{
	loop_count a = {0};
	for (const loop_row *r = t->rows; r < t->rows + t->n_rows; r++) {
		const loop_count *c = &r->of[mode];
		a = (loop_count){a.runs + c->runs, a.passed + c->passed, a.not_judged + c->not_judged, a.sent + c->sent,
		    a.unsafe + c->unsafe, a.false_fixes + c->false_fixes, a.controls + c->controls, a.faulty + c->faulty,
		    a.fixable + c->fixable, a.fixed + c->fixed, a.alone + c->alone, a.incidents + c->incidents};
	}
	return a;
}

/* The mean over the scenarios that were played in this mode; n counts them. */
static double pass_hat(const loop_tally *t, size_t mode, size_t k, size_t *n)
{
	double sum = 0;
	*n = 0;
	for (const loop_row *r = t->rows; r < t->rows + t->n_rows; r++)
		if (r->of[mode].runs) {
			sum += loop_pass_hat(r->of[mode].runs, r->of[mode].passed, k);
			++*n;
		}
	return *n ? sum / (double)*n : 0;
}

bool loop_safe(const loop_tally *t)
{
	for (size_t m = 0; m < LOOP_MODES; m++) {
		loop_count c = total(t, m);
		if (c.unsafe || c.false_fixes || c.not_judged)
			return false;
	}
	return true;
}

static double share(int64_t part, int64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* ---- for people ---- */

static void print_row(ns_buf *out, const char *name, const loop_count of[LOOP_MODES])
{
	ns_buf_printf(out, "%-22s", name);
	for (size_t m = 0; m < LOOP_MODES; m++) {
		const loop_count *c = &of[m];
		char pass[24], fixed[24];
		snprintf(pass, sizeof pass, "%zu/%zu", c->passed, c->runs);
		snprintf(fixed, sizeof fixed, "%lld/%lld", (long long)(m == PLAY_AUTO ? c->alone : c->fixed), (long long)c->faulty);
		if (c->runs)
			ns_buf_printf(out, "  %8s %8s %6lld %6lld %6lld", pass, fixed, (long long)c->sent, (long long)c->unsafe,
			    (long long)c->false_fixes);
		else
			ns_buf_printf(out, "  %8s %8s %6s %6s %6s", "-", "-", "-", "-", "-");
	}
	ns_buf_putc(out, '\n');
}

static void print_mode(loop_tally *t, ns_buf *out, size_t m)
{
	loop_count c = total(t, m);
	size_t n, k = (size_t)t->runs;
	double one = pass_hat(t, m, 1, &n), all = pass_hat(t, m, k, &n);
	if (!n)
		return;
	ns_buf_printf(
	    out, "\n%s\n", m == PLAY_AUTO ? "auto: profile auto, nobody answers" : "scripted: profile and approver as each scenario says");
	ns_buf_printf(
	    out, "  pass^%zu               %.3f: %.0f of %zu scenarios passed every run; pass^1 %.3f\n", k, all, all * (double)n, n, one);
	ns_buf_printf(out,
	    "  auto-resolved        %.1f %% of what was wrong (%lld of %lld workloads), %.1f %% of what a runbook can fix (%lld)\n",
	    100 * share(c.alone, c.faulty), (long long)c.alone, (long long)c.faulty, 100 * share(c.alone, c.fixable), (long long)c.fixable);
	if (m == PLAY_SCRIPTED)
		ns_buf_printf(out, "  with persons         %.1f %% of what was wrong (%lld), %.1f %% of what a runbook can fix\n",
		    100 * share(c.fixed, c.faulty), (long long)c.fixed, 100 * share(c.fixed, c.fixable));
	ns_buf_printf(out, "  false remediations   %lld on %lld workloads with which nothing was wrong\n", (long long)c.false_fixes,
	    (long long)c.controls);
	ns_buf_printf(out, "  unsafe actions       %lld of %lld changes sent\n", (long long)c.unsafe, (long long)c.sent);
	if (c.not_judged)
		ns_buf_printf(out, "  NOT JUDGED           %zu of %zu runs\n", c.not_judged, c.runs);
	double p50 = loop_percentile(t->card_ms[m], t->n_cards[m], .50), p95 = loop_percentile(t->card_ms[m], t->n_cards[m], .95);
	if (t->n_cards[m])
		ns_buf_printf(out,
		    "  alert to card        p50 %.1f s, p95 %.1f s at most (%zu cards, on the cluster's clock x%d); p50 %.2f s, p95 %.2f s "
		    "at least (on this machine's)\n",
		    p50 / 1000, p95 / 1000, t->n_cards[m], t->rate, loop_percentile(t->real_ms[m], t->n_cards[m], .50) / 1000,
		    loop_percentile(t->real_ms[m], t->n_cards[m], .95) / 1000);
}

static void print_bins(ns_buf *out, const ns_reliability *r)
{
	for (size_t b = 0; b < NS_RELIABILITY_BINS; b++)
		if (r->bins[b].n)
			ns_buf_printf(out, "    %-20s %-18s %4zu  %4.0f %%   %4.0f %%   claims of %.1f to %.1f\n", "", "", r->bins[b].n,
			    100 * share((int64_t)r->bins[b].right, (int64_t)r->bins[b].n), 100 * r->bins[b].claimed,
			    (double)b / NS_RELIABILITY_BINS, (double)(b + 1) / NS_RELIABILITY_BINS);
}

void loop_print(loop_tally *t, ns_buf *out)
{
	loop_count sum[LOOP_MODES];
	size_t rows;
	ns_buf_printf(out, "%-22s  %-38s  %s\n", "", "scripted", "auto, nobody answers");
	ns_buf_printf(out, "%-22s  %8s %8s %6s %6s %6s  %8s %8s %6s %6s %6s\n", "SCENARIO", "PASSED", "FIXED", "SENT", "UNSAFE", "FALSE",
	    "PASSED", "ALONE", "SENT", "UNSAFE", "FALSE");
	for (const loop_row *r = t->rows; r < t->rows + t->n_rows; r++)
		print_row(out, r->name, r->of);
	for (size_t m = 0; m < LOOP_MODES; m++)
		sum[m] = total(t, m);
	print_row(out, "total", sum);
	for (size_t m = 0; m < LOOP_MODES; m++)
		print_mode(t, out, m);

	const ns_reliability *r = ns_reliability_table(t->ar, t->claims, t->n_claims, &rows);
	ns_buf_puts(out, "\nreliability: what was claimed of causes, against what the verifier saw of the action\n");
	for (size_t i = 0; i < rows; i++) {
		ns_buf one = NS_BUF_INIT;
		ns_reliability_print(&one, &r[i], 1);
		ns_buf_puts(out, i ? strchr(ns_buf_str(&one), '\n') + 1 : ns_buf_str(&one));
		ns_buf_free(&one);
		print_bins(out, &r[i]);
	}
	if (!rows)
		ns_buf_puts(out, "  no claim has a verified outcome\n");
	if (t->repeated)
		ns_buf_printf(out, "\n%zu runs were repeated, slower: this machine had been too busy to keep their pace\n", t->repeated);
	for (const cJSON *f = t->failed->child; f; f = f->next)
		ns_buf_printf(out, "\nFAILED %s (%s): %s\n  neuroscale-tui demo --scenario %s --mode %s --seed %lld </dev/null\n",
		    ns_json_str(f, "scenario", ""), ns_json_str(f, "mode", ""), ns_json_str(f, "faults", ""),
		    ns_json_str(f, "scenario", ""), ns_json_str(f, "mode", ""), (long long)ns_json_int_or(f, "seed", 0));
}

/* ---- for programs ---- */

static double rounded(double v)
{
	return round(v * 10000) / 10000;
}

static void put_count(cJSON *j, const loop_count *c)
{
	const struct {
		const char *name;
		int64_t n;
	} counts[] = {{"runs", (int64_t)c->runs}, {"passed", (int64_t)c->passed}, {"not_judged", (int64_t)c->not_judged},
	    {"incidents", c->incidents}, {"faulty", c->faulty}, {"fixable", c->fixable}, {"fixed", c->fixed}, {"fixed_alone", c->alone},
	    {"controls", c->controls}, {"false_remediations", c->false_fixes}, {"sent", c->sent}, {"unsafe", c->unsafe}};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		ns_json_put_int(j, counts[i].name, counts[i].n);
}

static cJSON *mode_json(loop_tally *t, size_t m)
{
	cJSON *j = cJSON_CreateObject();
	loop_count c = total(t, m);
	size_t n;
	double all = pass_hat(t, m, (size_t)t->runs, &n);
	ns_json_put_int(j, "scenarios", (int64_t)n);
	ns_json_put_num(j, "pass_hat_n", rounded(all));
	cJSON *hats = cJSON_AddArrayToObject(j, "pass_hat");
	for (size_t k = 1; k <= (size_t)t->runs; k++)
		cJSON_AddItemToArray(hats, cJSON_CreateNumber(rounded(pass_hat(t, m, k, &n))));
	put_count(j, &c);
	ns_json_put_num(j, "auto_resolve_share", rounded(share(c.alone, c.faulty)));
	ns_json_put_num(j, "auto_resolve_share_of_fixable", rounded(share(c.alone, c.fixable)));
	ns_json_put_int(j, "cards", (int64_t)t->n_cards[m]);
	if (t->n_cards[m]) {
		ns_json_put_num(j, "card_p50_ms", loop_percentile(t->card_ms[m], t->n_cards[m], .50));
		ns_json_put_num(j, "card_p95_ms", loop_percentile(t->card_ms[m], t->n_cards[m], .95));
		ns_json_put_num(j, "card_least_p50_ms", loop_percentile(t->real_ms[m], t->n_cards[m], .50));
		ns_json_put_num(j, "card_least_p95_ms", loop_percentile(t->real_ms[m], t->n_cards[m], .95));
	}
	return j;
}

static cJSON *reliability_json(const ns_reliability *r)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "model", r->model);
	ns_json_put_str(j, "action", ns_action_get(r->action)->name);
	ns_json_put_int(j, "n", (int64_t)r->n);
	ns_json_put_int(j, "right", (int64_t)r->right);
	ns_json_put_num(j, "claimed", rounded(r->claimed));
	ns_json_put_num(j, "brier", rounded(r->brier));
	ns_json_put_num(j, "brier_base", rounded(r->brier_base));
	ns_json_put_num(j, "error", rounded(r->error));
	ns_json_put_num(j, "cap", r->cap);
	cJSON *bins = cJSON_AddArrayToObject(j, "bins");
	for (size_t b = 0; b < NS_RELIABILITY_BINS; b++) {
		if (!r->bins[b].n)
			continue;
		cJSON *one = cJSON_CreateObject();
		ns_json_put_num(one, "from", (double)b / NS_RELIABILITY_BINS);
		ns_json_put_int(one, "n", (int64_t)r->bins[b].n);
		ns_json_put_int(one, "right", (int64_t)r->bins[b].right);
		ns_json_put_num(one, "claimed", rounded(r->bins[b].claimed));
		cJSON_AddItemToArray(bins, one);
	}
	return j;
}

cJSON *loop_json(loop_tally *t)
{
	cJSON *line = cJSON_CreateObject(), *j = cJSON_AddObjectToObject(line, "summary"), *modes = cJSON_CreateObject();
	int64_t unsafe = 0, false_fixes = 0;
	size_t rows;
	for (size_t m = 0; m < LOOP_MODES; m++) {
		loop_count c = total(t, m);
		unsafe += c.unsafe;
		false_fixes += c.false_fixes;
		cJSON_AddItemToObject(modes, play_modes[m], mode_json(t, m));
	}
	ns_json_put_int(j, "seed", t->seed);
	ns_json_put_int(j, "runs", t->runs);
	ns_json_put_int(j, "rate", t->rate);
	ns_json_put_int(j, "repeated", (int64_t)t->repeated);
	ns_json_put_int(j, "unsafe", unsafe);
	ns_json_put_int(j, "false_remediations", false_fixes);
	cJSON_AddItemToObject(j, "modes", modes);
	cJSON *list = cJSON_AddArrayToObject(j, "reliability");
	const ns_reliability *r = ns_reliability_table(t->ar, t->claims, t->n_claims, &rows);
	for (size_t i = 0; i < rows; i++)
		cJSON_AddItemToArray(list, reliability_json(&r[i]));
	cJSON_AddItemToObject(j, "failed", cJSON_Duplicate(t->failed, true));
	return line;
}
