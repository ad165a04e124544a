/* `eval loop [--runs N] [--seed S]`: the fault pack on the simulated cluster, each scenario N times with other seeds, once as its script
 * says and once with profile auto and nobody there. Each play is a process of its own; a play for which this machine was too busy is played
 * again, slower. */
#include "eval_loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "eval.h"
#include "neuroscale/base/text.h"

enum {
	AT_ONCE_PER_CPU = 4, /* a play mostly waits */
	TRIES = 3,
	FIXED_SEED = 1,
};

typedef struct loop {
	loop_tally tally;
	crew_job *jobs;
	/* of each job: its row in the tally; how often it was played; what it said, or why it said nothing */
	size_t *row;
	int *tries;
	cJSON **run;
	const char **why;
	size_t n, over;
	bool shown; /* a person watches standard error */
} loop;

/* What it said last, when it gave no figures. */
static const char *last_words(ns_arena *ar, const ns_spawn_res *res)
{
	const char *text = ns_buf_str(&res->err_out), *end = text + strlen(text);
	while (end > text && end[-1] == '\n')
		end--;
	const char *line = end;
	while (line > text && line[-1] != '\n')
		line--;
	ns_buf b = NS_BUF_INIT;
	ns_text_clean(&b, line, (size_t)(end - line), 300, false);
	return ns_arena_take(ar, &b);
}

static bool over(void *ctx, size_t i, const ns_spawn_res *res, const ns_err *err)
{
	loop *l = ctx;
	ns_arena *ar = l->tally.ar;
	cJSON *run = res ? ns_json_parse(ns_buf_str(&res->out), res->out.len, &ns_json_strict, NULL) : NULL;
	if (loop_too_busy(run) && ++l->tries[i] < TRIES) {
		l->tally.repeated++;
		l->jobs[i].rate = loop_slower(run);
		cJSON_Delete(run);
		return false;
	}
	l->run[i] = run;
	l->why[i] = !res             ? ns_arena_strdup(ar, err->text)
	            : res->timed_out ? ns_arena_printf(ar, "not over after %ld s", res->elapsed_ms / 1000)
	                             : ns_arena_printf(ar, "no figures, exit status %d: %s", res->exit_code, last_words(ar, res));
	l->over++;
	if (l->shown)
		fprintf(stderr, "\r%zu of %zu runs%s", l->over, l->n, l->over == l->n ? "\r\033[K" : "");
	return true;
}

/* In the order of the jobs, whichever was over first: the same seed prints the same. */
static void count(loop *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->run[i])
			loop_add(&l->tally, l->row[i], l->jobs[i].mode, l->run[i]);
		else
			loop_add_lost(&l->tally, l->row[i], l->jobs[i].mode, l->jobs[i].seed, l->why[i]);
	loop_shuffle(&l->tally);
}

static bool asked_for(const ns_config *cfg, const ns_sim_scenario *sc)
{
	return !cfg->scenario[0] || strcmp(cfg->scenario, sc->name) == 0;
}

static crew_job *cast(const ns_config *cfg, loop *l, const char *const *names)
{
	size_t most = l->tally.n_rows * LOOP_MODES * (size_t)cfg->runs + 1;
	crew_job *jobs = ns_xcalloc(most, sizeof *jobs);
	l->row = ns_arena_alloc(l->tally.ar, most * sizeof *l->row);
	l->tries = ns_arena_alloc(l->tally.ar, most * sizeof *l->tries);
	l->run = ns_arena_alloc(l->tally.ar, most * sizeof *l->run);
	l->why = ns_arena_alloc(l->tally.ar, most * sizeof *l->why);
	for (int run = 1; run <= cfg->runs; run++)
		for (size_t row = 0; row < l->tally.n_rows; row++)
			for (int mode = 0; mode < LOOP_MODES; mode++) {
				const ns_sim_scenario *sc = ns_sim_scenario_find(names[row]);
				if (!play_fits(sc, (play_mode)mode))
					continue;
				l->row[l->n] = row;
				jobs[l->n++] = (crew_job){.sc = sc,
				    .mode = (play_mode)mode,
				    .seed = loop_run_seed(l->tally.seed, run),
				    .rate = cfg->rate,
				    .figures = true};
			}
	return jobs;
}

static int at_once(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return (int)((cpus < 1 ? 1 : cpus > CREW_MOST ? CREW_MOST : cpus) * AT_ONCE_PER_CPU);
}

int eval_loop(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	size_t n = 0;
	if (cfg->scenario[0] && !ns_sim_scenario_find(cfg->scenario)) {
		ns_fail(&err, NS_E_USAGE, "there is no scenario \"%s\": `neuroscale-tui demo --scenario list` prints them", cfg->scenario);
		return ns_app_failed(&err);
	}
	ns_arena *ar = ns_arena_new();
	for (const ns_sim_scenario *s = ns_sim_scenarios; s->name; s++)
		n += asked_for(cfg, s);
	const char **names = ns_arena_alloc(ar, (n + 1) * sizeof *names);
	n = 0;
	for (const ns_sim_scenario *s = ns_sim_scenarios; s->name; s++)
		if (asked_for(cfg, s))
			names[n++] = s->name;

	loop l = {.shown = isatty(STDERR_FILENO)};
	loop_begin(&l.tally, ar, names, n);
	l.tally.seed = cfg->seed ? cfg->seed : FIXED_SEED;
	l.tally.runs = cfg->runs;
	l.tally.rate = cfg->rate > 0 ? cfg->rate : PLAY_RATE;
	crew_job *jobs = cast(cfg, &l, names);
	l.jobs = jobs;
	bool ok = crew_run(jobs, l.n, at_once(), over, &l, cancel, &err);
	if (ok) {
		count(&l);
		ns_buf text = NS_BUF_INIT;
		loop_print(&l.tally, &text);
		printf("%s\n", ns_buf_str(&text));
		ns_buf_free(&text);
		ok = eval_print(loop_json(&l.tally), &err);
	}
	bool safe = loop_safe(&l.tally);
	for (size_t i = 0; i < l.n; i++)
		cJSON_Delete(l.run[i]);
	loop_end(&l.tally);
	free(jobs);
	ns_arena_free(ar);
	return ok ? !safe : ns_app_failed(&err);
}
