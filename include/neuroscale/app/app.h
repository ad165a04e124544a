/* The modes of the program: each puts the real adapters together and runs until it is over. main.c picks one. */
#ifndef NEUROSCALE_APP_APP_H
#define NEUROSCALE_APP_APP_H
#include "neuroscale/base/cancel.h"
#include "neuroscale/config/config.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/store/store.h"

/* Each returns the exit status (EXIT STATUS in neuroscale-tui(1)). cancel fires on SIGTERM, SIGINT and SIGHUP. */
int ns_app_console(const ns_config *cfg, const ns_cancel *cancel);  /* attaches to a running engine, else starts one */
int ns_app_headless(const ns_config *cfg, const ns_cancel *cancel);
int ns_app_verb(const ns_config *cfg);                              /* a CLI verb on the running engine */
int ns_app_audit(const ns_config *cfg);                             /* proves the audit, or writes it out; reads the store only */
int ns_app_replay(const ns_config *cfg);                            /* 1 when a decision differs; reads the store only */
int ns_app_runbook(const ns_config *cfg);                           /* the library and its drafts; needs no engine */
int ns_app_gate(const ns_config *cfg);                              /* why the gate decided; reads the store only */
int ns_app_export(const ns_config *cfg);                            /* reads the store only */
int ns_app_eval(const ns_config *cfg, const ns_cancel *cancel);     /* figures on data files and on the simulated cluster */
int ns_app_doctor(const ns_config *cfg, const ns_cancel *cancel);   /* prints what it finds; 0 when nothing failed */
int ns_app_policy(const ns_config *cfg, const ns_cancel *cancel);   /* our exceptions in the clusters, and what they tell */
int ns_app_sim(const ns_config *cfg, const ns_cancel *cancel);
int ns_app_demo(const ns_config *cfg, const ns_cancel *cancel);     /* with a terminal a console, without one every scenario, judged */

/* Prints "neuroscale-tui: words" and gives the exit status of the error. */
int ns_app_failed(const ns_err *err);
/* For commands that need no engine: the record, to read; what names an incident; "" a day or a time. Each NS_E_USAGE, or says what is missing. */
ns_store *ns_app_record(const ns_config *cfg, ns_err *err);
bool ns_app_incident_id(const char *text, int64_t *id, ns_err *err);
bool ns_app_since(const char *text, int64_t *wall_ms, ns_err *err); /* "" is 0 */
/* The engine's options from the configuration; strings are borrowed from it. A cluster's from its own (cfg->clusters[i]); kc may be NULL. */
void ns_app_cluster_opts(const ns_config *cfg, const ns_kubeconfig *kc, ns_cluster_opts *o);
void ns_app_engine_opts(const ns_config *cfg, const ns_cluster_opts *clusters, size_t n, const ns_clock *clock, ns_engine_opts *o);
/* Runs the screen; the log goes to STATE_DIR/neuroscale-tui.log meanwhile. Either door is there already, or open makes it behind the first
 * frame (on another thread); whoever opened closes afterwards. */
typedef struct ns_app_screen_opts {
	const char *state_dir;
	const ns_door *door;
	bool (*open)(void *ctx, ns_door *out, ns_err *err);
	void *open_ctx;
	const ns_clock *clock;
	const ns_cancel *cancel;
} ns_app_screen_opts;
bool ns_app_screen(const ns_config *cfg, const ns_app_screen_opts *o, ns_err *err);
/* Where the demo keeps its state unless told otherwise: beside the default state directory. Caller frees. */
char *ns_app_demo_dir(const ns_config *cfg);
/* --scenario, headless, in this process: prints the log and "ok NAME" or "FAILED NAME: why"; with --json the figures of the run instead, and the log on
 * stderr. True when it ended as it must. */
bool ns_app_scenario(const ns_config *cfg, const char *state_dir, const ns_cancel *cancel, ns_err *err);
/* All of them, in processes of their own, a few at a time. Returns the exit status. */
int ns_app_scenarios(const ns_config *cfg, const ns_cancel *cancel);
#endif
