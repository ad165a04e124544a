/* Inside doctor: a check is one row (name, function, what it needs), a result one line. doctor.c runs them, doctor_print.c shows them; the checks
 * are in doctor_host.c (this machine), doctor_way.c (the way to a cluster), doctor_rights.c and
 * doctor_excess.c (what we may do there), doctor_apis.c (what it has).
 * No check changes anything. */
#ifndef NEUROSCALE_APP_DOCTOR_PRIV_H
#define NEUROSCALE_APP_DOCTOR_PRIV_H
#include <stdatomic.h>
#include "neuroscale/agents/kubectl.h"
#include "neuroscale/agents/rights.h"
#include "neuroscale/base/arena.h"
#include "neuroscale/base/cancel.h"
#include "neuroscale/config/config.h"
#include "neuroscale/kube/client.h"
#include "neuroscale/kube/probe.h"

typedef enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP } doctor_status;
typedef struct doctor_line {
	doctor_status status;
	ns_code code;     /* of a failure: the exit status */
	bool unmet;       /* skipped because what it needs failed; text names that */
	bool soft;        /* a failure that keeps nothing else from being checked */
	const char *name, *text, *fix; /* fix: the way out, "" none */
} doctor_line;

/* What stands in a row of the table: enum doctor_id is its index. */
typedef enum doctor_id {
	DOCTOR_CLOCK, DOCTOR_FILES, DOCTOR_TERMINAL, DOCTOR_STATE, DOCTOR_RUNBOOKS, DOCTOR_KUBECTL,
	DOCTOR_KUBECONFIG, DOCTOR_NETWORK, DOCTOR_CERTIFICATE, DOCTOR_SKEW, DOCTOR_LOGIN, DOCTOR_SERVER, DOCTOR_KUBECTL_SKEW,
	DOCTOR_WATCH, DOCTOR_READ, DOCTOR_LEASE, DOCTOR_ACT, DOCTOR_EXCESS,
	DOCTOR_KYVERNO, DOCTOR_REPORTS, DOCTOR_ARGO, DOCTOR_METRICS, DOCTOR_OPENCOST,
	DOCTOR_ALERTMANAGER, DOCTOR_PROMETHEUS, DOCTOR_SLACK, DOCTOR_MODEL,
	DOCTOR_COUNT
} doctor_id;

/* This machine; written by its own checks. */
typedef struct doctor_host {
	const ns_config *cfg;
	ns_kubectl_info kubectl;
} doctor_host;

/* One cluster under test. Each member is written by one check and read by those that need that check. */
typedef struct doctor_target {
	const ns_config *cfg;     /* its settings */
	const char *name;         /* as configured; else the context's, once known */
	ns_kubeconfig *kc;        /* DOCTOR_KUBECONFIG */
	ns_way way;               /* DOCTOR_NETWORK */
	char version[48];         /* DOCTOR_SERVER */
	int minor;
} doctor_target;

/* A check at work. One thread. */
typedef struct doctor_run {
	const char *name;         /* of the check */
	doctor_host *host;
	doctor_target *t;         /* NULL: this machine */
	ns_cancel *cancel;        /* fires at the check's deadline */
	int deadline_ms;
	ns_arena *ar;
	doctor_line *lines;
	size_t n, cap;
} doctor_run;

typedef struct doctor_check {
	const char *name, *group; /* group: printed above the first of it */
	bool cluster;             /* once per cluster */
	void (*run)(doctor_run *r);
	uint64_t needs;           /* bits of doctor_id: not run unless these did not fail */
	int deadline_ms;
} doctor_check;
extern const doctor_check doctor_checks[DOCTOR_COUNT];
#define DOCTOR_BIT(id) (1ull << DOCTOR_##id)

/* ---- doctor.c ---- */
void doctor_ok(doctor_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_skip(doctor_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_warn(doctor_run *r, const char *fix, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void doctor_fail(doctor_run *r, ns_code code, const char *fix, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void doctor_fail_err(doctor_run *r, const ns_err *err, const char *fix); /* a deadline of ours is told as one */
void doctor_name_last(doctor_run *r, const char *name);                  /* another name than the check's for the last line */

typedef struct doctor_opts {
	const ns_config *cfg;
	const ns_config *const *clusters; /* one per cluster under test */
	size_t n_clusters;
	const ns_cancel *leave;
	/* Called in the order of the table, on the caller's thread, as soon as a check and all before it are done. cluster "" is this machine. */
	void (*show)(void *ctx, const doctor_check *check, const char *cluster, const doctor_line *lines, size_t n, int64_t took_ms);
	void *ctx;
	const doctor_check *checks;       /* DOCTOR_COUNT rows */
} doctor_opts;
/* Runs every check, independent ones beside each other. False when it was left early. */
bool doctor_run_all(const doctor_opts *o);

/* ---- doctor_print.c ---- */
typedef struct doctor_printer doctor_printer;
doctor_printer *doctor_printer_new(bool json, bool color, int columns); /* columns 0: no wrapping */
void doctor_print(void *printer, const doctor_check *check, const char *cluster, const doctor_line *lines, size_t n, int64_t took_ms);
/* The last line, and the exit status: 0, or that of the first failure. Frees. */
int doctor_printer_end(doctor_printer *p, bool complete, int64_t took_ms);

/* ---- words that several checks use ---- */
/* "in 12 days", "3 hours ago". */
const char *doctor_when(ns_arena *ar, int64_t at_ms, int64_t now_ms);
const char *doctor_span(ns_arena *ar, int64_t ms); /* "12 days" */

/* ---- doctor_rights.c ---- */
extern const char doctor_less[];                                /* the way out of too few rights and of too many */
ns_rights_opts doctor_rights_opts(const doctor_run *r);
const char *const *doctor_act_in(const doctor_run *r);          /* where it may act, as far as the options say */

/* ---- the checks ---- */
void doctor_host_clock(doctor_run *r);
void doctor_host_files(doctor_run *r);
void doctor_host_terminal(doctor_run *r);
void doctor_host_state(doctor_run *r);
void doctor_host_runbooks(doctor_run *r);
void doctor_host_kubectl(doctor_run *r);
void doctor_way_kubeconfig(doctor_run *r);
void doctor_way_network(doctor_run *r);
void doctor_way_certificate(doctor_run *r);
void doctor_way_skew(doctor_run *r);
void doctor_way_login(doctor_run *r);
void doctor_way_server(doctor_run *r);
void doctor_way_kubectl_skew(doctor_run *r);
void doctor_rights_watch(doctor_run *r);
void doctor_rights_read(doctor_run *r);
void doctor_rights_lease(doctor_run *r);
void doctor_rights_act(doctor_run *r);
void doctor_rights_excess(doctor_run *r);
void doctor_apis_kyverno(doctor_run *r);
void doctor_apis_reports(doctor_run *r);
void doctor_apis_argo(doctor_run *r);
void doctor_apis_metrics(doctor_run *r);
void doctor_apis_opencost(doctor_run *r);
void doctor_apis_alertmanager(doctor_run *r);
void doctor_apis_prometheus(doctor_run *r);
void doctor_apis_slack(doctor_run *r);
void doctor_apis_model(doctor_run *r);
#endif
