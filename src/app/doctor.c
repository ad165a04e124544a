/* `neuroscale-tui doctor`: checks the way to each cluster, step by step. The table below is the whole of it; the rest runs the rows,
 * independent ones beside each other and each under its own deadline, so that one target that hangs holds up only what needs it. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "doctor_priv.h"
#include "neuroscale/app/app.h"
#include "neuroscale/base/text.h"
#include "neuroscale/base/thread.h"

#define HOST   "This machine"
#define WAY    "The way there"
#define RIGHTS "Rights"
#define APIS   "What it has"
#define OTHERS "Other services"

enum { QUICK_MS = 5000, LONG_MS = 10000, WORKERS = 8 };

/* clang-format off */
const doctor_check doctor_checks[DOCTOR_COUNT] = {
	[DOCTOR_CLOCK]        = {"clock",            HOST,   false, doctor_host_clock,       0, QUICK_MS},
	[DOCTOR_FILES]        = {"open files",       HOST,   false, doctor_host_files,       0, QUICK_MS},
	[DOCTOR_TERMINAL]     = {"terminal",         HOST,   false, doctor_host_terminal,    0, QUICK_MS},
	[DOCTOR_STATE]        = {"state directory",  HOST,   false, doctor_host_state,       0, QUICK_MS},
	[DOCTOR_RUNBOOKS]     = {"runbooks",         HOST,   false, doctor_host_runbooks,    0, QUICK_MS},
	[DOCTOR_KUBECTL]      = {"kubectl",          HOST,   false, doctor_host_kubectl,     0, LONG_MS},
	[DOCTOR_KUBECONFIG]   = {"kubeconfig",       WAY,    true,  doctor_way_kubeconfig,   0, QUICK_MS},
	[DOCTOR_NETWORK]      = {"network",          WAY,    true,  doctor_way_network,      DOCTOR_BIT(KUBECONFIG), QUICK_MS},
	[DOCTOR_CERTIFICATE]  = {"certificate",      WAY,    true,  doctor_way_certificate,  DOCTOR_BIT(NETWORK), QUICK_MS},
	[DOCTOR_SKEW]         = {"clocks apart",     WAY,    true,  doctor_way_skew,         DOCTOR_BIT(NETWORK), QUICK_MS},
	[DOCTOR_LOGIN]        = {"login",            WAY,    true,  doctor_way_login,        DOCTOR_BIT(CERTIFICATE), LONG_MS},
	[DOCTOR_SERVER]       = {"server",           WAY,    true,  doctor_way_server,       DOCTOR_BIT(LOGIN), QUICK_MS},
	[DOCTOR_KUBECTL_SKEW] = {"kubectl's age",    WAY,    true,  doctor_way_kubectl_skew, DOCTOR_BIT(SERVER) | DOCTOR_BIT(KUBECTL), QUICK_MS},
	[DOCTOR_WATCH]        = {"watch",            RIGHTS, true,  doctor_rights_watch,     DOCTOR_BIT(LOGIN), LONG_MS},
	[DOCTOR_READ]         = {"read",             RIGHTS, true,  doctor_rights_read,      DOCTOR_BIT(LOGIN), LONG_MS},
	[DOCTOR_LEASE]        = {"lease",            RIGHTS, true,  doctor_rights_lease,     DOCTOR_BIT(LOGIN), LONG_MS},
	[DOCTOR_ACT]          = {"act",              RIGHTS, true,  doctor_rights_act,       DOCTOR_BIT(LOGIN), LONG_MS},
	[DOCTOR_EXCESS]       = {"more than needed", RIGHTS, true,  doctor_rights_excess,    DOCTOR_BIT(LOGIN), LONG_MS},
	[DOCTOR_KYVERNO]      = {"Kyverno",          APIS,   true,  doctor_apis_kyverno,     DOCTOR_BIT(LOGIN), QUICK_MS},
	[DOCTOR_REPORTS]      = {"policy reports",   APIS,   true,  doctor_apis_reports,     DOCTOR_BIT(LOGIN), QUICK_MS},
	[DOCTOR_ARGO]         = {"Argo CD",          APIS,   true,  doctor_apis_argo,        DOCTOR_BIT(LOGIN), QUICK_MS},
	[DOCTOR_METRICS]      = {"metrics API",      APIS,   true,  doctor_apis_metrics,     DOCTOR_BIT(LOGIN), QUICK_MS},
	[DOCTOR_OPENCOST]     = {"OpenCost",         APIS,   true,  doctor_apis_opencost,    0, LONG_MS},
	[DOCTOR_ALERTMANAGER] = {"Alertmanager",     OTHERS, false, doctor_apis_alertmanager, 0, QUICK_MS},
	[DOCTOR_PROMETHEUS]   = {"Prometheus",       OTHERS, false, doctor_apis_prometheus,  0, QUICK_MS},
	[DOCTOR_SLACK]        = {"Slack",            OTHERS, false, doctor_apis_slack,       0, QUICK_MS},
	[DOCTOR_MODEL]        = {"model provider",   OTHERS, false, doctor_apis_model,       0, QUICK_MS},
};
/* clang-format on */

