/* All scenarios, each in a process of its own, a few at a time; their logs are printed whole, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "neuroscale/app/app.h"

enum { AT_ONCE = 8 };

typedef struct tally {
	const crew_job *jobs;
	size_t passed, failed;
	ns_buf summary;
} tally;

static bool over(void *ctx, size_t job, const ns_spawn_res *res, const ns_err *err)
{
	tally *t = ctx;
	const ns_sim_scenario *sc = t->jobs[job].sc;
	bool ok = res && res->exit_code == 0;
	const char *out = res ? ns_buf_str(&res->out) : "", *last = out;
	for (const char *p = out; (p = strchr(p, '\n')) && p[1]; p++)
		last = p + 1;
	printf("--- %s: %s\n    %s\n%s%s", sc->name, sc->title, sc->teaches, out, res ? ns_buf_str(&res->err_out) : "");
	if (!res)
		printf("FAILED %s: %s\n", sc->name, err->text);
	else if (res->timed_out)
		printf("FAILED %s: not over after %ld s\n", sc->name, res->elapsed_ms / 1000);
	fflush(stdout);
	const char *words = res ? strstr(last, sc->name) : NULL; /* the verdict begins with what the summary's columns say */
	if (words)
		words += strlen(sc->name) + strspn(words + strlen(sc->name), ": ");
	ns_buf_printf(&t->summary, "%s  %-22s %s", ok ? "ok    " : "FAILED", sc->name, words && *words ? words : "no verdict\n");
	*(ok ? &t->passed : &t->failed) += 1;
	return true;
}

int ns_app_scenarios(const ns_config *cfg, const ns_cancel *cancel)
{
	size_t n = 0;
	ns_err err = {0};
	while (ns_sim_scenarios[n].name)
		n++;
	crew_job *jobs = ns_xcalloc(n, sizeof *jobs);
	for (size_t i = 0; i < n; i++)
		jobs[i] = (crew_job){.sc = &ns_sim_scenarios[i], .mode = (play_mode)cfg->mode, .seed = cfg->seed, .rate = cfg->rate};
	tally t = {.jobs = jobs};
	bool ran = crew_run(jobs, n, AT_ONCE, over, &t, cancel, &err);
	printf("\n%s%zu scenarios ended as they must, %zu did not\n", ns_buf_str(&t.summary), t.passed, t.failed);
	ns_buf_free(&t.summary);
	free(jobs);
	return ran ? t.failed > 0 : ns_app_failed(&err);
}
