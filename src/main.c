/* NeuroScale Autopilot: a console in which five agents repair Kubernetes workloads and a person approves.
 *
 * The map of the house. Calls go down; only wake-ups go up. Contracts are in include/neuroscale/ROOM, code in src/ROOM.
 *
 *   app      the modes of the program: console, headless, demo, sim, verbs; puts the real adapters together
 *   tui cli  clients of the door: they show pictures and submit decisions, nothing else
 *   engine   orchestrator, worker pool, gate, breaker, door, picture publisher, control socket; the only writer of the store
 *              engine.c life and threads · cluster.c one of several clusters · intake.c alerts in · jobs.c workers · steps_think.c analyze and plan ·
 *              steps_act.c dry-run, gate, intent, send · verify.c verdicts · timers.c silence is no · recover.c after a crash ·
 *              decide.c approve and reject · publish.c the picture · gate.c, breaker.c pure tables
 *   agents   detector, analyzer, planner, executor, escalation, verifier: from facts to facts
 *   store    every fact, decision and transition, SQLite behind a contract without SQLite, the audit chain
 *   kube     kubeconfig, HTTP client, list and watch, Lease · llm the offline analyst · runbook library, embedder, search ·
 *   cost     OpenCost · gitops Argo CD, Flux, Helm · policy Kyverno · sim the simulated cluster (blind to each other)
 *   config   option table, files, clusters, freeze windows, themes
 *   sys      child processes, files, digests · model plain data, vocabularies, strict JSON and YAML, redaction
 *   base     errors, log, buffers, arena, clock, cancel, threads, queue, text
 *
 * An incident's way: detector -> intake.c -> store -> worker: analyze -> plan -> dry-run -> gate -> (auto, or decide.c) ->
 * worker: execute -> verify.c -> resolved, or planned again, or a person. Each arrow is one transaction. */
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <curl/curl.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/cli/cli.h"
#include "neuroscale/model/redact.h"

enum { PATIENCE_MS = 1000 };
static const int leaving[] = {SIGTERM, SIGINT, SIGHUP};

typedef struct signals {
	sigset_t set;
	ns_cancel *leave;
} signals;

/* Asked again while the stop hangs: at once, with the terminal as it was (atexit), and even if that hangs too. What a child still does is
 * known by its lock and its intent, and is settled by the next engine. */
static void leave_now(int sig)
{
	sigset_t alarm_only;
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
	alarm(2);
	exit(128 + sig);
}

/* The one thread that takes signals. SIGUSR2 is ours: main asks it to end. A hang-up is often followed by a SIGTERM at once: only a second
 * wish after a while is one. */
static void *wait_for_signals(void *ctx)
{
	signals *s = ctx;
	int64_t asked = 0;
	int sig;
	while (sigwait(&s->set, &sig) == 0 && sig != SIGUSR2) {
		int64_t now = ns_real_mono_ms();
		if (asked && now - asked >= PATIENCE_MS && (sig == SIGTERM || sig == SIGINT))
			leave_now(sig);
		asked = asked ? asked : now;
		ns_cancel_fire(s->leave);
	}
	return NULL;
}

/* What ends us cleanly. One that was ignored when we were started (nohup, a background job of a shell) stays ignored. */
static void signals_of_ours(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR2);
	for (size_t i = 0; i < sizeof leaving / sizeof leaving[0]; i++) {
		struct sigaction now;
		if (sigaction(leaving[i], NULL, &now) != 0 || now.sa_handler != SIG_IGN)
			sigaddset(set, leaving[i]);
	}
}

static int (*question_of(const ns_config *cfg))(const ns_config *)
{
	static const struct { const char *name; int (*run)(const ns_config *cfg); } rows[] = {
	    {"audit", ns_app_audit}, {"runbook", ns_app_runbook}, {"export", ns_app_export}, {"gate", ns_app_gate},
	    {"replay", ns_app_replay}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, cfg->command) == 0)
			return rows[i].run;
	return NULL;
}

/* A question and its answer: no threads, and a signal simply ends it. */
static bool is_question(const ns_config *cfg)
{
	return ns_cli_is_verb(cfg->command) || question_of(cfg);
}

static int run(const ns_config *cfg, const ns_cancel *leave)
{
	static const struct { const char *name; int (*run)(const ns_config *cfg, const ns_cancel *leave); } modes[] = {
	    {"", ns_app_console}, {"sim", ns_app_sim}, {"doctor", ns_app_doctor}, {"demo", ns_app_demo}, {"eval", ns_app_eval},
	    {"policy", ns_app_policy}};
	if (cfg->headless)
		return ns_app_headless(cfg, leave);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(modes[i].name, cfg->command) == 0)
			return modes[i].run(cfg, leave);
	return 1;
}

/* Keys and tokens are in memory, and a core file is read by others and kept for long. Children have it from us. */
static void no_core_file(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_CORE, &l) == 0) {
		l.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &l);
	}
}

static int print_buf(ns_buf *b)
{
	fputs(ns_buf_str(b), stdout);
	ns_buf_free(b);
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	ns_err err = {0};
	no_core_file();
	setlocale(LC_CTYPE, ""); /* only this: a decimal comma would break JSON */
	mallopt(M_ARENA_MAX, 2); /* a dozen mostly sleeping threads need no heap each */
	ns_config *cfg = ns_config_load(argc, argv, &err);
	if (!cfg)
		return ns_app_failed(&err);
	ns_redact_emails(cfg->redact_email);
	ns_buf text = NS_BUF_INIT;
	int status = 0;
	if (cfg->help) {
		ns_config_help(&text, cfg->command);
		status = print_buf(&text);
	} else if (cfg->version) {
		printf("neuroscale-tui %s (%s)\n", NS_VERSION, curl_version());
	} else if (cfg->dump_config) {
		ns_config_dump(cfg, &text);
		status = print_buf(&text);
	} else if (is_question(cfg)) {
		status = question_of(cfg) ? question_of(cfg)(cfg) : ns_app_verb(cfg);
	} else {
		signals s = {.leave = ns_cancel_new()};
		pthread_t thread;
		signals_of_ours(&s.set);
		sigaddset(&s.set, SIGPIPE); /* blocked, not waited for by anybody else: writes say EPIPE */
		pthread_sigmask(SIG_BLOCK, &s.set, NULL); /* before the first thread */
		sigdelset(&s.set, SIGPIPE);
		curl_global_init(CURL_GLOBAL_DEFAULT);
		if (pthread_create(&thread, NULL, wait_for_signals, &s) != 0) {
			fprintf(stderr, "neuroscale-tui: no thread for signals\n");
			return 1;
		}
		status = run(cfg, s.leave);
		pthread_kill(thread, SIGUSR2);
		pthread_join(thread, NULL);
		ns_cancel_free(s.leave);
		curl_global_cleanup();
	}
	ns_config_free(cfg);
	return status;
}