/* ---- lines ---- */

static doctor_line *add(doctor_run *r, doctor_status status, const char *fix)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 4;
		doctor_line *bigger = ns_arena_alloc(r->ar, cap * sizeof *bigger);
		if (r->n)
			memcpy(bigger, r->lines, r->n * sizeof *bigger);
		r->lines = bigger;
		r->cap = cap;
	}
	doctor_line *l = &r->lines[r->n++];
	*l = (doctor_line){.status = status, .name = r->name, .text = "", .fix = ns_arena_strdup(r->ar, fix)};
	return l;
}

#define SAY(line)                                                                                                                          \
	do {                                                                                                                               \
		va_list ap;                                                                                                                \
		va_start(ap, fmt);                                                                                                         \
		(line)->text = ns_arena_vprintf(r->ar, fmt, ap);                                                                           \
		va_end(ap);                                                                                                                \
	} while (0)

void doctor_ok(doctor_run *r, const char *fmt, ...)
{
	doctor_line *l = add(r, DOCTOR_OK, NULL);
	SAY(l);
}

void doctor_skip(doctor_run *r, const char *fmt, ...)
{
	doctor_line *l = add(r, DOCTOR_SKIP, NULL);
	SAY(l);
}

void doctor_warn(doctor_run *r, const char *fix, const char *fmt, ...)
{
	doctor_line *l = add(r, DOCTOR_WARN, fix);
	SAY(l);
}

void doctor_fail(doctor_run *r, ns_code code, const char *fix, const char *fmt, ...)
{
	doctor_line *l = add(r, DOCTOR_FAIL, fix);
	l->code = code;
	SAY(l);
}

void doctor_fail_err(doctor_run *r, const ns_err *err, const char *fix)
{
	if (err->code == NS_E_CANCELLED)
		doctor_fail(r, NS_E_TIMEOUT, fix, "no answer within %d s", r->deadline_ms / 1000);
	else
		doctor_fail(r, err->code, fix, "%s", err->text);
}

void doctor_name_last(doctor_run *r, const char *name)
{
	r->lines[r->n - 1].name = ns_arena_strdup(r->ar, name);
}

const char *doctor_span(ns_arena *ar, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *word;
	} units[] = {{86400000, "day"}, {3600000, "hour"}, {60000, "minute"}, {1000, "second"}};
	size_t i = 0;
	ms = ms < 0 ? -ms : ms;
	while (i < 3 && ms < 2 * units[i].ms)
		i++;
	long long n = (long long)(ms / units[i].ms);
	return ns_arena_printf(ar, "%lld %s%s", n, units[i].word, n == 1 ? "" : "s");
}

const char *doctor_when(ns_arena *ar, int64_t at_ms, int64_t now_ms)
{
	return at_ms >= now_ms ? ns_arena_printf(ar, "in %s", doctor_span(ar, at_ms - now_ms))
	                       : ns_arena_printf(ar, "%s ago", doctor_span(ar, now_ms - at_ms));
}

/* ---- running ---- */

typedef enum job_state { WAITING, RUNNING, DONE } job_state;
typedef struct job {
	doctor_id id;
	doctor_run run;
	job_state state;
	bool failed; /* or skipped for want of what it needs: what needs it is skipped too */
	int64_t start_ms, took_ms;
} job;

typedef struct ward {
	const doctor_opts *o;
	doctor_host host;
	doctor_target *targets;
	job *jobs;
	size_t n, left;
	pthread_mutex_t mu; /* over the jobs' states */
	pthread_cond_t change;
	ns_wake *done; /* rung for the caller's thread */
	bool leaving;
} ward;

static const job *job_of(const ward *w, doctor_id id, const doctor_target *t)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->jobs[i].id == id && (!w->jobs[i].run.t || w->jobs[i].run.t == t))
			return &w->jobs[i];
	return NULL;
}

/* Whether all that it needs is done; *unmet is the first of them that failed. */
static bool ready(const ward *w, const job *j, const job **unmet)
{
	*unmet = NULL;
	for (int id = 0; id < DOCTOR_COUNT; id++) {
		const job *x = w->o->checks[j->id].needs & 1ull << id ? job_of(w, (doctor_id)id, j->run.t) : NULL;
		if (x && x->state != DONE)
			return false;
		if (x && x->failed && !*unmet)
			*unmet = x;
	}
	return true;
}

static job *next_job(ward *w, const job **unmet)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->jobs[i].state == WAITING && (w->leaving || ready(w, &w->jobs[i], unmet)))
			return &w->jobs[i];
	return NULL;
}

static void perform(const ward *w, job *j, const job *unmet, bool leaving)
{
	doctor_run *r = &j->run;
	if (unmet) {
		/* Of a chain the first link is what matters. */
		const char *why = unmet->run.n && unmet->run.lines[0].unmet ? unmet->run.lines[0].text : unmet->run.name;
		doctor_line *l = add(r, DOCTOR_SKIP, NULL);
		l->unmet = true;
		l->text = ns_arena_strdup(r->ar, why);
	} else if (!leaving) {
		w->o->checks[j->id].run(r);
		if (!r->n)
			doctor_fail(r, NS_E_FAILED, NULL, "it said nothing");
	}
	for (size_t i = 0; i < r->n; i++)
		j->failed |= (r->lines[i].status == DOCTOR_FAIL && !r->lines[i].soft) || r->lines[i].unmet;
}

static void work(void *ctx, ns_cancel *cancel)
{
	ward *w = ctx;
	pthread_mutex_lock(&w->mu);
	while (w->left) {
		const job *unmet = NULL;
		job *j = next_job(w, &unmet);
		if (!j) {
			pthread_cond_wait(&w->change, &w->mu);
			continue;
		}
		w->left--;
		j->state = RUNNING;
		j->start_ms = ns_real_mono_ms();
		bool leaving = w->leaving;
		pthread_mutex_unlock(&w->mu);
		ns_wake_ring(w->done); /* it has a deadline now */
		perform(w, j, unmet, leaving);
		pthread_mutex_lock(&w->mu);
		j->took_ms = ns_real_mono_ms() - j->start_ms;
		j->state = DONE;
		pthread_cond_broadcast(&w->change);
		ns_wake_ring(w->done);
	}
	pthread_mutex_unlock(&w->mu);
}

/* Fires the cancel of what is late; when the next one will be, -1 none. */
static int64_t watch_deadlines(ward *w)
{
	int64_t next = -1, now = ns_real_mono_ms();
	for (size_t i = 0; i < w->n; i++) {
		const job *j = &w->jobs[i];
		int64_t at = j->start_ms + j->run.deadline_ms;
		if (j->state == RUNNING && (w->leaving || at <= now))
			ns_cancel_fire(j->run.cancel);
		else if (j->state == RUNNING)
			next = ns_sooner(next, at - now);
	}
	return next;
}

static void show_and_wait(ward *w)
{
	for (size_t shown = 0; shown < w->n;) {
		pthread_mutex_lock(&w->mu);
		if (ns_cancel_fired(w->o->leave) && !w->leaving) {
			w->leaving = true;
			pthread_cond_broadcast(&w->change);
		}
		int64_t wait = watch_deadlines(w);
		const job *j = w->jobs[shown].state == DONE ? &w->jobs[shown] : NULL;
		bool leaving = w->leaving;
		pthread_mutex_unlock(&w->mu);
		if (j) {
			if (!leaving)
				w->o->show(
				    w->o->ctx, &w->o->checks[j->id], j->run.t ? j->run.t->name : "", j->run.lines, j->run.n, j->took_ms);
			shown++;
			continue;
		}
		struct pollfd p[] = {
		    {.fd = ns_wake_fd(w->done), .events = POLLIN}, {.fd = leaving ? -1 : ns_cancel_fd(w->o->leave), .events = POLLIN}};
		poll(p, 2, (int)wait);
		ns_wake_clear(w->done);
	}
}

static void admit(ward *w, doctor_id id, doctor_target *t)
{
	const doctor_check *c = &w->o->checks[id];
	w->jobs[w->n++] = (job){.id = id,
	    .run = {
	        .name = c->name, .host = &w->host, .t = t, .cancel = ns_cancel_new(), .deadline_ms = c->deadline_ms, .ar = ns_arena_new()}};
}

/* Rows of the table in order; a run of cluster rows comes once per cluster. */
static void admit_all(ward *w)
{
	for (int id = 0; id < DOCTOR_COUNT;) {
		int end = id;
		while (end < DOCTOR_COUNT && w->o->checks[end].cluster == w->o->checks[id].cluster)
			end++;
		for (size_t k = 0; k < (w->o->checks[id].cluster ? w->o->n_clusters : 1); k++)
			for (int i = id; i < end; i++)
				admit(w, (doctor_id)i, w->o->checks[id].cluster ? &w->targets[k] : NULL);
		id = end;
	}
	w->left = w->n;
}

static void discharge(ward *w)
{
	for (size_t i = 0; i < w->n; i++) {
		ns_cancel_free(w->jobs[i].run.cancel);
		ns_arena_free(w->jobs[i].run.ar);
	}
	for (size_t k = 0; k < w->o->n_clusters; k++) {
		ns_kubeconfig_free(w->targets[k].kc);
		ns_way_free(&w->targets[k].way);
	}
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->mu);
	ns_wake_free(w->done);
	free(w->targets);
	free(w->jobs);
}

bool doctor_run_all(const doctor_opts *o)
{
	ward w = {.o = o, .host = {.cfg = o->cfg}, .done = ns_wake_new()};
	pthread_mutex_init(&w.mu, NULL);
	ns_cond_init(&w.change);
	w.targets = ns_xcalloc(o->n_clusters + 1, sizeof *w.targets);
	w.jobs = ns_xcalloc((size_t)DOCTOR_COUNT * (o->n_clusters + 1), sizeof *w.jobs);
	for (size_t k = 0; k < o->n_clusters; k++)
		w.targets[k] = (doctor_target){.cfg = o->clusters[k], .name = o->clusters[k]->cluster};
	admit_all(&w);
	ns_services *threads = ns_services_new();
	ns_err err = {0};
	const ns_service row = {"doctor", work, &w};
	for (int i = 0; i < WORKERS; i++)
		if (!ns_services_start(threads, &row, &err) && i == 0)
			work(&w, NULL); /* no thread to be had: one by one */
	show_and_wait(&w);
	ns_services_stop(threads);
	bool complete = !w.leaving;
	discharge(&w);
	return complete;
}

/* ---- the command ---- */

static int print_role(const ns_config *cfg)
{
	const ns_config *c = cfg->clusters[0];
	ns_err err = {0};
	if (cfg->n_clusters > 1) {
		ns_fail(&err, NS_E_USAGE, "each of the %zu clusters has rights of its own: name one with --cluster", cfg->n_clusters);
		return ns_app_failed(&err);
	}
	ns_buf out = NS_BUF_INIT;
	ns_rights_yaml(&out, &(ns_rights_opts){.allowed_actions = c->allowed_actions,
	                         .lease_ns = c->lease_ns,
	                         .exception_ns = c->exception_ns,
	                         .namespaces = *cfg->act_in ? cfg->act_in : c->namespaces,
	                         .watch_ns = c->namespaces,
	                         .tls_secrets = c->tls_secrets});
	fputs(ns_buf_str(&out), stdout);
	ns_buf_free(&out);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int columns(void)
{
	struct winsize ws = {0};
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 ? ws.ws_col : 0;
}

int ns_app_doctor(const ns_config *cfg, const ns_cancel *cancel)
{
	int64_t start = ns_real_mono_ms();
	if (cfg->role)
		return print_role(cfg);
	doctor_printer *p = doctor_printer_new(cfg->json, isatty(STDOUT_FILENO) && !cfg->no_color, columns());
	doctor_opts o = {.cfg = cfg,
	    .clusters = cfg->clusters,
	    .n_clusters = cfg->n_clusters,
	    .leave = cancel,
	    .show = doctor_print,
	    .ctx = p,
	    .checks = doctor_checks};
	bool complete = doctor_run_all(&o);
	return doctor_printer_end(p, complete, ns_real_mono_ms() - start);
}
